#include "engine.h"

#include <assert.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>

#include "../msg/slab.h"
#include "../socket/run.h"
#include "conn.h"
#include "drops.h"
#include "foreign.h"
#include "gather.h"
#include "harbour.h"
#include "inproc.h"
#include "resolver.h"
#include "udp.h"
#include "uv_socket.h"
#include "wait.h"

enum {
    // Rounds of one dispatch, and connections resumed in one round: enough for a burst to go back
    // and forth, few enough that timers and other descriptors get their turn.
    ENGINE_ROUNDS = 8,
    ENGINE_RESUMES = 1024,
    // What dispatches may take in one turn of the loop, in nanoseconds: a callback may be slow, and
    // what comes for another socket meanwhile is to be read soon.
    ENGINE_TURN_NS = 2000000,
    ENGINE_LATER_MS = 20,
    // Sends that were few cost more than they saved: who asks or does something else after each message has none.
    ENGINE_SENDS_REST = 16,
    // Large slabs that nobody needed for this long go back to the system. A stream of large messages
    // finds its memory where it left it.
    ENGINE_TRIM_MS = 1000,
};

int zmtp__engine_fail(struct zmtp_uv *uv, int error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(uv->text, sizeof uv->text, format, arguments);
    va_end(arguments);
    return error;
}

const char *zmtp_uv_open_error_text(const struct zmtp_uv *uv)
{
    if (!uv) return "there is no engine: zmtp_uv_open has failed, or was not called";
    if (zmtp__engine_inherited(uv))
        return "the engine was opened before the fork, and is the parent's: open another in the "
               "child";
    return uv->text;
}

uint64_t zmtp__engine_now(struct zmtp_uv *uv)
{
    uv_update_time(uv->loop);
    return uv_now(uv->loop);
}

uint64_t zmtp__engine_random(struct zmtp_uv *uv)
{
    // xorshift64*, seeded by the system.
    uv->random ^= uv->random >> 12;
    uv->random ^= uv->random << 25;
    uv->random ^= uv->random >> 27;
    return uv->random * 0x2545F4914F6CDD1Du;
}

// An idle handle's only effect is wanted: with one active, the loop does not sleep.
static void engine_idle(uv_idle_t *idle)
{
    (void)idle;
}

void zmtp__engine_settle(struct zmtp_uv *uv)
{
    struct zmtp__run *const run = uv->run;
    uv->run = NULL;
    if (run) zmtp__run_settle(run);
    if (!uv->sender) return;
    uv->sender = NULL;
    size_t count;
    if (uv->volley.socket) {
        count = zmtp__volley_settle(&uv->volley);
    } else {
        count = uv->sends.count - uv->sends.left;
        uv->unflushed += zmtp__sends_settle(&uv->sends);
        if (uv->crossings) uv->unshipped += (unsigned)count;
    }
    if (count < ZMTP__SENDS_LEAST) uv->sends_rest = ENGINE_SENDS_REST;
}

void zmtp__engine_wake(struct zmtp_uv *uv)
{
    const uv_handle_t *idle = (const uv_handle_t *)&uv->idle;
    if (uv->dispatching || uv_is_active(idle) || uv_is_closing(idle)) return;
    uv_idle_start(&uv->idle, engine_idle);
    zmtp__foreign_ring(uv);
}

static void engine_own_closed(uv_handle_t *handle)
{
    struct zmtp_uv *uv = handle->data;
    if (--uv->own_handles > 0) return;
    void (*const closed)(void *user) = uv->closed;
    void *const user = uv->user;
    if (uv->gone) *uv->gone = true;
    zmtp__foreign_close(uv);
    zmtp_pool_close(uv->pool);
    zmtp_free(uv->allocator, uv, sizeof *uv);
    if (closed) closed(user);
}

static void engine_finish(struct zmtp_uv *uv)
{
    if (!uv->closing || uv->sockets) return;
    zmtp__resolver_close(uv);
    if (uv->harbour) zmtp__harbour_close(uv->harbour);
    if (uv->handles > 0) return;
    if (uv_is_closing((uv_handle_t *)&uv->prepare)) return;
    uv_close((uv_handle_t *)&uv->prepare, engine_own_closed);
    uv_close((uv_handle_t *)&uv->check, engine_own_closed);
    uv_close((uv_handle_t *)&uv->idle, engine_own_closed);
    uv_close((uv_handle_t *)&uv->later, engine_own_closed);
    uv_close((uv_handle_t *)&uv->patience, engine_own_closed);
    uv_close((uv_handle_t *)&uv->trim, engine_own_closed);
    uv_close((uv_handle_t *)&uv->ticks, engine_own_closed);
}

void zmtp__engine_handle_closed(struct zmtp_uv *uv)
{
    uv->handles--;
    if (uv->closing) zmtp__engine_wake(uv);
}

void zmtp__engine_ship(struct zmtp_uv *uv)
{
    assert(!uv->run); // what it gave is to be told to the other threads
    uv->unshipped = 0;
    if (uv->harbour) zmtp__harbour_work(uv->harbour);
}

// One round: connections with news, then sockets with news.
static void engine_round(struct zmtp_uv *uv)
{
    struct zmtp_pipe_end *end;
    for (int i = 0; i < ENGINE_RESUMES && (end = zmtp_marks_take(&uv->marks)); i++)
        zmtp__conn_resume(zmtp_pipe_owner(end));
    for (int i = 0; i < ENGINE_RESUMES && (end = zmtp_marks_take(&uv->datagrams)); i++)
        zmtp__udp_flush(zmtp_pipe_owner(end));
    zmtp__engine_ship(uv);
    uv->unflushed = 0;
    // A socket is freed by its own turn only, so the rest of the list stays good.
    struct zmtp_uv_socket *socket = uv->touched;
    uv->touched = NULL;
    while (socket) {
        struct zmtp_uv_socket *const next = socket->touched_next;
        socket->touched = false;
        zmtp__uv_socket_deliver(socket);
        socket = next;
    }
    zmtp__inproc_look(uv);
}

static bool engine_busy(const struct zmtp_uv *uv)
{
    return uv->marks.first || uv->datagrams.first || uv->touched || zmtp__harbour_busy(uv->harbour);
}

// Will the loop sleep now, and are its sleeps of interest? Those of a loop that is not ours to run are not.
static bool engine_measures(const struct zmtp_uv *uv)
{
    return zmtp__spin_learns(&uv->spin) && uv->sockets && !uv->foreign &&
           !uv_is_active((const uv_handle_t *)&uv->idle);
}

// Nothing is to be done, and the loop would sleep: has another thread something now? Who spins sees that anyway.
static bool engine_lingers(const struct zmtp_uv *uv)
{
    return uv->preparing && !uv->called && !uv->spinning && uv->crossings &&
           zmtp__harbour_linger(uv->harbour);
}

// Something has come, or is left to be done.
static void engine_heard(struct zmtp_uv *uv)
{
    uv->heard = true;
    if (!uv->spinning) return;
    uv->spinning = false;
    zmtp__spinner_end(&uv->spin, uv_hrtime(), true);
}

// Does the loop look on instead of sleeping? It begins to only when something has come since the last time, so that
// nobody else's timers have it spin. Meanwhile the harbour stays awake, and other threads need not ring.
static bool engine_spins(struct zmtp_uv *uv)
{
    if (!zmtp__spin_on(&uv->spin)) return false;
    const uint64_t now_ns = uv_hrtime();
    if (!uv->spinning) {
        uv->spinning = uv->heard && uv->sockets && zmtp__spin_begin(&uv->spin, now_ns);
        uv->heard = false;
    } else if (zmtp__spin_over(&uv->spin, now_ns)) {
        uv->spinning = false;
        zmtp__spinner_end(&uv->spin, now_ns, false);
    }
    return uv->spinning;
}

// May the loop sleep? Then other threads ring when they have something for it.
static bool engine_rests(struct zmtp_uv *uv)
{
    if (engine_busy(uv) || engine_spins(uv)) return false;
    return !uv->harbour || zmtp__dock_sleep(&uv->harbour->dock);
}

// One round at least, so that however slow the callbacks are, everybody gets on.
static void engine_rounds(struct zmtp_uv *uv)
{
    if (uv->dispatching) return;
    const uint64_t begun = uv_hrtime() - uv->turn_ns;
    uv->dispatching = true;
    if (uv->harbour) zmtp__dock_wake(&uv->harbour->dock);
    for (int i = 0; i < ENGINE_ROUNDS && (engine_busy(uv) || engine_lingers(uv)); i++) {
        engine_heard(uv);
        engine_round(uv);
        uv->turn_ns = uv_hrtime() - begun;
        if (uv->turn_ns >= ENGINE_TURN_NS) break;
    }
    uv->dispatching = false;
    if (engine_rests(uv))
        uv_idle_stop(&uv->idle);
    else
        zmtp__engine_wake(uv);
    engine_finish(uv);
}

void zmtp__engine_dispatch(struct zmtp_uv *uv)
{
    engine_heard(uv);
    if (uv->turn_ns < ENGINE_TURN_NS)
        engine_rounds(uv);
    else
        zmtp__engine_wake(uv);
}

void zmtp__engine_flush(struct zmtp_uv *uv)
{
    struct zmtp_pipe_end *end;
    size_t count = 0;
    for (; (end = zmtp_marks_take(&uv->marks)); count++)
        zmtp__conn_flush(zmtp_pipe_owner(end));
    // One that has much to send is marked again.
    for (int i = 0; i < ENGINE_RESUMES && (end = zmtp_marks_take(&uv->datagrams)); i++)
        zmtp__udp_flush(zmtp_pipe_owner(end));
    zmtp__engine_ship(uv);
    uv->unflushed = 0;
    if (count > 0) uv->unflushed_max = zmtp__gather_max(count);
}

bool zmtp__engine_run(struct zmtp_uv *uv, uv_run_mode mode)
{
    bool gone = false;
    uv->gone = &gone;
    uv->running = true;
    uv_run(uv->loop, mode);
    if (gone) return false;
    uv->gone = NULL;
    uv->running = false;
    zmtp__foreign_settle(uv);
    return true;
}

static void engine_trim(uv_timer_t *timer)
{
    struct zmtp_uv *uv = timer->data;
    if (!zmtp__engine_enter(uv) || !zmtp_pool_trim(uv->pool)) uv_timer_stop(timer);
}

// A callback may be what the user runs the loop for, turn by turn (UV_RUN_ONCE). So a turn in which
// one came does not sleep; those that come after the sleep end the turn anyway.
static void engine_prepare(uv_prepare_t *prepare)
{
    struct zmtp_uv *uv = prepare->data;
    if (!zmtp__engine_enter(uv)) {
        uv_prepare_stop(prepare);
        uv_idle_stop(&uv->idle);
        return;
    }
    uv->turn_ns = 0;
    if (uv->crossings) zmtp__harbour_note_cpu(uv->harbour);
    uv->preparing = true;
    engine_rounds(uv);
    uv->preparing = false;
    zmtp__drops_tell(uv);
    if (uv->called || (uv->wait && zmtp__wait_over(uv->wait))) zmtp__engine_wake(uv);
    if (zmtp__pool_untidy(uv->pool) && !uv_is_active((uv_handle_t *)&uv->trim))
        uv_timer_start(&uv->trim, engine_trim, ENGINE_TRIM_MS, ENGINE_TRIM_MS);
    uv->asked_ms = zmtp__engine_now(uv);
    uv->slept_ns = engine_measures(uv) ? uv_hrtime() : 0;
}

static void engine_check(uv_check_t *check)
{
    struct zmtp_uv *uv = check->data;
    uv->called = false;
    if (uv->slept_ns > 0) zmtp__spinner_slept(&uv->spin, uv->slept_ns, uv_hrtime());
    uv->heard_ms = uv->asked_ms;
}

static void engine_later(uv_timer_t *timer)
{
    struct zmtp_uv *uv = timer->data;
    if (!zmtp__engine_enter(uv)) return;
    for (struct zmtp_uv_socket *socket = uv->sockets; socket; socket = socket->next)
        zmtp__uv_socket_feed(socket);
    if (uv->harbour) zmtp__dock_feed(&uv->harbour->dock);
    zmtp__inproc_look(uv);
    zmtp__engine_dispatch(uv);
}

void zmtp__engine_later(struct zmtp_uv *uv)
{
    if (!uv->closing && !uv_is_active((uv_handle_t *)&uv->later))
        uv_timer_start(&uv->later, engine_later, ENGINE_LATER_MS, 0);
}

bool zmtp__engine_wary(struct zmtp_uv *uv)
{
    struct pollfd item = {.fd = uv_backend_fd(uv->loop), .events = POLLIN};
    if (uv->unsure) uv->wary = poll(&item, 1, 0) > 0;
    uv->unsure = false;
    return uv->wary;
}

uint64_t zmtp__engine_seed(void)
{
    uint64_t seed = 0;
    if (uv_random(NULL, NULL, &seed, sizeof seed, 0, NULL) < 0 || seed == 0) seed = uv_hrtime() | 1;
    return seed;
}

int zmtp_uv_open(struct zmtp_uv **out, uv_loop_t *loop, const struct zmtp_allocator *allocator)
{
    if (!out || !loop) return ZMTP_ERR_ARGUMENT;
    *out = NULL;
    if (!zmtp__fork_watch()) return ZMTP_ERR_MEMORY;
    if (!allocator) allocator = zmtp_heap();
    struct zmtp_uv *uv = zmtp_alloc(allocator, sizeof *uv);
    if (!uv) return ZMTP_ERR_MEMORY;
    *uv = (struct zmtp_uv){.loop = loop,
                           .allocator = allocator,
                           .generation = zmtp__fork_generation(),
                           .unflushed_max = zmtp__gather_max(0),
                           .unshipped_max = ZMTP__HARBOUR_BATCH,
                           .random = zmtp__engine_seed()};
    zmtp__trie_init(&uv->places,
                    allocator); // empty, and without memory, when the last socket is closed
    const int error = zmtp_pool_open(&uv->pool, allocator);
    if (error < 0) {
        zmtp_free(allocator, uv, sizeof *uv);
        return error;
    }
    uv->prepare.data = uv->check.data = uv->idle.data = uv->later.data = uv->patience.data =
        uv->trim.data = uv->ticks.data = uv;
    uv->own_handles = 7;
    uv_prepare_init(loop, &uv->prepare);
    uv_check_init(loop, &uv->check);
    uv_idle_init(loop, &uv->idle);
    uv_timer_init(loop, &uv->later);
    uv_timer_init(loop, &uv->patience);
    uv_timer_init(loop, &uv->trim);
    uv_timer_init(loop, &uv->ticks);
    uv_prepare_start(&uv->prepare, engine_prepare);
    uv_check_start(&uv->check, engine_check);
    uv_unref((uv_handle_t *)&uv->prepare);
    uv_unref((uv_handle_t *)&uv->check);
    uv_unref((uv_handle_t *)&uv->trim);
    uv_unref((uv_handle_t *)&uv->ticks);
    zmtp__spin_init(&uv->spin, ZMTP__SPIN_UNASKED);
    *out = uv;
    return ZMTP_OK;
}

int zmtp_uv_spin(struct zmtp_uv *uv, uint32_t spin_us)
{
    if (!uv || spin_us > ZMTP__SPIN_MAX_US) return ZMTP_ERR_ARGUMENT;
    if (!zmtp__engine_enter(uv)) return ZMTP_ERR_STATE;
    zmtp__spin_init(&uv->spin, spin_us * UINT64_C(1000));
    uv->spinning = false; // one that is under way ends with the loop's next turn
    return ZMTP_OK;
}

uv_loop_t *zmtp_uv_loop(const struct zmtp_uv *uv)
{
    return uv ? uv->loop : NULL;
}

void zmtp_uv_close(struct zmtp_uv *uv, void (*closed)(void *user), void *user)
{
    if (!uv || uv->closing || !zmtp__engine_enter(uv)) return;
    uv->closing = true;
    uv->closed = closed;
    uv->user = user;
    for (struct zmtp_uv_socket *socket = uv->sockets; socket; socket = socket->next)
        zmtp__uv_socket_abandon(socket);
    zmtp__engine_wake(uv);
}
