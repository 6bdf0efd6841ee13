// What the operators of @filter say of two values. Null is equal to null, and neither less than, nor part
// of, nor like anything.
#include <string.h>

#include "plan.h"

enum { COMPARE_OCTETS = 16 }; // that are compared in a step of a meter

static int compare_sign(bool less, bool more)
{
    return (int)more - (int)less;
}

// Integers of either sign, exactly.
static int compare_integers(const struct garden_value *a, const struct garden_value *b)
{
    if (a->type == GARDEN_INT && b->type == GARDEN_INT)
        return compare_sign(a->integer<b->integer, a->integer> b->integer);
    if (a->type == GARDEN_INT) return -1; // the other is larger than any
    if (b->type == GARDEN_INT) return 1;
    return compare_sign(a->natural<b->natural, a->natural> b->natural);
}

static bool compare_is_number(const struct garden_value *value)
{
    return value->type == GARDEN_INT || value->type == GARDEN_UINT || value->type == GARDEN_REAL;
}

static double compare_real(const struct garden_value *value)
{
    if (value->type == GARDEN_REAL) return value->real;
    return value->type == GARDEN_INT ? (double)value->integer : (double)value->natural;
}

// False: they have no order.
static bool compare_order(const struct garden_value *a, const struct garden_value *b, int *out)
{
    if (a->type == GARDEN_TEXT && b->type == GARDEN_TEXT) {
        const size_t size = a->text.size < b->text.size ? a->text.size : b->text.size;
        const int first = size ? memcmp(a->text.data, b->text.data, size) : 0;
        *out = first ? first : compare_sign(a->text.size<b->text.size, a->text.size> b->text.size);
        return true;
    }
    if (!compare_is_number(a) || !compare_is_number(b)) return false;
    if (a->type == GARDEN_REAL || b->type == GARDEN_REAL) {
        const double x = compare_real(a), y = compare_real(b);
        *out = compare_sign(x<y, x> y);
        return x == x && y == y;
    }
    *out = compare_integers(a, b);
    return true;
}

static bool compare_scalars_equal(const struct garden_value *a, const struct garden_value *b)
{
    int order;
    if (compare_order(a, b, &order)) return order == 0;
    return garden_value_equal(a, b);
}

static bool compare_equal(const struct garden_value *a, const struct garden_value *b)
{
    if (a->type != GARDEN_LIST || b->type != GARDEN_LIST) return compare_scalars_equal(a, b);
    if (a->list.count != b->list.count) return false;
    for (size_t i = 0; i < a->list.count; i++)
        if (!compare_scalars_equal(&a->list.items[i], &b->list.items[i])) return false;
    return true;
}

static bool compare_contains(const struct garden_value *list, const struct garden_value *item)
{
    if (list->type != GARDEN_LIST) return false;
    for (size_t i = 0; i < list->list.count; i++)
        if (compare_scalars_equal(&list->list.items[i], item)) return true;
    return false;
}

static bool compare_begins(struct garden_text text, size_t at, struct garden_text part)
{
    return part.size <= text.size - at &&
           (part.size == 0 || memcmp(text.data + at, part.data, part.size) == 0);
}

// Where the texts are made for it, each place of |text| costs all of |part|.
static int compare_texts(enum garden__query_op op, struct garden_text text, struct garden_text part,
                         struct garden__query_meter *meter)
{
    if (part.size > text.size) return false;
    if (op == GARDEN__QUERY_HAS_PREFIX) return compare_begins(text, 0, part);
    if (op == GARDEN__QUERY_HAS_SUFFIX) return compare_begins(text, text.size - part.size, part);
    if (part.size == 0) return true;
    for (size_t at = 0; at + part.size <= text.size; at++) {
        const char *found = memchr(text.data + at, part.data[0], text.size - part.size - at + 1);
        if (!found) return false;
        at = (size_t)(found - text.data);
        if (compare_begins(text, at, part)) return true;
        const int result = garden__query_spend(meter, 1 + part.size / COMPARE_OCTETS);
        if (result < 0) return result;
    }
    return false;
}

// A pattern that comes from the data; one that is none matches nothing.
static int compare_pattern(struct garden_text pattern, struct garden_text text,
                           struct garden__query_meter *meter)
{
    struct garden_arena arena;
    struct garden__regex *regex;
    garden_arena_init(&arena, NULL, 0);
    int result = garden__query_spend(meter, GARDEN__REGEX_PROGRAM_MAX + pattern.size);
    if (result == 0 && garden__regex_compile(&regex, pattern, &arena, NULL) == GARDEN_OK)
        result = garden__regex_match(regex, text, meter);
    garden_arena_fini(&arena);
    return result;
}

static bool compare_ordered(enum garden__query_op op, const struct garden_value *left,
                            const struct garden_value *right)
{
    int order;
    if (!compare_order(left, right, &order)) return false;
    if (op == GARDEN__QUERY_LESS) return order < 0;
    if (op == GARDEN__QUERY_LESS_EQUAL) return order <= 0;
    return op == GARDEN__QUERY_GREATER ? order > 0 : order >= 0;
}

int garden__query_holds(enum garden__query_op op, const struct garden_value *left,
                        const struct garden_value *right, struct garden__regex *regex,
                        struct garden__query_meter *meter)
{
    const bool texts = right && left->type == GARDEN_TEXT && right->type == GARDEN_TEXT;
    switch (op) {
    case GARDEN__QUERY_IS_NULL:
        return left->type == GARDEN_NULL;
    case GARDEN__QUERY_EQUAL:
        return compare_equal(left, right);
    case GARDEN__QUERY_LESS:
    case GARDEN__QUERY_LESS_EQUAL:
    case GARDEN__QUERY_GREATER:
    case GARDEN__QUERY_GREATER_EQUAL:
        return compare_ordered(op, left, right);
    case GARDEN__QUERY_CONTAINS:
        return compare_contains(left, right);
    case GARDEN__QUERY_ONE_OF:
        return compare_contains(right, left);
    case GARDEN__QUERY_HAS_PREFIX:
    case GARDEN__QUERY_HAS_SUFFIX:
    case GARDEN__QUERY_HAS_SUBSTRING:
        return texts ? compare_texts(op, left->text, right->text, meter) : false;
    case GARDEN__QUERY_REGEX:
        if (!texts) return false;
        return regex ? garden__regex_match(regex, left->text, meter)
                     : compare_pattern(right->text, left->text, meter);
    }
    return false;
}
