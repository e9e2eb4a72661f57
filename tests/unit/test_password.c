/* Passwords; at the lowest cost, so that the tests are quick. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/auth.h"
#include "crypto/common_passwords.h"

static const struct password_cost cheap = {1, 8192};

static struct arena started(void)
{
    struct arena arena;
    struct err err;
    arena_init(&arena, 4096);
    assert_int_equal(auth_init(&err), OUTCOME_DONE);
    return arena;
}

static struct str hashed(struct arena *arena, struct str password, struct password_cost cost)
{
    struct str hash = STR_ABSENT;
    struct err err;
    assert_int_equal(password_hash(arena, password, cost, &hash, &err), OUTCOME_DONE);
    return hash;
}

static bool matches(struct str hash, struct str password)
{
    bool out = false;
    struct err err;
    assert_int_equal(password_verify(hash, password, cheap, &out, &err), OUTCOME_DONE);
    return out;
}

void test_password__matches_only_itself(void **state)
{
    (void)state;
    struct arena arena = started();
    const struct str hash = hashed(&arena, STR("correct horse"), cheap);
    assert_true(str_starts_with(hash, STR("$argon2id$v=19$m=8,t=1,p=1$")));
    assert_true(matches(hash, STR("correct horse")));
    assert_false(matches(hash, STR("correct horsf")));
    assert_false(matches(hash, STR("correct hors")));
    assert_false(matches(hash, STR("")));
    assert_false(str_eq(hash, hashed(&arena, STR("correct horse"), cheap))); /* a salt of its own */
    arena_release(&arena);
}

/* What is compared here by hand is what libsodium means by its text. */
void test_password__agrees_with_libsodium(void **state)
{
    (void)state;
    struct arena arena = started();
    static const struct password_cost costs[] = {{1, 8192}, {2, 32768}, {3, 1048576}};
    for (size_t i = 0; i < 3; i++) {
        char text[crypto_pwhash_STRBYTES];
        const struct str hash = hashed(&arena, STR("pass"), costs[i]);
        assert_int_equal(crypto_pwhash_str_verify(hash.ptr, "pass", 4), 0);
        assert_int_equal(crypto_pwhash_str(text, "pass", 4, (unsigned long long)costs[i].opslimit,
                                           (size_t)costs[i].memlimit_bytes),
                         0);
        assert_true(matches(str_of(text), STR("pass")));
    }
    arena_release(&arena);
}

void test_password__unreadable_hashes_never_match(void **state)
{
    static const char *const hashes[] = {
        NULL,
        "",
        "pass",
        "$argon2id$v=19$m=8,t=1,p=1$",
        "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$",
        "$argon2id$v=19$m=8,t=1,p=2$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=16$m=8,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2i$v=19$m=8,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=999999999,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=8,t=0,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    (void)state;
    struct arena arena = started();
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
        assert_false(matches(str_of(hashes[i]), STR("pass")));
        assert_false(matches(str_of(hashes[i]), STR("")));
        assert_true(password_needs_rehash(str_of(hashes[i]), cheap));
    }
    arena_release(&arena);
}

void test_password__a_raised_cost_asks_for_a_new_hash(void **state)
{
    (void)state;
    struct arena arena = started();
    const struct str hash = hashed(&arena, STR("pass"), (struct password_cost){2, 65536});
    assert_false(password_needs_rehash(hash, (struct password_cost){2, 65536}));
    assert_false(password_needs_rehash(hash, (struct password_cost){1, 65536}));
    assert_false(password_needs_rehash(hash, (struct password_cost){2, 65536 + 1000}));
    assert_true(password_needs_rehash(hash, (struct password_cost){3, 65536}));
    assert_true(password_needs_rehash(hash, (struct password_cost){2, 65536 + 1024}));
    arena_release(&arena);
}

static int64_t work_to_verify(struct str hash, struct password_cost cost)
{
    bool out = false;
    struct err err;
    const int64_t before = password_work();
    assert_int_equal(password_verify(hash, STR("wrong"), cost, &out, &err), OUTCOME_DONE);
    assert_false(out);
    return password_work() - before;
}

/* Else the time would tell which addresses have an account that was made before the cost was raised. */
void test_password__nobody_and_an_old_hash_take_the_same_work(void **state)
{
    (void)state;
    static const struct password_cost now = {3, 256 * 1024};
    static const struct password_cost before[] = {
        {3, 256 * 1024}, {1, 8192},       {2, 256 * 1024},
        {3, 200 * 1024}, {1, 255 * 1024}, {5, 64 * 1024},
    };
    struct arena arena = started();
    const int64_t nobody = work_to_verify(STR_ABSENT, now);
    assert_int_equal(nobody, 3 * 256);
    assert_int_equal(work_to_verify(STR("$argon2id$v=19$nonsense"), now), nobody);
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        const int64_t work = work_to_verify(hashed(&arena, STR("right"), before[i]), now);
        /* But for a rest that is smaller than argon2 can be. */
        assert_in_range(work, nobody - 3 * 8, nobody);
    }
    arena_release(&arena);
}

void test_password__refuses_senseless_costs(void **state)
{
    static const struct password_cost costs[] = {{0, 8192}, {-1, 8192}, {1000, 8192},
                                                 {1, 0},    {1, -5},    {1, 1LL << 40}};
    (void)state;
    struct arena arena = started();
    for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
        struct str hash;
        struct err err;
        bool out;
        assert_int_equal(password_hash(&arena, STR("p"), costs[i], &hash, &err), OUTCOME_BUG);
        assert_int_equal(password_verify(STR_ABSENT, STR("p"), costs[i], &out, &err), OUTCOME_BUG);
    }
    arena_release(&arena);
}

/* Out of memory must not look like a wrong password. In a process of its own, whose address space
 * is limited to what it has. Exit status: what went wrong. */
static int starved(struct str hash)
{
    const struct password_cost large = {1, 512LL * 1024 * 1024};
    const struct rlimit limit = {64 * 1024 * 1024, 64 * 1024 * 1024};
    bool out = true;
    struct err err;
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        return 1;
    if (password_verify(STR_ABSENT, STR("pass"), large, &out, &err) != OUTCOME_RETRY)
        return 2;
    if (password_verify(hash, STR("pass"), large, &out, &err) != OUTCOME_RETRY)
        return 3;
    return out ? 0 : 4;
}

void test_password__no_memory_is_retry(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* its shadow memory does not live with a limit */
#endif
    struct arena arena = started();
    const struct str hash = STR("$argon2id$v=19$m=524288,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$"
                                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    const pid_t child = fork();
    if (child == 0)
        _exit(starved(hash));
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    arena_release(&arena);
}

void test_password__knows_the_common_ones(void **state)
{
    static const struct {
        struct str password;
        bool common;
    } cases[] = {
        {{"password", 8}, true},    {{"PassWord", 8}, true},
        {{"12345678", 8}, true},    {{"trustno1", 8}, true},
        {{"password ", 9}, false},  {{"passwor", 7}, false},
        {{"", 0}, false},           {{NULL, 0}, false},
        {{"password\0", 9}, false}, {{"\xff\xff\xff\xff\xff\xff\xff\xff", 8}, false},
        {{"7vqKx#pL", 8}, false},   {{"passwordpasswordpasswordpassword", 32}, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(password_is_common(cases[i].password), cases[i].common);
}

/* Halving needs the order, and the longest must fit. */
void test_password__the_common_ones_are_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMON_PASSWORDS; i++) {
        const struct str word = str_of(common_passwords[i]);
        assert_true(word.len >= 8 && word.len <= COMMON_PASSWORD_MAX);
        assert_true(password_is_common(word));
        if (i > 0)
            assert_true(str_cmp(str_of(common_passwords[i - 1]), word) < 0);
    }
}
