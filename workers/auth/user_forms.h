/* user_forms.h - accounts get the form of their address (email.h) that a release made without one. */
#ifndef CARTWRIGHT_WORKERS_AUTH_USER_FORMS_H
#define CARTWRIGHT_WORKERS_AUTH_USER_FORMS_H

#include "sweep.h"

/* An account whose form another one has: two accounts of a release that took them for two addresses.
 * Both stay, and each is found by its own spelling. */
struct twin {
    struct twin *next;
    struct str id;
    struct str holder; /* id of the one that has the form */
};

struct user_forms {
    struct swept swept;
    struct twin *twins; /* in the order of their ids */
};

/* Goes through all accounts (sweep.h) and writes those whose form is not that of their address. Of two
 * with the same one the older gets it. Accounts whose address has no form are left without. Twins live
 * in `arena`. */
MUST_CHECK enum outcome users_give_forms(struct store *store, struct arena *arena,
                                         void (*progress)(const struct swept *so_far),
                                         struct user_forms *done, struct err *err);

#endif
