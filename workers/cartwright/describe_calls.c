/* describe_calls.c - walks through the operations by the words of their names. They are sorted, and no
 * character of a name sorts before the dot, so equal beginnings stand together. */
#include "cartwright/describe_calls.h"

struct call_group calls_all(const struct describe *describe)
{
    struct call_group group = {.first = describe->operations};
    while (group.first[group.count])
        group.count++;
    return group;
}

static struct str word_at(const struct operation *operation, size_t at)
{
    return (struct str){operation->name + at, strcspn(operation->name + at, ".")};
}

bool calls_next(struct call_group *group, struct str *word, const struct operation **own,
                struct call_group *inner)
{
    if (group->count == 0)
        return false;
    *word = word_at(group->first[0], group->length);
    size_t count = 1;
    while (count < group->count && str_eq(word_at(group->first[count], group->length), *word))
        count++;
    const bool ends = word->ptr[word->len] == '\0';
    *own = ends ? group->first[0] : NULL;
    *inner = (struct call_group){group->first + ends, count - ends, group->length + word->len + 1};
    group->first += count;
    group->count -= count;
    return true;
}
