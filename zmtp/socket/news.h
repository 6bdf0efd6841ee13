// What the user of an XPUB is still to be told of subscriptions. For each topic there is what is so
// now, what the user knows, and how many ends of subscriptions are owed on top; so news that nobody
// fetches never grow beyond the topics that there are, and those that undo each other are gone. Of a topic
// of which the user knows what is so, nothing is kept.
//
// Mostly there is but one thing to tell, that a topic is subscribed: then the topic itself, which lies in the set of
// subscriptions, is noted to be new there, and its slot stands in a queue: 4 to 6 octets each, and twice as much while
// some of them have ended again. All else has an item of its own.
#ifndef ZMTP_SOCKET_NEWS_H
#define ZMTP_SOCKET_NEWS_H

#include "subscriptions.h"
#include "trie.h"

struct zmtp__news_item {
    struct zmtp__news_item *next, *previous; // a ring of those to be told; null: nothing to tell
    struct zmtp__key *key;
    bool subscribed, known; // by anybody; as far as the user knows
    uint32_t owed;
    uint32_t awaited; // ends that somebody else is to tell, and may fail to
    uint64_t after;   // so many of those that ever stood in the queue come before it
};

struct zmtp__news {
    struct zmtp__trie topics; // a key's value is its item
    struct zmtp__news_item ring;
    struct zmtp__subscriptions *set;
    uint32_t *queue; // slots of topics that are new, and of some that are not any more
    size_t head, end, capacity;
    uint64_t passed; // that stood there before the first place
};

void zmtp__news_init(struct zmtp__news *news, const struct zmtp_allocator *allocator,
                     struct zmtp__subscriptions *set);
void zmtp__news_fini(struct zmtp__news *news);

// Sees to memory for |topic|, which is about to be subscribed, or to be not subscribed, as the user knows it is
// if |known|. The calls below need none for it then, until one of them finds that nothing is left to tell.
// ZMTP_ERR_MEMORY.
int zmtp__news_expect(struct zmtp__news *news, struct zmtp_bytes topic, bool known);
// |topic| is subscribed by somebody, as it is in the set as well, or by nobody. |told|: the user hears of it by other
// means. What is new and gets a second subscriber is set once more, as its slot is another one then.
void zmtp__news_set(struct zmtp__news *news, struct zmtp_bytes topic, bool subscribed, bool told);
// Topics have ended in the set: where none is new any more nothing is kept of those that were.
void zmtp__news_tidy(struct zmtp__news *news);
// One that was expected has ended and the user will hear of it by other means, or with |owed| in the end not;
// the topic is remembered meanwhile, so that this needs no memory.
void zmtp__news_await(struct zmtp__news *news, struct zmtp_bytes topic);
void zmtp__news_awaited(struct zmtp__news *news, struct zmtp_bytes topic, bool owed);

// Of a topic that nobody subscribes to: has the user heard that somebody does, and not yet of the end?
bool zmtp__news_knows(const struct zmtp__news *news, struct zmtp_bytes topic);
// Of one that somebody subscribes to: is the user still to be told?
bool zmtp__news_is_new(const struct zmtp__news *news, struct zmtp_bytes topic);
// The first thing to tell: that the topic is subscribed, or that it is not. False: nothing.
bool zmtp__news_first(struct zmtp__news *news, bool *subscribed, struct zmtp_bytes *topic);
void zmtp__news_told(struct zmtp__news *news); // what zmtp__news_first has just found was told

#endif
