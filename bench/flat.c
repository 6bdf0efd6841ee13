// How long the calls of the flat interface take, one by one: p50 and p99.9 in microseconds, for each transport.
//
//     flat [ROUNDS]     10000; prints a table in Markdown
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../zmtp/ffi.h"

enum { FLAT_OCTETS = 64, FLAT_SOON_MS = 10000 };

enum flat_kind {
    FLAT_SEND,
    FLAT_RECEIVE,
    FLAT_NOTHING,
    FLAT_TRIP,
    FLAT_EVENTS,
    FLAT_POLLER,
    FLAT_SOCKET,
    FLAT_KINDS
};

static const char *const flat_names[FLAT_KINDS] = {
    [FLAT_SEND] = "send_try, 64 octets",
    [FLAT_RECEIVE] = "receive_try of what is there",
    [FLAT_NOTHING] = "receive_try of nothing",
    [FLAT_TRIP] = "round trip, receive_wait on both sides",
    [FLAT_EVENTS] = "events",
    [FLAT_POLLER] = "poller_try, two sockets",
    [FLAT_SOCKET] = "socket_open, bind, close",
};

static double *flat_times[FLAT_KINDS];
static size_t flat_counts[FLAT_KINDS];

static double flat_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void flat_note(enum flat_kind kind, double began_us)
{
    flat_times[kind][flat_counts[kind]++] = flat_now_us() - began_us;
}

static uint64_t flat_good(int64_t result, const char *what)
{
    if (result >= 0) return (uint64_t)result;
    fprintf(stderr, "flat: %s: %s\n", what, zmtp_ffi_code_text((int32_t)result));
    exit(1);
}

struct flat_pair {
    uint64_t context, binder, dialler, poller;
};

static struct flat_pair flat_open(const char *endpoint)
{
    char where[ZMTP_FFI_ENDPOINT_MAX + 1] = "";
    struct flat_pair pair = {.context = flat_good(zmtp_ffi_context_open(), "context_open")};
    pair.binder = flat_good(zmtp_ffi_socket_open(pair.context, ZMTP_FFI_PAIR), "socket_open");
    pair.dialler = flat_good(zmtp_ffi_socket_open(pair.context, ZMTP_FFI_PAIR), "socket_open");
    pair.poller = flat_good(zmtp_ffi_poller_open(), "poller_open");
    (void)flat_good(zmtp_ffi_bind(pair.binder, endpoint), "bind");
    (void)flat_good(
        zmtp_ffi_get_octets(pair.binder, ZMTP_FFI_OPTION_LAST_ENDPOINT, where, sizeof where - 1),
        "get_octets");
    (void)flat_good(zmtp_ffi_connect(pair.dialler, where), "connect");
    (void)flat_good(zmtp_ffi_poller_add(pair.poller, pair.binder, ZMTP_FFI_IN), "poller_add");
    (void)flat_good(zmtp_ffi_poller_add(pair.poller, pair.dialler, ZMTP_FFI_IN), "poller_add");
    return pair;
}

static void flat_round(const struct flat_pair *pair, const char *octets)
{
    char room[FLAT_OCTETS];
    double began = flat_now_us();
    const double trip = began;
    (void)flat_good(zmtp_ffi_send_try(pair->dialler, octets, FLAT_OCTETS, 0), "send_try");
    flat_note(FLAT_SEND, began);
    (void)flat_good(zmtp_ffi_receive_wait(pair->binder, room, sizeof room, FLAT_SOON_MS),
                    "receive_wait");
    (void)flat_good(zmtp_ffi_send_try(pair->binder, octets, FLAT_OCTETS, 0), "send_try");
    (void)flat_good(zmtp_ffi_receive_wait(pair->dialler, room, sizeof room, FLAT_SOON_MS),
                    "receive_wait");
    flat_note(FLAT_TRIP, trip);
    (void)flat_good(zmtp_ffi_send_try(pair->dialler, octets, FLAT_OCTETS, 0), "send_try");
    (void)flat_good(zmtp_ffi_events_wait(pair->binder, ZMTP_FFI_IN, FLAT_SOON_MS), "events_wait");
    began = flat_now_us();
    (void)flat_good(zmtp_ffi_receive_try(pair->binder, room, sizeof room), "receive_try");
    flat_note(FLAT_RECEIVE, began);
    began = flat_now_us();
    (void)zmtp_ffi_receive_try(pair->binder, room, sizeof room);
    flat_note(FLAT_NOTHING, began);
    began = flat_now_us();
    (void)flat_good(zmtp_ffi_events(pair->binder), "events");
    flat_note(FLAT_EVENTS, began);
    began = flat_now_us();
    (void)zmtp_ffi_poller_try(pair->poller);
    flat_note(FLAT_POLLER, began);
}

static int flat_compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void flat_print(enum flat_kind kind)
{
    const size_t count = flat_counts[kind];
    if (count == 0) {
        printf(" - |");
        return;
    }
    qsort(flat_times[kind], count, sizeof **flat_times, flat_compare);
    printf(" %.1f, %.1f |", flat_times[kind][count / 2], flat_times[kind][count * 999 / 1000]);
}

static void flat_measure(const char *endpoint, size_t rounds)
{
    char octets[FLAT_OCTETS], another[ZMTP_FFI_ENDPOINT_MAX];
    memset(octets, 'x', sizeof octets);
    memset(flat_counts, 0, sizeof flat_counts);
    const struct flat_pair pair = flat_open(endpoint);
    for (size_t i = 0; i < rounds / 10; i++)
        flat_round(&pair, octets); // until all is warm
    memset(flat_counts, 0, sizeof flat_counts);
    for (size_t i = 0; i < rounds; i++)
        flat_round(&pair, octets);
    zmtp_ffi_close(pair.dialler);
    const bool any = strncmp(endpoint, "tcp", 3) == 0; // it has a port of its own each time
    snprintf(another, sizeof another, "%s%s", endpoint, any ? "" : "-another");
    for (size_t i = 0; i < rounds / 10; i++) {
        const double began = flat_now_us();
        const uint64_t socket =
            flat_good(zmtp_ffi_socket_open(pair.context, ZMTP_FFI_PAIR), "socket_open");
        (void)flat_good(zmtp_ffi_bind(socket, another), "bind");
        zmtp_ffi_close(socket);
        flat_note(FLAT_SOCKET, began);
    }
    zmtp_ffi_close(pair.poller);
    zmtp_ffi_close(pair.context);
    for (int kind = 0; kind < FLAT_KINDS; kind++)
        flat_print((enum flat_kind)kind);
}

int main(int argc, char **argv)
{
    char path[64];
    const size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
    if (rounds < 100 || rounds > 10000000) {
        fprintf(stderr, "flat: from 100 to 10000000 rounds\n");
        return 2;
    }
    for (int kind = 0; kind < FLAT_KINDS; kind++) {
        flat_times[kind] = malloc(2 * rounds * sizeof **flat_times);
        if (!flat_times[kind]) return 1;
    }
    snprintf(path, sizeof path, "ipc://@flat-%d", (int)getpid());
    const char *const endpoints[] = {"inproc://flat", path, "tcp://127.0.0.1:*"};
    printf("| p50, p99.9 in us, %s |", zmtp_ffi_has("mock") == 1 ? "the mock" : "the library");
    for (int kind = 0; kind < FLAT_KINDS; kind++)
        printf(" %s |", flat_names[kind]);
    printf("\n|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
        printf("| %.*s |", (int)strcspn(endpoints[i], ":"), endpoints[i]);
        flat_measure(endpoints[i], rounds);
        printf("\n");
    }
    for (int kind = 0; kind < FLAT_KINDS; kind++)
        free(flat_times[kind]);
    return 0;
}
