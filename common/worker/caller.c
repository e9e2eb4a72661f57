/* caller.c - who sent a message, carried along by the copies that wait in the delay queues.
 *
 * An operator may send a dead letter again days later; then too this seal says who asked.
 *
 * The rounds of the delays may take longer than an access token lives. The caller was verified when
 * the message was admitted; the copy carries that, sealed under our key and bound to the message,
 * so that nobody else can make one. Copies of events carry the seal, too: it tells them from what a
 * stranger puts into the queue. */
#include "wire/json.h"
#include "worker/batch.h"
#include "worker/names.h"

/* The same for all partitions of a worker: their number may change before an operator sends a dead
 * letter again. */
static struct str context_of(struct arena *arena, struct str queue, struct str message_id)
{
    queue = name_without_partition(queue);
    return str_printf(arena, "caller %.*s %.*s", STR_FMT(queue), STR_FMT(message_id));
}

struct str job_seal_caller(const struct job *job)
{
    const struct caller *caller = &job->bearer;
    const struct str plain = str_printf(job->batch->arena, "%s %.*s %.*s", who_names[caller->role],
                                        STR_FMT(caller->id), STR_FMT(caller->session));
    return auth_seal(job->batch->arena, &job->batch->lane->keys,
                     context_of(job->batch->arena, job->delivery->queue, job->delivery->message_id),
                     plain);
}

struct str caller_seal_nobody(struct arena *arena, const struct auth_keys *keys, struct str queue,
                              struct str message_id)
{
    return auth_seal(arena, keys, context_of(arena, queue, message_id),
                     str_printf(arena, "%s  ", who_names[GUEST]));
}

struct str caller_seal_for(struct arena *arena, const struct auth_keys *keys, struct str queue,
                           struct str message_id, struct str sealed, struct str new_id)
{
    struct str plain;
    if (sealed.len == 0 ||
        !auth_unseal(arena, keys, context_of(arena, queue, message_id), sealed, &plain))
        return STR_ABSENT;
    return auth_seal(arena, keys, context_of(arena, queue, new_id), plain);
}

static struct str next_word(struct str *rest)
{
    const char *space = memchr(rest->ptr, ' ', rest->len);
    const size_t len = space ? (size_t)(space - rest->ptr) : rest->len;
    const struct str word = {rest->ptr, len};
    const size_t skip = space ? len + 1 : len;
    *rest = (struct str){rest->ptr + skip, rest->len - skip};
    return word;
}

static bool open_seal(const struct job *job, struct str *plain)
{
    const struct delivery *delivery = job->delivery;
    struct arena *arena = job->batch->arena;
    return delivery->caller.len > 0 &&
           auth_unseal(arena, &job->batch->lane->keys,
                       context_of(arena, delivery->queue, delivery->message_id), delivery->caller,
                       plain);
}

bool job_is_our_copy(const struct job *job)
{
    struct str plain;
    return open_seal(job, &plain);
}

bool job_unseal_caller(struct job *job)
{
    struct arena *arena = job->batch->arena;
    struct str plain;
    if (!open_seal(job, &plain))
        return false;
    const int role = enum_of(who_names, next_word(&plain));
    const struct str id = next_word(&plain);
    if (role < (int)job->operation->who || !id_is_valid(id) || !id_is_valid(plain))
        return false;
    job->bearer = (struct caller){
        .role = (enum who)role,
        .id = str_dup(arena, id),
        .session = str_dup(arena, plain),
    };
    job->authorize = true;
    return true;
}
