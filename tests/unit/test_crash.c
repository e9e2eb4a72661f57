/* The last words of a process, as its parent reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/crash.h"

static struct crash_report *crash;
static char text[CRASH_TEXT_MAX];
static void *closed; /* a page that nobody may touch */

__attribute__((noinline)) static void write_nowhere(void)
{
    volatile int *nowhere = closed; /* NULL would be the sanitizer's to find */
    *nowhere = 1;
}

__attribute__((noinline)) static void give_up(void)
{
    abort();
}

__attribute__((noinline)) static int fall_deeper(volatile char *above, int steps)
{
    volatile char room[4096];
    room[0] = *above;
    return steps ? fall_deeper(room, steps - 1) + room[0] : 0;
}

__attribute__((noinline)) static void overflow_the_stack(void)
{
    volatile char first = 1;
    fall_deeper(&first, 1 << 30);
}

static void *work_beside(void *how)
{
    void (*const *die)(void) = how;
    crash_watch_thread("helper");
    (*die)();
    return NULL;
}

static void in_a_thread(void (*how)(void))
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, work_beside, &how) == 0)
        pthread_join(thread, NULL);
}

static void write_nowhere_beside(void)
{
    in_a_thread(write_nowhere);
}

static void overflow_beside(void)
{
    in_a_thread(overflow_the_stack);
}

__attribute__((noinline)) static void wait_for_ever(void)
{
    for (;;)
        pause();
}

/* Gives the signal that ended it. */
static int end_in(void (*how)(void), int signal)
{
    int status = 0;
    crash = mmap(NULL, sizeof(*crash), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    closed = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const pid_t pid = fork();
    if (pid == 0) {
        crash_watch(crash);
        how();
        _exit(0);
    }
    for (int i = 0; signal && i < 50; i++)
        usleep(1000);
    if (signal)
        kill(pid, signal);
    waitpid(pid, &status, 0);
    crash_describe(crash, text);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void assert_holds(const char *part)
{
    if (!strstr(text, part))
        fail_msg("no %s in: %s", part, text);
}

void test_crash__a_fault_is_named_with_its_place(void **state)
{
    (void)state;
    assert_int_equal(end_in(write_nowhere, 0), SIGSEGV);
    assert_int_equal(crash->signal, SIGSEGV);
    assert_holds("write_nowhere+"); /* the first, but for sanitizers, which stand in between */
    assert_holds(" < end_in+");
}

void test_crash__an_abort_is_named_with_its_place(void **state)
{
    (void)state;
    assert_int_equal(end_in(give_up, 0), SIGABRT);
    assert_int_equal(crash->signal, SIGABRT);
    assert_holds("give_up+");
}

/* The ordinary stack is what there is no more of. */
void test_crash__an_overflow_of_the_stack_is_caught(void **state)
{
    (void)state;
    assert_int_equal(end_in(overflow_the_stack, 0), SIGSEGV);
    assert_int_equal(crash->depth, CRASH_FRAMES);
    assert_holds("fall_deeper");
}

void test_crash__a_fault_of_another_thread_names_that(void **state)
{
    (void)state;
    assert_int_equal(end_in(write_nowhere_beside, 0), SIGSEGV);
    assert_string_equal(crash->thread, "helper");
    assert_holds("write_nowhere+");
    assert_int_equal(end_in(overflow_beside, 0), SIGSEGV);
    assert_string_equal(crash->thread, "helper");
    assert_int_equal(end_in(write_nowhere, 0), SIGSEGV);
    assert_string_equal(crash->thread, "");
}

/* As the supervisor cuts a lane: it must not go on after its last words. */
void test_crash__who_is_cut_says_where_and_ends(void **state)
{
    (void)state;
    assert_int_equal(end_in(wait_for_ever, SIGABRT), SIGABRT);
    assert_holds("wait_for_ever+");
}

void test_crash__who_was_killed_has_no_last_words(void **state)
{
    (void)state;
    assert_int_equal(end_in(wait_for_ever, SIGKILL), SIGKILL);
    assert_int_equal(crash->signal, 0);
    assert_string_equal(text, "");
}

void test_crash__a_text_that_is_too_long_ends_with_a_whole_frame(void **state)
{
    (void)state;
    struct crash_report deep = {.signal = SIGSEGV, .depth = CRASH_FRAMES};
    for (int i = 0; i < CRASH_FRAMES; i++)
        deep.frames[i] = (void *)((uintptr_t)0x1234567890abcdef + (uintptr_t)i);
    crash_describe(&deep, text);
    assert_holds("0x1234567890abcdef < 0x1234567890abcdf0");
    assert_true(strlen(text) < CRASH_TEXT_MAX);
}

void test_crash__signals_have_names(void **state)
{
    (void)state;
    char name[CRASH_SIGNAL_MAX];
    crash_signal_name(SIGSEGV, name);
    assert_string_equal(name, "SIGSEGV");
    crash_signal_name(200, name);
    assert_string_equal(name, "signal 200");
}
