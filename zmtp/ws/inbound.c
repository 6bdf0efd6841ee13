// From the network to the peer: the head of HTTP, then frames of WebSocket. The payload of a message is
// handed on as it comes; only a fragmented one is gathered first, as ZMTP says a size before a body.
#include <assert.h>
#include <string.h>

#include "../base/writer.h"
#include "head.h"
#include "inside.h"

static size_t inbound_smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void inbound_breach(struct zmtp__ws *ws, const char *why)
{
    zmtp__ws_fail(ws, ZMTP_ERR_FRAME, ZMTP__WS_PROTOCOL_ERROR, why);
}

// Appends to what is gathered; the block grows with what comes, and never above |max|.
static bool inbound_gather(struct zmtp__ws *ws, struct zmtp_bytes more, size_t max)
{
    const size_t size = ws->gathered_size + more.size;
    assert(size <= max);
    if (size > ws->gathered_capacity) {
        // What a stranger sends gets no octet more than it needs.
        size_t capacity = ws->established ? 2 * ws->gathered_capacity : size;
        if (capacity < size) capacity = size;
        capacity = inbound_smaller(capacity, max);
        uint8_t *const grown =
            zmtp_realloc(ws->config.allocator, ws->gathered, ws->gathered_capacity, capacity);
        if (!grown) {
            zmtp__ws_fail(ws, ZMTP_ERR_MEMORY, ZMTP__WS_INTERNAL, "");
            return false;
        }
        ws->gathered = grown;
        ws->gathered_capacity = capacity;
    }
    if (more.size > 0) memcpy(ws->gathered + ws->gathered_size, more.data, more.size);
    ws->gathered_size = size;
    return true;
}

// The two speak WebSocket: the peer hears what it would have heard in a greeting.
static void inbound_greet(struct zmtp__ws *ws)
{
    struct zmtp_greeting greeting = {.major = 3, .minor = ws->config.minor};
    const struct zmtp_bytes mechanism = zmtp_bytes_text(ws->config.upgrade.mechanism);
    memcpy(greeting.mechanism, mechanism.data,
           inbound_smaller(mechanism.size, ZMTP_MECHANISM_SIZE));
    zmtp_greeting_encode(&greeting, ws->lead);
    ws->lead_at = 0;
    ws->lead_size = ZMTP_GREETING_SIZE;
    ws->state = ZMTP__WS_OPEN;
}

// The server's answer waits to be sent, whatever it is.
static uint8_t *inbound_answer_room(struct zmtp__ws *ws)
{
    if (!ws->head) ws->head = zmtp_alloc(ws->config.allocator, ZMTP__UPGRADE_OURS_MAX);
    if (!ws->head) zmtp__ws_fail(ws, ZMTP_ERR_MEMORY, 0, "");
    return ws->head;
}

static void inbound_headed(struct zmtp__ws *ws)
{
    const struct zmtp__upgrade *upgrade = &ws->config.upgrade;
    const struct zmtp_bytes head = {ws->gathered, ws->gathered_size};
    if (!ws->config.server) {
        zmtp__upgrade_judge(upgrade, ws->nonce, head, &ws->verdict);
    } else if (inbound_answer_room(ws)) {
        ws->head_size = zmtp__upgrade_answer(upgrade, head, ws->head, &ws->verdict);
    }
    zmtp__ws_drop_gathered(ws);
    if (ws->verdict.error == ZMTP_OK)
        inbound_greet(ws);
    else
        ws->in = (struct zmtp_bytes){0};
}

// It is not HTTP, or is too much of it.
static void inbound_refuse(struct zmtp__ws *ws, int error)
{
    zmtp__ws_drop_gathered(ws);
    ws->in = (struct zmtp_bytes){0};
    if (!ws->config.server) {
        zmtp__ws_fail(ws, error, 0,
                      error == ZMTP_ERR_LIMIT ? "the answer's head is larger than 4096 octets"
                                              : "the other side is no HTTP server");
        return;
    }
    if (inbound_answer_room(ws))
        ws->head_size = zmtp__upgrade_refuse(error, ws->head, &ws->verdict);
}

// Gathers the head. True: it is whole, and good.
static bool inbound_upgrade(struct zmtp__ws *ws)
{
    static const char *const begins[] = {"HTTP/1.", "GET "};
    struct zmtp_bytes *in = &ws->in;
    if (in->size == 0) return false;
    const size_t before = ws->gathered_size;
    const size_t size = inbound_smaller(in->size, ZMTP__UPGRADE_HEAD_MAX - before);
    if (!inbound_gather(ws, zmtp_bytes_of(in->data, size), ZMTP__UPGRADE_HEAD_MAX)) return false;
    const struct zmtp_bytes begin = zmtp_bytes_text(begins[ws->config.server]);
    const size_t known = inbound_smaller(begin.size, ws->gathered_size);
    if (memcmp(ws->gathered, begin.data, known) != 0) {
        inbound_refuse(ws, ZMTP_ERR_GREETING);
        return false;
    }
    const size_t end = zmtp__head_end(zmtp_bytes_of(ws->gathered, ws->gathered_size), before);
    const size_t taken = end > 0 ? end - before : size;
    *in = zmtp_bytes_of(in->data + taken, in->size - taken);
    if (end > 0) {
        ws->gathered_size = end;
        inbound_headed(ws);
    } else if (ws->gathered_size == ZMTP__UPGRADE_HEAD_MAX) {
        inbound_refuse(ws, ZMTP_ERR_LIMIT);
    }
    return ws->state == ZMTP__WS_OPEN;
}

// RFC 45, No Mechanism: the first message is the routing id. The peer hears of it in a READY.
static bool inbound_lead_identity(struct zmtp__ws *ws, uint8_t flags, uint64_t size)
{
    static const char before[] = "\5READY\10Identity";
    const size_t before_size = sizeof before - 1;
    if (flags != 0 || size > UINT8_MAX) {
        zmtp__ws_fail(ws, ZMTP_ERR_ROUTING_ID, ZMTP__WS_PROTOCOL_ERROR,
                      "the first message without a mechanism is no routing id");
        return false;
    }
    const struct zmtp_frame ready = {.size = before_size + 4 + size, .command = true};
    const size_t header = zmtp_frame_encode(&ready, ws->lead);
    struct zmtp__writer w = zmtp__writer_of(ws->lead + header, sizeof ws->lead - header);
    zmtp__write_bytes(&w, zmtp_bytes_of(before, before_size));
    zmtp__write_be(&w, size, 4);
    assert(!w.bad);
    ws->lead_at = 0;
    ws->lead_size = header + w.filled;
    ws->identified = true;
    return true;
}

// RFC 45, Framing: a message is a flags octet and the body of a frame.
static bool inbound_lead(struct zmtp__ws *ws, uint8_t flags, uint64_t size)
{
    enum { MORE = 0x01, COMMAND = 0x02 };
    if (flags > COMMAND) {
        inbound_breach(ws, "a message has flags that ZWS 2.0 does not have");
        return false;
    }
    if (ws->verdict.bare && !ws->identified) return inbound_lead_identity(ws, flags, size);
    const struct zmtp_frame frame = {
        .size = size, .more = flags == MORE, .command = flags == COMMAND};
    ws->lead_at = 0;
    ws->lead_size = zmtp_frame_encode(&frame, ws->lead);
    return true;
}

// What a message may hold that has to be gathered, with its flags octet.
static uint64_t inbound_gather_max(const struct zmtp__ws *ws)
{
    const uint64_t any = SIZE_MAX / 4;
    const uint64_t max = ws->established ? ws->config.message_max : ws->config.handshake_frame_max;
    return (max == 0 || max > any ? any : max) + 1;
}

static void inbound_fragment(struct zmtp__ws *ws, const struct zmtp__chunk *chunk)
{
    const uint64_t max = inbound_gather_max(ws);
    const uint64_t left = chunk->size - chunk->offset; // this frame's, from here on
    if (ws->gathered_size > max || left > max - ws->gathered_size) {
        zmtp__ws_fail(ws, ZMTP_ERR_LIMIT, ZMTP__WS_TOO_BIG, "a fragmented message is too large");
        return;
    }
    if (!inbound_gather(ws, chunk->data, (size_t)max)) return;
    ws->fragmented = !chunk->final || chunk->offset + chunk->data.size < chunk->size;
    if (ws->fragmented) return;
    if (ws->gathered_size == 0) {
        inbound_breach(ws, "a message has no flags");
        return;
    }
    if (inbound_lead(ws, ws->gathered[0], ws->gathered_size - 1))
        ws->body = zmtp_bytes_of(ws->gathered + 1, ws->gathered_size - 1);
}

static void inbound_whole(struct zmtp__ws *ws, const struct zmtp__chunk *chunk)
{
    struct zmtp_bytes data = chunk->data;
    if (chunk->offset == 0) {
        if (data.size == 0) {
            inbound_breach(ws, "a message has no flags");
            return;
        }
        if (!inbound_lead(ws, data.data[0], chunk->size - 1)) return;
        data = zmtp_bytes_of(data.data + 1, data.size - 1);
    }
    ws->body = data;
}

// May a frame carry this code? RFC 6455, section 7.4: some only say at one end what became of a connection.
static bool inbound_code_ok(unsigned code)
{
    if (code == 1004 || code == 1005 || code == 1006 || code == 1015) return false;
    return code >= ZMTP__WS_NORMAL && code < 5000;
}

// RFC 6455, section 5.5.1: a code of two octets and words, or nothing.
static void inbound_close(struct zmtp__ws *ws, struct zmtp_bytes payload)
{
    if (payload.size == 1) {
        inbound_breach(ws, "a goodbye has half a code");
        return;
    }
    const bool coded = payload.size > 1;
    const unsigned code =
        coded ? (unsigned)payload.data[0] << 8 | payload.data[1] : ZMTP__WS_NORMAL;
    const unsigned answer = inbound_code_ok(code) ? code : ZMTP__WS_PROTOCOL_ERROR;
    zmtp__ws_fail(ws, ZMTP_ERR_EOF, (uint16_t)answer, "");
    if (code == ZMTP__WS_NORMAL) return;
    char why[] = "the other side closed with code 00000: ";
    char *digit = strchr(why, ':') - 1;
    for (unsigned rest = code, i = 0; i < 5; i++, rest /= 10)
        *digit-- = (char)('0' + rest % 10);
    const bool bare = ws->verdict.bare;
    zmtp__upgrade_say_why(&ws->verdict, ZMTP_ERR_EOF, why,
                          zmtp_bytes_of(payload.data + 2, payload.size - 2));
    ws->verdict.bare = bare;
}

static void inbound_pong(struct zmtp__ws *ws, uint64_t now_ms)
{
    if (ws->counters.pongs_received++ >= ws->counters.pings_sent) return; // nobody asked
    if (now_ms - ws->ping_ms < UINT32_MAX)
        ws->counters.round_trip_ms = (uint32_t)(now_ms - ws->ping_ms);
}

static void inbound_control(struct zmtp__ws *ws, const struct zmtp__chunk *chunk, uint64_t now_ms)
{
    assert(chunk->size <= sizeof ws->control);
    if (chunk->data.size > 0)
        memcpy(ws->control + chunk->offset, chunk->data.data, chunk->data.size);
    if (chunk->offset + chunk->data.size < chunk->size) return;
    const struct zmtp_bytes payload = {ws->control, (size_t)chunk->size};
    switch (chunk->opcode) {
    case ZMTP__OPCODE_PING:
        // A second one before the PONG has left takes the first one's place (section 5.5.3).
        ws->pong_due = true;
        ws->pong_size = (uint8_t)payload.size;
        memcpy(ws->pong, payload.data, payload.size);
        return;
    case ZMTP__OPCODE_PONG:
        inbound_pong(ws, now_ms);
        return;
    case ZMTP__OPCODE_CLOSE:
        inbound_close(ws, payload);
        return;
    default:
        inbound_breach(ws, "a frame has an opcode that WebSocket does not have");
    }
}

// What can be said against a frame when its first octets are there; null: nothing.
static const char *inbound_fault(const struct zmtp__ws *ws, const struct zmtp__chunk *chunk)
{
    if (chunk->reserved != 0) return "a frame uses an extension that was not agreed on";
    if (chunk->masked != ws->config.server)
        return ws->config.server ? "a client must mask its frames" : "a server must not mask";
    if (chunk->opcode >= ZMTP__OPCODE_CLOSE) return NULL;
    if (chunk->opcode > ZMTP__OPCODE_BINARY)
        return "a frame has an opcode that WebSocket does not have";
    if (chunk->opcode == ZMTP__OPCODE_CONTINUATION && !ws->fragmented)
        return "a frame continues nothing";
    if (chunk->opcode != ZMTP__OPCODE_CONTINUATION && ws->fragmented)
        return "a message begins within another one";
    return NULL;
}

static void inbound_chunk(struct zmtp__ws *ws, const struct zmtp__chunk *chunk, uint64_t now_ms)
{
    if (chunk->offset == 0) {
        const char *const fault = inbound_fault(ws, chunk);
        if (fault) {
            inbound_breach(ws, fault);
            return;
        }
        if (chunk->opcode == ZMTP__OPCODE_TEXT) { // RFC 45, Implementation: binary ones only
            zmtp__ws_fail(ws, ZMTP_ERR_FRAME, ZMTP__WS_NOT_BINARY, "a message is text, not binary");
            return;
        }
    }
    if (chunk->opcode >= ZMTP__OPCODE_CLOSE)
        inbound_control(ws, chunk, now_ms);
    else if (ws->fragmented || !chunk->final || chunk->opcode == ZMTP__OPCODE_CONTINUATION)
        inbound_fragment(ws, chunk);
    else
        inbound_whole(ws, chunk);
}

// Gives wslay |size| octets more.
static void inbound_admit(struct zmtp__ws *ws, size_t size)
{
    assert(ws->frames.in.size == 0);
    ws->frames.in = zmtp_bytes_of(ws->in.data, size);
    ws->in = zmtp_bytes_of(ws->in.data + size, ws->in.size - size);
}

// Gives wslay a stranger's next frame, once it is whole. Its size is judged when it is told.
static void inbound_admit_frame(struct zmtp__ws *ws)
{
    uint64_t payload, whole;
    if (zmtp__frames_extent(ws->in, &payload, &whole) == 0) return;
    const bool control = ws->in.data[0] & ZMTP__OPCODE_CLOSE;
    const uint64_t max = inbound_gather_max(ws);
    const uint64_t left = ws->gathered_size < max ? max - ws->gathered_size : 0;
    if ((control && payload > ZMTP__FRAMES_CONTROL_MAX) || payload > INT64_MAX)
        inbound_admit(ws, ws->in.size); // wslay has the words
    else if (!control && payload > left)
        zmtp__ws_fail(ws, ZMTP_ERR_LIMIT, ZMTP__WS_TOO_BIG,
                      "a message before the end of the handshake is too large");
    else if (ws->in.size >= whole)
        inbound_admit(ws, (size_t)whole);
}

// Does the next thing. True: it did.
static bool inbound_step(struct zmtp__ws *ws, uint64_t now_ms)
{
    struct zmtp__chunk chunk;
    if (ws->verdict.error < 0) return false;
    if (ws->state == ZMTP__WS_UPGRADING) return inbound_upgrade(ws);
    if (ws->frames.in.size == 0 && ws->in.size > 0) {
        if (ws->established)
            inbound_admit(ws, ws->in.size);
        else if (ws->frames.inside == 0)
            inbound_admit_frame(ws);
    }
    const int result = zmtp__frames_read(&ws->frames, &chunk);
    if (result == 0) return false;
    if (result == ZMTP_ERR_MEMORY)
        zmtp__ws_fail(ws, result, ZMTP__WS_INTERNAL, "");
    else if (result < 0)
        inbound_breach(ws, "a frame is not well-formed");
    else
        inbound_chunk(ws, &chunk, now_ms);
    return result > 0;
}

// Moves what is ready.
static size_t inbound_drain(struct zmtp__ws *ws, uint8_t *out, size_t size)
{
    const size_t lead = inbound_smaller(ws->lead_size - ws->lead_at, size);
    memcpy(out, ws->lead + ws->lead_at, lead);
    ws->lead_at += lead;
    const size_t body = inbound_smaller(ws->body.size, size - lead);
    if (body > 0) {
        memcpy(out + lead, ws->body.data, body);
        ws->body = zmtp_bytes_of(ws->body.data + body, ws->body.size - body);
    }
    return lead + body;
}

static bool inbound_ready(const struct zmtp__ws *ws)
{
    return ws->lead_at < ws->lead_size || ws->body.size > 0;
}

size_t zmtp__ws_read(struct zmtp__ws *ws, uint8_t *out, size_t size, uint64_t now_ms)
{
    size_t filled = 0;
    while (filled < size) {
        filled += inbound_drain(ws, out + filled, size - filled);
        if (inbound_ready(ws)) break; // there is no more room
        // A message that was gathered has been read.
        if (ws->state != ZMTP__WS_UPGRADING && !ws->fragmented && ws->gathered)
            zmtp__ws_drop_gathered(ws);
        if (!ws->established && filled > 0) break; // the peer may be done with its handshake now
        if (inbound_step(ws, now_ms)) continue;
        ws->dry = true;
        break;
    }
    return filled;
}

// Everything that was fed and not read.
static struct zmtp_bytes inbound_left(const struct zmtp__ws *ws)
{
    const struct zmtp_bytes first = ws->frames.in, rest = ws->in;
    return first.size > 0 ? zmtp_bytes_of(first.data, first.size + rest.size) : rest;
}

// It lies at |data| now.
static void inbound_moved(struct zmtp__ws *ws, const uint8_t *data)
{
    const size_t first = ws->frames.in.size;
    ws->frames.in = zmtp_bytes_of(data, first);
    ws->in = zmtp_bytes_of(data + first, ws->in.size);
}

static void inbound_release(struct zmtp__ws *ws)
{
    zmtp_free(ws->config.allocator, ws->kept, ws->kept_size);
    ws->kept = NULL;
    ws->kept_size = 0;
}

// A frame began in what is kept, and goes on in |in|.
static bool inbound_append(struct zmtp__ws *ws, struct zmtp_bytes in)
{
    const struct zmtp_bytes left = inbound_left(ws);
    uint8_t *const block = zmtp_alloc(ws->config.allocator, left.size + in.size);
    if (!block) {
        zmtp__ws_fail(ws, ZMTP_ERR_MEMORY, ZMTP__WS_INTERNAL, "");
        return false;
    }
    memcpy(block, left.data, left.size);
    memcpy(block + left.size, in.data, in.size);
    inbound_release(ws);
    inbound_moved(ws, block);
    ws->in.size += in.size;
    ws->kept = block;
    ws->kept_size = left.size + in.size;
    return true;
}

void zmtp__ws_feed(struct zmtp__ws *ws, struct zmtp_bytes in, uint64_t now_ms)
{
    assert(!zmtp__ws_holds(ws));
    if (ws->verdict.error < 0 || in.size == 0) return;
    ws->heard_ms = ws->asked_ms = now_ms;
    ws->ping_out = ws->ping_leaving = false;
    if (inbound_left(ws).size == 0) {
        inbound_release(ws);
        ws->in = in;
    } else if (!inbound_append(ws, in)) {
        return;
    }
    ws->dry = false;
}

void zmtp__ws_keep(struct zmtp__ws *ws)
{
    const struct zmtp_bytes left = inbound_left(ws);
    if (left.size == ws->kept_size) return; // that is all of what is kept, or nothing
    uint8_t *const block = left.size > 0 ? zmtp_alloc(ws->config.allocator, left.size) : NULL;
    if (left.size > 0 && !block) {
        zmtp__ws_fail(ws, ZMTP_ERR_MEMORY, ZMTP__WS_INTERNAL, "");
        return;
    }
    if (block) memcpy(block, left.data, left.size);
    inbound_release(ws);
    if (block) inbound_moved(ws, block);
    ws->kept = block;
    ws->kept_size = left.size;
}

bool zmtp__ws_holds(const struct zmtp__ws *ws)
{
    return !ws->dry;
}
