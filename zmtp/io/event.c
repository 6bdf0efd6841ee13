#include "../uv.h"

const char *zmtp_event_name(enum zmtp_event_kind kind)
{
    switch (kind) {
    case ZMTP_EVENT_LISTENING:
        return "listening";
    case ZMTP_EVENT_ACCEPTED:
        return "accepted";
    case ZMTP_EVENT_CONNECTING:
        return "connecting";
    case ZMTP_EVENT_CONNECTED:
        return "connected";
    case ZMTP_EVENT_HANDSHAKE_DONE:
        return "handshake done";
    case ZMTP_EVENT_HANDSHAKE_FAILED:
        return "handshake failed";
    case ZMTP_EVENT_CLOSED:
        return "closed";
    case ZMTP_EVENT_DIAL_FAILED:
        return "dial failed";
    case ZMTP_EVENT_RETRY:
        return "retry";
    case ZMTP_EVENT_GAVE_UP:
        return "gave up";
    case ZMTP_EVENT_ACCEPT_PAUSED:
        return "accept paused";
    case ZMTP_EVENT_STOPPED:
        return "stopped";
    case ZMTP_EVENT_DROPPED:
        return "dropped";
    case ZMTP_EVENT_REFUSED:
        return "refused";
    case ZMTP_EVENT_REQUEST_FAILED:
        return "request failed";
    case ZMTP_EVENTS:
        break;
    }
    return "unknown";
}
