#include "zap.h"

#include <errno.h>
#include <string.h>

#include "../io/conn.h"
#include "../io/watch.h"
#include "../zap.h"
#include "../zmq.h"

enum {
    ZAP_PARTS_MAX = 12, // more than a request has
    ZAP_REPLY_PARTS = 7,
};

// Each question has a DEALER of its own, so there is no other to tell it from.
static const char zap_id[] = "1";

struct zmq__question {
    struct zmq__question *next, *before; // of |socket|
    struct zmq__socket *socket;          // that is waited for: its engine does not end before
    struct zmtp_uv_socket *uv_socket;    // of the engine; open as long as this lasts
    struct zmq__socket *dealer;          // null: nobody is asked
    int flaw; // why the handshake fails, and no answer is awaited; 0: one is
    uint64_t guest,
        ticket; // the row's number of who waits, and what the engine knows the question by
    uv_poll_t poll;
};

static void zap_judge(const struct zmq__question *question, enum zmtp_verdict verdict,
                      const struct zmtp_zap_reply *reply)
{
    const struct zmtp_bytes nothing = {0};
    // The engine may have said no already, and be about to tell: then there is nothing to judge.
    (void)zmtp_uv_authorise(question->uv_socket, question->ticket, verdict,
                            reply ? reply->user_id : nothing, reply ? reply->metadata : nothing);
}

static void zap_poll_closed(uv_handle_t *handle)
{
    zmtp_free(zmtp_heap(), handle->data, sizeof(struct zmq__question));
}

static void zap_end(struct zmq__question *question)
{
    struct zmq__socket *const socket = question->socket;
    if (question->before)
        question->before->next = question->next;
    else
        socket->questions = question->next;
    if (question->next) question->next->before = question->before;
    if (question->dealer) {
        uv_close((uv_handle_t *)&question->poll, zap_poll_closed);
        (void)zmq_close(question->dealer);
    } else {
        zmtp_free(zmtp_heap(), question, sizeof *question);
    }
}

int zmq__zap_forget(struct zmq__socket *socket, uint64_t guest)
{
    struct zmq__question *question = socket->questions;
    while (question && question->guest != guest)
        question = question->next;
    const int flaw = question ? question->flaw : 0;
    if (question) zap_end(question);
    return flaw;
}

void zmq__zap_leave(struct zmq__socket *socket, const struct zmtp_uv_socket *uv_socket)
{
    struct zmq__question *next;
    for (struct zmq__question *question = socket->questions; question; question = next) {
        next = question->next;
        if (question->uv_socket == uv_socket) zap_end(question);
    }
}

// The status of an answer; 0: it is none.
static enum zmtp_verdict zap_status(struct zmtp_bytes text)
{
    static const enum zmtp_verdict verdicts[] = {ZMTP_VERDICT_ALLOW, ZMTP_VERDICT_LATER,
                                                 ZMTP_VERDICT_DENY, ZMTP_VERDICT_BROKEN};
    static const char *const digits[] = {"200", "300", "400", "500"};
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
        if (zmtp_bytes_equal(text, zmtp_bytes_text(digits[i]))) return verdicts[i];
    return 0;
}

// Reads an answer. Returns what is wrong with it, in the numbers of zmq.h; 0: nothing. Of one that lets nobody in only
// the status counts, as with libzmq.
static int zap_read(const struct zmtp_msg *msg, struct zmtp_zap_reply *reply)
{
    const bool good = zmtp_zap_reply_decode(msg, reply, NULL) == ZMTP_OK;
    if (msg->count != ZAP_REPLY_PARTS) return ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY;
    if (zmtp_msg_bytes(msg, 0).size > 0) return ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED;
    if (!zmtp_bytes_equal(zmtp_msg_bytes(msg, 1), zmtp_bytes_text("1.0")))
        return ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION;
    if (!zmtp_bytes_equal(zmtp_msg_bytes(msg, 2), zmtp_bytes_text(zap_id)))
        return ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID;
    const enum zmtp_verdict verdict = zap_status(zmtp_msg_bytes(msg, 3));
    if (verdict == 0) return ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE;
    if (!good && verdict == ZMTP_VERDICT_ALLOW) return ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA;
    if (!good) *reply = (struct zmtp_zap_reply){.verdict = verdict};
    return 0;
}

static void zap_rung(uv_poll_t *poll, int status, int events)
{
    struct zmq__question *question = poll->data;
    struct zmtp_zap_reply reply;
    struct zmtp_msg msg;
    (void)status; // nothing can be wrong with an eventfd
    (void)events;
    zmtp_msg_init(&msg, NULL);
    const int error = zmq__socket_try_recv(question->dealer, &msg);
    if (error == EAGAIN) return;
    const int flaw = error == 0 ? zap_read(&msg, &reply) : 0;
    if (flaw != 0) {
        // Nothing is told to who asked, and he may come again; the event that his handshake failed ends the question.
        question->flaw = flaw;
        uv_poll_stop(&question->poll);
        zap_judge(question, ZMTP_VERDICT_LATER, NULL);
        zmtp_msg_fini(&msg);
        return;
    }
    zap_judge(question, error == 0 ? reply.verdict : ZMTP_VERDICT_BROKEN,
              error == 0 ? &reply : NULL);
    zmtp_msg_fini(&msg);
    zap_end(question);
}

// The routing id is the server's own, as libzmq tells it.
static int zap_send(struct zmq__socket *dealer, const struct zmtp_uv_guest *guest,
                    struct zmtp_bytes routing_id, struct zmtp_bytes domain)
{
    const struct zmtp_zap_request request = {.id = zmtp_bytes_text(zap_id),
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
    dealer->asks =
        true; // the handler may have gone meanwhile: then the next has nothing to answer that is over
    if (zmq_connect(dealer, ZMTP_ZAP_ENDPOINT) == 0 &&
        zap_send(dealer, guest, routing_id, domain) == 0 && zmq__socket_fd(dealer) >= 0)
        return dealer;
    (void)zmq_close(dealer);
    return NULL;
}

// The question is the socket's, until it is ended.
static void zap_begin(struct zmq__question *question, struct zmq__socket *socket)
{
    question->next = socket->questions;
    question->before = NULL;
    if (question->next) question->next->before = question;
    socket->questions = question;
    question->socket = socket;
}

// The row's number of a guest.
static uint64_t zap_row(const struct zmtp_uv_socket *uv_socket, const struct zmtp_uv_guest *guest)
{
    const struct zmtp__conn *conn = uv_socket->conns;
    while (conn->ticket != guest->ticket) // it is one of them
        conn = conn->next;
    return conn->number;
}

void zmq__zap_refuse(struct zmq__socket *socket, struct zmtp_uv_socket *uv_socket,
                     const struct zmtp_uv_guest *guest, int flaw)
{
    const struct zmtp_bytes nothing = {0};
    struct zmq__question *question = zmtp_alloc(zmtp_heap(), sizeof *question);
    if (question) {
        *question = (struct zmq__question){.uv_socket = uv_socket,
                                           .guest = zap_row(uv_socket, guest),
                                           .ticket = guest->ticket,
                                           .flaw = flaw};
        zap_begin(question, socket);
    }
    // Without memory he is refused as well, and only the event says something else.
    (void)zmtp_uv_authorise(uv_socket, guest->ticket, ZMTP_VERDICT_LATER, nothing, nothing);
}

void zmq__zap_ask(struct zmq__socket *socket, struct zmtp_uv_socket *uv_socket,
                  const struct zmtp_uv_guest *guest, struct zmtp_bytes domain)
{
    const struct zmtp_bytes nothing = {0};
    struct zmtp_uv *const uv = uv_socket->uv;
    struct zmq__question *question = zmtp_alloc(zmtp_heap(), sizeof *question);
    struct zmq__socket *dealer =
        question ? zap_open(socket->context, guest, uv_socket->config.socket.routing_id, domain)
                 : NULL;
    const int bell = dealer ? atomic_load(&dealer->bell) : -1;
    if (!dealer || !zmtp__watch_affords(uv->loop, bell) ||
        uv_poll_init(uv->loop, &question->poll, bell) < 0) {
        zmtp_free(zmtp_heap(), question, sizeof *question);
        if (dealer) (void)zmq_close(dealer);
        (void)zmtp_uv_authorise(uv_socket, guest->ticket, ZMTP_VERDICT_LATER, nothing, nothing);
        return;
    }
    zap_begin(question, socket);
    question->uv_socket = uv_socket;
    question->flaw = 0;
    question->dealer = dealer;
    question->guest = zap_row(uv_socket, guest);
    question->ticket = guest->ticket;
    question->poll.data = question;
    uv_poll_start(&question->poll, UV_READABLE, zap_rung); // fails only for one that is closing
}
