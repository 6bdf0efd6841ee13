#include "inproc.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "error.h"

enum {
    // As long as it takes to fill a batch of short messages (ferry.c), and some more.
    INPROC_LOOKOUT_NS = 10000,
    // At least it is tried once in eight times where messages come, but not so fast, and once in 256 times where none do.
    INPROC_LOOKOUT_SLOW = 3,
    INPROC_LOOKOUT_VAIN = 8,
};

// One socket's side of a line; |line| for the other one's.
struct zmq__line {
    struct zmq__line *next, *before; // of its socket, once it has taken part
    struct inproc_pact *pact;
    struct zmtp_pipe_end *end; // the shore's of the pipe; null: none, or no more
    // That nobody has bound yet; this and the next under the context's lock.
    struct zmq__name *awaited;
    struct zmq__line *awaiting_next, *awaiting_before;
    uint8_t index; // 0: who connected
    bool listed;
    bool joined; // what the other side has is known
};

// What both sides know. It goes with the second.
struct inproc_pact {
    atomic_uint sides;
    struct zmq__line lines[2];
    struct zmq__socket *
        sockets[2]; // a reference each, of the other's side; null: it has left the line to its name
    struct zmtp__far_facts facts[2];
    struct zmtp__shore *shores[2]; // until the side that has not met is hailed
    struct zmtp__dock dock;        // in place of that of a socket that has left
    char name[];
};

// One that is bound, or that lines wait for: their side has a pipe, and no shore yet. Under the context's lock.
struct zmq__name {
    struct zmtp__key *key;      // of the context's names; its value is this
    struct zmq__socket *socket; // null: nobody has it
    struct zmtp__far_facts facts;
    struct zmq__name *next, *before;          // of the socket
    struct zmq__line *first_line, *last_line; // that wait, first come first
};

static void inproc_facts(const struct zmq__socket *socket, struct zmtp__far_facts *out)
{
    zmtp__far_facts_of(zmtp_socket_config(socket->core), out);
}

static size_t inproc_pact_size(const char *name)
{
    return sizeof(struct inproc_pact) + strlen(name) + 1;
}

static void inproc_free_pact(struct inproc_pact *pact)
{
    zmtp__dock_fini(&pact->dock);
    zmtp_free(zmtp_heap(), pact, inproc_pact_size(pact->name));
}

static void inproc_release_side(struct inproc_pact *pact)
{
    if (atomic_fetch_sub_explicit(&pact->sides, 1, memory_order_acq_rel) > 1) return;
    inproc_free_pact(pact);
}

static struct inproc_pact *inproc_open_pact(const char *name)
{
    struct inproc_pact *pact = zmtp_alloc(zmtp_heap(), inproc_pact_size(name));
    if (!pact) return NULL;
    memset(pact, 0, sizeof *pact);
    atomic_init(&pact->sides, 2);
    zmtp__dock_init(&pact->dock);
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

static void inproc_unlist(struct zmq__socket *socket, struct zmq__line *line)
{
    if (!line->listed) return;
    if (line->before)
        line->before->next = line->next;
    else
        socket->lines = line->next;
    if (line->next) line->next->before = line->before;
    line->next = line->before = NULL;
    line->listed = false;
}

static void inproc_ring(struct zmq__socket *socket)
{
    if (socket) zmq__socket_ring(socket);
}

// A side is over.
static void inproc_end(struct zmq__socket *socket, struct zmq__line *line,
                       struct zmtp__shore *shore)
{
    struct inproc_pact *const pact = line->pact;
    struct zmq__socket *const other = pact->sockets[1 - line->index];
    inproc_unlist(socket, line);
    if (line->end) zmtp__pipe_follow(line->end, NULL);
    zmtp__shore_close(shore);
    inproc_release_side(pact);
    if (other) zmq__socket_unref(other); // whom this side may have rung
}

// libzmq joins any two types within the process, and programs pass messages from a PAIR to a DEALER, or from a PUSH to a
// ROUTER. What a type has no use for it drops, as it would of a peer that lies. The rules are for those from STREAM on, whose
// messages are not as all others'.
static bool inproc_fits(const struct zmq__socket *socket, enum zmtp_socket_type other)
{
    if (socket->type < ZMTP_STREAM && other < ZMTP_STREAM && !socket->strict) return true;
    return zmtp_socket_types_match(socket->type, other);
}

static int inproc_far_join(struct zmq__socket *socket, const struct inproc_pact *pact,
                           uint8_t index, struct zmtp_pipe_end **end)
{
    const struct zmtp__far_facts *const other = &pact->facts[1 - index];
    if (!inproc_fits(socket, other->type)) return ZMTP_ERR_SOCKET_TYPE;
    return zmtp__far_join(socket->core, other, end);
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
    if (socket->core) error = inproc_far_join(socket, pact, line->index, &end);
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
    if (zmtp__shore_refuse(shore) & ZMTP__FERRY_RING) inproc_ring(other);
    inproc_end(socket, line, shore);
    return false;
}

// All has been received of what came over |shore| as a stream. Who receives as fast as is sent would have each message
// cross by itself, or call for the few that were kept: ten times the work of one in a batch, and it costs the sender its
// favour (latch.h), so that it would stay so. So the next batch is waited for first, as long as it takes to fill one.
//
// Where that was in vain, as the sender is slow or has no processor of its own, it is tried the less often.
static void inproc_look_out(struct zmq__socket *socket, const struct zmtp__shore *shore)
{
    struct zmq__lookout *const lookout = &socket->lookout;
    if (socket->context->spin_ns == 0) return;
    if (lookout->rest > 0) {
        lookout->rest--;
        return;
    }
    const uint64_t begun_ns = uv_hrtime();
    uint64_t took_ns;
    bool found;
    do {
        found = zmtp__shore_has_come(shore);
        took_ns = uv_hrtime() - begun_ns;
    } while (!found && took_ns < INPROC_LOOKOUT_NS);
    // What came late came from a thread that had this one's processor meanwhile.
    const bool good = found && took_ns < 2 * INPROC_LOOKOUT_NS;
    const unsigned most = good                       ? 0
                          : zmtp__shore_lacks(shore) ? INPROC_LOOKOUT_SLOW
                                                     : INPROC_LOOKOUT_VAIN;
    if (lookout->vain < most)
        lookout->vain++;
    else if (lookout->vain > most)
        lookout->vain--;
    lookout->rest = (1u << lookout->vain) - 1;
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
        if (zmtp__shore_dries(shore)) inproc_look_out(socket, shore);
        const unsigned result = zmtp__shore_work(shore);
        if (result & ZMTP__FERRY_RING) inproc_ring(other);
        if (result & ZMTP__FERRY_KNOCK) zmq__socket_knock(other);
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
    const struct zmtp__key *key = zmtp__trie_find(&context->names, zmtp_bytes_text(text));
    return key ? key->value : NULL;
}

// The one there is, or a new one. Null: there is no memory.
static struct zmq__name *inproc_name(struct zmq__context *context, const char *text)
{
    struct zmq__name *name = inproc_find(context, text);
    if (name) return name;
    struct zmtp__key *key;
    name = zmtp_alloc(zmtp_heap(), sizeof *name);
    if (!name) return NULL;
    if (zmtp__trie_add(&context->names, zmtp_bytes_text(text), &key) < 0) {
        zmtp_free(zmtp_heap(), name, sizeof *name);
        return NULL;
    }
    *name = (struct zmq__name){.key = key};
    key->value = name;
    return name;
}

// Frees it, unless it is of use to somebody.
static void inproc_drop_name(struct zmq__context *context, struct zmq__name *name)
{
    if (name->socket || name->first_line) return;
    zmtp__trie_remove(&context->names, name->key);
    zmtp_free(zmtp_heap(), name, sizeof *name);
}

static void inproc_unbind_name(struct zmq__context *context, struct zmq__name *name)
{
    if (name->before)
        name->before->next = name->next;
    else
        name->socket->names = name->next;
    if (name->next) name->next->before = name->before;
    name->socket = NULL;
    name->next = name->before = NULL;
    inproc_drop_name(context, name);
}

static void inproc_await(struct zmq__line *line, struct zmq__name *name)
{
    line->awaited = name;
    line->awaiting_next = NULL;
    line->awaiting_before = name->last_line;
    if (name->last_line)
        name->last_line->awaiting_next = line;
    else
        name->first_line = line;
    name->last_line = line;
}

static void inproc_await_no_more(struct zmq__line *line)
{
    struct zmq__name *const name = line->awaited;
    if (line->awaiting_before)
        line->awaiting_before->awaiting_next = line->awaiting_next;
    else
        name->first_line = line->awaiting_next;
    if (line->awaiting_next)
        line->awaiting_next->awaiting_before = line->awaiting_before;
    else
        name->last_line = line->awaiting_before;
    line->awaited = NULL;
}

bool zmq__inproc_bound(struct zmq__context *context, const char *text)
{
    zmq__context_lock(context);
    const struct zmq__name *name = inproc_find(context, text);
    const bool bound = name && name->socket;
    zmq__context_unlock(context);
    return bound;
}

// Opens the ferry between the two sides, of which |index| is this thread's and has |end|; the other is to be hailed.
static int inproc_meet(struct inproc_pact *pact, uint8_t index, struct zmtp_pipe_end *end)
{
    struct zmq__socket *const from = pact->sockets[0], *const to = pact->sockets[1];
    struct zmtp__ferry_config config = {.docks = {from ? &from->dock : &pact->dock, &to->dock},
                                        .owners = {&pact->lines[0], &pact->lines[1]},
                                        .bides = true};
    for (size_t i = 0; i < 2; i++) {
        const struct zmtp__far_limits limits =
            zmtp__far_limits_of(&pact->facts[i], &pact->facts[1 - i]);
        config.count_max[i] = limits.abroad_max;
    }
    const int error = zmtp__ferry_open(&config, pact->shores);
    if (error < 0) return error;
    if (from) zmq__socket_ref(from);
    zmq__socket_ref(to);
    zmtp__shore_attach(pact->shores[index], end);
    inproc_list(pact->sockets[index], &pact->lines[index], end);
    pact->lines[index].joined = true;
    return ZMTP_OK;
}

// The side that has not met yet hears of it.
static void inproc_hail(struct inproc_pact *pact, uint8_t index)
{
    struct zmq__socket *const other = pact->sockets[1 - index];
    zmq__socket_bring_line(other);
    if (zmtp__shore_hail(pact->shores[index])) zmq__socket_ring(other);
}

// |socket| takes its side with a new pipe.
static int inproc_join(struct zmq__socket *socket, struct inproc_pact *pact, uint8_t index)
{
    struct zmtp_pipe_end *end;
    int error = inproc_far_join(socket, pact, index, &end);
    if (error < 0) return error;
    error = inproc_meet(pact, index, end);
    if (error < 0) {
        zmtp_socket_detach(socket->core, end->other);
        zmtp_pipe_close(end);
    }
    return error;
}

// What was left to the name goes to the side that has met.
static void inproc_hand_over(struct inproc_pact *pact)
{
    struct zmq__line *const line = &pact->lines[0];
    struct zmtp__shore *const shore = pact->shores[0];
    zmtp__shore_attach(shore, line->end);
    if (zmtp__shore_work(shore) & ZMTP__FERRY_RING) zmq__socket_ring(pact->sockets[1]);
    inproc_end(NULL, line, shore);
}

// Takes back what joined who binds: the other side has not heard of it.
static void inproc_part(struct inproc_pact *pact)
{
    struct zmq__socket *const socket = pact->sockets[1];
    struct zmq__line *const line = &pact->lines[1];
    zmtp_socket_detach(socket->core, line->end->other);
    // The other side's first, so that its dock is not called.
    (void)zmtp__shore_refuse(pact->shores[0]);
    zmtp__shore_close(pact->shores[0]);
    (void)zmtp__shore_work(pact->shores[1]);
    zmtp__shore_close(pact->shores[1]);
    inproc_unlist(socket, line);
    line->joined = false;
    if (pact->sockets[0]) zmq__socket_unref(pact->sockets[0]);
    zmq__socket_unref(socket);
}

// Joins those that wait for |socket|'s name. What does not go with it, or finds its place taken, waits on. False: there is
// no memory for all, so none is joined.
static bool inproc_join_all(struct zmq__socket *socket, struct zmq__name *name)
{
    struct zmq__line *line = name->first_line;
    int error = ZMTP_OK;
    for (; line && error != ZMTP_ERR_MEMORY; line = line->awaiting_next) {
        struct inproc_pact *const pact = line->pact;
        pact->sockets[1] = socket;
        pact->facts[1] = name->facts;
        error = inproc_join(socket, pact, 1);
    }
    if (error != ZMTP_ERR_MEMORY) return true;
    for (line = name->first_line; line; line = line->awaiting_next)
        if (line->pact->lines[1].joined) inproc_part(line->pact);
    return false;
}

// Those that have joined hear of it.
static void inproc_answer(struct zmq__socket *socket, struct zmq__name *name)
{
    struct zmq__line *next;
    // The core looks at its pipes in the order in which they are marked, and so what senders have sent is received in the
    // order in which they connected, if all of them have brought it by then.
    zmtp_socket_process(socket->core);
    for (struct zmq__line *line = name->first_line; line; line = next) {
        struct inproc_pact *const pact = line->pact;
        next = line->awaiting_next;
        if (!pact->lines[1].joined) continue;
        zmtp__pipe_mark(pact->lines[1].end->other);
        inproc_await_no_more(line);
        if (pact->sockets[0])
            inproc_hail(pact, 1);
        else
            inproc_hand_over(pact);
    }
}

static int inproc_bind_name(struct zmq__socket *socket, struct zmq__name *name)
{
    name->socket = socket;
    inproc_facts(socket, &name->facts);
    name->next = socket->names;
    if (name->next) name->next->before = name;
    socket->names = name;
    if (!inproc_join_all(socket, name)) {
        inproc_unbind_name(socket->context, name);
        return ENOMEM;
    }
    inproc_answer(socket, name);
    return 0;
}

int zmq__inproc_bind(struct zmq__socket *socket, const char *text)
{
    zmq__latch_prepare();
    atomic_store_explicit(&socket->near, true, memory_order_seq_cst);
    struct zmq__context *const context = socket->context;
    int error = 0;
    zmq__context_lock(context);
    struct zmq__name *name = inproc_name(context, text);
    if (!name)
        error = ENOMEM;
    else if (name->socket)
        error = EADDRINUSE;
    else
        error = inproc_bind_name(socket, name);
    zmq__context_unlock(context);
    zmq__socket_help(socket);
    return error;
}

// Nobody has the name yet: messages wait in a pipe that has no other side.
static int inproc_wait(struct zmq__socket *socket, struct inproc_pact *pact,
                       struct zmtp_bytes routing_id)
{
    struct zmq__line *const line = &pact->lines[0];
    struct zmtp_pipe_end *end;
    struct zmq__name *name = inproc_name(socket->context, pact->name);
    if (!name) return ZMTP_ERR_MEMORY;
    const int error = zmtp__far_await(socket->core, routing_id, &end);
    if (error < 0) {
        inproc_drop_name(socket->context, name);
        return error;
    }
    zmtp__shore_expect(end);
    inproc_list(socket, line, end);
    inproc_await(line, name);
    return ZMTP_OK;
}

int zmq__inproc_connect(struct zmq__socket *socket, const char *text, struct zmtp_bytes routing_id)
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
    if (name && name->socket) {
        pact->sockets[1] = name->socket;
        pact->facts[1] = name->facts;
        zmtp__far_name(&pact->facts[1], routing_id);
        error = inproc_join(socket, pact, 0);
        if (error == ZMTP_OK) inproc_hail(pact, 0);
    } else {
        error = inproc_wait(socket, pact, routing_id);
    }
    zmq__context_unlock(context);
    if (error == ZMTP_OK) return 0;
    inproc_free_pact(pact);
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
    for (const struct zmq__line *line = socket->lines; line; line = line->next) {
        if (!line->end) continue;
        if (line->joined) zmtp__shore_count(zmtp_pipe_owner(line->end));
        each(user, line->pact->name, line->end, line->index == 0);
    }
}

int zmq__inproc_unbind(struct zmq__socket *socket, const char *text)
{
    zmq__context_lock(socket->context);
    struct zmq__name *name = inproc_find(socket->context, text);
    const bool found = name && name->socket == socket;
    if (found) inproc_unbind_name(socket->context, name);
    zmq__context_unlock(socket->context);
    return found ? 0 : ENOENT;
}

void zmq__inproc_unbind_all(struct zmq__socket *socket)
{
    zmq__context_lock(socket->context);
    while (socket->names)
        inproc_unbind_name(socket->context, socket->names);
    zmq__context_unlock(socket->context);
}

// A line that waits for its name and is no socket's goes, with what waits in its pipe.
static void inproc_forget(struct zmq__context *context, struct zmq__line *line)
{
    struct zmq__name *const name = line->awaited;
    inproc_await_no_more(line);
    inproc_drop_name(context, name);
    zmtp_pipe_close(line->end);
    inproc_free_pact(line->pact);
}

// The core has let go of a line that was made by connecting. If that waits for its name still, what was sent over it is
// the name's from now on, for whoever binds it; with nothing, or nothing of use without the sender, the line goes. Else
// the other side has been told of it, or is about to be.
static void inproc_hang_up(struct zmq__socket *socket, struct zmq__line *line)
{
    struct zmq__context *const context = socket->context;
    zmq__context_lock(context);
    if (line->awaited) {
        inproc_unlist(socket, line);
        line->pact->sockets[0] = NULL;
        const bool left = zmtp__shore_leave_behind(line->end);
        if (!left || socket->asks) inproc_forget(context, line);
    }
    zmq__context_unlock(context);
}

void zmq__inproc_forget_all(struct zmq__context *context)
{
    struct zmtp__key *key;
    while ((key = zmtp__trie_next(&context->names, NULL))) {
        const struct zmq__name *const name = key->value;
        inproc_forget(context, name->first_line);
    }
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
        inproc_hang_up(socket, line);
    }
    zmq__inproc_work(socket);
    return error;
}

void zmq__inproc_leave(struct zmq__socket *socket)
{
    struct zmq__line *next;
    for (struct zmq__line *line = socket->lines; line; line = next) {
        next = line->next;
        if (line->index == 0) inproc_hang_up(socket, line);
    }
    socket->lines_left = UINT_MAX; // nobody finds it any more
    zmq__inproc_work(socket);
}
