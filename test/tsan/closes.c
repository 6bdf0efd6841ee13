// Under the thread sanitizer, for every program and library: libuv closes descriptors by syscall(SYS_close), which the
// sanitizer does not look at. It takes the next descriptor of that number for the same one, shared by two threads,
// and tells a race where there is none. Here that call becomes close(), which it knows.
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ARGUMENTS = 6 };

long syscall(long number, ...)
{
    long (*real)(long number, ...), arguments[ARGUMENTS];
    va_list list;
    va_start(list, number);
    // As many as a call of the system can have: who gives fewer has them read from registers, and not looked at.
    for (int i = 0; i < ARGUMENTS; i++)
        arguments[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_close) return close((int)arguments[0]);
    *(void **)&real = dlsym(RTLD_NEXT, "syscall");
    return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                arguments[5]);
}
