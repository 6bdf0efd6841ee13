#include "transport.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

// What the sender of an ipc connection may have on the way; the system allows itself twice that, and
// has a bound of its own. With its default a large message waits several times for the reader, who has
// to take three quarters of what is there before the sender is woken. A tcp connection's buffers grow
// as they are needed, but not once they were told a size.
enum { TRANSPORT_IPC_BUFFER = 512 * 1024 };

// What is being set on one descriptor; |option| names what was refused, and then the rest is left.
struct transport_job {
    int fd;
    const char *option;
};

// Sets what is not 0.
static void transport_set(struct transport_job *job, int level, int name, uint32_t value,
                          const char *option)
{
    const int number = (int)value; // the config was checked
    if (job->option || value == 0) return;
    if (setsockopt(job->fd, level, name, &number, sizeof number) < 0) job->option = option;
}

static void transport_set_device(struct transport_job *job, const char *device)
{
    if (job->option || device[0] == '\0') return;
    const socklen_t size = (socklen_t)strlen(device);
    if (setsockopt(job->fd, SOL_SOCKET, SO_BINDTODEVICE, device, size) < 0)
        job->option = "transport.device";
}

static void transport_set_ip(struct transport_job *job, const struct zmtp_uv_transport *transport,
                             int family)
{
    const uint32_t tos = transport->type_of_service;
    transport_set_device(job, transport->device);
    // An IPv6 socket may have IPv4 connections.
    transport_set(job, IPPROTO_IP, IP_TOS, tos, "transport.type_of_service");
    if (family == AF_INET6)
        transport_set(job, IPPROTO_IPV6, IPV6_TCLASS, tos, "transport.type_of_service");
    // The type of service changes it.
    transport_set(job, SOL_SOCKET, SO_PRIORITY, transport->priority, "transport.priority");
    transport_set(job, SOL_SOCKET, SO_BUSY_POLL, transport->busy_poll_us, "transport.busy_poll_us");
}

static void transport_set_tcp(struct transport_job *job, const struct zmtp_uv_transport *transport)
{
    transport_set(job, IPPROTO_TCP, TCP_USER_TIMEOUT, transport->unacknowledged_ms,
                  "transport.unacknowledged_ms");
    if (!transport->keepalive) return;
    transport_set(job, SOL_SOCKET, SO_KEEPALIVE, 1, "transport.keepalive");
    transport_set(job, IPPROTO_TCP, TCP_KEEPIDLE, transport->keepalive_idle_s,
                  "transport.keepalive_idle_s");
    transport_set(job, IPPROTO_TCP, TCP_KEEPINTVL, transport->keepalive_interval_s,
                  "transport.keepalive_interval_s");
    transport_set(job, IPPROTO_TCP, TCP_KEEPCNT, transport->keepalive_count,
                  "transport.keepalive_count");
}

static struct transport_job transport_begin(const struct zmtp_uv_transport *transport, int fd,
                                            int family)
{
    struct transport_job job = {.fd = fd};
    // Before the connection is made, as its window's scale is chosen then.
    transport_set(&job, SOL_SOCKET, SO_SNDBUF, transport->send_buffer, "transport.send_buffer");
    transport_set(&job, SOL_SOCKET, SO_RCVBUF, transport->recv_buffer, "transport.recv_buffer");
    if (family == AF_INET || family == AF_INET6) transport_set_ip(&job, transport, family);
    return job;
}

bool zmtp__transport_prepare(const struct zmtp_uv_transport *transport, int fd, int family,
                             const char **option)
{
    struct transport_job job = transport_begin(transport, fd, family);
    if (family == AF_INET || family == AF_INET6) transport_set_tcp(&job, transport);
    *option = job.option;
    return !job.option;
}

bool zmtp__transport_prepare_datagrams(const struct zmtp_uv_transport *transport, int fd,
                                       int family, const char **option)
{
    const struct transport_job job = transport_begin(transport, fd, family);
    *option = job.option;
    return !job.option;
}

static bool transport_hurries(int fd)
{
    const int on = 1;
    return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0;
}

// What is none of tcp; accepted ones have nothing from their listener.
static void transport_tune_local(const struct zmtp_uv_transport *transport, int fd)
{
    struct transport_job job = {.fd = fd};
    const uint32_t send =
        transport->send_buffer > 0 ? transport->send_buffer : TRANSPORT_IPC_BUFFER;
    transport_set(&job, SOL_SOCKET, SO_SNDBUF, send, "");
    transport_set(&job, SOL_SOCKET, SO_RCVBUF, transport->recv_buffer, "");
}

void zmtp__transport_tune(const struct zmtp_uv_transport *transport, int fd)
{
    if (!transport_hurries(fd)) transport_tune_local(transport, fd);
}

bool zmtp__transport_tune_listener(int fd)
{
    return transport_hurries(fd);
}

void zmtp__transport_tune_accepted(const struct zmtp_uv_transport *transport, int fd, bool inherits)
{
    struct transport_job job = {.fd = fd};
    // The one thing that an accepted connection has not from its listener, which was granted it.
    if (inherits)
        transport_set(&job, SOL_SOCKET, SO_PRIORITY, transport->priority, "");
    else
        transport_tune_local(transport, fd);
}
