#include "table.h"

#include <pthread.h>
#include <string.h>

#include "../base.h"
#include "../io/fork.h"
#include "net.h"

// A handle is how often its place was used, times TABLE_PLACES, plus the place. A place's state has that number in its
// upper half, then a bit that says open, then how many have it pinned, of which one is for being open.
enum { TABLE_PLACES = 65536, TABLE_CHUNK = 256 };
#define TABLE_NONE UINT32_MAX
#define TABLE_OPEN UINT64_C(0x80000000)
#define TABLE_PINS UINT64_C(0x7fffffff)

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER; // for what is static here
static pthread_once_t table_once = PTHREAD_ONCE_INIT;
static _Atomic(struct zmtp__ffi_slot *) table_chunks[TABLE_PLACES / TABLE_CHUNK];
static uint32_t table_made, table_first = TABLE_NONE, table_last;
static atomic_int table_count;

static void table_lock(void)
{
    pthread_mutex_lock(&table_mutex);
}

static void table_unlock(void)
{
    pthread_mutex_unlock(&table_mutex);
}

static void table_begin_child(void)
{
    table_unlock();
    atomic_store(&table_count, 0); // those of the parent are none of the child's
}

static void table_start(void)
{
    pthread_atfork(table_lock, table_unlock, table_begin_child);
}

static struct zmtp__ffi_slot *table_at(uint32_t place)
{
    struct zmtp__ffi_slot *const chunk =
        atomic_load_explicit(&table_chunks[place / TABLE_CHUNK], memory_order_acquire);
    return chunk ? chunk + place % TABLE_CHUNK : NULL;
}

// A place that was never used, if there is one. Locked.
static uint32_t table_make(void)
{
    if (table_made == TABLE_PLACES) return TABLE_NONE;
    if (!table_at(table_made)) {
        const size_t size = TABLE_CHUNK * sizeof(struct zmtp__ffi_slot);
        struct zmtp__ffi_slot *const chunk = zmtp_alloc(NULL, size);
        if (!chunk) return TABLE_NONE;
        memset(chunk, 0, size);
        atomic_store_explicit(&table_chunks[table_made / TABLE_CHUNK], chunk, memory_order_release);
    }
    return table_made++;
}

// The place that has been free for longest, so that all are used alike. Locked.
static uint32_t table_take(void)
{
    const uint32_t place = table_first;
    if (place == TABLE_NONE) return table_make();
    table_first = table_at(place)->next_free;
    return place;
}

static void table_give(struct zmtp__ffi_slot *slot, uint32_t place)
{
    slot->next_free = TABLE_NONE;
    if (table_first == TABLE_NONE)
        table_first = place;
    else
        table_at(table_last)->next_free = place;
    table_last = place;
}

int64_t zmtp__ffi_table_add(enum zmtp_ffi_kind kind, void *object, uint64_t parent)
{
    pthread_once(&table_once, table_start);
    if (!zmtp__fork_watch()) return ZMTP_FFI_MEMORY;
    table_lock();
    const bool full = table_first == TABLE_NONE && table_made == TABLE_PLACES;
    const uint32_t place = table_take();
    table_unlock();
    if (place == TABLE_NONE) return full ? ZMTP_FFI_LIMIT : ZMTP_FFI_MEMORY;
    struct zmtp__ffi_slot *const slot = table_at(place);
    const uint64_t uses = (atomic_load_explicit(&slot->state, memory_order_relaxed) >> 32) + 1;
    slot->handle = uses * TABLE_PLACES + place;
    slot->parent = parent;
    slot->object = object;
    slot->kind = (uint8_t)kind;
    slot->generation = zmtp__fork_generation();
    atomic_fetch_add(&table_count, 1);
    const int64_t handle = (int64_t)slot->handle; // it may be closed, and used again, at once
    atomic_store_explicit(&slot->state, uses << 32 | TABLE_OPEN | 1, memory_order_release);
    return handle;
}

struct zmtp__ffi_slot *zmtp__ffi_pin(uint64_t handle, int kind)
{
    struct zmtp__ffi_slot *const slot = table_at((uint32_t)(handle % TABLE_PLACES));
    if (!slot || handle < TABLE_PLACES) return NULL;
    uint64_t state = atomic_load_explicit(&slot->state, memory_order_relaxed);
    do
        if (state >> 32 != handle / TABLE_PLACES || !(state & TABLE_OPEN)) return NULL;
    while (!atomic_compare_exchange_weak_explicit(&slot->state, &state, state + 1,
                                                  memory_order_acquire, memory_order_relaxed));
    if (slot->generation == zmtp__fork_generation() && (kind == 0 || kind == slot->kind))
        return slot;
    zmtp__ffi_unpin(slot);
    return NULL;
}

static void table_free(struct zmtp__ffi_slot *slot)
{
    switch ((enum zmtp_ffi_kind)slot->kind) {
    case ZMTP_FFI_KIND_CONTEXT:
        zmtp__ffi_context_free(slot);
        break;
    case ZMTP_FFI_KIND_SOCKET:
        zmtp__ffi_socket_free(slot);
        break;
    case ZMTP_FFI_KIND_MESSAGE:
        zmtp__ffi_message_free(slot);
        break;
    case ZMTP_FFI_KIND_POLLER:
        zmtp__ffi_poller_free(slot);
        break;
    case ZMTP_FFI_KIND_MONITOR:
        zmtp__ffi_monitor_free(slot);
        break;
    }
}

void zmtp__ffi_unpin(struct zmtp__ffi_slot *slot)
{
    const uint64_t before = atomic_fetch_sub_explicit(&slot->state, 1, memory_order_acq_rel);
    if ((before & TABLE_PINS) > 1) return;
    table_free(slot);
    atomic_fetch_sub(&table_count, 1);
    table_lock();
    // One whose count is at its end is used no more.
    if (before >> 32 != UINT32_MAX) table_give(slot, (uint32_t)(slot->handle % TABLE_PLACES));
    table_unlock();
}

struct zmtp__ffi_slot *zmtp__ffi_enter(uint64_t handle, enum zmtp_ffi_kind kind,
                                       const char *function, int32_t *code)
{
    *code = zmtp__ffi_net_fault(function);
    if (*code < 0) return NULL;
    *code = ZMTP_FFI_HANDLE;
    return zmtp__ffi_pin(handle, (int)kind);
}

bool zmtp__ffi_table_closed(const struct zmtp__ffi_slot *pinned)
{
    return !(atomic_load_explicit(&pinned->state, memory_order_acquire) & TABLE_OPEN);
}

static void table_shut(struct zmtp__ffi_slot *slot)
{
    switch ((enum zmtp_ffi_kind)slot->kind) {
    case ZMTP_FFI_KIND_CONTEXT:
        zmtp__ffi_context_shut(slot);
        break;
    case ZMTP_FFI_KIND_SOCKET:
        zmtp__ffi_socket_shut(slot);
        break;
    case ZMTP_FFI_KIND_MESSAGE:
        break;
    case ZMTP_FFI_KIND_POLLER:
        zmtp__ffi_poller_shut(slot);
        break;
    case ZMTP_FFI_KIND_MONITOR:
        zmtp__ffi_monitor_shut(slot);
        break;
    }
}

bool zmtp__ffi_table_close(struct zmtp__ffi_slot *pinned)
{
    const uint64_t before =
        atomic_fetch_and_explicit(&pinned->state, ~TABLE_OPEN, memory_order_acq_rel);
    if (!(before & TABLE_OPEN)) return false;
    table_shut(pinned);
    zmtp__ffi_unpin(pinned); // for being open
    return true;
}

void zmtp__ffi_table_close_children(uint64_t parent)
{
    table_lock();
    const uint32_t made = table_made;
    table_unlock();
    for (uint32_t place = 0; place < made; place++) {
        const uint64_t state = atomic_load_explicit(&table_at(place)->state, memory_order_relaxed);
        const uint64_t handle = (state >> 32) * TABLE_PLACES + place;
        struct zmtp__ffi_slot *const slot = state & TABLE_OPEN ? zmtp__ffi_pin(handle, 0) : NULL;
        if (!slot) continue;
        if (slot->parent == parent) (void)zmtp__ffi_table_close(slot);
        zmtp__ffi_unpin(slot);
    }
}

int32_t zmtp_ffi_close(uint64_t handle)
{
    const int32_t fault = zmtp__ffi_net_fault(__func__);
    struct zmtp__ffi_slot *const slot = fault < 0 ? NULL : zmtp__ffi_pin(handle, 0);
    if (!slot) return fault < 0 ? fault : ZMTP_FFI_HANDLE;
    const bool closed = zmtp__ffi_table_close(slot);
    zmtp__ffi_unpin(slot);
    return closed ? ZMTP_FFI_OK : ZMTP_FFI_HANDLE;
}

int32_t zmtp_ffi_kind(uint64_t handle)
{
    struct zmtp__ffi_slot *const slot = zmtp__ffi_pin(handle, 0);
    if (!slot) return ZMTP_FFI_HANDLE;
    const int32_t kind = slot->kind;
    zmtp__ffi_unpin(slot);
    return kind;
}

int32_t zmtp_ffi_handle_count(void)
{
    return atomic_load(&table_count);
}
