// Who subscribed to what: a publisher's set of (topic, subscriber) pairs. It is a set: a subscriber
// that subscribes twice and cancels once is not subscribed, because that is how subscribers on the
// wire behave (they count on their side and tell the first and the last).
//
// A topic is stored once, however many subscribe to it. A pair costs the topic and 12 to 14 octets,
// which is less than twice a topic of 14; with a topic above 16 it is 14 to 17, above 64 26 to 32. One that shares its topic
// costs 10, and 5 to 8 more where many do. That is less than four times what any subscriber sends for it. What any
// call but a match costs does not depend on how many share a topic, nor does a match on how many topics there are.
#ifndef ZMTP_SOCKET_SUBSCRIPTIONS_H
#define ZMTP_SOCKET_SUBSCRIPTIONS_H

#include "sharers.h"
#include "topics.h"

struct zmtp__holder;

// May not move once initialised.
struct zmtp__subscriptions {
    struct zmtp__slots slots;
    struct zmtp__topics topics;
    struct zmtp__sharers sharers;
    struct zmtp__slot_owner shared;    // of topics with several subscribers, who have links
    size_t topic_bytes_max, count_max; // of one subscriber; 0: no limit
    size_t subscribers;                // those with at least one subscription
    size_t news;                       // topics that are new
    uint64_t matches;                  // how often it was asked who subscribed
    uint64_t changes;                  // how often what a match says may have become another
    struct zmtp__holder *departed; // the first of those who have left their subscriptions behind
    struct zmtp__holder *departed_last;
};

// It may not move while it has subscriptions.
struct zmtp__subscriber {
    void *owner;
    struct zmtp__holder *holder; // of its topics; null: it has none
    size_t count, topic_bytes;
    uint64_t matched; // the last match that named it
};

void zmtp__subscriptions_init(struct zmtp__subscriptions *set,
                              const struct zmtp_allocator *allocator, size_t count_max,
                              size_t topic_bytes_max, uint64_t seed);
// Every subscriber must have been cleared, or have departed.
void zmtp__subscriptions_fini(struct zmtp__subscriptions *set);

// A subscriber starts zeroed. ZMTP_ERR_LIMIT and ZMTP_ERR_MEMORY change nothing; a pair that is there
// already is ZMTP_OK.
int zmtp__subscriptions_add(struct zmtp__subscriptions *set, struct zmtp__subscriber *subscriber,
                            struct zmtp_bytes topic);
// Harmless when there is no such pair; never fails. |topic| may be what zmtp__subscriptions_next gave.
void zmtp__subscriptions_remove(struct zmtp__subscriptions *set,
                                struct zmtp__subscriber *subscriber, struct zmtp_bytes topic);
void zmtp__subscriptions_clear(struct zmtp__subscriptions *set,
                               struct zmtp__subscriber *subscriber);

// Leaves them behind: they match nothing any more, but are there until they are taken one by one, so that
// somebody can be told of each. This needs no memory, and no more time for many than for one. The subscriber is
// as good as new.
void zmtp__subscriptions_depart(struct zmtp__subscriptions *set,
                                struct zmtp__subscriber *subscriber);
// Some topic that was left behind, of those who departed first. False: there is none.
bool zmtp__subscriptions_departed(const struct zmtp__subscriptions *set, struct zmtp_bytes *topic);
// Removes that one.
void zmtp__subscriptions_take(struct zmtp__subscriptions *set);

// How many subscribe to |topic| itself, also of those who have departed: 0, 1, or 2 for more.
size_t zmtp__subscriptions_sharers(struct zmtp__subscriptions *set, struct zmtp_bytes topic);

// A topic may be new to somebody who is told of it, for as long as anybody subscribes to it. Is it? There is none: no.
bool zmtp__subscriptions_is_new(struct zmtp__subscriptions *set, struct zmtp_bytes topic);
// It is from now on, or not any more; the slot of it, which may be another one as soon as a second subscriber has come.
uint32_t zmtp__subscriptions_set_new(struct zmtp__subscriptions *set, struct zmtp_bytes topic,
                                     bool is_new);
// The topic that has |slot|, if it is new. False: there is none.
bool zmtp__subscriptions_new_at(struct zmtp__subscriptions *set, uint32_t slot,
                                struct zmtp_bytes *topic);

// All topics of a subscriber. The one that was given, and no other, may be removed before the next is asked
// for; some may be given twice. Begin with zeroes; false: no more.
bool zmtp__subscriptions_next(const struct zmtp__subscriptions *set,
                              const struct zmtp__subscriber *subscriber,
                              struct zmtp__slot_cursor *cursor, struct zmtp_bytes *topic);

// Everyone with a subscription that |text| begins with, each once. The set must not change meanwhile,
// and a second match ends the first.
struct zmtp__matches {
    const struct zmtp__subscriptions *set;
    struct zmtp__topic_prefixes prefixes;
    struct zmtp__holder *alone; // who has a topic to itself, and comes next
    uint32_t link;              // of the topic's next subscriber, plus one; 0: none
    uint64_t number;
};
struct zmtp__matches zmtp__subscriptions_match(struct zmtp__subscriptions *set,
                                               struct zmtp_bytes text);
// The same for those who subscribed to |text| itself.
struct zmtp__matches zmtp__subscriptions_equal(struct zmtp__subscriptions *set,
                                               struct zmtp_bytes text);
struct zmtp__subscriber *zmtp__matches_next(struct zmtp__matches *matches); // null: no more

// Writes the numbers of the topics that |text| begins with, |max| at most, and returns how many there are. Two texts that
// begin with the same ones have the same subscribers, as long as |changes| is what it was.
size_t zmtp__subscriptions_topics(const struct zmtp__subscriptions *set, struct zmtp_bytes text,
                                  uint32_t *topics, size_t max);

#endif
