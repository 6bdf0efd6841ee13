// Messages without sockets.
#include <stdint.h>
#include <stdlib.h>

#include "say.h"

static int freed;
static const void *freed_data, *freed_hint;

static void count_free(void *data, void *hint)
{
    freed++;
    freed_data = data;
    freed_hint = hint;
}

static unsigned sum_of(zmq_msg_t *msg)
{
    const unsigned char *at = zmq_msg_data(msg);
    unsigned sum = 0;
    for (size_t i = 0; i < zmq_msg_size(msg); i++)
        sum = sum * 31 + at[i];
    return sum;
}

static void fill(zmq_msg_t *msg, unsigned seed)
{
    unsigned char *at = zmq_msg_data(msg);
    for (size_t i = 0; i < zmq_msg_size(msg); i++)
        at[i] = (unsigned char)(seed + i * 7);
}

static void sizes_are_kept(void)
{
    const size_t sizes[] = {0,  1,  8,   28,  29,  30,   31,   32,    33,    34,   39,
                            40, 41, 47,  48,  49,  63,   64,   65,    127,   255,  256,
                            1,  0,  511, 512, 513, 8191, 8192, 65535, 65536, 70000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        zmq_msg_t a, b, c;
        zmq_msg_init_size(&a, sizes[i]);
        fill(&a, (unsigned)i);
        zmq_msg_init(&b);
        zmq_msg_init(&c);
        say_result("a copy", zmq_msg_copy(&b, &a));
        say("a copy", "%zu %u of %zu %u", zmq_msg_size(&b), sum_of(&b), zmq_msg_size(&a),
            sum_of(&a));
        say_result("a copy outlives what it is of", zmq_msg_close(&a));
        say("a copy outlives what it is of", "%zu %u", zmq_msg_size(&b), sum_of(&b));
        say_result("a move", zmq_msg_move(&c, &b));
        say("a move", "%zu %u, %zu left", zmq_msg_size(&c), sum_of(&c), zmq_msg_size(&b));
        say_result("close", zmq_msg_close(&b));
        say_result("close", zmq_msg_close(&c));
    }
}

static void a_target_is_released(void)
{
    char data[100], other[100];
    zmq_msg_t a, b;
    freed = 0;
    zmq_msg_init_data(&a, data, sizeof data, count_free, other);
    zmq_msg_init_data(&b, other, sizeof other, count_free, data);
    say_result("a move releases its target", zmq_msg_move(&a, &b));
    say("a move releases its target", "%d %d", freed, freed_data == data);
    say_result("a copy releases its target", zmq_msg_copy(&b, &a));
    say("a copy releases its target", "%d", freed);
    zmq_msg_close(&a);
    say("the last user frees", "%d", freed);
    zmq_msg_close(&b);
    say("the last user frees", "%d %d %d", freed, freed_data == other, freed_hint == data);
}

static void data_of_the_program(void)
{
    static char text[] = "there for good";
    const size_t sizes[] = {0, 1, 14, 33, 64, 1000};
    char *data = calloc(1000, 1);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        zmq_msg_t msg, copy;
        freed = 0;
        zmq_msg_init_data(&msg, data, sizes[i], count_free, &freed);
        say("data with a free function", "%zu %d %d", zmq_msg_size(&msg),
            zmq_msg_data(&msg) == data, zmq_msg_get(&msg, ZMQ_SHARED));
        zmq_msg_init(&copy);
        zmq_msg_copy(&copy, &msg);
        say("data with a free function", "%d %d", zmq_msg_get(&msg, ZMQ_SHARED),
            zmq_msg_get(&copy, ZMQ_SHARED));
        zmq_msg_close(&msg);
        say("data with a free function", "%d", freed);
        zmq_msg_close(&copy);
        say("data with a free function", "%d %d", freed, freed_hint == &freed);
    }
    free(data);
    zmq_msg_t msg, copy;
    say_result("data without a free function",
               zmq_msg_init_data(&msg, text, sizeof text, NULL, NULL));
    zmq_msg_init(&copy);
    zmq_msg_copy(&copy, &msg);
    say("data without a free function", "%d %d %d %d", zmq_msg_data(&msg) == text,
        zmq_msg_data(&copy) == text, zmq_msg_get(&msg, ZMQ_SHARED), zmq_msg_get(&copy, ZMQ_SHARED));
    zmq_msg_close(&msg);
    zmq_msg_close(&copy);
}

static void what_is_no_message(void)
{
    zmq_msg_t none, msg;
    memset(&none, 0, sizeof none);
    zmq_msg_init_size(&msg, 3);
    fill(&msg, 1);
    say_result("close what is none", zmq_msg_close(&none));
    say_result("copy from what is none", zmq_msg_copy(&msg, &none));
    say_result("copy to what is none", zmq_msg_copy(&none, &msg));
    say_result("move from what is none", zmq_msg_move(&msg, &none));
    say_result("move to what is none", zmq_msg_move(&none, &msg));
    say("the message is as it was", "%zu %u", zmq_msg_size(&msg), sum_of(&msg));
    zmq_msg_close(&msg);
    say_result("close it twice", zmq_msg_close(&msg));
    zmq_msg_init_size(&msg, 3000);
    zmq_msg_close(&msg);
    say_result("close a large one twice", zmq_msg_close(&msg));
}

static void properties(void)
{
    zmq_msg_t msg, copy;
    zmq_msg_init_size(&msg, 2000);
    zmq_msg_init(&copy);
    say("more", "%d %d", zmq_msg_more(&msg), zmq_msg_get(&msg, ZMQ_MORE));
    say("shared", "%d", zmq_msg_get(&msg, ZMQ_SHARED));
    zmq_msg_copy(&copy, &msg);
    say("shared", "%d %d", zmq_msg_get(&msg, ZMQ_SHARED), zmq_msg_get(&copy, ZMQ_SHARED));
    zmq_msg_close(&msg);
    say("shared", "%d", zmq_msg_get(&copy, ZMQ_SHARED));
    say_result("a property that is none", zmq_msg_get(&copy, 99));
    say_result("a property that is none", zmq_msg_get(&copy, 0));
    say_result("a property that is none", zmq_msg_get(&copy, -1));
    say_result("set", zmq_msg_set(&copy, ZMQ_MORE, 1));
    say_result("set", zmq_msg_set(&copy, 99, 1));
    say_pointer("gets without a peer", zmq_msg_gets(&copy, "Socket-Type"));
    say_pointer("gets without a peer", zmq_msg_gets(&copy, "No such"));
    zmq_msg_close(&copy);
}

static void no_memory(void)
{
    zmq_msg_t msg;
    say_result("more than there is", zmq_msg_init_size(&msg, SIZE_MAX));
    say_result("more than there is", zmq_msg_init_size(&msg, SIZE_MAX - 1));
}

int main(void)
{
    say("a message", "%zu", sizeof(zmq_msg_t));
    sizes_are_kept();
    a_target_is_released();
    data_of_the_program();
    what_is_no_message();
    properties();
    no_memory();
    return 0;
}
