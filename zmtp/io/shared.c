#include "shared.h"

#include <string.h>

#include "inproc.h"

struct zmtp_uv_shared {
    unsigned generation; // of the process that opened it
    uv_mutex_t mutex;    // for all that follows
    size_t holders;      // the user, until closed, and the harbours
    struct zmtp__harbour *harbours;
    struct zmtp__trie names;
    uint64_t serials; // given so far
};

int zmtp_uv_shared_open(struct zmtp_uv_shared **out)
{
    if (!out) return ZMTP_ERR_ARGUMENT;
    *out = NULL;
    if (!zmtp__fork_watch()) return ZMTP_ERR_MEMORY;
    struct zmtp_uv_shared *shared = zmtp_alloc(zmtp_heap(), sizeof *shared);
    if (!shared) return ZMTP_ERR_MEMORY;
    *shared = (struct zmtp_uv_shared){.generation = zmtp__fork_generation(), .holders = 1};
    zmtp__trie_init(&shared->names,
                    zmtp_heap()); // empty, and without memory, when the last harbour leaves
    if (uv_mutex_init(&shared->mutex) < 0) {
        zmtp_free(zmtp_heap(), shared, sizeof *shared);
        return ZMTP_ERR_MEMORY;
    }
    *out = shared;
    return ZMTP_OK;
}

void zmtp__shared_lock(struct zmtp_uv_shared *shared)
{
    uv_mutex_lock(&shared->mutex);
}

void zmtp__shared_unlock(struct zmtp_uv_shared *shared)
{
    uv_mutex_unlock(&shared->mutex);
}

// Unlocks it, one holder less. The last one frees it.
static void shared_release(struct zmtp_uv_shared *shared)
{
    const bool last = --shared->holders == 0;
    zmtp__shared_unlock(shared);
    if (!last) return;
    uv_mutex_destroy(&shared->mutex);
    zmtp_free(zmtp_heap(), shared, sizeof *shared);
}

void zmtp_uv_shared_close(struct zmtp_uv_shared *shared)
{
    if (!shared || shared->generation != zmtp__fork_generation()) return;
    zmtp__shared_lock(shared);
    shared_release(shared);
}

int zmtp_uv_join(struct zmtp_uv *uv, struct zmtp_uv_shared *shared)
{
    if (!uv || !shared) return ZMTP_ERR_ARGUMENT;
    if (!zmtp__engine_enter(uv)) return ZMTP_ERR_STATE;
    if (uv->closing || uv->harbour || uv->numbers > 0)
        return zmtp__engine_fail(uv, ZMTP_ERR_STATE,
                                 "an engine joins once, before its first socket is opened");
    if (shared->generation != uv->generation)
        return zmtp__engine_fail(uv, ZMTP_ERR_STATE,
                                 "the shared names were opened in another process, before a fork");
    const int error = zmtp__harbour_open(uv, shared);
    if (error < 0) return zmtp__engine_fail(uv, error, "%s", zmtp_err_text(error));
    uv->text[0] = '\0';
    zmtp__shared_lock(shared);
    shared->holders++;
    uv->harbour->next = shared->harbours;
    shared->harbours = uv->harbour;
    zmtp__shared_unlock(shared);
    return ZMTP_OK;
}

void zmtp__shared_leave(struct zmtp_uv_shared *shared, struct zmtp__harbour *harbour)
{
    zmtp__shared_lock(shared);
    struct zmtp__harbour **at = &shared->harbours;
    while (*at != harbour)
        at = &(*at)->next;
    *at = harbour->next;
    shared_release(shared);
}

// Whoever waits for a name is to look. Under the lock.
static void shared_announce(const struct zmtp_uv_shared *shared)
{
    for (struct zmtp__harbour *harbour = shared->harbours; harbour; harbour = harbour->next) {
        atomic_store_explicit(&harbour->names_changed, true, memory_order_release);
        zmtp__harbour_ring(harbour);
    }
}

const struct zmtp__shared_name *zmtp__shared_find(const struct zmtp_uv_shared *shared,
                                                  const char *endpoint)
{
    const struct zmtp__key *key = zmtp__trie_find(&shared->names, zmtp_bytes_text(endpoint));
    return key ? key->value : NULL;
}

// ZMTP_ERR_IN_USE, ZMTP_ERR_MEMORY. Under the lock.
static int shared_add(struct zmtp_uv_shared *shared, struct zmtp__shared_name *name)
{
    if (zmtp__shared_find(shared, name->endpoint)) return ZMTP_ERR_IN_USE;
    const int error = zmtp__trie_add(&shared->names, zmtp_bytes_text(name->endpoint), &name->key);
    if (error < 0) return error;
    name->key->value = name;
    name->serial = ++shared->serials;
    shared_announce(shared);
    return ZMTP_OK;
}

int zmtp__shared_bind(struct zmtp_uv_socket *socket, const char *endpoint)
{
    struct zmtp__harbour *harbour = socket->uv->harbour;
    if (!harbour) return ZMTP_OK;
    struct zmtp_uv_shared *shared = harbour->shared;
    struct zmtp__shared_name *name = zmtp_alloc(zmtp_heap(), sizeof *name);
    if (!name) return ZMTP_ERR_MEMORY;
    *name = (struct zmtp__shared_name){.harbour = harbour, .socket = socket->number};
    zmtp__far_facts_of(zmtp_socket_config(socket->core), &name->facts);
    strcpy(name->endpoint, endpoint); // the parser checked the size
    zmtp__shared_lock(shared);
    const int error = shared_add(shared, name);
    zmtp__shared_unlock(shared);
    if (error == ZMTP_OK) return ZMTP_OK;
    zmtp_free(zmtp_heap(), name, sizeof *name);
    if (error != ZMTP_ERR_IN_USE) return error;
    return zmtp__uv_socket_fail(socket, ZMTP_ERR_IN_USE,
                                "%s is bound already in another engine that shares its names",
                                endpoint);
}

// The socket's own; null: it has not bound it.
static struct zmtp__shared_name *shared_own(const struct zmtp_uv_shared *shared,
                                            const struct zmtp_uv_socket *socket,
                                            const char *endpoint)
{
    const struct zmtp__key *key = zmtp__trie_find(&shared->names, zmtp_bytes_text(endpoint));
    struct zmtp__shared_name *name = key ? key->value : NULL;
    const bool own = name && name->harbour == socket->uv->harbour && name->socket == socket->number;
    return own ? name : NULL;
}

void zmtp__shared_unbind(struct zmtp_uv_socket *socket, const char *endpoint)
{
    struct zmtp__harbour *harbour = socket->uv->harbour;
    if (!harbour) return;
    struct zmtp_uv_shared *shared = harbour->shared;
    zmtp__shared_lock(shared);
    struct zmtp__shared_name *name = shared_own(shared, socket, endpoint);
    if (name) {
        zmtp__trie_remove(&shared->names, name->key);
        zmtp_free(zmtp_heap(), name, sizeof *name);
    }
    zmtp__shared_unlock(shared);
}

void zmtp__shared_invite(struct zmtp_uv_socket *socket)
{
    struct zmtp_uv_shared *shared = socket->uv->harbour->shared;
    zmtp__shared_lock(shared);
    for (struct zmtp__hook *hook = socket->names; hook; hook = hook->next) {
        const struct zmtp__inproc_name *bound = hook->owner;
        struct zmtp__shared_name *name = shared_own(shared, socket, bound->endpoint);
        if (name) name->serial = ++shared->serials;
    }
    shared_announce(shared);
    zmtp__shared_unlock(shared);
}
