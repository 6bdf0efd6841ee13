// What the user of an XPUB is still to be told of subscriptions. For each topic there is what is so
// now, what the user knows, and how many ends of subscriptions are owed on top; so news that nobody
// fetches never grow beyond the topics that there are, and those that undo each other are gone. Of a topic
// of which the user knows what is so, nothing is kept.
#ifndef ZMTP_SOCKET_NEWS_H
#define ZMTP_SOCKET_NEWS_H

#include "trie.h"

struct zmtp__news_item {
    struct zmtp__news_item *next, *previous; // a ring of those to be told; null: nothing to tell
    struct zmtp__key *key;
    bool subscribed, known; // by anybody; as far as the user knows
    uint32_t owed;
    uint32_t awaited; // ends that somebody else is to tell, and may fail to
};

struct zmtp__news {
    struct zmtp__trie topics; // a key's value is its item
    struct zmtp__news_item ring;
};

void zmtp__news_init(struct zmtp__news *news, const struct zmtp_allocator *allocator);
void zmtp__news_fini(struct zmtp__news *news);

// Sees to memory for |topic|, which is about to be subscribed, or to be not subscribed, as the user knows it is
// if |known|. The calls below need none for it then, until one of them finds that nothing is left to tell.
// ZMTP_ERR_MEMORY.
int zmtp__news_expect(struct zmtp__news *news, struct zmtp_bytes topic, bool known);
// |topic| is subscribed by somebody, or by nobody. |told|: the user hears of it by other means.
void zmtp__news_set(struct zmtp__news *news, struct zmtp_bytes topic, bool subscribed, bool told);
// One that was expected has ended and the user will hear of it by other means, or with |owed| in the end not;
// the topic is remembered meanwhile, so that this needs no memory.
void zmtp__news_await(struct zmtp__news *news, struct zmtp_bytes topic);
void zmtp__news_awaited(struct zmtp__news *news, struct zmtp_bytes topic, bool owed);

// Of a topic that nobody subscribes to: has the user heard that somebody does, and not yet of the end?
bool zmtp__news_knows(const struct zmtp__news *news, struct zmtp_bytes topic);
// Of one that somebody subscribes to: is the user still to be told?
bool zmtp__news_is_new(const struct zmtp__news *news, struct zmtp_bytes topic);
// The first thing to tell; null: nothing.
const struct zmtp__news_item *zmtp__news_first(const struct zmtp__news *news);
// Is it that the topic is subscribed, or that it is not?
bool zmtp__news_says(const struct zmtp__news_item *item);
void zmtp__news_told(struct zmtp__news *news); // the first was told

#endif
