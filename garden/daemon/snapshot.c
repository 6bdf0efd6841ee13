#include "snapshot.h"

#include <string.h>

// ---- Values

static struct garden_value snapshot_text(const char *text)
{
    return garden_value_text(garden_text_of(text));
}

static struct garden_value snapshot_keep(struct garden_arena *arena, const char *text)
{
    const struct garden_value value = snapshot_text(text);
    struct garden_value copy;
    return garden_value_copy(arena, &value, &copy) < 0 ? garden_value_null() : copy;
}

static struct garden_value snapshot_uuid(struct garden_arena *arena, struct garden_uuid id)
{
    char text[GARDEN_UUID_TEXT_SIZE + 1];
    garden_uuid_format(id, text);
    return snapshot_keep(arena, text);
}

static struct garden_value snapshot_time(struct garden_arena *arena, struct garden_time time)
{
    char text[GARDEN_TIME_TEXT_MAX + 1];
    return garden_time_format(time, text) < 0 ? garden_value_null() : snapshot_keep(arena, text);
}

static const char *snapshot_content_name(enum garden_content_type type)
{
    switch (type) {
    case GARDEN_CONTENT_AUDIO:
        return "audio";
    case GARDEN_CONTENT_MIDI:
        return "midi";
    case GARDEN_CONTENT_CONTROL:
        break;
    }
    return "control";
}

static bool snapshot_is_resolved(const struct region *region)
{
    return region->latent == LATENT_RESOLVED || region->latent == LATENT_APPROVED ||
           region->latent == LATENT_REJECTED;
}

static bool snapshot_is_decided(const struct region *region)
{
    return region->latent == LATENT_APPROVED || region->latent == LATENT_REJECTED;
}

// A property's function. |name| is that of the vertex's thing, which is a |type|.
#define SNAPSHOT_READ(function, type, name)                                                        \
    static struct garden_value function##_of(const struct snapshot *snapshot, const type *name,    \
                                             size_t index, struct garden_arena *arena);            \
    static struct garden_value function(const struct snapshot *snapshot,                           \
                                        struct snapshot_vertex vertex, struct garden_arena *arena) \
    {                                                                                              \
        return function##_of(snapshot, vertex.of, vertex.index, arena);                            \
    }                                                                                              \
    static struct garden_value function##_of(const struct snapshot *snapshot, const type *name,    \
                                             size_t index, struct garden_arena *arena)
// For those that need only some of their arguments.
#define SNAPSHOT_UNUSED (void)snapshot, (void)index, (void)arena
#define SNAPSHOT_SIMPLE(function, type, name, value)                                               \
    SNAPSHOT_READ(function, type, name)                                                            \
    {                                                                                              \
        SNAPSHOT_UNUSED;                                                                           \
        return value;                                                                              \
    }
#define SNAPSHOT_IF(condition, value) ((condition) ? (value) : garden_value_null())

// ---- Regions, and the jobs and approvals that are theirs

static const char *snapshot_behavior_name(enum garden_behavior_kind kind)
{
    switch (kind) {
    case GARDEN_BEHAVIOR_PLAY_CONTENT:
        return "play_content";
    case GARDEN_BEHAVIOR_LATENT:
        return "latent";
    case GARDEN_BEHAVIOR_APPLY_PROCESSING:
        return "apply_processing";
    case GARDEN_BEHAVIOR_EMIT_TRIGGER:
        break;
    }
    return "emit_trigger";
}

static struct garden_value snapshot_content_hash(const struct region *region)
{
    if (region->behavior.kind == GARDEN_BEHAVIOR_PLAY_CONTENT) // it is named by what it plays
        return garden_value_text(region->behavior.play_content.artifact_id);
    return SNAPSHOT_IF(snapshot_is_resolved(region), garden_value_text(region->content_hash));
}

SNAPSHOT_SIMPLE(region_id, struct region, region, snapshot_uuid(arena, region->row.id))
SNAPSHOT_SIMPLE(region_position, struct region, region, garden_value_real(region->position))
SNAPSHOT_SIMPLE(region_duration, struct region, region, garden_value_real(region->duration))
SNAPSHOT_SIMPLE(region_end, struct region, region,
                garden_value_real(region->position + region->duration))
SNAPSHOT_SIMPLE(region_behavior, struct region, region,
                snapshot_text(snapshot_behavior_name(region->behavior.kind)))
SNAPSHOT_SIMPLE(region_status, struct region, region,
                SNAPSHOT_IF(region->latent, snapshot_text(latent_state_name(region->latent))))
SNAPSHOT_SIMPLE(region_progress, struct region, region,
                SNAPSHOT_IF(region->latent, garden_value_real((double)region->progress)))
SNAPSHOT_SIMPLE(region_job, struct region, region,
                SNAPSHOT_IF(region->latent, garden_value_text(region->job_id)))
// As the protocol's schema has it: no longer once it is decided about.
SNAPSHOT_SIMPLE(region_is_resolved, struct region, region,
                garden_value_bool(region->latent == LATENT_RESOLVED))
SNAPSHOT_SIMPLE(region_is_approved, struct region, region,
                garden_value_bool(region->latent == LATENT_APPROVED))
SNAPSHOT_SIMPLE(region_is_playable, struct region, region,
                garden_value_bool(region->behavior.kind == GARDEN_BEHAVIOR_PLAY_CONTENT ||
                                  region->latent == LATENT_APPROVED))
SNAPSHOT_SIMPLE(region_hash, struct region, region, snapshot_content_hash(region))
SNAPSHOT_SIMPLE(region_content_type, struct region, region,
                SNAPSHOT_IF(snapshot_is_resolved(region),
                            snapshot_text(snapshot_content_name(region->content_type))))
SNAPSHOT_SIMPLE(region_artifact_id, struct region, region,
                SNAPSHOT_IF(region->behavior.kind == GARDEN_BEHAVIOR_PLAY_CONTENT ||
                                snapshot_is_resolved(region),
                            garden_value_text(region->behavior.kind == GARDEN_BEHAVIOR_PLAY_CONTENT
                                                  ? region->behavior.play_content.artifact_id
                                                  : region->artifact_id)))
SNAPSHOT_SIMPLE(region_parameter, struct region, region,
                SNAPSHOT_IF(region->behavior.kind == GARDEN_BEHAVIOR_APPLY_PROCESSING,
                            garden_value_text(region->behavior.apply_processing.parameter)))
SNAPSHOT_SIMPLE(region_event_type, struct region, region,
                SNAPSHOT_IF(region->behavior.kind == GARDEN_BEHAVIOR_EMIT_TRIGGER,
                            garden_value_text(region->behavior.emit_trigger.event_type)))
SNAPSHOT_SIMPLE(region_error, struct region, region,
                SNAPSHOT_IF(region->latent == LATENT_FAILED, garden_value_text(region->error)))
SNAPSHOT_SIMPLE(region_resolved_at, struct region, region,
                SNAPSHOT_IF(snapshot_is_resolved(region),
                            snapshot_time(arena, region->resolved_at)))
SNAPSHOT_SIMPLE(region_decision, struct region, region,
                snapshot_text(snapshot_is_decided(region) ? latent_state_name(region->latent)
                                                          : "pending"))
SNAPSHOT_SIMPLE(region_decided_by, struct region, region,
                SNAPSHOT_IF(snapshot_is_decided(region), snapshot_uuid(arena, region->decided_by)))
SNAPSHOT_SIMPLE(region_decided_at, struct region, region,
                SNAPSHOT_IF(snapshot_is_decided(region), snapshot_time(arena, region->decided_at)))
SNAPSHOT_SIMPLE(region_reason, struct region, region,
                SNAPSHOT_IF(region->has_reason, garden_value_text(region->reason)))
// What the protocol's schema has and this daemon's regions do not.
SNAPSHOT_SIMPLE(region_nothing, struct region, region, ((void)region, garden_value_null()))
SNAPSHOT_SIMPLE(region_no_texts, struct region, region, ((void)region, garden_value_list(NULL, 0)))
SNAPSHOT_SIMPLE(region_true, struct region, region, ((void)region, garden_value_bool(true)))
SNAPSHOT_SIMPLE(region_false, struct region, region, ((void)region, garden_value_bool(false)))

static const struct snapshot_property region_properties[] = {
    {"id", SNAPSHOT_ID, false, region_id},
    {"position", SNAPSHOT_FLOAT, false, region_position},
    {"duration", SNAPSHOT_FLOAT, false, region_duration},
    {"end", SNAPSHOT_FLOAT, false, region_end},
    {"behavior_type", SNAPSHOT_TEXT, false, region_behavior},
    {"name", SNAPSHOT_TEXT, true, region_nothing},
    {"tags", SNAPSHOT_TEXTS, false, region_no_texts},
    {"latent_status", SNAPSHOT_TEXT, true, region_status},
    {"latent_progress", SNAPSHOT_FLOAT, true, region_progress},
    {"job_id", SNAPSHOT_TEXT, true, region_job},
    {"is_resolved", SNAPSHOT_BOOLEAN, false, region_is_resolved},
    {"is_approved", SNAPSHOT_BOOLEAN, false, region_is_approved},
    {"is_playable", SNAPSHOT_BOOLEAN, false, region_is_playable},
    {"content_hash", SNAPSHOT_TEXT, true, region_hash},
    {"content_type", SNAPSHOT_TEXT, true, region_content_type},
    {"artifact_id", SNAPSHOT_TEXT, true, region_artifact_id},
    {"generation_tool", SNAPSHOT_TEXT, true, region_nothing},
    {"parameter", SNAPSHOT_TEXT, true, region_parameter},
    {"event_type", SNAPSHOT_TEXT, true, region_event_type},
    {"error", SNAPSHOT_TEXT, true, region_error},
    {"resolved_at", SNAPSHOT_TIME, true, region_resolved_at},
    {"decided_by", SNAPSHOT_ID, true, region_decided_by},
    {"decided_at", SNAPSHOT_TIME, true, region_decided_at},
    {"reason", SNAPSHOT_TEXT, true, region_reason},
    {"is_alive", SNAPSHOT_BOOLEAN, false, region_true},
    {"is_tombstoned", SNAPSHOT_BOOLEAN, false, region_false},
};
static const struct snapshot_property job_properties[] = {
    {"id", SNAPSHOT_ID, false, region_job},
    {"region_id", SNAPSHOT_ID, false, region_id},
    {"tool", SNAPSHOT_TEXT, true, region_nothing},
    {"status", SNAPSHOT_TEXT, false, region_status},
    {"progress", SNAPSHOT_FLOAT, false, region_progress},
};
static const struct snapshot_property approval_properties[] = {
    {"region_id", SNAPSHOT_ID, false, region_id},
    {"artifact_id", SNAPSHOT_TEXT, false, region_artifact_id},
    {"content_hash", SNAPSHOT_TEXT, false, region_hash},
    {"content_type", SNAPSHOT_TEXT, false, region_content_type},
    {"resolved_at", SNAPSHOT_TIME, false, region_resolved_at},
    {"decision", SNAPSHOT_TEXT, false, region_decision},
    {"decided_by", SNAPSHOT_ID, true, region_decided_by},
    {"decided_at", SNAPSHOT_TIME, true, region_decided_at},
    {"reason", SNAPSHOT_TEXT, true, region_reason},
};

// The only vertex that |walk| leads to.
static bool snapshot_once(struct snapshot_walk *walk, enum snapshot_kind kind, const void *of,
                          struct snapshot_vertex *out)
{
    if (walk->index++ > 0) return false;
    *out = (struct snapshot_vertex){.kind = kind, .of = of};
    return true;
}

static bool walk_regions(const struct snapshot *snapshot, struct snapshot_walk *walk,
                         struct snapshot_vertex *out)
{
    *out = (struct snapshot_vertex){.kind = SNAPSHOT_REGION,
                                    .of = table_next(snapshot->regions, &walk->cursor)};
    return out->of != NULL;
}

static bool walk_jobs(const struct snapshot *snapshot, struct snapshot_walk *walk,
                      struct snapshot_vertex *out)
{
    while (walk_regions(snapshot, walk, out)) {
        const enum latent_state latent = ((const struct region *)out->of)->latent;
        out->kind = SNAPSHOT_JOB;
        if (latent == LATENT_PENDING || latent == LATENT_RUNNING) return true;
    }
    return false;
}

static bool walk_approvals(const struct snapshot *snapshot, struct snapshot_walk *walk,
                           struct snapshot_vertex *out)
{
    while (walk_regions(snapshot, walk, out)) {
        out->kind = SNAPSHOT_APPROVAL;
        if (snapshot_is_resolved(out->of)) return true;
    }
    return false;
}

static bool walk_owner_region(const struct snapshot *snapshot, struct snapshot_walk *walk,
                              struct snapshot_vertex *out)
{
    (void)snapshot;
    return snapshot_once(walk, SNAPSHOT_REGION, walk->from.of, out);
}

static bool walk_region_job(const struct snapshot *snapshot, struct snapshot_walk *walk,
                            struct snapshot_vertex *out)
{
    const enum latent_state latent = ((const struct region *)walk->from.of)->latent;
    (void)snapshot;
    if (latent != LATENT_PENDING && latent != LATENT_RUNNING) return false;
    return snapshot_once(walk, SNAPSHOT_JOB, walk->from.of, out);
}

static bool walk_region_approval(const struct snapshot *snapshot, struct snapshot_walk *walk,
                                 struct snapshot_vertex *out)
{
    (void)snapshot;
    if (!snapshot_is_resolved(walk->from.of)) return false;
    return snapshot_once(walk, SNAPSHOT_APPROVAL, walk->from.of, out);
}

static const struct snapshot_edge region_edges[] = {
    {"job", SNAPSHOT_JOB, walk_region_job},
    {"approval", SNAPSHOT_APPROVAL, walk_region_approval},
};
static const struct snapshot_edge owner_region_edges[] = {
    {"region", SNAPSHOT_REGION, walk_owner_region},
};

// ---- The graph

static const struct graph_port *snapshot_port(const struct graph_node *node, size_t index)
{
    return index < node->input_count ? &node->inputs[index]
                                     : &node->outputs[index - node->input_count];
}

static struct garden_value snapshot_config_bool(const struct graph_node *node, const char *key)
{
    bool flag = true; // unless it says otherwise
    (void)garden_value_to_bool(garden_value_find(&node->descriptor.config, key), &flag);
    return garden_value_bool(flag);
}

SNAPSHOT_READ(node_latency, struct graph_node, node)
{
    uint64_t samples = 0;
    SNAPSHOT_UNUSED;
    (void)garden_value_to_u64(garden_value_find(&node->descriptor.config, "latency_samples"),
                              &samples);
    return garden_value_uint(samples);
}
SNAPSHOT_SIMPLE(node_id, struct graph_node, node, snapshot_uuid(arena, node->row.id))
SNAPSHOT_SIMPLE(node_name, struct graph_node, node, garden_value_text(node->descriptor.name))
SNAPSHOT_SIMPLE(node_type, struct graph_node, node, garden_value_text(node->descriptor.node_type))
SNAPSHOT_SIMPLE(node_realtime, struct graph_node, node, snapshot_config_bool(node, "can_realtime"))
SNAPSHOT_SIMPLE(node_offline, struct graph_node, node, snapshot_config_bool(node, "can_offline"))
SNAPSHOT_SIMPLE(port_name, struct graph_node, node,
                garden_value_text(snapshot_port(node, index)->name))
SNAPSHOT_SIMPLE(port_signal, struct graph_node, node,
                garden_value_text(snapshot_port(node, index)->signal_type))
SNAPSHOT_SIMPLE(port_direction, struct graph_node, node,
                snapshot_text(index < node->input_count ? "input" : "output"))
SNAPSHOT_SIMPLE(edge_source_id, struct graph_connection, edge,
                snapshot_uuid(arena, edge->source->row.id))
SNAPSHOT_SIMPLE(edge_source_port, struct graph_connection, edge,
                garden_value_text(edge->source->outputs[edge->output].name))
SNAPSHOT_SIMPLE(edge_dest_id, struct graph_connection, edge,
                snapshot_uuid(arena, edge->dest->row.id))
SNAPSHOT_SIMPLE(edge_dest_port, struct graph_connection, edge,
                garden_value_text(edge->dest->inputs[edge->input].name))

static const struct snapshot_property node_properties[] = {
    {"id", SNAPSHOT_ID, false, node_id},
    {"name", SNAPSHOT_TEXT, false, node_name},
    {"type_id", SNAPSHOT_TEXT, false, node_type},
    {"latency_samples", SNAPSHOT_INT, false, node_latency},
    {"can_realtime", SNAPSHOT_BOOLEAN, false, node_realtime},
    {"can_offline", SNAPSHOT_BOOLEAN, false, node_offline},
};
static const struct snapshot_property port_properties[] = {
    {"name", SNAPSHOT_TEXT, false, port_name},
    {"signal_type", SNAPSHOT_TEXT, false, port_signal},
    {"direction", SNAPSHOT_TEXT, false, port_direction},
};
static const struct snapshot_property edge_properties[] = {
    {"source_id", SNAPSHOT_ID, false, edge_source_id},
    {"source_port", SNAPSHOT_TEXT, false, edge_source_port},
    {"dest_id", SNAPSHOT_ID, false, edge_dest_id},
    {"dest_port", SNAPSHOT_TEXT, false, edge_dest_port},
};

static bool walk_nodes(const struct snapshot *snapshot, struct snapshot_walk *walk,
                       struct snapshot_vertex *out)
{
    *out = (struct snapshot_vertex){.kind = SNAPSHOT_NODE,
                                    .of = table_next(snapshot->nodes, &walk->cursor)};
    return out->of != NULL;
}

static bool walk_edges(const struct snapshot *snapshot, struct snapshot_walk *walk,
                       struct snapshot_vertex *out)
{
    if (walk->index >= graph_links_count(snapshot->links)) return false;
    *out = (struct snapshot_vertex){.kind = SNAPSHOT_EDGE,
                                    .of = &snapshot->links->items[walk->index++]};
    return true;
}

static bool walk_ports(struct snapshot_walk *walk, size_t first, size_t count,
                       struct snapshot_vertex *out)
{
    if (walk->index == count) return false;
    *out = (struct snapshot_vertex){
        .kind = SNAPSHOT_PORT, .of = walk->from.of, .index = first + walk->index++};
    return true;
}

static bool walk_inputs(const struct snapshot *snapshot, struct snapshot_walk *walk,
                        struct snapshot_vertex *out)
{
    const struct graph_node *node = walk->from.of;
    (void)snapshot;
    return walk_ports(walk, 0, node->input_count, out);
}

static bool walk_outputs(const struct snapshot *snapshot, struct snapshot_walk *walk,
                         struct snapshot_vertex *out)
{
    const struct graph_node *node = walk->from.of;
    (void)snapshot;
    return walk_ports(walk, node->input_count, node->output_count, out);
}

static bool walk_has_found(const struct snapshot_walk *walk, const struct graph_node *node)
{
    size_t i = 0;
    while (i < walk->found_count && walk->found[i] != node)
        i++;
    return i < walk->found_count;
}

// Finds every node that connections lead to from |walk->from|, or to it from, if |up|. The graph has
// no cycle, so the first is not among them. False: no memory.
static bool walk_reach(const struct snapshot *snapshot, struct snapshot_walk *walk, bool up)
{
    const struct graph_links *links = snapshot->links;
    const struct graph_node *at = walk->from.of;
    walk->found = garden_arena_alloc(walk->arena, table_rows(snapshot->nodes), sizeof *walk->found);
    if (!walk->found) return false;
    for (size_t next = 0; at; next++) {
        for (size_t i = 0; i < graph_links_count(links); i++) {
            const struct graph_connection *link = &links->items[i];
            const struct graph_node *far = up ? link->source : link->dest;
            if ((up ? link->dest : link->source) == at && !walk_has_found(walk, far))
                walk->found[walk->found_count++] = far;
        }
        at = next < walk->found_count ? walk->found[next] : NULL;
    }
    return true;
}

static bool walk_reached(const struct snapshot *snapshot, struct snapshot_walk *walk, bool up,
                         struct snapshot_vertex *out)
{
    if (!walk->found && !walk_reach(snapshot, walk, up)) return false;
    if (walk->index == walk->found_count) return false;
    *out = (struct snapshot_vertex){.kind = SNAPSHOT_NODE, .of = walk->found[walk->index++]};
    return true;
}

static bool walk_upstream(const struct snapshot *snapshot, struct snapshot_walk *walk,
                          struct snapshot_vertex *out)
{
    return walk_reached(snapshot, walk, true, out);
}

static bool walk_downstream(const struct snapshot *snapshot, struct snapshot_walk *walk,
                            struct snapshot_vertex *out)
{
    return walk_reached(snapshot, walk, false, out);
}

// The next connection of the node that the walk is from, as one that leads to it or away from it.
static const struct graph_connection *walk_connection(const struct snapshot *snapshot,
                                                      struct snapshot_walk *walk, bool to,
                                                      bool away)
{
    while (walk->index < graph_links_count(snapshot->links)) {
        const struct graph_connection *link = &snapshot->links->items[walk->index++];
        if ((to && link->dest == walk->from.of) || (away && link->source == walk->from.of))
            return link;
    }
    return NULL;
}

static bool walk_previous(const struct snapshot *snapshot, struct snapshot_walk *walk,
                          struct snapshot_vertex *out)
{
    const struct graph_connection *link = walk_connection(snapshot, walk, true, false);
    if (link) *out = (struct snapshot_vertex){.kind = SNAPSHOT_NODE, .of = link->source};
    return link != NULL;
}

static bool walk_following(const struct snapshot *snapshot, struct snapshot_walk *walk,
                           struct snapshot_vertex *out)
{
    const struct graph_connection *link = walk_connection(snapshot, walk, false, true);
    if (link) *out = (struct snapshot_vertex){.kind = SNAPSHOT_NODE, .of = link->dest};
    return link != NULL;
}

static bool walk_node_edges(const struct snapshot *snapshot, struct snapshot_walk *walk,
                            struct snapshot_vertex *out)
{
    const struct graph_connection *link = walk_connection(snapshot, walk, true, true);
    if (link) *out = (struct snapshot_vertex){.kind = SNAPSHOT_EDGE, .of = link};
    return link != NULL;
}

static bool walk_port_node(const struct snapshot *snapshot, struct snapshot_walk *walk,
                           struct snapshot_vertex *out)
{
    (void)snapshot;
    return snapshot_once(walk, SNAPSHOT_NODE, walk->from.of, out);
}

static bool walk_edge_source(const struct snapshot *snapshot, struct snapshot_walk *walk,
                             struct snapshot_vertex *out)
{
    (void)snapshot;
    return snapshot_once(walk, SNAPSHOT_NODE,
                         ((const struct graph_connection *)walk->from.of)->source, out);
}

static bool walk_edge_dest(const struct snapshot *snapshot, struct snapshot_walk *walk,
                           struct snapshot_vertex *out)
{
    (void)snapshot;
    return snapshot_once(walk, SNAPSHOT_NODE,
                         ((const struct graph_connection *)walk->from.of)->dest, out);
}

static const struct snapshot_edge node_edges[] = {
    {"inputs", SNAPSHOT_PORT, walk_inputs},     {"outputs", SNAPSHOT_PORT, walk_outputs},
    {"upstream", SNAPSHOT_NODE, walk_upstream}, {"downstream", SNAPSHOT_NODE, walk_downstream},
    {"previous", SNAPSHOT_NODE, walk_previous}, {"next", SNAPSHOT_NODE, walk_following},
    {"edges", SNAPSHOT_EDGE, walk_node_edges},
};
static const struct snapshot_edge port_edges[] = {{"node", SNAPSHOT_NODE, walk_port_node}};
static const struct snapshot_edge edge_edges[] = {
    {"source", SNAPSHOT_NODE, walk_edge_source},
    {"dest", SNAPSHOT_NODE, walk_edge_dest},
};

// ---- Participants

SNAPSHOT_READ(participant_capabilities, struct participant, participant)
{
    const struct garden_text_list *list = &participant->about.capabilities;
    struct garden_value *items = garden_arena_alloc(arena, list->count, sizeof *items);
    SNAPSHOT_UNUSED;
    if (!items) return garden_value_null();
    for (size_t i = 0; i < list->count; i++)
        items[i] = garden_value_text(list->items[i]);
    return garden_value_list(items, list->count);
}
SNAPSHOT_SIMPLE(participant_id, struct participant, participant,
                snapshot_uuid(arena, participant->row.id))
SNAPSHOT_SIMPLE(participant_name, struct participant, participant,
                garden_value_text(participant->about.name))
SNAPSHOT_SIMPLE(participant_online, struct participant, participant,
                garden_value_bool(participant->online))

static const struct snapshot_property participant_properties[] = {
    {"id", SNAPSHOT_ID, false, participant_id},
    {"name", SNAPSHOT_TEXT, false, participant_name},
    {"capabilities", SNAPSHOT_TEXTS, false, participant_capabilities},
    {"online", SNAPSHOT_BOOLEAN, false, participant_online},
};

static bool walk_participants(const struct snapshot *snapshot, struct snapshot_walk *walk,
                              struct snapshot_vertex *out)
{
    *out = (struct snapshot_vertex){.kind = SNAPSHOT_PARTICIPANT,
                                    .of = table_next(snapshot->participants, &walk->cursor)};
    return out->of != NULL;
}

// ---- Streams

SNAPSHOT_SIMPLE(stream_uri, struct snapshot_stream, stream, snapshot_text(stream->uri))
SNAPSHOT_SIMPLE(stream_source, struct snapshot_stream, stream, snapshot_text(stream->source))
SNAPSHOT_SIMPLE(stream_state, struct snapshot_stream, stream, snapshot_text(stream->state))
SNAPSHOT_SIMPLE(stream_rate, struct snapshot_stream, stream,
                garden_value_uint(stream->format.sample_rate))
SNAPSHOT_SIMPLE(stream_channels, struct snapshot_stream, stream,
                garden_value_uint(stream->format.channels))
SNAPSHOT_SIMPLE(stream_sample, struct snapshot_stream, stream, snapshot_text(stream->sample_format))
SNAPSHOT_SIMPLE(stream_chunk_size, struct snapshot_stream, stream,
                garden_value_uint(stream->chunk_size))
SNAPSHOT_SIMPLE(stream_started_at, struct snapshot_stream, stream,
                snapshot_time(arena, stream->started_at))
SNAPSHOT_SIMPLE(stream_offered, struct snapshot_stream, stream,
                garden_value_uint(stream->totals.offered))
SNAPSHOT_SIMPLE(stream_captured, struct snapshot_stream, stream,
                garden_value_uint(stream->totals.captured))
SNAPSHOT_SIMPLE(stream_overrun, struct snapshot_stream, stream,
                garden_value_uint(stream->totals.overrun))
SNAPSHOT_SIMPLE(stream_bytes, struct snapshot_stream, stream,
                garden_value_uint(stream->totals.bytes))
SNAPSHOT_SIMPLE(stream_chunk_count, struct snapshot_stream, stream,
                garden_value_uint(stream->totals.chunks))
SNAPSHOT_SIMPLE(chunk_number, struct snapshot_chunk, chunk, garden_value_uint(chunk->number))
SNAPSHOT_SIMPLE(chunk_path, struct snapshot_chunk, chunk, snapshot_text(chunk->path))
SNAPSHOT_SIMPLE(chunk_first, struct snapshot_chunk, chunk, garden_value_uint(chunk->first))
SNAPSHOT_SIMPLE(chunk_frames, struct snapshot_chunk, chunk, garden_value_uint(chunk->frames))
SNAPSHOT_SIMPLE(chunk_bytes, struct snapshot_chunk, chunk, garden_value_uint(chunk->bytes))
SNAPSHOT_SIMPLE(chunk_full_at, struct snapshot_chunk, chunk, snapshot_time(arena, chunk->full_at))
SNAPSHOT_SIMPLE(gap_first, struct snapshot_gap, gap, garden_value_uint(gap->first))
SNAPSHOT_SIMPLE(gap_count, struct snapshot_gap, gap, garden_value_uint(gap->count))
SNAPSHOT_SIMPLE(gap_told_at, struct snapshot_gap, gap, snapshot_time(arena, gap->told_at))

static const struct snapshot_property stream_properties[] = {
    {"uri", SNAPSHOT_ID, false, stream_uri},
    {"source", SNAPSHOT_TEXT, false, stream_source},
    {"state", SNAPSHOT_TEXT, false, stream_state},
    {"sample_rate", SNAPSHOT_INT, false, stream_rate},
    {"channels", SNAPSHOT_INT, false, stream_channels},
    {"sample_format", SNAPSHOT_TEXT, false, stream_sample},
    {"chunk_size_bytes", SNAPSHOT_INT, false, stream_chunk_size},
    {"started_at", SNAPSHOT_TIME, false, stream_started_at},
    {"offered", SNAPSHOT_INT, false, stream_offered},
    {"captured", SNAPSHOT_INT, false, stream_captured},
    {"overrun", SNAPSHOT_INT, false, stream_overrun},
    {"bytes", SNAPSHOT_INT, false, stream_bytes},
    {"chunk_count", SNAPSHOT_INT, false, stream_chunk_count},
};
static const struct snapshot_property chunk_properties[] = {
    {"number", SNAPSHOT_INT, false, chunk_number},
    {"path", SNAPSHOT_TEXT, false, chunk_path},
    {"first_sample", SNAPSHOT_INT, false, chunk_first},
    {"sample_count", SNAPSHOT_INT, false, chunk_frames},
    {"byte_count", SNAPSHOT_INT, false, chunk_bytes},
    {"full_at", SNAPSHOT_TIME, false, chunk_full_at},
};
static const struct snapshot_property gap_properties[] = {
    {"first_sample", SNAPSHOT_INT, false, gap_first},
    {"sample_count", SNAPSHOT_INT, false, gap_count},
    {"told_at", SNAPSHOT_TIME, false, gap_told_at},
};

static bool walk_streams(const struct snapshot *snapshot, struct snapshot_walk *walk,
                         struct snapshot_vertex *out)
{
    if (walk->index == snapshot->stream_count) return false;
    *out =
        (struct snapshot_vertex){.kind = SNAPSHOT_STREAM, .of = &snapshot->streams[walk->index++]};
    return true;
}

static bool walk_chunks(const struct snapshot *snapshot, struct snapshot_walk *walk,
                        struct snapshot_vertex *out)
{
    const struct snapshot_stream *stream = walk->from.of;
    (void)snapshot;
    *out = (struct snapshot_vertex){.kind = SNAPSHOT_CHUNK,
                                    .of = table_next(stream->chunks, &walk->cursor)};
    return out->of != NULL;
}

static bool walk_gaps(const struct snapshot *snapshot, struct snapshot_walk *walk,
                      struct snapshot_vertex *out)
{
    const struct snapshot_stream *stream = walk->from.of;
    (void)snapshot;
    *out = (struct snapshot_vertex){.kind = SNAPSHOT_GAP,
                                    .of = table_next(stream->gaps, &walk->cursor)};
    return out->of != NULL;
}

static const struct snapshot_edge stream_edges[] = {
    {"chunks", SNAPSHOT_CHUNK, walk_chunks},
    {"gaps", SNAPSHOT_GAP, walk_gaps},
};

// ---- The playhead

SNAPSHOT_SIMPLE(transport_is_playing, struct transport, transport,
                garden_value_bool(transport->playing))
SNAPSHOT_SIMPLE(transport_beat, struct transport, transport,
                garden_value_real(transport_position(transport, snapshot->mono_ns).beat))
SNAPSHOT_SIMPLE(transport_second, struct transport, transport,
                garden_value_real(transport_position(transport, snapshot->mono_ns).second))
SNAPSHOT_SIMPLE(transport_tempo, struct transport, transport, garden_value_real(transport->tempo))
SNAPSHOT_SIMPLE(transport_at, struct transport, transport,
                ((void)transport, snapshot_time(arena, snapshot->wall)))

static const struct snapshot_property transport_properties[] = {
    {"playing", SNAPSHOT_BOOLEAN, false, transport_is_playing},
    {"position", SNAPSHOT_FLOAT, false, transport_beat},
    {"second", SNAPSHOT_FLOAT, false, transport_second},
    {"tempo", SNAPSHOT_FLOAT, false, transport_tempo},
    {"at", SNAPSHOT_TIME, false, transport_at},
};

static bool walk_transport(const struct snapshot *snapshot, struct snapshot_walk *walk,
                           struct snapshot_vertex *out)
{
    return snapshot_once(walk, SNAPSHOT_TRANSPORT, &snapshot->transport, out);
}

// ---- The schema

#define SNAPSHOT_LIST(array) array, sizeof array / sizeof *array

static const struct snapshot_schema snapshot_schemas[SNAPSHOT_KINDS] = {
    [SNAPSHOT_REGION] = {"Region", SNAPSHOT_LIST(region_properties), SNAPSHOT_LIST(region_edges)},
    [SNAPSHOT_NODE] = {"Node", SNAPSHOT_LIST(node_properties), SNAPSHOT_LIST(node_edges)},
    [SNAPSHOT_PORT] = {"Port", SNAPSHOT_LIST(port_properties), SNAPSHOT_LIST(port_edges)},
    [SNAPSHOT_EDGE] = {"Edge", SNAPSHOT_LIST(edge_properties), SNAPSHOT_LIST(edge_edges)},
    [SNAPSHOT_PARTICIPANT] = {"Participant", SNAPSHOT_LIST(participant_properties), NULL, 0},
    [SNAPSHOT_STREAM] = {"Stream", SNAPSHOT_LIST(stream_properties), SNAPSHOT_LIST(stream_edges)},
    [SNAPSHOT_CHUNK] = {"Chunk", SNAPSHOT_LIST(chunk_properties), NULL, 0},
    [SNAPSHOT_GAP] = {"Gap", SNAPSHOT_LIST(gap_properties), NULL, 0},
    [SNAPSHOT_JOB] = {"Job", SNAPSHOT_LIST(job_properties), SNAPSHOT_LIST(owner_region_edges)},
    [SNAPSHOT_APPROVAL] = {"Approval", SNAPSHOT_LIST(approval_properties),
                           SNAPSHOT_LIST(owner_region_edges)},
    [SNAPSHOT_TRANSPORT] = {"Transport", SNAPSHOT_LIST(transport_properties), NULL, 0},
};

const struct snapshot_schema *snapshot_schema(enum snapshot_kind kind)
{
    return &snapshot_schemas[kind];
}

const struct snapshot_property *snapshot_property(enum snapshot_kind kind, const char *name)
{
    const struct snapshot_schema *schema = &snapshot_schemas[kind];
    for (size_t i = 0; i < schema->property_count; i++)
        if (strcmp(schema->properties[i].name, name) == 0) return &schema->properties[i];
    return NULL;
}

const struct snapshot_edge *snapshot_edge(enum snapshot_kind kind, const char *name)
{
    const struct snapshot_schema *schema = &snapshot_schemas[kind];
    for (size_t i = 0; i < schema->edge_count; i++)
        if (strcmp(schema->edges[i].name, name) == 0) return &schema->edges[i];
    return NULL;
}

// ---- Walking

void snapshot_all(struct snapshot_walk *walk, enum snapshot_kind kind, struct garden_arena *arena)
{
    static bool (*const walks[SNAPSHOT_KINDS])(const struct snapshot *, struct snapshot_walk *,
                                               struct snapshot_vertex *) = {
        [SNAPSHOT_REGION] = walk_regions,     [SNAPSHOT_NODE] = walk_nodes,
        [SNAPSHOT_EDGE] = walk_edges,         [SNAPSHOT_PARTICIPANT] = walk_participants,
        [SNAPSHOT_STREAM] = walk_streams,     [SNAPSHOT_JOB] = walk_jobs,
        [SNAPSHOT_APPROVAL] = walk_approvals, [SNAPSHOT_TRANSPORT] = walk_transport,
    };
    *walk = (struct snapshot_walk){.next = walks[kind], .arena = arena};
}

void snapshot_follow(struct snapshot_walk *walk, const struct snapshot_edge *edge,
                     struct snapshot_vertex from, struct garden_arena *arena)
{
    *walk = (struct snapshot_walk){.from = from, .next = edge->next, .arena = arena};
}

bool snapshot_next(const struct snapshot *snapshot, struct snapshot_walk *walk,
                   struct snapshot_vertex *out)
{
    return walk->next && walk->next(snapshot, walk, out);
}

bool snapshot_find(const struct snapshot *snapshot, enum snapshot_kind kind, struct garden_uuid id,
                   struct snapshot_vertex *out)
{
    const struct table_root *rows = kind == SNAPSHOT_REGION        ? snapshot->regions
                                    : kind == SNAPSHOT_NODE        ? snapshot->nodes
                                    : kind == SNAPSHOT_PARTICIPANT ? snapshot->participants
                                                                   : NULL;
    struct table_cursor cursor = {0};
    const struct table_row *row;
    while ((row = table_next(rows, &cursor))) {
        if (!garden_uuid_equal(row->id, id)) continue;
        *out = (struct snapshot_vertex){.kind = kind, .of = row};
        return true;
    }
    return false;
}
