#include "topic_table.h"

#include <assert.h>
#include <string.h>

enum { TOPIC_TABLE_EIGHT = 8 };
// The last but one of the places that an added topic may push on. Of a million topics that nobody chose to crowd, it has
// to be some 500; each that goes to the tree for it has all messages looked for there, too.
enum { TOPIC_TABLE_PUSHED = 16 * ZMTP__TOPIC_REACH };

// SplitMix64 (Steele, Lea, Flood, 2014): the keys out of the seed.
static uint64_t topic_table_draw(uint64_t *state)
{
    uint64_t drawn = *state += UINT64_C(0x9E3779B97F4A7C15);
    drawn = (drawn ^ drawn >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    drawn = (drawn ^ drawn >> 27) * UINT64_C(0x94D049BB133111EB);
    return drawn ^ drawn >> 31;
}

void zmtp__topic_table_init(struct zmtp__topic_table *table, const struct zmtp_allocator *allocator,
                            const struct zmtp__slots *slots, uint64_t seed)
{
    *table = (struct zmtp__topic_table){.allocator = allocator, .slots = slots};
    for (size_t i = 0; i < sizeof table->mix / sizeof table->mix[0]; i++)
        table->mix[i] = topic_table_draw(&seed);
    for (size_t i = 0; i < sizeof table->key / sizeof table->key[0]; i++)
        table->key[i] = (uint32_t)(topic_table_draw(&seed) >> 32);
}

// The places, of which none before the end of the reach is used, and the hints.
static size_t topic_table_octets(size_t capacity)
{
    return (capacity + ZMTP__TOPIC_REACH) * sizeof(struct zmtp__topic_place) + capacity;
}

static void topic_table_free(struct zmtp__topic_table *table)
{
    if (table->capacity > 0)
        zmtp_free(table->allocator, table->places, topic_table_octets(table->capacity));
    table->places = NULL;
    table->hints = NULL;
    table->capacity = 0;
}

void zmtp__topic_table_fini(struct zmtp__topic_table *table)
{
    assert(table->count == 0);
    topic_table_free(table);
}

// The hash.

// Eight octets as a little-endian number; it becomes one load.
static uint64_t topic_table_load(const uint8_t *octets)
{
    return (uint64_t)octets[0] | (uint64_t)octets[1] << 8 | (uint64_t)octets[2] << 16 |
           (uint64_t)octets[3] << 24 | (uint64_t)octets[4] << 32 | (uint64_t)octets[5] << 40 |
           (uint64_t)octets[6] << 48 | (uint64_t)octets[7] << 56;
}

// The same of those from |at| on; zeroes come after the last one.
static uint64_t topic_table_eight(struct zmtp_bytes text, size_t at)
{
    uint64_t eight = 0;
    const uint8_t *octets = text.data + at;
    if (text.size - at >= TOPIC_TABLE_EIGHT) return topic_table_load(octets);
    for (size_t i = 0; i < text.size - at; i++)
        eight |= (uint64_t)octets[i] << 8 * i;
    return eight;
}

static uint64_t topic_table_term(const struct zmtp__topic_table *table, uint64_t eight,
                                 size_t index)
{
    const uint32_t low = (uint32_t)eight + table->key[2 * index];
    const uint32_t high = (uint32_t)(eight >> 32) + table->key[2 * index + 1];
    return (uint64_t)low * high;
}

// Numbers in a row have hashes at equal distances, which pile up where they meet the table's own. This is a bijection:
// it parts them, and no two hashes become one.
static uint32_t topic_table_scatter(uint64_t hash)
{
    uint32_t scattered = (uint32_t)hash;
    scattered = (scattered ^ scattered >> 16) * UINT32_C(0x9E3779B1);
    return scattered ^ scattered >> 16;
}

static uint32_t topic_table_mix(const struct zmtp__topic_table *table, uint64_t sum, size_t size)
{
    const uint64_t *mix = table->mix;
    return topic_table_scatter(
        (mix[0] * (uint32_t)sum + mix[1] * (sum >> 32) + mix[2] * size + mix[3]) >> 32);
}

// The hash of all of |topic|.
static uint32_t topic_table_hash(const struct zmtp__topic_table *table, struct zmtp_bytes topic)
{
    uint64_t sum = 0;
    size_t at = 0, index = 0;
    for (; topic.size - at >= TOPIC_TABLE_EIGHT; at += TOPIC_TABLE_EIGHT)
        sum += topic_table_term(table, topic_table_load(topic.data + at), index++);
    if (at < topic.size) sum += topic_table_term(table, topic_table_eight(topic, at), index);
    return topic_table_mix(table, sum, topic.size);
}

// The same of the first |size| octets of |text|. |walk| has come to a shorter prefix, or to none.
static uint32_t topic_table_step(const struct zmtp__topic_table *table, struct zmtp_bytes text,
                                 size_t size, struct zmtp__topic_walk *walk)
{
    if (walk->index == 0 && text.size > 0) walk->eight = topic_table_eight(text, 0);
    for (; (walk->eights + 1) * TOPIC_TABLE_EIGHT <= size; walk->eights++) {
        walk->sum += topic_table_term(table, walk->eight, walk->eights);
        const size_t at = (walk->eights + 1) * TOPIC_TABLE_EIGHT;
        walk->eight = at < text.size ? topic_table_eight(text, at) : 0;
    }
    uint64_t sum = walk->sum;
    const size_t rest = size % TOPIC_TABLE_EIGHT;
    if (rest > 0) {
        const uint64_t kept = (UINT64_C(1) << 8 * rest) - 1;
        sum += topic_table_term(table, walk->eight & kept, walk->eights);
    }
    return topic_table_mix(table, sum, size);
}

// The places.

// Where a topic of this hash lies if those before it leave room: so in the order of the hashes.
static size_t topic_table_home(size_t capacity, uint32_t hash)
{
    return (size_t)((uint64_t)hash * capacity >> 32);
}

// The hint of a hash: which bit of its home's octet.
static unsigned topic_table_hint(size_t capacity, uint32_t hash)
{
    return 1u << ((uint64_t)hash * capacity >> 29 & 7);
}

// The first place whose hash is not below |hash|, or the free one before it.
static struct zmtp__topic_place *topic_table_seek(const struct zmtp__topic_table *table,
                                                  uint32_t hash)
{
    struct zmtp__topic_place *place = &table->places[topic_table_home(table->capacity, hash)];
    while (place->leaf && place->hash < hash)
        place++;
    return place;
}

// The place of |topic| from |place| on, the first one of its hash; null: there is none.
static struct zmtp__topic_place *topic_table_same(const struct zmtp__topic_table *table,
                                                  struct zmtp__topic_place *place,
                                                  struct zmtp_bytes topic, uint32_t hash)
{
    for (; place->leaf && place->hash == hash; place++)
        if (zmtp__topic_is(table->slots, place->leaf, topic)) return place;
    return NULL;
}

// The place of |topic|; null: there is none.
static struct zmtp__topic_place *topic_table_look(const struct zmtp__topic_table *table,
                                                  struct zmtp_bytes topic, uint32_t hash)
{
    const unsigned hints = table->hints[topic_table_home(table->capacity, hash)];
    if (!(hints & topic_table_hint(table->capacity, hash))) return NULL;
    return topic_table_same(table, topic_table_seek(table, hash), topic, hash);
}

uint32_t *zmtp__topic_table_find(const struct zmtp__topic_table *table, struct zmtp_bytes topic)
{
    if (topic.size > ZMTP__TOPIC_SHORT || table->of_size[topic.size] == 0) return NULL;
    struct zmtp__topic_place *place =
        topic_table_look(table, topic, topic_table_hash(table, topic));
    return place ? &place->leaf : NULL;
}

uint32_t *zmtp__topic_table_seek(const struct zmtp__topic_table *table, struct zmtp_bytes topic,
                                 struct zmtp__topic_seat *seat)
{
    if (topic.size > ZMTP__TOPIC_SHORT) return NULL;
    *seat = (struct zmtp__topic_seat){.hash = topic_table_hash(table, topic)};
    if (table->capacity == 0) return NULL;
    seat->hints = table->hints[topic_table_home(table->capacity, seat->hash)];
    struct zmtp__topic_place *place = seat->place = topic_table_seek(table, seat->hash);
    return (place = topic_table_same(table, place, topic, seat->hash)) ? &place->leaf : NULL;
}

bool zmtp__topic_table_next(const struct zmtp__topic_table *table, struct zmtp_bytes text,
                            struct zmtp__topic_walk *walk, uint32_t *leaf)
{
    while (walk->index < table->size_count && table->sizes[walk->index] <= text.size) {
        const struct zmtp_bytes prefix = {text.data, table->sizes[walk->index]};
        const uint32_t hash = topic_table_step(table, text, prefix.size, walk);
        walk->index++;
        const struct zmtp__topic_place *place = topic_table_look(table, prefix, hash);
        if (!place) continue;
        *leaf = zmtp__topic_leaf(place->leaf);
        return true;
    }
    return false;
}

// Do those that there are lie near enough to their homes with another capacity?
static bool topic_table_fits(const struct zmtp__topic_table *table, size_t capacity)
{
    size_t next = 0, left = table->count;
    for (const struct zmtp__topic_place *place = table->places; left > 0; place++) {
        if (!place->leaf) continue;
        const size_t home = topic_table_home(capacity, place->hash);
        if (next < home) next = home;
        if (next - home >= ZMTP__TOPIC_REACH) return false;
        next++;
        left--;
    }
    return true;
}

// Moves all of them to the end of |room| places, in their order, and from there, the first one first, to where
// they belong: each comes to lie at or before where it was.
static void topic_table_spread(struct zmtp__topic_table *table, size_t used, size_t capacity)
{
    const size_t room = capacity + ZMTP__TOPIC_REACH;
    struct zmtp__topic_place *const places = table->places;
    size_t packed = 0;
    for (size_t i = 0; packed < table->count && i < used; i++)
        if (places[i].leaf) places[packed++] = places[i];
    memmove(places + room - packed, places, packed * sizeof *places);
    memset(places, 0, (room - packed) * sizeof *places);
    uint8_t *const hints = (uint8_t *)(places + room);
    memset(hints, 0, capacity);
    size_t next = 0;
    for (size_t i = room - packed; i < room; i++) {
        const struct zmtp__topic_place moved = places[i];
        const size_t home = topic_table_home(capacity, moved.hash);
        if (next < home) next = home;
        hints[home] = (uint8_t)(hints[home] | topic_table_hint(capacity, moved.hash));
        places[i] = (struct zmtp__topic_place){0};
        places[next++] = moved;
    }
    table->hints = hints;
    table->capacity = capacity;
}

// Has room for one more, so that at most five places of six are taken: then topics lie near their homes.
static int topic_table_reserve(struct zmtp__topic_table *table)
{
    if (table->count < table->capacity - table->capacity / 6) return ZMTP_OK;
    if (table->count >= ZMTP__SLOT_MAX) return ZMTP_ERR_LIMIT;
    // By an eighth rather than by two: what a stranger makes us hold is kept close to what he sent.
    const size_t old = table->capacity, capacity = old + old / 8 + 8;
    if (old > 0 && !topic_table_fits(table, capacity)) return ZMTP_ERR_LIMIT;
    const size_t had = old > 0 ? topic_table_octets(old) : 0;
    struct zmtp__topic_place *places =
        zmtp_realloc(table->allocator, table->places, had, topic_table_octets(capacity));
    if (!places) return ZMTP_ERR_MEMORY;
    table->places = places;
    topic_table_spread(table, old > 0 ? old + ZMTP__TOPIC_REACH : 0, capacity);
    return ZMTP_OK;
}

// There is another size, or a size is gone.
static void topic_table_note_size(struct zmtp__topic_table *table)
{
    table->size_count = 0;
    for (size_t size = 0; size <= ZMTP__TOPIC_SHORT; size++)
        if (table->of_size[size] > 0) table->sizes[table->size_count++] = (uint8_t)size;
}

// Makes |place| free: what comes after it moves on by one. False: then something would lie too far away.
static bool topic_table_push(struct zmtp__topic_table *table, struct zmtp__topic_place *place,
                             size_t home)
{
    const struct zmtp__topic_place *const end = table->places + table->capacity + ZMTP__TOPIC_REACH;
    // Their homes are not before |home|, so what comes to lie within its reach need not be asked for its own.
    const struct zmtp__topic_place *const near = table->places + home + ZMTP__TOPIC_REACH - 1;
    struct zmtp__topic_place *gap = place;
    while (gap < near && gap->leaf)
        gap++;
    for (; gap < end && gap->leaf; gap++) {
        const size_t own = topic_table_home(table->capacity, gap->hash);
        const size_t next = (size_t)(gap - table->places) + 1;
        if (next - own >= ZMTP__TOPIC_REACH || gap - place >= TOPIC_TABLE_PUSHED) return false;
    }
    memmove(place + 1, place, (size_t)(gap - place) * sizeof *place);
    return true;
}

int zmtp__topic_table_add(struct zmtp__topic_table *table, struct zmtp_bytes topic,
                          const struct zmtp__topic_seat *seat, uint32_t leaf)
{
    assert(topic.size <= ZMTP__TOPIC_SHORT);
    const size_t capacity = table->capacity;
    const int result = topic_table_reserve(table);
    if (result < 0) return result;
    const uint32_t hash = seat->hash;
    const size_t home = topic_table_home(table->capacity, hash);
    const bool grown = table->capacity > capacity;
    struct zmtp__topic_place *const place = grown ? topic_table_seek(table, hash) : seat->place;
    const unsigned hints = grown ? table->hints[home] : seat->hints;
    const size_t away = (size_t)(place - table->places) - home;
    if (away >= ZMTP__TOPIC_REACH || !topic_table_push(table, place, home)) return ZMTP_ERR_LIMIT;
    *place = (struct zmtp__topic_place){.hash = hash, .leaf = leaf | ZMTP__TOPIC_LEAF};
    table->hints[home] = (uint8_t)(hints | topic_table_hint(table->capacity, hash));
    table->count++;
    if (table->of_size[topic.size]++ == 0) topic_table_note_size(table);
    return ZMTP_OK;
}

// A third that is taken is little. It stays as large when there is no memory, or no near place.
static void topic_table_shrink(struct zmtp__topic_table *table)
{
    const size_t old = table->capacity, capacity = old / 2 + 8;
    if (old < ZMTP__TOPIC_REACH || table->count >= old / 3) return;
    if (!topic_table_fits(table, capacity)) return;
    struct zmtp__topic_table smaller = *table;
    smaller.places = zmtp_alloc(table->allocator, topic_table_octets(capacity));
    if (!smaller.places) return;
    size_t packed = 0;
    for (size_t i = 0; packed < table->count; i++)
        if (table->places[i].leaf) smaller.places[packed++] = table->places[i];
    topic_table_spread(&smaller, packed, capacity);
    zmtp_free(table->allocator, table->places, topic_table_octets(old));
    *table = smaller;
}

// The hint of |place|, which is about to be free, goes unless it is a neighbour's as well: in that order nobody
// else can have it.
static void topic_table_unhint(struct zmtp__topic_table *table,
                               const struct zmtp__topic_place *place)
{
    const size_t home = topic_table_home(table->capacity, place->hash);
    const unsigned hint = topic_table_hint(table->capacity, place->hash);
    for (int side = -1; side <= 1; side += 2) {
        if (side < 0 && place == table->places) continue;
        const struct zmtp__topic_place *const other = place + side;
        if (other->leaf && topic_table_home(table->capacity, other->hash) == home &&
            topic_table_hint(table->capacity, other->hash) == hint)
            return;
    }
    table->hints[home] = (uint8_t)(table->hints[home] & ~hint);
}

void zmtp__topic_table_remove(struct zmtp__topic_table *table, uint32_t *leaf)
{
    const struct zmtp__topic_place *const end = table->places + table->capacity + ZMTP__TOPIC_REACH;
    const size_t size = zmtp__topic_octets(table->slots, *leaf).size;
    const size_t octets_before = offsetof(struct zmtp__topic_place, leaf);
    struct zmtp__topic_place *place =
        (struct zmtp__topic_place *)(void *)((uint8_t *)leaf - octets_before);
    topic_table_unhint(table, place);
    // Those after it that are not at home move up.
    struct zmtp__topic_place *next = place + 1;
    while (next < end && next->leaf &&
           topic_table_home(table->capacity, next->hash) < (size_t)(next - table->places))
        next++;
    memmove(place, place + 1, (size_t)(next - place - 1) * sizeof *place);
    next[-1] = (struct zmtp__topic_place){0};
    if (--table->of_size[size] == 0) topic_table_note_size(table);
    if (--table->count == 0)
        topic_table_free(table);
    else
        topic_table_shrink(table);
}
