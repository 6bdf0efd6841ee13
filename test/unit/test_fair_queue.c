// Receiving in turn, whoever comes, talks or goes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/support/sockets.h"

#include "test/support/random.h"

static void test_a_flood_from_one_peer_delays_another_by_one_message_only(void **state)
{
    (void)state;
    struct zmtp_socket *dealer = sockets_open(ZMTP_DEALER, 0);
    struct zmtp_pipe_end *flood = sockets_accept(dealer, ""), *calm = sockets_accept(dealer, "");
    for (int i = 0; i < 100; i++)
        sockets_far_send(flood, "flood");
    assert_string_equal(sockets_recv(dealer), "flood");
    sockets_far_send(calm, "calm");
    assert_string_equal(sockets_recv(dealer), "flood");
    assert_string_equal(sockets_recv(dealer), "calm");
    sockets_far_send(calm, "calm");
    assert_string_equal(sockets_recv(dealer), "flood");
    assert_string_equal(sockets_recv(dealer), "calm");
    zmtp_socket_close(dealer);
    zmtp_pipe_close(flood);
    zmtp_pipe_close(calm);
}

static void test_peers_that_all_talk_are_heard_in_turn(void **state)
{
    (void)state;
    struct zmtp_socket *dealer = sockets_open(ZMTP_DEALER, 0);
    struct zmtp_pipe_end *far[3];
    const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++)
        far[i] = sockets_accept(dealer, "");
    zmtp_socket_process(dealer); // from here on, who talks first is first
    for (size_t i = 0; i < 9; i++)
        sockets_far_send(far[i % 3], names[i % 3]);
    for (size_t i = 0; i < 9; i++)
        assert_string_equal(sockets_recv(dealer), names[i % 3]);
    zmtp_socket_close(dealer);
    for (size_t i = 0; i < 3; i++)
        zmtp_pipe_close(far[i]);
}

// What is dropped is a peer's turn as well.
static void test_a_message_that_nobody_wants_costs_its_peer_its_turn(void **state)
{
    (void)state;
    struct zmtp_socket *sub = sockets_open(ZMTP_SUB, 0);
    struct zmtp_pipe_end *a = sockets_accept(sub, ""), *b = sockets_accept(sub, "");
    assert_int_equal(zmtp_socket_subscribe(sub, zmtp_bytes_text("A")), ZMTP_OK);
    zmtp_socket_process(sub);
    sockets_far_send(a, "B1");
    sockets_far_send(a, "A2");
    sockets_far_send(b, "A3");
    assert_string_equal(sockets_recv(sub), "A3");
    assert_string_equal(sockets_recv(sub), "A2");
    assert_string_equal(sockets_recv(sub), "ZMTP_ERR_AGAIN");
    zmtp_socket_close(sub);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// Peers with little room write until they are full and then only when they were marked; the socket is
// asked only when it was marked. If a mark were lost, the loop would stand still.
static void test_acting_on_marks_alone_everything_arrives_in_order(void **state)
{
    (void)state;
    enum { PEERS = 5, MESSAGES = 400 };
    for (size_t hwm = 1; hwm <= 3; hwm++) {
        struct random random = random_of(hwm);
        struct zmtp_socket *dealer = sockets_open(ZMTP_DEALER, hwm);
        struct zmtp_pipe_end *far[PEERS];
        struct zmtp_marks marks = {NULL, NULL};
        size_t sent[PEERS] = {0}, received[PEERS] = {0}, total = 0;
        for (size_t i = 0; i < PEERS; i++) {
            far[i] = sockets_accept(dealer, "");
            zmtp_pipe_own(far[i], &marks, &sent[i]);
        }
        while (total < PEERS * MESSAGES) {
            struct zmtp_pipe_end *end = zmtp_marks_take(&marks);
            assert_true(end || zmtp_socket_marked(dealer)); // else nobody will ever move
            if (end) {
                size_t *count = zmtp_pipe_owner(end);
                while (*count < MESSAGES && zmtp__pipe_writable(end)) {
                    const uint8_t octets[] = {(uint8_t)(count - sent), (uint8_t)(*count % 251)};
                    zmtp__queue_begin(end->out);
                    assert_int_equal(zmtp__queue_put(end->out, zmtp_bytes_of(octets, 2), NULL, 0),
                                     ZMTP_OK);
                    zmtp__queue_end(end->out, 1);
                    zmtp__pipe_published(end);
                    ++*count;
                }
            }
            if (!zmtp_socket_marked(dealer) || random_below(&random, 3) == 0) continue;
            struct zmtp_msg msg;
            zmtp_msg_init(&msg, NULL);
            while (zmtp_socket_recv(dealer, &msg) == ZMTP_OK) {
                const uint8_t *octets = zmtp_msg_bytes(&msg, 0).data;
                assert_int_equal(octets[1], received[octets[0]]++ % 251);
                total++;
                zmtp_msg_fini(&msg);
            }
        }
        zmtp_socket_close(dealer);
        for (size_t i = 0; i < PEERS; i++)
            zmtp_pipe_close(far[i]);
    }
}

static void test_peers_that_leave_amid_their_turn_leave_no_gap(void **state)
{
    (void)state;
    struct zmtp_socket *dealer = sockets_open(ZMTP_DEALER, 0);
    struct zmtp_pipe_end *a = sockets_accept(dealer, ""), *b = sockets_accept(dealer, ""),
                         *c = sockets_accept(dealer, "");
    zmtp_socket_process(dealer);
    sockets_far_send(a, "a");
    sockets_far_send(b, "b1");
    sockets_far_send(b, "b2");
    sockets_far_send(c, "c");
    assert_string_equal(sockets_recv(dealer), "a");
    sockets_drop(a);
    sockets_drop(b);
    assert_string_equal(sockets_recv(dealer), "b1");
    assert_string_equal(sockets_recv(dealer), "c");
    assert_string_equal(sockets_recv(dealer), "b2");
    assert_string_equal(sockets_recv(dealer), "ZMTP_ERR_AGAIN");
    sockets_far_send(c, "c");
    assert_string_equal(sockets_recv(dealer), "c");
    zmtp_socket_close(dealer);
    zmtp_pipe_close(c);
}

// RR28-REP-05, RR28-DEALER-11, RR28-ROUTER-06, PS29-XPUB-03, PS29-SUB-04, PL30-PULL-05, CS41-CLIENT-09,
// CS41-SERVER-06, P2P51-PEER-05, SG49-GATHER-01, RD48-DISH-01
static void test_every_type_that_receives_hears_its_peers_in_turn(void **state)
{
    (void)state;
    static const enum zmtp_socket_type types[] = {
        ZMTP_REP,  ZMTP_DEALER, ZMTP_ROUTER, ZMTP_XPUB,   ZMTP_SUB,  ZMTP_XSUB,
        ZMTP_PULL, ZMTP_CLIENT, ZMTP_SERVER, ZMTP_GATHER, ZMTP_PEER, ZMTP_DISH,
    };
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        struct zmtp_socket *socket = sockets_open(types[t], 9);
        struct zmtp_pipe_end *talker = sockets_accept(socket, "a");
        struct zmtp_pipe_end *other = sockets_accept(socket, "b");
        if (types[t] == ZMTP_SUB || types[t] == ZMTP_DISH)
            assert_int_equal(zmtp_socket_subscribe(socket, zmtp_bytes_text("")), ZMTP_OK);
        zmtp_socket_process(socket);
        // A REP wants an envelope, a DISH a group; what is heard is told by the last part.
        const bool parted = types[t] == ZMTP_REP || types[t] == ZMTP_DISH;
        for (int i = 0; i < 3; i++)
            sockets_far_send(talker, parted ? "|talker" : "talker");
        for (int i = 0; i < 2; i++)
            sockets_far_send(other, parted ? "|other" : "other");
        for (int i = 0; i < 5; i++) {
            struct zmtp_msg msg;
            zmtp_msg_init(&msg, NULL);
            assert_int_equal(zmtp_socket_recv(socket, &msg), ZMTP_OK);
            assert_true(zmtp_bytes_equal(zmtp_msg_bytes(&msg, msg.count - 1),
                                         zmtp_bytes_text(i % 2 ? "other" : "talker")));
            zmtp_msg_fini(&msg);
            if (types[t] == ZMTP_REP) assert_string_equal(sockets_send(socket, "x"), "ZMTP_OK");
        }
        assert_string_equal(sockets_recv(socket), "ZMTP_ERR_AGAIN");
        zmtp_socket_close(socket);
        zmtp_pipe_close(talker);
        zmtp_pipe_close(other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_flood_from_one_peer_delays_another_by_one_message_only),
        cmocka_unit_test(test_peers_that_all_talk_are_heard_in_turn),
        cmocka_unit_test(test_a_message_that_nobody_wants_costs_its_peer_its_turn),
        cmocka_unit_test(test_acting_on_marks_alone_everything_arrives_in_order),
        cmocka_unit_test(test_peers_that_leave_amid_their_turn_leave_no_gap),
        cmocka_unit_test(test_every_type_that_receives_hears_its_peers_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
