/* csv.c - a CSV reader over a file that is held in memory whole: a field without quotes is a slice
 * of the file, so that half a million rows cost no copy. */
#include "demo/csv.h"

#include <errno.h>
#include <stdio.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* --- the file ------------------------------------------------------------------------------- */

static enum outcome read_stream(FILE *stream, struct arena *arena, struct str *out, struct err *err)
{
    if (fseek(stream, 0, SEEK_END) != 0)
        return err_invalid(err, E_MALFORMED, "cannot find its end: %s", strerror(errno));
    const long size = ftell(stream);
    if (size < 0 || fseek(stream, 0, SEEK_SET) != 0)
        return err_invalid(err, E_MALFORMED, "cannot find its size: %s", strerror(errno));
    char *bytes = arena_bytes(arena, (size_t)size + 1);
    if (fread(bytes, 1, (size_t)size, stream) != (size_t)size)
        return err_invalid(err, E_MALFORMED, "cannot be read whole: %s", strerror(errno));
    bytes[size] = '\0';
    *out = (struct str){bytes, (size_t)size};
    return OUTCOME_DONE;
}

static enum outcome read_file(const char *path, struct arena *arena, struct str *out,
                              struct err *err)
{
    FILE *stream = fopen(path, "rb");
    if (!stream)
        return err_invalid(err, E_MALFORMED, "cannot be opened: %s", strerror(errno));
    const enum outcome outcome = read_stream(stream, arena, out, err);
    fclose(stream); /* only read from: nothing can be lost */
    return outcome;
}

/* --- fields --------------------------------------------------------------------------------- */

static bool at_row_end(const struct csv *csv)
{
    return csv->at == csv->end || *csv->at == '\n' ||
           (*csv->at == '\r' && csv->at + 1 < csv->end && csv->at[1] == '\n');
}

static void skip_row_end(struct csv *csv)
{
    if (csv->at < csv->end && *csv->at == '\r')
        csv->at++;
    if (csv->at < csv->end)
        csv->at++;
}

static struct str plain_field(struct csv *csv)
{
    const char *start = csv->at;
    while (!at_row_end(csv) && *csv->at != ',')
        csv->at++;
    return (struct str){start, (size_t)(csv->at - start)};
}

/* `at` stands on the opening quote. */
static enum outcome quoted_field(struct csv *csv, struct str *out, struct err *err)
{
    const char *start = ++csv->at;
    char *text = NULL; /* a copy, from the first doubled quote on */
    size_t len = 0;
    for (;; csv->at++) {
        if (csv->at == csv->end)
            return err_invalid(err, E_MALFORMED, "row %zu: a quote is not closed", csv->row);
        const bool doubled = *csv->at == '"' && csv->at + 1 < csv->end && csv->at[1] == '"';
        if (*csv->at == '"' && !doubled)
            break;
        if (doubled && !text) {
            text = arena_bytes(csv->arena, (size_t)(csv->end - start));
            memcpy(text, start, len);
        }
        csv->at += doubled;
        if (text)
            text[len] = *csv->at;
        len++;
    }
    csv->at++;
    *out = (struct str){text ? text : start, len};
    return OUTCOME_DONE;
}

static enum outcome read_field(struct csv *csv, struct str *out, struct err *err)
{
    if (csv->at == csv->end || *csv->at != '"') {
        *out = plain_field(csv);
        return OUTCOME_DONE;
    }
    TRY(quoted_field(csv, out, err));
    if (!at_row_end(csv) && *csv->at != ',')
        return err_invalid(err, E_MALFORMED, "row %zu: text follows a closing quote", csv->row);
    return OUTCOME_DONE;
}

static enum outcome read_row(struct csv *csv, struct str *fields, size_t *count, struct err *err)
{
    *count = 0;
    for (;;) {
        if (*count == CSV_FIELDS_MAX)
            return err_invalid(err, E_MALFORMED, "row %zu: over %d fields", csv->row,
                               CSV_FIELDS_MAX);
        TRY(read_field(csv, &fields[*count], err));
        ++*count;
        if (at_row_end(csv))
            break;
        csv->at++;
    }
    skip_row_end(csv);
    return OUTCOME_DONE;
}

/* --- rows ----------------------------------------------------------------------------------- */

enum outcome csv_open(const char *path, struct arena *arena, struct csv *out, struct err *err)
{
    struct str bytes;
    TRY(read_file(path, arena, &bytes, err));
    if (str_starts_with(bytes, STR(BYTE_ORDER_MARK))) {
        bytes.ptr += strlen(BYTE_ORDER_MARK);
        bytes.len -= strlen(BYTE_ORDER_MARK);
    }
    *out = (struct csv){.arena = arena, .at = bytes.ptr, .end = bytes.ptr + bytes.len, .row = 1};
    return read_row(out, out->header, &out->columns, err);
}

enum outcome csv_column(const struct csv *csv, const char *name, size_t *out, struct err *err)
{
    for (size_t i = 0; i < csv->columns; i++) {
        if (!str_eq(csv->header[i], str_of(name)))
            continue;
        *out = i;
        return OUTCOME_DONE;
    }
    return err_invalid(err, E_MALFORMED, "has no column %s", name);
}

enum outcome csv_next(struct csv *csv, struct str *fields, bool *more, struct err *err)
{
    csv->row++;
    for (; csv->at < csv->end && at_row_end(csv); csv->row++)
        skip_row_end(csv);
    *more = csv->at < csv->end;
    if (!*more)
        return OUTCOME_DONE;
    size_t count;
    TRY(read_row(csv, fields, &count, err));
    if (count != csv->columns)
        return err_invalid(err, E_MALFORMED, "row %zu: %zu fields, the header has %zu", csv->row,
                           count, csv->columns);
    return OUTCOME_DONE;
}
