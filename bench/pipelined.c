// Round trips with many on their way: a DEALER keeps as many messages as the first word of EXTRA says between
// itself and a ROUTER, which sends each back to whom it came from; for each that is back one more leaves. They
// come back in order, each with its number. The time of every sixteenth is measured: to look at the clock for
// each would be a good part of what is measured.
#include "adapter.h"
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TRIPS_MAX = 4000000,
    TRIP_EVERY = 16,
    TRIPS_WARM = 3200, // the first, which find cold caches
};

static void answer(struct adapter *adapter, const struct bench_arguments *arguments, FILE *out)
{
    bench_answer(adapter, arguments, TRIPS_WARM, out);
}

struct asker {
    struct adapter *adapter;
    const struct bench_arguments *arguments;
    unsigned char *body;
    uint64_t sent, back, last; // numbers; |last|: the one with which it ends
    uint64_t started_ns, end_ns, cpu_ns;
    uint64_t *sent_ns; // of those that are measured and on their way, by number / TRIP_EVERY
    uint64_t *trips_ns;
    size_t trip_count;
};

static void asker_send(struct asker *a)
{
    if (a->sent % TRIP_EVERY == 0)
        a->sent_ns[a->sent / TRIP_EVERY % BENCH_OUTSTANDING_MAX] = bench_now_ns();
    memcpy(a->body, &a->sent, a->arguments->size < sizeof a->sent ? 1 : sizeof a->sent);
    a->sent++;
    adapter_send(a->adapter, a->body, a->arguments->size);
}

// After the warm ones the time begins; when it is over, those that have left are waited for.
static void asker_measure(struct asker *a)
{
    const uint64_t now_ns = bench_now_ns();
    const uint64_t trip_ns = now_ns - a->sent_ns[a->back / TRIP_EVERY % BENCH_OUTSTANDING_MAX];
    if (a->back == TRIPS_WARM) {
        a->started_ns = now_ns;
        a->end_ns = now_ns + a->arguments->duration_ns;
        a->cpu_ns = bench_cpu_ns();
        a->last = bench_last(a->arguments, TRIPS_WARM);
    } else if (a->back > TRIPS_WARM && a->trip_count < TRIPS_MAX) {
        a->trips_ns[a->trip_count++] = trip_ns;
        if (now_ns >= a->end_ns && a->sent < a->last) a->last = a->sent;
    }
}

static bool asker_on_message(void *context, const unsigned char *data, size_t size)
{
    struct asker *const a = context;
    const size_t numbered = size < sizeof a->back ? 1 : sizeof a->back;
    if (size != a->arguments->size || memcmp(data, &a->back, numbered) != 0)
        bench_die("asker", "wrong answer");
    if (a->back % TRIP_EVERY == 0) asker_measure(a);
    a->back++;
    if (a->sent < a->last) asker_send(a);
    return a->back < a->last;
}

static void ask_for(struct adapter *adapter, const struct bench_arguments *arguments, FILE *out)
{
    const size_t outstanding = bench_outstanding(arguments, 0);
    struct asker a = {.adapter = adapter, .arguments = arguments, .last = UINT64_MAX};
    a.body = bench_body(arguments->size < sizeof a.sent ? sizeof a.sent : arguments->size);
    a.sent_ns = calloc(BENCH_OUTSTANDING_MAX, sizeof *a.sent_ns);
    a.trips_ns = malloc(TRIPS_MAX * sizeof *a.trips_ns);
    if (!a.sent_ns || !a.trips_ns) bench_die("trips", "no memory");
    while (a.sent < outstanding)
        asker_send(&a);
    adapter_receive(adapter, asker_on_message, &a);
    const uint64_t ended_ns = bench_now_ns();
    fprintf(out, "messages %llu\nseconds %.9f\ncpu_seconds %.9f\n",
            (unsigned long long)(a.back - TRIPS_WARM), (double)(ended_ns - a.started_ns) / 1e9,
            (double)(bench_cpu_ns() - a.cpu_ns) / 1e9);
    bench_ask_end(adapter, arguments);
    bench_print_trips(out, a.trips_ns, a.trip_count);
    free(a.trips_ns);
    free(a.sent_ns);
    free(a.body);
}

int main(int argc, char **argv)
{
    const struct bench_side answerer = {.pattern = ADAPTER_ROUTER, .run = answer};
    const struct bench_side asker = {.pattern = ADAPTER_DEALER, .run = ask_for};
    return bench_main(argc, argv, &answerer, &asker);
}
