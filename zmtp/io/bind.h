// Makes a listening descriptor for an endpoint, or says in words why there is none. bind.c does tcp and
// vsock, and udp, where nothing listens; bind_ipc.c does what has a path.
#ifndef ZMTP_IO_BIND_H
#define ZMTP_IO_BIND_H

#include <sys/types.h>

#include "address.h"
#include "uv_socket.h"

// The file that an ipc listener made, to know later whether it is still ours.
struct zmtp__bound_path {
    bool there;
    bool folder; // its folder was made for it alone
    dev_t device;
    ino_t inode;
};

struct zmtp__bound {
    int fd;
    bool inherits; // what it accepts has from it what makes octets move without waits, as of tcp
    bool given;    // |fd| is the program's, until it is listened at
    const char *option; // of the config, that the system refused; null: none
    struct zmtp__bound_path path;
    char endpoint[ZMTP_ENDPOINT_MAX]; // with the real port or path
};

int zmtp__bind(struct zmtp_uv_socket *socket, const char *text,
               const struct zmtp_endpoint *endpoint, struct zmtp__bound *out);
// Removes the path of an ipc endpoint, if it is still the same file, and the folder that it lies in alone.
void zmtp__bind_unlink(const char *endpoint, const struct zmtp__bound_path *path);

// What one bind works on; for the two files.
struct zmtp__bind_job {
    struct zmtp_uv_socket *socket; // for its config, and the words of a failure
    const char *text;              // as the user gave it
    const struct zmtp_endpoint *endpoint;
    struct zmtp__bound *out;
};

int zmtp__bind_ipc(const struct zmtp__bind_job *job);
// A descriptor with the socket's options, not bound yet; -1: errno tells why not.
int zmtp__bind_socket(const struct zmtp__bind_job *job, const struct zmtp__address *address);
bool zmtp__bind_listen(const struct zmtp__bind_job *job, int fd);
// Closes, and leaves errno as it is.
void zmtp__bind_close(int fd);
// Puts errno into words.
int zmtp__bind_fail(const struct zmtp__bind_job *job);

#endif
