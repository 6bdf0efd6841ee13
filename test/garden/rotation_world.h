// Both sides of one stream in one process, with a network that loses what it likes: a world of its own for each test.
#ifndef TEST_GARDEN_ROTATION_WORLD_H
#define TEST_GARDEN_ROTATION_WORLD_H

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include <garden/store.h>

#include "fixture.h"
#include "garden/core/rotation.h"

// Both sides of one stream in one process, with files that are real and a network that is not: it
// loses, doubles, delays and reorders as a seed says. Frames of four octets hold their position.
enum { CHUNK_FRAMES = 10, NET_SIZE = 32, RING_FRAMES = 64 };

enum net_kind { NET_NOTHING, NET_REQUEST, NET_REPLY, NET_FULL, NET_HEAD };
struct net_message {
    enum net_kind kind;
    int64_t at;
    enum garden_request_kind request;
    uint64_t token;
    int result;
    char path[GARDEN_PATH_MAX];
    bool has_report, has_totals;
    struct garden_chunk_report report, more[3];
    size_t more_count;
    struct garden_capture_totals totals;
};

struct daemon {
    struct garden_staging staging;
    struct garden_ring *ring;
    struct garden_capture *capture; // null: no stream
    struct garden_writer writer;
    uint64_t switch_token, stop_token, start_token; // to answer when it is time
};

struct world {
    struct folder folder;
    struct garden_store *store;
    struct garden_recording *recording;
    struct daemon daemon;
    struct net_message net[NET_SIZE];
    int64_t now;
    uint32_t random, position;
    unsigned loss, doubling; // of 100
    int64_t delay;           // at most
    uint64_t frames_max;     // that are wished for; 0: all
};

static const struct garden_stream_format mono32 = {.kind = GARDEN_STREAM_AUDIO,
                                                   .sample_rate = 48000,
                                                   .channels = 1,
                                                   .sample = GARDEN_SAMPLE_S32_LE};

static inline struct garden_instant instant(const struct world *w)
{
    return (struct garden_instant){.mono_ms = w->now, .wall_ns = (w->now + 1000) * 1000000};
}

static inline uint32_t dice(struct world *w, uint32_t sides)
{
    w->random = w->random * 1664525u + 1013904223u;
    return (w->random >> 8) % sides;
}

static inline void net_put(struct world *w, const struct net_message *message)
{
    for (size_t i = 0; i < NET_SIZE; i++) {
        if (w->net[i].kind != NET_NOTHING) continue;
        w->net[i] = *message;
        w->net[i].at = w->now + (w->delay > 0 ? (int64_t)dice(w, (uint32_t)w->delay) : 0);
        return;
    }
    // A full network loses.
}

static inline void net_send(struct world *w, const struct net_message *message)
{
    if (dice(w, 100) >= w->loss) net_put(w, message);
    if (dice(w, 100) < w->doubling) net_put(w, message);
}

static inline void net_answer(struct world *w, uint64_t *token, int result,
                              const struct garden_chunk_report *report,
                              const struct garden_capture_totals *totals)
{
    struct net_message reply = {.kind = NET_REPLY, .token = *token, .result = result};
    if (*token == 0) return;
    reply.has_report = report != NULL;
    if (report != NULL) reply.report = *report;
    reply.has_totals = totals != NULL;
    if (totals != NULL) reply.totals = *totals;
    while (totals != NULL && reply.more_count < 3 &&
           garden_capture_untold(w->daemon.capture, reply.more_count) != NULL) {
        reply.more[reply.more_count] = *garden_capture_untold(w->daemon.capture, reply.more_count);
        reply.more_count++;
    }
    net_send(w, &reply);
    *token = 0;
}

static inline void daemon_start(struct world *w, const struct net_message *m)
{
    struct daemon *d = &w->daemon;
    uint64_t token = m->token;
    const struct garden_capture_config config = {
        .uri = "stream://test/main", .format = mono32, .chunk_size = CHUNK_FRAMES * 4};
    if (d->capture != NULL && garden_capture_state(d->capture) != GARDEN_CAPTURE_OPENING) {
        net_answer(w, &token, garden_capture_knows(d->capture, m->path) ? 0 : GARDEN_ERR_EXISTS,
                   NULL, NULL);
        return;
    }
    d->start_token = m->token;
    if (d->capture != NULL) return; // a repeat, with the same answer
    assert_int_equal(
        garden_capture_open(NULL, &config, d->ring, m->path, w->now, &d->capture, NULL), GARDEN_OK);
    garden_writer_init(&d->writer, &d->staging, d->capture);
}

static inline void daemon_request(struct world *w, const struct net_message *m)
{
    struct daemon *d = &w->daemon;
    uint64_t token = m->token;
    struct garden_error error;
    if (m->request == GARDEN_REQUEST_START) {
        daemon_start(w, m);
    } else if (d->capture == NULL) {
        net_answer(w, &token, GARDEN_ERR_NOT_FOUND, NULL, NULL);
    } else if (m->request == GARDEN_REQUEST_STOP) {
        d->stop_token = m->token;
        garden_capture_stop(d->capture, w->now);
    } else {
        const int result = garden_capture_switch(d->capture, m->path, w->now, &error);
        if (result == GARDEN_OK)
            d->switch_token = m->token;
        else
            net_answer(w, &token, result < 0 ? result : GARDEN_OK,
                       garden_capture_answered(d->capture), NULL);
    }
}

static inline void daemon_event(struct world *w, const struct garden_capture_event *event)
{
    struct daemon *d = &w->daemon;
    struct net_message m = {.kind = NET_NOTHING};
    switch (event->kind) {
    case GARDEN_CAPTURE_STARTED:
        net_answer(w, &d->start_token, event->result, NULL, NULL);
        break;
    case GARDEN_CAPTURE_SWITCHED:
        net_answer(w, &d->switch_token, event->result, garden_capture_answered(d->capture), NULL);
        break;
    case GARDEN_CAPTURE_ENDED:
        garden_writer_fini(&d->writer);
        net_answer(w, &d->stop_token, GARDEN_OK, event->chunk, &event->totals);
        break;
    case GARDEN_CAPTURE_CHUNK_FULL:
        m.kind = NET_FULL;
        m.report = *event->chunk;
        net_send(w, &m);
        break;
    case GARDEN_CAPTURE_HEAD:
        if (event->path == NULL) break;
        m.kind = NET_HEAD;
        snprintf(m.path, sizeof m.path, "%s", event->path);
        net_send(w, &m);
        break;
    case GARDEN_CAPTURE_NONE:
    case GARDEN_CAPTURE_OVERRUN:
    case GARDEN_CAPTURE_ERROR:
        break;
    }
}

static inline void daemon_run(struct world *w)
{
    struct daemon *d = &w->daemon;
    struct garden_capture_event event;
    if (d->capture == NULL) return;
    (void)garden_writer_run(&d->writer, w->now);
    while (garden_capture_event(d->capture, w->now, &event)) {
        daemon_event(w, &event);
        (void)garden_writer_run(&d->writer, w->now);
    }
    if (garden_capture_state(d->capture) != GARDEN_CAPTURE_REFUSED) return;
    garden_capture_close(d->capture);
    d->capture = NULL;
}

static inline void net_deliver(struct world *w)
{
    for (size_t i = 0; i < NET_SIZE; i++) {
        if (w->net[i].kind == NET_NOTHING || w->net[i].at > w->now) continue;
        const struct net_message m = w->net[i];
        w->net[i].kind = NET_NOTHING;
        if (m.kind == NET_REQUEST) daemon_request(w, &m);
        if (w->recording == NULL) continue;
        for (size_t k = 0; k < m.more_count; k++)
            garden_recording_chunk_full(w->recording, instant(w), &m.more[k]);
        if (m.kind == NET_REPLY)
            garden_recording_reply(w->recording, instant(w), m.token, m.result,
                                   m.has_report ? &m.report : NULL,
                                   m.has_totals ? &m.totals : NULL);
        if (m.kind == NET_FULL) garden_recording_chunk_full(w->recording, instant(w), &m.report);
        if (m.kind == NET_HEAD) garden_recording_head(w->recording, instant(w), m.path);
    }
}

static inline int client_run(struct world *w, struct garden_error *error)
{
    struct garden_recording_request request;
    const int result = garden_recording_work(w->recording, instant(w), error);
    while (garden_recording_request(w->recording, instant(w), &request)) {
        struct net_message m = {
            .kind = NET_REQUEST, .request = request.kind, .token = request.token};
        if (request.path != NULL) snprintf(m.path, sizeof m.path, "%s", request.path);
        net_send(w, &m);
    }
    return result;
}

static inline void world_step(struct world *w)
{
    struct garden_error error;
    net_deliver(w);
    daemon_run(w);
    if (w->recording != NULL) (void)client_run(w, &error); // what fails is tried again
    w->now += 10;
}

static inline void world_offer(struct world *w, uint32_t count)
{
    uint32_t frames[64];
    for (uint32_t i = 0; i < count; i++)
        frames[i] = w->position + i;
    w->position += count;
    (void)garden_ring_write(w->daemon.ring, frames, count); // the ring counts what it drops
}

static inline void world_steps(struct world *w, int count)
{
    for (int i = 0; i < count; i++)
        world_step(w);
}

// Three frames and a step, so often.
static inline void world_play(struct world *w, int times)
{
    for (int i = 0; i < times; i++) {
        world_offer(w, 3);
        world_step(w);
    }
}

static inline void world_store(struct world *w, const struct garden_fs *fs)
{
    struct garden_error error;
    const struct garden_store_config config = {.root = w->folder.path, .fs = fs};
    assert_int_equal(garden_store_open(&config, &w->store, &error), GARDEN_OK);
}

static inline void world_record(struct world *w)
{
    struct garden_error error;
    const struct garden_recording_config config = {.uri = "stream://test/main",
                                                   .format = mono32,
                                                   .chunk_size = CHUNK_FRAMES * 4,
                                                   .definition = zmtp_bytes_text("{}"),
                                                   .retry_ms = 100,
                                                   .frames_max = w->frames_max};
    assert_int_equal(garden_recording_open(w->store, &config, instant(w), &w->recording, &error),
                     GARDEN_OK);
}

static inline void world_daemon(struct world *w)
{
    assert_int_equal(
        garden_staging_open(&w->daemon.staging, NULL, garden_store_staging(w->store), NULL),
        GARDEN_OK);
    assert_int_equal(garden_ring_open(NULL, 4, RING_FRAMES, &w->daemon.ring), GARDEN_OK);
}

static inline void world_begin(struct world *w, uint32_t seed)
{
    memset(w, 0, sizeof *w);
    w->random = seed;
    folder_make(&w->folder);
    world_store(w, NULL);
    world_daemon(w);
}

static inline void world_end(struct world *w)
{
    garden_recording_close(w->recording);
    if (w->daemon.capture != NULL) garden_writer_fini(&w->daemon.writer);
    garden_capture_close(w->daemon.capture);
    garden_ring_close(w->daemon.ring);
    garden_staging_close(&w->daemon.staging);
    garden_store_close(w->store);
    folder_remove(&w->folder);
}

static inline void world_until_done(struct world *w, int64_t patience_ms)
{
    const int64_t until = w->now + patience_ms;
    while (w->now < until && garden_recording_state(w->recording) != GARDEN_RECORDING_DONE)
        world_step(w);
    assert_int_equal(garden_recording_state(w->recording), GARDEN_RECORDING_DONE);
}

static inline bool count_staged(void *context, const char *name)
{
    // Half-written temporary files are the next opening's to sweep.
    if (strstr(name, ".tmp") == NULL) ++*(int *)context;
    return true;
}

static inline int staged(const struct world *w)
{
    int count = 0;
    assert_int_equal(garden_store_each_staged(w->store, count_staged, &count, NULL), GARDEN_OK);
    return count;
}

// Reads the stream back: every frame must be at the position that it holds itself.
static inline void check_stream(const struct world *w, const struct garden_manifest *manifest)
{
    size_t gap = 0;
    uint64_t position = 0;
    for (size_t i = 0; i < manifest->chunk_count; i++) {
        uint8_t *data = NULL;
        size_t size = 0;
        assert_int_equal(
            garden_store_get(w->store, &manifest->chunks[i].hash, 1 << 20, &data, &size, NULL),
            GARDEN_OK);
        assert_int_equal(size, manifest->chunks[i].byte_count);
        for (size_t k = 0; k < size / 4; k++, position++) {
            uint32_t frame;
            memcpy(&frame, data + 4 * k, 4);
            if (gap < manifest->gap_count && manifest->gaps[gap].first == position)
                position += manifest->gaps[gap++].count;
            if (k == 0) assert_int_equal(manifest->chunks[i].first_sample, position);
            assert_int_equal(frame, position);
        }
        zmtp_free(zmtp_heap(), data, size);
    }
}

// Where the recording ends: with the stream, or where no more was wished for.
static inline uint64_t wished_end(const struct world *w)
{
    return w->frames_max > 0 && w->frames_max < w->position ? w->frames_max : w->position;
}

static inline void check_done(const struct world *w, bool complete)
{
    struct garden_manifest manifest;
    struct garden_error error = {0};
    const struct garden_hash hash = garden_recording_manifest_hash(w->recording);
    assert_int_equal(garden_manifest_load(w->store, &hash, &manifest, &error), GARDEN_OK);
    if (garden_manifest_verify(&manifest, w->store, &error) != GARDEN_OK)
        fail_msg("%s", error.text);
    assert_int_equal(manifest.complete, complete);
    if (complete) assert_int_equal(garden_manifest_end(&manifest), wished_end(w));
    check_stream(w, &manifest);
    assert_int_equal(staged(w), 0);
    garden_manifest_fini(&manifest);
}

// Drops the daemon as a kill does: its descriptors close, nothing else happens.
static inline void daemon_kill(struct world *w)
{
    struct daemon *d = &w->daemon;
    for (int i = 0; i < 2; i++)
        if (d->writer.chunks[i].file >= 0) (void)close(d->writer.chunks[i].file);
    if (d->capture != NULL && d->writer.hold >= 0) (void)close(d->writer.hold);
    garden_capture_close(d->capture);
    garden_ring_close(d->ring);
    garden_staging_close(&d->staging);
    memset(d, 0, sizeof *d);
    memset(w->net, 0, sizeof w->net);
    world_daemon(w);
}

// ---- A client killed at each step

struct killer {
    struct garden_fs fs;
    int left;
};

static inline void killer_step(void *context, const char *name)
{
    struct killer *killer = context;
    (void)name;
    if (--killer->left == 0) (void)kill(getpid(), SIGKILL);
}

// From now on this process is killed at its |at|-th step in the store.
static inline void world_kill_at(struct world *w, struct killer *killer, int at)
{
    *killer = (struct killer){.fs = *garden__fs_system(), .left = at};
    killer->fs.context = killer;
    killer->fs.step = killer_step;
    garden_store_close(w->store);
    world_store(w, &killer->fs);
}

static inline void client_killed_life(struct world *w, int at)
{
    struct killer killer;
    world_kill_at(w, &killer, at);
    world_record(w);
    for (int i = 0; i < 60; i++) {
        if (w->daemon.capture != NULL) world_offer(w, 3);
        world_step(w);
    }
    garden_recording_stop(w->recording, instant(w));
    while (garden_recording_state(w->recording) != GARDEN_RECORDING_DONE)
        world_step(w);
    _exit(w->position < 30 ? 2 : 0); // a life to its end, and one worth the name
}

static inline bool take_run(void *context, const char *run)
{
    strcpy(context, run);
    return false;
}

// The client is not there any more, and its recording is salvaged.
static inline void world_salvage(struct world *w, struct garden_manifest *out)
{
    struct garden_hash hash;
    char run[64] = "";
    size_t lost = 0;
    garden_recording_close(w->recording);
    w->recording = NULL;
    assert_int_equal(garden_recording_each_left(w->store, take_run, run, NULL), GARDEN_OK);
    assert_int_equal(garden_recording_salvage(w->store, run, instant(w), &hash, &lost, NULL),
                     GARDEN_OK);
    assert_int_equal(garden_manifest_load(w->store, &hash, out, NULL), GARDEN_OK);
}

// The whole world dies with the client here, daemon included; what is left is the folder.
static inline bool client_killed_at(int at, uint64_t frames_max)
{
    struct world w;
    int status = 0;
    char run[64] = "";
    struct garden_error error = {0};
    world_begin(&w, 7);
    w.frames_max = frames_max;
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) client_killed_life(&w, at);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    assert_int_equal(garden_recording_each_left(w.store, take_run, run, NULL), GARDEN_OK);
    assert_true(garden_store_verify_all(w.store, NULL, NULL, NULL, NULL) == 0);
    if (run[0] != '\0') {
        const int result = garden_recording_resume(w.store, run, instant(&w), &w.recording, &error);
        if (result == GARDEN_ERR_FORMAT) {
            // Killed before its first record was whole: nothing was captured yet, and nothing stays.
            struct garden_hash hash;
            size_t lost = 0;
            assert_true(at <= 10);
            assert_int_equal(
                garden_recording_salvage(w.store, run, instant(&w), &hash, &lost, &error),
                GARDEN_ERR_NOT_FOUND);
            assert_int_equal(staged(&w), 0);
        } else {
            if (result != GARDEN_OK) fail_msg("step %d: %s", at, error.text);
            garden_recording_abandon(w.recording, instant(&w));
            world_until_done(&w, 10000);
            struct garden_manifest manifest;
            const struct garden_hash hash = garden_recording_manifest_hash(w.recording);
            assert_int_equal(garden_manifest_load(w.store, &hash, &manifest, &error), GARDEN_OK);
            if (garden_manifest_verify(&manifest, w.store, &error) != GARDEN_OK)
                fail_msg("step %d: %s", at, error.text);
            check_stream(&w, &manifest);
            if (frames_max > 0) assert_true(garden_manifest_end(&manifest) <= frames_max);
            garden_manifest_fini(&manifest);
            assert_int_equal(staged(&w), 0);
        }
    }
    world_end(&w);
    return WIFSIGNALED(status);
}

#endif
