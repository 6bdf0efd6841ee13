// Topics that are counted: how often each was added and not removed yet, as a subscriber keeps its own (wishes.h).
// They lie where a publisher's do, in slots (slots.h), and are found as those (topics.h), so one that was added once
// costs itself and 12 to 14 octets, 14 to 17 above 16 octets and 26 to 32 above 64; one that was added again 10 more.
#ifndef ZMTP_SOCKET_TALLY_H
#define ZMTP_SOCKET_TALLY_H

#include "topics.h"

// May not move once initialised.
struct zmtp__tally {
    struct zmtp__slots slots;
    struct zmtp__slot_owner owner; // of all of them
    struct zmtp__topics topics;
};

// |seed|: what nobody else should know who has a say in which topics there are.
void zmtp__tally_init(struct zmtp__tally *tally, const struct zmtp_allocator *allocator,
                      uint64_t seed);
void zmtp__tally_fini(struct zmtp__tally *tally); // removes all

// How many topics there are, and how often |topic| was added: 0, there is none.
size_t zmtp__tally_topics(const struct zmtp__tally *tally);
uint32_t zmtp__tally_count(struct zmtp__tally *tally, struct zmtp_bytes topic);
// Counts it up. ZMTP_ERR_MEMORY, and ZMTP_ERR_LIMIT when there is no number for another topic, change nothing.
int zmtp__tally_add(struct zmtp__tally *tally, struct zmtp_bytes topic);
// Counts one down that is there. This needs no memory.
void zmtp__tally_remove(struct zmtp__tally *tally, struct zmtp_bytes topic);

// Does |text| begin with any of them?
bool zmtp__tally_begins(const struct zmtp__tally *tally, struct zmtp_bytes text);

// All topics, each once, in no order; they must not change meanwhile. Begin with zeroes; false: no more.
bool zmtp__tally_next(const struct zmtp__tally *tally, struct zmtp__slot_cursor *cursor,
                      struct zmtp_bytes *topic);

#endif
