#include "../value.h"

#include <string.h>

struct garden_uuid garden_uuid_v4(const uint8_t random[16])
{
    struct garden_uuid uuid;
    memcpy(uuid.octets, random, sizeof uuid.octets);
    uuid.octets[6] = (uint8_t)((uuid.octets[6] & 0x0f) | 0x40); // RFC 9562: the version, 4
    uuid.octets[8] = (uint8_t)((uuid.octets[8] & 0x3f) | 0x80); // and the variant, binary 10
    return uuid;
}

bool garden_uuid_equal(struct garden_uuid a, struct garden_uuid b)
{
    return memcmp(a.octets, b.octets, sizeof a.octets) == 0;
}

bool garden_uuid_nil(struct garden_uuid uuid)
{
    return garden_uuid_equal(uuid, (struct garden_uuid){{0}});
}

static bool uuid_hyphen_before(size_t octet)
{
    return octet == 4 || octet == 6 || octet == 8 || octet == 10;
}

void garden_uuid_format(struct garden_uuid uuid, char out[GARDEN_UUID_TEXT_SIZE + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof uuid.octets; i++) {
        if (uuid_hyphen_before(i)) *out++ = '-';
        *out++ = digits[uuid.octets[i] >> 4];
        *out++ = digits[uuid.octets[i] & 15];
    }
    *out = '\0';
}

static int uuid_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

int garden_uuid_parse(struct garden_text text, struct garden_uuid *out)
{
    const bool hyphens = text.size == GARDEN_UUID_TEXT_SIZE;
    if (!hyphens && text.size != 2 * sizeof out->octets) return GARDEN_ERR_FORMAT;
    struct garden_uuid uuid;
    const char *at = text.data;
    for (size_t i = 0; i < sizeof uuid.octets; i++) {
        if (hyphens && uuid_hyphen_before(i) && *at++ != '-') return GARDEN_ERR_FORMAT;
        const int high = uuid_digit(*at++);
        const int low = uuid_digit(*at++);
        if (high < 0 || low < 0) return GARDEN_ERR_FORMAT;
        uuid.octets[i] = (uint8_t)(high << 4 | low);
    }
    *out = uuid;
    return GARDEN_OK;
}
