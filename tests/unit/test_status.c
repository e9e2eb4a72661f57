/* The status file: what is written is read, a file of somebody else is refused, and a pid alone is no
 * proof of life. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/status.h"
#include "wire/json.h"

static struct arena arena;
static char folder[] = "/tmp/test-status-XXXXXX";

/* The cases write beside each other, in a folder of their own. */
static void begin(void)
{
    arena_init(&arena, 4096);
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
}

static void end(void)
{
    unlink("status.json");
    unlink("other.json");
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(folder), 0);
    arena_release(&arena);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static struct status sample(void)
{
    static struct status_lane lane = {.lane = 1,
                                      .state = {"waiting", 7},
                                      .pid = 12,
                                      .waiting_for = {"no \"broker\"", 11},
                                      .since = 1763651045123};
    static struct str warnings[] = {{"one", 3}, {"two \"quoted\"", 12}};
    static struct status_pool pool = {.name = {"shop", 4}, .lanes = {&lane, 1}};
    return (struct status){.pid = 11,
                           .born = 4711,
                           .written_at = 1,
                           .alive_ms = 99,
                           .state = STR("not ready"),
                           .reason = STR("no lane"),
                           .degraded = true,
                           .warnings = {warnings, 2},
                           .pools = {&pool, 1}};
}

void test_status__what_is_saved_is_loaded(void **state)
{
    (void)state;
    struct status out;
    struct str text;
    struct err err = {0};
    begin();
    const struct status in = sample();
    assert_int_equal(status_save("status.json", &in, &arena, &err), OUTCOME_DONE);
    assert_int_equal(status_load("status.json", &arena, &out, &text, &err), OUTCOME_DONE);
    assert_int_equal(out.pid, 11);
    assert_int_equal(out.born, 4711);
    assert_int_equal(out.alive_ms, 99);
    assert_string_equal(out.state.ptr, "not ready");
    assert_string_equal(out.reason.ptr, "no lane");
    assert_false(out.ready);
    assert_true(out.degraded);
    assert_int_equal(out.warnings.count, 2);
    assert_string_equal(out.warnings.items[1].ptr, "two \"quoted\"");
    const struct json *json;
    assert_int_equal(json_parse(&arena, text, &json, &err), OUTCOME_DONE);
    assert_string_equal(json_str(json_at(json, "/pools/0/lanes/0/waitingFor")).ptr,
                        "no \"broker\"");
    assert_string_equal(json_str(json_at(json, "/pools/0/lanes/0/since")).ptr,
                        "2025-11-20T15:04:05.123Z");
    end();
}

void test_status__a_file_that_is_none_of_ours_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "{", "[]", "{}", "{\"pid\": 1}", "hello"};
    struct status out;
    struct str text;
    struct err err = {0};
    begin();
    assert_int_equal(status_load("none.json", &arena, &out, &text, &err), OUTCOME_RETRY);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        write_text("other.json", texts[i]);
        assert_int_equal(status_load("other.json", &arena, &out, &text, &err), OUTCOME_INVALID);
    }
    end();
}

void test_status__a_place_that_cannot_be_written_is_named(void **state)
{
    (void)state;
    struct err err = {0};
    begin();
    const struct status in = sample();
    assert_int_equal(status_save("no/such/folder.json", &in, &arena, &err), OUTCOME_RETRY);
    assert_non_null(strstr(err.text, "no/such/folder.json"));
    end();
}

void test_status__a_process_is_known_by_its_start(void **state)
{
    (void)state;
    assert_true(process_born(getpid()) > 0);
    assert_int_equal(process_born(getpid()), process_born(getpid()));
    const pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(process_born(pid), -1); /* dead, and nobody has asked for it yet */
    waitpid(pid, NULL, 0);
    assert_int_equal(process_born(pid), -1);
}
