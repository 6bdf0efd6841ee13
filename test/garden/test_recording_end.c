#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rotation_world.h"

// A recording of so many frames ends at the frame, whatever the daemon does meanwhile and whoever finishes it.

static void test_so_many_frames_as_were_wished_for_are_recorded_to_the_sample(void **state)
{
    (void)state;
    for (uint64_t wished = 1; wished <= 65; wished++) {
        struct world w;
        world_begin(&w, 1);
        w.frames_max = wished;
        world_record(&w);
        world_steps(&w, 10);
        world_play(&w, 20);
        garden_recording_stop(w.recording, instant(&w));
        world_until_done(&w, 1000);
        check_done(&w, true);
        const struct garden_manifest *manifest = garden_recording_manifest(w.recording);
        assert_int_equal(garden_recording_frames_max(w.recording), wished);
        assert_int_equal(manifest->total_samples, wished < 60 ? wished : 60);
        assert_int_equal(manifest->gap_count, 0);
        world_end(&w);
    }
}

// The end may lie in a gap, before it, behind it, in a chunk, or in one that then has no frames at all.
static void test_frames_that_were_lost_count_towards_those_that_were_wished_for(void **state)
{
    (void)state;
    uint64_t gaps = 0;
    for (uint64_t wished = 1; wished <= 2 * RING_FRAMES + 60; wished++) {
        struct world w;
        world_begin(&w, 1);
        w.frames_max = wished;
        world_record(&w);
        world_steps(&w, 10);
        for (int i = 0; i < 5; i++) { // more than the ring holds, at once
            world_offer(&w, 7);
            for (int k = 0; k < 6 && i % 2 == 1; k++)
                world_offer(&w, 20);
            world_steps(&w, 10);
        }
        garden_recording_stop(w.recording, instant(&w));
        world_until_done(&w, 1000);
        check_done(&w, true);
        const struct garden_manifest *manifest = garden_recording_manifest(w.recording);
        assert_int_equal(manifest->total_samples + manifest->total_gaps, wished_end(&w));
        gaps += manifest->gap_count;
        world_end(&w);
    }
    assert_true(gaps > 0);
}

static void test_a_client_killed_at_any_step_keeps_no_more_than_was_wished_for(void **state)
{
    (void)state;
    int at = 1;
    while (client_killed_at(at, 23))
        at++;
    assert_true(at > 50);
}

// The end that was wished for is the recording's own: whoever finishes it knows of it.
static void test_what_is_salvaged_ends_where_was_wished(void **state)
{
    (void)state;
    for (uint64_t wished = 5; wished < 50; wished += 9) {
        struct world w;
        struct garden_manifest manifest;
        world_begin(&w, 1);
        w.frames_max = wished;
        world_record(&w);
        world_steps(&w, 10);
        world_play(&w, 18);
        daemon_kill(&w);
        world_salvage(&w, &manifest);
        assert_int_equal(garden_manifest_end(&manifest), wished);
        check_stream(&w, &manifest);
        garden_manifest_fini(&manifest);
        world_end(&w);
    }
}

// What surveys a store has to know every record of a journal: one that it does not may name anything, which stops gc.
static void test_a_recording_under_way_that_ends_at_a_frame_is_no_fault_of_its_store(void **state)
{
    (void)state;
    struct world w;
    struct garden_error error;
    struct garden_check_report found;
    struct garden_collect_report collected;
    const struct garden_check_config check = {0};
    const struct garden_collect_config collect = {0};
    world_begin(&w, 1);
    w.frames_max = 50;
    world_record(&w);
    world_play(&w, 18);
    assert_int_equal(garden_store_check(w.store, &check, &found, &error), GARDEN_OK);
    assert_int_equal(found.wrong, 0);
    assert_int_equal(found.found[GARDEN_FINDING_LEFTOVER], 1);
    if (garden_store_collect(w.store, &collect, &collected, &error) != GARDEN_OK)
        fail_msg("%s", error.text);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_so_many_frames_as_were_wished_for_are_recorded_to_the_sample),
        cmocka_unit_test(test_frames_that_were_lost_count_towards_those_that_were_wished_for),
        cmocka_unit_test(test_a_client_killed_at_any_step_keeps_no_more_than_was_wished_for),
        cmocka_unit_test(test_what_is_salvaged_ends_where_was_wished),
        cmocka_unit_test(test_a_recording_under_way_that_ends_at_a_frame_is_no_fault_of_its_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
