// The lock that favours a thread, by itself: what each function does; then threads that call, are favoured, hand the
// socket on, and bring news meanwhile, as the drop-in's do. Two inside, and news that nobody looks at, show in what is
// counted. The model (test_latch_model.c) has every order; here are the processors.
#include "test/support/random.h"
#include "zmtp/compat/latch.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>
#ifdef __linux__
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum { CALLS_MAX = 100000, CALLS_A_TURN = 3000, NEWS = 100000, PATIENCE_S = 60, LONG = 256 };

// Is anybody favoured here?
static bool favours(void)
{
#ifdef __linux__
    return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
#else
    return false;
#endif
}

static struct zmq__latch latch;

static int latch_new(void **state)
{
    (void)state;
    zmq__latch_prepare();
    zmq__latch_init(&latch);
    return 0;
}

// Calls as |me| until it is favoured. How many that took; 0: it never is.
static unsigned call_until_favoured(const void *me)
{
    for (unsigned i = 1; i < CALLS_MAX; i++) {
        if (!zmq__latch_try(&latch, me)) return 0;
        zmq__latch_count(&latch, me);
        zmq__latch_leave(&latch, memory_order_seq_cst);
        struct zmq__seat *const seat = zmq__latch_slip(&latch, me);
        if (!seat) continue;
        return zmq__latch_slip_out(&latch, seat) ? i : 0;
    }
    return 0;
}

static const char others[8]; // addresses of threads

// The first of all: afterwards the barrier has been asked for.
static void test_a_favour_that_is_due_waits_until_somebody_asks_for_the_barrier(void **state)
{
    (void)state;
    zmq__latch_init(&latch);
    assert_false(zmq__latch_awaited());
    assert_int_equal(call_until_favoured(&others[0]), 0);
    assert_true(zmq__latch_awaited());
    zmq__latch_prepare();
    assert_false(zmq__latch_awaited());
    assert_int_equal(call_until_favoured(&others[0]) > 0, favours());
    assert_false(zmq__latch_awaited());
}

static void test_the_lock_is_one_without_a_favourite(void **state)
{
    (void)state;
    assert_true(zmq__latch_try(&latch, &others[0]));
    assert_false(zmq__latch_try(&latch, &others[1]));
    assert_false(zmq__latch_try(&latch, &others[0]));
    assert_null(zmq__latch_slip(&latch, &others[0]));
    zmq__latch_leave(&latch, memory_order_seq_cst);
    assert_true(zmq__latch_try(&latch, &others[1]));
}

static void test_who_calls_often_is_favoured(void **state)
{
    (void)state;
    assert_int_equal(call_until_favoured(&others[0]) > 0, favours());
}

static void test_calls_of_others_between_put_it_off(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LONG; i++) {
        assert_true(zmq__latch_try(&latch, &others[i / 8 % 2]));
        zmq__latch_count(&latch, &others[i / 8 % 2]);
        zmq__latch_leave(&latch, memory_order_seq_cst);
        assert_null(zmq__latch_slip(&latch, &others[i / 8 % 2]));
    }
}

static void test_another_does_not_get_in_beside_a_favourite_and_leaves_it_a_word(void **state)
{
    (void)state;
    if (!favours()) skip();
    assert_true(call_until_favoured(&others[0]) > 0);
    struct zmq__seat *const seat = zmq__latch_slip(&latch, &others[0]);
    assert_non_null(seat);
    assert_false(zmq__latch_try(&latch, &others[1]));
    assert_false(zmq__latch_try(&latch, &others[2]));
    assert_false(zmq__latch_slip_out(&latch, seat)); // it is to look
    assert_null(zmq__latch_slip(&latch, &others[0]));
    assert_true(zmq__latch_try(&latch, &others[1]));
    assert_false(zmq__latch_try(&latch, &others[0]));
}

static void test_another_gets_in_while_the_favourite_is_outside(void **state)
{
    (void)state;
    if (!favours()) skip();
    assert_true(call_until_favoured(&others[0]) > 0);
    assert_true(zmq__latch_try(&latch, &others[1]));
    assert_null(zmq__latch_slip(&latch, &others[0]));
    assert_false(zmq__latch_try(&latch, &others[0]));
    zmq__latch_leave(&latch, memory_order_seq_cst);
    assert_true(zmq__latch_try(&latch, &others[0]));
}

static void test_a_favourite_that_takes_the_lock_stays_one(void **state)
{
    (void)state;
    if (!favours()) skip();
    assert_true(call_until_favoured(&others[0]) > 0);
    assert_true(zmq__latch_try(&latch, &others[0]));
    assert_false(zmq__latch_try(&latch, &others[1]));
    zmq__latch_leave(&latch, memory_order_seq_cst);
    struct zmq__seat *const seat = zmq__latch_slip(&latch, &others[0]);
    assert_non_null(seat);
    zmq__latch_settle(&latch, seat);
    assert_false(zmq__latch_try(&latch, &others[1]));
    zmq__latch_leave(&latch, memory_order_seq_cst);
    assert_non_null(zmq__latch_slip(&latch, &others[0]));
}

static void test_a_call_within_a_call_does_not_get_in_and_is_told_of(void **state)
{
    (void)state;
    if (!favours()) skip();
    assert_true(call_until_favoured(&others[0]) > 0);
    struct zmq__seat *const seat = zmq__latch_slip(&latch, &others[0]);
    assert_non_null(seat);
    assert_null(zmq__latch_slip(&latch, &others[0]));
    assert_false(zmq__latch_try(&latch, &others[0]));
    assert_false(zmq__latch_slip_out(&latch, seat)); // what that brought is to be looked at
    assert_true(zmq__latch_try(&latch, &others[0]));
}

static void test_a_favour_that_did_not_last_takes_longer_to_come_again(void **state)
{
    (void)state;
    if (!favours()) skip();
    const unsigned first = call_until_favoured(&others[0]);
    assert_true(zmq__latch_try(&latch, &others[1]));
    zmq__latch_leave(&latch, memory_order_seq_cst);
    assert_int_equal(call_until_favoured(&others[0]), 2 * first);
    for (unsigned i = 0; i < 64 * first; i++)
        assert_true(zmq__latch_slip_out(&latch, zmq__latch_slip(&latch, &others[0])));
    assert_true(zmq__latch_try(&latch, &others[1]));
    zmq__latch_leave(&latch, memory_order_seq_cst);
    assert_int_equal(call_until_favoured(&others[0]), first);
}

static void test_so_many_threads_are_favoured_and_no_other(void **state)
{
    (void)state;
    if (!favours()) skip();
    for (size_t i = 0; i < ZMQ__LATCH_SEATS; i++)
        assert_true(call_until_favoured(&others[i]) > 0);
    assert_int_equal(call_until_favoured(&others[ZMQ__LATCH_SEATS]), 0);
    assert_true(call_until_favoured(&others[0]) > 0);
}

// A socket, as far as this is about: what only the one inside may touch, and news.
struct shed {
    struct zmq__latch latch;
    unsigned long data[2]; // equal, but for the one inside
    unsigned long visits;  // of the same
    unsigned long handled;
    atomic_uint called; // news that nobody has looked at
    atomic_bool asleep;
    unsigned long slipped; // of the same
    atomic_ulong brought, entered;
    atomic_int turn; // whose the socket is
    atomic_bool over;
    atomic_bool torn;
};

static void shed_touch(struct shed *shed)
{
    if (shed->data[0] != shed->data[1]) atomic_store(&shed->torn, true);
    shed->data[0]++;
    shed->visits++;
    shed->data[1]++;
}

// Inside, with the lock: as socket.c's work and unlock.
static void shed_work(struct shed *shed)
{
    for (;;) {
        do {
            shed_touch(shed);
            atomic_fetch_add(&shed->entered, 1);
            atomic_store_explicit(&shed->asleep, false, memory_order_relaxed);
            shed->handled += atomic_exchange(&shed->called, 0);
            atomic_store(&shed->asleep, true);
        } while (atomic_load(&shed->called) > 0);
        zmq__latch_leave(&shed->latch, memory_order_seq_cst);
        if (atomic_load(&shed->called) == 0) return;
        if (!zmq__latch_try(&shed->latch, zmq__latch_me())) return;
    }
}

static bool shed_quiet(struct shed *shed)
{
    return atomic_load_explicit(&shed->asleep, memory_order_relaxed) &&
           atomic_load_explicit(&shed->called, memory_order_relaxed) == 0;
}

// As quick.h's calls, of which |general| ones go on with the lock.
static void shed_call(struct shed *shed, bool general)
{
    const void *const me = zmq__latch_me();
    struct zmq__seat *const seat = zmq__latch_slip(&shed->latch, me);
    while (!seat && !zmq__latch_try(&shed->latch, me))
        sched_yield();
    shed_touch(shed);
    if (general || !shed_quiet(shed)) {
        if (seat) zmq__latch_settle(&shed->latch, seat);
        atomic_fetch_add(&shed->entered, 1);
        shed_work(shed);
        return;
    }
    bool news;
    if (seat) {
        shed->slipped++;
        news = !zmq__latch_slip_out(&shed->latch, seat);
    } else {
        atomic_fetch_add(&shed->entered, 1);
        zmq__latch_count(&shed->latch, me);
        zmq__latch_leave(&shed->latch, memory_order_seq_cst);
        news = atomic_load(&shed->called) > 0;
    }
    if (news && zmq__latch_try(&shed->latch, me)) shed_work(shed);
}

static uint64_t now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec;
}

// News that were brought are looked at, whether or not its thread calls again. False: that takes too long.
static bool shed_heard(struct shed *shed)
{
    const uint64_t end_s = now_s() + PATIENCE_S;
    while (atomic_load(&shed->called) > 0) {
        if (now_s() > end_s) return false;
        sched_yield();
    }
    return true;
}

// As another socket's thread that has news for this one.
static void *bring(void *hint)
{
    struct shed *const shed = hint;
    struct random random = random_of((uint64_t)(uintptr_t)zmq__latch_me());
    while (!atomic_load(&shed->over)) {
        atomic_fetch_add(&shed->brought, 1);
        const bool first = atomic_fetch_add(&shed->called, 1) == 0;
        if (atomic_load(&shed->asleep) && zmq__latch_try(&shed->latch, zmq__latch_me()))
            shed_work(shed);
        if (first && !shed_heard(shed)) break;
        const size_t pause = random_below(&random, 8) ? random_below(&random, 300) : 10000;
        for (size_t i = 0; i < pause; i++)
            atomic_signal_fence(memory_order_seq_cst); // nothing, but not left out
    }
    return NULL;
}

struct caller {
    struct shed *shed;
    int number, callers;
    bool heard;
};

// Has the socket in turns with the others, until enough was brought; now and then it is busy elsewhere, until somebody
// has brought something.
static void *call(void *hint)
{
    struct caller *const caller = hint;
    struct shed *const shed = caller->shed;
    struct random random = random_of((uint64_t)caller->number + 1);
    caller->heard = true;
    for (int turn = caller->number; caller->heard; turn += caller->callers) {
        while (atomic_load_explicit(&shed->turn, memory_order_acquire) != turn)
            sched_yield();
        const bool enough = atomic_load(&shed->brought) >= NEWS;
        for (int i = 0; i < CALLS_A_TURN && caller->heard; i++) {
            shed_call(shed, random_below(&random, 200) == 0);
            if (random_below(&random, 10000) == 0) caller->heard = shed_heard(shed);
        }
        atomic_store_explicit(&shed->turn, turn + 1, memory_order_release);
        if (enough) break;
    }
    return NULL;
}

static void with_threads(int callers, int bringers)
{
    static struct shed shed;
    struct caller those[8];
    pthread_t threads[8], others_too[4];
    shed = (struct shed){.asleep = true};
    zmq__latch_prepare();
    zmq__latch_init(&shed.latch);
    for (int i = 0; i < bringers; i++)
        assert_int_equal(pthread_create(&others_too[i], NULL, bring, &shed), 0);
    for (int i = 0; i < callers; i++) {
        those[i] = (struct caller){&shed, i, callers, false};
        assert_int_equal(pthread_create(&threads[i], NULL, call, &those[i]), 0);
    }
    for (int i = 0; i < callers; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    atomic_store(&shed.over, true);
    for (int i = 0; i < bringers; i++)
        assert_int_equal(pthread_join(others_too[i], NULL), 0);
    for (int i = 0; i < callers; i++)
        assert_true(those[i].heard);
    print_message("%lu calls slipped in, %lu took the lock; %lu news\n", shed.slipped, shed.entered,
                  shed.brought);
    assert_false(shed.torn);
    assert_int_equal(shed.visits, shed.entered + shed.slipped);
    assert_int_equal(shed.called, 0);
    assert_int_equal(shed.handled, shed.brought);
    assert_int_equal(shed.slipped > 0, favours());
}

static void test_one_calls_and_others_bring_news(void **state)
{
    (void)state;
    with_threads(1, 1);
    with_threads(1, 3);
}

static void test_a_socket_that_is_handed_on_while_others_bring_news(void **state)
{
    (void)state;
    with_threads(2, 2);
    with_threads(6, 2);
}

#define TEST(f) cmocka_unit_test_setup(f, latch_new)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_favour_that_is_due_waits_until_somebody_asks_for_the_barrier),
        TEST(test_the_lock_is_one_without_a_favourite),
        TEST(test_who_calls_often_is_favoured),
        TEST(test_calls_of_others_between_put_it_off),
        TEST(test_another_does_not_get_in_beside_a_favourite_and_leaves_it_a_word),
        TEST(test_another_gets_in_while_the_favourite_is_outside),
        TEST(test_a_favourite_that_takes_the_lock_stays_one),
        TEST(test_a_call_within_a_call_does_not_get_in_and_is_told_of),
        TEST(test_a_favour_that_did_not_last_takes_longer_to_come_again),
        TEST(test_so_many_threads_are_favoured_and_no_other),
        cmocka_unit_test(test_one_calls_and_others_bring_news),
        cmocka_unit_test(test_a_socket_that_is_handed_on_while_others_bring_news),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
