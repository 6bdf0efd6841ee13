// The content-addressed store, the manifest of a stream, and the recording that joins them: the
// client's side of stream capture.
//
//   <root>/objects/ab/<62 hex>         an object; its name is the BLAKE2b-256 of its octets
//   <root>/metadata/ab/<62 hex>.json   {"mime_type": ..., "size": ...}
//   <root>/staging/                    chunks being written, journals
//   <root>/recordings/<run>.json       live manifests: what a recording has sealed so far
//
// An object is complete and on the disk before anyone hears of it, is never written again, and is
// verified whenever it is read. Functions with a |struct garden_error| fill it with one line.
#ifndef GARDEN_STORE_H
#define GARDEN_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmtp/base.h>

#include "capture.h"
#include "errors.h"

#ifdef __cplusplus
extern "C" {
#endif
#if defined __cplusplus && defined __GNUC__
// Some functions are called as the structs that they return, which hides no constructor anybody wants.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif

// ---- Hashes

enum { GARDEN_HASH_SIZE = 32, GARDEN_HASH_TEXT_SIZE = 65 };
struct garden_hash {
    uint8_t octets[GARDEN_HASH_SIZE];
};
struct garden_hash garden_hash_of(struct zmtp_bytes bytes);
bool garden_hash_equal(const struct garden_hash *a, const struct garden_hash *b);
// 64 lower-case hex digits and a terminator.
void garden_hash_text(const struct garden_hash *hash, char text[GARDEN_HASH_TEXT_SIZE]);
// GARDEN_ERR_FORMAT unless |text| is exactly 64 hex digits.
int garden_hash_parse(const char *text, struct garden_hash *out);

// ---- Store

struct garden_store;

struct garden_store_config {
    const char *root;                       // made when missing, with mode 0700
    bool read_only;                         // nothing is made or written, and nobody is kept out
    bool exclusive;                         // no other writer may have the store open
    const struct zmtp_allocator *allocator; // null: the heap
    const struct garden_fs *fs;             // null: the system's calls
};
// Writers share a store; |exclusive| is for one that takes things away, and refuses with GARDEN_ERR_STATE
// while any other writer has the store open, as the others do while it has. Readers are kept out by
// nobody. The lock goes with the process that holds it, however that ends. A daemon does not open the
// store: it holds a lock on each chunk that it writes.
int garden_store_open(const struct garden_store_config *config, struct garden_store **out,
                      struct garden_error *error);
void garden_store_close(struct garden_store *store);
// The absolute path of the staging folder: the root that a daemon confines chunks to.
const char *garden_store_staging(const struct garden_store *store);

// Puts |bytes| in as an object. Equal contents share one object; putting again is no error.
int garden_store_put(struct garden_store *store, struct zmtp_bytes bytes, const char *mime_type,
                     struct garden_hash *out, struct garden_error *error);
// The same for one that comes piece by piece and need not fit the memory. What was not sealed leaves
// nothing behind.
struct garden_incoming;
int garden_incoming_open(struct garden_store *store, struct garden_incoming **out,
                         struct garden_error *error);
int garden_incoming_write(struct garden_incoming *incoming, struct zmtp_bytes bytes,
                          struct garden_error *error);
// Makes it an object, if it is |expected|, which may be null; else GARDEN_ERR_CORRUPT, and no object is
// made. Nothing may be written after it.
int garden_incoming_seal(struct garden_incoming *incoming, const struct garden_hash *expected,
                         const char *mime_type, struct garden_hash *out,
                         struct garden_error *error);
void garden_incoming_close(struct garden_incoming *incoming); // null is none
// Reads a whole object and verifies it. |*out| is the allocator's, |*out_size| octets, to be freed
// with zmtp_free(). GARDEN_ERR_LIMIT when it is larger than |size_max|.
int garden_store_get(const struct garden_store *store, const struct garden_hash *hash,
                     size_t size_max, uint8_t **out, size_t *out_size, struct garden_error *error);
// Verifies an object and hands out a read-only descriptor of it, for the caller to read and close.
int garden_store_open_object(const struct garden_store *store, const struct garden_hash *hash,
                             int *out_file, uint64_t *out_size, struct garden_error *error);
// Verifies an object without keeping it. |out_size| may be null.
int garden_store_verify(const struct garden_store *store, const struct garden_hash *hash,
                        uint64_t *out_size, struct garden_error *error);
// Verifies every object. |each|, which may be null, sees the name of each that is damaged. Returns
// how many were damaged, or a negative error. |out_count| may be null.
int garden_store_verify_all(const struct garden_store *store, uint64_t *out_count,
                            void (*each)(void *context, const char *name), void *context,
                            struct garden_error *error);

// Staging. |name| is one path component.
// Makes an empty file for a chunk, or finds the one already there.
int garden_store_stage(struct garden_store *store, const char *name, struct garden_error *error);
// |out_closed|: its writer has closed it and made it read-only. GARDEN_ERR_NOT_FOUND when absent.
int garden_store_inspect(const struct garden_store *store, const char *name, uint64_t *out_size,
                         bool *out_closed, struct garden_error *error);
// Makes the first |size| octets of a staged file an object. In this order: refuse while its writer
// still has it (GARDEN_ERR_STATE), cut to |size|, make read-only, fsync, hash, link into place,
// fsync the folder. When it returns, the object can be announced; the staged name remains until
// garden_store_unstage(). Doing it again gives the same hash. An object that is already there is
// verified before it is believed, and replaced by these octets if it is damaged.
int garden_store_seal(struct garden_store *store, const char *name, uint64_t size,
                      const char *mime_type, struct garden_hash *out, struct garden_error *error);
// Removes a staged name; absent is success.
int garden_store_unstage(struct garden_store *store, const char *name, struct garden_error *error);
// Calls |each| with every staged name, in no order, until it returns false.
int garden_store_each_staged(const struct garden_store *store,
                             bool (*each)(void *context, const char *name), void *context,
                             struct garden_error *error);

// ---- Collecting what nothing names, and checking all of it

// The roots are the manifests among the objects and the recordings in staging, under way or left; they
// name their definitions and chunks. An object that is neither a root nor named is unnamed.
struct garden_collect_config {
    bool remove; // unnamed objects; else they are only told. Needs a store opened exclusively
    // Manifests that are no roots any more, and damaged objects that are to go.
    const struct garden_hash *forget;
    size_t forget_count;
    // May be null. Each unnamed object, before it is removed.
    void (*each)(void *context, const struct garden_hash *hash, uint64_t size, bool manifest);
    void *context;
};
struct garden_collect_report {
    uint64_t objects, object_bytes;
    uint64_t manifests;              // that are roots, without those in staging
    uint64_t unnamed, unnamed_bytes; // found
    uint64_t removed, removed_bytes;
    uint64_t metadata_removed; // that described nothing
};
// Before anything is removed, everything that can name something has been read, and every unnamed object
// verified: one that is damaged, or looks like a manifest and cannot be read, may have named others, so
// nothing is removed and GARDEN_ERR_CORRUPT tells which it is (|forget| overrides that). Forgotten
// manifests go first and their going is on the disk before anything they name goes, so a kill or a power
// cut at any instant leaves only unnamed objects, for the next time. |out| is written always.
int garden_store_collect(struct garden_store *store, const struct garden_collect_config *config,
                         struct garden_collect_report *out, struct garden_error *error);

enum garden_finding_kind {
    // Something is lost or wrong.
    GARDEN_FINDING_DAMAGED,    // an object's octets are not those that its name tells
    GARDEN_FINDING_UNREADABLE, // it cannot be opened, or is no file
    GARDEN_FINDING_MISSING,    // something names an object that is not there
    GARDEN_FINDING_MANIFEST,   // it cannot be read, or its chunks have other sizes than it says
    GARDEN_FINDING_METADATA,   // it is malformed or tells another size; can be repaired
    GARDEN_FINDING_MODE,       // an object that its owner can write; can be repaired
    GARDEN_FINDING_STRANGER,   // a name that no store makes
    // Something lies about, or is not there, as a kill may leave it.
    GARDEN_FINDING_UNNAMED,     // an object for garden_store_collect
    GARDEN_FINDING_UNDESCRIBED, // an object without metadata; can be repaired
    GARDEN_FINDING_DESCRIBES,   // metadata of an object that is not there; can be repaired
    GARDEN_FINDING_LEFTOVER,    // a recording in staging: under way, or to be recovered
    GARDEN_FINDING_STAGED,      // a chunk in staging of no recording
    GARDEN_FINDING_TEMPORARY,   // swept by the next writer
    GARDEN_FINDINGS
};
const char *garden_finding_name(enum garden_finding_kind kind); // "damaged", ...
bool garden_finding_wrong(enum garden_finding_kind kind);       // one of the first group
struct garden_finding {
    enum garden_finding_kind kind;
    char name[128]; // of the object, as 64 hex digits, or of the file
    char text[256]; // one line
    bool repaired;
};
struct garden_check_config {
    bool repair; // what can be repaired without losing anything; needs a store opened exclusively
    void (*each)(void *context, const struct garden_finding *finding); // may be null
    void (*progress)(void *context, uint64_t bytes,
                     uint64_t bytes_total); // may be null; of hashing
    void *context;
};
struct garden_check_report {
    uint64_t objects, object_bytes, manifests;
    uint64_t found[GARDEN_FINDINGS], repaired;
    uint64_t wrong; // findings of the first group that were not repaired
};
// Verifies every object, every manifest and everything that is in the store's folders. A negative result
// only when it could not be done; what it found is in |out|.
int garden_store_check(struct garden_store *store, const struct garden_check_config *config,
                       struct garden_check_report *out, struct garden_error *error);

// ---- Manifest

struct garden_manifest_chunk {
    struct garden_hash hash;
    uint64_t byte_count, sample_count, first_sample; // samples are frames
};

// A stream's chunks in order and its gaps in order. Positions count offered frames from 0.
struct garden_manifest {
    const struct zmtp_allocator *allocator;
    char stream_uri[GARDEN_URI_MAX];
    struct garden_hash definition_hash;
    uint32_t frame_size;
    struct garden_manifest_chunk *chunks;
    size_t chunk_count, chunk_space; // used and allocated
    struct garden_gap *gaps;
    size_t gap_count, gap_space;
    uint64_t total_samples;         // captured frames
    uint64_t total_gaps;            // frames in gaps
    int64_t started_ns, updated_ns; // since the epoch
    bool complete;                  // the stream was stopped and its totals are final
};
void garden_manifest_init(struct garden_manifest *manifest, const struct zmtp_allocator *allocator);
void garden_manifest_fini(struct garden_manifest *manifest);
// Appends a chunk of |frames| frames whose first has position |first|, with the |gaps| inside it. What
// lies between the manifest's end and |first| becomes one gap, however it came about: that nothing is
// missing unseen does not depend on every gap having been reported. A |first| before the end is
// taken for the end. GARDEN_ERR_MEMORY changes nothing.
int garden_manifest_append(struct garden_manifest *manifest, const struct garden_hash *hash,
                           uint64_t first, uint64_t frames, const struct garden_gap *gaps,
                           size_t gap_count);
// The stream is over and had |offered| frames; those after the last chunk become a gap.
int garden_manifest_finish(struct garden_manifest *manifest, uint64_t offered);
// The position that the next frame would have.
uint64_t garden_manifest_end(const struct garden_manifest *manifest);
// Whether the chunks, walked over the gaps, meet without a hole or an overlap, their sizes are whole
// frames, and the totals are their sums.
int garden_manifest_check(const struct garden_manifest *manifest, struct garden_error *error);
// The same, and every object is there, has its size, and verifies; the definition too.
int garden_manifest_verify(const struct garden_manifest *manifest, const struct garden_store *store,
                           struct garden_error *error);
// JSON, the allocator's, with a terminator that |out_size| does not count: free |*out_size + 1|.
int garden_manifest_print(const struct garden_manifest *manifest, char **out, size_t *out_size);
// |out| is initialised by it on success.
int garden_manifest_parse(const struct zmtp_allocator *allocator, struct zmtp_bytes json,
                          struct garden_manifest *out, struct garden_error *error);
// Replaces the staged file |name| by a temporary file, fsync and rename.
int garden_manifest_save(const struct garden_manifest *manifest, struct garden_store *store,
                         const char *name, struct garden_error *error);
// Reads one that was saved.
int garden_manifest_load_staged(const struct garden_store *store, const char *name,
                                struct garden_manifest *out, struct garden_error *error);
int garden_manifest_load(const struct garden_store *store, const struct garden_hash *hash,
                         struct garden_manifest *out, struct garden_error *error);
// A walk over the manifests among the objects, in the order of their hashes, a little at each step: it may be left
// anywhere, go on later from the hash it came to, and see what was put meanwhile or not. It needs memory for the
// names in one of the 256 folders, whatever the store's size.
struct garden_manifests {
    bool over; // there are no more
    // Its own.
    const struct garden_store *store;
    struct garden_hash from;
    unsigned folder; // the next to be listed
    struct garden_hash *hashes;
    size_t count, space, next;
};
// |from| is the first that is looked at, should it be there; null: all are. |store| must outlive the walk.
void garden_manifests_open(struct garden_manifests *walk, const struct garden_store *store,
                           const struct garden_hash *from);
// Looks at one object, or lists one folder: 1 with a manifest, which is the caller's to fini; 0: it was none, or the
// walk is over. Whatever is damaged or cannot be read is passed over.
int garden_manifests_step(struct garden_manifests *walk, struct garden_hash *hash,
                          struct garden_manifest *manifest, struct garden_error *error);
void garden_manifests_close(struct garden_manifests *walk);
// All of it at once: calls |each| until it returns false.
int garden_store_each_manifest(const struct garden_store *store,
                               bool (*each)(void *context, const struct garden_hash *hash,
                                            const struct garden_manifest *manifest),
                               void *context, struct garden_error *error);

// ---- Slices: any part of a stream, as the pieces it is made of

// |count| frames from position |first| on: lost, or in one piece in a chunk.
struct garden_piece {
    bool gap;
    uint64_t first, count;
    struct garden_hash chunk; // of a piece that is no gap
    uint64_t byte_offset, byte_length;
};
// Where the walk stands; made by open, and good as long as the manifest is.
struct garden_slice {
    const struct garden_manifest *manifest;
    uint64_t from, to, position, taken;
    size_t chunk, gap;
};
// The frames of positions [from, to). GARDEN_ERR_RANGE unless from < to <= garden_manifest_end().
int garden_slice_open(struct garden_slice *slice, const struct garden_manifest *manifest,
                      uint64_t from, uint64_t to);
// The next piece, in order: together they are the whole slice, gaps included. False: no more.
bool garden_slice_next(struct garden_slice *slice, struct garden_piece *out);

// ---- Recording: one captured stream as the client sees it

// Stages chunks ahead of need, says which request to send next, seals what the daemon has closed, and
// keeps journal and manifest such that a kill at any instant loses nothing that the daemon wrote.
// It does files in garden_recording_work() only, never the network; time is an argument. One owner
// at a time: the calls may come from different threads, but not at once.
struct garden_recording;

struct garden_instant {
    int64_t mono_ms; // for retries
    int64_t
        wall_ns; // since the epoch, for the manifest; looked at when a recording is opened or resumed
};

struct garden_recording_config {
    const char *uri;
    struct garden_stream_format format;
    uint64_t chunk_size;          // rounded down to whole frames
    struct zmtp_bytes definition; // the stream's definition as JSON; stored as an object
    uint32_t retry_ms;            // before a request is sent again; 0: 1000
    // Frames from this position on are no part of it, although the stream may go on: the last chunk is cut when it is
    // sealed, so that captured and lost are together at most so many, to the frame. Kept in the journal. 0: all are.
    uint64_t frames_max;
};

enum garden_request_kind {
    GARDEN_REQUEST_NONE,
    GARDEN_REQUEST_START,
    GARDEN_REQUEST_SWITCH,
    GARDEN_REQUEST_STOP
};
// |token| names this sending; the reply must bring it back. |path| lives until the next call.
struct garden_recording_request {
    enum garden_request_kind kind;
    uint64_t token;
    const char *path;
};

enum garden_recording_state {
    GARDEN_RECORDING_STARTING,
    GARDEN_RECORDING_RUNNING,
    GARDEN_RECORDING_STOPPING,  // asked to stop, not yet confirmed
    GARDEN_RECORDING_FINISHING, // the daemon is done with all chunks; the last are being sealed
    GARDEN_RECORDING_DONE,      // the manifest is an object: garden_recording_manifest_hash()
    GARDEN_RECORDING_REFUSED    // the start was refused; nothing is left behind
};

int garden_recording_open(struct garden_store *store, const struct garden_recording_config *config,
                          struct garden_instant now, struct garden_recording **out,
                          struct garden_error *error);
// Takes up a recording that an earlier process left. |run| is from garden_recording_each_left().
// Go on with it if the daemon still has the stream, or garden_recording_abandon() it.
int garden_recording_resume(struct garden_store *store, const char *run, struct garden_instant now,
                            struct garden_recording **out, struct garden_error *error);
// Makes a manifest of what is left of a recording that cannot be resumed (GARDEN_ERR_CORRUPT, _FORMAT,
// _ACCESS or _NOT_FOUND): its journal is damaged or gone, or a chunk's file is no file any more. Whatever
// can be read of live manifest, journal and chunks goes in; |*out_lost| chunk files could not. What is
// known to be missing is a gap; without the stream's totals the manifest stays incomplete. GARDEN_ERR_STATE
// while a process still records it, or a daemon still has its stream. GARDEN_ERR_NOT_FOUND: it was ended before it had
// begun, and what it left is taken away.
int garden_recording_salvage(struct garden_store *store, const char *run, struct garden_instant now,
                             struct garden_hash *out, size_t *out_lost, struct garden_error *error);
int garden_recording_each_left(const struct garden_store *store,
                               bool (*each)(void *context, const char *run), void *context,
                               struct garden_error *error);
// Whether a process records it right now: then it was not left, and cannot be taken up or recovered.
bool garden_recording_held(const struct garden_store *store, const char *run);
// The manifest of a recording that is under way, or was left, as it was at the last rotation.
// |out| is initialised by it on success.
int garden_recording_peek(const struct garden_store *store, const char *run,
                          struct garden_manifest *out, struct garden_error *error);
// Frees it. What is on the disk stays, to be resumed.
void garden_recording_close(struct garden_recording *recording);

// Performs due work on files: stages, seals, writes journal and manifest. Returns how many steps
// were done, or the error of the one that failed; it will be tried again after a pause. Sealing takes
// long, so it ends the call: there may be more to do until 0 is returned, and requests to send first.
int garden_recording_work(struct garden_recording *recording, struct garden_instant now,
                          struct garden_error *error);
// Whether the folder that chunks are staged in is where the daemon is told that it is: somebody may have moved the store
// away, or removed it. What is open can still be written, wherever it went, but no chunk can be begun.
bool garden_recording_in_place(const struct garden_recording *recording);
// Whether the last of it failed and waits to be tried again.
bool garden_recording_failing(const struct garden_recording *recording);
// A request to send now; false when there is none. A switch and a stop may be under way together. One
// that is not answered comes again with its token, so that it can be sent with its old msg_id.
bool garden_recording_request(struct garden_recording *recording, struct garden_instant now,
                              struct garden_recording_request *out);
// The reply to |token|: GARDEN_OK or the daemon's refusal; GARDEN_ERR_NOT_FOUND means that it has no
// such stream. |report| is the chunk that the reply tells of (the answered one, or at a stop the last
// one) and |totals| the stop's; both may be null. Replies to other tokens are ignored. Further chunks
// that a stop's reply tells of go to garden_recording_chunk_full() before it.
void garden_recording_reply(struct garden_recording *recording, struct garden_instant now,
                            uint64_t token, int result, const struct garden_chunk_report *report,
                            const struct garden_capture_totals *totals);
// Events of the daemon. A chunk is known by its |path|; paths of other streams are ignored. A chunk is
// sealed when its report is here, because only that tells the gaps, or when the stream is over.
void garden_recording_chunk_full(struct garden_recording *recording, struct garden_instant now,
                                 const struct garden_chunk_report *report);
// |path| is the chunk that takes frames now: every chunk before it is closed.
void garden_recording_head(struct garden_recording *recording, struct garden_instant now,
                           const char *path);
void garden_recording_stop(struct garden_recording *recording, struct garden_instant now);
// GARDEN_ERR_STATE while a daemon still has the stream, or one of its chunks: then it is no time to abandon it.
int garden_recording_idle(const struct garden_recording *recording, struct garden_error *error);
// The daemon is gone or has no such stream: seals what its files hold, as their lengths tell. It is written down with
// the next work, and whoever resumes it then only finishes it.
void garden_recording_abandon(struct garden_recording *recording, struct garden_instant now);

int64_t garden_recording_deadline_ms(const struct garden_recording *recording);
enum garden_recording_state garden_recording_state(const struct garden_recording *recording);
const struct garden_manifest *garden_recording_manifest(const struct garden_recording *recording);
// As it was opened with, by whichever process; 0: none.
uint64_t garden_recording_frames_max(const struct garden_recording *recording);
// Whether the machine was started anew since the recording was begun, as after a power failure: then of what was not
// sealed its disk has what it kept. As the system tells it, not by clocks, which may be set meanwhile.
enum garden_recording_system {
    GARDEN_SYSTEM_UNKNOWN, // an earlier version began it, or the system does not tell
    GARDEN_SYSTEM_SAME,
    GARDEN_SYSTEM_RESTARTED
};
enum garden_recording_system garden_recording_system(const struct garden_recording *recording);
// Meaningful once DONE.
struct garden_hash garden_recording_manifest_hash(const struct garden_recording *recording);

#if defined __cplusplus && defined __GNUC__
#pragma GCC diagnostic pop
#endif
#ifdef __cplusplus
}
#endif
#endif
