#include <string.h>

#include "../base.h"

struct zmtp_bytes zmtp_bytes_of(const void *data, size_t size)
{
    return (struct zmtp_bytes){data, size};
}

struct zmtp_bytes zmtp_bytes_text(const char *text)
{
    return zmtp_bytes_of(text, text ? strlen(text) : 0);
}

bool zmtp_bytes_equal(struct zmtp_bytes a, struct zmtp_bytes b)
{
    if (a.size != b.size) return false;
    return a.size == 0 || memcmp(a.data, b.data, a.size) == 0;
}
