#include "resolver.h"

#include <assert.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "engine.h"

enum {
    // Threads of one engine; further questions stand in line. Enough for a program whose names have
    // several silent servers, few enough for one that dials thousands of names.
    RESOLVER_THREADS = 16,
    RESOLVER_STACK = 512 * 1024, // what the system's helpers want, and some more
};

enum resolver_state {
    RESOLVER_WAITS, // in line
    RESOLVER_RUNS,  // with a thread
    RESOLVER_DONE,  // its answer is there, and not told yet
};

// Lookups and the resolver change threads, so they lie on the heap and not in the engine's memory.
struct zmtp__lookup {
    struct zmtp__resolver *resolver;
    struct zmtp__lookup *next; // of the line, or of those that are done
    enum resolver_state state;
    int family, status;
    struct addrinfo *list;
    void (*done)(void *owner, int status, struct addrinfo *list); // null: dropped
    void *owner;
    char host[ZMTP_ENDPOINT_MAX], port[8];
};

struct zmtp__resolver {
    uv_async_t async; // the loop's
    struct zmtp_uv *uv;
    uv_mutex_t mutex; // for all that follows
    struct zmtp__lookup *line, *finished;
    unsigned threads;
    unsigned references; // one of each thread, and the engine's
    bool attached;       // |async| may be used
};

static void resolver_free_lookup(struct zmtp__lookup *lookup)
{
    if (lookup->list) freeaddrinfo(lookup->list);
    zmtp_free(zmtp_heap(), lookup, sizeof *lookup);
}

// Gives up the mutex, which is held, and one reference.
static void resolver_unref(struct zmtp__resolver *resolver)
{
    const bool last = --resolver->references == 0;
    uv_mutex_unlock(&resolver->mutex);
    if (!last) return;
    uv_mutex_destroy(&resolver->mutex);
    zmtp_free(zmtp_heap(), resolver, sizeof *resolver);
}

static void resolver_append(struct zmtp__lookup **link, struct zmtp__lookup *lookup)
{
    while (*link)
        link = &(*link)->next;
    *link = lookup;
    lookup->next = NULL;
}

static void resolver_remove(struct zmtp__lookup **link, const struct zmtp__lookup *lookup)
{
    while (*link != lookup)
        link = &(*link)->next;
    *link = lookup->next;
}

// What a thread does, from taking a question to leaving its answer. False: the line is empty.
static bool resolver_answer_next(struct zmtp__resolver *resolver)
{
    struct zmtp__lookup *const lookup = resolver->line;
    if (!lookup) return false;
    resolver->line = lookup->next;
    lookup->state = RESOLVER_RUNS;
    uv_mutex_unlock(&resolver->mutex);
    const struct addrinfo hints = {
        .ai_family = lookup->family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    lookup->status = getaddrinfo(lookup->host, lookup->port, &hints, &lookup->list);
    if (lookup->status != 0) lookup->list = NULL;
    uv_mutex_lock(&resolver->mutex);
    if (!lookup->done) {
        resolver_free_lookup(lookup);
        return true;
    }
    // Whoever waits for it is there, so the engine is, too.
    assert(resolver->attached);
    lookup->state = RESOLVER_DONE;
    resolver_append(&resolver->finished, lookup);
    (void)uv_async_send(&resolver->async); // it is open, so this cannot fail
    return true;
}

static void *resolver_work(void *context)
{
    struct zmtp__resolver *resolver = context;
    uv_mutex_lock(&resolver->mutex);
    while (resolver_answer_next(resolver)) {}
    resolver->threads--;
    resolver_unref(resolver);
    return NULL;
}

// Starts a thread that nobody waits for, and that gets none of the program's signals.
static bool resolver_start(struct zmtp__resolver *resolver)
{
    pthread_attr_t how;
    pthread_t thread;
    sigset_t all, before;
    if (pthread_attr_init(&how) != 0) return false;
    sigfillset(&all);
    bool started = pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED) == 0 &&
                   pthread_attr_setstacksize(&how, RESOLVER_STACK) == 0 &&
                   pthread_sigmask(SIG_SETMASK, &all, &before) == 0;
    if (started) {
        started = pthread_create(&thread, &how, resolver_work, resolver) == 0;
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL); // it was a good mask before
    }
    pthread_attr_destroy(&how);
    return started;
}

// Tells the answers that have come.
static void resolver_tell(uv_async_t *async)
{
    struct zmtp__resolver *resolver = async->data;
    struct zmtp_uv *uv = resolver->uv;
    if (!zmtp__engine_enter(uv)) return;
    for (;;) {
        uv_mutex_lock(&resolver->mutex);
        struct zmtp__lookup *const lookup = resolver->finished;
        if (lookup) resolver->finished = lookup->next;
        uv_mutex_unlock(&resolver->mutex);
        if (!lookup) break;
        struct addrinfo *const list = lookup->list;
        lookup->list = NULL;
        lookup->done(lookup->owner, lookup->status, list);
        resolver_free_lookup(lookup);
    }
    zmtp__engine_dispatch(uv);
}

static int resolver_open(struct zmtp_uv *uv)
{
    struct zmtp__resolver *resolver = zmtp_alloc(zmtp_heap(), sizeof *resolver);
    if (!resolver) return ZMTP_ERR_MEMORY;
    *resolver = (struct zmtp__resolver){.uv = uv, .references = 1, .attached = true};
    if (uv_mutex_init(&resolver->mutex) < 0) {
        zmtp_free(zmtp_heap(), resolver, sizeof *resolver);
        return ZMTP_ERR_SYSTEM;
    }
    if (uv_async_init(uv->loop, &resolver->async, resolver_tell) < 0) {
        uv_mutex_destroy(&resolver->mutex);
        zmtp_free(zmtp_heap(), resolver, sizeof *resolver);
        return ZMTP_ERR_DESCRIPTORS;
    }
    resolver->async.data = resolver;
    uv_unref((uv_handle_t *)&resolver->async); // sockets keep the loop alive, and they alone
    uv->handles++;
    uv->resolver = resolver;
    return ZMTP_OK;
}

static void resolver_closed(uv_handle_t *handle)
{
    struct zmtp__resolver *resolver = handle->data;
    struct zmtp_uv *uv = resolver->uv;
    uv_mutex_lock(&resolver->mutex);
    resolver_unref(resolver);
    zmtp__engine_handle_closed(uv);
}

void zmtp__resolver_close(struct zmtp_uv *uv)
{
    struct zmtp__resolver *const resolver = uv->resolver;
    if (!resolver) return;
    uv->resolver = NULL;
    uv_mutex_lock(&resolver->mutex);
    assert(!resolver->line && !resolver->finished);
    resolver->attached = false;
    uv_mutex_unlock(&resolver->mutex);
    uv_close((uv_handle_t *)&resolver->async, resolver_closed);
}

// Puts it into the line, and sees to it that some thread will come to it.
static int resolver_enqueue(struct zmtp__resolver *resolver, struct zmtp__lookup *lookup)
{
    int result = ZMTP_OK;
    uv_mutex_lock(&resolver->mutex);
    resolver_append(&resolver->line, lookup);
    if (resolver->threads < RESOLVER_THREADS) {
        // It begins by taking the mutex.
        if (resolver_start(resolver)) {
            resolver->threads++;
            resolver->references++;
        } else if (resolver->threads == 0) {
            resolver_remove(&resolver->line, lookup);
            result = ZMTP_ERR_SYSTEM;
        }
    }
    uv_mutex_unlock(&resolver->mutex);
    return result;
}

int zmtp__resolver_ask(struct zmtp__lookup **out, struct zmtp_uv *uv, const char *host,
                       const char *port, int family,
                       void (*done)(void *owner, int status, struct addrinfo *list), void *owner)
{
    *out = NULL;
    int error = uv->resolver ? ZMTP_OK : resolver_open(uv);
    if (error < 0) return error;
    struct zmtp__lookup *lookup = zmtp_alloc(zmtp_heap(), sizeof *lookup);
    if (!lookup) return ZMTP_ERR_MEMORY;
    *lookup = (struct zmtp__lookup){
        .resolver = uv->resolver, .family = family, .done = done, .owner = owner};
    assert(strlen(host) < sizeof lookup->host && strlen(port) < sizeof lookup->port);
    strcpy(lookup->host, host);
    strcpy(lookup->port, port);
    error = resolver_enqueue(uv->resolver, lookup);
    if (error < 0)
        resolver_free_lookup(lookup);
    else
        *out = lookup;
    return error;
}

void zmtp__resolver_drop(struct zmtp__lookup *lookup)
{
    if (!lookup) return;
    struct zmtp__resolver *const resolver = lookup->resolver;
    uv_mutex_lock(&resolver->mutex);
    const enum resolver_state state = lookup->state;
    lookup->done = NULL;
    if (state == RESOLVER_WAITS) resolver_remove(&resolver->line, lookup);
    if (state == RESOLVER_DONE) resolver_remove(&resolver->finished, lookup);
    uv_mutex_unlock(&resolver->mutex);
    if (state != RESOLVER_RUNS) resolver_free_lookup(lookup); // else its thread will
}
