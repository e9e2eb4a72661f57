/* test_accounts_live.c - the forms of addresses on a real database: they are given to the accounts of a
 * release before, are unique, and are found by an index. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "auth/operations.h"
#include "auth/user_forms.h"
#include "schemas/admin.h"
#include "shop_rig.h"

#define USERS 900

static struct user *new_user(int number, const char *email)
{
    struct user *user = ARENA_NEW(&shop.arena, struct user);
    *user = (struct user){.head = {str_printf(&shop.arena, "%024x", number), 1, 1, 1},
                          .name = STR("Someone"),
                          .password_hash = STR("none"),
                          .role = CUSTOMER};
    user_set_email(&shop.arena, user, str_of(email));
    return user;
}

/* As a release that knew no forms stored them: 2 and 3 are twins. */
static void put_old_users(void)
{
    struct write writes[USERS];
    for (int i = 0; i < USERS; i++) {
        const char *email = i == 2   ? "groß@shop.example"
                            : i == 3 ? "GROSS@shop.example"
                                     : str_printf(&shop.arena, "Ännä%d@Shöp.example", i).ptr;
        struct user *user = new_user(i, email);
        user->email_form = STR_ABSENT;
        writes[i] = (struct write){WRITE_INSERT, &user_type, user, 0};
    }
    commit_all(writes, USERS);
}

static void ignore_progress(const struct swept *so_far)
{
    (void)so_far;
}

static struct user_forms give_forms(void)
{
    struct err err = {0};
    struct user_forms done = {0};
    if (users_give_forms(shop.lane.store, &shop.arena, ignore_progress, &done, &err) !=
        OUTCOME_DONE)
        fail_msg("users_give_forms: %s", err.text);
    return done;
}

static size_t found_by(const char *path, const char *value)
{
    struct err err = {0};
    const struct str values[] = {str_of(value), STR("nobody@shop.example")};
    struct store_find find = {.type = &user_type, .path = path, .values = values, .count = 2};
    if (store_find(shop.lane.store, &shop.arena, &find, &err) != OUTCOME_DONE)
        fail_msg("store_find: %s", err.text);
    return find.found.count;
}

static enum outcome insert(const struct user *user, struct err *err)
{
    const int64_t now = clock_now_ms();
    const struct write write = {WRITE_INSERT, &user_type, user, 0};
    const struct commit commit = {
        .id = id_new(&shop.arena, now), .now = now, .writes = &write, .write_count = 1};
    return store_commit(shop.lane.store, &commit, err);
}

void test_accounts_live__old_accounts_get_forms_and_twins_stay(void **state)
{
    (void)state;
    open_shop("accountstest");
    put_old_users();
    assert_int_equal(found_by("emailForm", "gross@shop.example"), 0);
    const struct user_forms done = give_forms();
    assert_int_equal(done.swept.seen, USERS);
    assert_int_equal(done.swept.written, USERS - 1);
    assert_string_equal(done.twins->holder.ptr, "000000000000000000000002");
    assert_string_equal(done.twins->id.ptr, "000000000000000000000003");
    assert_null(done.twins->next);
    assert_int_equal(give_forms().swept.written, 0);

    profile(2);
    assert_int_equal(found_by("emailForm", "gross@shop.example"), 1);
    assert_int_equal(found_by("emailForm", "ännä899@xn--shp-tna.example"), 1);
    assert_int_equal(found_by("emailKey", "gross@shop.example"), 1);
    profile(0);
    const struct plans plans = profiled();
    assert_int_equal(plans.count, 3);
    assert_int_equal(plans.most_examined, 1);
    close_shop();
}

void test_accounts_live__a_form_is_taken_once(void **state)
{
    (void)state;
    struct err err = {0};
    open_shop("accountstest");
    put_old_users(); /* nine hundred without a form */
    give_forms();
    assert_int_equal(insert(new_user(USERS, "anna@shop.example"), &err), OUTCOME_DONE);
    assert_int_equal(insert(new_user(USERS + 1, "ａnna@shop.example"), &err), OUTCOME_CONFLICT);
    assert_non_null(strstr(err.text, "emailForm"));
    assert_int_equal(insert(new_user(USERS + 1, "ＧROSS@shop.example"), &err), OUTCOME_CONFLICT);
    assert_int_equal(insert(new_user(USERS + 1, "anne@shop.example"), &err), OUTCOME_DONE);
    close_shop();
}

/* Two lanes decide at once that an address is free: the index lets one of them through, and the other
 * one, decided anew, hears who was first. */
void test_accounts_live__two_spellings_at_once_are_one_account(void **state)
{
    (void)state;
    static const struct admin_add_request request = {.name = STR("Slow"),
                                                     .email = STR("ＧROẞ@shop.example"),
                                                     .password = STR("quiet river stones")};
    struct err err = {0};
    open_shop("accountstest");
    shop.engine.password_opslimit = 2;
    shop.engine.password_memlimit = 19 << 20;
    struct job *job = shop_send(&shop, &admin_add, GUEST, NULL, &request);
    const struct span span = {shop.jobs, shop.count};
    struct batch *batch = shop_begin(&shop);
    assert_int_equal(batch_decide(batch, span, &err), OUTCOME_DONE);
    assert_int_equal(job->outcome, OUTCOME_DONE);
    assert_true(batch_write_up(batch, span));
    assert_int_equal(insert(new_user(1, "groß@shop.example"), &err), OUTCOME_DONE);
    batch_commit_begin(batch);
    assert_int_equal(batch_commit_end(batch, &err), OUTCOME_CONFLICT);

    shop.count = 0;
    shop_refused(shop_do(&shop, &admin_add, GUEST, NULL, &request), E_EMAIL_TAKEN);
    close_shop();
}

/* The servers' address, with this database as its path. */
static struct str address(void)
{
    const char *uri = getenv("CARTWRIGHT_MONGODB_URI");
    const char *path = strchr(uri + sizeof("mongodb://") - 1, '/');
    const char *rest = path ? path + strcspn(path, "?") : "";
    const size_t servers = path ? (size_t)(path - uri) : strlen(uri);
    return str_printf(&shop.arena, "%.*s/%.*s%s", (int)servers, uri, STR_FMT(database), rest);
}

/* What `cartwright index` says of it. */
static struct str index_output(void)
{
    char line[1024];
    struct text said;
    const struct str command =
        str_printf(&shop.arena,
                   "CARTWRIGHT_MONGODB_URI='%.*s' \"${CARTWRIGHT:-./cartwright}\" index"
                   " --config \"${CONFIG:-config/ci.yaml}\"",
                   STR_FMT(address()));
    FILE *output = popen(command.ptr, "r");
    text_init(&said, &shop.arena, sizeof(line));
    while (fgets(line, sizeof(line), output))
        text_append_str(&said, str_of(line));
    assert_int_equal(pclose(output), 0);
    return text_str(&said);
}

void test_accounts_live__the_command_gives_forms_and_tells_of_twins(void **state)
{
    (void)state;
    open_shop("accountstest");
    put_old_users();
    assert_string_equal(
        index_output().ptr,
        "accounts: 899 got the form of their address\n"
        "accounts: 000000000000000000000002 and 000000000000000000000003 have one address in two"
        " spellings; each logs in by its own\n");
    assert_string_equal(
        index_output().ptr,
        "accounts: 000000000000000000000002 and 000000000000000000000003 have one address in two"
        " spellings; each logs in by its own\n");
    assert_int_equal(found_by("emailForm", "ännä899@xn--shp-tna.example"), 1);
    close_shop();
}
