#include "world.h"

#include <stdarg.h>
#include <stdio.h>

#include "link.h"

static void world_random(void *context, uint8_t *out, size_t size)
{
    struct random *random = context;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)random_next(random);
}

static void world_init_crypto(struct world *world)
{
    const struct zmtp_crypto *const sodium = zmtp_sodium();
    if (!sodium) return;
    world->crypto = *sodium;
    world->crypto.random = world_random;
    world->crypto.context = &world->crypto_random;
    world->crypto_random = random_of(~world->seed);
    zmtp_key_generate(&world->server_keys, &world->crypto);
    zmtp_key_generate(&world->client_keys, &world->crypto);
}

void world_init(struct world *world, uint64_t seed, bool tracing)
{
    *world = (struct world){.seed = seed, .random = random_of(seed), .tracing = tracing};
    world->now_ms = 1000;
    world_init_crypto(world);
    zmtp_budget_init(&world->budget, NULL);
    if (zmtp_pool_open(&world->pool, &world->budget.allocator) < 0)
        world_fail(world, "there is no memory for the simulation itself");
}

void world_fini(struct world *world)
{
    zmtp_pool_close(world->pool);
    if (world->budget.bytes != 0 || world->budget.blocks != 0)
        world_fail(world, "%zu octets in %zu blocks were never freed", world->budget.bytes,
                   world->budget.blocks);
}

void world_fail(struct world *world, const char *format, ...)
{
    if (world->failed) return;
    world->failed = true;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(world->why, sizeof world->why, format, arguments); // cut short is enough
    va_end(arguments);
    world_trace(world, "FAILED: %s", world->why);
}

void world_trace(struct world *world, const char *format, ...)
{
    if (!world->tracing) return;
    va_list arguments;
    va_start(arguments, format);
    printf("%8llu ms  ", (unsigned long long)(world->now_ms - 1000));
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
}

void world_fault(struct world *world)
{
    if (!world->chaos) return;
    struct link *link = world->links[world_below(world, WORLD_LINKS)];
    if (link && world_chance(world, 50))
        link_break(link);
    else if (link && world_chance(world, 30))
        link_stall(link, world_below(world, 2), world->now_ms + world_below(world, 4000));
    if (world->failing && world->budget.fail_at <= world->budget.calls && world_chance(world, 8)) {
        world->budget.fail_at = world->budget.calls + 1 + world_below(world, 40);
        world->refusals++;
    }
}

void world_calm(struct world *world)
{
    world->chaos = world->failing = false;
    world->budget.fail_at = 0;
    for (size_t i = 0; i < WORLD_LINKS; i++)
        for (size_t side = 0; world->links[i] && side < 2; side++)
            world->links[i]->ways[side].stalled_ms = 0;
}
