// Routing ids: who has which, however many there were.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/support/octets.h"
#include "zmtp/socket/routes.h"

static void assert_named(const struct zmtp__routed *lane, struct zmtp_bytes routing_id)
{
    octets_assert_equal(zmtp_part_bytes(&lane->routing_id), routing_id);
}

static void drop(struct zmtp__routes *routes, struct zmtp__routed *lane)
{
    zmtp__routes_forget(routes, lane);
    zmtp_part_fini(&lane->routing_id);
}

static void test_a_lane_is_found_by_its_id_until_it_has_another(void **state)
{
    (void)state;
    struct zmtp__routes routes = {.made = 0};
    struct zmtp__routed lane = {.route = NULL};
    zmtp__routes_init(&routes, zmtp_heap());
    assert_int_equal(zmtp__routes_name(&routes, &lane, LITERAL("old")), ZMTP_OK);
    assert_ptr_equal(zmtp__routes_find(&routes, LITERAL("old")), &lane);
    assert_int_equal(zmtp__routes_name(&routes, &lane, LITERAL("new")), ZMTP_OK);
    assert_null(zmtp__routes_find(&routes, LITERAL("old")));
    assert_ptr_equal(zmtp__routes_find(&routes, LITERAL("new")), &lane);
    zmtp__routes_forget(&routes, &lane);
    assert_null(zmtp__routes_find(&routes, LITERAL("new")));
    assert_named(&lane, LITERAL("new")); // for what it sent before
    drop(&routes, &lane);
    zmtp__routes_fini(&routes);
}

static void test_numbers_come_again_and_pass_over_those_in_use(void **state)
{
    (void)state;
    struct zmtp__routes routes = {.made = 0};
    struct zmtp__routed first = {.route = NULL}, last = first, next = first;
    zmtp__routes_init(&routes, zmtp_heap());
    assert_int_equal(zmtp__routes_name(&routes, &first, OCTETS(0, 0, 0, 0, 0)), ZMTP_OK);
    routes.made = UINT32_MAX - 1;
    assert_int_equal(zmtp__routes_name_made(&routes, &last), ZMTP_OK);
    assert_named(&last, OCTETS(0, 0xFF, 0xFF, 0xFF, 0xFF));
    assert_int_equal(zmtp__routes_name_made(&routes, &next), ZMTP_OK);
    assert_named(&next, OCTETS(0, 0, 0, 0, 1));
    drop(&routes, &first);
    drop(&routes, &last);
    drop(&routes, &next);
    zmtp__routes_fini(&routes);
}

static void test_an_id_that_is_taken_over_leads_to_its_new_holder(void **state)
{
    (void)state;
    struct zmtp__routes routes = {.made = 0};
    struct zmtp__routed holder = {.route = NULL}, heir = holder;
    zmtp__routes_init(&routes, zmtp_heap());
    assert_int_equal(zmtp__routes_name(&routes, &holder, LITERAL("id")), ZMTP_OK);
    assert_int_equal(zmtp__routes_name_made(&routes, &heir), ZMTP_OK);
    zmtp__routes_take_over(&routes, &heir, &holder);
    assert_ptr_equal(zmtp__routes_find(&routes, LITERAL("id")), &heir);
    assert_null(zmtp__routes_find(&routes, OCTETS(0, 0, 0, 0, 1)));
    drop(&routes, &holder); // which takes nothing from its heir
    assert_ptr_equal(zmtp__routes_find(&routes, LITERAL("id")), &heir);
    drop(&routes, &heir);
    zmtp__routes_fini(&routes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lane_is_found_by_its_id_until_it_has_another),
        cmocka_unit_test(test_numbers_come_again_and_pass_over_those_in_use),
        cmocka_unit_test(test_an_id_that_is_taken_over_leads_to_its_new_holder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
