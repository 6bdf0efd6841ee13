// Who takes part, and what each can do.
#ifndef GARDEN_DAEMON_PARTICIPANTS_H
#define GARDEN_DAEMON_PARTICIPANTS_H

#include "changes.h"
#include "table.h"

enum {
    PARTICIPANTS_MAX = 1024,
    PARTICIPANT_CAPABILITIES_MAX = 64,
    PARTICIPANT_MEMORY_MAX = 16 * 1024
};

struct participant {
    struct table_row row;
    struct garden_participant about; // its texts live in |arena|
    bool online;                     // it has registered since the daemon started
    struct garden_arena arena;
};

struct participants {
    struct table table;
};
// |allocator| null: the heap; it bounds what strangers can make the participants hold.
void participants_init(struct participants *participants, const struct zmtp_allocator *allocator);
void participants_fini(struct participants *participants);
const struct garden_participant *participants_find(const struct participants *participants,
                                                   struct garden_uuid id);

// One that registers again comes online again, as it now is.
int participants_register(struct participants *participants, const struct garden_participant *about,
                          struct changes *changes, struct garden_error *error);
// CapabilityChanged for each capability that comes or goes.
int participants_update(struct participants *participants, struct garden_uuid id,
                        const struct garden_participant_update *update, struct changes *changes,
                        struct garden_error *error);
// All are offline until they register again: the daemon knows them from a former life. There must be no
// snapshot. GARDEN_ERR_MEMORY: some events are missing.
int participants_leave(struct participants *participants, struct changes *changes);

#endif
