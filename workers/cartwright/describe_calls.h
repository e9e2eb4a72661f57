/* describe_calls.h - the operations as a tree of names, for the clients: cart.item.add stands in
 * item, which stands in cart. */
#ifndef CARTWRIGHT_WORKERS_CARTWRIGHT_DESCRIBE_CALLS_H
#define CARTWRIGHT_WORKERS_CARTWRIGHT_DESCRIBE_CALLS_H

#include "cartwright/describe.h"

/* Operations that share the first words of their names, all of them in a row. */
struct call_group {
    const struct operation *const *first;
    size_t count;
    size_t length; /* of the words that they share, with the dot behind them */
};

/* All operations. */
struct call_group calls_all(const struct describe *describe);
/* Splits off the operations that have the next word in common, too. False when none is left.
 * *word becomes that word; *own the operation that ends with it, or NULL; *inner the others. */
bool calls_next(struct call_group *group, struct str *word, const struct operation **own,
                struct call_group *inner);

#endif
