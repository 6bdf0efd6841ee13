#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

int rig_set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    zmtp_budget_init(&rig->budget, NULL);
    zmtp_budget_init(&rig->shared, NULL);
    assert_int_equal(zmtp_pool_open(&rig->pool, &rig->shared.allocator), ZMTP_OK);
    rig->config = (struct zmtp_peer_config){
        .allocator = &rig->budget.allocator, .pool = rig->pool, .minor = 1};
    zmtp_peer_limits_init(&rig->config.limits);
    rig->now_ms = 1000;
    *state = rig;
    return 0;
}

int rig_tear_down(void **state)
{
    struct rig *rig = *state;
    rig_close(rig);
    zmtp_pipe_close(rig->near);
    zmtp_pipe_close(rig->far);
    zmtp_pool_close(rig->pool);
    assert_int_equal(rig->budget.bytes, 0);
    assert_int_equal(rig->budget.blocks, 0);
    assert_int_equal(rig->shared.bytes, 0);
    assert_int_equal(rig->shared.blocks, 0);
    free(rig);
    return 0;
}

void rig_open(struct rig *rig, enum zmtp_socket_type type)
{
    assert_null(rig->peer);
    rig->config.type = type;
    assert_int_equal(zmtp_peer_open(&rig->peer, &rig->config, rig->now_ms), ZMTP_OK);
    rig->sent_size = 0;
}

int rig_attach(struct rig *rig)
{
    if (!rig->near) {
        struct zmtp_pipe_end *ends[2];
        const struct zmtp_pipe_config config = {.allocator = &rig->shared.allocator,
                                                .pool = rig->pool,
                                                .count_max = {rig->count_max, rig->count_max}};
        assert_int_equal(zmtp_pipe_open(&config, ends), ZMTP_OK);
        rig->near = ends[0];
        rig->far = ends[1];
        zmtp_pipe_own(rig->near, &rig->near_marks, rig);
        zmtp_pipe_own(rig->far, &rig->far_marks, rig);
    }
    const int result = zmtp_peer_attach(rig->peer, rig->near);
    (void)rig_resume(rig); // it was marked by the attaching itself
    return result;
}

void rig_connect(struct rig *rig, enum zmtp_socket_type type, struct zmtp_bytes ready)
{
    rig_open(rig, type);
    assert_int_equal(rig_attach(rig), ZMTP_OK);
    rig_hear(rig, LITERAL(RIG_GREETING));
    rig_drain(rig, SIZE_MAX, 1); // all of the handshake, and nothing of the pipe yet
    rig->sent_size = 0;
    rig_hear(rig, ready);
    rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
}

void rig_close(struct rig *rig)
{
    zmtp_peer_close(rig->peer);
    rig->peer = NULL;
}

size_t rig_feed_by(struct rig *rig, struct zmtp_bytes octets, size_t step)
{
    size_t fed = 0;
    while (fed < octets.size && zmtp_peer_wants(rig->peer) & ZMTP_WANT_READ) {
        const struct zmtp_room room = zmtp_peer_space(rig->peer);
        size_t size = octets.size - fed;
        if (size > step) size = step;
        if (size > room.size) size = room.size;
        if (size == 0) break; // no memory: it has closed
        memcpy(room.data, octets.data + fed, size);
        zmtp_peer_commit(rig->peer, size, rig->now_ms);
        fed += size;
    }
    return fed;
}

size_t rig_feed(struct rig *rig, struct zmtp_bytes octets)
{
    return rig_feed_by(rig, octets, SIZE_MAX);
}

void rig_hear(struct rig *rig, struct zmtp_bytes octets)
{
    assert_int_equal(rig_feed(rig, octets), octets.size);
}

bool rig_resume(struct rig *rig)
{
    struct zmtp_pipe_end *end = zmtp_marks_take(&rig->near_marks);
    if (!end) return false;
    assert_ptr_equal(end, rig->near);
    zmtp_peer_resume(rig->peer, rig->now_ms);
    return true;
}

void rig_drain(struct rig *rig, size_t max, size_t views)
{
    struct zmtp_bytes shown[16];
    assert_true(views <= 16);
    while (max > 0 && zmtp_peer_wants(rig->peer) & ZMTP_WANT_WRITE) {
        const size_t count = zmtp_peer_peek(rig->peer, shown, views);
        size_t taken = 0;
        for (size_t i = 0; i < count && max > 0; i++) {
            const size_t size = shown[i].size < max ? shown[i].size : max;
            assert_true(size > 0); // a view of nothing would be written for ever
            assert_true(size <= sizeof rig->sent - rig->sent_size);
            memcpy(rig->sent + rig->sent_size, shown[i].data, size);
            rig->sent_size += size;
            taken += size;
            max -= size;
        }
        if (taken == 0) break;
        zmtp_peer_consume(rig->peer, taken, rig->now_ms);
    }
}

void rig_assert_says(struct rig *rig, struct zmtp_bytes octets)
{
    rig_drain(rig, SIZE_MAX, 16);
    octets_assert_equal(zmtp_bytes_of(rig->sent, rig->sent_size), octets);
    rig->sent_size = 0;
}

void rig_send(struct rig *rig, const char *parts)
{
    assert_true(zmtp__pipe_writable(rig->far));
    zmtp__queue_begin(rig->far->out);
    for (const char *part = parts; part;) {
        const char *bar = strchr(part, '|');
        const size_t size = bar ? (size_t)(bar - part) : strlen(part);
        assert_int_equal(zmtp__queue_put(rig->far->out, zmtp_bytes_of(part, size), NULL,
                                         bar ? ZMTP_FLAG_MORE : 0),
                         ZMTP_OK);
        part = bar ? bar + 1 : NULL;
    }
    zmtp__queue_end(rig->far->out, 1);
    zmtp__pipe_published(rig->far);
}

void rig_send_body(struct rig *rig, struct zmtp_bytes body, unsigned flags)
{
    assert_true(zmtp__pipe_writable(rig->far));
    zmtp__queue_begin(rig->far->out);
    assert_int_equal(zmtp__queue_put(rig->far->out, body, NULL, flags), ZMTP_OK);
    zmtp__queue_end(rig->far->out, 1);
    zmtp__pipe_published(rig->far);
}

void rig_assert_message(struct rig *rig, const char *parts)
{
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    assert_int_equal(zmtp__queue_take(rig->far->in, &msg), ZMTP_OK);
    zmtp__pipe_consumed(rig->far);
    size_t count = 0;
    for (const char *part = parts; part; count++) {
        const char *bar = strchr(part, '|');
        const size_t size = bar ? (size_t)(bar - part) : strlen(part);
        octets_assert_equal(zmtp_msg_bytes(&msg, count), zmtp_bytes_of(part, size));
        part = bar ? bar + 1 : NULL;
    }
    assert_int_equal(msg.count, count);
    zmtp_msg_fini(&msg);
}

void rig_assert_no_message(struct rig *rig)
{
    assert_false(zmtp__pipe_readable(rig->far));
}

void rig_assert_state(const struct rig *rig, enum zmtp_peer_state state)
{
    assert_string_equal(zmtp_peer_state_name(zmtp_peer_state(rig->peer)),
                        zmtp_peer_state_name(state));
}

void rig_assert_closed(const struct rig *rig, int error)
{
    rig_assert_state(rig, ZMTP_PEER_CLOSED);
    assert_string_equal(zmtp_err_name(zmtp_peer_error(rig->peer)), zmtp_err_name(error));
}

void rig_assert_reason(const struct rig *rig, const char *words)
{
    const struct zmtp_bytes reason = zmtp_peer_reason(rig->peer);
    char text[256] = {0};
    assert_true(reason.size < sizeof text);
    if (reason.size > 0) memcpy(text, reason.data, reason.size);
    if (!strstr(text, words)) fail_msg("the reason is \"%s\", not \"%s\"", text, words);
}
