// Messages that leave a queue and go nowhere, and one that takes their place.
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

static void test_clear_keeps_the_message_that_is_being_sent(void **state)
{
    struct fixture *f = *state;
    put_referred(f, BIG);
    put_text(&f->queue, "dropped");
    put_referred(f, BIG);
    zmtp__queue_consume(&f->queue, 10);
    zmtp__queue_clear(&f->queue);
    assert_int_equal(f->queue.count, 1);
    assert_int_equal(f->queue.bytes, 9 + BIG);
    octets_assert_equal(octets_ahead(&f->queue), (struct zmtp_bytes){f->slab->data + 1, BIG - 1});
    put_text(&f->queue, "next");
    zmtp__queue_consume(&f->queue, BIG - 1);
    octets_assert_equal(octets_ahead(&f->queue), LITERAL("\0\4next"));
    zmtp__queue_clear(&f->queue);
    assert_int_equal(f->queue.count, 0);
    assert_int_equal(f->queue.bytes, 0);
    zmtp__queue_clear(&f->queue);
}

// Its range is in two then, and there were as many as the queue has places for.
static void test_a_message_takes_the_place_of_those_behind_the_one_that_is_being_sent(void **state)
{
    struct fixture *f = *state;
    const struct zmtp_bytes big = {f->slab->data, BIG};
    zmtp__queue_begin(&f->queue);
    assert_int_equal(zmtp__queue_put(&f->queue, big, f->slab, ZMTP_FLAG_MORE), ZMTP_OK);
    assert_int_equal(zmtp__queue_put(&f->queue, zmtp_bytes_text("end"), NULL, 0), ZMTP_OK);
    zmtp__queue_end(&f->queue, 1);
    put_text(&f->queue, "dropped");
    zmtp__queue_consume(&f->queue, 9 + BIG);
    zmtp__queue_begin(&f->queue);
    assert_int_equal(zmtp__queue_put(&f->queue, zmtp_bytes_text("new"), NULL, ZMTP_FLAG_MORE),
                     ZMTP_OK);
    assert_int_equal(zmtp__queue_put(&f->queue, big, f->slab, 0), ZMTP_OK);
    assert_int_equal(f->queue.range_count, f->queue.range_capacity);
    assert_int_equal(zmtp__queue_make_place(&f->queue), ZMTP_OK);
    assert_int_equal(zmtp__queue_withdraw(&f->queue), 1);
    zmtp__queue_end(&f->queue, 1);
    assert_int_equal(f->queue.count, 2);
    assert_int_equal(f->queue.bytes, 9 + BIG + 5 + 5 + 9 + BIG);
    zmtp__queue_consume(&f->queue, 5);
    octets_assert_equal(zmtp__queue_first_body(&f->queue), zmtp_bytes_text("new"));
    zmtp__queue_consume(&f->queue, 5 + 9);
    octets_assert_equal(octets_ahead(&f->queue), big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_clear_keeps_the_message_that_is_being_sent, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_a_message_takes_the_place_of_those_behind_the_one_that_is_being_sent, set_up,
            tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
