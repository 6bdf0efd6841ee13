// A network of datagrams, for DGRAMs: each node has an address, a datagram comes whole or not at all, and
// nobody hears that it did not. The network holds few of a sender's at a time. In times of faults some are lost,
// overtake each other, or are refused; and what finds its reader's queue full is dropped at all times.
#ifndef TEST_SIM_POST_H
#define TEST_SIM_POST_H

#include "world.h"

enum { POST_LETTERS = 24, POST_BODY_MAX = 12000, POST_ADDRESS_MAX = 32 };

struct node;

struct post {
    struct world *world;
    uint64_t serials;
    struct letter {
        struct node *to; // null: none
        size_t from;
        uint64_t at_ms, serial; // when it comes; those that come at once, as they were sent
        size_t size;
        uint8_t body[POST_BODY_MAX];
    } letters[POST_LETTERS];
};

// The endpoint of a node: a server's is bound, a client's leads to the server alone.
struct post_box {
    struct post *post;         // null: the node has none
    struct zmtp_pipe_end *end; // null: closed
    bool blocked;              // the network took no more
    uint64_t last_ms;          // when its last letter comes
};

int post_open(struct post *post, struct node *node);
// Sends what its pipe has, when that was |marked| or there is room again, and takes what has come.
bool post_work(struct node *node, bool marked);
uint64_t post_next_ms(const struct node *node);
bool post_is_empty(const struct post *post);
void post_close(struct node *node); // for the end
// What a node is addressed by, with a zero octet at its end; |out| is of POST_ADDRESS_MAX octets.
struct zmtp_bytes post_address(const struct node *node, char *out);

#endif
