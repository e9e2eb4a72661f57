/* bus_fake.h - a broker in memory, for deterministic tests of a whole batch.
 *
 * bus_fake_open() gives a `struct bus` that behaves as bus.h says: queues, topic bindings,
 * unacknowledged messages that come back when their connection is lost, confirms, mandatory
 * returns. Delay queues expire when the test moves the time. */
#ifndef CARTWRIGHT_TESTS_FAKES_BUS_FAKE_H
#define CARTWRIGHT_TESTS_FAKES_BUS_FAKE_H

#include "bus/bus.h"

enum bus_fake_call { BUS_FAKE_NEXT, BUS_FAKE_FLUSH, BUS_FAKE_CALLS };

struct bus *bus_fake_open(void);
/* One more connection to the same broker, which lives until the last of them is closed. */
struct bus *bus_fake_join(struct bus *bus);
/* From now on deliveries of this broker carry all their headers (bus_options.keep_headers). */
void bus_fake_keep_headers(struct bus *bus);
/* A client publishes; false when no queue took it (after the alternate exchange). */
bool bus_fake_send(struct bus *bus, const struct bus_message *message);
/* Takes the oldest message out of a queue, any queue, as a spy would; NULL when empty. Direct
 * replies land in the queue that their reply_to names, made at the first use. */
struct delivery *bus_fake_take(struct bus *bus, struct str queue);
size_t bus_fake_depth(const struct bus *bus, struct str queue);
/* A policy: with so many messages the queue refuses more; 0: it takes any number. */
void bus_fake_limit(struct bus *bus, struct str queue, int64_t length);
size_t bus_fake_unacked(const struct bus *bus);
/* Time passes: what is due in delay queues goes on, from one to the next where they are chained. */
void bus_fake_advance(struct bus *bus, int64_t ms);
/* The n-th call from now (1 = the next) reports a lost connection. */
void bus_fake_fail(struct bus *bus, enum bus_fake_call call, int nth);
/* The broker ends this connection: what it holds goes back to the queues at once. */
void bus_fake_lose(struct bus *bus, const char *reason);
/* The next flush carries out so many of its calls (publishes first); then the connection is lost. */
void bus_fake_cut(struct bus *bus, size_t calls);
/* From now on this connection gets no confirms, but for those that the test gives one by one. */
void bus_fake_withhold(struct bus *bus);
void bus_fake_confirm_oldest(struct bus *bus);
/* Publishing to this queue, by its name, ends this connection. */
void bus_fake_forbid(struct bus *bus, struct str queue);
/* How many calls wait for the flush. */
size_t bus_fake_calls(const struct bus *bus);
/* How often it was subscribed anew (bus_renew). */
size_t bus_fake_renewals(const struct bus *bus);

#endif
