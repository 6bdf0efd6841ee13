// What a writer knows of the room behind what was written last: it ends where the slab or a limit does, and is forgotten
// when somebody writes in another way. In random sequences against a model: test_queue_model.c.
#include "test/support/octets.h"
#include "zmtp/msg/share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
    SLAB = 1024,
    LETTER = 3,
    FIRST = 3
}; // octets: of a new slab, of a message of one letter, and of the first one

static const struct zmtp_bytes letter = {(const uint8_t *)"x", 1};

// A queue with one message, and what is known of its room.
static void open_with(struct zmtp__queue *queue, size_t count_max, size_t bytes_max)
{
    zmtp__queue_init(queue, zmtp_heap(), NULL, count_max, bytes_max);
    zmtp__queue_begin(queue);
    assert_int_equal(zmtp__queue_put(queue, letter, NULL, 0), ZMTP_OK);
    zmtp__queue_end(queue, 1);
    (void)zmtp__queue_find_room(queue, 0);
}

static size_t write_few(struct zmtp__queue *queue)
{
    size_t count = 0;
    for (; zmtp__queue_fits_few(queue, letter); count++)
        zmtp__queue_write_few(queue, letter);
    return count;
}

static void test_room_ends_with_the_slab(void **state)
{
    (void)state;
    struct zmtp__queue queue;
    open_with(&queue, 0, 0);
    assert_int_equal(queue.room, SLAB - FIRST);
    assert_int_equal(write_few(&queue), (SLAB - FIRST) / LETTER);
    assert_false(zmtp__queue_find_room(&queue, LETTER));
    zmtp__queue_fini(&queue);
}

static void test_room_ends_at_the_limit_of_messages_and_readers_make_more(void **state)
{
    (void)state;
    struct zmtp__queue queue;
    open_with(&queue, 4, 0);
    assert_int_equal(write_few(&queue), 3);
    assert_true(zmtp__queue_full(&queue));
    assert_false(zmtp__queue_write(&queue, letter));
    zmtp__queue_consume(&queue, 2 * LETTER);
    assert_false(zmtp__queue_fits_few(&queue, letter)); // before it was looked at again
    assert_true(zmtp__queue_write(&queue, letter));
    assert_int_equal(write_few(&queue), 1);
    assert_int_equal(queue.count, 4);
    zmtp__queue_fini(&queue);
}

static void test_room_ends_at_the_limit_of_octets_and_readers_make_more(void **state)
{
    (void)state;
    struct zmtp__queue queue;
    open_with(&queue, 0, FIRST + 2 * LETTER + 1);
    assert_int_equal(write_few(&queue), 2);
    assert_false(zmtp__queue_full(&queue)); // the last one may go beyond it, but not this way
    assert_false(zmtp__queue_write(&queue, letter));
    zmtp__queue_consume(&queue, FIRST);
    assert_int_equal(write_few(&queue), 0);
    assert_true(zmtp__queue_find_room(&queue, LETTER));
    assert_int_equal(write_few(&queue), 1);
    assert_int_equal(queue.bytes, 3 * LETTER);
    zmtp__queue_fini(&queue);
}

static void test_what_waits_at_another_thread_takes_room(void **state)
{
    (void)state;
    struct zmtp__queue queue;
    open_with(&queue, 10, 100);
    struct zmtp__abroad abroad = {.count = 7, .bytes = 50};
    queue.abroad = &abroad;
    (void)zmtp__queue_find_room(&queue, 0);
    assert_int_equal(queue.room, 100 - 50 - FIRST);
    assert_int_equal(write_few(&queue), 2);
    queue.abroad = NULL;
    zmtp__queue_fini(&queue);
}

static void test_another_limit_is_heeded_at_once(void **state)
{
    (void)state;
    struct zmtp__queue queue;
    open_with(&queue, 9, 0);
    assert_true(zmtp__queue_fits_few(&queue, letter));
    zmtp__queue_limit(&queue, 1, 0);
    assert_false(zmtp__queue_fits_few(&queue, letter));
    assert_false(zmtp__queue_write(&queue, letter));
    zmtp__queue_limit(&queue, 0, 0);
    assert_true(zmtp__queue_write(&queue, letter));
    zmtp__queue_fini(&queue);
}

static void test_an_empty_queue_has_no_room(void **state)
{
    (void)state;
    struct zmtp__queue queue;
    open_with(&queue, 0, 0);
    zmtp__queue_consume(&queue, FIRST);
    assert_null(queue.tail);
    assert_false(zmtp__queue_fits_few(&queue, letter));
    assert_false(zmtp__queue_find_room(&queue, 0));
    zmtp__queue_fini(&queue);
}

// Each of these writes, or moves what was written, so that the last range is another or ends elsewhere.
static void put_and_undo(struct zmtp__queue *queue)
{
    zmtp__queue_begin(queue);
    assert_false(zmtp__queue_fits_few(queue, letter)); // nor within it
    assert_int_equal(zmtp__queue_put(queue, letter, NULL, 0), ZMTP_OK);
    zmtp__queue_undo(queue);
}
static void clear_amid_the_first(struct zmtp__queue *queue)
{
    zmtp__queue_consume(queue, 1);
    zmtp__queue_clear(queue);
}
static void purge(struct zmtp__queue *queue)
{
    zmtp__queue_begin(queue);
    assert_int_equal(zmtp__queue_put(queue, letter, NULL, ZMTP_FLAG_COMMAND), ZMTP_OK);
    zmtp__queue_end(queue, 1);
    zmtp__queue_begin(queue);
    assert_int_equal(zmtp__queue_put(queue, letter, NULL, 0), ZMTP_OK);
    zmtp__queue_end(queue, 1);
    (void)zmtp__queue_find_room(queue, 0);
    zmtp__queue_expire(queue);
    zmtp__queue_purge(queue);
}
static void unload(struct zmtp__queue *queue)
{
    struct zmtp__cargo cargo = {0};
    queue->crosses = true;
    zmtp__queue_unload(queue, &cargo);
    zmtp__cargo_fini(&cargo, zmtp_heap());
}
static void exchange(struct zmtp__queue *queue)
{
    struct zmtp_slab *const other = zmtp__slab_open_exact(NULL, SLAB);
    assert_non_null(other);
    memcpy(other->data, queue->tail->data, SLAB);
    zmtp__queue_exchange(queue, queue->tail, other);
    zmtp__slab_unref(other);
}

static void test_whoever_writes_in_another_way_has_the_next_one_look(void **state)
{
    (void)state;
    static void (*const ways[])(struct zmtp__queue * queue) = {put_and_undo, clear_amid_the_first,
                                                               purge, unload, exchange};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct zmtp__queue queue;
        open_with(&queue, 0, 0);
        assert_int_equal(queue.room, SLAB - FIRST);
        zmtp__queue_write_few(&queue, letter);
        ways[i](&queue);
        assert_int_equal(queue.room, 0);
        assert_false(zmtp__queue_fits_few(&queue, letter));
        zmtp__queue_fini(&queue);
    }
}

static void test_a_copy_of_what_was_shared_takes_room(void **state)
{
    (void)state;
    struct zmtp__queue queue;
    struct zmtp_slab *const chunk = zmtp__slab_open_exact(NULL, SLAB);
    assert_non_null(chunk);
    memcpy(chunk->data, "\0\1y", LETTER);
    open_with(&queue, 0, 0);
    zmtp__queue_begin(&queue); // it follows on what others have
    assert_int_equal(zmtp__queue_add(&queue, chunk, chunk->data, LETTER), ZMTP_OK);
    zmtp__queue_end(&queue, 1);
    zmtp__queue_begin(&queue);
    assert_int_equal(zmtp__queue_put(&queue, letter, NULL, 0), ZMTP_OK);
    zmtp__queue_end(&queue, 1);
    assert_true(zmtp__queue_find_room(&queue, LETTER));
    assert_int_equal(zmtp__queue_own(&queue, chunk), ZMTP_OK);
    assert_true(zmtp__slab_sole(chunk));
    assert_false(zmtp__queue_write(&queue, letter)); // what is last lies before the copy
    assert_int_equal(queue.count, 3);
    zmtp__queue_fini(&queue);
    zmtp__slab_unref(chunk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_room_ends_with_the_slab),
        cmocka_unit_test(test_room_ends_at_the_limit_of_messages_and_readers_make_more),
        cmocka_unit_test(test_room_ends_at_the_limit_of_octets_and_readers_make_more),
        cmocka_unit_test(test_what_waits_at_another_thread_takes_room),
        cmocka_unit_test(test_another_limit_is_heeded_at_once),
        cmocka_unit_test(test_an_empty_queue_has_no_room),
        cmocka_unit_test(test_whoever_writes_in_another_way_has_the_next_one_look),
        cmocka_unit_test(test_a_copy_of_what_was_shared_takes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
