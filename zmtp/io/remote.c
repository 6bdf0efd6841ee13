#include "remote.h"

#include <string.h>

// A connection, or a dialled endpoint, as both sides know it. On the heap; it goes with the second.
struct remote_line {
    struct zmtp__keeper keeper; // of the loop's shore
    struct zmtp__remote *remote;
    atomic_uint sides;
    // The core's thread's: others that it has, and the shore's end of the pipe; null: none, or no more.
    struct remote_line *next, *before;
    struct zmtp_pipe_end *end;
    uint64_t number; // of the engine's socket
    bool dialled;
    size_t routing_id_size;
    uint8_t routing_id[];
};

static void remote_free_line(struct remote_line *line)
{
    zmtp_free(zmtp_heap(), line, sizeof *line + line->routing_id_size);
}

// One side has left.
static void remote_release(struct remote_line *line, struct zmtp__shore *shore)
{
    struct zmtp__remote *remote = line->remote;
    zmtp__shore_close(shore);
    if (atomic_fetch_sub_explicit(&line->sides, 1, memory_order_acq_rel) == 1)
        remote_free_line(line);
    // The last use of |remote|, for its owner may be waiting for this.
    atomic_fetch_sub_explicit(&remote->shores, 1, memory_order_acq_rel);
}

void zmtp__remote_init(struct zmtp__remote *remote, struct zmtp_socket *core, struct zmtp_uv *uv,
                       void (*ring)(struct zmtp__remote *remote))
{
    *remote = (struct zmtp__remote){.core = core, .ring = ring, .harbour = uv->harbour};
    zmtp__harbour_ref(remote->harbour);
    zmtp__dock_init(&remote->dock);
    atomic_init(&remote->shores, 0);
}

bool zmtp__remote_over(const struct zmtp__remote *remote)
{
    return atomic_load_explicit(&remote->shores, memory_order_acquire) == 0;
}

void zmtp__remote_fini(struct zmtp__remote *remote)
{
    zmtp__dock_fini(&remote->dock);
    zmtp__harbour_unref(remote->harbour);
}

// The loop's side has news.
static void remote_look(struct zmtp_uv *uv, struct zmtp__shore *shore)
{
    struct remote_line *line = zmtp__shore_owner(shore);
    const unsigned result = zmtp__shore_work(shore);
    if (result & ZMTP__FERRY_RING) line->remote->ring(line->remote);
    if (zmtp__dock_hungry(&uv->harbour->dock)) zmtp__engine_later(uv);
    if (result & ZMTP__FERRY_OVER) remote_release(line, shore);
}

// The limits of what the core sends, and of what it receives.
struct remote_limits {
    struct zmtp__far_limits out, in;
};

static int remote_open_pipe(const struct zmtp__remote *remote, const struct remote_limits *limits,
                            struct zmtp_pipe_end *ends[2])
{
    const struct zmtp_pipe_config pipe = {
        .allocator = zmtp_heap(),
        .pool = zmtp__far_pool(remote->harbour->uv->pool),
        .count_max = {limits->out.abroad_max, limits->in.count_max},
        .bytes_max = {0, limits->in.bytes_max},
    };
    return zmtp_pipe_open(&pipe, ends);
}

static int remote_open_ferry(struct zmtp__remote *remote, const struct remote_limits *limits,
                             struct remote_line *line, struct zmtp__shore *shores[2])
{
    const struct zmtp__ferry_config config = {
        .docks = {&remote->harbour->dock, &remote->dock},
        .owners = {line, line},
        .count_max = {limits->in.abroad_max, limits->out.abroad_max},
    };
    return zmtp__ferry_open(&config, shores);
}

static struct remote_line *remote_open_line(struct zmtp__remote *remote,
                                            const struct zmtp__remote_visit *visit)
{
    const struct zmtp_bytes routing_id = visit->routing_id;
    struct remote_line *line = zmtp_alloc(zmtp_heap(), sizeof *line + routing_id.size);
    if (!line) return NULL;
    *line = (struct remote_line){.keeper = {remote_look},
                                 .remote = remote,
                                 .number = visit->number,
                                 .dialled = visit->dialled,
                                 .routing_id_size = routing_id.size};
    atomic_init(&line->sides, 2);
    if (routing_id.size > 0) memcpy(line->routing_id, routing_id.data, routing_id.size);
    return line;
}

int zmtp__remote_attach(struct zmtp__remote *remote, const struct zmtp_socket_config *config,
                        const struct zmtp__remote_visit *visit, struct zmtp_pipe_end **end)
{
    struct zmtp__far_facts facts;
    zmtp__far_facts_of(config, &facts);
    const struct remote_limits limits = {zmtp__far_sending(&facts), zmtp__far_receiving(&facts)};
    struct zmtp_pipe_end *ends[2] = {NULL, NULL};
    struct zmtp__shore *shores[2];
    *end = NULL;
    struct remote_line *line = remote_open_line(remote, visit);
    if (!line) return ZMTP_ERR_MEMORY;
    int error = remote_open_pipe(remote, &limits, ends);
    if (error == ZMTP_OK) error = remote_open_ferry(remote, &limits, line, shores);
    if (error < 0) {
        zmtp_pipe_close(ends[0]);
        zmtp_pipe_close(ends[1]);
        remote_free_line(line);
        return error;
    }
    atomic_fetch_add_explicit(&remote->shores, 2, memory_order_relaxed);
    zmtp__shore_attach(shores[0], ends[0]);
    if (zmtp__shore_hail(shores[0])) remote->ring(remote);
    *end = ends[1];
    return ZMTP_OK;
}

static void remote_add(struct remote_line *line, struct zmtp_pipe_end *end)
{
    struct zmtp__remote *remote = line->remote;
    zmtp__pipe_follow(end, &line->end);
    line->next = remote->lines;
    if (line->next) line->next->before = line;
    remote->lines = line;
}

static void remote_remove(struct remote_line *line)
{
    if (line->before)
        line->before->next = line->next;
    else
        line->remote->lines = line->next;
    if (line->next) line->next->before = line->before;
    if (line->end) zmtp__pipe_follow(line->end, NULL);
}

// Gives a new shore a pipe of the core's. False: it has none, for now or for ever.
static bool remote_accept(struct zmtp__remote *remote, struct zmtp__shore *shore)
{
    struct remote_line *line = zmtp__shore_owner(shore);
    const struct zmtp_bytes routing_id = zmtp_bytes_of(line->routing_id, line->routing_id_size);
    struct zmtp_pipe_end *end;
    int error = ZMTP_ERR_STATE;
    if (remote->core) error = zmtp__far_attach(remote->core, line->dialled, routing_id, &end);
    if (error == ZMTP_OK) {
        zmtp__shore_attach(shore, end);
        remote_add(line, end);
        return true;
    }
    if (error == ZMTP_ERR_MEMORY) {
        zmtp__shore_put_off(shore);
        return false;
    }
    if (zmtp__shore_refuse(shore) & ZMTP__FERRY_RING) zmtp__harbour_ring(remote->harbour);
    remote_release(line, shore);
    return false;
}

void zmtp__remote_work(struct zmtp__remote *remote)
{
    struct zmtp__shore *shore;
    zmtp__dock_feed(&remote->dock);
    zmtp__dock_wake(&remote->dock);
    while ((shore = zmtp__dock_next(&remote->dock))) {
        if (!zmtp__shore_attached(shore) && !remote_accept(remote, shore)) continue;
        struct remote_line *line = zmtp__shore_owner(shore);
        const unsigned result = zmtp__shore_work(shore);
        if (result & ZMTP__FERRY_RING) zmtp__harbour_ring(remote->harbour);
        if (!(result & ZMTP__FERRY_OVER)) continue;
        remote_remove(line);
        remote_release(line, shore);
    }
}

void zmtp__remote_alter(struct zmtp__remote *remote)
{
    struct zmtp__far_facts facts;
    zmtp__far_facts_of(zmtp_socket_config(remote->core), &facts);
    for (struct remote_line *line = remote->lines; line; line = line->next)
        if (line->end) zmtp__far_settle_sending(line->end, &facts);
}

void zmtp__remote_part(struct zmtp__remote *remote, uint64_t number)
{
    zmtp__remote_work(remote); // one that has just come is to go as well
    for (struct remote_line *line = remote->lines; line; line = line->next)
        if (line->number == number && line->end && remote->core)
            zmtp_socket_detach(remote->core, line->end->other);
    zmtp__remote_work(remote);
}

const struct zmtp_pipe_end *zmtp__remote_dialled(const struct zmtp__remote *remote, uint64_t number)
{
    const struct remote_line *line = remote->lines;
    while (line && (line->number != number || !line->dialled))
        line = line->next;
    return line ? line->end : NULL;
}

void zmtp__remote_each(const struct zmtp__remote *remote,
                       void (*each)(void *user, uint64_t number, const struct zmtp_pipe_end *end),
                       void *user)
{
    for (const struct remote_line *line = remote->lines; line; line = line->next)
        if (line->end) each(user, line->number, line->end);
}

bool zmtp__remote_sleep(struct zmtp__remote *remote)
{
    return !zmtp__dock_hungry(&remote->dock) && zmtp__dock_sleep(&remote->dock);
}

void zmtp__remote_close(struct zmtp__remote *remote)
{
    zmtp_socket_close(remote->core);
    remote->core = NULL;
    zmtp__remote_work(remote); // leaving and refusing need no memory
    (void)zmtp__dock_sleep(&remote->dock);
}
