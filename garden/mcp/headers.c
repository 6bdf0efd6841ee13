#include "headers.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

bool header_is_type(const char *value, const char *type)
{
    if (!value) return false;
    const size_t size = strcspn(value, " \t;");
    return size == strlen(type) && strncasecmp(value, type, size) == 0;
}

// How well |type| fits into a range of |size| octets: 0 not at all, 3 by its name.
static int header_match(const char *range, size_t size, const char *type)
{
    const size_t kind = strcspn(type, "/") + 1;
    if (size == strlen(type) && strncasecmp(range, type, size) == 0) return 3;
    if (size == kind + 1 && strncasecmp(range, type, kind) == 0 && range[kind] == '*') return 2;
    return size == 3 && memcmp(range, "*/*", 3) == 0 ? 1 : 0;
}

// Whether the parameters up to |end| say that it is not wanted: q=0, q=0.000.
static bool header_refuses(const char *at, const char *end)
{
    while (at < end) {
        at += strspn(at, " \t;");
        if (end - at >= 3 && strncasecmp(at, "q=0", 3) == 0) {
            const size_t zeros = 2 + strspn(at + 2, "0.");
            return at[zeros] == '\0' || strchr(" \t;,", at[zeros]) != NULL;
        }
        at += strcspn(at, ";,");
        if (*at != ';') return false;
    }
    return false;
}

bool header_accepts(const char *value, const char *type)
{
    int best = 0;
    bool accepted = false;
    for (const char *at = value ? value : ""; *at;) {
        at += strspn(at, " \t,");
        const size_t size = strcspn(at, " \t;,");
        const char *end = at + strcspn(at, ",");
        const int match = header_match(at, size, type);
        if (match > best) {
            best = match;
            accepted = !header_refuses(at + size, end);
        }
        at = end;
    }
    return accepted;
}
