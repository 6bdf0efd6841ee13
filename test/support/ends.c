#include "test/support/ends.h"

#include <string.h>

static size_t ends_count(const uint64_t *numbers, size_t count, uint64_t number)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += numbers[i] == number;
    return found;
}

static void ends_note(struct node *node, const struct zmtp_event *event)
{
    struct ends *ends = node->other;
    if (event->kind == ZMTP_EVENT_HANDSHAKE_DONE) {
        assert_true(ends->come < ENDS_MAX && event->peer > 0);
        ends->numbers[ends->come++] = event->peer;
    }
    if (event->kind != ZMTP_EVENT_CLOSED) return;
    const size_t at = ends->gone++;
    assert_true(at < ENDS_MAX);
    ends->gone_numbers[at] = event->peer;
    assert_int_equal(ends_count(ends->numbers, ends->come, event->peer),
                     ends_count(ends->gone_numbers, ends->gone, event->peer));
    ends->errors[at] = event->error;
    ends->types[at] = event->peer_type;
    if (event->routing_id.size > 0)
        memcpy(ends->routing_ids[at], event->routing_id.data, event->routing_id.size);
    strcpy(ends->endpoints[at], event->endpoint);
    assert_string_equal(event->remote, event->endpoint);
}

void ends_watch(struct ends *ends, struct node *node)
{
    node->other = ends;
    node->note = ends_note;
}

void ends_open(struct ends *ends, struct node *node, struct world *world,
               enum zmtp_socket_type type)
{
    node_init(node, world, type);
    ends_watch(ends, node);
    node_open(node);
}

void ends_assert(const struct ends *ends, size_t index, int error, enum zmtp_socket_type type,
                 const char *routing_id, const char *endpoint)
{
    assert_true(index < ends->gone);
    assert_int_equal(ends->gone_numbers[index], ends->numbers[index]);
    assert_int_equal(ends->errors[index], error);
    assert_int_equal(ends->types[index], type);
    assert_string_equal(ends->routing_ids[index], routing_id);
    assert_string_equal(ends->endpoints[index], endpoint);
}
