// What the daemon answers to queries: the rows of the reference implementation over the same state, for every
// case in query_cases.json (query_reference.py makes it); every word of the schema can be asked; streams.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "garden/daemon/query.h"
#include "garden/daemon/stream_log.h"

#define CASES_FILE "test/garden/query_cases.json"
enum { CASES_SIZE_MAX = 4 * 1024 * 1024 };
static const struct garden_time evening = {.seconds = 1700006000};

struct fixture {
    struct state state;
    struct changes changes;
    struct snapshot snapshot;
    struct garden_arena arena;
    struct garden_value cases; // the whole file
    struct garden_query_config config;
};

static const struct garden_value *member(const struct garden_value *value, const char *key)
{
    const struct garden_value *found = garden_value_find(value, key);
    if (!found) fail_msg("there is no %s", key);
    return found;
}

// Executes one of the file's requests, as it says when.
static void execute(struct fixture *f, const struct garden_value *request)
{
    struct state_moment moment = {.mono_ns = 1000};
    struct garden_message message;
    struct garden_buffer json;
    struct garden_fault fault = {0};
    struct state_answer answer;
    struct garden_error error = {0};
    assert_true(garden_value_to_i64(member(request, "at"), &moment.wall.seconds));
    assert_int_equal(garden_uuid_parse(member(request, "id")->text, &moment.fresh), GARDEN_OK);
    garden_buffer_init(&json, NULL, 0);
    assert_int_equal(garden_json_encode(member(request, "content"), &json), GARDEN_OK);
    if (garden_content_decode(&message, GARDEN_SHELL_REQUEST, garden_buffer_bytes(&json), NULL,
                              &fault) < 0)
        fail_msg("%s", fault.text);
    state_answer_init(&answer);
    if (state_shell(&f->state, &message.shell_request, &moment, &answer, &f->changes, &error) < 0)
        fail_msg("%s", error.text);
    state_answer_fini(&answer);
    garden_message_fini(&message);
    garden_buffer_fini(&json);
    changes_clear(&f->changes);
}

static int read_cases(struct fixture *f)
{
    static uint8_t octets[CASES_SIZE_MAX];
    struct garden_fault fault = {0};
    FILE *file = fopen(CASES_FILE, "r");
    if (!file) return -1;
    const size_t size = fread(octets, 1, sizeof octets, file);
    (void)fclose(file);
    return garden_json_decode((struct zmtp_bytes){octets, size}, &f->arena, &f->cases, &fault);
}

static int setup(void **state)
{
    static struct fixture f;
    const struct state_moment moment = {.mono_ns = 1000, .wall = evening};
    *state = &f;
    state_init(&f.state);
    changes_init(&f.changes);
    garden_arena_init(&f.arena, NULL, 0);
    if (read_cases(&f) < 0) return -1;
    const struct garden_value *requests = member(&f.cases, "requests");
    for (size_t i = 0; i < requests->list.count; i++)
        execute(&f, &requests->list.items[i]);
    state_snapshot(&f.state, &moment, &f.snapshot);
    garden_query_config_init(&f.config);
    f.config.schema = garden_query_own_schema();
    f.config.adapter = query_adapter();
    f.config.user = &f.snapshot;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    state_release(&f->state, &f->snapshot);
    garden_arena_fini(&f->arena);
    changes_fini(&f->changes);
    state_fini(&f->state);
    return f->state.budget.bytes == 0 ? 0 : -1;
}

// All rows as a list, in |arena|; |*query| is to be closed when they are no longer needed.
static struct garden_value ask(struct fixture *f, struct garden_text text,
                               const struct garden_map *variables, struct garden_query **query,
                               struct garden_arena *arena)
{
    enum { ROWS_MAX = 1000 };
    struct garden_error error = {0};
    struct garden_value list = garden_value_list(NULL, 0);
    list.list.items = garden_arena_alloc(arena, ROWS_MAX, sizeof *list.list.items);
    assert_non_null(list.list.items);
    int result = garden_query_open(query, &f->config, text, variables, &error);
    while (result >= 0) {
        assert_true(list.list.count < ROWS_MAX);
        result = garden_query_next(*query, arena, &list.list.items[list.list.count], &error);
        if (result <= 0) break;
        list.list.count++;
    }
    if (result < 0) fail_msg("%.*s: %s", (int)text.size, text.data, error.text);
    return list;
}

static void check_rows(struct fixture *f, struct garden_text text,
                       const struct garden_map *variables, const struct garden_value *expected)
{
    struct garden_query *query;
    struct garden_arena arena;
    struct garden_buffer json;
    garden_arena_init(&arena, NULL, 0);
    const struct garden_value rows = ask(f, text, variables, &query, &arena);
    if (!garden_value_equal(&rows, expected)) {
        garden_buffer_init(&json, NULL, 0);
        (void)garden_json_encode(&rows, &json);
        (void)garden_json_encode(expected, &json);
        fail_msg("%.*s: %.*s", (int)text.size, text.data, (int)json.size, (const char *)json.data);
    }
    garden_query_close(query);
    garden_arena_fini(&arena);
}

static void test_the_rows_are_those_of_the_reference_in_the_same_order(void **state)
{
    struct fixture *f = *state;
    const struct garden_value *cases = member(&f->cases, "cases");
    assert_true(cases->list.count >= 150);
    for (size_t i = 0; i < cases->list.count; i++) {
        const struct garden_value *one = &cases->list.items[i];
        check_rows(f, member(one, "query")->text, &member(one, "variables")->map,
                   member(one, "rows"));
    }
}

static void check_rows_of(struct fixture *f, const char *text, const char *rows)
{
    struct garden_value expected;
    const struct zmtp_bytes json = {(const uint8_t *)rows, strlen(rows)};
    assert_int_equal(garden_json_decode(json, &f->arena, &expected, NULL), GARDEN_OK);
    check_rows(f, garden_text_of(text), NULL, &expected);
}

static void test_streams_have_chunks_and_gaps(void **state)
{
    struct fixture *f = *state;
    struct stream_log log;
    struct snapshot_stream stream = {.uri = "stream://a",
                                     .source = "default",
                                     .state = "recording",
                                     .sample_format = "f32",
                                     .format = {.sample_rate = 48000, .channels = 2},
                                     .totals = {.offered = 30, .captured = 20, .overrun = 10}};
    const struct garden_chunk_report chunk = {
        .path = "/a/b", .number = 3, .first = 7, .frames = 20};
    const struct garden_gap gap = {.first = 27, .count = 10};
    stream_log_init(&log, evening);
    stream_log_chunk(&log, &chunk, evening);
    stream_log_gap(&log, &gap, evening);
    stream_log_snapshot(&log, &stream);
    f->snapshot.streams = &stream;
    f->snapshot.stream_count = 1;
    check_rows_of(
        f,
        "{ Stream(uri: \"stream://a\") { uri @output overrun @output channels @output chunks "
        "{ number @output path @output full_at @output } gaps @fold { first_sample @output "
        "sample_count @output } } }",
        "[{\"uri\":\"stream://a\",\"overrun\":10,\"channels\":2,\"number\":3,\"path\":\"/a/b\","
        "\"full_at\":\"2023-11-14T23:53:20Z\",\"first_sample\":[27],\"sample_count\":[10]}]");
    check_rows_of(f, "{ Stream(uri: \"stream://b\") { uri @output } }", "[]");
    f->snapshot.stream_count = 0;
    stream_log_release(&stream);
    stream_log_fini(&log);
}

static bool is_text(enum snapshot_type type)
{
    return type == SNAPSHOT_ID || type == SNAPSHOT_TEXT || type == SNAPSHOT_TIME;
}

// A property of the schema is of the type that the snapshot tells.
static void check_property(const char *type, const struct garden_query_property *property)
{
    const struct snapshot_property *told = NULL;
    assert_non_null(query_adapter()->property(type, property->name));
    for (unsigned kind = 0; kind < SNAPSHOT_KINDS && !told; kind++)
        if (strcmp(snapshot_schema((enum snapshot_kind)kind)->name, type) == 0)
            told = snapshot_property((enum snapshot_kind)kind, property->name);
    if (!told) return; // of a type that is no snapshot's
    const enum garden_query_scalar scalar = property->scalar;
    assert_int_equal(told->nullable, property->nullable);
    assert_int_equal(told->type == SNAPSHOT_TEXTS, property->list);
    assert_int_equal(told->type == SNAPSHOT_ID, scalar == GARDEN_QUERY_ID);
    assert_int_equal(is_text(told->type) || property->list,
                     scalar == GARDEN_QUERY_ID || scalar == GARDEN_QUERY_STRING);
    assert_int_equal(told->type == SNAPSHOT_INT, scalar == GARDEN_QUERY_INT);
    assert_int_equal(told->type == SNAPSHOT_FLOAT, scalar == GARDEN_QUERY_FLOAT);
    assert_int_equal(told->type == SNAPSHOT_BOOLEAN, scalar == GARDEN_QUERY_BOOLEAN);
}

static void test_every_word_of_the_schema_can_be_asked(void **state)
{
    const struct garden_query_schema *schema = garden_query_own_schema();
    (void)state;
    for (size_t t = 0; t < schema->type_count; t++) {
        const struct garden_query_type *type = &schema->types[t];
        for (size_t i = 0; i < type->property_count; i++)
            check_property(type->name, &type->properties[i]);
        for (size_t i = 0; i < type->edge_count; i++)
            if (!query_adapter()->edge(type->name, type->edges[i].name))
                fail_msg("%s.%s", type->name, type->edges[i].name);
    }
}

static size_t find_type(const char *name)
{
    const struct garden_query_schema *schema = garden_query_own_schema();
    size_t i = 0;
    while (i < schema->type_count && strcmp(schema->types[i].name, name) != 0)
        i++;
    return i;
}

static void test_the_schema_has_all_that_a_snapshot_can_tell(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < SNAPSHOT_KINDS; kind++) {
        const struct snapshot_schema *told = snapshot_schema((enum snapshot_kind)kind);
        const size_t type = find_type(told->name);
        assert_true(type < garden_query_own_schema()->type_count);
        assert_int_equal(garden_query_own_schema()->types[type].property_count,
                         told->property_count);
        assert_int_equal(garden_query_own_schema()->types[type].edge_count, told->edge_count);
    }
}

static void test_wrong_parameters_are_told(void **state)
{
    static const char *const cases[][2] = {
        {"{ Region(id: \"x\") { id @output } }", "line 1, column 3: id must be a uuid, not 'x'"},
        {"{ RegionByStatus(status: \"done\") { id @output } }",
         "line 1, column 3: status must be pending, running, resolved, approved, rejected or "
         "failed"},
        {"{ RegionInRange(start: 2.0, end: 1.0) { id @output } }",
         "line 1, column 3: start must not be after end"},
        {"{ NodeByCapability(capability: \"x\") { id @output } }",
         "line 1, column 3: capability must be realtime or offline"},
        {"{ BeatToSample(beat: 1.0, sample_rate: 0) { value @output } }",
         "line 1, column 3: sample_rate must be 1 or more"},
        {"{ BeatToSecond(beat: 1e300) { value @output } }",
         "line 1, column 3: that is too far away"},
        {"{ Edge(node_id: \"\") { source_id @output } }",
         "line 1, column 3: node_id must be a uuid, not ''"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct garden_query *query;
        struct garden_value row;
        struct garden_error error = {0};
        assert_int_equal(
            garden_query_open(&query, &f->config, garden_text_of(cases[i][0]), NULL, &error),
            GARDEN_OK);
        assert_true(garden_query_next(query, &f->arena, &row, &error) < 0);
        assert_string_equal(error.text, cases[i][1]);
        garden_query_close(query);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_rows_are_those_of_the_reference_in_the_same_order),
        cmocka_unit_test(test_streams_have_chunks_and_gaps),
        cmocka_unit_test(test_every_word_of_the_schema_can_be_asked),
        cmocka_unit_test(test_the_schema_has_all_that_a_snapshot_can_tell),
        cmocka_unit_test(test_wrong_parameters_are_told),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
