/* Ids are unique and sort by time; times are written and read to the letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/map.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- ids ------------------------------------------------------------------------------------------ */

void test_id_clock__ids_are_unique_and_sort_by_second(void **state)
{
    (void)state;
    enum { IDS = 20000 };
    struct arena arena;
    struct map seen;
    arena_init(&arena, 1 << 16);
    map_init(&seen, &arena);
    struct str last = STR("000000000000000000000000");
    for (int i = 0; i < IDS; i++) {
        const struct str id = id_new(&arena, (1700000000LL + i / 1000) * 1000 + 999);
        assert_true(id_is_valid(id));
        assert_null(map_get(&seen, id));
        map_set(&seen, id, &seen);
        const int order = memcmp(id.ptr, last.ptr, 8);
        assert_int_equal(order > 0, i % 1000 == 0);
        last = id;
    }
    assert_memory_equal(last.ptr, "6553f113", 8); /* 1700000019 */
    arena_release(&arena);
}

/* The middle five bytes are the process: a child must not go on with its parent's. */
void test_id_clock__a_forked_process_has_its_own_ids(void **state)
{
    (void)state;
    struct arena arena;
    int ends[2];
    char of_child[ID_TEXT] = {0};
    arena_init(&arena, 1024);
    const struct str before = id_new(&arena, 0);
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        const struct str id = id_new(&arena, 0);
        _exit(write(ends[1], id.ptr, id.len) == ID_TEXT ? 0 : 1);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read(ends[0], of_child, sizeof(of_child)), ID_TEXT);
    assert_memory_equal(before.ptr + 8, id_new(&arena, 0).ptr + 8, 10);
    assert_memory_not_equal(before.ptr + 8, of_child + 8, 10);
    close(ends[0]);
    close(ends[1]);
    arena_release(&arena);
}

void test_id_clock__only_24_lower_case_hex_digits_are_an_id(void **state)
{
    (void)state;
    assert_true(id_is_valid(STR("0123456789abcdef01234567")));
    static const char *const wrong[] = {
        "",
        "0123456789abcdef0123456",
        "0123456789abcdef012345678",
        "0123456789ABCDEF01234567",
        "0123456789abcdeg01234567",
        "0123456789abcdef0123456 ",
        "0123456789abcdef0123456\n",
        "{\"$oid\":\"0123456789abcd\"}",
    };
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_false(id_is_valid(str_of(wrong[i])));
    assert_false(id_is_valid(STR_ABSENT));
    assert_false(id_is_valid((struct str){"0123456789ab\0def01234567", 24}));
}

void test_id_clock__bytes_of_an_id_and_back(void **state)
{
    (void)state;
    struct arena arena;
    uint8_t bytes[ID_BYTES];
    arena_init(&arena, 1024);
    id_to_bytes(STR("00ff10a0f9876543210fedcb"), bytes);
    assert_memory_equal(bytes, "\x00\xff\x10\xa0\xf9\x87\x65\x43\x21\x0f\xed\xcb", ID_BYTES);
    assert_string_equal(id_from_bytes(&arena, bytes).ptr, "00ff10a0f9876543210fedcb");
    assert_string_equal(hex_of(&arena, "", 0).ptr, "");
    arena_release(&arena);
}

/* --- times ---------------------------------------------------------------------------------------- */

#define MS_MIN (-62135596800000LL) /* 0001-01-01T00:00:00.000Z */
#define MS_MAX 253402300799999LL   /* 9999-12-31T23:59:59.999Z */

static void assert_time(int64_t ms, const char *expected)
{
    char text[TIME_TEXT + 1];
    char date[DATE_TEXT + 1];
    int64_t back = -1;
    time_format(ms, text);
    date_format(ms, date);
    assert_string_equal(text, expected);
    assert_memory_equal(date, expected, DATE_TEXT);
    assert_true(time_parse(str_of(text), &back));
    assert_true(back == ms);
}

void test_id_clock__known_times(void **state)
{
    (void)state;
    assert_time(0, "1970-01-01T00:00:00.000Z");
    assert_time(-1, "1969-12-31T23:59:59.999Z");
    assert_time(951782400000, "2000-02-29T00:00:00.000Z");
    assert_time(951868799999, "2000-02-29T23:59:59.999Z");
    assert_time(951868800000, "2000-03-01T00:00:00.000Z");
    assert_time(1763651045123, "2025-11-20T15:04:05.123Z");
    assert_time(4107542400000, "2100-03-01T00:00:00.000Z");
    assert_time(4107542399999, "2100-02-28T23:59:59.999Z");
    assert_time(MS_MIN, "0001-01-01T00:00:00.000Z");
    assert_time(MS_MAX, "9999-12-31T23:59:59.999Z");
}

void test_id_clock__times_out_of_all_years_are_written_as_the_nearest(void **state)
{
    (void)state;
    char text[TIME_TEXT + 1];
    time_format(INT64_MIN, text);
    assert_string_equal(text, "0001-01-01T00:00:00.000Z");
    time_format(MS_MIN - 1, text);
    assert_string_equal(text, "0001-01-01T00:00:00.000Z");
    time_format(MS_MAX + 1, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    date_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31");
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Every day of all 9999 years, counted by the calendar's own rules. */
void test_id_clock__every_day_there_is(void **state)
{
    (void)state;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct arena arena;
    arena_init(&arena, 1024);
    int64_t ms = MS_MIN;
    for (int year = 1; year <= 9999; year++)
        for (int month = 1; month <= 12; month++) {
            const int days = lengths[month - 1] + (month == 2 && is_leap(year));
            for (int day = 1; day <= days; day++, ms += MS_PER_DAY) {
                char date[DATE_TEXT + 1];
                date_format(ms + MS_PER_DAY - 1, date);
                const bool same = (date[0] - '0') * 1000 + (date[1] - '0') * 100 +
                                          (date[2] - '0') * 10 + date[3] - '0' ==
                                      year &&
                                  (date[5] - '0') * 10 + date[6] - '0' == month &&
                                  (date[8] - '0') * 10 + date[9] - '0' == day;
                if (!same)
                    fail_msg("%s, not %d-%d-%d", date, year, month, day);
            }
            assert_time(ms - 1,
                        str_printf(&arena, "%04d-%02d-%02dT23:59:59.999Z", year, month, days).ptr);
            arena_clear(&arena);
        }
    assert_true(ms == MS_MAX + 1);
    arena_release(&arena);
}

void test_id_clock__every_millisecond_of_a_second_and_second_of_a_day(void **state)
{
    (void)state;
    char text[TIME_TEXT + 1];
    int64_t back = 0;
    for (int64_t i = 0; i < MS_PER_DAY; i += i < 1000 ? 1 : 999) {
        time_format(1709164800000 + i, text);
        assert_true(time_parse(str_of(text), &back));
        assert_true(back == 1709164800000 + i);
    }
}

void test_id_clock__only_the_exact_form_is_a_time(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "2026-11-20",
        "2026-11-20T15:04:05Z",
        "2026-11-20T15:04:05.12Z",
        "2026-11-20T15:04:05.1234Z",
        "2026-11-20T15:04:05.123z",
        "2026-11-20t15:04:05.123Z",
        "2026-11-20 15:04:05.123Z",
        "2026-11-20T15:04:05,123Z",
        "2026-11-20T15:04:05.123+",
        "2026-02-30T15:04:05.123Z",
        "2026-02-29T15:04:05.123Z",
        "2100-02-29T15:04:05.123Z",
        "2026-04-31T15:04:05.123Z",
        "2026-13-01T15:04:05.123Z",
        "2026-00-01T15:04:05.123Z",
        "2026-01-00T15:04:05.123Z",
        "2026-01-32T15:04:05.123Z",
        "2026-11-20T24:00:00.000Z",
        "2026-11-20T23:60:00.000Z",
        "2026-11-20T23:59:60.000Z",
        "0000-01-01T00:00:00.000Z",
        "-001-01-01T00:00:00.000Z",
        "+026-11-20T15:04:05.123Z",
        " 026-11-20T15:04:05.123Z",
        "2026-+1-20T15:04:05.123Z",
        "2026-11-20T-1:04:05.123Z",
        "2026-11-20T15:04:05.-12Z",
        "2026-11-20T15:04:05. 12Z",
        "9999-99-99T99:99:99.999Z",
        "2026-11-20T15:04:05.123ZZ",
    };
    int64_t out = 4711;
    for (size_t i = 0; i < COUNT(wrong); i++)
        if (time_parse(str_of(wrong[i]), &out) || out != 4711)
            fail_msg("'%s' was taken for a time", wrong[i]);
    assert_false(time_parse((struct str){"2026-11-20T15:04:05.12\0Z", 24}, &out));
    assert_false(time_parse(STR_ABSENT, &out));
}

void test_id_clock__durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t ms;
    } rows[] = {
        {"250ms", true, 250},
        {"10s", true, 10000},
        {"5m", true, 300000},
        {"2h", true, 7200000},
        {"30d", true, 2592000000},
        {"0s", true, 0},
        {"9223372036854775807ms", true, INT64_MAX},
        {"9223372036854775808ms", false, 0},
        {"9223372036854776s", false, 0},
        {"106751991168d", false, 0},
        {"", false, 0},
        {"s", false, 0},
        {"10", false, 0},
        {"-1s", false, 0},
        {"+1s", false, 0},
        {"1.5s", false, 0},
        {"1 s", false, 0},
        {" 1s", false, 0},
        {"1s ", false, 0},
        {"1S", false, 0},
        {"1w", false, 0},
        {"1m30s", false, 0},
        {"1sms", false, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t ms = 4711;
        if (duration_parse(str_of(rows[i].text), &ms) != rows[i].ok)
            fail_msg("'%s'", rows[i].text);
        assert_true(ms == (rows[i].ok ? rows[i].ms : 4711));
    }
}

void test_id_clock__the_clocks_go_forward(void **state)
{
    (void)state;
    const int64_t first = clock_monotonic_us();
    assert_true(clock_monotonic_us() >= first);
    assert_true(clock_now_ms() > 1700000000000);
}

/* --- other sources ----------------------------------------------------------------------------------- */

static int64_t paused_ms;

static int64_t one(void)
{
    return 1;
}

static int64_t two(void)
{
    return 2;
}

static void note_pause(int64_t ms)
{
    paused_ms += ms;
}

void test_id_clock__time_may_come_from_elsewhere(void **state)
{
    (void)state;
    static const struct clock_source source = {one, two, note_pause};
    clock_set_source(&source);
    assert_int_equal(clock_now_ms(), 1);
    assert_int_equal(clock_monotonic_us(), 2);
    clock_pause_ms(3600000);
    assert_int_equal(paused_ms, 3600000);
    clock_set_source(NULL);
    assert_true(clock_now_ms() > 1700000000000);
}

static void fill_with_seven(void *out, size_t len)
{
    memset(out, 7, len);
}

void test_id_clock__ids_begin_anew_with_another_generator(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1024);
    random_set_source(fill_with_seven);
    const struct str first = id_new(&arena, 1000);
    assert_string_equal(first.ptr, "000000010707070707070707");
    assert_string_equal(id_new(&arena, 1000).ptr, "000000010707070707070708");
    random_set_source(fill_with_seven);
    assert_string_equal(id_new(&arena, 1000).ptr, first.ptr);
    random_set_source(NULL);
    assert_memory_not_equal(id_new(&arena, 1000).ptr, first.ptr, ID_TEXT);
    arena_release(&arena);
}
