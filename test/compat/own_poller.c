// Pollers and zmq_ppoll, which Debian's libzmq has not: what libzmq's development head does.
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"

enum { PATIENCE_MS = 20000 };

static void errors(void *context)
{
    void *poller = zmq_poller_new(), *none = NULL, *other = context;
    void *socket = zmq_socket(context, ZMQ_PAIR);
    zmq_poller_event_t event;
    FAILS("no poller", zmq_poller_destroy(NULL), EFAULT);
    FAILS("no poller", zmq_poller_destroy(&none), EFAULT);
    FAILS("no poller", zmq_poller_destroy(&other), EFAULT);
    FAILS("no poller", zmq_poller_size(NULL), EFAULT);
    FAILS("no poller", zmq_poller_add(NULL, socket, NULL, ZMQ_POLLIN), EFAULT);
    FAILS("no poller", zmq_poller_modify(NULL, socket, ZMQ_POLLIN), EFAULT);
    FAILS("no poller", zmq_poller_remove(NULL, socket), EFAULT);
    FAILS("no poller", zmq_poller_add_fd(NULL, 0, NULL, ZMQ_POLLIN), EFAULT);
    FAILS("no poller", zmq_poller_modify_fd(NULL, 0, ZMQ_POLLIN), EFAULT);
    FAILS("no poller", zmq_poller_remove_fd(NULL, 0), EFAULT);
    FAILS("no poller", zmq_poller_wait(NULL, &event, 0), EFAULT);
    FAILS("no poller", zmq_poller_wait_all(NULL, &event, 1, 0), EFAULT);
    FAILS("no socket", zmq_poller_add(poller, NULL, NULL, ZMQ_POLLIN), ENOTSOCK);
    FAILS("no socket", zmq_poller_add(poller, context, NULL, ZMQ_POLLIN), ENOTSOCK);
    FAILS("no socket", zmq_poller_modify(poller, context, ZMQ_POLLIN), ENOTSOCK);
    FAILS("no socket", zmq_poller_remove(poller, context), ENOTSOCK);
    FAILS("no descriptor", zmq_poller_add_fd(poller, -1, NULL, ZMQ_POLLIN), EBADF);
    FAILS("no descriptor", zmq_poller_modify_fd(poller, -1, ZMQ_POLLIN), EBADF);
    FAILS("no descriptor", zmq_poller_remove_fd(poller, -1), EBADF);
    FAILS("not added", zmq_poller_modify(poller, socket, ZMQ_POLLIN), EINVAL);
    FAILS("not added", zmq_poller_remove(poller, socket), EINVAL);
    FAILS("not added", zmq_poller_modify_fd(poller, 0, ZMQ_POLLIN), EINVAL);
    FAILS("not added", zmq_poller_remove_fd(poller, 0), EINVAL);
    FAILS("events that are none", zmq_poller_add(poller, socket, NULL, 64), EINVAL);
    FAILS("no events", zmq_poller_wait(poller, NULL, 0), EFAULT);
    FAILS("no events", zmq_poller_wait_all(poller, NULL, 1, 0), EFAULT);
    FAILS("a count below zero", zmq_poller_wait_all(poller, &event, -1, 0), EINVAL);
    FAILS("an empty one, for ever", zmq_poller_wait(poller, &event, -1), EFAULT);
    FAILS("an empty one, for a while", zmq_poller_wait(poller, &event, 10), EAGAIN);
    EXPECT("added", zmq_poller_add(poller, socket, NULL, ZMQ_POLLIN) == 0);
    EXPECT("added", zmq_poller_size(poller) == 1);
    FAILS("added twice", zmq_poller_add(poller, socket, NULL, ZMQ_POLLIN), EINVAL);
    EXPECT("nothing to wait for", zmq_poller_modify(poller, socket, 0) == 0);
    FAILS("nothing to wait for", zmq_poller_wait(poller, &event, -1), EFAULT);
    EXPECT("removed", zmq_poller_remove(poller, socket) == 0 && zmq_poller_size(poller) == 0);
    int fd;
    FAILS("a descriptor of its own", zmq_poller_fd(poller, NULL), EFAULT);
    FAILS("a descriptor of its own", zmq_poller_fd(poller, &fd), EINVAL);
    EXPECT("destroyed", zmq_poller_destroy(&poller) == 0 && !poller);
    zmq_close(socket);
}

static void sockets(void *context)
{
    void *poller = zmq_poller_new(), *a = zmq_socket(context, ZMQ_PAIR);
    void *b = zmq_socket(context, ZMQ_PAIR);
    int ends[2];
    if (pipe(ends) < 0) return;
    zmq_bind(a, "inproc://poller");
    zmq_connect(b, "inproc://poller");
    zmq_poller_event_t event, events[4];
    EXPECT("times out", zmq_poller_add(poller, b, &event, ZMQ_POLLIN) == 0);
    FAILS("times out", zmq_poller_wait(poller, &event, 50), EAGAIN);
    EXPECT("times out", !event.socket && event.fd == -1 && !event.user_data && event.events == 0);
    zmq_send(a, "x", 1, 0);
    EXPECT("a message", zmq_poller_wait(poller, &event, PATIENCE_MS) == 0);
    EXPECT("a message", event.socket == b && event.user_data == &event);
    EXPECT("a message", event.events == ZMQ_POLLIN);
    EXPECT("all", zmq_poller_add(poller, a, ends, ZMQ_POLLIN | ZMQ_POLLOUT) == 0);
    EXPECT("all", zmq_poller_add_fd(poller, ends[0], poller, ZMQ_POLLIN) == 0);
    EXPECT("all", write(ends[1], "x", 1) == 1);
    EXPECT("all", zmq_poller_wait_all(poller, events, 4, PATIENCE_MS) == 3);
    EXPECT("all", events[0].socket == b && events[1].socket == a && events[2].fd == ends[0]);
    EXPECT("all", events[1].events == ZMQ_POLLOUT && events[2].user_data == poller);
    EXPECT("no more than there is room for", zmq_poller_wait_all(poller, events, 2, 0) == 2);
    EXPECT("changed", zmq_poller_modify(poller, a, 0) == 0);
    EXPECT("changed", zmq_poller_modify_fd(poller, ends[0], 0) == 0);
    EXPECT("changed", zmq_poller_wait_all(poller, events, 4, 0) == 1);
    EXPECT("removed", zmq_poller_remove(poller, b) == 0);
    EXPECT("removed", zmq_poller_remove_fd(poller, ends[0]) == 0 && zmq_poller_size(poller) == 1);
    zmq_close(a);
    zmq_close(b);
    FAILS("a socket that was closed", zmq_poller_remove(poller, a), ENOTSOCK);
    EXPECT("destroyed", zmq_poller_destroy(&poller) == 0);
    close(ends[0]);
    close(ends[1]);
}

static void its_descriptor(void *context)
{
    void *poller = zmq_poller_new(), *server = zmq_socket(context, ZMQ_SERVER);
    void *client = zmq_socket(context, ZMQ_CLIENT);
    int fd = -1;
    zmq_poller_event_t event;
    if (!server || !client) {
        say("its descriptor", "# SKIP there are no sockets for all threads");
        (void)zmq_poller_destroy(&poller);
        return;
    }
    zmq_bind(server, "inproc://safe");
    EXPECT("its descriptor", zmq_poller_add(poller, server, NULL, ZMQ_POLLIN) == 0);
    EXPECT("its descriptor", zmq_poller_fd(poller, &fd) == 0 && fd >= 0);
    zmq_connect(client, "inproc://safe");
    EXPECT("its descriptor", zmq_send(client, "x", 1, 0) == 1);
    struct pollfd item = {.fd = fd, .events = POLLIN};
    EXPECT("its descriptor", poll(&item, 1, PATIENCE_MS) == 1);
    EXPECT("its descriptor", zmq_poller_wait(poller, &event, PATIENCE_MS) == 0);
    EXPECT("its descriptor", event.socket == server && event.events == ZMQ_POLLIN);
    EXPECT("destroyed", zmq_poller_destroy(&poller) == 0);
    zmq_close(server);
    zmq_close(client);
}

static void ignore(int number)
{
    (void)number;
}

static void *kill_later(void *hint)
{
    const struct timespec wait = {.tv_nsec = 100000000};
    nanosleep(&wait, NULL);
    pthread_kill(*(pthread_t *)hint, SIGUSR1);
    return NULL;
}

static void masked(void *context)
{
    struct sigaction action = {.sa_handler = ignore};
    sigaction(SIGUSR1, &action, NULL);
    sigset_t blocked, none;
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    void *socket = zmq_socket(context, ZMQ_PULL);
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    pthread_t self = pthread_self(), thread;
    pthread_create(&thread, NULL, kill_later, &self);
    FAILS("a signal that is let in for the wait", zmq_ppoll(&item, 1, PATIENCE_MS, &none), EINTR);
    pthread_join(thread, NULL);
    EXPECT("no time", zmq_ppoll(&item, 1, 0, &none) == 0);
    FAILS("a count below zero", zmq_ppoll(&item, -1, 0, NULL), EINVAL);
    FAILS("items of null", zmq_ppoll(NULL, 1, 0, NULL), EFAULT);
    zmq_close(socket);
}

int main(void)
{
    void *context = zmq_ctx_new();
    errors(context);
    sockets(context);
    its_descriptor(context);
    masked(context);
    EXPECT("term", zmq_ctx_term(context) == 0);
    return expect_status;
}
