/* signature.h - what we publish for ourselves says so: header x-signature, made with the master key.
 *
 * Whoever may publish to an exchange could write an event that never happened, or a dead letter that
 * no lane buried. Our subscribers take up an event only with its signature; an operator's commands
 * believe what a letter says only with its own. */
#ifndef CARTWRIGHT_SERVICE_SIGNATURE_H
#define CARTWRIGHT_SERVICE_SIGNATURE_H

#include "bus/bus.h"
#include "crypto/auth.h"

struct json;

/* An event or a notification: bound to its exchange, routing key, message id and body. */
struct signed_event {
    struct str exchange, routing_key, message_id, body;
};

struct str event_sign(struct arena *arena, const struct auth_keys *keys,
                      const struct signed_event *event);
MUST_CHECK bool event_is_ours(struct arena *arena, const struct auth_keys *keys,
                              const struct signed_event *event, struct str signature);

/* A dead letter: bound to its body, its properties and each header that we write (signature.c has the
 * list). The message is complete but for the signature. */
struct str letter_sign(struct arena *arena, const struct auth_keys *keys,
                       const struct bus_message *letter);
/* `headers`: all of the delivery's, read; may be NULL. */
MUST_CHECK bool letter_is_ours(struct arena *arena, const struct auth_keys *keys,
                               const struct delivery *letter, const struct json *headers);

#endif
