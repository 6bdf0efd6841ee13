// Each error that the manual of libzmq 4.3.4 has for a function, and some more: a case is "function ERROR". Those that
// libzmq answers with a crash are in own_misuse; ENOTSUP of keys and EMFILE of contexts need another build or system.
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "say.h"

static uint64_t junk[512]; // no handle of anything
static char body[8];

// Says what |call| came to, under its own name and the error that is due.
#define SAY(what, call) (errno = 0, say_result(what, (call)))
#define SAY_NULL(what, call) (errno = 0, say_pointer(what, (call)))

static void send_and_recv(void *socket, const char *error)
{
    char name[64];
    zmq_msg_t message;
    struct iovec parts[2] = {{body, 1}, {body, 1}};
    size_t count = 2;
#define NAMED(function) (snprintf(name, sizeof name, "%s %s", function, error), name)
    SAY(NAMED("zmq_send"), zmq_send(socket, body, 1, ZMQ_DONTWAIT));
    SAY(NAMED("zmq_send_const"), zmq_send_const(socket, body, 1, ZMQ_DONTWAIT));
    zmq_msg_init_size(&message, 3);
    SAY(NAMED("zmq_msg_send"), zmq_msg_send(&message, socket, ZMQ_DONTWAIT));
    SAY(NAMED("zmq_sendmsg"), zmq_sendmsg(socket, &message, ZMQ_DONTWAIT));
    say(NAMED("zmq_msg_send"), "%zu octets are still the caller's", zmq_msg_size(&message));
    SAY(NAMED("zmq_sendiov"), zmq_sendiov(socket, parts, count, ZMQ_DONTWAIT));
    SAY(NAMED("zmq_recv"), zmq_recv(socket, body, 1, ZMQ_DONTWAIT));
    SAY(NAMED("zmq_msg_recv"), zmq_msg_recv(&message, socket, ZMQ_DONTWAIT));
    SAY(NAMED("zmq_recvmsg"), zmq_recvmsg(socket, &message, ZMQ_DONTWAIT));
    SAY(NAMED("zmq_recviov"), zmq_recviov(socket, parts, &count, ZMQ_DONTWAIT));
    zmq_msg_close(&message);
}

// All that takes a socket and looks at it first.
static void every_call(void *socket, const char *error)
{
    char name[64];
    int value = 0;
    size_t size = sizeof value;
    send_and_recv(socket, error);
    SAY(NAMED("zmq_setsockopt"), zmq_setsockopt(socket, ZMQ_LINGER, &value, sizeof value));
    SAY(NAMED("zmq_getsockopt"), zmq_getsockopt(socket, ZMQ_LINGER, &value, &size));
    SAY(NAMED("zmq_bind"), zmq_bind(socket, "inproc://a"));
    SAY(NAMED("zmq_connect"), zmq_connect(socket, "inproc://a"));
    SAY(NAMED("zmq_unbind"), zmq_unbind(socket, "inproc://a"));
    SAY(NAMED("zmq_disconnect"), zmq_disconnect(socket, "inproc://a"));
    SAY(NAMED("zmq_socket_monitor"), zmq_socket_monitor(socket, "inproc://m", ZMQ_EVENT_ALL));
}

static void no_handles(void)
{
    int value = 0;
    every_call(NULL, "ENOTSOCK, of null");
    every_call(junk, "ENOTSOCK");
    SAY("zmq_close ENOTSOCK", zmq_close(NULL));
    SAY("zmq_close ENOTSOCK", zmq_close(junk));
    SAY("zmq_ctx_get EFAULT", zmq_ctx_get(NULL, ZMQ_IO_THREADS));
    SAY("zmq_ctx_get EFAULT", zmq_ctx_get(junk, ZMQ_IO_THREADS));
    SAY("zmq_ctx_set EFAULT", zmq_ctx_set(NULL, ZMQ_IO_THREADS, 1));
    SAY("zmq_ctx_set EFAULT", zmq_ctx_set(junk, ZMQ_IO_THREADS, 1));
    SAY("zmq_ctx_shutdown EFAULT", zmq_ctx_shutdown(NULL));
    SAY("zmq_ctx_shutdown EFAULT", zmq_ctx_shutdown(junk));
    SAY("zmq_ctx_term EFAULT", zmq_ctx_term(NULL));
    SAY("zmq_ctx_term EFAULT", zmq_ctx_term(junk));
    SAY("zmq_ctx_destroy EFAULT", zmq_ctx_destroy(NULL));
    SAY("zmq_term EFAULT", zmq_term(NULL));
    SAY_NULL("zmq_socket EFAULT", zmq_socket(NULL, ZMQ_PAIR));
    SAY_NULL("zmq_socket EFAULT", zmq_socket(junk, ZMQ_PAIR));
    SAY("zmq_poll EFAULT", zmq_poll(NULL, 1, 0));
    SAY("zmq_poll EINVAL", zmq_poll(NULL, -1, 0));
    SAY("zmq_timers_add EFAULT", zmq_timers_add(NULL, 1, NULL, NULL));
    SAY("zmq_timers_cancel EFAULT", zmq_timers_cancel(NULL, 1));
    SAY("zmq_timers_set_interval EFAULT", zmq_timers_set_interval(NULL, 1, 1));
    SAY("zmq_timers_reset EFAULT", zmq_timers_reset(NULL, 1));
    SAY("zmq_timers_timeout EFAULT", (int)zmq_timers_timeout(NULL));
    SAY("zmq_timers_execute EFAULT", zmq_timers_execute(NULL));
    SAY_NULL("zmq_init EINVAL", zmq_init(-1));
    (void)value;
}

static void messages(void)
{
    zmq_msg_t message, none;
    memset(&none, 0, sizeof none);
    zmq_msg_init(&message);
    SAY("zmq_msg_close EFAULT", zmq_msg_close(&none));
    SAY("zmq_msg_copy EFAULT", zmq_msg_copy(&message, &none));
    SAY("zmq_msg_move EFAULT", zmq_msg_move(&message, &none));
    SAY("zmq_msg_get EINVAL", zmq_msg_get(&message, 4711));
    SAY("zmq_msg_set EINVAL", zmq_msg_set(&message, ZMQ_MORE, 1));
    SAY_NULL("zmq_msg_gets EINVAL", zmq_msg_gets(&message, "Socket-Type"));
    SAY("zmq_msg_close", zmq_msg_close(&message));
    SAY("zmq_msg_close EFAULT", zmq_msg_close(&message));
    SAY("zmq_msg_init_size ENOMEM", zmq_msg_init_size(&message, SIZE_MAX / 4));
    SAY("zmq_msg_init_size ENOMEM", zmq_msg_init_size(&message, SIZE_MAX));
    SAY_NULL("zmq_z85_encode EINVAL", zmq_z85_encode(body, (const uint8_t *)"abc", 3));
    SAY_NULL("zmq_z85_decode EINVAL", zmq_z85_decode((uint8_t *)body, "abc"));
}

static void contexts(void)
{
    void *context = zmq_ctx_new();
    SAY("zmq_ctx_set EINVAL", zmq_ctx_set(context, 4711, 1));
    SAY("zmq_ctx_set EINVAL", zmq_ctx_set(context, ZMQ_IO_THREADS, -1));
    SAY("zmq_ctx_set EINVAL", zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 0));
    SAY("zmq_ctx_get EINVAL", zmq_ctx_get(context, 4711));
    SAY_NULL("zmq_socket EINVAL", zmq_socket(context, -1));
    SAY_NULL("zmq_socket EINVAL", zmq_socket(context, 4711));
    zmq_ctx_term(context);
    context = zmq_ctx_new();
    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 2);
    void *const first = zmq_socket(context, ZMQ_PAIR), *const second = zmq_socket(context, ZMQ_PUB);
    say_pointer("zmq_socket EMFILE", first);
    say_pointer("zmq_socket EMFILE", second);
    SAY_NULL("zmq_socket EMFILE", zmq_socket(context, ZMQ_SUB));
    zmq_close(first);
    zmq_close(second);
    zmq_ctx_term(context);
}

// Which of them are there is a matter of the build; which a type can have is not.
static void other_transports(void *socket, const char *type)
{
    static const char *const names[] = {"udp://127.0.0.1:4711",
                                        "udp://nowhere",
                                        "udp://",
                                        "pgm://eth0;239.192.1.1:4711",
                                        "epgm://127.0.0.1;239.192.1.1:4711",
                                        "epgm://",
                                        "norm://127.0.0.1:4711",
                                        "tipc://{4711,0,0}",
                                        "nothing://127.0.0.1:4711",
                                        "ws://127.0.0.1:4711"};
    char name[96];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        SAY((snprintf(name, sizeof name, "zmq_unbind %s %s", names[i], type), name),
            zmq_unbind(socket, names[i]));
        SAY((snprintf(name, sizeof name, "zmq_disconnect %s %s", names[i], type), name),
            zmq_disconnect(socket, names[i]));
    }
}

static void endpoints_of(void *socket)
{
    static const char *const wrong[] = {"",          "tcp",           "tcp:",       "tcp:/",
                                        "tcp://",    "://",           "tcp://a",    "inproc",
                                        "inproc://", "ipc://",        "tcp://:",    "tcp://*",
                                        "tcp://[]",  "tcp://1.2.3.4", "tcp://*:a:b"};
    static const char *const unknown[] = {"foo://bar", "http://a:1", "TCP://127.0.0.1:1", "x://y"};
    static const char *const others[] = {"udp://127.0.0.1:5555"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (strcmp(wrong[i], "inproc://") == 0) continue; // a name as any other, there
        SAY("zmq_bind EINVAL", zmq_bind(socket, wrong[i]));
        SAY("zmq_unbind EINVAL", zmq_unbind(socket, wrong[i]));
        if (strcmp(wrong[i], "tcp://*") != 0)
            SAY("zmq_connect EINVAL", zmq_connect(socket, wrong[i]));
        SAY("zmq_disconnect EINVAL", zmq_disconnect(socket, wrong[i]));
    }
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        SAY("zmq_bind EPROTONOSUPPORT", zmq_bind(socket, unknown[i]));
        SAY("zmq_connect EPROTONOSUPPORT", zmq_connect(socket, unknown[i]));
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        SAY("zmq_bind ENOCOMPATPROTO", zmq_bind(socket, others[i]));
        SAY("zmq_connect ENOCOMPATPROTO", zmq_connect(socket, others[i]));
    }
    SAY("zmq_bind ENODEV", zmq_bind(socket, "tcp://nonexistent0:*"));
    SAY("zmq_bind EADDRNOTAVAIL", zmq_bind(socket, "tcp://192.0.2.1:*"));
    SAY("zmq_unbind ENOENT", zmq_unbind(socket, "tcp://127.0.0.1:4711"));
    SAY("zmq_unbind ENOENT", zmq_unbind(socket, "inproc://nobody"));
    other_transports(socket, "of a PAIR");
    SAY("zmq_disconnect ENOENT", zmq_disconnect(socket, "tcp://127.0.0.1:4711"));
    SAY("zmq_disconnect ENOENT", zmq_disconnect(socket, "inproc://nobody"));
    SAY("zmq_socket_monitor EPROTONOSUPPORT",
        zmq_socket_monitor(socket, "tcp://*:1", ZMQ_EVENT_ALL));
    SAY("zmq_socket_monitor EINVAL", zmq_socket_monitor(socket, "inproc", ZMQ_EVENT_ALL));
    char long_path[300] = "ipc:///tmp/";
    memset(long_path + 11, 'x', 200);
    SAY("zmq_bind ENAMETOOLONG", zmq_bind(socket, long_path));
    SAY("zmq_connect ENAMETOOLONG", zmq_connect(socket, long_path));
}

static void taken(void *context)
{
    char endpoint[256];
    size_t size = sizeof endpoint;
    void *const one = zmq_socket(context, ZMQ_REP), *const two = zmq_socket(context, ZMQ_REP);
    zmq_bind(one, "tcp://127.0.0.1:*");
    zmq_getsockopt(one, ZMQ_LAST_ENDPOINT, endpoint, &size);
    SAY("zmq_bind EADDRINUSE", zmq_bind(two, endpoint));
    zmq_bind(one, "inproc://taken");
    SAY("zmq_bind EADDRINUSE", zmq_bind(two, "inproc://taken"));
    SAY("zmq_bind EADDRINUSE", zmq_bind(one, "inproc://taken"));
    SAY("zmq_socket_monitor EADDRINUSE", zmq_socket_monitor(two, "inproc://taken", ZMQ_EVENT_ALL));
    zmq_close(one);
    zmq_close(two);
}

static void transports_of(void *context)
{
    static const char device[] = "no-such-device";
    static const char *const multicast[] = {"pgm://eth0;239.192.1.1:4711",
                                            "epgm://eth0;239.192.1.1:4711", "norm://127.0.0.1:4711",
                                            "udp://127.0.0.1:4711"};
    void *sub = zmq_socket(context, ZMQ_SUB), *rep = zmq_socket(context, ZMQ_REP);
    other_transports(sub, "of a SUB");
    other_transports(rep, "of a REP");
    for (size_t i = 0; i < sizeof multicast / sizeof *multicast; i++) {
        SAY("zmq_bind ENOCOMPATPROTO", zmq_bind(rep, multicast[i]));
        SAY("zmq_connect ENOCOMPATPROTO", zmq_connect(rep, multicast[i]));
    }
    SAY("zmq_bind ENODEV, of a device",
        zmq_setsockopt(rep, ZMQ_BINDTODEVICE, device, sizeof device - 1));
    SAY("zmq_bind ENODEV, of a device", zmq_bind(rep, "tcp://127.0.0.1:*"));
    zmq_close(sub);
    zmq_close(rep);
}

static void options(void *context)
{
    void *const socket = zmq_socket(context, ZMQ_DEALER);
    int value = 1;
    size_t size = 1;
    SAY("zmq_setsockopt EINVAL", zmq_setsockopt(socket, 4711, &value, sizeof value));
    SAY("zmq_setsockopt EINVAL", zmq_setsockopt(socket, ZMQ_LINGER, &value, 1));
    SAY("zmq_setsockopt EINVAL", zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "a", 1));
    SAY("zmq_setsockopt EINVAL", zmq_setsockopt(socket, ZMQ_TYPE, &value, sizeof value));
    SAY("zmq_getsockopt EINVAL", zmq_getsockopt(socket, 4711, &value, &size));
    SAY("zmq_getsockopt EINVAL", zmq_getsockopt(socket, ZMQ_LINGER, &value, &size));
    SAY("zmq_getsockopt EINVAL", zmq_getsockopt(socket, ZMQ_SUBSCRIBE, &value, &size));
    zmq_close(socket);
}

static void states(void *context)
{
    static const int mute[] = {ZMQ_SUB, ZMQ_PULL}, deaf[] = {ZMQ_PUB, ZMQ_PUSH};
    const int yes = 1;
    void *const req = zmq_socket(context, ZMQ_REQ), *const rep = zmq_socket(context, ZMQ_REP);
    zmq_bind(rep, "inproc://state");
    zmq_connect(req, "inproc://state");
    SAY("zmq_send EFSM", zmq_send(rep, body, 1, ZMQ_DONTWAIT));
    SAY("zmq_recv EFSM", zmq_recv(req, body, 1, ZMQ_DONTWAIT));
    SAY("zmq_send", zmq_send(req, body, 1, ZMQ_DONTWAIT));
    SAY("zmq_send EFSM", zmq_send(req, body, 1, ZMQ_DONTWAIT));
    SAY("zmq_send_const EFSM", zmq_send_const(req, body, 1, ZMQ_DONTWAIT));
    SAY("zmq_recv EAGAIN", zmq_recv(req, body, 1, ZMQ_DONTWAIT));
    SAY("zmq_recv", zmq_recv(rep, body, 1, 0));
    SAY("zmq_recv EFSM", zmq_recv(rep, body, 1, ZMQ_DONTWAIT));
    zmq_close(req);
    zmq_close(rep);
    for (size_t i = 0; i < 2; i++) {
        void *const silent = zmq_socket(context, mute[i]), *const numb =
                                                               zmq_socket(context, deaf[i]);
        SAY("zmq_send ENOTSUP", zmq_send(silent, body, 1, ZMQ_DONTWAIT));
        SAY("zmq_send_const ENOTSUP", zmq_send_const(silent, body, 1, ZMQ_DONTWAIT));
        SAY("zmq_recv ENOTSUP", zmq_recv(numb, body, 1, ZMQ_DONTWAIT));
        zmq_close(silent);
        zmq_close(numb);
    }
    void *const router = zmq_socket(context, ZMQ_ROUTER);
    zmq_setsockopt(router, ZMQ_ROUTER_MANDATORY, &yes, sizeof yes);
    SAY("zmq_send EHOSTUNREACH", zmq_send(router, "nobody", 6, ZMQ_SNDMORE));
    SAY("zmq_send EHOSTUNREACH", zmq_send(router, "nobody", 6, ZMQ_SNDMORE | ZMQ_DONTWAIT));
    zmq_close(router);
}

static void not_now(void *context)
{
    const int patience = 10;
    void *const socket = zmq_socket(context, ZMQ_DEALER);
    send_and_recv(socket, "EAGAIN");
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, sizeof patience);
    zmq_setsockopt(socket, ZMQ_SNDTIMEO, &patience, sizeof patience);
    SAY("zmq_send EAGAIN, after a while", zmq_send(socket, body, 1, 0));
    SAY("zmq_recv EAGAIN, after a while", zmq_recv(socket, body, 1, 0));
    zmq_close(socket);
}

static void without_threads(void)
{
    void *const context = zmq_ctx_new();
    zmq_ctx_set(context, ZMQ_IO_THREADS, 0);
    void *const socket = zmq_socket(context, ZMQ_PAIR);
    SAY("zmq_bind EMTHREAD", zmq_bind(socket, "tcp://127.0.0.1:*"));
    SAY("zmq_connect EMTHREAD", zmq_connect(socket, "tcp://127.0.0.1:9"));
    SAY("zmq_bind, inproc without threads", zmq_bind(socket, "inproc://a"));
    zmq_close(socket);
    zmq_ctx_term(context);
}

static void ended(void)
{
    void *const context = zmq_ctx_new();
    void *const socket = zmq_socket(context, ZMQ_PAIR);
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    SAY("zmq_ctx_shutdown", zmq_ctx_shutdown(context));
    every_call(socket, "ETERM");
    SAY("zmq_poll ETERM", zmq_poll(&item, 1, -1));
    SAY_NULL("zmq_socket ETERM", zmq_socket(context, ZMQ_PAIR));
    SAY("zmq_ctx_shutdown, again", zmq_ctx_shutdown(context));
    zmq_close(socket);
    zmq_ctx_term(context);
}

static void nothing(int signal)
{
    (void)signal;
}

// From now on a signal comes every 20 ms, or no more.
static void signals(int on)
{
    const struct itimerval timer = {{0, on ? 20000 : 0}, {0, on ? 20000 : 0}};
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void interrupted(void)
{
    void *const context = zmq_ctx_new();
    void *const socket = zmq_socket(context, ZMQ_DEALER);
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    zmq_msg_t message;
    zmq_msg_init_size(&message, 1);
    signals(1);
    SAY("zmq_recv EINTR", zmq_recv(socket, body, 1, 0));
    SAY("zmq_send EINTR", zmq_send(socket, body, 1, 0));
    SAY("zmq_send_const EINTR", zmq_send_const(socket, body, 1, 0));
    SAY("zmq_msg_send EINTR", zmq_msg_send(&message, socket, 0));
    SAY("zmq_msg_recv EINTR", zmq_msg_recv(&message, socket, 0));
    SAY("zmq_sendmsg EINTR", zmq_sendmsg(socket, &message, 0));
    SAY("zmq_recvmsg EINTR", zmq_recvmsg(socket, &message, 0));
    SAY("zmq_poll EINTR", zmq_poll(&item, 1, -1));
    SAY("zmq_poll EINTR", zmq_poll(&item, 1, 30000));
    SAY("zmq_ctx_term EINTR", zmq_ctx_term(context));
    SAY("zmq_recv ETERM, after a term that was interrupted", zmq_recv(socket, body, 1, 0));
    signals(0);
    zmq_msg_close(&message);
    zmq_close(socket);
    SAY("zmq_ctx_term, again", zmq_ctx_term(context));
}

int main(void)
{
    no_handles();
    messages();
    contexts();
    void *const context = zmq_ctx_new();
    void *const socket = zmq_socket(context, ZMQ_REQ);
    endpoints_of(socket);
    zmq_close(socket);
    taken(context);
    transports_of(context);
    options(context);
    states(context);
    not_now(context);
    zmq_ctx_term(context);
    without_threads();
    ended();
    interrupted();
    return 0;
}
