#include "source.h"

#include <string.h>

#include "../core/error.h"
#include "driver.h"

struct source {
    const struct driver *driver;
    void *device;
    struct source_info info;
    char name[SOURCE_NAME_SIZE];
};

// Null: this build cannot.
static const struct driver *source_driver(enum source_kind kind)
{
    switch (kind) {
    case SOURCE_FILES:
        return &driver_files;
    case SOURCE_SINE:
        return &driver_sine;
    case SOURCE_NOISE:
        return &driver_noise;
    case SOURCE_COUNTER:
        return &driver_counter;
    case SOURCE_STDIN:
        return &driver_stdin;
    case SOURCE_ALSA:
#ifdef GARDEN_ALSA
        return &driver_alsa;
#else
        break;
#endif
    case SOURCE_PIPEWIRE:
#ifdef GARDEN_PIPEWIRE
        return &driver_pipewire;
#else
        break;
#endif
    case SOURCE_MIDI:
        return &driver_midi;
    case SOURCE_MIDI_COUNTER:
        return &driver_midi_counter;
    case SOURCE_MIDI_ALSA:
#ifdef GARDEN_ALSA
        return &driver_midi_alsa;
#else
        break;
#endif
    }
    return NULL;
}

int source_open(struct source **out, const struct source_spec *spec, struct garden_error *error)
{
    *out = NULL;
    const struct driver *driver = source_driver(spec->kind);
    if (!driver)
        return garden__fail(
            error, GARDEN_ERR_NOT_FOUND,
            "source '%s': this gardend was built without %s; run make deps-audio and "
            "build it again",
            spec->name, spec->kind == SOURCE_PIPEWIRE ? "PipeWire" : "ALSA");
    struct source *source = zmtp_alloc(NULL, sizeof *source);
    if (!source) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a source");
    *source = (struct source){.driver = driver};
    memcpy(source->name, spec->name, sizeof source->name);
    const int result = driver->open(&source->device, spec, &source->info, error);
    if (result < 0) {
        zmtp_free(NULL, source, sizeof *source);
        return result;
    }
    source->info.name = source->name;
    *out = source;
    return GARDEN_OK;
}

void source_close(struct source *source)
{
    if (!source) return;
    source->driver->close(source->device);
    zmtp_free(NULL, source, sizeof *source);
}

const struct source_info *source_info(const struct source *source)
{
    return &source->info;
}

bool source_rewind(struct source *source)
{
    return source->driver->rewind(source->device);
}

size_t source_read(struct source *source, union source_sample *out, size_t count)
{
    return source->driver->read(source->device, out, count);
}

size_t source_read_midi(struct source *source, uint8_t *out, size_t wanted)
{
    return source->driver->read_midi(source->device, out, wanted);
}

bool source_ended(const struct source *source)
{
    return source->driver->ended(source->device);
}

bool source_failed(const struct source *source)
{
    return source->driver->failed && source->driver->failed(source->device);
}

uint64_t source_lost(const struct source *source)
{
    return source->driver->lost ? source->driver->lost(source->device) : 0;
}

// ---- Conversion

union source_sample driver_sample(enum garden_sample_format format, const uint8_t *in)
{
    const size_t size = garden_sample_size(format);
    union source_sample sample;
    uint32_t bits = 0;
    for (size_t octet = 0; octet < size; octet++)
        bits |= (uint32_t)in[octet] << (8 * (4 - size + octet));
    memcpy(&sample, &bits, sizeof sample); // a float's octets are its own
    return sample;
}

// The upper |size| octets of each whole sample. Where |size| is a constant the octets of one are a store.
static inline void source_cut(const union source_sample *in, size_t count, size_t size,
                              uint8_t *out)
{
    for (size_t i = 0; i < count; i++) {
        const uint32_t bits = (uint32_t)in[i].whole;
        for (size_t octet = 0; octet < size; octet++)
            out[i * size + octet] = (uint8_t)(bits >> (8 * (4 - size + octet)));
    }
}

static void source_cut_all(const union source_sample *in, size_t count, size_t size, uint8_t *out)
{
    switch (size) {
    case 2:
        source_cut(in, count, 2, out);
        break;
    case 3:
        source_cut(in, count, 3, out);
        break;
    default:
        source_cut(in, count, 4, out);
        break;
    }
}

// Where |count| is a constant this is a few wide instructions. The unit is a power of two, so multiplying rounds
// no more than dividing does.
static inline void source_reals(const union source_sample *restrict in, size_t count,
                                float *restrict out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (float)in[i].whole * (1.0f / 2147483648.0f);
}

void source_convert(enum garden_sample_format own, const union source_sample *in, size_t count,
                    enum garden_sample_format format, uint8_t *out)
{
    enum { STEP = 64 };
    const size_t size = garden_sample_size(format);
    float reals[STEP];
    for (size_t done = 0; done < count;) {
        const size_t step = count - done < STEP ? count - done : STEP;
        if (own != GARDEN_SAMPLE_F32_LE && format != GARDEN_SAMPLE_F32_LE) {
            source_cut_all(in + done, step, size, out + done * size);
            done += step;
            continue;
        }
        if (own == GARDEN_SAMPLE_F32_LE)
            memcpy(reals, in + done, step * sizeof *reals);
        else if (step == STEP)
            source_reals(in + done, STEP, reals);
        else
            source_reals(in + done, step, reals);
        garden_samples_encode(format, reals, step, out + done * size);
        done += step;
    }
}
