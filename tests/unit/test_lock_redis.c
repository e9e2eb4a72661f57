/* What lock_redis.c does without a server: addresses, and being refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lock/lock_redis_tls.h"

struct uri_case {
    const char *uri;
    const char *host; /* NULL: refused, unless there is a path */
    int port;
    const char *user, *password, *db, *path;
};

static void assert_text(struct str text, const char *expected)
{
    assert_int_equal(text.ptr == NULL, expected == NULL);
    if (expected)
        assert_string_equal(text.ptr, expected);
}

void test_lock_redis__reads_addresses(void **state)
{
    static const struct uri_case cases[] = {
        {"redis://localhost", "localhost", 6379, NULL, NULL, NULL, NULL},
        {"redis://10.0.0.7:7000", "10.0.0.7", 7000, NULL, NULL, NULL, NULL},
        {"redis://h:7000/3", "h", 7000, NULL, NULL, "3", NULL},
        {"redis://h:7000/", "h", 7000, NULL, NULL, NULL, NULL},
        {"redis://:s%40cret@h/0", "h", 6379, NULL, "s@cret", "0", NULL},
        {"redis://shop:a:b@c@h:1", "h", 1, "shop", "a:b@c", NULL, NULL},
        {"redis://[::1]:7000", "::1", 7000, NULL, NULL, NULL, NULL},
        {"redis://[::1]", "::1", 6379, NULL, NULL, NULL, NULL},
        {"unix:///run/redis.sock", NULL, 0, NULL, NULL, NULL, "/run/redis.sock"},
        {"", NULL, 0, NULL, NULL, NULL, NULL},
        {"localhost:6379", NULL, 0, NULL, NULL, NULL, NULL},
        {"redis://h?cacertfile=/a", NULL, 0, NULL, NULL, NULL, NULL},
        {"redis://", NULL, 0, NULL, NULL, NULL, NULL},
        {"redis://:6379", NULL, 0, NULL, NULL, NULL, NULL},
        {"redis://h:0", NULL, 0, NULL, NULL, NULL, NULL},
        {"redis://h:65536", NULL, 0, NULL, NULL, NULL, NULL},
        {"redis://h:port", NULL, 0, NULL, NULL, NULL, NULL},
        {"redis://[::1]x:1", NULL, 0, NULL, NULL, NULL, NULL},
        {"redis://[::1", NULL, 0, NULL, NULL, NULL, NULL},
        {"redis://::1", NULL, 0, NULL, NULL, NULL, NULL},
        {"redis://[h", NULL, 0, NULL, NULL, NULL, NULL},
        {"redis://[]", NULL, 0, NULL, NULL, NULL, NULL},
        {"redis://h/x", NULL, 0, NULL, NULL, NULL, NULL},
        {"redis://h/-1", NULL, 0, NULL, NULL, NULL, NULL},
        {"redis://:a%4@h", NULL, 0, NULL, NULL, NULL, NULL},
        {"redis://:a%zz@h", NULL, 0, NULL, NULL, NULL, NULL},
        {"redis://:a%00@h", NULL, 0, NULL, NULL, NULL, NULL},
        {"unix://run/redis.sock", NULL, 0, NULL, NULL, NULL, NULL},
    };
    (void)state;
    struct arena arena;
    struct err err;
    arena_init(&arena, 1024);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct uri_case *c = &cases[i];
        struct redis_address got = {0};
        const enum outcome outcome = redis_address_parse(&arena, str_of(c->uri), &got, &err);
        print_message("%s\n", c->uri);
        assert_int_equal(outcome, c->host || c->path ? OUTCOME_DONE : OUTCOME_INVALID);
        assert_text(got.host, c->host);
        assert_int_equal(got.port, c->port);
        assert_text(got.user, c->user);
        assert_text(got.password, c->password);
        assert_text(got.db, c->db);
        assert_text(got.path, c->path);
    }
    arena_release(&arena);
}

void test_lock_redis__never_shows_the_password(void **state)
{
    (void)state;
    const struct lock_options options = {
        .uri = STR("redis://:hunter2@h:99999"), .prefix = STR("t"), .timeout_ms = 300};
    struct lock *lock = NULL;
    struct err err;
    assert_int_equal(lock_open(&options, &lock, &err), OUTCOME_INVALID);
    assert_null(strstr(err.text, "hunter2"));
    assert_null(lock);
}

void test_lock_redis__reads_addresses_with_tls(void **state)
{
    (void)state;
    struct arena arena;
    struct err err;
    struct redis_address got = {0};
    if (!redis_tls_is_there())
        skip();
    arena_init(&arena, 1024);
    assert_int_equal(
        redis_address_parse(&arena,
                            STR("rediss://ann:a%3Fb@h:7000/3?certfile=/etc/our%20own.pem"
                                "&cacertfile=/etc/ca.pem&keyfile=%2Fetc/key@home.pem"),
                            &got, &err),
        OUTCOME_DONE);
    assert_true(got.tls);
    assert_text(got.host, "h");
    assert_int_equal(got.port, 7000);
    assert_text(got.user, "ann");
    assert_text(got.password, "a?b");
    assert_text(got.db, "3");
    assert_string_equal(got.files.ca_file, "/etc/ca.pem");
    assert_string_equal(got.files.cert_file, "/etc/our own.pem");
    assert_string_equal(got.files.key_file, "/etc/key@home.pem");
    assert_int_equal(redis_address_parse(&arena, STR("rediss://h"), &got, &err), OUTCOME_DONE);
    assert_true(got.tls && !got.files.ca_file && !got.files.cert_file && !got.files.key_file);
    assert_int_equal(redis_address_parse(&arena, STR("redis://h"), &got, &err), OUTCOME_DONE);
    assert_false(got.tls);
    arena_release(&arena);
}

void test_lock_redis__refuses_files_that_cannot_be_used(void **state)
{
    static const char *const uris[] = {
        "rediss://:hunter2@h?certfile=/a",  "rediss://:hunter2@h?keyfile=/a",
        "rediss://:hunter2@h?cacertfile=",  "rediss://:hunter2@h?cacertfile=/a&cacertfile=/b",
        "rediss://:hunter2@h?verify=none",  "rediss://:hunter2@h?cacertfile=/nowhere/ca.pem",
        "rediss://:hunter2@?cacertfile=/a", "rediss://",
    };
    (void)state;
    if (!redis_tls_is_there())
        skip();
    for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
        const struct lock_options options = {
            .uri = str_of(uris[i]), .prefix = STR("t"), .timeout_ms = 300};
        struct lock *lock = NULL;
        struct err err;
        print_message("%s\n", uris[i]);
        assert_int_equal(lock_open(&options, &lock, &err), OUTCOME_INVALID);
        assert_null(strstr(err.text, "hunter2"));
    }
}

void test_lock_redis__says_what_to_do_instead_of_tls(void **state)
{
    (void)state;
    if (redis_tls_is_there())
        skip();
    const struct lock_options options = {
        .uri = STR("rediss://:hunter2@h"), .prefix = STR("t"), .timeout_ms = 300};
    struct lock *lock = NULL;
    struct err err;
    assert_int_equal(lock_open(&options, &lock, &err), OUTCOME_INVALID);
    assert_non_null(strstr(err.text, "stunnel"));
    assert_non_null(strstr(err.text, "unix:///"));
    assert_null(strstr(err.text, "hunter2"));
}

void test_lock_redis__refuses_no_timeout(void **state)
{
    (void)state;
    const struct lock_options options = {.uri = STR("redis://h"), .prefix = STR("t")};
    struct lock *lock = NULL;
    struct err err;
    assert_int_equal(lock_open(&options, &lock, &err), OUTCOME_INVALID);
}

/* One attempt, then a pause in which nothing is tried: the second text says so. */
void test_lock_redis__an_absent_server_is_not_asked_again(void **state)
{
    (void)state;
    const struct lock_options options = {
        .uri = STR("unix:///nonexistent/redis.sock"), .prefix = STR("t"), .timeout_ms = 300};
    struct lock *lock = NULL;
    struct err err;
    const struct str key = STR("k");
    const uint8_t owner[LOCK_OWNER_BYTES] = "o";
    bool granted = false;
    assert_int_equal(lock_open(&options, &lock, &err), OUTCOME_DONE);
    assert_int_equal(lock_take(lock, &key, 1, owner, 1000, &granted, &err), OUTCOME_RETRY);
    assert_non_null(strstr(err.text, "No such file"));
    assert_int_equal(lock_take(lock, &key, 1, owner, 1000, &granted, &err), OUTCOME_RETRY);
    assert_non_null(strstr(err.text, "not tried again yet"));
    assert_int_equal(lock_ping(lock, &err), OUTCOME_RETRY); /* a ping always tries */
    assert_non_null(strstr(err.text, "No such file"));
    lock_close(lock);
}
