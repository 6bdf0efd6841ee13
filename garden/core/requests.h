// Requests under way at a client: found by msg_id, so that concurrent callers never swap replies;
// sent in order, again when their lane connected anew; given up at their deadline.
#ifndef GARDEN_CORE_REQUESTS_H
#define GARDEN_CORE_REQUESTS_H

#include "../client.h"

struct garden__asked {
    struct garden__asked *next, *before; // in the order of asking
    struct garden__asked *chain;         // of the hash table
    enum garden_lane lane;
    struct garden_uuid msg_id;
    struct garden_answer answer;
    uint64_t deadline_ms;
    bool sent;
    size_t size;
    uint8_t octets[]; // the encoded message
};

enum { GARDEN__ASKED_BUCKETS = 64 };

struct garden__requests {
    const struct zmtp_allocator *allocator;
    struct garden__asked *first, *last;
    struct garden__asked *buckets[GARDEN__ASKED_BUCKETS];
    uint64_t resent;
};

void garden__requests_init(struct garden__requests *requests,
                           const struct zmtp_allocator *allocator);
// Copies |octets|. GARDEN_ERR_MEMORY; GARDEN_ERR_EXISTS when |msg_id| is under way already.
int garden__requests_add(struct garden__requests *requests, enum garden_lane lane,
                         struct garden_uuid msg_id, struct zmtp_bytes octets,
                         const struct garden_answer *answer, uint64_t deadline_ms);
// The next of |lane| to be sent, or null. On a lane of |one| at a time, only when none is under way.
struct garden__asked *garden__requests_unsent(struct garden__requests *requests,
                                              enum garden_lane lane, bool one);
// The lane connected anew: what was sent before may be lost.
void garden__requests_renew(struct garden__requests *requests, enum garden_lane lane);
// Each takes one out of the table, for garden__requests_free after it was answered; null: none. A
// reply counts only on the lane on which was asked.
struct garden__asked *garden__requests_take(struct garden__requests *requests,
                                            enum garden_lane lane, struct garden_uuid msg_id);
struct garden__asked *garden__requests_expired(struct garden__requests *requests, uint64_t now_ms);
struct garden__asked *garden__requests_any(struct garden__requests *requests);
void garden__requests_free(struct garden__requests *requests, struct garden__asked *asked);
uint64_t garden__requests_deadline(const struct garden__requests *requests); // UINT64_MAX: none

#endif
