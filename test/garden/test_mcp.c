#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../garden/mcp/headers.h"
#include "../../garden/mcp/lines.h"
#include "../../garden/mcp/outbox.h"
#include "../../garden/mcp/slicer.h"
#include "../../garden/mcp/tools.h"

// ---- Lines

struct heard {
    char text[256]; // each line in brackets, one that was too long as "!"
};

static void heard_line(void *user, struct zmtp_bytes line, bool whole)
{
    struct heard *heard = user;
    const size_t size = strlen(heard->text);
    if (whole)
        (void)snprintf(heard->text + size, sizeof heard->text - size, "[%.*s]", (int)line.size,
                       (const char *)line.data);
    else
        (void)snprintf(heard->text + size, sizeof heard->text - size, "!");
}

static void test_octets_in_pieces_of_any_size_are_the_same_lines(void **state)
{
    static const char in[] =
        "one\n\ntwo\r\n12345678\r\n123456789\nfar too long to be a line\n\r\nend";
    (void)state;
    for (size_t piece = 1; piece <= sizeof in; piece++) {
        struct heard heard = {.text = ""};
        struct lines lines;
        lines_init(&lines, 8, heard_line, &heard);
        for (size_t at = 0; at < sizeof in - 1; at += piece) {
            const size_t left = sizeof in - 1 - at;
            lines_put(&lines, zmtp_bytes_of((const uint8_t *)in + at, left < piece ? left : piece));
        }
        lines_end(&lines);
        lines_fini(&lines);
        assert_string_equal(heard.text, "[one][two][12345678]!![end]");
    }
}

// ---- What was told

static void outbox_tell(struct outbox *outbox, uint64_t number)
{
    json_t *message = json_pack("{s:I}", "n", (json_int_t)number);
    assert_int_equal(outbox_put(outbox, message), number);
    json_decref(message);
}

static void test_the_latest_messages_are_kept_by_their_numbers(void **state)
{
    struct outbox outbox;
    char text[32];
    (void)state;
    outbox_init(&outbox);
    assert_null(outbox_get(&outbox, 0));
    assert_null(outbox_get(&outbox, 1));
    for (uint64_t number = 1; number <= 3 * OUTBOX_KEPT_MAX; number++) {
        outbox_tell(&outbox, number);
        const uint64_t gone = number > OUTBOX_KEPT_MAX ? number - OUTBOX_KEPT_MAX : 0;
        assert_null(outbox_get(&outbox, gone));
        (void)snprintf(text, sizeof text, "{\"n\":%" PRIu64 "}", gone + 1);
        assert_string_equal(outbox_get(&outbox, gone + 1), text);
    }
    outbox_fini(&outbox);
}

static void test_large_messages_push_others_out_and_the_newest_stays(void **state)
{
    struct outbox outbox;
    char *large = calloc(1, OUTBOX_BYTES_MAX + 1);
    (void)state;
    assert_non_null(large);
    outbox_init(&outbox);
    for (uint64_t number = 1; number <= 10; number++)
        outbox_tell(&outbox, number);
    memset(large, 'x', OUTBOX_BYTES_MAX);
    json_t *message = json_pack("{s:s}", "n", large);
    assert_int_equal(outbox_put(&outbox, message), 11);
    assert_null(outbox_get(&outbox, 10));
    assert_non_null(outbox_get(&outbox, 11));
    outbox_tell(&outbox, 12);
    assert_null(outbox_get(&outbox, 11));
    assert_non_null(outbox_get(&outbox, 12));
    json_decref(message);
    free(large);
    outbox_fini(&outbox);
    assert_int_equal(outbox.bytes, 0);
}

static void test_a_stream_gives_its_events_in_pieces(void **state)
{
    static const char wanted[] = "id: 7\nevent: message\ndata: {}\n\nevent: message\ndata: [1]\n\n";
    struct outbox_stream stream;
    char found[128] = "";
    (void)state;
    outbox_stream_init(&stream);
    assert_int_equal(outbox_stream_put(&stream, 7, "{}"), GARDEN_OK);
    assert_int_equal(outbox_stream_put(&stream, 0, "[1]"), GARDEN_OK);
    outbox_stream_beat(&stream); // what waits says as much
    assert_int_equal(outbox_stream_waiting(&stream), strlen(wanted));
    for (size_t at = 0; outbox_stream_waiting(&stream) > 0;)
        at += outbox_stream_take(&stream, found + at, 5);
    assert_string_equal(found, wanted);
    outbox_stream_beat(&stream);
    assert_int_equal(outbox_stream_take(&stream, found, sizeof found), 3);
    outbox_stream_fini(&stream);
}

// ---- Slices

static uint64_t le(const uint8_t *at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = size; i > 0; i--)
        value = value << 8 | at[i - 1];
    return value;
}

// Of nothing but lost frames, so that no store is needed.
static void slice_of_gaps(uint64_t frames, uint32_t frame_size, const char *name, uint64_t header)
{
    const struct garden_stream_format format = {.kind = GARDEN_STREAM_AUDIO,
                                                .sample_rate = 48000,
                                                .channels = (uint16_t)(frame_size / 4),
                                                .sample = GARDEN_SAMPLE_F32_LE};
    struct garden_manifest manifest;
    struct slicer slicer;
    struct zmtp_bytes octets;
    struct garden_error error;
    garden_manifest_init(&manifest, NULL);
    manifest.frame_size = frame_size;
    assert_int_equal(garden_manifest_finish(&manifest, frames), GARDEN_OK);
    assert_int_equal(slicer_open(&slicer, NULL, &manifest, &format, 0, frames, &error), GARDEN_OK);
    assert_int_equal(slicer_next(&slicer, &octets, &error), 1);
    assert_int_equal(octets.size, header);
    assert_memory_equal(octets.data, name, 4);
    const uint64_t size = frames * frame_size;
    const uint8_t *format_chunk = octets.data + header - 32;
    if (header == 44) {
        assert_int_equal(le(octets.data + 4, 4), size + 36);
        assert_int_equal(le(octets.data + 40, 4), size);
    } else { // EBU Tech 3306: the sizes are in ds64
        assert_int_equal(le(octets.data + 4, 4), UINT32_MAX);
        assert_memory_equal(octets.data + 12, "ds64", 4);
        assert_true(le(octets.data + 20, 8) == size + 72);
        assert_true(le(octets.data + 28, 8) == size);
        assert_true(le(octets.data + 36, 8) == frames);
    }
    assert_memory_equal(format_chunk, "fmt ", 4);
    assert_int_equal(le(format_chunk + 8, 2), 3); // IEEE float
    assert_int_equal(le(format_chunk + 22, 2), 32);
    uint64_t given = octets.size;
    for (int i = 0; i < 3 && slicer_next(&slicer, &octets, &error) == 1; i++)
        given += octets.size;
    assert_true(given == slicer.size || frames > 1000);
    slicer_close(&slicer);
    garden_manifest_fini(&manifest);
}

static void test_a_slice_beyond_four_gigabytes_is_rf64(void **state)
{
    (void)state;
    slice_of_gaps(100, 8, "RIFF", 44);
    slice_of_gaps(UINT32_MAX / 8 - 6, 8, "RIFF", 44);
    slice_of_gaps(UINT32_MAX / 8 + 1, 8, "RF64", 80);
    slice_of_gaps(UINT64_C(1) << 40, 4, "RF64", 80);
}

// ---- Headers

static void test_headers_of_http_are_read_as_lists_of_ranges(void **state)
{
    static const struct {
        const char *value;
        bool accepted;
    } cases[] = {
        {"text/event-stream", true},
        {"application/json, text/event-stream", true},
        {"Text/Event-Stream;q=0.5", true},
        {"text/*", true},
        {"*/*", true},
        {" , ,\ttext/event-stream ;q=1", true},
        {"*/*;q=0, text/*", true},
        {"text/event-stream;q=0, */*", false},
        {"text/*; charset=x; Q=0.000", false},
        {"text/*;q=0.001", true},
        {"text/event-streams", false},
        {"text/event", false},
        {"application/*", false},
        {"*", false},
        {";q=0", false},
        {"", false},
        {NULL, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (header_accepts(cases[i].value, "text/event-stream") != cases[i].accepted)
            fail_msg("Accept: %s", cases[i].value ? cases[i].value : "(none)");
    assert_true(header_is_type("application/json", "application/json"));
    assert_true(header_is_type("Application/JSON ; charset=utf-8", "application/json"));
    assert_false(header_is_type("application/jsonx", "application/json"));
    assert_false(header_is_type("application", "application/json"));
    assert_false(header_is_type(NULL, "application/json"));
}

// ---- Tools

static size_t allocations_left;

static void *scarce_malloc(size_t size)
{
    if (allocations_left == 0) return NULL;
    allocations_left--;
    return malloc(size);
}

// It is made once and kept: half of it must not be.
static void test_a_list_of_tools_is_made_whole_or_not_at_all(void **state)
{
    json_t *list = NULL;
    (void)state;
    json_set_alloc_funcs(scarce_malloc, free);
    for (size_t count = 0; !list; count += 97) {
        allocations_left = count;
        list = tools_list(MCP_2025_06_18);
    }
    json_set_alloc_funcs(malloc, free);
    const json_t *tools = json_object_get(list, "tools");
    assert_true(json_array_size(tools) > 30);
    for (size_t i = 0; i < json_array_size(tools); i++)
        assert_true(json_is_object(json_object_get(json_array_get(tools, i), "outputSchema")) &&
                    json_is_object(json_object_get(json_array_get(tools, i), "annotations")));
    json_decref(list);
}

static void test_every_tool_says_what_it_is_and_has_schemas(void **state)
{
    (void)state;
    for (int version = MCP_2024_11_05; version <= MCP_2025_11_25; version++) {
        json_t *list = tools_list((enum mcp_version)version);
        assert_non_null(list);
        json_t *tools = json_object_get(list, "tools");
        for (size_t i = 0; i < json_array_size(tools); i++) {
            const json_t *tool = json_array_get(tools, i);
            const char *name = json_string_value(json_object_get(tool, "name"));
            assert_non_null(json_object_get(tool, "inputSchema"));
            for (size_t j = 0; j < i; j++)
                assert_string_not_equal(
                    name, json_string_value(json_object_get(json_array_get(tools, j), "name")));
        }
        json_decref(list);
    }
}

static void test_arguments_are_checked_to_their_depth(void **state)
{
    static const struct mcp_field leaf[] = {{.name = "n", .type = MCP_INTEGER, .min = 1, .max = 3},
                                            {0}};
    static const struct mcp_field inner[] = {
        {.name = "list", .type = MCP_OBJECTS, .optional = true, .fields = leaf}, {0}};
    static const struct mcp_choice choices[] = {{"a", "A", NULL, inner}, {0}};
    static const struct mcp_field fields[] = {{.name = "c", .type = MCP_CHOICE, .choices = choices},
                                              {0}};
    static const char *const cases[][2] = {
        {"{\"c\":{\"type\":\"a\"}}", ""},
        {"{\"c\":{\"type\":\"a\",\"list\":[{\"n\":1},{\"n\":3}]}}", ""},
        {"{\"c\":{\"type\":\"a\",\"list\":[{\"n\":1},{\"n\":4}]}}",
         "c.list[1].n: expected a whole number from 1 to 3"},
        {"{\"c\":{\"type\":\"a\",\"list\":[{\"n\":1,\"m\":1}]}}",
         "c.list[0].m: there is no such field"},
        {"{\"c\":{\"type\":\"b\"}}", "c.type: expected one of a, found 'b'"},
        {"{}", "c: expected it to be there"},
    };
    char why[SCHEMA_WHY_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *arguments = json_loads(cases[i][0], 0, NULL);
        why[0] = '\0';
        assert_int_equal(schema_check(fields, arguments, why), cases[i][1][0] == '\0');
        assert_memory_equal(why, cases[i][1], strlen(cases[i][1]));
        json_decref(arguments);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_octets_in_pieces_of_any_size_are_the_same_lines),
        cmocka_unit_test(test_the_latest_messages_are_kept_by_their_numbers),
        cmocka_unit_test(test_large_messages_push_others_out_and_the_newest_stays),
        cmocka_unit_test(test_a_stream_gives_its_events_in_pieces),
        cmocka_unit_test(test_headers_of_http_are_read_as_lists_of_ranges),
        cmocka_unit_test(test_a_slice_beyond_four_gigabytes_is_rf64),
        cmocka_unit_test(
            test_a_list_of_tools_is_made_whole_or_not_at_all), // before others made one
        cmocka_unit_test(test_every_tool_says_what_it_is_and_has_schemas),
        cmocka_unit_test(test_arguments_are_checked_to_their_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
