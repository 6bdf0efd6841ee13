#include "keeper.h"

#include <inttypes.h>
#include <unistd.h>

#include "../core/error.h"
#include "../uv/random.h"
#include "log.h"

enum {
    KEEPER_ANSWERS_COUNT_MAX = 1024, // as a server keeps
    KEEPER_ANSWERS_BYTES_MAX = 1024 * 1024,
    KEEPER_ANSWER_SIZE_MAX = 64 * 1024, // larger ones are of requests that only read
    KEEPER_RETRY_S = 30,
    KEEPER_PLAYHEAD_S = 5, // what a crash may set it back
};

// A snapshot on its way into a file, and the answers that go with it, as records of a log's form.
struct keeper_snapshot {
    struct keeper *keeper;
    uv_work_t work;
    struct snapshot snapshot;
    struct garden__record answers;
    struct ledger_writer writer;
    struct garden_error error;
    int result;
};

// ---- Opening

static int keeper_restore(void *context, struct zmtp_bytes octets)
{
    struct keeper *keeper = context;
    return save_restore(keeper->config.state, (int64_t)uv_hrtime(), octets, &keeper->answers);
}

int keeper_open(struct keeper *keeper, const struct keeper_config *config,
                struct garden_error *error)
{
    *keeper = (struct keeper){.config = *config, .playhead_ns = uv_hrtime()};
    garden__record_init(&keeper->answers, NULL, KEEPER_ANSWERS_COUNT_MAX, KEEPER_ANSWERS_BYTES_MAX);
    garden_buffer_init(&keeper->octets, NULL, 0);
    if (!config->folder) return GARDEN_OK;
    const int result =
        ledger_open(&keeper->ledger, config->fs, config->folder, keeper_restore, keeper, error);
    if (result < 0) {
        garden__record_fini(&keeper->answers);
        keeper->config.folder = NULL;
        return result;
    }
    (void)uv_timer_init(config->loop, &keeper->timer); // does not fail
    keeper->timer.data = keeper;
    keeper->has_timer = true;
    keeper->playhead = transport_position(&config->state->transport, 0);
    return GARDEN_OK;
}

void keeper_log(const struct keeper *keeper)
{
    const struct state *state = keeper->config.state;
    if (!keeper->config.folder) return;
    log_write(LOG_INFO, "state: %s: %zu regions, %zu nodes, %zu participants",
              keeper->config.folder, state->regions.table.count, state->graph.nodes.count,
              state->participants.table.count);
    if (keeper->ledger.dropped > 0)
        log_write(LOG_WARNING, "state: %" PRIu64 " octets at the end of a log were cut off",
                  keeper->ledger.dropped);
}

void keeper_serve(struct keeper *keeper, struct garden_server *server)
{
    keeper->server = server;
    for (const struct garden__answered *at = keeper->answers.oldest; at; at = at->next)
        garden_server_remember(server, at->lane, at->msg_id, zmtp_bytes_of(at->octets, at->size));
    garden__record_fini(&keeper->answers);
}

// ---- Threads

bool keeper_idle(const struct keeper *keeper)
{
    return !keeper->syncing && !keeper->snapshot;
}

static void keeper_tell_idle(struct keeper *keeper)
{
    if (keeper_idle(keeper) && keeper->config.on_idle) keeper->config.on_idle(keeper->config.user);
}

static void keeper_trouble(struct keeper *keeper, const char *text)
{
    log_write(LOG_ERROR, "state: %s", text);
    if (keeper->config.on_trouble) keeper->config.on_trouble(text, keeper->config.user);
}

static void keeper_arm(struct keeper *keeper);

static void keeper_sync_work(uv_work_t *work)
{
    struct keeper *keeper = work->data;
    keeper->sync_result = ledger_sync(&keeper->ledger, keeper->sync_file);
}

static void keeper_sync_done(uv_work_t *work, int status)
{
    struct keeper *keeper = work->data;
    (void)status; // nobody cancels it
    (void)close(keeper->sync_file);
    keeper->syncing = false;
    if (keeper->sync_result != 0) {
        // What the disk refused once may be gone from memory, too: only a snapshot is sure.
        keeper_trouble(keeper, "the log cannot be synced");
        keeper->snapshot_wanted = true;
        keeper_turn(keeper); // nobody may ask for anything for long
    }
    keeper_arm(keeper);
    keeper_tell_idle(keeper);
}

static void keeper_on_timer(uv_timer_t *timer)
{
    struct keeper *keeper = timer->data;
    if (keeper->syncing || !keeper->dirty) return;
    keeper->sync_file = ledger_file(&keeper->ledger);
    if (keeper->sync_file < 0) { // later
        keeper_arm(keeper);
        return;
    }
    keeper->dirty = false;
    keeper->syncing = true;
    keeper->sync_work.data = keeper;
    (void)uv_queue_work(keeper->config.loop, &keeper->sync_work, keeper_sync_work,
                        keeper_sync_done); // no failure
}

static void keeper_arm(struct keeper *keeper)
{
    if (!keeper->dirty || keeper->syncing || !keeper->has_timer) return;
    if (uv_is_active((const uv_handle_t *)&keeper->timer)) return;
    (void)uv_timer_start(&keeper->timer, keeper_on_timer, keeper->config.sync_ms, 0);
}

// ---- Snapshots

static int keeper_put(void *context, struct zmtp_bytes octets)
{
    struct keeper_snapshot *job = context;
    return ledger_writer_put(&job->writer, octets, &job->error);
}

static void keeper_snapshot_work(uv_work_t *work)
{
    struct keeper_snapshot *job = work->data;
    struct garden_buffer octets;
    garden_buffer_init(&octets, NULL, 0);
    job->result = ledger_writer_open(&job->writer, &job->keeper->ledger, &job->error);
    if (job->result == GARDEN_OK)
        job->result = save_snapshot(&job->snapshot, &octets, keeper_put, job);
    for (const struct garden__answered *at = job->answers.oldest; at && job->result == GARDEN_OK;
         at = at->next)
        job->result = keeper_put(job, zmtp_bytes_of(at->octets, at->size));
    if (job->result == GARDEN_OK) job->result = ledger_writer_commit(&job->writer, &job->error);
    ledger_writer_close(&job->writer);
    garden_buffer_fini(&octets);
}

static void keeper_snapshot_free(struct keeper_snapshot *job)
{
    state_release(job->keeper->config.state, &job->snapshot);
    garden__record_fini(&job->answers);
    zmtp_free(NULL, job, sizeof *job);
}

static void keeper_snapshot_done(uv_work_t *work, int status)
{
    struct keeper_snapshot *job = work->data;
    struct keeper *keeper = job->keeper;
    (void)status; // nobody cancels it
    keeper->snapshot = NULL;
    if (job->result == GARDEN_OK) {
        ledger_replaced(&keeper->ledger, &job->writer);
        keeper->snapshots++;
        log_write(LOG_DEBUG, "state: a snapshot of %" PRIu64 " octets", job->writer.size);
    } else {
        keeper->snapshot_wanted = true;
        keeper->snapshot_after_ns = uv_hrtime() + KEEPER_RETRY_S * UINT64_C(1000000000);
        keeper_trouble(keeper, job->error.text[0] ? job->error.text : garden_err_text(job->result));
    }
    keeper_snapshot_free(job);
    keeper_tell_idle(keeper);
}

static void keeper_note_answer(void *context, enum garden_lane lane, struct garden_uuid msg_id,
                               struct zmtp_bytes octets)
{
    struct keeper_snapshot *job = context;
    if (lane == GARDEN_LANE_SHELL && octets.size <= KEEPER_ANSWER_SIZE_MAX)
        garden__record_add(&job->answers, lane, msg_id, octets);
}

void keeper_turn(struct keeper *keeper)
{
    const uint64_t now_ns = uv_hrtime();
    struct garden_error error = {0};
    if (!keeper->config.folder || keeper->snapshot || !keeper->server) return;
    if (!keeper->snapshot_wanted && !ledger_due(&keeper->ledger)) return;
    if (now_ns < keeper->snapshot_after_ns) return;
    keeper->snapshot_after_ns = now_ns + KEEPER_RETRY_S * UINT64_C(1000000000);
    struct keeper_snapshot *job = zmtp_alloc(NULL, sizeof *job);
    if (!job) return;
    if (ledger_rotate(&keeper->ledger, &error) < 0) {
        zmtp_free(NULL, job, sizeof *job);
        keeper_trouble(keeper, error.text);
        return;
    }
    const struct state_moment moment = {.mono_ns = (int64_t)now_ns, .wall = garden__time_now()};
    *job = (struct keeper_snapshot){.keeper = keeper, .writer = {.file = -1}};
    garden__record_init(&job->answers, NULL, KEEPER_ANSWERS_COUNT_MAX, KEEPER_ANSWERS_BYTES_MAX);
    state_snapshot(keeper->config.state, &moment, &job->snapshot);
    garden_server_answers(keeper->server, keeper_note_answer, job);
    keeper->snapshot = job;
    keeper->snapshot_wanted = false;
    keeper->snapshot_after_ns = 0;
    job->work.data = job;
    (void)uv_queue_work(keeper->config.loop, &job->work, keeper_snapshot_work,
                        keeper_snapshot_done); // no failure
}

int keeper_look(struct keeper *keeper, struct garden_error *error)
{
    if (!keeper->config.folder || !keeper_idle(keeper)) return GARDEN_OK; // the next time
    const int result = ledger_look(&keeper->ledger, keeper->config.folder, error);
    if (result == 0) keeper_turn(keeper); // one that failed is tried again, though nobody asks
    if (result <= 0) return result;
    keeper->snapshot_wanted = true;
    keeper->snapshot_after_ns = 0;
    keeper_turn(keeper);
    (void)garden__fail(error, GARDEN_OK,
                       "somebody removed the state's folder %.150s: all of the state is written "
                       "there again",
                       keeper->config.folder);
    return 1;
}

// ---- Changes

int keeper_write(struct keeper *keeper, const struct garden_shell_request *content,
                 const struct state_moment *moment, const struct garden_header *request,
                 struct garden_form form, struct garden_error *error)
{
    if (!keeper->config.folder) return GARDEN_OK;
    garden_buffer_clear(&keeper->octets);
    int result = save_change(content, moment, request, form, &keeper->octets);
    if (result < 0) return garden__fail(error, result, "the change cannot be kept");
    result = ledger_append(&keeper->ledger, garden_buffer_bytes(&keeper->octets), error);
    if (result < 0 || keeper->config.sync_ms > 0) return result;
    if (ledger_sync(&keeper->ledger, keeper->ledger.file) == 0) return GARDEN_OK;
    ledger_undo(&keeper->ledger);
    return garden__fail(error, GARDEN_ERR_SYSTEM, "the change cannot be synced to the disk");
}

void keeper_done(struct keeper *keeper, bool made)
{
    if (!keeper->config.folder) return;
    if (!made) {
        ledger_undo(&keeper->ledger);
        return;
    }
    keeper->dirty = keeper->config.sync_ms > 0;
    keeper_arm(keeper);
}

void keeper_playhead(struct keeper *keeper, int64_t now_ns, bool now)
{
    const uint64_t passed_ns = (uint64_t)now_ns - keeper->playhead_ns;
    const struct transport_position at =
        transport_position(&keeper->config.state->transport, now_ns);
    const bool moved = at.beat < keeper->playhead.beat || at.beat > keeper->playhead.beat ||
                       at.second < keeper->playhead.second || at.second > keeper->playhead.second;
    if (!keeper->config.folder || !moved) return;
    if (!now && passed_ns < KEEPER_PLAYHEAD_S * UINT64_C(1000000000)) return;
    const struct garden_shell_request seek = {.kind = GARDEN_SHELL_SEEK, .seek = {at.beat}};
    const struct state_moment moment = {
        .mono_ns = now_ns, .wall = garden__time_now(), .second = &at.second};
    const struct garden_form form = {GARDEN_MSGPACK, GARDEN_EXTERNAL};
    keeper->playhead_ns = (uint64_t)now_ns;
    // Nobody waits for it, and nothing depends on it: a full disk shows when something is changed.
    if (keeper_write(keeper, &seek, &moment, NULL, form, NULL) < 0) return;
    keeper->playhead = at;
    keeper_done(keeper, true);
}

// ---- Closing

void keeper_close(struct keeper *keeper)
{
    if (keeper->has_timer) uv_close((uv_handle_t *)&keeper->timer, NULL);
    keeper->has_timer = false;
    keeper->server = NULL;
    garden__record_fini(&keeper->answers);
    if (!keeper->config.folder) return;
    keeper_playhead(keeper, (int64_t)uv_hrtime(), true);
    garden_buffer_fini(&keeper->octets);
    if (ledger_sync(&keeper->ledger, keeper->ledger.file) != 0)
        log_write(LOG_ERROR, "state: the log cannot be synced");
    ledger_close(&keeper->ledger);
    keeper->config.folder = NULL;
}
