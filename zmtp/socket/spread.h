// The same message to many lanes. It is encoded once, and their queues share the octets; a large body
// that lies in a slab is shared as it is.
//
// A pattern first chooses the lanes: it puts them on the socket's list of writable ones, which has no
// other use where messages do not go to one lane in turn.
#ifndef ZMTP_SOCKET_SPREAD_H
#define ZMTP_SOCKET_SPREAD_H

#include "pattern.h"

struct zmtp__spread {
    struct zmtp_slab *encoded; // null: none yet
    size_t encoded_used;
    struct zmtp__lane *full; // nodrop: had no room for the last message; null: all had
};

void zmtp__spread_fini(struct zmtp__spread *spread);

static inline void zmtp__spread_choose(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    zmtp__list_append(&socket->writable, &lane->writable);
}

// Sends to the lanes that were chosen, at least one, and ends the choice. A lane without room, or
// without memory for its queue, misses the message, which is counted. With |nodrop| all get it or
// none: ZMTP_ERR_AGAIN, ZMTP_ERR_MEMORY.
int zmtp__spread_send(struct zmtp_socket *socket, struct zmtp__spread *spread,
                      const struct zmtp__outgoing *out);

// With |nodrop|: have all that were chosen room? Ends the choice. ZMTP_ERR_AGAIN: they have not.
int zmtp__spread_admits(struct zmtp_socket *socket, struct zmtp__spread *spread);

// Is the lane that refused the last message still full?
bool zmtp__spread_waits(const struct zmtp_socket *socket, const struct zmtp__spread *spread);
// The lane leaves.
static inline void zmtp__spread_forget(struct zmtp__spread *spread, const struct zmtp__lane *lane)
{
    if (spread->full == lane) spread->full = NULL;
}

#endif
