#include "spin.h"

enum {
    SPIN_PAYS = 8,        // good ones, for one in vain
    SPIN_SAVED_MAX = 4,   // limits; so the end of a conversation costs little
    SPIN_COST_MAX = 64,   // limits: the clock may have leapt, as under a debugger
    SPIN_SHARE_SHIFT = 6, // those in vain take 1/64 of the time
    SPIN_DOUBTS_MAX = 4,  // and down to 1/1024
    SPIN_LATE = 2,        // limits, after which the processor must have been somebody else's
    // Unasked ones.
    SPIN_BRIEFS = 8,        // brief sleeps in a row, before they are tried
    SPIN_BRIEF_NS = 150000, // two wake-ups of idle processors, 20 to 50 us each, and some work
    SPIN_NONE_NS = 3000,    // nobody has slept so briefly: something was there
    SPIN_LENT = 16,         // limits
    // Sleeps may be briefer than a wake-up, where something came meanwhile, and the next ones are not.
    SPIN_TRY_NS = 50000,
    SPIN_LATE_NS = 10000, // less than what a sleep takes of the processor
};

void zmtp__spin_init(struct zmtp__spin *spin, uint64_t limit_ns)
{
    const bool unasked = limit_ns == ZMTP__SPIN_UNASKED;
    if (unasked) limit_ns = SPIN_TRY_NS;
    *spin = (struct zmtp__spin){
        .limit_ns = limit_ns, .late_ns = SPIN_LATE * limit_ns, .unasked = unasked};
}

void zmtp__spin_slept(struct zmtp__spin *spin, uint64_t slept_ns)
{
    if (slept_ns < SPIN_NONE_NS) return;
    if (slept_ns > SPIN_BRIEF_NS) {
        spin->briefs = 0;
        return;
    }
    spin->brief_ns =
        spin->briefs == 0 ? slept_ns : spin->brief_ns - spin->brief_ns / 8 + slept_ns / 8;
    if (spin->briefs < SPIN_BRIEFS) spin->briefs++;
}

static uint64_t spin_larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

// Nobody has asked for spins: are they under way, or is it time to try some?
static bool spin_tries(struct zmtp__spin *spin)
{
    if (spin->settled || spin->lent_ns > 0) return true;
    if (spin->briefs < SPIN_BRIEFS) return false;
    spin->limit_ns = spin_larger(spin->brief_ns * 3 / 2, SPIN_TRY_NS);
    spin->late_ns = spin_larger(spin->brief_ns / 4, SPIN_LATE_NS);
    spin->saved_ns = spin->lent_ns = SPIN_LENT * spin->limit_ns;
    return true;
}

bool zmtp__spin_begin(struct zmtp__spin *spin, uint64_t now_ns)
{
    if (!zmtp__spin_on(spin) || now_ns < spin->resume_ns) return false;
    if (spin->unasked && !spin_tries(spin)) return false;
    spin->begun_ns = now_ns;
    return true;
}

static void spin_pay(struct zmtp__spin *spin, uint64_t now_ns, uint64_t cost_ns)
{
    const uint64_t most_ns = SPIN_COST_MAX * spin->limit_ns;
    if (cost_ns > most_ns) cost_ns = most_ns;
    if (cost_ns <= spin->saved_ns) {
        spin->saved_ns -= cost_ns;
        return;
    }
    const uint64_t owed_ns = cost_ns - spin->saved_ns + spin->lent_ns;
    spin->saved_ns = spin->lent_ns = 0;
    spin->found = spin->briefs = 0;
    spin->settled = false;
    spin->resume_ns = now_ns + (owed_ns << (SPIN_SHARE_SHIFT + spin->doubts));
    if (spin->doubts < SPIN_DOUBTS_MAX) spin->doubts++;
}

bool zmtp__spin_end(struct zmtp__spin *spin, uint64_t now_ns, bool found)
{
    const uint64_t took_ns = now_ns - spin->begun_ns;
    if (!found || took_ns >= spin->late_ns) {
        spin_pay(spin, now_ns, took_ns);
        return false;
    }
    return spin->found++ % SPIN_PAYS == 0;
}

void zmtp__spin_taken(struct zmtp__spin *spin, uint64_t now_ns, uint64_t taken)
{
    const bool first = spin->found == 1, undisturbed = taken == spin->taken;
    spin->taken = taken;
    if (first) return;
    if (!undisturbed) {
        spin_pay(spin, now_ns, spin->limit_ns);
        return;
    }
    if (spin->unasked && !spin->settled) {
        spin->settled = true;
        spin->limit_ns = SPIN_LATE * spin->late_ns;
        spin->lent_ns = 0;
    }
    spin->saved_ns += spin->limit_ns;
    if (spin->saved_ns > SPIN_SAVED_MAX * spin->limit_ns)
        spin->saved_ns = SPIN_SAVED_MAX * spin->limit_ns;
    spin->doubts = 0;
}
