// zmtp-keygen: a pair of CURVE keys as the two certificates that czmq and pyzmq read.
#include <stdio.h>
#include <string.h>

#include <zmtp/curve.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char keygen_help[] =
    "usage: zmtp-keygen [--json] PATH\n"
    "       zmtp-keygen [--json] --show PATH\n"
    "       zmtp-keygen --help | --version\n"
    "\n"
    "Makes a pair of CURVE keys and writes two certificates: the public one to PATH, for\n"
    "everybody who is to know this side, and the secret one to PATH_secret, which only you can\n"
    "read. Neither file may exist yet. Prints the public key.\n"
    "\n"
    "  --show     make nothing, print the public key of the certificate at PATH\n"
    "  --json     print one JSON object instead of the key\n"
    "  --help     print this\n"
    "  --version  print the version of libzmtp\n"
    "\n"
    "Exit status: 0 done, 1 failed (stderr says why), 2 wrong usage.\n";

struct keygen {
    const char *path;
    bool show, json;
};

static int keygen_misused(const char *words, const char *what)
{
    fprintf(stderr, "zmtp-keygen: %s%s; try zmtp-keygen --help\n", words, what);
    return EXIT_USAGE;
}

static void keygen_print_json_string(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        const unsigned char octet = (unsigned char)*text;
        if (octet == '"' || octet == '\\')
            printf("\\%c", octet);
        else if (octet < 0x20)
            printf("\\u%04x", octet);
        else
            putchar(octet);
    }
    putchar('"');
}

// False: the output could not be written, and that is told.
static bool keygen_print(const struct keygen *keygen, const struct zmtp_key *public_key)
{
    char key[ZMTP_KEY_TEXT_SIZE];
    zmtp_key_encode(public_key, key);
    if (keygen->json) {
        printf("{\"public_key\":");
        keygen_print_json_string(key);
        printf(",\"file\":");
        keygen_print_json_string(keygen->path);
        printf("}\n");
    } else {
        printf("%s\n", key);
    }
    if (fflush(stdout) == 0 && !ferror(stdout)) return true;
    fprintf(stderr, "zmtp-keygen: %s: its public key could not be printed\n", keygen->path);
    return false;
}

static int keygen_failed(const struct keygen *keygen, int error)
{
    const char *words = zmtp_err_text(error);
    if (error == ZMTP_ERR_IN_USE)
        words = "it, or the same with _secret behind it, exists already; choose another path, "
                "or move the old pair away";
    if (error == ZMTP_ERR_NOT_FOUND)
        words = keygen->show ? "there is no such file" : "there is no such folder";
    if (error == ZMTP_ERR_ARGUMENT)
        words = keygen->show ? "this is no certificate with a public key" : "the path is too long";
    fprintf(stderr, "zmtp-keygen: %s: %s\n", keygen->path, words);
    return EXIT_FAILED;
}

static int keygen_show(const struct keygen *keygen)
{
    struct zmtp_key_file file;
    const int error = zmtp_key_file_load(&file, keygen->path);
    if (error < 0) return keygen_failed(keygen, error);
    const bool printed = keygen_print(keygen, &file.keys.public_key);
    zmtp_wipe(&file, sizeof file);
    return printed ? EXIT_DONE : EXIT_FAILED;
}

static int keygen_make(const struct keygen *keygen)
{
    const struct zmtp_crypto *const crypto = zmtp_sodium();
    struct zmtp_key_pair keys;
    if (!crypto) {
        fprintf(stderr,
                "zmtp-keygen: libsodium cannot be started, or was left out of this build\n");
        return EXIT_FAILED;
    }
    zmtp_key_generate(&keys, crypto);
    const struct zmtp_key public_key = keys.public_key;
    const int error = zmtp_key_file_save(&keys, keygen->path);
    zmtp_wipe(&keys, sizeof keys);
    if (error < 0) return keygen_failed(keygen, error);
    return keygen_print(keygen, &public_key) ? EXIT_DONE : EXIT_FAILED;
}

// -1: go on; else how it exits.
static int keygen_read(struct keygen *keygen, int argc, char *argv[])
{
    bool options = true;
    for (int i = 1; i < argc; i++) {
        const char *const word = argv[i];
        if (options && strcmp(word, "--help") == 0) {
            fputs(keygen_help, stdout);
            return EXIT_DONE;
        }
        if (options && strcmp(word, "--version") == 0) {
            puts("zmtp-keygen (libzmtp) " ZMTP_VERSION);
            return EXIT_DONE;
        }
        if (options && strcmp(word, "--") == 0)
            options = false;
        else if (options && strcmp(word, "--json") == 0)
            keygen->json = true;
        else if (options && strcmp(word, "--show") == 0)
            keygen->show = true;
        else if (options && word[0] == '-')
            return keygen_misused("unknown option ", word);
        else if (keygen->path)
            return keygen_misused("one path at a time, and this is another: ", word);
        else
            keygen->path = word;
    }
    if (!keygen->path || !keygen->path[0]) return keygen_misused("a PATH is missing", "");
    return -1;
}

int main(int argc, char *argv[])
{
    struct keygen keygen = {.path = NULL};
    const int exit_status = keygen_read(&keygen, argc, argv);
    if (exit_status >= 0) return exit_status;
    return keygen.show ? keygen_show(&keygen) : keygen_make(&keygen);
}
