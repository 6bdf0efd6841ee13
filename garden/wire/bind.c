// From values to structs: the reading walk over the schema.
#include <float.h>
#include <string.h>

#include "line.h"
#include "walk.h"

struct bind {
    struct garden__walk walk;
    // For each place of the walk: the list or map that its fields or items come from, how many items
    // of a list come before the first (a tag), and where they go.
    struct {
        const struct garden_value *from;
        size_t skip;
        char *to;
    } ends[GARDEN__WALK_MAX];
    struct garden_arena *arena;
    enum garden_dialect dialect;
    struct garden_fault *fault;
};

static const char *bind_type_name(const struct garden_value *value)
{
    switch (value->type) {
    case GARDEN_NULL:
        return "null";
    case GARDEN_BOOL:
        return "true or false";
    case GARDEN_INT:
    case GARDEN_UINT:
        return "an integer";
    case GARDEN_REAL:
        return "a real";
    case GARDEN_TEXT:
        return "a text";
    case GARDEN_OCTETS:
        return "octets";
    case GARDEN_LIST:
        return "a list";
    case GARDEN_MAP:
        return "a map";
    }
    return "nothing";
}

static int bind_fail(struct bind *b, int code, const struct garden_value *value,
                     const char *expected)
{
    if (!b->fault) return code;
    char what[96];
    struct garden__line line = garden__line_of(what, sizeof what);
    garden__line_text(&line, "expected ");
    garden__line_text(&line, expected);
    garden__walk_fault(&b->walk, b->fault, code, value->offset, what, bind_type_name(value));
    return code;
}

static int bind_natural(struct bind *b, const struct garden__type *type,
                        const struct garden_value *value, void *out)
{
    uint64_t natural;
    const bool number =
        value->type == GARDEN_INT || value->type == GARDEN_UINT || value->type == GARDEN_REAL;
    if (!number) return bind_fail(b, GARDEN_ERR_FORMAT, value, type->expected);
    if (!garden_value_to_u64(value, &natural) || (type->size < 8 && natural >> 8 * type->size)) {
        return bind_fail(b, GARDEN_ERR_RANGE, value, type->expected);
    }
    if (type->size == sizeof(uint16_t)) {
        *(uint16_t *)out = (uint16_t)natural;
    } else if (type->size == sizeof(uint32_t)) {
        *(uint32_t *)out = (uint32_t)natural;
    } else {
        *(uint64_t *)out = natural;
    }
    return GARDEN_OK;
}

static int bind_real(struct bind *b, const struct garden__type *type,
                     const struct garden_value *value, double max, double *out)
{
    if (value->type != GARDEN_INT && value->type != GARDEN_UINT && value->type != GARDEN_REAL) {
        return bind_fail(b, GARDEN_ERR_FORMAT, value, type->expected);
    }
    double real;
    if (!garden_value_to_real(value, &real) || real < -max || real > max) {
        return bind_fail(b, GARDEN_ERR_RANGE, value, type->expected);
    }
    *out = real;
    return GARDEN_OK;
}

static int bind_uuid(struct bind *b, const struct garden_value *value, struct garden_uuid *out)
{
    if (value->type == GARDEN_OCTETS && value->octets.size == sizeof out->octets) {
        memcpy(out->octets, value->octets.data, sizeof out->octets);
        return GARDEN_OK;
    }
    if (value->type == GARDEN_TEXT && garden_uuid_parse(value->text, out) == 0) return GARDEN_OK;
    return bind_fail(b, GARDEN_ERR_FORMAT, value, "a uuid of 16 octets or 36 characters");
}

static int bind_time(struct bind *b, const struct garden_value *value, struct garden_time *out)
{
    if (value->type != GARDEN_TEXT) {
        return bind_fail(b, GARDEN_ERR_FORMAT, value, "a time of RFC 3339");
    }
    const int error = garden_time_parse(value->text, out);
    return error ? bind_fail(b, error, value, "a time of RFC 3339") : GARDEN_OK;
}

static const struct garden_value *bind_child(const struct garden_value *outer, size_t index)
{
    return outer->type == GARDEN_LIST ? &outer->list.items[index]
                                      : &outer->map.entries[index].value;
}

static size_t bind_count(const struct garden_value *value)
{
    if (value->type == GARDEN_LIST) return value->list.count;
    return value->type == GARDEN_MAP ? value->map.count : 0;
}

// A dynamic value is what JSON knows: it holds no octets at any depth.
static int bind_dynamic(struct bind *b, const struct garden_value *value)
{
    struct {
        const struct garden_value *value;
        size_t next;
    } stack[GARDEN_DEPTH_MAX];
    unsigned depth = 0;
    for (;;) {
        if (value->type == GARDEN_OCTETS) {
            return bind_fail(b, GARDEN_ERR_FORMAT, value, "what JSON can hold");
        }
        if (bind_count(value)) {
            stack[depth].value = value; // the document's readers allow no more depth than this
            stack[depth++].next = 0;
        }
        while (depth && stack[depth - 1].next == bind_count(stack[depth - 1].value))
            depth--;
        if (depth == 0) return GARDEN_OK;
        value = bind_child(stack[depth - 1].value, stack[depth - 1].next++);
    }
}

enum bind_spelling { BIND_CAMEL = 1, BIND_SNAKE = 2 };

// Goes on behind what the fault says.
static struct garden__line bind_more(struct garden_fault *fault)
{
    const size_t used = strlen(fault->text);
    return garden__line_of(fault->text + used, sizeof fault->text - used);
}

// Tells the name that was perhaps meant, spelled as it may be here; or all, where they are few.
static void bind_choices(const struct garden__type *type, struct garden_text name,
                         unsigned spelling, struct garden_fault *fault)
{
    enum { FEW = 8 };
    struct garden_near near;
    char snake[GARDEN__NAME_MAX];
    struct garden__line line = bind_more(fault);
    garden_near_init(&near, name);
    for (size_t i = 0; i < type->variant_count; i++)
        garden_near_offer(&near, type->variants[i].name);
    for (size_t i = 0; i < type->variant_count; i++) {
        const struct garden__variant *v = &type->variants[i];
        if (near.best ? v->name != near.best : type->variant_count > FEW) continue;
        const struct garden_text known =
            spelling & BIND_CAMEL ? garden_text_of(v->name) : garden__name_snake(v->tagged, snake);
        garden__line_text(&line, near.best ? "; did you mean '" : i == 0 ? "; there are " : ", ");
        garden__line_foreign(&line, known.data, known.size);
        if (near.best) garden__line_text(&line, "'?");
    }
}

static int bind_find(struct bind *b, const struct garden__type *type,
                     const struct garden_value *value, struct garden_text name, unsigned spelling,
                     unsigned *kind)
{
    for (size_t i = 0; i < type->variant_count; i++) {
        const struct garden__variant *v = &type->variants[i];
        const bool camel = garden_text_is(name, v->name) || garden_text_is(name, v->tagged);
        const bool snake =
            garden__name_is_snake(name, v->name) || garden__name_is_snake(name, v->tagged);
        if ((camel && (spelling & BIND_CAMEL)) || (snake && (spelling & BIND_SNAKE))) {
            *kind = (unsigned)i;
            return GARDEN_OK;
        }
    }
    if (b->fault) {
        char found[GARDEN__NAME_MAX];
        struct garden__line line = garden__line_of(found, sizeof found);
        garden__line_foreign(&line, name.data, name.size);
        garden__walk_fault(&b->walk, b->fault, GARDEN_ERR_TYPE, value->offset,
                           "expected a name known here", found);
        bind_choices(type, name, spelling, b->fault);
    }
    return GARDEN_ERR_TYPE;
}

static int bind_enum(struct bind *b, const struct garden__type *type,
                     const struct garden_value *value, void *out)
{
    if (value->type != GARDEN_TEXT) return bind_fail(b, GARDEN_ERR_FORMAT, value, type->expected);
    unsigned kind;
    const int error = bind_find(b, type, value, value->text, BIND_CAMEL | BIND_SNAKE, &kind);
    if (!error) garden__kind_set(out, kind);
    return error;
}

// Begins with |fields|, to be taken from a list after its first |skip| items, or from a map.
static int bind_fields(struct bind *b, const char *variant, const struct garden__field *fields,
                       size_t count, const struct garden_value *from, size_t skip, void *to)
{
    if (from->type == GARDEN_LIST) {
        // Only a last field with a default may be left out of a list, and then it is known which.
        const size_t least = count && fields[count - 1].type->absent_ok ? count - 1 : count;
        const size_t present = from->list.count - skip;
        if (present < least || present > count) {
            garden__walk_fields(&b->walk, variant, fields, count);
            return bind_fail(b, GARDEN_ERR_FORMAT, from, "as many items as it has fields");
        }
    }
    b->ends[b->walk.depth].from = from;
    b->ends[b->walk.depth].skip = skip;
    b->ends[b->walk.depth].to = to;
    garden__walk_fields(&b->walk, variant, fields, count);
    return GARDEN_OK;
}

static int bind_struct(struct bind *b, const struct garden__type *type,
                       const struct garden_value *value, void *out)
{
    const bool list = value->type == GARDEN_LIST;
    const bool map = value->type == GARDEN_MAP && type->shape != GARDEN__PAIR;
    if (!list && !map) return bind_fail(b, GARDEN_ERR_FORMAT, value, type->expected);
    return bind_fields(b, NULL, type->fields, type->field_count, value, 0, out);
}

static int bind_items(struct bind *b, const struct garden__type *type,
                      const struct garden_value *value, void *out)
{
    if (value->type != GARDEN_LIST) return bind_fail(b, GARDEN_ERR_FORMAT, value, type->expected);
    const size_t count = value->list.count;
    garden__items_set(out, (struct garden__items){NULL, 0});
    if (count == 0) return GARDEN_OK;
    void *items = garden_arena_alloc(b->arena, count, type->item->size);
    if (!items) return bind_fail(b, b->arena->error, value, "a list that fits the memory allowed");
    garden__items_set(out, (struct garden__items){items, count});
    b->ends[b->walk.depth].from = value;
    b->ends[b->walk.depth].skip = 0;
    b->ends[b->walk.depth].to = items;
    garden__walk_items(&b->walk, type->item, count);
    return GARDEN_OK;
}

// "Play", {"Play": null}, {"Seek": [16.0]} or {"Seek": {"beat": 16.0}}.
static int bind_external(struct bind *b, const struct garden__type *type,
                         const struct garden_value *value, void *out)
{
    const bool bare = value->type == GARDEN_TEXT;
    if (!bare && !(value->type == GARDEN_MAP && value->map.count == 1)) {
        return bind_fail(b, GARDEN_ERR_FORMAT, value, "a variant's name, or a map of that name");
    }
    const unsigned spelling = type->external ? BIND_CAMEL | BIND_SNAKE : BIND_CAMEL;
    unsigned kind;
    const struct garden_text name = bare ? value->text : value->map.entries[0].key;
    const int error = bind_find(b, type, value, name, spelling, &kind);
    if (error) return error;
    garden__kind_set(out, kind);

    const struct garden__variant *variant = &type->variants[kind];
    const struct garden_value *fields = bare ? value : &value->map.entries[0].value;
    if (variant->field_count == 0) {
        if (bare || fields->type == GARDEN_NULL) return GARDEN_OK;
        return bind_fail(b, GARDEN_ERR_FORMAT, fields, "nothing more than the variant's name");
    }
    if (fields->type != GARDEN_LIST && fields->type != GARDEN_MAP) {
        return bind_fail(b, GARDEN_ERR_FORMAT, fields, "the variant's fields");
    }
    return bind_fields(b, variant->name, variant->fields, variant->field_count, fields, 0, out);
}

// ["seek", 16.0] or {"type": "seek", "beat": 16.0}.
static int bind_tagged(struct bind *b, const struct garden__type *type,
                       const struct garden_value *value, void *out)
{
    const struct garden_value *tag = garden_value_find(value, "type");
    if (value->type == GARDEN_LIST && value->list.count) tag = &value->list.items[0];
    if (!tag || tag->type != GARDEN_TEXT) {
        return bind_fail(b, GARDEN_ERR_FORMAT, value, "a variant's name before its fields");
    }
    unsigned kind;
    const int error = bind_find(b, type, tag, tag->text, BIND_SNAKE, &kind);
    if (error) return error;
    garden__kind_set(out, kind);
    const struct garden__variant *variant = &type->variants[kind];
    return bind_fields(b, variant->name, variant->fields, variant->field_count, value, 1, out);
}

// Reads a scalar whole, and only begins with anything that has fields or items.
static int bind_one(struct bind *b, const struct garden__type *type,
                    const struct garden_value *value, void *out)
{
    double real = 0;
    int error = GARDEN_OK;
    switch (type->shape) {
    case GARDEN__FLAG:
        if (garden_value_to_bool(value, out)) return GARDEN_OK;
        return bind_fail(b, GARDEN_ERR_FORMAT, value, type->expected);
    case GARDEN__NATURAL:
        return bind_natural(b, type, value, out);
    case GARDEN__FLOAT:
        error = bind_real(b, type, value, (double)FLT_MAX, &real);
        *(float *)out = (float)real;
        return error;
    case GARDEN__DOUBLE:
        return bind_real(b, type, value, DBL_MAX, out);
    case GARDEN__TEXT:
        if (garden_value_to_text(value, out)) return GARDEN_OK;
        return bind_fail(b, GARDEN_ERR_FORMAT, value, type->expected);
    case GARDEN__UUID:
        return bind_uuid(b, value, out);
    case GARDEN__TIME:
        return bind_time(b, value, out);
    case GARDEN__MAP:
        if (value->type != GARDEN_MAP)
            return bind_fail(b, GARDEN_ERR_FORMAT, value, type->expected);
        *(struct garden_map *)out = value->map;
        return bind_dynamic(b, value);
    case GARDEN__VALUE:
        *(struct garden_value *)out = *value;
        return bind_dynamic(b, value);
    case GARDEN__ANY:
        *(struct garden_value *)out = *value;
        return GARDEN_OK;
    case GARDEN__ENUM:
        return bind_enum(b, type, value, out);
    case GARDEN__LIST:
        return bind_items(b, type, value, out);
    case GARDEN__STRUCT:
    case GARDEN__PAIR:
        return bind_struct(b, type, value, out);
    case GARDEN__VARIANTS:
        if (b->dialect == GARDEN_TAGGED && !type->external) return bind_tagged(b, type, value, out);
        return bind_external(b, type, value, out);
    }
    return GARDEN_ERR_ARGUMENT;
}

// Tells which name in the map |from| is none of its fields': the nearest to the one that is missing, or the first.
static void bind_strangers(struct bind *b, const struct garden_value *from, const char *missing)
{
    const struct garden__place *place = &b->walk.places[b->walk.depth - 1];
    struct garden_near near;
    const struct garden_text *stranger = NULL;
    char name[GARDEN__NAME_MAX];
    garden_near_init(&near, garden_text_of(missing));
    for (size_t i = 0; i < from->map.count; i++) {
        const struct garden_text *key = &from->map.entries[i].key;
        size_t known = 0;
        while (known < place->count && !garden_text_is(*key, place->fields[known].name))
            known++;
        if (known < place->count || key->size >= sizeof name) continue;
        const size_t before = near.distance;
        memcpy(name, key->data, key->size);
        name[key->size] = '\0';
        garden_near_offer(&near, name);
        if (!stranger || near.distance < before) stranger = key;
    }
    if (!stranger) return;
    struct garden__line line = bind_more(b->fault);
    garden__line_text(&line, "; there is no field '");
    garden__line_foreign(&line, stranger->data, stranger->size);
    garden__line_text(&line, "'");
}

// The next field of the innermost place.
static int bind_field(struct bind *b, const struct garden__field *field, size_t index)
{
    const struct garden_value *from = b->ends[b->walk.depth - 1].from;
    char *to = b->ends[b->walk.depth - 1].to;
    const struct garden_value *value = NULL;
    if (from->type == GARDEN_MAP) {
        value = garden_map_find(&from->map, field->name);
    } else if (index < from->list.count - b->ends[b->walk.depth - 1].skip) {
        value = &from->list.items[b->ends[b->walk.depth - 1].skip + index];
    }
    memset(to + field->offset, 0, field->type->size); // what is absent is zero: null, empty
    if (field->option) {
        const bool has = value && value->type != GARDEN_NULL;
        *(bool *)(to + field->has_offset) = has;
        if (!has) return GARDEN_OK;
    }
    if (value) return bind_one(b, field->type, value, to + field->offset);
    if (field->type->absent_ok) return GARDEN_OK;
    (void)bind_fail(b, GARDEN_ERR_FORMAT, from, "this field");
    if (b->fault && from->type == GARDEN_MAP) bind_strangers(b, from, field->name);
    return GARDEN_ERR_FORMAT;
}

static int bind_next(struct bind *b)
{
    struct garden__place *place = &b->walk.places[b->walk.depth - 1];
    if (place->next == place->count) {
        b->walk.depth--;
        return GARDEN_OK;
    }
    const size_t index = place->next++;
    if (place->fields) return bind_field(b, &place->fields[index], index);
    const struct garden_value *from = b->ends[b->walk.depth - 1].from;
    char *to = b->ends[b->walk.depth - 1].to + index * place->item->size;
    return bind_one(b, place->item, &from->list.items[index], to);
}

int garden__bind(const struct garden__type *type, const struct garden_value *value,
                 enum garden_dialect dialect, const char *root, struct garden_arena *arena,
                 void *out, struct garden_fault *fault)
{
    struct bind b = {.walk = {.root = root}, .arena = arena, .dialect = dialect, .fault = fault};
    int error = bind_one(&b, type, value, out);
    while (!error && b.walk.depth)
        error = bind_next(&b);
    return error;
}

enum garden_dialect garden__dialect_of(const struct garden__type *type,
                                       const struct garden_value *value,
                                       enum garden_dialect otherwise)
{
    if (type->shape != GARDEN__VARIANTS) return otherwise;
    if (value->type == GARDEN_LIST) return GARDEN_TAGGED;
    return garden_value_find(value, "type") ? GARDEN_TAGGED : GARDEN_EXTERNAL;
}
