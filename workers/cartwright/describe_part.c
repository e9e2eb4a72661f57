/* describe_part.c - fills the slots of fixed texts. */
#include "cartwright/describe_part.h"

#include <string.h>

#include "base/err.h"

#define HEAD "=== "

struct str part_section(const char *part, const char *name)
{
    for (const char *at = strstr(part, HEAD); at; at = strstr(at + 1, HEAD)) {
        const char *begin = strchr(at, '\n') + 1;
        const struct str title = {at + strlen(HEAD), (size_t)(begin - 1 - at) - strlen(HEAD)};
        const char *end = strstr(begin, HEAD);
        if (str_eq(title, str_of(name)))
            return (struct str){begin, end ? (size_t)(end - begin) : strlen(begin)};
    }
    panic("a part has no section '%s'", name);
}

/* The length of the slot's name, when a slot begins behind this '@'; else 0. */
static size_t slot_length(const char *at, const char *end)
{
    size_t length = 0;
    while (at + length < end && at[length] >= 'a' && at[length] <= 'z')
        length++;
    return at + length < end && at[length] == '@' ? length : 0;
}

static const struct part_slot *slot_named(const struct part_slot *slots, struct str name)
{
    for (const struct part_slot *slot = slots; slot->name; slot++)
        if (str_eq(str_of(slot->name), name))
            return slot;
    panic("nothing fills the slot '%.*s'", STR_FMT(name));
}

void part_fill(struct describe *describe, struct text *out, struct str part,
               const struct part_slot *slots, const void *item)
{
    const char *end = part.ptr + part.len;
    for (const char *at = part.ptr; at < end; at++) {
        const size_t length = *at == '@' ? slot_length(at + 1, end) : 0;
        if (!length) {
            text_append_char(out, *at);
            continue;
        }
        slot_named(slots, (struct str){at + 1, length})->put(describe, out, item);
        at += length + 1;
    }
}

void part_put_version(struct describe *describe, struct text *out, const void *item)
{
    (void)describe;
    (void)item;
    text_append(out, part_version, strcspn(part_version, "\n"));
}
