// Random messages made from the schema, and their comparison: a new row of the message table is
// covered by the tests that use this without a word about it in them.
#ifndef TEST_SUPPORT_GARDEN_WIRE_H
#define TEST_SUPPORT_GARDEN_WIRE_H

#include <math.h>
#include <string.h>

#include "garden/wire/schema.h"
#include "random.h"

static const struct garden_form wire_forms[] = {{GARDEN_MSGPACK, GARDEN_EXTERNAL},
                                                {GARDEN_MSGPACK, GARDEN_TAGGED},
                                                {GARDEN_JSON, GARDEN_EXTERNAL},
                                                {GARDEN_JSON, GARDEN_TAGGED}};
enum { WIRE_FORMS = sizeof wire_forms / sizeof wire_forms[0] };

static inline struct garden_text wire_random_text(struct random *random, struct garden_arena *arena)
{
    static const char *const pieces[] = {"a",
                                         "Z",
                                         "0",
                                         " ",
                                         "\"",
                                         "\\",
                                         "/",
                                         "\n",
                                         "\t",
                                         "\x01",
                                         "\x7f",
                                         "\xc3\xa9",
                                         "\0",
                                         "\xe2\x82\xac",
                                         "\xf0\x9f\x8e\xb5",
                                         "\xed\x9f\xbf"};
    const size_t count = random_below(random, 8) ? random_below(random, 20) : 300;
    char *text = garden_arena_alloc(arena, count * 4 + 1, 1);
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        const char *piece = pieces[random_below(random, sizeof pieces / sizeof pieces[0])];
        const size_t piece_size = *piece ? strlen(piece) : 1;
        memcpy(text + size, piece, piece_size);
        size += piece_size;
    }
    return (struct garden_text){text, size};
}

static inline double wire_random_double(struct random *random)
{
    static const double some[] = {0.0, -0.0, 1.0, 16.0, 0.1, -2.5, 5e-324, 1.7976931348623157e308,
                                  1e22};
    if (random_below(random, 2)) return some[random_below(random, sizeof some / sizeof some[0])];
    for (;;) {
        const uint64_t bits = random_next(random);
        double real;
        memcpy(&real, &bits, sizeof real);
        if (isfinite(real)) return real;
    }
}

static inline float wire_random_float(struct random *random)
{
    for (;;) {
        const uint32_t bits = (uint32_t)random_next(random);
        float real;
        memcpy(&real, &bits, sizeof real);
        if (isfinite(real)) return random_below(random, 2) ? real : 0.75f;
    }
}

// Numbers at the edges of every width.
static inline uint64_t wire_random_natural(struct random *random)
{
    const uint64_t edge = UINT64_C(1) << random_below(random, 64);
    return edge - 1 + random_below(random, 3);
}

static inline struct garden_time wire_random_time(struct random *random)
{
    static const uint32_t nanos[] = {0, 120000000, 123456000, 1, 999999999};
    return (struct garden_time){
        .seconds = (int64_t)(random_next(random) % UINT64_C(315569520000)) - INT64_C(62167219200),
        .nanos = nanos[random_below(random, sizeof nanos / sizeof nanos[0])],
    };
}

static inline struct garden_value wire_random_value(struct random *random,
                                                    struct garden_arena *arena, unsigned depth);

static inline struct garden_map wire_random_map(struct random *random, struct garden_arena *arena,
                                                unsigned depth)
{
    struct garden_map map = {NULL, random_below(random, 18)};
    map.entries = garden_arena_alloc(arena, map.count, sizeof *map.entries);
    for (size_t i = 0; i < map.count; i++) {
        char *key = garden_arena_alloc(arena, 4, 1);
        memcpy(key, "k\xc3\xa9", 3);
        key[3] = (char)('a' + i); // no key twice
        map.entries[i].key = (struct garden_text){key, 4};
        map.entries[i].value = wire_random_value(random, arena, depth + 1);
    }
    return map;
}

static inline struct garden_value wire_random_value(struct random *random,
                                                    struct garden_arena *arena, unsigned depth)
{
    switch (random_below(random, depth < 3 ? 8 : 6)) {
    case 0:
        return garden_value_null();
    case 1:
        return garden_value_bool(random_below(random, 2));
    case 2:
        return garden_value_uint(wire_random_natural(random));
    case 3:
        return garden_value_int(-(int64_t)(wire_random_natural(random) >> 1) - 1);
    case 4:
        return garden_value_real(wire_random_double(random));
    case 5:
        return garden_value_text(wire_random_text(random, arena));
    case 6: {
        const size_t count = random_below(random, 4);
        struct garden_value *items = garden_arena_alloc(arena, count, sizeof *items);
        for (size_t i = 0; i < count; i++)
            items[i] = wire_random_value(random, arena, depth + 1);
        return garden_value_list(items, count);
    }
    default: {
        const struct garden_map map = wire_random_map(random, arena, depth);
        return garden_value_map(map.entries, map.count);
    }
    }
}

static inline void wire_random_fill(const struct garden__type *type, struct random *random,
                                    struct garden_arena *arena, void *out);

static inline void wire_random_fields(const struct garden__field *fields, size_t count,
                                      struct random *random, struct garden_arena *arena, char *out)
{
    for (size_t i = 0; i < count; i++) {
        if (fields[i].option) {
            const bool has = random_below(random, 2);
            *(bool *)(out + fields[i].has_offset) = has;
            if (!has) continue;
        }
        wire_random_fill(fields[i].type, random, arena, out + fields[i].offset);
    }
}

// Fills the variant that |out| already has the kind of.
static inline void wire_random_variant(const struct garden__type *type, struct random *random,
                                       struct garden_arena *arena, void *out)
{
    const struct garden__variant *variant = &type->variants[garden__kind_get(out)];
    wire_random_fields(variant->fields, variant->field_count, random, arena, out);
}

static inline void wire_random_fill(const struct garden__type *type, struct random *random,
                                    struct garden_arena *arena, void *out)
{
    switch (type->shape) {
    case GARDEN__FLAG:
        *(bool *)out = random_below(random, 2);
        return;
    case GARDEN__NATURAL:
        if (type->size == 2) *(uint16_t *)out = (uint16_t)wire_random_natural(random);
        if (type->size == 4) *(uint32_t *)out = (uint32_t)wire_random_natural(random);
        if (type->size == 8) *(uint64_t *)out = wire_random_natural(random);
        return;
    case GARDEN__FLOAT:
        *(float *)out = wire_random_float(random);
        return;
    case GARDEN__DOUBLE:
        *(double *)out = wire_random_double(random);
        return;
    case GARDEN__TEXT:
        *(struct garden_text *)out = wire_random_text(random, arena);
        return;
    case GARDEN__UUID:
        for (size_t i = 0; i < 16; i++)
            ((struct garden_uuid *)out)->octets[i] = (uint8_t)random_next(random);
        return;
    case GARDEN__TIME:
        *(struct garden_time *)out = wire_random_time(random);
        return;
    case GARDEN__VALUE:
    case GARDEN__ANY:
        *(struct garden_value *)out = wire_random_value(random, arena, 0);
        return;
    case GARDEN__MAP:
        *(struct garden_map *)out = wire_random_map(random, arena, 0);
        return;
    case GARDEN__ENUM:
        garden__kind_set(out, (unsigned)random_below(random, type->variant_count));
        return;
    case GARDEN__LIST: {
        struct garden__items list = {NULL, random_below(random, 4)};
        list.items = garden_arena_alloc(arena, list.count, type->item->size);
        for (size_t i = 0; i < list.count; i++)
            wire_random_fill(type->item, random, arena, (char *)list.items + i * type->item->size);
        garden__items_set(out, list);
        return;
    }
    case GARDEN__STRUCT:
    case GARDEN__PAIR:
        wire_random_fields(type->fields, type->field_count, random, arena, out);
        return;
    case GARDEN__VARIANTS:
        garden__kind_set(out, (unsigned)random_below(random, type->variant_count));
        wire_random_variant(type, random, arena, out);
        return;
    }
}

static inline bool wire_equal(const struct garden__type *type, const void *a, const void *b);

static inline bool wire_fields_equal(const struct garden__field *fields, size_t count,
                                     const char *a, const char *b)
{
    for (size_t i = 0; i < count; i++) {
        if (fields[i].option) {
            const bool has = *(const bool *)(a + fields[i].has_offset);
            if (has != *(const bool *)(b + fields[i].has_offset)) return false;
            if (!has) continue;
        }
        if (!wire_equal(fields[i].type, a + fields[i].offset, b + fields[i].offset)) return false;
    }
    return true;
}

static inline bool wire_maps_equal(struct garden_map a, struct garden_map b)
{
    const struct garden_value left = garden_value_map(a.entries, a.count);
    const struct garden_value right = garden_value_map(b.entries, b.count);
    return garden_value_equal(&left, &right);
}

static inline bool wire_lists_equal(const struct garden__type *item, struct garden__items a,
                                    struct garden__items b)
{
    if (a.count != b.count) return false;
    for (size_t i = 0; i < a.count; i++) {
        if (!wire_equal(item, (char *)a.items + i * item->size, (char *)b.items + i * item->size)) {
            return false;
        }
    }
    return true;
}

static inline bool wire_equal(const struct garden__type *type, const void *a, const void *b)
{
    switch (type->shape) {
    case GARDEN__FLAG:
        return *(const bool *)a == *(const bool *)b;
    case GARDEN__NATURAL:
    case GARDEN__FLOAT:
    case GARDEN__DOUBLE: // by their bits: 0.0 is not -0.0
    case GARDEN__UUID:
    case GARDEN__ENUM:
        return memcmp(a, b, type->size) == 0;
    case GARDEN__TEXT:
        return garden_text_equal(*(const struct garden_text *)a, *(const struct garden_text *)b);
    case GARDEN__TIME: {
        const struct garden_time *left = a, *right = b;
        return left->seconds == right->seconds && left->nanos == right->nanos;
    }
    case GARDEN__VALUE:
    case GARDEN__ANY:
        return garden_value_equal(a, b);
    case GARDEN__MAP:
        return wire_maps_equal(*(const struct garden_map *)a, *(const struct garden_map *)b);
    case GARDEN__LIST:
        return wire_lists_equal(type->item, garden__items_get(a), garden__items_get(b));
    case GARDEN__STRUCT:
    case GARDEN__PAIR:
        return wire_fields_equal(type->fields, type->field_count, a, b);
    case GARDEN__VARIANTS: {
        const unsigned kind = garden__kind_get(a);
        if (kind != garden__kind_get(b)) return false;
        const struct garden__variant *variant = &type->variants[kind];
        return wire_fields_equal(variant->fields, variant->field_count, a, b);
    }
    }
    return false;
}

// How many kinds of content a family has.
static inline unsigned wire_kinds(enum garden_family family)
{
    const struct garden__type *type = garden__family_types[family];
    return type->shape == GARDEN__VARIANTS ? (unsigned)type->variant_count : 1;
}

// A message of |family| and |kind| with everything else drawn; it lives in |arena|.
static inline struct garden_message wire_random_message(enum garden_family family, unsigned kind,
                                                        struct random *random,
                                                        struct garden_arena *arena)
{
    struct garden_message message = {.family = family};
    wire_random_fill(garden__header_type, random, arena, &message.header);
    message.header.msg_type = garden_text_of(garden_family_text(family));
    message.header.version = garden_text_of(GARDEN_VERSION);
    message.has_parent = random_below(random, 2);
    if (message.has_parent) wire_random_fill(garden__header_type, random, arena, &message.parent);
    message.metadata = wire_random_map(random, arena, 1);
    const struct garden__type *type = garden__family_types[family];
    if (type->shape == GARDEN__VARIANTS) {
        garden__kind_set(&message.shell_request, kind);
        wire_random_variant(type, random, arena, &message.shell_request);
    } else {
        wire_random_fill(type, random, arena, &message.shell_request);
    }
    return message;
}

static inline bool wire_messages_equal(const struct garden_message *a,
                                       const struct garden_message *b)
{
    if (!wire_equal(garden__header_type, &a->header, &b->header)) return false;
    if (a->has_parent != b->has_parent) return false;
    if (a->has_parent && !wire_equal(garden__header_type, &a->parent, &b->parent)) return false;
    if (!wire_maps_equal(a->metadata, b->metadata)) return false;
    if (a->family != b->family) return false;
    return wire_equal(garden__family_types[a->family], &a->shell_request, &b->shell_request);
}

#endif
