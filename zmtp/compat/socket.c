#include "socket.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "../io/engine.h"
#include "../io/fork.h"
#include "../socket/alter.h"
#include "../zmq.h"
#include "endpoint.h"
#include "error.h"
#include "inproc.h"
#include "library.h"
#include "monitor.h"
#include "signals.h"
#include "stretch.h"
#include "unsent.h"

enum {
    // Rounds of work for one call; what is left is for the next.
    SOCKET_ROUNDS = 8,
    // Tries for the lock before the processor is given to who has it.
    SOCKET_SPINS = 100,
    // New lines of inproc that are taken up for one call, some 2 us each; and how many may wait for that before
    // who brings more has to help.
    SOCKET_LINES = 8,
    // How soon it is tried again what there was no memory for.
    SOCKET_HUNGRY_MS = 20,
};

static uint64_t socket_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t zmq__socket_deadline(int timeout_ms)
{
    if (timeout_ms < 0) return UINT64_MAX;
    return timeout_ms == 0 ? 0 : socket_now() + (uint64_t)timeout_ms;
}

static struct zmq__socket *socket_find(void *handle)
{
    struct zmq__socket *socket = handle;
    if (!socket ||
        atomic_load_explicit(&socket->handle.tag, memory_order_acquire) != ZMQ__TAG_SOCKET)
        return zmq__fail_null(ENOTSOCK);
    if (socket->generation != zmtp__fork_generation()) return zmq__fail_null(ETERM);
    return socket;
}

struct zmq__socket *zmq__socket_of(void *handle)
{
    struct zmq__socket *socket = socket_find(handle);
    if (socket && zmq__context_terminated(socket->context)) return zmq__fail_null(ETERM);
    return socket;
}

void zmq__socket_ref(struct zmq__socket *socket)
{
    atomic_fetch_add_explicit(&socket->refs, 1, memory_order_relaxed);
}

void zmq__socket_unref(struct zmq__socket *socket)
{
    if (atomic_fetch_sub_explicit(&socket->refs, 1, memory_order_acq_rel) > 1) return;
    const int bell = atomic_load_explicit(&socket->bell, memory_order_relaxed);
    if (bell >= 0) close(bell);
    zmtp__dock_fini(&socket->dock);
    zmq__options_fini(&socket->options);
    if (socket->safe) zmq__sleepers_fini(&socket->sleepers);
    zmq__handle_give(ZMQ__TAG_SOCKET, &socket->handle);
}

static bool socket_try(struct zmq__socket *socket)
{
    if (!zmq__latch_try(&socket->latch, zmq__latch_me())) return false;
    zmq__stretch_end(socket);
    return true;
}

static void socket_lock(struct zmq__socket *socket)
{
    for (int i = 0; !socket_try(socket); i++)
        if (i >= SOCKET_SPINS) sched_yield(); // somebody works for it, and will soon have done
}

// What this thread does: it is in a call, or works for others; those whom that has rung; and one to whom it brought
// more lines than are taken up.
static _Thread_local unsigned socket_inside;
static _Thread_local struct zmq__socket *socket_helpless;
static _Thread_local struct zmq__socket *socket_crowded;
// Who gives back what this thread lets go of inside, and what it does elsewhere; null: the thread itself.
static _Thread_local struct zmq__reaper *socket_reaper, *socket_reaper_outside;

static void socket_step_in(struct zmq__socket *socket)
{
    socket_inside++;
    socket_reaper = &socket->context->reaper;
}

struct zmq__reaper *zmq__socket_reaper(void)
{
    return socket_inside && socket_reaper ? socket_reaper : socket_reaper_outside;
}

void zmq__socket_bring_reaper(struct zmq__reaper *reaper)
{
    socket_reaper_outside = reaper;
}

bool zmq__socket_by_program(void)
{
    return !socket_reaper_outside;
}

static void socket_note_helpless(struct zmq__socket *socket)
{
    if (atomic_exchange_explicit(&socket->helpless, true, memory_order_seq_cst)) return;
    zmq__socket_ref(socket);
    socket->helpless_next = socket_helpless;
    socket_helpless = socket;
}

static void socket_help_all(void);

void zmq__socket_ring(struct zmq__socket *socket)
{
    const bool waits = atomic_load_explicit(&socket->waiting, memory_order_seq_cst) > 0;
    if (socket->safe && zmq__context_terminated(socket->context))
        zmq__sleepers_wake(&socket->sleepers);
    const int bell = atomic_load_explicit(&socket->bell, memory_order_seq_cst);
    // Written first, so that whoever finds it rung has something to read.
    if (bell >= 0 && (waits || atomic_load_explicit(&socket->exposed, memory_order_relaxed) ||
                      zmq__context_terminated(socket->context)))
        (void)eventfd_write(bell, 1); // fails only when it rings already, 2^64 times
    atomic_store_explicit(&socket->rung, true, memory_order_release);
    if (waits) return;
    socket_note_helpless(socket);
    if (!socket_inside) socket_help_all();
}

void zmq__socket_knock(struct zmq__socket *socket)
{
    // Who is about to wait has said so, and looks after that whether somebody has called.
    if (socket->safe || atomic_load_explicit(&socket->waiting, memory_order_seq_cst) > 0 ||
        atomic_load_explicit(&socket->exposed, memory_order_seq_cst))
        zmq__socket_ring(socket);
}

// Inside. There are news for who looks at the bell.
static void socket_strike(struct zmq__socket *socket)
{
    const int bell = atomic_load_explicit(&socket->bell, memory_order_relaxed);
    if (bell >= 0) (void)eventfd_write(bell, 1); // fails only when it rings already, 2^64 times
    atomic_store_explicit(&socket->rung, true, memory_order_release);
}

static void socket_hush(struct zmq__socket *socket)
{
    eventfd_t rings;
    atomic_store_explicit(&socket->rung, false, memory_order_relaxed);
    const int bell = atomic_load_explicit(&socket->bell, memory_order_relaxed);
    // It goes on ringing once the context ends, for all who look at the descriptor.
    if (bell >= 0 && !zmq__context_terminated(socket->context)) (void)eventfd_read(bell, &rings);
}

static bool socket_near(const struct zmq__socket *socket)
{
    return atomic_load_explicit(&socket->near, memory_order_relaxed);
}

static bool socket_busy(const struct zmq__socket *socket)
{
    return (socket_near(socket) && zmtp__dock_busy(&socket->dock)) ||
           zmtp_socket_marked(socket->core);
}

// From now on it is rung for news. False: there are some.
static bool socket_sleep(struct zmq__socket *socket)
{
    return !socket_near(socket) ||
           (zmtp__dock_sleep(&socket->dock) && !zmtp__dock_hungry(&socket->dock));
}

// Something waits for memory.
static bool socket_hungry(const struct zmq__socket *socket)
{
    return (socket_near(socket) && zmtp__dock_hungry(&socket->dock)) ||
           zmtp_socket_marked(socket->core);
}

static void socket_rounds(struct zmq__socket *socket)
{
    const bool near = socket_near(socket);
    if (near) zmtp__dock_wake(&socket->dock);
    for (int i = 0; i < SOCKET_ROUNDS; i++) {
        if (socket->safe && socket_busy(socket)) socket->stirred = true;
        if (near) zmq__inproc_work(socket);
        zmtp_socket_process(socket->core);
        if (!socket_busy(socket) || !socket->lines_left) break;
    }
}

// Runs the engine. True: the core has news. What comes while a peer is let in is marked no more; so events that are new
// count, too.
static bool socket_turn(struct zmq__socket *socket)
{
    zmq__engine_turn(socket->engine);
    const bool marked = zmtp_socket_marked(socket->core);
    const unsigned events = zmtp_socket_events(socket->core);
    const bool news = marked || events & ~socket->told;
    socket->told |= events;
    if (socket->safe && (marked || events != socket->shown)) socket->stirred = true;
    socket->shown = events;
    return news;
}

void zmq__socket_work(struct zmq__socket *socket)
{
    socket->calls = 0;
    socket->lines_left = SOCKET_LINES;
    zmq__purse_empty(&socket->purse);
    if (atomic_load_explicit(&socket->rung, memory_order_acquire)) socket_hush(socket);
    if (socket->engine) (void)socket_turn(socket);
    socket_rounds(socket);
}

bool zmq__socket_goes_on(struct zmq__socket *socket)
{
    if (!socket->engine || socket_near(socket) || zmq__engine_rested(socket->engine)) return false;
    socket->calls = 0;
    return true;
}

void zmq__socket_work_amid(struct zmq__socket *socket)
{
    if (!zmq__socket_goes_on(socket)) zmq__socket_work(socket);
}

// Has another thread called? Without the lock.
static bool socket_called(struct zmq__socket *socket)
{
    return socket_near(socket) && atomic_load_explicit(&socket->dock.called, memory_order_seq_cst);
}

// Rounds after the call has looked for the last time: what another thread brought since then did not ring, so that
// whoever sleeps at the descriptor would not hear of it.
static void socket_rounds_late(struct zmq__socket *socket)
{
    socket_rounds(socket);
    if (atomic_load_explicit(&socket->exposed, memory_order_relaxed)) socket_strike(socket);
}

static void socket_let_go(struct zmq__socket *socket, memory_order order)
{
    if (socket->stirred) zmq__sleepers_wake(&socket->sleepers);
    socket->stirred = false;
    socket->lines_left = SOCKET_LINES;
    zmq__latch_leave(&socket->latch, order);
}

// Whoever calls after the dock is asleep rings, and works for the socket if it gets the lock; if it does not, this
// thread still has it, and finds the call when it has let go.
static void socket_unlock(struct zmq__socket *socket)
{
    for (int i = 0; i < SOCKET_ROUNDS; i++) {
        for (int k = 0; k < SOCKET_ROUNDS && !socket_sleep(socket) && !socket_hungry(socket); k++)
            socket_rounds_late(socket);
        // New lines come faster than they are taken up: whoever brings the next may do it.
        const bool left = !socket->lines_left;
        if (left) zmtp__dock_doze(&socket->dock);
        if (socket->engine) zmq__engine_leave(socket->engine);
        if (!socket_near(socket)) { // nobody can call
            socket_let_go(socket, memory_order_release);
            return;
        }
        socket_let_go(socket, memory_order_seq_cst);
        if ((!left && !socket_called(socket)) || !socket_try(socket)) return;
        socket_rounds_late(socket);
    }
    const bool left = !socket->lines_left, hungry = socket_hungry(socket);
    zmtp__dock_doze(&socket->dock);
    socket_let_go(socket, memory_order_seq_cst);
    // Others had their turns by then; who called meanwhile and did not get the lock counts on this thread.
    if (!left && !hungry && socket_called(socket)) socket_note_helpless(socket);
}

static void socket_help_all(void)
{
    socket_inside++;
    socket_reaper = NULL;
    while (socket_helpless) {
        struct zmq__socket *const socket = socket_helpless;
        socket_helpless = socket->helpless_next;
        atomic_store_explicit(&socket->helpless, false, memory_order_seq_cst);
        if (socket_try(socket)) {
            socket_step_in(socket);
            socket_rounds(socket);
            socket_unlock(socket);
            socket_inside--;
            socket_reaper = NULL; // its context may end
        }
        zmq__socket_unref(socket);
    }
    socket_inside--;
}

void zmq__socket_help(struct zmq__socket *socket)
{
    socket_help_all();
    socket_reaper = &socket->context->reaper;
}

void zmq__socket_bring_line(struct zmq__socket *socket)
{
    const unsigned before = atomic_fetch_add_explicit(&socket->unanswered, 1, memory_order_relaxed);
    if (before < SOCKET_LINES || socket_crowded) return;
    zmq__socket_ref(socket);
    socket_crowded = socket;
}

// Works for the socket until few of its new lines wait, so that they cannot come without end. No lock is held here
// while that of the socket is waited for; whoever has it has it for a moment, or has closed.
static void socket_make_room(void)
{
    struct zmq__socket *const socket = socket_crowded;
    socket_crowded = NULL;
    while (atomic_load_explicit(&socket->unanswered, memory_order_relaxed) > SOCKET_LINES &&
           atomic_load_explicit(&socket->handle.tag, memory_order_acquire) == ZMQ__TAG_SOCKET) {
        if (!socket_try(socket)) {
            sched_yield();
            continue;
        }
        socket_step_in(socket);
        socket_rounds_late(socket);
        const bool hungry = socket_hungry(socket); // there is no memory to take up more
        socket_unlock(socket);
        socket_inside--;
        if (hungry) break;
    }
    zmq__socket_unref(socket);
}

struct zmq__socket *zmq__socket_enter(void *handle)
{
    struct zmq__socket *socket = zmq__socket_of(handle);
    if (!socket) return NULL;
    for (int i = 0; !socket_try(socket); i++) {
        if (i < SOCKET_SPINS) continue;
        sched_yield();
        if (!zmq__socket_of(handle))
            return NULL; // another thread has closed it, and keeps the lock
    }
    zmq__socket_begin(socket);
    return socket;
}

void zmq__socket_begin(struct zmq__socket *socket)
{
    socket_step_in(socket);
    socket->told = 0;
    if (socket->engine) zmq__engine_enter(socket->engine);
}

void zmq__socket_leave(struct zmq__socket *socket)
{
    socket_unlock(socket);
    socket_inside--;
    if (socket_crowded && !socket_inside) socket_make_room();
    if (socket_helpless && !socket_inside) socket_help_all();
}

void zmq__socket_forget(struct zmq__socket *socket)
{
    zmtp_msg_fini(&socket->receiving);
    socket->taken = 0;
}

void zmq__socket_leave_working(struct zmq__socket *socket, struct zmq__seat *seat)
{
    if (seat) zmq__latch_settle(&socket->latch, seat);
    zmq__socket_begin(socket);
    zmq__socket_leave(socket);
}

void zmq__socket_come_back(struct zmq__socket *socket)
{
    if (!socket_try(socket)) return;
    socket_step_in(socket);
    socket_rounds_late(socket);
    zmq__socket_leave(socket);
}

void zmq__socket_write(struct zmq__socket *socket)
{
    if (!socket_try(socket)) return;
    socket_step_in(socket);
    if (socket->engine) zmq__engine_write(socket->engine);
    zmq__socket_leave(socket);
}

int zmq__socket_result(struct zmq__socket *socket, int error)
{
    zmq__socket_leave(socket);
    return error == 0 ? 0 : zmq__fail(error);
}

void zmq__socket_look(struct zmq__socket *socket)
{
    if (socket_busy(socket)) socket_rounds(socket);
}

bool zmq__socket_visit(struct zmq__socket *socket)
{
    if (!socket_try(socket)) return false;
    socket_step_in(socket);
    const bool news = socket_turn(socket);
    socket_rounds(socket);
    const bool waits = atomic_load_explicit(&socket->waiting, memory_order_seq_cst) > 0;
    const bool exposed = atomic_load_explicit(&socket->exposed, memory_order_relaxed);
    if ((waits && (news || zmtp_socket_events(socket->core))) || (exposed && news))
        socket_strike(socket);
    zmq__socket_leave(socket);
    return true;
}

void zmq__socket_gone(struct zmq__socket *socket)
{
    struct zmq__context *const context = socket->context;
    zmtp_pool_close(socket->pool);
    socket->pool = NULL;
    zmq__socket_unref(socket);
    zmq__context_release(context);
}

static int socket_open_bell(struct zmq__socket *socket)
{
    int bell = atomic_load_explicit(&socket->bell, memory_order_relaxed);
    if (bell >= 0) return bell;
    bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (bell >= 0) atomic_store_explicit(&socket->bell, bell, memory_order_seq_cst);
    // Who rang before it was there has left a word.
    if (bell >= 0 && (atomic_load_explicit(&socket->rung, memory_order_acquire) ||
                      zmq__context_terminated(socket->context)))
        (void)eventfd_write(bell, 1);
    return bell;
}

int zmq__socket_expose(struct zmq__socket *socket)
{
    if (socket->safe) return zmq__fail(EINVAL);
    const int bell = socket_open_bell(socket);
    if (bell < 0) return zmq__fail(errno == ENOMEM ? ENOMEM : EMFILE);
    if (atomic_exchange_explicit(&socket->exposed, true, memory_order_seq_cst)) return bell;
    if (socket->engine) zmq__engine_expose(socket->engine);
    // What other threads brought before has not rung.
    zmq__socket_work(socket);
    socket_strike(socket);
    return bell;
}

int zmq__socket_fd(struct zmq__socket *socket)
{
    if (!zmq__socket_enter(socket)) return -1;
    const int bell = zmq__socket_expose(socket);
    zmq__socket_leave(socket);
    return bell;
}

// The lock is let go of meanwhile, and those who were rung are worked for.
static int socket_sleep_until_rung(struct zmq__socket *socket, struct pollfd items[2],
                                   int timeout_ms, const sigset_t *mask)
{
    const struct timespec timeout = {.tv_sec = timeout_ms / 1000,
                                     .tv_nsec = timeout_ms % 1000 * 1000000L};

    zmq__latch_leave(&socket->latch, memory_order_seq_cst);
    socket_inside--;
    if (socket_helpless && !socket_inside) socket_help_all();
    const int result =
        ppoll(items, items[1].fd < 0 ? 1 : 2, timeout_ms < 0 ? NULL : &timeout, mask);
    const int error = result < 0 ? errno : 0;
    socket_lock(socket);
    socket_step_in(socket);
    atomic_fetch_sub_explicit(&socket->waiting, 1, memory_order_seq_cst);
    if (items[1].fd >= 0) zmq__engine_rise(socket->engine);
    if (zmq__context_terminated(socket->context)) return ETERM;
    if (error != 0) return error;
    // Whoever rang may not have come to say so.
    if (items[0].revents) socket_hush(socket);
    zmq__socket_work(socket);
    return 0;
}

// Prepares for a sleep of |*timeout_ms| at most. 0: it is rung from now on; EAGAIN: there is more to do first.
static int socket_prepare(struct zmq__socket *socket, int fds[2], int *timeout_ms)
{
    fds[0] = socket_open_bell(socket);
    fds[1] = -1;
    if (fds[0] < 0) return errno == ENOMEM ? ENOMEM : EMFILE;
    if (zmq__context_terminated(socket->context)) return ETERM;
    if (socket_hungry(socket) && (*timeout_ms < 0 || *timeout_ms > SOCKET_HUNGRY_MS))
        *timeout_ms = SOCKET_HUNGRY_MS;
    atomic_fetch_add_explicit(&socket->waiting, 1, memory_order_seq_cst);
    const bool quiet = socket_sleep(socket) || socket_hungry(socket);
    if (quiet && (!socket->engine || zmq__engine_doze(socket->engine, timeout_ms))) {
        if (socket->engine) fds[1] = zmq__engine_fd(socket->engine);
        return 0;
    }
    atomic_fetch_sub_explicit(&socket->waiting, 1, memory_order_seq_cst);
    return EAGAIN;
}

// The same for one of many that may wait there.
static int socket_wait_among(struct zmq__socket *socket, uint64_t deadline_ms)
{
    uint64_t seen, until_ms = deadline_ms;
    if (zmq__context_terminated(socket->context)) return ETERM;
    if (deadline_ms != UINT64_MAX && socket_now() >= deadline_ms) return EAGAIN;
    if (socket_hungry(socket)) {
        const uint64_t soon_ms = socket_now() + SOCKET_HUNGRY_MS;
        if (soon_ms < until_ms) until_ms = soon_ms;
    }
    if (!zmq__sleepers_enter(&socket->sleepers, &seen)) return ENOTSOCK;
    zmq__socket_leave(socket);
    zmq__sleepers_sleep(&socket->sleepers, seen, until_ms);
    socket_lock(socket);
    socket_step_in(socket);
    if (!zmq__sleepers_leave(&socket->sleepers)) return ENOTSOCK;
    return zmq__context_terminated(socket->context) ? ETERM : 0;
}

// Has anything come that was not there |before|?
static bool socket_finds(struct zmq__socket *socket, unsigned before)
{
    if (socket->engine) (void)socket_turn(socket);
    if (socket_busy(socket)) {
        socket->lines_left = SOCKET_LINES;
        socket_rounds(socket);
    }
    return zmtp_socket_events(socket->core) & ~before;
}

static bool socket_spin_begin(struct zmq__socket *socket, uint64_t deadline_ms)
{
    if (!zmtp__spin_on(&socket->spin) || socket->safe) return false;
    const uint64_t now_ns = uv_hrtime();
    return now_ns / 1000000 < deadline_ms && zmtp__spin_begin(&socket->spin, now_ns);
}

// Meanwhile the lock is held and the dock awake, so that who sends over a line, or comes with anything else, neither rings
// nor works for the socket: what it brings is found here, at once.
static bool socket_spin(struct zmq__socket *socket, uint64_t deadline_ms)
{
    uint64_t now_ns = socket->spin.begun_ns;
    const unsigned before = zmtp_socket_events(socket->core);
    bool found = false;
    while (!found && !zmtp__spin_over(&socket->spin, now_ns) && now_ns / 1000000 < deadline_ms &&
           !zmq__context_terminated(socket->context)) {
        found = socket_finds(socket, before);
        now_ns = uv_hrtime();
    }
    zmtp__spinner_end(&socket->spin, now_ns, found);
    return found;
}

// |mask|: of the signals while it sleeps; null: as they are.
static int socket_wait(struct zmq__socket *socket, uint64_t deadline_ms, const sigset_t *mask)
{
    if (socket->safe) return socket_wait_among(socket, deadline_ms);
    int fds[2], timeout_ms = -1;
    if (deadline_ms != UINT64_MAX) {
        const uint64_t now = deadline_ms > 0 ? socket_now() : 0;
        if (now >= deadline_ms) return EAGAIN;
        const uint64_t left = deadline_ms - now;
        timeout_ms = left > INT32_MAX ? INT32_MAX : (int)left;
    }
    const int error = socket_prepare(socket, fds, &timeout_ms);
    if (error == EAGAIN) {
        zmq__socket_work(socket);
        return 0;
    }
    if (error != 0) return error;
    struct pollfd items[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
    return socket_sleep_until_rung(socket, items, timeout_ms, mask);
}

int zmq__socket_wait(struct zmq__socket *socket, uint64_t deadline_ms)
{
    return socket_wait(socket, deadline_ms, NULL);
}

// Sleeps, and takes note of how long. As socket_wait.
static int socket_sleep_noted(struct zmq__socket *socket, uint64_t deadline_ms,
                              const sigset_t *mask)
{
    const uint64_t begun_ns = zmtp__spin_learns(&socket->spin) ? uv_hrtime() : 0;
    const int error = socket_wait(socket, deadline_ms, mask);
    if (begun_ns > 0) zmtp__spinner_slept(&socket->spin, begun_ns, uv_hrtime());
    return error;
}

int zmq__socket_await(struct zmq__socket *socket, uint64_t deadline_ms)
{
    sigset_t before;
    zmq__unsent_write(socket->context);
    if (!socket_spin_begin(socket, deadline_ms))
        return socket_sleep_noted(socket, deadline_ms, NULL);
    zmq__signals_hold(&before);
    const bool found = socket_spin(socket, deadline_ms);
    int error = found ? 0 : socket_sleep_noted(socket, deadline_ms, &before);
    // Without a sleep nobody has let them in yet, and what has come need not be what the call waits for.
    if (error == 0 && zmq__signals_came(&before)) error = EINTR;
    zmq__signals_release(&before);
    return error;
}

int zmq__socket_doze(struct zmq__socket *socket, unsigned events, int fds[2], int *timeout_ms)
{
    if (!zmq__socket_enter(socket)) return zmq_errno();
    int error = zmq__socket_found(socket) & events ? EAGAIN : 0;
    if (error == 0) error = socket_prepare(socket, fds, timeout_ms);
    if (error != 0) {
        zmq__socket_leave(socket);
        return error;
    }
    // The lock is let go of as for a sleep: what the engine has to do, it does when it rises.
    zmq__latch_leave(&socket->latch, memory_order_seq_cst);
    socket_inside--;
    if (socket_helpless && !socket_inside) socket_help_all();
    return 0;
}

void zmq__socket_rise(struct zmq__socket *socket)
{
    for (int i = 0; !socket_try(socket); i++) {
        if (i < SOCKET_SPINS) continue;
        sched_yield();
        if (!socket_find(socket)) return; // closed meanwhile
    }
    socket_step_in(socket);
    atomic_fetch_sub_explicit(&socket->waiting, 1, memory_order_seq_cst);
    if (socket->engine) zmq__engine_rise(socket->engine);
    socket_hush(socket); // whoever rang may not have come to say so
    zmq__socket_leave(socket);
}

// A REQ's request that failed is one whose reply never comes, as libzmq's: it goes on waiting, unless it is
// relaxed. So what the pattern has is looked at before it is called a reply.
static unsigned socket_req_events(struct zmq__socket *socket)
{
    const bool held = socket->taken < socket->receiving.count;
    unsigned found = zmtp_socket_events(socket->core);
    if (found & ZMTP_READABLE && !held) {
        zmtp_msg_fini(&socket->receiving);
        socket->taken = 0;
        (void)zmtp_socket_recv(socket->core,
                               &socket->receiving); // a reply is held now, and is told below
        found = zmtp_socket_events(socket->core) & ~(unsigned)ZMTP_READABLE;
    }
    if (socket->turn && !socket->options.req_relaxed) found &= ~(unsigned)ZMTP_WRITABLE;
    return found;
}

unsigned zmq__socket_found(struct zmq__socket *socket)
{
    zmq__socket_work(socket);
    const unsigned found =
        socket->type == ZMTP_REQ ? socket_req_events(socket) : zmtp_socket_events(socket->core);
    // A DISH of libzmq's can be given groups at any time, and calls that so.
    unsigned events = socket->type == ZMTP_DISH ? ZMQ_POLLOUT : 0;
    if (found & ZMTP_READABLE || socket->taken < socket->receiving.count) events |= ZMQ_POLLIN;
    if (found & ZMTP_WRITABLE || socket->sending.count > 0) events |= ZMQ_POLLOUT;
    return events;
}

int zmq__socket_events(struct zmq__socket *socket)
{
    if (!zmq__socket_enter(socket)) return -1;
    const unsigned events = zmq__socket_found(socket);
    zmq__socket_leave(socket);
    return (int)events;
}

int zmq__socket_apply(struct zmq__socket *socket)
{
    struct zmtp_socket_config config;
    zmq__options_pattern(&socket->options, socket->type, &config);
    socket->stirred = socket->safe; // what others wait for may be possible now
    const int error = zmq__errno_of(zmtp__socket_alter(socket->core, &config));
    if (error != 0) return error;
    zmq__inproc_alter(socket);
    zmq__endpoint_alter(socket);
    return 0;
}

static void socket_free(struct zmq__socket *socket)
{
    zmtp_socket_close(socket->core);
    socket->core = NULL;
    zmtp_pool_close(socket->pool);
    zmq__socket_unref(socket);
}

struct zmq__socket *zmq__socket_open(struct zmq__context *context, enum zmtp_socket_type type,
                                     int *error)
{
    struct zmtp_socket_config config;
    struct zmq__socket *socket = zmq__handle_take(ZMQ__TAG_SOCKET, sizeof *socket);
    *error = ENOMEM;
    if (!socket) return NULL;
    socket->generation = context->generation;
    socket->context = context;
    socket->type = type;
    socket->safe = zmq__options_safe(type);
    if (socket->safe) zmq__sleepers_init(&socket->sleepers);
    atomic_init(&socket->bell, -1);
    atomic_init(&socket->rung, false);
    atomic_init(&socket->refs, 1);
    atomic_init(&socket->unanswered, 0);
    zmq__latch_init(&socket->latch);
    zmtp__dock_init(&socket->dock);
    socket->lines_left = SOCKET_LINES;
    zmtp__spin_init(&socket->spin, context->spin_ns);
    zmtp_msg_init(&socket->sending, NULL);
    zmtp_msg_init(&socket->receiving, NULL);
    zmq__context_lock(context);
    zmq__options_init(&socket->options, type, &context->options);
    zmq__context_unlock(context);
    int result = zmtp_pool_open(&socket->pool, NULL);
    zmq__options_pattern(&socket->options, type, &config);
    config.pool = socket->pool;
    config.topic_seed = zmtp__engine_seed();
    if (result == ZMTP_OK) result = zmtp_socket_open(&socket->core, &config);
    *error = result < 0 ? zmq__errno_of(result) : zmq__context_join(context, socket);
    if (*error != 0) {
        socket_free(socket);
        return NULL;
    }
    atomic_store_explicit(&socket->handle.tag, ZMQ__TAG_SOCKET, memory_order_release);
    return socket;
}

void zmq__socket_give_bell(struct zmq__socket *socket)
{
    if (socket->safe) zmq__sleepers_fini(&socket->sleepers);
    socket->safe = false;
}

void *zmq_socket(void *handle, int type)
{
    struct zmq__context *context = zmq__context_of(handle);
    if (!context) return NULL;
    const int most = zmq__draft ? ZMQ_CHANNEL : ZMQ_STREAM;
    if (type < ZMQ_PAIR || type > most) return zmq__fail_null(EINVAL);
    int error;
    struct zmq__socket *socket = zmq__socket_open(context, (enum zmtp_socket_type)type, &error);
    return socket ? socket : zmq__fail_null(error);
}

int zmq_close(void *handle)
{
    struct zmq__socket *socket = socket_find(handle);
    if (!socket) return -1;
    struct zmq__context *const context = socket->context;
    atomic_store_explicit(&socket->handle.tag, ZMQ__TAG_NONE, memory_order_relaxed);
    if (socket->safe) zmq__sleepers_close(&socket->sleepers);
    socket_lock(socket); // for ever: nobody works for it any more
    socket_step_in(socket);
    zmq__monitor_stop(socket, true);
    zmq__context_part(context, socket);
    zmq__unsent_forget(socket);
    zmq__inproc_unbind_all(socket);
    zmtp_msg_fini(&socket->sending);
    zmtp_msg_fini(&socket->receiving);
    zmq__purse_empty(&socket->purse);
    // What it sent stays with the other sides; what has come and was not received goes.
    zmq__endpoint_bereave(socket);
    zmtp_socket_close(socket->core);
    socket->core = NULL;
    zmq__inproc_leave(socket);
    zmq__endpoint_leave(socket);
    if (socket->engine)
        zmq__engine_retire(socket->engine);
    else
        zmq__socket_gone(socket);
    socket_inside--;
    if (socket_helpless && !socket_inside) socket_help_all();
    return 0;
}
