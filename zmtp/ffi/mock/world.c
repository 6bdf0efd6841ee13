#include "world.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct mock_world zmtp__mock_world;

static pthread_mutex_t world_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t world_once = PTHREAD_ONCE_INIT;
static pthread_cond_t world_planned;
// Under the lock: when the thread is to look again, and whether there is one.
static uint64_t world_due_ms = UINT64_MAX;
static bool world_threaded;

void zmtp__mock_unlock(void)
{
    pthread_mutex_unlock(&world_mutex);
}

static void world_before_fork(void)
{
    pthread_mutex_lock(&world_mutex);
}

static void world_begin(void)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&world_planned, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

// A child's network is empty: what the parent has there is the parent's.
static void world_begin_child(void)
{
    zmtp__mock_world = (struct mock_world){0};
    world_due_ms = UINT64_MAX;
    world_threaded = false;
    world_begin();
    zmtp__mock_unlock();
}

static void world_start(void)
{
    world_begin();
    pthread_atfork(world_before_fork, zmtp__mock_unlock, world_begin_child);
}

void zmtp__mock_lock(void)
{
    pthread_once(&world_once, world_start);
    pthread_mutex_lock(&world_mutex);
}

uint64_t zmtp__mock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void *world_tick(void *unused)
{
    (void)unused;
    zmtp__mock_lock();
    for (;;) {
        const uint64_t due_ms = world_due_ms;
        const struct timespec until = {.tv_sec = (time_t)(due_ms / 1000),
                                       .tv_nsec = (long)(due_ms % 1000 * 1000000)};
        if (due_ms == UINT64_MAX)
            pthread_cond_wait(&world_planned, &world_mutex);
        else
            (void)pthread_cond_timedwait(&world_planned, &world_mutex, &until);
        if (world_due_ms > zmtp__mock_now()) continue;
        world_due_ms = UINT64_MAX; // what is left to be done is planned anew
        zmtp__mock_run();
        zmtp__mock_ring();
    }
    return NULL;
}

void zmtp__mock_plan(uint64_t due_ms)
{
    pthread_t thread;
    if (due_ms < world_due_ms) {
        world_due_ms = due_ms;
        pthread_cond_signal(&world_planned);
    }
    if (world_threaded || pthread_create(&thread, NULL, world_tick, NULL) != 0) return;
    (void)pthread_detach(thread);
    world_threaded = true;
}

static bool world_carry(void)
{
    bool moved = false, gone;
    for (struct mock_cable **at = &zmtp__mock_world.cables; *at;) {
        struct mock_cable *const cable = *at, *const next = cable->next;
        if (zmtp__mock_cable_work(cable, &gone)) moved = true;
        if (gone)
            *at = next;
        else
            at = &cable->next;
    }
    return moved;
}

void zmtp__mock_run(void)
{
    struct zmtp__ffi_net_socket *socket;
    do {
        for (socket = zmtp__mock_world.sockets; socket; socket = socket->next) {
            if (!zmtp_socket_marked(socket->core)) continue;
            zmtp_socket_process(socket->core);
            socket->stirred = true;
        }
    } while (world_carry());
    for (socket = zmtp__mock_world.sockets; socket; socket = socket->next)
        if (zmtp_socket_marked(socket->core)) zmtp_socket_process(socket->core);
}

void zmtp__mock_ring(void)
{
    for (struct zmtp__ffi_net_socket *socket = zmtp__mock_world.sockets; socket;
         socket = socket->next) {
        if (socket->stirred && socket->bell >= 0) (void)eventfd_write(socket->bell, 1);
        socket->stirred = false;
    }
}
