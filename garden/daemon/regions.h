// The regions of the timeline, and the latent ones' way to approval. Time and ids are arguments.
//
//   Pending -> Running -> Resolved -> Approved | Rejected
//      \__________\-> Failed
//
// Every other move is an error and changes nothing.
#ifndef GARDEN_DAEMON_REGIONS_H
#define GARDEN_DAEMON_REGIONS_H

#include "changes.h"
#include "table.h"

enum { REGIONS_MAX = 128 * 1024, REGION_MEMORY_MAX = 64 * 1024 };

enum latent_state {
    LATENT_NONE, // the region is not latent
    LATENT_PENDING,
    LATENT_RUNNING,
    LATENT_RESOLVED,
    LATENT_APPROVED,
    LATENT_REJECTED,
    LATENT_FAILED
};
const char *latent_state_name(enum latent_state state);

// A row of a table, so it does not change but is replaced. Texts and curve lie behind it, in the same
// piece of memory.
struct region {
    struct table_row row;
    size_t size;               // of that piece
    double position, duration; // beats
    struct garden_behavior behavior;
    bool entered; // the playhead is inside: the loop's alone, and no part of a snapshot

    enum latent_state latent;
    struct garden_text job_id;
    float progress;
    struct garden_text artifact_id, content_hash;
    enum garden_content_type content_type;
    struct garden_time resolved_at;
    struct garden_text error;      // of a failure
    struct garden_uuid decided_by; // and when, of an approval or a rejection
    struct garden_time decided_at;
    bool has_reason;
    struct garden_text reason;
};

struct regions {
    struct table table;
    size_t approved_count;
};
// |allocator| null: the heap; it bounds what strangers can make the regions hold.
void regions_init(struct regions *regions, const struct zmtp_allocator *allocator);
void regions_fini(struct regions *regions);
// Valid until the next change.
const struct region *regions_find(const struct regions *regions, struct garden_uuid id);

// |id| must be new.
int regions_create(struct regions *regions, struct garden_uuid id,
                   const struct garden_shell_request_create_region *request,
                   struct garden_error *error);
int regions_delete(struct regions *regions, struct garden_uuid id, struct garden_error *error);
int regions_move(struct regions *regions, struct garden_uuid id, double position,
                 struct garden_error *error);

int regions_latent_started(struct regions *regions,
                           const struct garden_shell_request_update_latent_started *request,
                           struct changes *changes, struct garden_error *error);
int regions_latent_progress(struct regions *regions,
                            const struct garden_shell_request_update_latent_progress *request,
                            struct changes *changes, struct garden_error *error);
int regions_latent_resolved(struct regions *regions, struct garden_time now,
                            const struct garden_shell_request_update_latent_resolved *request,
                            struct changes *changes, struct garden_error *error);
int regions_latent_failed(struct regions *regions,
                          const struct garden_shell_request_update_latent_failed *request,
                          struct changes *changes, struct garden_error *error);
int regions_latent_approve(struct regions *regions, struct garden_time now,
                           const struct garden_shell_request_approve_latent *request,
                           struct changes *changes, struct garden_error *error);
int regions_latent_reject(struct regions *regions, struct garden_time now,
                          const struct garden_shell_request_reject_latent *request,
                          struct changes *changes, struct garden_error *error);

// Whether [position, position + duration) meets [start, end), where one without length is the beat
// that it begins at.
bool region_overlaps(const struct region *region, double start, double end);
// What it plays, or what its job has made. False: nothing yet.
bool region_artifact(const struct region *region, struct garden_text *out);

// Of the regions in |rows|, which may be a snapshot, those that overlap |range|, or all when it is null.
// What is listed borrows the regions' texts.
int regions_list(const struct table_root *rows, const struct garden_range *range,
                 struct garden_arena *arena, struct garden_region_summary_list *out,
                 struct garden_error *error);
// The resolved ones, which wait for a decision.
int regions_pending(const struct table_root *rows, struct garden_arena *arena,
                    struct garden_pending_approval_list *out, struct garden_error *error);

// The playhead went from |from| to |to|: MixedIn for each approved region that it entered.
// GARDEN_ERR_MEMORY: some are told later.
int regions_sweep(struct regions *regions, double from, double to, struct changes *changes);
// The playhead was put elsewhere: it is inside of nothing until it moves on.
void regions_leave(struct regions *regions);

#endif
