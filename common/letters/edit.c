/* edit.c - corrects one dead letter.
 *
 * The letter is looked for twice: once to see whether the correction is valid, and once to replace
 * the letter. Another command may take it in between; then the second look finds nothing. */
#include "letters/command.h"
#include "wire/json.h"

struct editor {
    struct dead_office *office;
    const struct dead_command *command;
    const struct dead_correction *correction;
    struct arena *arena;
    struct dead_audit audit;
    struct dead_edit edit;
    struct str digest; /* of the letter that is meant; absent: it was not found yet */
    size_t others;     /* letters with another digest that have the same id */
    bool sent;
};

/* --- what it becomes ---------------------------------------------------------------------------- */

static enum outcome corrected(struct editor *editor, struct str before, struct str *out,
                              struct err *err)
{
    const struct dead_correction *correction = editor->correction;
    struct str body = str_is_absent(correction->body) ? before : correction->body;
    for (size_t i = 0; i < correction->set_count; i++)
        TRY(json_set(editor->arena, body, correction->sets[i].pointer, correction->sets[i].value,
                     &body, err));
    *out = str_dup(editor->arena, body);
    return OUTCOME_DONE;
}

static struct str masked(struct arena *arena, struct str body)
{
    struct str out;
    struct err ignored = {0};
    /* A body that is not JSON cannot be searched for secrets. */
    if (json_mask(arena, body, &out, &ignored) != OUTCOME_DONE)
        return str_printf(arena, "(%zu bytes that are no JSON)", body.len);
    return out;
}

static enum outcome prepare(struct editor *editor, const struct dead_letter *letter,
                            struct err *err)
{
    struct str body;
    struct arena *arena = editor->arena;
    TRY(corrected(editor, letter->delivery->body, &body, err));
    TRY(dead_edit_prepare(arena, editor->office, letter, body, &editor->edit, err));
    editor->digest = str_dup(arena, letter->digest);
    editor->audit = (struct dead_audit){
        .action = editor->correction->park ? DEAD_PARK : DEAD_EDIT,
        .domain = letter->domain,
        .message_id = str_dup(arena, letter->id),
        .new_id = editor->edit.new_id,
        .fingerprint = str_dup(arena, letter->fingerprint),
        .before = masked(arena, letter->delivery->body),
        .after = masked(arena, body),
    };
    return OUTCOME_DONE;
}

static enum outcome look(void *context, const struct dead_letter *letter,
                         enum dead_verdict *verdict, struct err *err)
{
    struct editor *editor = context;
    *verdict = DEAD_LEAVE;
    if (!dead_letter_matches(letter, &editor->command->filter))
        return OUTCOME_DONE;
    if (str_is_absent(editor->digest))
        return prepare(editor, letter, err);
    editor->others += !str_eq(editor->digest, letter->digest);
    return OUTCOME_DONE;
}

/* A letter that is in the queue twice is sent once and removed both times. */
static enum outcome replace(void *context, const struct dead_letter *letter,
                            enum dead_verdict *verdict, struct err *err)
{
    struct editor *editor = context;
    *verdict = DEAD_LEAVE;
    if (!str_eq(editor->digest, letter->digest))
        return OUTCOME_DONE;
    if (!editor->sent)
        TRY(dead_edit_send(editor->arena, editor->office, letter, &editor->edit,
                           editor->correction->park, err));
    editor->sent = true;
    *verdict = DEAD_REMOVE;
    return OUTCOME_DONE;
}

/* --- the command ---------------------------------------------------------------------------------- */

static enum outcome scan_domains(struct editor *editor, const struct dead_visitor *visitor,
                                 struct err *err)
{
    struct dead_office *office = editor->office;
    bool cut;
    for (const struct str *domain = dead_domains(editor->arena, office->service);
         !str_is_absent(*domain); domain++)
        if (str_is_absent(editor->command->domain) || str_eq(editor->command->domain, *domain))
            TRY(dead_scan(office, *domain, visitor, &cut, err));
    return OUTCOME_DONE;
}

static enum outcome find(struct editor *editor, struct err *err)
{
    const struct dead_visitor visitor = {.visit = look, .context = editor};
    TRY(scan_domains(editor, &visitor, err));
    if (str_is_absent(editor->digest))
        return err_refuse(err, E_NOT_FOUND,
                          "no such dead letter; one that another command holds is not seen");
    if (editor->others > 0)
        return err_refuse(
            err, E_VERSION_CONFLICT,
            "%zu letters have this id: name one by its digest, as `list --letters --json` "
            "shows it",
            editor->others + 1);
    return OUTCOME_DONE;
}

static enum outcome replace_found(struct editor *editor, struct err *err)
{
    const struct dead_visitor visitor = {.visit = replace, .context = editor};
    TRY(scan_domains(editor, &visitor, err));
    return editor->sent
               ? OUTCOME_DONE
               : err_refuse(err, E_NOT_FOUND, "somebody else has taken the letter meanwhile");
}

enum outcome dead_edit(struct dead_office *office, const struct dead_command *command,
                       const struct dead_correction *correction, struct arena *arena,
                       struct str *new_id, struct err *err)
{
    struct editor editor = {
        .office = office, .command = command, .correction = correction, .arena = arena};
    struct err unwritten = {0};
    TRY(find(&editor, err));
    TRY(dead_audit_begin(office, &editor.audit, err));
    const enum outcome outcome = replace_found(&editor, err);
    editor.audit.count = editor.sent;
    editor.audit.state = outcome == OUTCOME_DONE ? DEAD_DONE : DEAD_FAILED;
    if (outcome != OUTCOME_DONE)
        editor.audit.reason = str_of(err->text);
    const enum outcome written = dead_audit_end(office, &editor.audit, &unwritten);
    TRY(outcome);
    if (written != OUTCOME_DONE)
        *err = unwritten;
    else
        *new_id = editor.edit.new_id;
    return written;
}
