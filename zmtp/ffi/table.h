// Handles: numbers for objects, each with a place in a table. A place counts how often it was used, so a number is
// never given twice, and is looked up without a lock. Whoever is in a call has the object pinned; closing lets
// nobody in any more, and the last to leave frees it.
#ifndef ZMTP_FFI_TABLE_H
#define ZMTP_FFI_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "../ffi.h"

struct zmtp__ffi_slot {
    _Atomic uint64_t state; // see table.c
    uint64_t handle, parent;
    void *object;
    unsigned generation; // of the process
    uint32_t next_free;
    atomic_uint waiters; // calls that sleep until it has news; see wait.h
    uint8_t kind;        // an enum zmtp_ffi_kind
};

// The new handle, which has |object| from now on. ZMTP_FFI_LIMIT or ZMTP_FFI_MEMORY: it is still the caller's.
int64_t zmtp__ffi_table_add(enum zmtp_ffi_kind kind, void *object, uint64_t parent);
// Null: no such handle. 0: any kind.
struct zmtp__ffi_slot *zmtp__ffi_pin(uint64_t handle, int kind);
void zmtp__ffi_unpin(struct zmtp__ffi_slot *slot);
// How exported functions begin: null, and |*code| says why. The mock may have them fail.
struct zmtp__ffi_slot *zmtp__ffi_enter(uint64_t handle, enum zmtp_ffi_kind kind,
                                       const char *function, int32_t *code);
// True: it was open, and is closed now.
bool zmtp__ffi_table_close(struct zmtp__ffi_slot *pinned);
bool zmtp__ffi_table_closed(const struct zmtp__ffi_slot *pinned);
// Closes all that have |parent|.
void zmtp__ffi_table_close_children(uint64_t parent);

// What kinds of objects do: is closed, while others may still be inside; and is freed.
void zmtp__ffi_context_shut(struct zmtp__ffi_slot *slot);
void zmtp__ffi_context_free(struct zmtp__ffi_slot *slot);
void zmtp__ffi_socket_shut(struct zmtp__ffi_slot *slot);
void zmtp__ffi_socket_free(struct zmtp__ffi_slot *slot);
void zmtp__ffi_message_free(struct zmtp__ffi_slot *slot);
void zmtp__ffi_poller_shut(struct zmtp__ffi_slot *slot);
void zmtp__ffi_poller_free(struct zmtp__ffi_slot *slot);
void zmtp__ffi_monitor_shut(struct zmtp__ffi_slot *slot);
void zmtp__ffi_monitor_free(struct zmtp__ffi_slot *slot);

#endif
