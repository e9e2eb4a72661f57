/* losses.c - whether a message costs us the connection to the broker. */
#include "engine/losses.h"

void losses_note(struct losses *losses, uint64_t oldest, int64_t window)
{
    if (oldest == 0)
        return;
    losses->count = oldest == losses->oldest ? losses->count + 1 : 1;
    losses->oldest = oldest;
    if (losses->alone > 0 || losses->count < LOSSES_MAX)
        return;
    losses->alone = window + LOSSES_ALONE_MAX; /* the suspect itself is done again and again */
    losses->count = 0;
}

bool losses_settled(struct losses *losses)
{
    return losses->alone > 0 && --losses->alone == 0;
}

void losses_acquit(struct losses *losses)
{
    losses->count = 0;
}

bool losses_convict(const struct losses *losses, uint64_t digest)
{
    return losses->alone > 0 && losses->count >= LOSSES_ALONE_MAX && digest == losses->oldest;
}
