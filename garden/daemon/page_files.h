// The files of garden/page, which garden/page/embed puts into the program when it is built.
#ifndef GARDEN_DAEMON_PAGE_FILES_H
#define GARDEN_DAEMON_PAGE_FILES_H

#include <stddef.h>

struct page_file {
    const char *path, *type;
    const unsigned char *octets;
    size_t size;
};
extern const struct page_file page_files[]; // the last has no path

#endif
