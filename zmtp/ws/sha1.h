// SHA-1 (FIPS 180-4), for the one use that WebSocket makes of it: a server shows that it has read the
// client's key. Nothing is protected by it.
#ifndef ZMTP_WS_SHA1_H
#define ZMTP_WS_SHA1_H

#include "../base.h"

enum { ZMTP__SHA1_SIZE = 20 };
void zmtp__sha1(struct zmtp_bytes in, uint8_t out[ZMTP__SHA1_SIZE]);

#endif
