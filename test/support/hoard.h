// Takes every descriptor that the process may have, so that there are none left; and gives them back.
#ifndef TEST_SUPPORT_HOARD_H
#define TEST_SUPPORT_HOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>

struct hoard {
    struct rlimit limit;
    int fds[64];
    size_t count;
};

// May the process have |count| descriptors, if need be more than it was started with? Else a test of many is skipped.
bool hoard_allowed(rlim_t count);
void hoard_all(struct hoard *hoard);
void hoard_release(struct hoard *hoard);

#endif
