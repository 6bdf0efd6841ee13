#include "uv_socket.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../msg/pipe.h"
#include "../socket/express.h"
#include "../socket/run.h"
#include "asker.h"
#include "conn.h"
#include "crossing.h"
#include "door.h"
#include "drops.h"
#include "gate.h"
#include "gather.h"
#include "guard.h"
#include "inproc.h"
#include "listener.h"
#include "mailbox.h"
#include "suspects.h"
#include "ticks.h"
#include "tray.h"
#include "udp.h"
#include "wait.h"

enum {
    // Messages given to the user in one turn; then connections and other sockets get theirs.
    UV_SOCKET_BATCH = 1024,
    // ... and for how long, in nanoseconds: callbacks may be slow, and other sockets urgent. A look at
    // the clock costs as much as a small message: so only every so often, while they are fast.
    UV_SOCKET_BATCH_NS = 1000000,
    UV_SOCKET_STRIDE_MAX = 64,
    UV_SOCKET_COMMAND = 16, // what a subscription takes besides its topic, more or less
    // Connections whose kernel buffer was full that a send tries again when it finds no room.
    UV_SOCKET_PUSHES = 8,
};

// The one text of the config that is nobody else's to copy.
static int uv_socket_copy_origins(struct zmtp_uv_socket *socket)
{
    const char *const origins = socket->config.ws_origins;
    if (!origins) return ZMTP_OK;
    const size_t size = strlen(origins) + 1;
    socket->origins = zmtp_alloc(socket->uv->allocator, size);
    if (!socket->origins) return ZMTP_ERR_MEMORY;
    socket->config.ws_origins = memcpy(socket->origins, origins, size);
    return ZMTP_OK;
}

static void uv_socket_free(struct zmtp_uv_socket *socket)
{
    const struct zmtp_allocator *const allocator = socket->uv->allocator;
    if (!socket->lent) zmtp_socket_close(socket->core);
    zmtp__suspects_close(socket->suspects);
    zmtp__gate_close(socket->gate);
    zmtp__door_close(socket->door);
    zmtp__guard_close(socket->guard);
    zmtp_part_fini(&socket->metadata);
    if (socket->origins) zmtp_free(allocator, socket->origins, strlen(socket->origins) + 1);
    zmtp_wipe(&socket->config.security, sizeof socket->config.security);
    zmtp_free(allocator, socket, sizeof *socket);
}

int zmtp_uv_socket_open(struct zmtp_uv_socket **out, struct zmtp_uv *uv,
                        const struct zmtp_uv_config *config)
{
    return zmtp__uv_socket_open_lent(out, uv, config, NULL);
}

int zmtp__uv_socket_open_lent(struct zmtp_uv_socket **out, struct zmtp_uv *uv,
                              const struct zmtp_uv_config *config, struct zmtp_socket *core)
{
    if (!out) return ZMTP_ERR_ARGUMENT;
    *out = NULL;
    if (!uv || !config) return ZMTP_ERR_ARGUMENT;
    if (!zmtp__engine_enter(uv)) return ZMTP_ERR_STATE;
    if (uv->closing)
        return zmtp__engine_fail(uv, ZMTP_ERR_STATE,
                                 "the engine is being closed, and opens no more sockets");
    const char *why;
    int error = zmtp_uv_config_check(config, &why);
    if (error < 0) return zmtp__engine_fail(uv, error, "%s", why);
    struct zmtp_uv_socket *socket = zmtp_alloc(uv->allocator, sizeof *socket);
    if (!socket)
        return zmtp__engine_fail(uv, ZMTP_ERR_MEMORY, "%s", zmtp_err_text(ZMTP_ERR_MEMORY));
    uv->text[0] = '\0';
    *socket =
        (struct zmtp_uv_socket){.uv = uv, .config = *config, .core = core, .lent = core != NULL};
    socket->config.socket.allocator = uv->allocator;
    socket->config.socket.pool = uv->pool;
    if (socket->config.socket.topic_seed == 0)
        socket->config.socket.topic_seed = zmtp__engine_seed();
    error = uv_socket_copy_origins(socket);
    if (error == ZMTP_OK) error = zmtp__guard_open(&socket->guard, config, uv->allocator, uv->text);
    if (error == ZMTP_OK) error = zmtp__door_open(&socket->door, &config->ipc_allow, uv->allocator);
    if (error == ZMTP_OK) error = zmtp__gate_open(&socket->gate, config->tcp_allow, uv->allocator);
    if (error == ZMTP_OK)
        error = zmtp__suspects_open(&socket->suspects, config->address_failures_max, uv->allocator);
    if (error == ZMTP_OK && !core) error = zmtp_socket_open(&socket->core, &socket->config.socket);
    if (error == ZMTP_OK)
        error = zmtp_part_copy(&socket->metadata, config->socket.metadata, uv->allocator);
    if (error < 0) {
        uv_socket_free(socket);
        return uv->text[0] ? error : zmtp__engine_fail(uv, error, "%s", zmtp_err_text(error));
    }
    // The secrets are in one place, and the rest may be the caller's memory.
    zmtp_wipe(&socket->config.security, sizeof socket->config.security);
    socket->config.security.mechanism = config->security.mechanism;
    socket->config.allow = (struct zmtp_allow){.kind = config->allow.kind};
    socket->config.ipc_allow = (struct zmtp_uv_ipc_allow){0};
    socket->config.tcp_allow = NULL;
    // Connections announce it even after the core is closed, which checked its size.
    struct zmtp_bytes *const routing_id = &socket->config.socket.routing_id;
    if (routing_id->size > 0) memcpy(socket->routing_id, routing_id->data, routing_id->size);
    routing_id->data = socket->routing_id;
    socket->config.socket.metadata = zmtp_part_bytes(&socket->metadata);
    socket->tick_ms = UINT64_MAX;
    socket->number = ++uv->numbers;
    socket->next = uv->sockets;
    if (socket->next) socket->next->before = socket;
    uv->sockets = socket;
    if (zmtp__guard_domain(socket->guard)) zmtp__asker_join(uv);
    uv_ref((uv_handle_t *)&uv->prepare);
    *out = socket;
    return ZMTP_OK;
}

uint64_t zmtp__uv_socket_patience(const struct zmtp_uv_socket *socket, uint64_t now_ms)
{
    const uint32_t linger_ms = socket->config.linger_ms;
    return linger_ms == UINT32_MAX ? UINT64_MAX : now_ms + linger_ms;
}

void zmtp__uv_socket_bereave(struct zmtp_uv_socket *socket)
{
    socket->core = NULL;
}

// A lent core lets go of what it had by this socket. What it sent stays readable for the connections.
static void uv_socket_part(const struct zmtp_uv_socket *socket)
{
    for (const struct zmtp__conn *conn = socket->conns; conn; conn = conn->next)
        if (conn->end) zmtp_socket_detach(socket->core, conn->end->other);
    zmtp__udp_part(socket);
}

void zmtp_uv_socket_close(struct zmtp_uv_socket *socket, void (*closed)(void *user), void *user)
{
    if (!socket || socket->closing || !zmtp__engine_enter(socket->uv)) return;
    socket->closing = true;
    socket->closed = closed;
    socket->user = user;
    socket->config.on_message = NULL;
    socket->config.on_readable = NULL;
    socket->config.on_writable = NULL;
    socket->config.on_event = NULL;
    socket->config.on_authorise = NULL;
    while (socket->listeners)
        zmtp__listener_close(socket->listeners);
    zmtp__listener_leave(socket);
    zmtp__inproc_leave(socket);
    zmtp__wait_leave(socket);
    if (zmtp__guard_domain(socket->guard)) zmtp__asker_leave(socket->uv);
    zmtp__mailbox_leave(socket);
    zmtp__tray_leave(socket);
    zmtp__ticks_forget(socket);
    // Its ends of the pipes close; what it sent stays readable for the connections.
    if (socket->lent)
        uv_socket_part(socket);
    else
        zmtp_socket_close(socket->core);
    socket->core = NULL;
    zmtp__crossing_leave(socket);
    const uint64_t leave_ms = zmtp__uv_socket_patience(socket, zmtp__engine_now(socket->uv));
    for (struct zmtp__conn *conn = socket->conns; conn; conn = conn->next)
        zmtp__conn_leave(conn, leave_ms);
    zmtp__udp_leave(socket, leave_ms);
    zmtp__uv_socket_touch(socket);
}

void zmtp__uv_socket_abandon(struct zmtp_uv_socket *socket)
{
    zmtp_uv_socket_close(socket, NULL, NULL);
    for (struct zmtp__conn *conn = socket->conns; conn; conn = conn->next)
        zmtp__conn_leave(conn, 0);
    zmtp__udp_leave(socket, 0);
}

static void uv_socket_finish(struct zmtp_uv_socket *socket)
{
    struct zmtp_uv *uv = socket->uv;
    void (*const closed)(void *user) = socket->closed;
    void *const user = socket->user;
    if (socket->before)
        socket->before->next = socket->next;
    else
        uv->sockets = socket->next;
    if (socket->next) socket->next->before = socket->before;
    if (!uv->sockets) uv_unref((uv_handle_t *)&uv->prepare);
    zmtp__drops_forget(socket);
    if (socket->text) zmtp_free(uv->allocator, socket->text, ZMTP__TEXT_MAX);
    uv_socket_free(socket);
    uv->called = true;
    uv->calling++;
    if (closed) closed(user);
    uv->calling--;
}

void zmtp__uv_socket_enlist(struct zmtp_uv_socket *socket)
{
    socket->touched = true;
    socket->touched_next = socket->uv->touched;
    socket->uv->touched = socket;
    zmtp__engine_wake(socket->uv);
}

void zmtp__uv_socket_touch_marked(struct zmtp_uv_socket *socket)
{
    if (!socket->starved && zmtp_socket_marked(socket->core)) zmtp__uv_socket_touch(socket);
}

void zmtp__uv_socket_tell(struct zmtp_uv_socket *socket, const struct zmtp_event *event)
{
    struct zmtp_uv *uv = socket->uv;
    uv->called = true;
    uv->calling++;
    if (socket->config.on_event) socket->config.on_event(socket, event, socket->config.user);
    uv->calling--;
}

void zmtp__uv_socket_starve(struct zmtp_uv_socket *socket)
{
    socket->starved = true;
    zmtp__engine_later(socket->uv);
}

void zmtp__uv_socket_feed(struct zmtp_uv_socket *socket)
{
    if (!socket->starved) return;
    socket->starved = socket->told_readable = false;
    zmtp__uv_socket_touch(socket);
}

void zmtp__uv_socket_tell_failed(struct zmtp_uv_socket *socket, int error, uint32_t request)
{
    const char *const words = error == ZMTP_ERR_TIMEOUT
                                  ? "no reply came within socket.req_timeout_ms"
                                  : "the peer that was asked went before it answered, and the "
                                    "request was not to be sent again: see socket.req_retries";
    const struct zmtp_event event = {.kind = ZMTP_EVENT_REQUEST_FAILED,
                                     .descriptor = -1,
                                     .endpoint = "",
                                     .remote = "",
                                     .error = error,
                                     .reason = zmtp_bytes_text(words),
                                     .request = request};
    zmtp__uv_socket_tell(socket, &event);
}

// When the clock is looked at: after which message, how many after that, and what it showed last.
struct uv_socket_look {
    int next, stride;
    uint64_t last_ns;
};

// Is the turn over? Callbacks that were fast get longer strides, at the first slow one it is every message.
static bool uv_socket_late(struct uv_socket_look *look, uint64_t begun)
{
    if (look->next >= UV_SOCKET_BATCH) return true;
    const uint64_t now = uv_hrtime();
    const bool fast = now - look->last_ns < UV_SOCKET_BATCH_NS / UV_SOCKET_STRIDE_MAX;
    if (!fast)
        look->stride = 1;
    else if (look->stride < UV_SOCKET_STRIDE_MAX)
        look->stride *= 2;
    look->next += look->stride;
    if (look->next > UV_SOCKET_BATCH) look->next = UV_SOCKET_BATCH;
    look->last_ns = now;
    return now - begun >= UV_SOCKET_BATCH_NS;
}

// Gives the user |msg|, which is empty then. |part|: of the body; |spare|: see zmtp__msg_reuse. False: the socket was
// closed.
static inline bool uv_socket_give(struct zmtp_uv_socket *socket, struct zmtp_msg *msg,
                                  const struct zmtp_part *part, struct zmtp_slab **spare)
{
    struct zmtp_slab *const slab = part->slab;
    socket->config.on_message(socket, msg, socket->config.user);
    if (socket->closing) return false;
    zmtp__msg_reuse(msg, slab, spare);
    return true;
}

// Is |msg|, which the user was given, as it was, with its one part from |origin|, which refers to |slab|, or to none? The
// part's octets may be others.
static inline bool uv_socket_left_whole(const struct zmtp_msg *msg, const struct zmtp_slab *slab,
                                        const struct zmtp__origin *origin)
{
    return msg->count == 1 && !msg->more && msg->few->slab == slab && msg->origin == &origin->told;
}

// Behind one of |size| octets that was given and left as it was: those that are as short, in the fewest steps. What they are
// asked for was asked of that one, and what is to be written into the message is there, a reference to the slab as well; but
// not its size, which may be the user's. After the last one it is as after any callback.
__attribute__((noinline)) static void uv_socket_give_alike(struct zmtp_uv_socket *socket,
                                                           struct zmtp__run *run,
                                                           struct zmtp_msg *msg, size_t size)
{
    struct zmtp_part *const part = msg->few;
    const struct zmtp_slab *const slab = part->slab;
    const struct zmtp__origin *const origin = run->origin;
    while (zmtp__run_next_alike(run, size)) {
        part->size = size;
        if (slab)
            part->at.data = run->at - size;
        else
            zmtp__copy_few(part->at.octets, run->at - size, size);
        msg->routing_id = 0;
        socket->config.on_message(socket, msg, socket->config.user);
        if (!uv_socket_left_whole(msg, slab, origin)) return;
    }
}

// The same of each message of a run, until one of the callbacks makes a call, which settles it.
static void uv_socket_give_run(struct zmtp_uv_socket *socket, struct zmtp__run *run,
                               struct zmtp_msg *msg, struct zmtp_slab **spare)
{
    struct zmtp__origin *const origin = run->origin;
    struct zmtp_slab *const slab = run->slab;
    struct zmtp_bytes body;
    while (zmtp__run_next(run, &body)) {
        msg->count = 1;
        zmtp__part_show(msg->few, body, slab, spare);
        if (msg->origin != &origin->told) zmtp__origin_put(origin, msg);
        socket->config.on_message(socket, msg, socket->config.user);
        const struct zmtp_slab *const held = body.size <= ZMTP_PART_INLINE ? NULL : slab;
        if (body.size <= UINT8_MAX && !run->asked && uv_socket_left_whole(msg, held, origin))
            uv_socket_give_alike(socket, run, msg, body.size);
        zmtp__msg_reuse(msg, slab, spare);
    }
}

// Gives up to |max| messages; returns how many, 0 when the next one is not for a run. ZMTP_ERR_STATE: the
// socket was closed.
static int uv_socket_deliver_run(struct zmtp_uv_socket *socket, struct zmtp_msg *msg,
                                 struct zmtp_slab **spare, int max)
{
    struct zmtp__run run;
    if (!zmtp__run_begin(&run, socket->core, (size_t)max)) return 0;
    socket->uv->run = &run;
    uv_socket_give_run(socket, &run, msg, spare);
    zmtp__engine_settle(socket->uv);
    return socket->closing ? ZMTP_ERR_STATE : (int)run.count;
}

// The same of the next message, whatever it is. ZMTP_ERR_STATE: the socket was closed.
static int uv_socket_deliver_any(struct zmtp_uv_socket *socket, struct zmtp_msg *msg,
                                 struct zmtp_slab **spare)
{
    msg->allocator = socket->uv->allocator; // the user may have moved it and made another
    const int result = zmtp__express_recv_named(socket->core, msg, spare)
                           ? ZMTP_OK
                           : zmtp_socket_recv(socket->core, msg);
    if (result == ZMTP_ERR_TIMEOUT || result == ZMTP_ERR_NO_REPLY) {
        zmtp__uv_socket_tell_failed(socket, result, msg->request);
        return socket->closing ? ZMTP_ERR_STATE : ZMTP_OK;
    }
    if (result < 0) return result;
    // The body is the only part, or the one behind a routing id.
    const struct zmtp_part *const part = zmtp_msg_part(msg, msg->count == 2 ? 1 : 0);
    return uv_socket_give(socket, msg, part, spare) ? ZMTP_OK : ZMTP_ERR_STATE;
}

// The next message. ZMTP_ERR_STATE: the socket was closed.
static int uv_socket_deliver_one(struct zmtp_uv_socket *socket, struct zmtp_msg *msg,
                                 struct zmtp_slab **spare)
{
    if (!zmtp__express_recv_one(socket->core, msg, spare))
        return uv_socket_deliver_any(socket, msg, spare);
    return uv_socket_give(socket, msg, msg->few, spare) ? ZMTP_OK : ZMTP_ERR_STATE;
}

static void uv_socket_deliver_messages(struct zmtp_uv_socket *socket)
{
    struct zmtp_uv *const uv = socket->uv;
    const uint64_t begun = uv_hrtime();
    struct uv_socket_look look = {.next = 1, .stride = 1, .last_ns = begun};
    struct zmtp_slab *spare = NULL;
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, uv->allocator);
    int result = ZMTP_OK, given = 0;
    uv->calling++;
    while (given < look.next || !uv_socket_late(&look, begun)) {
        result = uv_socket_deliver_run(socket, &msg, &spare, look.next - given);
        given += result > 0 ? result : 0;
        if (result > 0) continue;
        if (result == 0) result = uv_socket_deliver_one(socket, &msg, &spare);
        if (result < 0) break;
        given++;
    }
    uv->calling--;
    if (given > 0 || socket->closing) uv->called = true;
    zmtp_msg_fini(&msg);
    if (spare) zmtp__slab_unref(spare);
    if (socket->closing) return;
    if (result == ZMTP_ERR_MEMORY) zmtp__uv_socket_starve(socket);
    if (result >= 0) zmtp__uv_socket_touch(socket); // there may be more
}

void zmtp__uv_socket_deliver(struct zmtp_uv_socket *socket)
{
    const struct zmtp_uv_config *config = &socket->config;
    if (socket->closing) {
        if (!socket->conns && !socket->udps) uv_socket_finish(socket);
        return;
    }
    if (socket->lent) return;
    zmtp_socket_process(socket->core);
    zmtp__mailbox_deliver(socket);
    zmtp__ticks_look(socket);
    zmtp__tray_deliver(socket);
    if (socket->closing) return; // by a callback
    if (config->on_message) {
        uv_socket_deliver_messages(socket);
    } else if (config->on_readable && !socket->told_readable &&
               zmtp_socket_events(socket->core) & ZMTP_READABLE) {
        socket->told_readable = socket->uv->called = true;
        socket->uv->calling++;
        config->on_readable(socket, config->user);
        socket->uv->calling--;
    }
    if (socket->closing) return;
    if (socket->refused && zmtp_socket_events(socket->core) & ZMTP_WRITABLE) {
        socket->refused = false;
        socket->uv->called = true;
        socket->uv->calling++;
        if (config->on_writable) config->on_writable(socket, config->user);
        socket->uv->calling--;
    }
    // A pipe that stays marked is one for which there was no memory.
    if (!socket->closing && zmtp_socket_marked(socket->core)) zmtp__uv_socket_starve(socket);
    if (!socket->closing) zmtp__ticks_look(socket);
    zmtp__drops_note(socket);
}

int zmtp__uv_socket_fail(struct zmtp_uv_socket *socket, int error, const char *format, ...)
{
    va_list arguments;
    zmtp__uv_socket_hush(socket);
    socket->error = error;
    // Most sockets never need it. Without memory for it the error has words of its own.
    if (!socket->text) socket->text = zmtp_alloc(socket->uv->allocator, ZMTP__TEXT_MAX);
    if (!socket->text) return error;
    va_start(arguments, format);
    vsnprintf(socket->text, ZMTP__TEXT_MAX, format, arguments);
    va_end(arguments);
    return error;
}

// Keeps how a call ended, for zmtp_uv_error_text.
static int uv_socket_result(struct zmtp_uv_socket *socket, enum zmtp__call call, int result)
{
    zmtp__uv_socket_hush(socket);
    if (result < 0) socket->error = result;
    socket->call = call;
    return result;
}

const char *zmtp_uv_error_text(const struct zmtp_uv_socket *socket)
{
    if (!socket) return "";
    if (zmtp__engine_inherited(socket->uv))
        return "it was opened before the fork, and is the parent's: open another in the child";
    if (!socket->core) return "the socket was closed, and takes no more calls";
    if (socket->error == ZMTP_OK) return "";
    if (socket->text && socket->text[0]) return socket->text;
    const char *words = zmtp__words(socket->call, socket->config.socket.type, socket->error);
    return words ? words : zmtp_err_text(socket->error);
}

const char *zmtp_uv_endpoint(const struct zmtp_uv_socket *socket)
{
    return socket ? socket->endpoint : "";
}

// A send found no room. The kernel may have some, though the loop has not been told yet; so a caller
// that sends in a tight loop runs at the kernel's speed. True: it is worth another try.
static bool uv_socket_push(struct zmtp_uv_socket *socket)
{
    zmtp__engine_flush(socket->uv);
    zmtp__udp_push(socket);
    int pushes = 0;
    for (struct zmtp__conn *conn = socket->conns; conn; conn = conn->next) {
        if (!conn->tx_blocked || !conn->end || !conn->end->in->starved) continue;
        conn->tx_blocked = false;
        zmtp__conn_flush(conn);
        if (++pushes == UV_SOCKET_PUSHES) break;
    }
    zmtp__uv_socket_touch_marked(socket);
    return zmtp_socket_marked(socket->core);
}

// A message was sent. True: with it other threads were to begin, so all that was sent has left for them.
static bool uv_socket_count(struct zmtp_uv *uv)
{
    if (++uv->unshipped < uv->unshipped_max) return false;
    zmtp__engine_ship(uv);
    return true;
}

static void uv_socket_write(struct zmtp_uv_socket *socket)
{
    zmtp__engine_flush(socket->uv);
    zmtp__gather_retry(socket->uv, socket->core);
}

// |size| octets were sent.
static void uv_socket_flush(struct zmtp_uv_socket *socket, size_t size)
{
    if (zmtp__gather_ends(socket->uv, socket->core, size))
        uv_socket_write(socket);
    else
        (void)uv_socket_count(socket->uv);
}

// What waits is not to be the reason that a message to |id| is dropped.
static void uv_socket_make_way(struct zmtp_uv_socket *socket, struct zmtp_bytes id)
{
    if (zmtp__gather_hinders(socket->uv, socket->core, id)) zmtp__engine_flush(socket->uv);
}

// What follows each send of the user's. One that failed leaves nothing to be done: a program with a loop of its own that
// tries in each turn would be woken by that, again and again.
static int uv_socket_sent(struct zmtp_uv_socket *socket, int result)
{
    if (result == ZMTP_ERR_AGAIN) socket->refused = true;
    if (result == ZMTP_OK) zmtp__uv_socket_touch(socket);
    return uv_socket_result(socket, ZMTP__CALL_SEND, result);
}

int zmtp__uv_socket_send(struct zmtp_uv_socket *socket, struct zmtp_msg *msg)
{
    const size_t size = zmtp_msg_size(msg);
    if (msg->count > 0) uv_socket_make_way(socket, zmtp_msg_bytes(msg, 0));
    zmtp__uv_socket_touch_marked(socket);
    int result = zmtp_socket_send(socket->core, msg);
    if (result == ZMTP_ERR_AGAIN && uv_socket_push(socket))
        result = zmtp_socket_send(socket->core, msg);
    if (result == ZMTP_OK) uv_socket_flush(socket, size);
    return result;
}

// It may have gone to another thread.
__attribute__((noinline)) static int uv_socket_sent_far(struct zmtp_uv *uv)
{
    (void)uv_socket_count(uv);
    return ZMTP_OK;
}

// A message passed in a few steps: nothing is to be told of it, as the call before went well, or flushed after it.
// |unflushed|: with it.
static inline int uv_socket_sent_short(struct zmtp_uv_socket *socket, size_t unflushed)
{
    struct zmtp_uv *const uv = socket->uv;
    uv->unflushed = unflushed;
    return uv->crossings ? uv_socket_sent_far(uv) : ZMTP_OK;
}

int zmtp_uv_send_msg(struct zmtp_uv_socket *socket, struct zmtp_msg *msg)
{
    const int error = zmtp__uv_socket_check(socket);
    if (error < 0) return error;
    if (!msg) return uv_socket_result(socket, ZMTP__CALL_SEND, ZMTP_ERR_ARGUMENT);
    if (msg->count == 1 && socket->touched && socket->error == ZMTP_OK) {
        const struct zmtp_bytes part = zmtp_msg_bytes(msg, 0);
        const size_t unflushed = socket->uv->unflushed + part.size;
        if (unflushed < socket->uv->unflushed_max && zmtp__express_send(socket->core, part)) {
            zmtp_msg_fini(msg);
            return uv_socket_sent_short(socket, unflushed);
        }
    }
    return uv_socket_sent(socket, zmtp__uv_socket_send(socket, msg));
}

// A message whose last part is so large that it is flushed at once, from the caller's memory. It saves a copy where the
// kernel takes all of it, as it mostly does: a tenth of a round trip's processor time, of 1 MiB or of 64 KiB.
static int uv_socket_send_borrowed(struct zmtp_uv_socket *socket, const struct zmtp_bytes *parts,
                                   size_t count)
{
    struct zmtp__borrow borrowed;
    zmtp__borrow_open(&borrowed, parts[count - 1]);
    int result = zmtp__socket_send_borrowed(socket->core, parts, count, &borrowed);
    if (result == ZMTP_ERR_AGAIN && uv_socket_push(socket))
        result = zmtp__socket_send_borrowed(socket->core, parts, count, &borrowed);
    if (result == ZMTP_OK) zmtp__engine_flush(socket->uv);
    zmtp__borrow_close(&borrowed);
    return uv_socket_sent(socket, result);
}

// May those that follow on a message be sent together? Not from callbacks, as nobody is to find them unsettled who comes
// after one; nor for a while where that was in vain.
static bool uv_socket_gathers(struct zmtp_uv *uv)
{
    if (uv->calling > 0) return false;
    if (uv->sends_rest == 0) return true;
    uv->sends_rest--;
    return false;
}

// A message of one part passed the general way: if it went to many, those that follow may go in a volley. Where there are
// other threads each is counted for them.
static void uv_socket_begin_volley(struct zmtp_uv_socket *socket)
{
    struct zmtp_uv *const uv = socket->uv;
    if (socket->core->pattern != &zmtp__pub || uv->crossings || !uv_socket_gathers(uv)) return;
    if (!zmtp__volley_begin(&uv->volley, socket->core)) return;
    uv->sends = (struct zmtp__sends){0}; // has room for none
    uv->sender = socket;
}

// Sends the message in the volley that is under way. False: there is none, or it is not one of it.
static bool uv_socket_send_volley(struct zmtp_uv_socket *socket, struct zmtp_bytes body)
{
    struct zmtp_uv *const uv = socket->uv;
    if (uv->sender != socket || !uv->volley.socket || zmtp__engine_inherited(uv)) return false;
    if (!zmtp__volley_put(&uv->volley, body)) return false;
    if (!zmtp__gather_ends(uv, socket->core, body.size)) return true;
    zmtp__engine_settle(uv);
    uv_socket_write(socket);
    return true;
}

// As functions of their own they do not cost those that need none of them.
__attribute__((noinline)) static int uv_socket_send_any(struct zmtp_uv_socket *socket,
                                                        const struct zmtp_bytes *parts,
                                                        size_t count)
{
    const int error = zmtp__uv_socket_check(socket);
    if (error < 0) return error;
    if (parts && count == 2 && socket->touched && socket->error == ZMTP_OK) {
        struct zmtp_uv *const uv = socket->uv;
        const size_t unflushed = uv->unflushed + parts[1].size;
        if (unflushed < uv->unflushed_max &&
            zmtp__express_send_to(socket->core, parts[0], parts[1]))
            return uv_socket_sent_short(socket, unflushed);
    }
    if (!parts) return uv_socket_result(socket, ZMTP__CALL_SEND, ZMTP_ERR_ARGUMENT);
    if (count > 0) uv_socket_make_way(socket, parts[0]);
    zmtp__uv_socket_touch_marked(socket);
    if (count > 0 && parts[count - 1].data && parts[count - 1].size >= ZMTP__GATHER_LARGE &&
        !zmtp__gather_keeps(socket->uv, zmtp_socket_config(socket->core)))
        return uv_socket_send_borrowed(socket, parts, count);
    int result = zmtp_socket_send_bytes(socket->core, parts, count);
    if (result == ZMTP_ERR_AGAIN && uv_socket_push(socket))
        result = zmtp_socket_send_bytes(socket->core, parts, count);
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += parts[i].size;
    if (result == ZMTP_OK) uv_socket_flush(socket, size);
    if (result == ZMTP_OK && count == 1) uv_socket_begin_volley(socket);
    return uv_socket_sent(socket, result);
}

// A message of one part, on a socket that is looked at already, with nothing to flush after it: |unflushed| octets wait
// with it then.
__attribute__((noinline)) static int uv_socket_send_one(struct zmtp_uv_socket *socket,
                                                        const struct zmtp_bytes *part,
                                                        size_t unflushed)
{
    if (!zmtp__express_send(socket->core, *part)) return uv_socket_send_any(socket, part, 1);
    return uv_socket_sent_short(socket, unflushed);
}

// Few octets were sent in the fewest steps: those that follow may pass in fewer.
static void uv_socket_begin_sends(struct zmtp_uv_socket *socket)
{
    struct zmtp_uv *const uv = socket->uv;
    if (!uv_socket_gathers(uv)) return;
    // The one with which other threads are to begin is followed by more than its count.
    const size_t most = uv->crossings ? uv->unshipped_max - uv->unshipped - 1 : SIZE_MAX;
    const size_t max = uv->unflushed_max - uv->unflushed - 1;
    if (zmtp__sends_begin(&uv->sends, socket->core, most, max)) uv->sender = socket;
}

// What no sends under way have room for.
__attribute__((noinline)) static int uv_socket_send_first(struct zmtp_uv_socket *socket,
                                                          const struct zmtp_bytes *parts,
                                                          size_t count)
{
    if (socket && parts && count == 1 && uv_socket_send_volley(socket, *parts)) return ZMTP_OK;
    const bool one = parts && count == 1 && zmtp__uv_socket_check(socket) == ZMTP_OK;
    if (!one || !socket->touched || socket->error != ZMTP_OK)
        return uv_socket_send_any(socket, parts, count);
    struct zmtp_uv *const uv = socket->uv;
    const size_t unflushed = uv->unflushed + parts->size;
    if (unflushed >= uv->unflushed_max) return uv_socket_send_any(socket, parts, 1);
    if (!zmtp__express_send_few(socket->core, *parts))
        return uv_socket_send_one(socket, parts, unflushed);
    uv->unflushed = unflushed;
    if (!uv->crossings || !uv_socket_count(uv)) uv_socket_begin_sends(socket);
    return ZMTP_OK;
}

int zmtp_uv_send(struct zmtp_uv_socket *socket, const struct zmtp_bytes *parts, size_t count)
{
    if (socket && parts && count == 1) {
        struct zmtp_uv *const uv = socket->uv;
        if (uv->sender == socket && !zmtp__engine_inherited(uv) &&
            zmtp__sends_put(&uv->sends, *parts))
            return ZMTP_OK;
    }
    return uv_socket_send_first(socket, parts, count);
}

int zmtp_uv_recv(struct zmtp_uv_socket *socket, struct zmtp_msg *msg)
{
    const int error = zmtp__uv_socket_check(socket);
    if (error < 0) return error;
    if (!msg) return uv_socket_result(socket, ZMTP__CALL_RECV, ZMTP_ERR_ARGUMENT);
    zmtp__uv_socket_touch_marked(socket);
    const int result = zmtp_socket_recv(socket->core, msg);
    if (result < 0) socket->told_readable = false;
    if (result == ZMTP_ERR_MEMORY) {
        socket->told_readable = true; // until there is a hope
        zmtp__uv_socket_starve(socket);
    }
    if (result == ZMTP_OK) zmtp__uv_socket_touch(socket); // the room that was made may be awaited
    return uv_socket_result(socket, ZMTP__CALL_RECV, result);
}

// Who subscribes to very many topics does not gather all that publishers are told of them: it would be as much memory
// again as the topics take.
int zmtp_uv_subscribe(struct zmtp_uv_socket *socket, struct zmtp_bytes topic)
{
    const int error = zmtp__uv_socket_check(socket);
    if (error < 0) return error;
    zmtp__uv_socket_touch(socket);
    const int result = zmtp_socket_subscribe(socket->core, topic);
    if (result == ZMTP_OK) uv_socket_flush(socket, UV_SOCKET_COMMAND + topic.size);
    return uv_socket_result(socket, ZMTP__CALL_SUBSCRIBE, result);
}

int zmtp_uv_cancel(struct zmtp_uv_socket *socket, struct zmtp_bytes topic)
{
    const int error = zmtp__uv_socket_check(socket);
    if (error < 0) return error;
    zmtp__uv_socket_touch(socket);
    const int result = zmtp_socket_cancel(socket->core, topic);
    if (result == ZMTP_OK) uv_socket_flush(socket, UV_SOCKET_COMMAND + topic.size);
    return uv_socket_result(socket, ZMTP__CALL_CANCEL, result);
}

uint32_t zmtp_uv_last_request(const struct zmtp_uv_socket *socket)
{
    return zmtp__uv_socket_check(socket) < 0 ? 0 : zmtp_socket_last_request(socket->core);
}

int zmtp_uv_cancel_request(struct zmtp_uv_socket *socket, uint32_t number)
{
    const int error = zmtp__uv_socket_check(socket);
    if (error < 0) return error;
    zmtp__uv_socket_touch(socket);
    return uv_socket_result(socket, ZMTP__CALL_REQUEST,
                            zmtp_socket_cancel_request(socket->core, number));
}

unsigned zmtp_uv_events(struct zmtp_uv_socket *socket)
{
    if (zmtp__uv_socket_check(socket) < 0) return 0;
    zmtp__uv_socket_touch_marked(socket);
    return zmtp_socket_events(socket->core);
}

size_t zmtp_uv_subscribers(const struct zmtp_uv_socket *socket)
{
    return zmtp__uv_socket_check(socket) < 0 ? 0 : zmtp_socket_subscribers(socket->core);
}

struct zmtp_socket_counters zmtp_uv_counters(const struct zmtp_uv_socket *socket)
{
    if (zmtp__uv_socket_check(socket) < 0) return (struct zmtp_socket_counters){0};
    return zmtp_socket_counters(socket->core);
}
