#include "decimal.h"

#include <assert.h>
#include <string.h>

// Numbers as large as the work needs: 800 digits of a text, or 10^1130 times 2^64.
enum { BIG_LIMBS = 160, DECIMAL_DIGITS_MAX = 800 };

struct decimal_big {
    size_t count; // limbs in use; the last of them is not zero
    uint32_t limbs[BIG_LIMBS];
};

static void decimal_big_set(struct decimal_big *big, uint64_t value)
{
    big->count = 0;
    for (; value; value >>= 32)
        big->limbs[big->count++] = (uint32_t)value;
}

static void decimal_big_multiply_add(struct decimal_big *big, uint32_t factor, uint32_t addend)
{
    uint64_t carry = addend;
    for (size_t i = 0; i < big->count; i++) {
        carry += (uint64_t)big->limbs[i] * factor;
        big->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) {
        assert(big->count < BIG_LIMBS);
        big->limbs[big->count++] = (uint32_t)carry;
    }
}

static void decimal_big_power_of_ten(struct decimal_big *big, int exponent)
{
    for (; exponent >= 9; exponent -= 9)
        decimal_big_multiply_add(big, 1000000000, 0);
    for (; exponent > 0; exponent--)
        decimal_big_multiply_add(big, 10, 0);
}

static void decimal_big_shift_left(struct decimal_big *big, int bits)
{
    if (big->count == 0) return;
    const size_t limbs = (size_t)bits / 32;
    assert(big->count + limbs + 1 <= BIG_LIMBS);
    memmove(big->limbs + limbs, big->limbs, big->count * sizeof *big->limbs);
    memset(big->limbs, 0, limbs * sizeof *big->limbs);
    big->count += limbs;
    if (bits % 32) decimal_big_multiply_add(big, UINT32_C(1) << bits % 32, 0);
}

static void decimal_big_halve(struct decimal_big *big)
{
    uint32_t carry = 0;
    for (size_t i = big->count; i-- > 0;) {
        const uint32_t limb = big->limbs[i];
        big->limbs[i] = limb >> 1 | carry << 31;
        carry = limb & 1;
    }
    if (big->count && big->limbs[big->count - 1] == 0) big->count--;
}

static int decimal_big_compare(const struct decimal_big *a, const struct decimal_big *b)
{
    if (a->count != b->count) return a->count < b->count ? -1 : 1;
    for (size_t i = a->count; i-- > 0;) {
        if (a->limbs[i] != b->limbs[i]) return a->limbs[i] < b->limbs[i] ? -1 : 1;
    }
    return 0;
}

static void decimal_big_add(struct decimal_big *a, const struct decimal_big *b)
{
    uint64_t carry = 0;
    for (size_t i = 0; i < b->count || carry; i++) {
        if (i == a->count) {
            assert(a->count < BIG_LIMBS);
            a->limbs[a->count++] = 0;
        }
        carry += (uint64_t)a->limbs[i] + (i < b->count ? b->limbs[i] : 0);
        a->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

// |a| is at least |b|.
static void decimal_big_subtract(struct decimal_big *a, const struct decimal_big *b)
{
    uint64_t borrow = 0;
    for (size_t i = 0; i < a->count; i++) {
        const uint64_t take = (i < b->count ? b->limbs[i] : 0) + borrow;
        borrow = a->limbs[i] < take;
        a->limbs[i] = (uint32_t)(a->limbs[i] - take);
    }
    while (a->count && a->limbs[a->count - 1] == 0)
        a->count--;
}

static int decimal_big_bits(const struct decimal_big *big)
{
    if (big->count == 0) return 0;
    int bits = (int)(big->count - 1) * 32;
    for (uint32_t top = big->limbs[big->count - 1]; top; top >>= 1)
        bits++;
    return bits;
}

// A text's digits without leading zeros, and the power of ten to multiply them by.
struct decimal_text {
    bool negative;
    int count;
    int64_t exponent;
    uint8_t digits[DECIMAL_DIGITS_MAX + 1];
};

static void decimal_digit(struct decimal_text *d, int digit, bool fraction)
{
    if (d->count == 0 && digit == 0) {
        d->exponent -= fraction;
        return;
    }
    if (d->count < DECIMAL_DIGITS_MAX) {
        d->digits[d->count++] = (uint8_t)digit;
        d->exponent -= fraction;
        return;
    }
    // No double needs more than 767 digits to be told from its neighbours; of the digits beyond, all
    // that matters is whether one of them is not zero.
    d->exponent += !fraction;
    if (digit) d->digits[DECIMAL_DIGITS_MAX] = 1;
}

static void decimal_scan(struct garden_text text, struct decimal_text *d)
{
    bool fraction = false;
    size_t i = 0;
    for (; i < text.size && text.data[i] != 'e' && text.data[i] != 'E'; i++) {
        const char c = text.data[i];
        if (c == '-') {
            d->negative = true;
        } else if (c == '.') {
            fraction = true;
        } else {
            decimal_digit(d, c - '0', fraction);
        }
    }
    if (d->digits[DECIMAL_DIGITS_MAX]) {
        d->count++;
        d->exponent--;
    }
    bool negative = false;
    int64_t exponent = 0;
    for (i++; i < text.size; i++) {
        if (text.data[i] == '-') negative = true;
        if (text.data[i] >= '0' && exponent < INT64_C(1000000000000)) {
            exponent = exponent * 10 + (text.data[i] - '0');
        }
    }
    d->exponent += negative ? -exponent : exponent;
}

static double decimal_of_bits(uint64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

// numerator / denominator as the nearest double's bits, ties to even; or the bits of infinity.
static uint64_t decimal_divide(struct decimal_big *numerator, struct decimal_big *denominator)
{
    // |power| of two such that the quotient has 53 or 54 bits, or fewer when it is subnormal.
    int power = decimal_big_bits(numerator) - decimal_big_bits(denominator) - 53;
    if (power < -1074) power = -1074;
    if (power > 0) decimal_big_shift_left(denominator, power);
    if (power < 0) decimal_big_shift_left(numerator, -power);

    uint64_t quotient = 0;
    decimal_big_shift_left(denominator, 54);
    for (int bit = 54; bit >= 0; bit--) {
        quotient <<= 1;
        if (decimal_big_compare(numerator, denominator) >= 0) {
            decimal_big_subtract(numerator, denominator);
            quotient |= 1;
        }
        if (bit) decimal_big_halve(denominator);
    }

    int above_half; // the remainder against a half: -1, 0, 1
    if (quotient >> 53) {
        const bool half = quotient & 1;
        above_half = !half ? -1 : numerator->count ? 1 : 0;
        quotient >>= 1;
        power++;
    } else {
        decimal_big_shift_left(numerator, 1);
        above_half = decimal_big_compare(numerator, denominator);
    }
    if (above_half > 0 || (above_half == 0 && (quotient & 1))) quotient++;
    // A carry into bit 53 is what the addition below does with it anyway: the next power of two.
    const int biased = power + 1074;
    if (biased > 2045) return UINT64_C(0x7ff0000000000000);
    return ((uint64_t)biased << 52) + quotient;
}

int garden__decimal_parse(struct garden_text text, double *out)
{
    struct decimal_text d = {.count = 0};
    decimal_scan(text, &d);
    const uint64_t sign = (uint64_t)d.negative << 63;
    const int64_t magnitude = d.exponent + d.count; // the number is below 10^magnitude
    if (d.count == 0 || magnitude < -330) {
        *out = decimal_of_bits(sign);
        return GARDEN_OK;
    }
    if (magnitude > 310) return GARDEN_ERR_RANGE;

    struct decimal_big numerator, denominator;
    decimal_big_set(&numerator, 0);
    for (int i = 0; i < d.count; i++)
        decimal_big_multiply_add(&numerator, 10, d.digits[i]);
    decimal_big_set(&denominator, 1);
    if (d.exponent > 0) decimal_big_power_of_ten(&numerator, (int)d.exponent);
    if (d.exponent < 0) decimal_big_power_of_ten(&denominator, (int)-d.exponent);
    const uint64_t bits = decimal_divide(&numerator, &denominator);
    if (bits >= UINT64_C(0x7ff0000000000000)) return GARDEN_ERR_RANGE;
    *out = decimal_of_bits(bits | sign);
    return GARDEN_OK;
}

// A binary float taken apart: fraction * 2^exponent. |lowest|: the gap below is half the gap above.
struct decimal_parts {
    uint64_t fraction;
    int exponent;
    bool lowest;
};

// The shortest digits within the rounding interval, by Steele and White's and Dragon4's method: value
// = r / s, and m_plus / s, m_minus / s are half the gaps to the neighbours. Returns the power of ten
// that "0.digits" is to be multiplied by.
static int decimal_shortest(struct decimal_parts v, char *digits, size_t *count)
{
    struct decimal_big r, s, m_plus, m_minus;
    decimal_big_set(&r, v.fraction);
    decimal_big_set(&s, 1);
    decimal_big_set(&m_minus, 1);
    int bits = decimal_big_bits(&r);
    decimal_big_shift_left(&r, 1 + v.lowest + (v.exponent > 0 ? v.exponent : 0));
    decimal_big_shift_left(&s, 1 + v.lowest + (v.exponent < 0 ? -v.exponent : 0));
    decimal_big_shift_left(&m_minus, v.exponent > 0 ? v.exponent : 0);
    m_plus = m_minus;
    if (v.lowest) decimal_big_shift_left(&m_plus, 1);

    // floor(log10(2) * n) + 1 is the power or one below it; 30103 / 100000 is near enough for that.
    bits += v.exponent - 1;
    int power = bits * 30103 / 100000 + (bits >= 0);
    if (power > 0) decimal_big_power_of_ten(&s, power);
    if (power < 0) {
        decimal_big_power_of_ten(&r, -power);
        decimal_big_power_of_ten(&m_plus, -power);
        decimal_big_power_of_ten(&m_minus, -power);
    }
    const bool even = v.fraction % 2 == 0; // then the interval's ends read back as this number too
    struct decimal_big sum = r;
    decimal_big_add(&sum, &m_plus);
    if (decimal_big_compare(&sum, &s) >= (even ? 0 : 1)) {
        decimal_big_multiply_add(&s, 10, 0);
        power++;
    }

    for (bool done = false; !done;) {
        decimal_big_multiply_add(&r, 10, 0);
        decimal_big_multiply_add(&m_plus, 10, 0);
        decimal_big_multiply_add(&m_minus, 10, 0);
        int digit = 0;
        for (; decimal_big_compare(&r, &s) >= 0; digit++)
            decimal_big_subtract(&r, &s);
        sum = r;
        decimal_big_add(&sum, &m_plus);
        const bool low = decimal_big_compare(&r, &m_minus) < (even ? 1 : 0);
        const bool high = decimal_big_compare(&sum, &s) >= (even ? 0 : 1);
        done = low || high;
        if (high && low) {
            decimal_big_shift_left(&r, 1);
            digit += decimal_big_compare(&r, &s) >= 0;
        } else if (high) {
            digit++;
        }
        digits[(*count)++] = (char)('0' + digit);
    }
    return power;
}

static size_t decimal_exponent(int exponent, char *out)
{
    size_t size = 0;
    out[size++] = 'e';
    if (exponent < 0) out[size++] = '-';
    const int positive = exponent < 0 ? -exponent : exponent;
    if (positive >= 100) out[size++] = (char)('0' + positive / 100);
    if (positive >= 10) out[size++] = (char)('0' + positive / 10 % 10);
    out[size++] = (char)('0' + positive % 10);
    return size;
}

// The number 0.digits * 10^power without an exponent: "0.0012", "12.0" or "1.2".
static size_t decimal_plain(const char *digits, int count, int power, char *out)
{
    size_t size = 0;
    if (power <= 0) out[size++] = '0';
    for (int i = 0; i < power; i++)
        out[size++] = i < count ? digits[i] : '0';
    out[size++] = '.';
    for (int i = power; i < 0; i++)
        out[size++] = '0';
    for (int i = power > 0 ? power : 0; i < count; i++)
        out[size++] = digits[i];
    if (power >= count) out[size++] = '0';
    return size;
}

static size_t decimal_write(bool negative, struct decimal_parts v, char *out)
{
    char digits[20];
    size_t count = 0, size = 0;
    if (negative) out[size++] = '-';
    if (v.fraction == 0) {
        memcpy(out + size, "0.0", 3);
        return size + 3;
    }
    const int power = decimal_shortest(v, digits, &count);
    if (power <= 16 && power > -5)
        return size + decimal_plain(digits, (int)count, power, out + size);
    out[size++] = digits[0];
    if (count > 1) out[size++] = '.';
    memcpy(out + size, digits + 1, count - 1);
    size += count - 1;
    return size + decimal_exponent(power - 1, out + size);
}

size_t garden__decimal_format(double number, char out[GARDEN__DECIMAL_MAX])
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    const int biased = (int)(bits >> 52 & 0x7ff);
    assert(biased != 0x7ff);
    const uint64_t low = bits & UINT64_C(0xfffffffffffff);
    const struct decimal_parts v = {
        .fraction = biased ? low | UINT64_C(1) << 52 : low,
        .exponent = (biased ? biased : 1) - 1075,
        .lowest = low == 0 && biased > 1,
    };
    return decimal_write(bits >> 63, v, out);
}

size_t garden__decimal_format_float(float number, char out[GARDEN__DECIMAL_MAX])
{
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    const int biased = (int)(bits >> 23 & 0xff);
    assert(biased != 0xff);
    const uint32_t low = bits & 0x7fffff;
    const struct decimal_parts v = {
        .fraction = biased ? low | UINT32_C(1) << 23 : low,
        .exponent = (biased ? biased : 1) - 150,
        .lowest = low == 0 && biased > 1,
    };
    return decimal_write(bits >> 31, v, out);
}
