/* mail_watch.h - whether anybody takes the mails.
 *
 * An event that nobody wants to hear of is no loss. A mail that no queue takes is a loss, and so is
 * the next one. The broker sends such a mail back (which fails no confirm group: may_be_unroutable
 * in bus.h), and health is degraded. */
#ifndef CARTWRIGHT_ENGINE_MAIL_WATCH_H
#define CARTWRIGHT_ENGINE_MAIL_WATCH_H

#include "engine/lane.h"

/* Says in the slot, and once in the log, that mails came back, until none has
 * come back for ten minutes. */
void mail_watch(struct lane *lane, int64_t now_us);

#endif
