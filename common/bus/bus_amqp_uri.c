/* bus_amqp_uri.c - amqp://user:password@host:port/vhost, taken apart. */
#include <stdlib.h>

#include "bus/bus_amqp_frames.h"

/* Only the scheme is quoted in errors: the rest may hold a password. */
static enum outcome check_scheme(struct str text, struct err *err)
{
    if (!str_is_absent(text) && str_starts_with(text, STR("amqps://")))
        return bug(err, "amqps:// is not supported yet: use amqp:// inside a private network or "
                        "through a TLS proxy");
    if (str_is_absent(text) || !str_starts_with(text, STR("amqp://")) || !str_is_c(text))
        return bug(err, "the broker's URI must look like amqp://user:password@host:5672/vhost");
    return OUTCOME_DONE;
}

enum outcome bus_uri_parse(struct str text, struct bus_uri *out, struct err *err)
{
    TRY(check_scheme(text, err));
    char *copy = strndup(text.ptr, text.len);
    if (!copy)
        panic("out of memory for a URI");
    struct amqp_connection_info info;
    amqp_default_connection_info(&info);
    /* To the library 0 is a port, and "[]" a host. */
    if (amqp_parse_url(copy, &info) != AMQP_STATUS_OK || info.port == 0 || !info.host[0]) {
        free(copy);
        return bug(err, "the broker's URI cannot be read: expected "
                        "amqp://user:password@host:5672/vhost, with special characters of user, "
                        "password and vhost as %%XX");
    }
    *out = (struct bus_uri){
        .text = copy,
        .host = info.host,
        .user = info.user,
        .password = info.password,
        /* "amqp://host/" is taken as the default vhost: one with an empty name is never meant. */
        .vhost = info.vhost[0] ? info.vhost : "/",
        .port = info.port,
    };
    return OUTCOME_DONE;
}

void bus_uri_release(struct bus_uri *uri)
{
    if (uri->text)
        explicit_bzero(uri->text, strlen(uri->text));
    free(uri->text);
    *uri = (struct bus_uri){0};
}
