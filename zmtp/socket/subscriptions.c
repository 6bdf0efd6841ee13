#include "subscriptions.h"

#include <assert.h>

void zmtp__subscriptions_init(struct zmtp__subscriptions *set,
                              const struct zmtp_allocator *allocator, size_t count_max,
                              size_t topic_bytes_max)
{
    *set = (struct zmtp__subscriptions){.topic_bytes_max = topic_bytes_max, .count_max = count_max};
    zmtp__slots_init(&set->slots, allocator);
    zmtp__topics_init(&set->topics, allocator, &set->slots);
}

void zmtp__subscriptions_fini(struct zmtp__subscriptions *set)
{
    zmtp__topics_fini(&set->topics);
    zmtp__slots_fini(&set->slots);
}

static struct zmtp__subscriber *subscriptions_owner(const struct zmtp__subscriptions *set,
                                                    uint32_t slot)
{
    return (struct zmtp__subscriber *)(void *)zmtp__slots_owner(&set->slots, slot);
}

static bool subscriptions_allowed(const struct zmtp__subscriptions *set,
                                  const struct zmtp__subscriber *subscriber, size_t size)
{
    if (set->count_max && subscriber->count >= set->count_max) return false;
    return !set->topic_bytes_max ||
           (size <= set->topic_bytes_max && subscriber->topic_bytes <= set->topic_bytes_max - size);
}

// The slot of the first link of those who share a topic; false: |leaf| has the topic itself.
static bool subscriptions_is_shared(uint32_t leaf, uint32_t *link)
{
    *link = leaf & ~(uint32_t)ZMTP__TOPIC_SHARED;
    return leaf & ZMTP__TOPIC_SHARED;
}

// A topic that nobody has.
static int subscriptions_add_new(struct zmtp__subscriptions *set,
                                 struct zmtp__subscriber *subscriber, struct zmtp_bytes topic)
{
    uint32_t slot;
    int result = zmtp__slots_keep(&set->slots, &subscriber->slots, topic, &slot);
    if (result < 0) return result;
    result = zmtp__topics_add(&set->topics, topic, slot);
    if (result < 0) zmtp__slots_drop(&set->slots, slot);
    return result;
}

// A link for |subscriber| to the topic in |slot|.
static int subscriptions_link(struct zmtp__subscriptions *set, struct zmtp__subscriber *subscriber,
                              uint32_t slot, uint32_t *link)
{
    const int result = zmtp__slots_link(&set->slots, &subscriber->slots, link);
    if (result == ZMTP_OK)
        *zmtp__slots_link_at(&set->slots, *link) = (struct zmtp__link){.topic = slot};
    return result;
}

// A topic that one other has at |place|: it becomes nobody's, and both have links to it.
static int subscriptions_add_second(struct zmtp__subscriptions *set,
                                    struct zmtp__subscriber *subscriber, struct zmtp_bytes topic,
                                    uint32_t *place)
{
    const uint32_t old = zmtp__topics_leaf(place);
    uint32_t slot, first, second;
    int result = zmtp__slots_keep(&set->slots, &set->shared, topic, &slot);
    if (result < 0) return result;
    result = subscriptions_link(set, subscriptions_owner(set, old), slot, &first);
    if (result < 0) goto fail_slot;
    result = subscriptions_link(set, subscriber, slot, &second);
    if (result < 0) goto fail_first;
    zmtp__slots_link_at(&set->slots, first)->next = second + 1;
    zmtp__topics_exchange(place, first | ZMTP__TOPIC_SHARED);
    zmtp__slots_drop(&set->slots, old);
    return ZMTP_OK;
fail_first:
    zmtp__slots_drop(&set->slots, first);
fail_slot:
    zmtp__slots_drop(&set->slots, slot);
    return result;
}

// A topic that several have, the last of them at |last|.
static int subscriptions_add_other(struct zmtp__subscriptions *set,
                                   struct zmtp__subscriber *subscriber, uint32_t last)
{
    struct zmtp__link *before = zmtp__slots_link_at(&set->slots, last);
    uint32_t link;
    const int result = subscriptions_link(set, subscriber, before->topic, &link);
    if (result == ZMTP_OK) before->next = link + 1;
    return result;
}

// Is the subscriber among those who have the topic of |leaf|? No: |*last| is the last of several.
static bool subscriptions_has(const struct zmtp__subscriptions *set,
                              const struct zmtp__subscriber *subscriber, uint32_t leaf,
                              uint32_t *last)
{
    const bool shared = subscriptions_is_shared(leaf, last);
    for (;;) {
        if (subscriptions_owner(set, *last) == subscriber) return true;
        const uint32_t next = shared ? zmtp__slots_link_at(&set->slots, *last)->next : 0;
        if (next == 0) return false;
        *last = next - 1;
    }
}

int zmtp__subscriptions_add(struct zmtp__subscriptions *set, struct zmtp__subscriber *subscriber,
                            struct zmtp_bytes topic)
{
    uint32_t *place = zmtp__topics_find(&set->topics, topic);
    const uint32_t leaf = place ? zmtp__topics_leaf(place) : 0;
    uint32_t last = 0;
    if (place && subscriptions_has(set, subscriber, leaf, &last)) return ZMTP_OK;
    if (!subscriptions_allowed(set, subscriber, topic.size)) return ZMTP_ERR_LIMIT;
    int result;
    if (!place)
        result = subscriptions_add_new(set, subscriber, topic);
    else if (leaf & ZMTP__TOPIC_SHARED)
        result = subscriptions_add_other(set, subscriber, last);
    else
        result = subscriptions_add_second(set, subscriber, topic, place);
    if (result < 0) return result;
    if (subscriber->count++ == 0) set->subscribers++;
    subscriber->topic_bytes += topic.size;
    return ZMTP_OK;
}

// Takes the subscriber's link out of the list at |place|; the topic goes with the last one.
static bool subscriptions_unlink(struct zmtp__subscriptions *set,
                                 const struct zmtp__subscriber *subscriber, uint32_t *place,
                                 struct zmtp_bytes topic)
{
    uint32_t link;
    (void)subscriptions_is_shared(zmtp__topics_leaf(place), &link); // it is, as the caller knows
    struct zmtp__link *before = NULL, *at = zmtp__slots_link_at(&set->slots, link);
    while (subscriptions_owner(set, link) != subscriber) {
        if (!at->next) return false;
        before = at;
        link = at->next - 1;
        at = zmtp__slots_link_at(&set->slots, link);
    }
    if (before) {
        before->next = at->next;
    } else if (at->next) {
        zmtp__topics_exchange(place, (at->next - 1) | ZMTP__TOPIC_SHARED);
    } else {
        zmtp__topics_remove(&set->topics, topic);
        zmtp__slots_drop(&set->slots, at->topic);
    }
    zmtp__slots_drop(&set->slots, link);
    return true;
}

void zmtp__subscriptions_remove(struct zmtp__subscriptions *set,
                                struct zmtp__subscriber *subscriber, struct zmtp_bytes topic)
{
    uint32_t *place = zmtp__topics_find(&set->topics, topic);
    uint32_t slot;
    if (!place) return;
    if (subscriptions_is_shared(zmtp__topics_leaf(place), &slot)) {
        if (!subscriptions_unlink(set, subscriber, place, topic)) return;
    } else {
        if (subscriptions_owner(set, slot) != subscriber) return;
        zmtp__topics_remove(&set->topics, topic);
        zmtp__slots_drop(&set->slots, slot);
    }
    subscriber->topic_bytes -= topic.size;
    if (--subscriber->count == 0) set->subscribers--;
}

struct zmtp_bytes zmtp__subscriptions_any(const struct zmtp__subscriptions *set,
                                          const struct zmtp__subscriber *subscriber)
{
    enum zmtp__slot_kind kind;
    uint32_t slot;
    const bool any = zmtp__slots_any(&set->slots, &subscriber->slots, &kind, &slot);
    assert(any);
    (void)any;
    if (kind == ZMTP__SLOT_LINK) slot = zmtp__slots_link_at(&set->slots, slot)->topic;
    return zmtp__slots_topic(&set->slots, slot);
}

void zmtp__subscriptions_clear(struct zmtp__subscriptions *set, struct zmtp__subscriber *subscriber)
{
    while (subscriber->count > 0)
        zmtp__subscriptions_remove(set, subscriber, zmtp__subscriptions_any(set, subscriber));
}

size_t zmtp__subscriptions_sharers(struct zmtp__subscriptions *set, struct zmtp_bytes topic)
{
    const uint32_t *place = zmtp__topics_find(&set->topics, topic);
    uint32_t link;
    if (!place) return 0;
    if (!subscriptions_is_shared(zmtp__topics_leaf(place), &link)) return 1;
    return zmtp__slots_link_at(&set->slots, link)->next ? 2 : 1;
}

struct zmtp__matches zmtp__subscriptions_match(struct zmtp__subscriptions *set,
                                               struct zmtp_bytes text)
{
    return (struct zmtp__matches){.set = set,
                                  .prefixes = zmtp__topics_prefixes(&set->topics, text),
                                  .number = ++set->matches};
}

// The first who subscribed to a topic; the others follow.
static struct zmtp__subscriber *matches_begin(struct zmtp__matches *matches, uint32_t leaf)
{
    uint32_t slot;
    if (subscriptions_is_shared(leaf, &slot))
        matches->link = zmtp__slots_link_at(&matches->set->slots, slot)->next;
    return subscriptions_owner(matches->set, slot);
}

static struct zmtp__subscriber *matches_any(struct zmtp__matches *matches)
{
    uint32_t leaf;
    if (matches->link) {
        const uint32_t link = matches->link - 1;
        matches->link = zmtp__slots_link_at(&matches->set->slots, link)->next;
        return subscriptions_owner(matches->set, link);
    }
    return zmtp__topic_prefixes_next(&matches->prefixes, &leaf) ? matches_begin(matches, leaf)
                                                                : NULL;
}

struct zmtp__subscriber *zmtp__matches_next(struct zmtp__matches *matches)
{
    struct zmtp__subscriber *subscriber;
    while ((subscriber = matches_any(matches)) && subscriber->matched == matches->number) {}
    if (subscriber) subscriber->matched = matches->number;
    return subscriber;
}

struct zmtp__matches zmtp__subscriptions_equal(struct zmtp__subscriptions *set,
                                               struct zmtp_bytes text)
{
    const uint32_t *place = zmtp__topics_find(&set->topics, text);
    struct zmtp__matches matches = {.set = set, .number = ++set->matches};
    uint32_t slot;
    if (!place) return matches;
    if (subscriptions_is_shared(zmtp__topics_leaf(place), &slot))
        matches.link = slot + 1;
    else
        matches.prefixes = (struct zmtp__topic_prefixes){
            .topics = &set->topics, .text = text, .at = *place, .shared = text.size};
    return matches;
}
