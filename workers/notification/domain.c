/* domain.c - the domain "notification": notifies users, and lets them read their notifications. */
#include "notification/invariants.h"
#include "notification/notification.h"
#include "notification/operations.h"

const struct domain notification_domain = {
    .name = "notification",
    .prefixes = (const char *const[]){"notification", NULL},
    .operations =
        (const struct operation *const[]){
            &notification_list,
            &notification_read,
            &notification_order_placed,
            &notification_order_status_changed,
            &notification_registration_repeated,
            NULL,
        },
    .invariants = (const struct invariant *const[]){&inboxes_invariant, NULL},
};
