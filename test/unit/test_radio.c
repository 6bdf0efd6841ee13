// RADIO (RFC 48).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/support/sockets.h"

static uint64_t dropped(const struct zmtp_socket *socket, enum zmtp_drop reason)
{
    return zmtp_socket_counters(socket).dropped[reason];
}

// RD48-RADIO-04, RADIO-05; ZMTP37-RD-01, RD-03
static void test_a_message_goes_to_those_who_joined_exactly_its_group(void **state)
{
    (void)state;
    struct zmtp_socket *radio = sockets_open(ZMTP_RADIO, 9);
    struct zmtp_pipe_end *a = sockets_accept(radio, ""), *b = sockets_accept(radio, "");
    sockets_far_send(a, "<JOIN>g");
    sockets_far_send(a, "<JOIN>gg");
    sockets_far_send(b, "<JOIN>g");
    sockets_far_send(b, "<JOIN>");
    assert_string_equal(sockets_send(radio, "g|1"), "ZMTP_OK");
    assert_string_equal(sockets_send(radio, "gg|2"), "ZMTP_OK");
    assert_string_equal(sockets_send(radio, "|3"), "ZMTP_OK"); // the empty group
    assert_string_equal(sockets_send(radio, "ggg|4"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "g|1");
    assert_string_equal(sockets_far_recv(a), "gg|2");
    assert_string_equal(sockets_far_recv(a), "");
    assert_string_equal(sockets_far_recv(b), "g|1");
    assert_string_equal(sockets_far_recv(b), "|3");
    assert_string_equal(sockets_far_recv(b), "");
    assert_int_equal(zmtp_socket_subscribers(radio), 2);
    assert_int_equal(dropped(radio, ZMTP_DROP_NO_MATCH), 1);
    sockets_far_send(a, "<LEAVE>g");
    sockets_far_send(a, "<LEAVE>unheard of");
    assert_string_equal(sockets_send(radio, "g|5"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "");
    assert_string_equal(sockets_far_recv(b), "g|5");
    sockets_assert_conserved(radio, 5);
    zmtp_socket_close(radio);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// RD48-GRP-01; ZMTP37-RD-03, RD-04, TS-02
static void test_a_message_is_a_group_and_a_body(void **state)
{
    (void)state;
    struct zmtp_socket *radio = sockets_open(ZMTP_RADIO, 9);
    uint8_t group[256];
    for (size_t i = 0; i < sizeof group; i++)
        group[i] = 'g';
    struct zmtp_bytes parts[] = {{group, 255}, {NULL, 0}};
    assert_int_equal(zmtp_socket_send_bytes(radio, parts, 2), ZMTP_OK);
    parts[0].size = 256;
    assert_int_equal(zmtp_socket_send_bytes(radio, parts, 2), ZMTP_ERR_ARGUMENT);
    assert_string_equal(sockets_send(radio, "group"), "ZMTP_ERR_ARGUMENT");
    assert_string_equal(sockets_send(radio, "group|body|more"), "ZMTP_ERR_ARGUMENT");
    assert_string_equal(sockets_send(radio, "g\\x00|body"), "ZMTP_ERR_ARGUMENT");
    assert_int_equal(zmtp_socket_counters(radio).sent, 1);
    zmtp_socket_close(radio);
}

// RD48-RADIO-01, RADIO-02, RADIO-05
static void test_what_else_a_dish_sends_is_dropped_and_counted(void **state)
{
    (void)state;
    struct zmtp_socket *radio = sockets_open(ZMTP_RADIO, 9);
    struct zmtp_pipe_end *a = sockets_accept(radio, "");
    sockets_far_send(a, "\\x01g");
    sockets_far_send(a, "g|body");
    sockets_far_send(a, "<SUBSCRIBE>g");
    sockets_far_send(a, "<JOIN>\\x00");
    zmtp_socket_process(radio);
    assert_int_equal(dropped(radio, ZMTP_DROP_UNEXPECTED), 4);
    assert_int_equal(zmtp_socket_subscribers(radio), 0);
    assert_string_equal(sockets_recv(radio), "ZMTP_ERR_UNSUPPORTED");
    assert_int_equal(zmtp_socket_events(radio), ZMTP_WRITABLE);
    zmtp_socket_close(radio);
    zmtp_pipe_close(a);
}

// RD48-RADIO-01, RADIO-04
static void test_a_full_dish_misses_messages_unless_nodrop(void **state)
{
    (void)state;
    for (int nodrop = 0; nodrop < 2; nodrop++) {
        struct zmtp_socket_config config = sockets_config(ZMTP_RADIO, 1);
        config.nodrop = nodrop;
        struct zmtp_socket *radio = sockets_open_with(&config);
        struct zmtp_pipe_end *a = sockets_accept(radio, ""), *b = sockets_accept(radio, "");
        sockets_far_send(a, "<JOIN>g");
        sockets_far_send(b, "<JOIN>g");
        assert_string_equal(sockets_send(radio, "g|1"), "ZMTP_OK");
        assert_string_equal(sockets_far_recv(a), "g|1");
        assert_string_equal(sockets_send(radio, "g|2"), nodrop ? "ZMTP_ERR_AGAIN" : "ZMTP_OK");
        assert_int_equal(zmtp_socket_events(radio), nodrop ? 0 : ZMTP_WRITABLE);
        assert_string_equal(sockets_far_recv(a), nodrop ? "" : "g|2");
        assert_string_equal(sockets_far_recv(b), "g|1");
        assert_int_equal(zmtp_socket_events(radio), ZMTP_WRITABLE);
        assert_int_equal(dropped(radio, ZMTP_DROP_PEER_FULL), !nodrop);
        sockets_assert_conserved(radio, nodrop ? 2 : 3);
        zmtp_socket_close(radio);
        zmtp_pipe_close(a);
        zmtp_pipe_close(b);
    }
}

// RD48-RADIO-01
static void test_groups_go_with_a_dish_and_wait_for_a_dialled_one(void **state)
{
    (void)state;
    struct zmtp_socket *radio = sockets_open(ZMTP_RADIO, 9);
    struct zmtp_pipe_end *a = sockets_accept(radio, ""), *b = sockets_dial(radio);
    sockets_connect(b, "");
    sockets_far_send(a, "<JOIN>g");
    sockets_far_send(b, "<JOIN>g");
    assert_string_equal(sockets_send(radio, "g|1"), "ZMTP_OK");
    sockets_drop(a);
    zmtp_pipe_link_down(b);
    assert_string_equal(sockets_send(radio, "g|2"), "ZMTP_OK");
    assert_int_equal(dropped(radio, ZMTP_DROP_PEER_GONE), 1);
    assert_int_equal(zmtp_socket_subscribers(radio), 1);
    sockets_connect(b, "");
    assert_string_equal(sockets_send(radio, "g|3"), "ZMTP_OK"); // it has not joined again
    assert_string_equal(sockets_far_recv(b), "g|1");
    assert_string_equal(sockets_far_recv(b), "g|2");
    assert_string_equal(sockets_far_recv(b), "");
    sockets_assert_conserved(radio, 2);
    zmtp_socket_close(radio);
    zmtp_pipe_close(b);
}

static void test_who_joins_beyond_the_limits_is_cut_off(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_RADIO, 9);
    config.subscriptions_max = 2;
    struct zmtp_socket *radio = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_accept(radio, "");
    sockets_far_send(a, "<JOIN>1");
    sockets_far_send(a, "<JOIN>2");
    sockets_far_send(a, "<JOIN>2");
    zmtp_socket_process(radio);
    assert_int_equal(sockets_pipes(radio), 1);
    sockets_far_send(a, "<JOIN>3");
    zmtp_socket_process(radio);
    assert_int_equal(sockets_pipes(radio), 0);
    assert_int_equal(zmtp_socket_subscribers(radio), 0);
    zmtp_socket_close(radio);
    zmtp_pipe_close(a);
}

static void radiate_with_failing_memory(const struct zmtp_allocator *allocator)
{
    struct zmtp_socket_config config = sockets_config(ZMTP_RADIO, 2);
    config.allocator = allocator;
    struct zmtp_socket *radio;
    if (zmtp_socket_open(&radio, &config) < 0) return;
    const bool for_good = ((const struct zmtp_budget *)allocator->context)->fail_on;
    struct zmtp_pipe_end *far[2] = {NULL, NULL};
    size_t left = 0, joined = 0;
    for (size_t i = 0; i < 2; i++) {
        if (zmtp_socket_attach(radio, false, (struct zmtp_bytes){0}, &far[i]) < 0) continue;
        if (sockets_far_try(far[i], "<JOIN>g") || sockets_far_try(far[i], "<JOIN>g")) joined++;
    }
    for (int tries = 0; tries < 3 && zmtp_socket_marked(radio); tries++)
        zmtp_socket_process(radio);
    if (!for_good) assert_int_equal(zmtp_socket_subscribers(radio), joined);
    for (int i = 0; i < 3; i++) {
        (void)sockets_send(radio, "g|x");
        for (size_t k = 0; k < 2; k++)
            left += far[k] && *sockets_far_recv(far[k]);
    }
    assert_true(left > 0 || for_good);
    sockets_assert_conserved(radio, left);
    zmtp_socket_close(radio);
    zmtp_pipe_close(far[0]);
    zmtp_pipe_close(far[1]);
}

static void test_whichever_allocation_fails_nothing_is_lost_or_leaks(void **state)
{
    (void)state;
    sockets_with_failing_memory(radiate_with_failing_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_message_goes_to_those_who_joined_exactly_its_group),
        cmocka_unit_test(test_a_message_is_a_group_and_a_body),
        cmocka_unit_test(test_what_else_a_dish_sends_is_dropped_and_counted),
        cmocka_unit_test(test_a_full_dish_misses_messages_unless_nodrop),
        cmocka_unit_test(test_groups_go_with_a_dish_and_wait_for_a_dialled_one),
        cmocka_unit_test(test_who_joins_beyond_the_limits_is_cut_off),
        cmocka_unit_test(test_whichever_allocation_fails_nothing_is_lost_or_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
