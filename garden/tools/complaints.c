#include "complaints.h"

enum { COMPLAINTS_WORDS_SIZE = 512 };

bool complaints_is_new(struct complaints *complaints, struct garden_text text)
{
    char words[COMPLAINTS_WORDS_SIZE];
    size_t size = 0, begin = 0;
    bool digit = false;
    for (size_t i = 0; i <= text.size && size < sizeof words; i++) {
        const char c = i < text.size ? text.data[i] : ' ';
        digit = digit || (c >= '0' && c <= '9');
        words[size++] = c;
        if (c != ' ') continue;
        if (digit) size = begin;
        begin = size;
        digit = false;
    }
    const struct garden_hash hash = garden_hash_of(zmtp_bytes_of(words, size));
    for (size_t i = 0; i < complaints->count && i < COMPLAINTS_MAX; i++)
        if (garden_hash_equal(&complaints->told[i], &hash)) return false;
    complaints->told[complaints->count++ % COMPLAINTS_MAX] = hash;
    return true;
}
