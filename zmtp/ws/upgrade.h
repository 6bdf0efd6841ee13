// The handshake of a WebSocket connection (RFC 6455, section 4) as ZWS 2.0 wants it (RFC 45, Handshake):
// what a client asks, what a server answers, and whether either likes what it hears. Pure functions.
//
// The subprotocol names the security mechanism: "ZWS2.0/NULL", "ZWS2.0/PLAIN", "ZWS2.0/CURVE" (of
// libzmq's; the RFC does not forbid it), and "ZWS2.0" alone, which is NULL without its handshake. Each
// side takes only those of its own mechanism.
#ifndef ZMTP_WS_UPGRADE_H
#define ZMTP_WS_UPGRADE_H

#include "../base.h"

enum {
    ZMTP__UPGRADE_HEAD_MAX = 4096, // of a stranger's head
    ZMTP__UPGRADE_NONCE = 16,      // octets in a client's key
    ZMTP__UPGRADE_OURS_MAX = 768,  // of a head of ours
    ZMTP__UPGRADE_WHY_MAX = 160,
};

struct zmtp__upgrade {
    const char *mechanism;       // as in a ZMTP greeting
    struct zmtp_bytes authority; // client: the host, and the port unless it is 80
    struct zmtp_bytes path;
    struct zmtp_bytes origins; // server: the pages that may connect, between spaces; null: any
};

struct zmtp__upgrade_verdict {
    int error;                       // ZMTP_OK: from here on they speak WebSocket
    bool bare;                       // without a mechanism
    char why[ZMTP__UPGRADE_WHY_MAX]; // the error in words; printable
};

// Both write to |out|, of ZMTP__UPGRADE_OURS_MAX octets, and return how many.
size_t zmtp__upgrade_ask(const struct zmtp__upgrade *upgrade,
                         const uint8_t nonce[ZMTP__UPGRADE_NONCE], uint8_t *out);
// The server's answer to a whole |head|, which is to be sent whatever the verdict.
size_t zmtp__upgrade_answer(const struct zmtp__upgrade *upgrade, struct zmtp_bytes head,
                            uint8_t *out, struct zmtp__upgrade_verdict *verdict);
// The same when no head came, but octets that cannot become one (|error| ZMTP_ERR_GREETING), or too
// many (ZMTP_ERR_LIMIT).
size_t zmtp__upgrade_refuse(int error, uint8_t *out, struct zmtp__upgrade_verdict *verdict);
// The client's judgement of the server's answer.
void zmtp__upgrade_judge(const struct zmtp__upgrade *upgrade,
                         const uint8_t nonce[ZMTP__UPGRADE_NONCE], struct zmtp_bytes head,
                         struct zmtp__upgrade_verdict *verdict);
// Writes |why| and what follows it, made printable, to the verdict.
void zmtp__upgrade_say_why(struct zmtp__upgrade_verdict *verdict, int error, const char *why,
                           struct zmtp_bytes more);

#endif
