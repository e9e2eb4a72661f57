/* signature.h - what we publish for ourselves is signed: header x-signature, made with the master
 * key.
 *
 * Anyone who may publish to an exchange could write an event that never happened, or a dead letter
 * that no lane buried. Our subscribers handle an event only if it has its signature; the operator's
 * commands believe what a letter says only if it has its own. */
#ifndef CARTWRIGHT_SERVICE_SIGNATURE_H
#define CARTWRIGHT_SERVICE_SIGNATURE_H

#include "bus/bus.h"
#include "crypto/auth.h"

struct json;

/* An event or a notification; its signature covers the exchange, routing
 * key, message id and body. */
struct signed_event {
    struct str exchange, routing_key, message_id, body;
};

struct str event_sign(struct arena *arena, const struct auth_keys *keys,
                      const struct signed_event *event);
MUST_CHECK bool event_is_ours(struct arena *arena, const struct auth_keys *keys,
                              const struct signed_event *event, struct str signature);

/* The signature of a dead letter covers its body, its properties and each header that we write
 * (listed in signature.c). The message must be complete but for the signature. */
struct str letter_sign(struct arena *arena, const struct auth_keys *keys,
                       const struct bus_message *letter);
/* `headers`: all headers of the delivery, parsed; may be NULL, and then each counts as empty. */
MUST_CHECK bool letter_is_ours(struct arena *arena, const struct auth_keys *keys,
                               const struct delivery *letter, const struct json *headers);

#endif
