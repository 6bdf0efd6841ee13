// Bodies that are the program's own until the function of zmq_msg_init_data gives them back: when that is called, on
// whose thread, and that it is called once. The program holds a lock around its calls that the function takes.
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "patient.h"
#include "say.h"

enum { PATIENCE_MS = 20000, SMALL = 20, MIDDLE = 1000, BIG = 100000 };

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

struct loan {
    char *octets;
    size_t size;
    atomic_int calls;
    atomic_bool here; // the last on the program's own thread
};
static pthread_t program;

// |hint| is the loan. Takes the lock, but where the program itself does not hold it.
static void take_back(void *data, void *hint)
{
    struct loan *const loan = hint;
    (void)data;
    const bool here = pthread_equal(pthread_self(), program);
    if (!here) pthread_mutex_lock(&gate);
    atomic_store(&loan->here, here);
    if (!here) pthread_mutex_unlock(&gate);
    atomic_fetch_add(&loan->calls, 1);
}

static void lend(struct loan *loan, zmq_msg_t *msg, size_t size)
{
    *loan = (struct loan){.octets = malloc(size), .size = size};
    memset(loan->octets, 'l', size);
    zmq_msg_init_data(msg, loan->octets, size, take_back, loan);
}

static void await(struct loan *loan)
{
    for (int i = 0; i < PATIENCE_MS && atomic_load(&loan->calls) == 0; i++)
        usleep(1000);
}

// Says whether it was given back, and where, as it is now.
static void say_loan(const char *name, struct loan *loan)
{
    const int calls = atomic_load(&loan->calls);
    if (calls == 0)
        say(name, "out");
    else
        say(name, "back, %d call, %s", calls, atomic_load(&loan->here) ? "here" : "elsewhere");
}

static int send_locked(zmq_msg_t *msg, void *socket, int flags)
{
    pthread_mutex_lock(&gate);
    const int result = zmq_msg_send(msg, socket, flags);
    usleep(1000);
    pthread_mutex_unlock(&gate);
    return result;
}

// Another thread gives it back, after the send.
static void over_connection(const char *name, const char *where, size_t size)
{
    char endpoint[256];
    struct loan loan;
    zmq_msg_t msg;
    void *const context = zmq_ctx_new();
    void *const pull = open_patient(context, ZMQ_PULL, PATIENCE_MS);
    void *const push = open_patient(context, ZMQ_PUSH, PATIENCE_MS);
    bind_somewhere(pull, where, endpoint);
    say_result(name, zmq_connect(push, endpoint));
    for (int i = 0; i < 3; i++) {
        lend(&loan, &msg, size);
        say_result(name, send_locked(&msg, push, 0));
        say(name, "%zu left", zmq_msg_size(&msg));
        zmq_msg_close(&msg);
        zmq_msg_init(&msg);
        say_result(name, zmq_msg_recv(&msg, pull, 0));
        zmq_msg_close(&msg);
        await(&loan);
        say_loan(name, &loan);
        free(loan.octets);
    }
    zmq_close(push);
    zmq_close(pull);
    say_result(name, zmq_ctx_term(context));
    say_loan(name, &loan);
}

// The receiver has it, as it lies, and gives it back.
static void within(const char *name, size_t size)
{
    struct loan loan, second;
    zmq_msg_t msg;
    void *const context = zmq_ctx_new();
    void *const pull = open_patient(context, ZMQ_PULL, PATIENCE_MS);
    void *const push = open_patient(context, ZMQ_PUSH, PATIENCE_MS);
    static char room[BIG];
    say_result(name, zmq_bind(pull, "inproc://within"));
    say_result(name, zmq_connect(push, "inproc://within"));
    lend(&loan, &msg, size);
    say_result(name, send_locked(&msg, push, 0));
    say_loan(name, &loan);
    say_result(name, zmq_msg_recv(&msg, pull, 0));
    say(name, zmq_msg_data(&msg) == loan.octets ? "where it lay" : "a copy");
    say_loan(name, &loan);
    zmq_msg_close(&msg);
    say_loan(name, &loan);
    free(loan.octets);
    // Where the octets are copied to the program.
    lend(&loan, &msg, size);
    say_result(name, send_locked(&msg, push, 0));
    say_result(name, zmq_recv(pull, room, sizeof room, 0));
    say_loan(name, &loan);
    free(loan.octets);
    // Where another message takes its place.
    lend(&loan, &msg, size);
    say_result(name, send_locked(&msg, push, 0));
    lend(&second, &msg, size);
    say_result(name, send_locked(&msg, push, 0));
    say_result(name, zmq_msg_recv(&msg, pull, 0));
    say_loan(name, &loan);
    say_result(name, zmq_msg_recv(&msg, pull, 0));
    say_loan(name, &loan);
    say_loan(name, &second);
    zmq_msg_close(&msg);
    say_loan(name, &second);
    free(loan.octets);
    free(second.octets);
    zmq_close(push);
    zmq_close(pull);
    say_result(name, zmq_ctx_term(context));
}

// A send that fails leaves it to the program.
static void no_room(const char *name, size_t size)
{
    struct loan loan;
    zmq_msg_t msg;
    const int mark = 2;
    void *const context = zmq_ctx_new();
    void *const push = open_patient(context, ZMQ_PUSH, PATIENCE_MS);
    zmq_setsockopt(push, ZMQ_SNDHWM, &mark, sizeof mark);
    say_result(name, zmq_connect(push, "tcp://127.0.0.1:9"));
    for (int i = 0; i < mark; i++)
        say_result(name, zmq_send(push, "x", 1, ZMQ_DONTWAIT));
    lend(&loan, &msg, size);
    say_result(name, send_locked(&msg, push, ZMQ_DONTWAIT));
    say_loan(name, &loan);
    say(name, zmq_msg_size(&msg) == size && zmq_msg_data(&msg) == loan.octets ? "as it was"
                                                                              : "not as it was");
    zmq_msg_close(&msg);
    say_loan(name, &loan);
    free(loan.octets);
    zmq_close(push);
    say_result(name, zmq_ctx_term(context));
}

// Nobody came for it: the context ends only when it was given back.
static void left_behind(const char *name, const char *where, size_t size)
{
    enum { MANY = 10 };
    struct loan loans[MANY];
    zmq_msg_t msg;
    int back = 0, once = 0, sent = 0;
    void *const context = zmq_ctx_new();
    void *const push = open_patient(context, ZMQ_PUSH, PATIENCE_MS);
    say_result(name, zmq_connect(push, where));
    for (int i = 0; i < MANY; i++) {
        lend(&loans[i], &msg, size);
        sent += send_locked(&msg, push, i % 3 == 1 ? ZMQ_SNDMORE : 0) == (int)size;
    }
    say(name, "%d sent", sent);
    pthread_mutex_lock(&gate);
    say_result(name, zmq_close(push));
    pthread_mutex_unlock(&gate);
    say_result(name, zmq_ctx_term(context));
    for (int i = 0; i < MANY; i++) {
        back += atomic_load(&loans[i].calls) > 0;
        once += atomic_load(&loans[i].calls) == 1;
        free(loans[i].octets);
    }
    say(name, "%d back, %d of them once", back, once);
}

// It was sent, and its receiver closes without a look.
static void unseen(const char *name, size_t size)
{
    struct loan loan;
    zmq_msg_t msg;
    void *const context = zmq_ctx_new();
    void *const pull = open_patient(context, ZMQ_PULL, PATIENCE_MS);
    void *const push = open_patient(context, ZMQ_PUSH, PATIENCE_MS);
    say_result(name, zmq_bind(pull, "inproc://unseen"));
    say_result(name, zmq_connect(push, "inproc://unseen"));
    lend(&loan, &msg, size);
    say_result(name, send_locked(&msg, push, 0));
    say_loan(name, &loan);
    pthread_mutex_lock(&gate);
    say_result(name, zmq_close(pull));
    say_result(name, zmq_close(push));
    pthread_mutex_unlock(&gate);
    await(&loan);
    say_loan(name, &loan);
    say_result(name, zmq_ctx_term(context));
    say_loan(name, &loan);
    free(loan.octets);
}

// The last of those who share it gives it back.
static void shared(const char *name, const char *where, size_t size)
{
    char endpoint[256];
    struct loan loan;
    zmq_msg_t msg, copy;
    void *const context = zmq_ctx_new();
    void *const pull = open_patient(context, ZMQ_PULL, PATIENCE_MS);
    void *const push = open_patient(context, ZMQ_PUSH, PATIENCE_MS);
    bind_somewhere(pull, where, endpoint);
    say_result(name, zmq_connect(push, endpoint));
    lend(&loan, &msg, size);
    zmq_msg_init(&copy);
    say_result(name, zmq_msg_copy(&copy, &msg));
    say_result(name, send_locked(&msg, push, 0));
    say_result(name, zmq_msg_recv(&msg, pull, 0));
    say(name, "%zu", zmq_msg_size(&msg));
    zmq_msg_close(&msg);
    say_loan(name, &loan);
    zmq_msg_close(&copy);
    await(&loan); // another thread may have it still
    say(name, "%d call", atomic_load(&loan.calls));
    free(loan.octets);
    zmq_close(push);
    zmq_close(pull);
    say_result(name, zmq_ctx_term(context));
}

// Several subscribers, and what nobody wants: it comes back.
static void published(const char *name, size_t size)
{
    enum { SUBS = 3 };
    struct loan loan;
    zmq_msg_t msg;
    void *const context = zmq_ctx_new();
    void *const pub = open_patient(context, ZMQ_XPUB, PATIENCE_MS);
    void *subs[SUBS];
    char topic[8];
    say_result(name, zmq_bind(pub, "inproc://published"));
    for (int i = 0; i < SUBS; i++) {
        subs[i] = open_patient(context, ZMQ_SUB, PATIENCE_MS);
        zmq_setsockopt(subs[i], ZMQ_SUBSCRIBE, "l", 1);
        zmq_connect(subs[i], "inproc://published");
    }
    say_result(name, zmq_recv(pub, topic, sizeof topic, 0));
    zmq_recv(pub, topic, sizeof topic, ZMQ_DONTWAIT); // so that it has heard of all
    lend(&loan, &msg, size);
    say_result(name, send_locked(&msg, pub, 0));
    for (int i = 0; i < SUBS; i++) {
        say_loan(name, &loan);
        say_result(name, zmq_msg_recv(&msg, subs[i], 0));
        zmq_msg_close(&msg);
        zmq_msg_init(&msg);
    }
    await(&loan);
    say_loan(name, &loan);
    memset(loan.octets, 'n', size);
    free(loan.octets);
    lend(&loan, &msg, size);
    loan.octets[0] = 'n';
    say_result(name, zmq_msg_send(&msg, pub, 0)); // libzmq gives it back at once
    await(&loan);
    say(name, "%d call", atomic_load(&loan.calls));
    free(loan.octets);
    for (int i = 0; i < SUBS; i++)
        zmq_close(subs[i]);
    zmq_close(pub);
    say_result(name, zmq_ctx_term(context));
}

int main(void)
{
    program = pthread_self();
    over_connection("tcp, a few octets", "tcp://127.0.0.1:*", SMALL);
    over_connection("tcp, some octets", "tcp://127.0.0.1:*", MIDDLE);
    over_connection("tcp, many octets", "tcp://127.0.0.1:*", BIG);
    over_connection("ipc, a few octets", "ipc://*", SMALL);
    within("inproc, a few octets", SMALL);
    within("inproc, some octets", MIDDLE);
    within("inproc, many octets", BIG);
    no_room("no room, a few octets", SMALL);
    no_room("no room, many octets", BIG);
    left_behind("left behind over tcp, a few octets", "tcp://127.0.0.1:9", SMALL);
    left_behind("left behind over tcp, many octets", "tcp://127.0.0.1:9", BIG);
    left_behind("left behind at a name, a few octets", "inproc://nobody", SMALL);
    left_behind("left behind at a name, many octets", "inproc://nobody", BIG);
    unseen("unseen, a few octets", SMALL);
    unseen("unseen, many octets", BIG);
    shared("shared over tcp, a few octets", "tcp://127.0.0.1:*", SMALL);
    shared("shared over tcp, many octets", "tcp://127.0.0.1:*", BIG);
    shared("shared over inproc, a few octets", "inproc://shared", SMALL);
    published("published, a few octets", SMALL);
    published("published, many octets", BIG);
    return 0;
}
