// The state as requests: what is saved and restored is the same, property by property, at any moment of
// a random life; and the octets of a stranger restore nothing that no request could make.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "garden/daemon/save.h"

enum { STEPS = 3000, THINGS = 40 };

struct fixture {
    struct state state, again;
    struct garden__record answers;
    struct garden_arena arena, compared; // of requests, and of what is compared
    uint64_t seed;
    struct garden_uuid regions[THINGS], nodes[THINGS];
    unsigned counter;
};

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    f.seed = 1;
    state_init(&f.state);
    state_init(&f.again);
    garden__record_init(&f.answers, NULL, 16, 4096);
    garden_arena_init(&f.arena, NULL, 0);
    garden_arena_init(&f.compared, NULL, 0);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    garden__record_fini(&f->answers);
    garden_arena_fini(&f->arena);
    garden_arena_fini(&f->compared);
    state_fini(&f->state);
    state_fini(&f->again);
    return f->state.budget.bytes == 0 && f->again.budget.bytes == 0 ? 0 : -1;
}

static unsigned dice(struct fixture *f, unsigned sides)
{
    f->seed = f->seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(f->seed >> 33) % sides;
}

static struct state_moment next_moment(struct fixture *f)
{
    struct state_moment moment = {.mono_ns = (int64_t)++f->counter * 1000,
                                  .wall = {.seconds = 1700000000 + f->counter}};
    memcpy(moment.fresh.octets, &f->counter, sizeof f->counter);
    moment.fresh.octets[15] = 1;
    return moment;
}

static int restore(void *context, struct zmtp_bytes octets)
{
    struct fixture *f = context;
    return save_restore(&f->again, 1, octets, &f->answers);
}

// Asks, and replays what is kept of it in the other state, too, also what was refused; but not what found no memory.
static int ask(struct fixture *f, const struct garden_shell_request *request, bool replay)
{
    const struct state_moment moment = next_moment(f);
    struct state_answer answer;
    struct changes changes;
    state_answer_init(&answer);
    changes_init(&changes);
    const int result = state_shell(&f->state, request, &moment, &answer, &changes, NULL);
    if (result < 0) assert_int_equal(changes.count, 0);
    if (result == GARDEN_OK && request->kind == GARDEN_SHELL_CREATE_REGION)
        f->regions[dice(f, THINGS)] = moment.fresh;
    if (result == GARDEN_OK && request->kind == GARDEN_SHELL_ADD_NODE)
        f->nodes[dice(f, THINGS)] = moment.fresh;
    changes_fini(&changes);
    state_answer_fini(&answer);
    if (replay && result != GARDEN_ERR_MEMORY && save_is_change(request->kind)) {
        struct garden_buffer octets;
        const struct garden_form form = {GARDEN_MSGPACK, GARDEN_EXTERNAL};
        garden_buffer_init(&octets, NULL, 0);
        assert_int_equal(save_change(request, &moment, NULL, form, &octets), GARDEN_OK);
        assert_int_equal(restore(f, garden_buffer_bytes(&octets)), GARDEN_OK);
        garden_buffer_fini(&octets);
    }
    return result;
}

static struct garden_shell_request random_region(struct fixture *f)
{
    static struct garden_curve_point curve[3] = {{0, 1}, {1, 2}, {2, 0.5}};
    struct garden_shell_request request = {
        .kind = GARDEN_SHELL_CREATE_REGION,
        .create_region = {.position = dice(f, 100) / 4.0, .duration = dice(f, 9)}};
    struct garden_behavior *behavior = &request.create_region.behavior;
    behavior->kind = dice(f, 2) ? GARDEN_BEHAVIOR_LATENT : (enum garden_behavior_kind)dice(f, 4);
    switch (behavior->kind) {
    case GARDEN_BEHAVIOR_PLAY_CONTENT:
        behavior->play_content.artifact_id = garden_text_of("kick");
        break;
    case GARDEN_BEHAVIOR_LATENT:
        behavior->latent.job_id = garden_text_of(dice(f, 2) ? "job" : "");
        break;
    case GARDEN_BEHAVIOR_APPLY_PROCESSING:
        behavior->apply_processing.parameter = garden_text_of("gain");
        behavior->apply_processing.curve = (struct garden_curve_point_list){curve, dice(f, 4)};
        break;
    case GARDEN_BEHAVIOR_EMIT_TRIGGER:
        behavior->emit_trigger.event_type = garden_text_of("bang");
        break;
    }
    return request;
}

static struct garden_shell_request random_latent(struct fixture *f, struct garden_uuid id)
{
    const struct garden_text text = garden_text_of(dice(f, 2) ? "job" : "other");
    switch (dice(f, 7)) {
    case 0:
    case 1:
        return (struct garden_shell_request){.kind = GARDEN_SHELL_UPDATE_LATENT_STARTED,
                                             .update_latent_started = {id, text}};
    case 2:
        return (struct garden_shell_request){.kind = GARDEN_SHELL_UPDATE_LATENT_PROGRESS,
                                             .update_latent_progress = {id, (float)dice(f, 5) / 4}};
    case 3:
        return (struct garden_shell_request){
            .kind = GARDEN_SHELL_UPDATE_LATENT_RESOLVED,
            .update_latent_resolved = {id, text, text, GARDEN_CONTENT_MIDI}};
    case 4:
        return (struct garden_shell_request){.kind = GARDEN_SHELL_UPDATE_LATENT_FAILED,
                                             .update_latent_failed = {id, text}};
    case 5:
        return (struct garden_shell_request){.kind = GARDEN_SHELL_APPROVE_LATENT,
                                             .approve_latent = {id, {{9}}}};
    default:
        return (struct garden_shell_request){
            .kind = GARDEN_SHELL_REJECT_LATENT,
            .reject_latent = {id, {{8}}, dice(f, 2) == 1, garden_text_of("why")}};
    }
}

static struct garden_shell_request random_graph(struct fixture *f)
{
    const struct garden_port_ref out = {f->nodes[dice(f, THINGS)], garden_text_of("out")};
    const struct garden_port_ref in = {f->nodes[dice(f, THINGS)], garden_text_of("in")};
    struct garden_shell_request request = {.kind = GARDEN_SHELL_ADD_NODE};
    static const char config[] = "{\"inputs\":[{\"name\":\"in\",\"signal_type\":\"audio\"}],"
                                 "\"outputs\":[{\"name\":\"out\",\"signal_type\":\"audio\"}]}";
    switch (dice(f, 6)) {
    case 0:
        request.add_node.node = (struct garden_node_descriptor){
            .name = garden_text_of("node"), .node_type = garden_text_of("effect")};
        assert_int_equal(garden_json_decode(zmtp_bytes_text(config), &f->arena,
                                            &request.add_node.node.config, NULL),
                         GARDEN_OK);
        return request;
    case 1:
        return (struct garden_shell_request){.kind = GARDEN_SHELL_REMOVE_NODE,
                                             .remove_node = {in.node_id}};
    case 2:
        return (struct garden_shell_request){.kind = GARDEN_SHELL_DISCONNECT,
                                             .disconnect = {out, in}};
    default:
        return (struct garden_shell_request){.kind = GARDEN_SHELL_CONNECT, .connect = {out, in}};
    }
}

static struct garden_shell_request random_request(struct fixture *f)
{
    static struct garden_text list[] = {{"sing", 4}, {"play", 4}};
    const struct garden_uuid region = f->regions[dice(f, THINGS)];
    switch (dice(f, 12)) {
    case 0:
    case 1:
        return random_region(f);
    case 2:
        return (struct garden_shell_request){.kind = GARDEN_SHELL_DELETE_REGION,
                                             .delete_region = {region}};
    case 3:
        return (struct garden_shell_request){.kind = GARDEN_SHELL_MOVE_REGION,
                                             .move_region = {region, dice(f, 50)}};
    case 4:
        return (struct garden_shell_request){
            .kind = GARDEN_SHELL_REGISTER_PARTICIPANT,
            .register_participant = {{.id = {{(uint8_t)dice(f, 4)}}, // the nil one is refused
                                      .name = garden_text_of("ada"),
                                      .capabilities = {list, dice(f, 3)}}}};
    case 5:
        return (struct garden_shell_request){
            .kind = GARDEN_SHELL_UPDATE_PARTICIPANT,
            .update_participant = {{{(uint8_t)dice(f, 4)}},
                                   {.has_name = true, .name = garden_text_of("eve")}}};
    case 6:
        return (struct garden_shell_request){.kind = GARDEN_SHELL_SET_TEMPO,
                                             .set_tempo = {60 + dice(f, 100)}};
    case 7:
        return (struct garden_shell_request){.kind = GARDEN_SHELL_SEEK, .seek = {dice(f, 100)}};
    case 8:
        return random_graph(f);
    default:
        return random_latent(f, region);
    }
}

// ---- Comparing

static void compare_vertex(struct fixture *f, const struct snapshot *a, struct snapshot_vertex x,
                           const struct snapshot *b, struct snapshot_vertex y)
{
    const struct snapshot_schema *schema = snapshot_schema(x.kind);
    for (size_t i = 0; i < schema->property_count; i++) {
        const struct snapshot_property *property = &schema->properties[i];
        const struct garden_value p = property->read(a, x, &f->compared);
        const struct garden_value q = property->read(b, y, &f->compared);
        if (!garden_value_equal(&p, &q)) fail_msg("%s.%s differs", schema->name, property->name);
    }
}

static void compare(struct fixture *f)
{
    const struct state_moment moment = {.mono_ns = 1, .wall = {.seconds = 1}};
    struct snapshot a, b;
    garden_arena_fini(&f->compared);
    state_snapshot(&f->state, &moment, &a);
    state_snapshot(&f->again, &moment, &b);
    for (int kind = 0; kind < SNAPSHOT_KINDS; kind++) {
        struct snapshot_walk walk_a, walk_b;
        struct snapshot_vertex x, y;
        snapshot_all(&walk_a, (enum snapshot_kind)kind, &f->compared);
        snapshot_all(&walk_b, (enum snapshot_kind)kind, &f->compared);
        while (snapshot_next(&a, &walk_a, &x)) {
            assert_true(snapshot_next(&b, &walk_b, &y));
            compare_vertex(f, &a, x, &b, y);
        }
        assert_false(snapshot_next(&b, &walk_b, &y));
    }
    state_release(&f->state, &a);
    state_release(&f->again, &b);
}

static void a_life_replayed_request_by_request_ends_in_the_same_state(void **state)
{
    struct fixture *f = *state;
    unsigned made = 0;
    for (unsigned i = 0; i < STEPS; i++) {
        const struct garden_shell_request request = random_request(f);
        if (ask(f, &request, true) == GARDEN_OK) made++;
        if (i % 500 == 0) compare(f);
    }
    compare(f);
    assert_true(made > STEPS / 4 && made < STEPS);
    assert_true(f->state.regions.table.count > 10 && graph_links_count(f->state.graph.links) > 3);
}

// With a snapshot around, so that what is changed is copied before.
static void without_memory_at_any_point_a_request_is_executed_whole_or_not_at_all(void **state)
{
    struct fixture *f = *state;
    struct zmtp_budget *budget = &f->state.budget;
    const struct state_moment moment = {.mono_ns = 1, .wall = {.seconds = 1}};
    struct snapshot snapshot;
    unsigned failed = 0, made = 0;
    state_snapshot(&f->state, &moment, &snapshot);
    for (unsigned i = 0; i < STEPS / 2; i++) {
        const struct garden_shell_request request = random_request(f);
        budget->fail_at = budget->calls + 1 + dice(f, 6);
        int result = ask(f, &request, true);
        budget->fail_at = 0;
        if (result == GARDEN_ERR_MEMORY) {
            failed++;
            compare(f);
            result = ask(f, &request, true);
            assert_int_not_equal(result, GARDEN_ERR_MEMORY);
        }
        made += result == GARDEN_OK;
        if (i % 20 != 0) continue;
        state_release(&f->state, &snapshot);
        state_snapshot(&f->state, &moment, &snapshot);
    }
    state_release(&f->state, &snapshot);
    compare(f);
    if (failed < 50 || made < STEPS / 8) fail_msg("%u failed, %u made", failed, made);
}

static void a_state_saved_at_any_moment_is_restored_as_it_was(void **state)
{
    struct fixture *f = *state;
    for (unsigned round = 0; round < 30; round++) {
        for (unsigned i = 0; i < STEPS / 30; i++) {
            const struct garden_shell_request request = random_request(f);
            (void)ask(f, &request, false);
        }
        const struct state_moment moment = {.mono_ns = 1, .wall = {.seconds = 1}};
        struct snapshot snapshot;
        struct garden_buffer octets;
        garden_buffer_init(&octets, NULL, 0);
        state_fini(&f->again);
        state_init(&f->again);
        state_snapshot(&f->state, &moment, &snapshot);
        assert_int_equal(save_snapshot(&snapshot, &octets, restore, f), GARDEN_OK);
        state_release(&f->state, &snapshot);
        garden_buffer_fini(&octets);
        compare(f);
    }
}

// The seconds of the way depend on each tempo on it, and are none that a beat and the last tempo tell.
static void the_playhead_is_restored_to_the_last_bit_whatever_its_way_was(void **state)
{
    struct fixture *f = *state;
    struct garden_buffer octets;
    int64_t now_ns = 1;
    unsigned apart = 0;
    garden_buffer_init(&octets, NULL, 0);
    for (unsigned round = 0; round < 2000; round++) {
        struct garden_shell_request request = {.kind = GARDEN_SHELL_PLAY};
        struct state_moment moment = {.mono_ns = now_ns += dice(f, 1000000000),
                                      .wall = {.seconds = 1}};
        struct state_answer answer;
        struct changes changes;
        struct snapshot snapshot;
        const unsigned side = dice(f, 8);
        if (side < 3) request.kind = GARDEN_SHELL_SET_TEMPO;
        if (side < 3) request.set_tempo.bpm = 1 + dice(f, 99900) / 100.0;
        if (side == 3) request.kind = GARDEN_SHELL_SEEK;
        if (side == 3) request.seek.beat = dice(f, 100000) / 7.0;
        if (side == 4) request.kind = GARDEN_SHELL_PAUSE;
        state_answer_init(&answer);
        changes_init(&changes);
        assert_int_equal(state_shell(&f->state, &request, &moment, &answer, &changes, NULL),
                         GARDEN_OK);
        changes_fini(&changes);
        state_answer_fini(&answer);
        moment.mono_ns = now_ns += dice(f, 1000000000);
        state_fini(&f->again);
        state_init(&f->again);
        state_snapshot(&f->state, &moment, &snapshot);
        assert_int_equal(save_snapshot(&snapshot, &octets, restore, f), GARDEN_OK);
        state_release(&f->state, &snapshot);
        const struct transport_position was = transport_position(&f->state.transport, now_ns);
        const struct transport_position is = transport_position(&f->again.transport, 1);
        assert_memory_equal(&was, &is, sizeof was);
        assert_true(!(f->again.transport.tempo < f->state.transport.tempo) &&
                    !(f->again.transport.tempo > f->state.transport.tempo));
        apart += fabs(is.second - is.beat * 60 / f->again.transport.tempo) > 1;
    }
    assert_true(apart > 500); // else nothing was shown
    garden_buffer_fini(&octets);
}

// A form has its own count of lists and maps around the same thing, and a request may use all of them.
static void what_any_form_can_say_can_be_saved(void **state)
{
    struct fixture *f = *state;
    const struct garden_form forms[] = {{GARDEN_MSGPACK, GARDEN_EXTERNAL},
                                        {GARDEN_MSGPACK, GARDEN_TAGGED},
                                        {GARDEN_JSON, GARDEN_EXTERNAL},
                                        {GARDEN_JSON, GARDEN_TAGGED}};
    struct garden_buffer octets;
    garden_buffer_init(&octets, NULL, 0);
    for (size_t i = 0; i < 4; i++) {
        struct garden_value nest[GARDEN_DEPTH_MAX], config;
        struct garden_entry entry;
        int result = GARDEN_OK;
        unsigned depth = 0;
        nest[0] = garden_value_int(7);
        for (; result == GARDEN_OK; depth++) { // as deep as the form has it
            assert_true(depth + 1 < GARDEN_DEPTH_MAX);
            nest[depth + 1] = garden_value_list(&nest[depth], 1);
            entry = garden_entry_of("params", nest[depth]);
            config = garden_value_map(&entry, 1);
            const struct garden_shell_request add = {
                .kind = GARDEN_SHELL_ADD_NODE,
                .add_node = {{garden_text_of("n"), garden_text_of("t"), config}}};
            const struct state_moment moment = next_moment(f);
            garden_buffer_clear(&octets);
            result = save_change(&add, &moment, NULL, forms[i], &octets);
            if (result == GARDEN_OK) assert_int_equal(ask(f, &add, false), GARDEN_OK);
        }
        assert_true(depth > GARDEN_DEPTH_MAX / 2);
    }
    const struct state_moment moment = {.mono_ns = 1, .wall = {.seconds = 1}};
    struct snapshot snapshot;
    state_snapshot(&f->state, &moment, &snapshot);
    assert_int_equal(save_snapshot(&snapshot, &octets, restore, f), GARDEN_OK);
    state_release(&f->state, &snapshot);
    garden_buffer_fini(&octets);
    compare(f);
}

static void the_answer_of_a_clients_request_is_restored_in_its_form(void **state)
{
    struct fixture *f = *state;
    struct garden_message client, reply;
    struct garden_buffer octets;
    struct garden_form form = {GARDEN_JSON, GARDEN_TAGGED}, found;
    const struct garden_shell_request request = random_region(f);
    const struct state_moment moment = next_moment(f);
    garden_message_init(&client, GARDEN_SHELL_REQUEST, (struct garden_uuid){{5}},
                        (struct garden_uuid){{6}}, moment.wall);
    garden_buffer_init(&octets, NULL, 0);
    assert_int_equal(save_change(&request, &moment, &client.header, form, &octets), GARDEN_OK);
    assert_int_equal(restore(f, garden_buffer_bytes(&octets)), GARDEN_OK);
    const struct zmtp_bytes answer =
        garden__record_find(&f->answers, GARDEN_LANE_SHELL, client.header.msg_id);
    assert_int_equal(garden_message_decode(&reply, answer, NULL, &found, NULL), GARDEN_OK);
    assert_int_equal(found.encoding, GARDEN_JSON);
    assert_int_equal(found.dialect, GARDEN_TAGGED);
    assert_int_equal(reply.shell_reply.kind, GARDEN_REPLY_REGION_CREATED);
    assert_true(garden_uuid_equal(reply.shell_reply.region_created.region_id, moment.fresh));
    assert_true(garden_uuid_equal(reply.header.session, client.header.session));
    // A snapshot keeps the answer itself.
    garden_buffer_clear(&octets);
    (void)garden_buffer_append(&octets, answer.data, answer.size);
    garden__record_fini(&f->answers);
    assert_int_equal(restore(f, garden_buffer_bytes(&octets)), GARDEN_OK);
    assert_int_equal(garden__record_find(&f->answers, GARDEN_LANE_SHELL, client.header.msg_id).size,
                     octets.size);
    garden_message_fini(&reply);
    garden_buffer_fini(&octets);
}

static void what_is_no_change_is_refused(void **state)
{
    struct fixture *f = *state;
    struct garden_buffer octets;
    const struct garden_form form = {GARDEN_MSGPACK, GARDEN_EXTERNAL};
    const struct garden_shell_request play = {.kind = GARDEN_SHELL_PLAY};
    const struct state_moment moment = next_moment(f);
    garden_buffer_init(&octets, NULL, 0);
    assert_int_equal(save_change(&play, &moment, NULL, form, &octets), GARDEN_OK);
    assert_int_equal(restore(f, garden_buffer_bytes(&octets)), GARDEN_ERR_TYPE);
    assert_true(restore(f, zmtp_bytes_text("nonsense")) < 0);
    assert_false(f->again.transport.playing);
    garden_buffer_fini(&octets);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_life_replayed_request_by_request_ends_in_the_same_state),
        TEST(without_memory_at_any_point_a_request_is_executed_whole_or_not_at_all),
        TEST(a_state_saved_at_any_moment_is_restored_as_it_was),
        TEST(the_playhead_is_restored_to_the_last_bit_whatever_its_way_was),
        TEST(what_any_form_can_say_can_be_saved),
        TEST(the_answer_of_a_clients_request_is_restored_in_its_form),
        TEST(what_is_no_change_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
