// Regions and the latent ones' way: every legal move has its event, every other changes nothing.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "garden/daemon/regions.h"

struct fixture {
    struct zmtp_budget budget;
    struct regions regions;
    struct changes changes;
};

static const struct garden_uuid somebody = {{0xaa}};
static const struct garden_time noon = {.seconds = 1700000000};

static int setup(void **state)
{
    static struct fixture f;
    zmtp_budget_init(&f.budget, NULL);
    regions_init(&f.regions, &f.budget.allocator);
    changes_init(&f.changes);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    regions_fini(&f->regions);
    changes_fini(&f->changes);
    return f->budget.bytes == 0 ? 0 : -1;
}

static struct garden_uuid id_of(uint8_t number)
{
    return (struct garden_uuid){{number}};
}

static int create(struct fixture *f, uint8_t number, double position, double duration, bool latent)
{
    struct garden_shell_request_create_region request = {.position = position,
                                                         .duration = duration};
    request.behavior.kind = latent ? GARDEN_BEHAVIOR_LATENT : GARDEN_BEHAVIOR_PLAY_CONTENT;
    if (latent)
        request.behavior.latent.job_id = garden_text_of("job");
    else
        request.behavior.play_content.artifact_id = garden_text_of("artifact");
    return regions_create(&f->regions, id_of(number), &request, NULL);
}

// Asks region 1 to make a move; returns what came of it.
static int move(struct fixture *f, enum latent_state to)
{
    const struct garden_uuid id = id_of(1);
    const struct garden_text text = garden_text_of("text");
    const struct garden_shell_request_update_latent_started started = {id, text};
    const struct garden_shell_request_update_latent_resolved resolved = {id, text, text,
                                                                         GARDEN_CONTENT_MIDI};
    const struct garden_shell_request_update_latent_failed failed = {id, text};
    const struct garden_shell_request_approve_latent approve = {id, somebody};
    const struct garden_shell_request_reject_latent reject = {id, somebody, true, text};
    switch (to) {
    case LATENT_RUNNING:
        return regions_latent_started(&f->regions, &started, &f->changes, NULL);
    case LATENT_RESOLVED:
        return regions_latent_resolved(&f->regions, noon, &resolved, &f->changes, NULL);
    case LATENT_FAILED:
        return regions_latent_failed(&f->regions, &failed, &f->changes, NULL);
    case LATENT_APPROVED:
        return regions_latent_approve(&f->regions, noon, &approve, &f->changes, NULL);
    case LATENT_REJECTED:
        return regions_latent_reject(&f->regions, noon, &reject, &f->changes, NULL);
    case LATENT_NONE:
    case LATENT_PENDING:
        break;
    }
    return GARDEN_ERR_ARGUMENT;
}

// Brings a fresh region 1 to a state by legal moves.
static void bring(struct fixture *f, enum latent_state to)
{
    (void)regions_delete(&f->regions, id_of(1), NULL); // the first time there is none
    assert_int_equal(create(f, 1, 0, 4, to != LATENT_NONE), GARDEN_OK);
    if (to >= LATENT_RUNNING) assert_int_equal(move(f, LATENT_RUNNING), GARDEN_OK);
    if (to == LATENT_FAILED) assert_int_equal(move(f, LATENT_FAILED), GARDEN_OK);
    if (to >= LATENT_RESOLVED && to < LATENT_FAILED)
        assert_int_equal(move(f, LATENT_RESOLVED), GARDEN_OK);
    if (to == LATENT_APPROVED || to == LATENT_REJECTED) assert_int_equal(move(f, to), GARDEN_OK);
    assert_int_equal(regions_find(&f->regions, id_of(1))->latent, to);
    changes_clear(&f->changes);
}

static bool is_legal(enum latent_state from, enum latent_state to)
{
    if (from == LATENT_PENDING) return to == LATENT_RUNNING || to == LATENT_FAILED;
    if (from == LATENT_RUNNING) return to == LATENT_RESOLVED || to == LATENT_FAILED;
    return from == LATENT_RESOLVED && (to == LATENT_APPROVED || to == LATENT_REJECTED);
}

static void of_all_moves_only_the_legal_ones_are_made_and_told(void **state)
{
    struct fixture *f = *state;
    static const enum garden_event_kind events[] = {
        [LATENT_RUNNING] = GARDEN_EVENT_LATENT_SUBMITTED,
        [LATENT_RESOLVED] = GARDEN_EVENT_LATENT_RESOLVED,
        [LATENT_APPROVED] = GARDEN_EVENT_LATENT_APPROVED,
        [LATENT_REJECTED] = GARDEN_EVENT_LATENT_REJECTED,
        [LATENT_FAILED] = GARDEN_EVENT_LATENT_FAILED,
    };
    for (int from = LATENT_NONE; from <= LATENT_FAILED; from++) {
        for (int to = LATENT_RUNNING; to <= LATENT_FAILED; to++) {
            bring(f, (enum latent_state)from);
            const bool legal = is_legal((enum latent_state)from, (enum latent_state)to);
            assert_int_equal(move(f, (enum latent_state)to), legal ? GARDEN_OK : GARDEN_ERR_STATE);
            assert_int_equal(regions_find(&f->regions, id_of(1))->latent, legal ? to : from);
            assert_int_equal(f->changes.count, legal ? 1 : 0);
            if (legal) assert_int_equal(f->changes.events[0].kind, events[to]);
        }
    }
}

static void requests_about_unknown_regions_are_errors(void **state)
{
    struct fixture *f = *state;
    for (int to = LATENT_RUNNING; to <= LATENT_FAILED; to++)
        assert_int_equal(move(f, (enum latent_state)to), GARDEN_ERR_NOT_FOUND);
    assert_int_equal(regions_delete(&f->regions, id_of(1), NULL), GARDEN_ERR_NOT_FOUND);
    assert_int_equal(regions_move(&f->regions, id_of(1), 0, NULL), GARDEN_ERR_NOT_FOUND);
    assert_int_equal(f->changes.count, 0);
}

static void progress_is_from_0_to_1_and_only_while_running(void **state)
{
    struct fixture *f = *state;
    struct garden_shell_request_update_latent_progress request = {id_of(1), 0.5f};
    const float wrong[] = {NAN, INFINITY, -INFINITY, -0.001f, 1.001f, 1e30f};
    bring(f, LATENT_PENDING);
    assert_int_equal(regions_latent_progress(&f->regions, &request, &f->changes, NULL),
                     GARDEN_ERR_STATE);
    bring(f, LATENT_RUNNING);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        request.progress = wrong[i];
        assert_int_equal(regions_latent_progress(&f->regions, &request, &f->changes, NULL),
                         GARDEN_ERR_RANGE);
    }
    assert_int_equal(f->changes.count, 0);
    request.progress = 0.75f;
    assert_int_equal(regions_latent_progress(&f->regions, &request, &f->changes, NULL), GARDEN_OK);
    assert_int_equal(f->changes.count, 1);
    assert_true(f->changes.events[0].latent_progress.progress == 0.75f);
}

static void places_that_are_none_are_refused(void **state)
{
    struct fixture *f = *state;
    const double wrong[] = {NAN, INFINITY, -INFINITY, -1, 1e10, 1e308};
    assert_int_equal(create(f, 1, 8, 4, false), GARDEN_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(create(f, 2, wrong[i], 4, false), GARDEN_ERR_RANGE);
        assert_int_equal(create(f, 2, 4, wrong[i], false), GARDEN_ERR_RANGE);
        assert_int_equal(regions_move(&f->regions, id_of(1), wrong[i], NULL), GARDEN_ERR_RANGE);
    }
    assert_int_equal(f->regions.table.count, 1);
    assert_true(regions_find(&f->regions, id_of(1))->position == 8);
}

static size_t count_in(struct fixture *f, double start, double end)
{
    const struct garden_range range = {start, end};
    struct garden_region_summary_list list;
    struct garden_arena arena;
    garden_arena_init(&arena, NULL, 0);
    assert_int_equal(regions_list(f->regions.table.root, &range, &arena, &list, NULL), GARDEN_OK);
    garden_arena_fini(&arena);
    return list.count;
}

static void a_range_lists_what_overlaps_it(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(create(f, 1, 4, 4, false), GARDEN_OK);  // [4, 8)
    assert_int_equal(create(f, 2, 10, 0, false), GARDEN_OK); // at 10
    assert_int_equal(count_in(f, 0, 4), 0);
    assert_int_equal(count_in(f, 0, 4.5), 1);
    assert_int_equal(count_in(f, 5, 6), 1); // its start lies before the range
    assert_int_equal(count_in(f, 7.5, 10), 1);
    assert_int_equal(count_in(f, 8, 10), 0);
    assert_int_equal(count_in(f, 10, 11), 1);
    assert_int_equal(count_in(f, 0, 100), 2);
    assert_int_equal(count_in(f, 5, 5), 1); // what lies at a beat
    assert_int_equal(count_in(f, 4, 4), 1);
    assert_int_equal(count_in(f, 8, 8), 0);
    assert_int_equal(count_in(f, 10, 10), 1);
}

static void a_range_that_ends_before_it_starts_is_an_error(void **state)
{
    struct fixture *f = *state;
    const struct garden_range ranges[] = {{2, 1}, {NAN, 1}, {0, NAN}};
    struct garden_region_summary_list list;
    struct garden_arena arena;
    garden_arena_init(&arena, NULL, 0);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        assert_int_equal(regions_list(f->regions.table.root, &ranges[i], &arena, &list, NULL),
                         GARDEN_ERR_RANGE);
    garden_arena_fini(&arena);
}

static void an_approval_waits_from_resolved_until_decided_and_keeps_who_and_when(void **state)
{
    struct fixture *f = *state;
    struct garden_pending_approval_list list;
    struct garden_arena arena;
    garden_arena_init(&arena, NULL, 0);
    bring(f, LATENT_RUNNING);
    assert_int_equal(regions_pending(f->regions.table.root, &arena, &list, NULL), GARDEN_OK);
    assert_int_equal(list.count, 0);
    assert_int_equal(move(f, LATENT_RESOLVED), GARDEN_OK);
    assert_int_equal(regions_pending(f->regions.table.root, &arena, &list, NULL), GARDEN_OK);
    assert_int_equal(list.count, 1);
    assert_true(garden_text_is(list.items[0].artifact_id, "text"));
    assert_int_equal(list.items[0].content_type, GARDEN_CONTENT_MIDI);
    assert_int_equal(list.items[0].resolved_at.seconds, noon.seconds);
    assert_int_equal(move(f, LATENT_REJECTED), GARDEN_OK);
    assert_int_equal(regions_pending(f->regions.table.root, &arena, &list, NULL), GARDEN_OK);
    assert_int_equal(list.count, 0);
    const struct region *region = regions_find(&f->regions, id_of(1));
    assert_true(garden_uuid_equal(region->decided_by, somebody));
    assert_int_equal(region->decided_at.seconds, noon.seconds);
    assert_true(garden_text_is(region->reason, "text"));
    garden_arena_fini(&arena);
}

static void a_deleted_region_waits_for_no_approval(void **state)
{
    struct fixture *f = *state;
    struct garden_pending_approval_list list;
    struct garden_arena arena;
    garden_arena_init(&arena, NULL, 0);
    bring(f, LATENT_RESOLVED);
    assert_int_equal(regions_delete(&f->regions, id_of(1), NULL), GARDEN_OK);
    assert_int_equal(regions_pending(f->regions.table.root, &arena, &list, NULL), GARDEN_OK);
    assert_int_equal(list.count, 0);
    garden_arena_fini(&arena);
}

static void the_playhead_mixes_in_an_approved_region_once_when_it_enters(void **state)
{
    struct fixture *f = *state;
    bring(f, LATENT_APPROVED);
    assert_int_equal(regions_move(&f->regions, id_of(1), 4, NULL), GARDEN_OK); // [4, 8)
    assert_int_equal(regions_sweep(&f->regions, 0, 4, &f->changes), GARDEN_OK);
    assert_int_equal(f->changes.count, 0);
    assert_int_equal(regions_sweep(&f->regions, 4, 5, &f->changes), GARDEN_OK);
    assert_int_equal(f->changes.count, 1);
    assert_int_equal(f->changes.events[0].kind, GARDEN_EVENT_MIXED_IN);
    assert_true(f->changes.events[0].mixed_in.at_beat == 4);
    assert_int_equal(regions_sweep(&f->regions, 5, 7, &f->changes), GARDEN_OK);
    assert_int_equal(regions_sweep(&f->regions, 7, 12, &f->changes), GARDEN_OK);
    assert_int_equal(f->changes.count, 1);
    regions_leave(&f->regions); // a seek into its middle
    assert_int_equal(regions_sweep(&f->regions, 6, 6.5, &f->changes), GARDEN_OK);
    assert_int_equal(f->changes.count, 2);
    assert_true(f->changes.events[1].mixed_in.at_beat == 6);
}

static void a_region_shorter_than_a_sweep_is_not_missed(void **state)
{
    struct fixture *f = *state;
    bring(f, LATENT_APPROVED);
    assert_int_equal(regions_sweep(&f->regions, 0, 1000, &f->changes), GARDEN_OK);
    assert_int_equal(f->changes.count, 1);
}

static void a_resolved_region_is_not_mixed_in(void **state)
{
    struct fixture *f = *state;
    bring(f, LATENT_RESOLVED);
    assert_int_equal(regions_sweep(&f->regions, 0, 100, &f->changes), GARDEN_OK);
    assert_int_equal(f->changes.count, 0);
}

static void a_region_has_a_limit_of_texts(void **state)
{
    struct fixture *f = *state;
    static char text[REGION_MEMORY_MAX + 1];
    memset(text, 'x', sizeof text - 1);
    struct garden_shell_request_create_region request = {.duration = 1};
    request.behavior.kind = GARDEN_BEHAVIOR_EMIT_TRIGGER;
    request.behavior.emit_trigger.event_type = garden_text_of(text);
    assert_int_equal(regions_create(&f->regions, id_of(1), &request, NULL), GARDEN_ERR_LIMIT);
    assert_int_equal(f->regions.table.count, 0);
}

static void there_is_a_limit_of_regions(void **state)
{
    struct fixture *f = *state;
    struct garden_error error;
    struct garden_uuid id = {{1}};
    const struct garden_shell_request_create_region request = {
        .duration = 1,
        .behavior = {.kind = GARDEN_BEHAVIOR_PLAY_CONTENT,
                     .play_content = {garden_text_of("artifact")}}};
    for (uint32_t i = 0; i < REGIONS_MAX; i++) {
        memcpy(id.octets + 4, &i, sizeof i);
        assert_int_equal(regions_create(&f->regions, id, &request, NULL), GARDEN_OK);
    }
    const struct garden_uuid more = id_of(9);
    assert_int_equal(regions_create(&f->regions, more, &request, &error), GARDEN_ERR_LIMIT);
    assert_non_null(strstr(error.text, "131072 regions already"));
    assert_int_equal(regions_delete(&f->regions, id, NULL), GARDEN_OK);
    assert_int_equal(regions_create(&f->regions, more, &request, NULL), GARDEN_OK);
    assert_int_equal(f->regions.table.count, REGIONS_MAX);
}

static void without_memory_at_any_point_a_region_is_made_whole_or_not_at_all(void **state)
{
    struct fixture *f = *state;
    bool made = false;
    for (uint64_t n = 1; !made; n++) {
        f->budget.fail_at = f->budget.calls + n;
        const int result = create(f, 1, 0, 4, true);
        made = result == GARDEN_OK;
        assert_true(made || result == GARDEN_ERR_MEMORY);
        assert_int_equal(f->regions.table.count, made ? 1 : 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(of_all_moves_only_the_legal_ones_are_made_and_told),
        TEST(requests_about_unknown_regions_are_errors),
        TEST(progress_is_from_0_to_1_and_only_while_running),
        TEST(places_that_are_none_are_refused),
        TEST(a_range_lists_what_overlaps_it),
        TEST(a_range_that_ends_before_it_starts_is_an_error),
        TEST(an_approval_waits_from_resolved_until_decided_and_keeps_who_and_when),
        TEST(a_deleted_region_waits_for_no_approval),
        TEST(the_playhead_mixes_in_an_approved_region_once_when_it_enters),
        TEST(a_region_shorter_than_a_sweep_is_not_missed),
        TEST(a_resolved_region_is_not_mixed_in),
        TEST(a_region_has_a_limit_of_texts),
        TEST(there_is_a_limit_of_regions),
        TEST(without_memory_at_any_point_a_region_is_made_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
