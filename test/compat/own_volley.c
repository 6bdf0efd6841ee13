// A publisher's messages that are told to all of its subscribers together (zmtp/compat/stretch.h), and calls of all other
// kinds amid them: nothing may be lost, torn or out of its order, nor come to who did not ask for it.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/random.h"

#include "expect.h"
#include "patient.h"

enum {
    PATIENCE_MS = 20000,
    CROWD = 3,
    MESSAGES = SANITIZED ? 10000 : 60000,
    BURST_MAX = 400,
    BODY_MAX = 5000,
    RARE = 23, // every so manieth is of the topic that the first subscriber alone has
    HWM = 300,
};

struct scene {
    void *pub, *subs[CROWD];
    unsigned given, next[CROWD];
    struct random random;
    zmq_msg_t kept;
};

static char topic_of(unsigned number)
{
    return number % RARE == 0 ? 'b' : 'a';
}

static size_t fill(char body[BODY_MAX], unsigned number)
{
    const size_t size = number % 31 == 0 ? 300 + number % (BODY_MAX - 300) : 5 + number % 60;
    memset(body, (int)(number & 0x7f), size);
    body[0] = topic_of(number);
    memcpy(body + 1, &number, sizeof number);
    return size;
}

// 1, 0: somebody has no room, -1.
static int give(struct scene *scene)
{
    char body[BODY_MAX];
    const size_t size = fill(body, scene->given);
    const size_t way = random_below(&scene->random, 6);
    int sent;
    if (way > 0) {
        sent = zmq_send(scene->pub, body, size, ZMQ_DONTWAIT);
    } else {
        zmq_msg_t msg;
        if (zmq_msg_init_size(&msg, size) < 0) return -1;
        memcpy(zmq_msg_data(&msg), body, size);
        sent = zmq_msg_send(&msg, scene->pub, ZMQ_DONTWAIT);
        const int error = errno;
        if (sent < 0) zmq_msg_close(&msg);
        errno = error;
    }
    if (sent < 0) return errno == EAGAIN ? 0 : -1;
    scene->given++;
    return sent == (int)size ? 1 : -1;
}

// The next message that the subscriber wants. False: another came.
static bool take(struct scene *scene, size_t who)
{
    char expected[BODY_MAX];
    while (who > 0 && topic_of(scene->next[who]) == 'b')
        scene->next[who]++;
    const size_t size = fill(expected, scene->next[who]++);
    if (zmq_msg_recv(&scene->kept, scene->subs[who], 0) != (int)size) return false;
    return memcmp(zmq_msg_data(&scene->kept), expected, size) == 0;
}

// One that it wants has been sent.
static bool owed(const struct scene *scene, size_t who)
{
    unsigned next = scene->next[who];
    while (who > 0 && topic_of(next) == 'b')
        next++;
    return next < scene->given;
}

static bool look(struct scene *scene)
{
    int value = 0;
    size_t size = sizeof value;
    zmq_pollitem_t item = {.socket = scene->pub, .events = ZMQ_POLLOUT};
    switch (random_below(&scene->random, 4)) {
    case 0:
        return zmq_getsockopt(scene->pub, ZMQ_EVENTS, &value, &size) == 0;
    case 1:
        return zmq_poll(&item, 1, 0) >= 0;
    case 2: // it comes to the publisher later
        return zmq_setsockopt(scene->subs[1], ZMQ_SUBSCRIBE, "x", 1) == 0;
    default:
        return zmq_recv(scene->pub, &value, sizeof value, 0) < 0 && errno == ENOTSUP;
    }
}

static void open_scene(struct scene *scene, void *context, const char *where)
{
    const int mark = HWM, one = 1;
    char endpoint[256];
    *scene = (struct scene){.pub = open_patient(context, ZMQ_PUB, PATIENCE_MS)};
    zmq_msg_init(&scene->kept);
    (void)zmq_setsockopt(scene->pub, ZMQ_SNDHWM, &mark, sizeof mark);
    (void)zmq_setsockopt(scene->pub, ZMQ_XPUB_NODROP, &one, sizeof one);
    bind_somewhere(scene->pub, where, endpoint);
    for (size_t i = 0; i < CROWD; i++) {
        scene->subs[i] = open_patient(context, ZMQ_SUB, PATIENCE_MS);
        (void)zmq_setsockopt(scene->subs[i], ZMQ_RCVHWM, &mark, sizeof mark);
        (void)zmq_setsockopt(scene->subs[i], ZMQ_SUBSCRIBE, i > 0 ? "a" : "", i > 0);
        (void)zmq_setsockopt(scene->subs[i], ZMQ_SUBSCRIBE, "!", 1);
        (void)zmq_connect(scene->subs[i], endpoint);
    }
    // Until all have been heard.
    bool heard[CROWD] = {false};
    for (size_t i = 0; i < CROWD;) {
        char body[8];
        (void)zmq_send(scene->pub, "!", 1, 0);
        zmq_pollitem_t item = {.socket = scene->subs[i], .events = ZMQ_POLLIN};
        while (zmq_poll(&item, 1, 1) == 1 && zmq_recv(scene->subs[i], body, sizeof body, 0) == 1)
            heard[i] = true;
        i += heard[i];
    }
    (void)zmq_send(scene->pub, "!end", 4, 0);
    for (size_t i = 0; i < CROWD; i++) {
        char body[8];
        while (zmq_recv(scene->subs[i], body, sizeof body, 0) == 1)
            continue;
    }
}

static void amid(void *context, const char *where)
{
    struct scene scene;
    bool well = true;
    open_scene(&scene, context, where);
    while (scene.given < MESSAGES && well) {
        const size_t burst = 1 + random_below(&scene.random, BURST_MAX);
        int gave = 1;
        for (size_t i = 0; i < burst && gave > 0 && scene.given < MESSAGES; i++) {
            gave = give(&scene);
            if (random_below(&scene.random, 100) == 0 && !look(&scene)) gave = -1;
        }
        well = gave >= 0;
        for (size_t who = 0; who < CROWD && well; who++) {
            size_t reads = random_below(&scene.random, 2 * BURST_MAX);
            for (; reads > 0 && well && owed(&scene, who); reads--)
                well = take(&scene, who);
        }
    }
    for (size_t who = 0; who < CROWD; who++)
        while (well && owed(&scene, who))
            well = take(&scene, who);
    EXPECT("calls of all kinds amid a publisher's stream", well);
    zmq_msg_close(&scene.kept);
    zmq_close(scene.pub);
    for (size_t i = 0; i < CROWD; i++)
        zmq_close(scene.subs[i]);
}

// A publisher that is closed amid it leaves all behind.
static void closed(void *context, const char *where)
{
    struct scene scene;
    const int linger = PATIENCE_MS;
    bool well = true;
    open_scene(&scene, context, where);
    (void)zmq_setsockopt(scene.pub, ZMQ_LINGER, &linger, sizeof linger);
    while (scene.given < HWM && well)
        well = give(&scene) == 1;
    zmq_close(scene.pub);
    for (size_t who = 0; who < CROWD; who++)
        while (well && owed(&scene, who))
            well = take(&scene, who);
    EXPECT("what was published before a close comes", well);
    zmq_msg_close(&scene.kept);
    for (size_t i = 0; i < CROWD; i++)
        zmq_close(scene.subs[i]);
}

int main(void)
{
    static const char *const wheres[] = {"tcp://127.0.0.1:*", "ipc://*", "inproc://volley"};
    void *const context = zmq_ctx_new();
    for (int i = 0; i < 3; i++) {
        amid(context, wheres[i]);
        if (i < 2) closed(context, wheres[i]);
    }
    EXPECT("term", zmq_ctx_term(context) == 0);
    return expect_status;
}
