// One side of a conversation with another implementation; test_interop.py drives it.
//
//     interop_peer TYPE bind|connect ENDPOINT ROLE COUNT [SECURITY...]
//
// ROLE: echo sends every message back; ask sends the messages of the plan and checks that they come
// back; source sends the plan under the topic "A", with decoys under "B" between; sink checks that
// exactly the plan comes under "A". COUNT messages, then it prints "done" and ends; echo never ends.
// watch prints what becomes of connections.
//
// SECURITY: plain-server NAME PASSWORD, plain-client NAME PASSWORD, curve-server CERTIFICATE
// any|FILE|FOLDER, curve-client CERTIFICATE SERVER-CERTIFICATE. Or "old", to serve ZMTP 1.0 and 2.0.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zmtp/zmtp.h"

// The plan: message |n| has parts of one size, each with octets that tell where they belong. The
// driver makes the same.
enum { PLAN_SIZES = 8, PLAN_PERIOD = 251, PLAN_SIZE_MAX = 1024 * 1024, PLAN_PARTS_MAX = 8 };
static const size_t plan_sizes[PLAN_SIZES] = {0, 1, 255, 256, 8191, 8192, 65536, PLAN_SIZE_MAX};
static uint8_t plan_octets[PLAN_SIZE_MAX + PLAN_PERIOD];

enum role { ROLE_ECHO, ROLE_ASK, ROLE_SOURCE, ROLE_SINK, ROLE_WATCH };

struct talk {
    struct zmtp_uv *uv;
    struct zmtp_uv_socket *socket;
    uv_timer_t timer;  // asks again, waits for a subscriber
    uint64_t again_ms; // when, which doubles each time that it was in vain
    enum zmtp_socket_type type;
    enum role role;
    unsigned count, sent, received;
    unsigned window; // how many questions may be open at once
    bool greeted, failed;
    const char *username, *password; // whom a PLAIN server lets in
};

enum { TALK_AGAIN_MS = 300 };

static void plan_init(void)
{
    for (size_t i = 0; i < sizeof plan_octets; i++)
        plan_octets[i] = (uint8_t)(i % PLAN_PERIOD);
}

static size_t plan_parts(unsigned n)
{
    return n / PLAN_SIZES % PLAN_PARTS_MAX + 1;
}

static struct zmtp_bytes plan_part(unsigned n, size_t index)
{
    return zmtp_bytes_of(plan_octets + (n * 7 + index) % PLAN_PERIOD, plan_sizes[n % PLAN_SIZES]);
}

static bool plan_check(struct zmtp_msg *msg, size_t skip, unsigned n)
{
    if (msg->count != skip + plan_parts(n)) return false;
    for (size_t i = 0; i < plan_parts(n); i++)
        if (!zmtp_bytes_equal(zmtp_msg_bytes(msg, skip + i), plan_part(n, i))) return false;
    return true;
}

static void talk_closed(void *user)
{
    struct talk *talk = user;
    uv_close((uv_handle_t *)&talk->timer, NULL);
    zmtp_uv_close(talk->uv, NULL, NULL);
}

static void talk_end(struct talk *talk, bool failed)
{
    talk->failed = failed;
    uv_timer_stop(&talk->timer);
    zmtp_uv_socket_close(talk->socket, talk_closed, talk);
}

static int talk_send_plan(struct talk *talk, const char *topic)
{
    struct zmtp_bytes parts[PLAN_PARTS_MAX + 1];
    size_t count = 0;
    if (topic) parts[count++] = zmtp_bytes_text(topic);
    for (size_t i = 0; i < plan_parts(talk->sent); i++)
        parts[count++] = plan_part(talk->sent, i);
    return zmtp_uv_send(talk->socket, parts, count);
}

static void talk_ask(struct talk *talk)
{
    while (talk->sent < talk->count && talk->sent - talk->received < talk->window) {
        if (talk_send_plan(talk, NULL) < 0) return; // on_writable goes on
        talk->sent++;
    }
}

static void talk_source(struct talk *talk)
{
    if (zmtp_uv_subscribers(talk->socket) == 0) return; // the timer looks again
    uv_timer_stop(&talk->timer);
    for (; talk->sent < talk->count; talk->sent++) {
        const bool sent =
            talk_send_plan(talk, "B") == ZMTP_OK && talk_send_plan(talk, "A") == ZMTP_OK;
        if (!sent) talk->failed = true;
    }
    talk_end(talk, talk->failed);
}

static void talk_timer(uv_timer_t *timer)
{
    struct talk *talk = timer->data;
    if (talk->role == ROLE_SOURCE) talk_source(talk);
    if (talk->role != ROLE_ASK || talk->type != ZMTP_REQ) return;
    // The answer is late: the other side may have restarted, and lost the question.
    talk->sent = talk->received;
    talk_ask(talk);
    // Or the machine is busy, and none comes at all while each question is given up before its answer is there.
    talk->again_ms *= 2;
    uv_timer_start(timer, talk_timer, talk->again_ms, talk->again_ms);
}

static void talk_answered(struct talk *talk, struct zmtp_msg *msg, size_t skip)
{
    if (!plan_check(msg, skip, talk->received)) {
        fprintf(stderr, "message %u is not what the plan says\n", talk->received);
        talk_end(talk, true);
        return;
    }
    talk->received++;
    if (talk->received == talk->count) {
        talk_end(talk, false);
        return;
    }
    if (talk->role == ROLE_ASK) {
        talk->again_ms = TALK_AGAIN_MS;
        uv_timer_start(&talk->timer, talk_timer, talk->again_ms, talk->again_ms);
        talk_ask(talk);
    }
}

static void on_message(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    struct talk *talk = user;
    switch (talk->role) {
    case ROLE_ECHO:
        if (zmtp_uv_send_msg(socket, msg) < 0)
            fprintf(stderr, "echo: %s\n", zmtp_uv_error_text(socket));
        break;
    case ROLE_ASK:
        talk_answered(talk, msg, 0);
        break;
    case ROLE_SINK:
        // The driver sends "hello" until it hears that the subscription has arrived.
        if (zmtp_bytes_equal(zmtp_msg_bytes(msg, 1), zmtp_bytes_text("hello")) && msg->count == 2) {
            if (!talk->greeted) puts("ready");
            talk->greeted = true;
        } else {
            talk_answered(talk, msg, 1);
        }
        break;
    case ROLE_SOURCE:
    case ROLE_WATCH:
        break;
    }
}

static void on_writable(struct zmtp_uv_socket *socket, void *user)
{
    struct talk *talk = user;
    (void)socket;
    if (talk->role == ROLE_ASK) talk_ask(talk);
}

static void on_event(struct zmtp_uv_socket *socket, const struct zmtp_event *event, void *user)
{
    const struct talk *talk = user;
    (void)socket;
    if (event->kind == ZMTP_EVENT_LISTENING) printf("listening %s\n", event->endpoint);
    const bool ended =
        event->kind == ZMTP_EVENT_HANDSHAKE_FAILED || event->kind == ZMTP_EVENT_GAVE_UP;
    if (talk->role == ROLE_WATCH && (ended || event->kind == ZMTP_EVENT_HANDSHAKE_DONE))
        printf("%s: %s: %.*s\n", zmtp_event_name(event->kind), zmtp_err_name(event->error),
               (int)event->reason.size, event->reason.data ? (const char *)event->reason.data : "");
    fprintf(stderr, "%s %s: %s %.*s\n", zmtp_event_name(event->kind), event->endpoint,
            zmtp_err_text(event->error), (int)event->reason.size,
            event->reason.data ? (const char *)event->reason.data : "");
}

static void on_authorise(struct zmtp_uv_socket *socket, const struct zmtp_uv_guest *guest,
                         void *user)
{
    const struct talk *talk = user;
    const bool known =
        zmtp_bytes_equal(guest->credentials.username, zmtp_bytes_text(talk->username)) &&
        zmtp_bytes_equal(guest->credentials.password, zmtp_bytes_text(talk->password));
    const enum zmtp_verdict verdict = known ? ZMTP_VERDICT_ALLOW : ZMTP_VERDICT_DENY;
    const struct zmtp_bytes nothing = {0};
    if (zmtp_uv_authorise(socket, guest->ticket, verdict, guest->credentials.username, nothing) < 0)
        fprintf(stderr, "the verdict came to nothing\n");
}

static bool talk_secure(struct talk *talk, struct zmtp_uv_config *config, char *arguments[3])
{
    struct zmtp_key_file ours, server;
    const char *const kind = arguments[0], *const first = arguments[1],
                      *const second = arguments[2];
    if (strcmp(kind, "plain-client") == 0) {
        zmtp_uv_config_plain_client(config, first, second);
        return true;
    }
    if (strcmp(kind, "plain-server") == 0) {
        zmtp_uv_config_plain_server(config);
        config->on_authorise = on_authorise;
        talk->username = first;
        talk->password = second;
        return true;
    }
    if (zmtp_key_file_load(&ours, first) < 0 || !ours.has_secret) return false;
    if (strcmp(kind, "curve-client") == 0) {
        if (zmtp_key_file_load(&server, second) < 0) return false;
        zmtp_uv_config_curve_client(config, &ours.keys, &server.keys.public_key);
        return true;
    }
    struct zmtp_allow allow = {.kind = ZMTP_ALLOW_ANY, .path = second};
    if (strcmp(second, "any") != 0)
        allow.kind = strstr(second, ".key") ? ZMTP_ALLOW_FILE : ZMTP_ALLOW_FOLDER;
    zmtp_uv_config_curve_server(config, &ours.keys, allow);
    return strcmp(kind, "curve-server") == 0;
}

static bool talk_open(struct talk *talk, int count, char *arguments[])
{
    static const char *const roles[] = {"echo", "ask", "source", "sink", "watch"};
    if (zmtp_socket_type_parse(zmtp_bytes_text(arguments[0]), &talk->type) < 0) return false;
    while (strcmp(roles[talk->role], arguments[3]) != 0)
        if (++talk->role > ROLE_WATCH) return false;
    talk->count = (unsigned)strtoul(arguments[4], NULL, 10);
    talk->window = talk->type == ZMTP_REQ ? 1 : 8;

    struct zmtp_uv_config config;
    zmtp_uv_config_init(&config, talk->type);
    config.on_message = on_message;
    config.on_writable = on_writable;
    config.on_event = on_event;
    config.user = talk;
    config.reconnect_max_ms = 500;
    config.linger_ms = 10000;
    if (talk->role == ROLE_SOURCE) config.socket.send_count_max = config.socket.send_bytes_max = 0;
    config.old_versions = count == 6 && strcmp(arguments[5], "old") == 0;
    if (count == 6 && !config.old_versions) return false;
    if (count == 8 && !talk_secure(talk, &config, arguments + 5)) return false;
    if (zmtp_uv_socket_open(&talk->socket, talk->uv, &config) < 0) return false;
    if (talk->role == ROLE_SINK) zmtp_uv_subscribe(talk->socket, zmtp_bytes_text("A"));
    const int result = strcmp(arguments[1], "bind") == 0
                           ? zmtp_uv_bind(talk->socket, arguments[2])
                           : zmtp_uv_connect(talk->socket, arguments[2]);
    if (result < 0) fprintf(stderr, "%s\n", zmtp_uv_error_text(talk->socket));
    return result == ZMTP_OK;
}

int main(int argc, char *argv[])
{
    struct talk talk = {.count = 0};
    setvbuf(stdout, NULL, _IOLBF, 0);
    plan_init();
    if ((argc != 6 && argc != 7 && argc != 9) ||
        zmtp_uv_open(&talk.uv, uv_default_loop(), NULL) < 0 ||
        !talk_open(&talk, argc - 1, argv + 1)) {
        fprintf(stderr,
                "usage: interop_peer TYPE bind|connect ENDPOINT ROLE COUNT [SECURITY...|old]\n");
        return 2;
    }
    uv_timer_init(uv_default_loop(), &talk.timer);
    talk.timer.data = &talk;
    talk.again_ms = talk.role == ROLE_SOURCE ? 10 : TALK_AGAIN_MS;
    uv_timer_start(&talk.timer, talk_timer, talk.again_ms, talk.again_ms);
    if (talk.role == ROLE_ASK) talk_ask(&talk);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    if (!talk.failed) puts("done");
    return talk.failed ? 1 : 0;
}
