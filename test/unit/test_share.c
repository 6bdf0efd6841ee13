// What queues have of one slab, case by case. In random sequences against a model: test_queue_model.c.
#include "test/support/octets.h"
#include "zmtp/msg/share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { CHUNK = 1000, QUARTER = CHUNK / ZMTP__QUEUE_REFER_SHARE, VIEWS_MAX = 8 };

struct fixture {
    struct zmtp_budget budget;
    struct zmtp__queue queue;
    struct zmtp_slab *chunk;
    size_t used;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.used = 0};
    zmtp_budget_init(&fixture.budget, NULL);
    zmtp__queue_init(&fixture.queue, &fixture.budget.allocator, NULL, 0, 0);
    fixture.chunk = zmtp__slab_open_exact(NULL, CHUNK);
    assert_non_null(fixture.chunk);
    *state = &fixture;
    return 0;
}

// Whatever a test did, nobody refers to the chunk, and no octet of memory is left over.
static int tear_down(void **state)
{
    struct fixture *f = *state;
    zmtp__queue_fini(&f->queue);
    assert_true(zmtp__slab_sole(f->chunk));
    zmtp__slab_unref(f->chunk);
    assert_int_equal(f->budget.blocks, 0);
    return 0;
}

// Encodes a message of |size| octets of |letter| behind those that are in the chunk.
static struct zmtp_bytes encode(struct fixture *f, char letter, uint8_t size)
{
    uint8_t *const at = f->chunk->data + f->used;
    at[0] = 0;
    at[1] = size;
    memset(at + 2, letter, size);
    f->used += 2 + (size_t)size;
    assert_true(f->used <= CHUNK);
    return (struct zmtp_bytes){at, 2 + (size_t)size};
}

static void join(struct fixture *f, struct zmtp_bytes frames)
{
    assert_int_equal(zmtp__queue_join(&f->queue, frames, f->chunk), ZMTP_OK);
    zmtp__queue_end(&f->queue, 1);
}

static bool step(struct fixture *f, struct zmtp_bytes frames)
{
    struct zmtp__range *const last = zmtp__queue_in_step(&f->queue, frames, f->chunk);
    if (last) zmtp__queue_step(&f->queue, last, frames.size);
    return last;
}

static void assert_takes(struct fixture *f, char letter, size_t size)
{
    struct zmtp_msg msg;
    uint8_t expected[255];
    zmtp_msg_init(&msg, &f->budget.allocator);
    assert_int_equal(zmtp__queue_take(&f->queue, &msg), ZMTP_OK);
    memset(expected, letter, size);
    octets_assert_equal(zmtp_msg_bytes(&msg, 0), zmtp_bytes_of(expected, size));
    zmtp_msg_fini(&msg);
}

static void test_in_step_a_message_is_a_longer_range_and_no_copy(void **state)
{
    struct fixture *f = *state;
    const struct zmtp_bytes first = encode(f, 'a', 10);
    assert_false(step(f, first)); // it has nothing yet that could go on
    join(f, first);
    assert_true(step(f, encode(f, 'b', 20)));
    assert_true(step(f, encode(f, 'c', 0)));
    assert_int_equal(f->queue.count, 3);
    assert_int_equal(f->queue.bytes, 12 + 22 + 2);
    assert_int_equal(f->queue.written, 3);
    struct zmtp_bytes views[VIEWS_MAX];
    assert_int_equal(zmtp__queue_peek(&f->queue, views, VIEWS_MAX, SIZE_MAX), 1);
    assert_ptr_equal(views[0].data, f->chunk->data);
    assert_int_equal(views[0].size, f->used);
    assert_null(f->queue.tail);
    (void)encode(f, 'd', 5); // is for others
    assert_false(step(f, encode(f, 'e', 5)));
    assert_takes(f, 'a', 10);
    assert_takes(f, 'b', 20);
    assert_takes(f, 'c', 0);
    assert_false(step(f, encode(f, 'f', 5))); // it was emptied
}

static void test_another_slab_is_not_gone_on_with(void **state)
{
    struct fixture *f = *state;
    join(f, encode(f, 'a', 10));
    struct zmtp_slab *const other = zmtp__slab_open_exact(NULL, CHUNK);
    assert_non_null(other);
    const struct zmtp_bytes next = {f->chunk->data + f->used, 3};
    assert_non_null(zmtp__queue_in_step(&f->queue, next, f->chunk));
    assert_null(zmtp__queue_in_step(&f->queue, next, other));
    assert_true(zmtp__queue_ends_in(&f->queue, f->chunk));
    assert_false(zmtp__queue_ends_in(&f->queue, other));
    zmtp__slab_unref(other);
}

static void test_a_small_part_of_a_slab_is_copied_and_lets_it_go(void **state)
{
    struct fixture *f = *state;
    (void)encode(f, 'x', 30);
    join(f, encode(f, 'a', 10));
    (void)encode(f, 'x', 30);
    assert_false(zmtp__slab_sole(f->chunk));
    zmtp__queue_consume(&f->queue, 5); // of which some has left
    assert_int_equal(zmtp__queue_own(&f->queue, f->chunk), ZMTP_OK);
    assert_true(zmtp__slab_sole(f->chunk));
    assert_int_equal(f->queue.count, 1);
    assert_int_equal(f->queue.bytes, 12);
    assert_int_equal(zmtp__queue_message_left(&f->queue), 7);
    memset(f->chunk->data, 0xFF, CHUNK); // it is used for something else
    struct zmtp_bytes views[VIEWS_MAX];
    assert_int_equal(zmtp__queue_peek(&f->queue, views, VIEWS_MAX, SIZE_MAX), 1);
    octets_assert_equal(views[0], zmtp_bytes_text("aaaaaaa"));
    assert_true(zmtp__queue_write(&f->queue, zmtp_bytes_text("b"))); // goes on behind the copy
    zmtp__queue_rewind(&f->queue);
    assert_takes(f, 'a', 10);
    assert_takes(f, 'b', 1);
}

static void test_a_part_in_proportion_stays_where_it_is(void **state)
{
    struct fixture *f = *state;
    join(f, encode(f, 'a', QUARTER - 2));
    const size_t blocks = f->budget.blocks;
    assert_int_equal(zmtp__queue_own(&f->queue, f->chunk), ZMTP_OK);
    assert_int_equal(f->budget.blocks, blocks);
    assert_true(zmtp__queue_ends_in(&f->queue, f->chunk));
    assert_takes(f, 'a', QUARTER - 2);
}

// One octet less, and of several those that are small.
static void test_of_several_parts_each_small_one_is_copied(void **state)
{
    struct fixture *f = *state;
    join(f, encode(f, 'a', QUARTER - 3));
    zmtp__queue_begin(&f->queue);
    assert_int_equal(zmtp__queue_put(&f->queue, zmtp_bytes_text("own"), NULL, 0), ZMTP_OK);
    zmtp__queue_end(&f->queue, 1);
    join(f, encode(f, 'b', QUARTER - 2));
    (void)encode(f, 'x', 0);
    join(f, encode(f, 'c', 3));
    assert_int_equal(f->queue.range_count, 4);
    assert_int_equal(zmtp__queue_own(&f->queue, f->chunk), ZMTP_OK);
    assert_int_equal(atomic_load(&f->chunk->refs), 2);
    assert_takes(f, 'a', QUARTER - 3);
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    assert_int_equal(zmtp__queue_take(&f->queue, &msg), ZMTP_OK);
    octets_assert_equal(zmtp_msg_bytes(&msg, 0), zmtp_bytes_text("own"));
    zmtp_msg_fini(&msg);
    assert_takes(f, 'b', QUARTER - 2);
    assert_takes(f, 'c', 3);
}

// So a queue of very many ranges does not cost the more the more it has.
static void test_each_range_is_looked_at_once(void **state)
{
    struct fixture *f = *state;
    join(f, encode(f, 'a', QUARTER - 2));
    (void)encode(f, 'x', 0);
    join(f, encode(f, 'b', QUARTER - 2));
    assert_int_equal(zmtp__queue_own(&f->queue, f->chunk), ZMTP_OK);
    assert_int_equal(f->queue.owned, 2);
    (void)encode(f, 'x', 0);
    join(f, encode(f, 'c', 3));
    assert_int_equal(f->queue.owned, 2);
    assert_takes(f, 'a', QUARTER - 2);
    assert_int_equal(f->queue.owned, 1);
    zmtp__queue_clear(&f->queue);
    assert_int_equal(f->queue.owned, 0);
    join(f, encode(f, 'd', 3));
    assert_int_equal(zmtp__queue_own(&f->queue, f->chunk), ZMTP_OK);
    assert_true(zmtp__slab_sole(f->chunk));
    assert_takes(f, 'd', 3);
}

// A message of which octets have left stays when the rest is withdrawn, and was looked at before.
static void test_what_was_dropped_behind_counts_as_looked_at_no_more(void **state)
{
    struct fixture *f = *state;
    join(f, encode(f, 'a', QUARTER - 2));
    (void)encode(f, 'x', 0);
    join(f, encode(f, 'b', QUARTER - 2));
    assert_int_equal(zmtp__queue_own(&f->queue, f->chunk), ZMTP_OK);
    zmtp__queue_consume(&f->queue, 1);
    zmtp__queue_clear(&f->queue);
    assert_int_equal(f->queue.range_count, 1);
    (void)encode(f, 'x', 0);
    join(f, encode(f, 'c', 3));
    assert_int_equal(zmtp__queue_own(&f->queue, f->chunk), ZMTP_OK);
    assert_int_equal(atomic_load(&f->chunk->refs), 2); // of a alone
    zmtp__queue_rewind(&f->queue);
    assert_takes(f, 'a', QUARTER - 2);
    assert_takes(f, 'c', 3);
}

static void test_without_memory_nothing_is_copied_and_nobody_joins(void **state)
{
    struct fixture *f = *state;
    const struct zmtp_bytes first = encode(f, 'a', 10);
    f->budget.fail_at = f->budget.calls + 1;
    assert_int_equal(zmtp__queue_join(&f->queue, first, f->chunk), ZMTP_ERR_MEMORY);
    assert_false(f->queue.open);
    assert_int_equal(f->queue.range_count, 0);
    join(f, first);
    f->budget.fail_at = f->budget.calls + 1;
    assert_int_equal(zmtp__queue_own(&f->queue, f->chunk), ZMTP_ERR_MEMORY);
    assert_true(step(f, encode(f, 'b', 4))); // it is as it was
    assert_int_equal(zmtp__queue_own(&f->queue, f->chunk), ZMTP_OK);
    assert_true(zmtp__slab_sole(f->chunk));
    assert_takes(f, 'a', 10);
    assert_takes(f, 'b', 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_in_step_a_message_is_a_longer_range_and_no_copy,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_slab_is_not_gone_on_with, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_small_part_of_a_slab_is_copied_and_lets_it_go,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_part_in_proportion_stays_where_it_is, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_of_several_parts_each_small_one_is_copied, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_each_range_is_looked_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_was_dropped_behind_counts_as_looked_at_no_more,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_memory_nothing_is_copied_and_nobody_joins,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
