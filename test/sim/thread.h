// A thread of its own for a node's socket, joined to others over inproc by ferries. Nothing here runs at the
// same time: the seed decides whose turn it is and how much of it, and a thread that sleeps gets none until
// it is rung or its user does something. So a call that is lost is a node that stands still.
#ifndef TEST_SIM_THREAD_H
#define TEST_SIM_THREAD_H

#include "world.h"
#include "zmtp/msg/ferry.h"

enum { THREAD_CROSSINGS = 16 };

struct node;
struct crossing;

struct thread {
    struct node *node; // null: none, the node has connections
    struct zmtp__dock dock;
    struct crossing *crossings[THREAD_CROSSINGS];
    bool awake;
    bool dials;
    uint64_t dial_ms;   // when it dials again; UINT64_MAX: not now
    uint64_t hungry_ms; // when there may be memory again; UINT64_MAX: nothing waits for that
};

void thread_init(struct thread *thread, struct node *node);
// Keeps its socket joined to the server's, as soon as may be.
void thread_dial(struct thread *thread);
// A turn, if it is awake. True: it was.
bool thread_work(struct thread *thread);
uint64_t thread_next_ms(const struct thread *thread); // when it wakes by itself
// A fault: one of its crossings is given up, as by disconnect; a dialler joins again.
void thread_part(struct thread *thread);
// The socket has closed: what it sent is handed over.
void thread_leave(struct thread *thread);
// Sleeps, and every crossing that it has or wants is up.
bool thread_is_quiet(const struct thread *thread);
bool thread_is_over(const struct thread *thread);
// The far end of its first pipe; null: none.
const struct zmtp_pipe_end *thread_end(const struct thread *thread);
void thread_trace(const struct thread *thread);
// For the end, of all that are joined: the first time they let go, the second time of their docks too.
void thread_fini(struct thread *thread, bool last);

#endif
