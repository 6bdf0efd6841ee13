// A test program's report is read through a pipe. Written line by line, it also tells how far a test
// came that crashed or hung.
#include <stdio.h>

static void __attribute__((constructor)) output_by_lines(void)
{
    (void)setvbuf(stdout, NULL, _IOLBF, 0); // a refusal only costs that hint
}
