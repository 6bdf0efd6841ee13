// One PUB sends to many SUBs, all of which want everything. It waits while any of them has no room, so that nothing is
// dropped and what each library does is the same work. It begins when each has heard a first message of another size,
// which is sent again and again until then, stops after the given time and marks the end with one of yet another. A
// message that one subscriber gets is a delivery, and counts. The subscribers, as many as the first word of EXTRA says,
// are threads of one process, each with a socket.
//
// The publisher's processor time is what it used until everything had left: when the time is over, up to a thousand
// messages for each subscriber still wait, and of those who let many wait a part of the cost alone would be told.
#include "adapter.h"
#include "bench.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FANOUT_AGAIN_MS = 2,
    FANOUT_SUBSCRIBERS_MAX = 10000,
    SENDS_A_CLOCK = 32,
};

static size_t subscribers(const struct bench_arguments *arguments)
{
    const size_t count = bench_number(arguments, 0);
    if (count < 1 || count > FANOUT_SUBSCRIBERS_MAX) bench_die("EXTRA", "1 to 10000 subscribers");
    return count;
}

// What is said until all have heard it has another size than the other messages.
static size_t begin_size(const struct bench_arguments *arguments)
{
    return arguments->size == 3 ? 4 : 3;
}

static void publish_begin(struct adapter *adapter, const struct bench_arguments *arguments)
{
    sem_t *const bell = bench_bell(arguments->endpoint, true);
    for (size_t heard = 0; heard < subscribers(arguments);) {
        adapter_send(adapter, "\0\0\0", begin_size(arguments));
        adapter_idle(adapter, FANOUT_AGAIN_MS);
        while (sem_trywait(bell) == 0)
            heard++;
    }
}

static struct {
    uint64_t copies, cpu_ns;
} published;

static void publish(struct adapter *adapter, const struct bench_arguments *arguments, FILE *out)
{
    const size_t size = arguments->size;
    unsigned char *const body = bench_body(size);
    publish_begin(adapter, arguments);
    const uint64_t cpu_ns = bench_cpu_ns();
    const uint64_t end_ns = bench_now_ns() + arguments->duration_ns;
    uint64_t count = 0;
    while (count < arguments->count_max &&
           (count % SENDS_A_CLOCK != 0 || bench_now_ns() < end_ns)) {
        adapter_send(adapter, body, size);
        count++;
    }
    published.copies = count * subscribers(arguments);
    published.cpu_ns = cpu_ns;
    adapter_send(adapter, "\0", bench_end_size(size));
    fprintf(out, "messages %llu\n", (unsigned long long)published.copies);
    free(body);
}

static void publish_after(FILE *out)
{
    const double cpu = (double)(bench_cpu_ns() - published.cpu_ns) / 1e9;
    fprintf(out, "cpu_seconds %.9f\npublisher_ns %.3f\n", cpu,
            cpu * 1e9 / (double)published.copies);
}

struct subscriber {
    struct adapter_home *home;
    const struct bench_arguments *arguments;
    pthread_t thread;
    sem_t *bell;
    bool began;
    uint64_t count, started_ns, ended_ns;
};

static bool subscriber_on_message(void *context, const unsigned char *data, size_t size)
{
    struct subscriber *const s = context;
    (void)data;
    if (size == begin_size(s->arguments)) {
        if (!s->began) (void)sem_post(s->bell); // it is far from its limit
        s->began = true;
        return true;
    }
    if (s->started_ns == 0) s->started_ns = bench_now_ns();
    if (size == bench_end_size(s->arguments->size)) {
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
    const struct adapter_wish wish = {.pattern = ADAPTER_SUB, .count_max = BENCH_QUEUE_MAX};
    struct adapter *const adapter = adapter_open(s->home, &wish);
    adapter_connect(adapter, s->arguments->endpoint);
    adapter_subscribe(adapter, "", 0);
    adapter_receive(adapter, subscriber_on_message, s);
    adapter_close(adapter);
    return NULL;
}

static void subscribe(struct adapter *adapter, const struct bench_arguments *arguments, FILE *out)
{
    const size_t subscriber_count = subscribers(arguments);
    struct subscriber *const all = calloc(subscriber_count, sizeof *all);
    if (!all) bench_die("subscribers", "no memory");
    sem_t *const bell = bench_bell(arguments->endpoint, false);
    all[0] = (struct subscriber){.arguments = arguments, .bell = bell};
    struct adapter_home *const home = adapter_home_open();
    for (size_t i = 1; i < subscriber_count; i++) {
        all[i] = (struct subscriber){.home = home, .arguments = arguments, .bell = bell};
        if (pthread_create(&all[i].thread, NULL, subscriber_run, &all[i]) != 0)
            bench_die("thread", "cannot be started");
    }
    adapter_subscribe(adapter, "", 0);
    adapter_receive(adapter, subscriber_on_message, &all[0]);
    uint64_t count = all[0].count, started_ns = all[0].started_ns, ended_ns = all[0].ended_ns;
    for (size_t i = 1; i < subscriber_count; i++) {
        (void)pthread_join(all[i].thread, NULL); // it was started
        count += all[i].count;
        if (all[i].started_ns < started_ns) started_ns = all[i].started_ns;
        if (all[i].ended_ns > ended_ns) ended_ns = all[i].ended_ns;
    }
    adapter_home_close(home);
    free(all);
    // Threads start and wait in this time too, but what they do is little beside their messages.
    fprintf(out, "messages %llu\nseconds %.9f\ncpu_seconds %.9f\n", (unsigned long long)count,
            (double)(ended_ns - started_ns) / 1e9, (double)bench_cpu_ns() / 1e9);
}

int main(int argc, char **argv)
{
    const struct bench_side publisher = {
        .pattern = ADAPTER_PUB, .run = publish, .after = publish_after};
    const struct bench_side crowd = {.pattern = ADAPTER_SUB, .run = subscribe};
    return bench_main(argc, argv, &publisher, &crowd);
}
