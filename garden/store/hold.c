#include "hold.h"

#include <fcntl.h>
#include <string.h>

#include <sodium.h>

// Two recordings of one folder that share a place are as likely as two equal random numbers of 62 bits.
static off_t hold_place(const char *name, size_t size)
{
    static const unsigned char key[] = "garden holds one";
    _Static_assert(sizeof key - 1 == crypto_shorthash_KEYBYTES, "the key has the size it must");
    unsigned char hash[crypto_shorthash_BYTES];
    uint64_t place = 0;
    (void)crypto_shorthash(hash, (const unsigned char *)name, size, key); // cannot fail
    for (size_t i = 0; i < sizeof place; i++)
        place |= (uint64_t)hash[i] << (8 * i);
    return (off_t)(place >> 2);
}

int garden__hold_take(const struct garden_staging *staging, const char *path)
{
    const struct garden_fs *fs = staging->fs;
    const size_t root = strlen(staging->root);
    if (strncmp(path, staging->root, root) == 0 && path[root] == '/') path += root + 1;
    const char *dot = strrchr(path, '.');
    // A descriptor of its own, as the lock is the descriptor's.
    const int file =
        fs->open(fs->context, staging->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (file < 0) return -1;
    const size_t size = dot != NULL ? (size_t)(dot - path) : strlen(path);
    if (fs->hold(fs->context, file, hold_place(path, size)) == 0) return file;
    garden__fs_close(fs, file);
    return -1;
}

bool garden__hold_is_taken(const struct garden_fs *fs, int folder, const char *run)
{
    return fs->held(fs->context, folder, hold_place(run, strlen(run))) > 0;
}
