// Round trips: a REQ sends, a REP answers with the same octets, one at a time. The REQ measures each
// trip; the first ones, which find cold caches and a growing window, are left out.
#include "adapter.h"
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIPS_MAX = 4000000, TRIPS_WARM = 200 };

static void answer(struct adapter *adapter, const struct bench_arguments *arguments, FILE *out)
{
    bench_answer(adapter, arguments, TRIPS_WARM, out);
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

static void ask_for(struct adapter *adapter, const struct bench_arguments *arguments, FILE *out)
{
    const size_t size = arguments->size;
    unsigned char *const body = bench_body(size + 1);
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
    a.size = bench_end_size(size);
    adapter_send(adapter, body, a.size);
    adapter_receive(adapter, asker_on_message, &a);
    fprintf(out, "messages %zu\ncpu_seconds %.9f\n", count, (double)cpu_ns / 1e9);
    bench_print_trips(out, trips, count);
    free(trips);
    free(body);
}

int main(int argc, char **argv)
{
    const struct bench_side answerer = {.pattern = ADAPTER_REP, .run = answer};
    const struct bench_side asker = {.pattern = ADAPTER_REQ, .run = ask_for};
    return bench_main(argc, argv, &answerer, &asker);
}
