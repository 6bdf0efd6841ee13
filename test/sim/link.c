#include "link.h"

#include <string.h>

struct link *link_open(struct world *world)
{
    size_t place = 0;
    while (place < WORLD_LINKS && world->links[place])
        place++;
    if (place == WORLD_LINKS) return NULL;
    struct link *link = zmtp_alloc(NULL, sizeof *link); // the network's, not the nodes'
    if (!link) return NULL;
    memset(link, 0, sizeof *link);
    link->world = world;
    link->capacity = (size_t)128 << world_below(world, 6);
    link->delay_ms = 1 + world_below(world, 30);
    world->links[place] = link;
    return link;
}

static void link_account(struct link *link)
{
    for (size_t side = 0; side < 2; side++) {
        const struct link_end *const from = &link->ends[side], *const to = &link->ends[1 - side];
        const uint64_t sent = from->sent, got = to->got;
        if (got > sent)
            world_fail(link->world, "a connection delivered %llu messages of %llu",
                       (unsigned long long)got, (unsigned long long)sent);
        else
            link->world->lost += sent - got;
        if (from->sent_all && to->got_all && !link->broken && got != sent)
            world_fail(link->world, "%llu of %llu messages were lost on a sound connection",
                       (unsigned long long)(sent - got), (unsigned long long)sent);
    }
}

void link_close(struct link *link, size_t side, struct link_end end)
{
    link->closed[side] = true;
    link->ways[side].ended = true;
    link->ends[side] = end;
    if (!link->closed[1 - side]) return;
    link_account(link);
    struct world *world = link->world;
    for (size_t i = 0; i < WORLD_LINKS; i++)
        if (world->links[i] == link) world->links[i] = NULL;
    zmtp_free(NULL, link, sizeof *link);
}

bool link_is_broken(const struct link *link, size_t side)
{
    return link->broken && link->world->now_ms >= link->breaks_ms[side];
}

bool link_readable(const struct link *link, size_t side)
{
    const struct link_way *way = &link->ways[1 - side];
    if (way->arrived > 0) return true;
    return way->ended && way->filled == 0 && !link->broken &&
           link->world->now_ms >= way->stalled_ms;
}

bool link_writable(const struct link *link, size_t side)
{
    const struct link_way *way = &link->ways[side];
    if (link->closed[1 - side] || link->broken) return true; // nobody receives it
    return way->filled < link->capacity && way->segment_count < LINK_SEGMENTS;
}

size_t link_read(struct link *link, size_t side, uint8_t *out, size_t size)
{
    struct link_way *way = &link->ways[1 - side];
    if (size > way->arrived) size = way->arrived;
    if (size > 0) size = 1 + world_below(link->world, size);
    for (size_t i = 0; i < size; i++)
        out[i] = way->octets[(way->head + i) % LINK_OCTETS];
    way->head = (way->head + size) % LINK_OCTETS;
    way->filled -= size;
    way->arrived -= size;
    return size;
}

size_t link_write(struct link *link, size_t side, struct zmtp_bytes octets)
{
    struct link_way *way = &link->ways[side];
    if (link->closed[1 - side] || link->broken) return octets.size; // into the void
    if (way->segment_count == LINK_SEGMENTS) return 0;
    size_t size = link->capacity - way->filled;
    if (size > octets.size) size = octets.size;
    if (size > 0 && world_chance(link->world, 3)) size = 1 + world_below(link->world, size);
    if (size == 0) return 0;
    for (size_t i = 0; i < size; i++)
        way->octets[(way->head + way->filled + i) % LINK_OCTETS] = octets.data[i];
    way->filled += size;
    uint64_t at_ms = link->world->now_ms + world_below(link->world, link->delay_ms + 1);
    if (way->segment_count > 0) {
        const uint64_t last_ms = way->segments[way->segment_count - 1].at_ms;
        if (at_ms < last_ms) at_ms = last_ms;
    }
    way->segments[way->segment_count].at_ms = at_ms;
    way->segments[way->segment_count++].size = size;
    return size;
}

static uint64_t link_later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

uint64_t link_next_ms(const struct link *link)
{
    uint64_t next = UINT64_MAX;
    const uint64_t now_ms = link->world->now_ms;
    for (size_t side = 0; side < 2; side++) {
        const struct link_way *way = &link->ways[side];
        uint64_t at_ms = UINT64_MAX;
        if (link->broken && !link->closed[side] && link->breaks_ms[side] > now_ms)
            at_ms = link->breaks_ms[side];
        else if (way->segment_count > 0)
            at_ms = link_later(way->segments[0].at_ms, way->stalled_ms);
        else if (way->ended && way->stalled_ms > now_ms)
            at_ms = way->stalled_ms;
        if (at_ms < next) next = at_ms;
    }
    return next;
}

void link_arrive(struct link *link)
{
    const uint64_t now_ms = link->world->now_ms;
    for (size_t side = 0; side < 2; side++) {
        struct link_way *way = &link->ways[side];
        size_t count = 0;
        while (count < way->segment_count && way->segments[count].at_ms <= now_ms &&
               way->stalled_ms <= now_ms)
            way->arrived += way->segments[count++].size;
        way->segment_count -= count;
        memmove(way->segments, way->segments + count, way->segment_count * sizeof way->segments[0]);
    }
}

void link_break(struct link *link)
{
    if (link->broken) return;
    link->broken = true;
    link->world->resets++;
    for (size_t side = 0; side < 2; side++) {
        struct link_way *way = &link->ways[side];
        // What has arrived can still be read until the break is heard of.
        way->filled = way->arrived;
        way->segment_count = 0;
        link->breaks_ms[side] = link->world->now_ms + world_below(link->world, 400);
    }
    world_trace(link->world, "a link breaks");
}

void link_stall(struct link *link, size_t side, uint64_t until_ms)
{
    link->world->stalls++;
    link->ways[side].stalled_ms = until_ms;
    world_trace(link->world, "a link stands still one way for %llu ms",
                (unsigned long long)(until_ms - link->world->now_ms));
}
