/* fuzz_seal.c - no bytes but what we sealed open, for their own message alone, and the caller that comes
 * out is complete.
 *
 * The first byte chooses: 'r' the rest is a seal as it came; else a caller is sealed here, and the rest
 * says until when the seal holds. */
#include <stdlib.h>

#include "base/id.h"
#include "engine/caller.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct auth_keys keys = {.ring = {{.seal = "a key of thirty-two bytes ......"}},
                                      .ring_count = 1};
static const struct sealed_message message = {
    .queue = {"shop.order", 10}, .operation = {"order.place", 11}, .message_id = {"m-1", 3}};
static const struct sealed_message another = {
    .queue = {"shop.order", 10}, .operation = {"order.place", 11}, .message_id = {"m-2", 3}};
static const struct caller asker = {.role = CUSTOMER,
                                    .id = {"0123456789abcdef01234567", 24},
                                    .session = {"89abcdef0123456701234567", 24}};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool opens(struct arena *arena, const struct sealed_message *of, struct str sealed)
{
    struct caller caller;
    if (!caller_unseal(arena, &keys, COPY_SEAL, of, sealed, 0, &caller))
        return false;
    require(caller.role <= SUPERADMIN);
    if (caller.role > GUEST)
        require(id_is_valid(caller.id) && id_is_valid(caller.session));
    return true;
}

/* Bytes of a stranger: nothing was ever sealed under the key that they could be. */
static void check_raw(struct arena *arena, struct str sealed)
{
    require(!opens(arena, &message, sealed));
}

/* Bound to its message, and to every one of its bits: the rest says until when, and where one is
 * bent. */
static void check_sealed(struct arena *arena, struct str rest)
{
    int64_t until_ms = 0;
    memcpy(&until_ms, rest.ptr, rest.len < sizeof(until_ms) ? rest.len : sizeof(until_ms));
    const struct str sealed = caller_seal(arena, &keys, COPY_SEAL, &message, &asker, until_ms);
    require(opens(arena, &message, sealed) == (until_ms >= 0));
    require(!opens(arena, &another, sealed));
    char *forged = arena_copy(arena, sealed.ptr, sealed.len + 1);
    const size_t at = rest.len % sealed.len;
    forged[at] = forged[at] == 'A' ? 'B' : 'A';
    require(!opens(arena, &message, (struct str){forged, sealed.len}));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct err err;
    if (size == 0)
        return 0;
    require(auth_init(&err) == OUTCOME_DONE);
    arena_init(&arena, 4096);
    const struct str rest = {(const char *)data + 1, size - 1};
    if (data[0] == 'r')
        check_raw(&arena, rest);
    else
        check_sealed(&arena, rest);
    arena_release(&arena);
    return 0;
}
