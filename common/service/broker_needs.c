/* broker_needs.c - what a broker must be told besides exchanges and queues.
 *
 * Outsiders may do so little for two reasons. A user who may configure a name may also declare an
 * exchange by that name, and the bindings of a consistent-hash exchange can exhaust the broker's
 * memory. A user who may write to an exchange may also make the broker write to it, by
 * dead-lettering. So outsiders may configure nothing but queues that the broker itself names. */
#include "service/broker_needs.h"

#include <regex.h>

#include "base/err.h"
#include "base/text.h"

#define OWN_QUEUE "amq\\.gen-"

const struct broker_user broker_users[BROKER_USERS] = {
    {"web", "^" OWN_QUEUE, "^(@requests$|" OWN_QUEUE ")",
     "^(@(events$|notifications$|reply\\.)|" OWN_QUEUE ")"},
    {"worker", "^$", "^(@(events$|notifications$|delay\\.)|amq\\.default$)",
     "^@(?!(dead|delay|reply|subscriber)\\.)[^.]+(\\.[^.]+)?$"},
    {"operator", "^@", "^(@|amq\\.default$)", "^@"},
    {"reader", "^" OWN_QUEUE, "^" OWN_QUEUE,
     "^(@(events$|notifications$|subscriber\\.)|" OWN_QUEUE ")"},
};

const struct broker_policy broker_policies[BROKER_POLICIES] = {
    {"replies", "^@reply\\.",
     "{\"max-length-bytes\":16777216,\"overflow\":\"drop-head\",\"message-ttl\":300000}"},
    {"own-queues", "^" OWN_QUEUE,
     "{\"max-length-bytes\":16777216,\"overflow\":\"drop-head\",\"expires\":3600000}"},
    {"dead", "^@dead\\.",
     "{\"max-length\":100000,\"max-length-bytes\":1073741824,\"overflow\":\"reject-publish\","
     "\"delivery-limit\":1000000000}"},
    {"delays", "^@delay\\.", "{\"delivery-limit\":1000000000}"},
    {"subscribers", "^@subscriber\\.",
     "{\"max-length-bytes\":1073741824,\"overflow\":\"reject-publish\"}"},
};

static void append_escaped(struct text *text, struct str prefix)
{
    for (size_t i = 0; i < prefix.len; i++) {
        if (strchr("\\.^$|?*+()[]{}", prefix.ptr[i]))
            text_append_char(text, '\\');
        text_append_char(text, prefix.ptr[i]);
    }
    text_append_str(text, STR("\\."));
}

struct str broker_pattern(struct arena *arena, const char *pattern, struct str prefix)
{
    struct text text;
    text_init(&text, arena, 128);
    for (const char *at = pattern; *at; at++)
        if (*at == '@')
            append_escaped(&text, prefix);
        else
            text_append_char(&text, *at);
    return text_str(&text);
}

struct str broker_permission_command(struct arena *arena, const struct broker_user *user,
                                     struct str prefix, const char *vhost)
{
    return str_printf(arena, "rabbitmqctl set_permissions -p '%s' %s '%.*s' '%.*s' '%.*s'", vhost,
                      user->name, STR_FMT(broker_pattern(arena, user->configure, prefix)),
                      STR_FMT(broker_pattern(arena, user->write, prefix)),
                      STR_FMT(broker_pattern(arena, user->read, prefix)));
}

struct str broker_policy_command(struct arena *arena, const struct broker_policy *policy,
                                 struct str prefix, const char *vhost)
{
    return str_printf(arena,
                      "rabbitmqctl set_policy -p '%s' --apply-to queues --priority 10 '%.*s-%s' "
                      "'%.*s' '%s'",
                      vhost, STR_FMT(prefix), policy->name,
                      STR_FMT(broker_pattern(arena, policy->pattern, prefix)), policy->definition);
}

static bool matches(const char *pattern, struct str name)
{
    regex_t regex;
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        panic("a pattern of ours cannot be read: %s", pattern);
    const bool found = regexec(&regex, name.ptr, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

const struct broker_policy *broker_policy_of(struct arena *arena, struct str queue,
                                             struct str prefix)
{
    for (size_t i = 0; i < BROKER_POLICIES; i++)
        if (matches(broker_pattern(arena, broker_policies[i].pattern, prefix).ptr, queue))
            return &broker_policies[i];
    return NULL;
}
