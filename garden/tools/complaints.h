// What a long run complained of already, so that it is not told again with each try.
#ifndef GARDEN_TOOLS_COMPLAINTS_H
#define GARDEN_TOOLS_COMPLAINTS_H

#include "../store.h"
#include "../value.h"

enum { COMPLAINTS_MAX = 32 }; // that are remembered

// All zero: nothing was told. |count| set to zero forgets all.
struct complaints {
    struct garden_hash told[COMPLAINTS_MAX]; // of the words
    size_t count;
};

// Whether the like of |text| was not told yet; then it is remembered. While a disk stays full there is one sentence
// about each try, each with a number or a file's name of its own: words with a digit do not count.
bool complaints_is_new(struct complaints *complaints, struct garden_text text);

#endif
