#include "notices.h"

// Bits of a lane's |notices|, in the order in which they are told.
enum {
    NOTICES_LOST = 1,  // |lost_notice|
    NOTICES_GONE = 2,  // |gone_notice|
    NOTICES_LEFT = 4,  // |router_tell_gone|
    NOTICES_CAME = 8,  // |router_tell_come|
    NOTICES_HELLO = 16 // |hello|
};

static void notices_due(struct zmtp__lane *lane, bool wanted, unsigned bit)
{
    if (wanted) lane->notices |= (uint8_t)bit;
}

void zmtp__notices_open(const struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    notices_due(lane, socket->config.hello.size > 0, NOTICES_HELLO);
}

void zmtp__notices_linked(const struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    const struct zmtp_socket_config *config = &socket->config;
    const struct zmtp_link *link = zmtp_pipe_link(lane->end);
    if (lane->up && lane->dialled && !lane->end->other->closed) {
        notices_due(lane, config->lost_notice.size > 0, NOTICES_LOST);
        notices_due(lane, config->router_tell_gone, NOTICES_LEFT);
    }
    if (!link->up) return;
    notices_due(lane, config->router_tell_come, NOTICES_CAME);
    notices_due(lane, config->hello.size > 0 && lane->generation > 0, NOTICES_HELLO);
}

void zmtp__notices_gone(const struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    if (lane->generation == 0) return; // it never came
    notices_due(lane, socket->config.gone_notice.size > 0 && !lane->dialled, NOTICES_GONE);
    notices_due(lane, socket->config.router_tell_gone, NOTICES_LEFT);
}

// Of a joined pipe the queue is another socket's, which counts what it has sent.
static int notices_say(struct zmtp__lane *lane, struct zmtp_bytes words)
{
    struct zmtp__queue *queue = lane->end->in;
    if (lane->joined) return ZMTP_OK;
    if (queue->open) return ZMTP_ERR_MEMORY; // a message is coming in, which is to be whole first
    zmtp__queue_begin(queue);
    const int result = zmtp__queue_put(queue, words, NULL, 0);
    if (result == ZMTP_OK) zmtp__queue_end(queue, 1);
    return result;
}

static int notices_greet(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    const struct zmtp__outgoing hello = zmtp__outgoing_of_parts(&socket->config.hello, 1);
    if (lane->end->other->closed || hello.count == 0) return ZMTP_OK;
    const int result = zmtp__lane_send(socket, lane, NULL, &hello);
    if (result == ZMTP_OK) socket->counters.own++;
    return result;
}

bool zmtp__notices_first(const struct zmtp__lane *lane)
{
    return lane->notices & NOTICES_CAME;
}

int zmtp__notices_take(struct zmtp_socket *socket, struct zmtp__lane *lane, struct zmtp_msg *msg)
{
    const int result = zmtp_msg_append(msg, (struct zmtp_bytes){0});
    if (result < 0) return result;
    lane->notices &= (uint8_t)~NOTICES_CAME;
    socket->counters.told++;
    return ZMTP_OK;
}

int zmtp__notices_tell(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    static const struct zmtp_bytes nothing = {NULL, 0};
    for (unsigned bit = NOTICES_LOST; bit <= NOTICES_HELLO; bit <<= 1) {
        int result = ZMTP_OK;
        if (!(lane->notices & bit)) continue;
        if (bit == NOTICES_CAME && !lane->joined && lane->end->in->count > 0)
            continue; // it is taken
        if (bit == NOTICES_HELLO)
            result = notices_greet(socket, lane);
        else if (bit == NOTICES_LOST)
            result = notices_say(lane, socket->config.lost_notice);
        else
            result = notices_say(lane, bit == NOTICES_GONE ? socket->config.gone_notice : nothing);
        if (result < 0) return result;
        lane->notices &= (uint8_t)~bit;
    }
    return ZMTP_OK;
}
