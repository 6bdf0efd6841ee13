// Others on the same machine want our ipc path, or us to harm a path of theirs.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/stranger.h"

static const char *path_of(const char *endpoint)
{
    return endpoint + strlen("ipc://");
}

static int plain_bind(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

static void test_a_second_bind_does_not_steal_the_path_however_often_it_tries(void **state)
{
    (void)state;
    struct world world;
    struct node router, thief;
    struct witness witness;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_init(&router, &world, ZMTP_ROUTER);
    echo_open(&router);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    node_bind(&router, endpoint);
    witness_open(&witness, &world, endpoint);
    node_start(&thief, &world, ZMTP_ROUTER);
    const size_t descriptors = descriptors_open();
    for (int i = 0; i < 100; i++)
        assert_int_equal(zmtp_uv_bind(thief.socket, endpoint), ZMTP_ERR_IN_USE);
    assert_int_equal(plain_bind(path_of(endpoint)), -1);
    world_rest(&world, 20); // each try to bind looked whether somebody answers
    assert_int_equal(descriptors_open(), descriptors);
    witness_check(&witness);
    struct witness late;
    witness_open(&late, &world, endpoint);
    world_close(&world);
}

// It does not answer, but it is alive.
static void test_a_listener_that_is_too_busy_to_accept_keeps_its_path(void **state)
{
    (void)state;
    struct world world;
    struct node thief;
    struct stranger crowd[2];
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    const int busy = plain_bind(path_of(endpoint));
    assert_int_equal(listen(busy, 1), 0);
    for (size_t i = 0; i < 2; i++)
        stranger_open(&crowd[i], &world, endpoint); // its queue is full now
    node_start(&thief, &world, ZMTP_ROUTER);
    assert_int_equal(zmtp_uv_bind(thief.socket, endpoint), ZMTP_ERR_IN_USE);
    struct stat at;
    assert_int_equal(lstat(path_of(endpoint), &at), 0);
    for (size_t i = 0; i < 2; i++)
        stranger_close(&crowd[i]);
    close(busy);
    assert_int_equal(unlink(path_of(endpoint)), 0);
    world_close(&world);
}

static void test_a_link_in_the_way_harms_nothing_that_it_leads_to(void **state)
{
    (void)state;
    struct world world;
    struct node router;
    char endpoint[ZMTP_ENDPOINT_MAX], victim[ZMTP_ENDPOINT_MAX + 8], lock[ZMTP_ENDPOINT_MAX + 8];
    world_open(&world);
    node_start(&router, &world, ZMTP_ROUTER);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    snprintf(victim, sizeof victim, "%s.victim", path_of(endpoint));
    snprintf(lock, sizeof lock, "%s.lock", path_of(endpoint));
    // A socket that nobody listens on, as an old path of ours would be.
    close(plain_bind(victim));
    const char *const links[] = {path_of(endpoint), lock};
    for (size_t i = 0; i < 2; i++) {
        struct stat at;
        assert_int_equal(symlink(victim, links[i]), 0);
        assert_true(zmtp_uv_bind(router.socket, endpoint) < 0);
        assert_int_not_equal(zmtp_uv_error_text(router.socket)[0], '\0');
        assert_int_equal(lstat(victim, &at), 0);
        assert_true(S_ISSOCK(at.st_mode));
        assert_int_equal(unlink(links[i]), 0);
    }
    node_bind(&router, endpoint);
    assert_int_equal(unlink(victim), 0);
    world_close(&world);
}

static void test_a_file_with_the_name_of_the_lock_is_kept(void **state)
{
    (void)state;
    struct world world;
    struct node router;
    struct stat at;
    char endpoint[ZMTP_ENDPOINT_MAX], lock[ZMTP_ENDPOINT_MAX + 8];
    world_open(&world);
    node_start(&router, &world, ZMTP_ROUTER);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    snprintf(lock, sizeof lock, "%s.lock", path_of(endpoint));
    FILE *const file = fopen(lock, "w");
    assert_non_null(file);
    assert_true(fputs("of another program", file) >= 0);
    assert_int_equal(fclose(file), 0);
    node_bind(&router, endpoint);
    assert_int_equal(stat(lock, &at), 0);
    assert_int_equal(at.st_size, strlen("of another program"));
    assert_int_equal(unlink(lock), 0);
    world_close(&world);
}

// Somebody who may write to the folder replaces our socket by theirs; we do not remove it when we go.
static void test_a_path_that_became_somebody_elses_is_left_to_them(void **state)
{
    (void)state;
    struct world world;
    struct node router;
    struct witness witness;
    struct stat at;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_init(&router, &world, ZMTP_ROUTER);
    echo_open(&router);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    node_bind(&router, endpoint);
    witness_open(&witness, &world, endpoint);
    assert_int_equal(unlink(path_of(endpoint)), 0);
    const int thief = plain_bind(path_of(endpoint));
    assert_true(thief >= 0);
    witness_check(&witness);
    node_close(&router);
    assert_int_equal(lstat(path_of(endpoint), &at), 0);
    close(thief);
    assert_int_equal(unlink(path_of(endpoint)), 0);
    world_close(&world);
}

// In a process of its own: binds when |go| ends, tells over |told| how that went, and stays until
// |stay| ends. A path of the dead lies there.
static void rival(const char *endpoint, int go, int told, int stay)
{
    struct world world;
    struct node router;
    char octet;
    world_open(&world);
    node_start(&router, &world, ZMTP_ROUTER);
    while (read(go, &octet, 1) > 0) {}
    const int result = zmtp_uv_bind(router.socket, endpoint);
    (void)!write(told, &result, sizeof result); // a result that is missing is noticed
    while (read(stay, &octet, 1) > 0) {}
    world_close(&world);
}

static void test_of_rivals_for_the_path_of_the_dead_exactly_one_gets_it(void **state)
{
    (void)state;
    enum { RIVALS = 4, ROUNDS = 10 };
    char endpoint[] = "ipc:///tmp/zmtp-test-rivals-XXXXXXXXXXXX";
    snprintf(endpoint, sizeof endpoint, "ipc:///tmp/zmtp-test-rivals-%ld", (long)getpid());
    for (int round = 0; round < ROUNDS; round++) {
        int go[2], told[2], stay[2], winners = 0;
        assert_int_equal(pipe(go) | pipe(told) | pipe(stay), 0);
        close(plain_bind(path_of(endpoint)));
        for (int i = 0; i < RIVALS; i++) {
            const pid_t child = fork();
            assert_true(child >= 0);
            if (child > 0) continue;
            close(go[1]);
            close(stay[1]);
            rival(endpoint, go[0], told[1], stay[0]);
            _exit(0);
        }
        close(go[1]);
        for (int i = 0; i < RIVALS; i++) {
            int result;
            assert_int_equal(read(told[0], &result, sizeof result), sizeof result);
            assert_true(result == ZMTP_OK || result == ZMTP_ERR_IN_USE);
            winners += result == ZMTP_OK;
        }
        assert_int_equal(winners, 1);
        close(world_dial(endpoint)); // and who has it listens
        close(stay[1]);
        for (int i = 0; i < RIVALS; i++) {
            int status;
            assert_true(wait(&status) > 0);
            assert_int_equal(status, 0);
        }
        close(go[0]);
        close(told[0]);
        close(told[1]);
        close(stay[0]);
        struct stat at;
        assert_int_equal(lstat(path_of(endpoint), &at), -1); // it went with its listener
        assert_int_equal(errno, ENOENT);
    }
}

// In a process of its own, which is not let in: comes |count| times, says something, and waits to be
// turned away.
static void intrude(const char *endpoint, int count)
{
    for (int i = 0; i < count; i++) {
        char octets[64];
        const int fd = world_dial(endpoint);
        (void)send(fd, RIG_GREETING, sizeof RIG_GREETING - 1, MSG_NOSIGNAL);
        while (read(fd, octets, sizeof octets) > 0) {}
        close(fd);
    }
}

static void test_a_process_that_is_not_let_in_gains_nothing_by_coming_again(void **state)
{
    (void)state;
    enum { TIMES = 500 };
    const int64_t self = getpid();
    struct world world;
    struct node router;
    struct witness witness;
    char endpoint[ZMTP_ENDPOINT_MAX];
    int status = 1;
    world_open(&world);
    node_init(&router, &world, ZMTP_ROUTER);
    router.config.ipc_allow.pids = &self;
    router.config.ipc_allow.pid_count = 1;
    echo_open(&router);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    node_bind(&router, endpoint);
    witness_open(&witness, &world, endpoint);
    const size_t descriptors = descriptors_open(), held = world.budget.bytes;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        intrude(endpoint, TIMES);
        _exit(0);
    }
    while (router.events[ZMTP_EVENT_REFUSED] < TIMES)
        witness_check(&witness);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(router.events[ZMTP_EVENT_ACCEPTED], 1);
    assert_int_equal(descriptors_open(), descriptors);
    assert_true(world.budget.bytes <= held + 128 * 1024); // of 500 each would have left more
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_second_bind_does_not_steal_the_path_however_often_it_tries),
        cmocka_unit_test(test_a_listener_that_is_too_busy_to_accept_keeps_its_path),
        cmocka_unit_test(test_a_link_in_the_way_harms_nothing_that_it_leads_to),
        cmocka_unit_test(test_a_file_with_the_name_of_the_lock_is_kept),
        cmocka_unit_test(test_a_path_that_became_somebody_elses_is_left_to_them),
        cmocka_unit_test(test_a_process_that_is_not_let_in_gains_nothing_by_coming_again),
        cmocka_unit_test(test_of_rivals_for_the_path_of_the_dead_exactly_one_gets_it),
    };
    return cmocka_run_group_tests_name("ipc theft", tests, NULL, NULL);
}
