// Moments as RFC 3339 text.
#include "garden/value.h"
#include "test/support/octets.h"
#include "test/support/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void assert_formats(int64_t seconds, uint32_t nanos, const char *expected)
{
    char text[GARDEN_TIME_TEXT_MAX + 1];
    const struct garden_time time = {seconds, nanos};
    assert_int_equal(garden_time_format(time, text), strlen(expected));
    assert_string_equal(text, expected);
    struct garden_time back;
    assert_int_equal(garden_time_parse(garden_text_of(expected), &back), GARDEN_OK);
    assert_true(back.seconds == seconds);
    assert_int_equal(back.nanos, nanos);
}

static void test_fractions_have_0_3_6_or_9_digits(void **state)
{
    (void)state;
    assert_formats(1765480783, 0, "2025-12-11T19:19:43Z");
    assert_formats(1765480783, 120000000, "2025-12-11T19:19:43.120Z");
    assert_formats(1765480783, 123456000, "2025-12-11T19:19:43.123456Z");
    assert_formats(1765480783, 1, "2025-12-11T19:19:43.000000001Z");
    assert_formats(1765480783, 1000, "2025-12-11T19:19:43.000001Z");
}

static void test_the_calendar_holds_at_its_corners(void **state)
{
    (void)state;
    assert_formats(0, 0, "1970-01-01T00:00:00Z");
    assert_formats(-1, 999999999, "1969-12-31T23:59:59.999999999Z");
    assert_formats(951782400, 0, "2000-02-29T00:00:00Z");
    assert_formats(-2203891200, 0, "1900-03-01T00:00:00Z");
    assert_formats(-62167219200, 0, "0000-01-01T00:00:00Z");
    assert_formats(-62162121600, 0, "0000-02-29T00:00:00Z");
    assert_formats(253402300799, 0, "9999-12-31T23:59:59Z");
}

static void test_every_day_of_the_system_s_calendar_is_the_same_here(void **state)
{
    (void)state;
    struct random random = random_of(3);
    for (int i = 0; i < 20000; i++) {
        const int64_t seconds = (int64_t)(random_next(&random) % 253402300800u) - 62167219200 / 2;
        const time_t system = (time_t)seconds;
        struct tm parts;
        char text[GARDEN_TIME_TEXT_MAX + 1], expected[64];
        assert_non_null(gmtime_r(&system, &parts));
        if (parts.tm_year > 9999 - 1900) continue;
        (void)strftime(expected, sizeof expected, "-%m-%dT%H:%M:%SZ", &parts);
        assert_int_equal(garden_time_format((struct garden_time){seconds, 0}, text), 20);
        assert_string_equal(text + 4, expected);
        assert_int_equal((text[0] - '0') * 1000 + (text[1] - '0') * 100 + (text[2] - '0') * 10 +
                             (text[3] - '0'),
                         parts.tm_year + 1900);
    }
}

static void assert_parses(const char *text, int64_t seconds, uint32_t nanos)
{
    struct garden_time time;
    if (garden_time_parse(garden_text_of(text), &time)) fail_msg("%s", text);
    assert_true(time.seconds == seconds);
    assert_int_equal(time.nanos, nanos);
}

static void test_offsets_and_any_number_of_digits_are_read(void **state)
{
    (void)state;
    assert_parses("1970-01-01T01:30:00+01:30", 0, 0);
    assert_parses("1969-12-31T22:00:00-02:00", 0, 0);
    assert_parses("1970-01-01T23:59:00+23:59", 0, 0);
    assert_parses("1970-01-01t00:00:00z", 0, 0);
    assert_parses("1970-01-01 00:00:00+00:00", 0, 0);
    assert_parses("1970-01-01T00:00:00.5Z", 0, 500000000);
    assert_parses("1970-01-01T00:00:00.1234567899999Z", 0, 123456789);
    assert_parses("0000-01-01T00:00:00-00:01", -62167219140, 0);
}

static void test_a_leap_second_is_the_last_of_a_day_in_utc(void **state)
{
    (void)state;
    assert_formats(1483228799, 1000000000, "2016-12-31T23:59:60Z");
    assert_formats(1483228799, 1500000000, "2016-12-31T23:59:60.500Z");
    assert_parses("2017-01-01T00:59:60+01:00", 1483228799, 1000000000);
    struct garden_time time;
    assert_int_equal(garden_time_parse(garden_text_of("2016-12-31T23:58:60Z"), &time),
                     GARDEN_ERR_RANGE);
    assert_int_equal(garden_time_parse(garden_text_of("2016-12-31T23:59:60+01:00"), &time),
                     GARDEN_ERR_RANGE);
    assert_int_equal(garden_time_parse(garden_text_of("2016-12-31T23:59:61Z"), &time),
                     GARDEN_ERR_RANGE);
}

static void test_moments_that_do_not_exist_are_out_of_range(void **state)
{
    (void)state;
    const char *const wrong[] = {
        "2025-00-01T00:00:00Z",      "2025-13-01T00:00:00Z",      "2025-01-00T00:00:00Z",
        "2025-01-32T00:00:00Z",      "2025-02-29T00:00:00Z",      "1900-02-29T00:00:00Z",
        "2025-04-31T00:00:00Z",      "2025-01-01T24:00:00Z",      "2025-01-01T00:60:00Z",
        "2025-01-01T00:00:00+24:00", "2025-01-01T00:00:00+00:60", "0000-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct garden_time time;
        const int error = garden_time_parse(garden_text_of(wrong[i]), &time);
        if (error != GARDEN_ERR_RANGE) fail_msg("%s: %d", wrong[i], error);
    }
    char text[GARDEN_TIME_TEXT_MAX + 1];
    const struct garden_time times[] = {{253402300800, 0}, {-62167219201, 0},
                                        {INT64_MAX, 0},    {INT64_MIN, 0},
                                        {0, 1000000000},   {1483228799, 2000000000}};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        assert_int_equal(garden_time_format(times[i], text), GARDEN_ERR_RANGE);
}

static void test_what_is_not_rfc_3339_is_malformed(void **state)
{
    (void)state;
    const char *const wrong[] = {
        "",
        "2025-12-11",
        "2025-12-11T19:19:43",
        "2025-12-11T19:19Z",
        "2025-12-11T19:19:43.Z",
        "2025-12-11T19:19:43,5Z",
        "2025-12-11T19:19:43ZZ",
        "2025-12-11T19:19:43Z ",
        " 2025-12-11T19:19:43Z",
        "25-12-11T19:19:43Z",
        "+2025-12-11T19:19:43Z",
        "2025-12-11T19:19:43+1:00",
        "2025-12-11T19:19:43+0100",
        "2025-1a-11T19:19:43Z",
        "2025/12/11T19:19:43Z",
        "2025-12-11x19:19:43Z",
        "1765480783",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct zmtp_bytes copy = octets_prefix(zmtp_bytes_text(wrong[i]), strlen(wrong[i]));
        struct garden_time time;
        const int error =
            garden_time_parse((struct garden_text){(const char *)copy.data, copy.size}, &time);
        if (error != GARDEN_ERR_FORMAT) fail_msg("%s: %d", wrong[i], error);
        octets_drop(copy);
    }
    struct garden_time time;
    assert_int_equal(
        garden_time_parse((struct garden_text){"2025-12-11\0\061\071:19:43Z", 20}, &time),
        GARDEN_ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fractions_have_0_3_6_or_9_digits),
        cmocka_unit_test(test_the_calendar_holds_at_its_corners),
        cmocka_unit_test(test_every_day_of_the_system_s_calendar_is_the_same_here),
        cmocka_unit_test(test_offsets_and_any_number_of_digits_are_read),
        cmocka_unit_test(test_a_leap_second_is_the_last_of_a_day_in_utc),
        cmocka_unit_test(test_moments_that_do_not_exist_are_out_of_range),
        cmocka_unit_test(test_what_is_not_rfc_3339_is_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
