/* bus_amqp_reply.c - names of direct reply-to: "amq.rabbitmq.reply-to.<base64>.<base64>".
 *
 * The broker makes these names, but any publisher may write one into reply_to, and RabbitMQ 3.10
 * closes the whole connection of a client that publishes to a name that the broker cannot decode.
 * What it decodes is an Erlang term, whose first byte is 131, so the base64 begins with 'g'. */
#include <ctype.h>

#include "bus/bus_amqp_frames.h"

#define PREFIX      "amq.rabbitmq.reply-to."
#define PROCESS_MIN 20 /* base64 of the smallest process id, with a node name of one letter */

bool reply_is_direct(struct str routing_key)
{
    return str_starts_with(routing_key, STR(PREFIX));
}

static bool is_base64(struct str text)
{
    size_t len = text.len;
    for (int padding = 0; padding < 2 && len > 0 && text.ptr[len - 1] == '='; padding++)
        len--;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text.ptr[i]) && text.ptr[i] != '+' && text.ptr[i] != '/')
            return false;
    return text.len > 0 && text.len % 4 == 0;
}

bool reply_is_well_formed(struct str routing_key)
{
    const size_t prefix = sizeof(PREFIX) - 1;
    const struct str rest = {routing_key.ptr + prefix, routing_key.len - prefix};
    const char *dot = memchr(rest.ptr, '.', rest.len);
    if (!dot)
        return false;
    const struct str process = {rest.ptr, (size_t)(dot - rest.ptr)};
    const struct str key = {dot + 1, rest.len - process.len - 1};
    return process.len >= PROCESS_MIN && process.ptr[0] == 'g' && is_base64(process) &&
           is_base64(key);
}
