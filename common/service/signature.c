/* signature.c - signatures of events and of dead letters. */
#include "service/signature.h"

#include <inttypes.h>

#include "wire/json.h"

/* --- events ------------------------------------------------------------------------------------- */

#define EVENT_PARTS 4

static void parts_of(const struct signed_event *event, struct str out[EVENT_PARTS])
{
    out[0] = event->exchange;
    out[1] = event->routing_key;
    out[2] = event->message_id;
    out[3] = event->body;
}

struct str event_sign(struct arena *arena, const struct auth_keys *keys,
                      const struct signed_event *event)
{
    struct str parts[EVENT_PARTS];
    parts_of(event, parts);
    return auth_sign(arena, keys, "event", parts, EVENT_PARTS);
}

bool event_is_ours(struct arena *arena, const struct auth_keys *keys,
                   const struct signed_event *event, struct str signature)
{
    struct str parts[EVENT_PARTS];
    parts_of(event, parts);
    return auth_is_signed(arena, keys, "event", parts, EVENT_PARTS, signature);
}

/* --- dead letters ------------------------------------------------------------------------------- */

/* Every header of a letter that is believed; a missing header counts as empty. */
static const char *const letter_headers[] = {
    "x-operation",
    "x-caller",
    "x-history",
    "x-failure-code",
    "x-failure-reason",
    "x-failure-place",
    "x-failed-at",
    "x-attempts",
    "x-original-queue",
    "x-original-exchange",
    "x-original-routing-key",
    "x-failure-signal",
    "x-failure-backtrace",
    "x-masked",
    "x-edited-from",
    "x-edited-by",
    "x-edited-at",
};

#define LETTER_HEADERS    (sizeof(letter_headers) / sizeof(letter_headers[0]))
#define LETTER_PROPERTIES 5
#define LETTER_PARTS      (LETTER_PROPERTIES + LETTER_HEADERS)
/* Of a bus_message or a delivery. Written out, because the list and its order are what other
 * releases verify: another header that copies keep must not change it. */
#define SIGNED_PROPERTIES(letter)                                                                  \
    (letter)->body, (letter)->message_id, (letter)->correlation_id, (letter)->traceparent,         \
        (letter)->partition_key

static struct str header_of(const struct bus_message *message, const char *name)
{
    for (size_t i = 0; i < message->header_count; i++)
        if (strcmp(message->headers[i].name, name) == 0)
            return message->headers[i].value;
    return STR_ABSENT;
}

struct str letter_sign(struct arena *arena, const struct auth_keys *keys,
                       const struct bus_message *letter)
{
    struct str parts[LETTER_PARTS] = {SIGNED_PROPERTIES(letter)};
    for (size_t i = 0; i < LETTER_HEADERS; i++)
        parts[LETTER_PROPERTIES + i] = header_of(letter, letter_headers[i]);
    return auth_sign(arena, keys, "letter", parts, LETTER_PARTS);
}

bool letter_is_ours(struct arena *arena, const struct auth_keys *keys,
                    const struct delivery *letter, const struct json *headers)
{
    struct str parts[LETTER_PARTS] = {SIGNED_PROPERTIES(letter)};
    for (size_t i = 0; i < LETTER_HEADERS; i++)
        parts[LETTER_PROPERTIES + i] = json_str(json_member(headers, letter_headers[i]));
    return auth_is_signed(arena, keys, "letter", parts, LETTER_PARTS, letter->signature);
}
