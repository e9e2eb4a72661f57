/* common_passwords.h - the passwords that attackers try first; private to this room. */
#ifndef CARTWRIGHT_CRYPTO_COMMON_PASSWORDS_H
#define CARTWRIGHT_CRYPTO_COMMON_PASSWORDS_H

#define COMMON_PASSWORDS    3000
#define COMMON_PASSWORD_MAX 20 /* length of the longest, in characters */

extern const char *const common_passwords[COMMON_PASSWORDS];

#endif
