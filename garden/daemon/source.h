// Where a stream's audio comes from: files played one after the other, or a tone or a counter that
// is computed. A source is read by one thread at a time.
#ifndef GARDEN_DAEMON_SOURCE_H
#define GARDEN_DAEMON_SOURCE_H

#include "../capture.h"

enum source_kind { SOURCE_FILES, SOURCE_SINE, SOURCE_COUNTER };

enum { SOURCE_NAME_SIZE = 64, SOURCE_FILES_MAX = 256 };
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
    uint64_t frames; // of a computed source; SOURCE_ENDLESS: no end
    bool loop;       // files begin again when they end
};
// Reads "[NAME=]file:PATH", "[NAME=]sine:FREQ,CHANNELS,RATE[,FRAMES]" or
// "[NAME=]counter:CHANNELS,RATE[,FRAMES]". |text| must outlive |out|.
int source_spec_parse(const char *text, struct source_spec *out, struct garden_error *error);

struct source_info {
    const char *name;
    uint32_t rate;
    uint16_t channels;
    enum garden_sample_format sample; // its own: what loses nothing
    uint64_t frames;                  // or SOURCE_ENDLESS
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

// Back to the first frame.
bool source_rewind(struct source *source);
// The next |count| frames, or fewer at the end. |out| has room for all their samples.
size_t source_read(struct source *source, union source_sample *out, size_t count);
// Whether reading ended because it failed.
bool source_failed(const struct source *source);

// Writes |count| samples of a source whose own format is |own| as |format|. What |format| can hold
// comes through bit for bit; what it cannot is cut. Safe on an audio thread.
void source_convert(enum garden_sample_format own, const union source_sample *in, size_t count,
                    enum garden_sample_format format, uint8_t *out);

#endif
