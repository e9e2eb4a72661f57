/* mail_watch.c - whether anybody takes the mails. */
#include "engine/mail_watch.h"

#include <stdio.h>

#include "base/log.h"

#define WARNING_US (10 * 60 * 1000000LL)

static void warn(struct lane *lane, const char *route)
{
    char text[ERR_TEXT_MAX];
    snprintf(text, sizeof(text),
             "nobody takes mails (%s): bind the queue of the service that sends them to that "
             "exchange with email.#, or a queue that drops them",
             route);
    if (lane->mails_lost_until_us == 0)
        log_warn("%s", text);
    slot_warn(lane->slot, SLOT_WARN_MAILS, text);
}

void mail_watch(struct lane *lane, int64_t now_us)
{
    char route[BUS_ROUTE_MAX];
    if (bus_unroutable(lane->bus, route)) {
        warn(lane, route);
        lane->mails_lost_until_us = now_us + WARNING_US;
    } else if (lane->mails_lost_until_us > 0 && now_us >= lane->mails_lost_until_us) {
        slot_warn(lane->slot, SLOT_WARN_MAILS, "");
        lane->mails_lost_until_us = 0;
    }
}
