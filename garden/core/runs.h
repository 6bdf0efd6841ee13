// The frames of a chunk: runs without a gap, and gaps between them, each known by its position in the stream. What a report
// tells of gaps before its first frame, or behind its last, is none of the chunk's.
#ifndef GARDEN_CORE_RUNS_H
#define GARDEN_CORE_RUNS_H

#include "../capture.h"

struct garden__runs {
    uint64_t position, left; // so many frames lie from here on, but for gaps
    size_t next;             // of the gaps
};

// Steps over a run and the gap behind it, which is returned. Null: what is left is the last run.
static inline const struct garden_gap *garden__runs_step(struct garden__runs *runs,
                                                         const struct garden_gap *gaps,
                                                         size_t count)
{
    while (runs->next < count) {
        const struct garden_gap *const gap = &gaps[runs->next++];
        if (gap->first <= runs->position) continue;
        if (gap->first - runs->position >= runs->left) break;
        runs->left -= gap->first - runs->position;
        runs->position = gap->first + gap->count;
        return gap;
    }
    return NULL;
}

#endif
