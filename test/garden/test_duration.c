// Spans of time in the words of a call, to the nanosecond and to the frame.
#include "../../garden/tools/duration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_a_span_is_a_number_and_perhaps_a_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t unit_ns, ns;
    } cases[] = {
        {"10", DURATION_S, 10 * DURATION_S},
        {"10", DURATION_MS, 10 * DURATION_MS},
        {"0.5", DURATION_S, DURATION_S / 2},
        {"0.5s", DURATION_MS, DURATION_S / 2},
        {"500ms", DURATION_S, DURATION_S / 2},
        {"2m", DURATION_S, 120 * DURATION_S},
        {"1.5h", DURATION_S, 5400 * DURATION_S},
        {"0", DURATION_S, 0},
        {"007s", 0, 7 * DURATION_S},
        {"0.1s", 0, DURATION_S / 10}, // which no float has
        {"1.000000001s", 0, DURATION_S + 1},
        {"0.0000000019s", 0, 1}, // less than a nanosecond is cut off
        {"0.33333333333333333333333333333333h", 0, 1200 * DURATION_S - 1},
        {"18446744073.709551614s", 0, UINT64_MAX - 1},
        {"18446744073.709551616s", 0, UINT64_MAX}, // what does not fit
        {"99999999999999999999999999999", DURATION_S, UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t ns = 7;
        if (!duration_parse(cases[i].text, cases[i].unit_ns, &ns) || ns != cases[i].ns)
            fail_msg("'%s' is %llu", cases[i].text, (unsigned long long)ns);
    }
}

static void test_what_is_no_span_is_refused_and_writes_nothing(void **state)
{
    (void)state;
    static const char *const cases[] = {"",    " 1",   "1 ",  "-1",  "+1",   ".5",   "1.",
                                        "1.s", "s",    "1e3", "nan", "inf",  "0x1",  "1,5",
                                        "1S",  "1min", "1 s", "1ns", "1..5", "1.5.5"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t ns = 7;
        if (duration_parse(cases[i], DURATION_S, &ns) || ns != 7) fail_msg("'%s'", cases[i]);
    }
    uint64_t ns = 7;
    assert_false(duration_parse("1", 0, &ns)); // a unit is wanted
    assert_false(duration_parse("1.5", 0, &ns));
    assert_int_equal(ns, 7);
}

static void test_frames_are_rounded_to_the_nearest_and_come_back(void **state)
{
    (void)state;
    assert_int_equal(duration_frames(DURATION_S / 2, 44100), 22050);
    assert_int_equal(duration_frames(DURATION_S / 3, 48000), 16000);
    assert_int_equal(duration_frames(10416, 48000), 0); // half a frame is 10416.7 ns
    assert_int_equal(duration_frames(10417, 48000), 1);
    assert_int_equal(duration_frames(DURATION_S, 0), 0);
    static const uint32_t rates[] = {1, 7, 8000, 44100, 48000, 1536000};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        for (uint64_t frames = 1; frames < UINT64_C(10000000000); frames = frames * 3 + 1)
            assert_true(duration_frames(duration_of_frames(frames, rates[i]), rates[i]) == frames);
    assert_true(duration_of_frames(UINT64_MAX, 1) == UINT64_MAX);
    assert_true(duration_of_frames(5, 0) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_span_is_a_number_and_perhaps_a_unit),
        cmocka_unit_test(test_what_is_no_span_is_refused_and_writes_nothing),
        cmocka_unit_test(test_frames_are_rounded_to_the_nearest_and_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
