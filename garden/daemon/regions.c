#include "regions.h"

#include <string.h>

#include "../core/error.h"
#include "transport.h"

static void region_free(const struct zmtp_allocator *allocator, struct table_row *row)
{
    struct region *region = (struct region *)row;
    zmtp_free(allocator, region, region->size);
}

void regions_init(struct regions *regions, const struct zmtp_allocator *allocator)
{
    *regions = (struct regions){.approved_count = 0};
    table_init(&regions->table, allocator, region_free);
}

void regions_fini(struct regions *regions)
{
    table_fini(&regions->table);
    *regions = (struct regions){.approved_count = 0};
}

const struct region *regions_find(const struct regions *regions, struct garden_uuid id)
{
    return (const struct region *)table_find(&regions->table, id);
}

static int regions_unknown(struct garden_uuid id, struct garden_error *error)
{
    char text[GARDEN_UUID_TEXT_SIZE + 1];
    garden_uuid_format(id, text);
    return garden__fail(error, GARDEN_ERR_NOT_FOUND, "there is no region %s", text);
}

// ---- Create, delete, move

enum { REGION_TEXTS = 6 };

static struct garden_text *region_behavior_text(struct garden_behavior *behavior)
{
    switch (behavior->kind) {
    case GARDEN_BEHAVIOR_PLAY_CONTENT:
        return &behavior->play_content.artifact_id;
    case GARDEN_BEHAVIOR_LATENT:
        return &behavior->latent.job_id;
    case GARDEN_BEHAVIOR_APPLY_PROCESSING:
        return &behavior->apply_processing.parameter;
    case GARDEN_BEHAVIOR_EMIT_TRIGGER:
        break;
    }
    return &behavior->emit_trigger.event_type;
}

// A copy of |like| with texts and a curve of its own, all in one piece of memory.
static int region_make(const struct regions *regions, const struct region *like,
                       struct region **out, struct garden_error *error)
{
    struct region copy = *like;
    struct garden_text *const texts[REGION_TEXTS] = {region_behavior_text(&copy.behavior),
                                                     &copy.job_id,
                                                     &copy.artifact_id,
                                                     &copy.content_hash,
                                                     &copy.error,
                                                     &copy.reason};
    struct garden_curve_point_list *curve = NULL;
    if (copy.behavior.kind == GARDEN_BEHAVIOR_APPLY_PROCESSING)
        curve = &copy.behavior.apply_processing.curve;
    size_t size =
        curve ? curve->count * sizeof *curve->items : 0; // both bounded by a message's size
    for (size_t i = 0; i < REGION_TEXTS; i++)
        size += texts[i]->size + 1;
    if (size > REGION_MEMORY_MAX)
        return garden__fail(error, GARDEN_ERR_LIMIT, "a region holds at most %d octets of texts",
                            REGION_MEMORY_MAX);
    copy.size = sizeof copy + size;
    struct region *made = zmtp_alloc(regions->table.allocator, copy.size);
    if (!made) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a region");
    uint8_t *at = (uint8_t *)(made + 1);
    if (curve && curve->count > 0) {
        memcpy(at, curve->items, curve->count * sizeof *curve->items);
        curve->items = (struct garden_curve_point *)(void *)at;
        at += curve->count * sizeof *curve->items;
    }
    for (size_t i = 0; i < REGION_TEXTS; i++) {
        if (texts[i]->size > 0) memcpy(at, texts[i]->data, texts[i]->size);
        at[texts[i]->size] = 0;
        texts[i]->data = (const char *)at;
        at += texts[i]->size + 1;
    }
    *made = copy;
    *out = made;
    return GARDEN_OK;
}

// Puts what |next| says in the place of |old|, which is gone then.
static int regions_put(struct regions *regions, const struct region *old, const struct region *next,
                       struct region **out, struct garden_error *error)
{
    const bool was_approved = old->latent == LATENT_APPROVED;
    const int result = region_make(regions, next, out, error);
    if (result < 0) return result;
    struct table_row *row = table_find(&regions->table, old->row.id);
    if (!table_replace(&regions->table, row, &(*out)->row)) {
        region_free(regions->table.allocator, &(*out)->row);
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a region");
    }
    if (!was_approved && (*out)->latent == LATENT_APPROVED) regions->approved_count++;
    return GARDEN_OK;
}

static int regions_check_place(double position, double duration, struct garden_error *error)
{
    if (transport_beat_ok(position) && transport_beat_ok(duration)) return GARDEN_OK;
    return garden__fail(error, GARDEN_ERR_RANGE,
                        "a region's position and duration must be from 0 to %.0f beats",
                        TRANSPORT_BEAT_MAX);
}

int regions_create(struct regions *regions, struct garden_uuid id,
                   const struct garden_shell_request_create_region *request,
                   struct garden_error *error)
{
    int result = regions_check_place(request->position, request->duration, error);
    if (result < 0) return result;
    if (regions->table.count == REGIONS_MAX)
        return garden__fail(error, GARDEN_ERR_LIMIT, "there are %d regions already: delete some",
                            REGIONS_MAX);
    struct region *region, like = {.row = {.id = id},
                                   .position = request->position,
                                   .duration = request->duration,
                                   .behavior = request->behavior};
    if (request->behavior.kind == GARDEN_BEHAVIOR_LATENT) {
        like.latent = LATENT_PENDING;
        like.job_id = request->behavior.latent.job_id;
    }
    result = region_make(regions, &like, &region, error);
    if (result < 0) return result;
    if (table_add(&regions->table, &region->row)) return GARDEN_OK;
    region_free(regions->table.allocator, &region->row);
    return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a region");
}

int regions_delete(struct regions *regions, struct garden_uuid id, struct garden_error *error)
{
    struct table_row *row = table_find(&regions->table, id);
    if (!row) return regions_unknown(id, error);
    const bool approved = ((const struct region *)row)->latent == LATENT_APPROVED;
    if (!table_remove(&regions->table, row))
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory to delete a region");
    if (approved) regions->approved_count--;
    return GARDEN_OK;
}

int regions_move(struct regions *regions, struct garden_uuid id, double position,
                 struct garden_error *error)
{
    const struct region *old = regions_find(regions, id);
    struct region *made;
    if (!old) return regions_unknown(id, error);
    const int result = regions_check_place(position, old->duration, error);
    if (result < 0) return result;
    struct region next = *old;
    next.position = position;
    return regions_put(regions, old, &next, &made, error);
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
    garden_uuid_format(region->row.id, text);
    return garden__fail(error, GARDEN_ERR_STATE, "region %s is %s: it cannot become %s", text,
                        latent_state_name(region->latent), move);
}

// What the region becomes as |next|, to be filled in, with room for the event that tells of it.
static int latent_begin(const struct regions *regions, struct garden_uuid id,
                        enum latent_state next, struct changes *changes, const struct region **old,
                        struct region *out, struct garden_error *error)
{
    *old = regions_find(regions, id);
    if (!*old) return regions_unknown(id, error);
    if (!(latent_moves[(*old)->latent] >> next & 1u))
        return latent_refuse(*old, latent_state_name(next), error);
    if (!changes_reserve(changes, 1))
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for an event");
    *out = **old;
    out->latent = next;
    return GARDEN_OK;
}

int regions_latent_started(struct regions *regions,
                           const struct garden_shell_request_update_latent_started *request,
                           struct changes *changes, struct garden_error *error)
{
    const struct region *old;
    struct region next, *made;
    int result =
        latent_begin(regions, request->region_id, LATENT_RUNNING, changes, &old, &next, error);
    if (result < 0) return result;
    next.job_id = request->job_id;
    next.progress = 0;
    result = regions_put(regions, old, &next, &made, error);
    if (result < 0) return result;
    const struct garden_event event = {
        .kind = GARDEN_EVENT_LATENT_SUBMITTED,
        .latent_submitted = {.region_id = made->row.id, .job_id = made->job_id},
    };
    changes_add(changes, &event);
    return GARDEN_OK;
}

int regions_latent_progress(struct regions *regions,
                            const struct garden_shell_request_update_latent_progress *request,
                            struct changes *changes, struct garden_error *error)
{
    const struct region *old = regions_find(regions, request->region_id);
    struct region *made;
    if (!old) return regions_unknown(request->region_id, error);
    if (old->latent != LATENT_RUNNING) return latent_refuse(old, "further", error);
    // Written so that a NaN fails it, too.
    if (!(request->progress >= 0 && request->progress <= 1))
        return garden__fail(error, GARDEN_ERR_RANGE, "progress must be from 0 to 1");
    if (!changes_reserve(changes, 1))
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for an event");
    struct region next = *old;
    next.progress = request->progress;
    const int result = regions_put(regions, old, &next, &made, error);
    if (result < 0) return result;
    const struct garden_event event = {
        .kind = GARDEN_EVENT_LATENT_PROGRESS,
        .latent_progress = {.region_id = made->row.id, .progress = made->progress},
    };
    changes_add(changes, &event);
    return GARDEN_OK;
}

int regions_latent_resolved(struct regions *regions, struct garden_time now,
                            const struct garden_shell_request_update_latent_resolved *request,
                            struct changes *changes, struct garden_error *error)
{
    const struct region *old;
    struct region next, *made;
    int result =
        latent_begin(regions, request->region_id, LATENT_RESOLVED, changes, &old, &next, error);
    if (result < 0) return result;
    next.progress = 1;
    next.artifact_id = request->artifact_id;
    next.content_hash = request->content_hash;
    next.content_type = request->content_type;
    next.resolved_at = now;
    result = regions_put(regions, old, &next, &made, error);
    if (result < 0) return result;
    const struct garden_event event = {
        .kind = GARDEN_EVENT_LATENT_RESOLVED,
        .latent_resolved = {.region_id = made->row.id,
                            .artifact_id = made->artifact_id,
                            .content_hash = made->content_hash},
    };
    changes_add(changes, &event);
    return GARDEN_OK;
}

int regions_latent_failed(struct regions *regions,
                          const struct garden_shell_request_update_latent_failed *request,
                          struct changes *changes, struct garden_error *error)
{
    const struct region *old;
    struct region next, *made;
    int result =
        latent_begin(regions, request->region_id, LATENT_FAILED, changes, &old, &next, error);
    if (result < 0) return result;
    next.error = request->error;
    result = regions_put(regions, old, &next, &made, error);
    if (result < 0) return result;
    const struct garden_event event = {
        .kind = GARDEN_EVENT_LATENT_FAILED,
        .latent_failed = {.region_id = made->row.id, .error = made->error},
    };
    changes_add(changes, &event);
    return GARDEN_OK;
}

int regions_latent_approve(struct regions *regions, struct garden_time now,
                           const struct garden_shell_request_approve_latent *request,
                           struct changes *changes, struct garden_error *error)
{
    const struct region *old;
    struct region next, *made;
    int result =
        latent_begin(regions, request->region_id, LATENT_APPROVED, changes, &old, &next, error);
    if (result < 0) return result;
    next.decided_by = request->decided_by;
    next.decided_at = now;
    result = regions_put(regions, old, &next, &made, error);
    if (result < 0) return result;
    const struct garden_event event = {.kind = GARDEN_EVENT_LATENT_APPROVED,
                                       .latent_approved = {.region_id = made->row.id}};
    changes_add(changes, &event);
    return GARDEN_OK;
}

int regions_latent_reject(struct regions *regions, struct garden_time now,
                          const struct garden_shell_request_reject_latent *request,
                          struct changes *changes, struct garden_error *error)
{
    const struct region *old;
    struct region next, *made;
    int result =
        latent_begin(regions, request->region_id, LATENT_REJECTED, changes, &old, &next, error);
    if (result < 0) return result;
    next.decided_by = request->decided_by;
    next.decided_at = now;
    next.has_reason = request->has_reason;
    if (request->has_reason) next.reason = request->reason;
    result = regions_put(regions, old, &next, &made, error);
    if (result < 0) return result;
    const struct garden_event event = {
        .kind = GARDEN_EVENT_LATENT_REJECTED,
        .latent_rejected = {.region_id = made->row.id,
                            .has_reason = made->has_reason,
                            .reason = made->reason},
    };
    changes_add(changes, &event);
    return GARDEN_OK;
}

// ---- Reading

bool region_overlaps(const struct region *region, double start, double end)
{
    if (region->position >= end && region->position > start) return false;
    return region->position >= start || region->position + region->duration > start;
}

bool region_artifact(const struct region *region, struct garden_text *out)
{
    const bool plays = region->behavior.kind == GARDEN_BEHAVIOR_PLAY_CONTENT;
    *out = plays ? region->behavior.play_content.artifact_id : region->artifact_id;
    return plays || region->latent == LATENT_RESOLVED || region->latent == LATENT_APPROVED ||
           region->latent == LATENT_REJECTED;
}

static void region_summarise(const struct region *region, struct garden_region_summary *out)
{
    *out = (struct garden_region_summary){
        .region_id = region->row.id,
        .position = region->position,
        .duration = region->duration,
        .is_latent = region->latent != LATENT_NONE,
    };
    out->has_artifact_id = region_artifact(region, &out->artifact_id);
}

int regions_list(const struct table_root *rows, const struct garden_range *range,
                 struct garden_arena *arena, struct garden_region_summary_list *out,
                 struct garden_error *error)
{
    struct table_cursor cursor = {0};
    const struct region *region;
    *out = (struct garden_region_summary_list){0};
    if (range && !(range->start <= range->end))
        return garden__fail(error, GARDEN_ERR_RANGE, "a range must not end before it starts");
    out->items = garden_arena_alloc(arena, table_rows(rows), sizeof *out->items);
    if (!out->items) return garden__fail(error, arena->error, "no memory for a list of regions");
    while ((region = (const struct region *)table_next(rows, &cursor)))
        if (!range || region_overlaps(region, range->start, range->end))
            region_summarise(region, &out->items[out->count++]);
    return GARDEN_OK;
}

int regions_pending(const struct table_root *rows, struct garden_arena *arena,
                    struct garden_pending_approval_list *out, struct garden_error *error)
{
    struct table_cursor cursor = {0};
    const struct region *region;
    *out = (struct garden_pending_approval_list){0};
    out->items = garden_arena_alloc(arena, table_rows(rows), sizeof *out->items);
    if (!out->items) return garden__fail(error, arena->error, "no memory for a list of approvals");
    while ((region = (const struct region *)table_next(rows, &cursor))) {
        if (region->latent != LATENT_RESOLVED) continue;
        out->items[out->count++] = (struct garden_pending_approval){
            .region_id = region->row.id,
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
    struct table_cursor cursor = {0};
    struct region *region;
    if (regions->approved_count == 0) return GARDEN_OK;
    while ((region = (struct region *)table_next(regions->table.root, &cursor))) {
        if (region->latent != LATENT_APPROVED) continue;
        const bool met = region_overlaps(region, from, to);
        if (met && !region->entered) {
            if (!changes_reserve(changes, 1)) return GARDEN_ERR_MEMORY;
            const struct garden_event event = {
                .kind = GARDEN_EVENT_MIXED_IN,
                .mixed_in = {.region_id = region->row.id,
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
    struct table_cursor cursor = {0};
    struct region *region;
    if (regions->approved_count == 0) return;
    while ((region = (struct region *)table_next(regions->table.root, &cursor)))
        region->entered = false;
}
