#include "../errors.h"

const char *garden_err_text(int error)
{
    if (error >= 0) return "success";
    switch ((enum garden_err)error) {
    case GARDEN_OK:
        break;
    case GARDEN_ERR_ARGUMENT:
        return "an argument is out of its range";
    case GARDEN_ERR_STATE:
        return "this cannot be done in the present state";
    case GARDEN_ERR_MEMORY:
        return "out of memory";
    case GARDEN_ERR_SYSTEM:
        return "a call of the operating system failed";
    case GARDEN_ERR_NO_SPACE:
        return "no space is left";
    case GARDEN_ERR_EXISTS:
        return "it exists already";
    case GARDEN_ERR_NOT_FOUND:
        return "there is no such thing";
    case GARDEN_ERR_ACCESS:
        return "permission denied";
    case GARDEN_ERR_TIMEOUT:
        return "no answer came in time";
    case GARDEN_ERR_DEAD:
        return "the peer is gone";
    case GARDEN_ERR_FORMAT:
        return "the input is malformed";
    case GARDEN_ERR_VERSION:
        return "the input is of another protocol version";
    case GARDEN_ERR_TYPE:
        return "the input has an unknown or a wrong type";
    case GARDEN_ERR_LIMIT:
        return "the input is over a limit";
    case GARDEN_ERR_RANGE:
        return "a number is outside its range";
    case GARDEN_ERR_CORRUPT:
        return "stored data is damaged";
    }
    return "unknown error";
}
