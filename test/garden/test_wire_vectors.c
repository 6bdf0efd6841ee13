// The messages that the existing implementation's encoders produced, in test/vectors: each is read and
// written again in both encodings, and refused at every shorter length.
#include "garden/wire/emit.h"
#include "garden/wire/schema.h"
#include "garden/wire/tree.h"
#include "test/support/garden_wire.h"
#include "test/support/octets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { VECTOR_ROWS = 95, LINE_MAX_SIZE = 8192 };
static const char vector_path[] = "test/vectors/garden-messages.tsv";

struct vector {
    enum garden_dialect dialect;
    bool envelope;
    const struct garden__type *type;
    const char *name;
    uint8_t msgpack[LINE_MAX_SIZE / 2];
    size_t msgpack_size;
    const char *json;
};

union vector_content {
    struct garden_header header;
    struct garden_message message;
    max_align_t align;
};

static char *vector_column(char **line)
{
    char *column = *line;
    char *tab = strchr(column, '\t');
    if (tab) *tab = '\0';
    *line = tab ? tab + 1 : column + strlen(column);
    return column;
}

static const struct garden__type *vector_type(const char *name)
{
    static const struct {
        const char *name;
        enum garden_family family;
    } families[] = {
        {"ShellRequest", GARDEN_SHELL_REQUEST},
        {"ShellReply", GARDEN_SHELL_REPLY},
        {"ControlRequest", GARDEN_CONTROL_REQUEST},
        {"ControlReply", GARDEN_CONTROL_REPLY},
        {"QueryRequest", GARDEN_QUERY_REQUEST},
        {"QueryReply", GARDEN_QUERY_REPLY},
        {"IOPubMessage", GARDEN_EVENT},
    };
    if (strcmp(name, "MessageHeader") == 0) return garden__header_type;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        if (strcmp(name, families[i].name) == 0) return garden__family_types[families[i].family];
    }
    return NULL;
}

static size_t vector_hex(const char *hex, uint8_t *out)
{
    size_t size = 0;
    for (unsigned octet; sscanf(hex, "%2x", &octet) == 1; hex += 2)
        out[size++] = (uint8_t)octet;
    return size;
}

static void vector_parse(char *line, struct vector *v)
{
    line[strcspn(line, "\n")] = '\0';
    v->dialect = strcmp(vector_column(&line), "tagged") == 0 ? GARDEN_TAGGED : GARDEN_EXTERNAL;
    const char *type = vector_column(&line);
    v->envelope = strcmp(type, "Message") == 0;
    v->type = vector_type(type);
    v->name = vector_column(&line);
    v->msgpack_size = vector_hex(vector_column(&line), v->msgpack);
    v->json = vector_column(&line);
    assert_true(v->envelope || v->type);
}

// Calls |check| for each row of the file, and fails when rows are missing.
static void vector_each(void (*check)(const struct vector *v))
{
    FILE *file = fopen(vector_path, "r");
    assert_non_null(file);
    static char line[LINE_MAX_SIZE];
    static struct vector v;
    unsigned rows = 0;
    while (fgets(line, sizeof line, file)) {
        if (line[0] == '#') continue;
        vector_parse(line, &v);
        check(&v);
        rows++;
    }
    (void)fclose(file); // opened for reading
    assert_int_equal(rows, VECTOR_ROWS);
}

// Reads |in| as the row's type, and says in |*dialect| what its shape shows.
static int vector_decode(const struct vector *v, struct zmtp_bytes in, union vector_content *out,
                         struct garden_arena *arena, enum garden_dialect *dialect,
                         struct garden_fault *fault)
{
    *out = (union vector_content){.message = {.family = GARDEN_FAMILY_NONE}};
    *dialect = v->dialect;
    if (v->envelope) {
        struct garden_form form = {GARDEN_MSGPACK, v->dialect};
        const int error = garden_message_decode(&out->message, in, NULL, &form, fault);
        *dialect = form.dialect;
        return error;
    }
    struct garden_value value;
    const bool json = in.size && in.data[0] < 0x80;
    const int error = json ? garden_json_decode(in, arena, &value, fault)
                           : garden_msgpack_decode(in, arena, &value, fault);
    if (error) return error;
    *dialect = garden__dialect_of(v->type, &value, v->dialect);
    return garden__bind(v->type, &value, *dialect, "content", arena, out, fault);
}

static void vector_drop(const struct vector *v, union vector_content *content)
{
    if (v->envelope) garden_message_fini(&content->message);
}

static void vector_encode(const struct vector *v, const union vector_content *content,
                          enum garden_encoding encoding, struct garden_buffer *out)
{
    garden_buffer_init(out, NULL, 0);
    const struct garden_form form = {encoding, v->dialect};
    if (v->envelope) {
        assert_int_equal(garden_message_encode(&content->message, form, out, NULL), GARDEN_OK);
        return;
    }
    struct garden__emitter e = {.out = out, .encoding = encoding};
    garden__unbind(v->type, content, v->dialect, "content", &e, NULL);
    assert_int_equal(out->error, GARDEN_OK);
}

static void assert_same_json(struct zmtp_bytes a, struct zmtp_bytes b)
{
    struct garden_arena arena;
    garden_arena_init(&arena, NULL, 0);
    struct garden_value left, right;
    assert_int_equal(garden_json_decode(a, &arena, &left, NULL), GARDEN_OK);
    assert_int_equal(garden_json_decode(b, &arena, &right, NULL), GARDEN_OK);
    assert_true(garden_value_equal(&left, &right));
    garden_arena_fini(&arena);
}

static void check_both_forms(const struct vector *v)
{
    struct garden_arena arena;
    garden_arena_init(&arena, NULL, 0);
    union vector_content from_msgpack, from_json;
    enum garden_dialect dialect;
    struct garden_fault fault = {.text = ""};
    const struct zmtp_bytes msgpack = {v->msgpack, v->msgpack_size};
    const struct zmtp_bytes json = {(const uint8_t *)v->json, strlen(v->json)};
    if (vector_decode(v, msgpack, &from_msgpack, &arena, &dialect, &fault)) {
        fail_msg("%s: %s", v->name, fault.text);
    }
    assert_int_equal(dialect, v->dialect);
    if (vector_decode(v, json, &from_json, &arena, &dialect, &fault)) {
        fail_msg("%s in JSON: %s", v->name, fault.text);
    }
    assert_int_equal(dialect, v->dialect);
    if (v->envelope) {
        assert_true(wire_messages_equal(&from_msgpack.message, &from_json.message));
    } else {
        assert_true(wire_equal(v->type, &from_msgpack, &from_json));
    }

    struct garden_buffer out;
    vector_encode(v, &from_json, GARDEN_MSGPACK, &out);
    octets_assert_equal(garden_buffer_bytes(&out), msgpack);
    garden_buffer_fini(&out);
    vector_encode(v, &from_msgpack, GARDEN_JSON, &out);
    assert_same_json(garden_buffer_bytes(&out), json);
    garden_buffer_fini(&out);
    vector_drop(v, &from_msgpack);
    vector_drop(v, &from_json);
    garden_arena_fini(&arena);
}

static void check_prefixes_of(const struct vector *v, struct zmtp_bytes whole)
{
    for (size_t size = 0; size < whole.size; size++) {
        const struct zmtp_bytes prefix = octets_prefix(whole, size);
        struct garden_arena arena;
        garden_arena_init(&arena, NULL, 0);
        union vector_content content;
        enum garden_dialect dialect;
        struct garden_fault fault = {.code = GARDEN_OK};
        const int error = vector_decode(v, prefix, &content, &arena, &dialect, &fault);
        if (error != GARDEN_ERR_FORMAT) fail_msg("%s cut at %zu: %d", v->name, size, error);
        assert_int_equal(fault.code, error);
        assert_true(fault.offset <= size);
        assert_non_null(strstr(fault.text, "expected "));
        garden_arena_fini(&arena);
        octets_drop(prefix);
    }
}

static void check_prefixes(const struct vector *v)
{
    check_prefixes_of(v, (struct zmtp_bytes){v->msgpack, v->msgpack_size});
    check_prefixes_of(v, (struct zmtp_bytes){(const uint8_t *)v->json, strlen(v->json)});
}

static void check_trailing(const struct vector *v)
{
    static uint8_t longer[LINE_MAX_SIZE];
    memcpy(longer, v->msgpack, v->msgpack_size);
    longer[v->msgpack_size] = 0xc0;
    struct garden_arena arena;
    garden_arena_init(&arena, NULL, 0);
    union vector_content content;
    enum garden_dialect dialect;
    struct garden_fault fault;
    const struct zmtp_bytes in = {longer, v->msgpack_size + 1};
    assert_int_equal(vector_decode(v, in, &content, &arena, &dialect, &fault), GARDEN_ERR_FORMAT);
    assert_int_equal(fault.offset, v->msgpack_size);
    garden_arena_fini(&arena);
}

static void test_every_recorded_message_is_read_and_written_back_in_both_encodings(void **state)
{
    (void)state;
    vector_each(check_both_forms);
}

static void test_every_recorded_message_is_refused_when_cut_anywhere(void **state)
{
    (void)state;
    vector_each(check_prefixes);
}

static void test_every_recorded_message_is_refused_with_an_octet_after_it(void **state)
{
    (void)state;
    vector_each(check_trailing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_recorded_message_is_read_and_written_back_in_both_encodings),
        cmocka_unit_test(test_every_recorded_message_is_refused_when_cut_anywhere),
        cmocka_unit_test(test_every_recorded_message_is_refused_with_an_octet_after_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
