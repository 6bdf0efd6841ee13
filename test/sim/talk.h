// What users of STREAMs say to each other: octets without messages, over connections that come and go. All of
// one side's octets on one connection are a talk. It begins with who speaks and which of the speaker's
// talks it is; what follows is given by that, so a hearer can tell that nothing is missing, twice or
// another's.
#ifndef TEST_SIM_TALK_H
#define TEST_SIM_TALK_H

#include "ledger.h"
#include "node.h"

enum { TALK_OPEN = 32, TALK_HEAD = 4, TALK_ID = 5, TALK_ALL = 512 };

struct talks;

// A connection, as its socket's user knows it.
struct talk {
    bool open;
    uint8_t id[TALK_ID]; // routing id
    uint32_t number;     // of what is said here
    uint8_t head[TALK_HEAD];
    uint64_t heard; // octets
};

// Those of a node.
struct talker {
    struct node *node;
    struct talks *talks;
    struct talk open[TALK_OPEN];
    bool hangs_up; // closes some of its connections
};

// What became of all of them.
struct talks {
    struct world *world;
    size_t count[LEDGER_NODES];
    struct talk_facts {
        uint64_t said, heard;
        bool heard_once; // by somebody, who alone may hear more
        bool hung_up;    // by the speaker
    } facts[LEDGER_NODES][TALK_ALL];
};

// A message that was received. False: it is another than can be.
bool talk_hear(struct talker *talker, struct zmtp_msg *msg);
// Says some octets to somebody, or closes a connection. What send says, or ZMTP_ERR_NOT_FOUND: nobody is there.
int talk_say(struct talker *talker);
// All that was said on connections that are still there was heard; and where a speaker closed, or there were
// no faults and nobody closed, on the others.
void talk_check(const struct talker *talker, bool hung_up);

#endif
