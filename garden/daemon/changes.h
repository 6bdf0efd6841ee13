// What an operation on the daemon's state has changed, as the events that tell of it, in order. The
// state's modules do no I/O: they fill such a list, and the caller publishes it. An operation that
// fails adds nothing and changes nothing.
#ifndef GARDEN_DAEMON_CHANGES_H
#define GARDEN_DAEMON_CHANGES_H

#include "../wire.h"

struct changes {
    struct garden_arena arena; // of texts that the state no longer has
    struct garden_event *events;
    size_t count, space;
};
void changes_init(struct changes *changes);
void changes_fini(struct changes *changes);
void changes_clear(struct changes *changes);

// Makes room for |count| more, so that adding them cannot fail. False: no memory.
bool changes_reserve(struct changes *changes, size_t count);
// There must be room. Texts of |event| have to live until the list is published.
void changes_add(struct changes *changes, const struct garden_event *event);
// A copy of |text| that lives as long as the list. False: no memory.
bool changes_keep(struct changes *changes, struct garden_text *text);

#endif
