// Lives and ends: what is sent before a close, what lingers, who is told that a context ends, messages that outlive
// their sockets and contexts, places that are bound again at once, sockets that go from thread to thread.
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "say.h"

enum { PATIENCE_MS = 20000, BIG = 100000 };

static void patient(void *socket)
{
    const int patience = PATIENCE_MS;
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, sizeof patience);
    zmq_setsockopt(socket, ZMQ_SNDTIMEO, &patience, sizeof patience);
}

static void *open_socket(void *context, int type, int linger)
{
    void *const socket = zmq_socket(context, type);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    patient(socket);
    return socket;
}

static const char *bind_at(void *socket, const char *where, char endpoint[256])
{
    size_t size = 256;
    zmq_bind(socket, where);
    zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size);
    return endpoint;
}

// All that was sent before the close arrives, also after the context has ended.
static void sent_before(const char *name, const char *where, int many)
{
    char endpoint[256], body[16];
    void *const here = zmq_ctx_new(), *const there = zmq_ctx_new();
    void *const pull = open_socket(here, ZMQ_PULL, 0), *const push =
                                                           open_socket(there, ZMQ_PUSH, -1);
    say_result(name, zmq_connect(push, bind_at(pull, where, endpoint)));
    int sent = 0, received = 0;
    for (int i = 0; i < many; i++)
        sent += zmq_send(push, "message", 7, 0) == 7;
    say_result(name, zmq_close(push));
    say_result(name, zmq_ctx_term(there));
    while (received < sent && zmq_recv(pull, body, sizeof body, 0) == 7)
        received++;
    say(name, "%d sent, %d received", sent, received);
    zmq_close(pull);
    say_result(name, zmq_ctx_term(here));
}

// Nobody comes for what waits: the context ends when it may no longer linger.
static void lingers(const char *name, int linger, int at_least_ms)
{
    void *const context = zmq_ctx_new();
    void *const push = open_socket(context, ZMQ_PUSH, linger);
    say_result(name, zmq_connect(push, "tcp://127.0.0.1:9"));
    say_result(name, zmq_send(push, "message", 7, 0));
    void *const watch = zmq_stopwatch_start(); // before the close, where the linger begins
    say_result(name, zmq_close(push));
    say_result(name, zmq_ctx_term(context));
    const unsigned long took_ms = zmq_stopwatch_stop(watch) / 1000;
    say(name, took_ms + 5 >= (unsigned long)at_least_ms && took_ms < PATIENCE_MS ? "in time"
                                                                                 : "not in time");
}

struct waiter {
    void *socket;
    const char *name;
    int how;
    atomic_int begun;
};

static void *wait_for_end(void *argument)
{
    struct waiter *const waiter = argument;
    char body[8];
    zmq_pollitem_t item = {.socket = waiter->socket, .events = ZMQ_POLLIN};
    const int for_ever = -1;
    zmq_setsockopt(waiter->socket, ZMQ_RCVTIMEO, &for_ever, sizeof for_ever);
    zmq_setsockopt(waiter->socket, ZMQ_SNDTIMEO, &for_ever, sizeof for_ever);
    atomic_store(&waiter->begun, 1);
    int result;
    if (waiter->how == 0)
        result = zmq_recv(waiter->socket, body, sizeof body, 0);
    else if (waiter->how == 1)
        result = zmq_send(waiter->socket, "x", 1, 0);
    else
        result = zmq_poll(&item, 1, -1);
    say_result(waiter->name, result);
    say_result(waiter->name, zmq_recv(waiter->socket, body, sizeof body, 0));
    say_result(waiter->name, zmq_close(waiter->socket));
    return NULL;
}

// Whoever waits in another thread hears that the context ends.
static void ends_elsewhere(const char *name, int how)
{
    void *const context = zmq_ctx_new();
    struct waiter waiter = {
        .socket = open_socket(context, ZMQ_DEALER, 0), .name = name, .how = how};
    pthread_t thread;
    pthread_create(&thread, NULL, wait_for_end, &waiter);
    while (!atomic_load(&waiter.begun))
        usleep(1000);
    usleep(20000); // it waits by then, most likely; if not, it is told as well
    const int ended = zmq_ctx_term(context);
    pthread_join(thread, NULL);
    say_result(name, ended);
}

// A message received from a place that is gone, its socket and its context too.
static void outlives(const char *name, const char *where)
{
    char endpoint[256];
    void *const context = zmq_ctx_new();
    void *const push = open_socket(context, ZMQ_PUSH, -1), *const pull =
                                                               open_socket(context, ZMQ_PULL, 0);
    static char big[BIG];
    zmq_msg_t small_one, big_one, copy;
    memset(big, 'b', sizeof big);
    say_result(name, zmq_connect(push, bind_at(pull, where, endpoint)));
    say_result(name, zmq_send(push, "small", 5, 0));
    say_result(name, zmq_send(push, big, sizeof big, 0));
    zmq_msg_init(&small_one);
    zmq_msg_init(&big_one);
    zmq_msg_init(&copy);
    say_result(name, zmq_msg_recv(&small_one, pull, 0));
    say_result(name, zmq_msg_recv(&big_one, pull, 0));
    zmq_close(push);
    zmq_close(pull);
    say_result(name, zmq_ctx_term(context));
    say_result(name, zmq_msg_copy(&copy, &big_one));
    say_result(name, zmq_msg_close(&big_one));
    say(name, "%zu %.5s", zmq_msg_size(&small_one), (const char *)zmq_msg_data(&small_one));
    say(name, "%zu %s", zmq_msg_size(&copy),
        memcmp(zmq_msg_data(&copy), big, sizeof big) ? "other" : "the same");
    say_result(name, zmq_msg_close(&copy));
    say_result(name, zmq_msg_close(&small_one));
}

static atomic_int freed;

static void free_it(void *data, void *hint)
{
    (void)hint;
    free(data);
    atomic_fetch_add(&freed, 1);
}

// The program's own memory is given back once, whoever has it last.
static void own_memory(const char *name, int size)
{
    void *const context = zmq_ctx_new();
    void *const push = open_socket(context, ZMQ_PUSH, -1), *const pull =
                                                               open_socket(context, ZMQ_PULL, 0);
    zmq_msg_t message, copies[3], received;
    zmq_bind(pull, "inproc://own");
    zmq_connect(push, "inproc://own");
    atomic_store(&freed, 0);
    say_result(name,
               zmq_msg_init_data(&message, calloc(1, (size_t)size), (size_t)size, free_it, NULL));
    for (int i = 0; i < 3; i++) {
        zmq_msg_init(&copies[i]);
        say_result(name, zmq_msg_copy(&copies[i], &message));
    }
    zmq_msg_init(&received);
    say_result(name, zmq_msg_send(&message, push, 0));
    say_result(name, zmq_msg_recv(&received, pull, 0));
    zmq_close(push);
    zmq_close(pull);
    say_result(name, zmq_ctx_term(context));
    for (int i = 0; i < 3; i++)
        zmq_msg_close(&copies[i]);
    say(name, "%zu octets", zmq_msg_size(&received));
    zmq_msg_close(&received);
    say(name, "freed %d times", atomic_load(&freed));
}

// Unbound and bound again at once, with the same socket and with another one.
static void again(const char *name, const char *where)
{
    char endpoint[256], body[8];
    void *const context = zmq_ctx_new();
    void *server = open_socket(context, ZMQ_PULL, 0);
    bind_at(server, where, endpoint);
    for (int i = 0; i < 5; i++) {
        say_result(name, zmq_unbind(server, endpoint));
        int bound = -1;
        for (int k = 0; k < 500 && bound < 0; k++) { // libzmq closes a while after it said so
            bound = zmq_bind(server, endpoint);
            if (bound < 0) usleep(10000);
        }
        say_result(name, bound);
        void *const client = open_socket(context, ZMQ_PUSH, -1);
        say_result(name, zmq_connect(client, endpoint));
        say_result(name, zmq_send(client, "hello", 5, 0));
        say_result(name, zmq_recv(server, body, sizeof body, 0));
        zmq_close(client);
    }
    zmq_close(server);
    say_result(name, zmq_ctx_term(context));
}

struct moved {
    void *socket, *other;
    const char *name;
};

static void *use_moved(void *argument)
{
    struct moved *const moved = argument;
    char body[16];
    for (int i = 0; i < 100; i++) {
        if (zmq_send(moved->socket, "there", 5, 0) != 5) say_result(moved->name, -1);
        if (zmq_recv(moved->other, body, sizeof body, 0) != 5) say_result(moved->name, -1);
        if (zmq_send(moved->other, "back", 4, 0) != 4) say_result(moved->name, -1);
        if (zmq_recv(moved->socket, body, sizeof body, 0) != 4) say_result(moved->name, -1);
    }
    say(moved->name, "a thread had it");
    return NULL;
}

// Two sockets, of many threads one after the other; to begin and to end one is a fence.
static void moves(const char *name, const char *where)
{
    char endpoint[256];
    void *const context = zmq_ctx_new();
    struct moved moved = {.socket = open_socket(context, ZMQ_DEALER, 0),
                          .other = open_socket(context, ZMQ_DEALER, 0),
                          .name = name};
    say_result(name, zmq_connect(moved.socket, bind_at(moved.other, where, endpoint)));
    for (int i = 0; i < 10; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, use_moved, &moved);
        pthread_join(thread, NULL);
    }
    zmq_close(moved.socket);
    zmq_close(moved.other);
    say_result(name, zmq_ctx_term(context));
}

// A child that only leaves, with a socket and its context open, disturbs nobody.
static void child_leaves(const char *name)
{
    char endpoint[256], body[8];
    void *const context = zmq_ctx_new();
    void *const pull = open_socket(context, ZMQ_PULL, 0), *const push =
                                                              open_socket(context, ZMQ_PUSH, -1);
    say_result(name, zmq_connect(push, bind_at(pull, "tcp://127.0.0.1:*", endpoint)));
    say_result(name, zmq_send(push, "one", 3, 0));
    say_result(name, zmq_recv(pull, body, sizeof body, 0));
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) _exit(7);
    int status = 0;
    waitpid(child, &status, 0);
    say(name, "exit %d", WEXITSTATUS(status));
    say_result(name, zmq_send(push, "two", 3, 0));
    say_result(name, zmq_recv(pull, body, sizeof body, 0));
    zmq_close(push);
    zmq_close(pull);
    say_result(name, zmq_ctx_term(context));
}

// A shutdown, then a term; a socket that is closed between them.
static void orders(const char *name)
{
    char body[8];
    void *context = zmq_ctx_new();
    say_result(name, zmq_ctx_term(context)); // that nobody used
    context = zmq_ctx_new();
    void *socket = open_socket(context, ZMQ_PAIR, 0);
    say_result(name, zmq_ctx_shutdown(context));
    say_result(name, zmq_ctx_shutdown(context));
    say_result(name, zmq_recv(socket, body, sizeof body, 0));
    say_result(name, zmq_close(socket));
    say_result(name, zmq_ctx_term(context));
    context = zmq_ctx_new();
    void *const binder = open_socket(context, ZMQ_PAIR, -1), *const dialler =
                                                                 open_socket(context, ZMQ_PAIR, -1);
    say_result(name, zmq_connect(dialler, "inproc://order")); // before there is anybody
    say_result(name, zmq_send(dialler, "early", 5, 0));
    say_result(name, zmq_bind(binder, "inproc://order"));
    say_result(name, zmq_close(dialler));
    say_result(name, zmq_recv(binder, body, sizeof body, 0));
    say_result(name, zmq_close(binder));
    say_result(name, zmq_ctx_term(context));
}

// To unbind and to disconnect is the same, and of all that have the name.
static void either_way(const char *name, const char *where, const char *elsewhere)
{
    char endpoint[256];
    void *const context = zmq_ctx_new();
    void *const pull = open_socket(context, ZMQ_PULL, 0), *const push =
                                                              open_socket(context, ZMQ_PUSH, 0);
    (void)bind_at(pull, where, endpoint);
    say_result(name, zmq_disconnect(pull, endpoint));
    say_result(name, zmq_disconnect(pull, endpoint));
    say_result(name, zmq_unbind(pull, endpoint));
    for (int i = 0; i < 2; i++) {
        say_result(name, zmq_connect(push, elsewhere));
        say_result(name, zmq_connect(push, elsewhere));
        say_result(name, i == 0 ? zmq_unbind(push, elsewhere) : zmq_disconnect(push, elsewhere));
        say_result(name, zmq_unbind(push, elsewhere));
        say_result(name, zmq_disconnect(push, elsewhere));
    }
    zmq_close(pull);
    zmq_close(push);
    say_result(name, zmq_ctx_term(context));
}

// Where the system was left to choose, what it chose is the name, and no longer what was asked for.
static void chosen(const char *name, const char *where)
{
    char endpoints[2][256];
    void *const context = zmq_ctx_new(), *const pull = open_socket(context, ZMQ_PULL, 0);
    for (int i = 0; i < 2; i++)
        (void)bind_at(pull, where, endpoints[i]);
    say_result(name, zmq_unbind(pull, where));
    say_result(name, zmq_disconnect(pull, where));
    for (int i = 0; i < 2; i++) {
        say_result(name, zmq_unbind(pull, endpoints[i]));
        say_result(name, zmq_unbind(pull, endpoints[i]));
    }
    zmq_close(pull);
    say_result(name, zmq_ctx_term(context));
}

// What a REP takes as an option and has no use for.
static void named_peer_of_rep(void)
{
    static const char name[] = "a REP's name for a peer";
    void *const context = zmq_ctx_new(), *const rep = open_socket(context, ZMQ_REP, 0);
    say_result(name, zmq_setsockopt(rep, ZMQ_CONNECT_ROUTING_ID, "peer", 4));
    say_result(name, zmq_connect(rep, "tcp://127.0.0.1:9"));
    zmq_close(rep);
    say_result(name, zmq_ctx_term(context));
}

int main(void)
{
    either_way("either way, tcp", "tcp://127.0.0.1:*", "tcp://127.0.0.1:9");
    either_way("either way, ipc", "ipc://*", "ipc://@nobody-is-here");
    either_way("either way, inproc", "inproc://here", "inproc://elsewhere");
    chosen("chosen, tcp", "tcp://127.0.0.1:*");
    chosen("chosen, tcp of all addresses", "tcp://*:*");
    chosen("chosen, port 0", "tcp://127.0.0.1:0");
    chosen("chosen, ipc", "ipc://*");
    named_peer_of_rep();
    char path[64];
    sent_before("tcp, what was sent before the close", "tcp://127.0.0.1:*", 500);
    sent_before("ipc, what was sent before the close", "ipc://*", 500);
    lingers("no linger", 0, 0);
    lingers("a linger of 200 ms", 200, 200);
    ends_elsewhere("a recv elsewhere", 0);
    ends_elsewhere("a send elsewhere", 1);
    ends_elsewhere("a poll elsewhere", 2);
    outlives("tcp, a message outlives all", "tcp://127.0.0.1:*");
    outlives("inproc, a message outlives all", "inproc://outlived");
    own_memory("own memory, little", 5);
    own_memory("own memory, much", 100000);
    again("tcp, again", "tcp://127.0.0.1:*");
    // Not of libzmq's own choice, whose folder goes with the first unbind.
    snprintf(path, sizeof path, "ipc:///tmp/same_life-%ld", (long)getpid());
    again("ipc, again", path);
    again("inproc, again", "inproc://again");
    moves("tcp, from thread to thread", "tcp://127.0.0.1:*");
    moves("inproc, from thread to thread", "inproc://moved");
    child_leaves("a child leaves");
    orders("orders");
    return 0;
}
