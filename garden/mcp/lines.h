// Octets that come in pieces, as lines: without their ends, and none above a limit.
#ifndef GARDEN_MCP_LINES_H
#define GARDEN_MCP_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include <zmtp/base.h>

struct lines {
    char *data; // of a line that has not ended
    size_t size, space, size_max;
    bool skipping; // it is too long, and passed over
    // A line that is not empty; |whole| false: it was above the limit, and its beginning is not kept.
    void (*line)(void *user, struct zmtp_bytes line, bool whole);
    void *user;
};
void lines_init(struct lines *lines, size_t size_max,
                void (*line)(void *user, struct zmtp_bytes line, bool whole), void *user);
void lines_fini(struct lines *lines);
void lines_put(struct lines *lines, struct zmtp_bytes octets);
// What came last is a line, too, though its end is missing.
void lines_end(struct lines *lines);

#endif
