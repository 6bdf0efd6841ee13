#include "mailbox.h"

// Letters sent in one turn; then connections and other sockets get theirs.
enum { MAILBOX_BATCH = 1024 };

struct mailbox_letter {
    struct mailbox_letter *next;
    size_t size; // octets of all bodies
    struct zmtp_msg msg;
};

struct zmtp_uv_mailbox {
    unsigned generation; // of the process that opened it
    size_t count_max, bytes_max;
    uv_mutex_t mutex; // for all that follows, down to |counters|
    struct mailbox_letter *first, *last;
    size_t bytes;  // of those that wait
    bool attached; // the socket is open: |async| may be used
    bool held;     // the user has not closed it yet
    bool asleep;   // the loop found it empty, and is to be woken by the next letter
    struct zmtp_uv_mailbox_counters counters;
    // The loop's own.
    uv_async_t async;
    struct zmtp_uv_socket *socket; // null: closed
    struct zmtp_uv *uv;
    struct zmtp_uv_mailbox *next; // of the socket
    struct mailbox_letter *taken; // to be sent before those in the box
};

// What became of letters, to be added to the counters at once.
struct mailbox_tally {
    size_t bytes;
    uint64_t sent, refused, dropped;
    int error;
};

// Letters and mailboxes change threads, so they lie on the heap and not in the engine's memory.
static void mailbox_free(struct zmtp_uv_mailbox *mailbox)
{
    uv_mutex_destroy(&mailbox->mutex);
    zmtp_free(zmtp_heap(), mailbox, sizeof *mailbox);
}

static void mailbox_free_letter(struct mailbox_letter *letter)
{
    zmtp_msg_fini(&letter->msg);
    zmtp_free(zmtp_heap(), letter, sizeof *letter);
}

// Takes what has come. Nothing: the loop is woken by the next letter.
static void mailbox_take(struct zmtp_uv_mailbox *mailbox)
{
    uv_mutex_lock(&mailbox->mutex);
    mailbox->taken = mailbox->first;
    mailbox->first = mailbox->last = NULL;
    mailbox->asleep = !mailbox->taken;
    uv_mutex_unlock(&mailbox->mutex);
}

// The letter whose turn it is; null: none.
static struct mailbox_letter *mailbox_next(struct zmtp_uv_mailbox *mailbox)
{
    if (!mailbox->taken) mailbox_take(mailbox);
    return mailbox->taken;
}

static void mailbox_count(struct zmtp_uv_mailbox *mailbox, const struct mailbox_tally *tally)
{
    uv_mutex_lock(&mailbox->mutex);
    struct zmtp_uv_mailbox_counters *counters = &mailbox->counters;
    mailbox->bytes -= tally->bytes;
    counters->waiting -= tally->sent + tally->refused + tally->dropped;
    counters->sent += tally->sent;
    counters->refused += tally->refused;
    counters->dropped += tally->dropped;
    if (tally->error < 0) counters->error = tally->error;
    uv_mutex_unlock(&mailbox->mutex);
}

// Sends up to |max| letters. False: there may be more, and no room is awaited.
static bool mailbox_send(struct zmtp_uv_mailbox *mailbox, size_t max)
{
    struct zmtp_uv_socket *socket = mailbox->socket;
    struct mailbox_tally tally = {0};
    size_t count = 0;
    bool done = false;
    for (; count < max; count++) {
        struct mailbox_letter *letter = mailbox_next(mailbox);
        const int result = letter ? zmtp__uv_socket_send(socket, &letter->msg) : ZMTP_ERR_AGAIN;
        if (result == ZMTP_ERR_MEMORY) zmtp__uv_socket_starve(socket);
        done = result == ZMTP_ERR_AGAIN || result == ZMTP_ERR_MEMORY;
        if (done) break;
        tally.bytes += letter->size;
        if (result == ZMTP_OK) {
            tally.sent++;
        } else {
            tally.refused++;
            tally.error = result;
        }
        mailbox->taken = letter->next;
        mailbox_free_letter(letter);
    }
    if (count > 0) mailbox_count(mailbox, &tally);
    return done;
}

static void mailbox_gone(uv_handle_t *handle)
{
    struct zmtp_uv_mailbox *mailbox = handle->data;
    struct zmtp_uv *uv = mailbox->uv;
    uv_mutex_lock(&mailbox->mutex);
    mailbox->uv = NULL;
    const bool held = mailbox->held;
    uv_mutex_unlock(&mailbox->mutex);
    if (!held) mailbox_free(mailbox);
    zmtp__engine_handle_closed(uv);
}

// Nobody puts anything in from now on, or rings.
static void mailbox_shut(struct zmtp_uv_mailbox *mailbox)
{
    uv_mutex_lock(&mailbox->mutex);
    mailbox->attached = false;
    uv_mutex_unlock(&mailbox->mutex);
}

// The socket and the mailbox part; what is left in it is dropped.
static void mailbox_detach(struct zmtp_uv_mailbox *mailbox)
{
    struct mailbox_tally tally = {0};
    struct mailbox_letter *letter;
    mailbox->socket = NULL;
    while ((letter = mailbox_next(mailbox))) {
        mailbox->taken = letter->next;
        tally.bytes += letter->size;
        tally.dropped++;
        mailbox_free_letter(letter);
    }
    mailbox_count(mailbox, &tally);
    uv_close((uv_handle_t *)&mailbox->async, mailbox_gone);
}

// Has the user closed it, and was everything sent?
static bool mailbox_abandoned(struct zmtp_uv_mailbox *mailbox)
{
    uv_mutex_lock(&mailbox->mutex);
    const bool abandoned = !mailbox->held && mailbox->counters.waiting == 0;
    uv_mutex_unlock(&mailbox->mutex);
    return abandoned;
}

void zmtp__mailbox_deliver(struct zmtp_uv_socket *socket)
{
    for (struct zmtp_uv_mailbox **at = &socket->mailboxes; *at;) {
        struct zmtp_uv_mailbox *mailbox = *at;
        if (!mailbox_send(mailbox, MAILBOX_BATCH)) zmtp__uv_socket_touch(socket);
        if (mailbox_abandoned(mailbox)) {
            *at = mailbox->next;
            mailbox_shut(mailbox);
            mailbox_detach(mailbox);
        } else {
            at = &mailbox->next;
        }
    }
}

void zmtp__mailbox_leave(struct zmtp_uv_socket *socket)
{
    while (socket->mailboxes) {
        struct zmtp_uv_mailbox *mailbox = socket->mailboxes;
        socket->mailboxes = mailbox->next;
        mailbox_shut(mailbox);
        (void)mailbox_send(mailbox, SIZE_MAX); // what has no room is dropped
        mailbox_detach(mailbox);
    }
}

static void mailbox_ring(uv_async_t *async)
{
    struct zmtp_uv_mailbox *mailbox = async->data;
    struct zmtp_uv *uv = mailbox->uv;
    if (!zmtp__engine_enter(uv)) return;
    zmtp__uv_socket_touch(mailbox->socket);
    zmtp__engine_dispatch(uv);
}

static int mailbox_start(struct zmtp_uv_mailbox **out, struct zmtp_uv_socket *socket)
{
    struct zmtp_uv *uv = socket->uv;
    struct zmtp_uv_mailbox *mailbox = zmtp_alloc(zmtp_heap(), sizeof *mailbox);
    if (!mailbox) return ZMTP_ERR_MEMORY;
    *mailbox = (struct zmtp_uv_mailbox){.generation = uv->generation,
                                        .count_max = socket->config.socket.send_count_max,
                                        .bytes_max = socket->config.socket.send_bytes_max,
                                        .attached = true,
                                        .held = true,
                                        .asleep = true,
                                        .socket = socket,
                                        .uv = uv,
                                        .next = socket->mailboxes};
    if (uv_mutex_init(&mailbox->mutex) < 0) {
        zmtp_free(zmtp_heap(), mailbox, sizeof *mailbox);
        return ZMTP_ERR_MEMORY;
    }
    mailbox->async.data = mailbox;
    const int status = uv_async_init(uv->loop, &mailbox->async, mailbox_ring);
    if (status < 0) {
        mailbox_free(mailbox);
        return status == UV_EMFILE || status == UV_ENFILE ? ZMTP_ERR_DESCRIPTORS : ZMTP_ERR_SYSTEM;
    }
    uv_unref((uv_handle_t *)&mailbox->async); // the socket keeps the loop alive
    uv->handles++;
    socket->mailboxes = mailbox;
    *out = mailbox;
    return ZMTP_OK;
}

int zmtp_uv_mailbox_open(struct zmtp_uv_mailbox **out, struct zmtp_uv_socket *socket)
{
    if (!out) return ZMTP_ERR_ARGUMENT;
    *out = NULL;
    int error = zmtp__uv_socket_check(socket);
    if (error < 0) return error;
    error = mailbox_start(out, socket);
    if (error < 0) return zmtp__uv_socket_fail(socket, error, "%s", zmtp_err_text(error));
    zmtp__uv_socket_hush(socket);
    return ZMTP_OK;
}

void zmtp_uv_mailbox_close(struct zmtp_uv_mailbox *mailbox)
{
    if (!mailbox || mailbox->generation != zmtp__fork_generation()) return;
    uv_mutex_lock(&mailbox->mutex);
    mailbox->held = false;
    const bool last = !mailbox->uv;
    if (mailbox->attached) uv_async_send(&mailbox->async);
    uv_mutex_unlock(&mailbox->mutex);
    if (last) mailbox_free(mailbox);
}

// Takes |letter| on ZMTP_OK.
static int mailbox_put(struct zmtp_uv_mailbox *mailbox, struct mailbox_letter *letter)
{
    int result = ZMTP_OK;
    uv_mutex_lock(&mailbox->mutex);
    struct zmtp_uv_mailbox_counters *counters = &mailbox->counters;
    const bool full = (mailbox->count_max > 0 && counters->waiting >= mailbox->count_max) ||
                      (mailbox->bytes_max > 0 && mailbox->bytes >= mailbox->bytes_max);
    if (!mailbox->attached) {
        result = ZMTP_ERR_STATE;
    } else if (full) {
        result = ZMTP_ERR_AGAIN;
    } else {
        if (mailbox->last)
            mailbox->last->next = letter;
        else
            mailbox->first = letter;
        mailbox->last = letter;
        mailbox->bytes += letter->size;
        counters->posted++;
        counters->waiting++;
        if (mailbox->asleep) uv_async_send(&mailbox->async);
        mailbox->asleep = false;
    }
    uv_mutex_unlock(&mailbox->mutex);
    return result;
}

int zmtp_uv_post_msg(struct zmtp_uv_mailbox *mailbox, struct zmtp_msg *msg)
{
    if (!mailbox || !msg || msg->count == 0) return ZMTP_ERR_ARGUMENT;
    if (mailbox->generation != zmtp__fork_generation()) return ZMTP_ERR_STATE;
    struct mailbox_letter *letter = zmtp_alloc(zmtp_heap(), sizeof *letter);
    if (!letter) return ZMTP_ERR_MEMORY;
    *letter = (struct mailbox_letter){.size = zmtp_msg_size(msg), .msg = *msg};
    const int result = mailbox_put(mailbox, letter);
    if (result < 0)
        zmtp_free(zmtp_heap(), letter, sizeof *letter); // the message was lent, not moved
    else
        zmtp_msg_init(msg, msg->allocator);
    return result;
}

int zmtp_uv_post(struct zmtp_uv_mailbox *mailbox, const struct zmtp_bytes *parts, size_t count)
{
    if (!mailbox || !parts) return ZMTP_ERR_ARGUMENT;
    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, NULL);
    int result = ZMTP_OK;
    for (size_t i = 0; i < count && result == ZMTP_OK; i++)
        result = parts[i].data || parts[i].size == 0 ? zmtp_msg_append(&msg, parts[i])
                                                     : ZMTP_ERR_ARGUMENT;
    if (result == ZMTP_OK) result = zmtp_uv_post_msg(mailbox, &msg);
    zmtp_msg_fini(&msg);
    return result;
}

struct zmtp_uv_mailbox_counters zmtp_uv_mailbox_counters(struct zmtp_uv_mailbox *mailbox)
{
    struct zmtp_uv_mailbox_counters counters = {0};
    if (!mailbox || mailbox->generation != zmtp__fork_generation()) return counters;
    uv_mutex_lock(&mailbox->mutex);
    counters = mailbox->counters;
    uv_mutex_unlock(&mailbox->mutex);
    return counters;
}
