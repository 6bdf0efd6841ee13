#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <garden/store.h>

#include <fcntl.h>

#include "../../garden/store/store.h"
#include "fixture.h"

struct box {
    struct folder folder;
    struct garden_store *store;
};

static struct garden_store *box_open(const struct box *b, bool read_only,
                                     const struct garden_fs *fs)
{
    struct garden_store *store = NULL;
    struct garden_error error;
    const struct garden_store_config config = {
        .root = b->folder.path, .read_only = read_only, .fs = fs};
    if (garden_store_open(&config, &store, &error) != GARDEN_OK) fail_msg("%s", error.text);
    return store;
}

static void box_begin(struct box *b)
{
    folder_make(&b->folder);
    b->store = box_open(b, false, NULL);
}

static void box_end(struct box *b)
{
    garden_store_close(b->store);
    folder_remove(&b->folder);
}

static void box_path(const struct box *b, const char *kind, const struct garden_hash *hash,
                     const char *suffix, char path[256])
{
    char text[GARDEN_HASH_TEXT_SIZE];
    garden_hash_text(hash, text);
    snprintf(path, 256, "%s/%s/%.2s/%s%s", b->folder.path, kind, text, text + 2, suffix);
}

static void stage(const struct box *b, const char *name, const char *content)
{
    char path[256];
    snprintf(path, sizeof path, "%s/staging/%s", b->folder.path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static bool staged(const struct box *b, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/staging/%s", b->folder.path, name);
    return access(path, F_OK) == 0;
}

static void test_a_name_is_the_blake2b_256_of_the_octets(void **state)
{
    (void)state;
    char text[GARDEN_HASH_TEXT_SIZE];
    struct garden_hash hash = garden_hash_of(zmtp_bytes_text("")), back;
    garden_hash_text(&hash, text);
    // b2sum -l 256 of nothing, and of "abc".
    assert_string_equal(text, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    hash = garden_hash_of(zmtp_bytes_text("abc"));
    garden_hash_text(&hash, text);
    assert_string_equal(text, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    assert_int_equal(garden_hash_parse(text, &back), GARDEN_OK);
    assert_true(garden_hash_equal(&hash, &back));
    text[63] = 'g';
    assert_int_equal(garden_hash_parse(text, &back), GARDEN_ERR_FORMAT);
    text[63] = '\0';
    assert_int_equal(garden_hash_parse(text, &back), GARDEN_ERR_FORMAT);
}

static void test_what_was_put_can_be_read_described_and_put_again(void **state)
{
    (void)state;
    struct box b;
    struct garden_hash hash, again;
    uint8_t *data = NULL;
    size_t size = 0;
    char path[256], text[128] = "";
    box_begin(&b);
    assert_int_equal(garden_store_put(b.store, zmtp_bytes_text("hello"), "text/plain", &hash, NULL),
                     GARDEN_OK);
    assert_int_equal(
        garden_store_put(b.store, zmtp_bytes_text("hello"), "text/plain", &again, NULL), GARDEN_OK);
    assert_true(garden_hash_equal(&hash, &again));
    assert_int_equal(garden_store_get(b.store, &hash, 100, &data, &size, NULL), GARDEN_OK);
    assert_int_equal(size, 5);
    assert_memory_equal(data, "hello", 5);
    zmtp_free(zmtp_heap(), data, size);
    assert_int_equal(garden_store_get(b.store, &hash, 4, &data, &size, NULL), GARDEN_ERR_LIMIT);
    struct stat status;
    box_path(&b, "objects", &hash, "", path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0444);
    assert_int_equal(status.st_nlink, 1);
    box_path(&b, "metadata", &hash, ".json", path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    assert_int_equal(fclose(file), 0);
    assert_string_equal(text, "{\"mime_type\":\"text/plain\",\"size\":5}\n");
    hash = garden_hash_of(zmtp_bytes_text("absent"));
    assert_int_equal(garden_store_verify(b.store, &hash, NULL, NULL), GARDEN_ERR_NOT_FOUND);
    box_end(&b);
}

static void test_sealing_cuts_links_and_keeps_the_staged_name_until_it_is_removed(void **state)
{
    (void)state;
    struct box b;
    struct garden_hash hash, again;
    uint64_t size = 0;
    bool closed = true;
    box_begin(&b);
    assert_int_equal(garden_store_stage(b.store, "c1", NULL), GARDEN_OK);
    assert_int_equal(garden_store_stage(b.store, "c1", NULL), GARDEN_OK); // it is there already
    assert_int_equal(garden_store_inspect(b.store, "c1", &size, &closed, NULL), GARDEN_OK);
    assert_int_equal(size, 0);
    assert_false(closed);
    stage(&b, "c1", "abcdefgh");
    assert_int_equal(garden_store_seal(b.store, "c1", 3, "audio/raw", &hash, NULL), GARDEN_OK);
    again = garden_hash_of(zmtp_bytes_text("abc"));
    assert_true(garden_hash_equal(&hash, &again));
    assert_true(staged(&b, "c1"));
    // A client that died here seals again.
    assert_int_equal(garden_store_seal(b.store, "c1", 3, "audio/raw", &again, NULL), GARDEN_OK);
    assert_true(garden_hash_equal(&hash, &again));
    assert_int_equal(garden_store_inspect(b.store, "c1", &size, &closed, NULL), GARDEN_OK);
    assert_true(closed);
    assert_int_equal(garden_store_unstage(b.store, "c1", NULL), GARDEN_OK);
    assert_int_equal(garden_store_unstage(b.store, "c1", NULL), GARDEN_OK);
    assert_false(staged(&b, "c1"));
    assert_int_equal(garden_store_verify(b.store, &hash, &size, NULL), GARDEN_OK);
    assert_int_equal(size, 3);
    box_end(&b);
}

static void test_an_object_can_not_be_cut_through_the_staged_name(void **state)
{
    (void)state;
    struct box b;
    struct garden_hash hash, again;
    box_begin(&b);
    stage(&b, "c1", "abcdefgh");
    assert_int_equal(garden_store_seal(b.store, "c1", 8, "audio/raw", &hash, NULL), GARDEN_OK);
    assert_int_equal(garden_store_seal(b.store, "c1", 3, "audio/raw", &again, NULL),
                     GARDEN_ERR_STATE);
    assert_int_equal(garden_store_verify(b.store, &hash, NULL, NULL), GARDEN_OK);
    box_end(&b);
}

static void test_a_chunk_that_is_too_short_or_still_written_is_not_sealed(void **state)
{
    (void)state;
    struct box b;
    struct garden_hash hash;
    struct garden_error error;
    struct garden_staging staging;
    struct garden_chunk chunk;
    box_begin(&b);
    stage(&b, "c1", "abc");
    assert_int_equal(garden_store_seal(b.store, "c1", 4, "audio/raw", &hash, &error),
                     GARDEN_ERR_CORRUPT);
    assert_int_equal(garden_store_stage(b.store, "c2", NULL), GARDEN_OK);
    assert_int_equal(garden_staging_open(&staging, NULL, garden_store_staging(b.store), NULL),
                     GARDEN_OK);
    assert_int_equal(garden_chunk_open(&chunk, &staging, "c2", 64, NULL), GARDEN_OK);
    assert_int_equal(garden_chunk_write(&chunk, (const uint8_t *)"abcd", 4, NULL), GARDEN_OK);
    assert_int_equal(garden_store_seal(b.store, "c2", 4, "audio/raw", &hash, &error),
                     GARDEN_ERR_STATE);
    assert_int_equal(garden_chunk_close(&chunk, 4, NULL), GARDEN_OK);
    assert_int_equal(garden_store_seal(b.store, "c2", 4, "audio/raw", &hash, &error), GARDEN_OK);
    garden_staging_close(&staging);
    box_end(&b);
}

static void count_damaged(void *context, const char *name)
{
    assert_int_equal(strlen(name), 64);
    ++*(int *)context;
}

static void test_a_damaged_object_is_found_and_never_believed(void **state)
{
    (void)state;
    struct box b;
    struct garden_hash hash;
    struct garden_error error;
    uint8_t *data = NULL;
    size_t size = 0;
    uint64_t count = 0;
    int file = -1, damaged = 0;
    char path[256];
    box_begin(&b);
    assert_int_equal(garden_store_put(b.store, zmtp_bytes_text("one"), "text/plain", &hash, NULL),
                     GARDEN_OK);
    assert_int_equal(garden_store_put(b.store, zmtp_bytes_text("two"), "text/plain", &hash, NULL),
                     GARDEN_OK);
    box_path(&b, "objects", &hash, "", path);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(truncate(path, 2), 0);
    assert_int_equal(garden_store_get(b.store, &hash, 10, &data, &size, &error),
                     GARDEN_ERR_CORRUPT);
    assert_int_equal(garden_store_open_object(b.store, &hash, &file, NULL, &error),
                     GARDEN_ERR_CORRUPT);
    assert_non_null(strstr(error.text, "damaged"));
    assert_int_equal(garden_store_verify_all(b.store, &count, count_damaged, &damaged, NULL), 1);
    assert_int_equal(damaged, 1);
    assert_int_equal(count, 2);
    box_end(&b);
}

static void test_a_read_only_store_reads_and_says_why_it_does_not_write(void **state)
{
    (void)state;
    struct box b;
    struct garden_hash hash;
    struct garden_error error;
    box_begin(&b);
    assert_int_equal(garden_store_put(b.store, zmtp_bytes_text("one"), "text/plain", &hash, NULL),
                     GARDEN_OK);
    struct garden_store *reader = box_open(&b, true, NULL);
    assert_int_equal(garden_store_verify(reader, &hash, NULL, NULL), GARDEN_OK);
    assert_int_equal(garden_store_put(reader, zmtp_bytes_text("x"), "text/plain", &hash, &error),
                     GARDEN_ERR_ACCESS);
    assert_non_null(strstr(error.text, "read-only"));
    assert_int_equal(garden_store_stage(reader, "c1", &error), GARDEN_ERR_ACCESS);
    assert_int_equal(garden_store_seal(reader, "c1", 1, "audio/raw", &hash, &error),
                     GARDEN_ERR_ACCESS);
    garden_store_close(reader);
    box_end(&b);
}

static void test_a_store_that_is_not_there_says_so(void **state)
{
    (void)state;
    struct garden_store *store = NULL;
    struct garden_error error;
    struct garden_store_config config = {.root = "/nonexistent/garden"};
    assert_int_equal(garden_store_open(&config, &store, &error), GARDEN_ERR_NOT_FOUND);
    assert_non_null(strstr(error.text, "/nonexistent/garden"));
    config.read_only = true;
    assert_int_equal(garden_store_open(&config, &store, &error), GARDEN_ERR_NOT_FOUND);
    config.root = "";
    assert_int_equal(garden_store_open(&config, &store, &error), GARDEN_ERR_ARGUMENT);
    assert_null(store);
}

static void test_names_that_are_no_plain_names_are_refused(void **state)
{
    (void)state;
    struct box b;
    const char *names[] = {"", ".", "..", ".hidden", "a/b", "/etc/passwd"};
    struct garden_hash hash;
    box_begin(&b);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(garden_store_stage(b.store, names[i], NULL), GARDEN_ERR_ARGUMENT);
        assert_int_equal(garden_store_unstage(b.store, names[i], NULL), GARDEN_ERR_ARGUMENT);
        assert_int_equal(garden_store_seal(b.store, names[i], 1, "audio/raw", &hash, NULL),
                         GARDEN_ERR_ARGUMENT);
    }
    box_end(&b);
}

// G04: others may write into the staging folder. What is no file has no frames, so it goes.
static void test_what_lies_in_a_chunks_place_and_is_no_file_is_replaced(void **state)
{
    (void)state;
    struct box b;
    struct garden_error error;
    uint64_t size = 1;
    bool closed = true;
    char path[3][256];
    box_begin(&b);
    static const char *const names[] = {"link", "pipe", "folder"};
    for (size_t i = 0; i < 3; i++)
        snprintf(path[i], sizeof path[i], "%s/staging/%s", b.folder.path, names[i]);
    assert_int_equal(symlink("/etc/passwd", path[0]), 0);
    assert_int_equal(mkfifo(path[1], 0600), 0);
    assert_int_equal(mkdir(path[2], 0700), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(garden_store_stage(b.store, names[i], &error), GARDEN_OK);
        assert_int_equal(garden_store_inspect(b.store, names[i], &size, &closed, &error),
                         GARDEN_OK);
        assert_true(size == 0 && !closed);
    }
    assert_int_equal(garden_store_stage(b.store, names[2], &error), GARDEN_ERR_ACCESS);
    stage(&b, "taken", "frames");
    assert_int_equal(garden_store_stage(b.store, "taken", &error), GARDEN_OK);
    assert_int_equal(garden_store_inspect(b.store, "taken", &size, &closed, &error), GARDEN_OK);
    assert_int_equal(size, 6);
    box_end(&b);
}

static void test_temporary_files_of_the_dead_are_swept_and_those_of_the_living_stay(void **state)
{
    (void)state;
    struct box b;
    char path[256];
    box_begin(&b);
    stage(&b, "dead.tmp", "x");
    stage(&b, "living.tmp", "x");
    stage(&b, "chunk", "x");
    snprintf(path, sizeof path, "%s/staging/living.tmp", b.folder.path);
    const int file = open(path, O_RDONLY);
    assert_int_equal(garden__fs_system()->lock(NULL, file), 0);
    garden_store_close(b.store);
    b.store = box_open(&b, false, NULL);
    assert_false(staged(&b, "dead.tmp"));
    assert_true(staged(&b, "living.tmp"));
    assert_true(staged(&b, "chunk"));
    assert_int_equal(close(file), 0);
    box_end(&b);
}

// Another process opens the store between the making of a temporary file and its lock, and sweeps it; so often.
struct sweeper {
    struct garden_fs fs;
    const struct box *box;
    unsigned sweeps, swept;
    bool holds; // it has the lock still when we want it
    int held;
};

static int sweeper_open(void *context, int folder, const char *path, int flags, mode_t mode)
{
    struct sweeper *s = context;
    const int file = garden__fs_system()->open(NULL, folder, path, flags, mode);
    if (file < 0 || !(flags & O_CREAT) || !strstr(path, ".tmp") || s->sweeps == 0) return file;
    s->sweeps--;
    if (s->holds) {
        s->held = garden__fs_system()->open(NULL, folder, path, O_RDONLY | O_CLOEXEC, 0);
        assert_int_equal(garden__fs_system()->lock(NULL, s->held), 0);
    } else {
        garden_store_close(box_open(s->box, false, NULL));
    }
    s->swept++;
    return file;
}

static int sweeper_lock(void *context, int file)
{
    struct sweeper *s = context;
    const int result = garden__fs_system()->lock(NULL, file);
    const int kept = errno;
    if (s->held >= 0) (void)close(s->held);
    s->held = -1;
    errno = kept;
    return result;
}

static void test_who_opens_the_store_takes_no_temporary_file_from_those_who_write(void **state)
{
    (void)state;
    for (int holds = 0; holds < 2; holds++) {
        struct box b;
        struct garden_hash hash;
        struct garden_error error = {0};
        box_begin(&b);
        struct sweeper s = {.fs = *garden__fs_system(), .box = &b, .sweeps = 3, .held = -1};
        s.holds = holds;
        s.fs.context = &s;
        s.fs.open = sweeper_open;
        s.fs.lock = sweeper_lock;
        struct garden_store *store = box_open(&b, false, &s.fs);
        if (garden_store_put(store, zmtp_bytes_text("x"), "text/plain", &hash, &error) != GARDEN_OK)
            fail_msg("%s", error.text);
        assert_int_equal(s.swept, 3);
        assert_int_equal(garden_store_verify(store, &hash, NULL, NULL), GARDEN_OK);
        s.sweeps = UINT32_MAX; // who never ends it is told
        assert_int_equal(garden_store_put(store, zmtp_bytes_text("y"), "text/plain", &hash, &error),
                         GARDEN_ERR_STATE);
        assert_non_null(strstr(error.text, "swept again and again"));
        garden_store_close(store);
        box_end(&b);
    }
}

static int open_again(const struct box *b, bool exclusive, bool read_only,
                      struct garden_store **out, struct garden_error *error)
{
    const struct garden_store_config config = {
        .root = b->folder.path, .exclusive = exclusive, .read_only = read_only};
    *out = NULL;
    return garden_store_open(&config, out, error);
}

static void test_writers_share_a_store_and_one_that_wants_it_alone_waits_for_all_of_them(
    void **state)
{
    (void)state;
    struct box b;
    struct garden_store *second, *alone;
    struct garden_error error;
    box_begin(&b);
    assert_int_equal(open_again(&b, false, false, &second, &error), GARDEN_OK);
    assert_int_equal(open_again(&b, true, false, &alone, &error), GARDEN_ERR_STATE);
    assert_non_null(strstr(error.text, "something writes into it"));
    garden_store_close(second);
    assert_int_equal(open_again(&b, true, false, &alone, &error), GARDEN_ERR_STATE);
    garden_store_close(b.store);
    assert_int_equal(open_again(&b, true, false, &alone, &error), GARDEN_OK);
    assert_int_equal(open_again(&b, false, false, &second, &error), GARDEN_ERR_STATE);
    assert_non_null(strstr(error.text, "for itself"));
    assert_int_equal(open_again(&b, true, false, &second, &error), GARDEN_ERR_STATE);
    // Who only reads is never kept out.
    assert_int_equal(open_again(&b, false, true, &second, &error), GARDEN_OK);
    garden_store_close(second);
    garden_store_close(alone);
    assert_int_equal(open_again(&b, true, true, &second, &error), GARDEN_ERR_ARGUMENT);
    b.store = box_open(&b, false, NULL);
    box_end(&b);
}

// One put and one seal with the |at|-th call failing; then again without.
static bool put_with_failure(unsigned at, int error_number)
{
    struct box b;
    struct faulty faulty;
    struct garden_hash old, hash;
    struct garden_error error = {0};
    box_begin(&b);
    assert_int_equal(garden_store_put(b.store, zmtp_bytes_text("old"), "text/plain", &old, NULL),
                     GARDEN_OK);
    garden_store_close(b.store);
    faulty_init(&faulty);
    b.store = box_open(&b, false, &faulty.fs);
    stage(&b, "c1", "abcdefgh");
    faulty.fail_errno = error_number;
    faulty_arm(&faulty, at);
    const int put = garden_store_put(b.store, zmtp_bytes_text("new"), "text/plain", &hash, &error);
    const int sealed = garden_store_seal(b.store, "c1", 5, "audio/raw", &hash, &error);
    const bool reached = faulty.calls >= at;
    if (put < 0 || sealed < 0) {
        assert_true(error.text[0] != '\0' && strchr(error.text, '\n') == NULL);
        if (error_number == ENOSPC) assert_int_equal(error.code, GARDEN_ERR_NO_SPACE);
    }
    faulty_arm(&faulty, 0);
    assert_int_equal(garden_store_verify_all(b.store, NULL, NULL, NULL, NULL), 0);
    assert_int_equal(garden_store_verify(b.store, &old, NULL, NULL), GARDEN_OK);
    assert_int_equal(garden_store_put(b.store, zmtp_bytes_text("new"), "text/plain", &hash, &error),
                     GARDEN_OK);
    assert_int_equal(garden_store_seal(b.store, "c1", 5, "audio/raw", &hash, &error), GARDEN_OK);
    assert_int_equal(garden_store_verify_all(b.store, NULL, NULL, NULL, NULL), 0);
    box_end(&b);
    return reached;
}

static void test_a_call_that_fails_anywhere_damages_nothing_and_can_be_made_good(void **state)
{
    (void)state;
    const int errors[] = {ENOSPC, EIO};
    for (size_t i = 0; i < 2; i++) {
        unsigned at = 1;
        while (put_with_failure(at, errors[i]))
            at++;
        assert_true(at > 20);
    }
}

// What names on the disk a machine that crashes would keep: which folders were synced how often, with the
// folders of the prefixes made by another process just before us.
struct tracer {
    struct garden_fs fs;
    char objects[128], metadata[128];
    unsigned made, objects_synced, metadata_synced, other_synced;
    bool raced, failing;
};

// Whether |file| is the folder |path|.
static bool is_folder(int file, const char *path)
{
    struct stat one, other;
    return fstat(file, &one) == 0 && stat(path, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

static int tracer_mkdir(void *context, int folder, const char *path, mode_t mode)
{
    struct tracer *t = context;
    const int result = garden__fs_system()->mkdir(NULL, folder, path, mode);
    if (strlen(path) != 2 || result != 0) return result;
    t->made++;
    if (!t->raced) return 0;
    errno = EEXIST; // it is there, but not of our making
    return -1;
}

static int tracer_sync(void *context, int file)
{
    struct tracer *t = context;
    if (is_folder(file, t->objects))
        t->objects_synced++;
    else if (is_folder(file, t->metadata))
        t->metadata_synced++;
    else
        t->other_synced++;
    if (t->failing && is_folder(file, t->objects)) {
        errno = EIO;
        return -1;
    }
    return garden__fs_system()->sync(NULL, file);
}

static void tracer_init(struct tracer *t, const struct box *b)
{
    *t = (struct tracer){.fs = *garden__fs_system()};
    t->fs.context = t;
    t->fs.mkdir = tracer_mkdir;
    t->fs.sync = tracer_sync;
    snprintf(t->objects, sizeof t->objects, "%s/objects", b->folder.path);
    snprintf(t->metadata, sizeof t->metadata, "%s/metadata", b->folder.path);
}

// Puts the |nth| text whose hash begins with the octet |first|.
static int put_beginning(struct garden_store *store, uint8_t first, unsigned nth)
{
    char text[32];
    struct garden_hash hash;
    for (unsigned i = 0;; i++) {
        snprintf(text, sizeof text, "%u", i);
        hash = garden_hash_of(zmtp_bytes_text(text));
        if (hash.octets[0] == first && nth-- == 0)
            return garden_store_put(store, zmtp_bytes_text(text), "text/plain", &hash, NULL);
    }
}

static void test_a_folder_whoever_made_it_is_on_the_disk_before_an_object_in_it(void **state)
{
    (void)state;
    for (int raced = 0; raced < 2; raced++) {
        struct box b;
        struct tracer t;
        box_begin(&b);
        garden_store_close(b.store);
        tracer_init(&t, &b);
        t.raced = raced;
        b.store = box_open(&b, false, &t.fs);
        for (unsigned nth = 0; nth < 5; nth++)
            assert_int_equal(put_beginning(b.store, 0x5a, nth), GARDEN_OK);
        assert_int_equal(t.made, 2);
        assert_int_equal(t.objects_synced, 1); // once, and not for each
        assert_int_equal(t.metadata_synced, 1);
        assert_int_equal(put_beginning(b.store, 0xff, 0), GARDEN_OK);
        assert_int_equal(t.objects_synced, 2);
        assert_int_equal(t.metadata_synced, 2);
        // Another process begins with what it finds.
        garden_store_close(b.store);
        b.store = box_open(&b, false, &t.fs);
        assert_int_equal(put_beginning(b.store, 0x5a, 6), GARDEN_OK);
        assert_int_equal(put_beginning(b.store, 0x5a, 7), GARDEN_OK);
        assert_int_equal(t.objects_synced, 3);
        assert_int_equal(t.metadata_synced, 3);
        box_end(&b);
    }
}

static void test_a_folder_that_could_not_be_synced_is_synced_the_next_time(void **state)
{
    (void)state;
    struct box b;
    struct tracer t;
    box_begin(&b);
    garden_store_close(b.store);
    tracer_init(&t, &b);
    b.store = box_open(&b, false, &t.fs);
    t.failing = true;
    assert_int_equal(put_beginning(b.store, 0x00, 0), GARDEN_ERR_SYSTEM);
    assert_int_equal(put_beginning(b.store, 0x00, 0), GARDEN_ERR_SYSTEM);
    t.failing = false;
    assert_int_equal(put_beginning(b.store, 0x00, 0), GARDEN_OK);
    assert_int_equal(t.objects_synced, 3);
    box_end(&b);
}

static void test_what_others_put_beside_a_chunk_stands_in_its_way_nowhere(void **state)
{
    (void)state;
    struct box b;
    struct garden_error error;
    struct garden_chunk_report known;
    char path[256];
    box_begin(&b);
    (void)snprintf(path, sizeof path, "%s/staging/chunk.gaps", b.folder.path);
    for (int what = 0; what < 3; what++) {
        if (what == 0) assert_int_equal(mkdir(path, 0700), 0);
        if (what == 1) assert_int_equal(mkfifo(path, 0600), 0);
        if (what == 2) assert_int_equal(symlink("/etc/passwd", path), 0);
        assert_int_equal(garden_store_stage(b.store, "chunk", &error), GARDEN_OK);
        if (garden__store_gaps(b.store, "chunk", 8, &known, &error) != GARDEN_OK)
            fail_msg("%d: %s", what, error.text);
        assert_int_equal(known.first, 8);
        assert_int_equal(known.gap_count, 0);
        if (garden__store_unstage_chunk(b.store, "chunk", &error) != GARDEN_OK)
            fail_msg("%d: %s", what, error.text);
        if (what == 0) assert_int_equal(rmdir(path), 0);
    }
    box_end(&b);
}

// A report may have told of the beginning of what was lost behind its chunk; the note is of all of it.
static void test_of_a_gap_that_is_told_in_part_the_rest_is_believed(void **state)
{
    (void)state;
    struct box b;
    struct garden_error error;
    struct garden_chunk_report known;
    box_begin(&b);
    stage(&b, "chunk.gaps", "2 3\n5 10\n20 1\n30 ");
    assert_int_equal(garden__store_gaps(b.store, "chunk", 8, &known, &error), GARDEN_OK);
    assert_int_equal(known.first, 15);
    assert_int_equal(known.gap_count, 1);
    assert_int_equal(known.gaps[0].first, 20);
    box_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_others_put_beside_a_chunk_stands_in_its_way_nowhere),
        cmocka_unit_test(test_of_a_gap_that_is_told_in_part_the_rest_is_believed),
        cmocka_unit_test(test_a_name_is_the_blake2b_256_of_the_octets),
        cmocka_unit_test(test_what_was_put_can_be_read_described_and_put_again),
        cmocka_unit_test(test_sealing_cuts_links_and_keeps_the_staged_name_until_it_is_removed),
        cmocka_unit_test(test_an_object_can_not_be_cut_through_the_staged_name),
        cmocka_unit_test(test_a_chunk_that_is_too_short_or_still_written_is_not_sealed),
        cmocka_unit_test(test_a_damaged_object_is_found_and_never_believed),
        cmocka_unit_test(test_a_read_only_store_reads_and_says_why_it_does_not_write),
        cmocka_unit_test(test_a_store_that_is_not_there_says_so),
        cmocka_unit_test(test_names_that_are_no_plain_names_are_refused),
        cmocka_unit_test(test_what_lies_in_a_chunks_place_and_is_no_file_is_replaced),
        cmocka_unit_test(test_temporary_files_of_the_dead_are_swept_and_those_of_the_living_stay),
        cmocka_unit_test(test_who_opens_the_store_takes_no_temporary_file_from_those_who_write),
        cmocka_unit_test(
            test_writers_share_a_store_and_one_that_wants_it_alone_waits_for_all_of_them),
        cmocka_unit_test(test_a_call_that_fails_anywhere_damages_nothing_and_can_be_made_good),
        cmocka_unit_test(test_a_folder_whoever_made_it_is_on_the_disk_before_an_object_in_it),
        cmocka_unit_test(test_a_folder_that_could_not_be_synced_is_synced_the_next_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
