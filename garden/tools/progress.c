#include "progress.h"

#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool.h"

enum {
    PROGRESS_BAR = 24,
    PROGRESS_METER = 10,
    PROGRESS_PAUSE_NS = 100000000,
    PROGRESS_METER_BYTES = 4096
};

void progress_init(struct progress *progress, bool quiet, uint64_t total, uint32_t rate)
{
    *progress = (struct progress){
        .terminal = tool_terminal(), .quiet = quiet, .total = total, .rate = rate};
}

static void progress_fill(char *out, size_t size, double part)
{
    if (!(part > 0)) part = 0; // NaN too
    if (part > 1) part = 1;
    const size_t filled = (size_t)(part * (double)size + 0.5);
    memset(out, '#', filled);
    memset(out + filled, '.', size - filled);
    out[size] = 0;
}

static double progress_seconds(const struct progress *progress, uint64_t frames)
{
    return progress->rate > 0 ? (double)frames / progress->rate : 0;
}

void progress_show(struct progress *progress, const struct garden_capture_totals *totals,
                   uint64_t sealed, double peak)
{
    char bar[PROGRESS_BAR + 1], meter[PROGRESS_METER + 1];
    if (progress->quiet || !progress->terminal) return;
    const uint64_t total = progress->total,
                   offered = totals->offered; // a little more than was wished for
    const double part = offered < total ? (double)offered / (double)total : 1;
    progress_fill(bar, PROGRESS_BAR, part);
    // The meter's left end is -60 dB.
    progress_fill(meter, PROGRESS_METER, peak > 0 ? 1 + 20 * log10(peak) / 60 : 0);
    // Without wrapping, so that the line stays one line in a narrow window.
    (void)printf("\r\033[K\033[?7l%8.2f s ", progress_seconds(progress, offered));
    if (total > 0)
        (void)printf("[%s%s%s] %3.0f %% ", tool_color("green"), bar, tool_color("off"), 100 * part);
    (void)printf("level [%s] chunks sealed %llu, lost %llu\033[?7h", meter,
                 (unsigned long long)sealed, (unsigned long long)totals->overrun);
    (void)fflush(stdout);
    progress->drawn = true;
}

void progress_line(struct progress *progress, const char *format, ...)
{
    if (progress->quiet) return;
    va_list arguments;
    if (progress->drawn) (void)fputs("\r\033[K", stdout);
    progress->drawn = false;
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    (void)putchar('\n');
    (void)fflush(stdout);
}

void progress_part(struct progress *progress, const char *what, uint64_t done, uint64_t total)
{
    char bar[PROGRESS_BAR + 1];
    if (progress->quiet || !progress->terminal || total == 0) return;
    const uint64_t now = uv_hrtime();
    if (progress->drawn && now - progress->drawn_ns < PROGRESS_PAUSE_NS) return;
    const double part = (double)done / (double)total;
    progress_fill(bar, PROGRESS_BAR, part);
    (void)printf("\r\033[K\033[?7l%-8s [%s%s%s] %3.0f %%\033[?7h", what, tool_color("green"), bar,
                 tool_color("off"), 100 * part);
    (void)fflush(stdout);
    progress->drawn_ns = now;
    progress->drawn = true;
}

void progress_clear(struct progress *progress)
{
    if (progress->drawn) (void)fputs("\r\033[K", stdout);
    progress->drawn = false;
}

void progress_end(struct progress *progress)
{
    if (progress->drawn) (void)putchar('\n');
    progress->drawn = false;
}

static double progress_sample(enum garden_sample_format format, const uint8_t *octets)
{
    const uint32_t size = garden_sample_size(format);
    uint32_t bits = 0;
    for (uint32_t i = 0; i < size; i++)
        bits |= (uint32_t)octets[i] << 8 * (4 - size + i);
    if (format == GARDEN_SAMPLE_F32_LE) {
        float real;
        memcpy(&real, &bits, sizeof real);
        return (double)real;
    }
    int32_t whole;
    memcpy(&whole, &bits, sizeof whole);
    return (double)whole / 2147483648.0;
}

// The largest magnitude among the samples in |octets|, in [0, 1].
static double progress_peak_of(enum garden_sample_format format, const uint8_t *octets, size_t size)
{
    const size_t step = garden_sample_size(format);
    double peak = 0;
    for (size_t at = 0; at + step <= size; at += step) {
        const double sample = fabs(progress_sample(format, octets + at));
        if (sample > peak) peak = sample < 1 ? sample : 1;
    }
    return peak;
}

double progress_peak(const char *path, const struct garden_stream_format *format)
{
    uint8_t octets[PROGRESS_METER_BYTES];
    const uint32_t frame_size = garden_frame_size(format);
    struct stat status;
    ssize_t got = 0;
    if (format->kind != GARDEN_STREAM_AUDIO) return -1;
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0) return -1;
    if (fstat(file, &status) == 0 && frame_size > 0 && frame_size <= sizeof octets) {
        const off_t whole = status.st_size - status.st_size % frame_size;
        const off_t most = (off_t)(sizeof octets - sizeof octets % frame_size);
        const off_t size = whole < most ? whole : most;
        got = pread(file, octets, (size_t)size, whole - size);
    }
    (void)close(file); // nothing was written
    return got > 0 ? progress_peak_of(format->sample, octets, (size_t)got) : -1;
}
