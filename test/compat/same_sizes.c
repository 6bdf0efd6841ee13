// ZMQ_MAXMSGSIZE: what one part may have, of however many; who sends more is hung up on and comes again.
#include <stdint.h>
#include <string.h>

#include "say.h"

static const char *const places[] = {"tcp://127.0.0.1:*", "ipc://*"};

static int send_parts(void *socket, size_t size, int parts)
{
    static char body[1000];
    int sent = 0;
    for (int i = 0; i < parts && sent >= 0; i++)
        sent = zmq_send(socket, body, size, i + 1 < parts ? ZMQ_SNDMORE : 0);
    return sent;
}

static void say_message(void *socket, const char *name)
{
    char body[1000];
    int more = 1, got = 0;
    for (size_t size = sizeof more; more && got >= 0;
         zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size))
        say_result(name, got = zmq_recv(socket, body, sizeof body, 0));
}

// Until one arrives: those that were sent before the hang-up are lost.
static void come_again(void *push, void *pull, const char *name)
{
    const int patience = 100;
    char body[1000];
    int got = -1;
    zmq_setsockopt(pull, ZMQ_RCVTIMEO, &patience, sizeof patience);
    for (int i = 0; i < 300 && got < 0; i++) {
        (void)zmq_send(push, "again", 5, ZMQ_DONTWAIT);
        got = zmq_recv(pull, body, sizeof body, 0);
    }
    say_result(name, got);
}

static void limit(const char *place, int64_t max)
{
    char name[80], endpoint[256];
    size_t size = sizeof endpoint;
    const int linger = 0;
    snprintf(name, sizeof name, "%s, at most %d", place, (int)max);
    void *const context = zmq_ctx_new();
    void *const push = zmq_socket(context, ZMQ_PUSH), *const pull = zmq_socket(context, ZMQ_PULL);
    zmq_setsockopt(push, ZMQ_LINGER, &linger, sizeof linger);
    say_result(name, zmq_setsockopt(pull, ZMQ_MAXMSGSIZE, &max, sizeof max));
    say_result(name, zmq_bind(pull, place));
    say_result(name, zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, endpoint, &size));
    say_result(name, zmq_connect(push, endpoint));
    say_result(name, send_parts(push, (size_t)max, 1));
    say_message(pull, name);
    say_result(name, send_parts(push, (size_t)max, 5)); // each within the limit
    say_message(pull, name);
    say_result(name, send_parts(push, 0, 3));
    say_message(pull, name);
    say_result(name, send_parts(push, (size_t)max + 1, 1));
    come_again(push, pull, name);
    zmq_close(push);
    zmq_close(pull);
    zmq_ctx_term(context);
}

int main(void)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        limit(places[i], 50);
        limit(places[i], 100);
        limit(places[i], 255);
        limit(places[i], 300);
    }
    return 0;
}
