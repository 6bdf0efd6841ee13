// What the files of the contract's test share.
#ifndef TEST_FFI_CONTRACT_H
#define TEST_FFI_CONTRACT_H

#include <stdbool.h>
#include <stdint.h>

#include "../../zmtp/ffi.h"

enum { SOON_MS = 10000, LITTLE_MS = 30 };

// One promise, kept or not.
void check(bool ok, const char *name, int line);
#define CHECK(name, condition) check(condition, name, __LINE__)
void check_skip(const char *name, const char *why);
int check_end(void); // the exit status

int64_t now_ms(void);
// A handle; if it is none, that is a promise not kept.
uint64_t opened(int64_t handle, int line);
#define OPENED(handle) opened(handle, __LINE__)
const char *endpoint_of(uint64_t socket); // until it is called again

struct two {
    uint64_t context, binder, dialler;
};
struct two join_over(int32_t binder, int32_t dialler, const char *endpoint);
struct two join(int32_t binder, int32_t dialler);
bool send_text(uint64_t socket, const char *text, int32_t more);
bool hears(uint64_t socket, const char *text);

void check_calls(void);
void check_waits(void);

#endif
