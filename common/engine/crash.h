/* crash.h - the last words of a process: which signal ended it, where it was, and in which thread.
 *
 * The dying process only stores raw return addresses, because its heap and its locks are not
 * to be trusted. Another process that shares the memory turns them into names; it must be the
 * same program, forked without exec, so that the addresses mean the same. Aborts of libraries
 * (librabbitmq's amqp_abort, libbson out of memory) and panic() end with SIGABRT and are
 * caught like our own faults. */
#ifndef CARTWRIGHT_ENGINE_CRASH_H
#define CARTWRIGHT_ENGINE_CRASH_H

#include <signal.h>
#include <stddef.h>

#include "base/err.h"

#define CRASH_FRAMES     32
#define CRASH_SIGNAL_MAX 16 /* "SIGSEGV" */
#define CRASH_THREAD_MAX 16
#define CRASH_TEXT_MAX   1536 /* 32 frames of 48 characters */

/* A report of zeros means that nothing was caught. */
struct crash_report {
    volatile sig_atomic_t signal;
    volatile sig_atomic_t depth; /* number of stored frames, the innermost first */
    void *volatile frames[CRASH_FRAMES];
    char thread[CRASH_THREAD_MAX]; /* thread that died; "": the main one, where handlers run */
    char words[ERR_TEXT_MAX];      /* what panic() said; "": nothing */
};

/* From here on, SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT are written down in *crash and then end
 * the process as usual. They are caught on a stack of their own, because the ordinary one may be
 * what overflowed. *crash must live as long as the process. */
void crash_watch(struct crash_report *crash);
/* To be called on another thread of the process, whose faults are then written down with its
 * name. The caller owns `name`, which must live as long as the thread. SIGSEGV and the like
 * must not be blocked there. */
void crash_watch_thread(const char *name);

/* Writes "SIGSEGV", for example. */
void crash_signal_name(int signal, char out[CRASH_SIGNAL_MAX]);
/* Writes "item_add+0x1f < run_handler+0x33 < ...": a name where the program or a library has one,
 * else the place in its file ("cartwright+0x4f21c", in the form that addr2line takes). Writes ""
 * when nothing was caught. */
void crash_describe(const struct crash_report *crash, char out[CRASH_TEXT_MAX]);

#endif
