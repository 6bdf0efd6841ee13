#include "regions.h"

#include <string.h>

#include "../core/error.h"
#include "transport.h"

enum { REGIONS_SPACE_MIN = 16 };

void regions_init(struct regions *regions, const struct zmtp_allocator *allocator)
{
    *regions = (struct regions){.allocator = allocator ? allocator : zmtp_heap()};
}

static void region_free(const struct regions *regions, struct region *region)
{
    garden_arena_fini(&region->arena);
    zmtp_free(regions->allocator, region, sizeof *region);
}

void regions_fini(struct regions *regions)
{
    for (size_t i = 0; i < regions->count; i++)
        region_free(regions, regions->items[i]);
    zmtp_free(regions->allocator, regions->items, regions->space * sizeof(struct region *));
    *regions = (struct regions){0};
}

// |regions->count| when there is none.
static size_t regions_place(const struct regions *regions, struct garden_uuid id)
{
    size_t i = 0;
    while (i < regions->count && !garden_uuid_equal(regions->items[i]->id, id))
        i++;
    return i;
}

struct region *regions_find(const struct regions *regions, struct garden_uuid id)
{
    const size_t place = regions_place(regions, id);
    return place < regions->count ? regions->items[place] : NULL;
}

static int regions_unknown(struct garden_uuid id, struct garden_error *error)
{
    char text[GARDEN_UUID_TEXT_SIZE + 1];
    garden_uuid_format(id, text);
    return garden__fail(error, GARDEN_ERR_NOT_FOUND, "there is no region %s", text);
}

// ---- Create, delete, move

static bool region_keep(struct region *region, struct garden_text *to, struct garden_text from)
{
    char *copy = garden_arena_alloc(&region->arena, from.size + 1, 1);
    if (!copy) return false;
    if (from.size > 0) memcpy(copy, from.data, from.size);
    *to = (struct garden_text){.data = copy, .size = from.size};
    return true;
}

static bool region_keep_behavior(struct region *region, const struct garden_behavior *from)
{
    struct garden_behavior *to = &region->behavior;
    to->kind = from->kind;
    switch (from->kind) {
    case GARDEN_BEHAVIOR_PLAY_CONTENT:
        return region_keep(region, &to->play_content.artifact_id, from->play_content.artifact_id);
    case GARDEN_BEHAVIOR_LATENT:
        region->latent = LATENT_PENDING;
        return region_keep(region, &to->latent.job_id, from->latent.job_id) &&
               region_keep(region, &region->job_id, from->latent.job_id);
    case GARDEN_BEHAVIOR_APPLY_PROCESSING: {
        const struct garden_curve_point_list *curve = &from->apply_processing.curve;
        struct garden_curve_point *points =
            garden_arena_alloc(&region->arena, curve->count, sizeof *points);
        if (!points) return false;
        if (curve->count > 0) memcpy(points, curve->items, curve->count * sizeof *points);
        to->apply_processing.curve =
            (struct garden_curve_point_list){.items = points, .count = curve->count};
        return region_keep(region, &to->apply_processing.parameter,
                           from->apply_processing.parameter);
    }
    case GARDEN_BEHAVIOR_EMIT_TRIGGER:
        return region_keep(region, &to->emit_trigger.event_type, from->emit_trigger.event_type);
    }
    return false;
}

static int regions_memory(const struct region *region, struct garden_error *error)
{
    if (region->arena.error == GARDEN_ERR_LIMIT)
        return garden__fail(error, GARDEN_ERR_LIMIT, "a region holds at most %d octets of texts",
                            REGION_MEMORY_MAX);
    return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a region");
}

static int regions_check_place(double position, double duration, struct garden_error *error)
{
    if (transport_beat_ok(position) && transport_beat_ok(duration)) return GARDEN_OK;
    return garden__fail(error, GARDEN_ERR_RANGE,
                        "a region's position and duration must be from 0 to %.0f beats",
                        TRANSPORT_BEAT_MAX);
}

static bool regions_grow(struct regions *regions)
{
    if (regions->count < regions->space) return true;
    const size_t space = regions->space ? regions->space * 2 : REGIONS_SPACE_MIN;
    struct region **items = zmtp_realloc(regions->allocator, regions->items,
                                         regions->space * sizeof *items, space * sizeof *items);
    if (!items) return false;
    regions->items = items;
    regions->space = space;
    return true;
}

int regions_create(struct regions *regions, struct garden_uuid id,
                   const struct garden_shell_request_create_region *request,
                   struct garden_error *error)
{
    const int result = regions_check_place(request->position, request->duration, error);
    if (result < 0) return result;
    if (regions->count == REGIONS_MAX)
        return garden__fail(error, GARDEN_ERR_LIMIT, "there are %d regions already: delete some",
                            REGIONS_MAX);
    struct region *region =
        regions_grow(regions) ? zmtp_alloc(regions->allocator, sizeof *region) : NULL;
    if (!region) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a region");
    *region =
        (struct region){.id = id, .position = request->position, .duration = request->duration};
    garden_arena_init(&region->arena, regions->allocator, REGION_MEMORY_MAX);
    if (!region_keep_behavior(region, &request->behavior)) {
        const int code = regions_memory(region, error);
        region_free(regions, region);
        return code;
    }
    regions->items[regions->count++] = region;
    return GARDEN_OK;
}

int regions_delete(struct regions *regions, struct garden_uuid id, struct garden_error *error)
{
    const size_t place = regions_place(regions, id);
    if (place == regions->count) return regions_unknown(id, error);
    region_free(regions, regions->items[place]);
    regions->count--;
    memmove(&regions->items[place], &regions->items[place + 1],
            (regions->count - place) * sizeof regions->items[0]);
    return GARDEN_OK;
}

int regions_move(struct regions *regions, struct garden_uuid id, double position,
                 struct garden_error *error)
{
    struct region *region = regions_find(regions, id);
    if (!region) return regions_unknown(id, error);
    const int result = regions_check_place(position, region->duration, error);
    if (result == GARDEN_OK) region->position = position;
    return result;
}

// ---- The latent ones

static const unsigned latent_moves[] = {
    [LATENT_NONE] = 0,
    [LATENT_PENDING] = 1u << LATENT_RUNNING | 1u << LATENT_FAILED,
    [LATENT_RUNNING] = 1u << LATENT_RESOLVED | 1u << LATENT_FAILED,
    [LATENT_RESOLVED] = 1u << LATENT_APPROVED | 1u << LATENT_REJECTED,
    [LATENT_APPROVED] = 0,
    [LATENT_REJECTED] = 0,
    [LATENT_FAILED] = 0,
};

const char *latent_state_name(enum latent_state state)
{
    switch (state) {
    case LATENT_NONE:
        return "not latent";
    case LATENT_PENDING:
        return "pending";
    case LATENT_RUNNING:
        return "running";
    case LATENT_RESOLVED:
        return "resolved";
    case LATENT_APPROVED:
        return "approved";
    case LATENT_REJECTED:
        return "rejected";
    case LATENT_FAILED:
        return "failed";
    }
    return "unknown";
}

static int latent_refuse(const struct region *region, const char *move, struct garden_error *error)
{
    char text[GARDEN_UUID_TEXT_SIZE + 1];
    garden_uuid_format(region->id, text);
    return garden__fail(error, GARDEN_ERR_STATE, "region %s is %s: it cannot become %s", text,
                        latent_state_name(region->latent), move);
}

// The region that may become |next|, with room for the event that tells of it.
static int latent_begin(const struct regions *regions, struct garden_uuid id,
                        enum latent_state next, struct changes *changes, struct region **out,
                        struct garden_error *error)
{
    *out = regions_find(regions, id);
    if (!*out) return regions_unknown(id, error);
    if (!(latent_moves[(*out)->latent] >> next & 1u))
        return latent_refuse(*out, latent_state_name(next), error);
    if (!changes_reserve(changes, 1))
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for an event");
    return GARDEN_OK;
}

int regions_latent_started(struct regions *regions,
                           const struct garden_shell_request_update_latent_started *request,
                           struct changes *changes, struct garden_error *error)
{
    struct region *region;
    const int result =
        latent_begin(regions, request->region_id, LATENT_RUNNING, changes, &region, error);
    if (result < 0) return result;
    if (!region_keep(region, &region->job_id, request->job_id))
        return regions_memory(region, error);
    region->latent = LATENT_RUNNING;
    region->progress = 0;
    const struct garden_event event = {
        .kind = GARDEN_EVENT_LATENT_SUBMITTED,
        .latent_submitted = {.region_id = region->id, .job_id = region->job_id},
    };
    changes_add(changes, &event);
    return GARDEN_OK;
}

int regions_latent_progress(struct regions *regions,
                            const struct garden_shell_request_update_latent_progress *request,
                            struct changes *changes, struct garden_error *error)
{
    struct region *region = regions_find(regions, request->region_id);
    if (!region) return regions_unknown(request->region_id, error);
    if (region->latent != LATENT_RUNNING) return latent_refuse(region, "further", error);
    // Written so that a NaN fails it, too.
    if (!(request->progress >= 0 && request->progress <= 1))
        return garden__fail(error, GARDEN_ERR_RANGE, "progress must be from 0 to 1");
    if (!changes_reserve(changes, 1))
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for an event");
    region->progress = request->progress;
    const struct garden_event event = {
        .kind = GARDEN_EVENT_LATENT_PROGRESS,
        .latent_progress = {.region_id = region->id, .progress = region->progress},
    };
    changes_add(changes, &event);
    return GARDEN_OK;
}

int regions_latent_resolved(struct regions *regions, struct garden_time now,
                            const struct garden_shell_request_update_latent_resolved *request,
                            struct changes *changes, struct garden_error *error)
{
    struct region *region;
    const int result =
        latent_begin(regions, request->region_id, LATENT_RESOLVED, changes, &region, error);
    if (result < 0) return result;
    struct garden_text artifact, hash;
    if (!region_keep(region, &artifact, request->artifact_id) ||
        !region_keep(region, &hash, request->content_hash))
        return regions_memory(region, error);
    region->latent = LATENT_RESOLVED;
    region->progress = 1;
    region->artifact_id = artifact;
    region->content_hash = hash;
    region->content_type = request->content_type;
    region->resolved_at = now;
    const struct garden_event event = {
        .kind = GARDEN_EVENT_LATENT_RESOLVED,
        .latent_resolved = {.region_id = region->id, .artifact_id = artifact, .content_hash = hash},
    };
    changes_add(changes, &event);
    return GARDEN_OK;
}

int regions_latent_failed(struct regions *regions,
                          const struct garden_shell_request_update_latent_failed *request,
                          struct changes *changes, struct garden_error *error)
{
    struct region *region;
    const int result =
        latent_begin(regions, request->region_id, LATENT_FAILED, changes, &region, error);
    if (result < 0) return result;
    if (!region_keep(region, &region->error, request->error)) return regions_memory(region, error);
    region->latent = LATENT_FAILED;
    const struct garden_event event = {
        .kind = GARDEN_EVENT_LATENT_FAILED,
        .latent_failed = {.region_id = region->id, .error = region->error},
    };
    changes_add(changes, &event);
    return GARDEN_OK;
}

int regions_latent_approve(struct regions *regions, struct garden_time now,
                           const struct garden_shell_request_approve_latent *request,
                           struct changes *changes, struct garden_error *error)
{
    struct region *region;
    const int result =
        latent_begin(regions, request->region_id, LATENT_APPROVED, changes, &region, error);
    if (result < 0) return result;
    region->latent = LATENT_APPROVED;
    region->decided_by = request->decided_by;
    region->decided_at = now;
    const struct garden_event event = {.kind = GARDEN_EVENT_LATENT_APPROVED,
                                       .latent_approved = {.region_id = region->id}};
    changes_add(changes, &event);
    return GARDEN_OK;
}

int regions_latent_reject(struct regions *regions, struct garden_time now,
                          const struct garden_shell_request_reject_latent *request,
                          struct changes *changes, struct garden_error *error)
{
    struct region *region;
    const int result =
        latent_begin(regions, request->region_id, LATENT_REJECTED, changes, &region, error);
    if (result < 0) return result;
    if (request->has_reason && !region_keep(region, &region->reason, request->reason))
        return regions_memory(region, error);
    region->latent = LATENT_REJECTED;
    region->decided_by = request->decided_by;
    region->decided_at = now;
    region->has_reason = request->has_reason;
    const struct garden_event event = {
        .kind = GARDEN_EVENT_LATENT_REJECTED,
        .latent_rejected = {.region_id = region->id,
                            .has_reason = region->has_reason,
                            .reason = region->reason},
    };
    changes_add(changes, &event);
    return GARDEN_OK;
}

// ---- Reading

// Whether [position, position + duration) meets [start, end), where one without length is the beat
// that it begins at.
static bool region_overlaps(const struct region *region, double start, double end)
{
    if (region->position >= end && region->position > start) return false;
    return region->position >= start || region->position + region->duration > start;
}

static void region_summarise(const struct region *region, struct garden_region_summary *out)
{
    const bool plays = region->behavior.kind == GARDEN_BEHAVIOR_PLAY_CONTENT;
    *out = (struct garden_region_summary){
        .region_id = region->id,
        .position = region->position,
        .duration = region->duration,
        .is_latent = region->latent != LATENT_NONE,
        .has_artifact_id = plays || region->artifact_id.data != NULL,
        .artifact_id = plays ? region->behavior.play_content.artifact_id : region->artifact_id,
    };
}

int regions_list(const struct regions *regions, const struct garden_range *range,
                 struct garden_arena *arena, struct garden_region_summary_list *out,
                 struct garden_error *error)
{
    *out = (struct garden_region_summary_list){0};
    if (range && !(range->start <= range->end))
        return garden__fail(error, GARDEN_ERR_RANGE, "a range must not end before it starts");
    out->items = garden_arena_alloc(arena, regions->count, sizeof *out->items);
    if (!out->items) return garden__fail(error, arena->error, "no memory for a list of regions");
    for (size_t i = 0; i < regions->count; i++)
        if (!range || region_overlaps(regions->items[i], range->start, range->end))
            region_summarise(regions->items[i], &out->items[out->count++]);
    return GARDEN_OK;
}

int regions_pending(const struct regions *regions, struct garden_arena *arena,
                    struct garden_pending_approval_list *out, struct garden_error *error)
{
    *out = (struct garden_pending_approval_list){0};
    out->items = garden_arena_alloc(arena, regions->count, sizeof *out->items);
    if (!out->items) return garden__fail(error, arena->error, "no memory for a list of approvals");
    for (size_t i = 0; i < regions->count; i++) {
        const struct region *region = regions->items[i];
        if (region->latent != LATENT_RESOLVED) continue;
        out->items[out->count++] = (struct garden_pending_approval){
            .region_id = region->id,
            .artifact_id = region->artifact_id,
            .content_hash = region->content_hash,
            .content_type = region->content_type,
            .resolved_at = region->resolved_at,
        };
    }
    return GARDEN_OK;
}

// ---- The playhead

int regions_sweep(struct regions *regions, double from, double to, struct changes *changes)
{
    for (size_t i = 0; i < regions->count; i++) {
        struct region *region = regions->items[i];
        if (region->latent != LATENT_APPROVED) continue;
        const bool met = region_overlaps(region, from, to);
        if (met && !region->entered) {
            if (!changes_reserve(changes, 1)) return GARDEN_ERR_MEMORY;
            const struct garden_event event = {
                .kind = GARDEN_EVENT_MIXED_IN,
                .mixed_in = {.region_id = region->id,
                             .at_beat = region->position > from ? region->position : from},
            };
            changes_add(changes, &event);
        }
        // Inside until the way has passed its end.
        region->entered = met && region->position + region->duration > to;
    }
    return GARDEN_OK;
}

void regions_leave(struct regions *regions)
{
    for (size_t i = 0; i < regions->count; i++)
        regions->items[i]->entered = false;
}
