// The adapter over nng, which speaks protocols of its own: blocking calls, its threads behind them. What is
// DEALER elsewhere is PAIR here, its fastest way of both directions. There is no PUB that waits, so none.
#include "adapter.h"
#include "bench.h"

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <nng/supplemental/util/platform.h>
#include <stdlib.h>
#include <string.h>

enum {
    NNG_LINGER_MS = 200, // to close waits for nothing that was sent, so this program waits
    NNG_RETRY_MS = 10,
};

struct adapter {
    nng_socket socket;
    char endpoint[256];
};

static void adapter_check(const char *what, int status)
{
    if (status != 0) bench_die(what, nng_strerror(status));
}

const char *adapter_library(void)
{
    static char text[32];
    (void)snprintf(text, sizeof text, "nng %s", nng_version());
    return text;
}

// inproc is the process's.
struct adapter_home *adapter_home_open(void)
{
    return NULL;
}

void adapter_home_close(struct adapter_home *home)
{
    (void)home;
}

static int adapter_open_socket(enum adapter_pattern pattern, nng_socket *out)
{
    if (pattern == ADAPTER_REQ) return nng_req0_open(out);
    if (pattern == ADAPTER_REP) return nng_rep0_open(out);
    if (pattern == ADAPTER_DEALER) return nng_pair0_open(out);
    return NNG_ENOTSUP;
}

struct adapter *adapter_open(struct adapter_home *home, const struct adapter_wish *wish)
{
    (void)home;
    if (wish->security != ADAPTER_NULL) bench_die("security", "it has no CURVE");
    struct adapter *const a = calloc(1, sizeof *a);
    if (!a) bench_die("adapter", "no memory");
    adapter_check("socket", adapter_open_socket(wish->pattern, &a->socket));
    if (wish->pattern == ADAPTER_DEALER) {
        adapter_check("queue",
                      nng_socket_set_int(a->socket, NNG_OPT_SENDBUF, (int)wish->count_max));
        adapter_check("queue",
                      nng_socket_set_int(a->socket, NNG_OPT_RECVBUF, (int)wish->count_max));
    }
    adapter_check("size", nng_socket_set_size(a->socket, NNG_OPT_RECVMAXSZ, 0)); // no limit
    adapter_check("retry", nng_socket_set_ms(a->socket, NNG_OPT_RECONNMINT, NNG_RETRY_MS));
    return a;
}

const char *adapter_bind(struct adapter *adapter, const char *endpoint)
{
    nng_listener listener;
    const bool any = strcmp(endpoint, "tcp://127.0.0.1:*") == 0;
    adapter_check(endpoint, nng_listener_create(&listener, adapter->socket,
                                                any ? "tcp://127.0.0.1:0" : endpoint));
    adapter_check(endpoint, nng_listener_start(listener, 0));
    if (any) {
        int port;
        adapter_check("port", nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port));
        (void)snprintf(adapter->endpoint, sizeof adapter->endpoint, "tcp://127.0.0.1:%d", port);
    } else {
        (void)snprintf(adapter->endpoint, sizeof adapter->endpoint, "%s", endpoint);
    }
    return adapter->endpoint;
}

// Over inproc who binds may come a little later.
void adapter_connect(struct adapter *adapter, const char *endpoint)
{
    adapter_check(endpoint, nng_dial(adapter->socket, endpoint, NULL, NNG_FLAG_NONBLOCK));
}

void adapter_subscribe(struct adapter *adapter, const void *topic, size_t size)
{
    (void)adapter;
    (void)topic;
    (void)size;
    bench_die("subscribe", "no scenario subscribes over it");
}

void adapter_send(struct adapter *adapter, const void *data, size_t size)
{
    nng_msg *msg;
    adapter_check("message", nng_msg_alloc(&msg, size));
    memcpy(nng_msg_body(msg), data, size);
    adapter_check("send", nng_sendmsg(adapter->socket, msg, 0));
}

void adapter_receive(struct adapter *adapter,
                     bool (*on_message)(void *context, const unsigned char *data, size_t size),
                     void *context)
{
    for (bool more = true; more;) {
        nng_msg *msg;
        adapter_check("receive", nng_recvmsg(adapter->socket, &msg, 0));
        more = on_message(context, nng_msg_body(msg), nng_msg_len(msg));
        nng_msg_free(msg);
    }
}

void adapter_idle(struct adapter *adapter, unsigned milliseconds)
{
    (void)adapter;
    nng_msleep((nng_duration)milliseconds);
}

void adapter_close(struct adapter *adapter)
{
    nng_msleep(NNG_LINGER_MS);
    adapter_check("close", nng_close(adapter->socket));
    free(adapter);
}
