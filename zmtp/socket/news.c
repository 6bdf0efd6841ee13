#include "news.h"

#include <assert.h>
#include <string.h>

enum { NEWS_QUEUE_LEAST = 16 };

void zmtp__news_init(struct zmtp__news *news, const struct zmtp_allocator *allocator,
                     struct zmtp__subscriptions *set)
{
    *news = (struct zmtp__news){.set = set};
    zmtp__trie_init(&news->topics, allocator);
    news->ring = (struct zmtp__news_item){.next = &news->ring, .previous = &news->ring};
}

// The queue.

static void news_queue_free(struct zmtp__news *news)
{
    zmtp_free(news->topics.allocator, news->queue, news->capacity * sizeof *news->queue);
    news->queue = NULL;
    news->passed += news->end;
    news->head = news->end = news->capacity = 0;
}

// Those that were told make room.
static void news_queue_move(struct zmtp__news *news)
{
    memmove(news->queue, news->queue + news->head, (news->end - news->head) * sizeof *news->queue);
    news->passed += news->head;
    news->end -= news->head;
    news->head = 0;
}

// Those that are not new any more, and those that stand there twice, go; the others are not new while others are
// looked for.
static void news_queue_sift(struct zmtp__news *news)
{
    const struct zmtp__news_item *const ring = &news->ring;
    struct zmtp__news_item *item = news->ring.next;
    struct zmtp_bytes topic;
    size_t kept = news->head;
    for (size_t i = news->head; i < news->end; i++) {
        for (; item != ring && item->after <= news->passed + i; item = item->next)
            item->after = news->passed + kept;
        if (!zmtp__subscriptions_new_at(news->set, news->queue[i], &topic)) continue;
        news->queue[kept++] = zmtp__subscriptions_set_new(news->set, topic, false);
    }
    for (; item != ring; item = item->next)
        item->after = news->passed + kept;
    news->end = kept;
    for (size_t i = news->head; i < kept; i++) {
        topic = zmtp__slots_topic(&news->set->slots, news->queue[i]);
        (void)zmtp__subscriptions_set_new(news->set, topic, true); // its slot is known
    }
}

// Has a place for one more.
static int news_queue_reserve(struct zmtp__news *news)
{
    if (news->end < news->capacity) return ZMTP_OK;
    const size_t count = news->end - news->head;
    if (count / 2 > news->set->news) news_queue_sift(news);
    if (news->head > count / 2) news_queue_move(news);
    if (news->end < news->capacity) return ZMTP_OK;
    // By half rather than by two: what a stranger makes us hold is kept close to what he sent.
    const size_t old = news->capacity, capacity = old + old / 2 + NEWS_QUEUE_LEAST;
    uint32_t *queue = zmtp_realloc(news->topics.allocator, news->queue, old * sizeof *queue,
                                   capacity * sizeof *queue);
    if (!queue) return ZMTP_ERR_MEMORY;
    news->queue = queue;
    news->capacity = capacity;
    return ZMTP_OK;
}

void zmtp__news_tidy(struct zmtp__news *news)
{
    if (news->set->news == 0 && news->capacity > 0) news_queue_free(news);
}

// Its first one that is new still, with the topic. False: there is none.
static bool news_queue_first(struct zmtp__news *news, struct zmtp_bytes *topic)
{
    for (; news->head < news->end; news->head++)
        if (zmtp__subscriptions_new_at(news->set, news->queue[news->head], topic)) return true;
    if (news->capacity > 0) news_queue_free(news);
    return false;
}

// The items.

static void news_unlist(struct zmtp__news_item *item)
{
    if (!item->next) return;
    item->next->previous = item->previous;
    item->previous->next = item->next;
    item->next = item->previous = NULL;
}

static void news_forget(struct zmtp__news *news, struct zmtp__news_item *item)
{
    zmtp__trie_remove(&news->topics, item->key);
    zmtp_free(news->topics.allocator, item, sizeof *item);
}

// Lists the item if there is something to tell, and forgets one that the user knows all about.
static void news_settle(struct zmtp__news *news, struct zmtp__news_item *item)
{
    if (item->owed == 0 && item->known == item->subscribed) {
        news_unlist(item);
        if (item->awaited == 0) news_forget(news, item);
    } else if (!item->next) {
        item->after = news->passed + news->end;
        item->next = &news->ring;
        item->previous = news->ring.previous;
        item->next->previous = item;
        item->previous->next = item;
    }
}

void zmtp__news_fini(struct zmtp__news *news)
{
    struct zmtp__key *key;
    while ((key = zmtp__trie_next(&news->topics, NULL))) {
        struct zmtp__news_item *item = key->value;
        news_unlist(item);
        news_forget(news, item);
    }
    zmtp__trie_fini(&news->topics);
    news_queue_free(news);
}

int zmtp__news_expect(struct zmtp__news *news, struct zmtp_bytes topic, bool known)
{
    struct zmtp__key *key = zmtp__trie_find(&news->topics, topic);
    if (key) return ZMTP_OK;
    if (!known) return news_queue_reserve(news);
    struct zmtp__news_item *item = zmtp_alloc(news->topics.allocator, sizeof *item);
    if (!item) return ZMTP_ERR_MEMORY;
    const int result = zmtp__trie_add(&news->topics, topic, &key);
    if (result < 0) {
        zmtp_free(news->topics.allocator, item, sizeof *item);
        return result;
    }
    *item = (struct zmtp__news_item){.key = key, .subscribed = true, .known = true};
    key->value = item;
    return ZMTP_OK;
}

void zmtp__news_set(struct zmtp__news *news, struct zmtp_bytes topic, bool subscribed, bool told)
{
    struct zmtp__key *key = zmtp__trie_find(&news->topics, topic);
    if (!key && subscribed && !told) {
        assert(news->end < news->capacity); // as was seen to
        news->queue[news->end++] = zmtp__subscriptions_set_new(news->set, topic, true);
    }
    if (!key) return;
    struct zmtp__news_item *item = key->value;
    item->subscribed = subscribed;
    if (told) item->known = subscribed;
    news_settle(news, item);
}

void zmtp__news_await(struct zmtp__news *news, struct zmtp_bytes topic)
{
    struct zmtp__key *key = zmtp__trie_find(&news->topics, topic);
    if (key) ((struct zmtp__news_item *)key->value)->awaited++;
}

void zmtp__news_awaited(struct zmtp__news *news, struct zmtp_bytes topic, bool owed)
{
    struct zmtp__key *key = zmtp__trie_find(&news->topics, topic);
    struct zmtp__news_item *item = key ? key->value : NULL;
    if (!item || item->awaited == 0) return;
    item->awaited--;
    if (owed) item->owed++;
    news_settle(news, item);
}

bool zmtp__news_knows(const struct zmtp__news *news, struct zmtp_bytes topic)
{
    const struct zmtp__key *key = zmtp__trie_find(&news->topics, topic);
    return key && ((const struct zmtp__news_item *)key->value)->known;
}

bool zmtp__news_is_new(const struct zmtp__news *news, struct zmtp_bytes topic)
{
    const struct zmtp__key *key = zmtp__trie_find(&news->topics, topic);
    return key ? !((const struct zmtp__news_item *)key->value)->known
               : zmtp__subscriptions_is_new(news->set, topic);
}

// The item that comes before the first one of the queue, which is there unless there is none; null: none does.
static struct zmtp__news_item *news_item_first(struct zmtp__news *news)
{
    struct zmtp__news_item *item = news->ring.next;
    if (item == &news->ring) return NULL;
    return news->head == news->end || item->after <= news->passed + news->head ? item : NULL;
}

bool zmtp__news_first(struct zmtp__news *news, bool *subscribed, struct zmtp_bytes *topic)
{
    const bool queued = news_queue_first(news, topic);
    const struct zmtp__news_item *item = news_item_first(news);
    *subscribed = item ? item->owed == 0 && item->subscribed : queued;
    if (item) *topic = zmtp__key_bytes(item->key);
    return item || queued;
}

void zmtp__news_told(struct zmtp__news *news)
{
    struct zmtp__news_item *item = news_item_first(news);
    if (!item) {
        assert(news->head < news->end); // its first one is new, as zmtp__news_first has seen
        const struct zmtp_bytes topic =
            zmtp__slots_topic(&news->set->slots, news->queue[news->head]);
        // Its slot needs no place any more.
        (void)zmtp__subscriptions_set_new(news->set, topic, false);
        news->head++;
        return;
    }
    if (item->owed > 0)
        item->owed--;
    else
        item->known = item->subscribed;
    news_settle(news, item);
}
