/* crash.h - the last words of a process: which signal ended it, and where it was.
 *
 * The dying process only stores raw return addresses: its heap and its locks are not to be trusted.
 * Whoever shares the memory turns them into names; it must be the same program, forked without
 * exec, so that the addresses mean the same. Aborts of libraries (librabbitmq's amqp_abort, libbson
 * out of memory) and panic() end with SIGABRT and are caught like our own faults. */
#ifndef CARTWRIGHT_WORKER_CRASH_H
#define CARTWRIGHT_WORKER_CRASH_H

#include <signal.h>
#include <stddef.h>

#include "base/err.h"

#define CRASH_FRAMES     32
#define CRASH_SIGNAL_MAX 16   /* "SIGSEGV" */
#define CRASH_TEXT_MAX   1536 /* 32 frames of 48 characters */

/* All zeros: nothing was caught. */
struct crash_report {
    volatile sig_atomic_t signal;
    volatile sig_atomic_t depth; /* frames that were stored, the innermost first */
    void *volatile frames[CRASH_FRAMES];
    char words[ERR_TEXT_MAX]; /* of panic(); "": it said nothing */
};

/* From here on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT are written down, on a stack of their own
 * (the ordinary one may be what overflowed), and then end the process as usual. */
void crash_watch(struct crash_report *crash);

/* "SIGSEGV" */
void crash_signal_name(int signal, char out[CRASH_SIGNAL_MAX]);
/* "item_add+0x1f < run_handler+0x33 < ...": a name where the program or a library has one, else the
 * place in its file ("cartwright+0x4f21c", as addr2line wants it). "" when nothing was caught. */
void crash_describe(const struct crash_report *crash, char out[CRASH_TEXT_MAX]);

#endif
