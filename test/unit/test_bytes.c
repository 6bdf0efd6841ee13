// Views of octets, and the names and texts of errors.
#include "test/support/octets.h"
#include "zmtp/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void test_a_view_has_the_octets_of_what_it_was_made_of(void **state)
{
    (void)state;
    const uint8_t octets[] = {0x00, 0xFF, 0x00};
    octets_assert_equal(zmtp_bytes_of(octets, sizeof octets), OCTETS(0x00, 0xFF, 0x00));
    octets_assert_equal(zmtp_bytes_text("AB"), OCTETS(0x41, 0x42));
    assert_int_equal(zmtp_bytes_text("").size, 0);
    assert_int_equal(zmtp_bytes_text(NULL).size, 0); // of getenv, say
}

static void test_views_are_equal_when_size_and_octets_are(void **state)
{
    (void)state;
    assert_true(zmtp_bytes_equal(OCTETS(0x00, 0x01), OCTETS(0x00, 0x01)));
    assert_false(zmtp_bytes_equal(OCTETS(0x00, 0x01), OCTETS(0x00, 0x02)));
    assert_false(zmtp_bytes_equal(OCTETS(0x00, 0x01), OCTETS(0x00)));
    assert_false(zmtp_bytes_equal(OCTETS(0x00), OCTETS(0x00, 0x01)));
}

static void test_all_empty_views_are_equal_null_or_not(void **state)
{
    (void)state;
    const struct zmtp_bytes null = {NULL, 0};
    assert_true(zmtp_bytes_equal(null, null));
    assert_true(zmtp_bytes_equal(null, zmtp_bytes_text("")));
    assert_false(zmtp_bytes_equal(null, OCTETS(0x00)));
}

// The groups of enum zmtp_err: this program, the world, the peer.
static const struct {
    int first, last;
} groups[] = {
    {ZMTP_ERR_ARGUMENT, ZMTP_ERR_TRANSPORT},
    {ZMTP_ERR_AGAIN, ZMTP_ERR_NO_REPLY},
    {ZMTP_ERR_GREETING, ZMTP_ERR_TURNED_AWAY},
};

static void test_every_error_has_a_name_and_a_text_of_its_own(void **state)
{
    (void)state;
    const char *names[64], *texts[64];
    size_t count = 0;
    for (size_t group = 0; group < 3; group++) {
        for (int error = groups[group].first; error >= groups[group].last; error--) {
            names[count] = zmtp_err_name(error);
            texts[count] = zmtp_err_text(error);
            assert_string_not_equal(names[count], zmtp_err_name(1));
            for (size_t i = 0; i < count; i++) {
                assert_string_not_equal(names[count], names[i]);
                assert_string_not_equal(texts[count], texts[i]);
            }
            count++;
        }
    }
    assert_int_equal(count, 5 + 11 + 20);
    assert_string_equal(zmtp_err_name(ZMTP_OK), "ZMTP_OK");
    assert_string_equal(zmtp_err_name(ZMTP_ERR_AGAIN), "ZMTP_ERR_AGAIN");
    assert_string_equal(zmtp_err_name(ZMTP_ERR_CANCELLED), "ZMTP_ERR_CANCELLED");
}

static void test_a_value_that_is_no_error_is_said_to_be_none(void **state)
{
    (void)state;
    const int strangers[] = {1,
                             INT32_MAX,
                             ZMTP_ERR_TRANSPORT - 1,
                             ZMTP_ERR_AGAIN + 1,
                             ZMTP_ERR_NO_REPLY - 1,
                             ZMTP_ERR_TURNED_AWAY - 1,
                             INT32_MIN};
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        assert_string_equal(zmtp_err_name(strangers[i]), "ZMTP_ERR_UNKNOWN");
        assert_true(strlen(zmtp_err_text(strangers[i])) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_view_has_the_octets_of_what_it_was_made_of),
        cmocka_unit_test(test_views_are_equal_when_size_and_octets_are),
        cmocka_unit_test(test_all_empty_views_are_equal_null_or_not),
        cmocka_unit_test(test_every_error_has_a_name_and_a_text_of_its_own),
        cmocka_unit_test(test_a_value_that_is_no_error_is_said_to_be_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
