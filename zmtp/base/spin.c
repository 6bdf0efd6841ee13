#include "spin.h"

enum {
    SPIN_PAYS = 8,        // good ones, for one in vain
    SPIN_TAKEN = 4,       // of those, that were found by being interrupted
    SPIN_SAVED_MAX = 8,   // limits; so the end of a conversation costs little
    SPIN_COST_MAX = 64,   // limits: the clock may have leapt, as under a debugger
    SPIN_SHARE_SHIFT = 6, // those in vain take 1/64 of the time
    SPIN_DOUBTS_MAX = 4,  // and down to 1/1024
    SPIN_LATE = 2,        // limits, after which the processor must have been somebody else's
    // Unasked ones.
    SPIN_BRIEFS = 8, // brief sleeps in a row, before they are tried
    SPIN_BRIEF_NS =
        250000, // two wake-ups of idle processors, 20 to 50 us each, and the work of a hundred
    SPIN_NONE_NS = 3000, // nobody has slept so briefly: something was there
    SPIN_LENT = 4,       // limits
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

static uint64_t spin_larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t spin_smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

bool zmtp__spin_slept(struct zmtp__spin *spin, uint64_t now_ns, uint64_t slept_ns)
{
    spin->came_ns = now_ns;
    if (slept_ns < SPIN_NONE_NS || now_ns < spin->resume_ns) return false;
    if (slept_ns > SPIN_BRIEF_NS) {
        spin->briefs = 0;
        return false;
    }
    if (spin->briefs == SPIN_BRIEFS) return false;
    spin->slept_ns += slept_ns;
    spin->brief_ns =
        spin->briefs == 0 ? slept_ns : spin->brief_ns - spin->brief_ns / 8 + slept_ns / 8;
    spin->briefs++;
    return spin->briefs == 1 || spin->briefs == SPIN_BRIEFS;
}

void zmtp__spin_used(struct zmtp__spin *spin, uint64_t now_ns, uint64_t used_ns)
{
    if (spin->briefs == 1) {
        spin->used_ns = used_ns;
        spin->since_ns = now_ns;
        spin->slept_ns = 0;
        return;
    }
    const uint64_t passed_ns = now_ns - spin->since_ns, all_ns = used_ns - spin->used_ns;
    const bool known = used_ns > spin->used_ns && all_ns <= passed_ns;
    spin->work_ns = (passed_ns - spin->slept_ns) / (SPIN_BRIEFS - 1);
    spin->late_ns = known ? all_ns / (SPIN_BRIEFS - 1) * 3 / 2 : spin->brief_ns / 4;
    spin->late_ns = spin_smaller(spin->late_ns, passed_ns / (SPIN_BRIEFS - 1) * 3 / 4);
}

// Nobody has asked for spins: are they under way, or is it time to try some?
static bool spin_tries(struct zmtp__spin *spin)
{
    if (spin->settled || spin->lent_ns > 0) return true;
    if (spin->briefs < SPIN_BRIEFS) return false;
    spin->limit_ns = spin_larger(spin->brief_ns * 3 / 2, SPIN_TRY_NS);
    spin->late_ns = spin_larger(spin->late_ns, SPIN_LATE_NS);
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

// What one that took |took_ns| cost; 0: it was good.
static uint64_t spin_cost(const struct zmtp__spin *spin, uint64_t took_ns, bool found)
{
    if (!found) return took_ns;
    if (!spin->unasked) return took_ns >= spin->late_ns ? took_ns : 0;
    // What it did meanwhile is no more than before: who is busy by itself has not spun for that.
    const uint64_t worked_ns = spin_smaller(spin->begun_ns - spin->came_ns, spin->work_ns);
    const uint64_t busy_ns = worked_ns + took_ns;
    return busy_ns > spin->late_ns ? spin_smaller(busy_ns - spin->late_ns, took_ns) : 0;
}

bool zmtp__spin_end(struct zmtp__spin *spin, uint64_t now_ns, bool found)
{
    const uint64_t took_ns = now_ns - spin->begun_ns;
    const uint64_t cost_ns = spin_cost(spin, took_ns, found);
    spin->came_ns = now_ns;
    spin->unsure_ns = took_ns >= SPIN_LATE * spin->limit_ns ? cost_ns : 0;
    if (spin->unsure_ns > 0) return true;
    if (cost_ns > 0) {
        spin_pay(spin, now_ns, cost_ns);
        return false;
    }
    return spin->found++ % SPIN_PAYS == 0;
}

void zmtp__spin_taken(struct zmtp__spin *spin, uint64_t now_ns, uint64_t taken)
{
    if (spin->unsure_ns > 0) {
        const bool stood = taken == spin->taken; // the whole machine did
        spin->taken = taken;
        spin_pay(spin, now_ns,
                 stood ? spin_smaller(spin->unsure_ns, spin->limit_ns) : spin->unsure_ns);
        spin->unsure_ns = 0;
        return;
    }
    const bool first = spin->found == 1;
    const bool undisturbed = taken - spin->taken < SPIN_TAKEN;
    spin->taken = taken;
    if (first) return;
    if (!undisturbed) {
        spin_pay(spin, now_ns, spin->limit_ns);
        return;
    }
    if (spin->unasked && !spin->settled) {
        spin->settled = true;
        spin->limit_ns = spin_larger(spin->brief_ns, SPIN_TRY_NS);
        spin->lent_ns = 0;
    }
    spin->saved_ns += spin->limit_ns;
    if (spin->saved_ns > SPIN_SAVED_MAX * spin->limit_ns)
        spin->saved_ns = SPIN_SAVED_MAX * spin->limit_ns;
    spin->doubts = 0;
}
