// Who comes too early: connects to a name over inproc that nobody has yet, sends, and is gone before it is bound. What
// was sent is for whoever binds it, in the order in which the senders connected, whatever the linger.
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "patient.h"
#include "say.h"

#define NAME "inproc://early"
#define OTHER "inproc://early too"
enum { PATIENCE_MS = 20000, BIG = 100000, SENDERS = 4, EACH = 3 };

static void *open_socket(void *context, int type)
{
    return open_patient(context, type, PATIENCE_MS);
}

static void *bound_at(void *context, int type, const char *name)
{
    void *const socket = open_socket(context, type);
    zmq_bind(socket, name);
    return socket;
}

// What waits at |socket|, part by part.
static void say_all(const char *name, void *socket)
{
    char body[32] = "";
    int more, size;
    size_t more_size = sizeof more;
    while ((size = zmq_recv(socket, body, sizeof body, ZMQ_DONTWAIT)) >= 0) {
        zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &more_size);
        say(name, "%.*s%s", size, body, more ? ", and" : "");
    }
    say(name, "then %s", error_word(zmq_errno()));
}

static void end(const char *name, void *context, void *socket)
{
    say_result(name, zmq_close(socket));
    say_result(name, zmq_ctx_term(context));
}

// Opens a sender that is gone again when it has sent |bodies|, each a message.
static void send_early(void *context, int type, const char *where, const char *bodies)
{
    void *const socket = open_socket(context, type);
    zmq_connect(socket, where);
    for (; *bodies; bodies++)
        zmq_send(socket, bodies, 1, 0);
    zmq_close(socket);
}

static void lingers(const char *name, int linger_ms, unsigned wait_ms)
{
    void *const context = zmq_ctx_new(), *const push = zmq_socket(context, ZMQ_PUSH);
    zmq_setsockopt(push, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    say_result(name, zmq_connect(push, NAME));
    say_result(name, zmq_send(push, "one", 3, 0));
    say_result(name, zmq_send(push, "two", 3, 0));
    say_result(name, zmq_close(push));
    usleep(wait_ms * 1000);
    void *const pull = bound_at(context, ZMQ_PULL, NAME);
    say_all(name, pull);
    end(name, context, pull);
}

static void between(const char *name, int from, int to, int parts)
{
    void *const context = zmq_ctx_new(), *const sender = open_socket(context, from);
    zmq_setsockopt(sender, ZMQ_ROUTING_ID, "sender", 6);
    say_result(name, zmq_connect(sender, NAME));
    for (int i = 0; i < 2; i++)
        for (int k = 1; k <= parts; k++)
            say_result(name, zmq_send(sender, i ? "two" : "one", 3, k < parts ? ZMQ_SNDMORE : 0));
    say_result(name, zmq_close(sender));
    void *const receiver = open_socket(context, to);
    if (to == ZMQ_SUB) zmq_setsockopt(receiver, ZMQ_SUBSCRIBE, "", 0);
    say_result(name, zmq_bind(receiver, NAME));
    say_all(name, receiver);
    end(name, context, receiver);
}

// The reply to one that has gone is nobody's, and the next request may come.
static void answered(void)
{
    static const char name[] = "a request of one that has gone is answered";
    char body[8];
    void *const context = zmq_ctx_new();
    send_early(context, ZMQ_REQ, NAME, "q");
    void *const rep = bound_at(context, ZMQ_REP, NAME);
    say_result(name, zmq_recv(rep, body, sizeof body, 0));
    say_result(name, zmq_send(rep, "reply", 5, 0));
    void *const req = open_socket(context, ZMQ_REQ);
    say_result(name, zmq_connect(req, NAME));
    say_result(name, zmq_send(req, "later", 5, 0));
    say_result(name, zmq_recv(rep, body, sizeof body, 0));
    say_result(name, zmq_send(rep, "reply", 5, 0));
    say_result(name, zmq_recv(req, body, sizeof body, 0));
    zmq_close(req);
    end(name, context, rep);
}

// A ROUTER calls the one it connects to by a name of its own, over inproc as elsewhere.
static void named(const char *name, int bound, int gone)
{
    char body[8];
    void *const context = zmq_ctx_new(), *const dealer = open_socket(context, ZMQ_DEALER);
    void *const router = open_socket(context, ZMQ_ROUTER);
    zmq_setsockopt(dealer, ZMQ_ROUTING_ID, "itself", 6);
    if (bound) say_result(name, zmq_bind(dealer, NAME));
    say_result(name, zmq_setsockopt(router, ZMQ_CONNECT_ROUTING_ID, "ours", 4));
    say_result(name, zmq_connect(router, NAME));
    say_result(name, zmq_send(router, "ours", 4, ZMQ_SNDMORE));
    say_result(name, zmq_send(router, "hello", 5, 0));
    say_result(name, zmq_send(router, "itself", 6, ZMQ_SNDMORE));
    say_result(name, zmq_send(router, "nobody", 6, 0));
    if (gone) zmq_close(router);
    if (!bound) say_result(name, zmq_bind(dealer, NAME));
    say_result(name, zmq_recv(dealer, body, sizeof body, 0));
    if (!gone) {
        say_result(name, zmq_send(dealer, "back", 4, 0));
        say_result(name, zmq_recv(router, body, sizeof body, 0));
        say(name, "%.4s", body);
        zmq_close(router);
    }
    say_all(name, dealer);
    end(name, context, dealer);
}

// |gone| has a bit for each that has closed by the time of the bind.
static void in_order(unsigned gone)
{
    char name[96], room[4], all[SENDERS * EACH * 3 + 1] = "";
    void *const context = zmq_ctx_new();
    void *senders[SENDERS];
    snprintf(name, sizeof name,
             "in the order in which they connected, of four who have gone as bits of %x", gone);
    for (int i = 0; i < SENDERS; i++)
        zmq_connect(senders[i] = open_socket(context, ZMQ_PUSH), NAME);
    for (int i = SENDERS; i-- > 0;)
        for (int k = 0; k < EACH; k++) {
            snprintf(room, sizeof room, "%c%d", 'a' + i, k);
            zmq_send(senders[i], room, 2, 0);
        }
    for (int i = SENDERS; i-- > 0;)
        if (gone >> i & 1) zmq_close(senders[i]);
    void *const pull = bound_at(context, ZMQ_PULL, NAME);
    for (int i = 0; i < SENDERS * EACH && zmq_recv(pull, room, sizeof room, 0) == 2; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%.2s ", room);
    say(name, "%s", all);
    for (int i = 0; i < SENDERS; i++)
        if (!(gone >> i & 1)) zmq_close(senders[i]);
    end(name, context, pull);
}

static void several_names(void)
{
    static const char name[] = "one that has a name that is bound, and two that are not";
    void *const context = zmq_ctx_new(), *const push = open_socket(context, ZMQ_PUSH);
    void *const first = bound_at(context, ZMQ_PULL, "inproc://bound");
    say_result(name, zmq_connect(push, NAME));
    say_result(name, zmq_connect(push, "inproc://bound"));
    say_result(name, zmq_connect(push, OTHER));
    for (const char *body = "abcdefghi"; *body; body++)
        zmq_send(push, body, 1, 0);
    say_result(name, zmq_close(push));
    say_all(name, first);
    void *const third = bound_at(context, ZMQ_PULL, OTHER);
    say_all(name, third);
    say_result(name, zmq_bind(third, NAME));
    say_all(name, third);
    zmq_close(first);
    end(name, context, third);
}

static void unfinished(void)
{
    static const char name[] = "a message whose last part was not sent is none";
    void *const context = zmq_ctx_new(), *const push = open_socket(context, ZMQ_PUSH);
    say_result(name, zmq_connect(push, NAME));
    say_result(name, zmq_send(push, "whole", 5, 0));
    say_result(name, zmq_send(push, "begun", 5, ZMQ_SNDMORE));
    say_result(name, zmq_send(push, "and on", 6, ZMQ_SNDMORE));
    say_result(name, zmq_close(push));
    void *const pull = bound_at(context, ZMQ_PULL, NAME);
    say_all(name, pull);
    end(name, context, pull);
}

static void bound_again(void)
{
    static const char name[] = "each bind finds what was left since the last";
    void *const context = zmq_ctx_new(), *const pull = open_socket(context, ZMQ_PULL);
    for (int i = 0; i < 3; i++) {
        send_early(context, ZMQ_PUSH, NAME, i ? "cd" : "ab");
        send_early(context, ZMQ_PUSH, NAME, "");
        say_result(name, zmq_bind(pull, NAME));
        say_all(name, pull);
        say_result(name, zmq_unbind(pull, NAME));
    }
    end(name, context, pull);
}

// Who binds has little room: what was taken is its own all the same.
static void full(const char *name, int send_max, int recv_max)
{
    void *const context = zmq_ctx_new(), *const push = open_socket(context, ZMQ_PUSH);
    int taken = 0;
    zmq_setsockopt(push, ZMQ_SNDHWM, &send_max, sizeof send_max);
    zmq_connect(push, NAME);
    while (taken < 100 && zmq_send(push, "x", 1, ZMQ_DONTWAIT) == 1)
        taken++;
    say(name, "%d taken", taken);
    say_result(name, zmq_close(push));
    void *const pull = open_socket(context, ZMQ_PULL);
    zmq_setsockopt(pull, ZMQ_RCVHWM, &recv_max, sizeof recv_max);
    say_result(name, zmq_bind(pull, NAME));
    say_all(name, pull);
    end(name, context, pull);
}

// It is not for who connects again, but for who binds.
static void disconnected(void)
{
    static const char name[] = "what was sent before a disconnect is there as well";
    void *const context = zmq_ctx_new(), *const push = open_socket(context, ZMQ_PUSH);
    say_result(name, zmq_connect(push, NAME));
    say_result(name, zmq_send(push, "first", 5, 0));
    say_result(name, zmq_disconnect(push, NAME));
    int result = zmq_disconnect(push, NAME);
    say_result(name, result);
    result = zmq_send(push, "nowhere", 7, ZMQ_DONTWAIT);
    say_result(name, result);
    say_result(name, zmq_connect(push, NAME));
    say_result(name, zmq_send(push, "second", 6, 0));
    void *const pull = bound_at(context, ZMQ_PULL, NAME);
    say_all(name, pull);
    say_result(name, zmq_send(push, "third", 5, 0));
    say_all(name, pull);
    zmq_close(push);
    end(name, context, pull);
}

static void disconnected_and_closed(void)
{
    static const char name[] = "also when it has closed as well";
    void *const context = zmq_ctx_new(), *const push = open_socket(context, ZMQ_PUSH);
    say_result(name, zmq_connect(push, NAME));
    say_result(name, zmq_send(push, "first", 5, 0));
    say_result(name, zmq_disconnect(push, NAME));
    say_result(name, zmq_connect(push, NAME));
    say_result(name, zmq_send(push, "second", 6, 0));
    say_result(name, zmq_close(push));
    void *const pull = bound_at(context, ZMQ_PULL, NAME);
    say_all(name, pull);
    end(name, context, pull);
}

// Nobody comes. The context does not wait for that.
static void nobody(void)
{
    static const char name[] = "the context ends without waiting for one who binds";
    void *const context = zmq_ctx_new(), *const push = zmq_socket(context, ZMQ_PUSH);
    const int for_ever = -1;
    zmq_setsockopt(push, ZMQ_LINGER, &for_ever, sizeof for_ever);
    say_result(name, zmq_connect(push, NAME));
    say_result(name, zmq_connect(push, OTHER));
    for (int i = 0; i < 10; i++)
        say_result(name, zmq_send(push, "x", 1, 0));
    say_result(name, zmq_disconnect(push, OTHER));
    say_result(name, zmq_close(push));
    say_result(name, zmq_ctx_term(context));
}

static void shut_down(void)
{
    static const char name[] = "nobody binds after a shutdown";
    void *const context = zmq_ctx_new(), *const push = open_socket(context, ZMQ_PUSH);
    void *const pull = open_socket(context, ZMQ_PULL);
    say_result(name, zmq_connect(push, NAME));
    say_result(name, zmq_send(push, "x", 1, 0));
    say_result(name, zmq_ctx_shutdown(context));
    say_result(name, zmq_close(push));
    const int result = zmq_bind(pull, NAME);
    say_result(name, result);
    end(name, context, pull);
}

static atomic_int back;

static void take_back(void *data, void *hint)
{
    (void)hint;
    free(data);
    atomic_fetch_add(&back, 1);
}

static void lend_to(void *context, const char *where)
{
    zmq_msg_t msg;
    void *const push = open_socket(context, ZMQ_PUSH);
    zmq_connect(push, where);
    for (int i = 0; i < 2; i++) {
        zmq_msg_init_data(&msg, calloc(1, BIG), BIG, take_back, NULL);
        zmq_msg_send(&msg, push, i == 0 ? ZMQ_SNDMORE : 0);
    }
    zmq_close(push);
}

static void lent(void)
{
    static const char name[] =
        "what was lent is given back by who receives it, or with the context";
    void *const context = zmq_ctx_new();
    zmq_msg_t msg;
    lend_to(context, NAME);
    lend_to(context, OTHER);
    void *const pull = bound_at(context, ZMQ_PULL, NAME);
    zmq_msg_init(&msg);
    say(name, "%d back", atomic_load(&back));
    for (int i = 0; i < 2; i++) {
        say_result(name, zmq_msg_recv(&msg, pull, 0));
        say(name, "%d back", atomic_load(&back));
    }
    zmq_msg_close(&msg);
    say(name, "%d back", atomic_load(&back));
    end(name, context, pull);
    say(name, "%d back", atomic_load(&back));
}

int main(void)
{
    lingers("lingers for ever", -1, 0);
    lingers("has no linger", 0, 0);
    lingers("has no linger, and nobody binds for a while", 0, 50);
    lingers("its linger has passed", 20, 100);
    between("PUSH and PULL", ZMQ_PUSH, ZMQ_PULL, 1);
    between("PUSH and PULL, messages of three parts", ZMQ_PUSH, ZMQ_PULL, 3);
    between("PAIR and PAIR", ZMQ_PAIR, ZMQ_PAIR, 2);
    between("DEALER and DEALER", ZMQ_DEALER, ZMQ_DEALER, 1);
    between("DEALER and ROUTER", ZMQ_DEALER, ZMQ_ROUTER, 1);
    between("REQ and REP", ZMQ_REQ, ZMQ_REP, 1);
    between("REQ and ROUTER", ZMQ_REQ, ZMQ_ROUTER, 1);
    between("ROUTER and DEALER, where nobody is there to send to", ZMQ_ROUTER, ZMQ_DEALER, 2);
    between("PUB and SUB, where nobody has subscribed", ZMQ_PUB, ZMQ_SUB, 1);
    answered();
    named("what a ROUTER calls who has bound", 1, 0);
    named("what a ROUTER calls who is going to bind", 0, 0);
    named("the same of one that has gone", 0, 1);
    for (unsigned gone = 0; gone < 1u << SENDERS; gone++)
        in_order(gone);
    several_names();
    unfinished();
    bound_again();
    full("as much as the sender may have", 3, 1);
    full("as much as it wants", 0, 1);
    disconnected();
    disconnected_and_closed();
    nobody();
    shut_down();
    lent();
    return 0;
}
