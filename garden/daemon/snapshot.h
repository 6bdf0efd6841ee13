// The whole state at one moment, as vertices with properties and edges between them: what a query reads.
// A snapshot is made on the loop's thread, at a cost that does not depend on its size (table.h), and
// does not change. Until it is released, on the loop's thread again, any one thread may read it.
//
// The schema is data: snapshot_schema() lists the properties and edges of each kind, in the words of the
// protocol's query schema, so that a query language needs to know none of them.
#ifndef GARDEN_DAEMON_SNAPSHOT_H
#define GARDEN_DAEMON_SNAPSHOT_H

#include "graph.h"
#include "participants.h"
#include "regions.h"
#include "snapshot_stream.h"
#include "transport.h"

struct snapshot {
    struct transport transport;
    int64_t mono_ns; // when it was taken
    struct garden_time wall;
    struct table_root *regions, *nodes, *participants;
    struct graph_links *links;
    const struct snapshot_stream *streams; // of whoever took it
    size_t stream_count;
};

enum snapshot_kind {
    SNAPSHOT_REGION,
    SNAPSHOT_NODE,
    SNAPSHOT_PORT,
    SNAPSHOT_EDGE, // a connection of the graph
    SNAPSHOT_PARTICIPANT,
    SNAPSHOT_STREAM,
    SNAPSHOT_CHUNK,
    SNAPSHOT_GAP,
    SNAPSHOT_JOB,      // of a region that is pending or running
    SNAPSHOT_APPROVAL, // of a region that is resolved, approved or rejected
    SNAPSHOT_TRANSPORT,
    SNAPSHOT_KINDS
};

// Small enough to be copied; it is valid as long as the snapshot.
struct snapshot_vertex {
    enum snapshot_kind kind;
    const void *of; // what it is, or belongs to
    size_t index;   // which of its owner's; an output port counts from the inputs on
};

enum snapshot_type {
    SNAPSHOT_ID, // text
    SNAPSHOT_TEXT,
    SNAPSHOT_INT,
    SNAPSHOT_FLOAT,
    SNAPSHOT_BOOLEAN,
    SNAPSHOT_TIME, // text, RFC 3339
    SNAPSHOT_TEXTS // a list
};

struct snapshot_property {
    const char *name;
    enum snapshot_type type;
    bool nullable;
    // |out| borrows from the snapshot or lives in |arena|, whose |error| tells of missing memory.
    struct garden_value (*read)(const struct snapshot *snapshot, struct snapshot_vertex vertex,
                                struct garden_arena *arena);
};

// Walks over vertices: begin with a zeroed one, besides what snapshot_all() or snapshot_follow() set.
struct snapshot_walk {
    struct snapshot_vertex from;
    bool (*next)(const struct snapshot *snapshot, struct snapshot_walk *walk,
                 struct snapshot_vertex *out);
    struct table_cursor cursor;
    size_t index;
    struct garden_arena *arena;
    const struct graph_node **found; // by a transitive walk, which finds them all at its first step
    size_t found_count;
};

struct snapshot_edge {
    const char *name;
    enum snapshot_kind to;
    bool (*next)(const struct snapshot *snapshot, struct snapshot_walk *walk,
                 struct snapshot_vertex *out);
};

struct snapshot_schema {
    const char *name;
    const struct snapshot_property *properties;
    size_t property_count;
    const struct snapshot_edge *edges;
    size_t edge_count;
};
const struct snapshot_schema *snapshot_schema(enum snapshot_kind kind);
// Null when the kind has none of that name.
const struct snapshot_property *snapshot_property(enum snapshot_kind kind, const char *name);
const struct snapshot_edge *snapshot_edge(enum snapshot_kind kind, const char *name);

// All vertices of |kind|; ports, chunks and gaps only come by edges from what has them.
// |arena|, which edges that follow others transitively need, must live as long as the walk.
void snapshot_all(struct snapshot_walk *walk, enum snapshot_kind kind, struct garden_arena *arena);
void snapshot_follow(struct snapshot_walk *walk, const struct snapshot_edge *edge,
                     struct snapshot_vertex from, struct garden_arena *arena);
// False after the last, or without memory, which the arena's |error| tells.
bool snapshot_next(const struct snapshot *snapshot, struct snapshot_walk *walk,
                   struct snapshot_vertex *out);
// By its id, of a kind that has one; false when there is none.
bool snapshot_find(const struct snapshot *snapshot, enum snapshot_kind kind, struct garden_uuid id,
                   struct snapshot_vertex *out);

// Transport, regions, graph and participants, as entries of a DebugDump.
enum { SNAPSHOT_DUMP_ENTRIES = 5 };
int snapshot_dump(const struct snapshot *snapshot, struct garden_arena *arena,
                  struct garden_entry out[SNAPSHOT_DUMP_ENTRIES]);

// What a new subscriber is told of the state: the transport, how many there are of everything, and the
// regions, nodes and participants themselves as long as there are at most SNAPSHOT_WELCOME_ROWS of a kind.
// All of it can be asked for; |complete| tells whether that is necessary. Bounded, as it is made on the loop.
enum { SNAPSHOT_WELCOME_ROWS = 64 };
int snapshot_welcome(const struct snapshot *snapshot, struct garden_arena *arena,
                     struct garden_value *out);

#endif
