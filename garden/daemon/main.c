// gardend: the garden's daemon.
#include "daemon.h"

int main(int argc, char **argv)
{
    struct options options;
    const int status = options_read(argc, argv, &options);
    return status >= 0 ? status : daemon_run(&options);
}
