// The frame header's codec, inline: the engine meets one for every part of every message. The public
// functions of the same names are these.
#ifndef ZMTP_WIRE_FRAME_H
#define ZMTP_WIRE_FRAME_H

#include "../base/reader.h"
#include "../wire.h"

// The size in a long header, whose eight octets are at |at|. Spelled out, as compilers then see one load.
static inline uint64_t zmtp__frame_long_size(const uint8_t *at)
{
    return (uint64_t)at[0] << 56 | (uint64_t)at[1] << 48 | (uint64_t)at[2] << 40 |
           (uint64_t)at[3] << 32 | (uint64_t)at[4] << 24 | (uint64_t)at[5] << 16 |
           (uint64_t)at[6] << 8 | (uint64_t)at[7];
}

static inline int zmtp__frame_decode(struct zmtp_bytes in, struct zmtp_frame *out)
{
    struct zmtp__reader r = zmtp__reader_of(in);
    const unsigned flags = (unsigned)zmtp__read_be(&r, 1);
    if (r.bad) return 0;

    // RFC 37, Framing: bits 7 to 3 are reserved and zero, and MORE is zero on commands.
    if (flags > (ZMTP_FLAG_MORE | ZMTP_FLAG_LONG | ZMTP_FLAG_COMMAND)) return ZMTP_ERR_FRAME;
    const bool more = flags & ZMTP_FLAG_MORE;
    const bool command = flags & ZMTP_FLAG_COMMAND;
    if (command && more) return ZMTP_ERR_FRAME;

    const bool is_long = flags & ZMTP_FLAG_LONG;
    const struct zmtp_bytes octets = zmtp__read_bytes(&r, is_long ? 8 : 1);
    if (r.bad) return 0;
    const uint64_t size = is_long ? zmtp__frame_long_size(octets.data) : octets.data[0];
    if (size > INT64_MAX) return ZMTP_ERR_FRAME;

    *out = (struct zmtp_frame){.size = size, .more = more, .command = command};
    return is_long ? ZMTP_HEADER_MAX : 2;
}

static inline size_t zmtp__frame_encode(const struct zmtp_frame *frame,
                                        uint8_t out[ZMTP_HEADER_MAX])
{
    const unsigned flags =
        (frame->more ? ZMTP_FLAG_MORE : 0u) | (frame->command ? ZMTP_FLAG_COMMAND : 0u);
    if (frame->size <= UINT8_MAX) {
        out[0] = (uint8_t)flags;
        out[1] = (uint8_t)frame->size;
        return 2;
    }
    const uint64_t size = frame->size;
    out[0] = (uint8_t)(flags | ZMTP_FLAG_LONG);
    out[1] = (uint8_t)(size >> 56);
    out[2] = (uint8_t)(size >> 48);
    out[3] = (uint8_t)(size >> 40);
    out[4] = (uint8_t)(size >> 32);
    out[5] = (uint8_t)(size >> 24);
    out[6] = (uint8_t)(size >> 16);
    out[7] = (uint8_t)(size >> 8);
    out[8] = (uint8_t)size;
    return ZMTP_HEADER_MAX;
}

#endif
