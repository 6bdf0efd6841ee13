// Who subscribed to what: a publisher's set of (topic, subscriber) pairs. It is a set: a subscriber
// that subscribes twice and cancels once is not subscribed, because that is how subscribers on the
// wire behave (they count on their side and tell the first and the last).
//
// A topic is stored once, however many subscribe to it. A pair with a topic of its own costs about 50
// octets and the topic, one that shares its topic about 25.
#ifndef ZMTP_SOCKET_SUBSCRIPTIONS_H
#define ZMTP_SOCKET_SUBSCRIPTIONS_H

#include "trie.h"

struct zmtp__subscriptions {
    // A key's |count| says how many subscribe. Its |value| is the subscriber when that is one, else
    // an array of them.
    struct zmtp__trie topics;
    size_t topic_bytes_max, count_max; // of one subscriber; 0: no limit
    size_t subscribers;                // those with at least one subscription
    uint64_t matches;                  // how often it was asked who subscribed
};

struct zmtp__subscriber {
    void *owner;
    struct zmtp__key **topics; // in no order
    size_t count, capacity;
    size_t topic_bytes;
    uint64_t matched; // the last match that named it
};

void zmtp__subscriptions_init(struct zmtp__subscriptions *set,
                              const struct zmtp_allocator *allocator, size_t count_max,
                              size_t topic_bytes_max);
// Every subscriber must have been cleared.
void zmtp__subscriptions_fini(struct zmtp__subscriptions *set);

// A subscriber starts zeroed. ZMTP_ERR_LIMIT and ZMTP_ERR_MEMORY change nothing; a pair that is there
// already is ZMTP_OK.
int zmtp__subscriptions_add(struct zmtp__subscriptions *set, struct zmtp__subscriber *subscriber,
                            struct zmtp_bytes topic);
// Harmless when there is no such pair; never fails.
void zmtp__subscriptions_remove(struct zmtp__subscriptions *set,
                                struct zmtp__subscriber *subscriber, struct zmtp_bytes topic);
void zmtp__subscriptions_clear(struct zmtp__subscriptions *set,
                               struct zmtp__subscriber *subscriber);

// Everyone with a subscription that |text| begins with, each once. The set must not change meanwhile,
// and a second match ends the first.
struct zmtp__matches {
    struct zmtp__prefixes prefixes;
    const struct zmtp__key *topic; // null: none yet
    uint32_t index;                // of the topic's next subscriber
    uint64_t number;
};
struct zmtp__matches zmtp__subscriptions_match(struct zmtp__subscriptions *set,
                                               struct zmtp_bytes text);
// The same for those who subscribed to |text| itself.
struct zmtp__matches zmtp__subscriptions_equal(struct zmtp__subscriptions *set,
                                               struct zmtp_bytes text);
struct zmtp__subscriber *zmtp__matches_next(struct zmtp__matches *matches); // null: no more

#endif
