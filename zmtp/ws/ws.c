#include "ws.h"

#include <string.h>

#include "inside.h"

bool zmtp__ws_built(void)
{
    return zmtp__frames_built();
}

// The client speaks first: its request waits to be sent.
static int ws_ask(struct zmtp__ws *ws)
{
    const struct zmtp__ws_config *config = &ws->config;
    if (!config->random(ws->nonce, sizeof ws->nonce)) return ZMTP_ERR_SYSTEM;
    ws->head = zmtp_alloc(config->allocator, ZMTP__UPGRADE_OURS_MAX);
    if (!ws->head) return ZMTP_ERR_MEMORY;
    ws->head_size = zmtp__upgrade_ask(&config->upgrade, ws->nonce, ws->head);
    return ws->head_size > 0 ? ZMTP_OK : ZMTP_ERR_ARGUMENT;
}

int zmtp__ws_open(struct zmtp__ws **out, const struct zmtp__ws_config *config)
{
    *out = NULL;
    if (!zmtp__ws_built()) return ZMTP_ERR_UNSUPPORTED;
    struct zmtp__ws *ws = zmtp_alloc(config->allocator, sizeof *ws);
    if (!ws) return ZMTP_ERR_MEMORY;
    *ws = (struct zmtp__ws){.config = *config, .dry = true, .greeting_left = ZMTP_GREETING_SIZE};
    ws->counters.round_trip_ms = UINT32_MAX;
    zmtp__frames_init(&ws->frames, config->server ? NULL : config->random);
    const int result = config->server ? ZMTP_OK : ws_ask(ws);
    if (result < 0)
        zmtp__ws_close(ws);
    else
        *out = ws;
    return result;
}

void zmtp__ws_drop_gathered(struct zmtp__ws *ws)
{
    zmtp_free(ws->config.allocator, ws->gathered, ws->gathered_capacity);
    ws->gathered = NULL;
    ws->gathered_size = ws->gathered_capacity = 0;
}

void zmtp__ws_close(struct zmtp__ws *ws)
{
    if (!ws) return;
    zmtp__frames_fini(&ws->frames);
    zmtp__ws_drop_gathered(ws);
    zmtp_free(ws->config.allocator, ws->kept, ws->kept_size);
    if (ws->head) zmtp_free(ws->config.allocator, ws->head, ZMTP__UPGRADE_OURS_MAX);
    zmtp_free(ws->config.allocator, ws, sizeof *ws);
}

void zmtp__ws_fail(struct zmtp__ws *ws, int error, uint16_t code, const char *why)
{
    if (ws->verdict.error < 0) return;
    const bool bare = ws->verdict.bare;
    zmtp__upgrade_say_why(&ws->verdict, error, why, (struct zmtp_bytes){0});
    ws->verdict.bare = bare;
    ws->in = ws->frames.in = (struct zmtp_bytes){0};
    if (ws->state != ZMTP__WS_OPEN || code == 0) return;
    ws->state = ZMTP__WS_LEAVING;
    ws->close_due = true;
    ws->close_code = code;
}

// RFC 6455, section 7.4.1.
static uint16_t ws_code(int error)
{
    switch (error) {
    case ZMTP_ERR_CANCELLED:
        return ZMTP__WS_NORMAL;
    case ZMTP_ERR_LIMIT:
        return ZMTP__WS_TOO_BIG;
    case ZMTP_ERR_MEMORY:
        return ZMTP__WS_INTERNAL;
    case ZMTP_ERR_DENIED:
    case ZMTP_ERR_HEARTBEAT:
    case ZMTP_ERR_HANDSHAKE_TIMEOUT:
        return ZMTP__WS_POLICY;
    default:
        return ZMTP__WS_PROTOCOL_ERROR;
    }
}

void zmtp__ws_bye(struct zmtp__ws *ws, int error)
{
    if (ws->state != ZMTP__WS_OPEN || ws->frames.sending)
        return; // amid a frame nothing can be said
    ws->state = ZMTP__WS_LEAVING;
    ws->close_due = true;
    ws->close_code = ws_code(error);
}

void zmtp__ws_establish(struct zmtp__ws *ws, uint64_t now_ms)
{
    if (ws->established) return;
    ws->established = true;
    ws->heard_ms = now_ms;
}

int zmtp__ws_error(const struct zmtp__ws *ws)
{
    return ws->verdict.error;
}

const char *zmtp__ws_reason(const struct zmtp__ws *ws)
{
    return ws->verdict.why;
}

struct zmtp__ws_counters zmtp__ws_counters(const struct zmtp__ws *ws)
{
    return ws->counters;
}

// Heartbeats, by WebSocket's own PING (RFC 6455, section 5.5.2), which browsers and libzmq answer by
// themselves, as peers of ZMTP 3.0 know none. Without a mechanism libzmq does not answer; so there
// silence is held only against those who have answered before.
static bool ws_judges(const struct zmtp__ws *ws, bool deaf)
{
    if (deaf || ws->config.heartbeat_timeout_ms == 0) return false;
    return !ws->verdict.bare || ws->counters.pongs_received > 0;
}

uint64_t zmtp__ws_deadline(const struct zmtp__ws *ws, bool deaf)
{
    const uint32_t interval_ms = ws->config.heartbeat_interval_ms;
    if (ws->state != ZMTP__WS_OPEN || !ws->established || interval_ms == 0) return UINT64_MAX;
    const bool waits = ws->ping_due || ws->ping_out;
    if (waits && ws_judges(ws, deaf)) return ws->asked_ms + ws->config.heartbeat_timeout_ms;
    const uint64_t last_ms = ws->heard_ms > ws->ping_ms ? ws->heard_ms : ws->ping_ms;
    return last_ms + interval_ms;
}

void zmtp__ws_tick(struct zmtp__ws *ws, bool deaf, uint64_t now_ms)
{
    if (now_ms < zmtp__ws_deadline(ws, deaf)) return;
    if ((ws->ping_due || ws->ping_out) && ws_judges(ws, deaf)) {
        zmtp__ws_fail(ws, ZMTP_ERR_HEARTBEAT, ZMTP__WS_POLICY, "");
        return;
    }
    if (!ws->ping_due && !ws->ping_out) ws->asked_ms = now_ms;
    ws->ping_due = true;
    ws->ping_ms = now_ms;
}

void zmtp__ws_left(struct zmtp__ws *ws, bool all, uint64_t now_ms)
{
    // A PING that waits behind a long message has not been asked yet.
    if (ws->ping_due || ws->ping_leaving) ws->asked_ms = now_ms;
    if (ws->ping_leaving && all) {
        ws->ping_leaving = false;
        ws->ping_ms = now_ms;
    }
}
