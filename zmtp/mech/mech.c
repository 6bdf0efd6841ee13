#include "mech.h"

#include <assert.h>

#include "../base/reader.h"

static const struct zmtp__mech *mech_of(enum zmtp_mechanism mechanism)
{
    switch (mechanism) {
    case ZMTP_NULL:
        break;
    case ZMTP_PLAIN:
        return &zmtp__mech_plain;
    case ZMTP_CURVE:
        return &zmtp__mech_curve;
    }
    return &zmtp__mech_null;
}

static bool mech_usable(const struct zmtp_security *security)
{
    if ((unsigned)security->mechanism > ZMTP_CURVE) return false;
    if (security->mechanism == ZMTP_CURVE) return security->crypto;
    return zmtp__octets_ok(security->username) && security->username.size <= UINT8_MAX &&
           zmtp__octets_ok(security->password) && security->password.size <= UINT8_MAX;
}

int zmtp__mech_init(struct zmtp__mech_session *session, const struct zmtp_security *security,
                    struct zmtp_bytes ours)
{
    *session = (struct zmtp__mech_session){
        .mech = mech_of(security->mechanism),
        .security = security,
        .ours = ours,
        .deadline_ms = UINT64_MAX,
        .step = security->server ? ZMTP__STEP_HEAR_HELLO : ZMTP__STEP_SAY_HELLO,
    };
    return mech_usable(security) ? ZMTP_OK : ZMTP_ERR_ARGUMENT;
}

void zmtp__mech_fini(struct zmtp__mech_session *session)
{
    zmtp_wipe(session, sizeof *session);
}

void zmtp__mech_allow(struct zmtp__mech_session *session)
{
    assert(session->asking);
    session->asking = false;
}

bool zmtp__mech_may_refuse(const struct zmtp__mech_session *session)
{
    return session->mech == &zmtp__mech_null || session->security->server;
}

int zmtp__mech_fail(struct zmtp__mech_session *session, int error, const char *reason)
{
    session->reason = zmtp_bytes_text(reason);
    return error;
}

int zmtp__mech_hear_error(struct zmtp__mech_session *session, const struct zmtp_command *command)
{
    const int result = zmtp_error_decode(command->data, &session->reason);
    if (result < 0) return zmtp__mech_fail(session, result, "the other side's ERROR is malformed");
    return ZMTP_ERR_PEER;
}
