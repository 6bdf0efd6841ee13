// Subscribers that ask for much: what their topics cost the publisher is bounded by what they sent and
// by the limits, and the others hear on.
#include <string.h>

#include "test/support/stranger.h"

enum {
    COUNT = ZMTP_DEFAULT_SUBSCRIPTIONS_MAX,
    SLACK = 256 * 1024, // slabs that the pool keeps ready
};

// The forms of a subscription: a command of ZMTP 3.1 and a message of 3.0.
enum form { COMMAND, MESSAGE };

struct scene {
    struct world world;
    struct node pub, sub;
    struct stranger stranger;
    char endpoint[ZMTP_ENDPOINT_MAX];
    size_t before, sent;
};

// The honest subscriber hears what is published.
static void scene_check(struct scene *scene)
{
    node_send(&scene->pub, "news");
    WORLD_UNTIL(&scene->world, scene->sub.received == scene->sent + 1);
    scene->sent++;
    assert_string_equal(scene->sub.last, "news");
}

static void scene_open(struct scene *scene)
{
    world_open(&scene->world);
    scene->sent = 0;
    node_start(&scene->pub, &scene->world, ZMTP_PUB);
    world_endpoint(&scene->world, ZMTP_TCP, scene->endpoint);
    node_bind(&scene->pub, scene->endpoint);
    node_start(&scene->sub, &scene->world, ZMTP_SUB);
    assert_int_equal(zmtp_uv_subscribe(scene->sub.socket, zmtp_bytes_text("news")), ZMTP_OK);
    node_connect(&scene->sub, scene->endpoint);
    WORLD_UNTIL(&scene->world, zmtp_uv_subscribers(scene->pub.socket) == 1);
    scene_check(scene);
    stranger_open(&scene->stranger, &scene->world, scene->endpoint);
    stranger_join(&scene->stranger, &scene->pub, LITERAL(RIG_READY_SUB));
    scene->before = scene->world.budget.bytes;
    scene->stranger.said = 0;
}

static void scene_close(struct scene *scene)
{
    scene_check(scene);
    stranger_close(&scene->stranger);
    world_close(&scene->world);
}

// Writes the subscription, or its end, to the |number|-th topic of |size| octets; returns its size.
static size_t write_wish(uint8_t *out, enum form form, bool subscribe, size_t number, size_t size)
{
    static const uint8_t *const names[] = {(const uint8_t *)"\6CANCEL",
                                           (const uint8_t *)"\x09SUBSCRIBE"};
    const uint8_t *head =
        form == MESSAGE ? (const uint8_t *)(subscribe ? "\1" : "\0") : names[subscribe];
    const size_t head_size = form == MESSAGE ? 1 : 1 + head[0];
    const size_t body = head_size + size;
    size_t at = 0;
    out[at++] =
        (uint8_t)((form == COMMAND ? ZMTP_FLAG_COMMAND : 0) | (body > 255 ? ZMTP_FLAG_LONG : 0));
    for (size_t i = body > 255 ? 8 : 1; i > 0; i--)
        out[at++] = (uint8_t)(i > 4 ? 0 : body >> 8 * (i - 1));
    memcpy(out + at, head, head_size);
    at += head_size;
    for (size_t i = 0; i < size; i++)
        out[at + i] = (uint8_t)(i < 4 ? number >> 8 * i : 't');
    return at + size;
}

static void say_wish(struct scene *scene, enum form form, bool subscribe, size_t number,
                     size_t size)
{
    static uint8_t octets[64 * 1024 + 32];
    const size_t filled = write_wish(octets, form, subscribe, number, size);
    (void)stranger_say(&scene->stranger, (struct zmtp_bytes){octets, filled});
}

// Those that are from first to before last, in as few pieces as can be.
static void say_wishes(struct scene *scene, enum form form, bool subscribe, size_t first,
                       size_t last, size_t size)
{
    static uint8_t octets[64 * 1024];
    size_t filled = 0;
    for (size_t i = first; i < last; i++) {
        filled += write_wish(octets + filled, form, subscribe, i, size);
        if (i + 1 < last && filled + size + 32 <= sizeof octets) continue;
        (void)stranger_say(&scene->stranger, (struct zmtp_bytes){octets, filled});
        filled = 0;
    }
}

static void scene_refused(struct scene *scene)
{
    stranger_until_refused(&scene->stranger);
    WORLD_UNTIL(&scene->world, zmtp_uv_subscribers(scene->pub.socket) == 1);
    // The pool gives large slabs back when nobody has needed them for a while.
    WORLD_UNTIL(&scene->world, scene->world.budget.bytes <= scene->before + SLACK);
    scene_close(scene);
}

static size_t scene_held(const struct scene *scene)
{
    return scene->world.budget.bytes - scene->before;
}

// libzmq 4.3.4 holds 32 to 45 times what was sent.
static void test_topics_cost_at_most_four_times_what_was_sent(void **state)
{
    (void)state;
    const struct {
        enum form form;
        size_t size;
    } cases[] = {
        {COMMAND, 2}, {COMMAND, 3},  {COMMAND, 4},  {COMMAND, 20}, {COMMAND, 64},
        {MESSAGE, 2}, {MESSAGE, 3},  {MESSAGE, 4},  {MESSAGE, 5},  {MESSAGE, 7},
        {MESSAGE, 8}, {MESSAGE, 14}, {MESSAGE, 20}, {MESSAGE, 64},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scene scene;
        scene_open(&scene);
        say_wishes(&scene, cases[i].form, true, 0, COUNT, cases[i].size);
        world_spin(&scene.world, 20);
        assert_false(scene.stranger.refused);
        assert_true(scene_held(&scene) > COUNT * cases[i].size); // all are there
        assert_true(scene_held(&scene) <= 4 * scene.stranger.said);
        assert_true(scene_held(&scene) <= 2 * ZMTP_DEFAULT_TOPIC_BYTES_MAX);
        scene_check(&scene);
        // Repetitions cost nothing; one topic more is too much.
        const size_t held = scene_held(&scene);
        say_wishes(&scene, cases[i].form, true, 0, COUNT, cases[i].size);
        world_spin(&scene.world, 20);
        assert_true(scene_held(&scene) <= held + SLACK);
        say_wish(&scene, cases[i].form, true, COUNT, cases[i].size);
        scene_refused(&scene);
    }
}

static void test_large_topics_have_a_limit_of_octets(void **state)
{
    (void)state;
    enum { LARGE = 60000 };
    struct scene scene;
    scene_open(&scene);
    const size_t fit = ZMTP_DEFAULT_TOPIC_BYTES_MAX / LARGE;
    for (size_t i = 0; i < fit; i++)
        say_wish(&scene, COMMAND, true, i, LARGE);
    world_spin(&scene.world, 20);
    assert_false(scene.stranger.refused);
    assert_true(scene_held(&scene) >= fit * LARGE);
    assert_true(scene_held(&scene) <= 4 * scene.stranger.said);
    say_wish(&scene, COMMAND, true, fit, LARGE);
    scene.before += 3 * 1024 * 1024; // what a pool keeps at most of slabs up to 68 KiB
    scene_refused(&scene);
}

// The stranger says |count| things that mean nothing; returns when all that it said was looked at.
static void scene_heard(struct scene *scene, size_t count)
{
    const struct zmtp_bytes nothing = LITERAL("\0\3\2no");
    const uint64_t before = zmtp_uv_counters(scene->pub.socket).dropped[ZMTP_DROP_UNEXPECTED];
    assert_true(stranger_repeat(&scene->stranger, nothing, count * nothing.size));
    WORLD_UNTIL(&scene->world, zmtp_uv_counters(scene->pub.socket).dropped[ZMTP_DROP_UNEXPECTED] ==
                                   before + count);
}

static void test_topics_that_come_and_go_leave_nothing(void **state)
{
    (void)state;
    enum { ROUNDS = 8 };
    struct scene scene;
    scene_open(&scene);
    for (size_t i = 0; i < ROUNDS; i++) {
        say_wishes(&scene, i % 2, true, 0, COUNT, 8);
        say_wishes(&scene, i % 2, false, 0, COUNT, 8); // the oldest first
        scene_check(&scene);
    }
    scene_heard(&scene, 1);
    assert_int_equal(zmtp_uv_subscribers(scene.pub.socket), 1);
    assert_true(scene_held(&scene) <= SLACK);
    // Ends of what never was, and messages that are neither.
    for (size_t i = 0; i < ROUNDS; i++) {
        say_wishes(&scene, i % 2, false, 0, COUNT, 8);
        scene_heard(&scene, 1000);
    }
    scene_check(&scene);
    assert_true(scene_held(&scene) <= SLACK);
    scene_close(&scene);
}

// Each has its own limits, and goes without a trace.
static void test_a_crowd_of_subscribers_to_the_same_topics_goes_without_a_trace(void **state)
{
    (void)state;
    enum { CROWD = 50, TOPICS = 500 };
    struct scene scene;
    struct stranger crowd[CROWD];
    scene_open(&scene);
    const struct stranger first = scene.stranger;
    for (size_t i = 0; i < CROWD; i++) {
        stranger_open(&scene.stranger, &scene.world, scene.endpoint);
        stranger_join(&scene.stranger, &scene.pub, LITERAL(RIG_READY_SUB));
        say_wishes(&scene, COMMAND, true, 0, TOPICS, 8);
        crowd[i] = scene.stranger;
    }
    WORLD_UNTIL(&scene.world, zmtp_uv_subscribers(scene.pub.socket) == 1 + CROWD);
    scene_check(&scene);
    for (size_t i = 0; i < CROWD; i++)
        stranger_reset(&crowd[i]);
    WORLD_UNTIL(&scene.world, zmtp_uv_subscribers(scene.pub.socket) == 1);
    WORLD_UNTIL(&scene.world, scene.pub.events[ZMTP_EVENT_CLOSED] == CROWD);
    world_spin(&scene.world, 3);
    assert_true(scene_held(&scene) <= SLACK);
    scene.stranger = first;
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topics_cost_at_most_four_times_what_was_sent),
        cmocka_unit_test(test_large_topics_have_a_limit_of_octets),
        cmocka_unit_test(test_topics_that_come_and_go_leave_nothing),
        cmocka_unit_test(test_a_crowd_of_subscribers_to_the_same_topics_goes_without_a_trace),
    };
    return cmocka_run_group_tests_name("topics", tests, NULL, NULL);
}
