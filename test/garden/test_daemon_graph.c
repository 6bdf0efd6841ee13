// The graph: what may be connected, what may not, and what goes when a node goes; and participants.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "garden/daemon/graph.h"
#include "garden/daemon/participants.h"

struct fixture {
    struct zmtp_budget budget;
    struct graph graph;
    struct participants participants;
    struct changes changes;
};

static int setup(void **state)
{
    static struct fixture f;
    zmtp_budget_init(&f.budget, NULL);
    graph_init(&f.graph, &f.budget.allocator);
    participants_init(&f.participants, &f.budget.allocator);
    changes_init(&f.changes);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    graph_fini(&f->graph);
    participants_fini(&f->participants);
    changes_fini(&f->changes);
    return f->budget.bytes == 0 ? 0 : -1;
}

static struct garden_uuid id_of(uint8_t number)
{
    return (struct garden_uuid){{number}};
}

static int add_json(struct fixture *f, uint8_t number, const char *json)
{
    struct garden_arena arena;
    struct garden_node_descriptor descriptor = {.name = garden_text_of("node"),
                                                .node_type = garden_text_of("gain")};
    garden_arena_init(&arena, NULL, 0);
    assert_int_equal(garden_json_decode(zmtp_bytes_text(json), &arena, &descriptor.config, NULL),
                     GARDEN_OK);
    const int result = graph_add(&f->graph, id_of(number), &descriptor, &f->changes, NULL);
    garden_arena_fini(&arena); // the graph has its own copy
    return result;
}

// With the input "in" and the outputs "out", of audio, and "notes", of MIDI.
static void add(struct fixture *f, uint8_t number)
{
    assert_int_equal(add_json(f, number,
                              "{\"inputs\":[{\"name\":\"in\",\"signal_type\":\"audio\"}],"
                              "\"outputs\":[{\"name\":\"out\",\"signal_type\":\"audio\"},"
                              "{\"name\":\"notes\",\"signal_type\":\"midi\"}]}"),
                     GARDEN_OK);
}

static int join(struct fixture *f, uint8_t from, const char *output, uint8_t to, const char *input)
{
    const struct garden_port_ref source = {id_of(from), garden_text_of(output)};
    const struct garden_port_ref dest = {id_of(to), garden_text_of(input)};
    return graph_connect(&f->graph, &source, &dest, &f->changes, NULL);
}

static int part(struct fixture *f, uint8_t from, uint8_t to)
{
    const struct garden_port_ref source = {id_of(from), garden_text_of("out")};
    const struct garden_port_ref dest = {id_of(to), garden_text_of("in")};
    return graph_disconnect(&f->graph, &source, &dest, &f->changes, NULL);
}

static void ports_of_the_same_signal_type_are_connected_and_it_is_told(void **state)
{
    struct fixture *f = *state;
    add(f, 1);
    add(f, 2);
    assert_int_equal(f->changes.count, 2);
    assert_int_equal(f->changes.events[0].kind, GARDEN_EVENT_NODE_ADDED);
    assert_int_equal(join(f, 1, "out", 2, "in"), GARDEN_OK);
    assert_int_equal(f->changes.count, 3);
    assert_int_equal(f->changes.events[2].kind, GARDEN_EVENT_CONNECTION_MADE);
    assert_int_equal(join(f, 1, "out", 2, "in"), GARDEN_ERR_EXISTS);
    assert_int_equal(part(f, 1, 2), GARDEN_OK);
    assert_int_equal(f->changes.events[3].kind, GARDEN_EVENT_CONNECTION_BROKEN);
    assert_int_equal(part(f, 1, 2), GARDEN_ERR_NOT_FOUND);
    assert_int_equal(f->changes.count, 4);
}

static void nodes_ports_and_types_that_do_not_fit_are_refused(void **state)
{
    struct fixture *f = *state;
    add(f, 1);
    add(f, 2);
    changes_clear(&f->changes);
    assert_int_equal(join(f, 1, "out", 9, "in"), GARDEN_ERR_NOT_FOUND);
    assert_int_equal(join(f, 9, "out", 2, "in"), GARDEN_ERR_NOT_FOUND);
    assert_int_equal(join(f, 1, "in", 2, "in"), GARDEN_ERR_NOT_FOUND);   // not an output
    assert_int_equal(join(f, 1, "out", 2, "out"), GARDEN_ERR_NOT_FOUND); // not an input
    assert_int_equal(join(f, 1, "", 2, "in"), GARDEN_ERR_NOT_FOUND);
    assert_int_equal(join(f, 1, "notes", 2, "in"), GARDEN_ERR_TYPE);
    assert_int_equal(graph_links_count(f->graph.links), 0);
    assert_int_equal(f->changes.count, 0);
}

static void a_cycle_of_any_length_is_refused(void **state)
{
    struct fixture *f = *state;
    enum { NODES = 20 };
    add(f, 1);
    assert_int_equal(join(f, 1, "out", 1, "in"), GARDEN_ERR_STATE);
    for (uint8_t i = 2; i <= NODES; i++)
        add(f, i);
    // From the end, so that a search in the order of making has to go round again and again.
    for (uint8_t i = NODES; i > 1; i--)
        assert_int_equal(join(f, (uint8_t)(i - 1), "out", i, "in"), GARDEN_OK);
    for (uint8_t i = 1; i < NODES; i++)
        assert_int_equal(join(f, NODES, "out", i, "in"), GARDEN_ERR_STATE);
    assert_int_equal(join(f, 1, "out", NODES, "in"), GARDEN_OK); // a shortcut is none
    assert_int_equal(part(f, 10, 11), GARDEN_OK);
    assert_int_equal(join(f, NODES, "out", 1, "in"), GARDEN_ERR_STATE); // the shortcut
    assert_int_equal(part(f, 1, NODES), GARDEN_OK);
    assert_int_equal(join(f, NODES, "out", 1, "in"), GARDEN_OK);
}

static void a_removed_node_takes_its_connections_and_tells_each(void **state)
{
    struct fixture *f = *state;
    for (uint8_t i = 1; i <= 3; i++)
        add(f, i);
    assert_int_equal(join(f, 1, "out", 2, "in"), GARDEN_OK);
    assert_int_equal(join(f, 2, "out", 3, "in"), GARDEN_OK);
    assert_int_equal(join(f, 1, "out", 3, "in"), GARDEN_OK);
    changes_clear(&f->changes);
    assert_int_equal(graph_remove(&f->graph, id_of(2), &f->changes, NULL), GARDEN_OK);
    assert_int_equal(f->changes.count, 3);
    assert_int_equal(f->changes.events[0].kind, GARDEN_EVENT_CONNECTION_BROKEN);
    assert_true(garden_text_is(f->changes.events[0].connection_broken.dest.port_name, "in"));
    assert_true(garden_text_is(f->changes.events[1].connection_broken.source.port_name, "out"));
    assert_int_equal(f->changes.events[2].kind, GARDEN_EVENT_NODE_REMOVED);
    assert_int_equal(graph_links_count(f->graph.links), 1);
    assert_int_equal(graph_remove(&f->graph, id_of(2), &f->changes, NULL), GARDEN_ERR_NOT_FOUND);
    assert_int_equal(join(f, 1, "out", 2, "in"), GARDEN_ERR_NOT_FOUND);
}

#define PORT "{\"name\":\"a\",\"signal_type\":\"x\"}"
#define TWICE "{\"inputs\":[" PORT "," PORT "]}"

static void a_config_whose_ports_cannot_be_read_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const wrong[] = {
        "{\"inputs\":7}",
        "{\"inputs\":[7]}",
        "{\"outputs\":[{\"name\":\"a\"}]}",
        "{\"outputs\":[{\"name\":\"\",\"signal_type\":\"audio\"}]}",
        TWICE,
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_true(add_json(f, 1, wrong[i]) < 0);
    assert_int_equal(f->graph.nodes.count, 0);
    assert_int_equal(f->changes.count, 0);
    assert_int_equal(add_json(f, 1, "null"), GARDEN_OK); // a node without ports
    assert_int_equal(add_json(f, 2, "{\"gain\":1.5}"), GARDEN_OK);
}

static void without_memory_at_any_point_a_node_is_added_whole_or_not_at_all(void **state)
{
    struct fixture *f = *state;
    bool made = false;
    for (uint64_t n = 1; !made; n++) {
        f->budget.fail_at = f->budget.calls + n;
        made = add_json(f, 1, "{\"inputs\":[{\"name\":\"in\",\"signal_type\":\"audio\"}]}") ==
               GARDEN_OK;
        assert_int_equal(f->graph.nodes.count, made ? 1 : 0);
        assert_int_equal(f->changes.count, made ? 1 : 0);
    }
}

// ---- Participants

static int enlist(struct fixture *f, uint8_t number, const char *a, const char *b)
{
    struct garden_text capabilities[] = {garden_text_of(a), garden_text_of(b)};
    const struct garden_participant about = {
        .id = id_of(number), .name = garden_text_of("ada"), .capabilities = {capabilities, 2}};
    return participants_register(&f->participants, &about, &f->changes, NULL);
}

static void a_participant_comes_online_each_time_it_registers(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(enlist(f, 1, "sing", "play"), GARDEN_OK);
    assert_int_equal(enlist(f, 1, "sing", "listen"), GARDEN_OK);
    assert_int_equal(f->participants.table.count, 1);
    assert_int_equal(f->changes.count, 2);
    assert_int_equal(f->changes.events[1].kind, GARDEN_EVENT_PARTICIPANT_ONLINE);
    const struct garden_participant *about = participants_find(&f->participants, id_of(1));
    assert_true(garden_text_is(about->capabilities.items[1], "listen"));
}

static void nobody_and_twice_the_same_capability_are_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(enlist(f, 0, "sing", "play"), GARDEN_ERR_ARGUMENT); // the nil id
    assert_int_equal(enlist(f, 1, "sing", "sing"), GARDEN_ERR_EXISTS);
    assert_int_equal(f->participants.table.count, 0);
    assert_int_equal(f->changes.count, 0);
}

static void an_update_tells_each_capability_that_goes_or_comes(void **state)
{
    struct fixture *f = *state;
    struct garden_text capabilities[] = {garden_text_of("play"), garden_text_of("dance")};
    struct garden_participant_update update = {.has_capabilities = true,
                                               .capabilities = {capabilities, 2}};
    assert_int_equal(enlist(f, 1, "sing", "play"), GARDEN_OK);
    changes_clear(&f->changes);
    assert_int_equal(participants_update(&f->participants, id_of(1), &update, &f->changes, NULL),
                     GARDEN_OK);
    assert_int_equal(f->changes.count, 2);
    assert_true(garden_text_is(f->changes.events[0].capability_changed.capability, "sing"));
    assert_false(f->changes.events[0].capability_changed.available);
    assert_true(garden_text_is(f->changes.events[1].capability_changed.capability, "dance"));
    assert_true(f->changes.events[1].capability_changed.available);
    update = (struct garden_participant_update){.has_name = true, .name = garden_text_of("bob")};
    assert_int_equal(participants_update(&f->participants, id_of(1), &update, &f->changes, NULL),
                     GARDEN_OK);
    assert_int_equal(f->changes.count, 2);
    const struct garden_participant *about = participants_find(&f->participants, id_of(1));
    assert_true(garden_text_is(about->name, "bob"));
    assert_int_equal(about->capabilities.count, 2);
    assert_int_equal(participants_update(&f->participants, id_of(2), &update, &f->changes, NULL),
                     GARDEN_ERR_NOT_FOUND);
}

// ---- Limits

static struct garden_uuid wide_id(size_t number)
{
    struct garden_uuid id = {{0}};
    id.octets[0] = (uint8_t)(1 + number / 256);
    id.octets[1] = (uint8_t)number;
    return id;
}

// One more than there may be is refused in words, and one that goes makes room for another.
static void a_graph_has_a_limit_of_nodes_and_of_connections(void **state)
{
    struct fixture *f = *state;
    struct garden_arena arena;
    struct garden_error error;
    struct garden_node_descriptor about = {.name = garden_text_of("node"),
                                           .node_type = garden_text_of("gain")};
    static const char ports[] = "{\"inputs\":[{\"name\":\"in\",\"signal_type\":\"audio\"}],"
                                "\"outputs\":[{\"name\":\"out\",\"signal_type\":\"audio\"}]}";
    garden_arena_init(&arena, NULL, 0);
    assert_int_equal(garden_json_decode(zmtp_bytes_text(ports), &arena, &about.config, NULL),
                     GARDEN_OK);
    for (size_t i = 0; i < GRAPH_NODES_MAX; i++)
        assert_int_equal(graph_add(&f->graph, wide_id(i), &about, &f->changes, NULL), GARDEN_OK);
    assert_int_equal(graph_add(&f->graph, wide_id(GRAPH_NODES_MAX), &about, &f->changes, &error),
                     GARDEN_ERR_LIMIT);
    assert_non_null(strstr(error.text, "1024 nodes already"));

    struct garden_port_ref source = {.port_name = garden_text_of("out")};
    struct garden_port_ref dest = {.port_name = garden_text_of("in")};
    size_t made = 0;
    int result = GARDEN_OK;
    for (size_t i = 0; result == GARDEN_OK; i++) // five in front of each
        for (size_t k = 1; k <= 5 && result == GARDEN_OK; k++) {
            source.node_id = wide_id(i);
            dest.node_id = wide_id(i + k);
            result = graph_connect(&f->graph, &source, &dest, &f->changes, &error);
            made += result == GARDEN_OK;
        }
    assert_int_equal(result, GARDEN_ERR_LIMIT);
    assert_int_equal(made, GRAPH_CONNECTIONS_MAX);
    assert_non_null(strstr(error.text, "4096 connections already"));
    assert_int_equal(f->changes.count, GRAPH_NODES_MAX + GRAPH_CONNECTIONS_MAX);

    assert_int_equal(graph_remove(&f->graph, wide_id(0), &f->changes, NULL), GARDEN_OK);
    assert_int_equal(graph_connect(&f->graph, &source, &dest, &f->changes, NULL), GARDEN_OK);
    assert_int_equal(graph_add(&f->graph, wide_id(GRAPH_NODES_MAX), &about, &f->changes, NULL),
                     GARDEN_OK);
    garden_arena_fini(&arena);
}

static void participants_and_what_is_told_of_them_have_limits(void **state)
{
    struct fixture *f = *state;
    static char octets[PARTICIPANT_MEMORY_MAX];
    static char names[PARTICIPANT_CAPABILITIES_MAX + 1][8];
    struct garden_text list[PARTICIPANT_CAPABILITIES_MAX + 1];
    struct garden_error error;
    struct garden_participant about = {.id = id_of(1), .capabilities = {list, 0}};
    for (size_t i = 0; i <= PARTICIPANT_CAPABILITIES_MAX; i++) {
        const int size = snprintf(names[i], sizeof names[i], "%zu", i);
        list[i] = (struct garden_text){names[i], (size_t)size};
    }
    about.capabilities.count = PARTICIPANT_CAPABILITIES_MAX + 1;
    assert_int_equal(participants_register(&f->participants, &about, &f->changes, &error),
                     GARDEN_ERR_LIMIT);
    assert_non_null(strstr(error.text, "at most 64 capabilities"));
    about.capabilities.count = PARTICIPANT_CAPABILITIES_MAX;
    assert_int_equal(participants_register(&f->participants, &about, &f->changes, NULL), GARDEN_OK);

    memset(octets, 'x', sizeof octets);
    const struct garden_participant_update update = {.has_name = true,
                                                     .name = {octets, sizeof octets}};
    assert_int_equal(participants_update(&f->participants, id_of(1), &update, &f->changes, &error),
                     GARDEN_ERR_LIMIT);
    assert_non_null(strstr(error.text, "at most 16384 octets"));
    assert_int_equal(f->changes.count, 1);

    about.capabilities.count = 0;
    for (size_t i = 1; i < PARTICIPANTS_MAX; i++) {
        about.id = wide_id(i + 256);
        assert_int_equal(participants_register(&f->participants, &about, &f->changes, NULL),
                         GARDEN_OK);
    }
    about.id = wide_id(256 + PARTICIPANTS_MAX);
    assert_int_equal(participants_register(&f->participants, &about, &f->changes, &error),
                     GARDEN_ERR_LIMIT);
    assert_non_null(strstr(error.text, "1024 participants already"));
    about.id = id_of(1); // who is known comes back nevertheless
    assert_int_equal(participants_register(&f->participants, &about, &f->changes, NULL), GARDEN_OK);
    assert_int_equal(f->participants.table.count, PARTICIPANTS_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ports_of_the_same_signal_type_are_connected_and_it_is_told),
        TEST(nodes_ports_and_types_that_do_not_fit_are_refused),
        TEST(a_cycle_of_any_length_is_refused),
        TEST(a_removed_node_takes_its_connections_and_tells_each),
        TEST(a_config_whose_ports_cannot_be_read_is_refused),
        TEST(without_memory_at_any_point_a_node_is_added_whole_or_not_at_all),
        TEST(a_participant_comes_online_each_time_it_registers),
        TEST(nobody_and_twice_the_same_capability_are_refused),
        TEST(an_update_tells_each_capability_that_goes_or_comes),
        TEST(a_graph_has_a_limit_of_nodes_and_of_connections),
        TEST(participants_and_what_is_told_of_them_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
