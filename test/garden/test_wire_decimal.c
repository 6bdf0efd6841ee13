// Doubles to text and back, against the C library's, which rounds correctly in the "C" locale.
#include "garden/wire/decimal.h"
#include "test/support/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_same_bits(double a, double b, const char *text)
{
    if (memcmp(&a, &b, sizeof a) != 0) fail_msg("%s: %a is not %a", text, a, b);
}

static void check_parse(const char *text)
{
    double parsed;
    const int error = garden__decimal_parse(garden_text_of(text), &parsed);
    const double expected = strtod(text, NULL);
    if (isinf(expected)) {
        assert_int_equal(error, GARDEN_ERR_RANGE);
    } else {
        assert_int_equal(error, GARDEN_OK);
        assert_same_bits(parsed, expected, text);
    }
}

static double random_double(struct random *random)
{
    for (;;) {
        uint64_t bits = random_next(random);
        if (random_below(random, 4) == 0) bits &= UINT64_C(0x800fffffffffffff); // subnormal
        if (random_below(random, 8) == 0) bits &= UINT64_C(0xfff0000000000000); // a power of two
        double real;
        memcpy(&real, &bits, sizeof real);
        if (isfinite(real)) return real;
    }
}

static void test_texts_of_any_precision_become_the_nearest_double(void **state)
{
    (void)state;
    struct random random = random_of(1);
    for (int i = 0; i < 20000; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "%.*e", (int)random_below(&random, 30),
                       random_double(&random));
        check_parse(text);
    }
}

static void test_ties_and_all_that_is_just_beside_them_round_as_they_should(void **state)
{
    (void)state;
    struct random random = random_of(2);
    static char text[1200];
    for (int i = 0; i < 300; i++) {
        const double low = fabs(random_double(&random));
        const double high = nextafter(low, INFINITY);
        if (isinf(high) || low < 1e-290) continue;
        const long double tie = ((long double)low + (long double)high) / 2;
        (void)snprintf(text, sizeof text, "%.1000Le", tie);
        check_parse(text);
        char *exponent = strchr(text, 'e');
        exponent[-1] = '1'; // just above, in the last of many digits
        check_parse(text);
    }
    check_parse("2.4703282292062327e-324"); // just below half of the least
    check_parse("2.4703282292062328e-324");
    check_parse("1.7976931348623158e308");
    check_parse("1.7976931348623159e308");
    check_parse("2.2250738585072011e-308");
    check_parse("9007199254740993");
    check_parse("9007199254740993.000000000000000000000000000000000000000000000001");
}

static void test_exponents_and_digits_beyond_all_bounds_are_harmless(void **state)
{
    (void)state;
    static char zeros[100100];
    double parsed;
    memset(zeros, '0', 100000);
    memcpy(zeros, "0.", 2);
    memcpy(zeros + 100000, "1e100000", 9);
    assert_int_equal(garden__decimal_parse(garden_text_of(zeros), &parsed), GARDEN_OK);
    assert_true(parsed == 10.0);
    memset(zeros, '1', 100000);
    memcpy(zeros + 100000, "e-99999", 8);
    assert_int_equal(garden__decimal_parse(garden_text_of(zeros), &parsed), GARDEN_OK);
    assert_same_bits(parsed, 1.1111111111111112, "a hundred thousand ones");
    assert_int_equal(garden__decimal_parse(garden_text_of("1e99999999999999999999"), &parsed),
                     GARDEN_ERR_RANGE);
    assert_int_equal(garden__decimal_parse(garden_text_of("-1e-99999999999999999999"), &parsed),
                     GARDEN_OK);
    assert_same_bits(parsed, -0.0, "an underflow");
    assert_int_equal(garden__decimal_parse(garden_text_of("0e99999999999999999999"), &parsed),
                     GARDEN_OK);
    assert_same_bits(parsed, 0.0, "zero");
}

// The digits of |text| that count: no sign, no point, no exponent, no zeros around them.
static size_t digits_in(const char *text)
{
    size_t count = 0, zeros = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text < '0' || *text > '9') continue;
        if (*text == '0') {
            zeros += count > 0;
            continue;
        }
        count += zeros + 1;
        zeros = 0;
    }
    return count;
}

static void test_doubles_are_written_in_the_fewest_digits_that_read_back(void **state)
{
    (void)state;
    struct random random = random_of(4);
    for (int i = 0; i < 20000; i++) {
        const double real = random_double(&random);
        char text[GARDEN__DECIMAL_MAX + 1], library[64];
        text[garden__decimal_format(real, text)] = '\0';
        assert_same_bits(strtod(text, NULL), real, text);
        assert_non_null(strpbrk(text, ".e"));
        for (int digits = 0; digits < 17; digits++) {
            (void)snprintf(library, sizeof library, "%.*e", digits, real);
            if (strtod(library, NULL) == real) break;
        }
        assert_true(digits_in(text) <= digits_in(library));
    }
}

static void test_floats_are_written_in_digits_that_read_back_as_floats(void **state)
{
    (void)state;
    struct random random = random_of(5);
    for (int i = 0; i < 20000; i++) {
        const uint32_t bits = (uint32_t)random_next(&random);
        float real;
        memcpy(&real, &bits, sizeof real);
        if (!isfinite(real)) continue;
        char text[GARDEN__DECIMAL_MAX + 1];
        text[garden__decimal_format_float(real, text)] = '\0';
        assert_true(strtof(text, NULL) == real);
        assert_true(digits_in(text) <= 9);
    }
    char text[GARDEN__DECIMAL_MAX + 1];
    text[garden__decimal_format_float(0.1f, text)] = '\0';
    assert_string_equal(text, "0.1");
}

static void test_the_form_of_a_number_follows_its_size(void **state)
{
    (void)state;
    const struct {
        double real;
        const char *text;
    } cases[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1.0, "1.0"},
        {16.0, "16.0"},
        {120.5, "120.5"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e16"},
        {1.5e300, "1.5e300"},
        {0.5, "0.5"},
        {0.0001, "0.0001"},
        {0.00001, "0.00001"},
        {0.000001, "1e-6"},
        {-2.5, "-2.5"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e308"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[GARDEN__DECIMAL_MAX + 1];
        text[garden__decimal_format(cases[i].real, text)] = '\0';
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_of_any_precision_become_the_nearest_double),
        cmocka_unit_test(test_ties_and_all_that_is_just_beside_them_round_as_they_should),
        cmocka_unit_test(test_exponents_and_digits_beyond_all_bounds_are_harmless),
        cmocka_unit_test(test_doubles_are_written_in_the_fewest_digits_that_read_back),
        cmocka_unit_test(test_floats_are_written_in_digits_that_read_back_as_floats),
        cmocka_unit_test(test_the_form_of_a_number_follows_its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
