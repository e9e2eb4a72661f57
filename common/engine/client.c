/* client.c - who handed a request in: the owner of an API key and, behind a trusted edge, an
 * address.
 *
 * Only limits ask for this. What a stranger writes into a header is worth nothing: a key counts if
 * it is configured, and an address counts if the key of a trusted edge vouches for it. */
#include <arpa/inet.h>

#include "engine/batch.h"

/* Whoever has one IPv6 address has all 2^64 of its network, so only the network counts. */
#define NETWORK_BYTES 8

static bool holds(const struct str *keys, size_t count, struct str given)
{
    bool known = false;
    for (size_t i = 0; i < count; i++)
        known |= keys[i].len == given.len && auth_equal(keys[i].ptr, given.ptr, given.len);
    return known && given.len > 0;
}

enum api_key job_api_key(const struct job *job)
{
    const struct engine_settings *settings = job->batch->lane->settings;
    const struct str given = job->delivery->api_key;
    if (holds(settings->trusted_edges.items, settings->trusted_edges.count, given))
        return API_KEY_TRUSTED_EDGE;
    return holds(settings->api_keys.items, settings->api_keys.count, given) ? API_KEY_PLAIN
                                                                            : API_KEY_UNKNOWN;
}

/* Returns the same bytes for all spellings of an address; absent when the text is no address. */
static struct str address_of(struct arena *arena, struct str text)
{
    struct in6_addr six;
    struct in_addr four;
    if (str_is_absent(text) || !str_is_c(text))
        return STR_ABSENT;
    if (inet_pton(AF_INET, text.ptr, &four) == 1)
        return (struct str){arena_copy(arena, &four, sizeof(four)), sizeof(four)};
    if (inet_pton(AF_INET6, text.ptr, &six) != 1)
        return STR_ABSENT;
    if (IN6_IS_ADDR_V4MAPPED(&six))
        return (struct str){arena_copy(arena, &six.s6_addr[12], sizeof(four)), sizeof(four)};
    return (struct str){arena_copy(arena, &six, NETWORK_BYTES), NETWORK_BYTES};
}

struct client job_client(struct job *job)
{
    struct arena *arena = job_arena(job);
    const enum api_key key = job_api_key(job);
    if (key == API_KEY_UNKNOWN)
        return (struct client){.known_by = CLIENT_UNKNOWN};
    const struct str address =
        key == API_KEY_TRUSTED_EDGE ? address_of(arena, job->delivery->client_ip) : STR_ABSENT;
    const struct str name = str_is_absent(address)
                                ? job->delivery->api_key
                                : str_join(arena, job->delivery->api_key, '\n', address);
    return (struct client){.known_by = str_is_absent(address) ? CLIENT_KEY : CLIENT_ADDRESS,
                           .name = job_secret_digest(job, name)};
}
