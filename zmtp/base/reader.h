// The sticky reader: the only way a decoder looks at octets from a stranger. The first read beyond the
// end sets |bad|; that read and every later one yield zero or empty, so a decoder reads what it wants
// and asks once, before it believes any of it.
#ifndef ZMTP_BASE_READER_H
#define ZMTP_BASE_READER_H

#include "../base.h"

struct zmtp__reader {
    const uint8_t *next;
    size_t left;
    bool bad;
};

// Is it one that can be looked at? A caller may have given a size alone.
static inline bool zmtp__octets_ok(struct zmtp_bytes octets)
{
    return octets.data || octets.size == 0;
}

static inline struct zmtp__reader zmtp__reader_of(struct zmtp_bytes in)
{
    return (struct zmtp__reader){.next = in.data, .left = in.size};
}

// The next |size| octets as a view into the input.
static inline struct zmtp_bytes zmtp__read_bytes(struct zmtp__reader *r, size_t size)
{
    if (r->bad || size > r->left) {
        r->bad = true;
        return (struct zmtp_bytes){0};
    }
    const struct zmtp_bytes view = {r->next, size};
    if (size > 0) r->next += size; // a null pointer admits no arithmetic, not even of zero
    r->left -= size;
    return view;
}

// An unsigned number of |width| octets, at most 8, most significant first.
static inline uint64_t zmtp__read_be(struct zmtp__reader *r, size_t width)
{
    const struct zmtp_bytes view = zmtp__read_bytes(r, width);
    uint64_t value = 0;
    for (size_t i = 0; i < view.size; i++) {
        value = value << 8 | view.data[i];
    }
    return value;
}

// All that is left; empty once bad.
static inline struct zmtp_bytes zmtp__read_rest(struct zmtp__reader *r)
{
    return zmtp__read_bytes(r, r->bad ? 0 : r->left);
}

#endif
