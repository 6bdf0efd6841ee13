// How many octets a second become objects of a store: seal FOLDER MIB CHUNK_BYTES HOW.
//
// HOW is "store": chunks are written into staging and sealed as a recording does it, each synced, hashed, linked, its
// folder synced, described, unstaged; "store-unsynced": the same where no call of fsync does anything; "raw": each
// chunk is written to a file and synced, and its octets, which are in memory, hashed; "raw-unsynced": without the sync.
// Before the time begins all folders of the store are made, as they are in one that is in use.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../garden/store/fs.h"
#include "bench.h"
#include <garden/store.h>

enum { SEAL_BLOCK = 65536 };

static struct {
    struct garden_fs fs;
    uint64_t syncs;
    bool synced;
} seal;

static int seal_sync(void *context, int file)
{
    (void)context;
    seal.syncs++;
    return seal.synced ? fsync(file) : 0;
}

// As a daemon writes a chunk: appended, a block at a time.
static int seal_write(const char *path, const unsigned char *body, size_t size)
{
    const int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) bench_die(path, "cannot be made");
    for (size_t at = 0; at < size;) {
        const ssize_t n = write(file, body + at, size - at < SEAL_BLOCK ? size - at : SEAL_BLOCK);
        if (n <= 0) bench_die("write", "the disk refuses");
        at += (size_t)n;
    }
    return file;
}

static void seal_make_folders(const char *root)
{
    char path[600];
    for (unsigned i = 0; i < 512; i++) {
        (void)snprintf(path, sizeof path, "%s/%s/%02x", root, i % 2 == 0 ? "objects" : "metadata",
                       i / 2);
        if (mkdir(path, 0700) != 0) bench_die(path, "cannot be made");
    }
}

static void seal_raw(const char *folder, unsigned char *body, size_t chunk, size_t count)
{
    char path[600];
    for (size_t i = 0; i < count; i++) {
        memcpy(body, &i, sizeof i); // so that no two are equal
        (void)snprintf(path, sizeof path, "%s/%zu", folder, i);
        const int file = seal_write(path, body, chunk);
        if (seal_sync(NULL, file) != 0) bench_die("fsync", "failed");
        (void)garden_hash_of(zmtp_bytes_of(body, chunk)); // only the time is wanted
        (void)close(file);                                // what was to be synced is
    }
}

static void seal_store(struct garden_store *store, unsigned char *body, size_t chunk, size_t count)
{
    struct garden_error error;
    char name[32], path[600];
    for (size_t i = 0; i < count; i++) {
        struct garden_hash hash;
        memcpy(body, &i, sizeof i); // so that no two are equal
        (void)snprintf(name, sizeof name, "%zu", i);
        (void)snprintf(path, sizeof path, "%s/%s", garden_store_staging(store), name);
        if (garden_store_stage(store, name, &error) < 0) bench_die("stage", error.text);
        (void)close(seal_write(path, body, chunk)); // the seal syncs it
        if (garden_store_seal(store, name, chunk, "audio/raw", &hash, &error) < 0 ||
            garden_store_unstage(store, name, &error) < 0)
            bench_die("seal", error.text);
    }
}

int main(int argc, char **argv)
{
    struct garden_error error = {.text = ""};
    struct garden_store *store = NULL;
    if (argc != 5) bench_die("usage", "seal FOLDER MIB CHUNK_BYTES HOW");
    const size_t chunk = strtoul(argv[3], NULL, 10), size = strtoul(argv[2], NULL, 10) << 20;
    const size_t count = chunk > 0 ? size / chunk : 0;
    if (count == 0 || chunk < sizeof count) bench_die("MIB", "less than a chunk");
    const bool in_store = strncmp(argv[4], "store", 5) == 0;
    seal.synced = strstr(argv[4], "unsynced") == NULL;
    seal.fs = *garden__fs_system();
    seal.fs.sync = seal_sync;
    const struct garden_store_config config = {.root = argv[1], .fs = &seal.fs};
    // The other way, too: it is with this that the hash becomes the one that the store has.
    if (garden_store_open(&config, &store, &error) < 0) bench_die(argv[1], error.text);
    seal_make_folders(argv[1]);
    sync(); // what that left to be written
    unsigned char *body = bench_body(chunk);

    seal.syncs = 0;
    const uint64_t begun = bench_now_ns(), cpu = bench_cpu_ns();
    if (in_store)
        seal_store(store, body, chunk, count);
    else
        seal_raw(argv[1], body, chunk, count);
    const double seconds = (double)(bench_now_ns() - begun) / 1e9;
    printf("mb_s %.2f\nchunks_s %.1f\ncpu_ns_octet %.3f\nsyncs_chunk %.2f\n",
           (double)(chunk * count) / 1e6 / seconds, (double)count / seconds,
           (double)(bench_cpu_ns() - cpu) / (double)(chunk * count),
           (double)seal.syncs / (double)count);
    garden_store_close(store);
    free(body);
    return 0;
}
