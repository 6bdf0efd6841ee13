// gardend: the garden's daemon.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon.h"
#include "log.h"

// Takes the standard descriptors where they are closed: else a socket might get the number of one, and
// a log line with it. A source that reads such an input, and help that such an output should tell, fail as they do there.
static void main_take_descriptors(void)
{
    int file;
    do
        file = open("/dev/null", fcntl(STDIN_FILENO, F_GETFD) < 0 ? O_WRONLY : O_RDONLY);
    while (file >= 0 && file <= STDERR_FILENO);
    if (file >= 0) (void)close(file); // nothing was written
}

int main(int argc, char **argv)
{
    static struct options options; // too large for the stack
    main_take_descriptors();
    const int status = options_read(argc, argv, &options);
    if (status < 0) return daemon_run(&options);
    if (fflush(stdout) == 0 && !ferror(stdout)) return status;
    log_write(LOG_ERROR, "what it told could not be written to the standard output");
    return status > 0 ? status : 1;
}
