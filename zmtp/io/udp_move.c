// Datagrams between the kernel and a pipe.
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/uio.h>

#include "../base/ip.h"
#include "../msg/pipe.h"
#include "udp.h"

enum {
    // One event of one endpoint: then others get their turn.
    UDP_READS = 64,
    UDP_WRITES = 256,
    // A connected descriptor tells by the next call that nobody heard an earlier datagram; more
    // than one may have been waiting to be told.
    UDP_REFUSALS = 4,
};

// What came in is lost.
static void udp_drop(struct zmtp__udp *udp, enum zmtp_drop reason)
{
    if (udp->socket->core) zmtp_socket_drop(udp->socket->core, reason, 1);
}

// The system's form of an address that the pattern has checked, for a descriptor of the family.
static bool udp_address(const struct zmtp__ip *ip, int family, struct zmtp__address *out)
{
    if (ip->six && family == AF_INET) return false;
    if (family == AF_INET) {
        struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(ip->port)};
        memcpy(&four.sin_addr, ip->octets, sizeof four.sin_addr);
        *out = (struct zmtp__address){.size = sizeof four};
        memcpy(&out->at, &four, sizeof four);
        return true;
    }
    struct sockaddr_in6 six = {
        .sin6_family = AF_INET6, .sin6_port = htons(ip->port), .sin6_scope_id = ip->scope};
    uint8_t *const octets = six.sin6_addr.s6_addr;
    if (ip->six) {
        memcpy(octets, ip->octets, sizeof ip->octets);
    } else { // RFC 4291, 2.5.5.2
        octets[10] = octets[11] = 0xFF;
        memcpy(octets + 12, ip->octets, 4);
    }
    *out = (struct zmtp__address){.size = sizeof six};
    memcpy(&out->at, &six, sizeof six);
    return true;
}

// Sends octets to |to|; null: to where the descriptor is connected. 0 or errno.
static int udp_send(int fd, struct zmtp__address *to, struct iovec *parts, size_t count)
{
    const struct msghdr message = {.msg_name = to ? &to->at : NULL,
                                   .msg_namelen = to ? to->size : 0,
                                   .msg_iov = parts,
                                   .msg_iovlen = count};
    for (int refusals = 0; refusals < UDP_REFUSALS;) {
        if (sendmsg(fd, &message, MSG_NOSIGNAL) >= 0) return 0;
        if (errno == ECONNREFUSED)
            refusals++;
        else if (errno != EINTR)
            return errno;
    }
    return ECONNREFUSED;
}

static struct iovec udp_part(struct zmtp_bytes octets)
{
    // The kernel only reads what a sending iovec points at.
    return (struct iovec){(void *)(uintptr_t)octets.data, octets.size};
}

// Sends a message of two parts as a datagram. 0 or errno.
static int udp_send_parts(struct zmtp__udp *udp, struct zmtp_bytes first, struct zmtp_bytes body)
{
    const int fd = udp->watch->fd;
    udp->counters.bytes_out += body.size;
    if (udp->socket->config.socket.type == ZMTP_RADIO) {
        uint8_t size = (uint8_t)first.size; // the pattern has checked it
        struct iovec parts[] = {{&size, 1}, udp_part(first), udp_part(body)};
        udp->counters.bytes_out += 1 + first.size;
        return udp_send(fd, &udp->to, parts, 3);
    }
    struct iovec part = udp_part(body);
    if (!udp->bound) return udp_send(fd, NULL, &part, 1);
    struct zmtp__ip ip;
    struct zmtp__address to;
    if (!zmtp__ip_parse(first, &ip) || !udp_address(&ip, udp->family, &to)) return EAFNOSUPPORT;
    return udp_send(fd, &to, &part, 1);
}

// The first message of the queue leaves, one way or the other. False: it has to wait.
static bool udp_write_first(struct zmtp__udp *udp)
{
    struct zmtp__queue *queue = udp->end->in;
    struct zmtp__queue_part part = {.at = NULL};
    (void)zmtp__queue_next_part(queue, &part); // a message has a first part
    const struct zmtp_bytes first = part.body;
    if (!part.command && zmtp__queue_next_part(queue, &part)) {
        const uint64_t before = udp->counters.bytes_out;
        const int error = udp_send_parts(udp, first, part.body);
        if (error != 0) udp->counters.bytes_out = before;
        if (error == EAGAIN) return false;
        if (error != 0) {
            zmtp_socket_lose(udp->socket->core, udp->end, ZMTP_DROP_UNSENT);
            return true;
        }
        udp->counters.messages_out++;
    }
    zmtp__queue_drop(queue);
    zmtp__pipe_consumed(udp->end);
    return true;
}

bool zmtp__udp_write(struct zmtp__udp *udp)
{
    if (!udp->watch || !udp->end) return true;
    udp->blocked = false;
    for (int i = 0; i < UDP_WRITES && udp->end->in->count > 0 && !udp->blocked; i++)
        udp->blocked = !udp_write_first(udp);
    return udp->blocked || udp->end->in->count == 0;
}

static int udp_queue(struct zmtp__queue *queue, struct zmtp_bytes first, struct zmtp_bytes body)
{
    zmtp__queue_begin(queue);
    int result = zmtp__queue_put(queue, first, NULL, ZMTP_FLAG_MORE);
    if (result == ZMTP_OK) result = zmtp__queue_put(queue, body, NULL, 0);
    if (result == ZMTP_OK) zmtp__queue_end(queue, 1);
    return result;
}

// A datagram came in whole.
static void udp_take(struct zmtp__udp *udp, const struct zmtp__address *from,
                     struct zmtp_bytes octets)
{
    struct zmtp_datagram datagram = {.body = octets};
    char sender[ZMTP__ADDRESS_TEXT_MAX];
    if (udp->socket->config.socket.type == ZMTP_DGRAM) {
        zmtp__address_plain(from, sender, sizeof sender);
        datagram.group = zmtp_bytes_of(sender, strlen(sender) + 1);
    } else if (zmtp_datagram_decode(octets, &datagram) < 0) {
        udp_drop(udp, ZMTP_DROP_MALFORMED);
        return;
    }
    struct zmtp__queue *queue = udp->end->out;
    if (udp->end->other->closed) return;
    if (zmtp__queue_full(queue) || udp_queue(queue, datagram.group, datagram.body) < 0) {
        udp_drop(udp, ZMTP_DROP_NO_ROOM);
        return;
    }
    udp->counters.messages_in++;
    zmtp__pipe_published(udp->end);
}

// Reads one datagram. False: there are no more.
static bool udp_read_one(struct zmtp__udp *udp)
{
    const size_t max = udp->socket->config.socket.datagram_max;
    const struct zmtp_uv *uv = udp->uv;
    struct zmtp__inbox *inbox = zmtp__pool_inbox(uv->pool);
    struct zmtp__address from = {.size = sizeof from.at};
    uint8_t nothing;
    struct iovec room = {&nothing, 1};
    const bool memory = zmtp__inbox_reserve(inbox, uv->pool, uv->allocator, max);
    if (memory) room = (struct iovec){inbox->slab->data + inbox->used, max};
    struct msghdr message = {
        .msg_name = &from.at, .msg_namelen = from.size, .msg_iov = &room, .msg_iovlen = 1};
    const ssize_t size = recvmsg(udp->watch->fd, &message, 0);
    // Of what was sent before, somebody may tell that it was not heard; that is no end of anything.
    if (size < 0) return errno == EINTR || errno == ECONNREFUSED;
    from.size = message.msg_namelen;
    udp->counters.bytes_in += (size_t)size;
    udp->counters.heard_ms = uv_now(uv->loop);
    if (!memory)
        udp_drop(udp, ZMTP_DROP_NO_ROOM);
    else if (message.msg_flags & MSG_TRUNC)
        udp_drop(udp, ZMTP_DROP_MALFORMED);
    else
        udp_take(udp, &from, zmtp_bytes_of(room.iov_base, (size_t)size));
    return true;
}

void zmtp__udp_read(struct zmtp__udp *udp)
{
    for (int i = 0; i < UDP_READS && udp_read_one(udp); i++) {}
}
