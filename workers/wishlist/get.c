/* get.c - wishlist.get: the caller's wishlist; an empty one when there is none. */
#include "wishlist/operations.h"
#include "wishlist/wishlist.h"

static enum outcome get_wishlist(struct job *job, const void *request, struct err *err)
{
    (void)request; /* has no members */
    (void)err;     /* nothing to refuse */
    struct wishlist *list = NULL;
    NEED(job, job_own(job, &wishlist_type, DOC_READ, (void **)&list));
    return wishlist_reply(job, list, false);
}

const struct operation wishlist_get = {
    .name = "wishlist.get",
    .kind = QUERY,
    .who = CUSTOMER,
    .request = &wishlist_get_schema,
    .handle = get_wishlist,
    .summary = "The caller's wishlist at today's prices",
    .reply = &wishlist_view_schema,
};
