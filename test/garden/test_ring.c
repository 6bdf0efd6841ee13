#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <garden/capture.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static struct garden_ring *ring_of(uint32_t frame_size, size_t capacity)
{
    struct garden_ring *ring = NULL;
    assert_int_equal(garden_ring_open(NULL, frame_size, capacity, &ring), GARDEN_OK);
    return ring;
}

// Takes everything readable, as positions of frames and gaps, into a text such as "0+3 !3+2 5+1".
static void drain(struct garden_ring *ring, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    struct garden_gap gap;
    struct garden_run run;
    for (;;) {
        if (garden_ring_gap(ring, &gap)) {
            used += (size_t)snprintf(text + used, size - used, "!%d+%d ", (int)gap.first,
                                     (int)gap.count);
            garden_ring_skip(ring, gap);
        } else if (garden_ring_peek(ring, &run)) {
            used += (size_t)snprintf(text + used, size - used, "%d+%d ", (int)run.first,
                                     (int)run.count);
            garden_ring_consume(ring, run.count);
        } else {
            return;
        }
    }
}

static void test_frames_come_out_as_they_went_in_across_the_end_of_the_memory(void **state)
{
    (void)state;
    struct garden_ring *ring = ring_of(3, 5);
    uint8_t next_in = 0, next_out = 0;
    for (int round = 0; round < 50; round++) {
        uint8_t frames[12];
        for (size_t i = 0; i < sizeof frames; i++)
            frames[i] = next_in++;
        assert_true(garden_ring_write(ring, frames, 4));
        struct garden_run run;
        while (garden_ring_peek(ring, &run)) {
            for (size_t i = 0; i < run.count * 3; i++)
                assert_int_equal(run.data[i], next_out++);
            garden_ring_consume(ring, run.count);
        }
        assert_int_equal(next_in, next_out);
    }
    garden_ring_close(ring);
}

static void test_an_overrun_drops_the_whole_buffer_and_keeps_its_position(void **state)
{
    (void)state;
    struct garden_ring *ring = ring_of(1, 4);
    char text[128];
    assert_true(garden_ring_write(ring, "abc", 3));
    assert_false(garden_ring_write(ring, "de", 2)); // one would fit, but a buffer is not torn
    assert_false(garden_ring_write(ring, "fg", 2)); // the same gap grows
    assert_int_equal(garden_ring_overrun(ring), 4);
    drain(ring, text, sizeof text);
    assert_string_equal(text, "0+3 "); // the gap is open, so it is not readable yet
    assert_true(garden_ring_write(ring, "h", 1));
    drain(ring, text, sizeof text);
    assert_string_equal(text, "!3+4 7+1 ");
    assert_int_equal(garden_ring_offered(ring), 8);
    garden_ring_close(ring);
}

static void test_what_was_lost_before_it_was_offered_is_a_gap_at_its_place(void **state)
{
    (void)state;
    static const uint8_t frames[8];
    char text[128];
    struct garden_ring *ring = ring_of(2, 4);
    garden_ring_lose(ring, 0);
    assert_true(garden_ring_write(ring, frames, 2));
    garden_ring_lose(ring, 5);
    garden_ring_lose(ring, 1);
    assert_true(garden_ring_write(ring, frames, 1));
    drain(ring, text, sizeof text);
    assert_string_equal(text, "0+2 !2+6 8+1 ");
    assert_int_equal(garden_ring_offered(ring), 9);
    assert_int_equal(garden_ring_overrun(ring), 6);
    garden_ring_close(ring);
}

static void test_a_reader_stops_at_a_gap_even_when_later_frames_are_there(void **state)
{
    (void)state;
    struct garden_ring *ring = ring_of(1, 4);
    struct garden_run run;
    struct garden_gap gap;
    assert_true(garden_ring_write(ring, "abcd", 4));
    assert_false(garden_ring_write(ring, "e", 1));
    garden_ring_consume(ring, 2);
    assert_true(garden_ring_write(ring, "fg", 2));
    assert_true(garden_ring_peek(ring, &run));
    assert_int_equal(run.count, 2);
    assert_false(garden_ring_gap(ring, &gap)); // the gap lies after |run|
    garden_ring_consume(ring, 2);
    assert_false(garden_ring_peek(ring, &run));
    assert_true(garden_ring_gap(ring, &gap));
    assert_int_equal(gap.first, 4);
    garden_ring_skip(ring, gap);
    assert_true(garden_ring_peek(ring, &run));
    assert_int_equal(run.first, 5);
    assert_memory_equal(run.data, "fg", 2);
    garden_ring_close(ring);
}

static void test_a_gap_that_nothing_follows_is_found_at_the_end(void **state)
{
    (void)state;
    struct garden_ring *ring = ring_of(1, 2);
    struct garden_gap gap;
    assert_true(garden_ring_write(ring, "ab", 2));
    assert_false(garden_ring_write(ring, "cde", 3));
    assert_false(garden_ring_tail(ring, &gap)); // two frames come before it
    garden_ring_consume(ring, 2);
    assert_true(garden_ring_tail(ring, &gap));
    assert_int_equal(gap.first, 2);
    assert_int_equal(gap.count, 3);
    garden_ring_skip(ring, gap);
    assert_false(garden_ring_tail(ring, &gap));
    garden_ring_close(ring);
}

static void test_when_gap_records_run_out_the_last_gap_grows_and_nothing_is_forgotten(void **state)
{
    (void)state;
    struct garden_ring *ring = ring_of(1, 1000);
    uint8_t buffer[1000] = {0};
    uint64_t stored = 0;
    // Each round stores one frame and then offers one buffer too large: a gap a round.
    for (int round = 0; round < 200; round++) {
        if (garden_ring_write(ring, buffer, 1)) stored++;
        assert_false(garden_ring_write(ring, buffer, 1000));
    }
    uint64_t captured = 0, lost = 0;
    struct garden_gap gap;
    struct garden_run run;
    for (;;) {
        if (garden_ring_gap(ring, &gap) || garden_ring_tail(ring, &gap)) {
            assert_int_equal(gap.first, captured + lost);
            lost += gap.count;
            garden_ring_skip(ring, gap);
        } else if (garden_ring_peek(ring, &run)) {
            assert_int_equal(run.first, captured + lost);
            captured += run.count;
            garden_ring_consume(ring, run.count);
        } else {
            break;
        }
    }
    assert_true(stored < 200); // the records did run out
    assert_int_equal(captured, stored);
    assert_int_equal(captured + lost, 200 * 1001);
    assert_int_equal(lost, garden_ring_overrun(ring));
    garden_ring_close(ring);
}

static void test_absurd_sizes_and_failing_memory_are_refused(void **state)
{
    (void)state;
    struct garden_ring *ring = NULL;
    assert_int_equal(garden_ring_open(NULL, 0, 8, &ring), GARDEN_ERR_ARGUMENT);
    assert_int_equal(garden_ring_open(NULL, 4, 0, &ring), GARDEN_ERR_ARGUMENT);
    assert_int_equal(garden_ring_open(NULL, 4, SIZE_MAX / 4, &ring), GARDEN_ERR_ARGUMENT);
    for (uint64_t n = 1; n <= 2; n++) {
        struct zmtp_budget budget;
        zmtp_budget_init(&budget, zmtp_heap());
        budget.fail_at = n;
        assert_int_equal(garden_ring_open(&budget.allocator, 4, 8, &ring), GARDEN_ERR_MEMORY);
        assert_int_equal(budget.bytes, 0);
    }
    assert_null(ring);
}

enum { THREAD_FRAMES = 2000000 };

struct thread_case {
    struct garden_ring *ring;
    atomic_bool finished;
};

// Each frame holds its own position, so the reader can tell when a gap lies.
static void *thread_produce(void *argument)
{
    struct thread_case *c = argument;
    uint32_t position = 0, random = 1;
    while (position < THREAD_FRAMES) {
        uint32_t frames[64];
        random = random * 1664525u + 1013904223u;
        const size_t count = 1 + (random >> 16) % 64;
        for (size_t i = 0; i < count; i++)
            frames[i] = position + (uint32_t)i;
        (void)garden_ring_write(c->ring, frames, count); // a loss is what the test is about
        position += (uint32_t)count;
        if ((random >> 24) == 0) sched_yield();
    }
    atomic_store(&c->finished, true);
    return NULL;
}

static void test_two_threads_lose_no_frame_that_is_not_counted(void **state)
{
    (void)state;
    struct thread_case c = {.ring = ring_of(4, 256)};
    pthread_t producer;
    uint64_t captured = 0, lost = 0, wrong = 0;
    struct garden_gap gap;
    struct garden_run run;
    assert_int_equal(pthread_create(&producer, NULL, thread_produce, &c), 0);
    for (;;) {
        const bool finished = atomic_load(&c.finished);
        if (garden_ring_gap(c.ring, &gap) || (finished && garden_ring_tail(c.ring, &gap))) {
            if (gap.first != captured + lost) wrong++;
            lost += gap.count;
            garden_ring_skip(c.ring, gap);
        } else if (garden_ring_peek(c.ring, &run)) {
            for (size_t i = 0; i < run.count; i++) {
                uint32_t frame;
                memcpy(&frame, run.data + 4 * i, 4);
                if (frame != run.first + i) wrong++;
            }
            if (run.first != captured + lost) wrong++;
            captured += run.count;
            garden_ring_consume(c.ring, run.count);
        } else if (finished) {
            break;
        } else {
            sched_yield();
        }
    }
    assert_int_equal(pthread_join(producer, NULL), 0);
    assert_int_equal(wrong, 0);
    assert_int_equal(captured + lost, garden_ring_offered(c.ring));
    assert_int_equal(lost, garden_ring_overrun(c.ring));
    assert_true(captured > 0);
    garden_ring_close(c.ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_come_out_as_they_went_in_across_the_end_of_the_memory),
        cmocka_unit_test(test_an_overrun_drops_the_whole_buffer_and_keeps_its_position),
        cmocka_unit_test(test_what_was_lost_before_it_was_offered_is_a_gap_at_its_place),
        cmocka_unit_test(test_a_reader_stops_at_a_gap_even_when_later_frames_are_there),
        cmocka_unit_test(test_a_gap_that_nothing_follows_is_found_at_the_end),
        cmocka_unit_test(test_when_gap_records_run_out_the_last_gap_grows_and_nothing_is_forgotten),
        cmocka_unit_test(test_absurd_sizes_and_failing_memory_are_refused),
        cmocka_unit_test(test_two_threads_lose_no_frame_that_is_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
