// A set of hashes: of those that were met, when there may be very many. One of all zeros is no object's, and counts as
// met always.
#ifndef GARDEN_TOOLS_HASHES_H
#define GARDEN_TOOLS_HASHES_H

#include "../store.h"

struct hashes {
    struct garden_hash *places; // empty ones are all zeros
    size_t count, space;
};

// 1: it is new; 0: it was met; GARDEN_ERR_MEMORY.
int hashes_add(struct hashes *hashes, const struct garden_hash *hash);
void hashes_fini(struct hashes *hashes);

#endif
