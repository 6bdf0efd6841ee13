// What zmtp/ffi/mock.h promises: loss, delay, cuts, failures and replies, as they were written.
#include "../../zmtp/ffi/mock.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "contract.h"

static void check_loss(void)
{
    int64_t lost[2];
    char room[8];
    for (int run = 0; run < 2; run++) {
        const struct two two = join(ZMTP_FFI_PULL, ZMTP_FFI_PUSH);
        int heard = 0;
        CHECK("a loss is written", zmtp_mock_loss(two.dialler, 300, 7) == ZMTP_FFI_OK);
        for (int i = 0; i < 500; i++)
            (void)send_text(two.dialler, "x", 0);
        while (zmtp_ffi_receive_try(two.binder, room, sizeof room) == 1)
            heard++;
        lost[run] = zmtp_mock_lost(two.dialler);
        CHECK("what is not lost comes", heard + lost[run] == 500);
        CHECK("about as many are lost as were to be", lost[run] > 75 && lost[run] < 225);
        CHECK("the numbers of the socket know",
              zmtp_ffi_stat(two.dialler, ZMTP_FFI_STAT_LOST) == lost[run]);
        zmtp_ffi_close(two.context);
    }
    CHECK("the same seed loses the same", lost[0] == lost[1]);
    const struct two two = join(ZMTP_FFI_REP, ZMTP_FFI_REQ);
    (void)zmtp_ffi_set_number(two.dialler, ZMTP_FFI_OPTION_REQ_CORRELATE, 1);
    (void)zmtp_ffi_set_number(two.dialler, ZMTP_FFI_OPTION_REQ_RELAXED, 1);
    CHECK("a request is lost", zmtp_mock_drop(two.dialler, 1) == 0 &&
                                   send_text(two.dialler, "first", 0) &&
                                   zmtp_mock_lost(two.dialler) == 1);
    CHECK("so nothing comes",
          zmtp_ffi_receive_wait(two.binder, room, 8, LITTLE_MS) == ZMTP_FFI_AGAIN &&
              zmtp_ffi_receive_wait(two.dialler, room, 8, LITTLE_MS) == ZMTP_FFI_AGAIN);
    CHECK("and it is asked again",
          send_text(two.dialler, "again", 0) && hears(two.binder, "again") &&
              send_text(two.binder, "yes", 0) && hears(two.dialler, "yes"));
    CHECK("ranges", zmtp_mock_loss(two.dialler, 1001, 0) == ZMTP_FFI_ARGUMENT &&
                        zmtp_mock_drop(two.dialler, -1) == ZMTP_FFI_ARGUMENT &&
                        zmtp_mock_delay(two.dialler, -1) == ZMTP_FFI_ARGUMENT);
    CHECK("handles", zmtp_mock_loss(two.context, 1, 0) == ZMTP_FFI_HANDLE &&
                         zmtp_mock_drop(0, 1) == ZMTP_FFI_HANDLE &&
                         zmtp_mock_lost(7) == ZMTP_FFI_HANDLE &&
                         zmtp_mock_delay(two.context, 1) == ZMTP_FFI_HANDLE);
    zmtp_ffi_close(two.context);
}

static void check_delay(void)
{
    enum { LATE_MS = 200 };
    const struct two two = join(ZMTP_FFI_PAIR, ZMTP_FFI_PAIR);
    char room[8];
    const int64_t began = now_ms();
    CHECK("a delay is written", zmtp_mock_delay(two.dialler, LATE_MS) == ZMTP_FFI_OK);
    CHECK("a message is late", send_text(two.dialler, "one", 0) &&
                                   send_text(two.dialler, "two", 0) &&
                                   zmtp_ffi_receive_try(two.binder, room, 8) == ZMTP_FFI_AGAIN);
    struct pollfd item = {.fd = zmtp_ffi_descriptor(two.binder), .events = POLLIN};
    (void)zmtp_ffi_events(two.binder);
    CHECK("the descriptor rings when it comes, without a call", poll(&item, 1, SOON_MS) == 1);
    CHECK("and both are there, in order", hears(two.binder, "one") && hears(two.binder, "two"));
    CHECK("no earlier than was written", now_ms() - began >= LATE_MS - 1);
    CHECK("the other way is not late",
          send_text(two.binder, "x", 0) && zmtp_ffi_receive_try(two.dialler, room, 8) == 1);
    CHECK("a wait hears it, too", send_text(two.dialler, "three", 0) && hears(two.binder, "three"));
    zmtp_ffi_close(two.context);
}

static void check_cut(void)
{
    const struct two two = join(ZMTP_FFI_DEALER, ZMTP_FFI_DEALER);
    char room[8], where[ZMTP_FFI_ENDPOINT_MAX];
    strcpy(where, endpoint_of(two.binder));
    CHECK("it is there", send_text(two.dialler, "x", 0) && hears(two.binder, "x"));
    const uint64_t monitor = OPENED(zmtp_ffi_monitor_open(two.binder, ZMTP_FFI_NEWS_ALL));
    const int64_t began = now_ms();
    CHECK("a cut is made", zmtp_mock_cut(where, 200) == ZMTP_FFI_OK);
    CHECK("a monitor hears of it", zmtp_ffi_monitor_try(monitor) == ZMTP_FFI_NEWS_DISCONNECTED);
    CHECK("who dialled goes on sending", zmtp_ffi_send_try(two.dialler, "y", 1, 0) == ZMTP_FFI_OK);
    CHECK("which does not come", zmtp_ffi_receive_try(two.binder, room, 8) == ZMTP_FFI_AGAIN);
    CHECK("until it is mended", hears(two.binder, "y") && now_ms() - began >= 199);
    CHECK("which is heard of, too", zmtp_ffi_monitor_try(monitor) == ZMTP_FFI_NEWS_ACCEPTED);
    CHECK("nobody there", zmtp_mock_cut("tcp://127.0.0.1:1", 1) == ZMTP_FFI_NOT_FOUND &&
                              zmtp_mock_cut(NULL, 1) == ZMTP_FFI_ARGUMENT &&
                              zmtp_mock_cut("hello", 1) == ZMTP_FFI_ENDPOINT);
    zmtp_ffi_close(two.context);
}

static void check_failures(void)
{
    const struct two two = join(ZMTP_FFI_PULL, ZMTP_FFI_PUSH);
    CHECK("a failure is written", zmtp_mock_fail("zmtp_ffi_send_try", ZMTP_FFI_SYSTEM, 1, 2) == 0);
    CHECK("the first call is well", zmtp_ffi_send_try(two.dialler, "x", 1, 0) == ZMTP_FFI_OK);
    CHECK("the next two fail", zmtp_ffi_send_try(two.dialler, "x", 1, 0) == ZMTP_FFI_SYSTEM &&
                                   zmtp_ffi_send_try(two.dialler, "x", 1, 0) == ZMTP_FFI_SYSTEM);
    CHECK("and no more", zmtp_ffi_send_try(two.dialler, "x", 1, 0) == ZMTP_FFI_OK);
    // What the real library says when the system denies it something: denied.c.
    static const int32_t codes[] = {ZMTP_FFI_MEMORY,   ZMTP_FFI_ACCESS,  ZMTP_FFI_DESCRIPTORS,
                                    ZMTP_FFI_NO_REPLY, ZMTP_FFI_LIBRARY, ZMTP_FFI_CLOSED};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        (void)zmtp_mock_fail("zmtp_ffi_bind", codes[i], 0, 1);
        CHECK("any code", zmtp_ffi_bind(two.binder, "tcp://127.0.0.1:*") == codes[i]);
    }
    CHECK("it is forgotten", zmtp_mock_fail("zmtp_ffi_message_open", ZMTP_FFI_MEMORY, 0, 9) == 0 &&
                                 zmtp_ffi_message_open() == ZMTP_FFI_MEMORY &&
                                 zmtp_mock_reset() == 0 &&
                                 zmtp_ffi_close(OPENED(zmtp_ffi_message_open())) == 0);
    CHECK("ranges", zmtp_mock_fail(NULL, -1, 0, 1) == ZMTP_FFI_ARGUMENT &&
                        zmtp_mock_fail("zmtp_ffi_bind", 0, 0, 1) == ZMTP_FFI_ARGUMENT &&
                        zmtp_mock_fail("zmtp_ffi_bind", -1, 0, 0) == ZMTP_FFI_ARGUMENT);
    bool kept = true;
    for (int i = 0; i < 32; i++)
        kept &= zmtp_mock_fail("zmtp_ffi_drain", -1, 0, 1) == 0;
    CHECK("they have a limit",
          kept && zmtp_mock_fail("zmtp_ffi_drain", -1, 0, 1) == ZMTP_FFI_LIMIT);
    (void)zmtp_mock_reset();
    zmtp_ffi_close(two.context);
}

static void check_replies(void)
{
    const uint64_t context = OPENED(zmtp_ffi_context_open());
    const uint64_t req = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_REQ));
    const uint64_t dealer = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_DEALER));
    const char *const where = "tcp://oracle:5555";
    CHECK("it connects before there is anybody", zmtp_ffi_connect(req, where) == 0);
    CHECK("replies are written", zmtp_mock_reply(where, "hello", 5, "world", 5) == 0 &&
                                     zmtp_mock_reply(where, NULL, 0, "what?", 5) == 0);
    CHECK("and given", send_text(req, "hello", 0) && hears(req, "world"));
    CHECK("or the one for all else", send_text(req, "bye", 0) && hears(req, "what?"));
    CHECK("the last word counts", zmtp_mock_reply(where, "hello", 5, "you again", 9) == 0 &&
                                      send_text(req, "hello", 0) && hears(req, "you again"));
    CHECK("a DEALER has its envelope",
          zmtp_ffi_connect(dealer, where) == 0 && send_text(dealer, "", 1) &&
              send_text(dealer, "hello", 0) && hears(dealer, "") && hears(dealer, "you again"));
    CHECK("nulls are refused", zmtp_mock_reply(NULL, "x", 1, "y", 1) == ZMTP_FFI_ARGUMENT &&
                                   zmtp_mock_reply(where, NULL, 1, "y", 1) == ZMTP_FFI_ARGUMENT &&
                                   zmtp_mock_reply("hello", "x", 1, "y", 1) == ZMTP_FFI_ENDPOINT);
    char room[8];
    CHECK("they are forgotten",
          zmtp_mock_reset() == 0 && zmtp_ffi_send_try(req, "hello", 5, 0) == 0 &&
              zmtp_ffi_receive_wait(req, room, 8, LITTLE_MS) == ZMTP_FFI_AGAIN);
    zmtp_ffi_close(context);
}

int main(void)
{
    CHECK("it says what it is", zmtp_ffi_has("mock") == 1);
    check_loss();
    check_delay();
    check_cut();
    check_failures();
    check_replies();
    return check_end();
}
