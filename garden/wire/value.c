#include "../value.h"

#include <math.h>
#include <string.h>

struct garden_value garden_value_null(void)
{
    return (struct garden_value){.type = GARDEN_NULL};
}

struct garden_value garden_value_bool(bool boolean)
{
    return (struct garden_value){.type = GARDEN_BOOL, .boolean = boolean};
}

struct garden_value garden_value_int(int64_t integer)
{
    return (struct garden_value){.type = GARDEN_INT, .integer = integer};
}

struct garden_value garden_value_uint(uint64_t natural)
{
    if (natural <= INT64_MAX) return garden_value_int((int64_t)natural);
    return (struct garden_value){.type = GARDEN_UINT, .natural = natural};
}

struct garden_value garden_value_real(double real)
{
    return (struct garden_value){.type = GARDEN_REAL, .real = real};
}

struct garden_value garden_value_text(struct garden_text text)
{
    return (struct garden_value){.type = GARDEN_TEXT, .text = text};
}

struct garden_value garden_value_list(struct garden_value *items, size_t count)
{
    return (struct garden_value){.type = GARDEN_LIST, .list = {items, count}};
}

struct garden_value garden_value_map(struct garden_entry *entries, size_t count)
{
    return (struct garden_value){.type = GARDEN_MAP, .map = {entries, count}};
}

struct garden_entry garden_entry_of(const char *key, struct garden_value value)
{
    return (struct garden_entry){garden_text_of(key), value};
}

static const struct garden_value *value_at(const struct garden_map *map, struct garden_text key)
{
    for (size_t i = 0; i < map->count; i++) {
        if (garden_text_equal(map->entries[i].key, key)) return &map->entries[i].value;
    }
    return NULL;
}

const struct garden_value *garden_map_find(const struct garden_map *map, const char *key)
{
    return map ? value_at(map, garden_text_of(key)) : NULL;
}

const struct garden_value *garden_value_find(const struct garden_value *value, const char *key)
{
    return value && value->type == GARDEN_MAP ? garden_map_find(&value->map, key) : NULL;
}

bool garden_value_to_i64(const struct garden_value *value, int64_t *out)
{
    if (!value) return false;
    if (value->type == GARDEN_INT) {
        *out = value->integer;
        return true;
    }
    // Both bounds are powers of two, so they are exact; the upper one is the first too large.
    if (value->type != GARDEN_REAL || !(value->real >= -0x1p63 && value->real < 0x1p63)) {
        return false;
    }
    const int64_t integer = (int64_t)value->real;
    if ((double)integer != value->real) return false;
    *out = integer;
    return true;
}

bool garden_value_to_u64(const struct garden_value *value, uint64_t *out)
{
    if (!value) return false;
    if (value->type == GARDEN_UINT) {
        *out = value->natural;
        return true;
    }
    if (value->type == GARDEN_INT && value->integer >= 0) {
        *out = (uint64_t)value->integer;
        return true;
    }
    if (value->type != GARDEN_REAL || !(value->real >= 0 && value->real < 0x1p64)) return false;
    const uint64_t natural = (uint64_t)value->real;
    if ((double)natural != value->real) return false;
    *out = natural;
    return true;
}

bool garden_value_to_real(const struct garden_value *value, double *out)
{
    if (!value) return false;
    struct garden_value back = garden_value_null();
    switch (value->type) {
    case GARDEN_REAL:
        *out = value->real;
        return isfinite(value->real);
    case GARDEN_INT: {
        back = garden_value_real((double)value->integer);
        int64_t integer;
        if (!garden_value_to_i64(&back, &integer) || integer != value->integer) return false;
        break;
    }
    case GARDEN_UINT: {
        back = garden_value_real((double)value->natural);
        uint64_t natural;
        if (!garden_value_to_u64(&back, &natural) || natural != value->natural) return false;
        break;
    }
    case GARDEN_NULL:
    case GARDEN_BOOL:
    case GARDEN_TEXT:
    case GARDEN_OCTETS:
    case GARDEN_LIST:
    case GARDEN_MAP:
        return false;
    }
    *out = back.real;
    return true;
}

bool garden_value_to_text(const struct garden_value *value, struct garden_text *out)
{
    if (!value || value->type != GARDEN_TEXT) return false;
    *out = value->text;
    return true;
}

bool garden_value_to_bool(const struct garden_value *value, bool *out)
{
    if (!value || value->type != GARDEN_BOOL) return false;
    *out = value->boolean;
    return true;
}

// Two values without regard to what they hold.
static bool value_shallow_equal(const struct garden_value *a, const struct garden_value *b)
{
    if (a->type != b->type) return false;
    switch (a->type) {
    case GARDEN_NULL:
        return true;
    case GARDEN_BOOL:
        return a->boolean == b->boolean;
    case GARDEN_INT:
        return a->integer == b->integer;
    case GARDEN_UINT:
        return a->natural == b->natural;
    case GARDEN_REAL:
        return a->real == b->real;
    case GARDEN_TEXT:
        return garden_text_equal(a->text, b->text);
    case GARDEN_OCTETS:
        return zmtp_bytes_equal(a->octets, b->octets);
    case GARDEN_LIST:
        return a->list.count == b->list.count;
    case GARDEN_MAP:
        return a->map.count == b->map.count;
    }
    return false;
}

static size_t value_count(const struct garden_value *value)
{
    if (value->type == GARDEN_LIST) return value->list.count;
    return value->type == GARDEN_MAP ? value->map.count : 0;
}

static struct garden_value *value_child(const struct garden_value *value, size_t index)
{
    return value->type == GARDEN_LIST ? &value->list.items[index]
                                      : &value->map.entries[index].value;
}

bool garden_value_equal(const struct garden_value *a, const struct garden_value *b)
{
    struct {
        const struct garden_value *a, *b;
        size_t next;
    } stack[GARDEN_DEPTH_MAX];
    unsigned depth = 0;
    for (;;) {
        if (!a || !b || !value_shallow_equal(a, b)) return false;
        if (value_count(a)) {
            if (depth == GARDEN_DEPTH_MAX) return false;
            stack[depth].a = a;
            stack[depth].b = b;
            stack[depth++].next = 0;
        }
        while (depth && stack[depth - 1].next == value_count(stack[depth - 1].a))
            depth--;
        if (depth == 0) return true;
        const struct garden_value *outer = stack[depth - 1].a, *other = stack[depth - 1].b;
        const size_t index = stack[depth - 1].next++;
        a = value_child(outer, index);
        b = outer->type == GARDEN_LIST ? value_child(other, index)
                                       : value_at(&other->map, outer->map.entries[index].key);
    }
}

static const void *value_duplicate(struct garden_arena *arena, const void *from, size_t size)
{
    char *copy = garden_arena_alloc(arena, size + 1, 1); // + 1: a text ends in a zero
    if (copy && size) memcpy(copy, from, size);
    return copy;
}

// Replaces what |value| refers to by copies; the children of a list or map are still the original's.
static int value_own(struct garden_arena *arena, struct garden_value *value)
{
    switch (value->type) {
    case GARDEN_NULL:
    case GARDEN_BOOL:
    case GARDEN_INT:
    case GARDEN_UINT:
    case GARDEN_REAL:
        return GARDEN_OK;
    case GARDEN_TEXT:
        value->text.data = value_duplicate(arena, value->text.data, value->text.size);
        return value->text.data ? GARDEN_OK : arena->error;
    case GARDEN_OCTETS:
        value->octets.data = value_duplicate(arena, value->octets.data, value->octets.size);
        return value->octets.data ? GARDEN_OK : arena->error;
    case GARDEN_LIST: {
        const struct garden_value_list from = value->list;
        value->list.items = garden_arena_alloc(arena, from.count, sizeof *from.items);
        if (!value->list.items) return arena->error;
        if (from.count) memcpy(value->list.items, from.items, from.count * sizeof *from.items);
        return GARDEN_OK;
    }
    case GARDEN_MAP: {
        const struct garden_map from = value->map;
        value->map.entries = garden_arena_alloc(arena, from.count, sizeof *from.entries);
        if (!value->map.entries) return arena->error;
        for (size_t i = 0; i < from.count; i++) {
            struct garden_text key = from.entries[i].key;
            key.data = value_duplicate(arena, key.data, key.size);
            if (!key.data) return arena->error;
            value->map.entries[i] = (struct garden_entry){key, from.entries[i].value};
        }
        return GARDEN_OK;
    }
    }
    return GARDEN_ERR_ARGUMENT;
}

int garden_value_copy(struct garden_arena *arena, const struct garden_value *from,
                      struct garden_value *to)
{
    struct {
        struct garden_value *value;
        size_t next;
    } stack[GARDEN_DEPTH_MAX];
    unsigned depth = 0;
    struct garden_value copy = *from;
    for (struct garden_value *value = &copy;;) {
        const int error = value_own(arena, value);
        if (error) return error;
        if (value_count(value)) {
            if (depth == GARDEN_DEPTH_MAX) return GARDEN_ERR_LIMIT;
            stack[depth].value = value;
            stack[depth++].next = 0;
        }
        while (depth && stack[depth - 1].next == value_count(stack[depth - 1].value))
            depth--;
        if (depth == 0) break;
        value = value_child(stack[depth - 1].value, stack[depth - 1].next++);
    }
    *to = copy;
    return GARDEN_OK;
}
