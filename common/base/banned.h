/* banned.h - turns any use of certain functions into a compile error.
 *
 * It is force-included into every source file of ours. The system headers that declare or use the
 * names are included first: what they contain stays legal, what follows does not. Use str.h for
 * strings, text.h for numbers and clock.h for time instead. */
#ifndef CARTWRIGHT_BASE_BANNED_H
#define CARTWRIGHT_BASE_BANNED_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <wchar.h>

/* Fortified headers define some as macros, and a macro cannot be poisoned without a warning. */
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strncpy strcat strncat sprintf vsprintf gets
#pragma GCC poison atoi atol atoll atof strtok localtime gmtime ctime asctime
#pragma GCC poison srand tmpnam mktemp
/* OpenSSL's headers have parameters named rand, so only a call of it is an error. */
#define rand() use_random_bytes_instead_of_rand

#endif
