// Whether to look again and again for a while before a sleep. A sleep and the wake-up from it take several times as
// long as a message; but who looks has a processor that somebody else may need, the other side of all. So the rule
// learns. It asks no clock: the caller says what time it is, and looks.
//
// - Eight spins in a row that found something save as much time as one may last, and no more than eight times that is
//   kept.
// - One in vain costs the time that it took. So does one that found something after twice its limit or later, if the
//   system has taken the processor from this thread meanwhile; where it was the whole machine that stood still, it costs a
//   limit. No spin costs more than 64 limits.
// - With each eighth the system is asked how often it has taken the processor from this thread meanwhile. If for half of
//   the eight, nothing is saved, and it costs a limit: where both sides share one processor, either finds what it waits for
//   by being interrupted for the other. Some other thread that wakes up now and then, as the watch of a context does, is no
//   reason.
// - What the savings do not cover is owed, and until 64 times as long has passed no other spin begins. The next time, if
//   there were no eight good ones in between, until 128 times as long, and so on up to 1024.
//
// Where nobody has said how long a spin may be, there are some only where they are worth what they take of a processor:
// - They are tried after eight brief sleeps in a row, as those of a conversation are: most of such a sleep is the time that
//   it takes to wake up, first the other side and then this one. A spin may then last half as long again, since the other
//   side sleeps as yet, and what four of them cost is lent.
// - What such a sleep takes of this thread's processor, with the work between two of them, has been measured. A spin may
//   take half as much again, since it saves the other side's wake-up, too; but no more than three quarters of the time, or
//   nothing is gained. What it takes beyond that is what it costs. So where only one side spins, or the answer takes long,
//   the loan is used up, and all of it is owed.
// - Where eight were good, both sides do not sleep any more. From then on one lasts as long as a sleep at most.
// Both sides see the same brief sleeps, so they try at about the same time, and find each other.
//
// So spins in vain, and what is in vain of others, take at most 1/64 of the time, falling to 1/1024, and, of those that
// find something, an eighth of a limit for each. Where eight of nine find something they go on without a break; where
// things have changed for the better, that is noticed after 1024 limits at the latest.
#ifndef ZMTP_BASE_SPIN_H
#define ZMTP_BASE_SPIN_H

#include "../base.h"

// The limit when nobody has said one.
#define ZMTP__SPIN_UNASKED UINT64_MAX

struct zmtp__spin {
    uint64_t limit_ns;  // of one; 0: there are none
    uint64_t late_ns;   // from here on one that finds something was in vain
    uint64_t saved_ns;  // what spins in vain may cost
    uint64_t lent_ns;   // what of that has not been saved, but will be owed
    uint64_t begun_ns;  // when the last one began
    uint64_t resume_ns; // none begins before
    uint64_t
        unsure_ns;   // what the last one costs if the processor was taken; 0: that is no question
    uint64_t taken;  // how often the processor had been taken, as told last
    unsigned found;  // good ones in a row; the first of them is where counting begins
    unsigned doubts; // doublings of what is owed
    // Unasked ones. |late_ns| is from one thing that came to the next, with the work between.
    bool unasked;
    bool settled;      // eight were good
    unsigned briefs;   // brief sleeps in a row
    uint64_t brief_ns; // what they took lately
    uint64_t came_ns;  // when something came last
    uint64_t slept_ns; // all of them but the first
    uint64_t used_ns;  // the thread's processor time at the end of the first, and when that was
    uint64_t since_ns;
    uint64_t work_ns; // between two of them
};

// |limit_ns| 0: there are none.
void zmtp__spin_init(struct zmtp__spin *spin, uint64_t limit_ns);
// The caller has nothing to do and would sleep: may it look for a while first?
bool zmtp__spin_begin(struct zmtp__spin *spin, uint64_t now_ns);
// It did; what it looked for has come, or not. True: zmtp__spin_taken is to be told.
bool zmtp__spin_end(struct zmtp__spin *spin, uint64_t now_ns, bool found);
// How often the system took the processor from this thread while it could have gone on, since ever. Where that is not
// known, always the same number.
void zmtp__spin_taken(struct zmtp__spin *spin, uint64_t now_ns, uint64_t taken);

// It slept for so long, until something came, just now. Told where zmtp__spin_learns. True: zmtp__spin_used is to be told.
bool zmtp__spin_slept(struct zmtp__spin *spin, uint64_t now_ns, uint64_t slept_ns);
// How much processor time this thread has used since ever. Where that is not known, always the same.
void zmtp__spin_used(struct zmtp__spin *spin, uint64_t now_ns, uint64_t used_ns);

// Does it depend on the sleeps between, which are to be measured?
static inline bool zmtp__spin_learns(const struct zmtp__spin *spin)
{
    return spin->unasked;
}
static inline bool zmtp__spin_on(const struct zmtp__spin *spin)
{
    return spin->limit_ns > 0;
}
// It looked for long enough.
static inline bool zmtp__spin_over(const struct zmtp__spin *spin, uint64_t now_ns)
{
    return now_ns - spin->begun_ns >= spin->limit_ns;
}

#endif
