// A ferry with a thread at each shore: nothing is lost, reordered or torn, and no call is missed, while
// slabs are freed on the thread that did not make them. For the thread sanitizer as well.
#include "zmtp/msg/ferry.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MESSAGES = 200000, BODY_MAX = 6000, PATIENCE_S = 60 };

struct side {
    size_t index;
    struct side *other;
    struct zmtp__dock dock;
    struct zmtp__shore *shore;
    struct zmtp_pool *pool;
    struct zmtp_pipe_end *end;
    struct zmtp_marks marks;
    size_t to_send, sent, received;
    struct zmtp_msg kept;  // one message at a time is held for long
    pthread_mutex_t mutex; // for |rung|
    pthread_cond_t bell;
    bool rung, attached;
    const char *failure; // asserted in the main thread
};

static void ring(struct side *side)
{
    pthread_mutex_lock(&side->mutex);
    side->rung = true;
    pthread_cond_signal(&side->bell);
    pthread_mutex_unlock(&side->mutex);
}

// Sleeps until it is rung. False: for so long that a call must have been lost.
static bool sleep_until_rung(struct side *side)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    int status = 0;
    pthread_mutex_lock(&side->mutex);
    while (!side->rung && status == 0)
        status = pthread_cond_timedwait(&side->bell, &side->mutex, &until);
    side->rung = false;
    pthread_mutex_unlock(&side->mutex);
    return status == 0;
}

static void attach(struct side *side)
{
    const struct zmtp_pipe_config config = {
        .pool = side->pool, .count_max = {300, 300}, .bytes_max = {100000, 100000}};
    struct zmtp_pipe_end *ends[2];
    if (zmtp_pipe_open(&config, ends) < 0) abort();
    side->end = ends[0];
    side->attached = true;
    zmtp_pipe_own(ends[0], &side->marks, side);
    zmtp__shore_attach(side->shore, ends[1]);
}

static size_t size_of(size_t number)
{
    return number % 64 ? 9 + number % 80 : 9 + number % BODY_MAX;
}

static void send_some(struct side *side)
{
    static const uint8_t filler[BODY_MAX + 9];
    uint8_t body[BODY_MAX + 9];
    while (side->sent < side->to_send && zmtp__pipe_writable(side->end)) {
        const size_t size = size_of(side->sent);
        memcpy(body, filler, size);
        memcpy(body, &side->sent, 8);
        body[size - 1] ^= 0x5a;
        zmtp__queue_begin(side->end->out);
        if (zmtp__queue_put(side->end->out, zmtp_bytes_of(body, size), NULL, 0) < 0) abort();
        zmtp__queue_end(side->end->out, 1);
        zmtp__pipe_published(side->end);
        side->sent++;
    }
}

static void check_message(struct side *side, const struct zmtp_msg *msg)
{
    const struct zmtp_bytes body = zmtp_msg_bytes(msg, 0);
    size_t number = 0;
    if (body.size >= 8) memcpy(&number, body.data, 8);
    if (number != side->received) side->failure = "out of order";
    if (body.size != size_of(side->received)) side->failure = "another size";
}

static void receive_some(struct side *side)
{
    for (size_t i = 0; i < 100 && side->end->in->count > 0; i++) {
        struct zmtp_msg msg;
        zmtp_msg_init(&msg, NULL);
        if (zmtp__pipe_take(side->end, &msg) < 0) abort();
        zmtp__pipe_consumed(side->end);
        check_message(side, &msg);
        if (++side->received % 1000 == 0) {
            zmtp_msg_fini(&side->kept);
            side->kept = msg;
        } else {
            zmtp_msg_fini(&msg);
        }
    }
}

// One look at everything.
static void look(struct side *side)
{
    struct zmtp__shore *shore;
    zmtp__dock_wake(&side->dock);
    while ((shore = zmtp__dock_next(&side->dock))) {
        if (!side->attached) attach(side);
        const unsigned result = zmtp__shore_work(shore);
        if (result & (ZMTP__FERRY_RING | ZMTP__FERRY_KNOCK)) ring(side->other);
        if (result & ZMTP__FERRY_OVER) {
            zmtp__shore_close(shore);
            side->shore = NULL;
        }
    }
}

static void *run(void *context)
{
    struct side *side = context;
    for (;;) {
        look(side);
        const bool open = side->shore;
        if (side->end) {
            while (zmtp_marks_take(&side->marks)) {}
            receive_some(side);
            if (open) send_some(side);
        }
        // Side 0 leaves when it has sent all and received all; side 1 when it finds itself alone.
        if (!open && side->end->in->count == 0) break;
        if (open && side->index == 0 && side->sent == side->to_send &&
            side->received == side->other->to_send) {
            zmtp_pipe_close(side->end);
            side->end = NULL;
            look(side);
            break;
        }
        const bool busy = side->end && (side->end->in->count > 0 || side->marks.first);
        if (!busy && zmtp__dock_sleep(&side->dock) && !sleep_until_rung(side)) {
            side->failure = "a call was lost";
            break;
        }
    }
    zmtp_pipe_close(side->end);
    zmtp_msg_fini(&side->kept);
    zmtp_pool_close(side->pool); // what the other side still holds takes it along
    return NULL;
}

static void exchange_over(size_t from_0, size_t from_1, bool bides)
{
    static struct side sides[2];
    memset(sides, 0, sizeof sides);
    const struct zmtp__ferry_config config = {
        .docks = {&sides[0].dock, &sides[1].dock},
        .count_max = {100, 100},
        .bytes_max = {50000, 50000},
        .bides = bides,
    };
    struct zmtp__shore *shores[2];
    assert_int_equal(zmtp__ferry_open(&config, shores), ZMTP_OK);
    for (size_t i = 0; i < 2; i++) {
        struct side *side = &sides[i];
        side->index = i;
        side->other = &sides[1 - i];
        side->shore = shores[i];
        side->to_send = i ? from_1 : from_0;
        zmtp__dock_init(&side->dock);
        zmtp_msg_init(&side->kept, NULL);
        assert_int_equal(zmtp_pool_open(&side->pool, NULL), ZMTP_OK);
        pthread_mutex_init(&side->mutex, NULL);
        pthread_cond_init(&side->bell, NULL);
    }
    attach(&sides[0]);
    if (zmtp__shore_hail(shores[0])) ring(&sides[1]);
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run, &sides[i]), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_null(sides[i].failure);
        assert_int_equal(sides[i].sent, sides[i].to_send);
        assert_int_equal(sides[i].received, sides[1 - i].to_send);
        zmtp__dock_fini(&sides[i].dock);
        pthread_mutex_destroy(&sides[i].mutex);
        pthread_cond_destroy(&sides[i].bell);
    }
}

static void exchange(size_t from_0, size_t from_1)
{
    exchange_over(from_0, from_1, false);
    exchange_over(from_0, from_1, true);
}

static void test_two_threads_exchange_messages_over_a_ferry(void **state)
{
    (void)state;
    exchange(MESSAGES, MESSAGES);
}

static void test_a_thread_sends_to_another(void **state)
{
    (void)state;
    exchange(MESSAGES, 0);
    exchange(0, MESSAGES);
}

static void test_ferries_come_and_go(void **state)
{
    (void)state;
    for (size_t i = 0; i < 200; i++)
        exchange(i % 5, i % 3);
}

struct returner {
    struct zmtp_slab **slabs;
    size_t count;
};

static void *return_slabs(void *context)
{
    const struct returner *returner = context;
    for (size_t i = 0; i < returner->count; i++)
        zmtp__slab_unref(returner->slabs[i]);
    return NULL;
}

// The owner opens, and closes the pool, while other threads release what it lent.
static void test_lent_slabs_are_released_on_any_thread_while_the_pool_goes(void **state)
{
    (void)state;
    enum { THREADS = 3, SLABS = 60, ROUNDS = 100 };
    for (size_t round = 0; round < ROUNDS; round++) {
        struct zmtp_pool *pool;
        struct zmtp_slab *slabs[THREADS][SLABS];
        struct returner returners[THREADS];
        pthread_t threads[THREADS];
        assert_int_equal(zmtp_pool_open(&pool, NULL), ZMTP_OK);
        for (size_t i = 0; i < THREADS; i++) {
            for (size_t k = 0; k < SLABS; k++) {
                slabs[i][k] = zmtp__slab_open(pool, NULL, k % 9 ? 1000 : 100000);
                zmtp__slab_lend(slabs[i][k]);
                slabs[i][k]->data[0] = 1;
            }
            returners[i] = (struct returner){slabs[i], SLABS};
            assert_int_equal(pthread_create(&threads[i], NULL, return_slabs, &returners[i]), 0);
        }
        for (size_t i = 0; i < round; i++) {
            struct zmtp_slab *slab = zmtp__slab_open(pool, NULL, 1000);
            slab->data[0] = 2;
            zmtp__slab_unref(slab);
        }
        zmtp_pool_close(pool);
        for (size_t i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_threads_exchange_messages_over_a_ferry),
        cmocka_unit_test(test_a_thread_sends_to_another),
        cmocka_unit_test(test_ferries_come_and_go),
        cmocka_unit_test(test_lent_slabs_are_released_on_any_thread_while_the_pool_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
