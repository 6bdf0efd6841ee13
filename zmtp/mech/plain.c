// PLAIN (RFC 24): a name and a password in clear text, for networks that are secret by other means.
#include <string.h>

#include "../base/reader.h"
#include "../base/writer.h"
#include "mech.h"

// libzmq's PLAIN server means to send "\5ERROR" and sends "^RROR" (the compiler reads \x5E), which is no
// command at all; so has it done for years, and its client takes nothing else.
static const uint8_t plain_odd_error[] = {0x5E, 'R', 'R', 'O', 'R'};

static int plain_say_hello(const struct zmtp__mech_session *session, uint8_t *out, size_t size)
{
    const struct zmtp_security *const security = session->security;
    uint8_t data[2 * (1 + UINT8_MAX)];
    struct zmtp__writer w = zmtp__writer_of(data, sizeof data);
    zmtp__write_be(&w, security->username.size, 1);
    zmtp__write_bytes(&w, security->username);
    zmtp__write_be(&w, security->password.size, 1);
    zmtp__write_bytes(&w, security->password);
    const struct zmtp_command hello = {zmtp_bytes_text("HELLO"), {data, w.filled}};
    const int written = w.bad ? ZMTP_ERR_ARGUMENT : zmtp_command_encode(&hello, out, size);
    zmtp_wipe(data, sizeof data);
    return written;
}

// Says |name| with |data| and goes on to |next|.
static int plain_say_command(struct zmtp__mech_session *session, const char *name,
                             struct zmtp_bytes data, enum zmtp__mech_step next, uint8_t *out,
                             size_t size)
{
    const struct zmtp_command command = {zmtp_bytes_text(name), data};
    const int written = zmtp_command_encode(&command, out, size);
    if (written > 0) session->step = next;
    return written;
}

static int plain_say(struct zmtp__mech_session *session, uint8_t *out, size_t size)
{
    int written = 0;
    if (session->asking) return 0;
    switch (session->step) {
    case ZMTP__STEP_SAY_HELLO:
        written = plain_say_hello(session, out, size);
        if (written > 0) session->step = ZMTP__STEP_HEAR_WELCOME;
        session->suspicion = "the server hung up when it saw our name and password: it may have "
                             "nobody to judge them";
        break;
    case ZMTP__STEP_SAY_INITIATE:
        return plain_say_command(session, "INITIATE", session->ours, ZMTP__STEP_HEAR_READY, out,
                                 size);
    case ZMTP__STEP_SAY_WELCOME:
        return plain_say_command(session, "WELCOME", (struct zmtp_bytes){0},
                                 ZMTP__STEP_HEAR_INITIATE, out, size);
    case ZMTP__STEP_SAY_READY:
        return plain_say_command(session, "READY", session->ours, ZMTP__STEP_DONE, out, size);
    case ZMTP__STEP_HEAR_HELLO:
    case ZMTP__STEP_HEAR_WELCOME:
    case ZMTP__STEP_HEAR_INITIATE:
    case ZMTP__STEP_HEAR_READY:
    case ZMTP__STEP_DONE:
        break;
    }
    return written;
}

// The name and the password are kept until they are judged.
static int plain_hear_hello(struct zmtp__mech_session *session, const struct zmtp_command *command)
{
    struct zmtp__reader r = zmtp__reader_of(command->data);
    const struct zmtp_bytes username = zmtp__read_bytes(&r, (size_t)zmtp__read_be(&r, 1));
    const struct zmtp_bytes password = zmtp__read_bytes(&r, (size_t)zmtp__read_be(&r, 1));
    if (r.bad || r.left > 0)
        return zmtp__mech_fail(session, ZMTP_ERR_COMMAND, "the client's HELLO is malformed");

    uint8_t *const memory = session->memory.plain;
    if (username.size > 0) memcpy(memory, username.data, username.size);
    if (password.size > 0) memcpy(memory + username.size, password.data, password.size);
    session->credentials = (struct zmtp_credentials){
        .mechanism = ZMTP_PLAIN,
        .username = {memory, username.size},
        .password = {memory + username.size, password.size},
    };
    session->asking = true;
    session->step = ZMTP__STEP_SAY_WELCOME;
    return ZMTP_OK;
}

static int plain_hear_welcome(struct zmtp__mech_session *session,
                              const struct zmtp_command *command)
{
    if (command->data.size > 0)
        return zmtp__mech_fail(session, ZMTP_ERR_COMMAND, "the server's WELCOME is malformed");
    session->suspicion = NULL;
    session->step = ZMTP__STEP_SAY_INITIATE;
    return ZMTP_OK;
}

static int plain_hear_metadata(struct zmtp__mech_session *session,
                               const struct zmtp_command *command, enum zmtp__mech_step next)
{
    session->theirs = command->data;
    session->heard = true;
    session->step = next;
    return ZMTP_OK;
}

// An ERROR in libzmq's odd form, told as the command that it was meant to be.
static bool plain_is_odd_error(struct zmtp_bytes body, struct zmtp_command *out)
{
    const size_t size = sizeof plain_odd_error;
    if (body.size < size || memcmp(body.data, plain_odd_error, size) != 0) return false;
    *out = (struct zmtp_command){{plain_odd_error, size}, {body.data + size, body.size - size}};
    return true;
}

static int plain_hear(struct zmtp__mech_session *session, uint8_t *octets, size_t size,
                      uint64_t now_ms)
{
    (void)now_ms; // nothing here grows old
    const struct zmtp_bytes body = {octets, size};
    struct zmtp_command command;
    const bool client = !session->security->server;
    if (client && session->step != ZMTP__STEP_DONE && plain_is_odd_error(body, &command))
        return zmtp__mech_hear_error(session, &command);
    const int result = zmtp_command_decode(body, &command);
    if (result < 0) return result;
    if (client && zmtp_command_is(&command, "ERROR"))
        return zmtp__mech_hear_error(session, &command);
    if (client && zmtp_command_is(&command, "HELLO"))
        return zmtp__mech_fail(session, ZMTP_ERR_COMMAND,
                               "both sides are PLAIN clients: one must be the server");
    if (session->step == ZMTP__STEP_HEAR_HELLO && zmtp_command_is(&command, "HELLO"))
        return plain_hear_hello(session, &command);
    if (session->step == ZMTP__STEP_HEAR_WELCOME && zmtp_command_is(&command, "WELCOME"))
        return plain_hear_welcome(session, &command);
    if (session->step == ZMTP__STEP_HEAR_INITIATE && zmtp_command_is(&command, "INITIATE"))
        return plain_hear_metadata(session, &command, ZMTP__STEP_SAY_READY);
    if (session->step == ZMTP__STEP_HEAR_READY && zmtp_command_is(&command, "READY"))
        return plain_hear_metadata(session, &command, ZMTP__STEP_DONE);
    return zmtp__mech_fail(session, ZMTP_ERR_COMMAND,
                           "a command came that is not due in this handshake of PLAIN");
}

static bool plain_done(const struct zmtp__mech_session *session)
{
    return session->step == ZMTP__STEP_DONE;
}

const struct zmtp__mech zmtp__mech_plain = {
    .name = "PLAIN",
    .say = plain_say,
    .hear = plain_hear,
    .done = plain_done,
};
