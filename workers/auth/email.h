/* email.h - e-mail addresses as they are compared: one address, one form, however it is spelled. */
#ifndef CARTWRIGHT_WORKERS_AUTH_EMAIL_H
#define CARTWRIGHT_WORKERS_AUTH_EMAIL_H

#include "base/arena.h"
#include "base/str.h"

/* Before the '@': compatibility forms (NFKC), full case folding, nothing that is ignored when shown
 * (zero-width and joining characters, soft hyphens, variation selectors). Behind it: the domain as
 * IDNA 2008 writes it in ASCII, after the mapping of UTS #46. Dots and "+tags" count. The form of a
 * form is itself.
 *
 * `email` is what the schema lets through. Absent when there is no form: no such domain can be, or a
 * character has none yet or stands for one that no address has; then *fault says why, for people, and
 * lives as long as the arena. */
struct str email_form(struct arena *arena, struct str email, const char **fault);

/* Why no new account may have the address, as above; NULL when one may. Besides what has no form,
 * characters that nobody sees: mail to it would hardly arrive. (Joiners that a domain needs are for IDNA
 * to judge.) */
const char *email_fault(struct arena *arena, struct str email);

#endif
