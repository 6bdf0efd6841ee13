// Calls without an object, and with views of nothing that have a size. (What other arguments can be wrong is
// tested with each function.)
#include "zmtp/peer.h"
#include "zmtp/socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct zmtp_bytes nothing = {NULL, 0}, bad = {NULL, 1};

static void test_no_socket_can_do_nothing(void **state)
{
    (void)state;
    struct zmtp_msg msg = {.more = NULL};
    zmtp_msg_init(&msg, NULL);
    zmtp_socket_process(NULL);
    zmtp_socket_tick(NULL, 1);
    zmtp_socket_drop(NULL, ZMTP_DROP_CLOSED, 1);
    zmtp_socket_detach(NULL, NULL);
    zmtp_socket_settle(NULL, NULL);
    zmtp_socket_lose(NULL, NULL, ZMTP_DROP_CLOSED);
    zmtp_socket_each_pipe(NULL, NULL, NULL);
    zmtp_socket_close(NULL);
    assert_int_equal(zmtp_socket_events(NULL), 0);
    assert_false(zmtp_socket_marked(NULL));
    assert_int_equal(zmtp_socket_deadline(NULL), UINT64_MAX);
    assert_int_equal(zmtp_socket_subscribers(NULL), 0);
    assert_int_equal(zmtp_socket_counters(NULL).sent, 0);
    assert_int_equal(zmtp_socket_peer_id(NULL, NULL), 0);
    assert_int_equal(zmtp_socket_routing_id(NULL, NULL).size, 0);
    assert_int_equal(zmtp_socket_last_request(NULL), 0);
    assert_int_equal(zmtp_socket_cancel_request(NULL, 1), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_socket_send(NULL, &msg), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_socket_recv(NULL, &msg), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_socket_subscribe(NULL, nothing), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_socket_cancel(NULL, nothing), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_socket_attach(NULL, false, nothing, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_socket_join(NULL, NULL, NULL), ZMTP_ERR_ARGUMENT);
}

static void test_no_peer_is_a_closed_one(void **state)
{
    (void)state;
    struct zmtp_credentials credentials;
    struct zmtp_bytes view;
    zmtp_peer_commit(NULL, 1, 1);
    zmtp_peer_consume(NULL, 1, 1);
    zmtp_peer_fail(NULL, ZMTP_ERR_EOF);
    zmtp_peer_resume(NULL, 1);
    zmtp_peer_tick(NULL, 1);
    zmtp_peer_explain(NULL, nothing);
    zmtp_peer_close(NULL);
    assert_int_equal(zmtp_peer_wants(NULL), 0);
    assert_int_equal(zmtp_peer_space(NULL).size, 0);
    assert_int_equal(zmtp_peer_peek(NULL, &view, 1), 0);
    assert_int_equal(zmtp_peer_deadline(NULL), UINT64_MAX);
    assert_int_equal(zmtp_peer_state(NULL), ZMTP_PEER_CLOSED);
    assert_int_equal(zmtp_peer_error(NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_peer_reason(NULL).size, 0);
    assert_int_equal(zmtp_peer_facts(NULL).major, 0);
    assert_int_equal(zmtp_peer_counters(NULL).bytes_in, 0);
    assert_int_equal(zmtp_peer_attach(NULL, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_peer_refuse(NULL, ZMTP_ERR_IN_USE, nothing), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_peer_credentials(NULL, &credentials), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_peer_authorise(NULL, ZMTP_VERDICT_ALLOW, nothing, nothing),
                     ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_security_check(NULL, NULL), ZMTP_ERR_ARGUMENT);
}

static void test_no_message_is_an_empty_one(void **state)
{
    (void)state;
    struct zmtp_msg msg = {.more = NULL};
    struct zmtp_part part = {.slab = NULL};
    zmtp_msg_init(NULL, NULL);
    zmtp_msg_init(&msg, NULL);
    zmtp_msg_drop_front(NULL, 1);
    zmtp_msg_fini(NULL);
    zmtp_part_fini(NULL);
    assert_int_equal(zmtp_msg_size(NULL), 0);
    assert_int_equal(zmtp_msg_bytes(NULL, 0).size, 0);
    assert_int_equal(zmtp_msg_append(NULL, nothing), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_msg_append(&msg, bad), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_msg_append_part(&msg, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_part_copy(&part, bad, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(msg.count, 0);
    assert_int_equal(zmtp_pipe_open(NULL, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_pipe_link_up(NULL, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_pool_open(NULL, NULL), ZMTP_ERR_ARGUMENT);
    zmtp_pipe_close(NULL);
    zmtp_pool_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_socket_can_do_nothing),
        cmocka_unit_test(test_no_peer_is_a_closed_one),
        cmocka_unit_test(test_no_message_is_an_empty_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
