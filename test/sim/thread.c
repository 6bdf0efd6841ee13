#include "thread.h"

#include "node.h"
#include "zmtp/msg/pipe.h"
#include "zmtp/socket/far.h"

enum { THREAD_RETRY_MS = 20, THREAD_REDIAL_MS = 100, THREAD_WORKS = 3 };

// One side's; both are there from the dial on, but the binder's has no pipe until its thread looks.
struct crossing {
    struct thread *thread, *far;
    struct crossing *other; // null: has gone
    struct zmtp__shore *shore;
    const struct zmtp_pipe_end *shore_end;
    struct zmtp_pipe_end *end; // the socket's own; null: none yet, or closed
    bool attached, dialled;
    bool parted; // it was given up
};

void thread_init(struct thread *thread, struct node *node)
{
    *thread = (struct thread){.node = node, .dial_ms = UINT64_MAX, .hungry_ms = UINT64_MAX};
    zmtp__dock_init(&thread->dock);
}

static struct crossing *crossing_add(struct thread *thread, struct thread *far)
{
    for (size_t i = 0; i < THREAD_CROSSINGS; i++) {
        if (thread->crossings[i]) continue;
        struct crossing *crossing = zmtp_alloc(NULL, sizeof *crossing);
        if (!crossing) return NULL;
        *crossing = (struct crossing){.thread = thread, .far = far};
        thread->crossings[i] = crossing;
        return crossing;
    }
    return NULL;
}

static void crossing_remove(struct crossing *crossing)
{
    struct thread *const thread = crossing->thread;
    if (crossing->end) zmtp__pipe_follow(crossing->end, NULL);
    if (crossing->other) crossing->other->other = NULL;
    for (size_t i = 0; i < THREAD_CROSSINGS; i++)
        if (thread->crossings[i] == crossing) thread->crossings[i] = NULL;
    zmtp_free(NULL, crossing, sizeof *crossing);
}

static void crossing_ring(const struct crossing *crossing)
{
    crossing->far->awake = true;
    world_trace(crossing->thread->node->world, "node %zu rings node %zu",
                crossing->thread->node->index, crossing->far->node->index);
}

// It is over.
static void crossing_end(struct crossing *crossing)
{
    struct thread *const thread = crossing->thread;
    struct node *const node = thread->node;
    world_trace(node->world, "node %zu and node %zu part", node->index, crossing->far->node->index);
    if (!node->world->faults && !node->world->closing)
        world_fail(node->world, "node %zu: a crossing ended and nobody asked for it", node->index);
    zmtp__shore_close(crossing->shore);
    if (crossing->dialled && node->socket) thread->dial_ms = node->world->now_ms + THREAD_REDIAL_MS;
    if (crossing->dialled && node->break_count < NODE_BREAKS) node->break_count++;
    node->app_due = true;
    crossing_remove(crossing);
}

static void crossing_attach(struct crossing *crossing, struct zmtp_pipe_end *end)
{
    crossing->attached = true;
    crossing->shore_end = end;
    zmtp__pipe_follow(end->other, &crossing->end);
    zmtp__shore_attach(crossing->shore, end);
    crossing->thread->node->app_due = true;
}

// The binder's side joins, or refuses when its socket has closed.
static void crossing_accept(struct crossing *crossing)
{
    struct node *const node = crossing->thread->node;
    struct zmtp__far_facts facts;
    struct zmtp_pipe_end *end;
    int result = ZMTP_ERR_CANCELLED;
    zmtp__far_facts_of(&crossing->far->node->config, &facts);
    if (node->socket) result = zmtp__far_join(node->socket, &facts, &end);
    if (result == ZMTP_OK) {
        crossing_attach(crossing, end);
    } else if (result == ZMTP_ERR_MEMORY) {
        zmtp__shore_put_off(crossing->shore);
    } else {
        world_trace(node->world, "node %zu refuses node %zu: %s", node->index,
                    crossing->far->node->index, zmtp_err_name(result));
        if (zmtp__shore_refuse(crossing->shore) & ZMTP__FERRY_RING) crossing_ring(crossing);
        crossing_end(crossing);
    }
}

static void crossing_look(struct crossing *crossing)
{
    if (!crossing->attached) {
        crossing_accept(crossing);
        return;
    }
    const unsigned result = zmtp__shore_work(crossing->shore);
    if (result & ZMTP__FERRY_RING) crossing_ring(crossing);
    if (result & ZMTP__FERRY_OVER) crossing_end(crossing);
}

void thread_dial(struct thread *thread)
{
    thread->dials = true;
    thread->dial_ms = thread->node->world->now_ms;
}

// The two sides of a new crossing, and its ferry. Null: no memory.
static struct crossing *thread_ferry(struct thread *thread, struct thread *far)
{
    struct zmtp__far_facts facts[2];
    struct crossing *const near = crossing_add(thread, far);
    struct crossing *const other = near ? crossing_add(far, thread) : NULL;
    if (!other) {
        if (near) crossing_remove(near);
        return NULL;
    }
    near->other = other;
    near->dialled = true;
    other->other = near;
    zmtp__far_facts_of(&thread->node->config, &facts[0]);
    zmtp__far_facts_of(&far->node->config, &facts[1]);
    struct zmtp__ferry_config config = {.docks = {&thread->dock, &far->dock},
                                        .owners = {near, other}};
    for (size_t i = 0; i < 2; i++) {
        const struct zmtp__far_limits limits = zmtp__far_limits_of(&facts[i], &facts[1 - i]);
        config.count_max[i] = limits.abroad_max;
    }
    struct zmtp__shore *shores[2];
    if (zmtp__ferry_open(&config, shores) < 0) {
        crossing_remove(near);
        crossing_remove(other);
        return NULL;
    }
    near->shore = shores[0];
    other->shore = shores[1];
    return near;
}

static void thread_redial(struct thread *thread)
{
    struct node *const node = thread->node;
    struct zmtp__far_facts facts;
    struct zmtp_pipe_end *end;
    thread->dial_ms = UINT64_MAX;
    if (!node->socket || !node->server->socket) return; // the name is bound no more
    zmtp__far_facts_of(&node->server->config, &facts);
    struct crossing *crossing = NULL;
    const int result = zmtp__far_join(node->socket, &facts, &end);
    if (result == ZMTP_OK) crossing = thread_ferry(thread, &node->server->thread);
    if (!crossing) {
        world_trace(node->world, "node %zu cannot cross: %s", node->index, zmtp_err_name(result));
        if (result == ZMTP_OK) {
            zmtp_socket_detach(node->socket, end->other);
            zmtp_pipe_close(end);
        }
        thread->dial_ms = node->world->now_ms + THREAD_RETRY_MS;
        return;
    }
    crossing_attach(crossing, end);
    if (zmtp__shore_hail(crossing->shore)) crossing_ring(crossing);
}

static void thread_look(struct thread *thread)
{
    struct world *const world = thread->node->world;
    const size_t works = world_chance(world, 2) ? SIZE_MAX : 1 + world_below(world, THREAD_WORKS);
    for (size_t i = 0; i < works; i++) {
        struct zmtp__shore *const shore = zmtp__dock_next(&thread->dock);
        if (!shore) return;
        crossing_look(zmtp__shore_owner(shore));
    }
}

bool thread_work(struct thread *thread)
{
    struct node *const node = thread->node;
    const uint64_t now_ms = node->world->now_ms;
    const bool due = now_ms >= thread->dial_ms || now_ms >= thread->hungry_ms;
    if (!thread->awake && !due) return false;
    if (now_ms >= thread->hungry_ms) {
        thread->hungry_ms = UINT64_MAX;
        zmtp__dock_feed(&thread->dock);
    }
    zmtp__dock_wake(&thread->dock);
    if (now_ms >= thread->dial_ms) thread_redial(thread);
    thread_look(thread);
    node_process(node);
    thread->awake = !zmtp__dock_sleep(&thread->dock);
    if (zmtp__dock_hungry(&thread->dock) && thread->hungry_ms == UINT64_MAX)
        thread->hungry_ms = now_ms + THREAD_RETRY_MS;
    return true;
}

uint64_t thread_next_ms(const struct thread *thread)
{
    return thread->dial_ms < thread->hungry_ms ? thread->dial_ms : thread->hungry_ms;
}

void thread_part(struct thread *thread)
{
    struct node *const node = thread->node;
    struct crossing *const crossing = thread->crossings[world_below(node->world, THREAD_CROSSINGS)];
    if (!crossing || !crossing->end || !node->socket) return;
    world_trace(node->world, "node %zu gives node %zu up", node->index, crossing->far->node->index);
    node->world->resets++;
    if (!crossing->other || crossing->other->parted) node->world->parted++;
    crossing->parted = true;
    zmtp_socket_detach(node->socket, crossing->end);
    thread->awake = node->app_due = true;
}

void thread_leave(struct thread *thread)
{
    thread->dials = false;
    thread->dial_ms = UINT64_MAX;
    for (size_t i = 0; i < THREAD_CROSSINGS; i++)
        if (thread->crossings[i] && thread->crossings[i]->attached)
            crossing_look(thread->crossings[i]);
    thread->awake = true;
}

bool thread_is_quiet(const struct thread *thread)
{
    if (thread->awake || thread_next_ms(thread) != UINT64_MAX) return false;
    size_t count = 0;
    for (size_t i = 0; i < THREAD_CROSSINGS; i++) {
        const struct crossing *crossing = thread->crossings[i];
        if (!crossing) continue;
        if (!crossing->end || !zmtp_pipe_link(crossing->end)->up) return false;
        count++;
    }
    return count == 1 || !thread->dials;
}

bool thread_is_over(const struct thread *thread)
{
    for (size_t i = 0; i < THREAD_CROSSINGS; i++)
        if (thread->crossings[i]) return false;
    return true;
}

const struct zmtp_pipe_end *thread_end(const struct thread *thread)
{
    for (size_t i = 0; i < THREAD_CROSSINGS; i++)
        if (thread->crossings[i] && thread->crossings[i]->end)
            return thread->crossings[i]->shore_end;
    return NULL;
}

void thread_trace(const struct thread *thread)
{
    struct world *const world = thread->node->world;
    world_trace(world, "node %zu %s, %s, %zu to be received, %zu to leave", thread->node->index,
                thread->awake ? "is awake" : "sleeps",
                zmtp__dock_busy(&thread->dock) ? "called" : "not called",
                (size_t)thread->node->queued_in, (size_t)thread->node->queued_out);
    for (size_t i = 0; i < THREAD_CROSSINGS; i++) {
        const struct crossing *crossing = thread->crossings[i];
        if (!crossing) continue;
        world_trace(world, "node %zu and node %zu: %s", thread->node->index,
                    crossing->far->node->index,
                    !crossing->attached                 ? "not joined yet"
                    : !crossing->end                    ? "let go of"
                    : zmtp_pipe_link(crossing->end)->up ? "joined"
                                                        : "not up");
    }
}

void thread_fini(struct thread *thread, bool last)
{
    struct zmtp__shore *shore;
    if (!thread->node) return;
    thread->node->world->closing = true;
    thread_leave(thread);
    while ((shore = zmtp__dock_next(&thread->dock)))
        crossing_look(zmtp__shore_owner(shore));
    if (last) zmtp__dock_fini(&thread->dock);
}
