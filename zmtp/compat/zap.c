#include "zap.h"

#include <errno.h>
#include <string.h>

#include "../io/uv_socket.h"
#include "../io/watch.h"
#include "../zap.h"
#include "../zmq.h"

enum {
    ZAP_PARTS_MAX = 12, // more than a request has
    // When a question is given up: the engine has said no by then.
    ZAP_PATIENCE_MS = ZMTP_DEFAULT_AUTHORISE_MS + 1000,
};

struct zap_question {
    struct zmq__socket *socket; // that is waited for: its engine does not end before
    struct zmtp_uv *uv;
    struct zmq__socket *dealer;
    uint64_t number,
        ticket; // of the engine's socket, which may be gone when the answer comes, and the guest
    uv_poll_t poll;
    uv_timer_t timer;
};

static void zap_judge(const struct zap_question *question, enum zmtp_verdict verdict,
                      const struct zmtp_zap_reply *reply)
{
    const struct zmtp_bytes nothing = {0};
    struct zmtp_uv_socket *socket = question->uv->sockets;
    while (socket && socket->number != question->number)
        socket = socket->next;
    // Who has gone meanwhile need not be judged.
    if (socket && !socket->closing)
        (void)zmtp_uv_authorise(socket, question->ticket, verdict, reply ? reply->user_id : nothing,
                                reply ? reply->metadata : nothing);
}

static void zap_timer_closed(uv_handle_t *handle)
{
    zmtp_free(zmtp_heap(), handle->data, sizeof(struct zap_question));
}

static void zap_poll_closed(uv_handle_t *handle)
{
    struct zap_question *question = handle->data;
    uv_close((uv_handle_t *)&question->timer, zap_timer_closed);
}

static void zap_end(struct zap_question *question)
{
    question->socket->abroad--;
    uv_timer_stop(&question->timer);
    uv_close((uv_handle_t *)&question->poll, zap_poll_closed);
    (void)zmq_close(question->dealer);
}

static void zap_late(uv_timer_t *timer)
{
    zap_end(timer->data);
}

static void zap_rung(uv_poll_t *poll, int status, int events)
{
    struct zap_question *question = poll->data;
    struct zmtp_zap_reply reply;
    struct zmtp_msg msg;
    (void)status; // nothing can be wrong with an eventfd
    (void)events;
    zmtp_msg_init(&msg, NULL);
    const int error = zmq__socket_try_recv(question->dealer, &msg);
    if (error == EAGAIN) return;
    const bool good = error == 0 && zmtp_zap_reply_decode(&msg, &reply, NULL) == ZMTP_OK;
    zap_judge(question, good ? reply.verdict : ZMTP_VERDICT_BROKEN, good ? &reply : NULL);
    zmtp_msg_fini(&msg);
    zap_end(question);
}

// The routing id is the server's own, as libzmq tells it.
static int zap_send(struct zmq__socket *dealer, const struct zmtp_uv_guest *guest,
                    struct zmtp_bytes routing_id, struct zmtp_bytes domain)
{
    const struct zmtp_zap_request request = {.id = zmtp_bytes_text("1"),
                                             .domain = domain,
                                             .address = zmtp_bytes_text(guest->address),
                                             .routing_id = routing_id,
                                             .known = true,
                                             .credentials = guest->credentials};
    struct zmtp_bytes parts[ZAP_PARTS_MAX];
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    int error = zmtp_zap_request_encode(&msg, &request);
    if (error == ZMTP_OK && msg.count > ZAP_PARTS_MAX) error = ZMTP_ERR_LIMIT;
    for (uint32_t i = 0; i < msg.count && error == ZMTP_OK; i++)
        parts[i] = zmtp_msg_bytes(&msg, i);
    if (error == ZMTP_OK) error = zmq__socket_try_send(dealer, parts, msg.count);
    zmtp_msg_fini(&msg);
    return error;
}

// A DEALER that has put the question; null: it could not.
static struct zmq__socket *zap_open(struct zmq__context *context, const struct zmtp_uv_guest *guest,
                                    struct zmtp_bytes routing_id, struct zmtp_bytes domain)
{
    int error;
    struct zmq__socket *dealer = zmq__socket_open(context, ZMTP_DEALER, &error);
    if (!dealer) return NULL;
    dealer->options.linger = 0;
    if (zmq_connect(dealer, ZMTP_ZAP_ENDPOINT) == 0 &&
        zap_send(dealer, guest, routing_id, domain) == 0 && zmq__socket_fd(dealer) >= 0)
        return dealer;
    (void)zmq_close(dealer);
    return NULL;
}

void zmq__zap_ask(struct zmq__socket *socket, struct zmtp_uv_socket *uv_socket,
                  const struct zmtp_uv_guest *guest, struct zmtp_bytes domain)
{
    const struct zmtp_bytes nothing = {0};
    struct zmtp_uv *const uv = uv_socket->uv;
    struct zap_question *question = zmtp_alloc(zmtp_heap(), sizeof *question);
    struct zmq__socket *dealer =
        question ? zap_open(socket->context, guest, uv_socket->config.socket.routing_id, domain)
                 : NULL;
    if (!dealer) {
        zmtp_free(zmtp_heap(), question, sizeof *question);
        (void)zmtp_uv_authorise(uv_socket, guest->ticket, ZMTP_VERDICT_LATER, nothing, nothing);
        return;
    }
    *question = (struct zap_question){.socket = socket,
                                      .uv = uv,
                                      .dealer = dealer,
                                      .number = uv_socket->number,
                                      .ticket = guest->ticket};
    question->poll.data = question->timer.data = question;
    uv_timer_init(uv->loop, &question->timer);
    const int bell = atomic_load(&dealer->bell);
    if (!zmtp__watch_affords(uv->loop, bell) || uv_poll_init(uv->loop, &question->poll, bell) < 0) {
        uv_close((uv_handle_t *)&question->timer, zap_timer_closed);
        (void)zmtp_uv_authorise(uv_socket, guest->ticket, ZMTP_VERDICT_LATER, nothing, nothing);
        (void)zmq_close(dealer);
        return;
    }
    socket->abroad++;
    uv_poll_start(&question->poll, UV_READABLE, zap_rung); // fails only for one that is closing
    uv_timer_start(&question->timer, zap_late, ZAP_PATIENCE_MS, 0);
}
