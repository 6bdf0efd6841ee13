// Who subscribed to what: a publisher's set of (topic, subscriber) pairs. It is a set: a subscriber
// that subscribes twice and cancels once is not subscribed, because that is how subscribers on the
// wire behave (they count on their side and tell the first and the last).
//
// A topic is stored once, however many subscribe to it. A pair costs 14 to 17 octets and the topic,
// which is less than twice a topic of 17; with a topic above 64 it is 26 to 32. One that shares its topic costs
// 10, and 5 to 8 more where many do. That is less than four times what any subscriber sends for it. What any
// call but a match costs does not depend on how many share a topic, nor does a match on how many topics there are.
#ifndef ZMTP_SOCKET_SUBSCRIPTIONS_H
#define ZMTP_SOCKET_SUBSCRIPTIONS_H

#include "sharers.h"
#include "topics.h"

// May not move once initialised.
struct zmtp__subscriptions {
    struct zmtp__slots slots;
    struct zmtp__topics topics;
    struct zmtp__sharers sharers;
    struct zmtp__slot_owner shared;    // of topics with several subscribers, who have links
    size_t topic_bytes_max, count_max; // of one subscriber; 0: no limit
    size_t subscribers;                // those with at least one subscription
    uint64_t matches;                  // how often it was asked who subscribed
};

struct zmtp__subscriber {
    struct zmtp__slot_owner slots; // first, so that a slot's owner is its subscriber
    void *owner;
    size_t count, topic_bytes;
    uint64_t matched; // the last match that named it
};

void zmtp__subscriptions_init(struct zmtp__subscriptions *set,
                              const struct zmtp_allocator *allocator, size_t count_max,
                              size_t topic_bytes_max, uint64_t seed);
// Every subscriber must have been cleared.
void zmtp__subscriptions_fini(struct zmtp__subscriptions *set);

// A subscriber starts zeroed. ZMTP_ERR_LIMIT and ZMTP_ERR_MEMORY change nothing; a pair that is there
// already is ZMTP_OK.
int zmtp__subscriptions_add(struct zmtp__subscriptions *set, struct zmtp__subscriber *subscriber,
                            struct zmtp_bytes topic);
// Harmless when there is no such pair; never fails. |topic| may be what zmtp__subscriptions_any gave.
void zmtp__subscriptions_remove(struct zmtp__subscriptions *set,
                                struct zmtp__subscriber *subscriber, struct zmtp_bytes topic);
void zmtp__subscriptions_clear(struct zmtp__subscriptions *set,
                               struct zmtp__subscriber *subscriber);

// How many subscribe to |topic| itself: 0, 1, or 2 for more.
size_t zmtp__subscriptions_sharers(struct zmtp__subscriptions *set, struct zmtp_bytes topic);
// Some topic of the subscriber's, which has one; good until it is removed.
struct zmtp_bytes zmtp__subscriptions_any(const struct zmtp__subscriptions *set,
                                          const struct zmtp__subscriber *subscriber);

// Everyone with a subscription that |text| begins with, each once. The set must not change meanwhile,
// and a second match ends the first.
struct zmtp__matches {
    const struct zmtp__subscriptions *set;
    struct zmtp__topic_prefixes prefixes;
    struct zmtp__subscriber *alone; // who has a topic to itself, and comes next
    uint32_t link;                  // of the topic's next subscriber, plus one; 0: none
    uint64_t number;
};
struct zmtp__matches zmtp__subscriptions_match(struct zmtp__subscriptions *set,
                                               struct zmtp_bytes text);
// The same for those who subscribed to |text| itself.
struct zmtp__matches zmtp__subscriptions_equal(struct zmtp__subscriptions *set,
                                               struct zmtp_bytes text);
struct zmtp__subscriber *zmtp__matches_next(struct zmtp__matches *matches); // null: no more

#endif
