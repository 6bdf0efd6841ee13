// The trie of topics and routing ids, against plain arrays.
#include "zmtp/socket/trie.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/octets.h"
#include "test/support/random.h"

static struct zmtp__key *add(struct zmtp__trie *trie, struct zmtp_bytes octets)
{
    struct zmtp__key *key = NULL;
    assert_int_equal(zmtp__trie_add(trie, octets, &key), ZMTP_OK);
    octets_assert_equal(zmtp__key_bytes(key), octets);
    return key;
}

static void test_a_key_is_found_and_its_neighbours_are_not(void **state)
{
    (void)state;
    struct zmtp__trie trie;
    zmtp__trie_init(&trie, zmtp_heap());
    assert_null(zmtp__trie_find(&trie, LITERAL("")));
    struct zmtp__key *key = add(&trie, LITERAL("abc"));
    assert_ptr_equal(zmtp__trie_find(&trie, LITERAL("abc")), key);
    assert_null(zmtp__trie_find(&trie, LITERAL("")));
    assert_null(zmtp__trie_find(&trie, LITERAL("ab")));
    assert_null(zmtp__trie_find(&trie, LITERAL("abcd")));
    assert_null(zmtp__trie_find(&trie, LITERAL("abb")));
    assert_null(zmtp__trie_find(&trie, LITERAL("abc\0")));
    zmtp__trie_fini(&trie);
}

static void test_a_zero_octet_is_not_the_end_of_a_key(void **state)
{
    (void)state;
    struct zmtp__trie trie;
    zmtp__trie_init(&trie, zmtp_heap());
    struct zmtp__key *none = add(&trie, LITERAL(""));
    struct zmtp__key *one = add(&trie, LITERAL("\0"));
    struct zmtp__key *two = add(&trie, LITERAL("\0\0"));
    assert_ptr_equal(zmtp__trie_find(&trie, LITERAL("")), none);
    assert_ptr_equal(zmtp__trie_find(&trie, LITERAL("\0")), one);
    assert_ptr_equal(zmtp__trie_find(&trie, LITERAL("\0\0")), two);
    assert_null(zmtp__trie_find(&trie, LITERAL("\0\0\0")));
    zmtp__trie_fini(&trie);
}

static void test_prefixes_of_a_text_come_shortest_first_and_once(void **state)
{
    (void)state;
    struct zmtp__trie trie;
    zmtp__trie_init(&trie, zmtp_heap());
    const char *const keys[] = {"weather.de", "", "we", "weather", "x", "weather.fr", "wea"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        add(&trie, zmtp_bytes_text(keys[i]));
    const char *const expected[] = {"", "we", "wea", "weather", "weather.de"};
    struct zmtp__prefixes prefixes = zmtp__trie_prefixes(&trie, LITERAL("weather.de.berlin"));
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const struct zmtp__key *key = zmtp__prefixes_next(&prefixes);
        assert_non_null(key);
        octets_assert_equal(zmtp__key_bytes(key), zmtp_bytes_text(expected[i]));
    }
    assert_null(zmtp__prefixes_next(&prefixes));
    assert_null(zmtp__prefixes_next(&prefixes));
    zmtp__trie_fini(&trie);
}

static void test_keys_come_in_the_order_of_their_octets(void **state)
{
    (void)state;
    struct zmtp__trie trie;
    zmtp__trie_init(&trie, zmtp_heap());
    assert_null(zmtp__trie_next(&trie, NULL));
    const char *const keys[] = {"b", "", "aa", "a", "\xff", "ab"};
    const char *const order[] = {"", "a", "aa", "ab", "b", "\xff"};
    for (size_t i = 0; i < 6; i++)
        add(&trie, zmtp_bytes_text(keys[i]));
    const struct zmtp__key *key = NULL;
    for (size_t i = 0; i < 6; i++) {
        key = zmtp__trie_next(&trie, key);
        assert_non_null(key);
        octets_assert_equal(zmtp__key_bytes(key), zmtp_bytes_text(order[i]));
    }
    assert_null(zmtp__trie_next(&trie, key));
    zmtp__trie_fini(&trie);
}

// Keys of up to 4 octets out of few values, so that every kind of nesting occurs.
enum { MODEL_MAX = 64, MODEL_SIZE = 5 };
struct model {
    uint8_t octets[MODEL_MAX][MODEL_SIZE];
    size_t size[MODEL_MAX];
    size_t count;
};

static size_t model_index(const struct model *model, struct zmtp_bytes octets)
{
    size_t i = 0;
    while (i < model->count &&
           !zmtp_bytes_equal((struct zmtp_bytes){model->octets[i], model->size[i]}, octets))
        i++;
    return i;
}

static void model_check_prefixes(const struct model *model, const struct zmtp__trie *trie,
                                 struct zmtp_bytes text)
{
    size_t expected = 0, size = 0;
    for (size_t i = 0; i < model->count; i++)
        expected +=
            model->size[i] <= text.size && memcmp(model->octets[i], text.data, model->size[i]) == 0;
    struct zmtp__prefixes prefixes = zmtp__trie_prefixes(trie, text);
    const struct zmtp__key *key;
    while ((key = zmtp__prefixes_next(&prefixes))) {
        assert_true(key->size <= text.size);
        assert_memory_equal(key->octets, text.data, key->size);
        assert_true(size == 0 || key->size >= size);
        size = key->size + 1;
        expected--;
    }
    assert_int_equal(expected, 0);
}

static void test_a_trie_and_an_array_agree_whatever_is_added_and_removed(void **state)
{
    (void)state;
    static const uint8_t values[] = {0x00, 0x01, 0x80, 0xff};
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct random random = random_of(seed);
        struct model model = {.count = 0};
        struct zmtp__trie trie;
        zmtp__trie_init(&trie, &budget.allocator);
        for (int step = 0; step < 3000; step++) {
            uint8_t octets[MODEL_SIZE];
            const struct zmtp_bytes key = {octets, random_below(&random, MODEL_SIZE)};
            for (size_t i = 0; i < key.size; i++)
                octets[i] = values[random_below(&random, 4)];
            const size_t index = model_index(&model, key);
            struct zmtp__key *found = zmtp__trie_find(&trie, key);
            assert_int_equal(found != NULL, index < model.count);
            model_check_prefixes(&model, &trie, key);
            if (found) {
                zmtp__trie_remove(&trie, found);
                model.count--;
                memcpy(model.octets[index], model.octets[model.count], MODEL_SIZE);
                model.size[index] = model.size[model.count];
            } else if (model.count < MODEL_MAX) {
                add(&trie, key);
                memcpy(model.octets[model.count], octets, MODEL_SIZE);
                model.size[model.count++] = key.size;
            }
            assert_int_equal(trie.count, model.count);
        }
        zmtp__trie_fini(&trie);
        assert_int_equal(budget.blocks, 0);
    }
}

static void test_a_failed_add_changes_nothing(void **state)
{
    (void)state;
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    struct zmtp__trie trie;
    zmtp__trie_init(&trie, &budget.allocator);
    add(&trie, LITERAL("a"));
    const size_t bytes = budget.bytes;
    for (uint64_t n = 1; n <= 2; n++) {
        struct zmtp__key *key;
        budget.fail_at = budget.calls + n;
        assert_int_equal(zmtp__trie_add(&trie, LITERAL("ab"), &key), ZMTP_ERR_MEMORY);
        assert_int_equal(budget.bytes, bytes);
        assert_null(zmtp__trie_find(&trie, LITERAL("ab")));
        assert_non_null(zmtp__trie_find(&trie, LITERAL("a")));
    }
    zmtp__trie_fini(&trie);
}

static void test_a_thousand_nested_keys_need_no_stack(void **state)
{
    (void)state;
    static uint8_t zeros[10000];
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    struct zmtp__trie trie;
    zmtp__trie_init(&trie, &budget.allocator);
    for (size_t size = 0; size < sizeof zeros; size += 10)
        add(&trie, (struct zmtp_bytes){zeros, size});
    struct zmtp__prefixes prefixes =
        zmtp__trie_prefixes(&trie, (struct zmtp_bytes){zeros, sizeof zeros});
    size_t count = 0;
    while (zmtp__prefixes_next(&prefixes))
        count++;
    assert_int_equal(count, 1000);
    zmtp__trie_fini(&trie);
    assert_int_equal(budget.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_is_found_and_its_neighbours_are_not),
        cmocka_unit_test(test_a_zero_octet_is_not_the_end_of_a_key),
        cmocka_unit_test(test_prefixes_of_a_text_come_shortest_first_and_once),
        cmocka_unit_test(test_keys_come_in_the_order_of_their_octets),
        cmocka_unit_test(test_a_trie_and_an_array_agree_whatever_is_added_and_removed),
        cmocka_unit_test(test_a_failed_add_changes_nothing),
        cmocka_unit_test(test_a_thousand_nested_keys_need_no_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
