// ZAP 1.0: requests and replies as octets, and what is not believed.
#include "test/support/octets.h"
#include "zmtp/zap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define KEY "0123456789abcdef0123456789ABCDEF"

// A message of parts, the last of them null.
static void fill(struct zmtp_msg *msg, const char *const *parts)
{
    zmtp_msg_init(msg, NULL);
    for (; *parts; parts++)
        assert_int_equal(zmtp_msg_append(msg, zmtp_bytes_text(*parts)), ZMTP_OK);
}
#define PARTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_parts(const struct zmtp_msg *msg, const char *const *parts)
{
    size_t count = 0;
    for (; parts[count]; count++)
        octets_assert_equal(zmtp_msg_bytes(msg, count), zmtp_bytes_text(parts[count]));
    assert_int_equal(msg->count, count);
}

static struct zmtp_zap_request request_of(enum zmtp_mechanism mechanism)
{
    struct zmtp_zap_request request = {.id = zmtp_bytes_text("0001"),
                                       .domain = zmtp_bytes_text("test"),
                                       .address = zmtp_bytes_text("192.168.55.1"),
                                       .routing_id = zmtp_bytes_text("BOB"),
                                       .known = true};
    request.credentials.mechanism = mechanism;
    request.credentials.username = zmtp_bytes_text("admin");
    request.credentials.password = zmtp_bytes_text("secret");
    memcpy(request.credentials.public_key.octets, KEY, ZMTP_KEY_SIZE);
    return request;
}

// The examples of RFC 27, Example Exchanges.
// ZAP27-REQ-01, FLD-03, NULL-01, PLAIN-01, CURVE-01, SOCK-01: as a DEALER sends it
static void test_a_request_has_the_parts_of_its_mechanism(void **state)
{
    (void)state;
    static const char *const expected[][10] = {
        {"", "1.0", "0001", "test", "192.168.55.1", "BOB", "NULL", NULL},
        {"", "1.0", "0001", "test", "192.168.55.1", "BOB", "PLAIN", "admin", "secret", NULL},
        {"", "1.0", "0001", "test", "192.168.55.1", "BOB", "CURVE", KEY, NULL},
    };
    for (size_t i = 0; i < 3; i++) {
        const struct zmtp_zap_request request = request_of((enum zmtp_mechanism)i);
        struct zmtp_msg msg;
        zmtp_msg_init(&msg, NULL);
        assert_int_equal(zmtp_zap_request_encode(&msg, &request), ZMTP_OK);
        assert_parts(&msg, expected[i]);
        assert_int_equal(zmtp_zap_request_encode(&msg, &request), ZMTP_ERR_ARGUMENT); // not empty
        // A REP finds it without the delimiter.
        zmtp_msg_drop_front(&msg, 1);
        struct zmtp_zap_request read;
        assert_int_equal(zmtp_zap_request_decode(&msg, false, &read), ZMTP_OK);
        octets_assert_equal(read.id, request.id);
        octets_assert_equal(read.domain, request.domain);
        octets_assert_equal(read.address, request.address);
        octets_assert_equal(read.routing_id, request.routing_id);
        assert_true(read.known);
        assert_int_equal(read.credentials.mechanism, i);
        if (i == ZMTP_PLAIN) octets_assert_equal(read.credentials.password, LITERAL("secret"));
        if (i == ZMTP_CURVE) assert_memory_equal(read.credentials.public_key.octets, KEY, 32);
        zmtp_msg_fini(&msg);
    }
}

// ZAP27-FLD-02, FLD-07
static void test_a_request_that_the_rfc_does_not_allow_is_not_made(void **state)
{
    (void)state;
    static char many[257];
    memset(many, 'x', 256);
    struct zmtp_zap_request bad[6];
    for (size_t i = 0; i < 6; i++)
        bad[i] = request_of(ZMTP_NULL);
    bad[0].domain = zmtp_bytes_text(many);
    bad[1].domain = zmtp_bytes_text("d\xC3\xA9j\xC3\xA0");
    bad[2].address = zmtp_bytes_text(many);
    bad[3].routing_id = zmtp_bytes_text(many);
    bad[4].known = false;
    bad[5].credentials.mechanism = (enum zmtp_mechanism)7;
    for (size_t i = 0; i < 6; i++) {
        struct zmtp_msg msg;
        zmtp_msg_init(&msg, NULL);
        assert_int_equal(zmtp_zap_request_encode(&msg, &bad[i]), ZMTP_ERR_ARGUMENT);
        assert_int_equal(msg.count, 0);
    }
}

// ZAP27-SOCK-01, PROXY-01
static void test_a_router_finds_the_request_behind_any_number_of_routing_ids(void **state)
{
    (void)state;
    struct zmtp_msg question, answer;
    struct zmtp_zap_request request;
    const struct zmtp_zap_reply reply = {.verdict = ZMTP_VERDICT_ALLOW,
                                         .text = zmtp_bytes_text("OK"),
                                         .user_id = zmtp_bytes_text("joe")};
    fill(&question, PARTS("one", "two", "", "1.0", "", "test", "::1", "", "NULL"));
    assert_int_equal(zmtp_zap_request_decode(&question, false, &request), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_zap_request_decode(&question, true, &request), ZMTP_OK);
    assert_int_equal(request.envelope, 3);
    zmtp_msg_init(&answer, NULL);
    assert_int_equal(zmtp_zap_reply_encode(&answer, &question, &request, &reply), ZMTP_OK);
    assert_parts(&answer, PARTS("one", "two", "", "1.0", "", "200", "OK", "joe", ""));
    zmtp_msg_fini(&question);
    zmtp_msg_fini(&answer);
}

static void test_what_is_no_request_is_refused(void **state)
{
    (void)state;
    static char many[257];
    memset(many, 'x', 256);
    const char *const *const cases[] = {
        PARTS("1.0", "1", "test", "::1", ""),
        PARTS("1.1", "1", "test", "::1", "", "NULL"),
        PARTS("1.0", "1", many, "::1", "", "NULL"),
        PARTS("1.0", "1", "\x80", "::1", "", "NULL"),
        PARTS("1.0", "1", "test", many, "", "NULL"),
        PARTS("1.0", "1", "test", "::1", many, "NULL"),
        PARTS("1.0", "1", "test", "::1", "", ""),
        PARTS("1.0", "1", "test", "::1", "", "NULL", "more"),
        PARTS("1.0", "1", "test", "::1", "", "PLAIN", "admin"),
        PARTS("1.0", "1", "test", "::1", "", "PLAIN", "admin", "secret", "more"),
        PARTS("1.0", "1", "test", "::1", "", "CURVE", "short"),
        PARTS("1.0", "1", "test", "::1", "", "CURVE", KEY, KEY),
        PARTS("1.0"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int enveloped = 0; enveloped <= 1; enveloped++) {
            struct zmtp_zap_request request;
            struct zmtp_msg msg;
            fill(&msg, cases[i]);
            assert_int_equal(zmtp_zap_request_decode(&msg, enveloped, &request), ZMTP_ERR_ARGUMENT);
            zmtp_msg_fini(&msg);
        }
    }
}

static void test_a_mechanism_that_nobody_knows_can_be_answered(void **state)
{
    (void)state;
    struct zmtp_zap_request request;
    struct zmtp_msg msg;
    fill(&msg, PARTS("1.0", "1", "test", "::1", "", "GSSAPI", "principal"));
    assert_int_equal(zmtp_zap_request_decode(&msg, false, &request), ZMTP_OK);
    assert_false(request.known);
    octets_assert_equal(request.mechanism, LITERAL("GSSAPI"));
    zmtp_msg_fini(&msg);
}

// ZAP27-REP-01, FLD-04
static void test_a_reply_reads_as_it_was_made(void **state)
{
    (void)state;
    const enum zmtp_verdict verdicts[] = {ZMTP_VERDICT_ALLOW, ZMTP_VERDICT_LATER, ZMTP_VERDICT_DENY,
                                          ZMTP_VERDICT_BROKEN};
    const char *const statuses[] = {"200", "300", "400", "500"};
    for (size_t i = 0; i < 4; i++) {
        struct zmtp_msg question, answer;
        struct zmtp_zap_request request;
        struct zmtp_zap_reply made = {.verdict = verdicts[i], .text = zmtp_bytes_text("as said")};
        struct zmtp_zap_reply read;
        if (i == 0) made.user_id = zmtp_bytes_text("joe");
        if (i == 0) made.metadata = LITERAL("\4Role\0\0\0\3dba");
        fill(&question, PARTS("", "1.0", "0001", "test", "::1", "BOB", "NULL"));
        assert_int_equal(zmtp_zap_request_decode(&question, true, &request), ZMTP_OK);
        zmtp_msg_init(&answer, NULL);
        assert_int_equal(zmtp_zap_reply_encode(&answer, &question, &request, &made), ZMTP_OK);
        octets_assert_equal(zmtp_msg_bytes(&answer, 3), zmtp_bytes_text(statuses[i]));
        assert_int_equal(zmtp_zap_reply_decode(&answer, &read, NULL), ZMTP_OK);
        octets_assert_equal(read.id, LITERAL("0001"));
        assert_int_equal(read.verdict, verdicts[i]);
        octets_assert_equal(read.text, LITERAL("as said"));
        octets_assert_equal(read.user_id, made.user_id);
        octets_assert_equal(read.metadata, made.metadata);
        zmtp_msg_fini(&question);
        zmtp_msg_fini(&answer);
    }
}

// ZAP27-REP-01, FLD-04, FLD-05, FLD-06, FLD-07; LZ-21
static void test_a_reply_is_just_as_the_rfc_has_it_or_not_believed(void **state)
{
    (void)state;
    static char many[257];
    memset(many, 'x', 256);
    const struct {
        const char *const *parts;
        const char *words;
    } cases[] = {
        {PARTS("", "1.0", "1", "200", "OK", "joe"), "seven parts"},
        {PARTS("", "1.0", "1", "200", "OK", "joe", "", ""), "seven parts"},
        {PARTS("1.0", "1", "200", "OK", "joe", "", ""), "empty part"},
        {PARTS("", "1.1", "1", "200", "OK", "joe", ""), "another version"},
        {PARTS("", "", "1", "200", "OK", "joe", ""), "another version"},
        {PARTS("", "1.0", "1", "201", "OK", "joe", ""), "status of"},
        {PARTS("", "1.0", "1", "2000", "OK", "joe", ""), "status of"},
        {PARTS("", "1.0", "1", "", "OK", "joe", ""), "status of"},
        {PARTS("", "1.0", "1", "200", many, "joe", ""), "status text"},
        {PARTS("", "1.0", "1", "200", "O\nK", "joe", ""), "status text"},
        {PARTS("", "1.0", "1", "200", "OK", many, ""), "user id"},
        {PARTS("", "1.0", "1", "400", "no", "joe", ""), "does not let that user in"},
        {PARTS("", "1.0", "1", "200", "OK", "joe", "nonsense"), "metadata"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct zmtp_msg msg;
        struct zmtp_zap_reply reply;
        const char *why = "";
        fill(&msg, cases[i].parts);
        assert_int_equal(zmtp_zap_reply_decode(&msg, &reply, &why), ZMTP_ERR_ARGUMENT);
        assert_non_null(strstr(why, cases[i].words));
        assert_int_not_equal(reply.verdict, ZMTP_VERDICT_ALLOW);
        assert_int_equal(reply.user_id.size, 0);
        octets_assert_equal(reply.id, zmtp_msg_bytes(&msg, 2));
        zmtp_msg_fini(&msg);
    }
}

static void test_metadata_without_end_are_refused(void **state)
{
    (void)state;
    static uint8_t metadata[2 * 65536], body[65536];
    struct zmtp_msg msg;
    struct zmtp_zap_reply reply;
    const struct zmtp_property large = {LITERAL("Large"), {body, sizeof body}};
    size_t size = 0;
    for (int i = 0; i < 65; i++) { // one more than is taken
        const uint8_t name[] = {'a', (uint8_t)('0' + i / 10), (uint8_t)('0' + i % 10)};
        const struct zmtp_property property = {{name, sizeof name}, {NULL, 0}};
        size += (size_t)zmtp_property_encode(&property, metadata + size, sizeof metadata - size);
    }
    for (int i = 0; i < 2; i++) {
        if (i == 1) size = (size_t)zmtp_property_encode(&large, metadata, sizeof metadata);
        fill(&msg, PARTS("", "1.0", "1", "200", "OK", "joe"));
        assert_int_equal(zmtp_msg_append(&msg, zmtp_bytes_of(metadata, size)), ZMTP_OK);
        assert_int_equal(zmtp_zap_reply_decode(&msg, &reply, NULL), ZMTP_ERR_ARGUMENT);
        zmtp_msg_fini(&msg);
    }
}

static void test_a_reply_that_the_rfc_does_not_allow_is_not_made(void **state)
{
    (void)state;
    static char many[257];
    memset(many, 'x', 256);
    struct zmtp_msg question, answer;
    struct zmtp_zap_request request;
    const struct zmtp_zap_reply bad[] = {
        {.verdict = (enum zmtp_verdict)201},
        {.verdict = ZMTP_VERDICT_DENY, .user_id = zmtp_bytes_text("joe")},
        {.verdict = ZMTP_VERDICT_ALLOW, .user_id = zmtp_bytes_text(many)},
        {.verdict = ZMTP_VERDICT_ALLOW, .text = zmtp_bytes_text("\x7F")},
        {.verdict = ZMTP_VERDICT_ALLOW, .metadata = zmtp_bytes_text("nonsense")},
    };
    fill(&question, PARTS("1.0", "1", "test", "::1", "", "NULL"));
    assert_int_equal(zmtp_zap_request_decode(&question, false, &request), ZMTP_OK);
    zmtp_msg_init(&answer, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(zmtp_zap_reply_encode(&answer, &question, &request, &bad[i]),
                         ZMTP_ERR_ARGUMENT);
        assert_int_equal(answer.count, 0);
    }
    zmtp_msg_fini(&question);
}

static void test_whichever_allocation_fails_nothing_is_made(void **state)
{
    (void)state;
    static char longer[100];
    memset(longer, 'd', 99);
    struct zmtp_zap_request request = request_of(ZMTP_PLAIN);
    request.domain = request.address = zmtp_bytes_text(longer);
    int result = ZMTP_ERR_MEMORY;
    for (uint64_t nth = 1; result == ZMTP_ERR_MEMORY; nth++) {
        struct zmtp_budget budget;
        struct zmtp_msg msg;
        zmtp_budget_init(&budget, NULL);
        zmtp_msg_init(&msg, &budget.allocator);
        budget.fail_at = nth;
        result = zmtp_zap_request_encode(&msg, &request);
        assert_true(result == ZMTP_OK || (result == ZMTP_ERR_MEMORY && msg.count == 0));
        assert_true(result < 0 || nth > 3);
        zmtp_msg_fini(&msg);
        assert_int_equal(budget.bytes, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_has_the_parts_of_its_mechanism),
        cmocka_unit_test(test_a_request_that_the_rfc_does_not_allow_is_not_made),
        cmocka_unit_test(test_a_router_finds_the_request_behind_any_number_of_routing_ids),
        cmocka_unit_test(test_what_is_no_request_is_refused),
        cmocka_unit_test(test_a_mechanism_that_nobody_knows_can_be_answered),
        cmocka_unit_test(test_a_reply_reads_as_it_was_made),
        cmocka_unit_test(test_a_reply_is_just_as_the_rfc_has_it_or_not_believed),
        cmocka_unit_test(test_metadata_without_end_are_refused),
        cmocka_unit_test(test_a_reply_that_the_rfc_does_not_allow_is_not_made),
        cmocka_unit_test(test_whichever_allocation_fails_nothing_is_made),
    };
    return cmocka_run_group_tests_name("zap", tests, NULL, NULL);
}
