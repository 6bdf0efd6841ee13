// The inside of a socket: what all patterns share, and the table of functions that makes one of them.
//
// A socket has a lane for each of its pipes. Pipes' ends are on the socket's list of marks when their
// state changed; process() looks at each marked lane and sorts it into the lists from which the
// pattern serves itself: lanes to receive from (fair_queue.h), lanes to send to (balance.h). A lane
// leaves such a list only when it is seen to be empty or full, and the next mark puts it back, so no
// wake-up can be lost.
#ifndef ZMTP_SOCKET_PATTERN_H
#define ZMTP_SOCKET_PATTERN_H

#include "../base/reader.h"
#include "../msg/pipe.h"
#include "../socket.h"
#include "list.h"
#include "outgoing.h"

// One pipe, from the socket's side. A pattern's own lane begins with this struct.
struct zmtp__lane {
    struct zmtp_pipe_end *end;
    bool dialled;               // lives as long as its endpoint, through any number of connections
    bool joined;                // the other end is a socket's (inproc)
    bool gone;                  // the other end has closed; what came in is still to be received
    bool up;                    // the link as it was last seen
    uint32_t generation;        // and the connection's number
    struct zmtp__node writable; // has, or had, room
    // Of the counters of the same names (struct zmtp_flow), what the queues do not count themselves.
    uint64_t lost, taken, heeded, discarded;
    struct zmtp__node listed;   // every lane
    struct zmtp__node readable; // has, or had, messages
    struct zmtp__node overdue;  // what its mark asked for could not be done for want of memory
    uint8_t notices;            // what is still to be told of it: notices.h
    size_t kept;                // octets that it takes although its connection has gone
};

// Null functions: nothing to do, or ZMTP_ERR_UNSUPPORTED. Those that return an error have changed
// nothing then.
struct zmtp__pattern {
    size_t socket_size, lane_size; // the pattern's own structs
    bool fair_queued, balanced;    // which lists its lanes join
    bool single;                   // messages have one part (RFC 37, Thread-Safe Socket Types)
    void (*open)(struct zmtp_socket *socket);
    void (*close)(struct zmtp_socket *socket); // after the last lane
    // A lane joins; |routing_id| is the peer's or empty. An error refuses it.
    int (*attached)(struct zmtp_socket *socket, struct zmtp__lane *lane,
                    struct zmtp_bytes routing_id);
    // The link is not as it was last seen. ZMTP_ERR_MEMORY: ask again.
    int (*linked)(struct zmtp_socket *socket, struct zmtp__lane *lane);
    // Something came in, for a pattern that is not fair queued. ZMTP_ERR_MEMORY: ask again;
    // ZMTP_ERR_LIMIT: cut this peer off.
    int (*incoming)(struct zmtp_socket *socket, struct zmtp__lane *lane);
    // The user lets go of the lane, and what came in will not be received. Null: as |gone|.
    void (*parted)(struct zmtp_socket *socket, struct zmtp__lane *lane);
    // The other end has closed: nothing can be sent to it any more.
    void (*gone)(struct zmtp_socket *socket, struct zmtp__lane *lane);
    // The lane is about to be freed.
    void (*released)(struct zmtp_socket *socket, struct zmtp__lane *lane);
    int (*send)(struct zmtp_socket *socket, const struct zmtp__outgoing *out);
    int (*recv)(struct zmtp_socket *socket, struct zmtp_msg *msg);
    // Would a message whose first part is |id| be sent? Null: it hangs on no part.
    int (*admits)(struct zmtp_socket *socket, struct zmtp_bytes id);
    // Is this peer there, and has it room? Null: peers have no ids.
    int (*reaches)(struct zmtp_socket *socket, struct zmtp_bytes id);
    unsigned (*events)(struct zmtp_socket *socket);
    int (*subscribe)(struct zmtp_socket *socket, struct zmtp_bytes topic);
    int (*cancel)(struct zmtp_socket *socket, struct zmtp_bytes topic);
    size_t (*subscribers)(const struct zmtp_socket *socket);
    size_t (*topics)(const struct zmtp_socket *socket);
    uint32_t (*peer_id)(const struct zmtp__lane *lane);
    struct zmtp_bytes (*routing_id)(const struct zmtp__lane *lane);
    // The number of the id that was made last; 0: none was. Null: it makes none that anybody asks for.
    uint32_t (*made)(const struct zmtp_socket *socket);
    // Null: it has no sense of time, and no requests.
    uint64_t (*deadline)(struct zmtp_socket *socket);
    // Whatever had come by |heard_ms| is in the pipes, so what was due until then is late.
    void (*tick)(struct zmtp_socket *socket, uint64_t now_ms, uint64_t heard_ms);
    int (*cancel_request)(struct zmtp_socket *socket, uint32_t number);
    uint32_t (*last_request)(const struct zmtp_socket *socket);
    // Messages that it took from queues and that were not received yet.
    size_t (*held)(const struct zmtp_socket *socket);
};

// What a config has of octets, a socket has copies of: one after the other in one part, for most have none
// or few. Copies them into |out|, which holds nothing before and on ZMTP_ERR_MEMORY; and turns the views of
// such a config to where they lie now.
int zmtp__config_copy_texts(struct zmtp_socket_config *config, struct zmtp_part *out,
                            const struct zmtp_allocator *allocator);
void zmtp__config_turn_texts(struct zmtp_socket_config *config, const struct zmtp_part *texts);

// Where the next message goes, of a pattern that passes them on as they are. It holds as long as no lane is marked, as
// nothing else can change it but the config, or a lane that leaves its list. What can always change is the queue's room.
struct zmtp__way {
    struct zmtp__queue *queue; // null: it is not known
    const struct zmtp_pipe_end *reader;
};

// A pattern's own socket begins with this struct.
struct zmtp_socket {
    const struct zmtp__pattern *pattern;
    struct zmtp_socket_config config; // its views are of the part below
    struct zmtp_part texts;
    struct zmtp_marks marks;
    struct zmtp__node lanes, readable, writable, overdue;
    struct zmtp__way way;
    struct zmtp_socket_counters counters; // but for what the lanes' queues count: zmtp__lane_flow
    uint64_t looks;                       // at lanes that were marked
    size_t gone_bytes; // that lanes of connections that have gone take: the sum of their |kept|
    // Not less than what waits for all peers: what it was when it was last looked at, and all since.
    size_t waiting_bytes;
    // A queue was filled by a message to many, which drop what finds no room: if what waits in it is written now, nothing is
    // lost. It is for whoever writes to take note and clear it.
    bool brimmed;
    uint64_t brimmed_sent; // messages sent when it was last set
};

static inline void zmtp__socket_lose_way(struct zmtp_socket *socket)
{
    socket->way.queue = NULL;
}

// As zmtp_socket_tick, for an owner who may not have looked what has come since |heard_ms|.
void zmtp__socket_tick(struct zmtp_socket *socket, uint64_t now_ms, uint64_t heard_ms);

extern const struct zmtp__pattern zmtp__req, zmtp__rep, zmtp__dealer, zmtp__router, zmtp__pub,
    zmtp__sub, zmtp__pair, zmtp__push, zmtp__pull, zmtp__client, zmtp__scatter, zmtp__gather,
    zmtp__channel, zmtp__server, zmtp__xpub, zmtp__xsub, zmtp__radio, zmtp__dish, zmtp__stream,
    zmtp__dgram;

// RFC 48: at most 255 octets, none of them zero.
bool zmtp__group_ok(struct zmtp_bytes group);

// At most 255 octets, the first of them not zero (RFC 37, Identity Property) unless |config| allows it; empty
// is none.
bool zmtp__routing_id_ok(const struct zmtp_socket_config *config, struct zmtp_bytes routing_id);

// What is wrong with a config whose type is one, as a constant sentence; null: nothing.
const char *zmtp__options_flaw(const struct zmtp_socket_config *config);

// Tells the other end of a pipe that joins two sockets of one process who is at this one.
int zmtp__socket_tell(const struct zmtp_socket *socket, struct zmtp_pipe_end *end);
// Makes a lane of |end|, which belongs to the socket on success and to the caller else.
int zmtp__lane_open(struct zmtp_socket *socket, struct zmtp_pipe_end *end, bool dialled,
                    struct zmtp_bytes routing_id);
// Frees the lane; its end of the pipe is the caller's then.
void zmtp__lane_disown(struct zmtp_socket *socket, struct zmtp__lane *lane);
// The same, and closes the end.
void zmtp__lane_release(struct zmtp_socket *socket, struct zmtp__lane *lane);
// The user wants it no more: drops and counts what came in, and closes the end.
void zmtp__lane_part(struct zmtp_socket *socket, struct zmtp__lane *lane);
// What has become of its messages so far.
struct zmtp_flow zmtp__lane_flow(const struct zmtp__lane *lane);
// The lane was marked: takes note of whatever changed. It may be released by this.
void zmtp__lane_look(struct zmtp_socket *socket, struct zmtp__lane *lane);
// Drops and counts the first message that came in; and one that was taken for the user before.
void zmtp__lane_drop(struct zmtp_socket *socket, struct zmtp__lane *lane, enum zmtp_drop reason);
void zmtp__lane_reject(struct zmtp_socket *socket, struct zmtp__lane *lane, enum zmtp_drop reason);
// Takes away the first message, which was a subscription or the like and has been acted on.
void zmtp__lane_heed(struct zmtp_socket *socket, struct zmtp__lane *lane);
// Drops and counts all that came in.
void zmtp__lane_discard(struct zmtp_socket *socket, struct zmtp__lane *lane);
// Drops and counts what waits for the lane, but for a message that a connection has begun to send.
void zmtp__lane_withdraw(struct zmtp_socket *socket, struct zmtp__lane *lane,
                         enum zmtp_drop reason);
// What waited to be sent, |count| messages, was dropped.
void zmtp__lane_lost(struct zmtp_socket *socket, struct zmtp__lane *lane, enum zmtp_drop reason,
                     size_t count);
// Drops what waits for the lane and closes it: its connection finds the pipe closed.
void zmtp__lane_cut(struct zmtp_socket *socket, struct zmtp__lane *lane);
// A message is put and about to be ended: with |conflate| it takes the place of those that wait.
void zmtp__lane_replace(struct zmtp_socket *socket, struct zmtp__lane *lane);
// Writes |head| (null: none) and |body| as one message and shows it. There must be room.
int zmtp__lane_send(struct zmtp_socket *socket, struct zmtp__lane *lane,
                    const struct zmtp__outgoing *head, const struct zmtp__outgoing *body);

// A message's share of |send_bytes_all_max|: one for all lanes that it goes to.
struct zmtp__share {
    size_t size;
    bool looked; // for this message all lanes were looked at
};
// May the message wait for |lane|, too? It counts as waiting then.
bool zmtp__share_has_room(struct zmtp_socket *socket, const struct zmtp__lane *lane,
                          struct zmtp__share *share);

// The limit of what takes the place of a sender's and a receiver's queue, and has room for both. 0: none.
static inline size_t zmtp__limits_sum(size_t send_max, size_t recv_max)
{
    if (send_max == 0 || recv_max == 0) return 0;
    return send_max > SIZE_MAX - recv_max ? SIZE_MAX : send_max + recv_max;
}

// May messages wait for this peer?
static inline bool zmtp__lane_admits(const struct zmtp_socket *socket,
                                     const struct zmtp__lane *lane)
{
    return !lane->gone && (lane->up || !socket->config.immediate);
}

// Can a message be sent now? No: the lane is marked when it can.
static inline bool zmtp__lane_writable(const struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    return zmtp__lane_admits(socket, lane) && zmtp__pipe_writable(lane->end);
}

// Who was refused for this lane's sake waits until it has room, or is no longer one that is sent to.
static inline bool zmtp__lane_holds_up(const struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    return lane && zmtp__lane_admits(socket, lane) && !zmtp__pipe_writable(lane->end);
}

// The same for those who drop the message otherwise, and so need not hear when there is room.
static inline bool zmtp__lane_roomy(const struct zmtp_socket *socket, const struct zmtp__lane *lane)
{
    return zmtp__lane_admits(socket, lane) && !zmtp__queue_full(lane->end->out);
}

// Drops messages before they were put into any queue; or, with what belongs to it, from one.
static inline void zmtp__socket_dropped(struct zmtp_socket *socket, enum zmtp_drop reason,
                                        size_t count)
{
    socket->counters.dropped[reason] += count;
}

// Drops a message that was taken from a lane's queue before and that the user has not received.
static inline void zmtp__socket_discarded(struct zmtp_socket *socket, enum zmtp_drop reason)
{
    zmtp__socket_dropped(socket, reason, 1);
    socket->counters.discarded++;
}

#endif
