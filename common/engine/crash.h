/* crash.h - the last words of a process: which signal ended it, and where it was, in which thread.
 *
 * The dying process only stores raw return addresses: its heap and its locks are not to be trusted.
 * Whoever shares the memory turns them into names; it must be the same program, forked without
 * exec, so that the addresses mean the same. Aborts of libraries (librabbitmq's amqp_abort, libbson
 * out of memory) and panic() end with SIGABRT and are caught like our own faults. */
#ifndef CARTWRIGHT_ENGINE_CRASH_H
#define CARTWRIGHT_ENGINE_CRASH_H

#include <signal.h>
#include <stddef.h>

#include "base/err.h"

#define CRASH_FRAMES     32
#define CRASH_SIGNAL_MAX 16 /* "SIGSEGV" */
#define CRASH_THREAD_MAX 16
#define CRASH_TEXT_MAX   1536 /* 32 frames of 48 characters */

/* All zeros: nothing was caught. */
struct crash_report {
    volatile sig_atomic_t signal;
    volatile sig_atomic_t depth; /* frames that were stored, the innermost first */
    void *volatile frames[CRASH_FRAMES];
    char thread[CRASH_THREAD_MAX]; /* that died; "": the process's own, in which handlers run */
    char words[ERR_TEXT_MAX];      /* of panic(); "": it said nothing */
};

/* From here on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT are written down, on a stack of their own
 * (the ordinary one may be what overflowed), and then end the process as usual. */
void crash_watch(struct crash_report *crash);
/* On another thread of the process: its faults are written down with its name, which stays the
 * caller's. SIGSEGV and the like must not be blocked there. */
void crash_watch_thread(const char *name);

/* "SIGSEGV" */
void crash_signal_name(int signal, char out[CRASH_SIGNAL_MAX]);
/* "item_add+0x1f < run_handler+0x33 < ...": a name where the program or a library has one, else the
 * place in its file ("cartwright+0x4f21c", as addr2line wants it). "" when nothing was caught. */
void crash_describe(const struct crash_report *crash, char out[CRASH_TEXT_MAX]);

#endif
