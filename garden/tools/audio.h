// Audio files, several in a row as one recording, in the sample format of a stream.
#ifndef GARDEN_TOOLS_AUDIO_H
#define GARDEN_TOOLS_AUDIO_H

#include <sndfile.h>

#include "../capture.h"
#include "tool.h"

struct tool_audio {
    char *const *paths;
    size_t count, index; // |index|: of the file that is open
    SNDFILE *file;       // null: none
    int rate, channels;
    uint64_t frames; // of all files
    bool real;       // one of them at least holds reals
};

// Checks that all can be read and agree in rate and channels. TOOL_OK, or TOOL_FAILED after saying
// which does not. |paths| must outlive it.
int tool_audio_open(const struct tool *tool, struct tool_audio *audio, char *const *paths,
                    size_t count);
void tool_audio_close(struct tool_audio *audio);
// Reads |count| frames into |out| as |format|, or fewer at the end of the last file.
size_t tool_audio_read(struct tool_audio *audio, enum garden_sample_format format, uint8_t *out,
                       size_t count);

#endif
