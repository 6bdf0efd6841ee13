#include "origin.h"

#include <string.h>

// Messages take their references from a stock, so that most of them cost no atomic write.
enum { ORIGIN_STOCK = 256 };

static struct zmtp__origin *origin_of(const struct zmtp_origin *told)
{
    return (struct zmtp__origin *)(uintptr_t)told; // its first member
}

// Copies what |view| shows to |*at| and turns the view to it. One of nothing stays null.
static void origin_keep(struct zmtp_bytes *view, uint8_t **at)
{
    if (!view->data) return;
    if (view->size > 0) memcpy(*at, view->data, view->size);
    view->data = *at;
    *at += view->size;
}

struct zmtp__origin *zmtp__origin_open(const struct zmtp_origin *told, struct zmtp_part *metadata,
                                       const struct zmtp_allocator *allocator)
{
    const size_t octets = told->routing_id.size + told->public_key.size + told->user_id.size +
                          told->user_metadata.size + (metadata ? 0 : told->metadata.size) +
                          told->remote.size + told->address.size;
    const size_t size = sizeof(struct zmtp__origin) + octets;
    struct zmtp__origin *origin = zmtp_alloc(allocator, size);
    if (!origin) return NULL;
    *origin = (struct zmtp__origin){.told = *told, .allocator = allocator, .size = size};
    atomic_init(&origin->refs, 1);
    uint8_t *at = origin->octets;
    origin_keep(&origin->told.routing_id, &at);
    origin_keep(&origin->told.public_key, &at);
    origin_keep(&origin->told.user_id, &at);
    origin_keep(&origin->told.user_metadata, &at);
    if (metadata) {
        origin->metadata = *metadata;
        *metadata = (struct zmtp_part){0};
        origin->told.metadata = zmtp_part_bytes(&origin->metadata);
    } else {
        origin_keep(&origin->told.metadata, &at);
    }
    origin_keep(&origin->told.remote, &at);
    origin_keep(&origin->told.address, &at);
    return origin;
}

static void origin_add(struct zmtp__origin *origin, size_t count)
{
    atomic_fetch_add_explicit(&origin->refs, count, memory_order_relaxed);
}

static void origin_free(struct zmtp__origin *origin)
{
    zmtp_part_fini(&origin->metadata);
    zmtp_free(origin->allocator, origin, origin->size);
}

static void origin_drop(struct zmtp__origin *origin, size_t count)
{
    // The last holder needs no atomic write: nobody else can raise the count any more.
    if (atomic_load_explicit(&origin->refs, memory_order_acquire) == count ||
        atomic_fetch_sub_explicit(&origin->refs, count, memory_order_acq_rel) == count)
        origin_free(origin);
}

void zmtp__origin_ref(struct zmtp__origin *origin)
{
    origin_add(origin, 1);
}

void zmtp__origin_unref(struct zmtp__origin *origin)
{
    if (origin) origin_drop(origin, 1);
}

const struct zmtp_origin *zmtp__origin_lend(struct zmtp__origin *origin)
{
    if (origin->spare == 0) {
        origin_add(origin, ORIGIN_STOCK);
        origin->spare = ORIGIN_STOCK;
    }
    origin->spare--;
    return &origin->told;
}

void zmtp__origin_put(struct zmtp__origin *origin, struct zmtp_msg *msg)
{
    zmtp_origin_unref(msg->origin);
    msg->origin = origin ? zmtp__origin_lend(origin) : NULL;
}

void zmtp__origin_retire(struct zmtp__origin *origin)
{
    const size_t count = (size_t)origin->spare + 1;
    origin->spare = 0;
    origin->next = NULL;
    origin_drop(origin, count);
}

const struct zmtp_origin *zmtp_origin_ref(const struct zmtp_origin *origin)
{
    if (origin) origin_add(origin_of(origin), 1);
    return origin;
}

void zmtp_origin_unref(const struct zmtp_origin *origin)
{
    if (origin) origin_drop(origin_of(origin), 1);
}

static bool origin_is(const char *name, const char *known)
{
    return zmtp_property_is(&(struct zmtp_property){.name = zmtp_bytes_text(name)}, known);
}

struct zmtp_bytes zmtp_origin_property(const struct zmtp_origin *origin, const char *name)
{
    struct zmtp_bytes value = {0};
    if (!origin || !name) return value;
    // What only this side can know is never taken from what the other side says of itself.
    if (origin_is(name, "User-Id")) return origin->user_id;
    if (origin_is(name, "Peer-Address")) return origin->address;
    if (origin_is(name, "Socket-Type") && origin->type_known)
        return zmtp_bytes_text(zmtp_socket_type_name(origin->type));
    const bool routing_id = origin_is(name, "Routing-Id") || origin_is(name, "Identity");
    if (routing_id && origin->routing_id.data) return origin->routing_id;
    if (zmtp_metadata_find(origin->user_metadata, name, &value) == ZMTP_OK) return value;
    if (zmtp_metadata_find(origin->metadata, name, &value) == ZMTP_OK) return value;
    return (struct zmtp_bytes){0};
}

struct zmtp_bytes zmtp_msg_property(const struct zmtp_msg *msg, const char *name)
{
    return zmtp_origin_property(msg ? msg->origin : NULL, name);
}
