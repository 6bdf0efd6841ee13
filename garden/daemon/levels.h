// How loud a stream is, for who watches it: of each captured run of |step| frames the least and the greatest
// sample of all channels, and of each channel its peak since that was last told. It looks at the octets that
// the chunks get, on the I/O thread, and not at the source: what was not captured has no level.
#ifndef GARDEN_DAEMON_LEVELS_H
#define GARDEN_DAEMON_LEVELS_H

#include "../capture.h"

enum {
    LEVELS_STEPS_MAX = 64,   // that one report holds; older ones, which nobody fetched, are dropped
    LEVELS_CHANNELS_MAX = 8, // whose peaks are told
    LEVELS_STEPS_A_SECOND = 50 // enough for a waveform, and a few hundred octets a second
};

// In thousandths of full scale; a float may be beyond it.
struct levels_report {
    uint64_t first; // of the frames that are captured: where |steps| begin
    uint32_t step;  // frames; 0: nothing is told
    size_t count;
    int16_t least[LEVELS_STEPS_MAX], greatest[LEVELS_STEPS_MAX];
    size_t channel_count;
    int16_t peaks[LEVELS_CHANNELS_MAX];
};

struct levels {
    struct garden_stream_format format;
    uint32_t frame_size, filled; // frames of the step that is not over
    float least, greatest;       // of these
    float peaks[LEVELS_CHANNELS_MAX];
    struct levels_report report;
};

// MIDI has none.
void levels_init(struct levels *levels, const struct garden_stream_format *format);
// Whole frames that a chunk got.
void levels_add(struct levels *levels, const uint8_t *octets, uint64_t size);
// What came since the last time.
void levels_take(struct levels *levels, struct levels_report *out);

#endif
