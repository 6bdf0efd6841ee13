// ROUTER (RFC 28).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/support/sockets.h"

static struct zmtp_socket *open_mandatory(size_t hwm)
{
    struct zmtp_socket_config config = sockets_config(ZMTP_ROUTER, hwm);
    config.router_mandatory = true;
    return sockets_open_with(&config);
}

static int attach(struct zmtp_socket *router, const char *routing_id)
{
    struct zmtp_pipe_end *far;
    const int result = zmtp_socket_attach(router, false, zmtp_bytes_text(routing_id), &far);
    if (result < 0) assert_null(far);
    if (result == ZMTP_OK) zmtp_pipe_close(far);
    return result;
}

// RR28-ROUTER-04, ROUTER-07, ROUTER-08
static void test_the_first_part_names_the_peer_both_ways(void **state)
{
    (void)state;
    struct zmtp_socket *router = sockets_open(ZMTP_ROUTER, 2);
    struct zmtp_pipe_end *a = sockets_accept(router, "alice"), *b = sockets_accept(router, "bob");
    sockets_far_send(b, "|hello");
    assert_string_equal(sockets_recv(router), "bob||hello");
    assert_string_equal(sockets_send(router, "alice|x|y"), "ZMTP_OK");
    assert_string_equal(sockets_send(router, "bob|"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "x|y");
    assert_string_equal(sockets_far_recv(b), "");
    sockets_assert_conserved(router, 2);
    zmtp_socket_close(router);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// RR28-ROUTER-03, ROUTER-06
static void test_a_peer_without_an_id_gets_five_octets_that_begin_with_zero(void **state)
{
    (void)state;
    struct zmtp_socket *router = sockets_open(ZMTP_ROUTER, 2);
    struct zmtp_pipe_end *a = sockets_accept(router, ""), *b = sockets_accept(router, "");
    zmtp_socket_process(router);
    sockets_far_send(a, "m");
    sockets_far_send(b, "m");
    assert_string_equal(sockets_recv(router), "\\x00\\x00\\x00\\x00\\x01|m");
    assert_string_equal(sockets_recv(router), "\\x00\\x00\\x00\\x00\\x02|m");
    assert_string_equal(sockets_send(router, "\\x00\\x00\\x00\\x00\\x02|answer"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(b), "answer");
    zmtp_socket_close(router);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// RR28-ROUTER-03; LZ-30
static void test_a_live_id_is_refused_and_free_once_its_peer_is_gone(void **state)
{
    (void)state;
    struct zmtp_socket *router = sockets_open(ZMTP_ROUTER, 2);
    struct zmtp_pipe_end *a = sockets_accept(router, "alice");
    assert_int_equal(attach(router, "alice"), ZMTP_ERR_ROUTING_ID);
    sockets_far_send(a, "last words");
    sockets_drop(a);
    struct zmtp_pipe_end *again = sockets_accept(router, "alice");
    sockets_far_send(again, "first words");
    assert_string_equal(sockets_recv(router), "alice|last words");
    assert_string_equal(sockets_recv(router), "alice|first words");
    assert_string_equal(sockets_send(router, "alice|hi"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(again), "hi");
    zmtp_socket_close(router);
    zmtp_pipe_close(again);
}

// Ten peers do not read: they share what there is and leave some for one that does. What they let go of is
// there again.
static void test_peers_that_do_not_read_leave_room_for_those_that_do(void **state)
{
    (void)state;
    enum { STUCK = 10, ALL_MAX = 4096, BODY = 98 }; // 100 octets with its header
    struct zmtp_socket_config config = sockets_config(ZMTP_ROUTER, 0);
    config.router_mandatory = true;
    config.send_bytes_all_max = ALL_MAX;
    struct zmtp_socket *router = sockets_open_with(&config);
    struct zmtp_pipe_end *stuck[STUCK], *reader = sockets_accept(router, "reader");
    uint8_t body[BODY] = {0};
    size_t waiting = 0, refused = 0;
    for (int i = 0; i < STUCK; i++) {
        const char name[] = {'a', (char)('0' + i), '\0'};
        stuck[i] = sockets_accept(router, name);
    }
    zmtp_socket_process(router);
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < STUCK; i++) {
            const char name[] = {'a', (char)('0' + i), '\0'};
            const struct zmtp_bytes parts[] = {zmtp_bytes_text(name),
                                               zmtp_bytes_of(body, sizeof body)};
            const int result = zmtp_socket_send_bytes(router, parts, 2);
            assert_true(result == ZMTP_OK || result == ZMTP_ERR_AGAIN);
            refused += result < 0;
        }
        const struct zmtp_bytes read[] = {zmtp_bytes_text("reader"),
                                          zmtp_bytes_of(body, sizeof body)};
        assert_int_equal(zmtp_socket_send_bytes(router, read, 2), ZMTP_OK);
        assert_int_equal(strlen(sockets_far_recv(reader)), 4 * BODY); // each octet as \x00
    }
    for (int i = 0; i < STUCK; i++)
        waiting += zmtp_pipe_depth(stuck[i]).in_bytes;
    assert_true(refused > 900 && waiting > ALL_MAX / 2 && waiting <= ALL_MAX);
    zmtp_pipe_close(stuck[0]);
    zmtp_socket_process(router);
    assert_string_equal(sockets_send(router, "a1|there is room"), "ZMTP_OK");
    zmtp_socket_close(router);
    for (int i = 1; i < STUCK; i++)
        zmtp_pipe_close(stuck[i]);
    zmtp_pipe_close(reader);
}

static void test_with_handover_a_new_connection_takes_the_id_of_the_old_one(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_ROUTER, 1);
    config.router_handover = config.router_mandatory = true;
    struct zmtp_socket *router = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_accept(router, "alice");
    struct zmtp_marks marks = {NULL, NULL};
    zmtp_pipe_own(a, &marks, NULL);
    assert_non_null(zmtp_marks_take(&marks));
    sockets_far_send(a, "last words");
    assert_string_equal(sockets_send(router, "alice|1"), "ZMTP_OK");
    assert_non_null(zmtp_marks_take(&marks));
    assert_string_equal(sockets_send(router, "alice|2"), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_events(router), ZMTP_READABLE);
    struct zmtp_pipe_end *again = sockets_accept(router, "alice");
    zmtp_socket_process(router);
    assert_ptr_equal(zmtp_marks_take(&marks), a); // its connection hears of it
    assert_true(zmtp__pipe_finished(a));
    assert_int_equal(zmtp_socket_events(router), ZMTP_WRITABLE);
    assert_string_equal(sockets_send(router, "alice|2"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(again), "2");
    sockets_far_send(again, "hello");
    assert_string_equal(sockets_recv(router), "alice|hello");
    assert_string_equal(sockets_recv(router), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_counters(router).dropped[ZMTP_DROP_PEER_GONE], 1);
    assert_int_equal(zmtp_socket_counters(router).dropped[ZMTP_DROP_UNEXPECTED], 1);
    sockets_assert_conserved(router, 1);
    struct zmtp_flow flow;
    assert_true(zmtp_socket_flow(router, again, &flow));
    assert_int_equal(flow.lost, 0);
    // The old connection's end takes nothing from the new one.
    sockets_drop(a);
    assert_string_equal(sockets_send(router, "alice|3"), "ZMTP_OK");
    assert_int_equal(sockets_pipes(router), 1);
    zmtp_socket_close(router);
    zmtp_pipe_close(again);
}

static struct zmtp_pipe_end *accept_unlinked(struct zmtp_socket *router, const char *routing_id)
{
    struct zmtp_pipe_end *far;
    assert_int_equal(zmtp_socket_attach(router, false, zmtp_bytes_text(routing_id), &far), ZMTP_OK);
    return far;
}

// It may be that there is no memory for its connection.
static void test_a_peer_keeps_its_id_when_its_successor_comes_to_nothing(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_ROUTER, 9);
    config.router_handover = config.router_mandatory = true;
    struct zmtp_socket *router = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_accept(router, "alice"), *again;
    sockets_far_send(a, "not lost");
    again = accept_unlinked(router, "alice");
    assert_string_equal(sockets_send(router, "alice|1"), "ZMTP_OK"); // which looks at both
    zmtp_pipe_close(again);
    assert_string_equal(sockets_send(router, "alice|2"), "ZMTP_OK");
    assert_string_equal(sockets_recv(router), "alice|not lost");
    assert_string_equal(sockets_far_recv(a), "1");
    assert_string_equal(sockets_far_recv(a), "2");
    assert_int_equal(sockets_pipes(router), 1);
    // One that was linked and has gone before anybody looked takes nobody's place, but what it said is heard.
    again = accept_unlinked(router, "alice");
    sockets_connect(again, "alice");
    sockets_far_send(again, "in passing");
    zmtp_pipe_close(again);
    assert_string_equal(sockets_recv(router), "alice|in passing");
    assert_string_equal(sockets_recv(router), "ZMTP_ERR_AGAIN");
    assert_string_equal(sockets_send(router, "alice|3"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "3");
    assert_int_equal(sockets_pipes(router), 1);
    zmtp_socket_close(router);
    zmtp_pipe_close(a);
}

// Between that a successor is there and that it is linked, the id may become free, or be dialled.
static void test_a_successor_finds_the_id_free_or_taken_for_good(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_ROUTER, 9);
    config.router_handover = config.router_mandatory = true;
    struct zmtp_socket *router = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_accept(router, "alice"), *dialled;
    struct zmtp_pipe_end *second = accept_unlinked(router, "alice");
    struct zmtp_pipe_end *third = accept_unlinked(router, "alice");
    sockets_drop(a);
    assert_string_equal(sockets_send(router, "alice|1"), "ZMTP_ERR_UNREACHABLE");
    sockets_connect(second, "alice");
    assert_string_equal(sockets_send(router, "alice|2"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(second), "2");
    assert_int_equal(zmtp_socket_attach(router, true, zmtp_bytes_text("alice"), &dialled), ZMTP_OK);
    assert_true(zmtp__pipe_finished(second));
    sockets_connect(third, "alice");
    assert_string_equal(sockets_send(router, "alice|3"), "ZMTP_OK");
    assert_true(zmtp__pipe_finished(third));
    assert_string_equal(sockets_far_recv(dialled), "3");
    assert_int_equal(sockets_pipes(router), 1);
    zmtp_socket_close(router);
    zmtp_pipe_close(second);
    zmtp_pipe_close(third);
    zmtp_pipe_close(dialled);
}

static void hand_over_with_memory(const struct zmtp_allocator *allocator)
{
    struct zmtp_socket_config config = sockets_config(ZMTP_ROUTER, 9);
    struct zmtp_socket_config other = sockets_config(ZMTP_DEALER, 9);
    config.router_handover = true;
    other.routing_id = zmtp_bytes_text("alice");
    config.allocator = other.allocator = allocator;
    struct zmtp_socket *router = NULL, *first = NULL, *second = NULL;
    struct zmtp_pipe_end *ends[2];
    int result = zmtp_socket_open(&router, &config);
    if (result == ZMTP_OK) result = zmtp_socket_open(&first, &other);
    if (result == ZMTP_OK) result = zmtp_socket_open(&second, &other);
    if (result == ZMTP_OK) result = zmtp_socket_join(first, router, ends);
    assert_true(result == ZMTP_OK || result == ZMTP_ERR_MEMORY);
    if (result == ZMTP_OK) {
        zmtp_socket_process(router);
        // Whichever of the two sockets goes without, the one that is there loses nothing.
        const bool joined = zmtp_socket_join(router, second, ends) == ZMTP_OK;
        zmtp_socket_process(router);
        zmtp_socket_process(first);
        assert_int_equal(sockets_pipes(router), 1);
        assert_int_equal(sockets_pipes(first), !joined);
        assert_int_equal(sockets_pipes(second), joined);
    }
    zmtp_socket_close(router);
    zmtp_socket_close(first);
    zmtp_socket_close(second);
}

static void test_a_peer_keeps_its_id_when_there_is_no_memory_for_its_successor(void **state)
{
    (void)state;
    sockets_with_failing_memory(hand_over_with_memory);
}

static void test_a_dialled_peer_takes_an_id_over_but_gives_its_own_to_nobody(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_ROUTER, 3);
    config.router_handover = true;
    struct zmtp_socket *router = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_accept(router, "alice"), *dialled = sockets_dial(router);
    sockets_connect(dialled, "alice");
    zmtp_socket_process(router);
    assert_true(zmtp__pipe_finished(a));
    assert_string_equal(sockets_send(router, "alice|1"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(dialled), "1");
    assert_int_equal(attach(router, "alice"), ZMTP_ERR_ROUTING_ID);
    zmtp_pipe_link_down(dialled);
    sockets_connect(dialled, "alice"); // again, and it is its own
    assert_string_equal(sockets_send(router, "alice|2"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(dialled), "2");
    zmtp_socket_close(router);
    zmtp_pipe_close(a);
    zmtp_pipe_close(dialled);
}

static void test_what_waited_for_a_peer_is_lost_also_when_its_successor_is_seen_first(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_ROUTER, 9);
    config.router_handover = true;
    struct zmtp_socket *router = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_accept(router, "a"), *b = sockets_dial(router);
    assert_string_equal(sockets_send(router, "a|1"), "ZMTP_OK");
    sockets_connect(b, "a");
    sockets_drop(a);
    zmtp_socket_process(router);
    sockets_assert_conserved(router, 0);
    const struct zmtp_socket_counters counters = zmtp_socket_counters(router);
    assert_int_equal(counters.lost, 1);
    assert_int_equal(counters.copies, counters.left + counters.queued + counters.lost);
    zmtp_socket_close(router);
    zmtp_pipe_close(b);
}

// Its sender waits for room; once it has gone there is nothing to wait for.
static void test_a_full_peer_that_is_no_longer_connected_holds_up_nobody(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_ROUTER, 1);
    config.immediate = config.router_mandatory = true;
    struct zmtp_socket *router = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_dial(router);
    sockets_connect(a, "a");
    zmtp_socket_process(router);
    assert_string_equal(sockets_send(router, "a|1"), "ZMTP_OK");
    assert_string_equal(sockets_send(router, "a|2"), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_events(router), 0);
    zmtp_pipe_link_down(a);
    assert_int_equal(zmtp_socket_events(router), ZMTP_WRITABLE);
    assert_string_equal(sockets_send(router, "a|2"), "ZMTP_ERR_UNREACHABLE");
    zmtp_socket_close(router);
    zmtp_pipe_close(a);
}

static void test_an_immediate_router_reaches_nobody_without_a_connection(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_ROUTER, 3);
    config.immediate = config.router_mandatory = true;
    struct zmtp_socket *router = sockets_open_with(&config);
    struct zmtp_pipe_end *a;
    assert_int_equal(zmtp_socket_attach(router, true, zmtp_bytes_text("alice"), &a), ZMTP_OK);
    assert_string_equal(sockets_send(router, "alice|1"), "ZMTP_ERR_UNREACHABLE");
    sockets_connect(a, "");
    assert_string_equal(sockets_send(router, "alice|2"), "ZMTP_OK");
    zmtp_pipe_link_down(a);
    assert_string_equal(sockets_send(router, "alice|3"), "ZMTP_ERR_UNREACHABLE");
    assert_string_equal(sockets_far_recv(a), "2");
    zmtp_socket_close(router);
    zmtp_pipe_close(a);
}

static void test_a_probe_tells_routers_of_each_other(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_ROUTER, 3);
    config.probe_router = true;
    config.routing_id = zmtp_bytes_text("alice");
    struct zmtp_socket *alice = sockets_open_with(&config), *bob;
    config.routing_id = zmtp_bytes_text("bob");
    bob = sockets_open_with(&config);
    struct zmtp_pipe_end *ends[2];
    assert_int_equal(zmtp_socket_join(alice, bob, ends), ZMTP_OK);
    zmtp_socket_process(alice);
    assert_string_equal(sockets_recv(bob), "alice|");
    assert_string_equal(sockets_recv(alice), "bob|");
    assert_string_equal(sockets_recv(alice), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_counters(alice).copies, 1);
    assert_int_equal(zmtp_socket_counters(alice).own, 1);
    assert_int_equal(zmtp_socket_counters(alice).sent, 0);
    zmtp_socket_close(alice);
    zmtp_socket_close(bob);
}

// ZMTP37-IDENT-03, IDENT-04
static void test_a_malformed_id_is_refused(void **state)
{
    (void)state;
    struct zmtp_socket *router = sockets_open(ZMTP_ROUTER, 2);
    struct zmtp_pipe_end *far;
    const uint8_t zero[5] = {0, 0, 0, 0, 9}, longest[256] = {'x'};
    assert_int_equal(zmtp_socket_attach(router, false, zmtp_bytes_of(zero, 5), &far),
                     ZMTP_ERR_ROUTING_ID);
    assert_int_equal(zmtp_socket_attach(router, false, zmtp_bytes_of(longest, 256), &far),
                     ZMTP_ERR_ROUTING_ID);
    assert_int_equal(zmtp_socket_attach(router, false, zmtp_bytes_of(longest, 255), &far), ZMTP_OK);
    zmtp_socket_close(router);
    zmtp_pipe_close(far);
}

static void test_an_id_may_begin_with_a_zero_where_that_is_allowed(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_ROUTER, 2);
    const struct zmtp_bytes zero = zmtp_bytes_of("\0id", 3);
    config.routing_id = zero;
    assert_int_equal(zmtp_socket_config_check(&config, NULL), ZMTP_ERR_ARGUMENT);
    config.routing_id_any = true;
    assert_int_equal(zmtp_socket_config_check(&config, NULL), ZMTP_OK);
    struct zmtp_socket *router = sockets_open_with(&config);
    struct zmtp_pipe_end *far;
    assert_int_equal(zmtp_socket_attach(router, false, zero, &far), ZMTP_OK);
    assert_string_equal(sockets_send(router, "\\x00id|hello"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(far), "hello");
    zmtp_socket_close(router);
    zmtp_pipe_close(far);
}

// RR28-ROUTER-04; LZ-31
static void test_a_dialled_peer_has_the_id_that_its_connection_announces(void **state)
{
    (void)state;
    struct zmtp_socket *router = open_mandatory(2);
    struct zmtp_pipe_end *a = sockets_dial(router);
    assert_string_equal(sockets_send(router, "alice|early"), "ZMTP_ERR_UNREACHABLE"); // LZ-31
    sockets_connect(a, "alice");
    assert_string_equal(sockets_send(router, "alice|1"), "ZMTP_OK");
    zmtp_pipe_link_down(a);
    assert_string_equal(sockets_send(router, "alice|2"), "ZMTP_OK"); // waits for the next one
    sockets_connect(a, "bob");
    assert_string_equal(sockets_send(router, "alice|3"), "ZMTP_ERR_UNREACHABLE");
    sockets_far_send(a, "m");
    assert_string_equal(sockets_recv(router), "bob|m");
    zmtp_pipe_link_down(a);
    sockets_connect(a, ""); // announces none: it stays who it was
    sockets_far_send(a, "m");
    assert_string_equal(sockets_recv(router), "bob|m");
    zmtp_socket_close(router);
    zmtp_pipe_close(a);
}

static void test_a_dialled_peer_that_announces_a_taken_id_gets_one_of_its_own(void **state)
{
    (void)state;
    struct zmtp_socket *router = open_mandatory(2);
    struct zmtp_pipe_end *a = sockets_accept(router, "alice"), *b = sockets_dial(router);
    sockets_connect(b, "alice");
    sockets_far_send(b, "m");
    assert_string_equal(sockets_recv(router), "\\x00\\x00\\x00\\x00\\x01|m");
    assert_string_equal(sockets_send(router, "alice|for a"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "for a");
    zmtp_socket_close(router);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// RR28-ROUTER-02; LZ-31
static void test_an_id_given_to_a_dialled_pipe_is_good_before_any_connection(void **state)
{
    (void)state;
    struct zmtp_socket *router = open_mandatory(2);
    struct zmtp_pipe_end *a;
    assert_int_equal(zmtp_socket_attach(router, true, zmtp_bytes_text("server"), &a), ZMTP_OK);
    assert_string_equal(sockets_send(router, "server|early"), "ZMTP_OK");
    sockets_connect(a, "other");
    assert_string_equal(sockets_far_recv(a), "early");
    sockets_far_send(a, "m");
    assert_string_equal(sockets_recv(router), "server|m");
    zmtp_socket_close(router);
    zmtp_pipe_close(a);
}

// RR28-ROUTER-05, ROUTER-09 to 11
static void test_a_mandatory_router_says_who_cannot_be_reached(void **state)
{
    (void)state;
    struct zmtp_socket *router = open_mandatory(1);
    struct zmtp_pipe_end *a = sockets_accept(router, "alice"), *b = sockets_accept(router, "bob");
    assert_string_equal(sockets_send(router, "nobody|x"), "ZMTP_ERR_UNREACHABLE");
    assert_string_equal(sockets_send(router, "|x"), "ZMTP_ERR_UNREACHABLE");
    assert_string_equal(sockets_send(router, "alice|1"), "ZMTP_OK");
    assert_int_equal(zmtp_socket_events(router), ZMTP_WRITABLE);
    assert_string_equal(sockets_send(router, "alice|2"), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_events(router), 0); // told when alice has room
    assert_string_equal(sockets_far_recv(a), "1");
    assert_true(zmtp_socket_marked(router));
    assert_int_equal(zmtp_socket_events(router), ZMTP_WRITABLE);
    assert_string_equal(sockets_send(router, "alice|2"), "ZMTP_OK");
    assert_string_equal(sockets_send(router, "alice|3"), "ZMTP_ERR_AGAIN");
    assert_string_equal(sockets_send(router, "bob|1"), "ZMTP_OK"); // alice holds up nobody
    assert_string_equal(sockets_send(router, "alice|3"), "ZMTP_ERR_AGAIN");
    sockets_drop(a); // nor for ever
    assert_int_equal(zmtp_socket_events(router), ZMTP_WRITABLE);
    assert_string_equal(sockets_send(router, "alice|3"), "ZMTP_ERR_UNREACHABLE");
    const struct zmtp_socket_counters counters = zmtp_socket_counters(router);
    assert_int_equal(counters.sent, 3);
    assert_int_equal(counters.dropped[ZMTP_DROP_NO_ROUTE], 0);
    assert_int_equal(counters.dropped[ZMTP_DROP_PEER_FULL], 0);
    sockets_assert_conserved(router, 1);
    zmtp_socket_close(router);
    zmtp_pipe_close(b);
}

// RR28-ROUTER-10, ROUTER-11, LZ-43: such drops are silent elsewhere; here they are counted.
static void test_a_router_that_is_not_mandatory_drops_and_counts(void **state)
{
    (void)state;
    struct zmtp_socket *router = sockets_open(ZMTP_ROUTER, 1);
    struct zmtp_pipe_end *a = sockets_accept(router, "alice");
    assert_string_equal(sockets_send(router, "nobody|x"), "ZMTP_OK");
    assert_string_equal(sockets_send(router, "alice|1"), "ZMTP_OK");
    assert_string_equal(sockets_send(router, "alice|2"), "ZMTP_OK");
    assert_int_equal(zmtp_socket_events(router), ZMTP_WRITABLE);
    const struct zmtp_socket_counters counters = zmtp_socket_counters(router);
    assert_int_equal(counters.sent, 3);
    assert_int_equal(counters.copies, 1);
    assert_int_equal(counters.dropped[ZMTP_DROP_NO_ROUTE], 1);
    assert_int_equal(counters.dropped[ZMTP_DROP_PEER_FULL], 1);
    zmtp_socket_close(router);
    zmtp_pipe_close(a);
}

static void test_a_message_without_a_body_is_refused(void **state)
{
    (void)state;
    struct zmtp_socket *router = sockets_open(ZMTP_ROUTER, 1);
    struct zmtp_pipe_end *a = sockets_accept(router, "alice");
    assert_string_equal(sockets_send(router, "alice"), "ZMTP_ERR_ARGUMENT");
    assert_string_equal(sockets_far_recv(a), "");
    zmtp_socket_close(router);
    zmtp_pipe_close(a);
}

// RR28-ROUTER-01, ROUTER-09
static void test_a_thousand_peers_are_each_reached(void **state)
{
    (void)state;
    enum { PEERS = 1000 };
    struct zmtp_socket *router = open_mandatory(1);
    static struct zmtp_pipe_end *far[PEERS];
    for (size_t i = 0; i < PEERS; i++) {
        far[i] = sockets_accept(router, "");
        sockets_far_send(far[i], "m");
    }
    for (size_t i = 0; i < PEERS; i++) { // each is answered with its own id
        struct zmtp_msg msg;
        zmtp_msg_init(&msg, NULL);
        assert_int_equal(zmtp_socket_recv(router, &msg), ZMTP_OK);
        assert_int_equal(zmtp_socket_send(router, &msg), ZMTP_OK);
    }
    for (size_t i = 0; i < PEERS; i++) {
        assert_string_equal(sockets_far_recv(far[i]), "m");
        assert_string_equal(sockets_far_recv(far[i]), "");
        sockets_drop(far[i]);
    }
    zmtp_socket_process(router);
    assert_int_equal(sockets_queued(router), 0);
    sockets_assert_conserved(router, PEERS);
    zmtp_socket_close(router);
}

static void test_a_receive_that_finds_no_memory_can_be_repeated(void **state)
{
    (void)state;
    struct zmtp_socket *router = sockets_open(ZMTP_ROUTER, 2);
    struct zmtp_pipe_end *a = sockets_accept(router, "alice");
    struct zmtp_budget budget;
    struct zmtp_msg msg;
    zmtp_budget_init(&budget, NULL);
    zmtp_msg_init(&msg, &budget.allocator);
    sockets_far_send(a, "1|2|3|4"); // more parts than a message has room for in itself
    budget.fail_at = 1;
    assert_int_equal(zmtp_socket_recv(router, &msg), ZMTP_ERR_MEMORY);
    assert_int_equal(msg.count, 0);
    assert_int_equal(zmtp_socket_recv(router, &msg), ZMTP_OK);
    assert_int_equal(msg.count, 5);
    assert_int_equal(zmtp_socket_counters(router).received, 1);
    zmtp_msg_fini(&msg);
    zmtp_socket_close(router);
    zmtp_pipe_close(a);
}

static void route_with_failing_memory(const struct zmtp_allocator *allocator)
{
    static const char id[] = "an id that is so long that it does not lie within its part";
    struct zmtp_socket_config config = sockets_config(ZMTP_ROUTER, 2);
    config.allocator = allocator;
    struct zmtp_socket *router;
    struct zmtp_pipe_end *accepted = NULL, *dialled = NULL;
    if (zmtp_socket_open(&router, &config) < 0) return;
    (void)zmtp_socket_attach(router, false, zmtp_bytes_text(id), &accepted);
    (void)zmtp_socket_attach(router, true, (struct zmtp_bytes){0}, &dialled);
    // The link's own copy may fail: then the connection does, and its peer stays nameless.
    const bool linked =
        dialled &&
        zmtp_pipe_link_up(dialled, &(struct zmtp_origin){.type = ZMTP_DEALER,
                                                         .routing_id = zmtp_bytes_text("bob")}) ==
            ZMTP_OK;
    zmtp_socket_process(router);
    zmtp_socket_process(router); // what failed is tried again
    size_t left = 0;
    for (int i = 0; i < 3; i++) {
        (void)sockets_send(router, "bob|x"); // dropped, refused for want of memory or sent
        left += dialled && *sockets_far_recv(dialled);
        (void)sockets_recv(router);
    }
    if (linked && ((const struct zmtp_budget *)allocator->context)->fail_on == 0)
        assert_true(left > 0);
    sockets_assert_conserved(router, left);
    zmtp_socket_close(router);
    zmtp_pipe_close(accepted);
    zmtp_pipe_close(dialled);
}

static void test_whichever_allocation_fails_nothing_is_lost_or_leaks(void **state)
{
    (void)state;
    sockets_with_failing_memory(route_with_failing_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_part_names_the_peer_both_ways),
        cmocka_unit_test(test_a_peer_without_an_id_gets_five_octets_that_begin_with_zero),
        cmocka_unit_test(test_a_live_id_is_refused_and_free_once_its_peer_is_gone),
        cmocka_unit_test(test_peers_that_do_not_read_leave_room_for_those_that_do),
        cmocka_unit_test(test_with_handover_a_new_connection_takes_the_id_of_the_old_one),
        cmocka_unit_test(test_a_peer_keeps_its_id_when_its_successor_comes_to_nothing),
        cmocka_unit_test(test_a_successor_finds_the_id_free_or_taken_for_good),
        cmocka_unit_test(test_a_peer_keeps_its_id_when_there_is_no_memory_for_its_successor),
        cmocka_unit_test(test_a_dialled_peer_takes_an_id_over_but_gives_its_own_to_nobody),
        cmocka_unit_test(test_what_waited_for_a_peer_is_lost_also_when_its_successor_is_seen_first),
        cmocka_unit_test(test_a_full_peer_that_is_no_longer_connected_holds_up_nobody),
        cmocka_unit_test(test_an_immediate_router_reaches_nobody_without_a_connection),
        cmocka_unit_test(test_a_probe_tells_routers_of_each_other),
        cmocka_unit_test(test_a_malformed_id_is_refused),
        cmocka_unit_test(test_an_id_may_begin_with_a_zero_where_that_is_allowed),
        cmocka_unit_test(test_a_dialled_peer_has_the_id_that_its_connection_announces),
        cmocka_unit_test(test_a_dialled_peer_that_announces_a_taken_id_gets_one_of_its_own),
        cmocka_unit_test(test_an_id_given_to_a_dialled_pipe_is_good_before_any_connection),
        cmocka_unit_test(test_a_mandatory_router_says_who_cannot_be_reached),
        cmocka_unit_test(test_a_router_that_is_not_mandatory_drops_and_counts),
        cmocka_unit_test(test_a_message_without_a_body_is_refused),
        cmocka_unit_test(test_a_thousand_peers_are_each_reached),
        cmocka_unit_test(test_a_receive_that_finds_no_memory_can_be_repeated),
        cmocka_unit_test(test_whichever_allocation_fails_nothing_is_lost_or_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
