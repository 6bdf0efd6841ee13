#include "../base.h"

struct error_entry {
    const char *name, *text;
};

// By the error's distance from zero; the gaps between the groups are empty.
static const struct error_entry error_entries[] = {
    [-ZMTP_OK] = {"ZMTP_OK", "no error"},
    [-ZMTP_ERR_ARGUMENT] = {"ZMTP_ERR_ARGUMENT", "an argument is out of its range"},
    [-ZMTP_ERR_STATE] = {"ZMTP_ERR_STATE", "the operation is not possible in this state"},
    [-ZMTP_ERR_UNSUPPORTED] = {"ZMTP_ERR_UNSUPPORTED", "this socket type has no such operation"},
    [-ZMTP_ERR_ENDPOINT] = {"ZMTP_ERR_ENDPOINT", "the endpoint cannot be read"},
    [-ZMTP_ERR_TRANSPORT] = {"ZMTP_ERR_TRANSPORT", "the endpoint's transport is not known here"},
    [-ZMTP_ERR_AGAIN] = {"ZMTP_ERR_AGAIN", "the queue is full, or there is nothing to receive"},
    [-ZMTP_ERR_MEMORY] = {"ZMTP_ERR_MEMORY", "out of memory"},
    [-ZMTP_ERR_UNREACHABLE] = {"ZMTP_ERR_UNREACHABLE", "no peer has this routing id"},
    [-ZMTP_ERR_IN_USE] = {"ZMTP_ERR_IN_USE", "the address is in use"},
    [-ZMTP_ERR_NOT_FOUND] = {"ZMTP_ERR_NOT_FOUND", "there is no such name, path or endpoint"},
    [-ZMTP_ERR_ACCESS] = {"ZMTP_ERR_ACCESS", "the system denies access"},
    [-ZMTP_ERR_DESCRIPTORS] = {"ZMTP_ERR_DESCRIPTORS", "no file descriptors are left"},
    [-ZMTP_ERR_SYSTEM] = {"ZMTP_ERR_SYSTEM", "the operating system failed"},
    [-ZMTP_ERR_REFUSED] = {"ZMTP_ERR_REFUSED", "nobody listens there"},
    [-ZMTP_ERR_TIMEOUT] = {"ZMTP_ERR_TIMEOUT", "the request was not answered in time"},
    [-ZMTP_ERR_NO_REPLY] = {"ZMTP_ERR_NO_REPLY", "the peer that was asked went before it answered"},
    [-ZMTP_ERR_GREETING] = {"ZMTP_ERR_GREETING", "the peer does not speak ZMTP"},
    [-ZMTP_ERR_VERSION] = {"ZMTP_ERR_VERSION", "the peer speaks a ZMTP older than 3.0"},
    [-ZMTP_ERR_MECHANISM] = {"ZMTP_ERR_MECHANISM", "the peer wants another security mechanism"},
    [-ZMTP_ERR_FRAME] = {"ZMTP_ERR_FRAME", "the peer sent a malformed frame"},
    [-ZMTP_ERR_COMMAND] = {"ZMTP_ERR_COMMAND", "the peer sent a malformed or untimely command"},
    [-ZMTP_ERR_METADATA] = {"ZMTP_ERR_METADATA", "the peer sent malformed metadata"},
    [-ZMTP_ERR_SOCKET_TYPE] = {"ZMTP_ERR_SOCKET_TYPE", "the socket types do not match"},
    [-ZMTP_ERR_LIMIT] = {"ZMTP_ERR_LIMIT", "a limit was exceeded"},
    [-ZMTP_ERR_HANDSHAKE_TIMEOUT] = {"ZMTP_ERR_HANDSHAKE_TIMEOUT", "the handshake took too long"},
    [-ZMTP_ERR_HEARTBEAT] = {"ZMTP_ERR_HEARTBEAT", "nothing was heard from the peer for too long"},
    [-ZMTP_ERR_PEER] = {"ZMTP_ERR_PEER", "the peer reported an error"},
    [-ZMTP_ERR_EOF] = {"ZMTP_ERR_EOF", "the peer closed the connection"},
    [-ZMTP_ERR_RESET] = {"ZMTP_ERR_RESET", "the connection broke"},
    [-ZMTP_ERR_ROUTING_ID] = {"ZMTP_ERR_ROUTING_ID", "the routing id is malformed or taken"},
    [-ZMTP_ERR_CANCELLED] = {"ZMTP_ERR_CANCELLED", "this side closed the connection"},
    [-ZMTP_ERR_KEY] = {"ZMTP_ERR_KEY", "the keys do not match, or the octets were changed"},
    [-ZMTP_ERR_REPLAY] = {"ZMTP_ERR_REPLAY", "the peer repeated a nonce"},
    [-ZMTP_ERR_DENIED] = {"ZMTP_ERR_DENIED", "the authoriser denied the peer"},
    [-ZMTP_ERR_IDLE] = {"ZMTP_ERR_IDLE",
                        "nothing but heartbeats went over the connection for too long"},
    [-ZMTP_ERR_TURNED_AWAY] = {"ZMTP_ERR_TURNED_AWAY",
                               "the peer turned us away after the handshake"},
};

static struct error_entry error_find(int error)
{
    const int count = (int)(sizeof error_entries / sizeof error_entries[0]);
    if (error <= 0 && error > -count && error_entries[-error].name) return error_entries[-error];
    return (struct error_entry){"ZMTP_ERR_UNKNOWN", "this is not an error of zmtp"};
}

const char *zmtp_err_name(int error)
{
    return error_find(error).name;
}

const char *zmtp_err_text(int error)
{
    return error_find(error).text;
}
