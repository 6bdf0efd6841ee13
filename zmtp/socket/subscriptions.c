#include "subscriptions.h"

#include <assert.h>

// So many of those who share a topic are looked through one by one; where in the list the others are is
// found (sharers.h).
enum { SUBSCRIPTIONS_FRONT = 8 };

// Who has topics: apart from the subscriber, so that it can stay when that goes.
struct zmtp__holder {
    struct zmtp__slot_owner slots;       // first, so that a slot's owner is its holder
    struct zmtp__subscriber *subscriber; // null: it has departed
    struct zmtp__holder *next;           // of those who have
    size_t count;                        // of topics
};

void zmtp__subscriptions_init(struct zmtp__subscriptions *set,
                              const struct zmtp_allocator *allocator, size_t count_max,
                              size_t topic_bytes_max, uint64_t seed)
{
    *set = (struct zmtp__subscriptions){.topic_bytes_max = topic_bytes_max, .count_max = count_max};
    zmtp__slots_init(&set->slots, allocator);
    zmtp__topics_init(&set->topics, allocator, &set->slots, seed);
    zmtp__sharers_init(&set->sharers, &set->slots);
}

void zmtp__subscriptions_fini(struct zmtp__subscriptions *set)
{
    while (set->departed)
        zmtp__subscriptions_take(set);
    zmtp__sharers_fini(&set->sharers);
    zmtp__topics_fini(&set->topics);
    zmtp__slots_fini(&set->slots);
}

static struct zmtp__holder *subscriptions_holder(const struct zmtp__subscriptions *set,
                                                 uint32_t slot)
{
    return (struct zmtp__holder *)(void *)zmtp__slots_owner(&set->slots, slot);
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
static int subscriptions_add_new(struct zmtp__subscriptions *set, struct zmtp__holder *holder,
                                 struct zmtp_bytes topic, const struct zmtp__topic_seat *seat)
{
    uint32_t slot;
    int result = zmtp__slots_keep(&set->slots, &holder->slots, topic, &slot);
    if (result < 0) return result;
    result = zmtp__topics_add(&set->topics, topic, seat, slot);
    if (result < 0) zmtp__slots_drop(&set->slots, slot);
    return result;
}

// A link for |holder| to the topic in |slot|.
static int subscriptions_link(struct zmtp__subscriptions *set, struct zmtp__holder *holder,
                              uint32_t slot, uint32_t *link)
{
    const int result = zmtp__slots_link(&set->slots, &holder->slots, link);
    if (result == ZMTP_OK)
        *zmtp__slots_link_at(&set->slots, *link) = (struct zmtp__link){.topic = slot};
    return result;
}

// A topic that one other has at |place|: it becomes nobody's, and both have links to it.
static int subscriptions_add_second(struct zmtp__subscriptions *set, struct zmtp__holder *holder,
                                    struct zmtp_bytes topic, uint32_t *place)
{
    const uint32_t old = zmtp__topics_leaf(place);
    uint32_t slot, first, second;
    int result = zmtp__slots_keep(&set->slots, &set->shared, topic, &slot);
    if (result < 0) return result;
    result = subscriptions_link(set, subscriptions_holder(set, old), slot, &first);
    if (result < 0) goto fail_slot;
    result = subscriptions_link(set, holder, slot, &second);
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

// The way through the front of those who share a topic.
struct subscriptions_front {
    uint32_t last; // link of the front
    size_t count;  // of its links
};

static bool subscriptions_front_full(const struct subscriptions_front *front)
{
    return front->count == SUBSCRIPTIONS_FRONT;
}

// A topic that several have: the new one comes behind the front.
static int subscriptions_add_other(struct zmtp__subscriptions *set, struct zmtp__holder *holder,
                                   const struct subscriptions_front *front)
{
    struct zmtp__link *const before = zmtp__slots_link_at(&set->slots, front->last);
    const bool noted = subscriptions_front_full(front);
    uint32_t link;
    int result = noted ? zmtp__sharers_reserve(&set->sharers) : ZMTP_OK;
    if (result == ZMTP_OK) result = subscriptions_link(set, holder, before->topic, &link);
    if (result < 0) return result;
    if (before->next) zmtp__sharers_replace(&set->sharers, front->last, link);
    zmtp__slots_link_at(&set->slots, link)->next = before->next;
    before->next = link + 1;
    if (noted) zmtp__sharers_note(&set->sharers, front->last);
    return ZMTP_OK;
}

// Is the subscriber in the front of the list that begins with |link|?
static bool subscriptions_in_front(const struct zmtp__subscriptions *set,
                                   const struct zmtp__holder *holder, uint32_t link,
                                   struct subscriptions_front *front)
{
    *front = (struct subscriptions_front){.last = link, .count = 1};
    while (subscriptions_holder(set, front->last) != holder) {
        const uint32_t next = zmtp__slots_link_at(&set->slots, front->last)->next;
        if (next == 0 || subscriptions_front_full(front)) return false;
        front->last = next - 1;
        front->count++;
    }
    return true;
}

// Is the subscriber among those who have the topic of |leaf|? No: |front| tells where others come.
static bool subscriptions_has(const struct zmtp__subscriptions *set,
                              const struct zmtp__holder *holder, uint32_t leaf,
                              struct subscriptions_front *front)
{
    uint32_t link;
    if (!subscriptions_is_shared(leaf, &link)) return subscriptions_holder(set, link) == holder;
    if (subscriptions_in_front(set, holder, link, front)) return true;
    const uint32_t topic = zmtp__slots_link_at(&set->slots, link)->topic;
    return zmtp__sharers_find(&set->sharers, &holder->slots, topic, &link);
}

// Whose topics a subscriber's are; null: there was no memory for it.
static struct zmtp__holder *subscriptions_hold(const struct zmtp__subscriptions *set,
                                               struct zmtp__subscriber *subscriber)
{
    if (subscriber->holder) return subscriber->holder;
    struct zmtp__holder *holder = zmtp_alloc(set->slots.allocator, sizeof *holder);
    if (!holder) return NULL;
    *holder = (struct zmtp__holder){.subscriber = subscriber};
    subscriber->holder = holder;
    return holder;
}

static void subscriptions_let_go(const struct zmtp__subscriptions *set,
                                 struct zmtp__subscriber *subscriber)
{
    if (subscriber->count > 0) return;
    zmtp_free(set->slots.allocator, subscriber->holder, sizeof *subscriber->holder);
    subscriber->holder = NULL;
}

int zmtp__subscriptions_add(struct zmtp__subscriptions *set, struct zmtp__subscriber *subscriber,
                            struct zmtp_bytes topic)
{
    set->changes++;
    struct zmtp__holder *holder = subscriptions_hold(set, subscriber);
    if (!holder) return ZMTP_ERR_MEMORY;
    struct zmtp__topic_seat seat;
    uint32_t *place = zmtp__topics_seek(&set->topics, topic, &seat);
    const uint32_t leaf = place ? zmtp__topics_leaf(place) : 0;
    struct subscriptions_front front = {.count = 0};
    if (place && subscriptions_has(set, holder, leaf, &front)) return ZMTP_OK;
    int result;
    if (!subscriptions_allowed(set, subscriber, topic.size))
        result = ZMTP_ERR_LIMIT;
    else if (!place)
        result = subscriptions_add_new(set, holder, topic, &seat);
    else if (leaf & ZMTP__TOPIC_SHARED)
        result = subscriptions_add_other(set, holder, &front);
    else
        result = subscriptions_add_second(set, holder, topic, place);
    if (result < 0) {
        subscriptions_let_go(set, subscriber);
        return result;
    }
    holder->count++;
    if (subscriber->count++ == 0) set->subscribers++;
    subscriber->topic_bytes += topic.size;
    return ZMTP_OK;
}

// The last subscriber of the topic at |place| has gone.
static void subscriptions_forget(struct zmtp__subscriptions *set, uint32_t *place,
                                 struct zmtp_bytes topic)
{
    const uint32_t slot = zmtp__topic_slot(&set->slots, *place);
    if (*place & ZMTP__TOPIC_NEW) set->news--;
    zmtp__topics_remove(&set->topics, topic, place);
    zmtp__slots_drop(&set->slots, slot);
}

// Takes a link out of the front, which is at |place|; the topic goes with the last one.
static void subscriptions_unlink_front(struct zmtp__subscriptions *set, uint32_t link,
                                       uint32_t *place, struct zmtp_bytes topic)
{
    uint32_t before = link, last;
    (void)subscriptions_is_shared(zmtp__topics_leaf(place), &last); // it is, as the caller knows
    const uint32_t first = last;
    for (size_t i = 1; i < SUBSCRIPTIONS_FRONT; i++) {
        const uint32_t next = zmtp__slots_link_at(&set->slots, last)->next;
        if (next == link + 1) before = last;
        if (next == 0) break;
        last = next - 1;
    }
    // The one behind the front belongs to it from now on. Of a shorter list the last has none.
    if (zmtp__slots_link_at(&set->slots, last)->next) zmtp__sharers_forget(&set->sharers, last);
    const struct zmtp__link at = *zmtp__slots_link_at(&set->slots, link);
    if (link != first) {
        zmtp__slots_link_at(&set->slots, before)->next = at.next;
    } else if (at.next) {
        zmtp__topics_exchange(place, (at.next - 1) | ZMTP__TOPIC_SHARED);
    } else {
        subscriptions_forget(set, place, topic);
    }
    zmtp__slots_drop(&set->slots, link);
}

// The same of one behind the front, which comes after |before|.
static void subscriptions_unlink_noted(struct zmtp__subscriptions *set, uint32_t before)
{
    struct zmtp__link *const at = zmtp__slots_link_at(&set->slots, before);
    const uint32_t link = at->next - 1, next = zmtp__slots_link_at(&set->slots, link)->next;
    zmtp__sharers_forget(&set->sharers, before);
    if (next) zmtp__sharers_replace(&set->sharers, link, before);
    at->next = next;
    zmtp__slots_drop(&set->slots, link);
}

// Takes the holder's link out of the list at |place|. False: it has none.
static bool subscriptions_unlink(struct zmtp__subscriptions *set, const struct zmtp__holder *holder,
                                 uint32_t *place, struct zmtp_bytes topic)
{
    struct subscriptions_front front;
    uint32_t link;
    (void)subscriptions_is_shared(zmtp__topics_leaf(place), &link); // it is, as the caller knows
    if (subscriptions_in_front(set, holder, link, &front)) {
        subscriptions_unlink_front(set, front.last, place, topic);
        return true;
    }
    const uint32_t slot = zmtp__slots_link_at(&set->slots, link)->topic;
    if (!zmtp__sharers_find(&set->sharers, &holder->slots, slot, &link)) return false;
    subscriptions_unlink_noted(set, link);
    return true;
}

// Removes the holder's pair. False: there was none.
static bool subscriptions_release(struct zmtp__subscriptions *set, struct zmtp__holder *holder,
                                  struct zmtp_bytes topic)
{
    struct zmtp__topic_seat seat;
    uint32_t *place = zmtp__topics_seek(&set->topics, topic, &seat);
    uint32_t slot;
    if (!place) return false;
    if (subscriptions_is_shared(zmtp__topics_leaf(place), &slot)) {
        if (!subscriptions_unlink(set, holder, place, topic)) return false;
    } else {
        if (subscriptions_holder(set, slot) != holder) return false;
        subscriptions_forget(set, place, topic);
    }
    holder->count--;
    return true;
}

void zmtp__subscriptions_remove(struct zmtp__subscriptions *set,
                                struct zmtp__subscriber *subscriber, struct zmtp_bytes topic)
{
    set->changes++;
    if (!subscriber->holder || !subscriptions_release(set, subscriber->holder, topic)) return;
    subscriber->topic_bytes -= topic.size;
    if (--subscriber->count > 0) return;
    set->subscribers--;
    subscriptions_let_go(set, subscriber);
}

// The topic of a slot, which may be a link.
static struct zmtp_bytes subscriptions_topic(const struct zmtp__subscriptions *set, uint32_t slot,
                                             bool is_link)
{
    if (is_link) slot = zmtp__slots_link_at(&set->slots, slot)->topic;
    return zmtp__slots_topic(&set->slots, slot);
}

bool zmtp__subscriptions_next(const struct zmtp__subscriptions *set,
                              const struct zmtp__subscriber *subscriber,
                              struct zmtp__slot_cursor *cursor, struct zmtp_bytes *topic)
{
    bool is_link;
    uint32_t slot;
    if (!subscriber->holder) return false;
    if (!zmtp__slots_next(&set->slots, &subscriber->holder->slots, cursor, &is_link, &slot))
        return false;
    *topic = subscriptions_topic(set, slot, is_link);
    return true;
}

// Some topic of the holder's, which has one; good until it is released.
static struct zmtp_bytes subscriptions_any(const struct zmtp__subscriptions *set,
                                           const struct zmtp__holder *holder)
{
    bool is_link = false;
    uint32_t slot;
    const bool any = zmtp__slots_any(&set->slots, &holder->slots, &is_link, &slot);
    assert(any);
    (void)any;
    return subscriptions_topic(set, slot, is_link);
}

void zmtp__subscriptions_clear(struct zmtp__subscriptions *set, struct zmtp__subscriber *subscriber)
{
    set->changes++;
    while (subscriber->count > 0)
        zmtp__subscriptions_remove(set, subscriber, subscriptions_any(set, subscriber->holder));
}

void zmtp__subscriptions_depart(struct zmtp__subscriptions *set,
                                struct zmtp__subscriber *subscriber)
{
    set->changes++;
    struct zmtp__holder *const holder = subscriber->holder;
    if (!holder) return;
    holder->subscriber = NULL;
    *(set->departed ? &set->departed_last->next : &set->departed) = holder;
    set->departed_last = holder;
    set->subscribers--;
    subscriber->holder = NULL;
    subscriber->count = subscriber->topic_bytes = 0;
}

bool zmtp__subscriptions_departed(const struct zmtp__subscriptions *set, struct zmtp_bytes *topic)
{
    if (set->departed) *topic = subscriptions_any(set, set->departed);
    return set->departed;
}

void zmtp__subscriptions_take(struct zmtp__subscriptions *set)
{
    set->changes++;
    struct zmtp__holder *const holder = set->departed;
    (void)subscriptions_release(set, holder, subscriptions_any(set, holder)); // it has it
    if (holder->count > 0) return;
    set->departed = holder->next;
    zmtp_free(set->slots.allocator, holder, sizeof *holder);
}

size_t zmtp__subscriptions_sharers(struct zmtp__subscriptions *set, struct zmtp_bytes topic)
{
    const uint32_t *place = zmtp__topics_find(&set->topics, topic);
    uint32_t link;
    if (!place) return 0;
    if (!subscriptions_is_shared(zmtp__topics_leaf(place), &link)) return 1;
    return zmtp__slots_link_at(&set->slots, link)->next ? 2 : 1;
}

bool zmtp__subscriptions_is_new(struct zmtp__subscriptions *set, struct zmtp_bytes topic)
{
    const uint32_t *place = zmtp__topics_find(&set->topics, topic);
    return place && *place & ZMTP__TOPIC_NEW;
}

uint32_t zmtp__subscriptions_set_new(struct zmtp__subscriptions *set, struct zmtp_bytes topic,
                                     bool is_new)
{
    uint32_t *place = zmtp__topics_find(&set->topics, topic);
    assert(place);
    if (*place & ZMTP__TOPIC_NEW) set->news--;
    *place = (*place & ~ZMTP__TOPIC_NEW) | (is_new ? ZMTP__TOPIC_NEW : 0u);
    if (is_new) set->news++;
    return zmtp__topic_slot(&set->slots, *place);
}

bool zmtp__subscriptions_new_at(struct zmtp__subscriptions *set, uint32_t slot,
                                struct zmtp_bytes *topic)
{
    if (!zmtp__slots_holds(&set->slots, slot)) return false;
    *topic = zmtp__slots_topic(&set->slots, slot);
    const uint32_t *place = zmtp__topics_find(&set->topics, *topic);
    return place && *place & ZMTP__TOPIC_NEW && zmtp__topic_slot(&set->slots, *place) == slot;
}

struct zmtp__matches zmtp__subscriptions_match(struct zmtp__subscriptions *set,
                                               struct zmtp_bytes text)
{
    return (struct zmtp__matches){.set = set,
                                  .prefixes = zmtp__topics_prefixes(&set->topics, text),
                                  .number = ++set->matches};
}

// The first who subscribed to a topic; the others follow.
static struct zmtp__holder *matches_begin(struct zmtp__matches *matches, uint32_t leaf)
{
    uint32_t slot;
    if (subscriptions_is_shared(leaf, &slot))
        matches->link = zmtp__slots_link_at(&matches->set->slots, slot)->next;
    return subscriptions_holder(matches->set, slot);
}

static struct zmtp__holder *matches_any(struct zmtp__matches *matches)
{
    uint32_t leaf;
    if (matches->alone) {
        struct zmtp__holder *const alone = matches->alone;
        matches->alone = NULL;
        return alone;
    }
    if (matches->link) {
        const uint32_t link = matches->link - 1;
        matches->link = zmtp__slots_link_at(&matches->set->slots, link)->next;
        return subscriptions_holder(matches->set, link);
    }
    return zmtp__topic_prefixes_next(&matches->prefixes, &leaf) ? matches_begin(matches, leaf)
                                                                : NULL;
}

struct zmtp__subscriber *zmtp__matches_next(struct zmtp__matches *matches)
{
    struct zmtp__holder *holder;
    while ((holder = matches_any(matches))) {
        struct zmtp__subscriber *const subscriber = holder->subscriber;
        if (!subscriber || subscriber->matched == matches->number) continue;
        subscriber->matched = matches->number;
        return subscriber;
    }
    return NULL;
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
        matches.alone = subscriptions_holder(set, slot);
    return matches;
}

size_t zmtp__subscriptions_topics(const struct zmtp__subscriptions *set, struct zmtp_bytes text,
                                  uint32_t *topics, size_t max)
{
    struct zmtp__topic_prefixes prefixes = zmtp__topics_prefixes(&set->topics, text);
    uint32_t leaf;
    size_t count = 0;
    for (; zmtp__topic_prefixes_next(&prefixes, &leaf); count++)
        if (count < max) topics[count] = leaf;
    return count;
}
