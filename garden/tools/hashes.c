#include "hashes.h"

#include <stdlib.h>
#include <string.h>

enum { HASHES_LEAST = 512 };
static const struct garden_hash hashes_empty;

// The place of |hash|, or the empty one that it is to take: there is one. Hashes are as good as random, so their own
// octets choose.
static struct garden_hash *hashes_find(struct garden_hash *places, size_t space,
                                       const struct garden_hash *hash)
{
    size_t at;
    memcpy(&at, hash->octets, sizeof at);
    for (at %= space; !garden_hash_equal(&places[at], &hashes_empty); at = (at + 1) % space)
        if (garden_hash_equal(&places[at], hash)) break;
    return &places[at];
}

// Twice as much room, of which at most half is ever taken.
static int hashes_grow(struct hashes *hashes)
{
    const size_t space = hashes->space ? 2 * hashes->space : HASHES_LEAST;
    struct garden_hash *grown = calloc(space, sizeof *grown);
    if (!grown) return GARDEN_ERR_MEMORY;
    for (size_t i = 0; i < hashes->space; i++)
        *hashes_find(grown, space, &hashes->places[i]) = hashes->places[i];
    free(hashes->places);
    hashes->places = grown;
    hashes->space = space;
    return GARDEN_OK;
}

int hashes_add(struct hashes *hashes, const struct garden_hash *hash)
{
    if (2 * hashes->count >= hashes->space && hashes_grow(hashes) < 0) return GARDEN_ERR_MEMORY;
    struct garden_hash *place = hashes_find(hashes->places, hashes->space, hash);
    if (garden_hash_equal(place, hash)) return 0;
    *place = *hash;
    hashes->count++;
    return 1;
}

void hashes_fini(struct hashes *hashes)
{
    free(hashes->places);
    *hashes = (struct hashes){.places = NULL};
}
