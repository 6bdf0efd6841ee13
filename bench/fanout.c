// One PUB sends to many SUBs, all of which want everything. It waits while any of them has no room, so that
// nothing is dropped and what each library does is the same work; it stops after the given time and marks
// the end with a message of one octet. A message that one subscriber gets is a delivery, and counts. The
// subscribers are threads of one process, each with a socket.
#include "adapter.h"
#include "bench.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FANOUT_SUBSCRIBERS = 64,
    FANOUT_SETTLE_MS = 1500, // until all have subscribed
    SENDS_A_CLOCK = 32,
};

static void publish(struct adapter *adapter, const struct bench_arguments *arguments, FILE *out)
{
    const size_t size = arguments->size;
    unsigned char *const body = bench_body(size);
    adapter_idle(adapter, FANOUT_SETTLE_MS);
    const uint64_t cpu_ns = bench_cpu_ns();
    const uint64_t end_ns = bench_now_ns() + arguments->duration_ns;
    uint64_t count = 0;
    while (count < arguments->count_max &&
           (count % SENDS_A_CLOCK != 0 || bench_now_ns() < end_ns)) {
        adapter_send(adapter, body, size);
        count++;
    }
    adapter_send(adapter, "", 1);
    fprintf(out, "messages %llu\ncpu_seconds %.9f\n",
            (unsigned long long)count * FANOUT_SUBSCRIBERS,
            (double)(bench_cpu_ns() - cpu_ns) / 1e9);
    free(body);
}

struct subscriber {
    struct adapter_home *home;
    const struct bench_arguments *arguments;
    pthread_t thread;
    uint64_t count, started_ns, ended_ns;
};

static bool subscriber_on_message(void *context, const unsigned char *data, size_t size)
{
    struct subscriber *const s = context;
    (void)data;
    if (s->started_ns == 0) s->started_ns = bench_now_ns();
    if (size == 1) {
        s->ended_ns = bench_now_ns();
        return false;
    }
    if (size != s->arguments->size) bench_die("subscriber", "a message of another size came");
    s->count++;
    return true;
}

static void *subscriber_run(void *context)
{
    struct subscriber *const s = context;
    struct adapter *const adapter = adapter_open(s->home, ADAPTER_SUB, BENCH_QUEUE_MAX);
    adapter_connect(adapter, s->arguments->endpoint);
    adapter_receive(adapter, subscriber_on_message, s);
    adapter_close(adapter);
    return NULL;
}

static void subscribe(struct adapter *adapter, const struct bench_arguments *arguments, FILE *out)
{
    struct subscriber all[FANOUT_SUBSCRIBERS] = {{.arguments = arguments}};
    struct adapter_home *const home = adapter_home_open();
    for (int i = 1; i < FANOUT_SUBSCRIBERS; i++) {
        all[i] = (struct subscriber){.home = home, .arguments = arguments};
        if (pthread_create(&all[i].thread, NULL, subscriber_run, &all[i]) != 0)
            bench_die("thread", "cannot be started");
    }
    adapter_receive(adapter, subscriber_on_message, &all[0]);
    uint64_t count = all[0].count, started_ns = all[0].started_ns, ended_ns = all[0].ended_ns;
    for (int i = 1; i < FANOUT_SUBSCRIBERS; i++) {
        (void)pthread_join(all[i].thread, NULL); // it was started
        count += all[i].count;
        if (all[i].started_ns < started_ns) started_ns = all[i].started_ns;
        if (all[i].ended_ns > ended_ns) ended_ns = all[i].ended_ns;
    }
    adapter_home_close(home);
    // Threads start and wait in this time too, but what they do is little beside their messages.
    fprintf(out, "messages %llu\nseconds %.9f\ncpu_seconds %.9f\n", (unsigned long long)count,
            (double)(ended_ns - started_ns) / 1e9, (double)bench_cpu_ns() / 1e9);
}

int main(int argc, char **argv)
{
    const struct bench_side publisher = {ADAPTER_PUB, publish};
    const struct bench_side subscribers = {ADAPTER_SUB, subscribe};
    return bench_main(argc, argv, &publisher, &subscribers);
}
