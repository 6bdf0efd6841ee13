// What a subscriber wants (SUB, XSUB, DISH): counted here, and told to every publisher by commands.
// A new connection is told everything anew. A command is exempt from its queue's limit, for to lose
// one would be to lose a subscription.
#ifndef ZMTP_SOCKET_WISHES_H
#define ZMTP_SOCKET_WISHES_H

#include "pattern.h"
#include "tally.h"

struct zmtp__wishes {
    struct zmtp__tally topics;
    const char *add, *remove; // the commands' names
};

// A subscriber's own socket begins with this struct.
struct zmtp__subscribing {
    struct zmtp_socket socket;
    struct zmtp__wishes wishes;
};

static inline struct zmtp__wishes *zmtp__wishes_of(struct zmtp_socket *socket)
{
    return &((struct zmtp__subscribing *)socket)->wishes;
}

// A pattern's functions.
size_t zmtp__wishes_topics(const struct zmtp_socket *socket);
void zmtp__wishes_open(struct zmtp_socket *socket); // SUBSCRIBE and CANCEL
void zmtp__wishes_close(struct zmtp_socket *socket);
int zmtp__wishes_linked(struct zmtp_socket *socket, struct zmtp__lane *lane);
// Counts |topic| up, and tells of it when it is new or |always|. After an error nothing has changed.
int zmtp__wishes_add(struct zmtp_socket *socket, struct zmtp_bytes topic, bool always);
// Counts it down, and tells of it when it was the last or |always|. ZMTP_ERR_NOT_FOUND: there is none;
// that is told, too, if |always|.
int zmtp__wishes_remove(struct zmtp_socket *socket, struct zmtp_bytes topic, bool always);

#endif
