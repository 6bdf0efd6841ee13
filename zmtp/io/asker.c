#include "asker.h"

#include <stdio.h>
#include <string.h>

#include "../base/reader.h"
#include "../base/writer.h"
#include "../zap.h"
#include "conn.h"
#include "inproc.h"

struct zmtp__asker {
    struct zmtp_uv_socket *socket; // null: could not be opened
    struct zmtp__conn *waiting;    // by |zap_next|
    uint64_t asked;                // the last request's number, which is its id
    bool strayed; // since the last reply that made sense one came that nobody awaits
};

static void asker_judge(struct zmtp__conn *conn, enum zmtp_verdict verdict,
                        const struct zmtp_zap_reply *reply, const char *words)
{
    const struct zmtp_zap_reply nothing = {.verdict = verdict};
    if (!reply) reply = &nothing;
    // The peer keeps its error.
    (void)zmtp_peer_authorise(conn->peer, verdict, reply->user_id, reply->metadata);
    if (words) zmtp_peer_explain(conn->peer, zmtp_bytes_text(words));
    zmtp__conn_alarm(conn, 0); // what follows happens from the loop
}

static struct zmtp__conn *asker_find(const struct zmtp__asker *asker, struct zmtp_bytes id)
{
    struct zmtp__reader r = zmtp__reader_of(id);
    const uint64_t number = zmtp__read_be(&r, sizeof number);
    struct zmtp__conn *conn = asker->waiting;
    if (r.bad || r.left > 0) return NULL;
    while (conn && conn->zap_id != number)
        conn = conn->zap_next;
    return conn;
}

static void asker_on_message(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    struct zmtp__asker *const asker = ((struct zmtp_uv *)user)->asker;
    struct zmtp_zap_reply reply;
    const char *why = NULL;
    char words[64 + UINT8_MAX];
    (void)socket;
    const int result = zmtp_zap_reply_decode(msg, &reply, &why);
    struct zmtp__conn *const conn = asker_find(asker, reply.id);
    asker->strayed = !conn;
    if (!conn) return;
    (void)zmtp__asker_forget(conn);
    if (result == ZMTP_OK && reply.verdict != ZMTP_VERDICT_ALLOW) {
        snprintf(words, sizeof words, "denied by authoriser: %d%s%.*s%s", (int)reply.verdict,
                 reply.text.size > 0 ? " (" : "", (int)reply.text.size,
                 (const char *)reply.text.data, reply.text.size > 0 ? ")" : "");
        why = words;
    }
    asker_judge(conn, reply.verdict, &reply, why);
}

// Whoever waits for a handler that has gone need not wait longer.
static void asker_on_event(struct zmtp_uv_socket *socket, const struct zmtp_event *event,
                           void *user)
{
    struct zmtp__asker *const asker = ((struct zmtp_uv *)user)->asker;
    (void)socket;
    if (event->kind != ZMTP_EVENT_CLOSED) return;
    while (asker->waiting) {
        struct zmtp__conn *const conn = asker->waiting;
        (void)zmtp__asker_forget(conn);
        asker_judge(conn, ZMTP_VERDICT_LATER, NULL, "the ZAP handler has gone");
    }
}

void zmtp__asker_join(struct zmtp_uv *uv)
{
    uv->askers++;
}

void zmtp__asker_leave(struct zmtp_uv *uv)
{
    struct zmtp__asker *const asker = uv->asker;
    if (--uv->askers > 0 || !asker) return;
    while (asker->waiting)
        (void)zmtp__asker_forget(asker->waiting);
    zmtp_uv_socket_close(asker->socket, NULL, NULL);
    zmtp_free(uv->allocator, asker, sizeof *asker);
    uv->asker = NULL;
}

static struct zmtp_uv_socket *asker_open_socket(struct zmtp_uv *uv)
{
    struct zmtp_uv_config config;
    struct zmtp_uv_socket *socket;
    zmtp_uv_config_init(&config, ZMTP_DEALER);
    config.on_message = asker_on_message;
    config.on_event = asker_on_event;
    config.user = uv;
    config.linger_ms = 0;
    if (zmtp_uv_socket_open(&socket, uv, &config) < 0) return NULL;
    if (zmtp_uv_connect(socket, ZMTP_ZAP_ENDPOINT) == ZMTP_OK) return socket;
    zmtp_uv_socket_close(socket, NULL, NULL);
    return NULL;
}

// The one of |uv|, open; null: no memory.
static struct zmtp__asker *asker_of(struct zmtp_uv *uv)
{
    if (!uv->asker) {
        uv->asker = zmtp_alloc(uv->allocator, sizeof *uv->asker);
        if (!uv->asker) return NULL;
        *uv->asker = (struct zmtp__asker){.asked = 0};
    }
    if (!uv->asker->socket) uv->asker->socket = asker_open_socket(uv);
    return uv->asker->socket ? uv->asker : NULL;
}

void zmtp__asker_prepare(struct zmtp_uv *uv)
{
    (void)asker_of(uv); // without memory it is tried again for each guest
}

static int asker_send(struct zmtp__asker *asker, const struct zmtp__conn *conn, const char *domain,
                      const struct zmtp_credentials *credentials)
{
    uint8_t id[sizeof conn->zap_id];
    struct zmtp__writer w = zmtp__writer_of(id, sizeof id);
    zmtp__write_be(&w, asker->asked + 1, sizeof id);
    const struct zmtp_zap_request request = {
        .id = zmtp_bytes_of(id, sizeof id),
        .domain = zmtp_bytes_text(domain),
        .address = zmtp_bytes_text(conn->address),
        .routing_id = zmtp_peer_facts(conn->peer).routing_id,
        .known = true,
        .credentials = *credentials,
    };
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, conn->socket->uv->allocator);
    int result = zmtp_zap_request_encode(&msg, &request);
    if (result == ZMTP_OK) result = zmtp_uv_send_msg(asker->socket, &msg);
    zmtp_msg_fini(&msg);
    return result;
}

void zmtp__asker_ask(struct zmtp__conn *conn, const char *domain,
                     const struct zmtp_credentials *credentials)
{
    struct zmtp_uv *const uv = conn->socket->uv;
    const char *words = "there is no memory to ask the ZAP handler";
    struct zmtp__asker *const asker = conn->socket->closing ? NULL : asker_of(uv);
    int result = ZMTP_ERR_MEMORY;
    if (asker) {
        result = asker_send(asker, conn, domain, credentials);
        if (result == ZMTP_ERR_AGAIN)
            words = zmtp__inproc_joined(asker->socket) == 0
                        ? "no ZAP handler is bound at " ZMTP_ZAP_ENDPOINT
                        : "the ZAP handler has too many requests to answer";
    }
    if (result < 0) {
        asker_judge(conn, ZMTP_VERDICT_LATER, NULL, words);
        return;
    }
    conn->zap_id = ++asker->asked;
    conn->zap_next = asker->waiting;
    if (conn->zap_next) conn->zap_next->zap_before = conn;
    asker->waiting = conn;
}

const char *zmtp__asker_forget(struct zmtp__conn *conn)
{
    struct zmtp__asker *const asker = conn->socket->uv->asker;
    if (conn->zap_id == 0) return NULL;
    if (conn->zap_before)
        conn->zap_before->zap_next = conn->zap_next;
    else
        asker->waiting = conn->zap_next;
    if (conn->zap_next) conn->zap_next->zap_before = conn->zap_before;
    conn->zap_next = conn->zap_before = NULL;
    conn->zap_id = 0;
    return asker->strayed ? "the ZAP handler answered with request ids that are not ours"
                          : "the ZAP handler did not answer in time";
}
