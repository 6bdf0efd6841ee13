// What ZMTP_SPIN_US changes, and what it must not: a call that looks for a while before it sleeps gets what it waits for,
// keeps to its time, and ends with its context, or for a signal.
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#include "expect.h"

#if defined __linux__ && !defined __SANITIZE_THREAD__ && !__has_feature(thread_sanitizer)
#include <dlfcn.h>
#include <sys/epoll.h>
#endif

enum {
    PATIENCE_MS = 20000,
    TRIPS = 2000,
    TRIES = 20,
    SHORT_MS = 50,
    LONG_US = 1000,
    SPUN_US = 800,
    BRIEF_US = 20,
    BRIEFS = 8, // as many as bring a spin
    WAITS = 5,
    WAIT_MS = 5,
    LOOKS = 5, // for a wait: before the sleep, and behind it
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

// How often this thread has had a loop look for news without a sleep, and whether that takes as long as a brief sleep.
static _Thread_local unsigned looks;
static _Thread_local bool slowly;

#ifdef EPOLLIN
int epoll_wait(int epoll, struct epoll_event *events, int max, int timeout_ms)
{
    int (*real)(int, struct epoll_event *, int, int);
    *(void **)&real = dlsym(RTLD_NEXT, "epoll_wait");
    const uint64_t begun_us = clock_us(CLOCK_MONOTONIC);
    if (timeout_ms == 0) looks++;
    while (slowly && clock_us(CLOCK_MONOTONIC) - begun_us < BRIEF_US)
        ;
    return real(epoll, events, max, timeout_ms);
}
#endif

// The loop of a socket does not spin by itself, whatever its sleeps are like: a call that waits sleeps.
static void loops_do_not_spin(void)
{
    void *const context = open_context("0");
    void *const to = open_socket(context, ZMQ_PULL, PATIENCE_MS);
    void *const from = open_socket(context, ZMQ_PUSH, PATIENCE_MS);
    char endpoint[256], body[4];
    size_t size = sizeof endpoint;
    unsigned came = 0, looked = 0;
    zmq_bind(to, "tcp://127.0.0.1:*");
    zmq_getsockopt(to, ZMQ_LAST_ENDPOINT, endpoint, &size);
    zmq_connect(from, endpoint);
    for (int i = 0; i < BRIEFS + WAITS; i++) {
        const int patience_ms = WAIT_MS;
        slowly = i < BRIEFS;
        if (zmq_send(from, "x", 1, 0) != 1 || zmq_recv(to, body, sizeof body, 0) != 1) break;
        came++;
        if (slowly) continue;
        zmq_setsockopt(to, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
        const unsigned before = looks;
        if (zmq_recv(to, body, sizeof body, 0) != -1) break;
        looked += looks - before;
        zmq_setsockopt(to, ZMQ_RCVTIMEO, &(int){PATIENCE_MS}, sizeof(int));
    }
    EXPECT("messages one by one", came == BRIEFS + WAITS);
    EXPECT("a wait in between is a sleep", looked <= WAITS * LOOKS);
    zmq_close(from);
    zmq_close(to);
    zmq_ctx_term(context);
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
    if (came != 0) EXPECT("nothing comes", came == 0);
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

// What happens amid a call's spin, of this thread: a signal, and other news than what the call waits for, which another
// thread brings. Nothing of it depends on how fast the machine is: the call itself does it, and its time stands still
// until it has.
struct middle {
    void *other; // has a message to receive, and so the call's socket gets room; null: no news
    sem_t begin, end;
    bool due;
};

static _Thread_local struct middle *middle;

static void *make_room(void *argument)
{
    struct middle *const m = argument;
    char body[8];
    sem_wait(&m->begin);
    EXPECT("there is news", zmq_recv(m->other, body, sizeof body, 0) == 1);
    sem_post(&m->end);
    return NULL;
}

// libuv's, by which the library knows how long it has spun. Only who spins keeps signals from coming.
uint64_t uv_hrtime(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct middle *const m = middle;
    sigset_t held;
    if (m && m->due && pthread_sigmask(SIG_BLOCK, NULL, &held) == 0 &&
        sigismember(&held, SIGALRM)) {
        m->due = false;
        pthread_kill(pthread_self(), SIGALRM);
        if (m->other) {
            sem_post(&m->begin);
            sem_wait(&m->end);
        }
    }
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

// A call that has lost the signal ends without it, when its time is over. A thread's polls learn from each other, and
// begin anew with another limit.
static void ends_for_a_signal(const char *name, bool polls, bool news)
{
    enum { LOST_MS = 1000 };
    char spin_us[16];
    snprintf(spin_us, sizeof spin_us, "%d", LONG_US - TRIES - news);
    void *const context = open_context(spin_us);
    void *const socket = open_socket(context, ZMQ_DEALER, LOST_MS);
    void *const other = open_socket(context, ZMQ_DEALER, PATIENCE_MS);
    const int one = 1;
    struct sigaction action = {.sa_handler = ring};
    struct middle m = {.other = news ? other : NULL, .due = true};
    pthread_t thread;
    char body[8];
    sigaction(SIGALRM, &action, NULL);
    sem_init(&m.begin, 0, 0);
    sem_init(&m.end, 0, 0);
    zmq_setsockopt(socket, ZMQ_SNDHWM, &one, sizeof one);
    zmq_setsockopt(other, ZMQ_RCVHWM, &one, sizeof one);
    zmq_bind(other, "inproc://other");
    zmq_connect(socket, "inproc://other");
    while (zmq_send(socket, "x", 1, ZMQ_DONTWAIT) == 1)
        ;
    if (news) pthread_create(&thread, NULL, make_room, &m);
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    rings = 0;
    middle = &m;
    const int result = polls ? zmq_poll(&item, 1, LOST_MS) : zmq_recv(socket, body, sizeof body, 0);
    const int error = zmq_errno();
    middle = NULL;
    EXPECT(name, !m.due && rings == 1);
    EXPECT(name, result < 0 && error == EINTR);
    if (news) pthread_join(thread, NULL);
    zmq_close(socket);
    zmq_close(other);
    zmq_ctx_term(context);
    sem_destroy(&m.begin);
    sem_destroy(&m.end);
}

int main(void)
{
    loops_do_not_spin();
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
    ends_for_a_signal("a receive that spins ends for a signal", false, false);
    ends_for_a_signal("a poll that spins ends for a signal", true, false);
    ends_for_a_signal("a receive that finds other news ends for a signal", false, true);
    ends_for_a_signal("a poll beside other news ends for a signal", true, true);
    ends_with_its_context();
    return expect_status;
}
