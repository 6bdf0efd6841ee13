// Opening a store and reading from it. Whatever is read is hashed before it is believed.
#include "survey.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

void garden__store_name(const struct garden_hash *hash, const char *suffix,
                        char name[GARDEN__STORE_NAME_SIZE])
{
    char text[GARDEN_HASH_TEXT_SIZE];
    garden_hash_text(hash, text);
    (void)snprintf(name, GARDEN__STORE_NAME_SIZE, "%.2s/%s%s", text, text + 2, suffix);
}

int garden__store_writable(const struct garden_store *store, struct garden_error *error)
{
    if (!store->read_only) return GARDEN_OK;
    return garden__fail(error, GARDEN_ERR_ACCESS, "the store was opened read-only");
}

static int store_folder(struct garden_store *store, const char *name, int *out,
                        struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    char path[sizeof store->staging_path + 16]; // for who reads it
    const size_t root = strlen(store->staging_path) - strlen("staging");
    (void)snprintf(path, sizeof path, "%.*s%.15s", (int)root, store->staging_path, name);
    if (!store->read_only && fs->mkdir(fs->context, store->root, name, 0700) != 0 &&
        errno != EEXIST)
        return garden__fail_errno(error, "cannot make store folder", path);
    *out = fs->open(fs->context, store->root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                    0);
    if (*out >= 0) return GARDEN_OK;
    if (store->read_only && errno == ENOENT)
        return garden__fail(error, GARDEN_ERR_NOT_FOUND,
                            "%.200s is not there: nothing was captured into this store yet, or it "
                            "is none",
                            path);
    return garden__fail_errno(error, "cannot open store folder", path);
}

static int store_open_root(struct garden_store *store, const char *root, struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    char path[PATH_MAX];
    if (!store->read_only && fs->mkdir(fs->context, AT_FDCWD, root, 0700) != 0 && errno != EEXIST)
        return garden__fail_errno(error, "cannot make store", root);
    store->root = fs->open(fs->context, AT_FDCWD, root, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (store->root < 0) return garden__fail_errno(error, "cannot open store", root);
    if (realpath(root, path) == NULL) return garden__fail_errno(error, "cannot resolve", root);
    // Room for "/staging", a slash and the longest chunk name.
    if (strlen(path) + 128 > sizeof store->staging_path)
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "store %.100s: the path is too long", root);
    (void)snprintf(store->staging_path, sizeof store->staging_path, "%.400s/staging", path);
    // The store's own name, too, must outlive the machine; whoever just made it may not have come so far. A
    // folder that may not be read, or is on a disk that may not be written, is not ours to sync.
    if (!store->read_only && garden__fs_sync_folder(fs, store->root, "..") != 0 &&
        errno != EACCES && errno != EPERM && errno != EROFS)
        return garden__fail_errno(error, "cannot sync the folder of store", root);
    return GARDEN_OK;
}

// The lock is on the root folder: there is no file that could be taken away under it.
static int store_lock(const struct garden_store *store, const struct garden_store_config *config,
                      struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    if (store->read_only) return GARDEN_OK;
    if ((config->exclusive ? fs->lock : fs->lock_shared)(fs->context, store->root) == 0)
        return GARDEN_OK;
    if (errno != EWOULDBLOCK) return garden__fail_errno(error, "cannot lock store", config->root);
    if (config->exclusive)
        return garden__fail(error, GARDEN_ERR_STATE,
                            "store %.100s: something writes into it; end the captures first",
                            config->root);
    return garden__fail(
        error, GARDEN_ERR_STATE,
        "store %.100s: another process has it for itself; try again when that is done",
        config->root);
}

static int store_open_folders(struct garden_store *store, const struct garden_store_config *config,
                              struct garden_error *error)
{
    int result = store_open_root(store, config->root, error);
    if (result == GARDEN_OK) result = store_lock(store, config, error);
    if (result == GARDEN_OK) result = store_folder(store, "objects", &store->objects, error);
    if (result == GARDEN_OK) result = store_folder(store, "metadata", &store->metadata, error);
    if (result == GARDEN_OK) result = store_folder(store, "staging", &store->staging, error);
    if (result == GARDEN_OK) result = store_folder(store, "recordings", &store->recordings, error);
    if (store->read_only && result == GARDEN_ERR_NOT_FOUND && store->staging >= 0)
        result = GARDEN_OK; // nothing was ever recorded into it
    if (result == GARDEN_OK && !store->read_only &&
        store->fs->sync(store->fs->context, store->root) != 0)
        result = garden__fail_errno(error, "cannot sync store", config->root);
    return result;
}

int garden_store_open(const struct garden_store_config *config, struct garden_store **out,
                      struct garden_error *error)
{
    const struct zmtp_allocator *allocator =
        config->allocator != NULL ? config->allocator : zmtp_heap();
    if (config->root == NULL || config->root[0] == '\0')
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "the store's root folder is not given");
    if (config->exclusive && config->read_only)
        return garden__fail(error, GARDEN_ERR_ARGUMENT,
                            "a store is opened read-only or exclusively, not both");
    if (sodium_init() < 0)
        return garden__fail(error, GARDEN_ERR_SYSTEM, "libsodium cannot be initialised");
    struct garden_store *store = zmtp_alloc(allocator, sizeof *store);
    if (store == NULL) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a store");
    *store = (struct garden_store){
        .allocator = allocator,
        .fs = config->fs != NULL ? config->fs : garden__fs_system(),
        .read_only = config->read_only,
        .exclusive = config->exclusive,
        .root = -1,
        .objects = -1,
        .metadata = -1,
        .staging = -1,
        .recordings = -1,
    };
    const int result = store_open_folders(store, config, error);
    if (result != GARDEN_OK) {
        garden_store_close(store);
        return result;
    }
    if (!store->read_only) garden__store_sweep(store);
    *out = store;
    return GARDEN_OK;
}

void garden_store_close(struct garden_store *store)
{
    if (store == NULL) return;
    const int folders[] = {store->recordings, store->staging, store->metadata, store->objects,
                           store->root};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (folders[i] >= 0) garden__fs_close(store->fs, folders[i]);
    zmtp_free(store->allocator, store, sizeof *store);
}

bool garden__store_in_place(const struct garden_store *store)
{
    const struct garden_fs *fs = store->fs;
    struct stat held, there;
    const int folder =
        fs->open(fs->context, AT_FDCWD, store->staging_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (folder < 0) return errno != ENOENT && errno != ENOTDIR; // what cannot be seen may be there
    const bool same = fs->stat(fs->context, folder, &there) == 0 &&
                      fs->stat(fs->context, store->staging, &held) == 0 &&
                      held.st_dev == there.st_dev && held.st_ino == there.st_ino;
    garden__fs_close(fs, folder);
    return same;
}

const char *garden_store_staging(const struct garden_store *store)
{
    return store->staging_path;
}

int garden__store_hash_file(const struct garden_store *store, int file, struct garden_hash *out,
                            uint64_t *out_size, struct garden_error *error)
{
    crypto_generichash_state state;
    uint8_t block[GARDEN__STORE_BLOCK];
    uint64_t size = 0;
    (void)crypto_generichash_init(&state, NULL, 0, GARDEN_HASH_SIZE); // fails on bad sizes only
    for (;;) {
        const ssize_t n = garden__fs_read_all(store->fs, file, block, sizeof block);
        if (n < 0) return garden__fail_errno(error, "cannot read", "a file of the store");
        if (n == 0) break;
        (void)crypto_generichash_update(&state, block, (unsigned long long)n);
        size += (uint64_t)n;
    }
    (void)crypto_generichash_final(&state, out->octets, sizeof out->octets);
    if (out_size != NULL) *out_size = size;
    return GARDEN_OK;
}

// Opens an object's file without looking at it.
static int store_open_file(const struct garden_store *store, const struct garden_hash *hash,
                           int *out, struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    char name[GARDEN__STORE_NAME_SIZE];
    garden__store_name(hash, "", name);
    *out = fs->open(fs->context, store->objects, name,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (*out >= 0) return GARDEN_OK;
    if (errno == ENOENT)
        return garden__fail(error, GARDEN_ERR_NOT_FOUND, "object %s: is not in the store", name);
    return garden__fail_errno(error, "cannot open object", name);
}

static int store_damaged(const struct garden_hash *hash, struct garden_error *error)
{
    char name[GARDEN__STORE_NAME_SIZE];
    garden__store_name(hash, "", name);
    return garden__fail(error, GARDEN_ERR_CORRUPT,
                        "object %s: is damaged; bring it back from a copy", name);
}

int garden_store_open_object(const struct garden_store *store, const struct garden_hash *hash,
                             int *out_file, uint64_t *out_size, struct garden_error *error)
{
    int file = -1;
    struct garden_hash found;
    uint64_t size = 0;
    int result = store_open_file(store, hash, &file, error);
    if (result != GARDEN_OK) return result;
    result = garden__store_hash_file(store, file, &found, &size, error);
    if (result == GARDEN_OK && !garden_hash_equal(&found, hash))
        result = store_damaged(hash, error);
    if (result == GARDEN_OK && lseek(file, 0, SEEK_SET) != 0)
        result = garden__fail_errno(error, "cannot rewind", "an object");
    if (result != GARDEN_OK) {
        garden__fs_close(store->fs, file);
        return result;
    }
    *out_file = file;
    if (out_size != NULL) *out_size = size;
    return GARDEN_OK;
}

int garden_store_verify(const struct garden_store *store, const struct garden_hash *hash,
                        uint64_t *out_size, struct garden_error *error)
{
    int file = -1;
    const int result = garden_store_open_object(store, hash, &file, out_size, error);
    if (result == GARDEN_OK) garden__fs_close(store->fs, file);
    return result;
}

int garden_store_get(const struct garden_store *store, const struct garden_hash *hash,
                     size_t size_max, uint8_t **out, size_t *out_size, struct garden_error *error)
{
    int file = -1;
    struct stat status;
    uint8_t *memory = NULL;
    size_t size = 0;
    int result = store_open_file(store, hash, &file, error);
    if (result != GARDEN_OK) return result;
    if (store->fs->stat(store->fs->context, file, &status) != 0) {
        result = garden__fail_errno(error, "cannot examine", "an object");
        goto fail;
    }
    if ((uint64_t)status.st_size > size_max) {
        result = garden__fail(error, GARDEN_ERR_LIMIT, "an object of %lld octets is over %zu",
                              (long long)status.st_size, size_max);
        goto fail;
    }
    size = (size_t)status.st_size;
    memory = zmtp_alloc(store->allocator, size > 0 ? size : 1);
    if (memory == NULL) {
        result = garden__fail(error, GARDEN_ERR_MEMORY, "no memory for %zu octets", size);
        goto fail;
    }
    const ssize_t n = garden__fs_read_all(store->fs, file, memory, size);
    if (n < 0) {
        result = garden__fail_errno(error, "cannot read", "an object");
        goto fail;
    }
    const struct garden_hash found = garden_hash_of(zmtp_bytes_of(memory, (size_t)n));
    if (!garden_hash_equal(&found, hash)) {
        result = store_damaged(hash, error);
        goto fail;
    }
    garden__fs_close(store->fs, file);
    *out = memory;
    *out_size = size;
    return GARDEN_OK;
fail:
    zmtp_free(store->allocator, memory, size > 0 ? size : 1);
    garden__fs_close(store->fs, file);
    return result;
}

struct store_verifying {
    const struct garden_store *store;
    uint64_t count;
    int damaged;
    void (*each)(void *context, const char *name);
    void *context;
};

static int store_verify_name(void *context, const char *prefix, const char *name)
{
    struct store_verifying *verifying = context;
    char text[3 + NAME_MAX];
    struct garden_hash hash;
    int result = GARDEN_ERR_FORMAT;
    if (name[0] == '.') return GARDEN_OK;
    (void)snprintf(text, sizeof text, "%.2s%.250s", prefix, name);
    verifying->count++;
    if (garden_hash_parse(text, &hash) == GARDEN_OK)
        result = garden_store_verify(verifying->store, &hash, NULL, NULL);
    if (result == GARDEN_OK) return GARDEN_OK;
    verifying->damaged++;
    if (verifying->each != NULL) verifying->each(verifying->context, text);
    return GARDEN_OK;
}

int garden_store_verify_all(const struct garden_store *store, uint64_t *out_count,
                            void (*each)(void *context, const char *name), void *context,
                            struct garden_error *error)
{
    struct stat status;
    struct store_verifying verifying = {.store = store, .each = each, .context = context};
    if (store->fs->stat(store->fs->context, store->objects, &status) != 0)
        return garden__fail_errno(error, "cannot examine", "objects");
    for (unsigned i = 0; i < 256; i++) {
        char prefix[3];
        (void)snprintf(prefix, sizeof prefix, "%02x", i & 0xffu);
        const int result = garden__survey_names(store, store->objects, prefix, store_verify_name,
                                                &verifying, error);
        if (result < 0) return result; // what cannot be listed is not sound for that
    }
    if (out_count != NULL) *out_count = verifying.count;
    return verifying.damaged;
}
