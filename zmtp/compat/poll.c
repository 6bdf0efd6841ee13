#include "poll.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"
#include "signals.h"
#include "socket.h"
#include "unsent.h"

enum { POLL_FEW = 32 };

// What an item's revents are while its socket dozes; no event is.
enum { POLL_DOZING = -1 };

// Looks at all sockets, each of which works. Returns how many of the items have events, or -1.
static int poll_look(zmq_pollitem_t *items, size_t count, const struct pollfd *polled)
{
    int ready = 0;
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        zmq_pollitem_t *item = items + i;
        item->revents = 0;
        if (item->socket) {
            struct zmq__socket *socket = zmq__socket_of(item->socket);
            const int events = socket ? zmq__socket_events(socket) : -1;
            if (events < 0) return -1;
            item->revents = (short)(events & item->events);
        } else if (polled) {
            const int events = polled[used++].revents;
            if (events & POLLIN) item->revents |= ZMQ_POLLIN;
            if (events & POLLOUT) item->revents |= ZMQ_POLLOUT;
            if (events & POLLPRI) item->revents |= ZMQ_POLLPRI;
            if (events & ~(POLLIN | POLLOUT | POLLPRI)) item->revents |= ZMQ_POLLERR;
        }
        if (item->revents) ready++;
    }
    return ready;
}

static bool poll_is_safe(const zmq_pollitem_t *item)
{
    const struct zmq__socket *socket = item->socket ? zmq__socket_of(item->socket) : NULL;
    return socket && socket->safe;
}

static bool poll_dozes(const zmq_pollitem_t *item)
{
    return item->socket && item->events && !poll_is_safe(item);
}

// What the system is to look at. First the program's own descriptors, in the order of the items; those of sockets are
// known when they doze; those for all threads ring |fd|. Nothing else is there: the system takes no more than the
// process may have descriptors. Returns how many.
static size_t poll_prepare(const zmq_pollitem_t *items, size_t count, struct pollfd *polled, int fd)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        const zmq_pollitem_t *item = items + i;
        if (item->socket) continue;
        polled[used] = (struct pollfd){.fd = item->fd};
        if (item->events & ZMQ_POLLIN) polled[used].events |= POLLIN;
        if (item->events & ZMQ_POLLOUT) polled[used].events |= POLLOUT;
        if (item->events & ZMQ_POLLPRI) polled[used].events |= POLLPRI;
        used++;
    }
    if (fd >= 0) polled[used++] = (struct pollfd){.fd = fd, .events = POLLIN};
    return used;
}

static void poll_rise(zmq_pollitem_t *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!items[i].socket || items[i].revents != POLL_DOZING) continue;
        items[i].revents = 0;
        zmq__socket_rise(items[i].socket);
    }
}

// All sockets go to sleep, for |*nap_ms| at most, or none: EAGAIN, one has events already; or another error. Their
// descriptors are added to the |*used|.
static int poll_doze(zmq_pollitem_t *items, size_t count, struct pollfd *polled, size_t *used,
                     int *nap_ms)
{
    const size_t before = *used;
    for (size_t i = 0; i < count; i++) {
        int fds[2];
        items[i].revents = 0;
        if (!poll_dozes(items + i)) continue;
        const int error = zmq__socket_doze(items[i].socket, (unsigned)items[i].events, fds, nap_ms);
        if (error != 0) {
            poll_rise(items, i);
            *used = before;
            return error;
        }
        items[i].revents = POLL_DOZING;
        for (size_t k = 0; k < 2; k++)
            if (fds[k] >= 0) polled[(*used)++] = (struct pollfd){.fd = fds[k], .events = POLLIN};
    }
    return 0;
}

static uint64_t poll_deadline_us(long timeout_ms)
{
    if (timeout_ms < 0) return UINT64_MAX;
    const uint64_t now_us = timeout_ms > 0 ? zmq__clock_us() : 0;
    const uint64_t left_us = (UINT64_MAX - now_us) / 1000 > (uint64_t)timeout_ms
                                 ? (uint64_t)timeout_ms * 1000
                                 : UINT64_MAX - now_us;
    return now_us + left_us;
}

// Until something happens, |deadline_us| has come, or a signal, which is a failure.
static int poll_wait(struct pollfd *polled, size_t count, uint64_t deadline_us,
                     const sigset_t *mask)
{
    struct timespec left = {0};
    if (deadline_us != 0 && deadline_us != UINT64_MAX) {
        const uint64_t now_us = zmq__clock_us();
        const uint64_t left_us = deadline_us > now_us ? deadline_us - now_us : 0;
        left = (struct timespec){.tv_sec = (time_t)(left_us / 1000000),
                                 .tv_nsec = (long)(left_us % 1000000 * 1000)};
    }
    const int result = ppoll(polled, count, deadline_us == UINT64_MAX ? NULL : &left, mask);
    return result < 0 ? zmq__fail(errno) : 0;
}

static uint64_t poll_sooner(uint64_t deadline_us, int nap_ms)
{
    if (nap_ms < 0) return deadline_us;
    const uint64_t nap_us = zmq__clock_us() + (uint64_t)nap_ms * 1000;
    return nap_us < deadline_us ? nap_us : deadline_us;
}

// A thread's polls; it mostly has one loop.
static _Thread_local struct zmtp__spin poll_spin;
static _Thread_local uint64_t poll_spin_ns; // as its context has it

// The first of the sockets; null: there is none.
static const struct zmq__socket *poll_first(const zmq_pollitem_t *items, size_t count)
{
    const struct zmq__socket *socket = NULL;
    for (size_t i = 0; i < count && !socket; i++)
        socket = items[i].socket ? zmq__socket_of(items[i].socket) : NULL;
    return socket;
}

// May this poll look for a while before it sleeps, as the context of its |first| socket has it? Null: it has none.
static bool poll_spins(const struct zmq__socket *first)
{
    if (!first || first->context->spin_ns == 0) return false;
    if (poll_spin_ns != first->context->spin_ns) {
        poll_spin_ns = first->context->spin_ns;
        zmtp__spin_init(&poll_spin, poll_spin_ns);
    }
    return zmtp__spin_begin(&poll_spin, uv_hrtime());
}

// Looks until something has come, or for as long as is worth it. As poll_look.
static int poll_look_on(zmq_pollitem_t *items, size_t count, struct pollfd *polled, size_t used,
                        uint64_t deadline_us, const sigset_t *mask, int fd)
{
    eventfd_t rings;
    uint64_t now_ns;
    int ready = 0;
    do {
        if ((used > 0 || mask) && poll_wait(polled, used, 0, mask) < 0) return -1;
        if (fd >= 0) (void)eventfd_read(fd, &rings);
        ready = poll_look(items, count, polled);
        now_ns = uv_hrtime();
    } while (ready == 0 && !zmtp__spin_over(&poll_spin, now_ns) && now_ns / 1000 < deadline_us);
    zmtp__spinner_end(&poll_spin, now_ns, ready > 0);
    return ready;
}

// Sleeps until something has come, but does not begin so: |own| of |polled| are the program's descriptors, and |fd|.
static int poll_sleep_on(zmq_pollitem_t *items, size_t count, struct pollfd *polled, size_t own,
                         uint64_t deadline_us, const sigset_t *mask, int fd)
{
    eventfd_t rings;
    // Descriptors are asked at least once.
    bool over = deadline_us == 0;
    // One of the program's own may be a socket's, which is quiet once that has worked: so they are asked before.
    bool first = own > (fd >= 0 ? 1u : 0u);
    for (;; first = false) {
        int nap_ms = -1;
        size_t used = own;
        const int error = over || first ? EAGAIN : poll_doze(items, count, polled, &used, &nap_ms);
        if (error != 0 && error != EAGAIN) return zmq__fail(error);
        const uint64_t until_us = error == EAGAIN ? 0 : poll_sooner(deadline_us, nap_ms);
        const int result = poll_wait(polled, used, until_us, mask);
        const int why = errno;
        if (error == 0) poll_rise(items, count);
        if (result < 0) return zmq__fail(why);
        if (fd >= 0)
            (void)eventfd_read(fd, &rings); // before the look, so that what comes later rings
        const int ready = poll_look(items, count, polled);
        if (ready != 0 || over) return ready;
        // What woke it may be news that are no events, so the time is what it was.
        over = deadline_us != UINT64_MAX && zmq__clock_us() >= deadline_us;
    }
}

// The same, and takes note of how long.
static int poll_sleep_noted(zmq_pollitem_t *items, size_t count, struct pollfd *polled, size_t own,
                            uint64_t deadline_us, const sigset_t *mask, int fd)
{
    const uint64_t begun_ns = zmtp__spin_learns(&poll_spin) ? uv_hrtime() : 0;
    const int came = poll_sleep_on(items, count, polled, own, deadline_us, mask, fd);
    if (begun_ns > 0) zmtp__spinner_slept(&poll_spin, begun_ns, uv_hrtime());
    return came;
}

static int poll_run(zmq_pollitem_t *items, size_t count, struct pollfd *polled,
                    uint64_t deadline_us, const sigset_t *mask, int fd)
{
    sigset_t before;
    const size_t own = poll_prepare(items, count, polled, fd);
    if (deadline_us == 0) return poll_sleep_on(items, count, polled, own, deadline_us, mask, fd);
    const struct zmq__socket *const first = poll_first(items, count);
    if (first) zmq__unsent_write(first->context);
    if (!poll_spins(first))
        return poll_sleep_noted(items, count, polled, own, deadline_us, mask, fd);
    zmq__signals_hold(&before);
    int ready = poll_look_on(items, count, polled, own, deadline_us, mask, fd);
    if (ready == 0)
        ready = poll_sleep_noted(items, count, polled, own, deadline_us, mask ? mask : &before, fd);
    zmq__signals_release(&before);
    return ready;
}

static bool poll_all_sockets(const zmq_pollitem_t *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!items[i].socket) return false;
    return true;
}

int zmq__poll_items(zmq_pollitem_t *items, size_t count, long timeout_ms, const sigset_t *mask,
                    int fd)
{
    const uint64_t deadline_us = poll_deadline_us(timeout_ms);
    // Sockets with events need no help of the system's.
    if (poll_all_sockets(items, count)) {
        const int ready = poll_look(items, count, NULL);
        if (ready != 0 || timeout_ms == 0) return ready;
    }
    struct pollfd few[2 * POLL_FEW + 1]; // two of each socket, and |fd|
    if (count <= POLL_FEW) return poll_run(items, count, few, deadline_us, mask, fd);
    struct pollfd *many = zmtp_alloc(NULL, (2 * count + 1) * sizeof *many);
    if (!many) return zmq__fail(ENOMEM);
    const int result = poll_run(items, count, many, deadline_us, mask, fd);
    zmtp_free(NULL, many, (2 * count + 1) * sizeof *many);
    return result;
}

int zmq__poll_sleep(long timeout_ms, const sigset_t *mask)
{
    return timeout_ms == 0 ? 0 : poll_wait(NULL, 0, poll_deadline_us(timeout_ms), mask);
}

struct zmq__watched *zmq__poll_watch(void *handle, int fd)
{
    struct zmq__watched *watched = zmtp_alloc(NULL, sizeof *watched);
    if (!watched) return zmq__fail_null(ENOMEM);
    struct zmq__socket *socket = zmq__socket_enter(handle);
    if (!socket) {
        zmtp_free(NULL, watched, sizeof *watched);
        return NULL;
    }
    watched->socket = socket;
    zmq__socket_ref(socket);
    zmq__sleepers_watch(&socket->sleepers, &watched->watcher, fd);
    zmq__socket_leave(socket);
    return watched;
}

void zmq__poll_unwatch(struct zmq__watched *watched)
{
    if (!watched) return;
    zmq__sleepers_unwatch(&watched->socket->sleepers, &watched->watcher);
    zmq__socket_unref(watched->socket);
    zmtp_free(NULL, watched, sizeof *watched);
}

static int poll_watching(zmq_pollitem_t *items, size_t count, long timeout_ms, const sigset_t *mask)
{
    int result = -1;
    size_t i = 0;
    const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct zmq__watched **watched = zmtp_alloc(NULL, count * sizeof *watched);
    if (fd < 0 || !watched) {
        (void)zmq__fail(fd < 0 ? EMFILE : ENOMEM);
        goto fail;
    }
    for (; i < count; i++) {
        watched[i] = NULL;
        if (!poll_is_safe(items + i)) continue;
        watched[i] = zmq__poll_watch(items[i].socket, fd);
        if (!watched[i]) goto fail;
    }
    result = zmq__poll_items(items, count, timeout_ms, mask, fd);
fail:
    while (i > 0)
        zmq__poll_unwatch(watched[--i]);
    zmtp_free(NULL, watched, count * sizeof *watched);
    if (fd >= 0) close(fd);
    return result;
}

int zmq_ppoll(zmq_pollitem_t *items, int count, long timeout, const sigset_t *mask)
{
    if (count < 0) return zmq__fail(EINVAL);
    if (count == 0) return zmq__poll_sleep(timeout, mask);
    if (!items) return zmq__fail(EFAULT);
    bool safe = false;
    for (int i = 0; i < count && !safe; i++)
        safe = poll_is_safe(items + i);
    if (safe && timeout != 0) return poll_watching(items, (size_t)count, timeout, mask);
    return zmq__poll_items(items, (size_t)count, timeout, mask, -1);
}

int zmq_poll(zmq_pollitem_t *items, int count, long timeout)
{
    return zmq_ppoll(items, count, timeout, NULL);
}
