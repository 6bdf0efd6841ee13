// A CURVE connection once its handshake is done, with a client that holds good keys and means no good.
// The input is a plan and records, each of which makes a frame: of what flags, sealed or spoilt how, how
// long. A peer hears them whole, then cut into pieces, then with an allocation that fails: state, error and
// messages agree as they do in fuzz_peer. What the peer sends meanwhile is opened, and is what was sent.
// The cryptography is a mock, see handshake.h.
#include "fuzz.h"
#include "handshake.h"

#include "test/support/random.h"
#include "zmtp/msg/pipe.h"
#include "zmtp/peer.h"

enum { PLAN_TYPE, PLAN_FLAGS, PLAN_HWM, PLAN_SPLIT, PLAN_FAULT, PLAN_SIZE };
enum {
    FLAG_POOL = 1,
    FLAG_SMALL = 2,  // tiny limits
    FLAG_CLOSES = 4, // nobody reads
    FLAG_SENDS = 8,  // the socket sends a few messages
};
// How a record departs from a good frame.
enum {
    RECORD_MORE = 1,
    RECORD_COMMAND = 2,
    RECORD_OUTER_COMMAND = 4, // RFC 26's form
    RECORD_LONG = 8,          // a long header, however short the frame
    RECORD_BIG = 16,          // the size is in units of 256
    RECORD_SPOILT = 0xE0,     // 0 to 3: not; 4: a nonce again, 5: the MAC, 6: flags, 7: the name
};

static const struct zmtp_crypto mock = {
    .random = fuzz_random,
    .public_of = fuzz_public_of,
    .agree = fuzz_agree,
    .subkey = fuzz_subkey,
    .seal = fuzz_seal,
    .open = fuzz_open,
};

struct bytes {
    uint8_t *data;
    size_t size, capacity;
};

struct outcome {
    enum zmtp_peer_state state;
    int error;
    uint64_t messages_in;
    struct bytes heard;
};

// One run: the server is the peer that is looked at, the client is there for the handshake.
struct run {
    const uint8_t *plan;
    struct zmtp_budget budget;
    struct zmtp_pool *pool;
    struct zmtp_pipe_end *near, *far;
    struct zmtp_marks marks;
    struct zmtp_peer *server, *client;
    struct bytes heard, said;
};

static void bytes_add(struct bytes *bytes, const void *data, size_t size)
{
    if (bytes->capacity - bytes->size < size) {
        bytes->capacity = 2 * bytes->capacity + size;
        bytes->data = realloc(bytes->data, bytes->capacity);
        fuzz_check(bytes->data != NULL);
    }
    if (size > 0) memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

static enum zmtp_socket_type counterpart(enum zmtp_socket_type ours)
{
    for (unsigned type = 0; type < ZMTP_SOCKET_TYPES; type++)
        if (zmtp_socket_types_match(ours, (enum zmtp_socket_type)type))
            return (enum zmtp_socket_type)type;
    return ours;
}

static void security_of(struct zmtp_security *security, bool server)
{
    *security = (struct zmtp_security){.mechanism = ZMTP_CURVE, .server = server, .crypto = &mock};
    memset(&security->keys, server ? 'S' : 'C', sizeof security->keys);
    memset(&security->server_key, 'S', sizeof security->server_key);
}

// As much as |from| has to say and |to| wants to hear.
static bool carry(struct zmtp_peer *from, struct zmtp_peer *to)
{
    struct zmtp_bytes view;
    if (!(zmtp_peer_wants(to) & ZMTP_WANT_READ)) return false;
    if (!(zmtp_peer_wants(from) & ZMTP_WANT_WRITE) || zmtp_peer_peek(from, &view, 1) == 0)
        return false;
    const struct zmtp_room room = zmtp_peer_space(to);
    const size_t size = view.size < room.size ? view.size : room.size;
    if (size > 0) memcpy(room.data, view.data, size);
    zmtp_peer_consume(from, size, 1);
    zmtp_peer_commit(to, size, 1);
    return size > 0;
}

// False: for want of memory.
static bool run_open(struct run *run, const struct zmtp_security security[2])
{
    const struct zmtp_allocator *allocator = &run->budget.allocator;
    const uint8_t flags = run->plan[PLAN_FLAGS];
    if (flags & FLAG_POOL && zmtp_pool_open(&run->pool, allocator) < 0) return false;
    struct zmtp_peer_config config = {
        .allocator = allocator, .pool = run->pool, .minor = 1, .security = &security[1]};
    config.type = run->plan[PLAN_TYPE] % ZMTP_SOCKET_TYPES;
    if (config.type == ZMTP_STREAM || config.type == ZMTP_DGRAM) config.type = ZMTP_DEALER;
    zmtp_peer_limits_init(&config.limits);
    config.limits.message_max = flags & FLAG_SMALL ? 300 : 100000;
    config.limits.parts_max = flags & FLAG_SMALL ? 3 : 100;
    config.limits.command_max = flags & FLAG_SMALL ? 64 : 30000;
    config.limits.unknown_commands_max = 8;
    const struct zmtp_pipe_config pipe = {
        .allocator = allocator, .pool = run->pool, .count_max = {1 + run->plan[PLAN_HWM] % 4, 0}};
    struct zmtp_pipe_end *ends[2];
    if (zmtp_pipe_open(&pipe, ends) < 0) return false;
    run->near = ends[0];
    run->far = ends[1];
    zmtp_pipe_own(run->near, &run->marks, run);
    if (zmtp_peer_open(&run->server, &config, 1) < 0) return false;
    config.allocator = NULL;
    config.pool = NULL;
    config.security = &security[0];
    config.type = counterpart(config.type);
    fuzz_check(zmtp_peer_open(&run->client, &config, 1) == ZMTP_OK);
    return true;
}

static bool run_take(struct run *run)
{
    if (!run->far || run->far->in->count == 0) return false;
    struct zmtp__queue *queue = run->far->in;
    fuzz_check(queue->count <= queue->count_max);
    const bool command = zmtp__queue_first_flags(queue) & ZMTP_FLAG_COMMAND;
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    fuzz_check(zmtp__queue_take(queue, &msg) == ZMTP_OK);
    zmtp__pipe_consumed(run->far);
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

static void run_settle(struct run *run)
{
    bool busy = true;
    while (busy) {
        busy = false;
        if (zmtp_marks_take(&run->marks)) {
            zmtp_peer_resume(run->server, 1);
            busy = true;
        }
        struct zmtp_bytes view;
        while (zmtp_peer_wants(run->server) & ZMTP_WANT_WRITE &&
               zmtp_peer_peek(run->server, &view, 1) == 1) {
            bytes_add(&run->said, view.data, view.size);
            zmtp_peer_consume(run->server, view.size, 1);
        }
        busy |= run_take(run);
    }
}

// The handshake; false when it failed, for want of memory.
static bool run_shake(struct run *run)
{
    while (carry(run->client, run->server) || carry(run->server, run->client)) {
        if (!(zmtp_peer_wants(run->server) & ZMTP_WANT_AUTH)) continue;
        const struct zmtp_bytes none = {0};
        (void)zmtp_peer_authorise(run->server, ZMTP_VERDICT_ALLOW, none, none);
    }
    if (zmtp_peer_state(run->server) != ZMTP_PEER_READY) return false;
    return zmtp_peer_attach(run->server, run->near) == ZMTP_OK;
}

static void run_send(struct run *run, size_t size, unsigned flags)
{
    static const uint8_t body[70000] = {'x'};
    struct zmtp__queue *queue = run->far->out;
    zmtp__queue_begin(queue);
    if (zmtp__queue_put(queue, zmtp_bytes_of(body, size), NULL, flags) < 0) return;
    zmtp__queue_end(queue, 1);
    zmtp__pipe_published(run->far);
}

static void run_hear(struct run *run, const struct bytes *wire, struct random *cuts)
{
    for (size_t fed = 0; fed < wire->size;) {
        size_t piece = wire->size - fed;
        if (cuts) {
            const size_t cut = 1 + random_below(cuts, (size_t)1 << random_below(cuts, 15));
            if (cut < piece) piece = cut;
        }
        if (!(zmtp_peer_wants(run->server) & ZMTP_WANT_READ)) break;
        const struct zmtp_room room = zmtp_peer_space(run->server);
        if (piece > room.size) piece = room.size;
        if (piece > 0) memcpy(room.data, wire->data + fed, piece);
        zmtp_peer_commit(run->server, piece, 1);
        run_settle(run);
        fed += piece;
        if (piece == 0) break;
    }
}

// What the peer said opens, in order.
static void run_check_said(const struct run *run)
{
    struct zmtp__seal seal = {.crypto = &mock, .rx_nonce = 1};
    size_t at = 0;
    while (at < run->said.size) {
        struct zmtp_frame frame;
        const int header =
            zmtp_frame_decode(zmtp_bytes_of(run->said.data + at, run->said.size - at), &frame);
        if (header == 0 || frame.size > run->said.size - at - (size_t)header) break;
        fuzz_check(header > 0 && !frame.more && !frame.command);
        uint8_t *const message = run->said.data + at + header;
        fuzz_check(
            zmtp__seal_open(&seal, message, (size_t)frame.size, message + ZMTP__SEAL_PAYLOAD) > 0);
        at += (size_t)header + (size_t)frame.size;
    }
}

static void run_close(struct run *run)
{
    zmtp_peer_close(run->server);
    zmtp_peer_close(run->client);
    zmtp_pipe_close(run->near);
    zmtp_pipe_close(run->far);
    zmtp_pool_close(run->pool);
    free(run->said.data);
    fuzz_check(run->budget.bytes == 0 && run->budget.blocks == 0);
}

static struct outcome outcome_of(const uint8_t *plan, const struct bytes *wire, bool cut,
                                 uint64_t fail_at)
{
    struct run run = {.plan = plan};
    struct outcome outcome = {0};
    struct zmtp_security security[2];
    struct random cuts = random_of(plan[PLAN_SPLIT]);
    security_of(&security[0], false);
    security_of(&security[1], true);
    zmtp_budget_init(&run.budget, NULL);
    run.budget.fail_at = fail_at;
    if (run_open(&run, security) && run_shake(&run)) {
        if (plan[PLAN_FLAGS] & FLAG_SENDS) {
            run_send(&run, 3, 0);
            run_send(&run, 70000, 0);
            run_send(&run, 300, 0);
        }
        if (plan[PLAN_FLAGS] & FLAG_CLOSES) {
            zmtp_pipe_close(run.far);
            run.far = NULL;
        }
        run_settle(&run);
        run_hear(&run, wire, cut ? &cuts : NULL);
        zmtp_peer_fail(run.server, ZMTP_ERR_EOF);
        run_settle(&run);
        run_check_said(&run);
        fuzz_check(zmtp_peer_state(run.server) == ZMTP_PEER_CLOSED);
        outcome.state = zmtp_peer_state(run.server);
        outcome.error = zmtp_peer_error(run.server);
        outcome.messages_in = zmtp_peer_counters(run.server).messages_in;
    } else {
        fuzz_check(fail_at > 0);
    }
    outcome.heard = run.heard;
    run_close(&run);
    return outcome;
}

static void wire_seal(struct bytes *wire, struct zmtp__seal *seal, uint8_t how,
                      struct zmtp_bytes body)
{
    uint8_t *const message = malloc(body.size + ZMTP__SEAL_OVERHEAD);
    uint8_t *const sealed = malloc(zmtp__seal_size(body.size));
    fuzz_check(message && sealed);
    const unsigned spoilt = (unsigned)(how & RECORD_SPOILT) >> 5;
    if (spoilt == 4) seal->tx_nonce--;
    const struct zmtp_frame frame = {
        .size = body.size, .more = how & RECORD_MORE, .command = how & RECORD_COMMAND};
    fuzz_check(zmtp__seal_frame(seal, &frame, body, sealed) == ZMTP_OK);
    const size_t size = body.size + ZMTP__SEAL_OVERHEAD;
    memcpy(message, sealed + zmtp__seal_size(body.size) - size, size);
    if (spoilt == 5) message[ZMTP__SEAL_PAYLOAD - 1] ^= 1;
    if (spoilt == 6) message[ZMTP__SEAL_PAYLOAD] = body.size > 0 ? body.data[0] : 3;
    if (spoilt == 7) message[1] ^= 1;
    const bool is_long = how & RECORD_LONG || size > UINT8_MAX;
    uint8_t header[ZMTP_HEADER_MAX] = {
        (uint8_t)((how & RECORD_OUTER_COMMAND ? ZMTP_FLAG_COMMAND : 0) |
                  (is_long ? ZMTP_FLAG_LONG : 0))};
    if (is_long)
        for (size_t i = 0; i < 8; i++)
            header[1 + i] = (uint8_t)((uint64_t)size >> (56 - 8 * i));
    else
        header[1] = (uint8_t)size;
    bytes_add(wire, header, is_long ? ZMTP_HEADER_MAX : 2);
    bytes_add(wire, message, size);
    free(message);
    free(sealed);
}

static bool bytes_begin(const struct bytes *all, const struct bytes *start)
{
    if (start->size > all->size) return false;
    return start->size == 0 || memcmp(all->data, start->data, start->size) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t filling[256 * 256] = {'f'};
    if (size < PLAN_SIZE || size > 1000) return 0;
    struct bytes wire = {.data = NULL};
    struct zmtp__seal seal = {.crypto = &mock, .tx_nonce = 2};
    for (size_t at = PLAN_SIZE; at + 2 <= size;) {
        const uint8_t how = data[at];
        const size_t wanted = (size_t)data[at + 1] * (how & RECORD_BIG ? 256 : 1);
        at += 2;
        struct zmtp_bytes body = {data + at, wanted};
        if (wanted > size - at)
            body.data = filling;
        else
            at += wanted;
        wire_seal(&wire, &seal, how, body);
    }
    struct outcome whole = outcome_of(data, &wire, false, 0);
    struct outcome cut = outcome_of(data, &wire, true, 0);
    struct outcome starved = outcome_of(data, &wire, true, 1 + data[PLAN_FAULT]);
    // Of a frame that is too long and bad besides, in pieces the former is seen first.
    fuzz_check(whole.state == cut.state);
    fuzz_check(whole.error == cut.error || cut.error == ZMTP_ERR_LIMIT);
    fuzz_check(whole.messages_in == cut.messages_in);
    fuzz_check(whole.heard.size == cut.heard.size && bytes_begin(&whole.heard, &cut.heard));
    fuzz_check(bytes_begin(&whole.heard, &starved.heard));
    free(whole.heard.data);
    free(cut.heard.data);
    free(starved.heard.data);
    free(wire.data);
    return 0;
}
