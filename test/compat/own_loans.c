// Bodies that are the program's own (zmq_msg_init_data): their function is called once, never within the send that took
// them, and never while the library holds a lock, whatever the program does there or holds meanwhile.
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "patient.h"

enum { PATIENCE_MS = 20000, EACH = 2000, SENDERS = 3, MANY_BIG = 200, BIG = 1024 * 1024 };

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static atomic_int back;

static void take_back(void *data, void *hint)
{
    (void)data;
    pthread_mutex_lock(hint); // whoever sends holds it
    atomic_fetch_add(&back, 1);
    pthread_mutex_unlock(hint);
    errno = ENOTTY; // as what it calls may
}

static void await(int count)
{
    for (int i = 0; i < PATIENCE_MS && atomic_load(&back) < count; i++)
        usleep(1000);
}

static int threads(void)
{
    int entries = 0;
    DIR *const list = opendir("/proc/self/task");
    while (list && readdir(list))
        entries++;
    if (list) closedir(list);
    return entries;
}

static int send_loan(void *socket, void *octets, size_t size, int flags)
{
    zmq_msg_t msg;
    zmq_msg_init_data(&msg, octets, size, take_back, &gate);
    const int result = zmq_msg_send(&msg, socket, flags);
    if (result < 0) zmq_msg_close(&msg);
    return result;
}

// libzmq calls it within the send, and the program waits for itself.
static void dropped(const char *name, int type, size_t size)
{
    char octets[100] = "nobody";
    void *const context = zmq_ctx_new(), *const socket = open_patient(context, type, PATIENCE_MS);
    atomic_store(&back, 0);
    zmq_bind(socket, "tcp://127.0.0.1:*");
    pthread_mutex_lock(&gate);
    const int parts = type == ZMQ_ROUTER ? send_loan(socket, octets, 6, ZMQ_SNDMORE) : 6;
    EXPECT(name, parts == 6 && send_loan(socket, octets, size, 0) == (int)size);
    EXPECT(name, atomic_load(&back) == 0);
    pthread_mutex_unlock(&gate);
    zmq_close(socket);
    EXPECT(name, zmq_ctx_term(context) == 0);
    EXPECT(name, atomic_load(&back) == (type == ZMQ_ROUTER ? 2 : 1));
}

// More than is to wait: who sends is slowed down, and goes on all the same.
static void flood(void)
{
    static const char name[] = "who gives nothing back may send on";
    void *const context = zmq_ctx_new(), *const pub = open_patient(context, ZMQ_PUB, PATIENCE_MS);
    char *const octets = calloc(1, BIG);
    int sent = 0;
    atomic_store(&back, 0);
    pthread_mutex_lock(&gate);
    for (int i = 0; i < MANY_BIG; i++)
        sent += send_loan(pub, octets, BIG, 0) == BIG;
    pthread_mutex_unlock(&gate);
    EXPECT(name, sent == MANY_BIG);
    zmq_close(pub);
    EXPECT(name, zmq_ctx_term(context) == 0);
    EXPECT(name, atomic_load(&back) == MANY_BIG);
    free(octets);
}

struct again {
    void *socket;
    pthread_t thread;
    atomic_int calls;
};

// Uses the very socket.
static void send_again(void *data, void *hint)
{
    struct again *const again = hint;
    pthread_mutex_lock(&gate);
    again->thread = pthread_self();
    zmq_send(again->socket, data, 5, 0);
    atomic_fetch_add(&again->calls, 1);
    pthread_mutex_unlock(&gate);
}

static void uses_the_socket(const char *name, const char *where)
{
    static char octets[] = "again";
    char endpoint[256], body[8];
    void *const context = zmq_ctx_new();
    void *const pull = open_patient(context, ZMQ_PULL, PATIENCE_MS), *const push = open_patient(
                                                                         context, ZMQ_PUSH,
                                                                         PATIENCE_MS);
    struct again again = {.socket = push};
    zmq_msg_t msg;
    bind_somewhere(pull, where, endpoint);
    zmq_connect(push, endpoint);
    zmq_msg_init_data(&msg, octets, 5, send_again, &again);
    pthread_mutex_lock(&gate);
    EXPECT(name, zmq_msg_send(&msg, push, 0) == 5);
    pthread_mutex_unlock(&gate);
    EXPECT(name, zmq_recv(pull, body, sizeof body, 0) == 5);
    EXPECT(name, zmq_recv(pull, body, sizeof body, 0) == 5);
    pthread_mutex_lock(&gate);
    EXPECT(name, atomic_load(&again.calls) == 1);
    pthread_mutex_unlock(&gate);
    zmq_close(push);
    zmq_close(pull);
    EXPECT(name, zmq_ctx_term(context) == 0);
}

struct sender {
    void *socket;
    pthread_mutex_t mutex; // held around each of its sends
    pthread_t thread;
    int size;
};

static void *send_many(void *hint)
{
    struct sender *const sender = hint;
    static char octets[BIG];
    zmq_msg_t msg;
    intptr_t sent = 0;
    for (int i = 0; i < EACH; i++) {
        zmq_msg_init_data(&msg, octets, (size_t)sender->size, take_back, &sender->mutex);
        pthread_mutex_lock(&sender->mutex);
        sent += zmq_msg_send(&msg, sender->socket, i % 5 == 1 ? ZMQ_SNDMORE : 0) == sender->size;
        pthread_mutex_unlock(&sender->mutex);
    }
    return (void *)sent;
}

static void many_threads(const char *name, const char *where)
{
    char endpoint[256];
    static const int sizes[SENDERS] = {20, 1000, 5000};
    struct sender senders[SENDERS];
    void *sent;
    int received = 0;
    const int no_mark = 0;
    void *const context = zmq_ctx_new(), *const pull = open_patient(context, ZMQ_PULL, PATIENCE_MS);
    zmq_msg_t msg;
    atomic_store(&back, 0);
    // Over inproc the receiver's thread gives back, and waits for the lock of one that must not wait for room.
    zmq_setsockopt(pull, ZMQ_RCVHWM, &no_mark, sizeof no_mark);
    bind_somewhere(pull, where, endpoint);
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){.socket = open_patient(context, ZMQ_PUSH, PATIENCE_MS),
                                     .size = sizes[i]};
        pthread_mutex_init(&senders[i].mutex, NULL);
        zmq_setsockopt(senders[i].socket, ZMQ_SNDHWM, &no_mark, sizeof no_mark);
        zmq_connect(senders[i].socket, endpoint);
        pthread_create(&senders[i].thread, NULL, send_many, &senders[i]);
    }
    zmq_msg_init(&msg);
    while (received < SENDERS * EACH && zmq_msg_recv(&msg, pull, 0) >= 0)
        received++;
    zmq_msg_close(&msg);
    EXPECT(name, received == SENDERS * EACH);
    for (int i = 0; i < SENDERS; i++) {
        pthread_join(senders[i].thread, &sent);
        EXPECT(name, (intptr_t)sent == EACH);
        zmq_close(senders[i].socket);
    }
    zmq_close(pull);
    EXPECT(name, zmq_ctx_term(context) == 0);
    EXPECT(name, atomic_load(&back) == SENDERS * EACH);
    for (int i = 0; i < SENDERS; i++)
        pthread_mutex_destroy(&senders[i].mutex);
}

static void slowly(void *data, void *hint)
{
    (void)data;
    usleep(100000); // the context's end has begun, most likely; if not, it waits as well
    atomic_fetch_add((atomic_int *)hint, 1);
}

static void awaited(void)
{
    static const char name[] = "the context's end waits for all";
    enum { COUNT = 3 };
    static char octets[10];
    atomic_int count = 0;
    zmq_msg_t msg;
    const int before = threads();
    void *const context = zmq_ctx_new(), *const push = open_patient(context, ZMQ_PUSH, PATIENCE_MS);
    EXPECT(name, threads() == before);
    zmq_connect(push, "inproc://nobody");
    for (int i = 0; i < COUNT; i++) {
        zmq_msg_init_data(&msg, octets, sizeof octets, slowly, &count);
        EXPECT(name, zmq_msg_send(&msg, push, 0) == sizeof octets);
    }
    EXPECT(name, threads() == before);
    zmq_close(push);
    EXPECT(name, zmq_ctx_term(context) == 0);
    EXPECT(name, atomic_load(&count) == COUNT);
    EXPECT("no thread is left", threads() == before);
}

// A child has a copy of what the program had, and its own contexts.
static void forked(void)
{
    static const char name[] = "a child gives back its own";
    static char octets[50] = "child";
    int status = -1;
    zmq_msg_t msg;
    if (THREADS_SANITIZED) return;
    atomic_store(&back, 0);
    void *const context = zmq_ctx_new(), *const pub = open_patient(context, ZMQ_PUB, PATIENCE_MS);
    send_loan(pub, octets, sizeof octets, 0); // there is a thread now, which no child has
    await(1);
    zmq_msg_init_data(&msg, octets, sizeof octets, take_back, &gate);
    fflush(stdout);
    const pid_t pid = fork();
    if (pid == 0) {
        void *const own = zmq_ctx_new(), *const socket = open_patient(own, ZMQ_PUB, PATIENCE_MS);
        zmq_msg_close(&msg);
        int ok = atomic_load(&back) == 2;
        ok &= send_loan(pub, octets, sizeof octets, 0) == -1 && atomic_load(&back) == 3;
        pthread_mutex_lock(&gate);
        ok &= send_loan(socket, octets, sizeof octets, 0) == sizeof octets;
        pthread_mutex_unlock(&gate);
        zmq_close(socket);
        ok &= zmq_ctx_term(own) == 0 && atomic_load(&back) == 4;
        _exit(ok ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    EXPECT(name, WIFEXITED(status) && WEXITSTATUS(status) == 0);
    EXPECT(name, atomic_load(&back) == 1);
    zmq_msg_close(&msg);
    EXPECT(name, atomic_load(&back) == 2);
    zmq_close(pub);
    EXPECT(name, zmq_ctx_term(context) == 0);
}

int main(void)
{
    dropped("a PUB without subscribers, a few octets", ZMQ_PUB, 20);
    dropped("a PUB without subscribers, some octets", ZMQ_PUB, 100);
    dropped("a ROUTER's message for nobody", ZMQ_ROUTER, 20);
    flood();
    uses_the_socket("what gives it back uses the socket, tcp", "tcp://127.0.0.1:*");
    many_threads("each thread with its lock, tcp", "tcp://127.0.0.1:*");
    many_threads("each thread with its lock, inproc", "inproc://many");
    awaited();
    forked();
    return expect_status;
}
