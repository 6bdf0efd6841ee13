// A stream's chunks and gaps, and the walk that shows they are the whole stream.
#include "../store.h"
#include "store.h"

#include <string.h>

#include "../core/runs.h"

void garden_manifest_init(struct garden_manifest *manifest, const struct zmtp_allocator *allocator)
{
    *manifest = (struct garden_manifest){.allocator = allocator != NULL ? allocator : zmtp_heap(),
                                         .frame_size = 1};
}

void garden_manifest_fini(struct garden_manifest *manifest)
{
    const struct zmtp_allocator *allocator = manifest->allocator;
    zmtp_free(allocator, manifest->chunks, manifest->chunk_space * sizeof *manifest->chunks);
    zmtp_free(allocator, manifest->gaps, manifest->gap_space * sizeof *manifest->gaps);
    garden_manifest_init(manifest, allocator);
}

uint64_t garden_manifest_end(const struct garden_manifest *manifest)
{
    return manifest->total_samples + manifest->total_gaps;
}

// Grows |*space| to hold |needed| things of |size| octets. The old block stays whole on failure.
static int manifest_grow(const struct garden_manifest *manifest, void **memory, size_t *space,
                         size_t needed, size_t size)
{
    if (needed <= *space) return GARDEN_OK;
    size_t grown = *space == 0 ? 8 : *space;
    while (grown < needed)
        grown *= 2;
    if (grown > SIZE_MAX / size) return GARDEN_ERR_MEMORY;
    void *block = zmtp_realloc(manifest->allocator, *memory, *space * size, grown * size);
    if (block == NULL) return GARDEN_ERR_MEMORY;
    *memory = block;
    *space = grown;
    return GARDEN_OK;
}

int garden__manifest_reserve(struct garden_manifest *manifest, size_t chunks, size_t gaps)
{
    void *memory = manifest->chunks;
    int result = manifest_grow(manifest, &memory, &manifest->chunk_space,
                               manifest->chunk_count + chunks, sizeof *manifest->chunks);
    manifest->chunks = memory;
    if (result != GARDEN_OK) return result;
    memory = manifest->gaps;
    result = manifest_grow(manifest, &memory, &manifest->gap_space, manifest->gap_count + gaps,
                           sizeof *manifest->gaps);
    manifest->gaps = memory;
    return result;
}

// There is room for it. Gaps that touch become one, so that a stream has one description only.
static void manifest_put_gap(struct garden_manifest *manifest, uint64_t first, uint64_t count)
{
    struct garden_gap *last =
        manifest->gap_count > 0 ? &manifest->gaps[manifest->gap_count - 1] : NULL;
    if (count == 0) return;
    manifest->total_gaps += count;
    if (last != NULL && last->first + last->count == first)
        last->count += count;
    else
        manifest->gaps[manifest->gap_count++] = (struct garden_gap){first, count};
}

int garden_manifest_append(struct garden_manifest *manifest, const struct garden_hash *hash,
                           uint64_t first, uint64_t frames, const struct garden_gap *gaps,
                           size_t gap_count)
{
    const int result = garden__manifest_reserve(manifest, 1, gap_count + 1);
    if (result != GARDEN_OK) return result;
    uint64_t position = garden_manifest_end(manifest);
    if (first > position) {
        manifest_put_gap(manifest, position, first - position);
        position = first;
    }
    manifest->chunks[manifest->chunk_count++] = (struct garden_manifest_chunk){
        .hash = *hash,
        .byte_count = frames * manifest->frame_size,
        .sample_count = frames,
        .first_sample = position,
    };
    manifest->total_samples += frames;
    // One before the first frame is counted already; one that no frame of this chunk follows is left to the next chunk's |first|.
    struct garden__runs runs = {.position = position, .left = frames};
    const struct garden_gap *gap;
    while ((gap = garden__runs_step(&runs, gaps, gap_count)))
        manifest_put_gap(manifest, gap->first, gap->count);
    return GARDEN_OK;
}

int garden__manifest_lose(struct garden_manifest *manifest, uint64_t upto)
{
    const uint64_t end = garden_manifest_end(manifest);
    if (upto <= end) return GARDEN_OK;
    const int result = garden__manifest_reserve(manifest, 0, 1);
    if (result == GARDEN_OK) manifest_put_gap(manifest, end, upto - end);
    return result;
}

int garden_manifest_finish(struct garden_manifest *manifest, uint64_t offered)
{
    const int result = garden__manifest_lose(manifest, offered);
    if (result == GARDEN_OK) manifest->complete = true;
    return result;
}

static bool manifest_gap_at(const struct garden_manifest *manifest, size_t index, uint64_t position)
{
    return index < manifest->gap_count && manifest->gaps[index].first == position;
}

// Walks one chunk over the gaps inside it. Returns the position after it.
static uint64_t manifest_walk(const struct garden_manifest *manifest, uint64_t position,
                              uint64_t frames, size_t *gap)
{
    while (frames > 0) {
        const uint64_t before_gap =
            *gap < manifest->gap_count ? manifest->gaps[*gap].first - position : UINT64_MAX;
        if (frames <= before_gap) return position + frames;
        frames -= before_gap;
        position = manifest->gaps[*gap].first + manifest->gaps[*gap].count;
        ++*gap;
    }
    return position;
}

int garden_manifest_check(const struct garden_manifest *manifest, struct garden_error *error)
{
    uint64_t position = 0, samples = 0, missing = 0;
    size_t gap = 0;
    if (manifest->frame_size == 0)
        return garden__fail(error, GARDEN_ERR_CORRUPT, "manifest: the frame size is 0");
    for (size_t i = 0; i < manifest->gap_count; i++) {
        const struct garden_gap *g = &manifest->gaps[i];
        const uint64_t before = i == 0 ? 0 : g[-1].first + g[-1].count;
        if (g->count == 0 || g->first > UINT64_MAX - g->count || g->first < before ||
            (i > 0 && g->first == before))
            return garden__fail(error, GARDEN_ERR_CORRUPT, "manifest: gap %zu is out of order", i);
        missing += g->count;
    }
    for (size_t i = 0; i < manifest->chunk_count; i++) {
        const struct garden_manifest_chunk *chunk = &manifest->chunks[i];
        if (manifest_gap_at(manifest, gap, position)) position += manifest->gaps[gap++].count;
        if (chunk->first_sample != position)
            return garden__fail(error, GARDEN_ERR_CORRUPT,
                                "manifest: chunk %zu begins at frame %llu, but %llu is next", i,
                                (unsigned long long)chunk->first_sample,
                                (unsigned long long)position);
        if (chunk->sample_count == 0 || chunk->sample_count > UINT64_MAX / manifest->frame_size ||
            chunk->byte_count != chunk->sample_count * manifest->frame_size)
            return garden__fail(error, GARDEN_ERR_CORRUPT,
                                "manifest: chunk %zu is no whole number of frames", i);
        // Positions beyond this chunk, those of all gaps among them, have to have numbers.
        if (missing > UINT64_MAX - position ||
            chunk->sample_count > UINT64_MAX - position - missing)
            return garden__fail(error, GARDEN_ERR_CORRUPT, "manifest: chunk %zu is absurd", i);
        position = manifest_walk(manifest, position, chunk->sample_count, &gap);
        samples += chunk->sample_count;
    }
    if (manifest_gap_at(manifest, gap, position)) gap++;
    if (gap != manifest->gap_count)
        return garden__fail(error, GARDEN_ERR_CORRUPT, "manifest: gap %zu lies beyond the end",
                            gap);
    if (samples != manifest->total_samples || missing != manifest->total_gaps)
        return garden__fail(error, GARDEN_ERR_CORRUPT, "manifest: the totals are not the sums");
    return GARDEN_OK;
}

int garden_manifest_verify(const struct garden_manifest *manifest, const struct garden_store *store,
                           struct garden_error *error)
{
    int result = garden_manifest_check(manifest, error);
    if (result == GARDEN_OK)
        result = garden_store_verify(store, &manifest->definition_hash, NULL, error);
    for (size_t i = 0; i < manifest->chunk_count && result == GARDEN_OK; i++) {
        uint64_t size = 0;
        result = garden_store_verify(store, &manifest->chunks[i].hash, &size, error);
        if (result == GARDEN_OK && size != manifest->chunks[i].byte_count)
            result = garden__fail(
                error, GARDEN_ERR_CORRUPT, "manifest: chunk %zu has %llu octets, not %llu", i,
                (unsigned long long)size, (unsigned long long)manifest->chunks[i].byte_count);
    }
    return result;
}
