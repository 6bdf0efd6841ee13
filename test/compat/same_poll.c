// zmq_poll: sockets, descriptors, both, times, signals, the end of the context.
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "say.h"

enum { PATIENCE_MS = 20000 };

static void pause_ms(int ms)
{
    const struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&wait, NULL);
}

static void say_items(const char *name, int result, const zmq_pollitem_t *items, int count)
{
    say_result(name, result);
    for (int i = 0; i < count; i++)
        say(name, "item %d: %d", i, items[i].revents);
}

static void errors(void *context)
{
    zmq_pollitem_t item = {.events = ZMQ_POLLIN, .fd = -1};
    say_result("a count below zero", zmq_poll(&item, -1, 0));
    say_result("items of null", zmq_poll(NULL, 1, 0));
    say_result("no items", zmq_poll(&item, 0, 0));
    say_result("no items", zmq_poll(NULL, 0, 0));
    void *watch = zmq_stopwatch_start();
    say_result("no items, for a while", zmq_poll(NULL, 0, 100));
    say("no items, for a while", "%d", zmq_stopwatch_stop(watch) >= 95000);
    void *socket = zmq_socket(context, ZMQ_PAIR);
    item.socket = socket;
    zmq_close(socket);
    say_result("a socket that is closed", zmq_poll(&item, 1, 0));
}

static void sockets(void *context)
{
    void *a = zmq_socket(context, ZMQ_PAIR), *b = zmq_socket(context, ZMQ_PAIR);
    zmq_pollitem_t items[] = {{.socket = a, .events = ZMQ_POLLIN | ZMQ_POLLOUT, .revents = 77},
                              {.socket = b, .events = ZMQ_POLLIN, .revents = 77},
                              {.socket = b, .events = ZMQ_POLLIN | ZMQ_POLLOUT, .revents = 77},
                              {.socket = b, .events = 0, .revents = 77}};
    say_items("before they are connected", zmq_poll(items, 4, 0), items, 4);
    zmq_bind(a, "inproc://poll");
    zmq_connect(b, "inproc://poll");
    say_items("when they are", zmq_poll(items, 4, PATIENCE_MS), items, 4);
    zmq_send(a, "x", 1, 0);
    items[0].events = ZMQ_POLLIN;
    say_items("when one has a message", zmq_poll(items, 4, PATIENCE_MS), items, 4);
    say_items("as long as it is there", zmq_poll(items, 4, -1), items, 4);
    char octet;
    say_result("receive", zmq_recv(b, &octet, 1, 0));
    items[2].events = ZMQ_POLLIN;
    void *watch = zmq_stopwatch_start();
    say_items("when it is gone", zmq_poll(items, 4, 120), items, 4);
    say("when it is gone", "%d", zmq_stopwatch_stop(watch) >= 115000);
    zmq_close(a);
    zmq_close(b);
}

static void descriptors(void *context)
{
    int ends[2];
    if (pipe(ends) < 0) return;
    void *socket = zmq_socket(context, ZMQ_PULL);
    zmq_pollitem_t items[] = {{.fd = ends[0], .events = ZMQ_POLLIN},
                              {.fd = ends[1], .events = ZMQ_POLLIN | ZMQ_POLLOUT},
                              {.socket = socket, .fd = ends[1], .events = ZMQ_POLLIN}};
    say_items("a pipe with room", zmq_poll(items, 3, PATIENCE_MS), items, 3);
    say_items("an empty pipe", zmq_poll(items, 1, 50), items, 1);
    if (write(ends[1], "x", 1) != 1) return;
    say_items("a pipe with an octet", zmq_poll(items, 1, PATIENCE_MS), items, 1);
    say_items("and a socket", zmq_poll(items, 3, PATIENCE_MS), items, 3);
    items[0].events = 0;
    say_items("nothing is asked", zmq_poll(items, 1, 0), items, 1);
    close(ends[0]);
    close(ends[1]);
    items[0].events = ZMQ_POLLIN;
    say_items("a closed descriptor", zmq_poll(items, 1, 0), items, 1);
    zmq_close(socket);
}

// A socket that has no event that is asked for, and its own descriptor, which has rung.
static void own_descriptor(void *context)
{
    void *pull = zmq_socket(context, ZMQ_PULL), *push = zmq_socket(context, ZMQ_PUSH);
    zmq_pollitem_t items[] = {{.socket = pull, .events = ZMQ_POLLOUT}, {.events = ZMQ_POLLIN}};
    size_t size = sizeof items[1].fd;
    zmq_bind(pull, "inproc://own");
    zmq_connect(push, "inproc://own");
    zmq_getsockopt(pull, ZMQ_FD, &items[1].fd, &size);
    zmq_send(push, "x", 1, 0);
    say_items("its descriptor", zmq_poll(items + 1, 1, PATIENCE_MS), items + 1, 1);
    say_items("it and its descriptor", zmq_poll(items, 2, PATIENCE_MS), items, 2);
    zmq_close(push);
    zmq_close(pull);
}

static void *send_later(void *socket)
{
    pause_ms(100);
    zmq_send(socket, "x", 1, 0);
    return NULL;
}

static void woken(void *context)
{
    void *push = zmq_socket(context, ZMQ_PUSH), *pull = zmq_socket(context, ZMQ_PULL);
    char endpoint[256];
    size_t size = sizeof endpoint;
    zmq_bind(pull, "tcp://127.0.0.1:*");
    zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, endpoint, &size);
    zmq_connect(push, endpoint);
    pthread_t thread;
    pthread_create(&thread, NULL, send_later, push);
    zmq_pollitem_t item = {.socket = pull, .events = ZMQ_POLLIN};
    say_items("woken by a peer over tcp", zmq_poll(&item, 1, -1), &item, 1);
    pthread_join(thread, NULL);
    char octet;
    zmq_recv(pull, &octet, 1, 0);
    for (int i = 0; i < 1000; i++)
        zmq_send(push, "x", 1, 0);
    int count = 0;
    while (count < 1000 && zmq_poll(&item, 1, PATIENCE_MS) == 1)
        while (zmq_recv(pull, &octet, 1, ZMQ_DONTWAIT) == 1)
            count++;
    say("none is missed", "%d", count);
    zmq_close(push);
    zmq_close(pull);
}

static void many(void *context)
{
    enum { COUNT = 100 };
    zmq_pollitem_t items[COUNT];
    void *push = zmq_socket(context, ZMQ_PUSH);
    zmq_bind(push, "inproc://many");
    for (int i = 0; i < COUNT; i++) {
        items[i] = (zmq_pollitem_t){.socket = zmq_socket(context, ZMQ_PULL), .events = ZMQ_POLLIN};
        zmq_connect(items[i].socket, "inproc://many");
    }
    say_result("many sockets", zmq_poll(items, COUNT, 0));
    for (int i = 0; i < COUNT; i++)
        zmq_send(push, "x", 1, 0);
    say_result("many sockets", zmq_poll(items, COUNT, PATIENCE_MS) > 0);
    for (int i = 0; i < COUNT; i++)
        zmq_close(items[i].socket);
    zmq_close(push);
}

static void ignore(int number)
{
    (void)number;
}

static void signals(void *context)
{
    struct sigaction action = {.sa_handler = ignore};
    sigaction(SIGALRM, &action, NULL);
    void *socket = zmq_socket(context, ZMQ_PULL);
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    const struct itimerval soon = {.it_value.tv_usec = 50000, .it_interval.tv_usec = 50000};
    const struct itimerval never = {.it_value.tv_usec = 0};
    setitimer(ITIMER_REAL, &soon, NULL);
    say_items("a signal", zmq_poll(&item, 1, -1), &item, 1);
    say_items("a signal before the time", zmq_poll(&item, 1, PATIENCE_MS), &item, 1);
    setitimer(ITIMER_REAL, &never, NULL);
    zmq_close(socket);
}

static void *shutdown_later(void *context)
{
    pause_ms(100);
    zmq_ctx_shutdown(context);
    return NULL;
}

static void the_end(void *context)
{
    void *socket = zmq_socket(context, ZMQ_PULL);
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    pthread_t thread;
    pthread_create(&thread, NULL, shutdown_later, context);
    say_result("the end of the context", zmq_poll(&item, 1, -1));
    pthread_join(thread, NULL);
    say_result("after its end", zmq_poll(&item, 1, 0));
    zmq_close(socket);
}

int main(void)
{
    void *context = zmq_ctx_new();
    errors(context);
    sockets(context);
    descriptors(context);
    own_descriptor(context);
    woken(context);
    many(context);
    signals(context);
    the_end(context);
    say_result("term", zmq_ctx_term(context));
    return 0;
}
