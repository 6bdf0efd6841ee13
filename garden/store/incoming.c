// An object that comes piece by piece: written to a temporary file and hashed on the way, so that what is
// not what it should be never gets a name.
#include "store.h"

#include <string.h>

#include <sodium.h>

struct garden_incoming {
    struct garden_store *store;
    int file;
    char name[64]; // staged
    crypto_generichash_state hash;
};

int garden_incoming_open(struct garden_store *store, struct garden_incoming **out,
                         struct garden_error *error)
{
    int result = garden__store_writable(store, error);
    if (result != GARDEN_OK) return result;
    struct garden_incoming *incoming = zmtp_alloc(store->allocator, sizeof *incoming);
    if (incoming == NULL) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for an object");
    memset(incoming, 0, sizeof *incoming);
    incoming->store = store;
    (void)crypto_generichash_init(&incoming->hash, NULL, 0, GARDEN_HASH_SIZE); // sizes are good
    incoming->file = garden__store_temporary(store, incoming->name, error);
    if (incoming->file < 0) {
        result = incoming->file;
        zmtp_free(store->allocator, incoming, sizeof *incoming);
        return result;
    }
    *out = incoming;
    return GARDEN_OK;
}

int garden_incoming_write(struct garden_incoming *incoming, struct zmtp_bytes bytes,
                          struct garden_error *error)
{
    if (garden__fs_write_all(incoming->store->fs, incoming->file, bytes.data, bytes.size) != 0)
        return garden__fail_errno(error, "cannot write", "an object");
    (void)crypto_generichash_update(&incoming->hash, bytes.data, bytes.size);
    return GARDEN_OK;
}

int garden_incoming_seal(struct garden_incoming *incoming, const struct garden_hash *expected,
                         const char *mime_type, struct garden_hash *out, struct garden_error *error)
{
    crypto_generichash_state state = incoming->hash;
    struct garden_hash hash;
    char text[GARDEN_HASH_TEXT_SIZE];
    (void)crypto_generichash_final(&state, hash.octets, sizeof hash.octets);
    if (expected != NULL && !garden_hash_equal(&hash, expected)) {
        garden_hash_text(expected, text);
        return garden__fail(error, GARDEN_ERR_CORRUPT,
                            "object %s: its octets are not those of its name", text);
    }
    // The file is hashed again, from the disk: writing may have gone wrong unseen.
    const int result = garden__store_seal_file(incoming->store, incoming->file, incoming->name,
                                               mime_type, out, error);
    if (result != GARDEN_OK || garden_hash_equal(&hash, out)) return result;
    garden_hash_text(&hash, text);
    return garden__fail(error, GARDEN_ERR_CORRUPT,
                        "object %s: reads back different from what was written", text);
}

void garden_incoming_close(struct garden_incoming *incoming)
{
    if (incoming == NULL) return;
    const struct garden_fs *fs = incoming->store->fs;
    // Should this fail, the next opening sweeps it.
    (void)fs->unlink(fs->context, incoming->store->staging, incoming->name);
    garden__fs_close(fs, incoming->file);
    zmtp_free(incoming->store->allocator, incoming, sizeof *incoming);
}
