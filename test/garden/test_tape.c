#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <garden/tape.h>

static const struct garden_tape_record a_record = {
    .kind = GARDEN_TAPE_MESSAGE,
    .lane = GARDEN_LANE_SHELL,
    .from_daemon = true,
    .peer = 0x01020304,
    .time_ns = 0x1122334455667788,
    .body = {(const uint8_t *)"abc", 3},
};

static void test_a_record_is_as_the_format_says(void **state)
{
    (void)state;
    struct garden_buffer out;
    garden_buffer_init(&out, NULL, 0);
    assert_int_equal(garden_tape_encode(&a_record, &out), GARDEN_OK);
    const uint8_t expected[] = {3,    0,    0,    0,    2,    1,    1,    0,
                                0x04, 0x03, 0x02, 0x01, 0x88, 0x77, 0x66, 0x55,
                                0x44, 0x33, 0x22, 0x11, 'a',  'b',  'c'};
    assert_int_equal(out.size, sizeof expected + 8);
    assert_memory_equal(out.data, expected, sizeof expected);
    // b2sum -l 256 of those octets.
    const uint8_t check[] = {0xc8, 0x66, 0xf7, 0x62, 0x31, 0xbb, 0xfd, 0x42};
    assert_memory_equal(out.data + sizeof expected, check, 8);
    assert_memory_equal(garden_tape_magic, "GRDNTAP1", 8);
    garden_buffer_fini(&out);
}

static void test_what_was_written_is_read_and_a_part_of_it_is_too_little(void **state)
{
    (void)state;
    struct garden_buffer out;
    struct garden_tape_record read = {.kind = 0};
    garden_buffer_init(&out, NULL, 0);
    assert_int_equal(garden_tape_encode(&a_record, &out), GARDEN_OK);
    for (size_t size = 0; size < out.size; size++)
        assert_int_equal(garden_tape_decode(zmtp_bytes_of(out.data, size), &read), 0);
    assert_int_equal(read.kind, 0);
    assert_int_equal(garden_tape_decode(garden_buffer_bytes(&out), &read), out.size);
    assert_int_equal(read.kind, a_record.kind);
    assert_int_equal(read.lane, a_record.lane);
    assert_true(read.from_daemon);
    assert_int_equal(read.peer, a_record.peer);
    assert_int_equal(read.time_ns, a_record.time_ns);
    assert_int_equal(read.body.size, 3);
    assert_memory_equal(read.body.data, "abc", 3);
    garden_buffer_fini(&out);
}

static void test_any_changed_bit_is_found(void **state)
{
    (void)state;
    struct garden_buffer out;
    struct garden_tape_record read;
    garden_buffer_init(&out, NULL, 0);
    assert_int_equal(garden_tape_encode(&a_record, &out), GARDEN_OK);
    for (size_t bit = 0; bit < 8 * out.size; bit++) {
        out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_true(garden_tape_decode(garden_buffer_bytes(&out), &read) <= 0);
        out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    garden_buffer_fini(&out);
}

static void test_a_body_beyond_the_limit_is_neither_written_nor_waited_for(void **state)
{
    (void)state;
    struct garden_buffer out;
    struct garden_tape_record record = a_record;
    garden_buffer_init(&out, NULL, 0);
    record.body.size = (size_t)GARDEN_TAPE_BODY_MAX + 1;
    assert_int_equal(garden_tape_encode(&record, &out), GARDEN_ERR_LIMIT);
    assert_int_equal(out.size, 0);
    assert_int_equal(garden_tape_encode(&a_record, &out), GARDEN_OK);
    out.data[3] = 1; // 16 MiB and 3 octets
    assert_int_equal(garden_tape_decode(garden_buffer_bytes(&out), &record), GARDEN_ERR_LIMIT);
    garden_buffer_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_record_is_as_the_format_says),
        cmocka_unit_test(test_what_was_written_is_read_and_a_part_of_it_is_too_little),
        cmocka_unit_test(test_any_changed_bit_is_found),
        cmocka_unit_test(test_a_body_beyond_the_limit_is_neither_written_nor_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
