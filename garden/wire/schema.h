// The message table of messages.h as data: for each type its shape and, field by field, where it lies
// in the C struct. The reader, the writer and the tests walk these descriptions; none of them knows
// a message by name.
#ifndef GARDEN_WIRE_SCHEMA_H
#define GARDEN_WIRE_SCHEMA_H

#include "../wire.h"

enum garden__shape {
    GARDEN__FLAG,
    GARDEN__NATURAL, // unsigned, of |size| octets
    GARDEN__FLOAT,
    GARDEN__DOUBLE,
    GARDEN__TEXT,
    GARDEN__UUID,
    GARDEN__TIME,
    GARDEN__VALUE,    // a dynamic value
    GARDEN__MAP,      // a dynamic map
    GARDEN__ANY,      // any value, as it was read: the content, before its type is known
    GARDEN__ENUM,     // one name out of |variants|
    GARDEN__LIST,     // of |item|
    GARDEN__STRUCT,   // |fields|; a list in MessagePack, a map in JSON
    GARDEN__PAIR,     // |fields|; a list in both
    GARDEN__VARIANTS, // one of |variants|, in the dialect's manner
};

struct garden__type;

struct garden__field {
    const char *name;
    const struct garden__type *type;
    size_t offset; // in the struct; for a variant's field, in the struct that has its kind
    bool option;   // may be nil or, in a map, absent: the bool at |has_offset| tells
    size_t has_offset;
};

struct garden__variant {
    const char *name;   // in CamelCase
    const char *tagged; // the same in most cases: what the tagged dialect says, in snake_case
    const struct garden__field *fields;
    size_t field_count;
};

struct garden__type {
    enum garden__shape shape;
    const char *expected; // for a fault: "a beat"
    size_t size;          // of the C type
    bool absent_ok;       // may be left out at the end; it is then zero, which is null or empty
    bool external;        // GARDEN__VARIANTS: takes the external form in both dialects
    const struct garden__type *item;
    const struct garden__field *fields;
    size_t field_count;
    const struct garden__variant *variants;
    size_t variant_count;
};

extern const struct garden__type *const garden__header_type;
extern const struct garden__type *const garden__metadata_type;
// By enum garden_family; GARDEN_FAMILY_NONE has none.
extern const struct garden__type *const garden__family_types[GARDEN_FAMILY_NONE];

// The envelope, with its content as it was read.
struct garden__envelope {
    struct garden_header header;
    bool has_parent_header;
    struct garden_header parent_header;
    struct garden_map metadata;
    struct garden_value content;
};
extern const struct garden__type garden__envelope_type;

// An enum's value or a variants' kind, which lies at the start of its struct.
unsigned garden__kind_get(const void *at);
void garden__kind_set(void *at, unsigned kind);

// A list as it lies in a struct, whatever its items are.
struct garden__items {
    void *items;
    size_t count;
};
struct garden__items garden__items_get(const void *at);
void garden__items_set(void *at, struct garden__items list);

enum { GARDEN__NAME_MAX = 48 };
// Writes |camel| in snake_case: "StreamChunkFull" as "stream_chunk_full".
struct garden_text garden__name_snake(const char *camel, char out[GARDEN__NAME_MAX]);
bool garden__name_is_snake(struct garden_text text, const char *camel);

// ---- The two walks over it

// Reads |value| as a |type| into |out|. |root| names it in faults ("content").
int garden__bind(const struct garden__type *type, const struct garden_value *value,
                 enum garden_dialect dialect, const char *root, struct garden_arena *arena,
                 void *out, struct garden_fault *fault);
// Which dialect |value|, the content of a message of |type|, is in; |otherwise| where it does not show.
enum garden_dialect garden__dialect_of(const struct garden__type *type,
                                       const struct garden_value *value,
                                       enum garden_dialect otherwise);

struct garden__emitter;
// Writes the |type| at |in|. A failure sticks in the emitter's buffer; |fault|, which may be null,
// then names the field.
void garden__unbind(const struct garden__type *type, const void *in, enum garden_dialect dialect,
                    const char *root, struct garden__emitter *e, struct garden_fault *fault);

#endif
