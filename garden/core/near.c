// What was perhaps meant by a name that is none.
#include <stdio.h>

#include "../value.h"

enum { NEAR_SIZE_MAX = 48 }; // of a name that another may be near to

static size_t near_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static char near_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

// How many letters must be changed, added or removed to come from one to the other (Levenshtein); the
// case of a letter does not count.
static size_t near_distance(struct garden_text a, struct garden_text b)
{
    size_t row[NEAR_SIZE_MAX + 1];
    for (size_t j = 0; j <= b.size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.size; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            const bool same = near_lower(a.data[i - 1]) == near_lower(b.data[j - 1]);
            const size_t change = corner + !same;
            corner = row[j];
            row[j] = near_min(change, near_min(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.size];
}

void garden_near_init(struct garden_near *near, struct garden_text wanted)
{
    *near = (struct garden_near){.wanted = wanted, .distance = wanted.size / 3 + 2};
}

void garden_near_offer(struct garden_near *near, const char *name)
{
    const struct garden_text offered = garden_text_of(name);
    if (offered.size > NEAR_SIZE_MAX || near->wanted.size > NEAR_SIZE_MAX) return;
    const size_t distance = near_distance(near->wanted, offered);
    if (distance >= near->distance || distance >= offered.size) return;
    near->best = name;
    near->distance = distance;
}

void garden_near_text(const struct garden_near *near, char out[GARDEN_NEAR_SIZE])
{
    out[0] = 0;
    if (near->best) (void)snprintf(out, GARDEN_NEAR_SIZE, "; did you mean '%s'?", near->best);
}
