#include "engine.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "../io/uv_socket.h"
#include "../io/watch.h"
#include "../msg/pipe.h"
#include "error.h"
#include "socket.h"
#include "unsent.h"

enum {
    // Turns of the loop for one call of engine_turn; what is left is for the next, or for the watch.
    ENGINE_TURNS = 4,
    // Tries for the lock by a watch that was called. Whoever has it has it for a moment.
    ENGINE_TRIES = 64,
    // How often the watch looks whether calls still do its work; how often in a row no call may have come, while one
    // sleeps, before it looks away; and how often no message, before it does the work of those that come for nothing.
    ENGINE_LEASE_MS = 1,
    ENGINE_STILL = 3,
    ENGINE_IDLE = 64,
    // How long a stream rests between two flushes, or turns: so many times what the last took, and at least so long.
    ENGINE_RESTS = 4,
    ENGINE_REST_NS = 20000,
    // A send that comes so late after the one before, on the average, is not one of a stream that a look at the clock delays.
    ENGINE_SLOW_NS = 1000,
    // How old a look at what is to be read may be before something is written.
    ENGINE_WARY_NS = 50000,
};

static uint64_t engine_now(void)
{
    return uv_hrtime() / 1000000;
}

// -1: for ever.
static int engine_timeout(const struct zmq__engine *engine)
{
    return uv_loop_alive(&engine->loop) ? uv_backend_timeout(&engine->loop) : -1;
}

// Notes when the engine wants to be run next.
static uint64_t engine_note_due(struct zmq__engine *engine)
{
    const int timeout = engine_timeout(engine);
    uint64_t due = UINT64_MAX;
    if (timeout == 0) due = 0;
    if (timeout > 0) due = uv_now(&engine->loop) + (uint64_t)timeout; // that clock is uv_hrtime's
    atomic_store_explicit(&engine->due_ms, due, memory_order_relaxed);
    return due;
}

// When nobody has looked for a while and something is to be read, it may be an end: what is written then, although the other
// side has gone, is lost to who comes in its place. Whether there is something is asked when it matters.
static void engine_beware(struct zmq__engine *engine, uint64_t now_ns)
{
    engine->uv->unsure = now_ns - engine->turned_ns >= ENGINE_WARY_NS;
}

static void engine_trust(struct zmq__engine *engine)
{
    engine->uv->wary = engine->uv->unsure = false;
}

void zmq__engine_turn(struct zmq__engine *engine)
{
    const unsigned turns = atomic_load_explicit(&engine->turns, memory_order_relaxed);
    atomic_store_explicit(&engine->turns, turns + 1, memory_order_relaxed);
    engine->ran = true;
    const uint64_t begun_ns = uv_hrtime();
    engine_beware(engine, begun_ns);
    int i = 0;
    do {
        (void)zmtp_uv_turn(engine->uv); // it is open, and runs nothing of the program's
    } while (++i < ENGINE_TURNS && engine_timeout(engine) == 0);
    engine_trust(engine);
    engine->turned_ns = uv_hrtime();
    engine->turn_ns = engine->turned_ns - begun_ns;
}

// How long to rest after what took |took_ns|.
static uint64_t engine_rest(uint64_t took_ns)
{
    const uint64_t rest_ns = ENGINE_RESTS * took_ns;
    return rest_ns > ENGINE_REST_NS ? rest_ns : ENGINE_REST_NS;
}

// At most a fifth of the time goes into turns: with many connections one that comes too soon writes, and reads, one
// message of each. One that found nothing was short, and the next would most likely find nothing either.
bool zmq__engine_rested(const struct zmq__engine *engine)
{
    return uv_hrtime() - engine->turned_ns >= engine_rest(engine->turn_ns);
}

static void engine_flush(struct zmq__engine *engine)
{
    const uint64_t begun_ns = uv_hrtime();
    engine_beware(engine, begun_ns);
    zmtp__engine_flush(engine->uv);
    zmtp__gather_retry(engine->uv, engine->socket->core);
    engine_trust(engine);
    const uint64_t ended_ns = uv_hrtime();
    engine->flush_ns = ended_ns - begun_ns;
    atomic_store_explicit(&engine->flushed_ns, ended_ns, memory_order_relaxed);
    engine->looked_ns = ended_ns;
    engine->unwritten = engine->look_at = 0;
    engine->ran = true;
}

// So soon after the last flush that another is better left for more to write at once.
static bool engine_flushed(const struct zmq__engine *engine, uint64_t now_ns, uint64_t rest_ns)
{
    const uint64_t last_ns = atomic_load_explicit(&engine->flushed_ns, memory_order_relaxed);
    return now_ns - last_ns < rest_ns;
}

// The clock is looked at again after as many sends as take a part of the shortest rest, if the next take as long. Where they
// come so slowly that a look is little beside them, it is looked at each time.
static void engine_stride(struct zmq__engine *engine, uint64_t now_ns)
{
    const uint64_t since_ns = now_ns - engine->looked_ns;
    const unsigned sends = engine->look_at > 0 ? engine->stride : 1;
    const bool soon = since_ns < ENGINE_REST_NS / ENGINE_RESTS;
    engine->looked_ns = now_ns;
    if (since_ns >= sends * ENGINE_SLOW_NS)
        engine->stride = 1;
    else if (!soon || engine->stride < ZMQ__ENGINE_STRIDE)
        engine->stride = ZMQ__ENGINE_STRIDE;
    else if (engine->stride < ZMQ__ENGINE_STRIDE_MAX)
        engine->stride *= 2;
    engine->look_at = engine->unwritten - 1 + engine->stride;
}

void zmq__engine_sent(struct zmq__engine *engine, size_t size)
{
    zmq__engine_note_moved(engine);
    if (zmtp__gather_ends(engine->uv, engine->socket->core, size)) engine_flush(engine);
}

void zmq__engine_write(struct zmq__engine *engine)
{
    if (zmq__engine_marked(engine))
        engine_flush(engine);
    else
        engine->unwritten = engine->look_at =
            0; // the watch wrote; what is sent next is noted again
}

void zmq__engine_make_way(struct zmq__engine *engine, struct zmtp_bytes id)
{
    if (zmtp__gather_hinders(engine->uv, engine->socket->core, id)) engine_flush(engine);
}

void zmq__engine_received(struct zmq__engine *engine)
{
    zmq__engine_note_moved(engine);
    engine->direct = true;
}

// May what was sent be written by the call that sent it? A reply, or the first message for a while: that
// saves a change of threads. A stream is cheaper in batches: so that at most a fifth of the time goes into
// them, be they to one connection or to a thousand.
static bool engine_direct(struct zmq__engine *engine)
{
    const bool reply = engine->direct;
    engine->direct = false;
    if (reply) return true;
    if (engine->unwritten++ < engine->look_at) return false; // a clock costs as much as a send
    const uint64_t now_ns = uv_hrtime();
    engine_stride(engine, now_ns);
    return !engine_flushed(engine, now_ns, engine_rest(engine->flush_ns));
}

// The watch has something to do here: at once, or as soon as no call has come for a while.
static void engine_call_watch(struct zmq__engine *engine, bool urgent)
{
    if (urgent)
        atomic_store_explicit(&engine->urgent, true, memory_order_relaxed);
    else if (zmq__engine_expects(engine))
        return; // it looks anyway
    if (atomic_load_explicit(&engine->called, memory_order_relaxed)) return;
    if (atomic_exchange_explicit(&engine->called, true, memory_order_acq_rel)) return;
    zmq__loop_post(engine->watch, &engine->errand);
}

// Connections have news of the program's: messages, or room.
static void engine_settle(struct zmq__engine *engine)
{
    const bool awaited = atomic_load_explicit(&engine->awaited, memory_order_relaxed);
    const bool called = atomic_load_explicit(&engine->called, memory_order_relaxed) &&
                        atomic_load_explicit(&engine->urgent, memory_order_relaxed);
    if (called && !awaited && !engine->direct) return; // it is on its way
    // Whoever has more to read will have more to answer.
    const bool more = zmtp_socket_events(engine->socket->core) & ZMTP_READABLE;
    if (awaited || (!more && engine_direct(engine))) {
        engine_flush(engine);
        atomic_store_explicit(&engine->awaited, false, memory_order_relaxed);
        return;
    }
    // Room for what comes in is no hurry: the next call that finds nothing reads on.
    // In a stream the watch comes by itself.
    const bool exposed = atomic_load_explicit(&engine->exposed, memory_order_relaxed);
    const struct zmtp_pipe_end *const end = engine->uv->marks.first;
    const bool unsent = !end || end->in->count > 0;
    if ((unsent || engine->unwritten > 0) && zmq__socket_by_program())
        zmq__unsent_note(engine->socket);
    engine_call_watch(engine, exposed || (!zmq__engine_expects(engine) && unsent));
}

void zmq__engine_leave(struct zmq__engine *engine)
{
    if (zmq__engine_marked(engine)) engine_settle(engine);
    if (!engine->ran) return;
    engine->ran = false;
    if (engine_note_due(engine) < atomic_load_explicit(&engine->alarm_ms, memory_order_relaxed))
        engine_call_watch(engine, true);
}

// The call that slept does not any more, while the watch looks away: if that is for long, the watch has to look again.
static void engine_depart(struct zmq__engine *engine)
{
    if (atomic_load_explicit(&engine->away, memory_order_relaxed)) return; // the timer runs
    pthread_mutex_lock(&engine->watch->mutex);
    if (atomic_load_explicit(&engine->dormant, memory_order_relaxed)) {
        engine->away_entries = atomic_load_explicit(&engine->entries, memory_order_relaxed);
        atomic_store_explicit(&engine->away, true, memory_order_relaxed);
        if (engine->watch->away++ == 0) zmq__loop_recall(engine->watch, ENGINE_LEASE_MS);
    }
    pthread_mutex_unlock(&engine->watch->mutex);
}

// Under the watch's lock.
static void engine_be_back(struct zmq__engine *engine)
{
    if (!atomic_load_explicit(&engine->away, memory_order_relaxed)) return;
    atomic_store_explicit(&engine->away, false, memory_order_relaxed);
    if (--engine->watch->away == 0) zmq__loop_recall(engine->watch, 0);
}

// It sleeps again. When it has done so just before, there will be more such sleeps than a timer is worth to be set for.
static void engine_return(struct zmq__engine *engine)
{
    const uint64_t now_ns = uv_hrtime(), last_ns = engine->back_ns;
    if (now_ns - last_ns < ENGINE_LEASE_MS * UINT64_C(1000000)) return;
    engine->back_ns = now_ns;
    pthread_mutex_lock(&engine->watch->mutex);
    engine_be_back(engine);
    pthread_mutex_unlock(&engine->watch->mutex);
}

bool zmq__engine_doze(struct zmq__engine *engine, int *timeout_ms)
{
    if (zmq__engine_marked(engine)) engine_flush(engine);
    const uint64_t due = engine_note_due(engine);
    if (due == 0) return false;
    if (due != UINT64_MAX) {
        const uint64_t now = engine_now(),
                       left = due > now ? due - now : 1; // clocks differ a little
        if (*timeout_ms < 0 || left < (uint64_t)*timeout_ms) *timeout_ms = (int)left;
    }
    engine->direct = true;
    atomic_fetch_add_explicit(&engine->tended, 1, memory_order_seq_cst);
    if (atomic_load_explicit(&engine->away, memory_order_relaxed)) engine_return(engine);
    return true;
}

void zmq__engine_rise(struct zmq__engine *engine)
{
    atomic_fetch_sub_explicit(&engine->tended, 1, memory_order_seq_cst);
    zmq__engine_enter(engine);
    if (atomic_load_explicit(&engine->dormant, memory_order_seq_cst)) engine_depart(engine);
}

int zmq__engine_fd(const struct zmq__engine *engine)
{
    return uv_backend_fd(&engine->loop);
}

void zmq__engine_expose(struct zmq__engine *engine)
{
    if (!atomic_exchange_explicit(&engine->exposed, true, memory_order_seq_cst))
        engine_call_watch(engine, true);
}

// From here on the watch's thread.

static bool engine_leased(const struct zmq__engine *engine)
{
    return atomic_load_explicit(&engine->leased, memory_order_relaxed);
}

// It looks again.
static void engine_wake(struct zmq__engine *engine)
{
    struct zmq__loop *const watch = engine->watch;
    if (!atomic_load_explicit(&engine->dormant, memory_order_relaxed))
        return; // only the watch says that it is
    pthread_mutex_lock(&watch->mutex);
    atomic_store_explicit(&engine->dormant, false, memory_order_seq_cst);
    engine_be_back(engine);
    pthread_mutex_unlock(&watch->mutex);
    if (engine->dormant_before)
        engine->dormant_before->dormant_next = engine->dormant_next;
    else
        watch->dormant = engine->dormant_next;
    if (engine->dormant_next) engine->dormant_next->dormant_before = engine->dormant_before;
    engine->dormant_next = engine->dormant_before = NULL;
}

static void engine_end_lease(struct zmq__engine *engine)
{
    if (!engine_leased(engine)) return;
    atomic_store_explicit(&engine->leased, false, memory_order_relaxed);
    struct zmq__loop *const watch = engine->watch;
    struct zmq__engine *const next = engine->leased_next, *const before = engine->leased_before;
    *(before ? &before->leased_next : &watch->leased) = next;
    *(next ? &next->leased_before : &watch->leased_last) = before;
    engine->leased_next = engine->leased_before = NULL;
    if (!watch->leased) uv_timer_stop(&watch->leases);
}

static void engine_stop_looking(struct zmq__engine *engine)
{
    if (engine->looking) (void)uv_poll_stop(&engine->poll);
    engine->looking = false;
}

// If a call sleeps, and so looks at the descriptor itself, the watch looks away.
static bool engine_hibernate(struct zmq__engine *engine)
{
    if (atomic_load_explicit(&engine->tended, memory_order_relaxed) == 0) return false;
    struct zmq__loop *const watch = engine->watch;
    pthread_mutex_lock(&watch->mutex);
    atomic_store_explicit(&engine->dormant, true, memory_order_seq_cst);
    // Whoever has risen meanwhile has seen that, or is seen here.
    const bool sleeps = atomic_load_explicit(&engine->tended, memory_order_seq_cst) > 0;
    if (!sleeps) atomic_store_explicit(&engine->dormant, false, memory_order_seq_cst);
    pthread_mutex_unlock(&watch->mutex);
    if (!sleeps) return false;
    engine_end_lease(engine);
    engine_stop_looking(engine);
    engine->dormant_next = watch->dormant;
    if (engine->dormant_next) engine->dormant_next->dormant_before = engine;
    watch->dormant = engine;
    return true;
}

static void engine_ready(uv_poll_t *poll, int status, int events);

static void engine_look(struct zmq__engine *engine)
{
    engine_end_lease(engine);
    engine_wake(engine);
    if (engine->looking) return;
    engine->looking = true;
    (void)uv_poll_start(&engine->poll, UV_READABLE, engine_ready); // it is not closing
}

static void engine_leases(uv_timer_t *timer);

static void engine_lease(struct zmq__engine *engine)
{
    engine_stop_looking(engine);
    engine->still = engine->idle = 0;
    engine_wake(engine);
    if (engine_leased(engine)) return;
    atomic_store_explicit(&engine->leased, true, memory_order_relaxed);
    engine->seen_entries = atomic_load_explicit(&engine->entries, memory_order_relaxed);
    engine->seen_turns = atomic_load_explicit(&engine->turns, memory_order_relaxed);
    engine->seen_moved = atomic_load_explicit(&engine->moved, memory_order_relaxed);
    // Last, so that they are seen to in the order in which their sockets were used.
    struct zmq__loop *const watch = engine->watch;
    engine->leased_before = watch->leased_last;
    *(watch->leased ? &watch->leased_last->leased_next : &watch->leased) = engine;
    watch->leased_last = engine;
    if (!uv_is_active((uv_handle_t *)&watch->leases))
        uv_timer_start(&watch->leases, engine_leases, ENGINE_LEASE_MS, ENGINE_LEASE_MS);
}

static void engine_rung(uv_timer_t *timer);

// Sets the alarm for what the engine wants.
static void engine_schedule(struct zmq__engine *engine)
{
    const uint64_t due = atomic_load_explicit(&engine->due_ms, memory_order_relaxed);
    if (engine->retired && !uv_is_active((uv_handle_t *)&engine->poll)) return; // it ends
    if (due != atomic_load_explicit(&engine->alarm_ms, memory_order_relaxed) ||
        (due != UINT64_MAX && !uv_is_active((uv_handle_t *)&engine->alarm))) {
        atomic_store_explicit(&engine->alarm_ms, due, memory_order_relaxed);
        const uint64_t now = engine_now(), soon = due > 0 ? 1 : 0; // clocks differ a little
        if (due == UINT64_MAX)
            uv_timer_stop(&engine->alarm);
        else
            uv_timer_start(&engine->alarm, engine_rung, due > now ? due - now : soon, 0);
    }
}

static void engine_uv_closed(void *user)
{
    struct zmq__engine *engine = user;
    engine->closed = true;
}

static void engine_handle_closed(uv_handle_t *handle)
{
    struct zmq__engine *engine = handle->data;
    if (--engine->handles > 0) return;
    struct zmq__socket *const socket = engine->socket;
    atomic_fetch_sub_explicit(&engine->watch->load, 1, memory_order_relaxed);
    zmtp_free(zmtp_heap(), engine, sizeof *engine);
    zmq__socket_gone(socket);
}

// Nobody else knows it any more: runs it, and ends it when nothing is left.
static void engine_run_alone(struct zmq__engine *engine)
{
    if (!engine->looking) return; // it has ended
    if (engine->uv) zmq__engine_turn(engine);
    if (!engine->closing && engine->socket->abroad == 0) {
        engine->closing = true;
        zmtp_uv_close(engine->uv, engine_uv_closed, engine);
        engine->uv = NULL;
    }
    for (int i = 0; i < ENGINE_TURNS && engine->closing && uv_loop_alive(&engine->loop); i++)
        uv_run(&engine->loop, UV_RUN_NOWAIT);
    if (!engine->closed || uv_loop_alive(&engine->loop)) {
        (void)engine_note_due(engine);
        engine_schedule(engine);
        return;
    }
    engine->looking = false;
    engine_end_lease(engine);
    uv_close((uv_handle_t *)&engine->poll, engine_handle_closed);
    uv_close((uv_handle_t *)&engine->alarm, engine_handle_closed);
    (void)uv_loop_close(&engine->loop); // nothing is left in it, and nobody looks at its descriptor
}

// Runs the engine, if nobody holds the lock.
static bool engine_visit(struct zmq__engine *engine)
{
    if (engine->retired) {
        engine_run_alone(engine);
        return true;
    }
    if (!zmq__socket_visit(engine->socket)) return false;
    engine->pleading = false;
    engine_schedule(engine);
    return true;
}

// Is its socket being closed? Whoever does so keeps the lock, and what is left is done when the engine retires.
static bool engine_left(const struct zmq__engine *engine)
{
    return atomic_load_explicit(&engine->socket->handle.tag, memory_order_relaxed) !=
           ZMQ__TAG_SOCKET;
}

// The same of one that is held by calls, each for a moment.
static bool engine_insist(struct zmq__engine *engine)
{
    for (int i = 0; i < ENGINE_TRIES; i++) {
        if (engine_visit(engine)) {
            atomic_store_explicit(&engine->awaited, false, memory_order_relaxed);
            return true;
        }
        if (engine_left(engine)) break;
        atomic_store_explicit(&engine->awaited, true, memory_order_relaxed);
        sched_yield();
    }
    engine->pleading = true;
    engine_lease(engine);
    return false;
}

static void engine_ready(uv_poll_t *poll, int status, int events)
{
    struct zmq__engine *engine = poll->data;
    (void)status; // nothing can be wrong with it
    (void)events;
    if (engine->retired || atomic_load_explicit(&engine->exposed, memory_order_relaxed))
        (void)engine_insist(engine);
    else if (!engine_hibernate(engine) && !engine_visit(engine))
        engine_lease(engine);
}

static void engine_rung(uv_timer_t *timer)
{
    struct zmq__engine *engine = timer->data;
    (void)engine_insist(engine);
}

// Calls have ceased. First the lease ends, then what was no hurry is done: a call that still relies on the lease is seen to
// here, as is one that is inside; who comes later calls the watch.
static void engine_take_over(struct zmq__engine *engine)
{
    engine_look(engine);
    if (!engine_visit(engine)) engine_lease(engine);
}

// Is a call there that does what there is to do?
static void engine_check_lease(struct zmq__engine *engine)
{
    const unsigned entries = atomic_load_explicit(&engine->entries, memory_order_relaxed);
    const unsigned turns = atomic_load_explicit(&engine->turns, memory_order_relaxed);
    const unsigned moved = atomic_load_explicit(&engine->moved, memory_order_relaxed);
    const bool still = entries == engine->seen_entries && moved == engine->seen_moved;
    const bool unrun = turns == engine->seen_turns;
    engine->seen_entries = entries;
    engine->seen_turns = turns;
    engine->still = still ? engine->still + 1 : 0;
    engine->idle = moved == engine->seen_moved ? engine->idle + 1 : 0;
    engine->seen_moved = moved;
    if (engine->pleading) (void)engine_visit(engine);
    if (engine->pleading) return;
    if (atomic_load_explicit(&engine->exposed, memory_order_relaxed)) {
        engine_look(engine);
    } else if (atomic_load_explicit(&engine->tended, memory_order_seq_cst) > 0) {
        if (engine->still >= ENGINE_STILL)
            (void)engine_hibernate(engine);
        else if (engine->idle >= ENGINE_IDLE && !still)
            engine_look(engine);
    } else if (still) {
        engine_take_over(engine);
    } else if (unrun) {
        (void)engine_visit(engine); // calls come, and only send
    }
}

// Each that is leased now, once: one whose lease begins anew meanwhile is last then, and not come to again. To look for it in
// vain for as long as a call holds its lock would hold up all others, and that call, too, if it waits for the watch.
static void engine_leases(uv_timer_t *timer)
{
    struct zmq__loop *watch = timer->data;
    struct zmq__engine *const last = watch->leased_last;
    struct zmq__engine *next, *engine = watch->leased;
    bool more = engine != NULL;
    if (zmq__latch_awaited()) zmq__latch_prepare(); // no call waits for that here
    for (; more; engine = next) {
        next = engine->leased_next;
        more = engine != last && next;
        engine_check_lease(engine);
    }
}

// Some call has not slept again since the timer was set, or has done so again and again.
static void engine_recalled(uv_poll_t *poll, int status, int events)
{
    struct zmq__loop *watch = poll->data;
    struct zmq__engine *next;
    uint64_t expirations;
    (void)status; // nothing can be wrong with it
    (void)events;
    if (read(watch->recall_fd, &expirations, sizeof expirations) < 0) return; // it was set anew
    for (struct zmq__engine *engine = watch->dormant; engine; engine = next) {
        next = engine->dormant_next;
        if (!atomic_load_explicit(&engine->away, memory_order_relaxed)) continue;
        pthread_mutex_lock(&watch->mutex);
        const unsigned since = engine->away_entries;
        pthread_mutex_unlock(&watch->mutex);
        if (atomic_load_explicit(&engine->entries, memory_order_relaxed) == since)
            engine_take_over(engine);
        else
            engine_lease(engine);
    }
    // Who went away meanwhile, while others were, has set no timer.
    pthread_mutex_lock(&watch->mutex);
    if (watch->away > 0) zmq__loop_recall(watch, ENGINE_LEASE_MS);
    pthread_mutex_unlock(&watch->mutex);
}

static void engine_run_errand(struct zmq__loop *watch, struct zmq__task *task)
{
    struct zmq__engine *engine =
        (struct zmq__engine *)((char *)task - offsetof(struct zmq__engine, errand));
    (void)watch;
    atomic_store_explicit(&engine->called, false, memory_order_seq_cst);
    const bool urgent = atomic_exchange_explicit(&engine->urgent, false, memory_order_relaxed);
    const bool exposed = atomic_load_explicit(&engine->exposed, memory_order_relaxed);
    if (!urgent && !exposed) {
        engine_lease(engine);
        return;
    }
    const uint64_t now_ns = uv_hrtime(), last_ns = engine->errand_ns;
    engine->errand_ns = now_ns;
    if (!engine_insist(engine) || engine->retired) return;
    if (!exposed && now_ns - last_ns < ENGINE_LEASE_MS * UINT64_C(1000000)) {
        engine_lease(engine); // errands come in a stream
        return;
    }
    if (exposed || (!engine->looking && !engine_leased(engine))) engine_look(engine);
}

static void engine_retire_there(struct zmq__loop *watch, struct zmq__task *task)
{
    struct zmq__engine *engine =
        (struct zmq__engine *)((char *)task - offsetof(struct zmq__engine, retirement));
    (void)watch;
    engine->retired = true;
    engine_look(engine);
    engine_run_alone(engine);
}

// An errand that is on its way was posted under the lock, so it runs before, and no other comes.
void zmq__engine_retire(struct zmq__engine *engine)
{
    engine->retirement.run = engine_retire_there;
    zmq__loop_post(engine->watch, &engine->retirement);
}

// What opening asks of the watch.
struct engine_birth {
    struct zmq__task task;
    struct zmq__engine *engine;
    int error;
};

static void engine_open_there(struct zmq__loop *watch, struct zmq__task *task)
{
    struct engine_birth *birth = (struct engine_birth *)task; // its first member
    struct zmq__engine *engine = birth->engine;
    const int fd = uv_backend_fd(&engine->loop);
    birth->error = UV_ENOMEM;
    if (zmtp__watch_affords(&watch->loop, fd))
        birth->error = uv_poll_init(&watch->loop, &engine->poll, fd);
    if (birth->error < 0) return;
    uv_timer_init(&watch->loop, &engine->alarm);
    engine->poll.data = engine->alarm.data = engine;
    engine->handles = 2;
    if (!uv_is_active((uv_handle_t *)&watch->recall)) {
        (void)uv_poll_start(&watch->recall, UV_READABLE, engine_recalled); // it is not closing
    }
    engine_look(engine);
}

static void engine_undo(struct zmq__engine *engine)
{
    if (engine->uv) zmtp_uv_close(engine->uv, NULL, NULL);
    while (uv_run(&engine->loop, UV_RUN_NOWAIT)) {
        // Handles close at once.
    }
    (void)uv_loop_close(&engine->loop);
    zmtp_free(zmtp_heap(), engine, sizeof *engine);
}

int zmq__engine_open(struct zmq__engine **out, struct zmq__socket *socket, struct zmq__loop *watch)
{
    struct zmq__engine *engine = zmtp_alloc(zmtp_heap(), sizeof *engine);
    *out = NULL;
    if (!engine) return ENOMEM;
    memset(engine, 0, sizeof *engine);
    engine->socket = socket;
    engine->watch = watch;
    engine->errand.run = engine_run_errand;
    atomic_init(&engine->due_ms, UINT64_MAX);
    atomic_init(&engine->alarm_ms, UINT64_MAX);
    int error = zmq__loop_init(&engine->loop);
    if (error < 0) {
        zmtp_free(zmtp_heap(), engine, sizeof *engine);
        return error == UV_ENOMEM ? ENOMEM : EMFILE;
    }
    error = zmtp_uv_open(&engine->uv, &engine->loop, NULL);
    // Calls spin, where that is worth it. The loop never sleeps here: it has nothing to learn from, and nothing to save.
    if (error == ZMTP_OK) (void)zmtp_uv_spin(engine->uv, 0);
    struct engine_birth birth = {.task = {.run = engine_open_there}, .engine = engine};
    if (error == ZMTP_OK) zmq__loop_call(watch, &birth.task);
    if (error == ZMTP_OK && birth.error < 0)
        error = birth.error == UV_ENOMEM ? ZMTP_ERR_MEMORY : ZMTP_ERR_DESCRIPTORS;
    if (error < 0) {
        engine_undo(engine);
        return zmq__errno_of(error);
    }
    *out = engine;
    return 0;
}
