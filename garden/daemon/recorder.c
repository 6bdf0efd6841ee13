#include "recorder.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../core/error.h"

enum {
    RECORDER_COMMANDS = 64,
    RECORDER_EVENTS = 32,
    RECORDER_POLL_MS = 5 // how long frames may lie in a ring before anyone looks
};

enum recorder_verb { RECORDER_ADD, RECORDER_SWITCH };

struct recorder_command {
    enum recorder_verb verb;
    struct take *take;
    char path[GARDEN_PATH_MAX];
};

struct recorder {
    const struct garden_staging *staging;
    void (*on_event)(const struct recorder_event *event, void *user);
    void *user;
    void (*closed)(void *user);
    void *closed_user;
    uv_async_t async;
    bool has_async, has_thread;
    pthread_t thread;

    pthread_mutex_t lock; // of all below, up to |takes|
    pthread_cond_t wake;  // the I/O thread's
    bool closing;
    struct recorder_command commands[RECORDER_COMMANDS];
    size_t command_first, command_count;
    struct recorder_event events[RECORDER_EVENTS];
    size_t event_first, event_count;

    // The I/O thread's.
    struct take *takes;
    struct recorder_event event; // being put together
};

// ---- The I/O thread

static int64_t recorder_now_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail for this clock
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Whether there is room for one more event. Only the I/O thread adds any, so the room stays.
static bool recorder_has_room(struct recorder *recorder)
{
    (void)pthread_mutex_lock(&recorder->lock); // cannot fail on a valid mutex
    const bool room = recorder->event_count < RECORDER_EVENTS;
    (void)pthread_mutex_unlock(&recorder->lock);
    return room;
}

static void recorder_tell(struct recorder *recorder, const struct recorder_event *event)
{
    (void)pthread_mutex_lock(&recorder->lock);
    recorder->events[(recorder->event_first + recorder->event_count++) % RECORDER_EVENTS] = *event;
    (void)pthread_mutex_unlock(&recorder->lock);
    (void)uv_async_send(&recorder->async); // fails only for a handle that is no async
}

static void recorder_copy_text(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from ? from : "");
}

// The source has nothing more. With the ring empty, what no chunk holds is missing for good, also
// where no later write will close the gap. Frames that wait there for a chunk get another chance from
// the stop.
static void recorder_settle(const struct take *take, struct recorder_event *event)
{
    // In this order: the last frames are in the ring before the end is told.
    const bool over = flow_ended(take->flow);
    const bool drained = garden_ring_filled(take->ring) == 0;
    const bool starved = garden_capture_state(take->capture) == GARDEN_CAPTURE_STARVED;
    event->ended = over && (drained || starved);
    if (!event->ended || !drained) return;
    event->totals.offered = garden_ring_offered(take->ring);
    event->totals.overrun = event->totals.offered - event->totals.captured;
}

static void recorder_fill_untold(const struct take *take, struct recorder_event *event)
{
    const struct garden_chunk_report *report;
    while (event->untold_count < RECORDER_UNTOLD_MAX &&
           (report = garden_capture_untold(take->capture, event->untold_count)))
        event->untold[event->untold_count++] = *report;
}

static void recorder_fill(struct take *take, const struct garden_capture_event *from,
                          struct recorder_event *to)
{
    const struct garden_chunk_report *chunk = from->chunk;
    *to = (struct recorder_event){
        .kind = from->kind,
        .take = take,
        .result = from->result,
        .recoverable = from->recoverable,
        .standby = from->standby,
        .gap = from->gap,
        .totals = from->totals,
    };
    recorder_copy_text(to->path, sizeof to->path, from->path);
    recorder_copy_text(to->text, sizeof to->text, from->text);
    if (from->kind == GARDEN_CAPTURE_SWITCHED && from->result == GARDEN_OK)
        chunk = garden_capture_answered(take->capture);
    if (from->kind == GARDEN_CAPTURE_HEAD) {
        recorder_settle(take, to);
        if (take->tells_levels) levels_take(&take->levels, &to->levels);
    }
    if (from->kind == GARDEN_CAPTURE_ENDED) recorder_fill_untold(take, to);
    to->has_chunk = chunk != NULL;
    if (chunk) to->chunk = *chunk;
}

static void recorder_drop(struct recorder *recorder, struct take *take)
{
    struct take **at = &recorder->takes;
    while (*at != take)
        at = &(*at)->next;
    *at = take->next;
    garden_writer_fini(&take->writer);
}

// Writes what there is and tells what happened. Returns whether anything was done.
static bool recorder_work(struct recorder *recorder, struct take *take, int64_t now_ms)
{
    if (atomic_exchange(&take->stop_wanted, false)) garden_capture_stop(take->capture, now_ms);
    bool done = garden_writer_run(&take->writer, now_ms) > 0;
    struct garden_capture_event event;
    while (recorder_has_room(recorder) && garden_capture_event(take->capture, now_ms, &event)) {
        done = true;
        recorder_fill(take, &event, &recorder->event);
        const bool last = event.kind == GARDEN_CAPTURE_ENDED ||
                          (event.kind == GARDEN_CAPTURE_STARTED && event.result != GARDEN_OK);
        recorder->event.last = last;
        if (last) recorder_drop(recorder, take);
        recorder_tell(recorder, &recorder->event);
        if (last) return true; // and |take| is its owner's again
    }
    return done;
}

static void recorder_obey_switch(struct recorder *recorder, const struct recorder_command *command,
                                 int64_t now_ms)
{
    struct take *take = command->take;
    struct garden_error error = {0};
    const int result = garden_capture_switch(take->capture, command->path, now_ms, &error);
    if (result == GARDEN_OK) return; // its event will come
    const struct garden_capture_event event = {
        .kind = GARDEN_CAPTURE_SWITCHED,
        .result = result > 0 ? GARDEN_OK : result,
        .text = error.text,
        .path = command->path,
    };
    recorder_fill(take, &event, &recorder->event);
    recorder_tell(recorder, &recorder->event);
}

// A take that has had its last event is not in the list any more, and its address may be nothing's;
// a new one at the same address is added by a later command.
static bool recorder_has(const struct recorder *recorder, const struct take *take)
{
    const struct take *at = recorder->takes;
    while (at && at != take)
        at = at->next;
    return at != NULL;
}

static void recorder_on_written(void *context, const uint8_t *data, uint64_t size)
{
    struct take *take = context;
    levels_add(&take->levels, data, size);
}

static void recorder_obey(struct recorder *recorder, const struct recorder_command *command,
                          int64_t now_ms)
{
    struct take *take = command->take;
    switch (command->verb) {
    case RECORDER_ADD:
        garden_writer_init(&take->writer, recorder->staging, take->capture);
        take->writer.on_written = take->tells_levels ? recorder_on_written : NULL;
        take->writer.context = take;
        take->next = recorder->takes;
        recorder->takes = take;
        break;
    case RECORDER_SWITCH:
        if (recorder_has(recorder, take)) recorder_obey_switch(recorder, command, now_ms);
        break;
    }
}

// A command is not taken while there would be no room for its answer.
static bool recorder_can_obey(const struct recorder *recorder)
{
    return recorder->command_count > 0 && recorder->event_count < RECORDER_EVENTS;
}

// Waits for a command, at most |wait_ms|; below zero: for ever. Returns whether |command| is one.
static bool recorder_await(struct recorder *recorder, int64_t wait_ms,
                           struct recorder_command *command, bool *closing)
{
    bool got = false;
    (void)pthread_mutex_lock(&recorder->lock);
    if (!recorder->closing && !recorder_can_obey(recorder) && wait_ms != 0) {
        struct timespec until = {0};
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += (time_t)(wait_ms / 1000);
        until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        // Woken for nothing, the caller comes back here.
        if (wait_ms < 0)
            (void)pthread_cond_wait(&recorder->wake, &recorder->lock);
        else
            (void)pthread_cond_timedwait(&recorder->wake, &recorder->lock, &until);
    }
    if (recorder_can_obey(recorder)) {
        *command = recorder->commands[recorder->command_first];
        recorder->command_first = (recorder->command_first + 1) % RECORDER_COMMANDS;
        recorder->command_count--;
        got = true;
    }
    *closing = recorder->closing;
    (void)pthread_mutex_unlock(&recorder->lock);
    return got;
}

static void *recorder_run(void *context)
{
    struct recorder *recorder = context;
    bool busy = false, closing = false;
    while (!closing) {
        struct recorder_command command;
        const int64_t wait_ms = busy ? 0 : recorder->takes ? RECORDER_POLL_MS : -1;
        bool got = recorder_await(recorder, wait_ms, &command, &closing);
        const int64_t now_ms = recorder_now_ms();
        for (; got; got = recorder_await(recorder, 0, &command, &closing))
            recorder_obey(recorder, &command, now_ms);
        busy = false;
        struct take *next;
        for (struct take *take = recorder->takes; take; take = next) {
            next = take->next;
            if (recorder_work(recorder, take, now_ms)) busy = true;
        }
    }
    while (recorder->takes)
        recorder_drop(recorder, recorder->takes);
    return NULL;
}

// ---- The loop's side

static void recorder_on_async(uv_async_t *async)
{
    struct recorder *recorder = async->data;
    struct recorder_event event;
    for (;;) {
        (void)pthread_mutex_lock(&recorder->lock);
        const bool got = recorder->event_count > 0 && !recorder->closing;
        if (got) {
            event = recorder->events[recorder->event_first];
            recorder->event_first = (recorder->event_first + 1) % RECORDER_EVENTS;
            recorder->event_count--;
            (void)pthread_cond_signal(&recorder->wake);
        }
        (void)pthread_mutex_unlock(&recorder->lock);
        if (!got) return;
        recorder->on_event(&event, recorder->user);
    }
}

static bool recorder_command(struct recorder *recorder, enum recorder_verb verb, struct take *take,
                             const char *path)
{
    (void)pthread_mutex_lock(&recorder->lock);
    const bool room = recorder->command_count < RECORDER_COMMANDS;
    if (room) {
        const size_t at = (recorder->command_first + recorder->command_count++) % RECORDER_COMMANDS;
        struct recorder_command *command = &recorder->commands[at];
        command->verb = verb;
        command->take = take;
        recorder_copy_text(command->path, sizeof command->path, path);
        (void)pthread_cond_signal(&recorder->wake);
    }
    (void)pthread_mutex_unlock(&recorder->lock);
    return room;
}

bool recorder_add(struct recorder *recorder, struct take *take)
{
    return recorder_command(recorder, RECORDER_ADD, take, NULL);
}

bool recorder_switch(struct recorder *recorder, struct take *take, const char *path)
{
    return recorder_command(recorder, RECORDER_SWITCH, take, path);
}

void recorder_stop(struct take *take)
{
    atomic_store(&take->stop_wanted, true);
}

// ---- Life

// The thread leaves signals to the loop's, and waits by the clock that nobody sets.
static bool recorder_start(struct recorder *recorder)
{
    pthread_condattr_t monotonic;
    sigset_t all, before;
    (void)pthread_condattr_init(&monotonic); // these do not fail on Linux
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&recorder->lock, NULL);
    (void)pthread_cond_init(&recorder->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    recorder->has_thread = pthread_create(&recorder->thread, NULL, recorder_run, recorder) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return recorder->has_thread;
}

int recorder_open(struct recorder **out, uv_loop_t *loop, const struct garden_staging *staging,
                  void (*on_event)(const struct recorder_event *event, void *user), void *user,
                  struct garden_error *error)
{
    *out = NULL;
    struct recorder *recorder = zmtp_alloc(NULL, sizeof *recorder);
    if (!recorder) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for the I/O thread");
    *recorder = (struct recorder){.staging = staging, .on_event = on_event, .user = user};
    if (uv_async_init(loop, &recorder->async, recorder_on_async) < 0) {
        zmtp_free(NULL, recorder, sizeof *recorder);
        return garden__fail(error, GARDEN_ERR_SYSTEM,
                            "no descriptor for the I/O thread; raise the limit of open files");
    }
    recorder->async.data = recorder;
    if (!recorder_start(recorder)) {
        recorder_close(recorder, NULL, NULL);
        return garden__fail(error, GARDEN_ERR_SYSTEM,
                            "no I/O thread could be started; raise the limit of processes");
    }
    *out = recorder;
    return GARDEN_OK;
}

static void recorder_on_closed(uv_handle_t *handle)
{
    struct recorder *recorder = handle->data;
    (void)pthread_cond_destroy(&recorder->wake);
    (void)pthread_mutex_destroy(&recorder->lock);
    if (recorder->closed) recorder->closed(recorder->closed_user);
    zmtp_free(NULL, recorder, sizeof *recorder);
}

void recorder_close(struct recorder *recorder, void (*closed)(void *user), void *user)
{
    recorder->closed = closed;
    recorder->closed_user = user;
    (void)pthread_mutex_lock(&recorder->lock);
    recorder->closing = true;
    (void)pthread_cond_signal(&recorder->wake);
    (void)pthread_mutex_unlock(&recorder->lock);
    if (recorder->has_thread) (void)pthread_join(recorder->thread, NULL);
    uv_close((uv_handle_t *)&recorder->async, recorder_on_closed);
}
