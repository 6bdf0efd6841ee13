// The service manager's side channel (sd_notify's protocol): a datagram to the socket that NOTIFY_SOCKET
// names. Without one nothing is said.
#ifndef GARDEN_DAEMON_NOTIFY_H
#define GARDEN_DAEMON_NOTIFY_H

#include <stdint.h>

// "READY=1", "STOPPING=1", "RELOADING=1", "WATCHDOG=1", "STATUS=...".
void notify_say(const char *text);
// How often the manager wants to hear WATCHDOG=1, in milliseconds; 0: never.
uint64_t notify_watchdog_ms(void);

#endif
