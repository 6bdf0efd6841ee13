// Any part of a stream, as the pieces it is made of.
#include "../store.h"

int garden_slice_open(struct garden_slice *slice, const struct garden_manifest *manifest,
                      uint64_t from, uint64_t to)
{
    if (from >= to || to > garden_manifest_end(manifest)) return GARDEN_ERR_RANGE;
    *slice = (struct garden_slice){.manifest = manifest, .from = from, .to = to};
    return GARDEN_OK;
}

// The next piece of the whole stream. False: the stream is over.
static bool slice_step(struct garden_slice *slice, struct garden_piece *out)
{
    const struct garden_manifest *manifest = slice->manifest;
    const bool gaps_left = slice->gap < manifest->gap_count;
    const struct garden_gap *gap = gaps_left ? &manifest->gaps[slice->gap] : NULL;
    *out = (struct garden_piece){.first = slice->position};
    if (gap && gap->first == slice->position) {
        out->gap = true;
        out->count = gap->count;
        slice->gap++;
    } else if (slice->chunk < manifest->chunk_count) {
        const struct garden_manifest_chunk *chunk = &manifest->chunks[slice->chunk];
        out->count = chunk->sample_count - slice->taken;
        if (gap && gap->first - slice->position < out->count)
            out->count = gap->first - slice->position;
        out->chunk = chunk->hash;
        out->byte_offset = slice->taken * manifest->frame_size;
        slice->taken += out->count;
        if (slice->taken == chunk->sample_count) {
            slice->chunk++;
            slice->taken = 0;
        }
    }
    slice->position += out->count;
    return out->count > 0;
}

bool garden_slice_next(struct garden_slice *slice, struct garden_piece *out)
{
    while (slice->position < slice->to && slice_step(slice, out)) {
        if (slice->position <= slice->from) continue; // all of it lies before
        const uint64_t frame_size = slice->manifest->frame_size;
        if (out->first < slice->from) {
            const uint64_t before = slice->from - out->first;
            out->first += before;
            out->count -= before;
            out->byte_offset += before * frame_size;
        }
        if (slice->position > slice->to) out->count -= slice->position - slice->to;
        out->byte_length = out->gap ? 0 : out->count * frame_size;
        if (out->gap) out->byte_offset = 0;
        return true;
    }
    return false;
}
