// Messages of the garden protocol as C structs, and their octets: MessagePack or JSON, in either
// dialect. The types are made from the table in messages.h, by these rules:
//
//   table of a struct            struct garden_port_ref { struct garden_uuid node_id; ... };
//   table of an enum             enum garden_content_type { GARDEN_CONTENT_AUDIO, ... };
//   table of variants            struct garden_shell_request { enum garden_shell_request_kind kind;
//                                union { struct garden_shell_request_seek seek; ... }; };
//   FIELD(t, name)               t name;            (LIST(t): struct garden_t_list, items and count)
//   OPTION(t, name)              bool has_name; t name;
//
// so a handler reads as
//
//   switch (message.shell_request.kind) {
//   case GARDEN_SHELL_SEEK: return seek(daemon, message.shell_request.seek.beat);
//
// Nothing here does I/O, and time, randomness and memory are arguments.
#ifndef GARDEN_WIRE_H
#define GARDEN_WIRE_H

#include "messages.h"
#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GARDEN_VERSION "0.1.0" // of the protocol, as every header carries it

// ---- From the table's types to C's

#define GARDEN__C_flag bool
#define GARDEN__C_u16 uint16_t
#define GARDEN__C_u32 uint32_t
#define GARDEN__C_u64 uint64_t
#define GARDEN__C_ratio float
#define GARDEN__C_real double
#define GARDEN__C_beat double
#define GARDEN__C_tempo double
#define GARDEN__C_text struct garden_text
#define GARDEN__C_uuid struct garden_uuid
#define GARDEN__C_time struct garden_time
#define GARDEN__C_value struct garden_value
#define GARDEN__C_value_or_null struct garden_value
#define GARDEN__C_map struct garden_map
#define GARDEN__C_range struct garden_range
#define GARDEN__C_content_type enum garden_content_type
#define GARDEN__C_execution_state enum garden_execution_state
#define GARDEN__C_wire_sample enum garden_wire_sample
#define GARDEN__C_wire_format struct garden_wire_format
#define GARDEN__C_behavior struct garden_behavior
#define GARDEN__C_port_ref struct garden_port_ref
#define GARDEN__C_stream_definition struct garden_stream_definition
#define GARDEN__C_node_descriptor struct garden_node_descriptor
#define GARDEN__C_participant struct garden_participant
#define GARDEN__C_participant_update struct garden_participant_update
#define GARDEN__C_event struct garden_event
#define GARDEN__C_LIST(type) struct garden_##type##_list

#define GARDEN__MEMBER(type, name) GARDEN__C_##type name;
#define GARDEN__MEMBER_OPTION(type, name)                                                          \
    bool has_##name;                                                                               \
    GARDEN__C_##type name;
#define GARDEN__FIELD(row, type, name) GARDEN__MEMBER(type, name)
#define GARDEN__OPTION(row, type, name) GARDEN__MEMBER_OPTION(type, name)

// ---- From the table's rows to C's types

#define GARDEN__NOTHING(...)
#define GARDEN__NAME(constant, wire) GARDEN_##constant,
#define GARDEN__KIND(name, constant, wire, fields) GARDEN_##constant,
#define GARDEN__KIND_UNIT(name, constant, wire) GARDEN_##constant,
#define GARDEN__KIND_ALIAS(name, constant, wire, tagged) GARDEN_##constant,
#define GARDEN__FAMILY(name, constant, text) GARDEN_##constant,

// GARDEN__SUM is the table of variants at hand; the step through _OF expands it.
#define GARDEN__ROW_STRUCT_OF_(sum, name, fields)                                                  \
    struct garden_##sum##_##name {                                                                 \
        fields                                                                                     \
    };
#define GARDEN__ROW_STRUCT_OF(sum, name, fields) GARDEN__ROW_STRUCT_OF_(sum, name, fields)
#define GARDEN__ROW_STRUCT(name, constant, wire, fields)                                           \
    GARDEN__ROW_STRUCT_OF(GARDEN__SUM, name, fields)
#define GARDEN__ROW_MEMBER_OF_(sum, name) struct garden_##sum##_##name name;
#define GARDEN__ROW_MEMBER_OF(sum, name) GARDEN__ROW_MEMBER_OF_(sum, name)
#define GARDEN__ROW_MEMBER(name, constant, wire, fields) GARDEN__ROW_MEMBER_OF(GARDEN__SUM, name)

#define GARDEN__DEFINE_ENUM(table) enum garden_##table{GARDEN_TABLE_##table(GARDEN__NAME)};
#define GARDEN__DEFINE_STRUCT(table)                                                               \
    struct garden_##table {                                                                        \
        GARDEN_TABLE_##table(GARDEN__MEMBER, GARDEN__MEMBER_OPTION)                                \
    };
#define GARDEN__DEFINE_LIST(type)                                                                  \
    struct garden_##type##_list {                                                                  \
        struct garden_##type *items;                                                               \
        size_t count;                                                                              \
    };
#define GARDEN__DEFINE_VARIANTS(table)                                                             \
    enum garden_##table##_kind{GARDEN_TABLE_##table(                                               \
        GARDEN__KIND, GARDEN__KIND_UNIT, GARDEN__KIND_ALIAS, GARDEN__NOTHING, GARDEN__NOTHING)};   \
    GARDEN_TABLE_##table(GARDEN__ROW_STRUCT, GARDEN__NOTHING, GARDEN__NOTHING, GARDEN__FIELD,      \
                         GARDEN__OPTION) struct garden_##table {                                   \
        enum garden_##table##_kind kind;                                                           \
        union {                                                                                    \
            uint8_t nothing; /* a unit has no fields */                                            \
            GARDEN_TABLE_##table(GARDEN__ROW_MEMBER, GARDEN__NOTHING, GARDEN__NOTHING,             \
                                 GARDEN__NOTHING, GARDEN__NOTHING)                                 \
        };                                                                                         \
    };

// clang-format off
GARDEN__DEFINE_ENUM(content_type)
GARDEN__DEFINE_ENUM(execution_state)
GARDEN__DEFINE_ENUM(wire_sample)
GARDEN__DEFINE_LIST(text)
GARDEN__DEFINE_STRUCT(header)
GARDEN__DEFINE_STRUCT(range)
GARDEN__DEFINE_STRUCT(port_ref)
GARDEN__DEFINE_STRUCT(region_summary)
GARDEN__DEFINE_LIST(region_summary)
GARDEN__DEFINE_STRUCT(pending_approval)
GARDEN__DEFINE_LIST(pending_approval)
GARDEN__DEFINE_STRUCT(curve_point)
GARDEN__DEFINE_LIST(curve_point)
GARDEN__DEFINE_STRUCT(node_descriptor)
GARDEN__DEFINE_STRUCT(participant)
GARDEN__DEFINE_STRUCT(participant_update)
#define GARDEN__SUM behavior
GARDEN__DEFINE_VARIANTS(behavior)
#undef GARDEN__SUM
#define GARDEN__SUM wire_format
GARDEN__DEFINE_VARIANTS(wire_format)
#undef GARDEN__SUM
GARDEN__DEFINE_STRUCT(stream_definition)
#define GARDEN__SUM event
GARDEN__DEFINE_VARIANTS(event)
#undef GARDEN__SUM
GARDEN__DEFINE_STRUCT(past_event)
GARDEN__DEFINE_LIST(past_event)
#define GARDEN__SUM shell_request
GARDEN__DEFINE_VARIANTS(shell_request)
#undef GARDEN__SUM
#define GARDEN__SUM shell_reply
GARDEN__DEFINE_VARIANTS(shell_reply)
#undef GARDEN__SUM
#define GARDEN__SUM control_request
GARDEN__DEFINE_VARIANTS(control_request)
#undef GARDEN__SUM
#define GARDEN__SUM control_reply
GARDEN__DEFINE_VARIANTS(control_reply)
#undef GARDEN__SUM
GARDEN__DEFINE_STRUCT(query_request)
#define GARDEN__SUM query_reply
GARDEN__DEFINE_VARIANTS(query_reply)
#undef GARDEN__SUM
// clang-format on

// ---- A message

enum garden_family { GARDEN_FAMILIES(GARDEN__FAMILY) GARDEN_FAMILY_NONE };

// One that you fill in may borrow everything; garden_message_fini() is then harmless.
struct garden_message {
    struct garden_header header;
    bool has_parent; // a reply: |parent| is the request's whole header
    struct garden_header parent;
    struct garden_map metadata;
    enum garden_family family; // which of the union is meant
    union {
        struct garden_shell_request shell_request;
        struct garden_shell_reply shell_reply;
        struct garden_control_request control_request;
        struct garden_control_reply control_reply;
        struct garden_query_request query_request;
        struct garden_query_reply query_reply;
        struct garden_event event;
    };
    struct garden_arena arena; // where a decoded one lives
};

// external: "Play", {"Seek":[16.0]} (the default); tagged: ["play"], ["seek",16.0].
enum garden_dialect { GARDEN_EXTERNAL, GARDEN_TAGGED };
struct garden_form {
    enum garden_encoding encoding;
    enum garden_dialect dialect;
};

// A message of |family|, by the uuid and the time given, of |session|, with nothing in its content.
void garden_message_init(struct garden_message *message, enum garden_family family,
                         struct garden_uuid msg_id, struct garden_uuid session,
                         struct garden_time now);
// The same as the answer to |request|: its session, and its header as the parent. The texts of that
// header are borrowed, so |request| has to outlive |reply|.
void garden_message_reply(struct garden_message *reply, const struct garden_message *request,
                          enum garden_family family, struct garden_uuid msg_id,
                          struct garden_time now);

// Reads one message in any form, all of it; |form| then tells which, for the answer, also after a
// failure. A query_request reads the same in both dialects: it leaves |form->dialect| as the caller
// set it. |message| is
// written always, and owns what it holds until garden_message_fini(); after a failure it is empty.
// GARDEN_ERR_VERSION: well-formed, but of another version. GARDEN_ERR_TYPE: of a msg_type or variant
// unknown here. |allocator| null: the heap. |fault| may be null.
int garden_message_decode(struct garden_message *message, struct zmtp_bytes in,
                          const struct zmtp_allocator *allocator, struct garden_form *form,
                          struct garden_fault *fault);
// Reads what is needed to answer a message that cannot be decoded, or to know what it answers: the
// header, as far as it can be made out, the form, and of the parent the msg_id, where |has_parent|.
// Nothing else in |message| is set; |family| is the msg_type's, or GARDEN_FAMILY_NONE for an unknown
// one. Fails when msg_id, session or msg_type cannot be told.
int garden_envelope_peek(struct garden_message *message, struct zmtp_bytes in,
                         const struct zmtp_allocator *allocator, struct garden_form *form);
void garden_message_fini(struct garden_message *message);
// Reads the content of a message alone, JSON in either dialect: "\"Play\"", "{\"Seek\":[16.0]}". The header
// is a placeholder, to be made anew. Else as garden_message_decode.
int garden_content_decode(struct garden_message *message, enum garden_family family,
                          struct zmtp_bytes json, const struct zmtp_allocator *allocator,
                          struct garden_fault *fault);

// Appends |message|'s octets. Refuses what no decoder would read: a real that is not finite, text that
// is not UTF-8, a time out of range, a kind out of its enum. On failure |out| is what it was.
int garden_message_encode(const struct garden_message *message, struct garden_form form,
                          struct garden_buffer *out, struct garden_fault *fault);

// "shell_request" and so on, and back; GARDEN_FAMILY_NONE for any other text.
const char *garden_family_text(enum garden_family family);
enum garden_family garden_family_find(struct garden_text msg_type);
// The variant's name in CamelCase, such as "StreamChunkFull"; for a query request, "QueryRequest".
const char *garden_message_name(const struct garden_message *message);
// One line for a log: type, msg_id, "re" and the parent's msg_id, and the content as JSON. Printable
// ASCII only, cut to |size| octets with its zero. Returns the size without the zero.
size_t garden_message_print(const struct garden_message *message, char *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif
