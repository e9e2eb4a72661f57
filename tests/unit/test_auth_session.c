/* Sessions: what ends them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/session.h"

#define ID "655f1c2e9b1e8a0012345678"

#define NOW 1000000

void test_auth_session__ends_for_each_reason(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        const char *user_id;
        int64_t generation;
        int64_t idle_until;
        int64_t expires_at;
        bool revoked;
        bool live;
    } rows[] = {
        {"nothing", ID, 3, NOW + 1, NOW + 1, false, true},
        {"another user", "655f1c2e9b1e8a0012345679", 3, NOW + 1, NOW + 1, false, false},
        {"all logged out since", ID, 2, NOW + 1, NOW + 1, false, false},
        {"idle for too long", ID, 3, NOW, NOW + 1, false, false},
        {"its end", ID, 3, NOW + 1, NOW, false, false},
        {"revoked", ID, 3, NOW + 1, NOW + 1, true, false},
    };
    const struct user user = {.head.id = STR(ID), .generation = 3};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct session session = {
            .user_id = str_of(rows[i].user_id),
            .generation = rows[i].generation,
            .idle_until = rows[i].idle_until,
            .expires_at = rows[i].expires_at,
            .revoked = rows[i].revoked,
        };
        if (session_is_live(&session, &user, NOW) != rows[i].live)
            fail_msg("%s", rows[i].why);
        assert_false(session_is_live(&session, NULL, NOW));
    }
}

void test_auth_session__tokens_are_a_login_without_its_user(void **state)
{
    (void)state;
    const struct shape *login = login_schema.shape;
    const struct shape *tokens = tokens_schema.shape;
    assert_non_null(shape_field(login, STR("user")));
    assert_null(shape_field(tokens, STR("user")));
    assert_int_equal(tokens->field_count, login->field_count - 1);
    for (size_t i = 0; i < tokens->field_count; i++)
        assert_int_equal(tokens->fields[i].offset, login->fields[i + 1].offset);
}
