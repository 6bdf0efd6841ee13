// Calls without an object, and with views of nothing that have a size. (What other arguments can be wrong is
// tested with each function.)
#include "zmtp/peer.h"
#include "zmtp/socket.h"
#include "zmtp/zap.h"

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
    assert_int_equal(zmtp_socket_topics(NULL), 0);
    assert_int_equal(zmtp_socket_type(NULL), ZMTP_SOCKET_TYPES);
    assert_null(zmtp_socket_config(NULL));
    assert_null(zmtp_socket_dropped(NULL));
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
    zmtp_peer_tick(NULL, UINT64_MAX); // later than never
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
    uint8_t *room;
    zmtp_msg_init(NULL, NULL);
    zmtp_msg_init(&msg, NULL);
    zmtp_msg_drop_front(NULL, 1);
    zmtp_msg_fini(NULL);
    zmtp_part_fini(NULL);
    zmtp_part_share(NULL, &part);
    zmtp_part_share(&part, NULL);
    assert_int_equal(zmtp_part_reserve(NULL, 1, &room, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_part_reserve(&part, 1, NULL, NULL), ZMTP_ERR_ARGUMENT);
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

static void test_no_room_for_an_answer_is_a_wrong_argument(void **state)
{
    (void)state;
    struct zmtp_bytes rest = {NULL, 0};
    assert_int_equal(zmtp_command_decode(nothing, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_ping_decode(nothing, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_pong_decode(nothing, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_error_decode(nothing, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_datagram_decode(nothing, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_frame_decode(nothing, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_greeting_decode(nothing, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_property_next(NULL, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_property_next(&rest, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_metadata_find(nothing, "a", NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_socket_type_parse(zmtp_bytes_text("REQ"), NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_z85_encode(nothing, NULL, 0), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_z85_decode(nothing, NULL, 0), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_key_decode(nothing, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_key_file_decode(nothing, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_endpoint_parse("tcp://a:1", NULL, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_zap_request_decode(NULL, false, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_zap_reply_decode(NULL, NULL, NULL), ZMTP_ERR_ARGUMENT);
}

static void test_a_view_of_nothing_that_has_a_size_is_a_wrong_argument(void **state)
{
    (void)state;
    struct zmtp_command command = {.name = zmtp_bytes_text("A"), .data = bad};
    struct zmtp_ping ping = {.context = bad};
    struct zmtp_bytes view = bad;
    struct zmtp_datagram datagram;
    struct zmtp_frame frame;
    struct zmtp_greeting greeting;
    struct zmtp_property property = {.name = zmtp_bytes_text("a"), .value = bad};
    struct zmtp_key_file file;
    enum zmtp_socket_type type;
    uint8_t out[ZMTP_KEY_SIZE * 2];
    assert_int_equal(zmtp_command_encode(&command, out, sizeof out), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_ping_encode(&ping, out, sizeof out), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_pong_encode(bad, out, sizeof out), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_error_encode(bad, out, sizeof out), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_property_encode(&property, out, sizeof out), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_command_decode(bad, &command), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_ping_decode(bad, &ping), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_error_decode(bad, &view), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_datagram_decode(bad, &datagram), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_frame_decode(bad, &frame), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_greeting_decode(bad, &greeting), ZMTP_ERR_ARGUMENT);
    view = bad;
    assert_int_equal(zmtp_property_next(&view, &property), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_socket_type_parse(bad, &type), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_z85_decode(bad, out, sizeof out), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_key_file_decode(bad, &file), ZMTP_ERR_ARGUMENT);
}

static void test_a_name_of_nothing_that_has_a_size_is_a_wrong_argument(void **state)
{
    (void)state;
    const struct zmtp_command command = {.name = {NULL, 5}};
    const struct zmtp_property property = {.name = {NULL, 8}};
    uint8_t out[64];
    assert_int_equal(zmtp_command_encode(&command, out, sizeof out), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_property_encode(&property, out, sizeof out), ZMTP_ERR_ARGUMENT);
    assert_false(zmtp_command_is(&command, "READY"));
    assert_false(zmtp_property_is(&property, "Identity"));
}

static void test_a_peer_is_not_opened_with_views_of_nothing_that_have_a_size(void **state)
{
    (void)state;
    const struct zmtp_security username = {.mechanism = ZMTP_PLAIN, .username = bad};
    const struct zmtp_security password = {.mechanism = ZMTP_PLAIN, .password = bad};
    const struct zmtp_peer_config wrong[] = {
        {.type = ZMTP_REQ, .routing_id = bad},     {.type = ZMTP_STREAM, .remote = bad},
        {.type = ZMTP_STREAM, .address = bad},     {.type = ZMTP_REQ, .metadata = bad},
        {.type = ZMTP_REQ, .security = &username}, {.type = ZMTP_REQ, .security = &password},
    };
    const char *why = "";
    assert_int_equal(zmtp_security_check(&username, &why), ZMTP_ERR_ARGUMENT);
    assert_string_equal(why, "a username has a size and no octets");
    assert_int_equal(zmtp_security_check(&password, &why), ZMTP_ERR_ARGUMENT);
    assert_string_equal(why, "a password has a size and no octets");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct zmtp_peer *peer;
        assert_int_equal(zmtp_peer_open(&peer, &wrong[i], 0), ZMTP_ERR_ARGUMENT);
        assert_null(peer);
    }
}

static void test_a_link_is_not_told_with_views_of_nothing_that_have_a_size(void **state)
{
    (void)state;
    const struct zmtp_origin wrong[] = {
        {.routing_id = bad}, {.public_key = bad}, {.user_id = bad}, {.user_metadata = bad},
        {.metadata = bad},   {.remote = bad},     {.address = bad}};
    const struct zmtp_pipe_config config = {.allocator = NULL};
    struct zmtp_pipe_end *ends[2];
    assert_int_equal(zmtp_pipe_open(&config, ends), ZMTP_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(zmtp_pipe_link_up(ends[0], &wrong[i]), ZMTP_ERR_ARGUMENT);
    assert_false(zmtp_pipe_link(ends[1])->up);
    zmtp_pipe_close(ends[0]);
    zmtp_pipe_close(ends[1]);
}

static void test_nothing_is_asked_or_answered_of_a_zap_handler_in_views_of_nothing(void **state)
{
    (void)state;
    const struct zmtp_zap_request good = {.known = true, .domain = zmtp_bytes_text("global")};
    struct zmtp_zap_request wrong[] = {good, good, good, good};
    const struct zmtp_zap_reply replies[] = {{.verdict = ZMTP_VERDICT_ALLOW, .text = bad},
                                             {.verdict = ZMTP_VERDICT_ALLOW, .user_id = bad},
                                             {.verdict = ZMTP_VERDICT_ALLOW, .metadata = bad}};
    struct zmtp_msg msg = {.more = NULL}, question = {.more = NULL};
    zmtp_msg_init(&msg, NULL);
    zmtp_msg_init(&question, NULL);
    wrong[0].id = wrong[1].domain = wrong[2].address = wrong[3].routing_id = bad;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(zmtp_zap_request_encode(&msg, &wrong[i]), ZMTP_ERR_ARGUMENT);
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++)
        assert_int_equal(zmtp_zap_reply_encode(&msg, &question, &good, &replies[i]),
                         ZMTP_ERR_ARGUMENT);
    assert_int_equal(msg.count, 0);
}

static void test_nothing_is_encoded_initialised_or_asked_of_nothing(void **state)
{
    (void)state;
    struct zmtp_msg msg = {.more = NULL};
    uint8_t out[ZMTP_GREETING_SIZE];
    char text[ZMTP_KEY_TEXT_SIZE] = "";
    zmtp_greeting_encode(NULL, out);
    zmtp_key_encode(NULL, text);
    zmtp_key_generate(NULL, NULL);
    zmtp_wipe(NULL, 1);
    zmtp_peer_limits_init(NULL);
    zmtp_socket_config_init(NULL, ZMTP_REQ);
    zmtp_backoff_init(NULL, 1, 1, 1);
    zmtp_backoff_reset(NULL);
    assert_int_equal(zmtp_backoff_next(NULL), 0);
    zmtp_budget_init(NULL, NULL);
    zmtp_pipe_own(NULL, NULL, NULL);
    zmtp_pipe_link_down(NULL);
    zmtp_msg_init(&msg, NULL);
    assert_int_equal(zmtp_frame_encode(NULL, out), 0);
    assert_int_equal(zmtp_command_encode(NULL, out, sizeof out), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_ping_encode(NULL, out, sizeof out), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_property_encode(NULL, out, sizeof out), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_key_file_encode(NULL, true, text, sizeof text), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_zap_request_encode(&msg, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_zap_reply_encode(&msg, NULL, NULL, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_arena_init(NULL, out, sizeof out), ZMTP_ERR_ARGUMENT);
    assert_false(zmtp_command_is(NULL, "READY"));
    assert_false(zmtp_property_is(NULL, "Identity"));
    assert_false(zmtp_key_equal(NULL, NULL));
    assert_true(zmtp_key_is_zero(NULL));
    assert_null(zmtp_pipe_owner(NULL));
    assert_null(zmtp_pipe_link(NULL));
    assert_int_equal(zmtp_pipe_depth(NULL).in_count, 0);
    assert_null(zmtp_marks_take(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_socket_can_do_nothing),
        cmocka_unit_test(test_no_peer_is_a_closed_one),
        cmocka_unit_test(test_no_message_is_an_empty_one),
        cmocka_unit_test(test_no_room_for_an_answer_is_a_wrong_argument),
        cmocka_unit_test(test_a_view_of_nothing_that_has_a_size_is_a_wrong_argument),
        cmocka_unit_test(test_a_name_of_nothing_that_has_a_size_is_a_wrong_argument),
        cmocka_unit_test(test_a_peer_is_not_opened_with_views_of_nothing_that_have_a_size),
        cmocka_unit_test(test_a_link_is_not_told_with_views_of_nothing_that_have_a_size),
        cmocka_unit_test(test_nothing_is_asked_or_answered_of_a_zap_handler_in_views_of_nothing),
        cmocka_unit_test(test_nothing_is_encoded_initialised_or_asked_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
