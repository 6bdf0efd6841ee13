#include "mech.h"

// RFC 37, NULL Mechanism. RFC 23 has both sides speak at once, RFC 37 the client first; every peer in
// the field speaks at once, and a peer that waits understands that too, so we do the same.
static int null_say(struct zmtp__mech_session *session, uint8_t *out, size_t size)
{
    // A server that judges does so before its READY, so that whom it refuses never was connected.
    if (session->step == ZMTP__STEP_HEAR_HELLO) {
        session->credentials = (struct zmtp_credentials){.mechanism = ZMTP_NULL};
        session->asking = true;
        session->step = ZMTP__STEP_SAY_READY;
    }
    if (session->asking || session->said) return 0;
    const struct zmtp_command ready = {zmtp_bytes_text("READY"), session->ours};
    const int written = zmtp_command_encode(&ready, out, size);
    session->said = written > 0;
    return written;
}

static int null_hear(struct zmtp__mech_session *session, uint8_t *body, size_t size,
                     uint64_t now_ms)
{
    (void)now_ms; // nothing here grows old
    struct zmtp_command command;
    const int result = zmtp_command_decode(zmtp_bytes_of(body, size), &command);
    if (result < 0) return result;
    if (zmtp_command_is(&command, "ERROR")) return zmtp__mech_hear_error(session, &command);
    if (session->heard || !zmtp_command_is(&command, "READY"))
        return zmtp__mech_fail(session, ZMTP_ERR_COMMAND,
                               "a command came that is not due in this handshake of NULL");
    session->theirs = command.data;
    session->heard = true;
    return ZMTP_OK;
}

static bool null_done(const struct zmtp__mech_session *session)
{
    return session->said && session->heard;
}

const struct zmtp__mech zmtp__mech_null = {
    .name = "NULL",
    .say = null_say,
    .hear = null_hear,
    .done = null_done,
};
