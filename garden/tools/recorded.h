// A recording in a store, as the commands that read one need it: its manifest and its format.
#ifndef GARDEN_TOOLS_RECORDED_H
#define GARDEN_TOOLS_RECORDED_H

#include "../store.h"
#include "definition.h"
#include "tool.h"

struct recorded {
    struct garden_store *store;
    struct garden_manifest manifest;
    struct garden_stream_format format;
};
// |name|: the manifest's hash; or the uri of a stream that is being captured, as far as it is sealed.
// TOOL_OK, or TOOL_FAILED, TOOL_USAGE or TOOL_DIFFERS after saying why. Close it only after TOOL_OK.
int recorded_open(const struct tool *tool, struct recorded *recorded, const char *store,
                  const char *name);
void recorded_close(struct recorded *recorded);
// The definition that the manifest names, and of it the format alone.
int recorded_definition(const struct tool *tool, const struct garden_store *store,
                        const struct garden_manifest *manifest, struct tool_definition *out);
int recorded_format(const struct tool *tool, const struct garden_store *store,
                    const struct garden_manifest *manifest, struct garden_stream_format *out);

#endif
