#include "harbour.h"

#include "crossing.h"
#include "shared.h"

// It changes threads, so it lies on the heap and not in the engine's memory.
static void harbour_free(struct zmtp__harbour *harbour)
{
    zmtp__dock_fini(&harbour->dock);
    uv_mutex_destroy(&harbour->mutex);
    zmtp_free(zmtp_heap(), harbour, sizeof *harbour);
}

void zmtp__harbour_ref(struct zmtp__harbour *harbour)
{
    atomic_fetch_add_explicit(&harbour->refs, 1, memory_order_relaxed);
}

void zmtp__harbour_unref(struct zmtp__harbour *harbour)
{
    if (atomic_fetch_sub_explicit(&harbour->refs, 1, memory_order_acq_rel) == 1)
        harbour_free(harbour);
}

void zmtp__harbour_ring(struct zmtp__harbour *harbour)
{
    uv_mutex_lock(&harbour->mutex);
    if (harbour->open) uv_async_send(&harbour->async);
    uv_mutex_unlock(&harbour->mutex);
}

bool zmtp__harbour_names(struct zmtp__harbour *harbour)
{
    if (!atomic_load_explicit(&harbour->names_changed, memory_order_relaxed)) return false;
    return atomic_exchange_explicit(&harbour->names_changed, false, memory_order_acq_rel);
}

static void harbour_rung(uv_async_t *async)
{
    struct zmtp__harbour *harbour = async->data;
    if (zmtp__engine_inherited(harbour->uv)) return;
    zmtp__engine_dispatch(harbour->uv);
}

int zmtp__harbour_open(struct zmtp_uv *uv, struct zmtp_uv_shared *shared)
{
    struct zmtp__harbour *harbour = zmtp_alloc(zmtp_heap(), sizeof *harbour);
    if (!harbour) return ZMTP_ERR_MEMORY;
    *harbour = (struct zmtp__harbour){.uv = uv, .shared = shared, .open = true};
    zmtp__dock_init(&harbour->dock);
    atomic_init(&harbour->refs, 1);
    if (uv_mutex_init(&harbour->mutex) < 0) {
        zmtp_free(zmtp_heap(), harbour, sizeof *harbour);
        return ZMTP_ERR_MEMORY;
    }
    harbour->async.data = harbour;
    const int status = uv_async_init(uv->loop, &harbour->async, harbour_rung);
    if (status < 0) {
        harbour_free(harbour);
        return status == UV_EMFILE || status == UV_ENFILE ? ZMTP_ERR_DESCRIPTORS : ZMTP_ERR_SYSTEM;
    }
    uv_unref((uv_handle_t *)&harbour->async); // the sockets keep the loop alive
    uv->harbour = harbour;
    return ZMTP_OK;
}

static void harbour_closed(uv_handle_t *handle)
{
    struct zmtp__harbour *harbour = handle->data;
    struct zmtp_uv *uv = harbour->uv;
    uv->harbour = NULL;
    zmtp__harbour_unref(harbour);
    zmtp__engine_handle_closed(uv);
}

void zmtp__harbour_close(struct zmtp__harbour *harbour)
{
    if (harbour->closing) return;
    harbour->closing = true;
    // The names are gone, so nobody dials any more; who did is refused.
    zmtp__harbour_work(harbour);
    zmtp__crossing_refuse_waiting(harbour);
    harbour->uv->handles++;
    uv_mutex_lock(&harbour->mutex);
    harbour->open = false;
    uv_mutex_unlock(&harbour->mutex);
    zmtp__shared_leave(harbour->shared, harbour);
    uv_close((uv_handle_t *)&harbour->async, harbour_closed);
}

void zmtp__harbour_work(struct zmtp__harbour *harbour)
{
    struct zmtp__shore *shore;
    while ((shore = zmtp__dock_next(&harbour->dock))) {
        const struct zmtp__keeper *keeper = zmtp__shore_owner(shore);
        keeper->look(harbour->uv, shore);
    }
}
