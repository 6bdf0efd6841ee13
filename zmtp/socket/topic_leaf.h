// How the indices of a publisher's topics (topic_table.h, topic_tree.h) name a topic: by a number of 32 bits
// that is never 0, of the slot that has the topic, or of the first link of those who share it (slots.h).
#ifndef ZMTP_SOCKET_TOPIC_LEAF_H
#define ZMTP_SOCKET_TOPIC_LEAF_H

#include "slots.h"

// Whose leaf it is: of a topic with one subscriber a slot; with ZMTP__TOPIC_SHARED the first link.
enum { ZMTP__TOPIC_SHARED = 1 << 30 };
// Of a number: it is a leaf's; and one of whose topic somebody is still to be told (news.h).
#define ZMTP__TOPIC_LEAF (UINT32_C(1) << 31)
#define ZMTP__TOPIC_NEW (UINT32_C(1) << 29)

static inline bool zmtp__topic_is_leaf(uint32_t number)
{
    return number & ZMTP__TOPIC_LEAF;
}

// Whose leaf it is, of a number.
static inline uint32_t zmtp__topic_leaf(uint32_t number)
{
    return number & ~(ZMTP__TOPIC_LEAF | ZMTP__TOPIC_NEW);
}

// The slot of a leaf's topic.
static inline uint32_t zmtp__topic_slot(const struct zmtp__slots *slots, uint32_t number)
{
    const uint32_t slot = zmtp__topic_leaf(number);
    return slot & ZMTP__TOPIC_SHARED
               ? zmtp__slots_link_at(slots, slot & ~(uint32_t)ZMTP__TOPIC_SHARED)->topic
               : slot;
}

static inline struct zmtp_bytes zmtp__topic_octets(const struct zmtp__slots *slots, uint32_t number)
{
    return zmtp__slots_topic(slots, zmtp__topic_slot(slots, number));
}

static inline bool zmtp__topic_is(const struct zmtp__slots *slots, uint32_t number,
                                  struct zmtp_bytes topic)
{
    return zmtp__slots_topic_is(slots, zmtp__topic_slot(slots, number), topic);
}

#endif
