// The sticky writer, the reader's twin: the first write that does not fit sets |bad|, nothing of it is
// written, and every later write is a no-op. An encoder writes all it has and asks once.
#ifndef ZMTP_BASE_WRITER_H
#define ZMTP_BASE_WRITER_H

#include <string.h>

#include "../base.h"

struct zmtp__writer {
    uint8_t *start;
    size_t filled, size;
    bool bad;
};

static inline struct zmtp__writer zmtp__writer_of(uint8_t *out, size_t size)
{
    return (struct zmtp__writer){.start = out, .size = size};
}

// Room for |size| octets that the caller fills, or null once bad.
static inline uint8_t *zmtp__write_space(struct zmtp__writer *w, size_t size)
{
    if (w->bad || size > w->size - w->filled) {
        w->bad = true;
        return NULL;
    }
    uint8_t *const space = w->start + w->filled;
    w->filled += size;
    return space;
}

static inline void zmtp__write_bytes(struct zmtp__writer *w, struct zmtp_bytes bytes)
{
    if (bytes.size == 0) return; // an empty view may be null, and so may an empty output
    uint8_t *const space = zmtp__write_space(w, bytes.size);
    if (space) memcpy(space, bytes.data, bytes.size);
}

// The low |width| octets of |value|, at most 8, most significant first.
static inline void zmtp__write_be(struct zmtp__writer *w, uint64_t value, size_t width)
{
    uint8_t *const space = zmtp__write_space(w, width);
    if (!space) return;
    for (size_t i = 0; i < width; i++) {
        space[i] = (uint8_t)(value >> 8 * (width - 1 - i));
    }
}

#endif
