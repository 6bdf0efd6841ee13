#include "volley.h"

#include <string.h>

#include "../msg/share.h"

// Is there anything that each message would have to be asked for, or that is to be done beside it?
static bool volley_is_plain(struct zmtp_socket *socket)
{
    const struct zmtp_socket_config *const config = &socket->config;
    if (socket->pattern != &zmtp__pub || config->conflate || config->send_bytes_all_max > 0)
        return false;
    // What happened to a lane is looked at first.
    return !socket->marks.first && !zmtp__publisher_of(socket)->subscriptions.departed;
}

// Do all that are chosen, and they are several, go on at |at|?
static bool volley_is_of_all(const struct zmtp_socket *socket, const struct zmtp__spread *spread,
                             const uint8_t *at)
{
    const struct zmtp_bytes next = {at, 0};
    if (socket->writable.next == socket->writable.previous) return false;
    for (struct zmtp__node *node = socket->writable.next; node->lane; node = node->next)
        if (!zmtp__queue_in_step(node->lane->end->out, next, spread->encoded)) return false;
    return true;
}

bool zmtp__volley_begin(struct zmtp__volley *volley, struct zmtp_socket *socket)
{
    if (!volley_is_plain(socket)) return false;
    const struct zmtp__spread *const spread = &zmtp__publisher_of(socket)->spread;
    if (!spread->kept || spread->odd || spread->full || !spread->encoded) return false;
    // The one that fills a queue is for the general way.
    if (spread->room_count <= ZMTP__VOLLEY_LEAST || spread->room_bytes <= 1) return false;
    uint8_t *const at = spread->encoded->data + spread->encoded_used;
    if (!volley_is_of_all(socket, spread, at)) return false;
    const size_t left = spread->encoded->capacity - spread->encoded_used;
    const size_t room = spread->room_bytes - 1;
    *volley = (struct zmtp__volley){.socket = socket,
                                    .begin = at,
                                    .at = at,
                                    .end = at + (left < room ? left : room),
                                    .count = spread->room_count - 1,
                                    .left = spread->room_count - 1};
    for (struct zmtp__node *node = socket->writable.next; node->lane; node = node->next)
        node->lane->end->out->open = true;
    return true;
}

bool zmtp__volley_put(struct zmtp__volley *volley, struct zmtp_bytes body)
{
    uint8_t *const at = volley->at;
    const size_t room = (size_t)(volley->end - at);
    if (!zmtp__octets_ok(body) || volley->left == 0) return false;
    if (body.size >= ZMTP__QUEUE_REFER_BODY) return false; // it need not be copied
    if (room < ZMTP_HEADER_MAX || room - ZMTP_HEADER_MAX < body.size) return false;
    if (!zmtp__publisher_keeps(volley->socket, body)) return false;
    const struct zmtp_frame frame = {.size = body.size};
    const size_t header = zmtp__frame_encode(&frame, at);
    volley->at = at + header + body.size;
    volley->left--;
    if (body.size > 0) memcpy(at + header, body.data, body.size);
    return true;
}

size_t zmtp__volley_settle(struct zmtp__volley *volley)
{
    struct zmtp_socket *const socket = volley->socket;
    struct zmtp__spread *const spread = &zmtp__publisher_of(socket)->spread;
    const size_t count = volley->count - volley->left, size = (size_t)(volley->at - volley->begin);
    volley->socket = NULL;
    for (struct zmtp__node *node = socket->writable.next; node->lane; node = node->next) {
        struct zmtp__queue *const queue = node->lane->end->out;
        queue->open = false;
        if (count == 0) continue;
        zmtp__queue_step_by(queue, size, count);
        zmtp__pipe_published(node->lane->end);
    }
    spread->encoded_used += size;
    spread->room_count -= count;
    spread->room_bytes -= size;
    socket->counters.sent += count;
    return count;
}
