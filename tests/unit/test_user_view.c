/* The wire form "User", and the key of an account. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/user.h"
#include "wire/json.h"

void test_user_view__shows_what_the_contract_lists(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    const struct user user = {
        .head = {.id = STR("655f1c2e9b1e8a0012345678"),
                 .version = 7,
                 .created_at = 1,
                 .updated_at = 2},
        .name = STR("Ada"),
        .email = STR("Ada@Example.com"),
        .email_key = STR("ada@example.com"),
        .email_form = STR("ada@example.com"),
        .password_hash = STR("$argon2id$"),
        .role = ADMIN,
        .generation = 5,
    };
    const struct str json = json_of_shape(&arena, &user_view_shape, &user);
    assert_string_equal(json.ptr, "{\"id\":\"655f1c2e9b1e8a0012345678\",\"name\":\"Ada\","
                                  "\"email\":\"Ada@Example.com\",\"role\":\"admin\","
                                  "\"createdAt\":\"1970-01-01T00:00:00.001Z\","
                                  "\"updatedAt\":\"1970-01-01T00:00:00.002Z\"}");
    arena_release(&arena);
}

void test_user_view__the_document_keeps_its_hash_secret(void **state)
{
    (void)state;
    const struct field *hash = shape_field(user_type.shape, STR("passwordHash"));
    assert_non_null(hash);
    assert_true(hash->flags & FIELD_SECRET);
    assert_null(shape_field(&user_view_shape, STR("passwordHash")));
}

/* The release before finds an account by a key that only knows a to z. */
void test_user_view__an_account_has_a_key_and_a_form(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    struct user user = {0};
    user_set_email(&arena, &user, STR("Ädä.L@EXAMPLE.com"));
    assert_string_equal(user.email.ptr, "Ädä.L@EXAMPLE.com");
    assert_string_equal(user.email_key.ptr, "Ädä.l@example.com");
    assert_string_equal(user.email_form.ptr, "ädä.l@example.com");
    assert_string_equal(user_email_account(&arena, user.email).ptr, "ädä.l@example.com");

    user_set_email(&arena, &user, STR("Ädä@☃.com"));
    assert_string_equal(user.email_key.ptr, "Ädä@☃.com");
    assert_true(str_is_absent(user.email_form));
    assert_string_equal(user_email_account(&arena, user.email).ptr, "Ädä@☃.com");
    arena_release(&arena);
}
