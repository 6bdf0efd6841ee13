#include "line.h"

#include <assert.h>

struct garden__line garden__line_of(char *out, size_t size)
{
    assert(size > 0);
    out[0] = '\0';
    return (struct garden__line){.out = out, .size = size};
}

static void line_put(struct garden__line *line, char c)
{
    if (line->used + 1 >= line->size) return;
    line->out[line->used++] = c;
    line->out[line->used] = '\0';
}

void garden__line_text(struct garden__line *line, const char *text)
{
    for (; *text; text++)
        line_put(line, *text);
}

void garden__line_number(struct garden__line *line, uint64_t number)
{
    uint64_t divisor = 1;
    while (number / divisor >= 10)
        divisor *= 10;
    for (; divisor; divisor /= 10)
        line_put(line, (char)('0' + number / divisor % 10));
}

void garden__line_foreign(struct garden__line *line, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        line_put(line, data[i] >= ' ' && data[i] <= '~' ? data[i] : '?');
}
