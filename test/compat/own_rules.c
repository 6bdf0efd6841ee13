// The rules for programs that reach the library through a foreign-function interface, R1 to R10 (R1, R7 and R8 are
// of names and numbers: test_abi.py). A case begins with the rule that it proves.
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"

enum { SHORT_MS = 50, LATE_MS = 60000 };

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void set(void *socket, int option, int value)
{
    (void)zmq_setsockopt(socket, option, &value, sizeof value);
}

static int get(void *socket, int option)
{
    int value = -1;
    size_t size = sizeof value;
    return zmq_getsockopt(socket, option, &value, &size) == 0 ? value : -1;
}

// Both errnos, and that one of them outlives what a host does in between.
static void r2_errors(void *context)
{
    static const char name[] = "R2, an error is in errno and in zmq_errno, and the second stays";
    char octet;
    void *socket = zmq_socket(context, ZMQ_PULL);
    FAILS(name, zmq_recv(socket, &octet, 1, ZMQ_DONTWAIT), EAGAIN);
    (void)close(-1);
    EXPECT(name, errno == EBADF && zmq_errno() == EAGAIN);
    EXPECT(name, strlen(zmq_strerror(EAGAIN)) > 0 && strlen(zmq_strerror(ETERM)) > 0);
    zmq_close(socket);
}

// How each call that may block is kept from it.
static void r3_bounded(void *context)
{
    static const char name[] = "R3, every call that blocks has a twin with a limit";
    void *socket = zmq_socket(context, ZMQ_DEALER), *safe = zmq_socket(context, ZMQ_SERVER);
    void *poller = zmq_poller_new();
    zmq_poller_event_t event;
    zmq_pollitem_t items[] = {{.socket = socket, .events = ZMQ_POLLIN},
                              {.socket = safe, .events = ZMQ_POLLIN}};
    struct iovec parts[1];
    size_t count = 1;
    zmq_msg_t msg;
    char octet;
    zmq_msg_init(&msg);
    FAILS(name, zmq_recv(socket, &octet, 1, ZMQ_DONTWAIT), EAGAIN);
    FAILS(name, zmq_msg_recv(&msg, socket, ZMQ_DONTWAIT), EAGAIN);
    FAILS(name, zmq_recvmsg(socket, &msg, ZMQ_DONTWAIT), EAGAIN);
    FAILS(name, zmq_recviov(socket, parts, &count, ZMQ_DONTWAIT), EAGAIN);
    FAILS(name, zmq_send(socket, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    FAILS(name, zmq_send_const(socket, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    FAILS(name, zmq_msg_send(&msg, socket, ZMQ_DONTWAIT), EAGAIN);
    FAILS(name, zmq_sendmsg(socket, &msg, ZMQ_DONTWAIT), EAGAIN);
    set(socket, ZMQ_RCVTIMEO, SHORT_MS);
    set(socket, ZMQ_SNDTIMEO, SHORT_MS);
    set(safe, ZMQ_RCVTIMEO, SHORT_MS);
    uint64_t began = now_ms();
    FAILS(name, zmq_recv(socket, &octet, 1, 0), EAGAIN);
    FAILS(name, zmq_recv(safe, &octet, 1, 0), EAGAIN);
    FAILS(name, zmq_send(socket, "x", 1, 0), EAGAIN);
    EXPECT(name, zmq_poll(items, 1, SHORT_MS) == 0 && zmq_poll(items, 2, SHORT_MS) == 0);
    zmq_poller_add(poller, socket, NULL, ZMQ_POLLIN);
    FAILS(name, zmq_poller_wait(poller, &event, SHORT_MS), EAGAIN);
    began = now_ms() - began;
    EXPECT(name, began >= 6 * SHORT_MS - 12 && began < LATE_MS);
    EXPECT("R3, a descriptor and the events are for hosts with a loop",
           get(socket, ZMQ_FD) >= 0 && get(socket, ZMQ_EVENTS) == 0);
    zmq_poller_destroy(&poller);
    zmq_msg_close(&msg);
    zmq_close(safe);
    zmq_close(socket);
}

static void ignore(int number)
{
    (void)number;
}

struct interrupted {
    pthread_t thread;
    atomic_bool over;
};

// Again and again, as a busy machine may be late with the call that is to be interrupted.
static void *interrupt(void *hint)
{
    struct interrupted *interrupted = hint;
    const struct timespec wait = {.tv_nsec = SHORT_MS * 1000000};
    while (!atomic_load(&interrupted->over)) {
        nanosleep(&wait, NULL);
        pthread_kill(interrupted->thread, SIGUSR1);
    }
    return NULL;
}

static void r4_signals(void *context)
{
    static const char name[] = "R4, a signal ends a wait with EINTR, and the next goes on";
    const struct sigaction action = {.sa_handler = ignore};
    sigaction(SIGUSR1, &action, NULL);
    void *socket = zmq_socket(context, ZMQ_PULL);
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    struct interrupted self = {.thread = pthread_self()};
    pthread_t thread;
    char octet;
    pthread_create(&thread, NULL, interrupt, &self);
    FAILS(name, zmq_recv(socket, &octet, 1, 0), EINTR);
    FAILS(name, zmq_poll(&item, 1, -1), EINTR);
    atomic_store(&self.over, true);
    pthread_join(thread, NULL);
    FAILS(name, zmq_recv(socket, &octet, 1, ZMQ_DONTWAIT), EAGAIN);
    zmq_close(socket);
}

static void r5_any_order(void)
{
    static const char name[] = "R5, handles are closed in any order, and twice does no harm";
    void *context = zmq_ctx_new(), *a = zmq_socket(context, ZMQ_PUSH);
    void *b = zmq_socket(context, ZMQ_PULL), *other = NULL;
    set(a, ZMQ_LINGER, 0);
    zmq_connect(a, "inproc://later");
    zmq_connect(a, "tcp://127.0.0.1:1");
    EXPECT(name, zmq_send(a, "never", 5, 0) == 5);
    EXPECT(name, zmq_ctx_shutdown(context) == 0 && zmq_ctx_shutdown(context) == 0);
    FAILS(name, zmq_send(a, "x", 1, ZMQ_DONTWAIT), ETERM);
    IS_NULL(name, zmq_socket(context, ZMQ_PAIR), ETERM);
    EXPECT(name, zmq_close(b) == 0);
    FAILS(name, zmq_close(b), ENOTSOCK);
    EXPECT(name, zmq_close(a) == 0);
    EXPECT(name, zmq_ctx_term(context) == 0);
    FAILS(name, zmq_ctx_term(context), EFAULT);
    FAILS(name, zmq_close(a), ENOTSOCK);
    FAILS(name, zmq_close(NULL), ENOTSOCK);
    FAILS(name, zmq_ctx_term(NULL), EFAULT);
    FAILS(name, zmq_poller_destroy(&other), EFAULT);
}

// What was sent is what the memory held at the call, whatever becomes of it.
static void r6_sent_over(void *context, const char *where)
{
    static const char name[] = "R6, what is sent is copied, and the program's memory is its own";
    static const size_t sizes[] = {1, 32, 33, 40, 41, 64, 255, 256, 4096, 100000};
    void *push = zmq_socket(context, ZMQ_PUSH), *pull = zmq_socket(context, ZMQ_PULL);
    char endpoint[256], *octets = malloc(100000), *seen = malloc(100000);
    size_t size = sizeof endpoint;
    set(pull, ZMQ_RCVTIMEO, LATE_MS);
    zmq_bind(pull, where);
    zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, endpoint, &size);
    zmq_connect(push, endpoint);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        zmq_msg_t msg;
        struct iovec part = {octets, sizes[i]};
        memset(octets, 'a', sizes[i]);
        zmq_send(push, octets, sizes[i], 0);
        memset(octets, 'b', sizes[i]);
        zmq_msg_init_buffer(&msg, octets, sizes[i]);
        memset(octets, 'c', sizes[i]);
        zmq_msg_send(&msg, push, 0);
        zmq_sendiov(push, &part, 1, 0);
        memset(octets, 'd', sizes[i]);
        for (char letter = 'a'; letter < 'd'; letter++) {
            const int got = zmq_recv(pull, seen, 100000, 0);
            EXPECT(name, got == (int)sizes[i] && seen[0] == letter && seen[got - 1] == letter);
        }
    }
    zmq_close(push);
    zmq_close(pull);
    free(octets);
    free(seen);
}

static void r6_texts(void *context)
{
    static const char name[] = "R6, texts that were given may change";
    void *pull = zmq_socket(context, ZMQ_PULL), *push = zmq_socket(context, ZMQ_PUSH);
    char where[] = "inproc://r6", id[] = "id", octet, told[8];
    size_t size = sizeof told;
    zmq_bind(pull, where);
    zmq_connect(push, where);
    zmq_setsockopt(push, ZMQ_ROUTING_ID, id, 2);
    memset(where, 'x', sizeof where - 1);
    memset(id, 'x', 2);
    EXPECT(name, zmq_send(push, "x", 1, 0) == 1 && zmq_recv(pull, &octet, 1, 0) == 1);
    EXPECT(name, zmq_getsockopt(push, ZMQ_ROUTING_ID, told, &size) == 0 && size == 2);
    EXPECT(name, memcmp(told, "id", 2) == 0 && zmq_unbind(pull, "inproc://r6") == 0);
    zmq_close(push);
    zmq_close(pull);
}

static pthread_t called_on;
static int calls;

static void note_thread(int timer, void *hint)
{
    (void)timer;
    (void)hint;
    called_on = pthread_self();
    calls++;
}

static void note_release(void *data, void *hint)
{
    (void)data;
    note_thread(0, hint);
}

// The one exception, the free function of zmq_msg_init_data, is called by whoever is done with the message.
static void r6_callbacks(void *context)
{
    static const char name[] = "R6, functions of the program are called from its own calls";
    void *timers = zmq_timers_new(), *a = zmq_socket(context, ZMQ_PAIR);
    static char octets[100];
    zmq_msg_t msg;
    zmq_timers_add(timers, 0, note_thread, NULL);
    EXPECT(name, zmq_timers_execute(timers) == 0);
    EXPECT(name, calls == 1 && pthread_equal(called_on, pthread_self()));
    zmq_timers_destroy(&timers);
    zmq_msg_init_data(&msg, octets, sizeof octets, note_release, NULL);
    FAILS(name, zmq_msg_send(&msg, a, ZMQ_DONTWAIT), EAGAIN);
    EXPECT(name, calls == 1); // it is still the program's
    zmq_msg_close(&msg);
    EXPECT(name, calls == 2 && pthread_equal(called_on, pthread_self()));
    zmq_close(a);
}

static void r9_again(void)
{
    static const char name[] = "R9, an endpoint is bound again at once after close";
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_REP);
    char endpoint[256];
    size_t size = sizeof endpoint;
    zmq_bind(socket, "tcp://127.0.0.1:*");
    zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size);
    zmq_close(socket);
    socket = zmq_socket(context, ZMQ_REP);
    EXPECT(name, zmq_bind(socket, endpoint) == 0);
    zmq_close(socket);
    EXPECT(name, zmq_ctx_term(context) == 0);
}

// A process that ends with all open, as one whose host just goes.
static void r9_exit(const char *program)
{
    static const char name[] = "R9, a program may end without closing anything";
    int status = -1;
    const pid_t pid = fork();
    if (pid == 0) {
        execl(program, program, "leave", (char *)NULL);
        _exit(127);
    }
    EXPECT(name, waitpid(pid, &status, 0) == pid && status == 0);
}

static void leave(void)
{
    static void *kept[3]; // so that who counts what leaked knows that it was not lost
    void *context = zmq_ctx_new(), *push = zmq_socket(context, ZMQ_PUSH);
    void *pull = zmq_socket(context, ZMQ_PULL);
    char endpoint[256], octet;
    size_t size = sizeof endpoint;
    zmq_bind(pull, "tcp://127.0.0.1:*");
    zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, endpoint, &size);
    zmq_connect(push, endpoint);
    zmq_send(push, "x", 1, 0);
    zmq_recv(pull, &octet, 1, 0);
    zmq_send(push, "unread", 6, 0);
    kept[0] = context;
    kept[1] = push;
    kept[2] = pull;
    EXPECT("left", kept[0] && kept[1] && kept[2]);
}

struct device {
    void *context;
    int error;
};

static void *run_device(void *hint)
{
    struct device *const device = hint;
    void *front = zmq_socket(device->context, ZMQ_PULL);
    void *back = zmq_socket(device->context, ZMQ_PUSH);
    zmq_bind(front, "inproc://front");
    zmq_bind(back, "inproc://back");
    device->error = zmq_device(ZMQ_STREAMER, front, back) < 0 ? zmq_errno() : 0;
    zmq_close(front);
    zmq_close(back);
    return NULL;
}

static void r10_old_names(void)
{
    static const char name[] = "R10, the deprecated names work";
    struct device device = {.context = zmq_init(1)};
    pthread_t thread;
    char octet = 0;
    zmq_msg_t msg;
    IS_NULL(name, zmq_init(-1), EINVAL);
    EXPECT(name, zmq_ctx_get(device.context, ZMQ_IO_THREADS) == 1);
    pthread_create(&thread, NULL, run_device, &device);
    void *push = zmq_socket(device.context, ZMQ_PUSH);
    void *pull = zmq_socket(device.context, ZMQ_PULL);
    zmq_connect(push, "inproc://front");
    zmq_connect(pull, "inproc://back");
    zmq_msg_init_size(&msg, 1);
    *(char *)zmq_msg_data(&msg) = 'z';
    EXPECT(name, zmq_sendmsg(push, &msg, 0) == 1);
    EXPECT(name, zmq_recvmsg(pull, &msg, 0) == 1);
    octet = *(const char *)zmq_msg_data(&msg);
    EXPECT(name, octet == 'z');
    zmq_msg_close(&msg);
    struct iovec sent[] = {{&octet, 1}, {&octet, 1}}, got[2];
    size_t count = 2;
    EXPECT(name, zmq_sendiov(push, sent, 2, ZMQ_SNDMORE) == 1);
    EXPECT(name, zmq_recviov(pull, got, &count, 0) == 2 && count == 2);
    for (size_t i = 0; i < count; i++) {
        EXPECT(name, got[i].iov_len == 1 && *(const char *)got[i].iov_base == 'z');
        free(got[i].iov_base);
    }
    zmq_close(push);
    zmq_close(pull);
    EXPECT(name, zmq_ctx_destroy(device.context) == 0);
    pthread_join(thread, NULL);
    EXPECT(name, device.error == ETERM);
    EXPECT(name, zmq_term(zmq_init(0)) == 0);
}

int main(int count, char **arguments)
{
    if (count > 1) {
        leave();
        return expect_status;
    }
    void *context = zmq_ctx_new();
    r2_errors(context);
    r3_bounded(context);
    r4_signals(context);
    r5_any_order();
    r6_sent_over(context, "inproc://sent");
    r6_sent_over(context, "tcp://127.0.0.1:*");
    r6_texts(context);
    r6_callbacks(context);
    r9_again();
    r9_exit(arguments[0]);
    r10_old_names();
    EXPECT("R5, the context ends", zmq_ctx_term(context) == 0);
    return expect_status;
}
