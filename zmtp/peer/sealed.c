// Traffic that is sealed (mech/seal.h). Incoming frames are opened where they lie and moved together,
// so that rx.c finds a run of clear frames and knows no difference. Outgoing frames are sealed on their
// way into the window (window.c).
#include <string.h>

#include "../wire/frame.h"
#include "inside.h"

int zmtp__sealed_open(struct zmtp_peer *peer, const struct zmtp__mech_session *session)
{
    struct zmtp__peer_sealed *sealed = zmtp_alloc(peer->allocator, sizeof *sealed);
    if (!sealed) return ZMTP_ERR_MEMORY;
    *sealed = (struct zmtp__peer_sealed){.broken = ZMTP_OK};
    session->mech->seal(session, &sealed->seal);
    peer->sealed = sealed;
    return ZMTP_OK;
}

void zmtp__sealed_close(struct zmtp_peer *peer)
{
    if (!peer->sealed) return;
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
