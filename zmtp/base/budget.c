#include <assert.h>

#include "../base.h"

// May |budget| hold |growth| octets more?
static bool budget_allows(struct zmtp_budget *budget, size_t growth)
{
    budget->calls++;
    if (budget->fail_at > 0) {
        if (budget->calls == budget->fail_at) return false;
        if (budget->fail_on && budget->calls > budget->fail_at) return false;
    }
    if (growth > SIZE_MAX - budget->bytes) return false;
    if (budget->bytes_max == 0) return true;
    return budget->bytes + growth <= budget->bytes_max;
}

static void *budget_resize(void *context, void *memory, size_t old_size, size_t new_size)
{
    struct zmtp_budget *const budget = context;
    assert(old_size <= budget->bytes);
    assert(!memory || budget->blocks > 0);

    if (new_size > old_size && !budget_allows(budget, new_size - old_size)) return NULL;
    void *const moved = budget->under->resize(budget->under->context, memory, old_size, new_size);
    if (new_size > 0 && !moved) return NULL;

    budget->bytes = budget->bytes - old_size + new_size;
    if (budget->bytes > budget->bytes_peak) budget->bytes_peak = budget->bytes;
    if (!memory) budget->blocks++;
    if (new_size == 0) budget->blocks--;
    return moved;
}

void zmtp_budget_init(struct zmtp_budget *budget, const struct zmtp_allocator *under)
{
    if (!budget) return;
    *budget = (struct zmtp_budget){
        .under = under ? under : zmtp_heap(),
        .allocator = {.context = budget, .resize = budget_resize},
    };
}
