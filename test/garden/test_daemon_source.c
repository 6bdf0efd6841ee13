// Sources and their flow: what a file holds comes through bit for bit. What the callback that carries it must not
// do is in test_daemon_callback.c.
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <sndfile.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "garden/daemon/flow.h"

#include "fixture.h"

enum { FRAMES = 5000, CHANNELS = 2, RATE = 48000 };

// Any 32 bits: a hash of |number|.
static uint32_t noise(uint32_t number)
{
    uint32_t x = number * 2654435761u + 12345u;
    x ^= x >> 15;
    x *= 2246822519u;
    return x ^ x >> 13;
}

// Writes FRAMES frames of noise that |subtype| holds exactly, left-aligned as libsndfile wants them.
static void write_file(const char *path, int subtype, int channels, int rate, uint32_t seed)
{
    SF_INFO info = {.samplerate = rate, .channels = channels, .format = SF_FORMAT_WAV | subtype};
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    assert_non_null(file);
    for (uint32_t i = 0; i < FRAMES; i++) {
        int whole[CHANNELS];
        float real[CHANNELS];
        for (int c = 0; c < channels; c++) {
            whole[c] = (int)noise(seed + i * (uint32_t)channels + (uint32_t)c);
            real[c] = (float)whole[c] / 2147483648.0f;
        }
        assert_int_equal(subtype == SF_FORMAT_FLOAT ? sf_writef_float(file, real, 1)
                                                    : sf_writef_int(file, whole, 1),
                         1);
    }
    assert_int_equal(sf_close(file), 0);
}

static struct source *open_source(const char *text)
{
    static struct source_spec spec;
    struct source *source;
    struct garden_error error;
    assert_int_equal(source_spec_parse(text, &spec, &error), GARDEN_OK);
    assert_int_equal(source_open(&source, &spec, &error), GARDEN_OK);
    return source;
}

// The source's next |count| samples of one channel as |format|.
static void read_as(struct source *source, enum garden_sample_format format, size_t frames,
                    uint8_t *out)
{
    const struct source_info *info = source_info(source);
    const size_t count = frames * info->channels;
    union source_sample *samples = calloc(count, sizeof *samples);
    assert_non_null(samples);
    assert_int_equal(source_read(source, samples, frames), frames);
    source_convert(info->sample, samples, count, format, out);
    free(samples);
}

static void a_file_comes_through_bit_for_bit_in_its_own_format(void **state)
{
    struct folder *folder = *state;
    static const struct {
        int subtype;
        enum garden_sample_format sample;
    } kinds[] = {{SF_FORMAT_PCM_16, GARDEN_SAMPLE_S16_LE},
                 {SF_FORMAT_PCM_24, GARDEN_SAMPLE_S24_LE},
                 {SF_FORMAT_PCM_32, GARDEN_SAMPLE_S32_LE},
                 {SF_FORMAT_FLOAT, GARDEN_SAMPLE_F32_LE}};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        char path[128], text[160];
        snprintf(path, sizeof path, "%s/a.wav", folder->path);
        snprintf(text, sizeof text, "file:%s", path);
        write_file(path, kinds[k].subtype, CHANNELS, RATE, 7);
        struct source *source = open_source(text);
        assert_int_equal(source_info(source)->sample, kinds[k].sample);
        assert_int_equal(source_info(source)->frames, FRAMES);
        const size_t size = garden_sample_size(kinds[k].sample);
        static uint8_t octets[FRAMES * CHANNELS * 4];
        read_as(source, kinds[k].sample, FRAMES, octets);
        for (uint32_t i = 0; i < FRAMES * CHANNELS; i++) {
            uint32_t bits = noise(7 + i);
            const float real = (float)(int32_t)bits / 2147483648.0f;
            if (kinds[k].sample == GARDEN_SAMPLE_F32_LE) memcpy(&bits, &real, sizeof bits);
            for (size_t o = 0; o < size; o++)
                assert_int_equal(octets[i * size + o], (uint8_t)(bits >> (8 * (4 - size + o))));
        }
        union source_sample more[CHANNELS];
        assert_int_equal(source_read(source, more, 1), 0);
        assert_false(source_failed(source));
        source_close(source);
    }
}

static void sixteen_bits_as_floats_are_exact(void **state)
{
    (void)state;
    for (int32_t value = -32768; value < 32768; value++) {
        const union source_sample sample = {.whole = value * 65536};
        uint8_t octets[4];
        float real;
        source_convert(GARDEN_SAMPLE_S16_LE, &sample, 1, GARDEN_SAMPLE_F32_LE, octets);
        memcpy(&real, octets, sizeof real);
        assert_true(real == (float)value / 32768.0f);
    }
}

static struct source_spec playlist(char paths[2][128], bool loop)
{
    struct source_spec spec = {.name = "default", .kind = SOURCE_FILES, .loop = loop};
    spec.paths[0] = paths[0];
    spec.paths[1] = paths[1];
    spec.path_count = 2;
    return spec;
}

static void files_follow_each_other_without_a_gap_and_begin_again_when_they_loop(void **state)
{
    struct folder *folder = *state;
    char paths[2][128];
    struct source *source;
    static uint8_t octets[5 * FRAMES * 2];
    for (int i = 0; i < 2; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/%d.wav", folder->path, i);
        write_file(paths[i], SF_FORMAT_PCM_16, 1, RATE, (uint32_t)i * FRAMES);
    }
    const struct source_spec spec = playlist(paths, true);
    assert_int_equal(source_open(&source, &spec, NULL), GARDEN_OK);
    assert_true(source_info(source)->frames == SOURCE_ENDLESS);
    // In reads that end on the boundaries and in the middle.
    size_t done = 0;
    static const size_t reads[] = {FRAMES / 2, FRAMES / 2, FRAMES, 2 * FRAMES, FRAMES};
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++, done += reads[i - 1])
        read_as(source, GARDEN_SAMPLE_S16_LE, reads[i], octets + done * 2);
    for (uint32_t i = 0; i < 5 * FRAMES; i++) {
        const uint32_t bits = noise(i % (2 * FRAMES)) >> 16;
        assert_int_equal(octets[2 * i] | octets[2 * i + 1] << 8, bits);
    }
    source_close(source);
}

static void files_that_do_not_agree_are_refused_by_name(void **state)
{
    struct folder *folder = *state;
    char paths[2][128];
    struct garden_error error;
    struct source *source;
    for (int i = 0; i < 2; i++)
        snprintf(paths[i], sizeof paths[i], "%s/%d.wav", folder->path, i);
    const struct source_spec spec = playlist(paths, false);
    write_file(paths[0], SF_FORMAT_PCM_16, 1, 48000, 0);
    write_file(paths[1], SF_FORMAT_PCM_16, 1, 44100, 0);
    assert_int_equal(source_open(&source, &spec, &error), GARDEN_ERR_ARGUMENT);
    assert_non_null(strstr(error.text, "1.wav has 44100 Hz"));
    write_file(paths[1], SF_FORMAT_PCM_16, 2, 48000, 0);
    assert_int_equal(source_open(&source, &spec, &error), GARDEN_ERR_ARGUMENT);
    assert_int_equal(remove(paths[1]), 0);
    assert_int_equal(source_open(&source, &spec, &error), GARDEN_ERR_NOT_FOUND);
}

static void a_counter_numbers_its_samples_and_ends(void **state)
{
    (void)state;
    struct source *source = open_source("counter:2,48000,300");
    uint8_t octets[300 * 2 * 4];
    read_as(source, GARDEN_SAMPLE_S32_LE, 300, octets);
    for (uint32_t i = 0; i < 600; i++) {
        const uint32_t found = (uint32_t)octets[4 * i] | (uint32_t)octets[4 * i + 1] << 8 |
                               (uint32_t)octets[4 * i + 2] << 16 |
                               (uint32_t)octets[4 * i + 3] << 24;
        assert_int_equal(found >> 16 | found << 16, i);
    }
    union source_sample more[2];
    assert_int_equal(source_read(source, more, 1), 0);
    assert_true(source_rewind(source));
    assert_int_equal(source_read(source, more, 1), 1);
    source_close(source);
}

static void texts_that_are_no_source_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "x",
                                        "file:",
                                        "sine:440",
                                        "sine:nan,1,48000",
                                        "sine:-1,1,48000",
                                        "sine:440,0,48000",
                                        "sine:440,1,0",
                                        "sine:440,1,48000,",
                                        "sine:440,1,48000,1,2",
                                        "counter:1",
                                        "counter:2000,48000",
                                        "counter:1,99999999999999999999",
                                        "counter:-1,48000",
                                        "noise:1",
                                        "stdin:",
                                        "stdin:2,48000",
                                        "stdin:u8,2,48000",
                                        "stdin:s16,2,48000,100",
                                        "alsa:s16,2,48000",
                                        "alsa:hw:0,s16,2",
                                        "pipewire:48000",
                                        "pipewire:x,2,48000,9",
                                        "midi:",
                                        "midi-counter:",
                                        "midi-counter:0",
                                        "midi-counter:3125,",
                                        "midi-counter:3125,9,9",
                                        "midi-alsa:",
                                        "=counter:1,48000",
                                        "m\xff=counter:1,48000"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct source_spec spec;
        struct garden_error error;
        assert_true(source_spec_parse(wrong[i], &spec, &error) < 0);
    }
    struct source_spec spec;
    assert_int_equal(source_spec_parse("mic=sine:0.5,1,8000,9", &spec, NULL), GARDEN_OK);
    assert_string_equal(spec.name, "mic");
    assert_true(spec.frequency == 0.5 && spec.frames == 9);
    assert_int_equal(source_spec_parse("file:a=b.wav", &spec, NULL), GARDEN_OK);
    assert_string_equal(spec.paths[0], "a=b.wav");
    assert_int_equal(source_spec_parse("in=alsa:hw:1,0,s24,8,96000", &spec, NULL), GARDEN_OK);
    assert_string_equal(spec.device, "hw:1,0");
    assert_int_equal(spec.sample, GARDEN_SAMPLE_S24_LE);
    assert_true(spec.channels == 8 && spec.rate == 96000);
    assert_int_equal(source_spec_parse("alsa:,f32,2,48000", &spec, NULL), GARDEN_OK);
    assert_string_equal(spec.device, "default");
    assert_int_equal(source_spec_parse("pipewire:sink:null,2,48000", &spec, NULL), GARDEN_OK);
    assert_string_equal(spec.device, "sink:null");
}

static void noise_is_the_same_each_time_and_fills_half_the_scale(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    struct source *source = open_source("noise:2,48000,1000");
    static union source_sample first[COUNT * 2], again[COUNT * 2];
    float least = 1, most = -1;
    assert_int_equal(source_read(source, first, COUNT), COUNT);
    assert_true(source_ended(source));
    assert_true(source_rewind(source));
    assert_int_equal(source_read(source, again, 300), 300);
    assert_int_equal(source_read(source, again + 600, COUNT), 700);
    assert_memory_equal(first, again, sizeof first);
    for (size_t i = 0; i < COUNT * 2; i++) {
        if (first[i].real < least) least = first[i].real;
        if (first[i].real > most) most = first[i].real;
    }
    assert_true(least >= -0.5f && least < -0.49f && most < 0.5f && most > 0.49f);
    source_close(source);
}

// ---- Standard input

// Runs |with| with the reading end of a pipe as standard input.
static void with_stdin(void (*with)(struct source *source, int writer), const char *text)
{
    int ends[2];
    const int kept = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
    close(ends[0]);
    struct source *source = open_source(text);
    with(source, ends[1]);
    source_close(source);
    if (kept >= 0) assert_true(dup2(kept, STDIN_FILENO) >= 0);
    if (kept >= 0) close(kept);
}

static void frames_come_in_pieces(struct source *source, int writer)
{
    static const uint8_t octets[] = {0x01, 0x80, 0x02, 0x00, 0xff, 0x7f, 0x03, 0x00};
    union source_sample samples[8];
    assert_int_equal(source_read(source, samples, 4), 0); // nothing now is not the end
    assert_false(source_ended(source));
    assert_int_equal(write(writer, octets, 3), 3);
    assert_int_equal(source_read(source, samples, 4), 0); // no whole frame yet
    assert_int_equal(write(writer, octets + 3, 5), 5);
    assert_int_equal(source_read(source, samples, 4), 2);
    static const int32_t wanted[] = {-2147418112, 0x00020000, 0x7fff0000, 0x00030000};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(samples[i].whole, wanted[i]);
    close(writer);
    assert_int_equal(source_read(source, samples, 4), 0);
    assert_true(source_ended(source));
    assert_false(source_failed(source));
}

static void the_last_frame_is_cut(struct source *source, int writer)
{
    union source_sample samples[8];
    assert_int_equal(write(writer, "12345", 5), 5);
    close(writer);
    assert_int_equal(source_read(source, samples, 4), 1);
    assert_int_equal(source_read(source, samples, 4), 0);
    assert_true(source_ended(source) && source_failed(source));
}

static void standard_input_gives_frames_as_they_come(void **state)
{
    (void)state;
    with_stdin(frames_come_in_pieces, "stdin:s16,2,48000");
}

static void a_cut_frame_at_the_end_of_standard_input_is_a_failure(void **state)
{
    (void)state;
    with_stdin(the_last_frame_is_cut, "stdin:s16,2,48000");
}

// ---- Flow

struct played {
    struct flow *flow;
    struct garden_ring *ring;
    struct flow_tap *tap;
};

static void play(struct played *p, const char *text, enum flow_pace pace, bool threads,
                 size_t capacity)
{
    assert_int_equal(flow_open(&p->flow, open_source(text), pace, threads, NULL), GARDEN_OK);
    assert_int_equal(garden_ring_open(NULL, 4, capacity, &p->ring), GARDEN_OK);
    assert_int_equal(flow_tap_open(p->flow, p->ring, capacity, GARDEN_SAMPLE_S32_LE, &p->tap, NULL),
                     GARDEN_OK);
}

static void stop(struct played *p)
{
    flow_tap_close(p->flow, p->tap);
    flow_close(p->flow);
    garden_ring_close(p->ring);
}

// Takes what the ring has; it must go on counting from |next|. Returns where it ends.
static uint64_t drain_counter(struct garden_ring *ring, uint64_t next)
{
    struct garden_run run;
    while (garden_ring_peek(ring, &run)) {
        for (size_t i = 0; i < run.count; i++, next++) {
            const uint8_t *o = run.data + 4 * i;
            const uint32_t found =
                (uint32_t)o[0] | (uint32_t)o[1] << 8 | (uint32_t)o[2] << 16 | (uint32_t)o[3] << 24;
            assert_int_equal(found >> 16 | found << 16, (uint32_t)next);
        }
        garden_ring_consume(ring, run.count);
    }
    return next;
}

static void a_flow_plays_every_frame_once_and_then_has_ended(void **state)
{
    (void)state;
    struct played p;
    uint64_t next = 0;
    play(&p, "counter:1,48000,10000", FLOW_FAST, false, 2048);
    while (!flow_ended(p.flow)) {
        while (flow_fill(p.flow))
            continue;
        while (flow_callback(p.flow) == FLOW_PLAYED)
            continue;
        next = drain_counter(p.ring, next);
    }
    assert_int_equal(next, 10000);
    assert_int_equal(garden_ring_offered(p.ring), 10000);
    assert_false(flow_failed(p.flow));
    stop(&p);
}

static void a_fast_flow_waits_for_room_and_a_real_one_does_not(void **state)
{
    (void)state;
    struct played p;
    play(&p, "counter:1,48000", FLOW_FAST, false, 1024);
    while (flow_fill(p.flow))
        continue;
    for (int i = 0; i < 4; i++)
        assert_int_equal(flow_callback(p.flow), FLOW_PLAYED);
    assert_int_equal(flow_callback(p.flow), FLOW_FULL);
    assert_int_equal(garden_ring_overrun(p.ring), 0);
    stop(&p);
    play(&p, "counter:1,48000", FLOW_REAL, false, 1024);
    while (flow_fill(p.flow))
        continue;
    for (int i = 0; i < 5; i++)
        assert_int_equal(flow_callback(p.flow), FLOW_PLAYED);
    assert_int_equal(garden_ring_overrun(p.ring), FLOW_BLOCK_FRAMES);
    assert_int_equal(garden_ring_offered(p.ring), 5 * FLOW_BLOCK_FRAMES);
    stop(&p);
}

static void a_flow_that_nobody_taps_any_more_begins_again_with_the_next_tap(void **state)
{
    (void)state;
    struct played p;
    play(&p, "counter:1,48000,1000", FLOW_FAST, false, 4096);
    while (flow_fill(p.flow))
        continue;
    assert_int_equal(flow_callback(p.flow), FLOW_PLAYED);
    assert_int_equal(drain_counter(p.ring, 0), FLOW_BLOCK_FRAMES);
    flow_tap_close(p.flow, p.tap);
    assert_int_equal(flow_callback(p.flow), FLOW_EMPTY);
    assert_int_equal(flow_tap_open(p.flow, p.ring, 4096, GARDEN_SAMPLE_S32_LE, &p.tap, NULL),
                     GARDEN_OK);
    assert_int_equal(flow_callback(p.flow), FLOW_EMPTY); // what was read ahead is of the past
    while (flow_fill(p.flow))
        continue;
    while (flow_callback(p.flow) == FLOW_PLAYED)
        continue;
    assert_true(flow_ended(p.flow));
    assert_int_equal(drain_counter(p.ring, 0), 1000);
    stop(&p);
}

// A thread that has let go of a lock, and may be anywhere behind it, is held up there while this is set: as long as
// another that waited for the lock needs to do what it wants.
static atomic_bool held_up;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) // they have calls of their own
int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    static int (*real)(pthread_mutex_t * mutex);
    if (!real)
        real = (int (*)(pthread_mutex_t *))(uintptr_t)dlsym(RTLD_NEXT, "pthread_mutex_unlock");
    const int result = real(mutex);
    if (atomic_load(&held_up) && gettid() != getpid())
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    return result;
}
#endif

// A reader that has just seen that something plays must not take its end for that of the flow.
static void a_flow_that_is_stopped_at_any_instant_plays_again(void **state)
{
    enum { TIMES = 20, PATIENCE_S = 20 };
    (void)state;
    struct played p;
    struct garden_run run;
    play(&p, "counter:1,48000", FLOW_FAST, true, 65536);
    atomic_store(&held_up, true);
    for (int i = 0; i < TIMES; i++) {
        const uint64_t before = garden_ring_offered(p.ring);
        const time_t end = time(NULL) + PATIENCE_S;
        while (garden_ring_offered(p.ring) == before && time(NULL) < end)
            nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
        assert_true(garden_ring_offered(p.ring) > before);
        flow_tap_close(p.flow, p.tap);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        while (garden_ring_peek(p.ring, &run))
            garden_ring_consume(p.ring, run.count);
        assert_int_equal(flow_tap_open(p.flow, p.ring, 65536, GARDEN_SAMPLE_S32_LE, &p.tap, NULL),
                         GARDEN_OK);
    }
    atomic_store(&held_up, false);
    stop(&p);
}

static void threads_play_a_second_in_a_second_and_nothing_is_lost(void **state)
{
    (void)state;
    struct played p;
    struct timespec before, now;
    uint64_t next = 0;
    clock_gettime(CLOCK_MONOTONIC, &before);
    play(&p, "counter:1,48000,24000", FLOW_REAL, true, 48000);
    while (!flow_ended(p.flow)) {
        next = drain_counter(p.ring, next);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    next = drain_counter(p.ring, next);
    const double took =
        (double)(now.tv_sec - before.tv_sec) + (double)(now.tv_nsec - before.tv_nsec) / 1e9;
    assert_int_equal(next, 24000);
    assert_true(took > 0.48); // a loaded machine may be later, but never early
    stop(&p);
}

// ---- MIDI

static size_t read_midi(struct source *source, uint8_t *out, size_t size, size_t wanted)
{
    size_t filled = 0;
    while (!source_ended(source)) {
        assert_true(size - filled >= SOURCE_MESSAGE_MAX);
        filled += source_read_midi(source, out + filled, wanted);
    }
    return filled;
}

static void octets_of_a_file_become_whole_messages_and_the_rest_is_told_as_lost(void **state)
{
    struct folder *folder = *state;
    char path[128], text[160];
    static uint8_t out[3 * SOURCE_MESSAGE_MAX];
    static const uint8_t in[] = {0x90, 60, 1, 62, 2, 0xF0, 1, 0xF8, 2, 0xF7, 5, 6, 0xC0, 7, 0x80};
    static const uint8_t wanted[] = {0x90, 60, 1, 0x90, 62, 2, 0xF8, 0xF0, 1, 2, 0xF7, 0xC0, 7};
    snprintf(path, sizeof path, "%s/octets", folder->path);
    snprintf(text, sizeof text, "keys=midi:%s", path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(in, 1, sizeof in, file), sizeof in);
    assert_int_equal(fclose(file), 0);
    struct source *source = open_source(text);
    assert_int_equal(source_info(source)->kind, GARDEN_STREAM_MIDI);
    for (int again = 0; again < 2; again++) {
        assert_true(source_rewind(source));
        // What was lost ends a read, so that it is told at its place.
        assert_int_equal(source_read_midi(source, out, 256), 11);
        assert_int_equal(source_lost(source), 0);
        assert_int_equal(source_read_midi(source, out + 11, 256), 2);
        assert_int_equal(source_lost(source), 2);
        assert_false(source_ended(source));
        assert_int_equal(source_read_midi(source, out + 13, 256), 0);
        assert_int_equal(source_lost(source), 1);
        assert_true(source_ended(source) && !source_failed(source));
        assert_memory_equal(out, wanted, sizeof wanted);
    }
    source_close(source);
}

static void a_song_a_folder_and_nothing_are_no_midi_octets(void **state)
{
    struct folder *folder = *state;
    char path[128], text[160];
    struct source_spec spec;
    struct source *source;
    struct garden_error error;
    snprintf(path, sizeof path, "%s/song.mid", folder->path);
    snprintf(text, sizeof text, "midi:%s", path);
    assert_int_equal(source_spec_parse(text, &spec, &error), GARDEN_OK);
    assert_int_equal(source_open(&source, &spec, &error), GARDEN_ERR_NOT_FOUND);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("MThd", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(source_open(&source, &spec, &error), GARDEN_ERR_FORMAT);
    assert_non_null(strstr(error.text, "standard MIDI file"));
    spec.paths[0] = folder->path;
    assert_int_equal(source_open(&source, &spec, &error), GARDEN_ERR_NOT_FOUND);
    assert_non_null(strstr(error.text, "directory"));
}

static void numbered_messages_are_the_same_however_they_are_read(void **state)
{
    (void)state;
    static uint8_t whole[8 * SOURCE_MESSAGE_MAX], pieces[8 * SOURCE_MESSAGE_MAX];
    struct source *source = open_source("midi-counter:3125,5000");
    const size_t size = read_midi(source, whole, sizeof whole, 256);
    assert_int_equal(size, source_info(source)->frames);
    static const size_t steps[] = {1, 3, 17, 1000};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        assert_true(source_rewind(source));
        assert_int_equal(read_midi(source, pieces, sizeof pieces, steps[i]), size);
        assert_memory_equal(whole, pieces, size);
    }
    source_close(source);
}

static void a_flow_of_midi_gives_every_tap_all_octets(void **state)
{
    (void)state;
    static uint8_t whole[3 * SOURCE_MESSAGE_MAX];
    struct source *source = open_source("midi-counter:3125,1000");
    const size_t size = read_midi(source, whole, sizeof whole, 256);
    struct flow *flow;
    struct garden_ring *rings[2];
    struct flow_tap *taps[2];
    size_t at[2] = {0};
    assert_int_equal(flow_open(&flow, source, FLOW_FAST, false, NULL), GARDEN_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(garden_ring_open(NULL, 1, 1000, &rings[i]), GARDEN_OK);
        assert_int_equal(flow_tap_open(flow, rings[i], 1000, GARDEN_SAMPLE_F32_LE, &taps[i], NULL),
                         GARDEN_OK);
    }
    while (!flow_ended(flow)) {
        while (flow_fill(flow) || flow_callback(flow) == FLOW_PLAYED)
            continue;
        for (size_t i = 0; i < 2; i++) {
            struct garden_run run;
            while (garden_ring_peek(rings[i], &run)) {
                assert_memory_equal(run.data, whole + at[i], run.count);
                at[i] += run.count;
                garden_ring_consume(rings[i], run.count);
            }
        }
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(at[i], size);
        assert_int_equal(garden_ring_offered(rings[i]), size);
        flow_tap_close(flow, taps[i]);
        garden_ring_close(rings[i]);
    }
    flow_close(flow);
}

static int make_folder(void **state)
{
    static struct folder folder;
    folder_make(&folder);
    *state = &folder;
    return 0;
}

static int drop_folder(void **state)
{
    folder_remove(*state);
    return 0;
}

#define FILES(name) cmocka_unit_test_setup_teardown(name, make_folder, drop_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILES(a_file_comes_through_bit_for_bit_in_its_own_format),
        cmocka_unit_test(sixteen_bits_as_floats_are_exact),
        FILES(files_follow_each_other_without_a_gap_and_begin_again_when_they_loop),
        FILES(files_that_do_not_agree_are_refused_by_name),
        cmocka_unit_test(a_counter_numbers_its_samples_and_ends),
        cmocka_unit_test(texts_that_are_no_source_are_refused),
        cmocka_unit_test(noise_is_the_same_each_time_and_fills_half_the_scale),
        cmocka_unit_test(standard_input_gives_frames_as_they_come),
        cmocka_unit_test(a_cut_frame_at_the_end_of_standard_input_is_a_failure),
        cmocka_unit_test(a_flow_plays_every_frame_once_and_then_has_ended),
        cmocka_unit_test(a_fast_flow_waits_for_room_and_a_real_one_does_not),
        cmocka_unit_test(a_flow_that_nobody_taps_any_more_begins_again_with_the_next_tap),
        cmocka_unit_test(a_flow_that_is_stopped_at_any_instant_plays_again),
        cmocka_unit_test(threads_play_a_second_in_a_second_and_nothing_is_lost),
        FILES(octets_of_a_file_become_whole_messages_and_the_rest_is_told_as_lost),
        FILES(a_song_a_folder_and_nothing_are_no_midi_octets),
        cmocka_unit_test(numbered_messages_are_the_same_however_they_are_read),
        cmocka_unit_test(a_flow_of_midi_gives_every_tap_all_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
