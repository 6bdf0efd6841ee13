// A close waits for nobody: what the watch has left to do for the socket, and what lingers, is done when it comes to that.
// Here the watch is held up, in the call of the system's that it makes once for its process, while it has been called for
// a socket, and that is closed meanwhile. Nor does the watch wait for a socket that is closed.
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "expect.h"
#include "patient.h"
#include "syscalls.h"

enum { PATIENCE_MS = 20000, BURST = 20, YIELDS_MAX = 8 };

static sem_t held, released, closed;
static _Thread_local bool own;
static atomic_uint yields; // of the watch

int sched_yield(void)
{
    if (!own) atomic_fetch_add(&yields, 1);
    return (int)syscall(SYS_sched_yield);
}

#ifdef SEES_SYSCALLS
static void look_at_syscall(long number, long first)
{
    if (number != SYS_membarrier || first != MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) return;
    sem_post(&held);
    while (sem_wait(&released) != 0) {
        // interrupted
    }
    sem_post(&released);
}
enum { HOLDS = 1 };
#else
enum { HOLDS = 0 };
#endif

static bool waits(sem_t *sem)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE_MS / 1000;
    return sem_timedwait(sem, &end) == 0;
}

struct pair {
    void *from, *to;
};

static struct pair open_pair(void *context)
{
    char endpoint[256];
    const struct pair pair = {open_patient(context, ZMQ_PUSH, PATIENCE_MS),
                              open_patient(context, ZMQ_PULL, PATIENCE_MS)};
    bind_somewhere(pair.to, "tcp://127.0.0.1:*", endpoint);
    (void)zmq_connect(pair.from, endpoint);
    return pair;
}

static bool pass(struct pair pair, int count)
{
    char body[4];
    bool well = true;
    for (int i = 0; i < count; i++)
        well = zmq_send(pair.from, "x", 1, 0) == 1 && well;
    for (int i = 0; i < count && well; i++)
        well = zmq_recv(pair.to, body, sizeof body, 0) == 1;
    return well;
}

// One thread passes messages, until the watch asks whether it may be favoured.
static bool hold(struct pair pair)
{
    void *const clock = zmq_stopwatch_start();
    bool here = false, well = true;
    while (!here && well && zmq_stopwatch_intermediate(clock) < PATIENCE_MS * 1000UL) {
        well = pass(pair, BURST * BURST);
        here = sem_trywait(&held) == 0;
    }
    (void)zmq_stopwatch_stop(clock);
    return here;
}

static void *close_it(void *socket)
{
    own = true;
    zmq_close(socket);
    sem_post(&closed);
    return NULL;
}

// The watch has been called: somebody looks at the descriptor of a socket that has sent more than its calls wrote.
static bool call_watch(struct pair pair)
{
    bool well = true;
    for (int i = 0; i < BURST; i++)
        well = zmq_send(pair.from, "x", 1, 0) == 1 && well;
    return well;
}

static void closes(void *context)
{
    const struct pair busy = open_pair(context), other = open_pair(context);
    const int linger = PATIENCE_MS;
    int fd, came = 0;
    size_t size = sizeof fd;
    pthread_t thread;
    char body[4];
    (void)zmq_setsockopt(other.from, ZMQ_LINGER, &linger, sizeof linger);
    EXPECT("both pass messages", pass(busy, 1) && pass(other, 1));
    EXPECT("a descriptor", zmq_getsockopt(other.from, ZMQ_FD, &fd, &size) == 0);
    if (HOLDS) EXPECT("the watch is held up", hold(busy));
    EXPECT("and called", call_watch(other));
    pthread_create(&thread, NULL, close_it, other.from);
    EXPECT("a close does not wait for it", waits(&closed));
    yields = 0;
    sem_post(&released);
    pthread_join(thread, NULL);
    while (came < BURST && zmq_recv(other.to, body, sizeof body, 0) == 1)
        came++;
    EXPECT("and all that was sent comes", came == BURST);
    // Other sockets wait for it meanwhile.
    EXPECT("nor does the watch try to get into what is closed", yields <= YIELDS_MAX);
    zmq_close(other.to);
    zmq_close(busy.from);
    zmq_close(busy.to);
}

int main(void)
{
    sem_init(&held, 0, 0);
    sem_init(&released, 0, 0);
    sem_init(&closed, 0, 0);
    void *const context = zmq_ctx_new();
    own = true;
    closes(context);
    EXPECT("term", zmq_ctx_term(context) == 0);
    return expect_status;
}
