#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "test/monkey/monkey.h"

// What it does to a socket; each has a weight in the table below.
static void acts_words(const struct monkey_socket *one, int result)
{
    if (result >= 0 || one->closing) return; // a wait may have closed it
    if (one->monkey->child)
        monkey_expect(one->monkey, result == ZMTP_ERR_STATE, "a child's calls say that it is one");
    else
        monkey_expect(one->monkey, *zmtp_uv_error_text(one->socket), "an error has words");
}

static void acts_open(struct monkey_socket *one)
{
    monkey_open(one->monkey);
}

static void acts_close(struct monkey_socket *one)
{
    if (monkey_one_in(one->monkey, 3)) monkey_close(one);
}

static void acts_bind(struct monkey_socket *one)
{
    char endpoint[ZMTP_ENDPOINT_MAX];
    monkey_endpoint(one->monkey, endpoint);
    const int result = zmtp_uv_bind(one->socket, endpoint);
    acts_words(one, result);
    if (result == ZMTP_OK) monkey_keep(one->monkey, zmtp_uv_endpoint(one->socket));
}

static void acts_connect(struct monkey_socket *one)
{
    char endpoint[ZMTP_ENDPOINT_MAX];
    monkey_endpoint(one->monkey, endpoint);
    acts_words(one, zmtp_uv_connect(one->socket, endpoint));
}

static void acts_connect_as(struct monkey_socket *one)
{
    char endpoint[ZMTP_ENDPOINT_MAX];
    monkey_endpoint(one->monkey, endpoint);
    const struct zmtp_bytes id = zmtp_bytes_of("rid", 1 + monkey_below(one->monkey, 3));
    acts_words(one, zmtp_uv_connect_as(one->socket, endpoint, id));
}

static void acts_connect_peer(struct monkey_socket *one)
{
    char endpoint[ZMTP_ENDPOINT_MAX];
    uint32_t number;
    monkey_endpoint(one->monkey, endpoint);
    acts_words(one, zmtp_uv_connect_peer(one->socket, endpoint, &number));
}

static void acts_unbind(struct monkey_socket *one)
{
    char endpoint[ZMTP_ENDPOINT_MAX];
    monkey_endpoint(one->monkey, endpoint);
    const bool last = monkey_one_in(one->monkey, 2);
    acts_words(one, zmtp_uv_unbind(one->socket, last ? zmtp_uv_endpoint(one->socket) : endpoint));
}

static void acts_disconnect(struct monkey_socket *one)
{
    char endpoint[ZMTP_ENDPOINT_MAX];
    monkey_endpoint(one->monkey, endpoint);
    acts_words(one, zmtp_uv_disconnect(one->socket, endpoint));
}

static void acts_send(struct monkey_socket *one)
{
    struct monkey *monkey = one->monkey;
    const size_t size = monkey_below(monkey, monkey_one_in(monkey, 5) ? MONKEY_BODY : 300);
    const struct zmtp_bytes parts[] = {zmtp_bytes_text("a"), zmtp_bytes_of(monkey->body, size),
                                       zmtp_bytes_text("z")};
    for (size_t i = monkey_below(monkey, 6) + 1; i > 0; i--)
        acts_words(one, zmtp_uv_send(one->socket, parts, 1 + monkey_below(monkey, 3)));
}

// What is received goes back, now and then.
static void acts_recv(struct monkey_socket *one)
{
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    for (int i = 0; i < 5; i++) {
        const int result = zmtp_uv_recv(one->socket, &msg);
        acts_words(one, result);
        if (result < 0) break;
        if (monkey_one_in(one->monkey, 2)) acts_words(one, zmtp_uv_send_msg(one->socket, &msg));
        zmtp_msg_fini(&msg);
        zmtp_msg_init(&msg, NULL);
    }
    zmtp_msg_fini(&msg);
}

static void acts_subscribe(struct monkey_socket *one)
{
    const struct zmtp_bytes topic = zmtp_bytes_of("abc", monkey_below(one->monkey, 4));
    acts_words(one, zmtp_uv_subscribe(one->socket, topic));
}

static void acts_cancel(struct monkey_socket *one)
{
    const struct zmtp_bytes topic = zmtp_bytes_of("abc", monkey_below(one->monkey, 4));
    acts_words(one, zmtp_uv_cancel(one->socket, topic));
}

static void acts_each(void *context, const struct zmtp_uv_peer *peer)
{
    struct monkey *monkey = context;
    monkey_expect(monkey, strlen(peer->endpoint) < ZMTP_ENDPOINT_MAX, "a row has an endpoint");
    if (monkey->depth >= 2 || !monkey_one_in(monkey, 3)) return;
    monkey->depth++;
    monkey_act(monkey);
    monkey->depth--;
}

static void acts_each_peer(struct monkey_socket *one)
{
    zmtp_uv_each_peer(one->socket, acts_each, one->monkey);
}

static void acts_stats(struct monkey_socket *one)
{
    char text[200];
    const size_t size = monkey_below(one->monkey, sizeof text);
    const int64_t whole = zmtp_uv_stats_json(one->socket, text, size);
    if (whole > 0 && size > 0)
        for (const char *at = text; *at; at++)
            monkey_expect(one->monkey, *at >= ' ' && *at <= '~', "JSON is printable");
    (void)zmtp_uv_stats_prometheus(one->monkey->uv[one->engine], text, sizeof text);
}

static void acts_mailbox(struct monkey_socket *one)
{
    struct monkey *monkey = one->monkey;
    const struct zmtp_bytes parts[] = {zmtp_bytes_text("q"),
                                       zmtp_bytes_of(monkey->body, monkey_below(monkey, 40000))};
    if (!one->mailbox)
        acts_words(one, zmtp_uv_mailbox_open(&one->mailbox, one->socket));
    else if (!monkey_one_in(monkey, 4))
        (void)zmtp_uv_post(one->mailbox, parts, 1 + monkey_below(monkey, 2));
    else {
        zmtp_uv_mailbox_close(one->mailbox);
        one->mailbox = NULL;
    }
}

static void acts_tray(struct monkey_socket *one)
{
    struct zmtp_msg msg;
    if (!one->tray) {
        acts_words(one, zmtp_uv_tray_open(&one->tray, one->socket));
    } else if (!monkey_one_in(one->monkey, 4)) {
        zmtp_msg_init(&msg, NULL);
        (void)zmtp_uv_take(one->tray, &msg, 0);
        zmtp_msg_fini(&msg);
    } else {
        zmtp_uv_tray_close(one->tray);
        one->tray = NULL;
    }
}

static void acts_ask(struct monkey_socket *one)
{
    const struct zmtp_bytes none = {0};
    (void)zmtp_uv_events(one->socket);
    (void)zmtp_uv_subscribers(one->socket);
    acts_words(one, zmtp_uv_cancel_request(one->socket, zmtp_uv_last_request(one->socket)));
    acts_words(one, zmtp_uv_authorise(one->socket, one->ticket, ZMTP_VERDICT_ALLOW, none, none));
}

// From a callback it is refused, and outside it may close anything.
static void acts_wait(struct monkey_socket *one)
{
    struct monkey *monkey = one->monkey;
    const uint32_t ms = (uint32_t)monkey_below(monkey, 3);
    if (monkey->child) return;
    if (monkey->depth == 0) (void)zmtp_uv_wait_connected(one->socket, 1, ms);
    // No: it is a callback of another engine's loop turn, which has no way of telling.
}

static void acts_starve(struct monkey_socket *one)
{
    struct rlimit limit;
    if (!one->monkey->starves || getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
    limit.rlim_cur =
        monkey_one_in(one->monkey, 3) ? 12 + monkey_below(one->monkey, 60) : MONKEY_DESCRIPTORS;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void acts_end_engine(struct monkey_socket *one)
{
    if (monkey_one_in(one->monkey, 40)) monkey_close_engine(one->monkey, one->engine);
}

static void acts_fork(struct monkey_socket *one)
{
    if (one->monkey->forks && monkey_one_in(one->monkey, 8)) monkey_fork(one->monkey);
}

static const struct acts_one {
    const char *name;
    void (*act)(struct monkey_socket *one);
    size_t weight;
} acts_all[] = {
    {"open", acts_open, 3},
    {"close", acts_close, 1},
    {"bind", acts_bind, 2},
    {"connect", acts_connect, 3},
    {"connect_as", acts_connect_as, 1},
    {"connect_peer", acts_connect_peer, 1},
    {"unbind", acts_unbind, 1},
    {"disconnect", acts_disconnect, 1},
    {"send", acts_send, 3},
    {"recv", acts_recv, 1},
    {"subscribe", acts_subscribe, 1},
    {"cancel", acts_cancel, 1},
    {"each_peer", acts_each_peer, 1},
    {"stats", acts_stats, 1},
    {"mailbox", acts_mailbox, 1},
    {"tray", acts_tray, 1},
    {"ask", acts_ask, 1},
    {"wait", acts_wait, 1},
    {"starve", acts_starve, 1},
    {"end_engine", acts_end_engine, 1},
    {"fork", acts_fork, 1},
};
enum { ACTS = sizeof acts_all / sizeof acts_all[0] };

static const struct acts_one *acts_pick(struct monkey *monkey)
{
    size_t sum = 0, index = 0;
    for (size_t i = 0; i < ACTS; i++)
        sum += acts_all[i].weight;
    size_t left = monkey_below(monkey, sum);
    while (left >= acts_all[index].weight)
        left -= acts_all[index++].weight;
    return &acts_all[index];
}

void monkey_act(struct monkey *monkey)
{
    struct monkey_socket *const one = monkey->at[monkey_below(monkey, MONKEY_SOCKETS)];
    const struct acts_one *const pick = acts_pick(monkey);
    if (monkey->trace)
        fprintf(stderr, "%*s%s %s\n", (int)monkey->depth, "", one ? pick->name : "open",
                one ? zmtp_socket_type_name(one->type) : "");
    if (!one) {
        monkey_open(monkey);
        return;
    }
    monkey->doing = pick->name;
    pick->act(one);
    monkey->doing = pick->name; // it may have called back
    monkey_check(one);
}

void monkey_check(const struct monkey_socket *one)
{
    if (one->closing || one->monkey->child) return;
    const struct zmtp_socket_counters c = zmtp_uv_counters(one->socket);
    monkey_expect(one->monkey, c.copies == c.left + c.queued + c.lost,
                  "what was sent is accounted for");
    monkey_expect(one->monkey,
                  c.arrived + c.told == c.received + c.waiting + c.heeded + c.discarded,
                  "what arrived is accounted for");
}
