// The same message to many: who shares what was encoded, for how long, and what that must not change. What a publisher does
// for its subscribers otherwise: test_pub.c.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "test/support/sockets.h"
#include "zmtp/socket/alter.h"
#include "zmtp/socket/publisher.h"

enum { CHUNK = 8192 }; // what is encoded lies in slabs of this size, at first

struct fixture {
    struct zmtp_budget budget;
    struct zmtp_socket *pub;
};

static struct zmtp_socket *open_with(struct fixture *f, size_t hwm, bool nodrop)
{
    zmtp_budget_init(&f->budget, NULL);
    struct zmtp_socket_config config = sockets_config(ZMTP_PUB, hwm);
    config.allocator = &f->budget.allocator;
    config.nodrop = nodrop;
    f->pub = sockets_open_with(&config);
    return f->pub;
}

static struct zmtp_pipe_end *subscriber(struct fixture *f, const char *wish)
{
    struct zmtp_pipe_end *const far = sockets_accept(f->pub, "");
    sockets_far_send(far, wish);
    zmtp_socket_process(f->pub);
    return far;
}

static void close_all(struct fixture *f, struct zmtp_pipe_end *const *far, size_t count)
{
    zmtp_socket_close(f->pub);
    for (size_t i = 0; i < count; i++)
        zmtp_pipe_close(far[i]);
    assert_int_equal(f->budget.blocks, 0);
}

static void send_numbered(struct zmtp_socket *pub, char topic, unsigned number)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%c%08u", topic, number);
    assert_string_equal(sockets_send(pub, text), "ZMTP_OK");
}

static void assert_numbered(struct zmtp_pipe_end *far, char topic, unsigned number)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%c%08u", topic, number);
    assert_string_equal(sockets_far_recv(far), text);
}

// |count| octets as a connection would send them.
static void leave(struct zmtp_pipe_end *far, size_t count)
{
    zmtp__queue_consume(far->in, count);
    zmtp__pipe_consumed(far);
}

static const struct zmtp_slab *slab_of_first(const struct zmtp_pipe_end *far)
{
    return far->in->ranges[far->in->range_head].slab;
}

static void test_those_in_step_have_one_range_of_one_slab(void **state)
{
    (void)state;
    enum { SUBSCRIBERS = 64, MESSAGES = 100, SIZE = 11 }; // octets of each, as encoded
    struct fixture f;
    open_with(&f, 0, false);
    struct zmtp_pipe_end *far[SUBSCRIBERS];
    for (size_t i = 0; i < SUBSCRIBERS; i++)
        far[i] = subscriber(&f, "<SUBSCRIBE>");
    for (unsigned burst = 0; burst < 3; burst++) {
        const size_t before = f.budget.bytes;
        for (unsigned i = 0; i < MESSAGES; i++)
            send_numbered(f.pub, 't', i);
        // A hundred octets each for the ring of ranges, and the slab.
        assert_true(f.budget.bytes - before < 2 * CHUNK + SUBSCRIBERS * 128);
        for (size_t i = 0; i < SUBSCRIBERS; i++) {
            assert_int_equal(far[i]->in->range_count, 1);
            assert_ptr_equal(slab_of_first(far[i]), slab_of_first(far[0]));
            assert_int_equal(zmtp_pipe_depth(far[i]).in_count, MESSAGES);
            assert_int_equal(zmtp_pipe_depth(far[i]).in_bytes, MESSAGES * SIZE);
            for (unsigned k = 0; k < MESSAGES / 2; k++)
                assert_numbered(far[i], 't', k);
            leave(far[i], (size_t)MESSAGES / 2 * SIZE);
        }
    }
    const struct zmtp_socket_counters counters = zmtp_socket_counters(f.pub);
    assert_int_equal(counters.sent, 3 * MESSAGES);
    assert_int_equal(counters.copies, 3 * MESSAGES * SUBSCRIBERS);
    sockets_assert_conserved(f.pub, 3 * MESSAGES * SUBSCRIBERS);
    close_all(&f, far, SUBSCRIBERS);
}

// What gathers for one write of a busy publisher is one range of each queue, from the second time on.
static void test_what_is_encoded_grows_with_what_waits_and_shrinks_again(void **state)
{
    (void)state;
    enum { SUBSCRIBERS = 3, SIZE = 11, MESSAGES = 60 * 1024 / SIZE };
    struct fixture f;
    open_with(&f, 0, false);
    struct zmtp_pipe_end *far[SUBSCRIBERS];
    for (size_t i = 0; i < SUBSCRIBERS; i++)
        far[i] = subscriber(&f, "<SUBSCRIBE>");
    const size_t before = f.budget.bytes;
    for (unsigned burst = 0; burst < 3; burst++) {
        for (unsigned i = 0; i < MESSAGES; i++)
            send_numbered(f.pub, 't', i);
        for (size_t i = 0; i < SUBSCRIBERS; i++) {
            assert_int_equal(far[i]->in->range_count, burst == 0 ? 2 : 1);
            assert_int_equal(zmtp_pipe_depth(far[i]).in_bytes, MESSAGES * SIZE);
            for (unsigned k = 0; k < 5; k++)
                assert_numbered(far[i], 't', k);
            leave(far[i], (size_t)(MESSAGES - 5) * SIZE);
        }
    }
    // The first one afterwards finds what the burst has left, and the next is in proportion.
    for (unsigned i = 0; i < 2; i++) {
        send_numbered(f.pub, 't', i);
        assert_true(i == 0 || f.budget.bytes - before < 2 * CHUNK);
        for (size_t k = 0; k < SUBSCRIBERS; k++)
            leave(far[k], SIZE);
    }
    close_all(&f, far, SUBSCRIBERS);
}

static void test_without_memory_for_a_larger_slab_small_ones_do(void **state)
{
    (void)state;
    enum { SIZE = 11, MESSAGES = 4 * CHUNK / SIZE };
    struct fixture f;
    open_with(&f, 0, true);
    struct zmtp_pipe_end *const far[] = {subscriber(&f, "<SUBSCRIBE>"),
                                         subscriber(&f, "<SUBSCRIBE>")};
    f.budget.bytes_max = f.budget.bytes + ZMTP_SLAB_SIZE;
    for (unsigned i = 0; i < MESSAGES; i++)
        send_numbered(f.pub, 't', i);
    for (size_t k = 0; k < 2; k++)
        for (unsigned i = 0; i < MESSAGES; i++)
            assert_numbered(far[k], 't', i);
    close_all(&f, far, 2);
}

// Its limit counts its messages, and others have theirs.
static void test_one_that_does_not_read_misses_what_is_beyond_its_limit_and_delays_nobody(
    void **state)
{
    (void)state;
    enum { MESSAGES = 5000, HWM = 10 };
    struct fixture f;
    open_with(&f, HWM, false);
    struct zmtp_pipe_end *const far[] = {subscriber(&f, "<SUBSCRIBE>"),
                                         subscriber(&f, "<SUBSCRIBE>"),
                                         subscriber(&f, "<SUBSCRIBE>")};
    for (unsigned i = 0; i < MESSAGES; i++) {
        send_numbered(f.pub, 't', i);
        assert_numbered(far[0], 't', i);
        if (i % HWM == HWM - 1) leave(far[2], (size_t)HWM * 11);
    }
    const struct zmtp_socket_counters counters = zmtp_socket_counters(f.pub);
    assert_int_equal(counters.dropped[ZMTP_DROP_PEER_FULL], MESSAGES - HWM);
    assert_int_equal(zmtp_pipe_depth(far[1]).in_count, HWM);
    assert_int_equal(zmtp_pipe_depth(far[1]).in_bytes, HWM * 11);
    for (unsigned i = 0; i < HWM; i++)
        assert_numbered(far[1], 't', i);
    sockets_assert_conserved(f.pub, MESSAGES + HWM + MESSAGES);
    close_all(&f, far, 3);
}

// Or else a slab for ten octets, of one subscriber after the other.
static void test_who_keeps_a_few_octets_keeps_no_slab(void **state)
{
    (void)state;
    enum { SLOW = 26, MESSAGES = CHUNK / 11 };
    struct fixture f;
    open_with(&f, 0, false);
    struct zmtp_pipe_end *far[SLOW + 2];
    far[SLOW] = subscriber(&f, "<SUBSCRIBE>");
    far[SLOW + 1] = subscriber(&f, "<SUBSCRIBE>");
    for (unsigned i = 0; i < SLOW; i++) {
        char wish[] = "<SUBSCRIBE>A";
        wish[11] = (char)('A' + i);
        far[i] = subscriber(&f, wish);
    }
    const size_t before = f.budget.bytes;
    for (unsigned i = 0; i < SLOW; i++) {
        send_numbered(f.pub, (char)('A' + i), i); // the one that it keeps
        for (unsigned k = 0; k <= MESSAGES; k++)
            send_numbered(f.pub, '!', k);
        for (size_t k = SLOW; k < SLOW + 2; k++)
            leave(far[k], zmtp_pipe_depth(far[k]).in_bytes);
    }
    // The smallest slab there is for each, and what is being filled.
    assert_true(f.budget.bytes - before < SLOW * (1024 + 512) + CHUNK + ZMTP_SLAB_SIZE);
    for (unsigned i = 0; i < SLOW; i++) {
        assert_numbered(far[i], (char)('A' + i), i);
        assert_string_equal(sockets_far_recv(far[i]), "");
    }
    close_all(&f, far, SLOW + 2);
}

static void test_a_subscriber_that_leaves_takes_a_copy_of_what_it_still_sends(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, 0, false);
    struct zmtp_pipe_end *const far[] = {subscriber(&f, "<SUBSCRIBE>"),
                                         subscriber(&f, "<SUBSCRIBE>")};
    send_numbered(f.pub, 't', 1);
    const struct zmtp_slab *const chunk = slab_of_first(far[0]);
    assert_ptr_equal(slab_of_first(far[1]), chunk);
    zmtp_socket_close(f.pub); // they linger
    assert_ptr_not_equal(slab_of_first(far[0]), chunk);
    for (size_t i = 0; i < 2; i++) {
        assert_numbered(far[i], 't', 1);
        zmtp_pipe_close(far[i]);
    }
    assert_int_equal(f.budget.blocks, 0);
}

// Some want all, others every second or third, in whatever order they read.
static void test_whoever_misses_some_gets_the_others_in_order(void **state)
{
    (void)state;
    enum { MESSAGES = 6000 };
    struct fixture f;
    open_with(&f, 0, false);
    struct zmtp_pipe_end *const far[] = {
        subscriber(&f, "<SUBSCRIBE>"), subscriber(&f, "<SUBSCRIBE>a"),
        subscriber(&f, "<SUBSCRIBE>b"), subscriber(&f, "<SUBSCRIBE>b"),
        subscriber(&f, "<SUBSCRIBE>c")};
    const char *const wanted[] = {"abc", "a", "b", "b", "c"};
    unsigned next[5] = {0};
    sockets_far_send(far[4], "<SUBSCRIBE>a");
    const char *const wanted_too[] = {"", "", "", "", "a"};
    for (unsigned i = 0; i < MESSAGES; i++) {
        send_numbered(f.pub, "aabcab"[i % 6], i);
        for (size_t k = 0; k < 5; k++) {
            if (i % (97 * (k + 1)) != 0 && i + 1 < MESSAGES) continue;
            for (; next[k] <= i; next[k]++) {
                const char topic = "aabcab"[next[k] % 6];
                if (strchr(wanted[k], topic) || strchr(wanted_too[k], topic))
                    assert_numbered(far[k], topic, next[k]);
            }
            assert_string_equal(sockets_far_recv(far[k]), "");
        }
    }
    sockets_assert_conserved(f.pub, zmtp_socket_counters(f.pub).copies);
    close_all(&f, far, 5);
}

static void test_subscriptions_change_amid_a_burst(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, 0, false);
    struct zmtp_pipe_end *const far[] = {subscriber(&f, "<SUBSCRIBE>t"),
                                         subscriber(&f, "<SUBSCRIBE>t"),
                                         subscriber(&f, "<SUBSCRIBE>x")};
    send_numbered(f.pub, 't', 0);
    sockets_far_send(far[2], "<SUBSCRIBE>t");
    send_numbered(f.pub, 't', 1);
    sockets_far_send(far[0], "<CANCEL>t");
    send_numbered(f.pub, 't', 2);
    sockets_far_send(far[0], "<SUBSCRIBE>t0000000");
    send_numbered(f.pub, 't', 3); // begins with one topic more
    sockets_far_send(far[1], "<CANCEL>t");
    sockets_far_send(far[2], "<CANCEL>t");
    sockets_far_send(far[0], "<CANCEL>t0000000");
    send_numbered(f.pub, 't', 4);
    send_numbered(f.pub, 't', 5);
    assert_int_equal(zmtp_socket_counters(f.pub).dropped[ZMTP_DROP_NO_MATCH], 2);
    static const char *const has[] = {"013", "0123", "123"};
    for (size_t i = 0; i < 3; i++) {
        for (const char *at = has[i]; *at; at++)
            assert_numbered(far[i], 't', (unsigned)(*at - '0'));
        assert_string_equal(sockets_far_recv(far[i]), "");
    }
    close_all(&f, far, 3);
}

static void test_peers_come_and_go_amid_a_burst(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, 0, false);
    struct zmtp_pipe_end *far[] = {subscriber(&f, "<SUBSCRIBE>"), subscriber(&f, "<SUBSCRIBE>"),
                                   NULL};
    send_numbered(f.pub, 't', 0);
    send_numbered(f.pub, 't', 1);
    sockets_drop(far[1]);
    send_numbered(f.pub, 't', 2);
    far[2] = subscriber(&f, "<SUBSCRIBE>");
    send_numbered(f.pub, 't', 3);
    assert_int_equal(zmtp_socket_counters(f.pub).dropped[ZMTP_DROP_PEER_GONE], 2);
    for (unsigned i = 0; i < 4; i++)
        assert_numbered(far[0], 't', i);
    assert_numbered(far[2], 't', 3);
    sockets_assert_conserved(f.pub, 5);
    far[1] = far[2];
    close_all(&f, far, 2);
}

// All that are chosen are looked at once for as many messages as have room, which is told apart from how many have left.
static void test_with_nodrop_each_is_filled_to_its_limit_and_no_further(void **state)
{
    (void)state;
    enum { HWM = 5 };
    struct fixture f;
    open_with(&f, HWM, true);
    struct zmtp_pipe_end *const far[] = {subscriber(&f, "<SUBSCRIBE>"),
                                         subscriber(&f, "<SUBSCRIBE>")};
    unsigned sent = 0, read[2] = {0, 0};
    for (unsigned round = 0; round < 40; round++) {
        const unsigned most = read[0] < read[1] ? read[0] : read[1];
        for (; sent < most + HWM; sent++)
            send_numbered(f.pub, 't', sent);
        assert_string_equal(sockets_send(f.pub, "t"), "ZMTP_ERR_AGAIN");
        assert_int_equal(zmtp_socket_events(f.pub), 0);
        const size_t who = round / 2 % 2;
        for (unsigned k = 0; k <= round % 3 && read[who] < sent; k++, read[who]++)
            assert_numbered(far[who], 't', read[who]);
    }
    assert_int_equal(zmtp_socket_counters(f.pub).copies, 2 * sent);
    sockets_assert_conserved(f.pub, read[0] + read[1]);
    close_all(&f, far, 2);
}

// Those before it had gone on when it was found.
static void test_with_nodrop_one_that_does_not_go_on_gets_what_the_others_get(void **state)
{
    (void)state;
    enum { SUBSCRIBERS = 5, MESSAGES = 3000 };
    struct fixture f;
    open_with(&f, 0, true);
    struct zmtp_pipe_end *far[SUBSCRIBERS];
    unsigned next[SUBSCRIBERS] = {0};
    for (size_t k = 0; k < SUBSCRIBERS; k++)
        far[k] = subscriber(&f, "<SUBSCRIBE>t");
    for (unsigned i = 0; i < MESSAGES; i++) {
        send_numbered(f.pub, 't', i);
        for (size_t k = 0; k < SUBSCRIBERS; k++) {
            assert_int_equal(zmtp_pipe_depth(far[k]).in_count, i + 1 - next[k]);
            assert_int_equal(zmtp_pipe_depth(far[k]).in_bytes, 11 * (i + 1 - next[k]));
            if (i % (7 + 13 * k) != 0 && i + 1 < MESSAGES) continue;
            for (; next[k] <= i; next[k]++)
                assert_numbered(far[k], 't', next[k]);
        }
    }
    assert_int_equal(zmtp_socket_counters(f.pub).copies, SUBSCRIBERS * MESSAGES);
    sockets_assert_conserved(f.pub, (size_t)SUBSCRIBERS * MESSAGES);
    close_all(&f, far, SUBSCRIBERS);
}

static void test_with_nodrop_the_limit_of_octets_holds_as_well(void **state)
{
    (void)state;
    struct fixture f;
    zmtp_budget_init(&f.budget, NULL);
    struct zmtp_socket_config config = sockets_config(ZMTP_PUB, 0);
    config.allocator = &f.budget.allocator;
    config.nodrop = true;
    config.send_bytes_max = 34;
    f.pub = sockets_open_with(&config);
    struct zmtp_pipe_end *const far[] = {subscriber(&f, "<SUBSCRIBE>"),
                                         subscriber(&f, "<SUBSCRIBE>")};
    for (unsigned i = 0; i < 4; i++) // the last begins below the limit
        send_numbered(f.pub, 't', i);
    assert_string_equal(sockets_send(f.pub, "t"), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_pipe_depth(far[0]).in_bytes, 44);
    close_all(&f, far, 2);
}

// The drop-in changes options while messages go on.
static void test_those_in_step_are_filled_to_their_limits_and_miss_the_rest(void **state)
{
    (void)state;
    enum { SUBSCRIBERS = 3, ROUNDS = 5, BURST = 25, HWM = 10 };
    for (int octets = 0; octets < 2; octets++) {
        struct fixture f;
        zmtp_budget_init(&f.budget, NULL);
        struct zmtp_socket_config config = sockets_config(ZMTP_PUB, octets ? 0 : HWM);
        config.allocator = &f.budget.allocator;
        if (octets) config.send_bytes_max = HWM * 11 - 1; // the tenth is beyond it, and the last
        f.pub = sockets_open_with(&config);
        struct zmtp_pipe_end *far[SUBSCRIBERS];
        for (size_t k = 0; k < SUBSCRIBERS; k++)
            far[k] = subscriber(&f, "<SUBSCRIBE>");
        for (unsigned round = 0; round < ROUNDS; round++) {
            const bool brimmed = f.pub->brimmed;
            f.pub->brimmed = false;
            assert_true(brimmed || round == 0);
            for (unsigned i = 0; i < BURST; i++) {
                send_numbered(f.pub, 't', i);
                assert_int_equal(f.pub->brimmed, i + 1 >= HWM);
            }
            for (size_t k = 0; k < SUBSCRIBERS; k++) {
                for (unsigned i = 0; i < HWM; i++)
                    assert_numbered(far[k], 't', i);
                assert_string_equal(sockets_far_recv(far[k]), "");
            }
        }
        const struct zmtp_socket_counters counters = zmtp_socket_counters(f.pub);
        assert_int_equal(counters.copies, ROUNDS * SUBSCRIBERS * HWM);
        assert_int_equal(counters.dropped[ZMTP_DROP_PEER_FULL],
                         ROUNDS * SUBSCRIBERS * (BURST - HWM));
        close_all(&f, far, SUBSCRIBERS);
    }
}

static void test_an_option_that_is_changed_counts_from_the_next_message_on(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, 0, false);
    struct zmtp_pipe_end *const far[] = {subscriber(&f, "<SUBSCRIBE>t"),
                                         subscriber(&f, "<SUBSCRIBE>x")};
    send_numbered(f.pub, 't', 1);
    struct zmtp_socket_config config = *zmtp_socket_config(f.pub);
    config.invert_matching = true;
    assert_int_equal(zmtp__socket_alter(f.pub, &config), ZMTP_OK);
    send_numbered(f.pub, 't', 2);
    config.invert_matching = false;
    assert_int_equal(zmtp__socket_alter(f.pub, &config), ZMTP_OK);
    send_numbered(f.pub, 't', 3);
    assert_numbered(far[0], 't', 1);
    assert_numbered(far[0], 't', 3);
    assert_numbered(far[1], 't', 2);
    assert_string_equal(sockets_far_recv(far[1]), "");
    close_all(&f, far, 2);
}

// Lanes that were chosen and then closed, one by one, are chosen no more.
static void test_a_choice_that_is_kept_ends_with_those_it_was_of(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, 0, false);
    struct zmtp_pipe_end *far[8];
    for (size_t i = 0; i < 8; i++)
        far[i] = subscriber(&f, "<SUBSCRIBE>");
    for (size_t i = 8; i > 0; i--) {
        send_numbered(f.pub, 't', 1);
        assert_numbered(far[0], 't', 1);
        assert_int_equal(zmtp_socket_counters(f.pub).sent, 9 - i);
        if (i % 2)
            zmtp_socket_detach(f.pub, far[i - 1]->other);
        else
            sockets_drop(far[i - 1]);
        if (i % 2) zmtp_pipe_close(far[i - 1]);
    }
    send_numbered(f.pub, 't', 1);
    assert_int_equal(zmtp_socket_counters(f.pub).copies, 8 + 7 + 6 + 5 + 4 + 3 + 2 + 1);
    assert_int_equal(zmtp_socket_counters(f.pub).dropped[ZMTP_DROP_NO_MATCH], 1);
    close_all(&f, far, 0);
}

// One of three misses every second message, more is sent than one slab has room for, and it is read now and then.
static void spread_without_memory(const struct zmtp_allocator *allocator, bool nodrop)
{
    enum { MESSAGES = 24, BODY = 700 };
    struct zmtp_socket_config config = sockets_config(ZMTP_PUB, 0);
    config.allocator = allocator;
    config.nodrop = nodrop;
    struct zmtp_socket *pub;
    struct zmtp_pipe_end *far[3] = {NULL, NULL, NULL};
    if (zmtp_socket_open(&pub, &config) < 0) return;
    for (size_t i = 0; i < 3; i++) {
        const struct zmtp_bytes none = {0};
        const char *const wish = i < 2 ? "<SUBSCRIBE>" : "<SUBSCRIBE>a";
        if (zmtp_socket_attach(pub, false, none, &far[i]) < 0) continue;
        if (!sockets_far_try(far[i], wish)) (void)sockets_far_try(far[i], wish);
    }
    for (int tries = 0; tries < 3 && zmtp_socket_marked(pub); tries++)
        zmtp_socket_process(pub);
    size_t left = 0;
    static uint8_t body[BODY];
    uint8_t last[3] = {0, 0, 0};
    bool sent[MESSAGES + 1];
    for (uint8_t i = 1; i <= MESSAGES; i++) {
        body[0] = i % 2 ? 'a' : 'b';
        body[1] = i;
        const struct zmtp_bytes part = {body, BODY};
        sent[i] =
            zmtp_socket_send_bytes(pub, &part, 1) == ZMTP_OK; // it is counted, or refused whole
        for (size_t k = 0; k < 3; k++) {
            struct zmtp__queue_part first = {.at = NULL};
            if (!far[k] || i % (3 + k) != 0) continue;
            for (; zmtp__pipe_readable(far[k]); left++, first.at = NULL) {
                first = (struct zmtp__queue_part){.at = NULL};
                assert_true(zmtp__queue_next_part(far[k]->in, &first));
                assert_int_equal(first.body.size, BODY);
                assert_int_equal(first.body.data[0], first.body.data[1] % 2 ? 'a' : 'b');
                assert_true(first.body.data[1] > last[k]); // in order
                assert_true(sent[first.body.data[1]]);
                last[k] = first.body.data[1];
                zmtp__queue_drop(far[k]->in);
            }
        }
    }
    sockets_assert_conserved(pub, left);
    zmtp_socket_close(pub);
    for (size_t i = 0; i < 3; i++)
        zmtp_pipe_close(far[i]);
}

static void spread_with_failing_memory(const struct zmtp_allocator *allocator)
{
    spread_without_memory(allocator, false);
}

static void spread_to_all_with_failing_memory(const struct zmtp_allocator *allocator)
{
    spread_without_memory(allocator, true);
}

static void test_whichever_allocation_fails_what_is_shared_is_whole(void **state)
{
    (void)state;
    sockets_with_failing_memory(spread_with_failing_memory);
    sockets_with_failing_memory(spread_to_all_with_failing_memory);
}

// Whoever writes is told when a queue is full; of one that stays full again after some messages, by whichever limit.
static void test_of_a_queue_that_stays_full_is_told_now_and_then(void **state)
{
    (void)state;
    enum { HELD = 64, SHARE = HELD / 8, SIZE = 11, ROUNDS = 5 };
    for (size_t i = 0; i < 4; i++) {
        struct fixture f;
        zmtp_budget_init(&f.budget, NULL);
        struct zmtp_socket_config config =
            sockets_config(ZMTP_PUB, i == 0 ? HELD : (i - 1) * HELD * 2);
        if (i > 0) config.send_bytes_max = HELD * SIZE;
        config.allocator = &f.budget.allocator;
        f.pub = sockets_open_with(&config);
        struct zmtp_pipe_end *far[2] = {subscriber(&f, "<SUBSCRIBE>"),
                                        subscriber(&f, "<SUBSCRIBE>")};
        unsigned number = 0;
        for (; number < HELD - 1; number++) {
            send_numbered(f.pub, 'a', number);
            leave(far[1], SIZE);
            assert_false(f.pub->brimmed);
        }
        for (size_t k = 0; k < ROUNDS; k++) {
            send_numbered(f.pub, 'a', number++);
            leave(far[1], SIZE);
            assert_true(f.pub->brimmed);
            f.pub->brimmed = false;
            for (size_t l = 1; l < SHARE; l++) {
                send_numbered(f.pub, 'a', number++);
                leave(far[1], SIZE);
                assert_false(f.pub->brimmed);
            }
        }
        assert_int_equal(far[0]->in->count, HELD);
        close_all(&f, far, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_those_in_step_have_one_range_of_one_slab),
        cmocka_unit_test(test_what_is_encoded_grows_with_what_waits_and_shrinks_again),
        cmocka_unit_test(test_without_memory_for_a_larger_slab_small_ones_do),
        cmocka_unit_test(
            test_one_that_does_not_read_misses_what_is_beyond_its_limit_and_delays_nobody),
        cmocka_unit_test(test_who_keeps_a_few_octets_keeps_no_slab),
        cmocka_unit_test(test_a_subscriber_that_leaves_takes_a_copy_of_what_it_still_sends),
        cmocka_unit_test(test_whoever_misses_some_gets_the_others_in_order),
        cmocka_unit_test(test_subscriptions_change_amid_a_burst),
        cmocka_unit_test(test_peers_come_and_go_amid_a_burst),
        cmocka_unit_test(test_with_nodrop_each_is_filled_to_its_limit_and_no_further),
        cmocka_unit_test(test_with_nodrop_one_that_does_not_go_on_gets_what_the_others_get),
        cmocka_unit_test(test_with_nodrop_the_limit_of_octets_holds_as_well),
        cmocka_unit_test(test_those_in_step_are_filled_to_their_limits_and_miss_the_rest),
        cmocka_unit_test(test_an_option_that_is_changed_counts_from_the_next_message_on),
        cmocka_unit_test(test_a_choice_that_is_kept_ends_with_those_it_was_of),
        cmocka_unit_test(test_of_a_queue_that_stays_full_is_told_now_and_then),
        cmocka_unit_test(test_whichever_allocation_fails_what_is_shared_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
