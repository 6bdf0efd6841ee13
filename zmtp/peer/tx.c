// Outgoing octets: the pipe's queue as it lies, with our own octets (greeting, handshake, PING, PONG)
// between its messages.
#include <assert.h>
#include <string.h>

#include "inside.h"

// How many octets one peek shows at most, so that others get their turn. A message of 1 MiB goes in one
// write: in two and a rest, its reader sleeps and is woken three times as often.
enum { TX_PEEK_BYTES = 2 * 1024 * 1024 };

static void tx_free_control(struct zmtp_peer *peer)
{
    if (peer->control) zmtp_wipe(peer->control, peer->control_capacity);
    zmtp_free(peer->allocator, peer->control, peer->control_capacity);
}

uint8_t *zmtp__tx_room(struct zmtp_peer *peer, size_t size)
{
    if (peer->control_begin == peer->control_end) peer->control_begin = peer->control_end = 0;
    if (peer->control_capacity - peer->control_end < size) {
        const size_t capacity = peer->control_end + size;
        uint8_t *control = zmtp_alloc(peer->allocator, capacity);
        if (!control) return NULL;
        // Not resized in place: a password may be in it, and no copy of that is left behind.
        if (peer->control_end > 0) memcpy(control, peer->control, peer->control_end);
        tx_free_control(peer);
        peer->control = control;
        peer->control_capacity = capacity;
    }
    return peer->control + peer->control_end;
}

static size_t tx_control_left(const struct zmtp_peer *peer)
{
    return peer->control_end - peer->control_begin;
}

struct zmtp_bytes zmtp__tx_own(const struct zmtp_peer *peer)
{
    const size_t size = tx_control_left(peer);
    return zmtp_bytes_of(size > 0 ? peer->control + peer->control_begin : NULL, size);
}

void zmtp__tx_drop(struct zmtp_peer *peer)
{
    tx_free_control(peer);
    peer->control = NULL;
    peer->control_begin = peer->control_end = peer->control_capacity = 0;
}

void zmtp__tx_wrote(struct zmtp_peer *peer, size_t size)
{
    peer->control_end += size;
    assert(peer->control_end <= peer->control_capacity);
    if (tx_control_left(peer) == 0) zmtp__tx_drop(peer); // an idle peer holds no memory for it
}

static bool tx_has_traffic(const struct zmtp_peer *peer)
{
    return peer->state == ZMTP_PEER_TRAFFIC && !peer->ending && peer->end->in->count > 0;
}

bool zmtp__tx_pending(const struct zmtp_peer *peer)
{
    if (tx_control_left(peer) > 0 || tx_has_traffic(peer)) return true;
    if (zmtp__window_unsent(peer)) return true;
    return peer->state == ZMTP_PEER_TRAFFIC && !peer->ending && (peer->pong_due || peer->ping_due);
}

unsigned zmtp_peer_wants(const struct zmtp_peer *peer)
{
    if (!peer) return 0;
    unsigned wants = 0;
    if (!peer->ending && zmtp__tx_pending(peer)) wants |= ZMTP_WANT_WRITE;
    if (peer->state == ZMTP_PEER_READY) wants |= ZMTP_WANT_ATTACH;
    if (peer->state == ZMTP_PEER_GREETING || peer->state == ZMTP_PEER_HANDSHAKE ||
        peer->state == ZMTP_PEER_TRAFFIC)
        if (!peer->blocked && !peer->ending) wants |= ZMTP_WANT_READ;
    if (zmtp__handshake_asks(peer)) wants = (wants | ZMTP_WANT_AUTH) & ~(unsigned)ZMTP_WANT_READ;
    return wants;
}

// Writes the PONG and the PING that are due, between messages. Without memory they stay due.
static void tx_heartbeats(struct zmtp_peer *peer)
{
    enum { SIZE = ZMTP_HEADER_MAX + 1 + 4 + 2 + ZMTP_PING_CONTEXT_MAX };
    if (peer->pong_due) {
        uint8_t *room = zmtp__tx_room(peer, SIZE);
        if (!room) return;
        const struct zmtp_bytes context = {peer->pong_context, peer->pong_size};
        zmtp__tx_wrote(peer, (size_t)zmtp_pong_encode(context, room, SIZE));
        peer->pong_due = false;
    }
    if (peer->ping_due) {
        uint8_t *room = zmtp__tx_room(peer, SIZE);
        if (!room) return;
        const struct zmtp_ping ping = {.ttl_ms = peer->limits.heartbeat_ttl_ms};
        zmtp__tx_wrote(peer, (size_t)zmtp_ping_encode(&ping, room, SIZE));
        peer->ping_due = false;
        peer->ping_leaving = true;
        peer->counters.pings_sent++;
    }
}

// Before 3.1 subscriptions are messages, 1 or 0 and the topic (RFC 23 and 15, Publish-Subscribe); but in
// 1.0 a subscriber says nothing (RFC 13, Broadcast Content).
static void tx_subscription_as_message(struct zmtp_peer *peer)
{
    struct zmtp__queue *queue = peer->end->in;
    struct zmtp_command command;
    const int result = zmtp_command_decode(zmtp__queue_first_body(queue), &command);
    assert(result == ZMTP_OK); // our own socket wrote it
    (void)result;
    const bool subscribe = zmtp_command_is(&command, "SUBSCRIBE");
    if (peer->their_major > 1 && (subscribe || zmtp_command_is(&command, "CANCEL"))) {
        const struct zmtp_frame frame = {.size = 1 + command.data.size};
        uint8_t *room = zmtp__tx_room(peer, ZMTP_HEADER_MAX + (size_t)frame.size);
        if (!room) {
            zmtp__peer_stop(peer, ZMTP_ERR_MEMORY);
            return;
        }
        const size_t header = zmtp_frame_encode(&frame, room);
        room[header] = subscribe;
        if (command.data.size > 0) memcpy(room + header + 1, command.data.data, command.data.size);
        zmtp__tx_wrote(peer, header + (size_t)frame.size);
        peer->counters.messages_out++;
    }
    zmtp__queue_drop(queue);
    zmtp__pipe_consumed(peer->end);
}

// Only these tell the other side's socket something by commands. JOIN and LEAVE are commands to every 3.x:
// a 3.0 that has a RADIO, as JeroMQ does, knows them as such.
bool zmtp__tx_translates(const struct zmtp_peer *peer)
{
    if (peer->type == ZMTP_DISH) return peer->their_major < 3;
    return (peer->type == ZMTP_SUB || peer->type == ZMTP_XSUB) && peer->their_minor == 0;
}

void zmtp__tx_prepare(struct zmtp_peer *peer)
{
    const struct zmtp__queue *queue = peer->end->in;
    if (tx_control_left(peer) > 0) return;
    if (zmtp__queue_message_left(queue) == 0 && zmtp__tx_translates(peer))
        while (tx_control_left(peer) == 0 && queue->count > 0 &&
               zmtp__queue_first_flags(queue) & ZMTP_FLAG_COMMAND)
            tx_subscription_as_message(peer);
    if (peer->state == ZMTP_PEER_TRAFFIC) tx_heartbeats(peer);
}

// How much of the pipe may be shown now.
static size_t tx_pipe_window(struct zmtp_peer *peer)
{
    const struct zmtp__queue *queue = peer->end->in;
    if (!zmtp__tx_translates(peer) || queue->count == 0) return TX_PEEK_BYTES;
    return zmtp__queue_first_size(queue) - queue->sent;
}

// Lays out what is to be sent next; returns how many views it took.
static size_t tx_plan(struct zmtp_peer *peer, struct zmtp_bytes *out, size_t max)
{
    peer->plan_first = peer->plan_control = 0;
    size_t count = 0;
    const bool traffic = peer->state == ZMTP_PEER_TRAFFIC && !peer->ending;
    struct zmtp__queue *queue = traffic ? peer->end->in : NULL;
    const bool between = !traffic || zmtp__queue_message_left(queue) == 0;
    if (traffic) zmtp__tx_prepare(peer);
    if (traffic && peer->state != ZMTP_PEER_TRAFFIC) return 0;
    const size_t control = tx_control_left(peer);
    if (traffic && !between && control > 0) {
        // The message that has begun goes first. Where not all of it finds a view, nothing behind it does.
        peer->plan_first = zmtp__queue_message_left(queue);
        count = zmtp__queue_peek(queue, out, max, peer->plan_first);
    }
    if (control > 0 && count < max) {
        out[count++] = (struct zmtp_bytes){peer->control + peer->control_begin, control};
        peer->plan_control = control;
    }
    if (traffic && count < max && peer->plan_first == 0 &&
        (control == 0 || !zmtp__tx_translates(peer)))
        count += zmtp__queue_peek(queue, out + count, max - count, tx_pipe_window(peer));
    return count;
}

size_t zmtp_peer_peek(struct zmtp_peer *peer, struct zmtp_bytes *out, size_t max)
{
    if (!peer || !out) return 0;
    const bool traffic = peer->state == ZMTP_PEER_TRAFFIC && !peer->ending;
    size_t count = 0;
    if (traffic && zmtp__window_used(peer))
        count = zmtp__window_peek(peer, out, max);
    else if (!peer->raw)
        count = tx_plan(peer, out, max);
    else if (traffic)
        count = zmtp__queue_peek_bodies(peer->end->in, out, max, TX_PEEK_BYTES);
    peer->shown = 0;
    for (size_t i = 0; i < count; i++)
        peer->shown += out[i].size;
    return count;
}

// Says an ERROR command as traffic is said: sealed, if it is.
static int tx_error(struct zmtp_peer *peer, struct zmtp_bytes reason)
{
    uint8_t plain[ZMTP_HEADER_MAX + 6 + 1 + ZMTP_REASON_MAX];
    const int size = zmtp_error_encode(reason, plain, sizeof plain);
    if (size < 0) return size;
    struct zmtp_frame frame;
    const int header = zmtp_frame_decode(zmtp_bytes_of(plain, (size_t)size), &frame);
    const struct zmtp_bytes body = {plain + header, (size_t)frame.size};
    const size_t needed = peer->sealed ? zmtp__seal_size(body.size) : (size_t)size;
    uint8_t *const room = zmtp__tx_room(peer, needed);
    if (!room) return ZMTP_ERR_MEMORY;
    int result = ZMTP_OK;
    if (peer->sealed)
        result = zmtp__seal_frame(&peer->sealed->seal, &frame, body, room);
    else
        memcpy(room, plain, needed);
    zmtp__tx_wrote(peer, result == ZMTP_OK ? needed : 0);
    return result;
}

int zmtp_peer_refuse(struct zmtp_peer *peer, int error, struct zmtp_bytes reason)
{
    if (!peer || (!reason.data && reason.size > 0)) return ZMTP_ERR_ARGUMENT;
    if (peer->state != ZMTP_PEER_READY || error >= 0) return ZMTP_ERR_STATE;
    // One to whom it cannot be told is hung up on all the same.
    if (!peer->raw && peer->their_major == 3 && peer->their_minor >= 1)
        (void)tx_error(peer, reason);
    zmtp__peer_stop(peer, error);
    return ZMTP_OK;
}

static size_t tx_smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

void zmtp__tx_consume_pipe(struct zmtp_peer *peer, size_t size)
{
    if (size == 0) return;
    struct zmtp__queue *queue = peer->end->in;
    const size_t before = queue->count;
    peer->moved = true;
    if (peer->raw)
        zmtp__queue_consume_bodies(queue, size);
    else
        zmtp__queue_consume(queue, size);
    peer->counters.messages_out += before - queue->count;
    if (queue->count < before) zmtp__pipe_consumed(peer->end);
}

void zmtp_peer_consume(struct zmtp_peer *peer, size_t size, uint64_t now_ms)
{
    if (!peer) return;
    if (size == 0 || size > peer->shown) return;
    peer->shown -= size;
    peer->counters.bytes_out += size;
    const size_t first = tx_smaller(size, peer->plan_first);
    const size_t control = tx_smaller(size - first, peer->plan_control);
    peer->plan_first -= first;
    peer->plan_control -= control;
    peer->control_begin += control;
    if (tx_control_left(peer) == 0) zmtp__tx_drop(peer);
    if (peer->state != ZMTP_PEER_TRAFFIC) return;
    if (zmtp__window_used(peer))
        zmtp__window_consume(peer, size - control);
    else
        zmtp__tx_consume_pipe(peer, size - control);
    const bool unsent = zmtp__window_unsent(peer);
    const bool all_of_ours = tx_control_left(peer) == 0 && !unsent;
    peer->moved |= unsent; // a large frame that leaves slowly was taken from the pipe long ago
    zmtp__clock_left(peer, all_of_ours, now_ms);
    zmtp__clock_moved(peer, now_ms);
    // The socket has closed, and all that it sent has left.
    if (peer->end->other->closed && !zmtp__tx_pending(peer))
        zmtp__peer_stop(peer, ZMTP_ERR_CANCELLED);
}
