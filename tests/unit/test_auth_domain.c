/* What the domain "auth" serves, and to whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/operations.h"
#include "auth/user.h"
#include "service/topology.h"

static bool has_prefix(const struct domain *domain, const char *name)
{
    for (const char *const *prefix = domain->prefixes; *prefix; prefix++) {
        const size_t len = strlen(*prefix);
        if (strncmp(name, *prefix, len) == 0 && name[len] == '.')
            return true;
    }
    return false;
}

void test_auth_domain__every_operation_is_complete(void **state)
{
    (void)state;
    static const struct domain *const domains[] = {&auth_domain, &password_domain};
    for (size_t w = 0; w < 2; w++)
        for (size_t i = 0; domains[w]->operations[i]; i++) {
            const struct operation *operation = domains[w]->operations[i];
            assert_string_equal(operation->request->name, operation->name);
            assert_non_null(operation->handle);
            assert_non_null(operation->summary);
            assert_int_equal(operation->hashes, domains[w] == &password_domain);
            /* Else a prefix would bring it to the other queue, too. */
            assert_int_equal(has_prefix(domains[w], operation->name),
                             strncmp(operation->name, "user.", 5) == 0);
        }
}

static bool is_bound(const struct bus_topology *topology, const char *queue, const char *pattern)
{
    for (size_t i = 0; i < topology->queue_count; i++)
        for (size_t k = 0; k < topology->queues[i].binding_count; k++)
            if (str_eq(topology->queues[i].name, str_of(queue)) &&
                str_eq(topology->queues[i].bindings[k].pattern, str_of(pattern)))
                return true;
    return false;
}

static bool is_unbound(const struct bus_topology *topology, const char *queue, const char *pattern)
{
    for (size_t i = 0; i < topology->unbinding_count; i++)
        if (str_eq(topology->unbindings[i].target, str_of(queue)) &&
            str_eq(topology->unbindings[i].binding.pattern, str_of(pattern)))
            return true;
    return false;
}

/* Whatever waits for a password, what needs none does not stand in its queue. */
void test_auth_domain__passwords_have_a_queue_of_their_own(void **state)
{
    (void)state;
    static const struct domain *const domains[] = {&auth_domain, &password_domain, NULL};
    static const struct doc_type *const types[] = {NULL};
    static const char *const cheap[] = {"auth.refresh", "auth.logout", "user.#"};
    static const char *const slow[] = {"auth.login", "auth.register"};
    const struct service service = {.domains = domains, .types = types};
    const struct engine_settings settings = {.prefix = STR("t")};
    struct bus_topology topology;
    struct arena arena;
    struct err err;
    arena_init(&arena, 4096);
    assert_int_equal(topology_of(&service, &settings, &arena, &topology, &err), OUTCOME_DONE);
    for (size_t i = 0; i < sizeof(cheap) / sizeof(cheap[0]); i++)
        if (!is_bound(&topology, "t.auth", cheap[i]) || is_bound(&topology, "t.password", cheap[i]))
            fail_msg("%s", cheap[i]);
    for (size_t i = 0; i < sizeof(slow) / sizeof(slow[0]); i++)
        if (is_bound(&topology, "t.auth", slow[i]) || !is_bound(&topology, "t.password", slow[i]))
            fail_msg("%s", slow[i]);
    /* What the release before bound would bring everything to both. */
    assert_false(is_bound(&topology, "t.auth", "auth.#"));
    assert_true(is_unbound(&topology, "t.auth", "auth.#"));
    arena_release(&arena);
}

void test_auth_domain__no_message_reaches_admin_add(void **state)
{
    (void)state;
    assert_null(admin_domain.prefixes[0]);
    assert_false(has_prefix(&auth_domain, admin_add.name));
    for (size_t i = 0; auth_domain.operations[i]; i++)
        assert_ptr_not_equal(auth_domain.operations[i], &admin_add);
}

void test_auth_domain__who_may_what(void **state)
{
    (void)state;
    assert_int_equal(auth_register.who, GUEST);
    assert_int_equal(auth_login.who, GUEST);
    assert_int_equal(auth_refresh.who, GUEST);
    assert_int_equal(auth_logout.who, GUEST);
    assert_int_equal(user_get.who, CUSTOMER);
    assert_int_equal(user_role_set.who, SUPERADMIN);
}

void test_auth_domain__replies_with_tokens_are_secret(void **state)
{
    (void)state;
    for (size_t i = 0; auth_domain.operations[i]; i++) {
        const struct operation *operation = auth_domain.operations[i];
        const bool has_tokens =
            operation->reply && shape_field(operation->reply->shape, STR("refreshToken"));
        assert_int_equal(operation->secret_reply, has_tokens);
    }
}
