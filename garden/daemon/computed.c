// Sources that are computed: a tone, noise, and numbered samples, by which a test sees exactly what came
// through.
#include <math.h>
#include <string.h>

#include "../core/error.h"
#include "driver.h"

struct computed {
    struct source_spec spec;
    uint64_t position; // of the next frame
};

static int computed_open(void **out, const struct source_spec *spec, struct source_info *info,
                         struct garden_error *error)
{
    struct computed *computed = zmtp_alloc(NULL, sizeof *computed);
    if (!computed) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a source");
    *computed = (struct computed){.spec = *spec};
    *info = (struct source_info){
        .rate = spec->rate,
        .channels = spec->channels,
        .sample = spec->kind == SOURCE_COUNTER ? GARDEN_SAMPLE_S32_LE : GARDEN_SAMPLE_F32_LE,
        .frames = spec->frames,
    };
    *out = computed;
    return GARDEN_OK;
}

static void computed_close(void *device)
{
    zmtp_free(NULL, device, sizeof(struct computed));
}

static bool computed_rewind(void *device)
{
    struct computed *computed = device;
    computed->position = 0;
    return true;
}

static bool computed_ended(const void *device)
{
    const struct computed *computed = device;
    return computed->position == computed->spec.frames;
}

// How many of |count| frames there are still.
static size_t computed_left(const struct computed *computed, size_t count)
{
    const uint64_t left = computed->spec.frames - computed->position;
    return computed->spec.frames != SOURCE_ENDLESS && count > left ? (size_t)left : count;
}

// At half of full scale, the same in each channel.
static size_t computed_sine(void *device, union source_sample *out, size_t count)
{
    struct computed *computed = device;
    const size_t channels = computed->spec.channels;
    const double turn = 2.0 * 3.14159265358979323846;
    count = computed_left(computed, count);
    for (size_t i = 0; i < count; i++) {
        const double turns = computed->spec.frequency * (double)(computed->position + i) /
                             (double)computed->spec.rate;
        const float level = (float)(0.5 * sin(turn * (turns - floor(turns))));
        for (size_t channel = 0; channel < channels; channel++)
            out[i * channels + channel].real = level;
    }
    computed->position += count;
    return count;
}

// White, at half of full scale: a hash of each sample's number, so that it is the same each time.
static size_t computed_noise(void *device, union source_sample *out, size_t count)
{
    struct computed *computed = device;
    count = computed_left(computed, count);
    const uint64_t first = computed->position * computed->spec.channels;
    for (size_t i = 0; i < count * computed->spec.channels; i++) {
        uint64_t x = (first + i + 1) * 0x9E3779B97F4A7C15u; // splitmix64
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
        x = (x ^ x >> 27) * 0x94D049BB133111EBu;
        x ^= x >> 31;
        out[i].real = (float)((int32_t)(x >> 40) - (1 << 23)) / (float)(1 << 24);
    }
    computed->position += count;
    return count;
}

// Each sample is its own number, modulo 2^32, with the halves swapped: so that a stream of 16 bits
// shows the lower half, in which neighbours differ.
static size_t computed_counter(void *device, union source_sample *out, size_t count)
{
    struct computed *computed = device;
    count = computed_left(computed, count);
    const uint64_t first = computed->position * computed->spec.channels;
    for (size_t i = 0; i < count * computed->spec.channels; i++) {
        const uint32_t number = (uint32_t)(first + i);
        const uint32_t swapped = number << 16 | number >> 16;
        memcpy(&out[i].whole, &swapped, sizeof swapped);
    }
    computed->position += count;
    return count;
}

const struct driver driver_sine = {.open = computed_open,
                                   .close = computed_close,
                                   .rewind = computed_rewind,
                                   .read = computed_sine,
                                   .ended = computed_ended};
const struct driver driver_noise = {.open = computed_open,
                                    .close = computed_close,
                                    .rewind = computed_rewind,
                                    .read = computed_noise,
                                    .ended = computed_ended};
const struct driver driver_counter = {.open = computed_open,
                                      .close = computed_close,
                                      .rewind = computed_rewind,
                                      .read = computed_counter,
                                      .ended = computed_ended};
