// Whatever waits: for events, for others, for the end; and threads, signals, children, and many.
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract.h"

static void check_events(void)
{
    const struct two two = join(ZMTP_FFI_PAIR, ZMTP_FFI_PAIR);
    CHECK("there is nothing to be received", !(zmtp_ffi_events(two.binder) & ZMTP_FFI_IN));
    CHECK("in time", zmtp_ffi_events_wait(two.binder, ZMTP_FFI_IN, LITTLE_MS) == ZMTP_FFI_AGAIN);
    CHECK("events have a range", zmtp_ffi_events_wait(two.binder, 0, 0) == ZMTP_FFI_ARGUMENT &&
                                     zmtp_ffi_events_wait(two.binder, 4, 0) == ZMTP_FFI_ARGUMENT);
    const int32_t fd = zmtp_ffi_descriptor(two.binder);
    CHECK("there is a descriptor, the same each time",
          fd >= 0 && zmtp_ffi_descriptor(two.binder) == fd);
    (void)zmtp_ffi_events(two.binder);
    bool rang = false;
    CHECK("something is sent", send_text(two.dialler, "x", 0));
    const int64_t began = now_ms();
    while (!rang && now_ms() - began < SOON_MS) {
        struct pollfd item = {.fd = fd, .events = POLLIN};
        if (poll(&item, 1, SOON_MS) != 1) break;
        rang = zmtp_ffi_events(two.binder) & ZMTP_FFI_IN;
    }
    CHECK("the descriptor rings for it", rang);
    CHECK("a wait sees it", zmtp_ffi_events_wait(two.binder, ZMTP_FFI_IN, SOON_MS) == ZMTP_FFI_IN);
    CHECK("and it is there", hears(two.binder, "x"));
    zmtp_ffi_close(two.context);
}

static void check_poller(void)
{
    const struct two two = join(ZMTP_FFI_PAIR, ZMTP_FFI_PAIR);
    const uint64_t poller = OPENED(zmtp_ffi_poller_open());
    int ends[2];
    if (pipe(ends) < 0) exit(2);
    CHECK("an empty poller waits in vain",
          zmtp_ffi_poller_try(poller) == ZMTP_FFI_AGAIN &&
              zmtp_ffi_poller_wait(poller, LITTLE_MS) == ZMTP_FFI_AGAIN);
    CHECK("a socket is added", zmtp_ffi_poller_add(poller, two.binder, ZMTP_FFI_IN) == 0);
    CHECK("a descriptor is added",
          zmtp_ffi_poller_add_descriptor(poller, ends[0], ZMTP_FFI_IN) == 0);
    CHECK("both are counted", zmtp_ffi_poller_count(poller) == 2);
    CHECK("events have a range", zmtp_ffi_poller_add(poller, two.binder, 8) == ZMTP_FFI_ARGUMENT);
    CHECK("no descriptor is refused",
          zmtp_ffi_poller_add_descriptor(poller, -1, 1) == ZMTP_FFI_ARGUMENT);
    CHECK("neither has anything", zmtp_ffi_poller_try(poller) == ZMTP_FFI_AGAIN);
    CHECK("the socket has", send_text(two.dialler, "x", 0) &&
                                zmtp_ffi_poller_wait(poller, SOON_MS) == 1 &&
                                zmtp_ffi_poller_handle(poller, 0) == (int64_t)two.binder &&
                                zmtp_ffi_poller_events(poller, 0) == ZMTP_FFI_IN &&
                                zmtp_ffi_poller_descriptor(poller, 0) == ZMTP_FFI_NOT_FOUND);
    CHECK("and no more than that is told", zmtp_ffi_poller_events(poller, 1) == ZMTP_FFI_NOT_FOUND);
    CHECK("the descriptor has, too", write(ends[1], "x", 1) == 1 &&
                                         zmtp_ffi_poller_wait(poller, SOON_MS) == 2 &&
                                         zmtp_ffi_poller_descriptor(poller, 1) == ends[0] &&
                                         zmtp_ffi_poller_handle(poller, 1) == ZMTP_FFI_NOT_FOUND);
    CHECK("events are changed", zmtp_ffi_poller_add(poller, two.binder, 0) == 0 &&
                                    zmtp_ffi_poller_count(poller) == 2 &&
                                    zmtp_ffi_poller_try(poller) == 1);
    CHECK("it is removed", zmtp_ffi_poller_remove_descriptor(poller, ends[0]) == 0 &&
                               zmtp_ffi_poller_try(poller) == ZMTP_FFI_AGAIN);
    CHECK("what is not there is not",
          zmtp_ffi_poller_remove_descriptor(poller, ends[0]) == ZMTP_FFI_NOT_FOUND &&
              zmtp_ffi_poller_remove(poller, two.dialler) == ZMTP_FFI_NOT_FOUND);
    CHECK("a socket that is closed is told",
          zmtp_ffi_close(two.binder) == 0 && zmtp_ffi_poller_try(poller) == 1 &&
              zmtp_ffi_poller_events(poller, 0) == ZMTP_FFI_ENDED);
    CHECK("until it is removed", zmtp_ffi_poller_remove(poller, two.binder) == 0 &&
                                     zmtp_ffi_poller_try(poller) == ZMTP_FFI_AGAIN);
    bool many = true;
    for (int i = 0; i < 40; i++) {
        const uint64_t socket = OPENED(zmtp_ffi_socket_open(two.context, ZMTP_FFI_PUB));
        many &= zmtp_ffi_poller_add(poller, socket, ZMTP_FFI_OUT) == 0;
    }
    CHECK("many may be added", many && zmtp_ffi_poller_try(poller) == 40);
    CHECK("it is closed",
          zmtp_ffi_close(poller) == 0 && zmtp_ffi_poller_try(poller) == ZMTP_FFI_HANDLE);
    close(ends[0]);
    close(ends[1]);
    zmtp_ffi_close(two.context);
}

static void check_monitor(void)
{
    const uint64_t context = OPENED(zmtp_ffi_context_open());
    const uint64_t rep = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_REP));
    const uint64_t req = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_REQ));
    CHECK("events have a range", zmtp_ffi_monitor_open(rep, 0) == ZMTP_FFI_ARGUMENT &&
                                     zmtp_ffi_monitor_open(rep, 0x10000) == ZMTP_FFI_ARGUMENT);
    const uint64_t monitor = OPENED(zmtp_ffi_monitor_open(rep, ZMTP_FFI_NEWS_ALL));
    const uint64_t poller = OPENED(zmtp_ffi_poller_open());
    char room[ZMTP_FFI_ENDPOINT_MAX];
    CHECK("nothing has happened", zmtp_ffi_monitor_try(monitor) == ZMTP_FFI_AGAIN &&
                                      zmtp_ffi_monitor_wait(monitor, LITTLE_MS) == ZMTP_FFI_AGAIN);
    CHECK("a monitor is polled", zmtp_ffi_poller_add(poller, monitor, ZMTP_FFI_IN) == 0 &&
                                     zmtp_ffi_poller_try(poller) == ZMTP_FFI_AGAIN);
    (void)zmtp_ffi_bind(rep, "tcp://127.0.0.1:*");
    CHECK("and has something",
          zmtp_ffi_poller_wait(poller, SOON_MS) == 1 && zmtp_ffi_descriptor(monitor) >= 0);
    CHECK("it listens", zmtp_ffi_monitor_wait(monitor, SOON_MS) == ZMTP_FFI_NEWS_LISTENING);
    const int64_t size = zmtp_ffi_monitor_endpoint(monitor, room, sizeof room);
    CHECK("there", size > 0 && strncmp(room, endpoint_of(rep), (size_t)size) == 0);
    CHECK("with no number", zmtp_ffi_monitor_value(monitor) >= 0);
    CHECK("too little room", zmtp_ffi_monitor_endpoint(monitor, room, 3) == ZMTP_FFI_LIMIT &&
                                 zmtp_ffi_monitor_endpoint(monitor, NULL, 3) == ZMTP_FFI_ARGUMENT);
    (void)zmtp_ffi_connect(req, endpoint_of(rep));
    CHECK("it accepts", zmtp_ffi_monitor_wait(monitor, SOON_MS) == ZMTP_FFI_NEWS_ACCEPTED);
    CHECK("and agrees",
          zmtp_ffi_monitor_wait(monitor, SOON_MS) == ZMTP_FFI_NEWS_HANDSHAKE_SUCCEEDED);
    zmtp_ffi_close(req);
    CHECK("and hears of the end",
          zmtp_ffi_monitor_wait(monitor, SOON_MS) == ZMTP_FFI_NEWS_DISCONNECTED);
    const uint64_t second = OPENED(zmtp_ffi_monitor_open(rep, ZMTP_FFI_NEWS_CLOSED));
    CHECK("another takes its place",
          zmtp_ffi_monitor_wait(monitor, SOON_MS) == ZMTP_FFI_NEWS_MONITOR_STOPPED);
    CHECK("and hears what it wants",
          zmtp_ffi_unbind(rep, endpoint_of(rep)) == 0 &&
              zmtp_ffi_monitor_wait(second, SOON_MS) == ZMTP_FFI_NEWS_CLOSED);
    CHECK("in any order",
          zmtp_ffi_close(second) == 0 && zmtp_ffi_close(rep) == 0 && zmtp_ffi_close(monitor) == 0);
    zmtp_ffi_close(poller);
    zmtp_ffi_close(context);
}

static void check_security(void)
{
    char public_key[ZMTP_FFI_KEY_TEXT_SIZE], secret_key[ZMTP_FFI_KEY_TEXT_SIZE];
    char other[ZMTP_FFI_KEY_TEXT_SIZE] = "";
    if (!zmtp_ffi_has("curve")) {
        CHECK("no keys without CURVE",
              zmtp_ffi_keygen(public_key, secret_key) == ZMTP_FFI_UNSUPPORTED);
        return;
    }
    CHECK("keys are made", zmtp_ffi_keygen(public_key, secret_key) == 0 &&
                               strlen(public_key) == 40 && strlen(secret_key) == 40);
    CHECK("and one of the other",
          zmtp_ffi_key_public(secret_key, other) == 0 && strcmp(other, public_key) == 0);
    CHECK("what is no key is refused", zmtp_ffi_key_public("short", other) == ZMTP_FFI_ARGUMENT);
    CHECK("nulls are refused", zmtp_ffi_keygen(NULL, secret_key) == ZMTP_FFI_ARGUMENT &&
                                   zmtp_ffi_key_public(NULL, other) == ZMTP_FFI_ARGUMENT);
    const uint64_t context = OPENED(zmtp_ffi_context_open());
    const uint64_t rep = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_REP));
    const uint64_t req = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_REQ));
    char client_public[ZMTP_FFI_KEY_TEXT_SIZE], client_secret[ZMTP_FFI_KEY_TEXT_SIZE];
    (void)zmtp_ffi_keygen(client_public, client_secret);
    CHECK("a server of CURVE",
          zmtp_ffi_set_number(rep, ZMTP_FFI_OPTION_CURVE_SERVER, 1) == 0 &&
              zmtp_ffi_set_octets(rep, ZMTP_FFI_OPTION_CURVE_SECRETKEY, secret_key, 40) == 0);
    CHECK("and its client",
          zmtp_ffi_set_octets(req, ZMTP_FFI_OPTION_CURVE_SERVERKEY, public_key, 40) == 0 &&
              zmtp_ffi_set_octets(req, ZMTP_FFI_OPTION_CURVE_PUBLICKEY, client_public, 40) == 0 &&
              zmtp_ffi_set_octets(req, ZMTP_FFI_OPTION_CURVE_SECRETKEY, client_secret, 40) == 0);
    CHECK("a key is read as octets", zmtp_ffi_get_octets(req, ZMTP_FFI_OPTION_CURVE_SERVERKEY,
                                                         other, sizeof other) == ZMTP_FFI_KEY_SIZE);
    (void)zmtp_ffi_bind(rep, "tcp://127.0.0.1:*");
    (void)zmtp_ffi_connect(req, endpoint_of(rep));
    CHECK("understand each other", send_text(req, "secret", 0) && hears(rep, "secret"));
    zmtp_ffi_close(context);
}

static void check_drain(void)
{
    const uint64_t here = OPENED(zmtp_ffi_context_open()), there = OPENED(zmtp_ffi_context_open());
    const uint64_t pull = OPENED(zmtp_ffi_socket_open(there, ZMTP_FFI_PULL));
    const uint64_t push = OPENED(zmtp_ffi_socket_open(here, ZMTP_FFI_PUSH));
    (void)zmtp_ffi_bind(pull, "tcp://127.0.0.1:*");
    (void)zmtp_ffi_connect(push, endpoint_of(pull));
    bool sent = true;
    for (int i = 0; i < 500; i++)
        sent &= send_text(push, "x", 0);
    CHECK("a drain lets all leave", sent && zmtp_ffi_drain(here, SOON_MS) == ZMTP_FFI_OK);
    CHECK("and closes the context", zmtp_ffi_kind(here) == ZMTP_FFI_HANDLE &&
                                        zmtp_ffi_kind(push) == ZMTP_FFI_HANDLE &&
                                        zmtp_ffi_drain(here, 0) == ZMTP_FFI_HANDLE);
    int heard = 0;
    while (heard < 500 && hears(pull, "x"))
        heard++;
    CHECK("so that all comes", heard == 500);
    zmtp_ffi_close(there);
    const uint64_t lonely = OPENED(zmtp_ffi_context_open());
    const uint64_t alone = OPENED(zmtp_ffi_socket_open(lonely, ZMTP_FFI_PUSH));
    (void)zmtp_ffi_connect(alone, "tcp://127.0.0.1:1");
    (void)zmtp_ffi_send_try(alone, "x", 1, 0);
    const int64_t began = now_ms();
    CHECK("one for nobody ends in time",
          zmtp_ffi_drain(lonely, LITTLE_MS) == ZMTP_FFI_AGAIN && now_ms() - began < SOON_MS);
    const uint64_t last = OPENED(zmtp_ffi_context_open());
    const uint64_t stuck = OPENED(zmtp_ffi_socket_open(last, ZMTP_FFI_PUSH));
    (void)zmtp_ffi_set_number(stuck, ZMTP_FFI_OPTION_LINGER, -1);
    (void)zmtp_ffi_connect(stuck, "tcp://127.0.0.1:1");
    (void)zmtp_ffi_send_try(stuck, "x", 1, 0);
    CHECK("a close waits for nobody", zmtp_ffi_close(last) == 0 && now_ms() - began < SOON_MS);
}

static uint64_t thread_socket, thread_poller;

struct waiter {
    atomic_int thread; // the system's number of it, once it is about to wait
    int64_t result;
};

static void *thread_receive(void *hint)
{
    char room[16];
    struct waiter *const waiter = hint;
    atomic_store(&waiter->thread, (int)syscall(SYS_gettid));
    waiter->result = zmtp_ffi_receive_wait(thread_socket, room, sizeof room, -1);
    return NULL;
}

static void *thread_poll(void *hint)
{
    struct waiter *const waiter = hint;
    atomic_store(&waiter->thread, (int)syscall(SYS_gettid));
    waiter->result = zmtp_ffi_poller_wait(thread_poller, -1);
    return NULL;
}

// Until it sleeps in its call, however busy the machine is.
static void await_asleep(const struct waiter *waiter)
{
    char path[64], line[256] = "";
    for (int64_t began = now_ms(); now_ms() - began < SOON_MS; (void)poll(NULL, 0, 1)) {
        (void)snprintf(path, sizeof path, "/proc/self/task/%d/stat", atomic_load(&waiter->thread));
        FILE *const file = fopen(path, "r");
        if (!file) continue; // it has not begun
        const char *const state = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
        (void)fclose(file);
        if (state && state[1] == ' ' && state[2] == 'S') return;
    }
}

static uint64_t thread_monitor;

static void *thread_hear(void *hint)
{
    struct waiter *const waiter = hint;
    atomic_store(&waiter->thread, (int)syscall(SYS_gettid));
    waiter->result = zmtp_ffi_monitor_wait(thread_monitor, -1);
    return NULL;
}

// Who sleeps at a monitor is woken by its close, by its context's, and by that of nothing else: who looked again each
// second would be done in the end, too, but not so many times within this.
static void check_closing_a_monitor(void)
{
    enum { ROUNDS = 8, ALL_MS = 6000 };
    bool closed = true;
    int64_t slept_ms = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const uint64_t context = OPENED(zmtp_ffi_context_open());
        const uint64_t socket = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_PAIR));
        struct waiter waiter = {.result = 0};
        pthread_t thread;
        thread_monitor = OPENED(zmtp_ffi_monitor_open(socket, ZMTP_FFI_NEWS_ACCEPTED));
        pthread_create(&thread, NULL, thread_hear, &waiter);
        await_asleep(&waiter);
        const int64_t began = now_ms();
        (void)zmtp_ffi_close(round % 2 ? context : thread_monitor);
        pthread_join(thread, NULL);
        slept_ms += now_ms() - began;
        closed &= waiter.result == ZMTP_FFI_CLOSED;
        (void)zmtp_ffi_close(context);
    }
    CHECK("a close wakes who waits at a monitor", closed && slept_ms < ALL_MS);
}

static void check_closing_while_waiting(void)
{
    for (int round = 0; round < 4; round++) {
        const struct two two = join(ZMTP_FFI_PAIR, ZMTP_FFI_PAIR);
        pthread_t threads[2];
        struct waiter waiters[2] = {{.result = 0}, {.result = 0}};
        thread_socket = two.binder;
        thread_poller = OPENED(zmtp_ffi_poller_open());
        (void)zmtp_ffi_poller_add(thread_poller, two.dialler, ZMTP_FFI_IN);
        pthread_create(&threads[0], NULL, round % 2 ? thread_receive : thread_poll, &waiters[0]);
        pthread_create(&threads[1], NULL, thread_receive, &waiters[1]);
        await_asleep(&waiters[0]);
        await_asleep(&waiters[1]);
        (void)poll(NULL, 0, LITTLE_MS);
        if (round < 2) {
            (void)zmtp_ffi_close(thread_poller);
            (void)zmtp_ffi_close(two.binder);
        } else {
            (void)zmtp_ffi_close(two.context);
        }
        pthread_join(threads[0], NULL);
        pthread_join(threads[1], NULL);
        // A poller hears of its sockets' end, and of its own.
        CHECK("a close wakes who waits",
              waiters[1].result == ZMTP_FFI_CLOSED &&
                  (waiters[0].result == ZMTP_FFI_CLOSED || (round == 2 && waiters[0].result == 1)));
        (void)zmtp_ffi_close(two.context);
        (void)zmtp_ffi_close(thread_poller);
    }
}

enum { CROWD = 4, CROWD_MESSAGES = 2000 };
static atomic_int crowd_heard;

static void *crowd_receive(void *unused)
{
    char room[16];
    (void)unused;
    for (int64_t size = 0; size >= 0;) {
        size = zmtp_ffi_receive_wait(thread_socket, room, sizeof room, SOON_MS);
        if (size == 3) break;
        if (size == 1) atomic_fetch_add(&crowd_heard, 1);
    }
    return NULL;
}

static void *crowd_send(void *handle)
{
    for (int i = 0; i < CROWD_MESSAGES; i++)
        if (!send_text(*(uint64_t *)handle, "x", 0)) break;
    return NULL;
}

static void check_crowd(void)
{
    const struct two two = join(ZMTP_FFI_PULL, ZMTP_FFI_PUSH);
    pthread_t receivers[CROWD], senders[CROWD];
    uint64_t push = two.dialler;
    thread_socket = two.binder;
    atomic_store(&crowd_heard, 0);
    for (int i = 0; i < CROWD; i++) {
        pthread_create(&receivers[i], NULL, crowd_receive, NULL);
        pthread_create(&senders[i], NULL, crowd_send, &push);
    }
    for (int i = 0; i < CROWD; i++)
        pthread_join(senders[i], NULL);
    for (int i = 0; i < CROWD; i++)
        (void)send_text(push, "end", 0);
    for (int i = 0; i < CROWD; i++)
        pthread_join(receivers[i], NULL);
    CHECK("threads may share sockets, and nothing is lost",
          atomic_load(&crowd_heard) == CROWD * CROWD_MESSAGES);
    zmtp_ffi_close(two.context);
}

static void on_alarm(int signal)
{
    (void)signal;
}

static void check_signals(void)
{
    const struct two two = join(ZMTP_FFI_PAIR, ZMTP_FFI_PAIR);
    struct sigaction action = {.sa_handler = on_alarm}, before;
    const struct itimerval often = {{0, 5000}, {0, 5000}}, never = {{0, 0}, {0, 0}};
    char room[8];
    sigaction(SIGALRM, &action, &before);
    setitimer(ITIMER_REAL, &often, NULL);
    const int64_t began = now_ms();
    const int64_t result = zmtp_ffi_receive_wait(two.binder, room, sizeof room, 200);
    const int64_t took = now_ms() - began;
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    CHECK("signals do not end a wait", result == ZMTP_FFI_AGAIN && took >= 199);
    CHECK("or prolong it", took < SOON_MS);
    zmtp_ffi_close(two.context);
}

static void check_fork(void)
{
    const struct two two = join(ZMTP_FFI_PAIR, ZMTP_FFI_PAIR);
    const uint64_t message = OPENED(zmtp_ffi_message_open());
    int status = -1;
    fflush(stdout);
    const pid_t pid = fork();
    if (pid == 0) {
        char room[8];
        bool ok = zmtp_ffi_receive_try(two.binder, room, 8) == ZMTP_FFI_HANDLE;
        ok &= zmtp_ffi_send_try(two.binder, "x", 1, 0) == ZMTP_FFI_HANDLE;
        ok &= zmtp_ffi_close(two.binder) == ZMTP_FFI_HANDLE &&
              zmtp_ffi_close(two.context) == ZMTP_FFI_HANDLE;
        ok &= zmtp_ffi_message_count(message) == ZMTP_FFI_HANDLE && zmtp_ffi_handle_count() == 0;
        const struct two own = join(ZMTP_FFI_PAIR, ZMTP_FFI_PAIR);
        ok &= send_text(own.dialler, "x", 0) && hears(own.binder, "x") &&
              zmtp_ffi_close(own.context) == 0;
        _exit(ok ? 0 : 1);
    }
    CHECK("a forked child has none of its parent's handles, and its own work",
          waitpid(pid, &status, 0) == pid && status == 0);
    CHECK("the parent's go on", send_text(two.dialler, "x", 0) && hears(two.binder, "x"));
    zmtp_ffi_close(message);
    zmtp_ffi_close(two.context);
}

static void check_many(void)
{
    const int32_t before = zmtp_ffi_handle_count();
    bool good = true;
    const uint64_t context = OPENED(zmtp_ffi_context_open());
    for (int i = 0; i < 3000 && good; i++) {
        const uint64_t a = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_PAIR));
        const uint64_t b = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_PAIR));
        good = zmtp_ffi_bind(a, "inproc://many") == 0 && zmtp_ffi_connect(b, "inproc://many") == 0;
        good &= send_text(b, "x", 0) && hears(a, "x") && zmtp_ffi_close(a) == 0 &&
                zmtp_ffi_close(b) == 0;
    }
    CHECK("sockets come and go", good);
    zmtp_ffi_close(context);
    for (int i = 0; i < 100 && good; i++) {
        const struct two two = join(ZMTP_FFI_PAIR, ZMTP_FFI_PAIR);
        good = send_text(two.dialler, "x", 0) && hears(two.binder, "x") &&
               zmtp_ffi_close(two.context) == 0;
    }
    CHECK("and contexts", good && zmtp_ffi_handle_count() == before);
    uint64_t *handles = calloc(65536, sizeof *handles);
    int64_t last = 0;
    int made = 0;
    while (made < 65536 && (last = zmtp_ffi_message_open()) > 0)
        handles[made++] = (uint64_t)last;
    if (made == 65536) last = zmtp_ffi_message_open();
    CHECK("handles have a limit", last == ZMTP_FFI_LIMIT && made > 60000);
    for (int i = 0; i < made; i++)
        good &= zmtp_ffi_close(handles[i]) == 0;
    CHECK("and are given back", good && zmtp_ffi_handle_count() == before);
    free(handles);
}

static void check_exhaustion(void)
{
    struct rlimit before, few;
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    const uint64_t context = OPENED(zmtp_ffi_context_open());
    const uint64_t socket = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_PAIR));
    int fd = dup(0);
    few.rlim_cur = (rlim_t)fd;
    close(fd);
    setrlimit(RLIMIT_NOFILE, &few);
    CHECK("no descriptors left", zmtp_ffi_poller_open() == ZMTP_FFI_DESCRIPTORS &&
                                     zmtp_ffi_descriptor(socket) == ZMTP_FFI_DESCRIPTORS);
    setrlimit(RLIMIT_NOFILE, &before);
    CHECK("and some again", zmtp_ffi_descriptor(socket) >= 0);
    zmtp_ffi_close(context);
}

void check_waits(void)
{
    check_events();
    check_poller();
    check_monitor();
    check_security();
    check_drain();
    check_closing_while_waiting();
    check_closing_a_monitor();
    check_crowd();
    check_signals();
    check_fork();
    check_many();
    check_exhaustion();
}
