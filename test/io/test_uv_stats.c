// Counters and peers as text, whatever strangers call themselves.
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/world.h"

enum { HOSTILE = 3 };

// A ROUTER, and DEALERs with routing ids that would break a careless writer.
struct stage {
    struct world world;
    struct node router, dealers[HOSTILE];
    uint8_t all[UINT8_MAX];
    struct zmtp_bytes ids[HOSTILE];
};

static void stage_open(struct stage *stage, enum zmtp_transport transport)
{
    static const char forged[] = "a\"} 1\nzmtp_peer_up{socket=\"1\"} 7\n\\";
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&stage->world);
    for (size_t i = 0; i < sizeof stage->all; i++)
        stage->all[i] = (uint8_t)(i + 1);
    stage->ids[0] = zmtp_bytes_of(stage->all, sizeof stage->all);
    stage->ids[1] = zmtp_bytes_text(forged);
    stage->ids[2] = zmtp_bytes_of("x\0\xc3\x28\x7f", 5);
    node_start(&stage->router, &stage->world, ZMTP_ROUTER);
    world_endpoint(&stage->world, transport, endpoint);
    node_bind(&stage->router, endpoint);
    for (size_t i = 0; i < HOSTILE; i++) {
        struct node *dealer = &stage->dealers[i];
        node_init(dealer, &stage->world, ZMTP_DEALER);
        dealer->config.socket.routing_id = stage->ids[i];
        node_open(dealer);
        node_connect(dealer, endpoint);
        node_send(dealer, "hello");
        WORLD_UNTIL(&stage->world, stage->router.received == i + 1);
    }
}

// The whole text, in memory of exactly its size.
static char *whole(struct stage *stage, bool json)
{
    struct zmtp_uv_socket *socket = stage->router.socket;
    struct zmtp_uv *uv = stage->world.uv;
    const int64_t size =
        json ? zmtp_uv_stats_json(socket, NULL, 0) : zmtp_uv_stats_prometheus(uv, NULL, 0);
    assert_true(size > 0);
    const size_t room = (size_t)size + 1;
    char *text = malloc(room);
    assert_non_null(text);
    assert_int_equal(json ? zmtp_uv_stats_json(socket, text, room)
                          : zmtp_uv_stats_prometheus(uv, text, room),
                     size);
    assert_int_equal(strlen(text), size);
    for (const char *at = text; *at; at++)
        assert_true((*at >= 0x20 && *at < 0x7f) || (!json && *at == '\n'));
    return text;
}

// Undoes what JSON makes of octets: each is one character up to U+00FF.
static struct zmtp_bytes octets_of(const json_t *string, uint8_t out[UINT8_MAX])
{
    const uint8_t *utf8 = (const uint8_t *)json_string_value(string);
    const size_t size = json_string_length(string);
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        const bool wide = utf8[i] >= 0x80;
        assert_true(count < UINT8_MAX);
        out[count++] = wide ? (uint8_t)((utf8[i] & 3) << 6 | (utf8[i + 1] & 0x3f)) : utf8[i];
        if (wide) i++;
    }
    return zmtp_bytes_of(out, count);
}

static void test_json_gives_every_octet_of_a_routing_id_back(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, ZMTP_TCP);
    char *text = whole(&stage, true);
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!root) fail_msg("%s: %s", error.text, text);
    assert_string_equal(json_string_value(json_object_get(root, "type")), "ROUTER");
    assert_int_equal(json_integer_value(json_object_get(root, "received")), HOSTILE);
    const json_t *dropped = json_object_get(root, "dropped");
    assert_int_equal(json_object_size(dropped), ZMTP_DROPS);
    const json_t *peers = json_object_get(root, "peers");
    assert_int_equal(json_array_size(peers), HOSTILE);
    bool seen[HOSTILE] = {false};
    for (size_t i = 0; i < HOSTILE; i++) {
        uint8_t room[UINT8_MAX];
        const json_t *peer = json_array_get(peers, i);
        const struct zmtp_bytes id = octets_of(json_object_get(peer, "routing_id"), room);
        for (size_t k = 0; k < HOSTILE; k++)
            if (zmtp_bytes_equal(id, stage.ids[k])) seen[k] = true;
        const json_t *metadata = json_object_get(peer, "metadata");
        assert_string_equal(json_string_value(json_object_get(metadata, "Socket-Type")), "DEALER");
        assert_true(zmtp_bytes_equal(octets_of(json_object_get(metadata, "Identity"), room), id));
        assert_string_equal(json_string_value(json_object_get(peer, "state")), "traffic");
        assert_int_equal(json_integer_value(json_object_get(peer, "messages_in")), 1);
    }
    for (size_t k = 0; k < HOSTILE; k++)
        assert_true(seen[k]);
    json_decref(root);
    free(text);
    world_close(&stage.world);
}

// Reads a label's value after its opening quote; returns what follows the closing one. Null: it is none.
static const char *skip_label_value(const char *at)
{
    for (; *at != '"'; at++) {
        if (*at == '\0' || *at == '\n') return NULL;
        if (*at != '\\') continue;
        at++;
        if (*at != '\\' && *at != '"' && *at != 'n') return NULL;
    }
    return at + 1;
}

// Reads name{label="value",...} number, and returns where the braces end; null: it is no sample.
static const char *skip_sample(const char *line)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyz_";
    const char *at = line + strspn(line, name);
    if (at == line || *at != '{') return NULL;
    do {
        at++;
        const size_t size = strspn(at, name);
        if (size == 0 || at[size] != '=' || at[size + 1] != '"') return NULL;
        at = skip_label_value(at + size + 2);
        if (!at) return NULL;
    } while (*at == ',');
    if (at[0] != '}' || at[1] != ' ') return NULL;
    const char *const end = at + 1;
    const size_t digits = strspn(at + 2, "0123456789");
    return digits > 0 && at[2 + digits] == '\0' ? end : NULL;
}

// A metric's samples follow its TYPE line, and none comes twice. Returns how many samples there are.
static size_t check_page(char *page)
{
    enum { LINES = 1000 };
    static const char *samples[LINES];
    static size_t sizes[LINES];
    const char *metric = "";
    size_t count = 0;
    for (char *rest, *line = strtok_r(page, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "# TYPE ", 7) == 0) {
            metric = line + 7;
            continue;
        }
        if (line[0] == '#') continue;
        const char *end = skip_sample(line);
        if (!end) fail_msg("no sample: %s", line);
        const size_t name_size = strcspn(line, "{");
        assert_int_equal(strncmp(line, metric, name_size), 0);
        assert_int_equal(metric[name_size], ' ');
        assert_true(count < LINES);
        samples[count] = line;
        sizes[count] = (size_t)(end - line);
        for (size_t i = 0; i < count; i++)
            if (sizes[i] == sizes[count] && memcmp(samples[i], line, sizes[i]) == 0)
                fail_msg("twice: %s", line);
        count++;
    }
    return count;
}

static void test_a_page_for_prometheus_stays_one_whatever_peers_are_called(void **state)
{
    (void)state;
    static const enum zmtp_transport transports[] = {ZMTP_TCP, ZMTP_IPC, ZMTP_INPROC};
    for (size_t i = 0; i < sizeof transports / sizeof transports[0]; i++) {
        struct stage stage;
        stage_open(&stage, transports[i]);
        char *page = whole(&stage, false);
        assert_non_null(strstr(page, "routing_id=\"a\\\"} 1\\\\x0azmtp_peer_up{socket=\\\"1\\\"} 7"
                                     "\\\\x0a\\\\\\\\\""));
        assert_non_null(
            strstr(page, "zmtp_messages_received_total{socket=\"1\",type=\"ROUTER\"} 3"));
        // 4 sockets with 10 counters and the reasons for drops; 6 rows of 8 metrics, none of the time
        // of a PING.
        assert_int_equal(check_page(page), 4 * (10 + ZMTP_DROPS) + 6 * 8);
        free(page);
        world_close(&stage.world);
    }
}

static void test_a_buffer_that_is_too_small_is_never_overrun(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage, ZMTP_INPROC);
    for (int json = 0; json < 2; json++) {
        char *text = whole(&stage, json);
        const size_t size = strlen(text);
        for (size_t room = 1; room <= size; room += 1 + room / 8) {
            char *small = malloc(room);
            assert_non_null(small);
            assert_int_equal(json ? zmtp_uv_stats_json(stage.router.socket, small, room)
                                  : zmtp_uv_stats_prometheus(stage.world.uv, small, room),
                             size);
            assert_int_equal(strlen(small), room - 1);
            assert_memory_equal(small, text, room - 1);
            free(small);
        }
        free(text);
    }
    char octet = 'x';
    assert_int_equal(zmtp_uv_stats_json(NULL, &octet, 1), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_stats_json(stage.router.socket, NULL, 1), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_stats_prometheus(NULL, &octet, 1), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_stats_prometheus(stage.world.uv, NULL, 1), ZMTP_ERR_ARGUMENT);
    world_close(&stage.world);
}

static void test_a_dial_that_nobody_answers_is_a_row_too(void **state)
{
    (void)state;
    struct world world;
    struct node node;
    char endpoint[ZMTP_ENDPOINT_MAX], text[2000];
    world_open(&world);
    node_start(&node, &world, ZMTP_DEALER);
    world_endpoint(&world, ZMTP_TCP, endpoint);
    node_connect(&node, endpoint);
    WORLD_UNTIL(&world, node.events[ZMTP_EVENT_RETRY] > 0);
    assert_in_range(zmtp_uv_stats_json(node.socket, text, sizeof text), 1, sizeof text - 1);
    assert_non_null(strstr(text, endpoint));
    assert_non_null(strstr(text, "\"dialled\":true,\"connected\":false,\"bytes_in\":0"));
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_gives_every_octet_of_a_routing_id_back),
        cmocka_unit_test(test_a_page_for_prometheus_stays_one_whatever_peers_are_called),
        cmocka_unit_test(test_a_buffer_that_is_too_small_is_never_overrun),
        cmocka_unit_test(test_a_dial_that_nobody_answers_is_a_row_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
