#include "sharers.h"

#include <assert.h>
#include <string.h>

enum { SHARERS_LEAST = 32 };

// A table of places, each of which has its key's home or comes after it, with no free place between.
struct sharers_key {
    const struct zmtp__slot_owner *owner;
    uint32_t topic;
};

void zmtp__sharers_init(struct zmtp__sharers *sharers, const struct zmtp__slots *slots)
{
    *sharers = (struct zmtp__sharers){.slots = slots};
}

static void sharers_free(struct zmtp__sharers *sharers)
{
    zmtp_free(sharers->slots->allocator, sharers->places,
              sharers->capacity * sizeof *sharers->places);
    sharers->places = NULL;
    sharers->capacity = 0;
}

void zmtp__sharers_fini(struct zmtp__sharers *sharers)
{
    assert(sharers->count == 0);
    sharers_free(sharers);
}

// Whose link is found by |link|: its successor's.
static struct sharers_key sharers_key_of(const struct zmtp__sharers *sharers, uint32_t link)
{
    const struct zmtp__link *const before = zmtp__slots_link_at(sharers->slots, link);
    assert(before->next > 0);
    return (struct sharers_key){zmtp__slots_owner(sharers->slots, before->next - 1), before->topic};
}

// Is |link| what |key| finds? The topic is looked at first, as it is the nearer in memory.
static bool sharers_fits(const struct zmtp__sharers *sharers, uint32_t link, struct sharers_key key)
{
    const struct zmtp__link *const before = zmtp__slots_link_at(sharers->slots, link);
    return before->topic == key.topic &&
           zmtp__slots_owner(sharers->slots, before->next - 1) == key.owner;
}

// Where the search for |key| begins.
static uint32_t sharers_home(const struct zmtp__sharers *sharers, struct sharers_key key)
{
    uint64_t mixed = (uint64_t)(uintptr_t)key.owner + key.topic * UINT64_C(0x9E3779B97F4A7C15);
    mixed = (mixed ^ mixed >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    mixed = (mixed ^ mixed >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    return (uint32_t)((mixed >> 32) * sharers->capacity >> 32);
}

static uint32_t sharers_after(const struct zmtp__sharers *sharers, uint32_t place)
{
    return place + 1 < sharers->capacity ? place + 1 : 0;
}

// The place of |key|, or the free one where it would be. There is a free one.
static uint32_t sharers_seek(const struct zmtp__sharers *sharers, struct sharers_key key)
{
    uint32_t place = sharers_home(sharers, key);
    while (sharers->places[place] > 0 && !sharers_fits(sharers, sharers->places[place] - 1, key))
        place = sharers_after(sharers, place);
    return place;
}

static int sharers_resize(struct zmtp__sharers *sharers, uint32_t capacity)
{
    struct zmtp__sharers resized = *sharers;
    resized.capacity = capacity;
    resized.places = zmtp_alloc(sharers->slots->allocator, capacity * sizeof *resized.places);
    if (!resized.places) return ZMTP_ERR_MEMORY;
    memset(resized.places, 0, capacity * sizeof *resized.places);
    for (uint32_t i = 0; i < sharers->capacity; i++) {
        const uint32_t number = sharers->places[i];
        if (number == 0) continue;
        resized.places[sharers_seek(&resized, sharers_key_of(sharers, number - 1))] = number;
    }
    sharers_free(sharers);
    *sharers = resized;
    return ZMTP_OK;
}

int zmtp__sharers_reserve(struct zmtp__sharers *sharers)
{
    const uint32_t capacity = sharers->capacity;
    if (sharers->count + 1 <= capacity - (capacity + 4) / 5) return ZMTP_OK;
    // By half rather than by two: what a stranger makes us hold is kept close to what he sent.
    return sharers_resize(sharers,
                          capacity < SHARERS_LEAST ? SHARERS_LEAST : capacity + capacity / 2);
}

void zmtp__sharers_note(struct zmtp__sharers *sharers, uint32_t link)
{
    const uint32_t place = sharers_seek(sharers, sharers_key_of(sharers, link));
    assert(sharers->count < sharers->capacity && sharers->places[place] == 0);
    sharers->places[place] = link + 1;
    sharers->count++;
}

// Those that come after |gap| and began their search at or before it move up.
static void sharers_close_gap(struct zmtp__sharers *sharers, uint32_t gap)
{
    uint32_t place = sharers_after(sharers, gap);
    for (; sharers->places[place] > 0; place = sharers_after(sharers, place)) {
        const struct sharers_key key = sharers_key_of(sharers, sharers->places[place] - 1);
        const uint32_t home = sharers_home(sharers, key);
        const bool stays = gap < place ? gap < home && home <= place : gap < home || home <= place;
        if (stays) continue;
        sharers->places[gap] = sharers->places[place];
        gap = place;
    }
    sharers->places[gap] = 0;
}

void zmtp__sharers_forget(struct zmtp__sharers *sharers, uint32_t link)
{
    const uint32_t place = sharers_seek(sharers, sharers_key_of(sharers, link));
    assert(sharers->places[place] == link + 1);
    sharers_close_gap(sharers, place);
    sharers->count--;
    if (sharers->count == 0)
        sharers_free(sharers);
    else if (sharers->capacity > SHARERS_LEAST && sharers->count < sharers->capacity / 4)
        (void)sharers_resize(sharers, sharers->capacity / 2); // or it stays as large
}

void zmtp__sharers_replace(struct zmtp__sharers *sharers, uint32_t link, uint32_t by)
{
    const uint32_t place = sharers_seek(sharers, sharers_key_of(sharers, link));
    assert(sharers->places[place] == link + 1);
    sharers->places[place] = by + 1;
}

bool zmtp__sharers_find(const struct zmtp__sharers *sharers, const struct zmtp__slot_owner *owner,
                        uint32_t topic, uint32_t *link)
{
    if (sharers->count == 0) return false;
    const uint32_t number =
        sharers
            ->places[sharers_seek(sharers, (struct sharers_key){.owner = owner, .topic = topic})];
    if (number > 0) *link = number - 1;
    return number > 0;
}
