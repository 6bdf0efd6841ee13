// The ring between the audio callback and the I/O thread. The producer publishes, in this order, a
// closed gap, the frames after it, and the count of offered frames; the consumer reads the same
// three in the opposite order, so it never reads frames across a gap that it has not seen.
#include "../capture.h"

#include <stdatomic.h>
#include <string.h>

enum { RING_GAPS = 64, RING_LINE = 64 };

// The spaces keep what the two threads write on different cache lines.
struct garden_ring {
    const struct zmtp_allocator *allocator;
    uint8_t *memory;
    size_t capacity; // frames
    uint32_t frame_size;

    uint8_t space_a[RING_LINE];
    // Written by the producer.
    atomic_uint_least64_t stored;      // frames ever put into |memory|
    atomic_uint_least64_t offered;     // frames ever offered
    atomic_uint_least64_t overrun;     // frames ever dropped
    atomic_uint_least64_t gaps_stored; // records ever put into |gaps|
    struct garden_gap open; // the gap that still grows, the producer's own; count 0: none
    struct garden_gap gaps[RING_GAPS];

    uint8_t space_b[RING_LINE];
    // Written by the consumer.
    atomic_uint_least64_t taken; // frames ever consumed
    atomic_uint_least64_t gaps_taken;
    uint64_t skipped; // frames of the gaps taken so far, the consumer's own
};

int garden_ring_open(const struct zmtp_allocator *allocator, uint32_t frame_size, size_t capacity,
                     struct garden_ring **out)
{
    if (allocator == NULL) allocator = zmtp_heap();
    if (frame_size == 0 || capacity == 0) return GARDEN_ERR_ARGUMENT;
    if (capacity > SIZE_MAX / 2 / frame_size) return GARDEN_ERR_ARGUMENT;

    struct garden_ring *ring = zmtp_alloc(allocator, sizeof *ring);
    if (ring == NULL) return GARDEN_ERR_MEMORY;
    memset(ring, 0, sizeof *ring);
    ring->memory = zmtp_alloc(allocator, capacity * frame_size);
    if (ring->memory == NULL) {
        zmtp_free(allocator, ring, sizeof *ring);
        return GARDEN_ERR_MEMORY;
    }
    memset(ring->memory, 0, capacity * frame_size);
    ring->allocator = allocator;
    ring->capacity = capacity;
    ring->frame_size = frame_size;
    atomic_init(&ring->stored, 0);
    atomic_init(&ring->offered, 0);
    atomic_init(&ring->overrun, 0);
    atomic_init(&ring->gaps_stored, 0);
    atomic_init(&ring->taken, 0);
    atomic_init(&ring->gaps_taken, 0);
    *out = ring;
    return GARDEN_OK;
}

void garden_ring_close(struct garden_ring *ring)
{
    if (ring == NULL) return;
    const struct zmtp_allocator *allocator = ring->allocator;
    zmtp_free(allocator, ring->memory, ring->capacity * ring->frame_size);
    zmtp_free(allocator, ring, sizeof *ring);
}

uint32_t garden_ring_frame_size(const struct garden_ring *ring)
{
    return ring->frame_size;
}

// Publishes the open gap. When the consumer is so far behind that there is no room for a record, the
// gap has to grow instead: an overrun is never forgotten.
static bool ring_close_gap(struct garden_ring *ring)
{
    if (ring->open.count == 0) return true;
    const uint64_t stored = atomic_load_explicit(&ring->gaps_stored, memory_order_relaxed);
    const uint64_t taken = atomic_load_explicit(&ring->gaps_taken, memory_order_acquire);
    if (stored - taken == RING_GAPS) return false;
    ring->gaps[stored % RING_GAPS] = ring->open;
    ring->open.count = 0;
    atomic_store_explicit(&ring->gaps_stored, stored + 1, memory_order_release);
    return true;
}

static void ring_drop(struct garden_ring *ring, uint64_t offered, uint64_t count)
{
    if (ring->open.count == 0) ring->open.first = offered;
    ring->open.count += count;
    const uint64_t overrun = atomic_load_explicit(&ring->overrun, memory_order_relaxed);
    atomic_store_explicit(&ring->overrun, overrun + count, memory_order_relaxed);
    atomic_store_explicit(&ring->offered, offered + count, memory_order_release);
}

bool garden_ring_write(struct garden_ring *ring, const void *frames, size_t count)
{
    if (count == 0) return true;
    const uint64_t offered = atomic_load_explicit(&ring->offered, memory_order_relaxed);
    const uint64_t stored = atomic_load_explicit(&ring->stored, memory_order_relaxed);
    const uint64_t taken = atomic_load_explicit(&ring->taken, memory_order_acquire);
    if (count > ring->capacity - (size_t)(stored - taken) || !ring_close_gap(ring)) {
        ring_drop(ring, offered, count);
        return false;
    }
    const size_t at = (size_t)(stored % ring->capacity);
    const size_t before_end = ring->capacity - at;
    const size_t head = count < before_end ? count : before_end;
    const uint8_t *octets = frames;
    memcpy(ring->memory + at * ring->frame_size, octets, head * ring->frame_size);
    memcpy(ring->memory, octets + head * ring->frame_size, (count - head) * ring->frame_size);
    atomic_store_explicit(&ring->stored, stored + count, memory_order_release);
    atomic_store_explicit(&ring->offered, offered + count, memory_order_release);
    return true;
}

void garden_ring_lose(struct garden_ring *ring, uint64_t count)
{
    if (count == 0) return;
    const uint64_t offered = atomic_load_explicit(&ring->offered, memory_order_relaxed);
    ring_drop(ring, offered, count); // an open gap has no frames behind it yet, and grows
}

static bool ring_next_gap(const struct garden_ring *ring, struct garden_gap *out)
{
    const uint64_t taken = atomic_load_explicit(&ring->gaps_taken, memory_order_relaxed);
    if (taken == atomic_load_explicit(&ring->gaps_stored, memory_order_acquire)) return false;
    *out = ring->gaps[taken % RING_GAPS];
    return true;
}

bool garden_ring_peek(const struct garden_ring *ring, struct garden_run *out)
{
    const uint64_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    uint64_t end = atomic_load_explicit(&ring->stored, memory_order_acquire);
    struct garden_gap gap;
    // A gap's place among the stored frames is its position without the gaps before it.
    if (ring_next_gap(ring, &gap) && gap.first - ring->skipped < end)
        end = gap.first - ring->skipped;
    if (end == taken) return false;

    const size_t at = (size_t)(taken % ring->capacity);
    const size_t before_end = ring->capacity - at;
    const uint64_t count = end - taken;
    *out = (struct garden_run){
        .data = ring->memory + at * ring->frame_size,
        .count = count < before_end ? (size_t)count : before_end,
        .first = taken + ring->skipped,
    };
    return true;
}

bool garden_ring_peek_after(const struct garden_ring *ring, const struct garden_run *run,
                            struct garden_run *out)
{
    const uint64_t stored = atomic_load_explicit(&ring->stored, memory_order_acquire);
    const uint64_t begin = atomic_load_explicit(&ring->taken, memory_order_relaxed) + run->count;
    uint64_t end = stored;
    struct garden_gap gap;
    if (ring_next_gap(ring, &gap) && gap.first - ring->skipped < end)
        end = gap.first - ring->skipped;
    if (begin % ring->capacity != 0 || end <= begin) return false;
    *out = (struct garden_run){
        .data = ring->memory, .count = (size_t)(end - begin), .first = run->first + run->count};
    return true;
}

void garden_ring_consume(struct garden_ring *ring, size_t count)
{
    const uint64_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    atomic_store_explicit(&ring->taken, taken + count, memory_order_release);
}

bool garden_ring_gap(const struct garden_ring *ring, struct garden_gap *out)
{
    const uint64_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    struct garden_gap gap;
    if (!ring_next_gap(ring, &gap) || gap.first != taken + ring->skipped) return false;
    *out = gap;
    return true;
}

void garden_ring_skip(struct garden_ring *ring, struct garden_gap gap)
{
    struct garden_gap closed;
    if (garden_ring_gap(ring, &closed)) {
        const uint64_t taken = atomic_load_explicit(&ring->gaps_taken, memory_order_relaxed);
        atomic_store_explicit(&ring->gaps_taken, taken + 1, memory_order_release);
    }
    ring->skipped += gap.count;
}

bool garden_ring_tail(const struct garden_ring *ring, struct garden_gap *out)
{
    const uint64_t offered = atomic_load_explicit(&ring->offered, memory_order_acquire);
    struct garden_run run;
    struct garden_gap gap;
    if (garden_ring_peek(ring, &run) || garden_ring_gap(ring, &gap)) return false;
    const uint64_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    const uint64_t position = taken + ring->skipped;
    if (offered <= position) return false;
    *out = (struct garden_gap){.first = position, .count = offered - position};
    return true;
}

uint64_t garden_ring_offered(const struct garden_ring *ring)
{
    return atomic_load_explicit(&ring->offered, memory_order_acquire);
}

uint64_t garden_ring_overrun(const struct garden_ring *ring)
{
    return atomic_load_explicit(&ring->overrun, memory_order_relaxed);
}

size_t garden_ring_filled(const struct garden_ring *ring)
{
    const uint64_t taken = atomic_load_explicit(&ring->taken, memory_order_acquire);
    return (size_t)(atomic_load_explicit(&ring->stored, memory_order_acquire) - taken);
}
