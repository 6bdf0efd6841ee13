// The adapter over libzmq, as its guide uses it: blocking calls, one I/O thread.
#include "adapter.h"
#include "bench.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

struct adapter {
    void *socket;
    char endpoint[256];
};

static void adapter_check(const char *what, int status)
{
    if (status < 0) bench_die(what, zmq_strerror(zmq_errno()));
}

const char *adapter_library(void)
{
    static char text[32];
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    (void)snprintf(text, sizeof text, "libzmq %d.%d.%d", major, minor, patch);
    return text;
}

// The home is a context.
struct adapter_home *adapter_home_open(void)
{
    void *const context = zmq_ctx_new();
    if (!context) adapter_check("context", -1);
    return context;
}

void adapter_home_close(struct adapter_home *home)
{
    adapter_check("term", zmq_ctx_term(home)); // waits until all has left
}

struct adapter *adapter_open(struct adapter_home *home, enum adapter_pattern pattern,
                             unsigned count_max)
{
    static const int types[] = {[ADAPTER_DEALER] = ZMQ_DEALER,
                                [ADAPTER_REQ] = ZMQ_REQ,
                                [ADAPTER_REP] = ZMQ_REP,
                                [ADAPTER_PUB] = ZMQ_PUB,
                                [ADAPTER_SUB] = ZMQ_SUB};
    struct adapter *const a = calloc(1, sizeof *a);
    if (!a) bench_die("adapter", "no memory");
    a->socket = zmq_socket(home, types[pattern]);
    if (!a->socket) adapter_check("socket", -1);
    const int hwm = (int)count_max;
    adapter_check("hwm", zmq_setsockopt(a->socket, ZMQ_SNDHWM, &hwm, sizeof hwm));
    adapter_check("hwm", zmq_setsockopt(a->socket, ZMQ_RCVHWM, &hwm, sizeof hwm));
    const int wait = 1;
    if (pattern == ADAPTER_PUB)
        adapter_check("nodrop", zmq_setsockopt(a->socket, ZMQ_XPUB_NODROP, &wait, sizeof wait));
    if (pattern == ADAPTER_SUB)
        adapter_check("subscribe", zmq_setsockopt(a->socket, ZMQ_SUBSCRIBE, "", 0));
    return a;
}

const char *adapter_bind(struct adapter *adapter, const char *endpoint)
{
    size_t size = sizeof adapter->endpoint;
    adapter_check(endpoint, zmq_bind(adapter->socket, endpoint));
    adapter_check(endpoint,
                  zmq_getsockopt(adapter->socket, ZMQ_LAST_ENDPOINT, adapter->endpoint, &size));
    return adapter->endpoint;
}

void adapter_connect(struct adapter *adapter, const char *endpoint)
{
    adapter_check(endpoint, zmq_connect(adapter->socket, endpoint));
}

void adapter_send(struct adapter *adapter, const void *data, size_t size)
{
    adapter_check("send", zmq_send(adapter->socket, data, size, 0));
}

void adapter_receive(struct adapter *adapter,
                     bool (*on_message)(void *context, const unsigned char *data, size_t size),
                     void *context)
{
    zmq_msg_t msg;
    adapter_check("msg", zmq_msg_init(&msg));
    do
        adapter_check("receive", zmq_msg_recv(&msg, adapter->socket, 0));
    while (on_message(context, zmq_msg_data(&msg), zmq_msg_size(&msg)));
    adapter_check("msg", zmq_msg_close(&msg));
}

void adapter_idle(struct adapter *adapter, unsigned milliseconds)
{
    (void)adapter;
    (void)poll(NULL, 0, (int)milliseconds); // an early end would show as lost messages
}

void adapter_close(struct adapter *adapter)
{
    adapter_check("close", zmq_close(adapter->socket));
    free(adapter);
}
