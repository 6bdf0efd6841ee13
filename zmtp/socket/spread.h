// The same message to many lanes. It is encoded once, behind the one before it, and their queues share the octets
// (msg/share.h): a lane that gets one message after the other has a longer range each time, and nothing is copied. One
// that misses some between others has copies of its own. A large body that lies in a slab is shared as it is.
//
// A pattern first chooses the lanes: it puts them on the socket's list of writable ones, which has no
// other use where messages do not go to one lane in turn. If it knows how to tell that the next message is for the
// same ones, they may stay chosen.
#ifndef ZMTP_SOCKET_SPREAD_H
#define ZMTP_SOCKET_SPREAD_H

#include "pattern.h"

struct zmtp__spread {
    struct zmtp_slab *encoded; // null: none yet
    size_t encoded_used;
    struct zmtp__node sharers; // lanes whose queues may refer to it
    bool kept;                 // those who were chosen stay so until the pattern ends it
    // Of a choice: so many more messages, and octets but for those of the last, have room for sure. 0: that is to be
    // looked at.
    size_t room_count, room_bytes;
    // Had no room for the last message, or its queue did not go on with it; null: all had, and went on.
    struct zmtp__lane *odd;
    struct zmtp__lane *full; // nodrop: had no room for the last message; null: all had
};

// The lane of a pattern that spreads begins with this struct.
struct zmtp__spread_lane {
    struct zmtp__lane lane;
    struct zmtp__node sharing; // its queue may refer to what was encoded
};

void zmtp__spread_init(struct zmtp__spread *spread);
void zmtp__spread_fini(struct zmtp__spread *spread); // there are no lanes any more

static inline void zmtp__spread_choose(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    zmtp__list_append(&socket->writable, &lane->writable);
}

// Nobody is chosen any more.
void zmtp__spread_end(struct zmtp_socket *socket, struct zmtp__spread *spread);

// Sends to the lanes that were chosen, at least one, and ends the choice, unless it is kept. A lane without room, or
// without memory for its queue, misses the message, which is counted. With |nodrop| all get it or
// none: ZMTP_ERR_AGAIN, ZMTP_ERR_MEMORY.
int zmtp__spread_send(struct zmtp_socket *socket, struct zmtp__spread *spread,
                      const struct zmtp__outgoing *out);

// With |nodrop|: have all that were chosen room? Ends the choice, unless it is kept. ZMTP_ERR_AGAIN: they have not.
int zmtp__spread_admits(struct zmtp_socket *socket, struct zmtp__spread *spread);

// Is the lane that refused the last message still full?
bool zmtp__spread_waits(const struct zmtp_socket *socket, const struct zmtp__spread *spread);
// The lane leaves. What waits for it may still leave, too.
void zmtp__spread_forget(struct zmtp__spread *spread, struct zmtp__lane *lane);

#endif
