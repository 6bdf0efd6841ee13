// CURVE against octets recorded from libzmq (vectors/record_curve.py): given the same keys and the same
// randomness our side says what the recorder said, which libzmq understood, and it understands what
// libzmq said.
#include "test/support/octets.h"
#include "test/support/security.h"
#include "zmtp/mech/mech.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

enum { LINE_SIZE = 4096, OCTETS = 2048 };

struct recording {
    FILE *file;
    char word[32];
    uint8_t octets[OCTETS];
    size_t size;
    uint8_t random[OCTETS]; // what the recorder took for random, in the order of its use
    size_t random_size, random_used;
    struct zmtp_crypto crypto;
};

static void recorded_random(void *context, uint8_t *out, size_t size)
{
    struct recording *r = context;
    assert_true(size <= r->random_size - r->random_used);
    memcpy(out, r->random + r->random_used, size);
    r->random_used += size;
}

// The next line: a word and octets. False at the end.
static bool recording_next(struct recording *r)
{
    char line[LINE_SIZE];
    do {
        if (!fgets(line, sizeof line, r->file)) return false;
    } while (line[0] == '#');
    line[strcspn(line, "\n")] = '\0';
    char *const space = strchr(line, ' ');
    assert_non_null(space);
    *space = '\0';
    assert_true(strlen(line) < sizeof r->word);
    strcpy(r->word, line);
    r->size = test_unhex(space + 1, r->octets, sizeof r->octets);
    return true;
}

// The next line, which must have this word.
static struct zmtp_bytes recording_take(struct recording *r, const char *word)
{
    assert_true(recording_next(r));
    assert_string_equal(r->word, word);
    return zmtp_bytes_of(r->octets, r->size);
}

static struct zmtp_key recording_key(struct recording *r, const char *word)
{
    const struct zmtp_bytes octets = recording_take(r, word);
    struct zmtp_key key;
    assert_int_equal(octets.size, sizeof key.octets);
    memcpy(key.octets, octets.data, octets.size);
    return key;
}

static void recording_open(struct recording *r, const char *path)
{
    *r = (struct recording){.file = fopen(path, "r"), .crypto = *zmtp_sodium()};
    assert_non_null(r->file);
    r->crypto.random = recorded_random;
    r->crypto.context = r;
}

static void recording_take_random(struct recording *r)
{
    const struct zmtp_bytes random = recording_take(r, "random");
    memcpy(r->random, random.data, random.size);
    r->random_size = random.size;
}

static void recording_close(struct recording *r)
{
    assert_false(recording_next(r));
    assert_int_equal(r->random_used, r->random_size);
    assert_int_equal(fclose(r->file), 0);
}

static void hears(struct recording *r, struct zmtp__mech_session *session)
{
    const struct zmtp_bytes octets = recording_take(r, ">");
    struct zmtp_frame frame;
    const int header = zmtp_frame_decode(octets, &frame);
    assert_true(header > 0 && frame.command);
    assert_int_equal(session->mech->hear(session, r->octets + header, (size_t)frame.size, 1),
                     ZMTP_OK);
}

static void says(struct recording *r, struct zmtp__mech_session *session)
{
    uint8_t out[OCTETS];
    const int said = session->mech->say(session, out, sizeof out);
    assert_true(said > 0);
    octets_assert_equal(zmtp_bytes_of(out, (size_t)said), recording_take(r, "<"));
}

static void opens(struct recording *r, struct zmtp__seal *seal)
{
    uint8_t message[OCTETS], payload[OCTETS];
    const struct zmtp_bytes octets = recording_take(r, ">");
    struct zmtp_frame frame;
    const int header = zmtp_frame_decode(octets, &frame);
    assert_true(header > 0 && !frame.command && !frame.more); // LZ-17
    memcpy(message, octets.data + header, (size_t)frame.size);
    uint8_t *const at = message + ZMTP__SEAL_PAYLOAD;
    const int64_t size = zmtp__seal_open(seal, message, (size_t)frame.size, at);
    assert_true(size > 0);
    memcpy(payload, at, (size_t)size);
    octets_assert_equal(zmtp_bytes_of(payload, (size_t)size), recording_take(r, "payload"));
}

static void seals(struct recording *r, struct zmtp__seal *seal)
{
    uint8_t out[OCTETS];
    const struct zmtp_bytes payload = recording_take(r, "payload");
    const struct zmtp_bytes body = {payload.data + 1, payload.size - 1};
    const struct zmtp_frame frame = {.size = body.size, .more = payload.data[0] & 1};
    assert_int_equal(zmtp__seal_frame(seal, &frame, body, out), ZMTP_OK);
    octets_assert_equal(zmtp_bytes_of(out, zmtp__seal_size(body.size)), recording_take(r, "<"));
}

static void test_a_client_of_libzmq_is_served_octet_for_octet(void **state)
{
    (void)state;
    static struct recording r;
    struct zmtp_security security = {.mechanism = ZMTP_CURVE, .server = true, .crypto = &r.crypto};
    struct zmtp__mech_session session;
    struct zmtp__seal seal;
    uint8_t metadata[OCTETS];
    recording_open(&r, "test/vectors/curve/client.txt");
    security.keys.secret_key = recording_key(&r, "server-secret");
    r.crypto.public_of(&security.keys.public_key, &security.keys.secret_key);
    const struct zmtp_key client = recording_key(&r, "client-public");
    const struct zmtp_bytes ours = recording_take(&r, "metadata");
    memcpy(metadata, ours.data, ours.size);
    assert_int_equal(zmtp__mech_init(&session, &security, zmtp_bytes_of(metadata, ours.size)),
                     ZMTP_OK);
    recording_take_random(&r);
    hears(&r, &session);
    says(&r, &session);
    hears(&r, &session);
    assert_true(session.asking);
    assert_true(zmtp_key_equal(&session.credentials.public_key, &client));
    struct zmtp_bytes value;
    assert_int_equal(zmtp_metadata_find(session.theirs, "Socket-Type", &value), ZMTP_OK);
    octets_assert_equal(value, LITERAL("SUB"));
    zmtp__mech_allow(&session);
    says(&r, &session);
    session.mech->seal(&session, &seal);
    opens(&r, &seal);
    seals(&r, &seal);
    seals(&r, &seal);
    recording_close(&r);
}

static void test_a_server_of_libzmq_is_met_octet_for_octet(void **state)
{
    (void)state;
    static struct recording r;
    struct zmtp_security security = {.mechanism = ZMTP_CURVE, .crypto = &r.crypto};
    struct zmtp__mech_session session;
    struct zmtp__seal seal;
    uint8_t metadata[OCTETS];
    recording_open(&r, "test/vectors/curve/server.txt");
    security.server_key = recording_key(&r, "server-public");
    security.keys.secret_key = recording_key(&r, "client-secret");
    r.crypto.public_of(&security.keys.public_key, &security.keys.secret_key);
    const struct zmtp_bytes ours = recording_take(&r, "metadata");
    memcpy(metadata, ours.data, ours.size);
    assert_int_equal(zmtp__mech_init(&session, &security, zmtp_bytes_of(metadata, ours.size)),
                     ZMTP_OK);
    recording_take_random(&r);
    says(&r, &session);
    hears(&r, &session);
    says(&r, &session);
    hears(&r, &session);
    struct zmtp_bytes value;
    assert_int_equal(zmtp_metadata_find(session.theirs, "Socket-Type", &value), ZMTP_OK);
    octets_assert_equal(value, LITERAL("ROUTER"));
    assert_true(session.mech->done(&session));
    session.mech->seal(&session, &seal);
    seals(&r, &seal);
    seals(&r, &seal);
    opens(&r, &seal);
    recording_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_client_of_libzmq_is_served_octet_for_octet),
        cmocka_unit_test(test_a_server_of_libzmq_is_met_octet_for_octet),
    };
    return cmocka_run_group_tests_name("curve_vectors", tests, NULL, NULL);
}
