// A stream's definition as the store keeps it: a JSON object beside the manifest that names it.
#ifndef GARDEN_TOOLS_DEFINITION_H
#define GARDEN_TOOLS_DEFINITION_H

#include "../stream.h"

enum { TOOL_DEVICE_SIZE = 256 };

// {"uri", "device_identity", "format": {"Audio": {...}} or "Midi", "chunk_size_bytes"}. |out| is
// initialised by the caller.
int tool_definition_print(const char *uri, const char *device,
                          const struct garden_stream_format *format, uint64_t chunk_size,
                          struct garden_buffer *out);
struct tool_definition {
    struct garden_stream_format format;
    uint64_t chunk_size;
    char device[TOOL_DEVICE_SIZE];
};
// GARDEN_ERR_FORMAT when it is no definition.
int tool_definition_read(struct zmtp_bytes json, struct tool_definition *out);
// "s16_le" and the like, or as the protocol has it, "S16Le". False: unknown.
bool tool_sample_parse(struct garden_text name, enum garden_sample_format *out);

// Where nobody said how large chunks are to be. Sealing one waits for the disk some eight times, so large
// streams have large ones.
uint64_t tool_chunk_size(const struct garden_stream_format *format);

#endif
