#include "ferries.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int ferries_pipe(struct ferries *f, size_t side)
{
    const struct ferries_limits *l = &f->limits;
    const struct zmtp_pipe_config config = {
        .allocator = &f->budget.allocator,
        .pool = f->pools[side],
        .count_max = {l->pipe_count, l->pipe_count},
        .bytes_max = {l->pipe_bytes, l->pipe_bytes},
    };
    struct zmtp_pipe_end *ends[2];
    const int result = zmtp_pipe_open(&config, ends);
    if (result < 0) return result;
    f->ends[side] = ends[0];
    f->attached[side] = true;
    zmtp_pipe_own(ends[0], &f->marks[side], f);
    zmtp__shore_attach(f->shores[side], ends[1]);
    f->awake[side] = true;
    return ZMTP_OK;
}

void ferries_open(struct ferries *f, const struct ferries_limits *limits, bool pooled)
{
    *f = (struct ferries){.limits = *limits};
    zmtp_budget_init(&f->budget, NULL);
    for (size_t i = 0; i < 2; i++) {
        zmtp__dock_init(&f->docks[i]);
        if (pooled) assert_int_equal(zmtp_pool_open(&f->pools[i], &f->budget.allocator), ZMTP_OK);
    }
    const struct zmtp__ferry_config config = {
        .allocator = &f->budget.allocator,
        .docks = {&f->docks[0], &f->docks[1]},
        .owners = {f, f},
        .count_max = {limits->ring_count, limits->ring_count},
        .bytes_max = {limits->ring_bytes, limits->ring_bytes},
        .bides = limits->bides,
    };
    assert_int_equal(zmtp__ferry_open(&config, f->shores), ZMTP_OK);
    assert_int_equal(ferries_pipe(f, 0), ZMTP_OK);
    f->awake[1] = zmtp__shore_hail(f->shores[0]);
    assert_true(f->awake[1]); // docks are asleep at first
}

static void ferries_work(struct ferries *f, size_t side)
{
    if (!f->attached[side] && ferries_pipe(f, side) < 0) {
        zmtp__shore_put_off(f->shores[side]);
        return;
    }
    const unsigned result = zmtp__shore_work(f->shores[side]);
    if (result & (ZMTP__FERRY_RING | ZMTP__FERRY_KNOCK)) f->awake[1 - side] = true;
    if (!(result & ZMTP__FERRY_OVER)) return;
    zmtp__shore_close(f->shores[side]);
    f->shores[side] = NULL;
}

void ferries_turn(struct ferries *f, size_t side, size_t works)
{
    f->awake[side] = true;
    zmtp__dock_feed(&f->docks[side]);
    zmtp__dock_wake(&f->docks[side]);
    for (size_t i = 0; works == 0 || i < works; i++) {
        struct zmtp__shore *shore = zmtp__dock_next(&f->docks[side]);
        if (!shore) break;
        assert_ptr_equal(shore, f->shores[side]);
        ferries_work(f, side);
    }
    if (zmtp__dock_sleep(&f->docks[side])) f->awake[side] = zmtp__dock_hungry(&f->docks[side]);
}

void ferries_settle(struct ferries *f)
{
    for (size_t i = 0; f->awake[0] || f->awake[1]; i++) {
        assert_true(i < 100000);
        if (f->awake[i % 2]) ferries_turn(f, i % 2, 0);
    }
}

void ferries_close(struct ferries *f)
{
    f->budget.fail_at = 0;
    for (int i = 0; i < 2; i++) { // the second time for an end that came by the first
        ferries_shut(f, 0);
        ferries_shut(f, 1);
        ferries_settle(f);
    }
    for (size_t i = 0; i < 2; i++) {
        if (!f->attached[i] && f->shores[i]) {
            (void)zmtp__shore_refuse(f->shores[i]);
            zmtp__shore_close(f->shores[i]);
            f->shores[i] = NULL;
        }
        assert_null(f->shores[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        zmtp__dock_fini(&f->docks[i]);
        zmtp_pool_close(f->pools[i]);
    }
    assert_int_equal(f->budget.bytes, 0);
    assert_int_equal(f->budget.blocks, 0);
}

bool ferries_writable(struct ferries *f, size_t side)
{
    return zmtp__pipe_writable(f->ends[side]);
}

bool ferries_try(struct ferries *f, size_t side, struct zmtp_bytes body, unsigned flags)
{
    struct zmtp_pipe_end *end = f->ends[side];
    f->awake[side] = true;
    zmtp__queue_begin(end->out);
    if (zmtp__queue_put(end->out, body, NULL, flags) < 0) return false;
    zmtp__queue_end(end->out, 1);
    zmtp__pipe_published(end);
    return true;
}

void ferries_send(struct ferries *f, size_t side, struct zmtp_bytes body, unsigned flags)
{
    assert_true(ferries_try(f, side, body, flags));
}

bool ferries_recv(struct ferries *f, size_t side, struct zmtp_msg *msg, bool *command)
{
    struct zmtp_pipe_end *end = f->ends[side];
    if (end->in->count == 0) return false;
    *command = zmtp__queue_first_flags(end->in) & ZMTP_FLAG_COMMAND;
    if (zmtp__pipe_take(end, msg) < 0) return false;
    f->awake[side] = true;
    zmtp__pipe_consumed(end);
    return true;
}

void ferries_shut(struct ferries *f, size_t side)
{
    if (!f->ends[side]) return;
    zmtp_pipe_close(f->ends[side]);
    f->ends[side] = NULL;
    f->awake[side] = true;
}

void ferries_link(struct ferries *f, size_t side, const char *routing_id)
{
    struct zmtp_pipe_end *end = f->ends[side];
    struct zmtp_origin told = {.type_known = true, .type = ZMTP_DEALER};
    f->awake[side] = true;
    if (routing_id) told.routing_id = zmtp_bytes_text(routing_id);
    if (routing_id)
        (void)zmtp_pipe_link_up(end, &told); // or there is no memory
    else
        zmtp_pipe_link_down(end);
}

struct zmtp_bytes ferries_name(const struct zmtp_origin *origin)
{
    return origin ? origin->routing_id : (struct zmtp_bytes){0};
}
