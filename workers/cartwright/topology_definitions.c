/* topology_definitions.c - `cartwright topology --definitions FILE`: checks what RabbitMQ itself
 * tells of a broker to a user who may run rabbitmqctl, with all that AMQP does not tell. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cartwright/topology.h"
#include "wire/json.h"

#define FILE_BYTES_MAX ((size_t)16 * 1024 * 1024)

struct compare {
    struct findings *findings;
    const struct json *broker;
};

static struct str text_of(const struct json *object, const char *name)
{
    return json_str(json_member(object, name));
}

static bool is_here(const struct compare *compare, const struct json *object)
{
    return str_eq(text_of(object, "vhost"), str_of(compare->findings->vhost));
}

/* A member of a JSON object, and the text that it must have. Lists end with {0}. */
struct pair {
    const char *name;
    struct str value;
};

static bool has_all(const struct json *object, const struct pair *pairs)
{
    for (; pairs->name; pairs++)
        if (!str_eq(text_of(object, pairs->name), pairs->value))
            return false;
    return true;
}

/* The element of this list, in our vhost, that has all these texts; NULL: there is none. */
static const struct json *find(const struct compare *compare, const char *list,
                               const struct pair *pairs)
{
    const struct json *all = json_member(compare->broker, list);
    for (size_t i = 0; i < json_count(all); i++) {
        const struct json *object = json_element(all, i);
        if (is_here(compare, object) && has_all(object, pairs))
            return object;
    }
    return NULL;
}

static const struct json *find_named(const struct compare *compare, const char *list,
                                     struct str name)
{
    return find(compare, list, (const struct pair[]){{"name", name}, {0}});
}

/* --- exchanges ------------------------------------------------------------------------------------- */

static void compare_exchange(const struct compare *compare, const struct bus_exchange *wanted)
{
    struct findings *findings = compare->findings;
    const struct json *there = find_named(compare, "exchanges", wanted->name);
    const struct json *arguments = json_member(there, "arguments");
    if (!there) {
        finding(findings, CURE_DECLARE, "exchange %.*s is missing", STR_FMT(wanted->name));
        return;
    }
    const struct {
        const char *name;
        struct str is, should_be;
    } rows[] = {
        {"type", text_of(there, "type"), str_of(wanted->kind)},
        {"alternate-exchange", text_of(arguments, "alternate-exchange"), wanted->alternate},
        {"hash-header", text_of(arguments, "hash-header"), str_of(wanted->hash_header)},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (!str_eq(rows[i].is, rows[i].should_be))
            finding(findings, exchange_cure(findings, wanted->name),
                    "exchange %.*s has %s '%.*s' instead of '%.*s'", STR_FMT(wanted->name),
                    rows[i].name, STR_FMT(rows[i].is), STR_FMT(rows[i].should_be));
}

/* --- queues ---------------------------------------------------------------------------------------- */

/* True when our policy sets the limit that the queue itself lacks. A policy cannot raise a limit
 * that the queue has: the smaller one counts. */
static bool policy_sets(const struct compare *compare, struct str queue, const char *argument,
                        int64_t is, int64_t should_be)
{
    struct findings *findings = compare->findings;
    const struct broker_policy *policy = broker_policy_of(findings->arena, queue, findings->prefix);
    if (is != 0 || !policy)
        return false;
    const struct str pattern = broker_pattern(findings->arena, policy->pattern, findings->prefix);
    const struct json *there =
        find(compare, "policies", (const struct pair[]){{"pattern", pattern}, {0}});
    const struct json *definition = json_member(there, "definition");
    return json_int(json_member(definition, argument + strlen("x-")), 0) == should_be;
}

static void compare_numbers(const struct compare *compare, const struct bus_queue *wanted,
                            const struct json *arguments)
{
    struct findings *findings = compare->findings;
    const struct {
        const char *name;
        int64_t should_be;
    } rows[] = {
        {"x-message-ttl", wanted->message_ttl_ms},
        {"x-delivery-limit", wanted->delivery_limit},
        {"x-max-length", wanted->length_max},
        {"x-single-active-consumer", wanted->single_active},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct json *value = json_member(arguments, rows[i].name);
        const int64_t is = json_int(value, json_bool(value, false));
        if (is != rows[i].should_be &&
            !policy_sets(compare, wanted->name, rows[i].name, is, rows[i].should_be))
            finding(findings,
                    queue_cure(findings, wanted->name,
                               is == 0 && strcmp(rows[i].name, "x-delivery-limit") == 0),
                    "queue %.*s has %s %" PRId64 " instead of %" PRId64, STR_FMT(wanted->name),
                    rows[i].name, is, rows[i].should_be);
    }
}

static void compare_texts(struct findings *findings, const struct bus_queue *wanted,
                          const struct json *arguments)
{
    const struct {
        const char *name;
        struct str should_be;
    } rows[] = {
        {"x-queue-type", STR("quorum")},
        {"x-dead-letter-exchange", wanted->dead_exchange},
        {"x-dead-letter-routing-key", wanted->dead_routing_key},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct str is = text_of(arguments, rows[i].name);
        if (!str_eq(is, rows[i].should_be))
            finding(findings, queue_cure(findings, wanted->name, false),
                    "queue %.*s has %s '%.*s' instead of '%.*s'", STR_FMT(wanted->name),
                    rows[i].name, STR_FMT(is), STR_FMT(rows[i].should_be));
    }
}

static void compare_queue(const struct compare *compare, const struct bus_queue *wanted)
{
    const struct json *there = find_named(compare, "queues", wanted->name);
    if (!there) {
        finding(compare->findings, CURE_DECLARE, "queue %.*s is missing", STR_FMT(wanted->name));
        return;
    }
    compare_texts(compare->findings, wanted, json_member(there, "arguments"));
    compare_numbers(compare, wanted, json_member(there, "arguments"));
}

/* --- bindings -------------------------------------------------------------------------------------- */

static bool is_bound(const struct compare *compare, const struct bus_binding *binding,
                     struct str target, bool is_exchange)
{
    return find(compare, "bindings",
                (const struct pair[]){
                    {"source", binding->exchange},
                    {"destination", target},
                    {"destination_type", is_exchange ? STR("exchange") : STR("queue")},
                    {"routing_key", binding->pattern},
                    {0},
                });
}

static void compare_bindings(const struct compare *compare, const struct bus_binding *bindings,
                             size_t count, struct str target, bool is_exchange)
{
    for (size_t i = 0; i < count; i++)
        if (!is_bound(compare, &bindings[i], target, is_exchange))
            finding(compare->findings, CURE_DECLARE, "%s %.*s is not bound to %.*s by '%.*s'",
                    is_exchange ? "exchange" : "queue", STR_FMT(target),
                    STR_FMT(bindings[i].exchange), STR_FMT(bindings[i].pattern));
}

static void compare_unbinding(const struct compare *compare, const struct bus_unbinding *unbinding)
{
    if (is_bound(compare, &unbinding->binding, unbinding->target, unbinding->is_exchange))
        finding(compare->findings, CURE_DECLARE,
                "%.*s gets messages of %.*s by '%.*s' that nobody takes there",
                STR_FMT(unbinding->target), STR_FMT(unbinding->binding.exchange),
                STR_FMT(unbinding->binding.pattern));
}

static void compare_topology(const struct compare *compare, const struct bus_topology *topology)
{
    for (size_t i = 0; i < topology->exchange_count; i++) {
        const struct bus_exchange *exchange = &topology->exchanges[i];
        compare_exchange(compare, exchange);
        compare_bindings(compare, exchange->bindings, exchange->binding_count, exchange->name,
                         true);
    }
    for (size_t i = 0; i < topology->queue_count; i++) {
        const struct bus_queue *queue = &topology->queues[i];
        compare_queue(compare, queue);
        compare_bindings(compare, queue->bindings, queue->binding_count, queue->name, false);
    }
    for (size_t i = 0; i < topology->unbinding_count; i++)
        compare_unbinding(compare, &topology->unbindings[i]);
}

/* --- users and their permissions ------------------------------------------------------------------- */

static bool exists(const struct compare *compare, const char *user)
{
    const struct json *users = json_member(compare->broker, "users");
    for (size_t i = 0; i < json_count(users); i++)
        if (str_eq(text_of(json_element(users, i), "name"), str_of(user)))
            return true;
    return false;
}

static void compare_permissions(const struct compare *compare, const struct broker_user *wanted)
{
    struct findings *findings = compare->findings;
    const struct json *there =
        find(compare, "permissions", (const struct pair[]){{"user", str_of(wanted->name)}, {0}});
    const struct {
        const char *name;
        const char *pattern;
    } rows[] = {{"configure", wanted->configure}, {"write", wanted->write}, {"read", wanted->read}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct str should_be =
            broker_pattern(findings->arena, rows[i].pattern, findings->prefix);
        const struct str is = text_of(there, rows[i].name);
        if (!str_eq(is, should_be))
            finding(findings,
                    broker_permission_command(findings->arena, wanted, findings->prefix,
                                              findings->vhost)
                        .ptr,
                    "user %s may %s '%.*s' instead of '%.*s'", wanted->name, rows[i].name,
                    STR_FMT(is), STR_FMT(should_be));
    }
}

static void compare_users(const struct compare *compare)
{
    struct findings *findings = compare->findings;
    if (exists(compare, "guest"))
        finding(findings, CURE_GUEST, "user guest exists");
    for (size_t i = 0; i < BROKER_USERS; i++) {
        const char *name = broker_users[i].name;
        if (!exists(compare, name))
            finding(findings, str_printf(findings->arena, "rabbitmqctl add_user %s", name).ptr,
                    "there is no user %s", name);
        compare_permissions(compare, &broker_users[i]);
    }
}

static bool is_ours(struct str user)
{
    for (size_t i = 0; i < BROKER_USERS; i++)
        if (str_eq(user, str_of(broker_users[i].name)))
            return true;
    return str_eq(user, STR("guest"));
}

/* Others may share the broker, but a right to everything is one to the names of the shop, too. */
static void compare_others(const struct compare *compare)
{
    static const char *const rights[] = {"configure", "write", "read"};
    const struct json *all = json_member(compare->broker, "permissions");
    for (size_t i = 0; i < json_count(all); i++) {
        const struct json *there = json_element(all, i);
        const struct str user = text_of(there, "user");
        for (size_t k = 0; k < 3 && is_here(compare, there) && !is_ours(user); k++)
            if (str_eq(text_of(there, rights[k]), STR(".*")))
                finding(compare->findings,
                        str_printf(compare->findings->arena,
                                   "rabbitmqctl clear_permissions -p '%s' %.*s, or narrower ones",
                                   compare->findings->vhost, STR_FMT(user))
                            .ptr,
                        "user %.*s may %s everything of the shop", STR_FMT(user), rights[k]);
    }
}

/* --- policies --------------------------------------------------------------------------------------- */

static bool is_same(struct arena *arena, const struct json *is, const char *should_be)
{
    uint8_t digests[2][16];
    struct err err;
    const struct json *wanted;
    if (json_parse(arena, str_of(should_be), &wanted, &err) != OUTCOME_DONE)
        panic("a policy of ours is no JSON: %s", should_be);
    json_fingerprint(is, digests[0]);
    json_fingerprint(wanted, digests[1]);
    return memcmp(digests[0], digests[1], sizeof(digests[0])) == 0;
}

static void compare_policy(const struct compare *compare, const struct broker_policy *wanted)
{
    struct findings *findings = compare->findings;
    const struct str pattern = broker_pattern(findings->arena, wanted->pattern, findings->prefix);
    const char *cure =
        broker_policy_command(findings->arena, wanted, findings->prefix, findings->vhost).ptr;
    const struct json *there =
        find(compare, "policies", (const struct pair[]){{"pattern", pattern}, {0}});
    const struct json *definition = json_member(there, "definition");
    if (!definition)
        finding(findings, cure, "there is no policy for queues %.*s", STR_FMT(pattern));
    else if (!is_same(findings->arena, definition, wanted->definition))
        finding(findings, cure, "the policy for queues %.*s is %.*s", STR_FMT(pattern),
                STR_FMT(json_text(findings->arena, definition)));
}

/* --- the file -------------------------------------------------------------------------------------- */

static enum outcome read_file(struct arena *arena, const char *path, struct str *out,
                              struct err *err)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    if (!file)
        return err_invalid(err, E_VALIDATION_FAILED, "%s: %s", path, strerror(errno));
    char *bytes = arena_bytes(arena, FILE_BYTES_MAX);
    const size_t len = fread(bytes, 1, FILE_BYTES_MAX, file);
    const bool whole = len < FILE_BYTES_MAX && !ferror(file);
    if (file != stdin)
        fclose(file);
    if (!whole)
        return err_invalid(err, E_VALIDATION_FAILED, "%s cannot be read, or has over %zu bytes",
                           path, FILE_BYTES_MAX - 1);
    *out = (struct str){bytes, len};
    return OUTCOME_DONE;
}

enum outcome topology_compare(const char *path, const struct bus_topology *topology,
                              struct findings *findings, struct err *err)
{
    struct str text = STR_ABSENT;
    struct compare compare = {.findings = findings};
    TRY(read_file(findings->arena, path, &text, err));
    struct err reason;
    if (json_parse(findings->arena, text, &compare.broker, &reason) != OUTCOME_DONE)
        return err_invalid(err, E_VALIDATION_FAILED, "%s is not what rabbitmqctl writes: %s", path,
                           reason.text);
    compare_topology(&compare, topology);
    compare_users(&compare);
    compare_others(&compare);
    for (size_t i = 0; i < BROKER_POLICIES; i++)
        compare_policy(&compare, &broker_policies[i]);
    return OUTCOME_DONE;
}
