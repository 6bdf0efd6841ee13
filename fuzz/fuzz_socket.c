// Two sockets and what goes on between them. The input is a plan, which chooses their types and options,
// and then steps: connect them (through two peers and their octets, or inproc), break that, carry some
// octets, send, receive, subscribe, cancel, let time pass, have an allocation fail, and put a stranger's
// octets on a connection. After every step the messages of both are accounted for, and what a socket says
// that can be done can be done. In the end everything closes, and nothing is left.
#include "check.h"
#include "fuzz.h"

#include "zmtp/msg/pipe.h"
#include "zmtp/peer.h"
#include "zmtp/socket.h"

enum { LINKS = 4, CARRIED = 3 };

// The octets of the plan.
enum {
    PLAN_PAIR,   // their types
    PLAN_COUNTS, // limits of queues: two bits each way and side
    PLAN_FLAGS,  // below
    PLAN_FLAGS_TOO,
    PLAN_REQ,
    PLAN_SIZE
};
enum {
    FLAG_CONFLATE = 1,
    FLAG_IMMEDIATE = 2,
    FLAG_NODROP = 4,
    FLAG_OPTIONAL = 8, // not mandatory
    FLAG_HANDOVER = 16,
    FLAG_PROBE = 32,
    FLAG_INVERT = 64,
    FLAG_EACH_PART = 128, // not only_first_subscribe
};
enum {
    TOO_XPUB_MODE = 7,
    TOO_WELCOME = 8,
    TOO_VERBOSE = 16,
    TOO_3_0 = 32,
    TOO_FEW_TOPICS = 64,
    TOO_POOL = 128,
};

static const struct {
    enum zmtp_socket_type types[2];
} pairs[] = {
    {{ZMTP_PAIR, ZMTP_PAIR}},       {{ZMTP_PUB, ZMTP_SUB}},       {{ZMTP_PUB, ZMTP_XSUB}},
    {{ZMTP_XPUB, ZMTP_SUB}},        {{ZMTP_XPUB, ZMTP_XSUB}},     {{ZMTP_REQ, ZMTP_REP}},
    {{ZMTP_REQ, ZMTP_ROUTER}},      {{ZMTP_DEALER, ZMTP_REP}},    {{ZMTP_DEALER, ZMTP_DEALER}},
    {{ZMTP_DEALER, ZMTP_ROUTER}},   {{ZMTP_ROUTER, ZMTP_ROUTER}}, {{ZMTP_PUSH, ZMTP_PULL}},
    {{ZMTP_SERVER, ZMTP_CLIENT}},   {{ZMTP_RADIO, ZMTP_DISH}},    {{ZMTP_SCATTER, ZMTP_GATHER}},
    {{ZMTP_CHANNEL, ZMTP_CHANNEL}}, {{ZMTP_PEER, ZMTP_PEER}},     {{ZMTP_STREAM, ZMTP_STREAM}},
};
enum { PAIRS = sizeof pairs / sizeof pairs[0] };

// One connection, or what is left of it. Side 0 is of socket 0.
struct link {
    bool joined;     // inproc: the ends are the sockets' own, and nothing else is here
    bool dialled[2]; // the end lives on
    struct zmtp_pipe_end *ends[2]; // the far ones
    struct zmtp_peer *peers[2];
    size_t sides[2]; // which socket
    struct world *world;
};

struct world {
    struct zmtp_budget budget;
    struct zmtp_pool *pool;
    struct zmtp_socket *sockets[2];
    struct zmtp_marks marks;
    struct link links[LINKS];
    uint64_t now_ms;
    uint8_t minor;
    struct zmtp_part routing_id[2]; // the last that came with a message
    uint32_t number[2];
    const uint8_t *at, *end; // of the input
};

static uint8_t world_next(struct world *world)
{
    return world->at < world->end ? *world->at++ : 0;
}

static struct zmtp_bytes world_octets(struct world *world, size_t most)
{
    const size_t left = (size_t)(world->end - world->at);
    const struct zmtp_bytes octets = {world->at, most < left ? most : left};
    world->at += octets.size;
    return octets;
}

static bool world_starves(const struct world *world)
{
    return world->budget.fail_at > world->budget.calls || world->budget.fail_on;
}

// Takes over |wanted|, if sockets of the type have a use for it; else |config| stays as it is.
static void configure_if_apt(struct zmtp_socket_config *config, struct zmtp_socket_config wanted)
{
    if (zmtp_socket_config_check(&wanted, NULL) == ZMTP_OK) *config = wanted;
}

// Those that are for some types alone, a group at a time.
static void configure_pattern(const uint8_t *plan, struct zmtp_socket_config *config)
{
    const uint8_t flags = plan[PLAN_FLAGS], too = plan[PLAN_FLAGS_TOO], req = plan[PLAN_REQ];
    struct zmtp_socket_config wanted = *config;
    wanted.conflate = flags & FLAG_CONFLATE;
    configure_if_apt(config, wanted);
    wanted = *config;
    wanted.nodrop = flags & FLAG_NODROP;
    configure_if_apt(config, wanted);
    wanted = *config;
    wanted.router_mandatory = !(flags & FLAG_OPTIONAL);
    wanted.router_handover = flags & FLAG_HANDOVER;
    configure_if_apt(config, wanted);
    wanted = *config;
    wanted.probe_router = flags & FLAG_PROBE;
    configure_if_apt(config, wanted);
    wanted = *config;
    wanted.invert_matching = flags & FLAG_INVERT;
    configure_if_apt(config, wanted);
    wanted = *config;
    wanted.only_first_subscribe = !(flags & FLAG_EACH_PART);
    if (too & TOO_FEW_TOPICS) wanted.subscriptions_max = 2;
    configure_if_apt(config, wanted);
    wanted = *config;
    wanted.xpub_mode = (enum zmtp_xpub_mode)((too & TOO_XPUB_MODE) % 5);
    if (too & TOO_WELCOME) wanted.xpub_welcome = zmtp_bytes_text("welcome");
    configure_if_apt(config, wanted);
    wanted = *config;
    wanted.xsub_verbose_unsubscribe = too & TOO_VERBOSE;
    configure_if_apt(config, wanted);
    wanted = *config;
    wanted.req_correlate = req & 1;
    wanted.req_relaxed = req & 2;
    if (wanted.req_correlate) {
        wanted.req_in_flight_max = 1 + (req >> 2 & 3);
        wanted.req_retries = req >> 4 & 3;
        wanted.req_timeout_ms = req >> 6 & 1 ? 50 : 0;
    }
    configure_if_apt(config, wanted);
}

static void world_configure(struct world *world, const uint8_t *plan, size_t side,
                            struct zmtp_socket_config *config)
{
    static const size_t counts[] = {1, 2, 3, 0};
    zmtp_socket_config_init(config, pairs[plan[PLAN_PAIR] % PAIRS].types[side]);
    config->allocator = &world->budget.allocator;
    config->pool = world->pool;
    config->send_count_max = counts[plan[PLAN_COUNTS] >> (4 * side) & 3];
    config->recv_count_max = counts[plan[PLAN_COUNTS] >> (4 * side + 2) & 3];
    config->send_bytes_max = 20000;
    config->recv_bytes_max = 20000;
    config->immediate = plan[PLAN_FLAGS] & FLAG_IMMEDIATE;
    if (plan[PLAN_REQ] & 128) config->routing_id = zmtp_bytes_text(side ? "B" : "A");
    configure_pattern(plan, config);
}

static void world_open(struct world *world, const uint8_t *plan)
{
    zmtp_budget_init(&world->budget, NULL);
    world->minor = plan[PLAN_FLAGS_TOO] & TOO_3_0 ? 0 : 1;
    if (plan[PLAN_FLAGS_TOO] & TOO_POOL)
        fuzz_check(zmtp_pool_open(&world->pool, &world->budget.allocator) == ZMTP_OK);
    for (size_t side = 0; side < 2; side++) {
        struct zmtp_socket_config config;
        world_configure(world, plan, side, &config);
        fuzz_check(zmtp_socket_open(&world->sockets[side], &config) == ZMTP_OK);
    }
    for (size_t i = 0; i < LINKS; i++)
        world->links[i].world = world;
}

static int link_open_peer(struct link *link, size_t i)
{
    struct world *world = link->world;
    const struct zmtp_socket_config *socket = zmtp_socket_config(world->sockets[link->sides[i]]);
    struct zmtp_peer_config config = {.allocator = &world->budget.allocator,
                                      .pool = world->pool,
                                      .type = socket->type,
                                      .routing_id = socket->routing_id,
                                      .minor = world->minor,
                                      .stream_notify = true};
    zmtp_peer_limits_init(&config.limits);
    config.limits.message_max = 100000;
    config.limits.parts_max = 20;
    return zmtp_peer_open(&link->peers[i], &config, world->now_ms);
}

static void link_close_end(struct link *link, size_t i)
{
    if (!link->ends[i]) return;
    zmtp_socket_settle(link->world->sockets[link->sides[i]], link->ends[i]);
    zmtp_pipe_close(link->ends[i]);
    link->ends[i] = NULL;
}

// Both sides find that the connection has gone; what was dialled stays.
static void link_break(struct link *link)
{
    for (size_t i = 0; i < 2; i++) {
        zmtp_peer_close(link->peers[i]);
        link->peers[i] = NULL;
        if (!link->dialled[i] || (link->ends[i] && link->ends[i]->other->closed))
            link_close_end(link, i);
    }
}

static void link_end(struct link *link)
{
    if (link->joined) { // the sockets have closed their ends, or will
        link->joined = false;
        link->ends[0] = link->ends[1] = NULL;
        return;
    }
    link_break(link);
    for (size_t i = 0; i < 2; i++) {
        link_close_end(link, i);
        link->dialled[i] = false;
    }
}

static void link_connect(struct link *link)
{
    if (link->joined || link->peers[0]) return;
    struct world *world = link->world;
    for (size_t i = 0; i < 2; i++)
        if (link_open_peer(link, i) < 0) {
            link_break(link);
            return;
        }
    for (size_t i = 0; i < 2; i++) {
        if (!link->dialled[i]) continue;
        if (!link->ends[i]) {
            const struct zmtp_bytes none = {0};
            if (zmtp_socket_attach(world->sockets[link->sides[i]], true, none, &link->ends[i]) <
                0) {
                link_end(link);
                return;
            }
            zmtp_pipe_own(link->ends[i], &world->marks, link);
        }
        (void)zmtp_peer_attach(link->peers[i], link->ends[i]);
    }
}

static void link_accept(struct link *link, size_t i)
{
    struct zmtp_peer *peer = link->peers[i];
    struct zmtp_socket *socket = link->world->sockets[link->sides[i]];
    if (!peer || !(zmtp_peer_wants(peer) & ZMTP_WANT_ATTACH) || link->ends[i]) return;
    const int result =
        zmtp_socket_attach(socket, false, zmtp_peer_facts(peer).routing_id, &link->ends[i]);
    if (result < 0) {
        zmtp_peer_fail(peer, result);
        return;
    }
    zmtp_pipe_own(link->ends[i], &link->world->marks, link);
    (void)zmtp_peer_attach(peer, link->ends[i]);
}

// Does what was marked, and lets go of what has ended.
static void world_settle(struct world *world)
{
    struct zmtp_pipe_end *end;
    for (size_t i = 0; i < LINKS; i++)
        for (size_t k = 0; k < 2; k++)
            link_accept(&world->links[i], k);
    while ((end = zmtp_marks_take(&world->marks))) {
        struct link *link = zmtp_pipe_owner(end);
        for (size_t i = 0; i < 2; i++)
            if (link->ends[i] == end && link->peers[i])
                zmtp_peer_resume(link->peers[i], world->now_ms);
    }
    for (size_t i = 0; i < LINKS; i++) {
        struct link *link = &world->links[i];
        if (link->joined || !link->peers[0]) continue;
        if (zmtp_peer_state(link->peers[0]) == ZMTP_PEER_CLOSED ||
            zmtp_peer_state(link->peers[1]) == ZMTP_PEER_CLOSED) {
            for (size_t k = 0; k < 2; k++)
                zmtp_peer_fail(link->peers[k], ZMTP_ERR_EOF);
            // One whose pipe is full delivers first.
            if (zmtp_peer_state(link->peers[0]) == ZMTP_PEER_CLOSED &&
                zmtp_peer_state(link->peers[1]) == ZMTP_PEER_CLOSED)
                link_break(link);
        }
    }
}

static void link_carry(struct link *link, size_t from, size_t most)
{
    if (link->joined || !link->peers[0]) return;
    struct zmtp_peer *giver = link->peers[from], *taker = link->peers[1 - from];
    if (!(zmtp_peer_wants(taker) & ZMTP_WANT_READ)) return;
    struct zmtp_bytes views[CARRIED];
    const size_t count = zmtp_peer_peek(giver, views, CARRIED);
    const struct zmtp_room room = zmtp_peer_space(taker);
    size_t filled = 0;
    for (size_t i = 0; i < count && filled < most; i++) {
        size_t size = views[i].size;
        if (size > room.size - filled) size = room.size - filled;
        if (size > most - filled) size = most - filled;
        if (size > 0) memcpy(room.data + filled, views[i].data, size);
        filled += size;
    }
    zmtp_peer_consume(giver, filled, link->world->now_ms);
    zmtp_peer_commit(taker, filled, link->world->now_ms);
}

static void link_inject(struct link *link, size_t to, struct zmtp_bytes octets)
{
    struct zmtp_peer *peer = link->peers[to];
    if (link->joined || !peer || !(zmtp_peer_wants(peer) & ZMTP_WANT_READ)) return;
    const struct zmtp_room room = zmtp_peer_space(peer);
    if (octets.size > room.size) octets.size = room.size;
    if (octets.size > 0) memcpy(room.data, octets.data, octets.size);
    zmtp_peer_commit(peer, octets.size, link->world->now_ms);
}

// Everything is carried until nothing moves.
static void world_flow(struct world *world)
{
    for (size_t round = 0; round < 12; round++) {
        world_settle(world);
        for (size_t i = 0; i < LINKS; i++)
            for (size_t side = 0; side < 2; side++)
                link_carry(&world->links[i], side, SIZE_MAX);
    }
    world_settle(world);
}

static bool link_is_free(const struct link *link)
{
    return !link->joined && !link->peers[0] && !link->ends[0] && !link->ends[1];
}

static void world_join(struct world *world, struct link *link, size_t side)
{
    if (!link_is_free(link)) return;
    link->sides[0] = side;
    link->sides[1] = 1 - side;
    if (zmtp_socket_join(world->sockets[link->sides[0]], world->sockets[link->sides[1]],
                         link->ends) == ZMTP_OK)
        link->joined = true;
}

static bool is_chosen(enum zmtp_socket_type type)
{
    return type == ZMTP_ROUTER || type == ZMTP_STREAM;
}

static void world_send(struct world *world, size_t side)
{
    static const size_t sizes[] = {0, 1, 2, 20, 255, 256, 5000, 30000};
    static const uint8_t filling[30000] = "\1abc";
    struct zmtp_socket *socket = world->sockets[side];
    const enum zmtp_socket_type type = zmtp_socket_type(socket);
    const uint8_t how = world_next(world);
    const size_t count = how & 3;
    struct zmtp_msg msg = {.more = NULL};
    zmtp_msg_init(&msg, &world->budget.allocator);
    msg.routing_id = world->number[side];
    int result = ZMTP_OK;
    if (is_chosen(type)) result = zmtp_msg_append(&msg, zmtp_part_bytes(&world->routing_id[side]));
    if (type == ZMTP_RADIO) result = zmtp_msg_append(&msg, zmtp_bytes_of("abc", how >> 6));
    for (size_t i = 0; i < count && result == ZMTP_OK; i++) {
        const uint8_t part = world_next(world);
        result = zmtp_msg_append(
            &msg, zmtp_bytes_of(filling + (part >> 3 & 3), sizes[part & 7] % sizeof filling));
    }
    const size_t parts = msg.count;
    if (result == ZMTP_OK) {
        const bool certain = !world_starves(world);
        result = zmtp_socket_send(socket, &msg);
        fuzz_check(msg.count == (result == ZMTP_OK ? 0 : parts));
        // Whoever is refused must be able to wait.
        if (result == ZMTP_ERR_AGAIN && certain)
            fuzz_check(!(zmtp_socket_events(socket) & ZMTP_WRITABLE));
    }
    zmtp_msg_fini(&msg);
}

static void world_recv(struct world *world, size_t side)
{
    struct zmtp_socket *socket = world->sockets[side];
    const bool certain = !world_starves(world);
    const bool readable = zmtp_socket_events(socket) & ZMTP_READABLE;
    struct zmtp_msg msg = {.more = NULL};
    zmtp_msg_init(&msg, NULL);
    const int result = zmtp_socket_recv(socket, &msg);
    if (certain && readable) fuzz_check(result != ZMTP_ERR_AGAIN && result != ZMTP_ERR_STATE);
    if (certain && !readable) fuzz_check(result < 0 && result != ZMTP_ERR_MEMORY);
    if (result < 0) fuzz_check(msg.count == 0);
    if (result == ZMTP_OK) {
        fuzz_check(msg.count > 0);
        if (is_chosen(zmtp_socket_type(socket))) {
            zmtp_part_fini(&world->routing_id[side]);
            zmtp_part_share(&world->routing_id[side], zmtp_msg_part(&msg, 0));
        }
        world->number[side] = msg.routing_id;
    }
    zmtp_msg_fini(&msg);
}

// Every message is accounted for.
static void world_audit(const struct world *world)
{
    for (size_t side = 0; side < 2; side++) {
        const struct zmtp_socket *socket = world->sockets[side];
        const struct zmtp_socket_counters c = zmtp_socket_counters(socket);
        fuzz_check(c.copies == c.left + c.queued + c.lost);
        fuzz_check(c.arrived + c.told == c.received + c.waiting + c.heeded + c.discarded);
        for (size_t i = 0; i < LINKS; i++)
            for (size_t k = 0; k < 2; k++) {
                const struct link *link = &world->links[i];
                struct zmtp_flow f;
                if (link->joined || link->sides[k] != side || !link->ends[k]) continue;
                if (!zmtp_socket_flow(socket, link->ends[k], &f)) continue;
                fuzz_check(f.copies == f.left + f.queued + f.lost);
                fuzz_check(f.arrived == f.taken + f.waiting + f.heeded + f.discarded);
            }
    }
}

static void world_topic(struct world *world, size_t side, uint8_t what)
{
    const struct zmtp_bytes topic = zmtp_bytes_of("abc\1", what >> 1 & 3);
    struct zmtp_socket *socket = world->sockets[side];
    if (what & 1)
        (void)zmtp_socket_subscribe(socket, topic);
    else
        (void)zmtp_socket_cancel(socket, topic);
}

static void world_pass_time(struct world *world, uint8_t much)
{
    world->now_ms += (uint64_t)much * (much & 1 ? 10 : 200);
    for (size_t i = 0; i < LINKS; i++)
        for (size_t k = 0; k < 2; k++)
            if (world->links[i].peers[k]) zmtp_peer_tick(world->links[i].peers[k], world->now_ms);
    for (size_t side = 0; side < 2; side++) {
        struct zmtp_socket *socket = world->sockets[side];
        const bool certain = !world_starves(world);
        if (zmtp_socket_deadline(socket) > world->now_ms) continue;
        zmtp_socket_tick(socket, world->now_ms);
        // Or the loop would never sleep.
        if (certain) fuzz_check(zmtp_socket_deadline(socket) > world->now_ms);
    }
}

enum step {
    STEP_CONNECT,
    STEP_JOIN,
    STEP_BREAK,
    STEP_END,
    STEP_CARRY,
    STEP_FLOW,
    STEP_SEND,
    STEP_SEND_TOO,
    STEP_RECV,
    STEP_RECV_TOO,
    STEP_TOPIC,
    STEP_TIME,
    STEP_STARVE,
    STEP_INJECT,
    STEP_CANCEL,
    STEP_DETACH,
};

// One that is free leads from a dialler, socket |side|, to one that accepts or dials, too.
static void link_place(struct link *link, size_t side, bool both_dial)
{
    if (!link_is_free(link)) return;
    link->sides[0] = side;
    link->sides[1] = 1 - side;
    link->dialled[0] = true;
    link->dialled[1] = both_dial;
}

static void link_detach(struct link *link, size_t i)
{
    if (!link->joined) return;
    zmtp_socket_detach(link->world->sockets[link->sides[i]], link->ends[i]);
    link_end(link);
}

static void world_step(struct world *world)
{
    const uint8_t octet = world_next(world);
    const size_t side = octet >> 4 & 1;
    struct link *link = &world->links[octet >> 5 & 3];
    switch ((enum step)(octet & 15)) {
    case STEP_CONNECT:
        link_place(link, side, octet >> 7);
        link_connect(link);
        break;
    case STEP_JOIN:
        world_join(world, link, side);
        break;
    case STEP_BREAK:
        if (!link->joined) link_break(link);
        break;
    case STEP_END:
        if (!link->joined) link_end(link);
        break;
    case STEP_CARRY:
        link_carry(link, side, 1 + world_next(world));
        break;
    case STEP_FLOW:
        world_flow(world);
        break;
    case STEP_SEND:
    case STEP_SEND_TOO:
        world_send(world, side);
        break;
    case STEP_RECV:
    case STEP_RECV_TOO:
        world_recv(world, side);
        break;
    case STEP_TOPIC:
        world_topic(world, side, octet >> 5);
        break;
    case STEP_TIME:
        world_pass_time(world, world_next(world));
        break;
    case STEP_STARVE:
        world->budget.fail_on = octet >> 7;
        world->budget.fail_at = world->budget.calls + 1 + (octet >> 4 & 7);
        break;
    case STEP_INJECT:
        link_inject(link, side, world_octets(world, world_next(world) & 63));
        break;
    case STEP_CANCEL:
        world->budget.fail_on = false;
        world->budget.fail_at = 0;
        (void)zmtp_socket_cancel_request(world->sockets[side],
                                         zmtp_socket_last_request(world->sockets[side]) -
                                             (octet >> 5 & 3));
        break;
    case STEP_DETACH:
        link_detach(link, side);
        break;
    }
    world_settle(world);
    world_audit(world);
}

static void world_close(struct world *world)
{
    world->budget.fail_on = false;
    world->budget.fail_at = 0;
    for (size_t i = 0; i < LINKS; i++)
        link_end(&world->links[i]);
    for (size_t side = 0; side < 2; side++) {
        zmtp_socket_close(world->sockets[side]);
        zmtp_part_fini(&world->routing_id[side]);
    }
    zmtp_pool_close(world->pool);
    fuzz_check(world->budget.bytes == 0);
    fuzz_check(world->budget.blocks == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < PLAN_SIZE || size > 600) return 0;
    struct world world = {.now_ms = 1, .at = data + PLAN_SIZE, .end = data + size};
    world_open(&world, data);
    while (world.at < world.end)
        world_step(&world);
    world_close(&world);
    return 0;
}
