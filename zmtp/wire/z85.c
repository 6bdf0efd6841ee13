#include "../base/reader.h"
#include "../wire.h"

// RFC 32, Formal Specification: four octets are a number of five digits, most significant first.
static const char z85_digits[] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
enum { Z85_BASE = 85, Z85_OCTETS = 4, Z85_CHARACTERS = 5 };

_Static_assert(sizeof z85_digits == Z85_BASE + 1, "each digit once, and the terminator");

// What is written and read may be a secret key. So neither way takes longer for one octet than for another, nor looks at a
// place in memory, or jumps, by what it is: each goes through all digits.

// All ones if the two, of at most 31 bits, are equal, else zero.
static uint32_t z85_mask(uint32_t a, uint32_t b)
{
    return 0 - (((a ^ b) - 1) >> 31);
}

static char z85_digit(uint32_t value)
{
    uint32_t digit = 0;
    for (uint32_t i = 0; i < Z85_BASE; i++)
        digit |= (uint8_t)z85_digits[i] & z85_mask(i, value);
    return (char)digit;
}

// |*bad| gets a bit when there is no such digit.
static uint32_t z85_value(uint8_t character, uint32_t *bad)
{
    uint32_t value = 0, found = 0;
    for (uint32_t i = 0; i < Z85_BASE; i++) {
        const uint32_t mask = z85_mask(character, (uint8_t)z85_digits[i]);
        value |= i & mask;
        found |= mask;
    }
    *bad |= ~found;
    return value;
}

int zmtp_z85_encode(struct zmtp_bytes octets, char *out, size_t size)
{
    if (!out || !zmtp__octets_ok(octets)) return ZMTP_ERR_ARGUMENT;
    if (octets.size % Z85_OCTETS != 0) return ZMTP_ERR_ARGUMENT;
    const size_t groups = octets.size / Z85_OCTETS;
    if (groups > INT32_MAX / Z85_CHARACTERS - 1) return ZMTP_ERR_LIMIT;
    if (size < groups * Z85_CHARACTERS + 1) return ZMTP_ERR_LIMIT;
    for (size_t i = 0; i < groups; i++) {
        uint32_t number = 0;
        for (size_t k = 0; k < Z85_OCTETS; k++)
            number = number << 8 | octets.data[i * Z85_OCTETS + k];
        for (size_t k = Z85_CHARACTERS; k-- > 0; number /= Z85_BASE)
            out[i * Z85_CHARACTERS + k] = z85_digit(number % Z85_BASE);
    }
    out[groups * Z85_CHARACTERS] = '\0';
    return (int)(groups * Z85_CHARACTERS);
}

int zmtp_z85_decode(struct zmtp_bytes text, uint8_t *out, size_t size)
{
    if (!out || !zmtp__octets_ok(text)) return ZMTP_ERR_ARGUMENT;
    if (text.size % Z85_CHARACTERS != 0) return ZMTP_ERR_ARGUMENT;
    const size_t groups = text.size / Z85_CHARACTERS;
    if (groups > INT32_MAX / Z85_OCTETS) return ZMTP_ERR_LIMIT;
    if (size < groups * Z85_OCTETS) return ZMTP_ERR_LIMIT;
    uint32_t bad = 0;
    for (size_t i = 0; i < groups; i++) {
        uint64_t number = 0;
        for (size_t k = 0; k < Z85_CHARACTERS; k++)
            number = number * Z85_BASE + z85_value(text.data[i * Z85_CHARACTERS + k], &bad);
        bad |= (uint32_t)(number >> 32); // five digits can say more than four octets hold
        for (size_t k = 0; k < Z85_OCTETS; k++)
            out[i * Z85_OCTETS + k] = (uint8_t)(number >> (24 - 8 * k));
    }
    return bad ? ZMTP_ERR_ARGUMENT : (int)(groups * Z85_OCTETS);
}
