// The WebSocket handshake: the first octet picks a side and a mechanism, the rest is the head that a
// stranger sends. Whatever it is, there is one verdict with printable words, and what is answered is a
// head itself.
#include "check.h"
#include "fuzz.h"
#include "zmtp/ws/head.h"
#include "zmtp/ws/upgrade.h"

static const uint8_t nonce[ZMTP__UPGRADE_NONCE + 1] = "the sample nonce";

static void check_verdict(const struct zmtp__upgrade_verdict *verdict)
{
    fuzz_check((verdict->error == ZMTP_OK) == (verdict->why[0] == 0));
    fuzz_check(verdict->error == ZMTP_OK || !verdict->bare);
    fuzz_check(memchr(verdict->why, 0, sizeof verdict->why) != NULL);
    for (const char *at = verdict->why; *at; at++)
        fuzz_check(*at >= 0x20 && *at < 0x7F);
}

// Every field lies in the input, and they are all of what it says they are.
static void check_head(struct zmtp_bytes in)
{
    struct zmtp__head head;
    struct zmtp__field field;
    struct zmtp_bytes value;
    const int result = zmtp__head_decode(in, &head);
    fuzz_check(result == ZMTP_OK || result == ZMTP_ERR_GREETING);
    if (result < 0) return;
    fuzz_check(zmtp__head_end(in, 0) == in.size && zmtp__head_end(in, in.size - 1) == in.size);
    fuzz_check(fuzz_is_within(head.line, in) && head.line.size > 0);
    size_t count = 0, size = 0;
    for (struct zmtp_bytes rest = head.fields; zmtp__field_next(&rest, &field); count++) {
        fuzz_check(fuzz_is_within(field.name, in) && fuzz_is_within(field.value, in));
        size += field.name.size + field.value.size + 3;
    }
    fuzz_check(size <= head.fields.size);
    fuzz_check((count == 0) == (head.fields.size == 0));
    (void)zmtp__head_find(&head, "Host", &value);
}

static void check_server(const struct zmtp__upgrade *upgrade, struct zmtp_bytes in)
{
    uint8_t out[ZMTP__UPGRADE_OURS_MAX];
    struct zmtp__upgrade_verdict verdict;
    struct zmtp__head head;
    const size_t size = zmtp__upgrade_answer(upgrade, in, out, &verdict);
    check_verdict(&verdict);
    fuzz_check(size > 0 && size <= sizeof out);
    const size_t end = zmtp__head_end(zmtp_bytes_of(out, size), 0);
    fuzz_check(zmtp__head_decode(zmtp_bytes_of(out, end), &head) == ZMTP_OK);
    fuzz_check((verdict.error == ZMTP_OK) == (memcmp(out, "HTTP/1.1 101 ", 13) == 0));
    fuzz_check((verdict.error == ZMTP_OK) == (end == size)); // a refusal has words behind it
    fuzz_check(!verdict.bare || strcmp(upgrade->mechanism, "NULL") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const mechanisms[] = {"NULL", "PLAIN", "CURVE", "NULL"};
    if (size == 0) return 0;
    const unsigned options = data[0];
    const struct zmtp_bytes in = zmtp_bytes_of(data + 1, size - 1);
    struct zmtp__upgrade upgrade = {.mechanism = mechanisms[options >> 1 & 3],
                                    .path = zmtp_bytes_text("/x")};
    if (options & 8) upgrade.origins = zmtp_bytes_text("https://a https://b");
    check_head(in);
    if (options & 1) {
        check_server(&upgrade, in);
    } else {
        struct zmtp__upgrade_verdict verdict;
        zmtp__upgrade_judge(&upgrade, nonce, in, &verdict);
        check_verdict(&verdict);
    }
    return 0;
}
