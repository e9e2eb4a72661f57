/* no_jit.c - a library to be preloaded under valgrind: PCRE2 interprets its patterns.
 *
 * Machine code that it makes itself reads whole words beyond the end of a text, on purpose; memcheck
 * cannot know that, and such code has no name by which it could be told to be silent. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

int pcre2_jit_compile(pcre2_code *code, uint32_t options)
{
    (void)code, (void)options;
    return PCRE2_ERROR_JIT_BADOPTION;
}
