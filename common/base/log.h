/* log.h - structured JSON lines on standard error.
 *
 * {"ts":"2026-11-20T15:37:51.984Z","level":"info","msg":"order placed","pid":71,"sku":"MUG-1"}
 *
 * A line is built in a fixed buffer, so logging never allocates and never fails; what does not fit
 * is cut and the line is marked "cut":true. Lines are collected and written by log_flush() (the
 * lane calls it once per batch), errors at once. Values are escaped, so one event is one line, and
 * nothing in it gives orders to a terminal.
 * Secrets are not passed here: their type prints as ***. */
#ifndef CARTWRIGHT_BASE_LOG_H
#define CARTWRIGHT_BASE_LOG_H

#include <stdbool.h>

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Names for configuration, ended by NULL, in the order of enum log_level. */
extern const char *const log_level_names[];

#define LOG_FOREIGN_MAX 128
#define LOG_LINE_MAX    4096 /* a write of up to PIPE_BUF bytes is atomic: lanes share one pipe */

struct log_line {
    bool enabled;
    size_t len;
    enum log_level level;
    bool cut;
    char bytes[LOG_LINE_MAX];
};

struct err;

void log_set_level(enum log_level level);
/* A fixed field of every later line of this process ("lane":"shop/1"). */
void log_set_origin(const char *origin);

void log_begin(struct log_line *line, enum log_level level, const char *msg);
void log_str(struct log_line *line, const char *key, struct str value);
/* A value that a stranger chose: at most LOG_FOREIGN_MAX bytes of it, then an ellipsis, so that it cannot
 * crowd out the fields behind it. */
void log_foreign(struct log_line *line, const char *key, struct str value);
void log_int(struct log_line *line, const char *key, int64_t value);
/* code, text and place of the error */
void log_err(struct log_line *line, const struct err *err);
void log_end(struct log_line *line);
void log_flush(void);

/* One line with a printf text and no further fields. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)

#endif
