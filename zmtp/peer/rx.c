// Incoming octets: from the room that was lent, through the frame headers, to whole messages in the
// pipe. Frames are judged here and never copied or moved: runs of them go to the queue as they lie.
#include <assert.h>
#include <string.h>

#include "../wire/frame.h"
#include "inside.h"

enum {
    RX_ROOM = 32 * 1024, // room for one read, at least, unless the owner wants less
    // Of a larger frame this much must have come before it gets a block of its own, which then grows
    // with the octets that come.
    RX_BIG = 16 * 1024,
};

// What parsing the held octets came to.
enum rx_result {
    RX_MORE,    // the next frame is not whole
    RX_BLOCKED, // the pipe is full, or not attached yet
    RX_STOPPED, // the peer closed
    RX_STEP,    // something was done; go on
};

// A run of whole frames to be handed to the queue in one piece.
struct rx_run {
    const uint8_t *begin;
    const uint8_t *boundary;       // the end of its last whole message
    size_t messages, commands;     // commands are counted as messages, too
    size_t count_room, bytes_room; // what the pipe takes before it is full
};

static size_t rx_smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void rx_drop_held(struct zmtp_peer *peer)
{
    if (peer->held.slab) zmtp__slab_unref(peer->held.slab);
    peer->held = (struct zmtp__rx_source){0};
}

static void rx_drop_big(struct zmtp_peer *peer)
{
    if (peer->big) {
        zmtp__slab_settle(peer->big);
        zmtp__slab_unref(peer->big);
    }
    peer->big = NULL;
    peer->big_filled = peer->big_size = 0;
}

static void rx_drop_rest(struct zmtp_peer *peer)
{
    // A password may be in it, but for what came in traffic, where it would cost time.
    if (peer->rest && peer->state != ZMTP_PEER_TRAFFIC) zmtp_wipe(peer->rest, peer->rest_capacity);
    zmtp_free(peer->allocator, peer->rest, peer->rest_capacity);
    peer->rest = NULL;
    peer->rest_size = peer->rest_capacity = 0;
}

void zmtp__rx_release(struct zmtp_peer *peer)
{
    rx_drop_held(peer);
    rx_drop_big(peer);
    rx_drop_rest(peer);
    peer->blocked = false;
}

static enum rx_result rx_stop(struct zmtp_peer *peer, int error)
{
    zmtp__peer_stop(peer, error);
    return RX_STOPPED;
}

// The other side went beyond a limit of ours: |breach| says which, so that whoever runs this side knows what
// to raise. It fits into a part's struct, as a stranger's octets must cost no memory.
static enum rx_result rx_stop_breach(struct zmtp_peer *peer, const char *breach)
{
    zmtp__peer_keep_reason(peer, zmtp_bytes_text(breach));
    return rx_stop(peer, ZMTP_ERR_LIMIT);
}

struct zmtp_room zmtp_peer_space(struct zmtp_peer *peer)
{
    if (!peer) return (struct zmtp_room){0};
    peer->lent = 0;
    if (!(zmtp_peer_wants(peer) & ZMTP_WANT_READ)) return (struct zmtp_room){0};
    if (peer->big) {
        // No octet behind the frame: those belong into the inbox.
        peer->lent = rx_smaller(peer->big->capacity, peer->big_size) - peer->big_filled;
        return (struct zmtp_room){peer->big->data + peer->big_filled, peer->lent};
    }
    struct zmtp__inbox *inbox = peer->inbox;
    const size_t room = peer->room_min > 0 ? peer->room_min : RX_ROOM;
    if (!zmtp__inbox_reserve(inbox, peer->pool, peer->allocator, peer->rest_size + room)) {
        zmtp__peer_stop(peer, ZMTP_ERR_MEMORY);
        return (struct zmtp_room){0};
    }
    uint8_t *start = inbox->slab->data + inbox->used;
    if (peer->rest_size > 0) memcpy(start, peer->rest, peer->rest_size);
    const size_t taken = inbox->used + peer->rest_size;
    peer->lent = inbox->slab->capacity - taken;
    // What the other side says before the verdict stays in the kernel.
    if (peer->state == ZMTP_PEER_GREETING && zmtp__handshake_will_ask(peer))
        peer->lent = ZMTP_GREETING_SIZE - peer->rest_size;
    return (struct zmtp_room){inbox->slab->data + taken, peer->lent};
}

// The slab is shared, and read by whoever gets it next.
static void rx_wipe_held(struct zmtp_peer *peer)
{
    const struct zmtp__rx_source *held = &peer->held;
    zmtp_wipe(held->slab->data + (held->at - held->slab->data), (size_t)(held->end - held->at));
}

// The octets of a frame that is not whole are kept in a block of their own, so that the shared slab
// is free for others.
static enum rx_result rx_keep_rest(struct zmtp_peer *peer)
{
    const struct zmtp__rx_source *held = &peer->held;
    const size_t size = (size_t)(held->end - held->at);
    if (size == 0) {
        rx_drop_rest(peer);
    } else {
        if (size > peer->rest_capacity) {
            uint8_t *rest = zmtp_alloc(peer->allocator, size);
            if (!rest) return rx_stop(peer, ZMTP_ERR_MEMORY);
            rx_drop_rest(peer);
            peer->rest = rest;
            peer->rest_capacity = size;
        }
        memcpy(peer->rest, held->at, size);
        peer->rest_size = size;
        if (peer->state == ZMTP_PEER_HANDSHAKE) rx_wipe_held(peer);
    }
    rx_drop_held(peer);
    return RX_MORE;
}

// A large frame of |size| octets begins in what is held, RX_BIG at least: it goes into a slab that has
// room for all of it, if the pool has one to spare, or into one that grows up to it.
static enum rx_result rx_begin_big(struct zmtp_peer *peer, size_t size)
{
    const size_t have = (size_t)(peer->held.end - peer->held.at);
    struct zmtp_slab *big = zmtp__slab_advance(peer->pool, size);
    if (!big) big = zmtp__slab_open(peer->pool, peer->allocator, rx_smaller(2 * have, size));
    if (!big) return rx_stop(peer, ZMTP_ERR_MEMORY);
    memcpy(big->data, peer->held.at, have);
    peer->big = big;
    peer->big_filled = have;
    peer->big_size = size;
    rx_drop_held(peer);
    rx_drop_rest(peer);
    return RX_MORE;
}

// More octets of a large frame came. True when it is whole and held.
static bool rx_fill_big(struct zmtp_peer *peer, size_t size)
{
    peer->big_filled += size;
    if (peer->big_filled == peer->big_size) {
        zmtp__slab_settle(peer->big);
        peer->held =
            (struct zmtp__rx_source){peer->big, peer->big->data, peer->big->data + peer->big_size};
        peer->big = NULL;
        peer->big_filled = peer->big_size = 0;
        return true;
    }
    if (peer->big_filled < peer->big->capacity) return false;
    struct zmtp_slab *grown =
        zmtp__slab_grow(peer->big, rx_smaller(2 * peer->big_filled, peer->big_size));
    if (grown)
        peer->big = grown;
    else
        zmtp__peer_stop(peer, ZMTP_ERR_MEMORY);
    return false;
}

void zmtp_peer_commit(struct zmtp_peer *peer, size_t size, uint64_t now_ms)
{
    if (!peer) return;
    const size_t lent = peer->lent;
    peer->lent = 0;
    if (size == 0 || size > lent || !(zmtp_peer_wants(peer) & ZMTP_WANT_READ)) return;
    peer->counters.bytes_in += size;
    zmtp__clock_heard(peer, now_ms);
    if (peer->big) {
        peer->busy_ms = now_ms;
        if (rx_fill_big(peer, size)) zmtp__rx_run(peer, now_ms);
        return;
    }
    struct zmtp__inbox *inbox = peer->inbox;
    const size_t begin = inbox->used;
    const size_t end = begin + peer->rest_size + size;
    assert(end <= inbox->slab->capacity);
    peer->held =
        (struct zmtp__rx_source){inbox->slab, inbox->slab->data + begin, inbox->slab->data + end};
    zmtp__slab_ref(inbox->slab);
    peer->rest_size = 0;
    if (peer->state == ZMTP_PEER_HANDSHAKE) rx_drop_rest(peer);
    inbox->used = end;
    zmtp__rx_run(peer, now_ms);
    // What was not kept by the queue can be read over; a rest comes back to the same place.
    if (inbox->used == end && !peer->held.slab && peer->rest_size > 0)
        inbox->used = end - peer->rest_size;
}

static enum rx_result rx_old_greeting(struct zmtp_peer *peer, struct zmtp_bytes in)
{
    struct zmtp__old_greeting greeting;
    const int used = peer->their_major == 1 ? zmtp__greeting1_decode(in, &greeting)
                                            : zmtp__greeting2_decode(in, &greeting);
    if (used < 0) return rx_stop(peer, used);
    if (used == 0) return RX_MORE;
    peer->held.at += used;
    zmtp__handshake_old(peer, &greeting);
    return peer->state == ZMTP_PEER_CLOSED ? RX_STOPPED : RX_STEP;
}

static enum rx_result rx_greeting(struct zmtp_peer *peer)
{
    struct zmtp__rx_source *held = &peer->held;
    const struct zmtp_bytes in = {held->at, (size_t)(held->end - held->at)};
    struct zmtp_greeting greeting;
    zmtp__handshake_detect(peer, in);
    if (peer->state == ZMTP_PEER_CLOSED) return RX_STOPPED;
    if (peer->their_major > 0) return rx_old_greeting(peer, in);
    const int used = zmtp_greeting_decode(in, &greeting);
    if (used < 0) return rx_stop(peer, used);
    if (used == 0) return RX_MORE;
    held->at += used;
    zmtp__handshake_greeted(peer, &greeting);
    return peer->state == ZMTP_PEER_CLOSED ? RX_STOPPED : RX_STEP;
}

static enum rx_result rx_handshake(struct zmtp_peer *peer, uint64_t now_ms)
{
    struct zmtp__rx_source *held = &peer->held;
    const struct zmtp_bytes rest = {held->at, (size_t)(held->end - held->at)};
    struct zmtp_frame frame;
    // Whoever waits to be judged has nothing to say until then.
    if (rest.size > 0 && zmtp__handshake_asks(peer)) return rx_stop(peer, ZMTP_ERR_COMMAND);
    const int header = zmtp__frame_decode(rest, &frame);
    if (header < 0) return rx_stop(peer, header);
    if (header == 0) return RX_MORE;
    if (!frame.command) return rx_stop(peer, ZMTP_ERR_COMMAND);
    const uint32_t max = peer->limits.handshake_frame_max;
    if (max && frame.size > max)
        return rx_stop_breach(peer, "a frame is longer than limits.handshake_frame_max");
    if (frame.size > rest.size - (size_t)header) return RX_MORE;
    uint8_t *const body = held->slab->data + (held->at - held->slab->data) + header;
    held->at = body + frame.size;
    struct zmtp_slab *const slab = held->slab;
    zmtp__slab_ref(slab); // it may stop, and let go of what it held
    zmtp__handshake_command(peer, body, (size_t)frame.size, now_ms);
    zmtp_wipe(body, (size_t)frame.size); // it may have been a password
    zmtp__slab_unref(slab);
    return peer->state == ZMTP_PEER_CLOSED ? RX_STOPPED : RX_STEP;
}

static int rx_put(struct zmtp_peer *peer, const uint8_t *begin, const uint8_t *end)
{
    struct zmtp__queue *queue = peer->end->out;
    if (begin == end) return ZMTP_OK;
    if (!queue->open) zmtp__queue_begin(queue);
    const struct zmtp_bytes frames = {begin, (size_t)(end - begin)};
    return zmtp__queue_put_frames(queue, frames, peer->held.slab);
}

// Hands the run to the queue: its whole messages are published, the parts after them wait for their
// last one. With nobody left to read, it is dropped.
static enum rx_result rx_flush(struct zmtp_peer *peer, struct rx_run *run)
{
    const uint8_t *at = peer->held.at;
    const bool kept = !peer->end->other->closed;
    if (run->begin < at) peer->moved = true;
    int result = kept ? rx_put(peer, run->begin, run->boundary) : ZMTP_OK;
    if (result < 0) return rx_stop(peer, result);
    peer->counters.messages_in += run->messages;
    if (kept && run->messages > 0) {
        zmtp__queue_note_commands(peer->end->out, run->commands);
        zmtp__queue_end(peer->end->out, run->messages);
        zmtp__pipe_published(peer->end);
    }
    if (kept) result = rx_put(peer, run->boundary, at);
    const size_t size = (size_t)(at - run->begin); // of the message that is not whole as well
    run->count_room -= run->messages < run->count_room ? run->messages : run->count_room;
    run->bytes_room -= size < run->bytes_room ? size : run->bytes_room;
    run->begin = run->boundary = at;
    run->messages = run->commands = 0;
    return result < 0 ? rx_stop(peer, result) : RX_STEP;
}

static const char rx_too_many_unknown[] = "more commands than limits.unknown_commands_max";

// A command after the handshake that is not for the pattern.
static enum rx_result rx_act(struct zmtp_peer *peer, const struct zmtp_command *command,
                             uint64_t now_ms)
{
    struct zmtp_ping ping;
    struct zmtp_bytes view;
    int result = ZMTP_OK;
    if (zmtp_command_is(command, "PING")) {
        result = zmtp_ping_decode(command->data, &ping);
        if (result == ZMTP_OK) zmtp__clock_ping(peer, &ping, now_ms);
    } else if (zmtp_command_is(command, "PONG")) {
        result = zmtp_pong_decode(command->data, &view);
        if (result == ZMTP_OK) zmtp__clock_pong(peer, now_ms);
    } else if (zmtp_command_is(command, "ERROR")) {
        result = zmtp_error_decode(command->data, &view);
        if (result == ZMTP_OK) zmtp__peer_keep_reason(peer, view);
        if (result == ZMTP_OK) result = ZMTP_ERR_TURNED_AWAY;
    } else if (peer->counters.unknown_commands++ >= peer->limits.unknown_commands_max &&
               peer->limits.unknown_commands_max > 0) {
        return rx_stop_breach(peer, rx_too_many_unknown);
    }
    return result < 0 ? rx_stop(peer, result) : RX_STEP;
}

// Is it a command that the pattern of our type acts on?
static bool rx_is_for_pattern(const struct zmtp_peer *peer, const struct zmtp_command *command)
{
    if (peer->type == ZMTP_PUB || peer->type == ZMTP_XPUB)
        return zmtp_command_is(command, "SUBSCRIBE") || zmtp_command_is(command, "CANCEL");
    if (peer->type == ZMTP_RADIO)
        return zmtp_command_is(command, "JOIN") || zmtp_command_is(command, "LEAVE");
    return false;
}

static enum rx_result rx_command(struct zmtp_peer *peer, struct rx_run *run, struct zmtp_bytes body,
                                 const uint8_t *next, uint64_t now_ms)
{
    struct zmtp_command command;
    const int result = zmtp_command_decode(body, &command);
    const bool for_pattern = result == ZMTP_OK && rx_is_for_pattern(peer, &command);
    if (for_pattern && !peer->in_message) {
        peer->held.at = run->boundary = next;
        run->messages++;
        run->commands++;
        return RX_STEP;
    }
    if (rx_flush(peer, run) == RX_STOPPED) return RX_STOPPED;
    peer->held.at = run->begin = run->boundary = next;
    // RFC 37, Formal Grammar: a message's frames follow each other. Other commands are let through
    // between them, as peers in the field send PINGs there.
    if (for_pattern) return rx_stop(peer, ZMTP_ERR_COMMAND);
    return result < 0 ? rx_stop(peer, result) : rx_act(peer, &command, now_ms);
}

// Counts a whole part in; the limits were checked when its header was seen.
static void rx_part(struct zmtp_peer *peer, struct rx_run *run, const struct zmtp_frame *frame,
                    const uint8_t *next)
{
    peer->held.at = next;
    peer->in_message = frame->more;
    if (frame->more) {
        peer->message_size += frame->size;
        peer->message_parts++;
        return;
    }
    peer->message_size = 0;
    peer->message_parts = 0;
    run->messages++;
    run->boundary = next;
}

// Which limit the frame is beyond, in words; null: none.
static const char *rx_breach(const struct zmtp_peer *peer, const struct zmtp_frame *frame)
{
    const struct zmtp_peer_limits *limits = &peer->limits;
    // Whatever the options say, sizes must fit into memory's own.
    if (frame->size > SIZE_MAX / 4) return "a frame is longer than memory can be";
    if (frame->command && limits->command_max && frame->size > limits->command_max)
        return "a command is longer than limits.command_max";
    if (frame->command) return NULL;
    if (limits->parts_max && peer->message_parts >= limits->parts_max)
        return "a message has more parts than limits.parts_max";
    if (limits->part_max && frame->size > limits->part_max)
        return "a part is longer than limits.part_max";
    if (limits->message_max && (peer->message_size > limits->message_max ||
                                frame->size > limits->message_max - peer->message_size))
        return "a message is longer than limits.message_max";
    return NULL;
}

// What the header at |rest| says, in the framing of the peer's version.
static int rx_header(const struct zmtp_peer *peer, struct zmtp_bytes rest, struct zmtp_frame *frame)
{
    if (peer->their_major == 1) return zmtp__frame1_decode(rest, frame);
    const int header = zmtp__frame_decode(rest, frame);
    // RFC 15, Framing: there are no commands yet.
    return header > 0 && peer->their_major == 2 && frame->command ? ZMTP_ERR_FRAME : header;
}

// A void of 1.0 is skipped, but a flood of them is not listened to.
static enum rx_result rx_void(struct zmtp_peer *peer, struct rx_run *run, int size)
{
    const uint32_t max = peer->limits.unknown_commands_max;
    if (rx_flush(peer, run) == RX_STOPPED) return RX_STOPPED;
    peer->held.at += size;
    run->begin = run->boundary = peer->held.at;
    if (peer->counters.unknown_commands++ >= max && max > 0)
        return rx_stop_breach(peer, rx_too_many_unknown);
    return RX_STEP;
}

// A whole frame of 1.0, with a header of |size| octets, gets one of 3.x right before its body. What
// that leaves free of a longer one ends the run.
static enum rx_result rx_translate(struct zmtp_peer *peer, struct rx_run *run, size_t size,
                                   const struct zmtp_frame *frame)
{
    uint8_t header[ZMTP_HEADER_MAX];
    const size_t header_size = zmtp__frame_encode(frame, header);
    struct zmtp__rx_source *held = &peer->held;
    if (size > header_size) {
        if (rx_flush(peer, run) == RX_STOPPED) return RX_STOPPED;
        held->at += size - header_size;
        run->begin = run->boundary = held->at;
    }
    memcpy(held->slab->data + (held->at - held->slab->data), header, header_size);
    return RX_STEP;
}

// One frame of the traffic, appended to the run or acted on.
static enum rx_result rx_frame(struct zmtp_peer *peer, struct rx_run *run, uint64_t now_ms)
{
    struct zmtp__rx_source *held = &peer->held;
    const struct zmtp_bytes rest = {held->at, (size_t)(held->end - held->at)};
    if (rest.size == 0) return RX_MORE;
    if (!peer->in_message && (run->messages >= run->count_room ||
                              (size_t)(run->boundary - run->begin) >= run->bytes_room))
        return RX_BLOCKED;
    struct zmtp_frame frame;
    const int header = rx_header(peer, rest, &frame);
    if (header == 0) return RX_MORE;
    const bool old = header > 0 && peer->their_major == 1;
    if (old && zmtp__frame1_is_void(header)) return rx_void(peer, run, header);
    const char *const breach = header < 0 ? NULL : rx_breach(peer, &frame);
    if (header < 0 || breach) { // what came whole before it is still delivered
        if (rx_flush(peer, run) == RX_STOPPED) return RX_STOPPED;
        return breach ? rx_stop_breach(peer, breach) : rx_stop(peer, header);
    }
    const size_t size = (size_t)header + (size_t)frame.size;
    if (size > rest.size) {
        if (!frame.command) peer->moved = true; // however slowly it comes
        if (rest.size < RX_BIG) return RX_MORE;
        return rx_flush(peer, run) == RX_STOPPED ? RX_STOPPED : rx_begin_big(peer, size);
    }
    const uint8_t *next = held->at + size;
    if (frame.command)
        return rx_command(peer, run, zmtp_bytes_of(held->at + header, (size_t)frame.size), next,
                          now_ms);
    if (old && rx_translate(peer, run, (size_t)header, &frame) == RX_STOPPED) return RX_STOPPED;
    rx_part(peer, run, &frame, next);
    return RX_STEP;
}

// What a limit leaves; |max| 0: there is none.
static size_t rx_left(size_t used, size_t max)
{
    if (max == 0) return SIZE_MAX;
    return used < max ? max - used : 0;
}

// Up to which size a message of one part may be counted in without a closer look; 0: none may.
static size_t rx_plain_max(const struct zmtp_peer *peer)
{
    const struct zmtp_peer_limits *const limits = &peer->limits;
    size_t max = SIZE_MAX / 4;
    if (peer->their_major == 1 || peer->in_message) return 0;
    if (limits->message_max > 0 && limits->message_max < max) max = (size_t)limits->message_max;
    if (limits->part_max > 0 && limits->part_max < max) max = (size_t)limits->part_max;
    return max < UINT8_MAX ? 0 : max; // short ones are not compared with it
}

// The octets of such a message that begins at |at|, its header included; 0: it is not whole, or something else.
static inline size_t rx_plain_size(const uint8_t *at, const uint8_t *end, size_t max)
{
    const size_t here = (size_t)(end - at);
    if (here < 2) return 0;
    if (at[0] == 0) return here - 2 < at[1] ? 0 : 2 + (size_t)at[1];
    if (at[0] != ZMTP_FLAG_LONG || here < ZMTP_HEADER_MAX) return 0;
    const uint64_t size = zmtp__frame_long_size(at + 1);
    return size > max || here - ZMTP_HEADER_MAX < size ? 0 : ZMTP_HEADER_MAX + (size_t)size;
}

// Counts in those short messages that have the same header as the one of |size| octets before |*at|, |*left| at most; each
// begins at |last| at the latest. The next ones are most likely as long. Where each begins then need not be read first, so
// the processor looks at several at a time; and so does this.
static inline void rx_plain_alike(const uint8_t **at, const uint8_t *last, size_t size,
                                  size_t *left)
{
    const uint8_t *next = *at, *const header = next - size;
    while (*left >= 4 && next <= last && (size_t)(last - next) >= 3 * size &&
           memcmp(next, header, 2) == 0 && memcmp(next + size, header, 2) == 0 &&
           memcmp(next + 2 * size, header, 2) == 0 && memcmp(next + 3 * size, header, 2) == 0) {
        next += 4 * size;
        *left -= 4;
    }
    while (*left > 0 && next <= last && memcmp(next, header, 2) == 0) {
        next += size;
        *left -= 1;
    }
    *at = next;
}

// What rx_frame would do for messages of one part each, as far as there are some and room for them.
static void rx_plain(struct zmtp_peer *peer, struct rx_run *run)
{
    const uint8_t *at = peer->held.at, *const end = peer->held.end;
    const size_t taken = (size_t)(run->boundary - run->begin), max = rx_plain_max(peer);
    if (run->messages >= run->count_room || taken >= run->bytes_room) return;
    if (run->boundary != at || max == 0) return;
    // The last one that has room may take more octets than are left.
    const size_t room = run->bytes_room - taken;
    const uint8_t *const full = (size_t)(end - at) > room ? at + room : end;
    size_t left = run->count_room - run->messages;
    while (left > 0 && at < full) {
        const size_t size = rx_plain_size(at, end, max);
        if (size == 0) break;
        const uint8_t *const header = at;
        const uint8_t *const last = (size_t)(end - full) < size ? end - size : full - 1;
        at += size;
        left--;
        if (header[0] == 0) rx_plain_alike(&at, last, size, &left);
    }
    run->messages = run->count_room - left;
    peer->held.at = run->boundary = at;
}

static enum rx_result rx_traffic(struct zmtp_peer *peer, uint64_t now_ms)
{
    const struct zmtp__queue *queue = peer->end->out;
    const bool dropping = peer->end->other->closed; // there is always room for what nobody reads
    struct rx_run run = {
        .begin = peer->held.at,
        .boundary = peer->held.at,
        .count_room = rx_left(zmtp__queue_count(queue), dropping ? 0 : queue->count_max),
        .bytes_room =
            rx_left(zmtp__queue_bytes(queue) + queue->open_bytes, dropping ? 0 : queue->bytes_max),
    };
    enum rx_result result;
    do {
        rx_plain(peer, &run);
        result = rx_frame(peer, &run, now_ms);
    } while (result == RX_STEP);
    if (result != RX_STOPPED && peer->held.slab && rx_flush(peer, &run) == RX_STOPPED)
        result = RX_STOPPED;
    zmtp__clock_moved(peer, now_ms);
    return result;
}

// A sealed frame that is not whole yet. Whether there is a command in it or a part shows later.
static enum rx_result rx_await_sealed(struct zmtp_peer *peer)
{
    const size_t have = (size_t)(peer->held.end - peer->held.at);
    struct zmtp_frame outer;
    const int header = zmtp__frame_decode(zmtp_bytes_of(peer->held.at, have), &outer);
    if (header <= 0) return RX_MORE;
    const uint64_t size = outer.size > ZMTP__SEAL_OVERHEAD ? outer.size - ZMTP__SEAL_OVERHEAD : 0;
    const char *const breach = rx_breach(peer, &(struct zmtp_frame){.size = size});
    if (breach && rx_breach(peer, &(struct zmtp_frame){.size = size, .command = true}))
        return rx_stop_breach(peer, breach);
    return have < RX_BIG ? RX_MORE : rx_begin_big(peer, (size_t)header + (size_t)outer.size);
}

// Sealed traffic: what was opened is parsed as clear traffic is, then more is opened.
static enum rx_result rx_sealed(struct zmtp_peer *peer, uint64_t now_ms)
{
    for (;;) {
        const struct zmtp__peer_sealed *sealed = peer->sealed;
        if (sealed->opened_at == sealed->opened_end && !zmtp__sealed_unseal(peer))
            return sealed->broken < 0 ? rx_stop(peer, sealed->broken) : rx_await_sealed(peer);
        zmtp__sealed_swap(peer);
        const enum rx_result result = rx_traffic(peer, now_ms);
        if (result == RX_STOPPED) return result;
        zmtp__sealed_swap(peer);
        if (result == RX_BLOCKED) return result;
    }
}

// Octets that are no ZMTP. A full pipe is looked for once more behind them, so that nothing is read
// that would have to wait here.
static enum rx_result rx_raw(struct zmtp_peer *peer)
{
    const int result = peer->held.at < peer->held.end ? zmtp__raw_take(peer) : ZMTP_OK;
    if (result == ZMTP_ERR_AGAIN) return RX_BLOCKED;
    if (result < 0) return rx_stop(peer, result);
    rx_drop_held(peer);
    const bool full = !peer->end->other->closed && zmtp__queue_full(peer->end->out);
    return full ? RX_BLOCKED : RX_MORE;
}

// RFC 13, Broadcast Content: a subscriber of 1.0 says nothing and picks for itself, so it wants
// everything, which its socket is told in its name.
static enum rx_result rx_wish(struct zmtp_peer *peer)
{
    static const char subscribe[] = "\x09SUBSCRIBE";
    struct zmtp__queue *queue = peer->end->out;
    const bool kept = !peer->end->other->closed;
    if (kept && zmtp__queue_full(queue)) return RX_BLOCKED;
    peer->wish_due = false;
    if (!kept) return RX_STEP;
    zmtp__queue_begin(queue);
    const int result = zmtp__queue_put(queue, zmtp_bytes_text(subscribe), NULL, ZMTP_FLAG_COMMAND);
    if (result < 0) return rx_stop(peer, result);
    zmtp__queue_end(queue, 1);
    zmtp__pipe_published(peer->end);
    return RX_STEP;
}

static enum rx_result rx_step(struct zmtp_peer *peer, uint64_t now_ms)
{
    switch (peer->state) {
    case ZMTP_PEER_GREETING:
        return rx_greeting(peer);
    case ZMTP_PEER_HANDSHAKE:
        return rx_handshake(peer, now_ms);
    case ZMTP_PEER_READY:
        return peer->held.at == peer->held.end ? RX_MORE : RX_BLOCKED;
    case ZMTP_PEER_TRAFFIC:
        if (peer->raw) return rx_raw(peer);
        if (peer->wish_due) return rx_wish(peer);
        return peer->sealed ? rx_sealed(peer, now_ms) : rx_traffic(peer, now_ms);
    case ZMTP_PEER_CLOSED:
        break;
    }
    return RX_STOPPED;
}

void zmtp__rx_run(struct zmtp_peer *peer, uint64_t now_ms)
{
    peer->blocked = false;
    if (!peer->held.slab && !peer->wish_due) return;
    enum rx_result result;
    do {
        result = rx_step(peer, now_ms);
    } while (result == RX_STEP);
    if (result == RX_MORE && peer->held.slab) result = rx_keep_rest(peer);
    if (result == RX_BLOCKED) {
        peer->blocked = true;
        if (peer->end) zmtp__queue_refuse(peer->end->out); // tell us when there is room
    }
}
