// Bodies that a program lends the library with zmq_msg_init_data, and how they are given back: by the function that it
// named, once, when the last message that has it is done with. The program may hold any lock of its own around its
// calls, and that function may take it. So it is called
//
//     - by zmq_msg_close, zmq_recv and the like on their own thread, for what the program itself lets go of,
//     - else, when a call or the watch lets go of what was sent, by a thread of the context's that does nothing else.
//
// Never is a lock of the library's held then, nor is anything waiting for that thread but the context's end.
#ifndef ZMTP_COMPAT_LOAN_H
#define ZMTP_COMPAT_LOAN_H

#include "loop.h"

#include "../msg.h"

struct zmq__loan;

struct zmq__reaper {
    pthread_mutex_t mutex; // a leaf: nothing is called under it
    pthread_cond_t woken;
    struct zmq__loan *first, *last; // to be given back
    pthread_t thread;
    bool running, sleeping, ending;
    atomic_size_t waiting;          // octets, of those that are not given back yet
    struct zmq__loop_config config; // of the thread, which starts with the first loan
    cpu_set_t cpus;
};

void zmq__reaper_init(struct zmq__reaper *reaper);
// Before anything is lent: how its thread is to be started.
void zmq__reaper_configure(struct zmq__reaper *reaper, const struct zmq__loop_config *config);
// Who lends faster than it can be given back waits a moment, without a lock.
void zmq__reaper_ease(const struct zmq__reaper *reaper);
// Waits until all is given back. Nobody is inside of a socket of the context any more.
void zmq__reaper_close(struct zmq__reaper *reaper);

// |part|, which held nothing, refers to |data|. ZMTP_ERR_MEMORY, ZMTP_ERR_ARGUMENT: it is still the caller's.
int zmq__loan_open(struct zmtp_part *part, void *data, size_t size,
                   void (*give_back)(void *data, void *hint), void *hint);
// Was |part| lent, or is it somebody's else that is referred to?
bool zmq__loan_is(const struct zmtp_part *part);

#endif
