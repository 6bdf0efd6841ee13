#include "fork.h"

#include <pthread.h>

static pthread_once_t fork_once = PTHREAD_ONCE_INIT;
static bool fork_watched;
atomic_uint zmtp__fork_count;

static void fork_in_child(void)
{
    atomic_fetch_add_explicit(&zmtp__fork_count, 1, memory_order_relaxed);
}

static void fork_register(void)
{
    fork_watched = pthread_atfork(NULL, NULL, fork_in_child) == 0;
}

bool zmtp__fork_watch(void)
{
    return pthread_once(&fork_once, fork_register) == 0 && fork_watched;
}
