// MIDI: octets become whole messages, and a chunk of a stream holds nothing but whole ones.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <garden/capture.h>

#include "../../garden/core/midi.h"

static struct garden__midi parser; // too large for the stack

// Parses |in| in pieces of |step| octets. |out| gets each message, with its size before it. Returns what
// was dropped.
static uint64_t parse(const uint8_t *in, size_t size, size_t step, uint8_t *out, size_t *out_size)
{
    garden__midi_init(&parser);
    *out_size = 0;
    for (size_t at = 0; at < size; at += step) {
        struct zmtp_bytes piece = zmtp_bytes_of(in + at, size - at < step ? size - at : step);
        while (piece.size > 0) {
            const struct zmtp_bytes message = garden__midi_next(&parser, &piece);
            if (message.size == 0) break;
            assert_true(message.size < 256);
            out[(*out_size)++] = (uint8_t)message.size;
            memcpy(out + *out_size, message.data, message.size);
            *out_size += message.size;
        }
    }
    garden__midi_end(&parser);
    return parser.dropped;
}

#define CHECK_PARSED(dropped, in, ...)                                                             \
    do {                                                                                           \
        static const uint8_t given[] = in, wanted[] = {__VA_ARGS__};                               \
        uint8_t found[256];                                                                        \
        size_t found_size;                                                                         \
        for (size_t step = 1; step <= sizeof given; step++) {                                      \
            assert_int_equal(parse(given, sizeof given, step, found, &found_size), dropped);       \
            assert_int_equal(found_size, sizeof wanted);                                           \
            assert_memory_equal(found, wanted, sizeof wanted);                                     \
        }                                                                                          \
    } while (0)
#define OCTETS(...)                                                                                \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static void test_messages_of_every_size_come_out_whole(void **state)
{
    (void)state;
    CHECK_PARSED(0,
                 OCTETS(0x90, 60, 100, 0xC1, 5, 0xF8, 0xF1, 7, 0xF2, 1, 2, 0xF3, 4, 0xF6, 0xF0, 1,
                        2, 0xF7, 0xE0, 0, 64),
                 3, 0x90, 60, 100, 2, 0xC1, 5, 1, 0xF8, 2, 0xF1, 7, 3, 0xF2, 1, 2, 2, 0xF3, 4, 1,
                 0xF6, 4, 0xF0, 1, 2, 0xF7, 3, 0xE0, 0, 64);
}

static void test_running_status_is_written_out(void **state)
{
    (void)state;
    CHECK_PARSED(0, OCTETS(0x90, 60, 1, 62, 2, 0xD0, 9, 8), 3, 0x90, 60, 1, 3, 0x90, 62, 2, 2, 0xD0,
                 9, 2, 0xD0, 8);
    // System common messages end it; what follows belongs to nothing.
    CHECK_PARSED(2, OCTETS(0x90, 60, 1, 0xF6, 60, 1), 3, 0x90, 60, 1, 1, 0xF6);
}

static void test_a_real_time_message_goes_before_the_one_it_interrupts(void **state)
{
    (void)state;
    CHECK_PARSED(0, OCTETS(0x90, 0xF8, 60, 0xFE, 1, 0xF0, 1, 0xFA, 2, 0xF7), 1, 0xF8, 1, 0xFE, 3,
                 0x90, 60, 1, 1, 0xFA, 4, 0xF0, 1, 2, 0xF7);
}

static void test_what_is_part_of_no_whole_message_is_dropped_and_counted(void **state)
{
    (void)state;
    CHECK_PARSED(3, OCTETS(1, 2, 3, 0x90, 60, 1), 3, 0x90, 60, 1);
    CHECK_PARSED(2, OCTETS(0x90, 60, 0x80, 61, 0), 3, 0x80, 61, 0);
    CHECK_PARSED(1, OCTETS(0xF7, 0xF8), 1, 0xF8);
    CHECK_PARSED(2, OCTETS(0xF8, 0xF0, 1), 1, 0xF8); // cut off by the end
}

static void test_an_exclusive_message_ends_with_the_next_status(void **state)
{
    (void)state;
    CHECK_PARSED(0, OCTETS(0xF0, 1, 2, 0x90, 60, 1), 4, 0xF0, 1, 2, 0xF7, 3, 0x90, 60, 1);
}

static void test_an_exclusive_message_that_is_too_large_is_dropped_whole(void **state)
{
    (void)state;
    enum { SIZE = GARDEN__MIDI_MESSAGE_MAX + 1000 };
    uint8_t *in = calloc(SIZE + 4, 1);
    assert_non_null(in);
    in[0] = 0xF0;
    in[SIZE - 1] = 0xF7;
    memcpy(in + SIZE, "\x90\x3c\x01\xf8", 4);
    garden__midi_init(&parser);
    struct zmtp_bytes rest = zmtp_bytes_of(in, SIZE + 4);
    const struct zmtp_bytes message = garden__midi_next(&parser, &rest);
    assert_int_equal(message.size, 3);
    assert_int_equal(message.data[0], 0x90);
    assert_int_equal(parser.dropped, SIZE);
    // One octet less than too large is none.
    garden__midi_init(&parser);
    in[GARDEN__MIDI_MESSAGE_MAX - 1] = 0xF7;
    rest = zmtp_bytes_of(in, GARDEN__MIDI_MESSAGE_MAX);
    assert_int_equal(garden__midi_next(&parser, &rest).size, GARDEN__MIDI_MESSAGE_MAX);
    free(in);
}

static void test_a_cut_lies_between_two_messages(void **state)
{
    (void)state;
    static const uint8_t data[] = {0x90, 60, 1, 0xF0, 1, 0xF7, 0xF8, 0xC0, 2};
    static const size_t wanted[] = {0, 0, 0, 3, 3, 3, 6, 7, 7, 9, 9};
    for (size_t most = 0; most < sizeof wanted / sizeof *wanted; most++)
        assert_int_equal(garden__midi_cut(data, sizeof data, most), wanted[most]);
    assert_int_equal(garden__midi_rest(data, sizeof data), 0);
    assert_int_equal(garden__midi_rest(data + 4, sizeof data - 4), 2);
    assert_int_equal(garden__midi_rest(data + 8, 1), 1);
}

// ---- A stream of MIDI through the capture machine, with files of memory

enum { FILES_MAX = 4096, OFFERED_MAX = 1 << 16 };

struct file {
    uint8_t *data;
    size_t size;
    uint64_t first;
};

struct rig {
    struct garden_ring *ring;
    struct garden_capture *capture;
    struct file files[FILES_MAX], *slots[2];
    size_t file_count;
    uint8_t offered[OFFERED_MAX]; // by position; 0xFD where it was lost
    size_t offered_count, capacity;
    uint32_t random;
    unsigned fail_one_in; // writes
    int64_t now;
    bool ended;
    struct garden_capture_totals totals;
};

static uint32_t pick(struct rig *rig, uint32_t below)
{
    rig->random = rig->random * 1664525u + 1013904223u;
    return (rig->random >> 8) % below;
}

static size_t make_message(struct rig *rig, uint8_t *out, size_t longest)
{
    size_t size = 1 + pick(rig, 3);
    static const uint8_t status[] = {0, 0xF8, 0xC3, 0x95};
    if (pick(rig, 4) == 0 && longest > 2) {
        size = 2 + pick(rig, (uint32_t)longest - 1);
        memset(out, 0x11, size);
        out[0] = 0xF0;
        out[size - 1] = 0xF7;
        return size;
    }
    out[0] = status[size];
    for (size_t i = 1; i < size; i++)
        out[i] = (uint8_t)pick(rig, 128);
    return size;
}

// A buffer of whole messages, which the ring takes or drops.
static void offer(struct rig *rig, size_t longest)
{
    uint8_t data[512];
    size_t size = 0;
    for (uint32_t count = 1 + pick(rig, 4); count > 0; count--)
        size += make_message(rig, data + size, longest);
    assert_true(rig->offered_count + size < OFFERED_MAX);
    const bool stored = garden_ring_write(rig->ring, data, size);
    if (stored)
        memcpy(rig->offered + rig->offered_count, data, size);
    else
        memset(rig->offered + rig->offered_count, 0xFD, size);
    rig->offered_count += size;
}

static void perform(struct rig *rig, const struct garden_capture_action *action)
{
    struct file *file = rig->slots[action->slot];
    int result = GARDEN_OK;
    if (action->verb == GARDEN_CAPTURE_OPEN) {
        assert_true(rig->file_count < FILES_MAX);
        file = rig->slots[action->slot] = &rig->files[rig->file_count++];
        file->data = calloc(1, (size_t)action->bytes);
        assert_non_null(file->data);
    } else if (action->verb == GARDEN_CAPTURE_WRITE) {
        size_t size = (size_t)action->bytes;
        if (rig->fail_one_in > 0 && pick(rig, rig->fail_one_in) == 0) {
            result = GARDEN_ERR_NO_SPACE;
            size = pick(rig, (uint32_t)size + 1); // some of it may have arrived
        }
        memcpy(file->data + file->size, action->data, size);
        file->size += size;
    } else if (action->verb == GARDEN_CAPTURE_CLOSE) {
        assert_true(action->bytes <= file->size);
        file->size = (size_t)action->bytes;
    }
    garden_capture_done(rig->capture, rig->now, result, file->size, NULL);
}

static void run(struct rig *rig)
{
    struct garden_capture_action action;
    struct garden_capture_event event;
    bool again = true;
    while (again) {
        again = false;
        while (garden_capture_next(rig->capture, rig->now, &action))
            perform(rig, &action);
        while (garden_capture_event(rig->capture, rig->now, &event)) {
            again = true;
            if (event.kind != GARDEN_CAPTURE_ENDED) continue;
            rig->ended = true;
            rig->totals = event.totals;
        }
    }
}

static void begin(struct rig *rig, uint32_t seed, size_t capacity, uint64_t chunk_size)
{
    const struct garden_capture_config config = {
        .uri = "stream://m", .format = {.kind = GARDEN_STREAM_MIDI}, .chunk_size = chunk_size};
    memset(rig, 0, sizeof *rig);
    rig->random = seed;
    rig->capacity = capacity;
    assert_int_equal(garden_ring_open(NULL, 1, capacity, &rig->ring), GARDEN_OK);
    assert_int_equal(garden_capture_open(NULL, &config, rig->ring, "p", 0, &rig->capture, NULL),
                     GARDEN_OK);
    run(rig);
}

static void switch_to_next(struct rig *rig)
{
    char path[32];
    snprintf(path, sizeof path, "p%zu", rig->file_count);
    (void)garden_capture_switch(rig->capture, path, rig->now, NULL); // or it has two already
    run(rig);
}

// Each file parses by itself and leaves nothing over; all files are, in order, what was offered without
// what was lost.
static void check_and_end(struct rig *rig)
{
    size_t captured = 0, at = 0;
    garden_capture_stop(rig->capture, rig->now);
    for (int i = 0; i < 100000 && !rig->ended; i++) {
        run(rig);
        switch_to_next(rig);
        rig->now += 50;
    }
    assert_true(rig->ended);
    for (size_t i = 0; i < rig->file_count; i++) {
        const struct file *file = &rig->files[i];
        struct zmtp_bytes rest = zmtp_bytes_of(file->data, file->size);
        garden__midi_init(&parser);
        while (rest.size > 0) {
            const struct zmtp_bytes message = garden__midi_next(&parser, &rest);
            if (message.size == 0) break;
            // It is somewhere at or after where the last one ended; what lies between was lost.
            while (at + message.size <= rig->offered_count &&
                   memcmp(rig->offered + at, message.data, message.size) != 0)
                at++;
            assert_true(at + message.size <= rig->offered_count);
            at += message.size;
        }
        garden__midi_end(&parser);
        assert_int_equal(parser.dropped, 0);
        captured += file->size;
        free(file->data);
    }
    assert_int_equal(rig->totals.offered, rig->offered_count);
    assert_int_equal(rig->totals.captured, captured);
    assert_int_equal(rig->totals.overrun, rig->offered_count - captured);
    garden_capture_close(rig->capture);
    garden_ring_close(rig->ring);
}

static void simulate(struct rig *rig, uint32_t seed)
{
    begin(rig, seed, 40 + seed % 61, 1 + seed % 50);
    rig->fail_one_in = seed % 3 == 0 ? 15 : 0;
    for (int i = 0; i < 300; i++) {
        offer(rig, 1 + seed % 40);
        if (pick(rig, 3) > 0) run(rig);
        if (pick(rig, 4) > 0) switch_to_next(rig);
    }
    check_and_end(rig);
}

static void test_whatever_the_sizes_no_message_lies_in_two_chunks(void **state)
{
    (void)state;
    static struct rig rig;
    for (uint32_t seed = 1; seed <= 600; seed++)
        simulate(&rig, seed);
}

static void test_a_message_larger_than_a_chunk_is_a_gap_and_the_next_is_captured(void **state)
{
    (void)state;
    static struct rig rig;
    static const uint8_t data[] = {0xF0, 1, 2, 3, 4, 5, 6, 7, 8, 0xF7, 0x90, 60, 1};
    begin(&rig, 1, 64, 8);
    memcpy(rig.offered, data, sizeof data);
    rig.offered_count = sizeof data;
    assert_true(garden_ring_write(rig.ring, data, sizeof data));
    run(&rig);
    assert_int_equal(rig.files[0].size, 3);
    assert_memory_equal(rig.files[0].data, data + 10, 3);
    check_and_end(&rig);
    assert_int_equal(rig.totals.overrun, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_of_every_size_come_out_whole),
        cmocka_unit_test(test_running_status_is_written_out),
        cmocka_unit_test(test_a_real_time_message_goes_before_the_one_it_interrupts),
        cmocka_unit_test(test_what_is_part_of_no_whole_message_is_dropped_and_counted),
        cmocka_unit_test(test_an_exclusive_message_ends_with_the_next_status),
        cmocka_unit_test(test_an_exclusive_message_that_is_too_large_is_dropped_whole),
        cmocka_unit_test(test_a_cut_lies_between_two_messages),
        cmocka_unit_test(test_whatever_the_sizes_no_message_lies_in_two_chunks),
        cmocka_unit_test(test_a_message_larger_than_a_chunk_is_a_gap_and_the_next_is_captured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
