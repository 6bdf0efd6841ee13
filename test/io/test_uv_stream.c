// STREAM on a real loop: plain connections in and out.
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/stranger.h"

static const enum zmtp_transport transports[] = {ZMTP_TCP, ZMTP_IPC};
enum { TRANSPORTS = sizeof transports / sizeof transports[0], ID_MAX = 16 };

// A STREAM that notes which connection spoke last.
struct stream {
    struct world world;
    struct node node;
    char endpoint[ZMTP_ENDPOINT_MAX];
    uint8_t id[ID_MAX];
    size_t id_size;
    size_t notices, octets;
    char heard[WORLD_TEXT];
    size_t heard_size;
};

static void stream_heard(struct node *node, struct zmtp_msg *msg)
{
    struct stream *stream = node->other;
    assert_int_equal(msg->count, 2);
    const struct zmtp_bytes id = zmtp_msg_bytes(msg, 0), octets = zmtp_msg_bytes(msg, 1);
    assert_in_range(id.size, 1, ID_MAX);
    memcpy(stream->id, id.data, id.size);
    stream->id_size = id.size;
    stream->notices += octets.size == 0;
    stream->octets += octets.size;
    for (size_t i = 0; i < octets.size && stream->heard_size + 1 < WORLD_TEXT; i++)
        stream->heard[stream->heard_size++] = (char)octets.data[i];
    stream->heard[stream->heard_size] = '\0';
}

static void stream_init(struct stream *stream, enum zmtp_transport transport)
{
    *stream = (struct stream){.id_size = 0};
    world_open(&stream->world);
    world_endpoint(&stream->world, transport, stream->endpoint);
    node_init(&stream->node, &stream->world, ZMTP_STREAM);
    stream->node.other = stream;
    stream->node.act = stream_heard;
}

static void stream_bind(struct stream *stream, enum zmtp_transport transport)
{
    stream_init(stream, transport);
    node_open(&stream->node);
    node_bind(&stream->node, stream->endpoint);
}

static void stream_close(struct stream *stream)
{
    node_close(&stream->node);
    world_close(&stream->world);
}

static int stream_try(struct stream *stream, const char *octets)
{
    const struct zmtp_bytes parts[] = {{stream->id, stream->id_size}, zmtp_bytes_text(octets)};
    return zmtp_uv_send(stream->node.socket, parts, 2);
}

// Reads until the other side closes, without a word of a reset.
static size_t stranger_all(struct stranger *stranger, char out[WORLD_TEXT])
{
    size_t size = 0;
    for (;;) {
        const ssize_t got = recv(stranger->fd, out + size, WORLD_TEXT - 1 - size, 0);
        if (got == 0) break;
        if (got > 0) size += (size_t)got;
        if (got < 0) world_turn(stranger->world);
    }
    out[size] = '\0';
    return size;
}

static void note_one_row(void *context, const struct zmtp_uv_peer *peer)
{
    struct zmtp_uv_peer *row = context;
    assert_int_equal(row->number, 0);
    *row = *peer;
}

static void test_a_plain_client_is_heard_answered_and_seen(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct stream stream;
        struct stranger client;
        stream_bind(&stream, transports[i]);
        stranger_open(&client, &stream.world, stream.endpoint);
        WORLD_UNTIL(&stream.world, stream.notices == 1);
        assert_true(stranger_say(&client, LITERAL("GET / HTTP/1.0\r\n\r\n")));
        WORLD_UNTIL(&stream.world, stream.octets == 18);
        assert_string_equal(stream.heard, "GET / HTTP/1.0\r\n\r\n");
        octets_assert_equal((struct zmtp_bytes){stream.id, stream.id_size}, OCTETS(0, 0, 0, 0, 1));

        struct zmtp_uv_peer row = {.number = 0};
        zmtp_uv_each_peer(stream.node.socket, note_one_row, &row);
        assert_true(row.connected && !row.dialled);
        assert_int_equal(row.state, ZMTP_PEER_TRAFFIC);
        assert_int_equal(row.counters.bytes_in, 18);
        assert_int_equal(row.counters.messages_in, 1);
        octets_assert_equal(row.facts.routing_id, OCTETS(0, 0, 0, 0, 1));
        char text[4096];
        assert_in_range(zmtp_uv_stats_json(stream.node.socket, text, sizeof text), 1, sizeof text);
        assert_non_null(strstr(text, "\"type\":\"STREAM\""));
        assert_non_null(strstr(text, "\"routing_id\":\"\\u0000\\u0000\\u0000\\u0000\\u0001\""));

        assert_int_equal(stream_try(&stream, "HTTP/1.0 200 OK\r\n\r\nhi"), ZMTP_OK);
        assert_int_equal(stream_try(&stream, ""), ZMTP_OK);
        char answer[WORLD_TEXT];
        assert_int_equal(stranger_all(&client, answer), 21);
        assert_string_equal(answer, "HTTP/1.0 200 OK\r\n\r\nhi");
        stranger_close(&client);
        WORLD_UNTIL(&stream.world, stream.node.events[ZMTP_EVENT_CLOSED] == 1);
        assert_int_equal(stream.node.errors[ZMTP_EVENT_CLOSED], ZMTP_ERR_CANCELLED);
        assert_int_equal(stream_try(&stream, "x"), ZMTP_ERR_UNREACHABLE);
        assert_int_equal(stream.notices, 1);
        stream_close(&stream);
    }
}

static void test_a_client_that_ends_is_heard_to_the_last_octet_and_then_its_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct stream stream;
        struct stranger client;
        stream_bind(&stream, transports[i]);
        stranger_open(&client, &stream.world, stream.endpoint);
        assert_true(stranger_say(&client, LITERAL("all of it")));
        stranger_close(&client);
        WORLD_UNTIL(&stream.world, stream.notices == 2);
        assert_string_equal(stream.heard, "all of it");
        assert_int_equal(stream.node.events[ZMTP_EVENT_HANDSHAKE_DONE], 1);
        WORLD_UNTIL(&stream.world, stream.node.events[ZMTP_EVENT_CLOSED] == 1);
        assert_int_equal(stream.node.errors[ZMTP_EVENT_CLOSED], ZMTP_ERR_EOF);
        assert_int_equal(stream_try(&stream, "x"), ZMTP_ERR_UNREACHABLE);
        assert_int_equal(zmtp_uv_counters(stream.node.socket).received, stream.node.received);
        stream_close(&stream);
    }
}

// A descriptor that is closed answers what still comes with a reset, which costs the client what the
// kernel had not given it yet.
static void test_a_client_that_goes_on_talking_gets_all_of_the_answer(void **state)
{
    (void)state;
    enum { SIZE = 400 * 1024 };
    static uint8_t answer[SIZE], scratch[SIZE];
    struct stream stream;
    struct stranger client;
    size_t got = 0;
    stream_bind(&stream, ZMTP_TCP);
    stranger_open(&client, &stream.world, stream.endpoint);
    WORLD_UNTIL(&stream.world, stream.notices == 1);
    const struct zmtp_bytes parts[] = {{stream.id, stream.id_size}, {answer, sizeof answer}};
    assert_int_equal(zmtp_uv_send(stream.node.socket, parts, 2), ZMTP_OK);
    assert_int_equal(stream_try(&stream, ""), ZMTP_OK);
    for (int i = 0; i < 20; i++) {
        world_spin(&stream.world, 5);
        (void)stranger_try(&client, LITERAL("and another thing"));
    }
    while (!client.refused) {
        got += stranger_read(&client, scratch, sizeof scratch);
        world_spin(&stream.world, 1);
    }
    assert_int_equal(got, SIZE);
    assert_int_equal(recv(client.fd, scratch, 1, 0), 0); // an end, not a reset
    stranger_close(&client);
    stream_close(&stream);
}

static void test_notices_can_be_switched_off(void **state)
{
    (void)state;
    struct stream stream;
    struct stranger client;
    stream_init(&stream, ZMTP_IPC);
    stream.node.config.socket.stream_notify = false;
    node_open(&stream.node);
    node_bind(&stream.node, stream.endpoint);
    stranger_open(&client, &stream.world, stream.endpoint);
    assert_true(stranger_say(&client, LITERAL("x")));
    stranger_close(&client);
    WORLD_UNTIL(&stream.world, stream.node.events[ZMTP_EVENT_CLOSED] == 1);
    WORLD_UNTIL(&stream.world, stream.node.received == 1);
    world_spin(&stream.world, 10);
    assert_int_equal(stream.node.received, 1);
    assert_int_equal(stream.notices, 0);
    stream_close(&stream);
}

static int accept_one(struct world *world, int listener)
{
    for (;;) {
        const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) return fd;
        world_turn(world);
    }
}

static void read_text(struct world *world, int fd, const char *expected)
{
    char text[WORLD_TEXT] = "";
    size_t size = 0;
    while (size < strlen(expected)) {
        const ssize_t got = recv(fd, text + size, sizeof text - 1 - size, 0);
        if (got > 0) size += (size_t)got;
        assert_true(got != 0);
        if (got < 0) world_turn(world);
    }
    text[size] = '\0';
    assert_string_equal(text, expected);
}

static void test_a_dialled_connection_has_its_id_and_each_conversation_its_own_octets(void **state)
{
    (void)state;
    struct stream stream;
    stream_init(&stream, ZMTP_TCP);
    const int listener = world_listen(stream.endpoint);
    assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
    node_open(&stream.node);
    assert_int_equal(zmtp_uv_connect_as(stream.node.socket, stream.endpoint, LITERAL("printer")),
                     ZMTP_OK);
    memcpy(stream.id, "printer", stream.id_size = 7);
    assert_int_equal(stream_try(&stream, "page one"), ZMTP_OK);
    for (size_t i = 1; i <= 3; i++) {
        const int fd = accept_one(&stream.world, listener);
        WORLD_UNTIL(&stream.world, stream.notices == 2 * i - 1);
        octets_assert_equal((struct zmtp_bytes){stream.id, stream.id_size}, LITERAL("printer"));
        if (i > 1) assert_int_equal(stream_try(&stream, "page two"), ZMTP_OK);
        read_text(&stream.world, fd, i == 1 ? "page one" : "page two");
        assert_int_equal(send(fd, "done", 4, 0), 4);
        close(fd);
        WORLD_UNTIL(&stream.world, stream.notices == 2 * i);
        assert_int_equal(stream_try(&stream, "lost"), ZMTP_ERR_UNREACHABLE);
    }
    assert_string_equal(stream.heard, "donedonedone");
    const int fd = accept_one(&stream.world, listener);
    WORLD_UNTIL(&stream.world, stream.notices == 7);
    assert_int_equal(stream_try(&stream, ""),
                     ZMTP_OK); // that is all, and the endpoint is forgotten
    WORLD_UNTIL(&stream.world, stream.node.events[ZMTP_EVENT_CLOSED] == 4);
    char octet;
    while (recv(fd, &octet, 1, 0) != 0)
        world_turn(&stream.world);
    close(fd);
    assert_int_equal(zmtp_uv_disconnect(stream.node.socket, stream.endpoint), ZMTP_ERR_NOT_FOUND);
    const struct zmtp_socket_counters counters = zmtp_uv_counters(stream.node.socket);
    assert_int_equal(counters.copies, 3);
    assert_int_equal(counters.dropped[ZMTP_DROP_PEER_GONE], 0);
    close(listener);
    stream_close(&stream);
}

static void test_a_made_id_can_be_known_before_there_is_a_connection(void **state)
{
    (void)state;
    struct stream stream;
    stream_init(&stream, ZMTP_TCP);
    const int listener = world_listen(stream.endpoint);
    assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
    node_open(&stream.node);
    uint32_t number = 0;
    assert_int_equal(zmtp_uv_connect_peer(stream.node.socket, stream.endpoint, &number), ZMTP_OK);
    assert_int_equal(number, 1);
    memcpy(stream.id, "\0\0\0\0\1", stream.id_size = 5);
    assert_int_equal(stream_try(&stream, "hello"), ZMTP_OK);
    const int fd = accept_one(&stream.world, listener);
    read_text(&stream.world, fd, "hello");
    close(fd);
    close(listener);
    stream_close(&stream);
}

static void test_one_that_is_closed_before_it_is_connected_is_dialled_no_more(void **state)
{
    (void)state;
    struct stream stream;
    stream_init(&stream, ZMTP_TCP); // nobody listens there
    node_open(&stream.node);
    assert_int_equal(zmtp_uv_connect_as(stream.node.socket, stream.endpoint, LITERAL("a")),
                     ZMTP_OK);
    WORLD_UNTIL(&stream.world, stream.node.events[ZMTP_EVENT_DIAL_FAILED] > 0);
    memcpy(stream.id, "a", stream.id_size = 1);
    assert_int_equal(stream_try(&stream, ""), ZMTP_OK);
    assert_int_equal(stream_try(&stream, ""), ZMTP_ERR_UNREACHABLE);
    WORLD_UNTIL(&stream.world,
                zmtp_uv_disconnect(stream.node.socket, stream.endpoint) == ZMTP_ERR_NOT_FOUND);
    stream_close(&stream);
}

static void assert_words(struct node *node, int result, int error, const char *words)
{
    assert_string_equal(zmtp_err_name(result), zmtp_err_name(error));
    if (!strstr(zmtp_uv_error_text(node->socket), words))
        fail_msg("\"%s\" is not in: %s", words, zmtp_uv_error_text(node->socket));
}

static void test_what_a_stream_cannot_do_is_refused_in_words(void **state)
{
    (void)state;
    struct stream stream;
    struct node dealer, router, secret;
    stream_init(&stream, ZMTP_TCP);
    node_open(&stream.node);
    struct zmtp_uv_socket *socket = stream.node.socket;
    assert_words(&stream.node, zmtp_uv_bind(socket, "inproc://x"), ZMTP_ERR_UNSUPPORTED,
                 "tcp or ipc");
    assert_words(&stream.node, zmtp_uv_connect(socket, "inproc://x"), ZMTP_ERR_UNSUPPORTED,
                 "tcp or ipc");
    assert_words(&stream.node, zmtp_uv_bind(socket, "tcp://*:*"), ZMTP_ERR_ACCESS,
                 "allow_public_null");
    assert_words(&stream.node, zmtp_uv_connect_as(socket, stream.endpoint, LITERAL("")),
                 ZMTP_ERR_ARGUMENT, "routing id");
    assert_int_equal(zmtp_uv_connect_as(socket, stream.endpoint, LITERAL("\0x")),
                     ZMTP_ERR_ROUTING_ID);
    node_start(&dealer, &stream.world, ZMTP_DEALER);
    assert_words(&dealer, zmtp_uv_connect_as(dealer.socket, stream.endpoint, LITERAL("x")),
                 ZMTP_ERR_UNSUPPORTED, "DEALER");
    node_close(&dealer);
    node_start(&router, &stream.world, ZMTP_ROUTER);
    assert_words(&router, zmtp_uv_connect_as(router.socket, "inproc://x", LITERAL("x")),
                 ZMTP_ERR_UNSUPPORTED, "over inproc each side says itself what it is called");
    node_close(&router);
    node_init(&secret, &stream.world, ZMTP_STREAM);
    zmtp_uv_config_plain_client(&secret.config, "user", "password");
    const char *why = "";
    assert_int_equal(zmtp_uv_config_check(&secret.config, &why), ZMTP_ERR_ARGUMENT);
    assert_non_null(strstr(why, "security.mechanism"));
    zmtp_uv_config_init(&secret.config, ZMTP_STREAM);
    zmtp_uv_config_zap(&secret.config, "domain");
    assert_int_equal(zmtp_uv_config_check(&secret.config, &why), ZMTP_ERR_ARGUMENT);
    assert_non_null(strstr(why, "security.server is set, but STREAM and DGRAM have no handshake"));
    stream_close(&stream);
}

static void send_back(struct node *node, struct zmtp_msg *msg)
{
    struct stream *stream = node->other;
    if (zmtp_msg_bytes(msg, 1).size == 0) return;
    stream->octets += zmtp_msg_bytes(msg, 1).size;
    assert_int_equal(zmtp_uv_send_msg(node->socket, msg), ZMTP_OK);
}

static void test_two_streams_carry_a_mebibyte_each_way_unchanged(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20, PIECE = 50000 };
    for (size_t t = 0; t < TRANSPORTS; t++) {
        struct stream stream;
        struct node client;
        stream_bind(&stream, transports[t]);
        stream.node.act = send_back;
        node_init(&client, &stream.world, ZMTP_STREAM);
        node_open_pull(&client);
        assert_int_equal(zmtp_uv_connect_as(client.socket, stream.endpoint, LITERAL("x")), ZMTP_OK);
        static uint8_t piece[PIECE];
        size_t sent = 0, got = 0;
        while (got < SIZE) {
            for (size_t i = 0; i < PIECE; i++)
                piece[i] = (uint8_t)((sent + i) % 251);
            const size_t size = SIZE - sent < PIECE ? SIZE - sent : PIECE;
            const struct zmtp_bytes parts[] = {LITERAL("x"), {piece, size}};
            if (size > 0 && sent - got < 4 * PIECE && zmtp_uv_send(client.socket, parts, 2) == 0)
                sent += size;
            struct zmtp_msg msg;
            zmtp_msg_init(&msg, NULL);
            while (zmtp_uv_recv(client.socket, &msg) == ZMTP_OK) {
                const struct zmtp_bytes octets = zmtp_msg_bytes(&msg, 1);
                for (size_t i = 0; i < octets.size; i++)
                    assert_int_equal(octets.data[i], (got + i) % 251);
                got += octets.size;
                zmtp_msg_fini(&msg);
            }
            if (got < SIZE) uv_run(&stream.world.loop, UV_RUN_NOWAIT);
        }
        assert_int_equal(stream.octets, SIZE);
        node_close(&client);
        stream_close(&stream);
    }
}

// Closes the socket as soon as the first connection is there.
static void stream_closes(struct node *node, const struct zmtp_event *event)
{
    struct stream *stream = node->other;
    if (event->kind != ZMTP_EVENT_HANDSHAKE_DONE) return;
    assert_in_range(event->routing_id.size, 1, ID_MAX);
    memcpy(stream->id, event->routing_id.data, event->routing_id.size);
    zmtp_uv_socket_close(node->socket, NULL, NULL);
    assert_memory_equal(event->routing_id.data, stream->id, event->routing_id.size);
    stream->notices++;
}

static void test_an_event_stays_readable_when_its_callback_closes_the_socket(void **state)
{
    (void)state;
    struct stream stream;
    struct stranger stranger;
    stream_init(&stream, ZMTP_TCP);
    stream.node.act = NULL;
    stream.node.note = stream_closes;
    node_open(&stream.node);
    node_bind(&stream.node, stream.endpoint);
    stranger_open(&stranger, &stream.world, stream.endpoint);
    WORLD_UNTIL(&stream.world, stream.notices == 1);
    stranger_close(&stranger);
    world_close(&stream.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plain_client_is_heard_answered_and_seen),
        cmocka_unit_test(test_a_client_that_ends_is_heard_to_the_last_octet_and_then_its_end),
        cmocka_unit_test(test_a_client_that_goes_on_talking_gets_all_of_the_answer),
        cmocka_unit_test(test_notices_can_be_switched_off),
        cmocka_unit_test(test_a_dialled_connection_has_its_id_and_each_conversation_its_own_octets),
        cmocka_unit_test(test_a_made_id_can_be_known_before_there_is_a_connection),
        cmocka_unit_test(test_one_that_is_closed_before_it_is_connected_is_dialled_no_more),
        cmocka_unit_test(test_what_a_stream_cannot_do_is_refused_in_words),
        cmocka_unit_test(test_two_streams_carry_a_mebibyte_each_way_unchanged),
        cmocka_unit_test(test_an_event_stays_readable_when_its_callback_closes_the_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
