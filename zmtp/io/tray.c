#include "tray.h"

#include "../msg/slab.h"

// Messages moved in one turn; then connections and other sockets get theirs.
enum { TRAY_BATCH = 1024 };

struct tray_letter {
    struct tray_letter *next;
    size_t size; // octets of all bodies
    struct zmtp_msg msg;
};

struct zmtp_uv_tray {
    unsigned generation; // of the process that opened it
    size_t count_max, bytes_max;
    uv_mutex_t mutex; // for all that follows, down to |held|
    uv_cond_t come;
    struct tray_letter *first, *last;
    size_t count, bytes;
    unsigned waiting; // threads that sleep until something comes
    bool stalled;     // the loop found it full, and is to be rung when there is room
    bool attached;    // the socket is open: |async| may be used
    bool held;        // the user has not closed it yet
    // The loop's own.
    uv_async_t async;
    struct zmtp_uv_socket *socket; // null: closed
    struct zmtp_uv *uv;            // null: |async| is closed
    struct tray_letter *kept;      // received, and not in the tray yet for want of memory
};

static void tray_free_letter(struct tray_letter *letter)
{
    zmtp_msg_fini(&letter->msg);
    zmtp_free(zmtp_heap(), letter, sizeof *letter);
}

static void tray_free(struct zmtp_uv_tray *tray)
{
    while (tray->first) {
        struct tray_letter *letter = tray->first;
        tray->first = letter->next;
        tray_free_letter(letter);
    }
    uv_cond_destroy(&tray->come);
    uv_mutex_destroy(&tray->mutex);
    zmtp_free(zmtp_heap(), tray, sizeof *tray);
}

// ---- The loop's side

// What other threads may free: slabs that come home from any thread, or, where the engine's memory is not
// the heap's, a copy. ZMTP_ERR_MEMORY leaves |msg| as it was.
static int tray_lend(struct zmtp_msg *msg)
{
    const bool heap = !msg->allocator || msg->allocator == zmtp_heap();
    struct zmtp_msg copy = {0};
    for (size_t i = 0; heap && i < msg->count; i++)
        if (zmtp_msg_part(msg, i)->slab) zmtp__slab_lend(zmtp_msg_part(msg, i)->slab);
    if (heap) return ZMTP_OK;
    zmtp_msg_init(&copy, NULL);
    copy.routing_id = msg->routing_id;
    copy.request = msg->request;
    for (size_t i = 0; i < msg->count; i++) {
        const int result = zmtp_msg_append(&copy, zmtp_msg_bytes(msg, i));
        if (result < 0) {
            zmtp_msg_fini(&copy);
            return result;
        }
    }
    zmtp_msg_fini(msg);
    *msg = copy;
    return ZMTP_OK;
}

// Is there room for another? No: the loop is rung when there is.
static bool tray_has_room(struct zmtp_uv_tray *tray)
{
    uv_mutex_lock(&tray->mutex);
    const bool full = (tray->count_max > 0 && tray->count >= tray->count_max) ||
                      (tray->bytes_max > 0 && tray->bytes >= tray->bytes_max);
    tray->stalled = full;
    uv_mutex_unlock(&tray->mutex);
    return !full;
}

static void tray_put(struct zmtp_uv_tray *tray, struct tray_letter *letter)
{
    uv_mutex_lock(&tray->mutex);
    if (tray->last)
        tray->last->next = letter;
    else
        tray->first = letter;
    tray->last = letter;
    tray->count++;
    tray->bytes += letter->size;
    if (tray->waiting > 0) uv_cond_signal(&tray->come);
    uv_mutex_unlock(&tray->mutex);
}

// A letter with the next message that was received; one for which there was no memory comes first.
static int tray_receive(struct zmtp_uv_socket *socket, struct zmtp_uv_tray *tray)
{
    if (tray->kept) return ZMTP_OK;
    struct tray_letter *letter = zmtp_alloc(zmtp_heap(), sizeof *letter);
    if (!letter) return ZMTP_ERR_MEMORY;
    letter->next = NULL;
    zmtp_msg_init(&letter->msg, socket->uv->allocator);
    const int result = zmtp_socket_recv(socket->core, &letter->msg);
    const uint32_t request = letter->msg.request;
    if (result == ZMTP_OK)
        tray->kept = letter;
    else
        tray_free_letter(letter); // its message may have grown
    // Who takes waits for messages; that a request of a REQ failed is told by an event.
    if (result == ZMTP_ERR_TIMEOUT || result == ZMTP_ERR_NO_REPLY)
        zmtp__uv_socket_tell_failed(socket, result, request);
    return result;
}

// ZMTP_OK: one message more lies in the tray.
static int tray_move(struct zmtp_uv_socket *socket, struct zmtp_uv_tray *tray)
{
    int result = tray_receive(socket, tray);
    if (result == ZMTP_OK) result = tray_lend(&tray->kept->msg);
    if (result < 0) return result;
    struct tray_letter *letter = tray->kept;
    tray->kept = NULL;
    letter->size = zmtp_msg_size(&letter->msg);
    tray_put(tray, letter);
    return ZMTP_OK;
}

static void tray_gone(uv_handle_t *handle)
{
    struct zmtp_uv_tray *tray = handle->data;
    struct zmtp_uv *uv = tray->uv;
    uv_mutex_lock(&tray->mutex);
    tray->uv = NULL;
    const bool held = tray->held;
    uv_mutex_unlock(&tray->mutex);
    if (!held) tray_free(tray);
    zmtp__engine_handle_closed(uv);
}

void zmtp__tray_leave(struct zmtp_uv_socket *socket)
{
    struct zmtp_uv_tray *tray = socket->tray;
    if (!tray) return;
    socket->tray = NULL;
    uv_mutex_lock(&tray->mutex);
    tray->attached = false;
    uv_cond_broadcast(&tray->come); // nothing will come any more
    uv_mutex_unlock(&tray->mutex);
    tray->socket = NULL;
    if (tray->kept) tray_free_letter(tray->kept);
    tray->kept = NULL;
    uv_close((uv_handle_t *)&tray->async, tray_gone);
}

// Has the user closed it?
static bool tray_abandoned(struct zmtp_uv_tray *tray)
{
    uv_mutex_lock(&tray->mutex);
    const bool abandoned = !tray->held;
    uv_mutex_unlock(&tray->mutex);
    return abandoned;
}

void zmtp__tray_deliver(struct zmtp_uv_socket *socket)
{
    struct zmtp_uv_tray *tray = socket->tray;
    if (!tray) return;
    if (tray_abandoned(tray)) {
        zmtp__tray_leave(socket);
        return;
    }
    int result = ZMTP_OK;
    for (int i = 0; i < TRAY_BATCH && result == ZMTP_OK; i++) {
        if (!tray_has_room(tray)) return;
        result = tray_move(socket, tray);
        if (socket->closing) return; // by a callback
        if (result == ZMTP_ERR_TIMEOUT || result == ZMTP_ERR_NO_REPLY) result = ZMTP_OK;
    }
    if (result == ZMTP_ERR_MEMORY) zmtp__uv_socket_starve(socket);
    if (result == ZMTP_OK) zmtp__uv_socket_touch(socket); // there may be more
}

static void tray_ring(uv_async_t *async)
{
    struct zmtp_uv_tray *tray = async->data;
    struct zmtp_uv *uv = tray->uv;
    if (!zmtp__engine_enter(uv) || !tray->socket) return;
    zmtp__uv_socket_touch(tray->socket);
    zmtp__engine_dispatch(uv);
}

// ---- The user's side

static int tray_start(struct zmtp_uv_tray *tray, struct zmtp_uv *uv)
{
    tray->async.data = tray;
    const int status = uv_async_init(uv->loop, &tray->async, tray_ring);
    if (status == UV_EMFILE || status == UV_ENFILE) return ZMTP_ERR_DESCRIPTORS;
    if (status < 0) return ZMTP_ERR_SYSTEM;
    uv_unref((uv_handle_t *)&tray->async); // the socket keeps the loop alive
    uv->handles++;
    return ZMTP_OK;
}

static int tray_make(struct zmtp_uv_tray **out, struct zmtp_uv_socket *socket)
{
    struct zmtp_uv_tray *tray = zmtp_alloc(zmtp_heap(), sizeof *tray);
    if (!tray) return ZMTP_ERR_MEMORY;
    *tray = (struct zmtp_uv_tray){.generation = socket->uv->generation,
                                  .count_max = socket->config.socket.recv_count_max,
                                  .bytes_max = socket->config.socket.recv_bytes_max,
                                  .attached = true,
                                  .held = true,
                                  .socket = socket,
                                  .uv = socket->uv};
    if (uv_mutex_init(&tray->mutex) < 0) {
        zmtp_free(zmtp_heap(), tray, sizeof *tray);
        return ZMTP_ERR_MEMORY;
    }
    if (uv_cond_init(&tray->come) < 0) {
        uv_mutex_destroy(&tray->mutex);
        zmtp_free(zmtp_heap(), tray, sizeof *tray);
        return ZMTP_ERR_MEMORY;
    }
    const int error = tray_start(tray, socket->uv);
    if (error < 0) {
        tray_free(tray);
        return error;
    }
    socket->tray = tray;
    zmtp__uv_socket_touch(socket); // something may be there already
    *out = tray;
    return ZMTP_OK;
}

int zmtp_uv_tray_open(struct zmtp_uv_tray **out, struct zmtp_uv_socket *socket)
{
    if (!out) return ZMTP_ERR_ARGUMENT;
    *out = NULL;
    int error = zmtp__uv_socket_check(socket);
    if (error < 0) return error;
    if (socket->config.on_message || socket->config.on_readable)
        return zmtp__uv_socket_fail(socket, ZMTP_ERR_STATE,
                                    "what this socket receives goes to on_message or on_readable: "
                                    "leave both null for a tray");
    if (socket->tray)
        return zmtp__uv_socket_fail(socket, ZMTP_ERR_IN_USE,
                                    "this socket has its tray; all threads share that one");
    error = tray_make(out, socket);
    if (error < 0) return zmtp__uv_socket_fail(socket, error, "%s", zmtp_err_text(error));
    zmtp__uv_socket_hush(socket);
    return ZMTP_OK;
}

void zmtp_uv_tray_close(struct zmtp_uv_tray *tray)
{
    if (!tray || tray->generation != zmtp__fork_generation()) return;
    uv_mutex_lock(&tray->mutex);
    tray->held = false;
    const bool last = !tray->uv;
    if (tray->attached) uv_async_send(&tray->async);
    uv_mutex_unlock(&tray->mutex);
    if (last) tray_free(tray);
}

// Sleeps until something may have come, or until |end_ns|. False: it is time.
static bool tray_wait(struct zmtp_uv_tray *tray, uint64_t end_ns)
{
    const uint64_t now = uv_hrtime();
    if (now >= end_ns) return false;
    tray->waiting++;
    if (end_ns == UINT64_MAX)
        uv_cond_wait(&tray->come, &tray->mutex);
    else
        (void)uv_cond_timedwait(&tray->come, &tray->mutex, end_ns - now); // the clock tells
    tray->waiting--;
    return true;
}

// The first letter, out of the tray. The mutex is held.
static struct tray_letter *tray_pop(struct zmtp_uv_tray *tray)
{
    struct tray_letter *letter = tray->first;
    tray->first = letter->next;
    if (!tray->first) tray->last = NULL;
    tray->count--;
    tray->bytes -= letter->size;
    const bool roomy = (tray->count_max == 0 || tray->count <= tray->count_max / 2) &&
                       (tray->bytes_max == 0 || tray->bytes <= tray->bytes_max / 2);
    if (tray->stalled && roomy) {
        tray->stalled = false;
        if (tray->attached) uv_async_send(&tray->async);
    }
    return letter;
}

int zmtp_uv_take(struct zmtp_uv_tray *tray, struct zmtp_msg *msg, uint32_t timeout_ms)
{
    if (!tray || !msg || msg->count > 0) return ZMTP_ERR_ARGUMENT;
    if (tray->generation != zmtp__fork_generation()) return ZMTP_ERR_STATE;
    const uint64_t end_ns =
        timeout_ms == UINT32_MAX ? UINT64_MAX : uv_hrtime() + timeout_ms * UINT64_C(1000000);
    struct tray_letter *letter = NULL;
    uv_mutex_lock(&tray->mutex);
    while (!tray->first && tray->attached && tray_wait(tray, end_ns)) {}
    if (tray->first) letter = tray_pop(tray);
    const bool attached = tray->attached;
    uv_mutex_unlock(&tray->mutex);
    if (!letter) return attached ? ZMTP_ERR_AGAIN : ZMTP_ERR_STATE;
    zmtp_msg_fini(msg);
    *msg = letter->msg;
    zmtp_free(zmtp_heap(), letter, sizeof *letter);
    return ZMTP_OK;
}
