// Round trips: a REQ sends, a REP answers with the same octets, one at a time. The REQ measures each
// trip; the first ones, which find cold caches and a growing window, are left out.
#include "adapter.h"
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIPS_MAX = 4000000, TRIPS_WARM = 200 };

struct answerer {
    struct adapter *adapter;
    uint64_t count, cpu_ns;
};

static bool answerer_on_message(void *context, const unsigned char *data, size_t size)
{
    struct answerer *const a = context;
    if (a->count++ == TRIPS_WARM) a->cpu_ns = bench_cpu_ns();
    adapter_send(a->adapter, data, size);
    return size != 1; // one octet is the end
}

static void answer(struct adapter *adapter, const struct bench_arguments *arguments, FILE *out)
{
    (void)arguments; // the other side ends it
    struct answerer a = {.adapter = adapter};
    adapter_receive(adapter, answerer_on_message, &a);
    fprintf(out, "cpu_seconds %.9f\n", (double)(bench_cpu_ns() - a.cpu_ns) / 1e9);
}

struct asker {
    const unsigned char *body;
    size_t size;
};

static bool asker_on_message(void *context, const unsigned char *data, size_t size)
{
    const struct asker *const a = context;
    if (size != a->size || memcmp(data, a->body, size) != 0) bench_die("asker", "wrong answer");
    return false;
}

static int order(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void print_trips(FILE *out, uint64_t *trips, size_t count, uint64_t cpu_ns)
{
    if (count == 0) bench_die("asker", "no round trip in the given time");
    qsort(trips, count, sizeof *trips, order);
    fprintf(out, "messages %zu\np50_us %.3f\np99_us %.3f\ncpu_seconds %.9f\n", count,
            (double)trips[count / 2] / 1e3, (double)trips[count * 99 / 100] / 1e3,
            (double)cpu_ns / 1e9);
}

static void ask_for(struct adapter *adapter, const struct bench_arguments *arguments, FILE *out)
{
    const size_t size = arguments->size;
    unsigned char *const body = bench_body(size);
    uint64_t *const trips = malloc(TRIPS_MAX * sizeof *trips);
    if (!trips) bench_die("trips", "no memory");
    struct asker a = {body, size};
    uint64_t end_ns = UINT64_MAX, cpu_ns = 0, sent_ns = bench_now_ns();
    size_t count = 0;
    const size_t max = arguments->count_max < TRIPS_MAX ? (size_t)arguments->count_max : TRIPS_MAX;
    for (size_t i = 0; sent_ns < end_ns && count < max; i++) {
        if (i == TRIPS_WARM) {
            end_ns = sent_ns + arguments->duration_ns;
            cpu_ns = bench_cpu_ns();
        }
        adapter_send(adapter, body, size);
        adapter_receive(adapter, asker_on_message, &a);
        const uint64_t now_ns = bench_now_ns();
        if (i >= TRIPS_WARM) trips[count++] = now_ns - sent_ns;
        sent_ns = now_ns;
    }
    cpu_ns = bench_cpu_ns() - cpu_ns;
    a.size = 1;
    adapter_send(adapter, body, 1);
    adapter_receive(adapter, asker_on_message, &a);
    print_trips(out, trips, count, cpu_ns);
    free(trips);
    free(body);
}

int main(int argc, char **argv)
{
    const struct bench_side answerer = {ADAPTER_REP, answer};
    const struct bench_side asker = {ADAPTER_REQ, ask_for};
    return bench_main(argc, argv, &answerer, &asker);
}
