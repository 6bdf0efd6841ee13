// A whole connection. The input is a plan of a few octets and then what the other side sends. It is
// given to a peer whole, then cut into pieces that the plan chooses, then cut and with every octet of
// ours taken at once, then with an allocation that fails. The first three must agree in state, error,
// facts and messages, and the first two in the octets sent as well (a third could be asked for one
// PONG more often); the last must not have more messages than the others.
#include "check.h"
#include "fuzz.h"

#include "test/support/random.h"
#include "zmtp/msg/pipe.h"
#include "zmtp/peer.h"

#include <stdlib.h>
#include <string.h>

// The octets of the plan.
enum {
    PLAN_TYPE,  // of our socket
    PLAN_FLAGS, // below
    PLAN_HWM,   // of the pipe: 1 to 4; and more flags
    PLAN_SPLIT, // how the input is cut
    PLAN_FAULT, // which allocation fails
    PLAN_SIZE
};
enum {
    FLAG_EARLY = 1,     // the pipe is attached before the handshake, as a dialler does
    FLAG_3_0 = 2,       // we announce 3.0
    FLAG_MESSAGES = 4,  // the socket sends messages
    FLAG_COMMANDS = 8,  // and subscriptions
    FLAG_POOL = 16,     // buffers are pooled
    FLAG_SMALL = 32,    // tiny limits
    FLAG_CLOSES = 64,   // the socket closes at once: nobody reads
    FLAG_SPELLED = 128, // the input begins with traffic: the handshake is spelled for it
};
// In the octet of the pipe's limit.
enum {
    HWM_JUDGED = 4, // the other side is judged before it may say more than its greeting
    HWM_DENIED = 8, // and not let in
    HWM_2_0 = 16,   // the spelled handshake is of 2.0
    HWM_1_0 = 32,   // or, if not that, of 1.0
    HWM_OLD = 64,   // we serve those
    HWM_3_1 = 128,
};

struct bytes {
    uint8_t *data;
    size_t size, capacity;
};

// One run and what it came to.
struct run {
    const uint8_t *plan;
    struct zmtp_budget budget;
    struct zmtp_pool *pool;
    struct zmtp_pipe_end *near, *far;
    struct zmtp_marks near_marks;
    struct zmtp_peer *peer;
    bool eager;         // octets are taken as soon as there are any
    struct bytes said;  // by the peer
    struct bytes heard; // the messages, each as frames
};

struct outcome {
    enum zmtp_peer_state state;
    int error;
    uint8_t major, minor;
    uint64_t messages_in;
    struct bytes said, heard;
};

static void bytes_add(struct bytes *bytes, const void *data, size_t size)
{
    if (bytes->capacity - bytes->size < size) {
        bytes->capacity = 2 * bytes->capacity + size;
        bytes->data = realloc(bytes->data, bytes->capacity);
        fuzz_check(bytes->data);
    }
    if (size > 0) memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

static void run_send(struct run *run, const void *body, size_t size, unsigned flags)
{
    struct zmtp__queue *queue = run->far->out;
    zmtp__queue_begin(queue);
    if (zmtp__queue_put(queue, zmtp_bytes_of(body, size), NULL, flags) < 0) return;
    zmtp__queue_end(queue, 1);
    zmtp__pipe_published(run->far);
}

// Only these sockets tell the other side's something by commands.
static bool run_has_commands(enum zmtp_socket_type type)
{
    return type == ZMTP_SUB || type == ZMTP_XSUB || type == ZMTP_DISH;
}

static bool run_open(struct run *run)
{
    const uint8_t flags = run->plan[PLAN_FLAGS];
    const struct zmtp_allocator *allocator = &run->budget.allocator;
    if (flags & FLAG_POOL && zmtp_pool_open(&run->pool, allocator) < 0) return false;
    struct zmtp_peer_config config = {.allocator = allocator,
                                      .pool = run->pool,
                                      .type = run->plan[PLAN_TYPE] % ZMTP_SOCKET_TYPES,
                                      .routing_id = zmtp_bytes_text("me"),
                                      .minor = flags & FLAG_3_0 ? 0 : 1,
                                      .old_versions = run->plan[PLAN_HWM] & HWM_OLD};
    static const struct zmtp_security judged = {.mechanism = ZMTP_NULL, .server = true};
    // A STREAM's messages are whatever was read at once, so cuts change them.
    if (config.type == ZMTP_STREAM) config.type = ZMTP_DEALER;
    if (run->plan[PLAN_HWM] & HWM_JUDGED) config.security = &judged;
    zmtp_peer_limits_init(&config.limits);
    config.limits.message_max = flags & FLAG_SMALL ? 300 : 100000;
    config.limits.parts_max = flags & FLAG_SMALL ? 3 : 100;
    config.limits.command_max = flags & FLAG_SMALL ? 40 : 30000;
    config.limits.unknown_commands_max = 8;
    const size_t hwm = 1 + run->plan[PLAN_HWM] % 4;
    const struct zmtp_pipe_config pipe = {
        .allocator = allocator, .pool = run->pool, .count_max = {hwm, 0}};
    struct zmtp_pipe_end *ends[2];
    if (zmtp_pipe_open(&pipe, ends) < 0) return false;
    run->near = ends[0];
    run->far = ends[1];
    zmtp_pipe_own(run->near, &run->near_marks, run);
    if (flags & FLAG_MESSAGES) run_send(run, "one", 3, 0);
    const bool commands = flags & FLAG_COMMANDS && run_has_commands(config.type);
    if (commands) run_send(run, "\tSUBSCRIBEtopic", 15, ZMTP_FLAG_COMMAND);
    if (commands) run_send(run, "\6CANCELtopic", 12, ZMTP_FLAG_COMMAND);
    if (flags & FLAG_MESSAGES) run_send(run, "two", 3, 0);
    return zmtp_peer_open(&run->peer, &config, 1) == ZMTP_OK;
}

// Every octet that the peer wants to send.
static void run_drain(struct run *run)
{
    while (zmtp_peer_wants(run->peer) & ZMTP_WANT_WRITE) {
        struct zmtp_bytes views[3];
        const size_t count = zmtp_peer_peek(run->peer, views, 3);
        size_t size = 0;
        for (size_t i = 0; i < count; i++) {
            fuzz_check(views[i].size > 0);
            bytes_add(&run->said, views[i].data, views[i].size);
            size += views[i].size;
        }
        if (size == 0) return; // no memory now, or it has just closed
        zmtp_peer_consume(run->peer, size, 1);
    }
}

// One message of the socket's end. Returns whether there was one.
static bool run_take(struct run *run)
{
    if (!run->far || !zmtp__pipe_readable(run->far)) return false;
    struct zmtp__queue *queue = run->far->in;
    fuzz_check(queue->count <= queue->count_max);
    const bool command = zmtp__queue_first_flags(queue) & ZMTP_FLAG_COMMAND;
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    fuzz_check(zmtp__queue_take(queue, &msg) == ZMTP_OK);
    zmtp__pipe_consumed(run->far);
    fuzz_check(msg.count > 0);
    for (size_t i = 0; i < msg.count; i++) {
        const struct zmtp_bytes body = zmtp_msg_bytes(&msg, i);
        const struct zmtp_frame frame = {
            .size = body.size, .more = i + 1 < msg.count, .command = command};
        uint8_t header[ZMTP_HEADER_MAX];
        bytes_add(&run->heard, header, zmtp_frame_encode(&frame, header));
        bytes_add(&run->heard, body.data, body.size);
    }
    zmtp_msg_fini(&msg);
    return true;
}

// Does what marks and wants ask for until nothing is left to do.
// Whoever waits to be judged has said its greeting and nothing more.
static void run_judge(struct run *run)
{
    const bool denied = run->plan[PLAN_HWM] & HWM_DENIED;
    const struct zmtp_bytes who = zmtp_bytes_text(denied ? "" : "joe");
    fuzz_check(zmtp_peer_counters(run->peer).bytes_in == ZMTP_GREETING_SIZE);
    const int result = zmtp_peer_authorise(
        run->peer, denied ? ZMTP_VERDICT_DENY : ZMTP_VERDICT_ALLOW, who, (struct zmtp_bytes){0});
    fuzz_check(result == ZMTP_OK || result == ZMTP_ERR_MEMORY);
}

static void run_settle(struct run *run)
{
    bool busy;
    do {
        busy = false;
        if (zmtp_peer_wants(run->peer) & ZMTP_WANT_AUTH) run_judge(run);
        if (zmtp_peer_wants(run->peer) & ZMTP_WANT_ATTACH)
            (void)zmtp_peer_attach(run->peer, run->near); // it may close for want of memory
        if (zmtp_marks_take(&run->near_marks)) {
            zmtp_peer_resume(run->peer, 1);
            busy = true;
        }
        if (run->eager) run_drain(run);
        busy |= run_take(run);
    } while (busy);
}

// As much as it wants and there is room for, up to |size|. Returns how many octets it took.
static size_t run_feed(struct run *run, const uint8_t *data, size_t size)
{
    if (!(zmtp_peer_wants(run->peer) & ZMTP_WANT_READ)) return 0;
    const struct zmtp_room room = zmtp_peer_space(run->peer);
    if (size > room.size) size = room.size;
    if (size > 0) memcpy(room.data, data, size);
    zmtp_peer_commit(run->peer, size, 1);
    return size;
}

static void run_all(struct run *run, const uint8_t *data, size_t size, struct random *cuts)
{
    const uint8_t flags = run->plan[PLAN_FLAGS];
    if (flags & FLAG_EARLY) fuzz_check(zmtp_peer_attach(run->peer, run->near) == ZMTP_OK);
    if (flags & FLAG_CLOSES) {
        zmtp_pipe_close(run->far);
        run->far = NULL;
    }
    run_settle(run);
    for (size_t fed = 0; fed < size;) {
        size_t piece = size - fed;
        if (cuts) {
            const size_t most = (size_t)1 << random_below(cuts, 15);
            const size_t cut = 1 + random_below(cuts, most);
            if (cut < piece) piece = cut;
        }
        const size_t took = run_feed(run, data + fed, piece);
        run_settle(run);
        fed += took;
        if (took == 0) break; // it has closed; a full pipe was emptied above
    }
    if (zmtp_peer_state(run->peer) != ZMTP_PEER_CLOSED) {
        fuzz_check(zmtp_peer_wants(run->peer) &
                   ZMTP_WANT_READ); // all was fed, so it waits for more
        run_drain(run);
        run_settle(run);
    }
    zmtp_peer_fail(run->peer, ZMTP_ERR_EOF);
    run_settle(run);
    run_drain(run);
    fuzz_check(zmtp_peer_state(run->peer) == ZMTP_PEER_CLOSED);
    fuzz_check(zmtp_peer_wants(run->peer) == 0);
}

static void run_close(struct run *run)
{
    zmtp_peer_close(run->peer);
    zmtp_pipe_close(run->near);
    zmtp_pipe_close(run->far);
    zmtp_pool_close(run->pool);
    fuzz_check(run->budget.bytes == 0);
    fuzz_check(run->budget.blocks == 0);
}

static struct outcome outcome_of(const uint8_t *plan, const uint8_t *data, size_t size, bool cut,
                                 bool eager, uint64_t fail_at)
{
    struct run run = {.plan = plan, .eager = eager};
    struct outcome outcome = {0};
    struct random cuts = random_of(plan[PLAN_SPLIT]);
    zmtp_budget_init(&run.budget, NULL);
    run.budget.fail_at = fail_at;
    if (run_open(&run)) {
        run_all(&run, data, size, cut ? &cuts : NULL);
        const struct zmtp_peer_facts facts = zmtp_peer_facts(run.peer);
        outcome = (struct outcome){.state = zmtp_peer_state(run.peer),
                                   .error = zmtp_peer_error(run.peer),
                                   .major = facts.major,
                                   .minor = facts.minor,
                                   .messages_in = zmtp_peer_counters(run.peer).messages_in};
    }
    outcome.said = run.said;
    outcome.heard = run.heard;
    run_close(&run);
    return outcome;
}

static bool bytes_begin(const struct bytes *all, const struct bytes *start)
{
    if (start->size > all->size) return false;
    return start->size == 0 || memcmp(all->data, start->data, start->size) == 0;
}

static void outcome_check(const struct outcome *a, const struct outcome *b)
{
    fuzz_check(a->state == b->state);
    fuzz_check(a->error == b->error);
    fuzz_check(a->major == b->major);
    fuzz_check(a->minor == b->minor);
    fuzz_check(a->messages_in == b->messages_in);
    fuzz_check(a->heard.size == b->heard.size);
    fuzz_check(bytes_begin(&a->heard, &b->heard));
}

static void outcome_fini(struct outcome *outcome)
{
    free(outcome->said.data);
    free(outcome->heard.data);
}

static void check_input(const uint8_t *plan, const uint8_t *data, size_t size)
{
    struct outcome whole = outcome_of(plan, data, size, false, false, 0);
    struct outcome cut = outcome_of(plan, data, size, true, false, 0);
    struct outcome eager = outcome_of(plan, data, size, true, true, 0);
    struct outcome starved = outcome_of(plan, data, size, true, true, 1 + plan[PLAN_FAULT]);
    outcome_check(&whole, &cut);
    // A peer whose socket has closed goes once all has left, which is sooner here.
    if (!(plan[PLAN_FLAGS] & FLAG_CLOSES)) outcome_check(&whole, &eager);
    fuzz_check(whole.said.size == cut.said.size);
    fuzz_check(bytes_begin(&whole.said, &cut.said));
    fuzz_check(bytes_begin(&whole.heard, &starved.heard));
    outcome_fini(&whole);
    outcome_fini(&cut);
    outcome_fini(&eager);
    outcome_fini(&starved);
}

// A type that may speak to ours; ours when there is none, as for STREAM.
static enum zmtp_socket_type counterpart(enum zmtp_socket_type ours)
{
    for (unsigned type = 0; type < ZMTP_SOCKET_TYPES; type++)
        if (zmtp_socket_types_match(ours, (enum zmtp_socket_type)type))
            return (enum zmtp_socket_type)type;
    return ours;
}

// The other side's half of a handshake of the version that the plan chooses. Returns its octets.
static size_t spell(const uint8_t *plan, uint8_t head[ZMTP_GREETING_SIZE + 64])
{
    const enum zmtp_socket_type ours = plan[PLAN_TYPE] % ZMTP_SOCKET_TYPES;
    const enum zmtp_socket_type theirs = counterpart(ours);
    if (plan[PLAN_HWM] & HWM_2_0) {
        const uint8_t greeting[] = {0xFF, 0, 0,   0,  0, 0, 0, 0, 1, 0x7F, 1, (uint8_t)theirs,
                                    0,    2, 'i', 'd'};
        memcpy(head, greeting, sizeof greeting);
        return sizeof greeting;
    }
    if (plan[PLAN_HWM] & HWM_1_0) {
        memcpy(head, "\3\0id", 4);
        return 4;
    }
    const struct zmtp_greeting greeting = {
        .major = 3, .minor = plan[PLAN_HWM] & HWM_3_1 ? 1 : 0, .mechanism = "NULL"};
    zmtp_greeting_encode(&greeting, head);
    uint8_t metadata[48];
    const struct zmtp_property type = {zmtp_bytes_text("Socket-Type"),
                                       zmtp_bytes_text(zmtp_socket_type_name(theirs))};
    const int filled = zmtp_property_encode(&type, metadata, sizeof metadata);
    const struct zmtp_command ready = {zmtp_bytes_text("READY"),
                                       zmtp_bytes_of(metadata, (size_t)filled)};
    return ZMTP_GREETING_SIZE + (size_t)zmtp_command_encode(&ready, head + ZMTP_GREETING_SIZE, 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < PLAN_SIZE) return 0;
    const uint8_t *plan = data;
    data += PLAN_SIZE;
    size -= PLAN_SIZE;
    if (!(plan[PLAN_FLAGS] & FLAG_SPELLED)) {
        check_input(plan, data, size);
        return 0;
    }
    uint8_t head[ZMTP_GREETING_SIZE + 64];
    const size_t head_size = spell(plan, head);
    uint8_t *const all = malloc(head_size + size);
    fuzz_check(all);
    memcpy(all, head, head_size);
    if (size > 0) memcpy(all + head_size, data, size);
    check_input(plan, all, head_size + size);
    free(all);
    return 0;
}
