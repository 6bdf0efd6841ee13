// From the peer to the network: its greeting is swallowed, as the subprotocol said what is in it, and
// each of its frames becomes one message (RFC 45, Framing). Ours go between them.
#include <assert.h>
#include <string.h>

#include "../wire/frame.h"
#include "inside.h"

static size_t outbound_smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

// Where octets go, and how much room is left there.
struct outbound_room {
    uint8_t *out;
    size_t size, filled;
};

static bool outbound_put(struct zmtp__ws *ws, struct outbound_room *room, enum zmtp__opcode opcode,
                         uint64_t size, struct zmtp_bytes data)
{
    assert(room->size - room->filled >= data.size);
    const int written =
        zmtp__frames_write(&ws->frames, opcode, size, data, room->out + room->filled);
    if (written < 0) {
        zmtp__ws_fail(ws, written, 0, "");
        return false;
    }
    room->filled += (size_t)written;
    assert(room->filled <= room->size);
    return true;
}

static void outbound_head(struct zmtp__ws *ws, struct outbound_room *room)
{
    const size_t size = outbound_smaller(ws->head_size - ws->head_at, room->size - room->filled);
    if (!ws->head || size == 0) return;
    memcpy(room->out + room->filled, ws->head + ws->head_at, size);
    room->filled += size;
    ws->head_at += size;
    if (ws->head_at < ws->head_size) return;
    zmtp_free(ws->config.allocator, ws->head, ZMTP__UPGRADE_OURS_MAX);
    ws->head = NULL;
    ws->head_at = ws->head_size = 0;
}

static bool outbound_control_fits(const struct outbound_room *room)
{
    return room->size - room->filled >= ZMTP__FRAMES_HEADER_MAX + ZMTP__FRAMES_CONTROL_MAX;
}

// Control frames that are due, in the order of their weight; a goodbye is the last of all.
static void outbound_controls(struct zmtp__ws *ws, struct outbound_room *room, uint64_t now_ms)
{
    if (ws->state == ZMTP__WS_UPGRADING || ws->head || ws->frames.sending) return;
    if (ws->close_due && outbound_control_fits(room)) {
        const uint8_t code[] = {(uint8_t)(ws->close_code >> 8), (uint8_t)ws->close_code};
        ws->close_due = ws->pong_due = ws->ping_due = false;
        (void)outbound_put(ws, room, ZMTP__OPCODE_CLOSE, sizeof code,
                           zmtp_bytes_of(code, sizeof code)); // a failure is kept
    }
    if (ws->pong_due && outbound_control_fits(room)) {
        ws->pong_due = false;
        if (!outbound_put(ws, room, ZMTP__OPCODE_PONG, ws->pong_size,
                          zmtp_bytes_of(ws->pong, ws->pong_size)))
            return;
    }
    if (ws->ping_due && outbound_control_fits(room)) {
        ws->ping_due = false;
        if (!outbound_put(ws, room, ZMTP__OPCODE_PING, 0, (struct zmtp_bytes){0})) return;
        ws->ping_leaving = ws->ping_out = true;
        ws->ping_ms = now_ms;
        ws->counters.pings_sent++;
    }
}

static struct zmtp_bytes outbound_take(struct zmtp_bytes *from, uint64_t max)
{
    const size_t size = from->size < max ? from->size : (size_t)max;
    const struct zmtp_bytes taken = {from->data, size};
    if (size > 0) *from = zmtp_bytes_of(from->data + size, from->size - size);
    return taken;
}

// Reads a frame's header octet by octet: it may come in parts.
static bool outbound_header(struct zmtp__ws *ws, struct zmtp_bytes *from)
{
    while (from->size > 0) {
        ws->header[ws->header_size++] = outbound_take(from, 1).data[0];
        const struct zmtp_bytes header = {ws->header, ws->header_size};
        const int result = zmtp__frame_decode(header, &ws->frame);
        assert(result >= 0); // our own peer wrote it
        if (result == 0) continue;
        ws->header_size = 0;
        ws->frame_left = ws->frame.size;
        ws->phase = ZMTP__WS_BEGIN;
        return true;
    }
    return false;
}

// RFC 45, No Mechanism: instead of a READY, our routing id is the first message.
static bool outbound_introduce(struct zmtp__ws *ws, struct outbound_room *room)
{
    uint8_t message[1 + UINT8_MAX] = {0};
    const struct zmtp_bytes id = ws->config.routing_id;
    if (room->size - room->filled < ZMTP__FRAMES_HEADER_MAX + sizeof message) return false;
    if (id.size > 0) memcpy(message + 1, id.data, id.size);
    ws->introduced = true;
    ws->phase = ws->frame_left > 0 ? ZMTP__WS_SKIP : ZMTP__WS_HEADER;
    return outbound_put(ws, room, ZMTP__OPCODE_BINARY, 1 + id.size,
                        zmtp_bytes_of(message, 1 + id.size));
}

static bool outbound_begin(struct zmtp__ws *ws, struct outbound_room *room)
{
    if (ws->verdict.bare && !ws->introduced) return outbound_introduce(ws, room);
    if (room->size - room->filled <= ZMTP__FRAMES_HEADER_MAX) return false;
    const uint8_t flags = ws->frame.more ? 0x01 : ws->frame.command ? 0x02 : 0x00;
    ws->phase = ws->frame_left > 0 ? ZMTP__WS_BODY : ZMTP__WS_HEADER;
    return outbound_put(ws, room, ZMTP__OPCODE_BINARY, 1 + ws->frame.size,
                        zmtp_bytes_of(&flags, 1));
}

static bool outbound_body(struct zmtp__ws *ws, struct zmtp_bytes *from, struct outbound_room *room)
{
    const size_t size = outbound_smaller(from->size, room->size - room->filled);
    const struct zmtp_bytes data =
        outbound_take(from, ws->frame_left < size ? ws->frame_left : size);
    if (data.size == 0) return false;
    ws->frame_left -= data.size;
    if (ws->frame_left == 0) ws->phase = ZMTP__WS_HEADER;
    return outbound_put(ws, room, ZMTP__OPCODE_BINARY, 1 + ws->frame.size, data);
}

// Does the next thing with what the peer shows. True: it did.
static bool outbound_step(struct zmtp__ws *ws, struct zmtp_bytes *from, struct outbound_room *room)
{
    switch (ws->phase) {
    case ZMTP__WS_GREETING:
        ws->greeting_left -= outbound_take(from, ws->greeting_left).size;
        if (ws->greeting_left > 0) return false;
        ws->phase = ZMTP__WS_HEADER;
        return true;
    case ZMTP__WS_HEADER:
        return outbound_header(ws, from);
    case ZMTP__WS_BEGIN:
        return outbound_begin(ws, room);
    case ZMTP__WS_BODY:
        return outbound_body(ws, from, room);
    case ZMTP__WS_SKIP:
        ws->frame_left -= outbound_take(from, ws->frame_left).size;
        if (ws->frame_left > 0) return false;
        ws->phase = ZMTP__WS_HEADER;
        return true;
    }
    return false;
}

size_t zmtp__ws_wrap(struct zmtp__ws *ws, struct zmtp_bytes *from, uint8_t *out, size_t size,
                     uint64_t now_ms)
{
    struct outbound_room room = {.out = out, .size = size};
    outbound_head(ws, &room);
    outbound_controls(ws, &room, now_ms);
    while (ws->state == ZMTP__WS_OPEN && !ws->head && ws->verdict.error == ZMTP_OK &&
           outbound_step(ws, from, &room))
        if (!ws->frames.sending) outbound_controls(ws, &room, now_ms);
    return room.filled;
}

void zmtp__ws_wrapped(struct zmtp__ws *ws)
{
    zmtp__frames_rest(&ws->frames);
}

bool zmtp__ws_wants(const struct zmtp__ws *ws)
{
    if (ws->head) return true;
    if (ws->state == ZMTP__WS_UPGRADING) return false;
    if (ws->close_due) return true;
    if (ws->state != ZMTP__WS_OPEN) return false;
    return ws->pong_due || ws->ping_due || ws->phase == ZMTP__WS_BEGIN;
}
