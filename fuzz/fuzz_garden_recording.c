// A recording's journal, taken up and salvaged: records with a right check and anything in them, and octets behind them.
// The input is pieces of a kind, a size and a payload; kinds without a record are octets as they are.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "fuzz.h"

#include "garden/store/journal.h"
#include "garden/store/recording.h"

#define RUN "0123456789abcdef0123456789abcdef"

// The disk: a journal, a live manifest that may be there, and a file for whatever is made.
static struct {
    int journal, live, made, folder;
    bool has_live;
} disk;

static int disk_take(int file)
{
    (void)lseek(file, 0, SEEK_SET);
    return fcntl(file, F_DUPFD_CLOEXEC, 0);
}

static int disk_open(void *context, int folder, const char *path, int flags, mode_t mode)
{
    (void)context;
    (void)folder;
    (void)mode;
    const size_t size = strlen(path);
    if (flags & O_DIRECTORY) return disk_take(disk.folder);
    if (strcmp(path, RUN ".journal") == 0) return disk_take(disk.journal);
    if (disk.has_live && strcmp(path, RUN ".json") == 0) return disk_take(disk.live);
    if (flags & O_CREAT && size > 4 && strcmp(path + size - 4, ".tmp") == 0) {
        (void)!ftruncate(disk.made, 0); // it is memory
        return disk_take(disk.made);
    }
    errno = ENOENT;
    return -1;
}

static int disk_nothing(void *context, int file)
{
    (void)context;
    (void)file;
    return 0;
}

static int disk_unlink(void *context, int folder, const char *path)
{
    (void)context;
    (void)folder;
    (void)path;
    return 0;
}

static int disk_rename(void *context, int from_folder, const char *from, int to_folder,
                       const char *to)
{
    (void)context;
    (void)from_folder;
    (void)from;
    (void)to_folder;
    (void)to;
    return 0;
}

static int disk_mkdir(void *context, int folder, const char *path, mode_t mode)
{
    (void)mode;
    return disk_unlink(context, folder, path);
}

static int disk_chmod(void *context, int file, mode_t mode)
{
    (void)mode;
    return disk_nothing(context, file);
}

static void disk_begin(void)
{
    static bool begun;
    if (!begun) {
        disk.journal = memfd_create("journal", MFD_CLOEXEC);
        disk.live = memfd_create("live", MFD_CLOEXEC);
        disk.made = memfd_create("made", MFD_CLOEXEC);
        char path[] = "/tmp/fuzz-recording-XXXXXX";
        fuzz_check(mkdtemp(path) != NULL);
        disk.folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        (void)rmdir(path); // it stays open, and empty
        fuzz_check(disk.journal >= 0 && disk.live >= 0 && disk.made >= 0 && disk.folder >= 0);
        begun = true;
    }
    fuzz_check(ftruncate(disk.journal, 0) == 0 && ftruncate(disk.live, 0) == 0);
    disk.has_live = false;
}

// Each piece: a kind, a size of two octets, and so many octets.
static void disk_write(const struct garden_fs *fs, struct zmtp_bytes in)
{
    struct garden__journal journal = {.fs = fs, .file = disk.journal};
    (void)lseek(disk.journal, 0, SEEK_SET);
    fuzz_check(write(disk.journal, "GRDNJRN1", 8) == 8);
    journal.size = 8;
    while (in.size >= 3) {
        const uint8_t kind = in.data[0];
        size_t size = (size_t)in.data[1] << 8 | in.data[2];
        in = zmtp_bytes_of(in.data + 3, in.size - 3);
        if (size > in.size) size = in.size;
        const struct zmtp_bytes payload = zmtp_bytes_of(in.data, size);
        in = zmtp_bytes_of(in.data + size, in.size - size);
        if (kind == 0xff) {
            disk.has_live = true;
            fuzz_check(pwrite(disk.live, payload.data, size, 0) == (ssize_t)size);
        } else if (kind > 0x80) {
            fuzz_check(write(disk.journal, payload.data, size) == (ssize_t)size);
        } else {
            (void)garden__journal_add(&journal, kind, payload, NULL); // or it is too large
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zmtp_budget budget;
    struct garden_fs fs = *garden__fs_system();
    fs.open = disk_open;
    fs.sync = fs.lock = fs.lock_shared = disk_nothing;
    fs.unlink = disk_unlink;
    fs.rename = fs.link = disk_rename;
    fs.mkdir = disk_mkdir;
    fs.chmod = disk_chmod;
    zmtp_budget_init(&budget, zmtp_heap());
    disk_begin();
    disk_write(&fs, zmtp_bytes_of(data, size));
    struct garden_store store = {.allocator = &budget.allocator, .fs = &fs};
    const struct garden_instant now = {.mono_ms = 1000, .wall_ns = 2000};
    struct garden_recording *recording = NULL;
    struct garden_error error = {.text = ""};
    int result = garden_recording_resume(&store, RUN, now, &recording, &error);
    fuzz_check(result == GARDEN_OK || error.text[0] != '\0');
    if (result == GARDEN_OK) {
        garden_recording_abandon(recording, now);
        for (int i = 0; i < 20; i++) // it ends, for no file of a chunk is there
            (void)garden_recording_work(recording, now, &error);
        garden_recording_close(recording);
    }
    struct garden_hash hash;
    size_t lost = 0;
    error.text[0] = '\0';
    result = garden_recording_salvage(&store, RUN, now, &hash, &lost, &error);
    fuzz_check(result == GARDEN_OK || error.text[0] != '\0');
    fuzz_check(budget.bytes == 0 && budget.blocks == 0);
    return 0;
}
