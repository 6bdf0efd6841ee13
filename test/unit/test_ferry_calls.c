// When one side of a ferry calls the other, and when it need not.
#include "test/support/ferries.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct ferries_limits narrow = {.pipe_count = 100};
static const struct ferries_limits biding = {.pipe_count = 1000, .bides = true};

static void send_many(struct ferries *f, size_t side, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ferries_send(f, side, zmtp_bytes_text("message"), 0);
}

static void receive_many(struct ferries *f, size_t side, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct zmtp_msg msg;
        bool command;
        zmtp_msg_init(&msg, &f->budget.allocator);
        assert_true(ferries_recv(f, side, &msg, &command));
        zmtp_msg_fini(&msg);
    }
}

// The shore of |side|, which is marked, works.
static unsigned work(struct ferries *f, size_t side)
{
    struct zmtp__shore *const shore = zmtp__dock_next(&f->docks[side]);
    assert_ptr_equal(shore, f->shores[side]);
    return zmtp__shore_work(shore);
}

static void test_who_has_room_is_not_called_when_more_of_it_comes(void **state)
{
    (void)state;
    struct ferries f;
    ferries_open(&f, &narrow, true);
    ferries_settle(&f);
    send_many(&f, 0, 60);
    ferries_settle(&f);
    receive_many(&f, 1, 60); // half of the limit is 50
    ferries_turn(&f, 1, 0);
    assert_false(f.awake[0]);
    // And finds that room when it needs it.
    send_many(&f, 0, 40);
    assert_false(ferries_writable(&f, 0));
    ferries_turn(&f, 0, 0);
    assert_true(ferries_writable(&f, 0));
    ferries_close(&f);
}

static void test_who_asks_how_much_there_is_hears_what_has_left(void **state)
{
    (void)state;
    struct ferries f;
    ferries_open(&f, &narrow, true);
    ferries_settle(&f);
    send_many(&f, 0, 60);
    ferries_settle(&f);
    receive_many(&f, 1, 50);
    ferries_turn(&f, 1, 0);
    assert_int_equal(zmtp__queue_count(f.ends[0]->out), 60);
    zmtp__shore_count(f.shores[0]);
    assert_int_equal(zmtp__queue_count(f.ends[0]->out), 10);
    ferries_close(&f);
}

static void test_who_has_none_is_called_once(void **state)
{
    (void)state;
    struct ferries f;
    ferries_open(&f, &narrow, true);
    ferries_settle(&f);
    send_many(&f, 0, 100);
    ferries_settle(&f);
    assert_false(ferries_writable(&f, 0));
    receive_many(&f, 1, 49);
    ferries_turn(&f, 1, 0);
    assert_false(f.awake[0]);
    receive_many(&f, 1, 1);
    ferries_turn(&f, 1, 0);
    assert_true(f.awake[0]);
    ferries_settle(&f);
    assert_true(ferries_writable(&f, 0));
    receive_many(&f, 1, 50); // nobody waits for these any more
    ferries_turn(&f, 1, 0);
    assert_false(f.awake[0]);
    ferries_close(&f);
}

static void test_messages_only_knock_and_what_comes_after_them_still_rings(void **state)
{
    (void)state;
    struct ferries f;
    ferries_open(&f, &biding, true);
    ferries_settle(&f);
    send_many(&f, 0, 1);
    assert_int_equal(work(&f, 0), ZMTP__FERRY_KNOCK);
    ferries_link(&f, 0, "name");
    assert_int_equal(work(&f, 0), ZMTP__FERRY_RING);
    ferries_link(&f, 0, NULL);
    assert_int_equal(work(&f, 0), 0); // it has rung for the same call
    f.awake[1] = true;
    ferries_settle(&f);
    receive_many(&f, 1, 1);
    ferries_close(&f);
}

static void test_commands_ring(void **state)
{
    (void)state;
    struct ferries f;
    ferries_open(&f, &biding, true);
    ferries_settle(&f);
    ferries_send(&f, 0, zmtp_bytes_text("command"), ZMTP_FLAG_COMMAND);
    assert_int_equal(work(&f, 0), ZMTP__FERRY_RING);
    f.awake[1] = true;
    ferries_close(&f);
}

static void test_what_was_a_stream_dries_and_one_message_does_not(void **state)
{
    (void)state;
    struct ferries f;
    ferries_open(&f, &biding, true);
    ferries_settle(&f);
    send_many(&f, 0, 1);
    ferries_settle(&f);
    receive_many(&f, 1, 1);
    assert_false(zmtp__shore_dries(f.shores[1])); // an answer may be awaited
    ferries_settle(&f);
    send_many(&f, 0, 1);
    ferries_settle(&f);
    send_many(&f, 0, 2);
    ferries_settle(&f);
    assert_false(zmtp__shore_dries(f.shores[1]));
    receive_many(&f, 1, 1);
    assert_true(zmtp__shore_dries(f.shores[1]));
    assert_true(zmtp__shore_lacks(f.shores[1])); // the two
    assert_false(zmtp__shore_has_come(f.shores[1]));
    ferries_settle(&f);
    receive_many(&f, 1, 2);
    assert_true(zmtp__shore_dries(f.shores[1]));
    assert_false(zmtp__shore_lacks(f.shores[1]));
    send_many(&f, 0, 300);
    ferries_turn(&f, 0, 0);
    assert_true(zmtp__shore_has_come(f.shores[1])); // as it is more than a batch
    assert_false(zmtp__shore_dries(f.shores[1]));
    ferries_close(&f);
}

static void test_what_is_answered_is_no_stream(void **state)
{
    (void)state;
    struct ferries f;
    ferries_open(&f, &biding, true);
    ferries_settle(&f);
    send_many(&f, 0, 300);
    ferries_settle(&f);
    receive_many(&f, 1, f.ends[1]->in->count);
    ferries_settle(&f);
    send_many(&f, 1, 1);
    receive_many(&f, 1, f.ends[1]->in->count);
    assert_false(zmtp__shore_dries(f.shores[1]));
    send_many(&f, 0, 300);
    ferries_settle(&f);
    receive_many(&f, 1, f.ends[1]->in->count);
    assert_false(zmtp__shore_dries(f.shores[1])); // it may be answered after the last of it
    ferries_settle(&f);
    send_many(&f, 0, 300);
    ferries_settle(&f);
    receive_many(&f, 1, f.ends[1]->in->count);
    assert_true(zmtp__shore_dries(f.shores[1])); // nothing more was
    ferries_settle(&f);
    receive_many(&f, 0, 1);
    ferries_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_has_room_is_not_called_when_more_of_it_comes),
        cmocka_unit_test(test_who_asks_how_much_there_is_hears_what_has_left),
        cmocka_unit_test(test_who_has_none_is_called_once),
        cmocka_unit_test(test_messages_only_knock_and_what_comes_after_them_still_rings),
        cmocka_unit_test(test_commands_ring),
        cmocka_unit_test(test_what_was_a_stream_dries_and_one_message_does_not),
        cmocka_unit_test(test_what_is_answered_is_no_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
