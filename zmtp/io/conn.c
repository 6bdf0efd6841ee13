#include "conn.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "../msg/pipe.h"
#include "asker.h"
#include "dialler.h"
#include "door.h"
#include "foreign.h"
#include "guard.h"
#include "listener.h"
#include "web.h"

enum {
    // One event of one connection: then others get their turn.
    CONN_READS = 16,
    CONN_READ_BYTES = 256 * 1024,
    CONN_WRITES = 16,
    CONN_VIEWS = 64,
    // So many octets, where nothing of ours waits in the kernel, are written in two, the beginning first. So the other
    // side is awake, and reads, while the rest is copied to it. With one write a round trip of 1 MiB over tcp took twice
    // to three times as long: the reader was woken amid the copy, again and again.
    CONN_LARGE = 256 * 1024,
    CONN_BEGINNING = 32 * 1024,
    // Zen 3 copies (`rep movsb`) at 2.9 GB/s instead of 28 where the octets come to lie 1 to 31 further in a page of 4 KiB than
    // they did. Linux puts what is written into blocks of 32 KiB, of which it begins another when fewer than 32 octets are
    // left, and the first again when all before has gone. A REQ's body out of malloc came to lie 1 further, and its copy was
    // half of a round trip of 1 MiB: 990 us, now 362. The beginning ends, in the last page of the block, before an octet
    // that lies 32 from the end of its page. It leaves 31 to 1 of the block where 1 to 31 further is what the octets are: so
    // with the next block they are 32 further; and where they are not, it changes nothing.
    CONN_PAGE = 4096,
    CONN_SLOW = 64 * 1024,
    CONN_FURTHER = 32,
    CONN_SCRATCH = 16 * 1024,
    // How often a connection that has sent everything looks whether the other side has it.
    CONN_DRAIN_MS = 500,
};

static const unsigned conn_moves[] = {
    [ZMTP__CONN_IDLE] = 1u << ZMTP__CONN_RESOLVING | 1u << ZMTP__CONN_CONNECTING |
                        1u << ZMTP__CONN_OPEN | 1u << ZMTP__CONN_IDLE | 1u << ZMTP__CONN_GONE,
    [ZMTP__CONN_RESOLVING] = 1u << ZMTP__CONN_CONNECTING | 1u << ZMTP__CONN_OPEN |
                             1u << ZMTP__CONN_IDLE | 1u << ZMTP__CONN_GONE,
    [ZMTP__CONN_CONNECTING] = 1u << ZMTP__CONN_CONNECTING | 1u << ZMTP__CONN_OPEN |
                              1u << ZMTP__CONN_IDLE | 1u << ZMTP__CONN_GONE,
    [ZMTP__CONN_OPEN] = 1u << ZMTP__CONN_IDLE | 1u << ZMTP__CONN_DRAINING | 1u << ZMTP__CONN_GONE,
    [ZMTP__CONN_DRAINING] = 1u << ZMTP__CONN_GONE,
    [ZMTP__CONN_GONE] = 0,
};

void zmtp__conn_enter(struct zmtp__conn *conn, enum zmtp__conn_state next)
{
    const bool legal = conn_moves[conn->state] >> next & 1u;
    assert(legal);
    (void)legal; // without assertions nobody asks
    conn->state = next;
}

static uint64_t conn_now(const struct zmtp__conn *conn)
{
    return uv_now(conn->socket->uv->loop);
}

const char *zmtp__conn_endpoint(const struct zmtp__conn *conn)
{
    return conn->dialler ? conn->dialler->endpoint : conn->listener->endpoint;
}

struct zmtp_peer_facts zmtp__conn_facts(const struct zmtp__conn *conn)
{
    struct zmtp_peer_facts facts = zmtp_peer_facts(conn->peer);
    if (facts.routing_id.size == 0 && conn->socket->core && conn->end)
        facts.routing_id = zmtp_socket_routing_id(conn->socket->core, conn->end);
    return facts;
}

void zmtp__conn_tell(struct zmtp__conn *conn, enum zmtp_event_kind kind, int error,
                     struct zmtp_bytes reason, uint32_t retry_ms)
{
    uint8_t routing_id[UINT8_MAX];
    struct zmtp_event event = {.kind = kind,
                               .peer = conn->number,
                               .endpoint = zmtp__conn_endpoint(conn),
                               .remote = conn->remote,
                               .descriptor = conn->descriptor,
                               .process = conn->process,
                               .error = error,
                               .reason = reason,
                               .retry_ms = retry_ms};
    if (conn->peer && conn->up) {
        const struct zmtp_peer_facts facts = zmtp__conn_facts(conn);
        // One that a STREAM has made goes with the core, which the callback may close.
        if (facts.routing_id.size > 0)
            memcpy(routing_id, facts.routing_id.data, facts.routing_id.size);
        event.routing_id = zmtp_bytes_of(routing_id, facts.routing_id.size);
        event.peer_type = facts.type;
        event.mechanism = facts.mechanism;
        event.public_key = facts.public_key;
        event.user_id = facts.user_id;
    }
    zmtp__uv_socket_tell(conn->socket, &event);
}

bool zmtp__conn_empty(const struct zmtp__conn *conn)
{
    return !conn->end || zmtp__pipe_finished(conn->end);
}

// What the peer wants, and what is between it and the kernel.
static unsigned conn_wants(const struct zmtp__conn *conn)
{
    return zmtp_peer_wants(conn->peer) | (conn->web ? zmtp__web_wants(conn) : 0);
}

static uint64_t conn_deadline(const struct zmtp__conn *conn)
{
    const uint64_t due = zmtp_peer_deadline(conn->peer);
    const uint64_t web_due = conn->web ? zmtp__web_deadline(conn) : UINT64_MAX;
    return due < web_due ? due : web_due;
}

// When it wants to be looked at next.
static uint64_t conn_due(const struct zmtp__conn *conn)
{
    uint64_t due = conn->due_ms;
    if (conn->state == ZMTP__CONN_GONE) return UINT64_MAX;
    if (conn->state == ZMTP__CONN_OPEN) due = conn_deadline(conn);
    return conn->leaving && conn->leave_ms < due ? conn->leave_ms : due;
}

static void conn_leave_pending(struct zmtp__conn *conn)
{
    if (conn->pending) zmtp__listener_remove_pending(conn->listener, conn);
}

// Reads and throws away. 1: nothing more now, or much; 0: the other side closed; negative: it broke.
static int conn_discard(int fd)
{
    uint8_t scratch[CONN_SCRATCH];
    for (int i = 0; i < CONN_READS; i++) {
        const ssize_t size = recv(fd, scratch, sizeof scratch, 0);
        if (size == 0) return 0;
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return errno == EAGAIN ? 1 : -1;
    }
    return 1;
}

static void conn_hang_up(struct zmtp__conn *conn)
{
    if (!conn->watch) return;
    // A descriptor closed with unread input resets the connection, and that can destroy what the
    // other side has not read yet.
    (void)conn_discard(conn->watch->fd);
    zmtp__watch_close(conn->watch);
    conn->watch = NULL;
}

// Lets go of what made sense of the octets.
static void conn_close_peer(struct zmtp__conn *conn)
{
    zmtp__web_close(conn);
    zmtp_peer_close(conn->peer);
    conn->peer = NULL;
}

static void conn_gone(uv_handle_t *handle)
{
    struct zmtp__conn *conn = handle->data;
    struct zmtp_uv_socket *socket = conn->socket;
    struct zmtp_uv *uv = socket->uv;
    if (conn->before)
        conn->before->next = conn->next;
    else
        socket->conns = conn->next;
    if (conn->next) conn->next->before = conn->before;
    if (conn->listener) zmtp__listener_unref(conn->listener);
    if (conn->dialler)
        zmtp__dialler_free(conn->dialler, uv);
    else
        zmtp_free(uv->allocator, conn, sizeof *conn);
    zmtp__uv_socket_touch(socket);
    zmtp__engine_handle_closed(uv);
}

void zmtp__conn_drop(struct zmtp__conn *conn)
{
    if (conn->state == ZMTP__CONN_GONE) return;
    (void)zmtp__asker_forget(conn);
    conn_leave_pending(conn);
    if (conn->dialler) zmtp__dialler_dropped(conn->dialler);
    conn_hang_up(conn);
    conn_close_peer(conn);
    zmtp_socket_settle(conn->socket->core, conn->end);
    zmtp_pipe_close(conn->end);
    conn->end = NULL;
    zmtp__conn_enter(conn, ZMTP__CONN_GONE);
    uv_close((uv_handle_t *)&conn->alarm, conn_gone);
    zmtp__uv_socket_touch(conn->socket);
}

// The numbers of RFC 27, which peers send as the reason of an ERROR command, in words.
static struct zmtp_bytes conn_denial(struct zmtp_bytes reason)
{
    static const char *const denials[][2] = {
        {"300", "denied by authoriser: 300 (for now)"},
        {"400", "denied by authoriser: 400 (these credentials are not allowed there)"},
        {"500", "denied by authoriser: 500 (it failed)"},
    };
    for (size_t i = 0; i < sizeof denials / sizeof denials[0]; i++)
        if (zmtp_bytes_equal(reason, zmtp_bytes_text(denials[i][0])))
            return zmtp_bytes_text(denials[i][1]);
    return reason;
}

// Does it speak against whoever came that the handshake failed? Not what failed for our own sake, or came
// to its end.
static bool conn_incriminates(const struct zmtp__conn *conn, int error)
{
    if (!conn->listener || conn->up || conn->leaving) return false;
    return error != ZMTP_ERR_CANCELLED && error != ZMTP_ERR_MEMORY && error != ZMTP_ERR_IN_USE &&
           error != ZMTP_ERR_ROUTING_ID;
}

void zmtp__conn_end(struct zmtp__conn *conn, int error)
{
    if (conn_incriminates(conn, error))
        zmtp__suspects_note(conn->socket->suspects, &conn->source, conn_now(conn));
    struct zmtp_bytes reason = conn_denial(zmtp_peer_reason(conn->peer));
    const char *const silence = zmtp__asker_forget(conn);
    if (error == ZMTP_ERR_DENIED && silence) reason = zmtp_bytes_text(silence);
    if (reason.size == 0 && conn->hint) reason = zmtp_bytes_text(conn->hint);
    if (conn->web) (void)zmtp__web_goodbye(conn, error, conn_now(conn)); // as far as it goes
    zmtp__conn_tell(conn, conn->up ? ZMTP_EVENT_CLOSED : ZMTP_EVENT_HANDSHAKE_FAILED, error, reason,
                    0);
    conn_hang_up(conn);
    conn_close_peer(conn);
    conn->up = conn->tx_blocked = conn->tx_broken = false;
    conn->process = (struct zmtp_uv_process){0};
    conn->ticket = 0;
    conn->hint = NULL;
    zmtp__uv_socket_touch(conn->socket);
    if (conn->dialler)
        zmtp__dialler_lost(conn->dialler, error);
    else
        zmtp__conn_drop(conn);
}

// What the first octets of a peer that speaks no ZMTP look like.
static const char *conn_guess(const uint8_t *first, size_t size)
{
    static const struct {
        const char *octets, *hint;
    } known[] = {
        {"HTTP/", "the other side is an HTTP server: is this the right port?"},
        {"GET ", "the other side is an HTTP client: is this the right port?"},
        {"POST ", "the other side is an HTTP client: is this the right port?"},
        {"HEAD ", "the other side is an HTTP client: is this the right port?"},
        {"SSH-", "the other side speaks SSH: is this the right port?"},
        {"\x16\x03", "the other side speaks TLS: is this the right port?"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const size_t length = strlen(known[i].octets);
        if (size >= length && memcmp(first, known[i].octets, length) == 0) return known[i].hint;
    }
    return "the other side does not speak ZMTP: is this the right port?";
}

// Hands |size| octets that were read into |room| to the peer, or to what is before it.
static void conn_commit(struct zmtp__conn *conn, const uint8_t *room, size_t size, uint64_t now)
{
    uint8_t first[8];
    const size_t first_size = size < sizeof first ? size : sizeof first;
    const bool greeting = zmtp_peer_state(conn->peer) == ZMTP_PEER_GREETING;
    if (conn->web) {
        zmtp__web_commit(conn, room, size, now);
        return;
    }
    if (greeting) memcpy(first, room, first_size);
    zmtp_peer_commit(conn->peer, size, now);
    if (greeting && zmtp_peer_error(conn->peer) == ZMTP_ERR_GREETING)
        conn->hint = conn_guess(first, first_size);
}

static void conn_read(struct zmtp__conn *conn, uint64_t now)
{
    uint8_t scratch[ZMTP__WEB_SCRATCH];
    size_t total = 0;
    if (conn->web && !zmtp__web_pour(conn, now)) return;
    for (int i = 0; i < CONN_READS && total < CONN_READ_BYTES; i++) {
        if (!(zmtp_peer_wants(conn->peer) & ZMTP_WANT_READ)) return;
        const struct zmtp_room room =
            conn->web ? zmtp__web_space(conn, scratch) : zmtp_peer_space(conn->peer);
        if (room.size == 0) return;
        const ssize_t size = recv(conn->watch->fd, room.data, room.size, 0);
        if (size > 0) {
            conn_commit(conn, room.data, (size_t)size, now);
            total += (size_t)size;
            // Less than there was room for: the kernel has no more, most likely.
            if ((size_t)size < room.size && !conn->tx_broken) return;
            continue;
        }
        const int error = errno;
        zmtp_peer_commit(conn->peer, 0, now);
        if (size == 0) {
            zmtp_peer_fail(conn->peer, ZMTP_ERR_EOF);
        } else if (error == EAGAIN) {
            if (conn->tx_broken) zmtp_peer_fail(conn->peer, ZMTP_ERR_RESET);
        } else if (error != EINTR) {
            zmtp_peer_fail(conn->peer, zmtp__address_error(error));
        }
        if (size == 0 || error != EINTR) return;
    }
}

// How much of it is written first, by itself. 0: all at once.
static size_t conn_beginning(const struct zmtp_bytes *views, size_t count)
{
    size_t total = 0, beginning = CONN_BEGINNING;
    bool slow = false;
    for (size_t i = 0; i < count && total < CONN_LARGE; i++) {
        if (total < CONN_BEGINNING - CONN_PAGE && views[i].size >= CONN_SLOW) {
            const size_t further = (total - (uintptr_t)views[i].data) % CONN_PAGE;
            beginning = CONN_BEGINNING - CONN_PAGE + (further - CONN_FURTHER) % CONN_PAGE;
            slow = further > 0 && further < CONN_FURTHER;
        }
        total += views[i].size;
    }
    return slow || total >= CONN_LARGE ? beginning : 0;
}

// Cuts the views down to |max| octets; returns how many are left.
static size_t conn_cut(struct zmtp_bytes *views, size_t count, size_t max)
{
    for (size_t i = 0; i < count; i++) {
        if (views[i].size >= max) {
            views[i].size = max;
            return i + 1;
        }
        max -= views[i].size;
    }
    return count;
}

static ssize_t conn_send(int fd, const struct zmtp_bytes *views, size_t count, size_t *total)
{
    struct iovec parts[CONN_VIEWS];
    *total = 0;
    for (size_t i = 0; i < count; i++) {
        // The kernel only reads what a sending iovec points at.
        parts[i] = (struct iovec){(void *)(uintptr_t)views[i].data, views[i].size};
        *total += views[i].size;
    }
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    ssize_t size;
    do {
        size = sendmsg(fd, &message, MSG_NOSIGNAL);
    } while (size < 0 && errno == EINTR);
    return size;
}

// Will another connection come in this one's place, because the other side has closed by what the kernel knows? It looks,
// and takes no error away. What waits for an accepted one is nobody else's.
static bool conn_deserted(const struct zmtp__conn *conn)
{
    if (!conn->dialler || !(conn_wants(conn) & ZMTP_WANT_WRITE)) return false;
    if (!zmtp__engine_wary(conn->socket->uv)) return false;
    struct pollfd item = {.fd = conn->watch->fd, .events = POLLRDHUP};
    return poll(&item, 1, 0) > 0;
}

static void conn_write(struct zmtp__conn *conn, uint64_t now)
{
    struct zmtp_bytes views[CONN_VIEWS];
    // What is not written is for whom is dialled next. The end itself is found by reading.
    if (conn_deserted(conn)) return;
    if (conn->web) {
        zmtp__web_write(conn, now);
        return;
    }
    bool idle = !conn->tx_blocked;
    for (int i = 0; i < CONN_WRITES && !conn->tx_broken; i++) {
        conn->tx_blocked = false;
        size_t count = zmtp_peer_peek(conn->peer, views, CONN_VIEWS);
        if (count == 0) return;
        const size_t beginning = idle ? conn_beginning(views, count) : 0;
        if (beginning > 0) count = conn_cut(views, count, beginning);
        idle = false;
        size_t total;
        const ssize_t size = conn_send(conn->watch->fd, views, count, &total);
        if (size < 0 && errno != EAGAIN) {
            // The other side is gone, but what it sent before may still lie in the kernel. Its end,
            // or an error, is found by reading.
            conn->tx_broken = true;
            zmtp__conn_alarm(conn, 0);
            return;
        }
        conn->tx_blocked = true;
        if (size < 0) return;
        zmtp_peer_consume(conn->peer, (size_t)size, now);
        if ((size_t)size < total) return;
    }
}

// Has whoever waits for a verdict hung up? Nobody reads meanwhile, so the kernel is asked. Not with NULL: whoever does
// not wait for our READY may have said all that it had to say, and that is read after the verdict.
static bool conn_gave_up(const struct zmtp__conn *conn)
{
    if (conn->socket->config.security.mechanism == ZMTP_NULL) return false;
    struct pollfd item = {.fd = conn->watch->fd, .events = POLLRDHUP};
    return poll(&item, 1, 0) > 0;
}

// Tells the loop what to look for. Events that came |in_vain| are looked for no more; others stay
// although they may not be wanted at the moment, because each change costs system calls.
static void conn_arm(struct zmtp__conn *conn, int in_vain)
{
    int events = conn->watch->armed & ~in_vain;
    const unsigned wants = zmtp_peer_wants(conn->peer);
    events &= ~UV_DISCONNECT;
    if (wants & ZMTP_WANT_READ) events |= UV_READABLE;
    if (wants & ZMTP_WANT_AUTH) events |= UV_DISCONNECT & ~in_vain;
    if (conn->tx_blocked) events |= UV_WRITABLE;
    if (conn->tx_broken) events &= ~UV_WRITABLE;
    if (conn->web && zmtp__web_holds(conn)) zmtp__conn_alarm(conn, 0); // it is not the kernel's
    if (zmtp__watch_want(conn->watch, events) < 0) {
        zmtp_peer_fail(conn->peer, ZMTP_ERR_SYSTEM);
        zmtp__conn_alarm(conn, 0);
        return;
    }
    zmtp__conn_alarm(conn, conn_due(conn));
}

// The pattern wants no peer of this kind: says why, to our user and to the other side's, if it can be told.
static void conn_refuse(struct zmtp__conn *conn, int error, uint64_t now)
{
    const char *told = NULL;
    if (error == ZMTP_ERR_IN_USE) {
        conn->hint =
            "this socket takes one peer, and has it; another is welcome when that one has gone";
        told = "this socket takes one peer, and has it: try again when that one has gone";
    } else if (error == ZMTP_ERR_ROUTING_ID) {
        conn->hint = "another peer of this ROUTER has the same routing id: give each its own, or "
                     "set socket.router_handover";
        told = "another peer of this ROUTER has the same routing id: choose another, or have it "
               "set socket.router_handover";
    }
    if (told && zmtp_peer_refuse(conn->peer, error, zmtp_bytes_text(told)) == ZMTP_OK) {
        if (!conn->tx_blocked) conn_write(conn, now);
        return;
    }
    zmtp_peer_fail(conn->peer, error);
}

// The handshake of an accepted connection is done: the socket gives it a pipe.
static void conn_attach(struct zmtp__conn *conn, uint64_t now)
{
    struct zmtp_uv_socket *socket = conn->socket;
    if (!socket->core) {
        zmtp_peer_fail(conn->peer, ZMTP_ERR_CANCELLED);
        return;
    }
    const struct zmtp_peer_facts facts = zmtp_peer_facts(conn->peer);
    int error = zmtp_socket_attach(socket->core, false, facts.routing_id, &conn->end);
    if (error == ZMTP_OK) {
        zmtp_pipe_own(conn->end, &socket->uv->marks, conn);
        error = zmtp_peer_attach(conn->peer, conn->end);
    }
    if (error < 0) {
        conn_refuse(conn, error, now);
        return;
    }
    zmtp__uv_socket_touch(socket);
    zmtp_peer_resume(conn->peer, now);
}

// Leaves, once all octets are the kernel's. Closing the descriptor then would be enough for it to
// deliver them, were it not that whatever the other side sends meanwhile would be answered by a
// reset. So only our half is closed, until the other side closes too, or has everything.
static void conn_depart(struct zmtp__conn *conn, uint64_t now)
{
    const bool nothing = !conn->up && zmtp__conn_empty(conn); // and there will be nothing
    const bool over = nothing || now >= conn->leave_ms;
    const bool sent = zmtp__conn_empty(conn) && !(conn_wants(conn) & ZMTP_WANT_WRITE);
    if (!over && !sent) return;
    if (!over && conn->web && !zmtp__web_goodbye(conn, ZMTP_ERR_CANCELLED, now)) return;
    if (over || shutdown(conn->watch->fd, SHUT_WR) < 0 ||
        zmtp__watch_want(conn->watch, UV_READABLE) < 0) {
        zmtp__conn_end(conn, ZMTP_ERR_CANCELLED);
        return;
    }
    zmtp__conn_tell(conn, ZMTP_EVENT_CLOSED, ZMTP_ERR_CANCELLED, (struct zmtp_bytes){0}, 0);
    conn_close_peer(conn);
    conn->due_ms = now + CONN_DRAIN_MS;
    zmtp__conn_enter(conn, ZMTP__CONN_DRAINING);
    zmtp__conn_alarm(conn, conn_due(conn));
}

static void conn_drain(struct zmtp__conn *conn)
{
    const uint64_t now = conn_now(conn);
    const int fd = conn->watch->fd;
    int outstanding = 0;
    if (conn_discard(fd) <= 0 || now >= conn->leave_ms) {
        zmtp__conn_drop(conn);
    } else if (now >= conn->due_ms) {
        conn->due_ms = now + CONN_DRAIN_MS;
        if (ioctl(fd, SIOCOUTQ, &outstanding) < 0 || outstanding == 0) zmtp__conn_drop(conn);
    }
}

// Somebody wants to be let in: the list decides, or the user is asked, once.
static void conn_authorise(struct zmtp__conn *conn)
{
    struct zmtp_uv_socket *socket = conn->socket;
    struct zmtp_uv_guest guest = {.endpoint = zmtp__conn_endpoint(conn),
                                  .remote = conn->remote,
                                  .address = conn->address,
                                  .process = conn->process};
    enum zmtp_verdict verdict;
    if (conn->ticket > 0 || zmtp_peer_credentials(conn->peer, &guest.credentials) < 0) return;
    conn->ticket = guest.ticket = ++socket->tickets;
    const struct zmtp_bytes nothing = {0};
    const char *const domain = zmtp__guard_domain(socket->guard);
    if (zmtp__guard_judge(socket->guard, &guest.credentials, &verdict)) {
        // The peer keeps its error.
        (void)zmtp_peer_authorise(conn->peer, verdict, nothing, nothing);
    } else if (domain) {
        zmtp__asker_ask(conn, domain, &guest.credentials);
    } else if (socket->config.on_authorise) {
        socket->uv->calling++;
        socket->config.on_authorise(socket, &guest, socket->config.user);
        socket->uv->calling--;
    }
}

static void conn_come_up(struct zmtp__conn *conn)
{
    conn->up = true;
    if (conn->pending) zmtp__listener_unpay(conn->listener);
    conn_leave_pending(conn);
    if (conn->dialler) zmtp__dialler_up(conn->dialler);
    zmtp__uv_socket_touch(conn->socket);
    zmtp__conn_tell(conn, ZMTP_EVENT_HANDSHAKE_DONE, ZMTP_OK, (struct zmtp_bytes){0}, 0);
}

// The user of a STREAM closes one connection by letting go of its pipe: it leaves as if the socket
// closed.
static void conn_follow(struct zmtp__conn *conn)
{
    if (conn->socket->config.socket.type != ZMTP_STREAM || conn->leaving) return;
    if (!conn->end || !conn->end->other->closed) return;
    zmtp__conn_leave(conn, zmtp__uv_socket_patience(conn->socket, conn_now(conn)));
}

// Acts on what reading and writing led to; from the loop, as it may call the user.
static void conn_settle(struct zmtp__conn *conn, uint64_t now, int in_vain)
{
    zmtp__uv_socket_touch(conn->socket);
    if (zmtp_peer_wants(conn->peer) & ZMTP_WANT_ATTACH) conn_attach(conn, now);
    if (!conn->up && zmtp_peer_state(conn->peer) == ZMTP_PEER_TRAFFIC) conn_come_up(conn);
    if (conn->web) (void)zmtp__web_pour(conn, now); // what waited for that
    conn_follow(conn);
    // A peer says CANCELLED when its pipe's other end is closed and all there was has been sent.
    const int error = zmtp_peer_error(conn->peer);
    if (error < 0 && !(error == ZMTP_ERR_CANCELLED && conn->leaving)) {
        zmtp__conn_end(conn, error);
        return;
    }
    if (conn->leaving) conn_depart(conn, now);
    if (conn->state == ZMTP__CONN_OPEN) conn_arm(conn, in_vain);
}

static void conn_work(struct zmtp__conn *conn, int in_vain)
{
    const uint64_t now = conn_now(conn);
    conn_read(conn, now);
    if (zmtp_peer_wants(conn->peer) & ZMTP_WANT_AUTH) conn_authorise(conn);
    // Only after reading: a loop that was busy elsewhere must not take its own delay for silence.
    if (zmtp_peer_deadline(conn->peer) <= now) zmtp_peer_tick(conn->peer, now);
    if (conn->web) zmtp__web_tick(conn, now);
    if (!conn->tx_blocked) conn_write(conn, now);
    conn_settle(conn, now, in_vain);
}

void zmtp__conn_ready(void *owner, int events)
{
    struct zmtp__conn *conn = owner;
    struct zmtp_uv *uv = conn->socket->uv;
    if (conn->state == ZMTP__CONN_CONNECTING) {
        zmtp__dialler_ready(conn->dialler);
    } else if (conn->state == ZMTP__CONN_DRAINING) {
        conn_drain(conn);
    } else if (conn->state == ZMTP__CONN_OPEN) {
        const unsigned wants = conn_wants(conn);
        int in_vain = 0;
        if (!(wants & ZMTP_WANT_READ)) in_vain |= events & UV_READABLE;
        if (!(wants & ZMTP_WANT_WRITE)) in_vain |= events & UV_WRITABLE;
        in_vain |= events & UV_DISCONNECT; // found now, or not to be
        if (wants & ZMTP_WANT_AUTH && conn_gave_up(conn)) zmtp_peer_fail(conn->peer, ZMTP_ERR_EOF);
        if (events & UV_WRITABLE) conn->tx_blocked = false;
        conn_work(conn, in_vain);
    }
    zmtp__engine_dispatch(uv);
}

static void conn_ring(uv_timer_t *alarm)
{
    struct zmtp__conn *conn = alarm->data;
    struct zmtp_uv *uv = conn->socket->uv;
    if (!zmtp__engine_enter(uv)) return;
    conn->alarm_ms = UINT64_MAX;
    switch (conn->state) {
    case ZMTP__CONN_IDLE:
    case ZMTP__CONN_RESOLVING:
    case ZMTP__CONN_CONNECTING:
        zmtp__dialler_ring(conn->dialler);
        break;
    case ZMTP__CONN_OPEN:
        conn_work(conn, 0);
        break;
    case ZMTP__CONN_DRAINING:
        conn_drain(conn);
        break;
    case ZMTP__CONN_GONE:
        break;
    }
    // Not in this turn again: the loop rings what is due until nothing is.
    const uint64_t due = conn_due(conn), soon = conn_now(conn) + 1;
    zmtp__conn_alarm(conn, due > soon ? due : soon);
    zmtp__engine_dispatch(uv);
}

void zmtp__conn_alarm(struct zmtp__conn *conn, uint64_t at_ms)
{
    if (conn->state == ZMTP__CONN_GONE || at_ms >= conn->alarm_ms) return;
    const uint64_t now = conn_now(conn);
    uv_timer_start(&conn->alarm, conn_ring, at_ms > now ? at_ms - now : 0, 0);
    conn->alarm_ms = at_ms;
    zmtp__foreign_ring(conn->socket->uv);
}

void zmtp__conn_resume(struct zmtp__conn *conn)
{
    if (conn->state != ZMTP__CONN_OPEN) {
        conn_follow(conn);
        return; // the next connection finds what waits in the pipe
    }
    const uint64_t now = conn_now(conn);
    zmtp_peer_resume(conn->peer, now);
    if (conn->web) (void)zmtp__web_pour(conn, now);
    if (!conn->tx_blocked) conn_write(conn, now);
    conn_settle(conn, now, 0);
}

void zmtp__conn_flush(struct zmtp__conn *conn)
{
    if (conn->state != ZMTP__CONN_OPEN) return;
    const uint64_t now = conn_now(conn);
    zmtp_peer_resume(conn->peer, now);
    if (!conn->tx_blocked) conn_write(conn, now);
    zmtp__uv_socket_touch(conn->socket);
    if (zmtp_peer_state(conn->peer) == ZMTP_PEER_CLOSED || conn->leaving)
        zmtp__conn_alarm(conn, 0);
    else
        conn_arm(conn, 0);
}

void zmtp__conn_leave(struct zmtp__conn *conn, uint64_t leave_ms)
{
    if (!conn->leaving || leave_ms < conn->leave_ms) conn->leave_ms = leave_ms;
    conn->leaving = true;
    zmtp__conn_alarm(conn, 0);
}

void zmtp__conn_init(struct zmtp__conn *conn, struct zmtp_uv_socket *socket)
{
    conn->socket = socket;
    conn->number = ++socket->uv->numbers;
    conn->next = socket->conns;
    if (conn->next) conn->next->before = conn;
    socket->conns = conn;
    conn->alarm_ms = conn->due_ms = UINT64_MAX;
    conn->alarm.data = conn;
    uv_timer_init(socket->uv->loop, &conn->alarm);
    socket->uv->handles++;
}

static int conn_open_peer(struct zmtp__conn *conn)
{
    struct zmtp_uv_socket *socket = conn->socket;
    int error = zmtp__web_open(conn);
    if (error < 0) return error;
    struct zmtp_peer_config config = {
        .allocator = socket->uv->allocator,
        .pool = socket->uv->pool,
        .type = socket->config.socket.type,
        .routing_id = socket->config.socket.routing_id,
        .routing_id_any = socket->config.socket.routing_id_any,
        .metadata = socket->config.socket.metadata,
        .remote = zmtp_bytes_text(conn->remote),
        .address = zmtp_bytes_text(conn->address),
        .minor = 1,
        .old_versions = socket->config.old_versions && !conn->web,
        .security = zmtp__guard_security(socket->guard),
        .limits = socket->config.limits,
        .stream_notify = socket->config.socket.stream_notify,
    };
    if (conn->web) zmtp__web_limits(&config.limits);
    error = zmtp_peer_open(&conn->peer, &config, zmtp__engine_now(socket->uv));
    if (error < 0) zmtp__web_close(conn);
    return error;
}

// Notes who is at the other side of |fd|, whose address is |at|. True: it is beyond this machine.
static bool conn_meet(struct zmtp__conn *conn, int fd, const struct zmtp__address *at)
{
    conn->process = (struct zmtp_uv_process){.known = false};
    if (at->at.ss_family == AF_UNIX) conn->process = zmtp__door_process(fd);
    conn->source = (struct zmtp__source){.known = false};
    conn->remote[0] = conn->address[0] = '\0';
    if (conn->process.known) {
        // As libzmq tells it to those that it asks.
        snprintf(conn->address, sizeof conn->address, "localhost:%u:%u:%lld",
                 (unsigned)conn->process.uid, (unsigned)conn->process.gid,
                 (long long)conn->process.pid);
        snprintf(conn->remote, sizeof conn->remote, "ipc: process %lld of user %lu",
                 (long long)conn->process.pid, (unsigned long)conn->process.uid);
        return false;
    }
    if (at->at.ss_family == AF_UNSPEC) return false; // gone already
    conn->source = zmtp__source_of(at);
    zmtp__address_text(at, conn->remote, sizeof conn->remote);
    zmtp__address_host(at, conn->address, sizeof conn->address);
    return !zmtp__address_loopback(at);
}

// Nothing hides what goes over it, and nobody said that this is meant.
static bool conn_is_bare(const struct zmtp__conn *conn)
{
    const struct zmtp_uv_config *config = &conn->socket->config;
    return config->security.mechanism != ZMTP_CURVE && !config->allow_public_null;
}

// A listener refuses to be open to the network like that. A dialler knows whom it calls, and programs
// of libzmq have no other way to servers of their own network: it is told, and goes on.
static const char conn_bare_words[] =
    "without encryption beyond this machine: use CURVE, or set allow_public_null if that is meant";

int zmtp__conn_accept(struct zmtp__listener *listener, int fd, const struct zmtp__address *from)
{
    struct zmtp_uv_socket *socket = listener->socket;
    struct zmtp__conn *conn = zmtp_alloc(socket->uv->allocator, sizeof *conn);
    if (!conn) return ZMTP_ERR_MEMORY;
    *conn = (struct zmtp__conn){
        .socket = socket, .state = ZMTP__CONN_OPEN, .listener = listener, .descriptor = fd};
    (void)conn_meet(conn, fd, from);
    int error = conn_open_peer(conn);
    if (error == ZMTP_OK)
        error = zmtp__watch_open(&conn->watch, socket->uv, fd, zmtp__conn_ready, conn);
    if (error < 0) {
        conn_close_peer(conn);
        zmtp_free(socket->uv->allocator, conn, sizeof *conn);
        return error;
    }
    zmtp__conn_init(conn, socket);
    zmtp__listener_add(listener, conn);
    zmtp__conn_tell(conn, ZMTP_EVENT_ACCEPTED, ZMTP_OK, (struct zmtp_bytes){0}, 0);
    conn_work(conn, 0);
    return ZMTP_OK;
}

void zmtp__conn_begin(struct zmtp__conn *conn)
{
    struct zmtp__address at;
    const int fd = conn->watch->fd;
    if (!zmtp__address_peer(fd, &at))
        at.at.ss_family = AF_UNSPEC; // the handshake will find out why
    const bool bare = conn_meet(conn, fd, &at) && conn_is_bare(conn);
    int error = conn_open_peer(conn);
    if (error == ZMTP_OK) error = zmtp_peer_attach(conn->peer, conn->end);
    if (error < 0) {
        conn_close_peer(conn);
        conn_hang_up(conn);
        zmtp__dialler_failed(conn->dialler, error, zmtp_err_text(error));
        return;
    }
    const struct zmtp_bytes words = zmtp_bytes_text(bare ? conn_bare_words : "");
    zmtp__conn_enter(conn, ZMTP__CONN_OPEN);
    zmtp__conn_tell(conn, ZMTP_EVENT_CONNECTED, ZMTP_OK, words, 0);
    conn_work(conn, 0);
}
