// A content alone: what is wrong with it is told where it stands in the octets that were given.
#include "garden/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct garden_message message;
static struct garden_fault fault;

static int decode(enum garden_family family, const char *json)
{
    memset(&fault, 0x5a, sizeof fault);
    return garden_content_decode(&message, family, zmtp_bytes_text(json), NULL, &fault);
}

static void test_a_content_is_read_in_either_dialect(void **state)
{
    (void)state;
    assert_int_equal(decode(GARDEN_SHELL_REQUEST, " {\"Seek\":[16.5]} "), GARDEN_OK);
    assert_int_equal(message.family, GARDEN_SHELL_REQUEST);
    assert_int_equal(message.shell_request.kind, GARDEN_SHELL_SEEK);
    assert_true(message.shell_request.seek.beat == 16.5);
    assert_true(garden_text_is(message.header.msg_type, "shell_request"));
    assert_false(message.has_parent);
    garden_message_fini(&message);
    assert_int_equal(decode(GARDEN_SHELL_REQUEST, "[\"seek\",1]"), GARDEN_OK);
    assert_true(message.shell_request.seek.beat == 1.0);
    garden_message_fini(&message);
}

static void test_a_content_with_more_behind_it_is_none(void **state)
{
    (void)state;
    assert_int_equal(decode(GARDEN_SHELL_REQUEST, "\"Play\",\"metadata\":{}"), GARDEN_ERR_FORMAT);
    assert_string_equal(fault.text, "octet 6: expected the end of the document");
    assert_int_equal(decode(GARDEN_SHELL_REQUEST, ""), GARDEN_ERR_FORMAT);
    assert_int_equal(message.family, GARDEN_FAMILY_NONE);
    assert_int_equal(decode(GARDEN_FAMILY_NONE, "\"Play\""), GARDEN_ERR_ARGUMENT);
}

static void test_a_wrong_field_is_told_by_its_path_and_its_octet_in_the_content(void **state)
{
    (void)state;
    const char *json = "{\"Seek\":[\"x\"]}";
    assert_int_equal(decode(GARDEN_SHELL_REQUEST, json), GARDEN_ERR_FORMAT);
    assert_int_equal(message.family, GARDEN_FAMILY_NONE);
    assert_int_equal(fault.offset, 9);
    assert_string_equal(fault.path, "content.Seek.beat");
    assert_string_equal(fault.text, "content.Seek.beat: expected a beat, found a text");
}

// What a stranger wrote is told as he wrote it, whatever it looks like.
static void test_words_of_a_content_that_look_like_a_place_are_left_as_they_are(void **state)
{
    (void)state;
    assert_int_equal(decode(GARDEN_SHELL_REQUEST, "\"x, octet 7: y\""), GARDEN_ERR_TYPE);
    assert_string_equal(fault.text, "content: expected a name known here, found x, octet 7: y");
}

// A list or map at a content's depth of |depth|, under a key that looks like a place.
static void nest(char *out, size_t depth)
{
    char *to = out;
    to += sprintf(to, "{\"query\":\"q\",\"variables\":{\", octet 9: t\":");
    for (size_t i = 2; i < depth; i++)
        *to++ = '[';
    for (size_t i = 2; i < depth; i++)
        *to++ = ']';
    strcpy(to, "}}");
}

// A message has one depth more than its content, so the deepest content is of one less than a document.
static void test_a_content_that_is_too_deep_for_its_message_is_told_in_its_own_octets(void **state)
{
    (void)state;
    char json[256];
    nest(json, GARDEN_DEPTH_MAX - 1);
    assert_int_equal(decode(GARDEN_QUERY_REQUEST, json), GARDEN_OK);
    struct garden_buffer out;
    garden_buffer_init(&out, NULL, 0);
    assert_int_equal(garden_message_encode(&message,
                                           (struct garden_form){GARDEN_MSGPACK, GARDEN_EXTERNAL},
                                           &out, &fault),
                     GARDEN_OK);
    garden_buffer_fini(&out);
    garden_message_fini(&message);

    nest(json, GARDEN_DEPTH_MAX);
    const size_t offset = strlen("{\"query\":\"q\",\"variables\":{\", octet 9: t\":") + 29;
    assert_int_equal(json[offset], '[');
    assert_int_equal(json[offset + 1], ']');
    assert_int_equal(decode(GARDEN_QUERY_REQUEST, json), GARDEN_ERR_LIMIT);
    assert_int_equal(fault.offset, offset);
    assert_true(strncmp(fault.path, "variables., octet 9: t[0][0]", 28) == 0);
    char end[96];
    (void)snprintf(end, sizeof end, ", octet %zu: expected at most 31 lists and maps in each other",
                   offset);
    assert_true(strlen(fault.text) > strlen(end));
    assert_string_equal(fault.text + strlen(fault.text) - strlen(end), end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_content_is_read_in_either_dialect),
        cmocka_unit_test(test_a_content_with_more_behind_it_is_none),
        cmocka_unit_test(test_a_wrong_field_is_told_by_its_path_and_its_octet_in_the_content),
        cmocka_unit_test(test_words_of_a_content_that_look_like_a_place_are_left_as_they_are),
        cmocka_unit_test(test_a_content_that_is_too_deep_for_its_message_is_told_in_its_own_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
