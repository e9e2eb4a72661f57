/* What the worker "auth" serves, and to whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/operations.h"
#include "auth/user.h"

static bool is_bound(const struct worker *worker, const char *name)
{
    for (const char *const *prefix = worker->prefixes; *prefix; prefix++) {
        const size_t len = strlen(*prefix);
        if (strncmp(name, *prefix, len) == 0 && name[len] == '.')
            return true;
    }
    return false;
}

void test_auth_worker__every_operation_is_complete_and_bound(void **state)
{
    (void)state;
    for (size_t i = 0; auth_worker.operations[i]; i++) {
        const struct operation *operation = auth_worker.operations[i];
        assert_true(is_bound(&auth_worker, operation->name));
        assert_string_equal(operation->request->name, operation->name);
        assert_non_null(operation->handle);
        assert_non_null(operation->summary);
    }
}

void test_auth_worker__no_message_reaches_admin_add(void **state)
{
    (void)state;
    assert_null(admin_worker.prefixes[0]);
    assert_false(is_bound(&auth_worker, admin_add.name));
    for (size_t i = 0; auth_worker.operations[i]; i++)
        assert_ptr_not_equal(auth_worker.operations[i], &admin_add);
}

void test_auth_worker__who_may_what(void **state)
{
    (void)state;
    assert_int_equal(auth_register.who, GUEST);
    assert_int_equal(auth_login.who, GUEST);
    assert_int_equal(auth_refresh.who, GUEST);
    assert_int_equal(auth_logout.who, GUEST);
    assert_int_equal(user_get.who, CUSTOMER);
    assert_int_equal(user_role_set.who, SUPERADMIN);
}

void test_auth_worker__replies_with_tokens_are_secret(void **state)
{
    (void)state;
    for (size_t i = 0; auth_worker.operations[i]; i++) {
        const struct operation *operation = auth_worker.operations[i];
        const bool has_tokens =
            operation->reply && shape_field(operation->reply, STR("refreshToken"));
        assert_int_equal(operation->secret_reply, has_tokens);
    }
}
