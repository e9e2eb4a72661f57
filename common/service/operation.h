/* operation.h - the tables in which a shop tells the engine what it serves. */
#ifndef CARTWRIGHT_SERVICE_OPERATION_H
#define CARTWRIGHT_SERVICE_OPERATION_H

#include "base/err.h"
#include "store/store.h"
#include "wire/schema.h"

struct invariant;
struct job;
struct lane;

/* Who may ask, the lowest role first: each role may do whatever the roles before it may do. */
enum who { GUEST, CUSTOMER, ADMIN, SUPERADMIN };

/* The names of the roles in tokens and documents, ended by NULL: "guest",
 * "customer", "admin", "superadmin". */
extern const char *const who_names[];

enum operation_kind {
    COMMAND,    /* changes documents; needs a message_id, is journalled, is answered once */
    QUERY,      /* reads; needs no message_id, is not journalled */
    SUBSCRIBER, /* handles an event; message_id is the event's id, there is no reply */
};

/* An event that handlers emit and subscribers take up; generated from
 * schemas/<folder>/event/<name>.json. */
struct event_type {
    const char *name;          /* "order.placed": the type, and the routing key */
    const char *summary;       /* one sentence, for `describe` */
    const struct schema *data; /* what it says */
    size_t subject;            /* offset in its data of the struct str that is the subject */
    bool latest_only;          /* of all of one batch with one subject only the last is sent */
};

/* One operation has one file, one schema and one row in its domain's table. The handler is a pure
 * function (job.h); `request` is the struct generated from the schema. */
struct operation {
    const char *name; /* "cart.item.add"; a subscriber's: "notification.order_placed" */
    enum operation_kind kind;
    enum who who;
    const struct schema *request; /* NULL for a subscriber: it gets what its event says */
    enum outcome (*handle)(struct job *job, const void *request, struct err *err);
    const char *summary;                    /* one line, for `describe` */
    const struct schema *reply;             /* what `data` says; NULL: it is {} */
    int status;                             /* status of a success; 0 means 200 */
    const struct error_code *const *errors; /* its own codes, ended by NULL; may be NULL */
    const struct event_type *event;         /* a subscriber's: the event that it handles */
    bool secret_reply; /* the reply holds tokens: the journal keeps it sealed */
    /* The operation hashes a password, which is slow by intent: only a few such messages
     * wait in a lane (batch.c). */
    bool hashes;
};

/* One domain has one request queue, "cartwright.<name>"; a domain that subscribes takes its events
 * from "cartwright.<name>.events". */
struct domain {
    const char *name;
    /* Beginnings of operation names: "cart" binds "cart.#"; ended by NULL. An operation of the
     * domain whose name begins with none of them is bound by its whole name. */
    const char *const *prefixes;
    const struct operation *const *operations; /* ended by NULL */
    /* What must always hold of its documents (invariant.h), ended by NULL. May be NULL. */
    const struct invariant *const *invariants;
    /* Patterns that an earlier release bound and that must not be bound any more;
     * ended by NULL. May be NULL. */
    const char *const *former;
    /* The most messages of the request queue, after which publishers are refused; 0: no limit. It
     * does not hold for partitions. */
    int64_t length_max;
};

/* What the handler gets: the request, or what the event says. */
static inline const struct schema *operation_schema(const struct operation *operation)
{
    return operation->event ? operation->event->data : operation->request;
}

/* Makes what the handler gets: a request is checked by all its rules (the schema must have been
 * prepared), an event is read as schema_read() reads. */
static inline enum outcome operation_decode(const struct operation *operation, struct arena *arena,
                                            const struct json *data, const void **out,
                                            struct err *err)
{
    if (operation->event)
        return schema_read(operation->event->data, arena, data, out, err);
    return schema_decode(operation->request, arena, data, out, err);
}

/* An event that makes the cached pages and copies of a tag stale. */
struct invalidation {
    const struct event_type *event;
    const char *tag;
};

/* The whole shop, given to the engine by the executable. */
struct service {
    const struct domain *const *domains; /* ended by NULL */
    const struct doc_type *const *types; /* ended by NULL */
    const struct invalidation *invalidations;
    size_t invalidation_count;
    /* Runs before the handler unless the token was checked against the account's documents within
     * the last auth.accountCheck and the account's stamp (accounts.c) is still the same. Staff, and
     * callers whom a copy from the delays brings along, are always checked. May NEED documents;
     * refuses with UNAUTHENTICATED when the account is gone, has another role or was logged out.
     * NULL: nobody is checked. */
    enum outcome (*authorize)(struct job *job, struct err *err);
    const void *settings;    /* the shop's own configuration, for job_settings() */
    struct str locale;       /* for lists sorted by name; a BCP 47 tag */
    int64_t access_token_ms; /* life of an access token, ms */
    int64_t cache_ms;        /* life of a cached page or copy, ms */
};

/* To be called once per process, before it serves: compiles the patterns of all requests and events,
 * and checks what no compiler can: that no two domains, operations or collections have one name; that
 * an operation reaches the queue of its own domain only; that each operation says all that its kind
 * needs; that there are at most INVALIDATIONS_MAX invalidations. BUG says which row is wrong. */
MUST_CHECK enum outcome service_prepare(const struct service *service, struct err *err);

/* The most rows of `invalidations`: a lane keeps a bit for each. */
#define INVALIDATIONS_MAX 64

/* The next subscriber of the same event in the table of the same domain; NULL when there is none.
 * An event comes to a domain once, so all its subscribers there are one job: they run in the order
 * of the table, all in one transaction. The journal knows the job by the name of the first, so a
 * new subscriber is added behind the others. */
const struct operation *service_next_subscriber(const struct service *service,
                                                const struct operation *operation);

/* Returns NULL when the operation is not one of this domain's. */
const struct operation *domain_operation(const struct domain *domain, struct str name);
/* Returns NULL when no domain serves the operation. */
const struct operation *service_operation(const struct service *service, struct str name);

#endif
