#include "../value.h"

#include <string.h>

struct garden_text garden_text_of(const char *text)
{
    return (struct garden_text){text, text ? strlen(text) : 0};
}

bool garden_text_is(struct garden_text text, const char *other)
{
    return garden_text_equal(text, garden_text_of(other));
}

bool garden_text_equal(struct garden_text a, struct garden_text b)
{
    if (a.size != b.size) return false;
    return a.size == 0 || memcmp(a.data, b.data, a.size) == 0;
}

// The size of the sequence at the start of |in|, or 0 when it is malformed (RFC 3629, section 4).
static size_t text_sequence(const unsigned char *in, size_t size)
{
    const unsigned first = in[0];
    if (first < 0x80) return 1;
    if (first < 0xc2 || first > 0xf4) return 0;
    const size_t width = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (size < width) return 0;

    // Only the second octet has a narrower range, and only after these four.
    const unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (in[1] < low || in[1] > high) return 0;
    for (size_t i = 2; i < width; i++) {
        if ((in[i] & 0xc0) != 0x80) return 0;
    }
    return width;
}

bool garden_text_valid(struct garden_text text)
{
    const unsigned char *in = (const unsigned char *)text.data;
    for (size_t at = 0; at < text.size;) {
        const size_t width = text_sequence(in + at, text.size - at);
        if (width == 0) return false;
        at += width;
    }
    return true;
}
