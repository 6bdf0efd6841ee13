// A connection of a program that knows nothing of the library.
#ifndef TEST_COMPAT_STRANGER_H
#define TEST_COMPAT_STRANGER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// To |endpoint|, a port of tcp on this machine. Its descriptor; -1: errno tells.
static inline int dial_plain(const char *endpoint)
{
    const struct sockaddr_in at = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                   .sin_port = htons((uint16_t)atoi(strrchr(endpoint, ':') + 1))};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof at) == 0) return fd;
    close(fd);
    return -1;
}

#endif
