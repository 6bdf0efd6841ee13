// A simulated world: one clock, one source of chance, one heap whose octets are counted, and a network
// of links between nodes. The same seed makes the same world, octet by octet.
//
//     sim.c       the program: seeds, options, reports
//     scenario.*  what a seed stands for, the course of a run and the checks at its end
//     node.*      a socket with its connections: what io/ does on a real loop
//     app.*       the users of the sockets: what they send, and what they expect
//     ledger.*    who sent what and who has it: whole, in order, once
//     talk.*      the same of STREAMs, whose octets are no messages
//     link.*      a connection's octets on their way
//     thread.*    in their place, ferries between threads
//     post.*      and datagrams
//     elder.*     makes a peer speak ZMTP 1.0 or 2.0
//     world.*     this
#ifndef TEST_SIM_WORLD_H
#define TEST_SIM_WORLD_H

#include "test/support/random.h"
#include "zmtp/curve.h"
#include "zmtp/msg.h"

enum { WORLD_LINKS = 16 };
#define WORLD_USER "somebody"
#define WORLD_PASSWORD "secret"

struct link;

struct world {
    uint64_t seed, now_ms;
    struct random random;
    struct zmtp_budget budget;
    struct zmtp_pool *pool;
    // CURVE with numbers of chance of its own; |crypto.random| null: there is no cryptography.
    struct zmtp_crypto crypto;
    struct random crypto_random;
    struct zmtp_key_pair server_keys, client_keys;
    bool faults;  // this seed has any at all
    bool chaos;   // and now is the time for them
    bool failing; // allocations fail, too
    bool closing; // sockets are being closed, so connections end
    bool tracing;
    bool failed;
    char why[160];                   // it failed
    struct link *links[WORLD_LINKS]; // of connections at least one side of which is open
    // What happened, for the report and for the last equations.
    uint64_t resets, stalls, refusals;
    uint64_t lost;   // messages on links that broke, or whose other side had closed
    uint64_t parted; // crossings that both sides gave up, with what was under way
};

void world_init(struct world *world, uint64_t seed, bool tracing);
// Fails unless the memory's balance is zero.
void world_fini(struct world *world);

// The first failure is the one that is kept.
void world_fail(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_trace(struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline size_t world_below(struct world *world, size_t bound)
{
    return random_below(&world->random, bound);
}

// One chance in |odds|.
static inline bool world_chance(struct world *world, size_t odds)
{
    return random_below(&world->random, odds) == 0;
}

// Faults that are due now: a link breaks or stands still, an allocation will fail.
void world_fault(struct world *world);
// An allocation that was refused or one that is still to be: from now on all succeed.
void world_calm(struct world *world);

#endif
