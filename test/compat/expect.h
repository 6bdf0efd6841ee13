// For the programs that know themselves what is right: each line is a case that was as expected, or is not.
#ifndef TEST_COMPAT_EXPECT_H
#define TEST_COMPAT_EXPECT_H

#include "say.h"

static inline void expect(const char *name, int line, int ok)
{
    if (ok)
        say(name, "as expected");
    else
        say(name, "line %d: %s", line, error_word(zmq_errno()));
}
#define EXPECT(name, condition) expect(name, __LINE__, condition)
#define FAILS(name, call, error)                                                                   \
    expect(name, __LINE__, (errno = 0, (call) == -1 && errno == (error) && zmq_errno() == (error)))
#define IS_NULL(name, call, error)                                                                 \
    expect(name, __LINE__, (errno = 0, !(call) && errno == (error) && zmq_errno() == (error)))

#endif
