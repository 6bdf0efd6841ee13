// A socket whose peer is on another thread, be it a socket or a connection: what the two need to know of
// each other, and a pipe of which a ferry (msg/ferry.h) has the other end.
#ifndef ZMTP_SOCKET_FAR_H
#define ZMTP_SOCKET_FAR_H

#include "../socket.h"

// What is to be known of a socket before it can be joined to; a copy that may be read on any thread.
struct zmtp__far_facts {
    enum zmtp_socket_type type;
    bool conflate;
    size_t send_count_max, send_bytes_max, recv_count_max, recv_bytes_max;
    uint8_t routing_id_size;
    uint8_t routing_id[UINT8_MAX];
};
void zmtp__far_facts_of(const struct zmtp_socket_config *config, struct zmtp__far_facts *out);

// It is called |routing_id|, of UINT8_MAX octets at most, whatever it says itself; empty: as it says.
void zmtp__far_name(struct zmtp__far_facts *facts, struct zmtp_bytes routing_id);

// What may wait on the way between two sockets, in the sender's queue, in the ring and in the receiver's queue
// together; as over inproc within a thread, the limits of both add up. They are those of the sender's
// queue, which counts what it has abroad (msg/ferry.h).
struct zmtp__far_limits {
    size_t count_max, bytes_max; // 0: none
    size_t abroad_max; // messages in the ring and the receiver's queue; 0: no limit of their own
};
struct zmtp__far_limits zmtp__far_limits_of(const struct zmtp__far_facts *from,
                                            const struct zmtp__far_facts *to);

// The same where the other side is a connection, or not known yet: the socket's limits are all there is.
struct zmtp__far_limits zmtp__far_sending(const struct zmtp__far_facts *facts);
struct zmtp__far_limits zmtp__far_receiving(const struct zmtp__far_facts *facts);
// The pool, if what is made from it may be freed on any thread; else null.
struct zmtp_pool *zmtp__far_pool(struct zmtp_pool *pool);

// As zmtp_socket_join, for this side alone, and of whatever types: whether they go together is for the caller to say.
// |*end| is the pipe's other end, for the shore of a ferry; its memory may be freed on any thread. The link comes up when the
// ferry tells of the other side's.
int zmtp__far_join(struct zmtp_socket *socket, const struct zmtp__far_facts *other,
                   struct zmtp_pipe_end **end);

// As zmtp__far_join, for one who is not known yet; the limits are the socket's own. |routing_id|: what that is to be called,
// empty: as it says then.
int zmtp__far_await(struct zmtp_socket *socket, struct zmtp_bytes routing_id,
                    struct zmtp_pipe_end **end);
// The one for whom |end| waited is known, or the own limits are others now: its pipe gets the limits of both.
void zmtp__far_settle(struct zmtp_pipe_end *end, const struct zmtp__far_facts *own,
                      const struct zmtp__far_facts *other);
// The socket's limits are others now, and they are all there is: the other side is a connection, or not known yet.
// What waits already stays.
void zmtp__far_settle_own(struct zmtp_pipe_end *end, const struct zmtp__far_facts *own);

#endif
