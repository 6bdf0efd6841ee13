#include "wait.h"

#include "conn.h"
#include "inproc.h"
#include "udp.h"

static size_t wait_connected(const struct zmtp_uv_socket *socket)
{
    size_t count = zmtp__inproc_joined(socket) + zmtp__udp_ready(socket);
    for (const struct zmtp__conn *conn = socket->conns; conn; conn = conn->next)
        if (conn->peer && conn->up && !conn->leaving) count++;
    return count;
}

bool zmtp__wait_over(const struct zmtp__wait *wait)
{
    return !wait->socket || wait->expired || wait->peers(wait->socket) >= wait->count;
}

void zmtp__wait_leave(const struct zmtp_uv_socket *socket)
{
    struct zmtp__wait *wait = socket->uv->wait;
    if (wait && wait->socket == socket) wait->socket = NULL;
}

static void wait_expired(uv_timer_t *patience)
{
    struct zmtp_uv *uv = patience->data;
    uv->wait->expired = true;
}

static int wait_for(struct zmtp_uv *uv, struct zmtp__wait *wait, uint32_t timeout_ms)
{
    if (uv->running || uv->calling > 0)
        return zmtp__uv_socket_fail(wait->socket, ZMTP_ERR_STATE,
                                    "the loop runs already, and a callback may not wait for it");
    uv->wait = wait;
    uv_update_time(uv->loop);
    if (timeout_ms != UINT32_MAX) uv_timer_start(&uv->patience, wait_expired, timeout_ms, 0);
    while (!zmtp__wait_over(wait))
        if (!zmtp__engine_run(uv, UV_RUN_ONCE)) return ZMTP_ERR_STATE; // a callback closed it
    uv->wait = NULL;
    uv_timer_stop(&uv->patience);
    if (!wait->socket) return ZMTP_ERR_STATE;
    const size_t count = wait->peers(wait->socket);
    zmtp__uv_socket_hush(wait->socket);
    if (count >= wait->count) return ZMTP_OK;
    return zmtp__uv_socket_fail(wait->socket, ZMTP_ERR_AGAIN, "%zu of %zu peers came within %lu ms",
                                count, wait->count, (unsigned long)timeout_ms);
}

int zmtp_uv_wait_connected(struct zmtp_uv_socket *socket, size_t count, uint32_t timeout_ms)
{
    const int error = zmtp__uv_socket_check(socket);
    if (error < 0) return error;
    struct zmtp__wait wait = {.socket = socket, .peers = wait_connected, .count = count};
    return wait_for(socket->uv, &wait, timeout_ms);
}

int zmtp_uv_wait_subscribed(struct zmtp_uv_socket *socket, size_t count, uint32_t timeout_ms)
{
    const int error = zmtp__uv_socket_check(socket);
    if (error < 0) return error;
    const enum zmtp_socket_type type = socket->config.socket.type;
    if (type != ZMTP_PUB && type != ZMTP_XPUB && type != ZMTP_RADIO)
        return zmtp__uv_socket_fail(socket, ZMTP_ERR_UNSUPPORTED,
                                    "nobody subscribes to a %s, but to PUB, XPUB and RADIO",
                                    zmtp_socket_type_name(type));
    struct zmtp__wait wait = {.socket = socket, .peers = zmtp_uv_subscribers, .count = count};
    return wait_for(socket->uv, &wait, timeout_ms);
}
