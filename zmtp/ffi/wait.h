// Waiting for a socket or a monitor: something is tried again whenever its descriptor rings, until the time is over.
//
// One descriptor rings for all, and whoever looks hushes it. So a call that does not wait rings it again when it leaves
// while another sleeps there; and of several that sleep each looks again from time to time, as any of them may have
// heard what was for another.
#ifndef ZMTP_FFI_WAIT_H
#define ZMTP_FFI_WAIT_H

#include "table.h"

struct zmtp__ffi_attempt {
    // ZMTP_FFI_AGAIN: not yet.
    int64_t (*run)(struct zmtp__ffi_attempt *attempt);
    struct zmtp__ffi_slot *slot; // pinned
};
// Tries at least once; 0 ms: only once. Its result, or ZMTP_FFI_CLOSED.
int64_t zmtp__ffi_wait(struct zmtp__ffi_attempt *attempt, int32_t wait_ms);

// Of a wait that begins now, on CLOCK_MONOTONIC in milliseconds; and how long poll may sleep, at most |most_ms|, or 0.
uint64_t zmtp__ffi_deadline(int32_t wait_ms);
int zmtp__ffi_time_left(uint64_t deadline_ms, int most_ms);

// The descriptor of a socket or monitor, or a code. And rings it, if somebody sleeps there.
int32_t zmtp__ffi_bell(const struct zmtp__ffi_slot *slot);
void zmtp__ffi_wake(struct zmtp__ffi_slot *slot);
// How calls that do not wait let go of a socket or monitor.
void zmtp__ffi_depart(struct zmtp__ffi_slot *slot);

#endif
