// A copy of few octets where it is called, as most bodies are few: a call of memcpy takes longer than their
// copy, and whoever calls it keeps what it has in registers over it. No octet beyond |size| is touched.
#ifndef ZMTP_BASE_COPY_H
#define ZMTP_BASE_COPY_H

#include <stdbool.h>
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

// Are both the same? Few octets are seen where it is called, as above; more are memcmp's.
static inline bool zmtp__same_few(const uint8_t *a, const uint8_t *b, size_t size)
{
    uint64_t a8[2] = {0}, b8[2] = {0};
    if (size > 16) return memcmp(a, b, size) == 0;
    if (size >= 8) {
        memcpy(&a8[0], a, 8);
        memcpy(&b8[0], b, 8);
        memcpy(&a8[1], a + size - 8, 8);
        memcpy(&b8[1], b + size - 8, 8);
    } else if (size >= 4) {
        memcpy(&a8[0], a, 4);
        memcpy(&b8[0], b, 4);
        memcpy(&a8[1], a + size - 4, 4);
        memcpy(&b8[1], b + size - 4, 4);
    } else {
        for (size_t i = 0; i < size; i++)
            if (a[i] != b[i]) return false;
    }
    return a8[0] == b8[0] && a8[1] == b8[1];
}

#endif
