// Many subscriptions: a SUB subscribes at a PUB to as many topics as the first word of EXTRA says, each of 32 octets
// and none the prefix of another. With the word "forward" an XSUB sends them to an XPUB, whose user is told of each,
// as a proxy does. Measured are how fast they come, what they keep resident at either side, and what a message costs
// the publisher that nobody wants though it shares all but the last octet with a topic. Then messages that are wanted
// are sent, and each must come.
//
// Nobody tells the user of a PUB what has come, so it says the last topic's name again and again until its subscriber
// has heard it, and a semaphore that both processes know tells that.
#include "adapter.h"
#include "bench.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TOPIC_SIZE = 32,
    TOPICS_MAX = 10000000,
    SETTLE_MS = 2500,
    SENDS_A_CLOCK = 32,
    WANTED = 5000,   // messages that are sent to be received
    VISITED = 65536, // topics that unwanted messages are like
};

// The first topic and the last, which the publisher says once they have come. The others begin as these do: it has
// looked at its clocks, so that subscriptions may come now; and there is no more.
static const char topic_begin[] = "the beginning", topic_go[] = "the beginning of it",
                  topic_end[] = "the end", topic_over[] = "the end of all";

static size_t topic_count(const struct bench_arguments *arguments)
{
    const size_t count = bench_number(arguments, 0);
    if (count < 1 || count > TOPICS_MAX) bench_die("EXTRA", "1 to 10000000 topics");
    return count;
}

// |out| has room for a terminator.
static void topic_write(char out[TOPIC_SIZE + 1], size_t index)
{
    (void)snprintf(out, TOPIC_SIZE + 1, "site/%03u/line/%02u/sensor/%08u", (unsigned)(index % 1000),
                   (unsigned)(index / 1000 % 100), (unsigned)index);
}

struct listener {
    const char *last; // the topic that ends it
    size_t count;     // that have come
};

static bool listener_on_message(void *context, const unsigned char *data, size_t size)
{
    struct listener *const l = context;
    if (size < 1 || data[0] != 1) bench_die("publisher", "something else than a subscription came");
    l->count++;
    return size - 1 != strlen(l->last) || memcmp(data + 1, l->last, size - 1) != 0;
}

// Waits for the subscriptions up to |last|, so many in all, and says so. |bell| null: its user is told.
static void listen_until(struct adapter *adapter, sem_t *bell, const char *last, size_t count)
{
    struct listener l = {.last = last};
    if (bell) {
        do {
            adapter_send(adapter, last, strlen(last));
            adapter_idle(adapter, 1);
        } while (sem_trywait(bell) != 0);
        return;
    }
    adapter_receive(adapter, listener_on_message, &l);
    if (l.count != count) bench_die("publisher", "subscriptions are missing, or came twice");
    adapter_send(adapter, last, strlen(last));
}

// The processor time of a message that begins like a topic, in nanoseconds. Topics are visited in an order that no
// cache knows.
static double publish_unwanted(struct adapter *adapter, const struct bench_arguments *arguments)
{
    const size_t topics = topic_count(arguments);
    char(*const visited)[TOPIC_SIZE + 1] = malloc(VISITED * sizeof *visited);
    if (!visited) bench_die("publisher", "no memory");
    for (size_t i = 0; i < VISITED; i++) {
        topic_write(visited[i], i * 2654435761u % topics);
        visited[i][TOPIC_SIZE - 1] = 'x';
    }
    size_t count = 0;
    const uint64_t cpu_ns = bench_cpu_ns(), end_ns = bench_now_ns() + arguments->duration_ns;
    while (count < arguments->count_max &&
           (count % SENDS_A_CLOCK != 0 || bench_now_ns() < end_ns)) {
        adapter_send(adapter, visited[count % VISITED], TOPIC_SIZE);
        count++;
    }
    const uint64_t used_ns = bench_cpu_ns() - cpu_ns;
    free(visited);
    return (double)used_ns / (double)count;
}

static void publish(struct adapter *adapter, const struct bench_arguments *arguments, FILE *out)
{
    const double count = (double)topic_count(arguments), octets = count * TOPIC_SIZE;
    char topic[TOPIC_SIZE + 1];
    sem_t *const bell =
        bench_has(arguments->extra, "forward") ? NULL : bench_bell(arguments->endpoint, true);
    listen_until(adapter, bell, topic_begin, 1);
    const size_t before = bench_resident();
    const uint64_t started_ns = bench_now_ns(), cpu_ns = bench_cpu_ns();
    adapter_send(adapter, topic_go, sizeof topic_go - 1);
    listen_until(adapter, bell, topic_end, topic_count(arguments) + 1);
    const uint64_t taken_ns = bench_now_ns() - started_ns, used_ns = bench_cpu_ns() - cpu_ns;
    adapter_idle(adapter, SETTLE_MS);
    const size_t after = bench_resident(), grown = after > before ? after - before : 1;
    const double unwanted_ns = publish_unwanted(adapter, arguments);
    for (size_t i = 0; i < WANTED; i++) {
        topic_write(topic, i * 2654435761u % topic_count(arguments));
        adapter_send(adapter, topic, TOPIC_SIZE);
    }
    adapter_send(adapter, topic_over, sizeof topic_over - 1);
    fprintf(out,
            "seconds %.9f\ncpu_seconds %.9f\npublisher_ns %.3f\nresident %.6g\nunwanted_ns %.3f\n",
            (double)taken_ns / 1e9, (double)used_ns / 1e9, (double)used_ns / count,
            (double)grown / octets, unwanted_ns);
}

// All that comes to a subscriber is taken by one receive, as the publisher says some things again.
struct taker {
    struct adapter *adapter;
    sem_t *bell;          // null: an XSUB, whose publisher is told
    size_t topics, count; // that it subscribes to; messages that it wanted
    bool began, ended;
    size_t resident; // before it subscribed
    uint64_t cpu_ns;
};

static void taker_subscribe(struct taker *t, const char *topic, size_t size)
{
    char said[TOPIC_SIZE + 2] = {1};
    memcpy(said + 1, topic, size);
    if (t->bell)
        adapter_subscribe(t->adapter, topic, size);
    else
        adapter_send(t->adapter, said, 1 + size);
}

// Rings once for what is said again and again.
static void taker_hears(struct taker *t, bool *heard)
{
    if (!*heard && t->bell) (void)sem_post(t->bell); // it is far from its limit
    *heard = true;
}

static void taker_begin(struct taker *t)
{
    char topic[TOPIC_SIZE + 1];
    t->resident = bench_resident();
    t->cpu_ns = bench_cpu_ns();
    for (size_t i = 0; i < t->topics; i++) {
        topic_write(topic, i);
        taker_subscribe(t, topic, TOPIC_SIZE);
    }
    taker_subscribe(t, topic_end, sizeof topic_end - 1);
}

static bool taker_on_message(void *context, const unsigned char *data, size_t size)
{
    struct taker *const t = context;
    if (size == sizeof topic_over - 1) return false;
    if (size == sizeof topic_begin - 1) {
        taker_hears(t, &t->began);
    } else if (size == sizeof topic_go - 1) {
        taker_begin(t);
    } else if (size == sizeof topic_end - 1) {
        taker_hears(t, &t->ended);
    } else if (size == TOPIC_SIZE && data[TOPIC_SIZE - 1] != 'x') {
        t->count++;
    } else {
        bench_die("subscriber", "something came that it did not want");
    }
    return true;
}

static void subscribe(struct adapter *adapter, const struct bench_arguments *arguments, FILE *out)
{
    struct taker t = {.adapter = adapter, .topics = topic_count(arguments)};
    if (!bench_has(arguments->extra, "forward")) t.bell = bench_bell(arguments->endpoint, false);
    taker_subscribe(&t, topic_begin, sizeof topic_begin - 1);
    adapter_receive(adapter, taker_on_message, &t);
    if (t.count != WANTED) bench_die("subscriber", "not all that it wanted came");
    const size_t after = bench_resident(), grown = after > t.resident ? after - t.resident : 1;
    fprintf(out, "messages %zu\ncpu_seconds %.9f\nsubscriber_resident %.6g\n", t.topics,
            (double)(bench_cpu_ns() - t.cpu_ns) / 1e9,
            (double)grown / ((double)t.topics * TOPIC_SIZE));
}

int main(int argc, char **argv)
{
    const bool forward = bench_has(argv, "forward");
    const struct bench_side publisher = {
        .pattern = forward ? ADAPTER_XPUB : ADAPTER_PUB, .run = publish, .unlimited = true};
    const struct bench_side subscriber = {
        .pattern = forward ? ADAPTER_XSUB : ADAPTER_SUB, .run = subscribe, .unlimited = true};
    return bench_main(argc, argv, &publisher, &subscriber);
}
