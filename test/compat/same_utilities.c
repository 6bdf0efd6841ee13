// Errors' texts, capabilities, Z85, keys, counters, threads, clocks.
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "say.h"

static void texts_of_errors(void)
{
    for (int error = 0; error < 140; error++)
        say("texts of errors", "%d %s", error, zmq_strerror(error));
    for (int error = 1; error < 60; error++)
        say("texts of libzmq's errors", "%d %s", error, zmq_strerror(ZMQ_HAUSNUMERO + error));
    say("texts of no errors", "%s", zmq_strerror(-1));
}

static void capabilities(void)
{
    say("capabilities", "%d %d %d %d %d", zmq_has("ipc"), zmq_has("curve"), zmq_has("draft"),
        zmq_has("WSS"), zmq_has("vmci"));
    say("a capability that is none", "%d %d %d", zmq_has("No such"), zmq_has(""), zmq_has("IPC"));
}

static void z85(void)
{
    const unsigned char octets[] = {0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B};
    char text[128] = "untouched";
    unsigned char back[128] = {0};
    say_pointer("z85 encode", zmq_z85_encode(text, octets, sizeof octets));
    say("z85 encode", "%s", text);
    say("z85 encode", "%d", zmq_z85_encode(text, octets, 4) == text);
    say("z85 encode", "%s", text);
    say_pointer("z85 encode nothing", zmq_z85_encode(text, octets, 0));
    say("z85 encode nothing", "'%s'", text);
    for (size_t size = 1; size < 8; size++)
        if (size != 4) say_pointer("z85 encode no multiple", zmq_z85_encode(text, octets, size));
    for (size_t size = 1; size < 8; size++)
        if (size != 4)
            say_pointer("z85 encode no multiple of null", zmq_z85_encode(NULL, NULL, size));
    say("z85 decode", "%d", zmq_z85_decode(back, "HelloWorld") == back);
    say_octets("z85 decode", back, 8);
    say_pointer("z85 decode the largest", zmq_z85_decode(back, "%nSc0"));
    say_octets("z85 decode the largest", back, 4);
    const char *const wrong[] = {"",       "H",     "Hell",  "HelloW", "Hell\"",
                                 "He\\lo", "He lo", "%nSc1", "#####",  "Hel\xfflo"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        say_pointer("z85 decode what is none", zmq_z85_decode(back, wrong[i]));
}

static void keys(void)
{
    char public_key[41], secret_key[41], again[41];
    say_result("a pair of keys", zmq_curve_keypair(public_key, secret_key));
    say("a pair of keys", "%zu %zu", strlen(public_key), strlen(secret_key));
    say_result("the public key of a secret one", zmq_curve_public(again, secret_key));
    say("the public key of a secret one", "%d", strcmp(again, public_key));
    say_result("a known key", zmq_curve_public(again, "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"));
    say("a known key", "%s", again);
}

static void counters(void)
{
    void *counter = zmq_atomic_counter_new();
    say("a counter", "%d", zmq_atomic_counter_value(counter));
    say("a counter", "%d %d", zmq_atomic_counter_inc(counter), zmq_atomic_counter_inc(counter));
    say("a counter", "%d", zmq_atomic_counter_value(counter));
    say("a counter", "%d", zmq_atomic_counter_dec(counter));
    say("a counter", "%d", zmq_atomic_counter_dec(counter));
    say("a counter", "%d", zmq_atomic_counter_value(counter));
    say("a counter", "%d %d", zmq_atomic_counter_dec(counter), zmq_atomic_counter_value(counter));
    zmq_atomic_counter_set(counter, 2);
    say("a counter", "%d %d", zmq_atomic_counter_dec(counter), zmq_atomic_counter_value(counter));
    zmq_atomic_counter_destroy(&counter);
    say("a counter is destroyed", "%d", counter == NULL);
}

enum { THREADS = 8, ROUNDS = 10000 };

static void count_up(void *hint)
{
    for (int i = 0; i < ROUNDS; i++)
        (void)zmq_atomic_counter_inc(hint);
}

static void blocks_signals(void *hint)
{
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    *(int *)hint = sigismember(&mask, SIGUSR1) * 2 + sigismember(&mask, SIGINT);
}

static void threads(void)
{
    void *counter = zmq_atomic_counter_new(), *threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = zmq_threadstart(count_up, counter);
    for (int i = 0; i < THREADS; i++)
        zmq_threadclose(threads[i]);
    say("threads count", "%d", zmq_atomic_counter_value(counter));
    zmq_atomic_counter_destroy(&counter);
    int blocked = 9;
    zmq_threadclose(zmq_threadstart(blocks_signals, &blocked));
    say("signals of a thread", "%d", blocked);
}

static void clocks(void)
{
    void *watch = zmq_stopwatch_start();
    const struct timespec wait = {.tv_nsec = 20000000};
    nanosleep(&wait, NULL);
    const unsigned long first = zmq_stopwatch_intermediate(watch);
    zmq_sleep(1);
    const unsigned long last = zmq_stopwatch_stop(watch);
    say("a stopwatch", "%d %d %d", first >= 20000, last >= first + 1000000, last < 60000000);
}

int main(void)
{
    texts_of_errors();
    capabilities();
    z85();
    keys();
    counters();
    threads();
    clocks();
    return 0;
}
