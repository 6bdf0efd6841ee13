// Prints what is published under a topic: sub [TOPIC [ENDPOINT]]. It goes on when pub restarts.
#include <stdio.h>

#include <zmtp/zmtp.h>

static void print(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    (void)socket;
    (void)user;
    for (uint32_t i = 0; i < msg->count; i++) {
        const struct zmtp_bytes part = zmtp_msg_bytes(msg, i);
        printf("%s%.*s", i > 0 ? " " : "", (int)part.size,
               part.data ? (const char *)part.data : "");
    }
    printf("\n");
}

int main(int argc, char *argv[])
{
    struct zmtp_uv *uv;
    struct zmtp_uv_socket *socket;
    struct zmtp_uv_config config;
    zmtp_uv_config_init(&config, ZMTP_SUB);
    config.on_message = print;
    if (zmtp_uv_open(&uv, uv_default_loop(), NULL) < 0 ||
        zmtp_uv_socket_open(&socket, uv, &config) < 0) {
        fprintf(stderr, "%s\n", zmtp_uv_open_error_text(uv));
        return 1;
    }
    if (zmtp_uv_subscribe(socket, zmtp_bytes_text(argc > 1 ? argv[1] : "")) < 0 ||
        zmtp_uv_connect(socket, argc > 2 ? argv[2] : "tcp://127.0.0.1:5556") < 0) {
        fprintf(stderr, "%s\n", zmtp_uv_error_text(socket));
        return 1;
    }
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
