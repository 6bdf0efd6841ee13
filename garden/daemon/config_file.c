#include "config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../core/error.h"
#include "../tools/words.h"

enum { CONFIG_FILE_MAX = 256 * 1024 };

int config_file_read(const char *path, char **text, struct garden_error *error)
{
    struct stat status;
    *text = NULL;
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return garden__fail(error, errno == ENOENT ? GARDEN_ERR_NOT_FOUND : GARDEN_ERR_ACCESS,
                            "%.200s cannot be read: %s", path, strerror(errno));
    const bool regular = fstat(file, &status) == 0 && S_ISREG(status.st_mode);
    const size_t size = regular ? (size_t)status.st_size : 0;
    if (regular && size <= CONFIG_FILE_MAX) *text = malloc(size + 1);
    const bool whole = *text && read(file, *text, size) == (ssize_t)size;
    (void)close(file); // nothing was written
    if (!regular || size > CONFIG_FILE_MAX)
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "%.200s is no file of at most %d octets",
                            path, CONFIG_FILE_MAX);
    if (whole && memchr(*text, 0, size))
        return garden__fail(error, GARDEN_ERR_FORMAT, "%.200s has a zero octet", path);
    if (!whole) return garden__fail(error, GARDEN_ERR_SYSTEM, "%.200s cannot be read whole", path);
    (*text)[size] = '\0';
    return GARDEN_OK;
}

// Without the white space around it.
static char *config_trim(char *text)
{
    text += strspn(text, " \t\r");
    size_t size = strlen(text);
    while (size > 0 && strchr(" \t\r", text[size - 1]))
        text[--size] = '\0';
    return text;
}

static const struct option *config_find(const struct option *table, const char *name)
{
    // What would make no sense in a file.
    static const char *const never[] = {"config", "help", "version"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (strcmp(name, never[i]) == 0) return NULL;
    for (; table->name; table++)
        if (strcmp(name, table->name) == 0) return table;
    return NULL;
}

int config_file_next(char **at, unsigned *line, const struct option *table, const char *path,
                     const struct option **option, const char **argument,
                     struct garden_error *error)
{
    char meant[GARDEN_NEAR_SIZE];
    while (**at) {
        char *name = *at;
        const size_t size = strcspn(name, "\n");
        *at += name[size] ? size + 1 : size;
        name[size] = '\0';
        ++*line;
        name = config_trim(name);
        if (*name == '\0' || *name == '#') continue;
        char *value = strchr(name, '=');
        if (value) *value++ = '\0';
        name = config_trim(name);
        value = value ? config_trim(value) : NULL;
        *option = config_find(table, name);
        if (!*option) {
            words_meant(table, garden_text_of(name), "", meant);
            return garden__fail(error, GARDEN_ERR_ARGUMENT,
                                "%.150s:%u: there is no option '%.60s'%s", path, *line, name,
                                meant[0] ? meant : "; try 'gardend --help'");
        }
        const bool flag = (*option)->has_arg == no_argument;
        if (flag && value && strcmp(value, "no") == 0) continue;
        if (flag ? value && strcmp(value, "yes") != 0 : !value)
            return garden__fail(error, GARDEN_ERR_ARGUMENT, "%.150s:%u: %s takes %s", path, *line,
                                (*option)->name, flag ? "yes or no" : "'= VALUE'");
        *argument = flag ? NULL : value;
        return 1;
    }
    return 0;
}
