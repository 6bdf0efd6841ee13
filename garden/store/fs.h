// The system calls that the store makes, as a table, so that a test can fail the n-th of them or stop
// the process between two. Each behaves as its POSIX namesake: -1 and errno on failure.
#ifndef GARDEN_STORE_FS_H
#define GARDEN_STORE_FS_H

#include <sys/stat.h>
#include <sys/types.h>

#include <stdint.h>

#include "../core/error.h"

struct garden_fs {
    void *context;
    int (*open)(void *context, int folder, const char *path, int flags, mode_t mode);
    int (*close)(void *context, int file);
    ssize_t (*read)(void *context, int file, void *data, size_t size);
    ssize_t (*write)(void *context, int file, const void *data, size_t size);
    int (*truncate)(void *context, int file, off_t size);
    int (*reserve)(void *context, int file, off_t size); // allocates, the file's size stays
    int (*sync)(void *context, int file);
    int (*stat)(void *context, int file, struct stat *out);
    int (*chmod)(void *context, int file, mode_t mode);
    int (*link)(void *context, int from_folder, const char *from, int to_folder, const char *to);
    int (*rename)(void *context, int from_folder, const char *from, int to_folder, const char *to);
    int (*unlink)(void *context, int folder, const char *path);
    int (*mkdir)(void *context, int folder, const char *path, mode_t mode);
    // Without waiting, until the file is closed: for one alone, or beside others that share it.
    int (*lock)(void *context, int file);
    int (*lock_shared)(void *context, int file);
    // Without waiting, until the folder is closed, and shared with all: the octet at |place| of an open folder. The other
    // tells whether somebody else has it: 1 or 0.
    int (*hold)(void *context, int folder, off_t place);
    int (*held)(void *context, int folder, off_t place);
    // Called between two steps that a crash may separate, by whichever thread; may be null.
    void (*step)(void *context, const char *name);
};

const struct garden_fs *garden__fs_system(void);

// Names a point where a crash may strike.
void garden__step(const struct garden_fs *fs, const char *name);

// Writes all of |data| or fails with errno.
int garden__fs_write_all(const struct garden_fs *fs, int file, const void *data, size_t size);
// Fills |data| up to |size| or the end of the file. Returns the octets, or -1 with errno.
ssize_t garden__fs_read_all(const struct garden_fs *fs, int file, void *data, size_t size);
// Opens |path| below |folder| for as long as it takes to fsync it.
int garden__fs_sync_folder(const struct garden_fs *fs, int folder, const char *path);
// Closes and keeps errno, for the ways out of a failure.
void garden__fs_close(const struct garden_fs *fs, int file);

// Fills |error|, which may be null, and returns the code that errno means; the text is
// "|what| |name|: reason; advice".
int garden__fail_errno(struct garden_error *error, const char *what, const char *name);

#endif
