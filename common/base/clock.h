/* clock.h - time: stored times are milliseconds since 1970 UTC, measured ones are microseconds of
 * the monotonic clock. Handlers never read the clock: they use job_now(). */
#ifndef CARTWRIGHT_BASE_CLOCK_H
#define CARTWRIGHT_BASE_CLOCK_H

#include "base/str.h"

#define MS_PER_SECOND 1000LL
#define MS_PER_MINUTE (60 * MS_PER_SECOND)
#define MS_PER_HOUR   (60 * MS_PER_MINUTE)
#define MS_PER_DAY    (24 * MS_PER_HOUR)

int64_t clock_now_ms(void);
int64_t clock_monotonic_us(void);
/* Blocks for `ms` milliseconds; a signal ends the pause early. */
void clock_pause_ms(int64_t ms);

/* Replaces the kernel's clock, for a simulation, in which a pause is over at once. */
struct clock_source {
    int64_t (*now_ms)(void);
    int64_t (*monotonic_us)(void);
    void (*pause_ms)(int64_t ms);
};

/* Sets the clock of the whole process; NULL restores the kernel's. *source must stay valid. */
void clock_set_source(const struct clock_source *source);

#define TIME_TEXT 24 /* "2026-11-20T15:04:05.123Z" */
#define DATE_TEXT 10 /* "2026-11-20" */

/* Writes a time in RFC 3339, UTC, with milliseconds; `out` holds TIME_TEXT + 1 bytes. A time
 * outside the years 1 to 9999 is written as the nearest time within them. */
void time_format(int64_t ms, char out[TIME_TEXT + 1]);
/* Writes the UTC day; `out` holds DATE_TEXT + 1 bytes. Years are limited as above. */
void date_format(int64_t ms, char out[DATE_TEXT + 1]);
struct str time_text(struct arena *arena, int64_t ms);
struct str date_text(struct arena *arena, int64_t ms);
/* Reads "250ms", "10s", "5m", "2h" or "30d"; false on anything else or out of int64. */
bool duration_parse(struct str text, int64_t *out_ms);
/* Reads the exact form that time_format writes; false on anything else. *out is in milliseconds. */
bool time_parse(struct str text, int64_t *out);

#endif
