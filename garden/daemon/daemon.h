// The daemon as a whole: opens everything in order, hands requests to whom they concern, and closes
// everything in order.
#ifndef GARDEN_DAEMON_DAEMON_H
#define GARDEN_DAEMON_DAEMON_H

#include "options.h"

// Runs until it is asked to stop. Returns the exit status; a failure has been told on stderr.
int daemon_run(struct options *options);

#endif
