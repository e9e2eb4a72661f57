/* tls_files.c - the TLS files that a URI names, with the parameters of RabbitMQ's own URIs. */
#include "tls/tls.h"

static struct str between(const char *from, const char *to)
{
    return (struct str){from, (size_t)(to - from)};
}

static const char **file_named(struct tls_files *files, struct str name)
{
    if (str_eq(name, STR("cacertfile")))
        return &files->ca_file;
    if (str_eq(name, STR("certfile")))
        return &files->cert_file;
    return str_eq(name, STR("keyfile")) ? &files->key_file : NULL;
}

/* A decoded name is never longer than its encoded form, and its NUL takes the place of the '=', so
 * *room is large enough. */
static bool parse_one(struct str text, char **room, struct tls_files *out)
{
    const char *equals = memchr(text.ptr, '=', text.len);
    if (!equals)
        return false;
    const char **place = file_named(out, between(text.ptr, equals));
    struct str name;
    if (!place || *place ||
        !str_percent_decode(between(equals + 1, text.ptr + text.len), *room, &name))
        return false;
    *place = name.ptr;
    *room += name.len + 1;
    return name.len > 0;
}

const char *tls_files_parse(struct str query, char *room, struct tls_files *out)
{
    struct tls_files files = {0};
    const char *from = query.ptr;
    const char *end = query.ptr + query.len;
    while (query.len && from <= end) {
        const char *next = memchr(from, '&', (size_t)(end - from));
        if (!parse_one(between(from, next ? next : end), &room, &files))
            return "takes cacertfile=, certfile= and keyfile= behind the '?', each once, with the "
                   "name of a file";
        from = (next ? next : end) + 1;
    }
    if (!files.cert_file != !files.key_file)
        return "must have both certfile= and keyfile=, or none of them";
    *out = files;
    return NULL;
}
