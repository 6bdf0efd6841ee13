// A security mechanism as a table of functions: what to say and what to accept during the handshake.
// A mechanism that encrypts also hands over the keys of the traffic (seal.h); for a clear-text one
// that function is null, and the connection sends what lies in the queue as it is.
//
// A server does not judge credentials itself: the session then is |asking|, says and hears nothing,
// and goes on when its owner calls zmtp__mech_allow. Denying needs no call: the owner closes.
#ifndef ZMTP_MECH_MECH_H
#define ZMTP_MECH_MECH_H

#include "../curve.h"
#include "seal.h"

struct zmtp__mech_session;

struct zmtp__mech {
    const char *name; // as the greeting announces it
    // Our next handshake command, a whole frame, into |out|. Returns its octets, 0 when it is the
    // other side's turn or all is said, ZMTP_ERR_LIMIT when |size| is too small.
    int (*say)(struct zmtp__mech_session *session, uint8_t *out, size_t size);
    // The body of a command frame of the other side, in which boxes are opened where they lie. ZMTP_OK,
    // or why the handshake has failed.
    int (*hear)(struct zmtp__mech_session *session, uint8_t *body, size_t size, uint64_t now_ms);
    bool (*done)(const struct zmtp__mech_session *session);
    // Once done: how the traffic is sealed. Null: it is not.
    void (*seal)(const struct zmtp__mech_session *session, struct zmtp__seal *out);
};

// PLAIN and CURVE have the same commands in the same order, and ask at different places.
enum zmtp__mech_step {
    ZMTP__STEP_SAY_HELLO, // a client begins here
    ZMTP__STEP_HEAR_WELCOME,
    ZMTP__STEP_SAY_INITIATE,
    ZMTP__STEP_HEAR_READY,
    ZMTP__STEP_HEAR_HELLO, // a server begins here
    ZMTP__STEP_SAY_WELCOME,
    ZMTP__STEP_HEAR_INITIATE,
    ZMTP__STEP_SAY_READY,
    ZMTP__STEP_DONE,
};

enum { ZMTP__COOKIE_SIZE = 96 };

// What a handshake of CURVE remembers. The names are RFC 26's: C and S are the keys that last, C' and
// S' those of this connection.
struct zmtp__curve {
    struct zmtp_key_pair transient;    // the client's C'
    struct zmtp_key theirs;            // the server: C'; the client: S'
    struct zmtp_key hello_key;         // C' with S
    struct zmtp_key traffic_key;       // C' with S'
    struct zmtp_key cookie_key;        // the server's K
    uint8_t cookie[ZMTP__COOKIE_SIZE]; // which the client brings back
    uint64_t tx_nonce, rx_nonce;       // the last that was used, the last that came
};

// One handshake. Views belong to the caller; |theirs| and |reason| are views into the command that
// was just heard, or constant.
struct zmtp__mech_session {
    const struct zmtp__mech *mech;
    const struct zmtp_security *security;
    struct zmtp_bytes ours;   // our metadata
    struct zmtp_bytes theirs; // their metadata, once |heard|
    struct zmtp_bytes reason; // of an ERROR command, or why we gave up
    const char *suspicion;    // what it means, most likely, if the other side hangs up now; or null
    uint64_t deadline_ms;     // when what is remembered has to be forgotten; UINT64_MAX: never
    enum zmtp__mech_step step;
    bool said, heard;
    bool asking; // |credentials| wait to be judged
    struct zmtp_credentials credentials;
    union {
        struct zmtp__curve curve;
        uint8_t plain[2 * UINT8_MAX]; // the username, then the password
    } memory;
};

extern const struct zmtp__mech zmtp__mech_null, zmtp__mech_plain, zmtp__mech_curve;

// |security| and |ours| must outlive the session. ZMTP_ERR_ARGUMENT when the former lacks what no
// handshake can be without; all of it is judged by zmtp_security_check.
int zmtp__mech_init(struct zmtp__mech_session *session, const struct zmtp_security *security,
                    struct zmtp_bytes ours);
// Forgets all secrets.
void zmtp__mech_fini(struct zmtp__mech_session *session);
// The credentials were found good.
void zmtp__mech_allow(struct zmtp__mech_session *session);
// May this side say ERROR? A client of PLAIN or CURVE just hangs up (RFC 26, General Design).
bool zmtp__mech_may_refuse(const struct zmtp__mech_session *session);

// For the mechanisms: fails with |error| and a constant text.
int zmtp__mech_fail(struct zmtp__mech_session *session, int error, const char *reason);
// For the mechanisms: an ERROR command ends the handshake.
int zmtp__mech_hear_error(struct zmtp__mech_session *session, const struct zmtp_command *command);

#endif
