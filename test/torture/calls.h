// The allocations and the system calls of an engine, each of which may fail: in a program that is linked with
// calls.c and told the linker of TORTURE_CALLS (Makefile). It says itself which do.
#ifndef TEST_TORTURE_CALLS_H
#define TEST_TORTURE_CALLS_H

#include <stdbool.h>

// The program's: asked of each call, on any thread.
bool calls_allocation_fails(void);
bool calls_fail(const char *name);

// The call itself, which does not fail for us.
int __real_unlink(const char *path);

#endif
