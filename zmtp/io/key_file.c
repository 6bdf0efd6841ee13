// Certificates on the disk.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../peer.h"

static int key_file_error(int error_number)
{
    switch (error_number) {
    case ENOENT:
    case ENOTDIR:
        return ZMTP_ERR_NOT_FOUND;
    case EEXIST:
        return ZMTP_ERR_IN_USE;
    case EACCES:
    case EPERM:
    case EROFS:
        return ZMTP_ERR_ACCESS;
    case EMFILE:
    case ENFILE:
        return ZMTP_ERR_DESCRIPTORS;
    case ENOMEM:
        return ZMTP_ERR_MEMORY;
    default:
        return ZMTP_ERR_SYSTEM;
    }
}

// Reads until the end, or |size| octets. Returns how many, or -1 and errno.
static ssize_t key_file_read(int fd, uint8_t *out, size_t size)
{
    size_t filled = 0;
    while (filled < size) {
        const ssize_t got = read(fd, out + filled, size - filled);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        filled += (size_t)got;
    }
    return (ssize_t)filled;
}

int zmtp_key_file_load(struct zmtp_key_file *out, const char *path)
{
    uint8_t text[ZMTP_KEY_FILE_MAX + 1];
    struct stat status;
    if (!out || !path) return ZMTP_ERR_ARGUMENT;
    // A pipe in the place of a file would keep us waiting.
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) return key_file_error(errno);
    int result = ZMTP_ERR_ARGUMENT;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        const ssize_t size = key_file_read(fd, text, sizeof text);
        result = size < 0 ? key_file_error(errno)
                          : zmtp_key_file_decode(zmtp_bytes_of(text, (size_t)size), out);
    }
    (void)close(fd); // opened for reading: nothing can be lost
    zmtp_wipe(text, sizeof text);
    return result;
}

static bool key_file_write(int fd, const char *text, size_t size)
{
    while (size > 0) {
        const ssize_t done = write(fd, text, size);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return false;
        text += done;
        size -= (size_t)done;
    }
    return fsync(fd) == 0;
}

// Makes one of the two files; one that could not be written whole does not stay.
static int key_file_create(const struct zmtp_key_pair *keys, bool with_secret, const char *path)
{
    char text[1024];
    const int size = zmtp_key_file_encode(keys, with_secret, text, sizeof text);
    if (size < 0) return size;
    const mode_t mode = with_secret ? 0600 : 0644;
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    int result = fd < 0 ? key_file_error(errno) : ZMTP_OK;
    if (fd >= 0) {
        if (!key_file_write(fd, text, (size_t)size)) result = key_file_error(errno);
        if (close(fd) < 0 && result == ZMTP_OK) result = key_file_error(errno);
        if (result < 0) (void)unlink(path); // the first failure is the one to tell
    }
    zmtp_wipe(text, sizeof text);
    return result;
}

int zmtp_key_file_save(const struct zmtp_key_pair *keys, const char *path)
{
    char secret_path[PATH_MAX];
    if (!keys || !path) return ZMTP_ERR_ARGUMENT;
    const int size = snprintf(secret_path, sizeof secret_path, "%s_secret", path);
    if (size < 0 || (size_t)size >= sizeof secret_path) return ZMTP_ERR_ARGUMENT;
    int result = key_file_create(keys, true, secret_path);
    if (result < 0) return result;
    result = key_file_create(keys, false, path);
    if (result < 0) (void)unlink(secret_path); // half a pair is of no use
    return result;
}
