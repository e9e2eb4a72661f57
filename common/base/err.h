/* err.h - outcomes and errors.
 *
 * An outcome says what happens to the message; only the lane acts on it. A fallible function returns
 * an outcome and is MUST_CHECK; its outputs come last, before `struct err *err`, and are written only
 * on OUTCOME_DONE, unless its header says otherwise. (A function that can fail in one way only may
 * return a bool instead.) A library function returns its error; only the lane logs it. */
#ifndef CARTWRIGHT_BASE_ERR_H
#define CARTWRIGHT_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define MUST_CHECK __attribute__((warn_unused_result))

enum outcome {
    OUTCOME_DONE = 0,
    OUTCOME_REFUSED,   /* a business rule forbids it: reply with err.code, nothing is changed */
    OUTCOME_INVALID,   /* the message itself is wrong: reply, nothing was executed */
    OUTCOME_NEED,      /* documents must be loaded first; then the handler runs again */
    OUTCOME_DEFER,     /* a lock is held elsewhere: the message waits for the next batch */
    OUTCOME_CONFLICT,  /* another transaction was faster: load and decide again */
    OUTCOME_RETRY,     /* a dependency is down: try later, the message is not to blame */
    OUTCOME_UNCERTAIN, /* the commit may have happened: ask the journal */
    OUTCOME_BUG,       /* an invariant is broken: dead letter and log */
};

const char *outcome_name(enum outcome outcome);

/* An error code as clients see it. The engine's codes are below, those of the shop are in the
 * headers of its domains. Codes are one-element arrays, so that a name alone (E_NOT_FOUND) is the pointer
 * that functions take. */
struct error_code {
    const char *name;
    int status;     /* the HTTP status that a web tier would send */
    bool retryable; /* the same message may succeed later, unchanged */
};

#define ENGINE_ERROR_CODES(X)                                                                      \
    X(MALFORMED, 400, false)                                                                       \
    X(VALIDATION_FAILED, 422, false)                                                               \
    X(TOO_LARGE, 413, false)                                                                       \
    X(UNAUTHENTICATED, 401, false)                                                                 \
    X(TOKEN_EXPIRED, 401, false)                                                                   \
    X(FORBIDDEN, 403, false)                                                                       \
    X(NOT_FOUND, 404, false)                                                                       \
    X(VERSION_CONFLICT, 409, false)                                                                \
    X(GONE, 410, false)                                                                            \
    X(IDEMPOTENCY_MISMATCH, 422, false)                                                            \
    X(DEADLINE_EXCEEDED, 504, true)                                                                \
    X(RATE_LIMITED, 429, true)                                                                     \
    X(BUSY, 503, true)                                                                             \
    X(UNKNOWN_OPERATION, 404, false)                                                               \
    X(BAD_CURSOR, 400, false)                                                                      \
    X(UNSUPPORTED_VERSION, 400, false)                                                             \
    X(INTERNAL, 500, true)

#define DECLARE_ERROR_CODE(name_, status_, retryable_) extern const struct error_code E_##name_[1];
#define DEFINE_ERROR_CODE(name_, status_, retryable_)                                              \
    const struct error_code E_##name_[1] = {{#name_, status_, retryable_}};
ENGINE_ERROR_CODES(DECLARE_ERROR_CODE)

/* One fault in one field; `pointer` is an RFC 6901 JSON pointer into the request. */
struct err_field {
    struct err_field *next;
    struct str pointer;
    struct str message;
};

#define ERR_TEXT_MAX   256
#define ERR_FIELDS_MAX 32 /* further faults in one message are not listed */

struct err {
    const struct error_code *code; /* NULL: no error */
    char text[ERR_TEXT_MAX];       /* for people; a longer text is cut off */
    const char *file;
    int line;
    struct err_field *fields; /* in the order in which they were added */
    struct err_field *last_field;
    size_t field_count;
};

/* Fills *err and returns `outcome`, so that reporting a fault is a single `return` statement. A
 * second error in the same *err replaces the first, with its fields. */
enum outcome err_set(struct err *err, enum outcome outcome, const struct error_code *code,
                     const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
void err_clear(struct err *err);
/* Adds a field fault, or nothing when there are ERR_FIELDS_MAX of them already; pointer and message
 * are copied into the arena. */
void err_field_add(struct err *err, struct arena *arena, struct str pointer, const char *format,
                   ...) __attribute__((format(printf, 4, 5)));

#define err_refuse(err, code, ...)                                                                 \
    err_set((err), OUTCOME_REFUSED, (code), __FILE__, __LINE__, __VA_ARGS__)
#define err_invalid(err, code, ...)                                                                \
    err_set((err), OUTCOME_INVALID, (code), __FILE__, __LINE__, __VA_ARGS__)
#define err_conflict(err, ...)                                                                     \
    err_set((err), OUTCOME_CONFLICT, E_BUSY, __FILE__, __LINE__, __VA_ARGS__)
#define err_retry(err, ...) err_set((err), OUTCOME_RETRY, E_BUSY, __FILE__, __LINE__, __VA_ARGS__)
#define err_uncertain(err, ...)                                                                    \
    err_set((err), OUTCOME_UNCERTAIN, E_BUSY, __FILE__, __LINE__, __VA_ARGS__)
#define err_bug(err, ...) err_set((err), OUTCOME_BUG, E_INTERNAL, __FILE__, __LINE__, __VA_ARGS__)

/* The one macro that changes control flow: it returns any outcome but DONE to the caller. */
#define TRY(expression)                                                                            \
    do {                                                                                           \
        const enum outcome try_outcome_ = (expression);                                            \
        if (try_outcome_ != OUTCOME_DONE)                                                          \
            return try_outcome_;                                                                   \
    } while (0)

/* For a bug of our own or lack of memory: writes one line to standard error, then calls abort(). */
#define panic(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)
/* The text of the panic, for code that records how the process ends; "" before any panic. */
const char *panic_text(void);
_Noreturn void panic_at(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
