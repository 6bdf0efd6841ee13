// Many threads of one context serve, each with a socket of its own; each is called, and stays away for a while: mostly for
// less than the watch waits before it looks, at times for long. Who connects to one that is away for long gets in,
// whatever the others did at that moment.
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"
#include "patient.h"

enum {
    SERVERS = 24,
    RUN_MS = 4000,
    AWAY_MS = 3000,  // at most
    SOON_MS = 2000,  // a newcomer gets in
    PAUSE_US = 4000, // between two calls of a server, and up to three times as much more
    BRIEF_US = 100,  // of an absence, times up to 30
};

struct server {
    pthread_t thread, caller;
    void *socket, *context;
    char endpoint[256];
    atomic_bool called_back; // from its long absence
};

static atomic_bool over;
static atomic_int newcomers, left_outside;

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *serve(void *argument)
{
    struct server *server = argument;
    while (!over) {
        unsigned char word[8];
        if (zmq_recv(server->socket, word, sizeof word, 0) < 1) continue;
        if (word[0] > 0) {
            usleep(word[0] * BRIEF_US);
            continue;
        }
        const int64_t since_ms = now_ms();
        while (!server->called_back && !over && now_ms() - since_ms < AWAY_MS)
            usleep(500);
    }
    return NULL;
}

static void newcomer(struct server *server)
{
    const int immediate = 1;
    void *socket = open_patient(server->context, ZMQ_DEALER, SOON_MS);
    zmq_setsockopt(socket, ZMQ_IMMEDIATE, &immediate, sizeof immediate);
    zmq_connect(socket, server->endpoint);
    if (zmq_send(socket, "\1", 1, 0) < 0)
        left_outside++;
    else
        newcomers++;
    zmq_close(socket);
}

static void *call(void *argument)
{
    struct server *server = argument;
    unsigned seed = (unsigned)(uintptr_t)server;
    void *socket = open_patient(server->context, ZMQ_DEALER, SOON_MS);
    zmq_connect(socket, server->endpoint);
    while (!over && left_outside == 0) {
        usleep(PAUSE_US + (unsigned)rand_r(&seed) % (3 * PAUSE_US));
        unsigned char word = (unsigned char)(1 + rand_r(&seed) % 30);
        if (rand_r(&seed) % 3 > 0) {
            zmq_send(socket, &word, 1, 0);
            continue;
        }
        word = 0;
        server->called_back = false;
        zmq_send(socket, &word, 1, 0);
        usleep(PAUSE_US);
        newcomer(server);
        server->called_back = true;
    }
    zmq_close(socket);
    return NULL;
}

int main(void)
{
    static struct server servers[SERVERS];
    void *context = zmq_ctx_new(), *others = zmq_ctx_new();
    for (struct server *at = servers; at < servers + SERVERS; at++) {
        at->context = others;
        at->socket = open_patient(context, ZMQ_DEALER, 300);
        bind_somewhere(at->socket, "tcp://127.0.0.1:*", at->endpoint);
        pthread_create(&at->thread, NULL, serve, at);
    }
    for (struct server *at = servers; at < servers + SERVERS; at++)
        pthread_create(&at->caller, NULL, call, at);
    for (int64_t end_ms = now_ms() + RUN_MS; now_ms() < end_ms && left_outside == 0;)
        usleep(10000);
    const int outside = left_outside;
    EXPECT("some came while a server was away", newcomers > 0);
    EXPECT("nobody was left outside", outside == 0);
    over = true;
    for (struct server *at = servers; at < servers + SERVERS; at++) {
        pthread_join(at->caller, NULL);
        pthread_join(at->thread, NULL);
        zmq_close(at->socket);
    }
    zmq_ctx_term(others);
    zmq_ctx_term(context);
    return expect_status;
}
