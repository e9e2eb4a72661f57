/* Memory that dies together: alignment, zeroes, what is attached, what a clear keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"

#define BLOCK 256

static bool is_aligned(const void *at)
{
    return (uintptr_t)at % _Alignof(max_align_t) == 0;
}

static bool all_zero(const void *at, size_t size)
{
    const unsigned char *bytes = at;
    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

void test_arena__memory_is_zeroed_and_aligned_after_any_text(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, BLOCK);
    for (size_t i = 1; i < 100; i++) {
        memset(arena_bytes(&arena, i), 0xaa, i);
        void *at = arena_alloc(&arena, i);
        assert_true(is_aligned(at));
        assert_true(all_zero(at, i));
        memset(at, 0xbb, i);
        assert_true(is_aligned(arena_copy(&arena, at, i)));
    }
    assert_non_null(arena_alloc(&arena, 0));
    arena_release(&arena);
}

/* Dirty memory that comes back must be zeroed again. */
void test_arena__is_zeroed_again_after_a_clear(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, BLOCK);
    memset(arena_alloc(&arena, BLOCK), 0xff, BLOCK);
    arena_clear(&arena);
    assert_int_equal(arena.used, 0);
    assert_true(all_zero(arena_alloc(&arena, BLOCK), BLOCK));
    arena_release(&arena);
}

void test_arena__a_clear_keeps_one_ordinary_block(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, BLOCK);
    void *first = arena_alloc(&arena, BLOCK);
    arena_alloc(&arena, BLOCK);
    arena_alloc(&arena, 10 * BLOCK);
    void *last = arena_alloc(&arena, BLOCK);
    assert_int_equal(arena.used, 13 * BLOCK);
    arena_clear(&arena);
    void *again = arena_alloc(&arena, BLOCK);
    assert_true(again == first || again == last);
    arena_release(&arena);
    assert_null(arena.blocks);
    assert_int_equal(arena.used, 0);
}

/* What is larger than a block gets one of its own, and nothing overlaps. */
void test_arena__pieces_do_not_overlap(void **state)
{
    (void)state;
    enum { PIECES = 40 };
    struct arena arena;
    unsigned char *pieces[PIECES];
    arena_init(&arena, BLOCK);
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = i % 2 ? arena_alloc(&arena, i * 20) : (void *)arena_bytes(&arena, i * 20);
        memset(pieces[i], (int)i, i * 20);
    }
    for (size_t i = 0; i < PIECES; i++)
        for (size_t k = 0; k < i * 20; k++)
            assert_int_equal(pieces[i][k], i);
    arena_release(&arena);
}

static char order[8];
static size_t released;

static void note_release(void *object)
{
    order[released++] = *(const char *)object;
}

void test_arena__releases_what_is_attached_once_the_last_first(void **state)
{
    (void)state;
    struct arena arena;
    static char names[] = "abc";
    memset(order, 0, sizeof(order));
    released = 0;
    arena_init(&arena, BLOCK);
    for (size_t i = 0; i < 3; i++)
        arena_attach(&arena, note_release, &names[i]);
    arena_clear(&arena);
    assert_string_equal(order, "cba");
    arena_clear(&arena);
    assert_int_equal(released, 3);
    arena_attach(&arena, note_release, &names[1]);
    arena_release(&arena);
    assert_string_equal(order, "cbab");
}

/* An attachment may still read what the arena holds. */
static void read_last(void *object)
{
    order[0] = *(const char *)object;
}

void test_arena__attached_objects_go_before_the_memory(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, BLOCK);
    arena_attach(&arena, read_last, arena_copy(&arena, "x", 2));
    order[0] = '\0';
    arena_release(&arena);
    assert_int_equal(order[0], 'x');
}

void test_arena__grows_an_array_and_keeps_its_elements(void **state)
{
    (void)state;
    struct arena arena;
    int *numbers = NULL;
    size_t capacity = 0;
    arena_init(&arena, BLOCK);
    for (int i = 0; i < 1000; i++) {
        const int *before = numbers;
        const size_t room = capacity;
        numbers = arena_grow(&arena, numbers, (size_t)i, sizeof(*numbers), &capacity);
        assert_true(capacity > (size_t)i);
        assert_int_equal(numbers == before, (size_t)i < room);
        numbers[i] = i;
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(numbers[i], i);
    arena_release(&arena);
}

static void take_too_much(struct arena *arena)
{
    arena_alloc(arena, SIZE_MAX - 10);
}

static void take_an_array_that_wraps(struct arena *arena)
{
    arena_array(arena, SIZE_MAX / 2, 4);
}

/* A size that is out of all reason is our bug, never a small block. */
void test_arena__a_mad_size_ends_the_process(void **state)
{
    (void)state;
    static void (*const takers[])(struct arena *) = {take_too_much, take_an_array_that_wraps};
    for (size_t i = 0; i < 2; i++) {
        const pid_t child = fork();
        if (child == 0) {
            struct arena arena;
            signal(SIGABRT, SIG_DFL); /* cmocka's own would report it */
            (void)!freopen("/dev/null", "w", stderr);
            arena_init(&arena, BLOCK);
            takers[i](&arena);
            _exit(0);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
}
