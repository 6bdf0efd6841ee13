#include <string.h>

#include "../base.h"
#include "socket.h"
#include "wait.h"

static int64_t monitor_open(struct zmtp__ffi_slot *slot, int32_t news)
{
    struct zmtp__ffi_socket *const socket = slot->object;
    struct zmtp__ffi_monitor *const monitor = zmtp_alloc(NULL, sizeof *monitor);
    if (!monitor) return ZMTP_FFI_MEMORY;
    *monitor = (struct zmtp__ffi_monitor){0};
    monitor->context = zmtp__ffi_pin(socket->context->handle, ZMTP_FFI_KIND_CONTEXT);
    int64_t result = ZMTP_FFI_CLOSED;
    if (monitor->context)
        result = zmtp__ffi_net_monitor_open(&monitor->net, zmtp__ffi_context_net(socket->context),
                                            socket->net, news);
    if (result >= 0) {
        pthread_mutex_init(&monitor->mutex, NULL);
        result = zmtp__ffi_table_add(ZMTP_FFI_KIND_MONITOR, monitor, monitor->context->handle);
        if (result >= 0) return result;
        pthread_mutex_destroy(&monitor->mutex);
        zmtp__ffi_net_monitor_close(monitor->net);
    }
    if (monitor->context) zmtp__ffi_unpin(monitor->context);
    zmtp_free(NULL, monitor, sizeof *monitor);
    return result;
}

int64_t zmtp_ffi_monitor_open(uint64_t handle, int32_t news)
{
    int32_t code;
    struct zmtp__ffi_slot *const slot =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_SOCKET, __func__, &code);
    if (!slot) return code;
    int64_t opened = ZMTP_FFI_ARGUMENT;
    if (news != 0 && !(news & ~ZMTP_FFI_NEWS_ALL)) opened = monitor_open(slot, news);
    const struct zmtp__ffi_socket *const socket = slot->object;
    if (opened > 0 && zmtp__ffi_table_closed(socket->context))
        (void)zmtp_ffi_close((uint64_t)opened);
    zmtp__ffi_depart(slot);
    return opened;
}

void zmtp__ffi_monitor_shut(struct zmtp__ffi_slot *slot)
{
    zmtp__ffi_wake(slot);
}

void zmtp__ffi_monitor_free(struct zmtp__ffi_slot *slot)
{
    struct zmtp__ffi_monitor *const monitor = slot->object;
    struct zmtp__ffi_slot *const context = monitor->context;
    zmtp__ffi_net_monitor_close(monitor->net);
    pthread_mutex_destroy(&monitor->mutex);
    zmtp_free(NULL, monitor, sizeof *monitor);
    zmtp__ffi_unpin(context);
}

static int64_t monitor_next(struct zmtp__ffi_attempt *attempt)
{
    struct zmtp__ffi_monitor *const monitor = attempt->slot->object;
    struct zmtp__ffi_net_news news;
    const int32_t code = zmtp__ffi_net_monitor_next(monitor->net, &news);
    if (code < 0) return code;
    pthread_mutex_lock(&monitor->mutex);
    monitor->last = news;
    pthread_mutex_unlock(&monitor->mutex);
    return news.news;
}

static int32_t monitor_receive(uint64_t handle, int32_t wait_ms, const char *function)
{
    int32_t code;
    struct zmtp__ffi_slot *const slot =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_MONITOR, function, &code);
    if (!slot) return code;
    struct zmtp__ffi_attempt attempt = {.run = monitor_next, .slot = slot};
    code = (int32_t)zmtp__ffi_wait(&attempt, wait_ms);
    zmtp__ffi_unpin(slot);
    return code;
}

int32_t zmtp_ffi_monitor_try(uint64_t monitor)
{
    return monitor_receive(monitor, 0, __func__);
}

int32_t zmtp_ffi_monitor_wait(uint64_t monitor, int32_t wait_ms)
{
    return monitor_receive(monitor, wait_ms, __func__);
}

// A copy of the last event. False: |*code| says why.
static bool monitor_last(uint64_t handle, struct zmtp__ffi_net_news *out, int32_t *code,
                         const char *function)
{
    struct zmtp__ffi_slot *const slot =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_MONITOR, function, code);
    if (!slot) return false;
    struct zmtp__ffi_monitor *const monitor = slot->object;
    pthread_mutex_lock(&monitor->mutex);
    *out = monitor->last;
    pthread_mutex_unlock(&monitor->mutex);
    zmtp__ffi_unpin(slot);
    return true;
}

int64_t zmtp_ffi_monitor_value(uint64_t handle)
{
    struct zmtp__ffi_net_news news;
    int32_t code;
    return monitor_last(handle, &news, &code, __func__) ? (int64_t)news.value : code;
}

int64_t zmtp_ffi_monitor_endpoint(uint64_t handle, void *room, size_t size)
{
    struct zmtp__ffi_net_news news;
    int32_t code;
    if (!monitor_last(handle, &news, &code, __func__)) return code;
    const size_t count = strlen(news.endpoint);
    if (!room && size > 0) return ZMTP_FFI_ARGUMENT;
    if (count > size) return ZMTP_FFI_LIMIT;
    if (count > 0) memcpy(room, news.endpoint, count);
    return (int64_t)count;
}
