/* bus_beater.h - a thread that sends heartbeats where a signal handler cannot: private to the bus
 * room.
 *
 * A plain socket takes eight bytes from the handler of a timer. TLS does not: OpenSSL may stand in the
 * middle of anything when the signal comes. So the handler only wakes this thread, and whoever touches
 * a link holds the guard meanwhile (link_options.guard). The thread does nothing else, and has all
 * signals blocked. */
#ifndef CARTWRIGHT_BUS_BUS_BEATER_H
#define CARTWRIGHT_BUS_BUS_BEATER_H

#include <pthread.h>

struct beater;

/* beat(context) is called in the thread after each wake, with the guard held; began(), if not NULL, at
 * its start. */
struct beater *beater_start(void (*began)(void), void (*beat)(void *context), void *context);
/* Waits for the thread to end. NULL: nothing. */
void beater_stop(struct beater *beater);
/* Async-signal-safe. */
void beater_wake(struct beater *beater);
pthread_mutex_t *beater_guard(struct beater *beater);

#endif
