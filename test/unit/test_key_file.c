// Certificates as czmq and pyzmq write them.
#include "test/support/octets.h"
#include "test/support/security.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define PUBLIC "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
#define SECRET "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"

// As zmq.auth.create_certificates of pyzmq writes the secret one.
#define CERTIFICATE                                                                                \
    "#   ****  Generated on 2026-11-21 03:10:27.474243 by pyzmq  ****\n"                           \
    "#   ZeroMQ CURVE **Secret** Certificate\n"                                                    \
    "#   DO NOT PROVIDE THIS FILE TO OTHER USERS nor change its permissions.\n\n"                  \
    "metadata\n"                                                                                   \
    "curve\n"                                                                                      \
    "    public-key = \"" PUBLIC "\"\n"                                                            \
    "    secret-key = \"" SECRET "\"\n"

static void check_keys(const struct zmtp_key_file *file, bool with_secret)
{
    char text[ZMTP_KEY_TEXT_SIZE];
    assert_true(file->has_public);
    zmtp_key_encode(&file->keys.public_key, text);
    assert_string_equal(text, PUBLIC);
    assert_int_equal(file->has_secret, with_secret);
    zmtp_key_encode(&file->keys.secret_key, text);
    if (with_secret) assert_string_equal(text, SECRET);
    if (!with_secret) assert_true(zmtp_key_is_zero(&file->keys.secret_key));
}

static void test_a_secret_certificate_of_pyzmq_is_read(void **state)
{
    (void)state;
    struct zmtp_key_file file;
    assert_int_equal(zmtp_key_file_decode(LITERAL(CERTIFICATE), &file), ZMTP_OK);
    check_keys(&file, true);
}

static void test_other_ways_to_write_the_same_are_read(void **state)
{
    (void)state;
    const char *const forms[] = {
        "curve\n    public-key = \"" PUBLIC "\"", // no end of line
        "curve\r\n\tpublic-key='" PUBLIC "'\r\n",
        "curve\n  public-key   =   " PUBLIC "  \n",
        // Metadata of czmq, with a name that would mislead a careless reader.
        "metadata\n    email = \"a@b\"\n    public-key = \"not this one\"\ncurve\n"
        "    public-key = \"" PUBLIC "\"\n",
        "curve\n    # secret-key = \"" SECRET "\"\n\n    public-key = \"" PUBLIC
        "\"\n    other = 1\n"
        "    lonely\nmore\n    secret-key = \"wrong\"\n",
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct zmtp_key_file file;
        assert_int_equal(zmtp_key_file_decode(zmtp_bytes_text(forms[i]), &file), ZMTP_OK);
        check_keys(&file, false);
    }
}

static void test_what_is_no_certificate_is_refused_and_nothing_is_written(void **state)
{
    (void)state;
    const char *const wrong[] = {
        "",
        "curve\n",
        "public-key = \"" PUBLIC "\"\n",               // in no section
        "metadata\n    public-key = \"" PUBLIC "\"\n", // in another
        "curve\n    public-key = \"" PUBLIC "\n",      // no closing quote
        "curve\n    public-key = \"" PUBLIC "'\n",     // another one
        "curve\n    public-key = \"" PUBLIC "x\"\n",   // too long
        "curve\n    public-key = \"\"\n",              //
        "curve\n    public-key =\n",                   //
        "curve\n    secret-key = \"" SECRET "\"\n",    // only the secret one
        "curve\n    public-key = \"" PUBLIC "\"\n    public-key = \"" PUBLIC "\"\n",
        "curve\n    public-key = \"" PUBLIC "\"\n    secret-key = \"" SECRET "#\"\n",
        "curve\n    Public-Key = \"" PUBLIC "\"\n",
        "-----BEGIN PRIVATE KEY-----\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct zmtp_key_file file;
        memset(&file, 0xA5, sizeof file);
        const struct zmtp_key_file before = file;
        assert_int_equal(zmtp_key_file_decode(zmtp_bytes_text(wrong[i]), &file), ZMTP_ERR_ARGUMENT);
        assert_memory_equal(&file, &before, sizeof file);
    }
}

static void test_a_text_beyond_the_limit_is_refused(void **state)
{
    (void)state;
    static char text[ZMTP_KEY_FILE_MAX + 1];
    const char certificate[] = "curve\n public-key=" PUBLIC "\n";
    memset(text, '\n', sizeof text);
    memcpy(text, certificate, sizeof certificate - 1);
    struct zmtp_key_file file;
    assert_int_equal(zmtp_key_file_decode(zmtp_bytes_of(text, ZMTP_KEY_FILE_MAX), &file), ZMTP_OK);
    assert_int_equal(zmtp_key_file_decode(zmtp_bytes_of(text, ZMTP_KEY_FILE_MAX + 1), &file),
                     ZMTP_ERR_ARGUMENT);
}

static void test_what_is_written_reads_back_and_only_one_kind_has_the_secret(void **state)
{
    (void)state;
    struct zmtp_key_file file;
    struct zmtp_key_pair keys;
    char text[1024];
    assert_int_equal(zmtp_key_decode(LITERAL(PUBLIC), &keys.public_key), ZMTP_OK);
    assert_int_equal(zmtp_key_decode(LITERAL(SECRET), &keys.secret_key), ZMTP_OK);
    for (int with_secret = 0; with_secret <= 1; with_secret++) {
        const int size = zmtp_key_file_encode(&keys, with_secret, text, sizeof text);
        assert_true(size > 0);
        assert_int_equal(zmtp_key_file_decode(zmtp_bytes_of(text, (size_t)size), &file), ZMTP_OK);
        check_keys(&file, with_secret);
        for (int small = 0; small < size; small++)
            assert_int_equal(zmtp_key_file_encode(&keys, with_secret, text, (size_t)small),
                             ZMTP_ERR_LIMIT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_secret_certificate_of_pyzmq_is_read),
        cmocka_unit_test(test_other_ways_to_write_the_same_are_read),
        cmocka_unit_test(test_what_is_no_certificate_is_refused_and_nothing_is_written),
        cmocka_unit_test(test_a_text_beyond_the_limit_is_refused),
        cmocka_unit_test(test_what_is_written_reads_back_and_only_one_kind_has_the_secret),
    };
    return cmocka_run_group_tests_name("key_file", tests, NULL, NULL);
}
