// The capture machine where the disk refuses: writes, chunks, and notes of gaps.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <garden/capture.h>

#include "capture_rig.h"

static void test_a_failing_write_ends_the_chunk_and_its_frames_go_to_the_next(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 64, 40);
    rig_run(&rig);
    rig_offer(&rig, 5);
    rig_run(&rig);
    rig.fail_write = GARDEN_ERR_SYSTEM;
    rig_offer(&rig, 3);
    rig_run(&rig);
    rig.fail_write = GARDEN_OK;
    assert_true(rig_event(&rig, GARDEN_CAPTURE_ERROR)->recoverable);
    assert_int_equal(rig_event(&rig, GARDEN_CAPTURE_ERROR)->result, GARDEN_ERR_SYSTEM);
    assert_int_equal(garden_capture_switch(rig.capture, "c1", 0, NULL), GARDEN_OK);
    rig_run(&rig);
    assert_int_equal(rig.files[0].size, 20);
    assert_int_equal(rig.files[1].frames[0], 5);
    rig_check(&rig);
    assert_int_equal(garden_capture_totals(rig.capture).overrun, 0);
    rig_end(&rig);
}

// A capture is under way, with a large chunk, when the disk begins to fail for |reason|: |count| frames wait to be written.
static void rig_start_failing(struct rig *rig, size_t ring, int reason, uint32_t count)
{
    rig_start(rig, ring, 400);
    rig_run(rig);
    rig->fail_write = reason;
    rig_offer(rig, count);
}

// Chunk after chunk fails for |result|, and the third is the last.
static void rig_fail_thrice(struct rig *rig, int result)
{
    for (int i = 1; i <= 3; i++) {
        char path[16];
        rig->event_count = 0;
        rig_run(rig);
        const struct garden_capture_event *error = rig_event(rig, GARDEN_CAPTURE_ERROR);
        assert_int_equal(error->result, result);
        assert_true(error->recoverable == (i < 3));
        snprintf(path, sizeof path, "c%d", i);
        assert_int_equal(garden_capture_switch(rig->capture, path, rig->now, NULL),
                         i < 3 ? GARDEN_OK : GARDEN_ERR_STATE);
    }
}

static void test_chunk_after_chunk_that_fails_ends_the_stream_and_asks_for_no_more(void **state)
{
    (void)state;
    struct rig rig;
    rig_start_failing(&rig, 64, GARDEN_ERR_SYSTEM, 5);
    rig_fail_thrice(&rig, GARDEN_ERR_SYSTEM);
    rig_offer(&rig, 7);
    rig.event_count = 0;
    rig_run(&rig);
    // The owner stops it, and nothing is waited for: all that no chunk has is counted.
    garden_capture_stop(rig.capture, rig.now);
    rig_run(&rig);
    assert_int_equal(garden_capture_state(rig.capture), GARDEN_CAPTURE_STOPPED);
    assert_int_equal(garden_capture_totals(rig.capture).offered, 12);
    rig_check(&rig);
    rig_end(&rig);
}

// The client's next chunk came while the last one failed: it is answered, and not as if it were of use.
static void test_a_chunk_that_came_amid_the_last_failure_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    struct garden_capture_action action;
    rig_start_failing(&rig, 64, GARDEN_ERR_SYSTEM, 5);
    for (int i = 1; i <= 2; i++) {
        char path[16];
        rig_run(&rig);
        snprintf(path, sizeof path, "c%d", i);
        assert_int_equal(garden_capture_switch(rig.capture, path, rig.now, NULL), GARDEN_OK);
    }
    while (garden_capture_next(rig.capture, rig.now, &action) &&
           action.verb != GARDEN_CAPTURE_WRITE)
        rig_perform(&rig, &action);
    assert_int_equal(action.verb, GARDEN_CAPTURE_WRITE);
    assert_int_equal(garden_capture_switch(rig.capture, "c3", rig.now, NULL), GARDEN_OK);
    rig.event_count = 0;
    rig_perform(&rig, &action);
    rig_run(&rig);
    const struct garden_capture_event *error = rig_event(&rig, GARDEN_CAPTURE_ERROR);
    assert_non_null(error);
    assert_false(error->recoverable);
    size_t last = 0; // c2 is answered before it
    for (size_t i = 0; i < rig.event_count; i++)
        if (rig.events[i].kind == GARDEN_CAPTURE_SWITCHED) last = i;
    assert_int_equal(rig.events[last].result, GARDEN_ERR_STATE);
    assert_string_equal(rig.paths[last], "c3");
    assert_non_null(strstr(rig.texts[last], "takes no chunk any more"));
    assert_true(rig.files[rig.file_count - 1].closed); // and not left open
    assert_int_equal(rig.files[rig.file_count - 1].size, 0);
    garden_capture_stop(rig.capture, rig.now);
    rig_run(&rig);
    assert_int_equal(garden_capture_state(rig.capture), GARDEN_CAPTURE_STOPPED);
    rig_check(&rig);
    rig_end(&rig);
}

// However long nobody makes room: each try costs a chunk, so there are few; nothing is lost unseen; and with room the
// stream goes on.
static void test_a_disk_that_is_full_for_long_ends_no_stream(void **state)
{
    (void)state;
    struct rig rig;
    unsigned tries = 0;
    rig_start(&rig, 16, 400);
    rig_run(&rig);
    rig.fail_write = GARDEN_ERR_NO_SPACE;
    for (int i = 0; i < 600; i++) { // a minute
        char path[16];
        rig.event_count = 0;
        rig_offer(&rig, 1);
        rig_run(&rig);
        for (size_t k = 0; k < rig.event_count; k++) {
            if (rig.events[k].kind != GARDEN_CAPTURE_ERROR) continue;
            assert_true(rig.events[k].recoverable);
            tries += strstr(rig.texts[k], "overrun") == NULL;
        }
        snprintf(path, sizeof path, "c%u", tries + 1);
        if (tries < RIG_FILES - 4) (void)garden_capture_switch(rig.capture, path, rig.now, NULL);
        rig.now += 100;
    }
    assert_in_range(tries, 10, 25);
    const uint64_t captured = garden_capture_totals(rig.capture).captured;
    rig.fail_write = GARDEN_OK;
    rig.now += 4000;
    for (int i = 0; i < 5; i++) {
        rig_offer(&rig, 1);
        rig_run(&rig);
    }
    assert_true(garden_capture_totals(rig.capture).captured > captured);
    garden_capture_stop(rig.capture, rig.now);
    rig_run(&rig);
    assert_int_equal(garden_capture_state(rig.capture), GARDEN_CAPTURE_STOPPED);
    assert_int_equal(garden_capture_totals(rig.capture).offered, 605);
    rig_check(&rig);
    rig_end(&rig);
}

// Frames are offered, more than the ring holds. What is told of them, and with which code.
static const char *overrun_of(struct rig *rig, int *code)
{
    rig->event_count = 0;
    rig->now += 1000;
    rig_offer(rig, 9);
    rig_offer(rig, 9);
    rig_run(rig);
    for (size_t i = 0; i < rig->event_count; i++) {
        if (rig->events[i].kind != GARDEN_CAPTURE_ERROR || !strstr(rig->texts[i], "overrun"))
            continue;
        *code = rig->events[i].result;
        return rig->texts[i];
    }
    return "nothing was told";
}

static void test_an_overrun_is_told_with_what_helps_against_its_cause(void **state)
{
    (void)state;
    struct rig rig;
    int code = GARDEN_OK;
    rig_start(&rig, 16, 16);
    rig_run(&rig);
    rig_offer(&rig, 4); // the chunk is full
    rig_run(&rig);
    assert_non_null(strstr(overrun_of(&rig, &code), "no chunk was staged for them in time"));
    assert_int_equal(code, GARDEN_ERR_TIMEOUT);
    rig.fail_open = GARDEN_ERR_NOT_FOUND;
    assert_int_equal(garden_capture_switch(rig.capture, "c1", rig.now, NULL), GARDEN_OK);
    rig_run(&rig);
    assert_non_null(strstr(overrun_of(&rig, &code), "is the staging folder as it was?"));
    assert_int_equal(code, GARDEN_ERR_NOT_FOUND);
    rig.fail_open = GARDEN_ERR_SYSTEM; // as without a descriptor, for which no folder is to blame
    assert_int_equal(garden_capture_switch(rig.capture, "c1", rig.now, NULL), GARDEN_OK);
    rig_run(&rig);
    assert_non_null(strstr(overrun_of(&rig, &code), "whoever staged it was told why"));
    assert_int_equal(code, GARDEN_ERR_SYSTEM);
    rig.fail_open = GARDEN_ERR_NO_SPACE;
    assert_int_equal(garden_capture_switch(rig.capture, "c2", rig.now, NULL), GARDEN_OK);
    rig_run(&rig);
    assert_non_null(strstr(overrun_of(&rig, &code), "make room"));
    assert_int_equal(code, GARDEN_ERR_NO_SPACE);
    rig.fail_open = GARDEN_OK;
    rig.fail_write = GARDEN_ERR_NO_SPACE;
    assert_int_equal(garden_capture_switch(rig.capture, "c3", rig.now, NULL), GARDEN_OK);
    rig_run(&rig);
    assert_non_null(strstr(overrun_of(&rig, &code), "make room"));
    assert_int_equal(code, GARDEN_ERR_NO_SPACE);
    rig_end(&rig);

    rig_start(&rig, 16, 400); // a chunk is there, but nobody has come to write into it
    rig_run(&rig);
    assert_non_null(strstr(overrun_of(&rig, &code), "faster than the disk"));
    assert_int_equal(code, GARDEN_ERR_SYSTEM);
    rig_end(&rig);
}

// The first of what is told of frames that were dropped; null: nothing is.
static const struct garden_capture_event *rig_overrun(const struct rig *rig)
{
    for (size_t i = 0; i < rig->event_count; i++)
        if (rig->events[i].kind == GARDEN_CAPTURE_ERROR && strstr(rig->texts[i], "overrun"))
            return &rig->events[i];
    return NULL;
}

static void test_an_overrun_is_told_with_the_cause_of_its_time(void **state)
{
    (void)state;
    struct rig rig;
    int code = GARDEN_OK;
    rig_start_failing(&rig, 16, GARDEN_ERR_NO_SPACE, 5);
    rig_run(&rig);
    assert_int_equal(garden_capture_switch(rig.capture, "c1", rig.now, NULL), GARDEN_OK);
    rig_run(&rig);
    rig_offer(&rig, 9);
    rig_offer(&rig, 9); // is dropped while the disk is full
    rig.fail_write = GARDEN_OK;
    rig.now += 5000; // and the next write succeeds, before anything is told of it
    rig.event_count = 0;
    rig_run(&rig);
    assert_non_null(rig_overrun(&rig));
    assert_int_equal(rig_overrun(&rig)->result, GARDEN_ERR_NO_SPACE);
    (void)overrun_of(&rig, &code); // a disk that takes all, but not at once
    assert_int_equal(code, GARDEN_ERR_SYSTEM);
    rig_end(&rig);
}

// Whoever stages chunks has gone: what the disk was like when the last was to be opened is long ago.
static void test_a_disk_that_was_full_once_is_not_blamed_for_ever(void **state)
{
    (void)state;
    struct rig rig;
    int code = GARDEN_OK;
    rig_start(&rig, 16, 40);
    rig_run(&rig);
    rig.fail_open = GARDEN_ERR_NO_SPACE;
    assert_int_equal(garden_capture_switch(rig.capture, "c1", rig.now, NULL), GARDEN_OK);
    rig_offer(&rig, 10); // all that the first holds
    rig_run(&rig);
    (void)overrun_of(&rig, &code);
    assert_int_equal(code, GARDEN_ERR_NO_SPACE);
    rig.now += 60000;
    (void)overrun_of(&rig, &code);
    assert_int_equal(code, GARDEN_ERR_TIMEOUT);
    rig_end(&rig);

    rig_start_failing(&rig, 16, GARDEN_ERR_NO_SPACE, 5);
    rig_run(&rig);
    (void)overrun_of(&rig, &code);
    assert_int_equal(code, GARDEN_ERR_NO_SPACE);
    rig.now += 60000;
    (void)overrun_of(&rig, &code);
    assert_int_equal(code, GARDEN_ERR_TIMEOUT);
    rig_end(&rig);
}

static void test_a_stop_on_a_full_disk_waits_for_no_room(void **state)
{
    (void)state;
    struct rig rig;
    rig_start_failing(&rig, 16, GARDEN_ERR_NO_SPACE, 5);
    rig_run(&rig);
    assert_int_equal(garden_capture_switch(rig.capture, "c1", rig.now, NULL), GARDEN_OK);
    rig_run(&rig);
    garden_capture_stop(rig.capture, rig.now);
    rig_run(&rig);
    rig.now += 60000; // a chunk for the rest is waited for no longer
    rig_run(&rig);
    assert_int_equal(garden_capture_state(rig.capture), GARDEN_CAPTURE_STOPPED);
    assert_int_equal(garden_capture_totals(rig.capture).offered, 5);
    rig_check(&rig);
    rig_end(&rig);
}

// A gap before frames that wait: 16 are written, 16 fill the ring, one is lost, one waits behind it.
static void rig_make_gap(struct rig *rig)
{
    rig_offer(rig, 16);
    rig_run(rig);
    rig_offer(rig, 16);
    rig_offer(rig, 1);
    rig_run(rig);
    rig_offer(rig, 1);
}

// The same where notes of gaps fail, and there is one to be noted.
static void rig_start_without_notes(struct rig *rig, int reason)
{
    rig_start(rig, 16, 400);
    rig_run(rig);
    rig->fail_note = reason;
    rig_make_gap(rig);
}

static void test_what_lies_behind_a_gap_is_not_written_before_the_gap_is_noted(void **state)
{
    (void)state;
    static const int reasons[] = {GARDEN_ERR_NO_SPACE, GARDEN_ERR_SYSTEM, GARDEN_ERR_MEMORY};
    for (size_t i = 0; i < 3; i++) {
        struct rig rig;
        rig_start_without_notes(&rig, reasons[i]);
        rig.event_count = 0;
        for (int k = 0; k < 20; k++, rig.now += 1000) { // however often
            rig_run(&rig);
            rig_offer(&rig, 1);
        }
        assert_in_range(rig_events(&rig, GARDEN_CAPTURE_ERROR), 4, 40);
        assert_true(rig_event(&rig, GARDEN_CAPTURE_ERROR)->recoverable);
        assert_int_equal(rig.files[0].size, 32 * 4);
        rig.fail_note = GARDEN_OK;
        rig.now += 4000;
        rig_run(&rig);
        rig_offer(&rig, 2);
        rig_run(&rig);
        assert_int_equal(rig.file_count, 1); // the same chunk goes on
        assert_int_equal(rig.files[0].frames[32], 33);
        assert_true(rig.files[0].size > 48 * 4);
        garden_capture_stop(rig.capture, rig.now);
        rig_run(&rig);
        assert_int_equal(garden_capture_state(rig.capture), GARDEN_CAPTURE_STOPPED);
        rig_check(&rig);
        rig_end(&rig);
    }
}

// Trying costs nothing, while frames are lost: so it is not put off for longer and longer, and not told each time.
static void test_a_gap_that_cannot_be_noted_yet_is_soon_tried_again(void **state)
{
    (void)state;
    struct rig rig;
    size_t told = 0;
    rig_start_without_notes(&rig, GARDEN_ERR_SYSTEM);
    rig.event_count = 0;
    for (int i = 0; i < 100; i++, rig.now += 100)
        rig_run(&rig);
    for (size_t i = 0; i < rig.event_count; i++)
        told += rig.events[i].kind == GARDEN_CAPTURE_ERROR && !strstr(rig.texts[i], "overrun");
    assert_int_equal(told, 1);
    rig.fail_note = GARDEN_OK;
    rig.now += 300;
    rig_run(&rig);
    assert_true(rig.files[0].size > 32 * 4);
    garden_capture_stop(rig.capture, rig.now);
    rig_run(&rig);
    rig_check(&rig);
    rig_end(&rig);
}

static void test_a_gap_that_can_be_noted_beside_no_chunk_ends_the_stream(void **state)
{
    (void)state;
    struct rig rig;
    rig_start_without_notes(&rig, GARDEN_ERR_ACCESS);
    rig_fail_thrice(&rig, GARDEN_ERR_ACCESS);
    garden_capture_stop(rig.capture, rig.now);
    rig_run(&rig);
    assert_int_equal(garden_capture_state(rig.capture), GARDEN_CAPTURE_STOPPED);
    assert_int_equal(garden_capture_totals(rig.capture).captured, 32);
    rig_check(&rig);
    rig_end(&rig);
}

static void test_a_stop_waits_for_no_gap_to_be_noted(void **state)
{
    (void)state;
    struct rig rig;
    rig_start_without_notes(&rig, GARDEN_ERR_NO_SPACE);
    rig_run(&rig);
    garden_capture_stop(rig.capture, rig.now);
    rig_run(&rig);
    rig.now += 60000; // nobody brings another chunk
    rig_run(&rig);
    assert_int_equal(garden_capture_state(rig.capture), GARDEN_CAPTURE_STOPPED);
    assert_int_equal(garden_capture_totals(rig.capture).captured, 32);
    assert_int_equal(garden_capture_totals(rig.capture).offered, 34);
    rig_check(&rig);
    rig_end(&rig);
}

static void test_frames_that_others_cut_from_a_chunk_are_counted_as_lost(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 64, 40);
    rig_run(&rig);
    rig_offer(&rig, 5);
    rig_run(&rig);
    rig.fail_write = GARDEN_ERR_CORRUPT;
    rig.cut = 6; // one frame and a half
    rig_offer(&rig, 2);
    rig_run(&rig);
    rig.fail_write = GARDEN_OK;
    assert_int_equal(garden_capture_switch(rig.capture, "c1", 0, NULL), GARDEN_OK);
    rig_run(&rig);
    assert_int_equal(rig.files[0].size, 12);
    assert_int_equal(garden_capture_totals(rig.capture).captured, 5);
    assert_int_equal(garden_capture_totals(rig.capture).overrun, 2);
    rig_check(&rig);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failing_write_ends_the_chunk_and_its_frames_go_to_the_next),
        cmocka_unit_test(test_chunk_after_chunk_that_fails_ends_the_stream_and_asks_for_no_more),
        cmocka_unit_test(test_a_chunk_that_came_amid_the_last_failure_is_refused),
        cmocka_unit_test(test_a_disk_that_is_full_for_long_ends_no_stream),
        cmocka_unit_test(test_an_overrun_is_told_with_what_helps_against_its_cause),
        cmocka_unit_test(test_an_overrun_is_told_with_the_cause_of_its_time),
        cmocka_unit_test(test_a_disk_that_was_full_once_is_not_blamed_for_ever),
        cmocka_unit_test(test_a_stop_on_a_full_disk_waits_for_no_room),
        cmocka_unit_test(test_what_lies_behind_a_gap_is_not_written_before_the_gap_is_noted),
        cmocka_unit_test(test_a_gap_that_cannot_be_noted_yet_is_soon_tried_again),
        cmocka_unit_test(test_a_gap_that_can_be_noted_beside_no_chunk_ends_the_stream),
        cmocka_unit_test(test_a_stop_waits_for_no_gap_to_be_noted),
        cmocka_unit_test(test_frames_that_others_cut_from_a_chunk_are_counted_as_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
