// Recordings that an earlier process left in a store.
#ifndef GARDEN_TOOLS_LEFT_H
#define GARDEN_TOOLS_LEFT_H

#include "../store.h"
#include "tool.h"

enum { LEFT_RUN_SIZE = 33 };

struct left {
    char run[LEFT_RUN_SIZE];
    char uri[GARDEN_URI_MAX]; // empty: only its journal is left, which knows
    int64_t started_ns;
};
// The newest of |uri|, or of all when that is null and they are of one stream; the journal knows of which.
// TOOL_OK, or TOOL_FAILED or TOOL_USAGE after saying why.
int left_find(const struct tool *tool, const struct garden_store *store, const char *uri,
              struct left *out);

// What to do about a capture that ends without its manifest.
void left_tell_unfinished(const struct tool *tool, const char *store);
// ... and about one whose stream a daemon still writes: that is no damage, and has two remedies.
void left_tell_running(const struct tool *tool, const char *store, const char *uri);
// ... and where a new capture was refused, as the daemon has a stream of that name already.
void left_tell_taken(const struct tool *tool, const struct garden_store *store, const char *folder,
                     const char *uri);

#endif
