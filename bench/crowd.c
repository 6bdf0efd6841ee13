// One ROUTER that answers many: a DEALER has as many connections to it as the first word of EXTRA says, each from an
// address of its own, so that they are as many peers, and keeps as many messages on their way for each of them as the
// second word says. For each that is back one more leaves, to whose turn it is. What an answer costs the ROUTER's
// process is told apart from what it costs the other.
#include "adapter.h"
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PEERS_MAX = 200,
    WARM = 20000, // messages, which find cold caches
    BACK_A_CLOCK = 64,
};

struct answerer {
    struct adapter *adapter;
    size_t end_size;
    uint64_t count, cpu_ns;
};

static bool answerer_on_message(void *context, const unsigned char *data, size_t size)
{
    struct answerer *const a = context;
    if (a->count == WARM) a->cpu_ns = bench_cpu_ns();
    adapter_send(a->adapter, data, size);
    if (size == a->end_size) return false;
    a->count++;
    return true;
}

static void answer(struct adapter *adapter, const struct bench_arguments *arguments, FILE *out)
{
    struct answerer a = {.adapter = adapter, .end_size = bench_end_size(arguments->size)};
    adapter_receive(adapter, answerer_on_message, &a);
    const double cpu_ns = (double)(bench_cpu_ns() - a.cpu_ns), count = (double)(a.count - WARM);
    fprintf(out, "messages %.0f\ncpu_seconds %.9f\nserver_ns %.2f\n", count, cpu_ns / 1e9,
            cpu_ns / count);
}

struct asker {
    struct adapter *adapter;
    const struct bench_arguments *arguments;
    unsigned char *body;
    uint64_t sent, back, last; // |last|: so many are sent
    uint64_t started_ns, end_ns, cpu_ns;
};

static void asker_send(struct asker *a)
{
    a->sent++;
    adapter_send(a->adapter, a->body, a->arguments->size);
}

static void asker_look(struct asker *a)
{
    const uint64_t now_ns = bench_now_ns();
    if (a->started_ns > 0 && now_ns >= a->end_ns && a->last == UINT64_MAX) a->last = a->sent;
}

static void asker_begin(struct asker *a)
{
    a->started_ns = bench_now_ns();
    a->end_ns = a->started_ns + a->arguments->duration_ns;
    a->cpu_ns = bench_cpu_ns();
    a->last = bench_last(a->arguments, WARM);
}

static bool asker_on_message(void *context, const unsigned char *data, size_t size)
{
    struct asker *const a = context;
    if (size != a->arguments->size || memcmp(data, a->body, size) != 0)
        bench_die("asker", "wrong answer");
    if (a->back == WARM) asker_begin(a);
    a->back++;
    if (a->back % BACK_A_CLOCK == 0) asker_look(a);
    if (a->sent < a->last) asker_send(a);
    return a->back < a->last;
}

static void ask_for(struct adapter *adapter, const struct bench_arguments *arguments, FILE *out)
{
    const size_t peers = bench_number(arguments, 0), outstanding = bench_outstanding(arguments, 1);
    if (peers < 1 || peers > PEERS_MAX) bench_die("EXTRA", "1 to 200 peers");
    struct asker a = {.adapter = adapter, .arguments = arguments, .last = UINT64_MAX};
    a.body = bench_body(arguments->size);
    for (size_t i = 1; i < peers; i++) // one is there
        bench_connect_from(adapter, arguments->endpoint, i);
    while (a.sent < peers * outstanding)
        asker_send(&a);
    adapter_receive(adapter, asker_on_message, &a);
    const uint64_t ended_ns = bench_now_ns();
    fprintf(out, "messages %llu\nseconds %.9f\ncpu_seconds %.9f\n",
            (unsigned long long)(a.back - WARM), (double)(ended_ns - a.started_ns) / 1e9,
            (double)(bench_cpu_ns() - a.cpu_ns) / 1e9);
    bench_ask_end(adapter, arguments);
    free(a.body);
}

int main(int argc, char **argv)
{
    const struct bench_side answerer = {.pattern = ADAPTER_ROUTER, .run = answer};
    const struct bench_side asker = {.pattern = ADAPTER_DEALER, .run = ask_for};
    return bench_main(argc, argv, &answerer, &asker);
}
