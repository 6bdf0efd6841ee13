// Memory: the heap, the budget that counts and refuses, and the arena that has no heap under it.
#include "test/support/random.h"
#include "zmtp/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void test_a_size_of_zero_is_null_and_freeing_null_does_nothing(void **state)
{
    (void)state;
    assert_null(zmtp_alloc(zmtp_heap(), 0));
    assert_null(zmtp_realloc(zmtp_heap(), NULL, 0, 0));
    zmtp_free(zmtp_heap(), NULL, 0);
}

static void test_the_heap_keeps_the_octets_over_a_resize(void **state)
{
    (void)state;
    uint8_t *block = zmtp_alloc(NULL, 3); // null: the heap
    assert_non_null(block);
    memcpy(block, "abc", 3);
    block = zmtp_realloc(NULL, block, 3, 4096);
    assert_non_null(block);
    assert_memory_equal(block, "abc", 3);
    zmtp_free(NULL, block, 4096);
}

static void test_a_budget_counts_exact_octets_and_blocks(void **state)
{
    (void)state;
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    void *a = zmtp_alloc(&budget.allocator, 100);
    void *const b = zmtp_alloc(&budget.allocator, 11);
    assert_int_equal(budget.bytes, 111);
    assert_int_equal(budget.blocks, 2);

    a = zmtp_realloc(&budget.allocator, a, 100, 150);
    assert_int_equal(budget.bytes, 161);
    a = zmtp_realloc(&budget.allocator, a, 150, 7);
    assert_int_equal(budget.bytes, 18);
    assert_int_equal(budget.blocks, 2);

    zmtp_free(&budget.allocator, b, 11);
    zmtp_free(&budget.allocator, a, 7);
    assert_int_equal(budget.bytes, 0);
    assert_int_equal(budget.blocks, 0);
    assert_int_equal(budget.bytes_peak, 161);
    assert_true(budget.calls == 3); // two allocations and a growth; a shrink is not asked for
}

static void test_a_budget_refuses_the_octet_beyond_its_limit_and_keeps_the_block(void **state)
{
    (void)state;
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, zmtp_heap());
    budget.bytes_max = 10;
    uint8_t *const block = zmtp_alloc(&budget.allocator, 10);
    assert_non_null(block);
    memcpy(block, "0123456789", 10);
    assert_null(zmtp_alloc(&budget.allocator, 1));
    assert_null(zmtp_realloc(&budget.allocator, block, 10, 11));
    assert_null(zmtp_realloc(&budget.allocator, block, 10, SIZE_MAX));
    assert_memory_equal(block, "0123456789", 10);
    assert_int_equal(budget.bytes, 10);
    assert_int_equal(budget.blocks, 1);
    zmtp_free(&budget.allocator, block, 10);
    assert_int_equal(budget.bytes, 0);
}

static void test_a_budget_without_a_limit_still_refuses_what_cannot_be_counted(void **state)
{
    (void)state;
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    void *const block = zmtp_alloc(&budget.allocator, 1);
    assert_null(zmtp_alloc(&budget.allocator, SIZE_MAX));
    assert_int_equal(budget.bytes, 1);
    zmtp_free(&budget.allocator, block, 1);
}

static void test_a_budget_fails_the_nth_call_alone_or_from_there_on(void **state)
{
    (void)state;
    for (int on = 0; on <= 1; on++) {
        struct zmtp_budget budget;
        zmtp_budget_init(&budget, NULL);
        budget.fail_at = 2;
        budget.fail_on = on;
        void *const first = zmtp_alloc(&budget.allocator, 1);
        assert_non_null(first);
        assert_null(zmtp_alloc(&budget.allocator, 1));
        void *const third = zmtp_alloc(&budget.allocator, 1);
        assert_int_equal(third == NULL, on);
        zmtp_free(&budget.allocator, third, 1);
        zmtp_free(&budget.allocator, first, 1);
        assert_int_equal(budget.blocks, 0);
        assert_true(budget.calls == 3);
    }
}

enum { UNIT = 16 }; // an arena's unit on every machine that this test runs on

struct bench {
    _Alignas(max_align_t) uint8_t memory[16 * UNIT];
    struct zmtp_arena arena;
};

static void bench_init(struct bench *bench)
{
    assert_int_equal(zmtp_arena_init(&bench->arena, bench->memory, sizeof bench->memory), ZMTP_OK);
}

// Only an arena without holes gives its whole size as one block.
static void bench_assert_whole(struct bench *bench)
{
    void *const all = zmtp_alloc(&bench->arena.allocator, bench->arena.size);
    assert_ptr_equal(all, bench->memory);
    assert_null(zmtp_alloc(&bench->arena.allocator, 1));
    zmtp_free(&bench->arena.allocator, all, bench->arena.size);
}

static void test_an_arena_gives_out_all_of_its_memory_and_no_more(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    const struct zmtp_allocator *const allocator = &bench.arena.allocator;
    void *blocks[16];
    for (size_t i = 0; i < 16; i++) {
        blocks[i] = zmtp_alloc(allocator, 1);
        assert_ptr_equal(blocks[i], bench.memory + i * UNIT);
    }
    assert_null(zmtp_alloc(allocator, 1));
    for (size_t i = 0; i < 16; i++) {
        zmtp_free(allocator, blocks[i], 1);
    }
    bench_assert_whole(&bench);
}

static void test_an_arena_joins_free_neighbours_in_any_order_of_freeing(void **state)
{
    (void)state;
    static const uint8_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                         {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t order = 0; order < 6; order++) {
        struct bench bench;
        bench_init(&bench);
        void *blocks[3];
        for (size_t i = 0; i < 3; i++) {
            blocks[i] = zmtp_alloc(&bench.arena.allocator, 5 * UNIT);
        }
        for (size_t i = 0; i < 3; i++) {
            zmtp_free(&bench.arena.allocator, blocks[orders[order][i]], 5 * UNIT);
        }
        bench_assert_whole(&bench);
    }
}

static void test_an_arena_grows_in_place_when_the_memory_behind_is_free(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    const struct zmtp_allocator *const allocator = &bench.arena.allocator;
    uint8_t *const block = zmtp_alloc(allocator, UNIT);
    memset(block, 0xA5, UNIT);
    assert_ptr_equal(zmtp_realloc(allocator, block, UNIT, 16 * UNIT), block);
    for (size_t i = 0; i < UNIT; i++) {
        assert_int_equal(block[i], 0xA5);
    }
    zmtp_free(allocator, block, 16 * UNIT);
    bench_assert_whole(&bench);
}

static void test_an_arena_moves_a_block_that_cannot_grow_in_place(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    const struct zmtp_allocator *const allocator = &bench.arena.allocator;
    uint8_t *const first = zmtp_alloc(allocator, 3);
    void *const fence = zmtp_alloc(allocator, UNIT);
    memcpy(first, "abc", 3);
    uint8_t *const moved = zmtp_realloc(allocator, first, 3, 2 * UNIT);
    assert_ptr_equal(moved, bench.memory + 2 * UNIT);
    assert_memory_equal(moved, "abc", 3);
    assert_null(zmtp_realloc(allocator, moved, 2 * UNIT, 15 * UNIT)); // and the block stays whole
    assert_memory_equal(moved, "abc", 3);
    zmtp_free(allocator, moved, 2 * UNIT);
    zmtp_free(allocator, fence, UNIT);
    bench_assert_whole(&bench);
}

static void test_an_arena_takes_back_the_tail_of_a_block_that_shrinks(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    const struct zmtp_allocator *const allocator = &bench.arena.allocator;
    void *const block = zmtp_alloc(allocator, 16 * UNIT);
    assert_ptr_equal(zmtp_realloc(allocator, block, 16 * UNIT, 2 * UNIT + 1), block);
    void *const tail = zmtp_alloc(allocator, 13 * UNIT);
    assert_ptr_equal(tail, bench.memory + 3 * UNIT);
    zmtp_free(allocator, tail, 13 * UNIT);
    zmtp_free(allocator, block, 2 * UNIT + 1);
    bench_assert_whole(&bench);
}

static void test_an_arena_aligns_memory_that_is_not_and_refuses_too_little(void **state)
{
    (void)state;
    _Alignas(max_align_t) uint8_t memory[4 * UNIT];
    struct zmtp_arena arena;
    assert_int_equal(zmtp_arena_init(&arena, memory + 1, 3 * UNIT), ZMTP_OK);
    assert_int_equal(arena.size, 2 * UNIT);
    assert_ptr_equal(zmtp_alloc(&arena.allocator, 2 * UNIT), memory + UNIT);
    assert_int_equal(zmtp_arena_init(&arena, memory + 1, 2 * UNIT - 2), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_arena_init(&arena, memory, UNIT - 1), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_arena_init(&arena, memory, 0), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_arena_init(&arena, NULL, 100), ZMTP_ERR_ARGUMENT);
}

static void test_an_arena_refuses_sizes_that_would_wrap_around(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    for (size_t below = 0; below < 3 * UNIT; below++) {
        assert_null(zmtp_alloc(&bench.arena.allocator, SIZE_MAX - below));
    }
    bench_assert_whole(&bench);
}

struct held {
    uint8_t *memory;
    size_t size;
    uint8_t mark;
};

static void held_check(const struct held *held)
{
    for (size_t i = 0; i < held->size; i++) {
        assert_int_equal(held->memory[i], held->mark);
    }
}

// Thousands of random steps over few slots: blocks never overlap, and nothing is lost.
static void test_an_arena_survives_a_random_life_without_overlap_or_loss(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, &bench.arena.allocator);
    struct held held[6] = {0};
    struct random random = random_of(1);
    for (unsigned step = 0; step < 20000; step++) {
        struct held *const h = &held[random_below(&random, 6)];
        const size_t size = random_below(&random, 5) == 0 ? 0 : random_below(&random, 6 * UNIT);
        held_check(h);
        uint8_t *const memory = zmtp_realloc(&budget.allocator, h->memory, h->size, size);
        if (size > 0 && !memory)
            continue; // full: the old block must be whole, and is checked later
        for (size_t i = 0; i < size && i < h->size; i++) {
            assert_int_equal(memory[i], h->mark);
        }
        *h = (struct held){memory, size, (uint8_t)step};
        if (size > 0) memset(memory, h->mark, size);
    }
    for (size_t i = 0; i < 6; i++) {
        held_check(&held[i]);
        zmtp_free(&budget.allocator, held[i].memory, held[i].size);
    }
    assert_int_equal(budget.bytes, 0);
    assert_int_equal(budget.blocks, 0);
    bench_assert_whole(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_size_of_zero_is_null_and_freeing_null_does_nothing),
        cmocka_unit_test(test_the_heap_keeps_the_octets_over_a_resize),
        cmocka_unit_test(test_a_budget_counts_exact_octets_and_blocks),
        cmocka_unit_test(test_a_budget_refuses_the_octet_beyond_its_limit_and_keeps_the_block),
        cmocka_unit_test(test_a_budget_without_a_limit_still_refuses_what_cannot_be_counted),
        cmocka_unit_test(test_a_budget_fails_the_nth_call_alone_or_from_there_on),
        cmocka_unit_test(test_an_arena_gives_out_all_of_its_memory_and_no_more),
        cmocka_unit_test(test_an_arena_joins_free_neighbours_in_any_order_of_freeing),
        cmocka_unit_test(test_an_arena_grows_in_place_when_the_memory_behind_is_free),
        cmocka_unit_test(test_an_arena_moves_a_block_that_cannot_grow_in_place),
        cmocka_unit_test(test_an_arena_takes_back_the_tail_of_a_block_that_shrinks),
        cmocka_unit_test(test_an_arena_aligns_memory_that_is_not_and_refuses_too_little),
        cmocka_unit_test(test_an_arena_refuses_sizes_that_would_wrap_around),
        cmocka_unit_test(test_an_arena_survives_a_random_life_without_overlap_or_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
