/* common_passwords.h - what everybody tries first; private to this room. */
#ifndef CARTWRIGHT_CRYPTO_COMMON_PASSWORDS_H
#define CARTWRIGHT_CRYPTO_COMMON_PASSWORDS_H

#define COMMON_PASSWORDS    3000
#define COMMON_PASSWORD_MAX 20 /* characters of the longest */

extern const char *const common_passwords[COMMON_PASSWORDS];

#endif
