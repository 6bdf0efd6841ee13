// What base/spin.h leaves to the system: the clock, how much of a processor this thread used, and how
// often it lost it.
#ifndef ZMTP_IO_SPINNER_H
#define ZMTP_IO_SPINNER_H

#include "../base/spin.h"

// Of zmtp_uv_spin. Above some hundred microseconds a sleep costs less.
enum { ZMTP__SPIN_MAX_US = 1000000 };

// As zmtp__spin_end, on the thread that spun.
void zmtp__spinner_end(struct zmtp__spin *spin, uint64_t now_ns, bool found);
// As zmtp__spin_slept, on the thread that slept since |begun_ns|.
void zmtp__spinner_slept(struct zmtp__spin *spin, uint64_t begun_ns, uint64_t now_ns);

#endif
