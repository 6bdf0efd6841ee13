#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "error.h"
#include "poll.h"
#include "socket.h"

enum { POLLER_MARK = 0x9077, POLLER_STEP = 16 };
enum { POLLER_EVENTS = ZMQ_POLLIN | ZMQ_POLLOUT | ZMQ_POLLERR | ZMQ_POLLPRI };

// Items, and what the user said of each, in the order in which they were added.
struct zmq__poller {
    int mark;
    int epoll; // of the sockets' bells, for zmq_poller_fd; -1: nobody has asked
    size_t count, capacity;
    zmq_pollitem_t *items;
    void **user_data;
};

// Null, and errno tells.
static struct zmq__poller *poller_of(void *handle)
{
    struct zmq__poller *poller = handle;
    return poller && poller->mark == POLLER_MARK ? poller : zmq__fail_null(EFAULT);
}

static bool poller_grow(struct zmq__poller *poller)
{
    if (poller->count < poller->capacity) return true;
    const size_t old = poller->capacity, capacity = old + POLLER_STEP;
    zmq_pollitem_t *items = zmtp_realloc(NULL, poller->items, old * sizeof *poller->items,
                                         capacity * sizeof *poller->items);
    if (!items) return false;
    poller->items = items;
    void **user_data = zmtp_realloc(NULL, poller->user_data, old * sizeof *poller->user_data,
                                    capacity * sizeof *poller->user_data);
    if (!user_data) {
        // A shrink never fails.
        poller->items = zmtp_realloc(NULL, poller->items, capacity * sizeof *poller->items,
                                     old * sizeof *poller->items);
        return false;
    }
    poller->user_data = user_data;
    poller->capacity = capacity;
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

static int poller_watch(const struct zmq__poller *poller, void *handle)
{
    struct zmq__socket *socket = zmq__socket_of(handle);
    const int bell = socket ? zmq__socket_fd(socket) : -1;
    if (bell < 0) return -1;
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll_ctl(poller->epoll, EPOLL_CTL_ADD, bell, &event) < 0) return zmq__fail(errno);
    return 0;
}

static int poller_add(struct zmq__poller *poller, void *socket, int fd, void *user_data,
                      short events)
{
    if (events & ~POLLER_EVENTS) return zmq__fail(EINVAL);
    if (poller_find(poller, socket, fd) < poller->count) return zmq__fail(EINVAL);
    if (!poller_grow(poller)) return zmq__fail(ENOMEM);
    if (socket && poller->epoll >= 0 && poller_watch(poller, socket) < 0) return -1;
    poller->items[poller->count] =
        (zmq_pollitem_t){.socket = socket, .fd = socket ? -1 : fd, .events = events};
    poller->user_data[poller->count++] = user_data;
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

static int poller_remove(struct zmq__poller *poller, void *socket, int fd)
{
    const size_t index = poller_find(poller, socket, fd);
    if (index == poller->count) return zmq__fail(EINVAL);
    struct zmq__socket *open = socket && poller->epoll >= 0 ? zmq__socket_of(socket) : NULL;
    // The bell of a socket that is closed left by itself.
    if (open) (void)epoll_ctl(poller->epoll, EPOLL_CTL_DEL, zmq__socket_fd(open), NULL);
    poller->count--;
    memmove(poller->items + index, poller->items + index + 1,
            (poller->count - index) * sizeof *poller->items);
    memmove(poller->user_data + index, poller->user_data + index + 1,
            (poller->count - index) * sizeof *poller->user_data);
    return 0;
}

void *zmq_poller_new(void)
{
    struct zmq__poller *poller = zmtp_alloc(NULL, sizeof *poller);
    if (!poller) return zmq__fail_null(ENOMEM);
    *poller = (struct zmq__poller){.mark = POLLER_MARK, .epoll = -1};
    return poller;
}

int zmq_poller_destroy(void **handle)
{
    struct zmq__poller *poller = handle ? poller_of(*handle) : zmq__fail_null(EFAULT);
    if (!poller) return -1;
    if (poller->epoll >= 0) close(poller->epoll);
    zmtp_free(NULL, poller->items, poller->capacity * sizeof *poller->items);
    zmtp_free(NULL, poller->user_data, poller->capacity * sizeof *poller->user_data);
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
    const int ready = zmq__poll_items(poller->items, poller->count, timeout, NULL);
    if (ready < 0) return -1;
    if (ready == 0) return zmq__fail(EAGAIN);
    int told = 0;
    for (size_t i = 0; i < poller->count && told < count; i++) {
        const zmq_pollitem_t *item = poller->items + i;
        if (!item->revents) continue;
        events[told++] = (zmq_poller_event_t){.socket = item->socket,
                                              .fd = item->fd,
                                              .user_data = poller->user_data[i],
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
static bool poller_has_safe(const struct zmq__poller *poller)
{
    for (size_t i = 0; i < poller->count; i++) {
        int safe = 0;
        size_t size = sizeof safe;
        void *socket = poller->items[i].socket;
        if (socket && zmq_getsockopt(socket, ZMQ_THREAD_SAFE, &safe, &size) == 0 && safe)
            return true;
    }
    return false;
}

int zmq_poller_fd(void *handle, zmq_fd_t *fd)
{
    struct zmq__poller *poller = poller_of(handle);
    if (!poller) return -1;
    if (!fd) return zmq__fail(EFAULT);
    if (!poller_has_safe(poller)) return zmq__fail(EINVAL);
    if (poller->epoll < 0) {
        poller->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (poller->epoll < 0) return zmq__fail(errno);
        for (size_t i = 0; i < poller->count; i++)
            if (poller->items[i].socket && poller_watch(poller, poller->items[i].socket) < 0) {
                close(poller->epoll);
                poller->epoll = -1;
                return -1;
            }
    }
    *fd = poller->epoll;
    return 0;
}
