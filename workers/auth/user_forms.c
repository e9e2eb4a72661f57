/* user_forms.c - gives accounts the form of their address that an older release left out.
 *
 * Before an account gets a form, the account that has it already is looked for. The unique index
 * proves that there is none; a part that meets an account that was faster is looked at again. */
#include "auth/user_forms.h"

#include "auth/email.h"
#include "auth/user.h"
#include "base/map.h"

struct survey {
    struct arena *arena;
    struct map known; /* ids of twins that were noted: a part may be looked at several times */
    struct twin **last;
};

static void note_twin(struct survey *survey, const struct user *user, struct str holder)
{
    if (map_get(&survey->known, user->head.id))
        return;
    struct twin *twin = ARENA_NEW(survey->arena, struct twin);
    twin->id = str_dup(survey->arena, user->head.id);
    twin->holder = str_dup(survey->arena, holder);
    map_set(&survey->known, twin->id, twin);
    *survey->last = twin;
    survey->last = &twin->next;
}

/* Sets `wanted` to the form that each account should get; absent: its form is right, or its address
 * has none. Lists those forms in `values` and returns how many there are. */
static size_t wanted_forms(const struct sweep_part *part, struct str wanted[SWEEP_PART],
                           struct str values[SWEEP_PART])
{
    size_t count = 0;
    for (size_t i = 0; i < part->count; i++) {
        const struct user *user = part->docs[i];
        const char *fault;
        wanted[i] = email_form(part->arena, user->email, &fault);
        if (str_eq(wanted[i], user->email_form))
            wanted[i] = STR_ABSENT;
        if (!str_is_absent(wanted[i]))
            values[count++] = wanted[i];
    }
    return count;
}

/* Maps each form to the account that has it. */
static enum outcome find_holders(const struct sweep_part *part, const struct str *values,
                                 size_t count, struct map *holders, struct err *err)
{
    struct store_find find = {
        .type = &user_type, .path = "emailForm", .values = values, .count = count};
    map_init(holders, part->arena);
    if (count > 0)
        TRY(store_find(part->store, part->arena, &find, err));
    for (size_t i = 0; i < find.found.count; i++) {
        const struct user *user = find.found.items[i];
        map_set(holders, user->email_form, (void *)(uintptr_t)user);
    }
    return OUTCOME_DONE;
}

static enum outcome renew_users(struct sweep_part *part, void *context, struct err *err)
{
    struct str wanted[SWEEP_PART];
    struct str values[SWEEP_PART];
    struct map holders;
    const size_t count = wanted_forms(part, wanted, values);
    TRY(find_holders(part, values, count, &holders, err));
    for (size_t i = 0; i < part->count; i++) {
        struct user *user = part->docs[i];
        if (str_is_absent(wanted[i]))
            continue;
        const struct user *holder = map_get(&holders, wanted[i]);
        if (holder) {
            note_twin(context, user, holder->head.id);
            continue;
        }
        user->email_form = wanted[i];
        part->changed[i] = true;
        map_set(&holders, wanted[i], user);
    }
    return OUTCOME_DONE;
}

enum outcome users_give_forms(struct store *store, struct arena *arena,
                              void (*progress)(const struct swept *so_far), struct user_forms *done,
                              struct err *err)
{
    struct survey survey = {.arena = arena, .last = &done->twins};
    done->twins = NULL;
    map_init(&survey.known, arena);
    return sweep_run(
        store,
        &(const struct sweep){
            .type = &user_type, .renew = renew_users, .context = &survey, .progress = progress},
        &done->swept, err);
}
