// What a DebugDump's state says of sources and streams; stream.h has its form.
#ifndef GARDEN_TOOLS_STATE_H
#define GARDEN_TOOLS_STATE_H

#include "../stream.h"

struct state_source {
    struct garden_stream_format format;
    bool usable;     // the format was understood
    bool ends;       // after |frames|
    uint64_t frames; // 0: unknown
};
// False: there is no such source.
bool state_find_source(const struct garden_value *state, const char *name,
                       struct state_source *out);
// False: there is no such stream. |out_over|: it is being stopped, or was.
bool state_find_stream(const struct garden_value *state, const char *uri, bool *out_over);

#endif
