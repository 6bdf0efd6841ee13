// What is to go wrong, and who answers what: mock.h.
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "../mock.h"
#include "../socket.h"
#include "world.h"

enum { SCRIPT_FAILURES_MAX = 32, SCRIPT_DELAY_MAX_MS = 3600000, SCRIPT_NAME_MAX = 48 };

struct script_failure {
    char function[SCRIPT_NAME_MAX];
    int32_t code, after, times;
};

struct script_reply {
    struct script_reply *next;
    size_t request_size, reply_size;
    uint8_t octets[]; // both
};

struct mock_script {
    struct mock_script *next;
    struct script_reply *replies;
    char key[ZMTP_ENDPOINT_MAX];
};

// Failures are looked for by every call, and have a lock of their own.
static pthread_mutex_t script_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct script_failure script_failures[SCRIPT_FAILURES_MAX];
static struct mock_script *script_first; // under the world's lock

bool zmtp__ffi_net_mock(void)
{
    return true;
}

int32_t zmtp__ffi_net_fault(const char *function)
{
    int32_t code = 0;
    pthread_mutex_lock(&script_mutex);
    for (size_t i = 0; i < SCRIPT_FAILURES_MAX && code == 0; i++) {
        struct script_failure *const failure = &script_failures[i];
        if (failure->times == 0 || strcmp(failure->function, function) != 0) continue;
        if (failure->after-- > 0) break;
        failure->after = 0;
        failure->times--;
        code = failure->code;
    }
    pthread_mutex_unlock(&script_mutex);
    return code;
}

int32_t zmtp_mock_fail(const char *function, int32_t code, int32_t after, int32_t times)
{
    if (!function || strlen(function) >= SCRIPT_NAME_MAX) return ZMTP_FFI_ARGUMENT;
    if (code >= 0 || after < 0 || times < 1) return ZMTP_FFI_ARGUMENT;
    int32_t result = ZMTP_FFI_LIMIT;
    pthread_mutex_lock(&script_mutex);
    for (size_t i = 0; i < SCRIPT_FAILURES_MAX && result < 0; i++) {
        struct script_failure *const failure = &script_failures[i];
        if (failure->times > 0) continue;
        *failure = (struct script_failure){.code = code, .after = after, .times = times};
        strcpy(failure->function, function);
        result = ZMTP_FFI_OK;
    }
    pthread_mutex_unlock(&script_mutex);
    return result;
}

const struct mock_script *zmtp__mock_script_find(const char *key)
{
    const struct mock_script *script = script_first;
    while (script && strcmp(script->key, key) != 0)
        script = script->next;
    return script;
}

bool zmtp__mock_script_answer(const struct mock_script *script, struct zmtp_bytes request,
                              struct zmtp_bytes *reply)
{
    const struct script_reply *any = NULL, *found = NULL;
    for (const struct script_reply *row = script->replies; row && !found; row = row->next) {
        if (row->request_size == 0) any = any ? any : row;
        if (zmtp_bytes_equal(zmtp_bytes_of(row->octets, row->request_size), request)) found = row;
    }
    if (!found) found = any;
    if (found) *reply = zmtp_bytes_of(found->octets + found->request_size, found->reply_size);
    return found;
}

// The script of |key|, made if there is none. Null: no memory.
static struct mock_script *script_take(const char *key)
{
    struct mock_script *script = script_first;
    while (script && strcmp(script->key, key) != 0)
        script = script->next;
    if (script) return script;
    script = zmtp_alloc(NULL, sizeof *script);
    if (!script) return NULL;
    *script = (struct mock_script){.next = script_first};
    strcpy(script->key, key);
    script_first = script;
    return script;
}

int32_t zmtp_mock_reply(const char *endpoint, const void *request, size_t request_size,
                        const void *reply, size_t reply_size)
{
    struct zmtp_endpoint where;
    char key[ZMTP_ENDPOINT_MAX];
    if (!endpoint || (!request && request_size > 0) || (!reply && reply_size > 0))
        return ZMTP_FFI_ARGUMENT;
    int32_t code = zmtp__mock_key(endpoint, &where, key);
    if (code < 0) return code;
    struct script_reply *const row = zmtp_alloc(NULL, sizeof *row + request_size + reply_size);
    if (!row) return ZMTP_FFI_MEMORY;
    *row = (struct script_reply){.request_size = request_size, .reply_size = reply_size};
    if (request_size > 0) memcpy(row->octets, request, request_size);
    if (reply_size > 0) memcpy(row->octets + request_size, reply, reply_size);
    zmtp__mock_lock();
    struct mock_script *const script = script_take(key);
    if (script) {
        row->next = script->replies; // the last word counts
        script->replies = row;
        zmtp__mock_run();
        zmtp__mock_ring();
    } else {
        zmtp_free(NULL, row, sizeof *row + request_size + reply_size);
        code = ZMTP_FFI_MEMORY;
    }
    zmtp__mock_unlock();
    return code;
}

static void script_free(struct mock_script *script)
{
    while (script->replies) {
        struct script_reply *const row = script->replies;
        script->replies = row->next;
        zmtp_free(NULL, row, sizeof *row + row->request_size + row->reply_size);
    }
    zmtp_free(NULL, script, sizeof *script);
}

int32_t zmtp_mock_reset(void)
{
    pthread_mutex_lock(&script_mutex);
    memset(script_failures, 0, sizeof script_failures);
    pthread_mutex_unlock(&script_mutex);
    zmtp__mock_lock();
    for (struct mock_cable *cable = zmtp__mock_world.cables; cable; cable = cable->next)
        if (cable->script) zmtp__mock_cable_break(cable);
    while (script_first) {
        struct mock_script *const script = script_first;
        script_first = script->next;
        script_free(script);
    }
    zmtp__mock_run();
    zmtp__mock_ring();
    zmtp__mock_unlock();
    return ZMTP_FFI_OK;
}

int32_t zmtp_mock_cut(const char *endpoint, int32_t for_ms)
{
    struct zmtp_endpoint where;
    char key[ZMTP_ENDPOINT_MAX];
    if (!endpoint || for_ms < 0) return ZMTP_FFI_ARGUMENT;
    int32_t code = zmtp__mock_key(endpoint, &where, key);
    if (code < 0) return code;
    code = ZMTP_FFI_NOT_FOUND;
    zmtp__mock_lock();
    for (struct mock_name *name = zmtp__mock_world.names; name; name = name->next) {
        if (strcmp(name->key, key) != 0) continue;
        code = ZMTP_FFI_OK;
        name->cut_until_ms = zmtp__mock_now() + (uint64_t)for_ms;
        for (struct mock_cable *cable = zmtp__mock_world.cables; cable; cable = cable->next)
            if (cable->name == name) zmtp__mock_cable_break(cable);
    }
    zmtp__mock_run();
    zmtp__mock_ring();
    zmtp__mock_unlock();
    return code;
}

// The network's socket of a handle, whose slot is pinned; null: there is none.
static struct zmtp__ffi_net_socket *script_enter(uint64_t handle, struct zmtp__ffi_slot **slot)
{
    *slot = zmtp__ffi_pin(handle, ZMTP_FFI_KIND_SOCKET);
    if (!*slot) return NULL;
    zmtp__mock_lock();
    return ((struct zmtp__ffi_socket *)(*slot)->object)->net;
}

static void script_leave(struct zmtp__ffi_slot *slot)
{
    zmtp__mock_unlock();
    zmtp__ffi_unpin(slot);
}

int32_t zmtp_mock_loss(uint64_t handle, int32_t per_mille, uint32_t seed)
{
    struct zmtp__ffi_slot *slot;
    if (per_mille < 0 || per_mille > 1000) return ZMTP_FFI_ARGUMENT;
    struct zmtp__ffi_net_socket *const socket = script_enter(handle, &slot);
    if (!socket) return ZMTP_FFI_HANDLE;
    socket->loss_per_mille = per_mille;
    socket->random = UINT64_C(0x9e3779b97f4a7c15) * (seed + UINT64_C(1)) | 1;
    script_leave(slot);
    return ZMTP_FFI_OK;
}

int32_t zmtp_mock_drop(uint64_t handle, int32_t count)
{
    struct zmtp__ffi_slot *slot;
    if (count < 0) return ZMTP_FFI_ARGUMENT;
    struct zmtp__ffi_net_socket *const socket = script_enter(handle, &slot);
    if (!socket) return ZMTP_FFI_HANDLE;
    socket->drop = count;
    script_leave(slot);
    return ZMTP_FFI_OK;
}

int64_t zmtp_mock_lost(uint64_t handle)
{
    struct zmtp__ffi_slot *slot;
    const struct zmtp__ffi_net_socket *const socket = script_enter(handle, &slot);
    if (!socket) return ZMTP_FFI_HANDLE;
    const int64_t lost = (int64_t)socket->lost;
    script_leave(slot);
    return lost;
}

int32_t zmtp_mock_delay(uint64_t handle, int32_t delay_ms)
{
    struct zmtp__ffi_slot *slot;
    if (delay_ms < 0 || delay_ms > SCRIPT_DELAY_MAX_MS) return ZMTP_FFI_ARGUMENT;
    struct zmtp__ffi_net_socket *const socket = script_enter(handle, &slot);
    if (!socket) return ZMTP_FFI_HANDLE;
    socket->delay_ms = delay_ms;
    script_leave(slot);
    return ZMTP_FFI_OK;
}
