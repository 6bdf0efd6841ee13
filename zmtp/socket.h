// A socket is a messaging pattern over pipes: who gets the next message, whose turn it is to be
// heard, what happens with no peer, a full peer, a peer that leaves. It sees messages, never the
// octets of the wire, and does no I/O. uv.h puts connections behind the pipes' other ends.
//
// No socket at all (null) is no fault: it can do nothing, and what returns an error says ZMTP_ERR_ARGUMENT;
// its type is ZMTP_SOCKET_TYPES, and what would point into it is null.
//
// After anything that may have touched its pipes (a connection worked, another socket sent inproc),
// call zmtp_socket_process; it acts on what was marked. Then zmtp_socket_events tells what can be
// done now.
#ifndef ZMTP_SOCKET_H
#define ZMTP_SOCKET_H

#include "msg.h"

#ifdef __cplusplus
extern "C" {
#endif
#if defined __cplusplus && defined __GNUC__
// Some functions are called as the structs that they return, which hides no constructor anybody wants.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif

struct zmtp_socket;

// Which subscriptions the user of an XPUB is told of, and who subscribes.
enum zmtp_xpub_mode {
    ZMTP_XPUB_NORMAL,     // a topic's first subscriber, and that it has none any more
    ZMTP_XPUB_VERBOSE,    // every subscription, and that a topic has no subscriber any more
    ZMTP_XPUB_VERBOSER,   // every subscription, and the end of each
    ZMTP_XPUB_MANUAL,     // as well; but none takes effect: the user calls zmtp_socket_subscribe
    ZMTP_XPUB_LAST_VALUE, // manual; and the message sent next goes to that peer alone
};

// What an option's comment names no type for is for all. Of other types than those it names it would have
// no effect, so anything but its default is refused there, with words that name it and them.
struct zmtp_socket_config {
    const struct zmtp_allocator *allocator; // null: the heap
    struct zmtp_pool *pool;                 // null: none
    enum zmtp_socket_type type;
    // Told to peers, but by other types than REQ, DEALER and ROUTER only over inproc (RFC 37, Identity
    // Property); at most 255 octets, no leading zero.
    struct zmtp_bytes routing_id;
    // Properties of the application, which peers are told too and find with zmtp_msg_property: any
    // number of zmtp_property_encode, ZMTP_APPLICATION_METADATA_MAX octets at most; all names begin with
    // "X-" (RFC 37, Connection Metadata). Copied.
    struct zmtp_bytes metadata;
    // Per pipe: messages and octets that may wait to be sent, and to be received.
    size_t send_count_max, send_bytes_max, recv_count_max, recv_bytes_max;
    // ROUTER, PUB, XPUB and RADIO: octets that may wait for all its peers together, however many do not read;
    // 0: no limit but that of each. A peer may have as much waiting as is left, so that one that reads always
    // finds room. What finds none is as with a full peer, but nobody is told when there is again. Copies of one
    // message count each, though their queues may share its octets. Not with |nodrop|.
    size_t send_bytes_all_max;
    // ROUTER: a send to nobody is ZMTP_ERR_UNREACHABLE, to a full peer ZMTP_ERR_AGAIN. When false,
    // such messages are dropped and counted, as RFC 28 allows.
    bool router_mandatory;
    // ROUTER: a new connection that announces the routing id of another peer takes its place, instead
    // of being refused, once it is linked. What waited for that peer, or came from it and was not received, is
    // dropped.
    bool router_handover;
    // Routing ids may begin with a zero octet, ours and those of peers. RFC 37 keeps such for the ids that
    // a ROUTER makes up; libzmq takes them from anybody, so that one made of random octets works there.
    bool routing_id_any;
    // ROUTER: an empty message, behind its id, from each peer that has come, and from each that has gone.
    // Not of sockets that zmtp_socket_join has joined.
    bool router_tell_come, router_tell_gone;
    // ROUTER, DEALER, SERVER, CLIENT and PEER: a message that each new connection is sent first, unasked.
    // Empty: none. It, and the next two, are of one part and copied.
    struct zmtp_bytes hello;
    // A message that is received from a peer without its doing: ROUTER, SERVER and PEER, when one that was
    // accepted has gone; DEALER, CLIENT and PEER, when one that is dialled was lost, and is dialled again.
    // Empty: none. Not of sockets that zmtp_socket_join has joined.
    struct zmtp_bytes gone_notice, lost_notice;
    // REQ, DEALER and ROUTER: send an empty message to each new connection for which nothing waits,
    // so that a ROUTER there hears of us before we have something to say.
    bool probe_router;
    // Dialled pipes take messages only while there is a connection; else they wait for the first one,
    // and between two, up to their limits.
    bool immediate;
    // PUSH, PULL, PUB, SUB and DEALER: each pipe keeps only the last message, whatever its limits; a
    // send that fails for want of memory may have dropped those before it.
    bool conflate;
    // REQ: put a number before each request and take only the reply that repeats it; a second send
    // cancels the first request instead of failing.
    bool req_correlate, req_relaxed;
    // REQ: how many requests may wait for their replies at a time, each for itself: 1, or up to 65536. From
    // 2 on a send finds ZMTP_ERR_AGAIN when there are as many, and |req_relaxed| means nothing.
    uint32_t req_in_flight_max;
    // REQ: a request that is not answered within |req_timeout_ms| (0: for ever), or whose peer goes before
    // it answered, is sent again to the next peer, |req_retries| times; then it has failed. One that has
    // not left its queue is not sent twice, it only waits longer. A reply that has come by then is in time
    // however late it is received, also when the program was too busy for its loop to read it. All three need
    // |req_correlate|.
    uint32_t req_timeout_ms, req_retries;
    // PUB, XPUB and RADIO: limits of one subscriber, which is cut off beyond them.
    size_t subscriptions_max, topic_bytes_max;
    // PUB, XPUB and RADIO: a random number that no subscriber knows, so that none can choose topics that are
    // slow to find; SUB, XSUB and DISH: for their own topics, if others have a say in which those are. A socket of uv.h
    // draws one if it is 0.
    uint64_t topic_seed;
    // PUB, XPUB, RADIO and XSUB: when one of those whom a message is for has no room, nobody gets it,
    // and send says ZMTP_ERR_AGAIN. When false, that one misses it.
    bool nodrop;
    // PUB and XPUB: send to those whose subscriptions do not match. SUB: receive what does not match.
    bool invert_matching;
    // PUB and XPUB: of a message of several parts only the first may be a subscription. When false,
    // each that begins with octet 0 or 1 is one.
    bool only_first_subscribe;
    enum zmtp_xpub_mode xpub_mode;
    struct zmtp_bytes xpub_welcome; // XPUB: sent to each new connection, unasked; copied
    // STREAM: an empty message from each connection when it is there, and another when it has
    // ended.
    bool stream_notify;
    // RADIO over udp, DGRAM and DISH: octets of the longest datagram; 1 to 65507. What would be
    // longer is refused by send, and dropped when it comes in. libzmq's reads 8192, and cuts off
    // what is more.
    uint32_t datagram_max;
    // SUB: tell publishers of every subscription, not only of the first to a topic. An XPUB in verbose mode then hears of
    // one that is made again; a PUB does not mind. XSUB always does.
    bool sub_verbose_subscribe;
    // XSUB: tell publishers of every end of a subscription, not only of the last of a topic.
    bool xsub_verbose_unsubscribe;
    // Octets that accepted connections may leave behind when they go: what came and was not received yet, and
    // about 2 KiB that each of them needs meanwhile; 0: no limit. Beyond, zmtp_socket_crowded asks for no more
    // connections to be accepted until enough was received; those that are there are read on, and nothing
    // is dropped.
    uint32_t recv_bytes_gone_max;
};
// Native defaults: notices of a STREAM, limits of config.h, mandatory routing, correlated and
// relaxed requests.
void zmtp_socket_config_init(struct zmtp_socket_config *config, enum zmtp_socket_type type);

// May a socket be opened with it? ZMTP_OK or ZMTP_ERR_ARGUMENT; then |why|, if not null, points at
// a constant sentence that names the field.
int zmtp_socket_config_check(const struct zmtp_socket_config *config, const char **why);
// What the check says of a bad config, or ZMTP_ERR_MEMORY.
int zmtp_socket_open(struct zmtp_socket **out, const struct zmtp_socket_config *config);
// Closes its ends of all pipes and frees it. What it sent stays readable at the other ends.
void zmtp_socket_close(struct zmtp_socket *socket);
enum zmtp_socket_type zmtp_socket_type(const struct zmtp_socket *socket);
const struct zmtp_socket_config *zmtp_socket_config(const struct zmtp_socket *socket);

// A new pipe with this socket's limits: the socket keeps one end and |*end| is the other, for a
// connection. |dialled|: the pipe lives as long as the endpoint, through any number of connections,
// and takes messages while there is none (RFC 28, DEALER); else it is one accepted connection's,
// and |routing_id| is what that announced. A ROUTER or STREAM has an id of its own for a peer that
// announced none; a dialled pipe has the one given here, or else, with a ROUTER, what its
// connection announces if that is free. ZMTP_ERR_ROUTING_ID when it is another live peer's of such
// a socket, or malformed; ZMTP_ERR_IN_USE when a PAIR or CHANNEL has its one peer, or a DGRAM its
// endpoint; ZMTP_ERR_MEMORY.
//
// Close |*end| when the connection, or the endpoint that was dialled, is over: what came in is still
// received, what waited to be sent is dropped and counted. The socket closes its end in turn, and on
// its own when a subscriber breaks a PUB's limits: the connection must end then.
int zmtp_socket_attach(struct zmtp_socket *socket, bool dialled, struct zmtp_bytes routing_id,
                       struct zmtp_pipe_end **end);
// Joins two sockets of one process by a pipe (inproc); the links are up at once. |ends| are the
// dialler's and the binder's, and stay theirs. A queue has room for what both sides' limits allow
// together. When one socket closes, the other still receives what was sent to it and then lets go of
// the pipe; it is for the caller to join again. ZMTP_ERR_SOCKET_TYPE when they do not match,
// ZMTP_ERR_ROUTING_ID, ZMTP_ERR_IN_USE and ZMTP_ERR_MEMORY as above.
int zmtp_socket_join(struct zmtp_socket *dialler, struct zmtp_socket *binder,
                     struct zmtp_pipe_end *ends[2]);
// Closes the socket's end of a pipe that joins two sockets; what was sent into it stays readable at
// the other end. Nothing happens when the socket has let go of |end| already; but its memory may be
// another pipe's then, so forget |end| when the other socket closes or cuts this one off.
void zmtp_socket_detach(struct zmtp_socket *socket, const struct zmtp_pipe_end *end);
// The owner of |end|, which attach gave, is about to close it: what the socket sent through it before it
// let go of its own end, and what has not left, is counted as dropped. Nothing happens when the socket
// still has its end: it will see for itself.
void zmtp_socket_settle(struct zmtp_socket *socket, const struct zmtp_pipe_end *end);

// SERVER and PEER: the number that messages for, and from, the peer behind |end| bear, which is
// what attach or join gave; it is good at once. 0: no such pipe, or another type. STREAM: the
// number in the routing id that was made for it, which is octet 0 and the number as four octets,
// the most significant first; 0 also when the id was given.
uint32_t zmtp_socket_peer_id(const struct zmtp_socket *socket, const struct zmtp_pipe_end *end);
// STREAM: the routing id of the connection that has |end|, which attach gave; a view until the
// socket is next called. Empty when the socket has let go of it, and for other types.
struct zmtp_bytes zmtp_socket_routing_id(const struct zmtp_socket *socket,
                                         const struct zmtp_pipe_end *end);

// Do messages of connections that have gone take as much as |recv_bytes_gone_max| allows? Then accept nobody.
bool zmtp_socket_crowded(const struct zmtp_socket *socket);

// Has any of its pipes been marked since the last process?
// What could not be done for want of memory is marked again, so do not wait for false in a loop.
bool zmtp_socket_marked(const struct zmtp_socket *socket);
void zmtp_socket_process(struct zmtp_socket *socket);

enum { ZMTP_READABLE = 1, ZMTP_WRITABLE = 2 };
// What would succeed now. Those that send to chosen peers (ROUTER, SERVER, PEER, STREAM) or to all
// that care (PUB, XPUB, RADIO, XSUB) are writable, unless a peer for whose sake the last message
// was refused with ZMTP_ERR_AGAIN is still full.
unsigned zmtp_socket_events(struct zmtp_socket *socket);

// Sends a message. On ZMTP_OK |msg| is empty; on any error it is whole and still the caller's.
// ZMTP_ERR_AGAIN: no peer has room. ZMTP_ERR_STATE: REQ or REP out of turn. ZMTP_ERR_UNSUPPORTED:
// SUB, PULL, GATHER, DISH. ZMTP_ERR_UNREACHABLE: ROUTER, SERVER, PEER, STREAM: there is nobody of
// that id; DGRAM: its endpoint leads elsewhere. ZMTP_ERR_LIMIT: RADIO and DGRAM: it would be longer
// than |datagram_max|.
//
// What a message must be, else ZMTP_ERR_ARGUMENT: one part for CLIENT, SERVER, PEER, SCATTER and
// CHANNEL; a group and a body, as two parts, for RADIO; the routing id and at least one part more
// for ROUTER; the routing id and octets, as two parts, for STREAM, where no octets close that
// connection, once what was sent before has left; an address, as "127.0.0.1:5555" or "[::1]:5555",
// and a body, as two parts, for DGRAM, whose address may be empty where one was dialled; at least
// one part for the others. SERVER and PEER send to |msg->routing_id|. For XSUB a message of one
// part that begins with octet 1 or 0 is a subscription to the rest of it, or its end.
int zmtp_socket_send(struct zmtp_socket *socket, struct zmtp_msg *msg);
// The same with octets that are copied: |count| parts. They name no peer of a SERVER or PEER, which
// says ZMTP_ERR_UNREACHABLE.
int zmtp_socket_send_bytes(struct zmtp_socket *socket, const struct zmtp_bytes *parts,
                           size_t count);
// Receives a whole message into |msg|, which must be empty; it may then hold memory of the socket's
// allocator. ZMTP_ERR_AGAIN: none now. ZMTP_ERR_STATE: REQ or REP out of turn; also a REQ whose
// connection ended before the answer came, which may then send again. ZMTP_ERR_UNSUPPORTED: PUB, PUSH,
// SCATTER, RADIO.
//
// REQ tells in |msg->request| which request it is that a reply answers. A request that has failed is told
// once: ZMTP_ERR_TIMEOUT, or ZMTP_ERR_NO_REPLY, leave |msg| empty but for its number. The latter: its peer
// has gone for good (an accepted one; one whose dialler gave up, or was disconnected), or with several in
// flight, has gone at all. With several in flight, ZMTP_ERR_AGAIN also when there are none.
//
// SERVER and PEER tell the sender in |msg->routing_id|. STREAM gives the routing id and octets, as
// one read brought them, or none: see |stream_notify|. DGRAM gives the sender's address, with a
// zero octet at its end, and the body. DISH gives the group and the body. XPUB also gives
// subscriptions, as octet 1 or 0 and the topic, as its mode says. In the modes
// that tell of each peer's, they have its |msg->origin|; those of the normal mode, and the ends of a peer's that
// has gone, have none. Types whose messages have one
// part drop others that come in.
int zmtp_socket_recv(struct zmtp_socket *socket, struct zmtp_msg *msg);

// REQ: the number of the request that was sent last, 0 before the first; numbers go up by one. Of any
// other type: 0.
uint32_t zmtp_socket_last_request(const struct zmtp_socket *socket);
// REQ: nobody waits for the answer to this request any more; should it come it is dropped. With one in
// flight, a send is in turn. ZMTP_ERR_NOT_FOUND: it was answered, has failed, or never was.
int zmtp_socket_cancel_request(struct zmtp_socket *socket, uint32_t number);

// Time, on any clock in milliseconds that its owner likes. When it wants a tick; UINT64_MAX: never, 0: as
// soon as may be. Ask after anything that was done with the socket. Only a REQ with |req_timeout_ms| or
// |req_retries| ever wants one, and a PUB or RADIO from which a peer with thousands of subscriptions has gone: it
// removes some of them each time, and a few whenever it is used.
uint64_t zmtp_socket_deadline(struct zmtp_socket *socket);
void zmtp_socket_tick(struct zmtp_socket *socket, uint64_t now_ms);

// SUB and XSUB: a prefix of the first part. Subscriptions count: as many cancels as subscribes end
// one. All are told again to each new connection. DISH: a group, at most 255 octets, none of them
// zero, matched as a whole. ZMTP_ERR_NOT_FOUND: cancel of what was not subscribed.
//
// XPUB in a manual mode: what the peer of the last subscription received gets from now on.
// ZMTP_ERR_STATE: there is no such peer, or it has gone.
int zmtp_socket_subscribe(struct zmtp_socket *socket, struct zmtp_bytes topic);
int zmtp_socket_cancel(struct zmtp_socket *socket, struct zmtp_bytes topic);
// PUB, XPUB and RADIO: how many peers have at least one subscription.
size_t zmtp_socket_subscribers(const struct zmtp_socket *socket);
// PUB, XPUB and RADIO: how many topics, or groups, have subscribers; SUB, XSUB and DISH: how many they subscribed
// to. 0: another type.
size_t zmtp_socket_topics(const struct zmtp_socket *socket);

// Every message is accounted for, at any time:
//
//     out   copies = left + queued + lost         in   arrived + told = received + waiting + heeded
//                                                                       + discarded
//
// Over inproc what waits in the one queue between two sockets is the sender's |queued|, and arrives when it
// is taken; so sums over all sockets of a process count it once.
//
// |dropped| has those that were lost or discarded, and those that were never queued, by reason. Types
// that send to one peer (all but PUB, XPUB, RADIO, XSUB and STREAM) also keep
// sent + own = copies + those that were never queued.
enum zmtp_drop {
    ZMTP_DROP_PEER_GONE,  // queued for an accepted peer that went
    ZMTP_DROP_PEER_FULL,  // this one of many has no room; REP; ROUTER not mandatory
    ZMTP_DROP_NO_ROUTE,   // ROUTER not mandatory: nobody has this id; REP, XSUB: nobody is there
    ZMTP_DROP_NO_MATCH,   // PUB, XPUB, RADIO: nobody subscribed; SUB, DISH: came unasked
    ZMTP_DROP_ENVELOPE,   // came in without the envelope, or the parts, that the pattern demands
    ZMTP_DROP_UNEXPECTED, // REQ: a reply that is not due; came to a type that receives no messages;
                          // STREAM: was not received yet when the user closed the connection
    ZMTP_DROP_CLOSED,     // queued for an endpoint that is dialled no more
    ZMTP_DROP_REPLACED,   // conflate: queued, and a later message took its place
    ZMTP_DROP_OUTDATED,   // conflate: came in, and a later one before it was received
    ZMTP_DROP_UNREAD,     // came in, and the endpoint was disconnected before it was received
    ZMTP_DROP_MALFORMED,  // a datagram that no RADIO sends, or that is longer than |datagram_max|
    ZMTP_DROP_NO_ROOM,    // a datagram that came while the queue was full, or memory short
    // A queued datagram that the system would not send: there is no way to there, or none for one so long; or a
    // message within which the other side of a dial hung up three times in a row: longer than its limits, most
    // likely.
    ZMTP_DROP_UNSENT,
    ZMTP_DROPS // how many reasons there are
};
const char *zmtp_drop_name(enum zmtp_drop drop);
// For whoever has the other ends of pipes. Counts messages for it that never came into a queue.
void zmtp_socket_drop(struct zmtp_socket *socket, enum zmtp_drop reason, size_t count);
// Drops the first message that waits at |end|, which is one that attach gave and has one, and counts it
// as lost. |socket| null: it has closed, and nothing is counted.
void zmtp_socket_lose(struct zmtp_socket *socket, struct zmtp_pipe_end *end, enum zmtp_drop reason);
struct zmtp_socket_counters {
    uint64_t sent;   // messages accepted by send; of one for many each copy counts in |copies|
    uint64_t copies; // messages put into pipes; commands for the other side's socket are none
    uint64_t own;    // of the copies: for |probe_router|, |hello|, |xpub_welcome| and |req_retries|
    uint64_t left;   // copies that a connection has given away whole, or another socket has taken
    uint64_t queued; // copies that wait to leave, now
    uint64_t lost;   // copies that were dropped from the queues
    uint64_t arrived;  // messages that came into the queues from peers
    uint64_t received; // messages given to the user
    // Of these: made here, to tell the user of an XPUB of subscriptions, of a ROUTER of peers.
    uint64_t told;
    uint64_t waiting; // messages that came and wait to be received, now
    uint64_t heeded;  // messages that were subscriptions (ZMTP 3.0), which the socket acted on; and
                      // notices of a STREAM's connection that the user has closed
    uint64_t discarded; // messages that came and were dropped
    uint64_t dropped[ZMTP_DROPS];
};
struct zmtp_socket_counters zmtp_socket_counters(const struct zmtp_socket *socket);
// The same of one peer, since its pipe was made: copies = left + queued + lost, and
// arrived = taken + waiting + heeded + discarded. |taken|: for the user.
struct zmtp_flow {
    uint64_t copies, left, queued, lost;
    uint64_t arrived, taken, waiting, heeded, discarded;
};
// |end| is either end of the pipe. False: the socket has let go of it.
bool zmtp_socket_flow(const struct zmtp_socket *socket, const struct zmtp_pipe_end *end,
                      struct zmtp_flow *out);
// |dropped| of these alone, as it goes on counting; valid as long as the socket.
const uint64_t *zmtp_socket_dropped(const struct zmtp_socket *socket);

// Calls |each| for every pipe of the socket, with the depth and the link; for peer tables.
void zmtp_socket_each_pipe(const struct zmtp_socket *socket,
                           void (*each)(void *context, const struct zmtp_link *link,
                                        struct zmtp_pipe_depth depth),
                           void *context);

#if defined __cplusplus && defined __GNUC__
#pragma GCC diagnostic pop
#endif
#ifdef __cplusplus
}
#endif
#endif
