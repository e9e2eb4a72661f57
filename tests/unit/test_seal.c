/* Keys, digests, sealing, derived randomness. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/auth.h"
#include "base/id.h"

#define HEX_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX_B "f00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static const uint8_t key[AUTH_KEY_BYTES] = "a key of thirty-two bytes ......";
static const uint8_t other_key[AUTH_KEY_BYTES] = "another of thirty-two bytes ....";

static struct arena started(void)
{
    struct arena arena;
    struct err err;
    arena_init(&arena, 4096);
    assert_int_equal(auth_init(&err), OUTCOME_DONE);
    return arena;
}

void test_seal__derives_different_keys(void **state)
{
    (void)state;
    struct arena arena = started();
    struct err err;
    struct auth_keys keys, again, others;
    assert_int_equal(auth_keys_load(STR(HEX_A), STR(HEX_B), &keys, &err), OUTCOME_DONE);
    assert_int_equal(auth_keys_load(STR(HEX_A), STR(HEX_B), &again, &err), OUTCOME_DONE);
    assert_int_equal(auth_keys_load(STR(HEX_B), STR(HEX_A), &others, &err), OUTCOME_DONE);
    assert_memory_equal(&keys, &again, sizeof(keys));
    assert_memory_not_equal(keys.seal, keys.digest, AUTH_KEY_BYTES);
    assert_memory_not_equal(keys.seal, others.seal, AUTH_KEY_BYTES);
    assert_string_equal(hex_of(&arena, keys.token, AUTH_KEY_BYTES).ptr, HEX_B);
    arena_release(&arena);
}

void test_seal__refuses_bad_keys(void **state)
{
    static const struct {
        struct str master, token;
        const char *named;
    } cases[] = {
        {{HEX_A, 64}, {HEX_A, 64}, "differ"},      {{HEX_A, 64}, {HEX_B, 63}, "token"},
        {{HEX_A, 62}, {HEX_B, 64}, "master"},      {{HEX_A HEX_A, 128}, {HEX_B, 64}, "master"},
        {{ZEROS, 64}, {HEX_B, 64}, "placeholder"}, {{NULL, 0}, {HEX_B, 64}, "master"},
        {{"g" HEX_A, 64}, {HEX_B, 64}, "master"},  {{HEX_A, 64}, {"", 0}, "token"},
        {{HEX_A, 64}, {"-" HEX_B, 64}, "token"},
    };
    (void)state;
    struct arena arena = started();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err;
        struct auth_keys keys;
        assert_int_equal(auth_keys_load(cases[i].master, cases[i].token, &keys, &err), OUTCOME_BUG);
        assert_non_null(strstr(err.text, cases[i].named));
        assert_null(strstr(err.text, "0102"));
    }
    arena_release(&arena);
}

void test_seal__opens_what_it_sealed(void **state)
{
    (void)state;
    struct arena arena = started();
    const struct str plain = {"a\0b", 3};
    const struct str texts[] = {plain, STR(""),
                                STR("a longer text, of more than one block of the "
                                    "stream cipher underneath it all....")};
    for (size_t i = 0; i < 3; i++) {
        struct str out = STR_ABSENT;
        const struct str sealed = auth_seal(&arena, key, STR("ctx"), texts[i]);
        assert_true(auth_unseal(&arena, key, STR("ctx"), sealed, &out));
        assert_true(str_eq(out, texts[i]));
        assert_int_equal(out.ptr[out.len], 0);
        const struct str again = auth_seal(&arena, key, STR("ctx"), texts[i]);
        assert_false(str_eq(sealed, again)); /* a nonce of its own */
    }
    arena_release(&arena);
}

void test_seal__refuses_what_was_tampered_with(void **state)
{
    (void)state;
    struct arena arena = started();
    const struct str sealed = auth_seal(&arena, key, STR("orders/1"), STR("secret"));
    struct str out = STR("untouched");
    assert_false(auth_unseal(&arena, other_key, STR("orders/1"), sealed, &out));
    assert_false(auth_unseal(&arena, key, STR("orders/2"), sealed, &out));
    assert_false(auth_unseal(&arena, key, STR(""), sealed, &out));
    assert_false(auth_unseal(&arena, key, STR("orders/1"), STR(""), &out));
    assert_false(auth_unseal(&arena, key, STR("orders/1"), STR_ABSENT, &out));
    for (size_t len = 0; len < sealed.len; len++)
        assert_false(
            auth_unseal(&arena, key, STR("orders/1"), (struct str){sealed.ptr, len}, &out));
    for (size_t i = 0; i < sealed.len; i++) {
        char *bent = arena_copy(&arena, sealed.ptr, sealed.len);
        bent[i] = bent[i] == 'A' ? 'B' : 'A';
        assert_false(
            auth_unseal(&arena, key, STR("orders/1"), (struct str){bent, sealed.len}, &out));
        bent[i] = '!';
        assert_false(
            auth_unseal(&arena, key, STR("orders/1"), (struct str){bent, sealed.len}, &out));
    }
    assert_string_equal(out.ptr, "untouched");
    arena_release(&arena);
}

static struct str digest_of(struct arena *arena, const uint8_t *with, struct str a, struct str b)
{
    const struct str parts[] = {a, b};
    uint8_t digest[32];
    auth_digest(with, parts, 2, digest, sizeof(digest));
    return hex_of(arena, digest, sizeof(digest));
}

void test_seal__digests_tell_parts_and_keys_apart(void **state)
{
    (void)state;
    struct arena arena = started();
    const struct str digest = digest_of(&arena, key, STR("ab"), STR("c"));
    assert_true(str_eq(digest, digest_of(&arena, key, STR("ab"), STR("c"))));
    assert_false(str_eq(digest, digest_of(&arena, key, STR("a"), STR("bc"))));
    assert_false(str_eq(digest, digest_of(&arena, key, STR("abc"), STR(""))));
    assert_false(str_eq(digest, digest_of(&arena, other_key, STR("ab"), STR("c"))));
    arena_release(&arena);
}

/* The longer result begins with the shorter one, and labels tell streams apart. */
void test_seal__expands_the_same_way_every_time(void **state)
{
    (void)state;
    struct arena arena = started();
    uint8_t small[7], large[200], other[200];
    auth_expand(key, STR("ids"), small, sizeof(small));
    auth_expand(key, STR("ids"), large, sizeof(large));
    auth_expand(key, STR("tokens"), other, sizeof(other));
    assert_memory_equal(small, large, sizeof(small));
    assert_memory_not_equal(large, other, sizeof(large));
    assert_memory_not_equal(large, large + 64, 64); /* the next block is another one */
    assert_memory_not_equal(large + 64, large + 128, 64);
    arena_release(&arena);
}

void test_seal__base64url_has_the_letters_of_urls(void **state)
{
    (void)state;
    struct arena arena = started();
    assert_string_equal(base64url(&arena, "\xfb\xff\xfe", 3).ptr, "-__-");
    assert_string_equal(base64url(&arena, "a", 1).ptr, "YQ");
    assert_string_equal(base64url(&arena, "", 0).ptr, "");
    assert_true(auth_equal("abc", "abc", 3));
    assert_false(auth_equal("abc", "abd", 3));
    arena_release(&arena);
}
