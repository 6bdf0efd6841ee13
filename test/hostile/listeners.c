// A listener of every kind: each type, with each mechanism, over each transport. test_conversations.py talks
// to them. Given a folder for the paths of ipc, tells "type mechanism transport endpoint" of each, then "ready";
// at SIGTERM it closes everything, and fails when memory, handles or a count of messages is out of balance.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "zmtp/zmtp.h"

// OLD: NULL, and peers of old versions are served.
enum listeners_mechanism { LISTENERS_NULL, LISTENERS_PLAIN, LISTENERS_CURVE, LISTENERS_OLD };
enum { LISTENERS_MECHANISMS = 4, LISTENERS_MAX = 512 };
static const char *const listeners_endpoints[] = {"tcp://127.0.0.1:*", "", // ipc: a path of its own
                                                  "ws://127.0.0.1:*/p", "udp://127.0.0.1:*"};
enum { LISTENERS_TRANSPORTS = sizeof listeners_endpoints / sizeof listeners_endpoints[0] };

static struct {
    struct zmtp_budget budget;
    struct zmtp_uv *uv;
    struct zmtp_uv_socket *socket[LISTENERS_MAX];
    size_t count;
    struct zmtp_key_pair keys;
    bool closed, wrong;
} listeners;

static void listeners_on_message(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    (void)user;
    (void)zmtp_uv_send_msg(socket, msg);
}

static void listeners_on_event(struct zmtp_uv_socket *socket, const struct zmtp_event *event,
                               void *user)
{
    (void)socket;
    (void)user;
    for (size_t i = 0; i < event->reason.size; i++)
        if (event->reason.data[i] < ' ' || event->reason.data[i] > '~') abort();
}

static void listeners_on_authorise(struct zmtp_uv_socket *socket, const struct zmtp_uv_guest *guest,
                                   void *user)
{
    const struct zmtp_bytes none = {0};
    (void)user;
    (void)zmtp_uv_authorise(socket, guest->ticket, ZMTP_VERDICT_ALLOW, none, none);
}

static void listeners_closed(void *user)
{
    *(bool *)user = true;
}

static void listeners_end(uv_signal_t *handle, int number)
{
    (void)number;
    for (size_t i = 0; i < listeners.count; i++) {
        const struct zmtp_socket_counters c = zmtp_uv_counters(listeners.socket[i]);
        const bool out = c.copies == c.left + c.queued + c.lost;
        const bool in = c.arrived + c.told == c.received + c.waiting + c.heeded + c.discarded;
        if (!out || !in) listeners.wrong = true;
    }
    uv_close((uv_handle_t *)handle, NULL);
    zmtp_uv_close(listeners.uv, listeners_closed, &listeners.closed);
}

static bool listeners_receives(enum zmtp_socket_type type)
{
    return type != ZMTP_PUB && type != ZMTP_PUSH && type != ZMTP_RADIO && type != ZMTP_SCATTER;
}

// A combination that there is not is left out.
static void listeners_open(enum zmtp_socket_type type, enum listeners_mechanism mechanism,
                           size_t transport, const char *folder)
{
    struct zmtp_uv_config config;
    struct zmtp_uv_socket *socket;
    char endpoint[ZMTP_ENDPOINT_MAX];
    const struct zmtp_allow any = {.kind = ZMTP_ALLOW_ANY};
    zmtp_uv_config_init(&config, type);
    config.on_event = listeners_on_event;
    if (listeners_receives(type)) config.on_message = listeners_on_message;
    config.limits.handshake_ms = 2000;
    config.pending_max = 16;
    config.old_versions = mechanism == LISTENERS_OLD;
    if (mechanism == LISTENERS_PLAIN) {
        zmtp_uv_config_plain_server(&config);
        config.on_authorise = listeners_on_authorise;
    }
    if (mechanism == LISTENERS_CURVE) zmtp_uv_config_curve_server(&config, &listeners.keys, any);
    if (listeners.count == LISTENERS_MAX) return;
    if (zmtp_uv_socket_open(&socket, listeners.uv, &config) < 0) return;
    if (type == ZMTP_SUB || type == ZMTP_XSUB || type == ZMTP_DISH)
        (void)zmtp_uv_subscribe(socket, zmtp_bytes_text("a"));
    if (!*listeners_endpoints[transport])
        snprintf(endpoint, sizeof endpoint, "ipc://%s/%d-%d", folder, (int)type, (int)mechanism);
    else
        snprintf(endpoint, sizeof endpoint, "%s", listeners_endpoints[transport]);
    if (zmtp_uv_bind(socket, endpoint) < 0) {
        zmtp_uv_socket_close(socket, NULL, NULL);
        return;
    }
    listeners.socket[listeners.count++] = socket;
    printf("%s %d %zu %s\n", zmtp_socket_type_name(type), (int)mechanism, transport,
           zmtp_uv_endpoint(socket));
}

int main(int count, char **words)
{
    uv_loop_t *const loop = uv_default_loop();
    uv_signal_t signal;
    if (count != 2) return 2;
    zmtp_budget_init(&listeners.budget, NULL);
    if (zmtp_uv_open(&listeners.uv, loop, &listeners.budget.allocator) < 0) return 2;
    if (zmtp_sodium()) zmtp_key_generate(&listeners.keys, zmtp_sodium());
    uv_signal_init(loop, &signal);
    uv_signal_start(&signal, listeners_end, SIGTERM);
    for (int type = 0; type < ZMTP_SOCKET_TYPES; type++)
        for (int mechanism = 0; mechanism < LISTENERS_MECHANISMS; mechanism++)
            for (size_t transport = 0; transport < LISTENERS_TRANSPORTS; transport++)
                listeners_open((enum zmtp_socket_type)type, (enum listeners_mechanism)mechanism,
                               transport, words[1]);
    printf("ready\n");
    fflush(stdout);
    uv_run(loop, UV_RUN_DEFAULT);
    const bool idle = uv_loop_close(loop) == 0;
    printf("%zu octets and %zu blocks are left, messages are %saccounted for\n",
           listeners.budget.bytes, listeners.budget.blocks, listeners.wrong ? "not " : "");
    return listeners.closed && idle && listeners.budget.blocks == 0 && !listeners.wrong ? 0 : 1;
}
