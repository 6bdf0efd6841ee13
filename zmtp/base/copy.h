// A copy of few octets where it is called, as most bodies are few: a call of memcpy takes longer than their
// copy, and whoever calls it keeps what it has in registers over it. No octet beyond |size| is touched.
#ifndef ZMTP_BASE_COPY_H
#define ZMTP_BASE_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { ZMTP__COPY_FEW = 64 };

// |size| is at most ZMTP__COPY_FEW. Two pieces of a fixed size cover it, and overlap where it is less than both.
static inline void zmtp__copy_few(uint8_t *to, const uint8_t *from, size_t size)
{
    if (size >= 16) {
        memcpy(to, from, 16);
        memcpy(to + size - 16, from + size - 16, 16);
        if (size <= 32) return;
        memcpy(to + 16, from + 16, 16);
        memcpy(to + size - 32, from + size - 32, 16);
    } else if (size >= 8) {
        memcpy(to, from, 8);
        memcpy(to + size - 8, from + size - 8, 8);
    } else if (size >= 4) {
        memcpy(to, from, 4);
        memcpy(to + size - 4, from + size - 4, 4);
    } else if (size > 0) {
        to[0] = from[0];
        to[size / 2] = from[size / 2];
        to[size - 1] = from[size - 1];
    }
}

#endif
