// What threads do with a context that is theirs together, and with sockets that are one thread's at a time. Run under
// ThreadSanitizer, too.
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "expect.h"
#include "patient.h"

enum { THREADS = 4, EACH = 300, PATIENCE_MS = 60000 };

static void *open_socket(void *context, int type)
{
    return open_patient(context, type, PATIENCE_MS);
}

static void moment(void)
{
    const struct timespec wait = {.tv_nsec = 1000000};
    nanosleep(&wait, NULL);
}

static void join(void *binds, void *connects, const char *where)
{
    char endpoint[256];
    size_t size = sizeof endpoint;
    zmq_bind(binds, where);
    zmq_getsockopt(binds, ZMQ_LAST_ENDPOINT, endpoint, &size);
    zmq_connect(connects, endpoint);
}

// A socket that goes around: who has the number may use it. The number is the fence.
struct relay {
    void *socket;
    atomic_int turn;
    atomic_int sent;
};

struct runner {
    struct relay *relay;
    int number;
};

static void *run_with_it(void *hint)
{
    const struct runner *const runner = hint;
    struct relay *const relay = runner->relay;
    for (int i = 0; i < EACH / 10; i++) {
        while (atomic_load_explicit(&relay->turn, memory_order_acquire) != runner->number)
            sched_yield();
        if (zmq_send(relay->socket, "around", 6, 0) == 6) atomic_fetch_add(&relay->sent, 1);
        atomic_store_explicit(&relay->turn, (runner->number + 1) % THREADS, memory_order_release);
    }
    return NULL;
}

static void handed_on(void *context, const char *where)
{
    struct relay relay = {.socket = open_socket(context, ZMQ_PUSH)};
    struct runner runners[THREADS];
    pthread_t threads[THREADS];
    void *pull = open_socket(context, ZMQ_PULL);
    char text[8];
    int received = 0;
    join(pull, relay.socket, where);
    for (int i = 0; i < THREADS; i++) {
        runners[i] = (struct runner){&relay, i};
        pthread_create(&threads[i], NULL, run_with_it, &runners[i]);
    }
    for (int i = 0; i < THREADS * (EACH / 10); i++)
        received += zmq_recv(pull, text, sizeof text, 0) == 6;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    EXPECT("a socket handed from thread to thread", atomic_load(&relay.sent) == received);
    EXPECT("a socket handed from thread to thread", received == THREADS * (EACH / 10));
    zmq_close(relay.socket);
    zmq_close(pull);
}

// Every thread opens sockets of its own and asks one that all know; others talk meanwhile.
struct town {
    void *context;
    char endpoint[256];
    atomic_int answered;
};

static void *ask(void *hint)
{
    struct town *const town = hint;
    char text[8];
    for (int i = 0; i < 5; i++) {
        void *req = open_socket(town->context, ZMQ_REQ);
        zmq_connect(req, i % 2 ? "inproc://town" : town->endpoint);
        for (int k = 0; k < EACH / 30; k++)
            if (zmq_send(req, "ask", 3, 0) == 3 && zmq_recv(req, text, sizeof text, 0) == 3)
                atomic_fetch_add(&town->answered, 1);
        zmq_close(req);
    }
    return NULL;
}

static void many_sockets(void *context)
{
    struct town town = {.context = context};
    size_t size = sizeof town.endpoint;
    pthread_t threads[2 * THREADS];
    void *router = open_socket(context, ZMQ_ROUTER);
    zmq_bind(router, "inproc://town");
    zmq_bind(router, "tcp://127.0.0.1:*");
    zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, town.endpoint, &size);
    for (int i = 0; i < 2 * THREADS; i++)
        pthread_create(&threads[i], NULL, ask, &town);
    int answered = 0;
    for (; answered < 2 * THREADS * 5 * (EACH / 30); answered++) {
        zmq_msg_t parts[3];
        int good = 1;
        for (int i = 0; i < 3; i++) {
            zmq_msg_init(&parts[i]);
            good = good && zmq_msg_recv(&parts[i], router, 0) >= 0;
        }
        for (int i = 0; i < 3; i++)
            if (!good || zmq_msg_send(&parts[i], router, i < 2 ? ZMQ_SNDMORE : 0) < 0)
                zmq_msg_close(&parts[i]);
        if (!good) break;
    }
    for (int i = 0; i < 2 * THREADS; i++)
        pthread_join(threads[i], NULL);
    EXPECT("many sockets in many threads", atomic_load(&town.answered) == answered);
    EXPECT("many sockets in many threads", answered == 2 * THREADS * 5 * (EACH / 30));
    zmq_close(router);
}

// Threads that block, each in its way, when the context ends.
struct blocked {
    void *context;
    atomic_int there;
    int way;
    int error;
};

static int block(void *socket, int way)
{
    char octet;
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    if (way == 0) return zmq_recv(socket, &octet, 1, 0);
    if (way == 1) return zmq_send(socket, "x", 1, 0);
    if (way == 2) return zmq_poll(&item, 1, -1);
    return zmq_proxy(socket, socket, NULL);
}

static void *block_until_the_end(void *hint)
{
    struct blocked *const blocked = hint;
    void *socket = zmq_socket(blocked->context, ZMQ_DEALER); // with nobody to send to
    if (blocked->way == 0) zmq_connect(socket, "inproc://nobody");
    if (blocked->way == 2) zmq_bind(socket, "tcp://127.0.0.1:*");
    atomic_fetch_add(&blocked->there, 1);
    blocked->error = block(socket, blocked->way) < 0 ? zmq_errno() : 0;
    const int linger = 0;
    (void)zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_close(socket);
    return NULL;
}

static void term_while_others_block(void)
{
    struct blocked blocked[THREADS];
    pthread_t threads[THREADS];
    void *context = zmq_ctx_new();
    for (int i = 0; i < THREADS; i++) {
        blocked[i] = (struct blocked){.context = context, .way = i};
        pthread_create(&threads[i], NULL, block_until_the_end, &blocked[i]);
    }
    for (int i = 0; i < THREADS; i++)
        while (atomic_load(&blocked[i].there) == 0)
            moment();
    EXPECT("term while others block", zmq_ctx_term(context) == 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        EXPECT("term while others block", blocked[i].error == ETERM);
    }
}

struct proxy {
    void *front, *back, *control;
    int result;
};

static void *run_proxy(void *hint)
{
    struct proxy *const proxy = hint;
    proxy->result = zmq_proxy_steerable(proxy->front, proxy->back, NULL, proxy->control);
    return NULL;
}

static void proxy_in_a_thread(void *context)
{
    struct proxy proxy = {.front = open_socket(context, ZMQ_ROUTER),
                          .back = open_socket(context, ZMQ_DEALER),
                          .control = open_socket(context, ZMQ_PAIR)};
    void *req = open_socket(context, ZMQ_REQ), *rep = open_socket(context, ZMQ_REP);
    void *steer = open_socket(context, ZMQ_PAIR);
    pthread_t thread;
    char text[8];
    int good = 0;
    join(proxy.front, req, "tcp://127.0.0.1:*");
    join(proxy.back, rep, "inproc://back");
    join(proxy.control, steer, "inproc://steer");
    pthread_create(&thread, NULL, run_proxy, &proxy);
    for (int i = 0; i < EACH / 10; i++) {
        good += zmq_send(req, "one", 3, 0) == 3 && zmq_recv(rep, text, sizeof text, 0) == 3;
        good += zmq_send(rep, "two", 3, 0) == 3 && zmq_recv(req, text, sizeof text, 0) == 3;
    }
    EXPECT("a proxy in a thread", good == 2 * (EACH / 10));
    EXPECT("a proxy in a thread", zmq_send(steer, "TERMINATE", 9, 0) == 9);
    pthread_join(thread, NULL);
    EXPECT("a proxy in a thread", proxy.result == 0);
    zmq_close(proxy.front);
    zmq_close(proxy.back);
    zmq_close(proxy.control);
    zmq_close(req);
    zmq_close(rep);
    zmq_close(steer);
}

struct listener {
    void *context;
    atomic_int there, accepted, stopped;
};

static void *listen_to_events(void *hint)
{
    struct listener *const listener = hint;
    void *pair = open_socket(listener->context, ZMQ_PAIR);
    zmq_connect(pair, "inproc://events");
    atomic_store(&listener->there, 1);
    while (!atomic_load(&listener->stopped)) {
        uint8_t head[8];
        uint16_t event;
        char endpoint[256];
        if (zmq_recv(pair, head, sizeof head, 0) < 6) break;
        memcpy(&event, head, sizeof event);
        (void)zmq_recv(pair, endpoint, sizeof endpoint, 0);
        if (event == ZMQ_EVENT_ACCEPTED) atomic_fetch_add(&listener->accepted, 1);
        if (event == ZMQ_EVENT_MONITOR_STOPPED) atomic_store(&listener->stopped, 1);
    }
    zmq_close(pair);
    return NULL;
}

static void monitor_in_another(void *context)
{
    struct listener listener = {.context = context};
    void *rep = open_socket(context, ZMQ_REP);
    pthread_t thread;
    char text[8];
    EXPECT("a monitor in another thread",
           zmq_socket_monitor(rep, "inproc://events", ZMQ_EVENT_ALL) == 0);
    pthread_create(&thread, NULL, listen_to_events, &listener);
    while (!atomic_load(&listener.there))
        moment();
    for (int i = 0; i < 10; i++) {
        void *req = open_socket(context, ZMQ_REQ);
        join(rep, req, "tcp://127.0.0.1:*");
        EXPECT("a monitor in another thread", zmq_send(req, "x", 1, 0) == 1);
        EXPECT("a monitor in another thread", zmq_recv(rep, text, sizeof text, 0) == 1);
        EXPECT("a monitor in another thread", zmq_send(rep, "y", 1, 0) == 1);
        EXPECT("a monitor in another thread", zmq_recv(req, text, sizeof text, 0) == 1);
        zmq_close(req);
    }
    zmq_close(rep); // which says that it is over
    pthread_join(thread, NULL);
    EXPECT("a monitor in another thread", atomic_load(&listener.accepted) == 10);
    EXPECT("a monitor in another thread", atomic_load(&listener.stopped) == 1);
}

// One end of a PAIR in each of two threads, and both send all the time.
struct end {
    void *socket;
    int sent, received;
};

static void *both_at_once(void *hint)
{
    struct end *const end = hint;
    for (uint64_t i = 0; i < EACH; i++) {
        uint64_t number;
        end->sent += zmq_send(end->socket, &i, sizeof i, 0) == sizeof i;
        if (zmq_recv(end->socket, &number, sizeof number, 0) == sizeof number)
            end->received += number == i;
    }
    return NULL;
}

static void both_ways(void *context, const char *where)
{
    struct end a = {.socket = open_socket(context, ZMQ_PAIR)}, b = a;
    pthread_t threads[2];
    b.socket = open_socket(context, ZMQ_PAIR);
    join(a.socket, b.socket, where);
    pthread_create(&threads[0], NULL, both_at_once, &a);
    pthread_create(&threads[1], NULL, both_at_once, &b);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    EXPECT("both ways at once", a.sent == EACH && b.sent == EACH);
    EXPECT("both ways at once", a.received == EACH && b.received == EACH);
    zmq_close(a.socket);
    zmq_close(b.socket);
}

// A message that is the program's memory: it is written here, read and released on another thread.
struct loan {
    int number;
    char octets[100];
};
static atomic_int released, released_sum;

static void take_back(void *data, void *hint)
{
    const struct loan *const loan = hint;
    atomic_fetch_add(&released_sum, loan->number);
    atomic_fetch_add(&released, (const char *)data == loan->octets);
    free(hint);
}

static void *read_them(void *hint)
{
    zmq_msg_t msg;
    intptr_t good = 0;
    zmq_msg_init(&msg);
    for (int i = 0; i < EACH; i++)
        if (zmq_msg_recv(&msg, hint, 0) == sizeof((struct loan *)0)->octets)
            good += ((const char *)zmq_msg_data(&msg))[99] == (char)i;
    zmq_msg_close(&msg);
    return (void *)good;
}

static void loans(void *context, const char *where)
{
    void *push = open_socket(context, ZMQ_PUSH), *pull = open_socket(context, ZMQ_PULL), *good;
    pthread_t thread;
    int sum = 0;
    atomic_store(&released, 0);
    atomic_store(&released_sum, 0);
    join(pull, push, where);
    pthread_create(&thread, NULL, read_them, pull);
    for (int i = 0; i < EACH; i++) {
        struct loan *loan = malloc(sizeof *loan);
        zmq_msg_t msg;
        loan->number = i;
        memset(loan->octets, i, sizeof loan->octets);
        zmq_msg_init_data(&msg, loan->octets, sizeof loan->octets, take_back, loan);
        if (zmq_msg_send(&msg, push, 0) < 0) zmq_msg_close(&msg);
        sum += i;
    }
    pthread_join(thread, &good);
    EXPECT("messages of the program's memory", (intptr_t)good == EACH);
    zmq_close(push);
    zmq_close(pull);
    // Over tcp the sender's thread releases what it copied, which may be after the last was read.
    for (int i = 0; i < PATIENCE_MS && atomic_load(&released) < EACH; i++)
        moment();
    EXPECT("messages of the program's memory", atomic_load(&released) == EACH);
    EXPECT("messages of the program's memory", atomic_load(&released_sum) == sum);
}

int main(void)
{
    void *context = zmq_ctx_new();
    zmq_ctx_set(context, ZMQ_IO_THREADS, 2);
    handed_on(context, "inproc://relay");
    handed_on(context, "tcp://127.0.0.1:*");
    many_sockets(context);
    proxy_in_a_thread(context);
    monitor_in_another(context);
    both_ways(context, "inproc://both");
    both_ways(context, "tcp://127.0.0.1:*");
    both_ways(context, "ipc://*");
    loans(context, "inproc://loans");
    loans(context, "tcp://127.0.0.1:*");
    EXPECT("term", zmq_ctx_term(context) == 0);
    term_while_others_block();
    return expect_status;
}
