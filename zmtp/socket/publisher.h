// What PUB, XPUB and RADIO share: lanes that subscribe, and messages for those who did.
#ifndef ZMTP_SOCKET_PUBLISHER_H
#define ZMTP_SOCKET_PUBLISHER_H

#include "spread.h"
#include "subscriptions.h"

// What tells that a message is for those who were chosen for the one before it: the same topics, and nothing has changed.
struct zmtp__choice {
    uint64_t changes, looks; // of the subscriptions, and of the socket
    size_t count;            // of topics
    uint32_t topics[4];      // most texts begin with no more
};

// A publisher's own socket and lane begin with these structs.
struct zmtp__publisher {
    struct zmtp_socket socket;
    struct zmtp__subscriptions subscriptions;
    struct zmtp__spread spread;
    struct zmtp__choice choice; // of a spread that is kept
};
struct zmtp__publisher_lane {
    struct zmtp__spread_lane spread;
    struct zmtp__subscriber subscriber;
};

static inline struct zmtp__publisher *zmtp__publisher_of(struct zmtp_socket *socket)
{
    return (struct zmtp__publisher *)socket;
}

static inline struct zmtp__subscriber *zmtp__publisher_subscriber(struct zmtp__lane *lane)
{
    return &((struct zmtp__publisher_lane *)lane)->subscriber;
}

// A pattern's functions.
void zmtp__publisher_open(struct zmtp_socket *socket);
void zmtp__publisher_close(struct zmtp_socket *socket);
int zmtp__publisher_attached(struct zmtp_socket *socket, struct zmtp__lane *lane,
                             struct zmtp_bytes routing_id);
// A new connection has no subscriptions until it sends some.
int zmtp__publisher_linked(struct zmtp_socket *socket, struct zmtp__lane *lane);
// For gone and for released. Where a lane has very many subscriptions, they match nothing any more, and are removed
// some at a time: by each tick, and whenever the publisher is used.
void zmtp__publisher_released(struct zmtp_socket *socket, struct zmtp__lane *lane);
uint64_t zmtp__publisher_deadline(struct zmtp_socket *socket);
void zmtp__publisher_tick(struct zmtp_socket *socket, uint64_t now_ms, uint64_t heard_ms);
// The publisher has been asked to do something: it removes no fewer than one message can add.
void zmtp__publisher_used(struct zmtp__publisher *publisher);
// The lane's subscriptions end at once, however many.
void zmtp__publisher_clear(struct zmtp_socket *socket, struct zmtp__lane *lane);
unsigned zmtp__publisher_events(struct zmtp_socket *socket);
size_t zmtp__publisher_subscribers(const struct zmtp_socket *socket);
size_t zmtp__publisher_topics(const struct zmtp_socket *socket);

// What the lane's subscriptions were for is over?
static inline bool zmtp__publisher_anew(const struct zmtp_socket *socket,
                                        const struct zmtp__lane *lane)
{
    return zmtp_pipe_link(lane->end)->up || socket->config.immediate;
}

// Chooses the lanes that subscribed, or with |invert_matching| those that did not.
void zmtp__publisher_choose(struct zmtp_socket *socket, struct zmtp__matches matches);
// Chooses those whose subscriptions |text| begins with, or the others. They stay chosen for the next message, which mostly
// is for the same.
void zmtp__publisher_choose_by(struct zmtp_socket *socket, struct zmtp_bytes text);
// Were they, and is |text| for the same?
bool zmtp__publisher_keeps(struct zmtp_socket *socket, struct zmtp_bytes text);
// Sends to those chosen; to nobody is a message without a match.
int zmtp__publisher_send(struct zmtp_socket *socket, const struct zmtp__outgoing *out);

// A part of what a subscriber sent.
enum zmtp__wish { ZMTP__SUBSCRIBE, ZMTP__CANCEL, ZMTP__NO_WISH };
// A command of one of these names, or octet 1 or 0 and the topic (ZMTP 3.0).
enum zmtp__wish zmtp__wish_of(const struct zmtp__queue_part *part, struct zmtp_bytes *topic);
enum zmtp__wish zmtp__wish_of_body(struct zmtp_bytes body, struct zmtp_bytes *topic);

#endif
