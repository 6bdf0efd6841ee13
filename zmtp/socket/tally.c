#include "tally.h"

#include <assert.h>

void zmtp__tally_init(struct zmtp__tally *tally, const struct zmtp_allocator *allocator,
                      uint64_t seed)
{
    tally->owner = (struct zmtp__slot_owner){.full = 0};
    zmtp__slots_init(&tally->slots, allocator);
    zmtp__topics_init(&tally->topics, allocator, &tally->slots, seed);
}

size_t zmtp__tally_topics(const struct zmtp__tally *tally)
{
    return zmtp__topics_count(&tally->topics);
}

// The link of a topic that was added several times, whose count is where another list has the next one; null: it
// was added once.
static struct zmtp__link *tally_link(const struct zmtp__tally *tally, uint32_t leaf)
{
    if (!(leaf & ZMTP__TOPIC_SHARED)) return NULL;
    return zmtp__slots_link_at(&tally->slots, leaf & ~(uint32_t)ZMTP__TOPIC_SHARED);
}

uint32_t zmtp__tally_count(struct zmtp__tally *tally, struct zmtp_bytes topic)
{
    const uint32_t *place = zmtp__topics_find(&tally->topics, topic);
    if (!place) return 0;
    const struct zmtp__link *link = tally_link(tally, zmtp__topics_leaf(place));
    return link ? link->next : 1;
}

static int tally_add_new(struct zmtp__tally *tally, struct zmtp_bytes topic,
                         const struct zmtp__topic_seat *seat)
{
    uint32_t slot;
    int result = zmtp__slots_keep(&tally->slots, &tally->owner, topic, &slot);
    if (result < 0) return result;
    result = zmtp__topics_add(&tally->topics, topic, seat, slot);
    if (result < 0) zmtp__slots_drop(&tally->slots, slot);
    return result;
}

int zmtp__tally_add(struct zmtp__tally *tally, struct zmtp_bytes topic)
{
    struct zmtp__topic_seat seat;
    uint32_t *place = zmtp__topics_seek(&tally->topics, topic, &seat), slot;
    if (!place) return tally_add_new(tally, topic, &seat);
    const uint32_t leaf = zmtp__topics_leaf(place);
    struct zmtp__link *link = tally_link(tally, leaf);
    if (link) {
        if (link->next == UINT32_MAX) return ZMTP_ERR_LIMIT;
        link->next++;
        return ZMTP_OK;
    }
    const int result = zmtp__slots_link(&tally->slots, &tally->owner, &slot);
    if (result < 0) return result;
    *zmtp__slots_link_at(&tally->slots, slot) = (struct zmtp__link){.topic = leaf, .next = 2};
    zmtp__topics_exchange(place, slot | ZMTP__TOPIC_SHARED);
    return ZMTP_OK;
}

void zmtp__tally_remove(struct zmtp__tally *tally, struct zmtp_bytes topic)
{
    struct zmtp__topic_seat seat;
    uint32_t *place = zmtp__topics_seek(&tally->topics, topic, &seat);
    assert(place);
    const uint32_t leaf = zmtp__topics_leaf(place);
    struct zmtp__link *link = tally_link(tally, leaf);
    if (!link) {
        zmtp__topics_remove(&tally->topics, topic, place);
        zmtp__slots_drop(&tally->slots, leaf);
    } else if (--link->next == 1) {
        zmtp__topics_exchange(place, link->topic);
        zmtp__slots_drop(&tally->slots, leaf & ~(uint32_t)ZMTP__TOPIC_SHARED);
    }
}

bool zmtp__tally_begins(const struct zmtp__tally *tally, struct zmtp_bytes text)
{
    uint32_t leaf;
    if (tally->topics.table.of_size[0] > 0) return true; // the empty one, to which most subscribe
    struct zmtp__topic_prefixes prefixes = zmtp__topics_prefixes(&tally->topics, text);
    return zmtp__topic_prefixes_next(&prefixes, &leaf);
}

bool zmtp__tally_next(const struct zmtp__tally *tally, struct zmtp__slot_cursor *cursor,
                      struct zmtp_bytes *topic)
{
    bool is_link;
    uint32_t slot;
    do {
        if (!zmtp__slots_next(&tally->slots, &tally->owner, cursor, &is_link, &slot)) return false;
    } while (is_link);
    *topic = zmtp__slots_topic(&tally->slots, slot);
    return true;
}

void zmtp__tally_fini(struct zmtp__tally *tally)
{
    bool is_link;
    uint32_t slot;
    while (zmtp__slots_any(&tally->slots, &tally->owner, &is_link, &slot)) {
        if (is_link) slot = zmtp__slots_link_at(&tally->slots, slot)->topic;
        zmtp__tally_remove(tally, zmtp__slots_topic(&tally->slots, slot));
    }
    zmtp__topics_fini(&tally->topics);
    zmtp__slots_fini(&tally->slots);
}
