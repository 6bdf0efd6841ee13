// Where a stream's audio comes from: files played one after the other; a tone, noise or a counter that
// is computed; octets on standard input; or a device of ALSA or PipeWire, when their libraries were there
// at the build (make deps-audio). Or its MIDI: raw octets of a file or device, numbered messages that are
// computed, or a port of ALSA. A source is read by one thread at a time.
#ifndef GARDEN_DAEMON_SOURCE_H
#define GARDEN_DAEMON_SOURCE_H

#include "../capture.h"

enum source_kind {
    SOURCE_FILES,
    SOURCE_SINE,
    SOURCE_NOISE,
    SOURCE_COUNTER,
    SOURCE_STDIN,
    SOURCE_ALSA,
    SOURCE_PIPEWIRE,
    SOURCE_MIDI,
    SOURCE_MIDI_COUNTER,
    SOURCE_MIDI_ALSA,
};

enum { SOURCE_NAME_SIZE = 64, SOURCE_DEVICE_SIZE = 128, SOURCE_FILES_MAX = 256 };
#define SOURCE_ENDLESS UINT64_MAX

// What the command line says of a source.
struct source_spec {
    char name[SOURCE_NAME_SIZE];
    enum source_kind kind;
    const char *paths[SOURCE_FILES_MAX]; // borrowed
    size_t path_count;
    double frequency;
    uint32_t rate;
    uint16_t channels;
    enum garden_sample_format sample; // of standard input and of ALSA
    uint64_t frames; // of a computed source (messages, of MIDI's); SOURCE_ENDLESS: no end
    bool loop;       // files begin again when they end
    char device[SOURCE_DEVICE_SIZE]; // of ALSA, or PipeWire's node; empty: the default one
};
// Reads the text of --source: "[NAME=]KIND:...", with the kinds that `gardend --help` lists. |text| must
// outlive |out|.
int source_spec_parse(const char *text, struct source_spec *out, struct garden_error *error);

// Of MIDI the frame is an octet, and the rate that by which it plays.
struct source_info {
    const char *name;
    enum garden_stream_kind kind;
    uint32_t rate;
    uint16_t channels;
    enum garden_sample_format sample; // its own: what loses nothing
    uint64_t frames;                  // or SOURCE_ENDLESS
    bool live; // plays by a clock of its own: what is not read in time is lost
};

// A sample before it is stored: |real| when the source's own format is f32, else |whole|, whose upper
// octets are the sample's.
union source_sample {
    float real;
    int32_t whole;
};

struct source;
// Opens and checks everything that can be checked; |spec| must outlive it only for its paths.
int source_open(struct source **out, const struct source_spec *spec, struct garden_error *error);
void source_close(struct source *source);
const struct source_info *source_info(const struct source *source);

// Back to the first frame; what cannot go back begins with what comes next.
bool source_rewind(struct source *source);
// The next |count| frames, or fewer: at the end, or when a device or standard input has no more now. Waits
// for those SOURCE_WAIT_MS at most. |out| has room for all samples.
enum { SOURCE_WAIT_MS = 20 };
size_t source_read(struct source *source, union source_sample *out, size_t count);
// The same of MIDI: octets of whole messages, |wanted| or fewer; or one that is longer. |out| has room for
// |wanted| and for SOURCE_MESSAGE_MAX.
enum { SOURCE_MESSAGE_MAX = 65536 };
size_t source_read_midi(struct source *source, uint8_t *out, size_t wanted);
// Whether no more will come.
bool source_ended(const struct source *source);
// Whether reading ended because it failed.
bool source_failed(const struct source *source);
// Frames that a device lost between the last but one read and the frames that the last one gave.
uint64_t source_lost(const struct source *source);

// Writes |count| samples of a source whose own format is |own| as |format|. What |format| can hold
// comes through bit for bit; what it cannot is cut. Safe on an audio thread.
void source_convert(enum garden_sample_format own, const union source_sample *in, size_t count,
                    enum garden_sample_format format, uint8_t *out);

#endif
