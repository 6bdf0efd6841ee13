// One side of a conversation without ZMTP; test_raw.py drives it.
//
//     raw_peer STREAM|DGRAM bind ENDPOINT       sends back what it receives
//     raw_peer STREAM|DGRAM connect ENDPOINT    sends "hello" and prints what it receives
//     raw_peer DISH bind ENDPOINT               joins "tv" and prints what it receives
//     raw_peer RADIO connect ENDPOINT           sends "movie" to "tv" until its input ends
//
// It prints a message as its size and its last part in hexadecimal digits, at most 64 of them, and
// ends when its input does.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "zmtp/zmtp.h"

enum { SHOWN_MAX = 32, RADIO_MS = 20 };

struct talk {
    struct zmtp_uv *uv;
    struct zmtp_uv_socket *socket;
    enum zmtp_socket_type type;
    bool echoes;
    uv_poll_t input;
    uv_timer_t clock;
};

static void talk_closed(void *user)
{
    struct talk *talk = user;
    zmtp_uv_close(talk->uv, NULL, NULL);
}

static void talk_input(uv_poll_t *input, int status, int events)
{
    struct talk *talk = input->data;
    char scratch[64];
    (void)status;
    (void)events;
    if (read(STDIN_FILENO, scratch, sizeof scratch) > 0) return;
    uv_close((uv_handle_t *)&talk->input, NULL);
    uv_close((uv_handle_t *)&talk->clock, NULL);
    zmtp_uv_socket_close(talk->socket, talk_closed, talk);
}

static void talk_send(struct talk *talk, const char *first, const char *second)
{
    const struct zmtp_bytes parts[] = {zmtp_bytes_text(first), zmtp_bytes_text(second)};
    if (zmtp_uv_send(talk->socket, parts, 2) < 0)
        printf("error %s\n", zmtp_uv_error_text(talk->socket));
}

static void talk_tick(uv_timer_t *clock)
{
    talk_send(clock->data, "tv", "movie");
}

static void talk_show(struct zmtp_bytes octets)
{
    printf("message %zu ", octets.size);
    for (size_t i = 0; i < octets.size && i < SHOWN_MAX; i++)
        printf("%02x", octets.data[i]);
    printf("\n");
}

static void on_message(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    const struct talk *talk = user;
    const struct zmtp_bytes octets = zmtp_msg_bytes(msg, 1);
    const bool notice = talk->type == ZMTP_STREAM && octets.size == 0;
    talk_show(octets);
    if (talk->echoes && !notice && zmtp_uv_send_msg(socket, msg) < 0)
        printf("error %s\n", zmtp_uv_error_text(socket));
}

static void on_event(struct zmtp_uv_socket *socket, const struct zmtp_event *event, void *user)
{
    (void)socket;
    (void)user;
    if (event->kind == ZMTP_EVENT_LISTENING) printf("listening %s\n", event->endpoint);
    if (event->kind == ZMTP_EVENT_CLOSED) printf("closed\n");
}

static enum zmtp_socket_type type_of(const char *name)
{
    for (enum zmtp_socket_type type = 0; type < ZMTP_SOCKET_TYPES; type++)
        if (strcmp(name, zmtp_socket_type_name(type)) == 0) return type;
    return ZMTP_SOCKET_TYPES;
}

static int talk_meet(struct talk *talk, bool binds, const char *endpoint)
{
    if (binds) return zmtp_uv_bind(talk->socket, endpoint);
    if (talk->type == ZMTP_STREAM)
        return zmtp_uv_connect_as(talk->socket, endpoint, zmtp_bytes_text("them"));
    return zmtp_uv_connect(talk->socket, endpoint);
}

static bool talk_open(struct talk *talk, bool binds, const char *endpoint)
{
    struct zmtp_uv_config config;
    zmtp_uv_config_init(&config, talk->type);
    config.on_message = on_message;
    config.on_event = on_event;
    config.user = talk;
    talk->echoes = binds && talk->type != ZMTP_DISH;
    if (zmtp_uv_open(&talk->uv, uv_default_loop(), NULL) < 0) return false;
    if (zmtp_uv_socket_open(&talk->socket, talk->uv, &config) < 0) return false;
    if (talk->type == ZMTP_DISH && zmtp_uv_subscribe(talk->socket, zmtp_bytes_text("tv")) < 0)
        return false;
    if (talk_meet(talk, binds, endpoint) == ZMTP_OK) return true;
    fprintf(stderr, "%s\n", zmtp_uv_error_text(talk->socket));
    return false;
}

int main(int argc, char *argv[])
{
    struct talk talk = {.type = argc == 4 ? type_of(argv[1]) : ZMTP_SOCKET_TYPES};
    setvbuf(stdout, NULL, _IOLBF, 0);
    const bool binds = argc == 4 && strcmp(argv[2], "bind") == 0;
    if (argc != 4 || !talk_open(&talk, binds, argv[3])) {
        fprintf(stderr, "usage: raw_peer TYPE bind|connect ENDPOINT\n");
        return 2;
    }
    talk.input.data = talk.clock.data = &talk;
    uv_poll_init(uv_default_loop(), &talk.input, STDIN_FILENO);
    uv_poll_start(&talk.input, UV_READABLE, talk_input);
    uv_timer_init(uv_default_loop(), &talk.clock);
    if (talk.type == ZMTP_RADIO) uv_timer_start(&talk.clock, talk_tick, 0, RADIO_MS);
    if (!binds && talk.type == ZMTP_STREAM) talk_send(&talk, "them", "hello");
    if (!binds && talk.type == ZMTP_DGRAM) talk_send(&talk, "", "hello");
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
