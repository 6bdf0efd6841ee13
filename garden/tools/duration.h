// A span of time as a call names it: 10, 0.5, 1.5s, 500ms, 2m, 1h.
#ifndef GARDEN_TOOLS_DURATION_H
#define GARDEN_TOOLS_DURATION_H

#include <stdbool.h>
#include <stdint.h>

#include "../errors.h"

#define DURATION_MS UINT64_C(1000000) // in nanoseconds
#define DURATION_S UINT64_C(1000000000)

// Digits, perhaps a point and more of them, perhaps a unit: ms, s, m or h; without one it is |unit_ns|, and with that 0
// there must be one. Exact: no floating point has a part in it. What is below a nanosecond is cut off, what does not fit
// is UINT64_MAX. False: |text| is none.
bool duration_parse(const char *text, uint64_t unit_ns, uint64_t *out_ns);
// The span that |option| was given as |text|: GARDEN_OK when it is one within [min, max], else GARDEN_ERR_ARGUMENT with
// words that say what was wrong with it, and its forms.
int duration_read(const char *option, const char *text, uint64_t unit_ns, uint64_t min_ns,
                  uint64_t max_ns, uint64_t *out_ns, struct garden_error *error);
// How many frames of |rate| a second that is, rounded to the nearest. |rate| is at most GARDEN_SAMPLE_RATE_MAX.
uint64_t duration_frames(uint64_t ns, uint32_t rate);
// And back: the span that duration_frames() makes |frames| of; UINT64_MAX where there is none.
uint64_t duration_of_frames(uint64_t frames, uint32_t rate);

#endif
