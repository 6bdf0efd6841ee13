// What a thread has sent on one socket is written before it waits at another, by the thread itself, and not when the
// watch comes by: who writes is told by a sendmsg of the program's own.
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "expect.h"
#include "patient.h"
#include "stranger.h"

enum { PATIENCE_MS = 20000, WARM = 300, TRIPS = 400, CROWD = 20, REQUESTS = 4 };
enum { BATCHES = 60, BATCH = 40, PAUSE_US = 10000, FRAME = 66 };

static _Thread_local bool counted;
static atomic_uint own, others;

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    atomic_fetch_add(counted ? &own : &others, 1);
    return syscall(SYS_sendmsg, fd, message, flags);
}

struct lane {
    void *from, *to;
};

static void open_lane_of(struct lane *lane, void *context, const char *endpoint, int from, int to)
{
    char real[256];
    lane->to = open_patient(context, to, PATIENCE_MS);
    lane->from = open_patient(context, from, PATIENCE_MS);
    bind_somewhere(lane->to, endpoint, real);
    zmq_connect(lane->from, real);
}

static void open_lane(struct lane *lane, void *context, const char *endpoint)
{
    open_lane_of(lane, context, endpoint, ZMQ_PUSH, ZMQ_PULL);
}

static void close_lane(struct lane *lane)
{
    zmq_close(lane->from);
    zmq_close(lane->to);
}

static bool comes_round(const struct lane *lane, int number, bool polls)
{
    int back = -1;
    if (zmq_send(lane->from, &number, sizeof number, 0) != sizeof number) return false;
    zmq_pollitem_t item = {.socket = lane->to, .events = ZMQ_POLLIN};
    if (polls && zmq_poll(&item, 1, PATIENCE_MS) != 1) return false;
    return zmq_recv(lane->to, &back, sizeof back, 0) == sizeof back && back == number;
}

static void in_lockstep(void *context, const char *endpoint, bool polls)
{
    struct lane lane;
    int right = 0;
    open_lane(&lane, context, endpoint);
    for (int i = 0; i < WARM; i++)
        right += comes_round(&lane, i, polls);
    own = others = 0;
    for (int i = 0; i < TRIPS; i++)
        right += comes_round(&lane, i, polls);
    EXPECT("each comes round", right == WARM + TRIPS);
    // The watch may come by at such a moment now and then.
    EXPECT("and is written by who waits for it", own >= TRIPS * 3 / 4 && others < TRIPS / 4);
    close_lane(&lane);
}

// A thread that has sockets of two contexts, and leaves something on both before it waits at either.
static void of_two_contexts(void *context)
{
    void *const another = zmq_ctx_new();
    struct lane lanes[2];
    int right = 0;
    open_lane(lanes, context, "tcp://127.0.0.1:*");
    open_lane(lanes + 1, another, "tcp://127.0.0.1:*");
    for (int i = 0; i < WARM + TRIPS; i++) {
        if (i == WARM) own = others = 0;
        for (int k = 0; k < 2; k++)
            right += zmq_send(lanes[k].from, &i, sizeof i, 0) == sizeof i;
        for (int k = 0; k < 2; k++) {
            int back = -1;
            right += zmq_recv(lanes[k].to, &back, sizeof back, 0) == sizeof back && back == i;
        }
    }
    EXPECT("each comes round in its context", right == 4 * (WARM + TRIPS));
    EXPECT("and is written there", own >= 2 * TRIPS * 3 / 4 && others < 2 * TRIPS / 4);
    for (int k = 0; k < 2; k++)
        close_lane(lanes + k);
    EXPECT("term of the other", zmq_ctx_term(another) == 0);
}

static bool more_waits(void *socket)
{
    int events = 0;
    size_t size = sizeof events;
    for (int i = 0; i < PATIENCE_MS && !(events & ZMQ_POLLIN); i++) {
        (void)zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size);
        if (!(events & ZMQ_POLLIN)) usleep(1000);
    }
    return events & ZMQ_POLLIN;
}

// A server with many requests, which has something done elsewhere after each answer: that does not wait for the next one.
static void answers(void *context)
{
    struct lane lane, elsewhere;
    int right = 0, number;
    unsigned asked = 0, written = 0;
    open_lane_of(&lane, context, "tcp://127.0.0.1:*", ZMQ_DEALER, ZMQ_DEALER);
    open_lane(&elsewhere, context, "tcp://127.0.0.1:*");
    for (int i = 0; i < TRIPS; i++) {
        for (int k = 0; k < REQUESTS; k++)
            right += zmq_send(lane.from, &k, sizeof k, 0) == sizeof k;
        right += comes_round(&elsewhere, i, false);
        for (int k = 0; k < REQUESTS; k++) {
            right += zmq_recv(lane.to, &number, sizeof number, 0) == sizeof number && number == k;
            const bool more = k + 1 < REQUESTS && more_waits(lane.to);
            const unsigned before = own;
            right += zmq_send(lane.to, &k, sizeof k, 0) == sizeof k;
            right += comes_round(&elsewhere, k, k % 2);
            asked += more;
            written += more && own - before >= 2; // the answer, and the question
        }
        for (int k = 0; k < REQUESTS; k++)
            right += zmq_recv(lane.from, &number, sizeof number, 0) == sizeof number && number == k;
    }
    EXPECT("each is answered", right == TRIPS * (5 * REQUESTS + 1));
    // The watch is told of it as well, and is sooner now and then; but it is not left to the watch.
    EXPECT("before its server waits elsewhere", asked > 0 && written >= asked / 8);
    close_lane(&lane);
    close_lane(&elsewhere);
}

// More than are taken from the list at once, two messages on each, as the first may be written by the call itself.
static void in_a_crowd(void *context)
{
    struct lane lanes[CROWD], waited;
    int right = 0;
    open_lane(&waited, context, "tcp://127.0.0.1:*");
    for (int i = 0; i < CROWD; i++) {
        open_lane(lanes + i, context, "tcp://127.0.0.1:*");
        right += comes_round(lanes + i, i, false);
    }
    for (int i = 0; i < 2 * CROWD; i++)
        right += zmq_send(lanes[i % CROWD].from, &i, sizeof i, 0) == sizeof i;
    right += comes_round(&waited, 0, true);
    for (int i = 0; i < 2 * CROWD; i++) {
        int back = -1;
        right += zmq_recv(lanes[i % CROWD].to, &back, sizeof back, 0) == sizeof back && back == i;
    }
    EXPECT("what was left on many", right == 5 * CROWD + 1);
    // Those that are closed are on the list no more.
    for (int i = 0; i < 2 * CROWD; i++)
        (void)zmq_send(lanes[i % CROWD].from, &i, sizeof i, 0);
    for (int i = 0; i < CROWD; i++)
        close_lane(lanes + i);
    EXPECT("closed ones", comes_round(&waited, 1, false) && comes_round(&waited, 2, true));
    close_lane(&waited);
}

static void *leave_and_end(void *socket)
{
    for (int i = 0; i < 2; i++)
        (void)zmq_send(socket, &i, sizeof i, 0);
    return NULL;
}

// What a thread left that has ended is the watch's to write, and the next who sends there.
static void by_who_has_ended(void *context)
{
    struct lane lane;
    pthread_t thread;
    int right = 0, back;
    open_lane(&lane, context, "tcp://127.0.0.1:*");
    right += comes_round(&lane, 0, false);
    pthread_create(&thread, NULL, leave_and_end, lane.from);
    pthread_join(thread, NULL);
    for (int i = 0; i < 2; i++)
        right += zmq_recv(lane.to, &back, sizeof back, 0) == sizeof back && back == i;
    right += comes_round(&lane, 1, true);
    EXPECT("what a thread left that has ended", right == 4);
    close_lane(&lane);
}

// Answers what comes to a ROUTER.
static void *answer_batches(void *router)
{
    uint8_t id[8], body[FRAME];
    for (int i = 0; i < BATCHES * BATCH; i++) {
        const int id_size = zmq_recv(router, id, sizeof id, 0);
        const int size = zmq_recv(router, body, sizeof body, 0);
        if (id_size < 0 || size < 0) break;
        if (zmq_send(router, id, (size_t)id_size, ZMQ_SNDMORE) < 0) break;
        if (zmq_send(router, body, (size_t)size, 0) < 0) break;
    }
    return NULL;
}

// RFC 37: the greeting, version 3.1 and NULL, and READY of a DEALER; and what the other side says.
static bool greets(int peer)
{
    static const uint8_t ready[] = "\4\34\5READY\13Socket-Type\0\0\0\6DEALER";
    uint8_t greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 1, 'N', 'U', 'L', 'L'};
    uint8_t command[256];
    return send(peer, greeting, sizeof greeting, MSG_NOSIGNAL) == sizeof greeting &&
           send(peer, ready, sizeof ready - 1, MSG_NOSIGNAL) == sizeof ready - 1 &&
           recv(peer, greeting, sizeof greeting, MSG_WAITALL) == sizeof greeting &&
           recv(peer, command, 2, MSG_WAITALL) == 2 && command[0] == 4 &&
           recv(peer, command + 2, command[1], MSG_WAITALL) == command[1];
}

// Requests that come at once, after a while in which none did, are answered by one write.
static void all_at_once(void *context)
{
    static uint8_t out[BATCH * FRAME], back[BATCH * FRAME];
    void *const router = open_patient(context, ZMQ_ROUTER, PATIENCE_MS);
    char endpoint[256];
    pthread_t thread;
    bind_somewhere(router, "tcp://127.0.0.1:*", endpoint);
    for (int i = 0; i < BATCH; i++) {
        out[i * FRAME + 1] = FRAME - 2;
        out[i * FRAME + 2] = (uint8_t)i;
    }
    const int peer = dial_plain(endpoint);
    EXPECT("a peer", greets(peer));
    pthread_create(&thread, NULL, answer_batches, router);
    int right = 0;
    own = others = 0;
    for (int i = 0; i < BATCHES; i++) {
        usleep(PAUSE_US);
        right += send(peer, out, sizeof out, MSG_NOSIGNAL) == sizeof out &&
                 recv(peer, back, sizeof back, MSG_WAITALL) == sizeof back &&
                 memcmp(out, back, sizeof out) == 0;
    }
    pthread_join(thread, NULL);
    EXPECT("all are answered", right == BATCHES);
    // Where the thread stands still amid them for a millisecond, the watch rightly writes.
    EXPECT("those that came together by one write", others < BATCHES * 3 / 2);
    close(peer);
    zmq_close(router);
}

int main(void)
{
    void *const context = zmq_ctx_new();
    counted = true;
    in_lockstep(context, "tcp://127.0.0.1:*", false);
    in_lockstep(context, "tcp://127.0.0.1:*", true);
    in_lockstep(context, "ipc://*", false);
    in_lockstep(context, "ipc://*", true);
    of_two_contexts(context);
    answers(context);
    in_a_crowd(context);
    by_who_has_ended(context);
    all_at_once(context);
    EXPECT("term", zmq_ctx_term(context) == 0);
    return expect_status;
}
