// For programs that see what the library asks the system for by syscall(): each call comes by their look_at_syscall. Where
// SEES_SYSCALLS is not defined they have none: under ThreadSanitizer test/tsan/closes.c has the place that is wanted.
#ifndef TEST_COMPAT_SYSCALLS_H
#define TEST_COMPAT_SYSCALLS_H

#include <sys/syscall.h>
#include <unistd.h>

#include "expect.h"

#if defined SYS_membarrier && !defined __SANITIZE_THREAD__ && !__has_feature(thread_sanitizer)
#define SEES_SYSCALLS
#include <dlfcn.h>
#include <linux/membarrier.h>
#include <stdarg.h>

static void look_at_syscall(long number, long first);

long syscall(long number, ...)
{
    long (*real)(long number, ...), arguments[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++)
        arguments[i] = va_arg(list, long);
    va_end(list);
    look_at_syscall(number, arguments[0]);
    *(void **)&real = dlsym(RTLD_NEXT, "syscall");
    return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                arguments[5]);
}
#endif

#endif
