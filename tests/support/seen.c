/* seen.c - writes down what a test received: a line for each, "<kind> <id> <name>\t<body>". */
#include "support/seen.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Enough of each test to judge; campaigns see hundreds of thousands of the same few forms. */
#define LINES_MAX 50000

/* A file for each process, because the simulation forks. */
static FILE *seen_file(void)
{
    static FILE *file;
    static pid_t owner;
    static int lines;
    char path[PATH_MAX];
    const char *folder = getenv("TEST_SEEN");
    if (!folder)
        return NULL;
    if (owner != getpid()) {
        snprintf(path, sizeof(path), "%s/%d", folder, (int)getpid());
        file = fopen(path, "ae");
        if (!file)
            panic("cannot append to %s", path);
        owner = getpid();
        lines = 0;
    }
    return lines++ < LINES_MAX ? file : NULL;
}

/* Tests send ids and keys with anything in them. */
static bool is_word(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] <= ' ')
            return false;
    return true;
}

/* Nothing of ours has line breaks in it. */
static bool is_line(struct str text)
{
    return !text.len || !memchr(text.ptr, '\n', text.len);
}

static void put_line(const char *kind, struct str id, struct str name, struct str body)
{
    FILE *file = is_word(id) && is_word(name) && is_line(body) ? seen_file() : NULL;
    if (!file)
        return;
    fprintf(file, "%s %.*s %.*s\t%.*s\n", kind, STR_FMT(id), STR_FMT(name), STR_FMT(body));
    fflush(file);
}

static bool ends_with(struct str text, struct str end)
{
    return text.len >= end.len && memcmp(text.ptr + text.len - end.len, end.ptr, end.len) == 0;
}

void seen_sent(struct str id, struct str key)
{
    put_line("sent", id, key, STR(""));
}

void seen_reply(const struct delivery *reply)
{
    if (reply->content_encoding.len == 0)
        seen_answer(reply->correlation_id, reply->body);
}

void seen_answer(struct str correlation, struct str body)
{
    put_line("reply", correlation, STR(""), body);
}

void seen_published(const struct delivery *delivery)
{
    if (delivery->signature.len == 0)
        return;
    if (ends_with(delivery->exchange, STR(".events")))
        put_line("event", delivery->message_id, delivery->routing_key, delivery->body);
    else if (ends_with(delivery->exchange, STR(".notifications")))
        put_line("notification", delivery->message_id, delivery->routing_key, delivery->body);
}
