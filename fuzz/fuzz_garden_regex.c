// A pattern and, behind a zero octet, a text: the pattern is refused in words or matches or not, and as a
// group it does the same.
#include "check.h"
#include "fuzz.h"

#include <string.h>

#include "garden/query/regex.h"

enum { REGEX_PATTERN_MAX = 512 };

// -1: it was refused.
static int regex_ask(struct garden_text pattern, struct garden_text text)
{
    struct garden_arena arena;
    struct garden__regex *regex;
    struct garden_error error = {0};
    garden_arena_init(&arena, NULL, 0);
    const int result = garden__regex_compile(&regex, pattern, &arena, &error);
    if (result < 0) fuzz_check(error.code == result && error.text[0]);
    const int matches = result < 0 ? -1 : garden__regex_match(regex, text, NULL);
    if (matches >= 0) fuzz_check(garden__regex_match(regex, text, NULL) == (matches == 1));
    garden_arena_fini(&arena);
    return matches;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char group[REGEX_PATTERN_MAX + 4] = "(?:";
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    const size_t pattern_size = end ? (size_t)(end - data) : size;
    const struct garden_text pattern = {(const char *)data, pattern_size};
    const struct garden_text text =
        end ? (struct garden_text){(const char *)end + 1, size - pattern_size - 1}
            : (struct garden_text){"", 0};
    if (pattern_size > REGEX_PATTERN_MAX) return 0;
    const int matches = regex_ask(pattern, text);
    memcpy(group + 3, data, pattern_size);
    group[pattern_size + 3] = ')';
    const int again = regex_ask((struct garden_text){group, pattern_size + 4}, text);
    // A group may be one too deep, and a pattern that ends in a backslash takes in the group's end.
    if (matches >= 0) fuzz_check(again == matches || again == -1);
    return 0;
}
