// A part of a recording as octets that come piece by piece: a WAV file of audio, plain octets of MIDI. Frames that
// were lost are silence; of MIDI, nothing.
#ifndef GARDEN_MCP_SLICER_H
#define GARDEN_MCP_SLICER_H

#include "../store.h"

struct slicer {
    const struct garden_store *store;
    const struct garden_manifest *manifest;
    struct garden_stream_format format;
    struct garden_slice walk;
    struct garden_piece piece;
    uint64_t piece_left;  // octets
    uint64_t size, given; // octets in all, the header with them, and those given
    uint64_t lost;        // frames of the gaps that were come to
    int file;             // of the piece's chunk; -1: none
    uint8_t *block;
};
// All of it must outlive the slicer. GARDEN_ERR_RANGE: no such positions.
int slicer_open(struct slicer *slicer, const struct garden_store *store,
                const struct garden_manifest *manifest, const struct garden_stream_format *format,
                uint64_t from, uint64_t to, struct garden_error *error);
void slicer_close(struct slicer *slicer);
// The next octets, good until the next call: 1; 0 at the end; or an error, as when a chunk is damaged.
int slicer_next(struct slicer *slicer, struct zmtp_bytes *out, struct garden_error *error);
const char *slicer_mime_type(const struct garden_stream_format *format);

#endif
