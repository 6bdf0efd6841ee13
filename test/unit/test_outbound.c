// From the peer to the network: what its greeting and frames become, in whatever pieces they come and
// go, and where our own control frames fit between them.
#include <string.h>

#include "test/support/web.h"

static struct web web;

// ZWS45-FR-01, ZWS45-FR-02
static void test_each_frame_is_one_message_however_it_is_cut(void **state)
{
    (void)state;
    NEEDS_WS();
    const struct zmtp_bytes frames = LITERAL("\4\6\5READY"           //
                                             "\1\0"                  // empty, with more to come
                                             "\0\3abc"               //
                                             "\2\0\0\0\0\0\0\0\1x"); // long although it is short
    for (size_t step = 1; step <= frames.size; step++) {
        web_start(&web, true, "ZWS2.0/NULL");
        web_show(&web, frames, step);
        web_assert_said(&web, LITERAL("\x82\7\2\5READY"
                                      "\x82\1\1"
                                      "\x82\4\0abc"
                                      "\x82\2\0x"));
        assert_null(web.ws->frames.context); // between messages it holds no memory
        web_close(&web);
    }
}

// RFC 6455, section 5.3: each with a mask of its own, which random octets make.
static void test_a_client_masks_what_it_says(void **state)
{
    (void)state;
    NEEDS_WS();
    for (size_t step = 1; step <= 9; step++) {
        web_start(&web, false, "ZWS2.0/NULL");
        web_show(&web, LITERAL("\0\3abc\0\1x"), step);
        assert_int_equal(web.said_size, 6 + 4 + 6 + 2);
        assert_memory_equal(web.said, "\x82\x84", 2);
        assert_memory_equal(web.said + 10, "\x82\x82", 2);
        assert_memory_not_equal(web.said + 2, web.said + 12, 4);
        const uint8_t *const mask = web.said + 2, *const body = web.said + 6;
        const uint8_t expected[] = {mask[0], 'a' ^ mask[1], 'b' ^ mask[2], 'c' ^ mask[3]};
        assert_memory_equal(body, expected, 4);
        assert_int_equal(web.said[17], 'x' ^ web.said[13]);
        web_close(&web);
    }
}

// So no two are alike: web_random gives 64 that are not, and then the first again.
static void test_no_mask_is_used_twice(void **state)
{
    (void)state;
    NEEDS_WS();
    enum { FRAMES = 60, SIZE = 2 + 4 + 2 };
    web_start(&web, false, "ZWS2.0/NULL");
    for (size_t i = 0; i < FRAMES; i++)
        web_show(&web, LITERAL("\0\1x"), 3);
    assert_int_equal(web.said_size, FRAMES * SIZE);
    for (size_t i = 0; i < FRAMES; i++)
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(web.said + i * SIZE + 2, web.said + k * SIZE + 2, 4);
    web_close(&web);
}

static bool no_random(uint8_t *out, size_t size)
{
    (void)out, (void)size;
    return false;
}

static void test_without_a_mask_nothing_more_is_said(void **state)
{
    (void)state;
    NEEDS_WS();
    web_start(&web, false, "ZWS2.0/NULL");
    web.ws->frames.random = no_random;
    web.ws->frames.masks_left = 0;
    struct zmtp_bytes from = LITERAL("\0\1x");
    assert_int_equal(zmtp__ws_wrap(web.ws, &from, web.said, ZMTP__WS_ROOM_MIN, web.now_ms), 0);
    assert_int_equal(zmtp__ws_error(web.ws), ZMTP_ERR_SYSTEM);
    web_close(&web);
}

static void test_nothing_of_the_peer_s_leaves_before_the_upgrade(void **state)
{
    (void)state;
    NEEDS_WS();
    const uint8_t greeting[ZMTP_GREETING_SIZE] = {0};
    web_open(&web, true, "NULL");
    web_show(&web, zmtp_bytes_of(greeting, sizeof greeting), 7);
    web_assert_said(&web, (struct zmtp_bytes){0});
    web_hear(&web, LITERAL(WEB_REQUEST("ZWS2.0/NULL")));
    // The whole greeting is still there, and is swallowed behind the answer.
    web_show(&web, zmtp_bytes_of(greeting, sizeof greeting), 7);
    web_assert_said(&web, LITERAL(WEB_RESPONSE("ZWS2.0/NULL")));
    web_show(&web, LITERAL("\0\1x"), 3);
    web_assert_said(&web, LITERAL("\x82\2\0x"));
    web_close(&web);
}

// ZWS45-NOMECH-01
static void test_without_a_mechanism_our_routing_id_takes_the_place_of_a_ready(void **state)
{
    (void)state;
    NEEDS_WS();
    for (size_t step = 1; step <= 12; step++) {
        web_start(&web, true, "ZWS2.0");
        web_show(&web, LITERAL("\4\6\5READY\0\2hi"), step);
        web_assert_said(&web, LITERAL("\x82\3\0me"
                                      "\x82\3\0hi"));
        web_close(&web);
    }
}

// Where WebSocket's header changes its form.
static void test_sizes_are_told_in_their_shortest_form(void **state)
{
    (void)state;
    NEEDS_WS();
    static const struct {
        size_t size;
        const char *header;
        size_t header_size;
    } cases[] = {
        {0, "\x82\1\0", 3},
        {124, "\x82\x7D\0", 3},
        {125, "\x82\x7E\0\x7E\0", 5},
        {65534, "\x82\x7E\xFF\xFF\0", 5},
        {65535, "\x82\x7F\0\0\0\0\0\1\0\0\0", 11},
        {200000, "\x82\x7F\0\0\0\0\0\3\x0D\x41\0", 11},
    };
    static uint8_t frame[9 + 200000];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const size_t header = zmtp_frame_encode(&(struct zmtp_frame){.size = cases[i].size}, frame);
        for (size_t k = 0; k < cases[i].size; k++)
            frame[header + k] = (uint8_t)(k * 13);
        for (size_t step = 1000; step <= 300000; step += 99001) {
            web_start(&web, true, "ZWS2.0/NULL");
            web_show(&web, zmtp_bytes_of(frame, header + cases[i].size), step);
            assert_int_equal(web.said_size, cases[i].header_size + cases[i].size);
            assert_memory_equal(web.said, cases[i].header, cases[i].header_size);
            assert_memory_equal(web.said + cases[i].header_size, frame + header, cases[i].size);
            web_close(&web);
        }
    }
}

// RFC 6455, section 5.5: control frames must not be cut into by others, nor cut into them.
static void test_a_pong_waits_for_the_end_of_a_frame(void **state)
{
    (void)state;
    NEEDS_WS();
    web_start(&web, true, "ZWS2.0/NULL");
    web_show(&web, LITERAL("\0\4ab"), 4);
    web_assert_said(&web, LITERAL("\x82\5\0ab"));
    web_hear(&web, LITERAL(WEB_FRAME("\x89", "\x81") "1" WEB_FRAME("\x89", "\x81") "2"));
    assert_true(zmtp__ws_wants(web.ws));
    struct zmtp_bytes nothing = {0};
    assert_int_equal(zmtp__ws_wrap(web.ws, &nothing, web.said, ZMTP__WS_ROOM_MIN, 0), 0);
    web_show(&web, LITERAL("cd\0\1x"), 2);
    web_assert_said(&web, LITERAL("cd\x8A\1"
                                  "2\x82\2\0x")); // one for both
    assert_false(zmtp__ws_wants(web.ws));
    web_close(&web);
}

// However much room a frame has left.
static void test_a_control_frame_is_written_where_it_fits_whole(void **state)
{
    (void)state;
    NEEDS_WS();
    enum { PING = 125, SPARE = 200 };
    static uint8_t out[ZMTP__WS_ROOM_MIN + SPARE], frame[9 + ZMTP__WS_ROOM_MIN];
    static uint8_t ping[6 + PING] = {0x89, 0x80 | PING};
    for (size_t size = ZMTP__WS_ROOM_MIN - 2 * PING; size < ZMTP__WS_ROOM_MIN; size++) {
        web_start(&web, true, "ZWS2.0/NULL");
        web_hear(&web, zmtp_bytes_of(ping, sizeof ping));
        // Not begun before the frame, which is on its way.
        web.ws->pong_due = false;
        const size_t header = zmtp_frame_encode(&(struct zmtp_frame){.size = size}, frame);
        struct zmtp_bytes from = {frame, header};
        const size_t before = zmtp__ws_wrap(web.ws, &from, out, ZMTP__WS_ROOM_MIN, 0);
        web.ws->pong_due = true;
        from = zmtp_bytes_of(frame + header, size);
        memset(out, 0xA5, sizeof out);
        size_t said = zmtp__ws_wrap(web.ws, &from, out, ZMTP__WS_ROOM_MIN, 0);
        assert_true(before > 0 && said <= ZMTP__WS_ROOM_MIN && from.size == 0);
        assert_int_equal(out[ZMTP__WS_ROOM_MIN], 0xA5);
        if (said == size) said += zmtp__ws_wrap(web.ws, &from, out + size, SPARE, 0);
        assert_int_equal(said, size + 2 + PING);
        assert_memory_equal(out + size, "\x8A\x7D", 2);
        zmtp__ws_wrapped(web.ws);
        web_close(&web);
    }
}

static void test_a_goodbye_is_the_last_that_is_said(void **state)
{
    (void)state;
    NEEDS_WS();
    static const struct {
        int error;
        const char *said;
    } cases[] = {
        {ZMTP_ERR_CANCELLED, "\x88\2\3\xE8"}, {ZMTP_ERR_LIMIT, "\x88\2\3\xF1"},
        {ZMTP_ERR_MEMORY, "\x88\2\3\xF3"},    {ZMTP_ERR_DENIED, "\x88\2\3\xF0"},
        {ZMTP_ERR_FRAME, "\x88\2\3\xEA"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        web_start(&web, true, "ZWS2.0/NULL");
        web_hear(&web, LITERAL(WEB_FRAME("\x89", "\x80")));
        zmtp__ws_bye(web.ws, cases[i].error);
        zmtp__ws_bye(web.ws, ZMTP_ERR_CANCELLED); // once
        web_show(&web, LITERAL("\0\1x"), 3);
        web_assert_said(&web, zmtp_bytes_of(cases[i].said, 4));
        web_show(&web, LITERAL("\0\1x"), 3);
        web_assert_said(&web, (struct zmtp_bytes){0});
        web_close(&web);
    }
    // Amid a frame, or before the upgrade, there is no place for it.
    web_start(&web, true, "ZWS2.0/NULL");
    web_show(&web, LITERAL("\0\4ab"), 4);
    web_forget(&web);
    zmtp__ws_bye(web.ws, ZMTP_ERR_LIMIT);
    web_show(&web, (struct zmtp_bytes){0}, 1);
    web_assert_said(&web, (struct zmtp_bytes){0});
    web_close(&web);
    web_open(&web, true, "NULL");
    zmtp__ws_bye(web.ws, ZMTP_ERR_LIMIT);
    web_show(&web, (struct zmtp_bytes){0}, 1);
    web_assert_said(&web, (struct zmtp_bytes){0});
    web_close(&web);
}

static void test_many_frames_fill_the_room_and_go_on_in_the_next(void **state)
{
    (void)state;
    NEEDS_WS();
    static uint8_t frames[3000 * 3], expected[3000 * 4];
    for (size_t i = 0; i < 3000; i++) {
        const uint8_t octet = (uint8_t)i;
        memcpy(frames + 3 * i, "\1\1", 2);
        memcpy(expected + 4 * i, "\x82\2\1", 3);
        frames[3 * i + 2] = expected[4 * i + 3] = octet;
    }
    static const size_t steps[] = {1, 2, 5, 1000, 9000};
    for (size_t i = 0; i < 5; i++) {
        web_start(&web, true, "ZWS2.0/NULL");
        web_show(&web, zmtp_bytes_of(frames, sizeof frames), steps[i]);
        web_assert_said(&web, zmtp_bytes_of(expected, sizeof expected));
        web_close(&web);
    }
}

// The peer may have nothing more to show that would make anybody ask again.
static void test_a_frame_for_whose_header_there_was_no_room_is_not_forgotten(void **state)
{
    (void)state;
    NEEDS_WS();
    static uint8_t frames[9 + 1009 + 2] = {2, 0, 0, 0, 0, 0, 0, 1009 / 256, 1009 % 256};
    uint8_t out[ZMTP__WS_ROOM_MIN];
    web_start(&web, true, "ZWS2.0/NULL");
    struct zmtp_bytes view = zmtp_bytes_of(frames, sizeof frames); // the second one is empty
    assert_int_equal(zmtp__ws_wrap(web.ws, &view, out, sizeof out, 0), 4 + 1 + 1009);
    assert_int_equal(view.size, 0);
    assert_true(zmtp__ws_wants(web.ws));
    web_show(&web, (struct zmtp_bytes){0}, 1);
    web_assert_said(&web, LITERAL("\x82\1\0"));
    assert_false(zmtp__ws_wants(web.ws));
    web_close(&web);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_frame_is_one_message_however_it_is_cut),
        cmocka_unit_test(test_a_client_masks_what_it_says),
        cmocka_unit_test(test_no_mask_is_used_twice),
        cmocka_unit_test(test_without_a_mask_nothing_more_is_said),
        cmocka_unit_test(test_nothing_of_the_peer_s_leaves_before_the_upgrade),
        cmocka_unit_test(test_without_a_mechanism_our_routing_id_takes_the_place_of_a_ready),
        cmocka_unit_test(test_sizes_are_told_in_their_shortest_form),
        cmocka_unit_test(test_a_pong_waits_for_the_end_of_a_frame),
        cmocka_unit_test(test_a_control_frame_is_written_where_it_fits_whole),
        cmocka_unit_test(test_a_goodbye_is_the_last_that_is_said),
        cmocka_unit_test(test_a_frame_for_whose_header_there_was_no_room_is_not_forgotten),
        cmocka_unit_test(test_many_frames_fill_the_room_and_go_on_in_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
