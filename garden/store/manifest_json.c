// The manifest as a JSON text. Positions and counts are in frames, which JSON calls samples: one
// sample of every channel.
#include "../store.h"
#include "../value.h"
#include "store.h"

#include <fcntl.h>
#include <string.h>

enum { MANIFEST_TEXT_MAX = 64 * 1024 * 1024 };
#define MANIFEST_SECOND INT64_C(1000000000)

// ---- Printing

// Copies a text into the arena, so that the value outlives the stack it came from.
static struct garden_value manifest_text(struct garden_arena *arena, const char *text)
{
    const size_t size = strlen(text);
    char *copy = garden_arena_alloc(arena, size + 1, 1);
    if (copy == NULL) return garden_value_null(); // the arena remembers, the caller asks it once
    memcpy(copy, text, size + 1);
    return garden_value_text(garden_text_of(copy));
}

static struct garden_value manifest_hash(struct garden_arena *arena, const struct garden_hash *hash)
{
    char text[GARDEN_HASH_TEXT_SIZE];
    garden_hash_text(hash, text);
    return manifest_text(arena, text);
}

static struct garden_value manifest_map(struct garden_arena *arena,
                                        const struct garden_entry *entries, size_t count)
{
    struct garden_entry *copy = garden_arena_alloc(arena, count, sizeof *copy);
    if (copy == NULL) return garden_value_null();
    memcpy(copy, entries, count * sizeof *copy);
    return garden_value_map(copy, count);
}

static struct garden_value manifest_time(struct garden_arena *arena, int64_t ns)
{
    const struct garden_entry entries[] = {
        garden_entry_of("secs_since_epoch", garden_value_int(ns / MANIFEST_SECOND)),
        garden_entry_of("nanos_since_epoch", garden_value_int(ns % MANIFEST_SECOND)),
    };
    return manifest_map(arena, entries, 2);
}

static struct garden_value manifest_chunks(struct garden_arena *arena,
                                           const struct garden_manifest *manifest)
{
    struct garden_value *items =
        garden_arena_alloc(arena, manifest->chunk_count, sizeof(struct garden_value));
    if (items == NULL) return garden_value_list(NULL, 0);
    for (size_t i = 0; i < manifest->chunk_count; i++) {
        const struct garden_manifest_chunk *chunk = &manifest->chunks[i];
        const struct garden_entry entries[] = {
            garden_entry_of("hash", manifest_hash(arena, &chunk->hash)),
            garden_entry_of("byte_count", garden_value_uint(chunk->byte_count)),
            garden_entry_of("sample_count", garden_value_uint(chunk->sample_count)),
            garden_entry_of("first_sample", garden_value_uint(chunk->first_sample)),
        };
        items[i] = manifest_map(arena, entries, 4);
    }
    return garden_value_list(items, manifest->chunk_count);
}

static struct garden_value manifest_gaps(struct garden_arena *arena,
                                         const struct garden_manifest *manifest)
{
    struct garden_value *items =
        garden_arena_alloc(arena, manifest->gap_count, sizeof(struct garden_value));
    if (items == NULL) return garden_value_list(NULL, 0);
    for (size_t i = 0; i < manifest->gap_count; i++) {
        const struct garden_entry entries[] = {
            garden_entry_of("first_sample", garden_value_uint(manifest->gaps[i].first)),
            garden_entry_of("sample_count", garden_value_uint(manifest->gaps[i].count)),
        };
        items[i] = manifest_map(arena, entries, 2);
    }
    return garden_value_list(items, manifest->gap_count);
}

int garden_manifest_print(const struct garden_manifest *manifest, char **out, size_t *out_size)
{
    struct garden_arena arena;
    struct garden_buffer buffer;
    garden_arena_init(&arena, manifest->allocator, 4 * (size_t)MANIFEST_TEXT_MAX);
    garden_buffer_init(&buffer, manifest->allocator, MANIFEST_TEXT_MAX);
    struct garden_entry entries[] = {
        garden_entry_of("stream_uri", manifest_text(&arena, manifest->stream_uri)),
        garden_entry_of("definition_hash", manifest_hash(&arena, &manifest->definition_hash)),
        garden_entry_of("frame_size", garden_value_uint(manifest->frame_size)),
        garden_entry_of("chunks", manifest_chunks(&arena, manifest)),
        garden_entry_of("gaps", manifest_gaps(&arena, manifest)),
        garden_entry_of("total_bytes",
                        garden_value_uint(manifest->total_samples * manifest->frame_size)),
        garden_entry_of("total_samples", garden_value_uint(manifest->total_samples)),
        garden_entry_of("total_gap_samples", garden_value_uint(manifest->total_gaps)),
        garden_entry_of("started_at", manifest_time(&arena, manifest->started_ns)),
        garden_entry_of("last_updated", manifest_time(&arena, manifest->updated_ns)),
        garden_entry_of("complete", garden_value_bool(manifest->complete)),
    };
    const struct garden_value document =
        garden_value_map(entries, sizeof entries / sizeof entries[0]);
    int result = arena.error;
    if (result == GARDEN_OK) result = garden_json_encode(&document, &buffer);
    const size_t size = buffer.size;
    char *text = result == GARDEN_OK ? zmtp_alloc(manifest->allocator, size + 1) : NULL;
    if (result == GARDEN_OK && text == NULL) result = GARDEN_ERR_MEMORY;
    if (result == GARDEN_OK) {
        memcpy(text, buffer.data, size);
        text[size] = '\0';
        *out = text;
        *out_size = size;
    }
    garden_buffer_fini(&buffer);
    garden_arena_fini(&arena);
    return result;
}

// ---- Parsing

// Reads fields and remembers the first that is missing or of the wrong type.
struct manifest_reader {
    const struct garden_value *map;
    const char *bad;
};

static uint64_t manifest_read_u64(struct manifest_reader *r, const char *key)
{
    uint64_t value = 0;
    if (!garden_value_to_u64(garden_value_find(r->map, key), &value) && r->bad == NULL)
        r->bad = key;
    return value;
}

static struct garden_hash manifest_read_hash(struct manifest_reader *r, const char *key)
{
    struct garden_hash hash = {0};
    struct garden_text text;
    char copy[GARDEN_HASH_TEXT_SIZE];
    if (garden_value_to_text(garden_value_find(r->map, key), &text) &&
        text.size == sizeof copy - 1) {
        memcpy(copy, text.data, text.size);
        copy[text.size] = '\0';
        if (garden_hash_parse(copy, &hash) == GARDEN_OK) return hash;
    }
    if (r->bad == NULL) r->bad = key;
    return hash;
}

static int64_t manifest_read_time(struct manifest_reader *r, const char *key)
{
    struct manifest_reader inner = {.map = garden_value_find(r->map, key)};
    const uint64_t seconds = manifest_read_u64(&inner, "secs_since_epoch");
    const uint64_t nanos = manifest_read_u64(&inner, "nanos_since_epoch");
    if (inner.bad != NULL || seconds >= INT64_MAX / MANIFEST_SECOND || nanos >= MANIFEST_SECOND) {
        if (r->bad == NULL) r->bad = key;
        return 0;
    }
    return (int64_t)seconds * MANIFEST_SECOND + (int64_t)nanos;
}

static struct garden_value_list manifest_read_list(struct manifest_reader *r, const char *key)
{
    const struct garden_value *value = garden_value_find(r->map, key);
    if (value != NULL && value->type == GARDEN_LIST) return value->list;
    if (r->bad == NULL) r->bad = key;
    return (struct garden_value_list){0};
}

static void manifest_read_head(struct manifest_reader *r, struct garden_manifest *manifest)
{
    struct garden_text uri = {0};
    const bool uri_ok = garden_value_to_text(garden_value_find(r->map, "stream_uri"), &uri) &&
                        uri.size < sizeof manifest->stream_uri &&
                        (uri.size == 0 || memchr(uri.data, '\0', uri.size) == NULL);
    if (!uri_ok)
        r->bad = "stream_uri";
    else if (uri.size > 0)
        memcpy(manifest->stream_uri, uri.data, uri.size);
    const uint64_t frame_size = manifest_read_u64(r, "frame_size");
    if (frame_size > UINT32_MAX && r->bad == NULL) r->bad = "frame_size";
    manifest->frame_size = (uint32_t)frame_size;
    manifest->definition_hash = manifest_read_hash(r, "definition_hash");
    manifest->total_samples = manifest_read_u64(r, "total_samples");
    manifest->total_gaps = manifest_read_u64(r, "total_gap_samples");
    manifest->started_ns = manifest_read_time(r, "started_at");
    manifest->updated_ns = manifest_read_time(r, "last_updated");
    if (!garden_value_to_bool(garden_value_find(r->map, "complete"), &manifest->complete) &&
        r->bad == NULL)
        r->bad = "complete";
}

// The lists are allocated exactly: nothing is appended to them item by item.
static int manifest_read_lists(struct manifest_reader *r, struct garden_manifest *manifest)
{
    const struct garden_value_list chunks = manifest_read_list(r, "chunks");
    const struct garden_value_list gaps = manifest_read_list(r, "gaps");
    if (chunks.count > 0) {
        manifest->chunks = zmtp_alloc(manifest->allocator, chunks.count * sizeof *manifest->chunks);
        if (manifest->chunks == NULL) return GARDEN_ERR_MEMORY;
        manifest->chunk_space = chunks.count;
    }
    if (gaps.count > 0) {
        manifest->gaps = zmtp_alloc(manifest->allocator, gaps.count * sizeof *manifest->gaps);
        if (manifest->gaps == NULL) return GARDEN_ERR_MEMORY;
        manifest->gap_space = gaps.count;
    }
    for (size_t i = 0; i < chunks.count; i++) {
        struct manifest_reader item = {.map = &chunks.items[i]};
        manifest->chunks[manifest->chunk_count++] = (struct garden_manifest_chunk){
            .hash = manifest_read_hash(&item, "hash"),
            .byte_count = manifest_read_u64(&item, "byte_count"),
            .sample_count = manifest_read_u64(&item, "sample_count"),
            .first_sample = manifest_read_u64(&item, "first_sample"),
        };
        if (item.bad != NULL && r->bad == NULL) r->bad = "chunks";
    }
    for (size_t i = 0; i < gaps.count; i++) {
        struct manifest_reader item = {.map = &gaps.items[i]};
        manifest->gaps[manifest->gap_count++] = (struct garden_gap){
            .first = manifest_read_u64(&item, "first_sample"),
            .count = manifest_read_u64(&item, "sample_count"),
        };
        if (item.bad != NULL && r->bad == NULL) r->bad = "gaps";
    }
    return GARDEN_OK;
}

int garden_manifest_parse(const struct zmtp_allocator *allocator, struct zmtp_bytes json,
                          struct garden_manifest *out, struct garden_error *error)
{
    struct garden_arena arena;
    struct garden_value document;
    struct garden_fault fault;
    struct garden_manifest manifest;
    garden_manifest_init(&manifest, allocator);
    garden_arena_init(&arena, manifest.allocator, 4 * (size_t)MANIFEST_TEXT_MAX);
    int result = garden_json_decode(json, &arena, &document, &fault);
    if (result != GARDEN_OK) {
        (void)garden__fail(error, result, "manifest: %.200s", fault.text);
    } else {
        struct manifest_reader reader = {.map = &document};
        manifest_read_head(&reader, &manifest);
        result = manifest_read_lists(&reader, &manifest);
        if (result != GARDEN_OK)
            (void)garden__fail(error, result, "no memory for a manifest");
        else if (reader.bad != NULL)
            result =
                garden__fail(error, GARDEN_ERR_FORMAT,
                             "manifest: \"%s\" is missing or not what it should be", reader.bad);
        else
            result = garden_manifest_check(&manifest, error);
    }
    garden_arena_fini(&arena);
    if (result == GARDEN_OK)
        *out = manifest;
    else
        garden_manifest_fini(&manifest);
    return result;
}

// ---- Files

int garden_manifest_save(const struct garden_manifest *manifest, struct garden_store *store,
                         const char *name, struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    char *text = NULL;
    size_t size = 0;
    char temporary[64];
    int result = garden__store_writable(store, error);
    if (result != GARDEN_OK) return result;
    if (!garden__store_name_ok(name))
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "manifest name %.100s: is not plain", name);
    result = garden_manifest_print(manifest, &text, &size);
    if (result != GARDEN_OK) return garden__fail(error, result, "cannot print a manifest");
    const int file = garden__store_temporary(store, temporary, error);
    if (file < 0) {
        zmtp_free(manifest->allocator, text, size + 1);
        return file;
    }
    const bool written =
        garden__fs_write_all(fs, file, text, size) == 0 && fs->sync(fs->context, file) == 0;
    garden__step(fs, "manifest.written");
    if (!written || fs->rename(fs->context, store->staging, temporary, store->staging, name) != 0) {
        result = garden__fail_errno(error, "cannot write manifest", name);
        (void)fs->unlink(fs->context, store->staging, temporary); // else the next opening sweeps it
    } else if (fs->sync(fs->context, store->staging) != 0) {
        result = garden__fail_errno(error, "cannot sync manifest", name);
    }
    garden__step(fs, "manifest.renamed");
    garden__fs_close(fs, file);
    zmtp_free(manifest->allocator, text, size + 1);
    return result;
}

int garden_manifest_load_staged(const struct garden_store *store, const char *name,
                                struct garden_manifest *out, struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    struct stat status;
    if (!garden__store_name_ok(name))
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "manifest name %.100s: is not plain", name);
    const int file =
        fs->open(fs->context, store->staging, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (file < 0) return garden__fail_errno(error, "cannot read manifest", name);
    int result = fs->stat(fs->context, file, &status) == 0 ? GARDEN_OK : GARDEN_ERR_SYSTEM;
    if (result == GARDEN_OK && (status.st_size <= 0 || status.st_size > MANIFEST_TEXT_MAX))
        result = GARDEN_ERR_LIMIT;
    const size_t size = result == GARDEN_OK ? (size_t)status.st_size : 1;
    uint8_t *text = zmtp_alloc(store->allocator, size);
    if (!text)
        result = GARDEN_ERR_MEMORY;
    else if (result == GARDEN_OK && garden__fs_read_all(fs, file, text, size) != (ssize_t)size)
        result = GARDEN_ERR_SYSTEM;
    garden__fs_close(fs, file);
    if (result == GARDEN_OK)
        result = garden_manifest_parse(store->allocator, zmtp_bytes_of(text, size), out, error);
    else
        (void)garden__fail(error, result, "cannot read manifest %.100s: %s", name,
                           garden_err_text(result));
    zmtp_free(store->allocator, text, text ? size : 0);
    return result;
}

int garden_manifest_load(const struct garden_store *store, const struct garden_hash *hash,
                         struct garden_manifest *out, struct garden_error *error)
{
    uint8_t *text = NULL;
    size_t size = 0;
    int result = garden_store_get(store, hash, MANIFEST_TEXT_MAX, &text, &size, error);
    if (result != GARDEN_OK) return result;
    result = garden_manifest_parse(store->allocator, zmtp_bytes_of(text, size), out, error);
    zmtp_free(store->allocator, text, size > 0 ? size : 1);
    return result;
}
