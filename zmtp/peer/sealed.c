// Traffic that is sealed (mech/seal.h). Incoming frames are opened where they lie and moved together,
// so that rx.c finds a run of clear frames and knows no difference. Outgoing frames are taken from the
// pipe and sealed into a window, as much as one write is good for; what is in the window has left the
// pipe, as if the kernel had it.
#include <assert.h>
#include <string.h>

#include "../wire/frame.h"
#include "inside.h"

enum {
    SEALED_WINDOW = ZMTP_SLAB_SIZE, // a frame that is larger has a window of its own
    SEALED_VIEWS = 32,              // of the pipe, for one window
};

int zmtp__sealed_open(struct zmtp_peer *peer, const struct zmtp__mech_session *session)
{
    struct zmtp__peer_sealed *sealed = zmtp_alloc(peer->allocator, sizeof *sealed);
    if (!sealed) return ZMTP_ERR_MEMORY;
    *sealed = (struct zmtp__peer_sealed){.broken = ZMTP_OK};
    session->mech->seal(session, &sealed->seal);
    peer->sealed = sealed;
    return ZMTP_OK;
}

void zmtp__sealed_drop_unsent(struct zmtp_peer *peer)
{
    struct zmtp__peer_sealed *sealed = peer->sealed;
    if (!sealed) return;
    if (sealed->window) zmtp__slab_unref(sealed->window);
    sealed->window = NULL;
    sealed->window_begin = sealed->window_end = 0;
}

void zmtp__sealed_close(struct zmtp_peer *peer)
{
    if (!peer->sealed) return;
    zmtp__sealed_drop_unsent(peer);
    zmtp_wipe(peer->sealed, sizeof *peer->sealed);
    zmtp_free(peer->allocator, peer->sealed, sizeof *peer->sealed);
    peer->sealed = NULL;
}

void zmtp__sealed_swap(struct zmtp_peer *peer)
{
    struct zmtp__peer_sealed *sealed = peer->sealed;
    const uint8_t *at = peer->held.at, *end = peer->held.end;
    peer->held.at = sealed->opened_at;
    peer->held.end = sealed->opened_end;
    sealed->opened_at = at;
    sealed->opened_end = end;
}

// Opens one whole MESSAGE of |size| octets at |message|. Its frame goes behind |filled|, or, when that
// is null, stays as near to where it lay as can be. Returns where the frame begins, null when it is
// none, and then |broken| tells why.
static uint8_t *sealed_open_frame(struct zmtp__peer_sealed *sealed, uint8_t *message, size_t size,
                                  uint8_t **filled)
{
    const size_t body = size > ZMTP__SEAL_OVERHEAD ? size - ZMTP__SEAL_OVERHEAD : 0;
    const size_t header = body <= UINT8_MAX ? 2 : ZMTP_HEADER_MAX;
    // The payload's first octet, its flags, lies where the header's last octet will be.
    uint8_t *const payload = *filled ? *filled + header - 1 : message + ZMTP__SEAL_PAYLOAD;
    const int64_t opened = zmtp__seal_open(&sealed->seal, message, size, payload);
    if (opened < 0) {
        sealed->broken = (int)opened;
        return NULL;
    }
    const unsigned flags = payload[0];
    const struct zmtp_frame frame = {
        .size = body, .more = flags & ZMTP__SEAL_MORE, .command = flags & ZMTP__SEAL_COMMAND};
    uint8_t *const begin = payload + 1 - header;
    (void)zmtp__frame_encode(&frame, begin); // of the size that was reckoned with
    *filled = payload + opened;
    return begin;
}

bool zmtp__sealed_unseal(struct zmtp_peer *peer)
{
    struct zmtp__peer_sealed *sealed = peer->sealed;
    struct zmtp__rx_source *held = &peer->held;
    uint8_t *first = NULL, *filled = NULL;
    while (sealed->broken == ZMTP_OK) {
        struct zmtp_frame outer;
        const size_t left = (size_t)(held->end - held->at);
        const int header = zmtp__frame_decode(zmtp_bytes_of(held->at, left), &outer);
        if (header == 0) break;
        if (header < 0 || outer.more) { // libzmq's messages are one frame each on the outside
            sealed->broken = ZMTP_ERR_FRAME;
            break;
        }
        if (outer.size > left - (size_t)header) break;
        uint8_t *const message = held->slab->data + (held->at - held->slab->data) + header;
        uint8_t *const begin = sealed_open_frame(sealed, message, (size_t)outer.size, &filled);
        if (!begin) break;
        if (!first) first = begin;
        held->at = message + outer.size;
    }
    sealed->opened_at = first;
    sealed->opened_end = filled;
    return first;
}

bool zmtp__sealed_unsent(const struct zmtp_peer *peer)
{
    return peer->sealed && peer->sealed->window;
}

// Frames that lie in views, one after the other; a body may lie in the view after its header.
struct sealed_frames {
    struct zmtp_bytes views[SEALED_VIEWS];
    size_t count, index, at;
};

// The next whole one. False: there is none.
static bool sealed_next(struct sealed_frames *frames, struct zmtp_frame *frame,
                        struct zmtp_bytes *body)
{
    if (frames->index < frames->count && frames->at == frames->views[frames->index].size) {
        frames->index++;
        frames->at = 0;
    }
    if (frames->index == frames->count) return false;
    const struct zmtp_bytes *view = &frames->views[frames->index];
    const int header =
        zmtp__frame_decode(zmtp_bytes_of(view->data + frames->at, view->size - frames->at), frame);
    assert(header > 0); // we wrote it
    size_t at = frames->at + (size_t)header, index = frames->index;
    if (frame->size > 0 && at == view->size) {
        if (++index == frames->count) return false;
        view = &frames->views[index];
        at = 0;
    }
    *body = (struct zmtp_bytes){view->data + at, (size_t)frame->size};
    frames->index = index;
    frames->at = at + body->size;
    return true;
}

// How many octets a window for |frames| has to have: for those that fit into one write, but for the
// first frame at least. |*used| are the octets that they have unsealed.
static size_t sealed_measure(struct sealed_frames frames, size_t *used)
{
    struct zmtp_frame frame;
    struct zmtp_bytes body;
    size_t size = 0;
    *used = 0;
    while (sealed_next(&frames, &frame, &body)) {
        const size_t sealed = zmtp__seal_size(body.size);
        if (size > 0 && (sealed > SEALED_WINDOW || size > SEALED_WINDOW - sealed)) break;
        size += sealed;
        *used += body.size + (body.size <= UINT8_MAX ? 2 : ZMTP_HEADER_MAX);
    }
    return size;
}

// Seals into a window what |frames| begins with. Returns the octets that were sealed, 0 when there are
// none or it was not possible; in the latter case the peer has closed.
static size_t sealed_fill(struct zmtp_peer *peer, struct sealed_frames frames)
{
    struct zmtp__peer_sealed *sealed = peer->sealed;
    struct zmtp_frame frame;
    struct zmtp_bytes body;
    size_t used;
    const size_t size = sealed_measure(frames, &used);
    if (size == 0) return 0;
    struct zmtp_slab *window = zmtp__slab_open(peer->pool, peer->allocator, size);
    if (!window) {
        zmtp__peer_stop(peer, ZMTP_ERR_MEMORY);
        return 0;
    }
    sealed->window = window;
    sealed->window_begin = sealed->window_end = 0;
    while (sealed->window_end < size && sealed_next(&frames, &frame, &body)) {
        const int result =
            zmtp__seal_frame(&sealed->seal, &frame, body, window->data + sealed->window_end);
        if (result < 0) {
            zmtp__peer_stop(peer, result);
            return 0;
        }
        sealed->window_end += zmtp__seal_size(body.size);
    }
    return used;
}

// Makes a window: of our own frames if some are due between messages, or of the pipe's.
static void sealed_refill(struct zmtp_peer *peer)
{
    struct zmtp__queue *queue = peer->end->in;
    struct sealed_frames frames = {.count = 0};
    if (zmtp__queue_message_left(queue) == 0) zmtp__tx_prepare(peer);
    if (peer->state == ZMTP_PEER_CLOSED) return;
    const struct zmtp_bytes own = zmtp__tx_own(peer);
    if (own.size > 0) {
        frames.views[frames.count++] = own;
    } else if (queue->count > 0) {
        // To a peer of 3.0 message by message: the next one may be a command to be translated.
        const size_t left = zmtp__queue_first_size(queue) - queue->sent;
        const size_t max = peer->their_minor >= 1 ? SIZE_MAX : left;
        frames.count = zmtp__queue_peek(queue, frames.views, SEALED_VIEWS, max);
    }
    const size_t used = sealed_fill(peer, frames);
    if (used > 0 && own.size > 0)
        zmtp__tx_drop(peer);
    else if (used > 0)
        zmtp__tx_consume_pipe(peer, used);
}

size_t zmtp__sealed_peek(struct zmtp_peer *peer, struct zmtp_bytes *out, size_t max)
{
    peer->plan_first = peer->plan_control = 0;
    if (max == 0) return 0;
    if (!peer->sealed->window) {
        // The end of the handshake goes first, and clear. Our own octets of later are written only to
        // be sealed at once.
        const struct zmtp_bytes own = zmtp__tx_own(peer);
        if (own.size > 0) {
            peer->plan_control = own.size;
            *out = own;
            return 1;
        }
        sealed_refill(peer);
    }
    const struct zmtp__peer_sealed *sealed = peer->sealed; // null: it has closed
    if (!sealed || !sealed->window) return 0;
    *out = (struct zmtp_bytes){sealed->window->data + sealed->window_begin,
                               sealed->window_end - sealed->window_begin};
    return 1;
}

void zmtp__sealed_consume(struct zmtp_peer *peer, size_t size)
{
    struct zmtp__peer_sealed *sealed = peer->sealed;
    sealed->window_begin += size;
    assert(sealed->window_begin <= sealed->window_end);
    if (sealed->window_begin == sealed->window_end) zmtp__sealed_drop_unsent(peer);
}
