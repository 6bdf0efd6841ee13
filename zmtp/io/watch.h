// A descriptor that the loop watches. It lives apart from what owns it, because libuv lets go of a
// handle only later: the owner closes its watch, forgets it and may open the next one at once.
#ifndef ZMTP_IO_WATCH_H
#define ZMTP_IO_WATCH_H

#include "engine.h"

struct zmtp__watch {
    uv_poll_t poll;
    struct zmtp_uv *uv;
    void (*ready)(void *owner, int events);
    void *owner;
    int fd;
    int armed; // UV_READABLE, UV_WRITABLE: what the loop looks for now
};

// libuv ends the process when it finds no memory for its table, which has a place for each descriptor up to the largest
// that it watches. Is there memory for a loop's to hold |fd|? To be asked before that is watched for the first time.
// Another thread may take that memory meanwhile. |loop| null: for one that is not open yet.
bool zmtp__watch_affords(const uv_loop_t *loop, int fd);

// |ready| is called from the loop with UV_READABLE and UV_WRITABLE; after it the watch is not
// touched, so it may close it. Takes |fd| on ZMTP_OK; on failure it is still the caller's.
int zmtp__watch_open(struct zmtp__watch **out, struct zmtp_uv *uv, int fd,
                     void (*ready)(void *owner, int events), void *owner);
// Changing |events| costs system calls, staying the same costs none.
int zmtp__watch_want(struct zmtp__watch *watch, int events);
// Closes the descriptor too. Null is fine.
void zmtp__watch_close(struct zmtp__watch *watch);

#endif
