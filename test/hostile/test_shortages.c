// Machines run out of descriptors, and peers keep us dialling: nothing spins, and all goes on after it.
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/hoard.h"
#include "test/support/stranger.h"

static void test_a_crowd_before_a_listener_without_descriptors_costs_no_time(void **state)
{
    (void)state;
    enum { CROWD = 20, REST_MS = 1000 };
    struct world world;
    struct node router;
    struct witness witness, late;
    struct stranger crowd[CROWD];
    struct hoard hoard;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_init(&router, &world, ZMTP_ROUTER);
    echo_open(&router);
    world_endpoint(&world, ZMTP_TCP, endpoint);
    node_bind(&router, endpoint);
    witness_open(&witness, &world, endpoint);
    for (size_t i = 0; i < CROWD; i++)
        stranger_open(&crowd[i], &world, endpoint); // in the kernel's queue until they are accepted
    hoard_all(&hoard);
    WORLD_UNTIL(&world, router.events[ZMTP_EVENT_ACCEPT_PAUSED]);
    const size_t held = world.budget.bytes;
    const uint64_t start = cpu_us();
    world_rest(&world, REST_MS);
    const uint64_t used = cpu_us() - start;
    witness_check(&witness);
    hoard_release(&hoard);
    const uint64_t released = uv_hrtime();
    assert_true(used <= REST_MS * 1000 / 50); // two in a hundred
    assert_int_equal(world.budget.bytes, held);
    assert_int_equal(router.events[ZMTP_EVENT_ACCEPT_PAUSED], 1);
    assert_int_equal(router.events[ZMTP_EVENT_ACCEPTED], 1);
    WORLD_UNTIL(&world, router.events[ZMTP_EVENT_ACCEPTED] == 1 + CROWD);
    assert_true(uv_hrtime() - released <= UINT64_C(1000000000));
    witness_open(&late, &world, endpoint);
    for (size_t i = 0; i < CROWD; i++)
        stranger_close(&crowd[i]);
    world_close(&world);
}

// What a hostile server does with who dials it.
enum treatment { HANG_UP, RESET, GARBAGE, SHAKE_HANDS_AND_HANG_UP, TREATMENTS };

static void treat(struct world *world, int fd, enum treatment treatment)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    const struct zmtp_bytes hello = LITERAL(RIG_GREETING RIG_READY_DEALER);
    uint8_t scratch[256];
    switch (treatment) {
    case HANG_UP:
        break;
    case RESET:
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
        break;
    case GARBAGE:
        (void)send(fd, "HTTP/1.1 200 OK\r\n\r\n", 19, MSG_NOSIGNAL);
        break;
    case SHAKE_HANDS_AND_HANG_UP:
        (void)send(fd, hello.data, hello.size, MSG_NOSIGNAL);
        world_spin(world, 5);
        // Or the kernel would reset it.
        (void)recv(fd, scratch, sizeof scratch, MSG_DONTWAIT);
        break;
    case TREATMENTS:
        break;
    }
    close(fd);
}

static void test_a_server_that_hangs_up_is_dialled_at_a_pace(void **state)
{
    (void)state;
    enum { MIN_MS = 8, MAX_MS = 32, DIALS = 12 };
    for (enum treatment treatment = HANG_UP; treatment < TREATMENTS; treatment++) {
        struct world world;
        struct node dealer;
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        const int listener = world_listen(endpoint);
        assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
        node_init(&dealer, &world, ZMTP_DEALER);
        dealer.config.reconnect_min_ms = MIN_MS;
        dealer.config.reconnect_max_ms = MAX_MS;
        node_open(&dealer);
        node_connect(&dealer, endpoint);
        node_send(&dealer, "this waits");
        const size_t descriptors = descriptors_open();
        const uint64_t start = uv_hrtime();
        size_t held = 0;
        while (dealer.events[ZMTP_EVENT_RETRY] < DIALS) {
            const unsigned retries = dealer.events[ZMTP_EVENT_RETRY];
            world_turn(&world);
            const int fd = accept(listener, NULL, NULL);
            if (fd >= 0) treat(&world, fd, treatment);
            if (dealer.events[ZMTP_EVENT_RETRY] == retries) continue;
            // A draw from the upper half of the delay, which doubles up to its cap.
            assert_true(dealer.retry_ms >= MIN_MS / 2);
            assert_true(dealer.retry_ms <= MAX_MS);
            if (treatment != SHAKE_HANDS_AND_HANG_UP && retries >= 3)
                assert_true(dealer.retry_ms >= MAX_MS / 2);
            if (retries == 2) held = world.budget.bytes;
        }
        assert_true(uv_hrtime() - start >= (uint64_t)DIALS * (MIN_MS / 2 - 1) * 1000000);
        assert_int_equal(dealer.events[ZMTP_EVENT_HANDSHAKE_DONE] > 0,
                         treatment == SHAKE_HANDS_AND_HANG_UP);
        assert_int_equal(world.budget.bytes, held);
        assert_true(descriptors_open() <= descriptors + 1);
        close(listener);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_crowd_before_a_listener_without_descriptors_costs_no_time),
        cmocka_unit_test(test_a_server_that_hangs_up_is_dialled_at_a_pace),
    };
    return cmocka_run_group_tests_name("shortages", tests, NULL, NULL);
}
