// A volley: messages of one part, one behind the other, from a publisher to those of its subscribers who are chosen and get
// all of them. Each is encoded where the queues would have it (spread.h), and the queues, the lanes and the socket hear of
// all of them at once, when the volley is settled: what is left for a message does not grow with the subscribers. It is what
// sends.h is for one peer.
//
// It begins behind a message that all have gone on with, and is of as many as may follow it without anything that would have
// to be done or told: while nobody is full, and each is for the same subscribers. Between begin and settle nobody looks at
// the queues or the socket, or changes them: whoever is entered settles first (zmtp__engine_enter). The queues are open
// meanwhile, so that their own checks find who did not.
#ifndef ZMTP_SOCKET_VOLLEY_H
#define ZMTP_SOCKET_VOLLEY_H

#include "publisher.h"

enum { ZMTP__VOLLEY_LEAST = 4 }; // it is not worth it for fewer messages

struct zmtp__volley {
    struct zmtp_socket *socket; // null: none is under way
    uint8_t *begin, *at, *end;  // of what was sent so far; and where no message may go any more
    size_t count, left;         // messages that may be sent, and those of them that were not
};

// False: it does not begin.
bool zmtp__volley_begin(struct zmtp__volley *volley, struct zmtp_socket *socket);
// Sends a message of |body| alone, while one is under way. False: it was not sent; it may be too large.
bool zmtp__volley_put(struct zmtp__volley *volley, struct zmtp_bytes body);
// Those that were sent are messages of the queues, and counted. Returns how many.
size_t zmtp__volley_settle(struct zmtp__volley *volley);

#endif
