// One line for a person: what failed, on what, why, and what to do about it.
#include "fs.h"

#include <errno.h>
#include <string.h>

static int error_code(int system_error)
{
    switch (system_error) {
    case ENOSPC:
    case EDQUOT:
        return GARDEN_ERR_NO_SPACE;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP: // a link where none is followed
        return GARDEN_ERR_ACCESS;
    case ENOENT:
    case ENOTDIR:
        return GARDEN_ERR_NOT_FOUND;
    case EEXIST:
        return GARDEN_ERR_EXISTS;
    case ENOMEM:
        return GARDEN_ERR_MEMORY;
    default:
        return GARDEN_ERR_SYSTEM;
    }
}

static const char *error_advice(int system_error)
{
    switch (system_error) {
    case ENOSPC:
        return "; make room on that disk";
    case EDQUOT:
        return "; the user's quota is full";
    case EACCES:
    case EPERM:
        return "; check the owner and the mode";
    case EROFS:
        return "; the file system is mounted read-only";
    case ENOENT:
    case ENOTDIR:
        return "; make the folder or correct the path";
    case ELOOP:
        return "; links are not followed here";
    case EMFILE:
    case ENFILE:
        return "; raise the limit of open files";
    case EXDEV:
        return "; the store's staging folder must be on the file system of its objects";
    case EIO:
        return "; the disk may be failing";
    default:
        return "";
    }
}

int garden__fail_errno(struct garden_error *error, const char *what, const char *name)
{
    const int system_error = errno;
    char text[96];
    const char *reason = strerror_r(system_error, text, sizeof text);
    return garden__fail(error, error_code(system_error), "%s %.100s: %s%s", what, name, reason,
                        error_advice(system_error));
}
