#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

enum { JOURNAL_HEAD = 8, JOURNAL_CHECK = crypto_shorthash_BYTES };
static const char journal_magic[] = "GRDNJRN1";
enum { JOURNAL_MAGIC = 8 };

static void journal_put_u32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t journal_get_u32(const uint8_t *in)
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

static void journal_check(const uint8_t *data, size_t size, uint8_t check[JOURNAL_CHECK])
{
    static const unsigned char key[] = "garden journal 1";
    _Static_assert(sizeof key - 1 == crypto_shorthash_KEYBYTES, "the key has the size it must");
    (void)crypto_shorthash(check, data, size, key); // cannot fail
}

int garden__journal_create(struct garden__journal *journal, struct garden_store *store,
                           const char *name, struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    int result = garden__store_writable(store, error);
    *journal = (struct garden__journal){.fs = fs, .file = -1};
    if (result != GARDEN_OK) return result;
    const int file = fs->open(fs->context, store->staging, name,
                              O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) return garden__fail_errno(error, "cannot make journal", name);
    if (fs->lock(fs->context, file) != 0 ||
        garden__fs_write_all(fs, file, journal_magic, JOURNAL_MAGIC) != 0 ||
        fs->sync(fs->context, file) != 0 || fs->sync(fs->context, store->staging) != 0) {
        result = garden__fail_errno(error, "cannot begin journal", name);
        garden__fs_close(fs, file);
        (void)fs->unlink(fs->context, store->staging, name); // an empty journal means nothing
        return result;
    }
    journal->file = file;
    journal->size = JOURNAL_MAGIC;
    return GARDEN_OK;
}

// Reads one record at the file's position. 1: a whole record; 0: the end, or a torn one.
static int journal_read(struct garden__journal *journal, uint8_t *record, uint32_t *payload_size,
                        struct garden_error *error)
{
    uint8_t check[JOURNAL_CHECK];
    ssize_t n = garden__fs_read_all(journal->fs, journal->file, record, JOURNAL_HEAD);
    if (n < 0) return garden__fail_errno(error, "cannot read", "a journal");
    if (n < JOURNAL_HEAD) return 0;
    const uint32_t size = journal_get_u32(record);
    if (size > GARDEN__JOURNAL_PAYLOAD_MAX) return 0;
    const size_t rest = (size_t)size + JOURNAL_CHECK;
    n = garden__fs_read_all(journal->fs, journal->file, record + JOURNAL_HEAD, rest);
    if (n < 0) return garden__fail_errno(error, "cannot read", "a journal");
    if ((size_t)n < rest) return 0;
    journal_check(record, JOURNAL_HEAD + size, check);
    if (memcmp(check, record + JOURNAL_HEAD + size, JOURNAL_CHECK) != 0) return 0;
    *payload_size = size;
    return 1;
}

// Where the first whole record at or after |at| begins; |size|: there is none.
static size_t journal_find(const uint8_t *octets, size_t size, size_t at)
{
    uint8_t check[JOURNAL_CHECK];
    for (; at + JOURNAL_HEAD + JOURNAL_CHECK <= size; at++) {
        const uint32_t payload = journal_get_u32(octets + at);
        if (payload > GARDEN__JOURNAL_PAYLOAD_MAX) continue;
        const size_t checked = JOURNAL_HEAD + (size_t)payload;
        if (checked > size - at - JOURNAL_CHECK) continue;
        journal_check(octets + at, checked, check);
        if (memcmp(check, octets + at + checked, JOURNAL_CHECK) == 0) return at;
    }
    return size;
}

// Whether whole records follow the first that is not: then it was not torn by a crash.
static int journal_check_end(const struct garden__journal *journal, uint64_t size, const char *name,
                             struct garden_error *error)
{
    enum { LOOK = 4 * (JOURNAL_HEAD + GARDEN__JOURNAL_PAYLOAD_MAX + JOURNAL_CHECK) };
    uint8_t octets[LOOK];
    if (size == journal->size) return GARDEN_OK;
    if (lseek(journal->file, (off_t)journal->size, SEEK_SET) < 0)
        return garden__fail_errno(error, "cannot wind journal", name);
    const ssize_t n = garden__fs_read_all(journal->fs, journal->file, octets, sizeof octets);
    if (n < 0) return garden__fail_errno(error, "cannot read journal", name);
    const bool torn = n < LOOK && journal_find(octets, (size_t)n, 0) == (size_t)n;
    if (torn) return GARDEN_OK;
    return garden__fail(error, GARDEN_ERR_CORRUPT,
                        "journal %.100s: is damaged at octet %llu; recover what is whole", name,
                        (unsigned long long)journal->size);
}

static int journal_replay(struct garden__journal *journal,
                          int (*each)(void *context, uint32_t type, struct zmtp_bytes payload),
                          void *context, struct garden_error *error)
{
    uint8_t record[JOURNAL_HEAD + GARDEN__JOURNAL_PAYLOAD_MAX + JOURNAL_CHECK];
    uint32_t size = 0;
    for (;;) {
        int result = journal_read(journal, record, &size, error);
        if (result <= 0) return result;
        result =
            each(context, journal_get_u32(record + 4), zmtp_bytes_of(record + JOURNAL_HEAD, size));
        if (result < 0)
            return garden__fail(error, result, "a journal's record cannot be used: %s",
                                garden_err_text(result));
        journal->size += JOURNAL_HEAD + (uint64_t)size + JOURNAL_CHECK;
    }
}

static int journal_open_file(struct garden__journal *journal, const char *name,
                             int (*each)(void *context, uint32_t type, struct zmtp_bytes payload),
                             void *context, struct garden_error *error)
{
    const struct garden_fs *fs = journal->fs;
    uint8_t magic[JOURNAL_MAGIC];
    struct stat status;
    if (fs->lock(fs->context, journal->file) != 0) {
        if (errno != EWOULDBLOCK) return garden__fail_errno(error, "cannot lock journal", name);
        return garden__fail(error, GARDEN_ERR_STATE,
                            "journal %.100s: another process still records this stream", name);
    }
    const ssize_t n = garden__fs_read_all(fs, journal->file, magic, sizeof magic);
    if (n < 0) return garden__fail_errno(error, "cannot read journal", name);
    if (n != JOURNAL_MAGIC || memcmp(magic, journal_magic, JOURNAL_MAGIC) != 0)
        return garden__fail(error, GARDEN_ERR_FORMAT, "journal %.100s: is none", name);
    journal->size = JOURNAL_MAGIC;
    const int result = journal_replay(journal, each, context, error);
    if (result != GARDEN_OK) return result;
    if (fs->stat(fs->context, journal->file, &status) != 0)
        return garden__fail_errno(error, "cannot examine journal", name);
    const int checked = journal_check_end(journal, (uint64_t)status.st_size, name, error);
    if (checked != GARDEN_OK) return checked;
    journal->dropped = (uint64_t)status.st_size - journal->size;
    if (journal->dropped > 0 &&
        (fs->truncate(fs->context, journal->file, (off_t)journal->size) != 0 ||
         fs->sync(fs->context, journal->file) != 0))
        return garden__fail_errno(error, "cannot cut journal", name);
    if (lseek(journal->file, (off_t)journal->size, SEEK_SET) < 0)
        return garden__fail_errno(error, "cannot wind journal", name);
    return GARDEN_OK;
}

int garden__journal_open(struct garden__journal *journal, struct garden_store *store,
                         const char *name,
                         int (*each)(void *context, uint32_t type, struct zmtp_bytes payload),
                         void *context, struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    int result = garden__store_writable(store, error);
    *journal = (struct garden__journal){.fs = fs, .file = -1};
    if (result != GARDEN_OK) return result;
    journal->file = fs->open(fs->context, store->staging, name,
                             O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (journal->file < 0) return garden__fail_errno(error, "cannot open journal", name);
    result = journal_open_file(journal, name, each, context, error);
    if (result != GARDEN_OK) garden__journal_close(journal);
    return result;
}

static int journal_read_file(const struct garden_store *store, int file, uint8_t **out,
                             size_t *out_size, const char *name, struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    struct stat status;
    if (fs->stat(fs->context, file, &status) != 0)
        return garden__fail_errno(error, "cannot examine journal", name);
    if (!S_ISREG(status.st_mode))
        return garden__fail(error, GARDEN_ERR_ACCESS, "journal %.100s: is not a regular file",
                            name);
    if (status.st_size >
        GARDEN__MANIFEST_TEXT_MAX) // no recording comes to so much; a stranger's file may
        return garden__fail(error, GARDEN_ERR_LIMIT, "journal %.100s: has %lld octets, over %d",
                            name, (long long)status.st_size, GARDEN__MANIFEST_TEXT_MAX);
    *out_size = (size_t)status.st_size;
    *out = zmtp_alloc(store->allocator, *out_size + 1);
    if (*out == NULL) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a journal");
    const ssize_t n = garden__fs_read_all(fs, file, *out, *out_size);
    if (n < 0) {
        zmtp_free(store->allocator, *out, *out_size + 1);
        return garden__fail_errno(error, "cannot read journal", name);
    }
    memset(*out + n, 0, *out_size - (size_t)n); // it was cut meanwhile: no record there
    return GARDEN_OK;
}

int garden__journal_peek(const struct garden_store *store, const char *name,
                         int (*each)(void *context, uint32_t type, struct zmtp_bytes payload),
                         void *context, struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    uint8_t *octets = NULL;
    size_t size = 0;
    const int file = fs->open(fs->context, store->staging, name,
                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (file < 0) return garden__fail_errno(error, "cannot open journal", name);
    int result = journal_read_file(store, file, &octets, &size, name, error);
    garden__fs_close(fs, file);
    if (result != GARDEN_OK) return result;
    const size_t head = size < JOURNAL_MAGIC ? size : (size_t)JOURNAL_MAGIC;
    size_t at = journal_find(octets, size, head);
    // Even its first octets may be what is damaged; without a record behind them it is another thing.
    if (at == size && memcmp(octets, journal_magic, head) != 0)
        result = garden__fail(error, GARDEN_ERR_FORMAT, "journal %.100s: is none", name);
    while (at < size && result == GARDEN_OK) {
        const uint32_t payload = journal_get_u32(octets + at);
        result = each(context, journal_get_u32(octets + at + 4),
                      zmtp_bytes_of(octets + at + JOURNAL_HEAD, payload));
        if (result < 0)
            (void)garden__fail(error, result, "a journal's record cannot be used: %s",
                               garden_err_text(result));
        at = journal_find(octets, size, at + JOURNAL_HEAD + payload + JOURNAL_CHECK);
    }
    zmtp_free(store->allocator, octets, size + 1);
    return result < 0 ? result : GARDEN_OK;
}

static int journal_append(struct garden__journal *journal, uint32_t type, struct zmtp_bytes payload,
                          bool sync, struct garden_error *error)
{
    const struct garden_fs *fs = journal->fs;
    uint8_t record[JOURNAL_HEAD + GARDEN__JOURNAL_PAYLOAD_MAX + JOURNAL_CHECK];
    if (payload.size > GARDEN__JOURNAL_PAYLOAD_MAX)
        return garden__fail(error, GARDEN_ERR_LIMIT, "a journal record of %zu octets",
                            payload.size);
    const size_t size = JOURNAL_HEAD + payload.size + JOURNAL_CHECK;
    journal_put_u32(record, (uint32_t)payload.size);
    journal_put_u32(record + 4, type);
    if (payload.size > 0) memcpy(record + JOURNAL_HEAD, payload.data, payload.size);
    journal_check(record, JOURNAL_HEAD + payload.size, record + JOURNAL_HEAD + payload.size);
    garden__step(fs, "journal.append");
    if (garden__fs_write_all(fs, journal->file, record, size) != 0 ||
        (sync && fs->sync(fs->context, journal->file) != 0)) {
        const int result = garden__fail_errno(error, "cannot write", "a journal");
        // Should this fail too, the torn record is cut when the journal is next opened, and the
        // next append lands at the right place all the same.
        (void)fs->truncate(fs->context, journal->file, (off_t)journal->size);
        (void)lseek(journal->file, (off_t)journal->size, SEEK_SET);
        return result;
    }
    journal->size += size;
    garden__step(fs, "journal.appended");
    return GARDEN_OK;
}

int garden__journal_append(struct garden__journal *journal, uint32_t type,
                           struct zmtp_bytes payload, struct garden_error *error)
{
    return journal_append(journal, type, payload, true, error);
}

int garden__journal_add(struct garden__journal *journal, uint32_t type, struct zmtp_bytes payload,
                        struct garden_error *error)
{
    return journal_append(journal, type, payload, false, error);
}

void garden__journal_close(struct garden__journal *journal)
{
    if (journal->file >= 0) garden__fs_close(journal->fs, journal->file);
    journal->file = -1;
}

void garden__record_put(struct garden__record *record, const void *data, size_t size)
{
    if (record->bad || size > sizeof record->data - record->size) {
        record->bad = true;
        return;
    }
    if (size > 0) memcpy(record->data + record->size, data, size);
    record->size += size;
}

void garden__record_put_u64(struct garden__record *record, uint64_t value)
{
    uint8_t octets[8];
    for (int i = 0; i < 8; i++)
        octets[i] = (uint8_t)(value >> (8 * i));
    garden__record_put(record, octets, sizeof octets);
}

const uint8_t *garden__record_take(struct garden__record_reader *reader, size_t size)
{
    if (reader->bad || size > reader->in.size - reader->at) {
        reader->bad = true;
        return NULL;
    }
    const uint8_t *data = reader->in.data + reader->at;
    reader->at += size;
    return data;
}

uint64_t garden__record_take_u64(struct garden__record_reader *reader)
{
    const uint8_t *octets = garden__record_take(reader, 8);
    uint64_t value = 0;
    for (int i = 0; octets != NULL && i < 8; i++)
        value |= (uint64_t)octets[i] << (8 * i);
    return value;
}
