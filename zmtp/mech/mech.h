// A security mechanism as a table of functions: what to say and what to accept during the handshake.
// A mechanism that encrypts also has seal and open functions for the traffic; for a clear-text one
// they are null, and the connection sends what lies in the queue as it is.
#ifndef ZMTP_MECH_MECH_H
#define ZMTP_MECH_MECH_H

#include "../wire.h"

struct zmtp__mech_session;

struct zmtp__mech {
    const char *name; // as the greeting announces it
    // Our next handshake command, a whole frame, into |out|. Returns its octets, 0 when it is the
    // other side's turn or all is said, ZMTP_ERR_LIMIT when |size| is too small.
    int (*say)(struct zmtp__mech_session *session, uint8_t *out, size_t size);
    // A command of the other side. ZMTP_OK, or why the handshake has failed.
    int (*hear)(struct zmtp__mech_session *session, const struct zmtp_command *command);
    bool (*done)(const struct zmtp__mech_session *session);
};

// One handshake. Views belong to the caller; |theirs| and |reason| are views into the command that
// was just heard.
struct zmtp__mech_session {
    const struct zmtp__mech *mech;
    struct zmtp_bytes ours;   // our metadata
    struct zmtp_bytes theirs; // their metadata
    struct zmtp_bytes reason; // of an ERROR command
    bool said, heard;
};

extern const struct zmtp__mech zmtp__mech_null;

#endif
