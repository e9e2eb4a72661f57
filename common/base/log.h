/* log.h - structured JSON lines on standard error.
 *
 * {"ts":"2026-11-20T15:37:51.984Z","level":"info","msg":"order placed","pid":71,"sku":"MUG-1"}
 *
 * A line is built in a fixed buffer, so logging never allocates and never fails; a field that does
 * not fit is left out with all that follow it, and the line is marked "cut":true. Lines that were
 * begun with log_begin() are collected and written by log_flush(), which the lane calls once per
 * batch; warnings and errors, and the lines of log_write(), are written at once. Values are
 * escaped, so one event is one line, and no value can control a terminal. Callers must not pass
 * secrets. */
#ifndef CARTWRIGHT_BASE_LOG_H
#define CARTWRIGHT_BASE_LOG_H

#include <stdbool.h>

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* The names used in configuration, in the order of enum log_level, ended by NULL. */
extern const char *const log_level_names[];

#define LOG_FOREIGN_MAX 128
#define LOG_LINE_MAX    4096 /* PIPE_BUF: lanes share one pipe, and larger writes are not atomic */

struct log_line {
    bool enabled;
    size_t len;
    enum log_level level;
    bool cut;
    char bytes[LOG_LINE_MAX];
};

struct err;

void log_set_level(enum log_level level);
/* Sets the field "lane" of every later line of this process ("lane":"shop/1"); at most 63 bytes. */
void log_set_origin(const char *origin);

void log_begin(struct log_line *line, enum log_level level, const char *msg);
void log_str(struct log_line *line, const char *key, struct str value);
/* Adds a value from an untrusted source: at most LOG_FOREIGN_MAX bytes of it, then an ellipsis, so
 * that it cannot crowd out the fields after it. */
void log_foreign(struct log_line *line, const char *key, struct str value);
void log_int(struct log_line *line, const char *key, int64_t value);
/* Adds the code, text, file and line of the error; nothing when there is no error. */
void log_err(struct log_line *line, const struct err *err);
void log_end(struct log_line *line);
void log_flush(void);

/* Writes one line with a printf text and no further fields. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)

#endif
