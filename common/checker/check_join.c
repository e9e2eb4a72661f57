/* check_join.c - joins subjects with the parts that prove them.
 *
 * As many subjects as fit into memory are read: a stretch in the order of their ids. Then all parts
 * are read, and each gives its share to the row of its subject; then the rows are judged. A row
 * that disagrees is begun anew from its subject as it is then, and is compared with all parts once
 * more: differences that came up in the first look because the shop was at work are gone in the
 * second (check.h says why). */
#include "checker/check_parts.h"

#define CHUNK     256        /* subjects of one look-up */
#define LOOKS_MAX 3          /* further looks at a subject that does not stand still */
#define NAMES_MIN (1u << 20) /* bytes: even with a tiny budget no orphan is reported twice */

struct join_pass {
    struct check *check;
    const struct join *join;
    struct check_table rows;
    /* Subjects in the stretch that have no row, although parts of the present page name them. */
    struct check_table strangers;
    struct check_table orphans; /* strangers that were reported */
    struct arena bounds;        /* memory of `after` and `until` */
    struct str after;           /* the stretch begins behind this id; absent: at the start */
    struct str until;           /* the stretch ends with this id; absent: it goes to the end */
    bool again;                 /* a further look: only open rows count */
};

void *join_row(struct join_pass *pass, struct str subject)
{
    struct check_row *row = check_table_get(&pass->rows, subject);
    if (row)
        return row->closed ? NULL : row->data;
    const bool in_stretch = (str_is_absent(pass->after) || str_cmp(subject, pass->after) > 0) &&
                            (str_is_absent(pass->until) || str_cmp(subject, pass->until) <= 0);
    if (in_stretch && !pass->again && !check_table_get(&pass->strangers, subject))
        check_table_add(&pass->strangers, subject);
    return NULL;
}

static void begin_row(const struct join_pass *pass, struct check_row *row, const void *subject)
{
    memset(row->data, 0, pass->join->row_size);
    row->version = doc_head(subject)->version;
    pass->join->begin(row->data, subject);
}

/* --- one stretch of subjects ---------------------------------------------------------------------------- */

static enum outcome read_stretch(struct join_pass *pass, struct err *err)
{
    struct check_cursor cursor = check_cursor(pass->check, pass->join->subjects, pass->after);
    const void *subject;
    check_table_clear(&pass->rows);
    pass->until = STR_ABSENT;
    for (;;) {
        TRY(check_next(&cursor, &subject, err));
        if (!subject)
            return OUTCOME_DONE;
        struct check_row *row = check_table_add(&pass->rows, doc_head(subject)->id);
        if (!row)
            break;
        begin_row(pass, row, subject);
    }
    pass->until = str_dup(&pass->bounds, pass->rows.last->key);
    return OUTCOME_DONE;
}

/* Reports the strangers that do not exist. One that exists was merely made after its stretch was
 * read. One that does not exist now never did: parts are written together with their subject. */
static enum outcome meet_strangers(struct join_pass *pass, struct err *err)
{
    struct str ids[CHUNK];
    for (const struct check_row *row = pass->strangers.first; row;) {
        struct doc_list found;
        size_t count = 0;
        for (; row && count < CHUNK; row = row->next)
            ids[count++] = row->key;
        TRY(check_find(pass->check, pass->join->subjects, ids, count, &found, err));
        for (size_t i = 0; i < count; i++) {
            if (check_doc_of(&found, ids[i]) || check_table_get(&pass->orphans, ids[i]))
                continue;
            check_table_add(&pass->orphans, ids[i]);
            check_found(pass->check, pass->join->subjects->collection, ids[i],
                        "there is no such document, but %s of it", pass->join->orphans);
        }
    }
    check_table_clear(&pass->strangers);
    return OUTCOME_DONE;
}

static enum outcome read_parts(struct join_pass *pass, struct err *err)
{
    struct check_cursor cursor = check_cursor(pass->check, pass->join->parts, STR_ABSENT);
    const void *part;
    for (;;) {
        TRY(check_next(&cursor, &part, err));
        if (!part)
            return OUTCOME_DONE;
        pass->join->visit(pass, part);
        if (check_ends_page(&cursor) && pass->strangers.count)
            TRY(meet_strangers(pass, err));
    }
}

/* --- judging --------------------------------------------------------------------------------------------- */

/* Collects the next open rows from *at on, and moves *at behind them; returns their number. */
static size_t take_open(struct check_row **at, struct check_row *rows[CHUNK], struct str ids[CHUNK])
{
    size_t count = 0;
    for (; *at && count < CHUNK; *at = (*at)->next)
        if (!(*at)->closed) {
            rows[count] = *at;
            ids[count++] = (*at)->key;
        }
    return count;
}

/* Closes the rows that agree, at once or because their subject has moved on. */
static enum outcome judge_rows(struct join_pass *pass, struct err *err)
{
    struct check_row *rows[CHUNK];
    struct str ids[CHUNK];
    for (struct check_row *row = pass->rows.first; row; row = row->next)
        row->closed |= pass->join->judge(row->data) == JOIN_AGREES;
    for (struct check_row *at = pass->rows.first; at;) {
        struct doc_list found;
        const size_t count = take_open(&at, rows, ids);
        TRY(check_find(pass->check, pass->join->subjects, ids, count, &found, err));
        for (size_t i = 0; i < count; i++) {
            const void *subject = check_doc_of(&found, ids[i]);
            rows[i]->closed = subject && pass->join->judge(rows[i]->data) == JOIN_NEWER &&
                              pass->join->covers(rows[i]->data, subject);
        }
    }
    return OUTCOME_DONE;
}

static enum outcome begin_anew(struct join_pass *pass, size_t *open, struct err *err)
{
    struct check_row *rows[CHUNK];
    struct str ids[CHUNK];
    *open = 0;
    for (struct check_row *at = pass->rows.first; at;) {
        struct doc_list found;
        const size_t count = take_open(&at, rows, ids);
        TRY(check_find(pass->check, pass->join->subjects, ids, count, &found, err));
        for (size_t i = 0; i < count; i++) {
            const void *subject = check_doc_of(&found, ids[i]);
            rows[i]->closed = subject == NULL;
            if (subject)
                begin_row(pass, rows[i], subject);
            *open += subject != NULL;
        }
    }
    return OUTCOME_DONE;
}

/* Reports the open rows and closes them. A row whose subject changed or vanished during this look
 * stays open for another look, if its parts may change. */
static enum outcome report_rows(struct join_pass *pass, struct err *err)
{
    for (struct check_row *row = pass->rows.first; row; row = row->next) {
        const void *subject = NULL;
        if (row->closed)
            continue;
        if (pass->join->parts_may_change) {
            TRY(check_find_one(pass->check, pass->join->subjects, row->key, &subject, err));
            if (!subject || doc_head(subject)->version != row->version)
                continue;
        }
        row->closed = true;
        TRY(pass->join->report(pass->check, row->key, row->data, err));
    }
    return OUTCOME_DONE;
}

static enum outcome look_again(struct join_pass *pass, struct err *err)
{
    pass->again = true;
    for (int look = 0; look < LOOKS_MAX; look++) {
        size_t open = 0;
        TRY(begin_anew(pass, &open, err));
        if (open == 0)
            break;
        TRY(read_parts(pass, err));
        TRY(judge_rows(pass, err));
        TRY(report_rows(pass, err));
    }
    pass->again = false;
    return OUTCOME_DONE;
}

static enum outcome join_all(struct join_pass *pass, struct err *err)
{
    do {
        TRY(read_stretch(pass, err));
        TRY(read_parts(pass, err));
        TRY(judge_rows(pass, err));
        TRY(look_again(pass, err));
        pass->after = pass->until;
    } while (!str_is_absent(pass->until));
    return OUTCOME_DONE;
}

enum outcome check_join(struct check *check, const struct join *join, struct err *err)
{
    struct join_pass pass = {.check = check, .join = join};
    check_table_init(&pass.rows, join->row_size, check->memory_max);
    check_table_init(&pass.strangers, 0, SIZE_MAX); /* no limit: a page has few parts */
    check_table_init(&pass.orphans, 0,
                     check->memory_max > NAMES_MIN ? check->memory_max : NAMES_MIN);
    arena_init(&pass.bounds, 1024);
    const enum outcome outcome = join_all(&pass, err);
    check_table_release(&pass.rows);
    check_table_release(&pass.strangers);
    check_table_release(&pass.orphans);
    arena_release(&pass.bounds);
    return outcome;
}
