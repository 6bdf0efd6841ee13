// A MIDI port of ALSA, which few machines that build this have: its driver against as much of the library's
// interface as it asks for, with a pipe behind it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "garden/daemon/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#ifdef GARDEN_ALSA
#include <alsa/asoundlib.h>

// Each function stands before the library's.
static struct port {
    int ends[2];
    bool missing, broken;
    size_t xruns, buffer_size;
    int opened, held; // what must be closed, and freed, again
    char name[32];
} port;

int snd_rawmidi_open(snd_rawmidi_t **in, snd_rawmidi_t **out, const char *name, int mode)
{
    assert_null(out);
    assert_true(mode & SND_RAWMIDI_NONBLOCK);
    snprintf(port.name, sizeof port.name, "%s", name);
    if (port.missing) return -ENOENT;
    port.opened++;
    *in = (snd_rawmidi_t *)(void *)&port;
    return 0;
}

int snd_rawmidi_close(snd_rawmidi_t *rawmidi)
{
    assert_ptr_equal(rawmidi, &port);
    port.opened--;
    return 0;
}

ssize_t snd_rawmidi_read(snd_rawmidi_t *rawmidi, void *buffer, size_t size)
{
    assert_ptr_equal(rawmidi, &port);
    if (port.broken) return -ENODEV;
    const ssize_t got = read(port.ends[0], buffer, size);
    return got < 0 ? -errno : got;
}

int snd_rawmidi_poll_descriptors(snd_rawmidi_t *rawmidi, struct pollfd *polls, unsigned int space)
{
    assert_ptr_equal(rawmidi, &port);
    assert_true(space >= 1);
    polls[0] = (struct pollfd){.fd = port.ends[0], .events = POLLIN};
    return 1;
}

int snd_rawmidi_status_malloc(snd_rawmidi_status_t **out)
{
    port.held++;
    *out = (snd_rawmidi_status_t *)(void *)&port;
    return 0;
}

void snd_rawmidi_status_free(snd_rawmidi_status_t *status)
{
    assert_ptr_equal(status, &port);
    port.held--;
}

int snd_rawmidi_status(snd_rawmidi_t *rawmidi, snd_rawmidi_status_t *status)
{
    assert_ptr_equal(rawmidi, status);
    return 0;
}

// Asking takes them away, as the kernel does.
size_t snd_rawmidi_status_get_xruns(const snd_rawmidi_status_t *status)
{
    assert_ptr_equal(status, &port);
    const size_t xruns = port.xruns;
    port.xruns = 0;
    return xruns;
}

int snd_rawmidi_params_malloc(snd_rawmidi_params_t **out)
{
    port.held++;
    *out = (snd_rawmidi_params_t *)(void *)&port;
    return 0;
}

void snd_rawmidi_params_free(snd_rawmidi_params_t *params)
{
    assert_ptr_equal(params, &port);
    port.held--;
}

int snd_rawmidi_params_current(snd_rawmidi_t *rawmidi, snd_rawmidi_params_t *params)
{
    assert_ptr_equal(rawmidi, params);
    return 0;
}

int snd_rawmidi_params_set_buffer_size(snd_rawmidi_t *rawmidi, snd_rawmidi_params_t *params,
                                       size_t size)
{
    assert_ptr_equal(rawmidi, params);
    port.buffer_size = size;
    return 0;
}

int snd_rawmidi_params(snd_rawmidi_t *rawmidi, snd_rawmidi_params_t *params)
{
    assert_ptr_equal(rawmidi, params);
    return 0;
}

// ----

static struct source *open_port(void)
{
    struct source_spec spec;
    struct source *source;
    struct garden_error error;
    memset(&port, 0, sizeof port);
    assert_int_equal(pipe2(port.ends, O_NONBLOCK | O_CLOEXEC), 0);
    assert_int_equal(source_spec_parse("keys=midi-alsa:hw:1,0,0", &spec, &error), GARDEN_OK);
    assert_int_equal(source_open(&source, &spec, &error), GARDEN_OK);
    assert_string_equal(port.name, "hw:1,0,0");
    assert_true(port.buffer_size >= 65536);
    assert_int_equal(source_info(source)->kind, GARDEN_STREAM_MIDI);
    assert_true(source_info(source)->live);
    return source;
}

static void close_port(struct source *source)
{
    source_close(source);
    close(port.ends[0]);
    if (port.ends[1] >= 0) close(port.ends[1]);
    assert_int_equal(port.opened, 0);
    assert_int_equal(port.held, 0);
}

static void play(const void *octets, size_t size)
{
    assert_int_equal(write(port.ends[1], octets, size), size);
}

// The next octets; as many reads as they take.
static size_t listen_to(struct source *source, uint8_t *out, size_t wanted)
{
    size_t got = 0;
    for (int i = 0; i < 8 && got < wanted; i++)
        got += source_read_midi(source, out + got, wanted - got);
    return got;
}

static void messages_of_a_port_come_whole_and_in_order(void **state)
{
    (void)state;
    static uint8_t out[256 + SOURCE_MESSAGE_MAX];
    static const uint8_t wanted[] = {0x90, 60, 1, 0x90, 62, 2, 0xC0, 7};
    struct source *source = open_port();
    play("\x90\x10\x10", 3);
    assert_true(source_rewind(source)); // that was before
    assert_int_equal(source_read_midi(source, out, 256), 0);
    assert_false(source_ended(source));
    play("\x90\x3c\x01\x3e", 4); // running status, and half a message
    assert_int_equal(listen_to(source, out, 3), 3);
    play("\x02\xc0\x07", 3);
    assert_int_equal(listen_to(source, out + 3, 5), 5);
    assert_memory_equal(out, wanted, sizeof wanted);
    assert_int_equal(source_lost(source), 0);
    assert_false(source_failed(source));
    close_port(source);
}

static void octets_that_nobody_read_in_time_are_told_as_lost(void **state)
{
    (void)state;
    static uint8_t out[256 + SOURCE_MESSAGE_MAX];
    struct source *source = open_port();
    port.xruns = 9; // of the past
    assert_true(source_rewind(source));
    play("\x90\x3c\x01", 3);
    assert_int_equal(listen_to(source, out, 3), 3);
    assert_int_equal(source_lost(source), 0);
    port.xruns = 5;
    play("\x90\x3e\x01", 3);
    uint64_t lost = 0;
    size_t got = 0;
    for (int i = 0; i < 8 && got < 3; i++) {
        got += source_read_midi(source, out + got, 256);
        lost += source_lost(source);
    }
    assert_int_equal(got, 3);
    assert_int_equal(lost, 5);
    close_port(source);
}

static void a_port_that_is_pulled_out_ends_the_source_as_failed(void **state)
{
    (void)state;
    static uint8_t out[256 + SOURCE_MESSAGE_MAX];
    struct source *source = open_port();
    assert_true(source_rewind(source));
    port.broken = true;
    close(port.ends[1]); // so that there is something to read
    port.ends[1] = -1;
    assert_int_equal(source_read_midi(source, out, 256), 0);
    assert_true(source_ended(source));
    assert_true(source_failed(source));
    close_port(source);
}

static void a_port_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct source_spec spec;
    struct source *source;
    struct garden_error error;
    memset(&port, 0, sizeof port);
    port.missing = true;
    assert_int_equal(source_spec_parse("midi-alsa:hw:7,0,0", &spec, &error), GARDEN_OK);
    assert_int_equal(source_open(&source, &spec, &error), GARDEN_ERR_NOT_FOUND);
    assert_non_null(strstr(error.text, "hw:7,0,0"));
    assert_non_null(strstr(error.text, "amidi"));
    assert_int_equal(port.opened, 0);
}

#else

static void a_port_that_is_not_there_is_named(void **state)
{
    (void)state;
    skip(); // this build has no ALSA
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef GARDEN_ALSA
        cmocka_unit_test(messages_of_a_port_come_whole_and_in_order),
        cmocka_unit_test(octets_that_nobody_read_in_time_are_told_as_lost),
        cmocka_unit_test(a_port_that_is_pulled_out_ends_the_source_as_failed),
#endif
        cmocka_unit_test(a_port_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
