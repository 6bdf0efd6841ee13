// The table of a publisher's short topics: its places, its hints and its room.
#include "zmtp/socket/topic_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/octets.h"
#include "test/support/random.h"

enum { MOST = 3000 };

struct fixture {
    struct zmtp_budget budget;
    struct zmtp__slots slots;
    struct zmtp__slot_owner owner;
    struct zmtp__topic_table table;
    uint32_t numbers[MOST];
    size_t count;
};

static void fixture_open(struct fixture *f)
{
    *f = (struct fixture){.count = 0};
    zmtp_budget_init(&f->budget, NULL);
    zmtp__slots_init(&f->slots, &f->budget.allocator);
    zmtp__topic_table_init(&f->table, &f->budget.allocator, &f->slots, 5);
}

// The topic of a number: of 4 to 23 octets.
static struct zmtp_bytes topic_of(uint8_t room[ZMTP__TOPIC_SHORT], uint32_t number)
{
    memset(room, 't', ZMTP__TOPIC_SHORT);
    memcpy(room, &number, sizeof number);
    return (struct zmtp_bytes){room, 4 + number % 20};
}

static int add(struct fixture *f, uint32_t number)
{
    uint8_t room[ZMTP__TOPIC_SHORT];
    uint32_t slot;
    struct zmtp__topic_seat seat;
    const struct zmtp_bytes topic = topic_of(room, number);
    int result = zmtp__slots_keep(&f->slots, &f->owner, topic, &slot);
    if (result < 0) return result;
    assert_null(zmtp__topic_table_seek(&f->table, topic, &seat));
    result = zmtp__topic_table_add(&f->table, topic, &seat, slot);
    if (result < 0)
        zmtp__slots_drop(&f->slots, slot);
    else
        f->numbers[f->count++] = number;
    return result;
}

static void drop(struct fixture *f, size_t index)
{
    uint8_t room[ZMTP__TOPIC_SHORT];
    uint32_t *place = zmtp__topic_table_find(&f->table, topic_of(room, f->numbers[index]));
    assert_non_null(place);
    const uint32_t slot = *place & ~ZMTP__TOPIC_LEAF;
    zmtp__topic_table_remove(&f->table, place);
    zmtp__slots_drop(&f->slots, slot);
    f->numbers[index] = f->numbers[--f->count];
}

static void fixture_close(struct fixture *f)
{
    while (f->count > 0)
        drop(f, f->count - 1);
    assert_int_equal(f->budget.bytes, 0);
    zmtp__topic_table_fini(&f->table);
    zmtp__slots_fini(&f->slots);
}

// Places are in the order of their hashes, not far from home and with no free one before them; and a hint is
// there if, and only if, somebody is.
static void check_places(const struct zmtp__topic_table *table)
{
    uint32_t last = 0;
    size_t count = 0;
    const size_t end = table->capacity + ZMTP__TOPIC_REACH;
    static uint8_t hints[2 * MOST];
    assert_true(table->capacity <= sizeof hints);
    memset(hints, 0, sizeof hints);
    for (size_t i = 0; i < end; i++) {
        const struct zmtp__topic_place *const place = &table->places[i];
        if (!place->leaf) continue;
        const uint64_t eighth = (uint64_t)place->hash * table->capacity >> 29;
        const size_t home = (size_t)(eighth / 8);
        assert_true(place->hash >= last);
        assert_true(home <= i && i - home < ZMTP__TOPIC_REACH);
        for (size_t k = home; k < i; k++)
            assert_true(table->places[k].leaf != 0);
        hints[home] = (uint8_t)(hints[home] | 1u << eighth % 8);
        last = place->hash;
        count++;
    }
    assert_int_equal(count, table->count);
    assert_memory_equal(hints, table->hints, table->capacity);
}

static void test_places_stay_in_order_whatever_comes_and_goes(void **state)
{
    (void)state;
    static struct fixture f;
    struct random random = random_of(8);
    uint32_t next = 0;
    fixture_open(&f);
    for (int round = 0; round < 4; round++) { // it grows and shrinks
        const bool grows = round % 2 == 0;
        for (int step = 0; step < 5000; step++) {
            const bool more = random_below(&random, 10) < (grows ? 7u : 3u);
            if (more && f.count < MOST) {
                f.budget.fail_at = random_below(&random, 10) ? 0 : f.budget.calls + 1;
                const int result = add(&f, next++);
                assert_true(result == ZMTP_OK || result == ZMTP_ERR_MEMORY);
            } else if (f.count > 0) {
                f.budget.fail_at = random_below(&random, 10) ? 0 : f.budget.calls + 1;
                drop(&f, random_below(&random, f.count));
            }
            if (step % 50 == 0 && f.count > 0) check_places(&f.table);
        }
    }
    f.budget.fail_at = 0;
    fixture_close(&f);
}

static void test_a_topic_takes_at_most_fourteen_octets_of_the_table_and_gives_them_back(
    void **state)
{
    (void)state;
    static struct fixture f;
    fixture_open(&f);
    for (uint32_t i = 0; i < MOST; i++) {
        assert_int_equal(add(&f, i), ZMTP_OK);
        assert_true(9 * f.table.capacity <= 14 * f.count + 9 * 64);
    }
    while (f.count > 10)
        drop(&f, 0);
    assert_true(f.table.capacity < 2 * ZMTP__TOPIC_REACH);
    fixture_close(&f);
}

static void test_prefixes_come_shortest_first(void **state)
{
    (void)state;
    static struct fixture f;
    static uint8_t text[ZMTP__TOPIC_SHORT + 6];
    uint32_t slots[ZMTP__TOPIC_SHORT + 1], leaf;
    struct zmtp__topic_seat seat;
    fixture_open(&f);
    memset(text, 'x', sizeof text);
    for (size_t size = ZMTP__TOPIC_SHORT + 1; size-- > 0;) {
        const struct zmtp_bytes topic = {text, size};
        assert_int_equal(zmtp__slots_keep(&f.slots, &f.owner, topic, &slots[size]), ZMTP_OK);
        assert_null(zmtp__topic_table_seek(&f.table, topic, &seat));
        assert_int_equal(zmtp__topic_table_add(&f.table, topic, &seat, slots[size]), ZMTP_OK);
    }
    for (size_t given = 0; given <= sizeof text; given++) {
        struct zmtp__topic_walk walk = {0};
        for (size_t size = 0; size <= given && size <= ZMTP__TOPIC_SHORT; size++) {
            assert_true(
                zmtp__topic_table_next(&f.table, (struct zmtp_bytes){text, given}, &walk, &leaf));
            assert_int_equal(leaf, slots[size]);
        }
        assert_false(
            zmtp__topic_table_next(&f.table, (struct zmtp_bytes){text, given}, &walk, &leaf));
    }
    for (size_t size = 0; size <= ZMTP__TOPIC_SHORT; size++) {
        zmtp__topic_table_remove(&f.table,
                                 zmtp__topic_table_find(&f.table, (struct zmtp_bytes){text, size}));
        zmtp__slots_drop(&f.slots, slots[size]);
    }
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_stay_in_order_whatever_comes_and_goes),
        cmocka_unit_test(
            test_a_topic_takes_at_most_fourteen_octets_of_the_table_and_gives_them_back),
        cmocka_unit_test(test_prefixes_come_shortest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
