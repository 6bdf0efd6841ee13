#include <poll.h>
#include <stdatomic.h>

#include "../base.h"
#include "socket.h"
#include "wait.h"

enum {
    CONTEXT_DRAIN_MAX_MS = 3600000,
    CONTEXT_LOOK_MS = 1,
    // Sockets linger as much longer than a drain waits, so that what is late is told as that.
    CONTEXT_GRACE_MS = 100,
};

struct context_object {
    struct zmtp__ffi_net_context *net;
    atomic_int linger_ms; // of its sockets, once it closes
};

struct zmtp__ffi_net_context *zmtp__ffi_context_net(const struct zmtp__ffi_slot *slot)
{
    return ((struct context_object *)slot->object)->net;
}

int64_t zmtp_ffi_context_open(void)
{
    int32_t code = zmtp__ffi_net_fault(__func__);
    if (code >= 0) code = zmtp_ffi_check();
    if (code < 0) return code;
    struct context_object *const context = zmtp_alloc(NULL, sizeof *context);
    if (!context) return ZMTP_FFI_MEMORY;
    atomic_init(&context->linger_ms, 0);
    code = zmtp__ffi_net_context_open(&context->net);
    int64_t handle = code;
    if (code >= 0) handle = zmtp__ffi_table_add(ZMTP_FFI_KIND_CONTEXT, context, 0);
    if (handle >= 0) return handle;
    if (code >= 0) zmtp__ffi_net_context_close(context->net);
    zmtp_free(NULL, context, sizeof *context);
    return handle;
}

void zmtp__ffi_context_shut(struct zmtp__ffi_slot *slot)
{
    struct context_object *const context = slot->object;
    zmtp__ffi_net_context_shut(context->net, atomic_load(&context->linger_ms));
    zmtp__ffi_table_close_children(slot->handle);
}

void zmtp__ffi_context_free(struct zmtp__ffi_slot *slot)
{
    struct context_object *const context = slot->object;
    zmtp__ffi_net_context_close(context->net);
    zmtp_free(NULL, context, sizeof *context);
}

int32_t zmtp_ffi_context_set(uint64_t handle, int32_t option, int64_t value)
{
    int32_t code;
    struct zmtp__ffi_slot *const slot =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_CONTEXT, __func__, &code);
    if (!slot) return code;
    if (option != ZMTP_FFI_CONTEXT_IO_THREADS && option != ZMTP_FFI_CONTEXT_MAX_SOCKETS &&
        option != ZMTP_FFI_CONTEXT_IPV6)
        code = ZMTP_FFI_NOT_FOUND;
    else if (value < INT32_MIN || value > INT32_MAX)
        code = ZMTP_FFI_ARGUMENT;
    else
        code = zmtp__ffi_net_context_set(zmtp__ffi_context_net(slot), option, (int)value);
    zmtp__ffi_unpin(slot);
    return code;
}

int64_t zmtp_ffi_context_get(uint64_t handle, int32_t option)
{
    int32_t code;
    struct zmtp__ffi_slot *const slot =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_CONTEXT, __func__, &code);
    if (!slot) return code;
    code = zmtp__ffi_net_context_get(zmtp__ffi_context_net(slot), option);
    zmtp__ffi_unpin(slot);
    return code == ZMTP_FFI_ARGUMENT ? ZMTP_FFI_NOT_FOUND : code;
}

int32_t zmtp_ffi_drain(uint64_t handle, int32_t wait_ms)
{
    int32_t code;
    struct zmtp__ffi_slot *const slot =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_CONTEXT, __func__, &code);
    if (!slot) return code;
    struct context_object *const context = slot->object;
    if (wait_ms < 0 || wait_ms > CONTEXT_DRAIN_MAX_MS) wait_ms = CONTEXT_DRAIN_MAX_MS;
    const uint64_t deadline_ms = zmtp__ffi_deadline(wait_ms);
    atomic_store(&context->linger_ms, wait_ms > 0 ? wait_ms + CONTEXT_GRACE_MS : 0);
    code = zmtp__ffi_table_close(slot) ? ZMTP_FFI_OK : ZMTP_FFI_HANDLE;
    bool idle = zmtp__ffi_net_context_idle(context->net);
    while (code == ZMTP_FFI_OK && !idle && zmtp__ffi_time_left(deadline_ms, CONTEXT_LOOK_MS) > 0) {
        (void)poll(NULL, 0, CONTEXT_LOOK_MS);
        idle = zmtp__ffi_net_context_idle(context->net);
    }
    zmtp__ffi_unpin(slot);
    return code == ZMTP_FFI_OK && !idle ? ZMTP_FFI_AGAIN : code;
}
