// Pipes joined by a ferry: what crosses, in which order, within which limits, and what is told when a
// side leaves.
#include "test/support/ferries.h"
#include "test/support/octets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static const struct ferries_limits wide = {1000, 0, 1000, 0, false};

static int set_up(void **state)
{
    static struct ferries f;
    ferries_open(&f, &wide, true);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    ferries_close(*state);
    return 0;
}

// The next message at |side| must be |body|.
static void assert_next(struct ferries *f, size_t side, struct zmtp_bytes body)
{
    struct zmtp_msg msg;
    bool command;
    zmtp_msg_init(&msg, &f->budget.allocator);
    assert_true(ferries_recv(f, side, &msg, &command));
    assert_false(command);
    octets_assert_equal(zmtp_msg_bytes(&msg, 0), body);
    zmtp_msg_fini(&msg);
}

static void assert_none(const struct ferries *f, size_t side)
{
    assert_int_equal(f->ends[side]->in->count, 0);
}

static void send_number(struct ferries *f, size_t side, size_t number)
{
    ferries_send(f, side, (struct zmtp_bytes){(const uint8_t *)&number, sizeof number}, 0);
}

static void assert_number(struct ferries *f, size_t side, size_t number)
{
    assert_next(f, side, (struct zmtp_bytes){(const uint8_t *)&number, sizeof number});
}

static void test_messages_cross_both_ways_in_order(void **state)
{
    struct ferries *f = *state;
    for (size_t i = 0; i < 100; i++) {
        send_number(f, 0, i);
        if (i % 7 == 0) ferries_settle(f);
    }
    ferries_settle(f);
    for (size_t i = 0; i < 100; i++)
        send_number(f, 1, 1000 + i);
    ferries_settle(f);
    for (size_t i = 0; i < 100; i++) {
        assert_number(f, 1, i);
        assert_number(f, 0, 1000 + i);
    }
    assert_none(f, 0);
    assert_none(f, 1);
}

static void test_what_was_sent_before_the_other_side_attached_crosses(void **state)
{
    struct ferries *f = *state;
    send_number(f, 0, 7);
    assert_null(f->ends[1]);
    ferries_settle(f);
    assert_number(f, 1, 7);
}

static void test_a_large_run_crosses_without_a_copy(void **state)
{
    struct ferries *f = *state;
    static uint8_t body[20000];
    ferries_settle(f);
    ferries_send(f, 0, zmtp_bytes_of(body, sizeof body), 0);
    struct zmtp_slab *slab = f->ends[0]->out->ranges[0].slab;
    ferries_settle(f);
    assert_int_equal(f->ends[1]->in->range_count, 1);
    assert_ptr_equal(f->ends[1]->in->ranges[0].slab, slab);
    assert_true(slab->lent);
    assert_next(f, 1, zmtp_bytes_of(body, sizeof body));
}

static void count_release(void *data, void *hint)
{
    (void)data;
    ++*(int *)hint;
}

static void test_what_a_user_lent_crosses_as_it_lies_however_small(void **state)
{
    struct ferries *f = *state;
    static uint8_t body[5000];
    static const size_t sizes[] = {1, 20, 500, sizeof body};
    int released = 0;
    ferries_settle(f);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct zmtp_part part;
        struct zmtp_msg msg;
        bool command;
        struct zmtp__queue *const queue = f->ends[0]->out;
        assert_int_equal(
            zmtp_part_wrap(&part, body, sizes[i], count_release, &released, &f->budget.allocator),
            ZMTP_OK);
        send_number(f, 0, i);
        zmtp__queue_begin(queue);
        assert_int_equal(zmtp__queue_put(queue, zmtp_part_bytes(&part), part.slab, 0), ZMTP_OK);
        zmtp__queue_end(queue, 1);
        zmtp__pipe_published(f->ends[0]);
        zmtp_part_fini(&part);
        f->awake[0] = true;
        ferries_settle(f);
        send_number(f, 0, i);
        ferries_settle(f);
        assert_number(f, 1, i);
        zmtp_msg_init(&msg, &f->budget.allocator);
        assert_true(ferries_recv(f, 1, &msg, &command));
        assert_ptr_equal(zmtp_msg_bytes(&msg, 0).data, body);
        assert_int_equal(zmtp_msg_bytes(&msg, 0).size, sizes[i]);
        assert_number(f, 1, i);
        assert_int_equal(released, i);
        zmtp_msg_fini(&msg);
        assert_int_equal(released, i + 1);
    }
}

static void test_what_other_threads_may_not_free_is_copied_when_it_is_sent(void **state)
{
    struct ferries *f = *state;
    static const uint8_t body[9000];
    struct zmtp_budget own;
    ferries_settle(f);
    zmtp_budget_init(&own, NULL);
    for (int own_memory = 0; own_memory < 2; own_memory++) {
        struct zmtp_slab *slab =
            zmtp__slab_open_exact(own_memory ? &own.allocator : &f->budget.allocator, sizeof body);
        memcpy(slab->data, body, sizeof body);
        struct zmtp__queue *queue = f->ends[0]->out;
        zmtp__queue_begin(queue);
        assert_int_equal(zmtp__queue_put(queue, zmtp_bytes_of(slab->data, sizeof body), slab, 0),
                         ZMTP_OK);
        zmtp__queue_end(queue, 1);
        assert_int_equal(zmtp__slab_sole(slab), own_memory);
        zmtp__slab_unref(slab);
        zmtp__pipe_published(f->ends[0]);
        f->awake[0] = true;
        ferries_settle(f);
        assert_next(f, 1, zmtp_bytes_of(body, sizeof body));
    }
    assert_int_equal(own.blocks, 0);
}

static void test_a_message_of_many_ranges_crosses_at_once(void **state)
{
    struct ferries *f = *state;
    enum { PARTS = 100, PART = 5000 };
    ferries_settle(f);
    struct zmtp__queue *queue = f->ends[0]->out;
    zmtp__queue_begin(queue);
    for (size_t i = 0; i < PARTS; i++) {
        struct zmtp_slab *slab = zmtp__slab_open_exact(&f->budget.allocator, PART);
        memset(slab->data, (int)i, PART);
        assert_int_equal(zmtp__queue_put(queue, zmtp_bytes_of(slab->data, PART), slab,
                                         i + 1 < PARTS ? ZMTP_FLAG_MORE : 0),
                         ZMTP_OK);
        zmtp__slab_unref(slab);
    }
    zmtp__queue_end(queue, 1);
    zmtp__pipe_published(f->ends[0]);
    assert_true(queue->range_count >= 2 * PARTS);
    f->awake[0] = true;
    ferries_settle(f);
    struct zmtp_msg msg;
    bool command;
    zmtp_msg_init(&msg, &f->budget.allocator);
    assert_true(ferries_recv(f, 1, &msg, &command));
    assert_int_equal(msg.count, PARTS);
    for (size_t i = 0; i < PARTS; i++)
        assert_int_equal(zmtp_msg_bytes(&msg, i).data[PART - 1], i);
    zmtp_msg_fini(&msg);
}

static void test_limits_hold_and_room_comes_back(void **state)
{
    (void)state;
    for (size_t limit = 1; limit <= 5; limit++) {
        struct ferries f;
        const struct ferries_limits limits = {limit, 0, 0, 0, false};
        ferries_open(&f, &limits, false);
        ferries_settle(&f);
        size_t sent = 0, received = 0;
        for (; ferries_writable(&f, 0); ferries_settle(&f))
            send_number(&f, 0, sent++);
        assert_int_equal(sent, limit); // wherever they wait
        while (received < 50) {
            assert_number(&f, 1, received++);
            ferries_settle(&f);
            for (; ferries_writable(&f, 0); ferries_settle(&f))
                send_number(&f, 0, sent++);
            // Told of by halves, as by libzmq's pipes.
            const size_t half = limit / 2 + limit % 2;
            assert_int_equal(sent, limit + received / half * half);
        }
        ferries_close(&f);
    }
}

static void test_octets_are_a_limit_too(void **state)
{
    (void)state;
    struct ferries f;
    const struct ferries_limits limits = {0, 200, 0, 0, false};
    ferries_open(&f, &limits, true);
    ferries_settle(&f);
    static const uint8_t body[60];
    struct zmtp_msg msg;
    bool command;
    size_t sent = 0;
    for (; ferries_writable(&f, 0); ferries_settle(&f), sent++)
        ferries_send(&f, 0, zmtp_bytes_of(body, sizeof body), 0);
    assert_int_equal(sent, 4); // of 62 octets
    zmtp_msg_init(&msg, &f.budget.allocator);
    assert_true(ferries_recv(&f, 1, &msg, &command));
    ferries_settle(&f);
    assert_false(ferries_writable(&f, 0));
    assert_true(ferries_recv(&f, 1, &msg, &command));
    ferries_settle(&f);
    assert_true(ferries_writable(&f, 0)); // told of 124 octets, more than half of the limit
    zmtp_msg_fini(&msg);
    ferries_close(&f);
}

static void test_a_writer_that_was_refused_is_marked_when_there_is_room(void **state)
{
    (void)state;
    struct ferries f;
    const struct ferries_limits limits = {2, 0, 0, 0, false};
    ferries_open(&f, &limits, true);
    ferries_settle(&f);
    while (zmtp_marks_take(&f.marks[0])) {}
    send_number(&f, 0, 1);
    send_number(&f, 0, 2);
    assert_false(ferries_writable(&f, 0));
    ferries_settle(&f);
    assert_null(zmtp_marks_take(&f.marks[0]));
    assert_false(ferries_writable(&f, 0)); // with both abroad
    assert_number(&f, 1, 1);
    ferries_settle(&f);
    assert_ptr_equal(zmtp_marks_take(&f.marks[0]), f.ends[0]);
    assert_true(ferries_writable(&f, 0));
    ferries_close(&f);
}

static void test_limits_that_change_count_at_once(void **state)
{
    (void)state;
    struct ferries f;
    const struct ferries_limits limits = {100, 0, 0, 0, false};
    ferries_open(&f, &limits, true);
    size_t sent = 0, received = 0;
    while (sent < 10)
        send_number(&f, 0, sent++);
    ferries_settle(&f);
    f.ends[0]->out->count_max = 2; // of which the reader has to know, or it would wait for 50
    zmtp__pipe_mark(f.ends[0]->other);
    f.awake[0] = true;
    ferries_settle(&f);
    assert_false(ferries_writable(&f, 0));
    while (received < 9) {
        assert_false(ferries_writable(&f, 0));
        assert_number(&f, 1, received++);
        ferries_settle(&f);
    }
    assert_true(ferries_writable(&f, 0));
    f.ends[0]->out->count_max = 0;
    zmtp__pipe_mark(f.ends[0]->other);
    while (sent < 50)
        send_number(&f, 0, sent++);
    ferries_settle(&f);
    while (received < 50)
        assert_number(&f, 1, received++);
    ferries_close(&f);
}

static void test_the_ring_has_room_again_for_what_was_read(void **state)
{
    (void)state;
    struct ferries f;
    const struct ferries_limits limits = {10, 0, 3, 0, false};
    ferries_open(&f, &limits, true);
    ferries_settle(&f);
    for (size_t i = 0; i < 30; i++) {
        for (size_t k = 0; k < 3;
             k++) { // three cargoes of one message, beside which a fourth waits
            send_number(&f, 0, 3 * i + k);
            ferries_turn(&f, 0, 0);
            assert_int_equal(f.ends[0]->out->count, 0);
        }
        send_number(&f, 0, 1);
        ferries_turn(&f, 0, 0);
        assert_int_equal(f.ends[0]->out->count, 1);
        zmtp__queue_drop(f.ends[0]->out);
        ferries_settle(&f);
        for (size_t k = 0; k < 3; k++)
            assert_number(&f, 1, 3 * i + k);
    }
    ferries_close(&f);
}

static void test_the_link_is_told_across(void **state)
{
    struct ferries *f = *state;
    ferries_settle(f);
    ferries_link(f, 0, "left");
    ferries_link(f, 1, "right");
    ferries_settle(f);
    const struct zmtp_link *link = zmtp_pipe_link(f->ends[0]);
    assert_true(link->up);
    assert_int_equal(link->type, ZMTP_DEALER);
    octets_assert_equal(ferries_name(link->origin), LITERAL("right"));
    octets_assert_equal(ferries_name(zmtp_pipe_link(f->ends[1])->origin), LITERAL("left"));
    const uint32_t generation = link->generation;
    ferries_link(f, 1, NULL);
    ferries_settle(f);
    assert_false(link->up);
    ferries_link(f, 1, "again");
    ferries_link(f, 1, NULL);
    ferries_link(f, 1, "once more");
    ferries_settle(f);
    assert_true(link->up);
    assert_int_equal(link->generation, generation + 1); // two in a row are one
    octets_assert_equal(ferries_name(link->origin), LITERAL("once more"));
}

static void test_commands_for_a_connection_that_is_gone_are_not_seen(void **state)
{
    struct ferries *f = *state;
    ferries_settle(f);
    ferries_link(f, 1, "first");
    ferries_settle(f);
    ferries_send(f, 0, LITERAL("\x03old"), ZMTP_FLAG_COMMAND);
    ferries_send(f, 0, LITERAL("message"), 0);
    ferries_send(f, 0, LITERAL("\x03old"), ZMTP_FLAG_COMMAND);
    ferries_turn(f, 0, 0); // they are in the ring
    ferries_link(f, 1, NULL);
    ferries_link(f, 1, "second");
    ferries_settle(f);
    ferries_send(f, 0, LITERAL("\x03new"), ZMTP_FLAG_COMMAND);
    ferries_settle(f);
    assert_next(f, 1, LITERAL("message"));
    assert_true(zmtp__pipe_readable(f->ends[1]));
    assert_true(zmtp__queue_first_flags(f->ends[1]->in) & ZMTP_FLAG_COMMAND);
    octets_assert_equal(zmtp__queue_first_body(f->ends[1]->in), LITERAL("\x03new"));
    zmtp__queue_drop(f->ends[1]->in);
    assert_none(f, 1);
}

static void test_commands_that_wait_expire_in_the_queue_and_the_ring(void **state)
{
    struct ferries *f = *state;
    ferries_settle(f);
    ferries_link(f, 1, "first");
    ferries_settle(f);
    ferries_link(f, 1, NULL);
    ferries_turn(f, 1, 0); // the news is in the ring
    ferries_send(f, 0, LITERAL("message"), 0);
    ferries_send(f, 0, LITERAL("\x03old"), ZMTP_FLAG_COMMAND);
    ferries_settle(f); // it heard before it shipped
    assert_next(f, 1, LITERAL("message"));
    assert_none(f, 1);
}

static void test_what_was_sent_before_a_close_is_still_received(void **state)
{
    struct ferries *f = *state;
    for (size_t i = 0; i < 10; i++)
        send_number(f, 0, i);
    ferries_turn(f, 0, 0); // in the ring
    for (size_t i = 10; i < 20; i++)
        send_number(f, 0, i); // in its queue
    ferries_shut(f, 0);
    ferries_turn(f, 0, 0);
    assert_null(f->shores[0]); // it has left, at once
    ferries_settle(f);
    assert_true(f->ends[1]->other->closed);
    for (size_t i = 0; i < 20; i++)
        assert_number(f, 1, i);
    assert_true(zmtp__pipe_finished(f->ends[1]));
}

// The queue, the ring and what had not left yet are the receiver's then, all of it beyond its limit.
static void test_a_close_is_heard_though_nobody_reads(void **state)
{
    (void)state;
    struct ferries f;
    const struct ferries_limits limits = {2, 0, 2, 0, false};
    ferries_open(&f, &limits, false);
    size_t sent = 0;
    for (; ferries_writable(&f, 0); ferries_settle(&f))
        send_number(&f, 0, sent++);
    ferries_shut(&f, 0);
    ferries_settle(&f);
    assert_null(f.shores[0]);
    assert_true(f.ends[1]->other->closed);
    assert_false(ferries_writable(&f, 1)); // so whoever waits to send there waits no more
    assert_int_equal(f.ends[1]->in->count, sent);
    for (size_t i = 0; i < sent; i++)
        assert_number(&f, 1, i);
    assert_true(zmtp__pipe_finished(f.ends[1]));
    ferries_close(&f);
}

static void test_who_is_left_hears_how_much_was_lost(void **state)
{
    struct ferries *f = *state;
    ferries_settle(f);
    send_number(f, 0, 1);
    send_number(f, 0, 2);
    ferries_send(f, 0, LITERAL("\x03Not"), ZMTP_FLAG_COMMAND); // commands are no messages
    ferries_settle(f);
    assert_number(f, 1, 1);
    send_number(f, 0, 3);
    ferries_turn(f, 0, 0); // one is in the ring, and one waits in its reader's queue
    ferries_shut(f, 1);
    ferries_turn(f, 1, 0);
    send_number(f, 0, 4); // and one was sent before the news
    ferries_settle(f);
    assert_true(f->ends[0]->other->closed);
    assert_int_equal(f->ends[0]->stranded, 2);
    assert_int_equal(zmtp__queue_left(f->ends[0]->out), 2); // the others had come into its queue
    assert_int_equal(zmtp__queue_waiting(f->ends[0]->out), 0);
}

static void test_what_is_on_its_way_still_waits(void **state)
{
    struct ferries *f = *state;
    ferries_settle(f);
    struct zmtp__queue *queue = f->ends[0]->out;
    for (size_t i = 1; i <= 3; i++) {
        send_number(f, 0, i);
        ferries_send(f, 0, LITERAL("\x03Not"), ZMTP_FLAG_COMMAND);
        assert_int_equal(zmtp__queue_waiting(queue), 1);
        ferries_turn(f, 0, 0);
        assert_int_equal(queue->count, 0);
        assert_int_equal(zmtp__queue_waiting(queue), 1);
        assert_int_equal(zmtp__queue_left(queue), i - 1);
        ferries_settle(f);
        assert_int_equal(zmtp__queue_waiting(queue), 0);
        assert_int_equal(zmtp__queue_left(queue), i);
    }
}

static void test_each_message_names_who_said_it(void **state)
{
    struct ferries *f = *state;
    ferries_settle(f);
    static const char *const names[] = {"first", "second", "silent", "third"};
    for (size_t i = 0; i < 4; i++) {
        ferries_link(f, 0, names[i]);
        if (i != 2) send_number(f, 0, i);
        if (i != 2) send_number(f, 0, i);
        ferries_link(f, 0, NULL);
        if (i == 0) ferries_turn(f, 0, 0); // the others cross together
    }
    ferries_settle(f);
    static const char *const said[] = {"first", "first", "second", "second", "third", "third"};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        struct zmtp_msg msg;
        bool command;
        zmtp_msg_init(&msg, NULL);
        assert_true(ferries_recv(f, 1, &msg, &command));
        octets_assert_equal(ferries_name(msg.origin), zmtp_bytes_text(said[i]));
        zmtp_msg_fini(&msg);
    }
    assert_false(zmtp_pipe_link(f->ends[1])->up);
}

static void test_a_refused_side_loses_what_was_sent_to_it(void **state)
{
    struct ferries *f = *state;
    send_number(f, 0, 1);
    ferries_turn(f, 0, 0);
    send_number(f, 0, 2);
    assert_true(zmtp__shore_refuse(f->shores[1]) & ZMTP__FERRY_RING);
    zmtp__shore_close(f->shores[1]);
    f->shores[1] = NULL;
    ferries_turn(f, 0, 0);
    assert_true(f->ends[0]->other->closed);
    assert_int_equal(f->ends[0]->stranded, 2);
    assert_ptr_equal(zmtp__dock_next(&f->docks[1]), NULL); // it comes off the list it was on
    f->awake[1] = false;
}

static void test_a_side_that_has_left_is_called_no_more(void **state)
{
    struct ferries *f = *state;
    ferries_settle(f);
    ferries_shut(f, 1);
    ferries_turn(f, 1, 0);
    for (size_t i = 0; i < 5; i++) {
        send_number(f, 0, i);
        ferries_turn(f, 0, 0);
        if (!f->shores[0]) break;
    }
    assert_null(f->shores[0]);
    assert_null(zmtp__dock_next(&f->docks[1]));
}

static void test_who_hails_is_heard(void **state)
{
    struct ferries *f = *state; // it was hailed, and nothing sent
    ferries_turn(f, 1, 0);
    assert_true(f->attached[1]);
}

static void test_only_a_sleeper_is_rung_and_only_once(void **state)
{
    struct ferries *f = *state;
    ferries_settle(f);
    send_number(f, 0, 1);
    assert_ptr_equal(zmtp__dock_next(&f->docks[0]), f->shores[0]);
    assert_int_equal(zmtp__shore_work(f->shores[0]), ZMTP__FERRY_RING);
    send_number(f, 0, 2);
    assert_ptr_equal(zmtp__dock_next(&f->docks[0]), f->shores[0]);
    assert_int_equal(zmtp__shore_work(f->shores[0]), 0); // it was called already
    zmtp__dock_wake(&f->docks[1]);
    assert_ptr_equal(zmtp__dock_next(&f->docks[1]), f->shores[1]);
    assert_int_equal(zmtp__shore_work(f->shores[1]), 0);
    send_number(f, 0, 3);
    assert_ptr_equal(zmtp__dock_next(&f->docks[0]), f->shores[0]);
    assert_int_equal(zmtp__shore_work(f->shores[0]), 0);
    assert_false(zmtp__dock_sleep(&f->docks[1])); // something came meanwhile
    f->awake[1] = true;
    ferries_settle(f);
    for (size_t i = 1; i <= 3; i++)
        assert_number(f, 1, i);
}

static void test_who_has_not_said_that_it_is_awake_is_rung_for_each_call(void **state)
{
    struct ferries *f = *state;
    ferries_settle(f);
    for (size_t i = 1; i <= 3; i++) {
        send_number(f, 0, i);
        assert_ptr_equal(zmtp__dock_next(&f->docks[0]), f->shores[0]);
        assert_int_equal(zmtp__shore_work(f->shores[0]), ZMTP__FERRY_RING);
        // The ring is still on its way when the call is found.
        assert_ptr_equal(zmtp__dock_next(&f->docks[1]), f->shores[1]);
        (void)zmtp__shore_work(f->shores[1]);
        assert_number(f, 1, i);
    }
    ferries_settle(f);
}

static const struct ferries_limits biding = {.pipe_count = 1000, .bides = true};

static void test_what_is_awaited_crosses_at_once_and_the_rest_when_it_is_asked_for(void **state)
{
    (void)state;
    struct ferries f;
    ferries_open(&f, &biding, true);
    ferries_settle(&f);
    for (size_t i = 0; i < 10; i++) {
        send_number(&f, 0, i);
        ferries_settle(&f);
    }
    assert_int_equal(f.ends[1]->in->count, 1);
    assert_int_equal(f.ends[0]->out->count, 9);
    assert_number(&f, 1, 0);
    ferries_settle(&f);
    assert_int_equal(f.ends[1]->in->count, 9);
    for (size_t i = 1; i < 10; i++)
        assert_number(&f, 1, i);
    ferries_settle(&f);
    send_number(&f, 0, 10);
    ferries_settle(&f);
    assert_number(&f, 1, 10);
    ferries_close(&f);
}

static void test_what_makes_a_batch_or_fills_the_queue_does_not_wait_to_be_asked_for(void **state)
{
    (void)state;
    static uint8_t body[40000];
    struct ferries f;
    ferries_open(&f, &biding, true);
    ferries_settle(&f);
    for (size_t i = 0; i < 3; i++) {
        ferries_send(&f, 0, zmtp_bytes_of(body, sizeof body), 0);
        ferries_settle(&f);
        assert_int_equal(f.ends[0]->out->count, i % 2); // two are a batch
    }
    ferries_close(&f);
    const struct ferries_limits tight = {.pipe_count = 4, .bides = true};
    ferries_open(&f, &tight, true);
    ferries_settle(&f);
    for (size_t i = 0; i < 4; i++) {
        send_number(&f, 0, i);
        ferries_settle(&f);
    }
    assert_false(ferries_writable(&f, 0));
    assert_int_equal(f.ends[0]->out->count, 0);
    ferries_close(&f);
}

static void test_what_was_kept_is_left_behind_by_a_close_as_the_rest(void **state)
{
    (void)state;
    struct ferries f;
    ferries_open(&f, &biding, true);
    ferries_settle(&f);
    for (size_t i = 0; i < 5; i++) {
        send_number(&f, 0, i);
        ferries_settle(&f);
    }
    ferries_shut(&f, 0);
    ferries_settle(&f);
    for (size_t i = 0; i < 5; i++)
        assert_number(&f, 1, i);
    assert_true(zmtp__pipe_finished(f.ends[1]));
    ferries_close(&f);
}

static void test_slabs_come_home_to_their_pool(void **state)
{
    struct ferries *f = *state;
    static const uint8_t body[30000];
    ferries_settle(f);
    for (size_t i = 0; i < 40; i++) { // until both sides have what they need
        ferries_send(f, 0, zmtp_bytes_of(body, sizeof body), 0);
        ferries_settle(f);
        assert_next(f, 1, zmtp_bytes_of(body, sizeof body));
    }
    const uint64_t calls = f->budget.calls;
    for (size_t i = 0; i < 50; i++) {
        ferries_send(f, 0, zmtp_bytes_of(body, sizeof body), 0);
        ferries_settle(f);
        assert_next(f, 1, zmtp_bytes_of(body, sizeof body));
    }
    assert_true(f->budget.calls <= calls + 20); // arrays of ranges for berths not used before
}

static void send_and_receive_with_failures(struct ferries *f)
{
    size_t sent = 0, received = 0;
    static uint8_t body[5000];
    for (size_t i = 0; i < 6; i++) {
        body[0] = (uint8_t)sent;
        ferries_link(f, 0, i % 2 ? "a" : NULL);
        if (ferries_try(f, 0, zmtp_bytes_of(body, i % 2 ? 10 : sizeof body), 0)) sent++;
        ferries_turn(f, 0, 2);
        ferries_turn(f, 1, 2);
    }
    f->budget.fail_at = 0;
    ferries_settle(f);
    for (; received < sent; received++) {
        struct zmtp_msg msg;
        bool command;
        zmtp_msg_init(&msg, NULL);
        assert_true(ferries_recv(f, 1, &msg, &command));
        assert_int_equal(zmtp_msg_bytes(&msg, 0).data[0], received);
        zmtp_msg_fini(&msg);
    }
    assert_none(f, 1);
}

static void test_without_memory_nothing_is_lost_and_it_is_tried_again(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 40; n++)
        for (int on = 0; on < 2; on++) {
            struct ferries f;
            ferries_open(&f, &wide, n % 2);
            f.budget.fail_at = f.budget.calls + n;
            f.budget.fail_on = on;
            send_and_receive_with_failures(&f);
            ferries_close(&f);
        }
    struct zmtp_budget none;
    zmtp_budget_init(&none, NULL);
    none.fail_at = 1;
    struct zmtp__shore *shores[2];
    const struct zmtp__ferry_config config = {.allocator = &none.allocator};
    assert_int_equal(zmtp__ferry_open(&config, shores), ZMTP_ERR_MEMORY);
    assert_null(shores[0]);
}

// A pipe of |f|'s side 1, whose other end sends |count| messages, every second one large, and closes. Its pool is gone by then.
static struct zmtp_pipe_end *leave_early(struct ferries *f, size_t count)
{
    static const uint8_t large[20000];
    struct zmtp_pipe_end *ends[2];
    const struct zmtp_pipe_config config = {.allocator = &f->budget.allocator, .pool = f->pools[1]};
    assert_int_equal(zmtp_pipe_open(&config, ends), ZMTP_OK);
    zmtp__shore_expect(ends[1]);
    f->ends[1] = ends[0];
    for (size_t i = 0; i < count; i++) {
        if (i % 2 == 0)
            send_number(f, 1, i);
        else
            ferries_send(f, 1, zmtp_bytes_of(large, sizeof large), 0);
    }
    zmtp__queue_begin(ends[0]->out); // and one that it does not end
    assert_int_equal(zmtp__queue_put(ends[0]->out, zmtp_bytes_text("begun"), NULL, ZMTP_FLAG_MORE),
                     ZMTP_OK);
    zmtp_pipe_close(ends[0]);
    f->ends[1] = NULL;
    assert_int_equal(zmtp__shore_leave_behind(ends[1]), count > 0);
    zmtp_pool_close(f->pools[1]);
    f->pools[1] = NULL;
    return ends[1];
}

static void test_what_one_left_who_came_too_early_crosses_without_its_pool(void **state)
{
    struct ferries *f = *state;
    static const uint8_t large[20000];
    struct zmtp_pipe_end *const end = leave_early(f, 10);
    zmtp__shore_attach(f->shores[1], end);
    assert_int_equal(zmtp__shore_work(f->shores[1]) & ZMTP__FERRY_OVER, ZMTP__FERRY_OVER);
    zmtp__shore_close(f->shores[1]);
    f->shores[1] = NULL;
    ferries_turn(f, 0, 0);
    for (size_t i = 0; i < 10; i++) {
        if (i % 2 == 0)
            assert_number(f, 0, i);
        else
            assert_next(f, 0, zmtp_bytes_of(large, sizeof large));
    }
    assert_true(zmtp__pipe_finished(f->ends[0]));
    assert_ptr_equal(zmtp__dock_next(&f->docks[1]), NULL); // it comes off the list it was on
    f->awake[1] = false;
}

static void test_what_one_left_who_came_too_early_may_be_for_nobody_or_nothing(void **state)
{
    (void)state;
    for (size_t count = 0; count < 4; count++) {
        struct ferries f;
        ferries_open(&f, &wide, true);
        zmtp_pipe_close(leave_early(&f, count));
        ferries_close(&f);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_messages_cross_both_ways_in_order),
        TEST(test_what_was_sent_before_the_other_side_attached_crosses),
        TEST(test_a_large_run_crosses_without_a_copy),
        TEST(test_what_a_user_lent_crosses_as_it_lies_however_small),
        TEST(test_what_other_threads_may_not_free_is_copied_when_it_is_sent),
        TEST(test_a_message_of_many_ranges_crosses_at_once),
        cmocka_unit_test(test_limits_hold_and_room_comes_back),
        cmocka_unit_test(test_octets_are_a_limit_too),
        cmocka_unit_test(test_a_writer_that_was_refused_is_marked_when_there_is_room),
        cmocka_unit_test(test_limits_that_change_count_at_once),
        cmocka_unit_test(test_the_ring_has_room_again_for_what_was_read),
        TEST(test_the_link_is_told_across),
        TEST(test_commands_for_a_connection_that_is_gone_are_not_seen),
        TEST(test_commands_that_wait_expire_in_the_queue_and_the_ring),
        TEST(test_what_was_sent_before_a_close_is_still_received),
        cmocka_unit_test(test_a_close_is_heard_though_nobody_reads),
        TEST(test_who_is_left_hears_how_much_was_lost),
        TEST(test_what_is_on_its_way_still_waits),
        TEST(test_each_message_names_who_said_it),
        TEST(test_a_refused_side_loses_what_was_sent_to_it),
        TEST(test_a_side_that_has_left_is_called_no_more),
        TEST(test_who_hails_is_heard),
        TEST(test_only_a_sleeper_is_rung_and_only_once),
        TEST(test_who_has_not_said_that_it_is_awake_is_rung_for_each_call),
        cmocka_unit_test(test_what_is_awaited_crosses_at_once_and_the_rest_when_it_is_asked_for),
        cmocka_unit_test(test_what_makes_a_batch_or_fills_the_queue_does_not_wait_to_be_asked_for),
        cmocka_unit_test(test_what_was_kept_is_left_behind_by_a_close_as_the_rest),
        TEST(test_what_one_left_who_came_too_early_crosses_without_its_pool),
        cmocka_unit_test(test_what_one_left_who_came_too_early_may_be_for_nobody_or_nothing),
        TEST(test_slabs_come_home_to_their_pool),
        cmocka_unit_test(test_without_memory_nothing_is_lost_and_it_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
