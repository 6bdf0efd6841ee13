#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <garden/stream.h>
#include <stdio.h>
#include <string.h>

#include "../support/sockets.h"

static void report_fill(struct garden_chunk_report *report, size_t gap_count)
{
    *report = (struct garden_chunk_report){.number = 3,
                                           .path = "take \xc3\xa9/000003",
                                           .first = UINT64_C(1) << 63,
                                           .frames = 480000,
                                           .bytes = 3840000,
                                           .gap_count = gap_count};
    for (size_t i = 0; i < gap_count; i++)
        report->gaps[i] = (struct garden_gap){(UINT64_C(1) << 63) + 10 * i, i + 1};
}

static void assert_reports_equal(const struct garden_chunk_report *a,
                                 const struct garden_chunk_report *b)
{
    assert_true(a->number == b->number && a->first == b->first && a->frames == b->frames);
    assert_true(a->bytes == b->bytes && a->gap_count == b->gap_count);
    assert_string_equal(a->path, b->path);
    for (size_t i = 0; i < a->gap_count; i++)
        assert_true(a->gaps[i].first == b->gaps[i].first && a->gaps[i].count == b->gaps[i].count);
}

// |value| through octets and back, as a peer would see it.
static struct garden_value over_the_wire(const struct garden_value *value,
                                         enum garden_encoding encoding, struct garden_arena *arena)
{
    struct garden_buffer octets;
    struct garden_value out;
    garden_buffer_init(&octets, NULL, 0);
    const bool json = encoding == GARDEN_JSON;
    const int wrote =
        json ? garden_json_encode(value, &octets) : garden_msgpack_encode(value, &octets);
    assert_int_equal(wrote, GARDEN_OK);
    const struct zmtp_bytes in = garden_buffer_bytes(&octets);
    const int read = json ? garden_json_decode(in, arena, &out, NULL)
                          : garden_msgpack_decode(in, arena, &out, NULL);
    assert_int_equal(read, GARDEN_OK);
    garden_buffer_fini(&octets);
    return out;
}

static void test_a_report_reads_back_as_it_was_in_both_encodings(void **state)
{
    (void)state;
    static const size_t gap_counts[] = {0, 1, GARDEN_CHUNK_GAPS_MAX};
    for (size_t i = 0; i < 6; i++) {
        struct garden_arena arena;
        struct garden_chunk_report report, again;
        struct garden_value value;
        garden_arena_init(&arena, NULL, 0);
        report_fill(&report, gap_counts[i / 2]);
        assert_int_equal(garden_chunk_report_value(&report, &arena, &value), GARDEN_OK);
        value = over_the_wire(&value, i % 2 ? GARDEN_JSON : GARDEN_MSGPACK, &arena);
        assert_int_equal(garden_chunk_report_read(&value, &again), GARDEN_OK);
        assert_reports_equal(&report, &again);
        garden_arena_fini(&arena);
    }
}

static void test_totals_read_back_as_they_were(void **state)
{
    (void)state;
    struct garden_arena arena;
    const struct garden_capture_totals totals = {UINT64_MAX, 2, UINT64_MAX - 2, 4, 5};
    struct garden_capture_totals again;
    struct garden_value value;
    garden_arena_init(&arena, NULL, 0);
    assert_int_equal(garden_capture_totals_value(&totals, &arena, &value), GARDEN_OK);
    value = over_the_wire(&value, GARDEN_JSON, &arena);
    assert_int_equal(garden_capture_totals_read(&value, &again), GARDEN_OK);
    assert_memory_equal(&totals, &again, sizeof totals);
    garden_arena_fini(&arena);
}

static int read_json(const char *json, struct garden_chunk_report *report)
{
    struct garden_arena arena;
    struct garden_value value;
    garden_arena_init(&arena, NULL, 0);
    const struct zmtp_bytes in = zmtp_bytes_text(json);
    assert_int_equal(garden_json_decode(in, &arena, &value, NULL), GARDEN_OK);
    const int result = garden_chunk_report_read(&value, report);
    garden_arena_fini(&arena);
    return result;
}

#define REPORT(number, path, first, frames, bytes, gaps)                                           \
    "{\"number\":" number ",\"path\":" path ",\"first_sample\":" first ",\"sample_count\":" frames \
    ",\"byte_count\":" bytes ",\"gaps\":" gaps "}"

static void test_a_report_that_is_not_one_is_refused_and_writes_nothing(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "null",
        "[]",
        "{}",
        REPORT("-1", "\"p\"", "0", "1", "4", "[]"),
        REPORT("0.5", "\"p\"", "0", "1", "4", "[]"),
        REPORT("\"0\"", "\"p\"", "0", "1", "4", "[]"),
        REPORT("0", "7", "0", "1", "4", "[]"),
        REPORT("0", "\"a\\u0000b\"", "0", "1", "4", "[]"), // would be another path
        REPORT("0", "\"p\"", "null", "1", "4", "[]"),
        REPORT("0", "\"p\"", "18446744073709551615", "1", "4", "[]"), // ends beyond the numbers
        REPORT("0", "\"p\"", "1e300", "1", "4", "[]"),
        REPORT("0", "\"p\"", "0", "[]", "4", "[]"),
        REPORT("0", "\"p\"", "0", "1", "true", "[]"),
        REPORT("0", "\"p\"", "0", "1", "4", "null"),
        REPORT("0", "\"p\"", "0", "1", "4", "{}"),
        REPORT("0", "\"p\"", "0", "1", "4", "[1,2]"),
        REPORT("0", "\"p\"", "0", "1", "4", "[[1]]"),
        REPORT("0", "\"p\"", "0", "1", "4", "[[1,2,3]]"),
        REPORT("0", "\"p\"", "0", "1", "4", "[[1,-2]]"),
        REPORT("0", "\"p\"", "0", "1", "4", "[[2,18446744073709551614]]"),
        "{\"number\":0,\"path\":\"p\",\"first_sample\":0,\"sample_count\":1,\"byte_count\":4}",
    };
    struct garden_chunk_report report, before;
    memset(&report, 0x5a, sizeof report);
    before = report;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (read_json(refused[i], &report) != GARDEN_ERR_FORMAT) fail_msg("%s", refused[i]);
        assert_memory_equal(&report, &before, sizeof report);
    }
    assert_int_equal(garden_chunk_report_read(NULL, &report), GARDEN_ERR_FORMAT);
    assert_int_equal(read_json(REPORT("0", "\"p\"", "0.0", "1", "4", "[[0,1]]"), &report),
                     GARDEN_OK);
    assert_int_equal(report.gap_count, 1);
}

static void test_a_path_and_gaps_are_taken_up_to_their_limits(void **state)
{
    (void)state;
    for (size_t over = 0; over < 2; over++) {
        char json[2048], path[GARDEN_PATH_MAX + 1] = "", gaps[1024] = "[";
        memset(path, 'p', GARDEN_PATH_MAX - 1 + over);
        struct garden_chunk_report report;
        snprintf(json, sizeof json, REPORT("0", "\"%s\"", "0", "1", "4", "[]"), path);
        assert_int_equal(read_json(json, &report), over ? GARDEN_ERR_FORMAT : GARDEN_OK);
        for (size_t i = 0; i < GARDEN_CHUNK_GAPS_MAX + over; i++)
            strcat(gaps, i ? ",[1,2]" : "[1,2]");
        snprintf(json, sizeof json, REPORT("0", "\"p\"", "0", "1", "4", "%s]"), gaps);
        assert_int_equal(read_json(json, &report), over ? GARDEN_ERR_FORMAT : GARDEN_OK);
    }
}

static void test_totals_without_a_member_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"offered", "captured", "overrun", "bytes", "chunks"};
    enum { NAMES = 5 };
    for (size_t missing = 0; missing <= NAMES; missing++) {
        struct garden_entry entries[NAMES];
        size_t count = 0;
        for (size_t i = 0; i < NAMES; i++)
            if (i != missing) entries[count++] = garden_entry_of(names[i], garden_value_uint(i));
        const struct garden_value value = garden_value_map(entries, count);
        struct garden_capture_totals totals = {.offered = 77};
        const int result = garden_capture_totals_read(&value, &totals);
        assert_int_equal(result, missing == NAMES ? GARDEN_OK : GARDEN_ERR_FORMAT);
        assert_int_equal(totals.offered, missing == NAMES ? 0 : 77);
    }
    struct garden_capture_totals totals;
    assert_int_equal(garden_capture_totals_read(NULL, &totals), GARDEN_ERR_FORMAT);
}

static void report_with_memory_of(const struct zmtp_allocator *allocator)
{
    struct garden_arena arena;
    struct garden_chunk_report report;
    const struct garden_capture_totals totals = {0};
    struct garden_value value;
    report_fill(&report, GARDEN_CHUNK_GAPS_MAX);
    garden_arena_init(&arena, allocator, 0);
    const int wrote = garden_chunk_report_value(&report, &arena, &value);
    assert_true(wrote == GARDEN_OK || wrote == GARDEN_ERR_MEMORY);
    if (wrote == GARDEN_OK) assert_int_equal(garden_chunk_report_read(&value, &report), GARDEN_OK);
    const int told = garden_capture_totals_value(&totals, &arena, &value);
    assert_true(told == GARDEN_OK || told == GARDEN_ERR_MEMORY);
    garden_arena_fini(&arena);
}

static void test_values_are_whole_or_not_there_when_memory_fails(void **state)
{
    (void)state;
    sockets_with_failing_memory(report_with_memory_of);
}

static void test_a_gap_without_memory_is_null(void **state)
{
    (void)state;
    struct garden_arena arena;
    garden_arena_init(&arena, NULL, 1); // less than any block
    const struct garden_gap gap = {1, 2};
    assert_int_equal(garden_gap_value(&gap, &arena).type, GARDEN_NULL);
    garden_arena_fini(&arena);
}

static void test_every_code_reads_back_and_a_strange_one_is_a_failure_of_the_system(void **state)
{
    (void)state;
    static const int codes[] = {
        GARDEN_ERR_ARGUMENT, GARDEN_ERR_STATE,  GARDEN_ERR_MEMORY, GARDEN_ERR_SYSTEM,
        GARDEN_ERR_NO_SPACE, GARDEN_ERR_EXISTS, GARDEN_ERR_ACCESS, GARDEN_ERR_NOT_FOUND,
        GARDEN_ERR_TIMEOUT,  GARDEN_ERR_FORMAT, GARDEN_ERR_LIMIT,  GARDEN_ERR_RANGE,
        GARDEN_ERR_CORRUPT,
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct garden_entry entry = garden_code_entry(codes[i]);
        const struct garden_map metadata = {&entry, 1};
        assert_int_equal(garden_code_read(&metadata), codes[i]);
    }
    struct garden_entry strange[] = {
        garden_code_entry(GARDEN_ERR_DEAD),
        garden_entry_of("code", garden_value_text(garden_text_of("?"))),
        garden_entry_of("code", garden_value_int(-7)), garden_entry_of("seq", garden_value_int(1))};
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        const struct garden_map metadata = {&strange[i], 1};
        assert_int_equal(garden_code_read(&metadata), GARDEN_ERR_SYSTEM);
    }
}

static void test_a_definition_reads_back_as_the_format_it_was_made_of(void **state)
{
    (void)state;
    static const enum garden_sample_format samples[] = {GARDEN_SAMPLE_F32_LE, GARDEN_SAMPLE_S16_LE,
                                                        GARDEN_SAMPLE_S24_LE, GARDEN_SAMPLE_S32_LE};
    struct garden_stream_definition definition;
    struct garden_stream_format again;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const struct garden_stream_format format = {GARDEN_STREAM_AUDIO, 48000, 2, samples[i]};
        garden_stream_definition_of(&format, 4096, garden_text_of("mic"), &definition);
        assert_int_equal(definition.chunk_size_bytes, 4096);
        assert_true(garden_text_is(definition.device_identity, "mic"));
        assert_int_equal(garden_stream_format_read(&definition, &again), GARDEN_OK);
        assert_true(again.kind == GARDEN_STREAM_AUDIO && again.sample == samples[i]);
        assert_true(again.sample_rate == 48000 && again.channels == 2);
    }
    const struct garden_stream_format midi = {.kind = GARDEN_STREAM_MIDI};
    garden_stream_definition_of(&midi, 4096, garden_text_of("keys"), &definition);
    assert_int_equal(garden_stream_format_read(&definition, &again), GARDEN_OK);
    assert_int_equal(again.kind, GARDEN_STREAM_MIDI);
}

static void test_a_definition_beyond_the_limits_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t rate;
        uint16_t channels;
        int result;
    } cases[] = {
        {0, 2, GARDEN_ERR_RANGE},
        {48000, 0, GARDEN_ERR_RANGE},
        {GARDEN_SAMPLE_RATE_MAX, GARDEN_CHANNELS_MAX, GARDEN_OK},
        {GARDEN_SAMPLE_RATE_MAX + 1, 2, GARDEN_ERR_RANGE},
        {48000, GARDEN_CHANNELS_MAX + 1, GARDEN_ERR_RANGE},
        {UINT32_MAX, UINT16_MAX, GARDEN_ERR_RANGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct garden_stream_definition definition = {0};
        struct garden_stream_format format;
        definition.format.kind = GARDEN_WIRE_FORMAT_AUDIO;
        definition.format.audio.sample_rate = cases[i].rate;
        definition.format.audio.channels = cases[i].channels;
        definition.format.audio.sample_format = GARDEN_WIRE_SAMPLE_S16_LE;
        assert_int_equal(garden_stream_format_read(&definition, &format), cases[i].result);
    }
}

static void test_a_streams_name_is_one_printable_line(void **state)
{
    (void)state;
    static const struct {
        const char *uri, *wrong; // null: nothing is
    } cases[] = {
        {"stream://default/main", NULL},
        {"stream://x", NULL},
        {"stream://caf\xc3\xa9 2/\xe2\x80\x9cmain\xe2\x80\x9d\xe2\x80\x8d?#%41", NULL},
        {"stream://\xf0\x9f\x8e\xa4//", NULL},
        {"", "stream://"},
        {"x", "stream://"},
        {"stream:/x", "stream://"},
        {"Stream://x", "stream://"},
        {"stream://", "stream://"},
        {"stream:///main", "stream://"},
        {" stream://x", "stream://"},
        {"stream://\xff", "UTF-8"},
        {"\xff", "UTF-8"},
        {"stream://\xc3", "UTF-8"},
        {"stream://x\n", "control"},
        {"stream://\x1b[2Jx", "control"},
        {"stream://x\x7f", "control"},
        {"stream://x\xc2\x85y", "control"},
        {"stream://x\xe2\x80\xa8y", "control"},
        {"stream://x\xe2\x80\xae", "control"},
        {"stream://x\xe2\x81\xa7y", "control"},
        {"stream://x\xe2\x80\x8by", "nobody sees"},
        {"stream://\xef\xbb\xbfx", "nobody sees"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *wrong = garden_stream_uri_wrong(garden_text_of(cases[i].uri));
        if (!cases[i].wrong != !wrong || (wrong && !strstr(wrong, cases[i].wrong)))
            fail_msg("'%s': %s", cases[i].uri, wrong ? wrong : "taken");
    }
    char large[GARDEN_URI_MAX + 1] = "stream://";
    memset(large + 9, 'x', sizeof large - 10);
    assert_string_equal(garden_stream_uri_wrong((struct garden_text){large, GARDEN_URI_MAX}),
                        "must have no more than 511 octets");
    assert_null(garden_stream_uri_wrong((struct garden_text){large, GARDEN_URI_MAX - 1}));
    assert_non_null(garden_stream_uri_wrong((struct garden_text){"stream://a\0b", 12}));
    assert_non_null(garden_stream_uri_wrong((struct garden_text){NULL, 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_report_reads_back_as_it_was_in_both_encodings),
        cmocka_unit_test(test_totals_read_back_as_they_were),
        cmocka_unit_test(test_a_report_that_is_not_one_is_refused_and_writes_nothing),
        cmocka_unit_test(test_a_path_and_gaps_are_taken_up_to_their_limits),
        cmocka_unit_test(test_totals_without_a_member_are_refused),
        cmocka_unit_test(test_values_are_whole_or_not_there_when_memory_fails),
        cmocka_unit_test(test_a_gap_without_memory_is_null),
        cmocka_unit_test(test_every_code_reads_back_and_a_strange_one_is_a_failure_of_the_system),
        cmocka_unit_test(test_a_definition_reads_back_as_the_format_it_was_made_of),
        cmocka_unit_test(test_a_definition_beyond_the_limits_is_refused),
        cmocka_unit_test(test_a_streams_name_is_one_printable_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
