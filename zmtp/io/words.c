#include "words.h"

// What a message of this type must be.
static const char *words_shape(enum zmtp_socket_type type)
{
    switch (type) {
    case ZMTP_CLIENT:
    case ZMTP_SERVER:
    case ZMTP_PEER:
    case ZMTP_SCATTER:
    case ZMTP_GATHER:
    case ZMTP_CHANNEL:
        return "a message of this socket has exactly one part, and no size without octets";
    case ZMTP_RADIO:
    case ZMTP_DISH:
        return "a message of a RADIO has two parts: a group, of at most 255 octets and no zero "
               "among them, and a body";
    case ZMTP_ROUTER:
        return "a message of a ROUTER has the routing id of its peer and at least one part more";
    case ZMTP_STREAM:
        return "a message of a STREAM has two parts: the routing id of its connection, and octets";
    case ZMTP_DGRAM:
        return "a message of a DGRAM has two parts: an address in digits with a port, as "
               "127.0.0.1:5555 or [::1]:5555, which may be empty where one was dialled, and a body";
    case ZMTP_PAIR:
    case ZMTP_PUB:
    case ZMTP_SUB:
    case ZMTP_REQ:
    case ZMTP_REP:
    case ZMTP_DEALER:
    case ZMTP_PULL:
    case ZMTP_PUSH:
    case ZMTP_XPUB:
    case ZMTP_XSUB:
    case ZMTP_SOCKET_TYPES:
        break;
    }
    return "a message has at least one part, and no part has a size without octets";
}

static const char *words_send(enum zmtp_socket_type type, int error)
{
    if (error == ZMTP_ERR_ARGUMENT) return words_shape(type);
    if (error == ZMTP_ERR_UNSUPPORTED)
        return "a socket of this type only receives: it sends nothing";
    if (error == ZMTP_ERR_AGAIN)
        return "no peer is there, or none has room: send again when the socket is writable";
    if (error == ZMTP_ERR_LIMIT) return "the datagram would be longer than socket.datagram_max";
    if (error == ZMTP_ERR_UNREACHABLE && type == ZMTP_DGRAM)
        return "this DGRAM was dialled, and speaks with that one address alone";
    if (error == ZMTP_ERR_UNREACHABLE)
        return "no peer has this routing id, or it is not connected now";
    if (error == ZMTP_ERR_STATE && type == ZMTP_REQ)
        return "the reply to the last request is to be received first, unless socket.req_relaxed "
               "is set";
    if (error == ZMTP_ERR_STATE && type == ZMTP_REP)
        return "there is no request to reply to: receive one first";
    return NULL;
}

static const char *words_recv(enum zmtp_socket_type type, int error)
{
    if (error == ZMTP_ERR_ARGUMENT)
        return "there is no message to receive into, or it is not empty";
    if (error == ZMTP_ERR_UNSUPPORTED)
        return "a socket of this type only sends: it receives nothing";
    if (error == ZMTP_ERR_AGAIN)
        return "there is nothing to receive: try again when the socket is readable";
    if (error == ZMTP_ERR_STATE && type == ZMTP_REQ)
        return "no request is out, or its peer went before it answered: send one first";
    if (error == ZMTP_ERR_STATE && type == ZMTP_REP)
        return "the request received last is to be replied to first";
    return NULL;
}

static const char *words_subscribe(enum zmtp_socket_type type, int error)
{
    if (error == ZMTP_ERR_UNSUPPORTED)
        return "only SUB, XSUB and DISH subscribe, and an XPUB in one of its manual modes";
    if (error == ZMTP_ERR_NOT_FOUND) return "this was not subscribed, or was cancelled before";
    if (error == ZMTP_ERR_STATE)
        return "a subscription of a peer that is still there is to be received first";
    if (error == ZMTP_ERR_ARGUMENT && type == ZMTP_DISH)
        return "a group has at most 255 octets and no zero among them";
    if (error == ZMTP_ERR_ARGUMENT) return "the topic has a size and no octets, or is too large";
    return NULL;
}

static const char *words_request(int error)
{
    if (error == ZMTP_ERR_UNSUPPORTED) return "only a REQ has requests";
    if (error == ZMTP_ERR_NOT_FOUND)
        return "no such request waits: it was answered, has failed, was cancelled or never sent";
    return NULL;
}

const char *zmtp__words(enum zmtp__call call, enum zmtp_socket_type type, int error)
{
    switch (call) {
    case ZMTP__CALL_SEND:
        return words_send(type, error);
    case ZMTP__CALL_RECV:
        return words_recv(type, error);
    case ZMTP__CALL_SUBSCRIBE:
    case ZMTP__CALL_CANCEL:
        return words_subscribe(type, error);
    case ZMTP__CALL_REQUEST:
        return words_request(error);
    case ZMTP__CALL_OTHER:
        break;
    }
    return NULL;
}
