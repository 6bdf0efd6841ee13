// What is told of a state in words of its own: a DebugDump's part, and a welcome's.
#include "snapshot.h"

enum { TELL_DECISIONS = 256 };

// ---- DebugDump

// Who approved or rejected what, and when, in the order of the regions.
static int tell_decisions(const struct snapshot *snapshot, struct garden_arena *arena,
                          struct garden_value *out)
{
    enum { ENTRIES = 4 };
    static const char *const names[ENTRIES][2] = {{"region", "region_id"},
                                                  {"decision", "decision"},
                                                  {"by", "decided_by"},
                                                  {"at", "decided_at"}};
    struct garden_value *items = garden_arena_alloc(arena, TELL_DECISIONS, sizeof *items);
    struct snapshot_walk walk;
    struct snapshot_vertex vertex;
    size_t count = 0;
    if (!items) return arena->error;
    snapshot_all(&walk, SNAPSHOT_APPROVAL, arena);
    while (count < TELL_DECISIONS && snapshot_next(snapshot, &walk, &vertex)) {
        if (((const struct region *)vertex.of)->latent == LATENT_RESOLVED) continue; // it waits
        struct garden_entry *entries = garden_arena_alloc(arena, ENTRIES, sizeof *entries);
        if (!entries) return arena->error;
        for (size_t i = 0; i < ENTRIES; i++)
            entries[i] = garden_entry_of(
                names[i][0],
                snapshot_property(vertex.kind, names[i][1])->read(snapshot, vertex, arena));
        items[count++] = garden_value_map(entries, ENTRIES);
    }
    *out = garden_value_list(items, count);
    return GARDEN_OK;
}

int snapshot_dump(const struct snapshot *snapshot, struct garden_arena *arena,
                  struct garden_entry out[SNAPSHOT_DUMP_ENTRIES])
{
    enum { TRANSPORT = 3, GRAPH = 2 };
    const struct transport *transport = &snapshot->transport;
    struct garden_entry *playhead = garden_arena_alloc(arena, TRANSPORT, sizeof *playhead);
    struct garden_entry *graph = garden_arena_alloc(arena, GRAPH, sizeof *graph);
    struct garden_value decisions;
    if (!playhead || !graph) return arena->error;
    const int result = tell_decisions(snapshot, arena, &decisions);
    if (result < 0) return result;
    playhead[0] = garden_entry_of("playing", garden_value_bool(transport->playing));
    playhead[1] = garden_entry_of(
        "position", garden_value_real(transport_position(transport, snapshot->mono_ns).beat));
    playhead[2] = garden_entry_of("tempo", garden_value_real(transport->tempo));
    graph[0] = garden_entry_of("nodes", garden_value_uint(table_rows(snapshot->nodes)));
    graph[1] =
        garden_entry_of("connections", garden_value_uint(graph_links_count(snapshot->links)));
    out[0] = garden_entry_of("transport", garden_value_map(playhead, TRANSPORT));
    out[1] = garden_entry_of("regions", garden_value_uint(table_rows(snapshot->regions)));
    out[2] = garden_entry_of("decisions", decisions);
    out[3] = garden_entry_of("graph", garden_value_map(graph, GRAPH));
    out[4] = garden_entry_of("participants", garden_value_uint(table_rows(snapshot->participants)));
    return GARDEN_OK;
}

// ---- Welcome

static int tell_row(const struct snapshot *snapshot, struct snapshot_vertex vertex,
                    struct garden_arena *arena, struct garden_value *out)
{
    const struct snapshot_schema *schema = snapshot_schema(vertex.kind);
    struct garden_entry *entries =
        garden_arena_alloc(arena, schema->property_count, sizeof *entries);
    size_t count = 0;
    if (!entries) return arena->error;
    for (size_t i = 0; i < schema->property_count; i++) {
        const struct snapshot_property *property = &schema->properties[i];
        const struct garden_value value = property->read(snapshot, vertex, arena);
        if (value.type != GARDEN_NULL) entries[count++] = garden_entry_of(property->name, value);
    }
    *out = garden_value_map(entries, count);
    return arena->error;
}

// All of |kind|, or null when there are too many.
static int tell_rows(const struct snapshot *snapshot, enum snapshot_kind kind, size_t count,
                     struct garden_arena *arena, struct garden_value *out)
{
    struct snapshot_walk walk;
    struct snapshot_vertex vertex;
    *out = garden_value_null();
    if (count > SNAPSHOT_WELCOME_ROWS) return GARDEN_OK;
    struct garden_value *items = garden_arena_alloc(arena, count, sizeof *items);
    if (!items) return arena->error;
    size_t filled = 0;
    snapshot_all(&walk, kind, arena);
    while (snapshot_next(snapshot, &walk, &vertex)) {
        const int result = tell_row(snapshot, vertex, arena, &items[filled++]);
        if (result < 0) return result;
    }
    *out = garden_value_list(items, filled);
    return GARDEN_OK;
}

int snapshot_welcome(const struct snapshot *snapshot, struct garden_arena *arena,
                     struct garden_value *out)
{
    enum { KINDS = 4, ENTRIES = 2 + 2 * KINDS };
    static const struct {
        enum snapshot_kind kind;
        const char *rows, *count;
    } kinds[KINDS] = {
        {SNAPSHOT_REGION, "regions", "region_count"},
        {SNAPSHOT_NODE, "nodes", "node_count"},
        {SNAPSHOT_EDGE, "connections", "connection_count"},
        {SNAPSHOT_PARTICIPANT, "participants", "participant_count"},
    };
    const size_t counts[KINDS] = {table_rows(snapshot->regions), table_rows(snapshot->nodes),
                                  graph_links_count(snapshot->links),
                                  table_rows(snapshot->participants)};
    const struct snapshot_vertex transport = {.kind = SNAPSHOT_TRANSPORT,
                                              .of = &snapshot->transport};
    struct garden_entry *entries = garden_arena_alloc(arena, ENTRIES, sizeof *entries);
    struct garden_value value;
    bool complete = true;
    if (!entries) return arena->error;
    int result = tell_row(snapshot, transport, arena, &value);
    entries[0] = garden_entry_of("transport", value);
    for (size_t i = 0; i < KINDS && result == GARDEN_OK; i++) {
        result = tell_rows(snapshot, kinds[i].kind, counts[i], arena, &value);
        complete = complete && value.type == GARDEN_LIST;
        entries[2 + 2 * i] = garden_entry_of(kinds[i].count, garden_value_uint(counts[i]));
        entries[3 + 2 * i] = garden_entry_of(kinds[i].rows, value);
    }
    entries[1] = garden_entry_of("complete", garden_value_bool(complete));
    *out = garden_value_map(entries, ENTRIES);
    return result;
}
