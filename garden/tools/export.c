// export: recordings as a tar archive. Everything is verified before it is written.
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hashes.h"
#include "parcel.h"
#include "progress.h"

static const char export_help[] =
    "Usage: gardenctl export --store DIR [--out FILE [--force]] MANIFEST...\n"
    "\n"
    "Writes recordings, each named by its manifest's hash, as a tar archive: their\n"
    "definitions, their chunks (each once, however often it is named), their\n"
    "manifests. The same recordings give the same octets. gardenctl import reads it.\n"
    "\n"
    "  --store DIR  the store\n"
    "  --out FILE   where to write; without it the standard output\n"
    "  --force      replace FILE where it is there already";

static const struct option export_options[] = {
    {"store", required_argument, NULL, 's'},
    {"out", required_argument, NULL, 'o'},
    {"force", no_argument, NULL, 'F'},
    {0},
};

// ---- The names in a parcel

static const struct {
    const char *folder, *suffix, *mime;
} parcel_kinds[PARCEL_KINDS] = {
    [PARCEL_DEFINITION] = {"definitions/", ".json", "application/json"},
    [PARCEL_CHUNK] = {"chunks/", ".raw", "audio/raw"},
    [PARCEL_MIDI] = {"chunks/", ".midi", "audio/midi"},
    [PARCEL_MANIFEST] = {"manifests/", ".json", "application/json"},
};

void parcel_name(enum parcel_kind kind, const struct garden_hash *hash, char out[PARCEL_NAME_SIZE])
{
    char text[GARDEN_HASH_TEXT_SIZE];
    garden_hash_text(hash, text);
    (void)snprintf(out, PARCEL_NAME_SIZE, "%s%s%s", parcel_kinds[kind].folder, text,
                   parcel_kinds[kind].suffix);
}

bool parcel_parse(const char *name, enum parcel_kind *kind, struct garden_hash *hash)
{
    char text[GARDEN_HASH_TEXT_SIZE], again[PARCEL_NAME_SIZE];
    const char *slash = strchr(name, '/');
    if (!slash || strlen(slash + 1) < sizeof text - 1) return false;
    memcpy(text, slash + 1, sizeof text - 1);
    text[sizeof text - 1] = 0;
    if (garden_hash_parse(text, hash) < 0) return false;
    for (int i = 0; i < PARCEL_KINDS; i++) {
        *kind = (enum parcel_kind)i;
        parcel_name(*kind, hash, again);
        if (strcmp(name, again) == 0) return true;
    }
    return false;
}

const char *parcel_mime(enum parcel_kind kind)
{
    return parcel_kinds[kind].mime;
}

// ---- Writing

struct export
{
    const struct tool *tool;
    struct garden_store *store;
    struct archive *archive;
    struct hashes written; // those that are in it
    size_t objects;
    uint64_t bytes;
    uint8_t *block;
    struct progress progress;
    uint64_t done, total;
    int file;
    bool broken; // what is still to be written would make the archive look whole
};

static int export_failed(const struct export *export)
{
    const int number = archive_errno(export->archive);
    const char *why = number > 0 ? strerror(number) : archive_error_string(export->archive);
    return tool_fail(export->tool, "the archive cannot be written: %s", why ? why : "no memory");
}

static int export_head(struct export *export, const char *name, uint64_t size, int64_t ns)
{
    struct archive_entry *entry = archive_entry_new();
    if (!entry) return tool_fail(export->tool, "no memory");
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, (la_int64_t)size);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0444);
    archive_entry_set_mtime(entry, (time_t)(ns / 1000000000), 0);
    const int result = archive_write_header(export->archive, entry);
    archive_entry_free(entry);
    return result == ARCHIVE_OK ? TOOL_OK : export_failed(export);
}

static int export_octets(struct export *export, int file, uint64_t size)
{
    while (size > 0) {
        const ssize_t got = read(file, export->block, PARCEL_BLOCK);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0 || (uint64_t)got > size)
            return tool_fail(export->tool, "an object cannot be read to its end");
        if (archive_write_data(export->archive, export->block, (size_t)got) != got)
            return export_failed(export);
        size -= (uint64_t)got;
        export->bytes += (uint64_t)got;
    }
    return TOOL_OK;
}

static int export_object(struct export *export, enum parcel_kind kind,
                         const struct garden_hash *hash, int64_t ns)
{
    char name[PARCEL_NAME_SIZE];
    struct garden_error error;
    uint64_t size;
    int file;
    const int is_new = hashes_add(&export->written, hash);
    if (is_new < 0) return tool_fail(export->tool, "no memory");
    if (is_new == 0) return TOOL_OK;
    export->objects++;
    const int opened = garden_store_open_object(export->store, hash, &file, &size, &error);
    if (opened < 0) {
        (void)tool_fail(export->tool, "%s", error.text);
        return opened == GARDEN_ERR_CORRUPT ? TOOL_DIFFERS : TOOL_FAILED;
    }
    parcel_name(kind, hash, name);
    int result = export_head(export, name, size, ns);
    if (result == TOOL_OK) result = export_octets(export, file, size);
    (void)close(file); // nothing was written
    return result;
}

static int export_recording(struct export *export, const struct garden_hash *hash)
{
    struct garden_manifest manifest;
    struct garden_error error;
    int result = garden_manifest_load(export->store, hash, &manifest, &error);
    if (result < 0) {
        (void)tool_fail(export->tool, "%s", error.text);
        return result == GARDEN_ERR_CORRUPT ? TOOL_DIFFERS : TOOL_FAILED;
    }
    const enum parcel_kind kind = manifest.frame_size == 1 ? PARCEL_MIDI : PARCEL_CHUNK;
    const int64_t ns = manifest.updated_ns;
    export->done = 0;
    export->total = manifest.chunk_count;
    result = export_object(export, PARCEL_DEFINITION, &manifest.definition_hash, ns);
    for (size_t i = 0; i < manifest.chunk_count && result == TOOL_OK; i++) {
        result = export_object(export, kind, &manifest.chunks[i].hash, ns);
        progress_part(&export->progress, "chunks", ++export->done, export->total);
    }
    if (result == TOOL_OK) result = export_object(export, PARCEL_MANIFEST, hash, ns);
    garden_manifest_fini(&manifest);
    return result;
}

// ---- The archive

static la_ssize_t export_write(struct archive *archive, void *context, const void *octets,
                               size_t size)
{
    const struct export *export = context;
    for (;;) {
        const ssize_t put = export->broken ? (ssize_t)size : write(export->file, octets, size);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) archive_set_error(archive, errno, "%s", strerror(errno));
        return put;
    }
}

static int export_to(struct export *export, int file, char **names, size_t count)
{
    int result = TOOL_OK;
    export->file = file;
    export->archive = archive_write_new();
    export->block = malloc(PARCEL_BLOCK);
    if (!export->archive || !export->block) {
        result = tool_fail(export->tool, "no memory");
    } else if (archive_write_set_format_pax_restricted(export->archive) != ARCHIVE_OK ||
               archive_write_set_bytes_in_last_block(export->archive, 1) != ARCHIVE_OK ||
               archive_write_open(export->archive, export, NULL, export_write, NULL) !=
                   ARCHIVE_OK) {
        result = export_failed(export);
    }
    for (size_t i = 0; i < count && result == TOOL_OK; i++) {
        struct garden_hash hash;
        (void)garden_hash_parse(names[i], &hash); // it was looked at before
        result = export_recording(export, &hash);
    }
    // One that is broken off must not look whole: its end is what closing writes.
    if (result == TOOL_OK && archive_write_close(export->archive) != ARCHIVE_OK)
        result = export_failed(export);
    export->broken = result != TOOL_OK;
    if (export->archive) (void)archive_write_free(export->archive);
    free(export->block);
    hashes_fini(&export->written);
    return result;
}

static void export_report(const struct export *export, const char *out, size_t recordings)
{
    struct garden_entry entries[] = {
        garden_entry_of("file", garden_value_text(garden_text_of(out))),
        garden_entry_of("recordings", garden_value_uint(recordings)),
        garden_entry_of("objects", garden_value_uint(export->objects)),
        garden_entry_of("bytes", garden_value_uint(export->bytes)),
    };
    const struct garden_value value = garden_value_map(entries, sizeof entries / sizeof *entries);
    if (export->tool->json)
        tool_print_json(&value);
    else
        (void)printf("%s: %zu recordings, %zu objects of %llu bytes\n", out, recordings,
                     export->objects, (unsigned long long)export->bytes);
}

// Beside the file that is meant, which it replaces when it is whole and on the disk.
static int export_to_file(struct export *export, const char *out, bool force, char **names,
                          size_t count)
{
    char part[4096];
    const int filled = snprintf(part, sizeof part, "%s.part", out);
    if (filled < 0 || (size_t)filled >= sizeof part)
        return tool_usage(export->tool, "--out: the path is too long");
    if (tool_check_out(export->tool, out, force) != TOOL_OK) return TOOL_USAGE;
    const int file = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0) return tool_fail(export->tool, "%s cannot be written: %s", out, strerror(errno));
    progress_init(&export->progress, export->tool->json, 0, 0);
    int result = export_to(export, file, names, count);
    progress_clear(&export->progress);
    if (result == TOOL_OK && fsync(file) != 0)
        result = tool_fail(export->tool, "%s cannot be written: %s", out, strerror(errno));
    if (close(file) != 0 && result == TOOL_OK)
        result = tool_fail(export->tool, "%s cannot be written: %s", out, strerror(errno));
    if (result == TOOL_OK && rename(part, out) != 0)
        result = tool_fail(export->tool, "%s cannot be written: %s", out, strerror(errno));
    if (result == TOOL_OK)
        export_report(export, out, count);
    else
        (void)unlink(part); // what went wrong was told
    return result;
}

static int export_command(struct tool *tool, int argc, char **argv)
{
    struct export export = {.tool = tool, .progress = {.quiet = true}};
    const char *root = NULL, *out = NULL;
    struct garden_hash hash;
    bool force = false;
    int option;
    while ((option = getopt_long(argc, argv, "", export_options, NULL)) >= 0) {
        if (option == 's')
            root = optarg;
        else if (option == 'o')
            out = optarg;
        else if (option == 'F')
            force = true;
        else
            return TOOL_USAGE;
    }
    if (!root) return tool_usage(tool, "--store DIR is missing");
    if (optind == argc) return tool_usage(tool, "name manifests by their hashes");
    for (int i = optind; i < argc; i++)
        if (garden_hash_parse(argv[i], &hash) < 0)
            return tool_usage(tool, "'%s' is no hash: 64 hex digits are one", argv[i]);
    if (!out && isatty(STDOUT_FILENO) == 1)
        return tool_usage(tool, "an archive is nothing for a terminal: name a file with --out");
    int result = store_tool_open(tool, root, false, &export.store);
    if (result != TOOL_OK) return result;
    const size_t count = (size_t)(argc - optind);
    result = out ? export_to_file(&export, out, force, argv + optind, count)
                 : export_to(&export, STDOUT_FILENO, argv + optind, count);
    garden_store_close(export.store);
    return result;
}

const struct tool_command tool_export = {
    .name = "export",
    .run = export_command,
    .summary = "write recordings as a tar archive",
    .help = export_help,
    .options = export_options,
};
