// What a socket tells of its life: dials, handshakes, ends, drops, each with its reason.
#include <stdio.h>
#include <string.h>

#include "test/support/stranger.h"

static const enum zmtp_transport transports[] = {ZMTP_TCP, ZMTP_IPC, ZMTP_INPROC};
enum { TRANSPORTS = sizeof transports / sizeof transports[0] };

// What was told, in order: one letter a kind, and how often messages were dropped for each reason.
struct diary {
    char kinds[256];
    size_t filled;
    uint64_t dropped[ZMTP_DROPS];
    unsigned told[ZMTP_DROPS];
    uint64_t peer; // of the last event
    char endpoint[ZMTP_ENDPOINT_MAX], remote[ZMTP_ENDPOINT_MAX];
};

static const char letters[ZMTP_EVENTS + 1] = "LACcDFxfRGPSdr";

static void keep(struct node *node, const struct zmtp_event *event)
{
    struct diary *diary = node->other;
    if (diary->filled + 1 < sizeof diary->kinds)
        diary->kinds[diary->filled++] = letters[event->kind];
    diary->peer = event->peer;
    snprintf(diary->endpoint, sizeof diary->endpoint, "%s", event->endpoint);
    snprintf(diary->remote, sizeof diary->remote, "%s", event->remote);
    if (event->kind != ZMTP_EVENT_DROPPED) return;
    assert_true(event->count > 0);
    diary->dropped[event->drop] += event->count;
    diary->told[event->drop]++;
}

static void write_diary(struct node *node, struct diary *diary)
{
    *diary = (struct diary){.filled = 0};
    node->other = diary;
    node->note = keep;
}

static void test_every_kind_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (enum zmtp_event_kind a = 0; a < ZMTP_EVENTS; a++) {
        assert_string_not_equal(zmtp_event_name(a), "unknown");
        for (enum zmtp_event_kind b = 0; b < a; b++)
            assert_string_not_equal(zmtp_event_name(a), zmtp_event_name(b));
    }
    assert_string_equal(zmtp_event_name(ZMTP_EVENTS), "unknown");
}

// ZMTP37-ERR-05
static void test_a_dial_is_told_from_its_beginning_to_its_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct node a, b;
        struct diary diary, other;
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        world_endpoint(&world, transports[i], endpoint);
        node_start(&a, &world, ZMTP_PAIR);
        write_diary(&a, &diary);
        node_connect(&a, endpoint);
        WORLD_UNTIL(&world, a.events[ZMTP_EVENT_RETRY] == 1);
        assert_string_equal(diary.kinds, "CfR");
        assert_true(a.retry_ms > 0);
        const int nobody = a.errors[ZMTP_EVENT_DIAL_FAILED];
        assert_int_equal(nobody, i == 0 ? ZMTP_ERR_REFUSED : ZMTP_ERR_NOT_FOUND);
        assert_true(strlen(a.reasons[ZMTP_EVENT_DIAL_FAILED]) > 0);
        node_start(&b, &world, ZMTP_PAIR);
        write_diary(&b, &other);
        node_bind(&b, endpoint);
        WORLD_UNTIL(&world,
                    a.events[ZMTP_EVENT_HANDSHAKE_DONE] && b.events[ZMTP_EVENT_HANDSHAKE_DONE]);
        assert_string_equal(diary.kinds + diary.filled - 3, "CcD");
        assert_string_equal(other.kinds, "LAD");
        assert_string_equal(diary.endpoint, endpoint);
        assert_true(strlen(diary.remote) > 0 && diary.peer > 0);
        node_close(&b);
        WORLD_UNTIL(&world, a.events[ZMTP_EVENT_CLOSED] == 1);
        const unsigned retries = a.events[ZMTP_EVENT_RETRY];
        WORLD_UNTIL(&world, a.events[ZMTP_EVENT_RETRY] > retries || strstr(diary.kinds, "DxR"));
        assert_non_null(strstr(diary.kinds, "CcDxR"));
        assert_int_equal(a.errors[ZMTP_EVENT_CLOSED], ZMTP_ERR_EOF);
        world_close(&world);
    }
}

// ZMTP37-STYPE-03
static void test_a_handshake_that_fails_is_told_by_both_with_its_reason(void **state)
{
    (void)state;
    struct world world;
    struct node push, pub;
    struct diary diary, other;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_start(&push, &world, ZMTP_PUSH);
    node_start(&pub, &world, ZMTP_PUB);
    write_diary(&push, &diary);
    write_diary(&pub, &other);
    world_endpoint(&world, ZMTP_TCP, endpoint);
    node_bind(&pub, endpoint);
    node_connect(&push, endpoint);
    WORLD_UNTIL(&world, push.events[ZMTP_EVENT_HANDSHAKE_FAILED]);
    WORLD_UNTIL(&world, pub.events[ZMTP_EVENT_HANDSHAKE_FAILED]);
    assert_true(push.errors[ZMTP_EVENT_HANDSHAKE_FAILED] == ZMTP_ERR_SOCKET_TYPE ||
                push.errors[ZMTP_EVENT_HANDSHAKE_FAILED] == ZMTP_ERR_PEER);
    assert_int_equal(pub.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_SOCKET_TYPE);
    assert_null(strchr(diary.kinds, 'D'));
    assert_null(strchr(other.kinds, 'x'));
    world_close(&world);
}

static void test_a_peer_that_falls_silent_is_told_as_a_lost_heartbeat(void **state)
{
    (void)state;
    struct world world;
    struct node pull;
    struct stranger stranger;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_init(&pull, &world, ZMTP_PULL);
    pull.config.limits.heartbeat_interval_ms = 20;
    pull.config.limits.heartbeat_timeout_ms = 20;
    node_open(&pull);
    world_endpoint(&world, ZMTP_TCP, endpoint);
    node_bind(&pull, endpoint);
    stranger_open(&stranger, &world, endpoint);
    stranger_join(&stranger, &pull, LITERAL(RIG_READY_PUSH));
    WORLD_UNTIL(&world, pull.events[ZMTP_EVENT_CLOSED] == 1);
    assert_int_equal(pull.errors[ZMTP_EVENT_CLOSED], ZMTP_ERR_HEARTBEAT);
    stranger_close(&stranger);
    world_close(&world);
}

static void test_an_end_of_listening_is_told_from_the_loop(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct world world;
        struct node a, hasty;
        struct diary diary;
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        world_endpoint(&world, transports[i], endpoint);
        node_start(&a, &world, ZMTP_PULL);
        write_diary(&a, &diary);
        node_bind(&a, endpoint);
        WORLD_UNTIL(&world, a.events[ZMTP_EVENT_LISTENING] == 1);
        assert_int_equal(zmtp_uv_unbind(a.socket, endpoint), ZMTP_OK);
        assert_int_equal(zmtp_uv_unbind(a.socket, endpoint), ZMTP_ERR_NOT_FOUND);
        assert_string_equal(diary.kinds, "L");
        // The name is free at once.
        node_start(&hasty, &world, ZMTP_PULL);
        node_bind(&hasty, endpoint);
        WORLD_UNTIL(&world, a.events[ZMTP_EVENT_STOPPED] == 1);
        assert_string_equal(diary.kinds, "LS");
        assert_string_equal(diary.endpoint, endpoint);
        // Who closes at once hears nothing, and nobody is called after it.
        WORLD_UNTIL(&world, hasty.events[ZMTP_EVENT_LISTENING] == 1);
        assert_int_equal(zmtp_uv_unbind(hasty.socket, endpoint), ZMTP_OK);
        node_close(&hasty);
        assert_int_equal(hasty.events[ZMTP_EVENT_STOPPED], 0);
        world_close(&world);
    }
}

// What was told of drops is what was counted.
static void diary_check_drops(const struct node *node)
{
    const struct diary *diary = node->other;
    const struct zmtp_socket_counters counters = zmtp_uv_counters(node->socket);
    for (enum zmtp_drop drop = 0; drop < ZMTP_DROPS; drop++)
        assert_int_equal(diary->dropped[drop], counters.dropped[drop]);
}

static void test_a_flood_of_drops_is_told_once_a_turn(void **state)
{
    (void)state;
    enum { FLOOD = 10000 };
    struct world world;
    struct node pub;
    struct diary diary;
    world_open(&world);
    node_start(&pub, &world, ZMTP_PUB);
    write_diary(&pub, &diary);
    for (unsigned turn = 1; turn <= 3; turn++) {
        for (size_t i = 0; i < FLOOD; i++)
            node_send(&pub, "nobody hears this");
        assert_int_equal(diary.told[ZMTP_DROP_NO_MATCH], turn - 1); // not from inside the call
        world_turn(&world);
        assert_int_equal(diary.told[ZMTP_DROP_NO_MATCH], turn);
        assert_int_equal(diary.dropped[ZMTP_DROP_NO_MATCH], turn * FLOOD);
    }
    world_spin(&world, 5);
    assert_int_equal(diary.filled, 3);
    diary_check_drops(&pub);
    world_close(&world);
}

static void close_on_drop(struct node *node, const struct zmtp_event *event)
{
    if (event->kind == ZMTP_EVENT_DROPPED) zmtp_uv_socket_close(node->socket, NULL, NULL);
}

static void test_a_socket_may_be_closed_when_it_tells_of_a_drop(void **state)
{
    (void)state;
    struct world world;
    struct node pub, other;
    struct diary diary;
    world_open(&world);
    node_start(&pub, &world, ZMTP_PUB);
    node_start(&other, &world, ZMTP_PUB);
    pub.note = close_on_drop;
    write_diary(&other, &diary);
    for (size_t i = 0; i < 2; i++) {
        node_send(&other, "dropped");
        node_send(&pub, "dropped");
    }
    WORLD_UNTIL(&world, diary.told[ZMTP_DROP_NO_MATCH] == 1);
    world_spin(&world, 3);
    assert_int_equal(pub.events[ZMTP_EVENT_DROPPED], 1);
    diary_check_drops(&other);
    // Closed before it could tell.
    node_start(&pub, &world, ZMTP_PUB);
    node_send(&pub, "dropped");
    node_close(&pub);
    assert_int_equal(pub.events[ZMTP_EVENT_DROPPED], 0);
    world_close(&world);
}

// Two joined sockets, to have one of them drop messages for a reason.
struct scene {
    struct world world;
    struct node a, b;
    struct diary diary; // of |a|
    char endpoint[ZMTP_ENDPOINT_MAX];
};

static void scene_init(struct scene *scene, enum zmtp_socket_type a, enum zmtp_socket_type b)
{
    world_open(&scene->world);
    node_init(&scene->a, &scene->world, a);
    node_init(&scene->b, &scene->world, b);
    world_endpoint(&scene->world, ZMTP_TCP, scene->endpoint);
}

static void scene_open(struct scene *scene)
{
    node_open_pull(&scene->a);
    node_open_pull(&scene->b);
    write_diary(&scene->a, &scene->diary);
    node_bind(&scene->a, scene->endpoint);
    node_connect(&scene->b, scene->endpoint);
    WORLD_UNTIL(&scene->world, scene->a.events[ZMTP_EVENT_HANDSHAKE_DONE] &&
                                   scene->b.events[ZMTP_EVENT_HANDSHAKE_DONE]);
}

static void scene_check(struct scene *scene, enum zmtp_drop reason)
{
    WORLD_UNTIL(&scene->world, scene->diary.told[reason] > 0);
    world_spin(&scene->world, 5);
    diary_check_drops(&scene->a);
    world_close(&scene->world);
}

// Sends until there is no room, nor in the kernel.
static void scene_stuff(struct node *node, const char *text)
{
    for (int full = 0; full < 20;) {
        const int result = node_try(node, text);
        if (result != ZMTP_ERR_AGAIN) continue;
        full++;
        world_spin(node->world, 1);
    }
}

static char long_text[WORLD_TEXT * 64];

static void test_what_waited_for_a_peer_that_went_is_told(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, ZMTP_PUSH, ZMTP_PULL);
    scene.a.config.socket.send_count_max = 3;
    scene.b.config.socket.recv_count_max = 3;
    scene_open(&scene);
    scene_stuff(&scene.a, long_text);
    node_close(&scene.b);
    scene_check(&scene, ZMTP_DROP_PEER_GONE);
}

static void test_what_a_full_subscriber_missed_is_told(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, ZMTP_PUB, ZMTP_SUB);
    scene.a.config.socket.send_count_max = 2;
    scene.b.config.socket.recv_count_max = 2;
    scene_open(&scene);
    assert_int_equal(zmtp_uv_subscribe(scene.b.socket, zmtp_bytes_text("")), ZMTP_OK);
    WORLD_UNTIL(&scene.world, zmtp_uv_subscribers(scene.a.socket) == 1);
    while (!scene.diary.told[ZMTP_DROP_PEER_FULL]) {
        node_send(&scene.a, long_text);
        world_turn(&scene.world);
    }
    scene_check(&scene, ZMTP_DROP_PEER_FULL);
}

static void test_what_was_for_nobody_is_told(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, ZMTP_ROUTER, ZMTP_DEALER);
    scene.a.config.socket.router_mandatory = false;
    scene_open(&scene);
    node_send(&scene.a, "nobody|hello");
    scene_check(&scene, ZMTP_DROP_NO_ROUTE);
}

static void test_what_came_without_an_envelope_is_told(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, ZMTP_REP, ZMTP_DEALER);
    scene_open(&scene);
    node_send(&scene.b, "no delimiter");
    scene_check(&scene, ZMTP_DROP_ENVELOPE);
}

static void test_what_came_unexpected_is_told(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, ZMTP_PUB, ZMTP_XSUB);
    scene_open(&scene);
    node_send(&scene.b, "news for a publisher");
    scene_check(&scene, ZMTP_DROP_UNEXPECTED);
}

static void test_what_waited_for_an_endpoint_that_was_disconnected_is_told(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, ZMTP_DEALER, ZMTP_DEALER);
    scene.a.config.linger_ms = 0;
    node_open_pull(&scene.a);
    write_diary(&scene.a, &scene.diary);
    node_open_pull(&scene.b);
    node_connect(&scene.a, scene.endpoint);
    node_send(&scene.a, "one");
    node_send(&scene.a, "two");
    assert_int_equal(zmtp_uv_disconnect(scene.a.socket, scene.endpoint), ZMTP_OK);
    scene_check(&scene, ZMTP_DROP_CLOSED);
}

static void test_what_a_later_message_took_the_place_of_is_told(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, ZMTP_PUSH, ZMTP_PULL);
    scene.a.config.socket.conflate = true;
    scene_open(&scene);
    for (size_t i = 0; i < 5; i++)
        node_send(&scene.a, "news");
    scene_check(&scene, ZMTP_DROP_REPLACED);
    scene_init(&scene, ZMTP_PULL, ZMTP_PUSH);
    scene.a.config.socket.conflate = true;
    scene_open(&scene);
    for (size_t i = 0; i < 5; i++)
        node_send(&scene.b, "news");
    scene_check(&scene, ZMTP_DROP_OUTDATED);
}

int main(void)
{
    memset(long_text, 't', sizeof long_text - 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_has_a_name_of_its_own),
        cmocka_unit_test(test_a_dial_is_told_from_its_beginning_to_its_end),
        cmocka_unit_test(test_a_handshake_that_fails_is_told_by_both_with_its_reason),
        cmocka_unit_test(test_a_peer_that_falls_silent_is_told_as_a_lost_heartbeat),
        cmocka_unit_test(test_an_end_of_listening_is_told_from_the_loop),
        cmocka_unit_test(test_a_flood_of_drops_is_told_once_a_turn),
        cmocka_unit_test(test_a_socket_may_be_closed_when_it_tells_of_a_drop),
        cmocka_unit_test(test_what_waited_for_a_peer_that_went_is_told),
        cmocka_unit_test(test_what_a_full_subscriber_missed_is_told),
        cmocka_unit_test(test_what_was_for_nobody_is_told),
        cmocka_unit_test(test_what_came_without_an_envelope_is_told),
        cmocka_unit_test(test_what_came_unexpected_is_told),
        cmocka_unit_test(test_what_waited_for_an_endpoint_that_was_disconnected_is_told),
        cmocka_unit_test(test_what_a_later_message_took_the_place_of_is_told),
    };
    return cmocka_run_group_tests_name("uv events", tests, NULL, NULL);
}
