// DISH (RFC 48).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/support/sockets.h"

static int join(struct zmtp_socket *dish, const char *group)
{
    return zmtp_socket_subscribe(dish, zmtp_bytes_text(group));
}

static int leave(struct zmtp_socket *dish, const char *group)
{
    return zmtp_socket_cancel(dish, zmtp_bytes_text(group));
}

// RD48-DISH-03; ZMTP37-RD-02
static void test_every_radio_is_told_of_each_group(void **state)
{
    (void)state;
    struct zmtp_socket *dish = sockets_open(ZMTP_DISH, 9);
    struct zmtp_pipe_end *a = sockets_accept(dish, "");
    assert_int_equal(join(dish, "g"), ZMTP_OK);
    assert_int_equal(join(dish, "g"), ZMTP_OK); // counted here
    assert_int_equal(join(dish, ""), ZMTP_OK);
    assert_string_equal(sockets_far_recv(a), "<JOIN>g");
    assert_string_equal(sockets_far_recv(a), "<JOIN>");
    assert_string_equal(sockets_far_recv(a), "");
    struct zmtp_pipe_end *b = sockets_dial(dish);
    for (int i = 0; i < 2; i++) {
        sockets_connect(b, "");
        zmtp_socket_process(dish);
        sockets_far_assert_both(b, "<JOIN>", "<JOIN>g");
        zmtp_pipe_link_down(b);
        zmtp_socket_process(dish);
    }
    assert_int_equal(leave(dish, "g"), ZMTP_OK);
    assert_string_equal(sockets_far_recv(a), "");
    assert_int_equal(leave(dish, "g"), ZMTP_OK);
    assert_string_equal(sockets_far_recv(a), "<LEAVE>g");
    assert_int_equal(leave(dish, "g"), ZMTP_ERR_NOT_FOUND);
    zmtp_socket_close(dish);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// RD48-GRP-01; ZMTP37-RD-03
static void test_a_group_has_at_most_255_octets_and_no_zero(void **state)
{
    (void)state;
    struct zmtp_socket *dish = sockets_open(ZMTP_DISH, 9);
    uint8_t group[256];
    for (size_t i = 0; i < sizeof group; i++)
        group[i] = 'g';
    assert_int_equal(zmtp_socket_subscribe(dish, zmtp_bytes_of(group, 256)), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_socket_subscribe(dish, zmtp_bytes_of(group, 255)), ZMTP_OK);
    group[3] = 0;
    assert_int_equal(zmtp_socket_subscribe(dish, zmtp_bytes_of(group, 255)), ZMTP_ERR_ARGUMENT);
    zmtp_socket_close(dish);
}

// RD48-DISH-01, DISH-02; ZMTP37-TS-04
static void test_messages_of_joined_groups_are_received_in_turn(void **state)
{
    (void)state;
    struct zmtp_socket *dish = sockets_open(ZMTP_DISH, 9);
    struct zmtp_pipe_end *a = sockets_accept(dish, ""), *b = sockets_accept(dish, "");
    zmtp_socket_process(dish);
    assert_int_equal(join(dish, "g"), ZMTP_OK);
    sockets_far_send(a, "g|1");
    sockets_far_send(a, "g|");
    sockets_far_send(b, "g|2");
    assert_int_equal(zmtp_socket_events(dish), ZMTP_READABLE);
    assert_string_equal(sockets_recv(dish), "g|1");
    assert_string_equal(sockets_recv(dish), "g|2");
    assert_string_equal(sockets_recv(dish), "g|");
    assert_string_equal(sockets_recv(dish), "ZMTP_ERR_AGAIN");
    assert_string_equal(sockets_send(dish, "g|x"), "ZMTP_ERR_UNSUPPORTED");
    zmtp_socket_close(dish);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// RD48-DISH-03; ZMTP37-RD-03, TS-03
static void test_what_is_of_no_joined_group_or_no_group_at_all_is_dropped(void **state)
{
    (void)state;
    struct zmtp_socket *dish = sockets_open(ZMTP_DISH, 9);
    struct zmtp_pipe_end *a = sockets_accept(dish, "");
    assert_int_equal(join(dish, "g"), ZMTP_OK);
    sockets_far_send(a, "gg|longer");
    sockets_far_send(a, "|shorter");
    sockets_far_send(a, "g");
    sockets_far_send(a, "g|body|more");
    sockets_far_send(a, "<JOIN>g");
    assert_int_equal(zmtp_socket_events(dish), 0);
    sockets_far_send(a, "g|1");
    assert_string_equal(sockets_recv(dish), "g|1");
    const struct zmtp_socket_counters counters = zmtp_socket_counters(dish);
    assert_int_equal(counters.dropped[ZMTP_DROP_NO_MATCH], 2);
    assert_int_equal(counters.dropped[ZMTP_DROP_ENVELOPE], 2);
    assert_int_equal(counters.dropped[ZMTP_DROP_UNEXPECTED], 1);
    zmtp_socket_close(dish);
    zmtp_pipe_close(a);
}

static void test_a_radio_and_a_dish_of_one_process_understand_each_other(void **state)
{
    (void)state;
    struct zmtp_socket *radio = sockets_open(ZMTP_RADIO, 1), *dish = sockets_open(ZMTP_DISH, 1);
    struct zmtp_pipe_end *ends[2];
    assert_int_equal(join(dish, "g"), ZMTP_OK);
    assert_int_equal(zmtp_socket_join(dish, radio, ends), ZMTP_OK);
    zmtp_socket_process(dish);
    for (int i = 0; i < 3; i++) { // a queue has room for both limits
        assert_string_equal(sockets_send(radio, "h|x"), "ZMTP_OK");
        assert_string_equal(sockets_send(radio, "g|m"), "ZMTP_OK");
    }
    assert_string_equal(sockets_recv(dish), "g|m");
    assert_string_equal(sockets_recv(dish), "g|m");
    assert_string_equal(sockets_recv(dish), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_counters(radio).dropped[ZMTP_DROP_PEER_FULL], 1);
    assert_int_equal(leave(dish, "g"), ZMTP_OK);
    assert_string_equal(sockets_send(radio, "g|m"), "ZMTP_OK");
    assert_string_equal(sockets_recv(dish), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_counters(radio).dropped[ZMTP_DROP_NO_MATCH], 4);
    sockets_assert_conserved(radio, 2);
    zmtp_socket_close(radio);
    zmtp_socket_close(dish);
}

static void join_with_failing_memory(const struct zmtp_allocator *allocator)
{
    struct zmtp_socket_config config = sockets_config(ZMTP_DISH, 2);
    config.allocator = allocator;
    struct zmtp_socket *dish;
    if (zmtp_socket_open(&dish, &config) < 0) return;
    struct zmtp_pipe_end *far;
    if (zmtp_socket_attach(dish, false, (struct zmtp_bytes){0}, &far) == ZMTP_OK) {
        const bool for_good = ((const struct zmtp_budget *)allocator->context)->fail_on;
        const bool up =
            zmtp_pipe_link_up(far, &(struct zmtp_origin){.type = ZMTP_RADIO}) == ZMTP_OK;
        const bool joined = join(dish, "g") == ZMTP_OK || join(dish, "g") == ZMTP_OK;
        for (int tries = 0; tries < 3 && zmtp_socket_marked(dish); tries++)
            zmtp_socket_process(dish);
        const char *told = far->in->count > 0 ? sockets_far_recv(far) : "";
        assert_int_equal(*told == '<', up && joined && (*told || !for_good));
        assert_int_equal(leave(dish, "g") == ZMTP_ERR_NOT_FOUND, !joined);
        zmtp_pipe_close(far);
    }
    zmtp_socket_close(dish);
}

static void test_whichever_allocation_fails_nothing_is_lost_or_leaks(void **state)
{
    (void)state;
    sockets_with_failing_memory(join_with_failing_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_radio_is_told_of_each_group),
        cmocka_unit_test(test_a_group_has_at_most_255_octets_and_no_zero),
        cmocka_unit_test(test_messages_of_joined_groups_are_received_in_turn),
        cmocka_unit_test(test_what_is_of_no_joined_group_or_no_group_at_all_is_dropped),
        cmocka_unit_test(test_a_radio_and_a_dish_of_one_process_understand_each_other),
        cmocka_unit_test(test_whichever_allocation_fails_nothing_is_lost_or_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
