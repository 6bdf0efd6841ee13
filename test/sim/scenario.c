#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"

enum {
    SCENARIO_CHAOS_MS = 10000,
    // After the last fault everything must be done within this.
    SCENARIO_CALM_MS = 120000,
    SCENARIO_ROUNDS = 20000, // of work at one point in time
    SCENARIO_FINAL = 6,      // messages published when all is quiet: each must arrive
};

struct scenario {
    struct world world;
    struct ledger ledger;
    struct talks talks; // of STREAMs
    struct post post;   // of DGRAMs
    size_t count;       // of nodes; the first is the server
    struct node nodes[LEDGER_NODES];
    struct app apps[LEDGER_NODES];
    enum zmtp_mechanism mechanism;
    bool threaded;   // inproc, between threads
    size_t hangs_up; // STREAMs: 1: the server, 2: the clients close some of their connections
    enum zmtp_xpub_mode mode; // of XPUBs
    struct scenario_options {
        bool conflate, nodrop, invert, immediate, probe, lenient, handover;
    } options;        // of those types that have them
    uint64_t calm_ms; // when faults end
    uint64_t steps;
    struct scenario_report report;
};

struct scenario_kind {
    const char *name;
    enum zmtp_socket_type server, client;
    size_t clients_max;
    bool published; // several may have the same message
    bool single;    // messages have one part
    bool hasty;     // clients may close right after their last message
    bool many;      // requests in flight, with time limits and retries
};

static const struct scenario_kind scenario_kinds[] = {
    {"DEALER/ROUTER", ZMTP_ROUTER, ZMTP_DEALER, 3, false, false, true, false},
    {"DEALER/DEALER", ZMTP_DEALER, ZMTP_DEALER, 3, false, false, true, false},
    {"REQ/REP", ZMTP_REP, ZMTP_REQ, 3, false, false, false, false},
    {"PUB/SUB", ZMTP_PUB, ZMTP_SUB, 3, true, false, false, false},
    {"SUB/PUB", ZMTP_SUB, ZMTP_PUB, 3, true, false, false, false},
    {"XPUB/SUB", ZMTP_XPUB, ZMTP_SUB, 3, true, false, false, false},
    {"XPUB/XSUB", ZMTP_XPUB, ZMTP_XSUB, 3, true, false, false, false},
    {"PUB/XSUB", ZMTP_PUB, ZMTP_XSUB, 3, true, false, false, false},
    {"PULL/PUSH", ZMTP_PULL, ZMTP_PUSH, 3, false, false, true, false},
    {"PUSH/PULL", ZMTP_PUSH, ZMTP_PULL, 3, false, false, false, false},
    {"PAIR/PAIR", ZMTP_PAIR, ZMTP_PAIR, 1, false, false, true, false},
    {"CHANNEL/CHANNEL", ZMTP_CHANNEL, ZMTP_CHANNEL, 1, false, true, true, false},
    {"SERVER/CLIENT", ZMTP_SERVER, ZMTP_CLIENT, 3, false, true, true, false},
    {"GATHER/SCATTER", ZMTP_GATHER, ZMTP_SCATTER, 3, false, true, true, false},
    {"SCATTER/GATHER", ZMTP_SCATTER, ZMTP_GATHER, 3, false, true, false, false},
    {"PEER/PEER", ZMTP_PEER, ZMTP_PEER, 3, false, true, true, false},
    {"RADIO/DISH", ZMTP_RADIO, ZMTP_DISH, 3, true, true, false, false},
    {"STREAM/STREAM", ZMTP_STREAM, ZMTP_STREAM, 3, false, false, false, false},
    {"DGRAM/DGRAM", ZMTP_DGRAM, ZMTP_DGRAM, 3, false, true, false, false},
    {"REQ/REP in flight", ZMTP_REP, ZMTP_REQ, 3, false, false, false, true},
};
enum { SCENARIO_KINDS = sizeof scenario_kinds / sizeof scenario_kinds[0] };

// Who is let in, and who speaks what.
static void scenario_secure(struct scenario *s, struct node *node)
{
    struct world *world = &s->world;
    // In 3.0 there are no groups.
    const bool groups = node->config.type == ZMTP_RADIO || node->config.type == ZMTP_DISH;
    node->minor = groups || !world_chance(world, 5);
    node->security.mechanism = s->mechanism;
    node->security.server = !node->server;
    node->security.crypto = &world->crypto;
    node->security.username = zmtp_bytes_text(WORLD_USER);
    node->security.password = zmtp_bytes_text(WORLD_PASSWORD);
    node->security.keys = node->server ? world->client_keys : world->server_keys;
    node->security.server_key = world->server_keys.public_key;
    const bool old = s->mechanism == ZMTP_NULL && !s->threaded && node->config.type <= ZMTP_XSUB;
    node->old_versions = old && world_chance(world, 2);
    if (node->server && node->server->old_versions && world_chance(world, 3)) {
        // To invert the wish of one of 1.0, who wants all, leaves nothing.
        node->elder = s->options.invert ? 2 : (uint8_t)(1 + world_below(world, 2));
        s->report.elders++;
    }
}

// Time limits that nothing but a fault makes too short.
static void scenario_requests(struct scenario *s, struct node *node)
{
    struct world *world = &s->world;
    node->config.req_in_flight_max = (uint32_t)(2 + world_below(world, APP_IN_FLIGHT - 1));
    const bool timed = world_chance(world, 2);
    if (timed)
        node->config.req_timeout_ms =
            world->faults ? (uint32_t)(2000 + world_below(world, 4000)) : SCENARIO_CALM_MS;
    node->config.req_retries = (uint32_t)world_below(world, 3);
    s->ledger.repeated[node->index] = node->config.req_retries > 0 && world->faults;
}

static void scenario_choose_options(struct scenario *s, const struct scenario_kind *kind)
{
    struct world *world = &s->world;
    struct scenario_options *const options = &s->options;
    options->conflate = world_chance(world, 6);
    options->nodrop = world_chance(world, 2);
    options->invert = s->mode != ZMTP_XPUB_LAST_VALUE && world_chance(world, 4);
    options->immediate = world_chance(world, 3);
    options->probe = kind->server == ZMTP_ROUTER && world_chance(world, 3);
    options->lenient = world_chance(world, 3);
    options->handover = world_chance(world, 3);
}

static bool scenario_sets(struct scenario *s, bool *option, const char *name)
{
    char *const text = s->report.options;
    *option = true;
    if (strstr(text, name)) return true;
    const size_t used = strlen(text);
    (void)snprintf(text + used, sizeof s->report.options - used, ", %s",
                   name); // cut short is enough
    return true;
}

// What was chosen, as far as the node's type has it.
static void scenario_set_options(struct scenario *s, struct node *node)
{
    struct zmtp_socket_config *const config = &node->config;
    const struct scenario_options *const options = &s->options;
    const enum zmtp_socket_type type = config->type;
    const bool publishes = type == ZMTP_PUB || type == ZMTP_XPUB;
    const bool conflates = type == ZMTP_PUSH || type == ZMTP_PULL || type == ZMTP_PUB ||
                           type == ZMTP_SUB || type == ZMTP_DEALER;
    if (options->conflate && conflates) (void)scenario_sets(s, &config->conflate, "conflate");
    if (options->nodrop && (publishes || type == ZMTP_RADIO))
        (void)scenario_sets(s, &config->nodrop, "nodrop");
    if (options->invert && (publishes || type == ZMTP_SUB))
        (void)scenario_sets(s, &config->invert_matching, "inverted");
    if (options->immediate && node->server) (void)scenario_sets(s, &config->immediate, "immediate");
    if (options->probe && node->server) (void)scenario_sets(s, &config->probe_router, "probing");
    if (options->handover && type == ZMTP_ROUTER)
        (void)scenario_sets(s, &config->router_handover, "handover");
    bool lenient = options->lenient && type == ZMTP_ROUTER;
    if (lenient) config->router_mandatory = !scenario_sets(s, &lenient, "not mandatory");
}

static void scenario_describe(struct node *node)
{
    const char name = (char)('0' + node->index);
    const struct zmtp_property property = {zmtp_bytes_text(APP_PROPERTY), zmtp_bytes_of(&name, 1)};
    const int size = zmtp_property_encode(&property, node->metadata, sizeof node->metadata);
    if (size < 0) world_fail(node->world, "the metadata of a node do not fit");
    node->config.metadata = zmtp_bytes_of(node->metadata, size < 0 ? 0 : (size_t)size);
}

static void scenario_node(struct scenario *s, size_t index, const struct scenario_kind *kind,
                          size_t hwm)
{
    static const char *const names[LEDGER_NODES] = {"server", "first", "second", "third"};
    struct node *node = &s->nodes[index];
    *node = (struct node){.world = &s->world, .index = index};
    node->server = index > 0 ? &s->nodes[0] : NULL;
    node->threaded = s->threaded;
    node->post = kind->server == ZMTP_DGRAM ? &s->post : NULL;
    node->post_count = s->count;
    zmtp_socket_config_init(&node->config, index > 0 ? kind->client : kind->server);
    node->config.routing_id = zmtp_bytes_text(names[index]);
    node->config.send_count_max = node->config.recv_count_max = hwm;
    if (node->post) node->config.datagram_max = POST_BODY_MAX;
    scenario_describe(node);
    scenario_set_options(s, node);
    if (node->config.type == ZMTP_XPUB) node->config.xpub_mode = s->mode;
    if (kind->many && index > 0) scenario_requests(s, node);
    if (node->config.type == ZMTP_REQ && !kind->many) {
        node->config.req_correlate = !world_chance(&s->world, 3);
        node->config.req_relaxed = !world_chance(&s->world, 3);
    }
    // A REP drops a reply that finds no room, and who set no time limit would wait for it for ever.
    if (kind->many && index == 0) node->config.send_count_max = ZMTP_DEFAULT_HWM;
    zmtp_peer_limits_init(&node->limits);
    node->limits.heartbeat_interval_ms = 300;
    node->limits.heartbeat_timeout_ms = 1500;
    node->limits.heartbeat_ttl_ms = 3000;
    node->limits.handshake_ms = 3000;
    node->limits.authorise_ms = 1000;
    scenario_secure(s, node);
    int result = node_open(node);
    if (result == ZMTP_OK && index > 0) result = node_dial(node);
    if (result < 0) world_fail(&s->world, "a node cannot start: %s", zmtp_err_name(result));
    struct app *app = &s->apps[index];
    app_init(app, node, &s->ledger);
    app->talker = (struct talker){
        .node = node, .talks = &s->talks, .hangs_up = s->hangs_up == (index > 0 ? 2 : 1)};
    app->to_send = app_drains(app) ? 0 : (uint32_t)(10 + world_below(&s->world, 120));
    if (app_subscribes(app)) app->toggles = (uint32_t)(APP_TOPICS + world_below(&s->world, 8));
}

static const char *scenario_mechanism_name(enum zmtp_mechanism mechanism)
{
    return mechanism == ZMTP_NULL ? "NULL" : mechanism == ZMTP_PLAIN ? "PLAIN" : "CURVE";
}

static void scenario_open(struct scenario *s, uint64_t seed, bool tracing)
{
    static const char *const modes[] = {"normal", "verbose", "verboser", "manual", "last value"};
    world_init(&s->world, seed, tracing);
    struct world *world = &s->world;
    const struct scenario_kind *kind = &scenario_kinds[world_below(world, SCENARIO_KINDS)];
    const size_t hwm = world_chance(world, 6) ? 100 : 1 + world_below(world, 3);
    world->faults = !world_chance(world, 3);
    const bool failing = world->faults && world_chance(world, 3);
    const bool hasty = kind->hasty && world_chance(world, 3);
    if (world_chance(world, 2))
        s->mechanism = world_chance(world, 3) || !world->crypto.random ? ZMTP_PLAIN : ZMTP_CURVE;
    s->threaded = s->mechanism == ZMTP_NULL && world_chance(world, 3);
    if (kind->server == ZMTP_STREAM || kind->server == ZMTP_DGRAM) {
        s->mechanism = ZMTP_NULL;
        s->threaded = false;
    }
    if (kind->server == ZMTP_STREAM) s->hangs_up = world_below(world, 3);
    const bool told = kind->server == ZMTP_XPUB;
    s->mode = told ? (enum zmtp_xpub_mode)world_below(world, 5) : ZMTP_XPUB_NORMAL;
    scenario_choose_options(s, kind);
    s->count = 2 + world_below(world, kind->clients_max);
    s->ledger.world = world;
    s->ledger.copied = kind->published;
    s->talks.world = s->post.world = world;
    s->ledger.single = kind->single;
    for (size_t i = 0; i < s->count; i++) {
        scenario_node(s, i, kind, hwm);
        s->apps[i].hasty = hasty && i > 0;
    }
    world->chaos = world->faults;
    world->failing = failing;
    s->calm_ms = world->now_ms + (world->faults ? SCENARIO_CHAOS_MS : 0);
    s->report.pattern = kind->name;
    s->report.mechanism = s->threaded ? "threads" : scenario_mechanism_name(s->mechanism);
    s->report.mode = told ? modes[s->mode] : "";
    s->report.clients = (unsigned)s->count - 1;
    s->report.hwm = (unsigned)hwm;
    s->report.faults = world->faults;
    s->report.failing = failing;
    s->report.hasty = hasty;
}

// Everything that can happen at this point in time.
static void scenario_settle(struct scenario *s)
{
    bool busy = true;
    for (int i = 0; busy && !s->world.failed; i++) {
        busy = false;
        for (size_t j = 0; j < s->count; j++) {
            if (s->threaded && world_chance(&s->world, 3)) { // others are faster
                busy = true;
                continue;
            }
            busy |= node_work(&s->nodes[j]);
            busy |= app_work(&s->apps[j]);
            busy |= node_is_marked(&s->nodes[j]); // a read that found nothing may have made room
            node_count_queued(&s->nodes[j]);      // within their limits
        }
        if (i == SCENARIO_ROUNDS) world_fail(&s->world, "the nodes are busy for ever");
    }
}

static uint64_t scenario_next_ms(const struct scenario *s)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < s->count; i++) {
        const uint64_t node = node_next_ms(&s->nodes[i]);
        const uint64_t app = s->nodes[i].socket ? s->apps[i].due_ms : UINT64_MAX;
        if (node < next) next = node;
        if (app < next) next = app;
    }
    for (size_t i = 0; i < WORLD_LINKS; i++) {
        if (!s->world.links[i]) continue;
        const uint64_t link = link_next_ms(s->world.links[i]);
        if (link < next) next = link;
    }
    return next;
}

// Lets happen what is due.
static void scenario_now(struct scenario *s)
{
    struct world *world = &s->world;
    s->steps++;
    if (world->now_ms >= s->calm_ms && world->chaos) {
        world_calm(world);
        world_trace(world, "no more faults");
    }
    world_fault(world);
    if (s->threaded && world->chaos && world_chance(world, 40))
        thread_part(&s->nodes[world_below(world, s->count)].thread);
    for (size_t i = 0; i < WORLD_LINKS; i++)
        if (world->links[i]) link_arrive(world->links[i]);
    scenario_settle(s);
}

// Goes on to when something is due next.
static void scenario_wait(struct scenario *s)
{
    struct world *world = &s->world;
    uint64_t next = scenario_next_ms(s);
    if (next <= world->now_ms) next = world->now_ms + 1; // what had to wait for memory
    if (world->chaos && next > s->calm_ms) next = s->calm_ms;
    if (next > s->calm_ms + SCENARIO_CALM_MS)
        world_fail(world, "the nodes stand still: a wake-up was lost");
    else
        world->now_ms = next;
}

// Nothing is under way, and both sides of every link are there.
static bool scenario_links_are_quiet(const struct scenario *s)
{
    for (size_t i = 0; i < WORLD_LINKS; i++) {
        const struct link *link = s->world.links[i];
        if (!link) continue;
        if (link->broken || link->closed[0] || link->closed[1]) return false;
        if (link->ways[0].filled > 0 || link->ways[1].filled > 0) return false;
    }
    return true;
}

// Is everything sent and read, and every connection up?
static bool scenario_node_is_quiet(const struct scenario *s, size_t index)
{
    const struct node *node = &s->nodes[index];
    if (!node->socket) return node_is_over(node); // else it still sends
    // A server whose clients may all have gone need not get rid of everything.
    if (!app_is_done(&s->apps[index]) && !(s->report.hasty && index == 0)) return false;
    // A reply that came late is of no interest, and stays where it is.
    if (node->queued_in > 0 && node->config.type != ZMTP_REQ) return false;
    return node->queued_out == 0 && node_is_connected(node);
}

static bool scenario_is_quiet(const struct scenario *s)
{
    if (s->world.chaos) return false;
    for (size_t i = 0; i < s->count; i++)
        if (!scenario_node_is_quiet(s, i)) return false;
    return scenario_links_are_quiet(s) && post_is_empty(&s->post);
}

static void scenario_until(struct scenario *s, bool (*reached)(const struct scenario *s))
{
    for (;;) {
        scenario_now(s);
        if (s->world.failed || reached(s)) return;
        scenario_wait(s);
    }
}

// Node |from| publishes, and nothing is under way: its message reaches everybody who asked for it.
static void scenario_publish_one(struct scenario *s, size_t from)
{
    struct app *const app = &s->apps[from];
    const uint32_t number = s->ledger.sent[from];
    const char topic = ledger_topic(&s->ledger, from, number);
    const uint8_t alone = app->alone;
    app->to_send++;
    if (!app_publish(app)) world_fail(&s->world, "nothing can be published");
    scenario_until(s, scenario_is_quiet);
    // For one alone: of an old version, or who may have gone and come again.
    if (alone != LEDGER_ALL && (alone == LEDGER_SOMEBODY || s->world.faults)) return;
    for (size_t i = 0; i < s->count && !s->world.failed; i++) {
        const bool matches = app_subscribes(&s->apps[i]) && (alone == LEDGER_ALL || alone == i + 1);
        const bool wants =
            matches && s->apps[i].topics[topic - 'a'] != s->nodes[from].config.invert_matching;
        // A peer of 1.0 with an XSUB gets what it does not want, as nobody picks for it.
        if (!wants && s->nodes[i].elder == 1 && s->nodes[i].config.type == ZMTP_XSUB) continue;
        if (s->ledger.has[from][i][number] != wants)
            world_fail(&s->world, "node %zu %s message %u that node %zu published", i,
                       wants ? "did not get" : "got", (unsigned)number, from);
    }
}

static void scenario_publish(struct scenario *s)
{
    for (size_t from = 0; from < s->count; from++)
        for (int i = 0; i < SCENARIO_FINAL && !s->world.failed; i++)
            if (app_publishes(&s->apps[from])) scenario_publish_one(s, from);
}

// What an XPUB was told in the end is what its subscribers want.
static void scenario_compare_wishes(struct scenario *s)
{
    const bool counts = s->mode == ZMTP_XPUB_VERBOSER || app_is_manual(&s->apps[0]);
    app_catch_up(&s->apps[0]);
    for (size_t topic = 0; topic < APP_TOPICS; topic++) {
        int wanted = 0;
        for (size_t i = 1; i < s->count; i++)
            // A peer of 1.0 does not say what it wants.
            wanted += s->apps[i].topics[topic] && s->nodes[i].elder != 1;
        if (!counts && wanted > 1) wanted = 1;
        // A subscriber that had no memory for all its topics tells them once more, and each is told.
        if (counts && s->report.failing && s->apps[0].told[topic] > wanted) continue;
        if (s->apps[0].told[topic] != wanted)
            world_fail(&s->world, "topic %c is wanted by %d, and the publisher was told of %d",
                       (int)('a' + topic), wanted, s->apps[0].told[topic]);
    }
}

static uint64_t scenario_dropped(const struct zmtp_socket_counters *counters, enum zmtp_drop first,
                                 enum zmtp_drop second)
{
    return counters->dropped[first] + counters->dropped[second];
}

// The laws of socket.h, to the message.
static void scenario_laws(struct scenario *s, size_t index,
                          const struct zmtp_socket_counters *counters)
{
    uint64_t dropped = 0;
    for (size_t i = 0; i < ZMTP_DROPS; i++)
        dropped += counters->dropped[i];
    if (counters->copies != counters->left + counters->queued + counters->lost)
        world_fail(&s->world, "node %zu: %llu copies, %llu left, %llu queued, %llu lost", index,
                   (unsigned long long)counters->copies, (unsigned long long)counters->left,
                   (unsigned long long)counters->queued, (unsigned long long)counters->lost);
    if (counters->arrived + counters->told !=
        counters->received + counters->waiting + counters->heeded + counters->discarded)
        world_fail(&s->world, "node %zu: %llu arrived, %llu received, %llu wait, %llu discarded",
                   index, (unsigned long long)counters->arrived,
                   (unsigned long long)counters->received, (unsigned long long)counters->waiting,
                   (unsigned long long)counters->discarded);
    if (s->nodes[index].config.nodrop && counters->dropped[ZMTP_DROP_PEER_FULL] > 0)
        world_fail(&s->world, "node %zu dropped what it was to keep", index);
    if (dropped < counters->lost + counters->discarded)
        world_fail(&s->world, "node %zu: %llu dropped for a reason", index,
                   (unsigned long long)dropped);
}

// Sent is left, queued or dropped; what came was received, is queued or was dropped.
static void scenario_account(struct scenario *s, size_t index)
{
    struct node *node = &s->nodes[index];
    struct zmtp_socket_counters counters = node->counters;
    if (node->socket) {
        counters = zmtp_socket_counters(node->socket);
        node_count_queued(node);
    }
    scenario_laws(s, index, &counters);
    // Between threads nobody else counts; see scenario_balance.
    const uint64_t left = node_messages_out(node) + (node->socket ? node->queued_out : 0);
    const uint64_t gone = scenario_dropped(&counters, ZMTP_DROP_PEER_GONE, ZMTP_DROP_CLOSED) +
                          scenario_dropped(&counters, ZMTP_DROP_REPLACED, ZMTP_DROP_UNSENT);
    const bool publishes = app_publishes(&s->apps[index]);
    const bool subscribes = app_subscribes(&s->apps[index]);
    if (node->config.type == ZMTP_STREAM) return;
    if (!subscribes && counters.copies != left + gone)
        world_fail(&s->world, "node %zu: of %llu messages %llu left or wait, %llu were dropped",
                   index, (unsigned long long)counters.copies, (unsigned long long)left,
                   (unsigned long long)gone);
    if (!node->socket || publishes) return; // subscriptions are no messages
    uint64_t taken = counters.received + node->queued_in;
    taken += scenario_dropped(&counters, ZMTP_DROP_ENVELOPE, ZMTP_DROP_UNEXPECTED);
    taken += scenario_dropped(&counters, ZMTP_DROP_OUTDATED, ZMTP_DROP_UNREAD);
    taken += counters.dropped[ZMTP_DROP_NO_ROOM];
    if (subscribes) taken += counters.dropped[ZMTP_DROP_NO_MATCH];
    if (node_messages_in(node) != taken)
        world_fail(&s->world, "node %zu: %llu messages came, %llu are accounted for", index,
                   (unsigned long long)node_messages_in(node), (unsigned long long)taken);
    const uint32_t read = s->ledger.taken[index] + s->apps[index].probes;
    if (read != counters.received)
        world_fail(&s->world, "node %zu: %u messages were read, %llu counted", index,
                   (unsigned)read, (unsigned long long)counters.received);
}

// What a node dropped because it was told that it may, less the probes: those nobody has sent.
static uint64_t scenario_spared(const struct scenario *s, size_t index)
{
    const struct node *node = &s->nodes[index];
    const struct zmtp_socket_counters counters =
        node->socket ? zmtp_socket_counters(node->socket) : node->counters;
    const uint64_t probes = node->config.probe_router ? counters.own : 0;
    uint64_t count = s->apps[index].probes - probes; // all nodes together are not below 0
    count += counters.dropped[ZMTP_DROP_NO_ROOM];    // of datagrams
    if (node->config.conflate)
        count += scenario_dropped(&counters, ZMTP_DROP_REPLACED, ZMTP_DROP_OUTDATED);
    if (node->config.type == ZMTP_ROUTER && !node->config.router_mandatory)
        count += scenario_dropped(&counters, ZMTP_DROP_PEER_FULL, ZMTP_DROP_NO_ROUTE);
    return count;
}

// Of those that keep only the last message, the last one came.
static void scenario_check_last(struct scenario *s)
{
    for (size_t i = 1; i < s->count; i++) {
        const uint32_t sent = s->ledger.sent[i];
        const bool conflate = s->nodes[0].config.conflate || s->nodes[i].config.conflate;
        if (conflate && sent > 0 && !s->ledger.has[i][0][sent - 1])
            world_fail(&s->world, "the last message of node %zu did not come", i);
    }
}

// Without a fault nothing is lost; a fault loses no more than what was on the links.
static void scenario_balance(struct scenario *s)
{
    uint64_t out = 0, in = 0, clients_sent = 0, spared = 0;
    for (size_t i = 0; i < s->count; i++) {
        out += node_messages_out(&s->nodes[i]);
        in += node_messages_in(&s->nodes[i]);
        spared += scenario_spared(s, i);
        if (i > 0) clients_sent += s->ledger.sent[i];
        s->report.sent += s->ledger.sent[i];
        s->report.delivered += s->ledger.taken[i];
    }
    // Only what was under way when both sides of a crossing gave it up is nobody's.
    if (s->threaded && s->world.parted > 0 && out >= in) s->world.lost = out - in;
    if (s->nodes[0].config.type == ZMTP_STREAM) { // messages are not what was sent; octets are
        for (size_t i = 0; i < s->count; i++)
            talk_check(&s->apps[i].talker, s->hangs_up > 0);
        s->ledger.copied = true;
    }
    if (out != in + s->world.lost)
        world_fail(&s->world, "%llu messages left, %llu came, %llu were lost on the way",
                   (unsigned long long)out, (unsigned long long)in,
                   (unsigned long long)s->world.lost);
    if (s->world.faults) return;
    if (s->world.lost > 0 && !s->report.hasty && s->hangs_up == 0)
        world_fail(&s->world, "%llu messages were lost without a fault",
                   (unsigned long long)s->world.lost);
    if (s->ledger.copied) return;
    scenario_check_last(s);
    if (!s->options.conflate && !s->nodes[0].post && s->ledger.taken[0] != clients_sent)
        world_fail(&s->world, "%llu messages were sent to the server, %u came",
                   (unsigned long long)clients_sent, (unsigned)s->ledger.taken[0]);
    if (s->report.sent != s->report.delivered + spared && !s->report.hasty)
        world_fail(&s->world, "%llu messages were sent in all, %llu came, %llu could be spared",
                   (unsigned long long)s->report.sent, (unsigned long long)s->report.delivered,
                   (unsigned long long)spared);
}

static bool scenario_clients_are_over(const struct scenario *s)
{
    for (size_t i = 1; i < s->count; i++)
        if (!node_is_over(&s->nodes[i])) return false;
    return true;
}

static bool scenario_is_over(const struct scenario *s)
{
    return scenario_clients_are_over(s) && node_is_over(&s->nodes[0]);
}

static void scenario_close(struct scenario *s)
{
    if (s->world.failed) return;
    s->world.closing = true;
    for (size_t i = 1; i < s->count; i++)
        node_close(&s->nodes[i]);
    scenario_until(s, scenario_clients_are_over);
    if (s->world.failed) return;
    node_close(&s->nodes[0]);
    scenario_until(s, scenario_is_over);
}

struct scenario_report scenario_run(uint64_t seed, bool tracing)
{
    struct scenario *s = calloc(1, sizeof *s);
    if (!s) return (struct scenario_report){.why = "no memory for the simulation itself"};
    scenario_open(s, seed, tracing);
    scenario_until(s, scenario_is_quiet);
    scenario_publish(s);
    if (s->nodes[0].config.type == ZMTP_XPUB && !s->world.failed) scenario_compare_wishes(s);
    for (size_t i = 0; i < s->count && !s->world.failed; i++)
        scenario_account(s, i);
    if (!s->world.failed) scenario_balance(s);
    scenario_close(s);
    for (size_t i = 0; i < s->count && s->world.failed; i++)
        node_trace(&s->nodes[i]);
    for (size_t i = 0; i < s->count; i++) {
        app_fini(&s->apps[i]);
        node_fini(&s->nodes[i], false);
    }
    for (size_t i = 0; i < s->count; i++)
        node_fini(&s->nodes[i], true);
    world_fini(&s->world);
    struct scenario_report report = s->report;
    report.passed = !s->world.failed;
    memcpy(report.why, s->world.why, sizeof report.why);
    report.lost = s->world.lost;
    report.resets = s->world.resets;
    report.stalls = s->world.stalls;
    report.refusals = s->world.refusals;
    report.steps = s->steps;
    report.simulated_ms = s->world.now_ms - 1000;
    free(s);
    return report;
}
