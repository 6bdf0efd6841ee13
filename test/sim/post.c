#include "post.h"

#include <stdio.h>
#include <string.h>

#include "node.h"
#include "zmtp/msg/pipe.h"

enum { POST_OF_ONE = 5, POST_DELAY_MS = 30 };

struct zmtp_bytes post_address(const struct node *node, char *out)
{
    const int size = snprintf(out, POST_ADDRESS_MAX, "192.0.2.%zu:5555", node->index + 1);
    return zmtp_bytes_of(out, (size_t)size + 1);
}

int post_open(struct post *post, struct node *node)
{
    struct post_box *const box = &node->box;
    char address[POST_ADDRESS_MAX];
    struct zmtp_origin told = {.type_known = true, .type = ZMTP_DGRAM};
    *box = (struct post_box){.post = post};
    int result = zmtp_socket_attach(node->socket, node->server, (struct zmtp_bytes){0}, &box->end);
    if (result < 0) return result;
    if (node->server) {
        told.routing_id = post_address(node->server, address);
        told.routing_id.size--;
    }
    result = zmtp_pipe_link_up(box->end, &told);
    zmtp_pipe_own(box->end, &node->marks, node);
    return result;
}

// Where the datagram for |address| goes; null: to nobody.
static struct node *post_find(struct node *node, struct zmtp_bytes address)
{
    struct node *const first = node->server ? node->server : node; // nodes lie in order
    if (address.size == 0 || node->server) return first;
    for (size_t i = 0; i < node->post_count; i++) {
        char text[POST_ADDRESS_MAX];
        if (zmtp_bytes_equal(address, post_address(first + i, text))) return first + i;
    }
    return NULL;
}

// Room for one more of the node's letters; null: it has to wait.
static struct letter *post_room(const struct node *node)
{
    struct post *const post = node->box.post;
    struct letter *room = NULL;
    size_t count = 0;
    for (size_t i = 0; i < POST_LETTERS; i++) {
        struct letter *const letter = &post->letters[i];
        if (!letter->to)
            room = letter;
        else if (letter->from == node->index)
            count++;
    }
    return count < POST_OF_ONE ? room : NULL;
}

static void post_put(struct node *node, struct letter *letter, struct node *to,
                     struct zmtp_bytes body)
{
    struct world *const world = node->world;
    node->messages_out++;
    if (!to || (world->chaos && world_chance(world, 20))) {
        world_trace(world, "a datagram of node %zu is lost", node->index);
        world->lost++;
        return;
    }
    letter->to = to;
    letter->from = node->index;
    letter->serial = ++node->box.post->serials;
    letter->at_ms = world->now_ms + world_below(world, POST_DELAY_MS);
    if (!world->faults && letter->at_ms < node->box.last_ms) letter->at_ms = node->box.last_ms;
    node->box.last_ms = letter->at_ms;
    letter->size = body.size;
    memcpy(letter->body, body.data, body.size);
}

// The first message leaves, one way or the other. False: it has to wait.
static bool post_send(struct node *node)
{
    struct world *const world = node->world;
    struct zmtp__queue *const queue = node->box.end->in;
    struct zmtp__queue_part part = {.at = NULL};
    (void)zmtp__queue_next_part(queue, &part); // the pattern saw to it that there are two
    const struct zmtp_bytes address = part.body;
    if (!zmtp__queue_next_part(queue, &part) || part.body.size > POST_BODY_MAX) {
        world_fail(world, "node %zu sends what is no datagram", node->index);
        return false;
    }
    if (world->chaos && world_chance(world, 30)) {
        world_trace(world, "a datagram of node %zu is refused", node->index);
        zmtp_socket_lose(node->socket, node->box.end, ZMTP_DROP_UNSENT);
        return true;
    }
    struct letter *const letter = post_room(node);
    if (!letter) return false;
    post_put(node, letter, post_find(node, address), part.body);
    zmtp__queue_drop(queue);
    zmtp__pipe_consumed(node->box.end);
    return true;
}

static void post_deliver(struct node *node, struct letter *letter)
{
    const struct node *const first = node->server ? node->server : node;
    struct zmtp__queue *const queue = node->box.end->out;
    char text[POST_ADDRESS_MAX];
    letter->to = NULL;
    if (node->box.end->other->closed) {
        node->world->lost++;
        return;
    }
    node->messages_in++;
    int result = zmtp__queue_full(queue) ? ZMTP_ERR_AGAIN : ZMTP_OK;
    if (result == ZMTP_OK) {
        zmtp__queue_begin(queue);
        result =
            zmtp__queue_put(queue, post_address(first + letter->from, text), NULL, ZMTP_FLAG_MORE);
    }
    if (result == ZMTP_OK)
        result = zmtp__queue_put(queue, zmtp_bytes_of(letter->body, letter->size), NULL, 0);
    if (result < 0) {
        zmtp_socket_drop(node->socket, ZMTP_DROP_NO_ROOM, 1);
        return;
    }
    zmtp__queue_end(queue, 1);
    zmtp__pipe_published(node->box.end);
}

static bool post_precedes(const struct letter *a, const struct letter *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->serial < b->serial;
}

// The letter for the node that comes first; null: none is under way.
static struct letter *post_next(const struct node *node)
{
    struct letter *next = NULL;
    for (size_t i = 0; i < POST_LETTERS; i++) {
        struct letter *const letter = &node->box.post->letters[i];
        if (letter->to == node && (!next || post_precedes(letter, next))) next = letter;
    }
    return next;
}

bool post_work(struct node *node, bool marked)
{
    struct post_box *const box = &node->box;
    struct letter *letter;
    bool busy = false;
    if (!box->end) return false;
    while ((letter = post_next(node)) && letter->at_ms <= node->world->now_ms) {
        post_deliver(node, letter);
        busy = true;
    }
    if (!marked && !(box->blocked && post_room(node))) return busy;
    box->blocked = false;
    while (box->end->in->count > 0 && !box->blocked && !node->world->failed)
        box->blocked = !post_send(node);
    if (!node->socket && box->end->in->count == 0) post_close(node);
    return true;
}

uint64_t post_next_ms(const struct node *node)
{
    const struct letter *const letter = post_next(node);
    return letter && node->box.end ? letter->at_ms : UINT64_MAX;
}

bool post_is_empty(const struct post *post)
{
    for (size_t i = 0; i < POST_LETTERS; i++)
        if (post->letters[i].to) return false;
    return true;
}

void post_close(struct node *node)
{
    if (!node->box.end) return;
    if (node->socket) zmtp_socket_settle(node->socket, node->box.end);
    zmtp_pipe_close(node->box.end);
    node->box.end = NULL;
}
