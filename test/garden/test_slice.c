// Slices of a recording: for every [from, to) of streams made at random, the pieces are the whole of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <garden/store.h>

#include <string.h>

#include "test/support/random.h"

enum { FRAMES_MAX = 200, FRAME_SIZE = 6 };

// What the stream is, frame by frame: the chunk and the place in it, or a gap.
struct model {
    size_t count;
    struct {
        bool gap;
        uint8_t chunk;
        uint64_t offset;
    } frames[FRAMES_MAX];
};

// The name of chunk |number|: its first octet is the number.
static struct garden_hash hash_of(uint8_t number)
{
    struct garden_hash hash;
    memset(&hash, 0x55, sizeof hash);
    hash.octets[0] = number;
    return hash;
}

static void make(struct garden_manifest *manifest, struct model *model, struct random *seed)
{
    const size_t chunks = 1 + random_below(seed, 6);
    garden_manifest_init(manifest, NULL);
    manifest->frame_size = FRAME_SIZE;
    model->count = 0;
    for (uint8_t chunk = 0; chunk < chunks; chunk++) {
        struct garden_gap gaps[3];
        size_t gap_count = 0, frames = 0;
        for (size_t i = random_below(seed, 4); i > 0; i--) // lost before the chunk
            model->frames[model->count++].gap = true;
        const uint64_t first = model->count;
        const size_t captured = 1 + random_below(seed, 12);
        while (frames < captured) {
            if (frames > 0 && gap_count < 3 && random_below(seed, 4) == 0) {
                gaps[gap_count] = (struct garden_gap){model->count, 1 + random_below(seed, 3)};
                for (uint64_t i = 0; i < gaps[gap_count].count; i++)
                    model->frames[model->count++].gap = true;
                gap_count++;
            }
            model->frames[model->count].gap = false;
            model->frames[model->count].chunk = chunk;
            model->frames[model->count++].offset = frames++ * FRAME_SIZE;
        }
        const struct garden_hash hash = hash_of(chunk);
        assert_int_equal(garden_manifest_append(manifest, &hash, first, captured, gaps, gap_count),
                         GARDEN_OK);
    }
    for (size_t i = random_below(seed, 3); i > 0; i--)
        model->frames[model->count++].gap = true;
    assert_int_equal(garden_manifest_finish(manifest, model->count), GARDEN_OK);
    assert_int_equal(garden_manifest_check(manifest, NULL), GARDEN_OK);
}

static void check(const struct garden_manifest *manifest, const struct model *model, uint64_t from,
                  uint64_t to)
{
    struct garden_slice slice;
    struct garden_piece piece;
    uint64_t position = from;
    assert_int_equal(garden_slice_open(&slice, manifest, from, to), GARDEN_OK);
    while (garden_slice_next(&slice, &piece)) {
        assert_int_equal(piece.first, position);
        assert_true(piece.count > 0 && piece.count <= to - position);
        assert_int_equal(piece.byte_length, piece.gap ? 0 : piece.count * FRAME_SIZE);
        for (uint64_t i = 0; i < piece.count; i++, position++) {
            assert_int_equal(piece.gap, model->frames[position].gap);
            if (piece.gap) continue;
            assert_int_equal(piece.chunk.octets[0], model->frames[position].chunk);
            assert_int_equal(piece.byte_offset + i * FRAME_SIZE, model->frames[position].offset);
        }
    }
    assert_int_equal(position, to);
    assert_false(garden_slice_next(&slice, &piece));
}

static void every_slice_of_streams_made_at_random_is_whole(void **state)
{
    (void)state;
    struct random seed = random_of(1);
    for (int round = 0; round < 60; round++) {
        static struct model model;
        struct garden_manifest manifest;
        make(&manifest, &model, &seed);
        for (uint64_t from = 0; from < model.count; from++)
            for (uint64_t to = from + 1; to <= model.count; to++)
                check(&manifest, &model, from, to);
        garden_manifest_fini(&manifest);
    }
}

static void slices_that_are_empty_or_go_beyond_the_end_are_refused(void **state)
{
    (void)state;
    struct garden_manifest manifest;
    struct garden_slice slice;
    const struct garden_hash hash = hash_of(1);
    garden_manifest_init(&manifest, NULL);
    manifest.frame_size = FRAME_SIZE;
    assert_int_equal(garden_slice_open(&slice, &manifest, 0, 1), GARDEN_ERR_RANGE);
    assert_int_equal(garden_slice_open(&slice, &manifest, 0, 0), GARDEN_ERR_RANGE);
    assert_int_equal(garden_manifest_append(&manifest, &hash, 0, 10, NULL, 0), GARDEN_OK);
    assert_int_equal(garden_slice_open(&slice, &manifest, 0, 10), GARDEN_OK);
    assert_int_equal(garden_slice_open(&slice, &manifest, 0, 11), GARDEN_ERR_RANGE);
    assert_int_equal(garden_slice_open(&slice, &manifest, 5, 5), GARDEN_ERR_RANGE);
    assert_int_equal(garden_slice_open(&slice, &manifest, 6, 5), GARDEN_ERR_RANGE);
    assert_int_equal(garden_slice_open(&slice, &manifest, UINT64_MAX, UINT64_MAX),
                     GARDEN_ERR_RANGE);
    garden_manifest_fini(&manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_slice_of_streams_made_at_random_is_whole),
        cmocka_unit_test(slices_that_are_empty_or_go_beyond_the_end_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
