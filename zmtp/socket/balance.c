#include "balance.h"

void zmtp__balance_join(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    if (zmtp__node_listed(&lane->writable) || !zmtp__lane_writable(socket, lane)) return;
    zmtp__list_append(&socket->writable, &lane->writable);
}

struct zmtp__lane *zmtp__balance_first(struct zmtp_socket *socket)
{
    struct zmtp__lane *lane;
    while ((lane = zmtp__list_first(&socket->writable))) {
        if (zmtp__lane_writable(socket, lane)) return lane;
        zmtp__node_remove(&lane->writable);
        zmtp__socket_lose_way(socket);
    }
    return NULL;
}

int zmtp__balance_send(struct zmtp_socket *socket, const struct zmtp__outgoing *head,
                       const struct zmtp__outgoing *body, struct zmtp__lane **sent_to)
{
    struct zmtp__lane *lane = zmtp__balance_first(socket);
    if (!lane) return ZMTP_ERR_AGAIN;
    const int result = zmtp__lane_send(socket, lane, head, body);
    if (result < 0) return result;
    zmtp__list_pass(&socket->writable, &lane->writable);
    if (zmtp__balance_turns(socket)) zmtp__socket_lose_way(socket); // it is another's turn
    if (sent_to) *sent_to = lane;
    return ZMTP_OK;
}

int zmtp__balance_send_on(struct zmtp_socket *socket, const struct zmtp__outgoing *out)
{
    return zmtp__balance_send(socket, NULL, out, NULL);
}
