// Memory as processors show it to threads, for models that try every order of steps. Two kinds: that of x86, where
// stores wait in a queue of their processor's before others see them; and one that is weaker than ARM's, where a load
// may give any value that is not older than what its thread knows of, and a thread learns by acquires what another knew
// when it released, and by fences what others did at theirs.
#ifndef TEST_SUPPORT_MEMORIES_H
#define TEST_SUPPORT_MEMORIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Sanitizers look at the program that tries, which has one thread, and have it take minutes: a small part is theirs.
#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__ ||                                 \
    __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

enum { THREADS = 3, PLACES = 8, HISTORY = 12, QUEUE = 8 };
enum order { RELAXED, ACQUIRE, RELEASE, SEQUENTIAL };
enum memory { STRONG, WEAK };

// What places are for, which tells what of their past can still be seen.
enum use {
    LOOKED_AT, // by loads
    TAKEN,     // by exchanges and stores alone
    OWNED,     // read and written by one at a time, who must know of the last value
};

struct message {
    uint8_t value;
    uint8_t view[PLACES];
};

// Equal octets are equal states.
struct memories {
    uint8_t
        wrong; // 'r': a place was read by one who does not know of the last value; 'h', 'q': too small a model
    bool gone[THREADS]; // they look at nothing any more
    // Weak memory: of each place the values that somebody may still see, the last last.
    uint8_t count[PLACES];
    struct message messages[PLACES][HISTORY];
    uint8_t knows[THREADS][PLACES]; // from which message on
    uint8_t heard[THREADS][PLACES]; // what a fence would have it know besides
    uint8_t told[THREADS][PLACES];  // what it knew at its last fence
    uint8_t all[PLACES];            // of sequentially consistent operations
    // Strong memory.
    uint8_t value[PLACES];
    uint8_t queued[THREADS];
    uint8_t queue[THREADS][QUEUE][2];
};

extern enum memory memory; // which kind

// What places are for counts for all that follow.
void memory_begin(struct memories *s, const uint8_t first[PLACES], const enum use uses[PLACES]);
uint8_t memory_last(const struct memories *s, size_t place);
// A store of |t| is seen by all. False: none waits.
bool memory_drain(struct memories *s, size_t t);
void fence(struct memories *s, size_t t);
void store(struct memories *s, size_t t, size_t place, uint8_t value, enum order order);
// The values that a load may give are tried in turns: |choice| from 0 on. False: there are no more.
bool load(struct memories *s, size_t t, size_t place, enum order order, unsigned choice,
          uint8_t *value);
uint8_t exchange(struct memories *s, size_t t, size_t place, uint8_t value);
// Of a place that is owned.
uint8_t own_read(struct memories *s, size_t t, size_t place);
void own_write(struct memories *s, size_t t, size_t place, uint8_t value);

#endif
