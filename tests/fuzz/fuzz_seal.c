/* fuzz_seal.c - no bytes but what we sealed open, and whatever was sealed as a caller, the caller that
 * comes out is complete.
 *
 * The first byte chooses: 'r' the rest is a seal as it came; else the rest is sealed here as the
 * caller of a message, so that the inside is reached. */
#include <stdlib.h>

#include "base/id.h"
#include "worker/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CONTEXT "caller shop.order m-1" /* caller.c: queue and message id */

static struct lane lane = {
    .keys = {.ring = {{.seal = "a key of thirty-two bytes ......"}}, .ring_count = 1}};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool opens(struct arena *arena, struct str sealed, struct str message_id)
{
    const struct operation operation = {.name = "order.place", .who = CUSTOMER};
    const struct delivery delivery = {
        .queue = STR("shop.order"), .message_id = message_id, .caller = sealed};
    const struct batch batch = {.lane = &lane, .arena = arena};
    struct job job = {.batch = (struct batch *)(uintptr_t)&batch,
                      .delivery = (struct delivery *)(uintptr_t)&delivery,
                      .operation = &operation};
    if (!job_unseal_caller(&job))
        return false;
    require(job.bearer.role >= CUSTOMER && job.bearer.role <= SUPERADMIN);
    require(id_is_valid(job.bearer.id) && id_is_valid(job.bearer.session) && job.authorize);
    return true;
}

/* Bytes of a stranger: this text is the only one that was ever sealed under the key. */
static void check_raw(struct arena *arena, struct str sealed)
{
    struct str plain = STR_ABSENT;
    if (auth_unseal(arena, &lane.keys, STR(CONTEXT), sealed, &plain))
        require(str_eq(plain, STR("customer 0123456789abcdef01234567 89abcdef0123456701234567")));
}

/* Bound to its message, and to every one of its bits. */
static void check_sealed(struct arena *arena, struct str plain)
{
    struct str out;
    const struct str sealed = auth_seal(arena, &lane.keys, STR(CONTEXT), plain);
    require(auth_unseal(arena, &lane.keys, STR(CONTEXT), sealed, &out) && str_eq(out, plain));
    (void)opens(arena, sealed, STR("m-1"));
    require(!opens(arena, sealed, STR("m-2")));
    char *forged = arena_copy(arena, sealed.ptr, sealed.len + 1);
    const size_t at = plain.len % sealed.len;
    forged[at] = forged[at] == 'A' ? 'B' : 'A';
    require(!opens(arena, (struct str){forged, sealed.len}, STR("m-1")));
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
