/* bad.h - what the tests of bad input share. */
#ifndef CARTWRIGHT_TESTS_FAULT_BAD_H
#define CARTWRIGHT_TESTS_FAULT_BAD_H

#include "fault/fault.h"
#include "wire/json.h"

struct bad {
    struct fault *fault;
    struct lanes lanes; /* as they were before */
    struct shopper shopper;
    const struct good *good;
};

struct bad bad_begin(struct fault *fault);
/* The lanes are the same processes, and a good request is served. */
void bad_end(const struct bad *bad);
void bad_expect(const struct bad *bad, const char *name, const struct call *call, const char *code);

/* bad_tokens.c */
void bad_tokens(struct fault *fault);

#endif
