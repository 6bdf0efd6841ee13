#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "error.h"
#include "poll.h"
#include "socket.h"

enum { POLLER_MARK = 0x9077, POLLER_STEP = 16 };
enum { POLLER_EVENTS = ZMQ_POLLIN | ZMQ_POLLOUT | ZMQ_POLLERR | ZMQ_POLLPRI };

// What is known of an item beside what is polled.
struct poller_note {
    void *user_data;
    struct zmq__watched *watched; // null: it is no socket for all threads
};

// Items and notes in the order in which they were added.
struct zmq__poller {
    int mark;
    int bell; // an eventfd that sockets for all threads ring; -1: there was none yet
    size_t count, capacity,
        notes_capacity; // one after the other grows, as either may find no memory
    zmq_pollitem_t *items;
    struct poller_note *notes;
};

// Null, and errno tells.
static struct zmq__poller *poller_of(void *handle)
{
    struct zmq__poller *poller = handle;
    return poller && poller->mark == POLLER_MARK ? poller : zmq__fail_null(EFAULT);
}

static bool poller_grow(struct zmq__poller *poller)
{
    const size_t old = poller->capacity, notes_old = poller->notes_capacity;
    const size_t capacity = poller->count + POLLER_STEP;
    if (poller->count == old) {
        zmq_pollitem_t *items = zmtp_realloc(NULL, poller->items, old * sizeof *poller->items,
                                             capacity * sizeof *poller->items);
        if (!items) return false;
        poller->items = items;
        poller->capacity = capacity;
    }
    if (poller->count == notes_old) {
        struct poller_note *notes =
            zmtp_realloc(NULL, poller->notes, notes_old * sizeof *poller->notes,
                         capacity * sizeof *poller->notes);
        if (!notes) return false;
        poller->notes = notes;
        poller->notes_capacity = capacity;
    }
    return true;
}

// The place of |socket|, or, if that is null, of |fd|; the count: it is not here.
static size_t poller_find(const struct zmq__poller *poller, const void *socket, int fd)
{
    size_t index = 0;
    while (index < poller->count) {
        const zmq_pollitem_t *item = poller->items + index;
        if (socket ? item->socket == socket : !item->socket && item->fd == fd) break;
        index++;
    }
    return index;
}

// Null, and nothing failed, when the socket is not for all threads.
static int poller_watch(struct zmq__poller *poller, void *handle, struct zmq__watched **out)
{
    const struct zmq__socket *socket = zmq__socket_of(handle);
    *out = NULL;
    if (!socket) return -1;
    if (!socket->safe) return 0;
    if (poller->bell < 0) poller->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (poller->bell < 0) return zmq__fail(errno == ENOMEM ? ENOMEM : EMFILE);
    *out = zmq__poll_watch(handle, poller->bell);
    return *out ? 0 : -1;
}

static int poller_add(struct zmq__poller *poller, void *socket, int fd, void *user_data,
                      short events)
{
    if (events & ~POLLER_EVENTS) return zmq__fail(EINVAL);
    if (poller_find(poller, socket, fd) < poller->count) return zmq__fail(EINVAL);
    if (!poller_grow(poller)) return zmq__fail(ENOMEM);
    struct zmq__watched *watched = NULL;
    if (socket && poller_watch(poller, socket, &watched) < 0) return -1;
    poller->items[poller->count] =
        (zmq_pollitem_t){.socket = socket, .fd = socket ? -1 : fd, .events = events};
    poller->notes[poller->count++] = (struct poller_note){user_data, watched};
    return 0;
}

static int poller_modify(struct zmq__poller *poller, const void *socket, int fd, short events)
{
    if (events & ~POLLER_EVENTS) return zmq__fail(EINVAL);
    const size_t index = poller_find(poller, socket, fd);
    if (index == poller->count) return zmq__fail(EINVAL);
    poller->items[index].events = events;
    return 0;
}

static int poller_remove(struct zmq__poller *poller, const void *socket, int fd)
{
    const size_t index = poller_find(poller, socket, fd);
    if (index == poller->count) return zmq__fail(EINVAL);
    zmq__poll_unwatch(poller->notes[index].watched);
    poller->count--;
    memmove(poller->items + index, poller->items + index + 1,
            (poller->count - index) * sizeof *poller->items);
    memmove(poller->notes + index, poller->notes + index + 1,
            (poller->count - index) * sizeof *poller->notes);
    return 0;
}

void *zmq_poller_new(void)
{
    struct zmq__poller *poller = zmtp_alloc(NULL, sizeof *poller);
    if (!poller) return zmq__fail_null(ENOMEM);
    *poller = (struct zmq__poller){.mark = POLLER_MARK, .bell = -1};
    return poller;
}

int zmq_poller_destroy(void **handle)
{
    struct zmq__poller *poller = handle ? poller_of(*handle) : zmq__fail_null(EFAULT);
    if (!poller) return -1;
    for (size_t i = 0; i < poller->count; i++)
        zmq__poll_unwatch(poller->notes[i].watched);
    if (poller->bell >= 0) close(poller->bell);
    zmtp_free(NULL, poller->items, poller->capacity * sizeof *poller->items);
    zmtp_free(NULL, poller->notes, poller->notes_capacity * sizeof *poller->notes);
    poller->mark = 0;
    zmtp_free(NULL, poller, sizeof *poller);
    *handle = NULL;
    return 0;
}

int zmq_poller_size(void *handle)
{
    const struct zmq__poller *poller = poller_of(handle);
    return poller ? (int)poller->count : -1;
}

int zmq_poller_add(void *handle, void *socket, void *user_data, short events)
{
    struct zmq__poller *poller = poller_of(handle);
    if (!poller || !zmq__socket_of(socket)) return -1;
    return poller_add(poller, socket, -1, user_data, events);
}

int zmq_poller_modify(void *handle, void *socket, short events)
{
    struct zmq__poller *poller = poller_of(handle);
    if (!poller || !zmq__socket_of(socket)) return -1;
    return poller_modify(poller, socket, -1, events);
}

int zmq_poller_remove(void *handle, void *socket)
{
    struct zmq__poller *poller = poller_of(handle);
    if (!poller) return -1;
    // A socket whose context ends is still to be removed, but what is none is told apart.
    if (!zmq__socket_of(socket) && zmq_errno() == ENOTSOCK) return -1;
    return poller_remove(poller, socket, -1);
}

int zmq_poller_add_fd(void *handle, zmq_fd_t fd, void *user_data, short events)
{
    struct zmq__poller *poller = poller_of(handle);
    if (!poller) return -1;
    return fd < 0 ? zmq__fail(EBADF) : poller_add(poller, NULL, fd, user_data, events);
}

int zmq_poller_modify_fd(void *handle, zmq_fd_t fd, short events)
{
    struct zmq__poller *poller = poller_of(handle);
    if (!poller) return -1;
    return fd < 0 ? zmq__fail(EBADF) : poller_modify(poller, NULL, fd, events);
}

int zmq_poller_remove_fd(void *handle, zmq_fd_t fd)
{
    struct zmq__poller *poller = poller_of(handle);
    if (!poller) return -1;
    return fd < 0 ? zmq__fail(EBADF) : poller_remove(poller, NULL, fd);
}

static bool poller_idle(const struct zmq__poller *poller)
{
    for (size_t i = 0; i < poller->count; i++)
        if (poller->items[i].events) return false;
    return true;
}

int zmq_poller_wait_all(void *handle, zmq_poller_event_t *events, int count, long timeout)
{
    struct zmq__poller *poller = poller_of(handle);
    if (!poller) return -1;
    if (!events) return zmq__fail(EFAULT);
    if (count < 0) return zmq__fail(EINVAL);
    if (poller_idle(poller)) { // nothing can end it but the time
        if (timeout < 0) return zmq__fail(EFAULT);
        return zmq__poll_sleep(timeout, NULL) < 0 ? -1 : zmq__fail(EAGAIN);
    }
    const int ready = zmq__poll_items(poller->items, poller->count, timeout, NULL, poller->bell);
    if (ready < 0) return -1;
    if (ready == 0) return zmq__fail(EAGAIN);
    int told = 0;
    for (size_t i = 0; i < poller->count && told < count; i++) {
        const zmq_pollitem_t *item = poller->items + i;
        if (!item->revents) continue;
        events[told++] = (zmq_poller_event_t){.socket = item->socket,
                                              .fd = item->fd,
                                              .user_data = poller->notes[i].user_data,
                                              .events = item->revents};
    }
    return told;
}

int zmq_poller_wait(void *handle, zmq_poller_event_t *event, long timeout)
{
    const int result = zmq_poller_wait_all(handle, event, 1, timeout);
    if (result >= 0) return 0;
    if (event) *event = (zmq_poller_event_t){.fd = -1};
    return result;
}

// Only sockets for all threads make it: the others have descriptors of their own, by ZMQ_FD.
int zmq_poller_fd(void *handle, zmq_fd_t *fd)
{
    const struct zmq__poller *poller = poller_of(handle);
    bool safe = false;
    if (!poller) return -1;
    if (!fd) return zmq__fail(EFAULT);
    for (size_t i = 0; i < poller->count && !safe; i++)
        safe = poller->notes[i].watched;
    if (!safe) return zmq__fail(EINVAL);
    *fd = poller->bell;
    return 0;
}
