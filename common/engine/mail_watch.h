/* mail_watch.h - does anybody take the mails?
 *
 * An event that nobody wants to hear of is no loss; a mail that no queue takes is one, and so is the next.
 * The broker sends it back (that fails nothing: may_be_unroutable in bus.h), and health is degraded. */
#ifndef CARTWRIGHT_ENGINE_MAIL_WATCH_H
#define CARTWRIGHT_ENGINE_MAIL_WATCH_H

#include "engine/lane.h"

/* Says in the slot, and once in the log, that mails came back; until none did for ten minutes. */
void mail_watch(struct lane *lane, int64_t now_us);

#endif
