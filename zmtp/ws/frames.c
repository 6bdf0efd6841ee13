#include "frames.h"

#include <assert.h>
#include <string.h>

#include "../base/reader.h"

void zmtp__frames_init(struct zmtp__frames *frames, bool (*random)(uint8_t *out, size_t size))
{
    *frames = (struct zmtp__frames){.random = random};
}

// RFC 6455, section 5.2: the second octet says how many more there are of the size, and whether a mask
// follows.
size_t zmtp__frames_extent(struct zmtp_bytes in, uint64_t *payload, uint64_t *whole)
{
    struct zmtp__reader r = zmtp__reader_of(in);
    (void)zmtp__read_be(&r, 1);
    const unsigned second = (unsigned)zmtp__read_be(&r, 1), size = second & 0x7F;
    const size_t width = size < 126 ? 0 : size == 126 ? 2 : 8;
    const uint64_t extended = zmtp__read_be(&r, width);
    if (r.bad) return 0;
    const size_t header = 2 + width + (second & 0x80 ? 4 : 0);
    *payload = width > 0 ? extended : size;
    *whole = *payload > INT64_MAX ? UINT64_MAX : header + *payload;
    return header;
}

#ifdef ZMTP_WITH_WSLAY

#include <wslay/wslay.h>

bool zmtp__frames_built(void)
{
    return true;
}

void zmtp__frames_fini(struct zmtp__frames *frames)
{
    if (frames->context) wslay_frame_context_free(frames->context);
    frames->context = NULL;
}

static ssize_t frames_give(uint8_t *out, size_t size, int flags, void *user)
{
    struct zmtp__frames *frames = user;
    (void)flags;
    if (size > frames->in.size) size = frames->in.size;
    if (size == 0) return 0; // wslay will ask again
    memcpy(out, frames->in.data, size);
    frames->in = zmtp_bytes_of(frames->in.data + size, frames->in.size - size);
    frames->inside += size;
    return (ssize_t)size;
}

static ssize_t frames_take(const uint8_t *data, size_t size, int flags, void *user)
{
    struct zmtp__frames *frames = user;
    (void)flags;
    memcpy(frames->out, data, size);
    frames->out += size;
    return (ssize_t)size;
}

static int frames_mask(uint8_t *out, size_t size, void *user)
{
    struct zmtp__frames *frames = user;
    assert(size == 4); // a mask, RFC 6455, section 5.3
    if (frames->masks_left < size) {
        if (!frames->random(frames->masks, sizeof frames->masks)) return -1;
        frames->masks_left = sizeof frames->masks;
    }
    frames->masks_left -= size;
    memcpy(out, frames->masks + frames->masks_left, size);
    return 0;
}

static bool frames_open(struct zmtp__frames *frames)
{
    static const struct wslay_frame_callbacks callbacks = {frames_take, frames_give, frames_mask};
    wslay_frame_context_ptr context = NULL;
    if (frames->context) return true;
    if (wslay_frame_context_init(&context, &callbacks, frames) < 0) return false;
    frames->context = context;
    frames->inside = frames->offset = frames->sent = 0;
    return true;
}

void zmtp__frames_rest(struct zmtp__frames *frames)
{
    if (frames->inside == 0 && !frames->sending) zmtp__frames_fini(frames);
}

// The octets of a frame before its payload; wslay lets only the shortest form pass.
static uint64_t frames_header_size(const struct wslay_frame_iocb *frame)
{
    const uint64_t extended = frame->payload_length < 126           ? 0
                              : frame->payload_length <= UINT16_MAX ? 2
                                                                    : 8;
    return 2 + extended + (frame->mask ? 4 : 0);
}

int zmtp__frames_read(struct zmtp__frames *frames, struct zmtp__chunk *out)
{
    struct wslay_frame_iocb frame = {0};
    if (!frames->context && frames->in.size == 0) return 0;
    if (!frames_open(frames)) return ZMTP_ERR_MEMORY;
    const ssize_t result = wslay_frame_recv(frames->context, &frame);
    if (result == WSLAY_ERR_WANT_READ) {
        zmtp__frames_rest(frames);
        return 0;
    }
    if (result < 0) return ZMTP_ERR_FRAME;
    *out = (struct zmtp__chunk){.opcode = frame.opcode,
                                .reserved = frame.rsv,
                                .final = frame.fin,
                                .masked = frame.mask,
                                .size = frame.payload_length,
                                .offset = frames->offset,
                                .data = zmtp_bytes_of(frame.data, frame.data_length)};
    frames->offset += frame.data_length;
    if (frames->offset == frame.payload_length) {
        frames->inside -= frames_header_size(&frame) + frame.payload_length;
        frames->offset = 0;
    }
    return 1;
}

int zmtp__frames_write(struct zmtp__frames *frames, enum zmtp__opcode opcode, uint64_t size,
                       struct zmtp_bytes data, uint8_t *out)
{
    struct wslay_frame_iocb frame = {.fin = 1,
                                     .opcode = (uint8_t)opcode,
                                     .payload_length = size,
                                     .mask = frames->random != NULL,
                                     .data = data.data,
                                     .data_length = data.size};
    if (!frames_open(frames)) return ZMTP_ERR_MEMORY;
    frames->out = out;
    const ssize_t result = wslay_frame_send(frames->context, &frame);
    if (result < 0 || (size_t)result != data.size) return ZMTP_ERR_SYSTEM;
    frames->sent += data.size;
    frames->sending = frames->sent < size;
    if (!frames->sending) frames->sent = 0;
    return (int)(frames->out - out);
}

#else

bool zmtp__frames_built(void)
{
    return false;
}

void zmtp__frames_fini(struct zmtp__frames *frames)
{
    (void)frames;
}

void zmtp__frames_rest(struct zmtp__frames *frames)
{
    (void)frames;
}

int zmtp__frames_read(struct zmtp__frames *frames, struct zmtp__chunk *out)
{
    (void)frames, (void)out;
    return ZMTP_ERR_UNSUPPORTED;
}

int zmtp__frames_write(struct zmtp__frames *frames, enum zmtp__opcode opcode, uint64_t size,
                       struct zmtp_bytes data, uint8_t *out)
{
    (void)frames, (void)opcode, (void)size, (void)data, (void)out;
    return ZMTP_ERR_UNSUPPORTED;
}

#endif
