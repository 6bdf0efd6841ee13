// Sizes of samples, frames and chunks, and the conversion to the stored form.
#include "../capture.h"

#include <string.h>

uint32_t garden_sample_size(enum garden_sample_format format)
{
    switch (format) {
    case GARDEN_SAMPLE_F32_LE:
    case GARDEN_SAMPLE_S32_LE:
        return 4;
    case GARDEN_SAMPLE_S24_LE:
        return 3;
    case GARDEN_SAMPLE_S16_LE:
        return 2;
    }
    return 0;
}

uint32_t garden_frame_size(const struct garden_stream_format *format)
{
    if (format->kind == GARDEN_STREAM_MIDI) return 1;
    if (format->kind != GARDEN_STREAM_AUDIO) return 0;
    if (format->channels == 0 || format->channels > GARDEN_CHANNELS_MAX) return 0;
    if (format->sample_rate == 0 || format->sample_rate > GARDEN_SAMPLE_RATE_MAX) return 0;
    return garden_sample_size(format->sample) * format->channels;
}

uint64_t garden_chunk_size(const struct garden_stream_format *format, uint64_t chunk_size)
{
    const uint32_t frame_size = garden_frame_size(format);
    if (frame_size == 0 || chunk_size > GARDEN_CHUNK_SIZE_MAX) return 0;
    return chunk_size - chunk_size % frame_size;
}

static void format_put_le(uint8_t *out, uint32_t value, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

// Whether a float in memory has the octets that are stored.
static bool format_is_little(void)
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 1;
}

// The nearest integer of |bits| bits; full scale is 2^(bits-1), and +1.0 clips by one step.
static int32_t format_quantise(float sample, int bits)
{
    if (sample != sample) return 0;
    const double scale = (double)(UINT32_C(1) << (bits - 1));
    const double scaled = (double)sample * scale;
    if (scaled >= scale - 1.0) return (int32_t)(scale - 1.0);
    if (scaled <= -scale) return (int32_t)-scale;
    return (int32_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

void garden_samples_encode(enum garden_sample_format format, const float *in, size_t count,
                           uint8_t *out)
{
    const uint32_t size = garden_sample_size(format);
    if (format == GARDEN_SAMPLE_F32_LE && format_is_little()) {
        memcpy(out, in, count * sizeof *in);
        return;
    }
    for (size_t i = 0; i < count; i++, out += size) {
        uint32_t word;
        if (format == GARDEN_SAMPLE_F32_LE)
            memcpy(&word, &in[i], sizeof word);
        else
            word = (uint32_t)format_quantise(in[i], (int)(8 * size));
        format_put_le(out, word, size);
    }
}
