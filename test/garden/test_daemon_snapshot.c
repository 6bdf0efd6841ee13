// The state as vertices: every property of the schema can be read, edges lead where they should, and a
// thread that reads a snapshot sees one moment while the state goes on.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "garden/daemon/state.h"
#include "garden/daemon/stream_log.h"

static const struct garden_time noon = {.seconds = 1700000000};
static const struct garden_uuid somebody = {{0xaa}};

struct fixture {
    struct state state;
    struct changes changes;
    struct garden_arena arena;
    uint8_t fresh;
};

static int setup(void **state)
{
    static struct fixture f;
    f.fresh = 0;
    state_init(&f.state);
    changes_init(&f.changes);
    garden_arena_init(&f.arena, NULL, 0);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    const size_t left = f->state.snapshot_count;
    garden_arena_fini(&f->arena);
    changes_fini(&f->changes);
    state_fini(&f->state);
    return f->state.budget.bytes == 0 && left == 0 ? 0 : -1;
}

static struct garden_uuid ask(struct fixture *f, const struct garden_shell_request *request)
{
    const struct state_moment moment = {.mono_ns = 1000, .wall = noon, .fresh = {{++f->fresh, 1}}};
    struct state_answer answer;
    struct garden_error error = {0};
    state_answer_init(&answer);
    if (state_shell(&f->state, request, &moment, &answer, &f->changes, &error) < 0)
        fail_msg("%s", error.text);
    state_answer_fini(&answer);
    changes_clear(&f->changes);
    return moment.fresh;
}

static struct garden_uuid create(struct fixture *f, double position, bool latent)
{
    struct garden_shell_request request = {.kind = GARDEN_SHELL_CREATE_REGION,
                                           .create_region = {.position = position, .duration = 4}};
    request.create_region.behavior.kind =
        latent ? GARDEN_BEHAVIOR_LATENT : GARDEN_BEHAVIOR_PLAY_CONTENT;
    request.create_region.behavior.play_content.artifact_id = garden_text_of("thing");
    return ask(f, &request);
}

static void approve(struct fixture *f, struct garden_uuid id)
{
    const struct garden_shell_request started = {
        .kind = GARDEN_SHELL_UPDATE_LATENT_STARTED,
        .update_latent_started = {id, garden_text_of("job")}};
    const struct garden_shell_request resolved = {
        .kind = GARDEN_SHELL_UPDATE_LATENT_RESOLVED,
        .update_latent_resolved = {id, garden_text_of("artifact"), garden_text_of("hash"),
                                   GARDEN_CONTENT_MIDI}};
    const struct garden_shell_request approved = {.kind = GARDEN_SHELL_APPROVE_LATENT,
                                                  .approve_latent = {id, somebody}};
    (void)ask(f, &started);
    (void)ask(f, &resolved);
    (void)ask(f, &approved);
}

static struct garden_uuid add_node(struct fixture *f, const char *name)
{
    struct garden_shell_request request = {
        .kind = GARDEN_SHELL_ADD_NODE,
        .add_node = {{.name = garden_text_of(name), .node_type = garden_text_of("effect.gain")}}};
    static const char config[] = "{\"inputs\":[{\"name\":\"in\",\"signal_type\":\"audio\"}],"
                                 "\"outputs\":[{\"name\":\"out\",\"signal_type\":\"audio\"}],"
                                 "\"latency_samples\":64,\"can_offline\":false}";
    assert_int_equal(
        garden_json_decode(zmtp_bytes_text(config), &f->arena, &request.add_node.node.config, NULL),
        GARDEN_OK);
    return ask(f, &request);
}

static void join(struct fixture *f, struct garden_uuid from, struct garden_uuid to)
{
    const struct garden_shell_request request = {
        .kind = GARDEN_SHELL_CONNECT,
        .connect = {{from, garden_text_of("out")}, {to, garden_text_of("in")}}};
    (void)ask(f, &request);
}

static void take(struct fixture *f, struct snapshot *snapshot)
{
    const struct state_moment moment = {.mono_ns = 2000, .wall = noon};
    state_snapshot(&f->state, &moment, snapshot);
}

static struct garden_value read_property(struct fixture *f, const struct snapshot *snapshot,
                                         struct snapshot_vertex vertex, const char *name)
{
    const struct snapshot_property *property = snapshot_property(vertex.kind, name);
    assert_non_null(property);
    return property->read(snapshot, vertex, &f->arena);
}

#define ASSERT_TEXT(value_, text_) assert_true(garden_text_is((value_).text, text_))

static size_t count_of(struct fixture *f, const struct snapshot *snapshot, enum snapshot_kind kind)
{
    struct snapshot_walk walk;
    struct snapshot_vertex vertex;
    size_t count = 0;
    snapshot_all(&walk, kind, &f->arena);
    while (snapshot_next(snapshot, &walk, &vertex))
        count++;
    return count;
}

static size_t count_by(struct fixture *f, const struct snapshot *snapshot,
                       struct snapshot_vertex from, const char *edge, struct snapshot_vertex *last)
{
    struct snapshot_walk walk;
    size_t count = 0;
    assert_non_null(snapshot_edge(from.kind, edge));
    snapshot_follow(&walk, snapshot_edge(from.kind, edge), from, &f->arena);
    while (snapshot_next(snapshot, &walk, last))
        count++;
    return count;
}

static void check_value(const struct snapshot_property *property, struct garden_value value)
{
    if (property->nullable && value.type == GARDEN_NULL) return;
    switch (property->type) {
    case SNAPSHOT_ID:
    case SNAPSHOT_TEXT:
    case SNAPSHOT_TIME:
        assert_int_equal(value.type, GARDEN_TEXT);
        return;
    case SNAPSHOT_INT:
        assert_int_equal(value.type, GARDEN_INT);
        return;
    case SNAPSHOT_FLOAT:
        assert_int_equal(value.type, GARDEN_REAL);
        return;
    case SNAPSHOT_BOOLEAN:
        assert_int_equal(value.type, GARDEN_BOOL);
        return;
    case SNAPSHOT_TEXTS:
        assert_int_equal(value.type, GARDEN_LIST);
        return;
    }
    fail();
}

static void check_vertex(struct fixture *f, const struct snapshot *snapshot,
                         struct snapshot_vertex vertex)
{
    const struct snapshot_schema *schema = snapshot_schema(vertex.kind);
    for (size_t i = 0; i < schema->property_count; i++)
        check_value(&schema->properties[i],
                    schema->properties[i].read(snapshot, vertex, &f->arena));
}

// Everything that there can be, with a stream that has chunks and gaps.
static void every_property_of_every_vertex_has_the_type_of_the_schema(void **state)
{
    struct fixture *f = *state;
    struct stream_log log;
    struct garden_chunk_report chunk = {.path = "a/b", .frames = 7, .bytes = 28};
    const struct garden_gap gap = {.first = 7, .count = 3};
    const struct garden_shell_request participant = {
        .kind = GARDEN_SHELL_REGISTER_PARTICIPANT,
        .register_participant = {{.id = somebody, .name = garden_text_of("ada")}}};
    struct snapshot snapshot;
    (void)create(f, 0, false);
    (void)create(f, 4, true);
    approve(f, create(f, 8, true));
    join(f, add_node(f, "a"), add_node(f, "b"));
    (void)ask(f, &participant);
    take(f, &snapshot);
    stream_log_init(&log, noon);
    stream_log_chunk(&log, &chunk, noon);
    stream_log_chunk(&log, &chunk, noon); // told again
    stream_log_gap(&log, &gap, noon);
    struct snapshot_stream stream = {
        .uri = "stream://x", .source = "main", .state = "recording", .sample_format = "F32Le"};
    stream_log_snapshot(&log, &stream);
    stream_log_fini(&log); // the snapshot outlives it
    snapshot.streams = &stream;
    snapshot.stream_count = 1;
    size_t seen = 0;
    for (int kind = 0; kind < SNAPSHOT_KINDS; kind++) {
        struct snapshot_walk walk;
        struct snapshot_vertex vertex, far;
        snapshot_all(&walk, (enum snapshot_kind)kind, &f->arena);
        while (snapshot_next(&snapshot, &walk, &vertex)) {
            const struct snapshot_schema *schema = snapshot_schema(vertex.kind);
            check_vertex(f, &snapshot, vertex);
            seen |= (size_t)1 << vertex.kind;
            for (size_t i = 0; i < schema->edge_count; i++) {
                struct snapshot_walk along;
                snapshot_follow(&along, &schema->edges[i], vertex, &f->arena);
                while (snapshot_next(&snapshot, &along, &far)) {
                    assert_int_equal(far.kind, schema->edges[i].to);
                    check_vertex(f, &snapshot, far);
                    seen |= (size_t)1 << far.kind;
                }
            }
        }
    }
    assert_int_equal(seen, ((size_t)1 << SNAPSHOT_KINDS) - 1); // no kind was left out
    assert_int_equal(table_rows(stream.chunks), 1);
    stream_log_release(&stream);
    state_release(&f->state, &snapshot);
}

static void an_approval_tells_who_and_when(void **state)
{
    struct fixture *f = *state;
    struct snapshot snapshot;
    struct snapshot_walk walk;
    struct snapshot_vertex vertex;
    (void)create(f, 0, true); // a job that waits
    approve(f, create(f, 8, true));
    take(f, &snapshot);
    assert_int_equal(count_of(f, &snapshot, SNAPSHOT_JOB), 1);
    snapshot_all(&walk, SNAPSHOT_APPROVAL, &f->arena);
    assert_true(snapshot_next(&snapshot, &walk, &vertex));
    ASSERT_TEXT(read_property(f, &snapshot, vertex, "decision"), "approved");
    ASSERT_TEXT(read_property(f, &snapshot, vertex, "decided_by"),
                "aa000000-0000-0000-0000-000000000000");
    ASSERT_TEXT(read_property(f, &snapshot, vertex, "decided_at"), "2023-11-14T22:13:20Z");
    ASSERT_TEXT(read_property(f, &snapshot, vertex, "content_hash"), "hash");
    assert_false(snapshot_next(&snapshot, &walk, &vertex));
    state_release(&f->state, &snapshot);
}

static void downstream_is_everything_that_can_be_reached_once(void **state)
{
    struct fixture *f = *state;
    struct snapshot snapshot;
    struct snapshot_vertex vertex, last;
    struct garden_uuid nodes[4];
    for (size_t i = 0; i < 4; i++)
        nodes[i] = add_node(f, "node");
    join(f, nodes[0], nodes[1]); // a diamond
    join(f, nodes[0], nodes[2]);
    join(f, nodes[1], nodes[3]);
    join(f, nodes[2], nodes[3]);
    take(f, &snapshot);
    assert_true(snapshot_find(&snapshot, SNAPSHOT_NODE, nodes[0], &vertex));
    assert_int_equal(count_by(f, &snapshot, vertex, "downstream", &last), 3);
    assert_int_equal(count_by(f, &snapshot, vertex, "upstream", &last), 0);
    assert_int_equal(count_by(f, &snapshot, vertex, "outputs", &last), 1);
    ASSERT_TEXT(read_property(f, &snapshot, last, "direction"), "output");
    assert_true(snapshot_find(&snapshot, SNAPSHOT_NODE, nodes[3], &vertex));
    assert_int_equal(count_by(f, &snapshot, vertex, "upstream", &last), 3);
    assert_false(snapshot_find(&snapshot, SNAPSHOT_NODE, somebody, &vertex));
    state_release(&f->state, &snapshot);
}

// ---- A thread that reads while the loop changes everything

struct reader {
    struct snapshot snapshot;
    size_t regions, links;
    double sum;
};

static void *reader_run(void *context)
{
    struct reader *reader = context;
    struct garden_arena arena;
    garden_arena_init(&arena, NULL, 0);
    for (int i = 0; i < 50; i++) {
        struct snapshot_walk walk;
        struct snapshot_vertex vertex;
        reader->regions = reader->links = 0;
        reader->sum = 0;
        snapshot_all(&walk, SNAPSHOT_REGION, &arena);
        while (snapshot_next(&reader->snapshot, &walk, &vertex)) {
            reader->regions++;
            reader->sum += snapshot_property(SNAPSHOT_REGION, "position")
                               ->read(&reader->snapshot, vertex, &arena)
                               .real;
        }
        snapshot_all(&walk, SNAPSHOT_EDGE, &arena);
        while (snapshot_next(&reader->snapshot, &walk, &vertex))
            if (snapshot_property(SNAPSHOT_EDGE, "source_port")
                    ->read(&reader->snapshot, vertex, &arena)
                    .text.size == 3)
                reader->links++;
    }
    garden_arena_fini(&arena);
    return NULL;
}

static void a_thread_sees_one_moment_while_the_state_goes_on(void **state)
{
    enum { REGIONS = 60 };
    struct fixture *f = *state;
    struct garden_uuid ids[REGIONS];
    struct reader reader;
    pthread_t thread;
    double sum = 0;
    for (size_t i = 0; i < REGIONS; i++) {
        ids[i] = create(f, (double)i, i % 2 == 0);
        sum += (double)i;
    }
    const struct garden_uuid a = add_node(f, "a"), b = add_node(f, "b");
    join(f, a, b);
    take(f, &reader.snapshot);
    assert_int_equal(pthread_create(&thread, NULL, reader_run, &reader), 0);
    for (size_t i = 0; i < REGIONS; i++) {
        const struct garden_shell_request move = {.kind = GARDEN_SHELL_MOVE_REGION,
                                                  .move_region = {ids[i], 1000}};
        const struct garden_shell_request remove = {.kind = GARDEN_SHELL_DELETE_REGION,
                                                    .delete_region = {ids[i]}};
        (void)ask(f, i % 3 == 0 ? &remove : &move);
    }
    const struct garden_shell_request unplug = {.kind = GARDEN_SHELL_REMOVE_NODE,
                                                .remove_node = {a}};
    (void)ask(f, &unplug);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(reader.regions, REGIONS);
    assert_int_equal(reader.links, 1);
    assert_true(reader.sum == sum);
    state_release(&f->state, &reader.snapshot);
    assert_int_equal(f->state.regions.table.count, REGIONS - REGIONS / 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_property_of_every_vertex_has_the_type_of_the_schema),
        TEST(an_approval_tells_who_and_when),
        TEST(downstream_is_everything_that_can_be_reached_once),
        TEST(a_thread_sees_one_moment_while_the_state_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
