/* seen.h - writes down what a test received, for tests/schema/seen.py, which judges it by the
 * schemas. Does nothing unless TEST_SEEN names a folder, in which each process has a file. Not
 * for several threads. */
#ifndef CARTWRIGHT_TESTS_SUPPORT_SEEN_H
#define CARTWRIGHT_TESTS_SUPPORT_SEEN_H

#include "bus/bus.h"

/* What the test sent: the reply with this correlation id can be judged then, and an event with this
 * message id is none of ours. `key` is the routing key. */
void seen_sent(struct str id, struct str key);
void seen_answer(struct str correlation, struct str body);
/* The same; a compressed reply is left out. */
void seen_reply(const struct delivery *reply);
/* What came from the exchange of events or of notifications. Anything else is left out, and so is
 * what we did not sign. */
void seen_published(const struct delivery *delivery);

#endif
