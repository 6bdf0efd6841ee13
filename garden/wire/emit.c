#include "emit.h"

#include <assert.h>
#include <math.h>

static bool emit_json(const struct garden__emitter *e)
{
    return e->encoding == GARDEN_JSON;
}

void garden__emit_fail(struct garden__emitter *e, int error)
{
    if (!e->out->error) e->out->error = error;
}

int garden__emit_finish(struct garden__emitter *e, size_t size)
{
    const int error = e->out->error;
    if (error) {
        e->out->size = size;
        e->out->error = GARDEN_OK;
    }
    return error;
}

static void emit_punctuation(struct garden__emitter *e, const char *mark)
{
    (void)garden_buffer_append(e->out, mark, 1); // a failure sticks in the buffer
}

// Before any value or key: the comma that separates it from the one before it.
static void emit_begin(struct garden__emitter *e)
{
    if (!emit_json(e)) return;
    const uint64_t bit = UINT64_C(1) << e->depth;
    if (e->keyed & bit) {
        e->keyed &= ~bit;
        return;
    }
    if (e->depth && (e->started & bit)) emit_punctuation(e, ",");
    e->started |= bit;
}

void garden__emit_null(struct garden__emitter *e)
{
    emit_begin(e);
    (void)(emit_json(e) ? garden_buffer_append(e->out, "null", 4)
                        : garden_buffer_append(e->out, "\xc0", 1));
}

void garden__emit_bool(struct garden__emitter *e, bool boolean)
{
    emit_begin(e);
    if (emit_json(e)) {
        (void)garden_buffer_append(e->out, boolean ? "true" : "false", boolean ? 4 : 5);
    } else {
        (void)garden_buffer_append(e->out, boolean ? "\xc3" : "\xc2", 1);
    }
}

void garden__emit_int(struct garden__emitter *e, int64_t integer)
{
    emit_begin(e);
    if (emit_json(e)) {
        const bool negative = integer < 0;
        const uint64_t magnitude = negative ? 0 - (uint64_t)integer : (uint64_t)integer;
        garden__json_put_int(e->out, negative, magnitude);
    } else {
        garden__msgpack_put_int(e->out, integer);
    }
}

void garden__emit_uint(struct garden__emitter *e, uint64_t natural)
{
    emit_begin(e);
    if (emit_json(e)) {
        garden__json_put_int(e->out, false, natural);
    } else {
        garden__msgpack_put_uint(e->out, natural);
    }
}

void garden__emit_real(struct garden__emitter *e, double real)
{
    emit_begin(e);
    if (!isfinite(real)) {
        garden__emit_fail(e, GARDEN_ERR_RANGE);
    } else if (emit_json(e)) {
        garden__json_put_real(e->out, real);
    } else {
        garden__msgpack_put_real(e->out, real);
    }
}

void garden__emit_float(struct garden__emitter *e, float real)
{
    emit_begin(e);
    if (!isfinite(real)) {
        garden__emit_fail(e, GARDEN_ERR_RANGE);
    } else if (emit_json(e)) {
        garden__json_put_float(e->out, real);
    } else {
        garden__msgpack_put_float(e->out, real);
    }
}

static void emit_put_text(struct garden__emitter *e, struct garden_text text)
{
    if (!garden_text_valid(text)) {
        garden__emit_fail(e, GARDEN_ERR_FORMAT);
    } else if (emit_json(e)) {
        garden__json_put_text(e->out, text);
    } else {
        garden__msgpack_put_text(e->out, text);
    }
}

void garden__emit_text(struct garden__emitter *e, struct garden_text text)
{
    emit_begin(e);
    emit_put_text(e, text);
}

void garden__emit_uuid(struct garden__emitter *e, struct garden_uuid uuid)
{
    emit_begin(e);
    if (emit_json(e)) {
        char text[GARDEN_UUID_TEXT_SIZE + 1];
        garden_uuid_format(uuid, text);
        garden__json_put_text(e->out, (struct garden_text){text, GARDEN_UUID_TEXT_SIZE});
    } else {
        garden__msgpack_put_octets(e->out, (struct zmtp_bytes){uuid.octets, sizeof uuid.octets});
    }
}

void garden__emit_time(struct garden__emitter *e, struct garden_time time)
{
    char text[GARDEN_TIME_TEXT_MAX + 1];
    const int size = garden_time_format(time, text);
    if (size < 0) {
        garden__emit_fail(e, size);
        return;
    }
    garden__emit_text(e, (struct garden_text){text, (size_t)size});
}

static bool emit_enter(struct garden__emitter *e)
{
    emit_begin(e);
    if (e->depth == GARDEN_DEPTH_MAX) {
        garden__emit_fail(e, GARDEN_ERR_LIMIT);
        return false;
    }
    e->depth++;
    e->started &= ~(UINT64_C(1) << e->depth);
    return true;
}

void garden__emit_list(struct garden__emitter *e, size_t count)
{
    if (!emit_enter(e)) return;
    if (emit_json(e)) {
        emit_punctuation(e, "[");
    } else {
        garden__msgpack_put_list(e->out, count);
    }
}

void garden__emit_map(struct garden__emitter *e, size_t count)
{
    if (!emit_enter(e)) return;
    if (emit_json(e)) {
        emit_punctuation(e, "{");
    } else {
        garden__msgpack_put_map(e->out, count);
    }
}

void garden__emit_key(struct garden__emitter *e, struct garden_text key)
{
    emit_begin(e);
    emit_put_text(e, key);
    if (!emit_json(e)) return;
    emit_punctuation(e, ":");
    e->keyed |= UINT64_C(1) << e->depth;
}

static void emit_leave(struct garden__emitter *e, const char *mark)
{
    if (e->out->error) return; // it may not even have been entered
    assert(e->depth);
    e->depth--;
    if (emit_json(e)) emit_punctuation(e, mark);
}

void garden__emit_list_end(struct garden__emitter *e)
{
    emit_leave(e, "]");
}

void garden__emit_map_end(struct garden__emitter *e)
{
    emit_leave(e, "}");
}

// |value| itself, or the head of the list or map that it is.
static void emit_head(struct garden__emitter *e, const struct garden_value *value)
{
    switch (value->type) {
    case GARDEN_NULL:
        garden__emit_null(e);
        return;
    case GARDEN_BOOL:
        garden__emit_bool(e, value->boolean);
        return;
    case GARDEN_INT:
        garden__emit_int(e, value->integer);
        return;
    case GARDEN_UINT:
        garden__emit_uint(e, value->natural);
        return;
    case GARDEN_REAL:
        garden__emit_real(e, value->real);
        return;
    case GARDEN_TEXT:
        garden__emit_text(e, value->text);
        return;
    case GARDEN_OCTETS: // JSON has no such thing, and no dynamic value of a message may
        garden__emit_fail(e, GARDEN_ERR_FORMAT);
        return;
    case GARDEN_LIST:
        garden__emit_list(e, value->list.count);
        return;
    case GARDEN_MAP:
        garden__emit_map(e, value->map.count);
        return;
    }
    garden__emit_fail(e, GARDEN_ERR_ARGUMENT);
}

void garden__emit_value(struct garden__emitter *e, const struct garden_value *value)
{
    struct {
        const struct garden_value *value;
        size_t next;
    } stack[GARDEN_DEPTH_MAX];
    unsigned depth = 0;
    for (;;) {
        emit_head(e, value);
        if (e->out->error) return;
        if (value->type == GARDEN_LIST || value->type == GARDEN_MAP) {
            stack[depth].value = value; // emit_head fails at a greater depth than the stack has
            stack[depth++].next = 0;
        }
        for (value = NULL; !value && depth;) {
            const struct garden_value *outer = stack[depth - 1].value;
            const size_t next = stack[depth - 1].next++;
            if (outer->type == GARDEN_LIST) {
                if (next < outer->list.count) value = &outer->list.items[next];
                if (!value) garden__emit_list_end(e);
            } else {
                if (next < outer->map.count) {
                    garden__emit_key(e, outer->map.entries[next].key);
                    value = &outer->map.entries[next].value;
                }
                if (!value) garden__emit_map_end(e);
            }
            if (!value) depth--;
        }
        if (!value) return;
    }
}
