#include "schema.h"

#include <assert.h>
#include <string.h>

// ---- The types that the table's rows use

#define SCALAR(t, how, name)                                                                       \
    static const struct garden__type type_##t = {                                                  \
        .shape = how, .expected = name, .size = sizeof(GARDEN__C_##t)};

// clang-format off
SCALAR(flag, GARDEN__FLAG, "true or false")
SCALAR(u16, GARDEN__NATURAL, "an integer of 16 bits")
SCALAR(u32, GARDEN__NATURAL, "an integer of 32 bits")
SCALAR(u64, GARDEN__NATURAL, "an integer of 64 bits")
SCALAR(ratio, GARDEN__FLOAT, "a number")
SCALAR(real, GARDEN__DOUBLE, "a number")
SCALAR(beat, GARDEN__DOUBLE, "a beat")
SCALAR(tempo, GARDEN__DOUBLE, "a tempo")
SCALAR(text, GARDEN__TEXT, "a text")
SCALAR(uuid, GARDEN__UUID, "a uuid")
SCALAR(time, GARDEN__TIME, "a time of RFC 3339")
SCALAR(value, GARDEN__VALUE, "a value")
SCALAR(map, GARDEN__MAP, "a map")
// clang-format on
static const struct garden__type type_value_or_null = {
    .shape = GARDEN__VALUE, .size = sizeof(struct garden_value), .absent_ok = true};
static const struct garden__type type_map_or_empty = {.shape = GARDEN__MAP,
                                                      .expected = "a map",
                                                      .size = sizeof(struct garden_map),
                                                      .absent_ok = true};
static const struct garden__type type_any = {.shape = GARDEN__ANY,
                                             .size = sizeof(struct garden_value)};

// ---- From the table's rows to descriptions

#define COUNT(array) (sizeof(array) / sizeof *(array))

// "type_" before LIST(t) makes this call, before any other type its name.
#define type_LIST(t) type_##t##_list

#define LIST_TYPE(t)                                                                               \
    static const struct garden__type type_##t##_list = {.shape = GARDEN__LIST,                     \
                                                        .expected = "a list",                      \
                                                        .size = sizeof(struct garden_##t##_list),  \
                                                        .item = &type_##t};

#define NAME(constant, wire) [GARDEN_##constant] = {#wire, #wire, NULL, 0},
#define ENUM_TYPE(table)                                                                           \
    static const struct garden__variant table##_names[] = {GARDEN_TABLE_##table(NAME)};            \
    static const struct garden__type type_##table = {.shape = GARDEN__ENUM,                        \
                                                     .expected = "a name of its enum",             \
                                                     .size = sizeof(enum garden_##table),          \
                                                     .variants = table##_names,                    \
                                                     .variant_count = COUNT(table##_names)};

// AT is the C struct at hand, without "struct".
#define MEMBER(t, member) {#member, &type_##t, offsetof(struct AT, member), false, 0},
#define MEMBER_OPTION(t, member)                                                                   \
    {#member, &type_##t, offsetof(struct AT, member), true, offsetof(struct AT, has_##member)},
#define STRUCT_TYPE(table, how, name)                                                              \
    static const struct garden__field table##_fields[] = {                                         \
        GARDEN_TABLE_##table(MEMBER, MEMBER_OPTION)};                                              \
    static const struct garden__type type_##table = {.shape = how,                                 \
                                                     .expected = name,                             \
                                                     .size = sizeof(struct garden_##table),        \
                                                     .fields = table##_fields,                     \
                                                     .field_count = COUNT(table##_fields)};

#define FIELD(row, t, member) {#member, &type_##t, offsetof(struct AT, row.member), false, 0},
#define OPTION(row, t, member)                                                                     \
    {#member, &type_##t, offsetof(struct AT, row.member), true,                                    \
     offsetof(struct AT, row.has_##member)},
#define ROW(name, constant, wire, ...)                                                             \
    [GARDEN_##constant] = {#wire, #wire, (const struct garden__field[]){__VA_ARGS__},              \
                           COUNT(((const struct garden__field[]){__VA_ARGS__}))},
#define UNIT(name, constant, wire) [GARDEN_##constant] = {#wire, #wire, NULL, 0},
#define ALIAS(name, constant, wire, tagged) [GARDEN_##constant] = {#wire, #tagged, NULL, 0},
#define VARIANTS_TYPE(table, ...)                                                                  \
    static const struct garden__variant table##_variants[] = {                                     \
        GARDEN_TABLE_##table(ROW, UNIT, ALIAS, FIELD, OPTION)};                                    \
    static const struct garden__type type_##table = {.shape = GARDEN__VARIANTS,                    \
                                                     .expected = "a variant",                      \
                                                     .size = sizeof(struct garden_##table),        \
                                                     .variants = table##_variants,                 \
                                                     .variant_count = COUNT(table##_variants),     \
                                                     __VA_ARGS__};

// clang-format off
ENUM_TYPE(content_type)
ENUM_TYPE(execution_state)
ENUM_TYPE(wire_sample)
LIST_TYPE(text)
LIST_TYPE(value)
#define AT garden_header
STRUCT_TYPE(header, GARDEN__STRUCT, "a header")
#undef AT
#define AT garden_range
STRUCT_TYPE(range, GARDEN__PAIR, "a pair of beats")
#undef AT
#define AT garden_port_ref
STRUCT_TYPE(port_ref, GARDEN__STRUCT, "a port")
#undef AT
#define AT garden_region_summary
STRUCT_TYPE(region_summary, GARDEN__STRUCT, "a region")
#undef AT
LIST_TYPE(region_summary)
#define AT garden_pending_approval
STRUCT_TYPE(pending_approval, GARDEN__STRUCT, "a pending approval")
#undef AT
LIST_TYPE(pending_approval)
#define AT garden_curve_point
STRUCT_TYPE(curve_point, GARDEN__STRUCT, "a point of a curve")
#undef AT
LIST_TYPE(curve_point)
#define AT garden_node_descriptor
STRUCT_TYPE(node_descriptor, GARDEN__STRUCT, "a node")
#undef AT
#define AT garden_participant
STRUCT_TYPE(participant, GARDEN__STRUCT, "a participant")
#undef AT
#define AT garden_participant_update
STRUCT_TYPE(participant_update, GARDEN__STRUCT, "an update of a participant")
#undef AT
#define AT garden_behavior
VARIANTS_TYPE(behavior, .external = true)
#undef AT
#define AT garden_wire_format
VARIANTS_TYPE(wire_format, .external = false)
#undef AT
#define AT garden_stream_definition
STRUCT_TYPE(stream_definition, GARDEN__STRUCT, "a definition of a stream")
#undef AT
#define AT garden_event
VARIANTS_TYPE(event, .external = false)
#undef AT
#define AT garden_past_event
STRUCT_TYPE(past_event, GARDEN__STRUCT, "a past event")
#undef AT
LIST_TYPE(past_event)
#define AT garden_shell_request
VARIANTS_TYPE(shell_request, .external = false)
#undef AT
#define AT garden_shell_reply
VARIANTS_TYPE(shell_reply, .external = false)
#undef AT
#define AT garden_control_request
VARIANTS_TYPE(control_request, .external = false)
#undef AT
#define AT garden_control_reply
VARIANTS_TYPE(control_reply, .external = false)
#undef AT
#define AT garden_query_request
STRUCT_TYPE(query_request, GARDEN__STRUCT, "a query")
#undef AT
#define AT garden_query_reply
VARIANTS_TYPE(query_reply, .external = false)
#undef AT
// clang-format on

#define FAMILY(name, constant, text) [GARDEN_##constant] = &type_##name,
const struct garden__type *const garden__family_types[GARDEN_FAMILY_NONE] = {
    GARDEN_FAMILIES(FAMILY)};

#define AT garden__envelope
static const struct garden__field envelope_fields[] = {
    MEMBER(header, header)               //
    MEMBER_OPTION(header, parent_header) //
    MEMBER(map_or_empty, metadata)       //
    MEMBER(any, content)                 //
};
#undef AT
const struct garden__type garden__envelope_type = {.shape = GARDEN__STRUCT,
                                                   .expected = "a message",
                                                   .size = sizeof(struct garden__envelope),
                                                   .fields = envelope_fields,
                                                   .field_count = COUNT(envelope_fields)};
const struct garden__type *const garden__header_type = &type_header;
const struct garden__type *const garden__metadata_type = &type_map_or_empty;

static_assert(sizeof(enum garden_content_type) == sizeof(unsigned), "enums are of int's size");
static_assert(sizeof(enum garden_event_kind) == sizeof(unsigned), "enums are of int's size");
static_assert(offsetof(struct garden_event, kind) == 0, "a kind comes first");

unsigned garden__kind_get(const void *at)
{
    unsigned kind;
    memcpy(&kind, at, sizeof kind);
    return kind;
}

void garden__kind_set(void *at, unsigned kind)
{
    memcpy(at, &kind, sizeof kind);
}

// Pointers to structs all look the same, so one struct can stand for each list.
static_assert(sizeof(struct garden__items) == sizeof(struct garden_text_list), "as any list");
static_assert(offsetof(struct garden__items, count) == offsetof(struct garden_text_list, count),
              "as any list");

struct garden__items garden__items_get(const void *at)
{
    struct garden__items list;
    memcpy(&list, at, sizeof list);
    return list;
}

void garden__items_set(void *at, struct garden__items list)
{
    memcpy(at, &list, sizeof list);
}

static bool schema_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

struct garden_text garden__name_snake(const char *camel, char out[GARDEN__NAME_MAX])
{
    size_t size = 0;
    for (const char *c = camel; *c; c++) {
        assert(size + 2 <= GARDEN__NAME_MAX);
        if (schema_upper(*c) && c != camel) out[size++] = '_';
        out[size++] = schema_upper(*c) ? (char)(*c - 'A' + 'a') : *c;
    }
    return (struct garden_text){out, size};
}

bool garden__name_is_snake(struct garden_text text, const char *camel)
{
    char snake[GARDEN__NAME_MAX];
    return garden_text_equal(text, garden__name_snake(camel, snake));
}
