// The schema's file is what the code has, and what the code has holds together.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "garden/query/names.h"

#define SCHEMA_FILE "garden/query/schema.graphql"

static void test_the_schemas_file_is_what_the_code_has(void **state)
{
    static char text[64 * 1024];
    struct garden_buffer out;
    (void)state;
    garden_buffer_init(&out, NULL, 0);
    assert_int_equal(garden_query_schema_print(garden_query_own_schema(), &out), GARDEN_OK);
    FILE *file = fopen(SCHEMA_FILE, "r");
    if (!file) fail_msg("there is no %s: build/bin/gardenctl schema >%s", SCHEMA_FILE, SCHEMA_FILE);
    const size_t size = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    if (size != out.size || memcmp(text, out.data, size) != 0)
        fail_msg("%s differs: build/bin/gardenctl schema >%s", SCHEMA_FILE, SCHEMA_FILE);
    garden_buffer_fini(&out);
}

static void check_edges(const struct garden_query_schema *schema,
                        const struct garden_query_type *type)
{
    for (size_t i = 0; i < type->edge_count; i++) {
        const struct garden_query_edge *edge = &type->edges[i];
        assert_non_null(garden__query_type(schema, garden_text_of(edge->to)));
        assert_ptr_equal(garden__query_edge(type, garden_text_of(edge->name)),
                         edge); // no other has it
        assert_null(garden__query_property(type, garden_text_of(edge->name)));
    }
}

static void test_types_have_what_they_name(void **state)
{
    const struct garden_query_schema *schema = garden_query_own_schema();
    (void)state;
    for (size_t t = 0; t < schema->type_count; t++) {
        const struct garden_query_type *type = &schema->types[t];
        assert_ptr_equal(garden__query_type(schema, garden_text_of(type->name)), type);
        check_edges(schema, type);
        for (size_t i = 0; i < type->property_count; i++)
            assert_ptr_equal(garden__query_property(type, garden_text_of(type->properties[i].name)),
                             &type->properties[i]);
        if (!type->interface) continue;
        const struct garden_query_type *over =
            garden__query_type(schema, garden_text_of(type->interface));
        assert_true(over && over->is_interface);
        for (size_t i = 0; i < over->property_count; i++) {
            const struct garden_query_property *wanted = &over->properties[i];
            const struct garden_query_property *own =
                garden__query_property(type, garden_text_of(wanted->name));
            assert_true(own && own->scalar == wanted->scalar && own->list == wanted->list &&
                        own->nullable == wanted->nullable);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_schemas_file_is_what_the_code_has),
        cmocka_unit_test(test_types_have_what_they_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
