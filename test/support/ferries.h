// Two pipes joined by a ferry, both sides driven by one thread, by turns: a side that sleeps is let work
// only when it was rung or did something itself, so a call that is lost is a test that hangs.
#ifndef TEST_SUPPORT_FERRIES_H
#define TEST_SUPPORT_FERRIES_H

#include "zmtp/msg/ferry.h"

struct ferries_limits {
    size_t pipe_count, pipe_bytes; // of every queue
    size_t ring_count, ring_bytes;
    bool bides;
};

struct ferries {
    struct zmtp_budget budget;
    struct ferries_limits limits;
    struct zmtp_pool *pools[2]; // null: none
    struct zmtp__dock docks[2];
    struct zmtp__shore *shores[2]; // null: closed
    struct zmtp_pipe_end *ends[2]; // the test's own, near shore 0 and near shore 1; null: closed
    struct zmtp_marks marks[2];    // of those
    bool awake[2];                 // its thread would look
    bool attached[2];
};

// Opens the ferry and the pipe of side 0; side 1 gets its own in its first turn.
void ferries_open(struct ferries *f, const struct ferries_limits *limits, bool pooled);
// Closes what is open, lets both sides end, and fails the test unless all memory is back.
void ferries_close(struct ferries *f);

// One turn of a side: it works until nothing is left, and sleeps. At most |works| shores' works (0: no
// limit), after which it is still awake.
void ferries_turn(struct ferries *f, size_t side, size_t works);
// Turns of whoever is awake until nobody is.
void ferries_settle(struct ferries *f);

// By the ends of the test. A side that does something is awake.
void ferries_send(struct ferries *f, size_t side, struct zmtp_bytes body, unsigned flags);
bool ferries_try(struct ferries *f, size_t side, struct zmtp_bytes body, unsigned flags);
bool ferries_writable(struct ferries *f, size_t side);
// The first part of the next message or command. False: there is none.
bool ferries_recv(struct ferries *f, size_t side, struct zmtp_msg *msg, bool *command);
void ferries_shut(struct ferries *f, size_t side);                         // closes the test's end
void ferries_link(struct ferries *f, size_t side, const char *routing_id); // null: down
struct zmtp_bytes ferries_name(const struct zmtp_origin *origin); // its routing id; empty: none

#endif
