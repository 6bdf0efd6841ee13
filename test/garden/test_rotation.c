#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rotation_world.h"

static void test_a_stream_of_many_chunks_is_recorded_to_the_sample(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w, 1);
    world_record(&w);
    world_steps(&w, 10);
    world_play(&w, 101);
    garden_recording_stop(w.recording, instant(&w));
    world_until_done(&w, 1000);
    check_done(&w, true);
    const struct garden_manifest *manifest = garden_recording_manifest(w.recording);
    assert_int_equal(manifest->total_samples, 303);
    assert_int_equal(manifest->gap_count, 0);
    assert_int_equal(manifest->chunk_count, 31);
    world_end(&w);
}

// Equal chunks share an object, and the manifest lists both.
static void test_silence_is_stored_once_and_listed_as_often_as_it_was_heard(void **state)
{
    (void)state;
    struct world w;
    const uint32_t silence[CHUNK_FRAMES] = {0};
    world_begin(&w, 1);
    world_record(&w);
    world_steps(&w, 10);
    for (int i = 0; i < 6; i++) {
        assert_true(garden_ring_write(w.daemon.ring, silence, CHUNK_FRAMES));
        world_steps(&w, 4);
    }
    garden_recording_stop(w.recording, instant(&w));
    world_until_done(&w, 1000);
    const struct garden_manifest *manifest = garden_recording_manifest(w.recording);
    assert_int_equal(manifest->chunk_count, 6);
    assert_int_equal(garden_manifest_verify(manifest, w.store, NULL), GARDEN_OK);
    uint64_t objects = 0;
    assert_int_equal(garden_store_verify_all(w.store, &objects, NULL, NULL, NULL), 0);
    assert_int_equal(objects, 3); // the silence, the definition, the manifest
    world_end(&w);
}

static uint32_t seed_running; // 0: none

static int tell_seed(void **state)
{
    (void)state;
    if (seed_running != 0) print_message("the seed was %u\n", seed_running);
    return 0;
}

static void test_loss_doubling_delay_and_reordering_neither_stall_nor_seal_twice(void **state)
{
    (void)state;
    for (seed_running = 1; seed_running <= 100; seed_running++) {
        struct world w;
        world_begin(&w, seed_running);
        w.frames_max = seed_running % 4 == 0 ? 1 + dice(&w, 300) : 0;
        w.loss = dice(&w, 50);
        w.doubling = dice(&w, 50);
        w.delay = 1 + dice(&w, 150);
        world_record(&w);
        for (int i = 0; i < 200; i++) {
            if (w.daemon.capture != NULL && dice(&w, 2) == 0) world_offer(&w, 1 + dice(&w, 6));
            world_step(&w);
        }
        garden_recording_stop(w.recording, instant(&w));
        world_until_done(&w, 60000);
        check_done(&w, true);
        world_end(&w);
    }
    seed_running = 0;
}

static void test_a_refused_start_leaves_nothing_behind(void **state)
{
    (void)state;
    struct world w;
    struct garden_recording_request request;
    world_begin(&w, 1);
    world_record(&w);
    assert_true(garden_recording_work(w.recording, instant(&w), NULL) > 0);
    assert_true(garden_recording_request(w.recording, instant(&w), &request));
    assert_int_equal(request.kind, GARDEN_REQUEST_START);
    garden_recording_reply(w.recording, instant(&w), request.token, GARDEN_ERR_NO_SPACE, NULL,
                           NULL);
    assert_int_equal(garden_recording_state(w.recording), GARDEN_RECORDING_REFUSED);
    while (garden_recording_work(w.recording, instant(&w), NULL) > 0)
        continue;
    assert_int_equal(staged(&w), 0);
    assert_false(garden_recording_request(w.recording, instant(&w), &request));
    assert_int_equal(garden_recording_work(w.recording, instant(&w), NULL), 0);
    world_end(&w);
}

static void test_a_stop_before_the_daemon_was_asked_ends_at_once(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w, 1);
    world_record(&w);
    garden_recording_stop(w.recording, instant(&w));
    assert_true(garden_recording_work(w.recording, instant(&w), NULL) > 0);
    assert_int_equal(garden_recording_state(w.recording), GARDEN_RECORDING_DONE);
    assert_int_equal(staged(&w), 0);
    world_end(&w);
}

// It would be refused as that of a stream which nobody knows, and the start might still arrive.
static void test_a_stop_is_not_asked_for_before_the_start_is_answered(void **state)
{
    (void)state;
    struct garden__rotation r;
    enum garden_request_kind kind;
    uint64_t token, start, number;
    garden__rotation_init(&r, 100);
    assert_int_equal(garden__rotation_work(&r, 0).kind, GARDEN__WORK_STAGE);
    garden__rotation_staged(&r, 0);
    assert_true(garden__rotation_request(&r, 0, &kind, &start, &number));
    assert_int_equal(kind, GARDEN_REQUEST_START);
    garden__rotation_stop(&r, 0);
    for (int64_t now = 0; now < 2000; now++) {
        if (!garden__rotation_request(&r, now, &kind, &token, &number)) continue;
        assert_int_equal(kind, GARDEN_REQUEST_START);
        assert_int_equal(token, start);
    }
    assert_true(garden__rotation_reply(&r, 2000, start, GARDEN_OK, NULL));
    assert_true(garden__rotation_request(&r, 2000, &kind, &token, &number));
    assert_int_equal(kind, GARDEN_REQUEST_STOP);
}

static void test_after_a_killed_daemon_all_that_it_wrote_is_sealed(void **state)
{
    (void)state;
    for (uint32_t frames = 0; frames < 45; frames++) {
        struct world w;
        world_begin(&w, 1);
        world_record(&w);
        world_steps(&w, 10);
        for (uint32_t i = 0; i < frames; i++) {
            world_offer(&w, 1);
            world_step(&w);
        }
        daemon_run(&w);
        daemon_kill(&w);
        garden_recording_stop(w.recording, instant(&w)); // answered: no such stream
        world_until_done(&w, 10000);
        check_done(&w, false);
        assert_int_equal(garden_recording_manifest(w.recording)->total_samples, frames);
        world_end(&w);
    }
}

// A daemon that loses frames amid chunks, and is killed after |steps| of that; of its reports |loss| of 100 are lost.
static void lose_and_kill(struct world *w, int steps, unsigned loss)
{
    world_begin(w, 1);
    world_record(w);
    world_steps(w, 10);
    w->loss = loss;
    for (int i = 0; i < steps; i++) {
        world_offer(w, 3);
        for (int k = 0; k < 5 && i % 3 == 1; k++) // more than the ring holds, at once
            world_offer(w, 17);
        if (i % 2 == 0) world_step(w); // else the next finds it as it is
    }
    daemon_run(w);
    daemon_kill(w);
    w->loss = 0;
}

static void test_a_killed_daemon_leaves_word_of_what_it_lost(void **state)
{
    (void)state;
    uint64_t gaps = 0;
    for (int i = 0; i < 120; i++) {
        struct world w;
        struct garden_manifest manifest;
        lose_and_kill(&w, i / 2, i % 2 == 0 ? 0 : 80);
        garden_recording_stop(w.recording, instant(&w)); // answered: no such stream
        world_until_done(&w, 10000);
        check_done(&w, false);
        gaps += garden_recording_manifest(w.recording)->gap_count;
        world_end(&w);
        // The same, of a client that is not there any more.
        lose_and_kill(&w, i / 2, i % 2 == 0 ? 0 : 80);
        world_salvage(&w, &manifest);
        check_stream(&w, &manifest);
        assert_int_equal(staged(&w), 0);
        garden_manifest_fini(&manifest);
        world_end(&w);
    }
    assert_true(gaps > 100);
}

// Salvages what a killed daemon left, in a process that takes |removed| files away and then none any more, and again
// in one that can. Returns whether the first was enough.
static bool salvage_in_two(unsigned removed, uint64_t *out_frames)
{
    struct world w;
    struct faulty faulty;
    struct garden_manifest manifest;
    struct garden_hash hash;
    char run[64] = "";
    size_t lost = 0;
    lose_and_kill(&w, 9, 100);
    garden_recording_close(w.recording);
    w.recording = NULL;
    garden_store_close(w.store);
    faulty_init_all(&faulty);
    faulty.fs = *garden__fs_system();
    faulty.fs.context = &faulty;
    faulty.fs.unlink = faulty_unlink;
    faulty.fail_on = true;
    world_store(&w, &faulty.fs);
    faulty_arm(&faulty, removed + 1);
    assert_int_equal(garden_recording_each_left(w.store, take_run, run, NULL), GARDEN_OK);
    const bool enough =
        garden_recording_salvage(w.store, run, instant(&w), &hash, &lost, NULL) == GARDEN_OK;
    garden_store_close(w.store);
    world_store(&w, NULL);
    w.now += 1000;
    if (!enough)
        assert_int_equal(garden_recording_salvage(w.store, run, instant(&w), &hash, &lost, NULL),
                         GARDEN_OK);
    assert_int_equal(garden_manifest_load(w.store, &hash, &manifest, NULL), GARDEN_OK);
    check_stream(&w, &manifest);
    *out_frames = manifest.total_samples;
    assert_int_equal(staged(&w), 0);
    garden_manifest_fini(&manifest);
    world_end(&w);
    return enough;
}

static void test_a_salvage_that_ends_amid_its_cleaning_is_finished_by_the_next(void **state)
{
    (void)state;
    uint64_t all = 0, frames = 0;
    unsigned removed = 0;
    assert_true(salvage_in_two(1000, &all));
    while (!salvage_in_two(removed, &frames)) {
        assert_int_equal(frames, all);
        removed++;
    }
    assert_true(removed > 4 && all > 0);
}

static bool count_noted(void *context, const char *name)
{
    if (strstr(name, GARDEN_GAPS_SUFFIX) != NULL) ++*(int *)context;
    return true;
}

static int noted(const struct world *w)
{
    int count = 0;
    assert_int_equal(garden_store_each_staged(w->store, count_noted, &count, NULL), GARDEN_OK);
    return count;
}

// Seals what such a daemon left, and is killed at its |at|-th step. Returns whether it came to that.
static bool sealing_killed_at(int at)
{
    struct world w;
    int status = 0;
    char run[64] = "";
    lose_and_kill(&w, 20, 0);
    assert_int_equal(noted(&w), 1);
    garden_recording_close(w.recording);
    w.recording = NULL;
    assert_int_equal(garden_recording_each_left(w.store, take_run, run, NULL), GARDEN_OK);
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct killer killer;
        world_kill_at(&w, &killer, at);
        if (garden_recording_resume(w.store, run, instant(&w), &w.recording, NULL) < 0) _exit(2);
        garden_recording_abandon(w.recording, instant(&w));
        world_until_done(&w, 10000);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    run[0] = '\0';
    assert_int_equal(garden_recording_each_left(w.store, take_run, run, NULL), GARDEN_OK);
    if (run[0] != '\0') {
        assert_int_equal(garden_recording_resume(w.store, run, instant(&w), &w.recording, NULL),
                         GARDEN_OK);
        garden_recording_abandon(w.recording, instant(&w));
        world_until_done(&w, 10000);
        check_done(&w, false); // no note is left either
    }
    assert_int_equal(staged(&w), 0);
    world_end(&w);
    return WIFSIGNALED(status);
}

// That there was nothing to save is told by one result, which no failure to save something may have.
static void test_a_salvage_that_finds_a_folder_gone_does_not_tell_that_there_was_nothing(
    void **state)
{
    (void)state;
    struct world w;
    struct garden_error error = {0};
    struct garden_hash hash;
    struct folder objects;
    size_t lost = 0;
    char run[64] = "";
    world_begin(&w, 1);
    world_record(&w);
    world_play(&w, 8);
    daemon_kill(&w);
    garden_recording_close(w.recording);
    w.recording = NULL;
    assert_int_equal(garden_recording_each_left(w.store, take_run, run, NULL), GARDEN_OK);
    snprintf(objects.path, sizeof objects.path, "%.40s/objects", w.folder.path);
    folder_remove(&objects);
    assert_int_equal(garden_recording_salvage(w.store, run, instant(&w), &hash, &lost, &error),
                     GARDEN_ERR_SYSTEM);
    assert_int_equal(error.code, GARDEN_ERR_SYSTEM);
    assert_true(staged(&w) > 1);
    world_end(&w);
}

static void test_whoever_seals_behind_a_killed_daemon_may_be_killed_too(void **state)
{
    (void)state;
    int at = 1;
    while (sealing_killed_at(at))
        at++;
    assert_true(at > 20);
}

static void test_while_the_daemon_still_writes_nothing_is_sealed_under_it(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w, 1);
    world_record(&w);
    world_steps(&w, 10);
    world_offer(&w, 4);
    daemon_run(&w);
    struct garden_error error = {0};
    garden_recording_abandon(w.recording, instant(&w)); // wrongly: it lives
    assert_int_equal(garden_recording_work(w.recording, instant(&w), &error), GARDEN_ERR_STATE);
    assert_non_null(strstr(error.text, "still being written"));
    world_offer(&w, 3);
    garden_capture_stop(w.daemon.capture, w.now);
    daemon_run(&w);
    world_until_done(&w, 10000);
    check_done(&w, false);
    assert_int_equal(garden_recording_manifest(w.recording)->total_samples, 7);
    world_end(&w);
}

// All its chunks are full and closed, so it has the lock of none, and its client is gone.
static void test_a_daemon_without_a_chunk_still_has_its_recording(void **state)
{
    (void)state;
    for (int kills = 0; kills < 2; kills++) {
        struct world w;
        struct garden_error error = {0};
        struct garden_hash hash;
        size_t lost = 0;
        char run[64] = "";
        world_begin(&w, 1);
        world_record(&w);
        world_steps(&w, 10);
        for (int i = 0; i < 12; i++) {
            world_offer(&w, 3);
            daemon_run(&w);
        }
        assert_int_equal(garden_capture_state(w.daemon.capture), GARDEN_CAPTURE_STARVED);
        for (int i = 0; i < 2; i++)
            assert_int_equal(w.daemon.writer.chunks[i].file, -1);
        assert_int_equal(garden_recording_idle(w.recording, &error), GARDEN_ERR_STATE);
        assert_non_null(strstr(error.text, "still being written"));
        garden_recording_close(w.recording);
        assert_int_equal(garden_recording_each_left(w.store, take_run, run, NULL), GARDEN_OK);
        assert_int_equal(garden_recording_salvage(w.store, run, instant(&w), &hash, &lost, &error),
                         GARDEN_ERR_STATE);
        assert_int_equal(garden_recording_resume(w.store, run, instant(&w), &w.recording, &error),
                         GARDEN_OK);
        assert_int_equal(garden_recording_idle(w.recording, &error), GARDEN_ERR_STATE);
        // It is its own recording that it has, and no other.
        struct garden_recording *other = w.recording;
        w.recording = NULL;
        world_record(&w);
        assert_int_equal(garden_recording_idle(w.recording, &error), GARDEN_OK);
        garden_recording_close(w.recording);
        w.recording = other;
        if (kills == 0) {
            garden_capture_stop(w.daemon.capture, w.now);
            w.now += 60000; // for the rest nobody brings a chunk
            daemon_run(&w);
        } else {
            daemon_kill(&w);
        }
        assert_int_equal(garden_recording_idle(w.recording, &error), GARDEN_OK);
        world_end(&w);
    }
}

static void test_a_client_killed_at_any_step_loses_nothing_and_seals_nothing_twice(void **state)
{
    (void)state;
    int at = 1;
    while (client_killed_at(at, 0))
        at++;
    assert_true(at > 100); // the steps of a whole life
}

// The client dies and comes back while the daemon goes on.
static void test_a_client_that_comes_back_in_the_middle_goes_on_with_the_stream(void **state)
{
    (void)state;
    for (seed_running = 1; seed_running <= 40; seed_running++) {
        struct world w;
        char run[64] = "";
        struct garden_error error = {0};
        world_begin(&w, seed_running);
        w.loss = 20;
        w.delay = 1 + dice(&w, 60);
        world_record(&w);
        const int death = (int)dice(&w, 80);
        for (int i = 0; i < 150; i++) {
            if (w.daemon.capture != NULL) world_offer(&w, 1 + dice(&w, 2));
            world_step(&w);
            if (i == death) {
                garden_recording_close(w.recording);
                w.recording = NULL;
            }
            if (i == death + 15) {
                assert_int_equal(garden_recording_each_left(w.store, take_run, run, NULL),
                                 GARDEN_OK);
                if (garden_recording_resume(w.store, run, instant(&w), &w.recording, &error) != 0)
                    fail_msg("%s", error.text);
            }
        }
        garden_recording_stop(w.recording, instant(&w));
        world_until_done(&w, 60000);
        check_done(&w, true);
        world_end(&w);
    }
    seed_running = 0;
}

// ---- A damaged end

// A client that is gone, with chunks sealed, and its journal damaged |from_end| octets before its end: cut there, or
// one bit changed. Returns whether the journal is so long.
static bool client_with_damage(long from_end, bool cut)
{
    struct world w;
    struct garden_error error = {.text = ""};
    struct garden_hash hash;
    struct garden_manifest manifest;
    char run[64] = "", path[256];
    size_t lost = 0;
    world_begin(&w, 5);
    world_record(&w);
    world_play(&w, 16);
    const size_t sealed = garden_recording_manifest(w.recording)->chunk_count;
    assert_true(sealed >= 2);
    garden_recording_close(w.recording);
    w.recording = NULL;
    garden_writer_fini(&w.daemon.writer); // the daemon goes, too
    garden_capture_close(w.daemon.capture);
    w.daemon.capture = NULL;
    assert_int_equal(garden_recording_each_left(w.store, take_run, run, NULL), GARDEN_OK);
    snprintf(path, sizeof path, "%s/staging/%.32s.journal", w.folder.path, run);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    const bool reached = fseek(file, -from_end, SEEK_END) == 0 && ftell(file) > 8;
    const long at = ftell(file);
    const int octet = fgetc(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    if (!cut) assert_true(fputc(octet ^ 1 << from_end % 8, file) >= 0);
    assert_int_equal(fclose(file), 0);
    if (cut) assert_int_equal(truncate(path, at), 0);
    const int result = garden_recording_resume(w.store, run, instant(&w), &w.recording, &error);
    if (result == GARDEN_OK) { // a torn end that had nothing which it matters to forget
        assert_int_equal(garden_recording_manifest(w.recording)->chunk_count, sealed);
    } else {
        if (garden_recording_salvage(w.store, run, instant(&w), &hash, &lost, &error) != GARDEN_OK)
            fail_msg("%s", error.text);
        assert_int_equal(garden_manifest_load(w.store, &hash, &manifest, &error), GARDEN_OK);
        assert_true(manifest.chunk_count >= sealed);
        assert_int_equal(garden_manifest_verify(&manifest, w.store, &error), GARDEN_OK);
        garden_manifest_fini(&manifest);
    }
    world_end(&w);
    return reached;
}

static void test_a_journal_cut_or_changed_at_any_octet_forgets_no_sealed_chunk(void **state)
{
    (void)state;
    for (int cut = 0; cut < 2; cut++) {
        long from_end = 1;
        while (client_with_damage(from_end, cut)) // the last records octet by octet
            from_end += from_end < 160 ? 1 : 7;
        assert_true(from_end > 200);
    }
}

// ---- Failing system calls

// One life with the |at|-th call failing. Returns whether so many calls were made.
static bool client_with_failure(unsigned at, bool lasting, int number)
{
    struct world w;
    struct faulty faulty;
    struct garden_error error;
    bool reached = true;
    world_begin(&w, 3);
    garden_store_close(w.store);
    faulty_init_all(&faulty);
    world_store(&w, &faulty.fs);
    world_record(&w);
    faulty_arm(&faulty, at);
    faulty.fail_on = lasting;
    faulty.fail_errno = number;
    for (int i = 0; i < 40; i++) {
        if (w.daemon.capture != NULL) world_offer(&w, 3);
        net_deliver(&w);
        daemon_run(&w);
        const int result = client_run(&w, &error);
        if (result < 0) assert_true(error.text[0] != '\0' && strchr(error.text, '\n') == NULL);
        w.now += 10;
    }
    reached = faulty.calls >= at;
    faulty_arm(&faulty, 0); // there is room again
    assert_int_equal(garden_store_verify_all(w.store, NULL, NULL, NULL, NULL), 0);
    garden_recording_stop(w.recording, instant(&w));
    world_until_done(&w, 60000);
    check_done(&w, true);
    world_end(&w);
    return reached;
}

static void test_each_call_that_fails_once_is_made_good_later(void **state)
{
    (void)state;
    unsigned at = 1;
    while (client_with_failure(at, false, at % 2 == 0 ? ENOSPC : EIO))
        at++;
    assert_true(at > 100);
}

static void test_a_disk_that_fills_up_at_any_call_costs_only_frames_that_are_counted(void **state)
{
    (void)state;
    unsigned at = 1;
    while (client_with_failure(at, true, ENOSPC))
        at += 3;
    assert_true(at > 100);
}

// A disk that gives errors from some call on, a store that became read-only, a quota that is used up.
static void test_a_disk_that_fails_for_good_is_told_and_what_is_sealed_stays(void **state)
{
    (void)state;
    static const int numbers[] = {EIO, EROFS, EDQUOT, EACCES, EXDEV};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        unsigned at = 1 + (unsigned)i;
        while (client_with_failure(at, true, numbers[i]))
            at += 11;
        assert_true(at > 100);
    }
}

static void test_work_that_succeeds_after_a_failure_leaves_no_deadline_in_the_past(void **state)
{
    (void)state;
    struct world w;
    struct faulty faulty;
    struct garden_error error;
    unsigned failures = 0;
    world_begin(&w, 4);
    garden_store_close(w.store);
    faulty_init_all(&faulty);
    world_store(&w, &faulty.fs);
    world_record(&w);
    for (int i = 0; i < 400; i++) {
        if (w.daemon.capture != NULL && i < 200) world_offer(&w, 3);
        if (i % 50 == 10) faulty_arm(&faulty, 1);
        net_deliver(&w);
        daemon_run(&w);
        if (client_run(&w, &error) < 0) {
            assert_true(garden_recording_failing(w.recording));
            failures++;
        }
        w.now += 10;
    }
    assert_true(failures > 1);
    assert_false(garden_recording_failing(w.recording));
    assert_true(garden_recording_deadline_ms(w.recording) > w.now);
    garden_recording_stop(w.recording, instant(&w));
    world_until_done(&w, 60000);
    check_done(&w, true);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stream_of_many_chunks_is_recorded_to_the_sample),
        cmocka_unit_test(test_silence_is_stored_once_and_listed_as_often_as_it_was_heard),
        cmocka_unit_test_teardown(
            test_loss_doubling_delay_and_reordering_neither_stall_nor_seal_twice, tell_seed),
        cmocka_unit_test(test_a_refused_start_leaves_nothing_behind),
        cmocka_unit_test(test_a_stop_before_the_daemon_was_asked_ends_at_once),
        cmocka_unit_test(test_a_stop_is_not_asked_for_before_the_start_is_answered),
        cmocka_unit_test(test_after_a_killed_daemon_all_that_it_wrote_is_sealed),
        cmocka_unit_test(test_a_killed_daemon_leaves_word_of_what_it_lost),
        cmocka_unit_test(test_a_salvage_that_ends_amid_its_cleaning_is_finished_by_the_next),
        cmocka_unit_test(
            test_a_salvage_that_finds_a_folder_gone_does_not_tell_that_there_was_nothing),
        cmocka_unit_test(test_whoever_seals_behind_a_killed_daemon_may_be_killed_too),
        cmocka_unit_test(test_while_the_daemon_still_writes_nothing_is_sealed_under_it),
        cmocka_unit_test(test_a_daemon_without_a_chunk_still_has_its_recording),
        cmocka_unit_test(test_a_client_killed_at_any_step_loses_nothing_and_seals_nothing_twice),
        cmocka_unit_test_teardown(
            test_a_client_that_comes_back_in_the_middle_goes_on_with_the_stream, tell_seed),
        cmocka_unit_test(test_a_journal_cut_or_changed_at_any_octet_forgets_no_sealed_chunk),
        cmocka_unit_test(test_each_call_that_fails_once_is_made_good_later),
        cmocka_unit_test(test_a_disk_that_fills_up_at_any_call_costs_only_frames_that_are_counted),
        cmocka_unit_test(test_a_disk_that_fails_for_good_is_told_and_what_is_sealed_stays),
        cmocka_unit_test(test_work_that_succeeds_after_a_failure_leaves_no_deadline_in_the_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
