// What libzmq answers with an abort or a crash, and drafts of messages, which Debian's libzmq has not: what is
// right stands here.
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "expect.h"

static void tell(int id, void *hint)
{
    (void)id;
    (void)hint;
}

static void what_is_no_message(zmq_msg_t *none, const char *name)
{
    zmq_msg_t msg;
    (void)zmq_msg_init(&msg);
    IS_NULL(name, zmq_msg_data(none), EFAULT);
    IS_NULL(name, zmq_msg_size(none), EFAULT);
    IS_NULL(name, zmq_msg_more(none), EFAULT);
    IS_NULL(name, zmq_msg_gets(none, "Socket-Type"), EFAULT);
    IS_NULL(name, zmq_msg_group(none), EFAULT);
    IS_NULL(name, zmq_msg_routing_id(none), EFAULT);
    FAILS(name, zmq_msg_get(none, ZMQ_MORE), EFAULT);
    FAILS(name, zmq_msg_set(none, ZMQ_MORE, 1), EFAULT);
    FAILS(name, zmq_msg_close(none), EFAULT);
    FAILS(name, zmq_msg_copy(none, &msg), EFAULT);
    FAILS(name, zmq_msg_copy(&msg, none), EFAULT);
    FAILS(name, zmq_msg_move(none, &msg), EFAULT);
    FAILS(name, zmq_msg_move(&msg, none), EFAULT);
    FAILS(name, zmq_msg_set_group(none, "group"), EFAULT);
    FAILS(name, zmq_msg_set_routing_id(none, 1), EFAULT);
    EXPECT(name, zmq_msg_close(&msg) == 0);
}

static void null_messages(void)
{
    FAILS("init of null", zmq_msg_init(NULL), EFAULT);
    FAILS("init of null", zmq_msg_init_size(NULL, 4), EFAULT);
    FAILS("init of null", zmq_msg_init_buffer(NULL, "data", 4), EFAULT);
    FAILS("init of null", zmq_msg_init_data(NULL, NULL, 0, NULL, NULL), EFAULT);
    zmq_msg_t msg;
    FAILS("octets from null", zmq_msg_init_buffer(&msg, NULL, 1), EFAULT);
    EXPECT("no octets from null",
           zmq_msg_init_buffer(&msg, NULL, 0) == 0 && zmq_msg_size(&msg) == 0);
    EXPECT("a message to itself", zmq_msg_copy(&msg, &msg) == 0 && zmq_msg_move(&msg, &msg) == 0);
    FAILS("a group of null", zmq_msg_set_group(&msg, NULL), EFAULT);
    IS_NULL("a property of null", zmq_msg_gets(&msg, NULL), EINVAL);
    FAILS("the descriptor it came through", zmq_msg_get(&msg, ZMQ_SRCFD), EINVAL);
    EXPECT("a message to itself", zmq_msg_close(&msg) == 0);
}

static void drafts_of_messages(void)
{
    zmq_msg_t msg, copy;
    EXPECT("a copy of a buffer", zmq_msg_init_buffer(&msg, "octets", 6) == 0);
    EXPECT("a copy of a buffer",
           zmq_msg_size(&msg) == 6 && memcmp(zmq_msg_data(&msg), "octets", 6) == 0);
    EXPECT("a routing id", zmq_msg_routing_id(&msg) == 0);
    FAILS("a routing id", zmq_msg_set_routing_id(&msg, 0), EINVAL);
    EXPECT("a routing id", zmq_msg_set_routing_id(&msg, 0xfedcba98) == 0);
    EXPECT("a group", strcmp(zmq_msg_group(&msg), "") == 0);
    EXPECT("a group",
           zmq_msg_set_group(&msg, "first") == 0 && zmq_msg_set_group(&msg, "second") == 0);
    EXPECT("a group", strcmp(zmq_msg_group(&msg), "second") == 0);
    char name[ZMQ_GROUP_MAX_LENGTH + 2];
    memset(name, 'g', sizeof name);
    name[ZMQ_GROUP_MAX_LENGTH + 1] = '\0';
    FAILS("a group that is too long", zmq_msg_set_group(&msg, name), EINVAL);
    EXPECT("a group that is too long", strcmp(zmq_msg_group(&msg), "second") == 0);
    name[ZMQ_GROUP_MAX_LENGTH] = '\0';
    EXPECT("the longest group", zmq_msg_set_group(&msg, name) == 0);
    EXPECT("a copy keeps them", zmq_msg_init(&copy) == 0 && zmq_msg_copy(&copy, &msg) == 0);
    EXPECT("a copy keeps them",
           zmq_msg_routing_id(&copy) == 0xfedcba98 && strcmp(zmq_msg_group(&copy), name) == 0);
    EXPECT("the two are apart",
           zmq_msg_set_group(&copy, "other") == 0 && strcmp(zmq_msg_group(&msg), name) == 0);
    EXPECT("a move takes them", zmq_msg_move(&copy, &msg) == 0);
    EXPECT("a move takes them",
           strcmp(zmq_msg_group(&copy), name) == 0 && *zmq_msg_group(&msg) == '\0');
    EXPECT("a move takes them", zmq_msg_routing_id(&msg) == 0);
    EXPECT("a move takes them", zmq_msg_close(&msg) == 0 && zmq_msg_close(&copy) == 0);
}

static void utilities(void)
{
    int major = 0, minor = 0, patch = 0;
    zmq_version(&major, &minor, &patch);
    EXPECT("the version",
           ZMQ_MAKE_VERSION(major, minor, patch) == ZMQ_VERSION && ZMQ_VERSION == 40305);
    zmq_version(NULL, NULL, NULL);
    EXPECT("a library of drafts", zmq_has("draft") == 1);
    EXPECT("what is here", zmq_has("ipc") == 1 && zmq_has("vsock") == 1);
    EXPECT("what is not",
           zmq_has("pgm") + zmq_has("tipc") + zmq_has("norm") + zmq_has("gssapi") + zmq_has(NULL) ==
               0);
    char text[8];
    uint8_t octets[8];
    IS_NULL("z85 of null", zmq_z85_encode(NULL, octets, 4), EFAULT);
    IS_NULL("z85 of null", zmq_z85_encode(text, NULL, 4), EFAULT);
    IS_NULL("z85 of null", zmq_z85_decode(NULL, "Hello"), EFAULT);
    IS_NULL("z85 of null", zmq_z85_decode(octets, NULL), EFAULT);
    if (zmq_has("curve")) {
        FAILS("keys of null", zmq_curve_keypair(NULL, text), EFAULT);
        FAILS("keys of null", zmq_curve_keypair(text, NULL), EFAULT);
        FAILS("keys of null", zmq_curve_public(NULL, text), EFAULT);
        FAILS("keys of null", zmq_curve_public(text, NULL), EFAULT);
        FAILS("no key", zmq_curve_public(text, "short"), EINVAL);
        FAILS("no key", zmq_curve_public(text, ""), EINVAL);
        FAILS("no key", zmq_curve_public(text, "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%c\""),
              EINVAL);
    } else {
        FAILS("keys without libsodium", zmq_curve_keypair(text, text), ENOTSUP);
        FAILS("keys without libsodium", zmq_curve_public(text, text), ENOTSUP);
    }
    FAILS("no counter", zmq_atomic_counter_inc(NULL), EFAULT);
    FAILS("no counter", zmq_atomic_counter_dec(NULL), EFAULT);
    FAILS("no counter", zmq_atomic_counter_value(NULL), EFAULT);
    zmq_atomic_counter_set(NULL, 1);
    zmq_atomic_counter_destroy(NULL);
    IS_NULL("no thread", zmq_threadstart(NULL, NULL), EFAULT);
    zmq_threadclose(NULL);
    EXPECT("no stopwatch", zmq_stopwatch_intermediate(NULL) == 0 && zmq_stopwatch_stop(NULL) == 0);
}

static void *timers;
static int calls;

static void destroy_them(int id, void *hint)
{
    (void)id;
    (void)hint;
    calls++;
    (void)zmq_timers_destroy(&timers);
}

static void run_them(int id, void *hint)
{
    (void)id;
    (void)hint;
    calls++;
    (void)zmq_timers_execute(timers);
}

static void slow_down(int id, void *hint)
{
    (void)hint;
    calls++;
    EXPECT("one that changes itself", zmq_timers_set_interval(timers, id, 100000) == 0);
}

// libzmq walks through freed memory then.
static void timers_that_change_themselves(void)
{
    timers = zmq_timers_new();
    calls = 0;
    (void)zmq_timers_add(timers, 0, slow_down, NULL);
    EXPECT("one that changes itself", zmq_timers_execute(timers) == 0 && calls == 1);
    EXPECT("one that changes itself", zmq_timers_timeout(timers) > 0);
    EXPECT("one that changes itself", zmq_timers_destroy(&timers) == 0);
    calls = 0;
}

static void no_timers(void)
{
    FAILS("no timers", zmq_timers_destroy(NULL), EFAULT);
    FAILS("no timers", zmq_timers_add(NULL, 1, tell, NULL), EFAULT);
    FAILS("no timers", zmq_timers_cancel(NULL, 1), EFAULT);
    FAILS("no timers", zmq_timers_set_interval(NULL, 1, 1), EFAULT);
    FAILS("no timers", zmq_timers_reset(NULL, 1), EFAULT);
    FAILS("no timers", zmq_timers_timeout(NULL), EFAULT);
    FAILS("no timers", zmq_timers_execute(NULL), EFAULT);
}

static void timers_of_no_time(void)
{
    timers = zmq_timers_new();
    EXPECT("one that is always due", zmq_timers_add(timers, 0, run_them, NULL) == 1);
    EXPECT("one that is always due", zmq_timers_execute(timers) == 0 && calls == 1);
    EXPECT("one that is always due", zmq_timers_execute(timers) == 0 && calls == 2);
    EXPECT("one that is never due", zmq_timers_add(timers, SIZE_MAX, tell, NULL) == 2);
    EXPECT("one that is never due",
           zmq_timers_cancel(timers, 1) == 0 && zmq_timers_timeout(timers) > 1L << 40);
    // libzmq takes away later what is cancelled, and says yes until then.
    FAILS("one that is cancelled", zmq_timers_reset(timers, 1), EINVAL);
    FAILS("one that is cancelled", zmq_timers_set_interval(timers, 1, 5), EINVAL);
    EXPECT("one that destroys them", zmq_timers_add(timers, 0, destroy_them, NULL) == 3);
    EXPECT("one that destroys them", zmq_timers_execute(timers) == 0 && calls == 3 && !timers);
    FAILS("destroyed", zmq_timers_destroy(&timers), EFAULT);
}

static void sent_and_received(void)
{
    const char *const name = "no message is sent or received";
    void *const context = zmq_ctx_new(), *const socket = zmq_socket(context, ZMQ_DEALER);
    zmq_msg_t none;
    memset(&none, 0, sizeof none);
    FAILS(name, zmq_msg_send(&none, socket, ZMQ_DONTWAIT), EFAULT);
    FAILS(name, zmq_sendmsg(socket, &none, ZMQ_DONTWAIT), EFAULT);
    FAILS(name, zmq_msg_recv(&none, socket, ZMQ_DONTWAIT), EFAULT);
    FAILS(name, zmq_recvmsg(socket, &none, ZMQ_DONTWAIT), EFAULT);
    EXPECT(name, zmq_close(socket) == 0 && zmq_ctx_term(context) == 0);
}

// libzmq's peer would be the one that is there first; here it is the one that is dialled, so the other is refused.
static void second_of_a_pair(void)
{
    const char *const name = "a PAIR with ZMQ_IMMEDIATE";
    void *const context = zmq_ctx_new(), *const pair = zmq_socket(context, ZMQ_PAIR);
    const int on = 1, off = 0;
    EXPECT(name, zmq_setsockopt(pair, ZMQ_IMMEDIATE, &on, sizeof on) == 0);
    EXPECT(name, zmq_connect(pair, "tcp://127.0.0.1:1") == 0);
    FAILS(name, zmq_connect(pair, "tcp://127.0.0.1:2"), EADDRINUSE);
    EXPECT(name, zmq_disconnect(pair, "tcp://127.0.0.1:1") == 0);
    EXPECT(name, zmq_connect(pair, "tcp://127.0.0.1:2") == 0);
    EXPECT(name, zmq_setsockopt(pair, ZMQ_IMMEDIATE, &off, sizeof off) == 0);
    EXPECT(name, zmq_connect(pair, "tcp://127.0.0.1:1") == 0); // and nothing comes of it
    EXPECT(name, zmq_close(pair) == 0 && zmq_ctx_term(context) == 0);
}

// Of a descriptor that does not listen, is of another kind or none at all a bind fails, and leaves it alone.
static void descriptors_that_do_not_listen(void)
{
    static const char name[] = "a bind of a descriptor that does not listen";
    static const struct {
        int family, type;
        const char *endpoint;
    } wrong[] = {{AF_INET, SOCK_STREAM, "tcp://127.0.0.1:*"},
                 {AF_UNIX, SOCK_STREAM, "tcp://127.0.0.1:*"},
                 {AF_INET, SOCK_DGRAM, "tcp://127.0.0.1:*"},
                 {AF_INET, SOCK_STREAM, "ipc://*"}};
    void *const context = zmq_ctx_new(), *const pull = zmq_socket(context, ZMQ_PULL);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        for (int closed = 0; closed < 2; closed++) {
            const int fd = socket(wrong[i].family, wrong[i].type, 0);
            if (closed) close(fd);
            EXPECT(name, zmq_setsockopt(pull, ZMQ_USE_FD, &fd, sizeof fd) == 0);
            FAILS(name, zmq_bind(pull, wrong[i].endpoint), EINVAL);
            if (!closed) EXPECT(name, close(fd) == 0);
        }
    const int none = -1;
    EXPECT(name, zmq_setsockopt(pull, ZMQ_USE_FD, &none, sizeof none) == 0);
    EXPECT(name, zmq_bind(pull, "tcp://127.0.0.1:*") == 0);
    EXPECT(name, zmq_close(pull) == 0 && zmq_ctx_term(context) == 0);
}

int main(void)
{
    zmq_msg_t none;
    memset(&none, 0, sizeof none);
    what_is_no_message(NULL, "a message of null");
    what_is_no_message(&none, "a message that was never made");
    memset(&none, 0xff, sizeof none);
    what_is_no_message(&none, "a message of noise");
    (void)zmq_msg_init_size(&none, 5000);
    (void)zmq_msg_close(&none);
    what_is_no_message(&none, "a message that is closed");
    null_messages();
    drafts_of_messages();
    utilities();
    no_timers();
    timers_that_change_themselves();
    timers_of_no_time();
    sent_and_received();
    second_of_a_pair();
    descriptors_that_do_not_listen();
    return expect_status;
}
