// What ipc has beside paths: fresh ones, their permissions, and who is at the other side.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/stranger.h"

static const char *path_of(const char *endpoint)
{
    return endpoint + strlen("ipc://");
}

static size_t entries_of(const char *folder)
{
    size_t count = 0;
    DIR *const open = opendir(folder);
    assert_non_null(open);
    while (readdir(open))
        count++;
    closedir(open);
    return count - 2; // "." and ".."
}

static void test_a_fresh_path_is_told_and_goes_with_its_listener(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    char first[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    assert_int_equal(setenv("TMPDIR", world.folder, 1), 0);
    node_start(&a, &world, ZMTP_DEALER);
    node_start(&b, &world, ZMTP_DEALER);
    node_bind(&a, "ipc://*");
    snprintf(first, sizeof first, "%s", zmtp_uv_endpoint(a.socket));
    assert_non_null(strstr(first, world.folder));
    node_bind(&a, "ipc://*");
    assert_string_not_equal(zmtp_uv_endpoint(a.socket), first);
    node_connect(&b, first);
    node_send(&b, "found");
    WORLD_UNTIL(&world, a.received == 1);
    // Nobody else may look into its folder.
    struct stat at;
    *strrchr(first, '/') = '\0';
    assert_int_equal(stat(path_of(first), &at), 0);
    assert_int_equal(at.st_mode & 07777, 0700);
    assert_int_equal(entries_of(world.folder), 2);
    // One by its real name, one with the socket.
    assert_int_equal(zmtp_uv_unbind(a.socket, zmtp_uv_endpoint(a.socket)), ZMTP_OK);
    assert_int_equal(entries_of(world.folder), 1);
    node_close(&a);
    assert_int_equal(entries_of(world.folder), 0);
    assert_int_equal(zmtp_uv_connect(b.socket, "ipc://*"), ZMTP_ERR_ENDPOINT);
    unsetenv("TMPDIR");
    world_close(&world);
}

static void test_a_folder_for_temporary_files_that_will_not_do_is_told(void **state)
{
    (void)state;
    struct world world;
    struct node a;
    char folder[128];
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    memset(folder, 'x', sizeof folder);
    folder[0] = '/';
    folder[sizeof folder - 1] = '\0';
    assert_int_equal(setenv("TMPDIR", folder, 1), 0);
    assert_int_equal(zmtp_uv_bind(a.socket, "ipc://*"), ZMTP_ERR_ENDPOINT);
    assert_non_null(strstr(zmtp_uv_error_text(a.socket), "TMPDIR"));
    assert_int_equal(setenv("TMPDIR", "/no/such/folder", 1), 0);
    assert_int_equal(zmtp_uv_bind(a.socket, "ipc://*"), ZMTP_ERR_NOT_FOUND);
    assert_non_null(strstr(zmtp_uv_error_text(a.socket), "folder does not exist"));
    unsetenv("TMPDIR");
    world_close(&world);
}

static void test_a_path_has_the_mode_it_was_told_whatever_the_umask(void **state)
{
    (void)state;
    static const mode_t umasks[] = {0, 022, 077, 0777};
    static const mode_t modes[] = {0600, 0660, 0666, 0777};
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 4; j++) {
            struct world world;
            struct node a;
            struct stat at;
            char endpoint[ZMTP_ENDPOINT_MAX];
            world_open(&world);
            node_init(&a, &world, ZMTP_DEALER);
            a.config.transport.ipc_mode = modes[j];
            node_open(&a);
            world_endpoint(&world, ZMTP_IPC, endpoint);
            const mode_t before = umask(umasks[i]);
            node_bind(&a, endpoint);
            (void)umask(before);
            assert_int_equal(lstat(path_of(endpoint), &at), 0);
            assert_int_equal(at.st_mode & 07777, modes[j]);
            world_close(&world);
        }
    }
}

static void test_without_a_mode_the_umask_decides(void **state)
{
    (void)state;
    struct world world;
    struct node a;
    struct stat at;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    const mode_t before = umask(027);
    node_bind(&a, endpoint);
    (void)umask(before);
    assert_int_equal(lstat(path_of(endpoint), &at), 0);
    assert_int_equal(at.st_mode & 07777, 0750);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fresh_path_is_told_and_goes_with_its_listener),
        cmocka_unit_test(test_a_folder_for_temporary_files_that_will_not_do_is_told),
        cmocka_unit_test(test_a_path_has_the_mode_it_was_told_whatever_the_umask),
        cmocka_unit_test(test_without_a_mode_the_umask_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
