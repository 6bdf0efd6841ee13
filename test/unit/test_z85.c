// Z85 (RFC 32): keys as text.
#include "test/support/octets.h"
#include "test/support/random.h"
#include "zmtp/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

// RFC 32, Test Case.
static void test_the_example_of_the_rfc_reads_and_writes_as_told(void **state)
{
    (void)state;
    const struct zmtp_bytes octets = OCTETS(0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B);
    char text[11];
    uint8_t back[8];
    assert_int_equal(zmtp_z85_encode(octets, text, sizeof text), 10);
    assert_string_equal(text, "HelloWorld");
    assert_int_equal(zmtp_z85_decode(LITERAL("HelloWorld"), back, sizeof back), 8);
    octets_assert_equal(zmtp_bytes_of(back, 8), octets);
}

static void test_the_borders_of_a_group_are_its_smallest_and_largest_number(void **state)
{
    (void)state;
    char text[6];
    uint8_t octets[4];
    assert_int_equal(zmtp_z85_encode(OCTETS(0, 0, 0, 0), text, sizeof text), 5);
    assert_string_equal(text, "00000");
    assert_int_equal(zmtp_z85_encode(OCTETS(0xFF, 0xFF, 0xFF, 0xFF), text, sizeof text), 5);
    assert_string_equal(text, "%nSc0");
    assert_int_equal(zmtp_z85_decode(LITERAL("%nSc0"), octets, 4), 4);
    octets_assert_equal(zmtp_bytes_of(octets, 4), OCTETS(0xFF, 0xFF, 0xFF, 0xFF));
    // One more does not fit into four octets, nor does the most that five characters can say.
    assert_int_equal(zmtp_z85_decode(LITERAL("%nSc1"), octets, 4), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_z85_decode(LITERAL("#####"), octets, 4), ZMTP_ERR_ARGUMENT);
}

static void test_a_character_outside_the_alphabet_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    uint8_t octets[8];
    for (int character = 0; character < 256; character++) {
        const bool known = character && strchr("0123456789abcdefghijklmnopqrstuvwxyz"
                                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#",
                                               character);
        for (size_t place = 0; place < 10; place++) {
            uint8_t text[10];
            memset(text, '0', sizeof text);
            text[place] = (uint8_t)character;
            const bool leads = place % 5 == 0; // 84 * 85^4 and the like are too large
            const int result = zmtp_z85_decode(zmtp_bytes_of(text, 10), octets, 8);
            if (!known) assert_int_equal(result, ZMTP_ERR_ARGUMENT);
            if (known && !leads) assert_int_equal(result, 8);
        }
    }
}

static void test_sizes_that_are_no_multiple_are_refused(void **state)
{
    (void)state;
    const uint8_t octets[8] = {0};
    char text[16];
    uint8_t back[16];
    for (size_t size = 0; size <= 8; size++)
        assert_int_equal(zmtp_z85_encode(zmtp_bytes_of(octets, size), text, sizeof text),
                         size % 4 == 0 ? (int)size / 4 * 5 : ZMTP_ERR_ARGUMENT);
    for (size_t size = 0; size <= 10; size++)
        assert_int_equal(zmtp_z85_decode(zmtp_bytes_of("0000000000", size), back, sizeof back),
                         size % 5 == 0 ? (int)size / 5 * 4 : ZMTP_ERR_ARGUMENT);
}

static void test_an_output_that_is_too_small_is_not_touched(void **state)
{
    (void)state;
    char text[10];
    uint8_t octets[8];
    memset(text, 'x', sizeof text);
    memset(octets, 0xA5, sizeof octets);
    const struct zmtp_bytes zeros = OCTETS(0, 0, 0, 0, 0, 0, 0, 0);
    assert_int_equal(zmtp_z85_encode(zeros, text, sizeof text), ZMTP_ERR_LIMIT);
    assert_memory_equal(text, "xxxxxxxxxx", 10);
    assert_int_equal(zmtp_z85_decode(LITERAL("0000000000"), octets, 7), ZMTP_ERR_LIMIT);
    assert_int_equal(octets[0], 0xA5);
    assert_int_equal(zmtp_z85_encode((struct zmtp_bytes){0}, text, 0), ZMTP_ERR_LIMIT);
}

static void test_whatever_is_written_reads_back(void **state)
{
    (void)state;
    struct random random = random_of(85);
    for (int round = 0; round < 1000; round++) {
        uint8_t octets[32], back[32];
        char text[41];
        for (size_t i = 0; i < sizeof octets; i++)
            octets[i] = (uint8_t)random_next(&random);
        assert_int_equal(zmtp_z85_encode(zmtp_bytes_of(octets, 32), text, sizeof text), 40);
        assert_int_equal(zmtp_z85_decode(zmtp_bytes_text(text), back, sizeof back), 32);
        assert_memory_equal(octets, back, 32);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_example_of_the_rfc_reads_and_writes_as_told),
        cmocka_unit_test(test_the_borders_of_a_group_are_its_smallest_and_largest_number),
        cmocka_unit_test(test_a_character_outside_the_alphabet_is_refused_wherever_it_stands),
        cmocka_unit_test(test_sizes_that_are_no_multiple_are_refused),
        cmocka_unit_test(test_an_output_that_is_too_small_is_not_touched),
        cmocka_unit_test(test_whatever_is_written_reads_back),
    };
    return cmocka_run_group_tests_name("z85", tests, NULL, NULL);
}
