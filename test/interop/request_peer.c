// A REQ with several requests in flight; test_requests.py drives it.
//
//     request_peer COUNT IN_FLIGHT TIMEOUT_MS ENDPOINT...
//
// Sends COUNT requests, the number of each in decimal, and wants "re" and the same number for each, in any
// order. With a TIMEOUT_MS it asks again as often as need be, whoever is next. Prints "done".
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zmtp/zmtp.h"

struct talk {
    struct zmtp_uv *uv;
    struct zmtp_uv_socket *socket;
    unsigned count, sent, received;
    bool failed;
};

static void talk_closed(void *user)
{
    struct talk *talk = user;
    zmtp_uv_close(talk->uv, NULL, NULL);
}

static void talk_send(struct talk *talk)
{
    while (talk->sent < talk->count) {
        char text[16];
        snprintf(text, sizeof text, "%u", talk->sent + 1);
        const struct zmtp_bytes part = zmtp_bytes_text(text);
        if (zmtp_uv_send(talk->socket, &part, 1) < 0) return; // on_writable goes on
        talk->sent++;
    }
}

static void on_message(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    struct talk *talk = user;
    char expected[16];
    snprintf(expected, sizeof expected, "re%u", (unsigned)msg->request);
    if (!zmtp_bytes_equal(zmtp_msg_bytes(msg, 0), zmtp_bytes_text(expected))) {
        fprintf(stderr, "request %u was answered otherwise\n", (unsigned)msg->request);
        talk->failed = true;
    }
    if (++talk->received == talk->count || talk->failed)
        zmtp_uv_socket_close(socket, talk_closed, talk);
    else
        talk_send(talk);
}

static void on_writable(struct zmtp_uv_socket *socket, void *user)
{
    (void)socket;
    talk_send(user);
}

static void on_event(struct zmtp_uv_socket *socket, const struct zmtp_event *event, void *user)
{
    (void)socket;
    (void)user;
    fprintf(stderr, "%s %s: %s\n", zmtp_event_name(event->kind), event->endpoint,
            zmtp_err_text(event->error));
}

static bool talk_open(struct talk *talk, int argc, char *argv[])
{
    struct zmtp_uv_config config;
    talk->count = (unsigned)strtoul(argv[1], NULL, 10);
    zmtp_uv_config_init(&config, ZMTP_REQ);
    config.socket.req_in_flight_max = (uint32_t)strtoul(argv[2], NULL, 10);
    config.socket.req_timeout_ms = (uint32_t)strtoul(argv[3], NULL, 10);
    config.socket.req_retries = config.socket.req_timeout_ms ? UINT32_MAX : 0;
    config.on_message = on_message;
    config.on_writable = on_writable;
    config.on_event = on_event;
    config.user = talk;
    if (zmtp_uv_socket_open(&talk->socket, talk->uv, &config) < 0) return false;
    for (int i = 4; i < argc; i++)
        if (zmtp_uv_connect(talk->socket, argv[i]) < 0) return false;
    return true;
}

int main(int argc, char *argv[])
{
    struct talk talk = {.count = 0};
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 5 || zmtp_uv_open(&talk.uv, uv_default_loop(), NULL) < 0 ||
        !talk_open(&talk, argc, argv)) {
        fprintf(stderr, "usage: request_peer COUNT IN_FLIGHT TIMEOUT_MS ENDPOINT...\n");
        return 2;
    }
    talk_send(&talk);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    if (!talk.failed) puts("done");
    return talk.failed ? 1 : 0;
}
