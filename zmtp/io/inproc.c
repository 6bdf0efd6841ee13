#include "inproc.h"

#include <string.h>

#include "../msg/pipe.h"
#include "crossing.h"
#include "farewell.h"
#include "shared.h"

static struct zmtp__inproc_place *inproc_find(const struct zmtp_uv *uv, const char *endpoint)
{
    const struct zmtp__key *key = zmtp__trie_find(&uv->places, zmtp_bytes_text(endpoint));
    return key ? key->value : NULL;
}

// The one there is, or a new one; null: there is no memory.
static struct zmtp__inproc_place *inproc_place(struct zmtp_uv *uv, const char *endpoint)
{
    struct zmtp__inproc_place *place = inproc_find(uv, endpoint);
    struct zmtp__key *key;
    if (place) return place;
    place = zmtp_alloc(uv->allocator, sizeof *place);
    if (!place) return NULL;
    if (zmtp__trie_add(&uv->places, zmtp_bytes_text(endpoint), &key) < 0) {
        zmtp_free(uv->allocator, place, sizeof *place);
        return NULL;
    }
    *place = (struct zmtp__inproc_place){.key = key};
    key->value = place;
    return place;
}

// Frees it, unless somebody binds or dials it.
static void inproc_drop_place(struct zmtp_uv *uv, struct zmtp__inproc_place *place)
{
    if (place->name || place->links) return;
    zmtp__trie_remove(&uv->places, place->key);
    zmtp_free(uv->allocator, place, sizeof *place);
}

// Something is to be told or tried again, from the loop.
static void inproc_changed(struct zmtp_uv_socket *socket)
{
    socket->uv->inproc_news = true;
    zmtp__uv_socket_touch(socket);
}

static void inproc_link_changed(struct zmtp__inproc_link *link)
{
    inproc_changed(link->dialler);
    if (!link->announced || link->lost)
        zmtp__hook_in(&link->dialler->uv->link_news, &link->of_news, link);
}

static void inproc_set_error(struct zmtp__inproc_link *link, int error)
{
    link->error = error;
    if (error == ZMTP_ERR_IN_USE) link->dialler->uv->inproc_crowded = true;
}

// The link knows its pipe no more; the sockets let go of it each in its time.
static void inproc_forget_pipe(struct zmtp__inproc_link *link)
{
    for (size_t i = 0; i < 2; i++) {
        if (link->ends[i]) zmtp__pipe_follow(link->ends[i], NULL);
        link->ends[i] = NULL;
    }
}

// The two are parted, for a reason of the binder's.
static void inproc_part(struct zmtp__inproc_link *link, int error)
{
    inproc_forget_pipe(link);
    zmtp__farewell_say(link->farewell, error);
    link->farewell = NULL;
    link->binder = NULL;
    zmtp__hook_out(&link->of_binder);
    link->announced = true;
    link->lost = link->lost || link->up;
    link->up = false;
    inproc_link_changed(link);
}

// A PAIR at one of the link's sides has room for another now.
static void inproc_make_room(const struct zmtp__inproc_link *link)
{
    struct zmtp_uv *uv = link->dialler->uv;
    if (!uv->inproc_crowded) return;
    uv->inproc_crowded = false;
    for (struct zmtp__inproc_link *other = uv->links; other; other = other->next) {
        if (other->error != ZMTP_ERR_IN_USE) continue;
        if (other->dialler != link->dialler && other->place != link->place) {
            uv->inproc_crowded = true;
            continue;
        }
        other->error = ZMTP_OK;
        other->nobody = false;
        inproc_link_changed(other);
    }
}

static int inproc_join_near(struct zmtp__inproc_link *link, struct zmtp_uv_socket *binder)
{
    struct zmtp_uv *uv = binder->uv;
    struct zmtp_pipe_end *ends[2];
    struct zmtp__far_facts facts;
    struct zmtp__farewell *farewell;
    zmtp__far_facts_of(&link->dialler->config.socket, &facts);
    int error = zmtp__farewell_open(&farewell, binder, link->endpoint, &facts);
    if (error < 0) return error;
    error = zmtp_socket_join(link->dialler->core, binder->core, ends);
    if (error < 0) {
        zmtp__farewell_close(farewell);
        return error;
    }
    link->numbers[1] = farewell->number = ++uv->numbers; // a row of another socket's perhaps
    link->farewell = farewell;
    link->binder = binder;
    zmtp__hook_in(&binder->guests, &link->of_binder, link);
    zmtp__pipe_follow(ends[0], &link->ends[0]);
    zmtp__pipe_follow(ends[1], &link->ends[1]);
    zmtp__uv_socket_touch(binder);
    return ZMTP_OK;
}

static void inproc_join(struct zmtp_uv *uv, struct zmtp__inproc_link *link)
{
    if (link->binder || link->crossing || link->nobody) return;
    const struct zmtp__inproc_name *name = link->place->name;
    if (name && link->error < 0) return;
    const int error = name ? inproc_join_near(link, name->socket) : zmtp__crossing_dial(link);
    link->nobody = error == ZMTP_ERR_NOT_FOUND;
    if (link->nobody) return;
    if (error == ZMTP_ERR_MEMORY) {
        uv->inproc_news = true; // tried again when there may be more
        zmtp__engine_later(uv);
        return;
    }
    inproc_set_error(link, error);
    link->announced = link->crossing; // told when the binder has accepted
    inproc_link_changed(link);
}

void zmtp__inproc_crossed(struct zmtp__inproc_link *link)
{
    if (link->up || !zmtp__crossing_up(link->crossing)) return;
    link->announced = false;
    inproc_link_changed(link);
}

void zmtp__inproc_uncross(struct zmtp__inproc_link *link, int error)
{
    link->crossing = NULL;
    inproc_make_room(link);
    inproc_set_error(link, error);
    link->announced = error == ZMTP_OK || error == ZMTP_ERR_CANCELLED;
    link->lost = link->lost || link->up;
    link->up = false;
    inproc_link_changed(link);
}

// Another binder may please those whom the one that leaves the name did not.
static void inproc_forgive(const struct zmtp__inproc_place *place)
{
    for (struct zmtp__hook *hook = place->links; hook; hook = hook->next) {
        struct zmtp__inproc_link *link = hook->owner;
        if (link->binder) continue;
        link->error = ZMTP_OK;
        link->nobody = false;
    }
}

// Nobody finds it any more.
static void inproc_stop_name(struct zmtp__inproc_name *name)
{
    struct zmtp__inproc_place *const place = name->place;
    inproc_forgive(place);
    name->stopped = true;
    name->place = NULL;
    place->name = NULL;
    inproc_drop_place(name->socket->uv, place);
}

static void inproc_free_name(struct zmtp__inproc_name *name)
{
    if (!name->stopped) inproc_stop_name(name);
    zmtp__hook_out(&name->of_socket);
    zmtp__hook_out(&name->of_news);
    zmtp_free(name->socket->uv->allocator, name, sizeof *name);
}

// Binds what nobody in this engine has.
static int inproc_bind_place(struct zmtp_uv_socket *socket, struct zmtp__inproc_place *place,
                             const char *endpoint)
{
    struct zmtp_uv *uv = socket->uv;
    struct zmtp__inproc_name *name = zmtp_alloc(uv->allocator, sizeof *name);
    if (!name) return ZMTP_ERR_MEMORY;
    *name = (struct zmtp__inproc_name){.place = place, .socket = socket};
    strcpy(name->endpoint, endpoint); // the parser checked the size
    const int error = zmtp__shared_bind(socket, endpoint);
    if (error < 0) {
        zmtp_free(uv->allocator, name, sizeof *name);
        return error;
    }
    strcpy(socket->endpoint, endpoint);
    place->name = name;
    zmtp__hook_in(&socket->names, &name->of_socket, name);
    zmtp__hook_in(&uv->name_news, &name->of_news, name);
    // Each waiting dial looks for a name itself, so only those are called that mean this one.
    for (struct zmtp__hook *hook = place->links; hook; hook = hook->next) {
        struct zmtp__inproc_link *link = hook->owner;
        link->nobody = false;
        inproc_join(uv, link);
    }
    inproc_changed(socket);
    return ZMTP_OK;
}

int zmtp__inproc_bind(struct zmtp_uv_socket *socket, const char *endpoint)
{
    struct zmtp__inproc_place *place = inproc_place(socket->uv, endpoint);
    if (!place) return ZMTP_ERR_MEMORY;
    if (place->name)
        return zmtp__uv_socket_fail(socket, ZMTP_ERR_IN_USE, "%s is bound already in this engine",
                                    endpoint);
    const int error = inproc_bind_place(socket, place, endpoint);
    if (error < 0) inproc_drop_place(socket->uv, place);
    return error;
}

int zmtp__inproc_connect(struct zmtp_uv_socket *socket, const char *endpoint)
{
    struct zmtp_uv *uv = socket->uv;
    struct zmtp__inproc_link *link = zmtp_alloc(uv->allocator, sizeof *link);
    if (!link) return ZMTP_ERR_MEMORY;
    struct zmtp__inproc_place *place = inproc_place(uv, endpoint);
    if (!place) {
        zmtp_free(uv->allocator, link, sizeof *link);
        return ZMTP_ERR_MEMORY;
    }
    *link = (struct zmtp__inproc_link){
        .next = uv->links, .place = place, .dialler = socket, .announced = true};
    link->numbers[0] = ++uv->numbers;
    strcpy(link->endpoint, endpoint);
    if (link->next) link->next->before = link;
    uv->links = link;
    zmtp__hook_in(&place->links, &link->of_place, link);
    zmtp__hook_in(&socket->dials, &link->of_dialler, link);
    inproc_join(uv, link);
    return ZMTP_OK;
}

int zmtp__inproc_unbind(struct zmtp_uv_socket *socket, const char *endpoint)
{
    const struct zmtp__inproc_place *place = inproc_find(socket->uv, endpoint);
    struct zmtp__inproc_name *name = place ? place->name : NULL;
    if (!name || name->socket != socket) return ZMTP_ERR_NOT_FOUND;
    zmtp__shared_unbind(socket, endpoint);
    if (!name->announced) {
        inproc_free_name(name);
        return ZMTP_OK;
    }
    inproc_stop_name(name);
    zmtp__hook_in(&socket->uv->name_news, &name->of_news, name);
    inproc_changed(socket);
    return ZMTP_OK;
}

// Those from other engines whom |binder| had no room for may try again.
static void inproc_invite(struct zmtp_uv_socket *binder)
{
    binder->refused_far = false;
    if (binder->core) zmtp__shared_invite(binder);
}

static void inproc_free_link(struct zmtp__inproc_link *link)
{
    struct zmtp_uv *uv = link->dialler->uv;
    struct zmtp__hook *const hooks[] = {&link->of_place, &link->of_dialler, &link->of_binder,
                                        &link->of_news};
    if (link->before)
        link->before->next = link->next;
    else
        uv->links = link->next;
    if (link->next) link->next->before = link->before;
    for (size_t i = 0; i < sizeof hooks / sizeof hooks[0]; i++)
        zmtp__hook_out(hooks[i]);
    uv->partings++;
    if (link->binder) zmtp__uv_socket_touch(link->binder);
    if (link->crossing) link->crossing->link = NULL; // it ends when the socket lets go of the pipe
    if (link->binder && link->binder->refused_far) inproc_invite(link->binder);
    if (link->farewell) zmtp__farewell_say(link->farewell, ZMTP_ERR_EOF);
    inproc_forget_pipe(link);
    inproc_make_room(link);
    inproc_drop_place(uv, link->place);
    zmtp_free(uv->allocator, link, sizeof *link);
}

int zmtp__inproc_disconnect(struct zmtp_uv_socket *socket, const char *endpoint)
{
    const struct zmtp__inproc_place *place = inproc_find(socket->uv, endpoint);
    for (struct zmtp__hook *hook = place ? place->links : NULL; hook; hook = hook->next) {
        struct zmtp__inproc_link *link = hook->owner;
        if (link->dialler != socket) continue;
        struct zmtp__crossing *const crossing = link->crossing;
        struct zmtp_pipe_end *const end = crossing ? crossing->end : link->ends[0];
        if (end) zmtp_socket_detach(socket->core, end);
        inproc_free_link(link);
        if (crossing) zmtp__crossing_end(crossing);
        return ZMTP_OK;
    }
    return ZMTP_ERR_NOT_FOUND;
}

void zmtp__inproc_leave(struct zmtp_uv_socket *socket)
{
    while (socket->names) {
        struct zmtp__inproc_name *name = socket->names->owner;
        if (!name->stopped) zmtp__shared_unbind(socket, name->endpoint);
        inproc_free_name(name);
    }
    while (socket->dials)
        inproc_free_link(socket->dials->owner);
    while (socket->guests) {
        struct zmtp__inproc_link *link = socket->guests->owner;
        inproc_part(link, ZMTP_ERR_EOF);
        link->error = ZMTP_OK;
    }
    zmtp__farewell_leave(socket); // also those that were just said
}

// Who is at the other side.
struct inproc_other {
    enum zmtp_socket_type type;
    struct zmtp_bytes routing_id;
};

static struct inproc_other inproc_near(const struct zmtp_uv_socket *other)
{
    return (struct inproc_other){other->config.socket.type, other->config.socket.routing_id};
}

static struct inproc_other inproc_far(const struct zmtp__far_facts *facts)
{
    return (struct inproc_other){facts->type,
                                 zmtp_bytes_of(facts->routing_id, facts->routing_id_size)};
}

// |number| is that of a row, or 0.
static void inproc_tell(struct zmtp_uv_socket *socket, enum zmtp_event_kind kind,
                        const char *endpoint, uint64_t number, int error)
{
    const struct zmtp_event event = {.kind = kind,
                                     .peer = number,
                                     .endpoint = endpoint,
                                     .remote = "",
                                     .descriptor = -1,
                                     .error = error};
    zmtp__uv_socket_tell(socket, &event);
}

static void inproc_tell_done(struct zmtp_uv_socket *socket, const char *endpoint, uint64_t number,
                             struct inproc_other other)
{
    const struct zmtp_event event = {.kind = ZMTP_EVENT_HANDSHAKE_DONE,
                                     .peer = number,
                                     .endpoint = endpoint,
                                     .remote = endpoint,
                                     .descriptor = -1,
                                     .routing_id = other.routing_id,
                                     .peer_type = other.type};
    zmtp__uv_socket_tell(socket, &event);
}

// One of the two was told nothing yet: the dialler, if |crossing| is its.
static void inproc_tell_crossing(struct zmtp__crossing *crossing)
{
    // The callback may end the crossing.
    const struct zmtp__far_facts peer = *zmtp__crossing_peer(crossing);
    char endpoint[ZMTP_ENDPOINT_MAX];
    strcpy(endpoint, crossing->pact->endpoint);
    crossing->announced = true;
    if (crossing->farewell) crossing->farewell->due = true;
    const uint64_t number = crossing->link ? crossing->link->numbers[0] : crossing->number;
    inproc_tell_done(crossing->socket, endpoint, number, inproc_far(&peer));
}

// Tells one thing of what became of a link; what was lost comes first, also when another binder has
// come already. The callbacks may free it, but no socket: that takes its own turn.
static void inproc_tell_link(struct zmtp__inproc_link *link)
{
    struct zmtp_uv_socket *const dialler = link->dialler, *const binder = link->binder;
    const int error = link->error;
    const uint64_t numbers[2] = {link->numbers[0], link->numbers[1]};
    char endpoint[ZMTP_ENDPOINT_MAX];
    strcpy(endpoint, link->endpoint);
    if (link->lost) {
        link->lost = false;
        inproc_tell(dialler, ZMTP_EVENT_CLOSED, endpoint, numbers[0], ZMTP_ERR_EOF);
        return;
    }
    struct zmtp__crossing *const crossing = link->crossing;
    link->announced = true;
    link->up = binder || (crossing && zmtp__crossing_up(crossing));
    if (binder) {
        link->farewell->due = true;
        inproc_tell_done(dialler, endpoint, numbers[0], inproc_near(binder));
        inproc_tell_done(binder, endpoint, numbers[1], inproc_near(dialler));
    } else if (link->up) {
        inproc_tell_crossing(crossing);
    } else if (error < 0) {
        inproc_tell(dialler, ZMTP_EVENT_HANDSHAKE_FAILED, endpoint, numbers[0], error);
    }
}

static void inproc_tell_name(struct zmtp__inproc_name *name)
{
    struct zmtp_uv_socket *const socket = name->socket;
    const enum zmtp_event_kind kind = name->stopped ? ZMTP_EVENT_STOPPED : ZMTP_EVENT_LISTENING;
    char endpoint[ZMTP_ENDPOINT_MAX];
    strcpy(endpoint, name->endpoint);
    name->announced = true;
    zmtp__hook_out(&name->of_news);
    if (name->stopped) inproc_free_name(name);
    inproc_tell(socket, kind, endpoint, 0, ZMTP_OK);
}

// Tells one thing that was not told yet. False: there is none.
static bool inproc_tell_next(struct zmtp_uv *uv)
{
    if (zmtp__farewell_tell(uv)) return true;
    if (uv->name_news) {
        inproc_tell_name(uv->name_news->owner);
        return true;
    }
    while (uv->link_news) {
        struct zmtp__inproc_link *link = uv->link_news->owner;
        if (!link->announced || link->lost) {
            inproc_tell_link(link);
            return true;
        }
        zmtp__hook_out(&link->of_news);
    }
    for (struct zmtp__crossing *crossing = uv->crossings; crossing; crossing = crossing->next) {
        if (crossing->dialled || crossing->announced) continue;
        inproc_tell_crossing(crossing);
        return true;
    }
    return false;
}

// Finds those whom a socket has cut off.
static void inproc_look_for_cuts(struct zmtp_uv *uv)
{
    for (struct zmtp__inproc_link *link = uv->links; link; link = link->next) {
        if (!link->binder || (link->ends[0] && link->ends[1])) continue;
        zmtp__uv_socket_touch(link->binder);
        inproc_part(link, link->ends[1] ? ZMTP_ERR_EOF : ZMTP_ERR_CANCELLED);
        link->error = ZMTP_ERR_CANCELLED;
    }
}

// Other engines have bound names, or invite.
static void inproc_hear_of_names(struct zmtp_uv *uv)
{
    uv->inproc_news = true;
    for (struct zmtp__inproc_link *link = uv->links; link; link = link->next)
        link->nobody = false;
}

void zmtp__inproc_look(struct zmtp_uv *uv)
{
    inproc_look_for_cuts(uv);
    if (uv->harbour && zmtp__harbour_names(uv->harbour)) inproc_hear_of_names(uv);
    if (uv->inproc_news) {
        uv->inproc_news = false;
        for (struct zmtp__inproc_link *link = uv->links; link; link = link->next)
            inproc_join(uv, link);
        while (inproc_tell_next(uv)) {}
    }
    for (struct zmtp__inproc_link *link = uv->links; link; link = link->next) {
        if (!link->binder) continue;
        zmtp__uv_socket_touch_marked(link->dialler);
        zmtp__uv_socket_touch_marked(link->binder);
    }
}

size_t zmtp__inproc_joined(const struct zmtp_uv_socket *socket)
{
    size_t count = 0;
    for (const struct zmtp__hook *hook = socket->dials; hook; hook = hook->next)
        count += ((const struct zmtp__inproc_link *)hook->owner)->binder != NULL;
    for (const struct zmtp__hook *hook = socket->guests; hook; hook = hook->next)
        count += ((const struct zmtp__inproc_link *)hook->owner)->dialler != socket;
    for (const struct zmtp__crossing *at = socket->uv->crossings; at; at = at->next)
        if (at->socket == socket && zmtp__crossing_up(at)) count++;
    return count;
}

static void inproc_describe(struct zmtp_uv_peer *peer, struct inproc_other other)
{
    peer->state = ZMTP_PEER_TRAFFIC;
    peer->facts.type_known = true;
    peer->facts.type = other.type;
    peer->facts.routing_id = other.routing_id;
}

// A row of one that dials into another engine, and waits, or that another engine dials.
static void inproc_crossing_row(const struct zmtp__crossing *crossing, struct zmtp_uv_peer *peer)
{
    peer->connected = zmtp__crossing_up(crossing);
    if (peer->connected) {
        peer->remote = peer->endpoint;
        inproc_describe(peer, inproc_far(zmtp__crossing_peer(crossing)));
    }
    (void)zmtp_socket_flow(crossing->socket->core, crossing->end, &peer->flow); // while it has it
}

static struct zmtp_uv_peer inproc_link_row(const struct zmtp__inproc_link *link,
                                           const struct zmtp_uv_socket *socket)
{
    const bool dialled = link->dialler == socket;
    const struct zmtp_uv_socket *other = dialled ? link->binder : link->dialler;
    struct zmtp_uv_peer peer = {.number = link->numbers[dialled ? 0 : 1],
                                .endpoint = link->endpoint,
                                .remote = other ? link->endpoint : "",
                                .dialled = dialled,
                                .connected = other != NULL};
    peer.counters.round_trip_ms = UINT32_MAX;
    if (other) {
        inproc_describe(&peer, inproc_near(other));
        (void)zmtp_socket_flow(socket->core, link->ends[dialled ? 0 : 1], &peer.flow);
    }
    if (link->crossing) inproc_crossing_row(link->crossing, &peer);
    return peer;
}

// Both lists begin with what was made last, so whoever was at |number| when the rest changed goes on at
// the first that is older.
static struct zmtp__inproc_link *inproc_links_before(const struct zmtp_uv *uv, uint64_t number)
{
    struct zmtp__inproc_link *link = uv->links;
    while (link && link->numbers[0] >= number)
        link = link->next;
    return link;
}

static struct zmtp__crossing *inproc_crossings_before(const struct zmtp_uv *uv, uint64_t number)
{
    struct zmtp__crossing *crossing = uv->crossings;
    while (crossing && crossing->number >= number)
        crossing = crossing->next;
    return crossing;
}

void zmtp__inproc_each_peer(struct zmtp_uv_socket *socket,
                            void (*each)(void *context, const struct zmtp_uv_peer *peer),
                            void *context)
{
    const struct zmtp_uv *uv = socket->uv;
    // The callback may free any of them.
    for (const struct zmtp__inproc_link *link = uv->links; link;) {
        const uint64_t number = link->numbers[0], partings = uv->partings;
        if (link->dialler == socket || link->binder == socket) {
            const struct zmtp_uv_peer peer = inproc_link_row(link, socket);
            each(context, &peer);
        }
        link = uv->partings == partings ? link->next : inproc_links_before(uv, number);
    }
    for (const struct zmtp__crossing *at = uv->crossings; at;) {
        const uint64_t number = at->number, partings = uv->partings;
        if (!at->dialled && at->socket == socket) {
            struct zmtp_uv_peer peer = {
                .number = number, .endpoint = at->pact->endpoint, .remote = ""};
            peer.counters.round_trip_ms = UINT32_MAX;
            inproc_crossing_row(at, &peer);
            each(context, &peer);
        }
        at = uv->partings == partings ? at->next : inproc_crossings_before(uv, number);
    }
}
