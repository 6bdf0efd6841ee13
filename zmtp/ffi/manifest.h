// The manifest's rows, which rows.c has.
#ifndef ZMTP_FFI_MANIFEST_H
#define ZMTP_FFI_MANIFEST_H

#include "../ffi.h"

extern const struct zmtp__ffi_constant {
    const char *name;
    int64_t value;
} zmtp__ffi_constants[];
extern const int32_t zmtp__ffi_constants_count;

extern const struct zmtp__ffi_function {
    const char *name, *signature, *arguments;
} zmtp__ffi_functions[], zmtp__ffi_mocks[]; // the second: of mock.h
extern const int32_t zmtp__ffi_functions_count, zmtp__ffi_mocks_count;

#endif
