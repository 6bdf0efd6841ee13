// Signals of a call that looks for a while before it sleeps. One that comes meanwhile is kept for the sleep, and ends that
// with EINTR, as it would have ended one that had begun at once: its handler may have said that the program is to end.
#ifndef ZMTP_COMPAT_SIGNALS_H
#define ZMTP_COMPAT_SIGNALS_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>

// |before| is what the sleep lets in, and goes to zmq__signals_release. What the processor itself raises cannot wait.
static inline void zmq__signals_hold(sigset_t *before)
{
    static const int own[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
    sigset_t held;
    sigfillset(&held);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        sigdelset(&held, own[i]);
    (void)pthread_sigmask(SIG_BLOCK, &held, before); // nothing can be wrong with them
}

// Has one of those come that is let in? Its handler has run then. One that is ignored comes to nothing here, too.
static inline bool zmq__signals_came(const sigset_t *before)
{
    static const struct timespec no_time;
    return ppoll(NULL, 0, &no_time, before) < 0; // with EINTR
}

static inline void zmq__signals_release(const sigset_t *before)
{
    (void)pthread_sigmask(SIG_SETMASK, before, NULL);
}

#endif
