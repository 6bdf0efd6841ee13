// gardend: the garden's daemon.
#include <fcntl.h>
#include <unistd.h>

#include "daemon.h"

// Takes the standard descriptors where they are closed: else a socket might get the number of one, and
// a log line with it.
static void main_take_descriptors(void)
{
    int file;
    do
        file = open("/dev/null", O_RDWR);
    while (file >= 0 && file <= STDERR_FILENO);
    if (file >= 0) (void)close(file); // nothing was written
}

int main(int argc, char **argv)
{
    static struct options options; // too large for the stack
    main_take_descriptors();
    const int status = options_read(argc, argv, &options);
    return status >= 0 ? status : daemon_run(&options);
}
