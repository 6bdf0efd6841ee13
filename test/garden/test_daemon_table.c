// Tables whose snapshots stay as they were, whatever becomes of the table.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "garden/daemon/table.h"

enum { ROWS = 3 * TABLE_PAGE_ROWS + 7, STEPS = 4000, KEPT = 8 };

struct number {
    struct table_row row;
    unsigned value;
};

static struct zmtp_budget budget;

static void number_free(const struct zmtp_allocator *allocator, struct table_row *row)
{
    zmtp_free(allocator, row, sizeof(struct number));
}

static struct garden_uuid id_of(unsigned number)
{
    struct garden_uuid id = {{0}};
    memcpy(id.octets, &number, sizeof number);
    return id;
}

static struct number *number_make(unsigned id, unsigned value)
{
    struct number *number = zmtp_alloc(&budget.allocator, sizeof *number);
    if (number) *number = (struct number){.row = {.id = id_of(id)}, .value = value};
    return number;
}

static bool add(struct table *table, unsigned id, unsigned value)
{
    struct number *number = number_make(id, value);
    if (!number) return false;
    if (table_add(table, &number->row)) return true;
    number_free(&budget.allocator, &number->row);
    return false;
}

static bool change(struct table *table, unsigned id, unsigned value)
{
    struct number *number = number_make(id, value);
    if (!number) return false;
    if (table_replace(table, table_find(table, id_of(id)), &number->row)) return true;
    number_free(&budget.allocator, &number->row);
    return false;
}

// What a table holds, told by its rows in their order.
static uint64_t digest(const struct table_root *root)
{
    struct table_cursor cursor = {0};
    const struct number *number;
    uint64_t sum = 14695981039346656037u, serial = 0;
    size_t count = 0;
    while ((number = (const struct number *)table_next(root, &cursor))) {
        assert_true(count == 0 || number->row.serial > serial);
        serial = number->row.serial;
        sum = (sum ^ number->value) * 1099511628211u;
        count++;
    }
    assert_int_equal(count, table_rows(root));
    return sum;
}

static int setup(void **state)
{
    static struct table table;
    zmtp_budget_init(&budget, NULL);
    table_init(&table, &budget.allocator, number_free);
    *state = &table;
    return 0;
}

static int teardown(void **state)
{
    table_fini(*state);
    return budget.bytes == 0 ? 0 : -1;
}

static void rows_come_in_the_order_of_their_creation_and_are_found_by_id(void **state)
{
    struct table *table = *state;
    struct table_cursor cursor = {0};
    assert_null(table_find(table, id_of(1)));
    assert_null(table_next(table->root, &cursor));
    for (unsigned i = 0; i < ROWS; i++)
        assert_true(add(table, i, i));
    for (unsigned i = 0; i < ROWS; i++) {
        const struct number *number = (const struct number *)table_next(table->root, &cursor);
        assert_int_equal(number->value, i);
        assert_ptr_equal(table_find(table, id_of(i)), number);
    }
    assert_null(table_next(table->root, &cursor));
    for (unsigned i = 0; i < ROWS; i++)
        assert_true(table_remove(table, table_find(table, id_of((i * 7) % ROWS))));
    assert_int_equal(table->count, 0);
    assert_int_equal(table_rows(table->root), 0);
}

static void snapshots_stay_as_they_were_through_thousands_of_changes(void **state)
{
    struct table *table = *state;
    struct table_root *kept[KEPT] = {NULL};
    uint64_t digests[KEPT] = {0};
    uint64_t seed = 1;
    for (unsigned step = 0; step < STEPS; step++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const unsigned id = (unsigned)(seed >> 33) % ROWS;
        struct table_row *row = table_find(table, id_of(id));
        if (!row)
            assert_true(add(table, id, step));
        else if (seed >> 62 == 0)
            assert_true(table_remove(table, row));
        else
            assert_true(change(table, id, step));
        if (step % 13 != 0) continue;
        const size_t at = step / 13 % KEPT;
        if (kept[at]) assert_true(digest(kept[at]) == digests[at]);
        table_release(table, kept[at]);
        kept[at] = table_snapshot(table);
        digests[at] = digest(kept[at]);
    }
    for (size_t i = 0; i < KEPT; i++) {
        assert_true(digest(kept[i]) == digests[i]);
        table_release(table, kept[i]);
    }
}

static void without_memory_at_any_point_nothing_has_changed(void **state)
{
    struct table *table = *state;
    for (unsigned i = 0; i < ROWS; i++)
        assert_true(add(table, i, i));
    for (int kind = 0; kind < 3; kind++) {
        bool done = false;
        for (uint64_t n = 1; !done; n++) {
            struct table_root *snapshot = table_snapshot(table);
            const uint64_t before = digest(table->root);
            budget.fail_at = budget.calls + n;
            if (kind == 0)
                done = add(table, ROWS, ROWS);
            else if (kind == 1)
                done = change(table, 300, 7);
            else
                done = table_remove(table, table_find(table, id_of(300)));
            budget.fail_at = 0;
            assert_true(done || digest(table->root) == before);
            assert_true(digest(snapshot) == before);
            table_release(table, snapshot);
        }
    }
    assert_int_equal(table->count, ROWS);
}

static void what_is_prepared_can_be_removed_without_memory(void **state)
{
    struct table *table = *state;
    for (unsigned i = 0; i < ROWS; i++)
        assert_true(add(table, i, i));
    struct table_root *snapshot = table_snapshot(table);
    assert_true(table_prepare(table, table_find(table, id_of(5))));
    budget.fail_at = budget.calls + 1;
    assert_true(table_remove(table, table_find(table, id_of(5))));
    budget.fail_at = 0;
    table_release(table, snapshot);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_come_in_the_order_of_their_creation_and_are_found_by_id),
        TEST(snapshots_stay_as_they_were_through_thousands_of_changes),
        TEST(without_memory_at_any_point_nothing_has_changed),
        TEST(what_is_prepared_can_be_removed_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
