// What ZMTP_SPIN_US changes, and what it must not: a call that looks for a while before it sleeps gets what it waits for,
// keeps to its time, and ends with its context, or for a signal.
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

#include "expect.h"

enum {
    PATIENCE_MS = 20000,
    TRIPS = 2000,
    TRIES = 20,
    SHORT_MS = 50,
    LONG_US = 1000,
    SPUN_US = 800,
    AMID_US = 300,
    APART_US = 20000
};

static void *open_socket(void *context, int type, int patience_ms)
{
    void *socket = zmq_socket(context, type);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    zmq_setsockopt(socket, ZMQ_SNDTIMEO, &patience_ms, sizeof patience_ms);
    return socket;
}

static void *open_context(const char *spin_us)
{
    if (spin_us)
        setenv("ZMTP_SPIN_US", spin_us, 1);
    else
        unsetenv("ZMTP_SPIN_US");
    return zmq_ctx_new();
}

static uint64_t clock_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int wait_by_poll(void *socket)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    return zmq_poll(&item, 1, PATIENCE_MS) == 1 && item.revents == ZMQ_POLLIN;
}

struct answerer {
    void *socket;
    bool polls;
};

static void *answer(void *argument)
{
    const struct answerer *const a = argument;
    char body[16];
    for (int i = 0; i < TRIPS; i++) {
        if (a->polls && !wait_by_poll(a->socket)) break;
        const int size = zmq_recv(a->socket, body, sizeof body, 0);
        if (size < 0 || zmq_send(a->socket, body, (size_t)size, 0) != size) break;
    }
    return NULL;
}

// Two threads, each of which waits for the other all the time.
static int converse(void *context, const char *endpoint, bool polls)
{
    char real[256];
    size_t size = sizeof real;
    void *rep = open_socket(context, ZMQ_REP, PATIENCE_MS);
    void *req = open_socket(context, ZMQ_REQ, PATIENCE_MS);
    zmq_bind(rep, endpoint);
    zmq_getsockopt(rep, ZMQ_LAST_ENDPOINT, real, &size);
    zmq_connect(req, real);
    struct answerer answerer = {rep, polls};
    pthread_t thread;
    pthread_create(&thread, NULL, answer, &answerer);
    int right = 0;
    for (int i = 0; i < TRIPS; i++) {
        int back = -1;
        if (zmq_send(req, &i, sizeof i, 0) != sizeof i || (polls && !wait_by_poll(req))) break;
        if (zmq_recv(req, &back, sizeof back, 0) != sizeof back || back != i) break;
        right++;
    }
    pthread_join(thread, NULL);
    zmq_close(req);
    zmq_close(rep);
    return right == TRIPS;
}

static void converse_as(const char *name, const char *spin_us, const char *endpoint, bool polls)
{
    char text[64];
    snprintf(text, sizeof text, "%s, %s us", name, spin_us ? spin_us : "untold");
    void *const context = open_context(spin_us);
    EXPECT(text, converse(context, endpoint, polls));
    zmq_ctx_term(context);
}

static void conversations_go_on(const char *spin_us)
{
    converse_as("over tcp", spin_us, "tcp://127.0.0.1:*", false);
    converse_as("over ipc", spin_us, "ipc://*", false);
    converse_as("over inproc", spin_us, "inproc://trips", false);
    converse_as("by zmq_poll over tcp", spin_us, "tcp://127.0.0.1:*", true);
    converse_as("by zmq_poll over inproc", spin_us, "inproc://polled", true);
}

// What a wait of SHORT_MS in vain takes of the processor, and of the day. |polls|: of zmq_poll.
struct cost {
    uint64_t processor_us, us;
};

static struct cost cost_of_waiting(const char *spin_us, bool polls)
{
    void *const context = open_context(spin_us);
    void *a = open_socket(context, ZMQ_PULL, SHORT_MS), *b = open_socket(context, ZMQ_PUSH, -1);
    char endpoint[64], body[8];
    size_t size = sizeof endpoint;
    zmq_bind(a, "tcp://127.0.0.1:*");
    zmq_getsockopt(a, ZMQ_LAST_ENDPOINT, endpoint, &size);
    zmq_connect(b, endpoint);
    const uint64_t processor_us = clock_us(CLOCK_THREAD_CPUTIME_ID), us = clock_us(CLOCK_MONOTONIC);
    zmq_pollitem_t item = {.socket = a, .events = ZMQ_POLLIN};
    const int came = polls                                   ? zmq_poll(&item, 1, SHORT_MS)
                     : zmq_recv(a, body, sizeof body, 0) < 0 ? 0
                                                             : 1;
    const struct cost cost = {clock_us(CLOCK_THREAD_CPUTIME_ID) - processor_us,
                              clock_us(CLOCK_MONOTONIC) - us};
    if (came != 0) say("nothing comes", "something came");
    zmq_close(b);
    zmq_close(a);
    zmq_ctx_term(context);
    return cost;
}

// A machine may hold a process up at any time, so each is asked for once in some tries; a thread's polls begin to learn
// anew with another limit.
static void spins_as_long_as_it_may(bool polls)
{
    bool spins = false, keeps_time = false;
    for (int i = 0; i < TRIES && !(spins && keeps_time); i++) {
        char spin_us[16];
        snprintf(spin_us, sizeof spin_us, "%d", LONG_US - i);
        const struct cost cost = cost_of_waiting(spin_us, polls);
        spins = spins || cost.processor_us > SPUN_US;
        keeps_time = keeps_time || cost.us < 10 * SHORT_MS * 1000;
    }
    EXPECT(polls ? "a poll spins" : "a receive spins", spins);
    EXPECT(polls ? "and keeps to its time" : "and keeps to its time as well", keeps_time);
}

static void sleeps_at_once(const char *name, const char *spin_us)
{
    bool sleeps = false;
    for (int i = 0; i < TRIES && !sleeps; i++)
        sleeps = cost_of_waiting(spin_us, false).processor_us < SPUN_US;
    EXPECT(name, sleeps);
}

// A spin in vain is followed by a time without any.
static void learns(void)
{
    void *const context = open_context("1000");
    void *a = open_socket(context, ZMQ_PULL, SHORT_MS);
    char body[8];
    zmq_bind(a, "tcp://127.0.0.1:*");
    const uint64_t before_us = clock_us(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < TRIES; i++)
        (void)zmq_recv(a, body, sizeof body, 0);
    EXPECT("who waits in vain spins once", clock_us(CLOCK_THREAD_CPUTIME_ID) - before_us < 10000);
    zmq_close(a);
    zmq_ctx_term(context);
}

static void *wait_for_ever(void *argument)
{
    char body[8];
    const int size = zmq_recv(argument, body, sizeof body, 0);
    EXPECT("a call that spins ends with its context", size < 0 && zmq_errno() == ETERM);
    zmq_close(argument);
    return NULL;
}

static void ends_with_its_context(void)
{
    void *const context = open_context("1000");
    void *socket = open_socket(context, ZMQ_PULL, -1);
    pthread_t thread;
    zmq_bind(socket, "inproc://alone");
    pthread_create(&thread, NULL, wait_for_ever, socket);
    zmq_ctx_term(context);
    pthread_join(thread, NULL);
}

static volatile sig_atomic_t rings;

static void ring(int signal)
{
    (void)signal;
    rings = rings + 1;
}

// A signal that comes amid a spin, and others after it, so that a call that has lost the first ends all the same. Was it
// the first that ended it?
static bool the_first_ends_it(const char *spin_us, bool polls)
{
    void *const context = open_context(spin_us);
    void *const socket = open_socket(context, ZMQ_PULL, PATIENCE_MS);
    const struct itimerval off = {.it_value = {0}, .it_interval = {0}};
    const struct itimerval on = {.it_value = {0, AMID_US}, .it_interval = {0, APART_US}};
    char body[8];
    zmq_bind(socket, "tcp://127.0.0.1:*");
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    rings = 0;
    setitimer(ITIMER_REAL, &on, NULL);
    const int result = polls ? zmq_poll(&item, 1, PATIENCE_MS) : zmq_recv(socket, body, 8, 0);
    const bool first = result < 0 && zmq_errno() == EINTR && rings == 1;
    setitimer(ITIMER_REAL, &off, NULL);
    zmq_close(socket);
    zmq_ctx_term(context);
    return first;
}

// As with spins, once in some tries: a machine that is busy may send the first before the call.
static void ends_for_a_signal(const char *name, bool polls)
{
    struct sigaction action = {.sa_handler = ring};
    bool ends = false;
    sigaction(SIGALRM, &action, NULL);
    for (int i = 0; i < TRIES && !ends; i++) {
        char spin_us[16];
        snprintf(spin_us, sizeof spin_us, "%d", LONG_US - TRIES - i);
        ends = the_first_ends_it(spin_us, polls);
    }
    EXPECT(name, ends);
}

int main(void)
{
    conversations_go_on(NULL);
    conversations_go_on("0");
    conversations_go_on("50");
    conversations_go_on("1000");
    spins_as_long_as_it_may(false);
    spins_as_long_as_it_may(true);
    sleeps_at_once("untold it does not spin at once", NULL);
    sleeps_at_once("without a time it does not spin", "0");
    sleeps_at_once("nor with an empty one", "");
    sleeps_at_once("nor with one that is too long", "1001");
    sleeps_at_once("nor with a sign", "-1");
    sleeps_at_once("nor with what is no number", "50us");
    learns();
    ends_for_a_signal("a receive that spins ends for a signal", false);
    ends_for_a_signal("a poll that spins ends for a signal", true);
    ends_with_its_context();
    return 0;
}
