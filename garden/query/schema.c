// The garden's schema: the words of the protocol's query schema, and what a daemon can tell beyond it.
// schema.graphql beside this file is what garden_query_schema_print() makes of it, and a test holds the two
// together, and both to what a daemon reads.
#include "../query.h"

// clang-format off
#define SCHEMA_GIVEN(name, scalar, about) {name, GARDEN_QUERY_##scalar, false, false, about}
#define SCHEMA_MAYBE(name, scalar, about) {name, GARDEN_QUERY_##scalar, false, true, about}
#define SCHEMA_TEXTS(name, about) {name, GARDEN_QUERY_STRING, true, false, about}
#define SCHEMA_LIST(array) array, sizeof array / sizeof *array

static const struct garden_query_edge schema_query[] = {
    {"Entity", "Entity", GARDEN_QUERY_MANY, "What has this id, whatever it is: ... on Region {}.", {{"id", GARDEN_QUERY_STRING, true}}},
    {"Region", "Region", GARDEN_QUERY_MANY, NULL, {{"id", GARDEN_QUERY_STRING, false}}},
    {"RegionInRange", "Region", GARDEN_QUERY_MANY, "Regions that overlap [start, end), in beats.", {{"start", GARDEN_QUERY_FLOAT, true}, {"end", GARDEN_QUERY_FLOAT, true}}},
    {"RegionByTag", "Region", GARDEN_QUERY_MANY, "None: regions have no tags in this protocol's version.", {{"tag", GARDEN_QUERY_STRING, true}}},
    {"RegionByStatus", "Region", GARDEN_QUERY_MANY, "Latent regions by their latent_status.", {{"status", GARDEN_QUERY_STRING, true}}},
    {"LatentRegion", "Region", GARDEN_QUERY_MANY, "Regions whose behavior_type is latent.", {{0}}},
    {"PlayableRegion", "Region", GARDEN_QUERY_MANY, "Regions with is_playable.", {{0}}},
    {"Node", "Node", GARDEN_QUERY_MANY, NULL, {{"id", GARDEN_QUERY_STRING, false}, {"type_prefix", GARDEN_QUERY_STRING, false}}},
    {"NodeByCapability", "Node", GARDEN_QUERY_MANY, "Nodes that can do this: realtime or offline.", {{"capability", GARDEN_QUERY_STRING, true}}},
    {"Edge", "Edge", GARDEN_QUERY_MANY, "The graph's connections: all, or those of a node.", {{"node_id", GARDEN_QUERY_STRING, false}}},
    {"Output", "Output", GARDEN_QUERY_MANY, "None: this daemon plays to no device.", {{0}}},
    {"Input", "Input", GARDEN_QUERY_MANY, "None: what it records are its streams.", {{0}}},
    {"MidiDevice", "MidiDevice", GARDEN_QUERY_MANY, "None.", {{"direction", GARDEN_QUERY_STRING, false}}},
    {"Participant", "Participant", GARDEN_QUERY_MANY, NULL, {{"id", GARDEN_QUERY_STRING, false}}},
    {"ParticipantByCapability", "Participant", GARDEN_QUERY_MANY, NULL, {{"capability", GARDEN_QUERY_STRING, true}}},
    {"Stream", "Stream", GARDEN_QUERY_MANY, "Streams that are captured, or were lately.", {{"uri", GARDEN_QUERY_STRING, false}}},
    {"Transport", "Transport", GARDEN_QUERY_ONE, "The playhead.", {{0}}},
    {"TempoAt", "TempoResult", GARDEN_QUERY_ONE, NULL, {{"beat", GARDEN_QUERY_FLOAT, true}}},
    {"BeatToSecond", "TimeResult", GARDEN_QUERY_ONE, "By the tempo as it is, from the playhead's place.", {{"beat", GARDEN_QUERY_FLOAT, true}}},
    {"SecondToBeat", "TimeResult", GARDEN_QUERY_ONE, "The inverse of BeatToSecond.", {{"second", GARDEN_QUERY_FLOAT, true}}},
    {"BeatToSample", "SampleResult", GARDEN_QUERY_ONE, "The nearest sample of that rate.", {{"beat", GARDEN_QUERY_FLOAT, true}, {"sample_rate", GARDEN_QUERY_INT, true}}},
    {"Job", "Job", GARDEN_QUERY_MANY, "Jobs of latent regions that are pending or running.", {{0}}},
    {"RunningJob", "Job", GARDEN_QUERY_MANY, NULL, {{0}}},
    {"Approval", "Approval", GARDEN_QUERY_MANY, "What was made, and what was decided about it.", {{0}}},
    {"PendingApproval", "Approval", GARDEN_QUERY_MANY, "What was made and waits for a decision.", {{0}}},
};

static const struct garden_query_property schema_entity[] = {
    SCHEMA_GIVEN("id", ID, NULL),
};

static const struct garden_query_property schema_region[] = {
    SCHEMA_GIVEN("id", ID, NULL),
    SCHEMA_GIVEN("position", FLOAT, "In beats, as duration and end."),
    SCHEMA_GIVEN("duration", FLOAT, NULL),
    SCHEMA_GIVEN("end", FLOAT, NULL),
    SCHEMA_GIVEN("behavior_type", STRING, "play_content, latent, apply_processing or emit_trigger."),
    SCHEMA_MAYBE("name", STRING, "Null: regions have no names in this protocol's version."),
    SCHEMA_TEXTS("tags", "Empty: nor tags."),
    SCHEMA_MAYBE("latent_status", STRING, "pending, running, resolved, approved, rejected or failed."),
    SCHEMA_MAYBE("latent_progress", FLOAT, "0 to 1."),
    SCHEMA_MAYBE("job_id", STRING, NULL),
    SCHEMA_GIVEN("is_resolved", BOOLEAN, "And not yet decided about."),
    SCHEMA_GIVEN("is_approved", BOOLEAN, NULL),
    SCHEMA_GIVEN("is_playable", BOOLEAN, "It plays content, or is latent and approved."),
    SCHEMA_MAYBE("content_hash", STRING, NULL),
    SCHEMA_MAYBE("content_type", STRING, "audio, midi or control."),
    SCHEMA_MAYBE("artifact_id", STRING, NULL),
    SCHEMA_MAYBE("generation_tool", STRING, "Null: not told to a daemon."),
    SCHEMA_MAYBE("parameter", STRING, "That apply_processing changes."),
    SCHEMA_MAYBE("event_type", STRING, "That emit_trigger emits."),
    SCHEMA_MAYBE("error", STRING, "Why it failed."),
    SCHEMA_MAYBE("resolved_at", STRING, "Times are RFC 3339, in UTC."),
    SCHEMA_MAYBE("decided_by", ID, NULL),
    SCHEMA_MAYBE("decided_at", STRING, NULL),
    SCHEMA_MAYBE("reason", STRING, "Of a rejection."),
    SCHEMA_GIVEN("is_alive", BOOLEAN, NULL),
    SCHEMA_GIVEN("is_tombstoned", BOOLEAN, NULL),
};
static const struct garden_query_edge schema_region_edges[] = {
    {"job", "Job", GARDEN_QUERY_ONE_OR_NONE, NULL, {{0}}},
    {"approval", "Approval", GARDEN_QUERY_ONE_OR_NONE, NULL, {{0}}},
};

static const struct garden_query_property schema_node[] = {
    SCHEMA_GIVEN("id", ID, NULL),
    SCHEMA_GIVEN("name", STRING, NULL),
    SCHEMA_GIVEN("type_id", STRING, "Such as source.file or effect.reverb."),
    SCHEMA_GIVEN("latency_samples", INT, NULL),
    SCHEMA_GIVEN("can_realtime", BOOLEAN, NULL),
    SCHEMA_GIVEN("can_offline", BOOLEAN, NULL),
};
static const struct garden_query_edge schema_node_edges[] = {
    {"inputs", "Port", GARDEN_QUERY_MANY, NULL, {{0}}},
    {"outputs", "Port", GARDEN_QUERY_MANY, NULL, {{0}}},
    {"upstream", "Node", GARDEN_QUERY_MANY, "All that feed it, directly or not.", {{0}}},
    {"downstream", "Node", GARDEN_QUERY_MANY, "All that it feeds, directly or not.", {{0}}},
    {"previous", "Node", GARDEN_QUERY_MANY, "Those that feed it, once for each connection.", {{0}}},
    {"next", "Node", GARDEN_QUERY_MANY, "Those that it feeds, once for each connection.", {{0}}},
    {"edges", "Edge", GARDEN_QUERY_MANY, "Its connections, of either direction.", {{0}}},
};

static const struct garden_query_property schema_port[] = {
    SCHEMA_GIVEN("name", STRING, NULL),
    SCHEMA_GIVEN("signal_type", STRING, "audio, midi, control or trigger."),
    SCHEMA_GIVEN("direction", STRING, "input or output."),
};
static const struct garden_query_edge schema_port_edges[] = {
    {"node", "Node", GARDEN_QUERY_ONE, NULL, {{0}}},
};

static const struct garden_query_property schema_edge[] = {
    SCHEMA_GIVEN("source_id", ID, NULL),
    SCHEMA_GIVEN("source_port", STRING, NULL),
    SCHEMA_GIVEN("dest_id", ID, NULL),
    SCHEMA_GIVEN("dest_port", STRING, NULL),
};
static const struct garden_query_edge schema_edge_edges[] = {
    {"source", "Node", GARDEN_QUERY_ONE, NULL, {{0}}},
    {"dest", "Node", GARDEN_QUERY_ONE, NULL, {{0}}},
};

static const struct garden_query_property schema_output[] = {
    SCHEMA_GIVEN("id", ID, NULL),
    SCHEMA_GIVEN("name", STRING, NULL),
    SCHEMA_GIVEN("channels", INT, NULL),
    SCHEMA_MAYBE("pw_node_id", INT, NULL),
};
static const struct garden_query_property schema_input[] = {
    SCHEMA_GIVEN("id", ID, NULL),
    SCHEMA_GIVEN("name", STRING, NULL),
    SCHEMA_GIVEN("channels", INT, NULL),
    SCHEMA_MAYBE("port_pattern", STRING, NULL),
    SCHEMA_MAYBE("pw_node_id", INT, NULL),
};
static const struct garden_query_property schema_midi_device[] = {
    SCHEMA_GIVEN("id", ID, NULL),
    SCHEMA_GIVEN("name", STRING, NULL),
    SCHEMA_GIVEN("direction", STRING, "input or output."),
    SCHEMA_MAYBE("pw_node_id", INT, NULL),
};

static const struct garden_query_property schema_participant[] = {
    SCHEMA_GIVEN("id", ID, NULL),
    SCHEMA_GIVEN("name", STRING, NULL),
    SCHEMA_TEXTS("capabilities", NULL),
    SCHEMA_GIVEN("online", BOOLEAN, "It has registered since the daemon started."),
};

static const struct garden_query_property schema_stream[] = {
    SCHEMA_GIVEN("uri", ID, NULL),
    SCHEMA_GIVEN("source", STRING, NULL),
    SCHEMA_GIVEN("state", STRING, NULL),
    SCHEMA_GIVEN("sample_rate", INT, NULL),
    SCHEMA_GIVEN("channels", INT, NULL),
    SCHEMA_GIVEN("sample_format", STRING, NULL),
    SCHEMA_GIVEN("chunk_size_bytes", INT, NULL),
    SCHEMA_GIVEN("started_at", STRING, NULL),
    SCHEMA_GIVEN("offered", INT, "Frames: what is captured, and what was overrun."),
    SCHEMA_GIVEN("captured", INT, NULL),
    SCHEMA_GIVEN("overrun", INT, NULL),
    SCHEMA_GIVEN("bytes", INT, NULL),
    SCHEMA_GIVEN("chunk_count", INT, NULL),
};
static const struct garden_query_edge schema_stream_edges[] = {
    {"chunks", "Chunk", GARDEN_QUERY_MANY, "The newest of those that are full.", {{0}}},
    {"gaps", "Gap", GARDEN_QUERY_MANY, "The newest.", {{0}}},
};
static const struct garden_query_property schema_chunk[] = {
    SCHEMA_GIVEN("number", INT, NULL),
    SCHEMA_GIVEN("path", STRING, NULL),
    SCHEMA_GIVEN("first_sample", INT, NULL),
    SCHEMA_GIVEN("sample_count", INT, NULL),
    SCHEMA_GIVEN("byte_count", INT, NULL),
    SCHEMA_GIVEN("full_at", STRING, NULL),
};
static const struct garden_query_property schema_gap[] = {
    SCHEMA_GIVEN("first_sample", INT, NULL),
    SCHEMA_GIVEN("sample_count", INT, NULL),
    SCHEMA_GIVEN("told_at", STRING, NULL),
};

static const struct garden_query_property schema_job[] = {
    SCHEMA_GIVEN("id", ID, NULL),
    SCHEMA_GIVEN("region_id", ID, NULL),
    SCHEMA_MAYBE("tool", STRING, "Null: not told to a daemon."),
    SCHEMA_GIVEN("status", STRING, "pending or running."),
    SCHEMA_GIVEN("progress", FLOAT, NULL),
};
static const struct garden_query_property schema_approval[] = {
    SCHEMA_GIVEN("region_id", ID, NULL),
    SCHEMA_GIVEN("artifact_id", STRING, NULL),
    SCHEMA_GIVEN("content_hash", STRING, NULL),
    SCHEMA_GIVEN("content_type", STRING, NULL),
    SCHEMA_GIVEN("resolved_at", STRING, NULL),
    SCHEMA_GIVEN("decision", STRING, "pending, approved or rejected."),
    SCHEMA_MAYBE("decided_by", ID, NULL),
    SCHEMA_MAYBE("decided_at", STRING, NULL),
    SCHEMA_MAYBE("reason", STRING, NULL),
};
static const struct garden_query_edge schema_region_of[] = {
    {"region", "Region", GARDEN_QUERY_ONE, NULL, {{0}}},
};

static const struct garden_query_property schema_transport[] = {
    SCHEMA_GIVEN("playing", BOOLEAN, NULL),
    SCHEMA_GIVEN("position", FLOAT, "In beats."),
    SCHEMA_GIVEN("second", FLOAT, NULL),
    SCHEMA_GIVEN("tempo", FLOAT, "Beats a minute."),
    SCHEMA_GIVEN("at", STRING, "When that was."),
};
static const struct garden_query_property schema_tempo[] = {
    SCHEMA_GIVEN("bpm", FLOAT, NULL),
};
static const struct garden_query_property schema_time[] = {
    SCHEMA_GIVEN("value", FLOAT, NULL),
};
static const struct garden_query_property schema_sample[] = {
    SCHEMA_GIVEN("value", INT, NULL),
};

static const struct garden_query_type schema_types[] = {
    {"Query", "Where a query begins.", false, NULL, NULL, 0, SCHEMA_LIST(schema_query)},
    {"Entity", "What has an id that nothing else has.", true, NULL, SCHEMA_LIST(schema_entity), NULL, 0},
    {"Region", NULL, false, "Entity", SCHEMA_LIST(schema_region), SCHEMA_LIST(schema_region_edges)},
    {"Node", NULL, false, "Entity", SCHEMA_LIST(schema_node), SCHEMA_LIST(schema_node_edges)},
    {"Port", NULL, false, NULL, SCHEMA_LIST(schema_port), SCHEMA_LIST(schema_port_edges)},
    {"Edge", "A connection of the graph.", false, NULL, SCHEMA_LIST(schema_edge), SCHEMA_LIST(schema_edge_edges)},
    {"Output", NULL, false, NULL, SCHEMA_LIST(schema_output), NULL, 0},
    {"Input", NULL, false, NULL, SCHEMA_LIST(schema_input), NULL, 0},
    {"MidiDevice", NULL, false, NULL, SCHEMA_LIST(schema_midi_device), NULL, 0},
    {"Participant", NULL, false, "Entity", SCHEMA_LIST(schema_participant), NULL, 0},
    {"Stream", NULL, false, NULL, SCHEMA_LIST(schema_stream), SCHEMA_LIST(schema_stream_edges)},
    {"Chunk", NULL, false, NULL, SCHEMA_LIST(schema_chunk), NULL, 0},
    {"Gap", "Frames that were offered and not captured.", false, NULL, SCHEMA_LIST(schema_gap), NULL, 0},
    {"Job", NULL, false, NULL, SCHEMA_LIST(schema_job), SCHEMA_LIST(schema_region_of)},
    {"Approval", NULL, false, NULL, SCHEMA_LIST(schema_approval), SCHEMA_LIST(schema_region_of)},
    {"Transport", NULL, false, NULL, SCHEMA_LIST(schema_transport), NULL, 0},
    {"TempoResult", NULL, false, NULL, SCHEMA_LIST(schema_tempo), NULL, 0},
    {"TimeResult", NULL, false, NULL, SCHEMA_LIST(schema_time), NULL, 0},
    {"SampleResult", NULL, false, NULL, SCHEMA_LIST(schema_sample), NULL, 0},
};
// clang-format on

const struct garden_query_schema *garden_query_own_schema(void)
{
    static const struct garden_query_schema schema = {schema_types,
                                                      sizeof schema_types / sizeof *schema_types};
    return &schema;
}
