/* bus_beater.h - a thread that sends heartbeats where a signal handler cannot. Private to the bus
 * room.
 *
 * To a plain socket the handler of a timer can write the eight bytes itself. With TLS it cannot:
 * OpenSSL may be in the middle of anything when the signal comes. So the handler only wakes this
 * thread, and all code that uses a link holds the guard meanwhile (link_options.guard). The thread
 * does nothing else, and blocks all signals except those of its own faults. */
#ifndef CARTWRIGHT_BUS_BUS_BEATER_H
#define CARTWRIGHT_BUS_BUS_BEATER_H

#include <pthread.h>

struct beater;

/* Starts the thread, which calls began(), if not NULL, at its start, and beat(context), with the
 * guard held, after each wake. */
struct beater *beater_start(void (*began)(void), void (*beat)(void *context), void *context);
/* Waits for the thread to end and frees the beater. NULL is allowed. */
void beater_stop(struct beater *beater);
/* Makes the thread call beat(). Async-signal-safe. */
void beater_wake(struct beater *beater);
pthread_mutex_t *beater_guard(struct beater *beater);

#endif
