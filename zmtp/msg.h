// Parts, messages and pipes: what patterns and connections hand to each other.
//
// A message is one or more parts, sent and delivered whole or not at all. A part's body is kept
// inside its struct when it is small, or in a slab, a reference-counted block that several parts,
// messages and queues may share; so passing a large body on copies nothing. A received body is part of
// the slab it was read into, of 68 KiB or up to twice its own size: copy what is to be kept for long.
//
// A pipe is two bounded queues of messages, one each way, between two ends. A socket (socket.h) holds
// one end; a connection (peer.h), or another socket of the same process, holds the other. In meaning
// a queue holds messages; in memory it holds frames already encoded, so that a connection sends what
// lies there as it is. A queue outlives the connection that empties it.
//
// Threads: a pipe, both its ends, and a pool belong to one thread at a time. A message may be passed to
// another thread and released there, also when its pool has been closed: see zmtp_pool_close. (Pipes of
// two threads are joined by a ferry, msg/ferry.h.)
#ifndef ZMTP_MSG_H
#define ZMTP_MSG_H

#include "base.h"
#include "wire.h"

#ifdef __cplusplus
extern "C" {
#endif
#if defined __cplusplus && defined __GNUC__
// Some functions are called as the structs that they return, which hides no constructor anybody wants.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif

struct zmtp_slab;

// Recycles slabs; one for each loop. Everything that takes a pool also accepts null and then goes to
// the allocator each time. Pipes must be gone before their pool is closed; messages that were received
// need not be.
struct zmtp_pool;
int zmtp_pool_open(struct zmtp_pool **out, const struct zmtp_allocator *allocator);
// Memory that messages still refer to is given back to the allocator by whoever releases the last of
// them, on whatever thread: with an allocator that is not the heap and not for all threads, release them
// all before, on the pool's thread.
void zmtp_pool_close(struct zmtp_pool *pool);
// A pool keeps up to 32 MiB of large slabs for the next messages of about their size. This gives back
// those that nobody needed since the last call. True: it still keeps some, so call again in a while.
bool zmtp_pool_trim(struct zmtp_pool *pool);

struct zmtp_part {
    struct zmtp_slab *slab; // null: the octets are |at.octets|
    size_t size;
    union {
        uint8_t octets[ZMTP_PART_INLINE];
        const uint8_t *data;
    } at;
};

// The part's octets; valid while the part lives and stays where it is.
static inline struct zmtp_bytes zmtp_part_bytes(const struct zmtp_part *part)
{
    struct zmtp_bytes view = {part->slab ? part->at.data : part->at.octets, part->size};
    return view;
}

// Each of these fills a part that holds nothing; on failure it still holds nothing.
int zmtp_part_copy(struct zmtp_part *part, struct zmtp_bytes octets,
                   const struct zmtp_allocator *allocator);
// Uninitialised room for |size| octets, writable through |*room| until the part is passed on.
int zmtp_part_reserve(struct zmtp_part *part, size_t size, uint8_t **room,
                      const struct zmtp_allocator *allocator);
// Takes the caller's |data| without a copy; |release(data, hint)| is called once, when the last user
// is done, on whatever thread that is. On failure the data is still the caller's.
int zmtp_part_wrap(struct zmtp_part *part, void *data, size_t size,
                   void (*release)(void *data, void *hint), void *hint,
                   const struct zmtp_allocator *allocator);
// Another part with the same octets. Never fails, never copies more than ZMTP_PART_INLINE octets.
void zmtp_part_share(struct zmtp_part *part, const struct zmtp_part *of);
// Releases what the part holds and empties it.
void zmtp_part_fini(struct zmtp_part *part);

// Who a message came from: one connection, as its handshake found it. Read only, and good for as long
// as a message or a reference of one's own holds it, on any thread, also when the connection, or the
// socket, is gone. Views of what there is not are null. With inproc, the other socket.
struct zmtp_origin {
    bool type_known;
    enum zmtp_socket_type type; // of the peer's socket
    enum zmtp_mechanism mechanism;
    struct zmtp_bytes routing_id;    // that it announced
    struct zmtp_bytes public_key;    // CURVE: 32 octets, proven to be its own
    struct zmtp_bytes user_id;       // as whoever let it in calls it
    struct zmtp_bytes user_metadata; // and told about it: properties, in the form of RFC 27
    struct zmtp_bytes metadata;      // what it says of itself in READY or INITIATE: properties
    struct zmtp_bytes remote;        // its address as text, "tcp://192.0.2.1:4711"
    // Of that, what RFC 27 calls so: "192.0.2.1", over ipc "localhost:uid:gid:pid". Null over inproc and
    // vsock, for which it has no such thing: there is no "Peer-Address" either.
    struct zmtp_bytes address;
};
// The value of a property; names compare without regard to case. A null |data|: there is none.
//
// "User-Id" and "Peer-Address" are this side's own findings and never the peer's words. "Socket-Type",
// "Routing-Id" (also by the name "Identity") and all others are, unless whoever let it in told one of
// that name, which then counts: believe them as far as you believe the peer.
struct zmtp_bytes zmtp_origin_property(const struct zmtp_origin *origin, const char *name);
// A reference of one's own, beyond the message's. Null is fine with both.
const struct zmtp_origin *zmtp_origin_ref(const struct zmtp_origin *origin);
void zmtp_origin_unref(const struct zmtp_origin *origin);

// Parts in order. Zero-initialised plus zmtp_msg_init is an empty message. zmtp_msg_move passes one
// on; to assign it means the same, if the old one is then initialised again.
struct zmtp_msg {
    const struct zmtp_allocator *allocator;
    struct zmtp_part *more; // all parts, once they do not fit into |few|; null before
    uint32_t count, capacity;
    uint32_t routing_id; // SERVER and PEER: of the peer it came from, or is for; 0: of nobody
    uint32_t request;    // REQ: the number of the request that a received one answers; 0: none
    const struct zmtp_origin *origin; // of a received one; null: of this program, or not known
    struct zmtp_part few[ZMTP_MSG_INLINE_PARTS];
};

// |allocator| may be null: the heap.
void zmtp_msg_init(struct zmtp_msg *msg, const struct zmtp_allocator *allocator);
void zmtp_msg_fini(struct zmtp_msg *msg); // leaves it empty and usable
// |to| becomes what |from| was, and |from| is left empty; what |to| held before is released. Both have been
// initialised, and may be the same. Never fails: no octet is copied but those inside the structs.
void zmtp_msg_move(struct zmtp_msg *to, struct zmtp_msg *from);
static inline struct zmtp_part *zmtp_msg_part(struct zmtp_msg *msg, size_t index)
{
    return (msg->more ? msg->more : msg->few) + index;
}
// As zmtp_origin_property, of the message's origin.
struct zmtp_bytes zmtp_msg_property(const struct zmtp_msg *msg, const char *name);
// The octets of part |index|; empty when there is no such part.
struct zmtp_bytes zmtp_msg_bytes(const struct zmtp_msg *msg, size_t index);
size_t zmtp_msg_size(const struct zmtp_msg *msg); // octets of all bodies
// Appends a copy. ZMTP_ERR_MEMORY leaves the message as it was.
int zmtp_msg_append(struct zmtp_msg *msg, struct zmtp_bytes octets);
// Appends |part| and empties it; on ZMTP_ERR_MEMORY it is still the caller's.
int zmtp_msg_append_part(struct zmtp_msg *msg, struct zmtp_part *part);
// Removes the first |count| parts.
void zmtp_msg_drop_front(struct zmtp_msg *msg, size_t count);

// One end of a pipe.
struct zmtp_pipe_end;

struct zmtp_pipe_config {
    const struct zmtp_allocator *allocator; // null: the heap
    struct zmtp_pool *pool;                 // null: none
    // Limits of the queue that end 0 and end 1 fill: messages, and octets as encoded. A queue takes
    // a message while it is below both, so one message may exceed the octets. 0: no limit.
    size_t count_max[2], bytes_max[2];
};
int zmtp_pipe_open(const struct zmtp_pipe_config *config, struct zmtp_pipe_end *ends[2]);
// This end goes; its outgoing messages stay readable at the other end, its incoming ones are freed.
// The pipe's memory goes with the second end. The other end is marked.
void zmtp_pipe_close(struct zmtp_pipe_end *end);

// Whenever an end's state changes (a message came, room came, the link changed, the other end
// closed), that end is put on its owner's list once; the owner drains the list and looks. An end
// without a list is marked in silence.
struct zmtp_marks {
    struct zmtp_pipe_end *first, *last;
};
// Giving an end an owner marks it, so that nothing from before is missed.
void zmtp_pipe_own(struct zmtp_pipe_end *end, struct zmtp_marks *marks, void *owner);
struct zmtp_pipe_end *zmtp_marks_take(struct zmtp_marks *marks); // null: none left
void *zmtp_pipe_owner(const struct zmtp_pipe_end *end);

// What one end tells the other about who stands behind it. A connection tells it when its handshake
// is done (up) and when it broke (down). Down also drops the commands that wait for that connection.
struct zmtp_link {
    bool up;
    uint32_t generation;        // counts the ups; a new one is a new connection
    enum zmtp_socket_type type; // DGRAM: datagrams go there, and nobody tells what is wanted
    // With the routing id that was announced; of a DGRAM, with the address that was dialled. Null before.
    const struct zmtp_origin *origin;
};
// Copies |told|; messages that are sent from now on come from there. ZMTP_ERR_ARGUMENT for a view of nothing that
// has a size, ZMTP_ERR_MEMORY.
int zmtp_pipe_link_up(struct zmtp_pipe_end *end, const struct zmtp_origin *told);
void zmtp_pipe_link_down(struct zmtp_pipe_end *end);
const struct zmtp_link *zmtp_pipe_link(const struct zmtp_pipe_end *end); // told by the other end

// Messages and octets that wait to leave through |end|, and to be received at it.
struct zmtp_pipe_depth {
    size_t out_count, out_bytes, in_count, in_bytes;
};
struct zmtp_pipe_depth zmtp_pipe_depth(const struct zmtp_pipe_end *end);

#if defined __cplusplus && defined __GNUC__
#pragma GCC diagnostic pop
#endif
#ifdef __cplusplus
}
#endif
#endif
