// Capturing a stream, the daemon's side: sample formats, the ring between the audio callback and the
// I/O thread, the file a chunk is written into, the machine that decides, and the writer that obeys.
//
//   audio thread --ring--> I/O thread: garden_writer (garden_capture decides, garden_chunk writes)
//
// Units are frames everywhere: one sample of each channel. For a MIDI stream the frame is one octet, and
// no message lies in two chunks: one that does not fit goes to the next, and one that is larger than a
// whole chunk counts as an overrun. So each write to the ring of a MIDI stream is of whole messages, each
// with its own status octet and none inside another.
// captured + overrun = offered holds at every instant, and each overrun is a gap with its position.
#ifndef GARDEN_CAPTURE_H
#define GARDEN_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmtp/base.h>

#include "errors.h"

#ifdef __cplusplus
extern "C" {
#endif
#if defined __cplusplus && defined __GNUC__
// Some functions are called as the structs that they return, which hides no constructor anybody wants.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif

struct garden_fs; // the system calls of the store; tests pass a failing twin

// ---- Formats

enum garden_sample_format {
    GARDEN_SAMPLE_F32_LE,
    GARDEN_SAMPLE_S16_LE,
    GARDEN_SAMPLE_S24_LE, // three octets a sample
    GARDEN_SAMPLE_S32_LE
};
enum garden_stream_kind { GARDEN_STREAM_AUDIO, GARDEN_STREAM_MIDI };

// Rate, channels and sample format mean nothing when |kind| is MIDI.
struct garden_stream_format {
    enum garden_stream_kind kind;
    uint32_t sample_rate;
    uint16_t channels;
    enum garden_sample_format sample;
};

enum {
    GARDEN_CHANNELS_MAX = 1024,
    GARDEN_SAMPLE_RATE_MAX = 1536000,
    GARDEN_URI_MAX = 512,  // octets of a stream's uri, with its terminator
    GARDEN_PATH_MAX = 512, // octets of a chunk's path, with its terminator
    GARDEN_CHUNK_GAPS_MAX = 32
};
// A chunk above this is taken for a mistake: 64 GiB.
#define GARDEN_CHUNK_SIZE_MAX (UINT64_C(1) << 36)

// Octets of one sample: 2, 3 or 4; 0 when the format is unknown.
uint32_t garden_sample_size(enum garden_sample_format format);
// Octets of one frame: 1 for MIDI; 0 when the format cannot be captured.
uint32_t garden_frame_size(const struct garden_stream_format *format);
// The largest size of whole frames not above |chunk_size|, or 0 when that is none or absurd.
uint64_t garden_chunk_size(const struct garden_stream_format *format, uint64_t chunk_size);
// Writes |count| samples of [-1, 1] as |format|. Integers clip and a NaN becomes silence; floats
// pass as they are. Safe on an audio thread.
void garden_samples_encode(enum garden_sample_format format, const float *in, size_t count,
                           uint8_t *out);

// ---- Ring

// Frames that the stream has but no chunk holds. Positions count offered frames from 0.
struct garden_gap {
    uint64_t first, count;
};

struct garden_ring; // one producer (the audio callback), one consumer (the I/O thread)

// |capacity| is in frames. Touches all memory once, so that the audio thread meets no page fault.
// |allocator| may be null.
int garden_ring_open(const struct zmtp_allocator *allocator, uint32_t frame_size, size_t capacity,
                     struct garden_ring **out);
void garden_ring_close(struct garden_ring *ring);
uint32_t garden_ring_frame_size(const struct garden_ring *ring);

// Producer. Stores |count| frames, or, when they do not all fit, drops all of them as an overrun at
// their exact position: half a buffer (or half a MIDI message) is no use to anyone. Returns whether
// they were stored. No lock, allocation, system call or loop over anything but the copy.
bool garden_ring_write(struct garden_ring *ring, const void *frames, size_t count);
// |count| frames were lost before they could be offered: they count as offered, and as an overrun here.
void garden_ring_lose(struct garden_ring *ring, uint64_t count);

// Consumer. Frames in place, up to the next gap or the end of the memory; |first| is their position.
struct garden_run {
    const uint8_t *data;
    size_t count;
    uint64_t first;
};
// False when nothing can be read now; a gap may be next, so ask garden_ring_gap() first.
bool garden_ring_peek(const struct garden_ring *ring, struct garden_run *out);
// What follows |run| without a gap, at the beginning of the memory; false when nothing does.
bool garden_ring_peek_after(const struct garden_ring *ring, const struct garden_run *run,
                            struct garden_run *out);
void garden_ring_consume(struct garden_ring *ring, size_t count);
// The gap that lies exactly at the reading position, if it is closed. Take it with
// garden_ring_skip(). A gap closes when a later write succeeds.
bool garden_ring_gap(const struct garden_ring *ring, struct garden_gap *out);
void garden_ring_skip(struct garden_ring *ring, struct garden_gap gap);
// The gap at the end that no later write has closed. Exact only once the producer has stopped and
// everything before it is consumed. garden_ring_skip() takes it like any other.
bool garden_ring_tail(const struct garden_ring *ring, struct garden_gap *out);

// Readable from any thread.
uint64_t garden_ring_offered(const struct garden_ring *ring);
uint64_t garden_ring_overrun(const struct garden_ring *ring);
// Frames that wait to be consumed. Consumer or producer only.
size_t garden_ring_filled(const struct garden_ring *ring);

// ---- Chunk file

// Files are opened below one folder only.
struct garden_staging {
    const struct garden_fs *fs;
    int folder;
    char root[GARDEN_PATH_MAX];
};
int garden_staging_open(struct garden_staging *staging, const struct garden_fs *fs,
                        const char *root, struct garden_error *error);
void garden_staging_close(struct garden_staging *staging);

// A chunk being written. The file's size is at every instant the octets written, while its space is
// reserved beyond the end: a killed daemon leaves a file that tells its own length, a full disk is
// an error when the chunk is opened, and a file that others truncate is an error of that chunk and
// never a SIGBUS. That is why nothing is mapped here; store/chunk.c tells what it costs.
struct garden_chunk {
    const struct garden_fs *fs;
    int file; // -1: not open
    uint64_t size_max, size;
    bool has_note;  // there is a file beside it
    uint64_t noted; // octets of it that are as they should be
};
// |path| is relative to the root, or absolute and below it. Refuses links on the way, anything but a
// regular file with one name, a file that is not empty (a path is used once) and one that another
// chunk has open. Reserves |size_max| octets.
int garden_chunk_open(struct garden_chunk *chunk, const struct garden_staging *staging,
                      const char *path, uint64_t size_max, struct garden_error *error);
// Appends; at most what is left of size_max. On an error, garden_chunk_intact() tells what is left.
int garden_chunk_write(struct garden_chunk *chunk, const uint8_t *data, size_t size,
                       struct garden_error *error);
// Notes beside the chunk, in a file named as |path| with GARDEN_GAPS_SUFFIX behind it, that |gap| lies right before the
// frames that are written next: a daemon that is killed before anyone heard of it leaves word of it, as it leaves the
// frames. A line of two decimal numbers a gap, first and count. Who staged the chunk removes it with the chunk.
// After an error nothing may be written behind that gap; it may be tried again, and what was half noted is taken back then.
int garden_chunk_note_gap(struct garden_chunk *chunk, const struct garden_staging *staging,
                          const char *path, struct garden_gap gap, struct garden_error *error);
#define GARDEN_GAPS_SUFFIX ".gaps"
// Octets from the start that are surely as written; less than |size| when somebody else cut the file.
uint64_t garden_chunk_intact(const struct garden_chunk *chunk);
// Cuts the file to |size| octets, gives back the reserve, makes the file read-only and closes it.
// The descriptor is closed whatever the result.
int garden_chunk_close(struct garden_chunk *chunk, uint64_t size, struct garden_error *error);

// ---- The machine: which chunk, when, and what to tell

// For the |first| of a report by a peer that does not say it.
#define GARDEN_POSITION_UNKNOWN UINT64_MAX

// What is known of one chunk. |first| is the position of its first frame; |gaps| lie inside it or
// right before its first frame. Offered frames = frames + gaps, chunk after chunk.
struct garden_chunk_report {
    uint64_t number; // 0, 1, 2 ... in the order of writing
    char path[GARDEN_PATH_MAX];
    uint64_t first, frames, bytes;
    size_t gap_count;
    struct garden_gap gaps[GARDEN_CHUNK_GAPS_MAX];
};

struct garden_capture_totals {
    // In frames; captured + overrun = offered, counted up to where the ring has been read. At the
    // end that is all that was ever offered.
    uint64_t offered, captured, overrun;
    uint64_t bytes;  // of captured
    uint64_t chunks; // that hold at least one frame
};

enum garden_capture_state {
    GARDEN_CAPTURE_OPENING,  // the first chunk is not open yet
    GARDEN_CAPTURE_RUNNING,  // a chunk takes frames
    GARDEN_CAPTURE_STARVED,  // no chunk: frames wait in the ring
    GARDEN_CAPTURE_STOPPING, // the producer has stopped; what the ring holds is being written
    GARDEN_CAPTURE_STOPPED,  // all chunks are closed, the totals are final
    GARDEN_CAPTURE_REFUSED   // the first chunk could not be opened; nothing is held
};

enum garden_capture_kind {
    GARDEN_CAPTURE_NONE,
    GARDEN_CAPTURE_STARTED,    // answer to start; |result| tells
    GARDEN_CAPTURE_SWITCHED,   // answer to switch for |path|; |result| tells
    GARDEN_CAPTURE_CHUNK_FULL, // |chunk| is closed and read-only; repeats until answered
    GARDEN_CAPTURE_HEAD,       // |totals|, |number| and |standby| as of now
    GARDEN_CAPTURE_OVERRUN,    // |gap| frames are missing (StreamError, recoverable)
    // Writing failed, or frames are being dropped: |text| and |result| (StreamError); |recoverable|.
    GARDEN_CAPTURE_ERROR,
    GARDEN_CAPTURE_ENDED // answer to stop: |totals|, and |chunk| is the last one
};

// What the owner publishes or answers. |chunk| and |text| live until the machine is next called;
// |chunk| may be null. |standby| false asks the client for the next chunk.
struct garden_capture_event {
    enum garden_capture_kind kind;
    int result;
    const char *text;
    const char *path;
    const struct garden_chunk_report *chunk;
    struct garden_gap gap;
    struct garden_capture_totals totals;
    uint64_t number; // of the chunk that takes frames
    bool standby, recoverable;
};

// What the owner must do next, and report with garden_capture_done(). |slot| is 0 or 1.
enum garden_capture_verb {
    GARDEN_CAPTURE_IDLE,
    GARDEN_CAPTURE_OPEN, // open |path| for |bytes| octets into |slot|
    // Note |gap| beside the file at |path|, which is |slot|'s: it lies before what is written next. Until that is done
    // nothing is, so that whoever finds the file after a kill puts no frame at another's place.
    GARDEN_CAPTURE_NOTE,
    GARDEN_CAPTURE_WRITE, // write |data| into |slot|
    GARDEN_CAPTURE_CLOSE  // close |slot| at |bytes| octets
};
struct garden_capture_action {
    enum garden_capture_verb verb;
    unsigned slot;
    const char *path;
    const uint8_t *data;
    uint64_t bytes;
    struct garden_gap gap;
};

// How long a stop waits, by default, for each chunk for what the ring still holds. A client answers at once, but its
// machine may be busy, or its disk; what it does not bring in time is lost. Whoever asks for a stop waits longer.
enum { GARDEN_DRAIN_MS = 5000 };

// Times in milliseconds; 0 takes the default.
struct garden_capture_config {
    const char *uri;
    struct garden_stream_format format;
    uint64_t chunk_size;
    uint32_t head_ms;   // between HEAD events: 100
    uint32_t repeat_ms; // before the first repeat of CHUNK_FULL: 250; then doubling to 8 times that
    uint32_t drain_ms;  // GARDEN_DRAIN_MS
};

struct garden_capture; // no I/O, no clock, no thread: one owner

// |ring| must outlive the machine; its frame size must be the format's. Refuses bad arguments with
// one line of |error|. Nothing is open yet: the first action opens |path|.
int garden_capture_open(const struct zmtp_allocator *allocator,
                        const struct garden_capture_config *config, struct garden_ring *ring,
                        const char *path, int64_t now_ms, struct garden_capture **out,
                        struct garden_error *error);
void garden_capture_close(struct garden_capture *capture);

// The client's next chunk. GARDEN_OK: a SWITCHED event for |path| will answer (one answer serves
// every request for the same path). 1: this path was taken before, answer with success right now and
// garden_capture_answered(). Negative: refused, nothing changed.
int garden_capture_switch(struct garden_capture *capture, const char *path, int64_t now_ms,
                          struct garden_error *error);
// The full chunk that the newest switch answered, or null. It goes into the reply, so that a client
// whose CHUNK_FULL was lost still learns of it.
const struct garden_chunk_report *garden_capture_answered(const struct garden_capture *capture);
// The |index|-th full chunk of which the client may not have heard, or null after the last. The answer
// to a stop carries them besides the last chunk, because no event will tell of them any more.
const struct garden_chunk_report *garden_capture_untold(const struct garden_capture *capture,
                                                        size_t index);
// The producer must have stopped. Repeats change nothing; one that comes after the end makes the
// ENDED event come again.
void garden_capture_stop(struct garden_capture *capture, int64_t now_ms);

// What to do now; false when there is nothing to do until an input, frames in the ring, or later: nothing tells of
// frames, so it is asked every few milliseconds, and so are the events.
bool garden_capture_next(struct garden_capture *capture, int64_t now_ms,
                         struct garden_capture_action *out);
// The outcome of the last action. |intact| is how many octets of the chunk are surely in its file;
// |error| may be null on success.
void garden_capture_done(struct garden_capture *capture, int64_t now_ms, int result,
                         uint64_t intact, const struct garden_error *error);
// The next event; false when there is none.
bool garden_capture_event(struct garden_capture *capture, int64_t now_ms,
                          struct garden_capture_event *out);

enum garden_capture_state garden_capture_state(const struct garden_capture *capture);
struct garden_capture_totals garden_capture_totals(const struct garden_capture *capture);
// Whether |path| is, or lately was, an open chunk of this stream: a repeated StreamStart names its
// first. While the state is OPENING, the STARTED event is the answer to a repeat as well.
bool garden_capture_knows(const struct garden_capture *capture, const char *path);

// ---- Writer: does what the machine asks, on the I/O thread

struct garden_writer {
    const struct garden_staging *staging;
    struct garden_capture *capture;
    struct garden_chunk chunks[2];
    int hold; // tells others that the stream goes on, from its first chunk until fini; -1: not yet
    // Hears of each run of whole frames that a chunk got; null, as it is at first: nobody does.
    void (*on_written)(void *context, const uint8_t *data, uint64_t size);
    void *context;
};
void garden_writer_init(struct garden_writer *writer, const struct garden_staging *staging,
                        struct garden_capture *capture);
// Performs actions until none is due. Returns how many. Take the events afterwards.
int garden_writer_run(struct garden_writer *writer, int64_t now_ms);
// Closes what is open, at its exact length, and tells nobody any more that the stream goes on. At the end of a stream,
// before anybody hears of it, and for an orderly exit without a stop.
void garden_writer_fini(struct garden_writer *writer);

#if defined __cplusplus && defined __GNUC__
#pragma GCC diagnostic pop
#endif
#ifdef __cplusplus
}
#endif
#endif
