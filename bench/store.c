// What subscriptions cost the set in which a publisher keeps them (zmtp/socket/subscriptions.h), without sockets:
// octets asked of the allocator and processor time of each call, for several kinds of topics.
//
//     store [KIND] [COUNT]     all kinds, 1000 to 1000000 topics; prints a table in Markdown
//     store KIND COUNT once|twice     for a profiler: nothing but that many messages that somebody wants, or twice as many
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../zmtp/socket/subscriptions.h"

enum { STORE_TOPIC_MAX = 64, STORE_MESSAGES = 400000, STORE_WORDS = 24 };

struct store_topic {
    uint8_t octets[STORE_TOPIC_MAX + 1]; // the writer's terminator
    uint8_t size;
};

static uint64_t store_mix(uint64_t number)
{
    number = (number + 0x9E3779B97F4A7C15u) * 0xBF58476D1CE4E5B9u;
    number = (number ^ number >> 27) * 0x94D049BB133111EBu;
    return number ^ number >> 31;
}

static void store_random(struct store_topic *topic, uint32_t number)
{
    topic->size = STORE_TOPIC_MAX;
    for (uint32_t i = 0; i < STORE_TOPIC_MAX; i += 8) {
        const uint64_t eight = store_mix((uint64_t)number << 8 | i);
        memcpy(topic->octets + i, &eight, 8);
    }
}

static void store_print(struct store_topic *topic, int size)
{
    topic->size = (uint8_t)size;
}

static void store_decimal(struct store_topic *topic, uint32_t number)
{
    store_print(topic, snprintf((char *)topic->octets, sizeof topic->octets, "%u", number));
}

static void store_prefix(struct store_topic *topic, uint32_t number)
{
    store_print(topic, snprintf((char *)topic->octets, sizeof topic->octets,
                                "site/%03u/line/%02u/sensor/%08u", number % 1000,
                                number / 1000 % 100, number));
}

// Names of three parts, of many sizes.
static void store_hierarchy(struct store_topic *topic, uint32_t number)
{
    static const char *const words[STORE_WORDS] = {
        "sun",   "sea",    "tide",   "moon",     "river",   "harbour", "lighthouse",  "north",
        "south", "east",   "west",   "pump",     "valve",   "gauge",   "temperature", "pressure",
        "flow",  "energy", "status", "commands", "reports", "alarms",  "x",           "yz"};
    store_print(topic,
                snprintf((char *)topic->octets, sizeof topic->octets, "%s.%s.%s%02u",
                         words[number % STORE_WORDS], words[number / STORE_WORDS % STORE_WORDS],
                         words[number / (STORE_WORDS * STORE_WORDS) % STORE_WORDS],
                         number / (STORE_WORDS * STORE_WORDS * STORE_WORDS)));
}

// Names of so many octets that say as much as they can, as identifiers do.
static void store_name(struct store_topic *topic, uint32_t number, uint8_t size)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
    const uint64_t mixed = store_mix(number);
    for (uint32_t i = 0; i < size; i++)
        topic->octets[i] = (uint8_t)letters[(i < 4 ? number >> 5 * i : mixed >> 5 * (i % 12)) & 31];
    topic->size = size;
}

#define STORE_NAME(size)                                                                           \
    static void store_name_##size(struct store_topic *topic, uint32_t number)                      \
    {                                                                                              \
        store_name(topic, number, size);                                                           \
    }
STORE_NAME(4)
STORE_NAME(6)
STORE_NAME(8)
STORE_NAME(12)
STORE_NAME(16)
STORE_NAME(20)
STORE_NAME(24)
STORE_NAME(32)

static const struct store_kind {
    const char *name, *title;
    void (*write)(struct store_topic *topic, uint32_t number);
} store_kinds[] = {
    {"random", "random, 64 octets", store_random},
    {"decimal", "decimal, in a row", store_decimal},
    {"prefix", "site/000/line/00/sensor/00000000", store_prefix},
    {"hierarchy", "names of three parts", store_hierarchy},
    {"names", "names of a size", store_name_4},
    {"names", "names of a size", store_name_6},
    {"names", "names of a size", store_name_8},
    {"names", "names of a size", store_name_12},
    {"names", "names of a size", store_name_16},
    {"names", "names of a size", store_name_20},
    {"names", "names of a size", store_name_24},
    {"names", "names of a size", store_name_32},
};

static double store_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static struct zmtp_bytes store_bytes(const struct store_topic *topic)
{
    return (struct zmtp_bytes){topic->octets, topic->size};
}

static void store_die(const char *what)
{
    fprintf(stderr, "store: %s\n", what);
    exit(1);
}

// Time of one match, of topics in an order that no cache knows.
static double store_match_ns(struct zmtp__subscriptions *set, const struct store_topic *texts,
                             uint32_t count, uint32_t messages, bool wanted)
{
    const double begin = store_now_ns();
    for (uint32_t i = 0; i < messages; i++) {
        const struct zmtp_bytes text = store_bytes(&texts[i % count]);
        struct zmtp__matches matches = zmtp__subscriptions_match(set, text);
        if ((zmtp__matches_next(&matches) != NULL) != wanted) store_die("a match is wrong");
    }
    return (store_now_ns() - begin) / messages;
}

// So many topics, visited in another order than they are kept; with |spoilt| nobody wants them.
static void store_texts(struct store_topic *texts, uint32_t text_count,
                        const struct store_kind *kind, uint32_t count, bool spoilt)
{
    for (uint32_t i = 0; i < text_count; i++) {
        kind->write(&texts[i], (uint32_t)(store_mix(i) % count));
        uint8_t *const spoil =
            texts[i].octets + (kind->write == store_decimal ? 0 : texts[i].size - 1);
        if (spoilt) *spoil = kind->write == store_random ? *spoil ^ 1u : '!';
    }
}

static void store_row(const struct store_kind *kind, uint32_t count)
{
    enum { TEXTS = 65536 };
    static struct store_topic texts[TEXTS];
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    struct zmtp__subscriptions set;
    struct zmtp__subscriber subscriber = {.owner = &set};
    struct store_topic topic;
    size_t octets = 0;
    zmtp__subscriptions_init(&set, &budget.allocator, 0, 0, 1);
    double written_ns = store_now_ns();
    for (uint32_t i = 0; i < count; i++)
        kind->write(&topic, i);
    written_ns = store_now_ns() - written_ns;
    const double begin = store_now_ns();
    for (uint32_t i = 0; i < count; i++) {
        kind->write(&topic, i);
        octets += topic.size;
        if (zmtp__subscriptions_add(&set, &subscriber, store_bytes(&topic)) < 0)
            store_die("no memory");
    }
    const double add_ns = (store_now_ns() - begin - written_ns) / count;
    store_texts(texts, TEXTS, kind, count, false);
    const double wanted_ns = store_match_ns(&set, texts, TEXTS, STORE_MESSAGES, true);
    store_texts(texts, TEXTS, kind, count, true);
    const double unwanted_ns = store_match_ns(&set, texts, TEXTS, STORE_MESSAGES, false);
    const double held = (double)budget.bytes;
    const double cancel = store_now_ns();
    for (uint32_t i = 0; i < count; i += 2) {
        kind->write(&topic, i);
        zmtp__subscriptions_remove(&set, &subscriber, store_bytes(&topic));
    }
    const double remove_ns = (store_now_ns() - cancel - written_ns / 2) / (count - count / 2);
    const double leave = store_now_ns();
    zmtp__subscriptions_clear(&set, &subscriber);
    const double leave_ns = (store_now_ns() - leave) / (count / 2);
    zmtp__subscriptions_fini(&set);
    printf("| %s | %u | %.1f | %.1f | %.2f | %.0f | %.0f | %.0f | %.0f | %.0f |\n", kind->title,
           count, (double)octets / count, held / count, held / (double)octets, add_ns, remove_ns,
           leave_ns, wanted_ns, unwanted_ns);
    fflush(stdout);
}

static void store_profile(const struct store_kind *kind, uint32_t count, uint32_t times)
{
    enum { TEXTS = 4096 };
    static struct store_topic texts[TEXTS];
    struct zmtp__subscriptions set;
    struct zmtp__subscriber subscriber = {.owner = &set};
    struct store_topic topic;
    zmtp__subscriptions_init(&set, NULL, 0, 0, 1);
    for (uint32_t i = 0; i < count; i++) {
        kind->write(&topic, i);
        if (zmtp__subscriptions_add(&set, &subscriber, store_bytes(&topic)) < 0)
            store_die("no memory");
    }
    store_texts(texts, TEXTS, kind, count, false);
    (void)store_match_ns(&set, texts, TEXTS, times * 100000, true);
    zmtp__subscriptions_clear(&set, &subscriber);
    zmtp__subscriptions_fini(&set);
}

int main(int argc, char **argv)
{
    const uint32_t only = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
    if (argc <= 3)
        printf("| topics | how many | octets of one | held for one | times its octets | ns: "
               "subscribe | cancel "
               "| leave | match | no match |\n|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof store_kinds / sizeof store_kinds[0]; i++) {
        if (argc > 1 && strcmp(argv[1], store_kinds[i].name) != 0) continue;
        if (argc > 3) {
            store_profile(&store_kinds[i], only, strcmp(argv[3], "twice") == 0 ? 2 : 1);
        } else {
            for (uint32_t count = 1000; count <= 1000000; count *= 10)
                if (only == 0 || only == count) store_row(&store_kinds[i], count);
        }
    }
    return 0;
}
