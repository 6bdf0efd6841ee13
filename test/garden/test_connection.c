// The run directory and the connection file.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <garden/lanes.h>
#include <sys/stat.h>

#include "fixture.h"

static void path_of(const struct folder *folder, const char *name, char out[256])
{
    snprintf(out, 256, "%s/%s", folder->path, name);
}

static struct garden_connection some_connection(void)
{
    struct garden_connection connection = {.session = {{1, 2, 3}}, .pid = getpid()};
    assert_int_equal(garden_endpoints_tcp(&connection.endpoints, "127.0.0.1", 7000), GARDEN_OK);
    return connection;
}

static void assert_equal(const struct garden_connection *a, const struct garden_connection *b)
{
    assert_true(garden_uuid_equal(a->session, b->session));
    assert_int_equal(a->pid, b->pid);
    for (size_t i = 0; i < GARDEN_LANES; i++)
        assert_string_equal(a->endpoints.of[i], b->endpoints.of[i]);
}

static size_t file_read(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t got = fread(out, 1, size - 1, file);
    out[got] = 0;
    fclose(file);
    return got;
}

static void file_write(const char *path, const char *text, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static unsigned mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(lstat(path, &status), 0);
    return (unsigned)status.st_mode & 07777;
}

// One line that names the file.
static void assert_line(const struct garden_error *error, int code, const char *path)
{
    assert_int_equal(error->code, code);
    assert_non_null(strstr(error->text, path));
    assert_null(strchr(error->text, '\n'));
}

static void test_a_connection_reads_back_as_it_was_written(void **state)
{
    (void)state;
    struct folder folder;
    char path[256];
    folder_make(&folder);
    path_of(&folder, "connection.json", path);
    const mode_t before = umask(0); // no luck with the mode
    for (int i = 0; i < 2; i++) {   // the second one replaces the first
        struct garden_connection connection = some_connection(), again;
        connection.session.octets[15] = (uint8_t)i;
        assert_int_equal(garden_connection_write(path, &connection, NULL), GARDEN_OK);
        assert_int_equal(garden_connection_read(path, &again, NULL), GARDEN_OK);
        assert_equal(&connection, &again);
        assert_int_equal(mode_of(path), 0600);
    }
    umask(before);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder.path), 0); // nothing temporary is left
}

static void test_a_relative_socket_is_written_so_that_readers_elsewhere_find_it(void **state)
{
    (void)state;
    struct folder folder;
    char path[256], here[4096], whole[4096 + 32], deep[GARDEN_ENDPOINT_SIZE];
    folder_make(&folder);
    path_of(&folder, "connection.json", path);
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(folder.path), 0);
    struct garden_connection connection = some_connection(), again;
    snprintf(connection.endpoints.of[GARDEN_LANE_SHELL], GARDEN_ENDPOINT_SIZE, "ipc://run/shell");
    snprintf(connection.endpoints.of[GARDEN_LANE_QUERY], GARDEN_ENDPOINT_SIZE, "ipc://@name");
    snprintf(deep, sizeof deep, "ipc://%0100d", 7); // whole it would be no socket's name
    strcpy(connection.endpoints.of[GARDEN_LANE_CONTROL], deep);
    assert_int_equal(garden_connection_write("connection.json", &connection, NULL), GARDEN_OK);
    assert_int_equal(garden_connection_read(path, &again, NULL), GARDEN_OK);
    char real[4096];
    assert_non_null(getcwd(real, sizeof real)); // which may not be what the folder was called
    snprintf(whole, sizeof whole, "ipc://%s/run/shell", real);
    assert_int_equal(chdir(here), 0);
    assert_string_equal(again.endpoints.of[GARDEN_LANE_SHELL], whole);
    assert_string_equal(again.endpoints.of[GARDEN_LANE_QUERY], "ipc://@name");
    assert_string_equal(again.endpoints.of[GARDEN_LANE_CONTROL], deep);
    folder_remove(&folder);
}

static void test_a_reader_holds_a_whole_file_while_it_is_replaced(void **state)
{
    (void)state;
    struct folder folder;
    char path[256], old[4096] = "", now[4096];
    folder_make(&folder);
    path_of(&folder, "connection.json", path);
    struct garden_connection connection = some_connection();
    assert_int_equal(garden_connection_write(path, &connection, NULL), GARDEN_OK);
    const size_t size = file_read(path, old, sizeof old);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    connection.pid = 7;
    assert_int_equal(garden_connection_write(path, &connection, NULL), GARDEN_OK);
    assert_int_equal(fread(now, 1, sizeof now, file), size);
    assert_memory_equal(old, now, size);
    fclose(file);
    folder_remove(&folder);
}

static void test_a_temporary_file_or_link_of_a_killed_daemon_is_in_nobodys_way(void **state)
{
    (void)state;
    struct folder folder;
    char path[256], temporary[300], victim[256], text[64];
    struct garden_connection connection = some_connection(), again;
    folder_make(&folder);
    path_of(&folder, "connection.json", path);
    path_of(&folder, "victim", victim);
    file_write(victim, "precious", 8);
    snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)connection.pid);
    assert_int_equal(symlink(victim, temporary), 0);
    assert_int_equal(garden_connection_write(path, &connection, NULL), GARDEN_OK);
    assert_int_equal(garden_connection_read(path, &again, NULL), GARDEN_OK);
    assert_int_equal(file_read(victim, text, sizeof text), 8);
    assert_string_equal(text, "precious");
    assert_int_equal(access(temporary, F_OK), -1);
    folder_remove(&folder);
}

static void test_a_place_that_cannot_be_written_is_told_and_nothing_is_left(void **state)
{
    (void)state;
    struct folder folder;
    char path[256];
    struct garden_error error = {0};
    const struct garden_connection connection = some_connection();
    folder_make(&folder);
    path_of(&folder, "missing/connection.json", path);
    assert_true(garden_connection_write(path, &connection, &error) < 0);
    assert_line(&error, error.code, path);
    path_of(&folder, "folder", path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_true(garden_connection_write(path, &connection, &error) < 0); // is a directory
    assert_line(&error, error.code, path);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(folder.path), 0);
    char *longest = malloc(5000);
    assert_non_null(longest);
    memset(longest, 'x', 4999);
    longest[4999] = 0;
    assert_int_equal(garden_connection_write(longest, &connection, &error), GARDEN_ERR_RANGE);
    free(longest);
}

static void test_a_file_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct folder folder;
    char path[256], text[4096];
    struct garden_connection connection = some_connection(), out;
    struct garden_error error;
    folder_make(&folder);
    path_of(&folder, "connection.json", path);
    assert_int_equal(garden_connection_write(path, &connection, NULL), GARDEN_OK);
    const size_t size = file_read(path, text, sizeof text);
    assert_int_equal(text[size - 1], '\n');
    memset(&out, 0x5a, sizeof out);
    const struct garden_connection before = out;
    for (size_t cut = 0; cut < size - 1; cut++) {
        file_write(path, text, cut);
        assert_int_equal(garden_connection_read(path, &out, &error), GARDEN_ERR_FORMAT);
        assert_line(&error, GARDEN_ERR_FORMAT, path);
        assert_memory_equal(&out, &before, sizeof out);
    }
    folder_remove(&folder);
}

// Writes |text| with its first |from| replaced by |to|, and reads that.
static int read_changed(const char *path, const char *text, const char *from, const char *to,
                        struct garden_error *error)
{
    char changed[8192];
    const char *at = strstr(text, from);
    struct garden_connection out;
    assert_non_null(at);
    const int size = snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to,
                              at + strlen(from));
    file_write(path, changed, (size_t)size);
    return garden_connection_read(path, &out, error);
}

static void test_a_file_that_is_something_else_is_refused(void **state)
{
    (void)state;
    static const char *const changes[][2] = {
        {"\"shell\"", "\"shall\""},
        {"tcp://127.0.0.1:7000", ""},
        {"tcp://127.0.0.1:7000", "tcp\\u0000"},
        {"\"tcp://127.0.0.1:7000\"", "7000"},
        {"\"endpoints\"", "\"endpoint\""},
        {"\"01020300-", "\"0102030-"},
        {"\"session\":\"", "\"session\":\" "},
        {"\"pid\":", "\"pid\":0.5,\"was\":"},
        {"\"pid\":", "\"pid\":\"x\",\"was\":"},
        {"\"pid\":", "\"session\":null,\"pid\":"},
        {"}}", "}} trailing"},
        {"tcp://127.0.0.1:7000", "tcp://127.0.0.1"},
        {"tcp://127.0.0.1:7000", "carrier-pigeon://coop"},
        {"\"protocol\":\"garden\"", "\"protocol\":\"jupyter\""},
    };
    // What was wrong is named, for some of these.
    static const struct {
        size_t which;
        const char *words;
    } told[] = {{0, "the lane shell"}, {4, "no endpoints"},
                {5, "session"},        {7, "pid"},
                {10, "JSON"},          {11, "lane control, 'tcp://127.0.0.1'"},
                {12, "lane control"},  {13, "jupyter"}};
    struct folder folder;
    char path[256], text[4096], wide[600];
    const struct garden_connection connection = some_connection();
    struct garden_error error;
    folder_make(&folder);
    path_of(&folder, "connection.json", path);
    assert_int_equal(garden_connection_write(path, &connection, NULL), GARDEN_OK);
    (void)file_read(path, text, sizeof text);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        if (read_changed(path, text, changes[i][0], changes[i][1], &error) != GARDEN_ERR_FORMAT)
            fail_msg("%s", changes[i][1]);
        assert_line(&error, GARDEN_ERR_FORMAT, path);
        for (size_t k = 0; k < sizeof told / sizeof *told; k++)
            if (told[k].which == i && !strstr(error.text, told[k].words))
                fail_msg("%s says no %s", error.text, told[k].words);
    }
    memset(wide, 'x', sizeof wide);
    wide[GARDEN_ENDPOINT_SIZE] = 0;
    assert_int_equal(read_changed(path, text, "tcp://127.0.0.1:7000", wide, &error),
                     GARDEN_ERR_FORMAT);
    // What is not known is left alone.
    assert_int_equal(read_changed(path, text, "\"pid\":", "\"more\":[1],\"pid\":", &error),
                     GARDEN_OK);
    folder_remove(&folder);
}

static void test_the_file_of_a_daemon_of_another_version_is_refused_as_such(void **state)
{
    (void)state;
    struct folder folder;
    char path[256], text[4096];
    const struct garden_connection connection = some_connection();
    struct garden_error error;
    folder_make(&folder);
    path_of(&folder, "connection.json", path);
    assert_int_equal(garden_connection_write(path, &connection, NULL), GARDEN_OK);
    (void)file_read(path, text, sizeof text);
    assert_int_equal(read_changed(path, text, "\"0.1.0\"", "\"0.2.0\"", &error),
                     GARDEN_ERR_VERSION);
    assert_line(&error, GARDEN_ERR_VERSION, path);
    folder_remove(&folder);
}

static void test_what_is_no_regular_file_of_some_kilobytes_is_refused_without_hanging(void **state)
{
    (void)state;
    struct folder folder;
    char path[256];
    struct garden_connection out;
    struct garden_error error;
    folder_make(&folder);
    assert_int_equal(garden_connection_read(folder.path, &out, &error), GARDEN_ERR_SYSTEM);
    assert_line(&error, GARDEN_ERR_SYSTEM, folder.path);
    path_of(&folder, "missing", path);
    assert_int_equal(garden_connection_read(path, &out, &error), GARDEN_ERR_NOT_FOUND);
    assert_line(&error, GARDEN_ERR_NOT_FOUND, path);
    path_of(&folder, "fifo", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(garden_connection_read(path, &out, &error), GARDEN_ERR_FORMAT);
    assert_int_equal(garden_connection_read("/dev/zero", &out, &error), GARDEN_ERR_FORMAT);
    path_of(&folder, "locked", path);
    file_write(path, "{}", 2);
    assert_int_equal(chmod(path, 0), 0);
    if (geteuid() != 0) // who reads everything
        assert_int_equal(garden_connection_read(path, &out, &error), GARDEN_ERR_ACCESS);
    folder_remove(&folder);
}

// ---- The run directory

static void test_a_run_directory_is_made_for_its_owner_alone(void **state)
{
    (void)state;
    struct folder folder;
    char path[256];
    folder_make(&folder);
    path_of(&folder, "run", path);
    const mode_t before = umask(0);
    for (int i = 0; i < 2; i++) // the second time it is there
        assert_int_equal(garden_run_folder_make(path, NULL), GARDEN_OK);
    umask(before);
    assert_int_equal(mode_of(path), 0700);
    folder_remove(&folder);
}

static void test_a_run_directory_open_to_others_is_refused(void **state)
{
    (void)state;
    static const mode_t modes[] = {0701, 0710, 0720, 0704, 0777, 01777};
    struct folder folder;
    char path[256];
    struct garden_error error;
    folder_make(&folder);
    path_of(&folder, "run", path);
    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_int_equal(garden_run_folder_make(path, &error), GARDEN_ERR_ACCESS);
        assert_line(&error, GARDEN_ERR_ACCESS, path);
        assert_int_equal(mode_of(path), modes[i]); // it is not for us to change
    }
    if (geteuid() == 0) { // only root can give a directory away
        assert_int_equal(chmod(path, 0700), 0);
        assert_int_equal(chown(path, 65534, 65534), 0);
        assert_int_equal(garden_run_folder_make(path, &error), GARDEN_ERR_ACCESS);
    }
    folder_remove(&folder);
}

static void test_a_link_or_a_file_is_no_run_directory(void **state)
{
    (void)state;
    struct folder folder;
    char target[256], link[256], slash[260], file[256];
    struct garden_error error;
    folder_make(&folder);
    path_of(&folder, "target", target);
    path_of(&folder, "link", link);
    path_of(&folder, "file", file);
    snprintf(slash, sizeof slash, "%s/", link);
    assert_int_equal(mkdir(target, 0700), 0);
    assert_int_equal(symlink(target, link), 0);
    assert_int_equal(garden_run_folder_make(link, &error), GARDEN_ERR_EXISTS);
    assert_line(&error, GARDEN_ERR_EXISTS, link);
    assert_int_equal(garden_run_folder_make(slash, &error), GARDEN_ERR_EXISTS);
    file_write(file, "", 0);
    assert_int_equal(garden_run_folder_make(file, &error), GARDEN_ERR_EXISTS);
    path_of(&folder, "missing/run", link);
    assert_int_equal(garden_run_folder_make(link, &error), GARDEN_ERR_NOT_FOUND);
    assert_line(&error, GARDEN_ERR_NOT_FOUND, link);
    folder_remove(&folder);
}

static void test_the_run_directory_is_the_sessions_or_the_users_own_below_tmp(void **state)
{
    (void)state;
    char path[64], own[64];
    const char *was = getenv("XDG_RUNTIME_DIR");
    char *kept = was ? strdup(was) : NULL;
    snprintf(own, sizeof own, "/tmp/garden-%lu", (unsigned long)geteuid());
    setenv("XDG_RUNTIME_DIR", "/run/user/1000", 1);
    assert_int_equal(garden_run_folder(path, sizeof path), GARDEN_OK);
    assert_string_equal(path, "/run/user/1000/garden");
    assert_int_equal(garden_run_folder(path, sizeof "/run/user/1000/garden"), GARDEN_OK);
    assert_int_equal(garden_run_folder(path, sizeof "/run/user/1000/garden" - 1), GARDEN_ERR_RANGE);
    setenv("XDG_RUNTIME_DIR", "relative", 1); // the specification says to ignore such a one
    assert_int_equal(garden_run_folder(path, sizeof path), GARDEN_OK);
    assert_string_equal(path, own);
    unsetenv("XDG_RUNTIME_DIR");
    assert_int_equal(garden_run_folder(path, sizeof path), GARDEN_OK);
    assert_string_equal(path, own);
    if (kept) setenv("XDG_RUNTIME_DIR", kept, 1);
    free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_connection_reads_back_as_it_was_written),
        cmocka_unit_test(test_a_relative_socket_is_written_so_that_readers_elsewhere_find_it),
        cmocka_unit_test(test_a_reader_holds_a_whole_file_while_it_is_replaced),
        cmocka_unit_test(test_a_temporary_file_or_link_of_a_killed_daemon_is_in_nobodys_way),
        cmocka_unit_test(test_a_place_that_cannot_be_written_is_told_and_nothing_is_left),
        cmocka_unit_test(test_a_file_cut_anywhere_is_refused),
        cmocka_unit_test(test_a_file_that_is_something_else_is_refused),
        cmocka_unit_test(test_the_file_of_a_daemon_of_another_version_is_refused_as_such),
        cmocka_unit_test(test_what_is_no_regular_file_of_some_kilobytes_is_refused_without_hanging),
        cmocka_unit_test(test_a_run_directory_is_made_for_its_owner_alone),
        cmocka_unit_test(test_a_run_directory_open_to_others_is_refused),
        cmocka_unit_test(test_a_link_or_a_file_is_no_run_directory),
        cmocka_unit_test(test_the_run_directory_is_the_sessions_or_the_users_own_below_tmp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
