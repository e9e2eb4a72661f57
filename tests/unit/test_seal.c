/* Keys, digests, sealing, derived randomness. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/id.h"
#include "crypto/auth.h"

#define HEX_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX_B "f00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX_C "0f0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static const struct auth_keys key = {
    .ring = {{.seal = "a key of thirty-two bytes ......",
              .digest = "a key of thirty-two bytes ......",
              .mac = "one for signing, as long: ......"}},
    .ring_count = 1,
};
static const struct auth_keys other_key = {
    .ring = {{.seal = "another of thirty-two bytes ....",
              .digest = "another of thirty-two bytes ....",
              .mac = "yet one of thirty-two bytes ...."}},
    .ring_count = 1,
};

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
    assert_memory_not_equal(keys.ring[0].seal, keys.ring[0].digest, AUTH_KEY_BYTES);
    assert_memory_not_equal(keys.ring[0].seal, others.ring[0].seal, AUTH_KEY_BYTES);
    assert_string_equal(hex_of(&arena, keys.token, AUTH_KEY_BYTES).ptr, HEX_B);
    arena_release(&arena);
}

void test_seal__refuses_bad_keys(void **state)
{
    static const struct {
        struct str master, token;
        const char *named;
    } cases[] = {
        {{HEX_A, 64}, {HEX_A, 64}, "differ"},
        {{HEX_A, 64}, {HEX_B, 63}, "token"},
        {{HEX_A, 62}, {HEX_B, 64}, "master"},
        {{HEX_A HEX_A, 128}, {HEX_B, 64}, "master"},
        {{ZEROS, 64}, {HEX_B, 64}, "placeholder"},
        {{NULL, 0}, {HEX_B, 64}, "master"},
        {{"g" HEX_A, 64}, {HEX_B, 64}, "master"},
        {{HEX_A, 64}, {"", 0}, "token"},
        {{HEX_A ",", 65}, {HEX_B, 64}, "master"},
        {{HEX_A "," HEX_A, 129}, {HEX_B, 64}, "twice"},
        {{HEX_A "," HEX_B, 129}, {HEX_B, 64}, "differ"},
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
        const struct str sealed = auth_seal(&arena, &key, STR("ctx"), texts[i]);
        assert_true(auth_unseal(&arena, &key, STR("ctx"), sealed, &out));
        assert_true(str_eq(out, texts[i]));
        assert_int_equal(out.ptr[out.len], 0);
        const struct str again = auth_seal(&arena, &key, STR("ctx"), texts[i]);
        assert_false(str_eq(sealed, again)); /* a nonce of its own */
    }
    arena_release(&arena);
}

void test_seal__refuses_what_was_tampered_with(void **state)
{
    (void)state;
    struct arena arena = started();
    const struct str sealed = auth_seal(&arena, &key, STR("orders/1"), STR("secret"));
    struct str out = STR("untouched");
    assert_false(auth_unseal(&arena, &other_key, STR("orders/1"), sealed, &out));
    assert_false(auth_unseal(&arena, &key, STR("orders/2"), sealed, &out));
    assert_false(auth_unseal(&arena, &key, STR(""), sealed, &out));
    assert_false(auth_unseal(&arena, &key, STR("orders/1"), STR(""), &out));
    assert_false(auth_unseal(&arena, &key, STR("orders/1"), STR_ABSENT, &out));
    for (size_t len = 0; len < sealed.len; len++)
        assert_false(
            auth_unseal(&arena, &key, STR("orders/1"), (struct str){sealed.ptr, len}, &out));
    for (size_t i = 0; i < sealed.len; i++) {
        char *bent = arena_copy(&arena, sealed.ptr, sealed.len);
        bent[i] = bent[i] == 'A' ? 'B' : 'A';
        assert_false(
            auth_unseal(&arena, &key, STR("orders/1"), (struct str){bent, sealed.len}, &out));
        bent[i] = '!';
        assert_false(
            auth_unseal(&arena, &key, STR("orders/1"), (struct str){bent, sealed.len}, &out));
    }
    assert_string_equal(out.ptr, "untouched");
    arena_release(&arena);
}

/* While a key is replaced: what the old one sealed and signed holds, and what is new is made with the
 * new one. */
void test_seal__opens_and_verifies_by_every_key_of_the_ring(void **state)
{
    (void)state;
    struct arena arena = started();
    const struct str parts[] = {STR("order-17"), STR("{}")};
    struct auth_keys both = {.ring = {other_key.ring[0], key.ring[0]}, .ring_count = 2};
    struct str out;
    const struct str sealed = auth_seal(&arena, &key, STR("ctx"), STR("old"));
    const struct str signature = auth_sign(&arena, &key, "event", parts, 2);
    assert_true(auth_unseal(&arena, &both, STR("ctx"), sealed, &out) && str_eq(out, STR("old")));
    assert_true(auth_is_signed(&arena, &both, "event", parts, 2, signature));
    const struct str renewed = auth_seal(&arena, &both, STR("ctx"), STR("new"));
    assert_true(auth_unseal(&arena, &other_key, STR("ctx"), renewed, &out));
    assert_false(auth_unseal(&arena, &key, STR("ctx"), renewed, &out));
    assert_true(auth_is_signed(&arena, &other_key, "event", parts, 2,
                               auth_sign(&arena, &both, "event", parts, 2)));
    arena_release(&arena);
}

void test_seal__signatures_are_of_these_parts_and_this_purpose(void **state)
{
    (void)state;
    struct arena arena = started();
    const struct str parts[] = {STR("ab"), STR("c"), STR_ABSENT};
    const struct str moved[] = {STR("a"), STR("bc"), STR_ABSENT};
    const struct str signature = auth_sign(&arena, &key, "event", parts, 3);
    assert_true(auth_is_signed(&arena, &key, "event", parts, 3, signature));
    assert_false(auth_is_signed(&arena, &key, "event", moved, 3, signature));
    assert_false(auth_is_signed(&arena, &key, "event", parts, 2, signature));
    assert_false(auth_is_signed(&arena, &key, "letter", parts, 3, signature));
    assert_false(auth_is_signed(&arena, &other_key, "event", parts, 3, signature));
    assert_false(auth_is_signed(&arena, &key, "event", parts, 3, STR("")));
    assert_false(auth_is_signed(&arena, &key, "event", parts, 3, STR_ABSENT));
    assert_false(auth_is_signed(&arena, &key, "event", parts, 3,
                                auth_seal(&arena, &key, STR("event"), STR(""))));
    for (size_t i = 0; i < signature.len; i++) {
        char *bent = arena_copy(&arena, signature.ptr, signature.len);
        bent[i] = bent[i] == 'A' ? 'B' : 'A';
        assert_false(
            auth_is_signed(&arena, &key, "event", parts, 3, (struct str){bent, signature.len}));
    }
    arena_release(&arena);
}

void test_seal__reads_a_ring_of_master_keys(void **state)
{
    (void)state;
    struct arena arena = started();
    struct err err;
    struct auth_keys ring, first, second;
    assert_int_equal(auth_keys_load(STR(HEX_A "," HEX_C), STR(HEX_B), &ring, &err), OUTCOME_DONE);
    assert_int_equal(auth_keys_load(STR(HEX_A), STR(HEX_B), &first, &err), OUTCOME_DONE);
    assert_int_equal(auth_keys_load(STR(HEX_C), STR(HEX_B), &second, &err), OUTCOME_DONE);
    assert_int_equal(ring.ring_count, 2);
    assert_memory_equal(&ring.ring[0], &first.ring[0], sizeof(ring.ring[0]));
    assert_memory_equal(&ring.ring[1], &second.ring[0], sizeof(ring.ring[0]));
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
    const struct str digest = digest_of(&arena, key.ring[0].digest, STR("ab"), STR("c"));
    assert_true(str_eq(digest, digest_of(&arena, key.ring[0].digest, STR("ab"), STR("c"))));
    assert_false(str_eq(digest, digest_of(&arena, key.ring[0].digest, STR("a"), STR("bc"))));
    assert_false(str_eq(digest, digest_of(&arena, key.ring[0].digest, STR("abc"), STR(""))));
    assert_false(str_eq(digest, digest_of(&arena, other_key.ring[0].digest, STR("ab"), STR("c"))));
    arena_release(&arena);
}

/* The longer result begins with the shorter one, and labels tell streams apart. */
void test_seal__expands_the_same_way_every_time(void **state)
{
    (void)state;
    struct arena arena = started();
    uint8_t small[7], large[200], other[200];
    auth_expand(key.ring[0].digest, STR("ids"), small, sizeof(small));
    auth_expand(key.ring[0].digest, STR("ids"), large, sizeof(large));
    auth_expand(key.ring[0].digest, STR("tokens"), other, sizeof(other));
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

void test_seal__a_box_is_opened_by_its_key_alone(void **state)
{
    (void)state;
    struct arena arena = started();
    struct err err;
    struct auth_keys old, ring, other;
    struct str box, out = STR("untouched");
    assert_int_equal(auth_keys_load(STR(HEX_A), STR(HEX_B), &old, &err), OUTCOME_DONE);
    assert_int_equal(auth_keys_load(STR(HEX_C "," HEX_A), STR(HEX_B), &ring, &err), OUTCOME_DONE);
    assert_int_equal(auth_keys_load(STR(HEX_C), STR(HEX_B), &other, &err), OUTCOME_DONE);
    assert_true(auth_box_seal(&arena, auth_box_key(&arena, &old), STR("quiet river"), &box));
    assert_false(auth_box_open(&arena, &other, box, &out));
    assert_string_equal(out.ptr, "untouched");
    assert_true(auth_box_open(&arena, &old, box, &out) && str_eq(out, STR("quiet river")));
    assert_true(auth_box_open(&arena, &ring, box, &out) && str_eq(out, STR("quiet river")));
    assert_false(auth_box_open(&arena, &old, STR("quiet river"), &out));
    assert_false(auth_box_open(&arena, &old, STR(""), &out));
    assert_false(auth_box_open(&arena, &old, (struct str){box.ptr, box.len - 1}, &out));
    assert_false(auth_box_seal(&arena, STR("no key"), STR("quiet river"), &box));
    arena_release(&arena);
}
