// The handshake of WebSocket for ZWS 2.0: what each side says, and what it takes of the other.
#include "test/support/octets.h"
#include "zmtp/ws/upgrade.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

// The nonce of RFC 6455, section 1.2: "dGhlIHNhbXBsZSBub25jZQ==" in Base64.
static const uint8_t nonce[] = "the sample nonce";
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define GET "GET /zeromq HTTP/1.1\r\n"
#define HOST "Host: server.example.com\r\n"
#define SWITCH "HTTP/1.1 101 Switching Protocols\r\n"
#define PROTOCOL(names) "Sec-WebSocket-Protocol: " names "\r\n"

static struct zmtp__upgrade upgrade_of(const char *mechanism)
{
    return (struct zmtp__upgrade){.mechanism = mechanism,
                                  .authority = LITERAL("server.example.com"),
                                  .path = LITERAL("/zeromq")};
}

// Asks a server, in a block of exactly its size; |out| gets the answer, terminated.
static struct zmtp__upgrade_verdict answer(const struct zmtp__upgrade *upgrade, const char *request,
                                           char out[ZMTP__UPGRADE_OURS_MAX + 1])
{
    struct zmtp__upgrade_verdict verdict;
    const struct zmtp_bytes head = octets_prefix(zmtp_bytes_text(request), strlen(request));
    const size_t size = zmtp__upgrade_answer(upgrade, head, (uint8_t *)out, &verdict);
    octets_drop(head);
    assert_in_range(size, 1, ZMTP__UPGRADE_OURS_MAX);
    out[size] = '\0';
    assert_int_equal(verdict.error == ZMTP_OK, verdict.why[0] == '\0');
    return verdict;
}

static void assert_refused(const struct zmtp__upgrade *upgrade, const char *request, int error,
                           const char *status)
{
    char out[ZMTP__UPGRADE_OURS_MAX + 1], length[64];
    const struct zmtp__upgrade_verdict verdict = answer(upgrade, request, out);
    assert_int_equal(verdict.error, error);
    if (memcmp(out + 9, status, 3) != 0) fail_msg("%s answers %s", request, out);
    // Its words are the body, and its size is told.
    const char *const body = strstr(out, "\r\n\r\n") + 4;
    assert_memory_equal(body, verdict.why, strlen(verdict.why));
    snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body));
    assert_non_null(strstr(out, length));
    assert_non_null(strstr(out, "close"));
}

// ZWS45-HS-02, ZWS45-HS-03
static void test_a_client_asks_with_host_path_and_subprotocols_of_its_endpoint(void **state)
{
    (void)state;
    uint8_t out[ZMTP__UPGRADE_OURS_MAX];
    struct zmtp__upgrade upgrade = upgrade_of("NULL");
    octets_assert_equal(
        zmtp_bytes_of(out, zmtp__upgrade_ask(&upgrade, nonce, out)),
        LITERAL(GET HOST UPGRADE KEY VERSION PROTOCOL("ZWS2.0/NULL,ZWS2.0") "\r\n"));
    // Nothing weaker than its own mechanism is offered.
    upgrade = upgrade_of("CURVE");
    octets_assert_equal(zmtp_bytes_of(out, zmtp__upgrade_ask(&upgrade, nonce, out)),
                        LITERAL(GET HOST UPGRADE KEY VERSION PROTOCOL("ZWS2.0/CURVE") "\r\n"));
}

// ZWS45-HS-04
static void test_a_server_picks_the_subprotocol_of_its_mechanism(void **state)
{
    (void)state;
    const struct {
        const char *mechanism, *request, *chosen;
        bool bare;
    } cases[] = {
        {"NULL", GET HOST UPGRADE KEY VERSION PROTOCOL("ZWS2.0/NULL") "\r\n", "ZWS2.0/NULL", false},
        {"NULL", GET HOST UPGRADE KEY VERSION PROTOCOL("ZWS2.0,ZWS2.0/NULL") "\r\n", "ZWS2.0/NULL",
         false},
        {"NULL", GET HOST UPGRADE KEY VERSION PROTOCOL("ZWS2.0") "\r\n", "ZWS2.0", true},
        {"NULL",
         GET HOST UPGRADE KEY VERSION PROTOCOL("chat") PROTOCOL("ZWS2.0/PLAIN , ZWS2.0") "\r\n",
         "ZWS2.0", true},
        {"PLAIN", GET HOST UPGRADE KEY VERSION PROTOCOL("ZWS2.0,ZWS2.0/PLAIN") "\r\n",
         "ZWS2.0/PLAIN", false},
        {"CURVE", GET HOST UPGRADE KEY VERSION PROTOCOL("ZWS2.0/CURVE") "\r\n", "ZWS2.0/CURVE",
         false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[ZMTP__UPGRADE_OURS_MAX + 1], expected[ZMTP__UPGRADE_OURS_MAX];
        const struct zmtp__upgrade upgrade = upgrade_of(cases[i].mechanism);
        const struct zmtp__upgrade_verdict verdict = answer(&upgrade, cases[i].request, out);
        assert_int_equal(verdict.error, ZMTP_OK);
        assert_int_equal(verdict.bare, cases[i].bare);
        snprintf(expected, sizeof expected, SWITCH UPGRADE ACCEPT PROTOCOL("%s") "\r\n",
                 cases[i].chosen);
        assert_string_equal(out, expected);
    }
}

// ZWS45-HS-04
static void test_a_server_without_a_common_subprotocol_says_no(void **state)
{
    (void)state;
    static const char *const mechanisms[] = {"NULL", "PLAIN", "CURVE"};
    for (size_t i = 0; i < 3; i++) {
        const struct zmtp__upgrade upgrade = upgrade_of(mechanisms[i]);
        assert_refused(&upgrade, GET HOST UPGRADE KEY VERSION "\r\n", ZMTP_ERR_MECHANISM, "400");
        assert_refused(&upgrade, GET HOST UPGRADE KEY VERSION PROTOCOL("chat,ZWS2.0/BEARER") "\r\n",
                       ZMTP_ERR_MECHANISM, "400");
        if (i > 0) // never the weaker one because they want it
            assert_refused(&upgrade,
                           GET HOST UPGRADE KEY VERSION PROTOCOL("ZWS2.0/NULL,ZWS2.0") "\r\n",
                           ZMTP_ERR_MECHANISM, "400");
    }
}

static void test_a_server_refuses_what_is_no_request_for_it(void **state)
{
    (void)state;
#define REST UPGRADE KEY VERSION PROTOCOL("ZWS2.0") "\r\n"
    static const struct {
        const char *request;
        int error;
        const char *status;
    } cases[] = {
        {"POST /zeromq HTTP/1.1\r\n" HOST REST, ZMTP_ERR_GREETING, "400"},
        {"GET /zeromq HTTP/1.0\r\n" HOST REST, ZMTP_ERR_GREETING, "400"},
        {"GET /zeromq\r\n" HOST REST, ZMTP_ERR_GREETING, "400"},
        {"GET /zeromq x HTTP/1.1\r\n" HOST REST, ZMTP_ERR_GREETING, "400"},
        {"GET  HTTP/1.1\r\n" HOST REST, ZMTP_ERR_GREETING, "400"},
        {GET REST, ZMTP_ERR_GREETING, "400"},
        {GET HOST HOST REST, ZMTP_ERR_GREETING, "400"},
        {GET HOST "Content-Length: 5\r\n" REST, ZMTP_ERR_GREETING, "400"},
        {GET HOST "Transfer-Encoding: chunked\r\n" REST, ZMTP_ERR_GREETING, "400"},
        {GET HOST " folded\r\n" REST, ZMTP_ERR_GREETING, "400"},
        {"GET /other HTTP/1.1\r\n" HOST REST, ZMTP_ERR_NOT_FOUND, "404"},
        {"GET /zeromq/ HTTP/1.1\r\n" HOST REST, ZMTP_ERR_NOT_FOUND, "404"},
        {"GET zeromq HTTP/1.1\r\n" HOST REST, ZMTP_ERR_NOT_FOUND, "404"},
        {"GET http://x HTTP/1.1\r\n" HOST REST, ZMTP_ERR_NOT_FOUND, "404"},
        {GET HOST "\r\n", ZMTP_ERR_GREETING, "426"},
        {GET HOST "Connection: Upgrade\r\n" KEY VERSION PROTOCOL("ZWS2.0") "\r\n",
         ZMTP_ERR_GREETING, "426"},
        {GET HOST "Upgrade: websocket\r\n" KEY VERSION PROTOCOL("ZWS2.0") "\r\n", ZMTP_ERR_GREETING,
         "426"},
        {GET HOST UPGRADE KEY "Sec-WebSocket-Version: 8\r\n" PROTOCOL("ZWS2.0") "\r\n",
         ZMTP_ERR_GREETING, "426"},
        {GET HOST UPGRADE KEY PROTOCOL("ZWS2.0") "\r\n", ZMTP_ERR_GREETING, "426"},
        {GET HOST UPGRADE VERSION PROTOCOL("ZWS2.0") "\r\n", ZMTP_ERR_GREETING, "400"},
        {GET HOST UPGRADE KEY KEY VERSION PROTOCOL("ZWS2.0") "\r\n", ZMTP_ERR_GREETING, "400"},
        {GET HOST UPGRADE "Sec-WebSocket-Key: c2hvcnQ=\r\n" VERSION PROTOCOL("ZWS2.0") "\r\n",
         ZMTP_ERR_GREETING, "400"},
    };
    const struct zmtp__upgrade upgrade = upgrade_of("NULL");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_refused(&upgrade, cases[i].request, cases[i].error, cases[i].status);
}

// RFC 6455, section 4.4, and RFC 9110, section 15.5.22: 426 names the protocol and its version; others must not.
static void test_only_who_should_have_asked_for_websocket_is_told_of_it(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        bool told;
    } cases[] = {
        {GET HOST "\r\n", true},
        {GET HOST UPGRADE KEY "Sec-WebSocket-Version: 8\r\n" PROTOCOL("ZWS2.0") "\r\n", true},
        {"GET /other HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL("ZWS2.0") "\r\n", false},
        {GET HOST UPGRADE KEY VERSION PROTOCOL("chat") "\r\n", false},
    };
    const struct zmtp__upgrade upgrade = upgrade_of("NULL");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[ZMTP__UPGRADE_OURS_MAX + 1];
        assert_true(answer(&upgrade, cases[i].request, out).error < 0);
        assert_true(cases[i].told == (strstr(out, "\r\nUpgrade: websocket\r\n"
                                                  "Sec-WebSocket-Version: 13\r\n") != NULL));
        assert_true(cases[i].told != (strstr(out, "\r\nConnection: close\r\n") != NULL));
    }
}

// What browsers send, and proxies on the way.
static void test_a_server_takes_the_requests_of_browsers(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "GET /zeromq?token=1 HTTP/1.1\r\nHost: h:1\r\nConnection: keep-alive, Upgrade\r\n"
        "Pragma: no-cache\r\nUser-Agent: Mozilla/5.0 (X11)\r\nUpgrade: websocket\r\n"
        "Origin: https://page.example\r\nSec-WebSocket-Version: 13\r\nAccept-Encoding: gzip\r\n" KEY
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" PROTOCOL(
            "ZWS2.0") "\r\n",
        "GET http://proxied.example/zeromq HTTP/1.1\r\n" HOST "Upgrade: WebSocket\r\n"
        "connection: UPGRADE\r\nContent-Length: 0\r\n" KEY VERSION PROTOCOL("ZWS2.0") "\r\n",
    };
    const struct zmtp__upgrade upgrade = upgrade_of("NULL");
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        char out[ZMTP__UPGRADE_OURS_MAX + 1];
        assert_int_equal(answer(&upgrade, requests[i], out).error, ZMTP_OK);
        assert_null(strstr(out, "Extensions")); // none is agreed on
    }
}

static void test_a_list_of_origins_keeps_other_pages_out(void **state)
{
    (void)state;
    char out[ZMTP__UPGRADE_OURS_MAX + 1];
    struct zmtp__upgrade upgrade = upgrade_of("NULL");
    const char *const good = GET HOST "Origin: http://localhost:80\r\n" REST;
    const char *const bad = GET HOST "Origin: https://evil.example\r\n" REST;
    assert_int_equal(answer(&upgrade, bad, out).error, ZMTP_OK); // there is no list
    upgrade.origins = LITERAL("https://page.example http://localhost:80");
    assert_int_equal(answer(&upgrade, good, out).error, ZMTP_OK);
    assert_int_equal(answer(&upgrade, GET HOST REST, out).error, ZMTP_OK); // a program
    assert_refused(&upgrade, bad, ZMTP_ERR_DENIED, "403");
    assert_refused(&upgrade, GET HOST "Origin: https://page\r\n" REST, ZMTP_ERR_DENIED, "403");
    assert_refused(&upgrade,
                   GET HOST "Origin: http://localhost:80\r\nOrigin: https://evil.example\r\n" REST,
                   ZMTP_ERR_DENIED, "403");
    upgrade.origins = LITERAL(""); // no page at all
    assert_refused(&upgrade, good, ZMTP_ERR_DENIED, "403");
    assert_int_equal(answer(&upgrade, GET HOST REST, out).error, ZMTP_OK);
#undef REST
}

static void test_what_is_no_head_is_answered_too(void **state)
{
    (void)state;
    uint8_t out[ZMTP__UPGRADE_OURS_MAX];
    struct zmtp__upgrade_verdict verdict;
    assert_true(zmtp__upgrade_refuse(ZMTP_ERR_GREETING, out, &verdict) > 0);
    assert_int_equal(verdict.error, ZMTP_ERR_GREETING);
    assert_memory_equal(out, "HTTP/1.1 400 ", 13);
    assert_true(zmtp__upgrade_refuse(ZMTP_ERR_LIMIT, out, &verdict) > 0);
    assert_int_equal(verdict.error, ZMTP_ERR_LIMIT);
    assert_memory_equal(out, "HTTP/1.1 431 ", 13);
}

static struct zmtp__upgrade_verdict judge(const char *mechanism, const char *response)
{
    struct zmtp__upgrade_verdict verdict;
    const struct zmtp__upgrade upgrade = upgrade_of(mechanism);
    const struct zmtp_bytes head = octets_prefix(zmtp_bytes_text(response), strlen(response));
    zmtp__upgrade_judge(&upgrade, nonce, head, &verdict);
    octets_drop(head);
    return verdict;
}

static void test_a_client_takes_what_answers_its_key_and_offer(void **state)
{
    (void)state;
    struct zmtp__upgrade_verdict verdict =
        judge("NULL", SWITCH UPGRADE ACCEPT PROTOCOL("ZWS2.0/NULL") "\r\n");
    assert_int_equal(verdict.error, ZMTP_OK);
    assert_false(verdict.bare);
    verdict = judge("NULL", "HTTP/1.1 101\r\n" UPGRADE ACCEPT PROTOCOL("ZWS2.0") "\r\n");
    assert_int_equal(verdict.error, ZMTP_OK);
    assert_true(verdict.bare);
    verdict = judge("CURVE", SWITCH UPGRADE ACCEPT PROTOCOL("ZWS2.0/CURVE") "\r\n");
    assert_int_equal(verdict.error, ZMTP_OK);
}

// LZ-36: libzmq checks neither.
static void test_a_client_refuses_another_answer(void **state)
{
    (void)state;
    static const struct {
        const char *mechanism, *response;
        int error;
        const char *word; // of the reason
    } cases[] = {
        {"NULL", "HTTP/1.1 404 Not Found\r\n\r\n", ZMTP_ERR_GREETING, "404 Not Found"},
        {"NULL", "HTTP/1.1 302 Found\r\nLocation: x\r\n\r\n", ZMTP_ERR_GREETING, "302"},
        {"NULL", "HTTP/1.1 1010\r\n\r\n", ZMTP_ERR_GREETING, "well-formed HTTP"},
        {"NULL", "HTTP/1.1 10\r\n\r\n", ZMTP_ERR_GREETING, "well-formed HTTP"},
        {"NULL", "SIP/2.0 101 X\r\n\r\n", ZMTP_ERR_GREETING, "well-formed HTTP"},
        {"NULL", "GTTP/1.1 404 X\r\n\r\n", ZMTP_ERR_GREETING, "well-formed HTTP"},
        {"NULL", SWITCH ACCEPT PROTOCOL("ZWS2.0") "\r\n", ZMTP_ERR_GREETING, "else"},
        {"NULL", SWITCH UPGRADE PROTOCOL("ZWS2.0") "\r\n", ZMTP_ERR_GREETING, "Accept"},
        {"NULL",
         SWITCH UPGRADE
         "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOO=\r\n" PROTOCOL("ZWS2.0") "\r\n",
         ZMTP_ERR_GREETING, "Accept"},
        {"NULL",
         SWITCH UPGRADE ACCEPT
         "Sec-WebSocket-Extensions: permessage-deflate\r\n" PROTOCOL("ZWS2.0") "\r\n",
         ZMTP_ERR_GREETING, "extension"},
        {"NULL", SWITCH UPGRADE ACCEPT "\r\n", ZMTP_ERR_MECHANISM, "ZWS"},
        {"NULL", SWITCH UPGRADE ACCEPT PROTOCOL("ZWS2.0/PLAIN") "\r\n", ZMTP_ERR_MECHANISM,
         "PLAIN"},
        {"NULL", SWITCH UPGRADE ACCEPT PROTOCOL("ZWS2.0,ZWS2.0/NULL") "\r\n", ZMTP_ERR_MECHANISM,
         "offer"},
        {"CURVE", SWITCH UPGRADE ACCEPT PROTOCOL("ZWS2.0") "\r\n", ZMTP_ERR_MECHANISM, "offer"},
        {"CURVE", SWITCH UPGRADE ACCEPT PROTOCOL("ZWS2.0/NULL") "\r\n", ZMTP_ERR_MECHANISM, "NULL"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct zmtp__upgrade_verdict verdict = judge(cases[i].mechanism, cases[i].response);
        assert_int_equal(verdict.error, cases[i].error);
        assert_non_null(strstr(verdict.why, cases[i].word));
    }
}

static void test_the_words_of_a_stranger_are_made_printable_and_short(void **state)
{
    (void)state;
    char response[1024];
    assert_int_equal(judge("NULL", "HTTP/1.1 500 \x80\xFF\t!\r\n\r\n").error, ZMTP_ERR_GREETING);
    assert_non_null(strstr(judge("NULL", "HTTP/1.1 500 \x80\xFF\t!\r\n\r\n").why, "500 ?"
                                                                                  "?"
                                                                                  "?!"));
    memset(response, 'x', sizeof response);
    memcpy(response, "HTTP/1.1 500 ", 13);
    strcpy(response + sizeof response - 5, "\r\n\r\n");
    assert_int_equal(strlen(judge("NULL", response).why), ZMTP__UPGRADE_WHY_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_client_asks_with_host_path_and_subprotocols_of_its_endpoint),
        cmocka_unit_test(test_a_server_picks_the_subprotocol_of_its_mechanism),
        cmocka_unit_test(test_a_server_without_a_common_subprotocol_says_no),
        cmocka_unit_test(test_a_server_refuses_what_is_no_request_for_it),
        cmocka_unit_test(test_only_who_should_have_asked_for_websocket_is_told_of_it),
        cmocka_unit_test(test_a_server_takes_the_requests_of_browsers),
        cmocka_unit_test(test_a_list_of_origins_keeps_other_pages_out),
        cmocka_unit_test(test_what_is_no_head_is_answered_too),
        cmocka_unit_test(test_a_client_takes_what_answers_its_key_and_offer),
        cmocka_unit_test(test_a_client_refuses_another_answer),
        cmocka_unit_test(test_the_words_of_a_stranger_are_made_printable_and_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
