// A thread that a socket's lock favours, and the watch, which does for the same socket what cannot wait: it has to end
// the favour, and nobody may be inside beside another. A watch that does not get in shows as a message that waits for
// ever, two inside as messages that are lost, twice there or torn, and under ThreadSanitizer as what they are. Nothing
// here goes by a time but the patience with what never comes.
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "test/support/random.h"

#include "expect.h"
#include "patient.h"
#include "syscalls.h"

enum {
    PATIENCE_MS = 20000,
    MESSAGES = THREADS_SANITIZED ? 60000 : 300000,
    BURST_BITS = 16,
    HWM = 20000,
    ECHOES = THREADS_SANITIZED ? 5000 : 20000,
    ECHO_MAX = 100,
    WORKERS = 3,
    TURNS = THREADS_SANITIZED ? 20 : 60,
    TURN = 2000,
    COMERS = 100,
    BODY_MAX = 64,
    HEARTBEAT_MS = 1,
};

// How often a favour has ended by a barrier.
static atomic_uint barriers;

#ifdef SEES_SYSCALLS
static void look_at_syscall(long number, long first)
{
    if (number == SYS_membarrier && first == MEMBARRIER_CMD_PRIVATE_EXPEDITED)
        atomic_fetch_add(&barriers, 1);
}

static bool favours(void)
{
    return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}
#else
static bool favours(void)
{
    return false; // or it cannot be counted
}
#endif

static void moment(void)
{
    const struct timespec wait = {.tv_nsec = 200000};
    nanosleep(&wait, NULL);
}

// Messages of one way, in bursts. Its sender makes no call after one before all of it has come.
struct way {
    void *from, *to;
    uint64_t seed;
    bool exposed; // the receiver waits at the descriptor
    atomic_uint came;
    atomic_bool failed;
};

static size_t size_of(unsigned number)
{
    return sizeof number + number % 7 * 9;
}

static bool give(void *socket, unsigned number, int flags)
{
    char body[BODY_MAX];
    memset(body, (int)(number & 0x7f), sizeof body);
    memcpy(body, &number, sizeof number);
    return zmq_send(socket, body, size_of(number), flags) == (int)size_of(number);
}

static bool is(const char *body, int size, unsigned number)
{
    unsigned found = ~number;
    if (size != (int)size_of(number)) return false;
    memcpy(&found, body, sizeof found);
    return found == number && (size == sizeof found || body[size - 1] == (char)(number & 0x7f));
}

static void *send_bursts(void *hint)
{
    struct way *const way = hint;
    struct random random = random_of(way->seed);
    for (unsigned number = 0, end = 0; number < MESSAGES && !atomic_load(&way->failed);) {
        end += 1 + (unsigned)random_below(&random, (size_t)1 << random_below(&random, BURST_BITS));
        if (end > MESSAGES) end = MESSAGES;
        for (; number < end; number++)
            if (!give(way->from, number, 0)) atomic_store(&way->failed, true);
        while (atomic_load(&way->came) < end && !atomic_load(&way->failed))
            moment();
    }
    return NULL;
}

// Until the descriptor tells of news; a program looks at the events before it waits there.
static bool wait_there(void *socket)
{
    int fd, events;
    size_t size = sizeof fd;
    if (zmq_getsockopt(socket, ZMQ_FD, &fd, &size) < 0) return false;
    for (;;) {
        size = sizeof events;
        if (zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) < 0) return false;
        if (events & ZMQ_POLLIN) return true;
        struct pollfd item = {.fd = fd, .events = POLLIN};
        if (poll(&item, 1, PATIENCE_MS) != 1) return false;
    }
}

static int take(struct way *way, char *body)
{
    if (!way->exposed) return zmq_recv(way->to, body, BODY_MAX, 0);
    const int size = zmq_recv(way->to, body, BODY_MAX, ZMQ_DONTWAIT);
    if (size >= 0 || zmq_errno() != EAGAIN || !wait_there(way->to)) return size;
    return zmq_recv(way->to, body, BODY_MAX, ZMQ_DONTWAIT);
}

// Now and then it is busy elsewhere, and the watch reads.
static void *take_bursts(void *hint)
{
    struct way *const way = hint;
    struct random random = random_of(way->seed + 1);
    char body[BODY_MAX];
    for (unsigned number = 0; number < MESSAGES && !atomic_load(&way->failed); number++) {
        if (random_below(&random, 3000) == 0) moment();
        if (!is(body, take(way, body), number)) atomic_store(&way->failed, true);
        atomic_store(&way->came, number + 1);
    }
    return NULL;
}

static void *open_one(void *context, int type)
{
    const int interval = HEARTBEAT_MS, patience = PATIENCE_MS, mark = HWM;
    void *const socket = open_patient(context, type, PATIENCE_MS);
    (void)zmq_setsockopt(socket, ZMQ_SNDHWM, &mark, sizeof mark);
    (void)zmq_setsockopt(socket, ZMQ_RCVHWM, &mark, sizeof mark);
    (void)zmq_setsockopt(socket, ZMQ_HEARTBEAT_IVL, &interval, sizeof interval);
    (void)zmq_setsockopt(socket, ZMQ_HEARTBEAT_TIMEOUT, &patience, sizeof patience);
    return socket;
}

static void join(void *bound, void *connected, const char *where)
{
    char endpoint[256];
    bind_somewhere(bound, where, endpoint);
    (void)zmq_connect(connected, endpoint);
}

static void bursts(void *context, const char *name, const char *where, bool exposed)
{
    struct way way = {
        open_one(context, ZMQ_PUSH), open_one(context, ZMQ_PULL), 1, exposed, 0, false};
    pthread_t threads[2];
    join(way.to, way.from, where);
    pthread_create(&threads[0], NULL, send_bursts, &way);
    pthread_create(&threads[1], NULL, take_bursts, &way);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    EXPECT(name, !atomic_load(&way.failed) && atomic_load(&way.came) == MESSAGES);
    zmq_close(way.from);
    zmq_close(way.to);
}

// A ROUTER that sends back what a DEALER asks, many at a time; who is not asked has nothing to do but to be woken.
struct echo {
    void *router;
    atomic_bool failed;
};

static void *echo(void *hint)
{
    struct echo *const echo = hint;
    char id[BODY_MAX], body[BODY_MAX];
    for (unsigned number = 0; !atomic_load(&echo->failed); number++) {
        const int size = zmq_recv(echo->router, id, sizeof id, 0);
        const int asked = size > 0 ? zmq_recv(echo->router, body, sizeof body, 0) : -1;
        if (asked == 0) return NULL; // the last
        if (!is(body, asked, number) ||
            zmq_send(echo->router, id, (size_t)size, ZMQ_SNDMORE) != size ||
            zmq_send(echo->router, body, (size_t)asked, 0) != asked)
            atomic_store(&echo->failed, true);
    }
    return NULL;
}

static void echoes(void *context, const char *where)
{
    struct echo one = {open_one(context, ZMQ_ROUTER), false};
    void *const dealer = open_one(context, ZMQ_DEALER);
    struct random random = random_of(3);
    char body[BODY_MAX];
    unsigned asked = 0, answered = 0;
    pthread_t thread;
    join(one.router, dealer, where);
    pthread_create(&thread, NULL, echo, &one);
    while (answered < ECHOES && !atomic_load(&one.failed)) {
        for (size_t left = 1 + random_below(&random, ECHO_MAX); left > 0; left--)
            if (!give(dealer, asked++, 0)) atomic_store(&one.failed, true);
        for (; answered < asked && !atomic_load(&one.failed); answered++)
            if (!is(body, zmq_recv(dealer, body, sizeof body, 0), answered))
                atomic_store(&one.failed, true);
    }
    (void)zmq_send(dealer, "", 0, 0);
    pthread_join(thread, NULL);
    EXPECT("a conversation of a DEALER and a ROUTER", !atomic_load(&one.failed));
    zmq_close(one.router);
    zmq_close(dealer);
}

// A socket that threads have in turns, long enough for each to be favoured; the turn is the fence.
struct shift {
    void *socket;
    atomic_uint turn;
    atomic_bool failed;
};

struct worker {
    struct shift *shift;
    unsigned number;
};

static void *work(void *hint)
{
    const struct worker *const worker = hint;
    struct shift *const shift = worker->shift;
    for (unsigned turn = worker->number; turn < TURNS; turn += WORKERS) {
        while (atomic_load_explicit(&shift->turn, memory_order_acquire) != turn)
            sched_yield();
        for (unsigned i = 0; i < TURN; i++)
            if (!give(shift->socket, turn * TURN + i, 0)) atomic_store(&shift->failed, true);
        atomic_store_explicit(&shift->turn, turn + 1, memory_order_release);
    }
    return NULL;
}

static void handed_on(void *context, const char *where)
{
    struct shift shift = {open_one(context, ZMQ_PUSH), 0, false};
    struct worker workers[WORKERS];
    pthread_t threads[WORKERS];
    void *const pull = open_one(context, ZMQ_PULL);
    char body[BODY_MAX];
    unsigned came = 0;
    join(pull, shift.socket, where);
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){&shift, i};
        pthread_create(&threads[i], NULL, work, &workers[i]);
    }
    while (came < TURNS * TURN && is(body, zmq_recv(pull, body, sizeof body, 0), came))
        came++;
    if (came < TURNS * TURN) zmq_close(pull); // nobody sends without end
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    EXPECT("a socket that threads have in turns", came == TURNS * TURN && !shift.failed);
    zmq_close(shift.socket);
    if (came == TURNS * TURN) zmq_close(pull);
}

// Others come, say a word and go, while one sends and the receiver is favoured.
struct comer {
    void *context;
    char endpoint[256];
    atomic_bool over;
    unsigned came;
    bool failed;
};

static void *come_and_go(void *hint)
{
    struct comer *const comer = hint;
    const int linger = PATIENCE_MS;
    while (!atomic_load(&comer->over) && comer->came < COMERS) {
        void *const socket = open_patient(comer->context, ZMQ_PUSH, PATIENCE_MS);
        (void)zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
        if (zmq_connect(socket, comer->endpoint) < 0 || zmq_send(socket, "!", 1, 0) != 1)
            comer->failed = true;
        zmq_close(socket);
        comer->came++;
    }
    return NULL;
}

static void *send_on(void *hint)
{
    struct way *const way = hint;
    for (unsigned number = 0; number < MESSAGES; number++)
        if (!give(way->from, number, 0)) atomic_store(&way->failed, true);
    return NULL;
}

static void visited(void *context, const char *where)
{
    struct way way = {open_one(context, ZMQ_PUSH), open_one(context, ZMQ_PULL), 5, false, 0, false};
    struct comer comer = {.context = context};
    pthread_t threads[2];
    char body[BODY_MAX];
    unsigned number = 0, words = 0;
    bool well = true;
    bind_somewhere(way.to, where, comer.endpoint);
    (void)zmq_connect(way.from, comer.endpoint);
    pthread_create(&threads[0], NULL, send_on, &way);
    pthread_create(&threads[1], NULL, come_and_go, &comer);
    while (well && number + words < MESSAGES + COMERS) {
        const int size = zmq_recv(way.to, body, sizeof body, 0);
        if (size == 1)
            words++;
        else
            well = is(body, size, number++);
    }
    atomic_store(&comer.over, true);
    if (!well) zmq_close(way.to); // nobody sends without end
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    EXPECT("with others that come and go", well && !comer.failed && !atomic_load(&way.failed));
    zmq_close(way.from);
    if (well) zmq_close(way.to);
}

int main(void)
{
    static const char *const wheres[] = {"tcp://127.0.0.1:*", "ipc://*"};
    void *const context = zmq_ctx_new();
    for (int i = 0; i < 2; i++) {
        bursts(context, "what was sent before its sender turned to something else", wheres[i],
               false);
        bursts(context, "and is waited for at the descriptor", wheres[i], true);
        echoes(context, wheres[i]);
        handed_on(context, wheres[i]);
        visited(context, wheres[i]);
    }
    EXPECT("term", zmq_ctx_term(context) == 0);
    if (favours()) EXPECT("favours have ended", atomic_load(&barriers) > 0);
    return expect_status;
}
