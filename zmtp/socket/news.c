#include "news.h"

void zmtp__news_init(struct zmtp__news *news, const struct zmtp_allocator *allocator)
{
    zmtp__trie_init(&news->topics, allocator);
    news->ring = (struct zmtp__news_item){.next = &news->ring, .previous = &news->ring};
}

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
}

int zmtp__news_expect(struct zmtp__news *news, struct zmtp_bytes topic, bool known)
{
    struct zmtp__key *key = zmtp__trie_find(&news->topics, topic);
    if (key) return ZMTP_OK;
    struct zmtp__news_item *item = zmtp_alloc(news->topics.allocator, sizeof *item);
    if (!item) return ZMTP_ERR_MEMORY;
    const int result = zmtp__trie_add(&news->topics, topic, &key);
    if (result < 0) {
        zmtp_free(news->topics.allocator, item, sizeof *item);
        return result;
    }
    *item = (struct zmtp__news_item){.key = key, .subscribed = known, .known = known};
    key->value = item;
    return ZMTP_OK;
}

void zmtp__news_set(struct zmtp__news *news, struct zmtp_bytes topic, bool subscribed, bool told)
{
    struct zmtp__key *key = zmtp__trie_find(&news->topics, topic);
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
    return key && !((const struct zmtp__news_item *)key->value)->known;
}

const struct zmtp__news_item *zmtp__news_first(const struct zmtp__news *news)
{
    return news->ring.next == &news->ring ? NULL : news->ring.next;
}

bool zmtp__news_says(const struct zmtp__news_item *item)
{
    return item->owed == 0 && item->subscribed;
}

void zmtp__news_told(struct zmtp__news *news)
{
    struct zmtp__news_item *item = news->ring.next;
    if (item->owed > 0)
        item->owed--;
    else
        item->known = item->subscribed;
    news_settle(news, item);
}
