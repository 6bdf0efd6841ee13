// Answers every question: rep [ENDPOINT]. Try it with req, or with any ZeroMQ client.
#include <stdio.h>

#include <zmtp/zmtp.h>

static void answer(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    const struct zmtp_bytes name = zmtp_msg_bytes(msg, 0);
    char text[256];
    (void)user;
    const int size = snprintf(text, sizeof text, "Hello, %.*s!", (int)name.size,
                              name.data ? (const char *)name.data : "");
    const struct zmtp_bytes reply =
        zmtp_bytes_of(text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
    if (zmtp_uv_send(socket, &reply, 1) < 0)
        fprintf(stderr, "no answer: %s\n", zmtp_uv_error_text(socket));
}

static void report(struct zmtp_uv_socket *socket, const struct zmtp_event *event, void *user)
{
    (void)socket;
    (void)user;
    printf("%s %s %s\n", zmtp_event_name(event->kind), event->endpoint, event->remote);
}

int main(int argc, char *argv[])
{
    struct zmtp_uv *uv;
    struct zmtp_uv_socket *socket;
    struct zmtp_uv_config config;
    zmtp_uv_config_init(&config, ZMTP_REP);
    config.on_message = answer;
    config.on_event = report;
    if (zmtp_uv_open(&uv, uv_default_loop(), NULL) < 0 ||
        zmtp_uv_socket_open(&socket, uv, &config) < 0) {
        fprintf(stderr, "%s\n", zmtp_uv_open_error_text(uv));
        return 1;
    }
    if (zmtp_uv_bind(socket, argc > 1 ? argv[1] : "tcp://127.0.0.1:5555") < 0) {
        fprintf(stderr, "%s\n", zmtp_uv_error_text(socket));
        return 1;
    }
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
