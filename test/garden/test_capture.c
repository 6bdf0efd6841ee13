#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <garden/capture.h>

#include "capture_rig.h"

static void test_a_buffer_that_straddles_two_chunks_loses_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 64, 10 * 4 + 3); // rounded down to ten frames
    rig_run(&rig);
    assert_int_equal(garden_capture_switch(rig.capture, "c1", 0, NULL), GARDEN_OK);
    rig_run(&rig);
    rig_offer(&rig, 17);
    rig_run(&rig);
    assert_int_equal(rig.files[0].size, 40);
    assert_true(rig.files[0].closed);
    assert_int_equal(rig.files[1].size, 28);
    assert_int_equal(rig.files[1].frames[0], 10);
    assert_int_equal(rig_events(&rig, GARDEN_CAPTURE_CHUNK_FULL), 1);
    rig_check(&rig);
    rig_end(&rig);
}

static void test_a_full_chunk_is_told_again_until_a_switch_answers(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 64, 16);
    rig_offer(&rig, 5);
    rig_run(&rig);
    assert_int_equal(garden_capture_state(rig.capture), GARDEN_CAPTURE_STARVED);
    assert_int_equal(rig_events(&rig, GARDEN_CAPTURE_CHUNK_FULL), 1);
    for (rig.now = 10; rig.now <= 800; rig.now += 10)
        rig_run(&rig);
    assert_int_equal(rig_events(&rig, GARDEN_CAPTURE_CHUNK_FULL), 3); // at 0, 250 and 750
    assert_int_equal(garden_capture_switch(rig.capture, "c1", rig.now, NULL), GARDEN_OK);
    rig_run(&rig);
    assert_int_equal(garden_capture_answered(rig.capture)->number, 0);
    assert_int_equal(garden_capture_answered(rig.capture)->frames, 4);
    assert_string_equal(garden_capture_answered(rig.capture)->path, "c0");
    for (; rig.now <= 9000; rig.now += 10)
        rig_run(&rig);
    assert_int_equal(rig_events(&rig, GARDEN_CAPTURE_CHUNK_FULL), 3);
    assert_int_equal(rig.files[1].frames[0], 4); // it waited in the ring
    rig_end(&rig);
}

static void test_without_a_chunk_frames_wait_and_then_are_counted_at_their_place(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 8, 16);
    rig_run(&rig);
    rig_offer(&rig, 4); // fills the chunk
    rig_run(&rig);
    rig_offer(&rig, 6); // waits
    rig_offer(&rig, 3); // does not fit
    rig_run(&rig);
    assert_non_null(rig_event(&rig, GARDEN_CAPTURE_ERROR)); // told before its end is known
    assert_true(rig_event(&rig, GARDEN_CAPTURE_ERROR)->recoverable);
    assert_int_equal(garden_capture_switch(rig.capture, "c1", 0, NULL), GARDEN_OK);
    assert_int_equal(garden_capture_switch(rig.capture, "c2", 0, NULL), GARDEN_OK);
    rig_run(&rig);
    rig_offer(&rig, 1);
    rig_run(&rig);
    const struct garden_capture_event *overrun = rig_event(&rig, GARDEN_CAPTURE_OVERRUN);
    assert_non_null(overrun);
    assert_int_equal(overrun->gap.first, 10);
    assert_int_equal(overrun->gap.count, 3);
    garden_capture_stop(rig.capture, 0);
    rig_run(&rig);
    rig_check(&rig);
    const struct garden_capture_event *ended = rig_event(&rig, GARDEN_CAPTURE_ENDED);
    assert_int_equal(ended->totals.offered, 14);
    assert_int_equal(ended->totals.captured, 11);
    assert_int_equal(ended->totals.chunks, 3);
    const struct garden_chunk_report *last = &rig.reports[ended - rig.events];
    assert_int_equal(last->number, 2);
    assert_int_equal(last->first, 8);
    assert_int_equal(last->frames, 3);
    assert_int_equal(last->gap_count, 1);
    rig_end(&rig);
}

static void test_a_switch_doubled_late_or_superfluous_changes_nothing(void **state)
{
    (void)state;
    struct rig rig;
    struct garden_error error;
    rig_start(&rig, 64, 16);
    rig_run(&rig);
    assert_int_equal(garden_capture_switch(rig.capture, "c0", 0, &error), 1);
    assert_int_equal(garden_capture_switch(rig.capture, "c1", 0, &error), GARDEN_OK);
    assert_int_equal(garden_capture_switch(rig.capture, "c1", 0, &error), GARDEN_OK);
    rig_run(&rig);
    assert_int_equal(rig_events(&rig, GARDEN_CAPTURE_SWITCHED), 1);
    assert_int_equal(garden_capture_switch(rig.capture, "c1", 0, &error), 1);
    assert_int_equal(garden_capture_switch(rig.capture, "c2", 0, &error), GARDEN_ERR_EXISTS);
    rig_offer(&rig, 8);
    rig_run(&rig);
    assert_int_equal(garden_capture_switch(rig.capture, "c0", 0, &error), 1); // long closed
    assert_int_equal(garden_capture_switch(rig.capture, "", 0, &error), GARDEN_ERR_ARGUMENT);
    assert_int_equal(rig.file_count, 2);
    rig_end(&rig);
}

static void test_a_start_that_cannot_open_its_chunk_holds_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 64, 16);
    rig.fail_open = GARDEN_ERR_NO_SPACE;
    rig_run(&rig);
    const struct garden_capture_event *started = rig_event(&rig, GARDEN_CAPTURE_STARTED);
    assert_int_equal(started->result, GARDEN_ERR_NO_SPACE);
    assert_string_equal(rig.texts[0], "no space is left");
    assert_int_equal(garden_capture_state(rig.capture), GARDEN_CAPTURE_REFUSED);
    rig_offer(&rig, 4);
    rig_run(&rig);
    assert_int_equal(rig.file_count, 0);
    assert_int_equal(garden_capture_switch(rig.capture, "c1", 0, NULL), GARDEN_ERR_STATE);
    garden_capture_stop(rig.capture, 0);
    rig_run(&rig);
    assert_int_equal(rig_events(&rig, GARDEN_CAPTURE_ENDED), 1);
    rig_end(&rig);
}

static void test_a_standby_that_cannot_be_opened_is_refused_and_the_same_path_may_come_again(
    void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 64, 16);
    rig_run(&rig);
    rig.fail_open = GARDEN_ERR_NO_SPACE;
    assert_int_equal(garden_capture_switch(rig.capture, "c1", 0, NULL), GARDEN_OK);
    rig_run(&rig);
    assert_int_equal(rig_event(&rig, GARDEN_CAPTURE_SWITCHED)->result, GARDEN_ERR_NO_SPACE);
    rig.fail_open = GARDEN_OK;
    rig_offer(&rig, 6);
    rig_run(&rig);
    assert_int_equal(garden_capture_switch(rig.capture, "c1", 0, NULL), GARDEN_OK);
    rig_run(&rig);
    assert_int_equal(rig.files[1].size, 8);
    rig_check(&rig);
    rig_end(&rig);
}

static void test_a_stop_writes_what_the_ring_holds_and_ends_with_exact_totals(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 64, 16);
    rig_run(&rig);
    assert_int_equal(garden_capture_switch(rig.capture, "c1", 0, NULL), GARDEN_OK);
    rig_run(&rig);
    rig_offer(&rig, 7);
    garden_capture_stop(rig.capture, 0);
    garden_capture_stop(rig.capture, 0);
    rig_run(&rig);
    assert_int_equal(rig_events(&rig, GARDEN_CAPTURE_ENDED), 1);
    const struct garden_capture_event *ended = rig_event(&rig, GARDEN_CAPTURE_ENDED);
    assert_int_equal(ended->totals.captured, 7);
    assert_int_equal(ended->totals.offered, garden_ring_offered(rig.ring));
    assert_int_equal(rig.files[1].size, 12);
    assert_true(rig.files[1].closed);
    rig_check(&rig);
    garden_capture_stop(rig.capture, 0); // its reply was lost
    rig_run(&rig);
    assert_int_equal(rig_events(&rig, GARDEN_CAPTURE_ENDED), 2);
    rig_end(&rig);
}

static void test_a_stop_waits_a_while_for_each_chunk_and_then_counts_the_rest(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 64, 16);
    rig_run(&rig);
    rig_offer(&rig, 20);
    rig_run(&rig);
    garden_capture_stop(rig.capture, 0);
    for (rig.now = 0; rig.now < 1000; rig.now += 100)
        rig_run(&rig);
    assert_null(rig_event(&rig, GARDEN_CAPTURE_ENDED));
    assert_int_equal(garden_capture_switch(rig.capture, "c1", rig.now, NULL), GARDEN_OK);
    for (; rig.now < 1000 + GARDEN_DRAIN_MS; rig.now += 100) { // from that chunk on
        rig_run(&rig);
        if (rig.now != 1000) rig.event_count = 0;
    }
    assert_null(rig_event(&rig, GARDEN_CAPTURE_ENDED));
    for (; rig.now < 1200 + GARDEN_DRAIN_MS; rig.now += 100)
        rig_run(&rig);
    const struct garden_capture_event *ended = rig_event(&rig, GARDEN_CAPTURE_ENDED);
    assert_non_null(ended);
    assert_int_equal(ended->totals.captured, 8);
    assert_int_equal(ended->totals.overrun, 12);
    assert_int_equal(ended->totals.offered, 20);
    assert_int_equal(rig_event(&rig, GARDEN_CAPTURE_OVERRUN)->gap.first, 8);
    rig_check(&rig);
    rig_end(&rig);
}

static void test_the_gap_that_ends_a_stream_is_in_its_totals(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 8, 400);
    rig_run(&rig);
    rig_offer(&rig, 6);
    rig_offer(&rig, 5);
    garden_capture_stop(rig.capture, 0);
    rig_run(&rig);
    const struct garden_capture_event *ended = rig_event(&rig, GARDEN_CAPTURE_ENDED);
    assert_int_equal(ended->totals.captured, 6);
    assert_int_equal(ended->totals.overrun, 5);
    assert_int_equal(rig.reports[ended - rig.events].gaps[0].first, 6);
    rig_check(&rig);
    rig_end(&rig);
}

static void test_a_chunk_with_too_many_gaps_ends_early_so_that_each_gap_is_reported(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 4, 4096);
    rig_run(&rig);
    assert_int_equal(garden_capture_switch(rig.capture, "c1", 0, NULL), GARDEN_OK);
    rig_run(&rig);
    size_t gaps = 0;
    for (int i = 0; i < 40; i++) {
        rig_offer(&rig, 1);
        rig_offer(&rig, 9);
        rig_run(&rig);
        rig.event_count = 0;
    }
    garden_capture_stop(rig.capture, 0);
    rig_run(&rig);
    const struct garden_capture_event *ended = rig_event(&rig, GARDEN_CAPTURE_ENDED);
    gaps += rig.reports[ended - rig.events].gap_count;
    gaps += GARDEN_CHUNK_GAPS_MAX; // of the first, which is full of them
    assert_int_equal(gaps, 40);
    assert_int_equal(rig.file_count, 2);
    assert_int_equal(rig.files[0].size, 33 * 4);
    rig_check(&rig);
    rig_end(&rig);
}

static void test_the_head_is_told_ten_times_a_second(void **state)
{
    (void)state;
    struct rig rig;
    struct garden_capture_event event;
    rig_start(&rig, 64, 400);
    rig_run(&rig);
    rig_offer(&rig, 5);
    rig_run(&rig);
    int heads = 0;
    for (int64_t now = 0; now <= 1000; now += 5)
        while (garden_capture_event(rig.capture, now, &event)) {
            assert_int_equal(event.kind, GARDEN_CAPTURE_HEAD);
            assert_int_equal(event.totals.captured, 5);
            assert_int_equal(event.totals.bytes, 20);
            assert_string_equal(event.path, "c0");
            assert_false(event.standby);
            heads++;
        }
    assert_int_equal(heads, 10);
    rig_end(&rig);
}

static void test_what_cannot_be_captured_is_refused_with_a_line(void **state)
{
    (void)state;
    struct garden_ring *ring = NULL;
    struct garden_capture *capture = NULL;
    struct garden_error error;
    assert_int_equal(garden_ring_open(NULL, 4, 8, &ring), GARDEN_OK);
    struct garden_capture_config config = {
        .uri = "stream://a/b", .format = stereo16, .chunk_size = 64};
    const uint64_t sizes[] = {0, 3, GARDEN_CHUNK_SIZE_MAX + 1, UINT64_MAX};
    for (size_t i = 0; i < 4; i++) {
        config.chunk_size = sizes[i];
        assert_int_equal(garden_capture_open(NULL, &config, ring, "c0", 0, &capture, &error),
                         GARDEN_ERR_RANGE);
        assert_non_null(strstr(error.text, "at least a frame, which has 4"));
    }
    config.chunk_size = 64;
    config.format.channels = 0;
    assert_int_equal(garden_capture_open(NULL, &config, ring, "c0", 0, &capture, &error),
                     GARDEN_ERR_RANGE);
    config.format.channels = 3; // the ring has frames of two
    assert_int_equal(garden_capture_open(NULL, &config, ring, "c0", 0, &capture, &error),
                     GARDEN_ERR_ARGUMENT);
    config.format.channels = 2;
    config.uri = "a/b";
    assert_int_equal(garden_capture_open(NULL, &config, ring, "c0", 0, &capture, &error),
                     GARDEN_ERR_ARGUMENT);
    assert_non_null(strstr(error.text, "stream://"));
    assert_null(capture);
    garden_ring_close(ring);
}

static void test_sizes_of_frames_and_chunks_follow_the_format(void **state)
{
    (void)state;
    struct garden_stream_format format = stereo16;
    assert_int_equal(garden_frame_size(&format), 4);
    format.sample = GARDEN_SAMPLE_S24_LE;
    assert_int_equal(garden_frame_size(&format), 6);
    assert_int_equal(garden_chunk_size(&format, 524288), 524286); // 524288 % 6 = 2
    format.sample = GARDEN_SAMPLE_F32_LE;
    format.channels = 64;
    assert_int_equal(garden_frame_size(&format), 256);
    format.sample = (enum garden_sample_format)9;
    assert_int_equal(garden_frame_size(&format), 0);
    format.kind = GARDEN_STREAM_MIDI;
    assert_int_equal(garden_frame_size(&format), 1);
    assert_int_equal(garden_chunk_size(&format, 4097), 4097);
}

static void test_samples_are_stored_as_declared(void **state)
{
    (void)state;
    const float in[] = {0.0f, 0.5f, -1.0f, 1.0f, 2.0f, -3.0f};
    uint8_t out[24];
    garden_samples_encode(GARDEN_SAMPLE_S16_LE, in, 6, out);
    const uint8_t s16[] = {0, 0, 0, 0x40, 0, 0x80, 0xff, 0x7f, 0xff, 0x7f, 0, 0x80};
    assert_memory_equal(out, s16, sizeof s16);
    garden_samples_encode(GARDEN_SAMPLE_S24_LE, in, 4, out);
    const uint8_t s24[] = {0, 0, 0, 0, 0, 0x40, 0, 0, 0x80, 0xff, 0xff, 0x7f};
    assert_memory_equal(out, s24, sizeof s24);
    garden_samples_encode(GARDEN_SAMPLE_S32_LE, in, 4, out);
    const uint8_t s32[] = {0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0x80, 0xff, 0xff, 0xff, 0x7f};
    assert_memory_equal(out, s32, sizeof s32);
    garden_samples_encode(GARDEN_SAMPLE_F32_LE, in, 2, out);
    const uint8_t f32[] = {0, 0, 0, 0, 0, 0, 0, 0x3f};
    assert_memory_equal(out, f32, sizeof f32);
    const float nothing = (float)(0.0 * (double)(1e30f * 1e30f));
    garden_samples_encode(GARDEN_SAMPLE_S16_LE, &nothing, 1, out);
    assert_int_equal(out[0] | out[1], 0);
}

// Random offers, switches, failures and stops, with tiny chunks and a tiny ring.
static void simulate(uint32_t seed)
{
    struct rig rig;
    uint32_t random = seed;
    int next_path = 1;
    bool given_up = false;
    rig_start(&rig, 12, 7 * 4);
    rig_run(&rig);
    for (int step = 0; step < 120 && rig.file_count < RIG_FILES - 2; step++) {
        random = random * 1664525u + 1013904223u;
        rig.event_count = 0;
        rig.fail_write = (random >> 8) % 16 == 0   ? GARDEN_ERR_SYSTEM
                         : (random >> 8) % 16 == 1 ? GARDEN_ERR_NO_SPACE
                                                   : GARDEN_OK;
        rig.fail_open = (random >> 12) % 8 == 0 ? GARDEN_ERR_NO_SPACE : GARDEN_OK;
        if ((random >> 16) % 3 == 0) rig_offer(&rig, 1 + (random >> 20) % 9);
        if ((random >> 16) % 3 == 1) {
            char path[16];
            snprintf(path, sizeof path, "p%d", next_path);
            const int result = garden_capture_switch(rig.capture, path, rig.now, NULL);
            if (result == 1)
                next_path++;
            else
                assert_true(result == GARDEN_OK || result == GARDEN_ERR_EXISTS ||
                            (given_up && result == GARDEN_ERR_STATE));
        }
        if ((random >> 16) % 3 == 2) rig.now += 50;
        rig_run(&rig);
        rig_check(&rig);
        for (size_t i = 0; i < rig.event_count; i++)
            if (rig.events[i].kind == GARDEN_CAPTURE_ERROR && !rig.events[i].recoverable)
                given_up = true;
    }
    rig.fail_open = rig.fail_write = GARDEN_OK;
    garden_capture_stop(rig.capture, rig.now);
    for (int i = 0; i <= GARDEN_DRAIN_MS / 100; i++, rig.now += 100) {
        rig.event_count = 0;
        rig_run(&rig);
        if (garden_capture_state(rig.capture) == GARDEN_CAPTURE_STOPPED) break;
    }
    assert_int_equal(garden_capture_state(rig.capture), GARDEN_CAPTURE_STOPPED);
    assert_int_equal(garden_capture_totals(rig.capture).offered, rig.position);
    rig_check(&rig);
    for (size_t i = 0; i < rig.file_count; i++)
        assert_true(rig.files[i].closed);
    rig_end(&rig);
}

static uint32_t seed_running; // 0: none

static int tell_seed(void **state)
{
    (void)state;
    if (seed_running != 0) print_message("the seed was %u\n", seed_running);
    return 0;
}

static void test_whatever_happens_captured_and_overrun_make_up_what_was_offered(void **state)
{
    (void)state;
    for (seed_running = 1; seed_running <= 500; seed_running++)
        simulate(seed_running);
    seed_running = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_buffer_that_straddles_two_chunks_loses_nothing),
        cmocka_unit_test(test_a_full_chunk_is_told_again_until_a_switch_answers),
        cmocka_unit_test(test_without_a_chunk_frames_wait_and_then_are_counted_at_their_place),
        cmocka_unit_test(test_a_switch_doubled_late_or_superfluous_changes_nothing),
        cmocka_unit_test(test_a_start_that_cannot_open_its_chunk_holds_nothing),
        cmocka_unit_test(
            test_a_standby_that_cannot_be_opened_is_refused_and_the_same_path_may_come_again),
        cmocka_unit_test(test_a_stop_writes_what_the_ring_holds_and_ends_with_exact_totals),
        cmocka_unit_test(test_a_stop_waits_a_while_for_each_chunk_and_then_counts_the_rest),
        cmocka_unit_test(test_the_gap_that_ends_a_stream_is_in_its_totals),
        cmocka_unit_test(test_a_chunk_with_too_many_gaps_ends_early_so_that_each_gap_is_reported),
        cmocka_unit_test(test_the_head_is_told_ten_times_a_second),
        cmocka_unit_test(test_what_cannot_be_captured_is_refused_with_a_line),
        cmocka_unit_test(test_sizes_of_frames_and_chunks_follow_the_format),
        cmocka_unit_test(test_samples_are_stored_as_declared),
        cmocka_unit_test_teardown(
            test_whatever_happens_captured_and_overrun_make_up_what_was_offered, tell_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
