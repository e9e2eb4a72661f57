/* raw.c - AMQP as a stranger may write it: any property, any header. Short calls over a connection of
 * their own; the library's error is "the broker closed it". */
#include <stdlib.h>

#include "bus/amqp_headers.h"
#include "fault/fault.h"
#include "support/users.h"

#define CHANNEL   1
#define FRAME_MAX 131072

static amqp_connection_state_t open_connection(struct str user)
{
    struct amqp_connection_info info;
    char *uri = strdup(user.ptr);
    if (!uri || amqp_parse_url(uri, &info) != AMQP_STATUS_OK)
        fault_die("the address of RabbitMQ", &(struct err){.text = "it cannot be read"});
    amqp_connection_state_t connection = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(connection);
    if (!socket || amqp_socket_open(socket, info.host, info.port) != AMQP_STATUS_OK ||
        amqp_login(connection, info.vhost, 0, FRAME_MAX, 0, AMQP_SASL_METHOD_PLAIN, info.user,
                   info.password)
                .reply_type != AMQP_RESPONSE_NORMAL ||
        !amqp_channel_open(connection, CHANNEL))
        fault_die("RabbitMQ", &(struct err){.text = "it does not answer"});
    free(uri);
    return connection;
}

static void close_connection(amqp_connection_state_t connection)
{
    amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(connection);
}

static amqp_bytes_t bytes_of(struct str text)
{
    return (amqp_bytes_t){text.len, (void *)(uintptr_t)text.ptr};
}

static void set_text(amqp_basic_properties_t *properties, amqp_flags_t flag, amqp_bytes_t *at,
                     const char *text)
{
    if (!text)
        return;
    properties->_flags |= flag;
    *at = amqp_cstring_bytes(text);
}

#define LEVEL      5   /* bytes of a list in a list */
#define PROPERTIES 700 /* and names, at most */

static int deepest(amqp_connection_state_t connection)
{
    return (amqp_get_frame_max(connection) - PROPERTIES) / LEVEL;
}

/* A list that holds a list that holds ... */
static amqp_field_value_t nested(struct arena *arena, int depth)
{
    amqp_field_value_t value = {.kind = AMQP_FIELD_KIND_ARRAY};
    for (int i = 1; i < depth; i++) {
        amqp_field_value_t *inner = arena_copy(arena, &value, sizeof(value));
        value.value.array = (amqp_array_t){1, inner};
    }
    return value;
}

static void set_headers(struct fault *fault, amqp_connection_state_t connection,
                        const struct raw_message *message, amqp_basic_properties_t *properties)
{
    amqp_table_entry_t *entries = arena_array(&fault->arena, 2, sizeof(*entries));
    int count = 0;
    if (!str_is_absent(message->token)) {
        const struct str bearer = str_printf(&fault->arena, "Bearer %.*s", STR_FMT(message->token));
        entries[count].key = amqp_cstring_bytes("authorization");
        entries[count].value.kind = AMQP_FIELD_KIND_UTF8;
        entries[count++].value.value.bytes = bytes_of(bearer);
    }
    if (message->nested_headers) {
        entries[count].key = amqp_cstring_bytes("x-bomb");
        entries[count++].value =
            nested(&fault->arena, message->nested_headers == RAW_DEEPEST ? deepest(connection)
                                                                         : message->nested_headers);
    }
    properties->_flags |= AMQP_BASIC_HEADERS_FLAG;
    properties->headers = (amqp_table_t){count, entries};
}

/* An RPC comes back after what was published before it, or fails when the broker closed the channel
 * because of that. */
static bool is_still_open(amqp_connection_state_t connection)
{
    amqp_basic_qos(connection, CHANNEL, 0, 1, false);
    return amqp_get_rpc_reply(connection).reply_type == AMQP_RESPONSE_NORMAL;
}

bool raw_publish(struct fault *fault, const struct raw_message *message)
{
    amqp_connection_state_t connection = open_connection(users_web());
    amqp_basic_properties_t properties = {0};
    set_text(&properties, AMQP_BASIC_MESSAGE_ID_FLAG, &properties.message_id, message->message_id);
    set_text(&properties, AMQP_BASIC_REPLY_TO_FLAG, &properties.reply_to, message->reply_to);
    set_text(&properties, AMQP_BASIC_CONTENT_TYPE_FLAG, &properties.content_type,
             message->content_type);
    set_text(&properties, AMQP_BASIC_CONTENT_ENCODING_FLAG, &properties.content_encoding,
             message->content_encoding);
    set_text(&properties, AMQP_BASIC_EXPIRATION_FLAG, &properties.expiration, message->expiration);
    set_headers(fault, connection, message, &properties);
    const int rc = amqp_basic_publish(connection, CHANNEL, bytes_of(fault->exchange),
                                      amqp_cstring_bytes(message->operation), false, false,
                                      &properties, bytes_of(message->body));
    const bool ok = rc == AMQP_STATUS_OK && is_still_open(connection);
    close_connection(connection);
    return ok;
}

void raw_delete_queue(const char *queue)
{
    amqp_connection_state_t connection = open_connection(users_operator());
    if (!amqp_queue_delete(connection, CHANNEL, amqp_cstring_bytes(queue), false, false))
        fault_die("deleting a queue", &(struct err){.text = "refused"});
    close_connection(connection);
}
