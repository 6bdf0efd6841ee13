#include "notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"

void notify_say(const char *text)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    if (!path || (path[0] != '/' && path[0] != '@')) return;
    const size_t size = strlen(path);
    if (size >= sizeof at.sun_path) return;
    memcpy(at.sun_path, path, size);
    if (path[0] == '@') at.sun_path[0] = '\0'; // an abstract name
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const socklen_t at_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    if (fd < 0 || sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&at, at_size) < 0)
        log_write(LOG_WARNING, "the service manager could not be told %s", text);
    if (fd >= 0) (void)close(fd); // all was said
}

uint64_t notify_watchdog_ms(void)
{
    const char *text = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    char *end;
    if (!text || (pid && strtol(pid, NULL, 10) != (long)getpid())) return 0;
    const unsigned long long us = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end) return 0;
    return us / 2000; // twice as often as it must be
}
