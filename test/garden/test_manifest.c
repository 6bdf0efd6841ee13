#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <garden/store.h>

#include "../../garden/store/store.h"
#include "fixture.h"

static struct garden_hash hash_of(const char *text)
{
    return garden_hash_of(zmtp_bytes_text(text));
}

// Three chunks of stereo s16 with a gap inside the second, one before the third, and one at the end:
//   0..9  |  10..14 !15..19 20..24  |  !25..27  28..30  |  !31..39
static void example(struct garden_manifest *m)
{
    const struct garden_gap inside[] = {{15, 5}};
    const struct garden_hash a = hash_of("a"), b = hash_of("b"), c = hash_of("c");
    garden_manifest_init(m, NULL);
    strcpy(m->stream_uri, "stream://a/\"main\"");
    m->definition_hash = hash_of("{}");
    m->frame_size = 4;
    m->started_ns = INT64_C(1765480783123456789);
    m->updated_ns = INT64_C(1765480790000000001);
    assert_int_equal(garden_manifest_append(m, &a, 0, 10, NULL, 0), GARDEN_OK);
    assert_int_equal(garden_manifest_append(m, &b, 10, 10, inside, 1), GARDEN_OK);
    assert_int_equal(garden_manifest_append(m, &c, 28, 3, NULL, 0), GARDEN_OK);
    assert_int_equal(garden_manifest_finish(m, 40), GARDEN_OK);
}

static void test_chunks_and_gaps_add_up_to_all_that_was_offered(void **state)
{
    (void)state;
    struct garden_manifest m;
    example(&m);
    assert_int_equal(garden_manifest_check(&m, NULL), GARDEN_OK);
    assert_int_equal(m.total_samples, 23);
    assert_int_equal(m.total_gaps, 17);
    assert_int_equal(garden_manifest_end(&m), 40);
    assert_int_equal(m.chunks[1].first_sample, 10);
    assert_int_equal(m.chunks[2].first_sample, 28);
    assert_int_equal(m.gap_count, 3);
    assert_int_equal(m.gaps[0].first, 15);
    assert_int_equal(m.gaps[1].first, 25);
    assert_int_equal(m.gaps[1].count, 3);
    assert_int_equal(m.gaps[2].first, 31);
    assert_int_equal(m.gaps[2].count, 9);
    garden_manifest_fini(&m);
}

static void test_a_chunk_that_lost_its_end_leaves_one_gap_up_to_the_next(void **state)
{
    (void)state;
    // Ten frames were written with a gap inside, only three are left.
    const struct garden_gap inside[] = {{5, 2}};
    const struct garden_hash a = hash_of("a"), b = hash_of("b");
    struct garden_manifest m;
    garden_manifest_init(&m, NULL);
    assert_int_equal(garden_manifest_append(&m, &a, 0, 3, inside, 1), GARDEN_OK);
    assert_int_equal(garden_manifest_append(&m, &b, 12, 4, NULL, 0), GARDEN_OK);
    assert_int_equal(garden_manifest_check(&m, NULL), GARDEN_OK);
    assert_int_equal(m.gap_count, 1);
    assert_int_equal(m.gaps[0].first, 3);
    assert_int_equal(m.gaps[0].count, 9);
    garden_manifest_fini(&m);
}

static void test_the_json_has_the_fields_of_the_contract_and_reads_back_the_same(void **state)
{
    (void)state;
    struct garden_manifest m, back;
    struct garden_error error;
    char *text = NULL, *again = NULL;
    size_t size = 0, again_size = 0;
    example(&m);
    assert_int_equal(garden_manifest_print(&m, &text, &size), GARDEN_OK);
    assert_non_null(strstr(text, "\"stream_uri\":\"stream://a/\\\"main\\\"\""));
    assert_non_null(strstr(text, "\"byte_count\":40,\"sample_count\":10,\"first_sample\":10}"));
    assert_non_null(strstr(text, "{\"first_sample\":25,\"sample_count\":3}"));
    assert_non_null(strstr(text, "\"total_bytes\":92,\"total_samples\":23"));
    assert_non_null(strstr(
        text, "\"started_at\":{\"secs_since_epoch\":1765480783,\"nanos_since_epoch\":123456789}"));
    if (garden_manifest_parse(NULL, zmtp_bytes_of(text, size), &back, &error) != GARDEN_OK)
        fail_msg("%s", error.text);
    assert_int_equal(garden_manifest_print(&back, &again, &again_size), GARDEN_OK);
    assert_string_equal(text, again);
    zmtp_free(zmtp_heap(), text, size + 1);
    zmtp_free(zmtp_heap(), again, again_size + 1);
    garden_manifest_fini(&back);
    garden_manifest_fini(&m);
}

static void test_a_clock_before_its_epoch_makes_no_manifest_that_cannot_be_read(void **state)
{
    (void)state;
    struct garden_manifest m, back;
    struct garden_error error;
    char *text = NULL;
    size_t size = 0;
    example(&m);
    m.started_ns = INT64_C(-315359999132675259);
    m.updated_ns = -1;
    assert_int_equal(garden_manifest_print(&m, &text, &size), GARDEN_OK);
    if (garden_manifest_parse(NULL, zmtp_bytes_of(text, size), &back, &error) != GARDEN_OK)
        fail_msg("%s", error.text);
    assert_int_equal(back.started_ns, 0);
    assert_int_equal(back.updated_ns, 0);
    zmtp_free(zmtp_heap(), text, size + 1);
    garden_manifest_fini(&back);
    garden_manifest_fini(&m);
}

// An allocator that remembers the most that was out at a time.
struct purse {
    size_t out, most;
};

static void *purse_resize(void *context, void *block, size_t size, size_t wanted)
{
    struct purse *purse = context;
    void *resized = wanted > 0 ? realloc(block, wanted) : NULL;
    if (wanted == 0) free(block);
    if (wanted > 0 && resized == NULL) return NULL;
    purse->out += wanted - size;
    if (purse->out > purse->most) purse->most = purse->out;
    return resized;
}

static void test_a_manifest_of_a_month_is_written_and_read_in_memory_in_proportion(void **state)
{
    (void)state;
    enum { CHUNKS = 200000 };
    struct garden_manifest manifest, back;
    struct garden_error error;
    struct purse purse = {0};
    const struct zmtp_allocator allocator = {.context = &purse, .resize = purse_resize};
    char *text = NULL;
    size_t size = 0;
    garden_manifest_init(&manifest, &allocator);
    strcpy(manifest.stream_uri, "stream://month");
    manifest.frame_size = 4;
    for (uint64_t i = 0; i < CHUNKS; i++) {
        const struct garden_hash hash = garden_hash_of(zmtp_bytes_of(&i, sizeof i));
        const uint64_t first = i * 1000 + (i + 3) / 4; // a frame is missing now and then
        assert_int_equal(garden_manifest_append(&manifest, &hash, first, 1000, NULL, 0), GARDEN_OK);
    }
    assert_int_equal(garden_manifest_print(&manifest, &text, &size), GARDEN_OK);
    assert_true(size > 24 * 1024 * 1024);
    const size_t before = purse.out;
    purse.most = purse.out;
    assert_int_equal(garden_manifest_parse(&allocator, zmtp_bytes_of(text, size), &back, &error),
                     GARDEN_OK);
    assert_true(purse.most - before < size);
    assert_int_equal(back.chunk_count, CHUNKS);
    assert_int_equal(back.gap_count, manifest.gap_count);
    assert_memory_equal(back.chunks, manifest.chunks, CHUNKS * sizeof *back.chunks);
    garden_manifest_fini(&back);
    zmtp_free(&allocator, text, size + 1);
    garden_manifest_fini(&manifest);
    assert_int_equal(purse.out, 0);
}

static void test_a_manifest_with_a_hole_an_overlap_or_wrong_sums_is_refused(void **state)
{
    (void)state;
    struct garden_error error;
    for (int wrong = 0; wrong < 13; wrong++) {
        struct garden_manifest m;
        example(&m);
        if (wrong == 0) m.chunks[1].first_sample++;
        if (wrong == 1) m.chunks[2].first_sample--;
        if (wrong == 2) m.chunks[0].byte_count++;
        if (wrong == 3) m.chunks[0].sample_count = 0;
        if (wrong == 4) m.chunks[2].sample_count = UINT64_MAX / 2;
        if (wrong == 5) m.gaps[0].count = 0;
        if (wrong == 6) m.gaps[1].first = 3;
        if (wrong == 7) m.gaps[2].count = UINT64_MAX - 3;
        if (wrong == 8) m.total_samples--;
        if (wrong == 9) m.total_gaps++;
        if (wrong == 10) m.frame_size = 0;
        if (wrong == 11) m.gaps[2].first++;
        if (wrong == 12) m.chunk_count--;
        if (garden_manifest_check(&m, &error) != GARDEN_ERR_CORRUPT)
            fail_msg("wrong %d was believed", wrong);
        assert_true(error.text[0] != '\0');
        garden_manifest_fini(&m);
    }
}

// A gap of half of all positions, and a chunk that would go once around them.
static void test_a_manifest_whose_positions_have_no_numbers_is_refused(void **state)
{
    (void)state;
    struct garden_error error;
    struct garden_gap gap = {0, UINT64_MAX / 2 + 1};
    for (uint64_t less = 0; less < 4; less++) {
        struct garden_manifest_chunk chunk = {.byte_count = UINT64_MAX - less,
                                              .sample_count = UINT64_MAX - less,
                                              .first_sample = gap.count};
        const struct garden_manifest m = {.frame_size = 1,
                                          .chunks = &chunk,
                                          .chunk_count = 1,
                                          .gaps = &gap,
                                          .gap_count = 1,
                                          .total_samples = UINT64_MAX - less,
                                          .total_gaps = gap.count};
        assert_int_equal(garden_manifest_check(&m, &error), GARDEN_ERR_CORRUPT);
        assert_non_null(strstr(error.text, "absurd"));
    }
}

static void test_json_that_is_no_manifest_is_refused_and_nothing_leaks(void **state)
{
    (void)state;
    struct garden_manifest m, back;
    struct garden_error error;
    char *text = NULL;
    size_t size = 0;
    example(&m);
    assert_int_equal(garden_manifest_print(&m, &text, &size), GARDEN_OK);
    for (size_t cut = 0; cut < size; cut++) // every prefix
        assert_true(garden_manifest_parse(NULL, zmtp_bytes_of(text, cut), &back, &error) < 0);
    const char *keys[] = {"stream_uri",    "definition_hash", "frame_size",   "chunks",   "gaps",
                          "total_samples", "started_at",      "last_updated", "complete", "hash",
                          "byte_count",    "sample_count"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) { // every field missing
        char *at = strstr(text, keys[i]);
        assert_non_null(at);
        at[0]++;
        assert_int_equal(garden_manifest_parse(NULL, zmtp_bytes_of(text, size), &back, &error),
                         GARDEN_ERR_FORMAT);
        at[0]--;
    }
    zmtp_free(zmtp_heap(), text, size + 1);
    garden_manifest_fini(&m);
}

static void test_when_memory_fails_anywhere_the_balance_is_zero(void **state)
{
    (void)state;
    struct garden_manifest m;
    char *text = NULL;
    size_t size = 0;
    example(&m);
    assert_int_equal(garden_manifest_print(&m, &text, &size), GARDEN_OK);
    struct zmtp_budget budget;
    bool refused = true;
    uint64_t n = 1;
    for (; refused; n++) {
        struct garden_manifest back;
        char *again = NULL;
        size_t again_size = 0;
        zmtp_budget_init(&budget, zmtp_heap());
        budget.fail_at = n;
        refused = true;
        if (garden_manifest_parse(&budget.allocator, zmtp_bytes_of(text, size), &back, NULL) ==
            GARDEN_OK) {
            if (garden_manifest_print(&back, &again, &again_size) == GARDEN_OK) {
                refused = budget.calls >= n;
                zmtp_free(&budget.allocator, again, again_size + 1);
            }
            garden_manifest_fini(&back);
        }
        assert_int_equal(budget.bytes, 0);
    }
    assert_true(n > 6);
    zmtp_free(zmtp_heap(), text, size + 1);
    garden_manifest_fini(&m);
}

static void test_a_whole_manifest_is_verified_down_to_each_octet(void **state)
{
    (void)state;
    struct folder folder;
    struct garden_store *store = NULL;
    struct garden_error error;
    struct garden_manifest m, back;
    struct garden_hash chunk, hash;
    folder_make(&folder);
    const struct garden_store_config config = {.root = folder.path};
    assert_int_equal(garden_store_open(&config, &store, NULL), GARDEN_OK);
    garden_manifest_init(&m, NULL);
    m.frame_size = 2;
    assert_int_equal(garden_store_put(store, zmtp_bytes_text("abcdef"), "audio/raw", &chunk, NULL),
                     GARDEN_OK);
    assert_int_equal(garden_manifest_append(&m, &chunk, 0, 3, NULL, 0), GARDEN_OK);
    assert_int_equal(garden_manifest_verify(&m, store, &error), GARDEN_ERR_NOT_FOUND);
    assert_int_equal(garden_store_put(store, zmtp_bytes_text("{}"), "application/json",
                                      &m.definition_hash, NULL),
                     GARDEN_OK);
    assert_int_equal(garden_manifest_verify(&m, store, &error), GARDEN_OK);
    m.chunks[0].sample_count = m.total_samples = 2; // the object has three
    m.chunks[0].byte_count = 4;
    assert_int_equal(garden_manifest_verify(&m, store, &error), GARDEN_ERR_CORRUPT);
    m.chunks[0].sample_count = m.total_samples = 3;
    m.chunks[0].byte_count = 6;

    char *text = NULL;
    size_t size = 0;
    assert_int_equal(garden_manifest_save(&m, store, "live.json", &error), GARDEN_OK);
    assert_int_equal(garden_manifest_save(&m, store, "live.json", &error), GARDEN_OK);
    assert_int_equal(garden_manifest_print(&m, &text, &size), GARDEN_OK);
    assert_int_equal(
        garden_store_put(store, zmtp_bytes_of(text, size), "application/json", &hash, NULL),
        GARDEN_OK);
    // The live file has the same octets, so it is the same object.
    struct garden_hash live;
    assert_int_equal(garden_store_seal(store, "live.json", size, "application/json", &live, NULL),
                     GARDEN_OK);
    assert_true(garden_hash_equal(&hash, &live));
    assert_int_equal(garden_manifest_load(store, &hash, &back, &error), GARDEN_OK);
    assert_int_equal(back.total_samples, 3);
    zmtp_free(zmtp_heap(), text, size + 1);
    garden_manifest_fini(&back);
    garden_manifest_fini(&m);
    garden_store_close(store);
    folder_remove(&folder);
}

static void test_a_staged_manifest_is_read_as_it_was_saved_last_and_nothing_else_is(void **state)
{
    (void)state;
    struct folder folder;
    struct garden_store *store = NULL;
    struct garden_error error;
    struct garden_manifest m, back;
    const struct garden_hash chunk = hash_of("abcdef");
    folder_make(&folder);
    const struct garden_store_config config = {.root = folder.path};
    assert_int_equal(garden_store_open(&config, &store, NULL), GARDEN_OK);
    assert_int_equal(garden_manifest_load_staged(store, "live.json", &back, &error),
                     GARDEN_ERR_NOT_FOUND);
    garden_manifest_init(&m, NULL);
    m.frame_size = 2;
    assert_int_equal(garden_manifest_append(&m, &chunk, 0, 3, NULL, 0), GARDEN_OK);
    assert_int_equal(garden_manifest_save(&m, store, "live.json", &error), GARDEN_OK);
    assert_int_equal(garden_manifest_append(&m, &chunk, 5, 3, NULL, 0), GARDEN_OK);
    assert_int_equal(garden_manifest_save(&m, store, "live.json", &error), GARDEN_OK);
    assert_int_equal(garden_manifest_load_staged(store, "live.json", &back, &error), GARDEN_OK);
    assert_int_equal(back.chunk_count, 2);
    assert_int_equal(back.total_samples, 6);
    assert_true(garden_hash_equal(&back.chunks[1].hash, &chunk));
    garden_manifest_fini(&back);
    // A name that leaves the folder, and what is in it but no manifest, or none that may be this large.
    assert_int_equal(garden_manifest_load_staged(store, "../staging/live.json", &back, &error),
                     GARDEN_ERR_ARGUMENT);
    char path[sizeof folder.path + 32];
    snprintf(path, sizeof path, "%s/staging/live.json", folder.path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("[]", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(garden_manifest_load_staged(store, "live.json", &back, &error),
                     GARDEN_ERR_FORMAT);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(garden_manifest_load_staged(store, "live.json", &back, &error),
                     GARDEN_ERR_LIMIT);
    assert_int_equal(truncate(path, (off_t)GARDEN__MANIFEST_TEXT_MAX + 1), 0);
    assert_int_equal(garden_manifest_load_staged(store, "live.json", &back, &error),
                     GARDEN_ERR_LIMIT);
    assert_non_null(strstr(error.text, "live.json"));
    garden_manifest_fini(&m);
    garden_store_close(store);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks_and_gaps_add_up_to_all_that_was_offered),
        cmocka_unit_test(test_a_chunk_that_lost_its_end_leaves_one_gap_up_to_the_next),
        cmocka_unit_test(test_the_json_has_the_fields_of_the_contract_and_reads_back_the_same),
        cmocka_unit_test(test_a_clock_before_its_epoch_makes_no_manifest_that_cannot_be_read),
        cmocka_unit_test(test_a_manifest_of_a_month_is_written_and_read_in_memory_in_proportion),
        cmocka_unit_test(test_a_manifest_with_a_hole_an_overlap_or_wrong_sums_is_refused),
        cmocka_unit_test(test_a_manifest_whose_positions_have_no_numbers_is_refused),
        cmocka_unit_test(test_json_that_is_no_manifest_is_refused_and_nothing_leaks),
        cmocka_unit_test(test_when_memory_fails_anywhere_the_balance_is_zero),
        cmocka_unit_test(test_a_whole_manifest_is_verified_down_to_each_octet),
        cmocka_unit_test(test_a_staged_manifest_is_read_as_it_was_saved_last_and_nothing_else_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
