#include <stdlib.h>
#include <string.h>

#include "test/monkey/monkey.h"

enum { OPEN_TYPES = 20, OPEN_FAMILIES = 9, OPEN_RELATIVES = 4, OPEN_MECHANISMS = 8 };

static const enum zmtp_socket_type open_types[OPEN_TYPES] = {
    ZMTP_PAIR,  ZMTP_PUB,  ZMTP_SUB,  ZMTP_REQ,     ZMTP_REP,    ZMTP_DEALER, ZMTP_ROUTER,
    ZMTP_PULL,  ZMTP_PUSH, ZMTP_XPUB, ZMTP_XSUB,    ZMTP_STREAM, ZMTP_SERVER, ZMTP_CLIENT,
    ZMTP_RADIO, ZMTP_DISH, ZMTP_PEER, ZMTP_CHANNEL, ZMTP_DGRAM,  ZMTP_GATHER,
};
// Types that talk to each other, so that in most runs there is something to be said.
static const enum zmtp_socket_type open_families[OPEN_FAMILIES][OPEN_RELATIVES] = {
    {ZMTP_PAIR, ZMTP_PAIR, ZMTP_PAIR, ZMTP_PAIR},
    {ZMTP_PUB, ZMTP_SUB, ZMTP_XPUB, ZMTP_XSUB},
    {ZMTP_REQ, ZMTP_REP, ZMTP_DEALER, ZMTP_ROUTER},
    {ZMTP_PUSH, ZMTP_PULL, ZMTP_PULL, ZMTP_PUSH},
    {ZMTP_STREAM, ZMTP_STREAM, ZMTP_STREAM, ZMTP_DEALER},
    {ZMTP_SERVER, ZMTP_CLIENT, ZMTP_CLIENT, ZMTP_SERVER},
    {ZMTP_RADIO, ZMTP_DISH, ZMTP_DGRAM, ZMTP_RADIO},
    {ZMTP_PEER, ZMTP_PEER, ZMTP_CHANNEL, ZMTP_CHANNEL},
    {ZMTP_SCATTER, ZMTP_GATHER, ZMTP_GATHER, ZMTP_SCATTER},
};

// A callback may do anything that a user may, and what it does calls back no more than once again.
static void open_perhaps_act(struct monkey *monkey)
{
    if (monkey->quiet || monkey->depth >= 2 || !monkey_one_in(monkey, 4)) return;
    monkey->depth++;
    monkey_act(monkey);
    monkey->depth--;
}

static void open_called(const struct monkey_socket *one)
{
    monkey_expect(one->monkey, !one->closing, "no callback comes after a close");
}

static void open_on_message(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    struct monkey_socket *one = user;
    open_called(one);
    if (monkey_one_in(one->monkey, 3)) (void)zmtp_uv_send_msg(socket, msg);
    open_perhaps_act(one->monkey);
}

static void open_on_flow(struct zmtp_uv_socket *socket, void *user)
{
    struct monkey_socket *one = user;
    (void)socket;
    open_called(one);
    open_perhaps_act(one->monkey);
}

// Over inproc there is nothing that could fail between the two: each that went has come, and goes once.
static void open_count_peers(struct monkey_socket *one, const struct zmtp_event *event)
{
    size_t at = 0;
    if (strncmp(event->endpoint, "inproc://", 9) != 0 || one->peer_count == MONKEY_PEERS) return;
    while (at < one->peer_count && one->peers[at] != event->peer)
        at++;
    const bool there = at < one->peer_count;
    if (event->kind == ZMTP_EVENT_HANDSHAKE_DONE) {
        monkey_expect(one->monkey, !there && event->peer > 0, "a peer comes once");
        one->peers[one->peer_count++] = event->peer;
    } else if (event->kind == ZMTP_EVENT_CLOSED) {
        monkey_expect(one->monkey, there, "a peer that goes has come");
        one->peers[at] = one->peers[--one->peer_count];
    }
}

static void open_on_event(struct zmtp_uv_socket *socket, const struct zmtp_event *event, void *user)
{
    struct monkey_socket *one = user;
    struct monkey *monkey = one->monkey;
    (void)socket;
    open_called(one);
    open_count_peers(one, event); // in the order in which they are told
    open_perhaps_act(monkey);
    // All of it is valid during the call, whatever was done meanwhile.
    monkey_expect(monkey, event->kind < ZMTP_EVENTS, "an event is of a known kind");
    monkey_expect(monkey, strlen(event->endpoint) < ZMTP_ENDPOINT_MAX, "an endpoint has its size");
    monkey_expect(monkey, strlen(event->remote) < ZMTP_ENDPOINT_MAX, "an address has its size");
    for (size_t i = 0; i < event->reason.size; i++)
        monkey_expect(monkey, event->reason.data[i] >= ' ' && event->reason.data[i] <= '~',
                      "a reason is printable");
    monkey_expect(monkey, event->routing_id.size <= UINT8_MAX, "a routing id has its size");
}

static void open_on_authorise(struct zmtp_uv_socket *socket, const struct zmtp_uv_guest *guest,
                              void *user)
{
    struct monkey_socket *one = user;
    const struct zmtp_bytes none = {0};
    open_called(one);
    one->ticket = guest->ticket;
    const enum zmtp_verdict verdict =
        monkey_one_in(one->monkey, 4) ? ZMTP_VERDICT_DENY : ZMTP_VERDICT_ALLOW;
    if (monkey_one_in(one->monkey, 2))
        (void)zmtp_uv_authorise(socket, guest->ticket, verdict, none, none);
    open_perhaps_act(one->monkey);
}

// Both sides of a mechanism go by the type's number, so that some of them match.
static void open_secure(struct monkey *monkey, struct zmtp_uv_config *config)
{
    static const size_t pairs[] = {0, 2};
    const size_t side = config->socket.type % 2;
    size_t choice = OPEN_MECHANISMS; // NULL
    if (monkey->mechanism == 0)
        choice = monkey_below(monkey, OPEN_MECHANISMS);
    else if (monkey->mechanism <= 2)
        choice = pairs[monkey->mechanism - 1] + side;
    else if (monkey->mechanism == 3)
        choice = 5;
    if (choice == 0 || choice == 4) zmtp_uv_config_plain_server(config);
    if (choice == 0) config->on_authorise = open_on_authorise;
    if (choice == 1) zmtp_uv_config_plain_client(config, "a", "b");
    const struct zmtp_allow any = {.kind = ZMTP_ALLOW_ANY};
    if (choice == 2) zmtp_uv_config_curve_server(config, &monkey->keys, any);
    if (choice == 3) zmtp_uv_config_curve_client(config, NULL, &monkey->keys.public_key);
    const bool asks = choice == 4 || choice == 5 || (choice == 2 && monkey_one_in(monkey, 2));
    if (asks) zmtp_uv_config_zap(config, "domain");
}

// Small limits and short times, as these are met the sooner.
static void open_limit(struct monkey *monkey, struct zmtp_uv_config *config)
{
    config->linger_ms = (uint32_t)(monkey_one_in(monkey, 3) ? 0 : monkey_below(monkey, 30));
    config->reconnect_min_ms = (uint32_t)(1 + monkey_below(monkey, 5));
    config->reconnect_max_ms = 10;
    config->reconnect_stop =
        (unsigned)(monkey_one_in(monkey, 3) ? monkey_below(monkey, ZMTP_STOP_ALWAYS + 1) : 0);
    config->pending_max = (uint32_t)(monkey_one_in(monkey, 3) ? 1 + monkey_below(monkey, 2) : 0);
    config->old_versions = monkey_one_in(monkey, 2);
    config->socket.send_count_max = monkey_below(monkey, 4);
    config->socket.recv_count_max = monkey_below(monkey, 4);
    if (monkey_one_in(monkey, 4))
        config->socket.recv_bytes_gone_max = (uint32_t)monkey_below(monkey, 10000);
    config->limits.heartbeat_interval_ms = monkey_one_in(monkey, 3) ? 5 : 0;
    config->limits.handshake_ms = (uint32_t)(1 + monkey_below(monkey, 300));
    config->limits.authorise_ms = 20;
    if (monkey_one_in(monkey, 4)) config->limits.message_max = 1000;
    if (monkey_one_in(monkey, 8)) config->address_pending_max = 2;
    if (monkey_one_in(monkey, 8)) config->address_failures_max = 5;
    if (monkey_one_in(monkey, 8)) config->tcp_allow = "127.0.0.2 ::1 10.0.0.0/8";
    config->allow_public_null = true;
}

static bool open_receives(enum zmtp_socket_type type)
{
    return type != ZMTP_PUB && type != ZMTP_PUSH && type != ZMTP_RADIO && type != ZMTP_SCATTER;
}

static void open_configure(struct monkey_socket *one, struct zmtp_uv_config *config)
{
    struct monkey *monkey = one->monkey;
    zmtp_uv_config_init(config, one->type);
    config->user = one;
    if (!monkey_one_in(monkey, 4)) config->on_event = open_on_event;
    const size_t how = monkey_below(monkey, 3);
    if (how == 0 && open_receives(one->type)) config->on_message = open_on_message;
    if (how == 1) config->on_readable = open_on_flow;
    if (monkey_one_in(monkey, 2)) config->on_writable = open_on_flow;
    if (one->type == ZMTP_STREAM) config->socket.stream_notify = monkey_one_in(monkey, 2);
    const bool single = one->type == ZMTP_PUSH || one->type == ZMTP_PULL || one->type == ZMTP_SUB;
    if (single) config->socket.conflate = monkey_one_in(monkey, 8);
    if (one->type == ZMTP_REQ && monkey_one_in(monkey, 3)) {
        config->socket.req_in_flight_max = 3;
        config->socket.req_timeout_ms = 5;
        config->socket.req_retries = 2;
    }
    open_limit(monkey, config);
    open_secure(monkey, config);
}

void monkey_open(struct monkey *monkey)
{
    const size_t place = monkey_below(monkey, MONKEY_SOCKETS);
    const size_t engine = monkey_below(monkey, MONKEY_ENGINES);
    struct zmtp_uv_config config;
    char endpoint[ZMTP_ENDPOINT_MAX];
    if (monkey->at[place] || !monkey->uv[engine]) return;
    struct monkey_socket *one = calloc(1, sizeof *one);
    if (!one) return;
    one->monkey = monkey;
    one->engine = engine;
    one->type = open_types[monkey_below(monkey, OPEN_TYPES)];
    if (monkey->family < OPEN_FAMILIES)
        one->type = open_families[monkey->family][monkey_below(monkey, OPEN_RELATIVES)];
    open_configure(one, &config);
    const int result = zmtp_uv_socket_open(&one->socket, monkey->uv[engine], &config);
    monkey_expect(monkey, !monkey->child || result == ZMTP_ERR_STATE, "a child opens nothing here");
    if (result < 0) {
        if (!monkey->child)
            monkey_expect(monkey, *zmtp_uv_open_error_text(monkey->uv[engine]),
                          "a socket that does not open has a reason in words");
        free(one);
        return;
    }
    one->next = monkey->all;
    monkey->all = one;
    monkey->at[place] = one;
    if (one->type == ZMTP_SUB || one->type == ZMTP_XSUB || one->type == ZMTP_DISH)
        (void)zmtp_uv_subscribe(one->socket, zmtp_bytes_text("a"));
    monkey_endpoint(monkey, endpoint);
    if (monkey_one_in(monkey, 2) && zmtp_uv_bind(one->socket, endpoint) == ZMTP_OK)
        monkey_keep(monkey, zmtp_uv_endpoint(one->socket));
    monkey_endpoint(monkey, endpoint);
    if (monkey_one_in(monkey, 2)) (void)zmtp_uv_connect(one->socket, endpoint);
}

static void open_closed(void *user)
{
    struct monkey_socket *one = user;
    monkey_expect(one->monkey, one->asked && !one->told, "a close is told once");
    one->told = true;
}

static void open_forget(struct monkey_socket *one)
{
    struct monkey *monkey = one->monkey;
    for (size_t i = 0; i < MONKEY_SOCKETS; i++)
        if (monkey->at[i] == one) monkey->at[i] = NULL;
    one->closing = true;
}

static void open_close_mailbox(struct monkey_socket *one)
{
    if (!one->mailbox) return;
    const struct zmtp_uv_mailbox_counters counted = zmtp_uv_mailbox_counters(one->mailbox);
    if (!one->monkey->child)
        monkey_expect(one->monkey,
                      counted.posted ==
                          counted.sent + counted.refused + counted.dropped + counted.waiting,
                      "letters are accounted for");
    zmtp_uv_mailbox_close(one->mailbox);
    one->mailbox = NULL;
}

static void open_close_tray(struct monkey_socket *one)
{
    zmtp_uv_tray_close(one->tray);
    one->tray = NULL;
}

// The mailbox and the tray go before the socket or after it, and are used in between.
void monkey_close(struct monkey_socket *one)
{
    struct monkey *monkey = one->monkey;
    const struct zmtp_bytes part = zmtp_bytes_text("x");
    struct zmtp_msg msg;
    if (monkey_one_in(monkey, 2)) open_close_mailbox(one);
    if (monkey_one_in(monkey, 2)) open_close_tray(one);
    open_forget(one);
    one->asked = !monkey_one_in(monkey, 4);
    zmtp_uv_socket_close(one->socket, one->asked ? open_closed : NULL, one);
    if (one->mailbox) (void)zmtp_uv_post(one->mailbox, &part, 1);
    if (one->tray) {
        zmtp_msg_init(&msg, NULL);
        (void)zmtp_uv_take(one->tray, &msg, 0);
        zmtp_msg_fini(&msg);
    }
    open_close_mailbox(one);
    open_close_tray(one);
}

static void open_engine_closed(void *user)
{
    *(bool *)user = true;
}

void monkey_close_engine(struct monkey *monkey, size_t engine)
{
    if (!monkey->uv[engine]) return;
    for (size_t i = 0; i < MONKEY_SOCKETS; i++) {
        struct monkey_socket *const one = monkey->at[i];
        if (!one || one->engine != engine) continue;
        open_forget(one);
        open_close_mailbox(one);
        open_close_tray(one);
    }
    zmtp_uv_close(monkey->uv[engine], open_engine_closed, &monkey->closed[engine]);
    monkey->uv[engine] = NULL;
}
