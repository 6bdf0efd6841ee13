// Makes a listening descriptor for an endpoint, or says in words why there is none.
#ifndef ZMTP_IO_BIND_H
#define ZMTP_IO_BIND_H

#include <sys/types.h>

#include "uv_socket.h"

struct zmtp__bound {
    int fd;
    const char *option; // of the config, that the system refused; null: none
    bool has_path;      // a file that goes with the listener
    dev_t device;
    ino_t inode;
    char endpoint[ZMTP_ENDPOINT_MAX]; // with the real port
};

int zmtp__bind(struct zmtp_uv_socket *socket, const char *text,
               const struct zmtp_endpoint *endpoint, struct zmtp__bound *out);
// Removes the path of an ipc endpoint, if it is still the same file.
void zmtp__bind_unlink(const char *endpoint, dev_t device, ino_t inode);

#endif
