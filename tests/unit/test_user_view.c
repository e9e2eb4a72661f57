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

void test_user_view__an_email_is_one_account_in_any_case(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    assert_string_equal(user_email_key(&arena, STR("Ada.L@EXAMPLE.com")).ptr, "ada.l@example.com");
    arena_release(&arena);
}
