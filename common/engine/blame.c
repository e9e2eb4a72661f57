/* blame.c - the crash ledger: a ring of messages whose handler ended the process. */
#include "engine/blame.h"

#include <stdio.h>

static size_t used(const struct blame_table *table)
{
    return table->recorded < BLAME_MAX ? (size_t)table->recorded : BLAME_MAX;
}

static struct blame *entry_of(struct blame_table *table, uint64_t digest)
{
    for (size_t i = 0; i < used(table); i++)
        if (table->entries[i].digest == digest)
            return &table->entries[i];
    return NULL;
}

static struct blame *new_entry(struct blame_table *table, uint64_t digest)
{
    struct blame *blame = &table->entries[table->recorded % BLAME_MAX];
    blame->deaths = 0;
    blame->digest = digest;
    table->recorded++;
    return blame;
}

int blame_record(struct blame_table *table, const struct death *death)
{
    struct blame *blame = entry_of(table, death->digest);
    if (!blame)
        blame = new_entry(table, death->digest);
    blame->hung_ms = death->hung_ms;
    snprintf(blame->signal, sizeof(blame->signal), "%s", death->signal);
    snprintf(blame->backtrace, sizeof(blame->backtrace), "%s", death->backtrace);
    return ++blame->deaths; /* last: a lane that sees the new count sees the rest as well */
}

const struct blame *blame_find(const struct blame_table *table, uint64_t digest)
{
    for (size_t i = 0; i < used(table); i++)
        if (table->entries[i].digest == digest && table->entries[i].deaths >= DEATHS_MAX)
            return &table->entries[i];
    return NULL;
}

void blame_forget(struct blame_table *table, uint64_t digest)
{
    struct blame *blame = entry_of(table, digest);
    if (blame)
        blame->digest = 0;
}
