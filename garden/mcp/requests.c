// Tools that are one request of the protocol: the table, the request as JSON in the protocol's external dialect,
// which the library reads, and the reply the same way back.
#include <stdlib.h>
#include <string.h>

#include "tools.h"

enum { REQUESTS_MAX = 4 * 1024 * 1024 };

// ---- One request

struct requests_asked {
    struct mcp_call *call;
    struct link_asked *way; // the daemon's answer comes by it
    void (*read)(struct mcp_call *call, const char *variant, json_t *content,
                 const json_t *metadata);
};

// The content of a reply is {"Variant": {...}}, or "Variant" where there is nothing in it.
static void requests_read(const struct requests_asked *asked, const json_t *message)
{
    json_t *content = json_object_get(message, "content"), *inside = NULL;
    const char *variant = json_string_value(content);
    if (!variant) {
        void *at = json_object_iter(content);
        variant = at ? json_object_iter_key(at) : NULL;
        inside = at ? json_object_iter_value(at) : NULL;
    }
    if (!variant) {
        tool_failed(asked->call, "The daemon's reply cannot be told.");
    } else if (strcmp(variant, "Error") == 0) {
        const char *text = json_string_value(json_object_get(inside, "error"));
        tool_failed(asked->call, "The daemon refused: %s", text ? text : "it did not say why");
    } else {
        asked->read(asked->call, variant, inside, json_object_get(message, "metadata"));
    }
}

static void requests_answered(void *user, const struct garden_message *reply, const char *why)
{
    struct requests_asked *asked = user;
    const struct garden_form form = {GARDEN_JSON, GARDEN_EXTERNAL};
    struct garden_buffer octets;
    asked->call->cancel = NULL;
    garden_buffer_init(&octets, NULL, 0);
    const int result = reply ? garden_message_encode(reply, form, &octets, NULL) : GARDEN_OK;
    json_t *message = NULL;
    if (reply && result == GARDEN_OK)
        message = json_loadb((const char *)octets.data, octets.size, JSON_ALLOW_NUL, NULL);
    if (message)
        requests_read(asked, message);
    else
        tool_failed(asked->call, "%s", why ? why : garden_err_text(result));
    json_decref(message);
    garden_buffer_fini(&octets);
    free(asked);
}

static void requests_cancelled(struct mcp_call *call)
{
    const struct requests_asked *asked = call->user;
    link_cancel(asked->way);
}

void requests_send(struct mcp_call *call, enum garden_family family, const char *wire,
                   json_t *fields,
                   void (*read)(struct mcp_call *call, const char *variant, json_t *content,
                                const json_t *metadata))
{
    struct garden_message message;
    struct garden_fault fault = {.text = ""};
    size_t size = 0;
    json_t *content = NULL;
    if (family == GARDEN_QUERY_REQUEST)
        content = json_incref(fields);
    else
        content = fields ? json_pack("{s:O}", wire, fields) : json_string(wire);
    json_decref(fields);
    char *text = rpc_print(content, &size);
    json_decref(content);
    struct requests_asked *asked = text ? malloc(sizeof *asked) : NULL;
    if (!asked) {
        free(text);
        tool_failed(call, "There is no memory for the request.");
        return;
    }
    *asked = (struct requests_asked){.call = call, .read = read};
    const int result =
        size > REQUESTS_MAX
            ? GARDEN_ERR_LIMIT
            : garden_content_decode(&message, family, zmtp_bytes_of((const uint8_t *)text, size),
                                    NULL, &fault);
    free(text);
    if (result < 0) {
        tool_failed(call, "%s", fault.text[0] ? fault.text : garden_err_text(result));
        free(asked);
    } else if (!call->mcp->link) {
        garden_message_fini(&message);
        requests_answered(asked, NULL, "There is no daemon.");
    } else {
        call->user = asked;
        call->cancel = requests_cancelled;
        link_ask(call->mcp->link, &message, &(struct link_answer){requests_answered, asked},
                 &asked->way);
    }
}

// ---- Replies as results

// What a request without an answer of its own gives.
static void requests_read_plain(struct mcp_call *call, const char *variant, json_t *content,
                                const json_t *metadata)
{
    (void)metadata;
    const struct mcp_request *request = call->tool->request;
    if (request->touches) mcp_updated(call->mcp, request->touches);
    if (strcmp(variant, "Ok") == 0)
        tool_done(call, json_pack("{s:b}", "ok", true));
    else if (strcmp(variant, "ShuttingDown") == 0)
        tool_done(call, json_pack("{s:s}", "status", "shutting_down"));
    else
        tool_done(call, json_incref(content));
}

static void requests_run(struct mcp_call *call, json_t *arguments)
{
    const struct mcp_request *request = call->tool->request;
    json_t *fields = NULL;
    if (request->shape)
        fields = request->shape(arguments);
    else if (json_object_size(arguments) > 0)
        fields = json_incref(arguments);
    requests_send(call, request->family, request->wire, fields, requests_read_plain);
}

// ---- Arguments as requests

static json_t *requests_shape_regions(json_t *arguments)
{
    json_t *start = json_object_get(arguments, "start"), *end = json_object_get(arguments, "end");
    if (!start && !end) return json_pack("{s:n}", "range");
    const double from = start ? json_number_value(start) : -1e9;
    const double to = end ? json_number_value(end) : 1e9;
    return json_pack("{s:[f, f]}", "range", from, to);
}

static json_t *requests_shape_node(json_t *arguments)
{
    json_t *node = json_copy(arguments);
    if (node && !json_object_get(node, "config"))
        (void)json_object_set_new(node, "config", json_object());
    return json_pack("{s:o}", "node", node);
}

static json_t *requests_shape_participant(json_t *arguments)
{
    return json_pack("{s:O}", "participant", arguments);
}

static json_t *requests_shape_update(json_t *arguments)
{
    json_t *updates = json_copy(arguments), *id = json_object_get(arguments, "participant_id");
    if (updates) (void)json_object_del(updates, "participant_id");
    return json_pack("{s:O, s:o}", "participant_id", id, "updates", updates);
}

// ---- What they take

#define REGION_ID                                                                                  \
    {                                                                                              \
        .name = "region_id", .type = MCP_UUID, .about = "the region, as region_create gave it"     \
    }

static const struct mcp_field requests_none[] = {{0}};
static const struct mcp_field requests_ok[] = {
    {.name = "ok", .type = MCP_FLAG, .about = "the daemon did it"}, {0}};

static const struct mcp_field requests_seek_fields[] = {
    {.name = "beat", .type = MCP_REAL, .about = "where the playhead goes, in beats from the start"},
    {0},
};
static const struct mcp_field requests_tempo_fields[] = {
    {.name = "bpm",
     .type = MCP_REAL,
     .about = "beats per minute",
     .above_min = true,
     .min = 0,
     .max = 1000},
    {0},
};
static const struct mcp_field requests_transport[] = {
    {.name = "playing", .type = MCP_FLAG},
    {.name = "position", .type = MCP_REAL, .about = "of the playhead, in beats"},
    {.name = "tempo", .type = MCP_REAL, .about = "beats per minute"},
    {0},
};

static const struct mcp_field requests_point[] = {
    {.name = "beat", .type = MCP_REAL},
    {.name = "value", .type = MCP_REAL},
    {0},
};
static const struct mcp_field requests_play_content[] = {
    {.name = "artifact_id", .type = MCP_TEXT, .about = "what is played"}, {0}};
static const struct mcp_field requests_latent[] = {
    {.name = "job_id", .type = MCP_TEXT, .about = "the job that will make the content"}, {0}};
static const struct mcp_field requests_processing[] = {
    {.name = "parameter", .type = MCP_TEXT, .about = "what is changed"},
    {.name = "curve",
     .type = MCP_OBJECTS,
     .about = "its values, in order",
     .fields = requests_point},
    {0},
};
static const struct mcp_field requests_trigger[] = {
    {.name = "event_type", .type = MCP_TEXT, .about = "what is emitted"}, {0}};
static const struct mcp_choice requests_behaviors[] = {
    {"play_content", "PlayContent", "plays an artifact", requests_play_content},
    {"latent", "Latent",
     "content that a job is still to make, and that is then approved or rejected", requests_latent},
    {"apply_processing", "ApplyProcessing", "automates a parameter", requests_processing},
    {"emit_trigger", "EmitTrigger", "emits an event when the playhead enters", requests_trigger},
    {0},
};
static const struct mcp_field requests_create_fields[] = {
    {.name = "position", .type = MCP_REAL, .about = "where it begins, in beats"},
    {.name = "duration", .type = MCP_REAL, .about = "in beats", .above_min = true},
    {.name = "behavior",
     .type = MCP_CHOICE,
     .about = "what it does",
     .choices = requests_behaviors},
    {0},
};
// {"type": "latent", "job_id": ...} as {"Latent": {"job_id": ...}}.
static json_t *requests_shape_region(json_t *arguments)
{
    json_t *behavior = json_object_get(arguments, "behavior");
    const struct mcp_choice *choice = schema_choice(&requests_create_fields[2], behavior);
    json_t *inside = json_copy(behavior);
    json_t *out = json_copy(arguments);
    if (inside) (void)json_object_del(inside, "type");
    if (out) (void)json_object_set_new(out, "behavior", json_pack("{s:o}", choice->wire, inside));
    return out;
}

static const struct mcp_field requests_region_id[] = {REGION_ID, {0}};
static const struct mcp_field requests_move_fields[] = {
    REGION_ID,
    {.name = "new_position", .type = MCP_REAL, .about = "where it begins then, in beats"},
    {0},
};
static const struct mcp_field requests_range_fields[] = {
    {.name = "start",
     .type = MCP_REAL,
     .optional = true,
     .about = "only those that end after this beat"},
    {.name = "end",
     .type = MCP_REAL,
     .optional = true,
     .about = "only those that begin before this beat"},
    {0},
};
static const struct mcp_field requests_region_row[] = {
    {.name = "region_id", .type = MCP_UUID},
    {.name = "position", .type = MCP_REAL},
    {.name = "duration", .type = MCP_REAL},
    {.name = "is_latent", .type = MCP_FLAG},
    {.name = "artifact_id", .type = MCP_TEXT, .optional = true},
    {0},
};
static const struct mcp_field requests_regions_out[] = {
    {.name = "regions", .type = MCP_OBJECTS, .fields = requests_region_row}, {0}};

static const char *const requests_content_types[] = {"Audio", "Midi", "Control", NULL};
static const struct mcp_field requests_started_fields[] = {
    REGION_ID, {.name = "job_id", .type = MCP_TEXT, .about = "the job that makes it"}, {0}};
static const struct mcp_field requests_progress_fields[] = {
    REGION_ID,
    {.name = "progress", .type = MCP_REAL, .about = "how much of it is made", .min = 0, .max = 1},
    {0},
};
static const struct mcp_field requests_resolved_fields[] = {
    REGION_ID,
    {.name = "artifact_id", .type = MCP_TEXT, .about = "what was made"},
    {.name = "content_hash", .type = MCP_TEXT, .about = "its content"},
    {.name = "content_type", .type = MCP_ENUM, .values = requests_content_types},
    {0},
};
static const struct mcp_field requests_failed_fields[] = {
    REGION_ID, {.name = "error", .type = MCP_TEXT, .about = "why"}, {0}};
static const struct mcp_field requests_approve_fields[] = {
    REGION_ID,
    {.name = "decided_by", .type = MCP_UUID, .about = "the participant who decides"},
    {0}};
static const struct mcp_field requests_reject_fields[] = {
    REGION_ID,
    {.name = "decided_by", .type = MCP_UUID, .about = "the participant who decides"},
    {.name = "reason", .type = MCP_TEXT, .optional = true},
    {0},
};
static const struct mcp_field requests_approval_row[] = {
    {.name = "region_id", .type = MCP_UUID},    {.name = "artifact_id", .type = MCP_TEXT},
    {.name = "content_hash", .type = MCP_TEXT}, {.name = "content_type", .type = MCP_TEXT},
    {.name = "resolved_at", .type = MCP_TEXT},  {0},
};
static const struct mcp_field requests_approvals_out[] = {
    {.name = "approvals", .type = MCP_OBJECTS, .fields = requests_approval_row}, {0}};

static const struct mcp_field requests_node_fields[] = {
    {.name = "name", .type = MCP_TEXT, .about = "for people"},
    {.name = "node_type", .type = MCP_TEXT, .about = "such as source.file or effect.reverb"},
    {.name = "config",
     .type = MCP_MAP,
     .optional = true,
     .about = "its ports: inputs and outputs, lists of {name, signal_type: audio, midi, control or "
              "trigger}; and what its type wants"},
    {0},
};
static const struct mcp_field requests_node_id[] = {
    {.name = "node_id", .type = MCP_UUID, .about = "the node, as node_add gave it"}, {0}};
static const struct mcp_field requests_port[] = {
    {.name = "node_id", .type = MCP_UUID},
    {.name = "port_name", .type = MCP_TEXT},
    {0},
};
static const struct mcp_field requests_connect_fields[] = {
    {.name = "source", .type = MCP_OBJECT, .about = "an output", .fields = requests_port},
    {.name = "dest", .type = MCP_OBJECT, .about = "an input", .fields = requests_port},
    {0},
};

static const struct mcp_field requests_register_fields[] = {
    {.name = "id", .type = MCP_UUID, .about = "a new uuid, which stays the participant's"},
    {.name = "name", .type = MCP_TEXT},
    {.name = "capabilities", .type = MCP_TEXTS, .about = "what it can do"},
    {0},
};
static const struct mcp_field requests_update_fields[] = {
    {.name = "participant_id", .type = MCP_UUID},
    {.name = "name", .type = MCP_TEXT, .optional = true},
    {.name = "capabilities", .type = MCP_TEXTS, .optional = true, .about = "all of them, anew"},
    {0},
};

static const struct mcp_field requests_state_out[] = {
    {.name = "state", .type = MCP_MAP, .about = "all that the daemon tells of itself"}, {0}};
static const struct mcp_field requests_events_fields[] = {
    {.name = "from_seq",
     .type = MCP_INTEGER,
     .about = "the number of the first event; 0 is all that are kept",
     .min = 0,
     .max = 9007199254740991.0},
    {0},
};
static const struct mcp_field requests_events_out[] = {
    {.name = "session",
     .type = MCP_UUID,
     .about = "of the daemon; numbers begin anew with another"},
    {.name = "oldest_seq", .type = MCP_INTEGER, .about = "of those that are kept"},
    {.name = "next_seq", .type = MCP_INTEGER, .about = "ask again from the last event's and one"},
    {.name = "events", .type = MCP_MAPS, .about = "each with seq, timestamp, metadata and event"},
    {0},
};
static const struct mcp_field requests_interrupted[] = {
    {.name = "was_running", .type = MCP_TEXT, .about = "what was ended"}, {0}};
static const struct mcp_field requests_shutdown_out[] = {
    {.name = "status", .type = MCP_TEXT, .about = "shutting_down"}, {0}};

// ---- The requests

#define SHELL(name, text, change, resource)                                                        \
    static const struct mcp_request name = {                                                       \
        .family = GARDEN_SHELL_REQUEST, .wire = text, .shape = change, .touches = resource}
#define CONTROL(name, text)                                                                        \
    static const struct mcp_request name = {.family = GARDEN_CONTROL_REQUEST, .wire = text}

static const char requests_regions[] = "garden://regions";
static const char requests_place[] = "garden://transport";
static const char requests_waiting[] = "garden://approvals";
SHELL(requests_play, "Play", NULL, requests_place);
SHELL(requests_pause, "Pause", NULL, requests_place);
SHELL(requests_stop, "Stop", NULL, requests_place);
SHELL(requests_seek, "Seek", NULL, requests_place);
SHELL(requests_tempo, "SetTempo", NULL, requests_place);
SHELL(requests_transport_state, "GetTransportState", NULL, NULL);
SHELL(requests_region_create, "CreateRegion", requests_shape_region, requests_regions);
SHELL(requests_region_move, "MoveRegion", NULL, requests_regions);
SHELL(requests_region_delete, "DeleteRegion", NULL, requests_regions);
SHELL(requests_region_list, "GetRegions", requests_shape_regions, NULL);
SHELL(requests_latent_started, "UpdateLatentStarted", NULL, requests_regions);
SHELL(requests_latent_progress, "UpdateLatentProgress", NULL, requests_regions);
SHELL(requests_latent_resolved, "UpdateLatentResolved", NULL, requests_waiting);
SHELL(requests_latent_failed, "UpdateLatentFailed", NULL, requests_regions);
SHELL(requests_latent_pending, "GetPendingApprovals", NULL, NULL);
SHELL(requests_approve, "ApproveLatent", NULL, requests_waiting);
SHELL(requests_reject, "RejectLatent", NULL, requests_waiting);
SHELL(requests_node_add, "AddNode", requests_shape_node, NULL);
SHELL(requests_node_remove, "RemoveNode", NULL, NULL);
SHELL(requests_node_connect, "Connect", NULL, NULL);
SHELL(requests_node_disconnect, "Disconnect", NULL, NULL);
SHELL(requests_participant_register, "RegisterParticipant", requests_shape_participant, NULL);
SHELL(requests_participant_update, "UpdateParticipant", requests_shape_update, NULL);
SHELL(requests_events, "GetEvents", NULL, NULL);
CONTROL(requests_status, "DebugDump");
CONTROL(requests_emergency, "Pause");
CONTROL(requests_interrupt, "Interrupt");
CONTROL(requests_shutdown, "Shutdown");

#define TOOL(tool_name, words, request_of, in, out, flags, text)                                   \
    {                                                                                              \
        .name = tool_name, .title = words, .about = text, .input = in, .output = out,              \
        .hints = flags, .run = requests_run, .request = &request_of                                \
    }

const struct mcp_tool tools_requests[] = {
    TOOL("transport_play", "Play", requests_play, requests_none, requests_ok, MCP_REPEATS,
         "Starts the playhead from where it is."),
    TOOL("transport_pause", "Pause", requests_pause, requests_none, requests_ok, MCP_REPEATS,
         "Halts the playhead where it is. transport_play goes on from there."),
    TOOL("transport_stop", "Stop", requests_stop, requests_none, requests_ok, MCP_REPEATS,
         "Halts the playhead and rewinds it to beat 0. Captures of streams are not touched."),
    TOOL("transport_seek", "Seek", requests_seek, requests_seek_fields, requests_ok, MCP_REPEATS,
         "Moves the playhead to a beat, whether it plays or not."),
    TOOL("transport_tempo", "Set the tempo", requests_tempo, requests_tempo_fields, requests_ok,
         MCP_REPEATS,
         "Sets the tempo, above 0 and up to 1000 beats per minute. The playhead does not jump."),
    TOOL("transport_state", "Transport state", requests_transport_state, requests_none,
         requests_transport, MCP_READS,
         "Tells whether the playhead moves, its beat and the tempo."),
    TOOL("region_create", "Create a region", requests_region_create, requests_create_fields,
         requests_region_id, 0,
         "Puts a region on the timeline, which plays an artifact, stands for content that a job is "
         "still to make (latent), automates a parameter, or emits a trigger. Gives its region_id."),
    TOOL("region_move", "Move a region", requests_region_move, requests_move_fields, requests_ok,
         MCP_REPEATS, "Moves a region to another beat; its duration stays."),
    TOOL("region_delete", "Delete a region", requests_region_delete, requests_region_id,
         requests_ok, MCP_DESTROYS, "Takes a region off the timeline, for good."),
    TOOL(
        "region_list", "List regions", requests_region_list, requests_range_fields,
        requests_regions_out, MCP_READS,
        "Lists the regions that overlap [start, end) in beats, or all. For more about each, or for "
        "filters and joins, ask graph_query."),
    TOOL("latent_started", "A latent job has started", requests_latent_started,
         requests_started_fields, requests_ok, 0,
         "Reports that the job of a latent region runs: Pending becomes Running."),
    TOOL("latent_progress", "Progress of a latent job", requests_latent_progress,
         requests_progress_fields, requests_ok, MCP_REPEATS,
         "Reports how far the job of a running latent region is, from 0 to 1."),
    TOOL("latent_resolved", "A latent job has a result", requests_latent_resolved,
         requests_resolved_fields, requests_ok, 0,
         "Reports what the job of a running latent region has made; it then waits for approve or "
         "reject."),
    TOOL("latent_failed", "A latent job has failed", requests_latent_failed, requests_failed_fields,
         requests_ok, 0, "Reports that the job of a latent region failed, and why."),
    TOOL("latent_pending", "What waits for approval", requests_latent_pending, requests_none,
         requests_approvals_out, MCP_READS,
         "Lists latent regions whose content is made and waits for approve or reject."),
    TOOL("approve", "Approve latent content", requests_approve, requests_approve_fields,
         requests_ok, 0, "Accepts the content of a resolved latent region: it plays from then on."),
    TOOL("reject", "Reject latent content", requests_reject, requests_reject_fields, requests_ok,
         MCP_DESTROYS,
         "Declines the content of a resolved latent region, with a reason if you like."),
    TOOL("node_add", "Add a node", requests_node_add, requests_node_fields, requests_node_id, 0,
         "Adds a node to the audio graph, with the ports that its config lists, such as "
         "{\"outputs\": "
         "[{\"name\": \"out\", \"signal_type\": \"audio\"}]}. Gives its node_id."),
    TOOL("node_remove", "Remove a node", requests_node_remove, requests_node_id, requests_ok,
         MCP_DESTROYS, "Removes a node and its connections from the graph."),
    TOOL("node_connect", "Connect two ports", requests_node_connect, requests_connect_fields,
         requests_ok, 0,
         "Connects an output to an input of the same signal type. Cycles are refused."),
    TOOL("node_disconnect", "Break a connection", requests_node_disconnect, requests_connect_fields,
         requests_ok, MCP_DESTROYS, "Takes the connection of an output with an input away."),
    TOOL(
        "participant_register", "Register a participant", requests_participant_register,
        requests_register_fields, requests_ok, MCP_REPEATS,
        "Tells the daemon of somebody who takes part, a person or a program; those who approve are "
        "participants. Doing it again brings an offline one online."),
    TOOL("participant_update", "Update a participant", requests_participant_update,
         requests_update_fields, requests_ok, MCP_REPEATS,
         "Changes a participant's name or capabilities."),
    TOOL("events_read", "Read past events", requests_events, requests_events_fields,
         requests_events_out, MCP_READS,
         "Reads what the daemon published, from a number on, at most 128 at a time: ask again from "
         "the last one's number plus one. It keeps the last 4096."),
    TOOL("daemon_status", "Daemon status", requests_status, requests_none, requests_state_out,
         MCP_READS,
         "Tells the daemon's whole state: its audio sources (what stream_create can capture, with "
         "rate, channels and format), streams with their totals, transport, and counters."),
    TOOL(
        "daemon_pause", "Emergency pause", requests_emergency, requests_none, requests_ok,
        MCP_REPEATS,
        "Pauses the transport by the lane that overtakes everything, for when the daemon is busy."),
    TOOL("daemon_interrupt", "Interrupt", requests_interrupt, requests_none, requests_interrupted,
         MCP_DESTROYS,
         "Pauses the transport and ends every query under way, also those of other clients."),
    TOOL("shutdown", "Shut the daemon down", requests_shutdown, requests_none,
         requests_shutdown_out, MCP_DESTROYS,
         "Ends the daemon in order: streams are closed first. Stop captures with stream_stop "
         "before, "
         "so that their totals are confirmed. Nothing else works until it is started again."),
    {0},
};
