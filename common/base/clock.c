/* clock.c - time.
 *
 * Dates are computed here and not by gmtime(), which takes a time zone lock and is slow. The
 * arithmetic is that of Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms". */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "base/arena.h"

/* Process-wide on purpose: time is the same for all code of the process. */
static const struct clock_source *other_source;

void clock_set_source(const struct clock_source *source)
{
    other_source = source;
}

int64_t clock_now_ms(void)
{
    if (other_source)
        return other_source->now_ms();
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * MS_PER_SECOND + now.tv_nsec / 1000000;
}

int64_t clock_monotonic_us(void)
{
    if (other_source)
        return other_source->monotonic_us();
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void clock_pause_ms(int64_t ms)
{
    if (other_source) {
        other_source->pause_ms(ms);
        return;
    }
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    /* The result is ignored: ending early on a signal is intended. */
    (void)!nanosleep(&pause, NULL);
}

struct civil {
    int64_t year;
    int month;
    int day;
};

#define DAYS_PER_ERA   146097 /* 400 years */
#define DAYS_0_TO_1970 719468 /* from 0000-03-01 */

static struct civil civil_of_days(int64_t days)
{
    days += DAYS_0_TO_1970;
    const int64_t era = (days >= 0 ? days : days - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    const int64_t doe = days - era * DAYS_PER_ERA;
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const int64_t mp = (5 * doy + 2) / 153;
    const int month = (int)(mp < 10 ? mp + 3 : mp - 9);
    return (struct civil){yoe + era * 400 + (month <= 2), month,
                          (int)(doy - (153 * mp + 2) / 5 + 1)};
}

static int64_t days_of_civil(struct civil c)
{
    const int64_t year = c.year - (c.month <= 2);
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const int64_t yoe = year - era * 400;
    const int64_t doy = (153 * (c.month + (c.month > 2 ? -3 : 9)) + 2) / 5 + c.day - 1;
    return era * DAYS_PER_ERA + yoe * 365 + yoe / 4 - yoe / 100 + doy - DAYS_0_TO_1970;
}

static int64_t floor_days(int64_t ms)
{
    return (ms >= 0 ? ms : ms - (MS_PER_DAY - 1)) / MS_PER_DAY;
}

static void put_digits(char *out, int64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        out[i] = (char)('0' + value % 10);
}

#define MS_FIRST (-62135596800000LL) /* 0001-01-01T00:00:00.000Z */
#define MS_LAST  253402300799999LL   /* 9999-12-31T23:59:59.999Z */

/* A formatted year has exactly four digits, whatever times a database may hold. */
static int64_t within_years(int64_t ms)
{
    return ms < MS_FIRST ? MS_FIRST : ms > MS_LAST ? MS_LAST : ms;
}

void date_format(int64_t ms, char out[DATE_TEXT + 1])
{
    const struct civil c = civil_of_days(floor_days(within_years(ms)));
    put_digits(out, c.year, 4);
    out[4] = '-';
    put_digits(out + 5, c.month, 2);
    out[7] = '-';
    put_digits(out + 8, c.day, 2);
    out[10] = '\0';
}

void time_format(int64_t ms, char out[TIME_TEXT + 1])
{
    ms = within_years(ms);
    const int64_t of_day = ms - floor_days(ms) * MS_PER_DAY;
    date_format(ms, out);
    out[10] = 'T';
    put_digits(out + 11, of_day / MS_PER_HOUR, 2);
    out[13] = ':';
    put_digits(out + 14, of_day / MS_PER_MINUTE % 60, 2);
    out[16] = ':';
    put_digits(out + 17, of_day / MS_PER_SECOND % 60, 2);
    out[19] = '.';
    put_digits(out + 20, of_day % MS_PER_SECOND, 3);
    out[23] = 'Z';
    out[24] = '\0';
}

struct str time_text(struct arena *arena, int64_t ms)
{
    char *text = arena_bytes(arena, TIME_TEXT + 1);
    time_format(ms, text);
    return (struct str){text, TIME_TEXT};
}

struct str date_text(struct arena *arena, int64_t ms)
{
    char *text = arena_bytes(arena, DATE_TEXT + 1);
    date_format(ms, text);
    return (struct str){text, DATE_TEXT};
}

bool time_parse(struct str text, int64_t *out)
{
    int year, month, day, hour, minute, second, millis;
    if (text.len != TIME_TEXT || !str_is_c(text) ||
        sscanf(text.ptr, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &year, &month, &day, &hour, &minute,
               &second, &millis) != 7 ||
        year < 1 || month < 1)
        return false;
    const int64_t days = days_of_civil((struct civil){year, month, day});
    const int64_t ms = days * MS_PER_DAY + hour * MS_PER_HOUR + minute * MS_PER_MINUTE +
                       second * MS_PER_SECOND + millis;
    /* Writing the time back and comparing refuses 30 February, hour 25 and every other spelling. */
    char again[TIME_TEXT + 1];
    time_format(ms, again);
    if (memcmp(again, text.ptr, TIME_TEXT) != 0)
        return false;
    *out = ms;
    return true;
}

bool duration_parse(struct str text, int64_t *out_ms)
{
    static const struct {
        struct str suffix;
        int64_t ms;
    } units[] = {
        {{"ms", 2}, 1},          {{"s", 1}, MS_PER_SECOND}, {{"m", 1}, MS_PER_MINUTE},
        {{"h", 1}, MS_PER_HOUR}, {{"d", 1}, MS_PER_DAY},
    };
    size_t digits = 0;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    const struct str suffix = {text.ptr + digits, text.len - digits};
    int64_t value;
    if (!str_to_int64((struct str){text.ptr, digits}, &value))
        return false;
    size_t unit = 0;
    while (unit < sizeof(units) / sizeof(units[0]) && !str_eq(units[unit].suffix, suffix))
        unit++;
    if (unit == sizeof(units) / sizeof(units[0]) ||
        __builtin_mul_overflow(value, units[unit].ms, &value))
        return false;
    *out_ms = value;
    return true;
}
