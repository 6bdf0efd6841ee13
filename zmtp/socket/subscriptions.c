#include "subscriptions.h"

#include <assert.h>

// The subscribers of a topic that has more than one.
struct subscriptions_crowd {
    uint32_t capacity;
    struct zmtp__subscriber *at[];
};

static size_t subscriptions_crowd_size(uint32_t capacity)
{
    return sizeof(struct subscriptions_crowd) + capacity * sizeof(struct zmtp__subscriber *);
}

void zmtp__subscriptions_init(struct zmtp__subscriptions *set,
                              const struct zmtp_allocator *allocator, size_t count_max,
                              size_t topic_bytes_max)
{
    *set = (struct zmtp__subscriptions){.topic_bytes_max = topic_bytes_max, .count_max = count_max};
    zmtp__trie_init(&set->topics, allocator);
}

void zmtp__subscriptions_fini(struct zmtp__subscriptions *set)
{
    assert(set->topics.count == 0);
    zmtp__trie_fini(&set->topics);
}

static struct zmtp__subscriber *subscriptions_at(const struct zmtp__key *topic, uint32_t index)
{
    if (topic->count == 1) return topic->value;
    const struct subscriptions_crowd *crowd = topic->value;
    return crowd->at[index];
}

// Where |subscriber| stands among the topic's; its count when it is not there.
static uint32_t subscriptions_index(const struct zmtp__key *topic,
                                    const struct zmtp__subscriber *subscriber)
{
    uint32_t index = 0;
    while (index < topic->count && subscriptions_at(topic, index) != subscriber)
        index++;
    return index;
}

// Adds a subscriber to a topic that has one at least.
static int subscriptions_join(struct zmtp__subscriptions *set, struct zmtp__key *topic,
                              struct zmtp__subscriber *subscriber)
{
    struct subscriptions_crowd *crowd = topic->count > 1 ? topic->value : NULL;
    const uint32_t old = crowd ? crowd->capacity : 0;
    if (!crowd || topic->count == old) {
        if (old > UINT32_MAX / 2) return ZMTP_ERR_LIMIT;
        const uint32_t capacity = old ? old * 2 : 2;
        struct zmtp__subscriber *only = crowd ? NULL : topic->value;
        crowd =
            zmtp_realloc(set->topics.allocator, crowd, crowd ? subscriptions_crowd_size(old) : 0,
                         subscriptions_crowd_size(capacity));
        if (!crowd) return ZMTP_ERR_MEMORY;
        crowd->capacity = capacity;
        if (only) crowd->at[0] = only;
        topic->value = crowd;
    }
    crowd->at[topic->count++] = subscriber;
    return ZMTP_OK;
}

// Removes the subscriber at |index|; the topic goes with the last one.
static void subscriptions_leave(struct zmtp__subscriptions *set, struct zmtp__key *topic,
                                uint32_t index)
{
    if (topic->count == 1) {
        zmtp__trie_remove(&set->topics, topic);
        return;
    }
    struct subscriptions_crowd *crowd = topic->value;
    crowd->at[index] = crowd->at[--topic->count];
    if (topic->count > 1) return;
    topic->value = crowd->at[0];
    zmtp_free(set->topics.allocator, crowd, subscriptions_crowd_size(crowd->capacity));
}

static int subscriptions_reserve(struct zmtp__subscriptions *set,
                                 struct zmtp__subscriber *subscriber)
{
    if (subscriber->count < subscriber->capacity) return ZMTP_OK;
    // By half rather than by two: what a stranger makes us hold is kept close to what he sent.
    const size_t capacity = subscriber->capacity + subscriber->capacity / 2 + 2;
    struct zmtp__key **topics =
        zmtp_realloc(set->topics.allocator, subscriber->topics,
                     subscriber->capacity * sizeof *topics, capacity * sizeof *topics);
    if (!topics) return ZMTP_ERR_MEMORY;
    subscriber->topics = topics;
    subscriber->capacity = capacity;
    return ZMTP_OK;
}

static bool subscriptions_allowed(const struct zmtp__subscriptions *set,
                                  const struct zmtp__subscriber *subscriber, size_t size)
{
    if (set->count_max && subscriber->count >= set->count_max) return false;
    return !set->topic_bytes_max ||
           (size <= set->topic_bytes_max && subscriber->topic_bytes <= set->topic_bytes_max - size);
}

int zmtp__subscriptions_add(struct zmtp__subscriptions *set, struct zmtp__subscriber *subscriber,
                            struct zmtp_bytes topic)
{
    struct zmtp__key *key = zmtp__trie_find(&set->topics, topic);
    if (key && subscriptions_index(key, subscriber) < key->count) return ZMTP_OK;
    if (!subscriptions_allowed(set, subscriber, topic.size)) return ZMTP_ERR_LIMIT;
    int result = subscriptions_reserve(set, subscriber);
    if (result < 0) return result;
    if (key) {
        result = subscriptions_join(set, key, subscriber);
    } else {
        result = zmtp__trie_add(&set->topics, topic, &key);
        if (result == ZMTP_OK) {
            key->count = 1;
            key->value = subscriber;
        }
    }
    if (result < 0) return result;
    if (subscriber->count == 0) set->subscribers++;
    subscriber->topics[subscriber->count++] = key;
    subscriber->topic_bytes += topic.size;
    return ZMTP_OK;
}

// Who subscribes to nothing holds no memory.
static void subscriptions_free(struct zmtp__subscriptions *set, struct zmtp__subscriber *subscriber)
{
    zmtp_free(set->topics.allocator, subscriber->topics,
              subscriber->capacity * sizeof(struct zmtp__key *));
    subscriber->topics = NULL;
    subscriber->count = subscriber->capacity = subscriber->topic_bytes = 0;
}

void zmtp__subscriptions_remove(struct zmtp__subscriptions *set,
                                struct zmtp__subscriber *subscriber, struct zmtp_bytes topic)
{
    struct zmtp__key *key = zmtp__trie_find(&set->topics, topic);
    if (!key) return;
    const uint32_t index = subscriptions_index(key, subscriber);
    if (index == key->count) return;
    // From the end, for what was subscribed last is often cancelled first.
    size_t place = subscriber->count - 1;
    while (subscriber->topics[place] != key)
        place--;
    subscriber->topics[place] = subscriber->topics[--subscriber->count];
    subscriptions_leave(set, key, index);
    subscriber->topic_bytes -= topic.size;
    if (subscriber->count > 0) return;
    set->subscribers--;
    subscriptions_free(set, subscriber);
}

void zmtp__subscriptions_clear(struct zmtp__subscriptions *set, struct zmtp__subscriber *subscriber)
{
    if (subscriber->count > 0) set->subscribers--;
    for (size_t i = 0; i < subscriber->count; i++) {
        struct zmtp__key *topic = subscriber->topics[i];
        subscriptions_leave(set, topic, subscriptions_index(topic, subscriber));
    }
    subscriptions_free(set, subscriber); // also what an add that failed had reserved
}

struct zmtp__matches zmtp__subscriptions_match(struct zmtp__subscriptions *set,
                                               struct zmtp_bytes text)
{
    return (struct zmtp__matches){.prefixes = zmtp__trie_prefixes(&set->topics, text),
                                  .number = ++set->matches};
}

struct zmtp__matches zmtp__subscriptions_equal(struct zmtp__subscriptions *set,
                                               struct zmtp_bytes text)
{
    return (struct zmtp__matches){.topic = zmtp__trie_find(&set->topics, text),
                                  .number = ++set->matches};
}

struct zmtp__subscriber *zmtp__matches_next(struct zmtp__matches *matches)
{
    for (;;) {
        if (!matches->topic || matches->index == matches->topic->count) {
            matches->topic = zmtp__prefixes_next(&matches->prefixes);
            matches->index = 0;
            if (!matches->topic) return NULL;
        }
        struct zmtp__subscriber *subscriber = subscriptions_at(matches->topic, matches->index++);
        if (subscriber->matched != matches->number) {
            subscriber->matched = matches->number;
            return subscriber;
        }
    }
}
