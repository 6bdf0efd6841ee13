#include "save.h"

#include "../uv/random.h"

// Of all forms the one with the fewest lists and maps in each other: so whatever a request held can be kept.
static const struct garden_form save_form = {GARDEN_MSGPACK, GARDEN_TAGGED};

static const char save_second[] = "second"; // in the metadata of a Seek that keeps the playhead

bool save_is_change(enum garden_shell_request_kind kind)
{
    switch (kind) {
    case GARDEN_SHELL_CREATE_REGION:
    case GARDEN_SHELL_DELETE_REGION:
    case GARDEN_SHELL_MOVE_REGION:
    case GARDEN_SHELL_UPDATE_LATENT_STARTED:
    case GARDEN_SHELL_UPDATE_LATENT_PROGRESS:
    case GARDEN_SHELL_UPDATE_LATENT_RESOLVED:
    case GARDEN_SHELL_UPDATE_LATENT_FAILED:
    case GARDEN_SHELL_APPROVE_LATENT:
    case GARDEN_SHELL_REJECT_LATENT:
    case GARDEN_SHELL_SEEK:
    case GARDEN_SHELL_SET_TEMPO:
    case GARDEN_SHELL_ADD_NODE:
    case GARDEN_SHELL_REMOVE_NODE:
    case GARDEN_SHELL_CONNECT:
    case GARDEN_SHELL_DISCONNECT:
    case GARDEN_SHELL_REGISTER_PARTICIPANT:
    case GARDEN_SHELL_UPDATE_PARTICIPANT:
        return true;
    case GARDEN_SHELL_PLAY:
    case GARDEN_SHELL_PAUSE:
    case GARDEN_SHELL_STOP:
    case GARDEN_SHELL_GET_TRANSPORT_STATE:
    case GARDEN_SHELL_GET_REGIONS:
    case GARDEN_SHELL_GET_PENDING_APPROVALS:
    case GARDEN_SHELL_STREAM_START:
    case GARDEN_SHELL_STREAM_SWITCH_CHUNK:
    case GARDEN_SHELL_STREAM_STOP:
    case GARDEN_SHELL_GET_EVENTS:
        break;
    }
    return false;
}

int save_change(const struct garden_shell_request *content, const struct state_moment *moment,
                const struct garden_header *request, struct garden_form form,
                struct garden_buffer *out)
{
    struct garden_message message;
    const struct garden_uuid nobody = {{0}};
    garden_message_init(&message, GARDEN_SHELL_REQUEST, moment->fresh, nobody, moment->wall);
    message.has_parent = request != NULL;
    if (request) message.parent = *request;
    message.shell_request = *content;
    // A Seek alone would tell the seconds by the present tempo, whatever it was on the way.
    struct garden_entry second;
    if (moment->second) {
        second = garden_entry_of(save_second, garden_value_real(*moment->second));
        message.metadata = (struct garden_map){&second, 1};
    }
    return garden_message_encode(&message, form, out, NULL);
}

// ---- A state as requests

struct save {
    const struct snapshot *snapshot;
    struct garden_buffer *octets;
    int (*put)(void *context, struct zmtp_bytes octets);
    void *context;
    int result; // the first failure
};

static void save_put_at(struct save *save, const struct state_moment *moment,
                        const struct garden_shell_request *content)
{
    if (save->result < 0) return;
    garden_buffer_clear(save->octets);
    save->result = save_change(content, moment, NULL, save_form, save->octets);
    if (save->result == GARDEN_OK)
        save->result = save->put(save->context, garden_buffer_bytes(save->octets));
}

static void save_put(struct save *save, struct garden_uuid fresh, struct garden_time wall,
                     const struct garden_shell_request *content)
{
    const struct state_moment moment = {.wall = wall, .fresh = fresh};
    save_put_at(save, &moment, content);
}

static void save_transport(struct save *save)
{
    const struct snapshot *snapshot = save->snapshot;
    const struct garden_uuid nobody = {{0}};
    const struct garden_shell_request tempo = {.kind = GARDEN_SHELL_SET_TEMPO,
                                               .set_tempo = {snapshot->transport.tempo}};
    const struct transport_position position =
        transport_position(&snapshot->transport, snapshot->mono_ns);
    const struct garden_shell_request seek = {.kind = GARDEN_SHELL_SEEK, .seek = {position.beat}};
    const struct state_moment moment = {.wall = snapshot->wall, .second = &position.second};
    save_put(save, nobody, snapshot->wall, &tempo);
    save_put_at(save, &moment, &seek);
}

static void save_latent_begun(struct save *save, const struct region *region)
{
    const struct garden_shell_request started = {
        .kind = GARDEN_SHELL_UPDATE_LATENT_STARTED,
        .update_latent_started = {region->row.id, region->job_id}};
    const struct garden_shell_request progress = {
        .kind = GARDEN_SHELL_UPDATE_LATENT_PROGRESS,
        .update_latent_progress = {region->row.id, region->progress}};
    if (region->latent == LATENT_NONE || region->latent == LATENT_PENDING) return;
    // One may fail before it has started; then nothing tells the two ways apart.
    if (region->latent == LATENT_FAILED && !(region->progress > 0) &&
        garden_text_equal(region->job_id, region->behavior.latent.job_id))
        return;
    save_put(save, region->row.id, save->snapshot->wall, &started);
    if (region->progress > 0) save_put(save, region->row.id, save->snapshot->wall, &progress);
}

static void save_latent_ended(struct save *save, const struct region *region)
{
    const struct garden_uuid id = region->row.id;
    const struct garden_shell_request failed = {.kind = GARDEN_SHELL_UPDATE_LATENT_FAILED,
                                                .update_latent_failed = {id, region->error}};
    const struct garden_shell_request resolved = {
        .kind = GARDEN_SHELL_UPDATE_LATENT_RESOLVED,
        .update_latent_resolved = {id, region->artifact_id, region->content_hash,
                                   region->content_type}};
    const struct garden_shell_request approve = {.kind = GARDEN_SHELL_APPROVE_LATENT,
                                                 .approve_latent = {id, region->decided_by}};
    const struct garden_shell_request reject = {
        .kind = GARDEN_SHELL_REJECT_LATENT,
        .reject_latent = {id, region->decided_by, region->has_reason, region->reason}};
    if (region->latent == LATENT_FAILED) save_put(save, id, save->snapshot->wall, &failed);
    if (region->latent == LATENT_RESOLVED || region->latent == LATENT_APPROVED ||
        region->latent == LATENT_REJECTED)
        save_put(save, id, region->resolved_at, &resolved);
    if (region->latent == LATENT_APPROVED) save_put(save, id, region->decided_at, &approve);
    if (region->latent == LATENT_REJECTED) save_put(save, id, region->decided_at, &reject);
}

static void save_regions(struct save *save)
{
    struct table_cursor cursor = {0};
    const struct region *region;
    while (save->result == GARDEN_OK &&
           (region = (const struct region *)table_next(save->snapshot->regions, &cursor))) {
        const struct garden_shell_request create = {
            .kind = GARDEN_SHELL_CREATE_REGION,
            .create_region = {region->position, region->duration, region->behavior}};
        save_put(save, region->row.id, save->snapshot->wall, &create);
        save_latent_begun(save, region);
        save_latent_ended(save, region);
    }
}

static void save_graph(struct save *save)
{
    struct table_cursor cursor = {0};
    const struct graph_node *node;
    const struct graph_links *links = save->snapshot->links;
    while (save->result == GARDEN_OK &&
           (node = (const struct graph_node *)table_next(save->snapshot->nodes, &cursor))) {
        const struct garden_shell_request add = {.kind = GARDEN_SHELL_ADD_NODE,
                                                 .add_node = {node->descriptor}};
        save_put(save, node->row.id, save->snapshot->wall, &add);
    }
    for (size_t i = 0; i < graph_links_count(links) && save->result == GARDEN_OK; i++) {
        const struct graph_connection *at = &links->items[i];
        const struct garden_uuid nobody = {{0}};
        const struct garden_shell_request connect = {
            .kind = GARDEN_SHELL_CONNECT,
            .connect = {{at->source->row.id, at->source->outputs[at->output].name},
                        {at->dest->row.id, at->dest->inputs[at->input].name}}};
        save_put(save, nobody, save->snapshot->wall, &connect);
    }
}

static void save_participants(struct save *save)
{
    struct table_cursor cursor = {0};
    const struct participant *participant;
    while (save->result == GARDEN_OK && (participant = (const struct participant *)table_next(
                                             save->snapshot->participants, &cursor))) {
        const struct garden_uuid nobody = {{0}};
        const struct garden_shell_request add = {.kind = GARDEN_SHELL_REGISTER_PARTICIPANT,
                                                 .register_participant = {participant->about}};
        save_put(save, nobody, save->snapshot->wall, &add);
    }
}

int save_snapshot(const struct snapshot *snapshot, struct garden_buffer *octets,
                  int (*put)(void *context, struct zmtp_bytes octets), void *context)
{
    struct save save = {.snapshot = snapshot, .octets = octets, .put = put, .context = context};
    save_transport(&save);
    save_regions(&save);
    save_graph(&save);
    save_participants(&save);
    return save.result;
}

// ---- And back

// Remembers |answer| for the client whose request |message| tells of.
static void save_remember(const struct garden_message *message, struct garden_form form,
                          const struct state_answer *answer, struct garden__record *answers)
{
    struct garden_message request = {.header = message->parent}, reply;
    struct garden_buffer octets;
    garden_buffer_init(&octets, NULL, 0);
    garden_message_reply(&reply, &request, GARDEN_SHELL_REPLY, garden__uuid_new(),
                         garden__time_now());
    reply.shell_reply = answer->reply;
    if (garden_message_encode(&reply, form, &octets, NULL) == GARDEN_OK)
        garden__record_add(answers, GARDEN_LANE_SHELL, message->parent.msg_id,
                           garden_buffer_bytes(&octets));
    garden_buffer_fini(&octets);
}

static int save_execute(struct state *state, int64_t now_ns, const struct garden_message *message,
                        struct garden_form form, struct garden__record *answers)
{
    struct state_moment moment = {
        .mono_ns = now_ns, .wall = message->header.timestamp, .fresh = message->header.msg_id};
    double second;
    if (garden_value_to_real(garden_map_find(&message->metadata, save_second), &second))
        moment.second = &second;
    struct changes changes;
    struct state_answer answer;
    changes_init(&changes);
    state_answer_init(&answer);
    const int result =
        state_shell(state, &message->shell_request, &moment, &answer, &changes, NULL);
    if (result == GARDEN_OK && message->has_parent) save_remember(message, form, &answer, answers);
    state_answer_fini(&answer);
    changes_fini(&changes);
    return result == GARDEN_ERR_MEMORY ? result : GARDEN_OK;
}

int save_restore(struct state *state, int64_t now_ns, struct zmtp_bytes octets,
                 struct garden__record *answers)
{
    struct garden_message message;
    struct garden_form form = save_form;
    int result = garden_message_decode(&message, octets, NULL, &form, NULL);
    if (result == GARDEN_OK && message.family == GARDEN_SHELL_REQUEST &&
        save_is_change(message.shell_request.kind))
        result = save_execute(state, now_ns, &message, form, answers);
    else if (result == GARDEN_OK && message.family == GARDEN_SHELL_REPLY && message.has_parent)
        garden__record_add(answers, GARDEN_LANE_SHELL, message.parent.msg_id, octets);
    else if (result == GARDEN_OK)
        result = GARDEN_ERR_TYPE; // nothing that is kept
    garden_message_fini(&message);
    return result;
}
