#include "hoard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

bool hoard_allowed(rlim_t count)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur >= count) return true;
    if (limit.rlim_max < count) {
        print_message("no more than %llu descriptors are allowed here\n",
                      (unsigned long long)limit.rlim_max);
        return false;
    }
    limit.rlim_cur = count;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

void hoard_all(struct hoard *hoard)
{
    hoard->count = 0;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &hoard->limit), 0);
    const int next = dup(0);
    close(next);
    struct rlimit low = hoard->limit;
    low.rlim_cur = (rlim_t)next + 8;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    for (int fd; (fd = dup(0)) >= 0;) {
        assert_true(hoard->count < 64);
        hoard->fds[hoard->count++] = fd;
    }
}

void hoard_release(struct hoard *hoard)
{
    while (hoard->count > 0)
        close(hoard->fds[--hoard->count]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &hoard->limit), 0);
}
