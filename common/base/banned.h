/* banned.h - makes the functions that nobody should call a compile error.
 *
 * Force-included into every source of ours. The system headers that declare or use the names come
 * first: what they contain stays legal, what follows does not. Instead: str.h for strings, text.h
 * for numbers, clock.h for time. */
#ifndef CARTWRIGHT_BASE_BANNED_H
#define CARTWRIGHT_BASE_BANNED_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <wchar.h>

/* Fortified headers make macros of some; a macro cannot be poisoned without a warning. */
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strncpy strcat strncat sprintf vsprintf gets
#pragma GCC poison atoi atol atoll atof strtok localtime gmtime ctime asctime
#pragma GCC poison srand tmpnam mktemp
/* OpenSSL's headers have parameters of this name, so only the call is an error. */
#define rand() use_random_bytes_instead_of_rand

#endif
