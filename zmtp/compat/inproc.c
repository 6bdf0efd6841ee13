#include "inproc.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "error.h"

// One socket's side of a line; |line| for the other one's.
struct zmq__line {
    struct zmq__line *next, *before; // of its socket, once it has taken part
    struct inproc_pact *pact;
    struct zmtp_pipe_end *end; // the shore's of the pipe; null: none, or no more
    uint8_t index;             // 0: who connected
    bool listed;
    bool joined; // what the other side has is known
};

// What both sides know. It goes with the second.
struct inproc_pact {
    atomic_uint sides;
    struct zmq__line lines[2];
    struct zmq__socket *sockets[2]; // a reference each, of the other's side
    struct zmtp__far_facts facts[2];
    char name[];
};

// Under the context's lock.
struct zmq__name {
    struct zmq__name *next;
    struct zmq__socket *socket;
    struct zmtp__far_facts facts;
    char text[];
};

// One that waits for a name; under the context's lock. Its side has a pipe, and no shore yet.
struct zmq__call {
    struct zmq__call *next;
    struct inproc_pact *pact;
};

static void inproc_facts(const struct zmq__socket *socket, struct zmtp__far_facts *out)
{
    zmtp__far_facts_of(zmtp_socket_config(socket->core), out);
}

static size_t inproc_pact_size(const char *name)
{
    return sizeof(struct inproc_pact) + strlen(name) + 1;
}

static void inproc_release_side(struct inproc_pact *pact)
{
    if (atomic_fetch_sub_explicit(&pact->sides, 1, memory_order_acq_rel) > 1) return;
    zmtp_free(zmtp_heap(), pact, inproc_pact_size(pact->name));
}

static struct inproc_pact *inproc_open_pact(const char *name)
{
    struct inproc_pact *pact = zmtp_alloc(zmtp_heap(), inproc_pact_size(name));
    if (!pact) return NULL;
    memset(pact, 0, sizeof *pact);
    atomic_init(&pact->sides, 2);
    for (uint8_t i = 0; i < 2; i++) {
        pact->lines[i].pact = pact;
        pact->lines[i].index = i;
    }
    strcpy(pact->name, name);
    return pact;
}

static void inproc_list(struct zmq__socket *socket, struct zmq__line *line,
                        struct zmtp_pipe_end *end)
{
    zmtp__pipe_follow(end, &line->end);
    line->listed = true;
    line->next = socket->lines;
    if (line->next) line->next->before = line;
    socket->lines = line;
}

// A side is over.
static void inproc_end(struct zmq__socket *socket, struct zmq__line *line,
                       struct zmtp__shore *shore)
{
    struct inproc_pact *const pact = line->pact;
    struct zmq__socket *const other = pact->sockets[1 - line->index];
    if (line->listed) {
        if (line->before)
            line->before->next = line->next;
        else
            socket->lines = line->next;
        if (line->next) line->next->before = line->before;
    }
    if (line->end) zmtp__pipe_follow(line->end, NULL);
    zmtp__shore_close(shore);
    inproc_release_side(pact);
    zmq__socket_unref(other); // whom this side may have rung
}

// The side that was hailed gets a pipe of its core's. False: it has none, for now or for ever.
static bool inproc_accept(struct zmq__socket *socket, struct zmtp__shore *shore)
{
    struct zmq__line *const line = zmtp__shore_owner(shore);
    struct inproc_pact *const pact = line->pact;
    struct zmq__socket *const other = pact->sockets[1 - line->index];
    struct zmtp_pipe_end *end = line->end;
    int error = ZMTP_ERR_STATE;
    socket->lines_left--;
    atomic_fetch_sub_explicit(&socket->unanswered, 1, memory_order_relaxed);
    if (end) { // it has connected before, and may have closed since
        struct zmtp__far_facts own = pact->facts[line->index];
        if (socket->core) inproc_facts(socket, &own);
        zmtp__far_settle(end, &own, &pact->facts[1 - line->index]);
        zmtp__shore_attach(shore, end);
        line->joined = true;
        return true;
    }
    if (socket->core) error = zmtp__far_join(socket->core, &pact->facts[1 - line->index], &end);
    if (error == ZMTP_OK) {
        zmtp__shore_attach(shore, end);
        inproc_list(socket, line, end);
        line->joined = true;
        return true;
    }
    if (error == ZMTP_ERR_MEMORY) {
        atomic_fetch_add_explicit(&socket->unanswered, 1, memory_order_relaxed);
        zmtp__shore_put_off(shore);
        return false;
    }
    if (zmtp__shore_refuse(shore) & ZMTP__FERRY_RING) zmq__socket_ring(other);
    inproc_end(socket, line, shore);
    return false;
}

void zmq__inproc_work(struct zmq__socket *socket)
{
    struct zmtp__shore *shore;
    zmtp__dock_feed(&socket->dock);
    // What this socket itself has done to its lines is never put off.
    while ((socket->lines_left > 0 || socket->dock.marks.first) &&
           (shore = zmtp__dock_next(&socket->dock))) {
        if (!zmtp__shore_attached(shore) && !inproc_accept(socket, shore)) continue;
        struct zmq__line *const line = zmtp__shore_owner(shore);
        struct zmq__socket *const other = line->pact->sockets[1 - line->index];
        const unsigned result = zmtp__shore_work(shore);
        if (result & ZMTP__FERRY_RING) zmq__socket_ring(other);
        if (result & ZMTP__FERRY_OVER) inproc_end(socket, line, shore);
    }
}

void zmq__inproc_alter(struct zmq__socket *socket)
{
    struct zmtp__far_facts own;
    inproc_facts(socket, &own);
    for (struct zmq__line *line = socket->lines; line; line = line->next) {
        if (!line->end) continue;
        if (line->joined)
            zmtp__far_settle(line->end, &own, &line->pact->facts[1 - line->index]);
        else
            zmtp__far_settle_own(line->end, &own);
    }
}

static struct zmq__name *inproc_find(const struct zmq__context *context, const char *text)
{
    struct zmq__name *name = context->names;
    while (name && strcmp(name->text, text) != 0)
        name = name->next;
    return name;
}

bool zmq__inproc_bound(struct zmq__context *context, const char *text)
{
    zmq__context_lock(context);
    const bool bound = inproc_find(context, text);
    zmq__context_unlock(context);
    return bound;
}

// Opens the ferry between the two sides, of which |index| is this thread's and has |end|; the other is hailed.
static int inproc_meet(struct inproc_pact *pact, uint8_t index, struct zmtp_pipe_end *end)
{
    struct zmtp__ferry_config config = {.docks = {&pact->sockets[0]->dock, &pact->sockets[1]->dock},
                                        .owners = {&pact->lines[0], &pact->lines[1]},
                                        .bides = true};
    struct zmtp__shore *shores[2];
    for (size_t i = 0; i < 2; i++) {
        const struct zmtp__far_limits limits =
            zmtp__far_limits_of(&pact->facts[i], &pact->facts[1 - i]);
        config.count_max[i] = limits.abroad_max;
    }
    const int error = zmtp__ferry_open(&config, shores);
    if (error < 0) return error;
    zmq__socket_ref(pact->sockets[0]);
    zmq__socket_ref(pact->sockets[1]);
    zmtp__shore_attach(shores[index], end);
    if (!pact->lines[index].listed) inproc_list(pact->sockets[index], &pact->lines[index], end);
    pact->lines[index].joined = true;
    zmq__socket_bring_line(pact->sockets[1 - index]);
    if (zmtp__shore_hail(shores[index])) zmq__socket_ring(pact->sockets[1 - index]);
    return ZMTP_OK;
}

// |socket| takes its side with a new pipe.
static int inproc_join(struct zmq__socket *socket, struct inproc_pact *pact, uint8_t index)
{
    struct zmtp_pipe_end *end;
    int error = zmtp__far_join(socket->core, &pact->facts[1 - index], &end);
    if (error < 0) return error;
    error = inproc_meet(pact, index, end);
    if (error < 0) {
        zmtp_socket_detach(socket->core, end->other);
        zmtp_pipe_close(end);
    }
    return error;
}

// Those that waited for |socket|'s name. What cannot be joined now waits on.
static void inproc_answer(struct zmq__socket *socket, const char *text)
{
    for (struct zmq__call **at = &socket->context->calls; *at;) {
        struct zmq__call *const call = *at;
        struct inproc_pact *const pact = call->pact;
        pact->sockets[1] = socket;
        inproc_facts(socket, &pact->facts[1]);
        if (strcmp(pact->name, text) != 0 || inproc_join(socket, pact, 1) < 0) {
            at = &call->next;
            continue;
        }
        *at = call->next;
        zmtp_free(zmtp_heap(), call, sizeof *call);
    }
}

int zmq__inproc_bind(struct zmq__socket *socket, const char *text)
{
    zmq__latch_prepare();
    atomic_store_explicit(&socket->near, true, memory_order_seq_cst);
    struct zmq__context *const context = socket->context;
    const size_t size = strlen(text) + 1;
    struct zmq__name *name = zmtp_alloc(zmtp_heap(), sizeof *name + size);
    if (!name) return ENOMEM;
    *name = (struct zmq__name){.socket = socket};
    inproc_facts(socket, &name->facts);
    memcpy(name->text, text, size);
    zmq__context_lock(context);
    const bool taken = inproc_find(context, text);
    if (!taken) {
        name->next = context->names;
        context->names = name;
        inproc_answer(socket, text);
    }
    zmq__context_unlock(context);
    if (taken) zmtp_free(zmtp_heap(), name, sizeof *name + size);
    return taken ? EADDRINUSE : 0;
}

// Nobody has the name yet: messages wait in a pipe that has no other side.
static int inproc_wait(struct zmq__socket *socket, struct inproc_pact *pact)
{
    struct zmq__line *const line = &pact->lines[0];
    struct zmtp_pipe_end *end;
    struct zmq__call *call = zmtp_alloc(zmtp_heap(), sizeof *call);
    if (!call) return ZMTP_ERR_MEMORY;
    const int error = zmtp__far_await(socket->core, &end);
    if (error < 0) {
        zmtp_free(zmtp_heap(), call, sizeof *call);
        return error;
    }
    zmtp__shore_expect(end);
    inproc_list(socket, line, end);
    *call = (struct zmq__call){.next = socket->context->calls, .pact = pact};
    socket->context->calls = call;
    return ZMTP_OK;
}

int zmq__inproc_connect(struct zmq__socket *socket, const char *text)
{
    zmq__latch_prepare();
    atomic_store_explicit(&socket->near, true, memory_order_seq_cst);
    struct zmq__context *const context = socket->context;
    struct inproc_pact *pact = inproc_open_pact(text);
    if (!pact) return ENOMEM;
    pact->sockets[0] = socket;
    inproc_facts(socket, &pact->facts[0]);
    // Whoever finds the name hails its socket before that can take the name back, and so before it looks
    // at its dock for the last time.
    zmq__context_lock(context);
    const struct zmq__name *name = inproc_find(context, text);
    int error;
    if (name) {
        pact->sockets[1] = name->socket;
        pact->facts[1] = name->facts;
        error = inproc_join(socket, pact, 0);
    } else {
        error = inproc_wait(socket, pact);
    }
    zmq__context_unlock(context);
    if (error == ZMTP_OK) return 0;
    zmtp_free(zmtp_heap(), pact, inproc_pact_size(text));
    // libzmq joins them, and nothing comes of that.
    return error == ZMTP_ERR_SOCKET_TYPE ? EINVAL : zmq__errno_of(error);
}

const struct zmtp_pipe_end *zmq__inproc_dialled(const struct zmq__socket *socket, const char *text)
{
    const struct zmq__line *line = socket->lines;
    while (line && (line->index != 0 || strcmp(line->pact->name, text) != 0))
        line = line->next;
    return line ? line->end : NULL;
}

void zmq__inproc_each(const struct zmq__socket *socket,
                      void (*each)(void *user, const char *name, const struct zmtp_pipe_end *end,
                                   bool dialled),
                      void *user)
{
    for (const struct zmq__line *line = socket->lines; line; line = line->next)
        if (line->end) each(user, line->pact->name, line->end, line->index == 0);
}

int zmq__inproc_unbind(struct zmq__socket *socket, const char *text)
{
    struct zmq__context *const context = socket->context;
    struct zmq__name *found = NULL;
    zmq__context_lock(context);
    for (struct zmq__name **at = &context->names; *at && !found;) {
        if ((*at)->socket == socket && strcmp((*at)->text, text) == 0) {
            found = *at;
            *at = found->next;
        } else {
            at = &(*at)->next;
        }
    }
    zmq__context_unlock(context);
    if (!found) return ENOENT;
    zmtp_free(zmtp_heap(), found, sizeof *found + strlen(text) + 1);
    return 0;
}

void zmq__inproc_unbind_all(struct zmq__socket *socket)
{
    struct zmq__context *const context = socket->context;
    zmq__context_lock(context);
    for (struct zmq__name **at = &context->names; *at;) {
        struct zmq__name *const name = *at;
        if (name->socket != socket) {
            at = &name->next;
            continue;
        }
        *at = name->next;
        zmtp_free(zmtp_heap(), name, sizeof *name + strlen(name->text) + 1);
    }
    zmq__context_unlock(context);
}

// True: the line waited for its name, and does so no more: nobody else knows of it.
static bool inproc_hang_up(struct zmq__socket *socket, const struct zmq__line *line)
{
    struct zmq__context *const context = socket->context;
    struct zmq__call *found = NULL;
    zmq__context_lock(context);
    for (struct zmq__call **at = &context->calls; *at && !found;) {
        if ((*at)->pact == line->pact) {
            found = *at;
            *at = found->next;
        } else {
            at = &(*at)->next;
        }
    }
    zmq__context_unlock(context);
    zmtp_free(zmtp_heap(), found, sizeof *found);
    return found;
}

// A line that waited in vain goes, with what waits in its pipe.
static void inproc_forget(struct zmq__socket *socket, struct zmq__line *line)
{
    if (line->before)
        line->before->next = line->next;
    else
        socket->lines = line->next;
    if (line->next) line->next->before = line->before;
    zmtp_pipe_close(line->end);
    zmtp_free(zmtp_heap(), line->pact, inproc_pact_size(line->pact->name));
}

int zmq__inproc_disconnect(struct zmq__socket *socket, const char *text)
{
    int error = ENOENT;
    struct zmq__line *next;
    zmq__inproc_work(socket);
    for (struct zmq__line *line = socket->lines; line; line = next) {
        next = line->next;
        if (line->index != 0 || !line->end || strcmp(line->pact->name, text) != 0) continue;
        error = 0;
        zmtp_socket_detach(socket->core, line->end->other);
        if (inproc_hang_up(socket, line)) inproc_forget(socket, line);
    }
    zmq__inproc_work(socket);
    return error;
}

void zmq__inproc_leave(struct zmq__socket *socket)
{
    struct zmq__line *next;
    for (struct zmq__line *line = socket->lines; line; line = next) {
        next = line->next;
        if (line->index == 0 && inproc_hang_up(socket, line)) inproc_forget(socket, line);
    }
    socket->lines_left = UINT_MAX; // nobody finds it any more
    zmq__inproc_work(socket);
}
