// Where the octets of a large message come to lie in the kernel, which copies some of them ten times slower than others.
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "test/support/world.h"

enum { PAGE = 4096, BLOCK = 32 * 1024, SPARE = 31, BODY = 1 << 20 };

// What a kernel does that had nothing before: octets go into blocks, and another block begins where no more than SPARE of
// one are left.
static struct {
    const uint8_t *body; // null: nobody asks
    size_t at;           // in the block
    size_t copied, slow; // octets of the body
} kernel;

static void kernel_copy(const uint8_t *from, size_t size)
{
    while (size > 0) {
        if (BLOCK - kernel.at <= SPARE) kernel.at = 0;
        const size_t room = BLOCK - kernel.at, taken = size < room ? size : room;
        const size_t further = (kernel.at - (uintptr_t)from) % PAGE;
        if (from >= kernel.body && from < kernel.body + BODY) {
            kernel.copied += taken;
            if (further > 0 && further <= SPARE) kernel.slow += taken;
        }
        kernel.at += taken;
        from += taken;
        size -= taken;
    }
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    const ssize_t sent = syscall(SYS_sendmsg, fd, message, flags);
    size_t left = kernel.body && sent > 0 ? (size_t)sent : 0;
    for (size_t i = 0; left > 0; i++) {
        const size_t all = message->msg_iov[i].iov_len, taken = all < left ? all : left;
        kernel_copy(message->msg_iov[i].iov_base, taken);
        left -= taken;
    }
    return sent;
}

static void answer(struct node *node, struct zmtp_msg *msg)
{
    const struct zmtp_bytes nothing = {0};
    assert_int_equal(zmtp_msg_size(msg), BODY);
    assert_int_equal(zmtp_uv_send(node->socket, &nothing, 1), ZMTP_OK);
}

static void test_a_large_body_is_copied_fast_wherever_it_lies(void **state)
{
    (void)state;
    struct world world;
    struct node req, rep;
    char endpoint[ZMTP_ENDPOINT_MAX];
    uint8_t *const memory = aligned_alloc(PAGE, BODY + PAGE);
    assert_non_null(memory);
    memset(memory, 0x5a, BODY + PAGE);
    world_open(&world);
    node_start(&req, &world, ZMTP_REQ);
    node_start(&rep, &world, ZMTP_REP);
    rep.act = answer;
    world_endpoint(&world, ZMTP_TCP, endpoint);
    node_bind(&rep, endpoint);
    node_connect(&req, endpoint);
    WORLD_UNTIL(&world,
                req.events[ZMTP_EVENT_HANDSHAKE_DONE] && rep.events[ZMTP_EVENT_HANDSHAKE_DONE]);
    // What was sent before may have gone or not, the last octets of a few large messages; then the first block is another.
    const size_t before[] = {0, 9, 18, 27, 100};
    for (size_t i = 0; i < 64 * sizeof before / sizeof *before; i++) {
        const struct zmtp_bytes body = {memory + i % 64, BODY};
        kernel.body = body.data;
        kernel.at = before[i / 64];
        kernel.copied = kernel.slow = 0;
        assert_int_equal(zmtp_uv_send(req.socket, &body, 1), ZMTP_OK);
        kernel.body = NULL;
        // The first block is as it is. If the kernel did not take all at once, the rest waits in memory of our own.
        assert_true(kernel.copied >= 2 * (size_t)BLOCK);
        assert_true(kernel.slow <= BLOCK);
        WORLD_UNTIL(&world, req.received == i + 1);
    }
    world_close(&world);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_large_body_is_copied_fast_wherever_it_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
