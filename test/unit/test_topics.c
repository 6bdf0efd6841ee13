// The topics of a publisher, against plain arrays.
#include "zmtp/socket/topics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

static void fixture_open(struct fixture *f)
{
    *f = (struct fixture){.owner = {{0}, {0}}};
    zmtp_budget_init(&f->budget, NULL);
    zmtp__slots_init(&f->slots, &f->budget.allocator);
    zmtp__topics_init(&f->topics, &f->budget.allocator, &f->slots);
}

static int add(struct fixture *f, struct zmtp_bytes topic)
{
    uint32_t slot;
    int result = zmtp__slots_keep(&f->slots, &f->owner, topic, &slot);
    if (result < 0) return result;
    result = zmtp__topics_add(&f->topics, topic, slot);
    if (result < 0) zmtp__slots_drop(&f->slots, slot);
    return result;
}

static void drop(struct fixture *f, struct zmtp_bytes topic)
{
    const uint32_t slot = zmtp__topics_leaf(zmtp__topics_find(&f->topics, topic));
    octets_assert_equal(zmtp__slots_topic(&f->slots, slot), topic);
    zmtp__topics_remove(&f->topics, topic);
    zmtp__slots_drop(&f->slots, slot);
}

static void fixture_close(struct fixture *f)
{
    enum zmtp__slot_kind kind;
    uint32_t slot;
    while (zmtp__slots_any(&f->slots, &f->owner, &kind, &slot))
        drop(f, zmtp__slots_topic(&f->slots, slot));
    assert_int_equal(f->topics.count, 0);
    assert_int_equal(f->budget.bytes, 0);
    zmtp__topics_fini(&f->topics);
    zmtp__slots_fini(&f->slots);
}

static void test_a_topic_is_found_and_its_neighbours_are_not(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
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

static void test_prefixes_of_a_text_come_shortest_first_and_once(void **state)
{
    (void)state;
    static const char *const topics[] = {"weather.de", "",           "we", "weather",
                                         "x",          "weather.fr", "wea"};
    static const char *const expected[] = {"", "we", "wea", "weather", "weather.de"};
    struct fixture f;
    uint32_t leaf;
    fixture_open(&f);
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
        assert_int_equal(add(&f, zmtp_bytes_text(topics[i])), ZMTP_OK);
    struct zmtp__topic_prefixes prefixes =
        zmtp__topics_prefixes(&f.topics, LITERAL("weather.de.berlin"));
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_true(zmtp__topic_prefixes_next(&prefixes, &leaf));
        octets_assert_equal(zmtp__slots_topic(&f.slots, leaf), zmtp_bytes_text(expected[i]));
    }
    assert_false(zmtp__topic_prefixes_next(&prefixes, &leaf));
    assert_false(zmtp__topic_prefixes_next(&prefixes, &leaf));
    fixture_close(&f);
}

// Topics of up to |MODEL_SIZE| - 1 octets out of few values, so that every kind of nesting occurs.
enum { MODEL_MAX = 400, MODEL_SIZE = 11 };
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

static void model_check_prefixes(const struct model *model, const struct fixture *f,
                                 struct zmtp_bytes text)
{
    size_t expected = 0, least = 0;
    for (size_t i = 0; i < model->count; i++)
        expected +=
            model->size[i] <= text.size && memcmp(model->octets[i], text.data, model->size[i]) == 0;
    struct zmtp__topic_prefixes prefixes = zmtp__topics_prefixes(&f->topics, text);
    uint32_t leaf;
    while (zmtp__topic_prefixes_next(&prefixes, &leaf)) {
        const struct zmtp_bytes topic = zmtp__slots_topic(&f->slots, leaf);
        assert_true(topic.size >= least && topic.size <= text.size);
        assert_memory_equal(topic.data, text.data, topic.size);
        least = topic.size + 1;
        assert_true(expected > 0);
        expected--;
    }
    assert_int_equal(expected, 0);
}

static void test_topics_and_an_array_agree_whatever_is_added_and_removed(void **state)
{
    (void)state;
    static const uint8_t values[] = {0x00, 0x01, 0x80, 0xff};
    struct model *model = malloc(sizeof *model);
    assert_non_null(model);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct random random = random_of(seed);
        struct fixture f;
        fixture_open(&f);
        model->count = 0;
        for (int step = 0; step < 3000; step++) {
            uint8_t octets[MODEL_SIZE];
            const size_t most = seed % 2 ? 5 : MODEL_SIZE; // many branches, or deep ones
            struct zmtp_bytes topic = {octets, random_below(&random, most)};
            for (size_t i = 0; i < topic.size; i++)
                octets[i] = values[random_below(&random, 4)];
            if (model->count > 0 && random_below(&random, 2)) { // one that is there
                const size_t known = random_below(&random, model->count);
                topic.size = model->size[known];
                memcpy(octets, model->octets[known], topic.size);
            }
            const size_t index = model_index(model, topic);
            assert_int_equal(zmtp__topics_find(&f.topics, topic) != NULL, index < model->count);
            model_check_prefixes(model, &f, topic);
            if (index < model->count && random_below(&random, 4) > 0) {
                drop(&f, topic);
                model->count--;
                memcpy(model->octets[index], model->octets[model->count], MODEL_SIZE);
                model->size[index] = model->size[model->count];
            } else if (index == model->count && model->count < MODEL_MAX) {
                f.budget.fail_at = random_below(&random, 8) ? 0 : f.budget.calls + 1;
                const int result = add(&f, topic);
                assert_true(result == ZMTP_OK || (result == ZMTP_ERR_MEMORY && f.budget.fail_at));
                if (result < 0) continue;
                memcpy(model->octets[model->count], octets, topic.size);
                model->size[model->count++] = topic.size;
            }
            assert_int_equal(f.topics.count, model->count);
        }
        fixture_close(&f);
    }
    free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_topic_is_found_and_its_neighbours_are_not),
        cmocka_unit_test(test_prefixes_of_a_text_come_shortest_first_and_once),
        cmocka_unit_test(test_topics_and_an_array_agree_whatever_is_added_and_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
