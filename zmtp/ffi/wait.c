#include "wait.h"

#include <poll.h>
#include <time.h>

#include "net.h"
#include "socket.h"

enum {
    // One of several that wait at one descriptor looks again as often.
    WAIT_CROWDED_MS = 10,
    // One that is alone, in case there was no memory for its news.
    WAIT_ALONE_MS = 1000,
};

static uint64_t wait_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t zmtp__ffi_deadline(int32_t wait_ms)
{
    return wait_ms < 0 ? UINT64_MAX : wait_now() + (uint64_t)wait_ms;
}

int zmtp__ffi_time_left(uint64_t deadline_ms, int most_ms)
{
    if (deadline_ms == UINT64_MAX) return most_ms;
    const uint64_t now = wait_now();
    const uint64_t left = deadline_ms > now ? deadline_ms - now : 0;
    return left < (uint64_t)most_ms ? (int)left : most_ms;
}

int32_t zmtp__ffi_bell(const struct zmtp__ffi_slot *slot)
{
    if (slot->kind == ZMTP_FFI_KIND_SOCKET)
        return zmtp__ffi_net_descriptor(((struct zmtp__ffi_socket *)slot->object)->net);
    return zmtp__ffi_net_monitor_descriptor(((struct zmtp__ffi_monitor *)slot->object)->net);
}

void zmtp__ffi_wake(struct zmtp__ffi_slot *slot)
{
    if (atomic_load(&slot->waiters) == 0) return;
    if (slot->kind == ZMTP_FFI_KIND_SOCKET)
        zmtp__ffi_net_ring(((struct zmtp__ffi_socket *)slot->object)->net);
    else
        zmtp__ffi_net_monitor_ring(((struct zmtp__ffi_monitor *)slot->object)->net);
}

void zmtp__ffi_depart(struct zmtp__ffi_slot *slot)
{
    zmtp__ffi_wake(slot);
    zmtp__ffi_unpin(slot);
}

// Until something may have changed. False: the time is over.
static bool wait_sleep(struct zmtp__ffi_slot *slot, int fd, uint64_t deadline_ms)
{
    const bool crowded = atomic_load(&slot->waiters) > 1;
    const int most_ms = crowded ? WAIT_CROWDED_MS : WAIT_ALONE_MS;
    const int left_ms = zmtp__ffi_time_left(deadline_ms, most_ms);
    struct pollfd item = {.fd = fd, .events = POLLIN};
    if (left_ms == 0) return false;
    (void)poll(&item, 1, left_ms); // a signal is a look more
    return true;
}

static int64_t wait_long(struct zmtp__ffi_attempt *attempt, int32_t wait_ms)
{
    struct zmtp__ffi_slot *const slot = attempt->slot;
    const uint64_t deadline_ms = zmtp__ffi_deadline(wait_ms);
    const int32_t fd = zmtp__ffi_bell(slot);
    if (fd < 0) return fd;
    zmtp__ffi_wake(slot); // so that another that sleeps there knows it is not alone
    atomic_fetch_add(&slot->waiters, 1);
    int64_t result;
    do {
        result = attempt->run(attempt);
        if (zmtp__ffi_table_closed(slot) && result == ZMTP_FFI_AGAIN) result = ZMTP_FFI_CLOSED;
    } while (result == ZMTP_FFI_AGAIN && wait_sleep(slot, fd, deadline_ms));
    atomic_fetch_sub(&slot->waiters, 1);
    return result;
}

int64_t zmtp__ffi_wait(struct zmtp__ffi_attempt *attempt, int32_t wait_ms)
{
    int64_t result = attempt->run(attempt);
    if (result == ZMTP_FFI_AGAIN && wait_ms != 0) result = wait_long(attempt, wait_ms);
    zmtp__ffi_wake(attempt->slot);
    return result;
}
