// How much of what was sent to many waits, to be written together.
#include "test/support/world.h"

enum { CROWD = 12 };

static void subscribe_crowd(struct node *pub, struct node subs[CROWD])
{
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_endpoint(pub->world, ZMTP_TCP, endpoint);
    node_bind(pub, endpoint);
    for (size_t i = 0; i < CROWD; i++) {
        node_start(&subs[i], pub->world, ZMTP_SUB);
        node_connect(&subs[i], endpoint);
        zmtp_uv_subscribe(subs[i].socket, (struct zmtp_bytes){0});
    }
    WORLD_UNTIL(pub->world, zmtp_uv_subscribers(pub->socket) == CROWD);
}

// Of small ones as many leave together as fit into a segment of 65,483 octets, with their headers.
static void test_small_messages_to_many_leave_when_they_fill_a_segment(void **state)
{
    (void)state;
    static const struct {
        size_t size, count;
    } cases[] = {{64, 65483 / 66},
                 {255, 65483 / 257},
                 {256, 65483 / 265},
                 {1024, 65483 / 1033},
                 {4096, 65483 / 4105}};
    static const uint8_t body[4096];
    struct world world;
    struct node pub, subs[CROWD];
    world_open(&world);
    node_start(&pub, &world, ZMTP_PUB);
    subscribe_crowd(&pub, subs);
    size_t received = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct zmtp_bytes part = {body, cases[i].size};
        for (size_t sent = 1; sent <= cases[i].count; sent++) {
            assert_int_equal(zmtp_uv_send(pub.socket, &part, 1), ZMTP_OK);
            // The kernel takes most of it, at least.
            const bool waits = zmtp_uv_counters(pub.socket).queued == sent * CROWD;
            assert_int_equal(waits, sent < cases[i].count);
        }
        received += cases[i].count;
        for (size_t k = 0; k < CROWD; k++)
            WORLD_UNTIL(&world, subs[k].received == received);
    }
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_messages_to_many_leave_when_they_fill_a_segment),
    };
    return cmocka_run_group_tests_name("uv gather", tests, NULL, NULL);
}
