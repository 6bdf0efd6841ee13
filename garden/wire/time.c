#include "../value.h"

#include <string.h>

enum { TIME_DAY = 86400, TIME_NANOS = 1000000000 };
#define TIME_FIRST INT64_C(-62167219200) // 0000-01-01T00:00:00Z
#define TIME_LAST INT64_C(253402300799)  // 9999-12-31T23:59:59Z

struct time_date {
    int year, month, day;
};

// Days since 1970-01-01 in the proleptic Gregorian calendar. Counting years from March puts the leap
// day at the end, and 400 years are 146097 days.
static int64_t time_days(struct time_date date)
{
    const int year = date.year + 400 - (date.month <= 2); // +400: never negative
    const int month = (date.month + 9) % 12;              // March is 0
    const int day_of_year = (153 * month + 2) / 5 + date.day - 1;
    return (int64_t)365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719468 - 146097;
}

static struct time_date time_date_of(int64_t days)
{
    const int64_t shifted = days + 719468 + 146097;
    const int64_t era = shifted / 146097;
    const int64_t day_of_era = shifted % 146097;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t month = (5 * day_of_year + 2) / 153;
    return (struct time_date){
        .year = (int)(year_of_era + era * 400 - 400 + (month >= 10)),
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
    };
}

static int time_month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

bool garden_time_valid(struct garden_time time)
{
    if (time.seconds < TIME_FIRST || time.seconds > TIME_LAST) return false;
    if (time.nanos < TIME_NANOS) return true;
    const bool last_of_day = (time.seconds - TIME_FIRST) % TIME_DAY == TIME_DAY - 1;
    return last_of_day && time.nanos < 2 * (uint32_t)TIME_NANOS;
}

static char *time_put(char *out, uint32_t number, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        out[i] = (char)('0' + number % 10);
        number /= 10;
    }
    return out + width;
}

int garden_time_format(struct garden_time time, char out[GARDEN_TIME_TEXT_MAX + 1])
{
    if (!garden_time_valid(time)) return GARDEN_ERR_RANGE;
    const int64_t since_first = time.seconds - TIME_FIRST; // never negative
    const struct time_date date = time_date_of(since_first / TIME_DAY + TIME_FIRST / TIME_DAY);
    const uint32_t second_of_day = (uint32_t)(since_first % TIME_DAY);
    const bool leap = time.nanos >= TIME_NANOS;
    const uint32_t nanos = leap ? time.nanos - TIME_NANOS : time.nanos;

    char *at = time_put(out, (uint32_t)date.year, 4);
    *at++ = '-';
    at = time_put(at, (uint32_t)date.month, 2);
    *at++ = '-';
    at = time_put(at, (uint32_t)date.day, 2);
    *at++ = 'T';
    at = time_put(at, second_of_day / 3600, 2);
    *at++ = ':';
    at = time_put(at, second_of_day / 60 % 60, 2);
    *at++ = ':';
    at = time_put(at, leap ? 60 : second_of_day % 60, 2);
    if (nanos) {
        *at++ = '.';
        if (nanos % 1000000 == 0) {
            at = time_put(at, nanos / 1000000, 3);
        } else if (nanos % 1000 == 0) {
            at = time_put(at, nanos / 1000, 6);
        } else {
            at = time_put(at, nanos, 9);
        }
    }
    *at++ = 'Z';
    *at = '\0';
    return (int)(at - out);
}

// Reading: a cursor whose first disappointment sticks.
struct time_reader {
    const char *at, *end;
    bool bad;
};

static int time_number(struct time_reader *r, int width)
{
    int number = 0;
    for (int i = 0; i < width; i++) {
        if (r->bad || r->at == r->end || *r->at < '0' || *r->at > '9') {
            r->bad = true;
            return 0;
        }
        number = number * 10 + (*r->at++ - '0');
    }
    return number;
}

// Takes one character of |either|; returns it, or 0.
static char time_either(struct time_reader *r, const char *either)
{
    if (r->bad || r->at == r->end || *r->at == '\0' || !strchr(either, *r->at)) {
        r->bad = true;
        return 0;
    }
    return *r->at++;
}

static uint32_t time_fraction(struct time_reader *r)
{
    if (r->bad || r->at == r->end || *r->at != '.') return 0;
    r->at++;
    uint32_t nanos = 0;
    int digits = 0;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
        if (digits++ < 9) nanos = nanos * 10 + (uint32_t)(*r->at - '0');
    }
    if (digits == 0) r->bad = true;
    for (; digits < 9; digits++)
        nanos *= 10;
    return nanos;
}

// Seconds to take away for UTC, or a value beyond any offset for one that does not exist.
static int time_offset(struct time_reader *r)
{
    const char sign = time_either(r, "Zz+-");
    if (sign == 'Z' || sign == 'z') return 0;
    const int hours = time_number(r, 2);
    (void)time_either(r, ":");
    const int minutes = time_number(r, 2);
    if (hours > 23 || minutes > 59) return TIME_DAY;
    return (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
}

int garden_time_parse(struct garden_text text, struct garden_time *out)
{
    if (text.size == 0) return GARDEN_ERR_FORMAT;
    struct time_reader r = {.at = text.data, .end = text.data + text.size};
    struct time_date date;
    date.year = time_number(&r, 4);
    (void)time_either(&r, "-"); // a failure sticks in |r|
    date.month = time_number(&r, 2);
    (void)time_either(&r, "-");
    date.day = time_number(&r, 2);
    (void)time_either(&r, "Tt ");
    const int hour = time_number(&r, 2);
    (void)time_either(&r, ":");
    const int minute = time_number(&r, 2);
    (void)time_either(&r, ":");
    const int second = time_number(&r, 2);
    const uint32_t nanos = time_fraction(&r);
    const int offset = time_offset(&r);
    if (r.bad || r.at != r.end) return GARDEN_ERR_FORMAT;

    if (date.month < 1 || date.month > 12) return GARDEN_ERR_RANGE;
    if (date.day < 1 || date.day > time_month_days(date.year, date.month)) return GARDEN_ERR_RANGE;
    if (hour > 23 || minute > 59 || second > 60) return GARDEN_ERR_RANGE;
    if (offset == TIME_DAY) return GARDEN_ERR_RANGE;
    const bool leap = second == 60;
    const struct garden_time time = {
        .seconds = time_days(date) * TIME_DAY + hour * 3600 + minute * 60 + second - leap - offset,
        .nanos = nanos + (leap ? TIME_NANOS : 0),
    };
    if (!garden_time_valid(time)) return GARDEN_ERR_RANGE;
    *out = time;
    return GARDEN_OK;
}
