#include "test/support/memories.h"

#include <string.h>

enum memory memory;
static const enum use *memory_uses;

static void join(uint8_t view[PLACES], const uint8_t other[PLACES])
{
    for (size_t i = 0; i < PLACES; i++)
        if (view[i] < other[i]) view[i] = other[i];
}

// Drops what nobody can see any more, so that equal states look equal.
static void tidy_place(struct memories *s, size_t place)
{
    uint8_t first = s->count[place] - 1;
    if (memory_uses[place] == OWNED) // that there are older ones is enough
        first = first > 0 ? first - 1 : 0;
    else if (memory_uses[place] == LOOKED_AT) // which is never only looked at
        for (size_t t = 0; t < THREADS; t++)
            if (!s->gone[t] && s->knows[t][place] < first) first = s->knows[t][place];
    if (first > 0) {
        s->count[place] -= first;
        memmove(s->messages[place], s->messages[place] + first,
                s->count[place] * sizeof s->messages[place][0]);
        memset(s->messages[place] + s->count[place], 0, first * sizeof s->messages[place][0]);
    }
    uint8_t *views[3 * THREADS + 1 + PLACES * HISTORY];
    size_t count = 0;
    for (size_t t = 0; t < THREADS; t++) {
        views[count++] = s->knows[t];
        views[count++] = s->heard[t];
        views[count++] = s->told[t];
    }
    views[count++] = s->all;
    for (size_t p = 0; p < PLACES; p++)
        for (size_t m = 0; m < s->count[p]; m++)
            views[count++] = s->messages[p][m].view;
    for (size_t i = 0; i < count; i++)
        views[i][place] = views[i][place] < first ? 0 : views[i][place] - first;
}

static void weak_fence(struct memories *s, size_t t)
{
    join(s->knows[t], s->heard[t]);
    join(s->knows[t], s->all);
    join(s->all, s->knows[t]);
    memcpy(s->heard[t], s->knows[t], PLACES);
    memcpy(s->told[t], s->knows[t], PLACES);
}

static void weak_store(struct memories *s, size_t t, size_t place, uint8_t value, enum order order)
{
    if (s->count[place] == HISTORY) {
        s->wrong = 'h'; // a limit of the model
        return;
    }
    const uint8_t at = s->count[place]++;
    s->knows[t][place] = at;
    struct message *const message = &s->messages[place][at];
    message->value = value;
    memcpy(message->view, order >= RELEASE ? s->knows[t] : s->told[t], PLACES);
    message->view[place] = at;
    if (order == SEQUENTIAL) s->all[place] = at;
    for (size_t p = 0; p < PLACES; p++)
        tidy_place(s, p);
}

static void weak_see(struct memories *s, size_t t, size_t place, uint8_t at, enum order order)
{
    s->knows[t][place] = at;
    join(s->heard[t], s->messages[place][at].view);
    if (order == ACQUIRE || order == SEQUENTIAL) join(s->knows[t], s->messages[place][at].view);
}

static void strong_drain_one(struct memories *s, size_t t)
{
    s->value[s->queue[t][0][0]] = s->queue[t][0][1];
    s->queued[t]--;
    memmove(s->queue[t], s->queue[t] + 1, s->queued[t] * sizeof s->queue[t][0]);
    memset(s->queue[t] + s->queued[t], 0, sizeof s->queue[t][0]);
}

void fence(struct memories *s, size_t t)
{
    if (memory == WEAK) {
        weak_fence(s, t);
        for (size_t p = 0; p < PLACES; p++)
            tidy_place(s, p);
    }
    while (s->queued[t] > 0)
        strong_drain_one(s, t);
}

void store(struct memories *s, size_t t, size_t place, uint8_t value, enum order order)
{
    if (memory == WEAK) {
        weak_store(s, t, place, value, order);
        return;
    }
    if (s->queued[t] == QUEUE) {
        s->wrong = 'q'; // a limit of the model
        return;
    }
    s->queue[t][s->queued[t]][0] = (uint8_t)place;
    s->queue[t][s->queued[t]++][1] = value;
    if (order == SEQUENTIAL) fence(s, t);
}

bool load(struct memories *s, size_t t, size_t place, enum order order, unsigned choice,
          uint8_t *value)
{
    if (memory == STRONG) {
        *value = s->value[place];
        for (size_t i = 0; i < s->queued[t]; i++)
            if (s->queue[t][i][0] == place) *value = s->queue[t][i][1];
        return choice == 0;
    }
    uint8_t first = s->knows[t][place];
    if (order == SEQUENTIAL && s->all[place] > first) first = s->all[place];
    if (first + choice >= s->count[place]) return false;
    weak_see(s, t, place, (uint8_t)(first + choice), order);
    *value = s->messages[place][first + choice].value;
    for (size_t p = 0; p < PLACES; p++)
        tidy_place(s, p);
    return true;
}

uint8_t exchange(struct memories *s, size_t t, size_t place, uint8_t value)
{
    uint8_t before;
    if (memory == STRONG) {
        fence(s, t);
        before = s->value[place];
        s->value[place] = value;
        return before;
    }
    const uint8_t last = s->count[place] - 1;
    before = s->messages[place][last].value;
    weak_see(s, t, place, last, SEQUENTIAL);
    weak_store(s, t, place, value, SEQUENTIAL);
    return before;
}

uint8_t own_read(struct memories *s, size_t t, size_t place)
{
    if (memory == WEAK) {
        const uint8_t last = s->count[place] - 1;
        if (s->knows[t][place] != last) s->wrong = 'r';
        return s->messages[place][last].value;
    }
    uint8_t value = s->value[place];
    for (size_t k = 0; k < THREADS; k++)
        for (size_t i = 0; i < s->queued[k]; i++)
            if (s->queue[k][i][0] == place) {
                if (k != t) s->wrong = 'r';
                value = s->queue[k][i][1];
            }
    return value;
}

void own_write(struct memories *s, size_t t, size_t place, uint8_t value)
{
    (void)own_read(s, t, place);
    store(s, t, place, value, RELAXED);
}

void memory_begin(struct memories *s, const uint8_t first[PLACES], const enum use uses[PLACES])
{
    memory_uses = uses;
    memset(s, 0, sizeof *s);
    for (size_t p = 0; p < PLACES; p++) {
        s->count[p] = memory == WEAK;
        s->messages[p][0].value = memory == WEAK ? first[p] : 0;
        s->value[p] = memory == STRONG ? first[p] : 0;
    }
}

uint8_t memory_last(const struct memories *s, size_t place)
{
    return memory == STRONG ? s->value[place] : s->messages[place][s->count[place] - 1].value;
}

bool memory_drain(struct memories *s, size_t t)
{
    if (s->queued[t] == 0) return false;
    strong_drain_one(s, t);
    return true;
}
