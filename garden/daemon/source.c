#include "source.h"

#include <math.h>
#include <string.h>

#include "../core/error.h"
#include "files.h"

struct source {
    struct source_spec spec;
    struct source_info info;
    struct files *files;
    uint64_t position; // of the next frame of a computed source
};

int source_open(struct source **out, const struct source_spec *spec, struct garden_error *error)
{
    *out = NULL;
    struct source *source = zmtp_alloc(NULL, sizeof *source);
    if (!source) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a source");
    *source = (struct source){.spec = *spec};
    source->info = (struct source_info){
        .rate = spec->rate,
        .channels = spec->channels,
        .sample = spec->kind == SOURCE_SINE ? GARDEN_SAMPLE_F32_LE : GARDEN_SAMPLE_S32_LE,
        .frames = spec->frames,
    };
    if (spec->kind == SOURCE_FILES) {
        const int result =
            files_open(&source->files, spec->paths, spec->path_count, &source->info, error);
        if (result < 0) {
            source_close(source);
            return result;
        }
        if (spec->loop) source->info.frames = SOURCE_ENDLESS;
    }
    source->info.name = source->spec.name;
    *out = source;
    return GARDEN_OK;
}

void source_close(struct source *source)
{
    if (!source) return;
    files_close(source->files);
    zmtp_free(NULL, source, sizeof *source);
}

const struct source_info *source_info(const struct source *source)
{
    return &source->info;
}

bool source_rewind(struct source *source)
{
    source->position = 0;
    return source->spec.kind != SOURCE_FILES || files_rewind(source->files);
}

bool source_failed(const struct source *source)
{
    return source->files && files_failed(source->files);
}

// ---- Computed sources

// A sine at half of full scale, the same in each channel.
static void source_sine(const struct source *source, union source_sample *out, size_t count)
{
    const size_t channels = source->info.channels;
    const double turn = 2.0 * 3.14159265358979323846;
    for (size_t i = 0; i < count; i++) {
        const double turns =
            source->spec.frequency * (double)(source->position + i) / (double)source->info.rate;
        const float level = (float)(0.5 * sin(turn * (turns - floor(turns))));
        for (size_t channel = 0; channel < channels; channel++)
            out[i * channels + channel].real = level;
    }
}

// Each sample is its own number, modulo 2^32, with the halves swapped: so that a stream of 16 bits
// shows the lower half, in which neighbours differ.
static void source_counter(const struct source *source, union source_sample *out, size_t count)
{
    const uint64_t first = source->position * source->info.channels;
    for (size_t i = 0; i < count * source->info.channels; i++) {
        const uint32_t number = (uint32_t)(first + i);
        const uint32_t swapped = number << 16 | number >> 16;
        memcpy(&out[i].whole, &swapped, sizeof swapped);
    }
}

static size_t source_read_files(struct source *source, union source_sample *out, size_t count)
{
    size_t done = 0;
    bool empty = false; // the last turn gave nothing, as files without a frame always do
    while (done < count) {
        const size_t got =
            files_read(source->files, out + done * source->info.channels, count - done);
        done += got;
        if (done == count || !source->spec.loop || (got == 0 && empty)) break;
        empty = got == 0;
        if (files_failed(source->files) || !files_rewind(source->files)) break;
    }
    return done;
}

size_t source_read(struct source *source, union source_sample *out, size_t count)
{
    if (source->spec.kind == SOURCE_FILES) return source_read_files(source, out, count);
    const uint64_t left = source->info.frames - source->position;
    if (source->info.frames != SOURCE_ENDLESS && count > left) count = (size_t)left;
    if (source->spec.kind == SOURCE_SINE)
        source_sine(source, out, count);
    else
        source_counter(source, out, count);
    source->position += count;
    return count;
}

// ---- Conversion

void source_convert(enum garden_sample_format own, const union source_sample *in, size_t count,
                    enum garden_sample_format format, uint8_t *out)
{
    enum { STEP = 64 };
    const size_t size = garden_sample_size(format);
    float reals[STEP];
    for (size_t done = 0; done < count;) {
        const size_t step = count - done < STEP ? count - done : STEP;
        if (own == GARDEN_SAMPLE_F32_LE || format == GARDEN_SAMPLE_F32_LE) {
            for (size_t i = 0; i < step; i++)
                reals[i] = own == GARDEN_SAMPLE_F32_LE ? in[done + i].real
                                                       : (float)in[done + i].whole / 2147483648.0f;
            garden_samples_encode(format, reals, step, out + done * size);
        } else {
            for (size_t i = 0; i < step; i++) {
                const uint32_t bits = (uint32_t)in[done + i].whole;
                for (size_t octet = 0; octet < size; octet++)
                    out[(done + i) * size + octet] = (uint8_t)(bits >> (8 * (4 - size + octet)));
            }
        }
        done += step;
    }
}
