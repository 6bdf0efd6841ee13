#include "follow.h"

#include <string.h>

void garden__follow_init(struct garden__follow *follow, const struct zmtp_allocator *allocator,
                         size_t count_max, size_t bytes_max)
{
    *follow = (struct garden__follow){.allocator = allocator ? allocator : zmtp_heap(),
                                      .count_max = count_max,
                                      .bytes_max = bytes_max};
}

void garden__follow_free(struct garden__follow *follow, struct garden__held *held)
{
    zmtp_free(follow->allocator, held, sizeof *held + held->size);
}

static struct garden__held *follow_pop(struct garden__follow *follow)
{
    struct garden__held *held = follow->first;
    follow->first = held->next;
    if (!follow->first) follow->last = NULL;
    follow->count--;
    follow->bytes -= held->size;
    return held;
}

void garden__follow_fini(struct garden__follow *follow)
{
    while (follow->first)
        garden__follow_free(follow, follow_pop(follow));
}

bool garden__follow_session(struct garden__follow *follow, struct garden_uuid session,
                            uint64_t next)
{
    const bool told = !garden_uuid_nil(follow->session);
    const bool same =
        told ? garden_uuid_equal(follow->session, session) : !follow->known || next >= follow->next;
    follow->session = session;
    if (!same) {
        garden__follow_fini(follow); // they were the former session's
        follow->known = true;
        follow->next = 0;
        follow->target = next;
        follow->stale = follow->asking;
        return true;
    }
    if (!follow->known) follow->next = follow->target = next;
    follow->known = true;
    if (next > follow->target) follow->target = next;
    return false;
}

void garden__follow_cut(struct garden__follow *follow)
{
    if (!garden_uuid_nil(follow->session)) return;
    garden__follow_fini(follow);
    follow->known = false;
}

static void follow_hold(struct garden__follow *follow, uint64_t seq, struct zmtp_bytes octets)
{
    if (follow->last && follow->last->seq >= seq) return; // it is here
    if (follow->count == follow->count_max || octets.size > follow->bytes_max - follow->bytes)
        return;
    struct garden__held *held = zmtp_alloc(follow->allocator, sizeof *held + octets.size);
    if (!held) return;
    *held = (struct garden__held){.seq = seq, .size = octets.size};
    memcpy(held->octets, octets.data, octets.size);
    if (follow->last)
        follow->last->next = held;
    else
        follow->first = held;
    follow->last = held;
    follow->count++;
    follow->bytes += octets.size;
}

bool garden__follow_event(struct garden__follow *follow, uint64_t seq, struct zmtp_bytes octets)
{
    if (seq == UINT64_MAX) return false; // there is no next
    if (!follow->known) follow->next = seq;
    if (!follow->known || seq >= follow->target) follow->target = seq + 1;
    follow->known = true;
    if (seq == follow->next) {
        follow->next++;
        return true;
    }
    if (seq > follow->next && octets.size > 0) follow_hold(follow, seq, octets);
    return false;
}

struct garden__held *garden__follow_take(struct garden__follow *follow)
{
    while (follow->first && follow->first->seq < follow->next)
        garden__follow_free(follow, follow_pop(follow));
    if (!follow->first || follow->first->seq > follow->next) return NULL;
    follow->next++;
    return follow_pop(follow);
}

bool garden__follow_ask(struct garden__follow *follow, uint64_t *from)
{
    if (!follow->known || follow->asking || follow->next >= follow->target) return false;
    follow->asking = true;
    *from = follow->next;
    return true;
}

static bool follow_lose(struct garden__follow *follow, uint64_t until, uint64_t *lost,
                        uint64_t *count)
{
    follow->asking = false;
    if (until <= follow->next) return false;
    *lost = follow->next;
    *count = until - follow->next;
    follow->next = until;
    if (follow->target < until) follow->target = until;
    return true;
}

bool garden__follow_answered(struct garden__follow *follow, uint64_t first, uint64_t *lost,
                             uint64_t *count)
{
    // What is held need not be asked for.
    if (follow->first && follow->first->seq > follow->next && follow->first->seq < first)
        first = follow->first->seq;
    return follow_lose(follow, first, lost, count);
}

bool garden__follow_stale(struct garden__follow *follow)
{
    if (!follow->stale) return false;
    follow->stale = follow->asking = false;
    return true;
}

bool garden__follow_give_up(struct garden__follow *follow, uint64_t *lost, uint64_t *count)
{
    const struct garden__held *held = follow->first;
    return follow_lose(follow, held ? held->seq : follow->target, lost, count);
}
