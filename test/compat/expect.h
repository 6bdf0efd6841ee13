// For the programs that know themselves what is right: each line is a case that was as expected, or is not.
#ifndef TEST_COMPAT_EXPECT_H
#define TEST_COMPAT_EXPECT_H

#include "say.h"

// Was it built with a sanitizer, and with that of threads, whose programs cannot start threads after a fork?
#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined __SANITIZE_THREAD__ || __has_feature(thread_sanitizer)
enum { SANITIZED = 1, THREADS_SANITIZED = 1 };
#elif defined __SANITIZE_ADDRESS__ || __has_feature(address_sanitizer) ||                          \
    __has_feature(memory_sanitizer)
enum { SANITIZED = 1, THREADS_SANITIZED = 0 };
#else
enum { SANITIZED = 0, THREADS_SANITIZED = 0 };
#endif

// What a program may end with: was all as expected?
static int expect_status;

static inline void expect(const char *name, int line, int ok)
{
    if (ok) {
        say(name, "as expected");
        return;
    }
    expect_status = 1;
    say(name, "line %d: %s", line, error_word(zmq_errno()));
}
#define EXPECT(name, condition) expect(name, __LINE__, condition)
#define FAILS(name, call, error)                                                                   \
    expect(name, __LINE__, (errno = 0, (call) == -1 && errno == (error) && zmq_errno() == (error)))
#define IS_NULL(name, call, error)                                                                 \
    expect(name, __LINE__, (errno = 0, !(call) && errno == (error) && zmq_errno() == (error)))

#endif
