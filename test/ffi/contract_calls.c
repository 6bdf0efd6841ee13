// Each call, and what it says of what is wrong.
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contract.h"

// Each event is called as its constant is.
static void check_news_names(void)
{
    char constant[64];
    int named = 0, wrong = 0;
    for (int32_t news = 1; news <= ZMTP_FFI_NEWS_ALL; news *= 2) {
        const char *const name = zmtp_ffi_news_name(news);
        int64_t value = 0;
        if (!(news & ZMTP_FFI_NEWS_ALL)) {
            wrong += *name != '\0';
            continue;
        }
        (void)snprintf(constant, sizeof constant, "ZMTP_FFI_NEWS_%s", name);
        wrong += zmtp_ffi_constant_find(constant, &value) != 0 || value != news;
        named++;
    }
    CHECK("each event has its constant's name", named == 14 && wrong == 0);
    CHECK("what is no event has none",
          *zmtp_ffi_news_name(0) == '\0' && *zmtp_ffi_news_name(ZMTP_FFI_NEWS_ALL) == '\0');
}

static void check_library(void)
{
    int64_t value = 0;
    CHECK("the version is the header's", zmtp_ffi_version() == ZMTP_FFI_VERSION);
    CHECK("the libuv that is loaded is new enough", zmtp_ffi_check() == ZMTP_FFI_OK);
    CHECK("its version is told", zmtp_ffi_uv_version() > 0);
    CHECK("the library's is told", strlen(zmtp_ffi_library_version()) > 0);
    CHECK("what nobody knows is not there", zmtp_ffi_has("wings") == 0);
    CHECK("a capability is asked for by name", zmtp_ffi_has(NULL) == ZMTP_FFI_ARGUMENT);
    CHECK("each code has a name", strcmp(zmtp_ffi_code_name(-16), "ZMTP_FFI_AGAIN") == 0);
    CHECK("each code has a text", strlen(zmtp_ffi_code_text(ZMTP_FFI_CLOSED)) > 0);
    CHECK("what is no code has a text, too", strlen(zmtp_ffi_code_text(12345)) > 0);
    check_news_names();
    CHECK("a constant is found by name",
          zmtp_ffi_constant_find("ZMTP_FFI_ROUTER", &value) == 0 && value == ZMTP_FFI_ROUTER);
    CHECK("one that there is not is not found",
          zmtp_ffi_constant_find("ZMTP_FFI_NOTHING", &value) == ZMTP_FFI_NOT_FOUND);
    CHECK("nowhere to put it is told",
          zmtp_ffi_constant_find("ZMTP_FFI_OK", NULL) == ZMTP_FFI_ARGUMENT);
    CHECK("constants have an end", *zmtp_ffi_constant_name(zmtp_ffi_constant_count()) == '\0' &&
                                       *zmtp_ffi_constant_name(-1) == '\0');
    CHECK("functions have an end", *zmtp_ffi_function_name(zmtp_ffi_function_count()) == '\0' &&
                                       *zmtp_ffi_function_signature(-1) == '\0');
    bool named = true;
    for (int32_t i = 0; i < zmtp_ffi_constant_count(); i++) {
        const char *const name = zmtp_ffi_constant_name(i);
        named &= zmtp_ffi_constant_find(name, &value) == 0 && value == zmtp_ffi_constant_value(i);
        if (value < 0) named &= strcmp(zmtp_ffi_code_name((int32_t)value), name) == 0;
    }
    CHECK("all constants are found, and all codes have their names", named);
    CHECK("the manifest is a text", strstr(zmtp_ffi_manifest(), "zmtp_ffi_manifest"));
    CHECK("and the same one each time", zmtp_ffi_manifest() == zmtp_ffi_manifest());
}

static void check_handles(void)
{
    const int32_t before = zmtp_ffi_handle_count();
    const uint64_t context = OPENED(zmtp_ffi_context_open());
    const uint64_t socket = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_PAIR));
    const uint64_t message = OPENED(zmtp_ffi_message_open());
    const uint64_t poller = OPENED(zmtp_ffi_poller_open());
    char room[8];
    CHECK("a handle is below 2^53", context < UINT64_C(1) << 53);
    CHECK("kinds are told", zmtp_ffi_kind(context) == ZMTP_FFI_KIND_CONTEXT &&
                                zmtp_ffi_kind(socket) == ZMTP_FFI_KIND_SOCKET &&
                                zmtp_ffi_kind(message) == ZMTP_FFI_KIND_MESSAGE &&
                                zmtp_ffi_kind(poller) == ZMTP_FFI_KIND_POLLER);
    CHECK("handles are counted", zmtp_ffi_handle_count() == before + 4);
    const uint64_t wrong[] = {0, 1, 65535, UINT64_MAX, context + 65536, UINT64_C(1) << 63};
    bool refused = true;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        refused &= zmtp_ffi_close(wrong[i]) == ZMTP_FFI_HANDLE;
        refused &= zmtp_ffi_kind(wrong[i]) == ZMTP_FFI_HANDLE;
        refused &= zmtp_ffi_receive_try(wrong[i], room, sizeof room) == ZMTP_FFI_HANDLE;
        refused &= zmtp_ffi_message_count(wrong[i]) == ZMTP_FFI_HANDLE;
    }
    CHECK("numbers that are no handles are refused", refused);
    CHECK("another kind is refused",
          zmtp_ffi_bind(message, "inproc://x") == ZMTP_FFI_HANDLE &&
              zmtp_ffi_message_clear(socket) == ZMTP_FFI_HANDLE &&
              zmtp_ffi_socket_open(socket, 0) == ZMTP_FFI_HANDLE &&
              zmtp_ffi_descriptor(context) == ZMTP_FFI_HANDLE &&
              zmtp_ffi_poller_add(poller, message, 1) == ZMTP_FFI_HANDLE);
    CHECK("a handle is closed", zmtp_ffi_close(message) == ZMTP_FFI_OK);
    CHECK("a second time is harmless, and told", zmtp_ffi_close(message) == ZMTP_FFI_HANDLE);
    const uint64_t again = OPENED(zmtp_ffi_message_open());
    CHECK("a handle is not given twice",
          again != message && zmtp_ffi_kind(message) == ZMTP_FFI_HANDLE);
    zmtp_ffi_close(again);
    CHECK("a context closes its sockets",
          zmtp_ffi_close(context) == ZMTP_FFI_OK && zmtp_ffi_kind(socket) == ZMTP_FFI_HANDLE);
    CHECK("a socket may be closed after its context", zmtp_ffi_close(socket) == ZMTP_FFI_HANDLE);
    CHECK("no socket is opened of one that is closed",
          zmtp_ffi_socket_open(context, ZMTP_FFI_PAIR) == ZMTP_FFI_HANDLE);
    zmtp_ffi_close(poller);
    CHECK("no handle is left", zmtp_ffi_handle_count() == before);
}

static void check_context(void)
{
    const uint64_t context = OPENED(zmtp_ffi_context_open());
    CHECK("a context's option is set",
          zmtp_ffi_context_set(context, ZMTP_FFI_CONTEXT_MAX_SOCKETS, 2) == 0);
    CHECK("and read", zmtp_ffi_context_get(context, ZMTP_FFI_CONTEXT_MAX_SOCKETS) == 2);
    CHECK("one that there is not is told",
          zmtp_ffi_context_set(context, 999, 1) == ZMTP_FFI_NOT_FOUND &&
              zmtp_ffi_context_get(context, 999) == ZMTP_FFI_NOT_FOUND);
    CHECK("so is what is out of range",
          zmtp_ffi_context_set(context, ZMTP_FFI_CONTEXT_MAX_SOCKETS, 0) == ZMTP_FFI_ARGUMENT &&
              zmtp_ffi_context_set(context, ZMTP_FFI_CONTEXT_IPV6, INT64_MAX) == ZMTP_FFI_ARGUMENT);
    CHECK("the others are set and read, too",
          zmtp_ffi_context_set(context, ZMTP_FFI_CONTEXT_IPV6, 1) == 0 &&
              zmtp_ffi_context_get(context, ZMTP_FFI_CONTEXT_IPV6) == 1 &&
              zmtp_ffi_context_set(context, ZMTP_FFI_CONTEXT_IPV6, 0) == 0 &&
              zmtp_ffi_context_get(context, ZMTP_FFI_CONTEXT_IPV6) == 0 &&
              zmtp_ffi_context_set(context, ZMTP_FFI_CONTEXT_IO_THREADS, 3) == 0 &&
              zmtp_ffi_context_get(context, ZMTP_FFI_CONTEXT_IO_THREADS) == 3);
    const uint64_t one = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_PUB));
    OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_SUB));
    CHECK("no more sockets than allowed",
          zmtp_ffi_socket_open(context, ZMTP_FFI_SUB) == ZMTP_FFI_LIMIT);
    CHECK("types have a range", zmtp_ffi_socket_open(context, -1) == ZMTP_FFI_ARGUMENT &&
                                    zmtp_ffi_socket_open(context, 21) == ZMTP_FFI_ARGUMENT);
    zmtp_ffi_close(one);
    for (int32_t type = ZMTP_FFI_PAIR; type <= ZMTP_FFI_CHANNEL; type++) {
        const uint64_t socket = OPENED(zmtp_ffi_socket_open(context, type));
        int64_t told = -1;
        if (zmtp_ffi_get_number(socket, ZMTP_FFI_OPTION_TYPE, &told) != 0 || told != type)
            CHECK("every type opens, and says which it is", false);
        zmtp_ffi_close(socket);
    }
    zmtp_ffi_close(context);
}

static void check_options(void)
{
    const uint64_t context = OPENED(zmtp_ffi_context_open());
    const uint64_t socket = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_DEALER));
    int64_t value = -7;
    char room[64];
    CHECK("linger is 0",
          zmtp_ffi_get_number(socket, ZMTP_FFI_OPTION_LINGER, &value) == 0 && value == 0);
    CHECK("a number is set", zmtp_ffi_set_number(socket, ZMTP_FFI_OPTION_SNDHWM, 5) == 0);
    CHECK("and read",
          zmtp_ffi_get_number(socket, ZMTP_FFI_OPTION_SNDHWM, &value) == 0 && value == 5);
    CHECK("one of 64 bits, too",
          zmtp_ffi_set_number(socket, ZMTP_FFI_OPTION_MAXMSGSIZE, INT64_C(1) << 40) == 0 &&
              zmtp_ffi_get_number(socket, ZMTP_FFI_OPTION_MAXMSGSIZE, &value) == 0 &&
              value == INT64_C(1) << 40);
    CHECK("out of range",
          zmtp_ffi_set_number(socket, ZMTP_FFI_OPTION_SNDHWM, -5) == ZMTP_FFI_ARGUMENT &&
              zmtp_ffi_set_number(socket, ZMTP_FFI_OPTION_SNDHWM, INT64_MAX) == ZMTP_FFI_ARGUMENT);
    CHECK("octets are set", zmtp_ffi_set_octets(socket, ZMTP_FFI_OPTION_ROUTING_ID, "me", 2) == 0);
    CHECK("and read",
          zmtp_ffi_get_octets(socket, ZMTP_FFI_OPTION_ROUTING_ID, room, sizeof room) == 2 &&
              memcmp(room, "me", 2) == 0);
    CHECK("with less room they are not",
          zmtp_ffi_get_octets(socket, ZMTP_FFI_OPTION_ROUTING_ID, room, 1) == ZMTP_FFI_LIMIT);
    CHECK("no such option", zmtp_ffi_set_number(socket, 9999, 1) == ZMTP_FFI_NOT_FOUND &&
                                zmtp_ffi_get_octets(socket, 9999, room, 1) == ZMTP_FFI_NOT_FOUND &&
                                zmtp_ffi_get_number(socket, 9999, &value) == ZMTP_FFI_NOT_FOUND &&
                                zmtp_ffi_set_octets(socket, 9999, room, 1) == ZMTP_FFI_NOT_FOUND);
    CHECK("a number has no octets, and octets no number",
          zmtp_ffi_get_octets(socket, ZMTP_FFI_OPTION_SNDHWM, room, 4) == ZMTP_FFI_ARGUMENT &&
              zmtp_ffi_set_number(socket, ZMTP_FFI_OPTION_ROUTING_ID, 4) == ZMTP_FFI_ARGUMENT);
    CHECK("what is to be read only is not set",
          zmtp_ffi_set_number(socket, ZMTP_FFI_OPTION_TYPE, 1) == ZMTP_FFI_UNSUPPORTED);
    CHECK("what is to be set only is not read",
          zmtp_ffi_get_number(socket, ZMTP_FFI_OPTION_XPUB_VERBOSE, &value) ==
              ZMTP_FFI_UNSUPPORTED);
    CHECK("what is another type's is refused",
          zmtp_ffi_set_number(socket, ZMTP_FFI_OPTION_XPUB_VERBOSE, 1) == ZMTP_FFI_ARGUMENT);
    CHECK(
        "nulls are refused",
        zmtp_ffi_get_number(socket, ZMTP_FFI_OPTION_SNDHWM, NULL) == ZMTP_FFI_ARGUMENT &&
            zmtp_ffi_set_octets(socket, ZMTP_FFI_OPTION_ROUTING_ID, NULL, 3) == ZMTP_FFI_ARGUMENT &&
            zmtp_ffi_get_octets(socket, ZMTP_FFI_OPTION_ROUTING_ID, NULL, 3) == ZMTP_FFI_ARGUMENT);
    zmtp_ffi_close(context);
}

static void check_endpoints(void)
{
    const uint64_t context = OPENED(zmtp_ffi_context_open());
    const uint64_t one = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_PULL));
    const uint64_t two = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_PULL));
    CHECK("no endpoint at all", zmtp_ffi_bind(one, NULL) == ZMTP_FFI_ARGUMENT);
    CHECK("one that cannot be read", zmtp_ffi_bind(one, "tcp://nothing") == ZMTP_FFI_ENDPOINT &&
                                         zmtp_ffi_connect(one, "hello") == ZMTP_FFI_ENDPOINT);
    CHECK("a scheme nobody knows", zmtp_ffi_connect(one, "pigeon://coop") == ZMTP_FFI_TRANSPORT);
    CHECK("an address of somebody else's",
          zmtp_ffi_bind(one, "tcp://192.0.2.1:5555") == ZMTP_FFI_NOT_FOUND);
    CHECK("a port that is free", zmtp_ffi_bind(one, "tcp://127.0.0.1:*") == ZMTP_FFI_OK);
    char where[ZMTP_FFI_ENDPOINT_MAX];
    strcpy(where, endpoint_of(one));
    CHECK("is told", strncmp(where, "tcp://127.0.0.1:", 16) == 0 && atoi(where + 16) > 0);
    CHECK("and in use then", zmtp_ffi_bind(two, where) == ZMTP_FFI_IN_USE);
    CHECK("what is not bound is not unbound",
          zmtp_ffi_unbind(one, "tcp://127.0.0.1:1") == ZMTP_FFI_NOT_FOUND &&
              zmtp_ffi_disconnect(one, where) == ZMTP_FFI_NOT_FOUND);
    CHECK("an unbind", zmtp_ffi_unbind(one, where) == ZMTP_FFI_OK);
    CHECK("frees it at once", zmtp_ffi_bind(two, where) == ZMTP_FFI_OK);
    CHECK("a close", zmtp_ffi_close(two) == ZMTP_FFI_OK);
    CHECK("does, too", zmtp_ffi_bind(one, where) == ZMTP_FFI_OK);
    CHECK("and that of the context", zmtp_ffi_close(context) == ZMTP_FFI_OK);
    const uint64_t other = OPENED(zmtp_ffi_context_open());
    const uint64_t three = OPENED(zmtp_ffi_socket_open(other, ZMTP_FFI_PULL));
    CHECK("for another one", zmtp_ffi_bind(three, where) == ZMTP_FFI_OK);
    CHECK("datagrams are not for all types",
          zmtp_ffi_bind(three, "udp://127.0.0.1:*") == ZMTP_FFI_UNSUPPORTED);
    zmtp_ffi_close(other);
}

static void check_parts(void)
{
    const struct two two = join(ZMTP_FFI_PULL, ZMTP_FFI_PUSH);
    char room[16], big[5000];
    memset(big, 'x', sizeof big);
    CHECK("nothing has come",
          zmtp_ffi_receive_try(two.binder, room, sizeof room) == ZMTP_FFI_AGAIN &&
              zmtp_ffi_next_size(two.binder) == ZMTP_FFI_AGAIN);
    const int64_t began = now_ms();
    CHECK("nothing comes in time",
          zmtp_ffi_receive_wait(two.binder, room, sizeof room, LITTLE_MS) == ZMTP_FFI_AGAIN);
    CHECK("and the time is used", now_ms() - began >= LITTLE_MS - 1);
    CHECK("parts are sent", send_text(two.dialler, "a", 1) && send_text(two.dialler, "", 1) &&
                                zmtp_ffi_send_wait(two.dialler, big, sizeof big, 0, SOON_MS) == 0);
    CHECK("the first comes", hears(two.binder, "a") && zmtp_ffi_more(two.binder) == 1);
    CHECK("one may be empty", hears(two.binder, "") && zmtp_ffi_more(two.binder) == 1);
    CHECK("one that is too large stays",
          zmtp_ffi_receive_try(two.binder, room, sizeof room) == ZMTP_FFI_LIMIT &&
              zmtp_ffi_next_size(two.binder) == sizeof big);
    char more[5000];
    CHECK("and is there with more room",
          zmtp_ffi_receive_try(two.binder, more, sizeof more) == sizeof big &&
              memcmp(more, big, sizeof big) == 0);
    CHECK("it was the last", zmtp_ffi_more(two.binder) == 0);
    CHECK("a PULL does not send", zmtp_ffi_send_try(two.binder, "x", 1, 0) == ZMTP_FFI_UNSUPPORTED);
    CHECK("a PUSH does not receive",
          zmtp_ffi_receive_try(two.dialler, room, sizeof room) == ZMTP_FFI_UNSUPPORTED);
    CHECK("nulls are refused", zmtp_ffi_send_try(two.dialler, NULL, 1, 0) == ZMTP_FFI_ARGUMENT &&
                                   zmtp_ffi_receive_try(two.binder, NULL, 1) == ZMTP_FFI_ARGUMENT);
    strcpy(room, "copied");
    CHECK("octets are copied", zmtp_ffi_send_wait(two.dialler, room, 6, 0, SOON_MS) == 0);
    memset(room, 0, sizeof room);
    CHECK("so the room may be used again", hears(two.binder, "copied"));
    zmtp_ffi_close(two.context);
    const uint64_t context = OPENED(zmtp_ffi_context_open());
    const uint64_t lonely = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_PUSH));
    CHECK("nobody is there", zmtp_ffi_send_try(lonely, "x", 1, 0) == ZMTP_FFI_AGAIN);
    bool kept = true;
    for (int i = 0; i < ZMTP_FFI_PARTS_MAX; i++)
        kept &= zmtp_ffi_send_try(lonely, "x", 1, 1) == 0;
    CHECK("parts have a limit", kept && zmtp_ffi_send_try(lonely, "x", 1, 1) == ZMTP_FFI_LIMIT);
    zmtp_ffi_close(context);
}

static bool part_is(uint64_t message, int32_t index, const char *text)
{
    char room[64];
    const int64_t size = zmtp_ffi_message_get(message, index, room, sizeof room);
    return size == (int64_t)strlen(text) && memcmp(room, text, strlen(text)) == 0;
}

static void check_messages(void)
{
    const struct two two = join(ZMTP_FFI_ROUTER, ZMTP_FFI_DEALER);
    const uint64_t message = OPENED(zmtp_ffi_message_open());
    const uint64_t other = OPENED(zmtp_ffi_message_open());
    char room[32];
    CHECK("a new message is empty", zmtp_ffi_message_count(message) == 0);
    CHECK("parts are added", zmtp_ffi_message_add(message, "one", 3) == 0 &&
                                 zmtp_ffi_message_add(message, NULL, 0) == 0 &&
                                 zmtp_ffi_message_add(message, "three", 5) == 0);
    CHECK("and counted",
          zmtp_ffi_message_count(message) == 3 && zmtp_ffi_message_size(message, 2) == 5);
    CHECK("and read",
          part_is(message, 0, "one") && part_is(message, 1, "") && part_is(message, 2, "three"));
    CHECK("beyond are none", zmtp_ffi_message_size(message, 3) == ZMTP_FFI_NOT_FOUND &&
                                 zmtp_ffi_message_get(message, -1, room, 1) == ZMTP_FFI_NOT_FOUND);
    CHECK("too little room", zmtp_ffi_message_get(message, 0, room, 2) == ZMTP_FFI_LIMIT);
    CHECK("nulls are refused",
          zmtp_ffi_message_add(message, NULL, 1) == ZMTP_FFI_ARGUMENT &&
              zmtp_ffi_message_get(message, 0, NULL, 9) == ZMTP_FFI_ARGUMENT &&
              zmtp_ffi_message_property(message, NULL, room, 9) == ZMTP_FFI_ARGUMENT);
    CHECK("it is sent", zmtp_ffi_message_send_wait(two.dialler, message, SOON_MS) == ZMTP_FFI_OK);
    CHECK("and stays as it is", zmtp_ffi_message_count(message) == 3);
    CHECK("it comes", zmtp_ffi_message_receive_wait(two.binder, other, SOON_MS) == 4);
    CHECK("with its parts behind the routing id",
          part_is(other, 1, "one") && part_is(other, 3, "three"));
    CHECK("who sent it is known",
          zmtp_ffi_message_property(other, "Socket-Type", room, sizeof room) == 6 &&
              memcmp(room, "DEALER", 6) == 0);
    CHECK("what is not known is told",
          zmtp_ffi_message_property(other, "X-Nothing", room, sizeof room) == ZMTP_FFI_NOT_FOUND);
    CHECK("and goes back", zmtp_ffi_message_send_try(two.binder, other) == ZMTP_FFI_OK);
    CHECK("to whom it came from", zmtp_ffi_message_receive_wait(two.dialler, other, SOON_MS) == 3 &&
                                      part_is(other, 0, "one"));
    CHECK("what is nobody's is unreachable",
          zmtp_ffi_set_number(two.binder, ZMTP_FFI_OPTION_ROUTER_MANDATORY, 1) == 0 &&
              zmtp_ffi_message_send_try(two.binder, message) == ZMTP_FFI_UNREACHABLE);
    CHECK("not amid parts", zmtp_ffi_send_try(two.dialler, "half", 4, 1) == 0 &&
                                zmtp_ffi_message_send_try(two.dialler, message) == ZMTP_FFI_STATE);
    CHECK("the rest of one that was received in part",
          send_text(two.dialler, "whole", 0) &&
              zmtp_ffi_receive_wait(two.binder, room, sizeof room, SOON_MS) > 0 &&
              zmtp_ffi_message_receive_try(two.binder, other) == 2 && part_is(other, 1, "whole"));
    CHECK("nothing more", zmtp_ffi_message_receive_try(two.binder, other) == ZMTP_FFI_AGAIN &&
                              zmtp_ffi_message_count(other) == 2);
    CHECK("it is cleared",
          zmtp_ffi_message_clear(message) == 0 && zmtp_ffi_message_count(message) == 0);
    bool added = true;
    for (int i = 0; i < ZMTP_FFI_PARTS_MAX; i++)
        added &= zmtp_ffi_message_add(message, "x", 1) == 0;
    CHECK("parts have a limit", added && zmtp_ffi_message_add(message, "x", 1) == ZMTP_FFI_LIMIT);
    zmtp_ffi_close(other);
    CHECK("one that is closed is not sent",
          zmtp_ffi_message_send_try(two.dialler, other) == ZMTP_FFI_HANDLE &&
              zmtp_ffi_message_receive_try(two.dialler, other) == ZMTP_FFI_HANDLE);
    zmtp_ffi_close(message);
    zmtp_ffi_close(two.context);
}

static void check_requests(void)
{
    const struct two two = join(ZMTP_FFI_REP, ZMTP_FFI_REQ);
    char room[8];
    CHECK("a REQ asks before it listens",
          zmtp_ffi_receive_try(two.dialler, room, 8) == ZMTP_FFI_STATE);
    CHECK("a REP listens before it answers",
          zmtp_ffi_send_try(two.binder, "x", 1, 0) == ZMTP_FFI_STATE);
    CHECK("a request", send_text(two.dialler, "ask", 0) && hears(two.binder, "ask"));
    CHECK("is one at a time", zmtp_ffi_send_try(two.dialler, "x", 1, 0) == ZMTP_FFI_STATE);
    CHECK("and a reply", send_text(two.binder, "answer", 0) && hears(two.dialler, "answer"));
    CHECK("whom it asked goes", send_text(two.dialler, "ask", 0) && hears(two.binder, "ask") &&
                                    zmtp_ffi_close(two.binder) == ZMTP_FFI_OK);
    CHECK("so nothing comes, in time", zmtp_ffi_receive_wait(two.dialler, room, 8, LITTLE_MS) < 0);
    zmtp_ffi_close(two.context);
}

static void check_topics(void)
{
    const struct two two = join(ZMTP_FFI_XPUB, ZMTP_FFI_SUB);
    CHECK("a SUB subscribes", zmtp_ffi_subscribe(two.dialler, "a", 1) == ZMTP_FFI_OK);
    CHECK("an XPUB hears of it", hears(two.binder, "\001a"));
    CHECK("and counts it", zmtp_ffi_stat(two.binder, ZMTP_FFI_STAT_SUBSCRIBERS) == 1);
    CHECK("what is wanted comes, and nothing else", send_text(two.binder, "b-no", 0) &&
                                                        send_text(two.binder, "a-yes", 0) &&
                                                        hears(two.dialler, "a-yes"));
    CHECK("it ends", zmtp_ffi_unsubscribe(two.dialler, "a", 1) == ZMTP_FFI_OK);
    CHECK("once", zmtp_ffi_unsubscribe(two.dialler, "a", 1) == ZMTP_FFI_NOT_FOUND);
    char room[8];
    CHECK("and is told", zmtp_ffi_receive_wait(two.binder, room, 8, SOON_MS) == 2 && room[0] == 0);
    CHECK("an XPUB does not subscribe", zmtp_ffi_subscribe(two.binder, "a", 1) < 0);
    CHECK("a SUB joins no group", zmtp_ffi_join(two.dialler, "a") == ZMTP_FFI_UNSUPPORTED &&
                                      zmtp_ffi_leave(two.dialler, "a") == ZMTP_FFI_UNSUPPORTED);
    CHECK("nulls are refused", zmtp_ffi_subscribe(two.dialler, NULL, 2) == ZMTP_FFI_ARGUMENT &&
                                   zmtp_ffi_join(two.dialler, NULL) == ZMTP_FFI_ARGUMENT);
    zmtp_ffi_close(two.context);
    const struct two radio = join(ZMTP_FFI_RADIO, ZMTP_FFI_DISH);
    CHECK("a DISH joins", zmtp_ffi_join(radio.dialler, "news") == ZMTP_FFI_OK);
    const int64_t began = now_ms();
    while (zmtp_ffi_stat(radio.binder, ZMTP_FFI_STAT_SUBSCRIBERS) < 1 && now_ms() - began < SOON_MS)
        (void)poll(NULL, 0, 1);
    CHECK("a RADIO sends to the group",
          send_text(radio.binder, "other", 1) && send_text(radio.binder, "x", 0) &&
              send_text(radio.binder, "news", 1) && send_text(radio.binder, "hello", 0));
    CHECK("which hears it", hears(radio.dialler, "news") && hears(radio.dialler, "hello"));
    CHECK("a DISH leaves", zmtp_ffi_leave(radio.dialler, "news") == ZMTP_FFI_OK &&
                               zmtp_ffi_leave(radio.dialler, "news") == ZMTP_FFI_NOT_FOUND);
    zmtp_ffi_close(radio.context);
}

static void check_datagrams(void)
{
    if (zmtp_ffi_has("mock") == 1) {
        check_skip("datagrams", "the mock has none");
        return;
    }
    const struct two udp = join_over(ZMTP_FFI_DISH, ZMTP_FFI_RADIO, "udp://127.0.0.1:*");
    char room[8];
    CHECK("a DISH joins a group of datagrams", zmtp_ffi_join(udp.binder, "news") == ZMTP_FFI_OK);
    int64_t heard = ZMTP_FFI_AGAIN;
    // Datagrams may be lost, so some are sent.
    for (int i = 0; i < 100 && heard == ZMTP_FFI_AGAIN; i++) {
        (void)send_text(udp.dialler, "news", 1);
        (void)send_text(udp.dialler, "hello", 0);
        heard = zmtp_ffi_receive_wait(udp.binder, room, sizeof room, LITTLE_MS);
    }
    CHECK("and hears them", heard == 4 && hears(udp.binder, "hello"));
    zmtp_ffi_close(udp.context);
}

// Types of which one message goes from dialler to binder.
static void check_types(void)
{
    static const int32_t pairs[][2] = {{ZMTP_FFI_PAIR, ZMTP_FFI_PAIR},
                                       {ZMTP_FFI_GATHER, ZMTP_FFI_SCATTER},
                                       {ZMTP_FFI_CHANNEL, ZMTP_FFI_CHANNEL},
                                       {ZMTP_FFI_DEALER, ZMTP_FFI_DEALER}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const struct two two = join(pairs[i][0], pairs[i][1]);
        CHECK("a message of other types",
              send_text(two.dialler, "hello", 0) && hears(two.binder, "hello"));
        zmtp_ffi_close(two.context);
    }
    const struct two two = join(ZMTP_FFI_SERVER, ZMTP_FFI_CLIENT);
    const uint64_t message = OPENED(zmtp_ffi_message_open());
    CHECK("a CLIENT asks", send_text(two.dialler, "hello", 0) &&
                               zmtp_ffi_message_receive_wait(two.binder, message, SOON_MS) == 1);
    const int64_t peer = zmtp_ffi_message_routing_id(message);
    CHECK("a SERVER knows whom", peer > 0);
    CHECK("and answers",
          zmtp_ffi_message_clear(message) == 0 && zmtp_ffi_message_add(message, "yes", 3) == 0 &&
              zmtp_ffi_message_set_routing_id(message, (uint32_t)peer) == 0 &&
              zmtp_ffi_message_send_try(two.binder, message) == 0 && hears(two.dialler, "yes"));
    CHECK("but not nobody",
          zmtp_ffi_message_set_routing_id(message, 12345) == 0 &&
              zmtp_ffi_message_send_try(two.binder, message) == ZMTP_FFI_UNREACHABLE);
    zmtp_ffi_close(two.context);
    const uint64_t context = OPENED(zmtp_ffi_context_open());
    const uint64_t one = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_PEER));
    const uint64_t other = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_PEER));
    (void)zmtp_ffi_bind(one, "tcp://127.0.0.1:*");
    const int64_t number = zmtp_ffi_connect_peer(other, endpoint_of(one));
    CHECK("a PEER knows whom it connects to", number > 0);
    CHECK("and sends to it", zmtp_ffi_message_set_routing_id(message, (uint32_t)number) == 0 &&
                                 zmtp_ffi_message_send_wait(other, message, SOON_MS) == 0 &&
                                 hears(one, "yes"));
    CHECK("others do not", zmtp_ffi_connect_peer(one, NULL) == ZMTP_FFI_ARGUMENT &&
                               zmtp_ffi_connect_peer(one, "hello") == ZMTP_FFI_ENDPOINT &&
                               zmtp_ffi_connect_peer(context, "hello") == ZMTP_FFI_HANDLE);
    const uint64_t pair = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_PAIR));
    CHECK("nor other types", zmtp_ffi_connect_peer(pair, "inproc://x") == ZMTP_FFI_UNSUPPORTED);
    zmtp_ffi_close(message);
    zmtp_ffi_close(context);
}

static void check_transports(void)
{
    char path[64];
    snprintf(path, sizeof path, "ipc://@zmtp-ffi-%d", (int)getpid());
    const char *const endpoints[] = {"inproc://here", path, "tcp://127.0.0.1:*", "tcp://[::1]:*"};
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
        const uint64_t context = OPENED(zmtp_ffi_context_open());
        const uint64_t pull = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_PULL));
        const uint64_t push = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_PUSH));
        const bool six = strchr(endpoints[i], '[');
        (void)zmtp_ffi_set_number(pull, ZMTP_FFI_OPTION_IPV6, six);
        (void)zmtp_ffi_set_number(push, ZMTP_FFI_OPTION_IPV6, six);
        const int32_t bound = zmtp_ffi_bind(pull, endpoints[i]);
        if (six && bound == ZMTP_FFI_NOT_FOUND) {
            check_skip("IPv6", "this machine has none");
        } else {
            CHECK(endpoints[i], bound == 0 && zmtp_ffi_connect(push, endpoint_of(pull)) == 0);
            CHECK("brings messages", send_text(push, "hello", 0) && hears(pull, "hello"));
        }
        zmtp_ffi_close(context);
    }
    // In whichever order; inproc's name need not be bound before.
    const uint64_t context = OPENED(zmtp_ffi_context_open());
    const uint64_t pull = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_PULL));
    const uint64_t push = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_PUSH));
    CHECK("a connect before the bind",
          zmtp_ffi_connect(push, "inproc://later") == 0 && send_text(push, "x", 0) &&
              zmtp_ffi_bind(pull, "inproc://later") == 0 && hears(pull, "x"));
    zmtp_ffi_close(context);
}

static void check_limits(void)
{
    const uint64_t context = OPENED(zmtp_ffi_context_open());
    const uint64_t pull = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_PULL));
    const uint64_t push = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_PUSH));
    (void)zmtp_ffi_set_number(push, ZMTP_FFI_OPTION_SNDHWM, 3);
    (void)zmtp_ffi_set_number(pull, ZMTP_FFI_OPTION_RCVHWM, 3);
    (void)zmtp_ffi_bind(pull, "inproc://full");
    (void)zmtp_ffi_connect(push, "inproc://full");
    int sent = 0;
    while (sent < 1000 && zmtp_ffi_send_try(push, "x", 1, 0) == 0)
        sent++;
    CHECK("a queue is full in the end", sent > 0 && sent < 1000);
    CHECK("and nothing may be sent", zmtp_ffi_events(push) == 0);
    CHECK("a wait for room ends in time",
          zmtp_ffi_send_wait(push, "x", 1, 0, LITTLE_MS) == ZMTP_FFI_AGAIN);
    CHECK("the numbers say so", zmtp_ffi_stat(push, ZMTP_FFI_STAT_SENT) == sent &&
                                    zmtp_ffi_stat(push, 99) == ZMTP_FFI_NOT_FOUND);
    int heard = 0;
    for (; heard < sent; heard++)
        if (!hears(pull, "x")) break;
    CHECK("all that was sent comes",
          heard == sent && zmtp_ffi_stat(pull, ZMTP_FFI_STAT_RECEIVED) == sent);
    CHECK("there is room again",
          zmtp_ffi_events_wait(push, ZMTP_FFI_OUT, SOON_MS) == ZMTP_FFI_OUT &&
              send_text(push, "x", 0));
    zmtp_ffi_close(context);
}

// zmtp_socket_counters: sent = copies, as each has one peer, copies = left + queued + lost, and so on.
static void check_stats(void)
{
    enum { COUNT = 5, TAKEN = 2 };
    const struct two two = join_over(ZMTP_FFI_PULL, ZMTP_FFI_PUSH, "inproc://stats");
    for (int i = 0; i < COUNT; i++)
        CHECK("messages are sent", send_text(two.dialler, "x", 0));
    for (int i = 0; i < TAKEN; i++)
        CHECK("some are received", hears(two.binder, "x"));
    const int64_t left = zmtp_ffi_stat(two.dialler, ZMTP_FFI_STAT_LEFT);
    const int64_t queued = zmtp_ffi_stat(two.dialler, ZMTP_FFI_STAT_QUEUED);
    CHECK("a sender counts them", zmtp_ffi_stat(two.dialler, ZMTP_FFI_STAT_SENT) == COUNT &&
                                      zmtp_ffi_stat(two.dialler, ZMTP_FFI_STAT_COPIES) == COUNT &&
                                      zmtp_ffi_stat(two.dialler, ZMTP_FFI_STAT_LOST) == 0 &&
                                      left >= TAKEN && queued >= 0 && left + queued == COUNT);
    const int64_t arrived = zmtp_ffi_stat(two.binder, ZMTP_FFI_STAT_ARRIVED);
    const int64_t waiting = zmtp_ffi_stat(two.binder, ZMTP_FFI_STAT_WAITING);
    CHECK("and a receiver", zmtp_ffi_stat(two.binder, ZMTP_FFI_STAT_RECEIVED) == TAKEN &&
                                zmtp_ffi_stat(two.binder, ZMTP_FFI_STAT_DISCARDED) == 0 &&
                                zmtp_ffi_stat(two.binder, ZMTP_FFI_STAT_DROPPED) == 0 &&
                                waiting >= 0 && arrived == TAKEN + waiting);
    CHECK("a receiver sends nothing",
          zmtp_ffi_stat(two.binder, ZMTP_FFI_STAT_SENT) == 0 &&
              zmtp_ffi_stat(two.binder, ZMTP_FFI_STAT_SUBSCRIBERS) == 0);
    zmtp_ffi_close(two.context);
}

void check_calls(void)
{
    check_library();
    check_handles();
    check_context();
    check_options();
    check_endpoints();
    check_parts();
    check_messages();
    check_requests();
    check_topics();
    check_datagrams();
    check_types();
    check_transports();
    check_limits();
    check_stats();
}
