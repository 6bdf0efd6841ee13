// Base64 (RFC 4648, section 4), for the keys of a WebSocket handshake.
#ifndef ZMTP_WS_BASE64_H
#define ZMTP_WS_BASE64_H

#include "../base.h"

#define ZMTP__BASE64_SIZE(size) (((size) + 2) / 3 * 4)

// Writes ZMTP__BASE64_SIZE(in.size) octets, with padding and without a terminator.
void zmtp__base64_encode(struct zmtp_bytes in, uint8_t *out);
// True: |text| is the one encoding of |size| octets, written to |out|. Nothing else passes: no other
// size, no space, no padding that is missing, no bits behind the last octet.
bool zmtp__base64_decode(struct zmtp_bytes text, uint8_t *out, size_t size);

#endif
