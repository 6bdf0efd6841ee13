// The drop-in called with stacks as old compilers and virtual machines of i386 leave them: aligned to 4 octets, where
// libsodium and the C library want 16. In TAP; make squeak runs it.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

enum { SHIFTS = 4, WAIT_MS = 20000 };

static unsigned shift; // octets that the stack is off by

#ifndef __i386__
#error "of i386 only: make squeak"
#endif
static intptr_t call_words(uintptr_t function, const intptr_t words[4])
{
    intptr_t result;
    unsigned off = shift; // the call spoils what is in these registers
    __asm__ volatile("movl %%esp, %%esi\n\t"
                     "andl $-16, %%esp\n\t"
                     "subl %%edx, %%esp\n\t"
                     "pushl 12(%%ecx)\n\t"
                     "pushl 8(%%ecx)\n\t"
                     "pushl 4(%%ecx)\n\t"
                     "pushl (%%ecx)\n\t"
                     "call *%%edi\n\t"
                     "movl %%esi, %%esp"
                     : "=a"(result), "+d"(off), "+c"(words)
                     : "D"(function)
                     : "esi", "memory", "cc");
    return result;
}
#define CALL(name, ...)                                                                            \
    call_words((uintptr_t)(name), (const intptr_t[4]){FOUR(__VA_ARGS__, 0, 0, 0, 0)})
#define FOUR(a, b, c, d, ...) (intptr_t)(a), (intptr_t)(b), (intptr_t)(c), (intptr_t)(d)

static void *socket_of(void *context, int type)
{
    const int none = 0, wait = WAIT_MS;
    void *socket = (void *)CALL(zmq_socket, context, type);
    CALL(zmq_setsockopt, socket, ZMQ_LINGER, &none, sizeof none);
    CALL(zmq_setsockopt, socket, ZMQ_RCVTIMEO, &wait, sizeof wait);
    return socket;
}

static int passes(void *from, void *to, const char *text)
{
    char room[32] = "";
    zmq_pollitem_t item = {.socket = to, .events = ZMQ_POLLIN};
    if (CALL(zmq_send, from, text, strlen(text), 0) != (intptr_t)strlen(text)) return 0;
    if (CALL(zmq_poll, &item, 1, WAIT_MS) != 1) return 0;
    return CALL(zmq_recv, to, room, sizeof room - 1, 0) == (intptr_t)strlen(text) &&
           strcmp(room, text) == 0;
}

// A question and its answer with CURVE: all of its cryptography happens within these calls.
static int converses(void *context)
{
    char keys[2][2][41], endpoint[256];
    const int on = 1;
    size_t size = sizeof endpoint;
    void *server = socket_of(context, ZMQ_REP), *client = socket_of(context, ZMQ_REQ);
    for (int i = 0; i < 2; i++)
        if (CALL(zmq_curve_keypair, keys[i][0], keys[i][1]) != 0) return 0;
    CALL(zmq_setsockopt, server, ZMQ_CURVE_SERVER, &on, sizeof on);
    CALL(zmq_setsockopt, server, ZMQ_CURVE_SECRETKEY, keys[0][1], 41);
    CALL(zmq_setsockopt, client, ZMQ_CURVE_SERVERKEY, keys[0][0], 41);
    CALL(zmq_setsockopt, client, ZMQ_CURVE_PUBLICKEY, keys[1][0], 41);
    CALL(zmq_setsockopt, client, ZMQ_CURVE_SECRETKEY, keys[1][1], 41);
    if (CALL(zmq_bind, server, "tcp://127.0.0.1:*") != 0) return 0;
    CALL(zmq_getsockopt, server, ZMQ_LAST_ENDPOINT, endpoint, &size);
    if (CALL(zmq_connect, client, endpoint) != 0) return 0;
    const int answered = passes(client, server, "question") && passes(server, client, "answer");
    return CALL(zmq_close, client) == 0 && CALL(zmq_close, server) == 0 && answered;
}

int main(void)
{
    int failed = 0;
    for (unsigned i = 0; i < SHIFTS; i++) {
        shift = 4 * i;
        void *const context = (void *)CALL(zmq_ctx_new, 0);
        int ok = converses(context);
        ok = CALL(zmq_ctx_term, context) == 0 && ok;
        failed += !ok;
        printf("%s %u - CURVE over tcp with a stack that is off by %u octets\n",
               ok ? "ok" : "not ok", i + 1, shift);
        fflush(stdout); // so that a crash is seen where it is
    }
    printf("1..%d\n", SHIFTS);
    return failed > 0;
}
