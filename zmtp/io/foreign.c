#include "foreign.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "address.h"
#include "uv_socket.h"

static void foreign_free(struct zmtp_uv *uv, struct zmtp__foreign *foreign)
{
    if (foreign->fd >= 0) close(foreign->fd);
    if (foreign->clock >= 0) close(foreign->clock);
    if (foreign->bell >= 0) close(foreign->bell);
    zmtp_free(uv->allocator, foreign, sizeof *foreign);
}

void zmtp__foreign_close(struct zmtp_uv *uv)
{
    if (uv->foreign) foreign_free(uv, uv->foreign);
    uv->foreign = NULL;
}

static bool foreign_watch(const struct zmtp__foreign *foreign, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    return epoll_ctl(foreign->fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

// Opens the three; false leaves errno.
static bool foreign_open(struct zmtp__foreign *foreign, int backend)
{
    foreign->fd = epoll_create1(EPOLL_CLOEXEC);
    if (foreign->fd < 0) return false;
    foreign->clock = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (foreign->clock < 0) return false;
    foreign->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (foreign->bell < 0) return false;
    return foreign_watch(foreign, backend) && foreign_watch(foreign, foreign->clock) &&
           foreign_watch(foreign, foreign->bell);
}

// Is there a message that the user is to fetch?
static bool foreign_readable(const struct zmtp_uv *uv)
{
    for (const struct zmtp_uv_socket *socket = uv->sockets; socket; socket = socket->next) {
        if (!socket->core || socket->config.on_message) continue;
        if (zmtp_socket_events(socket->core) & ZMTP_READABLE) return true;
    }
    return false;
}

// How long the loop may sleep; -1: for ever.
static int foreign_timeout(const struct zmtp_uv *uv)
{
    if (!uv_loop_alive(uv->loop)) return -1;
    uv_update_time(uv->loop);
    const int timeout = uv_backend_timeout(uv->loop);
    // Sockets are asked only when the engine has nothing left to do: asking takes off the marks by
    // which it finds what to do.
    return timeout != 0 && foreign_readable(uv) ? 0 : timeout;
}

void zmtp__foreign_ring(struct zmtp_uv *uv)
{
    struct zmtp__foreign *foreign = uv->foreign;
    if (!foreign || foreign->rung || uv->running) return;
    foreign->rung = eventfd_write(foreign->bell, 1) == 0;
}

static void foreign_silence(struct zmtp__foreign *foreign)
{
    eventfd_t rings;
    if (foreign->rung) (void)eventfd_read(foreign->bell, &rings); // it was rung, so this succeeds
    foreign->rung = false;
}

void zmtp__foreign_settle(struct zmtp_uv *uv)
{
    struct zmtp__foreign *foreign = uv->foreign;
    if (!foreign) return;
    const int timeout = foreign_timeout(uv);
    if (timeout == 0) {
        zmtp__foreign_ring(uv);
        return;
    }
    foreign_silence(foreign);
    struct itimerspec when = {{0, 0}, {0, 0}}; // never
    if (timeout > 0)
        when.it_value =
            (struct timespec){.tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000L};
    // Fails only for times out of range. Setting it also ends its being readable.
    (void)timerfd_settime(foreign->clock, 0, &when, NULL);
}

int zmtp_uv_fd(struct zmtp_uv *uv)
{
    if (!uv) return ZMTP_ERR_ARGUMENT;
    if (!zmtp__engine_enter(uv)) return ZMTP_ERR_STATE;
    if (uv->foreign) return uv->foreign->fd;
    struct zmtp__foreign *foreign = zmtp_alloc(uv->allocator, sizeof *foreign);
    if (!foreign) return ZMTP_ERR_MEMORY;
    *foreign = (struct zmtp__foreign){.fd = -1, .clock = -1, .bell = -1};
    if (!foreign_open(foreign, uv_backend_fd(uv->loop))) {
        const int error = zmtp__address_error(errno);
        foreign_free(uv, foreign);
        return error;
    }
    uv->foreign = foreign;
    zmtp__foreign_settle(uv);
    return foreign->fd;
}

int zmtp_uv_timeout_ms(struct zmtp_uv *uv)
{
    if (!uv) return ZMTP_ERR_ARGUMENT;
    if (!zmtp__engine_enter(uv)) return ZMTP_ERR_STATE;
    zmtp__foreign_settle(uv);
    return foreign_timeout(uv);
}

int zmtp_uv_turn(struct zmtp_uv *uv)
{
    if (!uv) return ZMTP_ERR_ARGUMENT;
    if (!zmtp__engine_enter(uv)) return ZMTP_ERR_STATE;
    if (uv->running || uv->calling > 0) return ZMTP_ERR_STATE;
    (void)zmtp__engine_run(uv, UV_RUN_NOWAIT); // the engine may have gone by it; the caller is told
    return ZMTP_OK;
}
