/* user_forms.h - gives accounts the form of their address (email.h) that older releases left
 * out. */
#ifndef CARTWRIGHT_WORKERS_AUTH_USER_FORMS_H
#define CARTWRIGHT_WORKERS_AUTH_USER_FORMS_H

#include "sweep.h"

/* An account whose form another account has: an older release took the two spellings for two
 * addresses. Both accounts stay, and each is found by its own spelling. */
struct twin {
    struct twin *next;
    struct str id;
    struct str holder; /* id of the account that has the form */
};

struct user_forms {
    struct swept swept;
    struct twin *twins; /* in the order of their ids */
};

/* Goes through all accounts (sweep.h) and writes those whose form is not that of their address. A
 * form stays with the account that has it; of two accounts that lack it the older one gets it.
 * Accounts whose address has no form are left without one. Twins live in `arena`. Outcomes are
 * those of sweep_run(). */
MUST_CHECK enum outcome users_give_forms(struct store *store, struct arena *arena,
                                         void (*progress)(const struct swept *so_far),
                                         struct user_forms *done, struct err *err);

#endif
