// Streams between two threads over inproc, with pauses and polls, and with other threads that bring news meanwhile.
// All comes, in order, and what a thread sent before it turned to something else, too. Run under ThreadSanitizer, too.
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#ifdef __linux__
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "expect.h"
#include "patient.h"

enum { MESSAGES = 20000, BODY_MAX = 5000, PATIENCE_MS = 60000, LEFT = 50 };

struct stream {
    void *socket;
    uint64_t seed;
    int count;
    int failed; // the number of the message with which it went wrong, and one
};

static uint32_t dice(struct stream *stream)
{
    stream->seed = stream->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(stream->seed >> 33);
}

static void moment(void)
{
    const struct timespec wait = {.tv_nsec = 1000000};
    nanosleep(&wait, NULL);
}

static size_t size_of(int number)
{
    static const size_t sizes[] = {8, 16, 40, 48, 52, 60, 300, 4095, 4096, BODY_MAX};
    return number % 7 ? sizes[number % 3] : sizes[number / 7 % 10];
}

static void fill(char *body, int number)
{
    memset(body, number & 0x7f, size_of(number));
    memcpy(body, &number, sizeof number);
}

static bool is(const char *body, size_t size, int number)
{
    int found = -1;
    if (size >= sizeof found) memcpy(&found, body, sizeof found);
    return size == size_of(number) && found == number && body[size - 1] == (number & 0x7f);
}

// Sends number |number| in one of the ways there are.
static bool give(struct stream *stream, int number)
{
    char body[BODY_MAX];
    const size_t size = size_of(number);
    fill(body, number);
    if (dice(stream) % 4) return zmq_send(stream->socket, body, size, 0) == (int)size;
    zmq_msg_t msg;
    if (zmq_msg_init_size(&msg, size) < 0) return false;
    memcpy(zmq_msg_data(&msg), body, size);
    if (zmq_msg_send(&msg, stream->socket, 0) == (int)size) return true;
    zmq_msg_close(&msg);
    return false;
}

static bool take(struct stream *stream, zmq_msg_t *msg, int number)
{
    char body[BODY_MAX];
    if (dice(stream) % 4 == 0) {
        const int size = zmq_recv(stream->socket, body, sizeof body, 0);
        return size >= 0 && is(body, (size_t)size, number);
    }
    return zmq_msg_recv(msg, stream->socket, 0) >= 0 &&
           is(zmq_msg_data(msg), zmq_msg_size(msg), number) && !zmq_msg_more(msg);
}

// Something else than the next message, now and then.
static void digress(struct stream *stream)
{
    switch (dice(stream) % 3000) {
    case 0:
    case 1:
        moment();
        break;
    case 2:
        sched_yield();
        break;
    case 3: {
        zmq_pollitem_t item = {.socket = stream->socket, .events = ZMQ_POLLIN | ZMQ_POLLOUT};
        (void)zmq_poll(&item, 1, 1);
        break;
    }
    default:
        break;
    }
}

static void *send_all(void *hint)
{
    struct stream *const stream = hint;
    for (int i = 0; i < stream->count && !stream->failed; i++) {
        digress(stream);
        if (!give(stream, i)) stream->failed = i + 1;
    }
    return NULL;
}

static void *receive_all(void *hint)
{
    struct stream *const stream = hint;
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    for (int i = 0; i < stream->count && !stream->failed; i++) {
        digress(stream);
        if (!take(stream, &msg, i)) stream->failed = i + 1;
    }
    zmq_msg_close(&msg);
    return NULL;
}

static void run_both(const char *name, struct stream streams[2])
{
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, send_all, &streams[0]);
    pthread_create(&threads[1], NULL, receive_all, &streams[1]);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        EXPECT(name, streams[i].failed == 0);
    }
}

static void *open_limited(void *context, int type, int limit)
{
    void *socket = open_patient(context, type, PATIENCE_MS);
    (void)zmq_setsockopt(socket, ZMQ_SNDHWM, &limit, sizeof limit);
    (void)zmq_setsockopt(socket, ZMQ_RCVHWM, &limit, sizeof limit);
    return socket;
}

static void one_way(void *context, const char *name, int from, int to, int limit)
{
    struct stream streams[2] = {{open_limited(context, from, limit), 1, MESSAGES, 0},
                                {open_limited(context, to, limit), 2, MESSAGES, 0}};
    zmq_bind(streams[1].socket, "inproc://stream");
    zmq_connect(streams[0].socket, "inproc://stream");
    run_both(name, streams);
    zmq_close(streams[0].socket);
    zmq_close(streams[1].socket);
}

// Sends to the other side, and answers it, in turns of various lengths.
static void *converse(void *hint)
{
    struct stream *const stream = hint;
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    for (int i = 0, length; i < stream->count && !stream->failed; i += length) {
        length = 1 + i % 40; // the same on both sides
        for (int k = 0; k < length && !stream->failed; k++)
            if (!give(stream, i + k)) stream->failed = i + 1;
        digress(stream);
        for (int k = 0; k < length && !stream->failed; k++)
            if (!take(stream, &msg, i + k)) stream->failed = i + 1;
    }
    zmq_msg_close(&msg);
    return NULL;
}

static void both_ways(void *context)
{
    struct stream streams[2] = {{open_limited(context, ZMQ_PAIR, 100), 3, MESSAGES, 0},
                                {open_limited(context, ZMQ_PAIR, 100), 4, MESSAGES, 0}};
    pthread_t threads[2];
    zmq_bind(streams[1].socket, "inproc://talk");
    zmq_connect(streams[0].socket, "inproc://talk");
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, converse, &streams[i]);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        EXPECT("a conversation", streams[i].failed == 0);
        zmq_close(streams[i].socket);
    }
}

struct leaver {
    struct stream stream;
    atomic_bool sent, received;
};

// Sends, and then calls nothing any more.
static void *send_and_wait(void *hint)
{
    struct leaver *const leaver = hint;
    send_all(&leaver->stream);
    atomic_store(&leaver->sent, true);
    while (!atomic_load(&leaver->received))
        moment();
    return NULL;
}

static void left_behind(void *context)
{
    struct leaver leaver = {.stream = {open_limited(context, ZMQ_PUSH, 1000), 5, LEFT, 0}};
    struct stream receiver = {open_limited(context, ZMQ_PULL, 1000), 6, LEFT, 0};
    pthread_t thread;
    zmq_bind(receiver.socket, "inproc://left");
    zmq_connect(leaver.stream.socket, "inproc://left");
    pthread_create(&thread, NULL, send_and_wait, &leaver);
    while (!atomic_load(&leaver.sent))
        moment();
    receive_all(&receiver);
    EXPECT("what was sent before its sender turned to something else", receiver.failed == 0);
    atomic_store(&leaver.received, true);
    pthread_join(thread, NULL);
    // And by one that polls alone.
    leaver.stream.count = 100;
    send_all(&leaver.stream);
    int found = 0;
    char body[BODY_MAX];
    for (int i = 0; i < 100; i++) {
        zmq_pollitem_t item = {.socket = receiver.socket, .events = ZMQ_POLLIN};
        found += zmq_poll(&item, 1, 0) == 1 &&
                 zmq_recv(receiver.socket, body, sizeof body, ZMQ_DONTWAIT) >= 0;
    }
    EXPECT("what is sent is there at once for who looks on the same thread", found == 100);
    zmq_close(leaver.stream.socket);
    zmq_close(receiver.socket);
}

struct visitor {
    void *context;
    atomic_bool done;
    int visits;
};

// Comes and goes at the end of a stream, faster than the end can take note of it.
static void *visit(void *hint)
{
    struct visitor *const visitor = hint;
    while (!atomic_load(&visitor->done)) {
        void *socket = open_patient(visitor->context, ZMQ_PUSH, PATIENCE_MS);
        zmq_connect(socket, "inproc://visited");
        zmq_close(socket);
        visitor->visits++;
    }
    return NULL;
}

static void visited(void *context)
{
    struct visitor visitor = {.context = context};
    struct stream streams[2] = {{open_limited(context, ZMQ_PUSH, 1000), 7, MESSAGES, 0},
                                {open_limited(context, ZMQ_PULL, 1000), 8, MESSAGES, 0}};
    pthread_t threads[2], third;
    zmq_bind(streams[1].socket, "inproc://visited");
    zmq_connect(streams[0].socket, "inproc://visited");
    pthread_create(&threads[0], NULL, send_all, &streams[0]);
    pthread_create(&threads[1], NULL, receive_all, &streams[1]);
    pthread_create(&third, NULL, visit, &visitor);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        EXPECT("with others that come and go", streams[i].failed == 0);
    }
    atomic_store(&visitor.done, true);
    pthread_join(third, NULL);
    EXPECT("with others that come and go", visitor.visits > 0);
    zmq_close(streams[0].socket);
    zmq_close(streams[1].socket);
}

// As a program does that gives up what it needs no more, where the system has filters.
static void forbid_barriers(void)
{
#ifdef __linux__
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = {sizeof steps / sizeof steps[0], steps};
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
#endif
}

// This thread is favoured by both sockets' locks, when that ends for want of a barrier and other threads have them.
static void without_barriers(void *context)
{
    struct stream streams[2] = {{open_limited(context, ZMQ_PUSH, 1000), 9, 500, 0},
                                {open_limited(context, ZMQ_PULL, 1000), 10, 500, 0}};
    zmq_bind(streams[1].socket, "inproc://bare");
    zmq_connect(streams[0].socket, "inproc://bare");
    send_all(&streams[0]);
    receive_all(&streams[1]);
    forbid_barriers();
    streams[0].count = streams[1].count = MESSAGES;
    run_both("a stream without barriers", streams);
    zmq_close(streams[0].socket);
    zmq_close(streams[1].socket);
}

int main(void)
{
    void *context = zmq_ctx_new();
    one_way(context, "a stream", ZMQ_DEALER, ZMQ_DEALER, 1000);
    one_way(context, "a stream of PUSH and PULL", ZMQ_PUSH, ZMQ_PULL, 1000);
    one_way(context, "a stream within narrow limits", ZMQ_PUSH, ZMQ_PULL, 3);
    one_way(context, "a stream of PAIRs", ZMQ_PAIR, ZMQ_PAIR, 50);
    both_ways(context);
    left_behind(context);
    visited(context);
    without_barriers(context); // for good
    EXPECT("term", zmq_ctx_term(context) == 0);
    return expect_status;
}
