// Word that the stream of a recording goes on, for those who find the recording: also while its daemon has no chunk
// open, and so no chunk's lock. It is a lock on one octet of the staging folder that the recording's name chooses; it
// makes no file, so it leaves none, and it goes with the process that holds it, however that ends. Where a file system
// knows no such locks nobody is held up by one.
#ifndef GARDEN_STORE_HOLD_H
#define GARDEN_STORE_HOLD_H

#include "../capture.h"
#include "fs.h"

// Takes it for the recording that the chunk at |path| belongs to: chunks of one are alike up to their last dot. Returns
// a descriptor to close, or -1.
int garden__hold_take(const struct garden_staging *staging, const char *path);
// Whether another has it for the recording |run|, whose chunks are in |folder|.
bool garden__hold_is_taken(const struct garden_fs *fs, int folder, const char *run);

#endif
