/* base64.h - URL-safe base64 without padding, read strictly; private to this room (base64url(), the
 * way out, is in auth.h).
 *
 * Strict: only the alphabet, no padding, no blanks, unused bits zero. So bytes have one text and
 * one only, and a token cannot be made to look new by changing its last letter. */
#ifndef CARTWRIGHT_AUTH_BASE64_H
#define CARTWRIGHT_AUTH_BASE64_H

#include "auth/auth.h"

/* *out is NUL-terminated. False when the text is not of this form. */
MUST_CHECK bool base64url_decode(struct arena *arena, struct str text, struct str *out);

#endif
