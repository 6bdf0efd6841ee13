// What the 64 octets of a zmq_msg_t hold: the body, and what is known of who it came from. A body of up to
// ZMQ__INLINE octets lies in them; a larger one is a share in a slab, or memory that is there for good.
//
// A zmtp_part needs 64 octets for itself, so one is made of a message on its way out, and a message of one
// on its way in: neither copies more than a few octets.
#ifndef ZMTP_COMPAT_MESSAGE_H
#define ZMTP_COMPAT_MESSAGE_H

#include "../msg/origin.h"
#include "../msg/slab.h"
#include "../zmq.h"

// The octets are declared by the program as such, and seen here as a struct.
#if defined __GNUC__
#define ZMQ__MAY_ALIAS __attribute__((may_alias))
#else
#define ZMQ__MAY_ALIAS
#endif

enum { ZMQ__INLINE = 40 };

// Numbers that memory by chance seldom holds: a message that was not initialised, or is closed, is told
// from one that was.
enum zmq__body {
    ZMQ__BODY_INLINE = 0x61,
    ZMQ__BODY_SLAB = 0x62,
    ZMQ__BODY_CONSTANT = 0x63, // of memory that is nobody's to free
    ZMQ__BODY_LOAN = 0x64,     // as a slab, and its end is somebody's to hear of (loan.h)
};
enum { ZMQ__MESSAGE_MARK = 0x5a };
enum { ZMQ__FLAG_MORE = 1, ZMQ__FLAG_SHARED = 2 };

struct zmq__note; // what few messages have: a group, texts that were asked for

struct zmq__message {
    union {
        uint8_t octets[ZMQ__INLINE];
        struct {
            struct zmtp_slab *slab; // null: constant
            const uint8_t *data;
            size_t size;
        } far;
    } at;
    const struct zmtp_origin *origin; // one reference; null: of this program, or not known
    struct zmq__note *notes;          // of this message alone
    uint32_t routing_id;              // 0: none
    uint8_t body;                     // an enum zmq__body
    uint8_t inline_size;
    uint8_t flags;
    uint8_t mark;
} ZMQ__MAY_ALIAS;

// The inside of |msg|, if its body is none after |last|.
static inline struct zmq__message *zmq__message_until(const zmq_msg_t *msg, enum zmq__body last)
{
    struct zmq__message *message = (struct zmq__message *)(uintptr_t)msg;
    if (!message || message->mark != ZMQ__MESSAGE_MARK) return NULL;
    if (message->body < ZMQ__BODY_INLINE || message->body > last) return NULL;
    return message;
}
// Null, and nothing is told, when it is null, closed or was never initialised.
static inline struct zmq__message *zmq__message_of(const zmq_msg_t *msg)
{
    return zmq__message_until(msg, ZMQ__BODY_LOAN);
}
// The same for who may hold a lock when it lets go of the body: null when that was lent, too.
static inline struct zmq__message *zmq__message_own(const zmq_msg_t *msg)
{
    return zmq__message_until(msg, ZMQ__BODY_CONSTANT);
}
// The same of one whose body lies inside, as most do, found in fewer steps.
static inline struct zmq__message *zmq__message_near(const zmq_msg_t *msg)
{
    struct zmq__message *message = (struct zmq__message *)(uintptr_t)msg;
    if (!message || message->mark != ZMQ__MESSAGE_MARK) return NULL;
    return message->body == ZMQ__BODY_INLINE ? message : NULL;
}
static inline bool zmq__message_far(const struct zmq__message *message) // has it a share of a slab?
{
    return message->body == ZMQ__BODY_SLAB || message->body == ZMQ__BODY_LOAN;
}
static inline struct zmtp_bytes zmq__message_bytes(const struct zmq__message *message)
{
    if (message->body == ZMQ__BODY_INLINE)
        return (struct zmtp_bytes){message->at.octets, message->inline_size};
    return (struct zmtp_bytes){message->at.far.data, message->at.far.size};
}

// |part|, which held nothing, becomes one of |octets|, which are there for good. ZMTP_ERR_MEMORY.
int zmq__constant_part(struct zmtp_part *part, struct zmtp_bytes octets);
// Moves the body out into |part|, which held nothing; a constant one stays here, too. All else stays, so that a
// message that could not be sent is put back whole; one that was sent is cleared. ZMTP_ERR_MEMORY: nothing has changed.
// ZMTP_ERR_ARGUMENT: it is no message. Never fails for one that is far.
int zmq__message_give(zmq_msg_t *msg, struct zmtp_part *part);
void zmq__message_put_back(zmq_msg_t *msg, struct zmtp_part *part); // |part| as it was given
void zmq__message_clear(zmq_msg_t *msg);                            // as closed and initialised

// Closes what |msg| was and makes it the message that |part| is, which is emptied. Takes a reference of
// |origin|, which may be null. ZMTP_ERR_MEMORY and ZMTP_ERR_ARGUMENT (|msg| is none) leave both as they were.
int zmq__message_take(zmq_msg_t *msg, struct zmtp_part *part, const struct zmtp_origin *origin,
                      bool more);
// References to a slab that a socket took ahead, all with one atomic write, for the messages that lie there.
struct zmq__purse {
    struct zmtp_slab *slab; // null: it is empty
    unsigned count;
};
void zmq__purse_empty(struct zmq__purse *purse);
// Closes what |message| was and makes it one of |body|, which lies in |slab|, from |origin|. By who receives from there;
// what the message had of the same it keeps, so that one that is used again and again costs no atomic write.
void zmq__message_show(struct zmq__message *message, struct zmtp_bytes body, struct zmtp_slab *slab,
                       struct zmtp__origin *origin, struct zmq__purse *purse);
// The same of a few octets into one that held a few from the same peer, in a few steps. False: nothing was done.
static inline bool zmq__message_show_few(struct zmq__message *message, struct zmtp_bytes body,
                                         const struct zmtp__origin *origin)
{
    if (body.size > ZMQ__INLINE || message->body != ZMQ__BODY_INLINE) return false;
    if (message->origin != &origin->told || message->notes) return false;
    message->routing_id = 0;
    message->flags = 0;
    message->inline_size = (uint8_t)body.size;
    zmtp__copy_few(message->at.octets, body.data, body.size);
    return true;
}
// The same of a body that is not so small, where the message has a share of |slab| already.
static inline bool zmq__message_show_there(struct zmq__message *message, struct zmtp_bytes body,
                                           const struct zmtp_slab *slab,
                                           const struct zmtp__origin *origin)
{
    if (body.size <= ZMQ__INLINE || message->body != ZMQ__BODY_SLAB) return false;
    if (message->at.far.slab != slab || message->origin != &origin->told || message->notes)
        return false;
    message->routing_id = 0;
    message->flags = 0;
    message->at.far.data = body.data;
    message->at.far.size = body.size;
    return true;
}
void zmq__message_set_routing_id(zmq_msg_t *msg, uint32_t routing_id); // of |msg| as taken; 0: none
// ZMTP_ERR_ARGUMENT: longer than ZMQ_GROUP_MAX_LENGTH. ZMTP_ERR_MEMORY.
int zmq__message_set_group(zmq_msg_t *msg, struct zmtp_bytes group);
struct zmtp_bytes zmq__message_group(const struct zmq__message *message);

#endif
