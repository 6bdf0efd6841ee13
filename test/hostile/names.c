// So many names over inproc, of the native engine: bound and dialled, in both orders, told and closed. For test_names.py.
#include <stdio.h>
#include <stdlib.h>

#include "zmtp/zmtp.h"

static size_t told;

static void on_event(struct zmtp_uv_socket *socket, const struct zmtp_event *event, void *user)
{
    (void)socket;
    (void)user;
    told += event->kind == ZMTP_EVENT_HANDSHAKE_DONE || event->kind == ZMTP_EVENT_LISTENING;
}

static struct zmtp_uv_socket *names_open(struct zmtp_uv *uv, enum zmtp_socket_type type,
                                         const char *endpoint)
{
    struct zmtp_uv_config config;
    struct zmtp_uv_socket *socket;
    zmtp_uv_config_init(&config, type);
    config.on_event = on_event;
    if (zmtp_uv_socket_open(&socket, uv, &config) < 0) return NULL;
    const int error =
        type == ZMTP_PULL ? zmtp_uv_bind(socket, endpoint) : zmtp_uv_connect(socket, endpoint);
    return error < 0 ? NULL : socket;
}

// |count| pairs, each with a name of its own, until both have heard of the other; then all are closed.
static bool names_run(uv_loop_t *loop, struct zmtp_uv *uv, size_t count, bool bound_first)
{
    struct zmtp_uv_socket **sockets = calloc(2 * count, sizeof *sockets);
    char endpoint[ZMTP_ENDPOINT_MAX];
    told = 0;
    for (size_t i = 0; sockets && i < 2 * count; i++) {
        (void)snprintf(endpoint, sizeof endpoint, "inproc://name-%zu", i % count);
        sockets[i] = names_open(uv, (i < count) == bound_first ? ZMTP_PULL : ZMTP_PUSH, endpoint);
        if (!sockets[i]) return false;
        if (i + 1 == count) uv_run(loop, UV_RUN_NOWAIT);
    }
    for (int turns = 0; turns < 1000 && told < 3 * count; turns++)
        uv_run(loop, UV_RUN_NOWAIT);
    for (size_t i = 0; sockets && i < 2 * count; i++)
        zmtp_uv_socket_close(sockets[i], NULL, NULL);
    for (int turns = 0; turns < 4; turns++)
        uv_run(loop, UV_RUN_NOWAIT);
    free(sockets);
    return told == 3 * count;
}

int main(int argc, char **argv)
{
    const size_t count = argc > 1 ? (size_t)atoi(argv[1]) : 0;
    struct zmtp_uv_shared *shared;
    struct zmtp_uv *uv;
    uv_loop_t loop;
    if (count == 0 || uv_loop_init(&loop) < 0 || zmtp_uv_shared_open(&shared) < 0) return 2;
    if (zmtp_uv_open(&uv, &loop, NULL) < 0 || zmtp_uv_join(uv, shared) < 0) return 2;
    const bool good = names_run(&loop, uv, count, true) && names_run(&loop, uv, count, false);
    zmtp_uv_close(uv, NULL, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    zmtp_uv_shared_close(shared);
    return good && uv_loop_close(&loop) == 0 ? 0 : 1;
}
