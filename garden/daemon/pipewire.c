// A node of PipeWire's graph that records: what its links bring, at the graph's clock, comes on
// PipeWire's real-time thread, which only copies it into a ring. The reader takes it from there.
#include <pipewire/pipewire.h>
#include <spa/param/audio/format-utils.h>
#include <stdatomic.h>
#include <time.h>

#include "../core/error.h"
#include "driver.h"

enum { PIPEWIRE_RING_MS = 1000, PIPEWIRE_PARAMS = 1024, PIPEWIRE_NAP_NS = 1000000 };

struct pipewire {
    struct pw_thread_loop *loop;
    struct pw_stream *stream;
    struct garden_ring *ring;
    uint16_t channels;
    uint64_t lost; // before the frames of the last read
    bool fresh;    // nothing was read since the rewind: what was lost until now concerns nobody
    atomic_bool wanted;
    atomic_bool failed;
};

static uint32_t pipewire_least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

// On the real-time thread: no lock, allocation, system call or log.
static void pipewire_process(void *context)
{
    struct pipewire *device = context;
    struct pw_buffer *buffer = pw_stream_dequeue_buffer(device->stream);
    if (!buffer) return;
    const struct spa_data *data = &buffer->buffer->datas[0];
    const size_t frame_size = device->channels * sizeof(float);
    if (data->data && atomic_load(&device->wanted)) {
        const uint32_t offset = pipewire_least(data->chunk->offset, data->maxsize);
        const uint32_t size = pipewire_least(data->chunk->size, data->maxsize - offset);
        // What does not fit is counted by the ring.
        (void)garden_ring_write(device->ring, (const uint8_t *)data->data + offset,
                                size / frame_size);
    }
    pw_stream_queue_buffer(device->stream, buffer);
}

static void pipewire_state(void *context, enum pw_stream_state old, enum pw_stream_state now,
                           const char *error)
{
    (void)old;
    (void)error;
    struct pipewire *device = context;
    if (now == PW_STREAM_STATE_ERROR) atomic_store(&device->failed, true);
}

static const struct pw_stream_events pipewire_events = {
    .version = PW_VERSION_STREAM_EVENTS,
    .state_changed = pipewire_state,
    .process = pipewire_process,
};

static void pipewire_close(void *context)
{
    struct pipewire *device = context;
    if (device->loop) pw_thread_loop_stop(device->loop);
    if (device->stream) pw_stream_destroy(device->stream);
    if (device->loop) pw_thread_loop_destroy(device->loop);
    garden_ring_close(device->ring);
    zmtp_free(NULL, device, sizeof *device);
    pw_deinit();
}

// 32-bit floats, interleaved, at the rate asked for: PipeWire converts what it has.
static int pipewire_connect(struct pipewire *device, const struct source_spec *spec)
{
    uint8_t memory[PIPEWIRE_PARAMS];
    struct spa_pod_builder builder;
    spa_pod_builder_init(&builder, memory, sizeof memory);
    struct spa_audio_info_raw shape = {
        .format = SPA_AUDIO_FORMAT_F32_LE, .rate = spec->rate, .channels = spec->channels};
    const struct spa_pod *params[] = {
        spa_format_audio_raw_build(&builder, SPA_PARAM_EnumFormat, &shape)};
    return pw_stream_connect(device->stream, PW_DIRECTION_INPUT, PW_ID_ANY,
                             PW_STREAM_FLAG_AUTOCONNECT | PW_STREAM_FLAG_MAP_BUFFERS |
                                 PW_STREAM_FLAG_RT_PROCESS,
                             params, 1);
}

// "sink:NAME" records what is played into that sink.
static struct pw_properties *pipewire_properties(const struct source_spec *spec)
{
    struct pw_properties *properties =
        pw_properties_new(PW_KEY_MEDIA_TYPE, "Audio", PW_KEY_MEDIA_CATEGORY, "Capture",
                          PW_KEY_NODE_NAME, "gardend", NULL);
    const char *target = spec->device;
    if (!properties) return NULL;
    if (strncmp(target, "sink:", 5) == 0) {
        target += 5;
        pw_properties_set(properties, PW_KEY_STREAM_CAPTURE_SINK, "true");
    }
    if (*target) pw_properties_set(properties, PW_KEY_TARGET_OBJECT, target);
    return properties;
}

static int pipewire_start(struct pipewire *device, const struct source_spec *spec)
{
    device->loop = pw_thread_loop_new("gardend", NULL);
    if (!device->loop) return -errno;
    device->stream = pw_stream_new_simple(pw_thread_loop_get_loop(device->loop), spec->name,
                                          pipewire_properties(spec), &pipewire_events, device);
    if (!device->stream) return -errno;
    const int result = pipewire_connect(device, spec);
    return result < 0 ? result : pw_thread_loop_start(device->loop);
}

static int pipewire_open(void **out, const struct source_spec *spec, struct source_info *info,
                         struct garden_error *error)
{
    const uint32_t frame_size = (uint32_t)(spec->channels * sizeof(float));
    const size_t frames = (size_t)spec->rate * PIPEWIRE_RING_MS / 1000 + 1;
    pw_init(NULL, NULL);
    struct pipewire *device = zmtp_alloc(NULL, sizeof *device);
    if (!device) {
        pw_deinit();
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a source");
    }
    *device = (struct pipewire){.channels = spec->channels};
    int result = garden_ring_open(NULL, frame_size, frames, &device->ring);
    if (result < 0) {
        pipewire_close(device);
        return garden__fail(error, result, "no memory for a source's ring");
    }
    result = pipewire_start(device, spec);
    if (result < 0) {
        pipewire_close(device);
        return garden__fail(error, GARDEN_ERR_NOT_FOUND,
                            "PipeWire cannot be reached: %s; is it running for this user, and is "
                            "XDG_RUNTIME_DIR (or PIPEWIRE_RUNTIME_DIR) that of its socket?",
                            strerror(-result));
    }
    *info = (struct source_info){.rate = spec->rate,
                                 .channels = spec->channels,
                                 .sample = GARDEN_SAMPLE_F32_LE,
                                 .frames = SOURCE_ENDLESS,
                                 .live = true};
    *out = device;
    return GARDEN_OK;
}

// The next frames of the ring, as far as they lie in one piece. Losses before them are counted.
static size_t pipewire_take(struct pipewire *device, size_t count, struct garden_run *run)
{
    struct garden_gap gap;
    while (garden_ring_gap(device->ring, &gap)) {
        garden_ring_skip(device->ring, gap);
        if (!device->fresh) device->lost += gap.count;
    }
    if (!garden_ring_peek(device->ring, run)) return 0;
    return run->count < count ? run->count : count;
}

// What came while nobody recorded is not of this stream.
static bool pipewire_rewind(void *context)
{
    struct pipewire *device = context;
    struct garden_run run;
    size_t count;
    atomic_store(&device->wanted, true);
    while ((count = pipewire_take(device, SIZE_MAX, &run)) > 0)
        garden_ring_consume(device->ring, count);
    device->lost = 0;
    device->fresh = true;
    return !atomic_load(&device->failed);
}

static size_t pipewire_read(void *context, union source_sample *out, size_t count)
{
    struct pipewire *device = context;
    struct garden_run run;
    device->lost = 0;
    const size_t got = pipewire_take(device, count, &run);
    if (got == 0) {
        const struct timespec nap = {.tv_nsec = PIPEWIRE_NAP_NS};
        (void)nanosleep(&nap, NULL); // a shorter one is no harm
        return 0;
    }
    device->fresh = false;
    memcpy(out, run.data, got * device->channels * sizeof(float));
    garden_ring_consume(device->ring, got);
    return got;
}

static bool pipewire_ended(const void *context)
{
    const struct pipewire *device = context;
    return atomic_load(&device->failed);
}

static uint64_t pipewire_lost(const void *context)
{
    const struct pipewire *device = context;
    return device->lost;
}

const struct driver driver_pipewire = {.open = pipewire_open,
                                       .close = pipewire_close,
                                       .rewind = pipewire_rewind,
                                       .read = pipewire_read,
                                       .ended = pipewire_ended,
                                       .failed = pipewire_ended,
                                       .lost = pipewire_lost};
