// Who shares a topic is a list of links (slots.h), each of which names the next. Here it is found where in
// such a list a subscriber is, however many share that topic: else each subscription to it, and each end of
// one, would cost as many steps as there are others, and a few strangers could keep a publisher busy.
//
// What is found is the link before the subscriber's, so that that one can be taken out. It takes 5 to 8
// octets for each link that was noted.
#ifndef ZMTP_SOCKET_SHARERS_H
#define ZMTP_SOCKET_SHARERS_H

#include "slots.h"

// Places of a table, each of a link plus one; 0: free.
struct zmtp__sharers {
    const struct zmtp__slots *slots;
    uint32_t *places;
    uint32_t capacity, count;
};

void zmtp__sharers_init(struct zmtp__sharers *sharers, const struct zmtp__slots *slots);
// Every link must have been forgotten.
void zmtp__sharers_fini(struct zmtp__sharers *sharers);

// Sees to room for one more. ZMTP_ERR_MEMORY.
int zmtp__sharers_reserve(struct zmtp__sharers *sharers);
// There is room. |link| has another after it, which is found from now on; its list must not change there
// before that is forgotten, or the link before it is replaced.
void zmtp__sharers_note(struct zmtp__sharers *sharers, uint32_t link);
// |link| was noted, and its successor is not to be found any more. This needs no memory.
void zmtp__sharers_forget(struct zmtp__sharers *sharers, uint32_t link);
// |link| was noted, and |by| is about to stand before its successor instead.
void zmtp__sharers_replace(struct zmtp__sharers *sharers, uint32_t link, uint32_t by);
// The link before the one of |owner| among those who share the topic in slot |topic|. False: it was not
// noted.
bool zmtp__sharers_find(const struct zmtp__sharers *sharers, const struct zmtp__slot_owner *owner,
                        uint32_t topic, uint32_t *link);

#endif
