// A daemon that is killed at any time, or whose disk is full, and what it still knows afterwards.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/resource.h>

#include "daemon_rig.h"

static const char *const quiet[] = {"--source", "none", NULL};

static int setup(void **state)
{
    static struct rig rig;
    rig_prepare(&rig);
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    rig_stop(*state);
    return 0;
}

static void kill_it(struct rig *rig)
{
    rig_disconnect(rig);
    assert_int_equal(kill(rig->pid, SIGKILL), 0);
    assert_int_equal(rig_reap(rig->pid), -SIGKILL);
    rig->pid = 0;
}

static void restart(struct rig *rig)
{
    kill_it(rig);
    rig->event_count = 0;
    rig_start(rig, quiet);
}

static enum garden_shell_reply_kind create(struct rig *rig, double position, bool latent,
                                           const struct garden_uuid *msg_id, struct garden_uuid *id)
{
    struct garden_shell_request request = {.kind = GARDEN_SHELL_CREATE_REGION,
                                           .create_region = {.position = position, .duration = 4}};
    struct garden_answer answer = rig_answer(rig);
    request.create_region.behavior.kind =
        latent ? GARDEN_BEHAVIOR_LATENT : GARDEN_BEHAVIOR_PLAY_CONTENT;
    request.create_region.behavior.latent.job_id = garden_text_of("thing");
    answer.msg_id = msg_id;
    rig_await(rig, garden_client_shell(rig->client, &request, &answer));
    if (rig->reply.shell_reply.kind == GARDEN_REPLY_REGION_CREATED)
        *id = rig->reply.shell_reply.region_created.region_id;
    return rig->reply.shell_reply.kind;
}

static void ok(struct rig *rig, struct garden_shell_request request)
{
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_OK);
}

static size_t count_regions(struct rig *rig)
{
    const struct garden_shell_request request = {.kind = GARDEN_SHELL_GET_REGIONS};
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_REGIONS);
    return rig->reply.shell_reply.regions.regions.count;
}

static const struct garden_value *dump(struct rig *rig, const char *key)
{
    assert_int_equal(rig_control(rig, GARDEN_CONTROL_DEBUG_DUMP), GARDEN_CONTROL_REPLY_DEBUG_DUMP);
    return garden_value_find(&rig->reply.control_reply.debug_dump.state, key);
}

static void approve(struct rig *rig, struct garden_uuid id)
{
    const struct garden_text text = garden_text_of("text");
    ok(rig, (struct garden_shell_request){.kind = GARDEN_SHELL_UPDATE_LATENT_STARTED,
                                          .update_latent_started = {id, text}});
    ok(rig, (struct garden_shell_request){
                .kind = GARDEN_SHELL_UPDATE_LATENT_RESOLVED,
                .update_latent_resolved = {id, text, text, GARDEN_CONTENT_AUDIO}});
    ok(rig, (struct garden_shell_request){.kind = GARDEN_SHELL_APPROVE_LATENT,
                                          .approve_latent = {id, {{0xad}}}});
}

static struct garden_uuid add_node(struct rig *rig, const char *key)
{
    struct garden_entry port[] = {
        garden_entry_of("name", garden_value_text(garden_text_of("p"))),
        garden_entry_of("signal_type", garden_value_text(garden_text_of("audio")))};
    struct garden_value ports = garden_value_map(port, 2);
    struct garden_entry entry = garden_entry_of(key, garden_value_list(&ports, 1));
    const struct garden_shell_request request = {
        .kind = GARDEN_SHELL_ADD_NODE,
        .add_node = {
            {garden_text_of("node"), garden_text_of("effect"), garden_value_map(&entry, 1)}}};
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_NODE_ADDED);
    return rig->reply.shell_reply.node_added.node_id;
}

static void a_killed_daemon_comes_back_with_its_state(void **state)
{
    struct rig *rig = *state;
    const struct garden_text p = garden_text_of("p");
    struct garden_uuid ids[3];
    uint64_t number;
    rig_start(rig, quiet);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(create(rig, (double)i * 4, i == 1, NULL, &ids[i]),
                         GARDEN_REPLY_REGION_CREATED);
    approve(rig, ids[1]);
    ok(rig, (struct garden_shell_request){.kind = GARDEN_SHELL_DELETE_REGION,
                                          .delete_region = {ids[0]}});
    const struct garden_uuid out = add_node(rig, "outputs"), in = add_node(rig, "inputs");
    ok(rig,
       (struct garden_shell_request){.kind = GARDEN_SHELL_CONNECT, .connect = {{out, p}, {in, p}}});
    ok(rig, (struct garden_shell_request){
                .kind = GARDEN_SHELL_REGISTER_PARTICIPANT,
                .register_participant = {{.id = {{1}}, .name = garden_text_of("ada")}}});
    ok(rig, (struct garden_shell_request){.kind = GARDEN_SHELL_SET_TEMPO, .set_tempo = {90}});
    ok(rig, (struct garden_shell_request){.kind = GARDEN_SHELL_SEEK, .seek = {16.5}});
    for (int life = 0; life < 2; life++) {
        restart(rig);
        assert_int_equal(count_regions(rig), 2);
        assert_true(
            garden_uuid_equal(rig->reply.shell_reply.regions.regions.items[0].region_id, ids[1]));
        const struct garden_shell_request transport = {.kind = GARDEN_SHELL_GET_TRANSPORT_STATE};
        assert_int_equal(rig_shell(rig, &transport), GARDEN_REPLY_TRANSPORT_STATE);
        assert_true(rig->reply.shell_reply.transport_state.position == 16.5);
        assert_true(rig->reply.shell_reply.transport_state.tempo == 90);
        assert_true(
            garden_value_to_u64(garden_value_find(dump(rig, "graph"), "connections"), &number));
        assert_int_equal(number, 1);
        assert_true(garden_value_to_u64(dump(rig, "participants"), &number));
        assert_int_equal(number, 1);
        // Who decided, and when, too.
        const struct garden_value *decisions = dump(rig, "decisions");
        assert_int_equal(decisions->list.count, 1);
        struct garden_text by;
        assert_true(garden_value_to_text(garden_value_find(&decisions->list.items[0], "by"), &by));
        assert_true(garden_text_is(by, "ad000000-0000-0000-0000-000000000000"));
    }
    // An update is enough to know it; registering makes it be online again.
    ok(rig, (struct garden_shell_request){
                .kind = GARDEN_SHELL_UPDATE_PARTICIPANT,
                .update_participant = {{{1}}, {.has_name = true, .name = garden_text_of("eve")}}});
}

static void g15_a_request_is_executed_once_even_when_the_daemon_was_killed_meanwhile(void **state)
{
    struct rig *rig = *state;
    const struct garden_uuid msg_id = {{0x15}};
    struct garden_uuid first, again;
    rig_start(rig, quiet);
    assert_int_equal(create(rig, 0, false, &msg_id, &first), GARDEN_REPLY_REGION_CREATED);
    assert_int_equal(create(rig, 0, false, &msg_id, &again), GARDEN_REPLY_REGION_CREATED);
    assert_true(garden_uuid_equal(first, again));
    for (int life = 0; life < 2; life++) {
        restart(rig); // the reply was lost, perhaps
        assert_int_equal(create(rig, 0, false, &msg_id, &again), GARDEN_REPLY_REGION_CREATED);
        assert_true(garden_uuid_equal(first, again));
        assert_int_equal(count_regions(rig), 1);
    }
}

static void without_a_state_it_begins_anew(void **state)
{
    struct rig *rig = *state;
    static const char *const nothing[] = {"--source", "none", "--state", "none", NULL};
    struct garden_uuid id;
    rig_start(rig, nothing);
    assert_int_equal(create(rig, 0, false, NULL, &id), GARDEN_REPLY_REGION_CREATED);
    kill_it(rig);
    rig_start(rig, nothing);
    assert_int_equal(count_regions(rig), 0);
}

static bool has_error(struct rig *rig)
{
    return rig_count(rig, GARDEN_EVENT_ERROR) > 0;
}

static bool has_welcome(struct rig *rig)
{
    return rig_count(rig, GARDEN_EVENT_WELCOME) > 0;
}

// A limit of the size of files stands for a full disk: the write gets as far as it can, then fails.
static void g10_a_full_disk_refuses_changes_and_the_daemon_goes_on(void **state)
{
    enum { LIMIT = 16 * 1024, MANY = 1000 };
    struct rig *rig = *state;
    struct rlimit before, small;
    struct garden_uuid id;
    size_t made = 0;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = LIMIT;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    rig_start(rig, quiet);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(rig_run(rig, has_welcome, RIG_WAIT_MS));
    while (made < MANY && create(rig, 0, false, NULL, &id) == GARDEN_REPLY_REGION_CREATED)
        made++;
    assert_true(made > 10 && made < MANY);
    assert_int_equal(rig->reply.shell_reply.kind, GARDEN_REPLY_ERROR);
    assert_non_null(strstr(rig->reply.shell_reply.error.error.data, "cannot be kept"));
    assert_true(rig_run(rig, has_error, RIG_WAIT_MS));
    // Nothing was changed, and what changes nothing works, as does an emergency.
    assert_int_equal(count_regions(rig), made);
    assert_int_equal(rig_control(rig, GARDEN_CONTROL_PAUSE), GARDEN_CONTROL_REPLY_OK);
    const struct garden_shell_request play = {.kind = GARDEN_SHELL_PLAY};
    assert_int_equal(rig_shell(rig, &play), GARDEN_REPLY_OK);
    restart(rig); // with room
    assert_int_equal(count_regions(rig), made);
    assert_int_equal(create(rig, 0, false, NULL, &id), GARDEN_REPLY_REGION_CREATED);
}

// Beyond 4 MiB a snapshot replaces the log, while requests go on.
static void the_log_is_replaced_by_a_snapshot_and_stays_bounded(void **state)
{
    enum { ROUNDS = 100, TEXT = 60000 };
    struct rig *rig = *state;
    static char text[TEXT + 1];
    struct garden_uuid id;
    char path[RIG_PATH_SIZE + 32];
    memset(text, 'x', TEXT);
    rig_start(rig, quiet);
    for (int i = 0; i < ROUNDS; i++) {
        struct garden_shell_request request = {.kind = GARDEN_SHELL_CREATE_REGION};
        request.create_region.behavior.kind = GARDEN_BEHAVIOR_PLAY_CONTENT;
        request.create_region.behavior.play_content.artifact_id = garden_text_of(text);
        assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_REGION_CREATED);
        id = rig->reply.shell_reply.region_created.region_id;
        if (i % 10 != 0)
            ok(rig, (struct garden_shell_request){.kind = GARDEN_SHELL_DELETE_REGION,
                                                  .delete_region = {id}});
    }
    snprintf(path, sizeof path, "%s/state/log.0", rig->run_folder);
    for (int i = 0; i < RIG_WAIT_MS / 10 && access(path, F_OK) == 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    assert_int_equal(access(path, F_OK), -1);
    restart(rig);
    assert_int_equal(count_regions(rig), ROUNDS / 10);
}

static void a_killed_daemon_has_every_change_that_it_answered(void **state)
{
    struct rig *rig = *state;
    size_t made = 0;
    rig_start(rig, quiet);
    for (int life = 0; life < 4; life++) {
        struct garden_uuid id;
        for (int i = 0; i < 20 + life; i++) {
            assert_int_equal(create(rig, i, i % 2 == 0, NULL, &id), GARDEN_REPLY_REGION_CREATED);
            made++;
        }
        restart(rig);
        assert_int_equal(count_regions(rig), made);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_killed_daemon_comes_back_with_its_state),
        TEST(g15_a_request_is_executed_once_even_when_the_daemon_was_killed_meanwhile),
        TEST(without_a_state_it_begins_anew),
        TEST(g10_a_full_disk_refuses_changes_and_the_daemon_goes_on),
        TEST(the_log_is_replaced_by_a_snapshot_and_stays_bounded),
        TEST(a_killed_daemon_has_every_change_that_it_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
