// Many peers on one ROUTER: as many connections as the first word of EXTRA says, each a handshake and one message
// to and fro, and then idle. The ROUTER's process tells how fast they came, what each cost it in processor time and
// what each keeps resident; its DEALERs are sockets of up to BATCH connections in the other process, one batch after
// the other, so that no queue of the system's overflows. One more peer then measures round trips among them, in turns
// with one of another ROUTER of that process, on a thread of its own, which has nobody else: slice by slice, so that a
// slow moment of the machine meets both. What is told is the median of the slices, and of their ratios.
#include "adapter.h"
#include "bench.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 100, // libzmq's backlog
    PEERS_MAX = 100000,
    SETTLE_MS = 3000, // until memory that is not used any more has been given back
    TRIPS_MAX = 400000,
    TRIPS_WARM = 200,
    SLICE_NS = 10000000,
    SLICES_MAX = 10000,
};

// One octet says what is to be done; longer messages are the busy peer's.
enum { SAY_WHERE = 'w', SAY_CROWD = 'c', SAY_START = 's', SAY_IDLE = 'i', SAY_END = 'e' };

struct server {
    struct adapter *adapter;
    const char *where; // the other ROUTER
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
    if (s->said == SAY_WHERE)
        adapter_send(s->adapter, s->where, strlen(s->where) + 1);
    else
        adapter_send(s->adapter, data, size);
    if (s->said == SAY_CROWD && ++s->came == s->peer_count) {
        s->ended_ns = bench_now_ns();
        s->cpu_ns = bench_cpu_ns() - s->cpu_ns;
    }
    return s->said != SAY_END;
}

// The ROUTER with one peer.
struct lonely {
    const struct bench_arguments *arguments;
    pthread_t thread;
    sem_t bound;
    const char *endpoint;
};

static bool lonely_on_message(void *context, const unsigned char *data, size_t size)
{
    adapter_send(context, data, size);
    return size != 1;
}

static void *lonely_run(void *context)
{
    struct lonely *const l = context;
    const struct adapter_wish wish = {
        .pattern = ADAPTER_ROUTER,
        .security = bench_has(l->arguments->extra, "curve") ? ADAPTER_CURVE_SERVER : ADAPTER_NULL,
        .count_max = BENCH_QUEUE_MAX};
    struct adapter_home *const home = adapter_home_open();
    struct adapter *const adapter = adapter_open(home, &wish);
    l->endpoint = adapter_bind(adapter, "tcp://127.0.0.1:*");
    (void)sem_post(&l->bound); // it is far from its limit
    adapter_receive(adapter, lonely_on_message, adapter);
    adapter_close(adapter);
    adapter_home_close(home);
    return NULL;
}

static void serve(struct adapter *adapter, const struct bench_arguments *arguments, FILE *out)
{
    struct lonely lonely = {.arguments = arguments};
    if (sem_init(&lonely.bound, 0, 0) != 0 ||
        pthread_create(&lonely.thread, NULL, lonely_run, &lonely) != 0)
        bench_die("thread", "cannot be started");
    while (sem_wait(&lonely.bound) != 0) {} // a signal
    struct server s = {
        .adapter = adapter, .where = lonely.endpoint, .peer_count = bench_number(arguments, 0)};
    size_t resident[2] = {0, 0};
    for (size_t i = 0; s.said != SAY_END; i++) {
        adapter_receive(adapter, server_on_message, &s);
        if (s.said != SAY_IDLE) continue;
        adapter_idle(adapter, SETTLE_MS);
        resident[i > 0] = bench_resident();
        adapter_send(adapter, "", 1);
    }
    (void)pthread_join(lonely.thread, NULL); // it was started
    if (s.came != s.peer_count) bench_die("server", "some did not come");
    const size_t grown = resident[1] > resident[0] ? resident[1] - resident[0] : 1;
    const double count = (double)s.peer_count;
    fprintf(out, "seconds %.9f\ncpu_seconds %.9f\nserver_us %.3f\nresident %.6g\n",
            (double)(s.ended_ns - s.started_ns) / 1e9, (double)s.cpu_ns / 1e9,
            (double)s.cpu_ns / 1e3 / count, (double)grown / count);
}

struct waiter {
    size_t count;    // answers that are still to come
    char where[256]; // what the last one said
};

static bool waiter_on_message(void *context, const unsigned char *data, size_t size)
{
    struct waiter *const w = context;
    if (size <= sizeof w->where) memcpy(w->where, data, size);
    return --w->count > 0;
}

static void say(struct adapter *adapter, unsigned char what, struct waiter *answer)
{
    *answer = (struct waiter){.count = 1};
    adapter_send(adapter, &what, 1);
    adapter_receive(adapter, waiter_on_message, answer);
}

// Round trips of one peer.
struct trips {
    struct adapter *adapter;
    unsigned char *body;
    size_t size, count;
    uint64_t *ns;
};

// The median of one slice, in microseconds.
static double trips_slice(struct trips *t, uint64_t slice_ns)
{
    uint64_t sent_ns = bench_now_ns();
    const uint64_t end_ns = sent_ns + slice_ns;
    t->count = 0;
    while ((sent_ns < end_ns || t->count == 0) && t->count < TRIPS_MAX) {
        struct waiter one = {.count = 1};
        adapter_send(t->adapter, t->body, t->size);
        adapter_receive(t->adapter, waiter_on_message, &one);
        const uint64_t now_ns = bench_now_ns();
        t->ns[t->count++] = now_ns - sent_ns;
        sent_ns = now_ns;
    }
    return bench_median_us(t->ns, t->count);
}

static int slices_order(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double slices_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, slices_order);
    return values[count / 2];
}

// Of each pair of slices who begins changes, as the one that follows may find warmer caches.
static void trips_compare(struct trips *alone, struct trips *among, uint64_t duration_ns, FILE *out)
{
    size_t count = (size_t)(duration_ns / SLICE_NS) + 1;
    if (count > SLICES_MAX) count = SLICES_MAX;
    double *const alone_us = calloc(3 * count, sizeof *alone_us),
                  *among_us = alone_us + count, *const percent = among_us + count;
    if (!alone_us) bench_die("slices", "no memory");
    for (size_t i = 0; i < TRIPS_WARM; i++) {
        (void)trips_slice(alone, 0);
        (void)trips_slice(among, 0);
    }
    for (size_t i = 0; i < count; i++) {
        if (i % 2 == 0) alone_us[i] = trips_slice(alone, SLICE_NS);
        among_us[i] = trips_slice(among, SLICE_NS);
        if (i % 2 == 1) alone_us[i] = trips_slice(alone, SLICE_NS);
        percent[i] = among_us[i] / alone_us[i] * 100;
    }
    fprintf(out, "p50_us %.3f\namong_us %.3f\namong_percent %.2f\n", slices_median(alone_us, count),
            slices_median(among_us, count), slices_median(percent, count));
    free(alone_us);
}

// A peer of its own, of the ROUTER that has no other.
static struct adapter *alone_open(struct adapter_home *home,
                                  const struct bench_arguments *arguments, const char *endpoint)
{
    const struct adapter_wish wish = {
        .pattern = ADAPTER_DEALER,
        .security = bench_has(arguments->extra, "curve") ? ADAPTER_CURVE_CLIENT : ADAPTER_NULL,
        .count_max = BENCH_QUEUE_MAX};
    struct adapter *const adapter = adapter_open(home, &wish);
    adapter_connect(adapter, endpoint);
    return adapter;
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
    struct waiter all = {.count = count};
    for (size_t i = 0; i < count; i++)
        bench_connect_from(adapter, arguments->endpoint, i);
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
    struct trips among = {.adapter = adapter, .size = arguments->size};
    among.body = bench_body(arguments->size);
    among.ns = malloc(TRIPS_MAX * sizeof *among.ns);
    if (!batches || !among.ns) bench_die("crowd", "no memory");
    struct adapter_home *const home = adapter_home_open(), *const quiet = adapter_home_open();
    struct waiter answer;
    say(adapter, SAY_WHERE, &answer);
    struct trips alone = among;
    alone.adapter = alone_open(quiet, arguments, answer.where);
    (void)trips_slice(&alone, 0); // it is connected
    say(adapter, SAY_IDLE, &answer);
    say(adapter, SAY_START, &answer);
    const uint64_t cpu_ns = bench_cpu_ns();
    for (size_t i = 0, left = peer_count; i < batch_count; i++, left -= BATCH)
        batches[i] = batch_open(home, arguments, left < BATCH ? left : BATCH);
    const double cpu = (double)(bench_cpu_ns() - cpu_ns) / 1e9;
    fprintf(out, "messages %zu\ncpu_seconds %.9f\n", peer_count, cpu);
    say(adapter, SAY_IDLE, &answer);
    trips_compare(&alone, &among, arguments->duration_ns, out);
    say(alone.adapter, SAY_END, &answer);
    say(adapter, SAY_END, &answer);
    for (size_t i = 0; i < batch_count; i++)
        adapter_close(batches[i]);
    adapter_close(alone.adapter);
    adapter_home_close(home);
    adapter_home_close(quiet);
    free(among.body);
    free(among.ns);
    free(batches);
}

int main(int argc, char **argv)
{
    const struct bench_side server = {.pattern = ADAPTER_ROUTER, .run = serve};
    const struct bench_side peers = {.pattern = ADAPTER_DEALER, .run = crowd};
    return bench_main(argc, argv, &server, &peers);
}
