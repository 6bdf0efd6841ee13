// What the disk, the hash and the store can do at most: ceiling FOLDER MIB CHUNK_BYTES.
//
// write: MIB of octets appended to one file in FOLDER, 64 KiB at a time, its space reserved, then fsync. hash: as
// many octets from memory, BLAKE2b-256. both: each chunk written, synced, read again and hashed, one after the
// other in one thread, which is what a capture has to do at the least. seal: the store's own making of objects
// from staged chunks, in which those octets are on the disk already.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <garden/store.h>

#include "bench.h"

enum { CEILING_BLOCK = 65536 };

static void ceiling_write(int file, const unsigned char *body, size_t size)
{
    for (size_t at = 0; at < size;) {
        const size_t step = size - at < CEILING_BLOCK ? size - at : CEILING_BLOCK;
        const ssize_t n = write(file, body + at, step);
        if (n <= 0) bench_die("write", "the disk refuses");
        at += (size_t)n;
    }
}

static int ceiling_file(const char *path, size_t size)
{
    const int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) bench_die(path, "cannot be made");
    // A file system that cannot reserve writes all the same.
    (void)!posix_fallocate(file, 0, (off_t)size);
    if (ftruncate(file, 0) != 0) bench_die(path, "cannot be cut");
    return file;
}

static void ceiling_tell(const char *name, size_t octets, uint64_t begun)
{
    printf("%s_mb_s %.1f\n", name, (double)octets / 1e6 / ((double)(bench_now_ns() - begun) / 1e9));
}

static void ceiling_both(const char *path, const unsigned char *body, size_t chunk, size_t count)
{
    unsigned char *back = malloc(chunk);
    if (!back) bench_die("chunk", "no memory");
    const uint64_t begun = bench_now_ns();
    for (size_t i = 0; i < count; i++) {
        const int file = ceiling_file(path, chunk);
        ceiling_write(file, body, chunk);
        if (fsync(file) != 0) bench_die("fsync", "failed");
        if (pread(file, back, chunk, 0) != (ssize_t)chunk) bench_die("read", "failed");
        (void)garden_hash_of(zmtp_bytes_of(back, chunk)); // only the time is wanted
        (void)close(file);                                // synced before
    }
    ceiling_tell("both", chunk * count, begun);
    (void)unlink(path); // the folder goes with it in any case
    free(back);
}

static void ceiling_seal(const char *root, unsigned char *body, size_t chunk, size_t count)
{
    struct garden_store *store;
    struct garden_error error;
    const struct garden_store_config config = {.root = root};
    char name[32], path[600];
    if (garden_store_open(&config, &store, &error) < 0) bench_die(root, error.text);
    for (size_t i = 0; i < count; i++) {
        memcpy(body, &i, sizeof i); // so that no two are equal
        (void)snprintf(name, sizeof name, "%zu", i);
        (void)snprintf(path, sizeof path, "%s/%s", garden_store_staging(store), name);
        const int file = ceiling_file(path, chunk);
        ceiling_write(file, body, chunk);
        if (fsync(file) != 0) bench_die("fsync", "failed");
        (void)close(file); // synced before
    }
    const uint64_t begun = bench_now_ns();
    for (size_t i = 0; i < count; i++) {
        struct garden_hash hash;
        (void)snprintf(name, sizeof name, "%zu", i);
        if (garden_store_seal(store, name, chunk, "audio/raw", &hash, &error) < 0)
            bench_die("seal", error.text);
    }
    ceiling_tell("seal", chunk * count, begun);
    printf("seals_s %.1f\n", (double)count / ((double)(bench_now_ns() - begun) / 1e9));
    garden_store_close(store);
}

int main(int argc, char **argv)
{
    char path[512], root[512];
    if (argc != 4) bench_die("usage", "ceiling FOLDER MIB CHUNK_BYTES");
    const size_t chunk = strtoul(argv[3], NULL, 10), size = strtoul(argv[2], NULL, 10) << 20;
    const size_t count = chunk > 0 ? size / chunk : 0;
    if (count == 0) bench_die("MIB", "less than a chunk");
    unsigned char *body = bench_body(chunk);
    (void)snprintf(path, sizeof path, "%s/ceiling", argv[1]);
    (void)snprintf(root, sizeof root, "%s/sealed", argv[1]);

    uint64_t begun = bench_now_ns();
    const int file = ceiling_file(path, chunk * count);
    for (size_t i = 0; i < count; i++)
        ceiling_write(file, body, chunk);
    if (fsync(file) != 0) bench_die("fsync", "failed");
    ceiling_tell("write", chunk * count, begun);
    (void)close(file); // synced before
    begun = bench_now_ns();
    for (size_t i = 0; i < count; i++)
        (void)garden_hash_of(zmtp_bytes_of(body, chunk)); // only the time is wanted
    ceiling_tell("hash", chunk * count, begun);
    ceiling_both(path, body, chunk, count);
    ceiling_seal(root, body, chunk, count);
    free(body);
    return 0;
}
