/* main.c - the demonstration: replays a file of invoices as a web tier would, over AMQP, and says
 * whether every figure agrees with the file.
 *
 *   demo --file FILE [--rush SECONDS] [--stay]
 *
 * CARTWRIGHT_AMQP_URI says where the broker is, CARTWRIGHT_PREFIX the prefix of its exchanges
 * ("cartwright"). SHOP_ADMIN_EMAIL and SHOP_ADMIN_PASSWORD log in an admin, who fills
 * the catalogue. Exit status: 0 only if every figure agrees; 1 if not; 2 wrong usage.
 *
 * Servers and workers must run. A second run against the same shop works, too. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "demo/demo.h"
#include "support/users.h"

#define EXIT_OK     0
#define EXIT_WRONG  1
#define EXIT_USAGE  2
#define RUSH_MAX    3600 /* seconds */
#define ARENA_BLOCK ((size_t)1024 * 1024)

struct options {
    const char *file;
    bool stay;
    int64_t rush_seconds;
    struct str prefix;
    struct str email;
    struct str password;
};

struct str demo_body(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    const int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *bytes = arena_bytes(arena, (size_t)len + 1);
    vsnprintf(bytes, (size_t)len + 1, format, again);
    va_end(again);
    return (struct str){bytes, (size_t)len};
}

/* --- options ------------------------------------------------------------------------------------- */

static struct str env_or(const char *name, const char *fallback)
{
    const char *value = getenv(name);
    return str_of(value && *value ? value : fallback);
}

static bool read_options(struct options *options, int argc, char **argv)
{
    *options = (struct options){
        .prefix = env_or("CARTWRIGHT_PREFIX", "cartwright"),
        .email = env_or("SHOP_ADMIN_EMAIL", NULL),
        .password = env_or("SHOP_ADMIN_PASSWORD", NULL),
    };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--file") == 0 && i + 1 < argc)
            options->file = argv[++i];
        else if (strcmp(argv[i], "--rush") == 0 && i + 1 < argc &&
                 str_to_int64(str_of(argv[i + 1]), &options->rush_seconds) &&
                 options->rush_seconds >= 0 && options->rush_seconds <= RUSH_MAX)
            i++;
        else if (strcmp(argv[i], "--stay") == 0)
            options->stay = true;
        else
            return false;
    }
    return options->file && !str_is_absent(options->email) && !str_is_absent(options->password);
}

/* --- the run ------------------------------------------------------------------------------------- */

static void listen(void *context)
{
    struct demo *demo = context;
    audience_listen(&demo->audience, 0);
}

static enum outcome open_shop(struct demo *demo, const struct options *options, struct err *err)
{
    const struct str exchange = str_printf(&demo->arena, "%.*s.requests", STR_FMT(options->prefix));
    TRY(web_open(&demo->web, users_web(), exchange, err));
    TRY(audience_open(&demo->audience, options->prefix, err));
    demo->web.idle = listen;
    demo->web.idle_context = demo;
    return OUTCOME_DONE;
}

static bool carry_out(struct demo *demo, const struct options *options)
{
    demo_load(demo, options->email, options->password);
    void (*const parts[])(struct demo *) = {demo_replay, demo_late, demo_rush, demo_audit};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !demo->web.failed; i++)
        parts[i](demo);
    demo_progress_done();
    if (!demo->web.failed)
        return demo_summary(demo);
    fflush(stdout);
    fprintf(stderr, "demo: %s\n", demo->web.failure);
    return false;
}

static bool run(struct demo *demo, const struct options *options)
{
    struct err err = {0};
    bool ok = false;
    if (open_shop(demo, options, &err) == OUTCOME_DONE)
        ok = carry_out(demo, options);
    else
        fprintf(stderr, "demo: %s\n", err.text);
    if (ok && options->stay)
        demo_hints(demo);
    /* Before staying: the broker would miss our heartbeats. */
    audience_close(&demo->audience);
    web_close(&demo->web);
    return ok;
}

/* --- staying ------------------------------------------------------------------------------------- */

static void wake(int number)
{
    (void)number; /* being interrupted is all that is wanted */
}

static void stay_until_told(void)
{
    const struct sigaction action = {.sa_handler = wake};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    pause();
}

int main(int argc, char **argv)
{
    struct options options;
    if (!read_options(&options, argc, argv)) {
        fprintf(stderr, "usage: demo --file FILE [--rush SECONDS] [--stay]\n"
                        "with SHOP_ADMIN_EMAIL and SHOP_ADMIN_PASSWORD set\n");
        return EXIT_USAGE;
    }
    struct err err = {0};
    struct demo *demo = calloc(1, sizeof(*demo));
    if (!demo)
        panic("out of memory");
    arena_init(&demo->arena, ARENA_BLOCK);
    json_init();
    demo->rush_seconds = options.rush_seconds;
    bool ok = false;
    if (plan_read(options.file, &demo->arena, &demo->plan, &err) == OUTCOME_DONE)
        ok = run(demo, &options);
    else
        fprintf(stderr, "demo: %s: %s\n", options.file, err.text);
    arena_release(&demo->arena);
    free(demo);
    if (ok && options.stay)
        stay_until_told();
    return ok ? EXIT_OK : EXIT_WRONG;
}
