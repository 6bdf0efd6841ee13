// What two sockets on different threads know of each other, and the limits of the way between them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "test/support/octets.h"
#include "test/support/sockets.h"
#include "zmtp/socket/far.h"

static struct zmtp__far_facts facts_of(const struct zmtp_socket_config *config)
{
    struct zmtp__far_facts facts;
    memset(&facts, 0xAA, sizeof facts);
    zmtp__far_facts_of(config, &facts);
    return facts;
}

static struct zmtp_socket_config config_of(size_t send, size_t recv)
{
    struct zmtp_socket_config config;
    zmtp_socket_config_init(&config, ZMTP_DEALER);
    config.send_count_max = send;
    config.recv_count_max = recv;
    config.send_bytes_max = 1000 * send;
    config.recv_bytes_max = 1000 * recv;
    return config;
}

static struct zmtp_bytes name_of(const struct zmtp__far_facts *facts)
{
    return zmtp_bytes_of(facts->routing_id, facts->routing_id_size);
}

static void test_facts_are_those_of_the_config(void **state)
{
    (void)state;
    struct zmtp_socket_config config = config_of(2, 3);
    struct zmtp__far_facts facts = facts_of(&config);
    assert_int_equal(facts.type, ZMTP_DEALER);
    assert_false(facts.conflate);
    assert_int_equal(facts.send_count_max, 2);
    assert_int_equal(facts.send_bytes_max, 2000);
    assert_int_equal(facts.recv_count_max, 3);
    assert_int_equal(facts.recv_bytes_max, 3000);
    assert_int_equal(facts.routing_id_size, 0);
    config.conflate = true;
    config.routing_id = zmtp_bytes_text("alice");
    facts = facts_of(&config);
    assert_true(facts.conflate);
    octets_assert_equal(name_of(&facts), LITERAL("alice"));
}

// Whoever connects may call the peer what it likes.
static void test_a_name_takes_the_place_of_the_own_one_unless_it_is_empty(void **state)
{
    (void)state;
    struct zmtp_socket_config config = config_of(1, 1);
    config.routing_id = zmtp_bytes_text("alice");
    struct zmtp__far_facts facts = facts_of(&config);
    uint8_t longest[UINT8_MAX];
    memset(longest, 'x', sizeof longest);
    zmtp__far_name(&facts, LITERAL(""));
    octets_assert_equal(name_of(&facts), LITERAL("alice"));
    zmtp__far_name(&facts, LITERAL("b"));
    octets_assert_equal(name_of(&facts), LITERAL("b"));
    zmtp__far_name(&facts, zmtp_bytes_of(longest, sizeof longest));
    octets_assert_equal(name_of(&facts), zmtp_bytes_of(longest, sizeof longest));
}

static void expect_limits(struct zmtp__far_limits limits, size_t count, size_t bytes, size_t abroad)
{
    assert_int_equal(limits.count_max, count);
    assert_int_equal(limits.bytes_max, bytes);
    assert_int_equal(limits.abroad_max, abroad);
}

static void test_the_limits_of_the_way_are_the_senders_and_the_receivers(void **state)
{
    (void)state;
    struct zmtp_socket_config a = config_of(2, 3), b = config_of(5, 7);
    struct zmtp__far_facts from = facts_of(&a), to = facts_of(&b);
    expect_limits(zmtp__far_limits_of(&from, &to), 9, 9000, 0);
    expect_limits(zmtp__far_limits_of(&to, &from), 8, 8000, 0);
    expect_limits(zmtp__far_sending(&from), 2, 2000, 0);
    expect_limits(zmtp__far_receiving(&from), 3, 3000, 0);
    // No limit of one is no limit of both, and two that are too large together are not a small one.
    from.send_count_max = 0;
    to.recv_bytes_max = 0;
    expect_limits(zmtp__far_limits_of(&from, &to), 0, 0, 0);
    from.send_count_max = SIZE_MAX - 7;
    from.send_bytes_max = SIZE_MAX - 6;
    to.recv_bytes_max = 7;
    expect_limits(zmtp__far_limits_of(&from, &to), SIZE_MAX, SIZE_MAX, 0);
    from.send_count_max = SIZE_MAX - 8;
    expect_limits(zmtp__far_limits_of(&from, &to), SIZE_MAX - 1, SIZE_MAX, 0);
}

// It has no limit, but must not be given away, where it could not be replaced any more.
static void test_one_that_keeps_its_last_message_has_one_on_the_way(void **state)
{
    (void)state;
    struct zmtp_socket_config config = config_of(2, 3);
    config.conflate = true;
    const struct zmtp__far_facts from = facts_of(&config);
    expect_limits(zmtp__far_limits_of(&from, &from), 0, 0, 1);
    expect_limits(zmtp__far_sending(&from), 0, 0, 1);
    expect_limits(zmtp__far_receiving(&from), 3, 3000, 0);
}

static void await_with_memory(const struct zmtp_allocator *allocator)
{
    struct zmtp_socket_config config = config_of(2, 3);
    config.allocator = allocator;
    config.routing_id = zmtp_bytes_text("alice");
    struct zmtp_socket *socket;
    struct zmtp_pipe_end *end;
    if (zmtp_socket_open(&socket, &config) < 0) return;
    const int result = zmtp__far_await(socket, (struct zmtp_bytes){0}, &end);
    assert_int_equal(sockets_pipes(socket), result == ZMTP_OK);
    if (result == ZMTP_OK) {
        // The other end knows whose it is before anybody is there.
        const struct zmtp_link *const link = zmtp_pipe_link(end);
        assert_true(link->up);
        octets_assert_equal(link->origin->routing_id, LITERAL("alice"));
        if (zmtp_socket_send_bytes(socket, &(struct zmtp_bytes){0}, 1) == ZMTP_OK)
            assert_int_equal(zmtp_pipe_depth(end).in_count, 1);
        zmtp_pipe_close(end);
    } else {
        assert_int_equal(result, ZMTP_ERR_MEMORY);
        assert_null(end);
    }
    zmtp_socket_close(socket);
}

static void test_who_waits_has_a_pipe_and_is_told_of_or_neither(void **state)
{
    (void)state;
    sockets_with_failing_memory(await_with_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts_are_those_of_the_config),
        cmocka_unit_test(test_a_name_takes_the_place_of_the_own_one_unless_it_is_empty),
        cmocka_unit_test(test_the_limits_of_the_way_are_the_senders_and_the_receivers),
        cmocka_unit_test(test_one_that_keeps_its_last_message_has_one_on_the_way),
        cmocka_unit_test(test_who_waits_has_a_pipe_and_is_told_of_or_neither),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
