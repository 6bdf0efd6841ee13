// One side of a conversation with another implementation, for the patterns without an answer to each
// message; test_patterns.py drives it.
//
//     pattern_peer TYPE bind|connect ENDPOINT COUNT
//
// A message of the plan is its number in decimal and a body that follows from it. PUSH sends COUNT of
// them, PULL and PAIR take them, and PAIR sends each back. XPUB sends them under the topic "A" once that
// is subscribed to, and ends when it is not any more. XSUB subscribes to "A", takes them, sends "up" to
// the publisher on the first and ends the subscription on the last. XPUB prints what it receives.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zmtp/zmtp.h"

enum { PLAN_SIZE_MAX = 20000 };

struct talk {
    struct zmtp_uv *uv;
    struct zmtp_uv_socket *socket;
    enum zmtp_socket_type type;
    unsigned count, sent, received;
    bool ended, failed;
};

// The parts of message |n|; valid until the next call.
static void plan(unsigned n, struct zmtp_bytes parts[2])
{
    static char number[16];
    static uint8_t body[PLAN_SIZE_MAX];
    snprintf(number, sizeof number, "%u", n);
    parts[0] = zmtp_bytes_text(number);
    parts[1] = zmtp_bytes_of(body, n * 997 % PLAN_SIZE_MAX);
    memset(body, (int)(n % 251), parts[1].size);
}

static void talk_closed(void *user)
{
    struct talk *talk = user;
    zmtp_uv_close(talk->uv, NULL, NULL);
}

static void talk_end(struct talk *talk, bool failed)
{
    if (talk->ended) return;
    talk->ended = true;
    talk->failed = failed;
    zmtp_uv_socket_close(talk->socket, talk_closed, talk);
}

static void talk_push(struct talk *talk)
{
    for (; talk->sent < talk->count; talk->sent++) {
        struct zmtp_bytes parts[2];
        plan(talk->sent, parts);
        if (zmtp_uv_send(talk->socket, parts, 2) < 0) return; // on_writable goes on
    }
    talk_end(talk, false);
}

static void talk_publish(struct talk *talk)
{
    for (unsigned n = 0; n < talk->count; n++) {
        struct zmtp_bytes parts[3] = {zmtp_bytes_text("A")};
        plan(n, parts + 1);
        if (zmtp_uv_send(talk->socket, parts, 3) < 0) talk_end(talk, true);
    }
}

// Is it the next message of the plan, behind |skip| parts?
static bool talk_expects(struct talk *talk, const struct zmtp_msg *msg, size_t skip)
{
    struct zmtp_bytes parts[2];
    plan(talk->received, parts);
    const bool expected = msg->count == skip + 2 &&
                          zmtp_bytes_equal(zmtp_msg_bytes(msg, skip), parts[0]) &&
                          zmtp_bytes_equal(zmtp_msg_bytes(msg, skip + 1), parts[1]);
    if (expected) talk->received++;
    if (!expected) fprintf(stderr, "message %u is not what the plan says\n", talk->received);
    return expected;
}

static void talk_take(struct talk *talk, struct zmtp_msg *msg)
{
    const bool good = talk_expects(talk, msg, 0);
    const bool echoed = talk->type != ZMTP_PAIR || zmtp_uv_send_msg(talk->socket, msg) == ZMTP_OK;
    if (!good || !echoed || talk->received == talk->count) talk_end(talk, !good || !echoed);
}

// A subscription that begins or ends, or a message from upstream.
static void talk_news(struct talk *talk, const struct zmtp_msg *msg)
{
    const struct zmtp_bytes text = zmtp_msg_bytes(msg, 0);
    const bool news = text.size > 0 && text.data[0] <= 1;
    if (!news) {
        printf("message %.*s\n", (int)text.size, (const char *)text.data);
        return;
    }
    printf("%s %.*s\n", text.data[0] ? "subscribed" : "cancelled", (int)text.size - 1,
           (const char *)text.data + 1);
    if (!zmtp_bytes_equal(zmtp_bytes_of(text.data + 1, text.size - 1), zmtp_bytes_text("A")))
        return;
    if (text.data[0])
        talk_publish(talk);
    else
        talk_end(talk, false);
}

static void talk_hear(struct talk *talk, const struct zmtp_msg *msg)
{
    const struct zmtp_bytes up = zmtp_bytes_text("up"), cancel = {(const uint8_t *)"\0A", 2};
    bool good = talk_expects(talk, msg, 1);
    if (good && talk->received == 1) good = zmtp_uv_send(talk->socket, &up, 1) == ZMTP_OK;
    if (good && talk->received == talk->count)
        good = zmtp_uv_send(talk->socket, &cancel, 1) == ZMTP_OK;
    if (!good || talk->received == talk->count) talk_end(talk, !good);
}

static void on_message(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    struct talk *talk = user;
    (void)socket;
    if (talk->type == ZMTP_XPUB)
        talk_news(talk, msg);
    else if (talk->type == ZMTP_XSUB)
        talk_hear(talk, msg);
    else
        talk_take(talk, msg);
}

static void on_writable(struct zmtp_uv_socket *socket, void *user)
{
    (void)socket;
    talk_push(user);
}

static void on_event(struct zmtp_uv_socket *socket, const struct zmtp_event *event, void *user)
{
    (void)socket;
    (void)user;
    if (event->kind == ZMTP_EVENT_LISTENING) printf("listening %s\n", event->endpoint);
    fprintf(stderr, "%s %s: %s\n", zmtp_event_name(event->kind), event->endpoint,
            zmtp_err_text(event->error));
}

static bool talk_open(struct talk *talk, char *arguments[])
{
    struct zmtp_uv_config config;
    if (zmtp_socket_type_parse(zmtp_bytes_text(arguments[0]), &talk->type) < 0) return false;
    talk->count = (unsigned)strtoul(arguments[3], NULL, 10);
    zmtp_uv_config_init(&config, talk->type);
    config.on_message = on_message;
    config.on_event = on_event;
    if (talk->type == ZMTP_PUSH) config.on_writable = on_writable;
    if (talk->type == ZMTP_XPUB) config.socket.send_count_max = config.socket.send_bytes_max = 0;
    config.user = talk;
    config.linger_ms = 10000;
    if (zmtp_uv_socket_open(&talk->socket, talk->uv, &config) < 0) return false;
    const struct zmtp_bytes subscribe = {(const uint8_t *)"\1A", 2};
    if (talk->type == ZMTP_XSUB && zmtp_uv_send(talk->socket, &subscribe, 1) < 0) return false;
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
    if (argc != 5 || zmtp_uv_open(&talk.uv, uv_default_loop(), NULL) < 0 ||
        !talk_open(&talk, argv + 1)) {
        fprintf(stderr, "usage: pattern_peer TYPE bind|connect ENDPOINT COUNT\n");
        return 2;
    }
    if (talk.type == ZMTP_PUSH) talk_push(&talk);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    if (!talk.failed) puts("done");
    return talk.failed ? 1 : 0;
}
