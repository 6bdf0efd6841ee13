// One DEALER sends to another as fast as it can. The sender stops after the given time, marks the
// end with a message of another size and waits for an answer to it, so that what it measured of itself
// covers every message. The receiver counts from the first message to the end. With the word "push" a PUSH
// sends to a PULL, which has no way to answer: its sender's time is the process's.
#include "adapter.h"
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

enum { SENDS_A_CLOCK = 32 }; // sends between two looks at the clock

struct receiver {
    size_t size, end_size;
    uint64_t count, started_ns, ended_ns, cpu_ns;
};

static bool receiver_on_message(void *context, const unsigned char *data, size_t size)
{
    struct receiver *const r = context;
    (void)data;
    if (r->count == 0) {
        r->started_ns = bench_now_ns();
        r->cpu_ns = bench_cpu_ns();
    }
    if (size == r->end_size) {
        r->ended_ns = bench_now_ns();
        r->cpu_ns = bench_cpu_ns() - r->cpu_ns;
        return false;
    }
    if (size != r->size) bench_die("receiver", "a message of another size came");
    r->count++;
    return true;
}

static void receive(struct adapter *adapter, const struct bench_arguments *arguments, FILE *out)
{
    struct receiver r = {.size = arguments->size, .end_size = bench_end_size(arguments->size)};
    adapter_receive(adapter, receiver_on_message, &r);
    if (!bench_has(arguments->extra, "push")) adapter_send(adapter, "", 1);
    fprintf(out, "messages %llu\nseconds %.9f\ncpu_seconds %.9f\n", (unsigned long long)r.count,
            (double)(r.ended_ns - r.started_ns) / 1e9, (double)r.cpu_ns / 1e9);
}

static bool sender_on_answer(void *context, const unsigned char *data, size_t size)
{
    (void)context;
    (void)data;
    if (size != 1) bench_die("sender", "the answer has another size");
    return false;
}

static void send_for(struct adapter *adapter, const struct bench_arguments *arguments, FILE *out)
{
    const size_t size = arguments->size;
    unsigned char *const body = bench_body(size);
    const uint64_t cpu_ns = bench_cpu_ns();
    const uint64_t end_ns = bench_now_ns() + arguments->duration_ns;
    uint64_t count = 0;
    while (count < arguments->count_max &&
           (count % SENDS_A_CLOCK != 0 || bench_now_ns() < end_ns)) {
        adapter_send(adapter, body, size);
        count++;
    }
    adapter_send(adapter, "\0", bench_end_size(size));
    if (!bench_has(arguments->extra, "push")) {
        adapter_receive(adapter, sender_on_answer, NULL);
        fprintf(out, "cpu_seconds %.9f\n", (double)(bench_cpu_ns() - cpu_ns) / 1e9);
    }
    fprintf(out, "messages %llu\n", (unsigned long long)count);
    free(body);
}

int main(int argc, char **argv)
{
    const bool push = bench_has(argv, "push");
    const struct bench_side receiver = {.pattern = push ? ADAPTER_PULL : ADAPTER_DEALER,
                                        .run = receive};
    const struct bench_side sender = {
        .pattern = push ? ADAPTER_PUSH : ADAPTER_DEALER, .run = send_for, .costs_close = push};
    return bench_main(argc, argv, &receiver, &sender);
}
