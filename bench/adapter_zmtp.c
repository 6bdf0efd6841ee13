// The adapter over libzmtp's native interface: callbacks on a loop of this thread, no other thread.
// To wait is to run the loop. The home of several is the inproc names that their engines share.
#include "adapter.h"
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <zmtp/zmtp.h>

struct adapter {
    uv_loop_t loop;
    struct zmtp_uv *uv;
    struct zmtp_uv_socket *socket;
    bool (*on_message)(void *context, const unsigned char *data, size_t size);
    void *context;
    bool waiting;         // for a message, or for room
    bool routes;          // a ROUTER
    struct zmtp_bytes id; // whose message it had last; in |id_octets|
    unsigned char id_octets[255];
};

static void adapter_check(const char *what, int status)
{
    if (status < 0) bench_die(what, zmtp_err_text(status));
}

static void adapter_give(struct adapter *a, struct zmtp_bytes body)
{
    if (a->on_message(a->context, body.data, body.size)) return;
    a->on_message = NULL;
    a->waiting = false;
}

// A message that comes when nobody receives would be lost; no scenario lets that happen.
static void adapter_check_asked(const struct adapter *a)
{
    if (!a->on_message) bench_die("receive", "a message came unasked");
}

// In as few steps as a program takes that is in a hurry, as the time of messages of few octets is in them, too.
static void adapter_take(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    (void)socket;
    adapter_check_asked(user);
    adapter_give(user, zmtp_part_bytes(zmtp_msg_part(msg, 0)));
}

static void adapter_take_routed(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    struct adapter *const a = user;
    const struct zmtp_bytes id = zmtp_msg_bytes(msg, 0);
    (void)socket;
    adapter_check_asked(a);
    memcpy(a->id_octets, id.data, id.size);
    a->id = zmtp_bytes_of(a->id_octets, id.size);
    adapter_give(a, zmtp_msg_bytes(msg, 1));
}

static void adapter_room(struct zmtp_uv_socket *socket, void *user)
{
    struct adapter *const a = user;
    (void)socket;
    a->waiting = false;
}

static void adapter_wait(struct adapter *adapter)
{
    adapter->waiting = true;
    while (adapter->waiting)
        (void)uv_run(&adapter->loop, UV_RUN_ONCE); // says only if handles remain
}

const char *adapter_library(void)
{
    return "libzmtp " ZMTP_VERSION;
}

static struct zmtp_uv_shared *home_names(struct adapter_home *home)
{
    return (struct zmtp_uv_shared *)home;
}

struct adapter_home *adapter_home_open(void)
{
    struct zmtp_uv_shared *names;
    adapter_check("names", zmtp_uv_shared_open(&names));
    return (struct adapter_home *)names;
}

void adapter_home_close(struct adapter_home *home)
{
    zmtp_uv_shared_close(home_names(home));
}

// The server's limit of handshakes a second is off: libzmq has none.
static void adapter_secure(struct zmtp_uv_config *config, enum adapter_security security)
{
    static const struct zmtp_allow anybody = {.kind = ZMTP_ALLOW_ANY};
    struct zmtp_key_pair keys;
    if (security == ADAPTER_NULL) return;
    adapter_check("key", zmtp_key_decode(zmtp_bytes_of(BENCH_PUBLIC_KEY, 40), &keys.public_key));
    adapter_check("key", zmtp_key_decode(zmtp_bytes_of(BENCH_SECRET_KEY, 40), &keys.secret_key));
    if (security == ADAPTER_CURVE_SERVER)
        zmtp_uv_config_curve_server(config, &keys, anybody);
    else
        zmtp_uv_config_curve_client(config, NULL, &keys.public_key);
    config->hello_rate_max = 0;
}

struct adapter *adapter_open(struct adapter_home *home, const struct adapter_wish *wish)
{
    static const enum zmtp_socket_type types[] = {
        [ADAPTER_DEALER] = ZMTP_DEALER, [ADAPTER_ROUTER] = ZMTP_ROUTER, [ADAPTER_REQ] = ZMTP_REQ,
        [ADAPTER_REP] = ZMTP_REP,       [ADAPTER_PUSH] = ZMTP_PUSH,     [ADAPTER_PULL] = ZMTP_PULL,
        [ADAPTER_PUB] = ZMTP_PUB,       [ADAPTER_SUB] = ZMTP_SUB,       [ADAPTER_XPUB] = ZMTP_XPUB,
        [ADAPTER_XSUB] = ZMTP_XSUB};
    struct adapter *const a = calloc(1, sizeof *a);
    if (!a) bench_die("adapter", "no memory");
    if (uv_loop_init(&a->loop) != 0) bench_die("loop", "cannot be made");
    adapter_check("engine", zmtp_uv_open(&a->uv, &a->loop, NULL));
    const char *const spin_us = getenv("ZMTP_SPIN_US"); // what the drop-in goes by
    if (spin_us) adapter_check("spin", zmtp_uv_spin(a->uv, (uint32_t)strtoul(spin_us, NULL, 10)));
    adapter_check("join", zmtp_uv_join(a->uv, home_names(home)));
    struct zmtp_uv_config config;
    zmtp_uv_config_init(&config, types[wish->pattern]);
    adapter_secure(&config, wish->security);
    config.socket.send_count_max = config.socket.recv_count_max = wish->count_max;
    if (wish->pattern == ADAPTER_PUB || wish->pattern == ADAPTER_XPUB) // libzmq has no such limits
        config.socket.subscriptions_max = config.socket.topic_bytes_max = 0;
    config.linger_ms = UINT32_MAX;
    config.on_message = wish->pattern == ADAPTER_ROUTER ? adapter_take_routed : adapter_take;
    config.on_writable = adapter_room;
    config.user = a;
    config.socket.nodrop = wish->pattern == ADAPTER_PUB || wish->pattern == ADAPTER_XPUB;
    a->routes = wish->pattern == ADAPTER_ROUTER;
    adapter_check("socket", zmtp_uv_socket_open(&a->socket, a->uv, &config));
    return a;
}

const char *adapter_bind(struct adapter *adapter, const char *endpoint)
{
    adapter_check(endpoint, zmtp_uv_bind(adapter->socket, endpoint));
    return zmtp_uv_endpoint(adapter->socket);
}

void adapter_connect(struct adapter *adapter, const char *endpoint)
{
    adapter_check(endpoint, zmtp_uv_connect(adapter->socket, endpoint));
}

void adapter_subscribe(struct adapter *adapter, const void *topic, size_t size)
{
    adapter_check("subscribe", zmtp_uv_subscribe(adapter->socket, zmtp_bytes_of(topic, size)));
}

// What one that was not sent at once takes.
static void adapter_send_on(struct adapter *adapter, const struct zmtp_bytes *parts, size_t count,
                            int status)
{
    while (status == ZMTP_ERR_AGAIN) {
        adapter_wait(adapter);
        status = zmtp_uv_send(adapter->socket, parts, count);
    }
    adapter_check("send", status);
}

static void adapter_send_routed(struct adapter *adapter, struct zmtp_bytes body)
{
    const struct zmtp_bytes parts[] = {adapter->id, body};
    const int status = zmtp_uv_send(adapter->socket, parts, 2);
    if (status != ZMTP_OK) adapter_send_on(adapter, parts, 2, status);
}

void adapter_send(struct adapter *adapter, const void *data, size_t size)
{
    const struct zmtp_bytes body = {data, size};
    if (adapter->routes) {
        adapter_send_routed(adapter, body);
        return;
    }
    const int status = zmtp_uv_send(adapter->socket, &body, 1);
    if (status != ZMTP_OK) adapter_send_on(adapter, &body, 1, status);
}

void adapter_receive(struct adapter *adapter,
                     bool (*on_message)(void *context, const unsigned char *data, size_t size),
                     void *context)
{
    adapter->on_message = on_message;
    adapter->context = context;
    while (adapter->on_message)
        adapter_wait(adapter);
}

static void adapter_idled(uv_timer_t *timer)
{
    struct adapter *const a = timer->data;
    a->waiting = false;
}

static void adapter_idle_over(uv_handle_t *timer)
{
    struct adapter *const a = timer->data;
    a->waiting = false;
}

void adapter_idle(struct adapter *adapter, unsigned milliseconds)
{
    uv_timer_t timer;
    uv_timer_init(&adapter->loop, &timer);
    timer.data = adapter;
    uv_timer_start(&timer, adapter_idled, milliseconds, 0);
    adapter_wait(adapter);
    uv_close((uv_handle_t *)&timer, adapter_idle_over);
    adapter_wait(adapter);
}

static void adapter_closed(void *user)
{
    struct adapter *const a = user;
    a->waiting = false;
}

void adapter_close(struct adapter *adapter)
{
    zmtp_uv_socket_close(adapter->socket, adapter_closed, adapter);
    adapter_wait(adapter);
    zmtp_uv_close(adapter->uv, adapter_closed, adapter);
    adapter_wait(adapter);
    if (uv_run(&adapter->loop, UV_RUN_DEFAULT) != 0 || uv_loop_close(&adapter->loop) != 0)
        bench_die("close", "something is still open");
    free(adapter);
}
