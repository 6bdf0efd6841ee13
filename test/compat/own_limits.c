// What there is little of: descriptors, and room in a poll; and looks at sockets that news come between.
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"

enum { PATIENCE_MS = 20000, FDS = 256, POLLED = 200, SPARE_MAX = 32, TRIPS = 20000 };

static void *open_socket(void *context, int type)
{
    const int patience = PATIENCE_MS;
    void *socket = zmq_socket(context, type);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, sizeof patience);
    zmq_setsockopt(socket, ZMQ_SNDTIMEO, &patience, sizeof patience);
    return socket;
}

static void join(void *bound, void *connected)
{
    char endpoint[64];
    size_t size = sizeof endpoint;
    zmq_bind(bound, "tcp://127.0.0.1:*");
    zmq_getsockopt(bound, ZMQ_LAST_ENDPOINT, endpoint, &size);
    zmq_connect(connected, endpoint);
}

// There is no memory for the table of descriptors that libuv grows with the largest. That must not end the process.
static void a_bind_finds_no_memory(void)
{
    enum { MANY = 17000, SPARE = 40, TABLE = 256 * 1024 };
    static const char name[] = "without memory for its descriptors a bind is ENOMEM";
    static int held[MANY];
    struct rlimit files, memory, little;
    int count = 0;
    char body[8];
    getrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_AS, &memory);
    if (SANITIZED || files.rlim_max < MANY + 2 * SPARE) {
        say(name, "# SKIP takes %d descriptors, and an address space of its own", MANY);
        return;
    }
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    void *const context = zmq_ctx_new();
    void *const push = open_socket(context, ZMQ_PUSH), *const pull = open_socket(context, ZMQ_PULL);
    EXPECT(name, zmq_bind(push, "tcp://127.0.0.1:*") == 0); // its thread runs
    while (count < MANY && (held[count] = fcntl(0, F_DUPFD_CLOEXEC, 0)) >= 0)
        count++;
    unsigned long pages = 0;
    FILE *const file = fopen("/proc/self/statm", "r");
    EXPECT(name, file && fscanf(file, "%lu", &pages) == 1);
    if (file) fclose(file);
    little = memory;
    little.rlim_cur = pages * (unsigned long)sysconf(_SC_PAGESIZE) + TABLE / 2;
    EXPECT(name, setrlimit(RLIMIT_AS, &little) == 0);
    const int result = zmq_bind(pull, "tcp://127.0.0.1:*"), error = zmq_errno();
    setrlimit(RLIMIT_AS, &memory);
    EXPECT(name, result == -1 && error == ENOMEM);
    join(pull, push);
    EXPECT("and succeeds as soon as there is some",
           zmq_send(push, "x", 1, 0) == 1 && zmq_recv(pull, body, sizeof body, 0) == 1);
    while (count > 0)
        close(held[--count]);
    zmq_close(push);
    zmq_close(pull);
    EXPECT("and its context ends", zmq_ctx_term(context) == 0);
}

// The first bind of a process, with no descriptor free, with one, and so on until it succeeds. What libuv opens
// for its first loop must not end the process.
static void a_bind_finds_no_descriptors(void)
{
    int held[FDS], count = 0, failures = 0, error = EMFILE;
    void *context = zmq_ctx_new();
    void *socket = open_socket(context, ZMQ_PULL);
    while (count < FDS && (held[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        count++;
    while (failures < SPARE_MAX && count > 0 && zmq_bind(socket, "tcp://127.0.0.1:*") < 0) {
        if (zmq_errno() != EMFILE) error = zmq_errno();
        failures++;
        close(held[--count]);
    }
    EXPECT("without descriptors a bind is EMFILE", error == EMFILE && failures > 4);
    EXPECT("and succeeds as soon as there are some", failures < SPARE_MAX);
    while (count > 0)
        close(held[--count]);
    zmq_close(socket);
    EXPECT("and its context ends", zmq_ctx_term(context) == 0);
}

// The system's poll takes no more items than the process may have descriptors.
static void a_poll_of_many(void)
{
    zmq_pollitem_t items[POLLED + 1] = {0};
    int fds[2];
    char name[32];
    void *context = zmq_ctx_new();
    for (int i = 0; i < POLLED; i++) {
        snprintf(name, sizeof name, "inproc://%d", i);
        items[i] = (zmq_pollitem_t){.socket = open_socket(context, ZMQ_PULL), .events = ZMQ_POLLIN};
        zmq_bind(items[i].socket, name);
    }
    EXPECT("as many sockets as there may be descriptors, nearly", zmq_poll(items, POLLED, 1) == 0);
    EXPECT("a pipe", pipe(fds) == 0);
    items[POLLED] = (zmq_pollitem_t){.fd = fds[0], .events = ZMQ_POLLIN};
    EXPECT("and a descriptor", zmq_poll(items, POLLED + 1, 1) == 0);
    EXPECT("that has news", write(fds[1], "x", 1) == 1 &&
                                zmq_poll(items, POLLED + 1, PATIENCE_MS) == 1 &&
                                items[POLLED].revents == ZMQ_POLLIN);
    void *push = open_socket(context, ZMQ_PUSH);
    zmq_connect(push, name);
    zmq_send(push, "x", 1, 0);
    EXPECT("and a socket, too", zmq_poll(items, POLLED + 1, PATIENCE_MS) == 2 &&
                                    items[POLLED - 1].revents == ZMQ_POLLIN);
    close(fds[0]);
    close(fds[1]);
    zmq_close(push);
    for (int i = 0; i < POLLED; i++)
        zmq_close(items[i].socket);
    EXPECT("many end", zmq_ctx_term(context) == 0);
}

struct sides {
    void *front, *back;
};

static void *pass_on(void *argument)
{
    const struct sides *sides = argument;
    zmq_proxy(sides->front, sides->back, NULL);
    return NULL;
}

static void *answer(void *replier)
{
    int64_t number;
    for (int i = 0; i < TRIPS; i++)
        if (zmq_recv(replier, &number, sizeof number, 0) < 0 ||
            zmq_send(replier, &number, sizeof number, 0) < 0)
            break;
    return NULL;
}

// What comes to one side while the other is looked at is passed on like all else.
static void a_proxy_sleeps_through_nothing(void)
{
    pthread_t proxy, replier;
    void *context = zmq_ctx_new();
    struct sides sides = {open_socket(context, ZMQ_ROUTER), open_socket(context, ZMQ_DEALER)};
    void *asks = open_socket(context, ZMQ_REQ), *answers = open_socket(context, ZMQ_REP);
    join(sides.front, asks);
    join(sides.back, answers);
    pthread_create(&proxy, NULL, pass_on, &sides);
    pthread_create(&replier, NULL, answer, answers);
    int64_t got, number = 0;
    for (; number < TRIPS; number++)
        if (zmq_send(asks, &number, sizeof number, 0) < 0 ||
            zmq_recv(asks, &got, sizeof got, 0) < 0 || got != number)
            break;
    EXPECT("every request through a proxy is answered", number == TRIPS);
    zmq_ctx_shutdown(context);
    pthread_join(proxy, NULL);
    pthread_join(replier, NULL);
    zmq_close(asks);
    zmq_close(answers);
    zmq_close(sides.front);
    zmq_close(sides.back);
    EXPECT("a proxy's context ends", zmq_ctx_term(context) == 0);
}

int main(void)
{
    struct rlimit limit = {.rlim_cur = FDS, .rlim_max = FDS};
    int status = -1;
    const pid_t pid = fork(); // so that the first bind of this process is still to come
    if (pid == 0) {
        a_bind_finds_no_memory();
        exit(expect_status);
    }
    waitpid(pid, &status, 0);
    EXPECT("a process without memory goes on", WIFEXITED(status) && WEXITSTATUS(status) == 0);
    EXPECT("a limit", setrlimit(RLIMIT_NOFILE, &limit) == 0);
    a_bind_finds_no_descriptors();
    a_poll_of_many();
    a_proxy_sleeps_through_nothing();
    return expect_status;
}
