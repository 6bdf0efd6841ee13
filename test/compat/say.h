// For the programs that are built with libzmq and with the drop-in, and must print the same. A line is a case,
// a colon, and what was seen; the runner compares case by case.
#ifndef TEST_COMPAT_SAY_H
#define TEST_COMPAT_SAY_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

static inline void say(const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("%s: ", name);
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    fflush(stdout); // so that a crash is seen where it is
}

static inline const char *error_word(int error)
{
    static const struct {
        int error;
        const char *word;
    } words[] = {{EFAULT, "EFAULT"},
                 {EINVAL, "EINVAL"},
                 {EAGAIN, "EAGAIN"},
                 {ENOMEM, "ENOMEM"},
                 {EINTR, "EINTR"},
                 {ENOTSOCK, "ENOTSOCK"},
                 {ENOTSUP, "ENOTSUP"},
                 {EMFILE, "EMFILE"},
                 {EBADF, "EBADF"},
                 {ENOENT, "ENOENT"},
                 {ENODEV, "ENODEV"},
                 {EADDRINUSE, "EADDRINUSE"},
                 {EADDRNOTAVAIL, "EADDRNOTAVAIL"},
                 {ECONNREFUSED, "ECONNREFUSED"},
                 {EHOSTUNREACH, "EHOSTUNREACH"},
                 {EPROTONOSUPPORT, "EPROTONOSUPPORT"},
                 {ENAMETOOLONG, "ENAMETOOLONG"},
                 {EMSGSIZE, "EMSGSIZE"},
                 {EPROTO, "EPROTO"},
                 {ENOTCONN, "ENOTCONN"},
                 {EFSM, "EFSM"},
                 {ENOCOMPATPROTO, "ENOCOMPATPROTO"},
                 {ETERM, "ETERM"},
                 {EMTHREAD, "EMTHREAD"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].error == error) return words[i].word;
    static char number[16];
    snprintf(number, sizeof number, "%d", error);
    return number;
}

// What a call returned, and if it failed, why: in both places that tell it.
static inline void say_result(const char *name, int result)
{
    const int libc = errno, own = zmq_errno();
    if (result >= 0)
        say(name, "%d", result);
    else
        say(name, "%d %s %s", result, error_word(libc), error_word(own));
}

static inline void say_pointer(const char *name, const void *pointer)
{
    const int error = zmq_errno();
    if (pointer)
        say(name, "something");
    else
        say(name, "null %s", error_word(error));
}

static inline void say_octets(const char *name, const void *data, size_t size)
{
    const unsigned char *at = data;
    printf("%s: %zu ", name, size);
    for (size_t i = 0; i < size && i < 64; i++)
        printf("%02x", at[i]);
    printf("\n");
}

#endif
