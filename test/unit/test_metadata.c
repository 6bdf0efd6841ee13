// Metadata: the properties of a READY (RFC 37, NULL Mechanism and Connection Metadata).
#include "test/support/octets.h"
#include "zmtp/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { MANY = 1000 }; // a limit that no test here meets by chance

// "Socket-Type" = "REQ", then "Identity" = "": what a libzmq REQ sends.
static const uint8_t req_metadata[] = {
    11,  'S', 'o', 'c', 'k', 'e', 't', '-', 'T', 'y', 'p', 'e', 0, 0, 0, 3,
    'R', 'E', 'Q', 8,   'I', 'd', 'e', 'n', 't', 'i', 't', 'y', 0, 0, 0, 0,
};
enum { REQ_FIRST = 19, REQ_SIZE = 32 };

// ZMTP37-NULL-07
static void test_properties_come_one_after_the_other_and_end(void **state)
{
    (void)state;
    struct zmtp_bytes rest = zmtp_bytes_of(req_metadata, sizeof req_metadata);
    struct zmtp_property property;
    assert_int_equal(zmtp_property_next(&rest, &property), 1);
    octets_assert_equal(property.name, LITERAL("Socket-Type"));
    octets_assert_equal(property.value, LITERAL("REQ"));
    assert_int_equal(rest.size, REQ_SIZE - REQ_FIRST);
    assert_int_equal(zmtp_property_next(&rest, &property), 1);
    octets_assert_equal(property.name, LITERAL("Identity"));
    assert_int_equal(property.value.size, 0); // ZMTP37-NULL-09: zero-sized values are allowed
    assert_int_equal(zmtp_property_next(&rest, &property), 0);
    assert_int_equal(zmtp_property_next(&rest, &property), 0);
}

// Whole metadata is given, so it is good only when it ends between two properties.
static void test_metadata_that_ends_inside_a_property_is_refused(void **state)
{
    (void)state;
    for (size_t size = 0; size <= REQ_SIZE; size++) {
        const struct zmtp_bytes in = octets_prefix(zmtp_bytes_of(req_metadata, REQ_SIZE), size);
        const bool whole = size == 0 || size == REQ_FIRST || size == REQ_SIZE;
        assert_int_equal(zmtp_metadata_check(in, MANY), whole ? ZMTP_OK : ZMTP_ERR_METADATA);
        octets_drop(in);
    }
}

// LZ-10: there, libzmq closes as well.
static void test_a_trailing_octet_is_refused(void **state)
{
    (void)state;
    assert_int_equal(zmtp_metadata_check(OCTETS(1, 'a', 0, 0, 0, 0, 0), MANY), ZMTP_ERR_METADATA);
}

static void test_a_malformed_property_changes_nothing(void **state)
{
    (void)state;
    const struct zmtp_bytes in = OCTETS(1, 'a', 0, 0, 0, 2, 'v');
    struct zmtp_bytes rest = in;
    struct zmtp_property property;
    memset(&property, 0x5A, sizeof property);
    const struct zmtp_property before = property;
    assert_int_equal(zmtp_property_next(&rest, &property), ZMTP_ERR_METADATA);
    assert_ptr_equal(rest.data, in.data);
    assert_int_equal(rest.size, in.size);
    assert_memory_equal(&property, &before, sizeof before);
}

// ZMTP37-NULL-08: libzmq accepts it (LZ-10), the RFC does not.
static void test_a_name_of_no_octets_is_refused(void **state)
{
    (void)state;
    assert_int_equal(zmtp_metadata_check(OCTETS(0, 0, 0, 0, 0), MANY), ZMTP_ERR_METADATA);
}

// ZMTP37-NULL-09: at most 2^31 - 1. The view claims octets that are not there, and none is touched.
static void test_a_value_size_is_checked_before_it_is_believed(void **state)
{
    (void)state;
    const uint8_t sizes[][4] = {{0x80, 0, 0, 0}, {0xFF, 0xFF, 0xFF, 0xF0}};
    for (size_t i = 0; i < 2; i++) {
        uint8_t in[] = {1, 'a', 0, 0, 0, 0};
        memcpy(in + 2, sizes[i], 4);
        struct zmtp_bytes rest = zmtp_bytes_of(in, SIZE_MAX);
        struct zmtp_property property;
        assert_int_equal(zmtp_property_next(&rest, &property), ZMTP_ERR_METADATA);
    }
    const struct zmtp_bytes absent = OCTETS(1, 'a', 0x7F, 0xFF, 0xFF, 0xFF);
    assert_int_equal(zmtp_metadata_check(absent, MANY), ZMTP_ERR_METADATA);
}

// ZMTP37-NULL-07: ALPHA DIGIT - _ . +
static void test_a_name_is_of_the_grammars_octets_only(void **state)
{
    (void)state;
    const char *const marks = "-_.+";
    for (unsigned octet = 0; octet <= 255; octet++) {
        const uint8_t in[] = {2, 'a', (uint8_t)octet, 0, 0, 0, 0};
        const bool good = (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') ||
                          (octet >= '0' && octet <= '9') ||
                          (octet != 0 && strchr(marks, (int)octet));
        assert_int_equal(zmtp_metadata_check(zmtp_bytes_of(in, sizeof in), MANY),
                         good ? ZMTP_OK : ZMTP_ERR_METADATA);
    }
}

// ZMTP37-META-02: with libzmq the last one wins (LZ-10); here, neither does.
static void test_a_name_that_comes_twice_is_refused_whatever_its_case(void **state)
{
    (void)state;
    const uint8_t apart[] = {2, 'a', 'b', 0, 0, 0, 1, 'v', 2, 'a', 'c', 0, 0, 0, 1, 'v'};
    const uint8_t same[] = {2, 'a', 'b', 0, 0, 0, 1, 'v', 2, 'a', 'b', 0, 0, 0, 1, 'v'};
    const uint8_t mixed[] = {2, 'a', 'b', 0,   0,   0, 0, 1, 'x', 0,  0,
                             0, 0,   2,   'A', 'B', 0, 0, 0, 1,   'w'};
    assert_int_equal(zmtp_metadata_check(zmtp_bytes_of(apart, sizeof apart), MANY), ZMTP_OK);
    assert_int_equal(zmtp_metadata_check(zmtp_bytes_of(same, sizeof same), MANY),
                     ZMTP_ERR_METADATA);
    assert_int_equal(zmtp_metadata_check(zmtp_bytes_of(mixed, sizeof mixed), MANY),
                     ZMTP_ERR_METADATA);
}

static void test_a_prefix_of_a_name_is_another_name(void **state)
{
    (void)state;
    const uint8_t in[] = {2, 'a', 'b', 0, 0, 0, 0, 1, 'a', 0, 0, 0, 0};
    assert_int_equal(zmtp_metadata_check(zmtp_bytes_of(in, sizeof in), MANY), ZMTP_OK);
}

static void test_one_property_beyond_the_limit_is_refused(void **state)
{
    (void)state;
    const struct zmtp_bytes two = zmtp_bytes_of(req_metadata, sizeof req_metadata);
    assert_int_equal(zmtp_metadata_check(two, 2), ZMTP_OK);
    assert_int_equal(zmtp_metadata_check(two, 1), ZMTP_ERR_METADATA);
    assert_int_equal(zmtp_metadata_check(two, 0), ZMTP_ERR_METADATA);
    assert_int_equal(zmtp_metadata_check((struct zmtp_bytes){NULL, 0}, 0), ZMTP_OK);
}

// ZMTP37-META-02, NULL-08
static void test_a_property_is_found_without_regard_to_case(void **state)
{
    (void)state;
    const struct zmtp_bytes in = zmtp_bytes_of(req_metadata, sizeof req_metadata);
    struct zmtp_bytes value;
    assert_int_equal(zmtp_metadata_find(in, "SOCKET-type", &value), ZMTP_OK);
    octets_assert_equal(value, LITERAL("REQ"));
    assert_int_equal(zmtp_metadata_find(in, "identity", &value), ZMTP_OK);
    assert_int_equal(value.size, 0);
}

static void test_only_letters_fold(void **state)
{
    (void)state;
    const uint8_t in[] = {1, '@', 0, 0, 0, 0}; // '@' and '`' differ as 'A' and 'a' do
    struct zmtp_bytes value;
    assert_int_equal(zmtp_metadata_find(zmtp_bytes_of(in, sizeof in), "`", &value),
                     ZMTP_ERR_NOT_FOUND);
}

static void test_what_is_not_there_is_not_found_and_nothing_is_written(void **state)
{
    (void)state;
    struct zmtp_bytes value = LITERAL("before");
    const struct zmtp_bytes in = zmtp_bytes_of(req_metadata, sizeof req_metadata);
    assert_int_equal(zmtp_metadata_find(in, "Resource", &value), ZMTP_ERR_NOT_FOUND);
    assert_int_equal(zmtp_metadata_find(in, "Socket-Typ", &value), ZMTP_ERR_NOT_FOUND);
    assert_int_equal(zmtp_metadata_find(OCTETS(9, 'x'), "x", &value), ZMTP_ERR_NOT_FOUND);
    octets_assert_equal(value, LITERAL("before"));
}

// ZMTP37-META-07
static void test_an_applications_properties_have_names_of_their_own_and_a_bound(void **state)
{
    (void)state;
    static uint8_t large[ZMTP_APPLICATION_METADATA_MAX + 1] = "\3X-a\0\0\3\xF8";
    assert_int_equal(zmtp_metadata_check_application((struct zmtp_bytes){0}), ZMTP_OK);
    assert_int_equal(zmtp_metadata_check_application(LITERAL("\3X-a\0\0\0\1v\3x-B\0\0\0\0")),
                     ZMTP_OK);
    assert_int_equal(zmtp_metadata_check_application(LITERAL("\3X-a\0\0\0\0\3x-A\0\0\0\0")),
                     ZMTP_ERR_METADATA);
    assert_int_equal(zmtp_metadata_check_application(LITERAL("\3X-a\0\0\0\0\3Y-a\0\0\0\0")),
                     ZMTP_ERR_METADATA);
    assert_int_equal(zmtp_metadata_check_application(LITERAL("\1X\0\0\0\0")), ZMTP_ERR_METADATA);
    assert_int_equal(zmtp_metadata_check_application(LITERAL("\3X-a\0\0\0\1")), ZMTP_ERR_METADATA);
    assert_int_equal(zmtp_metadata_check_application(zmtp_bytes_of(large, sizeof large - 1)),
                     ZMTP_OK);
    assert_int_equal(zmtp_metadata_check_application(zmtp_bytes_of(large, sizeof large)),
                     ZMTP_ERR_LIMIT);
}

static void test_a_property_is_sent_as_it_is_read(void **state)
{
    (void)state;
    uint8_t out[64];
    const struct zmtp_property type = {LITERAL("Socket-Type"), LITERAL("REQ")};
    const struct zmtp_property identity = {LITERAL("Identity"), {NULL, 0}};
    const int first = zmtp_property_encode(&type, out, sizeof out);
    assert_int_equal(first, REQ_FIRST);
    const int second = zmtp_property_encode(&identity, out + first, sizeof out - (size_t)first);
    octets_assert_equal(zmtp_bytes_of(out, (size_t)(first + second)),
                        zmtp_bytes_of(req_metadata, sizeof req_metadata));
}

static void test_a_property_that_does_not_fit_or_has_no_form_is_not_sent(void **state)
{
    (void)state;
    uint8_t out[16], name[256] = {0};
    const struct zmtp_property small = {LITERAL("ab"), LITERAL("v")};
    assert_int_equal(zmtp_property_encode(&small, out, 8), 8);
    assert_int_equal(zmtp_property_encode(&small, out, 7), ZMTP_ERR_LIMIT);
    assert_int_equal(zmtp_property_encode(&small, NULL, 0), ZMTP_ERR_LIMIT);

    const struct zmtp_property nameless = {.value = LITERAL("v")};
    const struct zmtp_property long_name = {.name = zmtp_bytes_of(name, 256)};
    const struct zmtp_property huge = {LITERAL("a"), {name, (size_t)INT32_MAX + 1}};
    assert_int_equal(zmtp_property_encode(&nameless, out, sizeof out), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_property_encode(&long_name, out, sizeof out), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_property_encode(&huge, out, sizeof out), ZMTP_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_properties_come_one_after_the_other_and_end),
        cmocka_unit_test(test_metadata_that_ends_inside_a_property_is_refused),
        cmocka_unit_test(test_a_trailing_octet_is_refused),
        cmocka_unit_test(test_a_malformed_property_changes_nothing),
        cmocka_unit_test(test_a_name_of_no_octets_is_refused),
        cmocka_unit_test(test_a_value_size_is_checked_before_it_is_believed),
        cmocka_unit_test(test_a_name_is_of_the_grammars_octets_only),
        cmocka_unit_test(test_a_name_that_comes_twice_is_refused_whatever_its_case),
        cmocka_unit_test(test_a_prefix_of_a_name_is_another_name),
        cmocka_unit_test(test_one_property_beyond_the_limit_is_refused),
        cmocka_unit_test(test_a_property_is_found_without_regard_to_case),
        cmocka_unit_test(test_only_letters_fold),
        cmocka_unit_test(test_what_is_not_there_is_not_found_and_nothing_is_written),
        cmocka_unit_test(test_an_applications_properties_have_names_of_their_own_and_a_bound),
        cmocka_unit_test(test_a_property_is_sent_as_it_is_read),
        cmocka_unit_test(test_a_property_that_does_not_fit_or_has_no_form_is_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
