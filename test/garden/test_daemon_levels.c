// How loud a stream is, of its octets.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "garden/daemon/levels.h"

#include <math.h>
#include <string.h>

static struct garden_stream_format audio(uint16_t channels, enum garden_sample_format sample)
{
    return (struct garden_stream_format){
        .kind = GARDEN_STREAM_AUDIO, .sample_rate = 200, .channels = channels, .sample = sample};
}

static void test_each_step_has_its_least_and_its_greatest_sample_of_all_channels(void **state)
{
    (void)state;
    struct levels levels;
    struct levels_report report;
    const struct garden_stream_format format = audio(2, GARDEN_SAMPLE_S16_LE);
    // Four frames a step; 0x4000 is half of full scale, 0xE000 a quarter below zero.
    const uint8_t octets[] = {0, 0, 0,    0x40, 0, 0xE0, 0, 0, 0, 0,    0, 0, 0, 0, 0, 0,
                              0, 0, 0x20, 0,    0, 0,    0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0};
    levels_init(&levels, &format);
    levels_add(&levels, octets, sizeof octets);
    levels_take(&levels, &report);
    assert_true(report.step == 4 && report.first == 0 && report.count == 2);
    assert_true(report.least[0] == -250 && report.greatest[0] == 500);
    assert_true(report.least[1] == -1000 && report.greatest[1] == 1);
    assert_true(report.channel_count == 2 && report.peaks[0] == 1000 && report.peaks[1] == 500);
    levels_take(&levels, &report);
    assert_true(report.first == 8 && report.count == 0 && report.peaks[0] == 0);
}

static void test_every_format_says_the_same_of_the_same_sound(void **state)
{
    (void)state;
    static const enum garden_sample_format formats[] = {GARDEN_SAMPLE_F32_LE, GARDEN_SAMPLE_S16_LE,
                                                        GARDEN_SAMPLE_S24_LE, GARDEN_SAMPLE_S32_LE};
    const float sound[] = {0.5f, -0.25f, 0, 0.125f};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        struct levels levels;
        struct levels_report report;
        uint8_t octets[sizeof sound];
        const struct garden_stream_format format = audio(1, formats[i]);
        garden_samples_encode(formats[i], sound, 4, octets);
        levels_init(&levels, &format);
        levels_add(&levels, octets, 4 * garden_sample_size(formats[i]));
        levels_take(&levels, &report);
        assert_true(report.count == 1 && report.greatest[0] == 500 && report.least[0] == -250);
        assert_true(report.peaks[0] == 500);
    }
}

static void test_floats_beyond_full_scale_and_none_at_all_are_no_trouble(void **state)
{
    (void)state;
    struct levels levels;
    struct levels_report report;
    uint8_t octets[16];
    const float sound[] = {1e30f, -INFINITY, NAN, 2};
    const struct garden_stream_format format = audio(1, GARDEN_SAMPLE_F32_LE);
    memcpy(octets, sound, sizeof sound);
    levels_init(&levels, &format);
    levels_add(&levels, octets, sizeof octets);
    levels_take(&levels, &report);
    assert_true(report.greatest[0] == INT16_MAX && report.least[0] == -INT16_MAX);
}

static void add_steps(struct levels *levels, unsigned first, unsigned count)
{
    for (unsigned i = 4 * first; i < 4 * (first + count); i++) { // a frame a time
        const uint8_t frame[] = {0, (uint8_t)(i / 4 % 100)};
        levels_add(levels, frame, sizeof frame);
    }
}

static int16_t level_of(unsigned step)
{
    return (int16_t)((step % 100 * 256 * 1000 + 16384) / 32768);
}

static void test_steps_that_are_too_many_are_told_in_pairs_and_none_is_dropped(void **state)
{
    (void)state;
    struct levels levels;
    struct levels_report report;
    const struct garden_stream_format format = audio(1, GARDEN_SAMPLE_S16_LE);
    uint64_t next = 0;
    unsigned from = 0;
    levels_init(&levels, &format);
    for (unsigned count = 0; count < 6 * LEVELS_STEPS_MAX; count += 7) {
        add_steps(&levels, from, count);
        levels_take(&levels, &report);
        assert_true(report.first == next && report.frames == 4 * count);
        assert_true(report.count <= LEVELS_STEPS_MAX &&
                    report.count * report.step >= report.frames);
        assert_true(report.step == 4 || (report.count - 1) * report.step < report.frames);
        for (size_t i = 0; i < report.count; i++) {
            int16_t greatest = 0;
            for (unsigned at = (unsigned)(i * report.step / 4);
                 at < (i + 1) * report.step / 4 && at < count; at++)
                if (level_of(from + at) > greatest) greatest = level_of(from + at);
            assert_int_equal(report.greatest[i], greatest);
        }
        next += report.frames;
        from += count;
    }
    levels_take(&levels, &report);
    assert_true(report.first == next && report.step == 4 && report.count == 0);
}

static void test_midi_has_no_levels_and_of_many_channels_eight_are_told(void **state)
{
    (void)state;
    struct levels levels;
    struct levels_report report;
    uint8_t octets[2 * 20 * 4] = {0};
    const struct garden_stream_format midi = {.kind = GARDEN_STREAM_MIDI};
    const struct garden_stream_format many = audio(20, GARDEN_SAMPLE_S16_LE);
    levels_init(&levels, &midi);
    levels_add(&levels, octets, sizeof octets);
    levels_take(&levels, &report);
    assert_true(report.step == 0 && report.count == 0);
    levels_init(&levels, &many);
    octets[2 * 19 + 1] = 0x40; // in the last channel, which the waveform still has
    levels_add(&levels, octets, sizeof octets);
    levels_take(&levels, &report);
    assert_true(report.channel_count == LEVELS_CHANNELS_MAX && report.greatest[0] == 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_step_has_its_least_and_its_greatest_sample_of_all_channels),
        cmocka_unit_test(test_every_format_says_the_same_of_the_same_sound),
        cmocka_unit_test(test_floats_beyond_full_scale_and_none_at_all_are_no_trouble),
        cmocka_unit_test(test_steps_that_are_too_many_are_told_in_pairs_and_none_is_dropped),
        cmocka_unit_test(test_midi_has_no_levels_and_of_many_channels_eight_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
