#include "lines.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_SPACE = 4096 };

void lines_init(struct lines *lines, size_t size_max,
                void (*line)(void *user, struct zmtp_bytes line, bool whole), void *user)
{
    *lines = (struct lines){.size_max = size_max, .line = line, .user = user};
}

void lines_fini(struct lines *lines)
{
    free(lines->data);
    lines->data = NULL;
    lines->size = lines->space = 0;
}

// Too long for the limit, or for the memory.
static void lines_skip(struct lines *lines)
{
    lines_fini(lines);
    lines->skipping = true;
}

static void lines_keep(struct lines *lines, const uint8_t *data, size_t size)
{
    if (lines->skipping) return;
    // One octet more may be there: a carriage return.
    if (size > lines->size_max + 1 - lines->size) {
        lines_skip(lines);
        return;
    }
    size_t space = lines->space > 0 ? lines->space : LINES_SPACE;
    while (space - lines->size < size)
        space *= 2;
    char *grown = space > lines->space ? realloc(lines->data, space) : lines->data;
    if (!grown) {
        lines_skip(lines);
        return;
    }
    lines->data = grown;
    lines->space = space;
    memcpy(lines->data + lines->size, data, size);
    lines->size += size;
}

static void lines_tell(struct lines *lines, const uint8_t *data, size_t size)
{
    if (size > 0 && data[size - 1] == '\r') size--;
    if (size > lines->size_max)
        lines->line(lines->user, zmtp_bytes_of(data, 0), false);
    else if (size > 0)
        lines->line(lines->user, zmtp_bytes_of(data, size), true);
}

void lines_end(struct lines *lines)
{
    // Taken out first: the callee may end it all.
    char *data = lines->data;
    const size_t size = lines->size;
    const bool skipped = lines->skipping;
    lines->data = NULL;
    lines->size = lines->space = 0;
    lines->skipping = false;
    if (skipped)
        lines->line(lines->user, zmtp_bytes_of(NULL, 0), false);
    else if (data)
        lines_tell(lines, (const uint8_t *)data, size);
    free(data);
}

void lines_put(struct lines *lines, struct zmtp_bytes octets)
{
    const uint8_t *data = octets.data;
    size_t left = octets.size;
    while (left > 0) {
        const uint8_t *end = memchr(data, '\n', left);
        const size_t size = end ? (size_t)(end - data) : left;
        if (end && lines->size == 0 && !lines->skipping) {
            lines_tell(lines, data, size);
        } else if (size > 0) {
            lines_keep(lines, data, size);
            if (end) lines_end(lines);
        } else if (end) {
            lines_end(lines);
        }
        data += size + (end ? 1 : 0);
        left -= size + (end ? 1 : 0);
    }
}
