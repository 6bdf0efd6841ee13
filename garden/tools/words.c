#include "words.h"

#include <stdio.h>
#include <string.h>

#include "../core/error.h"

static const struct option *words_find(const struct option *table, struct garden_text name)
{
    for (; table->name; table++)
        if (garden_text_is(name, table->name)) return table;
    return NULL;
}

void words_meant(const struct option *table, struct garden_text name, const char *dashes,
                 char out[GARDEN_NEAR_SIZE])
{
    struct garden_near near;
    // What the daemon calls a source is a device to those who capture it.
    if (garden_text_is(name, "source") && words_find(table, garden_text_of("device")))
        name = garden_text_of("device");
    garden_near_init(&near, name);
    for (const struct option *option = table; option->name; option++)
        garden_near_offer(&near, option->name);
    for (const struct option *option = table; option->name && !near.best && name.size > 0; option++)
        if (strncmp(option->name, name.data, name.size) == 0) near.best = option->name;
    out[0] = 0;
    if (near.best)
        (void)snprintf(out, GARDEN_NEAR_SIZE, "; did you mean '%s%s'?", dashes, near.best);
}

// The name in an option's word, without dashes and value.
static struct garden_text words_name(const char *word)
{
    const char *name = word + strspn(word, "-");
    return (struct garden_text){name, strcspn(name, "=")};
}

int words_check(char *const *words, const struct option *table, bool own,
                struct garden_error *error)
{
    char meant[GARDEN_NEAR_SIZE];
    for (; *words && strcmp(*words, "--") != 0; words++) {
        const char *word = *words;
        if (word[0] != '-' || word[1] == 0) {
            if (own) return GARDEN_OK;
            continue;
        }
        const struct garden_text name = words_name(word);
        const bool has_value = name.data[name.size] == '=';
        const struct option *option = word[1] == '-' ? words_find(table, name) : NULL;
        if (!option) {
            words_meant(table, name, "--", meant);
            return garden__fail(error, GARDEN_ERR_ARGUMENT, "there is no option '%.*s'%s",
                                (int)(name.data - word) + (int)(name.size < 60 ? name.size : 60),
                                word, meant);
        }
        if (option->has_arg == no_argument && has_value)
            return garden__fail(error, GARDEN_ERR_ARGUMENT, "--%s takes no value", option->name);
        if (option->has_arg != required_argument) continue;
        if (!has_value && !words[1])
            return garden__fail(error, GARDEN_ERR_ARGUMENT, "--%s needs a value behind it",
                                option->name);
        if (!*(has_value ? name.data + name.size + 1 : *++words))
            return garden__fail(error, GARDEN_ERR_ARGUMENT, "--%s takes a value, not ''",
                                option->name);
    }
    return GARDEN_OK;
}
