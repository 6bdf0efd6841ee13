// What makes a kind of source: a table of functions, and the object that they work on.
#ifndef GARDEN_DAEMON_DRIVER_H
#define GARDEN_DAEMON_DRIVER_H

#include "source.h"

struct driver {
    // Fills kind, rate, channels, sample, frames and live of |info|. On failure nothing is left open.
    int (*open)(void **out, const struct source_spec *spec, struct source_info *info,
                struct garden_error *error);
    void (*close)(void *device);
    // These do as their namesakes in source.h say. Null: nothing ever fails, or is lost.
    bool (*rewind)(void *device);
    size_t (*read)(void *device, union source_sample *out, size_t count); // of audio
    size_t (*read_midi)(void *device, uint8_t *out, size_t wanted);       // of MIDI
    bool (*ended)(const void *device);
    bool (*failed)(const void *device);
    uint64_t (*lost)(const void *device);
};

extern const struct driver driver_files, driver_sine, driver_noise, driver_counter, driver_stdin;
extern const struct driver driver_midi, driver_midi_counter;
#ifdef GARDEN_ALSA
extern const struct driver driver_alsa, driver_midi_alsa;
#endif
#ifdef GARDEN_PIPEWIRE
extern const struct driver driver_pipewire;
#endif

// One sample of |format| at |in| as a source's own sample.
union source_sample driver_sample(enum garden_sample_format format, const uint8_t *in);

#endif
