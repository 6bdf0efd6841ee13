// The playhead: integrated over changes of tempo, and deaf to numbers that are none.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "garden/daemon/transport.h"

#define SECOND INT64_C(1000000000)

struct fixture {
    struct transport transport;
    struct changes changes;
};

static int setup(void **state)
{
    static struct fixture f;
    transport_init(&f.transport);
    changes_init(&f.changes);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    changes_fini(&((struct fixture *)*state)->changes);
    return 0;
}

static void assert_beat(const struct fixture *f, int64_t now, double beat, double second)
{
    const struct transport_position position = transport_position(&f->transport, now);
    assert_true(fabs(position.beat - beat) < 1e-9);
    assert_true(fabs(position.second - second) < 1e-9);
}

static void it_stands_until_it_plays(void **state)
{
    struct fixture *f = *state;
    assert_beat(f, 5 * SECOND, 0, 0);
    assert_int_equal(transport_play(&f->transport, 10 * SECOND, &f->changes), GARDEN_OK);
    assert_beat(f, 10 * SECOND, 0, 0);
    assert_beat(f, 11 * SECOND, 2, 1); // 120 beats a minute
}

static void a_change_of_tempo_turns_the_speed_and_not_the_position(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(transport_play(&f->transport, 0, &f->changes), GARDEN_OK);
    assert_int_equal(transport_set_tempo(&f->transport, 10 * SECOND, 60, NULL), GARDEN_OK);
    assert_beat(f, 10 * SECOND, 20, 10);
    assert_beat(f, 13 * SECOND, 23, 13);
    assert_int_equal(transport_set_tempo(&f->transport, 13 * SECOND, 600, NULL), GARDEN_OK);
    assert_beat(f, 14 * SECOND, 33, 14);
}

static void a_pause_keeps_the_position_and_a_stop_rewinds(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(transport_play(&f->transport, 0, &f->changes), GARDEN_OK);
    assert_int_equal(transport_pause(&f->transport, 2 * SECOND, &f->changes), GARDEN_OK);
    assert_beat(f, 9 * SECOND, 4, 2);
    assert_int_equal(transport_play(&f->transport, 9 * SECOND, &f->changes), GARDEN_OK);
    assert_beat(f, 10 * SECOND, 6, 3);
    assert_int_equal(transport_stop(&f->transport, 10 * SECOND, &f->changes), GARDEN_OK);
    assert_beat(f, 20 * SECOND, 0, 0);
}

static void only_a_change_of_playing_is_an_event(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(transport_pause(&f->transport, 0, &f->changes), GARDEN_OK);
    assert_int_equal(f->changes.count, 0);
    assert_int_equal(transport_play(&f->transport, 0, &f->changes), GARDEN_OK);
    assert_int_equal(transport_play(&f->transport, 0, &f->changes), GARDEN_OK);
    assert_int_equal(f->changes.count, 1);
    assert_int_equal(f->changes.events[0].kind, GARDEN_EVENT_PLAYBACK_STARTED);
    assert_int_equal(transport_stop(&f->transport, 0, &f->changes), GARDEN_OK);
    assert_int_equal(f->changes.count, 2);
    assert_int_equal(f->changes.events[1].kind, GARDEN_EVENT_PLAYBACK_STOPPED);
}

static void beats_and_tempos_that_are_none_change_nothing(void **state)
{
    struct fixture *f = *state;
    const double beats[] = {NAN, INFINITY, -INFINITY, -1, -1e-300, 1e10, 1e308};
    const double tempos[] = {NAN, INFINITY, -INFINITY, 0, -0.0, -120, 1000.001, 1e308};
    assert_int_equal(transport_seek(&f->transport, 0, 16, NULL), GARDEN_OK);
    for (size_t i = 0; i < sizeof beats / sizeof *beats; i++)
        assert_int_equal(transport_seek(&f->transport, 0, beats[i], NULL), GARDEN_ERR_RANGE);
    for (size_t i = 0; i < sizeof tempos / sizeof *tempos; i++)
        assert_int_equal(transport_set_tempo(&f->transport, 0, tempos[i], NULL), GARDEN_ERR_RANGE);
    assert_beat(f, 0, 16, 8);
    assert_int_equal(transport_set_tempo(&f->transport, 0, 1000, NULL), GARDEN_OK);
    assert_int_equal(transport_seek(&f->transport, 0, TRANSPORT_BEAT_MAX, NULL), GARDEN_OK);
}

static void the_playhead_stays_at_the_end_of_the_timeline(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(transport_seek(&f->transport, 0, TRANSPORT_BEAT_MAX, NULL), GARDEN_OK);
    assert_int_equal(transport_play(&f->transport, 0, &f->changes), GARDEN_OK);
    assert_true(transport_position(&f->transport, 1000 * SECOND).beat == TRANSPORT_BEAT_MAX);
}

static void a_clock_that_goes_back_moves_nothing(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(transport_play(&f->transport, 10 * SECOND, &f->changes), GARDEN_OK);
    assert_beat(f, 0, 0, 0);
    assert_int_equal(transport_set_tempo(&f->transport, 0, 60, NULL), GARDEN_OK);
    assert_beat(f, 11 * SECOND, 1, 1);
}

static void sweeps_meet_without_a_hole_and_a_seek_breaks_the_way(void **state)
{
    struct fixture *f = *state;
    double from, to, last;
    assert_false(transport_sweep(&f->transport, 0, &from, &to));
    assert_int_equal(transport_play(&f->transport, 0, &f->changes), GARDEN_OK);
    assert_true(transport_sweep(&f->transport, SECOND, &from, &to));
    assert_true(from == 0 && to == 2);
    last = to;
    assert_true(transport_sweep(&f->transport, 3 * SECOND, &from, &to));
    assert_true(from == last && to == 6);
    assert_int_equal(transport_seek(&f->transport, 3 * SECOND, 100, NULL), GARDEN_OK);
    assert_true(transport_sweep(&f->transport, 4 * SECOND, &from, &to));
    assert_true(from == 100 && to == 102);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_stands_until_it_plays, setup, teardown),
        cmocka_unit_test_setup_teardown(a_change_of_tempo_turns_the_speed_and_not_the_position,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_pause_keeps_the_position_and_a_stop_rewinds, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(only_a_change_of_playing_is_an_event, setup, teardown),
        cmocka_unit_test_setup_teardown(beats_and_tempos_that_are_none_change_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_playhead_stays_at_the_end_of_the_timeline, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_clock_that_goes_back_moves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(sweeps_meet_without_a_hole_and_a_seek_breaks_the_way, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
