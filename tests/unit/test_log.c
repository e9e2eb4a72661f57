/* Whatever is logged, a line is one line of valid JSON and fits an atomic write. Standard error is
 * a pipe while a case logs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "wire/json.h"

#define LINES_MAX 128

static struct {
    int saved;
    int pipe[2];
    struct arena arena;
    char bytes[1 << 16];
    const struct json *lines[LINES_MAX];
    size_t count;
    size_t longest;
} logged;

static void begin(void)
{
    fflush(stderr);
    json_init();
    arena_init(&logged.arena, 4096);
    assert_int_equal(pipe(logged.pipe), 0);
    logged.saved = dup(STDERR_FILENO);
    assert_true(dup2(logged.pipe[1], STDERR_FILENO) >= 0);
    log_set_level(LOG_DEBUG);
    log_set_origin("");
}

/* What was written so far, without waiting. */
static size_t written(void)
{
    assert_true(fcntl(logged.pipe[0], F_SETFL, O_NONBLOCK) == 0);
    const ssize_t got = read(logged.pipe[0], logged.bytes, sizeof(logged.bytes));
    return got > 0 ? (size_t)got : 0;
}

static void parse_line(struct str line)
{
    struct err err = {0};
    assert_true(logged.count < LINES_MAX);
    if (json_parse(&logged.arena, line, &logged.lines[logged.count], &err) != OUTCOME_DONE)
        fail_msg("%s: %.*s", err.text, STR_FMT(line));
    logged.longest = line.len > logged.longest ? line.len : logged.longest;
    logged.count++;
}

/* Gives standard error back and reads every line. */
static void end(void)
{
    log_flush();
    assert_true(dup2(logged.saved, STDERR_FILENO) >= 0);
    close(logged.saved);
    const size_t len = written();
    close(logged.pipe[0]);
    close(logged.pipe[1]);
    logged.count = logged.longest = 0;
    for (const char *at = logged.bytes, *stop = logged.bytes + len; at < stop;) {
        const char *newline = memchr(at, '\n', (size_t)(stop - at));
        assert_non_null(newline);
        parse_line((struct str){at, (size_t)(newline - at)});
        at = newline + 1;
    }
}

static void done(void)
{
    log_set_level(LOG_INFO);
    log_set_origin("");
    arena_release(&logged.arena);
}

static struct str text_of(size_t line, const char *key)
{
    assert_true(line < logged.count);
    return json_str(json_member(logged.lines[line], key));
}

static void assert_text(size_t line, const char *key, struct str expected)
{
    const struct str got = text_of(line, key);
    if (!str_eq(got, expected))
        fail_msg("%s is \"%.*s\", not \"%.*s\"", key, STR_FMT(got), STR_FMT(expected));
}

/* --- what stands in a line ------------------------------------------------------------------------ */

void test_log__a_line_has_its_head_and_fields(void **state)
{
    (void)state;
    struct err err = {0};
    struct log_line line;
    (void)err_refuse(&err, E_NOT_FOUND, "no %s", "mug");
    begin();
    log_set_origin("shop/1");
    log_begin(&line, LOG_WARN, "order placed");
    log_str(&line, "sku", STR("MUG-1"));
    log_str(&line, "none", STR_ABSENT);
    log_str(&line, "empty", STR(""));
    log_int(&line, "least", INT64_MIN);
    log_err(&line, &err);
    log_end(&line);
    end();
    assert_int_equal(logged.count, 1);
    assert_text(0, "level", STR("warn"));
    assert_text(0, "msg", STR("order placed"));
    assert_text(0, "lane", STR("shop/1"));
    assert_text(0, "sku", STR("MUG-1"));
    assert_text(0, "code", STR("NOT_FOUND"));
    assert_text(0, "error", STR("no mug"));
    assert_int_equal(text_of(0, "ts").len, 24);
    assert_null(json_member(logged.lines[0], "none"));
    assert_non_null(json_member(logged.lines[0], "empty"));
    assert_true(json_int(json_member(logged.lines[0], "least"), 0) == INT64_MIN);
    assert_int_equal(json_int(json_member(logged.lines[0], "pid"), 0), getpid());
    done();
}

void test_log__foreign_text_is_cut_and_shown(void **state)
{
    (void)state;
    static char flood[31 * 1024];
    struct log_line line;
    memset(flood, 'x', sizeof(flood));
    begin();
    log_begin(&line, LOG_INFO, "message");
    log_foreign(&line, "flood", (struct str){flood, sizeof(flood)});
    log_foreign(&line, "umlauts", (struct str){flood + 1, LOG_FOREIGN_MAX});
    log_foreign(&line, "short", STR("a mug"));
    log_foreign(&line, "none", STR_ABSENT);
    log_str(&line, "caller", STR("ann"));
    log_end(&line);
    end();
    const struct str cut = text_of(0, "flood");
    assert_int_equal(cut.len, LOG_FOREIGN_MAX + 3);
    assert_memory_equal(cut.ptr + LOG_FOREIGN_MAX, "\xE2\x80\xA6", 3);
    assert_int_equal(text_of(0, "umlauts").len, LOG_FOREIGN_MAX);
    assert_text(0, "short", STR("a mug"));
    assert_null(json_member(logged.lines[0], "none"));
    assert_text(0, "caller", STR("ann"));
    assert_null(json_member(logged.lines[0], "cut"));
    done();
}

/* A character is kept whole or not at all. */
void test_log__foreign_text_is_cut_between_characters(void **state)
{
    (void)state;
    char text[LOG_FOREIGN_MAX + 2];
    for (size_t from = LOG_FOREIGN_MAX - 3; from <= LOG_FOREIGN_MAX - 1; from++) {
        struct log_line line;
        memset(text, 'x', sizeof(text));
        memcpy(text + from, "\xE6\x97\xA5", 3);
        begin();
        log_begin(&line, LOG_INFO, "message");
        log_foreign(&line, "text", (struct str){text, sizeof(text)});
        log_end(&line);
        end();
        const size_t kept = from + 3 <= LOG_FOREIGN_MAX ? LOG_FOREIGN_MAX : from;
        assert_int_equal(text_of(0, "text").len, kept + 3);
        done();
    }
}

void test_log__what_a_terminal_would_obey_is_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        const char *escape; /* NULL: stays as it is */
    } rows[] = {
        {"\x1B", "\\u001b"},         {"\x7F", "\\u007f"},         {"\xC2\x80", "\\u0080"},
        {"\xC2\x9B", "\\u009b"},     {"\xC2\x9F", "\\u009f"},     {"\xC2\xA0", NULL},
        {"\xD8\x9C", "\\u061c"},     {"\xE2\x80\x8D", NULL},      {"\xE2\x80\x8E", "\\u200e"},
        {"\xE2\x80\x8F", "\\u200f"}, {"\xE2\x80\xA7", NULL},      {"\xE2\x80\xA8", "\\u2028"},
        {"\xE2\x80\xA9", "\\u2029"}, {"\xE2\x80\xAE", "\\u202e"}, {"\xE2\x80\xAF", NULL},
        {"\xE2\x81\xA6", "\\u2066"}, {"\xE2\x81\xA9", "\\u2069"}, {"\xE2\x81\xAA", NULL},
        {"\xC5\x81", NULL},          {"\xF0\x9F\x8D\xB5", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct log_line line;
        begin();
        log_begin(&line, LOG_INFO, "bytes");
        log_str(&line, "value", str_of(rows[i].bytes));
        log_end(&line);
        end();
        assert_text(0, "value", str_of(rows[i].bytes));
        const bool stands = strstr(logged.bytes, rows[i].bytes) != NULL;
        const bool escaped = rows[i].escape && strstr(logged.bytes, rows[i].escape) != NULL;
        if (stands == (rows[i].escape != NULL) || escaped != (rows[i].escape != NULL))
            fail_msg("row %zu stands as it came: %d, escaped: %d", i, stands, escaped);
        memset(logged.bytes, 0, sizeof(logged.bytes));
        done();
    }
}

void test_log__every_byte_is_escaped_or_replaced(void **state)
{
    (void)state;
    begin();
    for (int c = 1; c < 256; c += 3) {
        struct log_line line;
        const char bytes[] = {(char)c, (char)(c + 1), (char)(c + 2), 'z'};
        log_begin(&line, LOG_INFO, "bytes");
        log_str(&line, "value", (struct str){bytes, sizeof(bytes)});
        log_end(&line);
    }
    end();
    assert_int_equal(logged.count, 85);
    for (size_t i = 0; i < logged.count; i++) {
        const struct str got = text_of(i, "value");
        assert_int_equal(got.ptr[got.len - 1], 'z');
    }
    assert_text(3, "value", STR("\n\x0b\x0cz"));
    assert_text(11, "value", STR("\"#$z"));
    assert_text(53, "value", STR("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"));
    done();
}

void test_log__good_utf8_stays_as_it_is(void **state)
{
    (void)state;
    const struct str value = STR("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x8d\xb5 \\ \"quoted\"");
    struct log_line line;
    begin();
    log_begin(&line, LOG_INFO, "text");
    log_str(&line, "value", value);
    log_str(&line, "cut", (struct str){value.ptr, 1});
    log_end(&line);
    end();
    assert_text(0, "value", value);
    assert_text(0, "cut", STR("\xef\xbf\xbd"));
    done();
}

/* A message id comes from a stranger: it cannot make a line of its own. */
void test_log__nothing_forges_a_second_line(void **state)
{
    (void)state;
    struct log_line line;
    begin();
    log_begin(&line, LOG_INFO, "message");
    log_str(&line, "messageId", STR("x\"}\n{\"level\":\"error\",\"msg\":\"forged\"}\n"));
    log_end(&line);
    end();
    assert_int_equal(logged.count, 1);
    assert_text(0, "msg", STR("message"));
    done();
}

/* --- lines that are too long ---------------------------------------------------------------------- */

static bool is_cut(size_t line)
{
    return json_bool(json_member(logged.lines[line], "cut"), false);
}

/* Values of every length around the end of the buffer, of bytes that take one, two or six. */
void test_log__a_line_that_is_too_long_is_cut_and_says_so(void **state)
{
    (void)state;
    static char value[2 * LOG_LINE_MAX];
    static const char fillers[] = {'a', '"', '\x01', '\xff'};
    for (size_t f = 0; f < sizeof(fillers); f++) {
        memset(value, fillers[f], sizeof(value));
        for (size_t len = 600; len < sizeof(value); len += len < 3900 || len > 4100 ? 97 : 1) {
            struct log_line line;
            begin();
            log_begin(&line, LOG_INFO, "long");
            log_str(&line, "first", STR("stays"));
            log_str(&line, "value", (struct str){value, len});
            log_str(&line, "after", STR("gone when the one before is"));
            log_end(&line);
            end();
            assert_int_equal(logged.count, 1);
            assert_true(logged.longest < LOG_LINE_MAX);
            assert_text(0, "first", STR("stays"));
            assert_int_equal(is_cut(0), !json_member(logged.lines[0], "after"));
            done();
        }
    }
}

void test_log__a_message_that_is_too_long_leaves_the_head(void **state)
{
    (void)state;
    static char msg[2 * LOG_LINE_MAX];
    struct log_line line;
    memset(msg, 'm', sizeof(msg) - 1);
    begin();
    log_begin(&line, LOG_INFO, msg);
    log_end(&line);
    log_info("%s", msg); /* cut by its own buffer, not by the line's */
    end();
    assert_int_equal(logged.count, 2);
    assert_true(is_cut(0));
    assert_text(0, "level", STR("info"));
    assert_false(is_cut(1));
    assert_int_equal(text_of(1, "msg").len, 1023);
    done();
}

/* --- when it is written --------------------------------------------------------------------------- */

void test_log__lines_wait_for_the_flush_but_warnings_do_not(void **state)
{
    (void)state;
    struct log_line line;
    begin();
    log_begin(&line, LOG_INFO, "waits");
    log_end(&line);
    const size_t early = written();
    log_begin(&line, LOG_WARN, "goes");
    log_end(&line);
    const size_t both = written();
    log_flush();
    const size_t rest = written();
    end();
    assert_int_equal(early, 0);
    assert_true(both > 100);
    assert_int_equal(rest, 0);
    done();
}

/* More than one write holds: every line arrives, in order and whole. */
void test_log__a_full_buffer_is_written_before_the_next_line(void **state)
{
    (void)state;
    char value[300];
    memset(value, 'v', sizeof(value));
    begin();
    for (int i = 0; i < LINES_MAX; i++) {
        struct log_line line;
        log_begin(&line, LOG_INFO, "line");
        log_int(&line, "n", i);
        log_str(&line, "value", (struct str){value, sizeof(value)});
        log_end(&line);
    }
    end();
    assert_int_equal(logged.count, LINES_MAX);
    for (size_t i = 0; i < LINES_MAX; i++)
        assert_int_equal(json_int(json_member(logged.lines[i], "n"), -1), i);
    done();
}

void test_log__what_is_below_the_level_is_not_written(void **state)
{
    (void)state;
    struct log_line line;
    begin();
    log_set_level(LOG_WARN);
    log_begin(&line, LOG_INFO, "not this");
    log_str(&line, "key", STR("value"));
    log_int(&line, "n", 1);
    log_end(&line);
    log_debug("nor this");
    log_error("but this");
    end();
    assert_int_equal(logged.count, 1);
    assert_text(0, "msg", STR("but this"));
    done();
}
