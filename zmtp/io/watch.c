#include "watch.h"

#include <unistd.h>

#include "foreign.h"

static void watch_ready(uv_poll_t *poll, int status, int events)
{
    struct zmtp__watch *watch = poll->data;
    if (!zmtp__engine_enter(watch->uv)) {
        uv_poll_stop(poll);
        return;
    }
    if (status < 0) {
        // The descriptor has an error, and libuv looks no more. The owner's next read or write tells
        // which error it is.
        watch->armed = 0;
        events = UV_READABLE | UV_WRITABLE;
    }
    watch->ready(watch->owner, events);
}

bool zmtp__watch_affords(const uv_loop_t *loop, int fd)
{
    enum { SPARE = 2 }; // places of libuv's own
    const size_t count = (size_t)fd + 1 + SPARE;
    size_t places = 1;
    if (loop && (unsigned)fd < loop->nwatchers) return true;
    while (places < count)
        places *= 2;
    void *const table = zmtp_alloc(zmtp_heap(), places * sizeof(void *));
    zmtp_free(zmtp_heap(), table, places * sizeof(void *));
    return table;
}

int zmtp__watch_open(struct zmtp__watch **out, struct zmtp_uv *uv, int fd,
                     void (*ready)(void *owner, int events), void *owner)
{
    *out = NULL;
    if (!zmtp__watch_affords(uv->loop, fd)) return ZMTP_ERR_MEMORY;
    struct zmtp__watch *watch = zmtp_alloc(uv->allocator, sizeof *watch);
    if (!watch) return ZMTP_ERR_MEMORY;
    const int error = uv_poll_init(uv->loop, &watch->poll, fd);
    if (error < 0) {
        zmtp_free(uv->allocator, watch, sizeof *watch);
        return ZMTP_ERR_SYSTEM;
    }
    watch->poll.data = watch;
    watch->uv = uv;
    watch->ready = ready;
    watch->owner = owner;
    watch->fd = fd;
    watch->armed = 0;
    uv->handles++;
    *out = watch;
    return ZMTP_OK;
}

int zmtp__watch_want(struct zmtp__watch *watch, int events)
{
    if (events == watch->armed) return ZMTP_OK;
    if (events && !zmtp__watch_affords(watch->uv->loop, watch->fd)) return ZMTP_ERR_MEMORY;
    const int error =
        events ? uv_poll_start(&watch->poll, events, watch_ready) : uv_poll_stop(&watch->poll);
    watch->armed = error < 0 ? 0 : events;
    zmtp__foreign_ring(watch->uv);
    return error < 0 ? ZMTP_ERR_SYSTEM : ZMTP_OK;
}

static void watch_closed(uv_handle_t *handle)
{
    struct zmtp__watch *watch = handle->data;
    struct zmtp_uv *uv = watch->uv;
    zmtp_free(uv->allocator, watch, sizeof *watch);
    zmtp__engine_handle_closed(uv);
}

void zmtp__watch_close(struct zmtp__watch *watch)
{
    if (!watch) return;
    uv_close((uv_handle_t *)&watch->poll, watch_closed);
    zmtp__foreign_ring(watch->uv);
    close(watch->fd);
}
