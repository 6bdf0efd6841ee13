#include "ledger.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../core/error.h"
#include "../store/fs.h"

enum {
    LEDGER_MAGIC = 8,
    LEDGER_HEAD = 4,
    LEDGER_CHECK = crypto_shorthash_BYTES,
    LEDGER_NAME = 32,
    LEDGER_NUMBERS_MAX = 1024, // files looked at; there are a few
    LEDGER_FILE_MAX = LEDGER_BYTES_MAX + LEDGER_RECORD_MAX + 1024,
};
static const char ledger_magic[] = "GRDNLOG1";

// ---- The codec

static void ledger_put(uint8_t *out, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

// The check of the record whose size and payload are |data|.
static void ledger_check(uint64_t index, struct zmtp_bytes data, uint8_t check[LEDGER_CHECK])
{
    static const unsigned char key[] = "garden ledger 01";
    _Static_assert(sizeof key - 1 == crypto_shorthash_KEYBYTES, "the key has the size it must");
    uint8_t place[8 + LEDGER_CHECK];
    ledger_put(place, index, 8);
    (void)crypto_shorthash(place + 8, data.data, data.size, key); // cannot fail
    (void)crypto_shorthash(check, place, sizeof place, key);
}

int ledger_encode(struct garden_buffer *out, uint64_t index, struct zmtp_bytes payload)
{
    uint8_t head[LEDGER_HEAD], check[LEDGER_CHECK];
    const size_t before = out->size;
    if (payload.size > LEDGER_RECORD_MAX) return GARDEN_ERR_LIMIT;
    ledger_put(head, payload.size, sizeof head);
    (void)garden_buffer_append(out, head, sizeof head); // a failure sticks
    (void)garden_buffer_append(out, payload.data, payload.size);
    if (out->error == GARDEN_OK)
        ledger_check(index, zmtp_bytes_of(out->data + before, out->size - before), check);
    return garden_buffer_append(out, check, sizeof check);
}

int ledger_decode(struct zmtp_bytes in, size_t *at, uint64_t index, struct zmtp_bytes *payload)
{
    uint8_t check[LEDGER_CHECK];
    const size_t left = in.size - *at;
    if (left < LEDGER_HEAD + LEDGER_CHECK) return 0;
    const uint8_t *head = in.data + *at;
    const size_t size =
        (size_t)head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
    if (size > LEDGER_RECORD_MAX || size > left - LEDGER_HEAD - LEDGER_CHECK) return 0;
    ledger_check(index, zmtp_bytes_of(head, LEDGER_HEAD + size), check);
    if (memcmp(check, head + LEDGER_HEAD + size, LEDGER_CHECK) != 0) return 0;
    *payload = zmtp_bytes_of(head + LEDGER_HEAD, size);
    *at += LEDGER_HEAD + size + LEDGER_CHECK;
    return 1;
}

// ---- Files

static void ledger_name(char out[LEDGER_NAME], const char *kind, uint64_t number)
{
    (void)snprintf(out, LEDGER_NAME, "%s.%" PRIu64, kind, number);
}

static bool ledger_number(const char *name, const char *kind, uint64_t *out)
{
    char *end;
    const size_t size = strlen(kind);
    if (strncmp(name, kind, size) != 0 || name[size] != '.') return false;
    if (name[size + 1] < '0' || name[size + 1] > '9') return false;
    *out = strtoull(name + size + 1, &end, 10);
    return *end == '\0' && *out < UINT64_MAX;
}

// The open |folder| to be listed from its start, or null, with errno; the caller closes it. Opened afresh: a
// copy of the descriptor would share its reading position.
static DIR *ledger_list(const struct garden_fs *fs, int folder)
{
    const int again = fs->open(fs->context, folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    DIR *entries = again < 0 ? NULL : fdopendir(again);
    if (!entries && again >= 0) garden__fs_close(fs, again);
    return entries;
}

// The octets of a file, which the caller frees with free(). GARDEN_ERR_NOT_FOUND: there is none.
static int ledger_load(const struct ledger *ledger, const char *name, struct zmtp_bytes *out,
                       struct garden_error *error)
{
    const struct garden_fs *fs = ledger->fs;
    struct stat status;
    const int file = fs->open(fs->context, ledger->folder, name,
                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (file < 0) return garden__fail_errno(error, "cannot open", name);
    int result = GARDEN_OK;
    uint8_t *data = NULL;
    ssize_t size = -1;
    if (fs->stat(fs->context, file, &status) != 0 || !S_ISREG(status.st_mode))
        result = garden__fail(error, GARDEN_ERR_FORMAT, "%s is no regular file", name);
    else if (status.st_size > LEDGER_FILE_MAX)
        result = garden__fail(error, GARDEN_ERR_LIMIT, "%s is too large to be a state's", name);
    else if (!(data = malloc((size_t)status.st_size + 1)))
        result = garden__fail(error, GARDEN_ERR_MEMORY, "no memory to read %s", name);
    else if ((size = garden__fs_read_all(fs, file, data, (size_t)status.st_size)) < 0)
        result = garden__fail_errno(error, "cannot read", name);
    garden__fs_close(fs, file);
    if (result == GARDEN_OK)
        *out = zmtp_bytes_of(data, (size_t)size);
    else
        free(data);
    return result;
}

static bool ledger_is_ours(struct zmtp_bytes file)
{
    return file.size >= LEDGER_MAGIC && memcmp(file.data, ledger_magic, LEDGER_MAGIC) == 0;
}

// Whether a snapshot is whole.
static bool ledger_is_whole(struct zmtp_bytes file)
{
    struct zmtp_bytes payload;
    size_t at = LEDGER_MAGIC;
    if (!ledger_is_ours(file)) return false;
    for (uint64_t index = 0; ledger_decode(file, &at, index, &payload); index++)
        if (payload.size == 0) return at == file.size;
    return false;
}

// Creates log |number| and makes it the one that is appended to.
static int ledger_begin(struct ledger *ledger, uint64_t number, struct garden_error *error)
{
    const struct garden_fs *fs = ledger->fs;
    char name[LEDGER_NAME];
    ledger_name(name, "log", number);
    const int file = fs->open(fs->context, ledger->folder, name,
                              O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) return garden__fail_errno(error, "cannot make", name);
    if (garden__fs_write_all(fs, file, ledger_magic, LEDGER_MAGIC) != 0) {
        const int result = garden__fail_errno(error, "cannot begin", name);
        garden__fs_close(fs, file);
        (void)fs->unlink(fs->context, ledger->folder, name); // an empty log means nothing
        return result;
    }
    if (ledger->file >= 0) garden__fs_close(fs, ledger->file);
    ledger->older += ledger->size;
    ledger->file = file;
    ledger->number = number;
    ledger->size = ledger->before = LEDGER_MAGIC;
    ledger->count = 0;
    return GARDEN_OK;
}

// ---- Opening

// What the folder has.
struct ledger_found {
    uint64_t states[LEDGER_NUMBERS_MAX];
    size_t state_count;
    bool any, damaged; // the newest state that is not whole has the number |bad|
    uint64_t bad;
    uint64_t last; // the highest number of any file
};

static int ledger_scan(const struct ledger *ledger, struct ledger_found *found,
                       struct garden_error *error)
{
    DIR *folder = ledger_list(ledger->fs, ledger->folder);
    const struct dirent *entry;
    uint64_t number;
    if (!folder) return garden__fail_errno(error, "cannot list", "the state's folder");
    *found = (struct ledger_found){.any = false};
    // A list that ends early would make states and logs invisible: |errno| tells it from its end.
    while (errno = 0, (entry = readdir(folder))) {
        const bool is_state = ledger_number(entry->d_name, "state", &number);
        if (!is_state && !ledger_number(entry->d_name, "log", &number)) continue;
        if (!found->any || number > found->last) found->last = number;
        found->any = true;
        if (is_state && found->state_count < LEDGER_NUMBERS_MAX)
            found->states[found->state_count++] = number;
    }
    const int result =
        errno == 0 ? GARDEN_OK : garden__fail_errno(error, "cannot list", "the state's folder");
    (void)closedir(folder);
    return result;
}

// Calls |each| with the records of |file|. |*whole|: nothing was torn off.
static int ledger_replay(struct zmtp_bytes file, uint64_t *count, size_t *end,
                         int (*each)(void *context, struct zmtp_bytes payload), void *context,
                         struct garden_error *error)
{
    struct zmtp_bytes payload;
    *count = 0;
    *end = 0;
    if (!ledger_is_ours(file)) return GARDEN_OK; // cut when it was begun
    for (*end = LEDGER_MAGIC; ledger_decode(file, end, *count, &payload); ++*count) {
        if (payload.size == 0) continue;
        const int result = each(context, payload);
        if (result < 0)
            return garden__fail(error, result, "what the state's folder keeps cannot be used: %s",
                                garden_err_text(result));
    }
    return GARDEN_OK;
}

// The newest snapshot that is whole; without any, everything is in the logs, from 0 on.
static int ledger_read_state(struct ledger *ledger, struct ledger_found *found, uint64_t *number,
                             int (*each)(void *context, struct zmtp_bytes payload), void *context,
                             struct garden_error *error)
{
    char name[LEDGER_NAME];
    *number = 0;
    while (found->state_count > 0) {
        size_t best = 0;
        for (size_t i = 1; i < found->state_count; i++)
            if (found->states[i] > found->states[best]) best = i;
        const uint64_t tried = found->states[best];
        found->states[best] = found->states[--found->state_count];
        struct zmtp_bytes file;
        uint64_t count;
        size_t end;
        ledger_name(name, "state", tried);
        int result = ledger_load(ledger, name, &file, error);
        if (result < 0) return result;
        const bool whole = ledger_is_whole(file);
        if (whole) {
            *number = tried;
            ledger->older = file.size;
            if (file.size > ledger->log_max) ledger->log_max = file.size;
            result = ledger_replay(file, &count, &end, each, context, error);
        }
        free((void *)(uintptr_t)file.data);
        if (whole) return result;
        if (!found->damaged) found->bad = tried;
        found->damaged = true;
    }
    return GARDEN_OK;
}

// Opens the last log to append to it, without what was torn off its end.
static int ledger_resume(struct ledger *ledger, const char *name, uint64_t number, size_t end,
                         uint64_t count, struct garden_error *error)
{
    const struct garden_fs *fs = ledger->fs;
    const int file = fs->open(fs->context, ledger->folder, name,
                              O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) return garden__fail_errno(error, "cannot open", name);
    if (ledger->dropped > 0 && fs->truncate(fs->context, file, (off_t)end) != 0) {
        const int result = garden__fail_errno(error, "cannot cut", name);
        garden__fs_close(fs, file);
        return result;
    }
    ledger->file = file;
    ledger->number = number;
    ledger->size = ledger->before = end;
    ledger->count = count;
    return GARDEN_OK;
}

// Keeps a copy of the log |number|, whose end is about to be cut off: a torn record is nothing, but behind
// one that was damaged later there may be whole ones. As far as that works.
static void ledger_keep_cut(const struct ledger *ledger, uint64_t number, struct zmtp_bytes log)
{
    const struct garden_fs *fs = ledger->fs;
    char name[LEDGER_NAME];
    ledger_name(name, "lost", number);
    const int file = fs->open(fs->context, ledger->folder, name,
                              O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) return;
    if (garden__fs_write_all(fs, file, log.data, log.size) != 0)
        (void)fs->unlink(fs->context, ledger->folder, name);
    garden__fs_close(fs, file);
}

// A damaged snapshot is no reason to begin anew with nothing, which the next one would make final: either
// what came before it is there, or a person decides.
static int ledger_judge(const struct ledger *ledger, const struct ledger_found *found,
                        uint64_t number, struct garden_error *error)
{
    const struct garden_fs *fs = ledger->fs;
    char name[LEDGER_NAME];
    if (!found->damaged) return GARDEN_OK;
    ledger_name(name, "log", number);
    const int file = fs->open(fs->context, ledger->folder, name,
                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (file >= 0) {
        garden__fs_close(fs, file);
        return GARDEN_OK;
    }
    return garden__fail(error, GARDEN_ERR_CORRUPT,
                        "state.%" PRIu64
                        " in the state's folder is damaged, and what it replaced is "
                        "gone: put a copy in its place, or keep the state in another folder",
                        found->bad);
}

// Sets the logs behind a hole aside, as what they tell may not fit any more: a crash of the machine can
// lose the end of one log and keep the next.
static int ledger_set_aside(struct ledger *ledger, uint64_t number, uint64_t last,
                            struct garden_error *error)
{
    const struct garden_fs *fs = ledger->fs;
    char name[LEDGER_NAME], aside[LEDGER_NAME];
    for (; number <= last; number++) {
        ledger_name(name, "log", number);
        ledger_name(aside, "lost", number);
        if (fs->rename(fs->context, ledger->folder, name, ledger->folder, aside) != 0 &&
            errno != ENOENT)
            return garden__fail_errno(error, "cannot set aside", name);
    }
    return GARDEN_OK;
}

// Replays the logs from |number| on, up to the last or to a hole, and goes on there.
static int ledger_read_logs(struct ledger *ledger, const struct ledger_found *found,
                            uint64_t number, int (*each)(void *context, struct zmtp_bytes payload),
                            void *context, struct garden_error *error)
{
    char name[LEDGER_NAME];
    for (;; number++) {
        struct zmtp_bytes file;
        uint64_t count;
        size_t end;
        ledger_name(name, "log", number);
        int result = ledger_load(ledger, name, &file, error);
        if (result == GARDEN_ERR_NOT_FOUND) break;
        if (result < 0) return result;
        result = ledger_replay(file, &count, &end, each, context, error);
        const size_t size = file.size;
        if (result == GARDEN_OK && end > 0 && end < size) ledger_keep_cut(ledger, number, file);
        free((void *)(uintptr_t)file.data);
        if (result < 0) return result;
        const bool last = !found->any || number >= found->last;
        if (end == size && end > 0 && !last) {
            ledger->older += size;
            continue;
        }
        ledger->dropped = size - end;
        result = ledger_set_aside(ledger, number + 1, found->last, error);
        if (result == GARDEN_OK && end > 0)
            return ledger_resume(ledger, name, number, end, count, error);
        // It was cut when it was begun.
        if (result == GARDEN_OK &&
            ledger->fs->unlink(ledger->fs->context, ledger->folder, name) != 0)
            result = garden__fail_errno(error, "cannot remove", name);
        if (result < 0) return result;
        break;
    }
    const int result = ledger_set_aside(ledger, number, found->any ? found->last : 0, error);
    return result < 0 ? result : ledger_begin(ledger, number, error);
}

static int ledger_open_folder(struct ledger *ledger, const char *path, struct garden_error *error)
{
    const struct garden_fs *fs = ledger->fs;
    if (fs->mkdir(fs->context, AT_FDCWD, path, 0700) != 0 && errno != EEXIST)
        return garden__fail_errno(error, "cannot make the state's folder", path);
    ledger->folder = fs->open(fs->context, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (ledger->folder < 0)
        return garden__fail_errno(error, "cannot open the state's folder", path);
    ledger->lock = fs->open(fs->context, ledger->folder, "lock",
                            O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (ledger->lock < 0) return garden__fail_errno(error, "cannot lock the state's folder", path);
    if (fs->lock(fs->context, ledger->lock) == 0) return GARDEN_OK;
    if (errno != EWOULDBLOCK)
        return garden__fail_errno(error, "cannot lock the state's folder", path);
    return garden__fail(
        error, GARDEN_ERR_EXISTS,
        "another daemon keeps its state in %.150s: name another folder with --state", path);
}

int ledger_open(struct ledger *ledger, const struct garden_fs *fs, const char *path,
                int (*each)(void *context, struct zmtp_bytes payload), void *context,
                struct garden_error *error)
{
    struct ledger_found found = {.any = false};
    uint64_t number = 0;
    *ledger = (struct ledger){.fs = fs ? fs : garden__fs_system(),
                              .folder = -1,
                              .lock = -1,
                              .file = -1,
                              .log_max = LEDGER_LOG_MIN};
    if (sodium_init() < 0) return garden__fail(error, GARDEN_ERR_SYSTEM, "no libsodium");
    int result = ledger_open_folder(ledger, path, error);
    if (result == GARDEN_OK) result = ledger_scan(ledger, &found, error);
    if (result == GARDEN_OK)
        result = ledger_read_state(ledger, &found, &number, each, context, error);
    if (result == GARDEN_OK) result = ledger_judge(ledger, &found, number, error);
    if (result == GARDEN_OK)
        result = ledger_read_logs(ledger, &found, number, each, context, error);
    if (result < 0) ledger_close(ledger);
    return result;
}

void ledger_close(struct ledger *ledger)
{
    int *const files[] = {&ledger->file, &ledger->lock, &ledger->folder};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (*files[i] >= 0) garden__fs_close(ledger->fs, *files[i]);
        *files[i] = -1;
    }
}

int ledger_look(struct ledger *ledger, const char *path, struct garden_error *error)
{
    struct stat held, there;
    const struct garden_fs *fs = ledger->fs;
    if (fs->stat(fs->context, ledger->folder, &held) != 0) return GARDEN_OK;
    const bool gone = stat(path, &there) != 0;
    if (gone ? errno != ENOENT : held.st_dev == there.st_dev && held.st_ino == there.st_ino)
        return GARDEN_OK;
    if (!gone)
        return garden__fail(error, GARDEN_ERR_EXISTS,
                            "the state's folder %.150s is another than at the start, and not "
                            "written: move that one away, and it is made again",
                            path);
    struct ledger fresh = {.fs = fs, .folder = -1, .lock = -1, .file = -1};
    const int result = ledger_open_folder(&fresh, path, error);
    if (result < 0) {
        ledger_close(&fresh);
        return result;
    }
    garden__fs_close(fs, ledger->folder);
    garden__fs_close(fs, ledger->lock);
    ledger->folder = fresh.folder;
    ledger->lock = fresh.lock;
    return 1;
}

// ---- Appending

static void ledger_cut(struct ledger *ledger)
{
    if (ledger->fs->truncate(ledger->fs->context, ledger->file, (off_t)ledger->size) != 0)
        ledger->broken = true;
}

int ledger_append(struct ledger *ledger, struct zmtp_bytes payload, struct garden_error *error)
{
    struct garden_buffer record;
    if (ledger->broken)
        return garden__fail(
            error, GARDEN_ERR_STATE,
            "the change cannot be kept before a snapshot has replaced a damaged log: "
            "ask again later");
    if (ledger->older + ledger->size > LEDGER_BYTES_MAX)
        return garden__fail(
            error, GARDEN_ERR_LIMIT,
            "the state's folder is full, as no snapshot could be written: make room "
            "there");
    garden_buffer_init(&record, NULL, 0);
    int result = ledger_encode(&record, ledger->count, payload);
    if (result < 0) {
        result =
            garden__fail(error, result, "a request of %zu octets cannot be kept", payload.size);
    } else if (garden__fs_write_all(ledger->fs, ledger->file, record.data, record.size) != 0) {
        result = garden__fail_errno(error, "the change cannot be kept", "in the state's folder");
        ledger_cut(ledger);
    } else {
        ledger->before = ledger->size;
        ledger->size += record.size;
        ledger->count++;
    }
    garden_buffer_fini(&record);
    return result;
}

void ledger_undo(struct ledger *ledger)
{
    if (ledger->before == ledger->size) return;
    ledger->size = ledger->before;
    ledger->count--;
    ledger_cut(ledger);
}

int ledger_file(const struct ledger *ledger)
{
    return fcntl(ledger->file, F_DUPFD_CLOEXEC, 0);
}

int ledger_sync(const struct ledger *ledger, int file)
{
    const struct garden_fs *fs = ledger->fs;
    return fs->sync(fs->context, file) == 0 ? fs->sync(fs->context, ledger->folder) : -1;
}

bool ledger_due(const struct ledger *ledger)
{
    return ledger->broken || ledger->size > ledger->log_max;
}

int ledger_rotate(struct ledger *ledger, struct garden_error *error)
{
    return ledger_begin(ledger, ledger->number + 1, error);
}

// ---- Snapshots

// Until the snapshot is there, the log before it must not have a hole that hides the next.
static void ledger_sync_previous(const struct ledger_writer *writer)
{
    const struct garden_fs *fs = writer->fs;
    char name[LEDGER_NAME];
    if (writer->number == 0) return;
    ledger_name(name, "log", writer->number - 1);
    const int file =
        fs->open(fs->context, writer->folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (file < 0) return;              // there is none
    (void)fs->sync(fs->context, file); // if it fails, the snapshot is the remedy
    garden__fs_close(fs, file);
}

int ledger_writer_open(struct ledger_writer *writer, const struct ledger *ledger,
                       struct garden_error *error)
{
    char name[LEDGER_NAME];
    const struct garden_fs *fs = ledger->fs;
    *writer = (struct ledger_writer){
        .fs = fs, .folder = ledger->folder, .file = -1, .number = ledger->number};
    ledger_sync_previous(writer);
    ledger_name(name, "new", writer->number);
    writer->file = fs->open(fs->context, writer->folder, name,
                            O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (writer->file < 0) return garden__fail_errno(error, "cannot make a snapshot", name);
    if (garden__fs_write_all(fs, writer->file, ledger_magic, LEDGER_MAGIC) != 0)
        return garden__fail_errno(error, "cannot begin a snapshot", name);
    writer->size = LEDGER_MAGIC;
    return GARDEN_OK;
}

int ledger_writer_put(struct ledger_writer *writer, struct zmtp_bytes payload,
                      struct garden_error *error)
{
    struct garden_buffer record;
    garden_buffer_init(&record, NULL, 0);
    int result = ledger_encode(&record, writer->count, payload);
    if (result < 0)
        result = garden__fail(error, result, "a record of %zu octets cannot be kept", payload.size);
    else if (garden__fs_write_all(writer->fs, writer->file, record.data, record.size) != 0)
        result = garden__fail_errno(error, "cannot write", "a snapshot");
    writer->size += record.size;
    writer->count++;
    garden_buffer_fini(&record);
    return result;
}

// What the snapshot replaces. What stays is removed the next time.
static void ledger_writer_sweep(const struct ledger_writer *writer)
{
    DIR *folder = ledger_list(writer->fs, writer->folder);
    const struct dirent *entry;
    uint64_t number;
    if (!folder) return;
    while ((entry = readdir(folder)))
        if ((ledger_number(entry->d_name, "state", &number) ||
             ledger_number(entry->d_name, "log", &number) ||
             ledger_number(entry->d_name, "lost", &number) ||
             ledger_number(entry->d_name, "new", &number)) &&
            number < writer->number)
            (void)writer->fs->unlink(writer->fs->context, writer->folder, entry->d_name);
    (void)closedir(folder);
}

int ledger_writer_commit(struct ledger_writer *writer, struct garden_error *error)
{
    const struct garden_fs *fs = writer->fs;
    char new_name[LEDGER_NAME], name[LEDGER_NAME];
    ledger_name(new_name, "new", writer->number);
    ledger_name(name, "state", writer->number);
    const int result = ledger_writer_put(writer, (struct zmtp_bytes){0}, error);
    if (result < 0) return result;
    if (fs->sync(fs->context, writer->file) != 0)
        return garden__fail_errno(error, "cannot sync", "a snapshot");
    garden__step(fs, "ledger.written");
    if (fs->rename(fs->context, writer->folder, new_name, writer->folder, name) != 0 ||
        fs->sync(fs->context, writer->folder) != 0)
        return garden__fail_errno(error, "cannot rename a snapshot to", name);
    garden__step(fs, "ledger.renamed");
    ledger_writer_sweep(writer);
    return GARDEN_OK;
}

void ledger_writer_close(struct ledger_writer *writer)
{
    if (writer->file >= 0) garden__fs_close(writer->fs, writer->file);
    writer->file = -1;
}

void ledger_replaced(struct ledger *ledger, const struct ledger_writer *writer)
{
    if (ledger->number != writer->number) return;
    ledger->broken = false;
    ledger->older = writer->size;
    ledger->log_max = writer->size > LEDGER_LOG_MIN ? writer->size : LEDGER_LOG_MIN;
}
