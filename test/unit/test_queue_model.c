// The queue against a model: random sequences of everything that a writer and a reader may do, compared
// octet by octet with a list of encoded messages. Allocations fail at random, which may refuse an
// operation and change nothing. A failure names its seed; FIRST_SEED then reproduces it.
#include "test/support/random.h"
#include "zmtp/msg/share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum { FIRST_SEED = 1, SEEDS = 40, STEPS = 500 };
enum { MESSAGES_MAX = 64, BATCH_MAX = 4, HELD_MAX = 6, VIEWS_MAX = 256 };
enum { PATTERN_SIZE = 1 << 18, RUN_SIZE = 1 << 17, CHUNK_SIZE = 2000 };

struct message {
    uint8_t *octets; // as encoded, headers included
    size_t size;
    bool command, expired;
};

// A message that was taken and is kept: its octets may not change while the queue goes on.
struct held {
    struct zmtp_msg msg;
    struct message expected;
};

struct world {
    struct random random;
    struct zmtp_budget budget;
    struct zmtp_pool *pool;
    struct zmtp__queue queue;
    // The model.
    struct message messages[MESSAGES_MAX];
    size_t count, sent;
    struct held held[HELD_MAX];
    size_t held_next;
    // What the writer is about: messages that the reader may not see yet, and frames in a slab of
    // which those from |run_begin| on are not put yet.
    struct message batch[BATCH_MAX];
    size_t batch_count;
    struct zmtp_slab *run;
    size_t run_begin, run_end;
    // What it shares with others, who are not there: they may have had any of it.
    struct zmtp_slab *chunk;
    size_t chunk_used;
};

static uint8_t pattern[PATTERN_SIZE];
static uint64_t seed_now;

#define CHECK(condition)                                                                           \
    do                                                                                             \
        if (!(condition)) fail_msg("seed %llu: %s", (unsigned long long)seed_now, #condition);     \
    while (0)

static bool one_in(struct world *w, size_t chances)
{
    return random_below(&w->random, chances) == 0;
}

static size_t size_of_a_body(struct world *w)
{
    static const size_t edges[] = {0, 48, 255, 256, 2048, 4096, 8192, 65536};
    if (one_in(w, 100)) return 200 * 1024 + random_below(&w->random, 100);
    if (one_in(w, 2)) return random_below(&w->random, 80);
    const size_t range = one_in(w, 3) ? 8 : 4; // the small edges more often
    const size_t size = edges[random_below(&w->random, range)] + random_below(&w->random, 3);
    return size > 0 ? size - 1 : 0;
}

// Encodes a frame as RFC 37 says, after what |out| holds. Says how many octets.
static size_t encode(uint8_t *out, unsigned flags, bool long_form, struct zmtp_bytes body)
{
    size_t at = 0;
    out[at++] = (uint8_t)(flags | (long_form ? 2u : 0u));
    if (long_form)
        for (int shift = 56; shift >= 8; shift -= 8)
            out[at++] = (uint8_t)((uint64_t)body.size >> shift);
    out[at++] = (uint8_t)body.size;
    memcpy(out + at, body.data, body.size);
    return at + body.size;
}

static void message_append(struct message *message, unsigned flags, bool long_form,
                           struct zmtp_bytes body)
{
    message->octets = realloc(message->octets, message->size + 9 + body.size);
    assert_non_null(message->octets);
    message->size += encode(message->octets + message->size, flags, long_form, body);
}

// The body of the frame at |*at|, and on to the next.
static struct zmtp_bytes message_next(const struct message *message, size_t *at)
{
    const uint8_t *octets = message->octets + *at;
    uint64_t size = octets[1];
    size_t header = 2;
    if (octets[0] & 2)
        for (size = 0, header = 1; header < 9; header++)
            size = size << 8 | octets[header];
    *at += header + (size_t)size;
    return (struct zmtp_bytes){octets + header, (size_t)size};
}

static void message_free(struct message *message)
{
    free(message->octets);
    *message = (struct message){0};
}

static void model_remove_first(struct world *w)
{
    w->count--;
    memmove(w->messages, w->messages + 1, w->count * sizeof *w->messages);
    w->messages[w->count] = (struct message){0};
    w->sent = 0;
}

static void model_drop_expired(struct world *w)
{
    while (w->count > 0 && w->messages[0].expired) {
        message_free(&w->messages[0]);
        model_remove_first(w);
    }
}

static void model_clear(struct world *w)
{
    const size_t kept = w->sent > 0 ? 1 : 0;
    while (w->count > kept)
        message_free(&w->messages[--w->count]);
}

// The first message leaves the model; it is the caller's now.
static struct message model_pop(struct world *w)
{
    const struct message first = w->messages[0];
    model_remove_first(w);
    model_drop_expired(w);
    return first;
}

static void held_check_and_free(struct world *w, struct held *held)
{
    size_t at = 0;
    for (size_t i = 0; at < held->expected.size; i++) {
        const struct zmtp_bytes body = message_next(&held->expected, &at);
        CHECK(i < held->msg.count);
        CHECK(zmtp_bytes_equal(zmtp_msg_bytes(&held->msg, i), body));
        CHECK(at < held->expected.size || i + 1 == held->msg.count);
    }
    zmtp_msg_fini(&held->msg);
    zmtp_msg_init(&held->msg, &w->budget.allocator);
    message_free(&held->expected);
}

static void step_take(struct world *w)
{
    struct held *held = &w->held[w->held_next++ % HELD_MAX];
    held_check_and_free(w, held);
    const int result = zmtp__queue_take(&w->queue, &held->msg);
    if (w->count == 0) {
        CHECK(result == ZMTP_ERR_AGAIN);
    } else if (result != ZMTP_OK) {
        CHECK(result == ZMTP_ERR_MEMORY && w->budget.fail_at > 0);
        CHECK(held->msg.count == 0);
    } else {
        held->expected = model_pop(w);
    }
}

static void step_drop(struct world *w)
{
    if (w->count == 0) return;
    zmtp__queue_drop(&w->queue);
    struct message first = model_pop(w);
    message_free(&first);
}

// Puts the frames that wait in the run. Says how it went.
static int flush_run(struct world *w)
{
    const struct zmtp_bytes frames = {w->run->data + w->run_begin, w->run_end - w->run_begin};
    w->run_begin = w->run_end;
    return zmtp__queue_put_frames(&w->queue, frames, w->run);
}

// One frame of the open message, by one of three ways.
static int put_frame(struct world *w, struct message *message, unsigned flags)
{
    const size_t size = size_of_a_body(w);
    const size_t offset = random_below(&w->random, PATTERN_SIZE - size);
    const struct zmtp_bytes body = {pattern + offset, size};
    if (w->run_end + 9 + size <= RUN_SIZE && one_in(w, 2)) {
        const bool long_form = size > 255 || one_in(w, 4);
        message_append(message, flags, long_form, body);
        zmtp__queue_note_commands(&w->queue, (flags & ZMTP_FLAG_COMMAND) != 0);
        w->run_end += encode(w->run->data + w->run_end, flags, long_form, body);
        return one_in(w, 3) ? flush_run(w) : ZMTP_OK;
    }
    int result = flush_run(w);
    if (result < 0) return result;
    message_append(message, flags, size > 255, body);
    if (one_in(w, 2)) return zmtp__queue_put(&w->queue, body, NULL, flags);
    struct zmtp_slab *slab = zmtp__slab_open_exact(NULL, size);
    assert_non_null(slab);
    memcpy(slab->data, body.data, size);
    result = zmtp__queue_put(&w->queue, (struct zmtp_bytes){slab->data, size}, slab, flags);
    zmtp__slab_unref(slab);
    return result;
}

static int put_message(struct world *w)
{
    struct message *message = &w->batch[w->batch_count++];
    message->command = one_in(w, 6);
    if (message->command) return put_frame(w, message, ZMTP_FLAG_COMMAND);
    size_t frames = 1 + random_below(&w->random, 4);
    if (one_in(w, 30)) frames = 60;
    while (frames-- > 0) {
        const int result = put_frame(w, message, frames > 0 ? ZMTP_FLAG_MORE : 0);
        if (result < 0) return result;
        if (one_in(w, 20)) step_take(w); // the reader goes on while a message is open
        if (one_in(w, 20)) step_drop(w);
    }
    return ZMTP_OK;
}

// What is open is to take the place of all that waits.
static int replace(struct world *w)
{
    const int result = zmtp__queue_make_place(&w->queue);
    const size_t messages = zmtp__queue_messages(&w->queue);
    if (result < 0) return result;
    const size_t withdrawn = zmtp__queue_withdraw(&w->queue);
    CHECK(zmtp__queue_messages(&w->queue) == messages - withdrawn);
    model_clear(w);
    return ZMTP_OK;
}

static void step_write(struct world *w)
{
    if (w->count + BATCH_MAX > MESSAGES_MAX) return;
    w->batch_count = w->run_begin = w->run_end = 0;
    w->run = zmtp__slab_open_exact(NULL, RUN_SIZE);
    assert_non_null(w->run);
    const size_t messages = one_in(w, 4) ? 1 + random_below(&w->random, BATCH_MAX) : 1;
    int result = ZMTP_OK;
    zmtp__queue_begin(&w->queue);
    while (result == ZMTP_OK && w->batch_count < messages)
        result = put_message(w);
    if (result == ZMTP_OK) result = flush_run(w);
    if (result == ZMTP_OK && one_in(w, 6)) result = replace(w);
    const bool undo = result == ZMTP_OK && one_in(w, 8);
    if (undo) zmtp__queue_undo(&w->queue);
    if (result == ZMTP_OK && !undo) zmtp__queue_end(&w->queue, messages);
    CHECK(result == ZMTP_OK || (result == ZMTP_ERR_MEMORY && w->budget.fail_at > 0));
    for (size_t i = 0; i < w->batch_count; i++) {
        if (result == ZMTP_OK && !undo)
            w->messages[w->count++] = w->batch[i];
        else
            free(w->batch[i].octets);
        w->batch[i] = (struct message){0};
    }
    zmtp__slab_unref(w->run);
}

// The short way, where the queue takes it, which is never beyond its limits.
static void step_write_short(struct world *w)
{
    const size_t size = random_below(&w->random, 300);
    const struct zmtp_bytes body = {pattern + random_below(&w->random, PATTERN_SIZE - size), size};
    if (w->count == MESSAGES_MAX) return;
    const bool full = zmtp__queue_full(&w->queue);
    if (one_in(w, 2) && zmtp__queue_fits_few(&w->queue, body))
        zmtp__queue_write_few(&w->queue, body);
    else if (!zmtp__queue_write(&w->queue, body))
        return;
    CHECK(!full);
    message_append(&w->messages[w->count++], 0, size > 255, body);
}

static void step_limit(struct world *w)
{
    const size_t count_max = one_in(w, 2) ? 0 : 1 + random_below(&w->random, MESSAGES_MAX);
    const size_t bytes_max = one_in(w, 2) ? 0 : 1 + random_below(&w->random, 20000);
    zmtp__queue_limit(&w->queue, count_max, bytes_max);
}

// The chunk is given up, once the queue has what is its own. False: there was no memory.
static bool part_with_chunk(struct world *w)
{
    if (!w->chunk) return true;
    const int result = zmtp__queue_own(&w->queue, w->chunk);
    CHECK(result == ZMTP_OK || (result == ZMTP_ERR_MEMORY && w->budget.fail_at > 0));
    if (result < 0) return false;
    for (size_t i = 0; i < w->queue.range_count; i++) {
        const size_t at = (w->queue.range_head + i) & (w->queue.range_capacity - 1);
        const struct zmtp__range *const range = &w->queue.ranges[at];
        CHECK(range->slab != w->chunk || i == 0 || // of the first some may have left since
              (size_t)(range->end - range->begin) >= CHUNK_SIZE / ZMTP__QUEUE_REFER_SHARE);
    }
    zmtp__slab_unref(w->chunk);
    w->chunk = NULL;
    return true;
}

// One more message lies in the chunk: the queue goes on with it, begins to, or has a copy; or it is others' alone.
static void step_share(struct world *w)
{
    const size_t size = random_below(&w->random, 300);
    const struct zmtp_bytes body = {pattern + random_below(&w->random, PATTERN_SIZE - size), size};
    if (w->count == MESSAGES_MAX) return;
    if (w->chunk && CHUNK_SIZE - w->chunk_used < size + 9 && !part_with_chunk(w)) return;
    if (!w->chunk) {
        w->chunk = zmtp__slab_open_exact(NULL, CHUNK_SIZE);
        assert_non_null(w->chunk);
        w->chunk_used = 0;
    }
    struct zmtp_bytes frames = {w->chunk->data + w->chunk_used, 0};
    frames.size = encode(w->chunk->data + w->chunk_used, 0, size > 255, body);
    w->chunk_used += frames.size;
    struct zmtp__range *const last = zmtp__queue_in_step(&w->queue, frames, w->chunk);
    if (one_in(w, 8)) return;
    int result = ZMTP_OK;
    if (last) {
        zmtp__queue_step(&w->queue, last, frames.size);
    } else if (one_in(w, 2) && !zmtp__queue_ends_in(&w->queue, w->chunk)) {
        result = zmtp__queue_join(&w->queue, frames, w->chunk);
    } else {
        if (one_in(w, 2)) result = zmtp__queue_own(&w->queue, w->chunk);
        if (result == ZMTP_OK) zmtp__queue_begin(&w->queue);
        if (result == ZMTP_OK) result = zmtp__queue_put_frames(&w->queue, frames, w->chunk);
    }
    CHECK(result == ZMTP_OK || (result == ZMTP_ERR_MEMORY && w->budget.fail_at > 0));
    if (w->queue.open) zmtp__queue_end(&w->queue, 1);
    if (result == ZMTP_OK) message_append(&w->messages[w->count++], 0, size > 255, body);
}

// Compares what can be seen with the model; says how many octets that is.
static size_t check_peek(struct world *w, size_t max, size_t bytes_max)
{
    struct zmtp_bytes views[VIEWS_MAX];
    const size_t count = zmtp__queue_peek(&w->queue, views, max, bytes_max);
    CHECK(count <= max);
    size_t index = 0, at = w->sent, seen = 0;
    for (size_t i = 0; i < count; i++) {
        CHECK(views[i].size > 0);
        seen += views[i].size;
        for (size_t done = 0; done < views[i].size;) {
            if (index < w->count && at == w->messages[index].size) {
                index++;
                at = 0;
            }
            CHECK(index < w->count);
            CHECK(!w->messages[index].expired);
            const size_t rest = w->messages[index].size - at, wanted = views[i].size - done;
            const size_t size = rest < wanted ? rest : wanted;
            CHECK(memcmp(views[i].data + done, w->messages[index].octets + at, size) == 0);
            done += size;
            at += size;
        }
    }
    CHECK(seen <= bytes_max);
    if (max > 0 && bytes_max > 0 && w->count > 0) CHECK(seen > 0);
    return seen;
}

static void step_send(struct world *w)
{
    const size_t max = 1 + random_below(&w->random, 8);
    const size_t bytes_max = 1 + random_below(&w->random, one_in(w, 2) ? 100 : 300000);
    const size_t seen = check_peek(w, max, bytes_max);
    size_t size = random_below(&w->random, seen + 1);
    if (one_in(w, 2)) size = seen;
    zmtp__queue_consume(&w->queue, size);
    while (size > 0) {
        const size_t left = w->messages[0].size - w->sent;
        if (size < left) {
            w->sent += size;
            return;
        }
        size -= left;
        struct message first = model_pop(w);
        message_free(&first);
    }
}

static void step_rewind(struct world *w)
{
    zmtp__queue_rewind(&w->queue);
    w->sent = 0;
}

static void step_clear(struct world *w)
{
    zmtp__queue_clear(&w->queue);
    model_clear(w);
}

static void step_expire(struct world *w)
{
    zmtp__queue_expire(&w->queue);
    w->sent = 0;
    for (size_t i = 0; i < w->count; i++)
        if (w->messages[i].command) w->messages[i].expired = true;
    model_drop_expired(w);
}

static void step_purge(struct world *w)
{
    const size_t before = w->queue.count;
    zmtp__queue_purge(&w->queue);
    if (w->queue.count == before) return; // there were none, or there was no memory
    size_t kept = 0;
    for (size_t i = 0; i < w->count; i++)
        if (w->messages[i].expired)
            message_free(&w->messages[i]);
        else
            w->messages[kept++] = w->messages[i];
    for (size_t i = kept; i < w->count; i++)
        w->messages[i] = (struct message){0};
    w->count = kept;
}

static void step_start_over(struct world *w)
{
    zmtp__queue_fini(&w->queue);
    zmtp__queue_init(&w->queue, &w->budget.allocator, w->pool, 0, 0);
    w->sent = 0;
    while (w->count > 0)
        message_free(&w->messages[--w->count]);
}

// What a writer believes is so, and can last.
static void check_room(const struct zmtp__queue *queue)
{
    if (queue->room == 0) return;
    CHECK(!queue->open && queue->tail && queue->range_count > 0);
    CHECK(queue->last == zmtp__queue_last(queue));
    CHECK(queue->last->slab == queue->tail && queue->last->end == queue->tail_at);
    CHECK(queue->room <= zmtp__queue_tail_left(queue));
    CHECK(!queue->bytes_max || queue->room <= queue->bytes_max - queue->bytes);
    const uint32_t more = queue->written_end - (uint32_t)queue->written;
    CHECK(!queue->count_max || more <= queue->count_max - queue->count);
}

static void check_all(struct world *w, bool deeply)
{
    size_t bytes = 0, messages = 0;
    for (size_t i = 0; i < w->count; i++) {
        bytes += w->messages[i].size;
        messages += !w->messages[i].command;
    }
    CHECK(zmtp__queue_messages(&w->queue) == messages);
    CHECK(w->queue.written == w->queue.read + w->queue.withdrawn + messages);
    CHECK(w->queue.count == w->count);
    CHECK(w->queue.bytes == bytes);
    CHECK(!w->queue.open);
    check_room(&w->queue);
    const size_t left = w->sent > 0 ? w->messages[0].size - w->sent : 0;
    CHECK(zmtp__queue_message_left(&w->queue) == left);
    if (w->count > 0) {
        const struct message *first = &w->messages[0];
        size_t at = 0;
        CHECK(zmtp__queue_first_flags(&w->queue) == first->octets[0]);
        CHECK(zmtp__queue_first_size(&w->queue) == first->size);
        CHECK(zmtp_bytes_equal(zmtp__queue_first_body(&w->queue), message_next(first, &at)));
    }
    if (!deeply) return;
    const size_t seen = check_peek(w, VIEWS_MAX, SIZE_MAX);
    bool expired = false;
    for (size_t i = 0; i < w->count; i++)
        if (w->messages[i].expired) expired = true;
    if (expired)
        CHECK(seen == w->messages[0].size - w->sent || w->queue.range_count > VIEWS_MAX);
    else
        CHECK(seen == bytes - w->sent || w->queue.range_count > VIEWS_MAX);
}

// Writing and reading take turns in being the faster one, so that the queue is often deep.
static void step(struct world *w, size_t number)
{
    if (one_in(w, 5)) w->budget.fail_at = w->budget.calls + 1 + random_below(&w->random, 4);
    const size_t writes = number / 50 % 2 ? 30 : 75;
    if (random_below(&w->random, 100) < writes) {
        if (one_in(w, 20)) step_limit(w);
        const size_t choice = random_below(&w->random, 8);
        if (choice <= 3)
            step_write_short(w);
        else if (choice <= 5)
            step_share(w);
        else
            step_write(w);
    } else {
        const size_t choice = random_below(&w->random, 100);
        if (choice < 30)
            step_take(w);
        else if (choice < 40)
            step_drop(w);
        else if (choice < 85)
            step_send(w);
        else if (choice < 90)
            step_rewind(w);
        else if (choice < 95) {
            step_expire(w);
            if (one_in(w, 2)) step_purge(w);
        } else if (choice < 99)
            step_clear(w);
        else
            step_start_over(w);
    }
    w->budget.fail_at = 0;
}

static void run_seed(uint64_t seed)
{
    static struct world w;
    w = (struct world){.random = random_of(seed)};
    seed_now = seed;
    zmtp_budget_init(&w.budget, NULL);
    if (seed % 2) assert_int_equal(zmtp_pool_open(&w.pool, &w.budget.allocator), ZMTP_OK);
    zmtp__queue_init(&w.queue, &w.budget.allocator, w.pool, 0, 0);
    for (size_t i = 0; i < HELD_MAX; i++)
        zmtp_msg_init(&w.held[i].msg, &w.budget.allocator);

    for (size_t i = 0; i < STEPS; i++) {
        step(&w, i);
        check_all(&w, i % 8 == 0);
    }
    // Half of the runs end by reading everything, half by throwing it away.
    while (seed % 4 < 2 && w.count > 0)
        step_take(&w);
    CHECK(part_with_chunk(&w));
    step_start_over(&w);
    for (size_t i = 0; i < HELD_MAX; i++)
        held_check_and_free(&w, &w.held[i]);
    zmtp__queue_fini(&w.queue);
    zmtp_pool_close(w.pool);
    CHECK(w.budget.bytes == 0);
    CHECK(w.budget.blocks == 0);
}

// ZMTP37-SOCK-03 to 05
static void test_a_queue_does_what_a_list_of_messages_does(void **state)
{
    (void)state;
    struct random random = random_of(0);
    for (size_t i = 0; i < PATTERN_SIZE; i++)
        pattern[i] = (uint8_t)random_next(&random);
    for (uint64_t seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++)
        run_seed(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_queue_does_what_a_list_of_messages_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
