/* test_user_forms.c - accounts of a release that knew no forms of addresses get them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/user_forms.h"
#include "shop_case.h"

#define USERS 450 /* more than two parts */

static struct shop shop;
static int parts;

static void count_parts(const struct swept *so_far)
{
    (void)so_far;
    parts++;
}

static struct str id_of(int number)
{
    return str_printf(&shop.arena, "%024x", number);
}

/* As a release before this one has stored it. */
static void put_user(int number, const char *email)
{
    struct user user = {.head = {id_of(number), 3, 1, 1}, .name = STR("Someone")};
    user_set_email(&shop.arena, &user, str_of(email));
    user.email_form = STR_ABSENT;
    user.password_hash = STR("none");
    user.role = CUSTOMER;
    store_fake_put(shop.lane.store, &user_type, &user);
}

static const struct user *user(int number)
{
    return store_fake_get(shop.lane.store, &user_type, id_of(number));
}

static struct user_forms give_forms(enum outcome expected)
{
    struct err err = {0};
    struct user_forms done = {0};
    parts = 0;
    assert_int_equal(users_give_forms(shop.lane.store, &shop.arena, count_parts, &done, &err),
                     expected);
    return done;
}

void test_user_forms__old_accounts_get_the_form_of_their_address(void **state)
{
    (void)state;
    shop_open(&shop);
    for (int i = 1; i <= USERS; i++)
        put_user(i, str_printf(&shop.arena, "Ännä%d@Shöp.example", i).ptr);
    const struct user_forms done = give_forms(OUTCOME_DONE);
    assert_int_equal(done.swept.seen, USERS);
    assert_int_equal(done.swept.written, USERS);
    assert_null(done.twins);
    assert_int_equal(parts, 3);
    assert_string_equal(user(USERS)->email_form.ptr, "ännä450@xn--shp-tna.example");
    assert_string_equal(user(USERS)->email.ptr, "Ännä450@Shöp.example");
    assert_int_equal(user(USERS)->head.version, 4);
    assert_int_equal(user(USERS)->head.updated_at, 1);
    assert_int_equal(give_forms(OUTCOME_DONE).swept.written, 0);
    shop_close(&shop);
}

static void assert_twin(const struct twin *twin, int holder, int other)
{
    assert_non_null(twin);
    assert_string_equal(twin->holder.ptr, id_of(holder).ptr);
    assert_string_equal(twin->id.ptr, id_of(other).ptr);
}

/* In one part and in two; nobody is merged, and what has no form stays without. */
void test_user_forms__twins_are_told_of_and_stay(void **state)
{
    (void)state;
    shop_open(&shop);
    put_user(1, "groß@shop.example");
    put_user(2, "gross@shop.example");
    put_user(3, "snow@☃.example");
    for (int i = 4; i <= USERS; i++)
        put_user(i, str_printf(&shop.arena, "anna%d@shop.example", i).ptr);
    put_user(USERS + 1, "ｇross@shop.example");
    const struct user_forms done = give_forms(OUTCOME_DONE);
    assert_int_equal(done.swept.written, USERS - 2);
    assert_twin(done.twins, 1, 2);
    assert_twin(done.twins->next, 1, USERS + 1);
    assert_null(done.twins->next->next);
    assert_string_equal(user(1)->email_form.ptr, "gross@shop.example");
    assert_true(str_is_absent(user(2)->email_form));
    assert_true(str_is_absent(user(3)->email_form));
    assert_int_equal(user(2)->head.version, 3);

    const struct user_forms again = give_forms(OUTCOME_DONE);
    assert_int_equal(again.swept.written, 0);
    assert_twin(again.twins, 1, 2);
    shop_close(&shop);
}

static void put_misfits(const char *format, int count)
{
    for (int i = 1; i <= count; i++)
        store_fake_put_misfit(shop.lane.store, &user_type, str_printf(&shop.arena, format, i),
                              STR("is odd"));
}

/* What cannot be read is passed over, also where it fills a part. */
void test_user_forms__odd_accounts_are_passed_over(void **state)
{
    (void)state;
    shop_open(&shop);
    put_misfits("%024x", SWEEP_PART);
    put_user(SWEEP_PART + 1, "Änna@shop.example");
    assert_int_equal(give_forms(OUTCOME_DONE).swept.written, 1);
    assert_int_equal(parts, 2);
    shop_close(&shop);
}

/* There is no telling what comes behind such an id. */
void test_user_forms__a_part_of_strange_ids_ends_it(void **state)
{
    (void)state;
    shop_open(&shop);
    put_misfits("!%d", SWEEP_PART);
    give_forms(OUTCOME_BUG);
    shop_close(&shop);
}

/* Somebody registered between the look and the write: the unique index says no, and it is looked again. */
void test_user_forms__somebody_is_faster(void **state)
{
    (void)state;
    shop_open(&shop);
    put_user(1, "groß@shop.example");
    put_user(2, "gross@shop.example");
    store_fake_fail(shop.lane.store, STORE_FAKE_COMMIT, 1, OUTCOME_CONFLICT, false);
    store_fake_fail(shop.lane.store, STORE_FAKE_COMMIT, 2, OUTCOME_UNCERTAIN, true);
    const struct user_forms done = give_forms(OUTCOME_DONE);
    assert_twin(done.twins, 1, 2);
    assert_null(done.twins->next);
    assert_string_equal(user(1)->email_form.ptr, "gross@shop.example");
    shop_close(&shop);
}
