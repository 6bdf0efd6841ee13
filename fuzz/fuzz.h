// What a fuzz target offers: libFuzzer calls it, and so does the standalone replay.
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

// Returns 0. A finding is a crash: a failed check, or what a sanitizer sees.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
