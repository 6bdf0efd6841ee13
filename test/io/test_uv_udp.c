// RADIO, DISH and DGRAM over udp on a real loop, among themselves and with plain sockets.
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/octets.h"
#include "test/support/world.h"

enum { DATAGRAM_ROOM = 65536 };

static struct sockaddr_in address_of(const char *endpoint)
{
    struct zmtp_endpoint parsed;
    assert_int_equal(zmtp_endpoint_parse(endpoint, &parsed, NULL), ZMTP_OK);
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)parsed.port),
                                .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static void plain_send(int fd, const char *endpoint, struct zmtp_bytes octets)
{
    const struct sockaddr_in to = address_of(endpoint);
    assert_int_equal(
        sendto(fd, octets.data, octets.size, 0, (const struct sockaddr *)&to, sizeof to),
        octets.size);
}

// The next datagram; the loop turns until it comes.
static struct zmtp_bytes plain_recv(struct world *world, int fd)
{
    static uint8_t room[DATAGRAM_ROOM];
    for (;;) {
        const ssize_t size = recv(fd, room, sizeof room, 0);
        if (size >= 0) return zmtp_bytes_of(room, (size_t)size);
        assert_int_equal(errno, EAGAIN);
        world_turn(world);
    }
}

static void dish_open(struct node *dish, struct world *world, const char *group)
{
    node_start(dish, world, ZMTP_DISH);
    assert_int_equal(zmtp_uv_subscribe(dish->socket, zmtp_bytes_text(group)), ZMTP_OK);
}

static uint64_t dropped(const struct node *node, enum zmtp_drop drop)
{
    return zmtp_uv_counters(node->socket).dropped[drop];
}

static void assert_words(struct node *node, int result, int error, const char *words)
{
    assert_string_equal(zmtp_err_name(result), zmtp_err_name(error));
    if (!strstr(zmtp_uv_error_text(node->socket), words))
        fail_msg("\"%s\" is not in: %s", words, zmtp_uv_error_text(node->socket));
}

static void note_one_row(void *context, const struct zmtp_uv_peer *peer)
{
    struct zmtp_uv_peer *row = context;
    assert_int_equal(row->number, 0);
    *row = *peer;
}

static struct zmtp_uv_peer row_of(const struct node *node)
{
    struct zmtp_uv_peer row = {.number = 0};
    zmtp_uv_each_peer(node->socket, note_one_row, &row);
    return row;
}

static void test_a_radio_is_heard_by_the_dishes_that_joined_its_group(void **state)
{
    (void)state;
    struct world world;
    struct node radio, one, two;
    world_open(&world);
    dish_open(&one, &world, "tv");
    dish_open(&two, &world, "radio");
    node_bind(&one, "udp://127.0.0.1:*");
    node_bind(&two, "udp://127.0.0.1:*");
    assert_string_equal(strrchr(zmtp_uv_endpoint(one.socket), '/'),
                        strrchr(row_of(&one).endpoint, '/'));
    node_start(&radio, &world, ZMTP_RADIO);
    node_connect(&radio, zmtp_uv_endpoint(one.socket));
    node_connect(&radio, zmtp_uv_endpoint(two.socket));
    assert_int_equal(zmtp_uv_wait_connected(radio.socket, 2, 5000), ZMTP_OK);
    assert_int_equal(zmtp_uv_wait_connected(one.socket, 1, 5000), ZMTP_OK);
    assert_int_equal(radio.events[ZMTP_EVENT_CONNECTED], 2);
    assert_int_equal(radio.events[ZMTP_EVENT_HANDSHAKE_DONE], 2);
    assert_int_equal(one.events[ZMTP_EVENT_LISTENING], 1);
    node_send(&radio, "tv|movie");
    node_send(&radio, "radio|song");
    WORLD_UNTIL(&world, one.received == 1 && two.received == 1 &&
                            dropped(&one, ZMTP_DROP_NO_MATCH) == 1 &&
                            dropped(&two, ZMTP_DROP_NO_MATCH) == 1);
    assert_string_equal(one.last, "tv|movie");
    assert_string_equal(two.last, "radio|song");

    const struct zmtp_socket_counters counters = zmtp_uv_counters(radio.socket);
    assert_int_equal(counters.sent, 2);
    assert_int_equal(counters.copies, 4);
    const struct zmtp_uv_peer row = row_of(&one);
    assert_true(row.connected && !row.dialled && row.state == ZMTP_PEER_TRAFFIC);
    assert_int_equal(row.counters.messages_in, 2);
    assert_int_equal(row.counters.bytes_in, 1 + 2 + 5 + 1 + 5 + 4);
    node_close(&radio);
    node_close(&one);
    node_close(&two);
    world_close(&world);
}

static void test_the_octets_are_those_of_libzmq(void **state)
{
    (void)state;
    struct world world;
    struct node radio, dish;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    const int plain = world_datagrams(endpoint);
    node_start(&radio, &world, ZMTP_RADIO);
    node_connect(&radio, endpoint);
    node_send(&radio, "tv|movie");
    octets_assert_equal(plain_recv(&world, plain), LITERAL("\x02tvmovie"));
    node_send(&radio, "|");
    octets_assert_equal(plain_recv(&world, plain), LITERAL("\0"));

    dish_open(&dish, &world, "tv");
    node_bind(&dish, "udp://127.0.0.1:*");
    plain_send(plain, zmtp_uv_endpoint(dish.socket), LITERAL("\x02tvnews"));
    WORLD_UNTIL(&world, dish.received == 1);
    assert_string_equal(dish.last, "tv|news");
    plain_send(plain, zmtp_uv_endpoint(dish.socket), LITERAL("\x02tv"));
    WORLD_UNTIL(&world, dish.received == 2);
    assert_string_equal(dish.last, "tv|");

    const struct zmtp_uv_peer row = row_of(&radio);
    assert_true(row.connected && row.dialled);
    assert_string_equal(row.remote, endpoint);
    assert_int_equal(row.counters.messages_out, 2);
    assert_int_equal(row.counters.bytes_out, 9);
    close(plain);
    node_close(&radio);
    node_close(&dish);
    world_close(&world);
}

static void test_every_datagram_is_received_or_dropped_for_a_reason_that_is_told(void **state)
{
    (void)state;
    enum { ROUNDS = 50, HWM = 20 };
    struct world world;
    struct node dish;
    char endpoint[ZMTP_ENDPOINT_MAX], text[4096];
    world_open(&world);
    const int plain = world_datagrams(endpoint);
    node_init(&dish, &world, ZMTP_DISH);
    dish.config.socket.recv_count_max = HWM;
    dish.config.socket.datagram_max = 16;
    node_open_pull(&dish);
    assert_int_equal(zmtp_uv_subscribe(dish.socket, LITERAL("tv")), ZMTP_OK);
    node_bind(&dish, "udp://127.0.0.1:*");
    for (int i = 0; i < ROUNDS; i++) {
        plain_send(plain, zmtp_uv_endpoint(dish.socket), LITERAL("\x02tvmovie"));
        plain_send(plain, zmtp_uv_endpoint(dish.socket), LITERAL("\x09tvmovie")); // no such group
        plain_send(plain, zmtp_uv_endpoint(dish.socket), LITERAL(""));
        plain_send(plain, zmtp_uv_endpoint(dish.socket), LITERAL("\x02tvlonger than 16"));
    }
    WORLD_UNTIL(&world, row_of(&dish).counters.bytes_in >= (uint64_t)(8 + 8 + 16) * ROUNDS);
    assert_int_equal(dropped(&dish, ZMTP_DROP_MALFORMED), 3 * ROUNDS);
    assert_int_equal(dropped(&dish, ZMTP_DROP_NO_ROOM), ROUNDS - HWM);
    assert_int_equal(row_of(&dish).depth.out_count, HWM);
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    for (int i = 0; i < HWM; i++) {
        assert_int_equal(zmtp_uv_recv(dish.socket, &msg), ZMTP_OK);
        zmtp_msg_fini(&msg);
    }
    assert_int_equal(zmtp_uv_recv(dish.socket, &msg), ZMTP_ERR_AGAIN);
    assert_int_equal(zmtp_uv_counters(dish.socket).received, HWM);
    WORLD_UNTIL(&world, dish.events[ZMTP_EVENT_DROPPED] >= 2);
    assert_in_range(zmtp_uv_stats_json(dish.socket, text, sizeof text), 1, sizeof text);
    assert_non_null(strstr(text, "\"malformed\":150"));
    assert_non_null(strstr(text, "\"no-room\":30"));
    assert_non_null(strstr(text, "\"state\":\"traffic\""));
    close(plain);
    node_close(&dish);
    world_close(&world);
}

static void test_the_longest_datagram_comes_and_a_longer_one_is_an_error(void **state)
{
    (void)state;
    enum { LONGEST = 65507 };
    static uint8_t body[LONGEST];
    memset(body, 'b', sizeof body);
    struct world world;
    struct node radio, dish;
    world_open(&world);
    node_init(&dish, &world, ZMTP_DISH);
    dish.config.socket.datagram_max = LONGEST;
    node_open(&dish);
    assert_int_equal(zmtp_uv_subscribe(dish.socket, LITERAL("tv")), ZMTP_OK);
    node_bind(&dish, "udp://127.0.0.1:*");
    node_init(&radio, &world, ZMTP_RADIO);
    radio.config.socket.datagram_max = LONGEST;
    node_open(&radio);
    node_connect(&radio, zmtp_uv_endpoint(dish.socket));
    const struct zmtp_bytes longest[] = {LITERAL("tv"), {body, LONGEST - 3}};
    assert_int_equal(zmtp_uv_send(radio.socket, longest, 2), ZMTP_OK);
    WORLD_UNTIL(&world, dish.received == 1);
    assert_int_equal(row_of(&dish).counters.bytes_in, LONGEST);
    const struct zmtp_bytes longer[] = {LITERAL("tv"), {body, LONGEST - 2}};
    assert_words(&radio, zmtp_uv_send(radio.socket, longer, 2), ZMTP_ERR_LIMIT, "datagram_max");
    node_close(&radio);
    node_close(&dish);
    world_close(&world);
}

static void send_back(struct node *node, struct zmtp_msg *msg)
{
    assert_int_equal(zmtp_uv_send_msg(node->socket, msg), ZMTP_OK);
}

static void test_a_bound_dgram_answers_whoever_sent(void **state)
{
    (void)state;
    struct world world;
    struct node dgram;
    char endpoint[ZMTP_ENDPOINT_MAX], expected[WORLD_TEXT];
    world_open(&world);
    const int plain = world_datagrams(endpoint);
    node_start(&dgram, &world, ZMTP_DGRAM);
    node_bind(&dgram, "udp://127.0.0.1:*");
    dgram.act = send_back;
    plain_send(plain, zmtp_uv_endpoint(dgram.socket), LITERAL("ping"));
    octets_assert_equal(plain_recv(&world, plain), LITERAL("ping"));
    assert_int_equal(dgram.received, 1);
    snprintf(expected, sizeof expected, "%s", endpoint + strlen("udp://"));
    assert_string_equal(dgram.last, expected); // with the zero octet that ends the address
    plain_send(plain, zmtp_uv_endpoint(dgram.socket), LITERAL(""));
    octets_assert_equal(plain_recv(&world, plain), LITERAL(""));

    // Where no IPv4 leads to is found out by the system.
    node_send(&dgram, "[::1]:9|lost");
    WORLD_UNTIL(&world, dropped(&dgram, ZMTP_DROP_UNSENT) == 1);
    const struct zmtp_socket_counters counters = zmtp_uv_counters(dgram.socket);
    const struct zmtp_uv_peer row = row_of(&dgram);
    assert_int_equal(counters.copies, counters.left + counters.queued + counters.lost);
    assert_int_equal(counters.left, row.counters.messages_out);
    assert_int_equal(counters.lost, 1);
    assert_int_equal(row.flow.copies, counters.copies);
    assert_int_equal(row.flow.lost, 1);
    assert_int_equal(counters.arrived, row.counters.messages_in);
    assert_words(&dgram, node_try(&dgram, "nowhere|x"), ZMTP_ERR_ARGUMENT, "127.0.0.1:5555");
    close(plain);
    node_close(&dgram);
    world_close(&world);
}

static void test_a_dialled_dgram_speaks_with_one_alone(void **state)
{
    (void)state;
    struct world world;
    struct node dgram;
    char endpoint[ZMTP_ENDPOINT_MAX], other[ZMTP_ENDPOINT_MAX];
    uint8_t room[64];
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    world_open(&world);
    const int plain = world_datagrams(endpoint), stranger = world_datagrams(other);
    node_start(&dgram, &world, ZMTP_DGRAM);
    node_connect(&dgram, endpoint);
    node_send(&dgram, "|hello");
    node_send(&dgram, "|again");
    while (recvfrom(plain, room, sizeof room, 0, (struct sockaddr *)&from, &size) < 0)
        world_turn(&world);
    assert_int_equal(node_try(&dgram, other + strlen("udp://")), ZMTP_ERR_ARGUMENT);
    assert_words(&dgram, node_try(&dgram, "127.0.0.1:9|x"), ZMTP_ERR_UNREACHABLE, "dialled");
    assert_int_equal(sendto(stranger, "x", 1, 0, (struct sockaddr *)&from, size), 1);
    assert_int_equal(sendto(plain, "answer", 6, 0, (struct sockaddr *)&from, size), 6);
    WORLD_UNTIL(&world, dgram.received == 1);
    assert_int_equal(row_of(&dgram).counters.bytes_in, 6);

    // That nobody is there any more is no end of it: datagrams leave, and nothing comes.
    close(plain);
    for (int i = 0; i < 4; i++) {
        node_send(&dgram, "|anybody?");
        world_rest(&world, 5);
    }
    const struct zmtp_socket_counters counters = zmtp_uv_counters(dgram.socket);
    assert_int_equal(counters.copies, row_of(&dgram).counters.messages_out);
    close(stranger);
    node_close(&dgram);
    world_close(&world);
}

static void test_a_name_is_looked_up_and_what_waits_goes_there(void **state)
{
    (void)state;
    struct world world;
    struct node dgram, radio;
    char endpoint[ZMTP_ENDPOINT_MAX], name[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    const int plain = world_datagrams(endpoint);
    snprintf(name, sizeof name, "udp://localhost%s", strrchr(endpoint, ':'));
    node_init(&dgram, &world, ZMTP_DGRAM);
    dgram.config.transport.families = ZMTP_FAMILIES_IPV4;
    node_open(&dgram);
    node_connect(&dgram, name);
    node_send(&dgram, "|early");
    octets_assert_equal(plain_recv(&world, plain), LITERAL("early"));
    assert_int_equal(dgram.events[ZMTP_EVENT_HANDSHAKE_DONE], 1);

    node_init(&radio, &world, ZMTP_RADIO);
    radio.config.transport.families = ZMTP_FAMILIES_IPV4;
    node_open(&radio);
    node_connect(&radio, name);
    assert_int_equal(zmtp_uv_wait_connected(radio.socket, 1, 10000), ZMTP_OK);
    node_send(&radio, "tv|movie");
    octets_assert_equal(plain_recv(&world, plain), LITERAL("\x02tvmovie"));

    // A name of nobody is asked for again, and the socket can close meanwhile.
    node_connect(&radio, "udp://name.invalid:5");
    WORLD_UNTIL(&world, radio.events[ZMTP_EVENT_RETRY] >= 1);
    assert_int_equal(radio.errors[ZMTP_EVENT_DIAL_FAILED], ZMTP_ERR_NOT_FOUND);
    close(plain);
    node_close(&dgram);
    node_close(&radio);
    world_close(&world);
}

static void test_an_unbound_endpoint_is_free_and_what_came_is_received(void **state)
{
    (void)state;
    struct world world;
    struct node dish, second;
    char endpoint[ZMTP_ENDPOINT_MAX], plain_endpoint[ZMTP_ENDPOINT_MAX];
    struct zmtp_msg msg;
    world_open(&world);
    const int plain = world_datagrams(plain_endpoint);
    node_init(&dish, &world, ZMTP_DISH);
    node_open_pull(&dish);
    assert_int_equal(zmtp_uv_subscribe(dish.socket, LITERAL("tv")), ZMTP_OK);
    node_bind(&dish, "udp://127.0.0.1:*");
    strcpy(endpoint, zmtp_uv_endpoint(dish.socket));
    dish_open(&second, &world, "tv");
    assert_words(&second, zmtp_uv_bind(second.socket, endpoint), ZMTP_ERR_IN_USE, "another port");
    plain_send(plain, endpoint, LITERAL("\x02tvnews"));
    WORLD_UNTIL(&world, row_of(&dish).counters.messages_in == 1);
    assert_int_equal(zmtp_uv_unbind(dish.socket, endpoint), ZMTP_OK);
    assert_int_equal(zmtp_uv_unbind(dish.socket, endpoint), ZMTP_ERR_NOT_FOUND);
    node_bind(&second, endpoint);
    WORLD_UNTIL(&world, dish.events[ZMTP_EVENT_STOPPED] == 1);
    zmtp_msg_init(&msg, NULL);
    assert_int_equal(zmtp_uv_recv(dish.socket, &msg), ZMTP_OK);
    zmtp_msg_fini(&msg);
    plain_send(plain, endpoint, LITERAL("\x02tvlater"));
    WORLD_UNTIL(&world, second.received == 1);
    close(plain);
    node_close(&dish);
    node_close(&second);
    world_close(&world);
}

static void test_what_was_sent_before_a_disconnect_or_the_end_still_leaves(void **state)
{
    (void)state;
    struct world world;
    struct node radio;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    const int plain = world_datagrams(endpoint);
    node_start(&radio, &world, ZMTP_RADIO);
    node_connect(&radio, endpoint);
    node_send(&radio, "tv|1");
    assert_int_equal(zmtp_uv_disconnect(radio.socket, endpoint), ZMTP_OK);
    assert_int_equal(zmtp_uv_disconnect(radio.socket, endpoint), ZMTP_ERR_NOT_FOUND);
    octets_assert_equal(plain_recv(&world, plain), LITERAL("\x02tv1"));
    node_connect(&radio, endpoint);
    WORLD_UNTIL(&world, radio.events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
    node_send(&radio, "tv|2");
    node_close(&radio);
    octets_assert_equal(plain_recv(&world, plain), LITERAL("\x02tv2"));
    close(plain);
    world_close(&world);
}

static void test_what_cannot_be_over_udp_is_refused_in_words(void **state)
{
    (void)state;
    struct world world;
    struct node pub, radio, dish, dgram, secret;
    world_open(&world);
    node_start(&pub, &world, ZMTP_PUB);
    node_start(&radio, &world, ZMTP_RADIO);
    node_start(&dish, &world, ZMTP_DISH);
    node_start(&dgram, &world, ZMTP_DGRAM);
    assert_words(&pub, zmtp_uv_bind(pub.socket, "udp://127.0.0.1:*"), ZMTP_ERR_UNSUPPORTED, "PUB");
    assert_words(&radio, zmtp_uv_bind(radio.socket, "udp://127.0.0.1:*"), ZMTP_ERR_UNSUPPORTED,
                 "RADIO connects");
    assert_words(&dish, zmtp_uv_connect(dish.socket, "udp://127.0.0.1:9"), ZMTP_ERR_UNSUPPORTED,
                 "DISH binds");
    assert_words(&dgram, zmtp_uv_bind(dgram.socket, "tcp://127.0.0.1:*"), ZMTP_ERR_UNSUPPORTED,
                 "for udp");
    assert_words(&dgram, zmtp_uv_connect(dgram.socket, "inproc://x"), ZMTP_ERR_UNSUPPORTED,
                 "for udp");
    assert_words(&radio, zmtp_uv_connect(radio.socket, "udp://127.0.0.1:*"), ZMTP_ERR_ENDPOINT,
                 "port");
    assert_words(&radio, zmtp_uv_connect(radio.socket, "udp://*:5"), ZMTP_ERR_ENDPOINT, "host");
    assert_words(&dish, zmtp_uv_bind(dish.socket, "udp://lo;127.0.0.1:*"), ZMTP_ERR_ENDPOINT,
                 "group");
    assert_words(&dish, zmtp_uv_bind(dish.socket, "udp://no-such-if;239.1.2.3:*"), ZMTP_ERR_ACCESS,
                 "allow_public_null");
    assert_words(&radio, zmtp_uv_connect(radio.socket, "udp://no-such-if;239.1.2.3:9"),
                 ZMTP_ERR_SYSTEM, "dialled");
    // Who takes what the network sends has to say so, whether it is sent to one or to a group.
    assert_words(&dish, zmtp_uv_bind(dish.socket, "udp://*:*"), ZMTP_ERR_ACCESS,
                 "allow_public_null");
    assert_words(&dish, zmtp_uv_bind(dish.socket, "udp://239.1.2.3:*"), ZMTP_ERR_ACCESS, "lo;239");
    node_bind(&dgram, "udp://127.0.0.1:*");
    assert_words(&dgram, zmtp_uv_bind(dgram.socket, "udp://127.0.0.1:*"), ZMTP_ERR_IN_USE,
                 "one endpoint");
    node_init(&secret, &world, ZMTP_DISH);
    zmtp_uv_config_plain_client(&secret.config, "user", "password");
    node_open(&secret);
    assert_words(&secret, zmtp_uv_bind(secret.socket, "udp://127.0.0.1:*"), ZMTP_ERR_UNSUPPORTED,
                 "mechanism");
    node_close(&pub);
    node_close(&radio);
    node_close(&dish);
    node_close(&dgram);
    node_close(&secret);
    world_close(&world);
}

static void test_all_addresses_can_be_bound_when_that_is_meant(void **state)
{
    (void)state;
    struct world world;
    struct node dgram;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    const int plain = world_datagrams(endpoint);
    node_init(&dgram, &world, ZMTP_DGRAM);
    dgram.config.allow_public_null = true;
    node_open(&dgram);
    dgram.act = send_back;
    node_bind(&dgram, "udp://*:*");
    assert_int_equal(strncmp(zmtp_uv_endpoint(dgram.socket), "udp://0.0.0.0:", 14), 0);
    // It is a socket of IPv6 where there is that, and shows an IPv4 sender as what he is.
    plain_send(plain, zmtp_uv_endpoint(dgram.socket), LITERAL("four"));
    octets_assert_equal(plain_recv(&world, plain), LITERAL("four"));
    assert_string_equal(dgram.last, endpoint + strlen("udp://"));
    close(plain);
    node_close(&dgram);
    world_close(&world);
}

// Does this system let a group be joined and heard through the loopback interface?
static bool has_groups(void)
{
    struct sockaddr_in group = {.sin_family = AF_INET, .sin_addr = {inet_addr("239.255.77.66")}};
    const struct in_addr local = {htonl(INADDR_LOOPBACK)};
    const struct ip_mreq join = {group.sin_addr, local};
    socklen_t size = sizeof group;
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const bool works = bind(fd, (struct sockaddr *)&group, sizeof group) == 0 &&
                       getsockname(fd, (struct sockaddr *)&group, &size) == 0 &&
                       setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof join) == 0 &&
                       setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &local, sizeof local) == 0 &&
                       sendto(fd, "x", 1, 0, (struct sockaddr *)&group, sizeof group) == 1 &&
                       recv(fd, &size, 1, MSG_DONTWAIT) == 1;
    close(fd);
    return works;
}

// How many of this process's descriptors send so far to groups, and to its own sockets or not.
static int descriptors_with(int hops, int loop)
{
    int count = 0;
    for (int fd = 0; fd < 64; fd++) {
        int has_hops = -1, has_loop = -1;
        socklen_t size = sizeof has_hops;
        (void)getsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &has_hops, &size);
        size = sizeof has_loop;
        (void)getsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &has_loop, &size);
        count += has_hops == hops && has_loop == loop;
    }
    return count;
}

static void test_a_group_is_heard_by_all_who_joined_it_through_an_interface(void **state)
{
    (void)state;
    if (!has_groups()) skip();
    static const char *const interfaces[] = {"lo", "127.0.0.1"};
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct node radio, one, two;
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        dish_open(&one, &world, "tv");
        dish_open(&two, &world, "tv");
        snprintf(endpoint, sizeof endpoint, "udp://%s;239.255.77.67:*", interfaces[i]);
        node_bind(&one, endpoint);
        snprintf(endpoint, sizeof endpoint, "udp://%s;239.255.77.67%s", interfaces[i],
                 strrchr(zmtp_uv_endpoint(one.socket), ':'));
        node_bind(&two, endpoint);
        node_init(&radio, &world, ZMTP_RADIO);
        radio.config.transport.multicast_hops = 7;
        radio.config.transport.multicast_loop = false; // lo brings it back all the same
        node_open(&radio);
        node_connect(&radio, endpoint);
        assert_int_equal(descriptors_with(7, 0), 1);
        node_send(&radio, "tv|for all");
        WORLD_UNTIL(&world, one.received > 0 && two.received > 0);
        assert_string_equal(one.last, "tv|for all");
        assert_string_equal(two.last, "tv|for all");
        assert_int_equal(one.received + two.received, 2);
        assert_int_equal(zmtp_uv_unbind(two.socket, endpoint), ZMTP_OK);
        node_close(&radio);
        node_close(&one);
        node_close(&two);
        world_close(&world);
    }
}

// Has the loopback interface a way to groups of IPv6? Most often it has none.
static bool has_groups_of_ipv6(void)
{
    struct sockaddr_in6 group = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
    const int lo = (int)if_nametoindex("lo"), fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET6, "ff02::7766", &group.sin6_addr);
    const bool works = setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &lo, sizeof lo) == 0 &&
                       sendto(fd, "x", 1, 0, (const struct sockaddr *)&group, sizeof group) == 1;
    close(fd);
    return works;
}

static void note_listening(struct node *node, const struct zmtp_event *event)
{
    if (event->kind == ZMTP_EVENT_LISTENING)
        snprintf(node->other, ZMTP_ENDPOINT_MAX, "%s", event->endpoint);
}

static void test_the_endpoint_of_a_group_tells_its_interface(void **state)
{
    (void)state;
    struct world world;
    struct node radio, dish;
    char told[ZMTP_ENDPOINT_MAX] = "";
    world_open(&world);
    dish_open(&dish, &world, "tv");
    dish.note = note_listening;
    dish.other = told;
    node_bind(&dish, "udp://lo;239.1.2.3:*");
    WORLD_UNTIL(&world, dish.events[ZMTP_EVENT_LISTENING]);
    assert_int_equal(strncmp(told, "udp://lo;239.1.2.3:", 19), 0);
    assert_string_equal(told, zmtp_uv_endpoint(dish.socket));
    assert_null(strchr(told, '*'));
    // It is what others dial, and what the bind is ended by.
    node_start(&radio, &world, ZMTP_RADIO);
    node_connect(&radio, told);
    assert_int_equal(zmtp_uv_unbind(dish.socket, told), ZMTP_OK);
    node_close(&radio);
    node_close(&dish);
    world_close(&world);
}

static void test_a_group_of_ipv6_is_heard_on_its_link(void **state)
{
    (void)state;
    struct world world;
    struct node radio, dish;
    if (!has_groups_of_ipv6()) skip();
    world_open(&world);
    dish_open(&dish, &world, "tv");
    node_bind(&dish, "udp://lo;[ff02::7766]:*");
    node_start(&radio, &world, ZMTP_RADIO);
    node_connect(&radio, zmtp_uv_endpoint(dish.socket));
    node_send(&radio, "tv|for all");
    WORLD_UNTIL(&world, dish.received == 1);
    node_close(&radio);
    node_close(&dish);
    world_close(&world);
}

// Has this machine a link that groups of IPv6 are sent through when none is named?
static bool has_usual_link(void)
{
    struct sockaddr_in6 group = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
    const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ipv6_mreq request = {.ipv6mr_interface = 0};
    inet_pton(AF_INET6, "ff02::7767", &group.sin6_addr);
    request.ipv6mr_multiaddr = group.sin6_addr;
    const bool works =
        setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof request) == 0 &&
        sendto(fd, "x", 1, 0, (const struct sockaddr *)&group, sizeof group) == 1;
    close(fd);
    return works;
}

static void test_a_group_of_the_link_that_names_no_link_is_heard_on_the_usual_one(void **state)
{
    (void)state;
    struct world world;
    struct node radio, dish;
    char endpoint[ZMTP_ENDPOINT_MAX];
    if (!has_usual_link()) skip();
    world_open(&world);
    node_init(&dish, &world, ZMTP_DISH);
    dish.config.allow_public_null = true;
    node_open(&dish);
    assert_int_equal(zmtp_uv_subscribe(dish.socket, zmtp_bytes_text("tv")), ZMTP_OK);
    node_bind(&dish, "udp://[ff02::7767]:*");
    node_start(&radio, &world, ZMTP_RADIO);
    // As another machine would dial it, which has other interfaces.
    snprintf(endpoint, sizeof endpoint, "udp://[ff02::7767]%s",
             strrchr(zmtp_uv_endpoint(dish.socket), ':'));
    node_connect(&radio, endpoint);
    node_send(&radio, "tv|for all");
    WORLD_UNTIL(&world, dish.received == 1);
    node_close(&radio);
    node_close(&dish);
    world_close(&world);
}

static void test_ipv6_is_spoken_too(void **state)
{
    (void)state;
    struct world world;
    struct node one, two;
    world_open(&world);
    node_start(&one, &world, ZMTP_DGRAM);
    if (zmtp_uv_bind(one.socket, "udp://[::1]:*") < 0) {
        node_close(&one);
        world_close(&world);
        skip();
    }
    one.act = send_back;
    node_start(&two, &world, ZMTP_DGRAM);
    node_connect(&two, zmtp_uv_endpoint(one.socket));
    node_send(&two, "|six");
    WORLD_UNTIL(&world, two.received == 1);
    assert_int_equal(strncmp(two.last, "[::1]:", 6), 0);
    node_close(&one);
    node_close(&two);
    world_close(&world);
}

static void test_every_lack_of_memory_is_borne(void **state)
{
    (void)state;
    static const enum zmtp_socket_type types[] = {ZMTP_RADIO, ZMTP_DISH, ZMTP_DGRAM, ZMTP_DGRAM};
    for (size_t i = 0; i < 4; i++) {
        int result = ZMTP_ERR_MEMORY;
        for (uint64_t n = 1; result != ZMTP_OK; n++) {
            struct world world;
            struct node node;
            world_open(&world);
            node_start(&node, &world, types[i]);
            world.budget.fail_at = world.budget.calls + n;
            world.budget.fail_on = true;
            result = i % 2 == 0 ? zmtp_uv_connect(node.socket, "udp://127.0.0.1:9")
                                : zmtp_uv_bind(node.socket, "udp://127.0.0.1:*");
            world.budget.fail_at = 0;
            assert_true(result == ZMTP_OK || result == ZMTP_ERR_MEMORY);
            if (result < 0) assert_true(zmtp_uv_error_text(node.socket)[0] != '\0');
            node_close(&node);
            world_close(&world);
        }
    }
}

static void test_a_datagram_for_which_there_is_no_memory_is_counted(void **state)
{
    (void)state;
    struct world world;
    struct node dish;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    const int plain = world_datagrams(endpoint);
    dish_open(&dish, &world, "tv");
    node_bind(&dish, "udp://127.0.0.1:*");
    world_turn(&world);
    world.budget.fail_at = world.budget.calls + 1;
    world.budget.fail_on = true;
    plain_send(plain, zmtp_uv_endpoint(dish.socket), LITERAL("\x02tvlost"));
    WORLD_UNTIL(&world, dropped(&dish, ZMTP_DROP_NO_ROOM) == 1);
    world.budget.fail_at = 0;
    plain_send(plain, zmtp_uv_endpoint(dish.socket), LITERAL("\x02tvnews"));
    WORLD_UNTIL(&world, dish.received == 1);
    assert_string_equal(dish.last, "tv|news");
    close(plain);
    node_close(&dish);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_radio_is_heard_by_the_dishes_that_joined_its_group),
        cmocka_unit_test(test_the_octets_are_those_of_libzmq),
        cmocka_unit_test(test_every_datagram_is_received_or_dropped_for_a_reason_that_is_told),
        cmocka_unit_test(test_the_longest_datagram_comes_and_a_longer_one_is_an_error),
        cmocka_unit_test(test_a_bound_dgram_answers_whoever_sent),
        cmocka_unit_test(test_a_dialled_dgram_speaks_with_one_alone),
        cmocka_unit_test(test_a_name_is_looked_up_and_what_waits_goes_there),
        cmocka_unit_test(test_an_unbound_endpoint_is_free_and_what_came_is_received),
        cmocka_unit_test(test_what_was_sent_before_a_disconnect_or_the_end_still_leaves),
        cmocka_unit_test(test_what_cannot_be_over_udp_is_refused_in_words),
        cmocka_unit_test(test_all_addresses_can_be_bound_when_that_is_meant),
        cmocka_unit_test(test_a_group_is_heard_by_all_who_joined_it_through_an_interface),
        cmocka_unit_test(test_the_endpoint_of_a_group_tells_its_interface),
        cmocka_unit_test(test_a_group_of_ipv6_is_heard_on_its_link),
        cmocka_unit_test(test_a_group_of_the_link_that_names_no_link_is_heard_on_the_usual_one),
        cmocka_unit_test(test_ipv6_is_spoken_too),
        cmocka_unit_test(test_every_lack_of_memory_is_borne),
        cmocka_unit_test(test_a_datagram_for_which_there_is_no_memory_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
