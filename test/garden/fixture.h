// What the tests of capture and store share: a folder that goes away, and a twin of the system's calls
// that fails the n-th of them.
#ifndef TEST_GARDEN_FIXTURE_H
#define TEST_GARDEN_FIXTURE_H

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <garden/store.h>

#include "../../garden/store/fs.h"

struct folder {
    char path[64];
};

static inline int folder_remove_one(const char *path, const struct stat *status, int type,
                                    struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void folder_make(struct folder *folder)
{
    // Memory, where there is such a folder: fsync on a disk would take most of the time.
    const char *under = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(folder->path, sizeof folder->path, "%s/garden-test-XXXXXX", under);
    if (mkdtemp(folder->path) == NULL) abort();
}

static inline void folder_remove(struct folder *folder)
{
    if (nftw(folder->path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0) abort();
}

// Calls that a full disk or a failing one would refuse count; the |fail_at|-th of them, and with
// |fail_on| all after it, fail with |fail_errno|.
struct faulty {
    struct garden_fs fs;
    unsigned calls, fail_at;
    int fail_errno;
    bool fail_on;
};

static inline bool faulty_strikes(void *context)
{
    struct faulty *f = context;
    f->calls++;
    if (f->fail_at == 0 || f->calls < f->fail_at || (f->calls > f->fail_at && !f->fail_on))
        return false;
    errno = f->fail_errno;
    return true;
}

static inline int faulty_open(void *c, int folder, const char *path, int flags, mode_t mode)
{
    return faulty_strikes(c) ? -1 : garden__fs_system()->open(c, folder, path, flags, mode);
}

// Writes half before it fails, as a disk does that fills up.
static inline ssize_t faulty_write(void *c, int file, const void *data, size_t size)
{
    if (!faulty_strikes(c)) return garden__fs_system()->write(c, file, data, size);
    const int kept = errno;
    if (size > 1) (void)!garden__fs_system()->write(c, file, data, size / 2);
    errno = kept;
    return -1;
}

static inline int faulty_truncate(void *c, int file, off_t size)
{
    return faulty_strikes(c) ? -1 : garden__fs_system()->truncate(c, file, size);
}

static inline int faulty_reserve(void *c, int file, off_t size)
{
    return faulty_strikes(c) ? -1 : garden__fs_system()->reserve(c, file, size);
}

static inline int faulty_sync(void *c, int file)
{
    return faulty_strikes(c) ? -1 : garden__fs_system()->sync(c, file);
}

static inline int faulty_link(void *c, int from_folder, const char *from, int to_folder,
                              const char *to)
{
    return faulty_strikes(c) ? -1 : garden__fs_system()->link(c, from_folder, from, to_folder, to);
}

static inline int faulty_rename(void *c, int from_folder, const char *from, int to_folder,
                                const char *to)
{
    return faulty_strikes(c) ? -1
                             : garden__fs_system()->rename(c, from_folder, from, to_folder, to);
}

static inline int faulty_unlink(void *c, int folder, const char *path)
{
    return faulty_strikes(c) ? -1 : garden__fs_system()->unlink(c, folder, path);
}

static inline int faulty_mkdir(void *c, int folder, const char *path, mode_t mode)
{
    return faulty_strikes(c) ? -1 : garden__fs_system()->mkdir(c, folder, path, mode);
}

static inline void faulty_init(struct faulty *f)
{
    *f = (struct faulty){.fs = *garden__fs_system(), .fail_errno = ENOSPC};
    f->fs.context = f;
    f->fs.open = faulty_open;
    f->fs.write = faulty_write;
    f->fs.truncate = faulty_truncate;
    f->fs.reserve = faulty_reserve;
    f->fs.sync = faulty_sync;
    f->fs.link = faulty_link;
    f->fs.rename = faulty_rename;
    f->fs.unlink = faulty_unlink;
    f->fs.mkdir = faulty_mkdir;
}

static inline ssize_t faulty_read(void *c, int file, void *data, size_t size)
{
    return faulty_strikes(c) ? -1 : garden__fs_system()->read(c, file, data, size);
}

static inline int faulty_stat(void *c, int file, struct stat *out)
{
    return faulty_strikes(c) ? -1 : garden__fs_system()->stat(c, file, out);
}

static inline int faulty_chmod(void *c, int file, mode_t mode)
{
    return faulty_strikes(c) ? -1 : garden__fs_system()->chmod(c, file, mode);
}

static inline int faulty_lock(void *c, int file)
{
    return faulty_strikes(c) ? -1 : garden__fs_system()->lock(c, file);
}

static inline int faulty_lock_shared(void *c, int file)
{
    return faulty_strikes(c) ? -1 : garden__fs_system()->lock_shared(c, file);
}

// With those that no disk refuses that is only full.
static inline void faulty_init_all(struct faulty *f)
{
    faulty_init(f);
    f->fail_errno = EIO;
    f->fs.read = faulty_read;
    f->fs.stat = faulty_stat;
    f->fs.chmod = faulty_chmod;
    f->fs.lock = faulty_lock;
    f->fs.lock_shared = faulty_lock_shared;
}

static inline void faulty_arm(struct faulty *f, unsigned fail_at)
{
    f->calls = 0;
    f->fail_at = fail_at;
}

#endif
