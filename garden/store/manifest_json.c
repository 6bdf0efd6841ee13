// The manifest as a JSON text. Positions and counts are in frames, which JSON calls samples: one
// sample of every channel.
#include "../store.h"
#include "../value.h"
#include "span.h"
#include "store.h"

#include <fcntl.h>
#include <string.h>

#define MANIFEST_SECOND INT64_C(1000000000)

// ---- Printing

static struct garden_value manifest_map(struct garden_arena *arena,
                                        const struct garden_entry *entries, size_t count)
{
    struct garden_entry *copy = garden_arena_alloc(arena, count, sizeof *copy);
    if (copy == NULL) return garden_value_null();
    memcpy(copy, entries, count * sizeof *copy);
    return garden_value_map(copy, count);
}

// A clock that stands before 1970 is none, and its time has no form that can be read back.
static struct garden_value manifest_time(struct garden_arena *arena, int64_t ns)
{
    if (ns < 0) ns = 0;
    const struct garden_entry entries[] = {
        garden_entry_of("secs_since_epoch", garden_value_int(ns / MANIFEST_SECOND)),
        garden_entry_of("nanos_since_epoch", garden_value_int(ns % MANIFEST_SECOND)),
    };
    return manifest_map(arena, entries, 2);
}

// Appends one item of a list. They are printed one by one: as values the whole list would take many times
// the room of its text.
static int manifest_put_item(struct garden_buffer *out, bool first,
                             const struct garden_entry *entries, size_t count)
{
    const struct garden_value item =
        garden_value_map((struct garden_entry *)(uintptr_t)entries, count);
    const int result = first ? GARDEN_OK : garden_buffer_append(out, ",", 1);
    return result == GARDEN_OK ? garden_json_encode(&item, out) : result;
}

static int manifest_put_chunks(const struct garden_manifest *manifest, struct garden_buffer *out)
{
    int result = garden_buffer_append(out, ",\"chunks\":[", 11);
    for (size_t i = 0; i < manifest->chunk_count && result == GARDEN_OK; i++) {
        const struct garden_manifest_chunk *chunk = &manifest->chunks[i];
        char hash[GARDEN_HASH_TEXT_SIZE];
        garden_hash_text(&chunk->hash, hash);
        const struct garden_entry entries[] = {
            garden_entry_of("hash", garden_value_text(garden_text_of(hash))),
            garden_entry_of("byte_count", garden_value_uint(chunk->byte_count)),
            garden_entry_of("sample_count", garden_value_uint(chunk->sample_count)),
            garden_entry_of("first_sample", garden_value_uint(chunk->first_sample)),
        };
        result = manifest_put_item(out, i == 0, entries, 4);
    }
    return result == GARDEN_OK ? garden_buffer_append(out, "]", 1) : result;
}

static int manifest_put_gaps(const struct garden_manifest *manifest, struct garden_buffer *out)
{
    int result = garden_buffer_append(out, ",\"gaps\":[", 9);
    for (size_t i = 0; i < manifest->gap_count && result == GARDEN_OK; i++) {
        const struct garden_entry entries[] = {
            garden_entry_of("first_sample", garden_value_uint(manifest->gaps[i].first)),
            garden_entry_of("sample_count", garden_value_uint(manifest->gaps[i].count)),
        };
        result = manifest_put_item(out, i == 0, entries, 2);
    }
    return result == GARDEN_OK ? garden_buffer_append(out, "]", 1) : result;
}

// Appends a map's members without its braces.
static int manifest_put_members(struct garden_buffer *out, struct garden_entry *entries,
                                size_t count)
{
    const struct garden_value map = garden_value_map(entries, count);
    const size_t before = out->size;
    const int result = garden_json_encode(&map, out);
    if (result != GARDEN_OK) return result;
    out->size--;
    memmove(out->data + before, out->data + before + 1, out->size - before - 1);
    out->size--;
    return GARDEN_OK;
}

static int manifest_put_all(const struct garden_manifest *manifest, struct garden_arena *arena,
                            struct garden_buffer *out)
{
    char hash[GARDEN_HASH_TEXT_SIZE];
    garden_hash_text(&manifest->definition_hash, hash);
    struct garden_entry head[] = {
        garden_entry_of("stream_uri", garden_value_text(garden_text_of(manifest->stream_uri))),
        garden_entry_of("definition_hash", garden_value_text(garden_text_of(hash))),
        garden_entry_of("frame_size", garden_value_uint(manifest->frame_size)),
    };
    struct garden_entry tail[] = {
        garden_entry_of("total_bytes",
                        garden_value_uint(manifest->total_samples * manifest->frame_size)),
        garden_entry_of("total_samples", garden_value_uint(manifest->total_samples)),
        garden_entry_of("total_gap_samples", garden_value_uint(manifest->total_gaps)),
        garden_entry_of("started_at", manifest_time(arena, manifest->started_ns)),
        garden_entry_of("last_updated", manifest_time(arena, manifest->updated_ns)),
        garden_entry_of("complete", garden_value_bool(manifest->complete)),
    };
    int result = arena->error;
    if (result == GARDEN_OK) result = garden_buffer_append(out, "{", 1);
    if (result == GARDEN_OK) result = manifest_put_members(out, head, sizeof head / sizeof *head);
    if (result == GARDEN_OK) result = manifest_put_chunks(manifest, out);
    if (result == GARDEN_OK) result = manifest_put_gaps(manifest, out);
    if (result == GARDEN_OK) result = garden_buffer_append(out, ",", 1);
    if (result == GARDEN_OK) result = manifest_put_members(out, tail, sizeof tail / sizeof *tail);
    return result == GARDEN_OK ? garden_buffer_append(out, "}", 1) : result;
}

int garden_manifest_print(const struct garden_manifest *manifest, char **out, size_t *out_size)
{
    struct garden_arena arena;
    struct garden_buffer buffer;
    garden_arena_init(&arena, manifest->allocator, 0);
    garden_buffer_init(&buffer, manifest->allocator, GARDEN__MANIFEST_TEXT_MAX);
    int result = manifest_put_all(manifest, &arena, &buffer);
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

static int manifest_add_chunk(struct garden_manifest *manifest, struct manifest_reader *item)
{
    const int result = garden__manifest_reserve(manifest, 1, 0);
    if (result != GARDEN_OK) return result;
    manifest->chunks[manifest->chunk_count++] = (struct garden_manifest_chunk){
        .hash = manifest_read_hash(item, "hash"),
        .byte_count = manifest_read_u64(item, "byte_count"),
        .sample_count = manifest_read_u64(item, "sample_count"),
        .first_sample = manifest_read_u64(item, "first_sample"),
    };
    return GARDEN_OK;
}

static int manifest_add_gap(struct garden_manifest *manifest, struct manifest_reader *item)
{
    const int result = garden__manifest_reserve(manifest, 0, 1);
    if (result != GARDEN_OK) return result;
    manifest->gaps[manifest->gap_count++] = (struct garden_gap){
        .first = manifest_read_u64(item, "first_sample"),
        .count = manifest_read_u64(item, "sample_count"),
    };
    return GARDEN_OK;
}

// Goes over a list item by item, so that room is needed for the largest item only. What lies between the
// items is looked at here, the items themselves by the decoder.
static int manifest_read_items(struct zmtp_bytes list, struct garden_manifest *manifest,
                               int (*add)(struct garden_manifest *manifest,
                                          struct manifest_reader *item),
                               struct manifest_reader *r, const char *key)
{
    struct zmtp_bytes rest = zmtp_bytes_of(list.data + 1, list.size - 2);
    struct garden_arena arena;
    struct garden_value value;
    int result = GARDEN_OK;
    garden__span_skip(&rest);
    while (rest.size > 0 && result == GARDEN_OK && r->bad == NULL) {
        const struct zmtp_bytes item = garden__span_value(&rest);
        garden__span_skip(&rest);
        const bool comma = rest.size > 0 && rest.data[0] == ',';
        if (comma) {
            rest = zmtp_bytes_of(rest.data + 1, rest.size - 1);
            garden__span_skip(&rest);
        }
        garden_arena_init(&arena, manifest->allocator, 0);
        result = garden_json_decode(item, &arena, &value, NULL);
        struct manifest_reader reader = {.map = &value};
        if (result == GARDEN_OK) result = add(manifest, &reader);
        // After a comma there is another item, and without one there is none.
        if (reader.bad != NULL || comma != (rest.size > 0)) r->bad = key;
        garden_arena_fini(&arena);
    }
    return result;
}

// The document without the contents of its two lists, which are given apart.
static int manifest_split(struct zmtp_bytes json, struct garden_buffer *head,
                          struct zmtp_bytes *chunks, struct zmtp_bytes *gaps)
{
    struct zmtp_bytes rest = json;
    const uint8_t *from = json.data;
    int result = GARDEN_OK;
    *chunks = *gaps = zmtp_bytes_of("[]", 2);
    garden__span_skip(&rest);
    if (rest.size > 0)
        rest = zmtp_bytes_of(rest.data + 1, rest.size - 1); // the brace, if it is one
    while (rest.size > 0 && result == GARDEN_OK) {
        garden__span_skip(&rest);
        const struct zmtp_bytes key = garden__span_value(&rest);
        garden__span_skip(&rest);
        if (key.size == 0 || rest.size == 0 || rest.data[0] != ':') break; // the decoder will say
        rest = zmtp_bytes_of(rest.data + 1, rest.size - 1);
        garden__span_skip(&rest);
        const struct zmtp_bytes value = garden__span_value(&rest);
        struct zmtp_bytes *list = zmtp_bytes_equal(key, zmtp_bytes_text("\"chunks\"")) ? chunks
                                  : zmtp_bytes_equal(key, zmtp_bytes_text("\"gaps\"")) ? gaps
                                                                                       : NULL;
        if (list != NULL && value.size >= 2 && value.data[0] == '[' &&
            value.data[value.size - 1] == ']') {
            result = garden_buffer_append(head, from, (size_t)(value.data - from));
            if (result == GARDEN_OK) result = garden_buffer_append(head, "[]", 2);
            from = value.data + value.size;
            *list = value;
        }
        garden__span_skip(&rest);
        if (rest.size == 0 || rest.data[0] != ',') break;
        rest = zmtp_bytes_of(rest.data + 1, rest.size - 1);
    }
    const size_t left = json.size - (size_t)(from - json.data);
    return result == GARDEN_OK && left > 0 ? garden_buffer_append(head, from, left) : result;
}

static int manifest_read_all(struct zmtp_bytes json, struct garden_buffer *head,
                             struct garden_manifest *manifest, struct garden_error *error)
{
    struct garden_arena arena;
    struct garden_value document;
    struct garden_fault fault = {0};
    struct zmtp_bytes chunks, gaps;
    garden_arena_init(&arena, manifest->allocator, 0);
    int result = manifest_split(json, head, &chunks, &gaps);
    if (result != GARDEN_OK) {
        (void)garden__fail(error, result, "no memory for a manifest");
    } else if ((result = garden_json_decode(garden_buffer_bytes(head), &arena, &document,
                                            &fault)) != GARDEN_OK) {
        (void)garden__fail(error, result, "manifest: %.200s", fault.text);
    } else {
        struct manifest_reader reader = {.map = &document};
        manifest_read_head(&reader, manifest);
        (void)manifest_read_list(&reader, "chunks"); // that they are there
        (void)manifest_read_list(&reader, "gaps");
        if (reader.bad == NULL)
            result = manifest_read_items(chunks, manifest, manifest_add_chunk, &reader, "chunks");
        if (result == GARDEN_OK && reader.bad == NULL)
            result = manifest_read_items(gaps, manifest, manifest_add_gap, &reader, "gaps");
        if (result != GARDEN_OK)
            (void)garden__fail(error, result, "manifest: an item of its lists cannot be read: %s",
                               garden_err_text(result));
        else if (reader.bad != NULL)
            result =
                garden__fail(error, GARDEN_ERR_FORMAT,
                             "manifest: \"%s\" is missing or not what it should be", reader.bad);
        else
            result = garden_manifest_check(manifest, error);
    }
    garden_arena_fini(&arena);
    return result;
}

int garden_manifest_parse(const struct zmtp_allocator *allocator, struct zmtp_bytes json,
                          struct garden_manifest *out, struct garden_error *error)
{
    struct garden_manifest manifest;
    struct garden_buffer head;
    garden_manifest_init(&manifest, allocator);
    garden_buffer_init(&head, manifest.allocator, GARDEN__MANIFEST_TEXT_MAX);
    const int result = manifest_read_all(json, &head, &manifest, error);
    garden_buffer_fini(&head);
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
    return garden__manifest_save_at(manifest, store, store->staging, name, true, error);
}

int garden__manifest_save_at(const struct garden_manifest *manifest, struct garden_store *store,
                             int folder, const char *name, bool sync, struct garden_error *error)
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
    const bool written = garden__fs_write_all(fs, file, text, size) == 0 &&
                         (!sync || fs->sync(fs->context, file) == 0);
    garden__step(fs, "manifest.written");
    if (!written || fs->rename(fs->context, store->staging, temporary, folder, name) != 0) {
        result = garden__fail_errno(error, "cannot write manifest", name);
        (void)fs->unlink(fs->context, store->staging, temporary); // else the next opening sweeps it
    } else if (sync && fs->sync(fs->context, folder) != 0) {
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
    return garden__manifest_load_at(store, store->staging, name, out, error);
}

int garden__manifest_load_at(const struct garden_store *store, int folder, const char *name,
                             struct garden_manifest *out, struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    struct stat status;
    if (!garden__store_name_ok(name))
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "manifest name %.100s: is not plain", name);
    const int file =
        fs->open(fs->context, folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (file < 0) return garden__fail_errno(error, "cannot read manifest", name);
    int result = fs->stat(fs->context, file, &status) == 0 ? GARDEN_OK : GARDEN_ERR_SYSTEM;
    if (result == GARDEN_OK && (status.st_size <= 0 || status.st_size > GARDEN__MANIFEST_TEXT_MAX))
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
    int result = garden_store_get(store, hash, GARDEN__MANIFEST_TEXT_MAX, &text, &size, error);
    if (result != GARDEN_OK) return result;
    result = garden_manifest_parse(store->allocator, zmtp_bytes_of(text, size), out, error);
    zmtp_free(store->allocator, text, size > 0 ? size : 1);
    return result;
}
