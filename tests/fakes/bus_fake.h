/* bus_fake.h - a broker in memory, for deterministic tests of a whole batch.
 *
 * bus_fake_open() returns a `struct bus` that behaves as bus.h says: it has queues, topic bindings,
 * unacknowledged messages that come back when their connection is lost, confirms and mandatory
 * returns. Messages in delay queues expire when the test moves the time. */
#ifndef CARTWRIGHT_TESTS_FAKES_BUS_FAKE_H
#define CARTWRIGHT_TESTS_FAKES_BUS_FAKE_H

#include "bus/bus.h"

enum bus_fake_call { BUS_FAKE_NEXT, BUS_FAKE_FLUSH, BUS_FAKE_CALLS };

struct bus *bus_fake_open(void);
/* One more connection to the same broker, which lives until its last connection is closed. */
struct bus *bus_fake_join(struct bus *bus);
/* From now on deliveries of this broker carry all their headers (bus_options.keep_headers). */
void bus_fake_keep_headers(struct bus *bus);
/* Publishes as a client; false unless queues took it (perhaps by an alternate exchange). */
bool bus_fake_send(struct bus *bus, const struct bus_message *message);
/* Takes the oldest message out of any queue, as a spy would; NULL when the queue is empty or does
 * not exist. The caller frees it. Direct replies land in the queue that their reply_to names, which
 * is made at its first use. */
struct delivery *bus_fake_take(struct bus *bus, struct str queue);
size_t bus_fake_depth(const struct bus *bus, struct str queue);
/* Sets a policy: a queue that has `length` messages refuses more; 0: it takes any number. */
void bus_fake_limit(struct bus *bus, struct str queue, int64_t length);
size_t bus_fake_unacked(const struct bus *bus);
/* Lets time pass: what is due in a delay queue goes on, also through a chain of such queues. */
void bus_fake_advance(struct bus *bus, int64_t ms);
/* The n-th call from now (1 = the next) reports a lost connection. */
void bus_fake_fail(struct bus *bus, enum bus_fake_call call, int nth);
/* Makes the broker end this connection: what it holds goes back to the queues at once. */
void bus_fake_lose(struct bus *bus, const char *reason);
/* The next flush carries out only so many calls (publishes first); then the connection is lost. */
void bus_fake_cut(struct bus *bus, size_t calls);
/* From now on this connection gets only the confirms that the test gives one by one. */
void bus_fake_withhold(struct bus *bus);
void bus_fake_confirm_oldest(struct bus *bus);
/* From now on, publishing with this queue's name as the routing key ends this connection. */
void bus_fake_forbid(struct bus *bus, struct str queue);
/* How many calls wait for the flush. */
size_t bus_fake_calls(const struct bus *bus);
/* How often this connection was subscribed anew (bus_renew). */
size_t bus_fake_renewals(const struct bus *bus);

#endif
