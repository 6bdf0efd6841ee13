// The adapter over libzmq, as its guide uses it: blocking calls, one I/O thread.
#include "adapter.h"
#include "bench.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

struct adapter {
    void *socket;
    bool routes; // a ROUTER
    size_t id_size;
    unsigned char id[255]; // whose message it had last
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

static void adapter_secure(void *socket, enum adapter_security security)
{
    const int server = 1;
    char public_key[41], secret_key[41];
    if (security == ADAPTER_CURVE_SERVER) {
        adapter_check("CURVE", zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &server, sizeof server));
        adapter_check("key", zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, BENCH_SECRET_KEY, 40));
    } else if (security == ADAPTER_CURVE_CLIENT) {
        adapter_check("keys", zmq_curve_keypair(public_key, secret_key));
        adapter_check("key", zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, BENCH_PUBLIC_KEY, 40));
        adapter_check("key", zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public_key, 40));
        adapter_check("key", zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_key, 40));
    }
}

struct adapter *adapter_open(struct adapter_home *home, const struct adapter_wish *wish)
{
    static const int types[] = {
        [ADAPTER_DEALER] = ZMQ_DEALER, [ADAPTER_ROUTER] = ZMQ_ROUTER, [ADAPTER_REQ] = ZMQ_REQ,
        [ADAPTER_REP] = ZMQ_REP,       [ADAPTER_PUSH] = ZMQ_PUSH,     [ADAPTER_PULL] = ZMQ_PULL,
        [ADAPTER_PUB] = ZMQ_PUB,       [ADAPTER_SUB] = ZMQ_SUB,       [ADAPTER_XPUB] = ZMQ_XPUB,
        [ADAPTER_XSUB] = ZMQ_XSUB};
    struct adapter *const a = calloc(1, sizeof *a);
    if (!a) bench_die("adapter", "no memory");
    a->routes = wish->pattern == ADAPTER_ROUTER;
    a->socket = zmq_socket(home, types[wish->pattern]);
    if (!a->socket) adapter_check("socket", -1);
    adapter_secure(a->socket, wish->security);
    const int hwm = (int)wish->count_max;
    adapter_check("hwm", zmq_setsockopt(a->socket, ZMQ_SNDHWM, &hwm, sizeof hwm));
    adapter_check("hwm", zmq_setsockopt(a->socket, ZMQ_RCVHWM, &hwm, sizeof hwm));
    const int wait = 1;
    if (wish->pattern == ADAPTER_PUB || wish->pattern == ADAPTER_XPUB)
        adapter_check("nodrop", zmq_setsockopt(a->socket, ZMQ_XPUB_NODROP, &wait, sizeof wait));
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

void adapter_subscribe(struct adapter *adapter, const void *topic, size_t size)
{
    adapter_check("subscribe", zmq_setsockopt(adapter->socket, ZMQ_SUBSCRIBE, topic, size));
}

void adapter_send(struct adapter *adapter, const void *data, size_t size)
{
    if (adapter->routes)
        adapter_check("send",
                      zmq_send(adapter->socket, adapter->id, adapter->id_size, ZMQ_SNDMORE));
    adapter_check("send", zmq_send(adapter->socket, data, size, 0));
}

void adapter_receive(struct adapter *adapter,
                     bool (*on_message)(void *context, const unsigned char *data, size_t size),
                     void *context)
{
    zmq_msg_t msg;
    adapter_check("msg", zmq_msg_init(&msg));
    do {
        if (adapter->routes) {
            const int size = zmq_recv(adapter->socket, adapter->id, sizeof adapter->id, 0);
            adapter_check("receive", size);
            adapter->id_size = (size_t)size;
        }
        adapter_check("receive", zmq_msg_recv(&msg, adapter->socket, 0));
    } while (on_message(context, zmq_msg_data(&msg), zmq_msg_size(&msg)));
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
