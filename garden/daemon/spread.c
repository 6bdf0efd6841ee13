#include "spread.h"

#include <stddef.h>

// Below SPREAD_PARTS a cell is a nanosecond.
static size_t spread_cell(uint64_t ns)
{
    unsigned shift = 0;
    if (ns >> SPREAD_POWER_MAX) ns = (UINT64_C(1) << SPREAD_POWER_MAX) - 1;
    while (ns >> shift >= 2 * SPREAD_PARTS)
        shift++;
    return ns < SPREAD_PARTS ? (size_t)ns : shift * SPREAD_PARTS + (size_t)(ns >> shift);
}

// The longest time that is counted in |cell|.
static uint64_t spread_end(size_t cell)
{
    if (cell < 2 * SPREAD_PARTS) return cell;
    const size_t shift = cell / SPREAD_PARTS - 1;
    return ((SPREAD_PARTS + cell % SPREAD_PARTS + 1) << shift) - 1;
}

void spread_add(struct spread *spread, uint64_t ns)
{
    // With one thread that writes, a load and a store are an addition.
    atomic_uint_least64_t *cell = &spread->cells[spread_cell(ns)];
    const uint64_t count = atomic_load_explicit(cell, memory_order_relaxed);
    atomic_store_explicit(cell, count + 1, memory_order_relaxed);
    if (ns > atomic_load_explicit(&spread->longest, memory_order_relaxed))
        atomic_store_explicit(&spread->longest, ns, memory_order_relaxed);
}

// The time that |part| thousandths of |count| do not exceed.
static uint64_t spread_part(const uint64_t *cells, uint64_t count, unsigned part)
{
    const uint64_t wanted = count / 1000 * part + count % 1000 * part / 1000;
    uint64_t seen = 0;
    size_t cell = 0;
    while (cell + 1 < SPREAD_CELLS && (seen += cells[cell]) <= wanted)
        cell++;
    return spread_end(cell);
}

struct spread_figures spread_read(const struct spread *spread)
{
    uint64_t cells[SPREAD_CELLS];
    struct spread_figures out = {0};
    for (size_t i = 0; i < SPREAD_CELLS; i++) {
        cells[i] = atomic_load_explicit(&spread->cells[i], memory_order_relaxed);
        out.count += cells[i];
    }
    if (out.count == 0) return out;
    out.max_ns = atomic_load_explicit(&spread->longest, memory_order_relaxed);
    const unsigned parts[] = {500, 990, 999};
    uint64_t *const figures[] = {&out.p50_ns, &out.p99_ns, &out.p999_ns};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        *figures[i] = spread_part(cells, out.count, parts[i]);
        if (*figures[i] > out.max_ns) *figures[i] = out.max_ns; // a cell ends behind the longest
    }
    return out;
}
