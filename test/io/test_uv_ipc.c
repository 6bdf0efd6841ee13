// What ipc has beside paths: fresh ones, their permissions, and who is at the other side.
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/stranger.h"

static const char *path_of(const char *endpoint)
{
    return endpoint + strlen("ipc://");
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
    assert_int_equal(folder_entries(world.folder), 2);
    // One by its real name, one with the socket.
    assert_int_equal(zmtp_uv_unbind(a.socket, zmtp_uv_endpoint(a.socket)), ZMTP_OK);
    assert_int_equal(folder_entries(world.folder), 1);
    node_close(&a);
    assert_int_equal(folder_entries(world.folder), 0);
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
    assert_int_equal(setenv("TMPDIR", "", 1), 0); // none was named
    assert_int_equal(zmtp_uv_bind(a.socket, "ipc://*"), ZMTP_OK);
    assert_ptr_equal(strstr(zmtp_uv_endpoint(a.socket), "ipc:///tmp/zmtp-"),
                     zmtp_uv_endpoint(a.socket));
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

// What the mode of a path was when the system began to listen on it; before that nobody can connect.
static struct {
    char path[ZMTP_ENDPOINT_MAX];
    mode_t mode;
} moment;

// The system's, by way of this test.
int listen(int fd, int backlog)
{
    struct stat at;
    if (moment.path[0] && lstat(moment.path, &at) == 0) moment.mode = at.st_mode & 07777;
    return (int)syscall(SYS_listen, fd, backlog);
}

static void test_a_path_has_its_mode_before_anybody_can_connect(void **state)
{
    (void)state;
    static const mode_t umasks[] = {0, 077};
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct node a;
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        node_init(&a, &world, ZMTP_DEALER);
        a.config.transport.ipc_mode = 0660;
        node_open(&a);
        world_endpoint(&world, ZMTP_IPC, endpoint);
        snprintf(moment.path, sizeof moment.path, "%s", path_of(endpoint));
        const mode_t before = umask(umasks[i]);
        node_bind(&a, endpoint);
        (void)umask(before);
        moment.path[0] = '\0';
        assert_int_equal(moment.mode, 0660);
        world_close(&world);
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

// What was seen of the process at the other side.
struct seen {
    struct zmtp_uv_process accepted, connected, refused, row;
    size_t asked;
};

static void note_process(struct node *node, const struct zmtp_event *event)
{
    struct seen *seen = node->other;
    if (event->kind == ZMTP_EVENT_ACCEPTED) seen->accepted = event->process;
    if (event->kind == ZMTP_EVENT_CONNECTED) seen->connected = event->process;
    if (event->kind == ZMTP_EVENT_REFUSED) seen->refused = event->process;
}

static void note_row(void *context, const struct zmtp_uv_peer *peer)
{
    struct seen *seen = context;
    seen->row = peer->process;
}

static void assert_this_process(const struct zmtp_uv_process *process)
{
    assert_true(process->known);
    assert_int_equal(process->pid, getpid());
    assert_int_equal(process->uid, geteuid());
    assert_int_equal(process->gid, getegid());
}

static void test_the_process_at_the_other_side_is_told_everywhere(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    struct seen seen = {0};
    char endpoint[ZMTP_ENDPOINT_MAX], json[4096], pid[32];
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    node_start(&b, &world, ZMTP_DEALER);
    a.other = b.other = &seen;
    a.note = b.note = note_process;
    world_endpoint(&world, ZMTP_IPC, endpoint);
    node_bind(&a, endpoint);
    node_connect(&b, endpoint);
    WORLD_UNTIL(&world, a.events[ZMTP_EVENT_HANDSHAKE_DONE] && b.events[ZMTP_EVENT_HANDSHAKE_DONE]);
    assert_this_process(&seen.accepted);
    assert_this_process(&seen.connected);
    zmtp_uv_each_peer(a.socket, note_row, &seen);
    assert_this_process(&seen.row);
    zmtp_uv_each_peer(b.socket, note_row, &seen);
    assert_this_process(&seen.row);
    assert_true(zmtp_uv_stats_json(a.socket, json, sizeof json) < (int64_t)sizeof json);
    snprintf(pid, sizeof pid, "\"pid\":%ld,\"uid\":", (long)getpid());
    assert_non_null(strstr(json, pid));
    node_close(&a);
    WORLD_UNTIL(&world, b.events[ZMTP_EVENT_RETRY]);
    zmtp_uv_each_peer(b.socket, note_row, &seen);
    assert_false(seen.row.known);
    world_close(&world);
}

static void test_over_tcp_no_process_is_known(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    struct seen seen = {0};
    char json[4096];
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    node_start(&b, &world, ZMTP_DEALER);
    a.other = &seen;
    a.note = note_process;
    node_bind(&a, "tcp://127.0.0.1:*");
    node_connect(&b, zmtp_uv_endpoint(a.socket));
    WORLD_UNTIL(&world, a.events[ZMTP_EVENT_HANDSHAKE_DONE]);
    assert_false(seen.accepted.known);
    assert_true(zmtp_uv_stats_json(a.socket, json, sizeof json) < (int64_t)sizeof json);
    assert_null(strstr(json, "\"pid\""));
    world_close(&world);
}

static void ask_process(struct zmtp_uv_socket *socket, const struct zmtp_uv_guest *guest,
                        void *user)
{
    struct node *node = user;
    struct seen *seen = node->other;
    const struct zmtp_bytes none = {0};
    assert_this_process(&guest->process);
    seen->asked++;
    assert_int_equal(zmtp_uv_authorise(socket, guest->ticket, ZMTP_VERDICT_ALLOW, none, none),
                     ZMTP_OK);
}

static void test_the_authoriser_is_told_the_process(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    struct seen seen = {0};
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_init(&a, &world, ZMTP_DEALER);
    zmtp_uv_config_plain_server(&a.config);
    a.config.on_authorise = ask_process;
    a.other = &seen;
    node_open(&a);
    node_init(&b, &world, ZMTP_DEALER);
    zmtp_uv_config_plain_client(&b.config, "name", "word");
    node_open(&b);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    node_bind(&a, endpoint);
    node_connect(&b, endpoint);
    WORLD_UNTIL(&world, b.events[ZMTP_EVENT_HANDSHAKE_DONE]);
    assert_int_equal(seen.asked, 1);
    world_close(&world);
}

// Does a socket with |allow| let a dialler of this process in?
static bool admits(const struct zmtp_uv_ipc_allow *allow)
{
    struct world world;
    struct node a, b;
    struct seen seen = {0};
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_init(&a, &world, ZMTP_DEALER);
    a.config.ipc_allow = *allow;
    a.other = &seen;
    a.note = note_process;
    node_open(&a);
    node_start(&b, &world, ZMTP_DEALER);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    node_bind(&a, endpoint);
    const size_t descriptors = descriptors_open();
    node_connect(&b, endpoint);
    WORLD_UNTIL(&world, a.events[ZMTP_EVENT_HANDSHAKE_DONE] || a.events[ZMTP_EVENT_REFUSED] == 2);
    const bool admitted = a.events[ZMTP_EVENT_HANDSHAKE_DONE] > 0;
    if (!admitted) {
        assert_int_equal(a.events[ZMTP_EVENT_ACCEPTED], 0);
        assert_int_equal(a.errors[ZMTP_EVENT_REFUSED], ZMTP_ERR_DENIED);
        assert_non_null(strstr(a.reasons[ZMTP_EVENT_REFUSED], "is not in ipc_allow"));
        assert_this_process(&seen.refused);
        assert_int_equal(b.events[ZMTP_EVENT_HANDSHAKE_DONE], 0);
        WORLD_UNTIL(&world, b.events[ZMTP_EVENT_RETRY] == 2);
        assert_true(descriptors_open() <= descriptors + 1);
    }
    world_close(&world);
    return admitted;
}

static void test_a_process_is_let_in_when_any_list_has_it(void **state)
{
    (void)state;
    const uint32_t uid = geteuid(), gid = getegid(), nobody = 4000000000u;
    const uint32_t uids[] = {nobody, uid}, gids[] = {nobody, gid};
    const int64_t pids[] = {1 << 30, getpid()};
    assert_true(admits(&(struct zmtp_uv_ipc_allow){0}));
    assert_true(admits(&(struct zmtp_uv_ipc_allow){.same_user = true}));
    assert_true(admits(&(struct zmtp_uv_ipc_allow){.uids = uids, .uid_count = 2}));
    assert_true(admits(&(struct zmtp_uv_ipc_allow){.gids = gids, .gid_count = 2}));
    assert_true(admits(&(struct zmtp_uv_ipc_allow){.pids = pids, .pid_count = 2}));
    assert_true(admits(&(struct zmtp_uv_ipc_allow){
        .uids = &nobody, .uid_count = 1, .gids = gids, .gid_count = 2}));
    assert_false(admits(&(struct zmtp_uv_ipc_allow){.uids = &nobody, .uid_count = 1}));
    assert_false(admits(&(struct zmtp_uv_ipc_allow){.gids = &nobody, .gid_count = 1}));
    assert_false(admits(&(struct zmtp_uv_ipc_allow){.pids = pids, .pid_count = 1}));
}

// Connects as |uid|, with |group| among its further groups, in a process of its own; it stays until the
// other side hangs up.
static pid_t dial_as(const char *endpoint, uid_t uid, gid_t group)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0) return child;
    if (setgroups(1, &group) < 0 || setgid(uid) < 0 || setuid(uid) < 0) _exit(1);
    char octets[256];
    const int fd = world_dial(endpoint);
    while (read(fd, octets, sizeof octets) > 0) {}
    _exit(0);
}

static void test_another_user_is_told_apart_and_let_in_by_a_further_group(void **state)
{
    (void)state;
    enum { USER = 54321, GROUP = 54322 };
    if (geteuid() != 0) skip(); // only root may become somebody else
    const uint32_t group = GROUP;
    for (int listed = 0; listed <= 1; listed++) {
        struct world world;
        struct node a;
        struct seen seen = {0};
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        node_init(&a, &world, ZMTP_DEALER);
        a.config.transport.ipc_mode = 0777;
        a.config.ipc_allow.same_user = true;
        a.config.ipc_allow.gids = &group;
        a.config.ipc_allow.gid_count = (size_t)listed;
        a.other = &seen;
        a.note = note_process;
        node_open(&a);
        snprintf(endpoint, sizeof endpoint, "ipc://@%s", world.folder + 1);
        node_bind(&a, endpoint);
        const pid_t child = dial_as(endpoint, USER, GROUP);
        WORLD_UNTIL(&world, a.events[ZMTP_EVENT_ACCEPTED] || a.events[ZMTP_EVENT_REFUSED]);
        const struct zmtp_uv_process *process = listed ? &seen.accepted : &seen.refused;
        assert_true(process->known);
        assert_int_equal(process->pid, child);
        assert_int_equal(process->uid, USER);
        world_close(&world);
        int status = 1;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
}

static void test_a_bad_list_of_processes_is_named(void **state)
{
    (void)state;
    const char *why = "";
    struct zmtp_uv_config config;
    zmtp_uv_config_init(&config, ZMTP_DEALER);
    config.ipc_allow.pid_count = 1;
    assert_int_equal(zmtp_uv_config_check(&config, &why), ZMTP_ERR_ARGUMENT);
    assert_non_null(strstr(why, "ipc_allow.pids"));
    static const uint32_t many[4097];
    zmtp_uv_config_init(&config, ZMTP_DEALER);
    config.ipc_allow.uids = many;
    config.ipc_allow.uid_count = 4097;
    assert_int_equal(zmtp_uv_config_check(&config, &why), ZMTP_ERR_ARGUMENT);
    assert_non_null(strstr(why, "uid_count"));
    config.ipc_allow.uid_count = 4096;
    assert_int_equal(zmtp_uv_config_check(&config, &why), ZMTP_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fresh_path_is_told_and_goes_with_its_listener),
        cmocka_unit_test(test_a_folder_for_temporary_files_that_will_not_do_is_told),
        cmocka_unit_test(test_a_path_has_the_mode_it_was_told_whatever_the_umask),
        cmocka_unit_test(test_a_path_has_its_mode_before_anybody_can_connect),
        cmocka_unit_test(test_without_a_mode_the_umask_decides),
        cmocka_unit_test(test_the_process_at_the_other_side_is_told_everywhere),
        cmocka_unit_test(test_over_tcp_no_process_is_known),
        cmocka_unit_test(test_the_authoriser_is_told_the_process),
        cmocka_unit_test(test_a_process_is_let_in_when_any_list_has_it),
        cmocka_unit_test(test_another_user_is_told_apart_and_let_in_by_a_further_group),
        cmocka_unit_test(test_a_bad_list_of_processes_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
