#include "base64.h"

#include <string.h>

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void zmtp__base64_encode(struct zmtp_bytes in, uint8_t *out)
{
    for (size_t i = 0; i < in.size; i += 3) {
        const size_t count = in.size - i < 3 ? in.size - i : 3;
        uint32_t group = (uint32_t)in.data[i] << 16;
        if (count > 1) group |= (uint32_t)in.data[i + 1] << 8;
        if (count > 2) group |= in.data[i + 2];
        for (size_t k = 0; k < 4; k++)
            *out++ = k <= count ? (uint8_t)base64_digits[group >> (18 - 6 * k) & 0x3F] : '=';
    }
}

// The value of a digit; 64: it is none.
static uint32_t base64_value(uint8_t octet)
{
    const char *const found = octet ? strchr(base64_digits, octet) : NULL;
    return found ? (uint32_t)(found - base64_digits) : 64;
}

bool zmtp__base64_decode(struct zmtp_bytes text, uint8_t *out, size_t size)
{
    if (text.size != ZMTP__BASE64_SIZE(size)) return false;
    for (size_t i = 0; i < size; i += 3, text.data += 4) {
        const size_t count = size - i < 3 ? size - i : 3;
        uint32_t group = 0;
        for (size_t k = 0; k < 4; k++) {
            const bool padding = k > count;
            const uint32_t value = padding ? 0 : base64_value(text.data[k]);
            if (value > 63 || (padding && text.data[k] != '=')) return false;
            group = group << 6 | value;
        }
        if (group & (0xFFFFFFu >> 8 * count)) return false;
        for (size_t k = 0; k < count; k++)
            out[i + k] = (uint8_t)(group >> (16 - 8 * k));
    }
    return true;
}
