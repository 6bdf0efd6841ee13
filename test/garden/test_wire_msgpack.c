// MessagePack documents: every head, the shortest form on output, and counts that promise too much.
#include "garden/value.h"
#include "test/support/octets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct garden_arena arena;
static struct garden_fault fault;

static int set_up(void **state)
{
    (void)state;
    garden_arena_init(&arena, NULL, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    garden_arena_fini(&arena);
    return 0;
}

static int decode(struct zmtp_bytes in, struct garden_value *out)
{
    const struct zmtp_bytes copy = octets_prefix(in, in.size);
    const int error = garden_msgpack_decode(copy, &arena, out, &fault);
    octets_drop(copy);
    return error;
}

static void assert_refused(struct zmtp_bytes in, int error, size_t offset)
{
    struct garden_value value;
    assert_int_equal(decode(in, &value), error);
    assert_int_equal(fault.offset, offset);
}

static void assert_reads_as(struct zmtp_bytes in, struct zmtp_bytes written)
{
    struct garden_value value;
    if (decode(in, &value)) fail_msg("%s", fault.text);
    struct garden_buffer buffer;
    garden_buffer_init(&buffer, NULL, 0);
    assert_int_equal(garden_msgpack_encode(&value, &buffer), GARDEN_OK);
    octets_assert_equal(garden_buffer_bytes(&buffer), written);
    garden_buffer_fini(&buffer);
}

static void test_integers_of_any_width_are_written_in_the_shortest(void **state)
{
    (void)state;
    const struct {
        int64_t integer;
        struct zmtp_bytes octets;
    } cases[] = {
        {0, OCTETS(0x00)},
        {127, OCTETS(0x7f)},
        {128, OCTETS(0xcc, 0x80)},
        {255, OCTETS(0xcc, 0xff)},
        {256, OCTETS(0xcd, 0x01, 0x00)},
        {65535, OCTETS(0xcd, 0xff, 0xff)},
        {65536, OCTETS(0xce, 0x00, 0x01, 0x00, 0x00)},
        {4294967295, OCTETS(0xce, 0xff, 0xff, 0xff, 0xff)},
        {4294967296, OCTETS(0xcf, 0, 0, 0, 1, 0, 0, 0, 0)},
        {-1, OCTETS(0xff)},
        {-32, OCTETS(0xe0)},
        {-33, OCTETS(0xd0, 0xdf)},
        {-128, OCTETS(0xd0, 0x80)},
        {-129, OCTETS(0xd1, 0xff, 0x7f)},
        {-32769, OCTETS(0xd2, 0xff, 0xff, 0x7f, 0xff)},
        {-2147483649, OCTETS(0xd3, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct garden_value value;
        assert_int_equal(decode(cases[i].octets, &value), GARDEN_OK);
        assert_int_equal(value.type, GARDEN_INT);
        assert_true(value.integer == cases[i].integer);
        assert_reads_as(cases[i].octets, cases[i].octets);
    }
    assert_reads_as(OCTETS(0xd3, 0, 0, 0, 0, 0, 0, 0, 5), OCTETS(0x05));
    assert_reads_as(OCTETS(0xd0, 0x05), OCTETS(0x05));
    assert_reads_as(OCTETS(0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
                    OCTETS(0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff));
}

static void test_reals_are_read_in_both_widths_and_must_be_finite(void **state)
{
    (void)state;
    assert_reads_as(OCTETS(0xca, 0x3f, 0x40, 0x00, 0x00),
                    OCTETS(0xcb, 0x3f, 0xe8, 0, 0, 0, 0, 0, 0));
    assert_refused(OCTETS(0x91, 0xca, 0x7f, 0x80, 0x00, 0x00), GARDEN_ERR_RANGE, 1);
    assert_refused(OCTETS(0xca, 0x7f, 0xc0, 0x00, 0x00), GARDEN_ERR_RANGE, 0);
    assert_refused(OCTETS(0xcb, 0xff, 0xf0, 0, 0, 0, 0, 0, 0), GARDEN_ERR_RANGE, 0);
    assert_refused(OCTETS(0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 1), GARDEN_ERR_RANGE, 0);
}

static void test_texts_and_containers_of_any_width_are_written_in_the_shortest(void **state)
{
    (void)state;
    assert_reads_as(OCTETS(0xd9, 1, 'a'), OCTETS(0xa1, 'a'));
    assert_reads_as(OCTETS(0xda, 0, 1, 'a'), OCTETS(0xa1, 'a'));
    assert_reads_as(OCTETS(0xdb, 0, 0, 0, 1, 'a'), OCTETS(0xa1, 'a'));
    assert_reads_as(OCTETS(0xdc, 0, 1, 0xc0), OCTETS(0x91, 0xc0));
    assert_reads_as(OCTETS(0xdd, 0, 0, 0, 1, 0xc2), OCTETS(0x91, 0xc2));
    assert_reads_as(OCTETS(0xde, 0, 1, 0xd9, 1, 'k', 0xc3), OCTETS(0x81, 0xa1, 'k', 0xc3));
    assert_reads_as(OCTETS(0xdf, 0, 0, 0, 0), OCTETS(0x80));
}

static void test_sizes_at_the_edges_of_each_head_survive(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 15, 16, 31, 32, 255, 256, 65535, 65536};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *text = test_calloc(sizes[i] + 1, 1);
        memset(text, 'x', sizes[i]);
        struct garden_value *items = test_calloc(sizes[i] + 1, sizeof *items);
        struct garden_value pair[] = {
            garden_value_text((struct garden_text){text, sizes[i]}),
            garden_value_list(items, sizes[i]),
        };
        const struct garden_value value = garden_value_list(pair, 2);
        struct garden_buffer buffer;
        garden_buffer_init(&buffer, NULL, 0);
        assert_int_equal(garden_msgpack_encode(&value, &buffer), GARDEN_OK);
        struct garden_value back;
        assert_int_equal(decode(garden_buffer_bytes(&buffer), &back), GARDEN_OK);
        assert_true(garden_value_equal(&value, &back));
        garden_buffer_fini(&buffer);
        test_free(items);
        test_free(text);
    }
}

static void test_a_count_beyond_the_octets_present_is_refused_before_any_memory(void **state)
{
    (void)state;
    const struct zmtp_bytes cases[] = {
        OCTETS(0xdd, 0xff, 0xff, 0xff, 0xff),
        OCTETS(0xdf, 0xff, 0xff, 0xff, 0xff),
        OCTETS(0xdc, 0x00, 0x03, 0xc0, 0xc0),
        OCTETS(0xde, 0x00, 0x01, 0xa0),
        OCTETS(0xdf, 0x80, 0x00, 0x00, 0x01, 0xa0, 0xc0),
        OCTETS(0x91),
        // Each list alone would fit, both of them do not.
        OCTETS(0x93, 0x93, 0xc0, 0xc0, 0xc0),
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct garden_value value;
        assert_int_equal(decode(cases[i], &value), GARDEN_ERR_FORMAT);
        assert_int_equal(arena.bytes, 0);
    }
    struct garden_value value;
    assert_int_equal(decode(OCTETS(0xdb, 0xff, 0xff, 0xff, 0xff, 'a'), &value), GARDEN_ERR_FORMAT);
    assert_int_equal(decode(OCTETS(0xc6, 0xff, 0xff, 0xff, 0xff, 1), &value), GARDEN_ERR_FORMAT);
    assert_int_equal(arena.bytes, 0);
}

static void test_what_is_no_value_of_ours_is_refused(void **state)
{
    (void)state;
    assert_refused(OCTETS(0xc1), GARDEN_ERR_FORMAT, 0);
    assert_refused(OCTETS(0x91, 0xd4, 0x00, 0x00), GARDEN_ERR_FORMAT, 1);
    assert_refused(OCTETS(0xc7, 0x01, 0x05, 0x00), GARDEN_ERR_FORMAT, 0);
    assert_refused(OCTETS(0x81, 0x01, 0x02), GARDEN_ERR_FORMAT, 1);       // a key that is no text
    assert_refused(OCTETS(0x81, 0xc4, 0x00, 0x02), GARDEN_ERR_FORMAT, 1); // nor octets
    assert_refused(OCTETS(0xa2, 0xc3, 0x28), GARDEN_ERR_FORMAT, 0);       // not UTF-8
    assert_refused(OCTETS(0x81, 0xa1, 0xff, 0xc0), GARDEN_ERR_FORMAT, 1);
    assert_refused(OCTETS(0x82, 0xa1, 'a', 0xc0, 0xa1, 'a', 0xc2), GARDEN_ERR_FORMAT, 6);
    assert_refused(OCTETS(0xc0, 0xc0), GARDEN_ERR_FORMAT, 1);
    assert_refused((struct zmtp_bytes){NULL, 0}, GARDEN_ERR_FORMAT, 0);
}

static void test_depth_ends_at_32(void **state)
{
    (void)state;
    uint8_t octets[GARDEN_DEPTH_MAX + 2];
    memset(octets, 0x91, sizeof octets);
    octets[GARDEN_DEPTH_MAX] = 0xc0;
    struct garden_value value;
    assert_int_equal(decode((struct zmtp_bytes){octets, GARDEN_DEPTH_MAX + 1}, &value), GARDEN_OK);
    octets[GARDEN_DEPTH_MAX] = 0x90; // an empty list counts too
    assert_refused((struct zmtp_bytes){octets, GARDEN_DEPTH_MAX + 1}, GARDEN_ERR_LIMIT,
                   GARDEN_DEPTH_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_a_count_beyond_the_octets_present_is_refused_before_any_memory, set_up, tear_down),
        cmocka_unit_test(test_integers_of_any_width_are_written_in_the_shortest),
        cmocka_unit_test(test_reals_are_read_in_both_widths_and_must_be_finite),
        cmocka_unit_test(test_texts_and_containers_of_any_width_are_written_in_the_shortest),
        cmocka_unit_test(test_sizes_at_the_edges_of_each_head_survive),
        cmocka_unit_test(test_what_is_no_value_of_ours_is_refused),
        cmocka_unit_test(test_depth_ends_at_32),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
