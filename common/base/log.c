/* log.c - structured JSON lines on standard error.
 *
 * The state is process-wide on purpose: a process is one lane and has one log. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"

const char *const log_level_names[] = {"debug", "info", "warn", "error", NULL};

/* Several lines are written together, but never more bytes than a pipe takes atomically. */
static struct {
    enum log_level level;
    char origin[64];
    size_t pending_len;
    char pending[LOG_LINE_MAX];
} logger = {.level = LOG_INFO};

#define LINE_TAIL sizeof(",\"cut\":true}\n") /* always kept free */

void log_set_level(enum log_level level)
{
    logger.level = level;
}

void log_set_origin(const char *origin)
{
    snprintf(logger.origin, sizeof(logger.origin), "%s", origin);
}

static void put(struct log_line *line, struct str text)
{
    if (text.len == 0)
        return;
    if (line->cut || line->len + text.len + LINE_TAIL > sizeof(line->bytes)) {
        line->cut = true;
        return;
    }
    memcpy(line->bytes + line->len, text.ptr, text.len);
    line->len += text.len;
}

/* Writes the character at `at` and returns the position after it. Bytes that are not UTF-8 become
 * U+FFFD, because message ids and headers come from untrusted sources. */
static const char *put_character(struct log_line *line, const char *at, const char *end)
{
    const unsigned char c = (unsigned char)*at;
    const size_t length = str_utf8_length(at, end);
    char escape[8];
    if (length == 0) {
        put(line, STR("\xEF\xBF\xBD"));
    } else if (c == '"' || c == '\\') {
        put(line, (struct str){(const char[]){'\\', (char)c}, 2});
    } else if ((c < 0x20 || c >= 0x7F) && str_is_obeyed(str_utf8_value(at, length))) {
        snprintf(escape, sizeof(escape), "\\u%04x", str_utf8_value(at, length));
        put(line, (struct str){escape, 6});
    } else {
        put(line, (struct str){at, length});
    }
    return at + (length ? length : 1);
}

static bool is_plain(char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

static void put_escaped(struct log_line *line, struct str value)
{
    const char *const end = value.ptr + value.len;
    put(line, STR("\""));
    for (const char *at = value.ptr; at < end && !line->cut;) {
        const char *const plain = at;
        while (at < end && is_plain(*at))
            at++;
        put(line, (struct str){plain, (size_t)(at - plain)});
        if (at < end)
            at = put_character(line, at, end);
    }
    put(line, STR("\""));
}

/* A field that does not fit is removed as a whole, so that a cut line is still JSON. */
static void put_field(struct log_line *line, const char *key, struct str value, bool quoted)
{
    if (!line->enabled || line->cut)
        return;
    const size_t before = line->len;
    put(line, STR(",\""));
    put(line, str_of(key));
    put(line, STR("\":"));
    if (quoted)
        put_escaped(line, value);
    else
        put(line, value);
    if (line->cut)
        line->len = before;
}

void log_begin(struct log_line *line, enum log_level level, const char *msg)
{
    line->enabled = level >= logger.level;
    line->level = level;
    line->len = 0;
    line->cut = false;
    if (!line->enabled)
        return;
    char now[TIME_TEXT + 1];
    time_format(clock_now_ms(), now);
    put(line, STR("{\"ts\":\""));
    put(line, str_of(now));
    put(line, STR("\""));
    log_str(line, "level", str_of(log_level_names[level]));
    log_int(line, "pid", getpid());
    if (logger.origin[0])
        log_str(line, "lane", str_of(logger.origin));
    log_str(line, "msg", str_of(msg));
}

void log_str(struct log_line *line, const char *key, struct str value)
{
    if (!str_is_absent(value))
        put_field(line, key, value, true);
}

/* Returns the longest prefix of at most `max` bytes that consists of whole characters. */
static struct str beginning_of(struct str value, size_t max)
{
    if (value.len <= max)
        return value;
    size_t len = max;
    while (len > 0 && ((unsigned char)value.ptr[len] & 0xC0) == 0x80)
        len--;
    return (struct str){value.ptr, len};
}

void log_foreign(struct log_line *line, const char *key, struct str value)
{
    static const char ellipsis[] = "\xE2\x80\xA6";
    char bytes[LOG_FOREIGN_MAX + sizeof(ellipsis)];
    const struct str kept = beginning_of(value, LOG_FOREIGN_MAX);
    if (kept.len == value.len) {
        log_str(line, key, value);
        return;
    }
    memcpy(bytes, kept.ptr, kept.len);
    memcpy(bytes + kept.len, ellipsis, sizeof(ellipsis) - 1);
    log_str(line, key, (struct str){bytes, kept.len + sizeof(ellipsis) - 1});
}

void log_int(struct log_line *line, const char *key, int64_t value)
{
    char digits[STR_INT64_MAX];
    put_field(line, key, str_of_int64(value, digits), false);
}

void log_err(struct log_line *line, const struct err *err)
{
    if (!err->code)
        return;
    log_str(line, "code", str_of(err->code->name));
    log_str(line, "error", str_of(err->text));
    log_str(line, "file", str_of(err->file));
    log_int(line, "line", err->line);
}

void log_end(struct log_line *line)
{
    if (!line->enabled)
        return;
    if (line->cut) {
        memcpy(line->bytes + line->len, ",\"cut\":true", sizeof(",\"cut\":true") - 1);
        line->len += sizeof(",\"cut\":true") - 1;
    }
    line->bytes[line->len++] = '}';
    line->bytes[line->len++] = '\n';
    if (logger.pending_len + line->len > sizeof(logger.pending))
        log_flush();
    memcpy(logger.pending + logger.pending_len, line->bytes, line->len);
    logger.pending_len += line->len;
    if (line->level >= LOG_WARN)
        log_flush();
}

void log_flush(void)
{
    /* Lines that cannot be written are dropped: a broken log must not stop the shop. */
    if (logger.pending_len)
        (void)!write(STDERR_FILENO, logger.pending, logger.pending_len);
    logger.pending_len = 0;
}

void log_write(enum log_level level, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct log_line line;
    log_begin(&line, level, text);
    log_end(&line);
    log_flush();
}
