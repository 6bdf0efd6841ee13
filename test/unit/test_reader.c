// The sticky reader and writer: after the first overrun, nothing is believed and nothing is touched.
#include "test/support/octets.h"
#include "zmtp/base/reader.h"
#include "zmtp/base/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_numbers_are_read_most_significant_octet_first(void **state)
{
    (void)state;
    const struct zmtp_bytes in = OCTETS(0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A,
                                        0x0B, 0x0C, 0x0D, 0x0E, 0x0F);
    struct zmtp__reader r = zmtp__reader_of(in);
    assert_true(zmtp__read_be(&r, 1) == 0x01);
    assert_true(zmtp__read_be(&r, 2) == 0x0203);
    assert_true(zmtp__read_be(&r, 4) == 0x04050607);
    assert_true(zmtp__read_be(&r, 8) == 0x08090A0B0C0D0E0F);
    assert_false(r.bad);
    assert_int_equal(r.left, 0);
}

static void test_a_number_of_all_ones_is_not_sign_extended(void **state)
{
    (void)state;
    struct zmtp__reader r = zmtp__reader_of(OCTETS(0xFF, 0xFF, 0xFF, 0xFF));
    assert_true(zmtp__read_be(&r, 4) == 0xFFFFFFFF);
}

static void test_the_first_overrun_sticks_and_later_reads_are_empty(void **state)
{
    (void)state;
    struct zmtp__reader r = zmtp__reader_of(OCTETS(0x01, 0x02, 0x03));
    assert_true(zmtp__read_be(&r, 4) == 0);
    assert_true(r.bad);
    assert_true(zmtp__read_be(&r, 1) == 0); // three octets are there, but it is too late
    assert_int_equal(zmtp__read_bytes(&r, 2).size, 0);
    assert_int_equal(zmtp__read_rest(&r).size, 0);
    assert_int_equal(zmtp__read_bytes(&r, 0).size, 0);
    assert_true(r.bad);
}

static void test_a_size_that_would_wrap_around_is_an_overrun(void **state)
{
    (void)state;
    struct zmtp__reader r = zmtp__reader_of(OCTETS(0x01, 0x02, 0x03));
    (void)zmtp__read_be(&r, 1);
    assert_null(zmtp__read_bytes(&r, SIZE_MAX).data);
    assert_true(r.bad);
}

static void test_views_point_into_the_input(void **state)
{
    (void)state;
    const struct zmtp_bytes in = OCTETS(0x0A, 0x0B, 0x0C, 0x0D);
    struct zmtp__reader r = zmtp__reader_of(in);
    (void)zmtp__read_be(&r, 1);
    const struct zmtp_bytes view = zmtp__read_bytes(&r, 2);
    assert_ptr_equal(view.data, in.data + 1);
    assert_int_equal(view.size, 2);
    octets_assert_equal(zmtp__read_rest(&r), OCTETS(0x0D));
    assert_false(r.bad);
}

static void test_an_empty_input_yields_empty_views_and_no_number(void **state)
{
    (void)state;
    struct zmtp__reader r = zmtp__reader_of((struct zmtp_bytes){NULL, 0});
    assert_int_equal(zmtp__read_bytes(&r, 0).size, 0);
    assert_int_equal(zmtp__read_rest(&r).size, 0);
    assert_false(r.bad);
    assert_true(zmtp__read_be(&r, 1) == 0);
    assert_true(r.bad);
}

static void test_numbers_are_written_most_significant_octet_first(void **state)
{
    (void)state;
    uint8_t out[15];
    struct zmtp__writer w = zmtp__writer_of(out, sizeof out);
    zmtp__write_be(&w, 0x01, 1);
    zmtp__write_be(&w, 0x0203, 2);
    zmtp__write_be(&w, 0xFFFFFFFF04050607, 4); // the low octets alone
    zmtp__write_be(&w, 0x08090A0B0C0D0E0F, 8);
    assert_false(w.bad);
    octets_assert_equal(zmtp_bytes_of(out, w.filled),
                        OCTETS(0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B,
                               0x0C, 0x0D, 0x0E, 0x0F));
}

static void test_a_write_that_does_not_fit_writes_nothing_and_sticks(void **state)
{
    (void)state;
    uint8_t out[4] = {0xEE, 0xEE, 0xEE, 0xEE};
    struct zmtp__writer w = zmtp__writer_of(out, 3);
    zmtp__write_be(&w, 0x01, 1);
    zmtp__write_be(&w, 0x02030405, 4);
    assert_true(w.bad);
    zmtp__write_bytes(&w, OCTETS(0x06)); // would fit, but it is too late
    assert_int_equal(w.filled, 1);
    octets_assert_equal(zmtp_bytes_of(out, sizeof out), OCTETS(0x01, 0xEE, 0xEE, 0xEE));
    assert_null(zmtp__write_space(&w, SIZE_MAX));
}

static void test_empty_writes_need_no_room_and_no_octets(void **state)
{
    (void)state;
    struct zmtp__writer w = zmtp__writer_of(NULL, 0);
    zmtp__write_bytes(&w, (struct zmtp_bytes){NULL, 0});
    assert_false(w.bad);
    zmtp__write_be(&w, 0, 1);
    assert_true(w.bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_read_most_significant_octet_first),
        cmocka_unit_test(test_a_number_of_all_ones_is_not_sign_extended),
        cmocka_unit_test(test_the_first_overrun_sticks_and_later_reads_are_empty),
        cmocka_unit_test(test_a_size_that_would_wrap_around_is_an_overrun),
        cmocka_unit_test(test_views_point_into_the_input),
        cmocka_unit_test(test_an_empty_input_yields_empty_views_and_no_number),
        cmocka_unit_test(test_numbers_are_written_most_significant_octet_first),
        cmocka_unit_test(test_a_write_that_does_not_fit_writes_nothing_and_sticks),
        cmocka_unit_test(test_empty_writes_need_no_room_and_no_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
