// import: recordings from a tar archive. An archive is a stranger: what has not the hash that its name
// tells becomes no object, and a manifest becomes one only when all that it names is in the store.
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../stream.h"
#include "parcel.h"

enum {
    IMPORT_MANIFESTS_MAX = 4096,
    IMPORT_MANIFEST_BYTES_MAX = 256 * 1024 * 1024, // of all manifests of an archive
};

static const char import_help[] =
    "Usage: gardenctl import --store DIR [FILE]\n"
    "\n"
    "Reads an archive that gardenctl export wrote, from FILE or the standard input, and\n"
    "puts its recordings into the store. Every object is verified; a manifest is put\n"
    "in last, when all that it names is there. Doing it again changes nothing, and a\n"
    "kill in the midst leaves at most objects without a name (gardenctl gc).\n"
    "\n"
    "  --store DIR  the store; made when missing, and the archive is one\n"
    "\n"
    "Prints the hash of each manifest. Exit status 4 when the archive is damaged.";

static const struct option import_options[] = {{"store", required_argument, NULL, 's'}, {0}};

struct import_manifest {
    struct garden_hash hash;
    uint8_t *octets;
    size_t size;
};

struct import {
    const struct tool *tool;
    struct garden_store *store;
    struct archive *archive;
    uint8_t *block;
    struct import_manifest *manifests;
    size_t manifest_count, manifest_bytes;
    uint64_t objects, bytes, known; // |known|: objects that were there before
};

static int import_failed(const struct import *import)
{
    const char *why = archive_error_string(import->archive);
    const int code = archive_errno(import->archive);
    if (code == EIO || code == EISDIR || code == EBADF)
        return tool_fail(import->tool, "the archive cannot be read: %s", strerror(code));
    (void)tool_fail(import->tool, "the archive cannot be read: %s", why ? why : "no memory");
    return TOOL_DIFFERS;
}

static int import_store_failed(const struct import *import, int result,
                               const struct garden_error *error)
{
    (void)tool_fail(import->tool, "%s", error->text);
    return result == GARDEN_ERR_CORRUPT || result == GARDEN_ERR_FORMAT ? TOOL_DIFFERS : TOOL_FAILED;
}

// ---- Entries

static int import_pieces(struct import *import, struct garden_incoming *incoming)
{
    struct garden_error error;
    for (;;) {
        const la_ssize_t got = archive_read_data(import->archive, import->block, PARCEL_BLOCK);
        if (got < 0) return import_failed(import);
        if (got == 0) return TOOL_OK;
        const int result =
            garden_incoming_write(incoming, zmtp_bytes_of(import->block, (size_t)got), &error);
        if (result < 0) return import_store_failed(import, result, &error);
        import->bytes += (uint64_t)got;
    }
}

static int import_object(struct import *import, enum parcel_kind kind,
                         const struct garden_hash *hash)
{
    struct garden_incoming *incoming;
    struct garden_hash made;
    struct garden_error error;
    const bool known = garden_store_verify(import->store, hash, NULL, NULL) == GARDEN_OK;
    int result = garden_incoming_open(import->store, &incoming, &error);
    if (result < 0) return import_store_failed(import, result, &error);
    int status = import_pieces(import, incoming);
    if (status == TOOL_OK) {
        result = garden_incoming_seal(incoming, hash, parcel_mime(kind), &made, &error);
        if (result < 0) status = import_store_failed(import, result, &error);
    }
    garden_incoming_close(incoming);
    if (status != TOOL_OK) return status;
    import->objects++;
    import->known += known;
    return TOOL_OK;
}

// Kept until everything that it names can be there.
static int import_manifest(struct import *import, const struct garden_hash *hash, uint64_t size)
{
    const struct tool *tool = import->tool;
    if (size > PARCEL_MANIFEST_MAX || import->manifest_bytes + size > IMPORT_MANIFEST_BYTES_MAX ||
        import->manifest_count == IMPORT_MANIFESTS_MAX)
        return tool_fail(tool, "the archive has more, or larger, manifests than can be taken");
    uint8_t *octets = malloc(size > 0 ? (size_t)size : 1);
    if (!octets) return tool_fail(tool, "no memory");
    const la_ssize_t got = archive_read_data(import->archive, octets, (size_t)size);
    const struct garden_hash found = garden_hash_of(zmtp_bytes_of(octets, (size_t)size));
    if (got == (la_ssize_t)size && garden_hash_equal(&found, hash)) {
        import->manifests[import->manifest_count++] =
            (struct import_manifest){*hash, octets, (size_t)size};
        import->manifest_bytes += (size_t)size;
        return TOOL_OK;
    }
    free(octets);
    if (got < 0) return import_failed(import);
    (void)tool_fail(tool, "a manifest's octets are not those of its name");
    return TOOL_DIFFERS;
}

static int import_entry(struct import *import, struct archive_entry *entry)
{
    enum parcel_kind kind;
    struct garden_hash hash;
    const char *name = archive_entry_pathname(entry);
    if (archive_entry_filetype(entry) == AE_IFDIR) return TOOL_OK;
    // A sparse file promises more than the archive holds.
    if (!name || archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) ||
        archive_entry_sparse_count(entry) > 0 || !archive_entry_size_is_set(entry) ||
        archive_entry_size(entry) < 0 || !parcel_parse(name, &kind, &hash)) {
        (void)tool_fail(import->tool, "the archive has an entry that no export writes");
        return TOOL_DIFFERS;
    }
    const uint64_t size = (uint64_t)archive_entry_size(entry);
    if (kind == PARCEL_MANIFEST) return import_manifest(import, &hash, size);
    if (size <= GARDEN_CHUNK_SIZE_MAX) return import_object(import, kind, &hash);
    return tool_fail(import->tool, "the archive has an object that is larger than any chunk");
}

static int import_entries(struct import *import)
{
    struct archive_entry *entry;
    for (;;) {
        const int next = archive_read_next_header(import->archive, &entry);
        if (next == ARCHIVE_EOF) return TOOL_OK;
        if (next != ARCHIVE_OK) return import_failed(import);
        const int result = import_entry(import, entry);
        if (result != TOOL_OK) return result;
    }
}

// ---- Manifests

static void import_print(const struct import *import, const struct import_manifest *own,
                         const struct garden_manifest *manifest, bool known)
{
    char text[GARDEN_HASH_TEXT_SIZE];
    garden_hash_text(&own->hash, text);
    if (!import->tool->json) {
        (void)printf("%s  %s%s\n", text, manifest->stream_uri, known ? " (was there)" : "");
        return;
    }
    struct garden_entry entries[] = {
        garden_entry_of("manifest", garden_value_text(garden_text_of(text))),
        garden_entry_of("uri", garden_value_text(garden_text_of(manifest->stream_uri))),
        garden_entry_of("chunks", garden_value_uint(manifest->chunk_count)),
        garden_entry_of("known", garden_value_bool(known)),
    };
    const struct garden_value value = garden_value_map(entries, sizeof entries / sizeof *entries);
    tool_print_json(&value);
}

static int import_put(const struct import *import, const struct import_manifest *own)
{
    struct garden_manifest manifest;
    struct garden_error error;
    struct garden_hash hash;
    const struct zmtp_bytes octets = zmtp_bytes_of(own->octets, own->size);
    int result = garden_manifest_parse(NULL, octets, &manifest, &error);
    if (result < 0) return import_store_failed(import, result, &error);
    // It is shown to people, wherever recordings are: nothing in it may be more than a name.
    const char *wrong = garden_stream_uri_wrong(garden_text_of(manifest.stream_uri));
    if (wrong) {
        (void)tool_fail(import->tool, "the archive has a recording whose stream's uri %s", wrong);
        garden_manifest_fini(&manifest);
        return TOOL_DIFFERS;
    }
    const bool known = garden_store_verify(import->store, &own->hash, NULL, NULL) == GARDEN_OK;
    result = garden_manifest_verify(&manifest, import->store, &error);
    if (result == GARDEN_ERR_NOT_FOUND) {
        (void)tool_fail(import->tool, "the archive is not whole: %s", error.text);
        garden_manifest_fini(&manifest);
        return TOOL_DIFFERS;
    }
    if (result == GARDEN_OK)
        result = garden_store_put(import->store, octets, "application/json", &hash, &error);
    if (result == GARDEN_OK) import_print(import, own, &manifest, known);
    garden_manifest_fini(&manifest);
    return result < 0 ? import_store_failed(import, result, &error) : TOOL_OK;
}

// ---- The archive

static int import_read(struct import *import, int file)
{
    int result = TOOL_OK;
    import->archive = archive_read_new();
    import->block = malloc(PARCEL_BLOCK);
    import->manifests = calloc(IMPORT_MANIFESTS_MAX, sizeof *import->manifests);
    if (!import->archive || !import->block || !import->manifests)
        result = tool_fail(import->tool, "no memory");
    else if (archive_read_support_format_tar(import->archive) != ARCHIVE_OK ||
             archive_read_open_fd(import->archive, file, PARCEL_BLOCK) != ARCHIVE_OK)
        result = import_failed(import);
    if (result == TOOL_OK) result = import_entries(import);
    if (result == TOOL_OK && import->manifest_count == 0) {
        (void)tool_fail(import->tool, "the archive has no manifest");
        result = TOOL_DIFFERS;
    }
    for (size_t i = 0; i < import->manifest_count && result == TOOL_OK; i++)
        result = import_put(import, &import->manifests[i]);
    for (size_t i = 0; i < import->manifest_count; i++)
        free(import->manifests[i].octets);
    free(import->manifests);
    free(import->block);
    if (import->archive) (void)archive_read_free(import->archive);
    return result;
}

// ---- The store

// What opening a store makes, the root last.
static const char *const import_folders[] = {"/recordings", "/staging", "/metadata", "/objects",
                                             ""};
enum { IMPORT_FOLDERS = sizeof import_folders / sizeof *import_folders };

// Calls |each| with the path of every folder of the store |root|, which store_open refuses where one is too long.
static void import_each_folder(const char *root, bool there[IMPORT_FOLDERS],
                               void (*each)(const char *path, bool *there))
{
    char path[PATH_MAX];
    for (size_t i = 0; i < IMPORT_FOLDERS; i++) {
        const int size = snprintf(path, sizeof path, "%s%s", root, import_folders[i]);
        if (size > 0 && (size_t)size < sizeof path) each(path, &there[i]);
    }
}

static void import_look(const char *path, bool *there)
{
    *there = access(path, F_OK) == 0;
}

static void import_unmake(const char *path, bool *there)
{
    if (!*there) (void)rmdir(path); // one with something in it stays
}

static int import_into(struct import *import, const char *root, int file)
{
    struct garden_error error;
    bool there[IMPORT_FOLDERS] = {false};
    const struct garden_store_config config = {.root = root};
    int result = TOOL_FAILED;
    import_each_folder(root, there, import_look);
    if (garden_store_open(&config, &import->store, &error) == GARDEN_OK)
        result = import_read(import, file);
    else
        (void)tool_fail(import->tool, "%s", error.text);
    garden_store_close(import->store);
    // What was no archive leaves no store behind.
    if (result != TOOL_OK && import->objects == 0) import_each_folder(root, there, import_unmake);
    return result;
}

static int import_command(struct tool *tool, int argc, char **argv)
{
    struct import import = {.tool = tool};
    const char *root = NULL;
    int option, file = STDIN_FILENO;
    while ((option = getopt_long(argc, argv, "", import_options, NULL)) >= 0) {
        if (option != 's') return TOOL_USAGE;
        root = optarg;
    }
    if (!root) return tool_usage(tool, "--store DIR is missing");
    if (argc - optind > 1) return tool_usage(tool, "'%s' was not expected", argv[optind + 1]);
    if (optind < argc) file = open(argv[optind], O_RDONLY | O_CLOEXEC);
    if (file < 0) return tool_fail(tool, "%s cannot be read: %s", argv[optind], strerror(errno));
    const int result = import_into(&import, root, file);
    if (file != STDIN_FILENO) (void)close(file); // nothing was written
    if (result == TOOL_OK && !tool->json)
        (void)printf("%llu objects, %llu of them were there before\n",
                     (unsigned long long)import.objects, (unsigned long long)import.known);
    return result;
}

const struct tool_command tool_import = {
    .name = "import",
    .run = import_command,
    .summary = "put the recordings of such an archive into a store",
    .help = import_help,
    .options = import_options,
    .words = "file",
};
