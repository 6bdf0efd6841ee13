// The drop-in, with the n-th allocation failing, or the n-th system call. A call that fails says that it was for want of
// something, has changed nothing, and does its work when it is called again; messages arrive in the end; everything
// closes, and memory, descriptors and threads are as before.
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>
#include <zmq.h>

#include "test/torture/calls.h"
#include "test/torture/trial.h"

enum { DROPIN_GOAL = 3, DROPIN_STEP_MS = 5, DROPIN_LONG = 20000, DROPIN_MANY = 40 };

struct dropin_case {
    int binds, connects;
    const char *endpoint; // with %s for a folder
    bool plain;           // with a ZAP handler
};

struct dropin {
    const struct dropin_case *of;
    void *context, *binder, *dialler, *handler, *monitor;
    int handler_parts; // of the question that is being heard
    char endpoint[256], folder[32];
};

// What no failure of the system is to be told as.
static void dropin_judge(const char *call)
{
    static char words[128];
    const int error = zmq_errno();
    if (error != EFAULT && error != EINVAL && error != ENOTSOCK && error != ETERM &&
        error != EFSM && error != EADDRINUSE && error != 0)
        return;
    snprintf(words, sizeof words, "%.60s fails with \"%.50s\"", call, zmq_strerror(error));
    trial_fail(words);
}

// Has |call| done again until it succeeds.
#define AGAIN(call) dropin_again(#call, (errno = 0, (call) >= 0), &until_ms)
#define UNTIL_IT_SUCCEEDS(call)                                                                    \
    do {                                                                                           \
        uint64_t until_ms = trial_now_ms() + TRIAL_PATIENCE_MS;                                    \
        while (!AGAIN(call)) {}                                                                    \
    } while (0)

static bool dropin_again(const char *call, bool good, const uint64_t *until_ms)
{
    if (good) return true;
    dropin_judge(call);
    if (trial_now_ms() < *until_ms) return false;
    trial_fail(call);
    return true;
}

static int dropin_got(void **out, void *made)
{
    *out = made;
    return made ? 0 : -1;
}

static void dropin_set(void *socket, int option, int value)
{
    UNTIL_IT_SUCCEEDS(zmq_setsockopt(socket, option, &value, sizeof value));
}

static void dropin_open(struct dropin *at, void **out, int type)
{
    UNTIL_IT_SUCCEEDS(dropin_got(out, zmq_socket(at->context, type)));
    dropin_set(*out, ZMQ_LINGER, 0);
    dropin_set(*out, ZMQ_RECONNECT_IVL, 10);
    dropin_set(*out, ZMQ_RCVTIMEO, DROPIN_STEP_MS);
    dropin_set(*out, ZMQ_SNDTIMEO, DROPIN_STEP_MS);
}

static void dropin_begin(struct dropin *at)
{
    char where[64];
    size_t size = sizeof at->endpoint;
    snprintf(where, sizeof where, at->of->endpoint, at->folder);
    UNTIL_IT_SUCCEEDS(dropin_got(&at->context, zmq_ctx_new()));
    dropin_open(at, &at->binder, at->of->binds);
    dropin_open(at, &at->dialler, at->of->connects);
    dropin_open(at, &at->monitor, ZMQ_PAIR);
    UNTIL_IT_SUCCEEDS(zmq_socket_monitor(at->binder, "inproc://monitor", ZMQ_EVENT_ALL));
    UNTIL_IT_SUCCEEDS(zmq_connect(at->monitor, "inproc://monitor"));
    if (at->of->plain) {
        dropin_open(at, &at->handler, ZMQ_REP);
        dropin_set(at->handler, ZMQ_RCVTIMEO, 0);
        UNTIL_IT_SUCCEEDS(zmq_bind(at->handler, "inproc://zeromq.zap.01"));
        dropin_set(at->binder, ZMQ_PLAIN_SERVER, 1);
        UNTIL_IT_SUCCEEDS(zmq_setsockopt(at->binder, ZMQ_ZAP_DOMAIN, "torture", 7));
        UNTIL_IT_SUCCEEDS(zmq_setsockopt(at->dialler, ZMQ_PLAIN_USERNAME, "user", 4));
        UNTIL_IT_SUCCEEDS(zmq_setsockopt(at->dialler, ZMQ_PLAIN_PASSWORD, "word", 4));
    }
    if (at->of->connects == ZMQ_SUB)
        UNTIL_IT_SUCCEEDS(zmq_setsockopt(at->dialler, ZMQ_SUBSCRIBE, "", 0));
    UNTIL_IT_SUCCEEDS(zmq_bind(at->binder, where));
    UNTIL_IT_SUCCEEDS(zmq_getsockopt(at->binder, ZMQ_LAST_ENDPOINT, at->endpoint, &size));
    UNTIL_IT_SUCCEEDS(zmq_connect(at->dialler, at->endpoint));
}

// Lets everybody in.
static void dropin_answer(struct dropin *at)
{
    static const char *const answer[] = {"1.0", "1", "200", "", "", ""};
    enum { PARTS = sizeof answer / sizeof answer[0] };
    zmq_msg_t msg;
    int more = 1;
    zmq_msg_init(&msg);
    while (more && zmq_msg_recv(&msg, at->handler, 0) >= 0)
        more = zmq_msg_more(&msg);
    zmq_msg_close(&msg);
    if (more) return; // there is no question
    for (int i = 0; i < PARTS; i++)
        UNTIL_IT_SUCCEEDS(
            zmq_send(at->handler, answer[i], strlen(answer[i]), i + 1 < PARTS ? ZMQ_SNDMORE : 0));
}

static void dropin_say(void *socket, int type, unsigned number)
{
    static const char body[DROPIN_LONG];
    const size_t size = number % 2 ? DROPIN_LONG : 20;
    zmq_msg_t msg;
    if (zmq_msg_init_size(&msg, size) < 0) {
        dropin_judge("zmq_msg_init_size");
        return;
    }
    memset(zmq_msg_data(&msg), 'x', size);
    // Who finds nobody to send to is told EAGAIN, as who finds no room is.
    if (type != ZMQ_PUB && zmq_send(socket, body, size, ZMQ_SNDMORE) < 0) dropin_judge("zmq_send");
    if (zmq_msg_send(&msg, socket, 0) < 0) {
        dropin_judge("zmq_msg_send");
        if (zmq_msg_size(&msg) != size) trial_fail("a message that was not sent is not whole");
        zmq_msg_close(&msg);
    }
}

// Is there a message?
static bool dropin_hear(void *socket)
{
    zmq_msg_t msg;
    int more = 1, parts = 0;
    zmq_msg_init(&msg);
    while (more && zmq_msg_recv(&msg, socket, 0) >= 0) {
        more = zmq_msg_more(&msg);
        parts++;
        if (!more && zmq_msg_size(&msg) != 20 && zmq_msg_size(&msg) != DROPIN_LONG)
            trial_fail("a body is of another size");
    }
    if (more) dropin_judge("zmq_msg_recv");
    zmq_msg_close(&msg);
    return !more;
}

static void dropin_talk(struct dropin *at)
{
    const bool published = at->of->binds == ZMQ_PUB;
    void *const from = published ? at->binder : at->dialler;
    void *const to = published ? at->dialler : at->binder;
    const int from_type = published ? at->of->binds : at->of->connects;
    const uint64_t until_ms = trial_now_ms() + TRIAL_PATIENCE_MS;
    unsigned heard = 0, said = 0;
    while (heard < DROPIN_GOAL && trial_now_ms() < until_ms) {
        zmq_pollitem_t items[] = {{.socket = to, .events = ZMQ_POLLIN},
                                  {.socket = at->monitor, .events = ZMQ_POLLIN},
                                  {.socket = at->handler, .events = ZMQ_POLLIN}};
        if (at->handler) dropin_answer(at);
        dropin_say(from, from_type, said++);
        if (zmq_poll(items, at->handler ? 3 : 2, DROPIN_STEP_MS) < 0) dropin_judge("zmq_poll");
        heard += dropin_hear(to);
    }
    if (heard < DROPIN_GOAL) trial_fail("the conversation stands still");
}

static unsigned dropin_threads(void)
{
    unsigned count = 0;
    DIR *const folder = opendir("/proc/self/task");
    while (folder && readdir(folder))
        count++;
    if (folder) closedir(folder);
    return count;
}

// What a process has from its first loop and its first inproc name on is there before.
static unsigned dropin_prepare(void)
{
    uv_loop_t loop;
    if (uv_loop_init(&loop) < 0 || uv_loop_close(&loop) < 0) trial_fail("there is no loop");
    return trial_descriptors();
}

static void dropin_over(unsigned descriptors, unsigned threads)
{
    for (int i = 0; i < TRIAL_PATIENCE_MS && dropin_threads() > threads; i++)
        usleep(1000); // one that gives bodies back ends by itself
    if (dropin_threads() > threads) trial_fail("a thread is left");
    if (trial_descriptors() > descriptors) trial_fail("a descriptor is lost");
}

static void dropin_close(void *socket)
{
    if (socket && zmq_close(socket) != 0) trial_fail("a socket does not close");
}

static void dropin_converse(const void *of)
{
    struct dropin at = {.of = of, .folder = "/tmp/zmtp-torture-XXXXXX"};
    if (!mkdtemp(at.folder)) trial_fail("there is no folder");
    const unsigned descriptors = dropin_prepare(), threads = dropin_threads();
    atomic_store(&trial.armed, true);
    dropin_begin(&at);
    if (!trial.told->wrong[0]) dropin_talk(&at);
    // What was bound can be taken back, also when it was bound at the second attempt.
    if (!trial.told->wrong[0]) UNTIL_IT_SUCCEEDS(zmq_unbind(at.binder, at.endpoint));
    dropin_close(at.dialler);
    dropin_close(at.binder);
    dropin_close(at.handler);
    dropin_close(at.monitor);
    if (at.context && zmq_ctx_term(at.context) != 0) trial_fail("the context does not end");
    atomic_store(&trial.armed, false);
    dropin_over(descriptors, threads);
    // The path is there still when it was its removal that failed.
    char path[64];
    const char *const failed = atomic_load(&trial.told->failed);
    snprintf(path, sizeof path, "%s/torture", at.folder);
    if (__real_unlink(path) == 0 &&
        (!failed ||
         (strcmp(failed, "unlink") && strcmp(failed, "lstat") && strcmp(failed, "fstat"))))
        trial_fail("a file is left behind");
    rmdir(at.folder);
}

// What has nothing to do with connections.
static void dropin_timer(int id, void *hint)
{
    (void)id;
    ++*(int *)hint;
}

static void dropin_timers(void)
{
    void *timers;
    int calls = 0;
    UNTIL_IT_SUCCEEDS(dropin_got(&timers, zmq_timers_new()));
    for (int i = 0; i < DROPIN_MANY; i++)
        UNTIL_IT_SUCCEEDS(zmq_timers_add(timers, 1, dropin_timer, &calls));
    for (int i = 0; i < TRIAL_PATIENCE_MS && calls < DROPIN_MANY; i++) {
        UNTIL_IT_SUCCEEDS(zmq_timers_execute(timers));
        usleep(1000);
    }
    if (calls < DROPIN_MANY) trial_fail("a timer is lost");
    if (zmq_timers_destroy(&timers) != 0) trial_fail("timers do not end");
}

static void dropin_pollers(void *context)
{
    void *poller, *sockets[DROPIN_MANY];
    zmq_poller_event_t event;
    UNTIL_IT_SUCCEEDS(dropin_got(&poller, zmq_poller_new()));
    for (int i = 0; i < DROPIN_MANY; i++) {
        UNTIL_IT_SUCCEEDS(dropin_got(&sockets[i], zmq_socket(context, ZMQ_SERVER + i % 2)));
        UNTIL_IT_SUCCEEDS(zmq_poller_add(poller, sockets[i], sockets + i, ZMQ_POLLIN));
    }
    if (zmq_poller_size(poller) != DROPIN_MANY) trial_fail("a poller lost a socket");
    UNTIL_IT_SUCCEEDS(zmq_bind(sockets[0], "inproc://server"));
    UNTIL_IT_SUCCEEDS(zmq_connect(sockets[1], "inproc://server"));
    UNTIL_IT_SUCCEEDS(zmq_send(sockets[1], "hello", 5, 0));
    UNTIL_IT_SUCCEEDS(zmq_poller_wait(poller, &event, TRIAL_PATIENCE_MS));
    if (event.socket != sockets[0]) trial_fail("a poller tells of another socket");
    for (int i = 0; i < DROPIN_MANY; i++) {
        UNTIL_IT_SUCCEEDS(zmq_poller_remove(poller, sockets[i]));
        dropin_close(sockets[i]);
    }
    if (zmq_poller_destroy(&poller) != 0) trial_fail("a poller does not end");
}

static void dropin_free(void *data, void *hint)
{
    (void)data;
    atomic_fetch_add((atomic_int *)hint, 1);
}

static void dropin_messages(void)
{
    static char lent[DROPIN_LONG];
    atomic_int calls = 0;
    zmq_msg_t a, b;
    UNTIL_IT_SUCCEEDS(zmq_msg_init_data(&a, lent, sizeof lent, dropin_free, &calls));
    zmq_msg_init(&b);
    UNTIL_IT_SUCCEEDS(zmq_msg_copy(&b, &a));
    zmq_msg_close(&a);
    UNTIL_IT_SUCCEEDS(zmq_msg_init_size(&a, DROPIN_LONG));
    UNTIL_IT_SUCCEEDS(zmq_msg_set_group(&a, "group"));
    UNTIL_IT_SUCCEEDS(zmq_msg_copy(&b, &a));
    if (strcmp(zmq_msg_group(&b), "group") != 0) trial_fail("a group is lost");
    if (atomic_load(&calls) != 1) trial_fail("a body was not given back once");
    zmq_msg_close(&a);
    zmq_msg_close(&b);
}

static void dropin_thread(void *hint)
{
    atomic_fetch_add((atomic_int *)hint, 1);
}

static void dropin_things(const void *of)
{
    void *context, *thread, *counter;
    atomic_int ran = 0;
    (void)of;
    const unsigned descriptors = dropin_prepare(), threads = dropin_threads();
    atomic_store(&trial.armed, true);
    UNTIL_IT_SUCCEEDS(dropin_got(&context, zmq_ctx_new()));
    dropin_timers();
    dropin_pollers(context);
    dropin_messages();
    UNTIL_IT_SUCCEEDS(dropin_got(&counter, zmq_atomic_counter_new()));
    zmq_atomic_counter_destroy(&counter);
    UNTIL_IT_SUCCEEDS(dropin_got(&thread, zmq_threadstart(dropin_thread, &ran)));
    zmq_threadclose(thread);
    if (atomic_load(&ran) != 1) trial_fail("a thread did not run");
    if (zmq_ctx_term(context) != 0) trial_fail("the context does not end");
    atomic_store(&trial.armed, false);
    dropin_over(descriptors, threads);
}

// Of a sender that keeps the last message only, that is what waits: one that finds no memory has taken nobody's place.
static void dropin_send_last(void *push, char *last)
{
    char body[DROPIN_LONG];
    for (char i = 1; i <= 6; i++) {
        memset(body, i, sizeof body);
        if (zmq_send(push, body, i % 3 ? sizeof body : 20, 0) >= 0)
            *last = i;
        else
            dropin_judge("zmq_send");
    }
}

static void dropin_last(const void *of)
{
    struct dropin at = {0};
    char last = 0, body[DROPIN_LONG] = {0};
    (void)of;
    const unsigned descriptors = dropin_prepare(), threads = dropin_threads();
    atomic_store(&trial.armed, true);
    UNTIL_IT_SUCCEEDS(dropin_got(&at.context, zmq_ctx_new()));
    dropin_open(&at, &at.dialler, ZMQ_PUSH);
    dropin_open(&at, &at.binder, ZMQ_PULL);
    dropin_set(at.dialler, ZMQ_CONFLATE, 1);
    UNTIL_IT_SUCCEEDS(zmq_connect(at.dialler, "inproc://last"));
    dropin_send_last(at.dialler, &last);
    UNTIL_IT_SUCCEEDS(zmq_bind(at.binder, "inproc://last"));
    if (last) UNTIL_IT_SUCCEEDS(zmq_recv(at.binder, body, sizeof body, 0));
    if (body[0] != last) trial_fail("the last message is lost");
    dropin_close(at.dialler);
    dropin_close(at.binder);
    if (zmq_ctx_term(at.context) != 0) trial_fail("the context does not end");
    atomic_store(&trial.armed, false);
    dropin_over(descriptors, threads);
}

static const struct dropin_case dropin_cases[] = {
    {ZMQ_PULL, ZMQ_PUSH, "tcp://127.0.0.1:*", true},
    {ZMQ_PAIR, ZMQ_PAIR, "ipc://%s/torture", false},
    {ZMQ_PUB, ZMQ_SUB, "tcp://127.0.0.1:*", false},
    {ZMQ_DEALER, ZMQ_DEALER, "inproc://torture", false},
};

// The thread sanitizer lets no process start threads that was forked from one with threads of its own.
#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined __SANITIZE_THREAD__ || __has_feature(thread_sanitizer)
enum { DROPIN_FORKS = 0 };
#else
enum { DROPIN_FORKS = 1 };
#endif

int main(void)
{
    const struct trial_case cases[] = {
        {"PUSH and PULL over tcp with ZAP", dropin_converse, &dropin_cases[0]},
        {"PAIR and PAIR over ipc", dropin_converse, &dropin_cases[1]},
        {"PUB and SUB over tcp", dropin_converse, &dropin_cases[2]},
        {"DEALER and DEALER over inproc", dropin_converse, &dropin_cases[3]},
        {"timers, pollers, messages", dropin_things, NULL},
        {"the last of several messages", dropin_last, NULL},
    };
    if (!DROPIN_FORKS) {
        printf("1..1\nok 1 - the drop-in # SKIP each trial is a process with threads\n");
        return 0;
    }
    trial.spared = "uv_poll_start"; // libuv's fails for a handle that is closing, and has none here
    return trial_all(cases, sizeof cases / sizeof cases[0]);
}
