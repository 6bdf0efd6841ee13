// Many peers on one ROUTER: as many connections as the first word of EXTRA says, each a handshake and one message
// to and fro, and then idle. The ROUTER's process tells how fast they came, what each cost it in processor time and
// what each keeps resident; its DEALERs are sockets of up to BATCH connections in the other process, one batch after
// the other, so that no queue of the system's overflows. One more peer measures round trips, alone and among them.
#include "adapter.h"
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 100, // libzmq's backlog
    PEERS_MAX = 100000,
    SETTLE_MS = 3000, // until memory that is not used any more has been given back
    TRIPS_MAX = 400000,
    TRIPS_WARM = 200,
};

// One octet says what is to be done; longer messages are the busy peer's.
enum { SAY_CROWD = 'c', SAY_START = 's', SAY_IDLE = 'i', SAY_END = 'e' };

struct server {
    struct adapter *adapter;
    size_t peer_count, came;
    uint64_t started_ns, ended_ns, cpu_ns;
    unsigned char said;
};

static bool server_on_message(void *context, const unsigned char *data, size_t size)
{
    struct server *const s = context;
    s->said = size == 1 ? data[0] : 0;
    if (s->said == SAY_IDLE) return false;
    if (s->said == SAY_START) {
        s->started_ns = bench_now_ns();
        s->cpu_ns = bench_cpu_ns();
    }
    adapter_send(s->adapter, data, size);
    if (s->said == SAY_CROWD && ++s->came == s->peer_count) {
        s->ended_ns = bench_now_ns();
        s->cpu_ns = bench_cpu_ns() - s->cpu_ns;
    }
    return s->said != SAY_END;
}

static void serve(struct adapter *adapter, const struct bench_arguments *arguments, FILE *out)
{
    struct server s = {.adapter = adapter, .peer_count = bench_number(arguments, 0)};
    size_t resident[2] = {0, 0};
    for (size_t i = 0; s.said != SAY_END; i++) {
        adapter_receive(adapter, server_on_message, &s);
        if (s.said != SAY_IDLE) continue;
        adapter_idle(adapter, SETTLE_MS);
        resident[i > 0] = bench_resident();
        adapter_send(adapter, "", 1);
    }
    if (s.came != s.peer_count) bench_die("server", "some did not come");
    const size_t grown = resident[1] > resident[0] ? resident[1] - resident[0] : 1;
    const double count = (double)s.peer_count;
    fprintf(out, "seconds %.9f\ncpu_seconds %.9f\nserver_us %.3f\nresident %.6g\n",
            (double)(s.ended_ns - s.started_ns) / 1e9, (double)s.cpu_ns / 1e9,
            (double)s.cpu_ns / 1e3 / count, (double)grown / count);
}

struct waiter {
    size_t count; // answers that are still to come
};

static bool waiter_on_message(void *context, const unsigned char *data, size_t size)
{
    struct waiter *const w = context;
    (void)data;
    (void)size;
    return --w->count > 0;
}

static void say(struct adapter *adapter, unsigned char what)
{
    struct waiter one = {1};
    adapter_send(adapter, &what, 1);
    adapter_receive(adapter, waiter_on_message, &one);
}

// The median round trip of one peer, in microseconds.
static double trips_median(struct adapter *adapter, const struct bench_arguments *arguments,
                           uint64_t *trips)
{
    unsigned char *const body = bench_body(arguments->size);
    size_t count = 0;
    uint64_t sent_ns = bench_now_ns();
    const uint64_t end_ns = sent_ns + arguments->duration_ns;
    for (size_t i = 0; (sent_ns < end_ns || i <= TRIPS_WARM) && count < TRIPS_MAX; i++) {
        struct waiter one = {1};
        adapter_send(adapter, body, arguments->size);
        adapter_receive(adapter, waiter_on_message, &one);
        const uint64_t now_ns = bench_now_ns();
        if (i >= TRIPS_WARM) trips[count++] = now_ns - sent_ns;
        sent_ns = now_ns;
    }
    free(body);
    return bench_median_us(trips, count);
}

// Over tcp from an address of its own: libzmq's DEALER takes the same text twice for one connection.
static void peer_connect(struct adapter *adapter, const char *endpoint, size_t index)
{
    char text[256];
    if (strncmp(endpoint, "tcp://", 6) != 0) bench_die(endpoint, "it is for tcp");
    const int size = snprintf(text, sizeof text, "tcp://127.0.1.%zu:0;%s", index + 1, endpoint + 6);
    if (size < 0 || (size_t)size >= sizeof text) bench_die(endpoint, "too long");
    adapter_connect(adapter, text);
}

static struct adapter *batch_open(struct adapter_home *home,
                                  const struct bench_arguments *arguments, size_t count)
{
    const struct adapter_wish wish = {
        .pattern = ADAPTER_DEALER,
        .security = bench_has(arguments->extra, "curve") ? ADAPTER_CURVE_CLIENT : ADAPTER_NULL,
        .count_max = BENCH_QUEUE_MAX};
    const unsigned char crowd = SAY_CROWD;
    struct adapter *const adapter = adapter_open(home, &wish);
    struct waiter all = {count};
    for (size_t i = 0; i < count; i++)
        peer_connect(adapter, arguments->endpoint, i);
    for (size_t i = 0; i < count; i++)
        adapter_send(adapter, &crowd, 1); // one to each
    adapter_receive(adapter, waiter_on_message, &all);
    return adapter;
}

static void crowd(struct adapter *adapter, const struct bench_arguments *arguments, FILE *out)
{
    const size_t peer_count = bench_number(arguments, 0);
    if (peer_count < 1 || peer_count > PEERS_MAX) bench_die("EXTRA", "1 to 100000 peers");
    if (arguments->size < 2) bench_die("SIZE", "at least 2");
    const size_t batch_count = (peer_count + BATCH - 1) / BATCH;
    struct adapter **const batches = calloc(batch_count, sizeof(struct adapter *));
    uint64_t *const trips = malloc(TRIPS_MAX * sizeof *trips);
    if (!batches || !trips) bench_die("crowd", "no memory");
    struct adapter_home *const home = adapter_home_open();
    const double alone_us = trips_median(adapter, arguments, trips);
    say(adapter, SAY_IDLE);
    say(adapter, SAY_START);
    const uint64_t cpu_ns = bench_cpu_ns();
    for (size_t i = 0, left = peer_count; i < batch_count; i++, left -= BATCH)
        batches[i] = batch_open(home, arguments, left < BATCH ? left : BATCH);
    const double cpu = (double)(bench_cpu_ns() - cpu_ns) / 1e9;
    say(adapter, SAY_IDLE);
    const double among_us = trips_median(adapter, arguments, trips);
    say(adapter, SAY_END);
    fprintf(out, "messages %zu\ncpu_seconds %.9f\np50_us %.3f\namong_us %.3f\namong_percent %.2f\n",
            peer_count, cpu, alone_us, among_us, among_us / alone_us * 100);
    for (size_t i = 0; i < batch_count; i++)
        adapter_close(batches[i]);
    adapter_home_close(home);
    free(trips);
    free(batches);
}

int main(int argc, char **argv)
{
    const struct bench_side server = {.pattern = ADAPTER_ROUTER, .run = serve};
    const struct bench_side peers = {.pattern = ADAPTER_DEALER, .run = crowd};
    return bench_main(argc, argv, &server, &peers);
}
