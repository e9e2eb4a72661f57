/* caller.c - seals: "<role> <id> <session> <until>" under a key of ours, bound to the
 * message by its context. For a guest, the first id is the holder, if there is one; "-"
 * stands for a missing id. */
#include "engine/caller.h"

#include <inttypes.h>

#include "service/names.h"

#define DIGEST_BYTES 32
#define NO_ID        "-"

static const char *const kinds[] = {[COPY_SEAL] = "copy", [LETTER_SEAL] = "letter"};

static struct str context_of(struct arena *arena, enum caller_seal kind,
                             const struct sealed_message *message)
{
    uint8_t digest[DIGEST_BYTES];
    const struct str parts[] = {
        str_of(kinds[kind]), name_without_partition(message->queue),
        message->operation,  message->message_id,
        message->body,       str_printf(arena, "%" PRId64, message->attempt),
    };
    auth_hash(parts, sizeof(parts) / sizeof(parts[0]), digest, sizeof(digest));
    return str_dup(arena, (struct str){(const char *)digest, sizeof(digest)});
}

static struct str or_none(struct str id)
{
    return id.len ? id : STR(NO_ID);
}

struct str caller_seal(struct arena *arena, const struct auth_keys *keys, enum caller_seal kind,
                       const struct sealed_message *message, const struct caller *caller,
                       int64_t until_ms)
{
    return auth_seal(
        arena, keys, context_of(arena, kind, message),
        str_printf(arena, "%s %.*s %.*s %" PRId64, who_names[caller->role],
                   STR_FMT(or_none(caller->role == GUEST ? caller->holder : caller->id)),
                   STR_FMT(or_none(caller->session)), until_ms));
}

static struct str next_word(struct str *rest)
{
    const char *space = rest->len ? memchr(rest->ptr, ' ', rest->len) : NULL;
    const size_t len = space ? (size_t)(space - rest->ptr) : rest->len;
    const struct str word = {rest->ptr, len};
    const size_t skip = space ? len + 1 : len;
    *rest = (struct str){rest->ptr + skip, rest->len - skip};
    return word;
}

static bool read_ids(struct arena *arena, struct str first, struct str second, struct caller *out)
{
    if (out->role == GUEST) {
        out->holder = str_eq(first, STR(NO_ID)) ? STR_ABSENT : str_dup(arena, first);
        return str_eq(second, STR(NO_ID));
    }
    out->id = str_dup(arena, first);
    out->session = str_dup(arena, second);
    return id_is_valid(first) && id_is_valid(second);
}

static bool read_caller(struct arena *arena, struct str plain, int64_t now_ms, struct caller *out)
{
    struct caller caller = {0};
    int64_t until_ms;
    const int role = enum_of(who_names, next_word(&plain));
    if (role < 0)
        return false;
    caller.role = (enum who)role;
    const struct str first = next_word(&plain);
    const struct str second = next_word(&plain);
    if (!read_ids(arena, first, second, &caller) || !str_to_int64(plain, &until_ms) ||
        until_ms < now_ms)
        return false;
    *out = caller;
    return true;
}

bool caller_unseal(struct arena *arena, const struct auth_keys *keys, enum caller_seal kind,
                   const struct sealed_message *message, struct str sealed, int64_t now_ms,
                   struct caller *out)
{
    struct str plain;
    return sealed.len > 0 &&
           auth_unseal(arena, keys, context_of(arena, kind, message), sealed, &plain) &&
           read_caller(arena, plain, now_ms, out);
}
