// Writing values in the order of the document, in MessagePack or JSON: what both writers share. The
// first failure sticks in the buffer, so a writer says everything and asks once.
#ifndef GARDEN_WIRE_EMIT_H
#define GARDEN_WIRE_EMIT_H

#include "../value.h"

struct garden__emitter {
    struct garden_buffer *out;
    enum garden_encoding encoding;
    unsigned depth;
    uint64_t
        started;    // JSON: bit d is set once depth d has its first member, so that a comma is due
    uint64_t keyed; // JSON: bit d is set while depth d's key waits for its value
};

void garden__emit_null(struct garden__emitter *e);
void garden__emit_bool(struct garden__emitter *e, bool boolean);
void garden__emit_int(struct garden__emitter *e, int64_t integer);
void garden__emit_uint(struct garden__emitter *e, uint64_t natural);
void garden__emit_real(struct garden__emitter *e, double real);
void garden__emit_float(struct garden__emitter *e, float real);
void garden__emit_text(struct garden__emitter *e, struct garden_text text);
void garden__emit_uuid(struct garden__emitter *e, struct garden_uuid uuid);
void garden__emit_time(struct garden__emitter *e, struct garden_time time);
// |count| items, or pairs of a key and a value, and then end.
void garden__emit_list(struct garden__emitter *e, size_t count);
void garden__emit_map(struct garden__emitter *e, size_t count);
void garden__emit_key(struct garden__emitter *e, struct garden_text key);
void garden__emit_list_end(struct garden__emitter *e);
void garden__emit_map_end(struct garden__emitter *e);
// A dynamic value with everything in it.
void garden__emit_value(struct garden__emitter *e, const struct garden_value *value);
// Records |error| as the outcome, unless there is one already.
void garden__emit_fail(struct garden__emitter *e, int error);
// The outcome; after a failure the buffer is again what it was at |size|.
int garden__emit_finish(struct garden__emitter *e, size_t size);

// The writers' parts. No comma, no depth, no check: emit.c has seen to those.
void garden__json_put_text(struct garden_buffer *out, struct garden_text text);
void garden__json_put_int(struct garden_buffer *out, bool negative, uint64_t magnitude);
void garden__json_put_real(struct garden_buffer *out, double real);
void garden__json_put_float(struct garden_buffer *out, float real);
void garden__msgpack_put_text(struct garden_buffer *out, struct garden_text text);
void garden__msgpack_put_int(struct garden_buffer *out, int64_t integer);
void garden__msgpack_put_uint(struct garden_buffer *out, uint64_t natural);
void garden__msgpack_put_real(struct garden_buffer *out, double real);
void garden__msgpack_put_float(struct garden_buffer *out, float real);
void garden__msgpack_put_octets(struct garden_buffer *out, struct zmtp_bytes octets);
void garden__msgpack_put_list(struct garden_buffer *out, size_t count);
void garden__msgpack_put_map(struct garden_buffer *out, size_t count);

#endif
