// The cryptography that CURVE is given: NaCl's published example, and libsodium's own boxes of every
// size, since the parts that we call must make up the very same.
#include "test/support/octets.h"
#include "test/support/security.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

// D. J. Bernstein, "Cryptography in NaCl", the example that runs through the paper.
#define ALICE_SECRET "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
#define ALICE_PUBLIC "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
#define BOB_SECRET "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"
#define BOB_PUBLIC "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
#define FIRST_KEY "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389"
#define SECOND_KEY "dc908dda0b9344a953629b733820778880f3ceb421bb61b91cbd4c3e66256ce4"
#define NONCE "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37"
#define MESSAGE                                                                                    \
    "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c" \
    "61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f" \
    "21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705"
#define BOX                                                                                        \
    "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1" \
    "186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab9321645" \
    "48e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b" \
    "1f654cb45a74e355a5"
enum { MESSAGE_SIZE = 131, EACH_SIZE_TO = 4200, LARGE_TRIED = 60 };

static void test_the_published_example_comes_out_octet_for_octet(void **state)
{
    const struct zmtp_crypto *const crypto = *state;
    const struct zmtp_key alice_secret = test_key(ALICE_SECRET),
                          alice_public = test_key(ALICE_PUBLIC);
    const struct zmtp_key bob_secret = test_key(BOB_SECRET), bob_public = test_key(BOB_PUBLIC);
    const struct zmtp_key first = test_key(FIRST_KEY), second = test_key(SECOND_KEY);
    struct zmtp_key key;
    crypto->public_of(&key, &alice_secret);
    assert_true(zmtp_key_equal(&key, &alice_public));
    crypto->public_of(&key, &bob_secret);
    assert_true(zmtp_key_equal(&key, &bob_public));
    assert_true(crypto->agree(&key, &bob_public, &alice_secret));
    assert_true(zmtp_key_equal(&key, &first));
    assert_true(crypto->agree(&key, &alice_public, &bob_secret));
    assert_true(zmtp_key_equal(&key, &first));

    uint8_t nonce[ZMTP_NONCE_SIZE], room[ZMTP_SEAL_ROOM + MESSAGE_SIZE], box[16 + MESSAGE_SIZE];
    assert_int_equal(test_unhex(NONCE, nonce, sizeof nonce), sizeof nonce);
    assert_int_equal(test_unhex(MESSAGE, room + ZMTP_SEAL_ROOM, MESSAGE_SIZE), MESSAGE_SIZE);
    assert_int_equal(test_unhex(BOX, box, sizeof box), sizeof box);
    crypto->subkey(&key, &first, nonce);
    assert_true(zmtp_key_equal(&key, &second));
    crypto->seal(room, MESSAGE_SIZE, (struct zmtp_bytes){0}, nonce + 16, &key);
    octets_assert_equal(zmtp_bytes_of(room + 16, sizeof box), zmtp_bytes_of(box, sizeof box));
}

// A box of |size| octets is that of crypto_box_easy, wherever its octets lay, and is opened apart, in place, and a little
// before its place, as a connection does.
static void check_box(const struct zmtp_crypto *crypto, size_t size)
{
    const struct zmtp_key secret = test_key(ALICE_SECRET), public_key = test_key(BOB_PUBLIC);
    static struct zmtp_key key, subkey; // the scalar multiplication is once for all
    static uint8_t nonce[ZMTP_NONCE_SIZE];
    if (zmtp_key_is_zero(&key)) {
        (void)test_unhex(NONCE, nonce, sizeof nonce);
        assert_true(crypto->agree(&key, &public_key, &secret));
        crypto->subkey(&subkey, &key, nonce);
    }
    // Each of its own size, so that what is beyond it is found to be touched.
    uint8_t *const plain = malloc(size + 1), *const expected = malloc(size + 16);
    uint8_t *const room = malloc(ZMTP_SEAL_ROOM + size), *const out = malloc(size + 1);
    assert_true(plain && expected && room && out);
    for (size_t i = 0; i < size; i++)
        plain[i] = (uint8_t)(i * 7 + i / 256);
    assert_int_equal(crypto_box_easy_afternm(expected, plain, size, nonce, key.octets), 0);
    const size_t heads[] = {size, 0, 1, 480, 481};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        const size_t head = heads[i] < size ? heads[i] : size;
        memset(room, 0xA5, ZMTP_SEAL_ROOM + size);
        memcpy(room + ZMTP_SEAL_ROOM, plain, head);
        crypto->seal(room, head, zmtp_bytes_of(plain + head, size - head), nonce + 16, &subkey);
        octets_assert_equal(zmtp_bytes_of(room + 16, size + 16),
                            zmtp_bytes_of(expected, size + 16));
    }
    const size_t places[] = {32, 3}; // in |room|
    assert_true(crypto->open(out, room + 16, size + 16, nonce + 16, &subkey));
    assert_memory_equal(out, plain, size);
    for (size_t i = 0; i < 2; i++) {
        memcpy(room + 16, expected, size + 16);
        assert_true(crypto->open(room + places[i], room + 16, size + 16, nonce + 16, &subkey));
        assert_memory_equal(room + places[i], plain, size);
    }
    free(plain);
    free(expected);
    free(room);
    free(out);
}

// Whatever the parts are that a size is put together of.
static void test_boxes_of_every_size_are_those_of_crypto_box(void **state)
{
    for (size_t size = 0; size <= EACH_SIZE_TO; size++)
        check_box(*state, size);
    uint32_t random = 1; // the same ones in every run
    for (size_t i = 0; i < LARGE_TRIED; i++) {
        random = random * 1664525u + 1013904223u;
        check_box(*state, EACH_SIZE_TO + (random >> 8) % (i % 4 == 0 ? 2000000 : 70000));
    }
}

static void test_a_box_with_any_bit_changed_does_not_open_and_shows_nothing(void **state)
{
    const struct zmtp_crypto *const crypto = *state;
    const size_t sizes[] = {0, 1, 32, 33, 64, 225, 480, 481, 1504, 1505, 1600};
    const struct zmtp_key subkey = test_key(SECOND_KEY);
    const uint8_t nonce[8] = {1};
    for (size_t n = 0; n < sizeof sizes / sizeof sizes[0]; n++) {
        const size_t size = sizes[n];
        uint8_t room[ZMTP_SEAL_ROOM + 1600] = {0}, copy[16 + 1600], out[1600];
        crypto->seal(room, size, (struct zmtp_bytes){0}, nonce, &subkey);
        for (size_t octet = 0; octet < size + 16; octet += octet < 80 ? 1 : 61) {
            memcpy(copy, room + 16, size + 16);
            copy[octet] ^= (uint8_t)(1u << octet % 8);
            memset(out, 0xA5, sizeof out);
            assert_false(crypto->open(out, copy, size + 16, nonce, &subkey));
            for (size_t i = 0; i < size; i++)
                assert_int_equal(out[i], 0xA5);
        }
        // Nor with another nonce or key, nor cut short.
        const uint8_t other_nonce[8] = {2};
        const struct zmtp_key other_key = test_key(FIRST_KEY);
        memcpy(copy, room + 16, size + 16);
        assert_false(crypto->open(out, copy, size + 16, other_nonce, &subkey));
        assert_false(crypto->open(out, copy, size + 16, nonce, &other_key));
        assert_false(crypto->open(out, copy, size + 15, nonce, &subkey));
        assert_true(crypto->open(out, copy, size + 16, nonce, &subkey));
    }
}

// Public keys of small order: whatever the secret, the shared key would be known to everybody.
static void test_a_public_key_of_small_order_is_refused(void **state)
{
    const struct zmtp_crypto *const crypto = *state;
    const char *const weak[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    const struct zmtp_key secret = test_key(ALICE_SECRET);
    for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++) {
        const struct zmtp_key public_key = test_key(weak[i]);
        struct zmtp_key key;
        assert_false(crypto->agree(&key, &public_key, &secret));
    }
}

static void test_keys_made_at_random_differ_and_agree(void **state)
{
    const struct zmtp_crypto *const crypto = *state;
    struct zmtp_key_pair a, b;
    struct zmtp_key one, other;
    zmtp_key_generate(&a, crypto);
    zmtp_key_generate(&b, crypto);
    assert_false(zmtp_key_equal(&a.secret_key, &b.secret_key));
    assert_true(crypto->agree(&one, &a.public_key, &b.secret_key));
    assert_true(crypto->agree(&other, &b.public_key, &a.secret_key));
    assert_true(zmtp_key_equal(&one, &other));
}

static int set_up(void **state)
{
    static struct zmtp_crypto crypto;
    const struct zmtp_crypto *const sodium = zmtp_sodium();
    if (!sodium) return -1;
    crypto = *sodium;
    *state = &crypto;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_published_example_comes_out_octet_for_octet),
        cmocka_unit_test(test_boxes_of_every_size_are_those_of_crypto_box),
        cmocka_unit_test(test_a_box_with_any_bit_changed_does_not_open_and_shows_nothing),
        cmocka_unit_test(test_a_public_key_of_small_order_is_refused),
        cmocka_unit_test(test_keys_made_at_random_differ_and_agree),
    };
    return cmocka_run_group_tests_name("curve_sodium", tests, set_up, NULL);
}
