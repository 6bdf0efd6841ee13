// A command's body, and the data of PING, PONG and ERROR: what was read is what would be sent.
#include "check.h"
#include "fuzz.h"
#include "zmtp/wire.h"

enum { OUT_MAX = 4096 };

// Checks that |out| is one command frame whose body is |body|.
static void check_framed(const uint8_t *out, int size, struct zmtp_bytes body)
{
    fuzz_check(size > 0);
    struct zmtp_frame frame;
    const int header = zmtp_frame_decode(zmtp_bytes_of(out, (size_t)size), &frame);
    fuzz_check(header > 0 && frame.command && !frame.more);
    fuzz_check(frame.size == (uint64_t)(size - header));
    fuzz_check_equal(zmtp_bytes_of(out + header, (size_t)(size - header)), body);
}

// An output one octet too small is refused, and nothing beyond it is touched.
static void check_small(const struct zmtp_command *command, int size)
{
    uint8_t *const small = malloc((size_t)size);
    fuzz_check(small != NULL);
    small[size - 1] = 0xA5;
    fuzz_check(zmtp_command_encode(command, small, (size_t)size - 1) == ZMTP_ERR_LIMIT);
    fuzz_check(small[size - 1] == 0xA5);
    free(small);
}

static void check_data(const struct zmtp_command *command, struct zmtp_bytes body)
{
    uint8_t out[OUT_MAX];
    struct zmtp_ping ping;
    struct zmtp_bytes view;
    if (zmtp_ping_decode(command->data, &ping) == ZMTP_OK) {
        fuzz_check(ping.context.size <= ZMTP_PING_CONTEXT_MAX);
        fuzz_check(fuzz_is_within(ping.context, body));
        const int size = zmtp_ping_encode(&ping, out, sizeof out);
        if (zmtp_command_is(command, "PING")) check_framed(out, size, body);
    } else {
        fuzz_check(command->data.size < 2 || command->data.size > 2 + ZMTP_PING_CONTEXT_MAX);
    }
    if (zmtp_pong_decode(command->data, &view) == ZMTP_OK) {
        const int size = zmtp_pong_encode(view, out, sizeof out);
        if (zmtp_command_is(command, "PONG")) check_framed(out, size, body);
    } else {
        fuzz_check(command->data.size > ZMTP_PING_CONTEXT_MAX);
    }
    if (zmtp_error_decode(command->data, &view) == ZMTP_OK) {
        fuzz_check(view.size + 1 == command->data.size);
        const int size = zmtp_error_encode(view, out, sizeof out);
        if (zmtp_command_is(command, "ERROR")) check_framed(out, size, body);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct zmtp_bytes body = zmtp_bytes_of(data, size);
    if (size > OUT_MAX - ZMTP_HEADER_MAX) return 0;

    struct zmtp_command command;
    const int result = zmtp_command_decode(body, &command);
    if (result != ZMTP_OK) {
        fuzz_check(result == ZMTP_ERR_COMMAND);
        return 0;
    }
    fuzz_check(command.name.size >= 1 && command.name.size <= UINT8_MAX);
    fuzz_check(1 + command.name.size + command.data.size == size);
    fuzz_check(fuzz_is_within(command.name, body) && fuzz_is_within(command.data, body));

    uint8_t out[OUT_MAX];
    const int written = zmtp_command_encode(&command, out, sizeof out);
    check_framed(out, written, body);
    check_small(&command, written);
    check_data(&command, body);
    return 0;
}
