// Who connects to a name over inproc that nobody has yet, sends, and has gone before the bind, as same_early: what libzmq
// does otherwise or that it has only as drafts, threads that bind and close at one moment, and calls without memory.
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "expect.h"
#include "patient.h"

#define NAME "inproc://early"
enum { PATIENCE_MS = 20000, ROUNDS = 300, SENT = 20, RACERS = 2, LENT = 10000, DIALS = 2000 };

// What of the thread's allocations is to fail. The library has no other way to memory of its own.
static _Thread_local struct {
    bool on;
    int count, from, to;
} starved;

// That of threads calls it before a thread can run what it has compiled.
#if !defined __SANITIZE_THREAD__ && !__has_feature(thread_sanitizer)
void *realloc(void *memory, size_t size)
{
    static void *(*next)(void *memory, size_t size);
    if (starved.on && size > 0 && ++starved.count >= starved.from && starved.count < starved.to)
        return NULL;
    void *const found = next ? NULL : dlsym(RTLD_NEXT, "realloc");
    if (found) memcpy(&next, &found, sizeof next);
    return next(memory, size);
}
#endif

// From now on the |from|-th allocation fails and those after it, up to |to|.
static void starve(int from, int to)
{
    starved.count = 0;
    starved.from = from;
    starved.to = to;
    starved.on = true;
}

// How many there were.
static int feed(void)
{
    starved.on = false;
    return starved.count;
}

// Does it have effect? Not under valgrind, which has a heap of its own.
static bool starves(void)
{
    void *(*volatile const get)(void *memory, size_t size) = realloc;
    starve(2, 2);
    free(get(NULL, 1));
    return feed() == 1;
}

static void *open_socket(void *context, int type)
{
    return open_patient(context, type, PATIENCE_MS);
}

static void send_numbers(void *socket, int first, int count)
{
    for (int i = first; i < first + count; i++)
        zmq_send(socket, &i, sizeof i, 0);
}

// A sender that has gone again.
static void send_early(void *context, int type, int first, int count)
{
    void *const socket = open_socket(context, type);
    zmq_connect(socket, NAME);
    send_numbers(socket, first, count);
    zmq_close(socket);
}

// Are all numbers up to |count| there, each once?
static int all_there(void *socket, int count)
{
    int number, seen[64] = {0}, good = 0;
    for (int i = 0; i < count; i++) {
        if (zmq_recv(socket, &number, sizeof number, 0) != sizeof number) return 0;
        good += number >= 0 && number < count && seen[number]++ == 0;
    }
    return good == count && zmq_recv(socket, &number, sizeof number, ZMQ_DONTWAIT) < 0;
}

static void router(void)
{
    static const char name[] = "a ROUTER knows who it was, and that it has gone";
    const int on = 1, notify = ZMQ_NOTIFY_CONNECT | ZMQ_NOTIFY_DISCONNECT;
    char body[8];
    void *const context = zmq_ctx_new(), *const dealer = open_socket(context, ZMQ_DEALER);
    zmq_setsockopt(dealer, ZMQ_ROUTING_ID, "early", 5);
    zmq_connect(dealer, NAME);
    zmq_send(dealer, "x", 1, 0);
    zmq_close(dealer);
    void *const router = open_socket(context, ZMQ_ROUTER);
    zmq_setsockopt(router, ZMQ_ROUTER_MANDATORY, &on, sizeof on);
    EXPECT(name, zmq_setsockopt(router, ZMQ_ROUTER_NOTIFY, &notify, sizeof notify) == 0);
    EXPECT(name, zmq_bind(router, NAME) == 0);
    FAILS(name, zmq_send(router, "early", 5, ZMQ_SNDMORE), EHOSTUNREACH);
    static const char *const parts[] = {"early", "", "early", "x", "early", ""};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const int size = zmq_recv(router, body, sizeof body, 0);
        EXPECT(name, size == (int)strlen(parts[i]) && memcmp(body, parts[i], (size_t)size) == 0);
    }
    FAILS(name, zmq_recv(router, body, sizeof body, ZMQ_DONTWAIT), EAGAIN);
    zmq_close(router);
    EXPECT(name, zmq_ctx_term(context) == 0);
}

static void drafts(const char *name, int from, int to)
{
    void *const context = zmq_ctx_new();
    send_early(context, from, 0, SENT);
    void *const receiver = open_socket(context, to);
    EXPECT(name, zmq_bind(receiver, NAME) == 0);
    EXPECT(name, all_there(receiver, SENT));
    zmq_close(receiver);
    EXPECT(name, zmq_ctx_term(context) == 0);
}

static void not_for_it(void)
{
    static const char name[] = "what does not go with who binds waits for the next";
    void *const context = zmq_ctx_new();
    send_early(context, ZMQ_PUSH, 0, SENT);
    void *const gather = open_socket(context, ZMQ_GATHER);
    void *const pull = open_socket(context, ZMQ_PULL);
    EXPECT(name, zmq_bind(gather, NAME) == 0);
    FAILS(name, zmq_bind(pull, NAME), EADDRINUSE);
    EXPECT(name, zmq_unbind(gather, NAME) == 0);
    EXPECT(name, zmq_bind(pull, NAME) == 0);
    EXPECT(name, all_there(pull, SENT));
    zmq_close(gather);
    zmq_close(pull);
    EXPECT(name, zmq_ctx_term(context) == 0);
}

static void id_in_use(void)
{
    static const char name[] = "a ROUTER's name for another peer is refused over inproc, too";
    char body[8];
    void *const context = zmq_ctx_new(), *const router = open_socket(context, ZMQ_ROUTER);
    for (int i = 0; i < 2; i++) {
        EXPECT(name, zmq_setsockopt(router, ZMQ_CONNECT_ROUTING_ID, "peer", 4) == 0);
        if (i == 0) EXPECT(name, zmq_connect(router, NAME) == 0);
        if (i == 1) FAILS(name, zmq_connect(router, NAME), EPROTO);
    }
    EXPECT(name, zmq_send(router, "peer", 4, ZMQ_SNDMORE) == 4);
    EXPECT(name, zmq_send(router, "x", 1, 0) == 1);
    EXPECT(name, zmq_connect(router, NAME) == 0); // that is for one connect
    zmq_close(router);
    void *const dealer = open_socket(context, ZMQ_DEALER);
    EXPECT(name, zmq_bind(dealer, NAME) == 0);
    EXPECT(name, zmq_recv(dealer, body, sizeof body, 0) == 1);
    FAILS(name, zmq_recv(dealer, body, sizeof body, ZMQ_DONTWAIT), EAGAIN);
    zmq_close(dealer);
    EXPECT(name, zmq_ctx_term(context) == 0);
}

static void one_at_a_time(void)
{
    static const char name[] = "a PAIR takes one, and the next bind the other";
    void *const context = zmq_ctx_new();
    int number = -1;
    for (int i = 0; i < 2; i++)
        send_early(context, ZMQ_PAIR, i, 1);
    for (int i = 0; i < 2; i++) {
        void *const pair = open_socket(context, ZMQ_PAIR);
        EXPECT(name, zmq_bind(pair, NAME) == 0);
        EXPECT(name, zmq_recv(pair, &number, sizeof number, 0) == sizeof number && number == i);
        zmq_close(pair);
    }
    EXPECT(name, zmq_ctx_term(context) == 0);
}

static atomic_int back;

static void take_back(void *data, void *hint)
{
    (void)data;
    (void)hint;
    atomic_fetch_add(&back, 1);
}

// Dials for ever: what counts for nobody any more is no socket, and it all goes with the context.
static void many(void)
{
    static const char name[] =
        "thousands that come too early are no sockets of the context's, and go with it";
    static char body[LENT];
    char where[32];
    void *const context = zmq_ctx_new();
    int good = 0;
    atomic_store(&back, 0);
    for (int i = 0; i < DIALS; i++) {
        zmq_msg_t msg;
        void *const push = open_socket(context, ZMQ_PUSH);
        snprintf(where, sizeof where, "inproc://early-%d", i / 2);
        zmq_msg_init_data(&msg, body, sizeof body, take_back, NULL);
        good += zmq_connect(push, where) == 0 && zmq_msg_send(&msg, push, 0) == LENT &&
                zmq_close(push) == 0;
    }
    EXPECT(name, good == DIALS);
    EXPECT(name, atomic_load(&back) == 0);
    EXPECT(name, zmq_ctx_term(context) == 0);
    EXPECT(name, atomic_load(&back) == DIALS);
}

struct racer {
    void *context;
    pthread_barrier_t *start;
    int first;
    bool disconnects;
};

static void *race(void *argument)
{
    struct racer *const racer = argument;
    void *const push = open_socket(racer->context, ZMQ_PUSH);
    zmq_connect(push, NAME);
    send_numbers(push, racer->first, SENT);
    pthread_barrier_wait(racer->start);
    if (racer->disconnects) zmq_disconnect(push, NAME);
    zmq_close(push);
    return NULL;
}

// The senders close, and one binds, at the same moment.
static int race_once(bool disconnects)
{
    struct racer racers[RACERS];
    pthread_t threads[RACERS];
    pthread_barrier_t start;
    void *const context = zmq_ctx_new(), *const pull = open_socket(context, ZMQ_PULL);
    pthread_barrier_init(&start, NULL, RACERS + 1);
    for (int i = 0; i < RACERS; i++) {
        racers[i] = (struct racer){context, &start, i * SENT, disconnects};
        pthread_create(&threads[i], NULL, race, &racers[i]);
    }
    pthread_barrier_wait(&start);
    const int bound = zmq_bind(pull, NAME), good = all_there(pull, RACERS * SENT);
    for (int i = 0; i < RACERS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
    zmq_close(pull);
    return bound == 0 && good && zmq_ctx_term(context) == 0;
}

static void at_one_moment(const char *name, bool disconnects)
{
    int good = 0;
    for (int i = 0; i < ROUNDS; i++)
        good += race_once(disconnects);
    EXPECT(name, good == ROUNDS);
}

// Two names of one sender, bound by two threads while it closes.
struct binder {
    void *context;
    const char *where;
    pthread_barrier_t *start;
    int good;
};

static void *bind_and_receive(void *argument)
{
    struct binder *const binder = argument;
    int number;
    void *const pull = open_socket(binder->context, ZMQ_PULL);
    pthread_barrier_wait(binder->start);
    zmq_bind(pull, binder->where);
    while (binder->good < SENT && zmq_recv(pull, &number, sizeof number, 0) == sizeof number)
        binder->good++;
    zmq_close(pull);
    return NULL;
}

static void two_names(void)
{
    static const char name[] = "two bind the names of one that closes";
    int good = 0;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_barrier_t start;
        pthread_t threads[2];
        void *const context = zmq_ctx_new(), *const push = open_socket(context, ZMQ_PUSH);
        struct binder binders[2] = {{context, NAME, &start, 0}, {context, "inproc://2", &start, 0}};
        pthread_barrier_init(&start, NULL, 3);
        for (int k = 0; k < 2; k++) {
            zmq_connect(push, binders[k].where);
            pthread_create(&threads[k], NULL, bind_and_receive, &binders[k]);
        }
        send_numbers(push, 0, 2 * SENT);
        pthread_barrier_wait(&start);
        zmq_close(push);
        for (int k = 0; k < 2; k++)
            pthread_join(threads[k], NULL);
        pthread_barrier_destroy(&start);
        good += binders[0].good == SENT && binders[1].good == SENT && zmq_ctx_term(context) == 0;
    }
    EXPECT(name, good == ROUNDS);
}

static void closes_without_memory(void)
{
    static const char name[] = "to close takes no memory, nor does what was sent";
    void *const context = zmq_ctx_new(), *const push = open_socket(context, ZMQ_PUSH);
    zmq_connect(push, NAME);
    send_numbers(push, 0, SENT);
    starve(1, INT32_MAX);
    EXPECT(name, zmq_close(push) == 0);
    EXPECT(name, feed() == 0);
    void *const pull = open_socket(context, ZMQ_PULL);
    EXPECT(name, zmq_bind(pull, NAME) == 0);
    EXPECT(name, all_there(pull, SENT));
    zmq_close(pull);
    EXPECT(name, zmq_ctx_term(context) == 0);
}

struct kinds {
    int from, to;
};

// The |at|-th allocation of the bind fails, and |more| after it. 1: all is there at the next; 0: so it was at once;
// negative: not so.
static int bind_starved(struct kinds kinds, int at, int more)
{
    enum { EACH = 3 };
    void *const context = zmq_ctx_new(), *const living = open_socket(context, kinds.from);
    send_early(context, kinds.from, 0, EACH);
    zmq_connect(living, NAME);
    send_numbers(living, EACH, EACH);
    send_early(context, kinds.from, 2 * EACH, EACH);
    void *const receiver = open_socket(context, kinds.to);
    starve(at, at + more);
    const int bound = zmq_bind(receiver, NAME), error = zmq_errno();
    const int failed = feed() >= at;
    int good = bound == 0 || (failed && error == ENOMEM);
    if (bound < 0) good = good && zmq_bind(receiver, NAME) == 0;
    good = good && all_there(receiver, 3 * EACH);
    zmq_close(living);
    zmq_close(receiver);
    good = good && zmq_ctx_term(context) == 0;
    return good ? failed : -1;
}

static void binds_without_memory(void)
{
    static const char name[] = "a bind that fails for want of memory leaves all to the next";
    static const struct kinds kinds[] = {{ZMQ_DEALER, ZMQ_DEALER},
                                         {ZMQ_PUSH, ZMQ_PULL},
                                         {ZMQ_CLIENT, ZMQ_SERVER},
                                         {ZMQ_SCATTER, ZMQ_GATHER}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (int more = 1; more <= 1000; more += 999) {
            int at = 1, result;
            while ((result = bind_starved(kinds[i], at, more)) > 0)
                at++;
            EXPECT(name, result == 0 && at > 10);
        }
}

int main(void)
{
    const bool hungry = starves(); // and finds the next one, while there is one thread
    router();
    drafts("SCATTER and GATHER", ZMQ_SCATTER, ZMQ_GATHER);
    drafts("CLIENT and SERVER", ZMQ_CLIENT, ZMQ_SERVER);
    drafts("CHANNEL and CHANNEL", ZMQ_CHANNEL, ZMQ_CHANNEL);
    not_for_it();
    id_in_use();
    one_at_a_time();
    many();
    at_one_moment("two close while one binds", false);
    at_one_moment("two disconnect and close while one binds", true);
    two_names();
    if (!hungry) {
        say("without memory", "# SKIP the heap is not this program's");
        return expect_status;
    }
    closes_without_memory();
    binds_without_memory();
    return expect_status;
}
