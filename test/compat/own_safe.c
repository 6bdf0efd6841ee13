// Sockets for all threads, used by many at once: nothing is lost, nobody sleeps for ever, and each finds what it
// waits for. Messages are numbered, and each number comes once.
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "expect.h"
#include "patient.h"

enum { THREADS = 4, EACH = 500, ALL = THREADS * EACH, WAIT_MS = 100, PATIENCE_MS = 60000 };

// What the threads of one case share.
struct traffic {
    void *from, *to;
    bool answered; // what |to| receives it sends back to whom it came from
    bool polled;   // receivers wait with zmq_poll
    atomic_int next, received, wrong, answers;
    atomic_uchar seen[ALL];
    uint32_t peer; // of |from|; 0: it names none
};

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void *open_socket(void *context, int type)
{
    return open_patient(context, type, WAIT_MS);
}

static int give(struct traffic *traffic, void *socket, int number, uint32_t peer)
{
    zmq_msg_t msg;
    zmq_msg_init_buffer(&msg, &number, sizeof number);
    if (peer) zmq_msg_set_routing_id(&msg, peer);
    zmq_msg_set_group(&msg, "all");
    const uint64_t late = now_ms() + PATIENCE_MS;
    while (zmq_msg_send(&msg, socket, 0) < 0)
        if (zmq_errno() != EAGAIN || now_ms() > late) {
            atomic_fetch_add(&traffic->wrong, 1);
            zmq_msg_close(&msg);
            return -1;
        }
    return 0;
}

static void *send_them(void *hint)
{
    struct traffic *traffic = hint;
    for (int i = 0; i < EACH; i++)
        if (give(traffic, traffic->from, atomic_fetch_add(&traffic->next, 1), traffic->peer) < 0)
            break;
    return NULL;
}

static void take(struct traffic *traffic, zmq_msg_t *msg)
{
    int number = -1;
    if (zmq_msg_size(msg) == sizeof number) memcpy(&number, zmq_msg_data(msg), sizeof number);
    if (number < 0 || number >= ALL || atomic_fetch_add(&traffic->seen[number], 1) > 0) {
        atomic_fetch_add(&traffic->wrong, 1);
        return;
    }
    if (traffic->answered) (void)give(traffic, traffic->to, number, zmq_msg_routing_id(msg));
    atomic_fetch_add(&traffic->received, 1);
}

static void *receive_them(void *hint)
{
    struct traffic *traffic = hint;
    const uint64_t late = now_ms() + PATIENCE_MS;
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    while (atomic_load(&traffic->received) < ALL && now_ms() < late) {
        zmq_pollitem_t item = {.socket = traffic->to, .events = ZMQ_POLLIN};
        if (traffic->polled && zmq_poll(&item, 1, WAIT_MS) < 1) continue;
        if (zmq_msg_recv(&msg, traffic->to, traffic->polled ? ZMQ_DONTWAIT : 0) >= 0)
            take(traffic, &msg);
    }
    zmq_msg_close(&msg);
    return NULL;
}

static void *receive_answers(void *hint)
{
    struct traffic *traffic = hint;
    const uint64_t late = now_ms() + PATIENCE_MS;
    int number;
    while (atomic_load(&traffic->answers) < ALL && now_ms() < late)
        if (zmq_recv(traffic->from, &number, sizeof number, 0) == sizeof number)
            atomic_fetch_add(&traffic->answers, 1);
    return NULL;
}

static void join(void *a, void *b, const char *endpoint, uint32_t *peer)
{
    char where[256];
    size_t size = sizeof where;
    zmq_bind(a, endpoint);
    zmq_getsockopt(a, ZMQ_LAST_ENDPOINT, where, &size);
    if (peer)
        *peer = zmq_connect_peer(b, where);
    else
        zmq_connect(b, where);
}

static void run(const char *name, struct traffic *traffic)
{
    pthread_t senders[THREADS], receivers[THREADS], answers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&receivers[i], NULL, receive_them, traffic);
        if (traffic->answered) pthread_create(&answers[i], NULL, receive_answers, traffic);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_create(&senders[i], NULL, send_them, traffic);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(senders[i], NULL);
        pthread_join(receivers[i], NULL);
        if (traffic->answered) pthread_join(answers[i], NULL);
    }
    EXPECT(name, atomic_load(&traffic->wrong) == 0);
    EXPECT(name, atomic_load(&traffic->received) == ALL);
    EXPECT(name, !traffic->answered || atomic_load(&traffic->answers) == ALL);
}

struct pairing {
    const char *name;
    int from, to;
    bool answered;
};

static void many_threads(void *context, const struct pairing *pairing, const char *endpoint,
                         bool polled)
{
    struct traffic *traffic = calloc(1, sizeof *traffic);
    char name[64], where[32];
    const int none = 0;
    traffic->answered = pairing->answered;
    traffic->polled = polled;
    traffic->to = open_socket(context, pairing->to);
    traffic->from = open_socket(context, pairing->from);
    zmq_setsockopt(traffic->from, ZMQ_SNDHWM, &none, sizeof none);
    snprintf(name, sizeof name, "%s, %.3s, %s", pairing->name, endpoint,
             polled ? "polled" : "blocked");
    snprintf(where, sizeof where, "%s%s", endpoint, endpoint[0] == 'i' ? pairing->name : "");
    if (pairing->to == ZMQ_DISH) {
        zmq_join(traffic->to, "all");
        zmq_setsockopt(traffic->to, ZMQ_RCVHWM, &none, sizeof none);
    }
    join(traffic->to, traffic->from, where, pairing->from == ZMQ_PEER ? &traffic->peer : NULL);
    if (pairing->from == ZMQ_RADIO) {
        // It is known by now, or will be soon, who listens.
        zmq_msg_t msg;
        for (int i = 0; i < PATIENCE_MS / WAIT_MS; i++) {
            zmq_msg_init(&msg);
            zmq_msg_set_group(&msg, "all");
            zmq_msg_send(&msg, traffic->from, 0);
            if (zmq_recv(traffic->to, NULL, 0, 0) == 0) break;
        }
        while (zmq_recv(traffic->to, NULL, 0, 0) == 0)
            continue; // those that were too many
    }
    run(name, traffic);
    zmq_close(traffic->from);
    zmq_close(traffic->to);
    free(traffic);
}

struct waiting {
    void *socket;
    atomic_int asleep;
    int error;
};

static void *wait_for_ever(void *hint)
{
    struct waiting *waiting = hint;
    char octet;
    atomic_fetch_add(&waiting->asleep, 1);
    return (void *)(intptr_t)(zmq_recv(waiting->socket, &octet, 1, 0) < 0 ? zmq_errno() : 0);
}

static void *poll_for_ever(void *hint)
{
    struct waiting *waiting = hint;
    zmq_pollitem_t item = {.socket = waiting->socket, .events = ZMQ_POLLIN};
    atomic_fetch_add(&waiting->asleep, 1);
    return (void *)(intptr_t)(zmq_poll(&item, 1, -1) < 0 ? zmq_errno() : 0);
}

// All that wait at a socket hear of its end.
static void ends(const char *name, bool shuts_down, int error)
{
    void *context = zmq_ctx_new();
    struct waiting waiting = {.socket = zmq_socket(context, ZMQ_SERVER)};
    const struct timespec moment = {.tv_nsec = 20000000};
    pthread_t threads[2 * THREADS];
    for (int i = 0; i < 2 * THREADS; i++)
        pthread_create(&threads[i], NULL, i % 2 ? poll_for_ever : wait_for_ever, &waiting);
    while (atomic_load(&waiting.asleep) < 2 * THREADS)
        nanosleep(&moment, NULL);
    nanosleep(&moment, NULL); // most sleep now; whoever does not is told as well
    if (shuts_down)
        zmq_ctx_shutdown(context);
    else
        zmq_close(waiting.socket);
    for (int i = 0; i < 2 * THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        EXPECT(name, (intptr_t)result == error);
    }
    if (shuts_down) zmq_close(waiting.socket);
    EXPECT(name, zmq_ctx_term(context) == 0);
}

static void times_out(void *context)
{
    struct waiting waiting = {.socket = open_socket(context, ZMQ_GATHER)};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, wait_for_ever, &waiting);
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        EXPECT("a time that is over", (intptr_t)result == EAGAIN);
    }
    zmq_close(waiting.socket);
}

// One that waits to send and others that wait to receive do not take each other's news.
static void *send_one(void *hint)
{
    struct waiting *waiting = hint;
    return (void *)(intptr_t)(zmq_send(waiting->socket, "x", 1, 0) == 1 ? 0 : zmq_errno());
}

static void both_ways(void *context)
{
    struct waiting waiting = {.socket = zmq_socket(context, ZMQ_CHANNEL)};
    void *other = open_socket(context, ZMQ_CHANNEL), *result;
    pthread_t sender, receivers[THREADS];
    char octet;
    pthread_create(&sender, NULL, send_one, &waiting);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&receivers[i], NULL, wait_for_ever, &waiting);
    zmq_bind(other, "inproc://both");
    EXPECT("both ways", zmq_connect(waiting.socket, "inproc://both") == 0);
    pthread_join(sender, &result);
    EXPECT("both ways", (intptr_t)result == 0);
    int heard = -1;
    for (int i = 0; i < PATIENCE_MS / WAIT_MS && heard < 0; i++)
        heard = zmq_recv(other, &octet, 1, 0);
    EXPECT("both ways", heard == 1);
    for (int i = 0; i < THREADS; i++)
        EXPECT("both ways", zmq_send(other, "y", 1, 0) == 1);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(receivers[i], &result);
        EXPECT("both ways", (intptr_t)result == 0);
    }
    zmq_close(other);
    zmq_close(waiting.socket);
}

static void options(void *context)
{
    void *socket = open_socket(context, ZMQ_SERVER);
    int number;
    size_t size = sizeof number;
    EXPECT("options", zmq_getsockopt(socket, ZMQ_THREAD_SAFE, &number, &size) == 0 && number == 1);
    FAILS("options", zmq_getsockopt(socket, ZMQ_FD, &number, &size), EINVAL);
    zmq_close(socket);
}

int main(void)
{
    static const struct pairing pairings[] = {
        {"CLIENT-SERVER", ZMQ_CLIENT, ZMQ_SERVER, true},
        {"PEER-PEER", ZMQ_PEER, ZMQ_PEER, true},
        {"CHANNEL-CHANNEL", ZMQ_CHANNEL, ZMQ_CHANNEL, true},
        {"SCATTER-GATHER", ZMQ_SCATTER, ZMQ_GATHER, false},
        {"RADIO-DISH", ZMQ_RADIO, ZMQ_DISH, false},
    };
    void *context = zmq_ctx_new();
    for (size_t i = 0; i < sizeof pairings / sizeof *pairings; i++) {
        many_threads(context, &pairings[i], "inproc://", false);
        many_threads(context, &pairings[i], "tcp://127.0.0.1:*", false);
        many_threads(context, &pairings[i], "tcp://127.0.0.1:*", true);
    }
    both_ways(context);
    times_out(context);
    options(context);
    EXPECT("term", zmq_ctx_term(context) == 0);
    ends("the context shuts down", true, ETERM);
    ends("the socket is closed", false, ENOTSOCK);
    return expect_status;
}
