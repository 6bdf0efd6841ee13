#include "message.h"

#include <pthread.h>
#include <string.h>

#include "../base.h"
#include "net.h"

struct message_object {
    pthread_mutex_t mutex; // for |msg|
    struct zmtp_msg msg;
};

int64_t zmtp_ffi_message_open(void)
{
    const int32_t code = zmtp__ffi_net_fault(__func__);
    if (code < 0) return code;
    struct message_object *const message = zmtp_alloc(NULL, sizeof *message);
    if (!message) return ZMTP_FFI_MEMORY;
    pthread_mutex_init(&message->mutex, NULL);
    zmtp_msg_init(&message->msg, NULL);
    const int64_t handle = zmtp__ffi_table_add(ZMTP_FFI_KIND_MESSAGE, message, 0);
    if (handle >= 0) return handle;
    pthread_mutex_destroy(&message->mutex);
    zmtp_free(NULL, message, sizeof *message);
    return handle;
}

void zmtp__ffi_message_free(struct zmtp__ffi_slot *slot)
{
    struct message_object *const message = slot->object;
    zmtp_msg_fini(&message->msg);
    pthread_mutex_destroy(&message->mutex);
    zmtp_free(NULL, message, sizeof *message);
}

// The message, locked; null: |*code| says why.
static struct zmtp_msg *message_enter(uint64_t handle, struct zmtp__ffi_slot **slot, int32_t *code,
                                      const char *function)
{
    *slot = zmtp__ffi_enter(handle, ZMTP_FFI_KIND_MESSAGE, function, code);
    if (!*slot) return NULL;
    struct message_object *const message = (*slot)->object;
    pthread_mutex_lock(&message->mutex);
    *code = ZMTP_FFI_OK;
    return &message->msg;
}

static void message_leave(struct zmtp__ffi_slot *slot)
{
    struct message_object *const message = slot->object;
    pthread_mutex_unlock(&message->mutex);
    zmtp__ffi_unpin(slot);
}

int32_t zmtp_ffi_message_clear(uint64_t handle)
{
    struct zmtp__ffi_slot *slot;
    int32_t code;
    struct zmtp_msg *const msg = message_enter(handle, &slot, &code, __func__);
    if (!msg) return code;
    zmtp_msg_fini(msg);
    message_leave(slot);
    return code;
}

int32_t zmtp_ffi_message_add(uint64_t handle, const void *octets, size_t size)
{
    struct zmtp__ffi_slot *slot;
    int32_t code;
    struct zmtp_msg *const msg = message_enter(handle, &slot, &code, __func__);
    if (!msg) return code;
    if (!octets && size > 0)
        code = ZMTP_FFI_ARGUMENT;
    else if (msg->count >= ZMTP_FFI_PARTS_MAX)
        code = ZMTP_FFI_LIMIT;
    else
        code = zmtp_msg_append(msg, zmtp_bytes_of(octets, size));
    message_leave(slot);
    return code;
}

int32_t zmtp_ffi_message_count(uint64_t handle)
{
    struct zmtp__ffi_slot *slot;
    int32_t code;
    const struct zmtp_msg *const msg = message_enter(handle, &slot, &code, __func__);
    if (!msg) return code;
    code = (int32_t)msg->count;
    message_leave(slot);
    return code;
}

// Copies |from| if there is room. Its size, or ZMTP_FFI_LIMIT.
static int64_t message_give(struct zmtp_bytes from, void *room, size_t size)
{
    if (!room && size > 0) return ZMTP_FFI_ARGUMENT;
    if (from.size > size) return ZMTP_FFI_LIMIT;
    if (from.size > 0) memcpy(room, from.data, from.size);
    return (int64_t)from.size;
}

int64_t zmtp_ffi_message_size(uint64_t handle, int32_t index)
{
    struct zmtp__ffi_slot *slot;
    int32_t code;
    const struct zmtp_msg *const msg = message_enter(handle, &slot, &code, __func__);
    if (!msg) return code;
    int64_t size = ZMTP_FFI_NOT_FOUND;
    if (index >= 0 && (uint32_t)index < msg->count)
        size = (int64_t)zmtp_msg_bytes(msg, (size_t)index).size;
    message_leave(slot);
    return size;
}

int64_t zmtp_ffi_message_get(uint64_t handle, int32_t index, void *room, size_t size)
{
    struct zmtp__ffi_slot *slot;
    int32_t code;
    const struct zmtp_msg *const msg = message_enter(handle, &slot, &code, __func__);
    if (!msg) return code;
    int64_t result = ZMTP_FFI_NOT_FOUND;
    if (index >= 0 && (uint32_t)index < msg->count)
        result = message_give(zmtp_msg_bytes(msg, (size_t)index), room, size);
    message_leave(slot);
    return result;
}

int64_t zmtp_ffi_message_routing_id(uint64_t handle)
{
    struct zmtp__ffi_slot *slot;
    int32_t code;
    const struct zmtp_msg *const msg = message_enter(handle, &slot, &code, __func__);
    if (!msg) return code;
    const int64_t routing_id = msg->routing_id;
    message_leave(slot);
    return routing_id;
}

int32_t zmtp_ffi_message_set_routing_id(uint64_t handle, uint32_t routing_id)
{
    struct zmtp__ffi_slot *slot;
    int32_t code;
    struct zmtp_msg *const msg = message_enter(handle, &slot, &code, __func__);
    if (!msg) return code;
    msg->routing_id = routing_id;
    message_leave(slot);
    return code;
}

int64_t zmtp_ffi_message_property(uint64_t handle, const char *name, void *room, size_t size)
{
    struct zmtp__ffi_slot *slot;
    int32_t code;
    const struct zmtp_msg *const msg = message_enter(handle, &slot, &code, __func__);
    if (!msg) return code;
    int64_t result = name ? ZMTP_FFI_NOT_FOUND : ZMTP_FFI_ARGUMENT;
    if (name && msg->origin) {
        const struct zmtp_bytes value = zmtp_msg_property(msg, name);
        if (value.data) result = message_give(value, room, size);
    }
    message_leave(slot);
    return result;
}

int zmtp__ffi_message_share(const struct zmtp__ffi_slot *slot, struct zmtp_msg *to)
{
    struct message_object *const message = slot->object;
    int result = ZMTP_OK;
    pthread_mutex_lock(&message->mutex);
    to->routing_id = message->msg.routing_id;
    for (uint32_t i = 0; i < message->msg.count && result == ZMTP_OK; i++) {
        struct zmtp_part part;
        zmtp_part_share(&part, zmtp_msg_part(&message->msg, i));
        result = zmtp_msg_append_part(to, &part);
        if (result < 0) zmtp_part_fini(&part);
    }
    pthread_mutex_unlock(&message->mutex);
    return result;
}

int32_t zmtp__ffi_message_replace(const struct zmtp__ffi_slot *slot, struct zmtp_msg *msg)
{
    struct message_object *const message = slot->object;
    const int32_t count = (int32_t)msg->count;
    pthread_mutex_lock(&message->mutex);
    zmtp_msg_move(&message->msg, msg);
    pthread_mutex_unlock(&message->mutex);
    return count;
}
