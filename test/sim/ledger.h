// Every message of a run: who sent it and who has it. Its contents follow from the seed, its sender
// and its number, so that a receiver can tell that it is whole; its first part begins with a topic of
// one letter, the sender and the number.
#ifndef TEST_SIM_LEDGER_H
#define TEST_SIM_LEDGER_H

#include "world.h"

enum { LEDGER_NODES = 4, LEDGER_MESSAGES = 1024, LEDGER_RUNS = 257 };
enum { LEDGER_ALL = 0, LEDGER_SOMEBODY = 255 }; // else a node, plus one

struct ledger {
    struct world *world;
    bool copied;                  // several may have the same message: it is published
    bool single;                  // messages have one part
    bool repeated[LEDGER_NODES];  // what this one sends may come again: its requests are retried
    uint32_t sent[LEDGER_NODES];  // the next number of each
    uint32_t taken[LEDGER_NODES]; // how many were received
    uint8_t has[LEDGER_NODES][LEDGER_NODES][LEDGER_MESSAGES]; // sender, receiver, number
    uint8_t only[LEDGER_NODES][LEDGER_MESSAGES];              // whom alone it is for
    // The last number received, plus one, of what came with one connection.
    uint32_t last[LEDGER_NODES][LEDGER_NODES][LEDGER_RUNS];
};

// Appends the parts of the next message of |sender| to |msg|. ZMTP_ERR_MEMORY leaves some of them.
int ledger_write(const struct ledger *ledger, size_t sender, struct zmtp_msg *msg);
// That message has been sent.
void ledger_sent(struct ledger *ledger, size_t sender);
char ledger_topic(const struct ledger *ledger, size_t sender, uint32_t number);

// What a message says it is. |ok| false, and the world failed, unless all of it is as it was sent.
struct ledger_mark {
    bool ok;
    size_t sender;
    uint32_t number;
};
struct ledger_mark ledger_read(const struct ledger *ledger, struct zmtp_msg *msg, size_t first);
// |receiver| has it, as part of the |run|-th connection's messages: never before, and in order, unless
// |run| is LEDGER_RUNS.
void ledger_take(struct ledger *ledger, size_t receiver, struct ledger_mark mark, size_t run);

#endif
