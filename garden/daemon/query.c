#include "query.h"

#include <math.h>
#include <string.h>

#include "../core/error.h"

// ---- Kinds that no snapshot has

enum query_kind {
    QUERY_TEMPO = SNAPSHOT_KINDS,
    QUERY_TIME,
    QUERY_SAMPLE,
    QUERY_NOTHING // devices, of which there are none
};

// Properties that are no snapshot's: the addresses tell them.
static const char query_real = 0, query_integer = 0, query_entity_id = 0, query_no_property = 0;

static const char *query_type(void *user, struct garden_query_vertex vertex)
{
    static const char *const results[] = {"TempoResult", "TimeResult", "SampleResult", ""};
    (void)user;
    if (vertex.kind >= SNAPSHOT_KINDS) return results[vertex.kind - SNAPSHOT_KINDS];
    return snapshot_schema((enum snapshot_kind)vertex.kind)->name;
}

// SNAPSHOT_KINDS: the type is none of a snapshot's.
static enum snapshot_kind query_kind_of(const char *type)
{
    unsigned kind = 0;
    while (kind < SNAPSHOT_KINDS &&
           strcmp(snapshot_schema((enum snapshot_kind)kind)->name, type) != 0)
        kind++;
    return (enum snapshot_kind)kind;
}

static const void *query_property(const char *type, const char *name)
{
    const enum snapshot_kind kind = query_kind_of(type);
    if (kind != SNAPSHOT_KINDS) return snapshot_property(kind, name);
    if (strcmp(type, "Entity") == 0) return &query_entity_id;
    if (strcmp(type, "TempoResult") == 0 || strcmp(type, "TimeResult") == 0) return &query_real;
    if (strcmp(type, "SampleResult") == 0) return &query_integer;
    return &query_no_property;
}

static struct snapshot_vertex query_vertex(struct garden_query_vertex vertex)
{
    return (struct snapshot_vertex){
        .kind = (enum snapshot_kind)vertex.kind, .of = vertex.of, .index = vertex.index};
}

static struct garden_value query_read(void *user, const void *property,
                                      struct garden_query_vertex vertex, struct garden_arena *arena)
{
    const struct snapshot_property *of = property;
    if (property == &query_no_property) return garden_value_null();
    if (property == &query_real) return garden_value_real(vertex.value);
    if (property == &query_integer) return garden_value_int((int64_t)vertex.value);
    if (property == &query_entity_id) of = snapshot_property((enum snapshot_kind)vertex.kind, "id");
    return of->read(user, query_vertex(vertex), arena);
}

// ---- Walks

struct query_walk {
    struct snapshot_walk walk;
    struct garden_arena arena; // of a walk that finds many at once
    // What is passed over; null: nothing.
    bool (*keep)(const struct query_walk *walk, struct snapshot_vertex vertex);
    struct garden_uuid id;
    struct garden_text text;
    double low, high;
    enum latent_state latent;
    // Or vertices that are known from the start.
    bool known;
    size_t count, next;
    struct garden_query_vertex vertices[1];
    // Or the connections of a node.
    const struct graph_links *links;
};

// The beginning of a walk.
struct query_call {
    const struct query_edge *edge;
    const struct snapshot *snapshot;
    struct query_walk *walk;
    const struct garden_value *parameters;
    struct garden_error *error;
};

struct query_edge {
    const char *type, *name;
    enum snapshot_kind kind; // that all are walked over of; SNAPSHOT_KINDS: another way
    bool (*keep)(const struct query_walk *walk, struct snapshot_vertex vertex);
    int (*begin)(const struct query_call *call); // null: no more to do
};

static int query_read_id(const struct garden_value *parameter, const char *name,
                         struct garden_uuid *out, struct garden_error *error)
{
    if (garden_uuid_parse(parameter->text, out) == GARDEN_OK) return GARDEN_OK;
    return garden__fail(error, GARDEN_ERR_FORMAT, "%s must be a uuid, not '%.*s'", name,
                        (int)(parameter->text.size < 64 ? parameter->text.size : 64),
                        parameter->text.data);
}

static void query_know(struct query_walk *walk, struct garden_query_vertex vertex)
{
    walk->known = true;
    walk->vertices[walk->count++] = vertex;
}

static struct garden_query_vertex query_told(struct snapshot_vertex vertex)
{
    return (struct garden_query_vertex){
        .kind = vertex.kind, .of = vertex.of, .index = vertex.index};
}

// Of one kind, by the id that may be the first parameter.
static int query_begin_id(const struct query_call *call)
{
    struct query_walk *walk = call->walk;
    struct snapshot_vertex found;
    if (call->parameters[0].type == GARDEN_NULL) return GARDEN_OK;
    const int result = query_read_id(&call->parameters[0], "id", &walk->id, call->error);
    if (result < 0) return result;
    walk->known = true;
    if (snapshot_find(call->snapshot, call->edge->kind, walk->id, &found))
        query_know(walk, query_told(found));
    return GARDEN_OK;
}

static int query_begin_entity(const struct query_call *call)
{
    struct query_walk *walk = call->walk;
    static const enum snapshot_kind kinds[] = {SNAPSHOT_REGION, SNAPSHOT_NODE,
                                               SNAPSHOT_PARTICIPANT};
    struct snapshot_vertex found;
    const int result = query_read_id(&call->parameters[0], "id", &walk->id, call->error);
    walk->known = true;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && walk->count == 0; i++)
        if (result == GARDEN_OK && snapshot_find(call->snapshot, kinds[i], walk->id, &found))
            query_know(walk, query_told(found));
    return result;
}

// ---- Regions

static bool query_keep_range(const struct query_walk *walk, struct snapshot_vertex vertex)
{
    return region_overlaps(vertex.of, walk->low, walk->high);
}

static bool query_keep_status(const struct query_walk *walk, struct snapshot_vertex vertex)
{
    return ((const struct region *)vertex.of)->latent == walk->latent;
}

static bool query_keep_latent(const struct query_walk *walk, struct snapshot_vertex vertex)
{
    (void)walk;
    return ((const struct region *)vertex.of)->behavior.kind == GARDEN_BEHAVIOR_LATENT;
}

static bool query_keep_playable(const struct query_walk *walk, struct snapshot_vertex vertex)
{
    const struct region *region = vertex.of;
    (void)walk;
    return region->behavior.kind == GARDEN_BEHAVIOR_PLAY_CONTENT ||
           region->latent == LATENT_APPROVED;
}

static int query_begin_range(const struct query_call *call)
{
    struct query_walk *walk = call->walk;
    walk->low = call->parameters[0].real;
    walk->high = call->parameters[1].real;
    if (walk->low <= walk->high) return GARDEN_OK;
    return garden__fail(call->error, GARDEN_ERR_RANGE, "start must not be after end");
}

static int query_begin_status(const struct query_call *call)
{
    struct query_walk *walk = call->walk;
    for (walk->latent = LATENT_PENDING; walk->latent <= LATENT_FAILED; walk->latent++)
        if (garden_text_is(call->parameters[0].text, latent_state_name(walk->latent)))
            return GARDEN_OK;
    return garden__fail(call->error, GARDEN_ERR_NOT_FOUND,
                        "status must be pending, running, resolved, approved, rejected or failed");
}

// Jobs that run, and approvals that wait.
static int query_begin_state(const struct query_call *call)
{
    call->walk->latent = call->edge->kind == SNAPSHOT_JOB ? LATENT_RUNNING : LATENT_RESOLVED;
    return GARDEN_OK;
}

static int query_begin_nothing(const struct query_call *call)
{
    call->walk->known = true;
    return GARDEN_OK;
}

// ---- The graph

static bool query_keep_prefix(const struct query_walk *walk, struct snapshot_vertex vertex)
{
    const struct garden_text type = ((const struct graph_node *)vertex.of)->descriptor.node_type;
    return type.size >= walk->text.size && memcmp(type.data, walk->text.data, walk->text.size) == 0;
}

static int query_begin_node(const struct query_call *call)
{
    struct query_walk *walk = call->walk;
    const int result = query_begin_id(call);
    if (result < 0 || call->parameters[1].type == GARDEN_NULL || call->parameters[1].text.size == 0)
        return result;
    walk->text = call->parameters[1].text;
    walk->keep = query_keep_prefix;
    if (walk->count > 0 && !query_keep_prefix(walk, query_vertex(walk->vertices[0])))
        walk->count = 0;
    return GARDEN_OK;
}

static bool query_keep_capability(const struct query_walk *walk, struct snapshot_vertex vertex)
{
    const char *name = walk->text.data[0] == 'r' ? "can_realtime" : "can_offline";
    return snapshot_property(SNAPSHOT_NODE, name)->read(NULL, vertex, NULL).boolean;
}

static int query_begin_capability(const struct query_call *call)
{
    struct query_walk *walk = call->walk;
    walk->text = call->parameters[0].text;
    if (garden_text_is(walk->text, "realtime") || garden_text_is(walk->text, "offline"))
        return GARDEN_OK;
    return garden__fail(call->error, GARDEN_ERR_NOT_FOUND,
                        "capability must be realtime or offline");
}

static bool query_keep_end(const struct query_walk *walk, struct snapshot_vertex vertex)
{
    const struct graph_connection *link = vertex.of;
    return garden_uuid_equal(link->source->row.id, walk->id) ||
           garden_uuid_equal(link->dest->row.id, walk->id);
}

static int query_begin_edge(const struct query_call *call)
{
    struct query_walk *walk = call->walk;
    if (call->parameters[0].type == GARDEN_NULL) return GARDEN_OK;
    walk->keep = query_keep_end;
    return query_read_id(&call->parameters[0], "node_id", &walk->id, call->error);
}

// ---- Participants and streams

static bool query_keep_able(const struct query_walk *walk, struct snapshot_vertex vertex)
{
    const struct garden_text_list *list =
        &((const struct participant *)vertex.of)->about.capabilities;
    for (size_t i = 0; i < list->count; i++)
        if (garden_text_equal(list->items[i], walk->text)) return true;
    return false;
}

static bool query_keep_uri(const struct query_walk *walk, struct snapshot_vertex vertex)
{
    return garden_text_is(walk->text, ((const struct snapshot_stream *)vertex.of)->uri);
}

static int query_begin_able(const struct query_call *call)
{
    call->walk->text = call->parameters[0].text;
    return GARDEN_OK;
}

static int query_begin_stream(const struct query_call *call)
{
    struct query_walk *walk = call->walk;
    if (call->parameters[0].type == GARDEN_NULL) return GARDEN_OK;
    walk->text = call->parameters[0].text;
    walk->keep = query_keep_uri;
    return GARDEN_OK;
}

// ---- Places on the timeline

// Beats and seconds are counted from the playhead's place, where both are known.
static int query_begin_place(const struct query_call *call)
{
    const struct transport_position now =
        transport_position(&call->snapshot->transport, call->snapshot->mono_ns);
    const double per_beat = 60 / call->snapshot->transport.tempo, given = call->parameters[0].real;
    struct garden_query_vertex vertex = {.kind = QUERY_TIME};
    if (strcmp(call->edge->name, "TempoAt") == 0) {
        vertex.kind = QUERY_TEMPO;
        vertex.value = call->snapshot->transport.tempo;
    } else if (strcmp(call->edge->name, "SecondToBeat") == 0) {
        vertex.value = now.beat + (given - now.second) / per_beat;
    } else {
        vertex.value = now.second + (given - now.beat) * per_beat;
    }
    if (strcmp(call->edge->name, "BeatToSample") == 0) {
        int64_t rate;
        if (!garden_value_to_i64(&call->parameters[1], &rate) || rate < 1 || rate > UINT32_MAX)
            return garden__fail(call->error, GARDEN_ERR_RANGE, "sample_rate must be 1 or more");
        vertex.kind = QUERY_SAMPLE;
        vertex.value = round(vertex.value * (double)rate);
    }
    if (!(fabs(vertex.value) < 0x1p62))
        return garden__fail(call->error, GARDEN_ERR_RANGE, "that is too far away");
    query_know(call->walk, vertex);
    return GARDEN_OK;
}

// ---- All edges

#define QUERY_FOLLOW(type, name)                                                                   \
    {                                                                                              \
        type, name, SNAPSHOT_KINDS, NULL, NULL                                                     \
    }
static const struct query_edge query_edges[] = {
    {"Query", "Entity", SNAPSHOT_KINDS, NULL, query_begin_entity},
    {"Query", "Region", SNAPSHOT_REGION, NULL, query_begin_id},
    {"Query", "RegionInRange", SNAPSHOT_REGION, query_keep_range, query_begin_range},
    {"Query", "RegionByTag", SNAPSHOT_REGION, NULL, query_begin_nothing},
    {"Query", "RegionByStatus", SNAPSHOT_REGION, query_keep_status, query_begin_status},
    {"Query", "LatentRegion", SNAPSHOT_REGION, query_keep_latent, NULL},
    {"Query", "PlayableRegion", SNAPSHOT_REGION, query_keep_playable, NULL},
    {"Query", "Node", SNAPSHOT_NODE, NULL, query_begin_node},
    {"Query", "NodeByCapability", SNAPSHOT_NODE, query_keep_capability, query_begin_capability},
    {"Query", "Edge", SNAPSHOT_EDGE, NULL, query_begin_edge},
    {"Query", "Output", SNAPSHOT_KINDS, NULL, query_begin_nothing},
    {"Query", "Input", SNAPSHOT_KINDS, NULL, query_begin_nothing},
    {"Query", "MidiDevice", SNAPSHOT_KINDS, NULL, query_begin_nothing},
    {"Query", "Participant", SNAPSHOT_PARTICIPANT, NULL, query_begin_id},
    {"Query", "ParticipantByCapability", SNAPSHOT_PARTICIPANT, query_keep_able, query_begin_able},
    {"Query", "Stream", SNAPSHOT_STREAM, NULL, query_begin_stream},
    {"Query", "Transport", SNAPSHOT_TRANSPORT, NULL, NULL},
    {"Query", "TempoAt", SNAPSHOT_KINDS, NULL, query_begin_place},
    {"Query", "BeatToSecond", SNAPSHOT_KINDS, NULL, query_begin_place},
    {"Query", "SecondToBeat", SNAPSHOT_KINDS, NULL, query_begin_place},
    {"Query", "BeatToSample", SNAPSHOT_KINDS, NULL, query_begin_place},
    {"Query", "Job", SNAPSHOT_JOB, NULL, NULL},
    {"Query", "RunningJob", SNAPSHOT_JOB, query_keep_status, query_begin_state},
    {"Query", "Approval", SNAPSHOT_APPROVAL, NULL, NULL},
    {"Query", "PendingApproval", SNAPSHOT_APPROVAL, query_keep_status, query_begin_state},
    QUERY_FOLLOW("Region", "job"),
    QUERY_FOLLOW("Region", "approval"),
    QUERY_FOLLOW("Node", "inputs"),
    QUERY_FOLLOW("Node", "outputs"),
    QUERY_FOLLOW("Node", "upstream"),
    QUERY_FOLLOW("Node", "downstream"),
    QUERY_FOLLOW("Node", "previous"),
    QUERY_FOLLOW("Node", "next"),
    QUERY_FOLLOW("Node", "edges"),
    QUERY_FOLLOW("Port", "node"),
    QUERY_FOLLOW("Edge", "source"),
    QUERY_FOLLOW("Edge", "dest"),
    QUERY_FOLLOW("Stream", "chunks"),
    QUERY_FOLLOW("Stream", "gaps"),
    QUERY_FOLLOW("Job", "region"),
    QUERY_FOLLOW("Approval", "region"),
};

static const void *query_edge(const char *type, const char *name)
{
    for (size_t i = 0; i < sizeof query_edges / sizeof *query_edges; i++)
        if (strcmp(query_edges[i].type, type) == 0 && strcmp(query_edges[i].name, name) == 0)
            return &query_edges[i];
    return NULL;
}

static int query_begin(void *user, const void *edge, const struct garden_query_vertex *from,
                       const struct garden_value *parameters, void *memory,
                       struct garden_error *error)
{
    const struct snapshot *snapshot = user;
    const struct query_edge *of = edge;
    struct query_walk *walk = memory;
    garden_arena_init(&walk->arena, NULL, 0);
    if (from)
        snapshot_follow(&walk->walk, snapshot_edge((enum snapshot_kind)from->kind, of->name),
                        query_vertex(*from), &walk->arena);
    else if (of->kind != SNAPSHOT_KINDS)
        snapshot_all(&walk->walk, of->kind, &walk->arena);
    const struct query_call call = {of, snapshot, walk, parameters, error};
    walk->keep = of->keep;
    return of->begin ? of->begin(&call) : GARDEN_OK;
}

static int query_next(void *user, void *memory, struct garden_query_vertex *out)
{
    struct query_walk *walk = memory;
    struct snapshot_vertex vertex;
    if (walk->known) {
        if (walk->next == walk->count) return 0;
        *out = walk->vertices[walk->next++];
        return 1;
    }
    while (snapshot_next(user, &walk->walk, &vertex)) {
        if (walk->keep && !walk->keep(walk, vertex)) continue;
        *out = query_told(vertex);
        return 1;
    }
    return walk->arena.error;
}

static void query_end(void *user, void *memory)
{
    struct query_walk *walk = memory;
    (void)user;
    garden_arena_fini(&walk->arena);
}

const struct garden_query_adapter *query_adapter(void)
{
    static const struct garden_query_adapter adapter = {
        .property = query_property,
        .edge = query_edge,
        .type = query_type,
        .read = query_read,
        .walk_size = sizeof(struct query_walk),
        .begin = query_begin,
        .next = query_next,
        .end = query_end,
    };
    return &adapter;
}
