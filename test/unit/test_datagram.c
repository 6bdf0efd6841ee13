// A RADIO's datagrams, octet by octet.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/support/octets.h"
#include "zmtp/wire.h"

static struct zmtp_datagram decoded(struct zmtp_bytes in)
{
    struct zmtp_datagram datagram;
    assert_int_equal(zmtp_datagram_decode(in, &datagram), ZMTP_OK);
    return datagram;
}

static void test_the_group_stands_before_the_body_behind_its_size(void **state)
{
    (void)state;
    const struct zmtp_datagram datagram = decoded(LITERAL("\x02tvmovie"));
    octets_assert_equal(datagram.group, LITERAL("tv"));
    octets_assert_equal(datagram.body, LITERAL("movie"));
}

static void test_group_and_body_may_be_empty(void **state)
{
    (void)state;
    struct zmtp_datagram datagram = decoded(LITERAL("\0body"));
    assert_int_equal(datagram.group.size, 0);
    octets_assert_equal(datagram.body, LITERAL("body"));
    datagram = decoded(LITERAL("\x05group"));
    octets_assert_equal(datagram.group, LITERAL("group"));
    assert_int_equal(datagram.body.size, 0);
    datagram = decoded(LITERAL("\0"));
    assert_int_equal(datagram.group.size + datagram.body.size, 0);
}

static void test_one_that_is_shorter_than_its_group_is_none(void **state)
{
    (void)state;
    struct zmtp_datagram datagram;
    const struct zmtp_bytes whole = LITERAL("\x05group");
    for (size_t size = 0; size < whole.size; size++) {
        const struct zmtp_bytes prefix = octets_prefix(whole, size);
        assert_int_equal(zmtp_datagram_decode(prefix, &datagram), ZMTP_ERR_FRAME);
        octets_drop(prefix);
    }
    assert_int_equal(zmtp_datagram_decode((struct zmtp_bytes){0}, &datagram), ZMTP_ERR_FRAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_group_stands_before_the_body_behind_its_size),
        cmocka_unit_test(test_group_and_body_may_be_empty),
        cmocka_unit_test(test_one_that_is_shorter_than_its_group_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
