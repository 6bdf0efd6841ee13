// The staging folder: files that are being written by a daemon or by the store itself.
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

bool garden__store_name_ok(const char *name)
{
    const size_t size = strlen(name);
    return size > 0 && size <= 96 && name[0] != '.' && strchr(name, '/') == NULL;
}

static int stage_check_name(const char *name, struct garden_error *error)
{
    if (garden__store_name_ok(name)) return GARDEN_OK;
    return garden__fail(error, GARDEN_ERR_ARGUMENT, "staged name %.100s: must be a plain file name",
                        name);
}

// A new file of that name. Negative with errno, EEXIST when there is something already.
static int stage_make(const struct garden_store *store, const char *name)
{
    return store->fs->open(store->fs->context, store->staging, name,
                           O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

// Takes away a link, pipe or socket that others have put in the place of a chunk, which no daemon writes
// to. A file stays: it may have frames in it.
static bool stage_clear(const struct garden_store *store, const char *name)
{
    const struct garden_fs *fs = store->fs;
    struct stat status;
    const int file = fs->open(fs->context, store->staging, name,
                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    bool foreign = file < 0 && (errno == ELOOP || errno == ENXIO);
    if (file >= 0) {
        foreign = fs->stat(fs->context, file, &status) == 0 && !S_ISREG(status.st_mode);
        garden__fs_close(fs, file);
    }
    return foreign && fs->unlink(fs->context, store->staging, name) == 0;
}

int garden_store_stage(struct garden_store *store, const char *name, struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    int result = garden__store_writable(store, error);
    if (result == GARDEN_OK) result = stage_check_name(name, error);
    if (result != GARDEN_OK) return result;
    int file = stage_make(store, name);
    if (file < 0 && errno == EEXIST) {
        file = stage_clear(store, name) ? stage_make(store, name) : -1;
        if (file < 0) errno = EEXIST;
    }
    if (file < 0) {
        uint64_t size;
        bool closed;
        if (errno != EEXIST) return garden__fail_errno(error, "cannot stage chunk", name);
        result = garden_store_inspect(store, name, &size, &closed, error);
        if (result != GARDEN_OK) return result;
    }
    if (file >= 0) garden__fs_close(fs, file);
    garden__step(fs, "stage.made");
    // Also of one that was there: who made it may not have come to this.
    if (fs->sync(fs->context, store->staging) != 0)
        return garden__fail_errno(error, "cannot sync", "the staging folder");
    garden__step(fs, "stage.synced");
    return GARDEN_OK;
}

int garden_store_inspect(const struct garden_store *store, const char *name, uint64_t *out_size,
                         bool *out_closed, struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    struct stat status;
    int result = stage_check_name(name, error);
    if (result != GARDEN_OK) return result;
    const int file = fs->open(fs->context, store->staging, name,
                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (file < 0) return garden__fail_errno(error, "cannot examine staged", name);
    if (fs->stat(fs->context, file, &status) != 0)
        result = garden__fail_errno(error, "cannot examine staged", name);
    else if (!S_ISREG(status.st_mode))
        result =
            garden__fail(error, GARDEN_ERR_ACCESS, "staged %.100s: is not a regular file", name);
    garden__fs_close(fs, file);
    if (result != GARDEN_OK) return result;
    *out_size = (uint64_t)status.st_size;
    *out_closed = (status.st_mode & 0222) == 0;
    return GARDEN_OK;
}

int garden_store_unstage(struct garden_store *store, const char *name, struct garden_error *error)
{
    int result = garden__store_writable(store, error);
    if (result == GARDEN_OK) result = stage_check_name(name, error);
    if (result != GARDEN_OK) return result;
    if (store->fs->unlink(store->fs->context, store->staging, name) != 0 && errno != ENOENT)
        return garden__fail_errno(error, "cannot remove staged", name);
    return GARDEN_OK;
}

int garden_store_each_staged(const struct garden_store *store,
                             bool (*each)(void *context, const char *name), void *context,
                             struct garden_error *error)
{
    return garden__store_each_name(store, "staging", each, context, error);
}

int garden__store_each_name(const struct garden_store *store, const char *name,
                            bool (*each)(void *context, const char *name), void *context,
                            struct garden_error *error)
{
    // Opened afresh: a copy of the descriptor would share its reading position.
    const struct garden_fs *fs = store->fs;
    const int folder =
        fs->open(fs->context, store->root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    DIR *entries = folder < 0 ? NULL : fdopendir(folder);
    if (entries == NULL) {
        const int result = garden__fail_errno(error, "cannot list folder", name);
        if (folder >= 0) garden__fs_close(fs, folder);
        return result;
    }
    int result = GARDEN_OK;
    for (bool more = true; more;) {
        errno = 0; // a list that ends early would make chunks and journals invisible
        const struct dirent *entry = readdir(entries);
        if (entry == NULL && errno != 0)
            result = garden__fail_errno(error, "cannot list folder", name);
        more = entry != NULL && (entry->d_name[0] == '.' || each(context, entry->d_name));
    }
    (void)closedir(entries);
    return result;
}

void garden__store_temporary_name(char name[64])
{
    (void)snprintf(name, 64, "%08lx%08lx.tmp", (unsigned long)randombytes_random(),
                   (unsigned long)randombytes_random());
}

// Makes and locks one. Returns the file; -1, with errno; or -2: somebody who opened the store just then has swept it,
// or is about to, since it was not locked yet.
static int stage_make_temporary(const struct garden_store *store, char name[64])
{
    const struct garden_fs *fs = store->fs;
    struct stat status = {0};
    garden__store_temporary_name(name);
    const int file = fs->open(fs->context, store->staging, name,
                              O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) return -1;
    const bool locked = fs->lock(fs->context, file) == 0;
    const bool swept = !locked && errno == EWOULDBLOCK;
    if (locked && fs->stat(fs->context, file, &status) == 0 && status.st_nlink > 0) return file;
    const int kept = errno;
    const bool gone = swept || (locked && status.st_mode != 0); // else nothing is known of it
    (void)fs->unlink(fs->context, store->staging, name);        // else the next opening sweeps it
    garden__fs_close(fs, file);
    errno = kept;
    return gone ? -2 : -1;
}

int garden__store_temporary(struct garden_store *store, char name[64], struct garden_error *error)
{
    enum { TRIES = 64 }; // as many openings in a row, each in the same instant
    int file = -2;
    for (int i = 0; i < TRIES && file == -2; i++)
        file = stage_make_temporary(store, name);
    if (file >= 0) return file;
    if (file == -2)
        return garden__fail(error, GARDEN_ERR_STATE,
                            "the staging folder is swept again and again; try again later");
    return garden__fail_errno(error, "cannot write into", "the staging folder");
}

static bool stage_sweep_one(void *context, const char *name)
{
    struct garden_store *store = context;
    const struct garden_fs *fs = store->fs;
    const size_t size = strlen(name);
    if (size < 4 || strcmp(name + size - 4, ".tmp") != 0) return true;
    const int file = fs->open(fs->context, store->staging, name,
                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (file < 0) return true;
    // Whoever was writing it is gone if its lock is free. A failure leaves it to the next sweep.
    if (fs->lock(fs->context, file) == 0) (void)fs->unlink(fs->context, store->staging, name);
    garden__fs_close(fs, file);
    return true;
}

void garden__store_sweep(struct garden_store *store)
{
    (void)garden_store_each_staged(store, stage_sweep_one, store,
                                   NULL); // only tidiness is at stake
}
