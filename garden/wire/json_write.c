#include <string.h>

#include "decimal.h"
#include "emit.h"

// What stands for a character in a text: a short escape, \u00XX, or itself.
static void json_put_escape(struct garden_buffer *out, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *known = c ? strchr(from, c) : NULL;
    if (known) {
        const char escape[] = {'\\', to[known - from]};
        (void)garden_buffer_append(out, escape, sizeof escape); // a failure sticks in |out|
        return;
    }
    const char escape[] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    (void)garden_buffer_append(out, escape, sizeof escape);
}

void garden__json_put_text(struct garden_buffer *out, struct garden_text text)
{
    (void)garden_buffer_append(out, "\"", 1);
    size_t plain = 0; // where the octets that need no escape begin
    for (size_t i = 0; i < text.size; i++) {
        const unsigned char c = (unsigned char)text.data[i];
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        (void)garden_buffer_append(out, text.data + plain, i - plain);
        json_put_escape(out, c);
        plain = i + 1;
    }
    if (text.size) (void)garden_buffer_append(out, text.data + plain, text.size - plain);
    (void)garden_buffer_append(out, "\"", 1);
}

void garden__json_put_int(struct garden_buffer *out, bool negative, uint64_t magnitude)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude);
    if (negative) (void)garden_buffer_append(out, "-", 1);
    (void)garden_buffer_append(out, digits + at, sizeof digits - at);
}

void garden__json_put_real(struct garden_buffer *out, double real)
{
    char text[GARDEN__DECIMAL_MAX];
    (void)garden_buffer_append(out, text, garden__decimal_format(real, text));
}

void garden__json_put_float(struct garden_buffer *out, float real)
{
    char text[GARDEN__DECIMAL_MAX];
    (void)garden_buffer_append(out, text, garden__decimal_format_float(real, text));
}
