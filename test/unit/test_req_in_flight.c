// REQ: requests that are sent again, that fail, that are cancelled, and several in flight.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "test/support/random.h"
#include "test/support/sockets.h"

enum { TIMEOUT_MS = 100 };

static struct zmtp_socket *open_req(uint32_t in_flight_max, uint32_t timeout_ms, uint32_t retries)
{
    struct zmtp_socket_config config;
    zmtp_socket_config_init(&config, ZMTP_REQ);
    config.req_in_flight_max = in_flight_max;
    config.req_timeout_ms = timeout_ms;
    config.req_retries = retries;
    return sockets_open_with(&config);
}

// The next thing to receive: "number text", or "number ZMTP_ERR_...", or the error alone.
static const char *next(struct zmtp_socket *req)
{
    static char text[128];
    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, NULL);
    const int result = zmtp_socket_recv(req, &msg);
    const struct zmtp_bytes first = zmtp_msg_bytes(&msg, 0);
    if (result == ZMTP_OK)
        snprintf(text, sizeof text, "%u %.*s", (unsigned)msg.request, (int)first.size,
                 (const char *)first.data);
    else if (msg.request)
        snprintf(text, sizeof text, "%u %s", (unsigned)msg.request, zmtp_err_name(result));
    else
        snprintf(text, sizeof text, "%s", zmtp_err_name(result));
    zmtp_msg_fini(&msg);
    return text;
}

// Lets |ms| pass in one piece, as a loop does that sleeps until the deadline.
static void pass(struct zmtp_socket *req, uint64_t *now, uint64_t ms)
{
    const uint64_t end = *now + ms;
    for (;;) {
        const uint64_t due = zmtp_socket_deadline(req);
        if (due > end) break;
        if (due > *now) *now = due;
        zmtp_socket_tick(req, *now);
    }
    *now = end;
}

// What somebody left who has gone is kept as long as one of those who asked may find a reply in it, and no longer.
static void test_who_has_gone_is_let_go_of_with_the_last_who_asked(void **state)
{
    (void)state;
    struct zmtp_socket *req = open_req(3, 0, 0);
    struct zmtp_pipe_end *a = sockets_accept(req, "");
    assert_string_equal(sockets_send(req, "1"), "ZMTP_OK");
    assert_string_equal(sockets_send(req, "2"), "ZMTP_OK");
    assert_string_equal(sockets_send(req, "3"), "ZMTP_OK");
    sockets_far_send(a, "\\x00\\x00\\x00\\x09||not asked");
    sockets_far_send(a, "\\x00\\x00\\x00\\x02||two");
    sockets_drop(a);
    zmtp_socket_process(req);
    assert_int_equal(zmtp_socket_cancel_request(req, 1), ZMTP_OK);
    assert_int_equal(sockets_pipes(req), 1);
    assert_int_equal(zmtp_socket_cancel_request(req, 3), ZMTP_OK);
    assert_int_equal(sockets_pipes(req), 1);
    assert_int_equal(zmtp_socket_counters(req).dropped[ZMTP_DROP_UNEXPECTED], 0);
    assert_int_equal(zmtp_socket_cancel_request(req, 2), ZMTP_OK);
    assert_int_equal(sockets_pipes(req), 0);
    assert_int_equal(zmtp_socket_counters(req).dropped[ZMTP_DROP_UNEXPECTED], 2);
    assert_string_equal(next(req), "ZMTP_ERR_AGAIN");
    zmtp_socket_close(req);
}

// LZ: the number is four octets before the delimiter, as ZMQ_REQ_CORRELATE has it.
static void test_several_requests_wait_each_for_its_own_reply(void **state)
{
    (void)state;
    struct zmtp_socket *req = open_req(3, 0, 0);
    struct zmtp_pipe_end *a = sockets_accept(req, ""), *b = sockets_accept(req, "");
    assert_int_equal(zmtp_socket_last_request(req), 0);
    assert_string_equal(next(req), "ZMTP_ERR_AGAIN");
    assert_string_equal(sockets_send(req, "1"), "ZMTP_OK");
    assert_string_equal(sockets_send(req, "2"), "ZMTP_OK");
    assert_string_equal(sockets_send(req, "3"), "ZMTP_OK");
    assert_int_equal(zmtp_socket_last_request(req), 3);
    assert_int_equal(zmtp_socket_events(req), 0);
    assert_string_equal(sockets_send(req, "4"), "ZMTP_ERR_AGAIN");
    assert_string_equal(sockets_far_recv(a), "\\x00\\x00\\x00\\x01||1");
    assert_string_equal(sockets_far_recv(b), "\\x00\\x00\\x00\\x02||2");
    assert_string_equal(sockets_far_recv(a), "\\x00\\x00\\x00\\x03||3");
    sockets_far_send(a, "\\x00\\x00\\x00\\x03||three"); // in any order
    sockets_far_send(a, "\\x00\\x00\\x00\\x03||again"); // but once
    sockets_far_send(a, "\\x00\\x00\\x00\\x02||not asked");
    sockets_far_send(a, "\\x00\\x00\\x00\\x01||one");
    assert_int_equal(zmtp_socket_events(req), ZMTP_READABLE);
    assert_string_equal(next(req), "3 three");
    assert_int_equal(zmtp_socket_events(req), ZMTP_READABLE | ZMTP_WRITABLE);
    assert_string_equal(sockets_send(req, "4"), "ZMTP_OK");
    assert_string_equal(next(req), "1 one");
    assert_string_equal(next(req), "ZMTP_ERR_AGAIN");
    sockets_far_send(b, "\\x00\\x00\\x00\\x02||two");
    assert_string_equal(next(req), "2 two");
    assert_int_equal(zmtp_socket_counters(req).dropped[ZMTP_DROP_UNEXPECTED], 2);
    assert_int_equal(zmtp_socket_deadline(req), UINT64_MAX);
    zmtp_socket_close(req);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

static void test_each_request_of_a_peer_that_went_is_told_once(void **state)
{
    (void)state;
    struct zmtp_socket *req = open_req(4, 0, 0);
    struct zmtp_pipe_end *a = sockets_accept(req, ""), *b = sockets_accept(req, "");
    for (int i = 0; i < 4; i++)
        assert_string_equal(sockets_send(req, "q"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "\\x00\\x00\\x00\\x01||q");
    sockets_far_send(a, "\\x00\\x00\\x00\\x01||said before it went");
    sockets_drop(a); // with number 3 unread
    assert_int_equal(zmtp_socket_events(req), ZMTP_READABLE);
    assert_string_equal(next(req), "1 said before it went");
    assert_string_equal(next(req), "3 ZMTP_ERR_NO_REPLY");
    assert_string_equal(next(req), "ZMTP_ERR_AGAIN");
    assert_int_equal(sockets_pipes(req), 1);
    assert_string_equal(sockets_far_recv(b), "\\x00\\x00\\x00\\x02||q");
    sockets_far_send(b, "\\x00\\x00\\x00\\x04||four");
    assert_string_equal(next(req), "4 four");
    sockets_assert_conserved(req, 2);
    zmtp_socket_close(req);
    zmtp_pipe_close(b);
}

// Over a dialled pipe: what had left is lost with its connection, what waits leaves with the next.
static void test_requests_that_wait_for_a_connection_are_not_lost_with_the_one_before(void **state)
{
    (void)state;
    struct zmtp_socket *req = open_req(3, 0, 0);
    struct zmtp_pipe_end *a = sockets_dial(req);
    sockets_connect(a, "");
    for (int i = 0; i < 3; i++)
        assert_string_equal(sockets_send(req, "q"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "\\x00\\x00\\x00\\x01||q");
    zmtp_pipe_link_down(a);
    assert_string_equal(next(req), "1 ZMTP_ERR_NO_REPLY");
    assert_string_equal(next(req), "ZMTP_ERR_AGAIN");
    sockets_connect(a, "");
    assert_string_equal(sockets_far_recv(a), "\\x00\\x00\\x00\\x02||q");
    sockets_far_send(a, "\\x00\\x00\\x00\\x02||two");
    assert_string_equal(next(req), "2 two");
    assert_string_equal(sockets_far_recv(a), "\\x00\\x00\\x00\\x03||q");
    zmtp_pipe_link_down(a);
    assert_string_equal(next(req), "3 ZMTP_ERR_NO_REPLY");
    zmtp_socket_close(req);
    zmtp_pipe_close(a);
}

static void test_a_request_that_is_not_answered_in_time_fails_and_the_next_may_be_sent(void **state)
{
    (void)state;
    for (uint32_t in_flight_max = 1; in_flight_max <= 2; in_flight_max++) {
        struct zmtp_socket *req = open_req(in_flight_max, TIMEOUT_MS, 0);
        struct zmtp_pipe_end *a = sockets_accept(req, "");
        uint64_t now = 1000;
        assert_int_equal(zmtp_socket_deadline(req), UINT64_MAX);
        assert_string_equal(sockets_send(req, "1"), "ZMTP_OK");
        assert_int_equal(zmtp_socket_deadline(req), 0); // its time begins with a tick
        pass(req, &now, TIMEOUT_MS - 1);
        assert_int_equal(zmtp_socket_deadline(req), 1000 + TIMEOUT_MS);
        assert_string_equal(next(req), "ZMTP_ERR_AGAIN");
        pass(req, &now, 1);
        assert_true(zmtp_socket_events(req) & ZMTP_READABLE);
        assert_string_equal(next(req), "1 ZMTP_ERR_TIMEOUT");
        assert_int_equal(zmtp_socket_deadline(req), UINT64_MAX);
        assert_string_equal(next(req), in_flight_max == 1 ? "ZMTP_ERR_STATE" : "ZMTP_ERR_AGAIN");
        assert_string_equal(sockets_send(req, "2"), "ZMTP_OK");
        sockets_far_send(a, "\\x00\\x00\\x00\\x01||too late");
        sockets_far_send(a, "\\x00\\x00\\x00\\x02||in time");
        pass(req, &now, 10 * TIMEOUT_MS); // it has come, though nobody has received it
        assert_string_equal(next(req), "2 in time");
        zmtp_socket_close(req);
        zmtp_pipe_close(a);
    }
}

static void test_a_request_is_sent_again_to_the_next_peer_as_often_as_may_be(void **state)
{
    (void)state;
    struct zmtp_socket *req = open_req(1, TIMEOUT_MS, 2);
    struct zmtp_pipe_end *a = sockets_accept(req, ""), *b = sockets_accept(req, "");
    uint64_t now = 5;
    assert_string_equal(sockets_send(req, "q|r"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "\\x00\\x00\\x00\\x01||q|r");
    pass(req, &now, TIMEOUT_MS);
    assert_string_equal(sockets_far_recv(a), "");
    assert_string_equal(sockets_far_recv(b), "\\x00\\x00\\x00\\x01||q|r");
    sockets_far_send(a, "\\x00\\x00\\x00\\x01||a is asked no more");
    assert_string_equal(next(req), "ZMTP_ERR_AGAIN");
    pass(req, &now, TIMEOUT_MS);
    assert_string_equal(sockets_far_recv(a), "\\x00\\x00\\x00\\x01||q|r");
    pass(req, &now, TIMEOUT_MS);
    assert_string_equal(next(req), "1 ZMTP_ERR_TIMEOUT");
    assert_string_equal(sockets_far_recv(b), "");
    const struct zmtp_socket_counters counters = zmtp_socket_counters(req);
    assert_int_equal(counters.sent, 1);
    assert_int_equal(counters.own, 2);
    assert_int_equal(counters.copies, 3);
    sockets_assert_conserved(req, 3);
    zmtp_socket_close(req);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

static void test_a_request_whose_peer_goes_is_sent_again_at_once(void **state)
{
    (void)state;
    struct zmtp_socket *req = open_req(1, 0, 1);
    struct zmtp_pipe_end *a = sockets_accept(req, ""), *b;
    assert_string_equal(sockets_send(req, "q"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "\\x00\\x00\\x00\\x01||q");
    sockets_drop(a);
    assert_string_equal(next(req), "ZMTP_ERR_AGAIN"); // nobody is there
    assert_int_equal(zmtp_socket_deadline(req), UINT64_MAX);
    b = sockets_accept(req, "");
    zmtp_socket_process(req);
    assert_int_equal(zmtp_socket_deadline(req), 0);
    zmtp_socket_tick(req, 1);
    assert_string_equal(sockets_far_recv(b), "\\x00\\x00\\x00\\x01||q");
    sockets_far_send(b, "\\x00\\x00\\x00\\x01||r");
    assert_string_equal(next(req), "1 r");
    // Once only.
    assert_string_equal(sockets_send(req, "q"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(b), "\\x00\\x00\\x00\\x02||q");
    sockets_drop(b);
    a = sockets_accept(req, "");
    zmtp_socket_tick(req, 2);
    assert_string_equal(sockets_far_recv(a), "\\x00\\x00\\x00\\x02||q");
    sockets_drop(a);
    assert_string_equal(next(req), "2 ZMTP_ERR_NO_REPLY");
    assert_string_equal(next(req), "ZMTP_ERR_STATE");
    zmtp_socket_close(req);
}

static void test_a_request_that_has_not_left_is_not_sent_twice(void **state)
{
    (void)state;
    struct zmtp_socket *req = open_req(1, TIMEOUT_MS, 3);
    struct zmtp_pipe_end *a = sockets_dial(req); // nobody there yet
    uint64_t now = 1;
    assert_string_equal(sockets_send(req, "q"), "ZMTP_OK");
    pass(req, &now, 3 * TIMEOUT_MS + TIMEOUT_MS / 2);
    assert_int_equal(sockets_queued(req), 1);
    sockets_connect(a, "");
    assert_string_equal(sockets_far_recv(a), "\\x00\\x00\\x00\\x01||q");
    assert_string_equal(sockets_far_recv(a), "");
    pass(req, &now, TIMEOUT_MS); // but its time has run
    assert_string_equal(next(req), "1 ZMTP_ERR_TIMEOUT");
    zmtp_socket_close(req);
    zmtp_pipe_close(a);
}

static void test_a_cancelled_request_has_no_reply_and_makes_room(void **state)
{
    (void)state;
    struct zmtp_socket *req = open_req(1, TIMEOUT_MS, 1), *many = open_req(2, 0, 0);
    struct zmtp_pipe_end *a = sockets_accept(req, ""), *b = sockets_accept(many, "");
    assert_int_equal(zmtp_socket_cancel_request(req, 1), ZMTP_ERR_NOT_FOUND);
    assert_string_equal(sockets_send(req, "1"), "ZMTP_OK");
    assert_int_equal(zmtp_socket_cancel_request(req, 2), ZMTP_ERR_NOT_FOUND);
    assert_int_equal(zmtp_socket_cancel_request(req, 1), ZMTP_OK);
    assert_int_equal(zmtp_socket_cancel_request(req, 1), ZMTP_ERR_NOT_FOUND);
    assert_int_equal(zmtp_socket_deadline(req), UINT64_MAX);
    sockets_far_send(a, "\\x00\\x00\\x00\\x01||late");
    assert_string_equal(next(req), "ZMTP_ERR_STATE");
    assert_string_equal(sockets_send(req, "2"), "ZMTP_OK");
    assert_string_equal(next(req), "ZMTP_ERR_AGAIN");
    assert_string_equal(sockets_send(many, "1"), "ZMTP_OK");
    assert_string_equal(sockets_send(many, "2"), "ZMTP_OK");
    sockets_far_send(b, "\\x00\\x00\\x00\\x01||one");
    assert_true(zmtp_socket_events(many) & ZMTP_READABLE); // it has been fetched
    assert_int_equal(zmtp_socket_cancel_request(many, 1), ZMTP_OK);
    assert_string_equal(next(many), "ZMTP_ERR_AGAIN");
    assert_string_equal(sockets_send(many, "3"), "ZMTP_OK");
    assert_int_equal(zmtp_socket_cancel_request(many, 2), ZMTP_OK);
    assert_int_equal(zmtp_socket_cancel_request(NULL, 2), ZMTP_ERR_ARGUMENT);
    zmtp_socket_close(req);
    zmtp_socket_close(many);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
    struct zmtp_socket *rep = sockets_open(ZMTP_REP, 1);
    assert_int_equal(zmtp_socket_cancel_request(rep, 1), ZMTP_ERR_UNSUPPORTED);
    assert_int_equal(zmtp_socket_last_request(rep), 0);
    assert_int_equal(zmtp_socket_deadline(rep), UINT64_MAX);
    zmtp_socket_tick(rep, 1);
    zmtp_socket_close(rep);
}

// Else the pipe would be full of them one day, and its connection would not be read any more.
static void test_replies_that_nobody_waits_for_do_not_stay(void **state)
{
    (void)state;
    struct zmtp_socket *req = open_req(1, 0, 0);
    struct zmtp_pipe_end *a = sockets_accept(req, "");
    assert_string_equal(sockets_send(req, "1"), "ZMTP_OK");
    assert_int_equal(zmtp_socket_cancel_request(req, 1), ZMTP_OK);
    for (uint64_t i = 1; i <= 10; i++) {
        sockets_far_send(a, "\\x00\\x00\\x00\\x01||late");
        assert_int_equal(zmtp_socket_events(req), ZMTP_WRITABLE);
        assert_int_equal(zmtp_socket_counters(req).waiting, 0);
        assert_int_equal(zmtp_socket_counters(req).dropped[ZMTP_DROP_UNEXPECTED], i);
    }
    zmtp_socket_close(req);
    zmtp_pipe_close(a);
}

// Peers come, go, answer, answer wrongly and stay silent; each request ends exactly once.
static void test_every_request_ends_once_whatever_peers_do(void **state)
{
    (void)state;
    enum { PEERS = 3, STEPS = 4000, MOST = 4 };
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct random random = random_of(seed);
        struct zmtp_socket *req = open_req(1 + seed % MOST, seed % 3 ? TIMEOUT_MS : 0, seed % 4);
        struct zmtp_pipe_end *peers[PEERS] = {NULL};
        uint64_t now = 1;
        size_t sent = 0, ended = 0;
        for (int step = 0; step < STEPS; step++) {
            struct zmtp_pipe_end **peer = &peers[random_below(&random, PEERS)];
            const size_t act = random_below(&random, 10);
            if (!*peer && act < 3) {
                *peer = sockets_accept(req, "");
            } else if (*peer && act == 0) {
                sockets_drop(*peer);
                *peer = NULL;
            } else if (*peer && act < 4) {
                char text[64] = "";
                snprintf(text, sizeof text, "%s", sockets_far_recv(*peer));
                if (*text && random_below(&random, 4) > 0) sockets_far_send(*peer, text);
                if (random_below(&random, 8) == 0) sockets_far_send(*peer, "nonsense");
            } else if (act < 7) {
                const bool single = seed % MOST == 0;
                // With one in flight the next send would end the one before untold.
                if (single && sent > ended) continue;
                sent += strcmp(sockets_send(req, "q"), "ZMTP_OK") == 0;
            } else if (act < 9) {
                const char *text = next(req);
                const bool lost = strcmp(text, "ZMTP_ERR_STATE") == 0 && sent > ended;
                ended += lost || (*text >= '1' && *text <= '9');
                if (lost) (void)zmtp_socket_cancel_request(req, zmtp_socket_last_request(req));
            } else {
                pass(req, &now, random_below(&random, TIMEOUT_MS));
            }
            assert_true(ended <= sent);
            const struct zmtp_socket_counters c = zmtp_socket_counters(req);
            assert_int_equal(c.copies, c.left + c.queued + c.lost);
            assert_int_equal(c.arrived, c.received + c.waiting + c.discarded);
            assert_int_equal(c.sent, sent);
        }
        for (size_t i = 0; i < PEERS; i++)
            if (peers[i]) sockets_drop(peers[i]);
        pass(req, &now, 10 * TIMEOUT_MS);
        for (int i = 0; i < MOST + 1; i++) {
            const char *text = next(req);
            const bool lost = strcmp(text, "ZMTP_ERR_STATE") == 0 && sent > ended;
            ended += lost || (*text >= '1' && *text <= '9');
        }
        // Only those that are to be sent again, for ever, when there is no time limit, still wait.
        if (seed % 3 || seed % 4 == 0) assert_int_equal(ended, sent);
        zmtp_socket_close(req);
    }
}

static void requests_without_memory(const struct zmtp_allocator *allocator)
{
    struct zmtp_socket_config config;
    zmtp_socket_config_init(&config, ZMTP_REQ);
    config.allocator = allocator;
    config.req_in_flight_max = 3;
    config.req_retries = 1;
    config.req_timeout_ms = TIMEOUT_MS;
    struct zmtp_socket *req;
    struct zmtp_pipe_end *a = NULL;
    if (zmtp_socket_open(&req, &config) < 0) return;
    if (zmtp_socket_attach(req, false, (struct zmtp_bytes){0}, &a) == ZMTP_OK) {
        static const uint8_t body[200] = "a request that is not kept inline";
        const struct zmtp_bytes parts[] = {{body, sizeof body}, {body, 3}, {body, 1}, {body, 9}};
        int sent = 0;
        for (int i = 0; i < 3; i++) {
            const int result = zmtp_socket_send_bytes(req, parts, 4);
            assert_true(result == ZMTP_OK || result == ZMTP_ERR_MEMORY || result == ZMTP_ERR_AGAIN);
            sent += result == ZMTP_OK;
        }
        assert_int_equal(zmtp_socket_counters(req).sent, sent);
        // Of so many parts that they need memory of their own.
        (void)sockets_far_try(a, "\\x00\\x00\\x00\\x01||1|2|3|4|5|6|7");
        struct zmtp_msg msg = {0};
        zmtp_msg_init(&msg, allocator);
        (void)zmtp_socket_recv(req, &msg);
        zmtp_msg_fini(&msg);
        zmtp_socket_tick(req, 1);
        zmtp_socket_tick(req, 1 + TIMEOUT_MS);
        zmtp_socket_tick(req, 1 + 2 * TIMEOUT_MS);
        zmtp_socket_tick(req, 1 + 3 * TIMEOUT_MS);
    }
    zmtp_socket_close(req);
    zmtp_pipe_close(a);
}

static void test_every_lack_of_memory_is_borne(void **state)
{
    (void)state;
    sockets_with_failing_memory(requests_without_memory);
}

// Processor time for a server's replies to nothing, and for looking what can be done, with |in_flight|
// requests that wait.
static double seconds_among(uint32_t in_flight, size_t steps)
{
    struct zmtp_socket_config config = sockets_config(ZMTP_REQ, 0);
    config.req_correlate = true;
    config.req_in_flight_max = in_flight;
    config.req_timeout_ms = 1000;
    config.send_bytes_max = config.recv_bytes_max = 0;
    struct zmtp_socket *req = sockets_open_with(&config);
    struct zmtp_pipe_end *far = sockets_accept(req, "");
    const struct zmtp_bytes question = zmtp_bytes_text("question");
    for (uint32_t i = 0; i < in_flight; i++)
        assert_int_equal(zmtp_socket_send_bytes(req, &question, 1), ZMTP_OK);
    zmtp_socket_tick(req, 1);
    const clock_t begin = clock();
    for (size_t i = 0; i < steps; i++) {
        sockets_far_send(far, "\\xff\\xff\\xff\\xff||reply");
        assert_int_equal(zmtp_socket_events(req), 0);
        assert_int_equal(zmtp_socket_deadline(req), 1001);
    }
    const double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    assert_int_equal(zmtp_socket_counters(req).dropped[ZMTP_DROP_UNEXPECTED], steps);
    // The last is answered first.
    char text[32];
    snprintf(text, sizeof text, "\\x%02x\\x%02x\\x%02x\\x%02x||reply", in_flight >> 24,
             in_flight >> 16 & 255, in_flight >> 8 & 255, in_flight & 255);
    sockets_far_send(far, text);
    snprintf(text, sizeof text, "%u reply", (unsigned)in_flight);
    assert_string_equal(next(req), text);
    zmtp_socket_close(req);
    zmtp_pipe_close(far);
    return seconds;
}

static void test_what_a_reply_costs_does_not_depend_on_how_many_requests_wait(void **state)
{
    (void)state;
    enum { STEPS = 2000 };
    const double few = seconds_among(10, STEPS), many = seconds_among(65536, STEPS);
    assert_true(many < 20 * few + 0.2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_reply_costs_does_not_depend_on_how_many_requests_wait),
        cmocka_unit_test(test_who_has_gone_is_let_go_of_with_the_last_who_asked),
        cmocka_unit_test(test_several_requests_wait_each_for_its_own_reply),
        cmocka_unit_test(test_each_request_of_a_peer_that_went_is_told_once),
        cmocka_unit_test(test_requests_that_wait_for_a_connection_are_not_lost_with_the_one_before),
        cmocka_unit_test(
            test_a_request_that_is_not_answered_in_time_fails_and_the_next_may_be_sent),
        cmocka_unit_test(test_a_request_is_sent_again_to_the_next_peer_as_often_as_may_be),
        cmocka_unit_test(test_a_request_whose_peer_goes_is_sent_again_at_once),
        cmocka_unit_test(test_a_request_that_has_not_left_is_not_sent_twice),
        cmocka_unit_test(test_a_cancelled_request_has_no_reply_and_makes_room),
        cmocka_unit_test(test_replies_that_nobody_waits_for_do_not_stay),
        cmocka_unit_test(test_every_request_ends_once_whatever_peers_do),
        cmocka_unit_test(test_every_lack_of_memory_is_borne),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
