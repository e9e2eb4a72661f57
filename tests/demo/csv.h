/* csv.h - rows of a CSV file (RFC 4180): quoted fields, "" for a quote, CRLF or LF, line breaks
 * inside quotes. The first row is the header: fields are asked for by their column's name. */
#ifndef CARTWRIGHT_DEMO_CSV_H
#define CARTWRIGHT_DEMO_CSV_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define CSV_FIELDS_MAX 64

struct csv {
    struct arena *arena; /* holds the whole file, and the fields that had to be unquoted */
    const char *at;
    const char *end;
    size_t row; /* read last; the header is row 1 */
    struct str header[CSV_FIELDS_MAX];
    size_t columns;
};

/* Reads the file and its header. OUTCOME_INVALID when it cannot be read or has none. */
MUST_CHECK enum outcome csv_open(const char *path, struct arena *arena, struct csv *out,
                                 struct err *err);
/* Index of the column with this name. */
MUST_CHECK enum outcome csv_column(const struct csv *csv, const char *name, size_t *out,
                                   struct err *err);
/* The next row that is not empty, with exactly csv->columns fields; *more is false at the end. */
MUST_CHECK enum outcome csv_next(struct csv *csv, struct str *fields, bool *more, struct err *err);

#endif
