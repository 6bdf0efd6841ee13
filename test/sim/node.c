#include "node.h"

#include <string.h>

#include "zmtp/msg/pipe.h"

enum { NODE_VIEWS = 4, NODE_ROUNDS = 64 };

int node_open(struct node *node)
{
    node->config.allocator = &node->world->budget.allocator;
    node->config.pool = node->world->pool;
    if (node->threaded) thread_init(&node->thread, node);
    const int result = zmtp_socket_open(&node->socket, &node->config);
    return result == ZMTP_OK && node->post ? post_open(node->post, node) : result;
}

static struct connection *connection_add(struct node *node)
{
    for (size_t i = 0; i < NODE_CONNECTIONS; i++) {
        if (node->connections[i]) continue;
        struct connection *connection = zmtp_alloc(NULL, sizeof *connection);
        if (!connection) return NULL;
        *connection =
            (struct connection){.node = node, .dial_ms = UINT64_MAX, .judged_ms = UINT64_MAX};
        node->connections[i] = connection;
        return connection;
    }
    return NULL;
}

// Its pipe's end is closed and the connection forgotten.
static void connection_remove(struct connection *connection)
{
    struct node *node = connection->node;
    zmtp_pipe_close(connection->end);
    for (size_t i = 0; i < NODE_CONNECTIONS; i++)
        if (node->connections[i] == connection) node->connections[i] = NULL;
    zmtp_free(NULL, connection, sizeof *connection);
}

int node_dial(struct node *node)
{
    if (node->post) return ZMTP_OK;
    if (node->threaded) {
        thread_dial(&node->thread);
        return ZMTP_OK;
    }
    struct connection *connection = connection_add(node);
    if (!connection) return ZMTP_ERR_MEMORY;
    const int result =
        zmtp_socket_attach(node->socket, true, (struct zmtp_bytes){0}, &connection->end);
    if (result < 0) {
        connection_remove(connection);
        return result;
    }
    connection->dialled = true;
    connection->dial_ms = node->world->now_ms;
    zmtp_backoff_init(&connection->backoff, 10, 500, node->world->seed + node->index);
    zmtp_pipe_own(connection->end, &node->marks, connection);
    return ZMTP_OK;
}

static int connection_open_elder(struct connection *connection)
{
    const struct node *node = connection->node;
    if (node->elder == 0) return ZMTP_OK;
    connection->elder = zmtp_alloc(NULL, sizeof *connection->elder); // no part of what is tested
    if (!connection->elder) return ZMTP_ERR_MEMORY;
    const struct zmtp_bytes routing_id =
        node->config.type == ZMTP_SUB ? (struct zmtp_bytes){0} : node->config.routing_id;
    elder_init(connection->elder, node->elder, node->config.type, node->server->config.type,
               routing_id);
    return ZMTP_OK;
}

static void connection_close_elder(struct connection *connection)
{
    if (connection->elder) zmtp_free(NULL, connection->elder, sizeof *connection->elder);
    connection->elder = NULL;
}

static int connection_open_peer(struct connection *connection, struct link *link, size_t side)
{
    struct node *node = connection->node;
    const bool secure = node->security.mechanism != ZMTP_NULL;
    const struct zmtp_peer_config config = {.allocator = node->config.allocator,
                                            .pool = node->config.pool,
                                            .type = node->config.type,
                                            .routing_id = node->config.routing_id,
                                            .metadata = node->config.metadata,
                                            .minor = node->elder ? 0 : node->minor,
                                            .old_versions = node->old_versions,
                                            .security = secure ? &node->security : NULL,
                                            .stream_notify = node->config.stream_notify,
                                            .limits = node->limits};
    int result = connection_open_elder(connection);
    if (result == ZMTP_OK) result = zmtp_peer_open(&connection->peer, &config, node->world->now_ms);
    if (result < 0) {
        connection_close_elder(connection);
        return result;
    }
    connection->link = link;
    connection->side = side;
    connection->broken = false;
    connection->judged_ms = UINT64_MAX;
    connection->interest = ZMTP_WANT_READ | ZMTP_WANT_WRITE;
    return ZMTP_OK;
}

// The server's system takes the connection, and the server makes a peer for it.
static int node_accept(struct node *server, struct link *link)
{
    if (!server->socket) return ZMTP_ERR_REFUSED;
    struct connection *connection = connection_add(server);
    if (!connection) return ZMTP_ERR_DESCRIPTORS;
    const int result = connection_open_peer(connection, link, 1);
    if (result < 0) connection_remove(connection);
    return result;
}

static void connection_redial(struct connection *connection)
{
    connection->dial_ms = connection->node->world->now_ms + zmtp_backoff_next(&connection->backoff);
}

static void connection_dial(struct connection *connection)
{
    struct node *node = connection->node;
    connection->dial_ms = UINT64_MAX;
    struct link *link = link_open(node->world);
    int result = link ? node_accept(node->server, link) : ZMTP_ERR_DESCRIPTORS;
    if (link && result < 0) link_close(link, 1, (struct link_end){0});
    if (result == ZMTP_OK) result = connection_open_peer(connection, link, 0);
    if (result == ZMTP_OK) result = zmtp_peer_attach(connection->peer, connection->end);
    if (result < 0) {
        world_trace(node->world, "node %zu dials: %s", node->index, zmtp_err_name(result));
        zmtp_peer_close(connection->peer);
        connection_close_elder(connection);
        connection->peer = NULL;
        connection->link = NULL;
        if (link) link_close(link, 0, (struct link_end){0});
        connection_redial(connection);
        return;
    }
    world_trace(node->world, "node %zu dials", node->index);
}

// Messages that left with the present connection; what its elder swallowed did not.
static uint64_t connection_messages_out(const struct connection *connection)
{
    // Octets that are no messages are counted one by one.
    if (connection->node->config.type == ZMTP_STREAM)
        return zmtp_peer_counters(connection->peer).bytes_out;
    const uint64_t swallowed = connection->elder ? connection->elder->said.lost : 0;
    return zmtp_peer_counters(connection->peer).messages_out - swallowed;
}

// And that came with it.
static uint64_t connection_messages_in(const struct connection *connection)
{
    if (connection->node->config.type == ZMTP_STREAM)
        return zmtp_peer_counters(connection->peer).bytes_in;
    const uint64_t came = zmtp_peer_counters(connection->peer).messages_in;
    // The peer counts what its elder made up once it has read it.
    const uint64_t injected = connection->elder ? connection->elder->injected : 0;
    return came > injected ? came - injected : 0;
}

// Lets go of peer and link.
static void connection_hang_up(struct connection *connection)
{
    struct node *node = connection->node;
    const struct zmtp_peer_counters counters = zmtp_peer_counters(connection->peer);
    const int error = zmtp_peer_error(connection->peer);
    world_trace(node->world, "node %zu %s: %s, %llu messages out, %llu in", node->index,
                connection->dialled ? "has dialled" : "has accepted", zmtp_err_name(error),
                (unsigned long long)counters.messages_out,
                (unsigned long long)counters.messages_in);
    const uint64_t sent = connection_messages_out(connection);
    // What is sealed or translated counts as sent, and is gone when the peer closes for a reason of its
    // own.
    const bool whole =
        zmtp_peer_facts(connection->peer).major == 3 && node->security.mechanism != ZMTP_CURVE;
    const bool orderly = error == ZMTP_ERR_CANCELLED;
    node->messages_out += sent;
    node->messages_in += connection_messages_in(connection);
    link_close(connection->link, connection->side,
               (struct link_end){.sent = sent,
                                 .got = connection_messages_in(connection),
                                 .sent_all = whole || orderly,
                                 .got_all = error == ZMTP_ERR_EOF});
    zmtp_peer_close(connection->peer);
    connection_close_elder(connection);
    connection->peer = NULL;
    connection->link = NULL;
    connection->interest = 0;
}

// The peer has closed and said its last word.
static void connection_end(struct connection *connection)
{
    struct node *node = connection->node;
    const int error = zmtp_peer_error(connection->peer);
    if (!node->world->faults && error != ZMTP_ERR_CANCELLED && error != ZMTP_ERR_EOF)
        world_fail(node->world, "node %zu: a connection closed without a fault: %s", node->index,
                   zmtp_err_name(error));
    if (!node->world->faults && !node->world->closing)
        world_fail(node->world, "node %zu: a connection closed and nobody asked for it",
                   node->index);
    connection_hang_up(connection);
    node->app_due = true; // routes may have gone
    if (!connection->dialled) {
        connection_remove(connection);
        return;
    }
    if (node->break_count < NODE_BREAKS) node->breaks[node->break_count++] = node->messages_out;
    connection_redial(connection);
}

// Whether there is anything that a dialler without a connection should still dial for.
static bool connection_has_use(const struct connection *connection)
{
    // A STREAM lets go of the pipe of a connection that its user has closed.
    const bool kept = connection->node->socket && !connection->end->other->closed;
    return kept || zmtp_pipe_depth(connection->end).in_count > 0;
}

static bool connection_attach(struct connection *connection)
{
    struct node *node = connection->node;
    const struct zmtp_peer_facts facts = zmtp_peer_facts(connection->peer);
    int result = ZMTP_ERR_CANCELLED;
    if (node->socket)
        result = zmtp_socket_attach(node->socket, false, facts.routing_id, &connection->end);
    if (result < 0) {
        zmtp_peer_fail(connection->peer, result);
        return true;
    }
    zmtp_pipe_own(connection->end, &node->marks, connection);
    (void)zmtp_peer_attach(connection->peer, connection->end); // if it failed, it has closed
    return true;
}

// The credentials are those that the clients of this world have.
static void connection_check_credentials(struct connection *connection)
{
    struct world *world = connection->node->world;
    struct zmtp_credentials credentials;
    if (zmtp_peer_credentials(connection->peer, &credentials) < 0) {
        world_fail(world, "somebody asks to be let in and has no credentials");
        return;
    }
    const bool known =
        credentials.mechanism == ZMTP_CURVE
            ? zmtp_key_equal(&credentials.public_key, &world->client_keys.public_key)
            : zmtp_bytes_equal(credentials.username, zmtp_bytes_text(WORLD_USER)) &&
                  zmtp_bytes_equal(credentials.password, zmtp_bytes_text(WORLD_PASSWORD));
    if (!known) world_fail(world, "somebody asks to be let in with credentials of nobody's");
}

// Judges after a while; only in times of faults not always in favour.
static bool connection_judge(struct connection *connection)
{
    static const enum zmtp_verdict denials[] = {ZMTP_VERDICT_LATER, ZMTP_VERDICT_DENY,
                                                ZMTP_VERDICT_BROKEN};
    struct world *world = connection->node->world;
    if (connection->judged_ms == UINT64_MAX)
        connection->judged_ms =
            world->now_ms + (world_chance(world, 2) ? world_below(world, 300) : 0);
    if (world->now_ms < connection->judged_ms) return false;
    connection->judged_ms = UINT64_MAX;
    connection_check_credentials(connection);
    const bool denied = world->chaos && world_chance(world, 5);
    const enum zmtp_verdict verdict = denied ? denials[world_below(world, 3)] : ZMTP_VERDICT_ALLOW;
    world_trace(world, "node %zu judges: %d", connection->node->index, (int)verdict);
    const int result = zmtp_peer_authorise(connection->peer, verdict, zmtp_bytes_text("user"),
                                           (struct zmtp_bytes){0});
    if (result < 0 && result != ZMTP_ERR_MEMORY)
        world_fail(world, "node %zu cannot judge: %s", connection->node->index,
                   zmtp_err_name(result));
    return true;
}

// Reads through the elder: into the |size| octets at |out|. Returns how many, SIZE_MAX at the end.
static size_t connection_read_elder(struct connection *connection, uint8_t *out, size_t size)
{
    struct elder *elder = connection->elder;
    if (elder->in_size == 0) {
        uint8_t octets[ELDER_STEP];
        const size_t read = link_read(connection->link, connection->side, octets, sizeof octets);
        if (read == 0) return SIZE_MAX;
        elder_hear(elder, zmtp_bytes_of(octets, read));
    }
    if (size > elder->in_size) size = elder->in_size;
    memcpy(out, elder->in, size);
    elder_read(elder, size);
    return size;
}

static bool connection_read(struct connection *connection)
{
    struct link *link = connection->link;
    const struct zmtp_room room = zmtp_peer_space(connection->peer);
    if (room.size == 0) return true; // no memory: it has closed
    size_t size;
    bool ended;
    if (connection->elder) {
        size = connection_read_elder(connection, room.data, room.size);
        ended = size == SIZE_MAX;
        if (ended) size = 0;
    } else {
        size = link_read(link, connection->side, room.data, room.size);
        ended = size == 0;
    }
    zmtp_peer_commit(connection->peer, size, connection->node->world->now_ms);
    if (ended) zmtp_peer_fail(connection->peer, ZMTP_ERR_EOF);
    return true;
}

// Writes octets to the link, or says them to the elder.
static size_t connection_write_view(struct connection *connection, struct zmtp_bytes view)
{
    if (connection->elder) return elder_say(connection->elder, view);
    return link_write(connection->link, connection->side, view);
}

// What the elder has to say goes on. True: something went.
static bool connection_flush_elder(struct connection *connection)
{
    struct elder *elder = connection->elder;
    if (!elder || elder->out_size == 0) return false;
    const struct zmtp_bytes out = {elder->out, elder->out_size};
    const size_t size = link_write(connection->link, connection->side, out);
    elder_wrote(elder, size);
    return size > 0;
}

static bool connection_write(struct connection *connection)
{
    struct world *world = connection->node->world;
    struct zmtp_bytes views[NODE_VIEWS];
    const bool flushed = connection_flush_elder(connection);
    const size_t count =
        zmtp_peer_peek(connection->peer, views, 1 + world_below(world, NODE_VIEWS));
    size_t wrote = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t size = connection_write_view(connection, views[i]);
        wrote += size;
        if (size < views[i].size) break;
    }
    if (wrote > 0) zmtp_peer_consume(connection->peer, wrote, world->now_ms);
    return wrote > 0 || flushed;
}

static bool connection_readable(const struct connection *connection)
{
    if (connection->elder && connection->elder->in_size > 0) return true;
    return link_readable(connection->link, connection->side);
}

// The peer has closed, but its elder has something left to say.
static bool connection_lingers(const struct connection *connection)
{
    const bool closed = zmtp_peer_state(connection->peer) == ZMTP_PEER_CLOSED;
    return closed && connection->elder && connection->elder->out_size > 0;
}

// What the peer wants, and its elder. One who does not listen while he speaks may not be heard.
static unsigned connection_wants(const struct connection *connection)
{
    const bool unsaid = connection->elder && connection->elder->out_size > 0;
    const unsigned more = connection_lingers(connection) ? ZMTP_WANT_READ | ZMTP_WANT_WRITE
                          : unsaid                       ? ZMTP_WANT_WRITE
                                                         : 0;
    return zmtp_peer_wants(connection->peer) | more;
}

// Nobody is left to hear what comes.
static bool connection_discard(struct connection *connection)
{
    uint8_t octets[ELDER_STEP];
    connection->elder->in_size = 0;
    if (link_read(connection->link, connection->side, octets, sizeof octets) == 0)
        connection->elder->out_size = 0; // nor to hear us
    return true;
}

// Does what it wants and the link permits. It may be gone afterwards.
static bool connection_serve(struct connection *connection)
{
    struct link *link = connection->link;
    const size_t side = connection->side;
    bool busy = false;
    for (int i = 0; i < NODE_ROUNDS; i++) {
        const unsigned wants = connection_wants(connection);
        bool worked = false;
        if (wants & ZMTP_WANT_ATTACH)
            worked = connection_attach(connection);
        else if (wants & ZMTP_WANT_AUTH && connection_judge(connection))
            worked = true;
        else if (wants & ZMTP_WANT_READ && connection_readable(connection))
            worked = connection_lingers(connection) ? connection_discard(connection)
                                                    : connection_read(connection);
        else if (wants & ZMTP_WANT_WRITE && link_writable(link, side))
            worked = connection_write(connection);
        busy |= worked;
        if (!worked) break;
    }
    if (connection->dialled && zmtp_peer_state(connection->peer) == ZMTP_PEER_TRAFFIC)
        zmtp_backoff_reset(&connection->backoff);
    connection->interest = connection_wants(connection);
    const bool closed = zmtp_peer_state(connection->peer) == ZMTP_PEER_CLOSED;
    if (closed && !(connection->interest & ZMTP_WANT_WRITE)) connection_end(connection);
    return busy;
}

// What the loop would tell a connection.
static bool connection_poll(struct connection *connection)
{
    struct link *link = connection->link;
    const uint64_t now_ms = connection->node->world->now_ms;
    if (!connection->peer) {
        if (connection->dial_ms > now_ms) return false;
        if (connection_has_use(connection))
            connection_dial(connection);
        else
            connection_remove(connection);
        return true;
    }
    bool due = false;
    // Some loops tell of a break only when octets are to be moved, others at once, as this one does.
    if (!connection->broken && link_is_broken(link, connection->side)) {
        connection->broken = due = true;
        zmtp_peer_fail(connection->peer, ZMTP_ERR_RESET);
    }
    if (now_ms >= zmtp_peer_deadline(connection->peer)) {
        zmtp_peer_tick(connection->peer, now_ms);
        due = true;
    }
    due |= connection->interest & ZMTP_WANT_READ && connection_readable(connection);
    due |= connection->judged_ms <= now_ms;
    due |= connection->interest & ZMTP_WANT_WRITE && link_writable(link, connection->side);
    return due ? connection_serve(connection) : false;
}

static void connection_resume(struct connection *connection)
{
    if (connection->peer) {
        zmtp_peer_resume(connection->peer, connection->node->world->now_ms);
        (void)connection_serve(connection);
    } else if (!connection_has_use(connection)) {
        connection->dial_ms = connection->node->world->now_ms; // to be removed
    }
}

// A pattern whose time has come. What it cannot do for want of memory it wants at once again: not now.
static bool node_tick(struct node *node)
{
    const uint64_t now_ms = node->world->now_ms;
    if (!node->socket) return false;
    const uint64_t due_ms = zmtp_socket_deadline(node->socket);
    if (due_ms > now_ms) return false;
    zmtp_socket_tick(node->socket, now_ms);
    node->app_due = true;
    return zmtp_socket_deadline(node->socket) != due_ms;
}

bool node_process(struct node *node)
{
    if (!node->socket || !zmtp_socket_marked(node->socket)) return false;
    zmtp_socket_process(node->socket);
    node->app_due = true;
    return true;
}

bool node_work(struct node *node)
{
    bool busy = false;
    for (size_t i = 0; i < NODE_CONNECTIONS; i++)
        if (node->connections[i]) busy |= connection_poll(node->connections[i]);
    struct zmtp_pipe_end *end;
    while ((end = zmtp_marks_take(&node->marks))) {
        if (!node->post) connection_resume(zmtp_pipe_owner(end));
        busy = true;
    }
    if (node->post) busy |= post_work(node, busy);
    busy |= node->threaded ? thread_work(&node->thread) : node_process(node);
    if (node->dials_anew && node->socket && node_dial(node) == ZMTP_OK) {
        node->dials_anew = false;
        busy = true;
    }
    return node_tick(node) || busy;
}

bool node_is_marked(const struct node *node)
{
    if (node->threaded) return node->thread.awake;
    return node->marks.first || (node->socket && zmtp_socket_marked(node->socket));
}

uint64_t node_next_ms(const struct node *node)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < NODE_CONNECTIONS; i++) {
        const struct connection *connection = node->connections[i];
        if (!connection) continue;
        const uint64_t due =
            connection->peer ? zmtp_peer_deadline(connection->peer) : connection->dial_ms;
        if (due < next) next = due;
        if (connection->peer && connection->judged_ms < next) next = connection->judged_ms;
    }
    if (node->threaded) next = thread_next_ms(&node->thread);
    if (node->post) next = post_next_ms(node);
    const uint64_t socket = node->socket ? zmtp_socket_deadline(node->socket) : UINT64_MAX;
    return socket < next ? socket : next;
}

uint32_t node_peer_id(const struct node *node)
{
    const struct zmtp_pipe_end *const end = node->threaded         ? thread_end(&node->thread)
                                            : node->connections[0] ? node->connections[0]->end
                                                                   : NULL;
    return end ? zmtp_socket_peer_id(node->socket, end) : 0;
}

void node_close(struct node *node)
{
    if (!node->socket) return;
    world_trace(node->world, "node %zu closes its socket", node->index);
    node_count_queued(node);
    node->counters = zmtp_socket_counters(node->socket);
    zmtp_socket_close(node->socket);
    node->socket = NULL;
    if (node->threaded) thread_leave(&node->thread);
}

bool node_is_over(const struct node *node)
{
    if (node->threaded && !thread_is_over(&node->thread)) return false;
    if (node->box.end) return false;
    for (size_t i = 0; i < NODE_CONNECTIONS; i++)
        if (node->connections[i]) return false;
    return !node->socket;
}

bool node_is_connected(const struct node *node)
{
    if (node->threaded) return thread_is_quiet(&node->thread);
    for (size_t i = 0; i < NODE_CONNECTIONS; i++) {
        const struct connection *connection = node->connections[i];
        if (!connection) continue;
        if (!connection->peer || zmtp_peer_state(connection->peer) != ZMTP_PEER_TRAFFIC)
            return false;
    }
    return true;
}

void node_fini(struct node *node, bool last)
{
    node_close(node);
    if (node->threaded) thread_fini(&node->thread, last);
    if (node->post) post_close(node);
    for (size_t i = 0; i < NODE_CONNECTIONS; i++) {
        struct connection *connection = node->connections[i];
        if (!connection) continue;
        if (connection->peer) {
            link_break(connection->link); // what is lost now is nobody's fault
            connection_hang_up(connection);
        }
        connection_remove(connection);
    }
}

// A socket that has closed handed over all that was not lost before.
uint64_t node_messages_out(const struct node *node)
{
    uint64_t count = node->messages_out;
    if (node->threaded && node->socket) return zmtp_socket_counters(node->socket).left;
    if (node->threaded) return node->counters.copies - node->counters.lost;
    for (size_t i = 0; i < NODE_CONNECTIONS; i++)
        if (node->connections[i] && node->connections[i]->peer)
            count += connection_messages_out(node->connections[i]);
    return count;
}

uint64_t node_messages_in(const struct node *node)
{
    uint64_t count = node->messages_in;
    if (node->threaded && node->socket) return zmtp_socket_counters(node->socket).arrived;
    if (node->threaded) return node->counters.arrived;
    for (size_t i = 0; i < NODE_CONNECTIONS; i++)
        if (node->connections[i] && node->connections[i]->peer)
            count += connection_messages_in(node->connections[i]);
    return count;
}

// Between threads: what both sides' limits let wait, wherever that is.
static size_t node_sum(size_t send_max, size_t recv_max)
{
    return send_max == 0 || recv_max == 0 ? SIZE_MAX : send_max + recv_max;
}

static void node_add_depth(void *context, const struct zmtp_link *link,
                           struct zmtp_pipe_depth depth)
{
    struct node *node = context;
    (void)link; // nor does it tell whether somebody has left
    const struct node *const far = node->server ? node->server : node + 1; // all are alike
    const enum zmtp_socket_type type = node->config.type;
    node->queued_in += depth.in_count;
    node->queued_out += depth.out_count;
    // Notices of a STREAM find room always.
    const size_t notices = type == ZMTP_STREAM ? 2 : 0;
    // A queue takes a message while it is below its limit; wishes come in as many as they are.
    const size_t recv_max = node->threaded
                                ? node_sum(far->config.send_count_max, node->config.recv_count_max)
                                : node->config.recv_count_max;
    const bool wished =
        node->threaded && (type == ZMTP_PUB || type == ZMTP_XPUB || type == ZMTP_RADIO);
    if (depth.in_count > recv_max + notices && !wished)
        world_fail(node->world, "node %zu: %zu messages wait where %zu may", node->index,
                   depth.in_count, recv_max);
    // Wishes are few, and do not wait for room.
    const bool wishes = node->config.type == ZMTP_SUB || node->config.type == ZMTP_XSUB ||
                        node->config.type == ZMTP_DISH;
    // Behind a message that has begun to leave, the last one.
    const size_t send_max = node->config.conflate ? 2
                            : node->threaded
                                ? node_sum(node->config.send_count_max, far->config.recv_count_max)
                                : node->config.send_count_max;
    if (depth.out_count > send_max && !wishes)
        world_fail(node->world, "node %zu: %zu messages wait to be sent where %zu may", node->index,
                   depth.out_count, send_max);
}

void node_count_queued(struct node *node)
{
    node->queued_in = node->queued_out = 0;
    if (!node->socket) return;
    zmtp_socket_each_pipe(node->socket, node_add_depth, node);
    // And what is on its way.
    if (node->threaded) node->queued_out = zmtp_socket_counters(node->socket).queued;
}

static void connection_trace(const struct connection *connection)
{
    struct world *world = connection->node->world;
    const struct zmtp_pipe_depth depth =
        connection->end ? zmtp_pipe_depth(connection->end) : (struct zmtp_pipe_depth){0};
    if (!connection->peer) {
        world_trace(world, "node %zu is not connected, %zu to send", connection->node->index,
                    depth.in_count);
        return;
    }
    const struct link *link = connection->link;
    world_trace(world,
                "node %zu %s: %s, wants %u, wanted %u, %zu to send, %zu not read;"
                " on the link %zu go, %zu of %zu come have arrived",
                connection->node->index, connection->dialled ? "dialled" : "accepted",
                zmtp_peer_state_name(zmtp_peer_state(connection->peer)),
                zmtp_peer_wants(connection->peer), connection->interest, depth.in_count,
                depth.out_count, link->ways[connection->side].filled,
                link->ways[1 - connection->side].arrived, link->ways[1 - connection->side].filled);
}

void node_trace(const struct node *node)
{
    world_trace(node->world, "node %zu: its socket is %s, %s", node->index,
                node->socket ? "open" : "closed",
                node->socket && zmtp_socket_marked(node->socket) ? "marked" : "not marked");
    if (node->threaded) thread_trace(&node->thread);
    for (size_t i = 0; i < NODE_CONNECTIONS; i++)
        if (node->connections[i]) connection_trace(node->connections[i]);
}
