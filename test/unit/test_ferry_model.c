// The ferry against a model: random sequences of what both sides may do, in random interleavings, with
// limits of one to three and allocations that fail. Each side's messages are numbered, so the model is
// a count: what was sent is received in order, or counted as lost, and nothing waits for a call that
// never comes. A failure names its seed; FIRST_SEED then reproduces it.
#include "test/support/ferries.h"
#include "test/support/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

enum { FIRST_SEED = 1, SEEDS = 1500, STEPS = 300 };
enum { BODY_MAX = 20000, TEXT_MAX = 16 };
enum { BERTHS = 8 }; // of a ring, whatever its limits

struct side {
    size_t sent, received; // messages
    size_t ups;
    char link[TEXT_MAX]; // what it told last; "": down
    char name[TEXT_MAX]; // and who speaks there, or did
    char said_by[STEPS + 1][TEXT_MAX];
    size_t unread; // that had come when it closed
    bool told_lost;
};

struct world {
    struct random random;
    struct ferries f;
    struct side sides[2];
};

static uint64_t seed_now;

#define CHECK(condition)                                                                           \
    do                                                                                             \
        if (!(condition)) fail_msg("seed %llu: %s", (unsigned long long)seed_now, #condition);     \
    while (0)

static bool one_in(struct world *w, size_t chances)
{
    return random_below(&w->random, chances) == 0;
}

// A body is its number, repeated; its size follows from the number.
static struct zmtp_bytes body_of(size_t number, uint8_t octets[BODY_MAX])
{
    static const size_t sizes[] = {8, 8, 40, 100, 3000, 5000, 9000, BODY_MAX};
    const size_t size = sizes[number * 7 % 8];
    for (size_t at = 0; at + sizeof number <= size; at += sizeof number)
        memcpy(octets + at, &number, sizeof number);
    return zmtp_bytes_of(octets, size / sizeof number * sizeof number);
}

static bool send_by_reference(struct world *w, size_t index, struct zmtp_bytes body)
{
    struct zmtp_slab *slab = zmtp__slab_open(w->f.pools[index], &w->f.budget.allocator, body.size);
    if (!slab) return false;
    memcpy(slab->data, body.data, body.size);
    struct zmtp__queue *queue = w->f.ends[index]->out;
    zmtp__queue_begin(queue);
    const int result = zmtp__queue_put(queue, zmtp_bytes_of(slab->data, body.size), slab, 0);
    zmtp__slab_unref(slab);
    if (result < 0) return false;
    zmtp__queue_end(queue, 1);
    zmtp__pipe_published(w->f.ends[index]);
    w->f.awake[index] = true;
    return true;
}

static void step_send(struct world *w, size_t index)
{
    static uint8_t octets[BODY_MAX];
    struct side *side = &w->sides[index];
    if (!w->f.ends[index] || !ferries_writable(&w->f, index)) return;
    if (side->name[0] == '\0') return; // nobody has spoken there yet
    const struct zmtp_bytes body = body_of(side->sent, octets);
    const bool sent =
        one_in(w, 2) ? ferries_try(&w->f, index, body, 0) : send_by_reference(w, index, body);
    CHECK(sent || w->f.budget.fail_at > 0);
    if (sent) strcpy(side->said_by[side->sent++], side->name);
}

// A command says for which connection it is meant, as far as its sender knows.
static void step_command(struct world *w, size_t index)
{
    struct zmtp_pipe_end *end = w->f.ends[index];
    if (!end || !ferries_writable(&w->f, index)) return;
    const struct zmtp_link *link = zmtp_pipe_link(end);
    if (link->up) (void)ferries_try(&w->f, index, ferries_name(link->origin), ZMTP_FLAG_COMMAND);
}

static void step_recv(struct world *w, size_t index)
{
    static uint8_t octets[BODY_MAX];
    struct side *side = &w->sides[index];
    struct zmtp_msg msg;
    bool command;
    zmtp_msg_init(&msg, NULL);
    if (!w->f.ends[index] || !ferries_recv(&w->f, index, &msg, &command)) return;
    const struct zmtp_bytes body = zmtp_msg_bytes(&msg, 0);
    if (command) {
        CHECK(zmtp_bytes_equal(body, zmtp_bytes_text(side->link)));
    } else {
        const char *said_by = w->sides[1 - index].said_by[side->received];
        CHECK(zmtp_bytes_equal(ferries_name(msg.origin), zmtp_bytes_text(said_by)));
        CHECK(zmtp_bytes_equal(body, body_of(side->received++, octets)));
    }
    zmtp_msg_fini(&msg);
}

static void step_link(struct world *w, size_t index)
{
    struct side *side = &w->sides[index];
    if (!w->f.ends[index]) return;
    ferries_link(&w->f, index, NULL);
    side->link[0] = '\0';
    if (one_in(w, 3)) return;
    char text[TEXT_MAX];
    snprintf(text, sizeof text, "%zu", ++side->ups);
    ferries_link(&w->f, index, text);
    if (!zmtp_pipe_link(w->f.ends[index]->other)->up) return; // there was no memory
    strcpy(side->link, text);
    strcpy(side->name, text);
}

static void check_lost(struct world *w, size_t index)
{
    const struct zmtp_pipe_end *end = w->f.ends[index];
    struct side *side = &w->sides[index];
    if (!end || !end->other->closed || side->told_lost) return;
    side->told_lost = true;
    const size_t left = w->sides[1 - index].received + w->sides[1 - index].unread;
    CHECK(left + end->stranded == side->sent);
    CHECK(zmtp__queue_left(end->out) == left);
    CHECK(zmtp__queue_waiting(end->out) == 0);
    CHECK(end->in->count >= w->sides[1 - index].sent - side->received); // and perhaps commands
}

static void step_shut(struct world *w, size_t index)
{
    if (!w->f.ends[index]) return;
    w->sides[index].unread = zmtp__queue_messages(w->f.ends[index]->in);
    ferries_shut(&w->f, index);
}

static void check(struct world *w)
{
    const struct ferries_limits *l = &w->f.limits;
    for (size_t i = 0; i < 2; i++) {
        check_lost(w, i);
        if (w->f.ends[i]) {
            const struct zmtp__queue *out = w->f.ends[i]->out;
            CHECK(zmtp__queue_left(out) + zmtp__queue_waiting(out) + out->withdrawn ==
                  w->sides[i].sent);
            CHECK(zmtp__queue_waiting(out) >= zmtp__queue_messages(out));
        }
        if (!w->f.ends[0] || !w->f.ends[1] || l->pipe_count == 0) continue;
        CHECK(w->sides[i].sent - w->sides[1 - i].received <= l->pipe_count);
    }
}

static void step(struct world *w)
{
    const size_t index = random_below(&w->random, 2), choice = random_below(&w->random, 100);
    if (one_in(w, 8)) {
        w->f.budget.fail_at = w->f.budget.calls + 1 + random_below(&w->random, 3);
        w->f.budget.fail_on = one_in(w, 3);
    }
    if (choice < 35)
        step_send(w, index);
    else if (choice < 60)
        step_recv(w, index);
    else if (choice < 88)
        ferries_turn(&w->f, index, 1 + random_below(&w->random, 3));
    else if (choice < 94)
        step_command(w, index);
    else
        step_link(w, index);
    w->f.budget.fail_at = 0;
    check(w);
}

// With memory, and readers that read, everything arrives.
static void arrive(struct world *w)
{
    for (size_t i = 0; i < 2000; i++) {
        ferries_settle(&w->f);
        check(w);
        step_recv(w, i % 2);
    }
    for (size_t i = 0; i < 2; i++) {
        if (!w->f.ends[i]) continue;
        CHECK(w->sides[i].received == w->sides[1 - i].sent);
        if (w->f.ends[1 - i]) continue;
        CHECK(zmtp__pipe_finished(w->f.ends[i]));
        CHECK(w->sides[i].told_lost);
    }
}

static void run_seed(uint64_t seed)
{
    static struct world w;
    memset(&w, 0, sizeof w);
    w.random = random_of(seed);
    seed_now = seed;
    const struct ferries_limits limits = {
        .pipe_count = random_below(&w.random, 4),
        .pipe_bytes = one_in(&w, 3) ? 1 + random_below(&w.random, 10000) : 0,
        .ring_count = random_below(&w.random, 4),
        .ring_bytes = one_in(&w, 3) ? 1 + random_below(&w.random, 10000) : 0,
        .bides = one_in(&w, 2),
    };
    ferries_open(&w.f, &limits, seed % 2);
    const size_t closes_at = one_in(&w, 2) ? STEPS : random_below(&w.random, STEPS);
    for (size_t i = 0; i < STEPS; i++) {
        if (i == closes_at) step_shut(&w, random_below(&w.random, 2));
        step(&w);
    }
    if (!one_in(&w, 4)) arrive(&w);
    ferries_close(&w.f);
}

static void test_a_ferry_does_what_two_lists_of_messages_do(void **state)
{
    (void)state;
    for (uint64_t seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++)
        run_seed(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_ferry_does_what_two_lists_of_messages_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
