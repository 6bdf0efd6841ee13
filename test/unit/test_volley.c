// Messages that many get, one behind the other, and are told of together. What a publisher does for its subscribers
// otherwise: test_pub.c, test_spread.c.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "test/support/sockets.h"
#include "zmtp/msg/share.h"
#include "zmtp/socket/volley.h"

enum { CROWD = 3 };

struct fixture {
    struct zmtp_socket *pub;
    struct zmtp_pipe_end *far[CROWD];
    struct zmtp__volley volley;
};

static struct zmtp_pipe_end *subscriber(struct zmtp_socket *pub, const char *wish)
{
    struct zmtp_pipe_end *const far = sockets_accept(pub, "");
    sockets_far_send(far, wish);
    zmtp_socket_process(pub);
    return far;
}

static void open_config(struct fixture *f, const struct zmtp_socket_config *config)
{
    *f = (struct fixture){.pub = sockets_open_with(config)};
    for (size_t i = 0; i < CROWD; i++)
        f->far[i] = subscriber(f->pub, "<SUBSCRIBE>a");
}

static void open_crowd(struct fixture *f, size_t hwm, bool nodrop)
{
    struct zmtp_socket_config config = sockets_config(ZMTP_PUB, hwm);
    config.nodrop = nodrop;
    open_config(f, &config);
}

static void close_crowd(struct fixture *f)
{
    zmtp_socket_close(f->pub);
    for (size_t i = 0; i < CROWD; i++)
        zmtp_pipe_close(f->far[i]);
}

static bool put(struct fixture *f, const char *text)
{
    return zmtp__volley_put(&f->volley, zmtp_bytes_text(text));
}

static void send_ok(struct fixture *f, const char *text)
{
    assert_string_equal(sockets_send(f->pub, text), "ZMTP_OK");
}

// What goes before a volley: the second is the first that all go on with.
static void send_two(struct fixture *f)
{
    send_ok(f, "a0");
    send_ok(f, "a1");
}

static void test_what_was_put_is_sent_to_all_and_counted_once(void **state)
{
    (void)state;
    for (int nodrop = 0; nodrop < 2; nodrop++) {
        static char text[300] = "a";
        struct fixture f;
        open_crowd(&f, 100, nodrop);
        memset(text + 1, 'z', sizeof text - 2);
        send_two(&f);
        assert_true(zmtp__volley_begin(&f.volley, f.pub));
        assert_true(put(&f, "a2"));
        assert_true(put(&f, text));
        assert_int_equal(zmtp_pipe_depth(f.far[0]).in_count, 2);
        assert_int_equal(zmtp__volley_settle(&f.volley), 2);
        assert_null(f.volley.socket);
        send_ok(&f, "a3"); // which goes on behind them
        assert_int_equal(zmtp_socket_counters(f.pub).sent, 5);
        assert_int_equal(zmtp_socket_counters(f.pub).copies, 5 * CROWD);
        for (size_t i = 0; i < CROWD; i++) {
            assert_int_equal(f.far[i]->in->range_count, 1);
            assert_int_equal(zmtp_pipe_depth(f.far[i]).in_count, 5);
            assert_int_equal(zmtp_pipe_depth(f.far[i]).in_bytes, 4 * 4 + 9 + 299);
            assert_string_equal(sockets_far_recv(f.far[i]), "a0");
            assert_string_equal(sockets_far_recv(f.far[i]), "a1");
            assert_string_equal(sockets_far_recv(f.far[i]), "a2");
            assert_string_equal(sockets_far_recv(f.far[i]), text);
            assert_string_equal(sockets_far_recv(f.far[i]), "a3");
        }
        sockets_assert_conserved(f.pub, 5 * CROWD);
        close_crowd(&f);
    }
}

// Whoever reads is told, also those who had nothing to read.
static void test_readers_hear_of_a_volley(void **state)
{
    (void)state;
    struct fixture f;
    struct zmtp_marks marks = {0};
    open_crowd(&f, 0, false);
    send_two(&f);
    zmtp_pipe_own(f.far[0], &marks, NULL);
    while (zmtp_marks_take(&marks))
        continue;
    assert_true(zmtp__volley_begin(&f.volley, f.pub));
    assert_true(put(&f, "a2"));
    assert_null(marks.first);
    (void)zmtp__volley_settle(&f.volley);
    assert_ptr_equal(zmtp_marks_take(&marks), f.far[0]);
    assert_true(zmtp__volley_begin(&f.volley, f.pub));
    assert_int_equal(zmtp__volley_settle(&f.volley), 0); // of nothing nobody hears
    assert_null(marks.first);
    close_crowd(&f);
}

static void test_a_message_for_others_is_none_of_it(void **state)
{
    (void)state;
    struct fixture f;
    open_crowd(&f, 0, false);
    struct zmtp_pipe_end *const more = subscriber(f.pub, "<SUBSCRIBE>ab");
    send_two(&f);
    assert_true(zmtp__volley_begin(&f.volley, f.pub));
    assert_false(put(&f, "ab"));
    assert_false(put(&f, "b"));
    assert_false(put(&f, ""));
    assert_false(zmtp__volley_put(&f.volley, (struct zmtp_bytes){NULL, 1}));
    assert_true(put(&f, "a2"));
    assert_int_equal(zmtp__volley_settle(&f.volley), 1);
    assert_string_equal(sockets_far_recv(more), "");
    zmtp_pipe_close(more);
    close_crowd(&f);
}

// The one that fills the queues is for the general way, which tells of it.
static void test_it_ends_before_a_queue_is_full(void **state)
{
    (void)state;
    enum { HWM = 10, SIZE = 4 };
    for (int kind = 0; kind < 4; kind++) {
        const bool octets = kind % 2;
        struct fixture f;
        struct zmtp_socket_config config = sockets_config(ZMTP_PUB, octets ? 0 : HWM);
        config.nodrop = kind / 2;
        if (octets) config.send_bytes_max = HWM * SIZE;
        open_config(&f, &config);
        send_two(&f);
        assert_true(zmtp__volley_begin(&f.volley, f.pub));
        size_t count = 0;
        while (put(&f, "a2"))
            count++;
        assert_true(count > 0 && count < HWM - 2);
        assert_int_equal(zmtp__volley_settle(&f.volley), count);
        for (; count < HWM - 2; count++) {
            assert_false(f.pub->brimmed);
            send_ok(&f, "a3");
        }
        if (!config.nodrop) assert_true(f.pub->brimmed);
        assert_int_equal(zmtp_pipe_depth(f.far[0]).in_count, HWM);
        assert_string_equal(sockets_send(f.pub, "a4"),
                            config.nodrop ? "ZMTP_ERR_AGAIN" : "ZMTP_OK");
        assert_int_equal(zmtp_socket_counters(f.pub).dropped[ZMTP_DROP_PEER_FULL],
                         config.nodrop ? 0 : CROWD);
        assert_false(zmtp__volley_begin(&f.volley, f.pub));
        sockets_assert_conserved(f.pub, 0);
        close_crowd(&f);
    }
}

static void test_it_ends_with_the_slab_it_is_encoded_into(void **state)
{
    (void)state;
    struct fixture f;
    open_crowd(&f, 0, false);
    send_two(&f);
    const struct zmtp_slab *const slab = zmtp__queue_last(f.far[0]->in)->slab;
    assert_true(zmtp__volley_begin(&f.volley, f.pub));
    size_t count = 2;
    while (put(&f, "a2"))
        count++;
    assert_true(count * 4 <= slab->capacity && count * 4 + 16 > slab->capacity);
    (void)zmtp__volley_settle(&f.volley);
    for (int i = 0; i < 5; i++, count++)
        send_ok(&f, "a3");
    assert_ptr_not_equal(zmtp__queue_last(f.far[0]->in)->slab, slab);
    for (size_t i = 0; i < CROWD; i++) {
        assert_string_equal(sockets_far_recv(f.far[i]), "a0");
        assert_string_equal(sockets_far_recv(f.far[i]), "a1");
        for (size_t k = 2; k < count; k++)
            assert_string_equal(sockets_far_recv(f.far[i]), k < count - 5 ? "a2" : "a3");
        assert_string_equal(sockets_far_recv(f.far[i]), "");
    }
    close_crowd(&f);
}

static void test_none_begins_where_anything_is_out_of_the_ordinary(void **state)
{
    (void)state;
    struct fixture f;
    open_crowd(&f, 0, false);
    assert_false(zmtp__volley_begin(&f.volley, f.pub)); // nothing was sent
    send_two(&f);
    assert_string_equal(sockets_far_recv(f.far[1]), "a0");
    assert_string_equal(sockets_far_recv(f.far[1]), "a1");
    assert_false(zmtp__volley_begin(&f.volley, f.pub)); // one has read all
    send_two(&f);
    assert_true(zmtp__volley_begin(&f.volley, f.pub)); // and has begun again
    (void)zmtp__volley_settle(&f.volley);
    sockets_far_send(f.far[2], "<CANCEL>a");
    assert_false(zmtp__volley_begin(&f.volley, f.pub)); // not heard yet
    send_two(&f);
    assert_true(zmtp__volley_begin(&f.volley, f.pub));
    (void)zmtp__volley_settle(&f.volley);
    sockets_far_send(f.far[1], "<CANCEL>a");
    send_two(&f);
    assert_false(zmtp__volley_begin(&f.volley, f.pub)); // one alone
    close_crowd(&f);
    for (int kind = 0; kind < 3; kind++) {
        struct zmtp_socket_config config = sockets_config(kind == 0 ? ZMTP_XPUB : ZMTP_PUB, 100);
        config.conflate = kind == 1;
        if (kind == 2) config.send_bytes_all_max = 10000;
        open_config(&f, &config);
        send_two(&f);
        assert_false(zmtp__volley_begin(&f.volley, f.pub));
        close_crowd(&f);
    }
}

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

// Two publishers with the same subscribers are sent the same, one of them in volleys where that can be.
static void compare(uint32_t seed)
{
    enum { STEPS = 2000, READS = 300 };
    static const char *const wishes[CROWD] = {"<SUBSCRIBE>", "<SUBSCRIBE>a", "<SUBSCRIBE>a"};
    struct zmtp_socket_config config = sockets_config(ZMTP_PUB, seed % 3 * 50);
    config.nodrop = seed % 2;
    if (seed % 5 == 0) config.send_bytes_max = 2000;
    struct fixture f[2];
    size_t in_volleys = 0, left = 0;
    for (size_t k = 0; k < 2; k++) {
        f[k] = (struct fixture){.pub = sockets_open_with(&config)};
        for (size_t i = 0; i < CROWD; i++)
            f[k].far[i] = subscriber(f[k].pub, wishes[i]);
    }
    for (unsigned step = 0; step < STEPS; step++) {
        char text[320];
        const int pad = next_random(&seed) % 50 == 0 ? 300 : (int)(next_random(&seed) % 20);
        const char topic = next_random(&seed) % 40 == 0 ? 'b' : 'a';
        (void)snprintf(text, sizeof text, "%c%u%*s", topic, step, pad, "");
        if (f[0].volley.socket && put(&f[0], text)) {
            in_volleys++;
            send_ok(&f[1], text);
        } else {
            if (f[0].volley.socket) (void)zmtp__volley_settle(&f[0].volley);
            char one[32];
            (void)snprintf(one, sizeof one, "%s", sockets_send(f[0].pub, text));
            assert_string_equal(sockets_send(f[1].pub, text), one);
            (void)zmtp__volley_begin(&f[0].volley, f[0].pub);
        }
        if (next_random(&seed) % 30 > 0 && step + 1 < STEPS) continue;
        if (f[0].volley.socket) (void)zmtp__volley_settle(&f[0].volley);
        for (size_t i = 0; i < CROWD; i++) {
            const bool last = step + 1 == STEPS;
            size_t reads = last ? SIZE_MAX : next_random(&seed) % READS;
            for (; reads > 0 && zmtp__pipe_readable(f[0].far[i]); reads--, left++) {
                char first[320];
                (void)snprintf(first, sizeof first, "%s", sockets_far_recv(f[0].far[i]));
                assert_string_equal(sockets_far_recv(f[1].far[i]), first);
            }
            assert_int_equal(zmtp_pipe_depth(f[0].far[i]).in_count,
                             zmtp_pipe_depth(f[1].far[i]).in_count);
            assert_int_equal(zmtp_pipe_depth(f[0].far[i]).in_bytes,
                             zmtp_pipe_depth(f[1].far[i]).in_bytes);
        }
        const struct zmtp_socket_counters a = zmtp_socket_counters(f[0].pub);
        const struct zmtp_socket_counters b = zmtp_socket_counters(f[1].pub);
        assert_memory_equal(&a, &b, sizeof a);
    }
    assert_true(in_volleys > STEPS / 10);
    for (size_t k = 0; k < 2; k++) {
        sockets_assert_conserved(f[k].pub, left);
        close_crowd(&f[k]);
    }
}

static void test_it_is_as_if_each_had_been_sent_by_itself(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 60; seed++)
        compare(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_put_is_sent_to_all_and_counted_once),
        cmocka_unit_test(test_readers_hear_of_a_volley),
        cmocka_unit_test(test_a_message_for_others_is_none_of_it),
        cmocka_unit_test(test_it_ends_before_a_queue_is_full),
        cmocka_unit_test(test_it_ends_with_the_slab_it_is_encoded_into),
        cmocka_unit_test(test_none_begins_where_anything_is_out_of_the_ordinary),
        cmocka_unit_test(test_it_is_as_if_each_had_been_sent_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
