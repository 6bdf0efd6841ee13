// What the daemon's side takes first when all lanes have something for it. The order is asserted and
// what is answered is counted; nothing here is about time.
#include "pair.h"

enum { FLOOD = 1000, AMID = 100, ORDER_MAX = 4 * FLOOD };

// Sends requests without waiting for their replies, which it counts.
struct flooder {
    struct zmtp_uv_socket *socket;
    size_t replies;
    bool up, closed;
};

// The lanes of the requests in the order they came to the daemon's owner.
static struct {
    enum garden_lane order[ORDER_MAX];
    size_t count, asked_at; // how many had come when the urgent one was asked for
    struct asked urgent;
    bool ask; // amid the flood
} seen;

static void on_reply(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    (void)socket;
    (void)msg;
    struct flooder *flooder = user;
    flooder->replies++;
}

static void on_event(struct zmtp_uv_socket *socket, const struct zmtp_event *event, void *user)
{
    (void)socket;
    struct flooder *flooder = user;
    if (event->kind == ZMTP_EVENT_HANDSHAKE_DONE) flooder->up = true;
}

static void on_closed(void *user)
{
    ((struct flooder *)user)->closed = true;
}

static void flooder_open(struct flooder *flooder, struct pair *pair, enum garden_lane lane)
{
    struct zmtp_uv_config config;
    *flooder = (struct flooder){0};
    zmtp_uv_config_init(&config, ZMTP_DEALER);
    config.socket.send_count_max = config.socket.recv_count_max = 0;
    config.on_message = on_reply;
    config.on_event = on_event;
    config.user = flooder;
    assert_int_equal(zmtp_uv_socket_open(&flooder->socket, pair->world.uv, &config), ZMTP_OK);
    assert_int_equal(zmtp_uv_connect(flooder->socket, pair->endpoints.of[lane]), ZMTP_OK);
    WORLD_UNTIL(&pair->world, flooder->up);
}

static void flooder_close(struct flooder *flooder, struct pair *pair)
{
    zmtp_uv_socket_close(flooder->socket, on_closed, flooder);
    WORLD_UNTIL(&pair->world, flooder->closed);
}

static void flood(struct flooder *flooder, enum garden_family family)
{
    const struct garden_form form = {GARDEN_MSGPACK, GARDEN_EXTERNAL};
    for (uint32_t i = 0; i < FLOOD; i++) {
        struct garden_message message;
        struct garden_buffer octets;
        struct garden_uuid id = {{(uint8_t)family, 1}};
        memcpy(id.octets + 12, &i, sizeof i);
        garden_message_init(&message, family, id, id, (struct garden_time){0});
        if (family == GARDEN_QUERY_REQUEST)
            message.query_request.query = garden_text_of("q");
        else
            message.shell_request =
                (struct garden_shell_request){.kind = GARDEN_SHELL_SEEK, .seek = {i}};
        garden_buffer_init(&octets, NULL, 0);
        assert_int_equal(garden_message_encode(&message, form, &octets, NULL), GARDEN_OK);
        const struct zmtp_bytes parts[] = {garden_buffer_bytes(&octets)};
        assert_int_equal(zmtp_uv_send(flooder->socket, parts, 1), ZMTP_OK);
        garden_buffer_fini(&octets);
    }
}

static void on_request(struct pair *pair, struct garden_request *request)
{
    assert_true(seen.count < ORDER_MAX);
    seen.order[seen.count++] = request->lane;
    if (seen.ask && seen.count == AMID) {
        seen.asked_at = seen.count;
        assert_int_equal(ask_control(pair, GARDEN_CONTROL_PAUSE, &seen.urgent), GARDEN_OK);
    }
    pair_answer(pair, request);
}

static size_t place_of(enum garden_lane lane)
{
    size_t i = 0;
    while (i < seen.count && seen.order[i] != lane)
        i++;
    return i;
}

static void begin(struct pair *pair, struct flooder *shell, struct flooder *query,
                  enum zmtp_transport transport)
{
    memset(&seen, 0, sizeof seen);
    pair_start(pair, transport);
    pair->on_request = on_request;
    flooder_open(shell, pair, GARDEN_LANE_SHELL);
    flooder_open(query, pair, GARDEN_LANE_QUERY);
}

static void end(struct pair *pair, struct flooder *shell, struct flooder *query)
{
    WORLD_UNTIL(&pair->world, shell->replies >= FLOOD && query->replies >= FLOOD);
    WORLD_UNTIL(&pair->world, seen.urgent.answers == 1);
    assert_int_equal(shell->replies, FLOOD);
    assert_int_equal(query->replies, FLOOD);
    assert_int_equal(seen.urgent.kind, GARDEN_CONTROL_REPLY_OK);
    assert_int_equal(seen.count, 2 * FLOOD + 1);
    flooder_close(shell, pair);
    flooder_close(query, pair);
    pair_close(pair);
}

// G16: a thousand requests lie on both other lanes when it comes, in whatever order they came.
static void test_g16_control_is_taken_before_everything_that_shell_and_query_have_waiting(
    void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct pair pair;
        struct flooder shell, query;
        begin(&pair, &shell, &query, ZMTP_INPROC);
        if (first) assert_int_equal(ask_control(&pair, GARDEN_CONTROL_PAUSE, &seen.urgent), 0);
        flood(&shell, GARDEN_SHELL_REQUEST);
        flood(&query, GARDEN_QUERY_REQUEST);
        if (!first) assert_int_equal(ask_control(&pair, GARDEN_CONTROL_PAUSE, &seen.urgent), 0);
        WORLD_UNTIL(&pair.world, seen.count > 0);
        assert_int_equal(place_of(GARDEN_LANE_CONTROL), 0);
        end(&pair, &shell, &query);
    }
}

// G16: one that comes in the midst of a flood waits for a few slices and not for its end; shell and query
// take turns.
static void test_g16_control_that_comes_amid_a_flood_waits_for_a_few_slices_of_it(void **state)
{
    (void)state;
    enum { SLICE = 32, SLICES = 4 };
    static const enum zmtp_transport transports[] = {ZMTP_INPROC, ZMTP_IPC, ZMTP_TCP};
    for (size_t i = 0; i < sizeof transports / sizeof *transports; i++) {
        struct pair pair;
        struct flooder shell, query;
        begin(&pair, &shell, &query, transports[i]);
        flood(&shell, GARDEN_SHELL_REQUEST);
        flood(&query, GARDEN_QUERY_REQUEST);
        seen.ask = true;
        WORLD_UNTIL(&pair.world, seen.urgent.answers == 1);
        const size_t place = place_of(GARDEN_LANE_CONTROL);
        assert_in_range(place, seen.asked_at, seen.asked_at + SLICE * SLICES);
        end(&pair, &shell, &query);
    }
}

// G16: the two slow lanes get the same from a turn, so neither waits for the end of the other's flood.
static void test_g16_shell_and_query_take_turns(void **state)
{
    (void)state;
    struct pair pair;
    struct flooder shell, query;
    size_t shells = 0, most = 0;
    begin(&pair, &shell, &query, ZMTP_INPROC);
    flood(&shell, GARDEN_SHELL_REQUEST);
    flood(&query, GARDEN_QUERY_REQUEST);
    assert_int_equal(ask_control(&pair, GARDEN_CONTROL_PAUSE, &seen.urgent), GARDEN_OK);
    WORLD_UNTIL(&pair.world, seen.count == 2 * FLOOD + 1);
    for (size_t i = 0; i < FLOOD; i++) { // the first half of all
        if (seen.order[i] == GARDEN_LANE_SHELL) shells++;
        const size_t queries = i + 1 - shells;
        const size_t apart = shells > queries ? shells - queries : queries - shells;
        if (apart > most) most = apart;
    }
    assert_true(most <= 2);
    end(&pair, &shell, &query);
}

// G16: the heartbeat is as urgent: it is echoed before a flood that came first has been answered.
static void test_g16_the_heartbeat_does_not_wait_for_a_flood_either(void **state)
{
    (void)state;
    struct pair pair;
    struct flooder shell, query, heart;
    begin(&pair, &shell, &query, ZMTP_INPROC);
    flooder_open(&heart, &pair, GARDEN_LANE_HEARTBEAT);
    flood(&shell, GARDEN_SHELL_REQUEST);
    flood(&query, GARDEN_QUERY_REQUEST);
    const struct zmtp_bytes parts[] = {zmtp_bytes_text("ping")};
    assert_int_equal(zmtp_uv_send(heart.socket, parts, 1), ZMTP_OK);
    WORLD_UNTIL(&pair.world, heart.replies == 1);
    assert_true(seen.count < 100);
    assert_int_equal(ask_control(&pair, GARDEN_CONTROL_PAUSE, &seen.urgent), GARDEN_OK);
    flooder_close(&heart, &pair);
    end(&pair, &shell, &query);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_g16_control_is_taken_before_everything_that_shell_and_query_have_waiting),
        cmocka_unit_test(test_g16_control_that_comes_amid_a_flood_waits_for_a_few_slices_of_it),
        cmocka_unit_test(test_g16_shell_and_query_take_turns),
        cmocka_unit_test(test_g16_the_heartbeat_does_not_wait_for_a_flood_either),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
