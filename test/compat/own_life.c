// Contexts and sockets that come and go, as often as the argument says (make zmq-life: 100,000 times), after which
// memory, descriptors and threads are what they were; and what those cost that are idle.
#include <dirent.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#include "expect.h"
#include "patient.h"

enum {
    CYCLES = 400, // without an argument
    WARM = 200,   // until pools and the C library have what they keep
    TYPES = ZMQ_CHANNEL + 1,
    MANY = 100,
    PATIENCE_MS = 20000,
    HEAP_SLACK = 64 * 1024,
    RESIDENT_SLACK = 8 * 1024 * 1024, // arenas of threads come and go
};

struct state {
    long descriptors, threads, heap, resident;
};

static long count_in(const char *path)
{
    long count = 0;
    DIR *folder = opendir(path);
    if (!folder) return -1;
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

// Octets in use in all arenas: what the system gave, less what is free.
static long heap_in_use(void)
{
    char *text = NULL;
    size_t size = 0;
    long total = 0;
    FILE *stream = open_memstream(&text, &size);
    if (!stream || malloc_info(0, stream) != 0) return -1;
    fclose(stream);
    // The sums over all arenas come last.
    const char *at = strstr(text, "</heap>"), *next;
    while (at && (next = strstr(at + 1, "</heap>")))
        at = next;
    const char *const current = at ? strstr(at, "<system type=\"current\" size=\"") : NULL;
    const char *const mapped = at ? strstr(at, "<total type=\"mmap\"") : NULL;
    if (current) total = atol(strchr(current, '=') + strlen("=\"current\" size=\""));
    if (mapped) total += atol(strstr(mapped, "size=\"") + strlen("size=\""));
    for (const char *free_one = at; free_one; free_one++) {
        free_one = strstr(free_one, "<total type=\"");
        if (!free_one) break;
        if (strncmp(free_one, "<total type=\"mmap\"", 18) != 0)
            total -= atol(strstr(free_one, "size=\"") + strlen("size=\""));
    }
    free(text);
    return current ? total : -1;
}

static long resident(void)
{
    long size = 0, pages = -1;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file) return -1;
    if (fscanf(file, "%ld %ld", &size, &pages) != 2) pages = -1;
    fclose(file);
    return pages * 4096;
}

static struct state look(void)
{
    malloc_trim(0);
    return (struct state){count_in("/proc/self/fd"), count_in("/proc/self/task"), heap_in_use(),
                          resident()};
}

// Two that speak with each other: the first binds and receives.
struct couple {
    int binds, connects;
};

static const struct couple couples[] = {
    {ZMQ_PAIR, ZMQ_PAIR},     {ZMQ_SUB, ZMQ_PUB},         {ZMQ_REP, ZMQ_REQ},
    {ZMQ_ROUTER, ZMQ_DEALER}, {ZMQ_PULL, ZMQ_PUSH},       {ZMQ_XSUB, ZMQ_XPUB},
    {ZMQ_SERVER, ZMQ_CLIENT}, {ZMQ_DISH, ZMQ_RADIO},      {ZMQ_GATHER, ZMQ_SCATTER},
    {ZMQ_PEER, ZMQ_PEER},     {ZMQ_CHANNEL, ZMQ_CHANNEL}, {ZMQ_STREAM, ZMQ_STREAM},
    {ZMQ_DGRAM, ZMQ_DGRAM},
};
enum { COUPLES = sizeof couples / sizeof *couples };

static void *open_socket(void *context, int type)
{
    return open_patient(context, type, PATIENCE_MS);
}

// Can what was sent be waited for? Who has to hear of a subscription first may have missed it.
static int arrives(const struct couple *couple)
{
    return couple->binds != ZMQ_SUB && couple->binds != ZMQ_XSUB && couple->binds != ZMQ_DISH &&
           couple->binds != ZMQ_PEER && couple->binds != ZMQ_STREAM && couple->binds != ZMQ_DGRAM;
}

// 0: all went as it should.
static int speak(void *context, const struct couple *couple, long cycle)
{
    void *a = open_socket(context, couple->binds), *b = open_socket(context, couple->connects);
    char endpoint[256], text[8];
    size_t size = sizeof endpoint;
    static const char *const places[] = {"inproc://life", "ipc://*", "tcp://127.0.0.1:*"};
    const char *where = places[cycle / COUPLES % 3];
    int wrong = 0;
    if (couple->binds == ZMQ_STREAM && where == places[0]) where = places[2];
    if (couple->binds == ZMQ_DGRAM) where = "udp://127.0.0.1:*";
    if (couple->binds == ZMQ_SUB) wrong |= zmq_setsockopt(a, ZMQ_SUBSCRIBE, "", 0);
    if (couple->binds == ZMQ_DISH) wrong |= zmq_join(a, "");
    wrong |= zmq_bind(a, where);
    wrong |= zmq_getsockopt(a, ZMQ_LAST_ENDPOINT, endpoint, &size);
    if (couple->binds != ZMQ_DGRAM) wrong |= zmq_connect(b, endpoint);
    if (arrives(couple)) {
        wrong |= zmq_send(b, "life", 4, 0) != 4;
        wrong |= zmq_recv(a, text, sizeof text, 0) < 0;
    } else {
        (void)zmq_send(b, "life", 4, ZMQ_DONTWAIT); // and it goes where it may
    }
    if (cycle % 5 == 0) wrong |= couple->binds != ZMQ_DGRAM && zmq_disconnect(b, endpoint);
    if (cycle % 7 == 0) wrong |= zmq_unbind(a, endpoint);
    wrong |= zmq_close(cycle % 2 ? a : b);
    wrong |= zmq_close(cycle % 2 ? b : a);
    return wrong;
}

// A context, one socket of every type, and two that speak.
static int live(long cycle)
{
    void *context = zmq_ctx_new(), *sockets[TYPES];
    int wrong = !context;
    for (int type = 0; type < TYPES; type++)
        wrong |= !(sockets[type] = zmq_socket(context, type));
    wrong |= speak(context, &couples[cycle % COUPLES], cycle);
    for (int type = 0; type < TYPES; type++)
        wrong |= zmq_close(sockets[type]);
    return wrong | zmq_ctx_term(context);
}

static void come_and_go(long cycles)
{
    long wrong = 0;
    for (long i = 0; i < WARM; i++)
        wrong += live(i) != 0;
    const struct state before = look();
    for (long i = 0; i < cycles; i++)
        wrong += live(i) != 0;
    const struct state after = look();
    EXPECT("all calls went as they should", wrong == 0);
    EXPECT("descriptors are what they were", after.descriptors == before.descriptors);
    EXPECT("threads are what they were", after.threads == before.threads);
    fprintf(stderr, "%ld cycles: descriptors %ld and %ld, heap %ld and %ld, resident %ld and %ld\n",
            cycles, before.descriptors, after.descriptors, before.heap, after.heap, before.resident,
            after.resident);
    if (SANITIZED) {
        say("memory is what it was", "# SKIP a sanitizer keeps what is freed");
        return;
    }
    EXPECT("memory is what it was", before.heap > 0 && after.heap - before.heap < HEAP_SLACK);
    EXPECT("memory is what it was", after.resident - before.resident < RESIDENT_SLACK);
}

static void idle_contexts(void)
{
    void *contexts[MANY];
    const struct state before = look();
    for (int i = 0; i < MANY; i++)
        contexts[i] = zmq_ctx_new();
    const struct state idle = look();
    EXPECT("an idle context has no thread and no descriptor",
           idle.threads == before.threads && idle.descriptors == before.descriptors);
    for (int i = 0; i < MANY; i++)
        EXPECT("an idle context has no thread and no descriptor", zmq_ctx_term(contexts[i]) == 0);
}

static void idle_sockets(void)
{
    void *context = zmq_ctx_new(), *sockets[TYPES];
    const struct state before = look();
    int fd, events;
    long signalers = 0;
    for (int type = 0; type < TYPES; type++) {
        size_t size = sizeof events;
        sockets[type] = zmq_socket(context, type);
        EXPECT("an idle socket has no thread", sockets[type] != NULL);
        EXPECT("an idle socket has no thread",
               zmq_getsockopt(sockets[type], ZMQ_EVENTS, &events, &size) == 0);
    }
    struct state idle = look();
    EXPECT("an idle socket has no thread", idle.threads == before.threads);
    EXPECT("an idle socket has no descriptor", idle.descriptors == before.descriptors);
    for (int type = 0; type < TYPES; type++) {
        size_t size = sizeof fd;
        signalers += zmq_getsockopt(sockets[type], ZMQ_FD, &fd, &size) == 0;
    }
    idle = look();
    EXPECT("one that was asked for its descriptor has one",
           signalers == TYPES - 8 && idle.descriptors == before.descriptors + signalers);
    EXPECT("inproc has no thread", zmq_bind(sockets[ZMQ_PAIR], "inproc://idle") == 0 &&
                                       zmq_connect(sockets[ZMQ_PUSH], "inproc://none") == 0);
    idle = look();
    EXPECT("inproc has no thread",
           idle.threads == before.threads && idle.descriptors == before.descriptors + signalers);
    for (int type = 0; type < TYPES; type++)
        EXPECT("closed", zmq_close(sockets[type]) == 0);
    EXPECT("closed", look().descriptors == before.descriptors);
    EXPECT("closed", zmq_ctx_term(context) == 0);
}

int main(int count, char **arguments)
{
    come_and_go(count > 1 ? atol(arguments[1]) : CYCLES);
    idle_contexts();
    idle_sockets();
    return expect_status;
}
