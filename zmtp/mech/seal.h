// The traffic of CURVE (RFC 26, The MESSAGE Command): each frame of ours travels inside a box, with the
// frame's flags as the first octet of what the box holds.
//
//     frame header | 7 "MESSAGE" | nonce 8 | MAC 16 | flags 1 | body
//
// RFC 37 wants these as commands; every peer in the field sends them as messages whose outer flags say
// nothing, and so do we. Outer flags are not protected, so they are not believed either.
#ifndef ZMTP_MECH_SEAL_H
#define ZMTP_MECH_SEAL_H

#include "../curve.h"

struct zmtp__seal {
    const struct zmtp_crypto *crypto;
    struct zmtp_key tx_key, rx_key; // subkeys: the key of both with each direction's prefix
    uint64_t tx_nonce, rx_nonce;    // the last that was used, the last that came
};

enum {
    ZMTP__SEAL_NAME_SIZE = 8, // with its size
    ZMTP__SEAL_OVERHEAD =
        ZMTP__SEAL_NAME_SIZE + ZMTP_SHORT_NONCE_SIZE + ZMTP_MAC_SIZE + 1, // on a frame's body
    ZMTP__SEAL_PAYLOAD = ZMTP__SEAL_OVERHEAD - 1, // where in a MESSAGE its flags lie
};

// Flags inside the box. RFC 26, The MESSAGE Command, has only the first; the second is how commands
// travel between peers of 3.1.
enum { ZMTP__SEAL_MORE = 1, ZMTP__SEAL_COMMAND = 2 };

// |key| is the one that the connection's own keys C' and S' share; the nonces are those of the handshake.
void zmtp__seal_init(struct zmtp__seal *seal, const struct zmtp_crypto *crypto,
                     const struct zmtp_key *key, bool server, uint64_t tx_nonce, uint64_t rx_nonce);
// Octets of a frame with |size| octets of body when it is sealed, header included.
static inline size_t zmtp__seal_size(size_t size)
{
    const size_t body = size + ZMTP__SEAL_OVERHEAD;
    return body + (body <= UINT8_MAX ? 2 : ZMTP_HEADER_MAX);
}
// Seals a frame into |out|, which has that much room. ZMTP_OK, or ZMTP_ERR_LIMIT when no nonce is left.
int zmtp__seal_frame(struct zmtp__seal *seal, const struct zmtp_frame *frame,
                     struct zmtp_bytes body, uint8_t *out);
// Opens a MESSAGE of |size| octets. Its payload (the flags, then the body) goes to |out|, which may be
// anywhere up to where the payload lies sealed. Returns the payload's size; ZMTP_ERR_COMMAND when it is
// no MESSAGE, ZMTP_ERR_REPLAY, ZMTP_ERR_KEY, or ZMTP_ERR_FRAME for flags that nobody knows.
int64_t zmtp__seal_open(struct zmtp__seal *seal, uint8_t *message, size_t size, uint8_t *out);

#endif
