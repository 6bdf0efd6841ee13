#include "contract.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int count, failed;

void check(bool ok, const char *name, int line)
{
    count++;
    if (!ok) failed++;
    printf("%s %d - %s\n", ok ? "ok" : "not ok", count, name);
    if (!ok) printf("# line %d\n", line);
}

void check_skip(const char *name, const char *why)
{
    printf("ok %d - %s # SKIP %s\n", ++count, name, why);
}

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t opened(int64_t handle, int line)
{
    if (handle <= 0) check(false, zmtp_ffi_code_name((int32_t)handle), line);
    return (uint64_t)handle;
}

const char *endpoint_of(uint64_t socket)
{
    static char text[ZMTP_FFI_ENDPOINT_MAX];
    const int64_t size =
        zmtp_ffi_get_octets(socket, ZMTP_FFI_OPTION_LAST_ENDPOINT, text, sizeof text - 1);
    text[size < 0 ? 0 : size] = '\0';
    return text;
}

struct two join_over(int32_t binder, int32_t dialler, const char *endpoint)
{
    struct two two = {.context = OPENED(zmtp_ffi_context_open())};
    two.binder = OPENED(zmtp_ffi_socket_open(two.context, binder));
    two.dialler = OPENED(zmtp_ffi_socket_open(two.context, dialler));
    if (zmtp_ffi_bind(two.binder, endpoint) != ZMTP_FFI_OK) CHECK("a bind works", false);
    if (zmtp_ffi_connect(two.dialler, endpoint_of(two.binder)) != ZMTP_FFI_OK)
        CHECK("a connect works", false);
    return two;
}

struct two join(int32_t binder, int32_t dialler)
{
    return join_over(binder, dialler, "tcp://127.0.0.1:*");
}

bool send_text(uint64_t socket, const char *text, int32_t more)
{
    return zmtp_ffi_send_wait(socket, text, strlen(text), more, SOON_MS) == ZMTP_FFI_OK;
}

bool hears(uint64_t socket, const char *text)
{
    char room[64];
    const int64_t size = zmtp_ffi_receive_wait(socket, room, sizeof room, SOON_MS);
    return size == (int64_t)strlen(text) && memcmp(room, text, strlen(text)) == 0;
}

int check_end(void)
{
    printf("1..%d\n", count);
    return failed > 0;
}
