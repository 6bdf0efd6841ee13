// Making objects. The order is the guarantee: octets on the disk, then the name, then the name on
// the disk, and only then does anyone hear of it. A crash between two steps leaves a staged file that
// can be sealed again with the same result.
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Makes the folder that |name| is in, unless it is there, and puts the folder's name on the disk. One that is
// there may have been made by another process a moment ago, which has not synced it yet, or by us when that
// failed: so its first use syncs, and no later one does.
static int seal_folder(struct garden_store *store, int parent, const char *name,
                       struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    const char prefix[] = {name[0], name[1], '\0'};
    const unsigned which = (unsigned)strtoul(prefix, NULL, 16) & 255; // two digits of a hash
    uint8_t *named = &store->named[parent == store->metadata][which / 8];
    const uint8_t bit = (uint8_t)(1u << which % 8);
    const bool made = fs->mkdir(fs->context, parent, prefix, 0700) == 0;
    if (!made && errno != EEXIST) return garden__fail_errno(error, "cannot make folder", prefix);
    if (!made && (*named & bit) != 0) return GARDEN_OK;
    *named &= (uint8_t)~bit; // made anew: somebody had removed it
    if (fs->sync(fs->context, parent) != 0)
        return garden__fail_errno(error, "cannot sync", "the store");
    *named |= bit;
    return GARDEN_OK;
}

static int seal_sync_prefix(const struct garden_store *store, int parent, const char *name,
                            struct garden_error *error)
{
    const char prefix[] = {name[0], name[1], '\0'};
    if (garden__fs_sync_folder(store->fs, parent, prefix) == 0) return GARDEN_OK;
    return garden__fail_errno(error, "cannot sync folder", prefix);
}

// Mime types are ours, but a quote in one must not break the JSON.
static bool seal_mime_ok(const char *mime_type)
{
    for (const char *c = mime_type; *c != '\0'; c++)
        if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\') return false;
    return strlen(mime_type) <= 100;
}

int garden__store_describe(struct garden_store *store, const struct garden_hash *hash,
                           uint64_t size, const char *mime_type, struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    char name[GARDEN__STORE_NAME_SIZE], temporary[64], text[192];
    garden__store_name(hash, ".json", name);
    const int present = fs->open(fs->context, store->metadata, name,
                                 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (present >= 0) {
        garden__fs_close(fs, present);
        return GARDEN_OK; // the first description of equal octets stays
    }
    int result = seal_folder(store, store->metadata, name, error);
    if (result != GARDEN_OK) return result;
    const int file = garden__store_temporary(store, temporary, error);
    if (file < 0) return file;
    const int n = snprintf(text, sizeof text, "{\"mime_type\":\"%s\",\"size\":%llu}\n", mime_type,
                           (unsigned long long)size);
    if (garden__fs_write_all(fs, file, text, (size_t)n) != 0 || fs->sync(fs->context, file) != 0 ||
        fs->rename(fs->context, store->staging, temporary, store->metadata, name) != 0) {
        result = garden__fail_errno(error, "cannot write metadata", name);
        (void)fs->unlink(fs->context, store->staging, temporary); // else the next opening sweeps it
    }
    garden__fs_close(fs, file);
    if (result == GARDEN_OK) result = seal_sync_prefix(store, store->metadata, name, error);
    return result;
}

// ---- Octets on the disk

// Opens the staged file, which its writer may have made read-only, to be written to.
static int seal_open_writable(struct garden_store *store, int file, const char *name)
{
    const struct garden_fs *fs = store->fs;
    if (fs->chmod(fs->context, file, 0600) != 0) return -1;
    return fs->open(fs->context, store->staging, name,
                    O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
}

// Writes what the file reads as over itself, so that the system has to bring it to the disk anew.
static bool seal_write_again(struct garden_store *store, int file, const char *name)
{
    const struct garden_fs *fs = store->fs;
    uint8_t block[GARDEN__STORE_BLOCK];
    const int writable = seal_open_writable(store, file, name);
    bool good = writable >= 0 && lseek(file, 0, SEEK_SET) == 0;
    for (ssize_t n = 1; good && n > 0;) {
        n = garden__fs_read_all(fs, file, block, sizeof block);
        good = n >= 0 && garden__fs_write_all(fs, writable, block, (size_t)n) == 0;
    }
    if (writable >= 0) garden__fs_close(fs, writable);
    return fs->chmod(fs->context, file, 0444) == 0 && good;
}

// A sync that fails is told once: the system lets go of what it could not write, and the next sync finds nothing
// left to do and succeeds. So octets that one failed for are written again before another is believed.
static int seal_sync(struct garden_store *store, int file, const char *name,
                     struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    if (strcmp(store->unsynced, name) == 0) {
        if (!seal_write_again(store, file, name))
            return garden__fail_errno(error, "cannot write again", name);
        store->unsynced[0] = '\0';
    }
    if (fs->sync(fs->context, file) == 0) return GARDEN_OK;
    const int result = garden__fail_errno(error, "cannot sync", name);
    if (!seal_write_again(store, file, name))
        (void)snprintf(store->unsynced, sizeof store->unsynced, "%s", name); // before the next try
    return result;
}

// ---- Names

// Puts good octets in the place of an object that is damaged, in one step: under a second name first, for the staged one
// is to remain.
static int seal_replace(struct garden_store *store, const char *name, const char *object,
                        struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    char second[64];
    garden__store_temporary_name(second);
    if (fs->link(fs->context, store->staging, name, store->staging, second) != 0)
        return garden__fail_errno(error, "cannot replace the damaged object", object);
    garden__step(fs, "seal.second");
    if (fs->rename(fs->context, store->staging, second, store->objects, object) == 0)
        return GARDEN_OK;
    const int result = garden__fail_errno(error, "cannot replace the damaged object", object);
    (void)fs->unlink(fs->context, store->staging, second); // else the next opening sweeps it
    return result;
}

static int seal_link(struct garden_store *store, const char *name, const char *object,
                     const struct garden_hash *hash, struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    if (fs->link(fs->context, store->staging, name, store->objects, object) == 0) return GARDEN_OK;
    if (errno != EEXIST) return garden__fail_errno(error, "cannot make object of", name);
    // Equal octets were sealed before, perhaps by a run that did not live to say so.
    const int result = garden_store_verify(store, hash, NULL, error);
    return result == GARDEN_ERR_CORRUPT ? seal_replace(store, name, object, error) : result;
}

int garden__store_seal_file(struct garden_store *store, int file, const char *name,
                            const char *mime_type, struct garden_hash *out,
                            struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    char object[GARDEN__STORE_NAME_SIZE];
    uint64_t size = 0;
    if (!seal_mime_ok(mime_type))
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "a mime type that is none");
    if (fs->chmod(fs->context, file, 0444) != 0)
        return garden__fail_errno(error, "cannot make read-only", name);
    int result = seal_sync(store, file, name, error);
    if (result != GARDEN_OK) return result;
    garden__step(fs, "seal.synced");
    if (lseek(file, 0, SEEK_SET) != 0) return garden__fail_errno(error, "cannot rewind", name);
    result = garden__store_hash_file(store, file, out, &size, error);
    if (result != GARDEN_OK) return result;
    garden__store_name(out, "", object);
    result = seal_folder(store, store->objects, object, error);
    if (result != GARDEN_OK) return result;
    garden__step(fs, "seal.hashed");
    result = seal_link(store, name, object, out, error);
    if (result != GARDEN_OK) return result;
    garden__step(fs, "seal.linked");
    result = seal_sync_prefix(store, store->objects, object, error);
    if (result == GARDEN_OK) result = garden__store_describe(store, out, size, mime_type, error);
    garden__step(fs, "seal.described");
    return result;
}

static int seal_cut(struct garden_store *store, int file, const char *name, uint64_t size,
                    struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    const int writable = seal_open_writable(store, file, name);
    if (writable < 0) return garden__fail_errno(error, "cannot open staged", name);
    int result = GARDEN_OK;
    if (fs->truncate(fs->context, writable, (off_t)size) != 0)
        result = garden__fail_errno(error, "cannot cut staged", name);
    garden__fs_close(fs, writable);
    return result;
}

// Opens a staged file once nobody writes it any more.
static int seal_open(struct garden_store *store, const char *name, int *out, struct stat *status,
                     struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    int result = garden__store_writable(store, error);
    if (result != GARDEN_OK) return result;
    if (!garden__store_name_ok(name))
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "staged name %.100s: is not a plain name",
                            name);
    const int file = fs->open(fs->context, store->staging, name,
                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (file < 0) return garden__fail_errno(error, "cannot open staged", name);
    if (fs->lock(fs->context, file) != 0)
        result = errno == EWOULDBLOCK ? garden__fail(error, GARDEN_ERR_STATE,
                                                     "chunk %.100s: is still being written", name)
                                      : garden__fail_errno(error, "cannot lock staged", name);
    else if (fs->stat(fs->context, file, status) != 0)
        result = garden__fail_errno(error, "cannot examine staged", name);
    else if (!S_ISREG(status->st_mode))
        result =
            garden__fail(error, GARDEN_ERR_ACCESS, "staged %.100s: is not a regular file", name);
    if (result != GARDEN_OK)
        garden__fs_close(fs, file);
    else
        *out = file;
    return result;
}

static int seal_exact(struct garden_store *store, int file, const struct stat *status,
                      const char *name, uint64_t size, const char *mime_type,
                      struct garden_hash *out, struct garden_error *error)
{
    const uint64_t found = (uint64_t)status->st_size;
    if (found < size)
        return garden__fail(error, GARDEN_ERR_CORRUPT,
                            "chunk %.100s: has %llu octets of the %llu that were reported", name,
                            (unsigned long long)found, (unsigned long long)size);
    // A file with a second name was already linked into place by a run that died. Cutting it would
    // cut the object.
    if (found > size && status->st_nlink > 1)
        return garden__fail(error, GARDEN_ERR_STATE,
                            "chunk %.100s: is already an object of another size", name);
    const int result = found > size ? seal_cut(store, file, name, size, error) : GARDEN_OK;
    if (result != GARDEN_OK) return result;
    return garden__store_seal_file(store, file, name, mime_type, out, error);
}

int garden_store_seal(struct garden_store *store, const char *name, uint64_t size,
                      const char *mime_type, struct garden_hash *out, struct garden_error *error)
{
    int file = -1;
    struct stat status;
    int result = seal_open(store, name, &file, &status, error);
    if (result != GARDEN_OK) return result;
    result = seal_exact(store, file, &status, name, size, mime_type, out, error);
    garden__fs_close(store->fs, file);
    return result;
}

int garden__store_seal_frames(struct garden_store *store, const char *name, uint64_t size_max,
                              uint32_t frame_size, const char *mime_type, struct garden_hash *out,
                              uint64_t *out_size, struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    int file = -1;
    struct stat status;
    int result = seal_open(store, name, &file, &status, error);
    if (result == GARDEN_ERR_NOT_FOUND) {
        *out_size = 0;
        return GARDEN_OK;
    }
    if (result != GARDEN_OK) return result;
    const uint64_t found = (uint64_t)status.st_size;
    const uint64_t kept = found < size_max ? found : size_max;
    const uint64_t size = kept - kept % frame_size;
    if (size > 0) result = seal_exact(store, file, &status, name, size, mime_type, out, error);
    // The lock is held: a daemon that opens the name now finds, once it has the lock, no name left.
    else if (fs->unlink(fs->context, store->staging, name) != 0 && errno != ENOENT)
        result = garden__fail_errno(error, "cannot remove staged", name);
    garden__fs_close(fs, file);
    if (result == GARDEN_OK) *out_size = size;
    return result;
}

int garden_store_put(struct garden_store *store, struct zmtp_bytes bytes, const char *mime_type,
                     struct garden_hash *out, struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    char name[64];
    int result = garden__store_writable(store, error);
    if (result != GARDEN_OK) return result;
    const int file = garden__store_temporary(store, name, error);
    if (file < 0) return file;
    if (garden__fs_write_all(fs, file, bytes.data, bytes.size) != 0)
        result = garden__fail_errno(error, "cannot write", "an object");
    else
        result = garden__store_seal_file(store, file, name, mime_type, out, error);
    (void)fs->unlink(fs->context, store->staging, name); // else the next opening sweeps it
    garden__fs_close(fs, file);
    return result;
}
