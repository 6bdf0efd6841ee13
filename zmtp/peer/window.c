// What a connection sends when the pipe's octets are not the wire's: sealed, or in the framing of ZMTP
// 1.0. Frames are taken from the pipe and translated into a window, as much as one write is good for; what
// is in the window has left the pipe, as if the kernel had it.
#include <assert.h>
#include <string.h>

#include "../wire/frame.h"
#include "../wire/old.h"
#include "inside.h"

enum {
    WINDOW_SIZE = ZMTP_SLAB_SIZE, // a frame that is larger has a window of its own
    WINDOW_VIEWS = 32,            // of the pipe, for one window
};

bool zmtp__window_used(const struct zmtp_peer *peer)
{
    return peer->sealed || peer->their_major == 1;
}

bool zmtp__window_unsent(const struct zmtp_peer *peer)
{
    return peer->window;
}

void zmtp__window_drop(struct zmtp_peer *peer)
{
    if (peer->window) zmtp__slab_unref(peer->window);
    peer->window = NULL;
    peer->window_begin = peer->window_end = 0;
}

// Frames that lie in views, one after the other; a body may lie in the view after its header.
struct window_frames {
    struct zmtp_bytes views[WINDOW_VIEWS];
    size_t count, index, at;
};

// The next whole one. False: there is none.
static bool window_next(struct window_frames *frames, struct zmtp_frame *frame,
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

// What a frame with a body of |size| octets takes in the window.
static size_t window_frame_size(const struct zmtp_peer *peer, size_t size)
{
    return peer->sealed ? zmtp__seal_size(size) : zmtp__frame1_header(size) + size;
}

static int window_put_frame(struct zmtp_peer *peer, const struct zmtp_frame *frame,
                            struct zmtp_bytes body, uint8_t *out)
{
    if (peer->sealed) return zmtp__seal_frame(&peer->sealed->seal, frame, body, out);
    const size_t header = zmtp__frame1_encode(frame, out);
    if (body.size > 0) memcpy(out + header, body.data, body.size);
    return ZMTP_OK;
}

// How many octets a window for |frames| has to have: for those that fit into one write, but for the
// first frame at least. |*used| are the octets that they have in the pipe.
static size_t window_measure(const struct zmtp_peer *peer, struct window_frames frames,
                             size_t *used)
{
    struct zmtp_frame frame;
    struct zmtp_bytes body;
    size_t size = 0;
    *used = 0;
    while (window_next(&frames, &frame, &body)) {
        const size_t put = window_frame_size(peer, body.size);
        if (size > 0 && (put > WINDOW_SIZE || size > WINDOW_SIZE - put)) break;
        size += put;
        *used += body.size + (body.size <= UINT8_MAX ? 2 : ZMTP_HEADER_MAX);
    }
    return size;
}

// Puts into a window what |frames| begins with. Returns the octets that were put, 0 when there are none
// or it was not possible; in the latter case the peer has closed.
static size_t window_fill(struct zmtp_peer *peer, struct window_frames frames)
{
    struct zmtp_frame frame;
    struct zmtp_bytes body;
    size_t used;
    const size_t size = window_measure(peer, frames, &used);
    if (size == 0) return 0;
    struct zmtp_slab *window = zmtp__slab_open(peer->pool, peer->allocator, size);
    if (!window) {
        zmtp__peer_stop(peer, ZMTP_ERR_MEMORY);
        return 0;
    }
    peer->window = window;
    peer->window_begin = peer->window_end = 0;
    while (peer->window_end < size && window_next(&frames, &frame, &body)) {
        const int result = window_put_frame(peer, &frame, body, window->data + peer->window_end);
        if (result < 0) {
            zmtp__peer_stop(peer, result);
            return 0;
        }
        peer->window_end += window_frame_size(peer, body.size);
    }
    return used;
}

// Makes a window: of our own frames if some are due between messages, or of the pipe's.
static void window_refill(struct zmtp_peer *peer)
{
    struct zmtp__queue *queue = peer->end->in;
    struct window_frames frames = {.count = 0};
    if (zmtp__queue_message_left(queue) == 0) zmtp__tx_prepare(peer);
    if (peer->state == ZMTP_PEER_CLOSED) return;
    const struct zmtp_bytes own = zmtp__tx_own(peer);
    if (own.size > 0) {
        frames.views[frames.count++] = own;
    } else if (queue->count > 0) {
        const size_t left = zmtp__queue_first_size(queue) - queue->sent;
        const size_t max = zmtp__tx_translates(peer) ? left : SIZE_MAX;
        frames.count = zmtp__queue_peek(queue, frames.views, WINDOW_VIEWS, max);
    }
    const size_t used = window_fill(peer, frames);
    if (used > 0 && own.size > 0)
        zmtp__tx_drop(peer);
    else if (used > 0)
        zmtp__tx_consume_pipe(peer, used);
}

size_t zmtp__window_peek(struct zmtp_peer *peer, struct zmtp_bytes *out, size_t max)
{
    peer->plan_first = peer->plan_control = 0;
    if (max == 0) return 0;
    if (!peer->window) {
        // The end of the handshake goes first, and as it is. Our own octets of later are written only to
        // be sealed at once.
        const struct zmtp_bytes own = zmtp__tx_own(peer);
        if (own.size > 0) {
            peer->plan_control = own.size;
            *out = own;
            return 1;
        }
        window_refill(peer);
    }
    if (!peer->window) return 0;
    *out = (struct zmtp_bytes){peer->window->data + peer->window_begin,
                               peer->window_end - peer->window_begin};
    return 1;
}

void zmtp__window_consume(struct zmtp_peer *peer, size_t size)
{
    peer->window_begin += size;
    assert(peer->window_begin <= peer->window_end);
    if (peer->window_begin == peer->window_end) zmtp__window_drop(peer);
}
