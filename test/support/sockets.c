#include "sockets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 4096 };

struct zmtp_socket_config sockets_config(enum zmtp_socket_type type, size_t hwm)
{
    struct zmtp_socket_config config;
    zmtp_socket_config_init(&config, type);
    config.send_count_max = config.recv_count_max = hwm;
    if (type == ZMTP_ROUTER) config.router_mandatory = false;
    if (type == ZMTP_REQ) config.req_correlate = config.req_relaxed = false;
    return config;
}

struct zmtp_socket *sockets_open_with(const struct zmtp_socket_config *config)
{
    struct zmtp_socket *socket;
    assert_int_equal(zmtp_socket_open(&socket, config), ZMTP_OK);
    assert_non_null(socket);
    return socket;
}

struct zmtp_socket *sockets_open(enum zmtp_socket_type type, size_t hwm)
{
    const struct zmtp_socket_config config = sockets_config(type, hwm);
    return sockets_open_with(&config);
}

struct zmtp_pipe_end *sockets_accept(struct zmtp_socket *socket, const char *routing_id)
{
    struct zmtp_pipe_end *far;
    const struct zmtp_bytes id = zmtp_bytes_text(routing_id);
    assert_int_equal(zmtp_socket_attach(socket, false, id, &far), ZMTP_OK);
    sockets_connect(far, routing_id);
    return far;
}

struct zmtp_pipe_end *sockets_dial(struct zmtp_socket *socket)
{
    struct zmtp_pipe_end *far;
    assert_int_equal(zmtp_socket_attach(socket, true, (struct zmtp_bytes){0}, &far), ZMTP_OK);
    return far;
}

void sockets_connect(struct zmtp_pipe_end *far, const char *routing_id)
{
    const struct zmtp_bytes id = zmtp_bytes_text(routing_id);
    assert_int_equal(
        zmtp_pipe_link_up(far, &(struct zmtp_origin){.type = ZMTP_DEALER, .routing_id = id}),
        ZMTP_OK);
}

void sockets_drop(struct zmtp_pipe_end *far)
{
    zmtp_pipe_link_down(far);
    zmtp_pipe_close(far);
}

// Reads the part that |*text| begins with, up to a '|' or the end, into |out|.
static size_t text_part(const char **text, uint8_t *out)
{
    size_t size = 0;
    while (**text && **text != '|') {
        if (strncmp(*text, "\\x", 2) == 0) {
            const char digits[] = {(*text)[2], (*text)[3], 0};
            out[size++] = (uint8_t)strtoul(digits, NULL, 16);
            *text += 4;
        } else {
            out[size++] = (uint8_t) * (*text)++;
        }
    }
    return size;
}

static void text_parse(const char *text, struct zmtp_msg *msg)
{
    zmtp_msg_init(msg, NULL);
    for (;;) {
        uint8_t octets[TEXT_MAX];
        const struct zmtp_bytes part = {octets, text_part(&text, octets)};
        assert_int_equal(zmtp_msg_append(msg, part), ZMTP_OK);
        if (!*text++) return;
    }
}

static char *text_octets(char *out, struct zmtp_bytes octets)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < octets.size; i++) {
        const uint8_t octet = octets.data[i];
        if (octet >= 0x20 && octet < 0x7f && octet != '|' && octet != '\\') {
            *out++ = (char)octet;
        } else {
            *out++ = '\\';
            *out++ = 'x';
            *out++ = digits[octet >> 4];
            *out++ = digits[octet & 15];
        }
    }
    *out = 0;
    return out;
}

// Valid until the second next call; so two can be compared.
static const char *text_of(const struct zmtp_msg *msg)
{
    static char texts[2][TEXT_MAX];
    static size_t turn;
    char *const text = texts[turn++ % 2];
    char *end = text;
    assert_true(zmtp_msg_size(msg) * 4 + msg->count < TEXT_MAX);
    for (size_t i = 0; i < msg->count; i++) {
        if (i > 0) *end++ = '|';
        end = text_octets(end, zmtp_msg_bytes(msg, i));
    }
    return text;
}

const char *sockets_send(struct zmtp_socket *socket, const char *text)
{
    struct zmtp_msg msg;
    text_parse(text, &msg);
    const uint32_t count = msg.count;
    const int result = zmtp_socket_send(socket, &msg);
    // Taken whole or not at all.
    assert_int_equal(msg.count, result == ZMTP_OK ? 0 : count);
    zmtp_msg_fini(&msg);
    return zmtp_err_name(result);
}

const char *sockets_recv(struct zmtp_socket *socket)
{
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    const int result = zmtp_socket_recv(socket, &msg);
    if (result < 0) assert_int_equal(msg.count, 0);
    const char *text = result < 0 ? zmtp_err_name(result) : text_of(&msg);
    zmtp_msg_fini(&msg);
    return text;
}

static int far_put_command(struct zmtp__queue *queue, const char *text)
{
    uint8_t body[TEXT_MAX], topic[TEXT_MAX];
    const char *end = strchr(text, '>');
    assert_non_null(end);
    const size_t name = (size_t)(end - text - 1);
    body[0] = (uint8_t)name;
    memcpy(body + 1, text + 1, name);
    end++;
    const size_t size = text_part(&end, topic);
    memcpy(body + 1 + name, topic, size);
    const struct zmtp_bytes view = {body, 1 + name + size};
    return zmtp__queue_put(queue, view, NULL, ZMTP_FLAG_COMMAND);
}

static int far_put_message(struct zmtp__queue *queue, const char *text)
{
    struct zmtp_msg msg;
    text_parse(text, &msg);
    int result = ZMTP_OK;
    for (size_t i = 0; i < msg.count && result == ZMTP_OK; i++) {
        const unsigned flags = i + 1 < msg.count ? ZMTP_FLAG_MORE : 0;
        result = zmtp__queue_put(queue, zmtp_msg_bytes(&msg, i), NULL, flags);
    }
    zmtp_msg_fini(&msg);
    return result;
}

bool sockets_far_try(struct zmtp_pipe_end *far, const char *text)
{
    zmtp__queue_begin(far->out);
    const int result =
        *text == '<' ? far_put_command(far->out, text) : far_put_message(far->out, text);
    if (result < 0) return false;
    zmtp__queue_end(far->out, 1);
    zmtp__pipe_published(far);
    return true;
}

void sockets_far_send(struct zmtp_pipe_end *far, const char *text)
{
    assert_true(sockets_far_try(far, text));
}

const char *sockets_far_recv(struct zmtp_pipe_end *far)
{
    if (far->in->count == 0) return "";
    const bool command = zmtp__queue_first_flags(far->in) & ZMTP_FLAG_COMMAND;
    struct zmtp_msg msg, shown;
    zmtp_msg_init(&msg, NULL);
    zmtp_msg_init(&shown, NULL);
    assert_int_equal(zmtp__queue_take(far->in, &msg), ZMTP_OK);
    zmtp__pipe_consumed(far);
    if (command) {
        struct zmtp_command decoded;
        uint8_t text[TEXT_MAX];
        assert_int_equal(msg.count, 1);
        assert_int_equal(zmtp_command_decode(zmtp_msg_bytes(&msg, 0), &decoded), ZMTP_OK);
        text[0] = '<';
        memcpy(text + 1, decoded.name.data, decoded.name.size);
        text[1 + decoded.name.size] = '>';
        if (decoded.data.size > 0)
            memcpy(text + 2 + decoded.name.size, decoded.data.data, decoded.data.size);
        const struct zmtp_bytes view = {text, 2 + decoded.name.size + decoded.data.size};
        assert_int_equal(zmtp_msg_append(&shown, view), ZMTP_OK);
    }
    const char *text = text_of(command ? &shown : &msg);
    zmtp_msg_fini(&msg);
    zmtp_msg_fini(&shown);
    return text;
}

void sockets_far_assert_both(struct zmtp_pipe_end *far, const char *one, const char *other)
{
    const char *first = sockets_far_recv(far);
    const bool swapped = strcmp(first, other) == 0;
    assert_string_equal(first, swapped ? other : one);
    assert_string_equal(sockets_far_recv(far), swapped ? one : other);
}

static void add_pipe(void *context, const struct zmtp_link *link, struct zmtp_pipe_depth depth)
{
    (void)link;
    (void)depth;
    ++*(size_t *)context;
}

size_t sockets_pipes(const struct zmtp_socket *socket)
{
    size_t pipes = 0;
    zmtp_socket_each_pipe(socket, add_pipe, &pipes);
    return pipes;
}

static void add_queued(void *context, const struct zmtp_link *link, struct zmtp_pipe_depth depth)
{
    (void)link;
    *(size_t *)context += depth.out_count;
}

size_t sockets_queued(const struct zmtp_socket *socket)
{
    size_t queued = 0;
    zmtp_socket_each_pipe(socket, add_queued, &queued);
    return queued;
}

void sockets_assert_conserved(const struct zmtp_socket *socket, size_t left)
{
    const struct zmtp_socket_counters counters = zmtp_socket_counters(socket);
    assert_int_equal(counters.left, left);
    assert_int_equal(counters.copies, counters.left + counters.queued + counters.lost);
    assert_int_equal(counters.arrived + counters.told,
                     counters.received + counters.waiting + counters.heeded + counters.discarded);
    assert_int_equal(counters.copies,
                     left + sockets_queued(socket) + counters.dropped[ZMTP_DROP_PEER_GONE] +
                         counters.dropped[ZMTP_DROP_CLOSED] + counters.dropped[ZMTP_DROP_REPLACED] +
                         counters.dropped[ZMTP_DROP_UNSENT]);
}

void sockets_with_failing_memory(void (*body)(const struct zmtp_allocator *allocator))
{
    for (int on = 0; on < 2; on++) {
        uint64_t n = 0;
        struct zmtp_budget budget;
        do {
            zmtp_budget_init(&budget, NULL);
            budget.fail_at = ++n;
            budget.fail_on = on;
            body(&budget.allocator);
            assert_int_equal(budget.blocks, 0);
            assert_int_equal(budget.bytes, 0);
        } while (budget.calls >= n);
        assert_true(n > 1); // something was allocated, and so it failed once at least
    }
}
