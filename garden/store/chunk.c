// A chunk's file, opened under one folder and written by appending.
//
// Appending is what makes interference visible: after each write the file must be exactly as long as
// what was written so far. Had another process cut it, the octets land before that length, and the
// next look tells. With a mapping the same event is a SIGBUS, and with writes at an offset it is a
// hole of zeros that nobody notices.
//
// It costs nothing: with 64 KiB at a time and a look after each write, appending to a reserved file ran
// at 0.4 to 2.6 GB/s where copying into a mapping of one ran at 0.3 to 0.4 GB/s, which pays for page
// faults. 64 channels of f32 at 192 kHz need 0.05.
#include "../capture.h"
#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_FOLDER_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

int garden_staging_open(struct garden_staging *staging, const struct garden_fs *fs,
                        const char *root, struct garden_error *error)
{
    if (fs == NULL) fs = garden__fs_system();
    char path[PATH_MAX];
    *staging = (struct garden_staging){.fs = fs, .folder = -1};
    if (realpath(root, path) == NULL)
        return garden__fail_errno(error, "cannot open staging root", root);
    if (strlen(path) >= sizeof staging->root)
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "staging root %.100s: the path is too long",
                            root);
    strcpy(staging->root, path);
    staging->folder = fs->open(fs->context, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (staging->folder < 0) return garden__fail_errno(error, "cannot open staging root", root);
    return GARDEN_OK;
}

void garden_staging_close(struct garden_staging *staging)
{
    if (staging->folder >= 0) garden__fs_close(staging->fs, staging->folder);
    staging->folder = -1;
}

// |path| without the root in front, or null when it is not below the root.
static const char *chunk_relative(const struct garden_staging *staging, const char *path)
{
    if (path[0] != '/') return path;
    const size_t size = strlen(staging->root);
    if (strncmp(path, staging->root, size) != 0 || path[size] != '/') return NULL;
    return path + size + 1;
}

// Copies the next component and returns what follows it, or null when the component is not a plain
// name: empty, ".", ".." or too long.
static const char *chunk_component(const char *path, char name[NAME_MAX + 1])
{
    const size_t size = strcspn(path, "/");
    if (size == 0 || size > NAME_MAX) return NULL;
    memcpy(name, path, size);
    name[size] = '\0';
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return NULL;
    return path + size;
}

// Walks |path| one component at a time, so that no link is followed anywhere on the way.
static int chunk_walk(const struct garden_staging *staging, const char *path, int flags,
                      struct garden_error *error)
{
    const struct garden_fs *fs = staging->fs;
    const char *rest = chunk_relative(staging, path);
    int folder = staging->folder, file = -1;
    for (;;) {
        char name[NAME_MAX + 1];
        rest = rest == NULL ? NULL : chunk_component(rest, name);
        if (rest == NULL) {
            (void)garden__fail(error, GARDEN_ERR_ACCESS,
                               "chunk path %.70s: must name a file below %.70s, which gardend "
                               "--staging names: capture into the store around it",
                               path, staging->root);
            break;
        }
        const bool last = *rest == '\0';
        // O_NONBLOCK: opening a FIFO must not wait for its other end.
        file = fs->open(fs->context, folder, name,
                        last ? flags | O_APPEND | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC
                             : CHUNK_FOLDER_FLAGS,
                        0644); // of what is made: who owns the chunk is to read it
        if (file < 0) (void)garden__fail_errno(error, "cannot open chunk", path);
        if (file < 0 || last) break;
        if (folder != staging->folder) garden__fs_close(fs, folder);
        folder = file;
        file = -1;
        rest++;
    }
    if (folder != staging->folder) garden__fs_close(fs, folder);
    return file;
}

static int chunk_examine(const struct garden_fs *fs, int file, const char *path,
                         struct garden_error *error)
{
    struct stat status;
    if (fs->lock(fs->context, file) != 0) {
        if (errno == EWOULDBLOCK)
            return garden__fail(error, GARDEN_ERR_EXISTS,
                                "chunk %.100s: another stream writes it; stage a file of its own",
                                path);
        return garden__fail_errno(error, "cannot lock chunk", path);
    }
    if (fs->stat(fs->context, file, &status) != 0)
        return garden__fail_errno(error, "cannot examine chunk", path);
    if (!S_ISREG(status.st_mode))
        return garden__fail(error, GARDEN_ERR_ACCESS, "chunk %.100s: is not a regular file", path);
    if (status.st_nlink != 1)
        return garden__fail(error, GARDEN_ERR_ACCESS,
                            "chunk %.100s: has %lu names; only a file with one is written", path,
                            (unsigned long)status.st_nlink);
    // A chunk that was closed is read-only, which holds up no writer with all rights.
    if (status.st_size != 0 || (status.st_mode & 0222) == 0)
        return garden__fail(error, GARDEN_ERR_EXISTS,
                            "chunk %.100s: is not new; a path is used once", path);
    return GARDEN_OK;
}

int garden_chunk_open(struct garden_chunk *chunk, const struct garden_staging *staging,
                      const char *path, uint64_t size_max, struct garden_error *error)
{
    const struct garden_fs *fs = staging->fs;
    struct garden_error local;
    if (error == NULL) error = &local;
    *chunk = (struct garden_chunk){.fs = fs, .file = -1, .size_max = size_max};
    if (size_max == 0 || size_max > GARDEN_CHUNK_SIZE_MAX)
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "chunk %.100s: cannot hold %llu octets",
                            path, (unsigned long long)size_max);
    const int file = chunk_walk(staging, path, O_RDWR, error);
    if (file < 0) return error->code;
    int result = chunk_examine(fs, file, path, error);
    // A file system that cannot reserve reports a full disk at the write instead, which is handled.
    if (result == GARDEN_OK && fs->reserve(fs->context, file, (off_t)size_max) != 0 &&
        errno != EOPNOTSUPP && errno != ENOSYS) {
        result = garden__fail_errno(error, "cannot reserve space for chunk", path);
        (void)fs->truncate(fs->context, file, 0); // gives back what was reserved so far
    }
    if (result != GARDEN_OK) {
        garden__fs_close(fs, file);
        return result;
    }
    chunk->file = file;
    garden__step(fs, "chunk.opened");
    return GARDEN_OK;
}

// Adds a line behind what was noted so far, and behind nothing that a failure left half written.
static int chunk_note(struct garden_chunk *chunk, int file, const char *line, size_t size,
                      const char *beside, struct garden_error *error)
{
    const struct garden_fs *fs = chunk->fs;
    struct stat status;
    if (fs->stat(fs->context, file, &status) != 0)
        return garden__fail_errno(error, "cannot examine", beside);
    if ((uint64_t)status.st_size < chunk->noted)
        return garden__fail(error, GARDEN_ERR_CORRUPT, "%.100s: another process cut it", beside);
    if ((uint64_t)status.st_size > chunk->noted &&
        fs->truncate(fs->context, file, (off_t)chunk->noted) != 0)
        return garden__fail_errno(error, "cannot cut", beside);
    if (garden__fs_write_all(fs, file, line, size) != 0)
        return garden__fail_errno(error, "cannot write", beside);
    chunk->noted += size;
    garden__step(fs, "chunk.noted");
    return GARDEN_OK;
}

int garden_chunk_note_gap(struct garden_chunk *chunk, const struct garden_staging *staging,
                          const char *path, struct garden_gap gap, struct garden_error *error)
{
    const struct garden_fs *fs = chunk->fs;
    char beside[GARDEN_PATH_MAX + sizeof GARDEN_GAPS_SUFFIX], line[64];
    struct garden_error local;
    if (error == NULL) error = &local;
    (void)snprintf(beside, sizeof beside, "%s" GARDEN_GAPS_SUFFIX, path);
    const int size = snprintf(line, sizeof line, "%llu %llu\n", (unsigned long long)gap.first,
                              (unsigned long long)gap.count);
    garden__step(fs, "chunk.note");
    // The first line makes the file, so that nothing of others is ever added to.
    const int file = chunk_walk(staging, beside,
                                chunk->has_note ? O_WRONLY : O_WRONLY | O_CREAT | O_EXCL, error);
    if (file < 0) return error->code;
    chunk->has_note = true;
    const int result = chunk_note(chunk, file, line, (size_t)size, beside, error);
    garden__fs_close(fs, file);
    return result;
}

uint64_t garden_chunk_intact(const struct garden_chunk *chunk)
{
    struct stat status;
    if (chunk->file < 0) return 0;
    if (chunk->fs->stat(chunk->fs->context, chunk->file, &status) != 0) return chunk->size;
    if (status.st_size < 0) return 0;
    const uint64_t size = (uint64_t)status.st_size;
    return size < chunk->size ? size : chunk->size;
}

static int chunk_mismatch(uint64_t expected, uint64_t size, struct garden_error *error)
{
    return garden__fail(error, GARDEN_ERR_CORRUPT,
                        "a chunk of %llu octets has %llu: another process changed it",
                        (unsigned long long)expected, (unsigned long long)size);
}

// One write and the look after it. Returns the octets written.
static ssize_t chunk_append(struct garden_chunk *chunk, const uint8_t *data, size_t size,
                            struct garden_error *error)
{
    const struct garden_fs *fs = chunk->fs;
    struct stat status;
    garden__step(fs, "chunk.write");
    ssize_t n = fs->write(fs->context, chunk->file, data, size);
    while (n < 0 && errno == EINTR)
        n = fs->write(fs->context, chunk->file, data, size);
    if (n == 0) errno = EIO;
    if (n <= 0) return garden__fail_errno(error, "cannot write", "chunk");
    if (fs->stat(fs->context, chunk->file, &status) != 0)
        return garden__fail_errno(error, "cannot examine", "an open chunk");
    const uint64_t found = (uint64_t)status.st_size, expected = chunk->size + (uint64_t)n;
    garden__step(fs, "chunk.written");
    if (found == expected) {
        chunk->size = expected;
        return n;
    }
    // Somebody cut the file before this write: what precedes these octets is all that is left.
    if (found < expected) chunk->size = found < (uint64_t)n ? 0 : found - (uint64_t)n;
    return chunk_mismatch(expected, found, error);
}

int garden_chunk_write(struct garden_chunk *chunk, const uint8_t *data, size_t size,
                       struct garden_error *error)
{
    if (chunk->file < 0 || size > chunk->size_max - chunk->size)
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "a write beyond the end of a chunk");
    const uint64_t intact = garden_chunk_intact(chunk);
    if (intact != chunk->size) return chunk_mismatch(chunk->size, intact, error);
    while (size > 0) {
        const ssize_t n = chunk_append(chunk, data, size, error);
        if (n < 0) return (int)n;
        data += n;
        size -= (size_t)n;
    }
    return GARDEN_OK;
}

int garden_chunk_close(struct garden_chunk *chunk, uint64_t size, struct garden_error *error)
{
    const struct garden_fs *fs = chunk->fs;
    if (chunk->file < 0) return garden__fail(error, GARDEN_ERR_STATE, "the chunk is not open");
    int result = GARDEN_OK;
    garden__step(fs, "chunk.full");
    if (garden_chunk_intact(chunk) < size)
        result = garden__fail(error, GARDEN_ERR_CORRUPT,
                              "a chunk was cut below the %llu octets written to it",
                              (unsigned long long)size);
    // Cutting also gives back the reserved space beyond the end.
    else if (fs->truncate(fs->context, chunk->file, (off_t)size) != 0)
        result = garden__fail_errno(error, "cannot cut", "chunk");
    garden__step(fs, "chunk.cut");
    if (fs->chmod(fs->context, chunk->file, 0444) != 0 && result == GARDEN_OK)
        result = garden__fail_errno(error, "cannot make read-only", "chunk");
    garden__step(fs, "chunk.protected");
    garden__fs_close(fs, chunk->file);
    chunk->file = -1;
    garden__step(fs, "chunk.closed");
    return result;
}
