// Sockets with PLAIN and CURVE on a real loop: lists of allowed keys, verdicts now and later,
// certificates on the disk.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/support/hoard.h"
#include "test/support/rig.h"
#include "test/support/world.h"

static struct zmtp_key_pair server_keys, client_keys, stranger_keys;

static int make_keys(void **state)
{
    (void)state;
    zmtp_key_generate(&server_keys, zmtp_sodium());
    zmtp_key_generate(&client_keys, zmtp_sodium());
    zmtp_key_generate(&stranger_keys, zmtp_sodium());
    return 0;
}

// A server with keys at a fresh endpoint, which lets in whom |allow| names.
static void open_server(struct node *server, struct world *world, struct zmtp_allow allow,
                        char endpoint[ZMTP_ENDPOINT_MAX])
{
    world_endpoint(world, ZMTP_IPC, endpoint);
    node_init(server, world, ZMTP_PULL);
    zmtp_uv_config_curve_server(&server->config, &server_keys, allow);
    node_open(server);
    node_bind(server, endpoint);
}

static void open_client(struct node *client, struct world *world, const struct zmtp_key_pair *keys,
                        const char *endpoint)
{
    node_init(client, world, ZMTP_PUSH);
    zmtp_uv_config_curve_client(&client->config, keys, &server_keys.public_key);
    client->config.reconnect_max_ms = 100;
    node_open(client);
    node_connect(client, endpoint);
}

static void assert_let_in(struct world *world, struct node *server,
                          const struct zmtp_key_pair *keys, const char *endpoint)
{
    struct node client;
    const size_t before = server->received;
    open_client(&client, world, keys, endpoint);
    node_send(&client, "hello");
    WORLD_UNTIL(world, server->received > before);
    node_close(&client);
}

static void assert_turned_away(struct world *world, const char *endpoint)
{
    struct node client;
    open_client(&client, world, &stranger_keys, endpoint);
    WORLD_UNTIL(world, client.events[ZMTP_EVENT_GAVE_UP] == 1);
    assert_int_equal(client.errors[ZMTP_EVENT_GAVE_UP], ZMTP_ERR_PEER);
    assert_non_null(
        strstr(client.reasons[ZMTP_EVENT_HANDSHAKE_FAILED], "denied by authoriser: 400"));
    assert_int_equal(client.events[ZMTP_EVENT_HANDSHAKE_DONE], 0);
    node_close(&client);
}

static void write_text(const char *path, const char *text)
{
    FILE *const file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_any_key_may_come_in_where_that_is_said(void **state)
{
    (void)state;
    struct world world;
    struct node server;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    open_server(&server, &world, (struct zmtp_allow){.kind = ZMTP_ALLOW_ANY}, endpoint);
    assert_let_in(&world, &server, &stranger_keys, endpoint);
    assert_let_in(&world, &server, NULL, endpoint); // a key made for the occasion
    world_close(&world);
}

static void test_a_list_of_keys_lets_in_those_and_nobody_else(void **state)
{
    (void)state;
    struct world world;
    struct node server;
    char endpoint[ZMTP_ENDPOINT_MAX];
    const struct zmtp_key keys[] = {server_keys.public_key, client_keys.public_key};
    world_open(&world);
    open_server(&server, &world,
                (struct zmtp_allow){.kind = ZMTP_ALLOW_KEYS, .keys = keys, .count = 2}, endpoint);
    assert_let_in(&world, &server, &client_keys, endpoint);
    assert_turned_away(&world, endpoint);
    assert_int_equal(server.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_DENIED);
    world_close(&world);
}

static void test_a_list_in_a_file_is_read_again_when_it_has_changed(void **state)
{
    (void)state;
    struct world world;
    struct node server;
    char endpoint[ZMTP_ENDPOINT_MAX], path[128], text[256], key[ZMTP_KEY_TEXT_SIZE];
    world_open(&world);
    snprintf(path, sizeof path, "%s/allowed", world.folder);
    zmtp_key_encode(&client_keys.public_key, key);
    write_text(path, "# nobody yet\n\n");
    open_server(&server, &world, (struct zmtp_allow){.kind = ZMTP_ALLOW_FILE, .path = path},
                endpoint);
    assert_turned_away(&world, endpoint);
    snprintf(text, sizeof text, "# now one\n\t%s \r\n", key);
    write_text(path, text);
    assert_let_in(&world, &server, &client_keys, endpoint);
    assert_turned_away(&world, endpoint);
    // A key at the end of a long comment is none.
    char comment[320];
    zmtp_key_encode(&stranger_keys.public_key, key);
    snprintf(comment, sizeof comment, "#%254s%s\n", "", key);
    write_text(path, comment);
    assert_turned_away(&world, endpoint);
    // While the list makes no sense nobody is let in, and nobody is turned away for good.
    write_text(path, "surely not a key\n");
    struct node client;
    open_client(&client, &world, &client_keys, endpoint);
    node_send(&client, "hello");
    WORLD_UNTIL(&world, client.events[ZMTP_EVENT_HANDSHAKE_FAILED] >= 2);
    assert_int_equal(client.events[ZMTP_EVENT_GAVE_UP], 0);
    write_text(path, text);
    WORLD_UNTIL(&world, client.events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
    unlink(path);
    world_close(&world);
}

// Another key in place of the first, of the same size, at once, and with the old time of modification.
static void test_a_list_is_read_again_also_when_it_looks_the_same(void **state)
{
    (void)state;
    struct world world;
    struct node server;
    struct stat before;
    char endpoint[ZMTP_ENDPOINT_MAX], path[128], key[ZMTP_KEY_TEXT_SIZE];
    world_open(&world);
    snprintf(path, sizeof path, "%s/allowed", world.folder);
    zmtp_key_encode(&stranger_keys.public_key, key);
    write_text(path, key);
    open_server(&server, &world, (struct zmtp_allow){.kind = ZMTP_ALLOW_FILE, .path = path},
                endpoint);
    assert_int_equal(stat(path, &before), 0);
    zmtp_key_encode(&client_keys.public_key, key);
    write_text(path, key);
    assert_int_equal(
        utimensat(AT_FDCWD, path, (const struct timespec[]){before.st_atim, before.st_mtim}, 0), 0);
    assert_turned_away(&world, endpoint);
    assert_let_in(&world, &server, &client_keys, endpoint);
    unlink(path);
    world_close(&world);
}

static void test_who_is_denied_may_ask_again_until_it_is_let_in(void **state)
{
    (void)state;
    struct world world;
    struct node server, client;
    char endpoint[ZMTP_ENDPOINT_MAX], path[128], key[ZMTP_KEY_TEXT_SIZE];
    world_open(&world);
    snprintf(path, sizeof path, "%s/allowed", world.folder);
    zmtp_key_encode(&client_keys.public_key, key);
    write_text(path, "# nobody yet\n");
    open_server(&server, &world, (struct zmtp_allow){.kind = ZMTP_ALLOW_FILE, .path = path},
                endpoint);
    node_init(&client, &world, ZMTP_PUSH);
    zmtp_uv_config_curve_client(&client.config, &client_keys, &server_keys.public_key);
    client.config.reconnect_max_ms = 100;
    client.config.reconnect_denied = true;
    node_open(&client);
    node_connect(&client, endpoint);
    node_send(&client, "hello");
    WORLD_UNTIL(&world, client.events[ZMTP_EVENT_HANDSHAKE_FAILED] >= 2);
    assert_int_equal(client.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_PEER);
    assert_int_equal(client.events[ZMTP_EVENT_GAVE_UP], 0);
    write_text(path, key);
    WORLD_UNTIL(&world, server.received == 1);
    unlink(path);
    world_close(&world);
}

// A folder for certificates, and where that of the client goes.
struct folder {
    char path[128], client[160], secret[192];
};

static void folder_make(struct folder *folder, const struct world *world)
{
    snprintf(folder->path, sizeof folder->path, "%s/keys", world->folder);
    snprintf(folder->client, sizeof folder->client, "%s/client", folder->path);
    snprintf(folder->secret, sizeof folder->secret, "%s_secret", folder->client);
    assert_int_equal(mkdir(folder->path, 0700), 0);
}

static void test_certificates_in_a_folder_let_their_owners_in(void **state)
{
    (void)state;
    struct world world;
    struct node server;
    struct folder folder;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    folder_make(&folder, &world);
    open_server(&server, &world,
                (struct zmtp_allow){.kind = ZMTP_ALLOW_FOLDER, .path = folder.path}, endpoint);
    assert_turned_away(&world, endpoint);
    assert_int_equal(zmtp_key_file_save(&client_keys, folder.client), ZMTP_OK);
    assert_int_equal(unlink(folder.secret), 0);
    assert_let_in(&world, &server, &client_keys, endpoint);
    assert_turned_away(&world, endpoint);
    unlink(folder.client);
    rmdir(folder.path);
    world_close(&world);
}

// Leaves one descriptor, enough for the folder but not for what is in it, while the first client is judged.
static void starve(struct node *node, const struct zmtp_event *event)
{
    struct hoard *hoard = node->other;
    if (event->kind == ZMTP_EVENT_ACCEPTED && node->count++ == 0) {
        hoard_all(hoard);
        close(hoard->fds[--hoard->count]);
    } else if (event->kind == ZMTP_EVENT_HANDSHAKE_FAILED && hoard->count > 0) {
        hoard_release(hoard);
    }
}

static void test_a_folder_that_could_not_be_read_whole_turns_nobody_away_for_good(void **state)
{
    (void)state;
    struct world world;
    struct node server;
    struct hoard hoard = {.count = 0};
    struct folder folder;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    folder_make(&folder, &world);
    open_server(&server, &world,
                (struct zmtp_allow){.kind = ZMTP_ALLOW_FOLDER, .path = folder.path}, endpoint);
    server.other = &hoard;
    server.note = starve;
    assert_int_equal(zmtp_key_file_save(&client_keys, folder.client), ZMTP_OK);
    assert_int_equal(unlink(folder.secret), 0);
    assert_let_in(&world, &server, &client_keys, endpoint);
    assert_true(server.events[ZMTP_EVENT_HANDSHAKE_FAILED] >= 1);
    unlink(folder.client);
    rmdir(folder.path);
    world_close(&world);
}

static void test_certificates_on_the_disk_read_back_and_are_never_written_over(void **state)
{
    (void)state;
    struct world world;
    struct zmtp_key_file file;
    struct stat status;
    char path[128], secret[160];
    world_open(&world);
    snprintf(path, sizeof path, "%s/mine", world.folder);
    snprintf(secret, sizeof secret, "%s_secret", path);
    assert_int_equal(zmtp_key_file_load(&file, path), ZMTP_ERR_NOT_FOUND);
    assert_int_equal(zmtp_key_file_save(&client_keys, path), ZMTP_OK);
    assert_int_equal(stat(secret, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(zmtp_key_file_load(&file, path), ZMTP_OK);
    assert_false(file.has_secret);
    assert_int_equal(zmtp_key_file_load(&file, secret), ZMTP_OK);
    assert_true(zmtp_key_equal(&file.keys.secret_key, &client_keys.secret_key));
    assert_int_equal(zmtp_key_file_save(&stranger_keys, path), ZMTP_ERR_IN_USE);
    // Half a pair is not left behind.
    assert_int_equal(unlink(secret), 0);
    assert_int_equal(zmtp_key_file_save(&stranger_keys, path), ZMTP_ERR_IN_USE);
    assert_int_equal(stat(secret, &status), -1);
    assert_int_equal(zmtp_key_file_load(&file, world.folder), ZMTP_ERR_ARGUMENT);
    unlink(path);
    world_close(&world);
}

// A user who thinks about it.
struct judge {
    uint64_t ticket;
    unsigned asked;
    bool at_once;
};

static void judge_plain(struct zmtp_uv_socket *socket, const struct zmtp_uv_guest *guest,
                        void *user)
{
    struct node *node = user;
    struct judge *judge = node->other;
    judge->asked++;
    judge->ticket = guest->ticket;
    const bool known = zmtp_bytes_equal(guest->credentials.username, zmtp_bytes_text("admin")) &&
                       zmtp_bytes_equal(guest->credentials.password, zmtp_bytes_text("secret"));
    const struct zmtp_bytes nothing = {0};
    if (judge->at_once || !known)
        assert_int_equal(zmtp_uv_authorise(socket, guest->ticket,
                                           known ? ZMTP_VERDICT_ALLOW : ZMTP_VERDICT_DENY, nothing,
                                           nothing),
                         ZMTP_OK);
}

// And is asked again for one that can be.
static void assert_no_verdict(struct zmtp_uv_socket *socket, uint64_t ticket, int verdict,
                              struct zmtp_bytes user_id, struct zmtp_bytes metadata)
{
    assert_int_equal(
        zmtp_uv_authorise(socket, ticket, (enum zmtp_verdict)verdict, user_id, metadata),
        ZMTP_ERR_ARGUMENT);
    assert_string_equal(zmtp_uv_error_text(socket),
                        "the verdict, the user id or the metadata is out of range");
}

// A server of PLAIN whose |judge| decides, and a client that knows the password.
static void open_judged(struct node *server, struct node *client, struct world *world,
                        struct judge *judge, const char *endpoint)
{
    node_init(server, world, ZMTP_PULL);
    zmtp_uv_config_plain_server(&server->config);
    server->config.on_authorise = judge_plain;
    server->other = judge;
    node_open(server);
    node_bind(server, endpoint);
    node_init(client, world, ZMTP_PUSH);
    zmtp_uv_config_plain_client(&client->config, "admin", "secret");
    node_open(client);
    node_connect(client, endpoint);
}

static void test_a_verdict_that_cannot_be_is_refused_and_the_guest_waits_on(void **state)
{
    (void)state;
    static const uint8_t octets[ZMTP_USER_METADATA_MAX + 1];
    struct world world;
    struct node server, client;
    struct judge judge = {.at_once = false};
    char endpoint[ZMTP_ENDPOINT_MAX];
    const struct zmtp_bytes nothing = {0};
    world_open(&world);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    open_judged(&server, &client, &world, &judge, endpoint);
    WORLD_UNTIL(&world, judge.asked == 1);
    struct zmtp_uv_socket *const socket = server.socket;
    assert_no_verdict(socket, judge.ticket, 201, nothing, nothing);
    assert_no_verdict(socket, judge.ticket, ZMTP_VERDICT_ALLOW, (struct zmtp_bytes){octets, 256},
                      nothing);
    assert_no_verdict(socket, judge.ticket, ZMTP_VERDICT_ALLOW, nothing,
                      (struct zmtp_bytes){octets, sizeof octets});
    assert_no_verdict(socket, judge.ticket, ZMTP_VERDICT_ALLOW, (struct zmtp_bytes){NULL, 1},
                      nothing);
    assert_int_equal(server.events[ZMTP_EVENT_HANDSHAKE_FAILED], 0);
    assert_int_equal(zmtp_uv_authorise(socket, judge.ticket, ZMTP_VERDICT_ALLOW,
                                       (struct zmtp_bytes){octets, 255}, nothing),
                     ZMTP_OK);
    node_send(&client, "hello");
    WORLD_UNTIL(&world, server.received == 1);
    world_close(&world);
}

static void test_a_verdict_on_a_password_may_come_at_once_or_later(void **state)
{
    (void)state;
    for (int at_once = 0; at_once <= 1; at_once++) {
        struct world world;
        struct node server, client, wrong;
        struct judge judge = {.at_once = at_once};
        char endpoint[ZMTP_ENDPOINT_MAX];
        const struct zmtp_bytes nothing = {0};
        world_open(&world);
        world_endpoint(&world, ZMTP_TCP, endpoint);
        open_judged(&server, &client, &world, &judge, endpoint);
        node_send(&client, "hello");
        WORLD_UNTIL(&world, judge.asked == 1);
        if (!at_once) {
            world_rest(&world, 20);
            assert_int_equal(server.events[ZMTP_EVENT_HANDSHAKE_DONE], 0);
            assert_int_equal(zmtp_uv_authorise(server.socket, judge.ticket + 1, ZMTP_VERDICT_ALLOW,
                                               nothing, nothing),
                             ZMTP_ERR_NOT_FOUND);
            assert_int_equal(zmtp_uv_authorise(server.socket, judge.ticket, ZMTP_VERDICT_ALLOW,
                                               zmtp_bytes_text("root"), nothing),
                             ZMTP_OK);
        }
        WORLD_UNTIL(&world, server.received == 1);
        assert_int_equal(judge.asked, 1);
        assert_int_equal(
            zmtp_uv_authorise(server.socket, judge.ticket, ZMTP_VERDICT_ALLOW, nothing, nothing),
            ZMTP_ERR_NOT_FOUND);
        node_init(&wrong, &world, ZMTP_PUSH);
        zmtp_uv_config_plain_client(&wrong.config, "admin", "guess");
        node_open(&wrong);
        node_connect(&wrong, endpoint);
        WORLD_UNTIL(&world, wrong.events[ZMTP_EVENT_GAVE_UP] == 1);
        world_close(&world);
    }
}

// It leaves its place to others at once, whenever the verdict was to come.
static void test_a_guest_that_hangs_up_waits_for_no_verdict(void **state)
{
    (void)state;
    static const enum zmtp_transport transports[] = {ZMTP_TCP, ZMTP_IPC};
    for (size_t i = 0; i < sizeof transports / sizeof transports[0]; i++) {
        struct world world;
        struct node server, client;
        struct judge judge = {0};
        char endpoint[ZMTP_ENDPOINT_MAX];
        const struct zmtp_bytes nothing = {0};
        world_open(&world);
        world_endpoint(&world, transports[i], endpoint);
        open_judged(&server, &client, &world, &judge, endpoint);
        WORLD_UNTIL(&world, judge.asked == 1);
        world_rest(&world, 20);
        assert_int_equal(server.events[ZMTP_EVENT_HANDSHAKE_FAILED], 0);
        const uint64_t since_ms = uv_now(&world.loop);
        node_close(&client);
        WORLD_UNTIL(&world, server.events[ZMTP_EVENT_HANDSHAKE_FAILED] == 1);
        assert_true(uv_now(&world.loop) - since_ms < 1000); // a verdict may take 5 s
        assert_int_equal(server.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_EOF);
        assert_int_equal(
            zmtp_uv_authorise(server.socket, judge.ticket, ZMTP_VERDICT_ALLOW, nothing, nothing),
            ZMTP_ERR_NOT_FOUND);
        world_close(&world);
    }
}

// What a client of NULL says before it is let in may be all that it has to say.
static void judge_anybody(struct zmtp_uv_socket *socket, const struct zmtp_uv_guest *guest,
                          void *user)
{
    struct node *const node = user;
    struct judge *const judge = node->other;
    (void)socket;
    judge->asked++;
    judge->ticket = guest->ticket;
}

static void test_what_a_guest_of_null_said_before_it_left_is_heard(void **state)
{
    (void)state;
    const struct zmtp_bytes said = LITERAL(RIG_GREETING RIG_READY_PUSH "\0\5hello");
    struct world world;
    struct node server;
    struct judge judge = {0};
    char endpoint[ZMTP_ENDPOINT_MAX];
    const struct zmtp_bytes nothing = {0};
    world_open(&world);
    world_endpoint(&world, ZMTP_TCP, endpoint);
    node_init(&server, &world, ZMTP_PULL);
    server.config.security.server = true;
    server.config.on_authorise = judge_anybody;
    server.other = &judge;
    node_open(&server);
    node_bind(&server, endpoint);
    const int fd = world_dial(endpoint);
    assert_int_equal(send(fd, said.data, said.size, 0), (ssize_t)said.size);
    WORLD_UNTIL(&world, judge.asked == 1);
    close(fd);
    world_rest(&world, 20);
    assert_int_equal(server.events[ZMTP_EVENT_HANDSHAKE_FAILED], 0);
    assert_int_equal(
        zmtp_uv_authorise(server.socket, judge.ticket, ZMTP_VERDICT_ALLOW, nothing, nothing),
        ZMTP_OK);
    WORLD_UNTIL(&world, server.received == 1);
    assert_string_equal(server.last, "hello");
    world_close(&world);
}

static void test_a_server_without_anybody_to_judge_is_not_opened(void **state)
{
    (void)state;
    struct world world;
    struct zmtp_uv_config config;
    struct zmtp_uv_socket *socket;
    world_open(&world);
    zmtp_uv_config_init(&config, ZMTP_PULL);
    zmtp_uv_config_plain_server(&config);
    assert_int_equal(zmtp_uv_socket_open(&socket, world.uv, &config), ZMTP_ERR_ARGUMENT);
    config.allow.kind = ZMTP_ALLOW_ANY; // any password is none
    assert_int_equal(zmtp_uv_socket_open(&socket, world.uv, &config), ZMTP_ERR_ARGUMENT);
    zmtp_uv_config_curve_server(&config, &server_keys, (struct zmtp_allow){.kind = ZMTP_ALLOW_ASK});
    assert_int_equal(zmtp_uv_socket_open(&socket, world.uv, &config), ZMTP_ERR_ARGUMENT);
    config.allow = (struct zmtp_allow){.kind = ZMTP_ALLOW_FILE, .path = "/nowhere/at/all"};
    assert_int_equal(zmtp_uv_socket_open(&socket, world.uv, &config), ZMTP_ERR_NOT_FOUND);
    config.allow = (struct zmtp_allow){.kind = ZMTP_ALLOW_FILE, .path = world.folder};
    assert_int_equal(zmtp_uv_socket_open(&socket, world.uv, &config), ZMTP_ERR_ARGUMENT);
    world_close(&world);
}

static void assert_not_opened(struct world *world, struct zmtp_allow allow, int error,
                              const char *words)
{
    struct zmtp_uv_config config;
    struct zmtp_uv_socket *socket;
    zmtp_uv_config_init(&config, ZMTP_PULL);
    zmtp_uv_config_curve_server(&config, &server_keys, allow);
    assert_int_equal(zmtp_uv_socket_open(&socket, world->uv, &config), error);
    assert_null(socket);
    const char *const text = zmtp_uv_open_error_text(world->uv);
    if (!strstr(text, words)) fail_msg("\"%s\" does not say \"%s\"", text, words);
    if (allow.path && !strstr(text, allow.path)) fail_msg("\"%s\" does not name the path", text);
}

// |count| lines, each a key, and behind them |hole| octets that were never written.
static void write_keys(const char *path, size_t count, long hole)
{
    struct zmtp_key_pair keys;
    char text[ZMTP_KEY_TEXT_SIZE];
    FILE *const file = fopen(path, "we");
    assert_non_null(file);
    zmtp_key_generate(&keys, zmtp_sodium());
    zmtp_key_encode(&keys.public_key, text);
    for (size_t i = 0; i < count; i++)
        assert_true(fprintf(file, "%s\n", text) > 0);
    assert_int_equal(fflush(file), 0);
    if (hole > 0) assert_int_equal(ftruncate(fileno(file), ftell(file) + hole), 0);
    assert_int_equal(fclose(file), 0);
}

// Each limit by itself: 64 Ki keys, and 4 MiB.
static void test_a_list_of_keys_that_is_too_long_is_refused_with_its_limits(void **state)
{
    (void)state;
    static const char words[] = "has more than 65536 keys, or is larger than 4194304 octets";
    struct world world;
    struct node node;
    char path[128], endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    snprintf(path, sizeof path, "%s/keys", world.folder);
    const struct zmtp_allow allow = {.kind = ZMTP_ALLOW_FILE, .path = path};
    write_keys(path, 65537, 0);
    assert_not_opened(&world, allow, ZMTP_ERR_LIMIT, words);
    write_keys(path, 1, 4 * 1024 * 1024);
    assert_not_opened(&world, allow, ZMTP_ERR_LIMIT, words);
    write_keys(path, 65536, 0);
    open_server(&node, &world, allow, endpoint);
    node_close(&node);
    assert_int_equal(remove(path), 0);
    world_close(&world);
}

static void test_a_socket_that_is_not_opened_is_told_why(void **state)
{
    (void)state;
    struct world world;
    char path[128];
    world_open(&world);
    assert_string_equal(zmtp_uv_open_error_text(world.uv), "");
    struct zmtp_allow allow = {.kind = ZMTP_ALLOW_FILE, .path = "/nowhere/at/all"};
    assert_not_opened(&world, allow, ZMTP_ERR_NOT_FOUND, "no such file");
    allow.kind = ZMTP_ALLOW_FOLDER;
    assert_not_opened(&world, allow, ZMTP_ERR_NOT_FOUND, "no such file");
    snprintf(path, sizeof path, "%s/keys", world.folder);
    FILE *const file = fopen(path, "we");
    assert_non_null(file);
    fputs("# friends\n\ntoo-short-a-key\n", file);
    fclose(file);
    allow.path = path;
    assert_not_opened(&world, allow, ZMTP_ERR_ARGUMENT, "is no folder");
    allow.kind = ZMTP_ALLOW_FILE;
    assert_not_opened(&world, allow, ZMTP_ERR_ARGUMENT, "line 3");
    allow.path = world.folder;
    assert_not_opened(&world, allow, ZMTP_ERR_ARGUMENT, "is a folder");
    allow.path = "/proc/self/mem"; // its first octet is nowhere
    assert_not_opened(&world, allow, ZMTP_ERR_SYSTEM, "cannot be read");
    allow.path = "/dev/zero"; // a line of it has no end
    assert_not_opened(&world, allow, ZMTP_ERR_ARGUMENT, "is neither a file nor a folder");
    assert_int_equal(remove(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    allow.path = path; // nobody writes to it
    assert_not_opened(&world, allow, ZMTP_ERR_ARGUMENT, "is neither a file nor a folder");
    allow = (struct zmtp_allow){.kind = ZMTP_ALLOW_KEYS, .count = 1};
    assert_not_opened(&world, allow, ZMTP_ERR_ARGUMENT, "allow.keys");
    // A success has nothing to say; without an engine that is what is wrong.
    assert_int_equal(remove(path), 0);
    struct node node;
    node_start(&node, &world, ZMTP_PULL);
    assert_string_equal(zmtp_uv_open_error_text(world.uv), "");
    assert_non_null(strstr(zmtp_uv_open_error_text(NULL), "zmtp_uv_open"));
    node_close(&node);
    world_close(&world);
}

// ZMTP24-PLAIN-01
static void test_only_curve_may_be_bound_to_the_network_without_asking(void **state)
{
    (void)state;
    struct world world;
    struct node server, plain;
    world_open(&world);
    node_init(&server, &world, ZMTP_PULL);
    zmtp_uv_config_curve_server(&server.config, &server_keys,
                                (struct zmtp_allow){.kind = ZMTP_ALLOW_ANY});
    node_open(&server);
    assert_int_equal(zmtp_uv_bind(server.socket, "tcp://*:*"), ZMTP_OK);
    node_init(&plain, &world, ZMTP_PULL);
    zmtp_uv_config_plain_server(&plain.config);
    plain.config.on_authorise = judge_plain;
    node_open(&plain);
    assert_int_equal(zmtp_uv_bind(plain.socket, "tcp://*:*"), ZMTP_ERR_ACCESS);
    world_close(&world);
}

// Memory that goes back to the heap is searched for what must not be in it.
struct vault {
    struct zmtp_allocator allocator;
    struct zmtp_bytes secrets[4];
    size_t found;
};

static void *vault_resize(void *context, void *memory, size_t old_size, size_t new_size)
{
    struct vault *vault = context;
    void *fresh = new_size > 0 ? malloc(new_size) : NULL;
    if (new_size > 0 && !fresh) return NULL;
    if (!memory) return fresh;
    if (fresh) memcpy(fresh, memory, old_size < new_size ? old_size : new_size);
    for (size_t i = 0; i < 4; i++)
        vault->found +=
            memmem(memory, old_size, vault->secrets[i].data, vault->secrets[i].size) != NULL;
    free(memory);
    return fresh;
}

#define PASSWORD "a password that is not to be found again"

static void judge_any(struct zmtp_uv_socket *socket, const struct zmtp_uv_guest *guest, void *user)
{
    const struct zmtp_bytes nothing = {0};
    (void)user;
    assert_int_equal(zmtp_uv_authorise(socket, guest->ticket, ZMTP_VERDICT_ALLOW, nothing, nothing),
                     ZMTP_OK);
}

static void assert_not_told(struct zmtp_uv *uv, struct zmtp_uv_socket *socket)
{
    static char text[65536];
    char keys[2][ZMTP_KEY_TEXT_SIZE];
    zmtp_key_encode(&server_keys.secret_key, keys[0]);
    zmtp_key_encode(&client_keys.secret_key, keys[1]);
    for (int prometheus = 0; prometheus <= 1; prometheus++) {
        const int64_t size = prometheus ? zmtp_uv_stats_prometheus(uv, text, sizeof text)
                                        : zmtp_uv_stats_json(socket, text, sizeof text);
        assert_true(size > 0 && (size_t)size < sizeof text);
        assert_null(strstr(text, PASSWORD));
        assert_null(strstr(text, keys[0]));
        assert_null(strstr(text, keys[1]));
    }
}

static void open_vaulted_server(struct zmtp_uv *uv, bool curve, struct zmtp_uv_socket **server)
{
    struct zmtp_uv_config config;
    struct zmtp_uv_socket *none;
    zmtp_uv_config_init(&config, ZMTP_PULL);
    config.on_authorise = judge_any;
    if (curve)
        zmtp_uv_config_curve_server(&config, &server_keys,
                                    (struct zmtp_allow){.kind = ZMTP_ALLOW_ANY});
    else
        zmtp_uv_config_plain_server(&config);
    assert_int_equal(zmtp_uv_socket_open(server, uv, &config), ZMTP_OK);
    assert_int_equal(zmtp_uv_bind(*server, "tcp://127.0.0.1:*"), ZMTP_OK);
    config.allow = (struct zmtp_allow){.kind = ZMTP_ALLOW_FILE, .path = "/nowhere/at/all"};
    if (curve) assert_int_equal(zmtp_uv_socket_open(&none, uv, &config), ZMTP_ERR_NOT_FOUND);
}

// Shakes hands, says something, and leaves; or is refused, as it means another server.
static void visit(struct vault *vault, bool curve, bool welcome)
{
    uv_loop_t loop;
    struct zmtp_uv *uv;
    struct zmtp_uv_socket *server, *client;
    struct zmtp_uv_config config;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(zmtp_uv_open(&uv, &loop, &vault->allocator), ZMTP_OK);
    open_vaulted_server(uv, curve, &server);
    zmtp_uv_config_init(&config, ZMTP_PUSH);
    const struct zmtp_key_pair *const meant = welcome ? &server_keys : &stranger_keys;
    if (curve)
        zmtp_uv_config_curve_client(&config, &client_keys, &meant->public_key);
    else
        zmtp_uv_config_plain_client(&config, "admin", PASSWORD);
    assert_int_equal(zmtp_uv_socket_open(&client, uv, &config), ZMTP_OK);
    assert_int_equal(zmtp_uv_connect(client, zmtp_uv_endpoint(server)), ZMTP_OK);
    const struct zmtp_bytes part = zmtp_bytes_text("hello");
    struct zmtp_msg msg;
    assert_int_equal(zmtp_uv_send(client, &part, 1), ZMTP_OK);
    zmtp_msg_init(&msg, NULL);
    while (welcome && zmtp_uv_recv(server, &msg) < 0)
        (void)uv_run(&loop, UV_RUN_ONCE);
    zmtp_msg_fini(&msg);
    if (!welcome) assert_int_equal(zmtp_uv_wait_connected(client, 1, 300), ZMTP_ERR_AGAIN);
    assert_not_told(uv, server);
    assert_not_told(uv, client);
    zmtp_uv_close(uv, NULL, NULL);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void test_no_secret_is_left_in_memory_that_was_given_back_nor_told(void **state)
{
    (void)state;
    struct vault vault = {
        .secrets = {{server_keys.secret_key.octets, ZMTP_KEY_SIZE},
                    {client_keys.secret_key.octets, ZMTP_KEY_SIZE},
                    {stranger_keys.secret_key.octets, ZMTP_KEY_SIZE},
                    zmtp_bytes_text(PASSWORD)},
    };
    vault.allocator = (struct zmtp_allocator){&vault, vault_resize};
    // It finds what is there.
    uint8_t *const block = zmtp_alloc(&vault.allocator, 64);
    memset(block, 0, 64);
    memcpy(block + 7, client_keys.secret_key.octets, ZMTP_KEY_SIZE);
    zmtp_free(&vault.allocator, block, 64);
    assert_int_equal(vault.found, 1);
    vault.found = 0;
    visit(&vault, true, true);
    assert_int_equal(vault.found, 0);
    visit(&vault, true, false);
    assert_int_equal(vault.found, 0);
    visit(&vault, false, true);
    assert_int_equal(vault.found, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_key_may_come_in_where_that_is_said),
        cmocka_unit_test(test_a_list_of_keys_lets_in_those_and_nobody_else),
        cmocka_unit_test(test_a_list_in_a_file_is_read_again_when_it_has_changed),
        cmocka_unit_test(test_a_list_is_read_again_also_when_it_looks_the_same),
        cmocka_unit_test(test_who_is_denied_may_ask_again_until_it_is_let_in),
        cmocka_unit_test(test_certificates_in_a_folder_let_their_owners_in),
        cmocka_unit_test(test_a_folder_that_could_not_be_read_whole_turns_nobody_away_for_good),
        cmocka_unit_test(test_certificates_on_the_disk_read_back_and_are_never_written_over),
        cmocka_unit_test(test_a_verdict_that_cannot_be_is_refused_and_the_guest_waits_on),
        cmocka_unit_test(test_a_verdict_on_a_password_may_come_at_once_or_later),
        cmocka_unit_test(test_a_guest_that_hangs_up_waits_for_no_verdict),
        cmocka_unit_test(test_what_a_guest_of_null_said_before_it_left_is_heard),
        cmocka_unit_test(test_a_server_without_anybody_to_judge_is_not_opened),
        cmocka_unit_test(test_a_list_of_keys_that_is_too_long_is_refused_with_its_limits),
        cmocka_unit_test(test_a_socket_that_is_not_opened_is_told_why),
        cmocka_unit_test(test_only_curve_may_be_bound_to_the_network_without_asking),
        cmocka_unit_test(test_no_secret_is_left_in_memory_that_was_given_back_nor_told),
    };
    return cmocka_run_group_tests_name("uv_security", tests, make_keys, NULL);
}
