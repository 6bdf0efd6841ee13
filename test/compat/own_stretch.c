// Messages of a stream that pass by a stretch (zmtp/compat/stretch.h), and calls of all other kinds amid them: nothing may
// be lost, torn, out of its order or beyond a limit, and what is asked for is told as if each message had been counted
// when it passed. One thread has both sides, so that all is in one order and both locks favour it.
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "test/support/random.h"

#include "expect.h"
#include "patient.h"

enum {
    PATIENCE_MS = 20000,
    STEPS = SANITIZED ? 20000 : 100000,
    BURST_MAX = 200,
    BODY_MAX = 5000,
    HWM = 300,
    SMALL_HWM = 50,
    FAR = 64,   // octets that pass by a stretch
    ALL = 2000, // of a socket that is closed amid one
    TOPICS = 1200,
    TOPIC_RUN = 9, // messages of one topic, one behind the other
};

struct pair {
    void *from, *to;
    unsigned given, taken; // messages
    bool local;            // what was sent is there
    struct random random;
    zmq_msg_t kept; // which is received into again and again
};

// What a message looks like follows from its number.
static size_t size_of(unsigned number)
{
    if (number % 29 == 0) return FAR + 1 + number % (BODY_MAX - FAR);
    return sizeof number + number % (FAR - sizeof number + 1);
}

static bool twofold(unsigned number) // of two parts
{
    return number % 37 == 0;
}

static size_t fill(char body[BODY_MAX], unsigned number)
{
    memset(body, (int)(number & 0x7f), BODY_MAX);
    memcpy(body, &number, sizeof number);
    return size_of(number);
}

static bool is(const void *body, size_t size, unsigned number)
{
    char expected[BODY_MAX];
    return size == fill(expected, number) && memcmp(body, expected, size) == 0;
}

static bool give_part(struct pair *pair, const char *body, size_t size, int flags)
{
    zmq_msg_t msg;
    if (random_below(&pair->random, 4) > 0)
        return zmq_send(pair->from, body, size, flags) == (int)size;
    if (zmq_msg_init_size(&msg, size) < 0) return false;
    memcpy(zmq_msg_data(&msg), body, size);
    if (zmq_msg_send(&msg, pair->from, flags) == (int)size) return true;
    const int error = zmq_errno();
    zmq_msg_close(&msg);
    errno = error;
    return false;
}

// 1, 0: there is no room, -1.
static int give(struct pair *pair)
{
    char body[BODY_MAX];
    const size_t size = fill(body, pair->given);
    const bool two = twofold(pair->given);
    if (two && !give_part(pair, "head", 4, ZMQ_SNDMORE | ZMQ_DONTWAIT))
        return errno == EAGAIN ? 0 : -1;
    if (!give_part(pair, body, size, ZMQ_DONTWAIT)) return !two && errno == EAGAIN ? 0 : -1;
    pair->given++;
    return 1;
}

static bool take_octets(struct pair *pair, unsigned number)
{
    char body[BODY_MAX] = {0}, expected[BODY_MAX];
    const size_t size = fill(expected, number),
                 room = random_below(&pair->random, 8) ? BODY_MAX : random_below(&pair->random, 20),
                 least = room < size ? room : size;
    if (zmq_recv(pair->to, body, room, 0) != (int)size) return false;
    for (size_t i = least; i < BODY_MAX; i++)
        if (body[i]) return false; // beyond what there is room for
    return memcmp(body, expected, least) == 0;
}

static bool take_msg(struct pair *pair, zmq_msg_t *msg, unsigned number)
{
    if (zmq_msg_recv(msg, pair->to, 0) < 0) return false;
    return is(zmq_msg_data(msg), zmq_msg_size(msg), number) && !zmq_msg_more(msg) &&
           zmq_msg_get(msg, ZMQ_SHARED) == 0 && zmq_msg_routing_id(msg) == 0;
}

static bool take(struct pair *pair)
{
    const unsigned number = pair->taken++;
    char head[4];
    zmq_msg_t fresh, copy;
    if (twofold(number)) {
        int more = 0;
        size_t size = sizeof more;
        if (zmq_recv(pair->to, head, sizeof head, 0) != 4 || memcmp(head, "head", 4) != 0)
            return false;
        if (zmq_getsockopt(pair->to, ZMQ_RCVMORE, &more, &size) < 0 || !more) return false;
    }
    switch (random_below(&pair->random, 8)) {
    case 0:
        zmq_msg_init(&fresh);
        const bool well = take_msg(pair, &fresh, number);
        zmq_msg_close(&fresh);
        return well;
    case 1: // what was received before is somebody else's as well
        zmq_msg_init(&copy);
        if (zmq_msg_copy(&copy, &pair->kept) < 0 || !take_msg(pair, &pair->kept, number))
            return false;
        zmq_msg_close(&copy);
        return true;
    case 2:
    case 3:
    case 4:
        return take_msg(pair, &pair->kept, number);
    default:
        return take_octets(pair, number);
    }
}

static int events_of(void *socket)
{
    int events = -1;
    size_t size = sizeof events;
    return zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) < 0 ? -1 : events;
}

// What waits can be received, and nothing else.
static bool tells(struct pair *pair)
{
    const bool waits = pair->taken < pair->given;
    zmq_pollitem_t item = {.socket = pair->to, .events = ZMQ_POLLIN};
    if (!pair->local && waits) return zmq_poll(&item, 1, PATIENCE_MS) == 1;
    if (random_below(&pair->random, 2)) return zmq_poll(&item, 1, 0) == waits;
    return (events_of(pair->to) & ZMQ_POLLIN) == (waits ? ZMQ_POLLIN : 0);
}

static bool ends(struct pair *pair)
{
    char body[BODY_MAX];
    return zmq_recv(pair->to, body, sizeof body, ZMQ_DONTWAIT) == -1 && errno == EAGAIN;
}

static void open_pair(struct pair *pair, void *context, const char *where, int mark)
{
    char endpoint[256];
    *pair = (struct pair){.from = open_patient(context, ZMQ_PUSH, PATIENCE_MS),
                          .to = open_patient(context, ZMQ_PULL, PATIENCE_MS),
                          .local = where[0] == 'i' && where[1] == 'n',
                          .random = random_of(7)};
    (void)zmq_setsockopt(pair->from, ZMQ_SNDHWM, &mark, sizeof mark);
    (void)zmq_setsockopt(pair->to, ZMQ_RCVHWM, &mark, sizeof mark);
    bind_somewhere(pair->to, where, endpoint);
    (void)zmq_connect(pair->from, endpoint);
    zmq_msg_init(&pair->kept);
}

static void close_pair(struct pair *pair)
{
    zmq_msg_close(&pair->kept);
    zmq_close(pair->from);
    zmq_close(pair->to);
}

static bool step(struct pair *pair)
{
    const size_t burst = random_below(&pair->random, BURST_MAX);
    switch (random_below(&pair->random, 6)) {
    case 0:
        return tells(pair);
    case 1:
        return events_of(pair->from) >= 0;
    case 2:
    case 3:
        for (size_t i = 0; i < burst && pair->taken < pair->given; i++)
            if (!take(pair)) return false;
        return pair->taken < pair->given || ends(pair);
    default:
        for (size_t i = 0; i < burst; i++) {
            const int given = give(pair);
            if (given < 0) return false;
            // Over a line all of it is known, and between two messages nobody else takes room.
            if (given == 0) return !pair->local || !(events_of(pair->from) & ZMQ_POLLOUT);
        }
        return true;
    }
}

static void all_amid(void *context, const char *name, const char *where)
{
    struct pair pair;
    bool well = true;
    open_pair(&pair, context, where, HWM);
    if (!pair.local) { // until it is connected
        zmq_pollitem_t item = {.socket = pair.from, .events = ZMQ_POLLOUT};
        well = zmq_poll(&item, 1, PATIENCE_MS) == 1;
    }
    while (well && pair.given < STEPS)
        well = step(&pair);
    while (well && pair.taken < pair.given)
        well = take(&pair);
    EXPECT(name, well && ends(&pair));
    close_pair(&pair);
}

// How many fit is the same at each time, and each that leaves makes room in the end.
static void limits(void *context, const char *where)
{
    struct pair pair;
    bool well = true;
    open_pair(&pair, context, where, SMALL_HWM);
    for (unsigned round = 0; round < 200 && well; round++) {
        unsigned count = 0;
        while (zmq_send(pair.from, "x", 1, ZMQ_DONTWAIT) == 1)
            count++;
        well = errno == EAGAIN && count == 2 * SMALL_HWM;
        // Half of it leaves one by one, without anything in between.
        char body[4];
        for (unsigned i = 0; i < count && well; i++)
            well = zmq_recv(pair.to, body, sizeof body, ZMQ_DONTWAIT) == 1;
        well = well && ends(&pair) && events_of(pair.from) == ZMQ_POLLOUT;
    }
    EXPECT("as many fit as the marks say", well);
    close_pair(&pair);
}

// Room is heard of when libzmq tells of it, by a sender whose receiver does nothing more.
static void room(void *context, const char *where)
{
    struct pair pair;
    bool well = true;
    char body[4];
    open_pair(&pair, context, where, SMALL_HWM);
    for (unsigned round = 0; round < 200 && well; round++) {
        unsigned waiting = 0, least = 2 * SMALL_HWM;
        while (zmq_send(pair.from, "x", 1, ZMQ_DONTWAIT) == 1)
            waiting++;
        for (; waiting > 0 && least > 0; waiting--, least--) {
            well = well && zmq_recv(pair.to, body, sizeof body, ZMQ_DONTWAIT) == 1;
            if (zmq_send(pair.from, "x", 1, ZMQ_DONTWAIT) == 1) break;
        }
        well = well && waiting >= SMALL_HWM - 1;
        while (zmq_recv(pair.to, body, sizeof body, ZMQ_DONTWAIT) == 1)
            continue;
    }
    EXPECT("room is told of as soon", well);
    close_pair(&pair);
}

// A socket that is closed amid a stretch leaves all behind.
static void closed(void *context, const char *where)
{
    const int linger = PATIENCE_MS;
    bool well = true;
    for (unsigned round = 0; round < 5 && well; round++) {
        struct pair pair;
        char body[BODY_MAX];
        unsigned number = 0;
        open_pair(&pair, context, where, 2 * ALL);
        (void)zmq_setsockopt(pair.from, ZMQ_LINGER, &linger, sizeof linger);
        for (unsigned i = 0; i < ALL; i++)
            if (zmq_send(pair.from, &i, sizeof i, 0) != sizeof i) well = false;
        zmq_close(pair.from);
        for (; number < ALL && well; number++)
            well = zmq_recv(pair.to, body, sizeof body, 0) == sizeof number &&
                   memcmp(body, &number, sizeof number) == 0;
        zmq_msg_close(&pair.kept);
        zmq_close(pair.to);
    }
    EXPECT("what was sent before a close comes", well);
}

// Calls amid a stretch of a context that ends.
static void ended(const char *where)
{
    void *const context = zmq_ctx_new();
    struct pair pair;
    char body[BODY_MAX];
    open_pair(&pair, context, where, 2 * ALL);
    for (unsigned i = 0; i < ALL; i++)
        (void)zmq_send(pair.from, &i, sizeof i, 0);
    for (unsigned i = 0; i < ALL / 2; i++)
        (void)zmq_recv(pair.to, body, sizeof body, 0);
    zmq_ctx_shutdown(context);
    FAILS("a send to a context that ends", zmq_send(pair.from, "", 0, 0), ETERM);
    FAILS("a receive there", zmq_recv(pair.to, body, sizeof body, 0), ETERM);
    FAILS("of a message", zmq_msg_recv(&pair.kept, pair.to, 0), ETERM);
    close_pair(&pair);
    FAILS("a closed socket", zmq_send(pair.from, "", 0, 0), ENOTSOCK);
    FAILS("and what it received", zmq_recv(pair.to, body, sizeof body, 0), ENOTSOCK);
    EXPECT("term", zmq_ctx_term(context) == 0);
}

static char topic_of(unsigned number)
{
    return number / TOPIC_RUN % 2 ? 'b' : 'a';
}

// 1, 0: there is none yet, -1: another one.
static int take_topic(void *sub, zmq_msg_t *msg, unsigned number)
{
    char body[BODY_MAX] = {0};
    int size;
    if (number % 3 == 0) {
        size = zmq_recv(sub, body, sizeof body, ZMQ_DONTWAIT);
    } else {
        size = zmq_msg_recv(msg, sub, ZMQ_DONTWAIT);
        if (size > 0 && size <= BODY_MAX) memcpy(body, zmq_msg_data(msg), (size_t)size);
    }
    if (size < 0) return errno == EAGAIN ? 0 : -1;
    const bool well = size == (int)(1 + size_of(number)) && body[0] == topic_of(number) &&
                      is(body + 1, (size_t)size - 1, number);
    return well ? 1 : -1;
}

// A SUB that does not want everything: what has come of a topic before it was cancelled is not given afterwards.
static void topics(void *context, const char *where)
{
    const int mark = 2 * TOPICS, one = 1;
    void *const pub = open_patient(context, ZMQ_XPUB, PATIENCE_MS);
    void *const sub = open_patient(context, ZMQ_SUB, PATIENCE_MS);
    char endpoint[256], body[1 + BODY_MAX];
    bool well = true;
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    (void)zmq_setsockopt(pub, ZMQ_SNDHWM, &mark, sizeof mark);
    (void)zmq_setsockopt(pub, ZMQ_XPUB_NODROP, &one, sizeof one);
    (void)zmq_setsockopt(sub, ZMQ_RCVHWM, &mark, sizeof mark);
    (void)zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "a", 1);
    (void)zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "b", 1);
    bind_somewhere(pub, where, endpoint);
    (void)zmq_connect(sub, endpoint);
    for (int i = 0; i < 2; i++)
        well = well && zmq_recv(pub, body, sizeof body, 0) == 2;
    for (unsigned number = 0; number < TOPICS; number++) {
        body[0] = topic_of(number);
        const int size = 1 + (int)fill(body + 1, number);
        well = well && zmq_send(pub, body, (size_t)size, 0) == size;
    }
    zmq_pollitem_t item = {.socket = sub, .events = ZMQ_POLLIN};
    for (unsigned number = 0; number < TOPICS && well; number++) {
        if (number == TOPICS / 2) (void)zmq_setsockopt(sub, ZMQ_UNSUBSCRIBE, "b", 1);
        if (number >= TOPICS / 2 && topic_of(number) == 'b') continue;
        int taken;
        while ((taken = take_topic(sub, &msg, number)) == 0 && zmq_poll(&item, 1, PATIENCE_MS) == 1)
            continue;
        well = taken == 1;
    }
    EXPECT("only what was asked for", well);
    zmq_msg_close(&msg);
    zmq_close(pub);
    zmq_close(sub);
}

// Another peer begins amid the stretch of one: it has its turn at once.
static void newcomer(void *context)
{
    enum { MANY = 250, SOME = 30, SOON = 4 };
    void *const pull = zmq_socket(context, ZMQ_PULL);
    void *const pushes[] = {zmq_socket(context, ZMQ_PUSH), zmq_socket(context, ZMQ_PUSH)};
    char body[8];
    int heard = 0;
    bool well = zmq_bind(pull, "inproc://newcomer") == 0;
    for (int i = 0; i < 2; i++)
        well = well && zmq_connect(pushes[i], "inproc://newcomer") == 0;
    for (int i = 0; i < MANY; i++)
        well = well && zmq_send(pushes[0], "old", 3, 0) == 3;
    for (int i = 0; i < SOME; i++)
        well = well && zmq_recv(pull, body, sizeof body, 0) == 3;
    well = well && zmq_send(pushes[1], "newer", 5, 0) == 5;
    for (int i = 0; i < SOON; i++)
        heard += zmq_recv(pull, body, sizeof body, 0) == 5;
    EXPECT("a newcomer amid a stretch is heard soon", heard == 1);
    for (int i = SOME + SOON - heard; i < MANY; i++)
        well = well && zmq_recv(pull, body, sizeof body, ZMQ_DONTWAIT) == 3;
    EXPECT("and all else comes", well && zmq_recv(pull, body, sizeof body, ZMQ_DONTWAIT) == -1);
    for (int i = 0; i < 2; i++)
        zmq_close(pushes[i]);
    zmq_close(pull);
}

int main(void)
{
    static const char *const wheres[] = {"inproc://a", "tcp://127.0.0.1:*", "ipc://*"};
    void *const context = zmq_ctx_new();
    for (int i = 0; i < 3; i++) {
        all_amid(context, "calls of all kinds amid a stream", wheres[i]);
        topics(context, wheres[i]);
        closed(context, wheres[i]);
        ended(wheres[i]);
    }
    limits(context, wheres[0]);
    room(context, wheres[0]);
    newcomer(context);
    EXPECT("term", zmq_ctx_term(context) == 0);
    return expect_status;
}
