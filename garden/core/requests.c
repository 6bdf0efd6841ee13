#include "requests.h"

#include <string.h>

void garden__requests_init(struct garden__requests *requests,
                           const struct zmtp_allocator *allocator)
{
    *requests = (struct garden__requests){.allocator = allocator ? allocator : zmtp_heap()};
}

// Uuids are random (or a stranger's, and then the chains are his own loss).
static struct garden__asked **requests_bucket(struct garden__requests *requests,
                                              struct garden_uuid msg_id)
{
    return &requests->buckets[(msg_id.octets[0] ^ msg_id.octets[15]) % GARDEN__ASKED_BUCKETS];
}

static struct garden__asked **requests_find(struct garden__requests *requests,
                                            struct garden_uuid msg_id)
{
    struct garden__asked **link = requests_bucket(requests, msg_id);
    while (*link && !garden_uuid_equal((*link)->msg_id, msg_id))
        link = &(*link)->chain;
    return link;
}

int garden__requests_add(struct garden__requests *requests, enum garden_lane lane,
                         struct garden_uuid msg_id, struct zmtp_bytes octets,
                         const struct garden_answer *answer, uint64_t deadline_ms)
{
    struct garden__asked **link = requests_find(requests, msg_id);
    if (*link) return GARDEN_ERR_EXISTS;
    struct garden__asked *asked = zmtp_alloc(requests->allocator, sizeof *asked + octets.size);
    if (!asked) return GARDEN_ERR_MEMORY;
    *asked = (struct garden__asked){.before = requests->last,
                                    .lane = lane,
                                    .msg_id = msg_id,
                                    .answer = *answer,
                                    .deadline_ms = deadline_ms,
                                    .size = octets.size};
    if (octets.size > 0) memcpy(asked->octets, octets.data, octets.size);
    *link = asked;
    if (requests->last)
        requests->last->next = asked;
    else
        requests->first = asked;
    requests->last = asked;
    return GARDEN_OK;
}

struct garden__asked *garden__requests_unsent(struct garden__requests *requests,
                                              enum garden_lane lane, bool one)
{
    for (struct garden__asked *asked = requests->first; asked; asked = asked->next) {
        if (asked->lane != lane) continue;
        if (!asked->sent) return asked;
        if (one) return NULL;
    }
    return NULL;
}

void garden__requests_renew(struct garden__requests *requests, enum garden_lane lane)
{
    for (struct garden__asked *asked = requests->first; asked; asked = asked->next) {
        if (asked->lane != lane || !asked->sent) continue;
        asked->sent = false;
        requests->resent++;
    }
}

static struct garden__asked *requests_unlink(struct garden__requests *requests,
                                             struct garden__asked *asked)
{
    *requests_find(requests, asked->msg_id) = asked->chain;
    if (asked->before)
        asked->before->next = asked->next;
    else
        requests->first = asked->next;
    if (asked->next)
        asked->next->before = asked->before;
    else
        requests->last = asked->before;
    return asked;
}

struct garden__asked *garden__requests_take(struct garden__requests *requests,
                                            enum garden_lane lane, struct garden_uuid msg_id)
{
    struct garden__asked *asked = *requests_find(requests, msg_id);
    return asked && asked->lane == lane ? requests_unlink(requests, asked) : NULL;
}

struct garden__asked *garden__requests_expired(struct garden__requests *requests, uint64_t now_ms)
{
    for (struct garden__asked *asked = requests->first; asked; asked = asked->next)
        if (asked->deadline_ms <= now_ms) return requests_unlink(requests, asked);
    return NULL;
}

struct garden__asked *garden__requests_any(struct garden__requests *requests)
{
    return requests->first ? requests_unlink(requests, requests->first) : NULL;
}

void garden__requests_free(struct garden__requests *requests, struct garden__asked *asked)
{
    zmtp_free(requests->allocator, asked, sizeof *asked + asked->size);
}

uint64_t garden__requests_deadline(const struct garden__requests *requests)
{
    uint64_t deadline_ms = UINT64_MAX;
    for (const struct garden__asked *asked = requests->first; asked; asked = asked->next)
        if (asked->deadline_ms < deadline_ms) deadline_ms = asked->deadline_ms;
    return deadline_ms;
}
