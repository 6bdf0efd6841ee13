// Origins: which connection a message names, for how long, and what can be asked about it.
#include "test/support/octets.h"
#include "zmtp/msg/pipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HANDSHAKE                                                                                  \
    "\x0BSocket-Type\0\0\0\6DEALER\x08Identity\0\0\0\5alice\7User-Id\0\0\0\4root"                  \
    "\x0CPeer-Address\0\0\0\x09"                                                                   \
    "127.0.0.1\5X-App\0\0\0\3own\6X-None\0\0\0\0"

struct fixture {
    struct zmtp_budget budget;
    struct zmtp_pipe_end *socket, *connection; // null: closed by the test
};

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){0};
    zmtp_budget_init(&f.budget, NULL);
    const struct zmtp_pipe_config config = {.allocator = &f.budget.allocator};
    struct zmtp_pipe_end *ends[2];
    assert_int_equal(zmtp_pipe_open(&config, ends), ZMTP_OK);
    f.socket = ends[0];
    f.connection = ends[1];
    *state = &f;
    return 0;
}

static void close_ends(struct fixture *f)
{
    zmtp_pipe_close(f->connection);
    zmtp_pipe_close(f->socket);
    f->connection = f->socket = NULL;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    close_ends(f);
    assert_int_equal(f->budget.bytes, 0);
    return 0;
}

static void connect_as(struct fixture *f, const char *user_id)
{
    const struct zmtp_origin told = {.user_id = zmtp_bytes_text(user_id)};
    assert_int_equal(zmtp_pipe_link_up(f->connection, &told), ZMTP_OK);
}

static void say(struct fixture *f, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        zmtp__queue_begin(f->connection->out);
        assert_int_equal(zmtp__queue_put(f->connection->out, LITERAL("hi"), NULL, 0), ZMTP_OK);
        zmtp__queue_end(f->connection->out, 1);
    }
}

static void take(struct fixture *f, struct zmtp_msg *msg)
{
    zmtp_msg_init(msg, &f->budget.allocator);
    assert_int_equal(zmtp__pipe_take(f->socket, msg), ZMTP_OK);
}

static void assert_from(const struct zmtp_msg *msg, const char *user_id)
{
    octets_assert_equal(zmtp_msg_property(msg, "User-Id"), zmtp_bytes_text(user_id));
}

static void hear_from(struct fixture *f, const char *user_id)
{
    struct zmtp_msg msg;
    take(f, &msg);
    assert_from(&msg, user_id);
    zmtp_msg_fini(&msg);
}

static void assert_property(const struct zmtp_origin *origin, const char *name, const char *value)
{
    const struct zmtp_bytes got = zmtp_origin_property(origin, name);
    assert_int_equal(got.data != NULL, value != NULL);
    octets_assert_equal(got, zmtp_bytes_text(value ? value : ""));
}

// ZMTP37-META-02
static void test_properties_are_found_by_name_whatever_the_case(void **state)
{
    (void)state;
    struct zmtp_origin told = {.type_known = true,
                               .type = ZMTP_DEALER,
                               .routing_id = zmtp_bytes_text("alice"),
                               .metadata = LITERAL(HANDSHAKE)};
    assert_property(&told, "socket-type", "DEALER");
    assert_property(&told, "Routing-Id", "alice");
    assert_property(&told, "IDENTITY", "alice");
    assert_property(&told, "x-app", "own");
    assert_property(&told, "X-None", "");
    assert_property(&told, "X-Other", NULL);
    assert_property(&told, "", NULL);
    assert_property(&told, NULL, NULL);
    assert_property(NULL, "X-App", NULL);
    told.routing_id = (struct zmtp_bytes){0};
    assert_property(&told, "Routing-Id", NULL);
}

// Who sends a property of that name says it of itself.
static void test_a_peer_cannot_pose_as_another_user_or_address(void **state)
{
    (void)state;
    struct zmtp_origin told = {.metadata = LITERAL(HANDSHAKE)};
    assert_property(&told, "User-Id", NULL);
    assert_property(&told, "Peer-Address", NULL);
    told.user_id = zmtp_bytes_text("joe");
    told.address = zmtp_bytes_text("192.0.2.1");
    assert_property(&told, "user-id", "joe");
    assert_property(&told, "peer-address", "192.0.2.1");
    // What the authoriser tells counts more than what the peer does, but not for the two.
    told.user_metadata = LITERAL("\5X-App\0\0\0\6theirs\7User-Id\0\0\0\3ann\4Role\0\0\0\3dba");
    assert_property(&told, "X-App", "theirs");
    assert_property(&told, "User-Id", "joe");
    assert_property(&told, "role", "dba");
}

static void test_each_message_names_the_connection_that_it_came_from(void **state)
{
    struct fixture *f = *state;
    connect_as(f, "one");
    say(f, 3);
    hear_from(f, "one");
    zmtp_pipe_link_down(f->connection);
    connect_as(f, "silent"); // says nothing, and leaves nothing behind
    zmtp_pipe_link_down(f->connection);
    connect_as(f, "two");
    say(f, 1);
    zmtp_pipe_link_down(f->connection);
    connect_as(f, "three");
    octets_assert_equal(zmtp_pipe_link(f->socket)->origin->user_id, LITERAL("three"));
    say(f, 1);
    hear_from(f, "one");
    zmtp__queue_drop(f->socket->in); // unread messages count as well
    hear_from(f, "two");
    hear_from(f, "three");
    zmtp_pipe_link_down(f->connection);
    say(f, 1); // nobody came after it
    hear_from(f, "three");
}

static void test_connections_that_say_nothing_do_not_pile_up(void **state)
{
    struct fixture *f = *state;
    connect_as(f, "one");
    const size_t blocks = f->budget.blocks;
    for (int i = 0; i < 1000; i++) {
        zmtp_pipe_link_down(f->connection);
        connect_as(f, "next");
    }
    assert_int_equal(f->budget.blocks, blocks);
    say(f, 1);
    hear_from(f, "next");
}

static void test_an_origin_outlives_its_pipe_as_long_as_a_message_has_it(void **state)
{
    struct fixture *f = *state;
    struct zmtp_msg msgs[600], moved;
    connect_as(f, "one");
    say(f, 600);
    for (size_t i = 0; i < 600; i++)
        take(f, &msgs[i]);
    const struct zmtp_origin *kept = zmtp_origin_ref(msgs[0].origin);
    close_ends(f);
    moved = msgs[0];
    zmtp_msg_init(&msgs[0], &f->budget.allocator);
    assert_null(msgs[0].origin);
    for (size_t i = 1; i < 600; i++) {
        assert_from(&msgs[i], "one");
        zmtp_msg_fini(&msgs[i]);
        assert_null(msgs[i].origin);
    }
    assert_from(&moved, "one");
    zmtp_msg_fini(&moved);
    octets_assert_equal(kept->user_id, LITERAL("one"));
    assert_int_not_equal(f->budget.bytes, 0);
    zmtp_origin_unref(kept);
    assert_int_equal(f->budget.bytes, 0);
    zmtp_origin_unref(NULL);
    assert_null(zmtp_origin_ref(NULL));
}

static void test_a_message_may_be_used_again(void **state)
{
    struct fixture *f = *state;
    struct zmtp_msg msg;
    connect_as(f, "one");
    say(f, 2);
    take(f, &msg);
    zmtp_msg_drop_front(&msg, 1);
    assert_int_equal(zmtp__pipe_take(f->socket, &msg), ZMTP_OK);
    assert_from(&msg, "one");
    zmtp_msg_drop_front(&msg, 1);
    zmtp_pipe_link_down(f->connection);
    connect_as(f, "two");
    say(f, 1);
    assert_int_equal(zmtp__pipe_take(f->socket, &msg), ZMTP_OK);
    assert_from(&msg, "two");
    zmtp_msg_fini(&msg);
    assert_int_equal(zmtp__pipe_take(f->socket, &msg), ZMTP_ERR_AGAIN);
    assert_null(msg.origin); // what was not received comes from nobody
}

static void test_before_any_link_a_message_has_no_origin(void **state)
{
    struct fixture *f = *state;
    struct zmtp_msg msg;
    say(f, 1);
    take(f, &msg);
    assert_null(msg.origin);
    assert_null(zmtp_msg_property(&msg, "User-Id").data);
    zmtp_msg_fini(&msg);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_properties_are_found_by_name_whatever_the_case),
        TEST(test_a_peer_cannot_pose_as_another_user_or_address),
        TEST(test_each_message_names_the_connection_that_it_came_from),
        TEST(test_connections_that_say_nothing_do_not_pile_up),
        TEST(test_an_origin_outlives_its_pipe_as_long_as_a_message_has_it),
        TEST(test_a_message_may_be_used_again),
        TEST(test_before_any_link_a_message_has_no_origin),
    };
    return cmocka_run_group_tests_name("origin", tests, NULL, NULL);
}
