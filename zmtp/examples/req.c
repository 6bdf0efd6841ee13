// Asks once and prints the answer: req [NAME [ENDPOINT]]. It may be started before rep.
#include <stdio.h>

#include <zmtp/zmtp.h>

static void print(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    const struct zmtp_bytes text = zmtp_msg_bytes(msg, 0);
    (void)user;
    printf("%.*s\n", (int)text.size, text.data ? (const char *)text.data : "");
    zmtp_uv_socket_close(socket, NULL, NULL); // the loop ends with its last socket
}

static void report(struct zmtp_uv_socket *socket, const struct zmtp_event *event, void *user)
{
    (void)socket;
    (void)user;
    if (event->kind == ZMTP_EVENT_DIAL_FAILED || event->kind == ZMTP_EVENT_HANDSHAKE_FAILED)
        fprintf(stderr, "%s: %s, trying again\n", event->endpoint, zmtp_err_text(event->error));
}

int main(int argc, char *argv[])
{
    struct zmtp_uv *uv;
    struct zmtp_uv_socket *socket;
    struct zmtp_uv_config config;
    const struct zmtp_bytes name = zmtp_bytes_text(argc > 1 ? argv[1] : "world");
    zmtp_uv_config_init(&config, ZMTP_REQ);
    config.on_message = print;
    config.on_event = report;
    if (zmtp_uv_open(&uv, uv_default_loop(), NULL) < 0 ||
        zmtp_uv_socket_open(&socket, uv, &config) < 0) {
        fprintf(stderr, "%s\n", zmtp_uv_open_error_text(uv));
        return 1;
    }
    if (zmtp_uv_connect(socket, argc > 2 ? argv[2] : "tcp://127.0.0.1:5555") < 0 ||
        zmtp_uv_send(socket, &name, 1) < 0) {
        fprintf(stderr, "%s\n", zmtp_uv_error_text(socket));
        return 1;
    }
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    zmtp_uv_close(uv, NULL, NULL);
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
