// The queue of encoded frames, case by case. Random sequences against a model: test_queue_model.c.
#include "test/support/octets.h"
#include "zmtp/msg/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { VIEWS_MAX = 64, BIG = 8192 };

struct fixture {
    struct zmtp_budget budget;
    struct zmtp__queue queue;
    struct zmtp_slab *slab; // BIG octets that count up, for references
};

static int set_up(void **state)
{
    static struct fixture fixture;
    zmtp_budget_init(&fixture.budget, NULL);
    zmtp__queue_init(&fixture.queue, &fixture.budget.allocator, NULL, 0, 0);
    fixture.slab = zmtp__slab_open_exact(&fixture.budget.allocator, BIG);
    assert_non_null(fixture.slab);
    for (size_t i = 0; i < BIG; i++)
        fixture.slab->data[i] = (uint8_t)(i * 7 + i / 256);
    *state = &fixture;
    return 0;
}

// Whatever a test did, no octet of memory is left over.
static int tear_down(void **state)
{
    struct fixture *f = *state;
    zmtp__queue_fini(&f->queue);
    zmtp__slab_unref(f->slab);
    assert_int_equal(f->budget.bytes, 0);
    assert_int_equal(f->budget.blocks, 0);
    return 0;
}

static void put(struct zmtp__queue *queue, struct zmtp_bytes body, unsigned flags)
{
    zmtp__queue_begin(queue);
    assert_int_equal(zmtp__queue_put(queue, body, NULL, flags), ZMTP_OK);
    zmtp__queue_end(queue, 1);
}

static void put_text(struct zmtp__queue *queue, const char *text)
{
    put(queue, zmtp_bytes_text(text), 0);
}

static void put_referred(struct fixture *f, size_t size)
{
    zmtp__queue_begin(&f->queue);
    const struct zmtp_bytes body = {f->slab->data, size};
    assert_int_equal(zmtp__queue_put(&f->queue, body, f->slab, 0), ZMTP_OK);
    zmtp__queue_end(&f->queue, 1);
}

// What the connection would send next, in one piece; valid until the next call.
static struct zmtp_bytes octets_ahead(const struct zmtp__queue *queue)
{
    static uint8_t octets[2 * BIG];
    struct zmtp_bytes views[VIEWS_MAX];
    const size_t count = zmtp__queue_peek(queue, views, VIEWS_MAX, sizeof octets);
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(views[i].size > 0);
        memcpy(octets + size, views[i].data, views[i].size);
        size += views[i].size;
    }
    return (struct zmtp_bytes){octets, size};
}

static void assert_takes(struct zmtp__queue *queue, struct zmtp_bytes body)
{
    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, queue->allocator);
    assert_int_equal(zmtp__queue_take(queue, &msg), ZMTP_OK);
    assert_int_equal(msg.count, 1);
    octets_assert_equal(zmtp_msg_bytes(&msg, 0), body);
    zmtp_msg_fini(&msg);
}

// ZMTP37-GRAM-07, SOCK-03
static void test_all_frames_of_a_message_but_the_last_carry_more(void **state)
{
    struct fixture *f = *state;
    zmtp__queue_begin(&f->queue);
    assert_int_equal(zmtp__queue_put(&f->queue, LITERAL("A"), NULL, ZMTP_FLAG_MORE), ZMTP_OK);
    assert_int_equal(zmtp__queue_put(&f->queue, LITERAL(""), NULL, ZMTP_FLAG_MORE), ZMTP_OK);
    assert_int_equal(zmtp__queue_put(&f->queue, LITERAL("BC"), NULL, 0), ZMTP_OK);
    assert_int_equal(f->queue.count, 0); // not before its end
    zmtp__queue_end(&f->queue, 1);
    assert_int_equal(f->queue.count, 1);
    assert_int_equal(f->queue.bytes, 9);
    octets_assert_equal(octets_ahead(&f->queue),
                        OCTETS(0x01, 0x01, 'A', 0x01, 0x00, 0x00, 0x02, 'B', 'C'));
}

static void test_a_body_of_256_octets_takes_the_long_header_and_one_of_255_does_not(void **state)
{
    struct fixture *f = *state;
    put(&f->queue, (struct zmtp_bytes){f->slab->data, 255}, 0);
    put(&f->queue, (struct zmtp_bytes){f->slab->data, 256}, 0);
    const struct zmtp_bytes octets = octets_ahead(&f->queue);
    assert_int_equal(octets.size, 2 + 255 + 9 + 256);
    octets_assert_equal((struct zmtp_bytes){octets.data, 2}, OCTETS(0x00, 0xff));
    octets_assert_equal((struct zmtp_bytes){octets.data + 257, 9},
                        OCTETS(0x02, 0, 0, 0, 0, 0, 0, 0x01, 0x00));
}

// ZMTP37-FRAME-03
static void test_a_command_is_a_message_with_the_command_flag(void **state)
{
    struct fixture *f = *state;
    put(&f->queue, LITERAL("\x09SUBSCRIBE"), ZMTP_FLAG_COMMAND);
    assert_int_equal(zmtp__queue_first_flags(&f->queue), ZMTP_FLAG_COMMAND);
    octets_assert_equal(zmtp__queue_first_body(&f->queue), LITERAL("\x09SUBSCRIBE"));
    assert_int_equal(zmtp__queue_first_size(&f->queue), 12);
    zmtp__queue_drop(&f->queue);
    assert_int_equal(f->queue.count, 0);
}

static void test_parts_are_looked_at_in_order_wherever_they_lie(void **state)
{
    struct fixture *f = *state;
    const struct zmtp_bytes big = {f->slab->data, BIG};
    zmtp__queue_begin(&f->queue);
    assert_int_equal(zmtp__queue_put(&f->queue, LITERAL("A"), NULL, ZMTP_FLAG_MORE), ZMTP_OK);
    assert_int_equal(zmtp__queue_put(&f->queue, big, f->slab, ZMTP_FLAG_MORE), ZMTP_OK);
    assert_int_equal(zmtp__queue_put(&f->queue, LITERAL(""), NULL, 0), ZMTP_OK);
    zmtp__queue_end(&f->queue, 1);
    struct zmtp__queue_part part = {.at = NULL};
    assert_true(zmtp__queue_next_part(&f->queue, &part));
    octets_assert_equal(part.body, LITERAL("A"));
    assert_false(part.last);
    put(&f->queue, LITERAL("next"), ZMTP_FLAG_COMMAND); // what comes behind does not matter
    assert_true(zmtp__queue_next_part(&f->queue, &part));
    octets_assert_equal(part.body, big);
    assert_true(zmtp__queue_next_part(&f->queue, &part));
    octets_assert_equal(part.body, LITERAL(""));
    assert_true(part.last);
    assert_false(part.command);
    assert_false(zmtp__queue_next_part(&f->queue, &part));
    zmtp__queue_drop(&f->queue);
    part = (struct zmtp__queue_part){.at = NULL};
    assert_true(zmtp__queue_next_part(&f->queue, &part));
    assert_true(part.command);
}

static void test_messages_are_counted_without_commands(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(zmtp__queue_messages(&f->queue), 0);
    put(&f->queue, LITERAL("a"), 0);
    put(&f->queue, LITERAL("b"), ZMTP_FLAG_COMMAND);
    zmtp__queue_begin(&f->queue);
    assert_int_equal(zmtp__queue_put(&f->queue, LITERAL("c"), NULL, ZMTP_FLAG_MORE), ZMTP_OK);
    assert_int_equal(zmtp__queue_put(&f->queue, LITERAL("d"), NULL, 0), ZMTP_OK);
    zmtp__queue_end(&f->queue, 1);
    assert_int_equal(zmtp__queue_messages(&f->queue), 2);
    assert_int_equal(f->queue.count, 3);
}

static void test_small_messages_leave_in_one_view(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 100; i++)
        put_text(&f->queue, "x");
    struct zmtp_bytes views[2];
    assert_int_equal(zmtp__queue_peek(&f->queue, views, 2, SIZE_MAX), 1);
    assert_int_equal(views[0].size, 300);
}

static void test_a_large_body_with_a_slab_is_never_copied(void **state)
{
    struct fixture *f = *state;
    put_referred(f, BIG);
    struct zmtp_bytes views[3];
    assert_int_equal(zmtp__queue_peek(&f->queue, views, 3, SIZE_MAX), 2);
    octets_assert_equal(views[0], OCTETS(0x02, 0, 0, 0, 0, 0, 0, BIG / 256, BIG % 256));
    assert_ptr_equal(views[1].data, f->slab->data);
    assert_int_equal(views[1].size, BIG);

    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, &f->budget.allocator);
    assert_int_equal(zmtp__queue_take(&f->queue, &msg), ZMTP_OK);
    assert_ptr_equal(zmtp_msg_bytes(&msg, 0).data, f->slab->data);
    assert_false(zmtp__slab_sole(f->slab));
    zmtp_msg_fini(&msg);
    assert_true(zmtp__slab_sole(f->slab));
}

static void test_a_small_body_with_a_slab_is_copied_and_lets_the_slab_go(void **state)
{
    struct fixture *f = *state;
    put_referred(f, 4095);
    assert_true(zmtp__slab_sole(f->slab));
    put_referred(f, 4096);
    assert_false(zmtp__slab_sole(f->slab));
}

static void test_the_short_way_writes_what_the_long_one_does(void **state)
{
    (void)state;
    struct zmtp__queue queue;
    struct zmtp_bytes view;
    zmtp__queue_init(&queue, zmtp_heap(), NULL, 0, 0);
    assert_false(zmtp__queue_write(&queue, LITERAL("A"))); // there is nothing to follow on
    zmtp__queue_begin(&queue);
    assert_int_equal(zmtp__queue_put(&queue, LITERAL("A"), NULL, 0), ZMTP_OK);
    assert_false(zmtp__queue_write(&queue, LITERAL("B"))); // within a message
    zmtp__queue_end(&queue, 1);
    assert_true(zmtp__queue_write(&queue, LITERAL("BC")));
    assert_true(zmtp__queue_write(&queue, LITERAL("")));
    assert_int_equal(queue.count, 3);
    assert_int_equal(queue.written, 3);
    assert_int_equal(queue.bytes, 9);
    assert_int_equal(zmtp__queue_peek(&queue, &view, 1, 100), 1);
    octets_assert_equal(view, LITERAL("\0\1A\0\2BC\0\0"));
    static const uint8_t body[ZMTP__QUEUE_REFER_BODY];
    assert_false(zmtp__queue_write(&queue, zmtp_bytes_of(body, sizeof body))); // if there is a slab
    assert_true(zmtp__queue_write(&queue, zmtp_bytes_of(body, 256)));
    assert_int_equal(queue.bytes, 9 + 9 + 256);
    assert_int_equal(zmtp__queue_peek(&queue, &view, 1, 1000), 1);
    octets_assert_equal(zmtp_bytes_of(view.data + 9, 9), LITERAL("\2\0\0\0\0\0\0\1\0"));
    size_t more = 0;
    while (zmtp__queue_write(&queue, zmtp_bytes_of(body, 255)))
        more++;
    assert_int_equal(more, (1024 - 9 - 265) / 257); // to the end of the slab
    zmtp__queue_fini(&queue);
}

static void test_few_octets_are_written_as_others_are(void **state)
{
    (void)state;
    uint8_t body[ZMTP__COPY_FEW + 1];
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)(i + 1);
    for (size_t size = 0; size <= sizeof body; size++) {
        struct zmtp__queue queues[2];
        struct zmtp_bytes views[2];
        for (size_t i = 0; i < 2; i++) {
            zmtp__queue_init(&queues[i], zmtp_heap(), NULL, 0, 0);
            assert_false(zmtp__queue_fits_few(&queues[i], LITERAL("A"))); // no room yet
            zmtp__queue_begin(&queues[i]);
            assert_int_equal(zmtp__queue_put(&queues[i], LITERAL("A"), NULL, 0), ZMTP_OK);
            assert_false(zmtp__queue_fits_few(&queues[i], LITERAL("B"))); // within a message
            zmtp__queue_end(&queues[i], 1);
            assert_false(zmtp__queue_fits_few(&queues[i], LITERAL("B"))); // nobody has looked
            assert_true(zmtp__queue_write(&queues[i], LITERAL("B")));
        }
        const bool few = size <= ZMTP__COPY_FEW;
        assert_true(zmtp__queue_write(&queues[0], zmtp_bytes_of(body, size)));
        assert_int_equal(zmtp__queue_fits_few(&queues[1], zmtp_bytes_of(body, size)), few);
        if (few) zmtp__queue_write_few(&queues[1], zmtp_bytes_of(body, size));
        for (size_t i = 0; i < 2; i++)
            assert_int_equal(zmtp__queue_peek(&queues[i], &views[i], 1, SIZE_MAX), 1);
        if (few) octets_assert_equal(views[1], views[0]);
        assert_int_equal(queues[1].count, few ? 3 : 2);
        assert_int_equal(queues[1].written, few ? 3 : 2);
        assert_int_equal(queues[1].bytes, views[1].size);
        zmtp__queue_fini(&queues[0]);
        zmtp__queue_fini(&queues[1]);
    }
}

static void test_what_is_laid_is_nothing_yet_and_then_a_message(void **state)
{
    (void)state;
    struct zmtp__queue queue;
    struct zmtp_bytes view;
    zmtp__queue_init(&queue, zmtp_heap(), NULL, 0, 0);
    assert_false(zmtp__queue_lay(&queue, LITERAL("\0\1A"))); // there is nothing to follow on
    zmtp__queue_begin(&queue);
    assert_int_equal(zmtp__queue_put(&queue, LITERAL("A"), NULL, 0), ZMTP_OK);
    assert_false(zmtp__queue_lay(&queue, LITERAL("\0\1B"))); // within a message
    zmtp__queue_end(&queue, 1);
    assert_true(zmtp__queue_lay(&queue, LITERAL("\0\1B")));
    assert_int_equal(queue.count, 1);
    assert_int_equal(zmtp__queue_peek(&queue, &view, 1, 100), 1);
    octets_assert_equal(view, LITERAL("\0\1A"));
    assert_true(zmtp__queue_lay(&queue, LITERAL("\1\1C\0\1D"))); // instead
    zmtp__queue_laid(&queue, 6);
    assert_int_equal(queue.count, 2);
    assert_int_equal(queue.written, 2);
    assert_int_equal(queue.bytes, 9);
    assert_int_equal(zmtp__queue_peek(&queue, &view, 1, 100), 1);
    octets_assert_equal(view, LITERAL("\0\1A\1\1C\0\1D"));
    static const uint8_t frames[ZMTP__QUEUE_REFER_RUN];
    assert_false(zmtp__queue_lay(&queue, zmtp_bytes_of(frames, sizeof frames)));
    assert_false(zmtp__queue_lay(&queue, zmtp_bytes_of(frames, 1024))); // it has no such room
    zmtp__queue_fini(&queue);
}

static void test_taking_appends_the_parts_and_outlives_the_queue(void **state)
{
    struct fixture *f = *state;
    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, &f->budget.allocator);
    assert_int_equal(zmtp_msg_append(&msg, LITERAL("before")), ZMTP_OK);
    zmtp__queue_begin(&f->queue);
    for (unsigned i = 0; i < 5; i++) {
        const struct zmtp_bytes body = {f->slab->data + i, 47 + i};
        const unsigned flags = i < 4 ? ZMTP_FLAG_MORE : 0;
        assert_int_equal(zmtp__queue_put(&f->queue, body, NULL, flags), ZMTP_OK);
    }
    zmtp__queue_end(&f->queue, 1);
    assert_int_equal(zmtp__queue_take(&f->queue, &msg), ZMTP_OK);
    zmtp__queue_fini(&f->queue);
    zmtp__queue_init(&f->queue, &f->budget.allocator, NULL, 0, 0);

    assert_int_equal(msg.count, 6);
    octets_assert_equal(zmtp_msg_bytes(&msg, 0), LITERAL("before"));
    for (unsigned i = 0; i < 5; i++)
        octets_assert_equal(zmtp_msg_bytes(&msg, 1 + i),
                            (struct zmtp_bytes){f->slab->data + i, 47 + i});
    zmtp_msg_fini(&msg);
}

static void test_nothing_is_taken_from_an_empty_queue(void **state)
{
    struct fixture *f = *state;
    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, &f->budget.allocator);
    assert_int_equal(zmtp__queue_take(&f->queue, &msg), ZMTP_ERR_AGAIN);
    zmtp__queue_begin(&f->queue); // an open message is not there yet
    assert_int_equal(zmtp__queue_put(&f->queue, LITERAL("A"), NULL, 0), ZMTP_OK);
    assert_int_equal(zmtp__queue_take(&f->queue, &msg), ZMTP_ERR_AGAIN);
    zmtp__queue_undo(&f->queue);
    struct zmtp_bytes view;
    assert_int_equal(zmtp__queue_peek(&f->queue, &view, 1, SIZE_MAX), 0);
}

static void test_undo_leaves_what_stood_before(void **state)
{
    struct fixture *f = *state;
    put_text(&f->queue, "kept");
    for (int i = 0; i < 3; i++) {
        zmtp__queue_begin(&f->queue);
        assert_int_equal(zmtp__queue_put(&f->queue, LITERAL("gone"), NULL, ZMTP_FLAG_MORE),
                         ZMTP_OK);
        const struct zmtp_bytes body = {f->slab->data, BIG};
        assert_int_equal(zmtp__queue_put(&f->queue, body, f->slab, ZMTP_FLAG_MORE), ZMTP_OK);
        assert_int_equal(zmtp__queue_put(&f->queue, LITERAL("too"), NULL, 0), ZMTP_OK);
        zmtp__queue_undo(&f->queue);
        assert_true(zmtp__slab_sole(f->slab));
    }
    put_text(&f->queue, "next");
    octets_assert_equal(octets_ahead(&f->queue), LITERAL("\0\4kept\0\4next"));
}

static void test_undo_after_the_reader_took_all_before_it_leaves_an_empty_queue(void **state)
{
    struct fixture *f = *state;
    for (unsigned refer = 0; refer < 2; refer++) {
        put_text(&f->queue, "before");
        if (refer) put_referred(f, BIG);
        zmtp__queue_begin(&f->queue);
        assert_int_equal(zmtp__queue_put(&f->queue, LITERAL("A"), NULL, ZMTP_FLAG_MORE), ZMTP_OK);
        assert_takes(&f->queue, LITERAL("before"));
        if (refer) assert_takes(&f->queue, (struct zmtp_bytes){f->slab->data, BIG});
        assert_int_equal(zmtp__queue_put(&f->queue, LITERAL("B"), NULL, 0), ZMTP_OK);
        zmtp__queue_undo(&f->queue);
        assert_int_equal(octets_ahead(&f->queue).size, 0);
        put_text(&f->queue, "after");
        assert_takes(&f->queue, LITERAL("after"));
    }
}

static void test_a_message_may_end_after_the_reader_took_all_before_it(void **state)
{
    struct fixture *f = *state;
    put_text(&f->queue, "before");
    zmtp__queue_begin(&f->queue);
    assert_int_equal(zmtp__queue_put(&f->queue, LITERAL("A"), NULL, ZMTP_FLAG_MORE), ZMTP_OK);
    assert_takes(&f->queue, LITERAL("before"));
    assert_int_equal(zmtp__queue_put(&f->queue, LITERAL("B"), NULL, 0), ZMTP_OK);
    zmtp__queue_end(&f->queue, 1);
    octets_assert_equal(octets_ahead(&f->queue), LITERAL("\1\1A\0\1B"));
}

static void test_a_long_header_on_a_small_body_is_passed_on_as_it_came(void **state)
{
    struct fixture *f = *state;
    // RFC 37, Framing: a short body may also be sent with the long size.
    const uint8_t frames[] = {0x03, 0, 0, 0, 0, 0, 0, 0, 0x01, 'A',
                              0x02, 0, 0, 0, 0, 0, 0, 0, 0x00};
    memcpy(f->slab->data, frames, sizeof frames);
    zmtp__queue_begin(&f->queue);
    const struct zmtp_bytes run = {f->slab->data, sizeof frames};
    assert_int_equal(zmtp__queue_put_frames(&f->queue, run, f->slab), ZMTP_OK);
    zmtp__queue_end(&f->queue, 1);
    octets_assert_equal(octets_ahead(&f->queue), (struct zmtp_bytes){frames, sizeof frames});
    assert_int_equal(zmtp__queue_first_size(&f->queue), sizeof frames);

    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, &f->budget.allocator);
    assert_int_equal(zmtp__queue_take(&f->queue, &msg), ZMTP_OK);
    assert_int_equal(msg.count, 2);
    octets_assert_equal(zmtp_msg_bytes(&msg, 0), LITERAL("A"));
    assert_int_equal(zmtp_msg_bytes(&msg, 1).size, 0);
    zmtp_msg_fini(&msg);
}

static void test_a_long_run_of_frames_is_referred_to_and_a_short_one_copied(void **state)
{
    struct fixture *f = *state;
    memset(f->slab->data, 0, 4096); // messages of one empty part, two octets each
    zmtp__queue_begin(&f->queue);
    struct zmtp_bytes run = {f->slab->data, 2046};
    assert_int_equal(zmtp__queue_put_frames(&f->queue, run, f->slab), ZMTP_OK);
    assert_true(zmtp__slab_sole(f->slab));
    zmtp__queue_end(&f->queue, 1023);

    zmtp__queue_begin(&f->queue);
    run.size = 2048;
    assert_int_equal(zmtp__queue_put_frames(&f->queue, run, f->slab), ZMTP_OK);
    run = (struct zmtp_bytes){f->slab->data + 2048, 2}; // follows on: no new range, no copy
    assert_int_equal(zmtp__queue_put_frames(&f->queue, run, f->slab), ZMTP_OK);
    zmtp__queue_end(&f->queue, 1025);
    struct zmtp_bytes views[3];
    assert_int_equal(zmtp__queue_peek(&f->queue, views, 3, SIZE_MAX), 2);
    assert_ptr_equal(views[1].data, f->slab->data);
    assert_int_equal(views[1].size, 2050);
    for (size_t left = 2048; left > 0; left--)
        assert_takes(&f->queue, LITERAL(""));
    assert_true(zmtp__slab_sole(f->slab));
}

static void test_a_short_run_of_frames_is_referred_to_only_behind_the_last(void **state)
{
    struct fixture *f = *state;
    struct zmtp_bytes views[3];
    memset(f->slab->data, 0, 4096);
    zmtp__queue_begin(&f->queue);
    struct zmtp_bytes run = {f->slab->data, 2048};
    assert_int_equal(zmtp__queue_put_frames(&f->queue, run, f->slab), ZMTP_OK);
    run = (struct zmtp_bytes){f->slab->data + 2048, 2};
    assert_int_equal(zmtp__queue_put_frames(&f->queue, run, f->slab), ZMTP_OK);
    run = (struct zmtp_bytes){f->slab->data + 3000, 2}; // the same slab, but elsewhere
    assert_int_equal(zmtp__queue_put_frames(&f->queue, run, f->slab), ZMTP_OK);
    zmtp__queue_end(&f->queue, 1026);
    assert_int_equal(zmtp__queue_peek(&f->queue, views, 3, SIZE_MAX), 2);
    assert_ptr_equal(views[0].data, f->slab->data);
    assert_int_equal(views[0].size, 2050);
    assert_ptr_not_equal(views[1].data, f->slab->data + 3000);
    assert_int_equal(views[1].size, 2);
}

// Else a stranger's few octets would keep the whole slab, which no limit counts.
static void test_what_is_a_small_part_of_its_slab_is_copied_however_long(void **state)
{
    struct fixture *f = *state;
    struct zmtp_slab *slab = zmtp__slab_open_exact(&f->budget.allocator, ZMTP_SLAB_SIZE);
    assert_non_null(slab);
    memset(slab->data, 0, ZMTP_SLAB_SIZE);
    zmtp__queue_begin(&f->queue);
    struct zmtp_bytes octets = {slab->data, ZMTP_SLAB_SIZE / 4 - 2};
    assert_int_equal(zmtp__queue_put_frames(&f->queue, octets, slab), ZMTP_OK);
    zmtp__queue_end(&f->queue, octets.size / 2);
    zmtp__queue_begin(&f->queue);
    assert_int_equal(zmtp__queue_put(&f->queue, octets, slab, 0), ZMTP_OK);
    zmtp__queue_end(&f->queue, 1);
    assert_true(zmtp__slab_sole(slab));
    octets.size += 2;
    zmtp__queue_begin(&f->queue);
    assert_int_equal(zmtp__queue_put_frames(&f->queue, octets, slab), ZMTP_OK);
    zmtp__queue_end(&f->queue, octets.size / 2);
    assert_false(zmtp__slab_sole(slab));
    zmtp__queue_clear(&f->queue);
    assert_true(zmtp__slab_sole(slab));
    zmtp__queue_begin(&f->queue);
    assert_int_equal(zmtp__queue_put(&f->queue, octets, slab, 0), ZMTP_OK);
    zmtp__queue_end(&f->queue, 1);
    assert_false(zmtp__slab_sole(slab));
    zmtp__slab_unref(slab);
}

static void test_a_run_of_no_frames_changes_nothing(void **state)
{
    struct fixture *f = *state;
    zmtp__queue_begin(&f->queue);
    const struct zmtp_bytes none = {f->slab->data, 0};
    assert_int_equal(zmtp__queue_put_frames(&f->queue, none, f->slab), ZMTP_OK);
    zmtp__queue_end(&f->queue, 0);
    put_text(&f->queue, "A");
    assert_int_equal(zmtp__queue_first_flags(&f->queue), 0);
    assert_takes(&f->queue, LITERAL("A"));
}

// ZMTP37-SOCK-04
static void test_a_connection_that_breaks_amid_a_message_sends_it_again_and_no_other(void **state)
{
    struct fixture *f = *state;
    put_text(&f->queue, "first");
    put_text(&f->queue, "second");
    zmtp__queue_consume(&f->queue, 9); // the first, and two octets of the second
    assert_int_equal(f->queue.count, 1);
    assert_int_equal(zmtp__queue_message_left(&f->queue), 6);
    octets_assert_equal(octets_ahead(&f->queue), LITERAL("second"));
    zmtp__queue_consume(&f->queue, 5);
    assert_int_equal(zmtp__queue_message_left(&f->queue), 1);
    octets_assert_equal(octets_ahead(&f->queue), LITERAL("d"));
    zmtp__queue_rewind(&f->queue);
    assert_int_equal(zmtp__queue_message_left(&f->queue), 0);
    octets_assert_equal(octets_ahead(&f->queue), LITERAL("\0\6second"));
    zmtp__queue_consume(&f->queue, 8);
    assert_int_equal(f->queue.count, 0);
    assert_int_equal(f->queue.bytes, 0);
}

// That the other side hung up so often in its midst may be the message's fault.
static void test_connections_that_break_amid_one_message_are_counted(void **state)
{
    struct fixture *f = *state;
    put_text(&f->queue, "first");
    put_text(&f->queue, "second");
    zmtp__queue_rewind(&f->queue); // before its first octet
    assert_int_equal(zmtp__queue_cuts(&f->queue), 0);
    for (size_t i = 1; i <= 3; i++) {
        zmtp__queue_consume(&f->queue, i);
        zmtp__queue_rewind(&f->queue);
        assert_int_equal(zmtp__queue_cuts(&f->queue), i);
    }
    zmtp__queue_consume(&f->queue, 2 + 5); // whole
    assert_int_equal(zmtp__queue_cuts(&f->queue), 0);
    zmtp__queue_rewind(&f->queue);
    assert_int_equal(zmtp__queue_cuts(&f->queue), 0);
    zmtp__queue_consume(&f->queue, 1);
    zmtp__queue_rewind(&f->queue);
    assert_int_equal(zmtp__queue_cuts(&f->queue), 1);
    zmtp__queue_drop(&f->queue);
    assert_int_equal(zmtp__queue_cuts(&f->queue), 0);
}

static void test_peek_gives_no_more_views_and_octets_than_asked_for(void **state)
{
    struct fixture *f = *state;
    put_text(&f->queue, "A");
    put_referred(f, BIG);
    put_text(&f->queue, "B");
    struct zmtp_bytes views[4];
    assert_int_equal(zmtp__queue_peek(&f->queue, views, 4, SIZE_MAX), 3);
    assert_int_equal(zmtp__queue_peek(&f->queue, views, 2, SIZE_MAX), 2);
    assert_int_equal(zmtp__queue_peek(&f->queue, views, 0, SIZE_MAX), 0);
    assert_int_equal(zmtp__queue_peek(&f->queue, views, 4, 0), 0);
    assert_int_equal(zmtp__queue_peek(&f->queue, views, 4, 20), 2);
    assert_int_equal(views[0].size, 3 + 9);
    assert_int_equal(views[1].size, 8);
}

static void test_commands_of_a_broken_connection_do_not_reach_the_next_one(void **state)
{
    struct fixture *f = *state;
    put(&f->queue, LITERAL("c1"), ZMTP_FLAG_COMMAND);
    put(&f->queue, LITERAL("c2"), ZMTP_FLAG_COMMAND);
    put_text(&f->queue, "m1");
    put(&f->queue, LITERAL("c3"), ZMTP_FLAG_COMMAND);
    put_text(&f->queue, "m2");
    put_text(&f->queue, "m3");
    zmtp__queue_consume(&f->queue, 5); // the connection breaks amid the second command
    zmtp__queue_expire(&f->queue);
    put(&f->queue, LITERAL("c4"), ZMTP_FLAG_COMMAND); // for the next one
    octets_assert_equal(octets_ahead(&f->queue), LITERAL("\0\2m1"));
    zmtp__queue_consume(&f->queue, 1);
    octets_assert_equal(octets_ahead(&f->queue), LITERAL("\2m1"));
    zmtp__queue_consume(&f->queue, 3);
    octets_assert_equal(octets_ahead(&f->queue), LITERAL("\0\2m2\0\2m3\4\2c4"));
    assert_int_equal(f->queue.count, 3);
    assert_int_equal(f->queue.bytes, 12);
}

static void test_commands_that_end_the_queue_expire_with_the_message_before_them(void **state)
{
    struct fixture *f = *state;
    put_text(&f->queue, "m1");
    put(&f->queue, LITERAL("c1"), ZMTP_FLAG_COMMAND);
    put(&f->queue, LITERAL("c2"), ZMTP_FLAG_COMMAND);
    zmtp__queue_expire(&f->queue);
    zmtp__queue_expire(&f->queue);
    assert_takes(&f->queue, LITERAL("m1"));
    assert_int_equal(f->queue.count, 0);
    assert_int_equal(f->queue.bytes, 0);
    zmtp__queue_expire(&f->queue);
    put(&f->queue, LITERAL("c3"), ZMTP_FLAG_COMMAND);
    octets_assert_equal(octets_ahead(&f->queue), LITERAL("\4\2c3"));
}

static void test_commands_that_expired_between_messages_can_be_taken_out(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++) {
        put_text(&f->queue, "m");
        put(&f->queue, LITERAL("c"), ZMTP_FLAG_COMMAND);
    }
    zmtp__queue_expire(&f->queue);
    put(&f->queue, LITERAL("d"), ZMTP_FLAG_COMMAND); // for the next one
    zmtp__queue_purge(&f->queue);
    assert_int_equal(f->queue.count, 4);
    octets_assert_equal(octets_ahead(&f->queue), LITERAL("\0\1m\0\1m\0\1m\4\1d"));
    assert_int_equal(f->queue.bytes, 12);
    assert_int_equal(f->queue.commands, 1);
    zmtp__queue_purge(&f->queue);
    assert_takes(&f->queue, LITERAL("m"));
    assert_int_equal(f->queue.count, 3);
}

static void test_a_queue_is_full_at_either_limit_and_roomy_at_half_of_both(void **state)
{
    struct fixture *f = *state;
    f->queue.count_max = 4;
    f->queue.bytes_max = 100;
    for (int i = 0; i < 4; i++) {
        assert_false(zmtp__queue_full(&f->queue));
        put_text(&f->queue, "A");
    }
    assert_true(zmtp__queue_full(&f->queue));
    zmtp__queue_refuse(&f->queue);
    zmtp__queue_drop(&f->queue);
    assert_false(zmtp__queue_full(&f->queue));
    assert_false(zmtp__queue_roomy(&f->queue));
    zmtp__queue_drop(&f->queue);
    assert_true(zmtp__queue_roomy(&f->queue));
    put(&f->queue, (struct zmtp_bytes){f->slab->data, 200}, 0); // one may exceed the octets
    assert_true(zmtp__queue_full(&f->queue));
    zmtp__queue_drop(&f->queue);
    zmtp__queue_drop(&f->queue);
    assert_false(zmtp__queue_roomy(&f->queue)); // one message, but of 202 octets
    zmtp__queue_drop(&f->queue);
    assert_true(zmtp__queue_roomy(&f->queue));
}

static void test_a_queue_with_the_smallest_limits_becomes_roomy_when_it_is_empty(void **state)
{
    struct fixture *f = *state;
    f->queue.count_max = f->queue.bytes_max = 1;
    put_text(&f->queue, "A");
    assert_true(zmtp__queue_full(&f->queue));
    assert_false(zmtp__queue_roomy(&f->queue));
    zmtp__queue_drop(&f->queue);
    assert_true(zmtp__queue_roomy(&f->queue));
}

static void test_an_idle_queue_holds_next_to_no_memory(void **state)
{
    struct fixture *f = *state;
    const size_t before = f->budget.bytes;
    for (int i = 0; i < 100; i++)
        put_referred(f, 5000);
    assert_true(f->budget.bytes > before + 1000);
    while (f->queue.count > 0)
        zmtp__queue_consume(&f->queue, 5009);
    assert_int_equal(f->budget.bytes, before);
    put_text(&f->queue, "A");
    zmtp__queue_drop(&f->queue);
    assert_true(f->budget.bytes <= before + 256);
}

static void test_a_size_that_no_memory_can_hold_is_refused_unread(void **state)
{
    struct fixture *f = *state;
    put_text(&f->queue, "kept");
    for (size_t less = 0; less < 100; less += 3) {
        zmtp__queue_begin(&f->queue);
        const struct zmtp_bytes body = {f->slab->data, SIZE_MAX - less};
        assert_int_equal(zmtp__queue_put(&f->queue, body, NULL, 0), ZMTP_ERR_MEMORY);
    }
    octets_assert_equal(octets_ahead(&f->queue), LITERAL("\0\4kept"));
}

// A message of |count| parts that need every kind of memory. Says how it went.
static int put_mixed(struct fixture *f, unsigned count)
{
    zmtp__queue_begin(&f->queue);
    for (unsigned i = 0; i < count; i++) {
        const struct zmtp_bytes body = {f->slab->data, i % 3 == 0 ? 5000 : i % 3 == 1 ? 700 : 1};
        struct zmtp_slab *slab = i % 3 == 0 ? f->slab : NULL;
        const unsigned flags = i + 1 < count ? ZMTP_FLAG_MORE : 0;
        const int result = zmtp__queue_put(&f->queue, body, slab, flags);
        if (result < 0) return result;
    }
    zmtp__queue_end(&f->queue, 1);
    return ZMTP_OK;
}

static void test_each_failing_allocation_leaves_the_queue_as_it_was(void **state)
{
    struct fixture *f = *state;
    unsigned failures = 0;
    for (uint64_t nth = 1;; nth++) {
        put_text(&f->queue, "kept");
        f->budget.fail_at = f->budget.calls + nth;
        int result = put_mixed(f, 12);
        if (result == ZMTP_OK) break;
        assert_int_equal(result, ZMTP_ERR_MEMORY);
        failures++;
        assert_true(zmtp__slab_sole(f->slab));
        assert_int_equal(f->queue.count, 1);
        octets_assert_equal(octets_ahead(&f->queue), LITERAL("\0\4kept"));
        zmtp__queue_fini(&f->queue);
        zmtp__queue_init(&f->queue, &f->budget.allocator, NULL, 0, 0);
    }
    assert_true(failures >= 3);

    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, &f->budget.allocator);
    f->budget.fail_at = 0;
    assert_takes(&f->queue, LITERAL("kept"));
    const size_t bytes = f->queue.bytes;
    f->budget.fail_at = f->budget.calls + 2; // the message grows twice for 12 parts
    assert_int_equal(zmtp__queue_take(&f->queue, &msg), ZMTP_ERR_MEMORY);
    assert_int_equal(msg.count, 0);
    assert_int_equal(f->queue.bytes, bytes);
    assert_int_equal(zmtp__queue_take(&f->queue, &msg), ZMTP_OK);
    assert_int_equal(msg.count, 12);
    assert_int_equal(zmtp_msg_size(&msg), 4 * (5000 + 700 + 1));
    zmtp_msg_fini(&msg);
}

#define QUEUE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        QUEUE_TEST(test_all_frames_of_a_message_but_the_last_carry_more),
        QUEUE_TEST(test_a_body_of_256_octets_takes_the_long_header_and_one_of_255_does_not),
        QUEUE_TEST(test_a_command_is_a_message_with_the_command_flag),
        QUEUE_TEST(test_parts_are_looked_at_in_order_wherever_they_lie),
        QUEUE_TEST(test_messages_are_counted_without_commands),
        QUEUE_TEST(test_small_messages_leave_in_one_view),
        QUEUE_TEST(test_a_large_body_with_a_slab_is_never_copied),
        QUEUE_TEST(test_a_small_body_with_a_slab_is_copied_and_lets_the_slab_go),
        cmocka_unit_test(test_the_short_way_writes_what_the_long_one_does),
        cmocka_unit_test(test_few_octets_are_written_as_others_are),
        cmocka_unit_test(test_what_is_laid_is_nothing_yet_and_then_a_message),
        QUEUE_TEST(test_taking_appends_the_parts_and_outlives_the_queue),
        QUEUE_TEST(test_nothing_is_taken_from_an_empty_queue),
        QUEUE_TEST(test_undo_leaves_what_stood_before),
        QUEUE_TEST(test_undo_after_the_reader_took_all_before_it_leaves_an_empty_queue),
        QUEUE_TEST(test_a_message_may_end_after_the_reader_took_all_before_it),
        QUEUE_TEST(test_a_long_header_on_a_small_body_is_passed_on_as_it_came),
        QUEUE_TEST(test_a_long_run_of_frames_is_referred_to_and_a_short_one_copied),
        QUEUE_TEST(test_a_short_run_of_frames_is_referred_to_only_behind_the_last),
        QUEUE_TEST(test_what_is_a_small_part_of_its_slab_is_copied_however_long),
        QUEUE_TEST(test_a_run_of_no_frames_changes_nothing),
        QUEUE_TEST(test_a_connection_that_breaks_amid_a_message_sends_it_again_and_no_other),
        QUEUE_TEST(test_connections_that_break_amid_one_message_are_counted),
        QUEUE_TEST(test_peek_gives_no_more_views_and_octets_than_asked_for),
        QUEUE_TEST(test_commands_of_a_broken_connection_do_not_reach_the_next_one),
        QUEUE_TEST(test_commands_that_expired_between_messages_can_be_taken_out),
        QUEUE_TEST(test_commands_that_end_the_queue_expire_with_the_message_before_them),
        QUEUE_TEST(test_a_queue_is_full_at_either_limit_and_roomy_at_half_of_both),
        QUEUE_TEST(test_a_queue_with_the_smallest_limits_becomes_roomy_when_it_is_empty),
        QUEUE_TEST(test_an_idle_queue_holds_next_to_no_memory),
        QUEUE_TEST(test_a_size_that_no_memory_can_hold_is_refused_unread),
        QUEUE_TEST(test_each_failing_allocation_leaves_the_queue_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
