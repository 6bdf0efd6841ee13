#include "crossing.h"

#include <string.h>

#include "farewell.h"
#include "shared.h"

static void pact_unref(struct zmtp__pact *pact)
{
    if (atomic_fetch_sub_explicit(&pact->refs, 1, memory_order_acq_rel) > 1) return;
    for (size_t i = 0; i < 2; i++)
        zmtp__harbour_unref(pact->harbours[i]);
    zmtp_free(zmtp_heap(), pact, sizeof *pact);
}

static struct zmtp__harbour *crossing_far(const struct zmtp__crossing *crossing)
{
    return crossing->pact->harbours[crossing->dialled ? 1 : 0];
}

bool zmtp__crossing_up(const struct zmtp__crossing *crossing)
{
    return crossing->end && zmtp_pipe_link(crossing->end)->up;
}

const struct zmtp__far_facts *zmtp__crossing_peer(const struct zmtp__crossing *crossing)
{
    return &crossing->pact->facts[crossing->dialled ? 1 : 0];
}

// It is over, and its shore has left. |own|: the socket closed its end.
static void crossing_free(struct zmtp__crossing *crossing, bool own)
{
    struct zmtp_uv_socket *socket = crossing->socket;
    struct zmtp_uv *uv = socket->uv;
    struct zmtp__crossing **at = &uv->crossings;
    while (*at != crossing)
        at = &(*at)->next;
    *at = crossing->next;
    uv->partings++;
    if (crossing->end) zmtp__pipe_follow(crossing->end, NULL);
    zmtp__shore_close(crossing->shore);
    if (crossing->link)
        zmtp__inproc_uncross(crossing->link, own ? ZMTP_ERR_CANCELLED : crossing->pact->error);
    if (crossing->farewell)
        zmtp__farewell_say(crossing->farewell, own ? ZMTP_ERR_CANCELLED : ZMTP_ERR_EOF);
    // A PAIR has room for another now.
    if (!crossing->dialled && socket->core && socket->refused_far) {
        socket->refused_far = false;
        zmtp__shared_invite(socket);
    }
    pact_unref(crossing->pact);
    zmtp_free(uv->allocator, crossing, sizeof *crossing);
}

static void crossing_look(struct zmtp_uv *uv, struct zmtp__shore *shore)
{
    struct zmtp__crossing *crossing = zmtp__shore_owner(shore);
    struct zmtp_uv_socket *socket = crossing->socket;
    // A binder that has cut its dialler off would only do so again.
    if (!crossing->dialled && !crossing->end && socket->core)
        crossing->pact->error = ZMTP_ERR_CANCELLED;
    const bool own = !crossing->end;
    const unsigned result = zmtp__shore_work(shore);
    struct zmtp__harbour *const far = crossing_far(crossing);
    if (result & ZMTP__FERRY_RING) zmtp__harbour_ring(far);
    uv->unshipped_max = zmtp__harbour_batch(uv->harbour, far);
    if (zmtp__dock_hungry(&uv->harbour->dock)) zmtp__engine_later(uv);
    if (socket->core) zmtp__uv_socket_touch_marked(socket);
    if (crossing->link) zmtp__inproc_crossed(crossing->link);
    if (result & ZMTP__FERRY_OVER) crossing_free(crossing, own);
}

// A crossing of |socket| at |shore|, whose pipe ends in |end|.
static void crossing_begin(struct zmtp__crossing *crossing, struct zmtp_uv_socket *socket,
                           struct zmtp__pact *pact, struct zmtp__shore *shore,
                           struct zmtp_pipe_end *end)
{
    struct zmtp_uv *uv = socket->uv;
    *crossing = (struct zmtp__crossing){.keeper = {crossing_look},
                                        .next = uv->crossings,
                                        .socket = socket,
                                        .pact = pact,
                                        .shore = shore,
                                        .number = ++uv->numbers};
    uv->crossings = crossing;
    zmtp__pipe_follow(end->other, &crossing->end);
    zmtp__shore_own(shore, crossing);
    zmtp__shore_attach(shore, end);
}

static struct zmtp_uv_socket *crossing_binder(const struct zmtp_uv *uv,
                                              const struct zmtp__pact *pact)
{
    struct zmtp_uv_socket *socket = uv->sockets;
    while (socket && (socket->number != pact->binder || !socket->core))
        socket = socket->next;
    return socket;
}

static void crossing_refuse(struct zmtp__pact *pact, struct zmtp__shore *shore,
                            struct zmtp_uv_socket *socket, int error)
{
    // A binder that has gone is no fault of the dialler, which waits for the next.
    if (socket) pact->error = error;
    if (socket && error == ZMTP_ERR_IN_USE) socket->refused_far = true;
    if (zmtp__shore_refuse(shore) & ZMTP__FERRY_RING) zmtp__harbour_ring(pact->harbours[0]);
    zmtp__shore_close(shore);
    pact_unref(pact);
}

static bool crossing_fits(const struct zmtp_uv_socket *socket, const struct zmtp__far_facts *other)
{
    return zmtp_socket_types_match(zmtp_socket_type(socket->core), other->type);
}

// The binder's side of a dial from elsewhere.
static int crossing_accept(struct zmtp_uv_socket *socket, struct zmtp__pact *pact,
                           struct zmtp__shore *shore)
{
    struct zmtp_uv *uv = socket->uv;
    if (!crossing_fits(socket, &pact->facts[0])) return ZMTP_ERR_SOCKET_TYPE;
    struct zmtp__crossing *crossing = zmtp_alloc(uv->allocator, sizeof *crossing);
    if (!crossing) return ZMTP_ERR_MEMORY;
    struct zmtp_pipe_end *end;
    struct zmtp__farewell *farewell;
    int error = zmtp__farewell_open(&farewell, socket, pact->endpoint, &pact->facts[0]);
    if (error == ZMTP_OK) error = zmtp__far_join(socket->core, &pact->facts[0], &end);
    if (error < 0) {
        zmtp__farewell_close(farewell);
        zmtp_free(uv->allocator, crossing, sizeof *crossing);
        return error;
    }
    crossing_begin(crossing, socket, pact, shore, end);
    crossing->farewell = farewell;
    farewell->number = crossing->number;
    uv->inproc_news = true; // it is to be told
    zmtp__uv_socket_touch(socket);
    return ZMTP_OK;
}

static void pact_look(struct zmtp_uv *uv, struct zmtp__shore *shore)
{
    struct zmtp__pact *pact = zmtp__shore_owner(shore);
    struct zmtp_uv_socket *socket = uv->closing ? NULL : crossing_binder(uv, pact);
    const int error = socket ? crossing_accept(socket, pact, shore) : ZMTP_ERR_NOT_FOUND;
    if (error == ZMTP_ERR_MEMORY) {
        zmtp__shore_put_off(shore);
        zmtp__engine_later(uv);
    } else if (error < 0) {
        crossing_refuse(pact, shore, socket, error);
    }
}

// The dialler's side; |name| stays bound meanwhile.
static int crossing_open(struct zmtp__crossing *crossing, struct zmtp__pact *pact,
                         struct zmtp__inproc_link *link, const struct zmtp__shared_name *name)
{
    struct zmtp_uv_socket *socket = link->dialler;
    if (!crossing_fits(socket, &name->facts)) return ZMTP_ERR_SOCKET_TYPE;
    *pact = (struct zmtp__pact){.keeper = {pact_look},
                                .harbours = {socket->uv->harbour, name->harbour},
                                .facts[1] = name->facts,
                                .binder = name->socket};
    atomic_init(&pact->refs, 2);
    strcpy(pact->endpoint, name->endpoint);
    zmtp__far_facts_of(zmtp_socket_config(socket->core), &pact->facts[0]);
    struct zmtp_pipe_end *end;
    int error = zmtp__far_join(socket->core, &name->facts, &end);
    if (error < 0) return error;
    struct zmtp__ferry_config config = {
        .docks = {&pact->harbours[0]->dock, &pact->harbours[1]->dock}, .owners = {crossing, pact}};
    for (size_t i = 0; i < 2; i++) {
        const struct zmtp__far_limits limits =
            zmtp__far_limits_of(&pact->facts[i], &pact->facts[1 - i]);
        config.count_max[i] = limits.abroad_max;
    }
    struct zmtp__shore *shores[2];
    error = zmtp__ferry_open(&config, shores);
    if (error < 0) {
        zmtp_socket_detach(socket->core, end->other);
        zmtp_pipe_close(end);
        return error;
    }
    zmtp__harbour_ref(pact->harbours[0]);
    zmtp__harbour_ref(pact->harbours[1]);
    crossing_begin(crossing, socket, pact, shores[0], end);
    crossing->dialled = true;
    crossing->link = link;
    link->crossing = crossing;
    if (zmtp__shore_hail(shores[0])) zmtp__harbour_ring(name->harbour);
    return ZMTP_OK;
}

static int crossing_dial(struct zmtp__crossing *crossing, struct zmtp__pact *pact,
                         struct zmtp__inproc_link *link)
{
    struct zmtp__harbour *harbour = link->dialler->uv->harbour;
    int error = ZMTP_ERR_NOT_FOUND;
    // Whoever finds the name also hails the binder's engine before that can take the name back, and
    // so before it looks at its dock for the last time.
    zmtp__shared_lock(harbour->shared);
    const struct zmtp__shared_name *name = zmtp__shared_find(harbour->shared, link->endpoint);
    const bool again = name && link->error < 0 && link->serial == name->serial;
    if (name && !again && name->harbour != harbour) {
        link->serial = name->serial;
        error = crossing_open(crossing, pact, link, name);
    }
    zmtp__shared_unlock(harbour->shared);
    return error;
}

int zmtp__crossing_dial(struct zmtp__inproc_link *link)
{
    struct zmtp_uv *uv = link->dialler->uv;
    if (!uv->harbour) return ZMTP_ERR_NOT_FOUND;
    struct zmtp__crossing *crossing = zmtp_alloc(uv->allocator, sizeof *crossing);
    struct zmtp__pact *pact = zmtp_alloc(zmtp_heap(), sizeof *pact);
    const int error = crossing && pact ? crossing_dial(crossing, pact, link) : ZMTP_ERR_MEMORY;
    if (error == ZMTP_OK) return error;
    zmtp_free(uv->allocator, crossing, sizeof *crossing);
    zmtp_free(zmtp_heap(), pact, sizeof *pact);
    return error;
}

void zmtp__crossing_end(struct zmtp__crossing *crossing)
{
    crossing->link = NULL;
    crossing_look(crossing->socket->uv, crossing->shore);
}

void zmtp__crossing_leave(struct zmtp_uv_socket *socket)
{
    struct zmtp__crossing *next;
    for (struct zmtp__crossing *crossing = socket->uv->crossings; crossing; crossing = next) {
        next = crossing->next;
        if (crossing->socket == socket) zmtp__crossing_end(crossing);
    }
}
