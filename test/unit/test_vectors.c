// What libzmq was recorded to send, held against our decoders and encoders line by line. The format
// of a file and of an annotation is in test/vectors/README.md.
#include "test/support/octets.h"
#include "zmtp/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define FOLDER "test/vectors/libzmq"
enum { LINE_MAX_SIZE = 4096, OCTETS_MAX = 2048, FILES_LEAST = 48, LINES_LEAST = 350 };

// One line of a recording. A greeting comes in parts, and |octets| is then all of it so far.
struct line {
    bool from_libzmq, greeting;
    struct zmtp_bytes octets;
    const char *annotation;
};

// One file being read: what each side has sent of its greeting.
struct recording {
    FILE *file;
    uint8_t greeted[2][ZMTP_GREETING_SIZE];
    size_t greeted_size[2];
    bool greeted_whole[2];
    char text[LINE_MAX_SIZE];
    uint8_t octets[OCTETS_MAX];
};

// A description in the words of the annotations.
struct description {
    char text[LINE_MAX_SIZE];
    size_t size;
};

static void describe(struct description *d, const char *text)
{
    const size_t size = strlen(text);
    assert_true(size < sizeof d->text - d->size);
    memcpy(d->text + d->size, text, size + 1);
    d->size += size;
}

static void describe_octets(struct description *d, struct zmtp_bytes octets)
{
    for (size_t i = 0; i < octets.size; i++) {
        const unsigned octet = octets.data[i];
        const bool plain = octet > 0x20 && octet < 0x7F && octet != '%';
        char text[4];
        (void)snprintf(text, sizeof text, plain ? "%c" : "%%%02x", octet);
        describe(d, text);
    }
}

static void describe_refusal(struct description *d, int error)
{
    *d = (struct description){0};
    describe(d, "refused ");
    describe(d, zmtp_err_name(error));
}

static void describe_greeting(struct description *d, struct zmtp_bytes octets)
{
    struct zmtp_greeting greeting;
    const int used = zmtp_greeting_decode(octets, &greeting);
    if (used < 0) {
        describe_refusal(d, used);
    } else if (used == 0) {
        describe(d, "greeting, to be continued");
    } else {
        assert_int_equal(used, octets.size);
        (void)snprintf(d->text, sizeof d->text, "greeting %u.%u %s as-server=%d", greeting.major,
                       greeting.minor, greeting.mechanism, greeting.as_server);
    }
}

static int describe_metadata(struct description *d, struct zmtp_bytes metadata)
{
    const int error = zmtp_metadata_check(metadata, ZMTP_DEFAULT_PROPERTIES_MAX);
    if (error < 0) return error;
    struct zmtp_property property;
    while (zmtp_property_next(&metadata, &property) > 0) {
        describe(d, " ");
        describe_octets(d, property.name);
        describe(d, "=");
        describe_octets(d, property.value);
    }
    return ZMTP_OK;
}

static int describe_data(struct description *d, const struct zmtp_command *command)
{
    struct zmtp_bytes view = command->data;
    struct zmtp_ping ping;
    int result = ZMTP_OK;
    if (zmtp_command_is(command, "READY")) return describe_metadata(d, command->data);
    if (zmtp_command_is(command, "PING")) {
        result = zmtp_ping_decode(command->data, &ping);
        if (result < 0) return result;
        char text[32];
        (void)snprintf(text, sizeof text, " ttl_ms=%lu", (unsigned long)ping.ttl_ms);
        describe(d, text);
        describe(d, " context=");
        view = ping.context;
    } else if (zmtp_command_is(command, "PONG")) {
        result = zmtp_pong_decode(command->data, &view);
        describe(d, " context=");
    } else if (zmtp_command_is(command, "ERROR")) {
        result = zmtp_error_decode(command->data, &view);
        describe(d, " reason=");
    } else {
        describe(d, " data=");
    }
    if (result == ZMTP_OK) describe_octets(d, view);
    return result;
}

static int describe_body(struct description *d, const struct zmtp_frame *frame,
                         struct zmtp_bytes body)
{
    if (!frame->command) {
        (void)snprintf(d->text, sizeof d->text, "message %s size=%lu",
                       frame->more ? "more" : "last", (unsigned long)body.size);
        return ZMTP_OK;
    }
    struct zmtp_command command;
    const int error = zmtp_command_decode(body, &command);
    if (error < 0) return error;
    describe(d, "command ");
    describe_octets(d, command.name);
    return describe_data(d, &command);
}

static void describe_frame(struct description *d, struct zmtp_bytes octets)
{
    struct zmtp_frame frame;
    int result = zmtp_frame_decode(octets, &frame);
    if (result > 0) {
        const size_t header = (size_t)result;
        assert_true(frame.size == octets.size - header); // a line is one whole frame
        result =
            describe_body(d, &frame, zmtp_bytes_of(octets.data + header, octets.size - header));
    }
    if (result < 0) describe_refusal(d, result);
}

// Reads |hex| up to the blank that ends it; returns what follows.
static const char *read_hex(struct recording *r, const char *hex, size_t *size)
{
    *size = 0;
    while (*hex != ' ') {
        unsigned octet;
        int used = 0;
        assert_true(*size < sizeof r->octets);
        assert_int_equal(sscanf(hex, "%2x%n", &octet, &used), 1);
        assert_int_equal(used, 2);
        r->octets[(*size)++] = (uint8_t)octet;
        hex += used;
    }
    return hex;
}

// The octets of a greeting so far, with those that were just read.
static struct zmtp_bytes greeting_so_far(struct recording *r, bool from_libzmq, size_t size)
{
    size_t *const filled = &r->greeted_size[from_libzmq];
    assert_true(size <= ZMTP_GREETING_SIZE - *filled);
    memcpy(r->greeted[from_libzmq] + *filled, r->octets, size);
    *filled += size;
    r->greeted_whole[from_libzmq] = *filled == ZMTP_GREETING_SIZE;
    return zmtp_bytes_of(r->greeted[from_libzmq], *filled);
}

// The next line with octets; false at the file's end.
static bool next_line(struct recording *r, struct line *line)
{
    while (fgets(r->text, sizeof r->text, r->file)) {
        const size_t length = strcspn(r->text, "\n");
        assert_int_equal(r->text[length], '\n'); // else the line is longer than the buffer
        r->text[length] = 0;
        if (r->text[0] == '#' || r->text[0] == '=') continue;
        assert_true(strncmp(r->text, "> ", 2) == 0 || strncmp(r->text, "< ", 2) == 0);

        size_t size;
        const char *const rest = read_hex(r, r->text + 2, &size);
        assert_int_equal(strncmp(rest, " # ", 3), 0);
        line->from_libzmq = r->text[0] == '>';
        line->annotation = rest + 3;
        line->greeting = !r->greeted_whole[line->from_libzmq];
        line->octets = line->greeting ? greeting_so_far(r, line->from_libzmq, size)
                                      : zmtp_bytes_of(r->octets, size);
        return true;
    }
    return false;
}

// Gives |check| every line of every file, and fails when there are fewer than were recorded.
static void for_each_line(void (*check)(const struct line *line))
{
    DIR *const folder = opendir(FOLDER);
    assert_non_null(folder); // tests run from the top of the tree
    size_t files = 0, lines = 0;
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (entry->d_name[0] == '.') continue;
        char path[sizeof FOLDER + 1 + sizeof entry->d_name];
        (void)snprintf(path, sizeof path, FOLDER "/%s", entry->d_name);
        struct recording recording = {.file = fopen(path, "r")};
        assert_non_null(recording.file);
        struct line line;
        while (next_line(&recording, &line)) {
            check(&line);
            lines++;
        }
        (void)fclose(recording.file); // it was only read
        files++;
    }
    (void)closedir(folder);
    assert_true(files >= FILES_LEAST);
    assert_true(lines >= LINES_LEAST);
}

static void check_annotation(const struct line *line)
{
    struct description d = {0};
    if (line->greeting) {
        describe_greeting(&d, line->octets);
    } else {
        describe_frame(&d, line->octets);
    }
    assert_string_equal(d.text, line->annotation);
}

// ZMTP37-GRAM-01 to GRAM-08, VER-05, FRAME-01 to FRAME-03, NULL-04, NULL-07, SUB-02, SUB-03, HB-01,
// HB-02 and LZ-01, LZ-02, LZ-04, LZ-09, LZ-11, LZ-12, LZ-15, LZ-26, LZ-41 as they are on the wire.
static void test_every_line_is_what_its_annotation_says(void **state)
{
    (void)state;
    for_each_line(check_annotation);
}

static int decode_greeting(struct zmtp_bytes in)
{
    struct zmtp_greeting greeting;
    return zmtp_greeting_decode(in, &greeting);
}

static int decode_frame(struct zmtp_bytes in)
{
    struct zmtp_frame frame;
    return zmtp_frame_decode(in, &frame);
}

static void check_prefixes(const struct line *line)
{
    int result;
    if (line->greeting) {
        const size_t first = octets_verdict(line->octets, decode_greeting, &result);
        if (result > 0) assert_int_equal(first, ZMTP_GREETING_SIZE);
        if (line->from_libzmq) assert_true(result >= 0);
    } else {
        const size_t first = octets_verdict(line->octets, decode_frame, &result);
        assert_int_equal(first, result > 0 ? (size_t)result : 1);
    }
}

static void test_every_prefix_of_a_line_gets_the_same_verdict(void **state)
{
    (void)state;
    for_each_line(check_prefixes);
}

static void check_greeting_encoded(struct zmtp_bytes octets)
{
    struct zmtp_greeting greeting;
    if (zmtp_greeting_decode(octets, &greeting) == 0) return; // more of it is to come
    uint8_t ours[ZMTP_GREETING_SIZE];
    zmtp_greeting_encode(&greeting, ours);
    ours[8] = octets.data[8]; // padding: libzmq puts its routing id's size there
    octets_assert_equal(zmtp_bytes_of(ours, sizeof ours), octets);
}

static void check_encoded(const struct line *line)
{
    if (!line->from_libzmq) return; // what we said is bad on purpose here and there
    if (line->greeting) {
        check_greeting_encoded(line->octets);
        return;
    }
    struct zmtp_frame frame;
    struct zmtp_command command;
    uint8_t ours[OCTETS_MAX];
    const int header = zmtp_frame_decode(line->octets, &frame);
    assert_true(header > 0);
    assert_int_equal(zmtp_frame_encode(&frame, ours), header);
    octets_assert_equal(zmtp_bytes_of(ours, (size_t)header),
                        zmtp_bytes_of(line->octets.data, (size_t)header));
    if (!frame.command) return;
    const struct zmtp_bytes body =
        zmtp_bytes_of(line->octets.data + header, line->octets.size - (size_t)header);
    if (zmtp_command_decode(body, &command) < 0) return; // LZ-15, and its annotation says so
    const int size = zmtp_command_encode(&command, ours, sizeof ours);
    assert_true(size > 0);
    octets_assert_equal(zmtp_bytes_of(ours, (size_t)size), line->octets);
}

static void test_what_libzmq_sends_is_what_we_would_send(void **state)
{
    (void)state;
    for_each_line(check_encoded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_line_is_what_its_annotation_says),
        cmocka_unit_test(test_every_prefix_of_a_line_gets_the_same_verdict),
        cmocka_unit_test(test_what_libzmq_sends_is_what_we_would_send),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
