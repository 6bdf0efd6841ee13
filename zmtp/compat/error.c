#include "error.h"

#include "../zmq.h"
#include "../zmtp.h"

#include <string.h>

static _Thread_local int error_last;

// By the error's distance from zero. What a peer did wrong is EPROTO: calls of zmq.h seldom have to tell
// of it, as a connection that breaks is no failure of the socket's.
static const int error_numbers[] = {
    [-ZMTP_ERR_ARGUMENT] = EINVAL,
    [-ZMTP_ERR_STATE] = EFSM,
    [-ZMTP_ERR_UNSUPPORTED] = ENOTSUP,
    [-ZMTP_ERR_ENDPOINT] = EINVAL,
    [-ZMTP_ERR_TRANSPORT] = EPROTONOSUPPORT,
    [-ZMTP_ERR_AGAIN] = EAGAIN,
    [-ZMTP_ERR_MEMORY] = ENOMEM,
    [-ZMTP_ERR_UNREACHABLE] = EHOSTUNREACH,
    [-ZMTP_ERR_IN_USE] = EADDRINUSE,
    [-ZMTP_ERR_NOT_FOUND] = ENOENT,
    [-ZMTP_ERR_ACCESS] = EACCES,
    [-ZMTP_ERR_DESCRIPTORS] = EMFILE,
    [-ZMTP_ERR_SYSTEM] = EIO,
    [-ZMTP_ERR_REFUSED] = ECONNREFUSED,
    [-ZMTP_ERR_TIMEOUT] = ETIMEDOUT,
    [-ZMTP_ERR_NO_REPLY] = EHOSTUNREACH,
    [-ZMTP_ERR_LIMIT] = EMSGSIZE,
    [-ZMTP_ERR_HANDSHAKE_TIMEOUT] = ETIMEDOUT,
    [-ZMTP_ERR_HEARTBEAT] = ETIMEDOUT,
    [-ZMTP_ERR_EOF] = ECONNRESET,
    [-ZMTP_ERR_RESET] = ECONNRESET,
    [-ZMTP_ERR_CANCELLED] = ECANCELED,
    [-ZMTP_ERR_DENIED] = EACCES,
    [-ZMTP_ERR_IDLE] = ETIMEDOUT,
    [-ZMTP_ERR_TURNED_AWAY] = ECONNRESET,
};
enum { ERROR_NUMBERS = sizeof error_numbers / sizeof *error_numbers };

int zmq__errno_of(int error)
{
    if (error >= 0) return error;
    if (error <= -ERROR_NUMBERS || error_numbers[-error] == 0) return EPROTO;
    return error_numbers[-error];
}

int zmq__fail(int error)
{
    error_last = zmq__errno_of(error);
    errno = error_last;
    return -1;
}

void *zmq__fail_null(int error)
{
    (void)zmq__fail(error);
    return NULL;
}

int zmq_errno(void)
{
    return error_last;
}

const char *zmq_strerror(int error)
{
    switch (error) {
    case EFSM:
        return "Operation cannot be accomplished in current state";
    case ENOCOMPATPROTO:
        return "The protocol is not compatible with the socket type";
    case ETERM:
        return "Context was terminated";
    case EMTHREAD:
        return "No thread available";
    case EHOSTUNREACH:
        return "Host unreachable";
    default:
        return strerror(error);
    }
}
