// Our side of the campaign: a socket that does what it is told, line by line, on the standard input,
// and answers each line with one on the standard output. README.md has the lines; the programs in
// peers/ speak the same for other libraries.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zmtp/zmtp.h"

// What bodies are made of: a part SEED:SIZE is the octets from SEED on. Every peer program has the same.
enum { OCTETS_SIZE = 1024 * 1024 + 65536 };
static uint8_t octets[OCTETS_SIZE];

enum { LINE_MAX_SIZE = 64 * 1024, WORDS_MAX = 32, PARTS_MAX = 16, LITERALS_SIZE = 4096 };
enum { PACE_MS = 5, TIMEOUT_MS = 10000, HANDSHAKE_MS = 2000 };

// What a line came to.
enum outcome { OUTCOME_DONE, OUTCOME_WAIT };

struct counts {
    unsigned connected, closed, failed;
    int error;
};

struct line_peer {
    struct zmtp_uv *uv;
    struct zmtp_uv_socket *socket;
    struct zmtp_uv_config config;
    uv_pipe_t input;
    uv_timer_t timer; // looks again at a line that waits
    char buffer[LINE_MAX_SIZE + 1];
    size_t filled;
    bool waiting, closing, working;
    uint64_t since_ms; // when the line that waits came
    uint32_t timeout_ms;
    struct counts counts;
    // Of the last message whose sender had to be kept: a ROUTER's id, or all parts up to an empty one; and
    // a SERVER's number.
    struct zmtp_msg kept;
    uint32_t sender_number;
    uint8_t routing_id[255];
    char username[64], password[64];
    struct zmtp_key client_key;
};

struct line {
    char *words[WORDS_MAX];
    size_t count;
};

static void peer_work(struct line_peer *peer);

static void octets_init(void)
{
    uint32_t x = 1;
    for (size_t i = 0; i < OCTETS_SIZE; i++) {
        x = x * 1664525u + 1013904223u;
        octets[i] = (uint8_t)(x >> 24);
    }
}

// Reads pairs of hexadecimal digits; false unless all of |text| is some that fit.
static bool hex_decode(const char *text, uint8_t *out, size_t max, size_t *size)
{
    static const char digits[] = "0123456789abcdef";
    for (*size = 0; text[0] && text[1]; text += 2, ++*size) {
        const char *const high = strchr(digits, text[0]), *const low = strchr(digits, text[1]);
        if (!high || !low || *size == max) return false;
        out[*size] = (uint8_t)((high - digits) * 16 + (low - digits));
    }
    return !*text;
}

// The octets of one word: =HEX literally, or SEED:SIZE. Literals go into |room|, of which |used| octets
// are taken.
static bool word_part(const char *word, uint8_t *room, size_t *used, struct zmtp_bytes *out)
{
    char *end;
    size_t size;
    if (*word == '=') {
        if (!hex_decode(word + 1, room + *used, LITERALS_SIZE - *used, &size)) return false;
        *out = zmtp_bytes_of(room + *used, size);
        *used += size;
        return true;
    }
    const unsigned long seed = strtoul(word, &end, 10);
    if (*end != ':') return false;
    size = strtoul(end + 1, NULL, 10);
    if (seed > OCTETS_SIZE || size > OCTETS_SIZE - seed) return false;
    *out = zmtp_bytes_of(octets + seed, size);
    return true;
}

// The parts that words mean, from |first| on; * and ** stand for what was kept. Literals are kept in
// memory of this function until the next call. Returns how many parts there are, or -1.
static int line_parts(const struct line_peer *peer, const struct line *line, size_t first,
                      struct zmtp_bytes out[PARTS_MAX])
{
    static uint8_t literals[LITERALS_SIZE];
    size_t used = 0, count = 0;
    for (size_t i = first; i < line->count; i++) {
        const char *const word = line->words[i];
        const size_t more = *word == '*' ? peer->kept.count : 1;
        if (more > PARTS_MAX - count) return -1;
        for (size_t k = 0; *word == '*' && k < more; k++)
            out[count + k] = zmtp_msg_bytes(&peer->kept, k);
        if (*word != '*' && !word_part(word, literals, &used, out + count)) return -1;
        count += more;
    }
    return (int)count;
}

static enum outcome say(const char *word, const char *text)
{
    printf("%s%s%s\n", word, *text ? " " : "", text);
    return OUTCOME_DONE;
}

static enum outcome say_result(const struct line_peer *peer, int result)
{
    if (result >= 0) return say("ok", "");
    const char *const text = peer->socket ? zmtp_uv_error_text(peer->socket) : "";
    return say("error", *text ? text : zmtp_err_text(result));
}

// Not yet; or, when that has been said for too long, that it never came.
static enum outcome say_wait(struct line_peer *peer, const char *what)
{
    const uint64_t now_ms = uv_now(uv_default_loop());
    if (!peer->waiting) peer->since_ms = now_ms;
    peer->waiting = true;
    if (now_ms - peer->since_ms < peer->timeout_ms) return OUTCOME_WAIT;
    char text[200];
    snprintf(text, sizeof text, "%s within %u ms (%u connections, %u closed, %u failed: %s)", what,
             (unsigned)peer->timeout_ms, peer->counts.connected, peer->counts.closed,
             peer->counts.failed, zmtp_err_text(peer->counts.error));
    return say("timeout", text);
}

static void on_readable(struct zmtp_uv_socket *socket, void *user)
{
    (void)socket;
    peer_work(user);
}

static void on_event(struct zmtp_uv_socket *socket, const struct zmtp_event *event, void *user)
{
    struct line_peer *peer = user;
    (void)socket;
    if (event->kind == ZMTP_EVENT_HANDSHAKE_DONE) peer->counts.connected++;
    if (event->kind == ZMTP_EVENT_CLOSED) peer->counts.closed++;
    if (event->kind == ZMTP_EVENT_HANDSHAKE_FAILED) peer->counts.failed++;
    if (event->kind == ZMTP_EVENT_CLOSED || event->kind == ZMTP_EVENT_HANDSHAKE_FAILED)
        peer->counts.error = event->error;
    fprintf(stderr, "%s %s: %s %.*s\n", zmtp_event_name(event->kind), event->endpoint,
            zmtp_err_text(event->error), (int)event->reason.size,
            event->reason.data ? (const char *)event->reason.data : "");
}

static void on_authorise(struct zmtp_uv_socket *socket, const struct zmtp_uv_guest *guest,
                         void *user)
{
    const struct line_peer *peer = user;
    const struct zmtp_credentials *const c = &guest->credentials;
    const struct zmtp_bytes nothing = {0};
    const bool known = zmtp_bytes_equal(c->username, zmtp_bytes_text(peer->username)) &&
                       zmtp_bytes_equal(c->password, zmtp_bytes_text(peer->password));
    (void)zmtp_uv_authorise(socket, guest->ticket, known ? ZMTP_VERDICT_ALLOW : ZMTP_VERDICT_DENY,
                            c->username, nothing);
}

static bool peer_curve(struct line_peer *peer, char *const *keys, bool server)
{
    struct zmtp_key_pair ours;
    struct zmtp_key theirs;
    const bool good = zmtp_key_decode(zmtp_bytes_text(keys[0]), &ours.public_key) == ZMTP_OK &&
                      zmtp_key_decode(zmtp_bytes_text(keys[1]), &ours.secret_key) == ZMTP_OK &&
                      zmtp_key_decode(zmtp_bytes_text(keys[2]), &theirs) == ZMTP_OK;
    if (!good) return false;
    peer->client_key = theirs;
    const struct zmtp_allow allow = {
        .kind = ZMTP_ALLOW_KEYS, .keys = &peer->client_key, .count = 1};
    if (server)
        zmtp_uv_config_curve_server(&peer->config, &ours, allow);
    else
        zmtp_uv_config_curve_client(&peer->config, &ours, &theirs);
    return true;
}

// |line|: open TYPE MECHANISM and what that needs.
static bool peer_secure(struct line_peer *peer, const struct line *line)
{
    const char *const mechanism = line->words[2];
    char *const *const words = line->words + 3;
    if (strcmp(mechanism, "null") == 0) return line->count == 3;
    const bool server = strstr(mechanism, "-server") != NULL;
    if (strncmp(mechanism, "curve-", 6) == 0 && line->count == 6)
        return peer_curve(peer, words, server);
    if (strncmp(mechanism, "plain-", 6) != 0 || line->count != 5) return false;
    snprintf(peer->username, sizeof peer->username, "%s", words[0]);
    snprintf(peer->password, sizeof peer->password, "%s", words[1]);
    if (server) {
        zmtp_uv_config_plain_server(&peer->config);
        peer->config.on_authorise = on_authorise;
    } else {
        zmtp_uv_config_plain_client(&peer->config, peer->username, peer->password);
    }
    return true;
}

static void peer_defaults(struct line_peer *peer)
{
    zmtp_uv_config_init(&peer->config, ZMTP_PAIR);
    peer->timeout_ms = TIMEOUT_MS;
    peer->counts = (struct counts){0};
    peer->sender_number = 0;
    zmtp_msg_fini(&peer->kept);
}

static enum outcome do_option(struct line_peer *peer, const struct line *line)
{
    const char *const name = line->words[1];
    if (line->count == 3 && strcmp(name, "timeout") == 0) {
        peer->timeout_ms = (uint32_t)strtoul(line->words[2], NULL, 10);
    } else if (line->count == 3 && strcmp(name, "routing-id") == 0) {
        size_t size;
        if (!hex_decode(line->words[2], peer->routing_id, sizeof peer->routing_id, &size))
            return say("error", "no routing id");
        peer->config.socket.routing_id = zmtp_bytes_of(peer->routing_id, size);
    } else if (line->count == 5 && strcmp(name, "heartbeat") == 0) {
        peer->config.limits.heartbeat_interval_ms = (uint32_t)strtoul(line->words[2], NULL, 10);
        peer->config.limits.heartbeat_timeout_ms = (uint32_t)strtoul(line->words[3], NULL, 10);
        peer->config.limits.heartbeat_ttl_ms = (uint32_t)strtoul(line->words[4], NULL, 10);
    } else {
        return say("no", "such option");
    }
    return say("ok", "");
}

static enum outcome do_open(struct line_peer *peer, const struct line *line)
{
    enum zmtp_socket_type type;
    if (line->count < 3) return say("error", "open TYPE MECHANISM");
    if (zmtp_socket_type_parse(zmtp_bytes_text(line->words[1]), &type) < 0)
        return say("no", "such socket type");
    // The options so far, on top of the type's own defaults.
    const struct zmtp_uv_config options = peer->config;
    zmtp_uv_config_init(&peer->config, type);
    peer->config.socket.routing_id = options.socket.routing_id;
    peer->config.limits = options.limits;
    peer->config.on_readable = peer->config.on_writable = on_readable;
    peer->config.on_event = on_event;
    peer->config.user = peer;
    peer->config.reconnect_max_ms = 500;
    peer->config.linger_ms = 5000;
    // Who dials and then says nothing is to be let go before the driver's patience ends.
    peer->config.limits.handshake_ms = HANDSHAKE_MS;
    // A publisher waits for its subscribers here, instead of dropping; a REP, which waits for nobody, has
    // room for all answers.
    peer->config.socket.nodrop =
        type == ZMTP_PUB || type == ZMTP_XPUB || type == ZMTP_RADIO || type == ZMTP_XSUB;
    if (type == ZMTP_REP) peer->config.socket.send_bytes_max = 0;
    if (!peer_secure(peer, line)) return say("error", "no such mechanism, or its words are wrong");
    return say_result(peer, zmtp_uv_socket_open(&peer->socket, peer->uv, &peer->config));
}

static enum outcome do_connect(struct line_peer *peer, const char *endpoint)
{
    const enum zmtp_socket_type type = peer->config.socket.type;
    if (type == ZMTP_SERVER || type == ZMTP_PEER)
        return say_result(peer, zmtp_uv_connect_peer(peer->socket, endpoint, &peer->sender_number));
    return say_result(peer, zmtp_uv_connect(peer->socket, endpoint));
}

static enum outcome do_subscribe(struct line_peer *peer, const struct line *line)
{
    struct zmtp_bytes topic[PARTS_MAX];
    if (line_parts(peer, line, 1, topic) != 1) return say("error", "no topic");
    return say_result(peer, *line->words[0] == 'c' ? zmtp_uv_cancel(peer->socket, topic[0])
                                                   : zmtp_uv_subscribe(peer->socket, topic[0]));
}

// SERVER and PEER keep the sender beside the message; in a line it is the first part all the same.
static bool peer_numbers(const struct line_peer *peer)
{
    const enum zmtp_socket_type type = peer->config.socket.type;
    return type == ZMTP_SERVER || type == ZMTP_PEER;
}

static enum outcome do_send(struct line_peer *peer, const struct line *line)
{
    struct zmtp_bytes parts[PARTS_MAX];
    const bool numbers = peer_numbers(peer);
    const int count = line_parts(peer, line, numbers ? 2 : 1, parts);
    if (count < 0) return say("error", "no parts");
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    msg.routing_id = numbers ? peer->sender_number : 0;
    int result = ZMTP_OK;
    for (int i = 0; i < count && result == ZMTP_OK; i++)
        result = zmtp_msg_append(&msg, parts[i]);
    if (result == ZMTP_OK) result = zmtp_uv_send_msg(peer->socket, &msg);
    zmtp_msg_fini(&msg);
    if (result == ZMTP_ERR_AGAIN) return say_wait(peer, "no room to send");
    if (result == ZMTP_ERR_UNREACHABLE) return say_wait(peer, "nobody to send to");
    return say_result(peer, result);
}

// *: keeps the first part. **: keeps all parts up to the first empty one.
static void peer_keep(struct line_peer *peer, const struct zmtp_msg *msg, const char *word)
{
    peer->sender_number = msg->routing_id;
    zmtp_msg_fini(&peer->kept);
    for (size_t i = 0; i < msg->count && !peer_numbers(peer); i++) {
        const struct zmtp_bytes part = zmtp_msg_bytes(msg, i);
        if (zmtp_msg_append(&peer->kept, part) < 0) return;
        if (strcmp(word, "*") == 0 || part.size == 0) return;
    }
}

// Is the message what the line says? |why| tells of the first difference.
static bool peer_matches(struct line_peer *peer, const struct line *line,
                         const struct zmtp_msg *msg, char *why, size_t size)
{
    struct zmtp_bytes parts[PARTS_MAX];
    if (line->count > 1 && *line->words[1] == '*') peer_keep(peer, msg, line->words[1]);
    const int count = line_parts(peer, line, 1, parts);
    snprintf(why, size, "%u parts, not %d", (unsigned)msg->count, count);
    if (count < 0 || msg->count != (unsigned)count) return false;
    for (int i = 0; i < count; i++) {
        const struct zmtp_bytes part = zmtp_msg_bytes(msg, (size_t)i);
        snprintf(why, size, "part %d has %zu octets that are not the %zu meant", i, part.size,
                 parts[i].size);
        if (!zmtp_bytes_equal(part, parts[i])) return false;
    }
    return true;
}

// recv: the next message must be this one. until: others before it are let pass.
static enum outcome do_recv(struct line_peer *peer, const struct line *line)
{
    const bool until = *line->words[0] == 'u';
    while (true) {
        struct zmtp_msg msg;
        char why[200];
        zmtp_msg_init(&msg, NULL);
        const int result = zmtp_uv_recv(peer->socket, &msg);
        if (result == ZMTP_ERR_AGAIN) return say_wait(peer, "nothing came");
        if (result < 0) return say_result(peer, result);
        const bool good = peer_matches(peer, line, &msg, why, sizeof why);
        zmtp_msg_fini(&msg);
        if (good) return say("ok", "");
        if (!until) return say("error", why);
    }
}

// await connected|closed COUNT
static enum outcome do_await(struct line_peer *peer, const struct line *line)
{
    if (line->count != 3) return say("error", "await connected|closed COUNT");
    const bool closed = strcmp(line->words[1], "closed") == 0;
    const unsigned seen = closed ? peer->counts.closed : peer->counts.connected;
    if (seen < strtoul(line->words[2], NULL, 10)) return say_wait(peer, "it did not happen");
    return say("ok", closed ? zmtp_err_name(peer->counts.error) : "");
}

static enum outcome do_counts(const struct line_peer *peer)
{
    printf("ok %u %u %u\n", peer->counts.connected, peer->counts.closed, peer->counts.failed);
    return OUTCOME_DONE;
}

static void on_closed(void *user)
{
    struct line_peer *peer = user;
    peer->closing = false;
    peer_defaults(peer);
    say("ok", "");
    peer_work(peer);
}

static enum outcome do_close(struct line_peer *peer)
{
    if (!peer->socket) {
        peer_defaults(peer);
        return say("ok", "");
    }
    peer->closing = true;
    zmtp_uv_socket_close(peer->socket, on_closed, peer);
    peer->socket = NULL;
    return OUTCOME_DONE;
}

static enum outcome peer_do(struct line_peer *peer, const struct line *line)
{
    const char *const verb = line->words[0], *const first = line->count > 1 ? line->words[1] : "";
    if (strcmp(verb, "version") == 0) return say("ok", "libzmtp " ZMTP_VERSION);
    if (strcmp(verb, "close") == 0) return do_close(peer);
    if (strcmp(verb, "option") == 0) return do_option(peer, line);
    if (strcmp(verb, "open") == 0 && !peer->socket) return do_open(peer, line);
    if (!peer->socket) return say("error", "no socket is open");
    if (strcmp(verb, "bind") == 0) {
        const int result = zmtp_uv_bind(peer->socket, first);
        return result < 0 ? say_result(peer, result) : say("ok", zmtp_uv_endpoint(peer->socket));
    }
    if (strcmp(verb, "connect") == 0) return do_connect(peer, first);
    if (strcmp(verb, "subscribe") == 0 || strcmp(verb, "cancel") == 0 || strcmp(verb, "join") == 0)
        return do_subscribe(peer, line);
    if (strcmp(verb, "send") == 0) return do_send(peer, line);
    if (strcmp(verb, "recv") == 0 || strcmp(verb, "until") == 0) return do_recv(peer, line);
    if (strcmp(verb, "await") == 0) return do_await(peer, line);
    if (strcmp(verb, "counts") == 0) return do_counts(peer);
    return say("error", "no such line");
}

static void line_split(char *text, struct line *line)
{
    line->count = 0;
    for (char *word = strtok(text, " "); word && line->count < WORDS_MAX; word = strtok(NULL, " "))
        line->words[line->count++] = word;
}

// Does the lines that are there, until one must wait.
static void peer_work(struct line_peer *peer)
{
    if (peer->working) return;
    peer->working = true;
    while (!peer->closing) {
        static char text[LINE_MAX_SIZE + 1];
        const char *const end = memchr(peer->buffer, '\n', peer->filled);
        if (!end) break;
        const size_t size = (size_t)(end - peer->buffer);
        memcpy(text, peer->buffer, size);
        text[size] = 0;
        struct line line;
        line_split(text, &line);
        if (line.count > 0 && peer_do(peer, &line) == OUTCOME_WAIT) break;
        peer->waiting = false;
        peer->filled -= size + 1;
        memmove(peer->buffer, end + 1, peer->filled);
    }
    peer->working = false;
}

static void on_timer(uv_timer_t *timer)
{
    peer_work(timer->data);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct line_peer *peer = handle->data;
    (void)suggested;
    *out = uv_buf_init(peer->buffer + peer->filled, (unsigned)(LINE_MAX_SIZE - peer->filled));
}

static void on_input(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct line_peer *peer = stream->data;
    (void)buffer;
    if (size == UV_ENOBUFS || size == 0) return;
    if (size < 0) exit(0);
    peer->filled += (size_t)size;
    peer_work(peer);
}

int main(void)
{
    static struct line_peer peer;
    uv_loop_t *const loop = uv_default_loop();
    octets_init();
    zmtp_msg_init(&peer.kept, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    peer_defaults(&peer);
    peer.input.data = peer.timer.data = &peer;
    const bool ready = zmtp_uv_open(&peer.uv, loop, NULL) == ZMTP_OK &&
                       uv_pipe_init(loop, &peer.input, 0) == 0 &&
                       uv_pipe_open(&peer.input, 0) == 0 && uv_timer_init(loop, &peer.timer) == 0 &&
                       uv_timer_start(&peer.timer, on_timer, PACE_MS, PACE_MS) == 0 &&
                       uv_read_start((uv_stream_t *)&peer.input, on_room, on_input) == 0;
    if (!ready) {
        fprintf(stderr, "the standard input must be a pipe\n");
        return 2;
    }
    return uv_run(loop, UV_RUN_DEFAULT);
}
