#include "state.h"

#include "../core/error.h"

void state_init(struct state *state)
{
    zmtp_budget_init(&state->budget, NULL);
    state->budget.bytes_max = STATE_MEMORY_MAX;
    transport_init(&state->transport);
    regions_init(&state->regions, &state->budget.allocator);
    graph_init(&state->graph, &state->budget.allocator);
    participants_init(&state->participants, &state->budget.allocator);
}

void state_fini(struct state *state)
{
    participants_fini(&state->participants);
    graph_fini(&state->graph);
    regions_fini(&state->regions);
}

// ---- Answers

void state_answer_init(struct state_answer *answer)
{
    *answer = (struct state_answer){0};
    garden_arena_init(&answer->arena, NULL, 0);
}

void state_answer_fini(struct state_answer *answer)
{
    garden_arena_fini(&answer->arena);
}

static int answer_ok(struct state_answer *answer, size_t count)
{
    answer->reply.kind = GARDEN_REPLY_OK;
    answer->reply.ok.result = garden_value_map(answer->entries, count);
    return GARDEN_OK;
}

// {"status": status}
static int answer_status(struct state_answer *answer, const char *status)
{
    answer->entries[0] = garden_entry_of("status", garden_value_text(garden_text_of(status)));
    return answer_ok(answer, 1);
}

// {key: number}
static int answer_real(struct state_answer *answer, const char *key, double number)
{
    answer->entries[0] = garden_entry_of(key, garden_value_real(number));
    return answer_ok(answer, 1);
}

// {key: id}
static int answer_uuid(struct state_answer *answer, const char *key, struct garden_uuid id)
{
    garden_uuid_format(id, answer->uuid);
    answer->entries[0] = garden_entry_of(key, garden_value_text(garden_text_of(answer->uuid)));
    return answer_ok(answer, 1);
}

// ---- Requests, by the noun they are about

static int state_memory(int result, struct garden_error *error)
{
    return result < 0 ? garden__fail(error, result, "no memory for an event") : result;
}

static int state_transport(struct state *state, const struct garden_shell_request *request,
                           const struct state_moment *moment, struct state_answer *answer,
                           struct changes *changes, struct garden_error *error)
{
    const int64_t now_ns = moment->mono_ns;
    const double *second = moment->second;
    struct transport *transport = &state->transport;
    int result = GARDEN_OK;
    if (request->kind == GARDEN_SHELL_PLAY) {
        result = state_memory(transport_play(transport, now_ns, changes), error);
        return result < 0 ? result : answer_status(answer, "playing");
    }
    if (request->kind == GARDEN_SHELL_PAUSE) {
        result = state_memory(transport_pause(transport, now_ns, changes), error);
        return result < 0 ? result : answer_status(answer, "paused");
    }
    if (request->kind == GARDEN_SHELL_STOP) {
        result = state_memory(transport_stop(transport, now_ns, changes), error);
        if (result == GARDEN_OK) regions_leave(&state->regions);
        return result < 0 ? result : answer_status(answer, "stopped");
    }
    if (request->kind == GARDEN_SHELL_SEEK) {
        result = second ? transport_restore(transport, now_ns, request->seek.beat, *second, error)
                        : transport_seek(transport, now_ns, request->seek.beat, error);
        if (result == GARDEN_OK) regions_leave(&state->regions);
        return result < 0 ? result : answer_real(answer, "position", request->seek.beat);
    }
    if (request->kind == GARDEN_SHELL_SET_TEMPO) {
        result = transport_set_tempo(transport, now_ns, request->set_tempo.bpm, error);
        return result < 0 ? result : answer_real(answer, "tempo", transport->tempo);
    }
    answer->reply.kind = GARDEN_REPLY_TRANSPORT_STATE;
    answer->reply.transport_state = (struct garden_shell_reply_transport_state){
        .playing = transport->playing,
        .position = transport_position(transport, now_ns).beat,
        .tempo = transport->tempo,
    };
    return GARDEN_OK;
}

static int state_regions(struct state *state, const struct garden_shell_request *request,
                         const struct state_moment *moment, struct state_answer *answer,
                         struct garden_error *error)
{
    struct regions *regions = &state->regions;
    struct garden_shell_reply *reply = &answer->reply;
    int result;
    if (request->kind == GARDEN_SHELL_CREATE_REGION) {
        reply->kind = GARDEN_REPLY_REGION_CREATED;
        reply->region_created.region_id = moment->fresh;
        return regions_create(regions, moment->fresh, &request->create_region, error);
    }
    if (request->kind == GARDEN_SHELL_DELETE_REGION) {
        result = regions_delete(regions, request->delete_region.region_id, error);
        return result < 0 ? result
                          : answer_uuid(answer, "deleted", request->delete_region.region_id);
    }
    if (request->kind == GARDEN_SHELL_MOVE_REGION) {
        const struct garden_shell_request_move_region *move = &request->move_region;
        result = regions_move(regions, move->region_id, move->new_position, error);
        if (result < 0) return result;
        (void)answer_uuid(answer, "moved", move->region_id); // always success
        answer->entries[1] = garden_entry_of("position", garden_value_real(move->new_position));
        return answer_ok(answer, 2);
    }
    return state_read_regions(regions->table.root, request, &answer->arena, reply, error);
}

static int state_latent(struct state *state, const struct garden_shell_request *request,
                        struct garden_time now, struct state_answer *answer,
                        struct changes *changes, struct garden_error *error)
{
    struct regions *regions = &state->regions;
    const char *status = "running";
    int result;
    if (request->kind == GARDEN_SHELL_UPDATE_LATENT_STARTED) {
        result = regions_latent_started(regions, &request->update_latent_started, changes, error);
    } else if (request->kind == GARDEN_SHELL_UPDATE_LATENT_PROGRESS) {
        result = regions_latent_progress(regions, &request->update_latent_progress, changes, error);
    } else if (request->kind == GARDEN_SHELL_UPDATE_LATENT_RESOLVED) {
        status = "resolved";
        result =
            regions_latent_resolved(regions, now, &request->update_latent_resolved, changes, error);
    } else if (request->kind == GARDEN_SHELL_UPDATE_LATENT_FAILED) {
        status = "failed";
        result = regions_latent_failed(regions, &request->update_latent_failed, changes, error);
    } else if (request->kind == GARDEN_SHELL_APPROVE_LATENT) {
        status = "approved";
        result = regions_latent_approve(regions, now, &request->approve_latent, changes, error);
    } else {
        status = "rejected";
        result = regions_latent_reject(regions, now, &request->reject_latent, changes, error);
    }
    return result < 0 ? result : answer_status(answer, status);
}

static int state_graph(struct state *state, const struct garden_shell_request *request,
                       struct garden_uuid fresh, struct state_answer *answer,
                       struct changes *changes, struct garden_error *error)
{
    struct graph *graph = &state->graph;
    int result;
    if (request->kind == GARDEN_SHELL_ADD_NODE) {
        answer->reply.kind = GARDEN_REPLY_NODE_ADDED;
        answer->reply.node_added.node_id = fresh;
        return graph_add(graph, fresh, &request->add_node.node, changes, error);
    }
    if (request->kind == GARDEN_SHELL_REMOVE_NODE) {
        result = graph_remove(graph, request->remove_node.node_id, changes, error);
        return result < 0 ? result : answer_uuid(answer, "removed", request->remove_node.node_id);
    }
    if (request->kind == GARDEN_SHELL_CONNECT) {
        result =
            graph_connect(graph, &request->connect.source, &request->connect.dest, changes, error);
        return result < 0 ? result : answer_status(answer, "connected");
    }
    result = graph_disconnect(graph, &request->disconnect.source, &request->disconnect.dest,
                              changes, error);
    return result < 0 ? result : answer_status(answer, "disconnected");
}

static int state_participants(struct state *state, const struct garden_shell_request *request,
                              struct state_answer *answer, struct changes *changes,
                              struct garden_error *error)
{
    struct participants *participants = &state->participants;
    int result;
    if (request->kind == GARDEN_SHELL_REGISTER_PARTICIPANT) {
        const struct garden_participant *about = &request->register_participant.participant;
        result = participants_register(participants, about, changes, error);
        return result < 0 ? result : answer_uuid(answer, "registered", about->id);
    }
    const struct garden_shell_request_update_participant *update = &request->update_participant;
    result =
        participants_update(participants, update->participant_id, &update->updates, changes, error);
    return result < 0 ? result : answer_uuid(answer, "updated", update->participant_id);
}

int state_shell(struct state *state, const struct garden_shell_request *request,
                const struct state_moment *moment, struct state_answer *answer,
                struct changes *changes, struct garden_error *error)
{
    switch (request->kind) {
    case GARDEN_SHELL_PLAY:
    case GARDEN_SHELL_PAUSE:
    case GARDEN_SHELL_STOP:
    case GARDEN_SHELL_SEEK:
    case GARDEN_SHELL_SET_TEMPO:
    case GARDEN_SHELL_GET_TRANSPORT_STATE:
        return state_transport(state, request, moment, answer, changes, error);
    case GARDEN_SHELL_CREATE_REGION:
    case GARDEN_SHELL_DELETE_REGION:
    case GARDEN_SHELL_MOVE_REGION:
    case GARDEN_SHELL_GET_REGIONS:
    case GARDEN_SHELL_GET_PENDING_APPROVALS:
        return state_regions(state, request, moment, answer, error);
    case GARDEN_SHELL_UPDATE_LATENT_STARTED:
    case GARDEN_SHELL_UPDATE_LATENT_PROGRESS:
    case GARDEN_SHELL_UPDATE_LATENT_RESOLVED:
    case GARDEN_SHELL_UPDATE_LATENT_FAILED:
    case GARDEN_SHELL_APPROVE_LATENT:
    case GARDEN_SHELL_REJECT_LATENT:
        return state_latent(state, request, moment->wall, answer, changes, error);
    case GARDEN_SHELL_ADD_NODE:
    case GARDEN_SHELL_REMOVE_NODE:
    case GARDEN_SHELL_CONNECT:
    case GARDEN_SHELL_DISCONNECT:
        return state_graph(state, request, moment->fresh, answer, changes, error);
    case GARDEN_SHELL_REGISTER_PARTICIPANT:
    case GARDEN_SHELL_UPDATE_PARTICIPANT:
        return state_participants(state, request, answer, changes, error);
    case GARDEN_SHELL_STREAM_START:
    case GARDEN_SHELL_STREAM_SWITCH_CHUNK:
    case GARDEN_SHELL_STREAM_STOP:
    case GARDEN_SHELL_GET_EVENTS: // the server's
        break;
    }
    return garden__fail(error, GARDEN_ERR_ARGUMENT, "this is no request for the state");
}

int state_pause(struct state *state, int64_t now_ns, struct changes *changes, bool *was_playing)
{
    *was_playing = state->transport.playing;
    return transport_pause(&state->transport, now_ns, changes);
}

int state_tick(struct state *state, int64_t now_ns, struct changes *changes)
{
    double from, to;
    if (!transport_sweep(&state->transport, now_ns, &from, &to)) return GARDEN_OK;
    const struct transport_position position = transport_position(&state->transport, now_ns);
    const int result = regions_sweep(&state->regions, from, to, changes);
    if (result < 0 || !changes_reserve(changes, 1)) return GARDEN_ERR_MEMORY;
    const struct garden_event event = {
        .kind = GARDEN_EVENT_PLAYBACK_POSITION,
        .playback_position = {.beat = position.beat, .second = position.second},
    };
    changes_add(changes, &event);
    return GARDEN_OK;
}

// ---- Reading

void state_snapshot(struct state *state, const struct state_moment *moment,
                    struct snapshot *snapshot)
{
    *snapshot = (struct snapshot){
        .transport = state->transport,
        .mono_ns = moment->mono_ns,
        .wall = moment->wall,
        .regions = table_snapshot(&state->regions.table),
        .nodes = table_snapshot(&state->graph.nodes),
        .links = graph_links_snapshot(&state->graph),
        .participants = table_snapshot(&state->participants.table),
    };
    state->snapshot_count++;
}

void state_release(struct state *state, struct snapshot *snapshot)
{
    table_release(&state->regions.table, snapshot->regions);
    graph_links_release(&state->graph, snapshot->links); // before the nodes that it names
    table_release(&state->graph.nodes, snapshot->nodes);
    table_release(&state->participants.table, snapshot->participants);
    state->snapshot_count--;
}

bool state_reads_regions(enum garden_shell_request_kind kind)
{
    return kind == GARDEN_SHELL_GET_REGIONS || kind == GARDEN_SHELL_GET_PENDING_APPROVALS;
}

int state_read_regions(const struct table_root *regions, const struct garden_shell_request *request,
                       struct garden_arena *arena, struct garden_shell_reply *reply,
                       struct garden_error *error)
{
    if (request->kind == GARDEN_SHELL_GET_REGIONS) {
        const struct garden_shell_request_get_regions *get = &request->get_regions;
        reply->kind = GARDEN_REPLY_REGIONS;
        return regions_list(regions, get->has_range ? &get->range : NULL, arena,
                            &reply->regions.regions, error);
    }
    reply->kind = GARDEN_REPLY_PENDING_APPROVALS;
    return regions_pending(regions, arena, &reply->pending_approvals.approvals, error);
}
