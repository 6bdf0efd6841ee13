// Names: asked for again at each dial, all their addresses tried, and name servers that fail, are slow or
// never answer hold up nothing. The system's getaddrinfo is replaced by one that knows the names below.
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "test/support/stranger.h"

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool silent;            // names that end in .silent are not answered
    unsigned failures;      // to come before flaky.test is known
    unsigned asked;         // questions that were no addresses
    unsigned waiting, most; // now, and at most
} names = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

typedef int lookup(const char *host, const char *port, const struct addrinfo *hints,
                   struct addrinfo **out);

static int known(const char *address, const char *port, struct addrinfo **out)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    lookup *real;
    void *const found = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&real, &found, sizeof real);
    return real(address, port, &hints, out);
}

static void wait_in_silence(void)
{
    names.waiting++;
    if (names.waiting > names.most) names.most = names.waiting;
    while (names.silent)
        pthread_cond_wait(&names.changed, &names.mutex);
    names.waiting--;
}

static int answer(const char *host, const char *port, struct addrinfo **out)
{
    const char *dot = strrchr(host, '.');
    if (dot && strcmp(dot, ".silent") == 0) {
        wait_in_silence();
        return known("127.0.0.1", port, out);
    }
    if (strcmp(host, "flaky.test") == 0) {
        if (names.failures == 0) return known("127.0.0.1", port, out);
        names.failures--;
        return EAI_AGAIN;
    }
    if (strcmp(host, "moves.test") == 0)
        return known(names.asked % 2 ? "127.0.0.3" : "127.0.0.1", port, out);
    if (strcmp(host, "three.test") != 0) return EAI_NONAME;
    const int status = known("127.0.0.3", port, out);
    if (status != 0 || known("::1", port, &(*out)->ai_next) != 0) return status;
    return known("127.0.0.1", port, &(*out)->ai_next->ai_next);
}

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                struct addrinfo **out)
{
    if (hints && hints->ai_flags & AI_NUMERICHOST) {
        lookup *real;
        void *const found = dlsym(RTLD_NEXT, "getaddrinfo");
        memcpy(&real, &found, sizeof real);
        return real(host, port, hints, out);
    }
    pthread_mutex_lock(&names.mutex);
    names.asked++;
    const int status = answer(host, port, out);
    pthread_mutex_unlock(&names.mutex);
    return status;
}

static unsigned names_asked(void)
{
    pthread_mutex_lock(&names.mutex);
    const unsigned asked = names.asked;
    pthread_mutex_unlock(&names.mutex);
    return asked;
}

static void names_reset(bool silent, unsigned failures)
{
    pthread_mutex_lock(&names.mutex);
    names.silent = silent;
    names.failures = failures;
    names.asked = names.most = 0;
    pthread_cond_broadcast(&names.changed);
    pthread_mutex_unlock(&names.mutex);
}

// Ends the silence, and waits until its last thread has noticed.
static void names_speak(void)
{
    names_reset(false, 0);
    for (bool over = false; !over;) {
        pthread_mutex_lock(&names.mutex);
        over = names.waiting == 0;
        pthread_mutex_unlock(&names.mutex);
    }
}

// "tcp://HOST" and the port that |node| is bound to.
static const char *at_port_of(const struct node *node, const char *host)
{
    static char endpoint[ZMTP_ENDPOINT_MAX];
    snprintf(endpoint, sizeof endpoint, "tcp://%s%s", host,
             strrchr(zmtp_uv_endpoint(node->socket), ':'));
    return endpoint;
}

// A bound socket, and one with a little patience for names.
static void two_nodes(struct world *world, struct node *a, struct node *b)
{
    world_open(world);
    node_start(a, world, ZMTP_DEALER);
    node_bind(a, "tcp://127.0.0.1:*");
    node_init(b, world, ZMTP_DEALER);
    b->config.transport.resolve_ms = 30;
    node_open(b);
}

static void test_every_address_of_a_name_is_tried(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    names_reset(false, 0);
    two_nodes(&world, &a, &b);
    node_connect(&b, at_port_of(&a, "three.test"));
    node_send(&b, "found");
    WORLD_UNTIL(&world, a.received == 1);
    assert_int_equal(b.events[ZMTP_EVENT_CONNECTING], 3);
    assert_int_equal(b.events[ZMTP_EVENT_DIAL_FAILED], 0);
    assert_int_equal(names_asked(), 1);
    world_close(&world);
}

static void test_a_name_is_asked_for_again_at_each_dial(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    names_reset(false, 0);
    two_nodes(&world, &a, &b);
    node_connect(&b, at_port_of(&a, "moves.test"));
    node_send(&b, "found where it moved to");
    WORLD_UNTIL(&world, a.received == 1);
    assert_int_equal(b.events[ZMTP_EVENT_DIAL_FAILED], 1);
    assert_int_equal(names_asked(), 2);
    world_close(&world);
}

static void test_name_servers_may_fail_for_a_while(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    names_reset(false, 5);
    two_nodes(&world, &a, &b);
    node_connect(&b, at_port_of(&a, "flaky.test"));
    node_send(&b, "found at last");
    WORLD_UNTIL(&world, a.received == 1);
    assert_int_equal(b.events[ZMTP_EVENT_DIAL_FAILED], 5);
    assert_int_equal(b.errors[ZMTP_EVENT_DIAL_FAILED], ZMTP_ERR_NOT_FOUND);
    assert_string_equal(b.reasons[ZMTP_EVENT_DIAL_FAILED], gai_strerror(EAI_AGAIN));
    world_close(&world);
}

static void test_silent_name_servers_are_told_and_hold_up_no_other_dial(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    names_reset(true, 0);
    two_nodes(&world, &a, &b);
    node_connect(&b, at_port_of(&a, "a.silent"));
    WORLD_UNTIL(&world, b.events[ZMTP_EVENT_RETRY] == 3);
    assert_int_equal(b.errors[ZMTP_EVENT_DIAL_FAILED], ZMTP_ERR_NOT_FOUND);
    assert_non_null(strstr(b.reasons[ZMTP_EVENT_DIAL_FAILED], "did not answer"));
    // The same question, which is still open, is not put again; others are.
    assert_int_equal(names_asked(), 1);
    node_connect(&b, at_port_of(&a, "three.test"));
    WORLD_UNTIL(&world, a.events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
    // What comes late is used.
    names_speak();
    WORLD_UNTIL(&world, a.events[ZMTP_EVENT_HANDSHAKE_DONE] == 2);
    world_close(&world);
}

static void test_silent_name_servers_hold_up_neither_disconnect_nor_close(void **state)
{
    (void)state;
    struct world world;
    struct node a, b, c;
    names_reset(true, 0);
    two_nodes(&world, &a, &b);
    node_start(&c, &world, ZMTP_DEALER);
    const char *endpoint = at_port_of(&a, "a.silent");
    node_connect(&b, endpoint);
    node_connect(&c, endpoint);
    WORLD_UNTIL(&world, names_asked() == 2);
    assert_int_equal(zmtp_uv_disconnect(b.socket, endpoint), ZMTP_OK);
    node_close(&b);
    world_close(&world); // with |c| asking
    // Its engine and loop are gone; what the threads come back with is freed by them.
    names_speak();
}

static void test_a_crowd_of_silent_names_stands_in_line(void **state)
{
    (void)state;
    enum { CROWD = 40, THREADS = 16 };
    struct world world;
    struct node a, b;
    names_reset(true, 0);
    two_nodes(&world, &a, &b);
    for (int i = 0; i < CROWD; i++) {
        char host[32];
        snprintf(host, sizeof host, "n%d.silent", i);
        node_connect(&b, at_port_of(&a, host));
    }
    WORLD_UNTIL(&world, b.events[ZMTP_EVENT_RETRY] >= 2 * CROWD);
    assert_int_equal(names_asked(), THREADS);
    assert_int_equal(names.most, THREADS);
    // One in the line, and one with a thread, are given up; the rest gets its answers.
    assert_int_equal(zmtp_uv_disconnect(b.socket, at_port_of(&a, "n0.silent")), ZMTP_OK);
    assert_int_equal(zmtp_uv_disconnect(b.socket, at_port_of(&a, "n39.silent")), ZMTP_OK);
    names_speak();
    WORLD_UNTIL(&world, a.events[ZMTP_EVENT_HANDSHAKE_DONE] == CROWD - 2);
    world_close(&world);
}

static void test_a_name_that_nobody_knows_is_told(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    names_reset(false, 0);
    two_nodes(&world, &a, &b);
    node_connect(&b, "tcp://nobody.test:1");
    WORLD_UNTIL(&world, b.events[ZMTP_EVENT_RETRY]);
    assert_string_equal(b.reasons[ZMTP_EVENT_DIAL_FAILED], gai_strerror(EAI_NONAME));
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_address_of_a_name_is_tried),
        cmocka_unit_test(test_a_name_is_asked_for_again_at_each_dial),
        cmocka_unit_test(test_name_servers_may_fail_for_a_while),
        cmocka_unit_test(test_silent_name_servers_are_told_and_hold_up_no_other_dial),
        cmocka_unit_test(test_silent_name_servers_hold_up_neither_disconnect_nor_close),
        cmocka_unit_test(test_a_crowd_of_silent_names_stands_in_line),
        cmocka_unit_test(test_a_name_that_nobody_knows_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
