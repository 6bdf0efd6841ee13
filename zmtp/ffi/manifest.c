#include "manifest.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../base.h"

int32_t zmtp_ffi_constant_count(void)
{
    return zmtp__ffi_constants_count;
}

const char *zmtp_ffi_constant_name(int32_t index)
{
    return index < 0 || index >= zmtp__ffi_constants_count ? "" : zmtp__ffi_constants[index].name;
}

int64_t zmtp_ffi_constant_value(int32_t index)
{
    return index < 0 || index >= zmtp__ffi_constants_count ? 0 : zmtp__ffi_constants[index].value;
}

int32_t zmtp_ffi_constant_find(const char *name, int64_t *value)
{
    if (!name || !value) return ZMTP_FFI_ARGUMENT;
    for (int32_t i = 0; i < zmtp__ffi_constants_count; i++) {
        if (strcmp(zmtp__ffi_constants[i].name, name) != 0) continue;
        *value = zmtp__ffi_constants[i].value;
        return ZMTP_FFI_OK;
    }
    return ZMTP_FFI_NOT_FOUND;
}

int32_t zmtp_ffi_function_count(void)
{
    return zmtp__ffi_functions_count;
}

const char *zmtp_ffi_function_name(int32_t index)
{
    return index < 0 || index >= zmtp__ffi_functions_count ? "" : zmtp__ffi_functions[index].name;
}

const char *zmtp_ffi_function_signature(int32_t index)
{
    return index < 0 || index >= zmtp__ffi_functions_count ? ""
                                                           : zmtp__ffi_functions[index].signature;
}

// Written once, when it is first asked for, and kept. Null: it was not, or there was no memory.
static pthread_once_t manifest_once = PTHREAD_ONCE_INIT;
static char *manifest_text;

struct manifest_room {
    char *at; // null: only the size is wanted
    size_t size;
};

static void manifest_add(struct manifest_room *room, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int size =
        vsnprintf(room->at ? room->at + room->size : NULL, room->at ? 512 : 0, format, arguments);
    va_end(arguments);
    if (size > 0) room->size += (size_t)size;
}

static void manifest_put_functions(struct manifest_room *room, const char *title,
                                   const struct zmtp__ffi_function *rows, int32_t count)
{
    manifest_add(room, "\n  },\n  \"%s\": {\n", title);
    for (int32_t i = 0; i < count; i++)
        manifest_add(room, "%s    \"%s\": {\"signature\": \"%s\", \"arguments\": \"%s\"}",
                     i > 0 ? ",\n" : "", rows[i].name, rows[i].signature, rows[i].arguments);
}

static void manifest_put(struct manifest_room *room)
{
    manifest_add(room, "{\n  \"library\": \"libzmtp-ffi.so.0\",\n  \"version\": %d,\n",
                 ZMTP_FFI_VERSION);
    manifest_add(room, "  \"constants\": {\n");
    for (int32_t i = 0; i < zmtp__ffi_constants_count; i++)
        manifest_add(room, "%s    \"%s\": %" PRId64, i > 0 ? ",\n" : "",
                     zmtp__ffi_constants[i].name, zmtp__ffi_constants[i].value);
    manifest_put_functions(room, "functions", zmtp__ffi_functions, zmtp__ffi_functions_count);
    manifest_put_functions(room, "mock_functions", zmtp__ffi_mocks, zmtp__ffi_mocks_count);
    manifest_add(room, "\n  }\n}\n");
}

static void manifest_write(void)
{
    struct manifest_room room = {0};
    manifest_put(&room);
    // Each piece may be told that it has 512 octets.
    room.at = zmtp_alloc(NULL, room.size + 512);
    room.size = 0;
    if (room.at) manifest_put(&room);
    manifest_text = room.at;
}

const char *zmtp_ffi_manifest(void)
{
    pthread_once(&manifest_once, manifest_write);
    return manifest_text ? manifest_text : "";
}
