// Octets that are to be written soon, and that another processor has read, or written, last: to ask for them beforehand
// saves the wait for them. It is no more than a hint, and changes nothing.
#ifndef ZMTP_BASE_FETCH_H
#define ZMTP_BASE_FETCH_H

#include <stddef.h>
#include <stdint.h>

// The line |ahead| octets behind |at|, which may be past the end of what |at| lies in.
static inline void zmtp__fetch_to_write(const uint8_t *at, size_t ahead)
{
#if defined(__GNUC__) && defined(__x86_64__)
    // The compiler knows it only of processors that are named to it, while all of these have it, or pass over it.
    __asm__ volatile("prefetchw %0" : : "m"(*(const uint8_t *)((uintptr_t)at + ahead)));
#elif defined(__GNUC__)
    __builtin_prefetch((const void *)((uintptr_t)at + ahead), 1);
#else
    (void)at;
    (void)ahead;
#endif
}

#endif
