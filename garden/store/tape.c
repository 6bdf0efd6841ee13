#include "../tape.h"

#include <string.h>

#include "../store.h"

enum { TAPE_HEAD_SIZE = 20, TAPE_CHECK_SIZE = 8 };
_Static_assert(TAPE_HEAD_SIZE + TAPE_CHECK_SIZE == GARDEN_TAPE_FRAME_SIZE, "as the format says");

const char garden_tape_magic[GARDEN_TAPE_MAGIC_SIZE + 1] = "GRDNTAP1";

static void tape_put(uint8_t *out, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t tape_get(const uint8_t *in, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)in[i] << (8 * i);
    return value;
}

int garden_tape_encode(const struct garden_tape_record *record, struct garden_buffer *out)
{
    uint8_t head[TAPE_HEAD_SIZE] = {0};
    const size_t before = out->size;
    if (record->body.size > GARDEN_TAPE_BODY_MAX) return GARDEN_ERR_LIMIT;
    tape_put(head, record->body.size, 4);
    head[4] = (uint8_t)record->kind;
    head[5] = (uint8_t)record->lane;
    head[6] = record->from_daemon;
    tape_put(head + 8, record->peer, 4);
    tape_put(head + 12, record->time_ns, 8);
    int result = garden_buffer_append(out, head, sizeof head);
    if (result == GARDEN_OK && record->body.size > 0)
        result = garden_buffer_append(out, record->body.data, record->body.size);
    if (result == GARDEN_OK) {
        const struct garden_hash hash =
            garden_hash_of(zmtp_bytes_of(out->data + before, out->size - before));
        result = garden_buffer_append(out, hash.octets, TAPE_CHECK_SIZE);
    }
    if (result != GARDEN_OK) out->size = before;
    return result;
}

int64_t garden_tape_decode(struct zmtp_bytes in, struct garden_tape_record *out)
{
    if (in.size < TAPE_HEAD_SIZE) return 0;
    const uint64_t size = tape_get(in.data, 4);
    const uint8_t kind = in.data[4], lane = in.data[5], direction = in.data[6];
    if (size > GARDEN_TAPE_BODY_MAX) return GARDEN_ERR_LIMIT;
    if (kind < GARDEN_TAPE_HEAD || kind > GARDEN_TAPE_END || lane >= GARDEN_LANES ||
        direction > 1 || in.data[7] != 0)
        return GARDEN_ERR_FORMAT;
    const size_t checked = TAPE_HEAD_SIZE + (size_t)size;
    if (in.size < checked + TAPE_CHECK_SIZE) return 0;
    const struct garden_hash hash = garden_hash_of(zmtp_bytes_of(in.data, checked));
    if (memcmp(hash.octets, in.data + checked, TAPE_CHECK_SIZE) != 0) return GARDEN_ERR_CORRUPT;
    *out = (struct garden_tape_record){
        .kind = (enum garden_tape_kind)kind,
        .lane = (enum garden_lane)lane,
        .from_daemon = direction == 1,
        .peer = (uint32_t)tape_get(in.data + 8, 4),
        .time_ns = tape_get(in.data + 12, 8),
        .body = zmtp_bytes_of(in.data + TAPE_HEAD_SIZE, (size_t)size),
    };
    return (int64_t)(checked + TAPE_CHECK_SIZE);
}
