// The envelope: versions, types, replies, and what can be saved of a message that cannot be read.
#include "garden/wire.h"
#include "test/support/octets.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct garden_form external_json = {GARDEN_JSON, GARDEN_EXTERNAL};

#define HEADER_WITH(type, version)                                                                 \
    "{\"msg_id\":\"10111213-1415-4617-9819-1a1b1c1d1e1f\","                                        \
    "\"session\":\"20212223-2425-4627-a829-2a2b2c2d2e2f\",\"msg_type\":\"" type                    \
    "\",\"version\":\"" version "\",\"timestamp\":\"2025-12-11T19:19:43Z\"}"
#define HEADER HEADER_WITH("shell_request", "0.1.0")

// header (without its head, id and session, which MSGPACK_IDS is), parent nil, metadata empty.
#define MSGPACK_IDS                                                                                \
    0xc4, 0x10, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x46, 0x17, 0x98, 0x19, 0x1a, 0x1b, 0x1c,      \
        0x1d, 0x1e, 0x1f, 0xc4, 0x10, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x46, 0x27, 0xa8, 0x29,  \
        0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f
#define MSGPACK_TYPE 0xad, 's', 'h', 'e', 'l', 'l', '_', 'r', 'e', 'q', 'u', 'e', 's', 't'
#define MSGPACK_VERSION 0xa5, '0', '.', '1', '.', '0'
#define MSGPACK_TIME                                                                               \
    0xb4, '2', '0', '2', '5', '-', '1', '2', '-', '1', '1', 'T', '1', '9', ':', '1', '9', ':',     \
        '4', '3', 'Z'
#define MSGPACK_HEADER 0x95, MSGPACK_IDS, MSGPACK_TYPE, MSGPACK_VERSION, MSGPACK_TIME

static int decode(struct zmtp_bytes in, struct garden_message *message, struct garden_form *form,
                  struct garden_fault *fault)
{
    const struct zmtp_bytes copy = octets_prefix(in, in.size);
    const int error = garden_message_decode(message, copy, NULL, form, fault);
    octets_drop(copy);
    return error;
}

static void assert_refused(struct zmtp_bytes in, int error, const char *path)
{
    struct garden_message message;
    struct garden_form form = external_json;
    struct garden_fault fault;
    if (decode(in, &message, &form, &fault) != error) {
        fail_msg("%.*s: %d %s", (int)in.size, (const char *)in.data, fault.code, fault.text);
    }
    assert_int_equal(fault.code, error);
    assert_string_equal(fault.path, path);
    garden_message_fini(&message); // harmless after a failure
}

#define REFUSED(text, error, path) assert_refused(LITERAL(text), error, path)

static void test_another_version_and_an_unknown_type_are_told_apart(void **state)
{
    (void)state;
    REFUSED("{\"header\":" HEADER_WITH("shell_request", "0.2.0") ",\"content\":\"Play\"}",
            GARDEN_ERR_VERSION, "header.version");
    REFUSED("{\"header\":" HEADER_WITH("shell_request", "9") ",\"content\":\"Nothing known\"}",
            GARDEN_ERR_VERSION, "header.version");
    REFUSED("{\"header\":" HEADER_WITH("gossip", "0.1.0") ",\"content\":\"Play\"}", GARDEN_ERR_TYPE,
            "header.msg_type");
    REFUSED("{\"header\":" HEADER ",\"content\":\"GetSnapshot\"}", GARDEN_ERR_TYPE, "content");
    REFUSED("{\"header\":" HEADER ",\"content\":{\"Seek\":[]}}", GARDEN_ERR_FORMAT, "content.Seek");
}

static void test_an_envelope_of_another_shape_is_refused(void **state)
{
    (void)state;
    REFUSED("{\"content\":\"Play\"}", GARDEN_ERR_FORMAT, "header");
    REFUSED("{\"header\":" HEADER "}", GARDEN_ERR_FORMAT, "content");
    REFUSED("{\"header\":[],\"content\":\"Play\"}", GARDEN_ERR_FORMAT, "header");
    REFUSED("[" HEADER ",null,{}]", GARDEN_ERR_FORMAT, "");
    REFUSED("[" HEADER ",null,{},\"Play\",0]", GARDEN_ERR_FORMAT, "");
    REFUSED("[" HEADER ",null,[],\"Play\"]", GARDEN_ERR_FORMAT, "metadata");
    REFUSED("[" HEADER ",7,{},\"Play\"]", GARDEN_ERR_FORMAT, "parent_header");
    REFUSED("\"Play\"", GARDEN_ERR_FORMAT, "");
    REFUSED("", GARDEN_ERR_FORMAT, "");
    assert_refused(OCTETS(0xc0), GARDEN_ERR_FORMAT, "");
}

static void test_octets_are_a_uuid_and_never_a_dynamic_value(void **state)
{
    (void)state;
    struct garden_message message;
    struct garden_form form = {GARDEN_JSON, GARDEN_TAGGED};
    struct garden_fault fault;
    // A uuid as text is taken for one of 16 octets.
    assert_int_equal(decode(OCTETS(0x94, MSGPACK_HEADER, 0xc0, 0x80, 0xa4, 'P', 'l', 'a', 'y'),
                            &message, &form, &fault),
                     GARDEN_OK);
    assert_int_equal(form.encoding, GARDEN_MSGPACK);
    assert_int_equal(form.dialect, GARDEN_EXTERNAL);
    garden_message_fini(&message);
    assert_refused(OCTETS(0x94, MSGPACK_HEADER, 0xc0, 0x81, 0xa1, 'k', 0xc4, 0x01, 0x00, 0xa4, 'P',
                          'l', 'a', 'y'),
                   GARDEN_ERR_FORMAT, "metadata");
    assert_refused(OCTETS(0x94, MSGPACK_HEADER, 0xc0, 0x80, 0x81, 0xa7, 'A', 'd', 'd', 'N', 'o',
                          'd', 'e', 0x91, 0x93, 0xa1, 'n', 0xa1, 't', 0x91, 0x91, 0xc4, 0x01, 0x00),
                   GARDEN_ERR_FORMAT, "content.AddNode.node.config");
}

static void test_a_nan_for_a_beat_is_refused_on_both_sides(void **state)
{
    (void)state;
    assert_refused(OCTETS(0x94, MSGPACK_HEADER, 0xc0, 0x80, 0x81, 0xa4, 'S', 'e', 'e', 'k', 0x91,
                          0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0),
                   GARDEN_ERR_RANGE, "[3].Seek[0]");
    struct garden_message message;
    garden_message_init(&message, GARDEN_SHELL_REQUEST, (struct garden_uuid){{1}},
                        (struct garden_uuid){{2}}, (struct garden_time){0, 0});
    message.shell_request.kind = GARDEN_SHELL_SEEK;
    message.shell_request.seek.beat = NAN;
    struct garden_buffer buffer;
    struct garden_fault fault;
    garden_buffer_init(&buffer, NULL, 0);
    assert_int_equal(garden_message_encode(&message, external_json, &buffer, &fault),
                     GARDEN_ERR_RANGE);
    assert_string_equal(fault.path, "content.Seek.beat");
    assert_int_equal(buffer.size, 0);
    message.shell_request.seek.beat = -INFINITY;
    assert_int_equal(garden_message_encode(&message, external_json, &buffer, NULL),
                     GARDEN_ERR_RANGE);
    message.shell_request.seek.beat = 4.0;
    assert_int_equal(garden_message_encode(&message, external_json, &buffer, NULL), GARDEN_OK);
    garden_buffer_fini(&buffer);
}

static void test_what_no_decoder_would_read_is_not_written(void **state)
{
    (void)state;
    struct garden_message message;
    struct garden_fault fault;
    struct garden_buffer buffer;
    garden_buffer_init(&buffer, NULL, 0);
    garden_message_init(&message, GARDEN_EVENT, (struct garden_uuid){{1}},
                        (struct garden_uuid){{0}}, (struct garden_time){0, 0});
    message.event.kind = (enum garden_event_kind)999;
    assert_int_equal(garden_message_encode(&message, external_json, &buffer, &fault),
                     GARDEN_ERR_ARGUMENT);
    assert_string_equal(fault.path, "content");
    message.event.kind = GARDEN_EVENT_STATUS;
    message.event.status.execution_state = (enum garden_execution_state)4;
    assert_int_equal(garden_message_encode(&message, external_json, &buffer, &fault),
                     GARDEN_ERR_ARGUMENT);
    assert_string_equal(fault.path, "content.Status.execution_state");
    message.event.status.execution_state = GARDEN_EXECUTION_IDLE;
    message.header.timestamp.seconds = INT64_MAX;
    assert_int_equal(garden_message_encode(&message, external_json, &buffer, &fault),
                     GARDEN_ERR_RANGE);
    assert_string_equal(fault.path, "header.timestamp");
    message.header.timestamp.seconds = 0;
    message.header.version = garden_text_of("\xff");
    assert_int_equal(garden_message_encode(&message, external_json, &buffer, &fault),
                     GARDEN_ERR_FORMAT);
    message.header.version = garden_text_of(GARDEN_VERSION);
    message.family = GARDEN_FAMILY_NONE;
    assert_int_equal(garden_message_encode(&message, external_json, &buffer, &fault),
                     GARDEN_ERR_ARGUMENT);
    assert_int_equal(buffer.size, 0);
    garden_buffer_fini(&buffer);
}

static void test_a_buffer_s_limit_refuses_a_message_and_takes_a_smaller_one(void **state)
{
    (void)state;
    struct garden_message message;
    garden_message_init(&message, GARDEN_CONTROL_REPLY, (struct garden_uuid){{1}},
                        (struct garden_uuid){{2}}, (struct garden_time){0, 0});
    message.control_reply.kind = GARDEN_CONTROL_REPLY_OK;
    struct garden_buffer buffer;
    garden_buffer_init(&buffer, NULL, 150);
    assert_int_equal(garden_message_encode(&message, external_json, &buffer, NULL),
                     GARDEN_ERR_LIMIT);
    assert_int_equal(buffer.size, 0);
    const struct garden_form msgpack = {GARDEN_MSGPACK, GARDEN_TAGGED};
    assert_int_equal(garden_message_encode(&message, msgpack, &buffer, NULL), GARDEN_OK);
    assert_true(buffer.size > 0);
    garden_buffer_fini(&buffer);
}

static void test_a_reply_carries_the_request_s_whole_header_and_session(void **state)
{
    (void)state;
    struct garden_message request, reply, back;
    struct garden_form form = external_json;
    assert_int_equal(
        decode(LITERAL("{\"header\":" HEADER ",\"content\":\"Play\"}"), &request, &form, NULL),
        GARDEN_OK);
    const uint8_t random[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    garden_message_reply(&reply, &request, GARDEN_SHELL_REPLY, garden_uuid_v4(random),
                         (struct garden_time){1765480783, 120000000});
    struct garden_entry entries[] = {
        garden_entry_of("status", garden_value_text(garden_text_of("playing")))};
    reply.shell_reply.kind = GARDEN_REPLY_OK;
    reply.shell_reply.ok.result = garden_value_map(entries, 1);
    struct garden_buffer buffer;
    garden_buffer_init(&buffer, NULL, 0);
    assert_int_equal(garden_message_encode(&reply, form, &buffer, NULL), GARDEN_OK);
    octets_assert_equal(
        garden_buffer_bytes(&buffer),
        LITERAL("{\"header\":{\"msg_id\":\"ffffffff-ffff-4fff-bfff-ffffffffffff\","
                "\"session\":\"20212223-2425-4627-a829-2a2b2c2d2e2f\","
                "\"msg_type\":\"shell_reply\",\"version\":\"0.1.0\","
                "\"timestamp\":\"2025-12-11T19:19:43.120Z\"},\"parent_header\":" HEADER
                ",\"metadata\":{},\"content\":{\"Ok\":{\"result\":{\"status\":\"playing\"}}}}"));
    assert_int_equal(decode(garden_buffer_bytes(&buffer), &back, &form, NULL), GARDEN_OK);
    assert_true(back.has_parent);
    assert_true(garden_uuid_equal(back.parent.msg_id, request.header.msg_id));
    garden_message_fini(&back);
    garden_buffer_fini(&buffer);
    garden_message_fini(&request);
}

static void assert_peeked(struct zmtp_bytes in, enum garden_family family, struct garden_form want)
{
    const struct zmtp_bytes copy = octets_prefix(in, in.size);
    struct garden_message message;
    struct garden_form form = external_json;
    if (garden_envelope_peek(&message, copy, NULL, &form)) {
        fail_msg("%.*s", (int)in.size, (const char *)in.data);
    }
    octets_drop(copy);
    char text[GARDEN_UUID_TEXT_SIZE + 1];
    garden_uuid_format(message.header.msg_id, text);
    assert_string_equal(text, "10111213-1415-4617-9819-1a1b1c1d1e1f");
    garden_uuid_format(message.header.session, text);
    assert_string_equal(text, "20212223-2425-4627-a829-2a2b2c2d2e2f");
    assert_int_equal(message.family, family);
    assert_int_equal(form.encoding, want.encoding);
    assert_int_equal(form.dialect, want.dialect);
    // It is good for a reply, whatever was wrong with it.
    struct garden_message reply;
    struct garden_buffer buffer;
    garden_buffer_init(&buffer, NULL, 0);
    garden_message_reply(&reply, &message, GARDEN_SHELL_REPLY, message.header.msg_id,
                         (struct garden_time){0, 0});
    reply.shell_reply.kind = GARDEN_REPLY_ERROR;
    assert_int_equal(garden_message_encode(&reply, form, &buffer, NULL), GARDEN_OK);
    garden_buffer_fini(&buffer);
    garden_message_fini(&message);
}

static void test_a_header_is_saved_from_json_whose_content_is_bad(void **state)
{
    (void)state;
    const struct garden_form tagged = {GARDEN_JSON, GARDEN_TAGGED};
    assert_peeked(LITERAL("{\"header\":" HEADER ",\"content\":\"GetSnapshot\"}"),
                  GARDEN_SHELL_REQUEST, external_json);
    assert_peeked(LITERAL("{\"header\":" HEADER ",\"content\":[\"seek\"]}"), GARDEN_SHELL_REQUEST,
                  tagged);
    assert_peeked(LITERAL("{\"header\":" HEADER ",\"content\":[\"seek\",NaN]}"),
                  GARDEN_SHELL_REQUEST, external_json);
    assert_peeked(LITERAL("{\"content\":[\"seek\"],\"header\":" HEADER ",\"x\":01}"),
                  GARDEN_SHELL_REQUEST, tagged);
    assert_peeked(LITERAL("{\"header\":" HEADER), GARDEN_SHELL_REQUEST, external_json);
    assert_peeked(LITERAL("{\"header\":" HEADER ",\"a"), GARDEN_SHELL_REQUEST, external_json);
    assert_peeked(LITERAL("{\"header\":" HEADER "}trailing"), GARDEN_SHELL_REQUEST, external_json);
    assert_peeked(LITERAL("[" HEADER ",null"), GARDEN_SHELL_REQUEST, external_json);
    assert_peeked(LITERAL("{\"header\":" HEADER_WITH("gossip", "7") "}"), GARDEN_FAMILY_NONE,
                  external_json);
    assert_peeked(LITERAL("{\"header\":" HEADER ",\"header\":1}"), GARDEN_SHELL_REQUEST,
                  external_json); // a key twice: the first counts
}

static void test_a_header_is_saved_from_msgpack_whose_content_is_bad(void **state)
{
    (void)state;
    const struct garden_form external = {GARDEN_MSGPACK, GARDEN_EXTERNAL};
    const struct garden_form tagged = {GARDEN_MSGPACK, GARDEN_TAGGED};
    assert_peeked(OCTETS(0x94, MSGPACK_HEADER, 0xc0, 0x80, 0x91, 0xa1, 'x'), GARDEN_SHELL_REQUEST,
                  tagged);
    assert_peeked(OCTETS(0x94, MSGPACK_HEADER, 0xc0, 0x80, 0xc1), GARDEN_SHELL_REQUEST, external);
    assert_peeked(OCTETS(0x94, MSGPACK_HEADER), GARDEN_SHELL_REQUEST, external);
    assert_peeked(OCTETS(0x94, MSGPACK_HEADER, 0xc0, 0x80, 0xdd, 0xff, 0xff, 0xff, 0xff),
                  GARDEN_SHELL_REQUEST, external);
    // The version and the time may be broken, as long as it can be told who asked what.
    assert_peeked(OCTETS(0x94, 0x95, MSGPACK_IDS, MSGPACK_TYPE, 0x07, 0xa1, 'x', 0xc0, 0x80, 0xc0),
                  GARDEN_SHELL_REQUEST, external);
    assert_peeked(OCTETS(0x94, 0x93, MSGPACK_IDS, MSGPACK_TYPE, 0xc0, 0x80, 0xc0),
                  GARDEN_SHELL_REQUEST, external);
}

static void assert_nothing_peeked(struct zmtp_bytes in)
{
    struct garden_message message;
    struct garden_form form = external_json;
    assert_int_equal(garden_envelope_peek(&message, in, NULL, &form), GARDEN_ERR_FORMAT);
    garden_message_fini(&message);
}

static void test_nothing_is_made_up_for_a_header_that_cannot_be_read(void **state)
{
    (void)state;
    const uint8_t msgpack[] = {0x94, MSGPACK_HEADER};
    for (size_t size = 0; size < sizeof msgpack; size++)
        assert_nothing_peeked((struct zmtp_bytes){msgpack, size});
    assert_nothing_peeked(LITERAL("{\"content\":\"Play\"}"));
    assert_nothing_peeked(LITERAL("{\"header\":7}"));
    assert_nothing_peeked(LITERAL("{\"header\":{}}"));
    assert_nothing_peeked(LITERAL("7"));
    assert_nothing_peeked(LITERAL("{\"x\":{\"header\":" HEADER "}}"));
}

static void test_a_peek_finds_the_header_of_a_message_that_is_too_deep(void **state)
{
    (void)state;
    char text[1024] = "{\"header\":" HEADER ",\"content\":";
    const size_t size = strlen(text);
    memset(text + size, '[', 200);
    assert_peeked((struct zmtp_bytes){(uint8_t *)text, size + 200}, GARDEN_SHELL_REQUEST,
                  external_json);
}

static void assert_parent_peeked(struct zmtp_bytes in, bool told)
{
    struct garden_message message;
    struct garden_form form = external_json;
    assert_int_equal(garden_envelope_peek(&message, in, NULL, &form), GARDEN_OK);
    assert_int_equal(message.has_parent, told);
    if (told) assert_true(garden_uuid_equal(message.parent.msg_id, message.header.msg_id));
    garden_message_fini(&message);
}

static void test_a_peek_tells_which_request_an_unreadable_reply_answers(void **state)
{
    (void)state;
    assert_parent_peeked(LITERAL("{\"header\":" HEADER ",\"parent_header\":" HEADER "}"), true);
    assert_parent_peeked(LITERAL("[" HEADER "," HEADER ",{},\"Dance\"]"), true);
    assert_parent_peeked(LITERAL("[" HEADER ",null,{},\"Dance\"]"), false);
    assert_parent_peeked(LITERAL("[" HEADER ",{\"msg_id\":\"x\"},{},\"Dance\"]"), false);
    assert_parent_peeked(LITERAL("[" HEADER "," HEADER), true);
    assert_parent_peeked(LITERAL("[" HEADER ",[7]"), false);
    assert_parent_peeked(OCTETS(0x94, MSGPACK_HEADER, MSGPACK_HEADER, 0x80, 0xa1, 'x'), true);
    assert_parent_peeked(OCTETS(0x94, MSGPACK_HEADER, 0xc0, 0x80, 0xc1), false);
    assert_parent_peeked(OCTETS(0x94, MSGPACK_HEADER, 0x90, 0x80, 0xc1), false);
}

static void test_names_go_back_and_forth(void **state)
{
    (void)state;
    for (unsigned i = 0; i < GARDEN_FAMILY_NONE; i++) {
        const char *text = garden_family_text((enum garden_family)i);
        assert_int_equal(garden_family_find(garden_text_of(text)), i);
    }
    assert_int_equal(garden_family_find(garden_text_of("Shell_request")), GARDEN_FAMILY_NONE);
    assert_string_equal(garden_family_text(GARDEN_FAMILY_NONE), "unknown");
    struct garden_message message = {.family = GARDEN_EVENT};
    message.event.kind = GARDEN_EVENT_STREAM_CHUNK_FULL;
    assert_string_equal(garden_message_name(&message), "StreamChunkFull");
    message.event.kind = (enum garden_event_kind)999;
    assert_string_equal(garden_message_name(&message), "Unknown");
    message.family = GARDEN_QUERY_REQUEST;
    assert_string_equal(garden_message_name(&message), "QueryRequest");
}

static void test_a_message_prints_with_its_type_ids_and_content(void **state)
{
    (void)state;
    struct garden_message message = {.family = GARDEN_EVENT};
    message.event.kind = GARDEN_EVENT_WARNING;
    message.event.warning.message = garden_text_of("caf\xc3\xa9\n");
    message.has_parent = true;
    char line[256];
    (void)garden_message_print(&message, line, sizeof line);
    assert_string_equal(line, "iopub_event 00000000-0000-0000-0000-000000000000 re "
                              "00000000-0000-0000-0000-000000000000 "
                              "{\"Warning\":{\"message\":\"caf??\\n\"}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_version_and_an_unknown_type_are_told_apart),
        cmocka_unit_test(test_an_envelope_of_another_shape_is_refused),
        cmocka_unit_test(test_octets_are_a_uuid_and_never_a_dynamic_value),
        cmocka_unit_test(test_a_nan_for_a_beat_is_refused_on_both_sides),
        cmocka_unit_test(test_what_no_decoder_would_read_is_not_written),
        cmocka_unit_test(test_a_buffer_s_limit_refuses_a_message_and_takes_a_smaller_one),
        cmocka_unit_test(test_a_reply_carries_the_request_s_whole_header_and_session),
        cmocka_unit_test(test_a_header_is_saved_from_json_whose_content_is_bad),
        cmocka_unit_test(test_a_header_is_saved_from_msgpack_whose_content_is_bad),
        cmocka_unit_test(test_nothing_is_made_up_for_a_header_that_cannot_be_read),
        cmocka_unit_test(test_a_peek_finds_the_header_of_a_message_that_is_too_deep),
        cmocka_unit_test(test_a_peek_tells_which_request_an_unreadable_reply_answers),
        cmocka_unit_test(test_names_go_back_and_forth),
        cmocka_unit_test(test_a_message_prints_with_its_type_ids_and_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
