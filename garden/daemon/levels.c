#include "levels.h"

#include <string.h>

enum { LEVELS_SCALE = 1000 };

void levels_init(struct levels *levels, const struct garden_stream_format *format)
{
    *levels = (struct levels){.format = *format};
    if (format->kind != GARDEN_STREAM_AUDIO) return;
    const uint32_t step = format->sample_rate / LEVELS_STEPS_A_SECOND;
    levels->frame_size = garden_frame_size(format);
    levels->step = step > 0 ? step : 1;
    levels->report.step = levels->step;
    levels->merged = 1;
    levels->report.channel_count =
        format->channels < LEVELS_CHANNELS_MAX ? format->channels : LEVELS_CHANNELS_MAX;
}

static float levels_sample(enum garden_sample_format format, const uint8_t *octets, uint32_t size)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < size; i++)
        bits |= (uint32_t)octets[i] << 8 * (4 - size + i);
    if (format == GARDEN_SAMPLE_F32_LE) {
        float real;
        memcpy(&real, &bits, sizeof real);
        return real == real ? real : 0; // a NaN is no level
    }
    int32_t whole;
    memcpy(&whole, &bits, sizeof whole);
    return (float)whole / 2147483648.0f;
}

static int16_t levels_round(float sample)
{
    const float scaled = sample * LEVELS_SCALE;
    if (scaled >= INT16_MAX) return INT16_MAX;
    if (scaled <= -INT16_MAX) return -INT16_MAX;
    return (int16_t)(scaled < 0 ? scaled - 0.5f : scaled + 0.5f);
}

// Each two of the report's steps become one.
static void levels_halve(struct levels *levels)
{
    struct levels_report *report = &levels->report;
    for (size_t i = 0; i < report->count / 2; i++) {
        const int16_t *least = report->least + 2 * i, *greatest = report->greatest + 2 * i;
        report->least[i] = least[0] < least[1] ? least[0] : least[1];
        report->greatest[i] = greatest[0] > greatest[1] ? greatest[0] : greatest[1];
    }
    report->count /= 2;
    report->step *= 2;
    levels->merged *= 2;
}

static void levels_close_step(struct levels *levels)
{
    struct levels_report *report = &levels->report;
    const int16_t least = levels_round(levels->least), greatest = levels_round(levels->greatest);
    if (levels->part == 0) {
        if (report->count == LEVELS_STEPS_MAX) levels_halve(levels);
        report->least[report->count] = least;
        report->greatest[report->count++] = greatest;
    } else {
        const size_t last = report->count - 1;
        if (least < report->least[last]) report->least[last] = least;
        if (greatest > report->greatest[last]) report->greatest[last] = greatest;
    }
    levels->part = (levels->part + 1) % levels->merged;
    report->frames += levels->step;
    levels->filled = 0;
    levels->least = levels->greatest = 0;
}

static void levels_add_frame(struct levels *levels, const uint8_t *frame)
{
    const uint32_t size = garden_sample_size(levels->format.sample);
    for (size_t channel = 0; channel < levels->format.channels; channel++) {
        const float sample = levels_sample(levels->format.sample, frame + channel * size, size);
        const float magnitude = sample < 0 ? -sample : sample;
        if (sample < levels->least) levels->least = sample;
        if (sample > levels->greatest) levels->greatest = sample;
        if (channel < levels->report.channel_count && magnitude > levels->peaks[channel])
            levels->peaks[channel] = magnitude;
    }
    if (++levels->filled == levels->step) levels_close_step(levels);
}

void levels_add(struct levels *levels, const uint8_t *octets, uint64_t size)
{
    if (levels->frame_size == 0) return;
    for (uint64_t at = 0; at + levels->frame_size <= size; at += levels->frame_size)
        levels_add_frame(levels, octets + at);
}

void levels_take(struct levels *levels, struct levels_report *out)
{
    struct levels_report *report = &levels->report;
    for (size_t i = 0; i < report->channel_count; i++)
        report->peaks[i] = levels_round(levels->peaks[i]);
    *out = *report;
    report->first += report->frames;
    report->frames = report->count = 0;
    report->step = levels->step;
    levels->merged = 1;
    levels->part = 0;
    memset(levels->peaks, 0, sizeof levels->peaks);
}
