// The topics of a publisher, against plain arrays: those in the table, those in the tree, and both.
#include "zmtp/socket/topics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/octets.h"
#include "test/support/random.h"

// Topics of one owner.
struct fixture {
    struct zmtp_budget budget;
    struct zmtp__slots slots;
    struct zmtp__slot_owner owner;
    struct zmtp__topics topics;
};

static void fixture_open(struct fixture *f, uint64_t seed)
{
    *f = (struct fixture){.owner = {.full = 0}};
    zmtp_budget_init(&f->budget, NULL);
    zmtp__slots_init(&f->slots, &f->budget.allocator);
    zmtp__topics_init(&f->topics, &f->budget.allocator, &f->slots, seed);
}

static int add(struct fixture *f, struct zmtp_bytes topic)
{
    struct zmtp__topic_seat seat;
    uint32_t slot;
    int result = zmtp__slots_keep(&f->slots, &f->owner, topic, &slot);
    if (result < 0) return result;
    assert_null(zmtp__topics_seek(&f->topics, topic, &seat));
    result = zmtp__topics_add(&f->topics, topic, &seat, slot);
    if (result < 0) zmtp__slots_drop(&f->slots, slot);
    return result;
}

static void drop(struct fixture *f, struct zmtp_bytes topic)
{
    uint32_t *place = zmtp__topics_find(&f->topics, topic);
    const uint32_t slot = zmtp__topics_leaf(place);
    octets_assert_equal(zmtp__slots_topic(&f->slots, slot), topic);
    struct zmtp__topic_seat seat;
    assert_ptr_equal(zmtp__topics_seek(&f->topics, topic, &seat), place);
    zmtp__topics_remove(&f->topics, topic, place);
    zmtp__slots_drop(&f->slots, slot);
}

static void fixture_close(struct fixture *f)
{
    bool is_link;
    uint32_t slot;
    while (zmtp__slots_any(&f->slots, &f->owner, &is_link, &slot))
        drop(f, zmtp__slots_topic(&f->slots, slot));
    assert_int_equal(zmtp__topics_count(&f->topics), 0);
    assert_int_equal(f->budget.bytes, 0);
    zmtp__topics_fini(&f->topics);
    zmtp__slots_fini(&f->slots);
}

static void test_a_topic_is_found_and_its_neighbours_are_not(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, 1);
    assert_null(zmtp__topics_find(&f.topics, LITERAL("")));
    assert_int_equal(add(&f, LITERAL("abc")), ZMTP_OK);
    assert_int_equal(add(&f, LITERAL("\0")), ZMTP_OK);
    assert_non_null(zmtp__topics_find(&f.topics, LITERAL("abc")));
    assert_non_null(zmtp__topics_find(&f.topics, LITERAL("\0")));
    assert_null(zmtp__topics_find(&f.topics, LITERAL("")));
    assert_null(zmtp__topics_find(&f.topics, LITERAL("ab")));
    assert_null(zmtp__topics_find(&f.topics, LITERAL("abcd")));
    assert_null(zmtp__topics_find(&f.topics, LITERAL("abb")));
    assert_null(zmtp__topics_find(&f.topics, LITERAL("abc\0")));
    assert_null(zmtp__topics_find(&f.topics, LITERAL("\0\0")));
    fixture_close(&f);
}

// Topics of |pad| octets that all have in common and up to |MODEL_SIZE| - 1 out of few values, so that every
// kind of nesting occurs.
enum { MODEL_MAX = 400, MODEL_SIZE = 11, PAD_MAX = 80 };
struct model {
    uint8_t octets[MODEL_MAX][MODEL_SIZE];
    size_t size[MODEL_MAX];
    size_t count, pad;
};

static size_t model_index(const struct model *model, struct zmtp_bytes octets)
{
    size_t i = 0;
    while (i < model->count &&
           !zmtp_bytes_equal((struct zmtp_bytes){model->octets[i], model->size[i]}, octets))
        i++;
    return i;
}

// Without its pad.
static struct zmtp_bytes model_own(const struct model *model, struct zmtp_bytes topic)
{
    return (struct zmtp_bytes){topic.data + model->pad, topic.size - model->pad};
}

static void model_check_prefixes(const struct model *model, const struct fixture *f,
                                 struct zmtp_bytes text)
{
    const struct zmtp_bytes own = model_own(model, text);
    bool found[MODEL_MAX] = {false};
    size_t expected = 0;
    for (size_t i = 0; i < model->count; i++)
        expected +=
            model->size[i] <= own.size && memcmp(model->octets[i], own.data, model->size[i]) == 0;
    struct zmtp__topic_prefixes prefixes = zmtp__topics_prefixes(&f->topics, text);
    uint32_t leaf;
    while (zmtp__topic_prefixes_next(&prefixes, &leaf)) {
        const struct zmtp_bytes topic = zmtp__slots_topic(&f->slots, leaf);
        assert_true(topic.size <= text.size);
        assert_memory_equal(topic.data, text.data, topic.size);
        const size_t index = model_index(model, model_own(model, topic));
        assert_true(index < model->count && !found[index]);
        found[index] = true;
        assert_true(expected > 0);
        expected--;
    }
    assert_int_equal(expected, 0);
    assert_false(zmtp__topic_prefixes_next(&prefixes, &leaf));
}

static void model_remove(struct model *model, size_t index)
{
    model->count--;
    memcpy(model->octets[index], model->octets[model->count], MODEL_SIZE);
    model->size[index] = model->size[model->count];
}

static void model_run(struct model *model, uint64_t seed, size_t pad)
{
    static const uint8_t values[] = {0x00, 0x01, 0x80, 0xff};
    struct random random = random_of(seed);
    struct fixture f;
    fixture_open(&f, random_next(&random));
    *model = (struct model){.pad = pad};
    const size_t most = seed % 2 ? 5 : MODEL_SIZE; // many at each place, or long ones
    for (int step = 0; step < 3000; step++) {
        uint8_t octets[PAD_MAX + MODEL_SIZE];
        memset(octets, 'p', pad);
        struct zmtp_bytes topic = {octets, pad + random_below(&random, most)};
        for (size_t i = pad; i < topic.size; i++)
            octets[i] = values[random_below(&random, 4)];
        if (model->count > 0 && random_below(&random, 2)) { // one that is there
            const size_t known = random_below(&random, model->count);
            topic.size = pad + model->size[known];
            memcpy(octets + pad, model->octets[known], model->size[known]);
        }
        const size_t index = model_index(model, model_own(model, topic));
        assert_int_equal(zmtp__topics_find(&f.topics, topic) != NULL, index < model->count);
        model_check_prefixes(model, &f, topic);
        if (index < model->count && random_below(&random, 4) > 0) {
            drop(&f, topic);
            model_remove(model, index);
        } else if (index == model->count && model->count < MODEL_MAX) {
            f.budget.fail_at = random_below(&random, 8) ? 0 : f.budget.calls + 1;
            const int result = add(&f, topic);
            assert_true(result == ZMTP_OK || (result == ZMTP_ERR_MEMORY && f.budget.fail_at));
            if (result < 0) continue;
            memcpy(model->octets[model->count], octets + pad, topic.size - pad);
            model->size[model->count++] = topic.size - pad;
        }
        assert_int_equal(zmtp__topics_count(&f.topics), model->count);
    }
    fixture_close(&f);
}

static void test_topics_and_an_array_agree_whatever_is_added_and_removed(void **state)
{
    (void)state;
    // In the table, in both, in the tree alone.
    static const size_t pads[] = {0, 7, 58, 62, PAD_MAX};
    struct model *model = malloc(sizeof *model);
    assert_non_null(model);
    for (size_t i = 0; i < sizeof pads / sizeof pads[0]; i++)
        for (uint64_t seed = 1; seed <= 8; seed++)
            model_run(model, seed, pads[i]);
    free(model);
}

// Somebody who knows the seed looks for topics whose hashes are near each other.
enum { CROWD = 300, CROWD_TRIES = 1000000 };
static size_t crowd_find(uint32_t numbers[CROWD], uint64_t seed)
{
    size_t count = 0;
    struct fixture f;
    fixture_open(&f, seed);
    for (uint32_t number = 0; count < CROWD && number < CROWD_TRIES; number++) {
        const struct zmtp_bytes topic = {(const uint8_t *)&number, sizeof number};
        assert_int_equal(add(&f, topic), ZMTP_OK);
        const struct zmtp__topic_place *place = f.topics.table.places;
        while (!place->leaf) // there is but one
            place++;
        if (place->hash >> 23 == 100) numbers[count++] = number;
        drop(&f, topic);
    }
    fixture_close(&f);
    return count;
}

static void test_topics_that_crowd_one_place_are_found_in_the_tree(void **state)
{
    (void)state;
    enum { SEED = 99 };
    static uint32_t numbers[CROWD];
    struct fixture f;
    const size_t count = crowd_find(numbers, SEED);
    assert_true(count > 2 * ZMTP__TOPIC_REACH);
    fixture_open(&f, SEED);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(add(&f, (struct zmtp_bytes){(const uint8_t *)&numbers[i], 4}), ZMTP_OK);
    assert_int_equal(zmtp__topics_count(&f.topics), count);
    assert_true(f.topics.table.count <= 2 * ZMTP__TOPIC_REACH);
    for (size_t i = 0; i < count; i++) {
        const struct zmtp_bytes topic = {(const uint8_t *)&numbers[i], 4};
        uint32_t leaf;
        struct zmtp__topic_prefixes prefixes = zmtp__topics_prefixes(&f.topics, topic);
        assert_true(zmtp__topic_prefixes_next(&prefixes, &leaf));
        octets_assert_equal(zmtp__slots_topic(&f.slots, leaf), topic);
        assert_false(zmtp__topic_prefixes_next(&prefixes, &leaf));
    }
    // Of those who do not know it the same topics are like any others.
    struct fixture other;
    fixture_open(&other, SEED + 1);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(add(&other, (struct zmtp_bytes){(const uint8_t *)&numbers[i], 4}),
                         ZMTP_OK);
    assert_int_equal(other.topics.tree.count, 0);
    fixture_close(&other);
    fixture_close(&f);
}

static void test_topics_that_nobody_chose_are_all_in_the_table(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    struct fixture f;
    fixture_open(&f, 1);
    for (uint32_t i = 0; i < COUNT; i++) {
        char name[40];
        const int size = snprintf(name, sizeof name, "site/%03u/line/%02u/sensor/%08u", i % 1000,
                                  i / 1000 % 100, i);
        assert_int_equal(add(&f, (struct zmtp_bytes){(const uint8_t *)name, (size_t)size}),
                         ZMTP_OK);
    }
    assert_int_equal(f.topics.table.count, COUNT);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_topic_is_found_and_its_neighbours_are_not),
        cmocka_unit_test(test_topics_and_an_array_agree_whatever_is_added_and_removed),
        cmocka_unit_test(test_topics_that_crowd_one_place_are_found_in_the_tree),
        cmocka_unit_test(test_topics_that_nobody_chose_are_all_in_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
