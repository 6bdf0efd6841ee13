#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../base.h"
#include "socket.h"
#include "wait.h"

// Handles are looked at again as often, even if nothing rings: others may wait there, too.
enum { POLLER_LOOK_MS = 10, POLLER_ALONE_MS = 1000 };

struct poller_item {
    uint64_t handle; // 0: |descriptor|
    int32_t descriptor, events;
    int32_t found;
    struct zmtp__ffi_slot *slot; // while it waits; null: it is closed
};

struct poller_object {
    pthread_mutex_t mutex; // for all of this
    struct poller_item *items;
    size_t count, capacity;
    struct poller_item *ready; // as many as |items| have room
    size_t ready_count;
    int bell; // an eventfd: it was closed, or its items have changed
};

int64_t zmtp_ffi_poller_open(void)
{
    const int32_t code = zmtp__ffi_net_fault(__func__);
    if (code < 0) return code;
    struct poller_object *const poller = zmtp_alloc(NULL, sizeof *poller);
    if (!poller) return ZMTP_FFI_MEMORY;
    *poller = (struct poller_object){.bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    int64_t handle = poller->bell < 0 ? ZMTP_FFI_DESCRIPTORS : 0;
    if (handle == 0) {
        pthread_mutex_init(&poller->mutex, NULL);
        handle = zmtp__ffi_table_add(ZMTP_FFI_KIND_POLLER, poller, 0);
        if (handle > 0) return handle;
        pthread_mutex_destroy(&poller->mutex);
        close(poller->bell);
    }
    zmtp_free(NULL, poller, sizeof *poller);
    return handle;
}

void zmtp__ffi_poller_shut(struct zmtp__ffi_slot *slot)
{
    const struct poller_object *const poller = slot->object;
    (void)eventfd_write(poller->bell, 1);
}

void zmtp__ffi_poller_free(struct zmtp__ffi_slot *slot)
{
    struct poller_object *const poller = slot->object;
    const size_t size = poller->capacity * sizeof *poller->items;
    zmtp_free(NULL, poller->items, size);
    zmtp_free(NULL, poller->ready, size);
    close(poller->bell);
    pthread_mutex_destroy(&poller->mutex);
    zmtp_free(NULL, poller, sizeof *poller);
}

// Locked; null: |*code| says why.
static struct poller_object *poller_enter(uint64_t handle, struct zmtp__ffi_slot **slot,
                                          int32_t *code, const char *function)
{
    *slot = zmtp__ffi_enter(handle, ZMTP_FFI_KIND_POLLER, function, code);
    if (!*slot) return NULL;
    struct poller_object *const poller = (*slot)->object;
    pthread_mutex_lock(&poller->mutex);
    *code = ZMTP_FFI_OK;
    return poller;
}

static void poller_leave(struct poller_object *poller, struct zmtp__ffi_slot *slot)
{
    pthread_mutex_unlock(&poller->mutex);
    zmtp__ffi_unpin(slot);
}

static bool poller_grow(struct poller_object *poller)
{
    const size_t before = poller->capacity * sizeof *poller->items;
    const size_t capacity = poller->capacity > 0 ? poller->capacity * 2 : 8;
    struct poller_item *const items = zmtp_alloc(NULL, capacity * sizeof *items);
    struct poller_item *const ready = zmtp_alloc(NULL, capacity * sizeof *ready);
    if (!items || !ready) {
        zmtp_free(NULL, items, capacity * sizeof *items);
        zmtp_free(NULL, ready, capacity * sizeof *ready);
        return false;
    }
    if (before > 0) {
        memcpy(items, poller->items, before);
        memcpy(ready, poller->ready, before);
    }
    zmtp_free(NULL, poller->items, before);
    zmtp_free(NULL, poller->ready, before);
    poller->items = items;
    poller->ready = ready;
    poller->capacity = capacity;
    return true;
}

static struct poller_item *poller_find(struct poller_object *poller, uint64_t handle,
                                       int32_t descriptor)
{
    for (size_t i = 0; i < poller->count; i++)
        if (poller->items[i].handle == handle && poller->items[i].descriptor == descriptor)
            return &poller->items[i];
    return NULL;
}

static int32_t poller_put(uint64_t handle, const struct poller_item *item, const char *function)
{
    struct zmtp__ffi_slot *slot;
    int32_t code;
    if (item->events & ~(ZMTP_FFI_IN | ZMTP_FFI_OUT)) return ZMTP_FFI_ARGUMENT;
    struct poller_object *const poller = poller_enter(handle, &slot, &code, function);
    if (!poller) return code;
    struct poller_item *const there = poller_find(poller, item->handle, item->descriptor);
    if (there)
        there->events = item->events;
    else if (poller->count == poller->capacity && !poller_grow(poller))
        code = ZMTP_FFI_MEMORY;
    else
        poller->items[poller->count++] = *item;
    (void)eventfd_write(poller->bell, 1);
    poller_leave(poller, slot);
    return code;
}

int32_t zmtp_ffi_poller_add(uint64_t poller, uint64_t handle, int32_t events)
{
    const int32_t kind = zmtp_ffi_kind(handle);
    if (kind != ZMTP_FFI_KIND_SOCKET && kind != ZMTP_FFI_KIND_MONITOR) return ZMTP_FFI_HANDLE;
    const struct poller_item item = {.handle = handle, .descriptor = -1, .events = events};
    return poller_put(poller, &item, __func__);
}

int32_t zmtp_ffi_poller_add_descriptor(uint64_t poller, int32_t descriptor, int32_t events)
{
    const struct poller_item item = {.descriptor = descriptor, .events = events};
    return descriptor < 0 ? ZMTP_FFI_ARGUMENT : poller_put(poller, &item, __func__);
}

static int32_t poller_remove(uint64_t handle, uint64_t which, int32_t descriptor,
                             const char *function)
{
    struct zmtp__ffi_slot *slot;
    int32_t code;
    struct poller_object *const poller = poller_enter(handle, &slot, &code, function);
    if (!poller) return code;
    struct poller_item *const there = poller_find(poller, which, descriptor);
    if (there) {
        const size_t behind = (size_t)(poller->items + poller->count - there) - 1;
        memmove(there, there + 1, behind * sizeof *there);
        poller->count--;
    }
    (void)eventfd_write(poller->bell, 1);
    poller_leave(poller, slot);
    return there ? ZMTP_FFI_OK : ZMTP_FFI_NOT_FOUND;
}

int32_t zmtp_ffi_poller_remove(uint64_t poller, uint64_t handle)
{
    return handle == 0 ? ZMTP_FFI_NOT_FOUND : poller_remove(poller, handle, -1, __func__);
}

int32_t zmtp_ffi_poller_remove_descriptor(uint64_t poller, int32_t descriptor)
{
    return descriptor < 0 ? ZMTP_FFI_NOT_FOUND : poller_remove(poller, 0, descriptor, __func__);
}

int32_t zmtp_ffi_poller_count(uint64_t handle)
{
    struct zmtp__ffi_slot *slot;
    int32_t code;
    struct poller_object *const poller = poller_enter(handle, &slot, &code, __func__);
    if (!poller) return code;
    code = (int32_t)poller->count;
    poller_leave(poller, slot);
    return code;
}

// What a look asks for, on a copy, so that nobody has the poller while it sleeps.
struct poller_look {
    size_t count;
    struct poller_item *items;
    struct pollfd *polled; // one more than items: the poller's own bell
};

static size_t poller_look_size(size_t count)
{
    return count * sizeof(struct poller_item) + (count + 1) * sizeof(struct pollfd);
}

// Pins what is open.
static bool poller_look_begin(struct poller_object *poller, struct poller_look *look)
{
    eventfd_t rings;
    pthread_mutex_lock(&poller->mutex);
    (void)eventfd_read(poller->bell, &rings);
    look->count = poller->count;
    look->items = zmtp_alloc(NULL, poller_look_size(look->count));
    if (look->items && look->count > 0)
        memcpy(look->items, poller->items, look->count * sizeof *look->items);
    pthread_mutex_unlock(&poller->mutex);
    if (!look->items) return false;
    look->polled = (struct pollfd *)(void *)(look->items + look->count);
    for (size_t i = 0; i < look->count; i++) {
        struct poller_item *const item = &look->items[i];
        item->slot = item->handle == 0 ? NULL : zmtp__ffi_pin(item->handle, 0);
    }
    return true;
}

static void poller_look_end(struct poller_look *look)
{
    for (size_t i = 0; i < look->count; i++)
        if (look->items[i].slot) zmtp__ffi_depart(look->items[i].slot);
    zmtp_free(NULL, look->items, poller_look_size(look->count));
}

static int32_t poller_found(const struct poller_item *item, const struct pollfd *polled)
{
    if (item->handle == 0) {
        int32_t found = 0;
        if (polled->revents & POLLIN) found |= ZMTP_FFI_IN;
        if (polled->revents & POLLOUT) found |= ZMTP_FFI_OUT;
        if (polled->revents & ~(POLLIN | POLLOUT)) found |= ZMTP_FFI_ERROR;
        return found & (item->events | ZMTP_FFI_ERROR);
    }
    if (!item->slot || zmtp__ffi_table_closed(item->slot)) return ZMTP_FFI_ENDED;
    if (item->events == 0) return 0;
    if (item->slot->kind == ZMTP_FFI_KIND_MONITOR) {
        const struct zmtp__ffi_monitor *const monitor = item->slot->object;
        return zmtp__ffi_net_monitor_ready(monitor->net) ? item->events & ZMTP_FFI_IN : 0;
    }
    const int32_t events = zmtp__ffi_socket_events(item->slot->object);
    return events < 0 ? ZMTP_FFI_ENDED : events & item->events;
}

static int32_t poller_look_at_all(struct poller_look *look)
{
    int32_t ready = 0;
    for (size_t i = 0; i < look->count; i++) {
        look->items[i].found = poller_found(&look->items[i], &look->polled[i]);
        if (look->items[i].found != 0) ready++;
    }
    return ready;
}

// Fills in what the system is to look at. A code.
static int32_t poller_prepare(struct poller_look *look, const struct poller_object *poller)
{
    for (size_t i = 0; i < look->count; i++) {
        const struct poller_item *const item = &look->items[i];
        struct pollfd *const polled = &look->polled[i];
        *polled = (struct pollfd){.fd = item->descriptor};
        if (item->handle == 0) {
            if (item->events & ZMTP_FFI_IN) polled->events |= POLLIN;
            if (item->events & ZMTP_FFI_OUT) polled->events |= POLLOUT;
        } else if (item->slot && item->events != 0) {
            polled->fd = zmtp__ffi_bell(item->slot);
            polled->events = POLLIN;
            if (polled->fd < 0 && polled->fd != ZMTP_FFI_CLOSED) return polled->fd;
        }
    }
    look->polled[look->count] = (struct pollfd){.fd = poller->bell, .events = POLLIN};
    return ZMTP_FFI_OK;
}

static bool poller_count_waiters(const struct poller_look *look, int change)
{
    bool crowded = false;
    for (size_t i = 0; i < look->count; i++) {
        struct zmtp__ffi_slot *const slot = look->items[i].slot;
        if (!slot) continue;
        if (change > 0) zmtp__ffi_wake(slot); // so that another that sleeps there knows
        const unsigned before = atomic_fetch_add(&slot->waiters, (unsigned)change);
        if (change > 0 && before > 0) crowded = true;
    }
    return crowded;
}

// One look, and a sleep if nothing was found. How many are ready, 0 for none yet, or a code.
static int32_t poller_round(struct poller_object *poller, struct poller_look *look,
                            uint64_t deadline_ms)
{
    const int32_t code = poller_prepare(look, poller);
    if (code < 0) return code;
    const bool crowded = poller_count_waiters(look, 1);
    (void)poll(look->polled, look->count + 1, 0); // for the program's descriptors
    int32_t ready = poller_look_at_all(look);
    const int most_ms = crowded ? POLLER_LOOK_MS : POLLER_ALONE_MS;
    const int left_ms = ready > 0 ? 0 : zmtp__ffi_time_left(deadline_ms, most_ms);
    if (left_ms > 0 && poll(look->polled, look->count + 1, left_ms) > 0)
        ready = poller_look_at_all(look);
    (void)poller_count_waiters(look, -1);
    return ready;
}

static void poller_keep(struct poller_object *poller, const struct poller_look *look)
{
    pthread_mutex_lock(&poller->mutex);
    poller->ready_count = 0;
    for (size_t i = 0; i < look->count && poller->ready_count < poller->capacity; i++)
        if (look->items[i].found != 0) poller->ready[poller->ready_count++] = look->items[i];
    pthread_mutex_unlock(&poller->mutex);
}

static int32_t poller_wait(struct zmtp__ffi_slot *slot, int32_t wait_ms)
{
    struct poller_object *const poller = slot->object;
    const uint64_t deadline_ms = wait_ms == 0 ? 0 : zmtp__ffi_deadline(wait_ms);
    for (;;) {
        struct poller_look look;
        if (!poller_look_begin(poller, &look)) return ZMTP_FFI_MEMORY;
        const int32_t ready = poller_round(poller, &look, deadline_ms);
        if (ready >= 0) poller_keep(poller, &look);
        poller_look_end(&look);
        if (ready != 0) return ready;
        if (zmtp__ffi_table_closed(slot)) return ZMTP_FFI_CLOSED;
        if (zmtp__ffi_time_left(deadline_ms, 1) == 0) return ZMTP_FFI_AGAIN;
    }
}

static int32_t poller_call(uint64_t handle, int32_t wait_ms, const char *function)
{
    int32_t code;
    struct zmtp__ffi_slot *const slot =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_POLLER, function, &code);
    if (!slot) return code;
    code = poller_wait(slot, wait_ms);
    zmtp__ffi_unpin(slot);
    return code;
}

int32_t zmtp_ffi_poller_try(uint64_t poller)
{
    return poller_call(poller, 0, __func__);
}

int32_t zmtp_ffi_poller_wait(uint64_t poller, int32_t wait_ms)
{
    return poller_call(poller, wait_ms, __func__);
}

// One that is ready, as a copy. A code.
static int32_t poller_ready(uint64_t handle, int32_t index, struct poller_item *out,
                            const char *function)
{
    struct zmtp__ffi_slot *slot;
    int32_t code;
    struct poller_object *const poller = poller_enter(handle, &slot, &code, function);
    if (!poller) return code;
    if (index >= 0 && (size_t)index < poller->ready_count)
        *out = poller->ready[index];
    else
        code = ZMTP_FFI_NOT_FOUND;
    poller_leave(poller, slot);
    return code;
}

int64_t zmtp_ffi_poller_handle(uint64_t poller, int32_t index)
{
    struct poller_item item;
    const int32_t code = poller_ready(poller, index, &item, __func__);
    if (code < 0) return code;
    return item.handle == 0 ? ZMTP_FFI_NOT_FOUND : (int64_t)item.handle;
}

int32_t zmtp_ffi_poller_descriptor(uint64_t poller, int32_t index)
{
    struct poller_item item;
    const int32_t code = poller_ready(poller, index, &item, __func__);
    if (code < 0) return code;
    return item.handle == 0 ? item.descriptor : ZMTP_FFI_NOT_FOUND;
}

int32_t zmtp_ffi_poller_events(uint64_t poller, int32_t index)
{
    struct poller_item item;
    const int32_t code = poller_ready(poller, index, &item, __func__);
    return code < 0 ? code : item.found;
}
