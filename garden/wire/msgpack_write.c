#include <string.h>

#include "emit.h"

// |head| and the |width| low octets of |value|, the highest first. A failure sticks in |out|.
static void msgpack_put(struct garden_buffer *out, unsigned head, uint64_t value, size_t width)
{
    uint8_t octets[9] = {(uint8_t)head};
    for (size_t i = 0; i < width; i++)
        octets[1 + i] = (uint8_t)(value >> 8 * (width - 1 - i));
    (void)garden_buffer_append(out, octets, 1 + width);
}

void garden__msgpack_put_uint(struct garden_buffer *out, uint64_t natural)
{
    if (natural < 0x80) {
        msgpack_put(out, (unsigned)natural, 0, 0);
    } else if (natural <= UINT8_MAX) {
        msgpack_put(out, 0xcc, natural, 1);
    } else if (natural <= UINT16_MAX) {
        msgpack_put(out, 0xcd, natural, 2);
    } else if (natural <= UINT32_MAX) {
        msgpack_put(out, 0xce, natural, 4);
    } else {
        msgpack_put(out, 0xcf, natural, 8);
    }
}

void garden__msgpack_put_int(struct garden_buffer *out, int64_t integer)
{
    if (integer >= 0) {
        garden__msgpack_put_uint(out, (uint64_t)integer);
    } else if (integer >= -32) {
        msgpack_put(out, (unsigned)(256 + integer), 0, 0);
    } else if (integer >= INT8_MIN) {
        msgpack_put(out, 0xd0, (uint64_t)integer, 1);
    } else if (integer >= INT16_MIN) {
        msgpack_put(out, 0xd1, (uint64_t)integer, 2);
    } else if (integer >= INT32_MIN) {
        msgpack_put(out, 0xd2, (uint64_t)integer, 4);
    } else {
        msgpack_put(out, 0xd3, (uint64_t)integer, 8);
    }
}

void garden__msgpack_put_real(struct garden_buffer *out, double real)
{
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    msgpack_put(out, 0xcb, bits, 8);
}

void garden__msgpack_put_float(struct garden_buffer *out, float real)
{
    uint32_t bits;
    memcpy(&bits, &real, sizeof bits);
    msgpack_put(out, 0xca, bits, 4);
}

// Buffers hold at most GARDEN_OCTETS_MAX or the like, so every size that can succeed has 32 bits.
static bool msgpack_too_many(struct garden_buffer *out, size_t count)
{
    if (count <= UINT32_MAX) return false;
    if (!out->error) out->error = GARDEN_ERR_LIMIT;
    return true;
}

void garden__msgpack_put_text(struct garden_buffer *out, struct garden_text text)
{
    if (msgpack_too_many(out, text.size)) return;
    if (text.size < 32) {
        msgpack_put(out, 0xa0 | (unsigned)text.size, 0, 0);
    } else if (text.size <= UINT8_MAX) {
        msgpack_put(out, 0xd9, text.size, 1);
    } else if (text.size <= UINT16_MAX) {
        msgpack_put(out, 0xda, text.size, 2);
    } else {
        msgpack_put(out, 0xdb, text.size, 4);
    }
    (void)garden_buffer_append(out, text.data, text.size);
}

void garden__msgpack_put_octets(struct garden_buffer *out, struct zmtp_bytes octets)
{
    if (msgpack_too_many(out, octets.size)) return;
    if (octets.size <= UINT8_MAX) {
        msgpack_put(out, 0xc4, octets.size, 1);
    } else if (octets.size <= UINT16_MAX) {
        msgpack_put(out, 0xc5, octets.size, 2);
    } else {
        msgpack_put(out, 0xc6, octets.size, 4);
    }
    (void)garden_buffer_append(out, octets.data, octets.size);
}

// The heads of lists and maps: |fix| holds a count below 16, |wide| and the one after it the others.
static void msgpack_put_count(struct garden_buffer *out, unsigned fix, unsigned wide, size_t count)
{
    if (msgpack_too_many(out, count)) return;
    if (count < 16) {
        msgpack_put(out, fix | (unsigned)count, 0, 0);
    } else if (count <= UINT16_MAX) {
        msgpack_put(out, wide, count, 2);
    } else {
        msgpack_put(out, wide + 1, count, 4);
    }
}

void garden__msgpack_put_list(struct garden_buffer *out, size_t count)
{
    msgpack_put_count(out, 0x90, 0xdc, count);
}

void garden__msgpack_put_map(struct garden_buffer *out, size_t count)
{
    msgpack_put_count(out, 0x80, 0xde, count);
}
