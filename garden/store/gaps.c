// Gaps that a daemon noted beside a chunk (garden_chunk_note_gap), for those who never heard its report, because it was
// killed. A last line may be torn; lines that make no sense end what is believed.
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A line has two numbers of at most 20 digits; there is one more than a report has, for the gap before the first frame.
enum { GAPS_TEXT_MAX = (GARDEN_CHUNK_GAPS_MAX + 1) * 42 };

static void gaps_name(const char *name, char out[64 + sizeof GARDEN_GAPS_SUFFIX])
{
    (void)snprintf(out, 64 + sizeof GARDEN_GAPS_SUFFIX, "%.63s" GARDEN_GAPS_SUFFIX, name);
}

// A decimal number in front of |last|. Null: there is none.
static const char *gaps_number(const char *text, char last, uint64_t *out)
{
    const size_t digits = strspn(text, "0123456789");
    errno = 0;
    *out = strtoull(text, NULL, 10);
    return digits == 0 || errno != 0 || text[digits] != last ? NULL : text + digits + 1;
}

static void gaps_parse(const char *text, uint64_t position, struct garden_chunk_report *out)
{
    struct garden_gap gap;
    while ((text = gaps_number(text, ' ', &gap.first)) &&
           (text = gaps_number(text, '\n', &gap.count))) {
        if (gap.count == 0 || gap.count > UINT64_MAX - gap.first) return;
        const uint64_t end = gap.first + gap.count;
        if (end <= position) continue; // told already, by the report of the chunk before
        if (gap.first < position) gap = (struct garden_gap){position, end - position};
        position = end;
        if (gap.first == out->first && out->gap_count == 0)
            out->first = position;
        else if (out->gap_count < GARDEN_CHUNK_GAPS_MAX)
            out->gaps[out->gap_count++] = gap;
    }
}

// Whether the file that could not be opened tells nothing, now or ever: it is not there, or is of others. It must not
// stand in the way of the chunk.
static bool gaps_absent(void)
{
    return errno == ENOENT || errno == ELOOP || errno == ENXIO || errno == EACCES;
}

int garden__store_gaps(const struct garden_store *store, const char *name, uint64_t end,
                       struct garden_chunk_report *out, struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    char beside[64 + sizeof GARDEN_GAPS_SUFFIX], text[GAPS_TEXT_MAX + 1];
    struct stat status;
    *out = (struct garden_chunk_report){.first = end, .bytes = UINT64_MAX};
    gaps_name(name, beside);
    const int file = fs->open(fs->context, store->staging, beside,
                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (file < 0)
        return gaps_absent() ? GARDEN_OK : garden__fail_errno(error, "cannot open staged", beside);
    ssize_t size = fs->stat(fs->context, file, &status);
    if (size == 0 && S_ISREG(status.st_mode)) // no daemon makes another
        size = garden__fs_read_all(fs, file, text, GAPS_TEXT_MAX);
    const int result =
        size < 0 ? garden__fail_errno(error, "cannot read staged", beside) : GARDEN_OK;
    garden__fs_close(fs, file);
    if (result != GARDEN_OK) return result;
    text[size] = '\0';
    gaps_parse(text, end, out);
    return GARDEN_OK;
}

int garden__store_unstage_chunk(struct garden_store *store, const char *name,
                                struct garden_error *error)
{
    char beside[64 + sizeof GARDEN_GAPS_SUFFIX];
    gaps_name(name, beside);
    const int result = garden__store_writable(store, error);
    if (result != GARDEN_OK) return result;
    if (store->fs->unlink(store->fs->context, store->staging, beside) != 0 && errno != ENOENT &&
        errno != EISDIR) // a folder of others stays
        return garden__fail_errno(error, "cannot remove staged", beside);
    return garden_store_unstage(store, name, error);
}
