// What ffi.h promises, of whichever library this is linked with: the real one, or the mock. Each line is a promise
// that was kept, or not, in TAP.
#include <stdio.h>
#include <string.h>

#include "contract.h"

// What test_flat.py asks for beside: the manifest; what an old libuv leads to.
static int tell(const char *what)
{
    if (strcmp(what, "--manifest") == 0) {
        fputs(zmtp_ffi_manifest(), stdout);
        return 0;
    }
    printf("%s %s\n", zmtp_ffi_code_name(zmtp_ffi_check()),
           zmtp_ffi_code_name((int32_t)zmtp_ffi_context_open()));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1) return tell(argv[1]);
    check_calls();
    check_waits();
    return check_end();
}
