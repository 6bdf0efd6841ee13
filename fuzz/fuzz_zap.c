// ZAP messages: a part is a size octet and as many octets. Whatever reads as a request or a reply is what
// RFC 27 allows, lies within the message, and is made again from what was read.
#include "check.h"
#include "fuzz.h"
#include "zmtp/zap.h"

enum { PARTS_MAX = 16 };

// Takes the parts off the input. A size of 255 says that the part is the rest, however long.
static void read_parts(struct zmtp_msg *msg, const uint8_t *data, size_t size)
{
    zmtp_msg_init(msg, NULL);
    while (size > 0 && msg->count < PARTS_MAX) {
        const size_t said = data[0], left = size - 1;
        const size_t part = said == UINT8_MAX || said > left ? left : said;
        fuzz_check(zmtp_msg_append(msg, zmtp_bytes_of(data + 1, part)) == ZMTP_OK);
        data += 1 + part;
        size -= 1 + part;
    }
}

static void check_within(const struct zmtp_msg *msg, struct zmtp_bytes view)
{
    bool within = view.size == 0;
    for (size_t i = 0; i < msg->count; i++)
        within |= fuzz_is_within(view, zmtp_msg_bytes(msg, i));
    fuzz_check(within);
}

static void check_equal(const struct zmtp_msg *a, size_t first, const struct zmtp_msg *b,
                        size_t count)
{
    fuzz_check(b->count == count);
    for (size_t i = 0; i < count; i++)
        fuzz_check_equal(zmtp_msg_bytes(a, first + i), zmtp_msg_bytes(b, i));
}

static void check_reply(const struct zmtp_msg *msg)
{
    struct zmtp_zap_reply reply;
    const char *why = NULL;
    const int result = zmtp_zap_reply_decode(msg, &reply, &why);
    fuzz_check((result == ZMTP_ERR_ARGUMENT) == (why != NULL));
    check_within(msg, reply.id);
    if (result < 0) {
        fuzz_check(reply.verdict != ZMTP_VERDICT_ALLOW && reply.user_id.size == 0);
        return;
    }
    check_within(msg, reply.user_id);
    check_within(msg, reply.metadata);
    fuzz_check(reply.user_id.size <= UINT8_MAX && reply.text.size <= UINT8_MAX);
    // The envelope of a DEALER's reply is the delimiter alone.
    const struct zmtp_zap_request request = {.id = reply.id, .envelope = 1};
    struct zmtp_msg made;
    zmtp_msg_init(&made, NULL);
    fuzz_check(zmtp_zap_reply_encode(&made, msg, &request, &reply) == ZMTP_OK);
    check_equal(msg, 0, &made, msg->count);
    zmtp_msg_fini(&made);
}

static void check_request(const struct zmtp_msg *msg, bool enveloped)
{
    struct zmtp_zap_request request;
    const int result = zmtp_zap_request_decode(msg, enveloped, &request);
    fuzz_check(result == ZMTP_OK || result == ZMTP_ERR_ARGUMENT);
    if (result < 0) return;
    check_within(msg, request.id);
    check_within(msg, request.credentials.username);
    check_within(msg, request.credentials.password);
    fuzz_check(request.envelope < msg->count && (request.envelope > 0) == enveloped);
    struct zmtp_msg made;
    zmtp_msg_init(&made, NULL);
    fuzz_check((zmtp_zap_request_encode(&made, &request) == ZMTP_OK) == request.known);
    if (request.known) {
        zmtp_msg_drop_front(&made, 1);
        check_equal(msg, request.envelope, &made, msg->count - request.envelope);
    }
    zmtp_msg_fini(&made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zmtp_msg msg;
    read_parts(&msg, data, size);
    check_reply(&msg);
    check_request(&msg, false);
    check_request(&msg, true);
    zmtp_msg_fini(&msg);
    return 0;
}
