/* delivery.c - makes, copies and frees deliveries, and keeps them in lists. */
#include "bus/delivery.h"

#include <stdlib.h>

#include "base/err.h"
#include "bus/delivery_list.h"

#define PROPERTY_OFFSET(member)       offsetof(struct delivery, member),
#define HEADER_OFFSET(member, header) offsetof(struct delivery, member),
/* clang-format off */
static const size_t delivery_strs[] = {
    DELIVERY_PROPERTIES(PROPERTY_OFFSET)
    DELIVERY_HEADERS(HEADER_OFFSET)
    DELIVERY_DEATH(HEADER_OFFSET)
    offsetof(struct delivery, headers),
};
/* clang-format on */

#define DELIVERY_STRS (sizeof(delivery_strs) / sizeof(delivery_strs[0]))

static struct str *str_at(struct delivery *delivery, size_t i)
{
    return (struct str *)(void *)((char *)delivery + delivery_strs[i]);
}

struct delivery delivery_blank(void)
{
    return (struct delivery){
        .deadline = -1, .status = -1, .retry_after_ms = -1, .expiration = -1, .timestamp = -1};
}

/* version-trace-parent-flags in lower-case hex digits: 00-<32>-<16>-01. Neither trace nor parent
 * may be all zeros, ff is not a version, and what a later version may append is not accepted. */
static bool is_traceparent(struct str text)
{
    static const char form[] = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
    static const char hex[] = "0123456789abcdef";
    if (text.len != sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (form[i] == '-' ? text.ptr[i] != '-' : !text.ptr[i] || !strchr(hex, text.ptr[i]))
            return false;
    return memcmp(text.ptr, "ff", 2) != 0 && strspn(text.ptr + 3, "0") < 32 &&
           strspn(text.ptr + 36, "0") < 16;
}

struct delivery *delivery_make(const struct delivery *from, size_t body_len)
{
    struct delivery copy = *from;
    /* The traceparent is repeated in every reply, event and log line, so a malformed one would
     * spread to all of them. */
    if (!is_traceparent(copy.traceparent))
        copy.traceparent = STR_ABSENT;
    size_t size = sizeof(struct delivery_node) + body_len + 1;
    for (size_t i = 0; i < DELIVERY_STRS; i++)
        size += str_at(&copy, i)->len + 1;
    struct delivery_node *node = malloc(size);
    if (!node)
        panic("out of memory for a message of %zu bytes", size);

    char *at = (char *)(node + 1);
    for (size_t i = 0; i < DELIVERY_STRS; i++) {
        struct str *str = str_at(&copy, i);
        if (str_is_absent(*str))
            continue;
        memcpy(at, str->ptr, str->len);
        at[str->len] = '\0';
        str->ptr = at;
        at += str->len + 1;
    }
    at[body_len] = '\0';
    copy.body = (struct str){at, body_len};
    copy.held = size;
    *node = (struct delivery_node){.delivery = copy};
    return &node->delivery;
}

void delivery_free(struct delivery *delivery)
{
    free(delivery);
}

struct delivery *delivery_keep(struct arena *arena, const struct delivery *delivery)
{
    struct delivery *copy = arena_copy(arena, delivery, sizeof(*delivery));
    copy->body = str_dup(arena, copy->body);
    for (size_t i = 0; i < DELIVERY_STRS; i++)
        *str_at(copy, i) = str_dup(arena, *str_at(copy, i));
    return copy;
}

void delivery_list_append(struct delivery_list *list, struct delivery *delivery)
{
    struct delivery_node *node = (struct delivery_node *)(void *)delivery;
    node->next = NULL;
    if (list->last)
        list->last->next = node;
    else
        list->first = node;
    list->last = node;
    list->count++;
}

struct delivery *delivery_list_take(struct delivery_list *list)
{
    struct delivery_node *node = list->first;
    if (!node)
        return NULL;
    list->first = node->next;
    if (!list->first)
        list->last = NULL;
    list->count--;
    return &node->delivery;
}

void delivery_list_clear(struct delivery_list *list)
{
    for (struct delivery *delivery; (delivery = delivery_list_take(list));)
        delivery_free(delivery);
}
