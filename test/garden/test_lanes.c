#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <garden/lanes.h>
#include <stdio.h>
#include <string.h>

static void test_every_lane_has_its_name_in_the_order_of_the_ports(void **state)
{
    (void)state;
    static const char *const names[] = {"control", "shell", "iopub", "hb", "query"};
    for (unsigned i = 0; i < GARDEN_LANES; i++)
        assert_string_equal(garden_lane_name((enum garden_lane)i), names[i]);
    assert_string_equal(garden_lane_name(GARDEN_LANES), "unknown");
    assert_string_equal(garden_lane_name((enum garden_lane)1000), "unknown");
}

static void test_local_endpoints_are_sockets_in_the_folder(void **state)
{
    (void)state;
    struct garden_endpoints endpoints;
    assert_int_equal(garden_endpoints_local(&endpoints, "/run/user/1000/garden"), GARDEN_OK);
    assert_string_equal(endpoints.of[GARDEN_LANE_CONTROL], "ipc:///run/user/1000/garden/control");
    assert_string_equal(endpoints.of[GARDEN_LANE_SHELL], "ipc:///run/user/1000/garden/shell");
    assert_string_equal(endpoints.of[GARDEN_LANE_IOPUB], "ipc:///run/user/1000/garden/iopub");
    assert_string_equal(endpoints.of[GARDEN_LANE_HEARTBEAT], "ipc:///run/user/1000/garden/hb");
    assert_string_equal(endpoints.of[GARDEN_LANE_QUERY], "ipc:///run/user/1000/garden/query");
}

// 107 octets is what a local socket's name may have; the longest lane's name is "/control".
static void test_a_folder_is_taken_up_to_the_last_octet_that_fits(void **state)
{
    (void)state;
    struct garden_endpoints endpoints;
    struct zmtp_endpoint parsed;
    char folder[512];
    memset(folder, 'x', sizeof folder);
    folder[0] = '/';
    folder[107 - strlen("/control")] = 0;
    assert_int_equal(garden_endpoints_local(&endpoints, folder), GARDEN_OK);
    for (unsigned i = 0; i < GARDEN_LANES; i++)
        assert_int_equal(zmtp_endpoint_parse(endpoints.of[i], &parsed, NULL), ZMTP_OK);
    folder[107 - strlen("/control")] = 'x';
    folder[107 - strlen("/control") + 1] = 0;
    assert_int_equal(garden_endpoints_local(&endpoints, folder), GARDEN_ERR_RANGE);
    folder[107 - strlen("/control") + 1] = 'x';
    folder[sizeof folder - 1] = 0;
    assert_int_equal(garden_endpoints_local(&endpoints, folder), GARDEN_ERR_RANGE);
}

static void test_plain_endpoints_are_where_other_peers_look(void **state)
{
    (void)state;
    struct garden_endpoints endpoints;
    garden_endpoints_plain(&endpoints);
    assert_string_equal(endpoints.of[GARDEN_LANE_CONTROL], "ipc:///tmp/chaosgarden-control");
    assert_string_equal(endpoints.of[GARDEN_LANE_HEARTBEAT], "ipc:///tmp/chaosgarden-hb");
    assert_string_equal(endpoints.of[GARDEN_LANE_QUERY], "ipc:///tmp/chaosgarden-query");
}

static void test_tcp_endpoints_follow_each_other_from_the_base(void **state)
{
    (void)state;
    struct garden_endpoints endpoints;
    for (unsigned base = 1; base <= 65531; base += 65530) {
        assert_int_equal(garden_endpoints_tcp(&endpoints, "127.0.0.1", (uint16_t)base), GARDEN_OK);
        for (unsigned i = 0; i < GARDEN_LANES; i++) {
            char expected[64];
            snprintf(expected, sizeof expected, "tcp://127.0.0.1:%u", base + i);
            assert_string_equal(endpoints.of[i], expected);
        }
    }
    assert_int_equal(garden_endpoints_tcp(&endpoints, "127.0.0.1", 65532), GARDEN_ERR_RANGE);
    assert_int_equal(garden_endpoints_tcp(&endpoints, "127.0.0.1", 65535), GARDEN_ERR_RANGE);
}

static void test_a_base_of_zero_lets_each_lane_pick_a_port(void **state)
{
    (void)state;
    struct garden_endpoints endpoints;
    assert_int_equal(garden_endpoints_tcp(&endpoints, "[::1]", 0), GARDEN_OK);
    for (unsigned i = 0; i < GARDEN_LANES; i++)
        assert_string_equal(endpoints.of[i], "tcp://[::1]:0");
}

static void test_a_host_or_prefix_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct garden_endpoints endpoints;
    char text[GARDEN_ENDPOINT_SIZE + 1];
    memset(text, 'x', sizeof text);
    text[GARDEN_ENDPOINT_SIZE - sizeof "tcp://:65535"] = 0;
    assert_int_equal(garden_endpoints_tcp(&endpoints, text, 65531), GARDEN_OK);
    text[GARDEN_ENDPOINT_SIZE - sizeof "tcp://:65535"] = 'x';
    text[GARDEN_ENDPOINT_SIZE - sizeof "tcp://:65535" + 1] = 0;
    assert_int_equal(garden_endpoints_tcp(&endpoints, text, 65531), GARDEN_ERR_RANGE);
    text[GARDEN_ENDPOINT_SIZE - sizeof "tcp://:65535" + 1] = 'x';
    text[GARDEN_ENDPOINT_SIZE - sizeof "inproc://-control"] = 0;
    assert_int_equal(garden_endpoints_inproc(&endpoints, text), GARDEN_OK);
    assert_int_equal(strlen(endpoints.of[GARDEN_LANE_CONTROL]), GARDEN_ENDPOINT_SIZE - 1);
    text[GARDEN_ENDPOINT_SIZE - sizeof "inproc://-control"] = 'x';
    text[GARDEN_ENDPOINT_SIZE] = 0;
    assert_int_equal(garden_endpoints_inproc(&endpoints, text), GARDEN_ERR_RANGE);
}

static void test_inproc_endpoints_share_a_prefix(void **state)
{
    (void)state;
    struct garden_endpoints endpoints;
    assert_int_equal(garden_endpoints_inproc(&endpoints, "g"), GARDEN_OK);
    assert_string_equal(endpoints.of[GARDEN_LANE_IOPUB], "inproc://g-iopub");
    assert_string_equal(endpoints.of[GARDEN_LANE_HEARTBEAT], "inproc://g-hb");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_lane_has_its_name_in_the_order_of_the_ports),
        cmocka_unit_test(test_local_endpoints_are_sockets_in_the_folder),
        cmocka_unit_test(test_a_folder_is_taken_up_to_the_last_octet_that_fits),
        cmocka_unit_test(test_plain_endpoints_are_where_other_peers_look),
        cmocka_unit_test(test_tcp_endpoints_follow_each_other_from_the_base),
        cmocka_unit_test(test_a_base_of_zero_lets_each_lane_pick_a_port),
        cmocka_unit_test(test_a_host_or_prefix_that_does_not_fit_is_refused),
        cmocka_unit_test(test_inproc_endpoints_share_a_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
