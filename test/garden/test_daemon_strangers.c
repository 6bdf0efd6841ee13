// How many of those who are turned away the log tells of.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "garden/daemon/strangers.h"

static void test_a_flood_has_some_lines_in_a_minute_and_the_rest_is_counted(void **state)
{
    (void)state;
    struct strangers strangers = {0};
    const uint64_t begun_ms = 5;
    unsigned lines = 0;
    for (unsigned i = 0; i < 1000; i++)
        lines += strangers_tell(&strangers, begun_ms + i, "shell", "tcp://192.0.2.1:5", "a test");
    assert_int_equal(lines, STRANGERS_LINES_MAX);
    assert_int_equal(strangers_look(&strangers, begun_ms + STRANGERS_SPAN_MS - 1, false), 0);
    assert_int_equal(strangers_look(&strangers, begun_ms + STRANGERS_SPAN_MS, false),
                     1000 - STRANGERS_LINES_MAX);
    assert_int_equal(strangers_look(&strangers, begun_ms + STRANGERS_SPAN_MS, true), 0);
    const uint64_t later_ms = begun_ms + UINT64_C(5) * STRANGERS_SPAN_MS;
    lines = 0;
    for (unsigned i = 0; i < 20; i++)
        lines += strangers_tell(&strangers, later_ms, "shell", "tcp://192.0.2.1:5", "a test");
    assert_int_equal(lines, STRANGERS_LINES_MAX);
    assert_int_equal(strangers_look(&strangers, later_ms, true), 20 - STRANGERS_LINES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_flood_has_some_lines_in_a_minute_and_the_rest_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
