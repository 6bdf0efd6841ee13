#include "harbour.h"

#include <errno.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "address.h"
#include "shared.h"
#include "watch.h"

enum {
    // A wake-up takes a thread 10 to 50 us, and the one that rings several. A batch of a stream takes few, but who waits for
    // room hears of it when half of 2000 messages have left.
    HARBOUR_LINGER_NS = 30000,
    // At most 2^8 - 1 sleeps without a look before them, so that looks in vain take nothing worth mention.
    HARBOUR_VAIN_MAX = 8,
    // Where both have one processor nothing is gained by an early start of the other: it takes the processor from this one,
    // has nothing left soon, and sleeps again.
    HARBOUR_BATCH_ALONE = 1024,
};

// -1: the system does not tell.
static int harbour_cpu(void)
{
#ifdef __linux__
    return sched_getcpu();
#else
    return -1;
#endif
}

void zmtp__harbour_note_cpu(struct zmtp__harbour *harbour)
{
    const int cpu = harbour_cpu();
    if (cpu != atomic_load_explicit(&harbour->cpu, memory_order_relaxed))
        atomic_store_explicit(&harbour->cpu, cpu, memory_order_relaxed);
}

unsigned zmtp__harbour_batch(const struct zmtp__harbour *harbour, const struct zmtp__harbour *far)
{
    const int here = atomic_load_explicit(&harbour->cpu, memory_order_relaxed);
    const int there = atomic_load_explicit(&far->cpu, memory_order_relaxed);
    return here == there && here >= 0 ? HARBOUR_BATCH_ALONE : ZMTP__HARBOUR_BATCH;
}

// It changes threads, so it lies on the heap and not in the engine's memory.
static void harbour_free(struct zmtp__harbour *harbour)
{
    zmtp__dock_fini(&harbour->dock);
    close(harbour->bell);
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
    (void)eventfd_write(harbour->bell, 1); // fails only when it rings already, 2^64 times
}

bool zmtp__harbour_names(struct zmtp__harbour *harbour)
{
    if (!atomic_load_explicit(&harbour->names_changed, memory_order_relaxed)) return false;
    return atomic_exchange_explicit(&harbour->names_changed, false, memory_order_acq_rel);
}

static void harbour_rung(uv_poll_t *poll, int status, int events)
{
    struct zmtp__harbour *harbour = poll->data;
    eventfd_t rings;
    (void)status; // nothing can be wrong with an eventfd
    (void)events;
    if (!zmtp__engine_enter(harbour->uv)) {
        uv_poll_stop(poll);
        return;
    }
    (void)eventfd_read(harbour->bell, &rings); // it has rung
    zmtp__engine_dispatch(harbour->uv);
}

int zmtp__harbour_open(struct zmtp_uv *uv, struct zmtp_uv_shared *shared)
{
    struct zmtp__harbour *harbour = zmtp_alloc(zmtp_heap(), sizeof *harbour);
    if (!harbour) return ZMTP_ERR_MEMORY;
    *harbour = (struct zmtp__harbour){.uv = uv, .shared = shared};
    zmtp__dock_init(&harbour->dock);
    atomic_init(&harbour->refs, 1);
    atomic_init(&harbour->cpu, -1);
    harbour->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (harbour->bell < 0) {
        zmtp_free(zmtp_heap(), harbour, sizeof *harbour);
        return zmtp__address_error(errno);
    }
    harbour->poll.data = harbour;
    const bool afforded = zmtp__watch_affords(uv->loop, harbour->bell);
    if (!afforded || uv_poll_init(uv->loop, &harbour->poll, harbour->bell) < 0) {
        harbour_free(harbour);
        if (!afforded) return ZMTP_ERR_MEMORY;
        return ZMTP_ERR_SYSTEM;
    }
    uv_poll_start(&harbour->poll, UV_READABLE, harbour_rung); // fails only for one that is closing
    uv_unref((uv_handle_t *)&harbour->poll);                  // the sockets keep the loop alive
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
    zmtp__dock_feed(&harbour->dock);
    zmtp__harbour_work(harbour);
    harbour->uv->handles++;
    zmtp__shared_leave(harbour->shared, harbour);
    uv_close((uv_handle_t *)&harbour->poll, harbour_closed);
}

void zmtp__harbour_work(struct zmtp__harbour *harbour)
{
    struct zmtp__shore *shore;
    while ((shore = zmtp__dock_next(&harbour->dock))) {
        const struct zmtp__keeper *keeper = zmtp__shore_owner(shore);
        keeper->look(harbour->uv, shore);
    }
}

bool zmtp__harbour_linger(struct zmtp__harbour *harbour)
{
    if (harbour->unlingered > 0) {
        harbour->unlingered--;
        return false;
    }
    const uint64_t end = uv_hrtime() + HARBOUR_LINGER_NS;
    do {
        if (!zmtp__harbour_busy(harbour)) continue;
        harbour->vain = 0;
        return true;
    } while (uv_hrtime() < end);
    if (harbour->vain < HARBOUR_VAIN_MAX) harbour->vain++;
    harbour->unlingered = (1u << harbour->vain) - 1;
    return false;
}
