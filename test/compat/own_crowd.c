// One socket with many peers: what gathers until it is written comes whole and in order, and nothing is dropped because it
// waited for that.
#include <stdint.h>
#include <stdlib.h>

#include "expect.h"
#include "patient.h"

enum { PATIENCE_MS = 30000, PEERS = 12, LARGE = 64 * 1024, LARGE_COUNT = 60 };

static void *crowd[PEERS];

static void fill(unsigned char *body, int number)
{
    for (int i = 0; i < LARGE; i++)
        body[i] = (unsigned char)(number + i);
}

// The program's octets are its own again after each call.
static void large_messages_to_many(void *context)
{
    static unsigned char body[LARGE], expected[LARGE];
    char endpoint[256];
    int heard = 0, right = 0;
    void *const pub = open_patient(context, ZMQ_XPUB, PATIENCE_MS);
    const int verbose = 1; // each subscription is told
    zmq_setsockopt(pub, ZMQ_XPUB_VERBOSE, &verbose, sizeof verbose);
    bind_somewhere(pub, "tcp://127.0.0.1:*", endpoint);
    for (int i = 0; i < PEERS; i++) {
        crowd[i] = open_patient(context, ZMQ_SUB, PATIENCE_MS);
        zmq_setsockopt(crowd[i], ZMQ_SUBSCRIBE, "", 0);
        zmq_connect(crowd[i], endpoint);
    }
    while (heard < PEERS && zmq_recv(pub, body, sizeof body, 0) == 1)
        heard++;
    for (int n = 0; n < LARGE_COUNT; n++) {
        fill(body, n);
        right += zmq_send(pub, body, LARGE, 0) == LARGE;
    }
    EXPECT("many subscribers are sent large messages", heard == PEERS && right == LARGE_COUNT);
    for (int n = right = 0; n < LARGE_COUNT; n++) {
        fill(expected, n);
        for (int i = 0; i < PEERS; i++)
            right +=
                zmq_recv(crowd[i], body, LARGE, 0) == LARGE && memcmp(body, expected, LARGE) == 0;
    }
    EXPECT("and each gets them, in order", right == LARGE_COUNT * PEERS);
    fill(body, 1);
    zmq_send(pub, body, LARGE, 0);
    for (int i = right = 0; i < PEERS; i++)
        right += zmq_recv(crowd[i], body, LARGE, 0) == LARGE;
    EXPECT("and one behind which nothing is sent, too", right == PEERS);
    for (int i = 0; i < PEERS; i++)
        zmq_close(crowd[i]);
    zmq_close(pub);
}

// A ROUTER that is not told to wait drops what finds its peer full: but not what the kernel would take.
static void many_messages_to_one(void *context)
{
    enum { LIMIT = 100, MANY = 400, MIDDLING = 6 * 1024 };
    static unsigned char body[MIDDLING];
    const int limit = LIMIT;
    char endpoint[256], id[2] = "a";
    int came = 0, right = 0;
    void *const router = open_patient(context, ZMQ_ROUTER, PATIENCE_MS);
    zmq_setsockopt(router, ZMQ_SNDHWM, &limit, sizeof limit);
    bind_somewhere(router, "tcp://127.0.0.1:*", endpoint);
    for (int i = 0; i < PEERS; i++, id[0]++) {
        crowd[i] = open_patient(context, ZMQ_DEALER, PATIENCE_MS);
        zmq_setsockopt(crowd[i], ZMQ_ROUTING_ID, id, 1);
        zmq_connect(crowd[i], endpoint);
        zmq_send(crowd[i], "", 0, 0);
    }
    while (came < PEERS && zmq_recv(router, body, 1, 0) == 1 && zmq_recv(router, body, 1, 0) == 0)
        came++;
    for (int i = 0; i < PEERS; i++) {
        id[0] = (char)('a' + i);
        zmq_send(router, id, 1, ZMQ_SNDMORE);
        zmq_send(router, body, sizeof body, 0);
    }
    for (int i = 0; i < PEERS; i++)
        right += zmq_recv(crowd[i], body, sizeof body, 0) == MIDDLING;
    EXPECT("many peers are sent something", came == PEERS && right == PEERS);
    for (int n = 0; n < MANY; n++) {
        body[0] = (unsigned char)n;
        zmq_send(router, "a", 1, ZMQ_SNDMORE);
        zmq_send(router, body, 100, 0);
    }
    right = 0;
    while (right < MANY && zmq_recv(crowd[0], body, sizeof body, 0) == 100 &&
           body[0] == (unsigned char)right)
        right++;
    EXPECT("and then much to one, of which nothing is dropped", right == MANY);
    for (int i = 0; i < PEERS; i++)
        zmq_close(crowd[i]);
    zmq_close(router);
}

// More than the limit in a row, by one that drops: the kernel takes them, so nothing is dropped.
static void a_burst_beyond_the_limit(void *context)
{
    enum { LIMIT = 50, BURST = 3000 };
    const int limit = LIMIT, none = 0;
    int message, right = 0;
    char endpoint[256], wish[1];
    void *const pub = open_patient(context, ZMQ_XPUB, PATIENCE_MS);
    void *const sub = open_patient(context, ZMQ_SUB, PATIENCE_MS);
    zmq_setsockopt(pub, ZMQ_SNDHWM, &limit, sizeof limit);
    zmq_setsockopt(sub, ZMQ_RCVHWM, &none, sizeof none);
    zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "", 0);
    bind_somewhere(pub, "tcp://127.0.0.1:*", endpoint);
    zmq_connect(sub, endpoint);
    EXPECT("a subscriber has come", zmq_recv(pub, wish, sizeof wish, 0) == 1);
    for (int n = 0; n < BURST; n++)
        zmq_send(pub, &n, sizeof n, 0);
    while (right < BURST && zmq_recv(sub, &message, sizeof message, 0) == sizeof message &&
           message == right)
        right++;
    EXPECT("a burst beyond the limit comes whole", right == BURST);
    zmq_close(pub);
    zmq_close(sub);
}

int main(void)
{
    void *const context = zmq_ctx_new();
    large_messages_to_many(context);
    many_messages_to_one(context);
    a_burst_beyond_the_limit(context);
    EXPECT("the context ends", zmq_ctx_term(context) == 0);
    return expect_status;
}
