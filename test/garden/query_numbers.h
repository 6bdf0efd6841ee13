// A small graph to ask: the numbers from 0 to NUMBERS_MAX, which are primes or not.
#ifndef TEST_QUERY_NUMBERS_H
#define TEST_QUERY_NUMBERS_H

#include <stdio.h>
#include <string.h>

#include "garden/query.h"

enum { NUMBERS_MAX = 1000 };

// clang-format off
static const struct garden_query_edge numbers_roots[] = {
    {"Number", "Number", GARDEN_QUERY_MANY, "The numbers from min to max.", {{"min", GARDEN_QUERY_INT, false}, {"max", GARDEN_QUERY_INT, true}}},
    {"One", "Number", GARDEN_QUERY_ONE, NULL, {{0}}},
    {"Broken", "Number", GARDEN_QUERY_MANY, NULL, {{0}}},
};
static const struct garden_query_property numbers_properties[] = {
    {"value", GARDEN_QUERY_INT, false, false, NULL},
    {"name", GARDEN_QUERY_STRING, false, true, "Null for odd numbers."},
    {"text", GARDEN_QUERY_STRING, false, false, NULL},
    {"id", GARDEN_QUERY_ID, false, false, NULL},
    {"half", GARDEN_QUERY_FLOAT, false, false, NULL},
    {"even", GARDEN_QUERY_BOOLEAN, false, false, NULL},
    {"letters", GARDEN_QUERY_STRING, true, false, NULL},
};
static const struct garden_query_edge numbers_edges[] = {
    {"next", "Number", GARDEN_QUERY_MANY, "The two that follow.", {{0}}},
    {"previous", "Number", GARDEN_QUERY_ONE_OR_NONE, NULL, {{0}}},
    {"divisor", "Number", GARDEN_QUERY_MANY, "All above min that divide it.", {{"min", GARDEN_QUERY_INT, false}}},
};
static const struct garden_query_type numbers_types[] = {
    {"Query", NULL, false, NULL, NULL, 0, numbers_roots, 3},
    {"Number", NULL, true, NULL, numbers_properties, 7, numbers_edges, 3},
    {"Prime", NULL, false, "Number", numbers_properties, 7, numbers_edges, 3},
    {"Composite", NULL, false, "Number", numbers_properties, 7, numbers_edges, 3},
};
// clang-format on
static const struct garden_query_schema numbers_schema = {numbers_types, 4};

static bool numbers_is_prime(uint64_t n)
{
    for (uint64_t i = 2; i * i <= n; i++)
        if (n % i == 0) return false;
    return n > 1;
}

static const void *numbers_property(const char *type, const char *name)
{
    (void)type;
    for (size_t i = 0; i < sizeof numbers_properties / sizeof *numbers_properties; i++)
        if (strcmp(numbers_properties[i].name, name) == 0) return &numbers_properties[i];
    return NULL;
}

static const void *numbers_edge(const char *type, const char *name)
{
    const bool root = strcmp(type, "Query") == 0;
    const struct garden_query_edge *edges = root ? numbers_roots : numbers_edges;
    for (size_t i = 0; i < 3; i++)
        if (strcmp(edges[i].name, name) == 0) return &edges[i];
    return NULL;
}

static const char *numbers_type(void *user, struct garden_query_vertex vertex)
{
    (void)user;
    return numbers_is_prime(vertex.index) ? "Prime" : "Composite";
}

static struct garden_value numbers_text(struct garden_arena *arena, const char *format, size_t n)
{
    char *text = garden_arena_alloc(arena, 1, 24);
    if (!text) return garden_value_null();
    (void)snprintf(text, 24, format, n);
    return garden_value_text(garden_text_of(text));
}

static struct garden_value numbers_read(void *user, const void *property,
                                        struct garden_query_vertex vertex,
                                        struct garden_arena *arena)
{
    static struct garden_value letters[3];
    const struct garden_query_property *of = property;
    const size_t n = vertex.index;
    (void)user;
    if (strcmp(of->name, "value") == 0) return garden_value_uint(n);
    if (strcmp(of->name, "name") == 0)
        return n % 2 ? garden_value_null() : numbers_text(arena, "even %zu", n);
    if (strcmp(of->name, "text") == 0) return numbers_text(arena, "n%zu", n);
    if (strcmp(of->name, "id") == 0) return numbers_text(arena, "id-%zu", n);
    if (strcmp(of->name, "half") == 0) return garden_value_real((double)n / 2);
    if (strcmp(of->name, "even") == 0) return garden_value_bool(n % 2 == 0);
    letters[0] = garden_value_text(garden_text_of("a"));
    letters[1] = garden_value_text(garden_text_of("b"));
    letters[2] = garden_value_text(garden_text_of("c"));
    return garden_value_list(letters, n % 4);
}

struct numbers_walk {
    size_t next, last, divides; // divides 0: all of them
    bool fails;
};

static int numbers_begin(void *user, const void *edge, const struct garden_query_vertex *from,
                         const struct garden_value *parameters, void *walk,
                         struct garden_error *error)
{
    struct numbers_walk *w = walk;
    const struct garden_query_edge *of = edge;
    int64_t min = 0, max = 0;
    (void)user;
    (void)garden_value_to_i64(&parameters[0], &min);
    (void)garden_value_to_i64(&parameters[1], &max);
    *w = (struct numbers_walk){.next = 1, .last = 1};
    if (min < 0 || max > NUMBERS_MAX) {
        error->code = GARDEN_ERR_RANGE;
        (void)snprintf(error->text, sizeof error->text, "numbers are from 0 to %d", NUMBERS_MAX);
        return GARDEN_ERR_RANGE;
    }
    if (strcmp(of->name, "Number") == 0) {
        w->next = (size_t)min;
        w->last = (size_t)max;
    } else if (strcmp(of->name, "Broken") == 0) {
        w->fails = true;
    } else if (strcmp(of->name, "next") == 0) {
        w->next = from->index + 1;
        w->last = from->index + 2;
    } else if (strcmp(of->name, "previous") == 0) {
        w->next = from->index ? from->index - 1 : 1;
        w->last = from->index ? from->index - 1 : 0;
    } else if (strcmp(of->name, "divisor") == 0) {
        w->next = min > 0 ? (size_t)min : 1;
        w->last = from->index;
        w->divides = from->index;
    }
    return GARDEN_OK;
}

static int numbers_next(void *user, void *walk, struct garden_query_vertex *out)
{
    struct numbers_walk *w = walk;
    (void)user;
    if (w->fails) return GARDEN_ERR_STATE;
    while (w->divides && w->next <= w->last && w->divides % w->next != 0)
        w->next++;
    if (w->next > w->last || w->next > NUMBERS_MAX) return 0;
    *out = (struct garden_query_vertex){.index = w->next++};
    return 1;
}

// Walks that have begun and not ended.
static int numbers_open;

static int numbers_begin_counted(void *user, const void *edge,
                                 const struct garden_query_vertex *from,
                                 const struct garden_value *parameters, void *walk,
                                 struct garden_error *error)
{
    const int result = numbers_begin(user, edge, from, parameters, walk, error);
    numbers_open += result == GARDEN_OK;
    return result;
}

static void numbers_end(void *user, void *walk)
{
    (void)user;
    (void)walk;
    numbers_open--;
}

static const struct garden_query_adapter numbers_adapter = {
    .property = numbers_property,
    .edge = numbers_edge,
    .type = numbers_type,
    .read = numbers_read,
    .walk_size = sizeof(struct numbers_walk),
    .begin = numbers_begin_counted,
    .next = numbers_next,
    .end = numbers_end,
};

#endif
