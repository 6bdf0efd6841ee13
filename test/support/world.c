#include "world.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { WORLD_PATIENCE_MS = 90000 };

static void world_expired(uv_timer_t *timer)
{
    struct world *world = timer->data;
    world->expired = true;
}

void world_open(struct world *world)
{
    *world = (struct world){.names = 0};
    assert_int_equal(uv_loop_init(&world->loop), 0);
    zmtp_budget_init(&world->budget, zmtp_heap());
    assert_int_equal(zmtp_uv_open(&world->uv, &world->loop, &world->budget.allocator), ZMTP_OK);
    uv_timer_init(&world->loop, &world->watchdog);
    world->watchdog.data = world;
    uv_timer_start(&world->watchdog, world_expired, WORLD_PATIENCE_MS, 0);
    uv_unref((uv_handle_t *)&world->watchdog);
    strcpy(world->folder, "/tmp/zmtp-test-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
}

static void world_closed(void *user)
{
    struct world *world = user;
    world->closed = true;
}

// The folder must be empty but for paths that a test left on purpose, which it removes itself.
static void world_check_folder(const struct world *world)
{
    DIR *folder = opendir(world->folder);
    assert_non_null(folder);
    const struct dirent *entry;
    while ((entry = readdir(folder)))
        if (entry->d_name[0] != '.') fail_msg("%s was left behind", entry->d_name);
    closedir(folder);
    assert_int_equal(rmdir(world->folder), 0);
}

void world_close(struct world *world)
{
    zmtp_uv_close(world->uv, world_closed, world);
    WORLD_UNTIL(world, world->closed);
    uv_close((uv_handle_t *)&world->watchdog, NULL);
    assert_int_equal(uv_run(&world->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    assert_int_equal(world->budget.bytes, 0);
    assert_int_equal(world->budget.blocks, 0);
    world_check_folder(world);
}

void world_turn(struct world *world)
{
    if (world->expired) fail_msg("the loop did not get there in %d ms", WORLD_PATIENCE_MS);
    uv_run(&world->loop, UV_RUN_ONCE);
}

static void world_rested(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

void world_rest(struct world *world, uint64_t ms)
{
    bool rested = false;
    uv_timer_t timer = {.data = &rested};
    uv_timer_init(&world->loop, &timer);
    uv_update_time(&world->loop);
    uv_timer_start(&timer, world_rested, ms, 0);
    WORLD_UNTIL(world, rested);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&world->loop, UV_RUN_NOWAIT); // the loop lets go of the timer
}

bool world_has_ipv6(void)
{
    const struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    const bool has = bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return has;
}

// A socket that listens at a port of 10000 to 31999, from which no system takes one for who dials: who listened there and
// comes back finds it free. -1: somebody has that port.
static int world_try_listen(struct sockaddr_in *address)
{
    uint32_t random;
    assert_int_equal(uv_random(NULL, NULL, &random, sizeof random, 0, NULL), 0);
    address->sin_port = htons((uint16_t)(10000 + random % 22000));
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)address, sizeof *address) == 0 && listen(fd, 16) == 0)
        return fd;
    assert_int_equal(errno, EADDRINUSE);
    close(fd);
    return -1;
}

int world_listen(char endpoint[ZMTP_ENDPOINT_MAX])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = -1;
    for (int i = 0; fd < 0 && i < 100; i++)
        fd = world_try_listen(&address);
    assert_true(fd >= 0);
    snprintf(endpoint, ZMTP_ENDPOINT_MAX, "tcp://127.0.0.1:%u", ntohs(address.sin_port));
    return fd;
}

int world_datagrams(char endpoint[ZMTP_ENDPOINT_MAX])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(endpoint, ZMTP_ENDPOINT_MAX, "udp://127.0.0.1:%u", ntohs(address.sin_port));
    return fd;
}

void world_endpoint(struct world *world, enum zmtp_transport transport, char out[ZMTP_ENDPOINT_MAX])
{
    world->names++;
    switch (transport) {
    case ZMTP_TCP:
        close(world_listen(out));
        break;
    case ZMTP_IPC:
        snprintf(out, ZMTP_ENDPOINT_MAX, "ipc://%s/%d", world->folder, world->names);
        break;
    case ZMTP_INPROC:
        snprintf(out, ZMTP_ENDPOINT_MAX, "inproc://%d", world->names);
        break;
    case ZMTP_VSOCK:
        snprintf(out, ZMTP_ENDPOINT_MAX, "vsock://*:*");
        break;
    case ZMTP_WS: {
        char tcp[ZMTP_ENDPOINT_MAX];
        close(world_listen(tcp));
        snprintf(out, ZMTP_ENDPOINT_MAX, "ws%.200s/test/%d", tcp + 3, world->names);
        break;
    }
    case ZMTP_UDP:
        close(world_datagrams(out));
        break;
    }
}

int world_dial(const char *endpoint)
{
    struct zmtp_endpoint parsed;
    assert_int_equal(zmtp_endpoint_parse(endpoint, &parsed, NULL), ZMTP_OK);
    int fd, result;
    if (parsed.transport == ZMTP_IPC) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        const size_t skip = parsed.abstract ? 1 : 0;
        memcpy(address.sun_path + skip, parsed.path.data, parsed.path.size);
        const size_t abstract = offsetof(struct sockaddr_un, sun_path) + 1 + parsed.path.size;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        result = connect(fd, (struct sockaddr *)&address,
                         (socklen_t)(parsed.abstract ? abstract : sizeof address));
    } else {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)parsed.port),
                                      .sin_addr = {htonl(INADDR_LOOPBACK)}};
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        result = connect(fd, (struct sockaddr *)&address, sizeof address);
    }
    assert_true(fd >= 0);
    assert_int_equal(result, 0);
    return fd;
}

void node_text(const struct zmtp_msg *msg, char out[WORLD_TEXT])
{
    size_t filled = 0;
    for (uint32_t i = 0; i < msg->count; i++) {
        const struct zmtp_bytes part = zmtp_msg_bytes(msg, i);
        size_t size = part.size;
        if (i > 0 && filled < WORLD_TEXT - 1) out[filled++] = '|';
        if (size > WORLD_TEXT - 1 - filled) size = WORLD_TEXT - 1 - filled;
        if (size > 0) memcpy(out + filled, part.data, size);
        filled += size;
    }
    out[filled] = '\0';
}

static void node_message(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    struct node *node = user;
    assert_ptr_equal(node->socket, socket);
    node->received++;
    node_text(msg, node->last);
    if (node->act) node->act(node, msg);
}

static void node_readable(struct zmtp_uv_socket *socket, void *user)
{
    struct node *node = user;
    assert_ptr_equal(node->socket, socket);
    node->readable++;
}

static void node_writable(struct zmtp_uv_socket *socket, void *user)
{
    struct node *node = user;
    assert_ptr_equal(node->socket, socket);
    node->writable++;
    if (node->room) node->room(node);
}

static void node_event(struct zmtp_uv_socket *socket, const struct zmtp_event *event, void *user)
{
    struct node *node = user;
    assert_ptr_equal(node->socket, socket);
    node->events[event->kind]++;
    node->errors[event->kind] = event->error;
    if (event->kind == ZMTP_EVENT_RETRY) node->retry_ms = event->retry_ms;
    snprintf(node->reasons[event->kind], WORLD_TEXT, "%.*s", (int)event->reason.size,
             event->reason.data ? (const char *)event->reason.data : "");
    if (node->note) node->note(node, event);
}

void node_init(struct node *node, struct world *world, enum zmtp_socket_type type)
{
    *node = (struct node){.world = world};
    zmtp_uv_config_init(&node->config, type);
    // Quick enough for tests; a restart must not cost them seconds.
    node->config.reconnect_min_ms = 10;
    node->config.reconnect_max_ms = 50;
    // No heartbeat hides a lost wake-up.
    node->config.limits.heartbeat_interval_ms = 0;
    node->config.on_readable = node_readable;
    node->config.on_writable = node_writable;
    node->config.on_event = node_event;
}

void node_open_pull(struct node *node)
{
    node->config.user = node;
    node->closed = false;
    assert_int_equal(zmtp_uv_socket_open(&node->socket, node->world->uv, &node->config), ZMTP_OK);
}

void node_open(struct node *node)
{
    node->config.on_message = node_message;
    node_open_pull(node);
}

void node_start(struct node *node, struct world *world, enum zmtp_socket_type type)
{
    node_init(node, world, type);
    node_open(node);
}

uint64_t world_number(const char *text, const char *name)
{
    const char *const found = strstr(text, name);
    assert_non_null(found);
    return strtoull(found + strlen(name), NULL, 10);
}

void node_bind(struct node *node, const char *endpoint)
{
    const int result = zmtp_uv_bind(node->socket, endpoint);
    if (result < 0) fail_msg("%s", zmtp_uv_error_text(node->socket));
}

void node_connect(struct node *node, const char *endpoint)
{
    const int result = zmtp_uv_connect(node->socket, endpoint);
    if (result < 0) fail_msg("%s", zmtp_uv_error_text(node->socket));
}

int node_try(struct node *node, const char *text)
{
    struct zmtp_bytes parts[16];
    size_t count = 0;
    for (const char *end; (end = strchr(text, '|')) && count < 15; text = end + 1)
        parts[count++] = zmtp_bytes_of(text, (size_t)(end - text));
    parts[count++] = zmtp_bytes_text(text);
    return zmtp_uv_send(node->socket, parts, count);
}

void node_send(struct node *node, const char *text)
{
    const int result = node_try(node, text);
    if (result < 0) fail_msg("%s: %s", text, zmtp_uv_error_text(node->socket));
}

static void node_closed(void *user)
{
    struct node *node = user;
    node->closed = true;
}

void node_close(struct node *node)
{
    zmtp_uv_socket_close(node->socket, node_closed, node);
    WORLD_UNTIL(node->world, node->closed);
}
