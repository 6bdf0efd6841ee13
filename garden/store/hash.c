// Names of objects: BLAKE2b with a digest of 256 bits, in hex.
#include "../store.h"

#include <string.h>

#include <sodium.h>

struct garden_hash garden_hash_of(struct zmtp_bytes bytes)
{
    struct garden_hash hash;
    // Fails only for a digest size it does not know.
    (void)crypto_generichash(hash.octets, sizeof hash.octets, bytes.data, bytes.size, NULL, 0);
    return hash;
}

bool garden_hash_equal(const struct garden_hash *a, const struct garden_hash *b)
{
    return memcmp(a->octets, b->octets, sizeof a->octets) == 0;
}

void garden_hash_text(const struct garden_hash *hash, char text[GARDEN_HASH_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < GARDEN_HASH_SIZE; i++) {
        text[2 * i] = digits[hash->octets[i] >> 4];
        text[2 * i + 1] = digits[hash->octets[i] & 15];
    }
    text[2 * GARDEN_HASH_SIZE] = '\0';
}

static int hash_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

int garden_hash_parse(const char *text, struct garden_hash *out)
{
    struct garden_hash hash;
    if (strlen(text) != 2 * GARDEN_HASH_SIZE) return GARDEN_ERR_FORMAT;
    for (size_t i = 0; i < GARDEN_HASH_SIZE; i++) {
        const int high = hash_digit(text[2 * i]), low = hash_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return GARDEN_ERR_FORMAT;
        hash.octets[i] = (uint8_t)(high << 4 | low);
    }
    *out = hash;
    return GARDEN_OK;
}
