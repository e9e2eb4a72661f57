/* The crash ledger: two deaths convict, others are not touched, a full table forgets the oldest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/blame.h"

static struct blame_table table;

static int die(uint64_t digest)
{
    return blame_record(&table, &(struct death){digest, 0, "SIGSEGV", "cook+0x1"});
}

void test_blame__two_deaths_convict(void **state)
{
    (void)state;
    table = (struct blame_table){0};
    assert_int_equal(die(7), 1);
    assert_null(blame_find(&table, 7));
    assert_int_equal(die(7), 2);
    assert_non_null(blame_find(&table, 7));
    assert_null(blame_find(&table, 8));
}

void test_blame__what_is_known_is_of_the_last_death(void **state)
{
    (void)state;
    table = (struct blame_table){0};
    die(7);
    blame_record(&table, &(struct death){7, 500, "SIGABRT", "wait+0x2"});
    const struct blame *blame = blame_find(&table, 7);
    assert_string_equal(blame->signal, "SIGABRT");
    assert_string_equal(blame->backtrace, "wait+0x2");
    assert_int_equal(blame->hung_ms, 500);
}

void test_blame__who_is_forgotten_begins_anew(void **state)
{
    (void)state;
    table = (struct blame_table){0};
    die(7);
    die(7);
    blame_forget(&table, 7);
    assert_null(blame_find(&table, 7));
    assert_int_equal(die(7), 1);
    assert_null(blame_find(&table, 7));
    blame_forget(&table, 99);
}

void test_blame__a_full_table_forgets_the_oldest(void **state)
{
    (void)state;
    table = (struct blame_table){0};
    for (uint64_t digest = 1; digest <= BLAME_MAX; digest++) {
        die(digest);
        die(digest);
    }
    assert_non_null(blame_find(&table, 1));
    die(1000);
    assert_null(blame_find(&table, 1));
    for (uint64_t digest = 2; digest <= BLAME_MAX; digest++)
        assert_non_null(blame_find(&table, digest));
    assert_int_equal(die(1000), 2);
    assert_non_null(blame_find(&table, 1000));
}
