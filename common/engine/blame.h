/* blame.h - the crash ledger: messages whose handler ended the process.
 *
 * The supervisor records deaths in memory that all lanes read. A message with DEATHS_MAX of them is
 * not handled any more but goes to the dead letters; its lane then forgets it, so that a replay has
 * a new chance. Neighbours in the same batch are never recorded. When the table is full, the oldest
 * entry makes room: at worst a message ends more processes than it should. */
#ifndef CARTWRIGHT_ENGINE_BLAME_H
#define CARTWRIGHT_ENGINE_BLAME_H

#include <stddef.h>
#include <stdint.h>

#include "engine/crash.h"

#define DEATHS_MAX 2
#define BLAME_MAX  256

struct blame {
    volatile uint64_t digest; /* of the message; 0: forgotten */
    volatile int deaths;
    int64_t hung_ms; /* the handler was cut after so long; 0: the process died by itself */
    char signal[CRASH_SIGNAL_MAX];
    char backtrace[CRASH_TEXT_MAX];
};

/* A table of zeros is empty. */
struct blame_table {
    volatile uint64_t recorded; /* entries ever begun; the next one goes to recorded % BLAME_MAX */
    struct blame entries[BLAME_MAX];
};

/* What is known about one death. */
struct death {
    uint64_t digest; /* of the message that was being handled */
    int64_t hung_ms;
    const char *signal;
    const char *backtrace;
};

/* Records one more death; returns how many the message has now. */
int blame_record(struct blame_table *table, const struct death *death);
/* Returns the entry of a message that may not be handled any more; NULL:
 * the message may be handled. */
const struct blame *blame_find(const struct blame_table *table, uint64_t digest);
void blame_forget(struct blame_table *table, uint64_t digest);

#endif
