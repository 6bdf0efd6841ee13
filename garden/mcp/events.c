// What the sessions hear of without asking: the daemon's events as log messages, and that resources changed.
#include <string.h>

#include "mcp.h"

static const char *const events_levels[MCP_LEVELS] = {"debug", "info",     "notice", "warning",
                                                      "error", "critical", "alert",  "emergency"};

int mcp_level_find(const char *name)
{
    for (int i = 0; i < MCP_LEVELS; i++)
        if (strcmp(events_levels[i], name) == 0) return i;
    return -1;
}

static void events_log(struct mcp *mcp, const char *level, const char *logger, json_t *data)
{
    const int found = mcp_level_find(level);
    for (struct mcp_session *session = mcp->sessions; session; session = session->next)
        if (data && found >= (int)session->level)
            session_notify(session, NULL,
                           rpc_notification("notifications/message",
                                            json_pack("{s:s, s:s, s:O}", "level", level, "logger",
                                                      logger, "data", data)));
    json_decref(data);
}

void mcp_log(struct mcp *mcp, const char *level, const char *text)
{
    events_log(mcp, level, "garden-mcp", json_pack("{s:s}", "message", text));
}

void mcp_updated(struct mcp *mcp, const char *uri)
{
    for (struct mcp_session *session = mcp->sessions; session; session = session->next)
        if (json_object_get(session->subscriptions, uri))
            session_notify(session, NULL,
                           rpc_notification("notifications/resources/updated",
                                            json_pack("{s:s}", "uri", uri)));
}

void mcp_list_changed(struct mcp *mcp)
{
    for (struct mcp_session *session = mcp->sessions; session; session = session->next)
        session_notify(session, NULL,
                       rpc_notification("notifications/resources/list_changed", json_object()));
}

// ---- The daemon's events

// What comes all the time is for those who debug.
static const char *events_level(const struct garden_event *event)
{
    switch (event->kind) {
    case GARDEN_EVENT_PLAYBACK_POSITION:
    case GARDEN_EVENT_STREAM_HEAD_POSITION:
    case GARDEN_EVENT_WELCOME:
        return "debug";
    case GARDEN_EVENT_ERROR:
    case GARDEN_EVENT_STREAM_ERROR:
        return "error";
    case GARDEN_EVENT_WARNING:
    case GARDEN_EVENT_LATENT_FAILED:
        return "warning";
    case GARDEN_EVENT_STATUS: // busy and idle with each request of anybody
        return event->status.execution_state == GARDEN_EXECUTION_STARTING ||
                       event->status.execution_state == GARDEN_EXECUTION_SHUTTING_DOWN
                   ? "info"
                   : "debug";
    case GARDEN_EVENT_LATENT_SUBMITTED:
    case GARDEN_EVENT_LATENT_PROGRESS:
    case GARDEN_EVENT_LATENT_RESOLVED:
    case GARDEN_EVENT_LATENT_APPROVED:
    case GARDEN_EVENT_LATENT_REJECTED:
    case GARDEN_EVENT_PLAYBACK_STARTED:
    case GARDEN_EVENT_PLAYBACK_STOPPED:
    case GARDEN_EVENT_MIXED_IN:
    case GARDEN_EVENT_NODE_ADDED:
    case GARDEN_EVENT_NODE_REMOVED:
    case GARDEN_EVENT_CONNECTION_MADE:
    case GARDEN_EVENT_CONNECTION_BROKEN:
    case GARDEN_EVENT_PARTICIPANT_ONLINE:
    case GARDEN_EVENT_PARTICIPANT_OFFLINE:
    case GARDEN_EVENT_CAPABILITY_CHANGED:
    case GARDEN_EVENT_STREAM_CHUNK_FULL:
        break;
    }
    return "info";
}

// The resources that an event tells a change of, besides garden://events.
static void events_update(struct mcp *mcp, const struct garden_event *event)
{
    const char *name = NULL;
    switch (event->kind) {
    case GARDEN_EVENT_PLAYBACK_POSITION:
    case GARDEN_EVENT_PLAYBACK_STARTED:
    case GARDEN_EVENT_PLAYBACK_STOPPED:
        name = "garden://transport";
        break;
    case GARDEN_EVENT_LATENT_SUBMITTED:
    case GARDEN_EVENT_LATENT_PROGRESS:
    case GARDEN_EVENT_LATENT_FAILED:
    case GARDEN_EVENT_MIXED_IN:
        name = "garden://regions";
        break;
    case GARDEN_EVENT_LATENT_RESOLVED:
    case GARDEN_EVENT_LATENT_APPROVED:
    case GARDEN_EVENT_LATENT_REJECTED:
        mcp_updated(mcp, "garden://regions");
        name = "garden://approvals";
        break;
    case GARDEN_EVENT_STATUS:
    case GARDEN_EVENT_NODE_ADDED:
    case GARDEN_EVENT_NODE_REMOVED:
    case GARDEN_EVENT_CONNECTION_MADE:
    case GARDEN_EVENT_CONNECTION_BROKEN:
    case GARDEN_EVENT_PARTICIPANT_ONLINE:
    case GARDEN_EVENT_PARTICIPANT_OFFLINE:
    case GARDEN_EVENT_CAPABILITY_CHANGED:
    case GARDEN_EVENT_WELCOME:
        name = "garden://state";
        break;
    case GARDEN_EVENT_ERROR:
    case GARDEN_EVENT_WARNING:
    case GARDEN_EVENT_STREAM_HEAD_POSITION:
    case GARDEN_EVENT_STREAM_CHUNK_FULL:
    case GARDEN_EVENT_STREAM_ERROR:
        break;
    }
    if (name) mcp_updated(mcp, name);
}

// {"event": "MixedIn", "seq": 7, "fields": {...}}
static json_t *events_data(const struct garden_message *event, bool has_seq, uint64_t seq)
{
    const struct garden_form form = {GARDEN_JSON, GARDEN_EXTERNAL};
    struct garden_buffer octets;
    json_t *out = NULL;
    garden_buffer_init(&octets, NULL, 0);
    if (garden_message_encode(event, form, &octets, NULL) == GARDEN_OK) {
        json_t *message = json_loadb((const char *)octets.data, octets.size, JSON_ALLOW_NUL, NULL);
        const char *name = garden_message_name(event);
        json_t *fields = json_object_get(json_object_get(message, "content"), name);
        out = json_pack("{s:s}", "event", name);
        if (out && has_seq) (void)json_object_set_new(out, "seq", json_integer((json_int_t)seq));
        if (out && fields) (void)json_object_set(out, "fields", fields);
        json_decref(message);
    }
    garden_buffer_fini(&octets);
    return out;
}

void mcp_on_event(struct mcp *mcp, const struct garden_message *event, bool has_seq, uint64_t seq)
{
    const char *level = events_level(&event->event);
    bool wanted = false;
    for (const struct mcp_session *session = mcp->sessions; session; session = session->next)
        wanted = wanted || (session->ready && mcp_level_find(level) >= (int)session->level);
    if (wanted) events_log(mcp, level, "gardend", events_data(event, has_seq, seq));
    mcp_updated(mcp, "garden://events");
    events_update(mcp, &event->event);
}
