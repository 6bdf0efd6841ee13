#include "stranger.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

void stranger_open(struct stranger *stranger, struct world *world, const char *endpoint)
{
    *stranger = (struct stranger){.world = world, .fd = world_dial(endpoint)};
    assert_int_equal(fcntl(stranger->fd, F_SETFL, O_NONBLOCK), 0);
}

void stranger_close(struct stranger *stranger)
{
    assert_int_equal(close(stranger->fd), 0);
    stranger->fd = -1;
}

void stranger_reset(struct stranger *stranger)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    assert_int_equal(setsockopt(stranger->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    stranger_close(stranger);
}

size_t stranger_try(struct stranger *stranger, struct zmtp_bytes octets)
{
    const ssize_t size = send(stranger->fd, octets.data, octets.size, MSG_NOSIGNAL);
    if (size < 0) {
        assert_true(errno == EAGAIN || errno == EPIPE || errno == ECONNRESET);
        if (errno != EAGAIN) stranger->refused = true;
        return 0;
    }
    stranger->said += (uint64_t)size;
    return (size_t)size;
}

bool stranger_say(struct stranger *stranger, struct zmtp_bytes octets)
{
    while (octets.size > 0 && !stranger->refused) {
        const size_t size = stranger_try(stranger, octets);
        octets.data += size;
        octets.size -= size;
        if (octets.size > 0) uv_run(&stranger->world->loop, UV_RUN_NOWAIT);
        if (stranger->world->expired) fail_msg("the other side takes no more");
    }
    return !stranger->refused;
}

bool stranger_repeat(struct stranger *stranger, struct zmtp_bytes unit, size_t octets)
{
    while (octets > 0 && !stranger->refused) {
        if (unit.size > octets) unit.size = octets;
        (void)stranger_say(stranger, unit); // a refusal is looked at above
        octets -= unit.size;
    }
    return !stranger->refused;
}

void stranger_stuff(struct stranger *stranger, struct zmtp_bytes unit)
{
    enum { PATIENCE = 50 };
    size_t at = 0;
    for (int idle = 0; idle < PATIENCE && !stranger->refused; idle++) {
        const size_t size =
            stranger_try(stranger, (struct zmtp_bytes){unit.data + at, unit.size - at});
        at = (at + size) % unit.size;
        if (size > 0) idle = 0;
        uv_run(&stranger->world->loop, UV_RUN_NOWAIT);
    }
}

void stranger_join(struct stranger *stranger, struct node *node, struct zmtp_bytes ready)
{
    const unsigned done = node->events[ZMTP_EVENT_HANDSHAKE_DONE];
    assert_true(stranger_say(stranger, LITERAL(RIG_GREETING)));
    assert_true(stranger_say(stranger, ready));
    WORLD_UNTIL(stranger->world, node->events[ZMTP_EVENT_HANDSHAKE_DONE] > done);
}

size_t stranger_read(struct stranger *stranger, uint8_t *into, size_t size)
{
    const ssize_t got = recv(stranger->fd, into, size, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) stranger->refused = true;
    return got > 0 ? (size_t)got : 0;
}

void stranger_until_refused(struct stranger *stranger)
{
    uint8_t scratch[4096];
    for (;;) {
        while (stranger_read(stranger, scratch, sizeof scratch) > 0) {}
        if (stranger->refused) return;
        if (stranger->world->expired) fail_msg("the connection is still there");
        uv_run(&stranger->world->loop, UV_RUN_NOWAIT);
    }
}

static void send_back(struct node *node, struct zmtp_msg *msg)
{
    const int result = zmtp_uv_send_msg(node->socket, msg);
    assert_true(result == ZMTP_OK || result == ZMTP_ERR_AGAIN);
}

void echo_open(struct node *router)
{
    node_open(router);
    router->act = send_back;
}

void witness_open(struct witness *witness, struct world *world, const char *endpoint)
{
    witness->asked = 0;
    node_start(&witness->node, world, ZMTP_DEALER);
    node_connect(&witness->node, endpoint);
    witness_check(witness);
}

void witness_check(struct witness *witness)
{
    node_send(&witness->node, "still|there");
    witness->asked++;
    WORLD_UNTIL(witness->node.world, witness->node.received == witness->asked);
    assert_string_equal(witness->node.last, "still|there");
    assert_int_equal(witness->node.events[ZMTP_EVENT_CLOSED], 0);
}

void world_spin(struct world *world, int turns)
{
    for (int i = 0; i < turns; i++)
        uv_run(&world->loop, UV_RUN_NOWAIT);
}

size_t folder_entries(const char *path)
{
    DIR *folder = opendir(path);
    assert_non_null(folder);
    size_t count = 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 2; // "." and ".."
}

size_t descriptors_open(void)
{
    return folder_entries("/proc/self/fd") - 1; // without the folder's own
}

size_t descriptors_of(int family, int *fds, size_t max)
{
    size_t count = 0;
    for (int fd = 0; fd < 1024; fd++) {
        int domain;
        socklen_t size = sizeof domain;
        if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0 || domain != family) continue;
        if (count < max) fds[count] = fd;
        count++;
    }
    return count;
}

uint64_t cpu_us(void)
{
    struct rusage used;
    assert_int_equal(getrusage(RUSAGE_SELF, &used), 0);
    return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}
