// slice: any part of a recording as a WAV file, or as the list of its pieces.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "progress.h"
#include "recorded.h"

enum { SLICE_BLOCK = 256 * 1024, SLICE_PATH_MAX = 4096, SLICE_HEADER_MAX = 4096 };

static const char slice_help[] =
    "Usage: gardenctl slice --store DIR [OPTION]... MANIFEST|URI\n"
    "\n"
    "Writes the part [FROM, TO) of a recording as a WAV file, or prints its pieces.\n"
    "MANIFEST is the manifest's hash; URI a stream that is being captured, as far as\n"
    "its chunks are sealed.\n"
    "\n"
    "  --from POSITION   the first frame (0)\n"
    "  --to POSITION     the frame behind the last (the end)\n"
    "                    A position is a number of frames, or a span of time as\n"
    "                    1.5s, 500ms, 2m or 1h; or the same from the end, as -48000\n"
    "                    or -1.5s\n"
    "  --out FILE        where to write; RF64 when it is too large for WAV. Without it\n"
    "                    the pieces are printed\n"
    "  --force           replace FILE where it is there already\n"
    "  --gaps HOW        frames that were lost become silence (the default), are\n"
    "                    left out (skip), or are a failure (fail)\n"
    "\n"
    "The samples are as they were captured, bit for bit.";

enum slice_gaps { SLICE_SILENCE, SLICE_SKIP, SLICE_FAIL };

struct slice {
    const char *store, *from, *to, *out;
    enum slice_gaps gaps;
    bool force;
    struct recorded recorded;
    uint64_t first, end, lost;
    SNDFILE *file;
    uint8_t *block;
    struct progress progress;
};

// ---- Positions

enum slice_position { SLICE_POSITION, SLICE_NO_POSITION, SLICE_OUTSIDE };

// "48000", "1.5s", "-1.5s".
static enum slice_position slice_position(const struct slice *slice, const char *text,
                                          uint64_t *out)
{
    const bool back = text[0] == '-';
    const char *digits = text + back;
    const uint64_t whole = garden_manifest_end(&slice->recorded.manifest);
    const uint32_t rate = slice->recorded.format.sample_rate;
    uint64_t frames, span_ns;
    errno = 0;
    if (digits[0] != 0 && digits[strspn(digits, "0123456789")] == 0)
        frames = strtoull(digits, NULL, 10);
    else if (rate > 0 && duration_parse(digits, 0, &span_ns)) // octets of MIDI have no time
        frames = duration_frames(span_ns, rate);
    else
        return SLICE_NO_POSITION;
    if (errno != 0 || frames > whole) return SLICE_OUTSIDE;
    *out = back ? whole - frames : frames;
    return SLICE_POSITION;
}

static int slice_positions(const struct tool *tool, struct slice *slice)
{
    const char *const texts[] = {slice->from, slice->to};
    uint64_t *const out[] = {&slice->first, &slice->end};
    const uint64_t whole = garden_manifest_end(&slice->recorded.manifest);
    const uint32_t rate = slice->recorded.format.sample_rate;
    const char *some = rate ? "48000, 1.5s and -1.5s are some"
                            : "those of MIDI, which has no times, are octets, as 48 and -48";
    char seconds[32] = "";
    if (rate) (void)snprintf(seconds, sizeof seconds, " (%.3fs)", (double)whole / rate);
    slice->end = whole;
    for (size_t i = 0; i < 2; i++) {
        const char *const option = i == 0 ? "--from" : "--to";
        const enum slice_position found =
            texts[i] ? slice_position(slice, texts[i], out[i]) : SLICE_POSITION;
        if (found == SLICE_NO_POSITION)
            return tool_usage(tool, "%s '%s' is no position: %s", option, texts[i], some);
        if (found == SLICE_OUTSIDE)
            return tool_usage(tool, "%s %s is outside of this recording of %llu frames%s", option,
                              texts[i], (unsigned long long)whole, seconds);
    }
    if (slice->first < slice->end) return TOOL_OK;
    return tool_usage(tool, "the slice is empty: it begins at frame %llu and ends before %llu",
                      (unsigned long long)slice->first, (unsigned long long)slice->end);
}

// ---- The list of pieces

static void slice_print_piece(const struct tool *tool, const struct garden_piece *piece)
{
    char hash[GARDEN_HASH_TEXT_SIZE] = "-";
    if (!piece->gap) garden_hash_text(&piece->chunk, hash);
    if (!tool->json) {
        (void)printf("%14llu %14llu  %s", (unsigned long long)piece->first,
                     (unsigned long long)piece->count, piece->gap ? "lost" : hash);
        if (!piece->gap)
            (void)printf(" %llu+%llu", (unsigned long long)piece->byte_offset,
                         (unsigned long long)piece->byte_length);
        (void)putchar('\n');
        return;
    }
    struct garden_entry entries[] = {
        garden_entry_of("first", garden_value_uint(piece->first)),
        garden_entry_of("count", garden_value_uint(piece->count)),
        garden_entry_of("chunk",
                        piece->gap ? garden_value_null() : garden_value_text(garden_text_of(hash))),
        garden_entry_of("byte_offset", garden_value_uint(piece->byte_offset)),
        garden_entry_of("byte_length", garden_value_uint(piece->byte_length)),
    };
    const struct garden_value value = garden_value_map(entries, sizeof entries / sizeof *entries);
    tool_print_json(&value);
}

// ---- The file

static int slice_write(const struct tool *tool, struct slice *slice, size_t size)
{
    if (sf_write_raw(slice->file, slice->block, (sf_count_t)size) == (sf_count_t)size)
        return TOOL_OK;
    return tool_fail(tool, "%s cannot be written: %s", slice->out, sf_strerror(slice->file));
}

static int slice_silence(const struct tool *tool, struct slice *slice, uint64_t count)
{
    const uint64_t frame_size = slice->recorded.manifest.frame_size;
    uint64_t left = count * frame_size;
    const size_t most = (size_t)(SLICE_BLOCK / frame_size * frame_size);
    memset(slice->block, 0, most);
    int result = TOOL_OK;
    while (left > 0 && result == TOOL_OK) {
        const size_t size = left < most ? (size_t)left : most;
        result = slice_write(tool, slice, size);
        left -= size;
    }
    return result;
}

// The piece's octets, read from an object that was verified when it was opened.
static int slice_copy(const struct tool *tool, struct slice *slice, int file,
                      const struct garden_piece *piece)
{
    const uint64_t frame_size = slice->recorded.manifest.frame_size;
    const size_t most = (size_t)(SLICE_BLOCK / frame_size * frame_size);
    uint64_t at = piece->byte_offset, left = piece->byte_length;
    int result = TOOL_OK;
    while (left > 0 && result == TOOL_OK) {
        size_t filled = 0;
        const size_t size = left < most ? (size_t)left : most;
        while (filled < size) {
            const ssize_t got =
                pread(file, slice->block + filled, size - filled, (off_t)(at + filled));
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return tool_fail(tool, "a chunk cannot be read to its end");
            filled += (size_t)got;
        }
        result = slice_write(tool, slice, size);
        at += size;
        left -= size;
    }
    return result;
}

static int slice_put(const struct tool *tool, struct slice *slice, const struct garden_piece *piece)
{
    struct garden_error error;
    int file;
    if (piece->gap) {
        slice->lost += piece->count;
        return slice->gaps == SLICE_SILENCE ? slice_silence(tool, slice, piece->count) : TOOL_OK;
    }
    const int opened =
        garden_store_open_object(slice->recorded.store, &piece->chunk, &file, NULL, &error);
    if (opened < 0) {
        (void)tool_fail(tool, "%s", error.text);
        return opened == GARDEN_ERR_CORRUPT ? TOOL_DIFFERS : TOOL_FAILED;
    }
    const int result = slice_copy(tool, slice, file, piece);
    (void)close(file); // nothing was written
    return result;
}

static int slice_walk(const struct tool *tool, struct slice *slice)
{
    struct garden_slice walk;
    struct garden_piece piece;
    int result = TOOL_OK;
    // The positions were checked.
    (void)garden_slice_open(&walk, &slice->recorded.manifest, slice->first, slice->end);
    while (result == TOOL_OK && garden_slice_next(&walk, &piece)) {
        if (slice->file)
            progress_part(&slice->progress, "samples", piece.first - slice->first,
                          slice->end - slice->first);
        if (piece.gap && slice->gaps == SLICE_FAIL)
            return tool_fail(tool, "%llu frames from %llu were lost",
                             (unsigned long long)piece.count, (unsigned long long)piece.first);
        if (slice->file)
            result = slice_put(tool, slice, &piece);
        else
            slice_print_piece(tool, &piece);
    }
    return result;
}

static int slice_subtype(enum garden_sample_format sample)
{
    switch (sample) {
    case GARDEN_SAMPLE_F32_LE:
        return SF_FORMAT_FLOAT;
    case GARDEN_SAMPLE_S16_LE:
        return SF_FORMAT_PCM_16;
    case GARDEN_SAMPLE_S24_LE:
        return SF_FORMAT_PCM_24;
    case GARDEN_SAMPLE_S32_LE:
        return SF_FORMAT_PCM_32;
    }
    return 0;
}

// Whether the disk has all of it: one that refuses a write may say so only here.
static bool slice_sync(const char *path)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    const bool synced = file >= 0 && fsync(file) == 0;
    const int failure = errno;
    if (file >= 0) (void)close(file); // nothing was written
    errno = failure;
    return synced;
}

// Into a file beside the one that is meant, which takes its place when it is whole.
static int slice_to_file(const struct tool *tool, struct slice *slice)
{
    char part[SLICE_PATH_MAX];
    const struct garden_stream_format *format = &slice->recorded.format;
    if (format->kind != GARDEN_STREAM_AUDIO)
        return tool_fail(tool, "this stream is MIDI, which is no WAV file: leave --out away");
    const int filled = snprintf(part, sizeof part, "%s.part", slice->out);
    if (filled < 0 || (size_t)filled >= sizeof part)
        return tool_usage(tool, "--out: the path is too long");
    if (tool_check_out(tool, slice->out, slice->force) != TOOL_OK) return TOOL_USAGE;
    // A plain WAV file is what most programs read; its sizes have 32 bits.
    const uint64_t octets = (slice->end - slice->first) * slice->recorded.manifest.frame_size;
    const bool plain = octets < UINT32_MAX - SLICE_HEADER_MAX;
    SF_INFO info = {.samplerate = (int)format->sample_rate,
                    .channels = format->channels,
                    .format =
                        (plain ? SF_FORMAT_WAV : SF_FORMAT_RF64) | slice_subtype(format->sample)};
    slice->file = sf_open(part, SFM_WRITE, &info);
    if (!slice->file)
        return tool_fail(tool, "%s cannot be written: %s", slice->out, sf_strerror(NULL));
    slice->block = malloc(SLICE_BLOCK);
    int result = slice->block ? slice_walk(tool, slice) : tool_fail(tool, "no memory");
    free(slice->block);
    if (sf_close(slice->file) != 0 && result == TOOL_OK)
        result = tool_fail(tool, "%s cannot be written: is the disk full?", slice->out);
    if (result == TOOL_OK && (!slice_sync(part) || rename(part, slice->out) != 0))
        result = tool_fail(tool, "%s cannot be written: %s", slice->out, strerror(errno));
    if (result != TOOL_OK) (void)unlink(part); // what went wrong was told
    return result;
}

static void slice_report(const struct tool *tool, const struct slice *slice)
{
    const unsigned long long frames =
        slice->end - slice->first - (slice->gaps == SLICE_SKIP ? slice->lost : 0);
    if (tool->json) {
        struct garden_entry entries[] = {
            garden_entry_of("file", garden_value_text(garden_text_of(slice->out))),
            garden_entry_of("from", garden_value_uint(slice->first)),
            garden_entry_of("to", garden_value_uint(slice->end)),
            garden_entry_of("frames", garden_value_uint(frames)),
            garden_entry_of("lost", garden_value_uint(slice->lost)),
        };
        const struct garden_value value =
            garden_value_map(entries, sizeof entries / sizeof *entries);
        tool_print_json(&value);
        return;
    }
    (void)printf("%s: %llu frames from %llu", slice->out, frames, (unsigned long long)slice->first);
    if (slice->lost > 0)
        (void)printf(", %llu of them lost and %s", (unsigned long long)slice->lost,
                     slice->gaps == SLICE_SKIP ? "left out" : "silent");
    (void)putchar('\n');
}

static bool slice_gaps_parse(const char *text, enum slice_gaps *out)
{
    static const char *const names[] = {"silence", "skip", "fail"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) != 0) continue;
        *out = (enum slice_gaps)i;
        return true;
    }
    return false;
}

static const struct option slice_options[] = {
    {"store", required_argument, NULL, 's'},
    {"from", required_argument, NULL, 'f'},
    {"to", required_argument, NULL, 't'},
    {"out", required_argument, NULL, 'o'},
    {"gaps", required_argument, NULL, 'g'},
    {"force", no_argument, NULL, 'F'},
    {0},
};

static int slice_command(struct tool *tool, int argc, char **argv)
{
    struct slice slice = {.gaps = SLICE_SILENCE};
    int option;
    while ((option = getopt_long(argc, argv, "", slice_options, NULL)) >= 0) {
        if (option == 's') {
            slice.store = optarg;
        } else if (option == 'f') {
            slice.from = optarg;
        } else if (option == 't') {
            slice.to = optarg;
        } else if (option == 'o') {
            slice.out = optarg;
        } else if (option == 'F') {
            slice.force = true;
        } else if (option == 'g') {
            if (!slice_gaps_parse(optarg, &slice.gaps))
                return tool_usage(tool, "--gaps takes silence, skip or fail, not '%s'", optarg);
        } else {
            return TOOL_USAGE;
        }
    }
    if (!slice.store) return tool_usage(tool, "--store DIR is missing");
    if (argc - optind != 1) return tool_usage(tool, "name one manifest by its hash, or a stream");
    int result = recorded_open(tool, &slice.recorded, slice.store, argv[optind]);
    if (result != TOOL_OK) return result;
    progress_init(&slice.progress, tool->json, 0, 0);
    result = slice_positions(tool, &slice);
    if (result == TOOL_OK)
        result = slice.out ? slice_to_file(tool, &slice) : slice_walk(tool, &slice);
    progress_clear(&slice.progress);
    if (result == TOOL_OK && slice.out) slice_report(tool, &slice);
    recorded_close(&slice.recorded);
    return result;
}

const struct tool_command tool_slice = {
    .name = "slice",
    .run = slice_command,
    .summary = "write a part of a recording as a WAV file",
    .help = slice_help,
    .options = slice_options,
};
