#include "slicer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../core/error.h"

enum { SLICER_BLOCK = 1024 * 1024, SLICER_HEADER = 44, SLICER_LONG_HEADER = 80 };

// ---- The header

static uint8_t *slicer_put(uint8_t *at, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        *at++ = (uint8_t)(value >> (8 * i));
    return at;
}

static uint8_t *slicer_put_name(uint8_t *at, const char *name)
{
    memcpy(at, name, 4);
    return at + 4;
}

// Beyond what 32 bits can tell, RF64 (EBU Tech 3306) puts the sizes into a chunk of its own.
static bool slicer_is_long(uint64_t octets)
{
    return octets > UINT32_MAX - SLICER_HEADER;
}

static size_t slicer_header(const struct slicer *slicer, uint64_t octets, uint8_t *out)
{
    enum { PCM = 1, FLOAT = 3 };
    const struct garden_stream_format *format = &slicer->format;
    const uint64_t frame = slicer->manifest->frame_size;
    const bool is_long = slicer_is_long(octets);
    const uint64_t padded = octets + octets % 2;
    uint8_t *at = slicer_put_name(out, is_long ? "RF64" : "RIFF");
    at = slicer_put(at, is_long ? UINT32_MAX : padded + SLICER_HEADER - 8, 4);
    at = slicer_put_name(at, "WAVE");
    if (is_long) {
        at = slicer_put(slicer_put_name(at, "ds64"), 28, 4);
        at = slicer_put(at, padded + SLICER_LONG_HEADER - 8, 8);
        at = slicer_put(slicer_put(at, octets, 8), octets / frame, 8);
        at = slicer_put(at, 0, 4);
    }
    at = slicer_put(slicer_put_name(at, "fmt "), 16, 4);
    at = slicer_put(at, format->sample == GARDEN_SAMPLE_F32_LE ? FLOAT : PCM, 2);
    at = slicer_put(slicer_put(at, format->channels, 2), format->sample_rate, 4);
    at = slicer_put(slicer_put(at, format->sample_rate * frame, 4), frame, 2);
    at = slicer_put(at, 8 * (uint64_t)garden_sample_size(format->sample), 2);
    at = slicer_put(slicer_put_name(at, "data"), is_long ? UINT32_MAX : octets, 4);
    return (size_t)(at - out);
}

// ---- Pieces

static void slicer_leave_file(struct slicer *slicer)
{
    if (slicer->file >= 0) (void)close(slicer->file); // nothing was written
    slicer->file = -1;
}

// Goes on to the next piece. 0: there is none.
static int slicer_enter(struct slicer *slicer, struct garden_error *error)
{
    slicer_leave_file(slicer);
    if (!garden_slice_next(&slicer->walk, &slicer->piece)) return 0;
    if (slicer->piece.gap) {
        slicer->lost += slicer->piece.count;
        const bool silent = slicer->format.kind == GARDEN_STREAM_AUDIO;
        slicer->piece_left = silent ? slicer->piece.count * slicer->manifest->frame_size : 0;
        return 1;
    }
    slicer->piece_left = slicer->piece.byte_length;
    const int result =
        garden_store_open_object(slicer->store, &slicer->piece.chunk, &slicer->file, NULL, error);
    return result < 0 ? result : 1;
}

static int slicer_read(struct slicer *slicer, size_t size, struct garden_error *error)
{
    const uint64_t at = slicer->piece.byte_offset + slicer->piece.byte_length - slicer->piece_left;
    size_t filled = 0;
    while (filled < size) {
        const ssize_t got =
            pread(slicer->file, slicer->block + filled, size - filled, (off_t)(at + filled));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            return garden__fail(error, GARDEN_ERR_CORRUPT, "a chunk cannot be read to its end");
        filled += (size_t)got;
    }
    return GARDEN_OK;
}

int slicer_next(struct slicer *slicer, struct zmtp_bytes *out, struct garden_error *error)
{
    if (slicer->given == 0 && slicer->format.kind == GARDEN_STREAM_AUDIO) {
        const uint64_t frames = slicer->walk.to - slicer->walk.from;
        const size_t size =
            slicer_header(slicer, frames * slicer->manifest->frame_size, slicer->block);
        slicer->given = size;
        *out = zmtp_bytes_of(slicer->block, size);
        return 1;
    }
    while (slicer->piece_left == 0) {
        const int result = slicer_enter(slicer, error);
        if (result < 0) return result;
        if (result > 0) continue;
        if (slicer->given >= slicer->size) return 0;
        slicer->block[0] = 0; // what a chunk of odd size is followed by
        slicer->given++;
        *out = zmtp_bytes_of(slicer->block, 1);
        return 1;
    }
    const size_t size =
        slicer->piece_left < SLICER_BLOCK ? (size_t)slicer->piece_left : SLICER_BLOCK;
    if (slicer->piece.gap)
        memset(slicer->block, 0, size);
    else if (slicer_read(slicer, size, error) < 0)
        return GARDEN_ERR_CORRUPT;
    slicer->piece_left -= size;
    slicer->given += size;
    *out = zmtp_bytes_of(slicer->block, size);
    return 1;
}

// ---- Life

const char *slicer_mime_type(const struct garden_stream_format *format)
{
    return format->kind == GARDEN_STREAM_AUDIO ? "audio/wav" : "audio/midi";
}

int slicer_open(struct slicer *slicer, const struct garden_store *store,
                const struct garden_manifest *manifest, const struct garden_stream_format *format,
                uint64_t from, uint64_t to, struct garden_error *error)
{
    *slicer = (struct slicer){.store = store, .manifest = manifest, .format = *format, .file = -1};
    if (garden_slice_open(&slicer->walk, manifest, from, to) < 0)
        return garden__fail(error, GARDEN_ERR_RANGE,
                            "the recording has frames from 0 to %llu, and the part [%llu, %llu) is "
                            "none of it",
                            (unsigned long long)garden_manifest_end(manifest),
                            (unsigned long long)from, (unsigned long long)to);
    slicer->block = malloc(SLICER_BLOCK);
    if (!slicer->block) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a block");
    const uint64_t octets = (to - from) * manifest->frame_size;
    slicer->size = octets;
    if (format->kind == GARDEN_STREAM_AUDIO)
        slicer->size =
            octets + octets % 2 + (slicer_is_long(octets) ? SLICER_LONG_HEADER : SLICER_HEADER);
    else // what was lost is not there
        slicer->size = 0;
    return GARDEN_OK;
}

void slicer_close(struct slicer *slicer)
{
    slicer_leave_file(slicer);
    free(slicer->block);
    slicer->block = NULL;
}
