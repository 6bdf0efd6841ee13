// Sockets: every stable pattern, over each transport; options, times, the end of a context, monitors.
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "say.h"

enum { PATIENCE_MS = 20000 };

static void *open_socket(void *context, int type)
{
    const int patience = PATIENCE_MS, none = 0;
    void *socket = zmq_socket(context, type);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, sizeof patience);
    zmq_setsockopt(socket, ZMQ_SNDTIMEO, &patience, sizeof patience);
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    return socket;
}

// Binds at |endpoint| and connects to where that led.
static void join(const char *name, void *binder, void *dialler, const char *endpoint)
{
    char where[256];
    size_t size = sizeof where;
    say_result(name, zmq_bind(binder, endpoint));
    zmq_getsockopt(binder, ZMQ_LAST_ENDPOINT, where, &size);
    say_result(name, zmq_connect(dialler, where));
}

static void say_recv(const char *name, void *socket)
{
    char octets[300];
    int more;
    do {
        size_t size = sizeof more;
        const int got = zmq_recv(socket, octets, sizeof octets, 0);
        if (got < 0) {
            say_result(name, got);
            return;
        }
        zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
        say(name, "%d %.*s%s", got, got < 40 ? got : 40, octets, more ? " +" : "");
    } while (more);
}

static void pairs(void *context, const char *name, const char *endpoint)
{
    void *a = open_socket(context, ZMQ_PAIR), *b = open_socket(context, ZMQ_PAIR);
    join(name, a, b, endpoint);
    say_result(name, zmq_send(b, "one", 3, ZMQ_SNDMORE));
    say_result(name, zmq_send(b, "two", 3, ZMQ_SNDMORE));
    say_result(name, zmq_send(b, "", 0, 0));
    say_recv(name, a);
    say_result(name, zmq_send_const(a, "back", 4, 0));
    say_recv(name, b);
    zmq_close(a);
    zmq_close(b);
}

static void requests(void *context, const char *name, const char *endpoint)
{
    void *a = open_socket(context, ZMQ_REP), *b = open_socket(context, ZMQ_REQ);
    char octet;
    join(name, a, b, endpoint);
    say_result(name, zmq_recv(b, &octet, 1, ZMQ_DONTWAIT));
    say_result(name, zmq_send(a, "x", 1, 0));
    for (int i = 0; i < 3; i++) {
        say_result(name, zmq_send(b, "question", 8, 0));
        say_result(name, zmq_send(b, "again", 5, 0));
        say_recv(name, a);
        say_result(name, zmq_recv(a, &octet, 1, ZMQ_DONTWAIT));
        say_result(name, zmq_send(a, "answer", 6, 0));
        say_recv(name, b);
    }
    zmq_close(a);
    zmq_close(b);
}

// What the peer that was asked leaves behind when it goes: a REQ that waits, and no news.
static void widows(void *context, const char *name, const char *endpoint)
{
    void *a = open_socket(context, ZMQ_REP), *b = open_socket(context, ZMQ_REQ);
    const int wait = 300;
    char octet;
    join(name, a, b, endpoint);
    zmq_setsockopt(b, ZMQ_RCVTIMEO, &wait, sizeof wait);
    say_result(name, zmq_send(b, "question", 8, 0));
    say_recv(name, a);
    zmq_close(a);
    zmq_pollitem_t item = {b, 0, ZMQ_POLLIN | ZMQ_POLLOUT, 0};
    say_result(name, zmq_poll(&item, 1, wait));
    say_result(name, zmq_recv(b, &octet, 1, 0));
    say_result(name, zmq_send(b, "again", 5, ZMQ_DONTWAIT));
    zmq_close(b);
}

static void routes(void *context, const char *name, const char *endpoint)
{
    void *a = open_socket(context, ZMQ_ROUTER), *b = open_socket(context, ZMQ_DEALER);
    const int on = 1;
    zmq_setsockopt(b, ZMQ_ROUTING_ID, "dealer", 6);
    say_result(name, zmq_setsockopt(a, ZMQ_ROUTER_MANDATORY, &on, sizeof on));
    join(name, a, b, endpoint);
    say_result(name, zmq_send(b, "hello", 5, 0));
    say_recv(name, a);
    say_result(name, zmq_send(a, "nobody", 6, ZMQ_SNDMORE));
    say_result(name, zmq_send(a, "dealer", 6, ZMQ_SNDMORE));
    say_result(name, zmq_send(a, "welcome", 7, 0));
    say_recv(name, b);
    zmq_close(a);
    zmq_close(b);
}

static void topics(void *context, const char *name, const char *endpoint)
{
    void *a = open_socket(context, ZMQ_XPUB), *b = open_socket(context, ZMQ_SUB);
    char octet;
    join(name, a, b, endpoint);
    say_result(name, zmq_setsockopt(b, ZMQ_SUBSCRIBE, "news", 4));
    say_recv(name, a);
    say_result(name, zmq_send(a, "weather", 7, 0));
    say_result(name, zmq_send(a, "news of today", 13, 0));
    say_recv(name, b);
    say_result(name, zmq_setsockopt(b, ZMQ_UNSUBSCRIBE, "news", 4));
    say_recv(name, a);
    say_result(name, zmq_send(b, "x", 1, 0));
    say_result(name, zmq_recv(b, &octet, 1, ZMQ_DONTWAIT));
    zmq_close(a);
    zmq_close(b);
}

// What a send took leaves although nobody calls on that socket again.
static void many(void *context, const char *name, const char *endpoint)
{
    void *a = open_socket(context, ZMQ_PULL), *b = open_socket(context, ZMQ_PUSH);
    char octets[16];
    int sent = 0, got = 0;
    join(name, a, b, endpoint);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 500; i++)
            sent += zmq_send(b, "0123456789", 10, 0) == 10;
        for (int i = 0; i < 500; i++)
            got += zmq_recv(a, octets, sizeof octets, 0) == 10;
    }
    say(name, "%d %d", sent, got);
    say_result(name, zmq_send(a, "x", 1, 0));
    say_result(name, zmq_recv(b, octets, 1, ZMQ_DONTWAIT));
    zmq_close(a);
    zmq_close(b);
}

// |fixed|, or a name over inproc that no other pattern has: libzmq closes when it likes.
static void name_endpoint(char endpoint[64], const char *fixed, const char *pattern)
{
    snprintf(endpoint, 64, "%s%s", fixed ? fixed : "inproc://", fixed ? "" : pattern);
}

static void patterns(void *context)
{
    static const char *const transports[][2] = {
        {"tcp", "tcp://127.0.0.1:*"}, {"ipc", "ipc://*"}, {"inproc", NULL}};
    char name[64], endpoint[64];
    for (size_t i = 0; i < 3; i++) {
        const char *const transport = transports[i][0];
        snprintf(name, sizeof name, "PAIR over %s", transport);
        name_endpoint(endpoint, transports[i][1], "pairs");
        pairs(context, name, endpoint);
        snprintf(name, sizeof name, "REQ and REP over %s", transport);
        name_endpoint(endpoint, transports[i][1], "requests");
        requests(context, name, endpoint);
        snprintf(name, sizeof name, "REQ without its REP over %s", transport);
        name_endpoint(endpoint, transports[i][1], "widows");
        widows(context, name, endpoint);
        snprintf(name, sizeof name, "ROUTER and DEALER over %s", transport);
        name_endpoint(endpoint, transports[i][1], "routes");
        routes(context, name, endpoint);
        snprintf(name, sizeof name, "XPUB and SUB over %s", transport);
        name_endpoint(endpoint, transports[i][1], "topics");
        topics(context, name, endpoint);
        snprintf(name, sizeof name, "PUSH and PULL over %s", transport);
        name_endpoint(endpoint, transports[i][1], "many");
        many(context, name, endpoint);
    }
}

// Sockets that waited for a name are joined in the order in which they came, and what they sent is received in it.
static void first_come(void *context)
{
    enum { COUNT = 3 };
    void *pulls[COUNT], *pushes[COUNT];
    char text[COUNT + 1] = "";
    for (int i = 0; i < COUNT; i++) {
        pulls[i] = open_socket(context, ZMQ_PULL);
        pushes[i] = open_socket(context, ZMQ_PUSH);
        zmq_connect(pulls[i], "inproc://first-pulls");
        zmq_connect(pushes[i], "inproc://first-pushes");
        zmq_send(pushes[i], &"abc"[i], 1, 0);
    }
    void *push = open_socket(context, ZMQ_PUSH), *pull = open_socket(context, ZMQ_PULL);
    say_result("bound after those that connected", zmq_bind(push, "inproc://first-pulls"));
    say_result("bound after those that connected", zmq_bind(pull, "inproc://first-pushes"));
    for (int i = 0; i < COUNT; i++)
        zmq_send(push, &"abc"[i], 1, 0);
    for (int i = 0; i < COUNT; i++)
        zmq_recv(pulls[i], &text[i], 1, 0);
    say("who connected first is sent to first", "%s", text);
    for (int i = 0; i < COUNT; i++)
        zmq_recv(pull, &text[i], 1, 0);
    say("and received from first", "%s", text);
    for (int i = 0; i < COUNT; i++) {
        zmq_close(pulls[i]);
        zmq_close(pushes[i]);
    }
    zmq_close(push);
    zmq_close(pull);
}

static void endpoints(void *context)
{
    void *a = open_socket(context, ZMQ_PAIR), *b = open_socket(context, ZMQ_DEALER);
    say_result("no scheme", zmq_bind(a, "nothing"));
    say_result("nobody's scheme", zmq_connect(a, "carrier://pigeon"));
    say_result("udp is not for it", zmq_bind(a, "udp://127.0.0.1:5555"));
    say_result("bind what was not", zmq_unbind(a, "tcp://127.0.0.1:5555"));
    say_result("disconnect what was not", zmq_disconnect(a, "inproc://nobody"));
    say_result("a name", zmq_bind(a, "inproc://name"));
    say_result("the name again", zmq_bind(b, "inproc://name"));
    say_result("its end", zmq_unbind(a, "inproc://name"));
    say_result("and again", zmq_bind(b, "inproc://name"));
    say_result("somebody else's address", zmq_bind(b, "tcp://192.0.2.1:5555"));
    say_result("connect", zmq_connect(b, "tcp://127.0.0.1:9"));
    say_result("connect twice", zmq_connect(b, "tcp://127.0.0.1:9"));
    say_result("disconnect", zmq_disconnect(b, "tcp://127.0.0.1:9"));
    say_result("disconnect twice", zmq_disconnect(b, "tcp://127.0.0.1:9"));
    zmq_close(a);
    zmq_close(b);
}

static void options(void *context)
{
    static const struct {
        const char *name;
        int option;
    } known[] = {{"SNDHWM", ZMQ_SNDHWM},
                 {"RCVHWM", ZMQ_RCVHWM},
                 {"LINGER", ZMQ_LINGER},
                 {"RECONNECT_IVL", ZMQ_RECONNECT_IVL},
                 {"BACKLOG", ZMQ_BACKLOG},
                 {"IPV6", ZMQ_IPV6},
                 {"IMMEDIATE", ZMQ_IMMEDIATE},
                 {"TYPE", ZMQ_TYPE},
                 {"MECHANISM", ZMQ_MECHANISM},
                 {"HANDSHAKE_IVL", ZMQ_HANDSHAKE_IVL},
                 {"RATE", ZMQ_RATE},
                 {"TCP_KEEPALIVE", ZMQ_TCP_KEEPALIVE},
                 {"CONFLATE", ZMQ_CONFLATE},
                 {"HEARTBEAT_IVL", ZMQ_HEARTBEAT_IVL},
                 {"THREAD_SAFE", ZMQ_THREAD_SAFE}};
    void *socket = zmq_socket(context, ZMQ_DEALER);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        int number = 0;
        size_t size = sizeof number;
        say_result(known[i].name, zmq_getsockopt(socket, known[i].option, &number, &size));
        say(known[i].name, "%d of %zu", number, size);
        const int below = -2;
        say_result(known[i].name, zmq_setsockopt(socket, known[i].option, &below, sizeof below));
        say_result(known[i].name, zmq_setsockopt(socket, known[i].option, &below, 2));
    }
    char text[256];
    size_t size = sizeof text;
    say_result("PLAIN_USERNAME", zmq_setsockopt(socket, ZMQ_PLAIN_USERNAME, "admin", 5));
    say_result("PLAIN_USERNAME", zmq_getsockopt(socket, ZMQ_PLAIN_USERNAME, text, &size));
    say("PLAIN_USERNAME", "%s %zu", text, size);
    int mechanism;
    size = sizeof mechanism;
    zmq_getsockopt(socket, ZMQ_MECHANISM, &mechanism, &size);
    say("PLAIN_USERNAME", "mechanism %d", mechanism);
    say_result("an option of nobody's", zmq_setsockopt(socket, 9999, text, 4));
    say_result("an option of SUB", zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0));
    say_result("an option of ROUTER", zmq_setsockopt(socket, ZMQ_ROUTER_MANDATORY, &mechanism, 4));
    zmq_close(socket);
}

// Bindings of libzmq 2 read these with room for 64 bits: what is over has zeros. The others want 4 octets exactly.
static void rooms(void *context)
{
    static const struct {
        const char *name;
        int option;
    } known[] = {{"room for RCVMORE", ZMQ_RCVMORE}, {"room for EVENTS", ZMQ_EVENTS},
                 {"room for FD", ZMQ_FD},           {"room for THREAD_SAFE", ZMQ_THREAD_SAFE},
                 {"room for TYPE", ZMQ_TYPE},       {"room for LINGER", ZMQ_LINGER}};
    void *socket = zmq_socket(context, ZMQ_PULL);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        for (size_t room = 2; room <= 16; room += 2) {
            unsigned char octets[17];
            memset(octets, 0xaa, sizeof octets);
            size_t size = room;
            say_result(known[i].name, zmq_getsockopt(socket, known[i].option, octets, &size));
            say(known[i].name, "%zu of %zu, then %02x, at the end %02x %02x", size, room, octets[4],
                octets[room - 1], octets[room]);
        }
    }
    zmq_close(socket);
}

static void interrupted(int number)
{
    (void)number;
}

static void times(void *context)
{
    void *socket = zmq_socket(context, ZMQ_PULL);
    const int wait = 100, ever = -1;
    char octet;
    zmq_bind(socket, "inproc://times");
    say_result("not waiting", zmq_recv(socket, &octet, 1, ZMQ_DONTWAIT));
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &wait, sizeof wait);
    void *watch = zmq_stopwatch_start();
    say_result("a time limit", zmq_recv(socket, &octet, 1, 0));
    say("a time limit", "%d", zmq_stopwatch_stop(watch) >= 95000);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &ever, sizeof ever);
    const struct sigaction action = {.sa_handler = interrupted};
    // Again and again, as a busy machine may be late with the call that it is to interrupt.
    const struct itimerval timer = {{0, 100000}, {0, 100000}}, never = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
    say_result("a signal", zmq_recv(socket, &octet, 1, 0));
    setitimer(ITIMER_REAL, &never, NULL);
    zmq_close(socket);
}

static void *shut_down(void *context)
{
    const struct timespec wait = {.tv_nsec = 100000000};
    nanosleep(&wait, NULL);
    zmq_ctx_shutdown(context);
    return NULL;
}

static void ends(void)
{
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_PULL);
    char octet;
    pthread_t thread;
    zmq_bind(socket, "tcp://127.0.0.1:*");
    pthread_create(&thread, NULL, shut_down, context);
    say_result("a shutdown ends a wait", zmq_recv(socket, &octet, 1, 0));
    say_result("and all calls after it", zmq_connect(socket, "inproc://x"));
    say_pointer("and new sockets", zmq_socket(context, ZMQ_PULL));
    pthread_join(thread, NULL);
    say_result("but close", zmq_close(socket));
    say_result("and close again", zmq_close(socket));
    say_result("and term", zmq_ctx_term(context));
    say_pointer("a type of nobody's", zmq_socket(context = zmq_ctx_new(), 99));
    say_result("a context without sockets", zmq_ctx_term(context));
}

// What was sent before a close arrives, as linger is for ever.
static void lingers(void)
{
    void *here = zmq_ctx_new(), *there = zmq_ctx_new();
    void *a = open_socket(here, ZMQ_PULL), *b = zmq_socket(there, ZMQ_PUSH);
    char octets[8];
    int got = 0;
    join("linger", a, b, "tcp://127.0.0.1:*");
    for (int i = 0; i < 300; i++)
        zmq_send(b, "x", 1, 0);
    zmq_close(b);
    say_result("linger", zmq_ctx_term(there));
    for (int i = 0; i < 300; i++)
        got += zmq_recv(a, octets, sizeof octets, 0) == 1;
    say("linger", "%d", got);
    zmq_close(a);
    zmq_ctx_term(here);
}

// What those who have gone left is received, however much it is: more than the native engine keeps.
static void leavings(void *context)
{
    enum { CROWD = 70, SIZE = 1024 * 1024 };
    static char octets[SIZE];
    const char *const name = "what those who went left";
    void *puller = open_socket(context, ZMQ_PULL);
    char where[256];
    size_t size = sizeof where;
    int sent = 0, got = 0;
    say_result(name, zmq_bind(puller, "tcp://127.0.0.1:*"));
    zmq_getsockopt(puller, ZMQ_LAST_ENDPOINT, where, &size);
    for (int i = 0; i < CROWD; i++) {
        void *own = zmq_ctx_new(), *pusher = open_socket(own, ZMQ_PUSH);
        const int linger = PATIENCE_MS;
        zmq_setsockopt(pusher, ZMQ_LINGER, &linger, sizeof linger);
        zmq_connect(pusher, where);
        sent += zmq_send(pusher, octets, SIZE, 0) == SIZE;
        zmq_close(pusher);
        zmq_ctx_term(own); // when it has left
    }
    for (int i = 0; i < CROWD; i++)
        got += zmq_recv(puller, octets, SIZE, 0) == SIZE;
    say(name, "%d %d", sent, got);
    zmq_close(puller);
}

static void plain(void *context)
{
    void *a = open_socket(context, ZMQ_PULL), *b = open_socket(context, ZMQ_PUSH);
    const int on = 1, wait = 500;
    zmq_setsockopt(a, ZMQ_PLAIN_SERVER, &on, sizeof on);
    zmq_setsockopt(a, ZMQ_RCVTIMEO, &wait, sizeof wait);
    zmq_setsockopt(b, ZMQ_PLAIN_USERNAME, "user", 4);
    zmq_setsockopt(b, ZMQ_PLAIN_PASSWORD, "word", 4);
    join("PLAIN without a handler", a, b, "tcp://127.0.0.1:*");
    say_result("PLAIN without a handler", zmq_send(b, "secret", 6, 0));
    say_recv("PLAIN without a handler", a);
    zmq_close(a);
    zmq_close(b);
}

static void curve(void *context)
{
    void *a = open_socket(context, ZMQ_PULL), *b = open_socket(context, ZMQ_PUSH);
    char public_key[41], secret_key[41];
    const int on = 1;
    zmq_curve_keypair(public_key, secret_key);
    zmq_setsockopt(a, ZMQ_CURVE_SERVER, &on, sizeof on);
    zmq_setsockopt(a, ZMQ_CURVE_SECRETKEY, secret_key, 40);
    zmq_setsockopt(b, ZMQ_CURVE_SERVERKEY, public_key, 40);
    zmq_curve_keypair(public_key, secret_key);
    zmq_setsockopt(b, ZMQ_CURVE_PUBLICKEY, public_key, 40);
    zmq_setsockopt(b, ZMQ_CURVE_SECRETKEY, secret_key, 40);
    join("CURVE without a handler", a, b, "tcp://127.0.0.1:*");
    say_result("CURVE without a handler", zmq_send(b, "secret", 6, 0));
    say_recv("CURVE without a handler", a);
    zmq_close(a);
    zmq_close(b);
}

static void say_answer(void *handler, const char *status)
{
    say_recv("a handler is asked", handler);
    zmq_send(handler, "1.0", 3, ZMQ_SNDMORE);
    zmq_send(handler, "1", 1, ZMQ_SNDMORE);
    zmq_send(handler, status, 3, ZMQ_SNDMORE);
    zmq_send(handler, "", 0, ZMQ_SNDMORE);
    zmq_send(handler, "somebody", 8, ZMQ_SNDMORE);
    zmq_send(handler, "", 0, 0);
}

// A handler lets one in and another not.
static void asks(void *context)
{
    void *handler = open_socket(context, ZMQ_REP);
    void *a = open_socket(context, ZMQ_PULL), *b = open_socket(context, ZMQ_PUSH);
    const int on = 1, wait = 500;
    zmq_msg_t msg;
    say_result("a handler", zmq_bind(handler, "inproc://zeromq.zap.01"));
    zmq_setsockopt(a, ZMQ_PLAIN_SERVER, &on, sizeof on);
    zmq_setsockopt(a, ZMQ_ZAP_DOMAIN, "domain", 6);
    zmq_setsockopt(b, ZMQ_PLAIN_USERNAME, "user", 4);
    zmq_setsockopt(b, ZMQ_PLAIN_PASSWORD, "word", 4);
    join("a handler is asked", a, b, "tcp://127.0.0.1:*");
    say_answer(handler, "200");
    zmq_send(b, "secret", 6, 0);
    zmq_msg_init(&msg);
    say_result("who is let in", zmq_msg_recv(&msg, a, 0));
    const char *user = zmq_msg_gets(&msg, "User-Id"), *from = zmq_msg_gets(&msg, "Peer-Address");
    say("who is let in", "%s from %s", user ? user : "nobody", from ? from : "nowhere");
    zmq_msg_close(&msg);
    zmq_close(b);
    b = open_socket(context, ZMQ_PUSH);
    zmq_setsockopt(b, ZMQ_PLAIN_USERNAME, "other", 5);
    zmq_setsockopt(b, ZMQ_PLAIN_PASSWORD, "word", 4);
    join("who is not", a, b, "tcp://127.0.0.1:*");
    say_answer(handler, "400");
    zmq_send(b, "secret", 6, 0);
    zmq_setsockopt(a, ZMQ_RCVTIMEO, &wait, sizeof wait);
    say_recv("who is not", a);
    zmq_close(a);
    zmq_close(b);
    zmq_close(handler);
}

// Receives events until |last|; those that come in any order are not told.
static void say_events(const char *name, void *listener, int last)
{
    uint8_t head[6];
    uint16_t event = 0;
    char endpoint[256];
    while (event != last) {
        if (zmq_recv(listener, head, sizeof head, 0) != sizeof head) break;
        const int size = zmq_recv(listener, endpoint, sizeof endpoint, 0);
        memcpy(&event, head, sizeof event);
        say(name, "%04x %s", event, size > 0 ? "somewhere" : "nowhere");
    }
}

static void monitors(void *context)
{
    void *a = open_socket(context, ZMQ_PULL), *b = open_socket(context, ZMQ_PUSH);
    void *listener = open_socket(context, ZMQ_PAIR);
    say_result("a monitor over tcp", zmq_socket_monitor(a, "tcp://127.0.0.1:*", ZMQ_EVENT_ALL));
    say_result("a monitor", zmq_socket_monitor(a, "inproc://monitor", ZMQ_EVENT_ALL));
    zmq_connect(listener, "inproc://monitor");
    join("a monitor", a, b, "tcp://127.0.0.1:*");
    say_events("a connection comes", listener, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    zmq_close(b);
    say_events("and goes", listener, ZMQ_EVENT_DISCONNECTED);
    say_result("no monitor", zmq_socket_monitor(a, NULL, 0));
    say_events("no monitor", listener, ZMQ_EVENT_MONITOR_STOPPED);
    zmq_close(listener);
    zmq_close(a);
}

int main(void)
{
    void *context = zmq_ctx_new();
    patterns(context);
    first_come(context);
    endpoints(context);
    options(context);
    rooms(context);
    times(context);
    ends();
    lingers();
    leavings(context);
    plain(context);
    curve(context);
    monitors(context);
    asks(context);
    say_result("term", zmq_ctx_term(context));
    return 0;
}
