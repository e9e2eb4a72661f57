/* clock.h - time: milliseconds since 1970 UTC for what is stored, microseconds of the monotonic
 * clock for what is measured. Handlers never call these: they use job_now(). */
#ifndef CARTWRIGHT_BASE_CLOCK_H
#define CARTWRIGHT_BASE_CLOCK_H

#include "base/str.h"

#define MS_PER_SECOND 1000LL
#define MS_PER_MINUTE (60 * MS_PER_SECOND)
#define MS_PER_HOUR   (60 * MS_PER_MINUTE)
#define MS_PER_DAY    (24 * MS_PER_HOUR)

int64_t clock_now_ms(void);
int64_t clock_monotonic_us(void);
/* Sleeps; a signal ends it early. */
void clock_pause_ms(int64_t ms);

/* Another time than the kernel's: a simulation's, in which a pause is over at once. */
struct clock_source {
    int64_t (*now_ms)(void);
    int64_t (*monotonic_us)(void);
    void (*pause_ms)(int64_t ms);
};

/* For the whole process; NULL: the kernel's again. */
void clock_set_source(const struct clock_source *source);

#define TIME_TEXT 24 /* "2026-11-20T15:04:05.123Z" */
#define DATE_TEXT 10 /* "2026-11-20" */

/* RFC 3339, UTC, milliseconds. out holds TIME_TEXT + 1 bytes. Years 1 to 9999: a time outside them
 * is written as the nearest one within. */
void time_format(int64_t ms, char out[TIME_TEXT + 1]);
/* The UTC day. out holds DATE_TEXT + 1 bytes. */
void date_format(int64_t ms, char out[DATE_TEXT + 1]);
struct str time_text(struct arena *arena, int64_t ms);
struct str date_text(struct arena *arena, int64_t ms);
/* "250ms", "10s", "5m", "2h", "30d" to milliseconds; false on anything else or out of int64. */
bool duration_parse(struct str text, int64_t *out_ms);
/* The exact form that time_format writes; false on anything else. */
bool time_parse(struct str text, int64_t *out);

#endif
