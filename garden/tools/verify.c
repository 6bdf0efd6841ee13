// verify: reads a manifest back, checks every hash, and compares the samples with an audio file.
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "../store.h"
#include "audio.h"
#include "hashes.h"
#include "progress.h"
#include "recorded.h"
#include "tool.h"

enum { VERIFY_BLOCK_FRAMES = 4096 };

static const char verify_help[] =
    "Usage: gardenctl verify --store DIR [--against FILE]... MANIFEST\n"
    "\n"
    "Reads the manifest named by its hash, checks the hash and size of every chunk\n"
    "and that chunks and gaps follow each other without a hole. With --against,\n"
    "decodes the audio file (several are taken one after the other) and compares\n"
    "sample by sample; frames in gaps are skipped in the file. A MIDI stream is\n"
    "compared with a file of its octets.\n"
    "\n"
    "Exit status 4 when anything differs.";

struct verify {
    const char *store_path;
    struct garden_store *store;
    struct garden_hash hash;
    struct garden_manifest manifest;
    struct garden_stream_format format;
    uint64_t store_bytes;
    // The comparison: the file (of MIDI, raw octets), where in the stream it stands, and the next gap.
    struct tool_audio audio;
    FILE *octets;
    uint64_t position;
    size_t gap;
    uint8_t *ours, *theirs; // VERIFY_BLOCK_FRAMES each
    char trouble[256];      // what differs; empty: nothing
    struct progress progress;
};

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static bool
verify_differs(struct verify *verify, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(verify->trouble, sizeof verify->trouble, format, arguments);
    va_end(arguments);
    return false;
}

// ---- Comparing with a file

static bool verify_read_whole(int file, uint8_t *out, size_t size)
{
    while (size > 0) {
        const ssize_t got = read(file, out, size);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        out += got;
        size -= (size_t)got;
    }
    return true;
}

static size_t verify_read_theirs(struct verify *verify, size_t count)
{
    if (verify->octets) return fread(verify->theirs, 1, count, verify->octets);
    return tool_audio_read(&verify->audio, verify->format.sample, verify->theirs, count);
}

static size_t verify_block(uint64_t frames)
{
    return frames < VERIFY_BLOCK_FRAMES ? (size_t)frames : VERIFY_BLOCK_FRAMES;
}

// Frames that the manifest says were lost are read from the file and dropped.
static bool verify_skip_gaps(struct verify *verify)
{
    const struct garden_manifest *manifest = &verify->manifest;
    while (verify->gap < manifest->gap_count &&
           manifest->gaps[verify->gap].first == verify->position) {
        uint64_t left = manifest->gaps[verify->gap++].count;
        while (left > 0) {
            const size_t count = verify_block(left);
            if (verify_read_theirs(verify, count) < count)
                return verify_differs(verify, "the file ends within a gap of the recording");
            verify->position += count;
            left -= count;
        }
    }
    return true;
}

// Compares the next |frames| frames of a chunk's |file|; no gap lies among them.
static bool verify_compare_run(struct verify *verify, int file, uint64_t frames)
{
    const size_t frame_size = verify->manifest.frame_size;
    while (frames > 0) {
        const size_t count = verify_block(frames);
        if (!verify_read_whole(file, verify->ours, count * frame_size))
            return verify_differs(verify, "a chunk cannot be read to its end");
        const size_t got = verify_read_theirs(verify, count);
        for (size_t i = 0; i < count; i++) {
            const unsigned long long at = verify->position + i;
            if (i == got)
                return verify_differs(verify, "the file ends at frame %llu, the recording goes on",
                                      at);
            if (memcmp(verify->ours + i * frame_size, verify->theirs + i * frame_size,
                       frame_size) != 0)
                return verify_differs(verify, "frame %llu is not the file's", at);
        }
        verify->position += count;
        frames -= count;
    }
    return true;
}

static bool verify_compare_chunk(struct verify *verify, const struct garden_manifest_chunk *chunk)
{
    const struct garden_manifest *manifest = &verify->manifest;
    struct garden_error error;
    uint64_t size;
    int file;
    if (garden_store_open_object(verify->store, &chunk->hash, &file, &size, &error) < 0)
        return verify_differs(verify, "%s", error.text);
    bool same = true;
    for (uint64_t left = chunk->sample_count; same && left > 0;) {
        same = verify_skip_gaps(verify);
        uint64_t run = left;
        if (verify->gap < manifest->gap_count &&
            manifest->gaps[verify->gap].first - verify->position < run)
            run = manifest->gaps[verify->gap].first - verify->position;
        same = same && verify_compare_run(verify, file, run);
        left -= run;
    }
    (void)close(file); // nothing was written
    return same;
}

static bool verify_compare(struct verify *verify)
{
    const struct garden_manifest *manifest = &verify->manifest;
    for (size_t i = 0; i < manifest->chunk_count; i++) {
        progress_part(&verify->progress, "samples", verify->position,
                      garden_manifest_end(manifest));
        if (!verify_compare_chunk(verify, &manifest->chunks[i])) return false;
    }
    if (!verify_skip_gaps(verify)) return false;
    if (verify_read_theirs(verify, 1) > 0)
        return verify_differs(verify, "the recording ends at frame %llu, the file goes on",
                              (unsigned long long)verify->position);
    return true;
}

// ---- Reading

// As garden_manifest_verify, chunk by chunk: the manifest was checked when it was loaded.
static bool verify_hashes(struct verify *verify)
{
    const struct garden_manifest *manifest = &verify->manifest;
    const uint64_t total = manifest->total_samples * manifest->frame_size;
    struct garden_error error;
    uint64_t size, done = 0;
    if (garden_store_verify(verify->store, &manifest->definition_hash, NULL, &error) < 0)
        return verify_differs(verify, "%s", error.text);
    for (size_t i = 0; i < manifest->chunk_count; i++) {
        const struct garden_manifest_chunk *chunk = &manifest->chunks[i];
        progress_part(&verify->progress, "hashes", done, total);
        if (garden_store_verify(verify->store, &chunk->hash, &size, &error) < 0)
            return verify_differs(verify, "%s", error.text);
        if (size != chunk->byte_count)
            return verify_differs(verify, "chunk %zu has %llu octets, not %llu", i,
                                  (unsigned long long)size, (unsigned long long)chunk->byte_count);
        done += size;
    }
    return true;
}

static int verify_open_theirs(const struct tool *tool, struct verify *verify, char **paths,
                              size_t count)
{
    const bool audio = verify->format.kind == GARDEN_STREAM_AUDIO;
    if (!audio && count > 1)
        return tool_usage(tool, "MIDI is compared with one file of its octets");
    if (!audio) verify->octets = fopen(paths[0], "re");
    if (!audio && !verify->octets)
        return tool_fail(tool, "%s cannot be read: %s", paths[0], strerror(errno));
    const int result = audio ? tool_audio_open(tool, &verify->audio, paths, count) : TOOL_OK;
    if (result != TOOL_OK || !audio) return result;
    if (verify->audio.channels == verify->format.channels &&
        verify->audio.rate == (int)verify->format.sample_rate)
        return TOOL_OK;
    (void)verify_differs(verify, "the stream and the file differ in rate or channels");
    return TOOL_DIFFERS;
}

static int verify_against(const struct tool *tool, struct verify *verify, char **paths,
                          size_t count)
{
    int result = recorded_format(tool, verify->store, &verify->manifest, &verify->format);
    if (result == TOOL_OK) result = verify_open_theirs(tool, verify, paths, count);
    if (result != TOOL_OK) return result;
    const size_t block = VERIFY_BLOCK_FRAMES * (size_t)verify->manifest.frame_size;
    verify->ours = zmtp_alloc(zmtp_heap(), 2 * block);
    if (verify->ours) {
        verify->theirs = verify->ours + block;
        result = verify_compare(verify) ? TOOL_OK : TOOL_DIFFERS;
        zmtp_free(zmtp_heap(), verify->ours, 2 * block);
    } else {
        result = tool_fail(tool, "no memory to compare with");
    }
    tool_audio_close(&verify->audio);
    if (verify->octets) (void)fclose(verify->octets); // nothing was written
    return result;
}

// What the recording's own objects take on the disk: equal chunks are there once.
static int verify_stored(const struct tool *tool, struct verify *verify)
{
    const struct garden_manifest *manifest = &verify->manifest;
    struct hashes met = {.places = NULL};
    int is_new = 0;
    for (size_t i = 0; i < manifest->chunk_count && is_new >= 0; i++) {
        is_new = hashes_add(&met, &manifest->chunks[i].hash);
        if (is_new > 0) verify->store_bytes += manifest->chunks[i].byte_count;
    }
    hashes_fini(&met);
    return is_new < 0 ? tool_fail(tool, "no memory") : TOOL_OK;
}

// ---- Telling

static void verify_print_row(const char *name, uint64_t value, const char *unit)
{
    (void)printf("  %-16s %14llu%s\n", name, (unsigned long long)value, unit);
}

static void verify_print(const struct verify *verify, bool compared, int result, double seconds)
{
    const struct garden_manifest *manifest = &verify->manifest;
    char hash[GARDEN_HASH_TEXT_SIZE];
    garden_hash_text(&verify->hash, hash);
    (void)printf("%s\n", manifest->stream_uri);
    verify_print_row("chunks", manifest->chunk_count, "");
    verify_print_row("offered", garden_manifest_end(manifest), " frames");
    verify_print_row("captured", manifest->total_samples, " frames");
    verify_print_row("lost", manifest->total_gaps, " frames");
    verify_print_row("captured", manifest->total_samples * manifest->frame_size, " bytes");
    verify_print_row("stored", verify->store_bytes, " bytes");
    if (verify->format.sample_rate > 0) // else the comparison was not come to
        (void)printf("  %-16s %14.3f s\n", "duration",
                     (double)garden_manifest_end(manifest) / verify->format.sample_rate);
    (void)printf("  %-16s %14.3f s\n", "checked in", seconds);
    (void)printf("  %-16s %s\n", "manifest", hash);
    if (result == TOOL_OK)
        (void)printf("  every hash is right%s\n",
                     compared ? ", and every frame is the file's" : "");
    else
        (void)printf("  DIFFERS: %s\n", verify->trouble);
}

static void verify_print_json(const struct verify *verify, bool compared, int result,
                              double seconds)
{
    const struct garden_manifest *manifest = &verify->manifest;
    char hash[GARDEN_HASH_TEXT_SIZE];
    garden_hash_text(&verify->hash, hash);
    struct garden_entry entries[] = {
        garden_entry_of("uri", garden_value_text(garden_text_of(manifest->stream_uri))),
        garden_entry_of("manifest", garden_value_text(garden_text_of(hash))),
        garden_entry_of("complete", garden_value_bool(manifest->complete)),
        garden_entry_of("chunks", garden_value_uint(manifest->chunk_count)),
        garden_entry_of("offered", garden_value_uint(garden_manifest_end(manifest))),
        garden_entry_of("captured", garden_value_uint(manifest->total_samples)),
        garden_entry_of("lost", garden_value_uint(manifest->total_gaps)),
        garden_entry_of("bytes", garden_value_uint(manifest->total_samples * manifest->frame_size)),
        garden_entry_of("stored_bytes", garden_value_uint(verify->store_bytes)),
        garden_entry_of("compared", garden_value_bool(compared)),
        garden_entry_of("ok", garden_value_bool(result == TOOL_OK)),
        garden_entry_of("difference", verify->trouble[0]
                                          ? garden_value_text(garden_text_of(verify->trouble))
                                          : garden_value_null()),
        garden_entry_of("seconds", garden_value_real(seconds)),
    };
    const struct garden_value all = garden_value_map(entries, sizeof entries / sizeof *entries);
    tool_print_json(&all);
}

static int verify_run(const struct tool *tool, struct verify *verify, char **against, size_t count)
{
    struct garden_error error;
    const struct garden_store_config config = {.root = verify->store_path, .read_only = true};
    if (garden_store_open(&config, &verify->store, &error) < 0)
        return tool_fail(tool, "%s", error.text);
    int result = garden_manifest_load(verify->store, &verify->hash, &verify->manifest, &error);
    if (result < 0) {
        (void)tool_fail(tool, "%s", error.text);
        garden_store_close(verify->store);
        return result == GARDEN_ERR_CORRUPT ? TOOL_DIFFERS : TOOL_FAILED;
    }
    const uint64_t begun = uv_hrtime();
    progress_init(&verify->progress, tool->json, 0, 0);
    if (!verify_hashes(verify))
        result = TOOL_DIFFERS;
    else if (count > 0)
        result = verify_against(tool, verify, against, count);
    progress_clear(&verify->progress);
    const int stored = verify_stored(tool, verify);
    if (stored != TOOL_OK) result = stored;
    const double seconds = (double)(uv_hrtime() - begun) / 1e9;
    if (result == TOOL_OK || result == TOOL_DIFFERS)
        (tool->json ? verify_print_json : verify_print)(verify, count > 0, result, seconds);
    garden_manifest_fini(&verify->manifest);
    garden_store_close(verify->store);
    return result;
}

static const struct option verify_options[] = {
    {"store", required_argument, NULL, 's'},
    {"against", required_argument, NULL, 'a'},
    {0},
};

static int verify_command(struct tool *tool, int argc, char **argv)
{
    struct verify verify = {0};
    char *against[TOOL_FILES_MAX];
    size_t count = 0;
    int option;
    while ((option = getopt_long(argc, argv, "", verify_options, NULL)) >= 0) {
        if (option == 's') {
            verify.store_path = optarg;
        } else if (option == 'a') {
            if (count == TOOL_FILES_MAX)
                return tool_usage(tool, "at most %d files can be compared", TOOL_FILES_MAX);
            against[count++] = optarg;
        } else {
            return TOOL_USAGE;
        }
    }
    if (!verify.store_path) return tool_usage(tool, "--store DIR is missing");
    if (argc - optind != 1) return tool_usage(tool, "name one manifest by its hash");
    if (garden_hash_parse(argv[optind], &verify.hash) < 0)
        return tool_usage(tool, "'%s' is no hash: 64 hex digits are one", argv[optind]);
    return verify_run(tool, &verify, against, count);
}

const struct tool_command tool_verify = {
    .name = "verify",
    .run = verify_command,
    .summary = "check a manifest, its chunks, and the samples against a file",
    .help = verify_help,
    .options = verify_options,
};
