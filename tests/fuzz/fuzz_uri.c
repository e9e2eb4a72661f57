/* fuzz_uri.c - any text as the URI of the broker or of Redis: an address that can be connected to, or
 * refused with words that do not show it. */
#include <stdlib.h>

#include "bus/bus_amqp_frames.h"
#include "lock/lock_redis.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* The words are constants, so the same for every text. */
static void check_refused(const struct err *err, struct str text)
{
    static const char hidden[] = "hidden";
    require(err->code && err->text[0]);
    if (memmem(text.ptr, text.len, hidden, sizeof(hidden) - 1))
        require(!strstr(err->text, hidden));
}

static void check_c(struct str text)
{
    require(str_is_absent(text) || (str_is_c(text) && text.ptr[text.len] == '\0'));
}

static void check_redis(struct arena *arena, struct str text)
{
    struct redis_address address = {0};
    struct err err = {0};
    if (redis_address_parse(arena, text, &address, &err) != OUTCOME_DONE) {
        check_refused(&err, text);
        return;
    }
    check_c(address.path);
    check_c(address.host);
    check_c(address.user);
    check_c(address.password);
    check_c(address.db);
    require(str_is_absent(address.path) ? address.host.len && address.port > 0 : !address.port);
    require(address.port <= 65535);
    require(!address.files.cert_file == !address.files.key_file);
    require(address.tls || !(address.files.ca_file || address.files.cert_file));
}

static void check_broker(struct str text)
{
    struct bus_uri uri;
    struct err err = {0};
    if (bus_uri_parse(text, &uri, &err) != OUTCOME_DONE) {
        check_refused(&err, text);
        return;
    }
    require(uri.vhost[0] && uri.place_count > 0 && uri.place_count <= BUS_PLACES_MAX);
    for (size_t i = 0; i < uri.place_count; i++)
        require(uri.places[i].host[0] && uri.places[i].port > 0 && uri.places[i].port <= 65535);
    require(!uri.files.cert_file == !uri.files.key_file);
    require(uri.tls || !(uri.files.ca_file || uri.files.cert_file));
    require(strlen(uri.user) + strlen(uri.password) <= text.len + 10); /* guest, guest */
    bus_uri_release(&uri);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    arena_init(&arena, 4096);
    const struct str text = str_dup(&arena, (struct str){(const char *)data, size});
    check_redis(&arena, text);
    check_broker(text);
    arena_release(&arena);
    return 0;
}
