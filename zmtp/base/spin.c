#include "spin.h"

enum {
    SPIN_PAYS = 8,        // good ones, for one in vain
    SPIN_SAVED_MAX = 4,   // limits; so the end of a conversation costs little
    SPIN_COST_MAX = 64,   // limits: the clock may have leapt, as under a debugger
    SPIN_SHARE_SHIFT = 6, // those in vain take 1/64 of the time
    SPIN_DOUBTS_MAX = 4,  // and down to 1/1024
    SPIN_LATE = 2,        // limits, after which the processor must have been somebody else's
};

void zmtp__spin_init(struct zmtp__spin *spin, uint64_t limit_ns)
{
    *spin = (struct zmtp__spin){.limit_ns = limit_ns};
}

bool zmtp__spin_begin(struct zmtp__spin *spin, uint64_t now_ns)
{
    if (!zmtp__spin_on(spin) || now_ns < spin->resume_ns) return false;
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
    const uint64_t owed_ns = cost_ns - spin->saved_ns;
    spin->saved_ns = 0;
    spin->found = 0;
    spin->resume_ns = now_ns + (owed_ns << (SPIN_SHARE_SHIFT + spin->doubts));
    if (spin->doubts < SPIN_DOUBTS_MAX) spin->doubts++;
}

bool zmtp__spin_end(struct zmtp__spin *spin, uint64_t now_ns, bool found)
{
    const uint64_t took_ns = now_ns - spin->begun_ns;
    if (!found || took_ns >= SPIN_LATE * spin->limit_ns) {
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
    spin->saved_ns += spin->limit_ns;
    if (spin->saved_ns > SPIN_SAVED_MAX * spin->limit_ns)
        spin->saved_ns = SPIN_SAVED_MAX * spin->limit_ns;
    spin->doubts = 0;
}
