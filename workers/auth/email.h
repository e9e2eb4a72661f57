/* email.h - the form in which e-mail addresses are compared: one for all spellings of an
 * address. */
#ifndef CARTWRIGHT_WORKERS_AUTH_EMAIL_H
#define CARTWRIGHT_WORKERS_AUTH_EMAIL_H

#include "base/arena.h"
#include "base/str.h"

/* The form of an address. Before the '@' it is the text in compatibility form (NFKC) with full case
 * folding, without the characters that are ignored when shown (zero-width and joining characters,
 * soft hyphens, variation selectors). After the '@' it is the domain as IDNA 2008 writes it in
 * ASCII, after the mapping of UTS #46. Dots and "+tags" count. The form of a form is itself.
 *
 * `email` must be an address that the schema lets through. The form is absent when there is none:
 * no such domain can exist, or a character has no form yet or stands for one that no address has.
 * Then *fault says why, as a text for people that lives as long as the arena. */
struct str email_form(struct arena *arena, struct str email, const char **fault);

/* Why no new account may have the address, as a text like *fault above; NULL when one may. Besides
 * addresses without a form, those with invisible characters are refused, because mail to them would
 * hardly arrive. (Whether a domain may have joiners is for IDNA to judge.) */
const char *email_fault(struct arena *arena, struct str email);

#endif
