// One peer driven by hand: the test gives it octets, looks at what it sends, and holds the other end
// of its pipe. Nothing moves by itself, time is a number, and every octet of memory is counted.
#ifndef TEST_SUPPORT_RIG_H
#define TEST_SUPPORT_RIG_H

#include "test/support/octets.h"
#include "zmtp/msg/pipe.h"
#include "zmtp/peer.h"

// The octets that peers send, for string literals: RFC 37, Formal Grammar.
#define RIG_SIGNATURE "\xFF\0\0\0\0\0\0\0\0\x7F"
#define RIG_NULL "NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define RIG_FILLER "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define RIG_GREETING_30 RIG_SIGNATURE "\x03\x00" RIG_NULL "\0" RIG_FILLER
#define RIG_GREETING RIG_SIGNATURE "\x03\x01" RIG_NULL "\0" RIG_FILLER
// READY with a Socket-Type, and with an Identity as DEALER, REQ and ROUTER send it, empty or not.
#define RIG_READY_PULL "\x04\x1A\x05READY\x0BSocket-Type\0\0\0\x04PULL"
#define RIG_READY_PUSH "\x04\x1A\x05READY\x0BSocket-Type\0\0\0\x04PUSH"
#define RIG_READY_PAIR "\x04\x1A\x05READY\x0BSocket-Type\0\0\0\x04PAIR"
#define RIG_READY_SUB "\x04\x19\x05READY\x0BSocket-Type\0\0\0\x03SUB"
#define RIG_READY_PUB "\x04\x19\x05READY\x0BSocket-Type\0\0\0\x03PUB"
#define RIG_READY_DEALER                                                                           \
    "\x04\x29\x05READY\x0BSocket-Type\0\0\0\x06"                                                   \
    "DEALER\x08Identity\0\0\0\0"

struct rig {
    struct zmtp_budget budget; // the peer's
    struct zmtp_budget shared; // the pool's and the pipe's
    struct zmtp_pool *pool;
    struct zmtp_peer_config config;
    struct zmtp_peer *peer;
    struct zmtp_pipe_end *near, *far; // the peer's end and the socket's
    struct zmtp_marks near_marks, far_marks;
    size_t count_max; // of the pipe, each way; 0: no limit
    uint64_t now_ms;
    uint8_t sent[1 << 16]; // what the peer sent and the test has not seen yet
    size_t sent_size;
};

// cmocka's set-up and tear-down: |*state| is a rig without a peer. The tear-down closes what is open
// and fails unless the memory's balance is zero.
int rig_set_up(void **state);
int rig_tear_down(void **state);

// A new peer for |rig->config|, of |type| and speaking 3.1.
void rig_open(struct rig *rig, enum zmtp_socket_type type);
// Gives it the pipe, which is made when there is none yet. rig_attach() is for a peer that need not
// succeed.
int rig_attach(struct rig *rig);
// The two, and then the handshake of |ready| with it; what it says meanwhile is looked at by no one.
void rig_connect(struct rig *rig, enum zmtp_socket_type type, struct zmtp_bytes ready);
// Closes the peer; the pipe stays.
void rig_close(struct rig *rig);

// Gives the peer octets as far as it wants them, |step| at most at a time. Returns how many it took.
size_t rig_feed_by(struct rig *rig, struct zmtp_bytes octets, size_t step);
size_t rig_feed(struct rig *rig, struct zmtp_bytes octets);
// The same, and it must take them all.
void rig_hear(struct rig *rig, struct zmtp_bytes octets);
// Lets the peer act on its marks; returns whether there was one.
bool rig_resume(struct rig *rig);
// Takes at most |max| octets from the peer, in views of at most |views| at a time.
void rig_drain(struct rig *rig, size_t max, size_t views);
// Takes all there is; it must be these octets, and what it sent before must have been looked at.
void rig_assert_says(struct rig *rig, struct zmtp_bytes octets);

// Sends from the socket's end: parts separated by '|'. The pipe must have room.
void rig_send(struct rig *rig, const char *parts);
void rig_send_body(struct rig *rig, struct zmtp_bytes body, unsigned flags);
// The next message at the socket's end must be these parts; "" is one empty part.
void rig_assert_message(struct rig *rig, const char *parts);
void rig_assert_no_message(struct rig *rig);

void rig_assert_state(const struct rig *rig, enum zmtp_peer_state state);
// The words for it hold |words|.
void rig_assert_reason(const struct rig *rig, const char *words);
// Closed, for this reason.
void rig_assert_closed(const struct rig *rig, int error);

#endif
