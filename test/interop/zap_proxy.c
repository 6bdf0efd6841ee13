// A server whose ZAP handler lives in another process, of another implementation; test_zap.py drives it.
//
//     zap_proxy null|plain|KEYS HANDLER_ENDPOINT
//
// The handler here is a proxy (RFC 27, Proxy Handlers): a ROUTER at inproc://zeromq.zap.01 that passes
// whole messages on to HANDLER_ENDPOINT, and the replies back. KEYS is a certificate for CURVE. The server
// is a REP that answers with the User-Id of who asked. Prints its endpoint, then each refusal.
#include <stdio.h>
#include <string.h>

#include "zmtp/zmtp.h"

struct proxy {
    struct zmtp_uv_socket *inner, *outer;
};

static void pass_on(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    const struct proxy *proxy = user;
    struct zmtp_uv_socket *const other = socket == proxy->inner ? proxy->outer : proxy->inner;
    if (zmtp_uv_send_msg(other, msg) < 0) fprintf(stderr, "%s\n", zmtp_uv_error_text(other));
}

static void answer(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    const struct zmtp_bytes name = zmtp_msg_property(msg, "User-Id");
    (void)user;
    if (zmtp_uv_send(socket, &name, 1) < 0) fprintf(stderr, "%s\n", zmtp_uv_error_text(socket));
}

static void report(struct zmtp_uv_socket *socket, const struct zmtp_event *event, void *user)
{
    (void)socket;
    (void)user;
    if (event->kind != ZMTP_EVENT_HANDSHAKE_FAILED) return;
    printf("%.*s\n", (int)event->reason.size, (const char *)event->reason.data);
    (void)fflush(stdout);
}

static int secure(struct zmtp_uv_config *config, const char *how)
{
    struct zmtp_key_file file;
    if (strcmp(how, "plain") == 0) {
        zmtp_uv_config_plain_server(config);
    } else if (strcmp(how, "null") != 0) {
        if (zmtp_key_file_load(&file, how) < 0) return -1;
        zmtp_uv_config_curve_server(config, &file.keys, (struct zmtp_allow){0});
    }
    zmtp_uv_config_zap(config, "test");
    return 0;
}

int main(int argc, char *argv[])
{
    struct zmtp_uv *uv;
    struct zmtp_uv_socket *server;
    struct zmtp_uv_config config;
    struct proxy proxy;
    if (argc != 3 || zmtp_uv_open(&uv, uv_default_loop(), NULL) < 0) return 2;
    zmtp_uv_config_init(&config, ZMTP_ROUTER);
    config.on_message = pass_on;
    config.user = &proxy;
    if (zmtp_uv_socket_open(&proxy.inner, uv, &config) < 0) return 1;
    config.socket.type = ZMTP_DEALER;
    if (zmtp_uv_socket_open(&proxy.outer, uv, &config) < 0) return 1;
    if (zmtp_uv_bind(proxy.inner, ZMTP_ZAP_ENDPOINT) < 0) return 1;
    if (zmtp_uv_connect(proxy.outer, argv[2]) < 0) return 1;

    zmtp_uv_config_init(&config, ZMTP_REP);
    config.on_message = answer;
    config.on_event = report;
    if (secure(&config, argv[1]) < 0 || zmtp_uv_socket_open(&server, uv, &config) < 0) return 1;
    if (zmtp_uv_bind(server, "tcp://127.0.0.1:*") < 0) return 1;
    printf("%s\n", zmtp_uv_endpoint(server));
    (void)fflush(stdout);
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
