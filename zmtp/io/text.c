#include "text.h"

static void text_put(struct zmtp__text *text, char octet)
{
    if (text->filled < text->size) text->out[text->filled] = octet;
    text->filled++;
}

void zmtp__text_add(struct zmtp__text *text, const char *plain)
{
    while (*plain)
        text_put(text, *plain++);
}

void zmtp__text_number(struct zmtp__text *text, uint64_t number)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0)
        text_put(text, digits[--count]);
}

static bool text_printable(uint8_t octet)
{
    return octet >= 0x20 && octet < 0x7f;
}

static void text_hex(struct zmtp__text *text, uint8_t octet)
{
    static const char digits[] = "0123456789abcdef";
    text_put(text, digits[octet >> 4]);
    text_put(text, digits[octet & 15]);
}

void zmtp__text_json(struct zmtp__text *text, struct zmtp_bytes octets)
{
    text_put(text, '"');
    for (size_t i = 0; i < octets.size; i++) {
        const uint8_t octet = octets.data[i];
        if (!text_printable(octet)) {
            zmtp__text_add(text, "\\u00");
            text_hex(text, octet);
            continue;
        }
        if (octet == '"' || octet == '\\') text_put(text, '\\');
        text_put(text, (char)octet);
    }
    text_put(text, '"');
}

void zmtp__text_label(struct zmtp__text *text, struct zmtp_bytes octets)
{
    text_put(text, '"');
    for (size_t i = 0; i < octets.size; i++) {
        const uint8_t octet = octets.data[i];
        if (!text_printable(octet)) {
            zmtp__text_add(text, "\\\\x");
            text_hex(text, octet);
        } else if (octet == '\\') {
            zmtp__text_add(text, "\\\\\\\\");
        } else {
            if (octet == '"') text_put(text, '\\');
            text_put(text, (char)octet);
        }
    }
    text_put(text, '"');
}

int64_t zmtp__text_end(struct zmtp__text *text)
{
    if (text->size > 0) text->out[text->filled < text->size ? text->filled : text->size - 1] = '\0';
    return (int64_t)text->filled;
}
