/* test_query.c - queries are built as they were meant, mistakes panic by name, and a place survives
 * being a text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_types.h"

static struct arena arena;
static struct query query;

static void begin(void)
{
    arena_init(&arena, 4096);
    query = query_of(&thing_type);
}

static void end(void)
{
    arena_release(&arena);
}

/* --- mistakes ------------------------------------------------------------------------------------ */

static void one_term_too_many(void)
{
    for (size_t i = 0; i <= QUERY_TERMS_MAX; i++)
        query_is(&query, "sku", STR("SKU-1"));
}

static void one_sort_too_many(void)
{
    for (size_t i = 0; i <= QUERY_SORTS_MAX; i++)
        query_sort(&query, "sku", 1);
}

static void one_relevance_too_many(void)
{
    for (size_t i = 0; i <= QUERY_SORTS_MAX; i++)
        query_by_relevance(&query);
}

static void one_any_too_many(void)
{
    for (size_t i = 0; i <= QUERY_ANY_MAX; i++)
        query_any(&query, NULL, 0);
}

static void unknown_field(void)
{
    query_is(&query, "nothing", STR("x"));
}

static void unknown_sort(void)
{
    query_sort(&query, "price.weight", 1);
}

static void unknown_match(void)
{
    static const struct query_match matches[] = {{"tags", false, STR("blue"), 1},
                                                 {"nothing", false, STR("blue"), 1}};
    query_any(&query, matches, COUNT(matches));
}

static void text_of_a_number(void)
{
    query_is(&query, "price.amount", STR("100"));
}

static void number_of_a_text(void)
{
    query_from(&query, "sku", 100);
}

static void number_of_a_bool(void)
{
    query_is_int(&query, "active", 1);
}

static void bool_of_a_number(void)
{
    query_is_bool(&query, "rank", true);
}

static void money_as_a_whole(void)
{
    query_is_int(&query, "price", 100);
}

static void match_of_a_number(void)
{
    static const struct query_match match = {"price.amount", false, STR("100"), 1};
    query_any(&query, &match, 1);
}

static void sort_by_a_list(void)
{
    query_sort(&query, "tags", 1);
}

static void place_by_relevance(void)
{
    query_by_relevance(&query);
    query_sort(&query, "id", 1);
    query_go_on(&query, new_thing(&arena, STR("000000000000000000000001"), STR("SKU-1")));
}

static void place_among_equals(void)
{
    query_sort(&query, "name", 1);
    query_go_on(&query, new_thing(&arena, STR("000000000000000000000001"), STR("SKU-1")));
}

/* What a child that makes the mistake says before it aborts. */
static void words_of(void (*mistake)(void), char *words, size_t size)
{
    int pipe_of[2];
    assert_int_equal(pipe(pipe_of), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(pipe_of[1], STDERR_FILENO);
        mistake();
        _exit(0);
    }
    close(pipe_of[1]);
    const ssize_t got = read(pipe_of[0], words, size - 1);
    words[got > 0 ? got : 0] = '\0';
    close(pipe_of[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

void test_query__mistakes_panic_and_name_the_collection(void **state)
{
    (void)state;
    static void (*const mistakes[])(void) = {
        one_term_too_many, one_sort_too_many, one_relevance_too_many, one_any_too_many,
        unknown_field,     unknown_sort,      unknown_match,          text_of_a_number,
        number_of_a_text,  number_of_a_bool,  bool_of_a_number,       money_as_a_whole,
        match_of_a_number, sort_by_a_list,    place_by_relevance,     place_among_equals};
    for (size_t i = 0; i < COUNT(mistakes); i++) {
        char words[512];
        begin();
        words_of(mistakes[i], words, sizeof(words));
        if (!strstr(words, "things"))
            fail_msg("mistake %zu: %s", i, words);
        end();
    }
}

void test_query__tables_may_be_full(void **state)
{
    (void)state;
    begin();
    for (size_t i = 0; i < QUERY_TERMS_MAX; i++)
        query_is_int(&query, "price.amount", (int64_t)i);
    for (size_t i = 0; i < QUERY_SORTS_MAX; i++)
        query_sort(&query, "sku", i % 2 ? 1 : -1);
    for (size_t i = 0; i < QUERY_ANY_MAX; i++)
        query_any(&query, NULL, 0);
    assert_int_equal(query.terms[QUERY_TERMS_MAX - 1].value.number, QUERY_TERMS_MAX - 1);
    assert_int_equal(query.sorts[QUERY_SORTS_MAX - 1].direction, -1);
    end();
}

/* --- places -------------------------------------------------------------------------------------- */

static struct str place_of(const struct query *of)
{
    struct text text;
    text_init(&text, &arena, 16);
    query_write_place(&text, of);
    return text_str(&text);
}

static void begin_ordered(void)
{
    begin();
    query_sort(&query, "price.amount", -1);
    query_sort(&query, "name", 1);
    query_sort(&query, "id", 1);
    query.limit = 21;
}

void test_query__place_survives_as_text(void **state)
{
    (void)state;
    begin_ordered();
    struct thing *thing = new_thing(&arena, STR("000000000000000000000001"), STR("SKU-1"));
    thing->name = STR("+3;7 2:");
    struct query next = query;
    assert_int_equal(place_of(&query).len, 0);
    query_go_on(&next, NULL);
    assert_string_equal(place_of(&next).ptr, "+21;");
    query_go_on(&next, thing);
    assert_string_equal(place_of(&next).ptr, "255 0:0 7:+3;7 2:0 24:000000000000000000000001");
    query_go_on(&next, NULL);
    query_go_on(&next, NULL);
    struct query read = query;
    assert_true(query_read_place(&read, place_of(&next)));
    assert_true(read.behind);
    assert_int_equal(read.skip, 42);
    assert_int_equal(read.place[0].number, 255);
    assert_string_equal(str_dup(&arena, read.place[1].text).ptr, "+3;7 2:");
    assert_string_equal(place_of(&read).ptr, place_of(&next).ptr);
    end();
}

void test_query__place_from_the_start_may_skip(void **state)
{
    (void)state;
    begin_ordered();
    assert_true(query_read_place(&query, STR("+21;")));
    assert_false(query.behind);
    assert_int_equal(query.skip, 21);
    end();
}

void test_query__unique_sort_has_places(void **state)
{
    (void)state;
    begin();
    query_sort_unique(&query, "sku", -1);
    query_go_on(&query, new_thing(&arena, STR("000000000000000000000001"), STR("SKU-1")));
    assert_string_equal(place_of(&query).ptr, "0 5:SKU-1");
    end();
}

void test_query__text_that_is_no_place_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",     "+",        "+;",     "+1",    "+-1;",          "+1;1",
        "1 0:", "1 0:2 0:", "1 9:ab", "1 -1:", "1 0:2 0:3 0:x", "1 0:2 0:3 0:+1",
        "x"};
    begin_ordered();
    for (size_t i = 0; i < COUNT(texts); i++)
        if (query_read_place(&query, str_of(texts[i])))
            fail_msg("%s", texts[i]);
    end();
}
