// Who was turned away before a word of the lanes was said, for the log: so many lines in a minute, then how many more
// there were, as a flood of strangers shall not fill a disk.
#ifndef GARDEN_DAEMON_STRANGERS_H
#define GARDEN_DAEMON_STRANGERS_H

#include <stdbool.h>
#include <stdint.h>

enum { STRANGERS_LINES_MAX = 10, STRANGERS_SPAN_MS = 60000 };

struct strangers { // all zero: nobody came
    uint64_t begun_ms;
    unsigned told;
    uint64_t untold;
};
// One more. Whether it has a line.
bool strangers_tell(struct strangers *strangers, uint64_t now_ms, const char *door, const char *who,
                    const char *why);
// To be called now and then, and with |last| in the end: tells of those without a line when their minute is over.
// Returns how many they were.
uint64_t strangers_look(struct strangers *strangers, uint64_t now_ms, bool last);

#endif
