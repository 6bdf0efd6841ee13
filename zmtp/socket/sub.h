// What of a SUB is asked for each message, also on the short way (express.h).
#ifndef ZMTP_SOCKET_SUB_H
#define ZMTP_SOCKET_SUB_H

#include "wishes.h"

// Did a SUB ask for a message that begins with |first|?
static inline bool zmtp__sub_wants(struct zmtp_socket *socket, struct zmtp_bytes first)
{
    return zmtp__tally_begins(&zmtp__wishes_of(socket)->topics, first) !=
           socket->config.invert_matching;
}

// Did it ask for any message there may be?
static inline bool zmtp__sub_wants_all(struct zmtp_socket *socket)
{
    return !socket->config.invert_matching && zmtp__sub_wants(socket, (struct zmtp_bytes){0});
}

#endif
