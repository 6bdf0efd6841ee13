// How something long goes on: a bar that is drawn over itself on a terminal, a line for each chunk elsewhere,
// nothing with --json.
#ifndef GARDEN_TOOLS_PROGRESS_H
#define GARDEN_TOOLS_PROGRESS_H

#include "../capture.h"

struct progress {
    bool terminal, quiet;
    bool drawn;     // a bar stands on the current line
    uint64_t total; // frames to expect; 0: unknown
    uint32_t rate;
    uint64_t drawn_ns; // when progress_part drew last
};

void progress_init(struct progress *progress, bool quiet, uint64_t total, uint32_t rate);
// |peak| of the latest audio, in [0, 1]; below zero: unknown.
void progress_show(struct progress *progress, const struct garden_capture_totals *totals,
                   uint64_t sealed, double peak);
// |done| of |total| of |what|, on a terminal; drawn some ten times a second at most.
void progress_part(struct progress *progress, const char *what, uint64_t done, uint64_t total);
void progress_clear(struct progress *progress); // takes away what stands on the line
// A line of its own.
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void progress_line(struct progress *progress, const char *format, ...);
void progress_end(struct progress *progress); // leaves the bar as it was last drawn

// The level of the latest audio in the chunk at |path|, which is being written; below zero: unknown.
double progress_peak(const char *path, const struct garden_stream_format *format);

#endif
