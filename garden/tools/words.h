// The words of a call, looked over before getopt_long reads them: it takes the beginning of a name for the whole, so that
// a later option may change what a script says, and it cannot tell which name was meant.
#ifndef GARDEN_TOOLS_WORDS_H
#define GARDEN_TOOLS_WORDS_H

#include <getopt.h>

#include "../value.h"

// |words| are those behind the program's or command's name, up to a null; the programs have long options only. With
// |own| the first word that is no option ends them: what follows is a command's. GARDEN_OK: each option is one of
// |table|, which ends with a null name, and has a value where it takes one, that is not empty; else GARDEN_ERR_ARGUMENT with words.
int words_check(char *const *words, const struct option *table, bool own,
                struct garden_error *error);
// "; did you mean '--x'?" with the option of |table| that |name| (without dashes) is near to or begins, or nothing.
void words_meant(const struct option *table, struct garden_text name, const char *dashes,
                 char out[GARDEN_NEAR_SIZE]);

#endif
