// A query's text and, behind a zero octet, its variables as JSON: whatever they are, the query is refused in
// words or runs, the same each time; its rows can be written; and nothing is left when it is closed, in the
// midst of it too.
#include "check.h"
#include "fuzz.h"

#include <string.h>

#include "test/garden/query_numbers.h"

enum { QUERY_ROWS_MAX = 64, QUERY_CHECKS_MAX = 16 };

static int query_check(void *user)
{
    int *left = user;
    return --*left < 0 ? GARDEN_ERR_TIMEOUT : GARDEN_OK;
}

// How many rows it has, and its result; they go to |out| as JSON.
static int query_run(struct garden_text text, const struct garden_map *variables,
                     const struct zmtp_allocator *allocator, struct garden_buffer *out)
{
    int left = QUERY_CHECKS_MAX;
    struct garden_arena arena;
    struct garden_query *query;
    struct garden_value row;
    struct garden_error error = {0};
    struct garden_query_config config = {.schema = &numbers_schema,
                                         .adapter = &numbers_adapter,
                                         .allocator = allocator,
                                         .memory_max = 4 * 1024 * 1024,
                                         .check = query_check,
                                         .check_user = &left};
    garden_arena_init(&arena, allocator, 0);
    int result = garden_query_open(&query, &config, text, variables, &error);
    if (result == GARDEN_OK) {
        for (int rows = 0; rows < QUERY_ROWS_MAX; rows++) {
            result = garden_query_next(query, &arena, &row, &error);
            if (result <= 0) break;
            const int written = garden_json_encode(&row, out);
            fuzz_check(written == GARDEN_OK || written == GARDEN_ERR_LIMIT);
        }
        garden_query_close(query);
    }
    if (result < 0) fuzz_check(error.code == result && error.text[0]);
    garden_arena_fini(&arena);
    fuzz_check(numbers_open == 0);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    const size_t text_size = end ? (size_t)(end - data) : size;
    const struct garden_text text = {(const char *)data, text_size};
    struct zmtp_budget budget;
    struct garden_arena arena;
    struct garden_value variables = garden_value_map(NULL, 0);
    struct garden_buffer out[2];
    int results[2];
    zmtp_budget_init(&budget, zmtp_heap());
    garden_arena_init(&arena, &budget.allocator, 0);
    if (end)
        (void)garden_json_decode((struct zmtp_bytes){end + 1, size - text_size - 1}, &arena,
                                 &variables, NULL);
    for (int i = 0; i < 2; i++) {
        garden_buffer_init(&out[i], &budget.allocator, 0);
        results[i] = query_run(text, variables.type == GARDEN_MAP ? &variables.map : NULL,
                               &budget.allocator, &out[i]);
    }
    fuzz_check(results[0] == results[1]);
    fuzz_check(zmtp_bytes_equal(garden_buffer_bytes(&out[0]), garden_buffer_bytes(&out[1])));
    garden_buffer_fini(&out[0]);
    garden_buffer_fini(&out[1]);
    garden_arena_fini(&arena);
    fuzz_check(budget.bytes == 0 && budget.blocks == 0);
    return 0;
}
