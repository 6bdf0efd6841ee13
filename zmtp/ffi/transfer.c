// Messages between the program and the pattern, part by part or as a whole. The pattern has whole messages only.
#include <string.h>

#include "../base.h"
#include "message.h"
#include "socket.h"
#include "wait.h"

struct transfer_send {
    struct zmtp__ffi_attempt attempt;
    const void *octets; // of a part
    size_t size;
    bool more;
    struct zmtp_msg whole; // or of all
    bool is_whole;
};

struct transfer_receive {
    struct zmtp__ffi_attempt attempt;
    void *room; // for a part
    size_t size;
    const struct zmtp__ffi_slot *message; // null: a part
    bool look;                            // at its size only
};

// Gives |msg| to the pattern. It is the caller's on failure.
static int32_t transfer_push(struct zmtp__ffi_socket *socket, struct zmtp_socket *core,
                             struct zmtp_msg *msg)
{
    zmtp__ffi_net_look(socket->net);
    int result = zmtp_socket_send(core, msg);
    if (result == ZMTP_ERR_AGAIN) {
        zmtp__ffi_net_work(socket->net);
        result = zmtp_socket_send(core, msg);
    }
    if (result == ZMTP_OK) zmtp__ffi_net_look(socket->net); // it is to leave
    return zmtp__ffi_code(result);
}

static int32_t transfer_send_part(struct zmtp__ffi_socket *socket, struct zmtp_socket *core,
                                  const struct transfer_send *send)
{
    struct zmtp_msg *const msg = &socket->sending;
    if (msg->count >= ZMTP_FFI_PARTS_MAX) return ZMTP_FFI_LIMIT;
    if (zmtp_msg_append(msg, zmtp_bytes_of(send->octets, send->size)) < 0) return ZMTP_FFI_MEMORY;
    if (send->more) return ZMTP_FFI_OK;
    const int32_t code = transfer_push(socket, core, msg);
    if (code == ZMTP_FFI_OK) return code;
    // The last part is to be given again; one that can never be sent takes the others along.
    zmtp_part_fini(zmtp_msg_part(msg, msg->count - 1));
    msg->count--;
    if (code != ZMTP_FFI_AGAIN && code != ZMTP_FFI_MEMORY) zmtp_msg_fini(msg);
    return code;
}

static int64_t transfer_try_send(struct zmtp__ffi_attempt *attempt)
{
    struct transfer_send *const send = (struct transfer_send *)attempt;
    struct zmtp__ffi_socket *const socket = attempt->slot->object;
    struct zmtp_socket *const core = zmtp__ffi_net_enter(socket->net);
    int32_t code;
    if (!core) return ZMTP_FFI_CLOSED;
    if (!send->is_whole)
        code = transfer_send_part(socket, core, send);
    else if (socket->sending.count > 0)
        code = ZMTP_FFI_STATE;
    else
        code = transfer_push(socket, core, &send->whole);
    zmtp__ffi_net_leave(socket->net);
    return code;
}

static int32_t transfer_send_octets(uint64_t handle, const struct transfer_send *what,
                                    int32_t wait_ms, const char *function)
{
    int32_t code;
    struct zmtp__ffi_slot *const slot =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_SOCKET, function, &code);
    if (!slot) return code;
    struct transfer_send send = *what;
    send.attempt = (struct zmtp__ffi_attempt){.run = transfer_try_send, .slot = slot};
    code = ZMTP_FFI_ARGUMENT;
    if (send.octets || send.size == 0) code = (int32_t)zmtp__ffi_wait(&send.attempt, wait_ms);
    zmtp__ffi_unpin(slot);
    return code;
}

int32_t zmtp_ffi_send_try(uint64_t socket, const void *octets, size_t size, int32_t more)
{
    const struct transfer_send send = {.octets = octets, .size = size, .more = more != 0};
    return transfer_send_octets(socket, &send, 0, __func__);
}

int32_t zmtp_ffi_send_wait(uint64_t socket, const void *octets, size_t size, int32_t more,
                           int32_t wait_ms)
{
    const struct transfer_send send = {.octets = octets, .size = size, .more = more != 0};
    return transfer_send_octets(socket, &send, wait_ms, __func__);
}

static int32_t transfer_send_message(uint64_t handle, uint64_t message, int32_t wait_ms,
                                     const char *function)
{
    int32_t code;
    struct zmtp__ffi_slot *const slot =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_SOCKET, function, &code);
    if (!slot) return code;
    struct zmtp__ffi_slot *const from = zmtp__ffi_pin(message, ZMTP_FFI_KIND_MESSAGE);
    struct transfer_send send = {.attempt = {.run = transfer_try_send, .slot = slot},
                                 .is_whole = true};
    zmtp_msg_init(&send.whole, NULL);
    code = from ? zmtp__ffi_message_share(from, &send.whole) : ZMTP_FFI_HANDLE;
    if (from) zmtp__ffi_unpin(from);
    if (code >= 0) code = (int32_t)zmtp__ffi_wait(&send.attempt, wait_ms);
    zmtp_msg_fini(&send.whole);
    zmtp__ffi_unpin(slot);
    return code;
}

int32_t zmtp_ffi_message_send_try(uint64_t socket, uint64_t message)
{
    return transfer_send_message(socket, message, 0, __func__);
}

int32_t zmtp_ffi_message_send_wait(uint64_t socket, uint64_t message, int32_t wait_ms)
{
    return transfer_send_message(socket, message, wait_ms, __func__);
}

// There is a part to be taken, of a message that was begun or of the next.
static int32_t transfer_fetch(struct zmtp__ffi_socket *socket, struct zmtp_socket *core)
{
    if (socket->taken < socket->receiving.count) return ZMTP_FFI_OK;
    zmtp_msg_fini(&socket->receiving);
    socket->taken = 0;
    int result = zmtp_socket_recv(core, &socket->receiving);
    if (result == ZMTP_ERR_AGAIN) {
        zmtp__ffi_net_work(socket->net);
        result = zmtp_socket_recv(core, &socket->receiving);
    }
    return zmtp__ffi_code(result);
}

static int64_t transfer_take_part(struct zmtp__ffi_socket *socket, struct transfer_receive *receive)
{
    const struct zmtp_bytes octets = zmtp_msg_bytes(&socket->receiving, socket->taken);
    if (receive->look) return (int64_t)octets.size;
    if (octets.size > receive->size) return ZMTP_FFI_LIMIT;
    if (octets.size > 0) memcpy(receive->room, octets.data, octets.size);
    socket->more = ++socket->taken < socket->receiving.count;
    return (int64_t)octets.size;
}

static int64_t transfer_take_whole(struct zmtp__ffi_socket *socket,
                                   const struct zmtp__ffi_slot *message)
{
    zmtp_msg_drop_front(&socket->receiving, socket->taken);
    socket->taken = 0;
    socket->more = false;
    return zmtp__ffi_message_replace(message, &socket->receiving);
}

static int64_t transfer_try_receive(struct zmtp__ffi_attempt *attempt)
{
    struct transfer_receive *const receive = (struct transfer_receive *)attempt;
    struct zmtp__ffi_socket *const socket = attempt->slot->object;
    struct zmtp_socket *const core = zmtp__ffi_net_enter(socket->net);
    if (!core) return ZMTP_FFI_CLOSED;
    int64_t result = transfer_fetch(socket, core);
    if (result == ZMTP_FFI_OK)
        result = receive->message ? transfer_take_whole(socket, receive->message)
                                  : transfer_take_part(socket, receive);
    // The room that was made may be awaited. Not when there was nothing: what a look finds then would be seen by nobody.
    if (result >= 0) zmtp__ffi_net_look(socket->net);
    zmtp__ffi_net_leave(socket->net);
    return result;
}

static int64_t transfer_receive_octets(uint64_t handle, const struct transfer_receive *what,
                                       int32_t wait_ms, const char *function)
{
    int32_t code;
    struct zmtp__ffi_slot *const slot =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_SOCKET, function, &code);
    if (!slot) return code;
    struct transfer_receive receive = *what;
    receive.attempt = (struct zmtp__ffi_attempt){.run = transfer_try_receive, .slot = slot};
    int64_t result = ZMTP_FFI_ARGUMENT;
    if (receive.room || receive.size == 0) result = zmtp__ffi_wait(&receive.attempt, wait_ms);
    zmtp__ffi_unpin(slot);
    return result;
}

int64_t zmtp_ffi_receive_try(uint64_t socket, void *room, size_t size)
{
    const struct transfer_receive receive = {.room = room, .size = size};
    return transfer_receive_octets(socket, &receive, 0, __func__);
}

int64_t zmtp_ffi_receive_wait(uint64_t socket, void *room, size_t size, int32_t wait_ms)
{
    const struct transfer_receive receive = {.room = room, .size = size};
    return transfer_receive_octets(socket, &receive, wait_ms, __func__);
}

int64_t zmtp_ffi_next_size(uint64_t socket)
{
    const struct transfer_receive receive = {.look = true};
    return transfer_receive_octets(socket, &receive, 0, __func__);
}

int32_t zmtp_ffi_more(uint64_t handle)
{
    int32_t code;
    struct zmtp__ffi_slot *const slot =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_SOCKET, __func__, &code);
    if (!slot) return code;
    struct zmtp__ffi_socket *const socket = slot->object;
    code = ZMTP_FFI_CLOSED;
    if (zmtp__ffi_net_enter(socket->net)) {
        code = socket->more;
        zmtp__ffi_net_leave(socket->net);
    }
    zmtp__ffi_depart(slot);
    return code;
}

static int32_t transfer_receive_message(uint64_t handle, uint64_t message, int32_t wait_ms,
                                        const char *function)
{
    int32_t code;
    struct zmtp__ffi_slot *const slot =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_SOCKET, function, &code);
    if (!slot) return code;
    struct zmtp__ffi_slot *const to = zmtp__ffi_pin(message, ZMTP_FFI_KIND_MESSAGE);
    struct transfer_receive receive = {.attempt = {.run = transfer_try_receive, .slot = slot},
                                       .message = to};
    code = ZMTP_FFI_HANDLE;
    if (to) {
        code = (int32_t)zmtp__ffi_wait(&receive.attempt, wait_ms);
        zmtp__ffi_unpin(to);
    }
    zmtp__ffi_unpin(slot);
    return code;
}

int32_t zmtp_ffi_message_receive_try(uint64_t socket, uint64_t message)
{
    return transfer_receive_message(socket, message, 0, __func__);
}

int32_t zmtp_ffi_message_receive_wait(uint64_t socket, uint64_t message, int32_t wait_ms)
{
    return transfer_receive_message(socket, message, wait_ms, __func__);
}
