#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int fs_open(void *context, int folder, const char *path, int flags, mode_t mode)
{
    (void)context;
    return openat(folder, path, flags, mode);
}

static int fs_close(void *context, int file)
{
    (void)context;
    return close(file);
}

static ssize_t fs_read(void *context, int file, void *data, size_t size)
{
    (void)context;
    return read(file, data, size);
}

static ssize_t fs_write(void *context, int file, const void *data, size_t size)
{
    (void)context;
    return write(file, data, size);
}

static int fs_truncate(void *context, int file, off_t size)
{
    (void)context;
    return ftruncate(file, size);
}

static int fs_reserve(void *context, int file, off_t size)
{
    (void)context;
    return fallocate(file, FALLOC_FL_KEEP_SIZE, 0, size);
}

static int fs_sync(void *context, int file)
{
    (void)context;
    return fsync(file);
}

static int fs_stat(void *context, int file, struct stat *out)
{
    (void)context;
    return fstat(file, out);
}

static int fs_chmod(void *context, int file, mode_t mode)
{
    (void)context;
    return fchmod(file, mode);
}

static int fs_link(void *context, int from_folder, const char *from, int to_folder, const char *to)
{
    (void)context;
    return linkat(from_folder, from, to_folder, to, 0);
}

static int fs_rename(void *context, int from_folder, const char *from, int to_folder,
                     const char *to)
{
    (void)context;
    return renameat(from_folder, from, to_folder, to);
}

static int fs_unlink(void *context, int folder, const char *path)
{
    (void)context;
    return unlinkat(folder, path, 0);
}

static int fs_mkdir(void *context, int folder, const char *path, mode_t mode)
{
    (void)context;
    return mkdirat(folder, path, mode);
}

static int fs_lock(void *context, int file)
{
    (void)context;
    return flock(file, LOCK_EX | LOCK_NB);
}

static int fs_lock_shared(void *context, int file)
{
    (void)context;
    return flock(file, LOCK_SH | LOCK_NB);
}

// Locks of an open file, not of the process: closing another descriptor of the folder leaves them alone.
static int fs_hold(void *context, int file, off_t place)
{
    (void)context;
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = place, .l_len = 1};
    return fcntl(file, F_OFD_SETLK, &lock);
}

static int fs_held(void *context, int file, off_t place)
{
    (void)context;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = place, .l_len = 1};
    if (fcntl(file, F_OFD_GETLK, &lock) != 0) return -1;
    return lock.l_type != F_UNLCK;
}

// For tests of crashes: GARDEN_DIE_AT=NAME[:N] in the environment kills the process at the N-th time that
// it comes to the step NAME, as a power failure would between two system calls.
static void fs_step(void *context, const char *name)
{
    (void)context;
    static atomic_uint passed;
    const char *wanted = getenv("GARDEN_DIE_AT");
    const size_t size = strlen(name);
    if (wanted == NULL || strncmp(wanted, name, size) != 0) return;
    if (wanted[size] != '\0' && wanted[size] != ':') return;
    const unsigned long count = wanted[size] == ':' ? strtoul(wanted + size + 1, NULL, 10) : 1;
    if (atomic_fetch_add(&passed, 1) + 1 >= count) (void)raise(SIGKILL); // does not return
}

const struct garden_fs *garden__fs_system(void)
{
    static const struct garden_fs system = {
        .open = fs_open,
        .close = fs_close,
        .read = fs_read,
        .write = fs_write,
        .truncate = fs_truncate,
        .reserve = fs_reserve,
        .sync = fs_sync,
        .stat = fs_stat,
        .chmod = fs_chmod,
        .link = fs_link,
        .rename = fs_rename,
        .unlink = fs_unlink,
        .mkdir = fs_mkdir,
        .lock = fs_lock,
        .lock_shared = fs_lock_shared,
        .hold = fs_hold,
        .held = fs_held,
        .step = fs_step,
    };
    return &system;
}

void garden__step(const struct garden_fs *fs, const char *name)
{
    if (fs->step != NULL) fs->step(fs->context, name);
}

int garden__fs_write_all(const struct garden_fs *fs, int file, const void *data, size_t size)
{
    const uint8_t *octets = data;
    while (size > 0) {
        const ssize_t n = fs->write(fs->context, file, octets, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        if (n == 0) {
            errno = EIO; // a regular file that takes nothing and says nothing
            return -1;
        }
        octets += n;
        size -= (size_t)n;
    }
    return 0;
}

ssize_t garden__fs_read_all(const struct garden_fs *fs, int file, void *data, size_t size)
{
    uint8_t *octets = data;
    size_t filled = 0;
    while (filled < size) {
        const ssize_t n = fs->read(fs->context, file, octets + filled, size - filled);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        if (n == 0) break;
        filled += (size_t)n;
    }
    return (ssize_t)filled;
}

int garden__fs_sync_folder(const struct garden_fs *fs, int folder, const char *path)
{
    const int file =
        fs->open(fs->context, folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (file < 0) return -1;
    const int result = fs->sync(fs->context, file);
    garden__fs_close(fs, file);
    return result;
}

void garden__fs_close(const struct garden_fs *fs, int file)
{
    const int kept = errno;
    (void)fs->close(fs->context, file); // nothing more can be done about this descriptor
    errno = kept;
}
