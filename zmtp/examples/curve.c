// Encrypted and authenticated, both ways: curve server KEYS ALLOWED [ENDPOINT] lets in whose certificates
// lie in the folder ALLOWED; curve client KEYS SERVER [ENDPOINT] talks to the owner of the certificate
// SERVER alone. Make the certificates with zmtp-keygen:
//
//     zmtp-keygen server; zmtp-keygen me; mkdir clients; cp me clients
//     curve server server_secret clients &
//     curve client me_secret server
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmtp/zmtp.h>

static void answer(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    const struct zmtp_bytes reply = zmtp_msg_bytes(msg, 0);
    char key[ZMTP_KEY_TEXT_SIZE] = "";
    struct zmtp_key theirs;
    (void)user;
    if (msg->origin->public_key.size == sizeof theirs.octets) {
        memcpy(theirs.octets, msg->origin->public_key.data, sizeof theirs.octets);
        zmtp_key_encode(&theirs, key);
    }
    printf("%s says %.*s\n", key, (int)reply.size, reply.data ? (const char *)reply.data : "");
    if (zmtp_uv_send(socket, &reply, 1) < 0) fprintf(stderr, "%s\n", zmtp_uv_error_text(socket));
}

static void finish(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    const struct zmtp_bytes reply = zmtp_msg_bytes(msg, 0);
    (void)user;
    printf("%.*s\n", (int)reply.size, reply.data ? (const char *)reply.data : "");
    zmtp_uv_socket_close(socket, NULL, NULL);
}

static void report(struct zmtp_uv_socket *socket, const struct zmtp_event *event, void *user)
{
    (void)user;
    printf("%s %s %.*s\n", zmtp_event_name(event->kind), event->remote, (int)event->reason.size,
           event->reason.data ? (const char *)event->reason.data : "");
    if (event->kind == ZMTP_EVENT_GAVE_UP) zmtp_uv_socket_close(socket, NULL, NULL);
}

static struct zmtp_key_file load(const char *path)
{
    struct zmtp_key_file file;
    const int error = zmtp_key_file_load(&file, path);
    if (error == ZMTP_OK) return file;
    fprintf(stderr, "%s: %s\n", path, zmtp_err_text(error));
    exit(1);
}

int main(int argc, char *argv[])
{
    struct zmtp_uv *uv;
    struct zmtp_uv_socket *socket;
    struct zmtp_uv_config config;
    (void)setvbuf(stdout, NULL, _IOLBF, 0); // line by line into a log, too
    const bool server = argc > 3 && strcmp(argv[1], "server") == 0;
    if (argc < 4 || (!server && strcmp(argv[1], "client") != 0)) {
        fprintf(stderr, "usage: curve server KEYS ALLOWED [ENDPOINT]\n"
                        "       curve client KEYS SERVER [ENDPOINT]\n");
        return 2;
    }
    const char *const endpoint = argc > 4 ? argv[4] : "tcp://127.0.0.1:5555";
    const struct zmtp_key_file ours = load(argv[2]);
    zmtp_uv_config_init(&config, server ? ZMTP_REP : ZMTP_REQ);
    if (server) {
        const struct zmtp_allow allow = {.kind = ZMTP_ALLOW_FOLDER, .path = argv[3]};
        zmtp_uv_config_curve_server(&config, &ours.keys, allow);
    } else {
        const struct zmtp_key_file theirs = load(argv[3]);
        zmtp_uv_config_curve_client(&config, &ours.keys, &theirs.keys.public_key);
    }
    config.on_message = server ? answer : finish;
    config.on_event = report;
    if (zmtp_uv_open(&uv, uv_default_loop(), NULL) < 0) return 1;
    int error = zmtp_uv_socket_open(&socket, uv, &config);
    if (error < 0) {
        fprintf(stderr, "%s\n", zmtp_uv_open_error_text(uv));
        return 1;
    }
    const struct zmtp_bytes question = zmtp_bytes_text("Can anybody else read this?");
    error = server ? zmtp_uv_bind(socket, endpoint) : zmtp_uv_connect(socket, endpoint);
    if (error == ZMTP_OK && !server) error = zmtp_uv_send(socket, &question, 1);
    if (error < 0) {
        fprintf(stderr, "%s\n", zmtp_uv_error_text(socket));
        return 1;
    }
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
