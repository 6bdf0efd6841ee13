// An allocator that knows each block: who asked for it, how large it was; and that fails when faults say so.
// For one thread.
#ifndef TEST_MONKEY_LEDGER_H
#define TEST_MONKEY_LEDGER_H

#include <pthread.h>
#include <stdbool.h>

#include "zmtp/base.h"

struct ledger_block;

struct ledger {
    struct ledger_block *blocks;
    pthread_t thread;
    struct zmtp_allocator allocator; // pass this one on
};

void ledger_init(struct ledger *ledger);
// Are all blocks back? Tells of each that is not, with where it was asked for.
bool ledger_settled(const struct ledger *ledger);

#endif
