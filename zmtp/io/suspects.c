#include "suspects.h"

#include <string.h>

#include "../base/ip.h"

enum {
    SUSPECTS_MAX = 256, // few enough to be walked through for each connection, and 6 KiB
    SUSPECTS_WINDOW_MS = 60000,
};

struct suspects_entry {
    struct zmtp__source source;
    uint32_t failures;
    uint64_t since_ms; // the first of them
};

struct zmtp__suspects {
    const struct zmtp_allocator *allocator;
    uint32_t failures_max;
    size_t count;
    struct suspects_entry entries[SUSPECTS_MAX];
};

struct zmtp__source zmtp__source_of(const struct zmtp__address *address)
{
    struct zmtp__source source = {.known = false};
    uint8_t octets[16];
    if (!zmtp__address_octets(address, octets)) return source;
    source.known = true;
    if (zmtp__ip_mapped(octets))
        memcpy(source.octets, octets + 12, 4);
    else
        memcpy(source.octets, octets, sizeof source.octets);
    return source;
}

bool zmtp__source_equal(const struct zmtp__source *a, const struct zmtp__source *b)
{
    return a->known && b->known && memcmp(a->octets, b->octets, sizeof a->octets) == 0;
}

int zmtp__suspects_open(struct zmtp__suspects **out, uint32_t failures_max,
                        const struct zmtp_allocator *allocator)
{
    *out = NULL;
    if (failures_max == 0) return ZMTP_OK;
    struct zmtp__suspects *suspects = zmtp_alloc(allocator, sizeof *suspects);
    if (!suspects) return ZMTP_ERR_MEMORY;
    *suspects = (struct zmtp__suspects){.allocator = allocator, .failures_max = failures_max};
    *out = suspects;
    return ZMTP_OK;
}

void zmtp__suspects_close(struct zmtp__suspects *suspects)
{
    if (suspects) zmtp_free(suspects->allocator, suspects, sizeof *suspects);
}

static bool suspects_over(const struct suspects_entry *entry, uint64_t now_ms)
{
    return now_ms - entry->since_ms >= SUSPECTS_WINDOW_MS;
}

// Where |source| is kept; SUSPECTS_MAX: nowhere.
static size_t suspects_find(const struct zmtp__suspects *suspects,
                            const struct zmtp__source *source)
{
    for (size_t i = 0; i < suspects->count; i++)
        if (zmtp__source_equal(&suspects->entries[i].source, source)) return i;
    return SUSPECTS_MAX;
}

// A place for another: a new one, or that of whoever was noted first.
static size_t suspects_place(struct zmtp__suspects *suspects)
{
    size_t first = 0;
    if (suspects->count < SUSPECTS_MAX) return suspects->count++;
    for (size_t i = 1; i < SUSPECTS_MAX; i++)
        if (suspects->entries[i].since_ms < suspects->entries[first].since_ms) first = i;
    return first;
}

void zmtp__suspects_note(struct zmtp__suspects *suspects, const struct zmtp__source *source,
                         uint64_t now_ms)
{
    if (!suspects || !source->known) return;
    size_t at = suspects_find(suspects, source);
    const bool fresh = at == SUSPECTS_MAX;
    if (fresh) at = suspects_place(suspects);
    struct suspects_entry *const entry = &suspects->entries[at];
    if (fresh || suspects_over(entry, now_ms))
        *entry = (struct suspects_entry){.source = *source, .since_ms = now_ms};
    if (entry->failures < UINT32_MAX) entry->failures++;
}

bool zmtp__suspects_has(const struct zmtp__suspects *suspects, const struct zmtp__source *source,
                        uint64_t now_ms)
{
    if (!suspects || !source->known) return false;
    const size_t at = suspects_find(suspects, source);
    if (at == SUSPECTS_MAX || suspects_over(&suspects->entries[at], now_ms)) return false;
    return suspects->entries[at].failures >= suspects->failures_max;
}
