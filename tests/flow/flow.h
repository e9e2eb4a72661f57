/* flow.h - a script on its way: its variables, what it sent last, what it was answered.
 *
 * A command is one function and one row of the table in commands.c. It takes its words and returns
 * false after flow_fail(). */
#ifndef CARTWRIGHT_TESTS_FLOW_FLOW_H
#define CARTWRIGHT_TESTS_FLOW_FLOW_H

#include "flow/words.h"
#include "flow/world.h"

#define PENDING_MAX 256

struct flow {
    struct world *world;
    struct arena arena;
    const char *path;        /* of the file in hand */
    int line;                /* where the command in hand begins */
    struct map values;       /* name -> struct str *, JSON text */
    bool together;           /* sends are collected, the lane does not step */
    struct bus_message last; /* what `repeat` sends again */
    struct str
        pending[PENDING_MAX]; /* correlation ids of sends that expect their replies, in order */
    size_t pending_count;
    int sends;
    size_t mail_mark; /* mail from here on came after the last send */
    int64_t status;   /* of the last reply */
    int64_t retry_after_ms;
    struct str body; /* of the last reply */
    struct str failure;
    bool skipped; /* it is for the other kind of world */
};

/* Remembers the first reason; gives false. */
bool flow_fail(struct flow *flow, const char *format, ...) __attribute__((format(printf, 2, 3)));
void flow_set(struct flow *flow, struct str name, struct str json);
/* The text of a variable as a JSON string. */
void flow_set_text(struct flow *flow, struct str name, struct str text);

/* A JSON value of a script; an absent text gives NULL and is no fault. */
struct json;
bool flow_json(struct flow *flow, struct str text, const struct json **out);

/* Plays a line; words are filled in already. */
bool flow_command(struct flow *flow, struct words *words);

/* --- commands, by file ---------------------------------------------------------------------- */

/* send.c */
bool flow_send(struct flow *flow, struct words *words);
bool flow_repeat(struct flow *flow, struct words *words);
bool flow_publish(struct flow *flow, struct words *words);
bool flow_forge(struct flow *flow, struct words *words);
bool flow_redeliver(struct flow *flow, struct words *words);
bool flow_together(struct flow *flow, struct words *words);
bool flow_end(struct flow *flow, struct words *words);
/* expect.c */
bool flow_expect(struct flow *flow, struct words *words);
bool flow_let(struct flow *flow, struct words *words);
/* look.c */
bool flow_event(struct flow *flow, struct words *words);
bool flow_again(struct flow *flow, struct words *words);
bool flow_notification(struct flow *flow, struct words *words);
bool flow_document(struct flow *flow, struct words *words);
bool flow_stored(struct flow *flow, struct words *words);
bool flow_alter(struct flow *flow, struct words *words);
bool flow_count(struct flow *flow, struct words *words);
bool flow_dead(struct flow *flow, struct words *words);
bool flow_no(struct flow *flow, struct words *words);

#endif
