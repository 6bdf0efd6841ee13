// What a decoder takes of each dialect, and what it refuses: contents in JSON, which says the same as
// MessagePack and can be read.
#include "garden/wire.h"
#include "test/support/octets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct garden_message message;
static struct garden_form form;
static struct garden_fault fault;

static int decode(const char *type, const char *content)
{
    static char text[4096];
    const int size = snprintf(text, sizeof text,
                              "{\"content\":%s,\"header\":{\"timestamp\":\"2025-12-11T19:19:43Z\","
                              "\"msg_id\":\"10111213-1415-4617-9819-1a1b1c1d1e1f\","
                              "\"session\":\"20212223-2425-4627-a829-2a2b2c2d2e2f\","
                              "\"msg_type\":\"%s\",\"version\":\"0.1.0\",\"more\":0}}",
                              content, type);
    form = (struct garden_form){GARDEN_MSGPACK, GARDEN_EXTERNAL};
    garden_message_fini(&message);
    return garden_message_decode(&message, (struct zmtp_bytes){(uint8_t *)text, (size_t)size}, NULL,
                                 &form, &fault);
}

static void assert_taken(const char *type, const char *content, enum garden_dialect dialect)
{
    if (decode(type, content)) fail_msg("%s: %s", content, fault.text);
    assert_int_equal(form.encoding, GARDEN_JSON);
    assert_int_equal(form.dialect, dialect);
}

static void assert_refused(const char *type, const char *content, int error)
{
    if (decode(type, content) != error) fail_msg("%s: %d %s", content, fault.code, fault.text);
    assert_int_equal(message.family, GARDEN_FAMILY_NONE); // and it is empty
}

static int tear_down(void **state)
{
    (void)state;
    garden_message_fini(&message);
    return 0;
}

#define UUID "\"30313233-3435-4637-b839-3a3b3c3d3e3f\""

static void test_external_units_are_a_name_or_a_map_to_null(void **state)
{
    (void)state;
    assert_taken("shell_request", "\"Play\"", GARDEN_EXTERNAL);
    assert_int_equal(message.shell_request.kind, GARDEN_SHELL_PLAY);
    assert_taken("shell_request", "{\"Stop\":null}", GARDEN_EXTERNAL);
    assert_int_equal(message.shell_request.kind, GARDEN_SHELL_STOP);
    assert_refused("shell_request", "{\"Play\":[]}", GARDEN_ERR_FORMAT);
    assert_refused("shell_request", "{\"Play\":{}}", GARDEN_ERR_FORMAT);
    assert_refused("shell_request", "\"play\"", GARDEN_ERR_TYPE); // the other dialect's spelling
    assert_refused("shell_request", "9", GARDEN_ERR_FORMAT);      // an index would drift
    assert_refused("shell_request", "null", GARDEN_ERR_FORMAT);
}

static void test_external_variants_take_their_fields_as_a_list_or_a_map(void **state)
{
    (void)state;
    assert_taken("shell_request", "{\"Seek\":[16.0]}", GARDEN_EXTERNAL);
    assert_true(message.shell_request.seek.beat == 16.0);
    assert_taken("shell_request", "{\"Seek\":{\"beat\":2,\"unknown\":[]}}", GARDEN_EXTERNAL);
    assert_true(message.shell_request.seek.beat == 2.0);
    assert_refused("shell_request", "\"Seek\"", GARDEN_ERR_FORMAT);
    assert_refused("shell_request", "{\"Seek\":null}", GARDEN_ERR_FORMAT);
    assert_refused("shell_request", "{\"Seek\":16.0}", GARDEN_ERR_FORMAT);
    assert_refused("shell_request", "{\"Seek\":[]}", GARDEN_ERR_FORMAT);
    assert_refused("shell_request", "{\"Seek\":[1,2]}", GARDEN_ERR_FORMAT);
    assert_refused("shell_request", "{\"Seek\":{}}", GARDEN_ERR_FORMAT);
    assert_refused("shell_request", "{\"Seek\":[1],\"Play\":null}", GARDEN_ERR_FORMAT);
    assert_refused("shell_request", "{}", GARDEN_ERR_FORMAT);
}

static void test_tagged_variants_have_their_name_first_or_under_type(void **state)
{
    (void)state;
    assert_taken("shell_request", "[\"play\"]", GARDEN_TAGGED);
    assert_int_equal(message.shell_request.kind, GARDEN_SHELL_PLAY);
    assert_taken("shell_request", "[\"seek\",16]", GARDEN_TAGGED);
    assert_true(message.shell_request.seek.beat == 16.0);
    assert_taken("shell_request", "{\"beat\":3.5,\"more\":1,\"type\":\"seek\"}", GARDEN_TAGGED);
    assert_true(message.shell_request.seek.beat == 3.5);
    assert_refused("shell_request", "[\"Seek\",16]", GARDEN_ERR_TYPE);
    assert_refused("shell_request", "[\"seek\"]", GARDEN_ERR_FORMAT);
    assert_refused("shell_request", "[\"seek\",1,2]", GARDEN_ERR_FORMAT);
    assert_refused("shell_request", "[\"play\",null]", GARDEN_ERR_FORMAT);
    assert_refused("shell_request", "[]", GARDEN_ERR_FORMAT);
    assert_refused("shell_request", "[16.0]", GARDEN_ERR_FORMAT);
    assert_refused("shell_request", "{\"type\":7}", GARDEN_ERR_FORMAT);
    assert_refused("shell_request", "{\"type\":\"seek\"}", GARDEN_ERR_FORMAT);
}

static void test_an_option_may_be_missing_from_a_map_but_keeps_its_slot_in_a_list(void **state)
{
    (void)state;
    assert_taken("shell_reply", "{\"type\":\"error\",\"error\":\"e\"}", GARDEN_TAGGED);
    assert_false(message.shell_reply.error.has_traceback);
    assert_taken("shell_reply", "{\"Error\":{\"traceback\":\"t\",\"error\":\"e\"}}",
                 GARDEN_EXTERNAL);
    assert_true(message.shell_reply.error.has_traceback);
    assert_true(garden_text_is(message.shell_reply.error.traceback, "t"));
    assert_taken("shell_reply", "[\"error\",\"e\",null]", GARDEN_TAGGED);
    assert_false(message.shell_reply.error.has_traceback);
    assert_refused("shell_reply", "[\"error\",\"e\"]", GARDEN_ERR_FORMAT);
    assert_refused("shell_reply", "{\"Error\":[\"e\"]}", GARDEN_ERR_FORMAT);
    assert_refused("shell_reply", "[\"error\",null,null]", GARDEN_ERR_FORMAT);
}

static void test_the_result_of_ok_is_null_when_it_is_left_out(void **state)
{
    (void)state;
    const char *const contents[] = {"[\"ok\"]", "[\"ok\",null]", "{\"type\":\"ok\"}", "{\"Ok\":[]}",
                                    "{\"Ok\":{}}"};
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        if (decode("shell_reply", contents[i])) fail_msg("%s: %s", contents[i], fault.text);
        assert_int_equal(message.shell_reply.kind, GARDEN_REPLY_OK);
        assert_int_equal(message.shell_reply.ok.result.type, GARDEN_NULL);
    }
}

static void test_a_behavior_is_external_in_both_dialects(void **state)
{
    (void)state;
    assert_taken("shell_request", "[\"create_region\",0,1,{\"latent\":[\"j\"]}]", GARDEN_TAGGED);
    assert_int_equal(message.shell_request.create_region.behavior.kind, GARDEN_BEHAVIOR_LATENT);
    assert_taken("shell_request",
                 "{\"CreateRegion\":[0,1,{\"EmitTrigger\":{\"event_type\":\"e\"}}]}",
                 GARDEN_EXTERNAL);
    assert_int_equal(message.shell_request.create_region.behavior.kind,
                     GARDEN_BEHAVIOR_EMIT_TRIGGER);
    assert_refused("shell_request", "[\"create_region\",0,1,[\"latent\",\"j\"]]",
                   GARDEN_ERR_FORMAT);
    assert_refused("shell_request", "[\"create_region\",0,1,{\"hidden\":[\"j\"]}]",
                   GARDEN_ERR_TYPE);
}

static void test_a_stream_format_follows_the_dialect_of_its_message(void **state)
{
    (void)state;
    assert_taken("shell_request", "{\"StreamStart\":[\"u\",[\"d\",\"Midi\",4096],\"/p\"]}",
                 GARDEN_EXTERNAL);
    assert_int_equal(message.shell_request.stream_start.definition.format.kind,
                     GARDEN_WIRE_FORMAT_MIDI);
    assert_taken("shell_request",
                 "[\"stream_start\",\"u\",[\"d\",{\"type\":\"audio\",\"channels\":2,"
                 "\"sample_format\":\"s24_le\",\"sample_rate\":48000},9],\"/p\"]",
                 GARDEN_TAGGED);
    assert_int_equal(message.shell_request.stream_start.definition.format.audio.sample_format,
                     GARDEN_WIRE_SAMPLE_S24_LE);
    assert_refused("shell_request", "[\"stream_start\",\"u\",[\"d\",\"midi\",4096],\"/p\"]",
                   GARDEN_ERR_FORMAT);
    assert_refused("shell_request", "{\"StreamStart\":[\"u\",[\"d\",[\"midi\"],4096],\"/p\"]}",
                   GARDEN_ERR_FORMAT);
}

static void test_plain_enums_are_taken_in_either_spelling(void **state)
{
    (void)state;
    const char *const contents[] = {
        "[\"status\",\"shutting_down\"]", "[\"status\",\"ShuttingDown\"]",
        "{\"Status\":[\"shutting_down\"]}", "{\"Status\":[\"ShuttingDown\"]}"};
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        if (decode("iopub_event", contents[i])) fail_msg("%s: %s", contents[i], fault.text);
        assert_int_equal(message.event.status.execution_state, GARDEN_EXECUTION_SHUTTING_DOWN);
    }
    assert_refused("iopub_event", "[\"status\",\"Shutting_Down\"]", GARDEN_ERR_TYPE);
    assert_refused("iopub_event", "[\"status\",3]", GARDEN_ERR_FORMAT);
}

static void test_pause_and_emergency_pause_are_the_same_control_request(void **state)
{
    (void)state;
    const char *const contents[] = {"\"Pause\"", "\"EmergencyPause\"", "[\"pause\"]",
                                    "[\"emergency_pause\"]"};
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        if (decode("control_request", contents[i])) fail_msg("%s: %s", contents[i], fault.text);
        assert_int_equal(message.control_request.kind, GARDEN_CONTROL_PAUSE);
        struct garden_buffer buffer;
        garden_buffer_init(&buffer, NULL, 0);
        const struct garden_form answer = {GARDEN_JSON, form.dialect};
        assert_int_equal(garden_message_encode(&message, answer, &buffer, NULL), GARDEN_OK);
        assert_int_equal(garden_buffer_append(&buffer, "", 1), GARDEN_OK);
        const char *expected =
            form.dialect == GARDEN_TAGGED ? "{\"type\":\"emergency_pause\"}}" : "\"Pause\"}";
        assert_non_null(strstr((const char *)buffer.data, expected));
        garden_buffer_fini(&buffer);
    }
}

static void test_numbers_of_any_width_are_taken_where_they_fit(void **state)
{
    (void)state;
    assert_taken("iopub_event",
                 "[\"stream_head_position\",\"u\",3.0,18446744073709551615,"
                 "\"2025-12-11T19:19:43Z\"]",
                 GARDEN_TAGGED);
    assert_true(message.event.stream_head_position.sample_position == 3);
    assert_true(message.event.stream_head_position.byte_position == UINT64_MAX);
    assert_refused("shell_request", "[\"seek\",9007199254740993]", GARDEN_ERR_RANGE);
    assert_refused("shell_request", "[\"seek\",\"1\"]", GARDEN_ERR_FORMAT);
    assert_refused("shell_request", "[\"seek\",null]", GARDEN_ERR_FORMAT);
    assert_refused("shell_request", "[\"update_latent_progress\"," UUID ",1e39]", GARDEN_ERR_RANGE);
    assert_taken("shell_request", "[\"update_latent_progress\"," UUID ",1]", GARDEN_TAGGED);
}

static void test_integers_that_do_not_fit_their_field_are_refused(void **state)
{
    (void)state;
#define STREAM(rate, channels, size)                                                               \
    "[\"stream_start\",\"u\",[\"d\",[\"audio\"," rate "," channels ",\"f32_le\"]," size "],\"/"    \
    "p\"]"
    assert_taken("shell_request", STREAM("4294967295", "65535", "18446744073709551615"),
                 GARDEN_TAGGED);
    assert_refused("shell_request", STREAM("4294967296", "1", "1"), GARDEN_ERR_RANGE);
    assert_refused("shell_request", STREAM("1", "65536", "1"), GARDEN_ERR_RANGE);
    assert_refused("shell_request", STREAM("1", "1", "18446744073709551616"), GARDEN_ERR_RANGE);
    assert_refused("shell_request", STREAM("-1", "1", "1"), GARDEN_ERR_RANGE);
    assert_refused("shell_request", STREAM("1", "1.5", "1"), GARDEN_ERR_RANGE);
    assert_refused("shell_request", STREAM("true", "1", "1"), GARDEN_ERR_FORMAT);
}

static void test_a_range_is_a_pair_and_nothing_else(void **state)
{
    (void)state;
    assert_taken("shell_request", "{\"GetRegions\":[[0.0,4]]}", GARDEN_EXTERNAL);
    assert_true(message.shell_request.get_regions.has_range);
    assert_true(message.shell_request.get_regions.range.end == 4.0);
    assert_taken("shell_request", "{\"type\":\"get_regions\"}", GARDEN_TAGGED);
    assert_false(message.shell_request.get_regions.has_range);
    assert_refused("shell_request", "[\"get_regions\",[0]]", GARDEN_ERR_FORMAT);
    assert_refused("shell_request", "[\"get_regions\",[0,1,2]]", GARDEN_ERR_FORMAT);
    assert_refused("shell_request", "[\"get_regions\",{\"start\":0,\"end\":1}]", GARDEN_ERR_FORMAT);
}

static void test_a_fault_names_the_field_its_octet_and_what_was_found(void **state)
{
    (void)state;
    assert_refused("shell_request",
                   "{\"CreateRegion\":[0,1,{\"ApplyProcessing\":[\"gain\",[[0,1],[\"x\",1]]]}]}",
                   GARDEN_ERR_FORMAT);
    assert_string_equal(fault.path, "content.CreateRegion.behavior.ApplyProcessing.curve[1].beat");
    assert_int_equal(fault.offset, 67);
    assert_string_equal(fault.text, "content.CreateRegion.behavior.ApplyProcessing.curve[1].beat, "
                                    "octet 67: expected a beat, found a text");
    assert_refused("shell_request", "\"Explode\\n\"", GARDEN_ERR_TYPE);
    assert_string_equal(fault.text,
                        "content, octet 11: expected a name known here, found Explode?");
}

static void test_a_fault_names_what_was_perhaps_meant(void **state)
{
    (void)state;
    static const struct {
        const char *family, *content, *text;
    } cases[] = {
        {"shell_request", "{\"Sek\":[1]}", "found Sek; did you mean 'Seek'?"},
        {"shell_request", "[\"creat_region\",0,1,[\"latent\"]]",
         "found creat_region; did you mean 'create_region'?"},
        {"shell_request", "{\"CreateRegion\":[0,1,{\"Nonsense\":[1]}]}",
         "found Nonsense; there are PlayContent, Latent, ApplyProcessing, EmitTrigger"},
        {"shell_request", "{\"CreateRegion\":{\"positoin\":0,\"duration\":1,\"behavior\":{}}}",
         "expected this field, found a map; there is no "
         "field "
         "'positoin'"},
        {"shell_request", "{\"Seek\":{\"x\":0,\"baet\":1}}",
         "found a map; there is no field 'baet'"},
        {"shell_request", "{\"Seek\":{}}", "found a map"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(decode(cases[i].family, cases[i].content) < 0);
        const size_t size = strlen(fault.text), wanted = strlen(cases[i].text);
        if (size < wanted || strcmp(fault.text + size - wanted, cases[i].text) != 0)
            fail_msg("%s: %s", cases[i].content, fault.text);
    }
}

static void test_a_query_reads_the_same_in_both_dialects(void **state)
{
    (void)state;
    assert_taken("query_request", "[\"q\",{\"t\":1}]", GARDEN_EXTERNAL); // as the caller assumed
    assert_true(garden_text_is(message.query_request.query, "q"));
    int64_t t = 0;
    assert_true(garden_value_to_i64(garden_map_find(&message.query_request.variables, "t"), &t));
    assert_int_equal(t, 1);
    assert_taken("query_request", "{\"variables\":{},\"query\":\"q\"}", GARDEN_EXTERNAL);
    assert_refused("query_request", "[\"q\"]", GARDEN_ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_external_units_are_a_name_or_a_map_to_null),
        cmocka_unit_test(test_external_variants_take_their_fields_as_a_list_or_a_map),
        cmocka_unit_test(test_tagged_variants_have_their_name_first_or_under_type),
        cmocka_unit_test(test_an_option_may_be_missing_from_a_map_but_keeps_its_slot_in_a_list),
        cmocka_unit_test(test_the_result_of_ok_is_null_when_it_is_left_out),
        cmocka_unit_test(test_a_behavior_is_external_in_both_dialects),
        cmocka_unit_test(test_a_stream_format_follows_the_dialect_of_its_message),
        cmocka_unit_test(test_plain_enums_are_taken_in_either_spelling),
        cmocka_unit_test(test_pause_and_emergency_pause_are_the_same_control_request),
        cmocka_unit_test(test_numbers_of_any_width_are_taken_where_they_fit),
        cmocka_unit_test(test_integers_that_do_not_fit_their_field_are_refused),
        cmocka_unit_test(test_a_range_is_a_pair_and_nothing_else),
        cmocka_unit_test(test_a_fault_names_the_field_its_octet_and_what_was_found),
        cmocka_unit_test(test_a_fault_names_what_was_perhaps_meant),
        cmocka_unit_test(test_a_query_reads_the_same_in_both_dialects),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
