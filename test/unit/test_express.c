// The short way of most messages: it does what the general one does, or nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "test/support/sockets.h"
#include "zmtp/socket/alter.h"
#include "zmtp/socket/express.h"

static const struct zmtp_bytes letter = {(const uint8_t *)"x", 1};

static void test_what_goes_the_short_way_is_in_order_and_counted(void **state)
{
    (void)state;
    struct zmtp_socket *push = sockets_open(ZMTP_PUSH, 4);
    struct zmtp_pipe_end *far = sockets_accept(push, "");
    assert_string_equal(sockets_send(push, "first"), "ZMTP_OK"); // it makes the room for others
    assert_true(zmtp__express_send(push, letter));
    assert_true(zmtp__express_send(push, (struct zmtp_bytes){0}));
    assert_int_equal(zmtp_socket_counters(push).sent, 3);
    assert_int_equal(zmtp_pipe_depth(far).in_count, 3);
    assert_string_equal(sockets_far_recv(far), "first");
    assert_string_equal(sockets_far_recv(far), "x");
    assert_string_equal(sockets_far_recv(far), "");
    sockets_assert_conserved(push, 3);
    zmtp_socket_close(push);
    zmtp_pipe_close(far);
}

static void test_nothing_is_sent_out_of_the_ordinary(void **state)
{
    (void)state;
    struct zmtp_socket *push = sockets_open(ZMTP_PUSH, 2);
    assert_false(zmtp__express_send(push, letter)); // to nobody
    struct zmtp_pipe_end *far = sockets_accept(push, "");
    assert_false(zmtp__express_send(push, letter)); // to one that has not been looked at
    assert_string_equal(sockets_send(push, "1"), "ZMTP_OK");
    assert_false(zmtp__express_send(push, (struct zmtp_bytes){NULL, 1}));
    assert_true(zmtp__express_send(push, letter));
    assert_false(zmtp__express_send(push, letter)); // beyond the limit
    assert_string_equal(sockets_far_recv(far), "1");
    assert_true(zmtp__express_send(push, letter));
    zmtp_pipe_close(far);
    assert_false(zmtp__express_send(push, letter)); // to one that has gone
    assert_int_equal(zmtp_socket_counters(push).sent, 3);
    zmtp_socket_close(push);
}

static void test_few_octets_go_in_fewer_steps_where_the_peer_is_looked_at_anyway(void **state)
{
    (void)state;
    struct zmtp_socket *push = sockets_open(ZMTP_PUSH, 3);
    struct zmtp_pipe_end *far = sockets_accept(push, "");
    static const uint8_t body[ZMTP__COPY_FEW + 1];
    struct zmtp_marks marks = {0};
    zmtp_pipe_own(far, &marks, NULL);
    while (zmtp_marks_take(&marks)) // it has been looked at
        continue;
    assert_string_equal(sockets_send(push, "1"), "ZMTP_OK"); // which marks it
    assert_ptr_equal(zmtp_marks_take(&marks), far);
    assert_false(zmtp__express_send_few(push, letter)); // nobody would look
    assert_string_equal(sockets_send(push, "2"), "ZMTP_OK");
    assert_false(zmtp__express_send_few(push, zmtp_bytes_of(body, sizeof body)));
    assert_false(zmtp__express_send_few(push, (struct zmtp_bytes){NULL, 1}));
    assert_true(zmtp__express_send_few(push, letter));
    assert_false(zmtp__express_send_few(push, letter)); // beyond the limit
    assert_string_equal(sockets_far_recv(far), "1");
    assert_string_equal(sockets_far_recv(far), "2");
    assert_string_equal(sockets_far_recv(far), "x");
    sockets_assert_conserved(push, 3);
    zmtp_pipe_close(far);
    assert_false(zmtp__express_send_few(push, letter)); // to one that has gone
    zmtp_socket_close(push);
}

// A sender that knows its way to |*far|, who is looked at, with one message on it.
static struct zmtp_socket *on_the_way(const struct zmtp_socket_config *config,
                                      struct zmtp_marks *marks, struct zmtp_pipe_end **far)
{
    struct zmtp_socket *const socket = sockets_open_with(config);
    *far = sockets_dial(socket);
    *marks = (struct zmtp_marks){0};
    zmtp_pipe_own(*far, marks, NULL);
    sockets_connect(*far, "");
    assert_string_equal(sockets_send(socket, "1"), "ZMTP_OK");
    assert_false(zmtp__express_send_few(socket, letter)); // it is not known yet
    assert_true(zmtp__express_send(socket, letter));
    assert_true(zmtp__express_send_few(socket, letter));
    return socket;
}

static void test_the_way_is_known_until_something_happens_to_a_peer(void **state)
{
    (void)state;
    enum { JOINED, LEFT, CLOSED, DETACHED, ALTERED, TAKEN, EVENTS };
    for (int event = 0; event < EVENTS; event++) {
        struct zmtp_socket_config config = sockets_config(ZMTP_DEALER, 9);
        struct zmtp_marks marks;
        struct zmtp_pipe_end *far, *second = NULL;
        config.immediate = true;
        struct zmtp_socket *const socket = on_the_way(&config, &marks, &far);
        if (event == JOINED) second = sockets_accept(socket, "");
        if (event == LEFT) zmtp_pipe_link_down(far);
        if (event == CLOSED) zmtp_pipe_close(far);
        if (event == DETACHED) zmtp_socket_detach(socket, far->other);
        if (event == TAKEN) assert_ptr_equal(zmtp_marks_take(&marks), far);
        config.conflate = true;
        if (event == ALTERED) assert_int_equal(zmtp__socket_alter(socket, &config), ZMTP_OK);
        assert_false(zmtp__express_send_few(socket, letter));
        zmtp_socket_process(socket);
        assert_false(zmtp__express_send_few(socket, letter)); // nor when it was looked at
        assert_int_equal(zmtp__express_send(socket, letter), event == JOINED || event == TAKEN);
        assert_int_equal(zmtp__express_send_few(socket, letter),
                         event == TAKEN); // the other is not looked at
        zmtp_socket_close(socket);
        if (event != CLOSED) zmtp_pipe_close(far);
        zmtp_pipe_close(second);
    }
}

static void test_few_octets_go_to_several_peers_in_turn(void **state)
{
    (void)state;
    enum { PEERS = 3 };
    struct zmtp_socket *const push = sockets_open(ZMTP_PUSH, 5);
    struct zmtp_pipe_end *far[PEERS];
    struct zmtp_marks marks = {0};
    for (size_t i = 0; i < PEERS; i++) {
        far[i] = sockets_accept(push, "");
        zmtp_pipe_own(far[i], &marks, NULL);
    }
    for (size_t i = 0; i < 2 * PEERS; i++)
        assert_string_equal(sockets_send(push, "x"), "ZMTP_OK");
    assert_true(zmtp__express_send(push, letter)); // where the next one goes is known by this
    for (size_t i = 0; i < 5; i++)
        assert_true(zmtp__express_send_few(push, letter));
    for (size_t i = 0; i < PEERS; i++)
        assert_int_equal(zmtp_pipe_depth(far[i]).in_count, 4);
    // A message in parts has a turn as well.
    assert_string_equal(sockets_send(push, "a|b"), "ZMTP_OK");
    assert_false(zmtp__express_send_few(push, letter));
    for (size_t i = 1; i < PEERS; i++)
        assert_string_equal(sockets_send(push, "x"), "ZMTP_OK");
    for (size_t i = 0; i < PEERS; i++)
        assert_int_equal(zmtp_pipe_depth(far[i]).in_count, 5);
    // When one goes, the others go on in turn.
    zmtp_pipe_close(far[1]);
    assert_false(zmtp__express_send_few(push, letter));
    for (size_t i = 0; i < PEERS; i += 2)
        for (int taken = 0; taken < 3; taken++)
            assert_string_equal(sockets_far_recv(far[i]), "x");
    zmtp_socket_process(push);
    assert_string_equal(sockets_send(push, "x"),
                        "ZMTP_OK"); // these two know of room behind the parts
    assert_string_equal(sockets_send(push, "x"), "ZMTP_OK");
    assert_true(zmtp__express_send_few(push, letter));
    assert_int_equal(zmtp_pipe_depth(far[0]).in_count + zmtp_pipe_depth(far[2]).in_count, 7);
    assert_true(zmtp__express_send_few(push, letter));
    assert_int_equal(zmtp_pipe_depth(far[0]).in_count, 4);
    assert_int_equal(zmtp_pipe_depth(far[2]).in_count, 4);
    zmtp_socket_close(push);
    zmtp_pipe_close(far[0]);
    zmtp_pipe_close(far[2]);
}

static void test_a_peer_that_was_full_is_sent_to_when_it_has_room_for_many(void **state)
{
    (void)state;
    const struct zmtp_socket_config config = sockets_config(ZMTP_PUSH, 4);
    struct zmtp_marks marks;
    struct zmtp_pipe_end *far;
    struct zmtp_socket *const push = on_the_way(&config, &marks, &far);
    assert_true(zmtp__express_send_few(push, letter));
    assert_false(zmtp__express_send_few(push, letter));
    assert_string_equal(sockets_send(push, "5"), "ZMTP_ERR_AGAIN");
    assert_string_equal(sockets_far_recv(far), "1");
    assert_int_equal(zmtp__queue_fits_few(far->in, letter), false);
    assert_true(zmtp__queue_find_room(far->in, letter.size)); // it has some
    assert_false(zmtp__express_send_few(push, letter));
    assert_string_equal(sockets_send(push, "5"), "ZMTP_ERR_AGAIN");
    assert_string_equal(sockets_far_recv(far), "x");
    assert_string_equal(sockets_send(push, "5"), "ZMTP_OK");
    sockets_assert_conserved(push, 2);
    zmtp_socket_close(push);
    zmtp_pipe_close(far);
}

static void test_peers_have_their_turns_the_short_way_as_well(void **state)
{
    (void)state;
    struct zmtp_socket *push = sockets_open(ZMTP_PUSH, 2);
    struct zmtp_pipe_end *far[] = {sockets_accept(push, ""), sockets_accept(push, "")};
    assert_string_equal(sockets_send(push, "1"), "ZMTP_OK"); // these make the room for others
    assert_string_equal(sockets_send(push, "2"), "ZMTP_OK");
    assert_true(zmtp__express_send(push, letter));
    assert_string_equal(sockets_far_recv(far[0]), "1");
    assert_true(zmtp__express_send(push, letter));
    assert_true(zmtp__express_send(push, letter));
    assert_false(zmtp__express_send(push, letter)); // the other one is full
    assert_int_equal(zmtp_pipe_depth(far[0]).in_count, 2);
    assert_int_equal(zmtp_pipe_depth(far[1]).in_count, 2);
    zmtp_socket_close(push);
    zmtp_pipe_close(far[0]);
    zmtp_pipe_close(far[1]);

    struct zmtp_socket *pull = sockets_open(ZMTP_PULL, 4);
    far[0] = sockets_accept(pull, "");
    far[1] = sockets_accept(pull, "");
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    zmtp_socket_process(pull);
    sockets_far_send(far[0], "a");
    sockets_far_send(far[0], "a");
    sockets_far_send(far[1], "b");
    zmtp_socket_process(pull);
    const char *const order[] = {"a", "b", "a"};
    for (size_t i = 0; i < 3; i++) {
        assert_true(zmtp__express_recv(pull, &msg, NULL));
        assert_true(zmtp_bytes_equal(zmtp_msg_bytes(&msg, 0), zmtp_bytes_text(order[i])));
        zmtp__msg_clear(&msg);
    }
    assert_false(zmtp__express_recv(pull, &msg, NULL));
    zmtp_msg_fini(&msg);
    zmtp_socket_close(pull);
    zmtp_pipe_close(far[0]);
    zmtp_pipe_close(far[1]);
}

static void test_patterns_and_options_that_do_more_are_left_alone(void **state)
{
    (void)state;
    static const enum zmtp_socket_type types[] = {ZMTP_REQ, ZMTP_ROUTER, ZMTP_PUB, ZMTP_PUSH};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct zmtp_socket_config config = sockets_config(types[i], 4);
        config.conflate = types[i] == ZMTP_PUSH;
        struct zmtp_socket *socket = sockets_open_with(&config);
        struct zmtp_pipe_end *far = sockets_accept(socket, "");
        if (types[i] == ZMTP_PUSH) assert_string_equal(sockets_send(socket, "1"), "ZMTP_OK");
        zmtp_socket_process(socket);
        assert_false(zmtp__express_send(socket, letter));
        zmtp_socket_close(socket);
        zmtp_pipe_close(far);
    }
}

static void test_a_way_to_a_peer_that_is_let_go_of_is_none(void **state)
{
    (void)state;
    struct zmtp_socket *push = sockets_open(ZMTP_PUSH, 9);
    struct zmtp_pipe_end *far = sockets_accept(push, "");
    zmtp_socket_process(push);
    assert_string_equal(sockets_send(push, "1"), "ZMTP_OK");
    assert_true(zmtp__express_send(push, letter));
    assert_ptr_equal(push->way.queue, far->other->out);
    zmtp_socket_detach(push, far->other);
    assert_null(push->way.queue);
    assert_false(zmtp__express_send_few(push, letter));
    zmtp_socket_close(push);
    zmtp_pipe_close(far);
}

static void test_what_is_received_the_short_way_has_its_origin_and_is_counted(void **state)
{
    (void)state;
    struct zmtp_socket *pull = sockets_open(ZMTP_PULL, 4);
    struct zmtp_pipe_end *far = sockets_accept(pull, "who");
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    sockets_far_send(far, "one");
    assert_false(zmtp__express_recv(pull, &msg, NULL)); // it has not been looked at
    zmtp_socket_process(pull);
    assert_true(zmtp__express_recv(pull, &msg, NULL));
    assert_int_equal(msg.count, 1);
    assert_true(zmtp_bytes_equal(zmtp_msg_bytes(&msg, 0), zmtp_bytes_text("one")));
    assert_true(zmtp_bytes_equal(msg.origin->routing_id, zmtp_bytes_text("who")));
    assert_int_equal(zmtp_socket_counters(pull).received, 1);
    zmtp__msg_clear(&msg);
    assert_false(zmtp__express_recv(pull, &msg, NULL)); // there is none
    sockets_far_send(far, "of|parts");
    sockets_far_send(far, "<SUBSCRIBE>a");
    zmtp_socket_process(pull);
    assert_false(zmtp__express_recv(pull, &msg, NULL));
    assert_string_equal(sockets_recv(pull), "of|parts");
    assert_false(zmtp__express_recv(pull, &msg, NULL));
    zmtp_msg_fini(&msg);
    zmtp_socket_close(pull);
    zmtp_pipe_close(far);
}

// PS29-SUB-05, SUB-06: what is not wanted is for the general way to drop, and to count.
static void test_a_sub_receives_the_short_way_what_it_wants_alone(void **state)
{
    (void)state;
    for (unsigned inverted = 0; inverted < 2; inverted++) {
        struct zmtp_socket_config config = sockets_config(ZMTP_SUB, 4);
        config.invert_matching = inverted;
        struct zmtp_socket *sub = sockets_open_with(&config);
        struct zmtp_pipe_end *far = sockets_accept(sub, "");
        assert_int_equal(zmtp_socket_subscribe(sub, zmtp_bytes_text("a")), ZMTP_OK);
        sockets_far_send(far, inverted ? "b1" : "a1");
        sockets_far_send(far, inverted ? "a2" : "b2");
        sockets_far_send(far, inverted ? "b3" : "a3");
        zmtp_socket_process(sub);
        struct zmtp_msg msg;
        zmtp_msg_init(&msg, NULL);
        assert_true(zmtp__express_recv(sub, &msg, NULL));
        assert_true(
            zmtp_bytes_equal(zmtp_msg_bytes(&msg, 0), zmtp_bytes_text(inverted ? "b1" : "a1")));
        zmtp__msg_clear(&msg);
        assert_false(zmtp__express_recv(sub, &msg, NULL));
        assert_int_equal(zmtp_socket_counters(sub).waiting, 2);
        assert_string_equal(sockets_recv(sub), inverted ? "b3" : "a3");
        assert_int_equal(zmtp_socket_counters(sub).dropped[ZMTP_DROP_NO_MATCH], 1);
        zmtp_msg_fini(&msg);
        zmtp_socket_close(sub);
        zmtp_pipe_close(far);
    }
}

static void check_received_from(struct zmtp_socket *router, const char *id, const char *body)
{
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    assert_true(zmtp__express_recv(router, &msg, NULL));
    assert_int_equal(msg.count, 2);
    assert_true(zmtp_bytes_equal(zmtp_msg_bytes(&msg, 0), zmtp_bytes_text(id)));
    assert_true(zmtp_bytes_equal(zmtp_msg_bytes(&msg, 1), zmtp_bytes_text(body)));
    zmtp_msg_fini(&msg);
}

static void test_a_router_names_who_sent_and_sends_to_whom_is_named(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_ROUTER, 3);
    config.router_mandatory = true;
    struct zmtp_socket *router = sockets_open_with(&config);
    struct zmtp_pipe_end *ann = sockets_accept(router, "ann"), *bob = sockets_accept(router, "bob");
    zmtp_socket_process(router);
    sockets_far_send(ann, "1");
    sockets_far_send(bob, "2");
    sockets_far_send(bob, "3");
    zmtp_socket_process(router);
    check_received_from(router, "ann", "1");
    check_received_from(router, "bob", "2");
    assert_string_equal(sockets_recv(router), "bob|3"); // ann, who has none, is passed over

    const struct zmtp_bytes to_bob = zmtp_bytes_text("bob");
    assert_true(zmtp__express_reaches(router, to_bob));
    assert_false(zmtp__express_reaches(router, zmtp_bytes_text("eve")));
    assert_false(zmtp__express_send_to(router, to_bob, letter)); // there is no room yet to write in
    assert_string_equal(sockets_send(router, "bob|first"), "ZMTP_OK");
    assert_true(zmtp__express_send_to(router, to_bob, letter));
    assert_true(zmtp__express_send_to(router, to_bob, (struct zmtp_bytes){0}));
    assert_false(zmtp__express_send_to(router, to_bob, letter)); // beyond the limit
    assert_false(zmtp__express_reaches(router, to_bob));
    assert_string_equal(sockets_send(router, "bob|fourth"), "ZMTP_ERR_AGAIN");
    assert_false(zmtp_socket_events(router) & ZMTP_WRITABLE);
    assert_string_equal(sockets_send(router, "ann|first"), "ZMTP_OK"); // who waits for bob no more
    assert_true(zmtp_socket_events(router) & ZMTP_WRITABLE);
    assert_string_equal(sockets_far_recv(bob), "first");
    assert_string_equal(sockets_far_recv(bob), "x");
    assert_string_equal(sockets_far_recv(bob), "");
    assert_string_equal(sockets_send(router, "bob|again"), "ZMTP_OK");
    assert_int_equal(zmtp_socket_counters(router).sent, 5);
    assert_int_equal(zmtp_socket_counters(router).received, 3);
    sockets_assert_conserved(router, 3);
    zmtp_socket_close(router);
    zmtp_pipe_close(ann);
    zmtp_pipe_close(bob);
}

static void test_a_short_message_for_another_ends_the_wait_for_one_that_is_full(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_ROUTER, 2);
    config.router_mandatory = true;
    struct zmtp_socket *router = sockets_open_with(&config);
    struct zmtp_pipe_end *ann = sockets_accept(router, "ann"), *bob = sockets_accept(router, "bob");
    assert_string_equal(sockets_send(router, "ann|1"), "ZMTP_OK");
    assert_string_equal(sockets_send(router, "bob|1"), "ZMTP_OK");
    assert_string_equal(sockets_send(router, "bob|2"), "ZMTP_OK");
    assert_string_equal(sockets_send(router, "bob|3"), "ZMTP_ERR_AGAIN");
    assert_false(zmtp_socket_events(router) & ZMTP_WRITABLE);
    assert_true(zmtp__express_send_to(router, zmtp_bytes_text("ann"), letter));
    assert_true(zmtp_socket_events(router) & ZMTP_WRITABLE);
    zmtp_socket_close(router);
    zmtp_pipe_close(ann);
    zmtp_pipe_close(bob);
}

static void test_what_a_router_has_to_look_at_goes_no_short_way(void **state)
{
    (void)state;
    static uint8_t large[ZMTP__QUEUE_REFER_BODY];
    char long_id[ZMTP_PART_INLINE + 2];
    memset(long_id, 'i', sizeof long_id - 1);
    long_id[sizeof long_id - 1] = '\0';
    struct zmtp_socket *router = sockets_open(ZMTP_ROUTER, 9);
    struct zmtp_pipe_end *ann = sockets_accept(router, "ann");
    const struct zmtp_bytes to_ann = zmtp_bytes_text("ann");
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    assert_string_equal(sockets_send(router, "ann|1"), "ZMTP_OK");
    assert_false(zmtp__express_send_to(router, zmtp_bytes_text("nobody"), letter));
    assert_false(zmtp__express_send_to(router, (struct zmtp_bytes){NULL, 3}, letter));
    assert_false(zmtp__express_send_to(router, to_ann, (struct zmtp_bytes){NULL, 3}));
    assert_false(zmtp__express_send_to(router, to_ann, (struct zmtp_bytes){large, sizeof large}));
    assert_true(zmtp__express_send_to(router, to_ann, letter));
    sockets_far_send(ann, "of|parts");
    zmtp_socket_process(router);
    assert_false(zmtp__express_recv(router, &msg, NULL));
    assert_int_equal(msg.count, 0);
    assert_string_equal(sockets_recv(router), "ann|of|parts");
    zmtp_pipe_close(ann);
    assert_false(zmtp__express_send_to(router, to_ann, letter));   // to one that has gone
    struct zmtp_pipe_end *other = sockets_accept(router, long_id); // its id is shared by reference
    sockets_far_send(other, "x");
    zmtp_socket_process(router);
    assert_false(zmtp__express_recv(router, &msg, NULL));
    assert_int_equal(msg.count, 0);
    zmtp_socket_close(router);
    zmtp_pipe_close(other);

    struct zmtp_socket_config config = sockets_config(ZMTP_ROUTER, 9);
    config.send_bytes_all_max = 1000;
    router = sockets_open_with(&config);
    ann = sockets_accept(router, "ann");
    assert_string_equal(sockets_send(router, "ann|1"), "ZMTP_OK");
    assert_false(zmtp__express_send_to(router, to_ann, letter)); // others' queues count
    zmtp_socket_close(router);
    zmtp_pipe_close(ann);
}

static void test_a_reference_is_handed_on_behind_a_routing_id(void **state)
{
    (void)state;
    static const char body[] =
        "a body that is too long to lie in the part itself, so it is referred to";
    struct zmtp_socket *router = sockets_open(ZMTP_ROUTER, 9);
    struct zmtp_pipe_end *far = sockets_accept(router, "ann");
    struct zmtp_slab *spare = NULL;
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    for (int i = 0; i < 3; i++)
        sockets_far_send(far, body);
    zmtp_socket_process(router);
    assert_true(zmtp__express_recv(router, &msg, &spare));
    struct zmtp_slab *const slab = msg.few[1].slab;
    assert_non_null(slab);
    const unsigned refs = atomic_load(&slab->refs);
    zmtp__msg_reuse(&msg, slab, &spare);
    assert_ptr_equal(spare, slab);
    assert_true(zmtp__express_recv(router, &msg, &spare));
    assert_null(spare);
    assert_int_equal(atomic_load(&slab->refs), refs);
    // The user has put something of its own in the id's place.
    zmtp_part_share(&msg.few[0], &msg.few[1]);
    zmtp__msg_reuse(&msg, slab, &spare);
    assert_null(spare);
    assert_int_equal(atomic_load(&slab->refs), refs - 1);
    zmtp_msg_fini(&msg);
    zmtp_socket_close(router);
    zmtp_pipe_close(far);
}

static void test_a_reference_is_handed_on_from_part_to_part(void **state)
{
    (void)state;
    static const char body[] =
        "a body that is too long to lie in the part itself, so it is referred to";
    struct zmtp_socket *pull = sockets_open(ZMTP_PULL, 9);
    struct zmtp_pipe_end *far = sockets_accept(pull, "");
    struct zmtp_slab *spare = NULL;
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    for (int i = 0; i < 4; i++)
        sockets_far_send(far, body);
    zmtp_socket_process(pull);
    assert_true(zmtp__express_recv(pull, &msg, &spare));
    struct zmtp_slab *const slab = msg.few[0].slab;
    assert_non_null(slab);
    const unsigned refs = atomic_load(&slab->refs);
    zmtp__msg_reuse(&msg, slab, &spare);
    assert_ptr_equal(spare, slab);
    assert_true(zmtp__express_recv(pull, &msg, &spare));
    assert_null(spare);
    assert_int_equal(atomic_load(&slab->refs), refs);
    // The user keeps the part: the next one needs a reference of its own.
    struct zmtp_part kept = msg.few[0];
    msg.few[0] = (struct zmtp_part){0};
    zmtp__msg_reuse(&msg, slab, &spare);
    assert_null(spare);
    assert_true(zmtp__express_recv(pull, &msg, &spare));
    assert_int_equal(atomic_load(&slab->refs), refs + 1);
    zmtp_part_fini(&kept);
    assert_int_equal(zmtp_msg_append(&msg, letter), ZMTP_OK); // and this one has grown
    zmtp__msg_reuse(&msg, slab, &spare);
    assert_null(spare);
    assert_int_equal(msg.count, 0);
    assert_int_equal(atomic_load(&slab->refs), refs - 1);
    zmtp_msg_fini(&msg);
    zmtp_socket_close(pull);
    zmtp_pipe_close(far);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_goes_the_short_way_is_in_order_and_counted),
        cmocka_unit_test(test_few_octets_go_in_fewer_steps_where_the_peer_is_looked_at_anyway),
        cmocka_unit_test(test_the_way_is_known_until_something_happens_to_a_peer),
        cmocka_unit_test(test_few_octets_go_to_several_peers_in_turn),
        cmocka_unit_test(test_a_peer_that_was_full_is_sent_to_when_it_has_room_for_many),
        cmocka_unit_test(test_nothing_is_sent_out_of_the_ordinary),
        cmocka_unit_test(test_patterns_and_options_that_do_more_are_left_alone),
        cmocka_unit_test(test_a_way_to_a_peer_that_is_let_go_of_is_none),
        cmocka_unit_test(test_what_is_received_the_short_way_has_its_origin_and_is_counted),
        cmocka_unit_test(test_a_sub_receives_the_short_way_what_it_wants_alone),
        cmocka_unit_test(test_peers_have_their_turns_the_short_way_as_well),
        cmocka_unit_test(test_a_router_names_who_sent_and_sends_to_whom_is_named),
        cmocka_unit_test(test_a_short_message_for_another_ends_the_wait_for_one_that_is_full),
        cmocka_unit_test(test_what_a_router_has_to_look_at_goes_no_short_way),
        cmocka_unit_test(test_a_reference_is_handed_on_behind_a_routing_id),
        cmocka_unit_test(test_a_reference_is_handed_on_from_part_to_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
