// What the tests of the capture machine share: its owner, with files of memory.
#ifndef TEST_GARDEN_CAPTURE_RIG_H
#define TEST_GARDEN_CAPTURE_RIG_H

#include <garden/capture.h>

#include <stdio.h>
#include <string.h>

// A machine with files of memory. Frames are of four octets and hold their own position, so that a
// chunk's content shows which frames it has.
enum { RIG_FILES = 64, RIG_FILE_SIZE = 4096 };

struct rig_file {
    char path[32];
    uint32_t frames[RIG_FILE_SIZE / 4];
    uint64_t size;
    uint32_t noted_end; // the position behind the newest gap that was noted beside it
    bool open, closed;
};

struct rig {
    struct garden_ring *ring;
    struct garden_capture *capture;
    struct rig_file files[RIG_FILES];
    struct rig_file *slots[2];
    size_t file_count;
    int fail_open, fail_note, fail_write; // the result of the next such actions
    uint32_t written_end;                 // the position behind what any file got last
    uint64_t cut;                         // octets that vanish from the file when a write fails
    int64_t now;
    uint32_t position;
    struct garden_capture_event events[64]; // since they were last cleared
    char texts[64][256], paths[64][64];
    struct garden_chunk_report reports[64];
    size_t event_count;
};

static const struct garden_stream_format stereo16 = {.kind = GARDEN_STREAM_AUDIO,
                                                     .sample_rate = 48000,
                                                     .channels = 2,
                                                     .sample = GARDEN_SAMPLE_S16_LE};

// Nothing is written behind a gap that is not noted beside the same file.
static inline void rig_check_noted(struct rig *rig, const struct rig_file *file,
                                   const struct garden_capture_action *action)
{
    uint32_t first = 0;
    memcpy(&first, action->data, sizeof first);
    if (first != rig->written_end) assert_int_equal(file->noted_end, first);
    if (rig->fail_write == GARDEN_OK)
        rig->written_end = first + (uint32_t)(action->bytes / sizeof first);
}

static inline void rig_perform(struct rig *rig, const struct garden_capture_action *action)
{
    struct rig_file *file = rig->slots[action->slot];
    int result = GARDEN_OK;
    switch (action->verb) {
    case GARDEN_CAPTURE_IDLE:
        break;
    case GARDEN_CAPTURE_OPEN:
        result = rig->fail_open;
        if (result != GARDEN_OK) break;
        file = &rig->files[rig->file_count++];
        snprintf(file->path, sizeof file->path, "%.31s", action->path);
        file->open = true;
        rig->slots[action->slot] = file;
        break;
    case GARDEN_CAPTURE_NOTE:
        result = rig->fail_note;
        assert_string_equal(action->path, file->path);
        assert_int_equal(action->gap.first, rig->written_end);
        if (result == GARDEN_OK)
            file->noted_end = (uint32_t)(action->gap.first + action->gap.count);
        break;
    case GARDEN_CAPTURE_WRITE:
        result = rig->fail_write;
        assert_true(file->open && !file->closed);
        rig_check_noted(rig, file, action);
        if (result == GARDEN_OK) {
            memcpy((uint8_t *)file->frames + file->size, action->data, action->bytes);
            file->size += action->bytes;
        } else {
            file->size -= rig->cut;
            rig->written_end -= (uint32_t)(rig->cut + 3) / 4;
        }
        break;
    case GARDEN_CAPTURE_CLOSE:
        assert_true(file->open && !file->closed);
        assert_true(action->bytes <= file->size);
        file->size = action->bytes;
        file->closed = true;
        break;
    }
    garden_capture_done(rig->capture, rig->now, result, file != NULL ? file->size : 0, NULL);
}

// Lets the machine do all it can, and keeps its events.
static inline void rig_run(struct rig *rig)
{
    struct garden_capture_action action;
    struct garden_capture_event event;
    bool again = true;
    while (again) {
        again = false;
        while (garden_capture_next(rig->capture, rig->now, &action))
            rig_perform(rig, &action);
        while (garden_capture_event(rig->capture, rig->now, &event)) {
            again = true;
            if (event.kind == GARDEN_CAPTURE_HEAD) continue;
            assert_true(rig->event_count < 64);
            const size_t i = rig->event_count++;
            if (event.chunk != NULL) rig->reports[i] = *event.chunk;
            snprintf(rig->texts[i], sizeof rig->texts[i], "%s", event.text ? event.text : "");
            snprintf(rig->paths[i], sizeof rig->paths[i], "%.63s", event.path ? event.path : "");
            rig->events[i] = event;
        }
    }
}

static const struct garden_capture_event *rig_event(const struct rig *rig,
                                                    enum garden_capture_kind kind)
{
    for (size_t i = 0; i < rig->event_count; i++)
        if (rig->events[i].kind == kind) return &rig->events[i];
    return NULL;
}

static inline size_t rig_events(const struct rig *rig, enum garden_capture_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < rig->event_count; i++)
        if (rig->events[i].kind == kind) count++;
    return count;
}

static inline void rig_start(struct rig *rig, size_t ring_frames, uint64_t chunk_size)
{
    memset(rig, 0, sizeof *rig);
    assert_int_equal(garden_ring_open(NULL, 4, ring_frames, &rig->ring), GARDEN_OK);
    const struct garden_capture_config config = {
        .uri = "stream://a/b", .format = stereo16, .chunk_size = chunk_size};
    assert_int_equal(garden_capture_open(NULL, &config, rig->ring, "c0", 0, &rig->capture, NULL),
                     GARDEN_OK);
}

static inline void rig_end(struct rig *rig)
{
    garden_capture_close(rig->capture);
    garden_ring_close(rig->ring);
}

static inline void rig_offer(struct rig *rig, uint32_t count)
{
    uint32_t frames[256];
    assert_true(count <= 256);
    for (uint32_t i = 0; i < count; i++)
        frames[i] = rig->position + i;
    rig->position += count;
    (void)garden_ring_write(rig->ring, frames, count); // the ring counts what it drops
}

// Every frame is where its position says, and gaps and frames make up all that was offered.
static inline void rig_check(const struct rig *rig)
{
    const struct garden_capture_totals totals = garden_capture_totals(rig->capture);
    uint64_t frames = 0;
    uint32_t last = 0;
    for (size_t i = 0; i < rig->file_count; i++) {
        const struct rig_file *file = &rig->files[i];
        assert_int_equal(file->size % 4, 0);
        for (uint64_t k = 0; k < file->size / 4; k++) {
            assert_true(frames == 0 || file->frames[k] > last);
            last = file->frames[k];
            frames++;
        }
    }
    assert_int_equal(totals.captured, frames);
    assert_int_equal(totals.bytes, frames * 4);
    assert_int_equal(totals.captured + totals.overrun, totals.offered);
}

#endif
