// What is in this build, words for numbers, and keys.
#include <string.h>
#include <uv.h>

#include "../curve.h"
#include "../ws/ws.h"
#include "net.h"

// The first libuv that has all functions that are used here (uv_random is of 1.33).
enum { LIBRARY_UV_OLDEST = 1 << 16 | 33 << 8 };

int32_t zmtp_ffi_uv_version(void)
{
    return (int32_t)uv_version();
}

int32_t zmtp_ffi_check(void)
{
    return uv_version() < LIBRARY_UV_OLDEST ? ZMTP_FFI_LIBRARY : ZMTP_FFI_OK;
}

int32_t zmtp_ffi_version(void)
{
    return ZMTP_FFI_VERSION;
}

const char *zmtp_ffi_library_version(void)
{
    return ZMTP_VERSION;
}

int32_t zmtp_ffi_has(const char *capability)
{
    const bool mock = zmtp__ffi_net_mock();
    if (!capability) return ZMTP_FFI_ARGUMENT;
    if (strcmp(capability, "mock") == 0) return mock;
    if (strcmp(capability, "curve") == 0) return zmtp_sodium() != NULL;
    if (strcmp(capability, "ws") == 0) return mock || zmtp__ws_built();
    return strcmp(capability, "ipc") == 0 || strcmp(capability, "vsock") == 0;
}

static const struct library_code {
    int32_t code;
    const char *name, *text;
} library_codes[] = {
    {ZMTP_FFI_OK, "ZMTP_FFI_OK", "no error"},
    {ZMTP_FFI_ARGUMENT, "ZMTP_FFI_ARGUMENT", "an argument is out of its range"},
    {ZMTP_FFI_STATE, "ZMTP_FFI_STATE", "not now: it is not this socket's turn"},
    {ZMTP_FFI_UNSUPPORTED, "ZMTP_FFI_UNSUPPORTED", "this type of socket has no such operation"},
    {ZMTP_FFI_ENDPOINT, "ZMTP_FFI_ENDPOINT", "the endpoint cannot be read"},
    {ZMTP_FFI_TRANSPORT, "ZMTP_FFI_TRANSPORT", "the endpoint's scheme is not known here"},
    {ZMTP_FFI_AGAIN, "ZMTP_FFI_AGAIN", "not now, or the time is over"},
    {ZMTP_FFI_MEMORY, "ZMTP_FFI_MEMORY", "there is no memory"},
    {ZMTP_FFI_UNREACHABLE, "ZMTP_FFI_UNREACHABLE", "there is no peer of this routing id"},
    {ZMTP_FFI_IN_USE, "ZMTP_FFI_IN_USE", "somebody listens there already"},
    {ZMTP_FFI_NOT_FOUND, "ZMTP_FFI_NOT_FOUND", "there is no such thing"},
    {ZMTP_FFI_ACCESS, "ZMTP_FFI_ACCESS", "the system denies it"},
    {ZMTP_FFI_DESCRIPTORS, "ZMTP_FFI_DESCRIPTORS", "there are no descriptors left"},
    {ZMTP_FFI_SYSTEM, "ZMTP_FFI_SYSTEM", "the system failed"},
    {ZMTP_FFI_NO_REPLY, "ZMTP_FFI_NO_REPLY", "whom it asked has gone before it answered"},
    {ZMTP_FFI_LIMIT, "ZMTP_FFI_LIMIT", "more than is allowed, or than there is room for"},
    {ZMTP_FFI_HANDLE, "ZMTP_FFI_HANDLE", "the handle is closed, or none of this kind and process"},
    {ZMTP_FFI_CLOSED, "ZMTP_FFI_CLOSED", "it was closed meanwhile"},
    {ZMTP_FFI_LIBRARY, "ZMTP_FFI_LIBRARY", "the libuv of this process is too old: 1.33 is needed"},
};

static const struct library_code *library_find(int32_t code)
{
    for (size_t i = 0; i < sizeof library_codes / sizeof *library_codes; i++)
        if (library_codes[i].code == code) return &library_codes[i];
    return NULL;
}

const char *zmtp_ffi_code_name(int32_t code)
{
    const struct library_code *const found = library_find(code);
    return found ? found->name : "";
}

const char *zmtp_ffi_code_text(int32_t code)
{
    const struct library_code *const found = library_find(code);
    return found ? found->text : "no code of this library";
}

const char *zmtp_ffi_news_name(int32_t news)
{
    switch (news) {
    case ZMTP_FFI_NEWS_CONNECTED:
        return "CONNECTED";
    case ZMTP_FFI_NEWS_CONNECT_DELAYED:
        return "CONNECT_DELAYED";
    case ZMTP_FFI_NEWS_CONNECT_RETRIED:
        return "CONNECT_RETRIED";
    case ZMTP_FFI_NEWS_LISTENING:
        return "LISTENING";
    case ZMTP_FFI_NEWS_BIND_FAILED:
        return "BIND_FAILED";
    case ZMTP_FFI_NEWS_ACCEPTED:
        return "ACCEPTED";
    case ZMTP_FFI_NEWS_ACCEPT_FAILED:
        return "ACCEPT_FAILED";
    case ZMTP_FFI_NEWS_CLOSED:
        return "CLOSED";
    case ZMTP_FFI_NEWS_DISCONNECTED:
        return "DISCONNECTED";
    case ZMTP_FFI_NEWS_MONITOR_STOPPED:
        return "MONITOR_STOPPED";
    case ZMTP_FFI_NEWS_HANDSHAKE_FAILED_NO_DETAIL:
        return "HANDSHAKE_FAILED_NO_DETAIL";
    case ZMTP_FFI_NEWS_HANDSHAKE_SUCCEEDED:
        return "HANDSHAKE_SUCCEEDED";
    case ZMTP_FFI_NEWS_HANDSHAKE_FAILED_PROTOCOL:
        return "HANDSHAKE_FAILED_PROTOCOL";
    case ZMTP_FFI_NEWS_HANDSHAKE_FAILED_AUTH:
        return "HANDSHAKE_FAILED_AUTH";
    default:
        return "";
    }
}

int32_t zmtp_ffi_keygen(void *public_key, void *secret_key)
{
    const struct zmtp_crypto *const crypto = zmtp_sodium();
    struct zmtp_key_pair pair;
    const int32_t fault = zmtp__ffi_net_fault(__func__);
    if (fault < 0) return fault;
    if (!public_key || !secret_key) return ZMTP_FFI_ARGUMENT;
    if (!crypto) return ZMTP_FFI_UNSUPPORTED;
    zmtp_key_generate(&pair, crypto);
    zmtp_key_encode(&pair.public_key, public_key);
    zmtp_key_encode(&pair.secret_key, secret_key);
    zmtp_wipe(&pair, sizeof pair);
    return ZMTP_FFI_OK;
}

int32_t zmtp_ffi_key_public(const char *secret_key, void *public_key)
{
    const struct zmtp_crypto *const crypto = zmtp_sodium();
    struct zmtp_key_pair pair;
    const int32_t fault = zmtp__ffi_net_fault(__func__);
    if (fault < 0) return fault;
    if (!secret_key || !public_key) return ZMTP_FFI_ARGUMENT;
    if (!crypto) return ZMTP_FFI_UNSUPPORTED;
    if (zmtp_key_decode(zmtp_bytes_text(secret_key), &pair.secret_key) != ZMTP_OK)
        return ZMTP_FFI_ARGUMENT;
    crypto->public_of(&pair.public_key, &pair.secret_key);
    zmtp_key_encode(&pair.public_key, public_key);
    zmtp_wipe(&pair, sizeof pair);
    return ZMTP_FFI_OK;
}
