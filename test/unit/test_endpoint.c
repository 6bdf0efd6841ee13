// Endpoints: what is read from their text, and the reason given when it cannot be read.
#include "test/support/octets.h"
#include "zmtp/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static struct zmtp_endpoint parsed(const char *text)
{
    struct zmtp_endpoint endpoint;
    const char *why = "untouched";
    assert_int_equal(zmtp_endpoint_parse(text, &endpoint, &why), ZMTP_OK);
    assert_string_equal(why, "untouched");
    return endpoint;
}

static void assert_refused(const char *text, int error)
{
    struct zmtp_endpoint endpoint, before;
    memset(&endpoint, 0x5A, sizeof endpoint);
    memcpy(&before, &endpoint, sizeof endpoint);
    const char *why = NULL;
    assert_int_equal(zmtp_endpoint_parse(text, &endpoint, &why), error);
    assert_int_equal(zmtp_endpoint_parse(text, &endpoint, NULL), error);
    assert_non_null(why);
    assert_true(strlen(why) > 0);
    assert_memory_equal(&endpoint, &before, sizeof endpoint); // written only on success
}

static void test_tcp_has_a_host_and_a_port(void **state)
{
    (void)state;
    const struct {
        const char *text, *host;
        uint16_t port;
        bool port_any;
    } cases[] = {
        {"tcp://127.0.0.1:5555", "127.0.0.1", 5555, false},
        {"tcp://example.com:80", "example.com", 80, false},
        {"tcp://my_host-2.local:1", "my_host-2.local", 1, false},
        {"tcp://*:65535", "*", 65535, false},
        {"tcp://*:*", "*", 0, true},
        {"tcp://lo:*", "lo", 0, true},
        {"tcp://h:0", "h", 0, true},
        {"tcp://h:00080", "h", 80, false},
        {"tcp://[::1]:5555", "::1", 5555, false},
        {"tcp://[::]:*", "::", 0, true},
        {"tcp://[fe80::1%eth0]:9", "fe80::1%eth0", 9, false},
        {"tcp://[::ffff:10.0.0.1]:9", "::ffff:10.0.0.1", 9, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct zmtp_endpoint endpoint = parsed(cases[i].text);
        assert_int_equal(endpoint.transport, ZMTP_TCP);
        octets_assert_equal(endpoint.host, zmtp_bytes_text(cases[i].host));
        assert_int_equal(endpoint.port, cases[i].port);
        assert_int_equal(endpoint.port_any, cases[i].port_any);
        assert_int_equal(endpoint.path.size, 0);
    }
}

static void test_a_dial_may_say_where_it_comes_from(void **state)
{
    (void)state;
    const struct {
        const char *text, *source, *host;
        uint16_t source_port, port;
    } cases[] = {
        {"tcp://192.0.2.1:7;192.0.2.2:8", "192.0.2.1", "192.0.2.2", 7, 8},
        {"tcp://192.0.2.1;name:8", "192.0.2.1", "name", 0, 8},
        {"tcp://eth0:0;name:8", "eth0", "name", 0, 8},
        {"tcp://eth0:*;name:8", "eth0", "name", 0, 8},
        {"tcp://*:7;name:8", "*", "name", 7, 8},
        {"tcp://[::1]:7;[::2]:8", "::1", "::2", 7, 8},
        {"tcp://[fe80::1%eth0];[::2]:8", "fe80::1%eth0", "::2", 0, 8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct zmtp_endpoint endpoint = parsed(cases[i].text);
        octets_assert_equal(endpoint.source, zmtp_bytes_text(cases[i].source));
        octets_assert_equal(endpoint.host, zmtp_bytes_text(cases[i].host));
        assert_int_equal(endpoint.source_port, cases[i].source_port);
        assert_int_equal(endpoint.port, cases[i].port);
    }
    const char *const texts[] = {"tcp://;h:1",     "tcp://a;:1",      "tcp://a;h",
                                 "tcp://a;b;h:1",  "tcp://a:;h:1",    "tcp://::1;h:1",
                                 "tcp://[::1;h:1", "tcp://a:x;h:1",   "tcp://a:65536;h:1",
                                 "tcp://h:1;",     "tcp://[::1]x;h:1"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_refused(texts[i], ZMTP_ERR_ENDPOINT);
    }
}

static void test_a_vsock_has_a_context_id_and_a_port(void **state)
{
    (void)state;
    struct zmtp_endpoint endpoint = parsed("vsock://2:1024");
    assert_int_equal(endpoint.transport, ZMTP_VSOCK);
    assert_int_equal(endpoint.cid, 2);
    assert_int_equal(endpoint.port, 1024);
    assert_false(endpoint.cid_any || endpoint.port_any);
    endpoint = parsed("vsock://*:*");
    assert_true(endpoint.cid_any && endpoint.port_any);
    endpoint = parsed("vsock://4294967294:4294967294");
    assert_int_equal(endpoint.cid, UINT32_MAX - 1);
    assert_int_equal(endpoint.port, UINT32_MAX - 1);
    const char *const texts[] = {"vsock://",
                                 "vsock://2",
                                 "vsock://2:",
                                 "vsock://:1",
                                 "vsock://a:1",
                                 "vsock://4294967295:1",
                                 "vsock://1:4294967295",
                                 "vsock://-1:1",
                                 "vsock://1:1x",
                                 "vsock://99999999999:1"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_refused(texts[i], ZMTP_ERR_ENDPOINT);
    }
}

static void test_udp_has_a_host_a_port_and_for_a_group_an_interface(void **state)
{
    (void)state;
    const struct {
        const char *text, *source, *host;
        uint16_t port;
    } cases[] = {
        {"udp://127.0.0.1:5555", "", "127.0.0.1", 5555},
        {"udp://*:5555", "", "*", 5555},
        {"udp://localhost:*", "", "localhost", 0},
        {"udp://239.0.0.1:5555", "", "239.0.0.1", 5555},
        {"udp://eth0;239.0.0.1:5555", "eth0", "239.0.0.1", 5555},
        {"udp://192.168.1.5;239.0.0.1:5555", "192.168.1.5", "239.0.0.1", 5555},
        {"udp://*;[ff02::1]:5555", "*", "ff02::1", 5555},
        {"udp://[fe80::1];[ff02::1]:5555", "fe80::1", "ff02::1", 5555},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct zmtp_endpoint endpoint = parsed(cases[i].text);
        assert_int_equal(endpoint.transport, ZMTP_UDP);
        octets_assert_equal(endpoint.source, zmtp_bytes_text(cases[i].source));
        octets_assert_equal(endpoint.host, zmtp_bytes_text(cases[i].host));
        assert_int_equal(endpoint.port, cases[i].port);
        assert_int_equal(endpoint.port_any, cases[i].port == 0);
        assert_int_equal(endpoint.source_port, 0);
    }
    static const char *const refused[] = {
        "udp://",      "udp://127.0.0.1",          "udp://:5",      "udp://127.0.0.1:65536",
        "udp://::1:5", "udp://;239.0.0.1:5",       "udp://eth0;:5", "udp://eth0;239.0.0.1",
        "udp://a b:5", "udp://eth0:5;239.0.0.1:5", "udp://a;b;c:5", "udp://[::1]:5;[ff02::1]:5",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_refused(refused[i], ZMTP_ERR_ENDPOINT);
}

static void test_views_point_into_the_text(void **state)
{
    (void)state;
    const char *const text = "tcp://abc:1";
    assert_ptr_equal(parsed(text).host.data, text + 6);
}

static void test_ipc_has_a_path_or_an_abstract_name(void **state)
{
    (void)state;
    const struct zmtp_endpoint file = parsed("ipc:///tmp/a b:c");
    assert_int_equal(file.transport, ZMTP_IPC);
    assert_false(file.abstract);
    octets_assert_equal(file.path, LITERAL("/tmp/a b:c"));

    const struct zmtp_endpoint relative = parsed("ipc://x");
    octets_assert_equal(relative.path, LITERAL("x"));
    assert_false(relative.path_any);
    assert_true(parsed("ipc://*").path_any);
    assert_false(parsed("ipc://*x").path_any);
    assert_false(parsed("ipc://@*").path_any);

    const struct zmtp_endpoint abstract = parsed("ipc://@name");
    assert_true(abstract.abstract);
    octets_assert_equal(abstract.path, LITERAL("name"));
}

static void test_inproc_has_a_name_of_any_octets(void **state)
{
    (void)state;
    const struct zmtp_endpoint endpoint = parsed("inproc://a/b://c d");
    assert_int_equal(endpoint.transport, ZMTP_INPROC);
    octets_assert_equal(endpoint.path, LITERAL("a/b://c d"));
}

static void test_an_unknown_scheme_is_told_apart_from_a_bad_endpoint(void **state)
{
    (void)state;
    const char *const schemes[] = {"wss://h:1", "pgm://h:1", "tcps://h:1", "TCP://h:1", "x://"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        assert_refused(schemes[i], ZMTP_ERR_TRANSPORT);
    }
    const char *const shapeless[] = {"", ":", "tcp", "tcp:", "tcp:/", "tcp:/h:1", "://h:1", "h:1"};
    for (size_t i = 0; i < sizeof shapeless / sizeof shapeless[0]; i++) {
        assert_refused(shapeless[i], ZMTP_ERR_ENDPOINT);
    }
    assert_refused(NULL, ZMTP_ERR_ENDPOINT);
}

static void test_a_port_is_a_number_up_to_65535_or_a_star(void **state)
{
    (void)state;
    const char *const texts[] = {
        "tcp://h",    "tcp://h:",   "tcp://h:65536",  "tcp://h:99999", "tcp://h:000080",
        "tcp://h:-1", "tcp://h:+1", "tcp://h: 1",     "tcp://h:1 ",    "tcp://h:0x10",
        "tcp://h:1a", "tcp://h:**", "tcp://h:1/path", "tcp://h:80:*x", "tcp://[::1]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_refused(texts[i], ZMTP_ERR_ENDPOINT);
    }
}

static void test_a_host_is_a_name_an_address_in_brackets_or_a_star(void **state)
{
    (void)state;
    const char *const texts[] = {
        "tcp://",         "tcp://:1",       "tcp://::1:5",     "tcp://[]:5",    "tcp://[:5",
        "tcp://]:5",      "tcp://[::1:5",   "tcp://::1]:5",    "tcp://[h]:5",   "tcp://[*]:5",
        "tcp://[::1]x:5", "tcp://[::1 ]:5", "tcp://[[::1]]:5", "tcp://**:5",    "tcp://a*:5",
        "tcp://a b:5",    "tcp://a/b:5",    "tcp://a\n:5",     "tcp://a\x80:5", "tcp://u@h:5",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_refused(texts[i], ZMTP_ERR_ENDPOINT);
    }
}

// "ipc://" and |size| octets of path.
static const char *long_path(const char *scheme, size_t size)
{
    static char text[512];
    const size_t start = strlen(scheme);
    assert_true(start + size < sizeof text);
    memcpy(text, scheme, start);
    memset(text + start, 'p', size);
    text[start + size] = 0;
    return text;
}

static void test_an_ipc_path_fits_a_socket_address(void **state)
{
    (void)state;
    assert_refused("ipc://", ZMTP_ERR_ENDPOINT);
    assert_refused("ipc://@", ZMTP_ERR_ENDPOINT);
    assert_int_equal(parsed(long_path("ipc://", 107)).path.size, 107);
    assert_refused(long_path("ipc://", 108), ZMTP_ERR_ENDPOINT);
    assert_int_equal(parsed(long_path("ipc://@", 107)).path.size, 107);
    assert_refused(long_path("ipc://@", 108), ZMTP_ERR_ENDPOINT);
}

static void test_an_endpoint_has_at_most_255_octets(void **state)
{
    (void)state;
    assert_refused("inproc://", ZMTP_ERR_ENDPOINT);
    assert_int_equal(parsed(long_path("inproc://", 255 - 9)).path.size, 255 - 9);
    assert_refused(long_path("inproc://", 256 - 9), ZMTP_ERR_ENDPOINT);
}

// ZWS45-HS-03
static void test_ws_has_a_host_a_port_and_a_path(void **state)
{
    (void)state;
    const struct {
        const char *text, *host, *path;
        uint16_t port;
        bool port_any;
    } cases[] = {
        {"ws://127.0.0.1:5555/zeromq", "127.0.0.1", "/zeromq", 5555, false},
        {"ws://server.example.com/zeromq", "server.example.com", "/zeromq", 80, false},
        {"ws://h:81", "h", "/", 81, false},
        {"ws://h", "h", "/", 80, false},
        {"ws://*:*/a/b:c]d", "*", "/a/b:c]d", 0, true},
        {"ws://[::1]:9/", "::1", "/", 9, false},
        {"ws://[::1]/x", "::1", "/x", 80, false},
        {"ws://[::1]", "::1", "/", 80, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct zmtp_endpoint endpoint = parsed(cases[i].text);
        assert_int_equal(endpoint.transport, ZMTP_WS);
        octets_assert_equal(endpoint.host, zmtp_bytes_text(cases[i].host));
        octets_assert_equal(endpoint.path, zmtp_bytes_text(cases[i].path));
        assert_int_equal(endpoint.port, cases[i].port);
        assert_int_equal(endpoint.port_any, cases[i].port_any);
    }
    const char *const texts[] = {"ws://",         "ws:///x",      "ws://:1/x",      "ws://h:x/",
                                 "ws://h:1/a b",  "ws://h:1/a?b", "ws://h:1/a#b",   "ws://h:1/\r\n",
                                 "ws://h:1/\x80", "ws://a b/",    "ws://[::1/",     "ws://::1/x",
                                 "ws://[::1]x/",  "ws://h:/x",    "ws://h:65536/x", "ws://u@h/x"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_refused(texts[i], ZMTP_ERR_ENDPOINT);
    assert_int_equal(parsed(long_path("ws://h/", 127)).path.size, 128);
    assert_refused(long_path("ws://h/", 128), ZMTP_ERR_ENDPOINT);
    // A port and a path that are missing are spelled when it is told: 251 octets and ":80/" are the most.
    char host[ZMTP_ENDPOINT_MAX];
    memset(host, 'h', sizeof host);
    memcpy(host, "ws://", 5);
    host[251] = '\0';
    assert_int_equal(parsed(host).host.size, 246);
    host[251] = 'h';
    host[252] = '\0';
    assert_refused(host, ZMTP_ERR_ENDPOINT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp_has_a_host_and_a_port),
        cmocka_unit_test(test_a_dial_may_say_where_it_comes_from),
        cmocka_unit_test(test_a_vsock_has_a_context_id_and_a_port),
        cmocka_unit_test(test_udp_has_a_host_a_port_and_for_a_group_an_interface),
        cmocka_unit_test(test_views_point_into_the_text),
        cmocka_unit_test(test_ipc_has_a_path_or_an_abstract_name),
        cmocka_unit_test(test_inproc_has_a_name_of_any_octets),
        cmocka_unit_test(test_an_unknown_scheme_is_told_apart_from_a_bad_endpoint),
        cmocka_unit_test(test_a_port_is_a_number_up_to_65535_or_a_star),
        cmocka_unit_test(test_a_host_is_a_name_an_address_in_brackets_or_a_star),
        cmocka_unit_test(test_an_ipc_path_fits_a_socket_address),
        cmocka_unit_test(test_ws_has_a_host_a_port_and_a_path),
        cmocka_unit_test(test_an_endpoint_has_at_most_255_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
