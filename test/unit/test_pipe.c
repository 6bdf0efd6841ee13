// Pipes: who is marked when, what an end tells the other, and what a close leaves behind.
#include "test/support/octets.h"
#include "test/support/random.h"
#include "zmtp/msg/pipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

struct fixture {
    struct zmtp_budget budget;
    struct zmtp_pipe_end *ends[2]; // null: closed by the test
    struct zmtp_marks marks[2], later;
};

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){0};
    zmtp_budget_init(&f.budget, NULL);
    const struct zmtp_pipe_config config = {
        .allocator = &f.budget.allocator, .count_max = {2, 0}, .bytes_max = {0, 100}};
    assert_int_equal(zmtp_pipe_open(&config, f.ends), ZMTP_OK);
    for (size_t i = 0; i < 2; i++) {
        zmtp_pipe_own(f.ends[i], &f.marks[i], &f.ends[i]);
        assert_ptr_equal(zmtp_marks_take(&f.marks[i]), f.ends[i]);
    }
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    zmtp_pipe_close(f->ends[0]);
    zmtp_pipe_close(f->ends[1]);
    assert_int_equal(f->budget.bytes, 0);
    assert_int_equal(f->budget.blocks, 0);
    return 0;
}

static void send_body(struct zmtp_pipe_end *end, struct zmtp_bytes body, unsigned flags)
{
    zmtp__queue_begin(end->out);
    assert_int_equal(zmtp__queue_put(end->out, body, NULL, flags), ZMTP_OK);
    zmtp__queue_end(end->out, 1);
    zmtp__pipe_published(end);
}

static void drop_first(struct zmtp_pipe_end *end)
{
    zmtp__queue_drop(end->in);
    zmtp__pipe_consumed(end);
}

static void close_end(struct fixture *f, size_t index)
{
    zmtp_pipe_close(f->ends[index]);
    f->ends[index] = NULL;
}

static void test_what_one_end_sends_waits_at_the_other(void **state)
{
    struct fixture *f = *state;
    send_body(f->ends[0], LITERAL("to one"), 0);
    send_body(f->ends[1], LITERAL("to zero"), 0);
    octets_assert_equal(zmtp__queue_first_body(f->ends[1]->in), LITERAL("to one"));
    octets_assert_equal(zmtp__queue_first_body(f->ends[0]->in), LITERAL("to zero"));
    const struct zmtp_pipe_depth depth = zmtp_pipe_depth(f->ends[0]);
    assert_int_equal(depth.out_count, 1);
    assert_int_equal(depth.out_bytes, 8);
    assert_int_equal(depth.in_count, 1);
    assert_int_equal(depth.in_bytes, 9);
}

static void test_a_new_owner_is_told_of_what_came_before_it(void **state)
{
    struct fixture *f = *state;
    zmtp_pipe_own(f->ends[1], NULL, NULL);
    send_body(f->ends[0], LITERAL("A"), 0); // marked in silence
    zmtp_pipe_own(f->ends[1], &f->later, &f->later);
    assert_ptr_equal(zmtp_pipe_owner(f->ends[1]), &f->later);
    assert_ptr_equal(zmtp_marks_take(&f->later), f->ends[1]);
    assert_null(zmtp_marks_take(&f->later));
}

static void test_an_end_that_changes_its_owner_leaves_the_old_list(void **state)
{
    struct fixture *f = *state;
    send_body(f->ends[0], LITERAL("A"), 0);
    zmtp_pipe_own(f->ends[1], &f->later, NULL);
    assert_null(zmtp_marks_take(&f->marks[1]));
    assert_ptr_equal(zmtp_marks_take(&f->later), f->ends[1]);
}

static void test_many_messages_mark_an_end_once(void **state)
{
    struct fixture *f = *state;
    send_body(f->ends[1], LITERAL("A"), 0);
    send_body(f->ends[1], LITERAL("B"), 0);
    assert_ptr_equal(zmtp_marks_take(&f->marks[0]), f->ends[0]);
    assert_null(zmtp_marks_take(&f->marks[0]));
    send_body(f->ends[1], LITERAL("C"), 0);
    assert_ptr_equal(zmtp_marks_take(&f->marks[0]), f->ends[0]);
    assert_null(zmtp_marks_take(&f->marks[1])); // the sender hears nothing
}

static void test_a_list_gives_ends_in_order_and_forgets_those_that_close(void **state)
{
    struct fixture *f = *state;
    struct zmtp_marks marks = {0};
    enum { COUNT = 4 };
    struct zmtp_pipe_end *ends[COUNT][2];
    const struct zmtp_pipe_config config = {.allocator = &f->budget.allocator};
    // Each of the four is closed in turn, so the first, middle and last of a list all leave it.
    for (size_t gone = 0; gone < COUNT; gone++) {
        for (size_t i = 0; i < COUNT; i++) {
            assert_int_equal(zmtp_pipe_open(&config, ends[i]), ZMTP_OK);
            zmtp_pipe_own(ends[i][0], &marks, NULL);
        }
        zmtp_pipe_close(ends[gone][0]);
        zmtp_pipe_own(ends[gone][1], &marks, NULL); // behind the others
        for (size_t i = 0; i < COUNT; i++)
            if (i != gone) assert_ptr_equal(zmtp_marks_take(&marks), ends[i][0]);
        assert_ptr_equal(zmtp_marks_take(&marks), ends[gone][1]);
        assert_null(zmtp_marks_take(&marks));
        for (size_t i = 0; i < COUNT; i++) {
            if (i != gone) zmtp_pipe_close(ends[i][0]);
            zmtp_pipe_close(ends[i][1]);
        }
    }
}

static void test_a_refused_writer_hears_of_room_once_half_is_read(void **state)
{
    struct fixture *f = *state;
    send_body(f->ends[0], LITERAL("A"), 0);
    assert_true(zmtp__pipe_writable(f->ends[0]));
    send_body(f->ends[0], LITERAL("B"), 0);
    assert_false(zmtp__pipe_writable(f->ends[0]));
    drop_first(f->ends[1]);
    assert_ptr_equal(zmtp_marks_take(&f->marks[0]), f->ends[0]);
    drop_first(f->ends[1]);
    assert_null(zmtp_marks_take(&f->marks[0])); // told already
    assert_true(zmtp__pipe_writable(f->ends[0]));
}

// Else it would wait for ever behind a reader that stops there, with half of the queue free.
static void test_a_refused_writer_hears_of_room_at_each_half_of_all_that_was_ever_read(void **state)
{
    struct fixture *f = *state;
    zmtp__queue_limit(f->ends[0]->out, 4, 0);
    for (int i = 0; i < 3; i++) {
        send_body(f->ends[0], LITERAL("A"), 0);
        drop_first(f->ends[1]);
    }
    for (int i = 0; i < 4; i++)
        send_body(f->ends[0], LITERAL("B"), 0);
    assert_false(zmtp__pipe_writable(f->ends[0]));
    drop_first(f->ends[1]);
    assert_ptr_equal(zmtp_marks_take(&f->marks[0]), f->ends[0]); // though three wait
    send_body(f->ends[0], LITERAL("C"), 0);
    assert_false(zmtp__pipe_writable(f->ends[0]));
    drop_first(f->ends[1]);
    assert_null(zmtp_marks_take(&f->marks[0])); // five were read
    drop_first(f->ends[1]);
    assert_ptr_equal(zmtp_marks_take(&f->marks[0]), f->ends[0]);
}

static void test_a_writer_that_was_not_refused_hears_nothing_of_room(void **state)
{
    struct fixture *f = *state;
    send_body(f->ends[0], LITERAL("A"), 0);
    send_body(f->ends[0], LITERAL("B"), 0);
    drop_first(f->ends[1]);
    drop_first(f->ends[1]);
    assert_null(zmtp_marks_take(&f->marks[0]));
}

static void test_each_direction_has_its_own_limit(void **state)
{
    struct fixture *f = *state;
    const uint8_t octets[98] = {0};
    for (int i = 0; i < 10; i++)
        send_body(f->ends[1], LITERAL("A"), 0);
    assert_true(zmtp__pipe_writable(f->ends[1])); // no limit on messages, 30 octets of 100
    send_body(f->ends[1], (struct zmtp_bytes){octets, sizeof octets}, 0);
    assert_false(zmtp__pipe_writable(f->ends[1]));
    assert_true(zmtp__pipe_writable(f->ends[0]));
}

static void test_a_link_tells_type_and_routing_id_and_counts_connections(void **state)
{
    struct fixture *f = *state;
    const struct zmtp_link *link = zmtp_pipe_link(f->ends[0]);
    assert_false(link->up);
    uint8_t id[255];
    memset(id, 'i', sizeof id);
    for (uint32_t generation = 1; generation <= 3; generation++) {
        const struct zmtp_bytes view = {id, 85u * generation};
        assert_int_equal(zmtp_pipe_link_up(f->ends[1], &(struct zmtp_origin){.type = ZMTP_DEALER,
                                                                             .routing_id = view}),
                         ZMTP_OK);
        assert_ptr_equal(zmtp_marks_take(&f->marks[0]), f->ends[0]);
        assert_true(link->up);
        assert_int_equal(link->generation, generation);
        assert_int_equal(link->type, ZMTP_DEALER);
        octets_assert_equal(link->origin->routing_id, view);
        zmtp_pipe_link_down(f->ends[1]);
        assert_ptr_equal(zmtp_marks_take(&f->marks[0]), f->ends[0]);
        assert_false(link->up);
        zmtp_pipe_link_down(f->ends[1]); // twice is once
        assert_null(zmtp_marks_take(&f->marks[0]));
    }
}

static void test_a_link_that_finds_no_memory_stays_as_it_was(void **state)
{
    struct fixture *f = *state;
    const uint8_t id[100] = {0};
    assert_int_equal(
        zmtp_pipe_link_up(f->ends[1],
                          &(struct zmtp_origin){.type = ZMTP_DEALER, .routing_id = LITERAL("old")}),
        ZMTP_OK);
    f->budget.fail_at = f->budget.calls + 1;
    const struct zmtp_bytes view = {id, sizeof id};
    assert_int_equal(zmtp_pipe_link_up(f->ends[1], &(struct zmtp_origin){.type = ZMTP_ROUTER,
                                                                         .routing_id = view}),
                     ZMTP_ERR_MEMORY);
    const struct zmtp_link *link = zmtp_pipe_link(f->ends[0]);
    assert_int_equal(link->generation, 1);
    assert_int_equal(link->type, ZMTP_DEALER);
    octets_assert_equal(link->origin->routing_id, LITERAL("old"));
}

static void test_a_link_that_breaks_rewinds_to_a_message_and_drops_commands(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        zmtp_pipe_link_up(f->ends[1],
                          &(struct zmtp_origin){.type = ZMTP_XPUB, .routing_id = LITERAL("")}),
        ZMTP_OK);
    send_body(f->ends[0], LITERAL("command"), ZMTP_FLAG_COMMAND);
    send_body(f->ends[0], LITERAL("message"), 0);
    send_body(f->ends[0], LITERAL("command"), ZMTP_FLAG_COMMAND);
    zmtp__queue_consume(f->ends[1]->in, 9 + 4); // the command, and some of the message
    zmtp_pipe_link_down(f->ends[1]);
    octets_assert_equal(zmtp__queue_first_body(f->ends[1]->in), LITERAL("message"));
    drop_first(f->ends[1]);
    assert_false(zmtp__pipe_readable(f->ends[1]));
}

static void test_a_closed_end_leaves_its_messages_and_counts_those_it_loses(void **state)
{
    struct fixture *f = *state;
    send_body(f->ends[0], LITERAL("out"), 0);
    send_body(f->ends[1], LITERAL("in"), 0);
    send_body(f->ends[1], LITERAL("in, but no message"), ZMTP_FLAG_COMMAND);
    send_body(f->ends[1], LITERAL("in"), 0);
    assert_ptr_equal(zmtp_marks_take(&f->marks[1]), f->ends[1]);
    close_end(f, 0);
    assert_ptr_equal(zmtp_marks_take(&f->marks[1]), f->ends[1]);
    assert_int_equal(f->ends[1]->stranded, 2);
    assert_int_equal(zmtp_pipe_depth(f->ends[1]).out_count, 0);
    assert_false(zmtp__pipe_writable(f->ends[1]));
    assert_false(zmtp__pipe_finished(f->ends[1]));
    octets_assert_equal(zmtp__queue_first_body(f->ends[1]->in), LITERAL("out"));
    drop_first(f->ends[1]);
    assert_true(zmtp__pipe_finished(f->ends[1]));
    zmtp_pipe_link_down(f->ends[1]);
    zmtp_pipe_close(NULL);
}

static void test_a_message_that_the_closed_end_had_open_never_comes(void **state)
{
    struct fixture *f = *state;
    send_body(f->ends[0], LITERAL("whole"), 0);
    zmtp__queue_begin(f->ends[0]->out);
    assert_int_equal(zmtp__queue_put(f->ends[0]->out, LITERAL("half"), NULL, ZMTP_FLAG_MORE),
                     ZMTP_OK);
    close_end(f, 0);
    struct zmtp_bytes view;
    assert_int_equal(zmtp__queue_peek(f->ends[1]->in, &view, 1, SIZE_MAX), 1);
    octets_assert_equal(view, LITERAL("\0\5whole"));
}

static void test_a_writer_amid_a_message_may_go_on_when_the_reader_closed(void **state)
{
    struct fixture *f = *state;
    for (int undo = 0; undo < 2; undo++) {
        struct zmtp__queue *queue = f->ends[0]->out;
        zmtp__queue_begin(queue);
        assert_int_equal(zmtp__queue_put(queue, LITERAL("A"), NULL, ZMTP_FLAG_MORE), ZMTP_OK);
        close_end(f, 1);
        assert_int_equal(zmtp__queue_put(queue, LITERAL("B"), NULL, 0), ZMTP_OK);
        if (undo) {
            zmtp__queue_undo(queue);
        } else {
            zmtp__queue_end(queue, 1);
            zmtp__pipe_published(f->ends[0]);
            assert_int_equal(tear_down(state), 0);
            assert_int_equal(set_up(state), 0);
        }
    }
}

static void test_a_link_told_to_a_closed_end_is_freed_with_the_pipe(void **state)
{
    struct fixture *f = *state;
    const uint8_t id[255] = {0};
    close_end(f, 0);
    assert_int_equal(
        zmtp_pipe_link_up(
            f->ends[1], &(struct zmtp_origin){.type = ZMTP_DEALER, .routing_id = {id, sizeof id}}),
        ZMTP_OK);
    zmtp_pipe_link_down(f->ends[1]); // tear_down() finds the balance zero
}

static void test_a_pipe_without_memory_is_not_opened(void **state)
{
    struct fixture *f = *state;
    struct zmtp_pipe_end *ends[2];
    f->budget.fail_at = f->budget.calls + 1;
    const struct zmtp_pipe_config config = {.allocator = &f->budget.allocator};
    assert_int_equal(zmtp_pipe_open(&config, ends), ZMTP_ERR_MEMORY);
}

// One side of a conversation that acts only when it was marked: it reads what is there, in one or
// several turns, and writes until it is refused.
struct side {
    struct zmtp_pipe_end *end;
    struct zmtp_marks marks;
    uint32_t sent, received;
    bool awake;
};

static bool side_write(struct side *side, uint32_t total, struct random *random)
{
    while (side->sent < total) {
        if (!zmtp__pipe_writable(side->end)) return true;
        uint8_t octets[60] = {0};
        memcpy(octets, &side->sent, sizeof side->sent);
        const size_t size = sizeof side->sent + random_below(random, 50);
        send_body(side->end, (struct zmtp_bytes){octets, size}, 0);
        side->sent++;
        if (random_below(random, 4) == 0) return false; // more to do, without a mark
    }
    return true;
}

static bool side_read(struct side *side, struct random *random)
{
    while (zmtp__pipe_readable(side->end)) {
        uint32_t number = 0;
        memcpy(&number, zmtp__queue_first_body(side->end->in).data, sizeof number);
        assert_int_equal(number, side->received);
        side->received++;
        drop_first(side->end);
        if (random_below(random, 4) == 0) return false;
    }
    return true;
}

static void test_sides_that_act_only_when_marked_exchange_everything(void **state)
{
    enum { TOTAL = 200, SEEDS = 60 };
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct random random = random_of(seed);
        struct zmtp_pipe_config config = {0};
        for (size_t i = 0; i < 2; i++) { // limits of 1 to 3, or 1 to 150 octets, or both
            const size_t kind = random_below(&random, 3);
            if (kind != 0) config.count_max[i] = 1 + random_below(&random, 3);
            if (kind != 1) config.bytes_max[i] = 1 + random_below(&random, 150);
        }
        struct zmtp_pipe_end *ends[2];
        assert_int_equal(zmtp_pipe_open(&config, ends), ZMTP_OK);
        struct side sides[2] = {{.end = ends[0]}, {.end = ends[1]}};
        for (size_t i = 0; i < 2; i++)
            zmtp_pipe_own(ends[i], &sides[i].marks, NULL);

        for (;;) {
            bool asleep = true;
            for (size_t i = 0; i < 2; i++) {
                struct side *side = &sides[random_below(&random, 2)];
                if (zmtp_marks_take(&side->marks)) side->awake = true;
                if (!side->awake) continue;
                const bool written = side_write(side, TOTAL, &random);
                const bool read = side_read(side, &random);
                side->awake = !written || !read;
            }
            for (size_t i = 0; i < 2; i++)
                if (sides[i].awake || sides[i].marks.first) asleep = false;
            if (asleep) break;
        }
        if (sides[0].received != TOTAL || sides[1].received != TOTAL)
            fail_msg("seed %u: a wake-up was lost after %u and %u messages", (unsigned)seed,
                     sides[0].received, sides[1].received);
        zmtp_pipe_close(ends[0]);
        zmtp_pipe_close(ends[1]);
    }
}

static void test_a_follower_of_an_end_points_at_nothing_once_it_is_closed(void **state)
{
    const struct zmtp_pipe_config config = {0};
    struct zmtp_pipe_end *ends[2], *followers[2] = {NULL, NULL};
    (void)state;
    assert_int_equal(zmtp_pipe_open(&config, ends), ZMTP_OK);
    zmtp__pipe_follow(ends[0], &followers[0]);
    zmtp__pipe_follow(ends[1], &followers[1]);
    assert_ptr_equal(followers[0], ends[0]);
    zmtp_pipe_close(ends[0]);
    assert_null(followers[0]);
    assert_ptr_equal(followers[1], ends[1]);
    zmtp__pipe_follow(ends[1], NULL);
    zmtp_pipe_close(ends[1]);
    assert_ptr_equal(followers[1], ends[1]); // it was not told any more
}

#define PIPE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PIPE_TEST(test_what_one_end_sends_waits_at_the_other),
        PIPE_TEST(test_a_new_owner_is_told_of_what_came_before_it),
        PIPE_TEST(test_an_end_that_changes_its_owner_leaves_the_old_list),
        PIPE_TEST(test_many_messages_mark_an_end_once),
        PIPE_TEST(test_a_list_gives_ends_in_order_and_forgets_those_that_close),
        PIPE_TEST(test_a_refused_writer_hears_of_room_once_half_is_read),
        PIPE_TEST(test_a_refused_writer_hears_of_room_at_each_half_of_all_that_was_ever_read),
        PIPE_TEST(test_a_writer_that_was_not_refused_hears_nothing_of_room),
        PIPE_TEST(test_each_direction_has_its_own_limit),
        PIPE_TEST(test_a_link_tells_type_and_routing_id_and_counts_connections),
        PIPE_TEST(test_a_link_that_finds_no_memory_stays_as_it_was),
        PIPE_TEST(test_a_link_that_breaks_rewinds_to_a_message_and_drops_commands),
        PIPE_TEST(test_a_closed_end_leaves_its_messages_and_counts_those_it_loses),
        PIPE_TEST(test_a_message_that_the_closed_end_had_open_never_comes),
        PIPE_TEST(test_a_writer_amid_a_message_may_go_on_when_the_reader_closed),
        PIPE_TEST(test_a_link_told_to_a_closed_end_is_freed_with_the_pipe),
        PIPE_TEST(test_a_pipe_without_memory_is_not_opened),
        cmocka_unit_test(test_a_follower_of_an_end_points_at_nothing_once_it_is_closed),
        cmocka_unit_test(test_sides_that_act_only_when_marked_exchange_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
