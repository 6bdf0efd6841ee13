// From structs to octets: the writing walk over the schema.
#include "emit.h"
#include "walk.h"

struct unbind {
    struct garden__walk walk;
    // For each place of the walk: the struct or items it reads, and what is to be closed after it.
    struct {
        const char *from;
        bool named;      // its fields have names: a map is open, not a list
        bool in_variant; // and around it a map of one entry
    } ends[GARDEN__WALK_MAX];
    struct garden__emitter *e;
    enum garden_dialect dialect;
};

static bool unbind_json(const struct unbind *u)
{
    return u->e->encoding == GARDEN_JSON;
}

static void unbind_enter(struct unbind *u, const void *from, bool named, bool in_variant)
{
    u->ends[u->walk.depth].from = from;
    u->ends[u->walk.depth].named = named;
    u->ends[u->walk.depth].in_variant = in_variant;
}

static void unbind_open(struct unbind *u, bool named, size_t count)
{
    if (named) {
        garden__emit_map(u->e, count);
    } else {
        garden__emit_list(u->e, count);
    }
}

static void unbind_struct(struct unbind *u, const struct garden__type *type, const void *from)
{
    const bool named = unbind_json(u) && type->shape != GARDEN__PAIR;
    unbind_open(u, named, type->field_count);
    unbind_enter(u, from, named, false);
    garden__walk_fields(&u->walk, NULL, type->fields, type->field_count);
}

static void unbind_items(struct unbind *u, const struct garden__type *type, const void *from)
{
    const struct garden__items list = garden__items_get(from);
    garden__emit_list(u->e, list.count);
    unbind_enter(u, list.items, false, false);
    garden__walk_items(&u->walk, type->item, list.count);
}

// The variant of |from|, or null after a failure when its kind is none.
static const struct garden__variant *unbind_variant(struct unbind *u,
                                                    const struct garden__type *type,
                                                    const void *from)
{
    const unsigned kind = garden__kind_get(from);
    if (kind < type->variant_count) return &type->variants[kind];
    garden__emit_fail(u->e, GARDEN_ERR_ARGUMENT);
    return NULL;
}

static void unbind_variants(struct unbind *u, const struct garden__type *type, const void *from)
{
    const struct garden__variant *variant = unbind_variant(u, type, from);
    if (!variant) return;
    char snake[GARDEN__NAME_MAX];
    const struct garden_text name = u->dialect == GARDEN_TAGGED
                                        ? garden__name_snake(variant->tagged, snake)
                                        : garden_text_of(variant->name);
    const bool tagged = u->dialect == GARDEN_TAGGED && !type->external;
    const bool named = unbind_json(u);
    if (tagged) { // ["seek", 16.0] or {"type": "seek", "beat": 16.0}
        unbind_open(u, named, 1 + variant->field_count);
        if (named) garden__emit_key(u->e, garden_text_of("type"));
        garden__emit_text(u->e, name);
    } else if (variant->field_count) { // {"Seek": [16.0]} or {"Seek": {"beat": 16.0}}
        garden__emit_map(u->e, 1);
        garden__emit_key(u->e, name);
        unbind_open(u, named, variant->field_count);
    } else {
        garden__emit_text(u->e, name);
        return;
    }
    unbind_enter(u, from, named, !tagged);
    garden__walk_fields(&u->walk, variant->name, variant->fields, variant->field_count);
}

static void unbind_enum(struct unbind *u, const struct garden__type *type, const void *from)
{
    const struct garden__variant *name = unbind_variant(u, type, from);
    if (!name) return;
    char snake[GARDEN__NAME_MAX];
    garden__emit_text(u->e, u->dialect == GARDEN_TAGGED ? garden__name_snake(name->tagged, snake)
                                                        : garden_text_of(name->name));
}

static uint64_t unbind_natural(const struct garden__type *type, const void *from)
{
    if (type->size == sizeof(uint16_t)) return *(const uint16_t *)from;
    if (type->size == sizeof(uint32_t)) return *(const uint32_t *)from;
    return *(const uint64_t *)from;
}

// Writes a scalar whole, and only begins with anything that has fields or items.
static void unbind_one(struct unbind *u, const struct garden__type *type, const void *from)
{
    struct garden_value map;
    switch (type->shape) {
    case GARDEN__FLAG:
        garden__emit_bool(u->e, *(const bool *)from);
        return;
    case GARDEN__NATURAL:
        garden__emit_uint(u->e, unbind_natural(type, from));
        return;
    case GARDEN__FLOAT:
        garden__emit_float(u->e, *(const float *)from);
        return;
    case GARDEN__DOUBLE:
        garden__emit_real(u->e, *(const double *)from);
        return;
    case GARDEN__TEXT:
        garden__emit_text(u->e, *(const struct garden_text *)from);
        return;
    case GARDEN__UUID:
        garden__emit_uuid(u->e, *(const struct garden_uuid *)from);
        return;
    case GARDEN__TIME:
        garden__emit_time(u->e, *(const struct garden_time *)from);
        return;
    case GARDEN__MAP:
        map = (struct garden_value){.type = GARDEN_MAP, .map = *(const struct garden_map *)from};
        garden__emit_value(u->e, &map);
        return;
    case GARDEN__VALUE:
    case GARDEN__ANY:
        garden__emit_value(u->e, from);
        return;
    case GARDEN__ENUM:
        unbind_enum(u, type, from);
        return;
    case GARDEN__LIST:
        unbind_items(u, type, from);
        return;
    case GARDEN__STRUCT:
    case GARDEN__PAIR:
        unbind_struct(u, type, from);
        return;
    case GARDEN__VARIANTS:
        unbind_variants(u, type, from);
        return;
    }
    garden__emit_fail(u->e, GARDEN_ERR_ARGUMENT);
}

static void unbind_leave(struct unbind *u)
{
    u->walk.depth--;
    if (u->ends[u->walk.depth].named) {
        garden__emit_map_end(u->e);
    } else {
        garden__emit_list_end(u->e);
    }
    if (u->ends[u->walk.depth].in_variant) garden__emit_map_end(u->e);
}

static void unbind_next(struct unbind *u)
{
    struct garden__place *place = &u->walk.places[u->walk.depth - 1];
    if (place->next == place->count) {
        unbind_leave(u);
        return;
    }
    const char *from = u->ends[u->walk.depth - 1].from;
    const size_t index = place->next++;
    if (!place->fields) {
        unbind_one(u, place->item, from + index * place->item->size);
        return;
    }
    const struct garden__field *field = &place->fields[index];
    if (u->ends[u->walk.depth - 1].named) garden__emit_key(u->e, garden_text_of(field->name));
    if (field->option && !*(const bool *)(from + field->has_offset)) {
        garden__emit_null(u->e);
    } else {
        unbind_one(u, field->type, from + field->offset);
    }
}

void garden__unbind(const struct garden__type *type, const void *from, enum garden_dialect dialect,
                    const char *root, struct garden__emitter *e, struct garden_fault *fault)
{
    if (e->out->error) return;
    struct unbind u = {.walk = {.root = root}, .e = e, .dialect = dialect};
    unbind_one(&u, type, from);
    while (!e->out->error && u.walk.depth)
        unbind_next(&u);
    if (e->out->error && fault) {
        garden__walk_fault(&u.walk, fault, e->out->error, 0, garden_err_text(e->out->error), NULL);
    }
}
