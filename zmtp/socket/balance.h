// Sending in turn: each message to the next lane that has room. A lane that has none stands aside and
// is marked when it has room again.
#ifndef ZMTP_SOCKET_BALANCE_H
#define ZMTP_SOCKET_BALANCE_H

#include "pattern.h"

// Puts a lane that has room last in the turn, unless it is waiting for its turn already.
void zmtp__balance_join(struct zmtp_socket *socket, struct zmtp__lane *lane);
// The lane whose turn it is; it has room. Null: there is none.
struct zmtp__lane *zmtp__balance_first(struct zmtp_socket *socket);
// Sends to the lane whose turn it is, as zmtp__lane_send, and passes the turn on. ZMTP_ERR_AGAIN when
// no lane has room. |sent_to|, if not null, tells which lane it was.
int zmtp__balance_send(struct zmtp_socket *socket, const struct zmtp__outgoing *head,
                       const struct zmtp__outgoing *body, struct zmtp__lane **sent_to);
// The same without more: a pattern's send, where messages go to the peers as they are.
int zmtp__balance_send_on(struct zmtp_socket *socket, const struct zmtp__outgoing *out);

// The lane whose turn it is, if a message of one part goes there as it is, and nothing else is to be done but to see to
// the queue's room; null: there is none, or the general send has to see to it. No lane is marked.
static inline struct zmtp__lane *zmtp__balance_clear(const struct zmtp_socket *socket)
{
    if (socket->pattern->send != zmtp__balance_send_on || socket->config.conflate) return NULL;
    struct zmtp__lane *const lane = zmtp__list_first(&socket->writable);
    if (!lane || !zmtp__lane_admits(socket, lane) || lane->end->other->closed) return NULL;
    return lane;
}
// Do peers take turns, so that the next one's is another?
static inline bool zmtp__balance_turns(const struct zmtp_socket *socket)
{
    return socket->writable.next != socket->writable.previous;
}
// Notes what that tells, for the next message. Of one alone it need not be asked again.
static inline void zmtp__balance_note_way(struct zmtp_socket *socket)
{
    if (socket->way.queue && !zmtp__balance_turns(socket)) return;
    const struct zmtp__lane *const lane = zmtp__balance_clear(socket);
    socket->way = (struct zmtp__way){0};
    if (!lane) return;
    socket->way.queue = lane->end->out;
    socket->way.reader = lane->end->other;
}
// The lane whose turn it is has had it, and notes the same.
static inline void zmtp__balance_pass(struct zmtp_socket *socket)
{
    zmtp__list_pass(&socket->writable, socket->writable.next);
    zmtp__balance_note_way(socket);
}

// What waits for the lane that had its turn last, or for a PAIR's only one, and how much has left it so far. Nothing, if it
// is another thread's to take; nor of patterns that wait for no peer.
struct zmtp__backlog {
    size_t bytes;
    uint64_t left; // messages
};
static inline struct zmtp__backlog zmtp__balance_backlog(const struct zmtp_socket *socket)
{
    const struct zmtp__lane *lane = NULL;
    if (socket->pattern->balanced) lane = socket->writable.previous->lane;
    if (socket->pattern == &zmtp__pair) lane = zmtp__list_first(&socket->lanes);
    if (!lane || lane->end->out->crosses) return (struct zmtp__backlog){0};
    const struct zmtp__queue *const queue = lane->end->out;
    return (struct zmtp__backlog){zmtp__queue_bytes(queue), zmtp__queue_left(queue)};
}

#endif
