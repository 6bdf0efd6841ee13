// Bodies that the program has for good, in memory that nobody may write to: of zmq_send_const, and of zmq_msg_init_data
// without a function.
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "patient.h"
#include "say.h"

enum { PATIENCE_MS = 20000, BIG = 3 * 1024 * 1024 };

static const size_t sizes[] = {0,   1,    33,   40,   41,   48,   55,    56,    57,     64,
                               100, 1000, 4095, 4096, 4097, 8192, 65535, 65536, 100000, BIG};
enum { SIZES = sizeof sizes / sizeof *sizes };

static const char *constant; // BIG octets

static void make_constant(void)
{
    char *const at = mmap(NULL, BIG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < BIG; i++)
        at[i] = (char)(i * 7 + i / 251);
    mprotect(at, BIG, PROT_READ);
    constant = at;
}

// What a part that is received is of the constant's first octets.
static void say_part(const char *name, void *socket)
{
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    const int size = zmq_msg_recv(&msg, socket, 0);
    const int same = size >= 0 && memcmp(zmq_msg_data(&msg), constant, (size_t)size) == 0;
    say(name, "%d %s%s", size, same ? "as sent" : "something else",
        zmq_msg_more(&msg) ? ", more" : "");
    zmq_msg_close(&msg);
}

static int send_constant(void *socket, size_t size, int flags)
{
    zmq_msg_t msg;
    zmq_msg_init_data(&msg, (void *)(uintptr_t)constant, size, NULL, NULL);
    const int result = zmq_msg_send(&msg, socket, flags);
    if (result >= 0 && zmq_msg_size(&msg) != 0) return -2; // what was sent is emptied
    zmq_msg_close(&msg);
    return result;
}

static void each_size(const char *name, int from, int to, const char *where)
{
    char endpoint[256];
    void *const context = zmq_ctx_new();
    void *const a = open_patient(context, from, PATIENCE_MS);
    void *const b = open_patient(context, to, PATIENCE_MS);
    bind_somewhere(b, where, endpoint);
    say_result(name, zmq_connect(a, endpoint));
    for (int i = 0; i < SIZES; i++) {
        say_result(name, zmq_send_const(a, constant, sizes[i], 0));
        say_part(name, b);
        say_result(name, send_constant(a, sizes[i], 0));
        say_part(name, b);
    }
    // Parts of each kind, in both orders.
    for (int i = 0; i + 1 < SIZES; i++) {
        say_result(name, zmq_send_const(a, constant, sizes[i], ZMQ_SNDMORE));
        say_result(name, send_constant(a, sizes[i + 1], ZMQ_SNDMORE));
        say_result(name, zmq_send_const(a, constant, sizes[i + 1], 0));
        for (int part = 0; part < 3; part++)
            say_part(name, b);
    }
    zmq_close(a);
    zmq_close(b);
    say_result(name, zmq_ctx_term(context));
}

// Within a process it stays where it lies, however often it is passed on.
static void where_it_lies(void)
{
    static const char name[] = "within a process";
    zmq_msg_t msg;
    void *const context = zmq_ctx_new();
    void *const a = open_patient(context, ZMQ_PAIR, PATIENCE_MS);
    void *const b = open_patient(context, ZMQ_PAIR, PATIENCE_MS);
    zmq_bind(a, "inproc://lies");
    zmq_connect(b, "inproc://lies");
    zmq_msg_init(&msg);
    for (int i = 0; i < 2; i++) {
        say_result(name, i == 0 ? zmq_send_const(a, constant, BIG, 0) : send_constant(a, BIG, 0));
        say_result(name, zmq_msg_recv(&msg, b, 0));
        say(name, zmq_msg_data(&msg) == constant ? "where it lay" : "a copy");
        say_result(name, zmq_msg_send(&msg, b, 0));
        say_result(name, zmq_msg_recv(&msg, a, 0));
        say(name, zmq_msg_data(&msg) == constant ? "where it lay" : "a copy");
    }
    zmq_msg_close(&msg);
    zmq_close(a);
    zmq_close(b);
    say_result(name, zmq_ctx_term(context));
}

// What could not be sent is as it was.
static void no_room(void)
{
    static const char name[] = "without room";
    zmq_msg_t msg;
    void *const context = zmq_ctx_new(), *const push = open_patient(context, ZMQ_PUSH, PATIENCE_MS);
    for (int i = 0; i < SIZES; i++) {
        zmq_msg_init_data(&msg, (void *)(uintptr_t)constant, sizes[i], NULL, NULL);
        say_result(name, zmq_msg_send(&msg, push, ZMQ_DONTWAIT));
        say(name, "%zu %s, shared %d", zmq_msg_size(&msg),
            zmq_msg_data(&msg) == constant ? "where it lay" : "a copy",
            zmq_msg_get(&msg, ZMQ_SHARED));
        zmq_msg_close(&msg);
        say_result(name, zmq_send_const(push, constant, sizes[i], ZMQ_DONTWAIT));
    }
    zmq_close(push);
    say_result(name, zmq_ctx_term(context));
}

int main(void)
{
    make_constant();
    each_size("over tcp", ZMQ_PUSH, ZMQ_PULL, "tcp://127.0.0.1:*");
    each_size("over ipc", ZMQ_DEALER, ZMQ_DEALER, "ipc://*");
    each_size("over inproc", ZMQ_PAIR, ZMQ_PAIR, "inproc://sizes");
    where_it_lies();
    no_room();
    return 0;
}
