#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "world.h"

enum { MONITOR_NEWS_MAX = 1000 }; // as many as the real one keeps

void zmtp__mock_tell(struct zmtp__ffi_net_socket *socket, int32_t news, uint32_t value,
                     const char *endpoint)
{
    struct zmtp__ffi_net_monitor *const monitor = socket ? socket->monitor : NULL;
    if (!monitor || !(monitor->wanted & news) || monitor->count == MONITOR_NEWS_MAX) return;
    struct zmtp__ffi_net_news *const place =
        &monitor->news[(monitor->head + monitor->count++) % MONITOR_NEWS_MAX];
    *place = (struct zmtp__ffi_net_news){.news = news, .value = value};
    strcpy(place->endpoint, endpoint);
    (void)eventfd_write(monitor->bell, 1);
}

int32_t zmtp__ffi_net_monitor_open(struct zmtp__ffi_net_monitor **out,
                                   struct zmtp__ffi_net_context *context,
                                   struct zmtp__ffi_net_socket *socket, int32_t news)
{
    (void)context;
    struct zmtp__ffi_net_monitor *const monitor = zmtp_alloc(NULL, sizeof *monitor);
    if (!monitor) return ZMTP_FFI_MEMORY;
    *monitor = (struct zmtp__ffi_net_monitor){.socket = socket, .wanted = news};
    monitor->news = zmtp_alloc(NULL, MONITOR_NEWS_MAX * sizeof *monitor->news);
    monitor->bell = monitor->news ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
    if (monitor->bell < 0) {
        const bool fed = monitor->news;
        zmtp_free(NULL, monitor->news, fed ? MONITOR_NEWS_MAX * sizeof *monitor->news : 0);
        zmtp_free(NULL, monitor, sizeof *monitor);
        return fed ? ZMTP_FFI_DESCRIPTORS : ZMTP_FFI_MEMORY;
    }
    zmtp__mock_lock();
    zmtp__mock_tell(socket, ZMTP_FFI_NEWS_MONITOR_STOPPED, 0, "");
    if (socket->monitor) socket->monitor->socket = NULL;
    socket->monitor = monitor;
    zmtp__mock_unlock();
    *out = monitor;
    return ZMTP_FFI_OK;
}

void zmtp__ffi_net_monitor_close(struct zmtp__ffi_net_monitor *monitor)
{
    zmtp__mock_lock();
    if (monitor->socket) monitor->socket->monitor = NULL;
    zmtp__mock_unlock();
    close(monitor->bell);
    zmtp_free(NULL, monitor->news, MONITOR_NEWS_MAX * sizeof *monitor->news);
    zmtp_free(NULL, monitor, sizeof *monitor);
}

int32_t zmtp__ffi_net_monitor_next(struct zmtp__ffi_net_monitor *monitor,
                                   struct zmtp__ffi_net_news *out)
{
    eventfd_t rings;
    int32_t code = ZMTP_FFI_AGAIN;
    zmtp__mock_lock();
    if (monitor->count > 0) {
        *out = monitor->news[monitor->head];
        monitor->head = (monitor->head + 1) % MONITOR_NEWS_MAX;
        monitor->count--;
        code = ZMTP_FFI_OK;
    }
    if (monitor->count == 0) (void)eventfd_read(monitor->bell, &rings);
    zmtp__mock_unlock();
    return code;
}

bool zmtp__ffi_net_monitor_ready(struct zmtp__ffi_net_monitor *monitor)
{
    zmtp__mock_lock();
    const bool ready = monitor->count > 0;
    zmtp__mock_unlock();
    return ready;
}

int32_t zmtp__ffi_net_monitor_descriptor(struct zmtp__ffi_net_monitor *monitor)
{
    return monitor->bell;
}

void zmtp__ffi_net_monitor_ring(struct zmtp__ffi_net_monitor *monitor)
{
    (void)eventfd_write(monitor->bell, 1);
}
