// Where topics are kept: in slots of their size, up to 32 in a block, so that a topic costs little more
// than its octets and its share of one. A block belongs to one owner, so who owns a slot is told by where it
// is, and all that an owner has is found by walking through its blocks: no slot needs to say either. The first
// blocks of a kind have few slots, as most owners have few topics.
//
// A topic of up to 67 octets lies in its slot. Up to 16 octets each size has slots of its own; in a longer topic's an
// octet before it says how many there are, and above 67 the slot has the address. Another kind of slot is a link, of
// lists of those who share a topic.
#ifndef ZMTP_SOCKET_SLOTS_H
#define ZMTP_SOCKET_SLOTS_H

#include "../base.h"

// Slots by what is in them: a kind for each size of a topic up to 16 octets, nine for several sizes each, then these.
enum { ZMTP__SLOT_EXACT = 16, ZMTP__SLOT_LONG = 26, ZMTP__SLOT_LINK, ZMTP__SLOT_KINDS };
// Slots have numbers, below this one, which stay while they are in use.
enum { ZMTP__SLOT_MAX = 1 << 29 };

// The blocks of one owner: those of a kind that have room, and the full ones of all kinds; numbers of blocks
// plus one, 0: none. An owner starts zeroed.
struct zmtp__slot_owner {
    uint32_t first[ZMTP__SLOT_KINDS], full;
    uint8_t opened[ZMTP__SLOT_KINDS]; // blocks of a kind so far, up to those that are not small
};

struct zmtp__link {
    uint32_t topic; // its slot
    uint32_t next;  // the next link's slot plus one; 0: the last
};

struct zmtp__slot_block;
union zmtp__slot_place;

struct zmtp__slots {
    const struct zmtp_allocator *allocator;
    union zmtp__slot_place *places; // of blocks, by number
    uint32_t count, capacity;       // of places, used ever; and there are
    uint32_t free;                  // the first place without a block, plus one; 0: none
    uint32_t blocks;
};

void zmtp__slots_init(struct zmtp__slots *slots, const struct zmtp_allocator *allocator);
// Every slot must have been given back.
void zmtp__slots_fini(struct zmtp__slots *slots);

// Copies a topic into a new slot. ZMTP_ERR_MEMORY; ZMTP_ERR_LIMIT when there are no more numbers.
int zmtp__slots_keep(struct zmtp__slots *slots, struct zmtp__slot_owner *owner,
                     struct zmtp_bytes topic, uint32_t *slot);
int zmtp__slots_link(struct zmtp__slots *slots, struct zmtp__slot_owner *owner, uint32_t *slot);
// Gives a slot back, with the topic. This needs no memory.
void zmtp__slots_drop(struct zmtp__slots *slots, uint32_t slot);

// The octets of a topic's slot; they stay where they are until it is dropped.
struct zmtp_bytes zmtp__slots_topic(const struct zmtp__slots *slots, uint32_t slot);
// Has it these? This need not wait for the block to know where in it they would be.
bool zmtp__slots_topic_is(const struct zmtp__slots *slots, uint32_t slot, struct zmtp_bytes topic);
// Is there a topic in |slot|, which once was one's?
bool zmtp__slots_holds(const struct zmtp__slots *slots, uint32_t slot);
struct zmtp__link *zmtp__slots_link_at(const struct zmtp__slots *slots, uint32_t slot);
struct zmtp__slot_owner *zmtp__slots_owner(const struct zmtp__slots *slots, uint32_t slot);
// Some slot of the owner's, which is a link or a topic's; until that is dropped, the same. False: it has none.
bool zmtp__slots_any(const struct zmtp__slots *slots, const struct zmtp__slot_owner *owner,
                     bool *is_link, uint32_t *slot);

// All slots of an owner. The one that was given, and nothing else, may be dropped before the next is asked for;
// some may be given twice. Begin with zeroes; false: no more.
struct zmtp__slot_cursor {
    uint32_t lists; // so many are done
    uint32_t block; // the next one, plus one; 0: another list begins
    uint32_t slot;  // the first of the block that is at hand
    uint32_t left;  // slots of it, as bits
    bool is_link;
};
bool zmtp__slots_next(const struct zmtp__slots *slots, const struct zmtp__slot_owner *owner,
                      struct zmtp__slot_cursor *cursor, bool *is_link, uint32_t *slot);

#endif
